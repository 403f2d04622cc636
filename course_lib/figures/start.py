"""Lesson 00's helpers that do not teach: two games side by side, one decision, a rule that plays."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display

from course_lib.atari import ACTIONS, NUM_LIVES, Breakout
from course_lib.figures import PALETTE, show_frame
from course_lib.figures.breakout import find_ball, find_paddle
from course_lib.play import Episode, as_television, player

EXPECTED = "expected reward\n(bricks, later ones count less)"
ARROWS = {"left": "◀ left", "stay": "■ stay", "right": "right ▶"}

# Games -----------------------------------------------------------------------------------------------------------------------------


def side_by_side(games: dict[str, Episode]) -> list[np.ndarray]:
    """Two games as one film, each under its name and score: uint8 [246, 560, 3] a step. A game that is over stays on its last screen."""
    steps = max(len(game.frames) for game in games.values())
    return [np.hstack([_captioned(name, game, step) for name, game in games.items()]) for step in range(steps)]


def _captioned(name: str, game: Episode, step: int) -> np.ndarray:
    """One half of a frame, uint8 [246, 280, 3]."""
    step = min(step, len(game))
    over = step == len(game) and game.lives[-1] == 0
    strip = np.full((36, 280, 3), 255, np.uint8)
    text = dict(fontFace=cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.5, color=(34, 34, 34), lineType=cv2.LINE_AA)
    cv2.putText(strip, f"{name}: {_points(sum(game.rewards[:step]))}" + (", over" if over else ""), (8, 23), **text)
    return np.vstack([strip, as_television(game.frames[step], (280, 210))])


def _points(score: float) -> str:
    return "1 point" if score == 1 else f"{score:.0f} points"


def play_rule(rule: Callable[[float | None, float], int], seed: int = 0, max_steps: int = 3000) -> Episode:
    """A game by a rule: (the ball's column or None where it cannot be seen, the paddle's column) -> 0 stay, 1 right, 2 left."""
    env = Breakout()
    episode = Episode(seed, ACTIONS[3][1])
    env.reset(seed=seed)
    episode.frames.append(env.render())
    over = False
    while not over and len(episode) < max_steps:
        ball, paddle = find_ball(env.render()), find_paddle(env.render())
        action = rule(None if ball is None else float(ball[1]), float(paddle[1]))
        _, reward, terminated, truncated, info = env.step(action)
        episode.frames.append(env.render())
        episode.actions.append(info["action"])
        episode.rewards.append(reward)
        episode.lives.append(info["lives"])
        over = terminated or truncated
    env.close()
    return episode


def columns(game: Episode) -> tuple[np.ndarray, np.ndarray]:
    """The columns of the ball (nan where it cannot be seen) and of the paddle's middle on each screen, float [T + 1] each."""
    balls = [find_ball(frame) for frame in game.frames]
    return np.array([np.nan if ball is None else ball[1] for ball in balls]), np.array([find_paddle(frame)[1] for frame in game.frames])


def show_columns(games: dict[str, Episode], steps: int = 120) -> None:
    """Ball and paddle over the first steps, a panel a game: the paddle is a band as wide as it is."""
    _, axes = plt.subplots(len(games), 1, figsize=(9.2, 0.9 + 2.1 * len(games)), sharex=True, squeeze=False)
    for ax, (name, game) in zip(axes.flat, games.items()):
        ball, paddle = (values[:steps] for values in columns(game))
        ax.fill_between(range(len(paddle)), paddle - 8, paddle + 8, color=PALETTE["blue"], alpha=0.25, linewidth=0)
        ax.plot(paddle, color=PALETTE["blue"], linewidth=1.2)
        ax.plot(ball, color=PALETTE["red"], linewidth=2.2)
        for step in np.flatnonzero(np.diff(game.lives[:steps]) < 0) + 1:
            ax.annotate("lost", (step, 80), color=PALETTE["red"], ha="center", va="center", rotation=90)
        ax.set(title=f"{name}: {_points(game.score)}", ylabel="column", yticks=(8, 80, 152), xlim=(0, steps), ylim=(0, 160))
        ax.text(1.01, 0.6, "thick: ball", color=PALETTE["red"], transform=ax.transAxes)
        ax.text(1.01, 0.4, "band: paddle", color=PALETTE["blue"], transform=ax.transAxes)
    axes.flat[-1].set_xlabel("step (15 a second)")
    plt.show()


def show_scores(scores: dict[str, float]) -> None:
    """Bars of points, the best at the top, each with its number; networks are blue, all others orange."""
    names = sorted(scores, key=scores.get)
    _, ax = plt.subplots(figsize=(8, 0.55 * len(names) + 0.9))
    colours = [PALETTE["blue" if "network" in name else "orange"] for name in names]
    bars = ax.barh(names, [scores[name] for name in names], color=colours)
    ax.bar_label(bars, fmt="%.0f", padding=4)
    ax.set(xlabel="points with five balls", xlim=(0, 1.12 * max(*scores.values(), 1)))
    ax.tick_params(left=False)
    plt.show()


# One decision ----------------------------------------------------------------------------------------------------------------------


def decisive_step(game: Episode) -> int:
    """The step at which it matters most what the agent does, with a falling ball in sight: there its Q-values lie farthest apart."""
    spread = np.ptp(game.action_scores, axis=1)  # [T]
    balls = [find_ball(frame) for frame in game.frames[: len(game)]]
    for step in range(len(game)):
        before, now = (balls[step - 1], balls[step]) if step >= 4 else (None, None)
        falling = before is not None and now is not None and now[0] > before[0] and 120 < now[0] < 175
        if not falling or game.actions[step] != np.argmax(game.action_scores[step]):
            spread[step] *= 1e-3
    return int(spread.argmax())


def show_decision(game: Episode, step: int, my_move: str | None = None) -> None:
    """The screens of the last four steps as one picture, the older the fainter; beside it the Q-values, hidden until there is a move."""
    _, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.7), width_ratios=(1.25, 1))
    recent = game.frames[max(step - 3, 0) : step + 1]
    faint = np.linspace(0.5, 1.0, len(recent))  # [4], the newest in full
    show_frame(left, np.max([frame * weight for frame, weight in zip(recent, faint)], axis=0).astype(np.uint8))
    left.set_xlabel("four steps in one picture: the fainter, the older")
    order = [game.action_names.index(name) for name in ("left", "stay", "right")]
    values = game.action_scores[step][order]
    right.set_xticks(range(3), [ARROWS[game.action_names[index]] for index in order], fontsize=12)
    right.set_xlim(-0.6, 2.6)
    if my_move is None:
        right.set(yticks=[], title="What does the agent expect?")
        right.text(1, 0.5, "?   ?   ?", fontsize=40, ha="center", va="center", color=PALETTE["grey"], transform=right.get_xaxis_transform())
    else:
        _draw_values(right, values)
        best = game.action_names[order[int(values.argmax())]]
        right.set_title(f"you: {my_move} · the agent: {best}")
    plt.show()


def _draw_values(ax, values: np.ndarray) -> None:
    """A dot for each of three Q-values, the highest in red."""
    colours = [PALETTE["red"] if value == values.max() else PALETTE["blue"] for value in values]
    margin = 0.25 * max(np.ptp(values), 1e-3)
    ax.set(ylim=(values.min() - margin, values.max() + 1.6 * margin), ylabel=EXPECTED)
    ax.vlines(range(3), ax.get_ylim()[0], values, color=colours, linewidth=1, linestyle=":")
    ax.scatter(range(3), values, s=110, color=colours)
    for place, (value, colour) in enumerate(zip(values, colours)):
        ax.annotate(f"{value:.2f}", (place, value), (0, 9), textcoords="offset points", ha="center", color=colour)


def misses(game: Episode) -> list[int]:
    """For each lost ball the first step on whose screen it is below the paddle's top; the emulator takes the life some steps later."""
    lost = np.flatnonzero(np.diff([NUM_LIVES, *game.lives]) < 0)
    return [1 + max((t for t in range(step) if find_ball(game.frames[t]) is not None), default=step) for step in lost]


def show_expectation(game: Episode, before: int = 10, after: int = 4) -> None:
    """What the agent expects of its best action: over a game, and around each ball that it misses."""
    _, (ax, near) = plt.subplots(1, 2, figsize=(9.6, 3.3), width_ratios=(1.8, 1), sharey=True)
    value, missed = np.max(game.action_scores, axis=1), misses(game)
    ax.plot(value, color=PALETTE["blue"], linewidth=1.6)
    ax.set(ylim=(0, 1.1 * value.max()), xlim=(0, len(game)), xlabel="step (15 a second)", ylabel=EXPECTED)
    for step in missed:
        ax.axvline(step, color=PALETTE["red"], linestyle=":", linewidth=1.5)
        steps = np.arange(max(step - before, 0), min(step + after + 1, len(game)))
        near.plot(steps - step, value[steps], color=PALETTE["blue"], linewidth=1.2, alpha=0.7)
    near.axvline(0, color=PALETTE["red"], linestyle=":", linewidth=1.5)
    near.set(xlim=(-before, after), xticks=range(-before, after + 1, 2), xlabel="steps before and after")
    for axis, place in [(near, 0)] + [(ax, step) for step in missed[:1]]:
        axis.text(place, 1.02, "the ball passes the paddle", color=PALETTE["red"], ha="center", transform=axis.get_xaxis_transform())
    plt.show()


def show_player(game: Episode) -> None:
    """`course_lib.play.player`, with a text in its place where a notebook is only read."""
    still = "(A player with a slider: run the notebook to move it. The picture above is one of its steps.)"
    display(player(game)._repr_mimebundle_() | {"text/plain": still}, raw=True)
