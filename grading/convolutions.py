"""Hidden tests of lesson 02, convolutions."""

from __future__ import annotations

import math

import numpy as np

from course_lib.grading.probing import probe

# --- 02.1: a convolution by hand ------------------------------------------------------------------------------------------------------


def slide(answer, image, kernel, *stride):
    """What comes out, that it is an array of floats, and the arguments as they are afterwards."""
    got = answer(image, kernel, *stride)
    return got, got.dtype.kind, image, kernel


def eighths(rng, low, high, shape):
    """Fractions that float32 holds exactly, so that it does not matter in which order they are added up."""
    return rng.integers(low, high, shape) / 8


@probe("02.1", "sizes and places, with several strides")
def many_windows(answer, rng):
    settings = (((5, 7), (2, 2), 1), ((9, 6), (3, 3), 2), ((7, 11), (2, 3), 3), ((14, 10), (4, 2), 4), ((4, 9), (3, 1), 2))
    return [slide(answer, eighths(rng, 0, 800, size), eighths(rng, -40, 41, window), stride) for size, window, stride in settings]


@probe("02.1", "uint8 pixels under a kernel of fractions")
def pixels(answer, rng):
    return slide(answer, rng.integers(100, 256, (6, 8), dtype=np.uint8), eighths(rng, 1, 20, (3, 2)), 1)


@probe("02.1", "the default stride", extra=True)
def no_stride_given(answer, rng):
    return slide(answer, eighths(rng, 0, 800, (5, 6)), eighths(rng, -40, 41, (2, 3)))


@probe("02.1", "room for a single window", extra=True)
def one_window(answer, rng):
    image = eighths(rng, 0, 800, (4, 5))
    return [slide(answer, image, eighths(rng, -40, 41, shape), stride) for shape, stride in (((4, 5), 1), ((4, 5), 3), ((2, 3), 6))]


@probe("02.1", "pixels of other types of number", extra=True)
def other_pixels(answer, rng):
    kernel = eighths(rng, -40, 41, (2, 2))
    return [slide(answer, rng.integers(-90, 90, (5, 6)).astype(dtype), kernel, 2) for dtype in (np.int16, np.int64, np.float32)]


@probe("02.1", "an image that is part of a larger array", extra=True)
def newest_frame(answer, rng):
    observation = rng.integers(0, 256, (12, 9, 4), dtype=np.uint8)
    return slide(answer, observation[..., -1], eighths(rng, -40, 41, (3, 3)), 2), slide(answer, observation[::2, 1:, 0], np.ones((2, 2)), 1)


# --- 02.2: three filters --------------------------------------------------------------------------------------------------------------
# There are many right filters, so these return facts about them.


@probe("02.2", "what blur does")
def blur(answer, rng):
    filters = answer()
    return isinstance(filters, dict), filters["blur"], respond(filters["blur"], rng.uniform(0, 255, (3, 3)))


@probe("02.2", "where vertical_edge is positive and where it is 0")
def vertical_edge(answer, rng):
    kernel = answer()["vertical_edge"]
    facts = [kernel.shape]
    for _ in range(5):
        dark, grey, bright = np.cumsum(rng.uniform(20, 80, 3))
        facts.append(respond(kernel, [[dark, grey, bright]] * 3) > 1e-6)
        facts += [respond(kernel, [step] * 3) > -1e-6 for step in ([dark, dark, bright], [dark, bright, bright])]
        facts += [abs(respond(kernel, np.transpose([step] * 3))) < 1e-4 for step in ([dark, grey, bright], [grey, bright, dark])]
        facts.append(abs(respond(kernel, np.full((3, 3), grey))) < 1e-4)
    return facts


@probe("02.2", "where the largest response of ball_finder lies")
def ball_finder(answer, rng):
    kernel = answer()["ball_finder"]
    return kernel.shape, [finds(kernel, rng.integers(14, 21), rng.integers(6, 21), rng.integers(8, 14)) for _ in range(6)]


def respond(kernel, image):
    """Response of a filter to an image of its own size."""
    return float((kernel.astype(float) * image).sum())


def finds(kernel, row, column, paddle):
    """Whether a filter is positive on a ball (two pixels high, from that row on), and more than anywhere else on the court."""
    court = np.zeros((30, 30))
    court[:3] = court[:, :3] = court[:, -3:] = 142.0
    court[6:10] = 120.0
    court[25:28, paddle : paddle + 9] = np.array([[44.0], [110.0], [22.0]])
    court[row : row + 2, column] = (61.0, 102.0)
    responses = np.array([[respond(kernel, court[i : i + 5, j : j + 5]) for j in range(26)] for i in range(26)])
    # A filter may like several places around the ball equally: none may lie far away, and their middle is the ball's.
    off = np.argwhere(np.isclose(responses, responses.max())) + 2 - (row + 0.5, column)  # [N, 2]
    return bool(responses.max() > 0), bool((abs(off) <= 2.5).all()), bool((abs(off.mean(axis=0)) <= 0.75).all())


# --- 02.3: sizes and parameters -------------------------------------------------------------------------------------------------------


def table_of(answer, *arguments):
    """The rows, whether their numbers are whole, and whether they come in a list (or a tuple)."""
    table = answer(*arguments)
    rows = []
    for name, shape, parameters in table:
        whole = all(np.asarray(number).dtype.kind in "iu" for number in (*shape, parameters))
        rows.append((str(name), tuple(shape), parameters, whole))
    return isinstance(table, list | tuple), rows


def numbers(rng, low, high, count):
    return tuple(int(number) for number in rng.integers(low, high, count))


@probe("02.3", "convolutions and dense layers, over a picture that is not square")
def whole_network(answer, rng):
    (height,), (width,), (channels,) = numbers(rng, 60, 90, 1), numbers(rng, 40, 58, 1), numbers(rng, 2, 6, 1)
    kernels, strides, filters = (*numbers(rng, 5, 9, 1), 4, 3), (*numbers(rng, 2, 4, 1), 2, 1), numbers(rng, 5, 70, 3)
    conv = tuple(zip(filters, kernels, strides, strict=True))
    return [
        table_of(answer, (height, width, channels), conv, numbers(rng, 20, 600, 2), *numbers(rng, 5, 10, 1)),
        table_of(answer, (width, height, channels), conv[:2], numbers(rng, 20, 600, 1), *numbers(rng, 5, 10, 1)),
    ]


@probe("02.3", "no hidden dense layer")
def only_q(answer, rng):
    filters, num_actions = numbers(rng, 5, 20, 2)
    return table_of(answer, (23, 37, 2), ((filters, 5, 3),), (), num_actions)


@probe("02.3", "a network with more layers", extra=True)
def deep_network(answer, rng):
    conv = tuple((filters, kernel, 1) for filters, kernel in zip(numbers(rng, 5, 20, 6), (5, 4, 3, 3, 2, 2), strict=True))
    return table_of(answer, (40, 32, 3), conv, numbers(rng, 5, 40, 4), 6)


@probe("02.3", "a window as large as the picture", extra=True)
def one_place(answer, rng):
    (filters,) = numbers(rng, 5, 20, 1)
    return table_of(answer, (12, 12, 3), ((filters, 12, 4),), (7,), 5)


# --- 02.4: the network of DQN ---------------------------------------------------------------------------------------------------------


def observations(rng, count, brightest=255):
    return rng.integers(0, brightest + 1, (count, 84, 84, 4), dtype=np.uint8)


def new_weights(rng, shapes, fan_in):
    """Weights of such a size that the numbers neither grow nor fade on their way, and biases; the last ones make some Q-values negative."""
    weights = []
    for shape in shapes:
        limit = math.sqrt(6 / fan_in(shape)) if len(shape) > 1 else 0.1
        weights.append(rng.uniform(-limit, limit, shape).astype(np.float32))
    weights[-1] = np.linspace(-1, 1, weights[-1].size).astype(np.float32)
    return weights


def torch_q_values(network, pixels):
    import torch

    return network(torch.tensor(pixels))


def load_torch(network, rng):
    import torch

    torch_q_values(network, np.zeros((2, 84, 84, 4), np.uint8))  # lazy layers get their shapes here
    parameters = list(network.parameters())
    weights = new_weights(rng, [parameter.shape for parameter in parameters], lambda shape: math.prod(shape[1:]))
    with torch.no_grad():
        for parameter, array in zip(parameters, weights, strict=True):
            parameter.copy_(torch.tensor(array))
    return network


def keras_q_values(network, pixels):
    return network(pixels)


def load_keras(network, rng):
    keras_q_values(network, np.zeros((2, 84, 84, 4), np.uint8))  # a model of one's own is built here
    network.set_weights(new_weights(rng, [tuple(w.shape) for w in network.weights], lambda shape: math.prod(shape[:-1])))
    return network


@probe("02.4", "the parameters, in the order in which the layers are used", framework="torch")
def torch_layers(answer, rng):
    layers = []
    for num_actions in (2, *numbers(rng, 5, 10, 1)):
        network = answer(num_actions)
        q_values = torch_q_values(network, observations(rng, 3))
        layers.append([[tuple(parameter.shape) for parameter in network.parameters()], tuple(q_values.shape), str(q_values.dtype)])
    return layers


@probe("02.4", "Q-values with known weights", framework="torch", tolerance=1e-3)
def torch_values(answer, rng):
    network = load_torch(answer(5), rng)
    return torch_q_values(network, observations(rng, 3)), torch_q_values(network, observations(rng, 1, brightest=180))


@probe("02.4", "a gradient for every layer", framework="torch")
def torch_gradients(answer, rng):
    network = load_torch(answer(3), rng)
    torch_q_values(network, observations(rng, 2)).sum().backward()
    return [parameter.grad is not None and bool(parameter.grad.any()) for parameter in network.parameters()]


@probe("02.4", "a picture that is nearly black and one that is white", framework="torch", tolerance=1e-3, extra=True)
def torch_dark_and_bright(answer, rng):
    network = load_torch(answer(3), rng)
    return [torch_q_values(network, pixels) for pixels in dark_and_bright(rng)]


@probe("02.4", "two networks side by side", framework="torch", tolerance=1e-3, extra=True)
def torch_twins(answer, rng):
    one, other = load_torch(answer(3), rng), load_torch(answer(3), rng)
    pixels = observations(rng, 2)
    return torch_q_values(one, pixels), torch_q_values(other, pixels)


@probe("02.4", "the weights, in the order in which the layers are used", framework="keras")
def keras_layers(answer, rng):
    layers = []
    for num_actions in (2, *numbers(rng, 5, 10, 1)):
        network = answer(num_actions)
        q_values = np.asarray(keras_q_values(network, observations(rng, 3)))
        layers.append([[tuple(weight.shape) for weight in network.weights], q_values.shape, q_values.dtype.name])
    return layers


@probe("02.4", "Q-values with known weights", framework="keras", tolerance=1e-3)
def keras_values(answer, rng):
    network = load_keras(answer(5), rng)
    return keras_q_values(network, observations(rng, 3)), keras_q_values(network, observations(rng, 1, brightest=180))


@probe("02.4", "a gradient for every layer", framework="keras", extra=True)
def keras_gradients(answer, rng):
    import tensorflow as tf

    network = load_keras(answer(3), rng)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(keras_q_values(network, observations(rng, 2)))
    gradients = tape.gradient(total, [weight.value for weight in network.trainable_weights])
    return [gradient is not None and bool(np.any(gradient)) for gradient in gradients]


@probe("02.4", "a picture that is nearly black and one that is white", framework="keras", tolerance=1e-3, extra=True)
def keras_dark_and_bright(answer, rng):
    network = load_keras(answer(3), rng)
    return [keras_q_values(network, pixels) for pixels in dark_and_bright(rng)]


@probe("02.4", "two networks side by side", framework="keras", tolerance=1e-3, extra=True)
def keras_twins(answer, rng):
    one, other = load_keras(answer(3), rng), load_keras(answer(3), rng)
    pixels = observations(rng, 2)
    return keras_q_values(one, pixels), keras_q_values(other, pixels)


def dark_and_bright(rng):
    """Two batches of one: pixels of 0 and 1, and pixels of 255."""
    return observations(rng, 1, brightest=1), np.full((1, 84, 84, 4), 255, np.uint8)


# --- 02.5: from Keras to PyTorch ------------------------------------------------------------------------------------------------------


def carry(answer, weights, flatten_shape):
    """The new dictionary, the types of its arrays, and the old dictionary as it is afterwards."""
    carried = answer(weights, flatten_shape)
    return carried, [str(array.dtype) for array in carried.values()], weights


def network_weights(rng, **kernels):
    """A kernel of the given shape and a bias for each layer, by the names that Keras uses."""
    weights = {}
    for layer, shape in kernels.items():
        weights[f"{layer}/kernel"] = rng.normal(size=shape).astype(np.float32)
        weights[f"{layer}/bias"] = rng.normal(size=shape[-1]).astype(np.float32)
    return weights


@probe("02.5", "the layouts of convolutions and dense layers")
def all_layers(answer, rng):
    carried = []
    for _ in range(2):
        h, w, c = (int(n) for n in rng.permutation([2, 3, 4]))
        # Square kernels, too: their shapes do not tell whether they were transposed.
        shapes = {"conv1": (3, 3, 3, 4), "conv2": (2, 4, 4, c), "dense1": (24, 24), "dense2": (24, 24), "q": (24, 5)}
        carried.append(carry(answer, network_weights(rng, **shapes), (h, w, c)))
    return carried


@probe("02.5", "layers of other sizes, and no second dense layer")
def fewer_layers(answer, rng):
    return carry(answer, network_weights(rng, conv1=(4, 4, 1, 3), dense1=(5 * 2 * 3, 7), q=(7, 2)), (5, 2, 3))


@probe("02.5", "the layers of DQN", extra=True)
def dqn_layers(answer, rng):
    shapes = {"conv1": (8, 8, 4, 3), "conv2": (4, 4, 3, 6), "conv3": (3, 3, 6, 6), "dense1": (7 * 7 * 6, 9), "q": (9, 3)}
    return carry(answer, network_weights(rng, **shapes), (7, 7, 6))


@probe("02.5", "maps of a single row, column or place", extra=True)
def narrow_maps(answer, rng):
    shapes = (1, 5, 3), (4, 1, 3), (1, 1, 6)
    return [carry(answer, network_weights(rng, dense1=(math.prod(shape), 4), q=(4, 1)), shape) for shape in shapes]


@probe("02.5", "kernels that lie in memory in another order", extra=True)
def other_memory(answer, rng):
    weights = network_weights(rng, conv1=(3, 3, 2, 4), dense1=(24, 6), q=(6, 3))
    return carry(answer, {name: np.asfortranarray(array) for name, array in weights.items()}, (2, 3, 4))
