"""Is the text of a lesson's figures large enough, as JupyterLab shows them? A figure that is wider than a cell is shrunk, its text too."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 9.0  # points, as shown
OUTPUT_WIDTH = 880  # pixels: a cell's output in a window of 1,400 pixels with the sidebar open
PIXELS_PER_INCH = 96  # as browsers count
SAID = "Text that is too small"


def too_small(figure: Figure) -> str:
    """A sentence on the smallest text, if it is shown smaller than 9 points; else nothing."""
    width = figure.get_tightbbox().width * figure.dpi  # pixels: empty margins are cut off
    shrunk = min(1.0, OUTPUT_WIDTH / width) * figure.dpi / PIXELS_PER_INCH
    small = [(text.get_fontsize() * shrunk, text.get_text().strip()) for text in texts(figure) if text.get_fontsize() * shrunk < SMALLEST - 0.05]
    if not small:
        return ""
    size, text = min(small)
    return f"{SAID}: {text!r} is shown at {size:.1f} points, where {SMALLEST:g} is the least ({len(small)} such texts in a figure)."


def texts(figure: Figure) -> Iterator[Text]:
    """All text that is drawn: nothing of axes that are hidden, no ticks and labels of those that are off."""
    artists = [*figure.texts, *figure.legends]
    for ax in filter(Axes.get_visible, figure.axes):
        artists += [ax] if ax.axison else [ax.title, *ax.texts, *filter(None, [ax.get_legend()])]
    for artist in artists:
        yield from (text for text in artist.findobj(Text) if text.get_visible() and text.get_text().strip())


def settings(folder: Path) -> dict[str, str]:
    """What a kernel's environment needs for `watch` to run when it starts: an IPython profile, written into `folder`."""
    startup = folder / "profile_default" / "startup" / "watch.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("__import__('course_lib.grading.legible').grading.legible.watch()", encoding="utf-8")  # leaves no name behind
    return {"IPYTHONDIR": str(folder)}


def watch() -> None:
    """From now on, in this process, say on stderr what is too small in each figure that is drawn: a lesson that writes there is refused."""
    draw = FigureCanvasBase.print_figure

    @functools.wraps(draw)
    def drawn(canvas, *arguments, **options):
        result = draw(canvas, *arguments, **options)
        print(too_small(canvas.figure), end="", file=sys.stderr)
        return result

    FigureCanvasBase.print_figure = drawn
