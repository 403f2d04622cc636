"""The book's own A3C agents: weight files of Keras of its day (HDF5), read into this course's form, so that whoever has them can compare.

Such a file, `breakout_a3c_5_actor.h5`, holds the small network of Mnih et al. 2013 with a softmax over stay, right, left. Its pixels differ
from ours in two ways. The newest frame comes first: we turn the first kernels around instead of the frames. And a frame is made of two
successive screens, grey by luminance, resized without smoothing: `atari.preprocess_book`. Two habits of the book's play script are not copied: it
fills the history with one frame again after every lost ball, and idles at a game's start with the ball already in play.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from course_lib.backends.common import Weights
from course_lib.config import A3C_BOOK, A3CConfig, replace
from course_lib.errors import CourseError

SUFFIXES = (".h5", ".hdf5")
CONFIG = replace(A3C_BOOK, preprocessing="book")
SHAPES = {
    "conv1/kernel": (8, 8, 4, 16),
    "conv1/bias": (16,),
    "conv2/kernel": (4, 4, 16, 32),
    "conv2/bias": (32,),
    "dense1/kernel": (2592, 256),
    "dense1/bias": (256,),
    "policy/kernel": (256, 3),
    "policy/bias": (3,),
}
"""What the actor's file holds, layer by layer, in Keras layout."""


def load_book_weights(path: Path) -> tuple[Weights, A3CConfig]:
    """(canonical weights, configuration) of an actor's HDF5 file. The value head, which the book keeps in a file of its own, is all zeros:
    playing does not ask it."""
    arrays = read_layers(path)
    shapes = [np.shape(array) for array in arrays]
    if shapes != list(SHAPES.values()):
        advice = "this is the critic; give the actor's file" if shapes[-1:] == [(1,)] else f"its arrays are {shapes or 'none'}"
        raise CourseError(f"{path} is not the book's A3C actor (two convolutions, 256 units, 3 actions): {advice}.")
    weights = {name: np.asarray(array, np.float32) for name, array in zip(SHAPES, arrays)}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise CourseError(f"{path} holds weights that are not numbers; its training must have failed.")
    weights["conv1/kernel"] = weights["conv1/kernel"][:, :, ::-1].copy()  # newest frame first -> newest frame last
    return weights | {"value/kernel": np.zeros((256, 1), np.float32), "value/bias": np.zeros(1, np.float32)}, CONFIG


def read_layers(path: Path) -> list[np.ndarray]:
    """The arrays of a Keras HDF5 file, of weights alone or of a whole model, in the order of its layers."""
    import h5py

    if not Path(path).is_file():
        raise CourseError(f"There is no file {path}.")
    try:
        with h5py.File(path) as file:
            layers = file.get("model_weights", file)
            names = [layers[layer].attrs["weight_names"] for layer in layers.attrs["layer_names"]]
            return [layers[layer][name][()] for layer, inside in zip(layers.attrs["layer_names"], names) for name in inside]
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CourseError(f"{path} is not a weight file as Keras wrote them in HDF5 ({error}).") from error
