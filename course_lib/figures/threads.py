"""Lesson 05's helpers: a race of threads and who ran when, three jobs that can be sent to other processes, interleavings, eight games."""

from __future__ import annotations

import base64
import io
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import psutil
from IPython.display import HTML
from matplotlib import font_manager
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image, ImageDraw, ImageFont

from course_lib.atari import Breakout, VectorBreakout
from course_lib.figures import PALETTE, ink, show_frame

WORKER_COLOURS = {"A": "blue", "B": "orange"}


def moving_picture(pictures: Sequence[Image.Image], alt: str, milliseconds: int) -> HTML:
    """Pictures of one size as an endless GIF."""
    buffer = io.BytesIO()
    pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    data = base64.b64encode(buffer.getvalue()).decode()
    return HTML(f'<img src="data:image/gif;base64,{data}" alt="{alt}" width="{pictures[0].width}">')


# --- a race -------------------------------------------------------------------------------------------------------------------------


def race(num_workers: int = 8, laps: int = 500, lap: int = 2_000) -> np.ndarray:
    """Real threads count to laps x lap, all at once. When each finished each lap, in milliseconds: float [workers, laps]."""
    times = np.zeros((num_workers, laps))
    line = threading.Barrier(num_workers + 1)  # nobody starts before all are there

    def run(worker: int) -> None:
        line.wait()
        for done in range(laps):
            count = 0
            while count < lap:
                count += 1
            times[worker, done] = time.perf_counter()

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(num_workers)]
    for thread in threads:
        thread.start()
    line.wait()
    for thread in threads:
        thread.join()
    return 1000 * (times - times.min())


def at_work(times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Who is having a turn at each moment: bool [workers, moments]."""
    return np.array([[any(0 <= moment - start <= length for start, length in row) for moment in moments] for row in turns(times)])


def show_race(times: np.ndarray, frames: int = 90) -> HTML:
    """The race as a moving picture, slowed down: a bar for each worker, bright while it counts."""
    moments = np.linspace(0, times.max(), frames)
    counts = (times[:, :, None] <= moments).sum(axis=1) / times.shape[1]  # [workers, frames], shares of the way
    bright = at_work(times, moments)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 14)
    slowness = round(70 * frames / times.max(), -1)
    pictures = []
    for frame, moment in enumerate(moments):
        picture = Image.new("RGB", (640, 30 * len(times) + 30), "white")
        draw = ImageDraw.Draw(picture)
        for worker in range(len(times)):
            top = 30 * worker + 4
            draw.text((4, top + 3), f"worker {worker}", PALETTE["black"], font)
            colour = PALETTE["orange"] if bright[worker, frame] else "#C9C9C9"
            draw.rectangle((90, top, 90 + round(540 * counts[worker, frame]), top + 22), fill=colour)
        draw.text((90, 30 * len(times) + 6), f"{moment:.0f} ms after the start, {slowness:.0f} times slower", PALETTE["black"], font)
        pictures.append(picture)
    pictures += pictures[-1:] * 12
    return moving_picture(pictures, "A bar for each worker: one grows for a moment while the others stand still, then another", 70)


def turns(times: np.ndarray, pause: float = 1.0) -> list[list[tuple[float, float]]]:
    """For each worker, the stretches (start, length) in milliseconds in which no lap took longer than `pause`."""
    stretches = []
    for laps in times:
        gaps = np.flatnonzero(np.diff(laps) > pause)
        starts, ends = laps[np.append(0, gaps + 1)], laps[np.append(gaps, len(laps) - 1)]
        stretches.append(list(zip(starts, np.maximum(ends - starts, 0.1))))
    return stretches


def draw_turns(times: np.ndarray) -> None:
    """Who ran when: a row for each worker, a bar while it counts."""
    _, ax = plt.subplots(figsize=(9.5, 3.4))
    for worker, stretches in enumerate(turns(times)):
        ax.broken_barh(stretches, (worker - 0.4, 0.8), color=PALETTE["orange"])
    ax.set_yticks(range(len(times)), [f"worker {worker}" for worker in range(len(times))])
    ax.invert_yaxis()
    ax.set(xlabel="milliseconds after the start", ylabel="counting", xlim=(0, 1.01 * times.max()))
    plt.show()


# --- why A3C wants threads ----------------------------------------------------------------------------------------------------------


def random_screens(num_games: int = 8, steps: int = 120) -> list[np.ndarray]:
    """The screens of some games after random play, uint8 [210, 160, 3] each."""
    screens = []
    for seed in range(num_games):
        env, rng = Breakout(), np.random.default_rng(seed)
        env.reset(seed=seed)
        for _ in range(steps + 15 * seed):
            _, _, terminated, _, _ = env.step(rng.integers(3))
            if terminated:
                env.reset()
        screens.append(env.render())
    return screens


def draw_actor_learners(screens: Sequence[np.ndarray]) -> None:
    """One shared network above, its actor-learners below, each with a copy and a game; arrows for what they take and what they bring."""
    figure = plt.figure(figsize=(9.6, 4.2))
    figure.set_layout_engine("none")  # everything has its place
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set(xlim=(0, 10.5), ylim=(0, 4.6))
    canvas.axis("off")
    box(canvas, 3.25, 3.55, 4.0, 0.85, "one shared network", "the weights that all work on")
    width = 10.5 / len(screens)
    for worker, screen in enumerate(screens):
        middle = width * (worker + 0.5)
        box(canvas, middle - 0.57, 1.45, 1.14, 0.62, f"worker {worker}", "own copy", size=10)
        top = 5.25 + 0.36 * (middle - 5.25), 3.53
        for shift, colour, ends in ((-0.1, "green", (top, (middle, 2.09))), (0.1, "red", ((middle, 2.09), top))):
            ends = [(x + shift, y) for x, y in ends]
            style = dict(arrowstyle="-|>", mutation_scale=11, linewidth=1.4, shrinkA=0, shrinkB=0)
            canvas.add_patch(FancyArrowPatch(*ends, color=PALETTE[colour], **style))
        ax = figure.add_axes(((middle - 0.57) / 10.5, 0.45 / 4.6, 1.14 / 10.5, 0.86 / 4.6))
        show_frame(ax, screen)
        canvas.text(middle, 0.4, "own game", ha="center", va="top", fontsize=10)
    canvas.text(3.1, 3.95, "pull: the newest weights", color=ink("green"), ha="right", va="center", weight="bold")
    canvas.text(7.4, 3.95, "push: what it has learned", color=ink("red"), ha="left", va="center", weight="bold")
    plt.show()


def box(ax: plt.Axes, x: float, y: float, width: float, height: float, title: str, text: str, size: int = 12) -> None:
    """A rounded box with a bold title and a line of text."""
    style = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor="#F4F4F4", edgecolor=PALETTE["black"]))
    ax.text(x + width / 2, y + 0.68 * height, title, ha="center", va="center", weight="bold", fontsize=size)
    ax.text(x + width / 2, y + 0.28 * height, text, ha="center", va="center", fontsize=min(size, 10))


# --- three jobs, three ways ---------------------------------------------------------------------------------------------------------

OF_THIS_THREAD = threading.local()


def count(worker: int) -> int:
    """Count to four million in Python."""
    number = 0
    while number < 4_000_000:
        number += 1
    return number


def sort(worker: int) -> float:
    """Sort 200,000 numbers with NumPy, 60 times."""
    numbers = np.random.default_rng(worker).random(200_000)
    for _ in range(60):
        smallest = np.sort(numbers)[0]
    return smallest


def play(worker: int) -> float:
    """Play 250 steps of Breakout, in an emulator of one's own."""
    score, env = 0.0, emulator()
    env.reset(seed=worker)
    for step in range(250):
        _, reward, over, _, _ = env.step(step % 3)
        score += reward
        if over:
            env.reset()
    return score


def emulator() -> Breakout:
    """The emulator of the thread that asks for it."""
    if not hasattr(OF_THIS_THREAD, "emulator"):
        OF_THIS_THREAD.emulator = Breakout()
    return OF_THIS_THREAD.emulator


def write_on(page: list[str]) -> list[str]:
    """Write a word into a list that is handed over, and hand it back."""
    page.append("seen")
    return page


def team(kind: str, size: int) -> Executor:
    """A pool of `size` "threads" or "processes" that are all running and have their emulator.

    Processes are spawned: each is a new Python, which works on every system, in a notebook, and with torch loaded.
    """
    if kind == "threads":
        pool = ThreadPoolExecutor(size, initializer=get_ready, initargs=(threading.Barrier(size),))
    else:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(size, context, initializer=get_ready, initargs=(context.Barrier(size),))
    for ready in [pool.submit(emulator_is_there) for _ in range(size)]:
        ready.result()
    return pool


def get_ready(everybody) -> None:
    """A new worker of a pool waits until all the others are there, so that each of them is started."""
    everybody.wait()
    emulator()


def emulator_is_there() -> bool:
    return hasattr(OF_THIS_THREAD, "emulator")


def num_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure_vector(num_games: int = 4, steps: int = 250, rounds: int = 3) -> dict[str, list[float]]:
    """Seconds of some games side by side in ale-py's own threads: of one, and of one for each game."""
    ways = {"one thread": 1, f"{num_games} threads": num_games}
    games = {way: VectorBreakout(num_games, num_threads=threads) for way, threads in ways.items()}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for round_ in range(rounds):
        for way, vector in games.items():
            vector.reset(seed=round_)
            start = time.perf_counter()
            for step in range(steps):
                vector.step(np.full(num_games, step % 3))
            seconds[way].append(time.perf_counter() - start)
    for vector in games.values():
        vector.close()
    return seconds


GUESSES = ("nobody", "threads", "processes", "both")
JOBS = {
    "count": "counting in Python",
    "sort": "sorting in NumPy",
    "play": "playing Breakout",
    "vector": "the same emulator on\nale-py's own threads",
}
WAYS = {"one thread": "grey", "4 threads": "orange", "4 processes": "blue"}


def flaw_of_guess(guess: object) -> str | None:
    """What is wrong with a table of guesses, in a sentence; None if it is well-formed."""
    jobs = [job for job in JOBS if job != "vector"]
    if not isinstance(guess, Mapping) or set(guess) != set(jobs):
        return f"my_guess should be a dict with a guess for each of {', '.join(jobs)}."
    wrong = next((job for job in jobs if guess[job] not in GUESSES), None)
    return wrong and f'my_guess["{wrong}"] should be one of {", ".join(GUESSES)}.'


def draw_speedups(speedups: Mapping[str, Mapping[str, float]], guess: Mapping[str, str], cores: int) -> None:
    """A bar for each way to do each job: how many times as fast as one thread. Under each job the guess."""
    if flaw := flaw_of_guess(guess):
        print(flaw)
        guess = {}
    _, ax = plt.subplots(figsize=(9.5, 1.15 * len(speedups) + 0.9))
    ticks, labels = [], []
    for row, (job, factors) in enumerate(speedups.items()):
        for place, (way, factor) in enumerate(factors.items()):
            y = row + 0.26 * (place - (len(factors) - 1) / 2)
            colour = PALETTE[WAYS[way]]
            ax.barh(y, factor, height=0.24, color=colour)
            paper = dict(facecolor="white", edgecolor="none", pad=1)
            ax.text(factor + 0.02, y, f"{factor:.1f} times · {way}", va="center", color=ink(WAYS[way]), fontsize=10, bbox=paper)
        ticks.append(row)
        labels.append(JOBS[job] + (f"\n(you said: {guess[job]})" if job in guess else ""))
    ax.axvline(1, color=PALETTE["grey"], linewidth=0.8, zorder=0)
    ax.axvline(min(cores, 4), color=PALETTE["green"], linewidth=1.5, linestyle="--", zorder=0)
    ax.set_title(f"dashed: all that {cores} core{'s' * (cores > 1)} can give to 4 workers", color=ink("green"), loc="left", fontsize=11)
    if (busy := psutil.cpu_percent(interval=0.2)) > 25:
        warning = f"(other programs keep the cores {busy:.0f}% busy:\nthe bars are not what they should be)"
        ax.set_title(warning, color=ink("red"), loc="right", fontsize=10)
    ax.set_yticks(ticks, labels)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    highest = max(max(factors.values()) for factors in speedups.values())
    ax.set(xlabel="speed-up (one thread = 1)", xlim=(0, max(highest + 0.9, min(cores, 4) + 0.1)))
    plt.show()


# --- interleavings ------------------------------------------------------------------------------------------------------------------

Story = Sequence[tuple[str, str, int]]
"""One entry a step: whose it was ("A" or "B"), what was done, and what the counter held afterwards."""


def show_order(order: str, play_order: Callable[[str], Story], steps: int = 3) -> None:
    """Draw what an order of two workers' steps leads to, and say it; one sentence if it is no such order."""
    if not isinstance(order, str) or Counter(order) != Counter("AB" * steps):
        print(f'an order has {steps} As and {steps} Bs, one for each step, such as "{"A" * steps + "B" * steps}"')
        return
    story = play_order(order)
    final = story[-1][2]
    print(f"{order}: the counter ends at {final}, " + ("and both additions count" if final == 2 else "an addition is lost"))
    draw_story(story)


def draw_story(story: Story) -> None:
    """Steps from left to right, a row for each worker, the counter below."""
    _, ax = plt.subplots(figsize=(max(6.0, len(story) + 1.4), 2.7))
    rows = {"A": 2, "B": 1}
    for step, (name, deed, value) in enumerate(story, start=1):
        colour = PALETTE["grey"] if deed == "waits" else PALETTE[WORKER_COLOURS[name]]
        ax.add_patch(Rectangle((step - 0.46, rows[name] - 0.36), 0.92, 0.72, facecolor=colour, alpha=0.25, edgecolor=colour))
        ax.text(step, rows[name], deed, ha="center", va="center", fontsize=10)
        before = story[step - 2][2] if step > 1 else 0
        ax.text(step, 0, str(value), ha="center", va="center", weight="bold" if value != before else "normal", fontsize=12)
    frame = PALETTE["green" if story[-1][2] == 2 else "red"]
    ax.add_patch(Rectangle((len(story) - 0.3, -0.36), 0.6, 0.72, facecolor="none", edgecolor=frame, linewidth=2))
    ax.set_yticks([2, 1, 0], ["worker A", "worker B", "counter\nafterwards"])
    ax.set_xticks(range(1, len(story) + 1))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set(xlabel="step", xlim=(0.4, len(story) + 0.6), ylim=(-0.5, 2.5))
    plt.show()


def draw_orders(finals: Mapping[str, int], columns: int = 4) -> None:
    """Every order of two workers' steps as a row of coloured squares, and where the counter ends."""
    rows = -(-len(finals) // columns)
    _, ax = plt.subplots(figsize=(10, 0.5 * rows + 0.5))
    for place, (order, final) in enumerate(sorted(finals.items(), key=lambda item: (-item[1], item[0]))):
        left, y = 9.5 * (place // rows), place % rows
        for step, name in enumerate(order):
            ax.add_patch(Rectangle((left + step, y - 0.4), 0.94, 0.8, facecolor=PALETTE[WORKER_COLOURS[name]], alpha=0.45))
            ax.text(left + step + 0.47, y, name, ha="center", va="center", fontsize=10)
        colour, weight = ("green", "bold") if final == 2 else ("red", "normal")
        ax.text(left + len(order) + 0.3, y, f"ends at {final}", va="center", color=ink(colour), weight=weight, fontsize=10)
    ax.set(xlim=(-0.2, 9.5 * columns), ylim=(rows - 0.4, -0.6))
    ax.axis("off")
    plt.show()


# --- what threads say, and what they play ---------------------------------------------------------------------------------------------


@contextmanager
def last_words() -> Iterator[None]:
    """Meanwhile, of an exception that ends a thread, print the last line alone; Python would write the whole story to the error channel."""
    hook = threading.excepthook
    threading.excepthook = lambda event: print(f"(error channel: {event.exc_type.__name__}: {event.exc_value})")
    try:
        yield
    finally:
        threading.excepthook = hook


def show_films(films: Sequence[Sequence[np.ndarray]], columns: int = 4, frames: int = 60) -> HTML:
    """The ends of some games side by side as a moving picture; a film is a list of screens uint8 [210, 160, 3]."""
    width, height, gap = 148, 111, 6  # 4 : 3, as a television shows it
    rows = -(-len(films) // columns)
    pictures = []
    for step in range(-min(frames, *map(len, films)), 0):
        picture = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), "white")
        for place, film in enumerate(films):
            corner = gap + place % columns * (width + gap), gap + place // columns * (height + gap)
            picture.paste(Image.fromarray(film[step]).resize((width, height)), corner)
        pictures.append(picture.quantize(64))
    return moving_picture(pictures, "Eight games of Breakout side by side, each at another place", 90)
