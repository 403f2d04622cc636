"""Hidden tests of lesson 05, threads.

What threads do by chance happens here on cue, as in the public checks. A right answer passes however slowly its threads are run; time
limits only end the waiting of, and for, wrong ones.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from course_lib.grading.probing import probe

LIMIT = 5.0  # seconds after which an answer hangs
PATIENCE = 3.0  # seconds in which all workers must have come
HUNG: list[Callable] = []  # answers that have hung once; from then on a second must do


class Hangs(Exception):
    """The answer has not come back."""


class Call:
    """A call of an answer in a thread of its own: what it returned or raised, whether it hangs, how many threads ended in an error."""

    def __init__(self, answer: Callable, function: Callable[[], Any]):
        self.returned = self.error = None
        self.uncaught = 0
        thread = threading.Thread(target=self.run, args=(function,), daemon=True)  # so are the threads that it starts
        hook, threading.excepthook = threading.excepthook, self.count_error
        try:
            thread.start()
            thread.join(1.0 if answer in HUNG else LIMIT)
        finally:
            threading.excepthook = hook
        self.hangs = thread.is_alive()
        if self.hangs:
            HUNG.append(answer)

    def run(self, function: Callable[[], Any]) -> None:
        try:
            self.returned = function()
        except BaseException as error:
            self.error = error

    def count_error(self, event: Any) -> None:
        self.uncaught += 1

    def result(self) -> Any:
        if self.hangs:
            raise Hangs
        if self.error is not None:
            raise self.error
        return self.returned


def plain_list(results: Any) -> list:
    """Results as they are at this moment, one a worker."""
    if isinstance(results, dict | set | str):
        raise TypeError("results are a list")
    return list(results)


# --- 05.1: start, wait, collect -------------------------------------------------------------------------------------------------------


class Stage:
    """Directs the workers that an answer starts: they begin once all are started (a loop variable then has its last value), meet at work,
    and go home in reverse order, worker 0 only when the caller has had time to run away."""

    def __init__(self, results: list, hold: float = 0.0):
        self.results, self.hold, self.count = results, hold, len(results)
        self.curtain, self.returned = threading.Event(), threading.Event()
        self.meeting, self.home = threading.Barrier(self.count), [threading.Event() for _ in results]
        self.together = True
        self.numbers: list[int] = []
        self.threads: set[threading.Thread] = set()

    def work(self, number: int) -> Any:
        self.numbers.append(number)
        self.threads.add(threading.current_thread())
        try:
            self.meeting.wait(PATIENCE)
        except threading.BrokenBarrierError:
            self.together = False
        if self.together and number + 1 < self.count:
            self.home[number + 1].wait(PATIENCE)
        if number == 0:
            self.returned.wait(self.hold)
        self.home[number].set()
        return self.results[number]

    @contextmanager
    def directed(self) -> Iterator[None]:
        """Meanwhile threads that this thread starts wait for the curtain, which rises for all at once."""
        caller, start, started = threading.current_thread(), threading.Thread.start, []

        def directed_start(thread: threading.Thread) -> None:
            if threading.current_thread() is caller:
                run = thread.run
                thread.run = lambda: (self.wait_for_the_curtain(), run())
                started.append(thread)
            start(thread)
            if len(started) == self.count:
                self.curtain.set()

        threading.Thread.start = directed_start
        try:
            yield
        finally:
            threading.Thread.start = start

    def wait_for_the_curtain(self) -> None:
        if not self.curtain.wait(PATIENCE):
            self.curtain.set()  # nobody else needs to wait as long

    def perform(self, answer: Callable) -> list:
        """What the answer returned, and facts about its workers at that moment. Runs in the thread that becomes the caller."""
        try:
            with self.directed():
                results = plain_list(answer(self.work, self.count))
            all_home = all(event.is_set() for event in self.home)
        finally:
            self.returned.set()
        strangers = self.threads - {threading.current_thread()}
        return [results, sorted(self.numbers), self.together, all_home, len(strangers)]


@probe("05.1", "workers who are at work together and done in another order, and what comes back")
def workers_on_stage(answer, rng):
    found = []
    for count, hold in ((int(rng.integers(9, 13)), 0.15), (int(rng.integers(2, 5)), 0.0)):
        stage = Stage(rng.permutation(1_000)[:count].tolist(), hold)
        call = Call(answer, lambda: stage.perform(answer))
        found.append([call.result(), call.uncaught])
        if not stage.together:
            break  # it has waited long enough
    return found


@probe("05.1", "a single worker", extra=True)
def one_worker(answer, rng):
    number = int(rng.integers(100, 1_000))
    return Call(answer, lambda: plain_list(answer(lambda i: number + i, 1))).result()


@probe("05.1", "very many workers at once", extra=True)
def many_workers(answer, rng):
    stage = Stage(rng.permutation(1_000)[:50].tolist())
    return Call(answer, lambda: stage.perform(answer)).result()


@probe("05.1", "workers who return something else than numbers, or nothing", extra=True)
def other_results(answer, rng):
    things = [None, "text", [1, 2], {"a": 1}, (), False, object()]
    things = [things[i] for i in rng.permutation(len(things))]
    results = Call(answer, lambda: plain_list(answer(things.__getitem__, len(things)))).result()
    return len(results), [one is other for one, other in zip(results, things)]


# --- 05.2: how many times as fast -----------------------------------------------------------------------------------------------------


def draw_seconds(rng, ways: list[str], rounds: int = 5, scale: float = 1.0) -> dict[str, list[float]]:
    """Seconds of some ways; each has its best round neither first nor last, and "one thread" in another round than the others."""
    seconds = {}
    for way in ways:
        drawn = sorted(rng.uniform(0.5, 9, rounds).tolist())
        drawn.insert(2 if way == "one thread" else 3, drawn.pop(0))
        seconds[way] = [scale * one for one in drawn]
    return seconds


def by_way(answer, seconds: dict) -> list:
    """Speed-ups as pairs, and the seconds afterwards."""
    found = answer(seconds)
    return [[way, found[way]] for way in sorted(found)], sorted(seconds.items())


@probe("05.2", "the speed-up of each way, whatever the ways are", tolerance=1e-7)
def ways(answer, rng):
    names = [["4 threads", "one thread", "4 processes"], ["8 processes", "2 threads", "one thread"], ["a cluster", "one thread"]]
    return [by_way(answer, draw_seconds(rng, some)) for some in names]


@probe("05.2", "one thread and nothing else", extra=True, tolerance=1e-7)
def one_thread_only(answer, rng):
    return by_way(answer, draw_seconds(rng, ["one thread"]))


@probe("05.2", "a single round", extra=True, tolerance=1e-7)
def single_round(answer, rng):
    return by_way(answer, {way: [float(rng.uniform(0.5, 9))] for way in ("2 threads", "one thread", "3 threads")})


@probe("05.2", "seconds that are whole numbers, and very short times", extra=True, tolerance=1e-7)
def other_seconds(answer, rng):
    whole = {way: rng.integers(2, 90, 4).tolist() for way in ("9 threads", "one thread")}
    return by_way(answer, whole), by_way(answer, draw_seconds(rng, ["2 threads", "one thread"], scale=1e-6))[0]


# --- 05.3: a lock ---------------------------------------------------------------------------------------------------------------------


class Deadlock(BaseException):
    """Ends a worker that would wait for itself; no `except Exception` holds it up."""


class Shared:
    """A counter and its lock, both in one object. Whenever the lock is free, after a read or a release, somebody else comes in and adds.

    busy: somebody else also takes the lock whenever it is free, and gives it back when asked for it.
    """

    def __init__(self, value: float, rewards: list, busy: bool = False):
        self.hidden, self.rewards, self.busy = value, rewards, busy
        self.held = False
        self.taken = busy  # by somebody else
        self.visits = self.acts = 0
        self.locked_acts = 0

    def visit(self) -> None:
        self.hidden += 1_000
        self.visits += 1

    def act(self) -> float:
        self.acts += 1
        self.locked_acts += self.held
        return self.rewards[self.acts - 1]

    @property
    def value(self) -> float:
        read = self.hidden
        if not self.held:
            self.visit()
        return read

    @value.setter
    def value(self, value: float) -> None:
        self.hidden = value

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self.held and blocking:
            raise Deadlock
        if self.held or (self.locked() and not blocking):
            return False
        self.held = True
        return True

    def release(self) -> None:
        if not self.held:
            raise RuntimeError("release unlocked lock")
        self.held, self.taken = False, self.busy
        self.visit()

    def locked(self) -> bool:
        """Is the lock held? Somebody else says yes and leaves."""
        locked, self.taken = self.held or self.taken, False
        return locked

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: Any) -> None:
        self.release()

    def play(self, answer: Callable) -> list:
        """What has become of it when the answer has played all steps."""
        Call(answer, lambda: answer(self, self, self.act, len(self.rewards))).result()
        return [self.hidden - 1_000 * self.visits, self.acts, self.locked_acts, self.held]


@probe("05.3", "the counter, when others add whenever the lock is free", tolerance=1e-9)
def others_add(answer, rng):
    return [Shared(int(rng.integers(10, 90)), rng.integers(0, 30, steps).tolist()).play(answer) for steps in (1, 2, 6)]


@probe("05.3", "the counter, when the lock is often held by others", tolerance=1e-9)
def others_hold_the_lock(answer, rng):
    return Shared(int(rng.integers(10, 90)), rng.integers(1, 30, 4).tolist(), busy=True).play(answer)


class Counter:
    """The lesson's."""

    def __init__(self, value: float = 0):
        self.value = value


@probe("05.3", "real threads that play at the same time", extra=True)
def real_threads(answer, rng):
    """Both meet in each of their steps: who holds the lock meanwhile keeps the other out."""
    counter, lock, meeting = Counter(int(rng.integers(10, 90))), threading.Lock(), threading.Barrier(2)
    rewards = rng.integers(1, 30, (2, 20)).tolist()

    def play(rewards: Iterator[int]) -> None:
        def act() -> int:
            meeting.wait(PATIENCE)
            return next(rewards)

        answer(counter, lock, act, 20)

    def both() -> None:
        other = threading.Thread(target=play, args=(iter(rewards[0]),))
        other.start()
        play(iter(rewards[1]))
        other.join()

    call = Call(answer, both)
    call.result()
    return call.uncaught, counter.value, lock.locked()


@probe("05.3", "no steps at all", extra=True)
def no_steps(answer, rng):
    return Shared(int(rng.integers(10, 90)), []).play(answer)


@probe("05.3", "rewards below zero, and fractions", extra=True, tolerance=1e-9)
def other_rewards(answer, rng):
    return Shared(float(rng.normal()), rng.normal(0, 2, 5).tolist()).play(answer)


@probe("05.3", "what the function returns", extra=True)
def returns_nothing(answer, rng):
    counter = Counter(int(rng.integers(10, 90)))
    return Call(answer, lambda: answer(counter, threading.Lock(), lambda: 1, 3)).result(), counter.value


# --- 05.4: an exception comes home ----------------------------------------------------------------------------------------------------


class Mishap(Exception):
    """What goes wrong at work."""


class Loss(Mishap):
    """One that cannot be made again from its text."""

    def __init__(self, worker: int, score: int):
        super().__init__(f"worker {worker} lost")
        self.worker, self.score = worker, score


class Team:
    """Workers that come to work together. One may fail, a second one after it; the others wait until they are told to stop.

    pause: seconds until the first fails; meanwhile its caller has started to wait, or never will.
    """

    def __init__(self, results: list, fails: int | None = None, then_fails: int | None = None, pause: float = 0.0):
        self.results, self.fails, self.then_fails, self.pause, self.count = results, fails, then_fails, pause, len(results)
        self.meeting, self.threads = threading.Barrier(self.count), {}
        self.done = [threading.Event() for _ in results]
        self.stops: list[threading.Event] = []
        self.together = True
        self.told_early: list[bool] = []

    def work(self, number: int, stop: threading.Event) -> Any:
        if not isinstance(stop, threading.Event):
            raise TypeError("stop is a threading.Event")
        self.told_early.append(stop.is_set())
        self.stops.append(stop)
        self.threads[number] = threading.current_thread()
        try:
            self.meeting.wait(PATIENCE)
        except threading.BrokenBarrierError:
            self.together = False
        if self.fails is None:
            self.end_as_last(number, stop)
        elif number == self.fails:
            time.sleep(self.pause)
            raise Mishap(f"worker {number} lost {self.results[number]}")
        else:
            stop.wait(2 * LIMIT)
            if number == self.then_fails:
                self.threads[self.fails].join(0.1)  # the first has had its say; the thread of a pool does not end
                raise Mishap(f"worker {number} gave up")
        self.done[number].set()
        return self.results[number]

    def end_as_last(self, number: int, stop: threading.Event) -> None:
        """Worker 0 sees all others off, and whether anybody was told to stop meanwhile."""
        if number == 0 and self.together:
            for other in range(1, self.count):
                self.done[other].wait(PATIENCE)
                self.threads[other].join(0.02)
            self.told_early.append(stop.is_set())

    def play(self, answer: Callable) -> Call:
        call = Call(answer, lambda: plain_list(answer(self.work, self.count)))
        self.told = bool(self.stops) and all(stop.is_set() for stop in self.stops)
        for stop in self.stops:
            stop.set()  # whoever still waits goes home
        return call


def draw_results(rng, count: int) -> list[int]:
    return rng.permutation(1_000)[:count].tolist()


def origins(error: BaseException | None) -> Iterator[str]:
    """The functions in the tracebacks of an exception and of those that it came from."""
    while error is not None:
        yield from (frame.f_code.co_qualname for frame, _ in traceback.walk_tb(error.__traceback__))
        error = error.__cause__ or error.__context__


def facts_of_failure(team: Team, call: Call) -> list:
    error = call.error
    if call.hangs or error is None:
        return [call.hangs, "nothing was raised"]
    return [type(error).__name__, str(error), team.work.__qualname__ in origins(error), team.told, team.together]


@probe("05.4", "workers of whom none fails")
def none_fails(answer, rng):
    team = Team(draw_results(rng, 4))
    call = team.play(answer)
    return call.result(), call.uncaught, team.together, any(team.told_early), len(set(map(id, team.stops)))


@probe("05.4", "a worker that fails while all others wait, and another one that fails because of it")
def one_fails(answer, rng):
    found = []
    for count, fails, then_fails, pause in ((5, int(rng.integers(1, 4)), None, 0.05), (4, 2, 0, 0.0)):
        team = Team(draw_results(rng, count), fails, then_fails, pause)
        found.append(facts_of_failure(team, call := team.play(answer)))
        if call.hangs:
            break
    return found


@probe("05.4", "the very exception, with all that it knows", extra=True)
def very_exception(answer, rng):
    raised = []

    def work(number, stop):
        if number == 1:
            raised.append(Loss(number, score))
            raise raised[0]
        stop.wait(LIMIT)

    score = int(rng.integers(100))
    error = Call(answer, lambda: answer(work, 3)).error
    return error is not None and error is raised[0], error.score


@probe("05.4", "a failure before the others have begun", extra=True)
def early_failure(answer, rng):
    number = int(rng.integers(100))

    def work(worker, stop):
        if worker == 0:
            raise Mishap(f"no game {number}")
        stop.wait(LIMIT)

    errors = [Call(answer, lambda: answer(work, count)).error for count in (1, 6)]
    return [[type(error).__name__, str(error)] for error in errors]


@probe("05.4", "a call after one that failed", extra=True)
def call_after_failure(answer, rng):
    Team(draw_results(rng, 3), fails=1).play(answer)
    team = Team(draw_results(rng, 3))
    call = team.play(answer)
    return call.result(), call.uncaught, any(team.told_early)


@probe("05.4", "workers who return something else than numbers, or nothing", extra=True)
def other_results_of_a_team(answer, rng):
    things = [None, "text", [1, 2], False, (), object()]
    things = [things[i] for i in rng.permutation(len(things))]
    results = Call(answer, lambda: plain_list(answer(lambda i, stop: things[i], len(things)))).result()
    return len(results), [one is other for one, other in zip(results, things)]


@probe("05.4", "very many workers", extra=True)
def large_team(answer, rng):
    team = Team(draw_results(rng, 40), fails=int(rng.integers(40)))
    return facts_of_failure(team, team.play(answer))
