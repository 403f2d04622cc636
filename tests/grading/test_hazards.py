"""A class of hostile submissions is graded once: each gets the marks and the reason that it deserves, and leaves nothing behind.

The submissions are in tests/grading/hostile.py.
"""

import csv
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.gradebook import BONUS, Gradebook
from course_lib.grading.lessons import read_lesson
from course_lib.grading.report import write_reports
from course_lib.grading.submissions import answers_of, read_class
from course_lib.grading.tasks import out_of_bounds
from tests.grading.hostile import HAZARDS, HOME, LESSON, RIGHT, Scene, code_cell, make_notebook, reason, table, write_notebook

QUICK = (  # for a second run: of most statuses, none ended by a limit
    "patches showtraceback away",
    "holds a comment for nbval",
    "calls os._exit",
    "keeps rewriting its transcript",
    "opens the solutions",
    "has two answer cells",
    "needs a helper cell of its own",
    "has no answer cell",
    "hands in an empty file",
)


@dataclass
class Graded:
    """A class that was graded, and what was seen of it from outside."""

    scene: Scene
    book: Gradebook
    callers: list[str]  # who reached the listener, or opened the door
    processes: list[list[str]]  # that are left: their command lines
    changed: dict[str, tuple]  # what is in another state than before: the states before and after


@pytest.fixture(scope="module")
def graded(tmp_path_factory, request):
    base = tmp_path_factory.mktemp("hostile")
    for name in ("home", "outside"):
        (base / name).mkdir()
    with Listener(base / "outside" / "service.socket") as listener, pytest.MonkeyPatch.context() as patch:
        scene = Scene(base, listener.port, listener.door)
        request.addfinalizer(scene.remove)
        folder = scene.hand_in(HAZARDS.values())
        patch.setenv("HOME", str(base / "home"))  # of the grader; answers know where the real one is
        before = state(scene)
        book = scene.grade(folder, "report")
        after = state(scene)
    changed = {name: (before.get(name), after.get(name)) for name in before | after if before.get(name) != after.get(name)}
    return Graded(scene, book, listener.callers, processes_of(scene), changed)


class Listener:
    """Somebody whom no answer may reach, by TCP, UDP or a Unix socket, and who tries a door that answers may not open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.callers: list[str] = []

    def __enter__(self):
        self.calls, self.letters = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = self.calls.getsockname()[1]
        self.letters.bind(("127.0.0.1", self.port))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.door = free.getsockname()[1]
        self.service = socket.socket(socket.AF_UNIX)
        self.service.bind(str(self.path))
        self.service.listen()
        for one in (self.calls, self.letters, self.service):
            one.settimeout(0.1)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()
        return self

    def listen(self):
        while not self.over.is_set():
            for one, name in ((self.calls, "listener"), (self.service, "service")):
                with suppress(TimeoutError):
                    one.accept()[0].close()
                    self.callers.append(f"an answer reached the {name}")
            with suppress(TimeoutError):
                self.callers.append(f"an answer sent {self.letters.recv(100)}")
            with socket.socket() as caller:
                if caller.connect_ex(("127.0.0.1", self.door)) == 0:
                    self.callers.append("an answer opened a port")

    def __exit__(self, *error):
        self.over.set()
        self.thread.join()
        for one in (self.calls, self.letters, self.service):
            one.close()


def state(scene: Scene) -> dict[str, object]:
    """All that could change outside the report's folder: submissions, the instructor's notes, temporary folders, homes, the repository."""
    found = {name: names(name) for name in (scene.temporary, scene.base / "home", HOME, ROOT, "/dev/shm")}
    found |= {path: about(path) for path in scene.graffiti}
    return found | {path: about(path) for folder in (scene.outside, scene.base / "class") for path in two_levels(folder)}


def names(folder) -> list[str]:
    """What is in a folder; in those that everybody shares, where other tests work meanwhile, what an answer would leave."""
    return sorted(name for name in os.listdir(folder) if folder not in (HOME, ROOT, "/dev/shm") or "graffiti" in name)


def two_levels(folder: Path) -> Iterator[Path]:
    yield folder
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from path.iterdir()


def about(path) -> tuple | None:
    """The state of a file: ctime changes with content, times, mode, owner and attributes."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_mode, status.st_uid, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def processes_of(scene: Scene) -> list[list[str]]:
    """The command lines of processes that come of a class: its temporary folder is in their arguments or their environment."""
    found, own = [], os.getpid()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            traces = [*process.cmdline(), *process.environ().values(), process.cwd()]
            if process.pid != own and any(str(scene.temporary) in trace for trace in traces):
                found.append(process.cmdline())
    return found


# --- every hazard -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hazard", HAZARDS.values(), ids=lambda hazard: hazard.name[:80])
def test_a_hazard_ends_in_a_status_a_mark_and_a_reason(hazard, graded):
    result = graded.book.results[hazard.name, (hazard.exercise, hazard.variant)]
    assert result.status in hazard.status.split(" or "), result
    assert result.share == (hazard.share if result.status == "passed" else 0.0), result
    assert result.reason
    assert hazard.says in reason(graded.book, hazard)


@pytest.mark.parametrize("hazard", HAZARDS.values(), ids=lambda hazard: hazard.name[:80])
def test_a_hazard_costs_no_mark_of_another_exercise(hazard, graded):
    if hazard.status == "unreadable":
        assert {mark.points for mark in graded.book.marks(hazard.name)} == {0.0}
        return
    others = [mark for mark in graded.book.marks(hazard.name) if mark.exercise != hazard.exercise]
    assert [(mark.status, mark.points) for mark in others] == [("passed", mark.out_of) for mark in others]
    assert len(others) == 3


def test_no_answer_reaches_anybody(graded):
    assert graded.callers == []


def test_no_process_is_left(graded):
    assert graded.processes == []


def test_no_file_is_new_or_changed(graded):
    assert graded.changed == {}


def test_what_is_told_of_an_answer_cannot_move_a_cursor(graded):
    """Reasons and sentences hold words of learners, and are shown in terminals and spreadsheets."""
    told = [text for result in graded.book.results.values() for text in (result.reason, result.sentence)]
    assert [text for text in told if not text.isprintable()] == []


def test_one_framework_is_enough_and_two_give_a_bonus(graded):
    one = ("answers in PyTorch only", "answers in Keras only", "answers in both and is wrong in Keras")
    for name, bonus in (*((name, 0.0) for name in one), ("has right answers", BONUS)):
        (mark,) = (mark for mark in graded.book.marks(name) if mark.exercise == "03.3")
        assert (mark.status, mark.points, mark.bonus) == ("passed", mark.out_of, bonus * mark.out_of)


def test_both_of_two_submissions_by_one_learner_are_graded_and_a_person_is_told(graded):
    students = {student.name: student for student in graded.book.students}
    marks = {name: graded.book.marks(name)[0].points for name in ("hands in twice", "hands in twice (2)")}
    assert marks == {"hands in twice": 0.0, "hands in twice (2)": 2.0}
    for name in marks:
        assert any("decide which one counts" in problem for problem in students[name].problems)


def test_every_submission_is_on_the_list_once(graded):
    assert sorted(student.name for student in graded.book.students) == sorted([*HAZARDS, "hands in twice (2)"])


def test_a_report_of_such_a_class_can_be_written(graded, tmp_path):
    write_reports(graded.book, tmp_path)
    learners = json.loads((tmp_path / "marks.json").read_text(encoding="utf-8"))["learners"]
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as table:
        assert len(list(csv.reader(table))) == len(learners) + 1 == len(HAZARDS) + 2
    assert all((tmp_path / learner["page"]).is_file() for learner in learners)


def test_the_instructors_page_tells_what_became_of_each(graded):
    def columns(text):
        """Hazard, status and marks of each row."""
        rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
        return {name.removeprefix("| "): (status, marks) for name, status, marks, *_ in rows[1:]}

    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8").split("\n## What was handed in")[1]
    told, found = columns(page), columns(table(graded.book, list(HAZARDS.values())))
    assert told.keys() == found.keys()
    either = [hazard.name for hazard in HAZARDS.values() if "or" in hazard.status.split()]
    assert {name: row for name, row in told.items() if name not in either} == {name: row for name, row in found.items() if name not in either}


def test_the_same_submissions_graded_again_get_the_same_results(graded):
    again = graded.scene.grade(graded.scene.hand_in([HAZARDS[name] for name in QUICK], "again"), "second report")
    for place, result in again.results.items():
        assert result == graded.book.results[place]
    assert {name for name, _ in again.results} == set(QUICK)


# --- reading ----------------------------------------------------------------------------------------------------------------------------

ANSWER = {"course": {"role": "answer", "exercise": "03.1"}}
SLOW_TO_READ = {
    "many shell commands before a long answer": [code_cell("!ls\n" * 200 + RIGHT + "number = 1\n" * 1_000, metadata=ANSWER)],
    "thousands of answer cells": [code_cell(f"number = {number}", metadata=ANSWER) for number in range(8_000)],
    "long cells without marks": [code_cell(f"number = {number}\n" * 6_000) for number in range(40)],
}


@pytest.mark.parametrize("what", SLOW_TO_READ)
def test_no_notebook_holds_up_the_reading_of_a_class(what, tmp_path):
    """The reading of submissions has no time limit: it must need none."""
    write_notebook(tmp_path / "class" / f"{LESSON}.ipynb", make_notebook({}) | {"cells": SLOW_TO_READ[what]})
    (lesson,) = map(read_lesson, find_lessons(["03"], ROOT))
    started = time.process_time()
    (student,) = read_class(tmp_path / "class", {lesson.name: lesson})
    for answer in answers_of(student.handins[lesson.name], lesson).values():
        out_of_bounds(answer.source or "")
    assert time.process_time() - started < 5
