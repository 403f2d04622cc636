"""JupyterLab in a folder of its own, and a notebook opened in it as a learner opens it: what the browser tests stand on.

A cell that is run before its kernel is ready is silently skipped (jupyterlab#8490), so a notebook counts as open when its kernel is idle.
"""

import importlib.util
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "browser"
WIDE, NARROW = {"width": 1400, "height": 1000}, {"width": 480, "height": 1000}  # the page's size, in pixels
PAGE_HEIGHT = 2400  # of a screenshot, in pixels
START_TIMEOUT, RUN_TIMEOUT, TIMEOUT = 120, 600, 60  # seconds: the server's start, a whole notebook, anything else in a page

HOMES = ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, also where nobody looks
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--ServerApp.ip=127.0.0.1",
    "--LabApp.expose_app_in_browser=True",  # window.jupyterapp, which look.js asks
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--ServerApp.shutdown_no_activity_timeout=1800",  # should the tests be killed, nothing stays for ever
    "--MappingKernelManager.cull_idle_timeout=1800",
]


def programs() -> list[str]:
    named = os.environ.get("COURSE_CHROMIUM")
    return [named] if named else ["chromium", "chromium-browser", "google-chrome"]


def find_chromium() -> str | None:
    """The browser to use: COURSE_CHROMIUM, or the first of the usual names on the PATH. None is ever downloaded."""
    return next(filter(None, map(shutil.which, programs())), None)


def missing() -> str:
    """What to install before browser tests can run; "" where nothing is missing."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: pip install playwright (its browsers are not needed)"
    if find_chromium() is None:
        return f"there is no {' or '.join(programs())}: install Chromium (Debian and Ubuntu: apt install chromium), or name it in COURSE_CHROMIUM"
    return ""


@dataclass(frozen=True)
class Server:
    url: str  # ends in a slash
    token: str
    files: Path  # the folder that it shows


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """JupyterLab over folder/files, its settings and everything that it writes in `folder`; afterwards no process of it is left."""
    (folder / "files").mkdir()
    for name, settings in SETTINGS.items():
        file = folder / "jupyterlab_settings_dir" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))
    homes = {name: str(folder / name.lower()) for name in HOMES}
    threads = dict.fromkeys(["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1")  # several are slower where others work too
    environment = os.environ | threads | homes | {"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": str(ROOT), "COURSE_FRAMEWORK": "torch"}
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.root_dir={folder / 'files'}", f"--ServerApp.port={free_port()}"]
    log = folder / "server.log"
    with log.open("w") as output:
        process = psutil.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        notes = wait_for_notes(process, folder / "jupyter_runtime_dir", log)
        yield Server(notes["url"], notes["token"], folder / "files")
    finally:
        stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_notes(process: psutil.Popen, folder: Path, log: Path) -> dict:
    """The notes that the server leaves as soon as it listens: its address and its token."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        for notes in folder.glob("jpserver-*.json"):
            with suppress(ValueError):  # half written
                return json.loads(notes.read_text())
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab does not start:\n{log.read_text()[-3000:]}")


def stop(process: psutil.Popen) -> None:
    """Ask the server to end, which ends its kernels; kill what does not."""
    family = [process, *process.children(recursive=True)] if process.poll() is None else []
    if family:
        process.terminate()
    _, stubborn = psutil.wait_procs(family, timeout=30)
    for one in stubborn:
        one.kill()
    psutil.wait_procs(stubborn, timeout=30)
    process.wait()


class Notebook:
    """A copy of the notebook at `path`, open in JupyterLab with an idle kernel and no sidebar. `console` gathers what goes wrong in the page."""

    def __init__(self, page: "Page", server: Server, path: Path):
        self.page, self.path, self.console = page, Path(shutil.copy(path, server.files)), []
        page.set_default_timeout(1000 * TIMEOUT)
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.console.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: self.console.append(f"request failed: {request.url[:150]} {request.failure}"))
        page.add_init_script(path=Path(__file__).with_name("look.js"))
        page.goto(f"{server.url}lab/workspaces/{path.stem}/tree/{path.name}?token={server.token}")  # a workspace has one notebook
        page.wait_for_function("course.kernelIsIdle()")
        page.evaluate("course.closeSidebar()")

    def hear(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.console.append(f"console: {message.text[:300]} ({message.location['url'][:150]})")

    def run_all(self) -> None:
        """Run all cells, and wait until pictures, videos and widgets stand in the page."""
        self.page.evaluate("course.runAll()")
        self.page.wait_for_function("course.allRan", timeout=1000 * RUN_TIMEOUT)
        self.page.wait_for_function("course.kernelIsIdle() && course.isShown()")

    def use_theme(self, theme: str) -> None:
        """theme: "JupyterLab Light" or "JupyterLab Dark"."""
        self.page.evaluate("theme => course.useTheme(theme)", theme)
        self.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme && course.isShown()", arg=theme)
        self.page.wait_for_function("!document.getElementById('jupyterlab-splash')")  # which JupyterLab takes away twice, with an error, if the next comes too soon

    def resize(self, size: dict[str, int]) -> None:
        self.page.set_viewport_size(size)
        self.page.evaluate("course.nextFrame()")

    def photograph(self, name: str) -> list[Path]:
        """The whole notebook as screenshots build/browser/<name>-NN.png, in place of older ones; their paths."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for old in SCREENSHOTS.glob(f"{name}-??.png"):
            old.unlink()
        size = self.page.viewport_size
        self.resize({"width": size["width"], "height": PAGE_HEIGHT})
        files = []
        while self.page.evaluate("number => course.turnTo(number)", len(files)):
            files.append(SCREENSHOTS / f"{name}-{len(files) + 1:02d}.png")
            self.page.screenshot(path=files[-1])
        self.resize(size)
        return files

    def close(self) -> None:
        """End the kernel and close the page."""
        self.page.evaluate("course.endKernel()")
        self.page.close()
