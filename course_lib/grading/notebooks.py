"""A lesson as a notebook: cells with fixed ids, metadata that names each exercise's cells, and one way to write it down.

An exercise's cells carry `metadata.course = {"role": "text" | "answer" | "check", "exercise": "03.1"}`, its text `"points"` too, and cells of
pairs `"framework"` or `"part"`.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.lessons import Cell, Lesson

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def make_notebook(lesson: Lesson, solved: bool) -> NotebookNode:
    """The lesson as a notebook without outputs, with its solutions or with stubs."""
    cells = [make_cell(lesson, position, cell, solved) for position, cell in enumerate(lesson.cells)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.metadata["course"] = {"lesson": lesson.name, "source": source_hash(notebook)}
    return notebook


def make_cell(lesson: Lesson, position: int, cell: Cell, solved: bool) -> NotebookNode:
    parts = [lesson.number, f"c{position:02}"]
    metadata = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.role:
        marks = {"role": cell.role, "exercise": cell.exercise, "framework": cell.framework, "part": cell.part, "points": cell.points}
        metadata |= {"course": {key: value for key, value in marks.items() if value}, "deletable": False}
        parts = [lesson.number, cell.exercise.split(".")[1], cell.role, cell.variant or ""]
    if cell.role == "check":
        metadata["editable"] = False
    identity = "-".join(filter(None, parts))  # "03-1-answer-torch", "03-c07"
    if cell.kind == "markdown":
        return new_markdown_cell(cell.source, id=identity, metadata=metadata)
    return new_code_cell(cell.solved if solved else cell.unsolved, id=identity, metadata=metadata)


def source_hash(notebook: NotebookNode) -> str:
    """Changes when any cell's text does, by the builder or by hand."""
    return hashlib.sha256(json.dumps([[cell.cell_type, cell.source] for cell in notebook.cells]).encode()).hexdigest()[:16]


def to_text(notebook: NotebookNode) -> str:
    """The bytes of its file: sorted keys, indent 1, a newline at the end."""
    return nbformat.writes(notebook) + "\n"


def read_notebook(path: Path) -> NotebookNode | None:
    """A notebook's content, or None where there is no file or it is broken (conflict markers, say)."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError):
        return None


def is_executed_from(notebook: NotebookNode | None, made: NotebookNode) -> bool:
    """Whether `notebook` is `made` with outputs: every code cell numbered (nbval compares no others), nothing else changed."""
    if notebook is None:
        return False
    bare = copy.deepcopy(notebook)
    code = [cell for cell in bare.cells if cell.cell_type == "code"]
    executed = all(cell.execution_count for cell in code)
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    return executed and to_text(bare) == to_text(made)
