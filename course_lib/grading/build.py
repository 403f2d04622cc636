"""Lessons become notebooks: `lessons/NN_name.py` -> `notebooks/NN_name.ipynb` (to fill in), `solutions/NN_name.ipynb` (solved, executed).

The same lesson always gives the same notebook, so both are committed and `course build --check` compares them. A solution is executed
again only when its source has changed, for a lesson may take a minute and more; nbval tells when its outputs have gone stale.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from course_lib.errors import CourseError
from course_lib.grading.execute import execute as execute_notebook
from course_lib.grading.lessons import NAME, Lesson, read_lesson
from course_lib.grading.notebooks import is_executed_from, make_notebook, read_notebook, source_hash, to_text

ROOT = Path(__file__).parents[2]


def build(
    lessons: Iterable[str] | None = None,
    check: bool = False,
    execute: bool = True,
    force: bool = False,
    root: Path = ROOT,
) -> list[str]:
    """Write the notebooks and solutions of the given lessons (by number, name or path), or of all; raises CourseError.

    check: write nothing; print what differs and how to mend it.
    execute: False writes notebooks only and leaves solutions as they are.
    force: execute solutions even if unchanged, and overwrite what was edited by hand.
    Returns the files written or, under `check`, those that differ: "notebooks/03_huber_loss.ipynb".
    """
    wanted = [read_lesson(path) for path in find_lessons(lessons or None, root)]
    if check:
        return report([*differences(wanted, root), *(orphans(root) if not lessons else [])])
    written = []
    progress = tqdm(wanted, unit="lesson")
    for lesson in progress:
        progress.set_description(lesson.name)
        written += write_notebook(lesson, root, force)
        if execute:
            written += write_solution(lesson, root, force, progress)
    return written


def find_lessons(wanted: Iterable[str] | None, root: Path) -> list[Path]:
    """The sources of the wanted lessons, in the course's order: "3", "03", "03_huber_loss", "lessons/03_huber_loss.py"."""
    paths = {path.stem: path for path in sorted((root / "lessons").glob("*.py"))}
    if not paths:
        raise CourseError(f"There are no lessons in {root / 'lessons'}: build notebooks from a checkout of the course.")
    if wanted is None:
        return list(paths.values())
    chosen = set()
    for name in wanted:
        stem = Path(name).stem
        matches = [full for full in paths if stem == full or stem.zfill(2) == full[:2]]
        if not matches:
            raise CourseError(f"There is no lesson `{name}`: the lessons are {', '.join(paths)}.")
        chosen.update(matches)
    return [path for stem, path in paths.items() if stem in chosen]


def differences(lessons: Iterable[Lesson], root: Path) -> list[str]:
    """Notebooks that are not what their lesson makes, compared whole, and solutions, compared without their outputs."""
    differing = []
    for lesson in lessons:
        file = f"{lesson.name}.ipynb"
        if read_text(root / "notebooks" / file) != to_text(make_notebook(lesson, solved=False)):
            differing.append(f"notebooks/{file}")
        if not is_executed_from(read_notebook(root / "solutions" / file), make_notebook(lesson, solved=True)):
            differing.append(f"solutions/{file}")
    return differing


def orphans(root: Path) -> list[str]:
    """Generated notebooks whose lesson has gone."""
    paths = [path for folder in ("notebooks", "solutions") for path in sorted((root / folder).glob("*.ipynb"))]
    gone = [path for path in paths if NAME.fullmatch(path.stem) and not (root / "lessons" / f"{path.stem}.py").exists()]
    return [path.relative_to(root).as_posix() for path in gone]


def report(differing: list[str]) -> list[str]:
    for name in differing:
        lesson = Path(name).stem
        print(f"{name} is not what lessons/{lesson}.py makes: run `course build {lesson}`, or delete it if the lesson has gone.")
    return differing


def write_notebook(lesson: Lesson, root: Path, force: bool) -> list[str]:
    """Write the learners' notebook if it has changed."""
    name = f"notebooks/{lesson.name}.ipynb"
    text = to_text(make_notebook(lesson, solved=False))
    if read_text(root / name) == text:
        return []
    refuse_hand_edits(root / name, force)
    write(root / name, text)
    return [name]


def write_solution(lesson: Lesson, root: Path, force: bool, progress: tqdm) -> list[str]:
    """Execute and write the solution if its source has changed; nothing is written before its last cell has run."""
    name = f"solutions/{lesson.name}.ipynb"
    made = make_notebook(lesson, solved=True)
    if is_executed_from(read_notebook(root / name), made) and not force:
        return []
    refuse_hand_edits(root / name, force)
    (root / "solutions").mkdir(exist_ok=True)
    try:
        for index in execute_notebook(made, root / "solutions"):
            progress.set_postfix_str(f"cell {index + 1} of {len(made.cells)}")
    except CourseError as error:
        raise lesson.cells[index].mistake(str(error)) from error
    write(root / name, to_text(made))
    return [name]


def refuse_hand_edits(path: Path, force: bool) -> None:
    """A learner's answers in a generated notebook are worth more than a fresh copy of it."""
    notebook = read_notebook(path)
    intact = notebook is not None and notebook.metadata.get("course", {}).get("source") == source_hash(notebook)
    if path.exists() and not intact and not force:
        raise CourseError(f"{path.parent.name}/{path.name} was edited by hand: keep a copy of what you need, then build with --force.")


def read_text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
