"""Lesson 02: its helpers, and right answers that look different from ours."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch  # before keras
from PIL import Image
from torch import nn

from course_lib import quiet
from course_lib.checks import convolutions as checks
from course_lib.checks.base import CHECKS, verdict
from course_lib.figures import convolutions as draw
from course_lib.grading import legible

with quiet():
    import keras


@pytest.fixture(scope="module")
def game():
    return draw.play_by_rule(12, seed=0)


def test_the_ball_is_where_the_memory_says(game):
    assert game.observations.shape == (12, 84, 84, 4) and game.screens.shape == (12, 210, 160, 3)
    for frame, (row, column) in zip(game.frames, game.balls):
        assert frame[int(round(row)) - 1 : int(round(row)) + 2, int(round(column))].max() > 20


def test_the_same_seed_is_the_same_game(game):
    assert np.array_equal(draw.play_by_rule(12, seed=0).observations, game.observations)


def test_places_count_windows_row_by_row():
    assert draw.places_of(np.array([[3.0, 3.0], [4.0, 5.0], [0.0, 83.0]]), size=7).tolist() == [0, 80, 77]


def test_a_ball_on_an_empty_court_is_found():
    frame = np.zeros((1, 84, 84), np.uint8)
    frame[0, 60:62, 40] = 100
    assert draw.balls_found(checks.reference_filters()["ball_finder"], frame, np.array([[60.5, 40.0]])) == 1
    assert draw.balls_found(checks.reference_filters()["ball_finder"], frame, np.array([[20.5, 40.0]])) == 0


def test_the_drawings_are_legible(game, no_windows):
    rng = np.random.default_rng(0)
    maps, kernel, filters = rng.random((4, 20, 20, 32)), rng.normal(size=(7, 7)), checks.reference_filters()
    table = checks.reference_table((84, 84, 4), checks.CONV, checks.DENSE, 3)
    drawings = [
        lambda: draw.draw_row({"a frame": game.frames[0], "a difference": kernel, "one more": kernel, "blurred 9 × 9": kernel}),
        lambda: draw.draw_filters(filters, dict.fromkeys(filters, kernel), game.balls[0]),
        lambda: draw.draw_learning(kernel, kernel, list(rng.random(30)), 32, 93, tests=100),
        lambda: draw.draw_receptive_fields(game.screens[0], [(8, 4), (20, 8), (36, 8)], game.balls[0]),
        lambda: draw.draw_network(table, game.observations[0]),
        lambda: draw.draw_parameters(table),
        lambda: draw.compare_q_values({"Keras": rng.random(3), "carried": rng.random(3)}, ("stay", "right", "left")),
        lambda: draw.draw_first_layers({"before training": rng.normal(size=(8, 8, 4, 32))}),
        lambda: draw.draw_feature_maps(list(game.screens[:4]), maps, np.arange(8)),
        lambda: draw.draw_favourites(game.observations[:4], {"conv1": (maps, 8, 4), "conv3": (maps, 36, 2)}),
    ]
    for one in drawings:
        one()
        plt.gcf().canvas.draw()
        assert not legible.too_small(plt.gcf())
        plt.close()


def test_moving_pictures_are_gifs_with_a_text(game):
    moving = draw.scan(game.frames[0], np.ones((8, 8)), stride=16)
    assert Image.open(io.BytesIO(moving.data)).format == "GIF" and "Breakout" in moving.alt


def test_the_slider_changes_the_picture(game):
    pictures = draw.receptive_field_slider(game.screens[0], 36, 8, rows=2)
    slider, image = pictures.children
    before = image.value
    slider.value = "(1, 1)"
    assert image.value != before and image.value == pictures.pictures["(1, 1)"]
    assert repr(pictures) == "[a slider over 2 pictures: run this cell to move it]"


def test_neighbours_in_noise_are_not_alike():
    noise = np.random.default_rng(0).normal(size=(8, 8, 4, 32))
    assert abs(draw.alike(noise)) < 0.05 < 0.5 < draw.alike(np.cumsum(noise, axis=0).cumsum(axis=1))


def test_numpy_answers_as_the_reference_network():
    network = CHECKS["02.4", "torch"].make_reference()(3)
    names = checks.canonical_names()
    carried = checks.reference_to_torch(dict(zip(names, checks.known_weights())), (7, 7, 64))
    for parameter, array in zip(network.parameters(), carried.values()):
        parameter.data = torch.tensor(np.ascontiguousarray(array))
    observations = checks.known_observations()
    expected = network(torch.from_numpy(observations)).detach().numpy()
    assert np.allclose(checks.reference_q_values(observations, checks.known_weights()), expected, atol=1e-4)


class Prepare(nn.Module):
    def forward(self, observations):
        return observations.movedim(-1, 1).float().div(255.0)


def lazy_sequential(num_actions):
    convolutions = [nn.LazyConv2d(32, 8, 4), nn.LazyConv2d(64, 4, 2, padding="valid"), nn.LazyConv2d(64, 3)]
    active = [layer for convolution in convolutions for layer in (convolution, nn.ReLU())]
    return nn.Sequential(Prepare(), *active, nn.Flatten(), nn.LazyLinear(512), nn.ReLU(), nn.LazyLinear(num_actions))


def functional_keras(num_actions):
    observations = keras.Input((84, 84, 4))
    x = keras.layers.Rescaling(1 / 255)(observations)
    for filters, kernel, stride in ((32, 8, 4), (64, 4, 2), (64, 3, 1)):
        x = keras.layers.ReLU()(keras.layers.Conv2D(filters, kernel, strides=(stride, stride))(x))
    x = keras.layers.Dense(512, "relu")(keras.layers.Reshape((3136,))(x))
    return keras.Model(observations, keras.layers.Dense(num_actions)(x))


class SubclassedKeras(keras.Model):
    def __init__(self, num_actions):
        super().__init__()
        conv = [keras.layers.Conv2D(f, k, s, activation="relu") for f, k, s in ((32, 8, 4), (64, 4, 2), (64, 3, 1))]
        self.body = keras.Sequential([*conv, keras.layers.Flatten(), keras.layers.Dense(512, "relu")])
        self.q = keras.layers.Dense(num_actions)

    def call(self, observations):
        return self.q(self.body(keras.ops.cast(observations, "float32") / 255))


def narrow_finder():
    finder = np.full((5, 5), -4)
    finder[1:4, 2] = 3
    return {**checks.reference_filters(), "ball_finder": finder}


def without_a_loop(image, kernel, stride=1):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


def rows_as_lists(*settings):
    return [[name, np.array(shape), np.int64(parameters)] for name, shape, parameters in checks.reference_table(*settings)]


def lists_of_lists(image, kernel, stride=1):
    return without_a_loop(image, kernel, stride).tolist()


def filters_as_lists():
    return {name: kernel.tolist() for name, kernel in checks.reference_filters().items()}


def as_tensors(weights, flatten_shape):
    return {name: torch.tensor(np.ascontiguousarray(array)) for name, array in checks.reference_to_torch(weights, flatten_shape).items()}


@pytest.mark.parametrize(
    ("exercise", "framework", "answer"),
    [
        ("02.1", None, without_a_loop),
        ("02.2", None, narrow_finder),
        ("02.3", None, rows_as_lists),
        ("02.4", "torch", lazy_sequential),
        ("02.4", "keras", functional_keras),
        ("02.4", "keras", SubclassedKeras),
    ],
)
def test_other_right_answers_pass(exercise, framework, answer):
    status, line = verdict(CHECKS[exercise, framework], answer)
    assert status == "passed", line


@pytest.mark.parametrize(("exercise", "answer"), [("02.1", lists_of_lists), ("02.2", filters_as_lists), ("02.5", as_tensors)])
def test_right_numbers_that_are_no_arrays_are_told_so(exercise, answer):
    status, line = verdict(CHECKS[exercise, None], answer)
    assert status == "failed" and "must be a NumPy array" in line


@pytest.mark.parametrize("key", [key for key in CHECKS if key[0].startswith("02.")])
@pytest.mark.parametrize("value", [7, "text", [], {}, (None, None), {"blur": [None]}, float("nan"), np.array(None), object()])
def test_strange_answers_fail_in_one_line(key, value):
    for answer in (value, lambda *args, **kwargs: value, lambda *args, **kwargs: None):
        status, line = verdict(CHECKS[key], answer)
        assert status == "failed" and "\n" not in line and len(line) < 400
