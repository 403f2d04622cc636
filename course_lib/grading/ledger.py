"""Results as they come, a line of JSON each, so that nothing is lost when a run is interrupted."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.grading.examiner import Result

FILE = "results.jsonl"


class Ledger:
    """What is known already, by the digest of all that it depends on; what is added is written at once."""

    def __init__(self, folder: Path) -> None:
        """Opens or begins the ledger in a report's folder; raises CourseError if that folder is something else."""
        path = folder / FILE
        if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not path.exists())):
            raise CourseError(f"{folder} holds something else than a report: name an empty or a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        self.transcripts: dict[str, list] = {}  # of the course's own solutions
        self.results: dict[str, Result] = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
            try:
                self._take(**json.loads(line))
            except (ValueError, TypeError, KeyError):  # the last line of a run that was killed
                continue
        self._file = path.open("a", encoding="utf-8")
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write("\n")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def add(self, digest: str, value: Result | list) -> None:
        line = {"digest": digest, "result": asdict(value)} if isinstance(value, Result) else {"digest": digest, "transcript": value}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self._take(**line)

    def _take(self, digest: str, result: dict[str, Any] | None = None, transcript: list | None = None) -> None:
        if result is not None:
            self.results[digest] = Result(**result | {"tests": tuple(map(tuple, result["tests"]))})
        else:
            self.transcripts[digest] = transcript
