"""Files that are written whole or not at all."""

from __future__ import annotations

import os
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
        raise CourseError(f"Could not write {path} ({error.strerror or error}){kept}.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
