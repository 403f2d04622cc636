"""What the learners in Keras share: the device, the optimiser and its state, compiled functions. Twin: backends/torch/common.py."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from course_lib.config import Config
from course_lib.errors import CourseError


def pick_device(device: str) -> str:
    """"auto" is the first GPU where TensorFlow sees one, else the CPU. Raises CourseError for a device that is not there."""
    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    if device == "auto":
        device = "cuda" if has_gpu else "cpu"
    if device == "cuda" and not has_gpu:
        raise CourseError("TensorFlow sees no CUDA device; choose --device auto or cpu.")
    return "gpu:0" if device == "cuda" else device


def make_optimizer(config: Config, variables, rmsprop_decay: float = 0.9) -> keras.optimizers.Optimizer:
    """The configuration's optimiser.

    Epsilon means other things to the twins: RMSprop adds it inside the square root here, outside in torch; Adam adds it before the bias
    correction here, after it in torch, so that Keras's first steps are shorter.
    """
    rate, epsilon = config.learning_rate, config.optimizer_epsilon
    if config.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate, rho=rmsprop_decay, epsilon=epsilon)
    elif config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate, epsilon=epsilon)
    else:
        optimizer = keras.optimizers.SGD(rate)
    optimizer.build(variables)
    return optimizer


def optimizer_state(optimizer: keras.optimizers.Optimizer) -> dict[str, np.ndarray]:
    """All that the optimiser remembers: optimizer/<variable> -> array."""
    return {f"optimizer/{variable.name}": np.asarray(variable.numpy()) for variable in optimizer.variables}


def set_optimizer_state(optimizer: keras.optimizers.Optimizer, state: dict[str, np.ndarray]) -> None:
    """The inverse of `optimizer_state`, given without the prefix."""
    for variable in optimizer.variables:
        variable.assign(state[variable.name])


def trace(function, *signature):
    """Compile a function of tensors for these dtypes and shapes, None for any number of rows: no call traces it again."""
    return tf.function(function, input_signature=signature).get_concrete_function()
