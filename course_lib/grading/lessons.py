"""A lesson's source, read and checked: `lessons/NN_name.py` (jupytext's py:percent format) becomes a list of cells.

docs/writing_lessons.md is the contract. Whatever breaks it raises `CourseError`, one sentence with file and line.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jupytext

from course_lib.errors import CourseError

PAIRS = {"framework": ("torch", "keras"), "part": ("proof", "mend")}
"""An exercise may be a pair of answer cells: in two frameworks, or in two parts."""
TAGS = {"nbval-ignore-output"}
LONGEST_CELL = 25  # lines
NAME = re.compile(r"\d\d_[a-z0-9_]+")
BEGIN, END, STUB = "# SOLUTION BEGIN", "# SOLUTION END", "# STUB"


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson. `source` still holds its solution markers; `solved` and `unsolved` are what the two notebooks show."""

    kind: str  # "markdown" or "code"
    source: str
    file: str
    line: int  # of the cell's `# %%` marker in the file
    role: str | None = None  # "text", "answer" or "check" of an exercise; None for every other cell
    exercise: str | None = None  # "03.1"
    framework: str | None = None  # "torch" or "keras" where an exercise is such a pair
    part: str | None = None  # "proof" or "mend" where it is that pair
    tags: tuple[str, ...] = ()
    points: int | None = None  # what an exercise is worth; on its text

    @property
    def variant(self) -> str | None:
        """Which of a pair the cell belongs to."""
        return self.framework or self.part

    @property
    def key(self) -> tuple[str | None, str | None]:
        return self.exercise, self.variant

    @property
    def label(self) -> str:
        return f"{self.exercise} ({self.variant})" if self.variant else f"{self.exercise}"

    @property
    def solved(self) -> str:
        return solve(self)[0]

    @property
    def unsolved(self) -> str:
        return solve(self)[1]

    def mistake(self, text: str, offset: int = -1) -> CourseError:
        """The error to raise for a mistake in this cell, `offset` lines into its source (by default at its marker)."""
        return CourseError(f"{self.file}:{self.line + 1 + offset}: {text}")


@dataclass(frozen=True)
class Lesson:
    """A lesson that keeps the contract."""

    name: str  # "03_huber_loss"
    cells: list[Cell]

    @property
    def number(self) -> str:
        return self.name[:2]


def read_lesson(path: Path) -> Lesson:
    """Read one lesson file; raises CourseError at the first mistake in it."""
    if not NAME.fullmatch(path.stem):
        raise CourseError(f"lessons/{path.name}: call it NN_name.py, two digits, then lower-case letters, digits and underscores.")
    lesson = Lesson(path.stem, read_cells(path))
    for cell in lesson.cells:
        check_cell(cell)
        check_exercise_number(cell, lesson)
    check_exercises(lesson.cells)
    return lesson


def read_cells(path: Path) -> list[Cell]:
    text, file = path.read_text(encoding="utf-8"), f"lessons/{path.name}"
    markers = [number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("# %%")]
    parsed = jupytext.reads(text, fmt="py:percent").cells
    if len(markers) != len(parsed):
        raise CourseError(f"{file}:1: begin the file with a `# %%` line, and write no such line inside a string.")
    return [read_cell(cell, file, line) for cell, line in zip(parsed, markers, strict=True)]


def read_cell(parsed, file: str, line: int) -> Cell:
    """Turn jupytext's cell into ours; jupytext's own bookkeeping (lines_to_next_cell) is dropped."""
    options = {key: value for key, value in parsed.metadata.items() if not key.startswith("lines_to")}
    check, exercise, framework, part = (options.pop(key, None) for key in ("check", "exercise", *PAIRS))
    tags, points = options.pop("tags", []), options.pop("points", None)
    role = "check" if check else None
    if exercise:
        role = "answer" if parsed.cell_type == "code" else "text"
    cell = Cell(parsed.cell_type, parsed.source, file, line, role, exercise or check, framework, part, tuple(tags), points)
    if options:
        raise cell.mistake(f"`{next(iter(options))}` is no option of a cell: use exercise, check, framework, part, points or tags.")
    if exercise and check:
        raise cell.mistake("a cell is an exercise or a check, not both.")
    return cell


def solve(cell: Cell) -> tuple[str, str]:
    """The cell with its solution, and with stubs in its place; raises CourseError where markers do not pair up."""
    solved, unsolved = [], []
    begun, stubs = None, []  # the offset of the open block's BEGIN, and the stub lines found since
    for offset, line in enumerate(cell.source.splitlines()):
        text = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if text in (BEGIN, END) and (text == BEGIN) != (begun is None):
            raise cell.mistake(f"this `{text}` has no partner: blocks begin, end, and never nest.", offset)
        if text == BEGIN:
            begun, stubs = offset, []
        elif text == END:
            unsolved += stubs or [indent + "raise NotImplementedError"]
            begun = None
        elif text.startswith(STUB):
            if begun is None:
                raise cell.mistake(f"a `{STUB}` line stands inside a solution block.", offset)
            stubs.append(indent + text.removeprefix(STUB).removeprefix(" "))
        else:
            solved.append(line)
            if begun is None:
                unsolved.append(line)
    if begun is not None:
        raise cell.mistake(f"this `{BEGIN}` has no `{END}`.", begun)
    return "\n".join(solved), "\n".join(unsolved)


def check_cell(cell: Cell) -> None:
    """What must hold for a cell on its own."""
    for pair, (one, other) in PAIRS.items():
        value = getattr(cell, pair)
        if value and (value not in (one, other) or cell.role not in ("answer", "check")):
            raise cell.mistake(f'{pair}="{value}": write "{one}" or "{other}", on an answer cell and its check.')
    if cell.framework and cell.part:
        raise cell.mistake("a cell has a framework or a part, not both.")
    if (cell.role == "text") != (cell.points is not None):
        raise cell.mistake("the text of an exercise says what it is worth, points=2, and no other cell does.")
    if cell.points is not None and (type(cell.points) is not int or cell.points < 1 or not says_points(cell)):
        raise cell.mistake(f"points={cell.points}: write a whole number from 1, and the same to learners, as in `2 points` or `1 point`.")
    if unknown := set(cell.tags) - TAGS:
        raise cell.mistake(f"the tag `{min(unknown)}` means nothing here: the tags are {', '.join(sorted(TAGS))}.")
    if cell.kind == "markdown":
        return
    if (cell.solved != cell.unsolved) != (cell.role == "answer"):
        raise cell.mistake("solution blocks stand in answer cells, and every answer cell has one.")
    if cell.source.rstrip().endswith(";"):
        raise cell.mistake("nbval runs cells so that a closing semicolon hides nothing: end the cell with plt.show() or a plain statement.")
    if (length := len(cell.solved.splitlines())) > LONGEST_CELL:
        raise cell.mistake(f"this cell has {length} lines, more than {LONGEST_CELL}: split it, or move what does not teach to course_lib.")


def says_points(cell: Cell) -> bool:
    return re.search(rf"\b{cell.points} point{'s' if cell.points > 1 else ''}\b", cell.source) is not None


def check_exercise_number(cell: Cell, lesson: Lesson) -> None:
    if cell.exercise and not re.fullmatch(rf"{lesson.number}\.[1-9]\d*", cell.exercise):
        raise cell.mistake(f'the id "{cell.exercise}" should be "{lesson.number}.k" in this lesson, k = 1, 2, 3, ...')


def check_exercises(cells: list[Cell]) -> None:
    """What must hold between cells: each exercise has a text with three hints, and each answer its own check right after it."""
    count = Counter((cell.role, cell.key) for cell in cells if cell.role)
    texts, answered = ({cell.exercise for cell in cells if cell.role == role} for role in ("text", "answer"))
    code = [cell for cell in cells if cell.kind == "code"]
    for cell in cells:
        if cell.role and count[cell.role, cell.key] > 1:
            raise cell.mistake(f"exercise {cell.label} has two cells of the kind `{cell.role}`.")
        if cell.role == "text" and cell.source.count("<summary>Hint") != 3:
            raise cell.mistake(f"exercise {cell.label} needs three hints, each in its own <details>.")
        if cell.role == "text" and cell.exercise not in answered:
            raise cell.mistake(f"exercise {cell.label} has no answer cell.")
    for cell, after in zip(code, [*code[1:], None], strict=True):
        if cell.role == "check" and not count["answer", cell.key]:
            raise cell.mistake(f"this check has no exercise {cell.label} before it.")
        if cell.role == "answer":
            check_answer(cell, after, cell.exercise in texts)
            for one, other in PAIRS.values():
                if cell.variant in (one, other) and not all(count["answer", (cell.exercise, name)] for name in (one, other)):
                    raise cell.mistake(f"exercise {cell.exercise} needs a {one} cell and a {other} cell.")


def check_answer(cell: Cell, after: Cell | None, has_text: bool) -> None:
    """An answer defines one name, and the check cell behind it hands that name to its check and takes it back."""
    if not has_text:
        raise cell.mistake(f"exercise {cell.label} has no text: give it a markdown cell with the same id.")
    name = defined_name(cell, cell.solved)
    if defined_name(cell, cell.unsolved) != name:
        raise cell.mistake(f"the stub must define `{name}` as the solution does.")
    if after is None or (after.role, after.key) != ("check", cell.key):
        raise cell.mistake(f"exercise {cell.label} needs its check in the next code cell.")
    if not re.fullmatch(rf"{name} = checks\.\w+\.\w+\({name}\)", after.source.strip()):
        raise after.mistake(f"a check cell is one line, `{name} = checks.<lesson>.<check>({name})`.")


def defined_name(cell: Cell, source: str) -> str:
    """The one name that an answer defines: a function, a class or a value."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise cell.mistake(f"this answer cell is no Python, solved or as a stub: {error.msg}.") from error
    if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree)):
        raise cell.mistake("an answer cell imports nothing: imports stand in the lesson's first code cell.")
    match tree.body:
        case [ast.FunctionDef(name=name) | ast.ClassDef(name=name)]:
            return name
        case [ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name))]:
            return name
    raise cell.mistake("an answer cell defines one name, a function, a class or a value, and does nothing else.")
