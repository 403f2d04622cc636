"""Checks of lesson 02: convolution by hand, three filters, sizes and parameters, the network of DQN, weights from Keras to PyTorch."""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from course_lib.checks.base import Mistake, exercise
from course_lib.config import NetworkConfig

CONV, DENSE = NetworkConfig().conv, NetworkConfig().dense  # ((32, 8, 4), (64, 4, 2), (64, 3, 1)), (512,)
OBSERVATION_SHAPE = (84, 84, 4)
LAYERS = ("conv1", "conv2", "conv3", "dense1", "q")


def as_array(value: Any, what: str) -> np.ndarray:
    """The answer as a numeric array, or a Mistake that says what it is instead."""
    if value is None:
        raise Mistake(f"{what} must be an array; yours is None: did you forget to return it?")
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        raise Mistake(f"{what} must be an array of numbers; yours is of type {type(value).__name__} and holds something else")
    if not isinstance(value, (np.ndarray, np.generic)):
        raise Mistake(f"{what} must be a NumPy array; yours is of type {type(value).__name__}: wrap it in np.array(...)")
    return array


def plain(array: Any) -> str:
    """An array on one line: `[[1, 2], [3, 4]]`, at most four digits each."""
    return str(np.vectorize(lambda x: float(f"{x:.4g}"))(np.asarray(array, float)).tolist()).replace(".0,", ",").replace(".0]", "]")


# 02.1 ------------------------------------------------------------------------------------------------------------------------------


def reference_conv2d(image: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """The reference of 02.1: [H, W], [h, w] -> [(H - h) // stride + 1, (W - w) // stride + 1]."""
    windows = sliding_window_view(np.asarray(image, float), np.shape(kernel))[::stride, ::stride]  # [rows, columns, h, w]
    return np.einsum("ijuv,uv->ij", windows, kernel)


def convolved(answer, image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """The learner's convolution of copies, which it must leave as they are."""
    image_given, kernel_given = image.copy(), kernel.copy()
    got = as_array(answer(image_given, kernel_given, stride), "the convolution")
    if not (np.array_equal(image_given, image) and np.array_equal(kernel_given, kernel)):
        raise Mistake("your function changes the image or the kernel that it is given: write into an array of your own")
    return got


def check_size(got: np.ndarray, rows: int, columns: int, h: int, w: int, stride: int) -> None:
    """Output sizes, one mistake after the other."""
    want = ((rows - h) // stride + 1, (columns - w) // stride + 1)
    unstrided = (rows - h + 1, columns - w + 1)
    case = f"{rows} x {columns} pixels, a {h} x {w} kernel and stride {stride} give {want[0]} x {want[1]} numbers"
    if got.shape == want:
        return
    yours = "yours has shape " + str(got.shape)
    if got.ndim != 2:
        raise Mistake(f"{case}; {yours}: sum over the window, and keep one number for each of its places")
    if got.shape == unstrided:
        raise Mistake(f"{case}; {yours}: the stride is ignored, the window must move {stride} pixels at a time")
    if got.shape in ((want[0], unstrided[1]), (unstrided[0], want[1])):
        axis = "columns" if got.shape[0] == want[0] else "rows"
        raise Mistake(f"{case}; {yours}: the stride is ignored along the {axis}, it holds for both axes")
    if got.shape in ((want[0] - 1, want[1] - 1), ((rows - h) // stride, (columns - w) // stride)):
        raise Mistake(f"{case}; {yours}: one short, the last place counts too: (H - h) // stride + 1")
    if got.shape == (math.ceil(rows / stride), math.ceil(columns / stride)):
        raise Mistake(f"{case}; {yours}: only windows that lie wholly inside the image count, so do not pad it")
    raise Mistake(f"{case}; {yours}: the size is (H - h) // stride + 1 by (W - w) // stride + 1, rounded down")


@exercise("02.1", reference=reference_conv2d, why="You have just written what a network does millions of times for every game it plays.")
def conv2d(answer):
    got = convolved(answer, np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[5.0, 0.0], [0.0, 7.0]]), 1)
    if got.shape == (1, 1) and got[0, 0] == 7.0:
        raise Mistake("[[1, 0], [0, 0]] under the kernel [[5, 0], [0, 7]] gives 5; yours is 7: the kernel is flipped, ours stays as it is")
    check_size(got, 2, 2, 2, 2, 1)
    got = convolved(answer, np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 5.0], [7.0, 0.0]]), 1)
    if got.shape == (1, 1) and got[0, 0] == 7.0:
        raise Mistake(
            "[[0, 1], [0, 0]] under the kernel [[0, 5], [7, 0]] gives 5; yours is 7: your kernel is transposed, row "
            "meets row in a window"
        )
    rng = np.random.default_rng(2)
    for rows, columns, h, w, stride in ((4, 4, 2, 2, 1), (6, 8, 2, 2, 2), (5, 6, 2, 3, 2), (9, 7, 3, 2, 3), (12, 12, 8, 8, 4)):
        image, kernel = rng.integers(0, 10, (rows, columns)).astype(float), rng.integers(-3, 4, (h, w)).astype(float)
        got = convolved(answer, image, kernel, stride)
        check_size(got, rows, columns, h, w, stride)
        check_places(got, image, kernel, stride)
    got = convolved(answer, np.array([[200, 101]], np.uint8), np.array([[1.0, 1.25]]), 1)
    check_size(got, 1, 2, 1, 2, 1)
    if not np.allclose(got, 326.25):
        whole = got[0, 0] in (326, 327)
        raise Mistake(
            f"the uint8 pixels [[200, 101]] under [[1, 1.25]] give 326.25; yours is {got[0, 0]:g}: "
            + ("integers lose the fraction, store the result in float" if whole else "compute and store in float, a uint8 ends at 255")
        )


def check_places(got: np.ndarray, image: np.ndarray, kernel: np.ndarray, stride: int) -> None:
    """Values, once the size is right."""
    want = reference_conv2d(image, kernel, stride)
    if np.allclose(got, want):
        return
    h, w = kernel.shape
    dense = reference_conv2d(image, kernel)  # stride 1, to look for windows that did not move far enough
    rows, columns = want.shape
    if np.allclose(got, dense[:rows, ::stride]) or np.allclose(got, dense[::stride, :columns]) or np.allclose(got, dense[:rows, :columns]):
        axis = "rows" if np.allclose(got[:, 0], dense[:rows, 0]) else "columns"
        raise Mistake(
            f"with stride {stride} the window must move {stride} pixels at a time; yours moves 1 along the {axis}: "
            "multiply the index by it"
        )
    place = tuple(map(int, np.argwhere(~np.isclose(got, want))[0]))
    raise Mistake(
        f"for a {image.shape[0]} x {image.shape[1]} image, a {h} x {w} kernel and stride {stride}, "
        f"out{list(place)} must be {want[place]:g}, the sum of window times kernel; yours is {got[place]:g}"
    )


# 02.2 ------------------------------------------------------------------------------------------------------------------------------

FILTER_SHAPES = {"blur": (3, 3), "vertical_edge": (3, 3), "ball_finder": (5, 5)}


def reference_filters() -> dict[str, np.ndarray]:
    """The reference of 02.2."""
    ball_finder = np.full((5, 5), -3.0)
    ball_finder[1:4, 1:4] = 1.0
    return {"blur": np.full((3, 3), 1 / 9), "vertical_edge": np.array([[-1.0, 0.0, 1.0]] * 3), "ball_finder": ball_finder}


def court(ball_row: int, ball_column: int) -> np.ndarray:
    """A small court as grey pixels, float [30, 30]: walls, bricks, a paddle and a ball of 2 x 1 pixels."""
    image = np.zeros((30, 30))
    image[:3] = image[:, :3] = image[:, -3:] = 142.0
    image[6:10] = 120.0
    image[25:28, 8:17] = np.array([[44.0], [110.0], [22.0]])
    image[ball_row : ball_row + 2, ball_column] = (61.0, 102.0)
    return image


def respond(kernel: np.ndarray, image: np.ndarray) -> float:
    """Response of a filter to an image of its own size."""
    return float((kernel * image).sum())


@exercise(
    "02.2",
    reference=reference_filters,
    why="A filter answers most to what looks like itself, which is all that a convolutional network ever asks.",
)
def hand_filters(answer):
    filters = answer()
    if not isinstance(filters, dict):
        raise Mistake(f"return a dictionary of three filters; yours is of type {type(filters).__name__}")
    if missing := [name for name in FILTER_SHAPES if filters.get(name) is None]:
        raise Mistake(f'the dictionary must hold the filters "blur", "vertical_edge" and "ball_finder"; "{missing[0]}" is missing')
    kernels = {name: as_array(filters[name], f'the filter "{name}"').astype(float) for name in FILTER_SHAPES}
    for name, shape in FILTER_SHAPES.items():
        if kernels[name].shape != shape:
            raise Mistake(f'the filter "{name}" must have shape {shape}; yours has {kernels[name].shape}')
    check_blur(kernels["blur"])
    check_edge(kernels["vertical_edge"])
    check_ball_finder(kernels["ball_finder"])


def check_blur(kernel: np.ndarray) -> None:
    flat = respond(kernel, np.full((3, 3), 100.0))
    if not np.isclose(flat, 100.0):
        raise Mistake(
            f"blur must leave a flat grey of 100 at 100; yours makes it {flat:g}: it is not normalised, its nine weights "
            "must add up to 1"
        )
    if not np.allclose(kernel, 1 / 9):
        place = tuple(map(int, np.argwhere(~np.isclose(kernel, 1 / 9))[0]))
        raise Mistake(f"blur is the mean of nine pixels, each with weight 1/9 = 0.1111; yours has {kernel[place]:.4g} at {list(place)}")


def check_edge(kernel: np.ndarray) -> None:
    away = respond(kernel, np.full((3, 3), 100.0))
    if (kernel >= 0).all() and away > 0:
        raise Mistake(
            f"vertical_edge must answer 0 to a flat grey of 100; yours answers {away:g}: it sums where it should take a "
            "difference"
        )
    if not np.isclose(away, 0.0, atol=1e-6):
        raise Mistake(f"vertical_edge must answer 0 to a flat grey of 100; yours answers {away:g}: its weights must add up to 0")
    for step in ([0, 50, 100], [0, 0, 100], [0, 100, 100]):
        check_step(kernel, step)


def check_step(kernel: np.ndarray, step: list[int]) -> None:
    """A step from dark to bright, from left to right and then from top to bottom. Only the first one lies under all three columns."""
    rows, ramp = np.array([step] * 3), step[1] == 50
    across, down = respond(kernel, rows), respond(kernel, rows.T)
    if ramp and np.isclose(across, 0.0, atol=1e-6) and not np.isclose(down, 0.0, atol=1e-6):
        raise Mistake(
            "vertical_edge answers 0 to the rows [0, 50, 100] and not to the columns: yours looks for horizontal edges, "
            "transpose it"
        )
    if across < -1e-6:
        hint = "wrong sign" if ramp else "weights must grow from left to right, as -1, 0, 1 do"
        raise Mistake(f"vertical_edge must be positive where dark turns bright from left to right; at {step} yours is {across:g}: {hint}")
    if ramp and np.isclose(across, 0.0, atol=1e-6):
        raise Mistake("vertical_edge must be positive where dark turns bright from left to right; at the rows [0, 50, 100] yours is 0")
    if not np.isclose(down, 0.0, atol=1e-6):
        raise Mistake(
            f"vertical_edge must answer 0 to a horizontal edge (columns {step}); yours answers {down:g}: make its "
            "three rows alike, each with the sum 0"
        )


def check_ball_finder(kernel: np.ndarray) -> None:
    rim = (kernel.sum() - kernel[1:4, 1:4].sum()) / 16
    if kernel[2, 2] < 0 < rim:
        raise Mistake(f"ball_finder has {kernel[2, 2]:g} in the middle and a positive rim: wrong sign, it rewards the rim; swap the signs")
    if (kernel >= 0).all():
        wall = respond(kernel, np.full((5, 5), 142.0))
        raise Mistake(f"ball_finder answers {wall:g} inside a wall: it sums where it should differ, the rim needs negative weights")
    for row, column in ((17, 12), (14, 20), (20, 6)):
        image = court(row, column)
        responses = reference_conv2d(image, kernel)  # [26, 26]
        if responses.max() <= 0 and kernel.max() <= 0:
            raise Mistake("ball_finder is positive nowhere, not even on the ball: wrong sign, the middle is positive and the rim negative")
        if responses.max() <= 0:
            raise Mistake(
                "ball_finder is positive nowhere, not even on the ball, which is two pixels high: the rim is too strong "
                f"({kernel.min():g} beside {kernel.max():g}) or begins too near, keep it to the outermost weights"
            )
        places = np.argwhere(np.isclose(responses, responses.max())) + 2  # centres of the best windows, [N, 2]
        off = places - (row + 0.5, column)
        if (far := (abs(off) > 2.5).any(axis=1)).any():
            raise Mistake(
                f"the largest response of ball_finder must lie on the ball; yours lies on {what_is_at(tuple(places[far][0]))}: "
                "whatever fills the rim too must lose, so make the rim's weights more negative"
            )
        down, right = off.mean(axis=0)  # the middle of them: a ball may sit at several places of the inner 3 x 3
        if max(abs(down), abs(right)) > 0.75:
            raise Mistake(
                f"the largest response of ball_finder must lie on the ball; yours is off by [{down:g}, {right:g}] in rows and "
                "columns: put the positive weights in the middle, [1:4, 1:4]"
            )


def what_is_at(place: tuple[int, int]) -> str:
    """What stands there on the court."""
    row, column = place
    if row <= 4 or column <= 4 or column >= 25:
        return "the wall's edge"
    return "the bricks" if row <= 12 else "the paddle" if row >= 23 else "empty ground beside the ball"


# 02.3 ------------------------------------------------------------------------------------------------------------------------------


def reference_table(observation_shape, conv, dense, num_actions) -> list[tuple[str, tuple[int, ...], int]]:
    """The reference of 02.3: (name, output shape, parameters) of every layer."""
    height, width, channels = observation_shape
    table = []
    for i, (filters, kernel, stride) in enumerate(conv, 1):
        parameters = (kernel * kernel * channels + 1) * filters
        height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, filters
        table.append((f"conv{i}", (height, width, channels), parameters))
    units = height * width * channels
    names = [*(f"dense{i}" for i in range(1, len(dense) + 1)), "q"]
    for name, outputs in zip(names, (*dense, num_actions)):
        table.append((name, (outputs,), (units + 1) * outputs))
        units = outputs
    return table


def table_rows(answer: Any) -> list[tuple[str, tuple[int, ...], int]]:
    """The learner's table with its rows unpacked."""
    if not isinstance(answer, (list, tuple)):
        raise Mistake(f"return a list of (name, output shape, parameters); yours is of type {type(answer).__name__}")
    rows = []
    for row in answer:
        try:
            name, shape, parameters = row
            if np.ndim(shape) == 0 and shape is not None:
                case = f"the output shape of {name} must be a tuple; yours is the number {shape}"
                raise Mistake(f"{case}: ({shape},) is a tuple, the comma makes it one")
            words = ("rows", "columns", "channels") if len(shape) == 3 else ("outputs",) * len(shape)
            for number, what in zip((*shape, parameters), (*words, "parameters")):
                if number != int(number):
                    raise Mistake(f"{name} has {number:.3g} {what} in your table: there are no parts of one, so use // where you divide")
            rows.append((str(name), tuple(int(n) for n in np.atleast_1d(shape)), int(parameters)))
        except (TypeError, ValueError):
            raise Mistake(f"each row is (name, output shape, parameters), as in ('q', (3,), 1539); one of yours is {row!r}") from None
    return rows


@exercise(
    "02.3",
    reference=reference_table,
    why="Nineteen parameters of twenty sit in one dense layer: convolutions see the screen for almost nothing.",
)
def layer_table(answer):
    settings = [
        (OBSERVATION_SHAPE, CONV, DENSE, 3),
        (OBSERVATION_SHAPE, ((16, 8, 4), (32, 4, 2)), (256,), 4),
        ((30, 42, 1), ((5, 4, 3),), (20, 10), 2),
        ((10, 6, 2), ((3, 3, 1),), (), 3),
    ]
    for shape, conv, dense, num_actions in settings:
        rows = table_rows(answer(shape, conv, dense, num_actions))
        want = reference_table(shape, conv, dense, num_actions)
        names = [name for name, *_ in want]
        if (got := [name for name, *_ in rows]) != names:
            raise Mistake(f"the rows must be {', '.join(names)}; yours are {', '.join(got) or 'none'}")
        channels = [shape[2], *(filters for filters, *_ in conv)]
        for i, (mine, yours) in enumerate(zip(want, rows)):
            if i < len(conv):
                check_conv_row(mine, yours, conv[i], channels[i], shape if i == 0 else want[i - 1][1])
            else:
                check_dense_row(mine, yours, want[i - 1][1], num_actions)
    numbers = [number for _, shape, parameters in answer(*settings[0]) for number in (*shape, parameters)]
    if floats := [number for number in numbers if isinstance(number, (float, np.floating))]:
        raise Mistake(f"sizes and parameters are whole numbers; yours holds {floats[0]} for {floats[0]:.0f}: divide with //")


def check_conv_row(mine, yours, layer: tuple[int, int, int], channels: int, before: tuple[int, ...]) -> None:
    (name, shape, parameters), (_, got_shape, got) = mine, yours
    filters, kernel, stride = layer
    if got_shape != shape:
        case = f"{name} ({filters} filters of {kernel} x {kernel}, stride {stride}) makes {before} into {shape}; yours makes it {got_shape}"
        if got_shape == (*shape[1::-1], shape[2]) or got_shape == (shape[2], *shape[:2]):
            raise Mistake(f"{case}: the order is height, width, channels")
        if got_shape == (math.ceil(before[0] / stride), math.ceil(before[1] / stride), filters):
            raise Mistake(f"{case}: that is the size with padding, this network uses none")
        if len(got_shape) == 3 and got_shape[0] == got_shape[1] and shape[0] != shape[1]:
            raise Mistake(f"{case}: not every screen is square, the width follows its own {before[1]} pixels, the height its {before[0]}")
        raise Mistake(f"{case}: off by one? The size is (before - kernel) // stride + 1")
    if got == parameters:
        return
    case = f"{name} has {parameters:,} parameters; yours has {got:,}"
    if got == parameters - filters:
        raise Mistake(f"{case}: the biases are forgotten, one for each of the {filters} filters")
    if got in (filters * (kernel * kernel + 1), filters * kernel * kernel):
        raise Mistake(f"{case}: a filter reaches through all {channels} channels of its input")
    if got % (shape[0] * shape[1]) == 0 and got // (shape[0] * shape[1]) in (parameters, parameters - filters):
        raise Mistake(f"{case}: the same weights serve all {shape[0]} x {shape[1]} places, so count them once")
    raise Mistake(f"{case}: (kernel x kernel x channels before + 1) x filters")


def check_dense_row(mine, yours, before: tuple[int, ...], num_actions: int) -> None:
    (name, shape, parameters), (_, got_shape, got) = mine, yours
    units, inputs = shape[0], math.prod(before)
    unflattened = (before[-1] + 1) * units
    if len(before) == 3 and (got == unflattened or got == unflattened - units or len(got_shape) == 3):
        raise Mistake(
            f"{name} has {parameters:,} parameters; yours has {got:,}: it stands before the flatten, it must see all "
            f"{before[0]} x {before[1]} x {before[2]} = {inputs:,} numbers"
        )
    if name == "q" and got_shape != shape:
        raise Mistake(
            f"q has one output for each of {num_actions} actions, shape {shape}; yours is {got_shape}: take num_actions, "
            "not the emulator's number"
        )
    if got_shape != shape:
        raise Mistake(f"{name} makes {before} into {shape}; yours into {got_shape}")
    if got == parameters - units:
        raise Mistake(
            f"{name} has {parameters:,} parameters; yours has {got:,}: the biases are forgotten, one for each of the "
            f"{units} units"
        )
    if got != parameters:
        raise Mistake(f"{name} has ({inputs:,} + 1) x {units} = {parameters:,} parameters; yours has {got:,}")


# 02.4 ------------------------------------------------------------------------------------------------------------------------------


@functools.cache
def known_weights() -> list[np.ndarray]:
    """Kernel, bias, kernel, bias, ... of the network in Keras layout, float32; the last bias makes some Q-values negative."""
    rng = np.random.default_rng(4)
    height, width, channels = OBSERVATION_SHAPE
    shapes = []
    for filters, kernel, stride in CONV:
        shapes.append((kernel, kernel, channels, filters))
        height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, filters
    units = [height * width * channels, *DENSE, 3]
    shapes += zip(units, units[1:])
    weights = []
    for shape in shapes:
        limit = math.sqrt(6 / math.prod(shape[:-1]))
        weights += [rng.uniform(-limit, limit, shape).astype(np.float32), rng.uniform(-0.1, 0.1, shape[-1]).astype(np.float32)]
    weights[-1] = np.linspace(-1.0, 1.0, 3).astype(np.float32)
    return weights


def known_observations() -> np.ndarray:
    """uint8 [2, 84, 84, 4]."""
    return np.random.default_rng(5).integers(0, 256, (2, *OBSERVATION_SHAPE), dtype=np.uint8)


def dim_observation() -> np.ndarray:
    """uint8 [1, 84, 84, 4], alone in its batch and no pixel brighter than 199."""
    return np.minimum(known_observations()[:1], 199)


def refuses_one(error: Exception) -> Mistake:
    """What to say when a network that takes two observations breaks at one."""
    return Mistake(f"2 observations pass and 1 alone raises {type(error).__name__}: type in no batch size, keep the first axis as it comes")


def reference_q_values(observations, weights, scale=1 / 255, relu=(True, True, True, True)) -> np.ndarray:
    """The network in NumPy: uint8 [B, 84, 84, 4] -> float [B, A]; its options are the mistakes that the checks look for."""
    x = observations.astype(np.float32) * np.float32(scale)  # [B, H, W, C]
    layers = list(zip(weights[::2], weights[1::2]))
    for (kernel, bias), (_, size, stride), active in zip(layers, CONV, relu):
        windows = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]  # [B, h, w, C, k, k]
        x = np.tensordot(windows, kernel, axes=([3, 4, 5], [2, 0, 1])) + bias  # [B, h, w, filters]
        x = np.maximum(x, 0) if active else x
    x = x.reshape(len(x), -1) @ layers[3][0] + layers[3][1]  # [B, 512]
    x = np.maximum(x, 0) if relu[3] else x
    return x @ layers[4][0] + layers[4][1]  # [B, A]


def agree(got: np.ndarray, want: np.ndarray) -> bool:
    return np.allclose(got, want, rtol=1e-3, atol=1e-3)


def check_q_values(got: np.ndarray, observations: np.ndarray, weights: list[np.ndarray], framework: str) -> None:
    """Compare Q-values made with known weights, and look for the mistake that explains them."""
    want = reference_q_values(observations, weights)
    if agree(got, want):
        return
    yours = f"with known weights the first Q-values must be {plain(want[0].round(2))}; yours are {plain(got[0].round(2))}"
    if agree(got, np.maximum(want, 0)):
        raise Mistake(f"{yours}: ReLU on the output, which can never say that a situation is bad; leave the last layer linear")
    powers = np.exp(want - want.max(axis=1, keepdims=True))
    if agree(got, powers / powers.sum(axis=1, keepdims=True)):
        raise Mistake(f"{yours}: softmax on the output makes probabilities; Q-values are no probabilities, leave the last layer linear")
    if observations.max() < 255 and agree(got, reference_q_values(observations, weights, scale=1 / observations.max())):
        raise Mistake(f"{yours}: you divide by the brightest pixel, here {observations.max()}, so one grey means two things; divide by 255")
    if agree(got, reference_q_values(observations, weights, scale=1.0)):
        raise Mistake(f"{yours}: /255 is missing, the network must turn uint8 0..255 into 0..1")
    if agree(got, reference_q_values(observations, weights, scale=1 / 255**2)):
        raise Mistake(f"{yours}: divided by 255 twice, once is enough")
    b, h, w, c = observations.shape
    if agree(got, reference_q_values(observations.reshape(b, c, h, w).transpose(0, 2, 3, 1), weights)):
        raise Mistake(
            f"{yours}: view or reshape to [B, 4, 84, 84] scrambles the pixels (channels order); permute(0, 3, 1, 2) moves "
            "the axis"
        )
    if agree(got, reference_q_values(observations.transpose(0, 2, 1, 3), weights)):
        order = "the channels order is permute(0, 3, 1, 2), not (0, 3, 2, 1)" if framework == "torch" else "Keras needs no permute"
        raise Mistake(f"{yours}: height and width are swapped; {order}")
    if agree(got, reference_q_values(observations[..., ::-1], weights)):
        raise Mistake(f"{yours}: the four frames are reversed (channels order); the newest frame is last, leave it there")
    reordered = [*weights[:6], flatten_channels_first(weights[6]), *weights[7:]]  # [c, h, w] weights under an [h, w, c] flatten
    if framework == "torch" and agree(got, reference_q_values(observations, reordered)):
        raise Mistake(f"{yours}: you permute before the flatten; flatten straight after the last convolution, as PyTorch's layers lie")
    for relu in itertools.product((True, False), repeat=4):
        if agree(got, reference_q_values(observations, weights, relu=relu)):
            missing = [name for name, active in zip(LAYERS, relu) if not active]
            raise Mistake(f"{yours}: the ReLU is missing after {', '.join(missing)}, and without it two layers are no more than one")
    raise Mistake(yours)


def flatten_channels_first(kernel: np.ndarray, flatten_shape=(7, 7, 64)) -> np.ndarray:
    """Reorder the inputs of the dense layer after the flatten, [h * w * c, units], to [c * h * w, units]."""
    return kernel.reshape(*flatten_shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)


def check_conv_layers(layers: list[tuple[int, tuple, tuple, bool]], name: str) -> None:
    """layers: (filters, kernel size, strides, padded) of each convolution, in order."""
    if len(layers) != len(CONV):
        raise Mistake(f"the network has 3 convolutions; yours has {len(layers)} {name} layers")
    for i, what in enumerate(("numbers of filters", "kernel sizes", "strides")):
        want, got = [(layer[i],) for layer in CONV], [tuple(np.unique(layer[i]).tolist()) for layer in layers]
        if got != want:
            shown = ", ".join("x".join(map(str, sizes)) for sizes in got)
            swapped = i == 2 and sorted(got) == sorted(want)
            hint = ": wrong order, the largest step comes first, where the picture is largest" if swapped else ""
            raise Mistake(f"the {what} are {', '.join(str(n) for n, in want)} in this order; yours are {shown}{hint}")
    if any(padded for *_, padded in layers):
        raise Mistake('the convolutions use no padding ("valid"): 84 -> 20 -> 9 -> 7; yours pad their input')


def check_parameter_count(got: int) -> None:
    want = sum(weight.size for weight in known_weights())
    if got != want:
        raise Mistake(
            f"with 3 actions the network has {want:,} parameters; yours has {got:,}: compare it with your table from "
            "02.3, layer by layer"
        )


def check_output(q_values: np.ndarray, count: int, num_actions: int) -> np.ndarray:
    if q_values.shape != (count, num_actions):
        hint = ": the last layer has num_actions outputs" if q_values.ndim == 2 and q_values.shape[0] == count else ""
        if count == 1 and q_values.shape == (num_actions,):
            hint = ": the batch axis is lost, do not squeeze the output"
        raise Mistake(
            f"{count} observation{'s' * (count > 1)} and {num_actions} actions give Q-values of shape ({count}, {num_actions}); "
            f"yours have {q_values.shape}{hint}"
        )
    if q_values.dtype != np.float32:
        raise Mistake(f"Q-values are float32; yours are {q_values.dtype}")
    return q_values


def reference_torch_network():
    from course_lib.backends.torch.networks import QNetwork

    return lambda num_actions: QNetwork(NetworkConfig(), OBSERVATION_SHAPE, num_actions)


NATURE = "This is the network that learned Atari in 2015, every number of it."


@exercise("02.4", framework="torch", reference=reference_torch_network, lazy=True, why=NATURE)
def q_network(answer):
    import torch
    from torch import nn

    observations = known_observations()
    network = answer(3)
    if not isinstance(network, nn.Module):
        raise Mistake(f"calling your network with 3 must give an nn.Module; yours gives the type {type(network).__name__}")

    def q_values(network, num_actions: int, observations=observations) -> np.ndarray:
        with torch.no_grad():
            output = network(torch.from_numpy(observations.copy()))
        if not isinstance(output, torch.Tensor):
            raise Mistake(
                f"the network must return a tensor of Q-values; yours returns the type {type(output).__name__}: is a "
                "return missing in forward?"
            )
        output = output.float() if output.dtype == torch.bfloat16 else output
        return check_output(output.numpy(), len(observations), num_actions)

    failure = None
    try:  # first of all, because lazy layers get their shapes here
        q_values(network, 3)
    except (RuntimeError, ValueError) as error:
        failure = error
    layers = list(network.modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    settings = [(layer.out_channels, layer.kernel_size, layer.stride, layer.padding not in ((0, 0), "valid")) for layer in convolutions]
    check_conv_layers(settings, "nn.Conv2d")
    if convolutions[0].in_channels != 4:
        raise Mistake(f"the first convolution has 4 input channels, the four frames; yours has {convolutions[0].in_channels}")
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if linear and linear[0].in_features not in (0, 3136):
        raise Mistake(f"the flatten gives 7 x 7 x 64 = 3,136 numbers; your first nn.Linear takes {linear[0].in_features:,}")
    if failure is not None:
        explain_torch(failure)
    parameters = list(network.parameters())
    check_parameter_count(sum(parameter.numel() for parameter in parameters))
    weights = known_weights()
    in_torch = list(reference_to_torch(dict(zip(canonical_names(), weights)), (7, 7, 64)).values())
    if [tuple(parameter.shape) for parameter in parameters] != [array.shape for array in in_torch]:
        raise Mistake(
            f"declare the layers in the order in which they are used, {', '.join(LAYERS)}, each with its bias: weights "
            "are loaded in that order"
        )
    with torch.no_grad():
        for parameter, array in zip(parameters, in_torch):
            parameter.copy_(torch.from_numpy(array.copy()))
    check_q_values(q_values(network, 3), observations, weights, "torch")
    dim = dim_observation()
    try:
        got = q_values(network, 3, dim)
    except (RuntimeError, ValueError) as error:
        raise refuses_one(error) from error
    check_q_values(got, dim, weights, "torch")
    check_gradient(network(torch.from_numpy(dim)), parameters)
    q_values(answer(2), 2)


def check_gradient(output, parameters) -> None:
    """A torch network must be able to learn: every parameter gets a gradient."""
    if not output.requires_grad:
        raise Mistake("the output must carry a gradient, or nothing can be learned; yours has none: no detach and no no_grad in forward")
    output.sum().backward()
    if missing := [name for name, parameter in zip(canonical_names(), parameters) if parameter.grad is None]:
        raise Mistake(f"no gradient reaches {missing[0].split('/')[0]}, so it would never learn: no detach and no no_grad in forward")


def explain_torch(error: Exception) -> None:
    """What torch's message means for this network."""
    text = str(error)
    if "Byte" in text or "unsigned char" in text:
        raise Mistake("a uint8 tensor came to a convolution: turn the observations into float and divide by 255 first") from error
    if "channels" in text:
        raise Mistake(
            "channels order: PyTorch's convolution wants [B, 4, 84, 84], observations are [B, 84, 84, 4]: permute(0, 3, "
            "1, 2)"
        ) from error
    if "mat1 and mat2" in text:
        raise Mistake(
            "the flatten and the first nn.Linear do not fit: flatten all but the batch axis, [B, 64, 7, 7] -> [B, "
            "3136]"
        ) from error
    raise error


def reference_keras_network():
    import keras

    def make_network(num_actions: int):
        network = keras.Sequential([keras.Input(OBSERVATION_SHAPE, dtype="uint8"), keras.layers.Rescaling(1 / 255)])
        for filters, kernel, stride in CONV:
            network.add(keras.layers.Conv2D(filters, kernel, stride, activation="relu"))
        network.add(keras.layers.Flatten())
        for units in DENSE:
            network.add(keras.layers.Dense(units, activation="relu"))
        network.add(keras.layers.Dense(num_actions))
        return network

    return make_network


@exercise("02.4", framework="keras", name="q_network", reference=reference_keras_network, lazy=True, why=NATURE)
def q_network_keras(answer):
    import keras

    observations = known_observations()
    try:
        network = answer(3)
    except ValueError as error:
        raise_keras(error)
    if not isinstance(network, keras.Model):
        raise Mistake(f"calling your function with 3 must give a keras.Model; yours gives the type {type(network).__name__}")

    def q_values(network, num_actions: int, observations=observations) -> np.ndarray:
        output = network(observations.copy())
        if output is None:
            raise Mistake("the network must return Q-values; yours returns None: is a return missing in call?")
        return check_output(np.asarray(output), len(observations), num_actions)

    failure = None
    try:
        q_values(network, 3)
    except (ValueError, TypeError, RuntimeError, Mistake) as error:
        failure = error
    layers = list(keras_layers(network))
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    check_conv_layers([(layer.filters, layer.kernel_size, layer.strides, layer.padding != "valid") for layer in convolutions], "Conv2D")
    if convolutions[0].data_format != "channels_last":
        raise Mistake('channels order: Keras reads [B, 84, 84, 4] as it is; leave data_format at "channels_last"')
    kernels = [layer.kernel.shape for layer in layers if isinstance(layer, keras.layers.Dense) and layer.built]
    if kernels and kernels[0][0] == 64:
        raise Mistake("the first Dense layer sees 64 numbers, each place on its own: a Flatten is missing, it must see 7 x 7 x 64 = 3,136")
    if failure is not None:
        raise_keras(failure)
    check_parameter_count(network.count_params())
    weights = known_weights()
    if [tuple(weight.shape) for weight in network.weights] != [array.shape for array in weights]:
        raise Mistake(f"the layers must be {', '.join(LAYERS)} in this order, each with its bias: weights are loaded in that order")
    network.set_weights(weights)
    check_q_values(q_values(network, 3), observations, weights, "keras")
    dim = dim_observation()
    try:
        got = q_values(network, 3, dim)
    except Mistake:
        raise
    except Exception as error:  # TensorFlow's own kinds of error are no ValueError
        raise refuses_one(error) from error
    check_q_values(got, dim, weights, "keras")
    q_values(answer(2), 2)


def keras_layers(model):
    """The layers of a model and of the models inside it, in order."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from keras_layers(layer)
        else:
            yield layer


def raise_keras(error: Exception) -> None:
    """What Keras's message means for this network."""
    text = str(error)
    if "Computed output size would be zero or negative" in text or "NCHW" in text:
        raise Mistake(
            "channels order: Keras reads [B, 84, 84, 4] as it is, channels last; do not permute, do not set "
            "data_format"
        ) from error
    if "uint8" in text:
        raise Mistake("uint8 pixels came to a convolution: /255 is missing, put layers.Rescaling(1 / 255) before it") from error
    raise error


# 02.5 ------------------------------------------------------------------------------------------------------------------------------


def canonical_names() -> list[str]:
    return [f"{layer}/{part}" for layer in LAYERS for part in ("kernel", "bias")]


def reference_to_torch(weights: dict[str, np.ndarray], flatten_shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """The reference of 02.5: Keras's names and layouts -> PyTorch's."""
    carried = {}
    for name, array in weights.items():
        layer, part = name.split("/")
        if part == "kernel" and array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)  # [h, w, in, out] -> [out, in, h, w]
        elif part == "kernel":
            if layer == "dense1":
                array = flatten_channels_first(array, flatten_shape)
            array = array.T  # [in, out] -> [out, in]
        carried[f"{layer}.{'weight' if part == 'kernel' else 'bias'}"] = array
    return carried


@exercise(
    "02.5",
    reference=reference_to_torch,
    why="The same agent now plays in both frameworks, and every shipped agent of this course reaches you this way.",
)
def keras_to_torch(answer):
    rng = np.random.default_rng(6)
    flatten_shape = (2, 3, 4)
    shapes = [(3, 3, 2, 5), (5,), (2, 3, 5, 4), (4,), (24, 24), (24,), (24, 24), (24,), (24, 3), (3,)]
    names = [f"{layer}/{part}" for layer in ("conv1", "conv2", "dense1", "dense2", "q") for part in ("kernel", "bias")]
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in zip(names, shapes)}
    given = {name: array.copy() for name, array in weights.items()}
    carried = answer(given, flatten_shape)
    if not isinstance(carried, dict):
        raise Mistake(f"return a dictionary of arrays; yours is of type {type(carried).__name__}")
    if list(given) != names or any(not np.array_equal(given[name], weights[name]) for name in names):
        raise Mistake("your function changes the weights that it is given: make new arrays")
    wanted = reference_to_torch(weights, flatten_shape)
    if missing := [name for name in wanted if name not in carried]:
        count = len(wanted)
        raise Mistake(f'"{missing[0]}" is missing from the result: {count} arrays go in, {count} come out, kernels are called weight')
    if extra := [name for name in carried if name not in wanted]:
        raise Mistake(f'"{extra[0]}" does not belong in the result: the {len(wanted)} new names, in the same order, nothing else')
    if swapped := [(mine, yours) for mine, yours in zip(wanted, carried) if mine != yours]:
        mine, yours = swapped[0]
        raise Mistake(f"arrays are loaded in their order, and yours has {yours} where {mine} must stand: keep the same order, nothing else")
    for name, want in wanted.items():
        source = weights[name.replace(".weight", "/kernel").replace(".bias", "/bias")]
        got = as_array(carried[name], name)
        if name.endswith("bias") or source.ndim == 4:
            check_carried_plain(name, got, want, source)
        else:
            check_carried_dense(name, got, want, source, flatten_shape)
        if got.dtype != np.float32:
            raise Mistake(f"{name} must stay float32; yours is {got.dtype}")


def check_carried_plain(name: str, got: np.ndarray, want: np.ndarray, source: np.ndarray) -> None:
    """Biases and convolution kernels."""
    if got.shape == want.shape and np.array_equal(got, want):
        return
    if name.endswith("bias"):
        raise Mistake(f"{name} needs no change in either framework; yours differs from {name.replace('.', '/')}")
    if got.shape != want.shape:
        raise Mistake(
            f"{name}: [h, w, in, out] = {source.shape} becomes [out, in, h, w] = {want.shape}; yours has {got.shape}: "
            "transpose(3, 2, 0, 1)?"
        )
    if np.array_equal(got, source.reshape(want.shape)):
        raise Mistake(f"{name}: the shape is right and the numbers are scrambled: reshape renames axes, only transpose moves them")
    if got.shape[2] == got.shape[3] and np.array_equal(got, want.swapaxes(2, 3)):
        raise Mistake(f"{name}: height and width are swapped, every filter lies on its side: transpose(3, 2, 0, 1), not (3, 2, 1, 0)")
    if np.array_equal(got, want[:, :, ::-1, ::-1]):
        raise Mistake(f"{name}: the filters are flipped; neither framework flips its kernels, so leave them")
    raise Mistake(f"{name}: the shape is right, the numbers are not where they belong: weight[o, i, u, v] must be kernel[u, v, i, o]")


def check_carried_dense(name: str, got: np.ndarray, want: np.ndarray, source: np.ndarray, flatten_shape: tuple[int, int, int]) -> None:
    """Dense kernels, above all the one after the flatten."""
    if got.shape == want.shape and np.array_equal(got, want):
        return
    if got.shape != want.shape:
        raise Mistake(f"{name}: [in, out] = {source.shape} becomes [out, in] = {want.shape}; yours has {got.shape}")
    h, w, c = flatten_shape
    if name == "dense1.weight":
        if np.array_equal(got, source.T):
            raise Mistake(
                "dense1.weight: the flatten order trap: all shapes are right, "
                "but Keras flattened [h, w, c] and PyTorch flattens [c, h, w]; "
                f"input 1 of yours is channel 1 of the first place, it must be channel 0 of the next place, row {c} of Keras's kernel"
            )
        undone = source.reshape(c, h, w, -1).transpose(1, 2, 0, 3).reshape(source.shape).T
        if np.array_equal(got, undone):
            raise Mistake(
                "dense1.weight: the flatten is reordered the wrong way round: split Keras's inputs as [h, w, c], then "
                "move c to the front"
            )
        if np.array_equal(got, source.reshape(h, w, c, -1).transpose(2, 1, 0, 3).reshape(source.shape).T):
            raise Mistake("dense1.weight: height and width are swapped in the flatten: transpose(2, 0, 1, 3), not (2, 1, 0, 3)")
        if np.array_equal(got, want.T) or np.array_equal(got, source):
            raise Mistake("dense1.weight: it is not transposed: Keras's kernel is [in, out], PyTorch's weight [out, in]")
    if np.array_equal(got, source):
        raise Mistake(f"{name}: it is not transposed: Keras's kernel is [in, out], PyTorch's weight [out, in]")
    if np.array_equal(got, flatten_channels_first(source, flatten_shape).T):
        raise Mistake(f"{name}: only dense1 comes after the flatten; the inputs of the other layers keep their order")
    raise Mistake(f"{name}: the shape is right, the numbers are not where they belong")
