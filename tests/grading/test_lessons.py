"""Reading a lesson: what its two notebooks show, and every mistake that its author can make."""

import pytest

from course_lib.errors import CourseError
from course_lib.grading.lessons import read_lesson

LESSON = """\
# %% [markdown]
# # A lesson

# %%
import numpy as np

# %% [markdown] exercise="03.1" points=2
# Twice, for 2 points. <summary>Hint 1</summary><summary>Hint 2</summary><summary>Hint 3</summary>

# %% exercise="03.1"
def twice(x):
    # SOLUTION BEGIN
    return 2 * x
    # SOLUTION END


# %% check="03.1"
twice = checks.huber.twice(twice)

# %% tags=["nbval-ignore-output"]
print(twice(2))
"""

BODY = LESSON[LESSON.index("def twice") : LESSON.index("\n\n\n# %% check")]
PAIR = LESSON[LESSON.index('# %% exercise="03.1"') : LESSON.index("# %% tags")]
TWINS = LESSON.replace(
    PAIR,
    PAIR.replace("twice", "twice_torch").replace('="03.1"', '="03.1" framework="torch"')
    + PAIR.replace("twice", "twice_keras").replace('="03.1"', '="03.1" framework="keras"'),
)

PARTS = TWINS.replace('framework="torch"', 'part="proof"').replace('framework="keras"', 'part="mend"')


@pytest.fixture
def read(tmp_path):
    def read(text, name="03_huber_loss.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_lesson(path)

    return read


def answer(read, name, body):
    """The solved and the unsolved source of an answer cell that defines `name`."""
    lesson = read(LESSON.replace(BODY, body.strip()).replace("twice = checks.huber.twice(twice)", f"{name} = checks.huber.{name}({name})"))
    cell = next(cell for cell in lesson.cells if cell.role == "answer")
    return cell.solved, cell.unsolved


def test_cells_keep_their_order_kind_and_marks(read):
    cells = read(LESSON).cells
    assert [(cell.kind, cell.role, cell.exercise) for cell in cells] == [
        ("markdown", None, None),
        ("code", None, None),
        ("markdown", "text", "03.1"),
        ("code", "answer", "03.1"),
        ("code", "check", "03.1"),
        ("code", None, None),
    ]
    assert cells[0].source == "# A lesson"
    assert cells[5].tags == ("nbval-ignore-output",)


def test_a_solution_becomes_not_implemented_at_its_indentation(read):
    cell = read(LESSON).cells[3]
    assert cell.solved == "def twice(x):\n    return 2 * x"
    assert cell.unsolved == "def twice(x):\n    raise NotImplementedError"


def test_a_value_has_a_stub_line(read):
    solved, unsolved = answer(read, "table", "# SOLUTION BEGIN\n# STUB table = None\ntable = {0: 1}\n# SOLUTION END")
    assert (solved, unsolved) == ("table = {0: 1}", "table = None")


def test_stub_lines_may_be_several_and_indented(read):
    body = """
def half(x):
    # SOLUTION BEGIN
    # STUB if x:
    # STUB     return None
    # STUB raise NotImplementedError
    return x / 2
    # SOLUTION END
"""
    assert answer(read, "half", body)[1] == "def half(x):\n    if x:\n        return None\n    raise NotImplementedError"


def test_a_class_may_have_a_block_in_each_method(read):
    body = """
class Counter:
    def __init__(self):
        # SOLUTION BEGIN
        self.count = 0
        # SOLUTION END

    def step(self):
        # SOLUTION BEGIN
        self.count += 1
        # SOLUTION END
"""
    solved, unsolved = answer(read, "Counter", body)
    assert "self.count" in solved and "SOLUTION" not in solved
    assert unsolved.count("        raise NotImplementedError") == 2 and "self.count" not in unsolved


def test_twins_share_a_text(read):
    roles = [(cell.role, cell.framework) for cell in read(TWINS).cells if cell.role]
    assert roles == [("text", None), ("answer", "torch"), ("check", "torch"), ("answer", "keras"), ("check", "keras")]


def test_parts_share_a_text_too_and_prose_may_stand_between(read):
    mend = '# %% exercise="03.1" part="mend"'
    cells = read(PARTS.replace(mend, f"# %% [markdown]\n# Now mend it.\n\n{mend}")).cells
    assert [(cell.role, cell.part, cell.framework) for cell in cells if cell.role] == [
        ("text", None, None),
        ("answer", "proof", None),
        ("check", "proof", None),
        ("answer", "mend", None),
        ("check", "mend", None),
    ]


SECOND_TEXT = '# # A lesson\n\n# %% [markdown] exercise="03.2" points=1\n# 1 point <summary>Hint<summary>Hint<summary>Hint'
MISTAKES = {
    "no end": ("    # SOLUTION END\n", "", 12, "has no `# SOLUTION END`"),
    "no begin": ("    # SOLUTION BEGIN\n", "", 13, "has no partner"),
    "nested": ("    return 2 * x\n", "    # SOLUTION BEGIN\n    return 2 * x\n", 13, "has no partner"),
    "a stub outside": ("def twice", "# STUB x\ndef twice", 11, "stands inside a solution block"),
    "no solution block": (BODY, "def twice(x):\n    return 2 * x", 10, "every answer cell has one"),
    "a block elsewhere": ("print(twice(2))", "# SOLUTION BEGIN\nprint(twice(2))\n# SOLUTION END", 20, "stand in answer cells"),
    "no check": ('# %% check="03.1"\ntwice = checks.huber.twice(twice)\n', "", 10, "needs its check in the next code cell"),
    "the check comes late": ('# %% check="03.1"', '# %%\nprint(1)\n\n# %% check="03.1"', 10, "needs its check in the next code cell"),
    "a check of another name": ("checks.huber.twice(twice)", "checks.huber.twice(thrice)", 17, "`twice = checks.<lesson>.<check>(twice)`"),
    "a check without its exercise": ('# %% tags=["nbval-ignore-output"]', '# %% check="03.2"', 20, "no exercise 03.2"),
    "a text without an answer": ("# # A lesson", SECOND_TEXT, 4, "has no answer cell"),
    "no text": ('# %% [markdown] exercise="03.1" points=2', "# %% [markdown]", 10, "has no text"),
    "no points": (" points=2", "", 7, "the text of an exercise says what it is worth"),
    "points on an answer": ('exercise="03.1"\ndef', 'exercise="03.1" points=2\ndef', 10, "no other cell does"),
    "half a point": ("points=2", "points=0.5", 7, "write a whole number from 1"),
    "other points than are told": ("points=2", "points=3", 7, "the same to learners"),
    "two hints": ("<summary>Hint 3</summary>", "", 7, "needs three hints"),
    "a duplicate id": ("# # A lesson", '# # A lesson\n\n# %% [markdown] exercise="03.1" points=2\n# again, 2 points', 4, "two cells of the kind `text`"),
    "another lesson's id": ('# %% exercise="03.1"', '# %% exercise="04.1"', 10, 'should be "03.k"'),
    "an unknown framework": ('# %% exercise="03.1"', '# %% exercise="03.1" framework="jax"', 10, 'write "torch" or "keras"'),
    "an unknown part": ('# %% exercise="03.1"', '# %% exercise="03.1" part="half"', 10, 'write "proof" or "mend"'),
    "a text with a part": ('exercise="03.1"', 'exercise="03.1" part="mend"', 7, "on an answer cell and its check"),
    "a framework and a part": ('# %% exercise="03.1"', '# %% exercise="03.1" framework="torch" part="mend"', 10, "not both"),
    "a twin alone": ('exercise="03.1"\ndef', 'exercise="03.1" framework="torch"\ndef', 10, "needs its check"),
    "an unknown option": ('# %% exercise="03.1"', '# %% excercise="03.1"', 10, "`excercise` is no option"),
    "an unknown tag": ("nbval-ignore-output", "nbval-skip", 20, "the tag `nbval-skip` means nothing"),
    "a long cell": ("print(twice(2))", "print(twice(2))\n" * 26, 20, "this cell has 26 lines"),
    "an import": ("    return 2 * x", "    import math\n    return 2 * x", 10, "imports nothing"),
    "two names": ("def twice", "factor = 2\n\ndef twice", 10, "defines one name"),
    "broken Python": ("def twice(x):", "def twice(x:", 10, "is no Python"),
    "a closing semicolon": ("print(twice(2))", "print(twice(2));", 20, "a closing semicolon hides nothing"),
    "text before the first cell": ("# %% [markdown]\n# # A lesson", "x = 1\n# %% [markdown]\n# # A lesson", 1, "begin the file with"),
}


@pytest.mark.parametrize(("old", "new", "line", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_its_line(read, old, new, line, says):
    assert old in LESSON
    with pytest.raises(CourseError) as error:
        read(LESSON.replace(old, new, 1))
    assert str(error.value).startswith(f"lessons/03_huber_loss.py:{line}: ")
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("lesson", "second", "says"),
    [(TWINS, 'framework="keras"', "needs a torch cell and a keras cell"), (PARTS, 'part="mend"', "needs a proof cell and a mend cell")],
)
def test_a_twin_needs_its_twin(read, lesson, second, says):
    alone = lesson[: lesson.index(f'# %% exercise="03.1" {second}')]
    with pytest.raises(CourseError, match=says):
        read(alone)


def test_a_stub_defines_the_name_of_its_solution(read):
    with pytest.raises(CourseError, match="the stub must define `table`"):
        answer(read, "table", "# SOLUTION BEGIN\n# STUB chart = None\ntable = {0: 1}\n# SOLUTION END")


def test_a_lesson_has_a_numbered_name(read):
    with pytest.raises(CourseError, match="call it NN_name.py"):
        read(LESSON, name="huber.py")
