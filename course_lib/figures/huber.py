"""Lesson 03's drawings: fits with a wild target, losses and their gradients, walks towards a target, real TD errors."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.figures import PALETTE, ink

COLOURS = {"squared": PALETTE["orange"], "absolute": PALETTE["green"], "Huber": PALETTE["blue"], "wild": PALETTE["red"]}
"""One colour for each loss through the lesson, and one for wild targets."""
MARKERS = {"squared": "s", "absolute": "^", "Huber": "o"}
LABELS = {"squared": "squared error", "absolute": "absolute error", "Huber": "Huber loss"}

Lines = Mapping[str, tuple[np.ndarray, str]]  # label -> ((intercept, slope), colour)


def slider(draw: Callable[[Figure, float], None], values: Sequence[float], start: float, label: str, size: tuple[float, float]) -> None:
    """A slider over pictures that are drawn beforehand: moving it calls no pyplot. size: inches."""
    pictures = {}
    for value in values:
        figure, buffer = Figure(figsize=size, dpi=96), io.BytesIO()
        draw(figure, value)
        figure.savefig(buffer, format="png")
        pictures[value] = buffer.getvalue()
    picture = widgets.Image(value=pictures[start], width=round(96 * size[0]))
    handle = widgets.SelectionSlider(options=values, value=start, description=label, layout=widgets.Layout(width="480px", max_width="100%"))
    handle.observe(lambda change: setattr(picture, "value", pictures[change["new"]]), names="value")
    box = widgets.VBox([handle, picture])
    still = f"(A slider: {label}, {values[0]:g} to {values[-1]:g}. The picture below shows three of its places; run the cell to move it.)"
    display(box._repr_mimebundle_() | {"text/plain": still}, raw=True)


def readable(colour: str) -> str:
    """The colour in which words stand for a line of that colour."""
    return next((ink(name) for name, value in PALETTE.items() if value == colour), colour)


def spread(heights: Sequence[float], gap: float) -> np.ndarray:
    """Heights moved apart, in order, until neighbours are `gap` apart: where the labels of close curves go."""
    order = np.argsort(heights)
    placed = np.array(heights, float)
    for below, above in zip(order, order[1:]):
        placed[above] = max(placed[above], placed[below] + gap)
    return placed


def draw_fit(ax: Axes, x: np.ndarray, targets: np.ndarray, lines: Lines | None = None, wild: int | None = None, top: float = 22.0) -> None:
    """Targets over x, lines with their names at the right end, the wild target in red (as an arrow where it lies above `top`)."""
    calm = np.arange(len(x)) != wild
    ax.plot(x[calm], targets[calm], "o", color=PALETTE["black"], markersize=5)
    ax.set(xlim=(-0.03, 1.03), ylim=(-2 if top > 5 else 0, top))
    ax.set(xlabel="ball's distance from the wall (0: wall, 1: paddle)", ylabel="reward still to come")
    lines = lines or {}
    ends = [weights.sum() for weights, _ in lines.values()]  # heights at x = 1
    for (label, (weights, colour)), end, height in zip(lines.items(), ends, spread(ends, top / 15), strict=True):
        ax.plot([0, 1], [weights[0], end], color=colour, linewidth=2.2)
        ax.text(1.02, height, label, color=readable(colour), va="center")
    if wild is not None and targets[wild] <= top:
        ax.plot(x[wild], targets[wild], "o", color=COLOURS["wild"], markersize=8)
    elif wild is not None:
        arrow = dict(arrowstyle="->", color=COLOURS["wild"], linewidth=2)
        ax.annotate("", (x[wild], top), (x[wild], 0.85 * top), arrowprops=arrow)
        text = f"the wild target, {targets[wild]:g}, lies up there "
        ax.text(x[wild], 0.93 * top, text, color=COLOURS["wild"], ha="right", va="center")


def show_fit(x: np.ndarray, targets: np.ndarray, lines: Lines | None = None, wild: int | None = None, top: float = 22.0) -> None:
    _, ax = plt.subplots(figsize=(7.6, 3.6))
    draw_fit(ax, x, targets, lines, wild, top)
    plt.show()


def show_wild_target(fit_line: Callable, x: np.ndarray, targets: np.ndarray, wild: int, values: Sequence[float]) -> None:
    """A slider that lifts one target; the still picture shows the first, middle and last value.

    fit_line(x, targets) -> float [2], (intercept, slope).
    """

    def draw(ax: Axes, value: float) -> None:
        lifted = targets.copy()
        lifted[wild] = value
        weights = fit_line(x, lifted)
        draw_fit(ax, x, lifted, {"": (weights, COLOURS["squared"])}, wild)
        ax.set_title(f"target {value:g}: slope {weights[1]:+.1f}")

    def draw_one(figure: Figure, value: float) -> None:
        draw(figure.subplots(), value)

    slider(draw_one, values, values[-1], "wild target", (7.6, 3.6))
    _, axes = plt.subplots(1, 3, figsize=(10.5, 3.2), sharey=True)
    for ax, value in zip(axes, (values[0], values[len(values) // 2], values[-1]), strict=True):
        draw(ax, value)
        ax.set(xlabel="distance from the wall", ylabel="reward still to come" if ax is axes[0] else "")
    plt.show()


def show_walks(walks: Mapping[str, np.ndarray], target: float) -> None:
    """Predictions step by step, one line for each loss ("squared", "absolute", "Huber"); a second panel looks at the end."""
    _, (ax, close) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(3, 2))
    for name, path in walks.items():
        for axes in (ax, close):
            axes.plot(path, marker=MARKERS[name], color=COLOURS[name], markersize=5, linewidth=1.6, label=LABELS[name])
    steps = len(path) - 1
    for axes in (ax, close):
        axes.axhline(target, color=PALETTE["grey"], linewidth=1, linestyle="--", zorder=0)
        axes.set(xlabel="step", ylabel="prediction")
    ax.text(0, target, "target", color=PALETTE["black"], va="bottom")
    ax.legend(loc="lower right", frameon=False)
    close.set(xlim=(steps - 8.5, steps + 0.5), ylim=(target - 0.5, target + 0.5), title="the last steps, magnified")
    plt.show()


def draw_losses(axes: Sequence[Axes], curves: Mapping[str, tuple[np.ndarray, np.ndarray, str]], errors: np.ndarray) -> None:
    """Left the losses, right their slopes, over the error: label -> (loss, slope, colour)."""
    for ax, which, name, limits in zip(axes, (0, 1), ("loss", "gradient (slope of the loss)"), ((-0.2, 8.2), (-4.4, 4.4)), strict=True):
        ends = [curve[which][-1] for curve in curves.values()]
        for (label, curve), height in zip(curves.items(), spread(ends, (limits[1] - limits[0]) / 15), strict=True):
            ax.plot(errors, curve[which], color=curve[2], linewidth=2)
            ax.text(4.1, height, label, color=readable(curve[2]), va="center")
        ax.axvline(0, color=PALETTE["grey"], linewidth=0.8, zorder=0)
        ax.axhline(0, color=PALETTE["grey"], linewidth=0.8, zorder=0)
        ax.set(xlim=(-4, 4), ylim=limits, xlabel="error = target - prediction", ylabel=name)


def show_losses(loss: Callable, gradient: Callable, deltas: Sequence[float]) -> None:
    """A slider for delta beside the squared error; the still picture shows the first delta, 1 and the last."""
    errors = np.linspace(-4, 4, 401)
    squared = (0.5 * errors**2, errors, COLOURS["squared"])

    def draw(figure: Figure, delta: float) -> None:
        axes = figure.subplots(1, 2)
        draw_losses(axes, {"squared": squared, "Huber": (loss(errors, delta), gradient(errors, delta), COLOURS["Huber"])}, errors)
        for ax in axes:
            ax.axvspan(-delta, delta, color=PALETTE["sky"], alpha=0.15, linewidth=0, zorder=0)
        axes[0].set_title(f"parabola up to {delta:g}, line beyond")
        axes[1].set_title(f"never beyond ±{delta:g}")

    slider(draw, deltas, 1.0, "delta", (10, 3.8))
    _, axes = plt.subplots(1, 2, figsize=(10, 3.8))
    shades = zip((deltas[0], 1.0, deltas[-1]), (PALETTE["green"], PALETTE["blue"], PALETTE["black"]), strict=True)
    curves = {f"delta {delta:g}": (loss(errors, delta), gradient(errors, delta), shade) for delta, shade in shades}
    draw_losses(axes, {"squared": squared} | curves, errors)
    plt.show()


def show_td_errors(errors: np.ndarray, lost: np.ndarray) -> None:
    """Histogram of TD errors [N] with a logarithmic count, those of lost balls (bool [N]) hatched; beside it what those beyond 1 weigh."""
    _, (ax, bars) = plt.subplots(1, 2, figsize=(10.5, 3.8), width_ratios=(3, 2))
    reach = np.ceil(2 * max(1.5, np.abs(errors).max())) / 2
    bins = np.arange(-reach, reach + 0.05, 0.1)
    ax.hist(errors, bins, color=PALETTE["black"], alpha=0.75, log=True, label="all steps")
    ax.hist(errors[lost], bins, color=COLOURS["wild"], edgecolor="white", linewidth=0, hatch="////", log=True, label="a ball was lost")
    for side in (-1, 1):
        ax.axvspan(side, side * reach, color=COLOURS["wild"], alpha=0.08, linewidth=0, zorder=0)
    ax.set(xlim=(-reach, reach), ylim=(0.7, None), xlabel="TD error = target - prediction", ylabel="steps (logarithmic)")
    ax.legend(loc="upper left", frameon=False)

    size = np.abs(errors)
    shares = {
        "of the steps": (np.ones_like(size), PALETTE["black"]),
        "of all pull under the\nsquared error": (size, COLOURS["squared"]),
        "of all pull under the\nHuber loss": (np.minimum(size, 1.0), COLOURS["Huber"]),
    }
    for row, (weight, colour) in enumerate(shares.values()):
        percent = 100 * weight[size > 1].sum() / weight.sum()
        bars.barh(row, percent, color=colour)
        bars.text(percent, row, f" {percent:.1f} %", va="center", color=readable(colour))
    bars.set_yticks(range(len(shares)), shares)
    bars.invert_yaxis()
    bars.margins(x=0.3)
    bars.set(xlabel="share in %", title="the errors beyond 1 make up ...")
    plt.show()
