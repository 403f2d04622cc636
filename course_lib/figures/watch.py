"""Lesson 08's drawings: stages, learning curves, how sure a mean is, what a network looks at, where heads differ, tunnels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb

from course_lib import pretrained, recordings
from course_lib.figures import PALETTE, ink, show_frame
from course_lib.figures.breakout import find_ball, find_paddle, show_pixels
from course_lib.figures.dqn import label_ends
from course_lib.figures.watch_live import NAMES, shipped
from course_lib.logs import POINTS, read_curve
from course_lib.play import Episode

COLORS = {"dqn": "blue", "a3c": "red", "bootstrapped_dqn": "green"}
"""One colour for each agent through the lesson."""

# --- Stages ---------------------------------------------------------------------------------------------------------------------------


def draw_scores(entries: Sequence[dict]) -> None:
    """A panel for each agent: the games of each stage as dots, beside them their mean and its interval. entries: the manifest's."""
    agents = shipped()
    _, axes = plt.subplots(1, len(agents), figsize=(9.3, 4.3), sharey=True, squeeze=False)
    rng = np.random.default_rng(0)
    for ax, (agent, stages) in zip(axes[0], agents.items()):
        for entry in (entry for entry in entries if entry["agent"] == agent):
            stage, evaluation = entry["stage"], entry["evaluation"]
            scores, (low, high) = np.array(evaluation["scores"]), evaluation["interval_95"]
            sideways = rng.uniform(-0.25, 0.05, len(scores))
            ax.plot(stage + sideways, scores, "o", color=PALETTE[COLORS[agent]], alpha=0.35, markersize=4, mew=0)
            ax.plot([stage + 0.22] * 2, [low, high], color=PALETTE["black"], linewidth=2.5)
            ax.plot(stage + 0.22, evaluation["mean"], "o", color=PALETTE["black"], markersize=5)
            ax.text(stage + 0.3, evaluation["mean"], f"{evaluation['mean']:.0f}", va="center", fontsize=10)
        ax.set(title=NAMES[agent], xlabel="stage", xticks=stages, xlim=(stages[0] - 0.5, stages[-1] + 0.85))
        ax.grid(axis="y", color=PALETTE["grey"], alpha=0.25)
    axes[0, 0].set_yscale("symlog", linthresh=10)
    top = 1.3 * max(max(entry["evaluation"]["scores"]) for entry in entries)
    ticks = [tick for tick in (0, 2, 5, 10, 20, 50, 100, 200, 400, 864) if tick <= top]
    axes[0, 0].set_yticks(ticks, ticks)
    axes[0, 0].set(ylim=(-0.5, top), ylabel="points (even steps to 10, then logarithmic)")
    axes[0, 0].minorticks_off()
    plt.show()


def draw_where(step: int) -> None:
    """A row for each agent: the screen of each stage's recorded game after so many steps, or its last one; above it stage and points."""
    agents = shipped()
    columns = max(map(len, agents.values()))
    figure, axes = plt.subplots(len(agents), columns, figsize=(9.3, 1.65 * len(agents)), squeeze=False)
    for row, (agent, stages) in zip(axes, agents.items()):
        for ax in row[len(stages) :]:
            ax.axis("off")
        row[0].set_ylabel(NAMES[agent], fontsize=10)
        for ax, stage in zip(row, stages):
            game = recordings.recorded_game(agent, stage, step)
            over = "" if game.lives[-1] else ", over"
            show_frame(ax, game.frames[-1], f"{stage}: {game.score:.0f} points{over}")
            ax.title.set_fontsize(10)
            ax.spines[:].set_visible(False)
    plt.show()


def draw_curves(entries: Sequence[dict]) -> None:
    """Each agent's training score against agent steps and hours; its stages, as numbers, at the mean of their 30 games."""
    _, axes = plt.subplots(1, 2, figsize=(9.3, 4.2), sharey=True)
    for ax, column, scale, label in ((axes[0], "agent_steps", 1e6, "agent steps (millions)"), (axes[1], "hours", 1.0, "hours of training")):
        stages = {agent: [entry for entry in entries if entry["agent"] == agent] for agent in shipped()}
        longest = max(stages, key=lambda agent: stages[agent][-1][column])
        for agent in stages:
            color, path = PALETTE[COLORS[agent]], pretrained.FOLDER / agent / "curve.csv"
            curve = read_curve(path, POINTS[agent]) if path.is_file() else []
            ax.plot([getattr(point, column) / scale for point in curve], [point.mean_return for point in curve], color=color, linewidth=1.6)
            marks = [(entry[column] / scale, entry["evaluation"]["mean"], entry["stage"]) for entry in stages[agent]]
            ax.plot([x for x, _, _ in marks], [mean for _, mean, _ in marks], "o", color=color)
            for x, mean, stage in marks:
                ax.text(x, mean, stage, color="white", ha="center", va="center", fontsize=10, weight="bold",
                        bbox=dict(boxstyle="circle,pad=0.22", facecolor=color, edgecolor="white"))  # fmt: skip
            away, side = (-13, "right") if agent == longest else (13, "left")  # there is room
            ax.annotate(NAMES[agent], marks[-1][:2], (away, 0), textcoords="offset points", ha=side, va="center",
                        color=ink(COLORS[agent]), weight="bold")  # fmt: skip
        ax.margins(x=0.06)
        ax.set(xlabel=label)
    axes[0].set(ylim=(0, axes[0].get_ylim()[1]), ylabel="points, mean of many games")
    axes[0].set_title("What a step teaches")
    axes[1].set_title("What an hour teaches")
    plt.show()


# --- Balls that fall ------------------------------------------------------------------------------------------------------------------


def falls(game: Episode) -> tuple[np.ndarray, np.ndarray]:
    """Each ball that came down to the paddle: its speed in rows of the screen a step, float [N], and whether it was lost, bool [N]."""
    speeds, lost, steps, last = [], [], [], None  # steps: how far the ball has come down in each step of its present fall
    for screen, before, lives in zip(game.frames[1:], [game.lives[0], *game.lives], game.lives):
        ball = find_ball(screen)
        moved = 0.0 if ball is None or last is None else ball[0] - last[0]
        if steps and (lives < before or moved < 0):  # gone, or on its way up again
            speeds.append(float(np.median(steps)))
            lost.append(lives < before)
            steps = []
        elif moved > 0:
            steps.append(moved)
        last = None if lives < before else last if ball is None else ball
    return np.array(speeds), np.array(lost, bool)


# --- How sure? ------------------------------------------------------------------------------------------------------------------------


def draw_resampling(scores: np.ndarray, means: np.ndarray, interval: Sequence[float]) -> None:
    """The games as dots; below them the means of the resampled games, the middle 95 % in dark, on the same axis."""
    _, (games, ax) = plt.subplots(2, 1, figsize=(9, 4), sharex=True, height_ratios=(1, 2.2))
    games.plot(scores, np.linspace(-1, 1, len(scores)), "o", color=PALETTE["blue"], alpha=0.6, markersize=6, mew=0)
    games.axvline(scores.mean(), color=PALETTE["black"])
    games.text(scores.mean(), 1.4, f"mean {scores.mean():.1f}", ha="center", va="bottom")
    games.set(yticks=[], ylim=(-1.3, 1.3), ylabel=f"{len(scores)} games")
    edges = np.linspace(means.min(), means.max(), 61)
    counts = np.histogram(means, edges)[0]
    inside = (edges[:-1] >= interval[0]) & (edges[1:] <= interval[1])
    ax.bar(edges[:-1], counts, np.diff(edges), align="edge", color=np.where(inside, PALETTE["blue"], PALETTE["sky"]))
    for end, side in zip(interval, ("right", "left")):
        ax.axvline(end, color=PALETTE["black"], linestyle=":")
        ax.text(end, 0.9 * counts.max(), f" {end:.1f} ", ha=side)
    ax.set(xlabel="points", ylabel="resampled means")
    plt.show()


def draw_coverage(intervals: np.ndarray, truth: float) -> None:
    """Intervals [N, 2] beside each other, those that miss the truth in red."""
    _, ax = plt.subplots(figsize=(10, 3.2))
    hit = (intervals[:, 0] <= truth) & (truth <= intervals[:, 1])
    for place, ((low, high), good) in enumerate(zip(intervals, hit), start=1):
        ax.plot([place] * 2, [low, high], color=PALETTE["blue" if good else "red"], linewidth=2.5 if good else 4)
    ax.axhline(truth, color=PALETTE["black"], linewidth=1)
    ax.text(len(intervals) + 1, truth, "true mean", va="center")
    ax.set(xlim=(0, len(intervals) + 0.8), xlabel="set of 30 games", ylabel="points", title=f"{(~hit).sum()} of {len(hit)} miss")
    plt.show()


def draw_kept(scores: np.ndarray, drop: int, lines: Mapping[str, float]) -> None:
    """Games in order, those dropped at both ends pale, and horizontal lines: name -> points."""
    _, ax = plt.subplots(figsize=(9, 3.6))
    kept = np.arange(len(scores))
    kept = (kept >= drop) & (kept < len(scores) - drop)
    ax.bar(np.arange(1, len(scores) + 1), np.sort(scores), color=np.where(kept, PALETTE["blue"], "#C9DDEA"))
    colors = ("red", "green", "black")
    for height, color in zip(lines.values(), colors):
        ax.axhline(height, color=PALETTE[color], linewidth=1.5)
    ax.set(xlabel="game, from the worst to the best", ylabel="points", xlim=(0.3, len(scores) + 0.7))
    label_ends(ax, [(f"{name} {height:.1f}", height, color) for (name, height), color in zip(lines.items(), colors)])
    plt.show()


# --- What does it look at? ------------------------------------------------------------------------------------------------------------

YELLOW, RED = to_rgb(PALETTE["yellow"]), to_rgb(PALETTE["red"])
HEAT = LinearSegmentedColormap.from_list("heat", [(*YELLOW, 0), (*YELLOW, 0.55), (*RED, 0.9)])  # from nothing at all


def telling_moments(game: Episode) -> dict[str, int]:
    """Three steps: a ball falls, a ball rises, and a ball behind the wall, or else one that has just come back from it."""
    balls = [find_ball(frame) for frame in game.frames[: len(game)]]
    rows = np.array([np.nan if ball is None else ball[0] for ball in balls])
    speed = np.r_[np.nan, np.diff(rows)]
    late = np.arange(len(game)) >= len(game) // 3  # some bricks are gone
    behind = np.array([ball_behind(frame) for frame in game.frames[: len(game)]])
    moments = {
        "the ball falls": (speed > 0) & (rows > 150) & (rows < 175),
        "the ball rises": (speed < 0) & (rows > 115) & (rows < 150),
        "behind the wall": behind,
    }
    if not behind.any():
        moments["back from the wall"] = (speed > 0) & (rows > 96) & (rows < 115)
        del moments["behind the wall"]
    return {name: int(np.flatnonzero(fits & late if (fits & late).any() else fits)[0]) for name, fits in moments.items() if fits.any()}


def heat_of(saliency: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Saliency of squares [R, C] -> of pixels, float [84, 84]: the mean of the squares that cover each, 0 where none does."""
    total, count = np.zeros((84, 84)), np.zeros((84, 84))
    for (row, column), value in np.ndenumerate(saliency):
        place = slice(row * stride, row * stride + size), slice(column * stride, column * stride + size)
        total[place] += value
        count[place] += 1
    return total / np.maximum(count, 1)


def draw_saliency(frames: Mapping[str, np.ndarray], heats: Mapping[str, Sequence[np.ndarray]]) -> None:
    """A row for each player, a column for each moment: the screen, and over it each player's heat [84, 84], on a scale of its own."""
    figure, axes = plt.subplots(1 + len(heats), len(frames), figsize=(3.7 * len(frames), 2.75 * (1 + len(heats))), squeeze=False)
    for column, (name, frame) in enumerate(frames.items()):
        show_frame(axes[0, column], frame, name)
        for row, each in enumerate(heats.values(), start=1):
            heat = cv2.resize(each[column], (160, 210), interpolation=cv2.INTER_CUBIC)
            show_frame(axes[row, column], frame // 2)
            show_frame(axes[row, column], np.clip(heat / max(heat.max(), 1e-9), 0, 1), cmap=HEAT, vmin=0, vmax=1, interpolation="bilinear")
    for ax, name in zip(axes[:, 0], ("the screen", *heats)):
        ax.set_ylabel(name, fontsize=12)
    plt.show()


def things_at(game: Episode, step: int, size: int, stride: int) -> np.ndarray:
    """What each square covers in one of the four frames of a step: 0 the ball, 1 the paddle, 2 bricks, 3 none of them; int [R, C]."""
    corners = stride * np.moveaxis(np.indices([(84 - size) // stride + 1] * 2), 0, -1)  # [R, C, (row, column)]
    covered = np.zeros((3, *corners.shape[:2]), bool)
    for frame in game.frames[max(step - 3, 0) : step + 1]:
        for thing, found in enumerate((find_ball(frame), find_paddle(frame))):
            if found is not None:
                place = found * [84 / 210, 84 / 160]
                covered[thing] |= ((corners <= place) & (place < corners + size)).all(axis=2)
    lit = np.zeros((84, 84), bool)
    lit[23:37, 5:79] = cv2.resize(game.frames[step], (84, 84), interpolation=cv2.INTER_AREA)[23:37, 5:79].max(axis=2) > 40
    for row, column in np.ndindex(*corners.shape[:2]):
        covered[2, row, column] = lit[row * stride : row * stride + size, column * stride : column * stride + size].any()
    return np.where(covered.any(axis=0), covered.argmax(axis=0), 3)


def draw_looks(shares: Mapping[str, np.ndarray]) -> None:
    """For each player, where its most salient square lies: shares [4] of ball, paddle, bricks, elsewhere."""
    _, ax = plt.subplots(figsize=(9, 0.9 + 0.75 * len(shares)))
    names, colors = ("ball", "paddle", "bricks", "elsewhere"), ("red", "blue", "orange", "grey")
    for row, each in enumerate(shares.values()):
        left = 0.0
        for name, share, color in zip(names, each, colors):
            ax.barh(row, share, left=left, color=PALETTE[color], height=0.6)
            if share >= 0.07:
                words = "white" if color in ("red", "blue") else PALETTE["black"]  # orange and grey are too pale for white
                ax.text(left + share / 2, row, f"{name}\n{share:.0%}", ha="center", va="center", color=words, fontsize=10)
            left += share
    ax.set_yticks(range(len(shares)), shares)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="share of the moments in which the most salient square covers ...")
    ax.set_xticklabels(["0%", "50%", "100%"])
    plt.show()


# --- Where the heads disagree ---------------------------------------------------------------------------------------------------------


def apart(order: Sequence[int], number: int, gap: int = 30) -> list[int]:
    """The first `number` steps of an order of steps that lie `gap` or more apart, then sorted."""
    chosen: list[int] = []
    for step in order:
        if len(chosen) < number and all(abs(step - other) >= gap for other in chosen):
            chosen.append(int(step))
    return sorted(chosen)


def draw_heads(game: Episode, spread: np.ndarray, winner: np.ndarray) -> None:
    """Score, spread of the heads [T] and share of them that back the winner [T]; below, the screens of most and least spread."""
    steps = len(spread)
    order = np.argsort(spread[4:], kind="stable") + 4  # before step 4 the history repeats the first frame
    least, most = apart(order, 3), apart(order[::-1], 3)
    figure = plt.figure(figsize=(11, 8.2))
    grid = figure.add_gridspec(4, 6, height_ratios=(1, 1.2, 1, 1.6))
    axes = [figure.add_subplot(grid[row, :]) for row in range(3)]
    axes[0].plot(np.cumsum(game.rewards[:steps]), color=PALETTE["black"])
    axes[1].plot(spread, color=PALETTE["purple"], linewidth=1)
    axes[2].plot(winner, color=PALETTE["green"], linewidth=1)
    for letter, step in zip("ABCDEF", most + least):
        color = ink("red" if step in most else "blue")
        axes[1].plot(step, spread[step], "o", color=color)
        above = step in most
        axes[1].annotate(letter, (step, spread[step]), (0, 6 if above else -8), textcoords="offset points", ha="center",
                         va="bottom" if above else "top", color=color, weight="bold")  # fmt: skip
    for ax, label in zip(axes, ("points", "spread of\nQ-values", "heads behind\nthe winner")):
        for step in np.flatnonzero(np.diff(game.lives[:steps]) < 0) + 1:
            ax.axvline(step, color=PALETTE["red"], linestyle=":", linewidth=1)
        ax.set(xlim=(0, steps), ylabel=label)
    axes[1].set_ylim(spread.min() - 0.25 * np.ptp(spread), spread.max() + 0.25 * np.ptp(spread))
    axes[2].set(ylim=(0, 1.05), xlabel="step (15 a second); dotted: a ball is lost")
    for place, (letter, step) in enumerate(zip("ABCDEF", most + least)):
        ax = figure.add_subplot(grid[3, place])
        show_frame(ax, game.frames[step], f"{letter}: {spread[step]:.2f}")
        ax.title.set_color(ink("red" if step in most else "blue"))
    plt.show()


# --- Tunnels --------------------------------------------------------------------------------------------------------------------------


def ball_behind(screen: np.ndarray) -> bool:
    """Is anything in the empty strip between the top and the wall?"""
    return bool(screen[32:57, 8:152].any())


def draw_tunnels(games: Mapping[str, tuple[np.ndarray, np.ndarray, int | None]]) -> None:
    """For each stage the screen at its break-through (else its last one) and its score: name -> (screen, points on each of T + 1 screens, step)."""
    figure = plt.figure(figsize=(9.3, 5.2))
    grid = figure.add_gridspec(2, len(games), height_ratios=(1, 2.4))
    curves = figure.add_subplot(grid[1, :])
    colors = ("grey", "purple", "green", "orange", "blue")[-len(games) :]
    for place, ((name, (screen, points, step)), color) in enumerate(zip(games.items(), colors)):
        ax = figure.add_subplot(grid[0, place])
        show_pixels(ax, screen[17:100], f"{name}: " + ("never" if step is None else f"at step {step}"))
        ax.title.set(color=ink(color), fontsize=10)
        curves.plot(points, color=PALETTE[color], linewidth=2)
        curves.plot(len(points) - 1, points[-1], "o", color=PALETTE[color])
        end, side = (len(points) - 1, points[-1]), "left" if place % 2 else "right"  # neighbours that end close together
        curves.annotate(name, end, (0, 7), textcoords="offset points", color=ink(color), ha=side, va="bottom", zorder=4,
                        bbox=dict(facecolor="white", alpha=0.8, linewidth=0, pad=0.5))  # fmt: skip
        if step is not None:
            curves.plot(step, points[step], "v", color=PALETTE["red"], markersize=10, zorder=3)
            curves.annotate("behind the wall", (step, points[step]), (-8, 6), textcoords="offset points", ha="right", color=ink("red"))
    curves.margins(x=0.08)
    curves.set(xlabel="step (15 a second)", ylabel="points so far", ylim=(0, None), xlim=(0, None))
    plt.show()
