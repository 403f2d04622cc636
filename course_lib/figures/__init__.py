"""What the lessons' figures share: one palette, one style, the screen in its real shape. Drawings of one lesson lie in a module beside this."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#222222",
    "grey": "#8A8A8A",
}
"""Okabe and Ito's palette: told apart by colour-blind readers too."""


def ink(color: str) -> str:
    """The palette's colour for words, which need more contrast with white than lines do (4.5 to 1): most are a shade darker."""
    darker = {"orange": "#9A6A00", "sky": "#1F78A8", "purple": "#A3507C", "green": "#007A59", "red": "#B84F00", "grey": "#666666"}
    return darker.get(color, PALETTE[color])


def use_course_style() -> None:
    """Set matplotlib's defaults for the whole lesson."""
    plt.rcParams.update(
        {
            "figure.dpi": 96,
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=[PALETTE[c] for c in ("blue", "orange", "green", "red", "purple", "sky")]),
            "image.cmap": "gray",
            "image.interpolation": "nearest",
        }
    )


def show_frame(ax, frame: np.ndarray, title: str = "", **options):
    """Draw a screen [210, 160(, 3)] as a television shows it, 4 wide by 3 high, or an 84 x 84 frame as a square, without ticks."""
    rows, columns = frame.shape[:2]
    image = ax.imshow(frame, **options)
    if (rows, columns) == (210, 160):
        ax.set_aspect((columns / rows) * 3 / 4)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(title)
    return image
