"""Every lesson, unfilled, in JupyterLab as a learner sees it: run once, then looked at in the light theme, the dark one and a narrow window.

The screenshots under build/browser are for eyes: a program does not see that an arrow points at the wrong thing.
"""

from collections.abc import Iterator

import nbformat
import pytest

from tests.browser import complaints, lab

LESSONS = sorted((lab.ROOT / "notebooks").glob("*.ipynb"))
LOOKS = {
    "light": ("JupyterLab Light", lab.WIDE),
    "dark": ("JupyterLab Dark", lab.WIDE),
    "narrow": ("JupyterLab Light", lab.NARROW),
}


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request, browser, server) -> Iterator[lab.Notebook]:
    """The lesson with all its cells run."""
    page = browser.new_page(viewport=lab.WIDE)
    try:
        notebook = lab.Notebook(page, server, request.param)
        notebook.run_all()
    except Exception:
        page.screenshot(path=lab.SCREENSHOTS / f"{request.param.stem}-unfinished.png")
        page.close()
        raise
    yield notebook
    notebook.close()


def expect_none(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_every_cell_runs(lesson):
    expect_none(complaints.about_cells(lesson))


def test_every_check_waits(lesson):
    marks = [cell.metadata.get("course", {}) for cell in nbformat.read(lesson.path, as_version=4).cells if cell.cell_type == "code"]
    for mark, cell in zip(marks, lesson.page.evaluate("course.codeCells()"), strict=True):
        if mark.get("role") == "check":
            assert cell["stdout"].startswith("○"), cell


def test_videos_play(lesson):
    expect_none(complaints.about_videos(lesson))


def test_sliders_and_players_change_their_picture(lesson):
    expect_none(complaints.about_sliders(lesson) + complaints.about_players(lesson))


def test_what_is_chosen_is_played(lesson):
    expect_none(complaints.about_choices(lesson))


def test_hints_open_by_keyboard(lesson):
    expect_none(complaints.about_hints(lesson))


def test_lists_are_meant(lesson):
    expect_none(complaints.about_lists(lesson))


@pytest.mark.parametrize("look", LOOKS)
def test_it_looks_right(lesson, look):
    theme, size = LOOKS[look]
    lesson.use_theme(theme)
    lesson.resize(size)
    lesson.photograph(f"{lesson.path.stem}-{look}")
    found = complaints.about_widths(lesson, scrolling=look == "narrow")
    expect_none(found + complaints.about_pictures(lesson) + complaints.about_words(lesson))


def test_the_console_is_silent(lesson):
    """The last of a lesson's tests: whatever they did, the page had no error to tell."""
    expect_none(lesson.console)
