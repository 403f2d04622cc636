"""The map of the course, drawn as a game of Breakout, with the progress that the saved notebooks show."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch, Rectangle

from course_lib import progress
from course_lib.figures import PALETTE

ROOT = Path(__file__).resolve().parents[2]
BALL_COLOUR = "#C84848"  # the emulator's own, of ball and paddle
LESSONS = {
    "00": ("Start here", "sky"),
    "01": ("Breakout and\nits pixels", "red"),
    "02": ("Convolutions", "orange"),
    "03": ("The Huber\nloss", "yellow"),
    "04": ("DQN", "green"),
    "05": ("Threads", "sky"),
    "06": ("A3C", "purple"),
    "07": ("Bootstrapped\nDQN", "red"),
    "08": ("Watch them\nlearn", "orange"),
    "09": ("Share your\nagent", "yellow"),
    "10": ("Bug museum", "green"),
}
"""Number -> (title on the map, colour of its brick)."""


def is_open(number: str) -> bool:
    """Is there a lesson of that number yet?"""
    return any((ROOT / "notebooks").glob(f"{number}_*.ipynb"))


def show_map() -> None:
    """The course as a game of Breakout: a brick a lesson in the order of the ball's flight; what is to come is an outline."""
    _, ax = plt.subplots(figsize=(9.6, 4.5), facecolor="black")
    lessons = {lesson.number: lesson for lesson in progress.read(ROOT / "notebooks")}
    places = {number: (1.05 + 0.96 * index, 3.3 if index % 2 else 1.75) for index, number in enumerate(LESSONS)}
    for (start, end), number in zip(pairwise(places.values()), list(LESSONS)[1:]):
        ax.plot(*zip(start, end), color="white", linestyle=":", linewidth=2, alpha=1.0 if is_open(number) else 0.4, zorder=1)
    for number, (title, colour) in LESSONS.items():
        lesson = lessons.get(number)
        below = "coming" if not is_open(number) else f"✓ {lesson.done} of {len(lesson.exercises)}" if lesson.exercises else ""
        _draw_brick(ax, places[number], (number, title, below), PALETTE[colour], is_open(number))
    ax.text(5.85, 4.52, f"✓ {progress.sum_of(list(lessons.values()))}", color="white", ha="center", va="center", fontsize=14, weight="bold")
    for corner, width, height in (((0, 4.2), 11.7, 0.12), ((0, 0.2), 0.16, 4.1), ((11.54, 0.2), 0.16, 4.1)):
        ax.add_patch(Rectangle(corner, width, height, color=PALETTE["grey"]))
    ax.add_patch(Rectangle((0.45, 0.3), 1.2, 0.15, color=BALL_COLOUR))
    ax.plot([1.05, 1.05], [0.7, 1.2], color="white", linestyle=":", linewidth=2, zorder=1)
    ax.plot(1.05, 0.66, "s", color=BALL_COLOUR, markersize=9)
    ax.text(1.85, 0.375, "you are here", color="white", va="center")
    ax.set(xlim=(0, 11.7), ylim=(0.1, 4.85))
    ax.axis("off")
    plt.show()


def _draw_brick(ax, place: tuple[float, float], lines: tuple[str, str, str], colour: str, there: bool) -> None:
    """A brick with its number, its title, and what stands below; an outline if there is no such lesson yet."""
    x, y = place
    box = FancyBboxPatch((x - 0.78, y - 0.62), 1.56, 1.24, boxstyle="round,pad=0,rounding_size=0.06", zorder=2)
    box.set(facecolor=colour if there else "black", edgecolor=colour, linewidth=1.5, linestyle="-" if there else "--")
    ax.add_patch(box)
    for text, height, size, weight in zip(lines, (0.43, 0.03, -0.43), (12, 10.5, 10), ("bold", "normal", "normal")):
        ink = "black" if there else "white"
        ax.text(x, y + height, text, color=ink, ha="center", va="center", fontsize=size, weight=weight, linespacing=1.05, zorder=3)
