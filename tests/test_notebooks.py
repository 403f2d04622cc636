"""Every notebook runs under nbval: solutions print what is stored, on both frameworks; unfilled notebooks run, each check waiting.

Each notebook is run by a pytest of its own, since nbval keeps a whole notebook in one kernel. The "::" in a test's id gives it a scope of
its own, so that `pytest -n 2 --dist loadscope` shares the notebooks out between its workers.
"""

import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import course_lib.checks  # noqa: F401  (fills CHECKS)
from course_lib.checks.base import CHECKS, verdict
from course_lib.grading import legible

ROOT = Path(__file__).parents[1]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_TIMEOUT, NOTEBOOK_TIMEOUT = 300, 900  # seconds

both_frameworks = [pytest.param(path, framework, id=f"{path.stem}::{framework}") for path in SOLUTIONS for framework in ("torch", "keras")]
each_solution = [pytest.param(path, id=path.stem) for path in SOLUTIONS]
each_notebook = [pytest.param(path, id=f"{path.stem}::unfilled") for path in NOTEBOOKS]


@pytest.mark.parametrize(("path", "framework"), both_frameworks)
def test_a_solution_prints_what_is_stored(path, framework, tmp_path):
    settings = legible.settings(tmp_path / "ipython")  # small text in a figure is told on stderr, where a solution has nothing stored
    expect_every_cell_to_pass(path, "--nbval", framework, tmp_path, settings)


@pytest.mark.parametrize("path", each_notebook)
def test_a_notebook_runs_unfilled_and_every_check_waits(path, tmp_path):
    """The lines that the checks must print are typed into a copy; nbval compares those and, in lax mode, nothing else."""
    notebook = nbformat.read(path, as_version=4)
    for cell, check in check_cells(notebook):
        cell.outputs = [new_output("stream", name="stdout", text=verdict(check, None)[1] + "\n")]
        cell.execution_count = 1
        cell.metadata["tags"] = ["nbval-check-output"]
    copy = tmp_path / path.name
    nbformat.write(notebook, copy)
    expect_every_cell_to_pass(copy, "--nbval-lax", "torch", tmp_path)


@pytest.mark.parametrize("path", each_solution)
def test_every_check_of_a_solution_passes(path):
    for cell, check in check_cells(nbformat.read(path, as_version=4)):
        assert "".join(output.get("text", "") for output in cell.outputs) == f"✓ {check.label}. {check.why}\n"


@pytest.mark.parametrize(("source", "stored"), [("print(1)", "2\n"), ("# NBVAL_SKIP\nprint(1)", "1\n"), ("1 / 0", "")])
def test_no_cell_passes_for_free(source, stored, tmp_path):
    output = new_output("stream", name="stdout", text=stored)
    path = tmp_path / "trial.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source, outputs=[output], execution_count=1)]), path)
    with pytest.raises(AssertionError, match="Cell outputs differ|1 skipped|ZeroDivisionError"):
        expect_every_cell_to_pass(path, "--nbval", "torch", tmp_path)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def check_cells(notebook):
    """The check cells, each with the check that it must call."""
    cells = [cell for cell in code_cells(notebook) if cell.metadata.get("course", {}).get("role") == "check"]
    marks = [cell.metadata.course for cell in cells]
    return [(cell, CHECKS[mark.exercise, mark.get("framework") or mark.get("part")]) for cell, mark in zip(cells, marks, strict=True)]


def expect_every_cell_to_pass(path, mode, framework, tmp_path, settings=None):
    """nbval on one notebook: as many cells pass as it has (a run that collects nothing, skips or times out is a failure)."""
    report = tmp_path / "report.xml"
    sanitize = f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}"
    options = [mode, "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT}", sanitize, f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *options, str(path)]
    output = run(command, kernel_environment(framework) | (settings or {}))
    suite = ElementTree.parse(report).find("testsuite") if report.exists() else None
    count = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")} if suite is not None else {}
    cells = len(code_cells(nbformat.read(path, as_version=4)))
    assert count == {"tests": cells, "failures": 0, "errors": 0, "skipped": 0}, output


def kernel_environment(framework):
    """This process's environment without its pytest's marks; one thread a kernel, as several threads on a busy machine are far slower."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    threads = dict.fromkeys(["OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1")
    return environment | threads | {"COURSE_FRAMEWORK": framework}


def run(command, environment):
    """The command's output. After the time limit it is interrupted, which lets nbval stop its kernel, and then killed with its group."""
    options = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    process = subprocess.Popen(command, env=environment, cwd=ROOT, **options)
    try:
        return process.communicate(timeout=NOTEBOOK_TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        return process.communicate(timeout=30)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
