"""Checks of lesson 05, threads. What threads do by chance they do here on cue, so that a mistake shows every time.

An answer runs in a thread of its own with a time limit. Its workers meet a `Stage` that says who begins, who ends and when (05.1), a
`Rehearsal` in which another worker comes in wherever it can do harm (05.3), or colleagues that wait for one who fails (05.4). A time limit
only ever ends an answer that would never end by itself; a right answer is right however slowly its threads are run.
"""

from __future__ import annotations

import ctypes
import io
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import takewhile
from types import CodeType, FrameType
from typing import Any

import numpy as np

from course_lib.checks.base import Mistake, exercise

LIMIT = 8.0  # seconds after which an answer hangs; a right one takes milliseconds
MEETING = 3.0  # seconds in which all workers must have come, once they may
PATIENCE = 2.0  # seconds that a worker grants its caller to show that it waits


@dataclass
class Trial:
    """What an answer did: what it returned or raised, whether it hangs, and the errors that ended its threads."""

    returned: Any = None
    error: BaseException | None = None
    hangs: bool = False
    uncaught: list[BaseException] = field(default_factory=list)


def attempt(function: Callable[[], Any], limit: float = LIMIT) -> Trial:
    """Call a function in a thread of its own; after `limit` seconds go on without it."""
    trial, over = Trial(), threading.Event()

    def run() -> None:
        returned = error = None
        try:
            returned = function()
        except BaseException as raised:
            error = raised
        if not trial.hangs:
            trial.returned, trial.error = returned, error
            over.set()

    hook = threading.excepthook
    threading.excepthook = lambda event: trial.uncaught.append(event.exc_value)
    thread = threading.Thread(target=run, daemon=True)  # threads that it starts are daemons too: none outlives the kernel
    try:
        thread.start()
        trial.hangs = not over.wait(limit)
        if trial.hangs:
            end(thread)
    finally:
        threading.excepthook = hook
    return trial


def end(thread: threading.Thread) -> None:
    """Raise SystemExit in a thread, so that an endless loop does not keep a core busy; one that waits does no harm."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))


def reraise(trial: Trial) -> None:
    """Raise what the answer raised; what is no ordinary exception would end the notebook's kernel, so that is told."""
    if str(trial.error) == "'NoneType' object has no attribute 'join'":
        raise Mistake("`start()` returns None, and that is what you kept: keep the thread, and start it in a line of its own")
    if isinstance(trial.error, Exception):
        raise trial.error
    if trial.error is not None:
        raise Mistake(f"your code ended with {in_words(trial.error)}; leave the notebook running")


def in_words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return type(error).__name__ + (f": {lines[0]}" if lines else "")


# --- 05.1: start, wait, collect -------------------------------------------------------------------------------------------------------


class Stage:
    """Directs the workers that an answer starts, so that luck has no part in what comes out.

    They begin once all are started (a loop variable then has its last value), and come to work together. They end in reverse order, each
    when its predecessor's thread is over, and only while the caller waits: whoever does not wait is home first.
    """

    def __init__(self, count: int):
        self.count = count
        self.news = threading.Condition()
        self.caller: threading.Thread | None = None
        self.waits_for: threading.Thread | None = None  # whom the caller is joining
        self.gave_up_on: set[threading.Thread] = set()  # whom it joined with a timeout, in vain
        self.patience = PATIENCE
        self.started = 0
        self.numbers: list[Any] = []  # what the workers were called with, in the order of their calls
        self.hands: dict[str, threading.Thread] = {}  # who came to work, and as which number
        self.crew: dict[int, threading.Thread] = {}  # the same, once they are the workers that were asked for
        self.done = 0  # calls of `work` that are over
        self.on_the_spot: str | None = None  # how `work` came to be called by the caller itself
        self.one_by_one = self.over = False
        self.came: int | None = None  # how many had come when the first lost patience
        self.unfinished = 0  # workers still at work when the answer returned

    def perform(self, answer: Callable) -> Any:
        """Let the answer play; runs in the thread that becomes the caller."""
        self.caller = threading.current_thread()
        with self.directed():
            try:
                results = answer(self.work, self.count)
            finally:
                self.tell(over=True, unfinished=self.count - self.done)
        return list(results) if isinstance(results, list) else results  # as it was on return

    def tell(self, **news: Any) -> None:
        with self.news:
            vars(self).update(news)
            self.news.notify_all()

    def settle(self, trial: Trial) -> None:
        """Send everybody home, and let those that were started still come to be counted."""
        self.tell(over=True)
        with self.news:
            self.news.wait_for(lambda: len(self.numbers) + len(trial.uncaught) >= min(self.started, self.count), MEETING)

    @contextmanager
    def directed(self) -> Iterator[None]:
        """Meanwhile, threads that the caller starts wait for the curtain, and the stage hears whom the caller waits for."""
        start, join = threading.Thread.start, threading.Thread.join

        def directed_start(thread: threading.Thread) -> None:
            if threading.current_thread() is self.caller:
                run = thread.run
                thread.run = lambda: (self.wait_for_the_curtain(), run())
                self.tell(started=self.started + 1)
            start(thread)

        def directed_join(thread: threading.Thread, timeout: float | None = None) -> None:
            if threading.current_thread() is not self.caller:
                return join(thread, timeout)
            too_early = thread.is_alive() and self.started == 1 < self.count
            waits = timeout is None or thread in self.gave_up_on  # whoever gives up for good does not wait; whoever asks again does
            self.tell(waits_for=thread if waits else None, one_by_one=self.one_by_one or too_early)
            join(thread, timeout)
            self.tell(waits_for=None)
            if thread.is_alive():
                self.gave_up_on.add(thread)

        threading.Thread.start, threading.Thread.join = directed_start, directed_join
        try:
            yield
        finally:
            threading.Thread.start, threading.Thread.join = start, join

    def caller_waits(self) -> bool:
        """Is the caller in a `join` of a thread that lives, or in another wait of Python's library?"""
        if self.waits_for is not None:
            return self.waits_for.is_alive()
        frame = sys._current_frames().get(self.caller.ident)
        if frame is None or (frame.f_code.co_filename, frame.f_code.co_name) != (threading.__file__, "wait"):
            return False
        return "directed_start" not in callers_up_to(Stage.perform, frame)  # `start` waits, too, for a moment

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait with `news` held, looking up often: nobody brings the news that the caller waits."""
        deadline = time.monotonic() + seconds
        while not (fulfilled := condition()) and time.monotonic() < deadline:
            self.news.wait(0.01)
        return fulfilled

    def wait_for_the_curtain(self) -> None:
        with self.news:
            self.wait_until(lambda: self.started >= self.count or self.one_by_one or self.over or self.caller_waits(), MEETING)

    def work(self, number: Any) -> int:
        """The work that the answer is given: worker i returns i * i."""
        if threading.current_thread() is self.caller:
            self.on_the_spot = self.on_the_spot or ("run()" if "run" in callers_up_to(Stage.perform, sys._getframe()) else "call")
            return square(number)
        with self.news:
            self.numbers.append(number)
            self.hands[repr(number)] = threading.current_thread()
            if len(self.numbers) == self.count and not self.came and set(self.hands) == set(map(repr, range(self.count))):
                self.crew = {int(name): thread for name, thread in self.hands.items()}
            self.news.notify_all()
            self.news.wait_for(lambda: len(self.numbers) >= self.count or self.one_by_one or self.came or self.over, MEETING)
            if len(self.numbers) < self.count and not self.over:
                self.came = self.came or len(self.numbers)
            if number in self.crew:
                self.wait_for_my_end(number)
            self.done += 1
            self.news.notify_all()
        return square(number)

    def wait_for_my_end(self, number: int) -> None:
        """Stay until the workers with higher numbers are over and the caller waits. Called with `news` held."""
        self.news.wait_for(lambda: self.done == self.count - 1 - number or self.over, LIMIT)
        if number + 1 in self.crew and not self.over:
            self.news.release()
            self.crew[number + 1].join(0.05)  # its thread is over, unless it belongs to a pool
            self.news.acquire()
        if not self.wait_until(lambda: self.over or self.caller_waits(), self.patience):
            self.patience = 0.05  # it waits by means of its own, or does not wait at all: then it is gone by now


def callers_up_to(function: Callable, frame: FrameType) -> list[str]:
    """The names of the functions on the way from `function` to a frame."""
    frames = (frame for frame, _ in traceback.walk_stack(frame))
    return [frame.f_code.co_name for frame in takewhile(lambda frame: frame.f_code is not function.__code__, frames)]


def square(number: Any) -> Any:
    return number * number if isinstance(number, int) else None


def reference_workers(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        return list(pool.map(work, range(num_workers)))


@exercise("05.1", reference=reference_workers, why="Eight hands, one memory, and nobody leaves before the last has put its tool down.")
def run_workers(answer):
    for count in (8, 3):
        stage = Stage(count)
        trial = attempt(lambda: stage.perform(answer))
        stage.settle(trial)
        expect_workers(stage, trial)
        expect_results(trial.returned, [i * i for i in range(count)], f"run_workers(square, {count})")


def expect_workers(stage: Stage, trial: Trial) -> None:
    """What must hold of the workers, whatever was returned."""
    count, begun = stage.count, len(stage.numbers)
    reraise(trial)
    if stage.on_the_spot == "run()":
        raise Mistake(
            "work(0) ran in the caller's own thread: `run()` only does a thread's work on the spot; `start()` makes it a thread and lets "
            "that do it"
        )
    if stage.on_the_spot:
        raise Mistake(
            "work(0) ran in the caller's own thread, before any other was there: `work(i)` with brackets calls it on the spot; hand the "
            "function over, `target=work, args=(i,)`"
        )
    if stage.one_by_one:
        raise Mistake(
            f"it waits for worker 0 before it starts worker 1, so that never two of the {count} work at once: start them all in one loop, "
            "then wait for them in another"
        )
    if trial.hangs and begun == count:
        raise Mistake(f"all {count} workers came to an end, and still it has not returned after {LIMIT:g} s: what is it waiting for?")
    if begun == 0:
        hint = f" (it started {stage.started} threads)" if stage.started else ": a thread works once `start()` is called"
        raise Mistake(f"no worker ever called `work`{because(trial.uncaught) or hint}")
    if stage.came and begun >= count:
        advice = f"give each worker a thread of its own (a pool needs `max_workers={count}`)"
        if stage.started >= count:
            advice = "something keeps the others out; `work` needs no lock"
        raise Mistake(f"never more than {stage.came} of the {count} workers were at work at the same time: {advice}")
    if begun != count:
        raise Mistake(f"{count} workers were asked for; `work` was called {begun} times: let `num_workers` say how many")
    if len(set(map(repr, stage.numbers))) == 1:
        raise Mistake(
            f"all {count} workers did the work of worker {stage.numbers[0]}: a function that looks up the loop variable finds what it "
            "holds by then, not what it held when you made the function; hand the number over with `args=(i,)`"
        )
    if sorted(map(repr, stage.numbers)) != sorted(map(repr, range(count))):
        raise Mistake(f"the workers are called 0 to {count - 1}; yours were called {', '.join(sorted(map(repr, stage.numbers)))}")
    if stage.unfinished > 0:
        raise Mistake(
            f"it returned while {stage.unfinished} of the {count} workers were still at work: wait for every one of them with `join()`"
        )
    if trial.uncaught:
        raise Mistake(f"a worker did its work, and its thread then ended in an error{because(trial.uncaught)}")


def because(errors: list[BaseException]) -> str:
    return f": its thread ended with {in_words(errors[0])}" if errors else ""


def expect_results(got: Any, right: list, call: str) -> None:
    if got is None:
        raise Mistake(f"{call} returns nothing: it must end with `return`")
    if isinstance(got, dict | set) or isinstance(got, str) or not hasattr(got, "__len__"):
        raise Mistake(f"{call} must return a list of {len(right)} results; yours is a {type(got).__name__}")
    got = list(got)
    if any(isinstance(entry, threading.Thread) for entry in got):
        raise Mistake(f"{call} returns the threads; return what their work returned")
    if any(hasattr(entry, "result") and hasattr(entry, "done") for entry in got):
        raise Mistake(f"{call} returns futures; return what their `result()` gives")
    if got == right:
        return
    reason = ""
    if all(entry is None for entry in got) and got:
        reason = ": a thread throws away what its function returns; store it yourself"
    elif sorted(map(repr, got)) == sorted(map(repr, right)):
        reason = ": that is the order in which they ended; give worker i's result the place i"
    elif sorted(map(repr, (entry[-1] for entry in got if isinstance(entry, tuple)))) == sorted(map(repr, right)):
        reason = ": return the results alone"
    elif len(got) > len(right) and all(entry in got for entry in right):
        reason = ": there are more results than workers; a list that outlives the call keeps those of the last one, so make it inside"
    raise Mistake(f"{call} must return {right}; yours returns {shown(got)}{reason}")


def shown(value: Any) -> str:
    """A list as a sentence shows it; of anything but numbers and None, only the kind."""
    plain = all(entry is None or isinstance(entry, bool | int | float) for entry in value)
    return str(value) if plain else f"a list of {len(value)} with a {type(next(e for e in value if e is not None)).__name__} in it"


# --- 05.2: how many times as fast -----------------------------------------------------------------------------------------------------


def reference_speedups(seconds):
    base = min(seconds["one thread"])
    return {way: base / min(rounds) for way, rounds in seconds.items()}


SECONDS = {"4 threads": [4.0, 2.5, 7.0], "one thread": [10.0, 12.0, 9.0], "4 processes": [5.0, 3.6, 4.0]}
BEST = {"4 threads": 3.6, "one thread": 1.0, "4 processes": 2.5}


def speed_mistakes() -> list[tuple[Callable[[str], float], str]]:
    """What known mistakes make of SECONDS, as functions of the way, each with what to say of it."""
    one = SECONDS["one thread"]
    base = min(one)
    return [
        (lambda way: min(SECONDS[way]) / base, "upside down: half the seconds is twice as fast"),
        (lambda way: np.mean(one) / np.mean(SECONDS[way]), "from the means: other programs can only add seconds, so take each way's best"),
        (lambda way: np.median(one) / np.median(SECONDS[way]), "from the medians: take each way's best"),
        (lambda way: max(one) / max(SECONDS[way]), "from the slowest rounds: take each way's best, `min`"),
        (lambda way: max(one) / min(SECONDS[way]), "one thread's slowest round against the others' best: take its best, too"),
        (lambda way: one[0] / min(SECONDS[way]), "one thread's first round against the others' best: take its best, too"),
        (lambda way: np.mean(one) / min(SECONDS[way]), "one thread's mean against the others' best: take its best, too"),
        (lambda way: base / max(SECONDS[way]), "one thread's best against the others' slowest rounds: take each way's best"),
        (lambda way: base / np.mean(SECONDS[way]), "one thread's best against the others' means: take each way's best"),
        (lambda way: one[0] / SECONDS[way][0], "from the first round alone: take each way's best, `min`"),
        (lambda way: one[-1] / SECONDS[way][-1], "from the last round alone: take each way's best, `min`"),
        (lambda way: max(a / b for a, b in zip(one, SECONDS[way])), "the best ratio of a round: take each way's best seconds, then divide"),
        (lambda way: min(SECONDS["4 threads"]) / min(SECONDS[way]), 'compared with the first way in the dict: compare with "one thread"'),
        (lambda way: base - min(SECONDS[way]), "a difference: divide"),
        (lambda way: 100 * base / min(SECONDS[way]), "in percent: leave out the factor 100"),
        (lambda way: base / min(SECONDS[way]) - 1, "one too little: twice as fast is 2, not 1"),
        (lambda way: 4 * base / min(SECONDS[way]), "four times too much: every way does the same work in all"),
        (lambda way: base / min(SECONDS[way]) / 4, "divided by the number of workers: that is the gain of each, not of all"),
        (lambda way: round(base / min(SECONDS[way])), "rounded: leave that to the picture"),
        (lambda way: base // min(SECONDS[way]), "`//` throws the fraction away; divide with `/`"),
    ]


@exercise("05.2", reference=reference_speedups, why="The best round is the one that other programs disturbed least.")
def speedups(answer):
    given = {way: list(rounds) for way, rounds in SECONDS.items()}
    trial = attempt(lambda: answer(given))
    if trial.hangs:
        raise Mistake(f"three ways with three rounds each, and it is not back after {LIMIT:g} s")
    if given != SECONDS:
        raise Mistake("it changes the seconds that it is given; leave them as they are")
    reraise(trial)
    got = trial.returned
    if got is None:
        raise Mistake("speedups(seconds) returns nothing: it must end with `return`")
    if not isinstance(got, Mapping):
        raise Mistake(f"speedups(seconds) must return a dict, one number for each way; yours is a {type(got).__name__}")
    if set(got) != set(SECONDS):
        missing = ", ".join(sorted(set(SECONDS) - set(got)))
        raise Mistake(
            f"the result has no {missing}: every way of `seconds` gets a number, one thread too"
            if missing
            else "the result has entries that `seconds` does not have"
        )
    for way, value in got.items():
        if not isinstance(value, int | float | np.number) or isinstance(value, bool):
            raise Mistake(f'the speed-up of "{way}" must be one number; yours is a {type(value).__name__}')
    wrong = next((way for way in ("one thread", "4 threads", "4 processes") if not np.isclose(got[way], BEST[way], rtol=1e-6)), None)
    if wrong is not None:
        reason = next((f": {why}" for slip, why in speed_mistakes() if all(np.isclose(got[way], slip(way)) for way in SECONDS)), "")
        others = "" if wrong == "one thread" else f' and "{wrong}" {SECONDS[wrong]} s'
        raise Mistake(
            f'with "one thread" {SECONDS["one thread"]} s{others} the speed-up of "{wrong}" must be {BEST[wrong]}; '
            f"yours is {round(float(got[wrong]), 3)}{reason}"
        )
    other = {"one thread": [3.0], "2 threads": [3.2]}
    trial = attempt(lambda: answer({way: list(rounds) for way, rounds in other.items()}))
    if trial.error is not None or trial.hangs or not isinstance(trial.returned, Mapping) or set(trial.returned) != set(other):
        right = {"one thread": 1.0, "2 threads": 0.9375}
        raise Mistake(f"it cannot do other ways than those of the example: with {other} it must return {right}")
    if not np.isclose(got := trial.returned["2 threads"], 0.9375, rtol=1e-6):
        reason = "rounded: leave that to the picture" if np.isclose(got, 0.9375, atol=0.5) else "it must come from the seconds alone"
        raise Mistake(f'with {other} the speed-up of "2 threads" must be 0.9375; yours is {float(got):g}: {reason}')


# --- 05.3: a lock ---------------------------------------------------------------------------------------------------------------------


class Deadlock(BaseException):
    """Ends a worker that would wait for itself; no `except Exception` holds it up."""


class Rehearsal:
    """A counter, a lock and an act for two workers. The first is watched; the second comes in, and does all of its work, as soon as the
    first has read the counter, not yet written it, and does not hold the lock."""

    def __init__(self, answer: Callable, rewards: list[int], value: int = 0, visited: bool = False, occupied: bool = False):
        self.answer, self.rewards, self.value, self.visited = answer, rewards, value, visited
        self.acts, self.locked_act, self.deadlock = 0, False, False
        self.visitor_waits = False  # for something else than the lock
        self.owner: Any = "somebody" if occupied else None  # who holds the lock: a thread
        self.first: threading.Thread | None = None  # the watched worker
        self.has_read = False
        self.read_locked = self.written_locked = None  # the lock's state at the last read and write of the first worker
        self.taken = 0

    def play(self) -> Trial:
        """Run the watched worker."""

        def run() -> None:
            self.first = threading.current_thread()
            self.answer(Counter(self), Lock(self), self.act, len(self.rewards))

        trial = attempt(run)
        self.visit()  # at the latest
        return trial

    @property
    def watching(self) -> bool:
        return threading.current_thread() is self.first

    @property
    def locked(self) -> bool:
        """Does the watched worker hold the lock?"""
        return self.owner is not None and self.owner is self.first

    def visit(self) -> None:
        """The second worker comes in, once, if the lock lets it."""
        if self.visited and not self.locked:
            self.visited = False
            self.visitor_waits = attempt(lambda: self.answer(Counter(self), Lock(self), lambda: 1, 1), MEETING).hangs

    def act(self) -> int:
        self.locked_act |= self.locked
        self.acts += 1
        return self.rewards[min(self.acts, len(self.rewards)) - 1]

    def read(self) -> int:
        value = self.value
        if self.watching:
            self.has_read, self.read_locked = True, self.locked
            self.visit()
        return value

    def write(self, value: int) -> None:
        if self.watching:
            if self.has_read:
                self.visit()
            self.has_read, self.written_locked = False, self.locked
        self.value = value

    def acquire(self, blocking: bool) -> bool:
        me = threading.current_thread()
        if self.owner is me:
            if not blocking:
                return False
            self.deadlock = True
            raise Deadlock
        if not blocking and self.is_occupied():
            return False
        self.owner = me  # the watched worker stands still while the second plays, and somebody leaves when asked
        self.taken += 1
        return True

    def is_occupied(self) -> bool:
        """Does anybody hold the lock? Somebody says yes and leaves."""
        occupied = self.owner is not None
        if self.owner == "somebody":
            self.owner = None
        return occupied

    def release(self) -> None:
        if self.owner is None:
            raise RuntimeError("release unlocked lock")
        self.owner = None
        if self.watching and self.has_read:
            self.visit()


class Counter:
    """What the lesson's counter looks like, under observation."""

    def __init__(self, rehearsal: Rehearsal):
        self.rehearsal = rehearsal

    @property
    def value(self) -> int:
        return self.rehearsal.read()

    @value.setter
    def value(self, value: int) -> None:
        self.rehearsal.write(value)


class Lock:
    """What threading.Lock() offers, under observation."""

    def __init__(self, rehearsal: Rehearsal):
        self.rehearsal = rehearsal

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return self.rehearsal.acquire(blocking)

    def release(self) -> None:
        self.rehearsal.release()

    def locked(self) -> bool:
        return self.rehearsal.is_occupied()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: Any) -> None:
        self.release()


def reference_rewards(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        with lock:
            counter.value += reward


@exercise("05.3", reference=reference_rewards, why="Whoever holds the lock has the counter alone, and holds it no longer than an addition.")
def add_rewards(answer):
    alone = Rehearsal(answer, [1, 4], value=10)
    expect_an_end(alone, alone.play())
    expect_sum(alone)
    pair = Rehearsal(answer, [1], visited=True)
    expect_an_end(pair, pair.play())
    if pair.owner is not None:
        raise Mistake(
            "its work done, the worker still holds the lock, and every other waits for ever: `release()` it, or let `with lock:` do so"
        )
    if pair.visitor_waits or (pair.value == 2 and not pair.taken):
        raise Mistake("the `lock` that it is given was never taken; all workers are handed that one, and only it keeps them apart")
    if pair.value != 2:
        raise Mistake(
            f"two workers add 1 each, and the counter ends at {shown([pair.value])[1:-1]} instead of 2, for the second worker came between "
            f"the first one's reading and writing: {reason_of_loss(pair)}"
        )
    if alone.locked_act:
        raise Mistake(
            "`act()` is called while the lock is held: eight workers would play one after another; act first, then take the lock for the "
            "addition alone"
        )
    busy = Rehearsal(answer, [1], occupied=True)
    trial = busy.play()
    left_out = busy.value == 0 and trial.error is None and not trial.hangs
    if left_out or busy.written_locked is False:
        went_wrong = "left its reward out" if left_out else "changed the counter all the same"
        raise Mistake(
            f"another worker held the lock, and yours {went_wrong}: an `acquire` that does not wait returns False when it fails; wait for "
            "the lock, `with lock:`"
        )
    expect_an_end(busy, trial)


def expect_an_end(rehearsal: Rehearsal, trial: Trial) -> None:
    if rehearsal.deadlock:
        raise Mistake(
            "it takes the lock a second time while it still holds it, and waits for itself for ever: release it after each addition, or "
            "let `with lock:` do so"
        )
    if trial.hangs:
        raise Mistake(f"one worker alone with {len(rehearsal.rewards)} steps, and it is not back after {LIMIT:g} s")
    reraise(trial)


def expect_sum(alone: Rehearsal) -> None:
    """One worker alone, two steps with the rewards 1 and 4, and the counter at 10."""
    call = "with 2 steps, rewards 1 and 4, the counter at 10 before, and nobody else there"
    if alone.acts != 2:
        raise Mistake(f"{call}, `act()` must be called twice; yours calls it {alone.acts} times: once for each step")
    if alone.value != 15:
        reasons = {
            10: ": the sum never reached `counter.value`",
            12: ": add the reward, not 1",
            4: ": the reward replaced what was there; add it",
            5: ": the sum of this worker's rewards replaced what was there; add to it",
            11: ": only the first reward was added",
            14: ": only the last reward was added",
            16: ": a running total was added after each step; add each reward once",
        }
        value = shown([alone.value])[1:-1]
        raise Mistake(f"{call}, the counter must end at 15; yours ends at {value}{reasons.get(alone.value, '')}")


def reason_of_loss(pair: Rehearsal) -> str:
    if pair.read_locked and pair.written_locked:
        return "the lock was released after the reading and taken again for the writing; hold it from the one to the other"
    if pair.read_locked:
        return "only the reading is locked; hold the lock until the new value is written"
    if pair.written_locked:
        return "only the writing is locked; take the lock before the value is read"
    if not pair.taken and {"Lock", "RLock"} & names_in(getattr(pair.answer, "__code__", None)):
        return "a lock that the function makes itself is another one for each worker and keeps nobody out; take the `lock` it is given"
    if not pair.taken:
        return "the `lock` was never taken; hold it from the reading to the writing"
    return "the lock was let go before the addition; hold it from the reading to the writing"


def names_in(code: CodeType | None) -> set[str]:
    """The names that a function and those inside it look up."""
    if code is None:
        return set()
    return set(code.co_names).union(*(names_in(const) for const in code.co_consts if isinstance(const, CodeType)))


# --- 05.4: an exception comes home ----------------------------------------------------------------------------------------------------


class Mishap(Exception):
    """What goes wrong in the worker of a trial."""


class Team:
    """Four workers that come to work together. Worker 2 may fail; the others then wait for it until they are told to stop."""

    COUNT = 4

    def __init__(self, fails: bool = False, second_failure: bool = False):
        self.fails, self.second_failure = fails, second_failure
        self.news = threading.Condition()
        self.stops: list[threading.Event] = []
        self.crew: dict[int, threading.Thread] = {}
        self.told_early = self.told_in_time = self.over = False
        self.came: int | None = None  # how many had come when the first lost patience

    def work(self, number: int, stop: threading.Event) -> int:
        if not isinstance(stop, threading.Event):
            hint = ", the class itself: `threading.Event()` makes one" if stop is threading.Event else ""
            raise TypeError(f"stop must be a threading.Event; it is a {type(stop).__name__}{hint}")
        with self.news:
            self.told_early |= stop.is_set()
            self.stops.append(stop)
            self.crew[number] = threading.current_thread()
            self.news.notify_all()
            if not self.news.wait_for(lambda: len(self.crew) == self.COUNT or self.came or self.over, MEETING):
                self.came = len(self.crew)
                self.news.notify_all()
        if self.fails and number == 2:
            time.sleep(0.1)  # meanwhile its caller has long been waiting
            raise Mishap("worker 2 lost its game")
        if not self.fails and number == self.COUNT - 1 and not self.came:
            for other in range(number):
                self.crew[other].join(0.1)  # the last to work; a thread of a pool does not end
            self.told_early |= stop.is_set()
        if self.fails:
            stop.wait()
        if self.second_failure and number == 0:
            self.crew[2].join(0.3)  # the first to fail has had its say
            raise Mishap("worker 0 gave up")
        return square(number)

    def play(self, answer: Callable) -> tuple[Trial, str]:
        """Let the answer lead the team: (what it did, what was printed meanwhile)."""
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            trial = attempt(lambda: answer(self.work, self.COUNT), MEETING + 1)
        with self.news:
            self.over = True
            self.news.notify_all()
        self.told_in_time = bool(self.stops) and all(stop.is_set() for stop in self.stops)
        for stop in self.stops:
            stop.set()  # whoever still waits goes home
        return trial, printed.getvalue()


def reference_run_or_raise(work, num_workers):
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


@exercise("05.4", reference=reference_run_or_raise, why="Who fails in silence is found after the weekend; this worker is found at once.")
def run_or_raise(answer):
    right = [square(number) for number in range(Team.COUNT)]
    team = Team()
    trial, _ = team.play(answer)
    reraise(trial)
    if team.came:
        raise Mistake(f"never more than {team.came} of the 4 workers were at work at the same time: a thread for each, and no lock")
    if trial.hangs:
        raise Mistake("four workers did their work, none failed, and it has not returned: what is it waiting for?")
    if trial.uncaught:
        raise Mistake(f"no worker failed, and yet a thread ended with {in_words(trial.uncaught[0])}")
    if team.told_early:
        raise Mistake("nobody had failed, a worker was still at work, and `stop` was set: set it in the `except`, nowhere else")
    expect_results(trial.returned, right, "run_or_raise(square, 4)")

    team = Team(fails=True)
    trial, printed = team.play(answer)
    expect_no_hang(team, trial)
    expect_raised(trial, printed)
    if not team.told_in_time:
        raise Mistake("the exception came home, but the other three workers were never told: set `stop`, or they work on without a caller")
    expect_the_same(trial.error)

    trial, _ = Team(fails=True, second_failure=True).play(answer)
    if str(trial.error) != "worker 2 lost its game":
        got = in_words(trial.error) if trial.error else "nothing"
        raise Mistake(
            "worker 2 failed first, then worker 0 because it was told to stop; the caller must hear of the first, the cause; yours raises "
            f"{got}"
        )


def expect_no_hang(team: Team, trial: Trial) -> None:
    if not trial.hangs:
        return
    start = "worker 2 failed, the other three wait for it, and the caller waits for them: nobody would ever hear of it"
    if len({id(stop) for stop in team.stops}) > 1:
        raise Mistake(f"{start}; each worker was given a `stop` of its own, and only one was set: one for all")
    if trial.uncaught:
        raise Mistake(f"{start}; the exception ended its thread unseen: catch it there (`try ... except`), and set `stop`")
    if not team.told_in_time:
        raise Mistake(f"{start}; set `stop` at once, in the worker that fails, not after the waiting")
    raise Mistake("worker 2 failed, `stop` was set, all workers went home, and still it has not returned: what is it waiting for?")


def expect_raised(trial: Trial, printed: str) -> None:
    """The call must have ended in an exception."""
    if trial.error is not None:
        return
    got = trial.returned
    entries = list(got) if isinstance(got, list | tuple) else [got]
    if any(isinstance(entry, BaseException) for entry in entries):
        raise Mistake("worker 2 failed, and its exception came back as a result, where nobody looks for it: `raise` it in the caller")
    if "lost its game" in printed:
        raise Mistake(
            "worker 2 failed; the exception was printed, and the call then returned as if all were well: a program cannot read; `raise` "
            "it in the caller"
        )
    if trial.uncaught:
        raise Mistake(
            "worker 2 failed; its exception ended its thread, Python prints that, and the caller never knows: catch it in the worker, keep "
            "it, `raise` it in the caller"
        )
    raise Mistake(
        "worker 2 failed, and the call returned as if all were well: the exception was swallowed; keep it, and `raise` it in the caller "
        "when all are home"
    )


def expect_the_same(error: BaseException) -> None:
    """It must be the worker's exception, with the place where it was raised."""
    if not isinstance(error, Mishap):
        raise Mistake(
            f"worker 2 raised a Mishap, and the caller gets {in_words(error)}: whoever writes `except Mishap` misses it; raise the very "
            "exception that you caught"
        )
    if "worker 2 lost its game" not in str(error):
        raise Mistake(f'the exception\'s text was "worker 2 lost its game"; yours is "{error}": raise the very exception that you caught')
    if not any(Team.work.__code__ in places(link) for link in chain(error)):
        raise Mistake(
            "the traceback is lost: it ends where you raise, not in the worker's line that failed; raise the very exception that you "
            "caught, `raise error`, not a new one like it"
        )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def places(error: BaseException) -> set[CodeType]:
    """The functions in an exception's traceback."""
    return {frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)}
