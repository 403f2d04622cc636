"""Lesson 01's helpers that do not teach: a scripted player that reads the screen, replays, and the drawings."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from course_lib.atari import FIRE, LEFT, NOOP, RIGHT, preprocess_binary, preprocess_grey
from course_lib.figures import PALETTE, show_frame

BALL_RED = 200  # the red channel of the ball, the paddle and the top row of bricks, and of nothing else
BRICK_ROWS = slice(57, 93)  # six rows of bricks, 6 pixels high each
FIELD = slice(8, 152)  # the columns between the walls: 18 bricks, 8 pixels wide each
PIXEL_ASPECT = (160 / 210) * 3 / 4  # a television's pixel is 1.75 times as wide as it is high

TWIN_GAMES = (
    (3, [1, 2]),
    (2, [1, 2, 3, 3, 1, 3, 2, 1, 3, 1, 1, 2, 2, 2, 3, 3, 3, 1, 2, 2, 2, 3, 2, 1, 3, 2, 3, 2, 2, 3, 3]),
)
"""Idle frames and emulator actions of two games whose last screens are the same in every pixel: there the ball falls, here it rises."""


def find(screen: np.ndarray, rows: slice) -> np.ndarray | None:
    """The middle (row, column) of what has the ball's colour in those rows, float [2]; None where nothing has."""
    places = np.argwhere(screen[rows, FIELD, 0] == BALL_RED)
    return None if not len(places) else (places.min(axis=0) + places.max(axis=0)) / 2 + [rows.start, FIELD.start]


def find_ball(screen: np.ndarray) -> np.ndarray | None:
    """The ball's (row, column), float [2]; None before the serve, and while the ball is among the bricks or at the paddle."""
    return find(screen, slice(93, 188))


def find_paddle(screen: np.ndarray) -> np.ndarray | None:
    """The paddle's (row, column), float [2]."""
    return find(screen, slice(192, 193))


def landing_column(ball: np.ndarray, velocity: np.ndarray) -> float:
    """Where a falling ball will meet the paddle's height: a straight line, folded at the walls."""
    column = (ball[1] + velocity[1] * (188 - ball[0]) / velocity[0] - 9) % 282
    return 9 + min(column, 282 - column)


def start(env, idle: int = 0) -> np.ndarray:
    """A new game after `idle` emulator frames of doing nothing; returns the screen uint8 [210, 160, 3]."""
    env.reset(seed=0)
    for _ in range(idle):
        env.unwrapped.ale.act(NOOP)
    return env.unwrapped.ale.getScreenRGB()


def replay(env, idle: int, actions: list[int]) -> list[np.ndarray]:
    """The screens that emulator actions lead to, the first one included."""
    return [start(env, idle)] + [env.step(action)[0] for action in actions]


def follow_the_ball(env, seed: int = 0) -> Iterator[tuple]:
    """Play one game by rule: go to where the ball will land. Yields (before, action, reward, after, lives) for each agent step.

    A little noise in the aim, drawn with `seed`, keeps the ball from circling for ever. The paddle drifts 11 pixels on after a push.
    """
    rng = np.random.default_rng(seed)
    screen, last_ball, last_action, aim, lives, over = start(env), None, NOOP, 0.0, 5, False
    while not over:
        ball, paddle, action = find_ball(screen), find_paddle(screen), FIRE
        if ball is not None and last_ball is not None and paddle is not None:
            falls = ball[0] > last_ball[0]
            target = landing_column(ball, ball - last_ball) + aim if falls else ball[1]
            aim = aim if falls else rng.uniform(-5, 5)
            gap = target - paddle[1] - {RIGHT: 11, LEFT: -11}.get(last_action, 0)
            action = RIGHT if gap > 8 else LEFT if gap < -8 else FIRE
        after, reward, over, _, info = env.step(action)
        yield screen, action, reward, after, info["lives"]
        last_ball, last_action = (ball if info["lives"] == lives else None), action
        screen, lives = after, info["lives"]


def broken_row(before: np.ndarray, after: np.ndarray) -> int | None:
    """The row of bricks, 0 at the bottom, that lost one between two screens; None where no brick vanished."""
    lit, still_lit = (screen[BRICK_ROWS, FIELD].any(axis=2) for screen in (before, after))
    vanished = (lit & ~still_lit).reshape(6, 6, 18, 8).mean(axis=(1, 3)) > 0.5  # [row, brick]; the ball may cover a part
    rows = np.flatnonzero(vanished.any(axis=1))
    return 5 - int(rows[0]) if len(rows) else None


def show_pixels(ax, pixels: np.ndarray, title: str = "") -> None:
    """A part of the screen, its pixels as wide as on a television."""
    show_frame(ax, pixels, title)
    ax.set_aspect(PIXEL_ASPECT)


def draw_labelled_screen(screen: np.ndarray) -> None:
    """The screen with a name at everything on it; axes in pixels."""
    ball = find_ball(screen)
    paddle = find_paddle(screen)
    labels = {  # text: (row, column) of the thing, height of the text
        "lives left": (10, 112, 2),
        "players (always 1)": (10, 140, 22),
        "6 rows of 18 bricks": (75, 150, 75),
        "ball, 4 x 2 pixels": (ball[0], ball[1] + 2, ball[0]),
        "paddle": (paddle[0], paddle[1] + 8, paddle[0]),
    }
    _, ax = plt.subplots(figsize=(9, 5))
    show_pixels(ax, screen)
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)", xticks=range(0, 161, 40), yticks=range(0, 211, 30))
    arrow = {"arrowstyle": "-", "color": PALETTE["red"], "lw": 1.5}
    for text, (row, column, height) in labels.items():
        ax.annotate(text, (column, row), (168, height), va="center", arrowprops=arrow, annotation_clip=False)
    ax.annotate("score", (36, 10), (-8, 10), ha="right", va="center", arrowprops=arrow, annotation_clip=False)
    ax.set_title("The screen, 210 x 160 pixels")


def draw_ball_numbers(screen: np.ndarray) -> None:
    """The red channel around the ball, as a picture and as the numbers that the agent gets."""
    row, column = find_ball(screen).astype(int)
    rows, columns = slice(row - 3, row + 5), slice(column - 3, column + 5)
    _, ax = plt.subplots(figsize=(7.5, 3.4))
    show_pixels(ax, screen[rows, columns])
    ax.set(xticks=range(8), yticks=range(8), xlabel="column (pixels)", ylabel="row (pixels)", title="The red channel around the ball")
    ax.set_xticklabels(range(columns.start, columns.stop))
    ax.set_yticklabels(range(rows.start, rows.stop))
    for (y, x), value in np.ndenumerate(screen[rows, columns, 0]):
        ax.text(x, y, value, ha="center", va="center", color="white", fontsize=10)


def draw_paddle_moves(env) -> None:
    """The paddle's column while one and the same emulator action is sent, for each of the four."""
    _, ax = plt.subplots(figsize=(8, 3.2))
    for action, colour in enumerate(("grey", "orange", "green", "blue")):
        columns = [find_paddle(screen)[1] for screen in replay(env, 0, [action] * 4)]
        ax.plot(columns, range(5), "o-", color=PALETTE[colour], lw=5 - action, ms=9 - action)
        place = (columns[-1], 4.25) if action > 1 else (columns[-1], 4.25 + 0.4 * action)
        ax.text(*place, f"action {action}", color=PALETTE[colour], ha="center", va="top", fontweight="bold")
    ax.set(xlim=(0, 160), ylim=(5.1, -0.3), yticks=range(5), title="Which number moves the paddle where?")
    ax.set(xlabel="the paddle's column (pixels; left is left on the screen)", ylabel="agent step")


def draw_row_points(screen: np.ndarray, points: list[int]) -> None:
    """The bricks, and beside each row what a brick of it is worth; points from the bottom row to the top."""
    _, ax = plt.subplots(figsize=(8, 1.9))
    show_pixels(ax, screen[50:100])
    for row, value in enumerate(points):
        ax.text(163, 40 - 6 * row, f"{value} point{'s' * (value > 1)}", va="center", fontsize=10)
    ax.set_title("What a brick is worth")


def draw_serves(env, waits: list[list[int]], titles: list[str]) -> None:
    """The ball's way after the serve, one line for each wait; waits: for each panel, emulator frames before the serve."""
    _, axes = plt.subplots(1, len(waits), figsize=(10, 3.6), sharey=True)
    for ax, panel, title in zip(axes, waits, titles, strict=True):
        ways = {}
        for wait in panel:
            balls = [find_ball(screen) for screen in replay(env, wait, [FIRE] * 15)]
            way = np.array([ball for ball in balls if ball is not None])  # [step, (row, column)]
            ways.setdefault(tuple(way[0]), (way, []))[1].append(wait)
        for way, same in ways.values():
            ax.plot(way[:, 1], way[:, 0], "o-", ms=3)
            to_the_left = way[-1, 1] < way[0, 1]
            ax.text(way[0, 1], way[0, 0] - 3, f"{len(same)} of {len(panel)}", ha="right" if to_the_left else "left", fontsize=10)
        ax.set(xlim=(8, 152), ylim=(189, 112), xlabel="column (pixels)", title=title)
    axes[0].set_ylabel("row (pixels)")


def draw_grey_steps(screen: np.ndarray) -> None:
    """The book's preprocessing, step by step."""
    grey = np.rint(screen @ [0.299, 0.587, 0.114]).astype(np.uint8)
    _, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=(4, 4, 3))
    show_frame(axes[0], screen, f"colour: {screen.nbytes:,} numbers")
    show_frame(axes[1], grey, f"grey: {grey.nbytes:,}", vmin=0, vmax=255)
    show_frame(axes[2], preprocess_grey(screen), "84 x 84: 7,056", vmin=0, vmax=255)


def draw_binary_steps(screen: np.ndarray) -> None:
    """The code review's preprocessing, step by step."""
    field = screen[31:193, 8:152]
    _, axes = plt.subplots(1, 3, figsize=(10, 3.4), width_ratios=(4, 4, 3))
    show_frame(axes[0], screen, "what is cut out")
    axes[0].add_patch(plt.Rectangle((7.5, 30.5), 144, 162, fill=False, edgecolor=PALETTE["yellow"], lw=2.5))
    show_pixels(axes[1], field, "the field: 162 x 144")
    show_frame(axes[2], preprocess_binary(screen), "84 x 84, lit or not", vmin=0, vmax=255)


def draw_frames(frames: list[np.ndarray], titles: list[str], width: float = 10, height: float = 3.6) -> None:
    """Frames side by side."""
    shares = [4 if frame.shape[:2] == (210, 160) else 3 for frame in frames]
    _, axes = plt.subplots(1, len(frames), figsize=(width, height), width_ratios=shares)
    for ax, frame, title in zip(axes, frames, titles, strict=True):
        show_frame(ax, frame, title, vmin=0, vmax=255)


def draw_directions(games: list[list[np.ndarray]], titles: list[str]) -> None:
    """The last screen of each game, with an arrow from where the ball was one agent step before."""
    _, axes = plt.subplots(1, len(games), figsize=(10, 3.8))
    for ax, screens, title in zip(axes, games, titles, strict=True):
        (row_before, column_before), (row, column) = (find_ball(screen) for screen in screens[-2:])
        show_frame(ax, screens[-1], title)
        step = np.array([column - column_before, row - row_before])
        ax.annotate(
            "",
            (column + 5 * step[0], row + 5 * step[1]),
            (column_before, row_before),
            arrowprops={"arrowstyle": "-|>", "color": PALETTE["yellow"], "lw": 2.5},
        )


def draw_history(observation: np.ndarray) -> None:
    """The channels of one observation, grey uint8 [84, 84, 4], oldest first, the ball ringed; then all of them in one picture."""
    length = observation.shape[2]
    _, axes = plt.subplots(1, length + 1, figsize=(11, 2.5))
    for channel, ax in enumerate(axes[:-1]):
        name = {0: " (oldest)", length - 1: " (newest)"}.get(channel, "")
        show_frame(ax, observation[..., channel], f"channel {channel}{name}", vmin=0, vmax=255)
        ring_ball(ax, observation[..., channel])
    draw_overlay(axes[-1], observation, "all in one")


def ring_ball(ax, frame: np.ndarray, size: float = 12) -> None:
    """A ring around the ball in a grey uint8 [84, 84] frame."""
    ball = np.argwhere(frame[38:75, 5:79] > 15)
    if len(ball):
        row, column = ball.mean(axis=0) + [38, 5]
        ax.plot(column, row, "o", ms=size, mfc="none", mec=PALETTE["yellow"], mew=1.5)


def draw_overlay(ax, observation: np.ndarray, title: str) -> None:
    """The channels laid over each other, every ball ringed."""
    show_frame(ax, observation.max(axis=2), title, vmin=0, vmax=255)
    for channel in range(observation.shape[2]):
        ring_ball(ax, observation[..., channel], size=7)


def draw_film_strip(screens: list[np.ndarray], skip: int = 4, observations: int = 2, length: int = 4) -> None:
    """Emulator frames 1, 2, 3, ... around the ball, those that are kept outlined; below them which four form each observation.

    screens: uint8 [210, 160, 3] for emulator frames 1 to skip * (length + observations - 1).
    """
    figure, axes = plt.subplots(1, len(screens), figsize=(11, 2.1), layout="none")
    figure.subplots_adjust(left=0.005, right=0.995, top=0.9, bottom=0.45, wspace=0.15)
    figure.text(0.005, 0.93, "emulator frames, 1/60 s apart; those that are kept have an outline", fontsize=11)
    for number, (ax, screen) in enumerate(zip(axes, screens, strict=True), start=1):
        kept = number % skip == 0
        show_pixels(ax, screen[118:150, 56:82])
        ax.set_xlabel(number, fontsize=11, fontweight="bold" if kept else "normal", color=PALETTE["red" if kept else "grey"])
        for spine in ax.spines.values():
            spine.set(visible=kept, color=PALETTE["red"], linewidth=3)
    for t in range(observations):
        kept = [axes[skip * (t + 1 + back) - 1].get_position() for back in range(length)]
        height = 0.27 - 0.18 * t
        places = [(box.x0 + box.x1) / 2 for box in kept]
        line = plt.Line2D(places, [height] * length, marker="o", color=PALETTE["blue"], lw=3, ms=9)
        figure.add_artist(line)
        figure.text(places[0] - 0.012, height, f"observation {t}", ha="right", va="center", color=PALETTE["blue"], fontsize=11)


def draw_skips(screens: list[np.ndarray], skips: tuple[int, ...]) -> None:
    """For each frame skip the four frames of an observation in one picture. screens: emulator frames 1, 2, ..., 4 * max(skips)."""
    _, axes = plt.subplots(1, len(skips), figsize=(3.3 * len(skips), 3.9), squeeze=False)
    for ax, skip in zip(axes[0], skips, strict=True):
        frames = [preprocess_grey(screens[skip * (back + 1) - 1]) for back in range(4)]
        draw_overlay(ax, np.stack(frames, axis=-1), f"frame skip {skip}")
        rows = "1 row" if skip == 1 else f"{skip} rows"
        facts = f"{60 / skip:.4g} decisions a second", f"ball: {rows} from frame to frame", f"observation spans {3 * skip / 60:.2f} s"
        ax.set_xlabel("\n".join(facts), fontsize=10)


def to_png(draw: Callable[[], None]) -> bytes:
    """What `draw` draws, as a PNG, not shown."""
    draw()
    buffer = io.BytesIO()
    plt.savefig(buffer, format="png", dpi=96, bbox_inches="tight")  # as notebooks show figures: what stands outside the axes belongs to it
    plt.close()
    return buffer.getvalue()


def skip_slider(screens: list[np.ndarray], skips: tuple[int, ...] = (1, 2, 4, 8, 16), width: int = 317) -> widgets.VBox:
    """A slider over frame skips, its pictures drawn beforehand; screens as for `draw_skips`."""
    pictures = {str(skip): to_png(lambda skip=skip: draw_skips(screens, (skip,))) for skip in skips}
    middle = str(skips[len(skips) // 2])
    image = widgets.Image(value=pictures[middle], format="png", width=width)
    slider = widgets.SelectionSlider(options=list(pictures), value=middle, description="frame skip")
    slider.observe(lambda change: setattr(image, "value", pictures[change["new"]]), names="value")
    return widgets.VBox([slider, image])


def draw_memory(bytes_by_way: dict[str, int], computer: int = 16 * 10**9) -> None:
    """Bars of gigabytes, one for each way of storing, against the memory of a computer."""
    _, ax = plt.subplots(figsize=(10, 3.2))
    gigabytes = np.array(list(bytes_by_way.values())) / 1e9
    ax.barh(list(bytes_by_way), gigabytes, color=[PALETTE[c] for c in ("red", "orange", "sky", "green")])
    for row, value in enumerate(gigabytes):
        ax.text(max(value, computer / 1e9) + 8, row, f"{value:,.1f} GB", va="center")
    ax.axvline(computer / 1e9, color=PALETTE["black"], ls="--")
    ax.text(computer / 1e9 + 8, -0.75, f"a computer with {computer / 1e9:.0f} GB", va="center")
    ax.set(xlabel="memory for a million transitions (GB)", ylim=(len(gigabytes) - 0.5, -1.1), xlim=(0, 1.12 * gigabytes.max()))
