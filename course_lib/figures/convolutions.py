"""Lesson 02's helpers that do not teach: a player that gathers frames, moving pictures, a slider, and the drawings."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image as NotebookImage
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw, ImageFont

from course_lib.atari import Breakout
from course_lib.figures import PALETTE, ink, show_frame

SIGNED = LinearSegmentedColormap.from_list("signed", [PALETTE["blue"], "white", PALETTE["red"]])
"""Blue below zero, white at zero, red above."""
INK = PALETTE["black"]
WIDTH = 9.2  # inches of a wide figure: a cell shows it without making it smaller


# Frames ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Game:
    """Moments of Breakout in which the ball can be seen."""

    observations: np.ndarray  # uint8 [N, 84, 84, 4]
    screens: np.ndarray  # uint8 [N, 210, 160, 3]
    balls: np.ndarray  # float [N, 2]: row and column of the ball's middle on the 84 x 84 frame

    @property
    def frames(self) -> np.ndarray:
        """The newest frame of each observation, uint8 [N, 84, 84]."""
        return self.observations[..., -1]


def play_by_rule(count: int, seed: int = 0) -> Game:
    """`count` moments, shuffled, from games of a player that reads the ball out of the emulator's memory and follows it."""
    rng = np.random.default_rng(seed)
    env = Breakout()
    observation, _ = env.reset(seed=seed)
    memory = env.emulator.unwrapped.ale.getRAM
    kept, aim = [], 0
    while len(kept) < count:
        ball_x, paddle_x = int(memory()[99]) - 48, int(memory()[72]) - 39  # middles, in columns of the screen
        off = ball_x - paddle_x + aim
        observation, reward, terminated, truncated, info = env.step(1 if off > 3 else 2 if off < -3 else 0)
        if reward or info["life_lost"]:
            aim = int(rng.integers(-7, 8))  # hit the next ball with another part of the paddle
        ball_x, ball_y = int(memory()[99]) - 48, int(memory()[101]) + 11
        visible = memory()[101] and 34 <= ball_y <= 188
        if visible and rng.random() < 0.3:
            ball = (ball_y * 84 / 210 - 0.5, ball_x * 84 / 160 - 0.5)
            kept.append((observation, env.screen, ball))
        if terminated or truncated:
            observation, _ = env.reset(seed=seed + len(kept))
    env.close()
    rng.shuffle(kept)
    return Game(*map(np.stack, zip(*kept)))


def places_of(balls: np.ndarray, size: int) -> np.ndarray:
    """The number of the size x size window that has each ball in its middle, windows counted row by row: [N, 2] -> int [N]."""
    windows = 84 - size + 1
    rows, columns = np.clip(np.round(balls - (size - 1) / 2), 0, windows - 1).astype(int).T
    return rows * windows + columns


def balls_found(kernel: np.ndarray, frames: np.ndarray, balls: np.ndarray) -> int:
    """In how many frames the kernel's largest response lies on the ball, to 1.5 pixels."""
    found = 0
    for frame, ball in zip(frames, balls):
        windows = sliding_window_view(frame.astype(np.float32), kernel.shape)
        responses = np.tensordot(windows, kernel, 2)
        place = np.unravel_index(responses.argmax(), responses.shape)
        found += bool((abs(np.array(place) + (kernel.shape[0] - 1) / 2 - ball) <= 1.5).all())
    return found


# Moving pictures and the slider ----------------------------------------------------------------------------------------------------


def paint(values: np.ndarray, size: tuple[int, int], limit: float | None = None) -> np.ndarray:
    """Numbers as a picture of `size` (width, height): uint8 as grey, others blue below zero and red above. uint8 [h, w, 3]."""
    if values.dtype == np.uint8:
        picture = values if values.ndim == 3 else np.stack([values] * 3, axis=-1)
    else:
        limit = limit or np.nanmax(np.abs(values)) or 1.0
        picture = (SIGNED(np.nan_to_num(values) / limit / 2 + 0.5)[..., :3] * 255).astype(np.uint8)
    return cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)


def page(parts: list[tuple[str, np.ndarray]], gap: int = 16) -> Image.Image:
    """Titled pictures side by side."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)
    height, width = max(picture.shape[0] for _, picture in parts), sum(picture.shape[1] + gap for _, picture in parts) - gap
    sheet = Image.new("RGB", (width, height + 28), "white")
    left = 0
    for title, picture in parts:
        ImageDraw.Draw(sheet).text((left, 4), title, fill=INK, font=font)
        sheet.paste(Image.fromarray(picture), (left, 28))
        left += picture.shape[1] + gap
    return sheet


def moving(pages: list[Image.Image], milliseconds: int, alt: str) -> NotebookImage:
    """Pages as a moving picture (GIF) that repeats after a pause."""
    colours = pages[-1].quantize(64)
    pages = [sheet.quantize(palette=colours, dither=Image.Dither.NONE) for sheet in pages]
    durations = [milliseconds] * (len(pages) - 1) + [3000]
    buffer = io.BytesIO()
    pages[0].save(buffer, "GIF", save_all=True, append_images=pages[1:], duration=durations, loop=0)
    return NotebookImage(buffer.getvalue(), format="gif", width=pages[0].width, alt=alt)


def scan(frame: np.ndarray, kernel: np.ndarray, stride: int) -> NotebookImage:
    """A window slides over a frame; its responses appear beside it, one after the other."""
    size = kernel.shape[0]
    responses = np.tensordot(sliding_window_view(frame.astype(float), kernel.shape)[::stride, ::stride], kernel, 2)
    rows, columns = responses.shape
    limit, shown, pages = abs(responses).max(), np.full(responses.shape, np.nan), []
    for place in range(rows * columns):
        row, column = divmod(place, columns)
        shown[row, column] = responses[row, column]
        if place % 5 == 4:
            left = paint(frame, (336, 336))
            corner = (column * stride * 4, row * stride * 4)
            cv2.rectangle(left, corner, (corner[0] + 4 * size - 1, corner[1] + 4 * size - 1), (230, 159, 0), 2)
            pages.append(page([(f"a window of {size} × {size} pixels", left), ("what it reports", paint(shown, (336, 336), limit))]))
    alt = "A window slides over a frame of Breakout. Beside it its responses: red and blue at walls, digits, paddle and ball."
    return moving(pages, 60, alt)


class Pictures(widgets.VBox):
    """A slider over pictures that were drawn beforehand, so that dragging answers at once."""

    def __init__(self, pictures: dict[str, bytes], description: str, width: int):
        self.pictures = pictures
        slider = widgets.SelectionSlider(options=list(pictures), description=description, continuous_update=True)
        image = widgets.Image(value=pictures[slider.value], format="png", width=width)
        slider.observe(lambda change: setattr(image, "value", pictures[change["new"]]), names="value")
        super().__init__([slider, image])

    def __repr__(self) -> str:
        return f"[a slider over {len(self.pictures)} pictures: run this cell to move it]"


def as_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


# Drawings --------------------------------------------------------------------------------------------------------------------------


def show_signed(ax, values: np.ndarray, title: str = "") -> None:
    """Numbers in blue and red."""
    limit = abs(values).max() or 1.0
    show_frame(ax, values, title, cmap=SIGNED, vmin=-limit, vmax=limit)
    ax.spines[:].set(visible=True, color=PALETTE["grey"])  # zero is white, as the page


def draw_row(pictures: dict[str, np.ndarray]) -> None:
    """Frames beside each other under their titles: uint8 as grey, others in blue (negative) and red (positive)."""
    _, axes = plt.subplots(1, len(pictures), figsize=(WIDTH, WIDTH / len(pictures) + 0.3), squeeze=False)
    for ax, (title, picture) in zip(axes[0], pictures.items()):
        if picture.dtype == np.uint8:
            show_frame(ax, picture, title, vmin=0, vmax=255)
        else:
            show_signed(ax, picture, title)
    plt.show()


def draw_kernel(ax, kernel: np.ndarray, title: str = "") -> None:
    """A kernel with its numbers written in."""
    show_signed(ax, kernel, title)
    limit = abs(kernel).max()
    for (row, column), weight in np.ndenumerate(kernel):
        text = f"{weight:.2f}".lstrip("0") if 0 < weight < 1 else f"{weight:.0f}".replace("-", "−")
        ax.text(column, row, text, ha="center", va="center", fontsize=10, color="white" if abs(weight) > 0.7 * limit else INK)


def draw_filters(kernels: dict[str, np.ndarray], responses: dict[str, np.ndarray], ball: np.ndarray) -> None:
    """Kernels above, their responses to one frame below, a ring around the ball."""
    _, axes = plt.subplots(2, len(kernels), figsize=(3.3 * len(kernels), 5.6), height_ratios=(2, 3))
    for (upper, lower), name in zip(axes.T, kernels):
        draw_kernel(upper, kernels[name], name)
        response = responses[name]
        show_signed(lower, np.maximum(response, 0) if name == "ball_finder" else response)
        rim = (kernels[name].shape[0] - 1) / 2
        lower.plot(ball[1] - rim, ball[0] - rim, "o", markersize=16, fillstyle="none", color=PALETTE["black"])
    axes[1, 0].set_ylabel("response")
    plt.show()


def noise_slider(frame: np.ndarray, noisy: np.ndarray, sizes: tuple[int, ...] = (1, 3, 5, 7, 9)) -> Pictures:
    """The noisy frame under blurs of growing size, beside the clean one."""
    pictures = {}
    for size in sizes:
        figure = Figure(figsize=(7.4, 4.0), layout="constrained")
        clean, blurred = figure.subplots(1, 2)
        show_frame(clean, frame, "without noise", vmin=0, vmax=255)
        show_frame(blurred, cv2.blur(noisy, (size, size)), f"with noise, blurred {size} × {size}", vmin=0, vmax=255)
        pictures[f"{size} × {size}"] = as_png(figure)
    return Pictures(pictures, "blur", 620)


def draw_learning(first: np.ndarray, last: np.ndarray, losses: list[float], hand: int, learned: int, tests: int) -> None:
    """The kernel before and after, the loss between, and who finds the ball how often."""
    _, axes = plt.subplots(1, 4, figsize=(WIDTH, 2.8), width_ratios=(1, 1.4, 1, 1.2))
    show_signed(axes[0], first, "kernel before")
    axes[1].plot(np.convolve(losses, np.ones(10) / 10, "valid"), color=PALETTE["blue"])
    axes[1].set(xlabel="gradient steps", ylabel="loss (mean of 10)", ylim=(0, None))
    show_signed(axes[2], last, "kernel after")
    bars = axes[3].barh(["hand-made", "learned"], [hand, learned], color=[PALETTE["grey"], PALETTE["orange"]])
    axes[3].bar_label(bars, padding=4)
    axes[3].set(xlabel=f"balls found, of {tests}", xlim=(0, 1.3 * tests))
    axes[3].invert_yaxis()
    plt.show()


def field_box(ax, screen: np.ndarray, unit: tuple[int, int], size: int, jump: int, title: str) -> None:
    """The window of one unit, `size` pixels of the 84 x 84 frame, on the screen as a television shows it."""
    show_frame(ax, screen, title)
    down, across = 210 / 84, 160 / 84  # pixels of the screen in one of the frame
    left, top = unit[1] * jump * across - 0.5, unit[0] * jump * down - 0.5
    ax.add_patch(Rectangle((left, top), size * across, size * down, fill=False, edgecolor=PALETTE["yellow"], linewidth=2.5))
    label = dict(color=INK, backgroundcolor=PALETTE["yellow"], fontsize=11, ha="left", va="bottom")
    ax.text(left + 1.5, top - 3, f"{size} × {size}", **label)


def draw_receptive_fields(screen: np.ndarray, fields: list[tuple[int, int]], ball: np.ndarray) -> None:
    """What the unit above the ball sees, in each layer; fields: (size, jump) in pixels."""
    _, axes = plt.subplots(1, len(fields), figsize=(WIDTH, 2.75))
    for i, (ax, (size, jump)) in enumerate(zip(axes, fields), 1):
        unit = tuple(np.clip(np.round((ball - (size - 1) / 2) / jump), 0, (84 - size) // jump).astype(int).tolist())
        field_box(ax, screen, unit, size, jump, f"unit {unit} of conv{i}")
    plt.show()


def receptive_field_slider(screen: np.ndarray, size: int, jump: int, rows: int) -> Pictures:
    """The window of each unit on the diagonal of the last map."""
    pictures = {}
    for i in range(rows):
        figure = Figure(figsize=(5.2, 4.1), layout="constrained")
        field_box(figure.subplots(), screen, (i, i), size, jump, f"unit ({i}, {i}): pixels {i * jump} to {i * jump + size - 1}")
        pictures[f"({i}, {i})"] = as_png(figure)
    return Pictures(pictures, "unit", 480)


def draw_network(table: list[tuple[str, tuple[int, ...], int]], observation: np.ndarray) -> None:
    """The network as blocks: each map at its size, at most eight of them drawn; dense layers as columns."""
    _, ax = plt.subplots(figsize=(WIDTH, 3.2))
    left = 0.0
    for name, shape, _ in [("observation", observation.shape, 0), *table]:
        maps = len(shape) == 3
        height, width, sheets = (shape[0], shape[1], min(shape[2], 8)) if maps else (10 + 0.14 * shape[0], 5, 1)
        for sheet in reversed(range(sheets)):
            corner = (left + 1.8 * sheet, -height / 2 + 1.8 * sheet)
            colour = PALETTE["sky"] if maps else PALETTE["orange"]
            ax.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor="white", linewidth=0.8))
        if name == "observation":
            ax.imshow(observation[..., -1], extent=(left, left + width, -height / 2, height / 2), zorder=2)
        middle = left + width / 2 + 0.9 * (sheets - 1)
        ax.text(middle, -55, name, ha="center", fontsize=12, weight="bold")
        ax.text(middle, -65, " × ".join(map(str, shape)), ha="center", fontsize=11)
        left += width + 1.8 * sheets + 30
    ax.set(xlim=(-5, left - 20), ylim=(-68, 52), aspect="equal")
    ax.axis("off")
    plt.show()


def draw_parameters(table: list[tuple[str, tuple[int, ...], int]]) -> None:
    """Parameters of each layer as bars, with number and share."""
    names, _, parameters = zip(*table)
    total = sum(parameters)
    _, ax = plt.subplots(figsize=(9, 2.8))
    colours = [PALETTE["sky"] if name.startswith("conv") else PALETTE["orange"] for name in names]
    bars = ax.barh(names, np.array(parameters) / 1e6, color=colours)
    ax.bar_label(bars, [f"{n:,} ({n / total:.1%})" for n in parameters], padding=4)
    ax.set(xlabel="parameters (millions)", xlim=(0, 2.15))
    ax.invert_yaxis()
    plt.show()


def spread(values: np.ndarray, gap: float) -> np.ndarray:
    """Heights for labels at these values, in the same order, nudged until they are about `gap` apart. [N] -> [N]."""
    order = np.argsort(values)
    heights = np.array(values, float)
    for _ in range(20):  # a nudge may bring two others together
        for below, above in zip(order, order[1:]):
            nudge = max(0.0, gap - (heights[above] - heights[below])) / 2
            heights[below] -= nudge
            heights[above] += nudge
    return heights


def compare_q_values(q_values: dict[str, np.ndarray], actions: tuple[str, ...]) -> None:
    """Q-values of each action, a line from network to network."""
    _, ax = plt.subplots(figsize=(8, 3.4))
    table = np.stack(list(q_values.values()))  # [networks, actions]
    heights = spread(table[-1], 0.09 * np.ptp(table))
    for action, values, height, colour in zip(actions, table.T, heights, ("blue", "orange", "green")):
        ax.plot(list(q_values), values, "o-", color=PALETTE[colour])
        place = (len(values) - 1, height)
        ax.annotate(action, place, xytext=(10, 0), textcoords="offset points", va="center", color=ink(colour))
    ax.set(ylabel="Q-value")
    ax.margins(x=0.12)
    plt.show()


def alike(kernel: np.ndarray) -> float:
    """Correlation of neighbouring weights: near 0 for noise, towards 1 for smooth shapes. [h, w, in, out]."""
    pairs = [(kernel[1:], kernel[:-1]), (kernel[:, 1:], kernel[:, :-1])]
    return float(np.mean([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs]))


def draw_first_layers(kernels: dict[str, np.ndarray]) -> None:
    """First-layer kernels [8, 8, 4, 32]: each filter four tiles wide, oldest frame left, newest right; strongest filters first."""
    figure, axes = plt.subplots(len(kernels), 1, figsize=(WIDTH, 1.65 * len(kernels)), squeeze=False)
    for ax, (title, kernel) in zip(axes[:, 0], kernels.items()):
        order = np.argsort(-abs(kernel).sum(axis=(0, 1, 2)))
        canvas = np.full((4 * 10, 8 * 36), np.nan)
        for place, filter_ in enumerate(order):
            row, column = divmod(place, 8)
            tiles = np.concatenate([kernel[:, :, frame, filter_] for frame in range(4)], axis=1)  # [8, 32]
            canvas[row * 10 : row * 10 + 8, column * 36 : column * 36 + 32] = tiles / abs(tiles).max()
        ax.imshow(canvas, cmap=SIGNED, vmin=-1, vmax=1)
        for row, column in np.ndindex(4, 8):
            for frame in range(1, 4):  # thin lines between the four frames of a filter
                x = column * 36 + 8 * frame - 0.5
                ax.plot([x, x], [row * 10 - 0.5, row * 10 + 7.5], color=PALETTE["grey"], linewidth=0.6)
        ax.set_title(f"{title}: neighbouring weights correlate by {alike(kernel):.2f}", loc="left")
        ax.axis("off")
    plt.show()


def liveliest(maps: np.ndarray, count: int) -> np.ndarray:
    """The channels whose maps change most over time: float [T, h, w, channels] -> int [count]."""
    return np.argsort(-maps.std(axis=0).mean(axis=(0, 1)))[:count]


def brightest(maps: np.ndarray) -> np.ndarray:
    """What to draw as white in each channel's maps, below the score: float [T, h, w, channels] -> [channels]."""
    return np.maximum(maps[:, 3:].max(axis=(0, 1, 2)), 1e-6)


def draw_feature_maps(screens: list[np.ndarray], maps: np.ndarray, channels: np.ndarray) -> None:
    """Moments of a game as rows: the screen, then the maps of some channels, each brightened by itself. maps: float [T, h, w, channels]."""
    size, widths = (WIDTH, 1.05 * len(screens) + 0.3), (1.4,) + (1,) * len(channels)
    _, axes = plt.subplots(len(screens), 1 + len(channels), figsize=size, width_ratios=widths)
    limits = brightest(maps)
    for row, (screen, features) in enumerate(zip(screens, maps)):
        show_frame(axes[row, 0], screen, "screen" if row == 0 else "")
        for ax, channel in zip(axes[row, 1:], channels):
            show_frame(ax, features[..., channel], f"filter {channel}" if row == 0 else "", cmap="magma", vmin=0, vmax=limits[channel])
    plt.show()


def draw_favourites(observations: np.ndarray, layers: dict[str, tuple[np.ndarray, int, int]], count: int = 8) -> None:
    """For some channels of each layer, the piece of all observations that excites the channel most.

    layers: name -> (maps float [T, h, w, channels], receptive field, jump), both in pixels.
    """
    figure, axes = plt.subplots(len(layers), count, figsize=(WIDTH, 1.55 * len(layers)))
    for row, (name, (maps, size, jump)) in zip(axes, layers.items()):
        for ax, channel in zip(row, liveliest(maps, count)):
            t, i, j = np.unravel_index(maps[..., channel].argmax(), maps.shape[:3])
            patch = observations[t, i * jump : i * jump + size, j * jump : j * jump + size, -1]
            show_frame(ax, patch, f"filter {channel}", vmin=0, vmax=148)
        row[0].set_ylabel(f"{name}\n{size} × {size} px")
    plt.show()


def show_thinking(screens: list[np.ndarray], maps: np.ndarray, channels: np.ndarray) -> NotebookImage:
    """A game beside the maps of eight channels, each brightened by itself. maps: float [T, h, w, channels]."""
    maps, pages = np.minimum(maps / brightest(maps), 1), []
    for screen, features in zip(screens, maps):
        picture = cv2.resize(screen, (360, 270), interpolation=cv2.INTER_NEAREST)
        tiles = [np.pad(features[..., channel], ((0, 1), (0, 1)), constant_values=1) for channel in channels]
        wall = np.concatenate([np.concatenate(tiles[:4], axis=1), np.concatenate(tiles[4:], axis=1)])  # [2 (h + 1), 4 (w + 1)]
        grey = (255 * wall).astype(np.uint8)
        pages.append(page([("the screen", picture), ("eight maps of conv1, bright where a filter answers", paint(grey, (540, 270)))]))
    alt = "A trained agent plays Breakout; beside the screen eight feature maps, in some of which the ball or the paddle lights up."
    return moving(pages, 90, alt)
