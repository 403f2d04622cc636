"""Building notebooks: what is written, when, and what an author is told. Kernels are slow, so few tests here start one."""

import json
import re

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.grading import build as builder
from course_lib.grading.build import build
from course_lib.grading.execute import execute
from course_lib.grading.lessons import read_lesson
from course_lib.grading.notebooks import make_notebook

WARM_UP = "00_warm_up"
LESSON = """\
# %% [markdown]
# # Warm up

# %%
from course_lib import checks

# %% [markdown] exercise="00.1" points=1
# How many lives? 1 point <summary>Hint 1</summary><summary>Hint 2</summary><summary>Hint 3</summary>

# %% exercise="00.1"
def lives_at_start(env):
    # SOLUTION BEGIN
    return env.reset(seed=0)[1]["lives"]
    # SOLUTION END

# %% check="00.1"
lives_at_start = checks.start.lives_at_start(lives_at_start)
"""


@pytest.fixture
def course(tmp_path):
    """A course of one lesson with an exercise."""
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / f"{WARM_UP}.py").write_text(LESSON, encoding="utf-8")
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """Pretend to execute; lists the lessons that were."""
    names = []

    def pretend(notebook, folder):
        names.append(notebook.metadata.course.lesson)
        if "interrupt" in notebook.metadata.course.lesson:
            raise KeyboardInterrupt
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                yield index
                cell.execution_count = index + 1

    monkeypatch.setattr(builder, "execute_notebook", pretend)
    return names


def lesson_of(course, *cells, name="01_trial"):
    """Add a lesson made of these code cells."""
    path = course / "lessons" / f"{name}.py"
    path.write_text("".join(f"# %%\n{cell}\n\n" for cell in cells), encoding="utf-8")
    return path


def contents(course):
    return {path: path.read_bytes() for path in course.rglob("*.ipynb")}


def test_our_own_notebooks_are_in_step(capsys):
    assert build(check=True) == [], capsys.readouterr().out


def test_notebooks_and_executed_solutions_are_written_the_same_twice(course):
    assert build(root=course) == [f"notebooks/{WARM_UP}.ipynb", f"solutions/{WARM_UP}.ipynb"]
    before = contents(course)
    assert build(root=course, force=True) == [f"solutions/{WARM_UP}.ipynb"]
    assert contents(course) == before
    solution = nbformat.read(course / "solutions" / f"{WARM_UP}.ipynb", as_version=4)
    check = next(cell for cell in solution.cells if cell.id == "00-1-check")
    assert check.outputs[0].text.startswith("✓ 00.1 lives_at_start. ")
    assert [cell.execution_count for cell in solution.cells if cell.cell_type == "code"] == [1, 2, 3]


def test_a_grader_finds_each_cell_of_an_exercise(course, executed):
    build(root=course)
    notebook = nbformat.read(course / "notebooks" / f"{WARM_UP}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = {cell.id: cell for cell in notebook.cells}
    for role in ("text", "answer", "check"):
        points = {"points": 1} if role == "text" else {}
        assert cells[f"00-1-{role}"].metadata.course == {"role": role, "exercise": "00.1"} | points
    assert cells["00-1-answer"].source.endswith("raise NotImplementedError")
    assert cells["00-1-check"].metadata.editable is False
    assert all(re.fullmatch(r"00-(c\d\d|1-(text|answer|check))", cell.id) for cell in notebook.cells)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize(("pair", "names"), [("framework", ("torch", "keras")), ("part", ("proof", "mend"))])
def test_each_of_a_pair_is_marked(tmp_path, pair, names):
    path = tmp_path / "03_huber_loss.py"
    hints = "<summary>Hint" * 3
    cells = "".join(
        f'# %% exercise="03.3" {pair}="{name}"\n# SOLUTION BEGIN\n# STUB {name} = None\n{name} = 1\n# SOLUTION END\n\n'
        f'# %% check="03.3" {pair}="{name}"\n{name} = checks.huber.{name}({name})\n\n'
        for name in names
    )
    path.write_text(f'# %% [markdown] exercise="03.3" points=2\n# 2 points {hints}\n\n{cells}', encoding="utf-8")
    cells = make_notebook(read_lesson(path), solved=False).cells
    assert [cell.id for cell in cells] == [
        "03-3-text",
        f"03-3-answer-{names[0]}",
        f"03-3-check-{names[0]}",
        f"03-3-answer-{names[1]}",
        f"03-3-check-{names[1]}",
    ]
    assert cells[3].metadata.course == {"role": "answer", "exercise": "03.3", pair: names[1]}
    assert cells[3].source == f"{names[1]} = None"


def test_only_a_changed_source_is_executed_again(course, executed):
    path = lesson_of(course, "print(1)")
    build(root=course)
    assert build(root=course) == []
    path.write_text("# %%\nprint(2)\n", encoding="utf-8")
    assert build(root=course) == ["notebooks/01_trial.ipynb", "solutions/01_trial.ipynb"]
    assert executed == [WARM_UP, "01_trial", "01_trial"]


def test_without_execution_solutions_stay_as_they_are(course, executed):
    assert build(root=course, execute=False) == [f"notebooks/{WARM_UP}.ipynb"]
    assert executed == []


@pytest.mark.parametrize("wanted", ["1", "01", "01_trial", "lessons/01_trial.py", "notebooks/01_trial.ipynb"])
def test_a_lesson_is_given_by_number_name_or_path(course, executed, wanted):
    lesson_of(course, "print(1)")
    build([wanted], root=course)
    assert executed == ["01_trial"]


def test_an_unknown_lesson_is_named(course):
    with pytest.raises(CourseError, match="no lesson `99`: the lessons are 00_warm_up"):
        build(["99"], root=course)


def test_check_names_what_differs_and_the_command_that_mends_it(course, executed, capsys):
    path = lesson_of(course, "print(1)")
    build(root=course)
    assert build(root=course, check=True) == []
    path.write_text("# %%\nprint(2)\n", encoding="utf-8")
    before = contents(course)
    assert build(root=course, check=True) == ["notebooks/01_trial.ipynb", "solutions/01_trial.ipynb"]
    assert "run `course build 01_trial`" in capsys.readouterr().out
    assert contents(course) == before


def test_check_finds_missing_unexecuted_and_orphaned_notebooks(course, executed):
    lesson = lesson_of(course, "print(1)")
    build(root=course)
    (course / "notebooks" / "01_trial.ipynb").unlink()
    solution = course / "solutions" / "01_trial.ipynb"
    solution.write_text(re.sub(r'"execution_count": \d+', '"execution_count": null', solution.read_text()))
    assert build(root=course, check=True) == ["notebooks/01_trial.ipynb", "solutions/01_trial.ipynb"]
    lesson.unlink()
    (course / "notebooks" / "my own.ipynb").write_text("{}")
    assert build(root=course, check=True) == ["solutions/01_trial.ipynb"]


def test_answers_in_a_generated_notebook_are_not_overwritten(course, executed):
    build(root=course)
    path = course / "notebooks" / f"{WARM_UP}.ipynb"
    path.write_text(path.read_text().replace("raise NotImplementedError", "return 5"))
    with pytest.raises(CourseError, match=f"notebooks/{WARM_UP}.ipynb was edited by hand"):
        build(root=course)
    assert build(root=course, force=True)[0] == f"notebooks/{WARM_UP}.ipynb"


FAILURES = {
    "an error": ("x = {}\nx['lives']", "cell 01-c01 raised KeyError: 'lives'"),
    "the end of the kernel": ("import os\nos._exit(1)", "ended the kernel's process"),
    "stderr": ("import warnings\nwarnings.warn('old')", "writes to stderr"),
    "an address": ("print(object())", "shows `0x"),
    "a path": ("import sys\nprint(sys.executable)", "another text on another machine"),
}


def test_a_tagged_cell_may_write_to_stderr_but_shows_no_path(tmp_path):
    path = tmp_path / "01_trial.py"
    tagged = '# %% tags=["nbval-ignore-output"]\nimport sys\n'
    path.write_text(tagged + "print('47%', file=sys.stderr)\nprint('base64,AAAA/tmp/AAAA')\n", encoding="utf-8")
    list(execute(make_notebook(read_lesson(path), solved=True), tmp_path))
    path.write_text(tagged + "print('saved to', sys.prefix + '/film.mp4')\n", encoding="utf-8")
    with pytest.raises(CourseError, match="another text on another machine"):
        list(execute(make_notebook(read_lesson(path), solved=True), tmp_path))


@pytest.mark.parametrize(("cell", "says"), FAILURES.values(), ids=FAILURES)
def test_a_cell_that_fails_is_named_and_finished_notebooks_stay(tmp_path, cell, says):
    (tmp_path / "lessons").mkdir()
    lesson_of(tmp_path, "print(1)", cell)
    with pytest.raises(CourseError, match=says) as error:
        build(root=tmp_path)
    assert str(error.value).startswith("lessons/01_trial.py:4: cell 01-c01 ") and "\n" not in str(error.value)
    assert not (tmp_path / "solutions" / "01_trial.ipynb").exists()


def test_our_own_solution_must_pass_its_check(course):
    path = course / "lessons" / f"{WARM_UP}.py"
    path.write_text(path.read_text(encoding="utf-8").replace('return env.reset(seed=0)[1]["lives"]', "return 5"), encoding="utf-8")
    with pytest.raises(CourseError, match="our own solution does not pass: ✗ 00.1 lives_at_start: "):
        build(root=course)


def test_widgets_leave_text_and_still_pictures(tmp_path):
    path = tmp_path / "01_trial.py"
    show = "import ipywidgets\n_ = ipywidgets.interact(lambda delta: print('delta', delta), delta=(0, 2))"
    path.write_text(f"# %%\n{show}\n", encoding="utf-8")
    notebook = make_notebook(read_lesson(path), solved=True)
    list(execute(notebook, tmp_path))
    text = json.dumps(notebook)
    assert "delta 1" in text and "interactive(" in text
    assert "model_id" not in text and "widgets" not in notebook.metadata


def test_an_interrupted_build_keeps_what_is_finished(course, executed):
    lesson_of(course, "print(1)", name="01_interrupt")
    with pytest.raises(KeyboardInterrupt):
        build(root=course)
    assert [path.name for path in (course / "solutions").iterdir()] == [f"{WARM_UP}.ipynb"]
