"""The browser tests notice what they should: a notebook with one fault of each kind, and each is found, and nothing else."""

import re
from collections.abc import Iterator

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.browser import complaints, lab

CLEAR = "clear = base64.b64encode(PIL.Image.new('RGBA', (8, 8), (0, 0, 0, 100))._repr_png_()).decode()"
FAULTS = [
    new_code_cell("import base64, sys, ipywidgets, PIL.Image\nfrom IPython.display import HTML\n" + CLEAR),
    new_code_cell("HTML('<img src=\"data:image/png;base64,AAAA\">')"),
    new_code_cell("HTML(f'<img alt=\"clear\" style=\"width: 80px; height: 8px\" src=\"data:image/png;base64,{clear}\">')"),
    new_code_cell("display(HTML('<div style=\"width: 3000px\">wide</div>'), ipywidgets.Label('word ' * 99))"),
    new_code_cell("HTML('<p style=\"color: #888; background: #999\">faint</p>')"),
    new_code_cell("HTML('<video src=\"data:video/mp4;base64,AAAA\"></video>')"),
    new_code_cell("picture = ipywidgets.Image(value=PIL.Image.new('RGB', (8, 8))._repr_png_())\nipywidgets.VBox([ipywidgets.IntSlider(), picture])"),
    new_code_cell("ipywidgets.VBox([ipywidgets.Play(), picture])"),
    new_code_cell("ipywidgets.HBox([ipywidgets.Dropdown(options=[1, 2], disabled=True), ipywidgets.Button()])"),
    new_markdown_cell("- up to\n  50.\n\n<div><summary>Folded for ever</summary></div>"),
    new_code_cell("HTML('<script>console.error(\"a slip\")</script>')"),
    new_code_cell("print('careful', file=sys.stderr)"),
    new_code_cell("1 / 0"),
    new_code_cell("print('never')"),
]


@pytest.fixture(scope="module")
def broken(browser, server, tmp_path_factory) -> Iterator[lab.Notebook]:
    path = tmp_path_factory.mktemp("faults") / "faults.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=FAULTS, metadata={"kernelspec": kernel}), path)
    page = browser.new_page(viewport=lab.WIDE)
    notebook = lab.Notebook(page, server, path)
    notebook.run_all()
    yield notebook
    notebook.close()


def widths(notebook: lab.Notebook) -> list[str]:
    return complaints.about_widths(notebook, scrolling=False)


def console(notebook: lab.Notebook) -> list[str]:
    return notebook.console


@pytest.mark.parametrize(
    "complain, expected",
    [
        (complaints.about_cells, ["cell 12 .* wrote to stderr: careful", "cell 13 .* raised .*", "cell 14 .* did not run"]),
        (complaints.about_pictures, ["cell 2 .* empty picture, .*", "cell 2 .* without alt text", "cell 3 .* out of shape, .*", "cell 3 .* shines through .*"]),
        (widths, ["cell 4 .* 3020 pixels in .*", 'cell 4 .* "word word .*" is cut off']),
        (complaints.about_words, ['cell 5 .* contrast 1.2 of "faint"']),
        (complaints.about_videos, ["cell 6 .* cannot be read", "cell 6 .* without a label"]),
        (complaints.about_sliders, ["cell 7 .* changes no picture"]),
        (complaints.about_players, ["cell 8 .* starts nothing"]),
        (complaints.about_choices, ["cell 9 .* takes no choice", "cell 9 .* nothing names what was chosen"]),
        (complaints.about_hints, ["cell 10 .* does not open 'Folded for ever'"]),
        (complaints.about_lists, ["cell 10 .* a list that begins with 50.*"]),
        (console, ["console: a slip .*"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_is_found(complain, expected, broken, monkeypatch):
    monkeypatch.setattr(complaints, "PATIENCE", 2)
    found = complain(broken)
    for sentence, pattern in zip(found, expected, strict=True):
        assert re.fullmatch(pattern, sentence, re.DOTALL), sentence
