"""The whole way of an answer, through the walls: every solution gets all marks, right answers and mutants of each kind theirs; interruptions."""

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import pytest

import tests.grading.test_hidden  # noqa: F401  (fills MUTANTS and RIGHT_ANSWERS)
from course_lib.grading.build import ROOT
from course_lib.grading.grade import grade
from course_lib.grading.gradebook import BONUS
from course_lib.grading.lessons import read_lesson
from course_lib.grading.notebooks import make_notebook
from course_lib.grading.tasks import Rules, tasks_of
from tests.mutants import MUTANTS
from tests.right import RIGHT_ANSWERS

LESSONS = {path.stem: read_lesson(path) for path in sorted((ROOT / "lessons").glob("*.py"))}
RULES = Rules(time_limit=60.0)


@pytest.fixture(scope="module")
def whole_course(tmp_path_factory):
    """Two learners hand in every lesson, one solved, one untouched; of a third there is Keras only, of a fourth PyTorch only."""
    folder = tmp_path_factory.mktemp("course")
    for lesson in LESSONS.values():
        for name, variants in (("solved", {None, "torch", "keras", "proof", "mend"}), ("keras", {"keras"}), ("torch", {"torch"}), ("untouched", set())):
            hand_in(folder / name, lesson, {cell.key: cell.solved for cell in lesson.cells if cell.role == "answer" and cell.variant in variants})
    return grade(folder, tmp_path_factory.mktemp("report") / "report", None, RULES, jobs=2)


def hand_in(folder, lesson, answers):
    """A notebook of a lesson, with these answers in place of the stubs."""
    notebook = make_notebook(lesson, solved=False)
    for cell in notebook.cells:
        marks = cell.metadata.get("course", {})
        key = marks.get("exercise"), marks.get("framework") or marks.get("part")
        if marks.get("role") == "answer" and key in answers:
            cell.source = answers[key]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{lesson.name}.ipynb")


def test_every_solution_gets_all_marks_and_the_bonus(whole_course):
    for mark in whole_course.marks("solved"):
        assert (mark.status, mark.points) == ("passed", mark.out_of), (mark.exercise, mark.results)
        assert mark.bonus == (BONUS * mark.out_of if "torch" in mark.results else 0.0)


@pytest.mark.parametrize(("framework", "other"), [("torch", "keras"), ("keras", "torch")])
def test_one_framework_is_enough_for_all_points(whole_course, framework, other):
    pairs = [mark for mark in whole_course.marks(framework) if framework in mark.results]
    assert len(pairs) == sum(len({cell.exercise for cell in lesson.cells if cell.framework}) for lesson in LESSONS.values())
    for mark in pairs:
        assert (mark.status, mark.points, mark.bonus) == ("passed", mark.out_of, 0.0)
        assert mark.results[other].status == "missing"


def test_an_untouched_notebook_is_missing_everything(whole_course):
    for mark in whole_course.marks("untouched"):
        assert (mark.status, mark.points, mark.bonus) == ("missing", 0.0, 0.0)


def as_cell(answer, name):
    """The source of a function or class from tests/, renamed as its exercise wants it; None if it leans on its module."""
    try:
        source = textwrap.dedent(inspect.getsource(answer))
    except (OSError, TypeError):
        return None
    source = source[source.index("def ") :] if inspect.isfunction(answer) else source[source.index("class ") :]
    own, kind = answer.__name__, "def" if inspect.isfunction(answer) else "class"
    return source.replace(f"{kind} {own}", f"{kind} {name}", 1) if source.count(own) == 1 else None


def handed_in_as_cells(folder, answers, most):
    """Some answers from tests/, each as a learner of lesson 03 with that one answer; returns who was asked which exercise."""
    lesson, learners = LESSONS["03_huber_loss"], {}
    tasks = {task.key: task for task in tasks_of(lesson, ROOT)}
    for one in answers:
        key = (one.id, one.variant)
        if key not in tasks or one.lazy or sum(other == key for other in learners.values()) >= most:
            continue
        source = as_cell(one.answer, tasks[key].name)
        if source is not None and not tasks[key].excerpt(source).unbound:
            hand_in(folder / f"{one.id}-{one.name}", lesson, {key: source})
            learners[f"{one.id}-{one.name}"] = key
    return learners


@pytest.fixture(scope="module")
def mixed_class(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    right, wrong = handed_in_as_cells(folder / "right", RIGHT_ANSWERS, most=4), handed_in_as_cells(folder / "wrong", MUTANTS, most=4)
    gathered = folder / "all"
    for name in ("right", "wrong"):
        for learner in (folder / name).iterdir():
            shutil.copytree(learner, gathered / f"{name} {learner.name}")
    return right, wrong, grade(gathered, folder / "report", ["03"], RULES, jobs=2)


def test_right_answers_in_other_styles_get_all_points_behind_walls(mixed_class):
    right, _, book = mixed_class
    assert len(right) >= 10
    for learner, key in right.items():
        result = book.results[f"right {learner}", key]
        assert (result.status, result.share) == ("passed", 1.0), (learner, result)


def test_mutants_get_no_point_behind_walls_and_are_told_their_mistake(mixed_class):
    _, wrong, book = mixed_class
    assert len(wrong) >= 10
    for learner, key in wrong.items():
        result = book.results[f"wrong {learner}", key]
        assert (result.status, result.share) == ("failed", 0.0), (learner, result)
        (mutant,) = [one for one in MUTANTS if f"{one.id}-{one.name}" == learner]
        assert mutant.says in result.sentence


# --- the command ----------------------------------------------------------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "course_lib.cli", "grade"]


@pytest.fixture
def small_class(tmp_path):
    """Six learners of lesson 03, whose answers differ, so that each sits its own exams."""
    lesson = LESSONS["03_huber_loss"]
    for number in range(6):
        solved = {cell.key: f"{cell.solved}\n# {number}" for cell in lesson.cells if cell.role == "answer" and cell.framework is None}
        hand_in(tmp_path / "class" / f"learner {number}", lesson, solved)
    return tmp_path / "class"


def test_an_interrupted_run_keeps_what_is_done_and_goes_on(small_class, tmp_path):
    out = tmp_path / "report"
    process = subprocess.Popen([*COMMAND, small_class, "--out", out, "--jobs", "2"], stderr=subprocess.PIPE, text=True)
    ledger = out / "results.jsonl"
    wait_until(lambda: ledger.exists() and results_in(ledger) >= 2, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "stopped" in said
    kept = ledger.read_text(encoding="utf-8")
    assert 2 <= results_in(ledger) < 18
    done = subprocess.run([*COMMAND, small_class, "--out", out], capture_output=True, text=True, check=True, timeout=300)
    assert ledger.read_text(encoding="utf-8").startswith(kept)
    assert results_in(ledger) == 18
    assert (out / "marks.csv").exists() and str(out / "index.html") in done.stdout
    assert {entry for entry in json.loads((out / "marks.json").read_text(encoding="utf-8"))}


def results_in(ledger):
    return ledger.read_text(encoding="utf-8").count('"result"')


def wait_until(holds, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["nowhere", "--out", "report"], "nowhere is no folder"),
    (["empty", "--out", "report"], "empty is empty"),
    (["foreign", "--out", "report"], "no notebook of the course among these"),
    (["class", "--out", "foreign"], "holds something else than a report"),
    (["class", "--out", "report", "--lesson", "77"], "There is no lesson `77`"),
])  # fmt: skip
def test_what_a_person_does_wrong_is_one_sentence(arguments, sentence, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "letter.txt").write_text("dear", encoding="utf-8")
    hand_in(tmp_path / "class" / "ana", LESSONS["03_huber_loss"], {})
    done = subprocess.run([*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert done.stderr.startswith("course: ") and sentence in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "foreign" / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_without_hidden_tests_there_is_no_grading(tmp_path):
    """As in a learner's copy: one sentence says so."""
    from course_lib.errors import CourseError
    with pytest.raises(CourseError, match="in the instructor's copy"):
        tasks_of(LESSONS["03_huber_loss"], Path(tmp_path))
