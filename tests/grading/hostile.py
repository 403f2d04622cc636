"""Submissions of lesson 03 by people who want marks without work and know how the grader is built.

    python -m tests.grading.hostile [WORD ...]     grades those whose names hold one of the words, and prints a table for the docs

A learner is called what the submission does. Its answer is hostile, its other answers are right.
"""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.grading.build import ROOT
from course_lib.grading.grade import grade
from course_lib.grading.gradebook import Gradebook
from course_lib.grading.tasks import Rules

LESSON, HOME = "03_huber_loss", Path.home()
RULES = Rules(time_limit=6.0, memory_limit=1500)
RIGHT = """\
def huber_loss(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
"""
WRONG = """\
def huber_loss(errors, delta=1.0):
    return 0 * errors
"""


@dataclass(frozen=True)
class Hazard:
    """A submission, and what must become of it."""

    name: str  # of the learner
    status: str  # of the hostile answer; "failed or tampered" where either will do
    says: str  # words that stand in the reason, or in a note on how the answer was found
    hand_in: Callable[[Path, dict[str, str]], None]  # write it into the class's folder; the dict holds what $NAMES in it stand for
    exercise: str = "03.1"
    variant: str | None = None
    share: float = 0.0


HAZARDS: dict[str, Hazard] = {}


def register(hazard: Hazard) -> None:
    assert HAZARDS.setdefault(hazard.name, hazard) is hazard, f"two submissions are called {hazard.name!r}"


def answer(name: str, status: str, says: str, source: str, share: float = 0.0) -> None:
    """A notebook whose answer to 03.1 is this source."""

    def hand_in(folder: Path, setting: dict[str, str]) -> None:
        source_here = string.Template(source).safe_substitute(setting)
        write_notebook(folder / f"{name}.ipynb", make_notebook({"03-1-answer": source_here}))

    register(Hazard(name, status, says, hand_in, share=share))


def framework_answers(name: str, status: str, says: str, share: float, variant: str, **sources: str) -> None:
    """A notebook with these answers to 03.3, by framework."""

    def hand_in(folder: Path, setting: dict[str, str]) -> None:
        answers = {f"03-3-answer-{framework}": source for framework, source in sources.items()}
        write_notebook(folder / f"{name}.ipynb", make_notebook(answers))

    register(Hazard(name, status, says, hand_in, "03.3", variant, share))


def changed_notebook(name: str, status: str, says: str, share: float = 0.0) -> Callable:
    """A notebook that a function of its cells has changed (in place, or by what it returns); its answer to 03.1 is wrong at first."""

    def decorate(change: Callable[[list[dict]], list[dict] | None]) -> Callable:
        def hand_in(folder: Path, setting: dict[str, str]) -> None:
            notebook = make_notebook({"03-1-answer": WRONG})
            notebook["cells"] = change(notebook["cells"]) or notebook["cells"]
            write_notebook(folder / name / f"{LESSON}.ipynb", notebook)

        register(Hazard(name, status, says, hand_in, share=share))
        return change

    return decorate


def files(name: str, status: str, says: str, share: float = 0.0) -> Callable:
    """Whatever a function writes: it is given the class's folder."""

    def decorate(write: Callable[[Path], None]) -> Callable:
        register(Hazard(name, status, says, lambda folder, setting: write(folder), share=share))
        return write

    return decorate


def make_notebook(answers: dict[str, str]) -> dict:
    """The learners' notebook, solved but for these answers (by the ids of their cells)."""
    notebook = read_notebook("notebooks")
    solved = {cell["id"]: cell["source"] for cell in read_notebook("solutions")["cells"]}
    for cell in notebook["cells"]:
        if cell["metadata"].get("course", {}).get("role") == "answer":
            cell["source"] = answers.get(cell["id"], solved[cell["id"]])
    return notebook


def read_notebook(folder: str) -> dict:
    return json.loads((ROOT / folder / f"{LESSON}.ipynb").read_text(encoding="utf-8"))


def write_notebook(path: Path, notebook: dict) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def the_answer(cells: list[dict]) -> dict:
    """The answer cell of 03.1."""
    return next(cell for cell in cells if cell["id"] == "03-1-answer")


def code_cell(source: str, **more) -> dict:
    return {"cell_type": "code", "id": "added", "metadata": {}, "execution_count": None, "outputs": [], "source": source} | more


# --- tricks on what runs the cells ------------------------------------------------------------------------------------------------------

answer(
    "patches showtraceback away",
    "failed",
    "no hidden test passed",
    f"""
import sys
sys.modules["IPython.core.interactiveshell"].InteractiveShell.showtraceback = lambda *anything, **more: None
{WRONG}""",
)
answer(
    "drops every assert with an AST transformer",
    "failed",
    "no hidden test passed",
    f"""
import ast
class WithoutAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(WithoutAsserts())
{WRONG}""",
)
answer(
    "replaces the next cells with an input transformer",
    "failed",
    "no hidden test passed",
    f"""
import sys
shell = sys.modules["IPython.core.interactiveshell"].InteractiveShell.instance()
shell.input_transformers_cleanup.append(lambda lines: ["pass\\n"])
{WRONG}""",
)
answer("holds a comment for nbval", "tampered", "NBVAL_SKIP", f"# NBVAL_SKIP\n{WRONG}")
answer(
    "returns an object that equals everything",
    "failed",
    "no hidden test passed",
    """
class Equal:
    dtype, shape, ndim = np.dtype(float), (), 0
    def __eq__(self, other):
        return True
    def __array__(self, *anything, **more):
        return self
    def __float__(self):
        return 0.0
    __class__ = property(lambda self: np.ndarray)
def huber_loss(errors, delta=1.0):
    return Equal()
""",
)
answer(
    "returns an array that equals everything",
    "failed",
    "no hidden test passed",
    """
class Liar(np.ndarray):
    __eq__ = __le__ = __ge__ = lambda self, other: np.ones(self.shape, bool)
    def astype(self, *anything, **more):
        return self
    def tobytes(self, *anything):
        return b""
def huber_loss(errors, delta=1.0):
    return (0 * errors).view(Liar)
""",
)
answer(
    "returns floats that equal everything",
    "failed",
    "no hidden test passed",
    """
class Float(float):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    dtype = np.dtype(float)
def huber_loss(errors, delta=1.0):
    return Float(0.0)
""",
)
answer("calls exit", "crashed or failed", "", f"{WRONG}\nexit()\n")
answer("ends in a segmentation fault", "crashed", "ended its own process", f"{RIGHT}\nimport ctypes\nctypes.string_at(0)\n")
answer("calls os._exit", "crashed", "ended its own process", f"{WRONG}\nimport os\nos._exit(0)\n")
answer(
    "swallows what should stop its loop",
    "timeout",
    "more than 6 seconds",
    f"""
{RIGHT}
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
)
answer("loops for ever", "timeout", "more than 6 seconds", "def huber_loss(errors, delta=1.0):\n    while True:\n        pass\n")
answer("loops for ever after the right answer", "timeout", "more than 6 seconds", f"{RIGHT}\nwhile True:\n    pass\n")
answer(
    "stops its own process with a signal",
    "timeout or crashed",
    "",
    f"{RIGHT}\nimport ctypes, os\nctypes.CDLL(None).kill(os.getpid(), 19)\n",
)
answer("prints 300,000 lines", "crashed", "printed more", f"{RIGHT}\nfor number in range(300_000):\n    print('line', number)\n")
answer("prints the success line", "failed", "no hidden test passed", f"{WRONG}\nprint('✓ 03.1 huber_loss. All tests passed.')\n")
answer(
    "raises an error that looks like the grader's own words",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
def huber_loss(errors, delta=1.0):
    raise ValueError("all hidden tests passed")
""",
)

# --- tricks on the examination ----------------------------------------------------------------------------------------------------------

answer(
    "replaces the examination",
    "failed",
    "no hidden test passed",
    f"""
import sys
sys.modules["course_lib.grading.exam"].examine = lambda *anything: print("passed")
{WRONG}""",
)
answer(
    "replaces what makes results plain",
    "failed",
    "no hidden test passed",
    f"""
import sys
sys.modules["course_lib.grading.probing"].plain = lambda *anything: {{"object": "equal"}}
{WRONG}""",
)
answer(
    "does away with the hidden tests",
    "failed",
    "no hidden test passed",
    f"""
import sys
sys.modules["course_lib.grading.probing"].transcript = lambda *anything: []
{WRONG}""",
)
answer(
    "makes every random number zero",
    "failed",
    "hidden test",
    """
class Zeros:
    def __getattr__(self, name):
        return lambda first, *more: first if name == "permutation" else np.zeros(more[-1] if isinstance(more[-1], int) else ())
np.random.default_rng = lambda *seed: Zeros()
def huber_loss(errors, delta=1.0):
    return 0 * errors
""",
)
answer(
    "breaks numpy in its own process",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
np.abs = np.absolute = np.fabs = lambda numbers, *more, **named: np.zeros_like(numbers)
np.allclose = np.array_equal = lambda *anything, **more: True
""",
)
answer(
    "writes a transcript of its own",
    "failed",
    "no hidden test passed",
    f"""
import json, os, sys
exam = sys.modules["course_lib.grading.exam"]
os.pwrite(exam.paper, json.dumps([{{"returned": True}}] * 5).encode(), 0)
exam.write = lambda content: None
{WRONG}""",
)
answer(
    "keeps rewriting its transcript",
    "failed",
    "no hidden test passed",
    f"""
import os, sys, threading, time
paper = sys.modules["course_lib.grading.exam"].paper
def rewrite():
    while True:
        os.pwrite(paper, b'[{{"returned": 1.0}}, true, NaN, "' , 0)
        time.sleep(0.001)
threading.Thread(target=rewrite, daemon=True).start()
{WRONG}""",
)
answer(
    "writes a transcript of a million brackets",
    "failed",
    "no hidden test passed",
    f"""
import os, sys
exam = sys.modules["course_lib.grading.exam"]
os.pwrite(exam.paper, b"[" * 1_000_000, 0)
exam.write = lambda content: None
{WRONG}""",
)
answer(
    "closes the transcript",
    "failed",
    "no hidden test passed",
    f"""
import os, sys
os.close(sys.modules["course_lib.grading.exam"].paper)
{WRONG}""",
)
LIES = """
import sys
probing = sys.modules["course_lib.grading.probing"]
def lie(array, plain=probing.plain_array):
    told = plain(array)
    if isinstance(told, dict):
        told[{key!r}] = {value}
    return told
probing.plain_array = lie
"""
for name, key, value in (
    ("lies about the shape of its arrays", "shape", "['a', 10**18]"),
    ("lies about the type of its arrays", "dtype", "'1 1f8'"),
    ("lies about the type of its arrays at length", "dtype", "'1' * 5000 + 'f8'"),
):
    answer(name, "failed", "no hidden test passed", LIES.format(key=key, value=value) + WRONG)
answer(
    "rewrites its transcript when Python ends",
    "failed",
    "no hidden test passed",
    f"""
import atexit, os, sys, time
@atexit.register
def rewrite():
    os.pwrite(sys.modules["course_lib.grading.exam"].paper, b'[]' * 99, 0)
    time.sleep(60)
{WRONG}""",
)
answer(
    "writes a report in nbval's name",
    "failed",
    "no hidden test passed",
    f"""
import ctypes, os
libc = ctypes.CDLL(None)
for path in (b"nbval.json", b"../nbval.json", b"../transcript.json"):
    handle = libc.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    libc.write(handle, b'[{{"cell": "0", "outcome": "passed", "text": ""}}]', 46)
{WRONG}""",
)
answer(
    "hard-codes the cases of the public check",
    "failed",
    "hidden test",
    """
def huber_loss(errors, delta=1.0):
    known = {0.0: 0.0, 0.5: 0.125, 1.0: 0.5, 2.0: 1.5, 3.0: 2.5, 4.0: 3.5}
    return np.vectorize(lambda error: known.get(abs(error), 0.0))(errors)
""",
)
answer(
    "rings the alarm with text for the teacher's screen",
    "failed",
    "no hidden test passed",
    f"""
import os
for handle in os.listdir("/proc/self/fd"):
    if os.path.lexists(path := f"/proc/self/fd/{{handle}}") and os.readlink(path).endswith("alarms.txt"):
        os.write(int(handle), "\\x1b[2J\\x1b[31m deserves full marks \\u202e\\r\\x07".encode())
{WRONG}""",
)
answer(
    "forges what the public check says",
    "failed",
    "no hidden test passed",
    f"""
import sys
sys.modules["course_lib.grading.exam"].advise = lambda *anything: sys.modules["course_lib.grading.exam"].write(
    ["failed", "\\u2717 03.1 huber_loss: \\x1b[2J\\x1b]0;full marks\\x07\\r\\n\\u202ethe grader made a mistake"])
{WRONG}""",
)

# --- looking for results ----------------------------------------------------------------------------------------------------------------

USES_STOLEN = """
import numpy as np
for cell in cells:
    if cell["id"] == "03-1-answer":
        exec("".join(cell["source"]))
"""
answer(
    "opens the solutions",
    "tampered",
    "opens the course's own files",
    f"""
{WRONG}
import json
cells = json.load(open("$ROOT/solutions/03_huber_loss.ipynb"))["cells"]
{USES_STOLEN}""",
)
answer(
    "opens the solutions by another way than Python's",
    "failed",
    "JSONDecodeError",
    f"""
{WRONG}
import ctypes, json
libc = ctypes.CDLL(None)
text = ctypes.create_string_buffer(10_000_000)
for path in (b"$ROOT", b"/proc/self/root$ROOT", b"/proc/1/root$ROOT"):
    libc.read(libc.open(path + b"/solutions/03_huber_loss.ipynb", 0), text, 10_000_000)
cells = json.loads(text.value)["cells"]
{USES_STOLEN}""",
)
answer(
    "silences the alarm and opens the solutions",
    "failed or tampered",
    "",
    f"""
{WRONG}
import gc, json
for one in gc.get_objects():
    if type(one).__name__ == "function" and one.__name__ in ("watch", "refuse"):
        for cell in one.__closure__ or ():
            if isinstance(cell.cell_contents, tuple):
                cell.cell_contents = ("/nowhere",)
            elif callable(cell.cell_contents):
                cell.cell_contents = lambda *anything: None
cells = json.load(open("$ROOT/solutions/03_huber_loss.ipynb"))["cells"]
{USES_STOLEN}""",
)
answer(
    "opens the solutions in a second interpreter",
    "failed",
    "Error",
    f"""
{WRONG}
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import json
other = interpreters.create()
interpreters.run_string(other, '''
with open("$ROOT/solutions/03_huber_loss.ipynb") as stolen, open("copy", "w") as copy:
    copy.write(stolen.read())
''')
cells = json.load(open("copy"))["cells"]
{USES_STOLEN}""",
)
answer(
    "opens the solutions in a thread that is older than the walls",
    "failed or tampered",
    "",
    f"""
{WRONG}
import ctypes, json, os, sys, threading
libc, found, done = ctypes.CDLL(None), [], threading.Event()
def steal():
    handle = libc.open(b"$ROOT/solutions/03_huber_loss.ipynb", 0)
    text = ctypes.create_string_buffer(10_000_000)
    libc.read(handle, text, 10_000_000)
    found.append(text.value)
    libc.open(b"$OUTSIDE/$TOKEN-by-an-older-thread", os.O_WRONLY | os.O_CREAT, 0o644)
    done.set()
for thread in (getattr(sys.stdout, "pub_thread", None), *threading.enumerate()):
    loop = getattr(thread, "io_loop", None)
    if loop is not None:
        loop.add_callback(steal)
done.wait(2)
cells = json.loads(found[0])["cells"]
{USES_STOLEN}""",
)
answer(
    "reads the constants of the checks",
    "tampered",
    "opens the course's own files",
    f"{WRONG}\nconstants = open('$ROOT/course_lib/checks/huber.py').read()\n",
)
answer(
    "imports the checks",
    "tampered",
    "what an answer may use",
    "from course_lib.checks.huber import reference_loss\ndef huber_loss(errors, delta=1.0):\n    return reference_loss(errors, delta)\n",
)
answer(
    "imports the checks under a name that is put together",
    "tampered",
    "opens the course's own files",
    f"""
{WRONG}
import importlib
huber_loss = importlib.import_module("course_" + "lib.checks.huber").reference_loss
""",
)
answer("patches the checks", "tampered", "calls `checks`", f"{WRONG}\nchecks.huber.huber_loss = lambda answer: answer\n")
answer(
    "lets the check hand back the solution",
    "missing",
    "not written yet",
    "def huber_loss(errors, delta=1.0):\n    raise NotImplementedError\nhuber_loss = checks.huber.huber_loss(huber_loss)\n",
)
answer(
    "looks for the solution among all objects",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import gc, sys
for one in [*gc.get_objects(), *sys.modules.values()]:
    if getattr(one, "__module__", None) != "__main__":
        for name in ("huber_loss", "reference_loss", "reference_gradient", "expected", "CHECKS"):
            if type(one).__name__ in ("function", "module") and name in getattr(one, "__dict__", {{}}) | getattr(one, "__globals__", {{}}):
                huber_loss = (vars(one) | getattr(one, "__globals__", {{}}))[name]
""",
)
answer(
    "reads other processes' secrets",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import os
own = os.readlink("/proc/self")
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "maps", "mem") if pid != own else ():
        try:
            with open(f"/proc/{{pid}}/{{name}}", "rb") as file:
                secret = file.read(1) if name != "mem" else b"open"
        except OSError:
            continue
        if secret:
            exec({RIGHT!r})
""",
)
answer(
    "traces the processes above it",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes, os
libc = ctypes.CDLL(None)
pids = [os.getppid(), 1, *map(int, filter(str.isdigit, os.listdir("/proc")))]
SEIZE, VM_READ = 0x4206, 310
for pid in pids:
    if pid != os.getpid() and libc.ptrace(SEIZE, pid, None, None) == 0:
        exec({RIGHT!r})
""",
)
answer(
    "reads the notebook of its exam",
    "failed",
    "PermissionError",
    f"{WRONG}\ntext = open('../exam.ipynb').read()\n{RIGHT}",
)
answer(
    "reads what others have handed in",
    "failed",
    "PermissionError",
    f"""
{WRONG}
import json, os
for name in os.listdir("$CLASS"):
    cells = json.load(open(f"$CLASS/{{name}}"))["cells"]
{RIGHT}""",
)
answer(
    "sees the solutions through a mount of its own",
    "failed",
    "",
    f"""
{WRONG}
import ctypes, json, os
libc = ctypes.CDLL(None)
NEW_USER, NEW_MOUNTS, BIND = 0x10000000, 0x00020000, 4096
os.mkdir("view")
for flags in (NEW_MOUNTS, NEW_USER | NEW_MOUNTS):
    libc.unshare(flags)
    libc.mount(b"$ROOT/solutions", b"view", None, BIND, None)
libc.chroot(b"$ROOT")
for path in ("view", "/solutions"):
    if os.path.exists(f"{{path}}/03_huber_loss.ipynb"):
        break
cells = json.load(open(f"{{path}}/03_huber_loss.ipynb"))["cells"]
{USES_STOLEN}""",
)

# --- harm to others, and ways out -------------------------------------------------------------------------------------------------------

answer(
    "writes outside its folder",
    "tampered",
    "writes a file outside its folder",
    f"{RIGHT}\nopen('$OUTSIDE/$TOKEN', 'w').write('I was here')\n",
)
answer(
    "writes everywhere by another way than Python's",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes, os
libc = ctypes.CDLL(None)
for place in $PLACES:
    if place.endswith("-folder"):
        libc.mkdir(os.fsencode(place), 0o755)
    elif place.endswith("-link"):
        libc.symlink(b"/etc/passwd", os.fsencode(place))
    else:
        libc.open(os.fsencode(place), os.O_WRONLY | os.O_CREAT, 0o644)
libc.rename(b"$OUTSIDE/notes.txt", b"$OUTSIDE/$TOKEN-renamed")
libc.unlink(b"$OUTSIDE/notes.txt")
libc.truncate(b"$OUTSIDE/notes.txt", 0)
""",
)
answer(
    "adds a file to the Python that grades",
    "tampered",
    "writes a file outside its folder",
    f"{RIGHT}\nimport sysconfig\nopen(sysconfig.get_path('purelib') + '/$TOKEN.pth', 'w').write('import os')\n",
)
answer(
    "poisons the bytecode of the grader",
    "tampered",
    "opens the course's own files",
    f"{RIGHT}\nopen('$ROOT/course_lib/grading/__pycache__/$TOKEN.pyc', 'wb').write(b'poison')\n",
)
answer(
    "poisons the bytecode of numpy",
    "failed or tampered",
    "",
    f"{WRONG}\nimport os\nopen(os.path.dirname(np.__file__) + '/__pycache__/$TOKEN.pyc', 'wb').write(b'poison')\n",
)
answer(
    "changes the permissions of a file outside",
    "failed or tampered",
    "",
    f"""
{WRONG}
import os
os.chmod("$OUTSIDE/notes.txt", 0o777)
""",
)
answer(
    "changes the times and attributes of files outside by another way than Python's",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes
libc = ctypes.CDLL(None)
libc.chmod(b"$OUTSIDE/notes.txt", 0o777)
libc.chmod(b"$OUTSIDE", 0o777)
libc.utime(b"$OUTSIDE/notes.txt", (ctypes.c_long * 2)(1, 1))
libc.setxattr(b"$OUTSIDE/notes.txt", b"user.graffiti", b"1", 1, 0)
libc.chown(b"$OUTSIDE/notes.txt", 65534, 65534)
""",
)
answer(
    "opens a connection",
    "tampered",
    "opens a socket",
    f"{RIGHT}\nimport socket\nsocket.socket().connect(('127.0.0.1', $PORT))\n",
)
SOCKETS = """
import ctypes, socket, struct, time
libc = ctypes.CDLL(None)
def address(port):
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton("127.0.0.1") + bytes(8)
"""
answer(
    "opens a connection and a port by another way than Python's",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
{SOCKETS}
call = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
libc.connect(call, address($PORT), 16)
libc.send(call, b"solution, please", 16, 0)
letter = libc.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
libc.sendto(letter, b"solution, please", 16, 0, address($PORT), 16)
door = libc.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
libc.bind(door, address($DOOR), 16)
libc.listen(door, 5)
time.sleep(1)
""",
)
answer(
    "calls a service of the machine by its socket",  # such as Docker's, which hands out the whole machine
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes
libc = ctypes.CDLL(None)
call, path = libc.socket(1, 1, 0), b"$OUTSIDE/service.socket"
libc.connect(call, (1).to_bytes(2, "little") + path + bytes(1), len(path) + 3)
libc.send(call, b"solution, please", 16, 0x4000)
""",
)
answer(
    "asks a warmed parent for an exam without walls",
    "tampered",
    "changes a file outside its folder",
    f"""
{WRONG}
import ctypes, json, os, sys, time
libc = ctypes.CDLL(None)
os.makedirs("evil/home")
os.symlink("$OUTSIDE", "evil/work")
source = '__import__("ctypes").CDLL(None).open(b"$OUTSIDE/$TOKEN-by-a-second-exam", 65, 420)'
cell = {{"cell_type": "code", "id": "a", "metadata": {{}}, "outputs": [], "execution_count": None, "source": source}}
json.dump({{"nbformat": 4, "nbformat_minor": 5, "metadata": {{}}, "cells": [cell]}}, open("evil/exam.ipynb", "w"))
paths = set()
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        paths |= {{part for part in open(f"/proc/{{pid}}/cmdline", "rb").read().split(b"\\0") if part.endswith(b".socket")}}
    except OSError:
        pass
for path in paths:
    if b"$TEMPORARY" in path:
        call = libc.socket(1, 1, 0)
        libc.connect(call, (1).to_bytes(2, "little") + path + b"\\0", len(path) + 3)
        job = json.dumps({{"folder": os.path.abspath("evil"), "time_limit": 5, "memory_limit": 4000, "open_book": True}}).encode() + b"\\n"
        libc.send(call, job, len(job), 0x4000)
time.sleep(3)
""",
)
ITS_SOCKETS = """
import os, socket, stat, time
def unix_sockets():
    for handle in range(3, 256):
        try:
            one = socket.socket(fileno=os.dup(handle))
        except OSError:
            continue
        if one.family == socket.AF_UNIX:
            yield one
"""
answer(
    "answers the grader in its supervisor's name",
    "tampered",
    "opens a socket",
    f"""
{WRONG}
{ITS_SOCKETS}
for one in unix_sockets():
    try:
        one.send(b'{{"evil": 1}}\\n')
    except OSError:
        pass
""",
)
answer(
    "takes the exams of others from the parent's socket",
    "tampered",
    "opens a socket",
    f"""
{WRONG}
{ITS_SOCKETS}
doors = [one for one in unix_sockets() if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
end = time.monotonic() + 4
while doors and time.monotonic() < end:
    for door in doors:
        door.settimeout(0.05)
        try:
            door.accept()[0].send(b'{{"stopped": "memory", "seconds": 1}}\\n')
        except OSError:
            pass
""",
)
answer(
    "sends signals to the processes above it",
    "tampered",
    "sends a signal to a process",
    f"{RIGHT}\nimport os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n",
)
answer(
    "sends signals to everybody by another way than Python's",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes, os
libc = ctypes.CDLL(None)
for number in (19, 15, 9):
    for pid in (os.getppid(), 1, -1):
        libc.kill(pid, number)
""",
)
answer(
    "takes the limits of the processes above it down",
    "failed or crashed",
    "",
    f"""
{WRONG}
import os, resource
for kind, value in ((resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CPU, 1), (resource.RLIMIT_NOFILE, 3)):
    resource.prlimit(os.getppid(), kind, (value, value))
""",
)
answer(
    "takes its own limits up",
    "failed",
    "Error",
    f"""
{WRONG}
import resource
for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_DATA):
    resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
{RIGHT}""",
)
answer(
    "starts a program",
    "tampered",
    "starts a program or a process",
    f"{RIGHT}\nimport subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n",
)
answer(
    "starts a process that outlives it",
    "failed",
    "no hidden test passed",
    f"""
{WRONG}
import ctypes, os, time
libc = ctypes.CDLL(None)
if libc.fork() == 0:
    libc.setsid()
    if libc.fork() == 0:
        libc.prctl(1, 0)
        while True:
            time.sleep(1)
    os._exit(0)
""",
)
answer("forks without end", "tampered", "starts a program or a process", f"{RIGHT}\nimport os\nwhile True:\n    os.fork()\n")
answer(
    "forks without end by another way than Python's",
    "crashed or timeout",  # whichever is seen first
    "",
    f"{RIGHT}\nimport ctypes\nfork = ctypes.CDLL(None).fork\nwhile True:\n    fork()\n",
)
answer(
    "asks for more memory than there is",
    "crashed",
    "MB of memory",
    "def huber_loss(errors, delta=1.0):\n    return np.ones(10**10)[: errors.size].reshape(errors.shape)\n",
)
answer(
    "fills the memory in small steps and swallows the errors",
    "crashed",
    "MB of memory",
    """
kept = []
def huber_loss(errors, delta=1.0):
    while True:
        try:
            kept.append(bytearray(10_000_000))
        except MemoryError:
            raise MemoryError from None
""",
)
answer(
    "hides its memory in files without a name",
    "passed",  # it gets none: the system refuses such files
    "all hidden tests passed",
    f"""
{RIGHT}
import os, time
kept = [os.memfd_create("hidden") for _ in range(45)]
for handle in kept:
    os.posix_fallocate(handle, 0, 49_000_000)
time.sleep(1)
""",
    share=1.0,
)
answer(
    "hides its memory in segments that it lets go",
    "crashed",  # refused a segment, it writes to where there is none
    "ended its own process",
    f"""
{RIGHT}
import ctypes, time
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
for number in range(45):
    place = ctypes.c_void_p(libc.shmat(libc.shmget(0, 49_000_000, 0o1600), None, 0))
    libc.memset(place, 1, 49_000_000)
    libc.shmdt(place)
time.sleep(1)
""",
)
answer(
    "fills the disk",
    "passed",  # what does not fit in its folder is refused
    "all hidden tests passed",
    f"""
{RIGHT}
import os, time
for number in range(40):
    with open(f"file-{{number}}", "wb") as file:
        os.posix_fallocate(file.fileno(), 0, 49_000_000)
time.sleep(1)
""",
    share=1.0,
)
answer(
    "fills the disk with files that it has deleted",
    "passed",  # what does not fit in its folder is refused
    "all hidden tests passed",
    f"""
{RIGHT}
import os, time
kept = []
for number in range(40):
    kept.append(open("file", "wb"))
    os.posix_fallocate(kept[-1].fileno(), 0, 49_000_000)
    os.unlink("file")
time.sleep(1)
""",
    share=1.0,
)
answer(
    "leaves 1,500 folders in one another",
    "passed or crashed",
    "",
    f"""
{RIGHT}
import os
for _ in range(1500):
    os.mkdir("deeper")
    os.chdir("deeper")
""",
    share=1.0,
)

# --- answers that are hard to read ------------------------------------------------------------------------------------------------------

answer("has half of a surrogate pair in its answer", "failed", "", f"{WRONG}\nmark = '\ud800'\n")
answer("has a null byte in its answer", "failed", "no Python", f"{WRONG}\n# \0\n")
answer("has an answer of 10 MB", "missing", "characters", WRONG + "#" * 10_000_000)
answer("has an answer of 600 shell commands", "failed or tampered", "", "!ls\n" * 600 + WRONG)
answer("has an answer that IPython stumbles over", "failed", "no Python", f'{WRONG}\nx = %"\x1a\\\n')
answer("has an answer of 30,000 brackets", "failed", "no Python", "(" * 30_000)
answer("has an answer of 30,000 minus signs", "failed", "cannot be read", "-" * 30_000 + "1")
answer("has a name of 5,000 characters in its answer", "failed", "no hidden test passed", f"{WRONG}\n{'n' * 5000} = 1\n")
answer("has right answers", "passed", "all hidden tests passed", RIGHT, share=1.0)
answer(
    "is right but slow",
    "passed",
    "all hidden tests passed",
    RIGHT.replace("    size", "    time.sleep(0.3)\n    size", 1) + "import time\n",
    share=1.0,
)
answer("sleeps until one second before the limit", "passed", "all hidden tests passed", f"{RIGHT}\nimport time\ntime.sleep(5)\n", share=1.0)


# --- changed notebooks ------------------------------------------------------------------------------------------------------------------


@changed_notebook("has no answer cell", "missing", "is not in the notebook")
def without_answer(cells):
    return [cell for cell in cells if cell["id"] != "03-1-answer"]


@changed_notebook("has two answer cells", "passed", "2 cells answer exercise 03.1; the last one was graded", share=1.0)
def with_two_answers(cells):
    return [*cells, the_answer(cells) | {"source": RIGHT}]


@changed_notebook("has its cells in reverse", "passed", "all hidden tests passed", share=1.0)
def in_reverse(cells):
    the_answer(cells)["source"] = RIGHT
    return cells[::-1]


@changed_notebook("has other ids and no metadata", "passed", "has lost its marks", share=1.0)
def without_marks(cells):
    the_answer(cells)["source"] = RIGHT
    for number, cell in enumerate(cells):
        cell |= {"id": f"cell-{number}", "metadata": {}}


@changed_notebook("has an edited check cell", "failed", "no hidden test passed")
def with_an_edited_check(cells):
    next(cell for cell in cells if cell["id"] == "03-1-check")["source"] = "print('✓ 03.1 huber_loss. All is well.')"


@changed_notebook("has outputs typed in by hand", "failed", "no hidden test passed")
def with_outputs(cells):
    for cell in cells:
        if cell["id"] in ("03-1-answer", "03-1-check"):
            cell |= {"execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["✓ 03.1 huber_loss.\n"]}]}


@changed_notebook("has tags for nbval", "failed", "no hidden test passed")
def with_tags(cells):
    the_answer(cells)["metadata"]["tags"] = ["raises-exception", "nbval-skip", "nbval-ignore-output"]


@changed_notebook("needs a helper cell of its own", "failed", "`my_helper`")
def with_a_helper(cells):
    helper = code_cell(RIGHT.replace("huber_loss", "my_helper"))
    the_answer(cells)["source"] = "def huber_loss(errors, delta=1.0):\n    return my_helper(errors, delta)\n"
    return [helper, *cells]


@changed_notebook("has cells of the wrong types", "missing", "is not in the notebook")
def of_wrong_types(cells):
    answer = the_answer(cells)
    broken = [None, 3, "cell", [], {}, {"cell_type": "code"}, {"cell_type": ["code"], "source": {"a": 1}}]
    broken += [answer | {"source": 3, "id": None, "metadata": "none"}, answer | {"source": [1], "id": {}, "metadata": {"course": [1]}}]
    for exercise in (["03.1"], None, 3.1, "../../03.1", "٠٣.١"):
        broken.append(answer | {"id": 7, "metadata": {"course": {"role": "answer", "exercise": exercise}}})
    return [*broken, *(cell for cell in cells if cell["id"] != "03-1-answer")]


# --- one framework, or two --------------------------------------------------------------------------------------------------------------

STUB = "def huber_{framework}(predictions, targets, delta=1.0):\n    raise NotImplementedError\n"
framework_answers("answers in PyTorch only", "passed", "all hidden tests passed", 1.0, "torch", keras=STUB.format(framework="keras"))
framework_answers("answers in Keras only", "passed", "all hidden tests passed", 1.0, "keras", torch=STUB.format(framework="torch"))
framework_answers(
    "answers in both and is wrong in Keras",
    "failed",
    "hidden test",
    0.0,
    "keras",
    keras="def huber_keras(predictions, targets, delta=1.0):\n    return 0.0 * predictions[:, 0]\n",
)
framework_answers(
    "returns a tensor that equals everything",
    "failed",
    "no hidden test passed",
    0.0,
    "torch",
    torch="""
class Liar(torch.Tensor):
    __eq__ = __le__ = lambda self, other: True
    def numpy(self):
        return np.zeros(1)
def huber_torch(predictions, targets, delta=1.0):
    return (0.0 * predictions[:, 0]).as_subclass(Liar)
""",
)


# --- files that are no notebooks, and names ---------------------------------------------------------------------------------------------


@files("hands in a text", "unreadable", "no notebook")
def text(folder):
    (folder / "hands in a text").mkdir()
    (folder / "hands in a text" / "answers.docx").write_text("I did it all, it is on my other computer.")


@files("hands in a web page", "unreadable", "not JSON")
def web_page(folder):
    (folder / "hands in a web page.ipynb").write_text("<html>03-1-answer</html>")


@files("hands in an empty file", "unreadable", "empty file")
def empty_file(folder):
    (folder / "hands in an empty file.ipynb").touch()


@files("hands in a name that paints the screen", "unreadable", "empty file")
def painting_file(folder):
    (folder / "hands in a name that paints the screen").mkdir()
    (folder / "hands in a name that paints the screen" / "\x1b[2J\x1b[31mfull marks\r\n.ipynb").touch()


@files("hands in 200 MB", "unreadable", "200 MB")
def large_file(folder):
    with (folder / "hands in 200 MB.ipynb").open("wb") as file:
        file.truncate(200_000_000)


@files("hands in the wrong format", "unreadable", "notebook format 3")
def wrong_format(folder):
    (folder / "hands in the wrong format.ipynb").write_text(json.dumps(make_notebook({}) | {"nbformat": 3}))


@files("hands in a file that unfolds in memory", "unreadable", "none of the course's lessons")
def unfolding_file(folder):
    (folder / "hands in a file that unfolds in memory.ipynb").write_text('{"nbformat": 4, "cells": [' + "{}," * 3_000_000 + "{}]}")


@files("hands in brackets in brackets", "unreadable", "not JSON")
def deep_file(folder):
    (folder / "hands in brackets in brackets.ipynb").write_text('{"nbformat": 4, "cells": ' + "[" * 100_000)


@files("hands in a number of 100,000 digits", "unreadable", "")
def long_number(folder):
    (folder / "hands in a number of 100,000 digits.ipynb").write_text('{"cells": [], "nbformat": ' + "4" * 100_000 + "}")


@files("hands in a link", "unreadable", "symbolic link")
def link(folder):
    (folder / "hands in a link.ipynb").symlink_to(ROOT / "solutions" / f"{LESSON}.ipynb")


@files("hands in a link to a folder", "unreadable", "symbolic link")
def folder_link(folder):
    (folder / "hands in a link to a folder").symlink_to(ROOT / "solutions")


@files("hands in a folder with a link", "unreadable", "symbolic link")
def link_in_a_folder(folder):
    (folder / "hands in a folder with a link").mkdir()
    (folder / "hands in a folder with a link" / "notebook.ipynb").symlink_to(ROOT / "solutions" / f"{LESSON}.ipynb")


@files("hands in a pipe", "unreadable", "no file")
def pipe(folder):
    os.mkfifo(folder / "hands in a pipe.ipynb")


@files("hands in 1,500 folders in one another", "unreadable", "")
def deep_folders(folder):
    (folder / "hands in 1,500 folders in one another").mkdir()
    handle = os.open(folder / "hands in 1,500 folders in one another", os.O_RDONLY)
    for _ in range(1500):  # their whole path is longer than a path may be
        os.mkdir("deeper", dir_fd=handle)
        outer, handle = handle, os.open("deeper", os.O_RDONLY, dir_fd=handle)
        os.close(outer)
    os.close(handle)


NAMES = {
    "Zoë Ångström-O'Neill (spät abgegeben)": "has accents and spaces",
    r"a\..\..\windows %2e%2e%2f ~ $HOME; touch x & <b>=1+1": "has a path, a command and a formula",
    "n" * 255: "has as many characters as a file's name may have",
    os.fsdecode(b"caf\xe9 \xff"): "is no UTF-8",
    "new\nline\tand \x1b[31mred": "has control characters",
}
for name in NAMES:

    @files(name, "passed", "all hidden tests passed", share=1.0)
    def under_this_name(folder, name=name):
        write_notebook(folder / name / f"{LESSON}.ipynb", make_notebook({}))



@files("hands in twice", "failed", "no hidden test passed")
def twice(folder):
    """A file and a folder of the same learner: the first has a wrong answer, the second a right one."""
    write_notebook(folder / "hands in twice" / f"{LESSON}.ipynb", make_notebook({"03-1-answer": WRONG}))
    write_notebook(folder / "hands in twice.ipynb", make_notebook({}))


# --- grading them -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """Where a class is graded: all that its exams may leave behind would lie in one folder, or carry its token."""

    base: Path
    port: int = 9  # where somebody listens whom no answer must reach
    door: int = 9999  # where an answer listens whom nobody must reach

    @property
    def token(self) -> str:
        return f"graffiti-{self.base.name}"

    @property
    def outside(self) -> Path:
        """A folder of the instructor's, whose files no exam may touch."""
        return self.base / "outside"

    @property
    def temporary(self) -> Path:
        """The grader's temporary folder."""
        return self.base / "tmp"  # short: a socket lies in it

    @property
    def graffiti(self) -> list[str]:
        """What answers try to leave in places where anybody, or the instructor, may write."""
        places = [self.base, self.temporary, self.outside, HOME, ROOT, ROOT / "course_lib", ROOT / "solutions", sys.prefix, np.__path__[0]]
        places += ["/tmp", "/var/tmp", "/dev/shm", "/run", "/etc"]
        return [f"{place}/{self.token}{kind}" for place in places for kind in ("", "-folder", "-link")]

    def hand_in(self, hazards: Iterable[Hazard], name: str = "class") -> Path:
        """Fill a class's folder."""
        folder = self.base / name
        for one in (folder, self.outside, self.temporary):
            one.mkdir(exist_ok=True)
        (self.outside / "notes.txt").write_text("Everybody gets a two.")
        (self.outside / "notes.txt").chmod(0o600)
        setting = {"ROOT": ROOT, "CLASS": folder, "OUTSIDE": self.outside, "TEMPORARY": self.temporary, "TOKEN": self.token}
        setting |= {"PORT": self.port, "DOOR": self.door, "PLACES": self.graffiti}
        for hazard in hazards:
            hazard.hand_in(folder, {key: str(value) for key, value in setting.items()})
        return folder

    def remove(self) -> None:
        """Clear away all of it. (shutil's own way down, which is pytest's, too, ends at a thousand folders.)"""
        subprocess.run(["rm", "-rf", str(self.base), *self.graffiti], check=True)

    def grade(self, folder: Path, report: str) -> Gradebook:
        before, tempfile.tempdir = tempfile.tempdir, str(self.temporary)
        try:
            return grade(folder, self.base / report, [LESSON[:2]], RULES, jobs=2)
        finally:
            tempfile.tempdir = before


def reason(book: Gradebook, hazard: Hazard) -> str:
    """All that is told of a hostile answer: why its status, and how it was found."""
    place = hazard.name, (hazard.exercise, hazard.variant)
    notes = book.answers[place].notes if book.answers[place].source is not None else ()
    return "; ".join([book.results[place].reason, *notes])


def table(book: Gradebook, hazards: list[Hazard]) -> str:
    """What became of them, for the docs."""
    lines = ["| hazard | status | marks | reason |", "|---|---|---|---|"]
    for hazard in hazards:
        result = book.results[hazard.name, (hazard.exercise, hazard.variant)]
        points = next(mark for mark in book.marks(hazard.name) if mark.exercise == hazard.exercise)
        name = f"a name that {NAMES[hazard.name]}" if hazard.name in NAMES else hazard.name
        told = "".join(filter(str.isprintable, reason(book, hazard).replace(str(ROOT), "...").replace("|", "\\|")))
        lines.append(f"| {name} | {result.status} | {points.points:g} of {points.out_of} | {told} |")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    chosen = [hazard for hazard in HAZARDS.values() if not words or any(word in hazard.name for word in words)]
    scene = Scene(Path(tempfile.mkdtemp(prefix="hostile-")))
    try:
        print(table(scene.grade(scene.hand_in(chosen), "report"), chosen))
    finally:
        scene.remove()


if __name__ == "__main__":
    main(sys.argv[1:])
