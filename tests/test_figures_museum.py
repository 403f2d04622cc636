"""Lesson 10: the drawings are labelled and legible, the lesson's exhibits are those that the checks judge, and no answer breaks a check."""

import inspect
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.checks import museum as checks
from course_lib.checks.base import CHECKS, verdict
from course_lib.figures import museum
from course_lib.grading.legible import too_small

OBSERVATION = np.random.default_rng(0).integers(0, 256, (84, 84, 4), np.uint8)
STAIRS = np.repeat([1.0, 2.0, 3.0, 4.0], 25)

DRAWINGS = {
    "pair": lambda: museum.draw_pair(OBSERVATION, OBSERVATION),
    "settled": lambda: museum.draw_settled(np.array([1.0, 2.0, 4.0]), np.full(3, 2.0)),
    "corridor": lambda: museum.draw_corridor(np.zeros(12), 0.9 ** np.arange(11, -1, -1)),
    "lit": lambda: museum.draw_lit(np.array([[10, 5, 0], [10, 26, 1]]), (10, 20)),
    "pulls": lambda: museum.draw_pulls({"one": np.ones(5), "other": np.arange(5.0)}, masked=(1, 3)),
    "targets": lambda: museum.draw_targets({"moving": np.linspace(1, 6, 100), "standing": STAIRS}, every=25),
}
TABLES = {
    "plan": museum.draw_plan,
    "verdicts": lambda: museum.draw_verdicts(["condemned"] * 8 + ["acquitted"], ["acquitted"] * 9),
}


pytestmark = pytest.mark.usefixtures("no_windows")


@pytest.mark.parametrize("draw", (DRAWINGS | TABLES).values(), ids=DRAWINGS | TABLES)
def test_a_drawing_is_legible(draw):
    draw()
    plt.gcf().canvas.draw()
    assert too_small(plt.gcf()) == ""


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_names_its_axes(draw):
    draw()
    assert all(ax.get_xlabel() for ax in plt.gcf().axes) and plt.gcf().axes[0].get_ylabel()


def test_a_wrong_verdict_is_grey():
    TABLES["verdicts"]()
    stamps = [text for text in plt.gca().texts if text.get_text() in ("condemned", "acquitted")]
    grey = [text for text in stamps if text.get_color() == museum.ink("grey")]
    assert len(stamps) == 18 and [text.get_text() for text in grey] == ["acquitted"]


MUSEUM = {key: check for key, check in CHECKS.items() if key[0].startswith("10.")}


def test_nine_rooms_have_a_proof_and_a_mend_each():
    assert list(MUSEUM) == [(f"10.{room}", part) for room in range(1, len(museum.ROOMS) + 1) for part in ("proof", "mend")]


@pytest.mark.parametrize("room", range(1, 10))
def test_a_mend_is_acquitted_by_its_rooms_proof(room):
    proof, mend = (MUSEUM[f"10.{room}", part].make_reference() for part in ("proof", "mend"))
    assert proof(mend({0: 0.0, 1: 0.0, 2: 41.0, 3: -80.0}, [0.0, 0.0, 41.0, -80.0].__getitem__) if room == 5 else mend) is None


class Odd:
    def __init__(self, *args):
        pass

    def __call__(self, *args):
        return None

    def add(self, *args):
        pass

    def transition(self, t):
        return None, [None]


def changes_what_it_is_given(*args):
    for value in args:
        if isinstance(value, np.ndarray):
            value[...] = 0
    return args[0]


def raises(*args):
    raise RuntimeError


ODD = {
    "a number": 5,
    "a text": "answer",
    "a list": [None],
    "nothing": lambda *args: None,
    "a list of nothing": lambda *args: [None, None],
    "a text back": lambda *args: "nan",
    "a dictionary": lambda *args: {"right": None, "left": [1]},
    "objects": lambda *args: np.array([None, "x"], object),
    "no entries": lambda *args: np.zeros(0),
    "nan": lambda *args: np.full((2, 3), np.nan),
    "a class": Odd,
    "an object": Odd(),
    "no arguments": lambda: 1,
    "in place": changes_what_it_is_given,
    "an error without a text": raises,
}


@pytest.mark.parametrize("check", MUSEUM.values(), ids=lambda check: check.label)
@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_odd_answer_fails_with_one_line(check, answer):
    status, line = verdict(check, answer)
    assert status == "failed" and "\n" not in line and "0x" not in line and len(line) < 600, line


def test_a_proof_may_call_the_suspect_as_it_likes():
    def with_names(suspect):
        assert suspect(values=np.array([[1.0], [2.0]]), returns=np.array([1.0, 2.0])) == 0

    def changes_its_input_afterwards(suspect):
        losses, mask = np.array([[1.0], [2.0]]), np.array([1.0, 0.0])
        before = suspect(losses, mask)
        losses[1] = 500
        assert suspect(losses, mask) == before

    assert verdict(MUSEUM["10.1", "proof"], with_names)[0] == "passed"
    assert verdict(MUSEUM["10.6", "proof"], changes_its_input_afterwards)[0] == "passed"


def test_right_answers_in_other_styles_pass():
    def whole_numbers(suspect):  # torch has no Huber loss of integers, and says NotImplementedError
        losses = suspect(np.array([[1, 3]]), 2)
        assert np.shape(losses) == (1, 2) and np.allclose(losses, [[0.5, 4.0]])

    class OneArray(checks.FrameMemoryRight):
        def transition(self, t):
            return np.stack(super().transition(t))

    assert verdict(MUSEUM["10.9", "proof"], whole_numbers)[0] == "passed"
    assert verdict(MUSEUM["10.4", "mend"], OneArray)[0] == "passed"


def test_a_trial_is_silent_about_division_by_zero(recwarn):
    verdict(MUSEUM["10.6", "proof"], lambda suspect: suspect(np.ones((3, 1)), np.zeros(3)))
    assert not recwarn.list


def test_counting_bytes_ends_with_an_error_too():
    with pytest.raises(TypeError):
        checks.bytes_held(lambda: None, 3)
    assert not checks.tracemalloc.is_tracing()


def test_suspects_read_as_sentences():
    groups = [value for _, value in inspect.getmembers(checks) if isinstance(value, tuple) and isinstance(value[0], checks.Suspect)]
    assert len(groups) == 9
    for suspects in groups:
        assert suspects[0].guilty and sum(suspect.guilty for suspect in suspects) >= 2
        assert sum(not suspect.guilty for suspect in suspects) >= 2


def test_each_proof_condemns_the_lessons_own_exhibit():
    import keras
    import torch

    from course_lib.grading.lessons import read_lesson

    room = {"np": np, "torch": torch, "F": torch.nn.functional, "keras": keras}
    (path,) = (Path(__file__).parents[1] / "lessons").glob("10_*.py")
    for cell in read_lesson(path).cells:
        if cell.kind == "code" and cell.source.startswith(("def exhibit_", "class Exhibit", "exhibit_")):
            exec(cell.source, room)
    names = "value_loss", "returns", "restart", "ExhibitMemory", "table", "masked_mean", "head_losses", "targets", "torch"
    for number, name in enumerate(names, start=1):
        with pytest.raises(AssertionError):
            MUSEUM[f"10.{number}", "proof"].make_reference()(room.get(f"exhibit_{name}") or room[name])
    with pytest.raises(AssertionError):
        MUSEUM["10.9", "proof"].make_reference()(room["exhibit_keras"])
