"""Lesson 05's drawings and helpers; right answers in other styles; answers that nobody would think of."""

import base64
import io
import queue
import threading
import time
from collections import defaultdict
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, as_completed, wait
from functools import partial
from multiprocessing.pool import ThreadPool

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from course_lib.checks import threads as checks
from course_lib.checks.base import CHECKS, verdict
from course_lib.figures import threads as figures

SCREEN = np.zeros((210, 160, 3), np.uint8)
TIMES = np.array([[1.0, 1.2, 9.0, 9.1], [3.0, 3.5, 4.0, 4.5]])  # worker 0 waits from 1.2 to 9 ms
STORY = [("A", "reads 0", 0), ("B", "waits", 0), ("A", "adds: 1", 0), ("A", "writes 1", 1)]
SPEEDUPS = {job: {"one thread": 1.0, "4 threads": 1.9, "4 processes": 1.8} for job in ("count", "sort", "play")}
SPEEDUPS["vector"] = {"one thread": 1.0, "4 threads": 1.9}
GUESS = {"count": "nobody", "sort": "threads", "play": "processes"}


@pytest.fixture(autouse=True)
def half_busy(no_windows, monkeypatch):
    monkeypatch.setattr(figures.psutil, "cpu_percent", lambda interval: 60.0)


def texts():
    return [text for text in plt.gcf().findobj(plt.Text) if text.get_text() and text.get_visible()]


DRAWINGS = {
    "turns": lambda: figures.draw_turns(TIMES),
    "actor-learners": lambda: figures.draw_actor_learners([SCREEN] * 8),
    "speed-ups": lambda: figures.draw_speedups(SPEEDUPS, GUESS, cores=2),
    "speed-ups on one core": lambda: figures.draw_speedups(SPEEDUPS, GUESS, cores=1),
    "story": lambda: figures.draw_story(STORY),
    "orders": lambda: figures.draw_orders({"AABB": 1, "BBAA": 2, "ABAB": 1}),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_labelled_and_legible(draw):
    draw()
    plt.gcf().canvas.draw()
    shrunk = min(1, 900 / (96 * plt.gcf().get_size_inches()[0]))  # a cell of JupyterLab is some 900 pixels wide
    assert texts() and shrunk * min(text.get_fontsize() for text in texts()) >= 9
    assert all(ax.get_xlabel() for ax in plt.gcf().axes if ax.axison and ax.get_xticks().size)


def test_the_speedups_name_the_guess_the_cores_and_a_busy_machine():
    figures.draw_speedups(SPEEDUPS, GUESS, cores=2)
    said = " ".join(text.get_text() for text in texts())
    assert "you said: processes" in said and "2 cores can give" in said and "60% busy" in said and "1.9 times · 4 threads" in said


@pytest.mark.parametrize(
    ("guess", "flaw"),
    [
        (GUESS, None),
        (None, "should be a dict"),
        ("both", "should be a dict"),
        ({"count": "both"}, "a guess for each of count, sort, play"),
        (GUESS | {"play": "all"}, 'my_guess["play"] should be one of nobody, threads, processes, both'),
        (GUESS | {"play": ["both"]}, 'my_guess["play"] should be one of'),
    ],
)
def test_a_table_of_guesses_is_looked_through(guess, flaw, capsys):
    found = figures.flaw_of_guess(guess)
    assert found is None if flaw is None else flaw in found
    figures.draw_speedups(SPEEDUPS, guess, cores=2)
    assert capsys.readouterr().out == ("" if found is None else found + "\n")


def test_the_race_is_run_by_real_threads():
    times = figures.race(num_workers=3, laps=20, lap=200)
    assert times.shape == (3, 20) and times.min() == 0
    assert (np.diff(times, axis=1) > 0).all()


def test_a_turn_ends_where_a_lap_takes_long():
    first, second = figures.turns(TIMES)
    np.testing.assert_allclose(first, [(1.0, 0.2), (9.0, 0.1)])
    np.testing.assert_allclose(second, [(3.0, 1.5)])


def test_at_any_moment_the_race_lights_up_who_has_its_turn():
    moments = np.array([1.1, 2.0, 3.2, 9.05])
    np.testing.assert_array_equal(figures.at_work(TIMES, moments), [[True, False, False, True], [False, False, True, False]])


def picture_of(html):
    kind, data = html.data.split('src="data:image/')[1].split(";base64,")
    assert kind == "gif" and 'alt="' in html.data
    return Image.open(io.BytesIO(base64.b64decode(data.split('"')[0])))


def test_moving_pictures_move():
    assert picture_of(figures.show_race(TIMES, frames=10)).n_frames >= 5
    film = [np.full_like(SCREEN, 4 * step) for step in range(30)]
    picture = picture_of(figures.show_films([film] * 3, columns=2, frames=20))
    assert picture.n_frames == 20
    assert picture.size == (2 * 148 + 3 * 6, 2 * 111 + 3 * 6)  # 4 : 3 each


def test_an_order_is_drawn_or_a_sentence_says_what_an_order_is(capsys):
    assert figures.show_order("AABA", lambda order: STORY, steps=2) is None
    assert figures.show_order(None, lambda order: STORY) is None
    assert not plt.get_fignums()
    lines = capsys.readouterr().out.splitlines()
    assert "2 As and 2 Bs" in lines[0] and '"AAABBB"' in lines[1]
    figures.show_order("AAABBB", lambda order: STORY)
    assert capsys.readouterr().out == "AAABBB: the counter ends at 1, an addition is lost\n"
    assert plt.get_fignums()


def test_the_last_words_of_a_thread_are_one_line(capsys):
    def fail():
        raise ValueError("broken")

    hook = threading.excepthook
    with figures.last_words():
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert capsys.readouterr() == ("(error channel: ValueError: broken)\n", "")
    assert threading.excepthook is hook


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_team_does_the_jobs(kind):
    with figures.team(kind, 2) as pool:
        scores = list(pool.map(figures.play, range(2)))
        page = []
        assert pool.submit(figures.write_on, page).result() == ["seen"]
    assert scores == [figures.play(0), figures.play(1)]
    assert page == (["seen"] if kind == "threads" else [])


def test_the_other_jobs_do_what_they_say(monkeypatch):
    assert figures.count(0) == 4_000_000
    assert 0 <= figures.sort(0) < 1e-3
    seconds = figures.measure_vector(num_games=2, steps=3, rounds=2)
    assert {way: len(rounds) for way, rounds in seconds.items()} == {"one thread": 2, "2 threads": 2}
    assert figures.num_cores() >= 1


# --- other right answers ----------------------------------------------------------------------------------------------------------------


def start_and_wait(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Keeper(threading.Thread):
    """A worker in the book's style."""

    def __init__(self, function, *arguments):
        super().__init__()
        self.function, self.arguments, self.result, self.error = function, arguments, None, None

    def run(self):
        try:
            self.result = self.function(*self.arguments)
        except Exception as error:
            self.error = error


def workers_subclass(work, num_workers):
    threads = [Keeper(work, i) for i in range(num_workers)]
    start_and_wait(threads)
    return [thread.result for thread in threads]


def workers_started_at_once(work, num_workers):
    results, threads = [None] * num_workers, []
    for i in range(num_workers):
        thread = threading.Thread(target=lambda i=i: results.__setitem__(i, work(i)))
        thread.start()
        threads.append(thread)
    for thread in reversed(threads):
        thread.join()
    return results


def workers_dict(work, num_workers):
    results = {}

    def store(i):
        results[i] = work(i)

    start_and_wait([threading.Thread(target=partial(store, i)) for i in range(num_workers)])
    return [results[i] for i in range(num_workers)]


def workers_queue(work, num_workers):
    done = queue.Queue()
    for i in range(num_workers):
        threading.Thread(target=lambda number: done.put((number, work(number))), args=(i,), daemon=True).start()
    return [result for _, result in sorted(done.get() for _ in range(num_workers))]


def workers_pool_map(work, num_workers):
    with ThreadPoolExecutor(max_workers=num_workers) as pool:
        return list(pool.map(work, range(num_workers)))


def workers_pool_submit(work, num_workers):
    with ThreadPoolExecutor(num_workers) as pool:
        futures = [pool.submit(work, i) for i in range(num_workers)]
    return [future.result() for future in futures]


def workers_thread_pool(work, num_workers):
    with ThreadPool(num_workers) as pool:
        return pool.map(work, range(num_workers), chunksize=1)


def workers_join_with_timeout(work, num_workers):
    threads = [Keeper(work, i) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(timeout=0.01)
    return [thread.result for thread in threads]


def workers_while(work, num_workers):
    threads = [Keeper(work, i) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.001)
    return np.array([thread.result for thread in threads])


def workers_semaphore(work, num_workers):
    results, done = [None] * num_workers, threading.Semaphore(0)

    def store(i):
        results[i] = work(i)
        done.release()

    for i in range(num_workers):
        threading.Thread(target=store, args=(i,)).start()
    for _ in range(num_workers):
        done.acquire()
    return results


def speedups_loop(seconds):
    best = {}
    for way in seconds:
        best[way] = sorted(seconds[way])[0]
    for way in list(best):
        if way != "one thread":
            best[way] = best["one thread"] / best[way]
    best["one thread"] = 1.0
    return best


def speedups_numpy(seconds):
    result = defaultdict(float)
    for way, rounds in seconds.items():
        result[way] = np.min(seconds["one thread"]) / np.min(rounds)
    return result


def speedups_of_ratios(seconds):
    return {way: max(min(seconds["one thread"]) / second for second in rounds) for way, rounds in seconds.items()}


def speedups_one_is_int(seconds):
    return {way: 1 if way == "one thread" else min(seconds["one thread"]) / min(rounds) for way, rounds in seconds.items()}


def rewards_try_finally(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        lock.acquire()
        try:
            counter.value = counter.value + reward
        finally:
            lock.release()


def rewards_at_the_end(counter, lock, act, steps):
    total = sum(act() for _ in range(steps))
    with lock:
        counter.value += total


def rewards_list_then_one_by_one(counter, lock, act, steps):
    rewards = [act() for _ in range(steps)]
    with lock:
        for reward in rewards:
            counter.value += reward


def rewards_in_steps(counter, lock, act, steps):
    step = 0
    while step < steps:
        reward = act()
        with lock:
            value = counter.value
            value += reward
            counter.value = value
        step += 1


def rewards_helper(counter, lock, act, steps):
    def add(reward):
        with lock:
            counter.value += reward

    for reward in (act() for _ in range(steps)):
        add(reward)


def rewards_patient_try(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        while not lock.acquire(blocking=False):
            time.sleep(0.001)
        counter.value += reward
        lock.release()


def rewards_with_timeout(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        while not lock.acquire(timeout=0.1):
            pass
        counter.value += reward
        lock.release()


def rewards_looks_first(counter, lock, act, steps):
    for _ in range(steps):
        reward = act()
        while lock.locked():
            time.sleep(0.001)
        with lock:
            counter.value += reward
        counter.value  # a look without a lock does no harm


def rewards_setattr(counter, lock, act, steps):
    for _ in range(steps):
        if reward := act():
            with lock:
                setattr(counter, "value", getattr(counter, "value") + reward)


def raise_subclass(work, num_workers):
    stop = threading.Event()

    def guarded(i):
        try:
            return work(i, stop)
        except Exception as error:
            with lock:
                failures.append(error)
            stop.set()

    lock, failures = threading.Lock(), []
    threads = [Keeper(guarded, i) for i in range(num_workers)]
    start_and_wait(threads)
    for error in failures:
        raise error
    return [thread.result for thread in threads]


def raise_first_exception(work, num_workers):
    stop = threading.Event()
    with ThreadPoolExecutor(num_workers) as pool:
        futures = [pool.submit(work, i, stop) for i in range(num_workers)]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        failed = [future for future in done if future.exception()]
        if failed:
            stop.set()
            raise failed[0].exception()
    return [future.result() for future in futures]


def raise_as_completed(work, num_workers):
    stop, first = threading.Event(), None
    with ThreadPoolExecutor(num_workers) as pool:
        futures = [pool.submit(work, i, stop) for i in range(num_workers)]
        for future in as_completed(futures):
            if future.exception() and first is None:
                first = future.exception()
                stop.set()
    if first:
        raise first
    return [future.result() for future in futures]


def raise_queue(work, num_workers):
    stop, news = threading.Event(), queue.Queue()

    def run(i):
        try:
            news.put((i, work(i, stop), None))
        except BaseException as error:
            news.put((i, None, error))

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(num_workers)]
    for thread in threads:
        thread.start()
    results = [None] * num_workers
    for _ in threads:
        i, results[i], error = news.get()
        if error is not None:
            stop.set()
            raise error
    return results


def raise_from(work, num_workers):
    """A new exception of the same type and text keeps the traceback if it names its cause."""
    stop, results, errors = threading.Event(), [None] * num_workers, []

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            stop.set()  # before it is kept: a little late, and still right
            errors.append(error)

    start_and_wait([threading.Thread(target=run, args=(i,)) for i in range(num_workers)])
    if errors:
        raise type(errors[0])(*errors[0].args) from errors[0]
    return results


def raise_future(work, num_workers):
    stop, verdict_, results = threading.Event(), Future(), [None] * num_workers

    def run(i):
        try:
            results[i] = work(i, stop)
        except Exception as error:
            if not verdict_.done():
                verdict_.set_exception(error)
            stop.set()

    start_and_wait([threading.Thread(target=run, args=(i,)) for i in range(num_workers)])
    if verdict_.done():
        verdict_.result()
    return tuple(results)


PREFIXES = {"workers": "05.1", "speedups": "05.2", "rewards": "05.3", "raise": "05.4"}
RIGHT = {name: value for name, value in globals().items() if name.split("_")[0] in PREFIXES and callable(value)}


def judge(id, answer):
    return verdict(CHECKS[id, None], answer)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_in_another_style_passes(name):
    status, line = judge(PREFIXES[name.split("_")[0]], RIGHT[name])
    assert status == "passed", line


def test_there_are_right_answers_for_every_exercise():
    assert {name.split("_")[0] for name in RIGHT} == set(PREFIXES)


@pytest.mark.parametrize("chatty", ["05.1", "05.3", "05.4"])
def test_a_right_answer_may_talk(chatty, capsys):
    reference = CHECKS[chatty, None].make_reference()

    def talks(*arguments):
        print("here I go")
        return reference(*arguments)

    assert judge(chatty, talks)[0] == "passed"


# --- answers that nobody would think of -------------------------------------------------------------------------------------------------


class Odd:
    """Answers every call with itself."""

    def __call__(self, *arguments):
        return self


WEIRD = [
    5,
    "text",
    [],
    {},
    set,
    type,
    print,
    object,
    Odd(),
    lambda: None,
    lambda *a: None,
    lambda *a: a,
    lambda *a: [None],
    lambda *a: "12345678",
    lambda *a: [object()] * 8,
    lambda *a: {"one thread": None},
    lambda *a: (i for i in range(8)),
    lambda *a: np.zeros((8, 2)),
    lambda *a: 1 / 0,
    lambda *a: exit(),
]


@pytest.mark.parametrize("id", PREFIXES.values())
@pytest.mark.parametrize("answer", WEIRD, ids=range(len(WEIRD)))
def test_a_weird_answer_fails_with_a_sentence(id, answer, capsys):
    status, line = judge(id, answer)
    assert status == "failed" and line.startswith(f"✗ {id} ") and "\n" not in line


def runs_for_ever(*arguments):
    while True:
        pass


@pytest.mark.parametrize("id", PREFIXES.values())
def test_an_endless_answer_is_ended(id, monkeypatch):
    monkeypatch.setattr(checks, "LIMIT", 0.3)
    monkeypatch.setattr(checks, "MEETING", 0.3)
    monkeypatch.setattr(checks.attempt, "__defaults__", (0.3,))
    before = threading.active_count()
    assert judge(id, runs_for_ever)[0] == "failed"
    deadline = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def worker_in_a_deadlock(work, num_workers):
    lock = threading.Lock()
    lock.acquire()
    start_and_wait([threading.Thread(target=lock.acquire) for _ in range(num_workers)])


def lock_in_a_deadlock(counter, lock, act, steps):
    own = threading.Lock()
    own.acquire()
    own.acquire()


def workers_wait_for_one_too_many(work, num_workers):
    stop, meeting = threading.Event(), threading.Barrier(num_workers + 1)

    def run(i):
        work(i, stop)
        meeting.wait()

    start_and_wait([threading.Thread(target=run, args=(i,)) for i in range(num_workers)])


@pytest.mark.parametrize(
    ("id", "answer", "says"),
    [
        ("05.1", worker_in_a_deadlock, "no worker ever called `work` (it started 8 threads)"),
        ("05.3", lock_in_a_deadlock, "it is not back after"),
        ("05.4", workers_wait_for_one_too_many, "four workers did their work, none failed, and it has not returned"),
    ],
)
def test_a_deadlock_is_told(id, answer, says, monkeypatch):
    monkeypatch.setattr(checks.attempt, "__defaults__", (1.0,))
    status, line = judge(id, answer)
    assert status == "failed" and says in line, line


def test_a_check_leaves_threads_as_it_found_them():
    found = threading.Thread.start, threading.Thread.join, threading.excepthook
    for id in PREFIXES.values():
        judge(id, CHECKS[id, None].make_reference())
        judge(id, lambda *arguments: 1 / 0)
        assert (threading.Thread.start, threading.Thread.join, threading.excepthook) == found


def test_the_mistakes_with_seconds_can_be_told_apart():
    values = [tuple(round(float(slip(way)), 6) for way in checks.SECONDS) for slip, _ in checks.speed_mistakes()]
    assert len(set(values)) == len(values)
    assert tuple(checks.BEST[way] for way in checks.SECONDS) not in values
