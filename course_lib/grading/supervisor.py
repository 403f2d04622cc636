"""Watches over an exam from outside its walls: time, memory, processes. Whatever happens, nothing of it is left running."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from course_lib.grading.exam import Finished, Job

PROCESSES_MOST = 32
DISK_MOST = 100_000_000  # bytes of all files
START_AND_STOP = 30  # seconds on top of the time limit: a kernel starts, and nbval takes 5 s to give one up
LOOK_EVERY = 0.05  # seconds
NO_WALLS = 77  # the gate's exit status if a wall could not be raised


def watch(gate: int, job: Job) -> Finished:
    """Wait for the process `gate`, a child of this one, and all that comes of it; end them if they go too far."""
    started, stopped, status = time.monotonic(), None, None
    try:
        while stopped is None and status is None:
            time.sleep(LOOK_EVERY)
            pid, ended = os.waitpid(gate, os.WNOHANG)
            status = os.waitstatus_to_exitcode(ended) if pid else None
            stopped = "walls" if status == NO_WALLS else trespass(job, time.monotonic() - started)
    finally:
        end_descendants()
    return Finished(stopped)


def trespass(job: Job, seconds: float) -> str | None:
    """Why the job must end now: "timeout", "processes", "memory" or "disk"."""
    if seconds > job.time_limit + START_AND_STOP:
        return "timeout"
    processes = family(os.getpid())[1:]
    if len(processes) > PROCESSES_MOST:
        return "processes"
    if sum(map(own_memory, processes)) > job.memory_limit * 2**20:
        return "memory"
    return "disk" if disk_use(job.folder) > DISK_MOST else None


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def own_memory(process: psutil.Process) -> int:
    """Bytes of a process; of what it shares with others (the warmed imports) its part only. 0 if it has just ended."""
    with suppress(psutil.Error, OSError):
        if sys.platform != "linux":
            return process.memory_info().rss
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def disk_use(folder: str) -> int:
    """Bytes of the files and folders below a folder, counted until they are too many."""
    size, places = 0, [folder]
    while places and size <= DISK_MOST:
        with suppress(OSError), os.scandir(places.pop()) as entries:
            for entry in entries:
                size += max(20_000, entry.stat(follow_symlinks=False).st_size)  # so that thousands of small ones are too many, as well
                if entry.is_dir(follow_symlinks=False):
                    places.append(entry.path)
    return size


def end_descendants() -> None:
    """Kill until none is left: orphans have become this process's children (`walls.adopt_orphans`)."""
    while alive := [process for process in family(os.getpid())[1:] if still_runs(process)]:
        for process in alive:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=1)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def still_runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
