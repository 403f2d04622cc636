"""Right answers to lesson 02 in other styles."""

import math
from collections import namedtuple

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from tests.right import right

# --- 02.1 -----------------------------------------------------------------------------------------------------------------------------


@right("02.1")
def conv_over_a_view(image, kernel, stride=1):
    windows = sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3)).astype(float)


@right("02.1")
def conv_weight_by_weight(image, kernel, stride=1):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1
    out = np.zeros((rows, columns))
    for u in range(h):
        for v in range(w):
            out += kernel[u, v] * image[u : u + rows * stride : stride, v : v + columns * stride : stride][:rows, :columns]
    return out


@right("02.1")
def conv_of_lists(image, kernel, stride=1):
    h, w = kernel.shape
    tops, lefts = range(0, image.shape[0] - h + 1, stride), range(0, image.shape[1] - w + 1, stride)
    return np.array([[float(np.sum(image[i : i + h, j : j + w] * kernel)) for j in lefts] for i in tops])


@right("02.1")
def conv_with_four_loops(image, kernel, stride=1):
    rows, columns = (image.shape[0] - kernel.shape[0]) // stride + 1, (image.shape[1] - kernel.shape[1]) // stride + 1
    out = np.empty((rows, columns), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for (u, v), weight in np.ndenumerate(kernel):
                total += float(image[i * stride + u, j * stride + v]) * weight
            out[i, j] = total
    return out


@right("02.1")
def conv_as_a_matrix_product(image, kernel, stride=1):
    image = image.astype(np.float64)  # a copy, its rows side by side in memory
    rows, columns = ((n - k) // stride + 1 for n, k in zip(image.shape, kernel.shape))
    down, right_ = image.strides
    windows = as_strided(image, (rows, columns, *kernel.shape), (down * stride, right_ * stride, down, right_))
    return (windows.reshape(rows * columns, kernel.size) @ kernel.ravel()).reshape(rows, columns)


@right("02.1")
def conv_by_recursion(image, kernel, stride=1):
    h, w = kernel.shape
    if image.shape[0] < h:
        return np.zeros((0, (image.shape[1] - w) // stride + 1))
    row = [(image[:h, left : left + w] * kernel).sum() for left in range(0, image.shape[1] - w + 1, stride)]
    return np.vstack([row, conv_by_recursion(image[stride:], kernel, stride)])


@right("02.1", name="conv_from_scipy", lazy=True)
def conv_from_scipy():
    from scipy.signal import correlate2d

    return lambda image, kernel, stride=1: correlate2d(image.astype(float), kernel, mode="valid")[::stride, ::stride]


@right("02.1", name="conv_from_torch", lazy=True)
def conv_from_torch():
    import torch
    from torch.nn import functional as F

    def conv2d(image, kernel, stride=1):
        image, kernel = torch.tensor(image.astype(np.float32)), torch.tensor(kernel, dtype=torch.float32)
        return F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0].numpy()

    return conv2d


# --- 02.2 -----------------------------------------------------------------------------------------------------------------------------


@right("02.2")
def filters_with_sobel():
    sobel = np.outer([1.0, 2.0, 1.0], [-1.0, 0.0, 1.0])
    return {"blur": np.ones((3, 3)) / 9, "vertical_edge": sobel, "ball_finder": np.pad(np.ones((3, 3)), 1, constant_values=-4.0)}


@right("02.2")
def filters_of_two_columns():
    finder = np.ones((5, 5), dtype=np.float32)
    finder[[0, -1], :] = finder[:, [0, -1]] = -6
    edge = np.zeros((3, 3))
    edge[:, 0], edge[:, 1] = -1, 1
    return dict(ball_finder=finder, vertical_edge=edge, blur=np.full((3, 3), 1 / 9, dtype=np.float32))


@right("02.2")
def filters_written_out():
    r = -2.5
    return {
        "vertical_edge": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]]),
        "ball_finder": np.array([[r, r, r, r, r], [r, 1, 1, 1, r], [r, 1, 1, 1, r], [r, 1, 1, 1, r], [r, r, r, r, r]]),
        "blur": np.array([[1, 1, 1]] * 3) / 9.0,
    }


@right("02.2")
def filters_with_a_brighter_middle():
    distance = np.maximum(*np.abs(np.mgrid[-2:3, -2:3]))  # [5, 5]: 0 in the middle, 2 on the rim
    finder = np.choose(distance, [2.0, 1.0, -5.0])
    return {"blur": np.mean(np.eye(9), axis=0).reshape(3, 3), "vertical_edge": np.tile([-1 / 3, 0.0, 1 / 3], (3, 1)), "ball_finder": finder}


# --- 02.3 -----------------------------------------------------------------------------------------------------------------------------


@right("02.3")
def table_by_helpers(observation_shape, conv, dense, num_actions):
    def size(n, kernel, stride):
        return math.floor((n - kernel) / stride) + 1

    shapes, table = [observation_shape], []
    for number, (filters, kernel, stride) in enumerate(conv):
        height, width, channels = shapes[-1]
        shapes.append((size(height, kernel, stride), size(width, kernel, stride), filters))
        table.append((f"conv{number + 1}", shapes[-1], kernel**2 * channels * filters + filters))
    inputs = math.prod(shapes[-1])
    for number, units in enumerate(dense):
        table.append(("dense" + str(number + 1), (units,), inputs * units + units))
        inputs = units
    return table + [("q", (num_actions,), inputs * num_actions + num_actions)]


@right("02.3")
def table_by_recursion(observation_shape, conv, dense, num_actions):
    def dense_rows(inputs, units, names):
        if not units:
            return []
        return [(names[0], (units[0],), (inputs + 1) * units[0]), *dense_rows(units[0], units[1:], names[1:])]

    def conv_rows(shape, layers, number):
        if not layers:
            names = [f"dense{i + 1}" for i in range(len(dense))] + ["q"]
            return dense_rows(math.prod(shape), [*dense, num_actions], names)
        (filters, k, s), h, w = layers[0], shape[0], shape[1]
        out = ((h - k) // s + 1, (w - k) // s + 1, filters)
        return [(f"conv{number}", out, (k * k * shape[2] + 1) * filters), *conv_rows(out, layers[1:], number + 1)]

    return conv_rows(observation_shape, conv, 1)


@right("02.3")
def table_with_numpy(observation_shape, conv, dense, num_actions):
    shape, rows = np.array(observation_shape), []
    for i, (filters, kernel, stride) in enumerate(conv, start=1):
        weights = np.prod([kernel, kernel, shape[-1], filters])
        shape = np.append((shape[:2] - kernel) // stride + 1, filters)
        rows.append((f"conv{i}", tuple(shape), weights + filters))
    units = [np.prod(shape), *dense, num_actions]
    for i, (before, after) in enumerate(zip(units, units[1:]), start=1):
        rows.append((f"dense{i}" if i < len(units) - 1 else "q", (after,), before * after + after))
    return rows


@right("02.3")
def table_of_named_rows(observation_shape, conv, dense, num_actions):
    Row = namedtuple("Row", "name shape parameters")
    height, width, channels = observation_shape
    rows = []
    for filters, kernel, stride in conv:
        height = len(range(0, height - kernel + 1, stride))
        width = len(range(0, width - kernel + 1, stride))
        rows.append(Row(f"conv{len(rows) + 1}", (height, width, filters), filters * (1 + channels * kernel * kernel)))
        channels = filters
    flat = height * width * channels
    for units in dense:
        rows.append(Row(f"dense{len(rows) - len(conv) + 1}", (units,), units * (1 + flat)))
        flat = units
    rows.append(Row("q", (num_actions,), num_actions * (1 + flat)))
    return tuple(rows)


# --- 02.4 in PyTorch ------------------------------------------------------------------------------------------------------------------


def in_torch(make):
    """An answer whose body gets torch: function(torch) -> answer."""
    return right("02.4", framework="torch", name=make.__name__, lazy=True)(lambda: make(__import__("torch")))


@in_torch
def two_sequentials(torch):
    nn = torch.nn

    class TorchQNetwork(nn.Module):
        def __init__(self, num_actions):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(4, 32, kernel_size=8, stride=4),
                nn.ReLU(),
                nn.Conv2d(32, 64, kernel_size=4, stride=2),
                nn.ReLU(),
                nn.Conv2d(64, 64, kernel_size=3, stride=1),
                nn.ReLU(),
                nn.Flatten(),
            )
            self.head = nn.Sequential(nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, num_actions))

        def forward(self, observations):
            return self.head(self.features(observations.permute(0, 3, 1, 2).float() / 255.0))

    return TorchQNetwork


@in_torch
def list_of_layers(torch):
    nn = torch.nn

    class TorchQNetwork(nn.Module):
        def __init__(self, num_actions):
            super().__init__()
            channels = 4
            self.convolutions = nn.ModuleList()
            for filters, kernel, stride in ((32, 8, 4), (64, 4, 2), (64, 3, 1)):
                self.convolutions.append(nn.Conv2d(channels, filters, (kernel, kernel), (stride, stride)))
                channels = filters
            self.hidden, self.out = nn.Linear(64 * 7 * 7, 512), nn.Linear(512, num_actions)

        def forward(self, observations):
            x = observations.to(torch.float32).mul(1 / 255).movedim(-1, 1)
            for layer in self.convolutions:
                x = layer(x).clamp(min=0)
            x = x.reshape(x.shape[0], -1)
            return self.out(torch.relu(self.hidden(x)))

    return TorchQNetwork


@in_torch
def lazy_layers(torch):
    nn = torch.nn

    class TorchQNetwork(nn.Module):
        def __init__(self, num_actions):
            super().__init__()
            self.conv1, self.conv2, self.conv3 = nn.LazyConv2d(32, 8, 4), nn.LazyConv2d(64, 4, 2), nn.LazyConv2d(64, 3)
            self.dense1, self.q = nn.LazyLinear(512), nn.LazyLinear(num_actions)
            self.relu = nn.ReLU()

        def forward(self, observations):
            x = torch.einsum("bhwc->bchw", observations.float()) / 255
            for conv in (self.conv1, self.conv2, self.conv3):
                x = self.relu(conv(x))
            return self.q(self.relu(self.dense1(x.flatten(start_dim=1))))

    return TorchQNetwork


@in_torch
def one_sequential(torch):
    nn = torch.nn

    class Pixels(nn.Module):
        def forward(self, observations):
            return observations.permute(0, 3, 1, 2).contiguous() / 255

    def make_network(num_actions):
        layers = [Pixels()]
        for inputs, filters, kernel, stride in ((4, 32, 8, 4), (32, 64, 4, 2), (64, 64, 3, 1)):
            layers += [nn.Conv2d(inputs, filters, kernel, stride), nn.ReLU(inplace=True)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, num_actions))

    return make_network


# --- 02.4 in Keras --------------------------------------------------------------------------------------------------------------------


def in_keras(make):
    """An answer whose body gets keras: function(keras) -> answer."""
    return right("02.4", framework="keras", name=make.__name__, lazy=True)(lambda: make(__import__("keras")))


@in_keras
def functional(keras):
    layers = keras.layers

    def make_network(num_actions):
        observations = keras.Input((84, 84, 4), dtype="uint8")
        x = layers.Rescaling(1 / 255)(observations)
        for filters, kernel, stride in ((32, 8, 4), (64, 4, 2), (64, 3, 1)):
            x = layers.Conv2D(filters, kernel, strides=stride, activation="relu")(x)
        x = layers.Dense(512, activation="relu")(layers.Flatten()(x))
        return keras.Model(observations, layers.Dense(num_actions)(x))

    return make_network


@in_keras
def subclass(keras):
    layers = keras.layers

    class QNetwork(keras.Model):
        def __init__(self, num_actions):
            super().__init__()
            self.first = layers.Conv2D(32, (8, 8), (4, 4))
            self.second = layers.Conv2D(64, (4, 4), (2, 2))
            self.third = layers.Conv2D(64, (3, 3))
            self.hidden = layers.Dense(512)
            self.out = layers.Dense(num_actions)

        def call(self, observations):
            x = keras.ops.cast(observations, "float32") / 255.0
            for layer in (self.first, self.second, self.third):
                x = keras.ops.relu(layer(x))
            x = keras.ops.reshape(x, (-1, 7 * 7 * 64))
            return self.out(keras.ops.relu(self.hidden(x)))

    return QNetwork


@in_keras
def layer_by_layer(keras):
    layers = keras.layers

    def make_network(num_actions):
        network = keras.Sequential()
        network.add(keras.Input(shape=(84, 84, 4)))
        network.add(layers.Lambda(lambda x: keras.ops.cast(x, "float32") / 255))
        for filters, kernel, stride in zip((32, 64, 64), (8, 4, 3), (4, 2, 1)):
            network.add(layers.Conv2D(filters, kernel, stride, padding="valid"))
            network.add(layers.ReLU())
        network.add(layers.Flatten())
        network.add(layers.Dense(512))
        network.add(layers.Activation("relu"))
        network.add(layers.Dense(num_actions, activation="linear"))
        return network

    return make_network


# --- 02.5 -----------------------------------------------------------------------------------------------------------------------------


@right("02.5")
def carry_by_a_permutation(weights, flatten_shape):
    order = np.arange(math.prod(flatten_shape)).reshape(flatten_shape).transpose(2, 0, 1).ravel()
    carried = {}
    for name, array in weights.items():
        layer, part = name.split("/")
        if part == "bias":
            carried[layer + ".bias"] = array.copy()
            continue
        if layer == "dense1":
            array = array[order]
        carried[layer + ".weight"] = np.ascontiguousarray(array.transpose(3, 2, 0, 1) if layer.startswith("conv") else array.T)
    return carried


@right("02.5")
def carry_with_einsum(weights, flatten_shape):
    def carried(name, array):
        if name == "dense1/kernel":
            return np.einsum("hwco->ochw", array.reshape(*flatten_shape, array.shape[1])).reshape(array.shape[1], -1)
        return {1: lambda: array, 2: lambda: np.einsum("io->oi", array), 4: lambda: np.einsum("hwio->oihw", array)}[array.ndim]()

    return {name.replace("/kernel", ".weight").replace("/", "."): carried(name, array) for name, array in weights.items()}


@right("02.5")
def carry_number_by_number(weights, flatten_shape):
    h, w, c = flatten_shape
    carried = {}
    for name, array in weights.items():
        new_name = name.replace("/", ".").replace("kernel", "weight")
        if array.ndim == 1:
            carried[new_name] = np.array(array)
        elif array.ndim == 4:
            carried[new_name] = np.moveaxis(array, [3, 2], [0, 1])
        else:
            out = np.zeros((array.shape[1], array.shape[0]), dtype=np.float32)
            for old in range(len(array)):
                place, channel = divmod(old, c)
                new = channel * h * w + place if name == "dense1/kernel" else old
                out[:, new] = array[old]
            carried[new_name] = out
    return carried


@right("02.5")
def carry_by_swaps(weights, flatten_shape):
    h, w, c = flatten_shape
    result = dict()
    for name in weights:
        value = weights[name]
        if name.endswith("bias"):
            result[name.replace("/", ".")] = value
        elif name.startswith("conv"):
            result[f"{name[:-7]}.weight"] = value.swapaxes(0, 3).swapaxes(1, 2).swapaxes(2, 3)
        elif name.startswith("dense1/"):
            result["dense1.weight"] = value.reshape(h * w, c, -1).swapaxes(0, 1).reshape(h * w * c, -1).transpose()
        else:
            result[f"{name[:-7]}.weight"] = np.transpose(value)
    return result
