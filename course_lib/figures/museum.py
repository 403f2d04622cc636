"""Lesson 10's drawings: the museum's plan, what each exhibit does, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_lib.figures import PALETTE, ink, show_frame

ROOMS = (
    ("everybody with everybody", "perfect predictions"),
    ("one state too early", "values exactly right"),
    ("the frame that was cut up", "one lit pixel"),
    ("everything eight times", "a count of bytes"),
    ("left is right", "the emulator itself"),
    ("the mask that cancels", "a sample without a say"),
    ("the mean that came first", "a gradient exactly zero"),
    ("the target that runs along", "one input at a time"),
    ("two libraries, one name", "a shape and one number"),
)
"""Exhibit and tool of each room, from room 1."""


def draw_pair(left: np.ndarray, right: np.ndarray) -> None:
    """The newest channel of two observations uint8 [84, 84, 4], as A and B."""
    _, axes = plt.subplots(1, 2, figsize=(7.2, 3.8))
    for ax, name, observation in zip(axes, "AB", (left, right), strict=True):
        show_frame(ax, observation[..., 3], name, vmin=0, vmax=255)
        ax.set_xlabel("84 columns (pixels)")
    axes[0].set_ylabel("84 rows (pixels)")
    plt.show()


def draw_plan() -> None:
    """Nine rooms in three rows: number, exhibit, tool."""
    _, ax = plt.subplots(figsize=(9.6, 4.6))
    for index, (exhibit, tool) in enumerate(ROOMS):
        x, y = 3.2 * (index % 3), -1.5 * (index // 3)
        ax.add_patch(Rectangle((x, y), 3.2, 1.5, facecolor="white", edgecolor=PALETTE["black"], linewidth=2.5))
        if index % 3:  # a door to the room before
            ax.plot([x, x], [y + 0.55, y + 0.95], color="white", linewidth=5)
        elif index:
            ax.plot([x + 1.3, x + 1.9], [y + 1.5, y + 1.5], color="white", linewidth=5)
        ax.text(x + 0.2, y + 1.14, f"{index + 1}", fontsize=17, weight="bold", color=ink("red"), va="center")
        ax.text(x + 1.6, y + 0.78, exhibit, ha="center", va="center", fontsize=11)
        ax.text(x + 1.6, y + 0.32, tool, ha="center", va="center", fontsize=10.5, color=PALETTE["blue"], style="italic")
    ax.text(0, 1.65, "the exhibit", fontsize=11)
    ax.text(1.35, 1.65, "the tool that convicts it", fontsize=10.5, color=PALETTE["blue"], style="italic")
    ax.set(xlim=(-0.1, 9.7), ylim=(-3.1, 1.95))
    ax.axis("off")
    plt.show()


def draw_settled(returns: np.ndarray, values: np.ndarray) -> None:
    """Room 1: returns [N] as dots, the values [N] that were learned as a line."""
    _, ax = plt.subplots(figsize=(6.4, 3.3))
    states = np.arange(len(returns))
    ax.plot(states, returns, "o", color=PALETTE["orange"], markersize=10)
    ax.plot(states, values, "o-", color=PALETTE["blue"])
    ax.text(states[-1], returns[-1] + 0.3, "return", color=ink("orange"), ha="center", va="bottom")
    ax.text(states[-1] + 0.15, values[-1], "learned value", color=PALETTE["blue"], va="center")
    ax.set(xlim=(-0.3, len(returns) + 0.3), ylim=(0, 1.25 * returns.max()), xticks=states)
    ax.set(xlabel="state (sample in the batch)", ylabel="points (discounted)")
    plt.show()


def draw_corridor(learned: np.ndarray, right: np.ndarray) -> None:
    """Room 2: values [S] along the corridor, with the seams between rollouts of four steps."""
    _, ax = plt.subplots(figsize=(8, 3.4))
    states = np.arange(len(right))
    ax.plot(states, right, "o-", color=PALETTE["orange"], markersize=11, linewidth=3)
    ax.plot(states, learned, "o-", color=PALETTE["blue"], markersize=5)
    for seam in (3.5, 7.5):
        ax.axvline(seam, color=PALETTE["grey"], linestyle="--", linewidth=1)
        ax.text(seam + 0.1, 1.02, "seam", color=ink("grey"), fontsize=10)
    ax.text(1.2, right[1] + 0.12, "right", color=ink("orange"), ha="center")
    ax.text(1.2, 0.06, "learned", color=PALETTE["blue"], ha="center")
    ax.set(xticks=states, ylim=(-0.06, 1.12), xlabel="state (the exit is at the right)", ylabel="value (reward, discounted)")
    plt.show()


def draw_lit(lit: np.ndarray, place: tuple[int, int]) -> None:
    """Room 3: where an observation is lit, int [n, 3] of (row, column, channel), and where the pixel was, (row, column)."""
    _, ax = plt.subplots(figsize=(8, 2.6))
    ax.plot(place[1], place[0], "s", color=PALETTE["blue"], markersize=8)
    ax.annotate("here it was", (place[1], place[0]), (place[1], place[0] + 4.5), color=PALETTE["blue"], ha="center")
    for row, column, channel in lit:
        ax.plot(column, row, "s", color=PALETTE["orange"], markersize=8)
        ax.text(column, row - 1.6, f"channel {channel}", color=PALETTE["black"], ha="center", va="bottom", fontsize=10)
    ax.set(xlim=(-0.5, 83.5), ylim=(18, 2), xlabel="column (pixels)", ylabel="row (pixels)")
    plt.show()


def draw_pulls(pulls: Mapping[str, np.ndarray], masked: Sequence[int]) -> None:
    """Room 6: how hard each sample pulls at its prediction, a panel for each loss; masked samples in red."""
    _, axes = plt.subplots(1, len(pulls), figsize=(9, 3.1), sharey=True)
    for ax, (name, values) in zip(axes, pulls.items(), strict=True):
        colours = [PALETTE["red"] if sample in masked else PALETTE["blue"] for sample in range(len(values))]
        ax.bar(range(len(values)), values, color=colours)
        for sample in masked:
            ax.text(sample, values[sample] + 0.06, "masked", color=ink("red"), ha="center", fontsize=10)
        ax.set(title=name, xlabel="sample", xticks=range(len(values)), ylim=(0, 1.15 * max(map(np.max, pulls.values()))))
    axes[0].set_ylabel("gradient at its prediction")
    plt.show()


def draw_targets(targets: Mapping[str, np.ndarray], every: int) -> None:
    """Room 8: name -> one transition's target at each update, float [updates]; a mark at each copy to the target network."""
    _, ax = plt.subplots(figsize=(8.6, 3.2))
    for (name, history), colour in zip(targets.items(), ("orange", "blue")):
        ax.plot(history, color=PALETTE[colour], linewidth=2.5, drawstyle="steps-post")
        ax.text(len(history), history[-1], f" {name}", color=ink(colour), va="center")
    for copy in range(every, len(history), every):
        ax.axvline(copy, color=PALETTE["grey"], linestyle="--", linewidth=1)
        ax.text(copy + 1, 0.9, "copy", color=ink("grey"), va="top", fontsize=10)
    ax.set(xlim=(0, 1.32 * len(history)), ylim=(0, None), xticks=range(0, len(history) + 1, every))
    ax.set(xlabel="update", ylabel="target (reward, discounted)")
    plt.show()


def draw_verdicts(exhibits: Sequence[str], mends: Sequence[str]) -> None:
    """A row for each room: bug, tool, what the proof says of the exhibit and of the mend ("condemned" or "acquitted")."""
    _, ax = plt.subplots(figsize=(9.6, 4.6))
    for x, title in ((0.0, "room"), (0.6, "bug"), (4.0, "tool"), (7.3, "exhibit"), (9.0, "mend")):
        ax.text(x, -0.9, title, weight="bold", va="center")
    rows = zip(ROOMS, exhibits, mends, strict=True)
    for row, ((bug, tool), exhibit, mend) in enumerate(rows):
        if row % 2 == 0:
            ax.axhspan(row - 0.5, row + 0.5, color=PALETTE["grey"], alpha=0.1, linewidth=0)
        for x, text in ((0.15, row + 1), (0.6, bug), (4.0, tool)):
            ax.text(x, row, text, va="center")
        for x, said, wanted, colour in ((7.3, exhibit, "condemned", "red"), (9.0, mend, "acquitted", "green")):
            _stamp(ax, (x, row), said, ink(colour if said == wanted else "grey"))
    ax.set(xlim=(-0.1, 10.5), ylim=(len(ROOMS) - 0.4, -1.4))
    ax.axis("off")
    plt.show()


def _stamp(ax: Axes, place: tuple[float, float], text: str, colour: str) -> None:
    ax.text(*place, text, va="center", color=colour, weight="bold")
