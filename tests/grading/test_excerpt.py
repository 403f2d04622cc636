"""What a lesson gives an answer. The promise: an answer that runs after its excerpt does what it does after the whole lesson."""

import ast
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.excerpt import BROKEN, as_python, excerpt, names, parse, statements
from course_lib.grading.lessons import read_lesson

LESSONS = [read_lesson(path) for path in find_lessons(None, ROOT)]
ANSWERS = [(lesson, position) for lesson in LESSONS for position, cell in enumerate(lesson.cells) if cell.role == "answer"]


def run(*sources):
    """What f() returns after these cells."""
    namespace = {"__name__": "__main__"}
    for source in sources:
        exec(compile(as_python(source), "<cell>", "exec"), namespace)
    return namespace["f"]()


# --- names --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "used", "defined"), [
    ("x = y", "y", "x"),
    ("x, (y, *z) = w", "w", "x y z"),
    ("x: Kind = y", "Kind y", "x"),
    ("x = y = z", "z", "x y"),
    ("x[0] = y", "x y", ""),
    ("x.part = y", "x y", ""),
    ("(x := y)", "y", "x"),
    ("import os.path, numpy as np", "", "os np"),
    ("from math import sin, cos as cosine", "", "sin cosine"),
    ("for i in row:\n    last = i", "i row", "i last"),
    ("with opened as file:\n    import json", "opened", "file json"),
    ("try:\n    import torch\nexcept ImportError:\n    torch = None", "ImportError", "torch"),
    ("if FRAMEWORK == 'torch':\n    import torch\nelse:\n    import keras", "FRAMEWORK", "torch keras"),
    ("match size:\n    case [h, *rest]:\n        pass\n    case Size(n) as square:\n        pass", "size Size", "h rest n square"),
])
def test_a_statement_uses_and_defines_names(source, used, defined):
    assert names(source) == (set(used.split()), set(defined.split()))


@pytest.mark.parametrize(("source", "used"), [
    ("f = [i + j for i in rows for j in columns if i > least]", "rows columns least"),
    ("f = {key: value for key, value in pairs}", "pairs"),
    ("f = lambda a, b=start: a + b + c", "start c"),
    ("@decorator(setting)\ndef f(a=start, *, b=stop) -> Kind:\n    return a + b", "decorator setting start stop Kind"),
    ("class F(Base, metaclass=Meta):\n    size = width\n\n    def area(self):\n        return size * self.height", "Base Meta width size"),
    ("def f(x):\n    def inner():\n        return x + far\n    return inner", "far"),
    ("def f():\n    n = 0\n\n    def inner():\n        nonlocal n\n        n += 1\n    return inner", ""),
    ("async def f():\n    async with door as d:\n        return await d", "door"),
    ("f = f'{value!r:{width}}'", "value width"),
    ("def f(x):\n    import json\n    return json.dumps(x)", ""),
    ("def f(x):\n    x: Kind = 1\n    return x", ""),
])
def test_names_are_found_in_every_corner_and_local_ones_are_not_asked_for(source, used):
    assert names(source)[0] - {"Kind"} == set(used.split()) - {"Kind"}  # annotations are evaluated or not, as Python's version has it
    assert len(names(source)[1]) == 1


@pytest.mark.parametrize("source", ["from __future__ import annotations\n\ndef f(x: Nowhere) -> Never:\n    return x"])
def test_annotations_that_are_never_evaluated_need_no_name(source):
    assert excerpt([], source).unbound == set()


@pytest.mark.parametrize("source", ["%timeit f()", "!ls", "f?", "files = !ls", "%%bash\nls"])
def test_the_language_of_ipython_is_read_as_python(source):
    assert "get_ipython" in names(as_python(source))[0]


# --- the promise --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lesson", "answer"), [
    ("import math", "def f():\n    return math.floor(2.5)"),
    ("from math import floor, ceil", "def f():\n    return ceil(2.5)"),
    ("import os\nimport os.path", "def f():\n    return os.path.join('a', 'b')"),
    ("import os.path\nimport os", "def f():\n    return os.path.join('a', 'b')"),
    ("a = 1\nb = a + 1\nc = b + 1", "def f():\n    return c"),
    ("x = 1\nx = x + 1\nx += 5", "def f():\n    return x"),
    ("x = 1\ndel x\nx = 2", "def f():\n    return x"),
    ("a, b = 1, 2\na, b = b, a", "def f():\n    return a"),
    ("for i in range(3):\n    last = i", "def f():\n    return last, i"),
    ("import contextlib\nwith contextlib.nullcontext(5) as n:\n    import math", "def f():\n    return math.sqrt(n)"),
    ("try:\n    import nowhere\nexcept ImportError:\n    nowhere = None", "def f():\n    return nowhere"),
    ("NAME = 'torch'\nif NAME == 'torch':\n    import math as m\nelse:\n    import nowhere as m", "def f():\n    return m.pi"),
    ("def helper(x):\n    return x + N\n\nN = 4", "def f():\n    return helper(1)"),
    ("def helper(x):\n    return 1", "def helper(x):\n    return 2\n\ndef f():\n    return helper(0)"),
    ("def use():\n    return helper()\n\ndef helper():\n    return 1", "def helper():\n    return 2\n\ndef f():\n    return use()"),
    ("(y := 4)", "def f():\n    return y"),
    ("def decorate(g):\n    return lambda: g() + 1", "@decorate\ndef f():\n    return 1"),
    ("START = 3", "def f(a=START):\n    return a"),
    ("class Base:\n    size = 2", "class Mine(Base):\n    pass\n\ndef f():\n    return Mine.size"),
    ("rows = [1, 2]\nscale = 3", "def f():\n    return [scale * row for row in rows]"),
    ("n = 5", "def f():\n    def inner():\n        return n\n    return inner()"),
    ("def step(x):\n    return x", "inner = step\n\ndef step(x):\n    return inner(x) + 1\n\ndef f():\n    return step(1)"),
    ("total = 1", "total += 1\n\ndef f():\n    return total"),
    ("count = 1", "def f():\n    global count\n    count += 1\n    return globals()['count']"),
    ("size = 84", "class Screen:\n    size = size\n\ndef f():\n    return Screen.size"),
    ("rates = [(rate := n) for n in range(3)]", "def f():\n    return rate"),
    ("x = 1\r\ny = x\r\n", "def f():\r\n    return y\r\n"),
], ids=lambda source: source.splitlines()[0])
def test_an_answer_does_the_same_after_its_excerpt(lesson, answer):
    assert run(excerpt([lesson], answer).source, answer) == run(lesson, answer)


VARIABLES = "abcd"
letter = st.sampled_from(VARIABLES)
statement = st.one_of(
    st.builds("{} = {} + {}".format, letter, letter, letter),
    st.builds("{} += {}".format, letter, letter),
    st.builds("{}, {} = {}, {}".format, letter, letter, letter, letter),
    st.builds("{} = [{} + i for i in range(3)][-1]".format, letter, letter),
    st.builds("if {} > {}:\n    {} = {}".format, letter, letter, letter, letter),
    st.builds("for {} in range(3):\n    {} = {} - 1".format, letter, letter, letter),
    st.builds("({} := {} * 2)".format, letter, letter),
    st.builds("{} = (lambda {}, x={}: x - {})(1)".format, letter, letter, letter, letter),
    st.builds("try:\n    {} = {} // {}\nexcept ZeroDivisionError:\n    {} = 0".format, letter, letter, letter, letter),
    st.builds("def f():\n    return {}\n{} = f()".format, letter, letter),
    st.builds("del {0}; {0} = {1}".format, letter, st.integers(0, 9)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(statement, max_size=12), st.sets(letter, min_size=1))
def test_any_answer_does_the_same_after_its_excerpt(lines, wanted):
    lesson = ["a, b, c, d = 1, 2, 3, 4", *lines]
    answer = f"def f():\n    return {', '.join(sorted(wanted))}"
    given_to_it = excerpt(lesson, answer)
    assert run(given_to_it.source, answer) == run(*lesson, answer)
    assert given_to_it.unbound == set()


# --- what is chosen, and what is not ------------------------------------------------------------------------------------------------------


def test_statements_come_in_the_order_of_the_lesson():
    cells = ["import math\na = 1", "b = a", "unused = 3", "a = a + b\n"]
    assert excerpt(cells, "def f():\n    return a, math.pi").source == "import math\na = 1\nb = a\na = a + b"


def test_what_an_answer_does_not_need_is_left_out():
    cells = ["import time\nimport math, json\ntime.sleep(1000)", "def slow():\n    return time.sleep(1000)", "result = slow()"]
    assert excerpt(cells, "def f():\n    return json.dumps(1)").source == "import json"


def test_an_answer_that_needs_nothing_is_given_nothing():
    assert excerpt(["a = 1"], "def f(a):\n    return a + len([b for b in range(3)])").source == ""
    assert excerpt(["a = 1"], "").source == excerpt([], "f = 1").source == ""


def test_the_lessons_calls_for_show_are_left_out():
    assert excerpt(["a = 1\nprint(a)\n%matplotlib inline\na", "!ls"], "f = a").source == "a = 1"


def test_an_answer_that_defines_several_names_needs_none_of_them():
    answer = "LIMIT = 3\n\ndef helper(x):\n    return x\n\ndef f(x):\n    return helper(x) + LIMIT"
    assert excerpt(["def helper(x):\n    return 0"], answer).unbound == set()


def test_names_that_nothing_defines_are_told():
    given_to_it = excerpt(["a = b"], "def f():\n    return a, c, print, __name__, display")
    assert given_to_it.unbound == {"b", "c"}


def test_a_name_of_an_answers_star_import_is_not_told_to_be_missing():
    assert excerpt([], "from math import *\n\ndef f():\n    return sqrt(2)").unbound == set()


def test_modules_are_named_in_full():
    cells = ["import numpy as np\nfrom course_lib import atari, replay\nimport os.path\nif True:\n    import json"]
    modules = excerpt(cells, "f = np, atari, os, json").modules
    assert modules == {"numpy", "course_lib", "course_lib.atari", "os.path", "json"}


def test_a_library_that_an_exercise_is_not_allowed_is_left_out_and_only_that():
    cells = ["import course_lib\nfrom course_lib import atari, losses, quiet", "with course_lib.quiet():\n    import math"]
    given_to_it = excerpt(cells, "f = atari, losses, math", frozenset({"course_lib.atari"}))
    assert given_to_it.source == "import course_lib\nfrom course_lib import atari\nwith course_lib.quiet():\n    import math"
    assert given_to_it.unbound == {"losses"}


def test_a_name_bound_in_two_ways_keeps_the_one_that_is_allowed():
    cells = ["from math import sqrt as root", "from course_lib.losses import huber_loss as root"]
    assert excerpt(cells, "f = root", frozenset()).source == "from math import sqrt as root"


def test_an_import_inside_a_function_counts_as_an_import():
    cells = ["def reference(x):\n    from course_lib import losses\n    return losses.huber_loss(x)"]
    assert excerpt(cells, "f = reference", frozenset()).unbound == {"reference"}


def test_an_excerpt_of_an_excerpt_is_itself():
    cells = ["import math\na = 1", "b = a; c = b", "def g():\n    return c + math.pi", "d = g()"]
    first = excerpt(cells, "f = d").source
    assert excerpt([first], "f = d").source == first


# --- answers that are no Python -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [
    "def f(:", "  x = 1\n y = 2", "return 1 +", "f = 'x", "f = (", "f = \0", "print 'x'", "x = 1 = 2", "nonlocal x",
])  # fmt: skip
def test_an_answer_that_is_no_python_raises_what_reading_may_raise(answer):
    with pytest.raises(BROKEN):
        excerpt(["x = 1"], answer)


def raises_at_most_what_reading_may_raise(source):
    try:
        names(as_python(source))
    except BROKEN:
        pass


STRANGE = pytest.mark.filterwarnings("ignore:`make_tokens_by_line`:UserWarning")  # IPython wonders at some ends of lines


@STRANGE
@pytest.mark.parametrize("source", [
    '=%"""',
    "x = !'''",
    "%time\n" * 501,
    "-" * 90_000 + "1",
    "(" * 90_000,
    "f(" * 20_000 + ")" * 20_000,
    "x" + ".a" * 40_000,
    "lambda:" * 12_000 + "1",
    "x = '\ud800'",
    "\ufeff",
    "\x0c",
    "\\\n" * 40_000,
    "9" * 90_000,
], ids=lambda source: repr(source[:8]))
def test_no_source_however_strange_raises_anything_else(source):
    raises_at_most_what_reading_may_raise(source)


def test_hundreds_of_magic_lines_are_read_or_refused_at_once():
    started = time.monotonic()
    raises_at_most_what_reading_may_raise("%time f()\n" * 350)
    assert time.monotonic() - started < 2.0


PIECES = [
    "%", "!", "?", "=", "\n", "\\\n", "    ", "'", '"""', "(", "]", "{", "x", "f'", "#", ";", ",", "\0", "\ud800", "\ufeff", "\r",
    "def f():", "return", "1e",
]  # fmt: skip


@STRANGE
@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_any_text_raises_at_most_what_reading_may_raise(source):
    raises_at_most_what_reading_may_raise(source)


# --- the course's own lessons -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lesson", "position"), ANSWERS, ids=[lesson.cells[position].label for lesson, position in ANSWERS])
def test_every_solution_of_every_lesson_is_given_all_that_it_uses(lesson, position):
    asked = lesson.cells[position]
    before = [cell.solved for cell in lesson.cells[:position] if cell.kind == "code" and cell.role != "check"]
    given_to_it = excerpt(before, asked.solved)
    assert given_to_it.unbound == set()
    assert not names(given_to_it.source)[0] & {"checks", "get_ipython"}
    everything = [statement.source for cell in before for statement in statements(cell)]
    kept = iter(everything)
    assert all(any(one == ast.unparse(line) for one in kept) for line in ast.parse(given_to_it.source).body)  # in the same order


def test_sources_are_parsed_one_at_a_time(monkeypatch):
    """Two threads in the parser of an older Python 3.11 end in a SystemError, now and then."""
    inside, most, parser = [], [], ast.parse

    def slow(source):
        inside.append(source)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(source)
        return parser(source)

    monkeypatch.setattr(ast, "parse", slow)
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(parse, [f"x = {number}" for number in range(8)]))
    assert most == [1] * 8
    assert [tree.body[0].value.value for tree in trees] == list(range(8))
