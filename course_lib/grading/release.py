"""The course as students get it: notebooks to fill in, the library, the trained agents; no solutions, no hidden tests, no lessons' sources.

What goes in is listed here, name by name or by a narrow pattern, so that an instructor's notes cannot slip in by lying in the wrong folder.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.files import folder_made_whole, refuse_folder
from course_lib.grading.build import ROOT, differences, find_lessons
from course_lib.grading.execute import first_line
from course_lib.grading.lessons import Lesson, read_lesson
from course_lib.grading.submissions import answers_of, read_handin

CONTENTS = (
    *("LICENSE", "Makefile", "constraints.txt", "environment.yml", "pyproject.toml", "start.py"),
    *("Dockerfile", ".dockerignore", ".devcontainer/devcontainer.json", "docs/containers.md"),
    *("course_lib/[a-z_]*.py", "course_lib/[a-z]*/[a-z_]*.py", "course_lib/backends/[a-z]*/[a-z_]*.py"),
    *("course_lib/arcade.js", "course_lib/arcade.css", "course_lib/grading/templates/[a-z]*.html"),
    *("data/book_learning_curves.csv", "data/pretrained/manifest.json"),
    *("data/pretrained/*/curve.csv", "data/pretrained/*/evaluations.csv"),
    *("data/pretrained/*/stage[1-5].safetensors", "data/pretrained/*/stage[1-5].game.npz"),
    *("docs/agent.gif", "docs/results.md", "docs/curves.png", "docs/chain.png", "docs/training.md"),
)
"""What students get besides their notebooks and a README of their own. Where a pattern finds nothing, nothing is released."""

README = """\
# Breakout from pixels

A hands-on course in deep reinforcement learning: from the pixels of Atari Breakout to agents that learn to play it. This folder is yours.
You work in its notebooks, fill in the exercises, and each check tells you what is wrong and shows the smallest example of it.

![A DQN agent of this course plays Breakout](docs/agent.gif)

## Start

You need Python 3.11, 3.12 or 3.13, and nothing else. In this folder, type

```
make lab      # installs what it needs beside itself, opens the first lesson in JupyterLab
make play     # a trained agent plays Breakout: prints its score, writes build/play.mp4
```

Without make, on Windows too: `python start.py lab`, `python start.py play`. With conda: `conda env create -f environment.yml`.
With Docker, or on hosted notebooks: [docs/containers.md](docs/containers.md). The first time takes some minutes of downloads; after that each starts in seconds.

Commands that begin with `course` are typed into a terminal of JupyterLab (*File → New → Terminal*), in this folder. If anything is amiss,
`course doctor` says what, and how to mend it.

## The lessons

{lessons}

Work through them in order; each says how long it takes and what it needs.

## How an exercise works

An exercise is a text, an answer cell and a check. Write your answer into the answer cell, in the place of `raise NotImplementedError` or
`None`, run the cell, then run the check below it:

| it prints | your answer is |
|---|---|
| `✓` | right, as far as the check can tell |
| `✗` | wrong: the line says why, with an example that you can do on paper |
| `○` | not written yet |

Wherever your answer is missing or wrong, the notebook goes on with a reference of ours, so you are never stuck. Three hints are folded away
below each text: a nudge, a step, and nearly the answer. An exercise that comes twice, in PyTorch and in Keras, needs one of them; the other
is a bonus.

Only the answer cell is graded: a helper function that your answer calls belongs into that cell. What the lesson imports above it is there
too; `course_lib` itself, and the checks, are closed to answers.

## Before you hand in

Save the notebook (**Ctrl+S**, on a Mac **Cmd+S**), then

```
course check notebooks/03_huber_loss.ipynb
```

It tries each answer alone, as a grader will, and says what is done, what is open and what is wrong. Hidden tests, which try other inputs,
are kept for the grader. Hand in the notebook itself, under the name that it has.

## Read more

What the trained agents reach, and how that was measured: [docs/results.md](docs/results.md). How they were trained, and what was tried on
the way: [docs/training.md](docs/training.md). Benchmarks and `course ship`, which are named there, belong to the instructor's copy.

MIT licence. Breakout's ROM comes with [ale-py](https://github.com/Farama-Foundation/Arcade-Learning-Environment).
"""


def release(target: Path, root: Path = ROOT) -> list[str]:
    """Write the course for students into a new or an empty folder; returns its files. Raises CourseError.

    The folder gets its name when it is complete: after an interruption there is none, or the empty one that was there before.
    """
    target, root = target.resolve(), root.resolve()
    lessons = [read_lesson(path) for path in find_lessons(None, root)]
    refuse_unready_notebooks(lessons, root)
    files = contents(lessons, root)
    refuse_target(target, {root / Path(file).parts[0] for file in files})
    with folder_made_whole(target) as made:
        for file in files:
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, made / file)
        (made / "README.md").write_text(readme(lessons), encoding="utf-8", newline="\n")
    return sorted([*files, "README.md"])


def refuse_unready_notebooks(lessons: list[Lesson], root: Path) -> None:
    """Students get unfilled notebooks, made from the lessons as they are now."""
    for lesson in lessons:
        file = f"notebooks/{lesson.name}.ipynb"
        answers = answers_of(read_handin(root / file, "", root, {lesson.name: lesson}), lesson)
        if written := [cell.label for cell in lesson.cells if cell.role == "answer" and answers[cell.key].source is not None]:
            mend = f"keep a copy of them elsewhere, then run: course build {lesson.number} --force"
            raise CourseError(f"{file} holds answers ({', '.join(written)}): {mend}")
    if differing := differences(lessons, root):
        raise CourseError(f"{', '.join(differing)} differ from lessons/; run: course build")


def contents(lessons: list[Lesson], root: Path) -> list[str]:
    """The files that students get, README aside: those that CONTENTS names, and the lessons' notebooks, as far as git tracks them."""
    tracked, files = tracked_files(root), set()
    for pattern in (*CONTENTS, *(f"notebooks/{lesson.name}.ipynb" for lesson in lessons)):
        found = {path.relative_to(root).as_posix() for path in root.glob(pattern) if path.is_file() and not path.is_symlink()}
        if tracked is not None:
            found &= tracked
        if not found:
            raise CourseError(f"There is no {pattern} in {root}, or git does not track it: release from a whole copy of the course.")
        files |= found
    return sorted(files)


def tracked_files(root: Path) -> set[str] | None:
    """What git tracks; None where the course is no checkout."""
    if not (root / ".git").exists():
        return None
    try:
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        told = first_line((getattr(error, "stderr", None) or str(error).encode()).decode(errors="replace"))
        raise CourseError(f"git cannot say which files belong to the course ({told}): mend that first.") from error
    return set(listed.decode().split("\0"))


def refuse_target(target: Path, copied: set[Path]) -> None:
    """A release takes a folder of its own."""
    refuse_folder(target)
    if inside := next((folder for folder in copied if target.is_relative_to(folder)), None):
        raise CourseError(f"{target} lies in {inside}, which belongs to the course: name a folder elsewhere.")


def readme(lessons: list[Lesson]) -> str:
    """The students' README, with a link to every lesson."""
    titles = {lesson.name: lesson.cells[0].source.partition("\n")[0].lstrip("# ") for lesson in lessons}
    return README.format(lessons="\n".join(f"- [{title}](notebooks/{name}.ipynb)" for name, title in titles.items()))
