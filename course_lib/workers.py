"""Starting, watching and stopping actor-learners, as threads or as processes of their own.

Threads take turns: the emulator holds the interpreter's lock while it plays. Processes use every core; they share the global network, its optimiser's
statistics and the count of steps through shared memory. A process can be killed at any moment, with a lock in its hand: nothing here waits for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from course_lib.a3c import ActorLearner, Failure, Shared, reporting_failure
from course_lib.config import A3CConfig
from course_lib.errors import WorkerFailed
from course_lib.learners import ActorCritic, one_thread_each

PATIENCE_SECONDS = 30.0  # for workers that were asked to stop


def start_workers(config: A3CConfig, framework: str, learner: ActorCritic, step: int, seeds: list[int], device: str) -> tuple[Shared, list]:
    """Start the actor-learners one by one, as threads or as processes; returns what they share, and them."""
    if config.workers_as == "threads":
        shared = Shared(learner, threading.Lock(), SimpleNamespace(value=step), queue.SimpleQueue(), SimpleNamespace(value=False))
        workers = [ActorLearner(i, config, framework, shared, seed, device) for i, seed in enumerate(seeds)]  # before any of them runs
    else:
        learner.share_memory()
        context = process_context()
        steps, stop = context.Value("q", step, lock=False), context.Value("b", False, lock=False)
        shared = Shared(learner, context.Lock(), steps, context.Queue(), stop)
        arguments = [(i, config, framework, shared, seed) for i, seed in enumerate(seeds)]
        workers = [context.Process(target=work, args=each, daemon=True, name=f"actor-learner {each[0]}") for each in arguments]
    started = []
    try:
        with ctrl_c_held():
            for worker in workers:
                worker.start()
                started.append(worker)
    except BaseException:
        stop_workers(shared, started)
        raise
    return shared, workers


def process_context():
    """How processes are made: from a server that has imported what they need once, where there is one; never by forking a process with threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_lib.workers", "course_lib.backends.torch.actor_critic"])
    return context


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Ctrl-C inside waits until the end, and is for the main process alone; a terminal sends it to the young processes, too.

    Not SIGTERM: processes that others start through the same server inherit what is held, and are ended with it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work(worker: int, config: A3CConfig, framework: str, shared: Shared, seed: int) -> None:
    """What a process of its own does: an actor-learner, as long as the process that started it lives."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the main process hears them, and asks all to stop
    with reporting_failure(worker, shared), one_thread_each(framework):
        threading.Thread(target=end_with_parent, daemon=True).start()
        ActorLearner(worker, config, framework, shared, seed).run()


def end_with_parent() -> None:
    """Nobody is left who could save anything, or let go of the lock."""
    multiprocessing.parent_process().join()
    os._exit(1)


def take_reports(shared: Shared, workers: list) -> tuple[list[np.ndarray], list[Failure]]:
    """The reports that have come in: (rows of games that are over, failures). A process that died without a word has failed, too."""
    games, failures = [], []
    dead = [i for i, worker in enumerate(workers) if getattr(worker, "exitcode", None)]  # before the reports: a last word counts
    try:
        while True:
            report = shared.reports.get_nowait()
            (failures if isinstance(report, Failure) else games).append(report)
    except queue.Empty:
        pass
    told = {failure.worker for failure in failures}
    failures += [Failure(i, cause_of_death(workers[i].exitcode)) for i in dead if i not in told]
    return games, failures


def cause_of_death(exitcode: int) -> str:
    """A sentence on a process that ended without one of its own."""
    if exitcode < 0:
        return f"Its process was killed by signal {-exitcode} (9: often for want of memory)."
    return f'Its process ended with exit code {exitcode}. (A script that trains needs the line: if __name__ == "__main__":)'


def stop_workers(shared: Shared, workers: list) -> list[np.ndarray]:
    """Ask all to stop and wait for them; returns their last games. A process that does not answer is killed."""
    shared.stop.value = True
    games, deadline = [], time.monotonic() + PATIENCE_SECONDS
    while any(worker.is_alive() for worker in workers) and time.monotonic() < deadline:
        stuck = any(getattr(worker, "exitcode", None) for worker in workers)  # one died: others may wait for the lock it held
        deadline = min(deadline, time.monotonic() + 2.0) if stuck else deadline
        games += take_reports(shared, workers)[0]  # a process ends when its reports have been read
        time.sleep(0.05)
    for worker in workers:
        if worker.is_alive() and hasattr(worker, "kill"):
            worker.kill()
            worker.join()
    return games + take_reports(shared, workers)[0]


@contextmanager
def holding(lock, failures: list[Failure]) -> Iterator[None]:
    """The lock; or WorkerFailed, if one of those that failed has taken it along."""
    if not lock.acquire(timeout=2.0 if failures else PATIENCE_SECONDS):
        reasons = "".join(f"\nactor-learner {failure.worker}: {failure.reason}" for failure in failures)
        raise WorkerFailed(f"the global network is held by a worker that does not answer; the last checkpoint stands: go on with --resume.{reasons}")
    try:
        yield
    finally:
        lock.release()
