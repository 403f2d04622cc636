"""Figures that everybody can read: colours told apart by colour-blind readers, text of 9 points or more as shown, words in place of pictures."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from course_lib.errors import CourseError
from course_lib.figures import PALETTE, use_course_style
from course_lib.grading import legible
from course_lib.grading.execute import execute
from course_lib.grading.lessons import read_lesson
from course_lib.grading.notebooks import make_notebook

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *LESSONS]

# Machado, Oliveira and Fernandes 2009, severity 1: what linear red, green and blue become for readers without one kind of cone.
COLOUR_BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LINES = ("blue", "orange", "green", "red", "purple", "sky")  # the order in which curves get their colours


def as_seen(matrix) -> dict[str, np.ndarray]:
    """The palette in CIELAB as seen through a matrix on linear red, green and blue: name -> float [3]."""
    colours = np.array([[int(PALETTE[name][i : i + 2], 16) / 255 for i in (1, 3, 5)] for name in PALETTE])  # [N, 3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(matrix).T, 0, 1)
    shown = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)
    return dict(zip(PALETTE, cv2.cvtColor(shown[None], cv2.COLOR_RGB2Lab)[0]))


@pytest.mark.parametrize("kind", [*COLOUR_BLINDNESS, "all cones"])
def test_colours_of_curves_are_told_apart(kind):
    lab = as_seen(COLOUR_BLINDNESS.get(kind, np.eye(3)))
    apart = {pair: float(np.linalg.norm(lab[pair[0]] - lab[pair[1]])) for pair in combinations(LINES, 2)}
    assert min(apart.values()) > 10, min(apart, key=apart.get)  # 2.3 is a just noticeable difference
    from_the_ground = {name: float(np.linalg.norm(lab[name] - [100, 0, 0])) for name in LINES}
    assert min(from_the_ground.values()) > 30, min(from_the_ground, key=from_the_ground.get)


def test_curves_take_the_palettes_colours_in_this_order():
    with plt.rc_context():
        use_course_style()
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == [PALETTE[name] for name in LINES]


@pytest.mark.parametrize(
    ("inches", "points", "shown"), [(9, 9, None), (9, 8.5, 8.5), (6, 8.9, 8.9), (12, 12, None), (18.34, 17, 8.5), (30, 20, 6.1)]
)
def test_text_that_is_shown_smaller_than_9_points_is_told(inches, points, shown):
    """In a wide figure, which a cell shrinks to 880 pixels, also large text."""
    figure = plt.figure(figsize=(inches, 2), dpi=96)
    figure.add_artist(Rectangle((0, 0), 1, 1))  # else its empty margins would be cut off
    figure.text(0.5, 0.5, "small", fontsize=points)
    figure.text(0.5, 0.1, "small", fontsize=60)  # the same words elsewhere hide nothing
    told = legible.too_small(figure)
    plt.close(figure)
    assert told == ("" if shown is None else f"Text that is too small: 'small' is shown at {shown} points, where 9 is the least (1 such texts in a figure).")


def test_only_text_that_is_shown_counts():
    figure, axes = plt.subplots(1, 4, figsize=(8, 2), dpi=96)
    for ax, name in zip(axes, ("hidden", "without axis", "without ticks", "without title")):
        ax.set_title(name, fontsize=5)
        ax.tick_params(labelsize=6)
    axes[0].set_visible(False)
    axes[1].axis("off")
    axes[2].set(xticks=[], yticks=[])
    axes[3].title.set_visible(False)
    told = []
    for shown in (axes[1].title, axes[2].title):
        told.append(legible.too_small(figure))
        shown.set_fontsize(12)
    told.append(legible.too_small(figure))
    axes[3].axis("off")
    plt.close(figure)
    assert [re.search(r"'(.*)' is shown at ([\d.]+)", line).groups() for line in told[:2]] == [("without axis", "5.0"), ("without ticks", "5.0")]
    assert "at 6.0 points" in told[2] and legible.too_small(figure) == ""


@pytest.mark.parametrize("tag", ["", ' tags=["nbval-ignore-output"]'])
def test_a_build_refuses_a_figure_with_small_text(tag, tmp_path):
    small = f"# %%{tag}\nimport matplotlib.pyplot as plt\nplt.figure(dpi=96)\nplt.plot([1, 2])\nplt.title('tiny', fontsize=6)\nplt.show()\n"
    (tmp_path / "00_small.py").write_text(small, encoding="utf-8")
    notebook = make_notebook(read_lesson(tmp_path / "00_small.py"), solved=True)
    with pytest.raises(CourseError, match="'tiny' is shown at 6.0 points"):
        list(execute(notebook, tmp_path))


def test_the_smallest_text_in_videos_and_players_can_be_read():
    """OpenCV's letters: as high as those of a font of 9 points, 12 pixels, whose capitals are 8.6 pixels high."""
    from course_lib import play

    (_, height), _ = cv2.getTextSize("H", play.TEXT["fontFace"], min(play.TEXT["fontScale"], 0.4), 1)
    assert height >= 8.6 - 0.7  # to a pixel


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_picture_in_prose_says_in_words_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    words = [match[1] for match in re.finditer(r"!\[([^\]]*)\]\(", text)]
    words += [(re.search(r'alt="([^"]*)"', tag) or ["", ""])[1] for tag in re.findall(r"<img\b[^>]*>", text)]
    assert [said for said in words if len(said.split()) < 3] == []


def test_every_video_and_drawing_that_the_library_makes_has_a_name():
    sources = [path for kind in ("*.py", "*.js") for path in sorted((ROOT / "course_lib").rglob(kind))]
    found = [(path.name, tag) for path in sources for tag in re.findall(r"<(?:video|svg|canvas) [^<]*", path.read_text(encoding="utf-8"))]
    assert len(found) >= 4
    assert [(name, tag) for name, tag in found if "aria-label=" not in tag] == []


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.ipynb")), ids=lambda path: path.stem[:2])
def test_every_figure_is_told_in_words_beside_it(path):
    """A cell that draws has prose next to it, above or below, that a reader without the picture can follow."""
    cells = nbformat.read(path, as_version=4).cells
    alone = []
    for place, cell in enumerate(cells):
        draws = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        beside = [other for other in cells[max(place - 2, 0) : place + 3] if other.cell_type == "markdown"]
        if draws and sum(len(other.source.split()) for other in beside) < 20:
            alone.append(cell.id)
    assert alone == []
