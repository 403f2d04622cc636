"""A learner's own look at a notebook: every answer meets its check alone, and no answer keeps the next one from being checked."""

import ast
import io
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

import tests.mutants.huber
import tests.mutants.start  # noqa: F401  (fills MUTANTS)
from course_lib.checks.base import CHECKS
from course_lib.errors import CourseError
from course_lib.grading.lessons import read_lesson
from course_lib.grading.self_check import Line, check, show
from tests.mutants import MUTANTS

ROOT = Path(__file__).parents[2]
HUBER = ROOT / "notebooks" / "03_huber_loss.ipynb"
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
RIGHT = {cell.key: cell.solved for cell in read_lesson(ROOT / "lessons" / "03_huber_loss.py").cells if cell.role == "answer"}
LOOP = "def huber_loss(errors, delta=1.0):\n    while True:\n        pass"
NEEDS_HALF = """\
def huber_loss(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, half(size**2), delta * (size - half(delta)))
"""
HALF = "def half(x):\n    return x / 2"


class Copy:
    """A learner's copy of lesson 03."""

    def __init__(self, path):
        self.path = path
        self.notebook = json.loads(HUBER.read_text(encoding="utf-8"))

    @property
    def cells(self):
        return self.notebook["cells"]

    def cell(self, id):
        return next(cell for cell in self.cells if cell["id"] == id)

    def write(self, id, source):
        self.cell(id)["source"] = source

    def add(self, source, before="03-1-answer", **more):
        new = {"cell_type": "code", "id": f"new-{len(self.cells)}", "metadata": {}, "outputs": [], "execution_count": None}
        self.cells.insert(self.cells.index(self.cell(before)), new | {"source": source} | more)

    def check(self, time_limit=60.0):
        """What is said of each exercise: {"03.1": Line}."""
        self.path.write_text(json.dumps(self.notebook), encoding="utf-8")
        return {re.sub(r" [^(]\w*", "", line.exercise): line for line in check(self.path, time_limit)}


@pytest.fixture
def mine(tmp_path):
    return Copy(tmp_path / "mine.ipynb")


def kernels():
    """Kernels that this process has started and that still run."""
    return [process for process in psutil.Process().children(recursive=True) if "ipykernel_launcher" in " ".join(process.cmdline())]


# --- done, open, wrong ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_our_own_solution_is_done_in_both_frameworks(path):
    lines = check(path)
    wanted = {key: one for key, one in CHECKS.items() if key[0].startswith(path.stem[:2])}
    assert {(line.exercise, line.status, line.sentence) for line in lines} == {(one.label, "passed", one.why) for one in wanted.values()}
    assert len(lines) == len(wanted)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_an_unfilled_notebook_is_open_and_needs_no_kernel(path, monkeypatch):
    monkeypatch.setattr("course_lib.grading.self_check.NotebookClient", None)
    lines = check(path)
    assert len(lines) >= 2 and {(line.status, line.sentence) for line in lines} == {("open", "not written yet")}


def test_the_lines_come_in_the_notebooks_order():
    lines = check(ROOT / "notebooks" / "06_a3c.ipynb")
    assert [line.exercise[:4] for line in lines] == ["06.1", "06.2", "06.3", "06.3", "06.4", "06.4", "06.5", "06.5", "06.6"]


def test_mutants_draw_their_sentences(mine):
    """One for each exercise of lesson 03 that is not made of other functions."""
    chosen = {}
    for mutant in MUTANTS:
        plain = not mutant.lazy and mutant.id.startswith("03") and inspect.isfunction(mutant.answer)
        if plain and not set(mutant.answer.__code__.co_names) & set(vars(tests.mutants.huber)) - {"np"}:
            chosen.setdefault((mutant.id, mutant.variant), mutant)
    names = {key: ast.parse(source).body[0].name for key, source in RIGHT.items()}
    for (id, variant), mutant in chosen.items():
        (function,) = ast.parse(inspect.getsource(mutant.answer)).body
        function.name, function.decorator_list = names[id, variant], []
        mine.write("-".join(filter(None, [id.replace(".", "-").replace("-0", "-"), "answer", variant])), ast.unparse(function))
    said = mine.check()
    assert {"03.1", "03.2", "03.4"} <= {id for id, _ in chosen}
    for (id, variant), mutant in chosen.items():
        line = said[f"{id} ({variant})" if variant else id]
        assert line.status == "failed" and mutant.says in line.sentence, line


def test_a_line_left_over_from_the_stub_does_no_harm(mine):
    mine.write("03-1-answer", RIGHT["03.1", None] + "\n    raise NotImplementedError")
    mine.write("03-2-answer", "def huber_gradient(errors, delta=1.0):\n    raise NotImplementedError\n\n" + RIGHT["03.2", None])
    said = mine.check()
    assert (said["03.1"].status, said["03.2"].status, said["03.4"].status) == ("passed", "passed", "open")


def test_an_answer_half_written_is_open(mine):
    mine.write("03-1-answer", "def huber_loss(errors, delta=1.0):\n    size = np.abs(errors)\n    raise NotImplementedError('later')")
    mine.write("03-2-answer", "# tomorrow")
    assert {line.status for line in mine.check().values()} == {"open"}


def test_what_an_answer_raises_is_told(mine):
    mine.write("03-1-answer", "def huber_loss(errors, delta=1.0):\n    return errors[:, 'x']")
    mine.write("03-2-answer", "def huber_gradient(errors, delta=1.0)\n    return errors")
    mine.write("03-3-answer-torch", "huber_torch = 1 / 0")
    mine.write("03-4-answer", "import sys\n\ndef gradient_step(*arguments):\n    sys.exit('enough')")
    said = mine.check()
    assert said["03.1"].sentence.startswith("your code raised IndexError: ")
    assert said["03.2"].sentence == "your code is no Python: expected ':' in line 1"
    assert said["03.3 (torch)"].sentence == "your code raised ZeroDivisionError: division by zero"
    assert said["03.4"].sentence == "your code raised SystemExit: enough"
    assert [line.status for line in said.values()] == ["failed", "failed", "failed", "open", "failed"]


def test_what_an_answer_prints_is_not_taken_for_the_verdict(mine):
    loud = "def huber_loss(errors, delta=1.0):\n    print('✓')\n    return errors"
    mine.write("03-1-answer", f"print('✓ 03.1 huber_loss. All is well.')\n\n{loud}")
    assert mine.check()["03.1"].status == "failed"


# --- only the answer cell counts --------------------------------------------------------------------------------------------------------


def test_a_helper_in_a_cell_of_ones_own_is_to_move(mine):
    mine.write("03-1-answer", NEEDS_HALF)
    mine.add(HALF)
    line = mine.check()["03.1"]
    assert (line.status, line.sentence) == ("failed", "only the answer cell is graded: move `half` into it")
    mine.write("03-1-answer", f"{HALF}\n\n\n{NEEDS_HALF}")
    assert mine.check()["03.1"].status == "passed"


def test_a_helper_in_another_answer_is_to_move_too(mine):
    mine.write("03-1-answer", f"{HALF}\n\n\n{NEEDS_HALF}")
    mine.write("03-2-answer", "def huber_gradient(errors, delta=1.0):\n    return half(2 * np.clip(errors, -delta, delta))")
    said = mine.check()
    assert said["03.1"].status == "passed" and said["03.2"].sentence == "only the answer cell is graded: move `half` into it"


def test_an_answer_beside_its_cell_is_to_move(mine):
    mine.add(RIGHT["03.1", None])
    assert mine.check()["03.1"] == Line("03.1 huber_loss", "failed", "only the answer cell is graded: move `huber_loss` into it")


def test_a_name_that_nobody_defines_is_told_as_python_does(mine):
    mine.write("03-1-answer", NEEDS_HALF)
    assert mine.check()["03.1"].sentence == "your code raised NameError: name 'half' is not defined"


def test_an_answer_may_build_on_another_exercise_whatever_stands_there(mine):
    mine.write("03-1-answer", LOOP)
    slope = "(huber_loss(errors + 1e-6, delta) - huber_loss(errors - 1e-6, delta)) / 2e-6"
    mine.write("03-2-answer", f"def huber_gradient(errors, delta=1.0):\n    return {slope}")
    started = time.monotonic()
    said = mine.check(time_limit=3)
    assert said["03.1"].status == "failed" and said["03.2"].status == "passed", said
    assert time.monotonic() - started < 60


def test_what_one_answer_leaves_behind_does_not_reach_the_next(mine):
    mine.write("03-1-answer", f"leftover = 3\n{RIGHT['03.1', None]}")
    mine.write("03-2-answer", "def huber_gradient(errors, delta=1.0):\n    return errors * globals()['leftover']")
    said = mine.check()
    assert said["03.1"].status == "passed" and said["03.2"].sentence == "your code raised KeyError: 'leftover'"


def test_of_two_cells_with_the_same_marks_the_written_one_counts(mine):
    stub = dict(mine.cell("03-1-answer"))
    mine.write("03-1-answer", RIGHT["03.1", None])
    mine.add(stub["source"], before="03-1-check", metadata=stub["metadata"])
    assert mine.check()["03.1"].status == "passed"
    mine.add(LOOP.replace("while True:\n        pass", "return errors"), before="03-1-check", metadata=stub["metadata"])
    assert mine.check()["03.1"].status == "failed"


def test_an_answer_under_another_name_is_told(mine):
    mine.write("03-1-answer", RIGHT["03.1", None].replace("huber_loss", "my_loss"))
    assert mine.check()["03.1"].sentence == "the answer cell does not define `huber_loss`"


def test_an_answer_cell_that_is_gone_comes_last_and_is_told(mine):
    mine.cells.remove(mine.cell("03-1-answer"))
    *others, last = mine.check().values()
    assert last.exercise == "03.1 huber_loss" and last.status == "failed" and "is not in the notebook" in last.sentence
    assert {line.status for line in others} == {"open"}


@pytest.mark.parametrize("line", ["import course_lib.returns", "print(checks)"])
def test_what_a_grader_refuses_is_told(mine, line):
    mine.write("03-1-answer", f"{line}\n{RIGHT['03.1', None]}")
    said = mine.check()["03.1"]
    assert said.status == "failed" and said.sentence.startswith("the grader refuses this: the answer "), said


# --- a notebook that has lived ----------------------------------------------------------------------------------------------------------


EDITED = ["print('✓ 03.1')", "", "huber_loss = lambda errors, delta=1.0: errors", "my_loss = checks.start.chase(huber_loss)", None]


@pytest.mark.parametrize("text", EDITED)
def test_a_check_cell_that_was_edited_changes_nothing(mine, text):
    mine.write("03-1-answer", RIGHT["03.1", None])
    mine.write("03-2-answer", "def huber_gradient(errors, delta=1.0):\n    return errors + 0 * huber_loss(errors, delta)")
    if text is None:
        mine.cells.remove(mine.cell("03-1-check"))
    else:
        mine.write("03-1-check", text)
    said = mine.check()
    assert said["03.1"].status == "passed", said
    assert said["03.2"].status == "failed" and "huber_loss" not in said["03.2"].sentence


def test_marks_or_ids_may_be_lost(mine):
    mine.write("03-1-answer", RIGHT["03.1", None])
    for cell in mine.cells:
        cell["metadata"] = {}
    assert mine.check()["03.1"].status == "passed"
    mine.notebook = json.loads(HUBER.read_text(encoding="utf-8"))
    mine.write("03-1-answer", RIGHT["03.1", None])
    for cell in mine.cells:
        del cell["id"]
    mine.notebook["nbformat_minor"] = 4
    assert mine.check()["03.1"].status == "passed"


def test_cells_of_the_lesson_that_a_learner_broke_are_passed_over_or_told(mine):
    mine.write("03-1-answer", RIGHT["03.1", None])
    first = next(cell for cell in mine.cells if cell["cell_type"] == "code")
    mine.write("03-c04", "x = = 3")
    assert mine.check()["03.1"].status == "passed"
    first["source"] = "import numppy as np"
    assert mine.check()["03.1"].sentence == "a cell above it, which it needs, raised ModuleNotFoundError: No module named 'numppy'"


# --- answers that do not come back ------------------------------------------------------------------------------------------------------


def test_a_loop_and_the_end_of_a_kernel_do_not_keep_the_next_from_being_checked(mine):
    mine.write("03-1-answer", LOOP)
    mine.write("03-2-answer", "import os\n\ndef huber_gradient(errors, delta=1.0):\n    os._exit(1)")
    mine.write("03-4-answer", RIGHT["03.4", None])
    said = mine.check(time_limit=3)
    assert said["03.1"] == Line("03.1 huber_loss", "failed", "it took more than 3 seconds and was stopped")
    assert said["03.2"] == Line("03.2 huber_gradient", "failed", "it ended the kernel's process")
    assert said["03.4"].status == "passed"
    assert kernels() == []


def test_a_kernel_that_ends_between_two_answers_is_replaced(mine):
    late = "import os\n\nclass Late:\n    def __del__(self, end=os._exit):\n        end(1)\n\nlate = Late()\n\n"
    mine.write("03-1-answer", late + RIGHT["03.1", None])
    mine.write("03-2-answer", RIGHT["03.2", None])
    said = mine.check()
    assert (said["03.1"].status, said["03.2"].status) == ("passed", "passed"), said


def test_ctrl_c_ends_it_with_what_is_known(mine):
    mine.write("03-1-answer", RIGHT["03.1", None])
    mine.write("03-2-answer", f"open('begun', 'w').close()\nwhile True:\n    pass\n\n{RIGHT['03.2', None]}")
    mine.path.write_text(json.dumps(mine.notebook), encoding="utf-8")
    heed = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}; from course_lib import cli; sys.exit(cli.main(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment)
    with subprocess.Popen([sys.executable, "-c", code, "check", str(mine.path)], **options) as process:
        deadline = time.monotonic() + 60
        while not (mine.path.parent / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
    assert "1 of 5 done, 0 open, 0 to mend, 4 not checked." in out, out + error
    assert "Traceback" not in error and "03.2 huber_gradient" in error  # the progress bar
    assert kernels() == []


# --- what is printed, and what is refused -----------------------------------------------------------------------------------------------


def test_the_table_shows_each_line_as_it_is():
    lines = [
        Line("03.1 huber_loss", "passed", "Well."),
        Line("03.2 huber_gradient", "open", "not written yet"),
        Line("03.4 gradient_step", "failed", "the shape is [B, 1] :smile: [red]"),
        Line("03.5 more", "unknown", "not checked"),
    ]
    console = Console(file=io.StringIO(), width=200)
    show(lines, console)
    text = console.file.getvalue()
    for line, sign in zip(lines, "✓○✗?", strict=True):
        assert re.search(rf"{re.escape(line.exercise)} +│ {re.escape(sign)} │ {re.escape(line.sentence)} ", text), text
    last = "Hidden tests exist too: they try other inputs, so read the exercise's text closely."
    assert text.endswith(f"1 of 4 done, 1 open, 1 to mend, 1 not checked. {last}\n")
    show(lines[:3], console)
    assert console.file.getvalue().endswith(f"1 of 3 done, 1 open, 1 to mend. {last}\n")


REFUSED = {
    "no file": (None, r"There is no file .*mine.ipynb\.$"),
    "empty": ("", "mine.ipynb cannot be checked: it is an empty file"),
    "no JSON": ("# Lesson", "it is no notebook: its content is not JSON"),
    "an old format": ('{"nbformat": 3, "worksheets": []}', "it has notebook format 3, not 4"),
    "of another course": ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}]}', "holds no exercise of the course: name"),
}


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_notebook_of_the_course_is_refused_in_a_sentence(mine, content, says):
    if content is not None:
        mine.path.write_text(content)
    with pytest.raises(CourseError, match=says) as error:
        check(mine.path)
    assert "\n" not in str(error.value)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CourseError, match="is a folder: name one of its notebooks, or check them all with course progress "):
        check(tmp_path)


def test_without_a_kernel_the_doctor_is_named(mine, monkeypatch):
    mine.write("03-1-answer", RIGHT["03.1", None])
    monkeypatch.setattr("course_lib.grading.self_check.KERNEL", "no-such-kernel")
    with pytest.raises(CourseError, match="No kernel starts here .*; see: course doctor"):
        mine.check()
