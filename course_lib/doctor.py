"""`course doctor`: is everything here that the course needs, and if not, which one command mends it?

A check is a small function that returns what it found, or raises with what is wrong. Frameworks and the emulator run in processes of
their own: a crash in native code, or their chatter, then stays there.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.markup import escape
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "breakout-from-pixels"
DISK_GB, MEMORY_GB = 2.0, 4.5  # free: room for a training run's checkpoints, and for a framework with FAST's replay memory (2.8 GB)
PROBE_SECONDS = 180  # the first import of a framework on a slow disk takes a minute

TORCH = """
import torch
where = "cuda" if torch.cuda.is_available() else "cpu"
a = torch.ones(3, 3, device=where)
assert (a @ a).sum().item() == 27, "a matrix product came out wrong"
print(torch.__version__, "computes on", torch.cuda.get_device_name() if where == "cuda" else where)
"""
KERAS = """
import tensorflow, keras
a = keras.ops.ones((3, 3))
assert float(keras.ops.sum(a @ a)) == 27, "a matrix product came out wrong"
gpus = len(tensorflow.config.list_physical_devices("GPU"))
print(tensorflow.__version__ + ",", keras.__version__, "computes on", f"{gpus} GPU" if gpus else "cpu")
"""
EMULATOR = """
import course_lib, gymnasium
environment = gymnasium.make("BreakoutDeterministic-v4")
environment.reset(seed=0)
assert environment.step(1)[0].shape == (210, 160, 3), "the screen has another size"
print("BreakoutDeterministic-v4 steps")
"""


def command(arguments: str) -> str:
    """A command line for the Python that runs this, short where that is the one in .venv, to be typed in the course's folder."""
    python = Path(sys.executable)
    return f"{python.relative_to(ROOT) if python.is_relative_to(ROOT) else python} {arguments}"


INSTALL = command("-m pip install -c constraints.txt -e .")
REINSTALL = command("-m pip install -c constraints.txt --force-reinstall --no-deps {}")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ok: bool
    found: str
    mend: str = ""  # the command that puts it right; empty where all is well


class Broken(Exception):
    """A check's bad news, with its own command where the usual one would not help."""

    def __init__(self, found: str, mend: str | None = None):
        super().__init__(found)
        self.mend = mend


CHECKS: list[Callable[[], Row]] = []


def check(what: str, mend: str):
    """Turn a function that returns what it found, or raises, into one that always returns a Row."""

    def wrap(look: Callable[[], str]) -> Callable[[], Row]:
        @functools.wraps(look)
        def run() -> Row:
            try:
                return Row(what, True, look())
            except Broken as broken:
                return Row(what, False, str(broken), broken.mend or mend)
            except Exception as error:  # a check that crashes has found something too
                text = str(error).strip().splitlines()
                return Row(what, False, f"{type(error).__name__}: {text[0]}" if text else type(error).__name__, mend)

        CHECKS.append(run)
        return run

    return wrap


def execute(arguments: list[str]) -> str:
    """Run a program and return the last line it prints; its last words become the bad news if it fails."""
    done = subprocess.run(arguments, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS, cwd=ROOT)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode:
        raise Broken(said[-1] if said else f"ended with status {done.returncode}")
    return said[-1] if said else ""


@check("Python", mend="python3.13 start.py lab")
def python() -> str:
    wanted = metadata.metadata(PACKAGE)["Requires-Python"]
    if platform.python_version() not in SpecifierSet(wanted):
        raise Broken(f"{platform.python_version()}, needs {wanted}")
    return f"{platform.python_version()} in {sys.prefix}"


@check("packages", mend=INSTALL)
def packages() -> str:
    needed = [Requirement(text) for text in metadata.requires(PACKAGE) or []]
    needed = [requirement for requirement in needed if not requirement.marker or requirement.marker.evaluate({"extra": ""})]
    wrong = [trouble for trouble in map(trouble_with, needed) if trouble]
    if wrong:
        raise Broken("; ".join(wrong))
    return f"{len(needed)} of {len(needed)} in the range that the course needs"


def trouble_with(needed: Requirement) -> str:
    """What is wrong with a package, or an empty text."""
    try:
        version = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return f"{needed.name} is missing"
    return "" if needed.specifier.contains(version, prereleases=True) else f"{needed.name} is {version}, needs {needed.specifier}"


@check("PyTorch", mend=REINSTALL.format("torch"))
def pytorch() -> str:
    return execute([sys.executable, "-c", TORCH])


@check("TensorFlow, Keras", mend=REINSTALL.format("tensorflow keras"))
def tensorflow_and_keras() -> str:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise Broken(f"KERAS_BACKEND asks Keras for {backend}", mend="set KERAS_BACKEND=" if os.name == "nt" else "unset KERAS_BACKEND")
    return execute([sys.executable, "-c", KERAS])


@check("Atari emulator", mend=REINSTALL.format("ale-py gymnasium"))
def emulator() -> str:
    said = execute([sys.executable, "-c", EMULATOR])
    return f"gymnasium {metadata.version('gymnasium')}, ale-py {metadata.version('ale-py')}: {said}"


@check("Breakout's ROM", mend=REINSTALL.format("ale-py"))
def rom() -> str:
    from ale_py import roms

    return f"{roms.get_rom_path('breakout').name}, checksum right"


@check("video encoder", mend=REINSTALL.format("imageio-ffmpeg"))
def video_encoder() -> str:
    import imageio_ffmpeg

    picture = ["-f", "lavfi", "-i", "color=size=16x16:duration=0.1"]
    execute([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *picture, "-c:v", "libx264", "-f", "null", "-"])
    return f"imageio-ffmpeg {metadata.version('imageio-ffmpeg')} encodes H.264"


@check("JupyterLab, kernel", mend=command("-m ipykernel install --sys-prefix"))
def kernel() -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    program = Path(KernelSpecManager().get_kernel_spec("python3").argv[0])
    if program.is_absolute() and not program.is_relative_to(sys.prefix):  # a bare "python" means the one that runs JupyterLab
        raise Broken(f"notebooks would run in {program}")
    return f"JupyterLab {metadata.version('jupyterlab')}, kernel python3 of this environment"


@check("trained weights", mend="git checkout -- data/pretrained")
def trained_weights() -> str:
    from course_lib import pretrained

    problems = pretrained.problems()
    if problems:
        raise Broken("; ".join(problems))
    return "all files whole"


@check("notebooks", mend=INSTALL)
def notebooks() -> str:
    lessons = sorted(path.stem for path in (ROOT / "lessons").glob("[0-9]*.py"))  # a learner's copy comes without them
    if not lessons and not (lessons := sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))):
        raise Broken(f"no lessons in {ROOT}: the course runs from its own folder")
    missing = [f"notebooks/{name}.ipynb" for name in lessons if not (ROOT / "notebooks" / f"{name}.ipynb").is_file()]
    if missing:
        raise Broken(f"{len(missing)} of {len(lessons)} missing", mend="git checkout -- " + " ".join(missing))
    return f"{len(lessons)} of {len(lessons)} in place"


@check("free disk", mend=command("-m pip cache purge"))
def disk() -> str:
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < DISK_GB:
        raise Broken(f"{free:.1f} GB, needs {DISK_GB}")
    return f"{free:.0f} GB"


@check("free memory", mend="close other programs and running notebooks")
def memory() -> str:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    if free < MEMORY_GB:
        raise Broken(f"{free:.1f} GB, needs {MEMORY_GB}")
    return f"{free:.0f} GB, {psutil.cpu_count()} processor cores"


def run(console: Console | None = None) -> int:
    """Print the table; the exit status is 0 if all is well, else 2."""
    console = console or Console()
    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda look: look(), CHECKS))
    table = Table("", "what", "found", title="Is everything here?")
    for row in rows:
        table.add_row("[green]ok[/]" if row.ok else "[red]no[/]", row.what, escape(row.found))
    console.print(table)
    broken = [row for row in rows if not row.ok]
    for row in broken:
        console.print(f"To mend {row.what}:\n  {row.mend}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(broken)} to mend; type the commands in {ROOT}" if broken else "All is well.", markup=False, highlight=False, soft_wrap=True)
    return 2 if broken else 0
