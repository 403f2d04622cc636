"""The grader's end of the warmed parents: one is started for each framework that is needed, when it is needed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.grading.exam import Finished, Job, to_line

WARM = Path(__file__).with_name("warm.py")
START = 120  # seconds that a parent may take to import its framework
PATIENCE = 60  # seconds on top of a job's own limit, after which its parent is taken for lost
KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")  # of the environment: an exam sees no secret of its grader


class ExamLost(RuntimeError):
    """One exam's supervisor failed; the others go on."""


class WarmParents:
    """with WarmParents() as parents: parents.run(job, "torch"). May be called from several threads."""

    def __init__(self) -> None:
        self._parents: dict[str | None, subprocess.Popen] = {}
        self._lock, self._stopped = threading.Lock(), False
        short = len(tempfile.gettempdir()) < 60  # a socket's path has 100 characters at most
        self._folder = Path(tempfile.mkdtemp(prefix="parents-", dir=None if short else "/tmp"))

    def __enter__(self) -> WarmParents:
        return self

    def __exit__(self, *error) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self) -> None:
        """End every parent, and with each all that it has started; what is under way fails."""
        with self._lock:
            self._stopped = True
            for parent in self._parents.values():
                parent.kill()
                parent.wait()

    def run(self, job: Job, framework: str | None) -> Finished:
        """Have a job run; returns when nothing of it is left. Raises ExamLost, and CourseError if
        no exam can be held any more."""
        path = self._socket(framework)
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(job.time_limit + START + PATIENCE)
            try:
                line.connect(str(path))
                line.sendall(to_line(job))
                return Finished(**json.loads(line.makefile().readline()))
            except (OSError, ValueError) as error:
                if self._stopped or self._parents[framework].poll() is not None:
                    told = last_line(path.with_suffix(".log")) or error
                    raise CourseError(f"The grader's own processes ended ({told}); grade again, what is done is kept.") from error
                raise ExamLost(f"an exam's supervisor did not answer ({error})") from error

    def _socket(self, framework: str | None) -> Path:
        """Where the parent listens; starts it if there is none."""
        path = self._folder / f"{framework}.socket"
        with self._lock:
            if self._stopped:
                raise CourseError("Grading was stopped; the same command goes on.")
            if framework not in self._parents:
                command = [sys.executable, "-P", str(WARM), str(path), *([framework] if framework else [])]
                environment = {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": str(self._folder), "PYTHONHASHSEED": "0"}
                with (self._folder / f"{framework}.log").open("w") as log:
                    streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
                    own_session = {"start_new_session": True}  # Ctrl-C is for the grader, which then stops its parents
                    self._parents[framework] = subprocess.Popen(command, env=environment, cwd=self._folder, **streams, **own_session)
        self._wait_for(path, self._parents[framework])
        return path

    def _wait_for(self, path: Path, parent: subprocess.Popen) -> None:
        deadline = time.monotonic() + START
        while not path.exists():
            if parent.poll() is not None or time.monotonic() > deadline:
                told = last_line(path.with_suffix(".log")) or "it said nothing"
                raise CourseError(f"The grader could not start ({told}); see: course doctor")
            time.sleep(0.05)


def last_line(log: Path) -> str:
    return next(reversed(log.read_text(errors="replace").strip().splitlines()), "")
