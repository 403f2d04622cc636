"""Is the text of a lesson's figures large enough, as JupyterLab shows them? A figure that is wider than a cell is shrunk, its text too."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.text import Text

SMALLEST = 9.0  # points, as shown
OUTPUT_WIDTH = 880  # pixels: a cell's output in a window of 1,400 pixels with the sidebar open
PIXELS_PER_INCH = 96  # as browsers count
SAID = "Text that is too small"


def too_small(figure: Figure) -> list[str]:
    """A sentence for each text that is shown smaller than 9 points."""
    width = figure.get_tightbbox().width * figure.dpi  # pixels: empty margins are cut off
    shrunk = min(1.0, OUTPUT_WIDTH / width) * figure.dpi / PIXELS_PER_INCH
    texts = {(text.get_text().strip(), text.get_fontsize() * shrunk) for text in figure.findobj(Text) if is_shown(text)}
    return sorted(f"{SAID}: {text!r} is shown at {size:.1f} points; {SMALLEST:g} is the least" for text, size in texts if size < SMALLEST - 0.05)


def is_shown(text: Text) -> bool:
    """Whether a text is drawn: it and the axes it belongs to are visible; of an axis without ticks, no label is."""
    axes = text.axes
    if not text.get_text().strip() or not text.get_visible() or (axes is not None and not axes.get_visible()):
        return False
    if axes is not None and not axes.axison:
        return text in axes.texts or text in (axes.title, axes._left_title, axes._right_title)
    return True


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
        print("\n".join(too_small(canvas.figure)), end="", file=sys.stderr)
        return result

    FigureCanvasBase.print_figure = drawn
