"""What can be amiss in a notebook that has run in JupyterLab: each function returns a list of sentences, empty where all is well."""

import math
import re
from typing import TYPE_CHECKING

from tests.browser.lab import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator

PATIENCE = 60  # seconds for a video to start, for a widget to answer
LEAST_CONTRAST = 4.5  # WCAG 2, level AA, for text


def about_cells(notebook: Notebook) -> list[str]:
    """Cells that did not run, that raised, or that wrote to stderr."""
    found = []
    for cell in notebook.page.evaluate("course.codeCells()"):
        if not re.fullmatch(r"\[\d+\]:", cell["prompt"]):
            found.append(f"{cell['place']} did not run")
        found += [f"{cell['place']} raised {text}" for text in cell["errors"]]
        if cell["stderr"]:
            found.append(f"{cell['place']} wrote to stderr: {cell['stderr'].strip()}")
    return found


def about_pictures(notebook: Notebook) -> list[str]:
    """Pictures that are empty, out of shape, transparent (a dark ground shines through), or, in HTML of ours, without alt text."""
    found = []
    for image in notebook.page.evaluate("course.images()"):
        if min(image["natural"] + image["shown"]) == 0:
            found.append(f"{image['place']}: an empty picture, {image['natural']} shown as {image['shown']}")
        elif not math.isclose(image["natural"][0] * image["shown"][1], image["natural"][1] * image["shown"][0], rel_tol=0.03):
            found.append(f"{image['place']}: a picture out of shape, {image['natural']} shown as {image['shown']}")
        if not image["opaque"]:
            found.append(f"{image['place']}: the page shines through a picture")
        if image["written"] and image["alt"] in ("", "Image"):  # JupyterLab writes "Image" where there is none
            found.append(f"{image['place']}: a picture without alt text")
    return found


def about_widths(notebook: Notebook, scrolling: bool) -> list[str]:
    """What sticks out of its cell. scrolling: words, tables and formulas may, where a bar appears to scroll them with; pictures and controls never."""
    return notebook.page.evaluate("scrolling => course.tooWide(scrolling)", scrolling)


def about_words(notebook: Notebook) -> list[str]:
    """Words that hardly differ from what they stand on."""
    return notebook.page.evaluate("least => course.faint(least)", LEAST_CONTRAST)


def about_lists(notebook: Notebook) -> list[str]:
    """Numbers at the beginning of a line that markdown took for a list's."""
    return notebook.page.evaluate("course.strayLists()")


def about_videos(notebook: Notebook) -> list[str]:
    """Videos that do not play, or have no label."""
    found = []
    for video in every(notebook, "video"):
        video.scroll_into_view_if_needed()  # out of sight they pause
        happens(video, "video.error || video.networkState === 3 || video.readyState === 4", "video")
        if video.evaluate("video => video.readyState") < 4:
            found.append(f"{place(video)}: a video that cannot be read")
        elif not happens(video, "video.currentTime !== before", "video", video.evaluate("video => video.currentTime")):
            found.append(f"{place(video)}: a video that stands still")
        if not video.get_attribute("aria-label"):
            found.append(f"{place(video)}: a video without a label")
    return found


def about_sliders(notebook: Notebook) -> list[str]:
    """Sliders that, moved by keyboard, change no picture."""
    found = []
    for handle in every(notebook, ".noUi-handle"):
        at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        if not changes_its_picture(handle, lambda: handle.press("ArrowLeft" if at_the_end else "ArrowRight")):
            found.append(f"{place(handle)}: a slider that changes no picture")
    return found


def about_players(notebook: Notebook) -> list[str]:
    """Play buttons that start nothing. Pressed again, they pause."""
    found = []
    for button in every(notebook, ".widget-play button:first-child"):
        if not changes_its_picture(button, button.click):
            found.append(f"{place(button)}: a play button that starts nothing")
        button.click()
    return found


def about_choices(notebook: Notebook) -> list[str]:
    """Dropdowns that take no choice, and buttons beside them after which no label names what the first one shows."""
    from playwright.sync_api import TimeoutError

    found = []
    for choice in every(notebook, ".widget-dropdown select"):
        before = choice.evaluate("choice => choice.selectedIndex")
        try:
            choice.select_option(index=before - 1 if before else 1, timeout=1000 * PATIENCE)
        except TimeoutError:
            found.append(f"{place(choice)}: a dropdown that takes no choice")
    for button in every(notebook, ".jupyter-button:not(.widget-play *)"):
        button.click()
        if not happens(button, "!button.disabled && course.namesItsChoice(button)", "button"):
            found.append(f"{place(button)}: a button after which nothing names what was chosen")
    return found


def about_hints(notebook: Notebook) -> list[str]:
    """What is folded away and cannot be opened by keyboard. What is opened here is closed again."""
    found = []
    for summary in every(notebook, "summary"):
        summary.press("Enter")
        if not happens(summary, "summary.parentElement.open", "summary"):
            found.append(f"{place(summary)}: Enter does not open {summary.inner_text()!r}")
        summary.press("Enter")
    return found


def every(notebook: Notebook, selector: str) -> "list[Locator]":
    return notebook.page.locator(f".jp-Notebook :is({selector})").all()


def place(element: "Locator") -> str:
    return element.evaluate("element => course.place(element)")


def changes_its_picture(element: "Locator", act) -> bool:
    before = element.evaluate("element => course.pictureBeside(element)")
    act()
    return happens(element, "course.pictureBeside(element) !== before", "element", before)


def happens(element: "Locator", condition: str, name: str, before=None) -> bool:
    """Does `condition`, JavaScript about the element under `name` and about `before`, become true while we wait?"""
    from playwright.sync_api import TimeoutError

    arguments = [element.element_handle(), before]
    try:
        element.page.wait_for_function(f"([{name}, before]) => {condition}", arg=arguments, timeout=1000 * PATIENCE)
    except TimeoutError:
        return False
    return True
