"""A warmed parent: a process that has imported what every exam needs and forks one for each, so that an import is paid for once.

    python -P warm.py SOCKET [torch | keras]

It answers on a Unix socket: a job, one line of JSON (see `Job`), is answered by one line of JSON (see `Finished`). Around each job:

    this process ──fork──> supervisor ──fork──> gate ──fork──> nbval ──fork──> kernel
                           watches, kills       enters the     runs the        runs the learner's code
                                                namespaces     notebook

The kernel process holds nothing but libraries: `course_lib` is here a package without its modules, for those know the results.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import resource
import signal
import socket
import socketserver
import struct
import sys
import tempfile
import time
import types
from contextlib import suppress
from pathlib import Path

COURSE_LIB = Path(__file__).resolve().parents[1]
os.environ |= dict.fromkeys(["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1")
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MPLBACKEND": "agg"}
bare = types.ModuleType("course_lib")
bare.__path__ = [str(COURSE_LIB)]
sys.modules["course_lib"] = bare

import nbval.kernel  # noqa: E402
import nbval.plugin  # noqa: E402, F401
import numpy  # noqa: E402
import pytest  # noqa: E402
from ipykernel.kernelapp import IPKernelApp  # noqa: E402
from jupyter_client.provisioning import local_provisioner  # noqa: E402

from course_lib.grading import exam, probing, supervisor, walls  # noqa: E402, F401
from course_lib.quiet import quiet  # noqa: E402

bare.quiet = quiet
PRINTED_MOST = 1_000_000  # bytes that a notebook may print
LARGEST_FILE, OPEN_FILES = 8_000_000, 128  # bytes


# --- a job, seen from outside the walls ------------------------------------------------------------------------------------------------


class Supervisor(socketserver.StreamRequestHandler):
    """One job, in a process of its own."""

    def handle(self) -> None:
        job = exam.Job(**json.loads(self.rfile.readline()))
        walls.end_with_parent()
        walls.adopt_orphans()
        gate = os.fork()
        if gate == 0:
            run_in_child(lambda: enter_gate(job))
        self.wfile.write(exam.to_line(supervisor.watch(gate, job)))


class WarmParent(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    max_children = 1000
    grader = os.getppid()

    def verify_request(self, request, client_address) -> bool:
        """Only the grader may ask for anything, not a learner's code that finds the socket."""
        if sys.platform == "linux":
            return struct.unpack("3i", request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0] == self.grader
        local, peer_pid = 0, 2  # SOL_LOCAL, LOCAL_PEERPID of macOS
        return request.getsockopt(local, peer_pid) == self.grader

    def service_actions(self) -> None:
        """Ends with its grader, however that ended. (END_WITH_PARENT would look at the thread that started it.)"""
        super().service_actions()
        if os.getppid() != self.grader:
            os._exit(1)


def run_in_child(work) -> None:
    """The life of a forked process: nothing of its parent's unwinds in it."""
    status = 1
    try:
        os.setsid()
        status = work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(status or 0)


def raise_wall(wall) -> None:
    """No exam is held without a wall that this system has."""
    try:
        wall()
    except OSError as error:
        print(error, file=sys.stderr)
        os._exit(supervisor.NO_WALLS)


# --- the gate and nbval ---------------------------------------------------------------------------------------------------------------


def enter_gate(job: exam.Job) -> int:
    """Step into the namespaces, and wait for their first process."""
    walls.end_with_parent()
    os.closerange(3, 1024)  # the grader's line and the parent's socket are not for those inside
    folder = Path(job.folder).resolve()
    log = os.open(folder / "nbval.log", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if job.walls["namespaces"]:
        raise_wall(lambda: walls.leave_the_world(folder))
    first = os.fork()
    if first == 0:
        run_in_child(lambda: run_nbval(job, folder))
    return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])


def run_nbval(job: exam.Job, folder: Path) -> int:
    """nbval on the job's notebook, with a kernel that is forked and not started anew."""
    walls.end_with_parent()
    if job.walls["namespaces"]:
        walls.see_only_own_processes()
    os.environ |= {name: str(folder / "home") for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    tempfile.tempdir = str(folder / "home")
    kernel = ForkedKernel(job, folder)
    local_provisioner.launch_kernel = kernel.launch
    watch_messages(kernel)
    walls.limit(2 * job.memory_limit * 2**20 + own_data(), LARGEST_FILE, OPEN_FILES, 4096)
    if job.walls["files"]:
        raise_wall(lambda: walls.wall_off_files(writable=[folder], readable=[COURSE_LIB]))
    report = Report()
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={job.time_limit}", "--nbval-kernel-startup-timeout=60"]
    options += ["-p", "nbval.plugin", "-p", "no:cacheprovider", "-q", "--color=no"]
    options += ["-c", os.devnull, "--rootdir", str(folder), "--confcutdir", str(folder)]
    pytest.main([*options, str(folder / "exam.ipynb")], plugins=[report])
    (folder / "nbval.json").write_text(json.dumps(report.cells))
    return 0


class Report:
    """What nbval says of each cell."""

    def __init__(self) -> None:
        self.cells: list[dict] = []

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call":
            text = str(report.longrepr or "")  # nbval's own words, the cell's source, the traceback
            self.cells.append({"cell": report.location[2], "outcome": report.outcome, "text": f"{text[:500]}\n{text[500:][-3500:]}"})


def watch_messages(kernel: ForkedKernel) -> None:
    """Two things that nbval does not look at: whether the kernel still lives, and how much it prints."""
    take = nbval.kernel.RunningKernel.get_message
    printed = 0

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        nonlocal printed
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            try:
                message = take(self, stream, timeout=min(0.25, max(0.0, deadline - time.monotonic())))
                break
            except nbval.kernel.Empty:
                if kernel.poll() is not None:
                    raise RuntimeError("the kernel has ended") from None
                if time.monotonic() >= deadline:
                    raise
        printed += len(str(message["content"]))
        if printed > PRINTED_MOST:
            kernel.kill()
            raise RuntimeError("the notebook prints too much")
        return message

    nbval.kernel.RunningKernel.get_message = get_message


# --- the kernel: the learner's process --------------------------------------------------------------------------------------------------


class ForkedKernel:
    """A kernel's process, forked before pytest has begun; what jupyter_client takes for a subprocess.Popen."""

    stdin = stdout = stderr = None

    def __init__(self, job: exam.Job, folder: Path) -> None:
        waiting, self._door = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._door)
            run_in_child(lambda: become_kernel(job, folder, os.read(waiting, 4096).decode()))
        os.close(waiting)

    def launch(self, command: list[str], **ignored) -> ForkedKernel:
        os.write(self._door, command[command.index("-f") + 1].encode())
        return self

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        while self.poll() is None:
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    terminate = kill


def become_kernel(job: exam.Job, folder: Path, connection_file: str) -> None:
    """Start IPython's kernel here, behind walls that are shut before it takes its first cell."""
    if not connection_file:
        return
    walls.end_with_parent()
    exam.paper = os.open(folder / "transcript.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    alarms = os.open(folder / "alarms.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    if job.library:
        del sys.modules["course_lib"]
        sys.path.append(str(COURSE_LIB.parent))
    for name in job.library:
        importlib.import_module(name)
    own = [folder / "work", folder / "home"]
    os.chdir(folder / "work")
    os.environ |= {"MPLCONFIGDIR": os.environ["HOME"]}
    begin_alike()
    walls.limit(2 * job.memory_limit * 2**20 + own_data(), LARGEST_FILE, OPEN_FILES, 1024)
    if job.walls["files"]:  # before IPython starts its threads: Landlock binds the thread that asks for it, and those that come later
        walls.wall_off_files(writable=own, readable=[COURSE_LIB] if job.open_book else [], signals=False)
    app = IPKernelApp.instance()
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", "--quiet"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if job.walls["sockets"]:
        walls.refuse_sockets()
    if not job.open_book:
        closed = [COURSE_LIB, *(COURSE_LIB.parent / name for name in ("grading", "lessons", "notebooks", "solutions", "tests"))]
        walls.raise_alarm_on_escape(lambda what: os.write(alarms, f"{what}\n".encode()), own, closed)
    app.start()


def begin_alike() -> None:
    """Every exam begins with the same random numbers, also where an answer forgets to be given a generator."""
    random.seed(0)
    numpy.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)


def own_data() -> int:
    """Bytes of data that this process has already (RLIMIT_DATA counts them, too)."""
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    return 0


def main() -> None:
    path, framework = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    if framework == "torch":
        import torch  # noqa: F401
    if framework == "keras":
        with quiet():
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    with WarmParent(f"{path}.closed", Supervisor) as server:
        os.rename(f"{path}.closed", path)  # it listens by now: who sees the socket can call
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
