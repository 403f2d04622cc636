"""One exercise of one learner: what is sent behind the walls, and what comes back.

The notebook of an exam has three cells: the lesson's own statements that the answer needs, the answer, and the examination. Marks rest on
the transcript alone; nbval's report says how the cells ended.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_lib.grading.walls import ALARMS

ANSWER, EXAMINATION = 1, 2  # positions of the cells; nbval numbers them from 0
LARGEST_TRANSCRIPT = 8_000_000  # bytes; ours have less than one million

paper: int = -1
"""In a kernel: the file, open for writing, that takes what `write` is given; set before the learner's first line runs."""


@dataclass(frozen=True)
class Job:
    """What a warmed parent is asked to run."""

    folder: str  # holds exam.ipynb, and the empty folders work/ (where the kernel works) and home/ (what libraries write)
    time_limit: float  # seconds for a cell
    memory_limit: int  # MB for all processes together
    library: tuple[str, ...] = ()  # modules of course_lib that the exercise is allowed, such as "course_lib.figures.breakout"
    open_book: bool = False  # True: no marks depend on it, the library and its checks may be read
    walls: dict[str, bool] = field(default_factory=dict)  # those to raise, as `walls.available` names them


@dataclass(frozen=True)
class Finished:
    """How a job ended."""

    stopped: str | None  # why it was stopped from outside: "timeout", "memory", "processes", "disk", "walls"; None if it ended by itself


@dataclass(frozen=True)
class Outcome:
    """What there is to judge after a job. All but `stopped` comes from behind the walls."""

    stopped: str | None
    cells: tuple[dict, ...]  # nbval's report of each cell: outcome, text
    alarms: tuple[str, ...]  # what was tried and is not allowed
    content: Any  # what the last cell wrote, None if it did not come so far


def sit(cells: list[str], run: Callable[[Job], Finished], **options) -> Outcome:
    """Run a notebook of these cells as a job, in a folder that is made for it and then removed."""
    from nbformat.v4 import new_code_cell, new_notebook, writes

    folder = Path(tempfile.mkdtemp(prefix="exam-"))
    try:
        for name in ("work", "home"):
            (folder / name).mkdir()
        (folder / "exam.ipynb").write_text(writes(new_notebook(cells=[new_code_cell(cell) for cell in cells])), encoding="utf-8")
        finished = run(Job(str(folder), **options))
        return Outcome(
            finished.stopped,
            tuple(cell for cell in read_json(folder / "nbval.json") or [] if isinstance(cell, dict)),
            tuple(line for line in read_text(folder / "alarms.txt").splitlines() if line in ALARMS),
            read_json(folder / "transcript.json"),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_text(path: Path) -> str:
    """A file from behind the walls: empty if it is missing, no plain file, or too large."""
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_TRANSCRIPT:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError, MemoryError):
        return None


def to_line(message: Job | Finished) -> bytes:
    return json.dumps(asdict(message)).encode() + b"\n"


# --- called in the last cell, in the learner's process ----------------------------------------------------------------------------------


def examine(answer: Any, id: str, variant: str | None, seed: int, hidden: str) -> None:
    """Try every hidden test on the answer, and write down what comes of it. The tests' source runs in a namespace of its own."""
    from course_lib.grading.probing import transcript

    exec(compile(hidden, "<hidden tests>", "exec"), {"__name__": "hidden_tests"})
    write(transcript(answer, id, variant, seed))


def advise(answer: Any, id: str, variant: str | None) -> None:
    """Write down what the public check says to the answer: "passed", "failed" or "open", and the line that it prints."""
    import course_lib.checks  # noqa: F401  (fills CHECKS)
    from course_lib.checks.base import CHECKS, verdict

    write(verdict(CHECKS[id, variant], answer))


def write(content: Any) -> None:
    os.ftruncate(paper, 0)
    os.pwrite(paper, json.dumps(content).encode(), 0)
