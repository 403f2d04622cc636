"""Lesson 04's drawings: Catch as a moving picture, the corridor, the four streams, the memory, learning curves, Q-values at play."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML, display
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import FuncFormatter
from PIL import Image

from course_lib.figures import PALETTE, ink, show_frame
from course_lib.logs import read_curve
from course_lib.play import Episode, player
from course_lib.toy import Catch

DATA = Path(__file__).resolve().parents[2] / "data"
BOOK_CURVES = DATA / "book_learning_curves.csv"
OUR_CURVE = DATA / "pretrained" / "dqn" / "curve.csv"

PLAIN = FuncFormatter(lambda number, _: f"{number:,g}")
"""Ticks of logarithmic axes as plain numbers: the small raised digits of powers are hard to read."""


# --- Catch ----------------------------------------------------------------------------------------------------------------------------


def show_catch(choose: Callable[[np.ndarray], int], games: int = 6, seed: int = 0, alt: str = "Games of Catch") -> HTML:
    """Some games of Catch as an endless moving picture; `choose` maps an observation uint8 [10, 5, 1] to an action."""
    env, pictures = Catch(), []
    for game in range(games):
        observation, over, reward = env.reset(seed=seed + game)[0], False, 0.0
        while not over:
            pictures.append(paint(env))
            observation, reward, over, _, _ = env.step(int(choose(observation)))
        pictures += [paint(env, "green" if reward > 0 else "red")] * 5
    buffer = io.BytesIO()
    pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=110, loop=0)
    data = base64.b64encode(buffer.getvalue()).decode()
    return HTML(f'<img src="data:image/gif;base64,{data}" alt="{alt}" width="150">')


def paint(env: Catch, floor: str | None = None, cell: int = 30) -> Image.Image:
    """A game of Catch in colours: ball orange, paddle blue, and the bottom row in the colour `floor` once the game is over."""
    board = np.full((Catch.ROWS, Catch.COLUMNS, 3), 34, np.uint8)
    if floor is not None:
        board[-1] = rgb(floor)
    board[-1, env.paddle] = rgb("sky")
    board[env.ball_row, env.ball_column] = rgb("orange")
    large = board.repeat(cell, axis=0).repeat(cell, axis=1)
    large[::cell], large[:, ::cell] = 60, 60  # a fine grid
    return Image.fromarray(large)


def rgb(name: str) -> tuple[int, ...]:
    return tuple(int(PALETTE[name][i : i + 2], 16) for i in (1, 3, 5))


# --- Q-learning in the corridor -------------------------------------------------------------------------------------------------------


def draw_tables(tables: dict[int, np.ndarray]) -> None:
    """Q-tables [5, 2] of the corridor after some numbers of games, one above the other."""
    figure, axes = plt.subplots(len(tables), 1, figsize=(8, 1.15 * len(tables)))
    for ax, (games, table) in zip(axes, tables.items()):
        ax.imshow(table.T, cmap="Greens", vmin=0, vmax=1.3, aspect="auto")
        for state, action in np.ndindex(*table.shape):
            ax.text(state, action, f"{table[state, action]:.2f}", ha="center", va="center", fontsize=10)
        ax.set_yticks([0, 1], ["left", "right"])
        ax.set_xticks(range(5), [f"state {state}" for state in range(5)] if ax is axes[-1] else [""] * 5)
        ax.set_ylabel(f"{games} game{'s' if games > 1 else ''}", rotation=0, ha="right", va="center", labelpad=14)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    axes[0].set_title("Q(state, action); the exit lies to the right of state 4", loc="left")
    plt.show()


def draw_rates(sure: dict[float, np.ndarray], chancy: dict[float, np.ndarray]) -> None:
    """Q(4, right) game by game for two learning rates: where the exit always pays 1, and where it pays 0 or 2 by chance."""
    _, axes = plt.subplots(1, 2, figsize=(10.5, 3.2), sharey=True)
    for ax, curves in zip(axes, (sure, chancy)):
        for curve, color, width in zip(curves.values(), ("blue", "orange"), (2, 1)):
            ax.plot(np.arange(1, len(curve) + 1), curve, color=PALETTE[color], linewidth=width)
        ax.axhline(1, color=PALETTE["grey"], linestyle=":")
        ax.set(xlabel="games", xlim=(1, len(curve)))
    for ax, curves, title in zip(axes, (sure, chancy), ("The exit always pays 1", "The exit pays 0 or 2, by chance")):
        ax.set_title(title)
        label_ends(ax, [(f"alpha {alpha}", curve[-1], color) for (alpha, curve), color in zip(curves.items(), ("blue", "orange"))])
    axes[0].set_ylabel("Q(state 4, right)")
    plt.show()


def label_ends(ax, labels: list[tuple[str, float, str]], gap: float = 0.085) -> None:
    """Names at the right ends of lines, moved apart where they would overlap: (name, height of the line's end, colour)."""
    ends = sorted(labels, key=lambda label: label[1])
    to_axes = ax.transData - ax.transAxes
    places = [to_axes.transform((1, height))[1] for _, height, _ in ends]  # 0 bottom, 1 top
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    overflow = max(places[-1] - 1, 0)
    for (name, _, color), place in zip(ends, places):
        ax.text(1.01, place - overflow, name, color=ink(color), transform=ax.transAxes, va="center")


# --- DQN's parts ----------------------------------------------------------------------------------------------------------------------

STREAMS = {"play": "blue", "store": "green", "learn": "red", "copy": "purple"}


def draw_streams() -> None:
    """The four streams of DQN between environment, memory and the two networks."""
    _, ax = plt.subplots(figsize=(10, 5.4))
    ax.set(xlim=(0, 10), ylim=(0, 5.6))
    ax.axis("off")
    box(ax, 0.2, 3.9, "Environment", "the game")
    box(ax, 7.2, 3.9, "Online network", "learns, and chooses")
    box(ax, 0.2, 0.4, "Replay memory", "the last 400,000 steps")
    box(ax, 7.2, 0.4, "Target network", "an older copy, stands still")
    arrow(ax, "play", (2.8, 4.95), (7.2, 4.95))
    ax.text(5, 5.05, "observation", ha="center", va="bottom", color=ink("blue"))
    arrow(ax, "play", (7.2, 4.4), (2.8, 4.4))
    ax.text(5, 4.3, "1  play: action, epsilon-greedy", ha="center", va="top", color=ink("blue"), weight="bold")
    arrow(ax, "store", (1.5, 3.9), (1.5, 1.7))
    ax.text(1.65, 2.8, "2  store: frame, action,\nreward, terminated", va="center", color=ink("green"), weight="bold")
    arrow(ax, "learn", (2.8, 1.35), (7.2, 3.95))
    arrow(ax, "learn", (7.75, 1.7), (7.75, 3.9))
    ax.text(5.05, 1.75, "3  learn: 32 transitions\ndrawn at random", color=ink("red"), weight="bold", va="center")
    ax.text(7.65, 2.35, "r + γ max Q(s′, ·)", color=ink("red"), ha="right", va="center")
    arrow(ax, "copy", (9.2, 3.9), (9.2, 1.7))
    ax.text(9.05, 2.8, "4  copy:\nevery\n10,000\nsteps", color=ink("purple"), weight="bold", va="center", ha="right")
    plt.show()


def box(ax, x: float, y: float, title: str, text: str) -> None:
    ax.add_patch(
        FancyBboxPatch((x, y), 2.6, 1.3, boxstyle="round,pad=0,rounding_size=0.15", facecolor="#F4F4F4", edgecolor=PALETTE["black"])
    )
    ax.text(x + 1.3, y + 0.82, title, ha="center", va="center", weight="bold", fontsize=13)
    ax.text(x + 1.3, y + 0.4, text, ha="center", va="center", fontsize=10)


def arrow(ax, stream: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=18, linewidth=2.2, color=PALETTE[STREAMS[stream]], shrinkA=0, shrinkB=0
        )
    )


def draw_schedule(steps: np.ndarray, curves: dict[str, Sequence[float]], learning_starts: int) -> None:
    """Epsilon against agent steps for several settings."""
    _, ax = plt.subplots(figsize=(8.5, 3))
    for (name, curve), color in zip(curves.items(), ("blue", "orange", "green")):
        ax.plot(steps / 1e6, curve, color=PALETTE[color], linewidth=2)
    ax.set(xlabel="agent steps (millions)", ylabel="epsilon", ylim=(-0.02, 1.05), xlim=(0, steps[-1] / 1e6))
    ax.axvspan(0, learning_starts / 1e6, color=PALETTE["grey"], alpha=0.2, linewidth=0)
    ax.set_title(f"grey: the first {learning_starts:,} steps", color=ink("grey"), loc="left", fontsize=10)
    label_ends(ax, [(name, curve[-1], color) for (name, curve), color in zip(curves.items(), ("blue", "orange", "green"))])
    plt.show()


def draw_overlays(batches: dict[str, np.ndarray]) -> None:
    """Each batch of frames [B, 84, 84] laid on top of one another: what moves between them leaves a trace."""
    _, axes = plt.subplots(1, len(batches), figsize=(3.6 * len(batches), 4))
    for ax, (name, frames) in zip(np.atleast_1d(axes), batches.items()):
        show_frame(ax, frames.max(axis=0), name, vmin=0, vmax=180)
    plt.show()


def draw_memory(frames: np.ndarray) -> None:
    """Six slots of the memory in a row, frames [6, 84, 84]: two observations share three of their four frames. Below: the bytes."""
    figure = plt.figure(figsize=(10.5, 4.8))
    figure.set_layout_engine("none")  # everything has its place
    width, pitch = 0.125, 0.135  # shares of the figure's width
    for slot, frame in enumerate(frames):
        ax = figure.add_axes((0.01 + slot * pitch, 0.64, width, width * 10.5 / 4.8))
        show_frame(ax, frame, ("frame t" + f"{slot - 3:+d}" * (slot != 3)), vmin=0, vmax=180)
    for first, name, color, y in ((0, "observation", "blue", 0.585), (1, "next observation", "orange", 0.52)):
        left, right = 0.01 + first * pitch, 0.01 + (first + 3) * pitch + width
        style = dict(arrowstyle="|-|", color=PALETTE[color], linewidth=2, shrinkA=0, shrinkB=0)
        figure.add_artist(FancyArrowPatch((left, y), (right, y), transform=figure.transFigure, mutation_scale=5, **style))
        figure.text(right + 0.012, y, name, color=ink(color), va="center", weight="bold")
    ax = figure.add_axes((0.2, 0.13, 0.79, 0.26))
    sizes = {"both stacks, stored": 2 * 4 * 84 * 84, "each frame once": 84 * 84}
    ax.barh(list(sizes), list(sizes.values()), color=[PALETTE["grey"], PALETTE["green"]])
    for row, size in enumerate(sizes.values()):
        ax.text(size, row, f" {size:,} bytes a step: {size * 400_000 / 1e9:.1f} GB for 400,000", va="center")
    ax.invert_yaxis()
    ax.set(xlim=(0, 95_000), xlabel="bytes for the frames of one step")
    plt.show()


def draw_chase(histories: dict[str, np.ndarray]) -> None:
    """The size of one weight, update by update, for several ways of making the target."""
    _, ax = plt.subplots(figsize=(8.5, 3.2))
    for (name, weights), color in zip(histories.items(), ("red", "purple", "blue")):
        ax.plot(np.abs(weights), color=PALETTE[color], linewidth=2)
    ax.set(yscale="log", xlabel="updates", ylabel="|w| (0 is right)", xlim=(0, len(weights) - 1))
    ax.yaxis.set_major_formatter(PLAIN)
    label_ends(ax, [(name, abs(weights[-1]), color) for (name, weights), color in zip(histories.items(), ("red", "purple", "blue"))])
    plt.show()


# --- Learning curves on Breakout ------------------------------------------------------------------------------------------------------


def read_book(path: Path = BOOK_CURVES) -> dict[str, np.ndarray]:
    """The DQN rows of the book's published training log, a column each."""
    with Path(path).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"] == "dqn"]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "agent"}


def read_ours(path: Path = OUR_CURVE) -> dict[str, np.ndarray]:
    """Our own run's curve, a column each."""
    points = read_curve(path)
    return {name: np.array([getattr(point, name) for point in points]) for name in vars(points[0])}


def draw_breakout_curves(book: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    """Score, average max Q and loss of a long run on Breakout, against agent steps."""
    _, axes = plt.subplots(1, 3, figsize=(10.4, 3.5))
    book_steps, our_steps = book["agent_steps"] / 1e6, ours["agent_steps"] / 1e6
    theirs = dict(color=PALETTE["orange"], linestyle="--", label="the book's")
    axes[0].plot(book_steps, book["mean_return_100"], **theirs)
    axes[0].plot(our_steps, ours["mean_return"], color=PALETTE["blue"], label=f"ours, {ours['hours'][-1]:.1f} hours")
    axes[0].set(
        title="Score, mean of 100 games", ylabel="points", ylim=(0, 1.3 * max(book["mean_return_100"].max(), ours["mean_return"].max()))
    )
    axes[1].plot(book_steps, book["mean_max_q_or_prob_100"], **theirs)
    axes[1].plot(our_steps, ours["mean_max_q"], color=PALETTE["blue"], label="ours")
    axes[1].set(title="Average max Q", ylabel="Q-value")
    axes[2].plot(our_steps, ours["mean_loss"], color=PALETTE["blue"], label="ours")
    axes[2].set(title="Loss, mean of 100 games", ylabel="Huber loss", ylim=(0, None))
    for ax in axes:
        ax.set_xlabel("agent steps (millions)")
        ax.set_xlim(0, None)
        ax.legend(frameon=False, fontsize=11)
    plt.show()


# --- Q-values at play -----------------------------------------------------------------------------------------------------------------


def draw_values(episode: Episode, moments: dict[int, str]) -> None:
    """The best Q-value along a game, with the points scored, the balls lost and the moments to look at."""
    best = np.array(episode.action_scores).max(axis=1)
    _, ax = plt.subplots(figsize=(11, 3.2))
    ax.plot(best, color=PALETTE["blue"], linewidth=1.2)
    scored, lost = np.flatnonzero(episode.rewards), lost_balls(episode)
    ax.plot(scored, best[scored], ".", color=PALETTE["green"], markersize=7)
    ax.plot(lost, best[lost], "v", color=PALETTE["red"], markersize=9)
    for letter, step in zip("ABCD", moments):
        ax.axvline(step, color=PALETTE["grey"], linewidth=1, linestyle=":")
        ax.text(step, 1.0, f" {letter}", transform=ax.get_xaxis_transform(), va="top", weight="bold")
    ax.set(xlabel="agent steps", ylabel="max Q", xlim=(0, len(best) - 1))
    ax.set_title("Best Q-value; green dots: a brick breaks; red triangles: a ball is lost", loc="left")
    plt.show()


def draw_moments(episode: Episode, moments: dict[int, str]) -> None:
    """The screen at some moments, and below each the value of every action; the best one in orange, its number bold."""
    _, axes = plt.subplots(2, len(moments), figsize=(2.4 * len(moments), 3.9), height_ratios=(3, 2.2), sharey="row")
    q_values = np.array(episode.action_scores)
    low, high = min(0.0, q_values.min()), q_values.max()
    for (step, text), letter, (screen, bars) in zip(moments.items(), "ABCD", axes.T):
        show_frame(screen, episode.frames[step], f"{letter}: {text}")
        values = q_values[step]
        colors = [PALETTE["orange"] if action == values.argmax() else PALETTE["grey"] for action in range(len(values))]
        bars.barh(episode.action_names, values - low, left=low, color=colors)
        for action, value in enumerate(values):
            bars.text(value, action, f" {value:.2f}", va="center", fontsize=10, weight="bold" if action == values.argmax() else "normal")
        bars.set(xlim=(low, low + 1.35 * (high - low)), xlabel="Q-value")
    axes[1, 0].invert_yaxis()
    plt.show()


def lost_balls(episode: Episode) -> np.ndarray:
    """The steps that lost a ball, int [N]."""
    return np.flatnonzero(np.diff([5, *episode.lives]) < 0)


def telling_moments(episode: Episode) -> dict[int, str]:
    """Four moments of a game, in order of time: step -> what there is to see. Serves do not count: there only one move is possible."""
    q_values = np.array(episode.action_scores)
    best, spread = q_values.max(axis=1), np.ptp(q_values, axis=1)  # [T], [T]
    lost = lost_balls(episode)
    serving = np.zeros(len(best), bool)
    for start in (0, *lost):
        serving[max(start - 15, 0) : start + 15] = True  # the ball is lost already, or just served
    moments = {}
    if len(lost):
        moments[int(max(lost[-1] - 1, 0))] = "the ball is lost"
    for measure, text in ((spread, "one clear choice"), (best, "high hopes"), (-spread, "nothing to decide")):
        near = np.any([np.abs(np.arange(len(best)) - step) < 20 for step in moments], axis=0) if moments else False
        moments[int(np.where(serving | near, -np.inf, measure).argmax())] = text
    return dict(sorted(moments.items()))


def show_player(episode: Episode) -> None:
    """The game to step through, where widgets run; elsewhere one sentence stands in its place."""
    widget = player(episode)
    data = {"text/plain": "Drag the slider to step through the game. (Needs a running notebook.)"}
    if view := widget._repr_mimebundle_():
        data = view | data
    display(data, raw=True)
