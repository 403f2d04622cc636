"""What learners handed in, as learning platforms export it, read without trusting a byte of it.

A folder holds one folder or one file for each learner. Of a notebook only the answer cells count. They are known by their metadata, by
their id if the metadata are gone, and else by the name that they define.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.excerpt import BROKEN, as_python, names, parse
from course_lib.grading.lessons import Cell, Lesson

LARGEST_FILE = 50_000_000  # bytes; lesson 08 with all its films has 10 million
LARGEST_ANSWER = 100_000  # characters
ARCHIVES = {".zip", ".tar", ".gz", ".7z", ".rar"}
NEVER_READ = {"__MACOSX", ".ipynb_checkpoints"}
CANVAS = re.compile(r"(?P<name>.+?)(_LATE)?_(?P<user>\d+)_(?P<upload>\d+)_(?P<file>.+)")
MOODLE = re.compile(r"(?P<name>.+?)_(?P<user>\d+)_assignsubmission_file_?")

Key = tuple[str, str | None]
"""An exercise and which of its pair: ("03.3", "torch")."""


@dataclass(frozen=True)
class Handin:
    """One learner's notebook of one lesson, or why there is none that can be read."""

    student: str
    file: str  # relative to the class's folder
    lesson: str | None = None  # "03_huber_loss"
    cells: tuple[dict, ...] = ()  # code cells: source, metadata, id
    problem: str | None = None  # the sentence, if it is unreadable


@dataclass(frozen=True)
class Answer:
    """The answer cell of one exercise, or None as its source where there is none; and what to tell of how it was found."""

    source: str | None
    notes: tuple[str, ...] = ()


@dataclass
class Student:
    """All that one learner handed in."""

    name: str
    handins: dict[str, Handin] = field(default_factory=dict)  # by lesson
    unreadable: list[str] = field(default_factory=list)  # sentences about files
    problems: list[str] = field(default_factory=list)  # those, and what else a person should know


def read_class(folder: Path, lessons: dict[str, Lesson]) -> list[Student]:
    """Every learner, in the order of their names; raises CourseError if the folder is none or empty."""
    if not folder.is_dir():
        raise CourseError(f"{folder} is no folder; it should hold one folder or one notebook for each learner.")
    students: dict[str, Student] = {}
    handins = [handin for entry in sorted(folder.iterdir()) for handin in read_entry(entry, folder, lessons)]
    names = {handin.student for handin in handins}
    for handin in handins:
        add(students, handin, names)
    if not students:
        raise CourseError(f"{folder} is empty; it should hold one folder or one notebook for each learner.")
    return sorted(students.values(), key=lambda student: student.name.casefold())


def add(students: dict[str, Student], handin: Handin, names: set[str]) -> None:
    """File a hand-in under its learner; a second one for the same lesson gets a line of its own, with a name that is nobody's in `names`,
    for a person to decide."""
    student = students.setdefault(handin.student, Student(handin.student))
    if handin.problem:
        student.unreadable.append(f"{handin.file}: {handin.problem}")
        student.problems.append(student.unreadable[-1])
    elif handin.lesson not in student.handins:
        student.handins[handin.lesson] = handin
    else:
        count = 2
        while (name := f"{handin.student} ({count})") in names or (name in students and handin.lesson in students[name].handins):
            count += 1
        students.setdefault(name, Student(name)).handins[handin.lesson] = handin
        for one, file in ((students[name], student.handins[handin.lesson].file), (student, handin.file)):
            one.problems.append(f"{file} is of the same learner and lesson: both are graded, decide which one counts")


def read_entry(entry: Path, root: Path, lessons: dict[str, Lesson]) -> Iterator[Handin]:
    """The hand-ins of one entry of the class's folder."""
    if entry.name.startswith(".") or entry.name in NEVER_READ or "_assignsubmission_onlinetext_" in entry.name:
        return
    student = student_of(entry, lessons)
    if entry.is_symlink():
        yield Handin(student, printable(entry.name), problem="it is a symbolic link, which is not followed")
    elif entry.is_dir():
        try:
            notebooks = notebooks_in(entry)
        except OSError as error:
            yield Handin(student, printable(entry.name), problem=f"it cannot be read: {error.strerror}")
            return
        yield from (read_handin(path, student, root, lessons) for path in notebooks)
        if not notebooks:
            yield Handin(student, printable(entry.name), problem=why_nothing(entry))
    elif entry.suffix == ".ipynb":
        yield read_handin(entry, student, root, lessons)
    else:
        archive = entry.suffix.lower() in ARCHIVES
        yield Handin(student, printable(entry.name), problem="it is an archive: unpack it" if archive else "it is no notebook")


def notebooks_in(folder: Path) -> list[Path]:
    """Every notebook below a folder; folders that are links are not entered."""
    return [path for path in files_in(folder) if path.suffix == ".ipynb"]


def files_in(folder: Path) -> list[Path]:
    """The files below a folder, ten folders deep, without hidden ones and those of other programs."""
    found, places = [], [folder]
    while places:
        place = places.pop()
        for path in place.iterdir():
            if path.name.startswith(".") or path.name in NEVER_READ:
                continue
            if not path.is_dir() or path.is_symlink():
                found.append(path)
            elif len(path.parts) - len(folder.parts) <= 10:
                places.append(path)
    return sorted(found)


def why_nothing(folder: Path) -> str:
    files = files_in(folder)
    if archives := [path.name for path in files if path.suffix.lower() in ARCHIVES]:
        return f"it holds an archive, {printable(archives[0])}: unpack it"
    return "it holds no notebook" if files else "it is empty"


def student_of(entry: Path, lessons: dict[str, Lesson]) -> str:
    """The learner's name or number in the name of a folder or file, as Moodle, Canvas or a person wrote it."""
    name = entry.stem if entry.suffix in {".ipynb", *ARCHIVES} else entry.name
    if match := MOODLE.match(name) or CANVAS.fullmatch(name):
        return f"{match['name']}_{match['user']}"
    for lesson in lessons:
        name = re.sub(rf"(?<=.)[_ -]+{lesson}( ?\(\d+\)|-\d+)?$", "", name)
    return name


def read_handin(path: Path, student: str, root: Path, lessons: dict[str, Lesson]) -> Handin:
    """Read one notebook; whatever is wrong with it becomes a sentence."""
    file = printable(path.relative_to(root).as_posix())
    try:
        cells, lesson = read_cells(path), None
        if not (lesson := lesson_of(path, cells, lessons)):
            raise ValueError("it is none of the course's lessons")
    except (ValueError, RecursionError, MemoryError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Handin(student, file, problem=reason or "it cannot be read")
    return Handin(student, file, lesson, tuple(cells))


def read_cells(path: Path) -> list[dict]:
    """The code cells of a notebook file: source, metadata, id. Raises ValueError with a sentence, or OSError."""
    return [code_cell(cell) for cell in read_document(path)["cells"] if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def read_document(path: Path) -> dict:
    """What a notebook file holds: a dict with a list of `cells`, whose parts may be of any type. Raises ValueError with a sentence, or OSError."""
    if path.is_symlink():
        raise ValueError("it is a symbolic link, which is not followed")
    if not path.is_file():
        raise ValueError("it is no file")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise ValueError(f"it has {size / 1e6:.0f} MB, more than {LARGEST_FILE / 1e6:.0f}: clear its outputs")
    if size == 0:
        raise ValueError("it is an empty file")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError("it is no notebook: its content is not JSON") from None
    if not isinstance(content, dict) or "nbformat" not in content:
        raise ValueError("it is no notebook: it says nothing of its format")
    if content["nbformat"] != 4 or not isinstance(content.get("cells"), list):
        raise ValueError(f"it has notebook format {str(content['nbformat'])[:10]}, not 4: open it in JupyterLab and save it again")
    return content


def code_cell(cell: dict) -> dict:
    """What we take of a cell, in the types that it should have."""
    source, metadata = cell.get("source", ""), cell.get("metadata")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    marks = metadata.get("course") if isinstance(metadata, dict) else None
    marks = {key: value for key, value in marks.items() if isinstance(value, str)} if isinstance(marks, dict) else {}
    source = source.encode(errors="replace").decode() if isinstance(source, str) else ""  # halves of characters cannot be written down
    return {"source": source, "marks": marks, "id": str(cell.get("id", ""))}


def lesson_of(path: Path, cells: list[dict], lessons: dict[str, Lesson]) -> str | None:
    """Which lesson a notebook is: most of its answer cells say so, or its file's name does."""
    numbers = [cell["marks"].get("exercise", "")[:2] or cell["id"][:2] for cell in cells if cell["marks"] or is_answer_id(cell["id"])]
    by_number = {lesson.number: name for name, lesson in lessons.items()}
    known = [number for number in numbers if number in by_number]
    if known:
        return by_number[max(set(known), key=known.count)]
    return next((name for name in lessons if name in path.stem), None)


def printable(text: str) -> str:
    """Somebody else's text without control characters, which could paint over a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def is_answer_id(id: str) -> bool:
    return re.fullmatch(r"\d\d-\d+-answer(-\w+)?", id) is not None


def answers_of(handin: Handin, lesson: Lesson) -> dict[Key, Answer]:
    """The answer to every exercise of a lesson."""
    claims: dict[Key, list[dict]] = defaultdict(list)
    wanted = {cell.key: cell for cell in lesson.cells if cell.role == "answer"}
    for cell in handin.cells:
        if (key := key_of(cell, wanted)) is not None:
            claims[key].append(cell)
    return {key: choose(cell, claims[key], handin) for key, cell in wanted.items()}


def key_of(cell: dict, wanted: dict[Key, Cell]) -> Key | None:
    """The exercise that a cell says it answers."""
    marks = cell["marks"]
    if marks.get("role") == "answer":
        key = (marks.get("exercise"), marks.get("framework") or marks.get("part"))
        return key if key in wanted else None
    if not marks and is_answer_id(cell["id"]):
        number, exercise, _, *variant = cell["id"].split("-")
        key = (f"{number}.{exercise}", variant[0] if variant else None)
        return key if key in wanted else None
    return None


def choose(asked: Cell, claims: list[dict], handin: Handin) -> Answer:
    """The answer among the cells that claim to be it: the last one that is more than the stub."""
    name, notes = answer_name(asked), []
    if not claims:
        claims = [cell for cell in handin.cells if not cell["marks"] and defines(cell["source"], name)]
        claims = [cell for cell in claims if own_part(cell["source"])[0].strip()]  # a check cell defines the name, too
        if not claims:
            return Answer(None, (f"the answer cell of exercise {asked.label} is not in the notebook",))
        notes.append(f"the answer cell has lost its marks; the last cell that defines `{name}` was graded")
    written = [cell["source"] for cell in claims if not is_stub(cell["source"], asked)]
    written = [source for source in written if defines(source, name)] or written  # a split cell leaves its marks on both halves
    if len(written) > 1:
        notes.append(f"{len(written)} cells answer exercise {asked.label}; the last one was graded")
    if not written:
        return Answer(None, (*notes, "not written yet"))
    if len(written[-1]) > LARGEST_ANSWER:
        return Answer(None, (*notes, f"the answer cell has {len(written[-1]):,} characters, more than {LARGEST_ANSWER:,}"))
    source, left_out = own_part(written[-1])
    return Answer(source, (*notes, *left_out))


def own_part(source: str) -> tuple[str, tuple[str, ...]]:
    """An answer cell without what is no part of an answer, and notes of it: lines of IPython's own language, a call of the check."""
    if match := re.match(r"\s*%%(time|capture)\b.*\n", source):  # they run the cell below them
        kept, notes = own_part(source[match.end() :])
        return kept, (f"%%{match[1]}: left out", *notes)
    try:
        python = as_python(source)
        statements = parse(python).body
    except BROKEN:
        return source, ()
    magics = [one for one in statements if python != source and calls(one, "get_ipython")]
    checks = [one for one in statements if calls(one, "checks")]
    if not magics and not checks:
        return source, ()
    kept = "\n".join(ast.unparse(one) for one in statements if one not in magics and one not in checks)
    notes = [note for found, note in ((magics, "lines that begin with % or !"), (checks, "a call of the check in the answer cell")) if found]
    return kept, tuple(f"{note}: left out" for note in notes)


def calls(statement: ast.stmt, name: str) -> bool:
    """Whether a statement is a call of something of `name`, perhaps with its result assigned: `f = checks.huber.f(f)`."""
    if not isinstance(statement, ast.Expr | ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    called = statement.value.func
    while isinstance(called, ast.Attribute | ast.Call):
        called = called.value if isinstance(called, ast.Attribute) else called.func
    return isinstance(called, ast.Name) and called.id == name


def answer_name(asked: Cell) -> str:
    """The one name that an answer defines."""
    return next(iter(names(asked.unsolved)[1]))


def defines(source: str, name: str) -> bool:
    try:
        return len(source) <= LARGEST_ANSWER and name in source and name in names(as_python(source))[1]
    except BROKEN:
        return False


def is_stub(source: str, asked: Cell) -> bool:
    """Whether nothing was written: only comments, spaces or docstrings differ from what the learner was given."""
    try:
        return len(source) <= LARGEST_ANSWER and skeleton(source) in (skeleton(asked.unsolved), skeleton(""))
    except BROKEN:
        return False


def skeleton(source: str) -> str:
    """A source without comments and docstrings."""
    tree = parse(as_python(source))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    return ast.dump(tree)
