"""Lesson 07's drawings: walkers on a chain, how unlikely success is, heads that fit a curve, what heads believe, dives into a deep sea."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from PIL import Image, ImageDraw, ImageFont

from course_lib.figures import PALETTE, ink
from course_lib.figures.a3c import slider
from course_lib.figures.bootstrapped_live import GRID
from course_lib.figures.dqn import label_ends
from course_lib.toy import Chain

# --- Walkers on a chain ---------------------------------------------------------------------------------------------------------------

CELL, LEFT = 26, 140  # pixels


def show_walkers(walks: Mapping[str, Sequence[Sequence[int]]], size: int, width: int = 700) -> HTML:
    """Walkers on a chain as an endless moving picture, a row each: name -> games, each a list of states."""
    frames = [paint_walkers({name: games[game][step] for name, games in walks.items()}, size, game) for game, step in _moments(walks)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:], duration=90, loop=0)
    data = base64.b64encode(buffer.getvalue()).decode()
    ends = "; ".join(f"{name}: farthest {max(map(max, games))} of {size}" for name, games in walks.items())
    return HTML(f'<img src="data:image/gif;base64,{data}" alt="Walkers on a chain of {size} states. {ends}" width="{width}">')


def _moments(walks: Mapping[str, Sequence[Sequence[int]]]) -> list[tuple[int, int]]:
    games = next(iter(walks.values()))
    return [(game, step) for game, states in enumerate(games) for step in [*range(len(states)), *[len(states) - 1] * 6]]


def paint_walkers(states: Mapping[str, int], size: int, game: int) -> Image.Image:
    """One moment: the state of each walker; the small reward lies at the left end, the large one at the right."""
    picture = Image.new("RGB", (LEFT + CELL * size + 12, 62 * len(states) + 26), "white")
    pen = ImageDraw.Draw(picture)
    text, small = (ImageFont.load_default(points) for points in (16, 13))
    pen.text((8, 4), f"game {game + 1}", PALETTE["grey"], small)
    for row, (name, state) in enumerate(states.items()):
        top = 26 + 62 * row
        pen.text((8, top + 6), name, PALETTE["black"], text)
        for x in range(1, size + 1):
            box = (LEFT + CELL * (x - 1), top, LEFT + CELL * x - 3, top + CELL + 4)
            pen.rectangle(box, fill={1: PALETTE["sky"], size: PALETTE["orange"]}.get(x, "#E8E8E8"))
        pen.text((LEFT, top + CELL + 7), "0.001", PALETTE["grey"], small)
        pen.text((LEFT + CELL * size - 12, top + CELL + 7), "1", PALETTE["grey"], small)
        x, y = LEFT + CELL * (state - 1) + (CELL - 3) / 2, top + CELL / 2 + 2
        pen.ellipse((x - 8, y - 8, x + 8, y + 8), fill=PALETTE["black"])
    return picture


def coin_walks(size: int, num_games: int, seed: int = 0) -> list[list[int]]:
    """Games of somebody who tosses a coin at every step: the states of each."""
    rng, chain, games = np.random.default_rng(seed), Chain(size), []
    for _ in range(num_games):
        states = [2]
        for action in rng.integers(2, size=chain.length):
            states.append(chain.move(states[-1], int(action))[0])
        games.append(states)
    return games


def straight_walks(size: int, num_games: int) -> list[list[int]]:
    """Games of somebody who goes right at every step."""
    return [[min(2 + step, size) for step in range(size + 10)]] * num_games


def draw_chances(sizes: Sequence[int], games: Sequence[float], bound: Sequence[float]) -> None:
    """Games until the large reward is met for the first time, against the chain's length; log scale."""
    _, ax = plt.subplots(figsize=(8.5, 3.8))
    ax.plot(sizes, games, "o-", color=PALETTE["blue"], markersize=5)
    ax.plot(sizes, bound, "--", color=PALETTE["orange"])
    year = 365.25 * 86_400
    ax.axhline(year, color=PALETTE["grey"], linewidth=1, linestyle=":")
    ax.text(sizes[0] + 0.5, 1.4 * year, "a year, at a game a second", color=ink("grey"), va="bottom")
    ax.set(yscale="log", xlabel="length of the chain N (states)", ylabel="games", xlim=(sizes[0], sizes[-1]))
    ax.text(sizes[-1] - 0.5, 1e6, "a coin: games until\nthe first large reward", color=PALETTE["blue"], ha="right", va="top")
    ax.text(sizes[-1] - 10, 2e10, "the paper's estimate, 99 + $2^{N-11}$", color=ink("orange"), ha="right", va="bottom")
    plt.show()


def draw_farthest(runs: Mapping[str, Sequence[int]], size: int) -> None:
    """The farthest state of each game, a panel for each run: name -> int [games]."""
    _, axes = plt.subplots(1, len(runs), figsize=(5.5 * len(runs) if len(runs) > 1 else 8.5, 3.1), squeeze=False, sharey=True)
    for ax, (name, states) in zip(axes[0], runs.items()):
        ax.plot(np.arange(1, len(states) + 1), states, "o", color=PALETTE["blue"], markersize=4, alpha=0.7)
        ax.axhline(size, color=PALETTE["orange"], linewidth=1.5)
        ax.text(len(states), size - 0.4, "here lies the 1", color=ink("orange"), ha="right", va="top")
        ax.set(title=name, xlabel="game", ylim=(0, size + 1), xlim=(0, len(states) + 1))
    axes[0, 0].set_ylabel("farthest state")
    plt.show()


# --- Heads --------------------------------------------------------------------------------------------------------------------------


def draw_network(num_heads: int = 4) -> None:
    """Pixels, one core, K heads, a row of Q-values from each."""
    figure = plt.figure(figsize=(9.5, 3.3))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 9.5), ylim=(0, 3.3))
    ax.axis("off")
    _box(ax, 0.2, 1.15, 1.6, 1.0, "observation", "84 x 84 x 4", "#F4F4F4")
    _box(ax, 2.7, 0.9, 2.0, 1.5, "core", "three convolutions\n3,136 features", PALETTE["sky"])
    ax.annotate("", (2.65, 1.65), (1.85, 1.65), arrowprops=dict(arrowstyle="-|>", color=PALETTE["black"]))
    for head, y in enumerate(np.linspace(2.6, 0.1, num_heads)):
        name = f"head {head}" if head < num_heads - 1 else "head K - 1"
        _box(ax, 5.8, y, 2.0, 0.6, "", f"{name}: 512, then A", PALETTE["orange"])
        ax.add_patch(FancyArrowPatch((4.75, 1.65), (5.75, y + 0.3), arrowstyle="-|>", mutation_scale=12, color=PALETTE["black"]))
        ax.annotate("", (8.35, y + 0.3), (7.85, y + 0.3), arrowprops=dict(arrowstyle="-|>", color=PALETTE["black"]))
        ax.text(8.42, y + 0.3, "Q-values [A]", va="center")
    plt.show()


def _box(ax: Axes, x: float, y: float, width: float, height: float, title: str, text: str, color: str) -> None:
    shape = "round,pad=0,rounding_size=0.1"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, facecolor=color, edgecolor=PALETTE["black"], alpha=0.55))
    ax.text(x + width / 2, y + height * (0.72 if title else 0.5), title, ha="center", va="center", weight="bold")
    ax.text(x + width / 2, y + height * (0.35 if title else 0.5), text, ha="center", va="center", fontsize=10)


def draw_fits(panels: Mapping[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> None:
    """Above, K curves through the same points, a panel for each way of fitting; below, how far apart they are: name -> [K, 201]."""
    size, shared = (8.5 if len(panels) < 3 else 9.4, 4.4), dict(sharex=True, sharey="row", squeeze=False)
    _, axes = plt.subplots(2, len(panels), figsize=size, height_ratios=(2, 1), **shared)
    for (above, below), (name, curves) in zip(axes.T, panels.items()):
        above.plot(GRID, curves.T, color=PALETTE["blue"], linewidth=1, alpha=0.7)
        above.plot(x, y, "o", color=PALETTE["red"], markersize=5, markeredgecolor="white")
        above.set(title=name.replace(", ", ",\n") if len(panels) > 2 else name, ylim=(-2.4, 2.4), xticks=(0, 0.5, 1))
        below.fill_between(GRID, curves.std(axis=0), color=PALETTE["purple"], alpha=0.6, linewidth=0)
        below.set(ylim=(0, 1.3), xlabel="x")
        if not curves.std(axis=0).round(9).any():
            below.text(0.5, 0.1, "0 everywhere", ha="center")
    axes[0, 0].set_ylabel("y, as 10 heads have it")
    axes[1, 0].set_ylabel("disagreement")
    plt.show()


def draw_masks(masks: np.ndarray, probability: float) -> None:
    """Masks as a table, bool [n, K]: a column for each transition, a row for each head; blue where it may learn."""
    _, ax = plt.subplots(figsize=(9, 2.4))
    colors = LinearSegmentedColormap.from_list("", ["#EDEDED", PALETTE["blue"]])
    ax.pcolormesh(masks.T, cmap=colors, vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    ax.set(xlabel="transitions, as they were stored", ylabel="head", title=f"p = {probability}: blue, the head may learn from it")
    ax.set_yticks(np.arange(masks.shape[1]) + 0.5, range(masks.shape[1]))
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)
    plt.show()


# --- What heads believe -------------------------------------------------------------------------------------------------------------

BELIEFS = LinearSegmentedColormap.from_list("", [PALETTE["orange"], "#F7F7F7", PALETTE["blue"]])


def draw_beliefs(q_values: np.ndarray, farthest: Sequence[int] | None = None, title: str = "") -> None:
    """What each head would do in each state of a chain: float [N, K, 2]; farthest: how far each head walks."""
    figure, ax = plt.subplots(figsize=(9, 0.9 + 0.28 * q_values.shape[1]))
    _belief_panel(ax, q_values, "state")
    ax.set_title(title, loc="left")
    for head, state in enumerate(farthest or ()):
        ax.text(len(q_values) + 0.7, head + 0.5, f"walks to {state}", va="center", fontsize=10)
    plt.show()


def show_beliefs(beliefs: Sequence[np.ndarray], games: Sequence[int]) -> None:
    """A slider over games, counted from 1: what each head would do in each state; the still picture shows three of them."""

    def draw(figure: Figure, game: int) -> None:
        ax = figure.subplots()
        _belief_panel(ax, beliefs[game - 1], "state")
        ax.set_title(f"before game {game}", loc="left")

    slider(draw, list(games), games[0], "game", (9.0, 3.4))
    shown = (games[0], games[len(games) // 2], games[-1])
    _, axes = plt.subplots(len(shown), 1, figsize=(9, 6.4), sharex=True)
    for ax, game in zip(axes, shown):
        _belief_panel(ax, beliefs[game - 1], "state" if game == shown[-1] else "")
        ax.set_title(f"before game {game}", loc="left")
    plt.show()


def _belief_panel(ax: Axes, q_values: np.ndarray, label: str) -> None:
    """Blue: right is worth more; orange: left; the colour's strength is relative to the largest difference on the panel."""
    difference = (q_values[:, :, 1] - q_values[:, :, 0]).T  # [K, N]
    scale = np.abs(difference).max(axis=1, keepdims=True) + 1e-12  # of each head
    strength = np.sign(difference) * (0.3 + 0.7 * np.abs(difference) / scale)
    ax.pcolormesh(np.arange(len(q_values) + 1) + 0.5, np.arange(q_values.shape[1] + 1), strength, cmap=BELIEFS, vmin=-1, vmax=1)
    for head, row in enumerate(difference):
        for state, wish in enumerate(row, start=1):
            ax.text(state, head + 0.5, "›" if wish > 0 else "‹", ha="center", va="center", fontsize=12)
    ax.set(xlabel=label, ylabel="head", xticks=[1, *range(5, len(q_values) + 1, 5)])
    ax.set_yticks(np.arange(0, q_values.shape[1], 3) + 0.5, range(0, q_values.shape[1], 3))
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)


def draw_disagreement(apart: np.ndarray, outvoted: np.ndarray, found: int) -> None:
    """Left, how far the heads are apart until the large reward is found, float [games, N], state against game, on a log scale; right, the
    share of the heads that the others outvote, float [games, N], mean of all states, over all games."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.4), width_ratios=(1.35, 1))
    games, size = max(found, 10), apart.shape[1]
    colors = LinearSegmentedColormap.from_list("", ["#FFFFFF", PALETTE["purple"], "#3B0A28"])
    low, high = np.quantile(apart[:games], (0.02, 0.98))
    edges = np.arange(games + 1) + 0.5, np.arange(size + 1) + 0.5
    image = left.pcolormesh(*edges, apart[:games].T, cmap=colors, norm=LogNorm(low, high), rasterized=True)
    bar = figure.colorbar(image, ax=left, label="disagreement (Q-value)")
    ticks = np.geomspace(low, high, 4)
    bar.set_ticks(ticks, labels=[f"{tick:.2f}" for tick in ticks])
    bar.ax.minorticks_off()
    left.set(xlabel="game, until the 1 is found", ylabel="state", yticks=[1, *range(5, size + 1, 5)], title="How far apart")
    right.plot(np.arange(1, len(outvoted) + 1), 100 * outvoted.mean(axis=1), color=PALETTE["purple"])
    right.axvline(found + 1, color=PALETTE["grey"], linewidth=1, linestyle=":")
    right.text(found + 4, 47, "the 1 is found", color=ink("grey"), va="top")
    right.set(xlabel="game", ylabel="heads outvoted (%)", ylim=(0, 50), xlim=(1, len(outvoted)), title="How many would act otherwise")
    plt.show()


def draw_returns(runs: Mapping[str, np.ndarray], optimum: float) -> None:
    """The return of each game, a line for each seed: name -> float [seeds, games]."""
    _, ax = plt.subplots(figsize=(9, 3.3))
    for (name, returns), color in zip(runs.items(), ("blue", "red")):
        for line in returns:
            mean = np.convolve(line, np.ones(10) / 10, mode="valid")
            ax.plot(np.arange(10, len(line) + 1), mean, color=PALETTE[color], linewidth=1.6, alpha=0.8)
    ax.axhline(optimum, color=PALETTE["grey"], linestyle=":")
    ax.text(1, optimum + 0.15, f"the best there is, {optimum:.0f}", color=ink("grey"), va="bottom")
    ax.set(xlabel="game", ylabel="return (mean of 10 games)", ylim=(-0.4, optimum + 1.4), xlim=(0, returns.shape[1]))
    ends = [(name, float(np.median(returns[:, -10:].mean(axis=1))), color) for (name, returns), color in zip(runs.items(), ("blue", "red"))]
    label_ends(ax, ends)
    plt.show()


# --- The deep sea -------------------------------------------------------------------------------------------------------------------


def draw_visits(seas: Mapping[str, np.ndarray]) -> None:
    """How often each square of a sea was visited: name -> int [N, N]; white: never; log scale."""
    figure, axes = plt.subplots(1, len(seas), figsize=(4.4 * len(seas) + 1, 4.2), squeeze=False)
    colors = LinearSegmentedColormap.from_list("", [PALETTE["sky"], PALETTE["blue"], "#002B44"])
    most = max(visits.max() for visits in seas.values())
    for ax, (name, visits) in zip(axes[0], seas.items()):
        size = len(visits)
        image = ax.imshow(np.where(visits, visits, np.nan), cmap=colors, norm=LogNorm(1, most))
        ax.plot((-0.5, size - 0.5), (-0.5, size - 0.5), color=PALETTE["grey"], linewidth=1, linestyle=":")
        ax.plot(size - 1, size - 1, "*", color=PALETTE["orange"], markersize=15, markeredgecolor="white")
        ax.set(title=name, xlabel="column", xticks=(0, size - 1), yticks=(0, size - 1))
    axes[0, 0].set_ylabel("row (a step each)")
    figure.colorbar(image, ax=axes, label="visits", shrink=0.8)
    plt.show()


def draw_kept(seas: Mapping[str, np.ndarray]) -> None:
    """How much disagreement is left in each square of a sea: name -> float [N, N], 0 to 1; nan where no dive leads."""
    figure, axes = plt.subplots(1, len(seas), figsize=(4.0 * len(seas) + 1, 3.7), squeeze=False)
    colors = LinearSegmentedColormap.from_list("", ["#FFFFFF", PALETTE["purple"], "#3B0A28"])
    for ax, (name, kept) in zip(axes[0], seas.items()):
        image = ax.imshow(100 * kept, cmap=colors, vmin=0, vmax=100)
        for row in range(len(kept)):  # the shore's squares lie left of this line
            ax.plot([row // 2 + 0.5] * 2, [row - 0.5, row + 0.5], color=PALETTE["black"], linewidth=1.5)
        ax.set(title=name, xlabel="column", xticks=(0, len(kept) - 1), yticks=(0, len(kept) - 1), facecolor="#DDDDDD")
    axes[0, 0].set_ylabel("row")
    figure.colorbar(image, ax=axes, label="disagreement left (%)", shrink=0.8)
    plt.show()
