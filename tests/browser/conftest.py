"""What the browser tests share: Chromium, a JupyterLab, a page. Each exists once for a module, or is skipped with the reason."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser import lab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


def pytest_itemcollected(item: pytest.Item) -> None:
    item.add_marker("browser")
    if reason := lab.missing():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """The Chromium of this machine, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=lab.find_chromium())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[lab.Server]:
    with lab.serve(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def page(browser) -> Iterator["Page"]:
    """An empty page with cookies and storage of its own, for `lab.Notebook(page, server, path)`."""
    page = browser.new_page(viewport=lab.WIDE)
    yield page
    page.close()
