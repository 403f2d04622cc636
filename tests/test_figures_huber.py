"""Lesson 03's drawings: labelled, legible, and a slider that shows another picture for every value."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.figures import huber, use_course_style
from course_lib.grading import legible

X = np.linspace(0, 1, 12)


def fit(x, targets):
    return np.polyfit(x, targets, 1)[::-1]


def loss(errors, delta):
    return np.where(np.abs(errors) <= delta, 0.5 * errors**2, delta * (np.abs(errors) - 0.5 * delta))


def clip(errors, delta):
    return np.clip(errors, -delta, delta)


TD_ERRORS = np.random.default_rng(0).normal(0, 0.7, 500).astype(np.float32)

DRAWINGS = {
    "fit": lambda: huber.show_fit(X, 2 - X, {"sound": (np.array([2.0, -1.0]), "black")}, top=3),
    "wild target above the picture": lambda: huber.show_fit(X, np.where(X > 0.95, 20, 2 - X), wild=11, top=3),
    "wild target": lambda: huber.show_wild_target(fit, X, 2 - X, wild=10, values=(1.0, 8.0, 20.0)),
    "walks": lambda: huber.show_walks({"squared": X, "absolute": X, "Huber": X}, target=1.0),
    "losses": lambda: huber.show_losses(loss, clip, deltas=(0.25, 1.0, 2.0)),
    "TD errors": lambda: huber.show_td_errors(TD_ERRORS, TD_ERRORS < -1),
    "TD errors, none beyond 1": lambda: huber.show_td_errors(TD_ERRORS / 100, TD_ERRORS < -1),
}


@pytest.fixture(autouse=True)
def notebook(monkeypatch):
    """What a notebook would show: the widgets of sliders. Figures stay open until the test ends."""
    shown, box = [], huber.widgets.VBox
    monkeypatch.setattr(huber.widgets, "VBox", lambda children: shown.append(children) or box(children))
    monkeypatch.setattr(huber, "display", lambda bundle, raw: None)
    monkeypatch.setattr(plt, "show", lambda: None)
    with plt.rc_context():
        use_course_style()
        yield shown
    plt.close("all")


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_labelled_and_legible(draw):
    draw()
    figure = plt.gcf()
    figure.canvas.draw()
    assert not legible.too_small(figure)
    assert all(ax.get_xlabel() for ax in figure.axes)
    assert figure.axes[0].get_ylabel()


def test_losses_are_told_apart_without_colours():
    assert len(set(huber.MARKERS.values())) == len(huber.MARKERS) == len(set(huber.LABELS.values()))
    huber.show_walks({"squared": X, "Huber": X}, target=1.0)
    lines = plt.gcf().axes[0].get_legend().get_lines()
    assert [line.get_marker() for line in lines] == ["s", "o"]
    huber.show_td_errors(TD_ERRORS, TD_ERRORS < -1)
    everything, lost = plt.gcf().axes[0].get_legend().get_patches()
    assert lost.get_hatch() and not everything.get_hatch()


@pytest.mark.parametrize("name", ["wild target", "losses"])
def test_moving_a_slider_changes_the_picture_and_draws_nothing(name, notebook, monkeypatch):
    DRAWINGS[name]()
    (handle, picture) = notebook[0]
    monkeypatch.setattr(huber.Figure, "savefig", None)
    pictures = []
    for value in handle.options:
        handle.value = value
        pictures.append(bytes(picture.value))
    assert len(set(pictures)) == len(handle.options) == 3
    assert all(image.startswith(b"\x89PNG") for image in pictures)


def test_labels_are_spread_apart_in_order():
    assert huber.spread([1.0, 0.9, 3.0, 1.05], 0.5).tolist() == [1.4, 0.9, 3.0, 1.9]
