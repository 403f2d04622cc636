"""Wrong answers of lesson 02."""

import math

import numpy as np

from course_lib.checks.convolutions import reference_conv2d, reference_filters, reference_table, reference_to_torch
from tests.mutants import mutant

# 02.1 ------------------------------------------------------------------------------------------------------------------------------


@mutant("02.1", says="kernel is flipped")
def flipped(image, kernel, stride=1):
    return reference_conv2d(image, kernel[::-1, ::-1], stride)


@mutant("02.1", says="one short")
def off_by_one(image, kernel, stride=1):
    rows, columns = (image.shape[0] - kernel.shape[0]) // stride, (image.shape[1] - kernel.shape[1]) // stride
    return reference_conv2d(image, kernel, stride)[: max(rows, 1), : max(columns, 1)]


@mutant("02.1", says="do not pad it")
def padded(image, kernel, stride=1):
    h, w = kernel.shape
    padded = np.pad(image, ((h // 2, (h - 1) // 2), (w // 2, (w - 1) // 2))) if image.shape != (2, 2) and image.shape[0] > 1 else image
    return reference_conv2d(padded, kernel, stride)


@mutant("02.1", says="the stride is ignored, the window")
def no_stride(image, kernel, stride=1):
    return reference_conv2d(image, kernel)


@mutant("02.1", says="along the columns, it holds for both")
def stride_on_rows_only(image, kernel, stride=1):
    return reference_conv2d(image, kernel)[::stride]


@mutant("02.1", says="along the rows, it holds for both")
def stride_on_columns_only(image, kernel, stride=1):
    return reference_conv2d(image, kernel)[:, ::stride]


@mutant("02.1", says="moves 1 along the columns")
def right_size_wrong_places(image, kernel, stride=1):
    right = reference_conv2d(image, kernel, stride)
    return reference_conv2d(image, kernel)[::stride, : right.shape[1]]


@mutant("02.1", says="moves 1 along the rows")
def right_size_but_stride_unused(image, kernel, stride=1):
    rows, columns = reference_conv2d(image, kernel, stride).shape
    return reference_conv2d(image, kernel)[:rows, :columns]


@mutant("02.1", says="your kernel is transposed")
def transposed(image, kernel, stride=1):
    return reference_conv2d(image, kernel.T if kernel.shape[0] == kernel.shape[1] else kernel, stride)


@mutant("02.1", says="a uint8 ends at 255")
def stored_in_the_image_dtype(image, kernel, stride=1):
    with np.errstate(invalid="ignore"):
        return reference_conv2d(image, kernel, stride).astype(np.int64).astype(image.dtype)


@mutant("02.1", says="changes the image or the kernel")
def changes_its_input(image, kernel, stride=1):
    image *= 2
    return reference_conv2d(image, kernel, stride)


@mutant("02.1", says="keep one number for each")
def not_summed(image, kernel, stride=1):
    return reference_conv2d(image, kernel, stride)[..., None] * np.ones(4)


@mutant("02.1", says="must be")
def mean_instead_of_sum(image, kernel, stride=1):
    return reference_conv2d(image, kernel, stride) / kernel.size


@mutant("02.1", says="did you forget to return it")
def conv_returns_nothing(image, kernel, stride=1):
    pass


@mutant("02.1", says="holds something else")
def conv_returns_ragged_lists(image, kernel, stride=1):
    return [[1], [2, 3]]


@mutant("02.1", says="integers lose the fraction")
def stored_in_integers(image, kernel, stride=1):
    return reference_conv2d(image, kernel, stride).astype(int)


@mutant("02.1", says="yours is of type list: wrap it in np.array")
def conv_returns_lists(image, kernel, stride=1):
    return reference_conv2d(image, kernel, stride).tolist()


# 02.2 ------------------------------------------------------------------------------------------------------------------------------


def with_filter(name, kernel):
    """An answer that is right but for one filter."""
    return lambda: {**reference_filters(), name: kernel}


EDGE = reference_filters()["vertical_edge"]
FINDER = reference_filters()["ball_finder"]
mutant("02.2", says="it is not normalised", name="blur_sums")(with_filter("blur", np.ones((3, 3))))
mutant("02.2", says="each with weight 1/9", name="blur_is_a_point")(with_filter("blur", np.pad([[1.0]], 1)))
mutant("02.2", says="vertical_edge must be positive where dark turns bright", name="edge_sign")(with_filter("vertical_edge", -EDGE))
mutant("02.2", says="looks for horizontal edges", name="edge_lies_down")(with_filter("vertical_edge", EDGE.T))
mutant("02.2", says="it sums where it should take a difference", name="edge_sums")(with_filter("vertical_edge", abs(EDGE)))
mutant("02.2", says="its weights must add up to 0", name="edge_unbalanced")(with_filter("vertical_edge", EDGE * [[1.0, 1.0, 2.0]]))
mutant("02.2", says="make its three rows alike", name="edge_diagonal")(with_filter("vertical_edge", EDGE + EDGE.T))
mutant("02.2", says="yours is 0", name="edge_zero")(with_filter("vertical_edge", np.zeros((3, 3))))
mutant("02.2", says="it sums where it should differ", name="finder_sums")(with_filter("ball_finder", np.ones((5, 5))))
mutant("02.2", says="yours lies on the", name="finder_finds_walls")(with_filter("ball_finder", np.where(FINDER > 0, 1.0, -0.3)))
mutant("02.2", says="yours lies on the paddle", name="finder_finds_paddles")(with_filter("ball_finder", np.where(FINDER > 0, 1.0, -1.0)))
mutant("02.2", says="wrong sign, it rewards the rim", name="finder_upside_down")(with_filter("ball_finder", -FINDER))
mutant("02.2", says="positive nowhere", name="finder_all_negative")(with_filter("ball_finder", -np.ones((5, 5))))
mutant("02.2", says="the rim is too strong", name="finder_one_pixel")(with_filter("ball_finder", np.pad([[21.0]], 2) - 20))
mutant("02.2", says="off by [-1, 0] in rows and columns", name="finder_off")(with_filter("ball_finder", np.roll(FINDER, 1, 0)))
mutant("02.2", says="at [0, 100, 100] yours is -300: weights must grow", name="edge_dips")(
    with_filter("vertical_edge", np.array([[1, -3, 2]] * 3))
)
mutant("02.2", says="(columns [0, 0, 100]); yours answers 100", name="edge_uneven")(
    with_filter("vertical_edge", np.array([[-1, 0, 2], [-1, 0, -1], [-1, 0, 2]]))
)
mutant("02.2", says="yours is of type list: wrap it", name="filter_as_list")(with_filter("vertical_edge", EDGE.tolist()))
mutant("02.2", says="must have shape (5, 5); yours has (3, 3)", name="finder_small")(with_filter("ball_finder", np.ones((3, 3))))
mutant("02.2", says='"blur" is missing', name="one_filter_none")(with_filter("blur", None))
mutant("02.2", says="holds something else", name="filter_of_words")(with_filter("blur", "nine times a ninth"))
mutant("02.2", says="return a dictionary", name="filters_as_list")(lambda: list(reference_filters().values()))


# 02.3 ------------------------------------------------------------------------------------------------------------------------------


def changed(change):
    """An answer that is right but for what `change(*row, observation_shape, conv, dense, num_actions)` makes of each row."""

    def answer(observation_shape, conv, dense, num_actions):
        rows = reference_table(observation_shape, conv, dense, num_actions)
        return [change(*row, observation_shape, conv, dense, num_actions) for row in rows]

    return answer


@mutant("02.3", says="the biases are forgotten, one for each of the 32 filters")
@changed
def without_biases(name, shape, parameters, *_):
    return name, shape, parameters - shape[-1]


@mutant("02.3", says="the biases are forgotten, one for each of the 512 units")
@changed
def without_dense_biases(name, shape, parameters, *_):
    return name, shape, parameters - (0 if name.startswith("conv") else shape[-1])


@mutant("02.3", says="stands before the flatten")
@changed
def dense_before_flatten(name, shape, parameters, observation_shape, conv, dense, num_actions):
    return name, shape, (conv[-1][0] + 1) * shape[0] if name == "dense1" else parameters


@mutant("02.3", says="take num_actions, not the emulator's number")
@changed
def four_actions(name, shape, parameters, *_):
    return (name, (4,), parameters // 3 * 4) if name == "q" else (name, shape, parameters)


@mutant("02.3", says="off by one?")
@changed
def sizes_off_by_one(name, shape, parameters, *_):
    return name, (shape[0] - 1, shape[1] - 1, shape[2]) if len(shape) == 3 else shape, parameters


@mutant("02.3", says="that is the size with padding")
def padded_sizes(observation_shape, conv, dense, num_actions):
    height, width, _ = observation_shape
    rows = reference_table(observation_shape, conv, dense, num_actions)
    for i, (filters, _, stride) in enumerate(conv):
        height, width = math.ceil(height / stride), math.ceil(width / stride)
        rows[i] = (rows[i][0], (height, width, filters), rows[i][2])
    return rows


@mutant("02.3", says="reaches through all 4 channels")
@changed
def one_channel(name, shape, parameters, observation_shape, conv, *_):
    return name, shape, conv[0][0] * (conv[0][1] ** 2 + 1) if name == "conv1" else parameters


@mutant("02.3", says="so count them once")
@changed
def weights_at_every_place(name, shape, parameters, *_):
    return name, shape, parameters * math.prod(shape[:2]) if len(shape) == 3 else parameters


@mutant("02.3", says="the order is height, width, channels")
@changed
def channels_first_shapes(name, shape, parameters, *_):
    return name, (shape[-1], *shape[:-1]), parameters


@mutant("02.3", says="the rows must be conv1, conv2, conv3, dense1, q")
def with_a_flatten_row(observation_shape, conv, dense, num_actions):
    rows = reference_table(observation_shape, conv, dense, num_actions)
    return [*rows[:3], ("flatten", (3136,), 0), *rows[3:]]


@mutant("02.3", says="each row is (name, output shape, parameters)")
def rows_of_two(observation_shape, conv, dense, num_actions):
    return [(name, None) for name, *_ in reference_table(observation_shape, conv, dense, num_actions)]


@mutant("02.3", says="yours is of type int")
def only_the_total(observation_shape, conv, dense, num_actions):
    return sum(row[2] for row in reference_table(observation_shape, conv, dense, num_actions))


@mutant("02.3", says="(512,) is a tuple, the comma makes it one")
@changed
def shape_without_comma(name, shape, parameters, *_):
    return name, shape if len(shape) == 3 else shape[0], parameters


@mutant("02.3", says="conv1 has 9.67 rows in your table")
def divided_into_parts(observation_shape, conv, dense, num_actions):
    height, width, _ = observation_shape
    rows = reference_table(observation_shape, conv, dense, num_actions)
    for i, (filters, kernel, stride) in enumerate(conv):
        height, width = (height - kernel) / stride + 1, (width - kernel) / stride + 1
        rows[i] = (rows[i][0], (height, width, filters), rows[i][2])
    return rows


@mutant("02.3", says="yours holds 20.0 for 20")
@changed
def whole_floats(name, shape, parameters, *_):
    return name, tuple(map(float, shape)), parameters


@mutant("02.3", says="the width follows its own 42 pixels")
@changed
def width_from_height(name, shape, parameters, *_):
    return name, (shape[0], shape[0], shape[2]) if len(shape) == 3 else shape, parameters


# 02.4 in PyTorch -------------------------------------------------------------------------------------------------------------------


def torch_network(
    prepare=lambda x: x.permute(0, 3, 1, 2) / 255,
    conv=((32, 8, 4), (64, 4, 2), (64, 3, 1)),
    padding=0,
    relu=(True, True, True, True),
    flatten=lambda x: x.flatten(1),
    flat=3136,
    output=lambda q: q,
    num_actions=None,
    channels=4,
):
    """An answer to 02.4 in PyTorch; each option makes one mistake."""

    def answer(actions):
        from torch import nn
        from torch.nn import functional as F

        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                before = (channels, *(filters for filters, *_ in conv))
                self.conv = nn.ModuleList(nn.Conv2d(c, f, k, s, padding) for c, (f, k, s) in zip(before, conv))
                self.dense = nn.Linear(flat, 512)
                self.q = nn.Linear(512, num_actions or actions)

            def forward(self, observations):
                x = prepare(observations)
                for layer, active in zip(self.conv, relu):
                    x = F.relu(layer(x)) if active else layer(x)
                x = self.dense(flatten(x))
                return output(self.q(F.relu(x) if relu[3] else x))

        return Network()

    return answer


def torch_mutant(name, says, **options):
    mutant("02.4", framework="torch", name=name, says=says)(torch_network(**options))


torch_mutant("strides", "wrong order, the largest step comes first", conv=((32, 8, 1), (64, 4, 2), (64, 3, 4)))
torch_mutant("strides_two", "the strides are 4, 2, 1 in this order; yours are 2, 2, 2", conv=((32, 8, 2), (64, 4, 2), (64, 3, 2)))
torch_mutant("filters", "numbers of filters are 32, 64, 64", conv=((16, 8, 4), (32, 4, 2), (64, 3, 1)))
torch_mutant("kernels", "kernel sizes are 8, 4, 3", conv=((32, 8, 4), (64, 3, 2), (64, 3, 1)))
torch_mutant("two_layers", "has 3 convolutions; yours has 2", conv=((32, 8, 4), (64, 4, 2)), flat=5184)
torch_mutant("relu_output", "ReLU on the output", output=lambda q: q.relu())
torch_mutant("softmax_output", "softmax on the output", output=lambda q: q.softmax(1))
torch_mutant("no_scaling", "/255 is missing", prepare=lambda x: x.permute(0, 3, 1, 2).float())
torch_mutant("scaled_twice", "divided by 255 twice", prepare=lambda x: x.permute(0, 3, 1, 2) / 255 / 255)
torch_mutant("no_permute", "channels order: PyTorch's convolution wants", prepare=lambda x: x / 255)
torch_mutant("view", "scrambles the pixels", prepare=lambda x: x.reshape(-1, 4, 84, 84) / 255)
torch_mutant("height_for_width", "height and width are swapped", prepare=lambda x: x.permute(0, 3, 2, 1) / 255)
torch_mutant("newest_first", "the four frames are reversed", prepare=lambda x: x.permute(0, 3, 1, 2).flip(1) / 255)
torch_mutant("uint8", "a uint8 tensor came to a convolution", prepare=lambda x: x.permute(0, 3, 1, 2))
torch_mutant("padded", "use no padding", padding=1, flat=5184)
torch_mutant("no_relu", "the ReLU is missing after conv2", relu=(True, False, True, True))
torch_mutant("linear", "the ReLU is missing after conv1, conv2, conv3, dense1", relu=(False,) * 4)
torch_mutant("flatten_size", "your first nn.Linear takes 2,304", flat=2304)
torch_mutant("flattens_the_batch", "flatten all but the batch axis", flatten=lambda x: x.flatten())
torch_mutant("flattens_channels_last", "you permute before the flatten", flatten=lambda x: x.permute(0, 2, 3, 1).flatten(1))
torch_mutant("four_actions", "the last layer has num_actions outputs", num_actions=4)
torch_mutant("three_actions", "3 actions", num_actions=3, output=lambda q: q[:, :2])
torch_mutant("three_actions_always", "2 actions give Q-values of shape (2, 2); yours have (2, 3)", num_actions=3)
torch_mutant("forgot_return", "is a return missing in forward", output=lambda q: None)
torch_mutant("input_channels", "4 input channels", channels=1, prepare=lambda x: x[..., -1:].permute(0, 3, 1, 2) / 255)
torch_mutant("brightest_pixel", "you divide by the brightest pixel, here 199", prepare=lambda x: x.permute(0, 3, 1, 2) / x.max())
torch_mutant("detached", "the output must carry a gradient", output=lambda q: q.detach())
torch_mutant("detached_inside", "no gradient reaches conv1, so", flatten=lambda x: x.flatten(1).detach())
torch_mutant("squeezed", "the batch axis is lost", output=lambda q: q.squeeze())
torch_mutant("batch_of_two", "type in no batch size", output=lambda q: q.view(2, -1))
torch_mutant("shifted", "with known weights the first Q-values must be", output=lambda q: q + 1)


@mutant("02.4", framework="torch", says="gives the type int")
def torch_returns_a_number(num_actions):
    return num_actions


@mutant("02.4", framework="torch", says="1,685,667 parameters; yours has 1,685,507")
def torch_without_conv_biases(num_actions):
    from torch import nn

    network = torch_network()(num_actions)
    for i, layer in enumerate(network.conv):
        network.conv[i] = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, bias=False)
    return network


@mutant("02.4", framework="torch", says="in the order in which they are used")
def torch_declared_backwards(num_actions):
    network = torch_network()(num_actions)
    conv = network.conv
    del network.conv
    network.conv = conv
    return network


# 02.4 in Keras ---------------------------------------------------------------------------------------------------------------------


def keras_network(
    prepare=lambda layers: [layers.Rescaling(1 / 255)],
    conv=((32, 8, 4), (64, 4, 2), (64, 3, 1)),
    relu=("relu", "relu", "relu", "relu"),
    flatten=lambda layers: [layers.Flatten()],
    output=None,
    num_actions=None,
    input_dtype="uint8",
    end=lambda keras: [],
    **options,
):
    """An answer to 02.4 in Keras; each option makes one mistake."""

    def answer(actions):
        import keras
        from keras import layers

        return keras.Sequential(
            [
                keras.Input((84, 84, 4), dtype=input_dtype),
                *prepare(layers),
                *(layers.Conv2D(f, k, s, activation=active, **options) for (f, k, s), active in zip(conv, relu)),
                *flatten(layers),
                layers.Dense(512, activation=relu[3]),
                layers.Dense(num_actions or actions, activation=output),
                *end(keras),
            ]
        )

    return answer


def keras_mutant(name, says, **options):
    mutant("02.4", framework="keras", name=name, says=says)(keras_network(**options))


keras_mutant("strides", "wrong order, the largest step comes first", conv=((32, 8, 1), (64, 4, 2), (64, 3, 4)))
keras_mutant("filters", "numbers of filters are 32, 64, 64", conv=((32, 8, 4), (32, 4, 2), (64, 3, 1)))
keras_mutant("kernels", "kernel sizes are 8, 4, 3", conv=((32, 8, 4), (64, 4, 2), (64, 4, 1)))
keras_mutant("relu_output", "ReLU on the output", output="relu")
keras_mutant("softmax_output", "softmax on the output", output="softmax")
keras_mutant("no_scaling", "/255 is missing", prepare=lambda layers: [], input_dtype="float32")
keras_mutant("no_scaling_uint8", "/255 is missing", prepare=lambda layers: [])
keras_mutant("scaled_twice", "divided by 255 twice", prepare=lambda layers: [layers.Rescaling(1 / 255), layers.Rescaling(1 / 255)])
keras_mutant("permuted", "channels order", prepare=lambda layers: [layers.Rescaling(1 / 255), layers.Permute((3, 1, 2))])
keras_mutant("channels_first", "channels order", data_format="channels_first")
keras_mutant("height_for_width", "are swapped; Keras needs", prepare=lambda layers: [layers.Rescaling(1 / 255), layers.Permute((2, 1, 3))])
keras_mutant("padded", "use no padding", padding="same")
keras_mutant("no_relu", "the ReLU is missing after conv1, conv2, conv3", relu=(None, None, None, "relu"))
keras_mutant("no_flatten", "a Flatten is missing", flatten=lambda layers: [])
keras_mutant("pooled", "a Flatten is missing", flatten=lambda layers: [layers.GlobalAveragePooling2D()])
keras_mutant("no_biases", "1,685,667 parameters; yours has 1,685,507", use_bias=False)
keras_mutant("four_actions", "the last layer has num_actions outputs", num_actions=4)
keras_mutant("squeezed", "the batch axis is lost", end=lambda keras: [keras.layers.Lambda(lambda q: keras.ops.squeeze(q))])
keras_mutant("batch_of_two", "type in no batch size", end=lambda keras: [keras.layers.Lambda(lambda q: keras.ops.reshape(q, (2, 3)))])
keras_mutant("three_actions_always", "2 actions give Q-values of shape (2, 2); yours have (2, 3)", num_actions=3)


@mutant("02.4", framework="keras", says="gives the type list")
def keras_returns_layers(num_actions):
    return [1, 2, 3]


# 02.5 ------------------------------------------------------------------------------------------------------------------------------


def carrying(conv=lambda k: k.transpose(3, 2, 0, 1), dense1=None, dense=lambda k, shape: k.T, bias=lambda b: b, rename=lambda name: name):
    """An answer to 02.5; each option makes one mistake."""

    def answer(weights, flatten_shape):
        carried = reference_to_torch(weights, flatten_shape)
        for name, array in weights.items():
            layer, part = name.split("/")
            new = f"{layer}.{'weight' if part == 'kernel' else 'bias'}"
            if part == "bias":
                carried[new] = bias(array)
            elif array.ndim == 4:
                carried[new] = conv(array)
            elif layer != "dense1":
                carried[new] = dense(array, flatten_shape)
            elif dense1:
                carried[new] = dense1(array, flatten_shape)
        return {rename(name): array for name, array in carried.items()}

    return answer


def reordered(kernel, flatten_shape, axes=(2, 0, 1, 3)):
    return kernel.reshape(*flatten_shape, -1).transpose(axes).reshape(kernel.shape)


def carry_mutant(name, says, **options):
    mutant("02.5", name=name, says=says)(carrying(**options))


carry_mutant("flatten_order", "the flatten order trap", dense1=lambda k, shape: k.T)
carry_mutant("flatten_backwards", "the wrong way round", dense1=lambda k, s: reordered(k, (s[2], s[0], s[1]), (1, 2, 0, 3)).T)
carry_mutant("flatten_on_its_side", "height and width are swapped in the flatten", dense1=lambda k, s: reordered(k, s, (2, 1, 0, 3)).T)
carry_mutant("flatten_not_transposed", "dense1.weight: it is not transposed", dense1=reordered)
carry_mutant("flatten_everywhere", "only dense1 comes after the flatten", dense=lambda k, s: reordered(k, s).T if len(k) == 24 else k.T)
carry_mutant("dense_not_transposed", "dense2.weight: it is not transposed", dense=lambda k, s: k if k.shape[0] == k.shape[1] else k.T)
carry_mutant("conv_on_its_side", "every filter lies on its side", conv=lambda k: k.transpose(3, 2, 1, 0))
carry_mutant("conv_reshaped", "reshape renames axes", conv=lambda k: k.reshape(k.shape[3], k.shape[2], *k.shape[:2]))
carry_mutant("conv_flipped", "the filters are flipped", conv=lambda k: k[::-1, ::-1].transpose(3, 2, 0, 1))
carry_mutant("conv_shape", "becomes [out, in, h, w] = (5, 2, 3, 3); yours has (2, 5, 3, 3)", conv=lambda k: k.transpose(2, 3, 0, 1))
carry_mutant("conv_unchanged", "yours has (3, 3, 2, 5)", conv=lambda k: k)
carry_mutant("bias_changed", "conv1.bias needs no change", bias=lambda b: b[::-1])
carry_mutant("names_kept", '"conv1.weight" is missing', rename=lambda name: name.replace(".weight", ".kernel"))
carry_mutant("float64", "must stay float32; yours is float64", bias=lambda b: b.astype(float))
carry_mutant("nones", "yours is None", bias=lambda b: None)


@mutant("02.5", says="yours has conv2.weight where conv1.bias must stand")
def carry_biases_last(weights, flatten_shape):
    carried = reference_to_torch(weights, flatten_shape)
    return {name: carried[name] for name in sorted(carried, key=lambda name: name.endswith("bias"))}


@mutant("02.5", says='"conv1/kernel" does not belong in the result')
def carry_into_the_old(weights, flatten_shape):
    return {**weights, **reference_to_torch(weights, flatten_shape)}


@mutant("02.5", says="changes the weights that it is given")
def carry_in_place(weights, flatten_shape):
    carried = reference_to_torch(weights, flatten_shape)
    weights.clear()
    return carried


@mutant("02.5", says="return a dictionary of arrays; yours is of type list")
def carry_to_a_list(weights, flatten_shape):
    return list(reference_to_torch(weights, flatten_shape).values())
