"""How far a learner is, exercise by exercise, read from the notebooks themselves: no account, no server.

What counts is the line that a check has printed, as the notebook was saved last; `run` asks the checks again. `course progress` prints it, the
panel and the map of lesson 00 show it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tqdm.auto import tqdm

import course_lib.checks  # noqa: F401  (fills CHECKS)
from course_lib.checks.base import CHECKS
from course_lib.errors import CourseError

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
STATUSES = {
    "passed": ("✓", "done"),
    "unknown": ("?", "not checked"),
    "not run": ("·", "not run yet"),
    "open": ("○", "not written yet"),
    "failed": ("✗", "to mend"),
}
"""Status -> (sign, what it means), the one that needs a learner most last."""
COLOURS = {"failed": "red", "open": "yellow", "not run": "dim", "unknown": "dim", "passed": "green"}
STOPPED = "not checked: you stopped before"
MISSING = "there is no notebook of this lesson"
CHECK_ID = re.compile(r"(\d\d)-(\d+)-check(?:-(\w+))?")
SAID = r"(?P<sign>[✓✗○]) {id} \w+(?: \(\w+\))?[.:] ?(?P<sentence>.*)"  # what a check prints: see checks/base.py


@dataclass(frozen=True)
class Answer:
    """What the check says of one answer cell."""

    label: str  # "03.3 huber_loss (torch)"
    status: str
    sentence: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise: of two frameworks one is enough, of two parts both are needed."""

    id: str  # "03.3"
    name: str
    answers: dict[str | None, Answer]  # by variant: "torch" and "keras", "proof" and "mend", or None
    points: int | None = None  # what it is worth, where the notebook says so

    @property
    def is_choice(self) -> bool:
        return not {"torch", "keras"}.isdisjoint(self.answers)

    @property
    def passed(self) -> list[bool]:
        return [answer.status == "passed" for answer in self.answers.values()]

    @property
    def status(self) -> str:
        if self.is_choice and any(self.passed):
            return "passed"
        return max((answer.status for answer in self.answers.values()), key=list(STATUSES).index)

    @property
    def has_bonus(self) -> bool:
        return self.is_choice and sum(self.passed) == 2

    @property
    def points_so_far(self) -> float:
        """As a grader counts, without the bonus: two parts are worth half each."""
        return (self.points or 0) * (any(self.passed) if self.is_choice else sum(self.passed) / len(self.passed))


@dataclass(frozen=True)
class Lesson:
    """One lesson's notebook."""

    number: str  # "03"
    title: str  # "03 · The Huber loss", or the file's name if it cannot be read
    path: Path | None
    exercises: tuple[Exercise, ...]  # in the notebook's order
    problem: str | None = None  # why nothing can be said of it
    copies: tuple[Path, ...] = ()  # other notebooks of this lesson, which do not count

    @property
    def done(self) -> int:
        return sum(exercise.status == "passed" for exercise in self.exercises)


# --- what the notebooks say -------------------------------------------------------------------------------------------------------------


def read(folder: Path = NOTEBOOKS) -> list[Lesson]:
    """Every lesson of the course, in order, as the notebooks of a folder show it; raises CourseError if it holds none of them."""
    if not folder.is_dir():
        raise CourseError(f"{folder} is no folder: name the one that holds the course's notebooks.")
    files: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"), key=lambda path: (len(path.name), path.name)):  # copies have longer names
        files.setdefault(path.name[:2], []).append(path)
    if not files:
        raise CourseError(f"{folder} holds no notebook of the course: name the folder that does.")
    return [read_lesson(number, files.get(number, [])) for number in sorted({*files, *(id[:2] for id, _ in CHECKS)})]


def read_lesson(number: str, paths: list[Path]) -> Lesson:
    """A lesson from the first of its notebooks. What cannot be read becomes its problem; its exercises still count, as not run."""
    if not paths:
        return Lesson(number, number, None, (), MISSING)
    path, *copies = paths
    title, cells, problem = path.stem, [], None
    try:
        cells = list(read_cells(path))
        titles = (cell.source.partition("\n")[0].removeprefix("# ") for cell in cells if cell.kind == "markdown" and cell.source.startswith("# "))
        title = next(titles, title)
        lessons = {cell.key[0][:2] for cell in cells if cell.key}
        if lessons and number not in lessons:
            problem = f"it holds lesson {min(lessons)}, whatever its name says"
    except (ValueError, OSError, RecursionError, MemoryError) as error:
        problem = getattr(error, "strerror", None) or str(error) or "it cannot be read"
    return Lesson(number, title, path, tuple(exercises_of(number, cells)), problem, tuple(copies))


def exercises_of(number: str, cells: list[Cell]) -> Iterator[Exercise]:
    """A lesson's exercises in the notebook's order, those that it has lost last."""
    asked: dict[str, dict[str | None, Cell | None]] = {}
    points = {}
    for cell in cells:
        if cell.key and cell.key[0].startswith(number):
            id, variant = cell.key
            found = asked.setdefault(id, {})
            if cell.outputs or variant not in found:  # of two copies the one that was run
                found[variant] = cell
        if isinstance(cell.marks.get("points"), int):
            points[str(cell.marks.get("exercise"))] = cell.marks["points"]
    for id, variant in CHECKS:
        if id.startswith(number):
            asked.setdefault(id, {}).setdefault(variant, None)
    for id, found in asked.items():
        names = [CHECKS[id, variant].name for variant in found if (id, variant) in CHECKS]
        answers = {variant: answer_of((id, variant), cell) for variant, cell in found.items()}
        yield Exercise(id, names[0] if names else "", answers, points.get(id))


def answer_of(key: tuple[str, str | None], cell: Cell | None) -> Answer:
    label = CHECKS[key].label if key in CHECKS else " ".join(filter(None, key))
    if cell is None:
        return Answer(label, "not run", "its check cell is not in the notebook")
    return Answer(label, *cell.verdict(key[0]))


@dataclass(frozen=True)
class Cell:
    """What we take of a notebook's cell, in the types that it should have."""

    kind: str  # "markdown" or "code"
    source: str
    marks: dict
    id: str
    outputs: tuple[dict, ...]

    @property
    def key(self) -> tuple[str, str | None] | None:
        """Which answer the cell checks, if it is a check: its metadata tell, or its id where they are lost."""
        if self.marks.get("role") == "check":
            variant = self.marks.get("framework") or self.marks.get("part")
            return str(self.marks.get("exercise")), variant and str(variant)
        match = None if self.marks else CHECK_ID.fullmatch(self.id)
        return match and (f"{match[1]}.{match[2]}", match[3])

    def verdict(self, id: str) -> tuple[str, str]:
        """An answer's status and the check's sentence, by the last line that the check has printed."""
        lines = [line for output in self.outputs for line in joined(output.get("text")).splitlines()]
        for match in filter(None, (re.fullmatch(SAID.format(id=re.escape(id)), line) for line in reversed(lines))):
            status = next(status for status, (sign, _) in STATUSES.items() if sign == match["sign"])
            return status, STATUSES["open"][1] if status == "open" else match["sentence"]
        for output in self.outputs:
            if output.get("output_type") == "error":
                return "not run", f"the check cell raised {output.get('ename')}: run the cells above it first"
        return "not run", STATUSES["not run"][1]


def read_cells(path: Path) -> Iterator[Cell]:
    """A notebook's cells; raises ValueError with a sentence, or OSError."""
    from course_lib.grading.submissions import read_document  # here, for it takes time to load and lesson 00 is to start at once

    for cell in read_document(path.resolve())["cells"]:
        if isinstance(cell, dict):
            metadata, outputs = cell.get("metadata"), cell.get("outputs")
            marks = metadata.get("course") if isinstance(metadata, dict) else None
            kept = tuple(output for output in outputs if isinstance(output, dict)) if isinstance(outputs, list) else ()
            yield Cell(str(cell.get("cell_type")), joined(cell.get("source")), marks if isinstance(marks, dict) else {}, str(cell.get("id")), kept)


def joined(text: object) -> str:
    """Text as notebooks keep it: a string, or a list of lines."""
    whole = "".join(part for part in text if isinstance(part, str)) if isinstance(text, list) else text if isinstance(text, str) else ""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", whole)  # what could paint over a terminal, and half characters


def run(lessons: list[Lesson]) -> list[Lesson]:
    """The same lessons with every check run afresh, each answer alone, as `course check` does. After Ctrl-C the rest is "unknown"."""
    from course_lib.grading import self_check

    able, answers, problems = [lesson for lesson in lessons if lesson.exercises and not lesson.problem], {}, {}
    with tqdm(able, unit=" lessons", leave=False) as bar, suppress(KeyboardInterrupt):
        for lesson in bar:
            bar.set_description(lesson.path.name)
            try:
                lines = self_check.check(lesson.path)
            except (CourseError, OSError) as error:  # one notebook does not stop the others
                problems[lesson.number] = str(error).removeprefix(f"{lesson.path} ").rstrip(".")
                continue
            answers |= {line.exercise: Answer(line.exercise, line.status, line.sentence) for line in lines}
            if any(line.status == "unknown" for line in lines):
                break

    def afresh(exercise: Exercise) -> Exercise:
        now = {variant: answers.get(old.label, Answer(old.label, "unknown", STOPPED)) for variant, old in exercise.answers.items()}
        return replace(exercise, answers=now)

    def checked(lesson: Lesson) -> Lesson:
        return replace(lesson, exercises=tuple(map(afresh, lesson.exercises)), problem=problems.get(lesson.number))

    return [checked(lesson) if lesson in able else lesson for lesson in lessons]


# --- in sum -----------------------------------------------------------------------------------------------------------------------------


def all_exercises(lessons: list[Lesson]) -> list[Exercise]:
    return [exercise for lesson in lessons for exercise in lesson.exercises]


def go_on(lessons: list[Lesson]) -> tuple[Exercise, Lesson] | None:
    """The first exercise that is not done, in the course's order; None if there is none in a notebook that can be read."""
    left = ((exercise, lesson) for lesson in lessons if not lesson.problem for exercise in lesson.exercises if exercise.status != "passed")
    return next(left, None)


def sum_of(lessons: list[Lesson]) -> str:
    """`17 of 51 exercises`."""
    return f"{sum(lesson.done for lesson in lessons)} of {len(all_exercises(lessons))} exercises"


def points_of(exercises: tuple[Exercise, ...] | list[Exercise]) -> str:
    """`8 of 17`, or nothing where the notebooks do not tell what every exercise is worth."""
    if not exercises or any(exercise.points is None for exercise in exercises):
        return ""
    return f"{sum(exercise.points_so_far for exercise in exercises):g} of {sum(exercise.points for exercise in exercises)}"


def points_in_sum(lessons: list[Lesson]) -> str:
    """The points of all notebooks that tell them, in a sentence, or nothing."""
    points = points_of(all_exercises([lesson for lesson in lessons if not lesson.problem]))
    return f"{points} points as the checks see it; hidden tests may see more" if points else ""


def mistakes(lessons: list[Lesson]) -> list[Answer]:
    return [answer for exercise in all_exercises(lessons) for answer in exercise.answers.values() if answer.status == "failed"]


def meanings(lessons: list[Lesson]) -> dict[str, str]:
    """The signs and what they mean; the bonus and what was not checked only where there is any."""
    exercises = all_exercises(lessons)
    told = {sign: meaning for status, (sign, meaning) in STATUSES.items() if status != "unknown" or any(one.status == status for one in exercises)}
    return told | ({"+": "in both frameworks"} if any(one.has_bonus for one in exercises) else {})


def troubles(lessons: list[Lesson]) -> list[str]:
    """A line for each notebook that is damaged, missing or there twice."""
    missing = [lesson.number for lesson in lessons if lesson.problem == MISSING]
    lines = [f"no notebook here: lesson {', '.join(missing)}"] if missing else []
    for lesson in lessons:
        if lesson.problem and lesson.path:
            lines.append(f"{shown(lesson.path)}: {lesson.problem}")
        lines += [f"{shown(copy)} is not counted: {lesson.path.name} is the notebook of lesson {lesson.number}" for copy in lesson.copies]
    return lines


def shown(path: Path) -> str:
    """A path as one would type it here, the same on every machine if one is anywhere in the course."""
    here = Path.cwd()
    return os.path.relpath(path) if path.is_relative_to(here) or here.is_relative_to(path.absolute().parent.parent) else str(path)


# --- in a terminal ----------------------------------------------------------------------------------------------------------------------


def show(lessons: list[Lesson], console: Console | None = None) -> None:
    """Print a row for each lesson, what there is to mend, and where to go on."""
    console = console or Console()
    table = Table("lesson", "exercises", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("done", justify="right", no_wrap=True)
    table.add_column("points", justify="right", no_wrap=True)
    for lesson in (lesson for lesson in lessons if lesson.path):
        signs = Text("cannot be read", "red") if lesson.problem else Text(" ").join(map(sign_of, lesson.exercises))
        done = f"{lesson.done} of {len(lesson.exercises)}" if lesson.exercises else ""
        table.add_row(Text(lesson.title), signs, done, points_of(lesson.exercises))
    console.print(table)
    console.print(Text("  ".join(f"{sign} {meaning}" for sign, meaning in meanings(lessons).items()), "dim"), end="\n\n")
    for answer in mistakes(lessons):
        console.print(Text.assemble(("✗", "red"), f" {answer.label}: {answer.sentence}"))
    following = go_on(lessons)
    goal = f"; next: {following[0].id} {following[0].name} in {shown(following[1].path)}" if following else ""
    for line in (*troubles(lessons), f"{sum_of(lessons)}{goal}", points_in_sum(lessons)):  # names of files stay in one piece
        if line:
            console.print(Text(line), soft_wrap=True)


def sign_of(exercise: Exercise) -> Text:
    """`3✓+`: its number, how it stands, and the bonus."""
    sign = STATUSES[exercise.status][0] + "+" * exercise.has_bonus
    return Text.assemble(exercise.id.partition(".")[2], (sign, COLOURS[exercise.status]))


def as_text(lessons: list[Lesson], width: int = 100) -> str:
    """The table as plain text."""
    written = StringIO()
    show(lessons, Console(file=written, width=width, color_system=None, force_jupyter=False))
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


# --- in a notebook ----------------------------------------------------------------------------------------------------------------------


def panel(folder: Path = NOTEBOOKS) -> None:
    """Show in a notebook how its neighbours stand: a table with a link to every exercise, or plain text where HTML is missing."""
    from IPython.display import display

    lessons = read(folder)
    display({"text/html": as_html(lessons), "text/plain": as_text(lessons)}, raw=True)


def as_html(lessons: list[Lesson]) -> str:
    """The table as HTML, in the colours of JupyterLab's theme; all is told by signs and text, and readable without the styles, too."""
    told = dict(total=sum_of(lessons), points=points_in_sum(lessons), following=go_on(lessons), meanings=meanings(lessons))
    told |= dict(lessons=[lesson for lesson in lessons if lesson.path], mistakes=mistakes(lessons), troubles=troubles(lessons))
    return PANEL.render(**told, signs=STATUSES, points_of=points_of, link=link, in_words=in_words)


def link(lesson: Lesson, exercise: Exercise | None = None) -> str:
    """Where a notebook lies, or an exercise's text in it, as seen from the notebook that runs; nothing if that lies outside the course."""
    here = Path.cwd()
    if lesson.problem or not here.is_relative_to(lesson.path.resolve().parent.parent):
        return ""
    place = quote(Path(os.path.relpath(lesson.path.resolve(), here)).as_posix())
    return f"{place}#cell-id={exercise.id.replace('.', '-')}-text" if exercise else place


def in_words(exercise: Exercise) -> str:
    """`03.2 huber_gradient: to mend`."""
    return f"{exercise.id} {exercise.name}: {STATUSES[exercise.status][1]}" + ", in both frameworks" * exercise.has_bonus


PANEL = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string("""\
{% macro to(target, label="", mark="") %}
<{{ "a" if target else "span" }}
{%- if target %} href="{{ target }}"{% endif %}
{%- if mark %} class="mark {{ mark }}"{% endif %}
{%- if label %} title="{{ label }}" aria-label="{{ label }}"{% if not target %} role="img"{% endif %}{% endif %}>
{{- caller() }}</{{ "a" if target else "span" }}>
{%- endmacro %}
<style>
.course-progress { max-width: 60em; overflow-x: auto; color: var(--jp-content-font-color1, inherit); }
.course-progress .lessons { border-collapse: collapse; margin: 0.5em 0; font-size: inherit; }
.course-progress .lessons caption { text-align: left; caption-side: top; padding: 0.3em 0; color: inherit; }
.course-progress .lessons th, .course-progress .lessons td { text-align: left; vertical-align: top; padding: 0.25em 0.8em 0.25em 0.4em; font-weight: normal; }
.course-progress .lessons thead th { font-weight: bold; }
.course-progress .lessons .number { text-align: right; white-space: nowrap; }
.course-progress .mark { display: inline-block; white-space: nowrap; margin-right: 0.7em; }
.course-progress .mark b { padding-left: 0.15em; }
.course-progress .passed b { color: var(--jp-success-color1, #388e3c); }
.course-progress .failed b { color: var(--jp-error-color1, #d32f2f); }
.course-progress ul.told { list-style: none; padding: 0; margin: 0.5em 0.4em; }
</style>
<div class="course-progress">
<p><strong>{{ total }}</strong>
{%- if following %}; next: {% call to(link(following[1], following[0])) %}{{ following[0].id }} {{ following[0].name }}{% endcall %}{% endif %}
{% if points %}<br>{{ points }}{% endif %}</p>
<table class="lessons">
<caption>What the checks have said in your notebooks, as they were saved last<br>
{% for sign, meaning in meanings.items() %}
<span class="mark"><b>{{ sign }}</b> {{ meaning }}</span>
{% endfor %}
</caption>
<thead><tr><th scope="col">lesson</th><th scope="col">exercises</th><th scope="col" class="number">done</th><th scope="col" class="number">points</th></tr></thead>
<tbody>
{% for lesson in lessons %}
<tr><th scope="row">{% call to(link(lesson)) %}{{ lesson.title }}{% endcall %}</th>
<td>
{%- if lesson.problem %}cannot be read{% else %}
{% for one in lesson.exercises %}
{% call to(link(lesson, one), in_words(one), one.status.replace(" ", "-")) %}
{{- one.id.partition(".")[2] }}<b>{{ signs[one.status][0] }}{{ "+" if one.has_bonus }}</b>
{%- endcall %} {# a space between marks #}
{% endfor %}
{% endif %}</td>
<td class="number">{% if lesson.exercises %}{{ lesson.done }} of {{ lesson.exercises | length }}{% endif %}</td>
<td class="number">{{ points_of(lesson.exercises) }}</td></tr>
{% endfor %}
</tbody>
</table>
{% if mistakes or troubles %}
<ul class="told">
{% for answer in mistakes %}
<li>✗ {{ answer.label }}: {{ answer.sentence }}</li>
{% endfor %}
{% for trouble in troubles %}
<li>{{ trouble }}</li>
{% endfor %}
</ul>
{% endif %}
</div>
""")
