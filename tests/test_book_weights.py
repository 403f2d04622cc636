"""The book's Keras files: read in the layout in which Keras of its day wrote them, played as they were trained."""

import h5py
import numpy as np
import pytest

from course_lib import book_weights, pretrained
from course_lib.atari import Breakout, preprocess_book
from course_lib.environments import breakout_settings
from course_lib.errors import CourseError

NAMES = ["input_1", "conv2d_1", "conv2d_2", "flatten_1", "dense_1", "dense_2"]


def arrays(outputs=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"conv2d_1": (8, 8, 4, 16), "conv2d_2": (4, 4, 16, 32), "dense_1": (2592, 256), "dense_2": (256, outputs)}
    return {name: (rng.normal(0, 0.05, shape).astype(np.float32), rng.normal(0, 0.1, shape[-1]).astype(np.float32)) for name, shape in shapes.items()}


def write_actor(path, outputs=3, inside="", names=NAMES, as_bytes=True, seed=0):
    """A file as Keras 2.0's `save_weights` wrote it (or, inside "model_weights", `save`): attributes name the layers and their arrays, in order."""
    kernels = arrays(outputs, seed)
    with h5py.File(path, "w") as file:
        group = file.create_group(inside) if inside else file
        encode = (lambda text: text.encode("utf8")) if as_bytes else str
        group.attrs["layer_names"] = [encode(name) for name in names]
        group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.0.3"
        for name in names:
            layer = group.create_group(name)
            weight_names = [f"{name}/kernel:0", f"{name}/bias:0"] if name in kernels else []
            layer.attrs["weight_names"] = [encode(weight) for weight in weight_names]
            for weight, array in zip(weight_names, kernels.get(name, ())):
                layer[weight] = array
    return path


def book_probabilities(frames, seed=0):
    """The book's network by hand, newest frame first: uint8 [84, 84, 4] -> [3]."""
    values = frames.astype(np.float64) / 255
    for name, stride in (("conv2d_1", 4), ("conv2d_2", 2)):
        kernel, bias = arrays(seed=seed)[name]
        size = kernel.shape[0]
        windows = np.lib.stride_tricks.sliding_window_view(values, (size, size), axis=(0, 1))[::stride, ::stride]  # [h, w, in, size, size]
        values = np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + bias, 0)
    hidden, output = arrays(seed=seed)["dense_1"], arrays(seed=seed)["dense_2"]
    logits = np.maximum(values.reshape(-1) @ hidden[0] + hidden[1], 0) @ output[0] + output[1]
    return np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_the_network_is_the_books(tmp_path, framework):
    """What it says of real frames is what the book's network, fed with the newest frame first, says."""
    path = write_actor(tmp_path / "breakout_a3c_5_actor.h5")
    learner, config = pretrained.load_learner(path, framework, pretrained.agent_of(path))
    env = Breakout(**breakout_settings(config))
    observation, _ = env.reset(seed=3)
    answers = []
    for t in range(25):
        expected = book_probabilities(observation[..., ::-1])
        probabilities, values = learner.policy_and_value(observation[None])
        np.testing.assert_allclose(probabilities[0], expected, atol=1e-5)
        assert values[0] == 0.0
        answers.append(expected)
        before = env.render()
        observation, *_ = env.step(t % 3)
        np.testing.assert_array_equal(observation[..., -1], preprocess_book(np.maximum(before, env.render())))
    assert np.ptp(answers, axis=0).max() > 1e-3  # the answers move with the frames
    assert np.abs(book_probabilities(observation) - book_probabilities(observation[..., ::-1])).max() > 1e-4  # the order matters


@pytest.mark.parametrize("layout", [dict(inside="model_weights"), dict(as_bytes=False), dict(names=NAMES[1:3] + NAMES[4:])])
def test_other_versions_of_the_layout(tmp_path, layout):
    plain, _ = book_weights.load_book_weights(write_actor(tmp_path / "plain.h5"))
    other, _ = pretrained.load_weights(write_actor(tmp_path / "other.hdf5", **layout), "a3c")
    assert plain.keys() == other.keys() and all((plain[name] == other[name]).all() for name in plain)


def test_files_that_are_not_the_actor(tmp_path):
    with pytest.raises(CourseError, match="this is the critic; give the actor's file"):
        book_weights.load_book_weights(write_actor(tmp_path / "critic.h5", outputs=1))
    with pytest.raises(CourseError, match=r"its arrays are .*\(256, 4\)"):
        book_weights.load_book_weights(write_actor(tmp_path / "four.h5", outputs=4))
    with pytest.raises(CourseError, match="its arrays are none"):
        book_weights.load_book_weights(write_actor(tmp_path / "empty.h5", names=[]))
    with pytest.raises(CourseError, match="not of dqn"):
        pretrained.load_weights(write_actor(tmp_path / "actor.h5"), "dqn")


def test_weights_that_are_not_numbers(tmp_path):
    path = write_actor(tmp_path / "X.H5")
    with h5py.File(path, "a") as file:
        file["dense_2"]["dense_2"]["bias:0"][0] = np.nan
    with pytest.raises(CourseError, match="not numbers"):
        pretrained.load_weights(path, "a3c")
    with h5py.File(path, "a") as file:
        del file["dense_2"]["dense_2"]["bias:0"]
        file["dense_2"]["dense_2"]["bias:0"] = "text"
    with pytest.raises(CourseError, match="not the book's A3C actor"):
        pretrained.load_weights(path, "a3c")


@pytest.mark.parametrize("damage", ["missing", "text", "cut", "no attributes", "no array"])
def test_broken_files_are_one_sentence(tmp_path, damage):
    path = write_actor(tmp_path / "x.h5")
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("not HDF5")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:3_000])
    else:
        with h5py.File(path, "a") as file:
            if damage == "no attributes":
                del file.attrs["layer_names"]
            else:
                del file["dense_1"]["dense_1"]["bias:0"]
    with pytest.raises(CourseError, match="There is no file|not a weight file as Keras wrote"):
        book_weights.load_book_weights(path)


def test_keras_of_today_writes_the_same_layout(tmp_path):
    """Not only our own idea of it: Keras's legacy writer makes a file that is read the same."""
    import keras

    layers = keras.layers
    network = keras.Sequential([
        layers.Input((84, 84, 4)), layers.Conv2D(16, 8, 4, activation="relu"), layers.Conv2D(32, 4, 2, activation="relu"),
        layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    network.save(tmp_path / "whole.h5")
    weights, _ = book_weights.load_book_weights(tmp_path / "whole.h5")
    expected = network.get_weights()
    np.testing.assert_array_equal(weights["conv1/kernel"][:, :, ::-1], expected[0])
    for name, array in zip(list(weights)[1:8], expected[1:]):
        np.testing.assert_array_equal(weights[name], array)
