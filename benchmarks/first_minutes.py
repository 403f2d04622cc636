"""A new user's first minutes: clone, `python start.py lab`, the first cell, until the agent moves. Downloads included, at 100 Mbit/s.

  python benchmarks/first_minutes.py                        # clone, install, JupyterLab, browser: a real installation in a temporary folder
  python benchmarks/first_minutes.py --wheels DIR           # wheels that are to stand for an index of their own: PyTorch without CUDA, say
  python benchmarks/first_minutes.py --with-pip             # as where uv cannot install
  python benchmarks/first_minutes.py --with-cuda            # PyTorch as PyPI has it for Linux, as on a machine with an NVIDIA GPU

The line is limited, not the arithmetic: all that is downloaded comes through a proxy in this process, which carries so many bytes a second and counts
them; the clone and the wheels of DIR, as an extra index, are served through the same line. The home folder is new, so no cache helps. The browser is open already, and
nobody stops to read: the notebook is opened, its first cell run with Shift+Enter as soon as the kernel is ready, and the clock stops when the video's
time moves on. Needs git and Chromium (apt install chromium). Bar: 5 minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from contextlib import closing, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from common import Row, report

import psutil
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
BAR_SECONDS = 300.0
CHUNK = 2**16  # bytes that the line carries at a time
OF_THE_MACHINE = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
KERNEL_IS_READY = """() => { const session = window.jupyterapp?.shell.currentWidget?.sessionContext
    return session?.isReady && session.session?.kernel?.status === 'idle' && session.session.kernel.connectionStatus === 'connected' }"""
VIDEO_MOVES = "() => { const video = document.querySelector('.jp-Notebook video'); return video && video.currentTime > 0.1 }"


class Line:
    """A line of so many bytes a second, shared by all that goes over it."""

    def __init__(self, rate: float) -> None:
        self.rate, self.carried = rate, 0
        self._free, self._lock = time.monotonic(), threading.Lock()

    def carry(self, size: int) -> None:
        """Wait as long as `size` bytes take after all that is on its way already."""
        with self._lock:
            self.carried += size
            self._free = max(self._free, time.monotonic() - 0.05) + size / self.rate  # a sleep that lasted too long is made up for
            wait = self._free - time.monotonic()
        time.sleep(max(0.0, wait))


class Server(SimpleHTTPRequestHandler):
    """Serves a folder, and is a proxy for https; what it sends goes over the line."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments, line: Line, **options) -> None:
        self.line = line
        super().__init__(*arguments, **options)

    def copyfile(self, source, outputfile) -> None:
        with suppress(OSError):  # whoever asked has read enough
            while part := source.read(CHUNK):
                self.line.carry(len(part))
                outputfile.write(part)

    def do_CONNECT(self) -> None:  # noqa: N802  (the name that http.server wants)
        host, _, port = self.path.rpartition(":")
        self.close_connection = True
        with closing(socket.create_connection((host, int(port)), timeout=60)) as far:
            self.send_response(200)
            self.end_headers()
            upwards = threading.Thread(target=self._pass_on, args=(self.connection, far, lambda size: None), daemon=True)
            upwards.start()
            self._pass_on(far, self.connection, self.line.carry)

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket, carry) -> None:
        with suppress(OSError):  # one of the two has hung up
            while part := source.recv(CHUNK):
                carry(len(part))
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)

    def log_message(self, *arguments) -> None:
        pass


class Stopwatch:
    """Seconds and bytes from stage to stage."""

    def __init__(self, line: Line) -> None:
        self.line, self.stages = line, []
        self._last = time.monotonic(), 0

    def __call__(self, stage: str) -> None:
        """What was since the last call is `stage`."""
        now = time.monotonic(), self.line.carried
        self.stages.append((stage, now[0] - self._last[0], now[1] - self._last[1]))
        self._last = now

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds, _ in self.stages)


def publish(folder: Path) -> None:
    """The branch that is checked out here, as a git server would have it."""
    git = partial(subprocess.run, check=True, capture_output=True)
    git(["git", "clone", "--bare", "--single-branch", "--no-local", ROOT, folder])
    git(["git", "-C", folder, "repack", "-a", "-d", "-q"])
    git(["git", "-C", folder, "update-server-info"])


def make_index(wheels: Path, folder: Path) -> None:
    """A package index (PEP 503) of the wheels in a folder, with their metadata beside them (PEP 658) as PyPI's has it."""
    for wheel in wheels.glob("*.whl"):
        place = folder / wheel.name.partition("-")[0].replace("_", "-").lower()
        place.mkdir(parents=True, exist_ok=True)
        (place / wheel.name).symlink_to(wheel.resolve())
        with zipfile.ZipFile(wheel) as archive:
            (described,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            (place / f"{wheel.name}.metadata").write_bytes(archive.read(described))
        with (place / "index.html").open("a") as index:
            index.write(f'<a href="{quote(wheel.name)}" data-core-metadata="true" data-dist-info-metadata="true">{wheel.name}</a>\n')


def new_user(home: Path, server: str, extra_index: bool, with_pip: bool, with_cuda: bool) -> dict[str, str]:
    """The environment of somebody who has just got this machine: nothing in it but where the network is."""
    variables = {name: value for name, value in os.environ.items() if name not in OF_THE_MACHINE and not name.startswith(("JUPYTER", "UV_"))}
    variables["PATH"] = os.pathsep.join(place for place in variables["PATH"].split(os.pathsep) if not place.startswith(str(ROOT)))
    variables |= {"HOME": str(home), "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull, "https_proxy": server, "HTTPS_PROXY": server, "no_proxy": "127.0.0.1"}
    variables.pop("PIP_FIND_LINKS", None)
    if extra_index:
        variables["PIP_EXTRA_INDEX_URL"] = f"{server}/index/"
    if with_cuda:
        variables["PIP_INDEX_URL"] = "https://pypi.org/simple"  # an index that was chosen is taken for PyTorch, too
    if with_pip:
        variables["PIP_PREFER_BINARY"] = "1"  # a setting that uv has no word for, and so start.py leaves all to pip
    return variables


def start_lab(clone: Path, python: str, variables: dict[str, str]) -> psutil.Popen:
    """`python start.py lab` in the clone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python, "start.py", "lab", "--no-browser", f"--port={port}", "--LabApp.expose_app_in_browser=True"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return psutil.Popen(command, cwd=clone, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_lab(process: psutil.Popen, stopwatch: Stopwatch) -> str:
    """The address that JupyterLab prints when it listens."""
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Installing the course"):
            stopwatch("make .venv")
        elif line.startswith("Installed in"):
            stopwatch("install the packages")
        elif address := re.search(r"http://127\.0\.0\.1:\d+/lab\S*", line):
            stopwatch("start JupyterLab")
            threading.Thread(target=process.stdout.read, daemon=True).start()  # lest it waits for a reader
            return address[0]
    raise SystemExit("start.py did not come to JupyterLab:\n" + "".join(said[-30:]))


def stop(process: psutil.Popen) -> None:
    family = [process, *process.children(recursive=True)] if process.poll() is None else []
    if family:
        process.terminate()
    for stubborn in psutil.wait_procs(family, timeout=20)[1]:
        stubborn.kill()
    process.wait()


def watch_the_agent(address: str, stopwatch: Stopwatch, picture: Path | None) -> None:
    """Open the notebook and run its first cell, as a learner does."""
    chromium = os.environ.get("COURSE_CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        stopwatch("open the browser (not counted)")
        page.goto(address)
        page.wait_for_function(KERNEL_IS_READY)
        stopwatch("open lesson 00, its kernel ready")
        page.click(".jp-Notebook .jp-CodeCell .cm-content")
        page.keyboard.press("Shift+Enter")
        page.wait_for_function(VIDEO_MOVES)
        stopwatch("run the first cell, until the agent moves")
        if picture:
            page.screenshot(path=picture)
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mbit", type=float, default=100.0, help="the line, in Mbit/s (default: %(default)s)")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="a folder with wheels, to be served as an extra index")
    parser.add_argument("--with-pip", action="store_true", help="install by pip alone")
    parser.add_argument("--with-cuda", action="store_true", help="PyTorch with CUDA (without --wheels)")
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable), help="the Python that starts start.py (default: %(default)s)")
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help="a picture of the browser at the end")
    options = parser.parse_args()
    line = Line(options.mbit * 1e6 / 8)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "home").mkdir()
        (folder / "served").mkdir()
        publish(folder / "served" / "course.git")
        if options.wheels:
            make_index(options.wheels, folder / "served" / "index")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(folder / "served"), line=line))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        variables = new_user(folder / "home", place, options.wheels is not None, options.with_pip, options.with_cuda)

        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # whatever ends this ends JupyterLab, too
        stopwatch = Stopwatch(line)
        subprocess.run(["git", "clone", "-q", f"{place}/course.git", folder / "course"], env=variables, check=True)
        stopwatch("git clone")
        process = start_lab(folder / "course", options.python, variables)
        try:
            watch_the_agent(wait_for_lab(process, stopwatch), stopwatch, options.screenshot)
        finally:
            stop(process)
            server.shutdown()

    table = Table(title=f"First minutes on a line of {options.mbit:g} Mbit/s", title_justify="left")
    for name, justify in [("stage", "left"), ("seconds", "right"), ("MB", "right"), ("of it for the line, seconds", "right")]:
        table.add_column(name, justify=justify)
    counted = [stage for stage in stopwatch.stages if "not counted" not in stage[0]]
    total = ("all", sum(seconds for _, seconds, _ in counted), sum(size for _, _, size in counted))
    for name, seconds, size in (*counted, total):
        table.add_row(name, f"{seconds:.1f}", f"{size / 1e6:.1f}", f"{size / line.rate:.1f}")
    Console(width=None if Console().is_terminal else 140).print(table)
    row = Row("clone to moving agent", f"{total[1]:.0f} s", f"{BAR_SECONDS:.0f} s at most", BAR_SECONDS / total[1], bar=1.0)
    how = f"Installed by {'pip' if options.with_pip else 'uv'}, on {os.cpu_count()} cores, {version(options.python)}, {machine()}."
    return report("The bar", [row], how)


def version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """How busy it is, so that nobody trusts a number from a busy hour."""
    return f"load average {os.getloadavg()[0]:.1f} in the last minute" if hasattr(os, "getloadavg") else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
