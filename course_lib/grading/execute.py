"""Run a solved notebook and keep only those outputs that are the same next time, on any machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.grading import legible

CELL_TIMEOUT = 300  # seconds
ENVIRONMENT = {"COURSE_FRAMEWORK": "torch", "OMP_NUM_THREADS": "1"}  # two threads on two busy cores took ten times as long
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
OUR_FOLDERS = {os.path.join(folder, "") for folder in (sys.prefix, Path(__file__).parents[2], Path.home(), tempfile.gettempdir())}
PATH = re.compile(r"(?<![\w+/])(" + "|".join(map(re.escape, sorted(OUR_FOLDERS - {os.sep}))) + ")")  # never inside base64
ADDRESS = re.compile(r"0x[0-9a-f]{8,}")


def execute(notebook: NotebookNode, folder: Path) -> Iterator[int]:
    """Execute in place, in a fresh kernel that works in `folder`; yields each code cell's position before running it.

    Raises CourseError for the first cell that fails, dies, takes over five minutes, or prints what only this machine would print.
    """
    options = dict(timeout=CELL_TIMEOUT, kernel_name="python3", coalesce_streams=True, record_timing=False, store_widget_state=False)
    client = NotebookClient(notebook, **options)
    # nbclient would hide what an Output widget shows inside that widget. nbval sees it as output of the cell, and so do readers
    # of a stored notebook: the still picture of every slider.
    client.widget_registry.clear()
    with tempfile.TemporaryDirectory() as own, client.setup_kernel(
        cwd=str(folder), env=os.environ | ENVIRONMENT | legible.settings(Path(own)), stderr=subprocess.DEVNULL
    ):
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type == "code":
                yield index
                run_cell(client, cell, index)
                tidy_outputs(cell)
                expect_success(cell)


def run_cell(client: NotebookClient, cell: NotebookNode, index: int) -> None:
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        print(error.traceback, file=sys.stderr)
        raise CourseError(f"cell {cell.id} raised {error.ename}: {first_line(error.evalue)}") from error
    except CellTimeoutError as error:
        raise CourseError(f"cell {cell.id} took more than {CELL_TIMEOUT} seconds") from error
    except DeadKernelError as error:
        raise CourseError(f"cell {cell.id} ended the kernel's process") from error


def tidy_outputs(cell: NotebookNode) -> None:
    """Drop the random ids of widgets; refuse what would read differently on another machine (in tagged cells, its folders only)."""
    tagged = "nbval-ignore-output" in cell.metadata.get("tags", [])
    for output in cell.outputs:
        data = output.get("data", {})
        data.pop(WIDGET_VIEW, None)
        text = output.get("text", "") + "\n".join(value for kind, value in data.items() if kind.startswith("text/"))
        if output.get("name") == "stderr" and (not tagged or legible.SAID in text):
            raise CourseError(f"cell {cell.id} writes to stderr, where a lesson is silent: {first_line(text)}")
        if found := PATH.search(text) or (not tagged and ADDRESS.search(text)):
            raise CourseError(f"cell {cell.id} shows `{found[0]}`, another text on another machine: print something else")


def expect_success(cell: NotebookNode) -> None:
    """The check of a solved exercise must print its ✓."""
    said = "".join(output.get("text", "") for output in cell.outputs)
    if cell.metadata.get("course", {}).get("role") == "check" and not said.startswith("✓"):
        raise CourseError(f"cell {cell.id}: our own solution does not pass: {first_line(said)}")


def first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
