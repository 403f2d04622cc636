"""An exercise as an exam: what its lesson gives an answer, what is tried on it, and what it must not touch."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from nbval.plugin import comment_markers

from course_lib.errors import CourseError
from course_lib.grading.excerpt import BROKEN, Excerpt, as_python, excerpt, imported_modules, names, parse
from course_lib.grading.lessons import Cell, Lesson
from course_lib.grading.probing import PROBES, Probe

FRAMEWORKS = {"torch": {"torch"}, "keras": {"keras", "tensorflow"}}  # packages that tell which framework is needed
CLOSED = {"course_lib", "nbval", "pytest", "_pytest"}
"""Packages that an answer has no business with."""
EXAM = '__import__("sys").modules["course_lib.grading.exam"]'  # under no name of its own, for that might be one of the answer's
COURSE_LIB = Path(__file__).parents[1]


@dataclass(frozen=True)
class Rules:
    """What an exam allows, the same for all."""

    seed: int = 0  # of the hidden tests' random numbers
    time_limit: float = 60.0  # seconds
    memory_limit: int = 4096  # MB


@dataclass(frozen=True, eq=False)
class Task:
    """One exercise of a lesson, in one variant, ready to be given to answers."""

    asked: Cell
    name: str  # what the answer must define
    points: int  # of the whole exercise
    before: tuple[str, ...]  # the lesson's code before the answer, other exercises solved
    library: frozenset[str]  # what of course_lib the solution needs
    hidden: str  # the hidden tests' source

    @property
    def key(self) -> tuple[str, str | None]:
        return self.asked.key

    @property
    def probes(self) -> list[Probe]:
        return PROBES[self.key]

    def excerpt(self, source: str) -> Excerpt:
        """What the lesson gives this answer; for an answer that is no Python, what it gives the solution."""
        try:
            return excerpt(self.before, source, self.library)
        except BROKEN:
            return excerpt(self.before, self.asked.solved, self.library)

    def cells(self, source: str, seed: int) -> list[str]:
        """The exam's notebook."""
        call = f"examine({self.name}, {self.asked.exercise!r}, {self.asked.variant!r}, {seed}, {self.hidden!r})"
        return [self.excerpt(source).source, source, f"{EXAM}.{call}"]

    def open_book_cells(self, source: str) -> list[str]:
        """The notebook that asks the public check for its sentence."""
        call = f"advise({self.name}, {self.asked.exercise!r}, {self.asked.variant!r})"
        return [self.excerpt(source).source, source, f"{EXAM}.{call}"]

    def framework(self, source: str) -> str | None:
        """Which framework should be warm for this answer."""
        if self.asked.framework:
            return self.asked.framework
        try:
            roots = {name.partition(".")[0] for name in self.excerpt(source).modules | imported_modules(parse(as_python(source)))}
        except BROKEN:
            return None
        return next((framework for framework, packages in FRAMEWORKS.items() if roots & packages), None)

    def digest(self, source: str, rules: Rules) -> str:
        """A name for everything that a result depends on."""
        content = [self.key, self.cells(source, rules.seed), sorted(self.library), asdict(rules), sources()]
        return hashlib.sha256(json.dumps(content).encode(errors="replace")).hexdigest()[:24]


def tasks_of(lesson: Lesson, root: Path) -> list[Task]:
    """Every exercise of a lesson, in each variant; raises CourseError where hidden tests are missing."""
    hidden, tasks = load_hidden_tests(lesson, root), []
    points = {cell.exercise: cell.points for cell in lesson.cells if cell.role == "text"}
    for position, cell in enumerate(lesson.cells):
        if cell.role == "answer":
            code = [one for one in lesson.cells[:position] if one.kind == "code" and one.role != "check" and one.exercise != cell.exercise]
            before = tuple(one.solved for one in code)
            library = frozenset(name for name in excerpt(before, cell.solved).modules if name.startswith("course_lib."))
            (name,) = names(cell.unsolved)[1]
            if cell.key not in PROBES:
                raise CourseError(f"Exercise {cell.label} has no hidden tests: write them, see docs/instructors.md.")
            tasks.append(Task(cell, name, points[cell.exercise], before, library, hidden))
    return tasks


def load_hidden_tests(lesson: Lesson, root: Path) -> str:
    """Register a lesson's hidden tests, and return their source; raises CourseError if there are none."""
    check = next((cell.source for cell in lesson.cells if cell.role == "check"), "")
    named = re.search(r"checks\.(\w+)\.", check)
    path = root / "grading" / f"{named[1] if named else lesson.name}.py"
    if not path.is_file():
        raise CourseError(f"{path} is missing: hidden tests are in the instructor's copy of the course only, see docs/instructors.md.")
    if not any(id.startswith(lesson.number) for id, _ in PROBES):
        specification = importlib.util.spec_from_file_location(f"hidden_tests_{path.stem}", path)
        specification.loader.exec_module(importlib.util.module_from_spec(specification))
    return path.read_text(encoding="utf-8")


@functools.cache
def sources() -> str:
    """Changes when a public check does, whose sentences are in the results, or the grader itself."""
    paths = [path for folder in ("checks", "grading") for path in sorted((COURSE_LIB / folder).glob("*.py"))]
    return hashlib.sha256("".join(path.read_text(encoding="utf-8") for path in paths).encode()).hexdigest()


def out_of_bounds(source: str) -> str | None:
    """What an answer reaches for that it must not, as far as reading it tells. The walls do not depend on this: it gives the reason."""
    for line in map(str.strip, source.splitlines()):
        if line.startswith("#") and line.lstrip("#").strip() in comment_markers:
            return f"the answer holds `{line}`, which would tell nbval what to do"
    try:
        python = as_python(source)
        modules, (used, own) = imported_modules(parse(python)), names(python)
    except BROKEN:
        return None  # the exam will say what is wrong
    if touched := sorted(module for module in modules if module.partition(".")[0] in CLOSED and module != "course_lib"):
        return f"the answer imports `{touched[0]}`: what an answer may use, its lesson has imported"
    if "checks" in used - own:
        return "the answer calls `checks`, which hands back the course's own solution"
    return None

