"""From a fresh clone to the course in one command:

    python start.py lab      open the first lesson in JupyterLab
    python start.py play     let a trained agent play Breakout; the video is build/play.mp4
    python start.py test     run the tests
    python start.py install  make everything ready and start nothing

Each makes what it needs in .venv beside this file, and goes straight on when nothing has changed since.
What follows the command is handed on: python start.py lab --no-browser --port 8899

Standard library only, and no syntax newer than Python 3.7: an older Python should get as far as the sentence that refuses it.
"""

import ast
import collections
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed.txt"  # one fingerprint a line for each set of packages that is completely installed

OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml says

# command: (the extra of pyproject.toml that it needs, what .venv's Python runs, if anything)
COMMANDS = {
    "lab": ("", ["-m", "jupyterlab", "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"]),  # the whole course in its file browser
    "play": ("", ["-m", "course_lib.cli", "play", "--agent", "dqn", "--out", "build/play.mp4"]),
    "test": ("test", ["-m", "pytest", "-n", "2", "--dist", "loadscope"]),
    "install": ("", []),
}

UV = "uv==0.13.9"
UV_VARIABLES = {  # a setting of pip: uv's variable for the same
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "no-cache-dir": "UV_NO_CACHE",
}
OF_PIP_ALONE = set("config-file default-timeout disable-pip-version-check no-color no-input progress-bar quiet retries root-user-action timeout verbose".split())

# What pip's output says, and what that means to a person; the first that fits is told.
PIP_TROUBLES = {
    r"connection broken|Could not fetch URL|Connection refused|timed out": (
        "the package index cannot be reached: connect to the network and run the same command again"
    ),
    r"No space left|not enough space": "the disk is full: free some gigabytes and run the same command again",
    r"No matching distribution": (
        "a package has no build for this machine: the course needs 64-bit Linux or Windows, or a Mac with Apple silicon and macOS 14"
    ),
    r"": "its last lines stand above: mend that and run the same command again",
}


class Stop(Exception):
    """Something a person can mend. Its text is the one sentence they read."""


def main(arguments, version=sys.version_info):
    """Prepare .venv and run a command in it. Returns the exit status: 2 where a person has to mend something first."""
    try:
        check_python(version)
        command, extra = choose(arguments)
        if command == "help":
            print(__doc__)
            return 0
        packages, words = COMMANDS[command]
        prepare(packages)
        return run([str(PYTHON), *words, *extra]) if words else 0
    except Stop as stop:
        print(f"start.py: {stop}.", file=sys.stderr)
        return 2
    except BrokenPipeError:  # piped into head, which has read enough
        return 0
    except OSError as error:
        what, mend = (error.filename, "put the course where you may read and write") if error.filename else ("a program", "mend that and run the same command again")
        print(f"start.py: {what} cannot be used ({error.strerror or error}): {mend}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130


def check_python(version):
    if not OLDEST <= tuple(version[:2]) <= NEWEST:
        oldest, newest, this = (".".join(map(str, number[:2])) for number in (OLDEST, NEWEST, version))
        raise Stop(f"the course needs Python {oldest} to {newest}, and this is {this}: start it with one of those, for example python{newest} start.py lab")


def choose(arguments):
    """The command and what is handed on to it."""
    if arguments and arguments[0] in ("-h", "--help", "help"):
        return "help", []
    if not arguments or arguments[0] not in COMMANDS:
        said = f"'{arguments[0]}' is no command" if arguments else "say what to start"
        raise Stop(f"{said}: python start.py lab, play, test or install")
    return arguments[0], arguments[1:]


def prepare(extra):
    """Have .venv with the course and `extra` installed. Seconds when nothing changed."""
    unusable = why_unusable()
    if not unusable and fingerprint(extra) in stamped():
        return
    make_venv(unusable)
    STAMP.unlink(missing_ok=True)  # from here to the end of the installation .venv is not to be trusted
    begun = time.monotonic()
    install(extra)
    STAMP.write_text("\n".join([fingerprint(""), fingerprint(extra)]))
    print(f"Installed in {time.monotonic() - begun:.0f} seconds", flush=True)


def fingerprint(extra):
    """Changes with what would be installed, or with the Python it is installed for."""
    files = (ROOT / "pyproject.toml", ROOT / "constraints.txt")
    parts = [file.read_bytes() for file in files] + [str((sys.version_info[:2], extra)).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def stamped():
    return STAMP.read_text().split() if STAMP.is_file() else []


def why_unusable():
    """Why .venv cannot be kept ("it was moved"), or "" if it can or there is none."""
    if not VENV.is_dir() or not any(VENV.iterdir()):
        return ""
    if not PYTHON.exists() or not (VENV / "pyvenv.cfg").is_file():
        return "it is broken"
    lines = (VENV / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    notes = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    version = notes.get("version") or notes.get("version_info", "")
    if version.split(".")[:2] != [str(number) for number in sys.version_info[:2]]:
        return f"it was made by Python {version}"
    if not Path(notes.get("home", "")).is_dir():
        return "its Python is gone"
    if not os.path.normcase(notes.get("command", f" {VENV}")).endswith(os.path.normcase(f" {VENV}")):
        return "it was moved"
    return ""


def make_venv(unusable):
    """Make .venv, anew if the one there is unusable. On a sound one this only puts back what is missing."""
    if importlib.util.find_spec("ensurepip") is None:
        raise Stop("this Python cannot make virtual environments: install its venv module (Debian and Ubuntu: apt install python3-venv)")
    if unusable and Path(sys.prefix).resolve() == VENV:
        raise Stop(f".venv must be made anew ({unusable}), but its own Python cannot do that: deactivate it and run the same command again")
    try:
        VENV.mkdir(exist_ok=True)
    except FileExistsError:
        raise Stop(f"{VENV} is no folder: move it out of the way")
    print(f"Making .venv anew: {unusable}" if unusable else "Making .venv", flush=True)
    command = [sys.executable, "-m", "venv", *(["--clear"] if unusable else []), str(VENV)]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if made.returncode:
        reason = (made.stdout.strip() or "it does not say why").splitlines()[-1]
        raise Stop(f"{VENV} cannot be made ({reason}): close what uses it, or delete it")


def install(extra):
    """Install the course as pyproject.toml and constraints.txt have it, by uv or, where that cannot, by pip; raises Stop with the cause."""
    print("Installing the course; the first time takes some minutes", flush=True)
    wanted = ["-c", "constraints.txt", "-e", f".[{extra}]" if extra else "."]
    settings = uv_settings(pip_settings())
    if settings is not None and install_by_uv(wanted, settings):
        return
    hint_at_cpu_build()
    status, output = follow(pip("install", "--progress-bar", "off", *wanted), environment())
    if status:
        print("".join(output.splitlines(keepends=True)[-12:]), file=sys.stderr)
        raise Stop("pip could not install the course: " + explain(output))


def install_by_uv(wanted, settings):
    """Whether uv has installed it: in a quarter of pip's time, for it unpacks while it downloads, on all cores. pip brings it."""
    if follow(pip("install", "--progress-bar", "off", "--retries", "1", UV), environment())[0]:
        return False
    chosen = settings.keys() | os.environ.keys()
    if lacks_gpu() and not chosen & {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS", "UV_TORCH_BACKEND"}:
        print("  No NVIDIA GPU here: PyTorch comes without CUDA, from its own index, download.pytorch.org/whl/cpu", flush=True)
        settings["UV_TORCH_BACKEND"] = "cpu"
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        settings["UV_COMPILE_BYTECODE"] = "1"  # uv leaves that to the first import, which would do it again and again
    settings["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR", str(VENV / "cache"))  # beside the packages it is linked, not copied
    status, _ = follow([str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON), *wanted], {**environment(), **settings})
    if status:
        print("  uv could not; pip goes on", flush=True)
    return status == 0


def pip(*words):
    """A command for the pip of .venv."""
    return [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *words]


def pip_settings():
    """What the person has told pip, by files and variables: {"extra-index-url": "https://..."}."""
    loud = dict(environment(), PIP_QUIET="0")  # or it lists nothing
    asked = subprocess.run(pip("config", "list"), env=loud, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    found = [match.groups() for match in re.finditer(r"^(global|install|:env:)\.([\w-]+)=(.+)$", asked.stdout, re.MULTILINE)]
    found.sort(key=lambda setting: ("global", "install", ":env:").index(setting[0]))  # as pip does, the later one counts
    return {name: ast.literal_eval(value) for _, name, value in found}


def uv_settings(told):
    """pip's settings as variables of uv, which does not read them; None if one of them has no such variable."""
    settings = {}
    for name, value in told.items():
        if name in UV_VARIABLES:
            settings[UV_VARIABLES[name]] = ("," if name == "find-links" else " ").join(value.split())
        elif name not in OF_PIP_ALONE:
            return None
    if "UV_INDEX" in settings:
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # the newest of all indexes, as pip takes it
    return settings


def follow(command, variables):
    """Run an installer and show its larger steps, downloads from 10 MB on. Returns its exit status and the last 200 lines that it wrote."""
    last = collections.deque(maxlen=200)
    with subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace"
    ) as running:
        for line in running.stdout:
            last.append(line)
            shown = re.match(r"\s*(Downloading \S+ \(\d\d+\.\d ?Mi?B\)|Installing collected packages|Prepared \d+ packages)", line)
            if shown:
                print(" ", shown[1], flush=True)
    return running.returncode, "".join(last)


def explain(output):
    return next(meaning for pattern, meaning in PIP_TROUBLES.items() if re.search(pattern, output))


def lacks_gpu():
    """Whether PyTorch, as PyPI has it for this machine, would bring gigabytes of CUDA libraries that nothing here can use."""
    return sys.platform == "linux" and not shutil.which("nvidia-smi")


def hint_at_cpu_build():
    """pip cannot be told that one package comes from another index, so here the choice is the person's."""
    chosen = any(os.environ.get(name) for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"))
    if lacks_gpu() and not chosen:
        print("  No NVIDIA GPU here. To spare gigabytes of CUDA libraries: Ctrl-C, and start again with")
        print("  PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu in front of the command", flush=True)


def environment():
    """What activating .venv would set, so that terminals and kernels inside JupyterLab use it too, not the user's own kernels."""
    settings = dict(os.environ, VIRTUAL_ENV=str(VENV), JUPYTER_PREFER_ENV_PATH="1")
    settings["PATH"] = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    settings.pop("PYTHONHOME", None)
    return settings


def run(command):
    """Run to its end and return its exit status. Ctrl-C reaches the command too, and it decides (JupyterLab asks first); so does SIGTERM."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment())
    before = signal.signal(signal.SIGTERM, lambda number, frame: child.terminate())  # docker stop tells its first process only
    try:
        while True:
            try:
                status = child.wait()
                return status if status >= 0 else 128 - status
            except KeyboardInterrupt:
                pass
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
