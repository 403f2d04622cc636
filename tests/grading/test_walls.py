"""Each wall, tried by somebody inside it: a forked child that is walled off for ever and reports through a pipe."""

import errno
import json
import mmap
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from course_lib.grading import supervisor, walls
from course_lib.grading.build import ROOT
from course_lib.grading.exam import Job

AVAILABLE = walls.available()
SECONDS = 30  # a child that takes longer hangs


def in_a_child(work):
    """What `work()` returns in a process of its own, or the name of what it raises."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                told = work()
            except BaseException as error:
                told = type(error).__name__
            os.write(there, json.dumps(told).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(there)
    try:
        return read_line(here)
    finally:
        os.close(here)
        end(child)
        os.waitpid(child, 0)


def read_line(pipe):
    """A line of JSON, also where somebody keeps the pipe's other end open."""
    content = b""
    while not content.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], SECONDS)
        more = os.read(pipe, 100_000) if ready else b""
        assert more, f"the child said nothing more than {content!r}"
        content += more
    return json.loads(content)


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def tried(attempt, *arguments):
    """What came of an attempt: "done", or the name of the error."""
    try:
        attempt(*arguments)
    except Exception as error:
        return type(error).__name__
    return "done"


def wait_until(holds, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(holds())


def sleeper():
    """A child of this process that sleeps until somebody ends it; its number."""
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(1)
    return child


def needs(wall):
    """Where the system lacks a wall, the wall's own answer is all there is to look at."""
    if not AVAILABLE[wall]:
        lacking = {"network": walls.leave_the_world, "files": lambda: walls.wall_off_files([]), "memory": lambda: sys.platform == "linux"}
        assert in_a_child(lacking[wall]) is False
        pytest.skip(f"this system lacks the wall `{wall}`, and says so")


# --- what there is ------------------------------------------------------------------------------------------------------------------------


def test_available_says_what_the_walls_themselves_say(tmp_path):
    assert AVAILABLE == {
        "network": in_a_child(walls.leave_the_world),
        "files": in_a_child(lambda: walls.wall_off_files([tmp_path])),
        "memory": sys.platform == "linux",
    }


def test_asking_what_is_available_walls_nobody_off(tmp_path):
    before = os.stat("/proc/self/ns/net").st_ino if sys.platform == "linux" else None
    assert walls.available() == AVAILABLE
    (tmp_path / "mine").write_text("x")
    assert before == (os.stat("/proc/self/ns/net").st_ino if sys.platform == "linux" else None)


def test_another_system_has_fewer_walls_and_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert walls.available() == {"network": False, "files": False, "memory": False}
    assert walls.leave_the_world() is walls.wall_off_files([tmp_path]) is False
    assert walls.landlock_version() == 0
    walls.end_with_parent()
    walls.adopt_orphans()


# --- processes and network -----------------------------------------------------------------------------------------------------------------


def inside(work):
    """What `work()` returns in the first process of a new world."""

    def at_the_gate():
        walls.leave_the_world()
        return in_a_child(work)

    return in_a_child(at_the_gate)


def test_in_a_world_of_ones_own_there_is_no_network_but_the_loopback():
    needs("network")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]

        def look():
            with socket.create_server(("127.0.0.1", 0)) as own, socket.create_connection(own.getsockname(), timeout=5):
                talks = True
            return {
                "interfaces": [name for _, name in socket.if_nameindex()],
                "talks to itself": talks,
                "server outside": tried(lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close()),
                "elsewhere": tried(lambda: socket.create_connection(("192.0.2.1", 80), timeout=5).close()),
            }

        seen = inside(look)
        assert socket.create_connection(("127.0.0.1", port), timeout=5).close() is None  # outside it is there all the time
    assert [name for name in seen["interfaces"] if name != "lo"] in ([], [name for name in seen["interfaces"] if name.endswith("0")])  # tunnels that are down
    assert seen["talks to itself"] is True
    assert (seen["server outside"], seen["elsewhere"]) == ("ConnectionRefusedError", "OSError")


def test_in_a_world_of_ones_own_nobody_else_is_seen_or_reached():
    needs("network")
    outside = os.getpid()
    pid, reached, user = inside(lambda: (os.getpid(), tried(os.kill, outside, 0), os.getuid()))
    assert (pid, reached, user) == (1, "ProcessLookupError", os.getuid())


def test_when_the_first_process_ends_all_in_its_world_end():
    needs("network")
    here, there = os.pipe()

    def first():
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        return "left one behind"

    assert inside(first) == "left one behind"
    os.close(there)
    assert select.select([here], [], [], SECONDS)[0] and os.read(here, 1) == b""  # the last one who held the pipe has ended
    os.close(here)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends a process with its parent")
def test_a_process_ends_with_its_parent():
    here, there = os.pipe()

    def parent():
        child = os.fork()
        if child == 0:
            walls.end_with_parent()
            os.write(there, b"\n")
            while True:
                time.sleep(1)
        os.read(here, 1)  # it has asked for it
        return child

    child = in_a_child(parent)
    os.close(there)
    assert select.select([here], [], [], SECONDS)[0] and os.read(here, 1) == b""
    os.close(here)
    assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans go to the system's first process")
def test_an_orphan_becomes_a_child_of_who_adopts():
    def adopter():
        walls.adopt_orphans()
        parent = os.fork()
        if parent == 0:
            sleeper()
            os._exit(0)
        os.waitpid(parent, 0)
        (orphan,) = psutil.Process().children()
        end(orphan.pid)
        return os.waitpid(-1, 0)[0] == orphan.pid

    assert in_a_child(adopter) is True


def test_a_call_that_the_system_refuses_is_an_error():
    with pytest.raises(OSError) as refused:
        walls.libc_call("close", 10**6)
    assert refused.value.errno == errno.EBADF


# --- files ----------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path):
    """A folder to write in, one to read in, and one that is nobody's business, each with a file and a folder."""
    for name in ("own", "readable", "secret"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "file.txt").write_text(name)
    return tmp_path


def walled(places, *attempts, **options):
    """What comes of each attempt behind the wall."""

    def work():
        assert walls.wall_off_files([places / "own"], [places / "readable"], **options) is True
        return [tried(attempt) for attempt in attempts]

    return in_a_child(work)


def content(folder):
    """All that is in a folder, and the sizes of its files."""
    return {path: path.is_file() and path.stat().st_size for path in folder.rglob("*")}


def touching(place):
    """Everything that changes a folder's content."""
    return [
        lambda: (place / "new.txt").write_text("x"),
        lambda: (place / "file.txt").write_text("x"),
        lambda: (place / "file.txt").open("a").close(),
        lambda: os.truncate(place / "file.txt", 0),
        lambda: (place / "new").mkdir(),
        lambda: (place / "link").symlink_to("/etc/passwd"),
        lambda: os.mkfifo(place / "pipe"),
        lambda: (place / "file.txt").rename(place / "other.txt"),
        lambda: (place / "other.txt" if (place / "other.txt").exists() else place / "file.txt").unlink(),
        lambda: (place / "folder").rmdir(),
    ]


def test_behind_the_wall_ones_own_folder_is_free(places):
    needs("files")
    assert walled(places, *touching(places / "own")) == ["done"] * 10


@pytest.mark.parametrize("name", ["readable", "secret", "."])
def test_behind_the_wall_no_other_folder_is_changed(places, name):
    needs("files")
    (places / "folder").mkdir()
    (places / "file.txt").write_text("mine")
    before = content(places)
    assert walled(places, *touching(places / name)) == ["PermissionError"] * 10
    assert content(places) == before


def test_behind_the_wall_only_what_is_named_is_read(places):
    needs("files")
    readers = [lambda folder=places / name: (folder / "file.txt").read_text() and os.listdir(folder) for name in ("own", "readable", "secret")]
    assert walled(places, *readers) == ["done", "done", "PermissionError"]


def test_behind_the_wall_the_course_and_homes_are_not_read(places):
    needs("files")
    course = [lambda path=ROOT / path: path.read_bytes() for path in ("README.md", "grading/huber.py", "lessons/03_huber_loss.py", "course_lib/returns.py")]
    homes = [lambda path=path: os.listdir(path) for path in ("/", "/root", "/home", "/tmp", os.path.expanduser("~")) if os.path.isdir(path)]
    assert set(walled(places, *course, *homes)) == {"PermissionError"}


def test_behind_the_wall_python_still_works(places):
    needs("files")

    def imports():
        import colorsys
        import xml.dom.minidom

        return colorsys, xml.dom.minidom

    assert "colorsys" not in sys.modules
    attempts = [imports, lambda: open("/dev/null", "w").write("x"), lambda: open("/dev/urandom", "rb").read(3), lambda: os.listdir(Path(os.__file__).parent)]
    assert walled(places, *attempts, lambda: Path("/etc/hosts").read_text()) == ["done"] * 5


def test_no_link_leads_out(places):
    needs("files")
    (places / "own/to file").symlink_to(places / "secret/file.txt")
    (places / "own/to folder").symlink_to(places / "secret")

    def later():
        (places / "own/made later").symlink_to(places / "secret/file.txt")
        return (places / "own/made later").read_text()

    attempts = [
        lambda: (places / "own/to file").read_text(),
        lambda: (places / "own/to folder/file.txt").read_text(),
        lambda: (places / "own/to folder/new.txt").write_text("x"),
        lambda: (places / "own/../secret/file.txt").read_text(),
        lambda: Path(f"/proc/self/root{places}/secret/file.txt").read_text(),
        later,
    ]
    assert set(walled(places, *attempts)) == {"PermissionError"}
    assert set(walled(places, lambda: os.link(places / "secret/file.txt", places / "own/hard"))) <= {"PermissionError", "OSError"}
    assert (places / "secret/file.txt").read_text() == "secret"
    assert not (places / "own/hard").exists()


def test_nothing_is_moved_in_or_out(places):
    needs("files")
    attempts = [lambda: (places / "secret/file.txt").rename(places / "own/stolen.txt"), lambda: (places / "own/file.txt").rename(places / "secret/planted.txt")]
    assert set(walled(places, *attempts)) <= {"PermissionError", "OSError"}
    assert (places / "secret/file.txt").exists() and (places / "own/file.txt").exists()


def test_the_wall_stands_for_ever_and_for_children(places):
    needs("files")
    secret = places / "secret/file.txt"

    def again():
        walls.wall_off_files([places], [Path("/")])
        return secret.read_text()

    def child():
        subprocess.run([sys.executable, "-S", "-c", f"open({str(secret)!r})"], check=True, stderr=subprocess.DEVNULL)

    assert walled(places, again, child, lambda: json.loads(json.dumps(in_a_child(secret.read_text))) == "PermissionError" or 1 / 0) == ["PermissionError", "CalledProcessError", "done"]
    assert secret.read_text() == "secret"  # who built the wall around another stands outside


def test_what_was_opened_before_stays_open(places):
    """A kernel writes its transcript into a folder that its learner's code cannot reach."""
    needs("files")
    paper = os.open(places / "secret/file.txt", os.O_WRONLY)
    assert walled(places, lambda: os.pwrite(paper, b"SECRET", 0), lambda: os.ftruncate(paper, 3)) == ["done", "done"]
    os.close(paper)
    assert (places / "secret/file.txt").read_text() == "SEC"


def test_a_place_that_is_not_there_is_passed_over(places):
    needs("files")
    assert in_a_child(lambda: walls.wall_off_files([places / "own", places / "nowhere"], [places / "nor here"])) is True


def test_a_single_file_may_be_opened_to_a_reader(places):
    needs("files")

    def work():
        walls.wall_off_files([places / "own"], [places / "secret/file.txt"])
        return [tried((places / "secret/file.txt").read_text), tried((places / "secret/file.txt").write_text, "x"), tried(os.listdir, places / "secret")]

    assert in_a_child(work) == ["done", "PermissionError", "PermissionError"]


def test_without_network_no_connection_is_made_or_taken(places):
    needs("files")
    if walls.landlock_version() < 4:
        pytest.skip("this system's Landlock knows no network")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        attempts = [lambda: socket.create_connection(outside.getsockname(), timeout=5).close(), lambda: socket.create_server(("127.0.0.1", 0)).close()]
        assert walled(places, *attempts, network=False) == ["PermissionError"] * 2
        assert walled(places, *attempts, network=True) == ["done"] * 2


def test_without_network_no_process_outside_is_signalled(places):
    needs("files")
    if walls.landlock_version() < 6:
        pytest.skip("this system's Landlock knows no signals")
    outside = os.getpid()
    assert walled(places, lambda: os.kill(outside, 0), lambda: os.kill(os.getpid(), 0), network=False) == ["PermissionError", "done"]


# --- limits -----------------------------------------------------------------------------------------------------------------------------------

MB = 2**20


def own_data():
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


@pytest.mark.parametrize("ask", [lambda: bytearray(400 * MB), lambda: mmap.mmap(-1, 400 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), lambda: [bytes(MB) for _ in range(400)]], ids=["bytearray", "mmap", "pieces"])
def test_more_memory_than_the_limit_is_refused(ask):
    needs("memory")

    def work():
        walls.limit(own_data() + 100 * MB, 10 * MB, 100)
        return [tried(bytearray, 20 * MB), tried(ask), tried(bytearray, 20 * MB)]

    assert in_a_child(work) in (["done", "MemoryError", "done"], ["done", "OSError", "done"])


def test_a_file_grows_to_the_limit_and_no_further(tmp_path):
    def work():
        walls.limit(2**40, MB, 100)
        first = tried((tmp_path / "small").write_bytes, bytes(MB))
        large = os.open(tmp_path / "large", os.O_WRONLY | os.O_CREAT)
        return first, os.write(large, bytes(MB + 1)), tried(os.write, large, b"x"), tried(os.truncate, tmp_path / "large", 2 * MB)

    assert in_a_child(work) == ["done", MB, "OSError", "OSError"]


def test_limits_hold_for_ever_and_for_children_and_no_core_is_dumped():
    def work():
        walls.limit(2**40, MB, 123)
        own = [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC)]
        return own, in_a_child(lambda: [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC)])

    own, inherited = in_a_child(work)
    assert own == inherited == [[MB, MB], [0, 0], [123, 123]]


def test_a_limit_that_is_stricter_already_stays():
    def work():
        walls.limit(2**40, MB, 100)
        walls.limit(2**41, 5 * MB, 50)
        return [resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC)]

    assert in_a_child(work) == [MB, 50]


# --- the alarm ----------------------------------------------------------------------------------------------------------------------------------


def alarmed(places, attempt):
    """What the alarm told, and what came of the attempt."""

    def work():
        told = []
        os.chdir(places / "own")
        walls.raise_alarm_on_escape(told.append, places / "own", [places / "secret"])
        return told, tried(attempt)

    return tuple(in_a_child(work))


@pytest.mark.parametrize(("says", "attempt"), [
    ("opens a network connection", lambda places: socket.socket().connect(("127.0.0.1", 9))),
    ("opens a network port", lambda places: socket.socket().bind(("127.0.0.1", 0))),
    ("looks up a network address", lambda places: socket.getaddrinfo("localhost", 80)),
    ("sends to the network", lambda places: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))),
    ("starts a program", lambda places: os.system("true")),
    ("starts a program", lambda places: os.popen("true")),
    ("starts a program", lambda places: subprocess.run(["true"])),
    ("starts a program", lambda places: os.execv("/bin/true", ["true"])),
    ("starts a program", lambda places: os.posix_spawn("/bin/true", ["true"], {})),
    ("starts a process", lambda places: os.fork() or os._exit(0)),
    ("starts a process", lambda places: os.forkpty()[0] or os._exit(0)),
    ("sends a signal to a process", lambda places: os.kill(os.getppid(), 0)),
    ("sends a signal to a process", lambda places: os.killpg(os.getpgid(0), 0)),
    ("opens the course's own files", lambda places: open(places / "secret/file.txt")),
    ("opens the course's own files", lambda places: open(str(places / "secret/file.txt"), "rb")),
    ("opens the course's own files", lambda places: open(os.fsencode(places / "secret/file.txt"))),
    ("opens the course's own files", lambda places: open("../secret/file.txt")),
    ("opens the course's own files", lambda places: open(places / "own/folder/../../secret/file.txt")),
    ("opens the course's own files", lambda places: os.open(places / "secret/file.txt", os.O_RDONLY)),
    ("opens the course's own files", lambda places: os.listdir(places / "secret")),
    ("opens the course's own files", lambda places: os.scandir(b"../secret")),
    ("opens the course's own files", lambda places: open(places / "secret/file.txt", "w")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "w")),
    ("writes a file outside its folder", lambda places: open(places / "readable/new.txt", "x")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "a")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "r+")),
    ("writes a file outside its folder", lambda places: open("../readable/file.txt", "wb")),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_WRONLY)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_RDWR)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/new.txt", os.O_RDONLY | os.O_CREAT)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_RDONLY | os.O_TRUNC)),
    ("writes a file outside its folder", lambda places: open(places / "own-not/file.txt", "w")),
])  # fmt: skip
def test_the_alarm_tells_what_was_tried_and_refuses_it(places, says, attempt):
    (places / "own-not").mkdir()
    before = content(places)
    assert alarmed(places, lambda: attempt(places)) == ([says], "PermissionError")
    assert content(places) == before


@pytest.mark.parametrize("change", [
    lambda place: os.remove(place / "file.txt"),
    lambda place: os.rename(place / "file.txt", place / "other.txt"),
    lambda place: os.truncate(place / "file.txt", 0),
    lambda place: os.rmdir(place / "folder"),
    shutil.rmtree,
], ids=["remove", "rename", "truncate", "rmdir", "rmtree"])  # fmt: skip
def test_where_there_are_no_walls_the_alarm_lets_nobody_take_away_files_outside(places, change):
    before = content(places)
    told, came_of_it = alarmed(places, lambda: change(places / "readable"))
    assert content(places) == before
    assert (len(told), came_of_it) == (1, "PermissionError")


@pytest.mark.parametrize("attempt", [
    lambda places: open(places / "own/new.txt", "w").write("x"),
    lambda places: open("new.txt", "w").write("x"),
    lambda places: os.remove("file.txt"),
    lambda places: (places / "own/folder/deep").mkdir() or (places / "own/folder/deep/x").write_text("x"),
    lambda places: open(places / "readable/file.txt").read(),
    lambda places: os.listdir(places / "readable"),
    lambda places: os.listdir("."),
    lambda places: open("/dev/null", "w").write("x"),
    lambda places: __import__("colorsys"),
    lambda places: __import__("tempfile").TemporaryFile(dir="."),
    lambda places: threading.Thread(target=len, args=("x",)).start(),
    lambda places: os.fdopen(os.dup(1), "w"),
    lambda places: print("x"),
    lambda places: socket.socket().close(),
    lambda places: exec(compile("1 + 1", "x", "exec")),
    lambda places: eval("__import__('math').sqrt(2)"),
], ids=range(16))  # fmt: skip
def test_the_alarm_is_silent_about_what_answers_do(places, attempt):
    assert alarmed(places, lambda: attempt(places)) == ([], "done")


def test_lines_of_modules_that_are_loaded_may_be_shown_in_a_traceback(places):
    (places / "secret/loaded_module.py").write_text("def f():\n    raise ValueError('inside')\n")

    def work():
        import linecache
        import traceback

        told = []
        sys.path.insert(0, str(places / "secret"))
        import loaded_module

        linecache.clearcache()
        walls.raise_alarm_on_escape(told.append, places / "own", [places / "secret"])
        try:
            loaded_module.f()
        except ValueError:
            return told, "raise ValueError('inside')" in traceback.format_exc()

    assert in_a_child(work) == [[], True]


def test_the_alarm_rings_as_often_as_it_is_tried_and_after_errors(places):
    def work():
        told = []
        walls.raise_alarm_on_escape(told.append, places / "own", [places / "secret"])
        tried(int, "x")
        for _ in range(3):
            tried(os.listdir, places / "secret")
        return told

    assert in_a_child(work) == ["opens the course's own files"] * 3


# --- the supervisor --------------------------------------------------------------------------------------------------------------------------------


def watched(gate, folder, before=lambda: None, time_limit=60.0, memory_limit=2000):
    """How the supervisor ends a job whose gate does this; and whether it has left anything running."""

    def work():
        walls.adopt_orphans()
        before()
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                gate()
            finally:
                os._exit(0)
        finished = supervisor.watch(child, Job(str(folder), time_limit, memory_limit))
        return finished.stopped, finished.seconds, len(psutil.Process().children(recursive=True))

    stopped, seconds, left = in_a_child(work)
    assert left == 0
    assert seconds < SECONDS
    return stopped


def set_to(**values):
    """Other limits, in the process that watches."""
    return lambda: vars(supervisor).update(values)


def test_a_job_that_ends_is_not_stopped(tmp_path):
    assert watched(lambda: None, tmp_path) is None
    assert watched(lambda: time.sleep(0.3), tmp_path) is None
    assert watched(lambda: os._exit(7), tmp_path) is None
    assert watched(lambda: os.kill(os.getpid(), signal.SIGSEGV), tmp_path) is None


def test_a_job_that_takes_too_long_is_ended(tmp_path):
    assert watched(lambda: time.sleep(1000), tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"


def test_a_job_that_will_not_hear_is_ended(tmp_path):
    def deaf():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(1000)

    def stopped():
        os.kill(os.getpid(), signal.SIGSTOP)

    assert watched(deaf, tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"
    assert watched(stopped, tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"


def test_a_job_of_many_processes_is_ended(tmp_path):
    def crowd():
        for _ in range(12):
            sleeper()
        time.sleep(1000)

    def small_family():
        for _ in range(4):
            sleeper()
        time.sleep(0.3)

    assert watched(crowd, tmp_path, set_to(PROCESSES_MOST=8)) == "processes"
    assert watched(small_family, tmp_path, set_to(PROCESSES_MOST=8)) is None


def test_a_crowd_of_orphans_is_a_crowd(tmp_path):
    def crowd():
        for _ in range(12):
            if os.fork() == 0:
                os.setsid()
                sleeper()
                os._exit(0)
        time.sleep(1000)

    assert watched(crowd, tmp_path, set_to(PROCESSES_MOST=8)) == "processes"


def test_the_memory_of_all_processes_together_counts(tmp_path):
    def greedy(megabytes, processes):
        def work():
            for _ in range(processes - 1):
                if os.fork() == 0:
                    break
            content = bytearray(os.urandom(MB)) * megabytes
            time.sleep(2 if megabytes < 50 else 1000)
            return content

        return work

    own = supervisor.own_memory(psutil.Process()) // MB
    assert watched(greedy(400, 1), tmp_path, memory_limit=own + 300) == "memory"
    assert watched(greedy(150, 3), tmp_path, memory_limit=own + 300) == "memory"
    assert watched(greedy(20, 1), tmp_path, memory_limit=own + 300) is None


def test_a_job_that_fills_the_disk_is_ended(tmp_path):
    def write():
        for number in range(10_000):
            (tmp_path / f"{number}.bin").write_bytes(bytes(MB))
            time.sleep(0.01)

    assert watched(write, tmp_path, set_to(DISK_MOST=5 * MB)) == "disk"


def test_nothing_that_hides_is_left_running(tmp_path):
    def leave_behind():
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                for number in (signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                (tmp_path / f"{sleeper()}.pid").touch()
                os._exit(0)
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.02)

    assert watched(leave_behind, tmp_path) is None
    left = [int(path.stem) for path in tmp_path.iterdir()]
    assert len(left) == 3
    assert not [pid for pid in left if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_world_of_its_own_ends_with_its_job(tmp_path):
    needs("network")

    def gate():
        walls.leave_the_world()
        if os.fork() == 0:
            os.setsid()
            sleeper()
            time.sleep(1000)
        time.sleep(0.3)

    assert watched(gate, tmp_path) is None


def test_processes_that_have_ended_are_no_trouble():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    process = psutil.Process(child)
    assert supervisor.own_memory(process) > 0
    assert supervisor.still_runs(process)
    end(child)
    assert wait_until(lambda: not supervisor.still_runs(process))  # a zombie
    assert supervisor.own_memory(process) == 0
    os.waitpid(child, 0)
    assert not supervisor.still_runs(process)
    assert supervisor.own_memory(process) == 0
    assert supervisor.family(child) == []


def test_a_familys_grandchildren_belong_to_it():
    def work():
        child = os.fork()
        if child == 0:
            sleeper()
            time.sleep(1000)
        try:
            return wait_until(lambda: len(supervisor.family(os.getpid())) == 3)
        finally:
            supervisor.end_descendants()

    assert in_a_child(work) is True


def test_files_are_counted_whatever_they_are(tmp_path):
    assert supervisor.disk_use(str(tmp_path)) == supervisor.disk_use(str(tmp_path / "nowhere")) == 0
    (tmp_path / "deep/deeper").mkdir(parents=True)
    (tmp_path / "deep/deeper/large").write_bytes(bytes(100_000))
    (tmp_path / "deep/small").write_bytes(b"x")
    (tmp_path / "deep/link").symlink_to(sys.executable)
    (tmp_path / "deep/loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "deep/pipe")
    assert 108_192 <= supervisor.disk_use(str(tmp_path)) < 130_000


def test_files_are_counted_until_they_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "DISK_MOST", 10_000)
    for number in range(100):
        (tmp_path / str(number)).touch()
    assert 10_000 < supervisor.disk_use(str(tmp_path)) < 20_000


def test_what_trespasses_first_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "family", lambda pid: [])
    job = Job(str(tmp_path), 1.0, 100)
    assert supervisor.trespass(job, 1.0 + supervisor.START_AND_STOP) is None
    assert supervisor.trespass(job, 1.1 + supervisor.START_AND_STOP) == "timeout"
    assert supervisor.trespass(job, 0.0) is None
