"""Exercises as exams: what every lesson's tasks hold, what an answer must not reach for, and what a kept result depends on."""

import ast
import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import CourseError
from course_lib.grading import tasks as tasks_module
from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.excerpt import names
from course_lib.grading.lessons import read_lesson
from course_lib.grading.probing import PROBES
from course_lib.grading.tasks import Rules, out_of_bounds, tasks_of

LESSONS = [read_lesson(path) for path in find_lessons(None, ROOT)]
TASKS = {task.key: task for lesson in LESSONS for task in tasks_of(lesson, ROOT)}
HUBER, TORCH, KERAS, PROOF = TASKS["03.1", None], TASKS["03.3", "torch"], TASKS["03.3", "keras"], TASKS["10.5", "proof"]
each_task = pytest.mark.parametrize("task", TASKS.values(), ids=[task.asked.label for task in TASKS.values()])


# --- the course's tasks -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_every_answer_cell_of_a_lesson_is_a_task_with_hidden_tests(lesson):
    mine = tasks_of(lesson, ROOT)
    assert [task.key for task in mine] == [cell.key for cell in lesson.cells if cell.role == "answer"]
    points = {cell.exercise: cell.points for cell in lesson.cells if cell.role == "text"}
    assert {task.asked.exercise: task.points for task in mine} == points
    for task in mine:
        assert task.probes == PROBES[task.key] != []
        assert task.hidden == mine[0].hidden


def test_reading_a_lesson_twice_registers_no_hidden_test_twice():
    before = {key: len(probes) for key, probes in PROBES.items()}
    for lesson in LESSONS:
        tasks_of(lesson, ROOT)
    assert {key: len(probes) for key, probes in PROBES.items()} == before


@each_task
def test_an_exam_is_three_cells_that_are_python(task):
    given_to_it, answer, examination = (ast.parse(cell) for cell in task.cells(task.asked.solved, 3))
    assert ast.unparse(ast.parse(task.asked.solved)) == ast.unparse(answer)
    (line,) = examination.body
    assert line.value.func.attr == "examine"
    given_to_examine = [ast.unparse(one) for one in line.value.args]
    assert given_to_examine == [task.name, *map(repr, (task.asked.exercise, task.asked.variant, 3, task.hidden))]
    assert "checks" not in {name.id for name in ast.walk(given_to_it) if isinstance(name, ast.Name)}


@each_task
def test_no_answer_is_given_a_solution_of_its_own_exercise(task):
    partners = {other.name for other in TASKS.values() if other.asked.exercise == task.asked.exercise}
    assert task.name in partners
    for source in (task.asked.solved, task.asked.unsolved, f"stolen = {' or '.join(partners)}"):
        assert not partners & names(task.excerpt(source).source)[1]


@each_task
def test_what_an_answer_asks_of_its_lesson_by_name_brings_no_library_that_its_solution_does_without(task):
    everything = {name for cell in task.before for name in names(cell)[1]} - {"checks"}
    modules = {name for name in task.excerpt(f"f = [{', '.join(sorted(everything))}]").modules if name.startswith("course_lib.")}
    assert modules <= task.library
    assert not any("checks" in name or "losses" in name for name in modules)


@each_task
def test_a_solution_and_its_stub_are_not_out_of_bounds(task):
    assert out_of_bounds(task.asked.solved) is None
    assert out_of_bounds(task.asked.unsolved) is None


def test_without_hidden_tests_there_is_one_sentence(tmp_path, monkeypatch):
    lesson = next(lesson for lesson in LESSONS if lesson.number == "03")
    with pytest.raises(CourseError, match="huber.py is missing"):
        tasks_of(lesson, tmp_path)
    monkeypatch.delitem(PROBES, ("03.2", None))
    with pytest.raises(CourseError, match="Exercise 03.2 has no hidden tests"):
        tasks_of(lesson, ROOT)


# --- frameworks ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "framework"), [
    ("def huber_loss(e):\n    return e", None),
    ("def huber_loss(e):\n    import torch\n    return torch.abs(e)", "torch"),
    ("import torch.nn.functional as F", "torch"),
    ("from tensorflow.math import abs", "keras"),
    ("import keras", "keras"),
    ("import torchvision, kerastuner, mytorch", None),
    ("text = 'import torch'  # import keras", None),
    ("import torch\n  oops(", None),
    ("", None),
])
def test_an_answer_gets_the_framework_that_it_imports(source, framework):
    assert HUBER.framework(source) == framework


@pytest.mark.parametrize("source", ["import torch", "import keras", "def f(:", "", "%time\n", "\0"])
def test_an_answer_of_a_pair_gets_the_pairs_framework(source):
    assert (TORCH.framework(source), KERAS.framework(source)) == ("torch", "keras")


def test_an_answer_gets_the_framework_that_its_lesson_imports_for_it():
    assert HUBER.framework("def huber_loss(e):\n    return torch.tensor(e)") == "torch"


# --- out of bounds ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "says"), [
    ("def f(e):\n    return checks.huber.huber_loss(f)(e)", "`checks`"),
    ("f = checks", "`checks`"),
    ("def f():\n    def g():\n        return [checks for _ in range(3)]\n    return g", "`checks`"),
    ("def f(e, table=checks):\n    return e", "`checks`"),
    ("@checks.huber.huber_loss\ndef f(e):\n    return e", "`checks`"),
    ("f(checks=checks)", "`checks`"),
    ("f = f'{checks}'", "`checks`"),
    ("from course_lib import checks", "`course_lib.checks`"),
    ("from course_lib import losses as np", "`course_lib.losses`"),
    ("import course_lib.checks.huber as numpy", "`course_lib.checks.huber`"),
    ("from course_lib.grading import exam", "`course_lib.grading`"),
    ("def f():\n    if True:\n        import numpy, course_lib.atari", "`course_lib.atari`"),
    ("from course_lib import *", "`course_lib.*`"),
    ("import pytest", "`pytest`"),
    ("from _pytest.runner import call_and_report", "`_pytest.runner`"),
    ("import nbval.plugin", "`nbval.plugin`"),
    ("# NBVAL_SKIP\nf = 1", "`# NBVAL_SKIP`"),
    ("#NBVAL_IGNORE_OUTPUT", "`#NBVAL_IGNORE_OUTPUT`"),
    ("def f():\n    ##  NBVAL_RAISES_EXCEPTION  \n    return 1", "NBVAL_RAISES_EXCEPTION"),
    ("text = '''\n# NBVAL_SKIP\n'''", "NBVAL_SKIP"),  # nbval reads lines, whatever they stand in
    ("# NBVAL_SKIP\ndef f(:", "NBVAL_SKIP"),
    ("# PYTEST_VALIDATE_IGNORE_OUTPUT", "PYTEST_VALIDATE_IGNORE_OUTPUT"),
])
def test_what_an_answer_must_not_reach_for_is_named(source, says):
    assert says in out_of_bounds(source)


@pytest.mark.parametrize("source", [
    "def f():\n    checks = 1\n    return checks",
    "def f(checks):\n    return checks + 1",
    "f = lambda checks: checks",
    "f = [checks for checks in range(3)]",
    "checks = 0\n\ndef f():\n    return checks",
    "for checks in range(3):\n    print(checks)",
    "def checks(x):\n    return x",
    "def f(x):\n    return x.checks",
    "class F:\n    def __init__(self):\n        self.checks = 0",
    "f = {'checks': 1}['checks']",
    "f(checks=1)",
    "f = 'course_lib.checks'  # from course_lib import checks",
    "def f():\n    '''import course_lib.checks; get_ipython()'''",
    "# checks, course_lib, get_ipython() and NBVAL_SKIP",
    "# skip this",
    "f = 1  # NBVAL_SKIP",
    "# NBVAL_SKIP this cell",
    "NBVAL_SKIP = 1",
    "# nbval_skip",
    "import course_lib",
    "import course_library, pytester, nbvalue, ipythonic",
    "from mycourse.course_lib import checks as mine",
    "import numpy as np\nimport torch",
    "f = 7 % 3\ng = f != 2\nh = '%d' % f",
    "from IPython.display import clear_output",
    "%time f()",
    "!ls",
    "f?",
    "def f():\n    get_ipython = 1\n    return get_ipython",
    "def f(:",
    "f = (",
    "\0",
    "f = '\ud800'",
    "-" * 90_000 + "1",
    "",
    "é = 1",
    "def f(x):\r\n    return x\r\n",
], ids=lambda source: repr(source[:40]))
def test_what_only_looks_like_it_is_let_through(source):
    assert out_of_bounds(source) is None


PIECES = [
    "%", "!", "?", "=", "\n", "\\\n", "    ", "'", '"""', "(", "]", "checks", ".", "import ", "course_lib", "# NBVAL_SKIP",
    "x", ";", "\0", "\ud800", "\ufeff", "\r", "def f():", "return ",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:`make_tokens_by_line`:UserWarning")  # IPython wonders at some ends of lines
@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_any_text_has_bounds_an_exam_a_framework_and_a_digest(source):
    assert out_of_bounds(source) is None or out_of_bounds(source).startswith("the answer ")
    assert HUBER.cells(source, 0)[1] == source
    assert HUBER.framework(source) in (None, "torch", "keras")
    assert len(HUBER.digest(source, Rules())) == 24


# --- digests ------------------------------------------------------------------------------------------------------------------------------

ANSWER = "def huber_loss(errors, delta=1.0):\n    return np.abs(errors)\n"


def digest(task=HUBER, source=ANSWER, rules=None, **changes):
    return dataclasses.replace(task, **changes).digest(source, rules or Rules())


def test_a_digest_is_the_same_each_time():
    assert digest() == digest()
    assert len(digest()) == 24


def test_a_digest_is_the_same_in_another_process():
    code = "from tests.grading.test_tasks import digest; print(digest())"
    environment = {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    told = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT, env=environment, timeout=120)
    assert told.strip() == digest()


def test_a_digest_changes_with_each_thing_that_a_result_depends_on(monkeypatch):
    asked = HUBER.asked
    variations = [
        digest(),
        digest(source=ANSWER.replace("np.abs", "np.sign")),
        digest(source=ANSWER + "\n# a comment"),
        digest(rules=Rules(seed=1)),
        digest(rules=Rules(time_limit=61.0)),
        digest(rules=Rules(memory_limit=4097)),
        digest(name="another_name"),
        digest(hidden=HUBER.hidden + "\n# mended"),
        digest(asked=dataclasses.replace(asked, exercise="03.2")),
        digest(asked=dataclasses.replace(asked, framework="torch")),
        digest(asked=dataclasses.replace(asked, part="mend")),
        digest(before=(*HUBER.before, "np = None")),
        digest(library=frozenset({"course_lib.atari"})),
    ]
    monkeypatch.setattr(tasks_module, "sources", lambda: "another check")
    variations.append(digest())
    assert len(set(variations)) == len(variations)


def test_a_digest_changes_with_the_public_checks_and_with_the_grader(monkeypatch, tmp_path):
    for folder in ("checks", "grading", "figures"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "huber.py").write_text("a = 1\n")
    monkeypatch.setattr(tasks_module, "COURSE_LIB", tmp_path)
    found = []
    for path in (None, "checks/huber.py", "grading/huber.py", "checks/new.py", "figures/huber.py"):
        if path:
            (tmp_path / path).write_text(f"b = 2  # {path}\n")
        found.append(tasks_module.sources.__wrapped__())
    assert len(set(found[:4])) == 4
    assert found[4] == found[3]


def test_a_digest_changes_with_nothing_else():
    elsewhere = dataclasses.replace(HUBER.asked, line=999, file="lessons/renamed.py", tags=("nbval-ignore-output",), points=5)
    same = [
        digest(),
        digest(points=99),
        digest(asked=elsewhere),
        digest(before=(*HUBER.before, "unused = 1\nprint(unused)")),
        digest(before=("first = 'hello'", *HUBER.before)),
        digest(before=tuple(f"# a note\n{cell}\n" for cell in HUBER.before)),
        digest(rules=Rules(0, 60.0, 4096)),
        digest(library=frozenset(sorted(HUBER.library, reverse=True))),
    ]
    assert set(same) == {digest()}


def test_no_two_tasks_share_a_digest():
    for source in ("", ANSWER):
        assert len({task.digest(source, Rules()) for task in TASKS.values()}) == len(TASKS)


def test_the_library_that_an_exercise_is_allowed_is_what_its_solution_imports():
    assert PROOF.library == {"course_lib.figures.breakout", "course_lib.figures.breakout.find_paddle"}
    assert [task.asked.label for task in TASKS.values() if task.library] == ["10.5 (proof)"]
