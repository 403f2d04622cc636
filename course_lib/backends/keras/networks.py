"""The network of DQN in Keras (Mnih et al. 2015, Methods). Twin: backends/torch/networks.py."""

from __future__ import annotations

from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops

from course_lib.backends.common import check_fit, initial_weights
from course_lib.config import NetworkConfig


class QNetwork(keras.Model):
    """Pixels in, one value for each action out: uint8 [B, H, W, C] -> float32 [B, A]."""

    def __init__(self, config: NetworkConfig, observation_shape: tuple[int, int, int], num_actions: int):
        super().__init__(name="network")
        self.conv = []
        for i, (filters, kernel, stride) in enumerate(config.conv, 1):
            self.conv.append(layers.Conv2D(filters, kernel, stride, activation="relu", name=f"conv{i}"))
        self.flatten = layers.Flatten()
        self.dense = [layers.Dense(units, activation="relu", name=f"dense{i}") for i, units in enumerate(config.dense, 1)]
        self.q = layers.Dense(num_actions, name="q")
        self(np.zeros((1, *observation_shape), np.uint8))  # Keras makes the weights when it first sees a shape

    def call(self, observations):
        x = ops.cast(observations, "float32") / 255.0  # [B, H, W, C], 0..1
        for layer in self.conv:
            x = layer(x)  # [B, h, w, filters]
        x = self.flatten(x)  # [B, h * w * filters]
        for layer in self.dense:
            x = layer(x)  # [B, units]
        return self.q(x)  # [B, A]


def initialize(network: QNetwork, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_variables(network: QNetwork) -> dict[str, keras.Variable]:
    """The weights under their canonical names: conv1/kernel, conv1/bias, ..., q/bias."""
    return {f"{layer.name}/{variable.name}": variable for layer in network.layers for variable in layer.weights}


def get_weights(network: QNetwork) -> dict[str, np.ndarray]:
    """name -> float32 array in Keras layout, the canonical form."""
    return {name: variable.numpy() for name, variable in named_variables(network).items()}


def set_weights(network: QNetwork, weights: dict[str, np.ndarray]) -> None:
    """The inverse of `get_weights`. Raises ValueError if a name or a shape does not fit."""
    check_fit(weights, get_weights(network))
    for name, variable in named_variables(network).items():
        variable.assign(weights[name])


@contextmanager
def autocast(networks: list[QNetwork], precision: str):
    """What torch.autocast is to the twin: inside, the layers compute in `precision`; their weights stay float32."""
    everything = [layer for network in networks for layer in network.layers]
    try:
        for layer in everything:
            layer.dtype_policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
        yield
    finally:
        for layer in everything:
            layer.dtype_policy = "float32"
