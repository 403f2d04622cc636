"""What a graded class leaves behind: marks for a spreadsheet and for a script, pages for learners and instructor, a table on the screen.

All of them are made of one plain record (`collect`), which is also what marks.json holds. Names, reasons, sentences and code come from
submissions and may be hostile: Jinja2 and Pygments escape them, and no page needs a script or anything from elsewhere.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from jinja2 import Environment, PackageLoader, StrictUndefined
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, TextLexer
from rich import box
from rich.table import Table

from course_lib.files import written_whole
from course_lib.grading.examiner import STATUSES
from course_lib.grading.gradebook import BONUS, Gradebook, Mark
from course_lib.grading.lessons import Lesson
from course_lib.grading.submissions import Student

SYMBOLS = {"passed": "✓", "partial": "◐", "failed": "✗", "missing": "○"}  # of the others: "!"
FOR_A_PERSON = ("tampered", "crashed", "timeout")  # an unreadable file is among a learner's problems
VARIANTS = {"torch": "PyTorch", "keras": "Keras", "proof": "Proof", "mend": "Mend"}
PROTECTIONS = {
    "namespaces": "An exam has no network, sees no other processes, and can change no file outside its own folders.",
    "files": "An exam reads only Python and the system, and writes only in folders of its own.",
    "sockets": "An answer gets no socket: it can talk to nobody.",
    "memory": "The system itself refuses an exam more memory than its limit.",
}
BINS = ("0 %", "1 to 25 %", "26 to 50 %", "51 to 75 %", "76 to 99 %", "100 %")  # of an exercise's points
FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what a spreadsheet may take for the beginning of one
MISCONCEPTIONS_SHOWN = 5  # of an answer
ROWS_SHOWN = 18  # with head, rule and the line below, 22 of a screen's 24 lines
LONGEST_COLOURED = 10_000  # characters of code: Pygments may take a minute over 100,000 that were chosen to be hard


def write_reports(book: Gradebook, out: Path) -> None:
    """Write marks.csv, marks.json, index.html and students/; raises CourseError if that cannot be done."""
    record = collect(book)
    templates = Environment(
        loader=PackageLoader("course_lib.grading"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters |= {"number": number, "symbol": symbol}
    templates.globals |= {"variants": VARIANTS, "bonus_share": BONUS}
    write(out / "marks.csv", marks_table(record), encoding="utf-8-sig")  # Excel takes a file for UTF-8 if it begins with this mark
    write(out / "marks.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    write(out / "index.html", templates.get_template("class.html").render(record | overview(book, record)))
    page, style = templates.get_template("student.html"), code_style()
    for learner in record["learners"]:
        sources = {key: book.answers[learner["learner"], key].source for key in book.tasks}
        codes = {key: coloured(source) for key, source in sources.items() if source is not None}
        write(out / learner["page"], page.render(record, learner=learner, codes=codes, code_style=style))
    current = {out / learner["page"] for learner in record["learners"]}
    for path in set((out / "students").glob("*.html")) - current:
        path.unlink()  # of somebody who is no longer in the class: an old page would show old marks


def write(path: Path, text: str, encoding: str = "utf-8") -> None:
    """Write a file whole. What is no character (half of a pair, in a file's name or in JSON) becomes a question mark."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding=encoding, errors="replace", newline="")


# --- the record -----------------------------------------------------------------------------------------------------------------------


def collect(book: Gradebook) -> dict:
    """All there is to tell, as plain data in a fixed order, without times and absolute paths."""
    exercises = {}
    for id, tasks in book.exercises.items():
        lesson = next(lesson for lesson in book.lessons.values() if tasks[0].asked in lesson.cells)
        exercises[id] = {"lesson": lesson.name, "title": title(lesson, id), "points": tasks[0].points}
    students = sorted(book.students, key=lambda student: (student.name.casefold(), student.name))
    return {
        "rules": asdict(book.rules),
        "protections": book.walls,
        "out_of": sum(exercise["points"] for exercise in exercises.values()),
        "exercises": exercises,
        "learners": [about_learner(book, student, exercises) for student in students],
    }


def about_learner(book: Gradebook, student: Student, exercises: dict) -> dict:
    marks = book.marks(student.name)
    points, bonus = (round(sum(amounts), 2) for amounts in ([mark.points for mark in marks], [mark.bonus for mark in marks]))
    return {
        "learner": student.name,
        "page": f"students/{file_name(student.name)}",
        "files": {name: student.handins[name].file for name in book.lessons if name in student.handins},
        "problems": student.problems,
        "points": points,
        "bonus": bonus,
        "total": round(points + bonus, 2),
        "out_of": sum(mark.out_of for mark in marks),
        "exercises": {mark.exercise: about_exercise(book, student, mark, exercises[mark.exercise]["lesson"]) for mark in marks},
    }


def about_exercise(book: Gradebook, student: Student, mark: Mark, lesson: str) -> dict:
    answers = []
    for variant, result in mark.results.items():
        task, answer = book.tasks[mark.exercise, variant], book.answers[student.name, (mark.exercise, variant)]
        extra = {probe.topic: probe.extra for probe in task.probes}
        about = {"variant": variant, "label": task.asked.label, "name": task.name, "status": result.status, "share": result.share}
        about |= {"reason": result.reason, "sentence": result.sentence, "notes": list(answer.notes) if answer.source is not None else []}
        tests = [{"topic": topic, "passed": passed, "extra": extra.get(topic, False)} for topic, passed in result.tests]
        answers.append(about | {"tests": tests})
    file = student.handins[lesson].file if lesson in student.handins else None
    return {"status": mark.status, "points": mark.points, "bonus": mark.bonus, "out_of": mark.out_of, "file": file, "answers": answers}


def title(lesson: Lesson, id: str) -> str:
    """What the exercise's headline says after its number."""
    text = next(cell.source for cell in lesson.cells if cell.role == "text" and cell.exercise == id)
    found = re.search(rf"^#+ Exercise {re.escape(id)} · (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def file_name(name: str) -> str:
    """A file's name for a learner's page that every system takes: what is plain in the learner's name, and a digest that tells apart
    names of which that is the same."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{words or 'learner'}-{digest}.html"


# --- for a spreadsheet ----------------------------------------------------------------------------------------------------------------


def marks_table(record: dict) -> str:
    """marks.csv. Every text is quoted, so that no separator in it, of whatever country, begins a cell."""
    table = io.StringIO()
    writer = csv.writer(table, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["learner", *record["exercises"], "bonus", "total", "out_of", "notes"])
    for learner in record["learners"]:
        points = [exercise["points"] for exercise in learner["exercises"].values()]
        numbers = [plain_number(value) for value in (*points, learner["bonus"], learner["total"], learner["out_of"])]
        writer.writerow([harmless(learner["learner"]), *numbers, harmless("; ".join(notes(learner)))])
    return table.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def plain_number(value: float) -> float:
    """2.0 as 2."""
    return int(value) if value == int(value) else value


def notes(learner: dict) -> list[str]:
    """What an instructor should know of a learner's marks: what needs a person's look, and how answers were found."""
    found = [f"{answer['label']}: {note}" for answer in answers(learner) for note in answer["notes"]]
    return [*(f"{where}: {what}" if where else what for where, what in for_a_person(learner)), *found]


def for_a_person(learner: dict) -> list[tuple[str, str]]:
    """What a person should look at: the exercise, if it is about one, and the reason."""
    strange = [(f"{one['label']} {one['status']}", one["reason"]) for one in answers(learner) if one["status"] in FOR_A_PERSON]
    return [*(("", problem) for problem in learner["problems"]), *strange]


def answers(learner: dict) -> list[dict]:
    return [answer for exercise in learner["exercises"].values() for answer in exercise["answers"]]


# --- pages ----------------------------------------------------------------------------------------------------------------------------


def overview(book: Gradebook, record: dict) -> dict:
    """What the class page says beside the marks."""
    learners, exercises = record["learners"], record["exercises"]
    return {
        "mean_points": {id: fmean(learner["exercises"][id]["points"] for learner in learners) for id in exercises},
        "mean_total": fmean(learner["total"] for learner in learners),
        "mean_bonus": fmean(learner["bonus"] for learner in learners),
        "bins": BINS,
        "histograms": {id: histogram(learner["exercises"][id] for learner in learners) for id in exercises},
        "misconceptions": misconceptions(book, learners),
        "to_look_at": [(learner, where, what) for learner in learners for where, what in for_a_person(learner)],
        "protected": {sentence: record["protections"][name] for name, sentence in PROTECTIONS.items()},
    }


def histogram(marks: Iterable[dict]) -> list[int]:
    """How many learners have none of an exercise's points, up to a quarter, ..., less than all, all."""
    places = Counter(len(BINS) - 1 if one["points"] == one["out_of"] else math.ceil(4 * one["points"] / one["out_of"]) for one in marks)
    return [places[place] for place in range(len(BINS))]


def misconceptions(book: Gradebook, learners: list[dict]) -> list[tuple[str, str, str, int]]:
    """What public checks said most often: exercise, answer's name, sentence, number of learners."""
    said = Counter((one["label"], one["sentence"]) for learner in learners for one in answers(learner) if one["sentence"])
    common = []
    for task in (task for tasks in book.exercises.values() for task in tasks):
        label = task.asked.label
        counts = sorted((-count, sentence) for (where, sentence), count in said.items() if where == label)
        common += [(label, task.name, sentence, -count) for count, sentence in counts[:MISCONCEPTIONS_SHOWN]]
    return common


def coloured(source: str) -> str:
    """Code as HTML."""
    lexer = PythonLexer() if len(source) <= LONGEST_COLOURED else TextLexer()
    return highlight(source, lexer, HtmlFormatter())


def code_style() -> str:
    """The colours of code, on a light and on a dark screen."""
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


def number(value: float) -> str:
    """Points, with two decimals at most and no idle zeros."""
    return f"{round(value, 2):g}"


def symbol(status: str) -> str:
    return SYMBOLS.get(status, "!")


# --- for the screen -------------------------------------------------------------------------------------------------------------------


def summary(book: Gradebook) -> Table:
    """How the class did, on one screen: a line for each exercise, or for each lesson where exercises are too many."""
    record = collect(book)
    learners, rows = record["learners"], {id: [id] for id in record["exercises"]}
    if len(rows) > ROWS_SHOWN:
        rows = {lesson[:2]: [id for id in rows if id[:2] == lesson[:2]] for lesson in book.lessons}
    marks = {name: [learner["exercises"][id] for learner in learners for id in ids] for name, ids in rows.items()}
    statuses = {name: Counter(mark["status"] for mark in some) for name, some in marks.items()}
    shown = [status for status in STATUSES if any(counts[status] for counts in statuses.values())]
    lacking = [name for name, there in book.walls.items() if not there]
    mean_total = number(fmean(learner["total"] for learner in learners))
    line = f"{len(learners)} {'learner' if len(learners) == 1 else 'learners'}, mean {mean_total} of {record['out_of']}; "
    line += f"lacking: {', '.join(lacking)}" if lacking else "all protections in force"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0, min_width=len(line))
    table.caption, table.caption_justify, table.caption_style = line, "left", ""
    for heading in ("", *shown, "mean points"):
        table.add_column(heading.replace("unreadable", "un-\nreadable"), justify="left" if not heading else "right")
    for name, some in marks.items():
        mean, out_of = (sum(mark[key] for mark in some) / len(learners) for key in ("points", "out_of"))
        table.add_row(name, *(str(statuses[name][status] or "") for status in shown), f"{number(mean)} of {number(out_of)}")
    return table
