"""A class of lesson 03 graded, submissions a minute: `course grade` beside nbgrader's autograde on an equal assignment.

  python benchmarks/grading.py

Lesson 03 has five answer cells: NumPy, PyTorch, Keras. Every learner's answers differ from every other's; every third learner has made a mistake in
one, every fifth has left one unwritten.

  course    each answer in a kernel of its own, behind walls, hidden tests; a wrong answer sits a second exam for its sentence
  nbgrader  each notebook once, in one kernel, without isolation: the lesson's imports, the answers, after each a locked cell
            that asserts what the public check says; one notebook at a time, as autograde does

Needs nbgrader beside the course: pip install -c constraints.txt nbgrader==0.9.6 (it adds tabs to JupyterLab). Memory is the highest sum over all processes of their proportional
share (PSS), asked twice a second. Bar: no slower than nbgrader.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from common import Row, report

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.grading.build import ROOT
from course_lib.grading.grade import grade
from course_lib.grading.lessons import Cell, read_lesson
from course_lib.grading.notebooks import make_notebook
from course_lib.grading.tasks import Rules
from course_lib.grading.supervisor import family, own_memory

LESSON = "03_huber_loss"
IMPORTS = "import course_lib\nimport torch\nimport numpy as np\n\nwith course_lib.quiet():\n    import keras\n\nfrom course_lib import checks"
MISTAKE = ("0.5 * size**2", "size**2")  # twice too much: what the check of 03.1 names first


def answer(cell: Cell, learner: int) -> str:
    """What a learner wrote: right, wrong (one exercise of every third) or not at all (another of every fifth)."""
    source = cell.solved
    if learner % 3 == 0 and cell.exercise == "03.1":
        source = source.replace(*MISTAKE)
    if learner % 5 == 0 and cell.exercise == "03.4":
        source = cell.unsolved
    return f"{source}\n# learner {learner}"


def our_class(folder: Path, learners: int) -> None:
    """The submissions: the lesson's notebook with each learner's answers."""
    lesson = read_lesson(ROOT / "lessons" / f"{LESSON}.py")
    answers = [cell for cell in lesson.cells if cell.role == "answer"]
    for learner in range(learners):
        notebook = make_notebook(lesson, solved=False)
        cells = [cell for cell in notebook.cells if cell.metadata.get("course", {}).get("role") == "answer"]
        for cell, asked in zip(cells, answers, strict=True):
            cell.source = answer(asked, learner)
        write(notebook, folder / f"learner{learner:03}" / f"{LESSON}.ipynb")


def their_class(folder: Path, learners: int) -> None:
    """The same answers as an nbgrader assignment, with its source and the learners' submissions."""
    lesson = read_lesson(ROOT / "lessons" / f"{LESSON}.py")
    code = [cell for cell in lesson.cells if cell.role in ("answer", "check")]
    for learner in (None, *range(learners)):
        cells = [new_code_cell(IMPORTS)]
        for cell in code:
            if cell.role == "answer":
                cells.append(marked(cell, cell.unsolved if learner is None else answer(cell, learner), solution=True))
            else:
                name = cell.source.partition(" ")[0]
                test = f"from course_lib.checks.base import CHECKS, verdict\nassert verdict(CHECKS[{cell.key!r}], {name})[0] == 'passed'"
                cells.append(marked(cell, test, solution=False))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        place = folder / "source" / "ps" if learner is None else folder / "submitted" / f"learner{learner:03}" / "ps"
        write(new_notebook(cells=cells, metadata=kernel), place / f"{LESSON}.ipynb")


def marked(cell: Cell, source: str, solution: bool) -> nbformat.NotebookNode:
    """A cell with nbgrader's marks: an answer, or a locked test worth a point."""
    marks = {"schema_version": 3, "solution": solution, "grade": not solution, "locked": not solution, "task": False}
    marks["grade_id"] = f"{cell.role}-{cell.exercise}-{cell.variant}".replace(".", "-")
    return new_code_cell(source, metadata={"nbgrader": marks | ({} if solution else {"points": 1})})


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def nbgrader(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments, f"--course-dir={folder}"]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:] or "nbgrader failed; is it installed? pip install -c constraints.txt nbgrader==0.9.6")


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """Seconds, the highest memory in MB of this process's children meanwhile, and what the work returned."""
    highest, over = 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not over.wait(0.5):
            highest = max(highest, sum(map(own_memory, family(os.getpid())[1:])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        result = work()
    finally:
        seconds = time.perf_counter() - start
        over.set()
        watcher.join()
    return seconds, highest / 2**20, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", type=int, default=30, metavar="N", help="submissions (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="our exams at a time (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        ours, theirs = Path(temporary) / "ours", Path(temporary) / "theirs"
        our_class(ours, options.learners)
        their_class(theirs, options.learners)
        nbgrader(theirs, "generate_assignment", "ps")
        seconds, memory, book = timed(lambda: grade(ours, Path(temporary) / "report", ["03"], Rules(), options.jobs))
        their_seconds, their_memory, _ = timed(lambda: nbgrader(theirs, "autograde", "ps"))
        graded = len(list((theirs / "autograded").glob("*/ps/*.ipynb")))
    if graded != options.learners:
        raise SystemExit(f"nbgrader graded {graded} of {options.learners} submissions.")
    rate, their_rate = 60 * options.learners / seconds, 60 * options.learners / their_seconds
    statuses = [result.status for result in book.results.values()]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in sorted(set(statuses)))
    rows = [
        Row("submissions a minute", f"{rate:.1f}", f"{their_rate:.1f}", rate / their_rate, bar=1.0),
        Row("peak memory, MB", f"{memory:,.0f}", f"{their_memory:,.0f}", their_memory / memory),
    ]
    return report(f"{options.learners} submissions of lesson 03, {options.jobs} exams at a time", rows, f"Our results: {counts}.")


if __name__ == "__main__":
    sys.exit(main())
