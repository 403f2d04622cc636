"""Lesson 06's drawings: players that draw lots, levers and pushes, who looks how far, entropy, workers, curves, policies at play."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from course_lib.figures import PALETTE, ink, show_frame
from course_lib.figures.breakout import find_ball
from course_lib.figures.dqn import BOOK_CURVES, DATA, PLAIN, label_ends, show_player
from course_lib.figures.huber import slider
from course_lib.logs import A3CCurvePoint, read_curve
from course_lib.play import Episode, as_television

__all__ = [
    "compare_minds", "draw_certainty", "draw_curves", "draw_how_far", "draw_on_policy", "draw_pairs", "draw_pulls", "draw_probabilities",
    "draw_pushes", "draw_rooms", "draw_settling", "draw_workers", "film", "read_book", "read_ours", "show_entropy", "show_player",
    "spread_out", "telling_steps",
]  # fmt: skip

OUR_CURVE = DATA / "pretrained" / "a3c" / "curve.csv"
ORDER = ("left", "stay", "right")  # as on the screen

# --- Two players that draw lots -------------------------------------------------------------------------------------------------------


def film(games: Mapping[str, Episode]) -> list[np.ndarray]:
    """Two games as one film, under each screen the policy as bars: uint8 [340, 560, 3] a step. A finished game stays on its last screen."""
    steps = max(map(len, games.values()))
    return [np.hstack([_half(name, game, min(step, len(game) - 1)) for name, game in games.items()]) for step in range(steps)]


def _half(name: str, game: Episode, step: int) -> np.ndarray:
    """One half of a frame, uint8 [340, 280, 3]: name and score, the screen, a bar for each action; the one drawn is orange, with an edge."""
    text = dict(fontFace=cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.5, color=(34, 34, 34), lineType=cv2.LINE_AA)
    half = np.full((340, 280, 3), 255, np.uint8)
    cv2.putText(half, f"{name}: {sum(game.rewards[:step]):.0f} points", (8, 22), **text)
    half[34:238, 4:276] = as_television(game.frames[step], (272, 204))
    for place, action in enumerate(ORDER):
        row = game.action_names.index(action)
        probability, left = float(game.action_scores[step][row]), 14 + 90 * place
        height = round(50 * probability)
        color = (230, 159, 0) if row == game.actions[step] else (86, 180, 233)  # red-green-blue
        cv2.rectangle(half, (left, 316 - height), (left + 70, 316), color, -1)
        if row == game.actions[step]:
            cv2.rectangle(half, (left, 316 - height), (left + 70, 316), text["color"], 2)
        cv2.putText(half, f"{probability:.0%}", (left + 18, 310 - height), **text)
        cv2.putText(half, action, (left + 18, 334), **text)
    return half


# --- Levers and pushes ----------------------------------------------------------------------------------------------------------------


def draw_pulls(favourites: np.ndarray, names: Sequence[str]) -> None:
    """How many players end at each lever, whole numbers [players]."""
    _, ax = plt.subplots(figsize=(7.5, 2.2))
    counts = np.bincount(favourites, minlength=len(names))
    ax.barh(names, counts, color=[PALETTE[color] for color in ("grey", "sky", "orange")])
    for row, count in enumerate(counts):
        ax.text(count, row, f" {count}", va="center")
    ax.invert_yaxis()
    ax.set(xlabel="players whose favourite it is in the end", xlim=(0, 1.1 * counts.max()))
    plt.show()


def draw_pushes(pushes: Mapping[str, np.ndarray]) -> None:
    """Histograms of single pushes, one beside the other, on one scale; the dotted line is their mean."""
    _, axes = plt.subplots(1, len(pushes), figsize=(11, 2.9), sharex=True)
    edge = max(np.abs(each).max() for each in pushes.values())
    for ax, (name, each), color in zip(axes, pushes.items(), ("red", "orange", "blue")):
        ax.hist(each, bins=np.linspace(-edge, edge, 61), color=PALETTE[color])
        ax.axvline(each.mean(), color=PALETTE["black"], linestyle=":")
        ax.set(title=f"{name}: spread {each.std():.1f}", xlabel="push towards the better lever", yticks=[])
    axes[0].set_ylabel("how often")
    plt.show()


def draw_rooms(curves: Mapping[str, np.ndarray]) -> None:
    """Chance of the better lever, game by game, mean over players: name -> [players, games]."""
    _, ax = plt.subplots(figsize=(8.5, 3.4))
    colors = ("red", "orange", "blue")[: len(curves)]
    for curve, color in zip(curves.values(), colors):
        ax.plot(np.arange(1, curve.shape[1] + 1), curve.mean(axis=0), color=PALETTE[color], linewidth=2)
    ax.set(xlabel="games", ylabel="chance of the better lever", ylim=(0.45, 1.02), xlim=(1, curve.shape[1]))
    label_ends(ax, [(name, curve[:, -1].mean(), color) for (name, curve), color in zip(curves.items(), colors)], gap=0.1)
    plt.show()


# --- Who looks how far ----------------------------------------------------------------------------------------------------------------


def draw_how_far(rewards: Sequence[float], terminated: Sequence[bool]) -> None:
    """A row for each step of a rollout: the rewards that it counts, and whether V speaks for the rest."""
    steps, discount = len(rewards), "γ"
    _, ax = plt.subplots(figsize=(10, 0.62 * steps + 1.5))
    ax.set(xlim=(-1.75, steps + 1.25), ylim=(steps - 0.4, -1.05))
    ax.axis("off")
    for t, (reward, ended) in enumerate(zip(rewards, terminated)):
        ax.text(t + 0.5, -0.8, f"step {t}", ha="center", va="center", color=ink("grey"))
        ax.text(t + 0.5, -0.42, f"r = {reward:g}", ha="center", va="center", weight="bold")
        if ended:
            ax.plot([t + 1, t + 1], [-1.0, steps - 0.45], color=PALETTE["red"], linewidth=3)
            ax.text(t + 1.06, steps - 0.6, "ball lost", color=ink("red"), va="center")
    ax.text(steps + 0.5, -0.42, "V", ha="center", va="center", weight="bold", color=ink("purple"))
    for t in range(steps):
        ax.text(-0.12, t + 0.12, f"R of step {t} =", ha="right", va="center")
        end = next((k for k in range(t, steps) if terminated[k]), steps)
        for k in range(t, min(end, steps - 1) + 1):
            _cell(ax, k, t, _power(discount, k - t) + " r", "sky")
        if end == steps:
            _cell(ax, steps, t, _power(discount, steps - t) + " V", "purple")
    plt.show()


def _power(base: str, exponent: int) -> str:
    return ("", base)[exponent] if exponent < 2 else base + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))


def _cell(ax: Axes, column: int, row: int, text: str, color: str) -> None:
    ax.add_patch(Rectangle((column + 0.04, row - 0.22), 0.92, 0.68, facecolor=PALETTE[color], alpha=0.45, linewidth=0))
    ax.text(column + 0.5, row + 0.12, text.strip(), ha="center", va="center")


# --- Values that run away, values that all become one ---------------------------------------------------------------------------------


def draw_settling(runs: Mapping[str, np.ndarray], truth: float) -> None:
    """V update by update, a line for each run: name -> float [updates]."""
    _, ax = plt.subplots(figsize=(8.5, 3.2))
    for run, color in zip(runs.values(), ("blue", "red")):
        ax.plot(np.arange(1, len(run) + 1), run, color=PALETTE[color], linewidth=2)
    ax.axhline(truth, color=PALETTE["grey"], linestyle=":")
    ax.text(len(run), truth - 0.03, "the truth ", color=ink("grey"), ha="right", va="top")
    ax.set(xlabel="updates", ylabel="V", xlim=(1, len(run)), ylim=(0, None))
    label_ends(ax, [(name, run[-1], color) for (name, run), color in zip(runs.items(), ("blue", "red"))])
    plt.show()


def draw_pairs(returns: np.ndarray, values: np.ndarray) -> None:
    """The table of all differences between returns (columns) and values (rows); those that are meant lie on the diagonal."""
    _, ax = plt.subplots(figsize=(6.2, 3.9))
    size = len(returns)
    table = returns[None, :] - values[:, None]  # [T, T]
    ax.imshow(np.where(np.eye(size, dtype=bool), 1.0, 0.25), cmap="Blues", vmin=0, vmax=2.2, aspect="auto")
    for row, column in np.ndindex(size, size):
        ax.text(column, row, f"{table[row, column]:g}", ha="center", va="center", weight="bold" if row == column else "normal")
    ax.set_xticks(range(size), [f"R = {number:g}" for number in returns])
    ax.set_yticks(range(size), [f"V = {number:g}" for number in values])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel(f"dark: the {size} differences that are meant; pale: {size * size - size} more")
    plt.show()


# --- Entropy --------------------------------------------------------------------------------------------------------------------------

LATTICE = np.array([(i, j, 60 - i - j) for i in range(61) for j in range(61 - i)]) / 60  # policies all over the triangle, [1891, 3]
CORNERS = np.array([[0.0, 0.0], [0.5, np.sqrt(3) / 2], [1.0, 0.0]])  # of the triangle: certain of left, of stay, of right


def show_entropy(entropy: Callable[[np.ndarray], np.ndarray], preferences: Sequence[float]) -> None:
    """A slider for how much "right" is preferred: the policy as bars and as a point in the triangle of all policies.

    entropy: float [B, 3] -> [B]. The still picture shows the first, the middle and the last preference.
    """

    def draw(figure: Figure, preference: float) -> None:
        _entropy_panels(figure.subplots(1, 2, width_ratios=(1, 1.25)), entropy, preference)

    slider(draw, preferences, preferences[0], "preference", (8.4, 3.6))
    figure = plt.figure(figsize=(11, 4.6))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(2, 3, height_ratios=(1, 1.5))
    for column, preference in zip(axes.T, (preferences[0], preferences[len(preferences) // 2], preferences[-1])):
        _entropy_panels(column, entropy, preference)
    plt.show()


def _entropy_panels(panels: Sequence[Axes], entropy: Callable, preference: float) -> None:
    bars, triangle = panels
    exponentials = np.exp([0.0, 0.0, preference])
    policy = exponentials / exponentials.sum()
    bars.bar(ORDER, policy, color=PALETTE["blue"])
    for place, share in enumerate(policy):
        bars.text(place, share, f"{share:.0%}", ha="center", va="bottom")
    bars.set(ylim=(0, 1.2), yticks=(0, 0.5, 1), ylabel="probability", title=f"entropy {entropy(policy[None])[0]:.2f} nats")
    triangle.tricontourf(*(LATTICE @ CORNERS).T, entropy(LATTICE), levels=np.linspace(0, 1.1, 12), cmap="cividis")
    triangle.plot(*(policy @ CORNERS), "o", color=PALETTE["red"], markersize=11, markeredgecolor="white", markeredgewidth=2)
    for (x, y), name, up in zip(CORNERS, ORDER, (-0.06, 0.04, -0.06)):
        triangle.text(x, y + up, f"only {name}", ha="center", va="bottom" if up > 0 else "top")
    triangle.set(xlim=(-0.2, 1.2), ylim=(-0.17, 1.02), aspect="equal")
    triangle.axis("off")


def draw_certainty(runs: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Players as dots, a panel for each entropy weight: average max probability against average pay, each [players]."""
    _, axes = plt.subplots(1, len(runs), figsize=(10.5, 3.5), sharey=True)
    rng = np.random.default_rng(0)
    for ax, (name, (certainty, pay)) in zip(axes, runs.items()):
        bad = (certainty > 0.9) & (pay < 0.7)
        for which, marker, color in ((~bad, "o", "blue"), (bad, "s", "red")):
            jitter = rng.normal(0, (0.002, 0.008), (which.sum(), 2))
            ax.plot(
                certainty[which] + jitter[:, 0], pay[which] + jitter[:, 1], marker, color=PALETTE[color], markersize=5, alpha=0.35, linewidth=0
            )
        ax.set(title=name, xlabel="max probability", xlim=(0.3, 1.03), ylim=(-0.05, 1.12))
        ax.text(0.32, 0.5, f"certain of the wrong lever:\n{bad.mean():.0%} of the players", color=ink("red"), va="center")
    axes[0].set_ylabel("average pay of a pull")
    plt.show()


# --- Workers --------------------------------------------------------------------------------------------------------------------------


def draw_workers(screens: Sequence[np.ndarray]) -> None:
    """A global network above, below it workers with a game and a copy each: screens uint8 [84, 84], a moment of each one's game."""
    figure = plt.figure(figsize=(9.6, 5.12))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 10.5), ylim=(0, 5.6))
    ax.axis("off")
    _box(ax, 3.55, 4.6, 3.4, 0.9, "global network", "one set of weights, one lock")
    for index, screen in enumerate(screens):
        left = 0.3 + 2.55 * index
        _box(ax, left, 2.35, 2.2, 0.75, f"worker {index}", "own copy")
        _arrow(ax, "green", (4.15 + 0.62 * index, 4.6), (left + 0.75, 3.1))
        _arrow(ax, "red", (left + 1.35, 3.1), (4.45 + 0.62 * index, 4.6))
        _arrow(ax, "blue", (left + 0.75, 2.35), (left + 0.75, 1.75))
        _arrow(ax, "blue", (left + 1.35, 1.75), (left + 1.35, 2.35))
        panel = figure.add_axes(((left + 0.28) / 10.5, 0.08 / 5.6, 1.64 / 10.5, 1.64 / 5.6))
        show_frame(panel, screen, vmin=0, vmax=180)
    label = dict(weight="bold", fontsize=11)
    ax.text(0.3, 4.05, "1  pull the weights", color=ink("green"), **label)
    ax.text(5.22, 2.05, "2  play up to\nt_max steps", color=ink("blue"), ha="center", va="center", **label)
    ax.text(10.15, 4.05, "3  push the gradients", color=ink("red"), ha="right", **label)
    plt.show()


def _box(ax: Axes, x: float, y: float, width: float, height: float, title: str, text: str) -> None:
    shape = f"round,pad=0,rounding_size={0.12}"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, facecolor="#F4F4F4", edgecolor=PALETTE["black"]))
    ax.text(x + width / 2, y + 0.64 * height, title, ha="center", va="center", weight="bold", fontsize=12)
    ax.text(x + width / 2, y + 0.27 * height, text, ha="center", va="center", fontsize=10)


def _arrow(ax: Axes, color: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=14, linewidth=1.8, color=PALETTE[color], shrinkA=2, shrinkB=2)
    )


def draw_on_policy(old: np.ndarray, now: np.ndarray, pushes: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    """Left the policy that played and the one to be improved, right where the average push points: each [A]."""
    _, axes = plt.subplots(1, 2, figsize=(10.5, 3.1))
    places = np.arange(len(names))
    sides = ((axes[0], {"the memory's policy": old, "today's policy": now}, "upper right"), (axes[1], pushes, "lower right"))
    for ax, bars, corner in sides:
        for offset, (name, heights), color, hatch in zip((-0.2, 0.2), bars.items(), ("grey", "blue"), ("//", "")):
            ax.bar(places + offset, heights, width=0.38, color=PALETTE[color], hatch=hatch, edgecolor="white", label=name)
        ax.legend(frameon=False, fontsize=11, loc=corner)
        ax.set_xticks(places, names)
    axes[0].set(ylim=(0, 1.05), ylabel="probability", title="Who played, and who wants to learn")
    axes[1].axhline(0, color=PALETTE["black"], linewidth=0.8)
    axes[1].set(ylabel="average push", title="Where the average push leads today's policy")
    plt.show()


# --- Learning curves on Breakout ------------------------------------------------------------------------------------------------------


def read_book(agent: str, path: Path = BOOK_CURVES) -> dict[str, np.ndarray]:
    """The rows of the book's published training log of "dqn" or "a3c", a column each."""
    with Path(path).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"] == agent]
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "agent"}


def read_ours(path: Path = OUR_CURVE) -> dict[str, np.ndarray]:
    """Our own A3C run's curve, a column each."""
    points = read_curve(path, A3CCurvePoint)
    return {name: np.array([getattr(point, name) for point in points]) for name in vars(points[0])}


Curve = tuple[str, str, dict[str, np.ndarray], str]  # name, colour, columns, the column that holds the score


def draw_curves(curves: Sequence[Curve]) -> None:
    """Score against agent steps and against hours, on logarithmic scales; a DQN's line is dashed, the names stand at the right."""
    _, axes = plt.subplots(1, 2, figsize=(10.4, 3.8), sharey=True)
    for ax, column, scale, label in ((axes[0], "agent_steps", 1e6, "agent steps (millions)"), (axes[1], "hours", 1.0, "hours")):
        for name, color, curve, score in curves:
            ax.plot(curve[column] / scale, curve[score], color=PALETTE[color], linewidth=1.5, linestyle="--" if "DQN" in name else "-")
        ax.set(xscale="log", xlabel=label)
        ax.xaxis.set_major_formatter(PLAIN)
    highest = max(curve[score].max() for _, _, curve, score in curves)
    axes[0].set(ylim=(0, 1.05 * highest), ylabel="points, mean of 100 games", title="What a step teaches")
    axes[1].set(title="What an hour teaches")
    label_ends(axes[1], [(name, curve[score][-1], color) for name, color, curve, score in curves])
    plt.show()


def draw_probabilities(book: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    """Average max probability against agent steps, and the score against it; the corner where no run should end is grey."""
    _, (time, path) = plt.subplots(1, 2, figsize=(10.4, 3.7))
    runs = (
        ("the book's", "red", "^", book["agent_steps"], book["mean_max_q_or_prob_100"], book["mean_return_100"]),
        ("ours", "blue", "o", ours["agent_steps"], ours["mean_max_probability"], ours["mean_return"]),
    )
    for name, color, marker, steps, certainty, score in runs:
        time.plot(steps / 1e6, certainty, color=PALETTE[color], linewidth=1.8)
        path.plot(certainty, score, marker, color=PALETTE[color], markersize=4, alpha=0.6, linewidth=0, label=name)
    path.legend(frameon=False, fontsize=11, loc="upper left", markerscale=1.5)
    time.set(xscale="log", ylim=(0.3, 1.0), xlabel="agent steps (millions)", ylabel="average max probability")
    time.xaxis.set_major_formatter(PLAIN)
    label_ends(time, [(name, certainty[-1], color) for name, color, _, _, certainty, _ in runs])
    highest = max(score.max() for *_, score in runs)
    path.add_patch(Rectangle((0.9, 0), 0.1, 0.15 * highest, facecolor=PALETTE["grey"], alpha=0.4, linewidth=0))
    path.text(0.9, 0.17 * highest, "certain, and bad", color=ink("grey"), ha="center", va="bottom")
    path.set(xlim=(0.3, 1.0), ylim=(0, None), xlabel="average max probability", ylabel="points, mean of 100 games")
    plt.show()


# --- Policies at play -----------------------------------------------------------------------------------------------------------------


def in_play(game: Episode) -> np.ndarray:
    """The steps at which the ball can be seen, all steps if there are none: int [N]."""
    seen = np.flatnonzero([find_ball(frame) is not None for frame in game.frames[: len(game)]])
    return seen if len(seen) else np.arange(len(game))


def spread_out(game: Episode, number: int) -> list[int]:
    """Some steps of a game with the ball in play, evenly apart."""
    steps = in_play(game)
    return steps[np.linspace(0, len(steps) - 1, number + 2).astype(int)[1:-1]].tolist()


def telling_steps(game: Episode, number: int) -> list[int]:
    """Steps with the ball in play, from the policy's most undecided to its most decided; 15 steps or more lie between any two."""
    certainty, steps = np.array(game.action_scores).max(axis=1), in_play(game)  # [T], [N]
    order = steps[np.argsort(certainty[steps], kind="stable")]
    chosen = []
    for share in np.linspace(0, 1, number):  # quantiles of certainty
        place = round(share * (len(order) - 1))
        candidates = sorted(order, key=lambda step: abs(certainty[step] - certainty[order[place]]))
        chosen.append(int(next((step for step in candidates if all(abs(step - other) >= 15 for other in chosen)), candidates[0])))
    return chosen


def compare_minds(games: Mapping[str, Episode], steps: Mapping[str, Sequence[int]]) -> None:
    """A row for each player: some moments of its game, and under each screen the probabilities; the action drawn is orange, with an edge."""
    columns = max(map(len, steps.values()))
    figure, axes = plt.subplots(
        2 * len(games), columns, figsize=(2.4 * columns, 3.3 * len(games)), height_ratios=(3, 1.6) * len(games), squeeze=False
    )
    for row, (name, game) in enumerate(games.items()):
        for column, step in enumerate(steps[name]):
            screen, bars = axes[2 * row, column], axes[2 * row + 1, column]
            show_frame(screen, game.frames[step], f"{name}, step {step}")
            rows = [game.action_names.index(action) for action in ORDER]
            policy = np.array(game.action_scores[step])[rows]
            drawn = [action == game.actions[step] for action in rows]
            colors, edges = [PALETTE["orange" if one else "sky"] for one in drawn], [2.0 * one for one in drawn]
            bars.bar(ORDER, policy, color=colors, edgecolor=PALETTE["black"], linewidth=edges)
            for place, share in enumerate(policy):
                bars.text(place, share, f"{share:.0%}", ha="center", va="bottom", fontsize=10)
            bars.set(ylim=(0, 1.25), yticks=(0, 1), ylabel="probability" if column == 0 else "")
    plt.show()
