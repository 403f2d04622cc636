"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course_lib.errors import CourseError


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` at the end: a full disk or an interruption leaves what stood there before.

    Raises CourseError, one sentence, if the file cannot be written.
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.chmod(0o644)  # safetensors writes files that only their owner may read
        os.replace(unfinished, path)
    except OSError as error:
        kept = "; the one before it is untouched" if path.is_file() else ""
        raise CourseError(f"Could not write {path} ({reason(error)}){kept}.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def refuse_folder(folder: Path) -> None:
    """Raise CourseError unless `folder` is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(f"{folder} is not empty: name a new or an empty folder.")


@contextmanager
def folder_made_whole(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` (new or empty) at the end: a full disk or an interruption leaves what stood there before.

    Into a folder that is there already the parts are moved one after the other, when all of them are complete.

    Raises CourseError, one sentence, if it cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        there = folder.exists()  # it may be a place where a disk is mounted: nothing can take its place, so it is filled
        with tempfile.TemporaryDirectory(dir=folder if there else folder.parent, prefix=f".{folder.name}-") as beside:
            made = Path(beside) / folder.name
            made.mkdir()
            yield made
            if there:
                for path in sorted(made.iterdir(), reverse=True):  # README.md last
                    path.rename(folder / path.name)
            else:
                made.rename(folder)
    except OSError as error:
        raise CourseError(f"Could not write {folder} ({reason(error)}); nothing half-made is left.") from error


def reason(error: BaseException) -> str:
    """An error in a few words: the system's own, or the first line of what it says."""
    return getattr(error, "strerror", None) or (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
