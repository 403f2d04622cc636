"""A learner asks how a notebook stands: each answer meets its public check, in the surroundings that a grader would give it.

There is no lesson to compare with in a learner's copy, so all is read from the notebook itself: of the cells that belong to the lesson the
statements that an answer needs, for other exercises their references, and of each exercise its answer cell alone. It is the learner's own
code on the learner's own machine, so it runs in an ordinary kernel without walls.
"""

from __future__ import annotations

import ast
import logging
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm import tqdm

import course_lib.checks  # noqa: F401  (fills CHECKS)
from course_lib.checks.base import CHECKS, Check
from course_lib.errors import CourseError
from course_lib.grading.excerpt import BROKEN, Statement, excerpt, statements
from course_lib.grading.execute import CELL_TIMEOUT, first_line
from course_lib.grading.submissions import Key, defines, key_of, read_cells
from course_lib.grading.tasks import out_of_bounds

SIGNS = {"passed": ("✓", "green"), "open": ("○", "yellow"), "failed": ("✗", "red"), "unknown": ("?", "dim")}
OF_HIDDEN_TESTS = "Hidden tests exist too: they try other inputs, so read the exercise's text closely."
VERDICT = "application/x-course-verdict"  # the type of output that carries what a check says past all that an answer prints
KERNEL = "python3"


@dataclass(frozen=True)
class Line:
    """How one exercise stands."""

    exercise: str  # "03.3 huber_loss (torch)"
    status: str  # "passed", "open", "failed", or "unknown" after Ctrl-C
    sentence: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, as it stands in a learner's notebook."""

    check: Check
    name: str  # what the answer must define
    source: str | None  # the answer cell; None if it is not there
    before: tuple[str, ...]  # the lesson's code above it, with references for other answers
    elsewhere: frozenset[str]  # what other answers define, and cells that the learner has added: no grader gives that to this answer


def check(path: Path, time_limit: float = 60.0) -> list[Line]:
    """How each exercise of a notebook stands, in the notebook's order; raises CourseError if the file is no notebook of the course.

    time_limit: seconds for an answer, and for its check. After Ctrl-C the rest is "unknown".
    """
    exercises, lines = Notebook(path).exercises(), []
    with Kernel(path.resolve().parent) as kernel, tqdm(exercises, unit=" exercises", leave=False) as progress, suppress(KeyboardInterrupt):
        for exercise in progress:
            progress.set_description(exercise.check.label)
            lines.append(Line(exercise.check.label, *judge(exercise, kernel, time_limit)))
    return lines + [Line(exercise.check.label, "unknown", "not checked: you stopped before") for exercise in exercises[len(lines) :]]


def show(lines: list[Line], console: Console | None = None) -> None:
    """Print the lines as a table, and how many exercises are done."""
    if console is None:
        console = Console(width=None if sys.stdout.isatty() else 110)
    table = Table("exercise", "", "what the check says")
    for line in lines:
        table.add_row(Text(line.exercise), Text(*SIGNS[line.status]), Text(line.sentence))
    console.print(table)
    count = Counter(line.status for line in lines)
    rest = f", {count['unknown']} not checked" if count["unknown"] else ""
    said = f"{count['passed']} of {len(lines)} done, {count['open']} open, {count['failed']} to mend{rest}."
    console.print(f"{said} {OF_HIDDEN_TESTS}", highlight=False, soft_wrap=True)


# --- what is in the notebook ------------------------------------------------------------------------------------------------------------


class Notebook:
    """A learner's copy of a lesson."""

    def __init__(self, path: Path) -> None:
        """Reads the file; raises CourseError if it is no notebook of the course."""
        if not path.exists():
            raise CourseError(f"There is no file {path}.")
        if path.is_dir():
            raise CourseError(f"{path} is a folder: name one of its notebooks, or check them all with course progress {path} --run.")
        try:
            self.cells = read_cells(path.resolve())
        except ValueError as error:
            raise CourseError(f"{path} cannot be checked: {error}.") from error
        self.answers: dict[Key, list[int]] = {}  # positions of the cells that claim to answer
        for position, cell in enumerate(self.cells):
            if (key := key_of(cell, CHECKS)) is not None:
                self.answers.setdefault(key, []).append(position)
        if not self.answers:
            raise CourseError(f"{path} holds no exercise of the course: name one of its notebooks, such as notebooks/03_huber_loss.ipynb.")
        ((self.number, _),) = Counter(id[:2] for id, _ in self.answers).most_common(1)
        self.is_numbered = any(map(is_numbered, self.cells))

    def exercises(self) -> list[Exercise]:
        """The lesson's exercises in the notebook's order, those that are missing last."""
        found = [*self.answers, *(key for key in CHECKS if key not in self.answers)]
        return [self._exercise(key) for key in found if key[0].startswith(self.number)]

    def _exercise(self, key: Key) -> Exercise:
        """An exercise with its answer: of several cells the last that is more than the stub."""
        name, sources = self._name(key), {position: self.cells[position]["source"] for position in self.answers.get(key, [])}
        if not sources:
            return Exercise(CHECKS[key], name, None, (), frozenset())
        chosen = max(sources, key=lambda one: (defines(sources[one], name), not is_unwritten(sources[one], name), one))
        before = [self._given(cell, key) for cell in self.cells[:chosen]]
        others = [cell["source"] for position, cell in enumerate(self.cells) if position not in sources and not self._is_given(cell)]
        elsewhere = frozenset().union(*(statement.binds for source in others for statement in read_statements(source)))
        return Exercise(CHECKS[key], name, sources[chosen], tuple(filter(read_statements, before)), elsewhere)

    def _name(self, key: Key) -> str:
        """What an answer must define: what its check cell says, or, if somebody has rewritten that, what the answer defines."""
        for cell in self.cells:
            marks = cell["marks"]
            if is_check(cell) and (marks.get("exercise"), marks.get("framework") or marks.get("part")) == key:
                if call := re.search(r"^(\w+) = checks\.\w+\.\w+\(\1\)$", cell["source"], re.MULTILINE):
                    return call[1]
        sources = [self.cells[position]["source"] for position in self.answers.get(key, [])]
        defined = [name for source in sources for statement in read_statements(source) for name in statement.binds]
        return defined[-1] if defined and CHECKS[key].name not in defined else CHECKS[key].name

    def _given(self, cell: dict, key: Key) -> str:
        """What a cell gives to an answer below it: a cell of the lesson its code, another exercise's answer the reference.

        (In the notebook, the check hands back the learner's answer if that is right. The reference does the same, and never loops.)
        """
        if (other := key_of(cell, CHECKS)) is not None and other[0] != key[0]:
            return f"from course_lib.checks import base as _base\n{self._name(other)} = _base.CHECKS[{other!r}].make_reference()"
        return cell["source"] if self._is_given(cell) and not is_check(cell) else ""

    def _is_given(self, cell: dict) -> bool:
        """Whether a cell came with the lesson as it is. Its id tells; where ids are lost, all that answers no exercise counts."""
        return is_check(cell) or (is_numbered(cell) if self.is_numbered else key_of(cell, CHECKS) is None)


def is_check(cell: dict) -> bool:
    return cell["marks"].get("role") == "check" or re.fullmatch(r"\d\d-\d+-check(-\w+)?", cell["id"]) is not None


def is_numbered(cell: dict) -> bool:
    return re.fullmatch(r"\d\d-c\d\d", cell["id"]) is not None


def read_statements(source: str) -> tuple[Statement, ...]:
    """A cell's statements; none if it is no Python."""
    try:
        return statements(source)
    except BROKEN:
        return ()


def is_unwritten(source: str, name: str) -> bool:
    """Whether an answer is plainly a stub: only comments, or `name = None`, or with a function that raises NotImplementedError at once."""
    answer = next((statement.source for statement in reversed(read_statements(source)) if name in statement.binds), None)
    if answer is None:
        return all(line.strip().startswith("#") for line in source.splitlines() if line.strip())
    functions = [node for node in ast.walk(ast.parse(answer)) if isinstance(node, ast.FunctionDef)]
    return answer == f"{name} = None" or any(map(raises_at_once, functions))


def raises_at_once(function: ast.FunctionDef) -> bool:
    code = [line for line in function.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    return bool(code) and ast.unparse(code[0]) == "raise NotImplementedError"


# --- how an answer stands ---------------------------------------------------------------------------------------------------------------


def judge(exercise: Exercise, kernel: Kernel, time_limit: float) -> tuple[str, str]:
    """An exercise's status and sentence."""
    source, name = exercise.source, exercise.name
    if source is None:
        return "failed", "its answer cell is not in the notebook: copy it from a fresh one"
    if is_unwritten(source, name):
        if name in exercise.elsewhere:
            return "failed", f"only the answer cell is graded: move `{name}` into it"
        return "open", "not written yet"
    try:
        surroundings = excerpt(exercise.before, source)
    except BROKEN as error:
        return "failed", f"your code is no Python: {said_of(error)}"
    if touched := out_of_bounds(source):
        return "failed", f"the grader refuses this: {touched}"
    if homeless := sorted(surroundings.unbound & exercise.elsewhere):
        return "failed", f"only the answer cell is graded: move {' and '.join(f'`{one}`' for one in homeless)} into it"
    if not defines(source, name):
        return "failed", f"the answer cell does not define `{name}`"
    if trouble := prepare(exercise.check, surroundings.source, kernel):
        return "failed", trouble
    return ask(exercise, kernel, time_limit)


def said_of(error: BaseException) -> str:
    return f"{error.msg} in line {error.lineno}" if isinstance(error, SyntaxError) else str(error)


def prepare(check: Check, surroundings: str, kernel: Kernel) -> str | None:
    """Give the kernel what the answer needs; returns what went wrong. The time that a framework takes to start is not the answer's."""
    kernel.clear()
    needed = ["course_lib.checks", *([check.framework] if check.framework else [])]
    imports = "\n".join(f"__import__({module!r})" for module in needed)
    try:
        kernel.run(f"{imports}\n{surroundings}", CELL_TIMEOUT)
    except CellExecutionError as error:
        return f"a cell above it, which it needs, raised {error.ename}: {first_line(error.evalue)}"
    except (CellTimeoutError, DeadKernelError):
        return "a cell above it, which it needs, does not come to its end"
    return None


def ask(exercise: Exercise, kernel: Kernel, time_limit: float) -> tuple[str, str]:
    """Run the answer cell, then the check, which is called as the lesson calls it whatever has become of its cell."""
    check = exercise.check
    verdict = f"_base.verdict(_base.CHECKS[{(check.id, check.variant)!r}], {exercise.name})"
    publish = f"from course_lib.checks import base as _base\nget_ipython().display_pub.publish({{{VERDICT!r}: {verdict}}})"
    try:
        kernel.run(exercise.source, time_limit)
        outputs = kernel.run(publish, time_limit)
        status, line = next(output.data[VERDICT] for output in outputs if VERDICT in output.get("data", {}))
    except CellExecutionError as error:
        return "failed", f"your code raised {error.ename}: {first_line(error.evalue)}".removesuffix(": ")
    except CellTimeoutError:
        return "failed", f"it took more than {time_limit:g} seconds and was stopped"
    except (DeadKernelError, StopIteration):
        return "failed", "it ended the kernel's process"
    return status, "not written yet" if status == "open" else line[len(f"✓ {check.label}") :].lstrip(".: ")


class Kernel:
    """Runs cells in a notebook's folder. Its process is started when a cell needs it, and anew after it was lost."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: NotebookClient | None = None
        self._running = ExitStack()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *error) -> None:
        self._end()

    def run(self, source: str, seconds: float) -> list[NotebookNode]:
        """A cell's outputs. Raises CellExecutionError if the cell does, and loses its process with CellTimeoutError or DeadKernelError."""
        client = self._client or self._start()
        cell = new_code_cell(source, metadata={"seconds": seconds})
        client.nb.cells = [cell]
        try:
            client.execute_cell(cell, 0, store_history=False)
        except (CellTimeoutError, DeadKernelError):
            self._end()
            raise
        return cell.outputs

    def clear(self) -> None:
        """Forget what cells have defined; a process that is busy or gone is replaced by a new one, which knows nothing."""
        if self._client:
            with suppress(CellTimeoutError, DeadKernelError):
                self.run("%reset -f", 10)

    def _start(self) -> NotebookClient:
        quiet = logging.Logger("check", logging.CRITICAL)  # nbclient tells of each timeout on stderr
        process = dict(cwd=str(self._folder), env=os.environ | {"MPLBACKEND": "agg"}, stderr=subprocess.DEVNULL)
        options = dict(kernel_name=KERNEL, shutdown_kernel="immediate", store_widget_state=False, record_timing=False)
        self._client = NotebookClient(new_notebook(), timeout_func=lambda cell: cell.metadata["seconds"], log=quiet, **options)
        try:
            self._running.enter_context(self._client.setup_kernel(**process))
        except (RuntimeError, NoSuchKernel) as error:
            raise CourseError(f"No kernel starts here ({first_line(str(error))}); see: course doctor") from error
        return self._client

    def _end(self) -> None:
        self._client = None
        self._running.close()
