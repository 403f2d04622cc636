"""The networks in Keras (Mnih et al. 2015, Methods; Mnih et al. 2016, section 5.1). Twin: backends/torch/networks.py."""

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
        self.conv, self.dense, self.flatten = make_body(config)
        self.q = layers.Dense(int(num_actions), name="q")  # Keras refuses NumPy's integers
        self(np.zeros((1, *observation_shape), np.uint8))  # Keras makes the weights when it first sees a shape

    def call(self, observations):
        return self.q(features(self, observations))  # [B, A]


class ActorCriticNetwork(keras.Model):
    """Pixels in, a policy and a value out: uint8 [B, H, W, C] -> logits float32 [B, A], values [B]. (Mnih et al. 2016, section 5.1.)"""

    def __init__(self, config: NetworkConfig, observation_shape: tuple[int, int, int], num_actions: int):
        super().__init__(name="network")
        self.conv, self.dense, self.flatten = make_body(config)
        self.policy = layers.Dense(int(num_actions), name="policy")
        self.value = layers.Dense(1, name="value")
        self(np.zeros((1, *observation_shape), np.uint8))  # Keras makes the weights when it first sees a shape

    def call(self, observations):
        x = features(self, observations)  # [B, units]
        return self.policy(x), self.value(x)[:, 0]  # [B, A], [B]


def make_body(config: NetworkConfig) -> tuple[list[layers.Layer], list[layers.Layer], layers.Layer]:
    """The layers below the heads: convolutions, dense layers, and the one that flattens between them."""
    conv = []
    for i, (filters, kernel, stride) in enumerate(config.conv, 1):
        conv.append(layers.Conv2D(filters, kernel, stride, activation="relu", name=f"conv{i}"))
    dense = [layers.Dense(units, activation="relu", name=f"dense{i}") for i, units in enumerate(config.dense, 1)]
    return conv, dense, layers.Flatten()


def features(network: keras.Model, observations):
    """What the heads see: uint8 [B, H, W, C] -> float32 [B, units]."""
    x = ops.cast(observations, "float32") / 255.0  # [B, H, W, C], 0..1
    for layer in network.conv:
        x = layer(x)  # [B, h, w, filters]
    x = network.flatten(x)  # [B, h * w * filters]
    for layer in network.dense:
        x = layer(x)  # [B, units]
    return x


def initialize(network: keras.Model, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_variables(network: keras.Model) -> dict[str, keras.Variable]:
    """The weights under their canonical names: conv1/kernel, conv1/bias, ..., then the heads: q, or policy and value."""
    return {f"{layer.name}/{variable.name}": variable for layer in network.layers for variable in layer.weights}


def get_weights(network: keras.Model) -> dict[str, np.ndarray]:
    """name -> float32 array in Keras layout, the canonical form."""
    return {name: variable.numpy() for name, variable in named_variables(network).items()}


def set_weights(network: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """The inverse of `get_weights`. Raises ValueError if a name or a shape does not fit."""
    check_fit(weights, get_weights(network))
    for name, variable in named_variables(network).items():
        variable.assign(weights[name])


@contextmanager
def autocast(networks: list[keras.Model], precision: str):
    """What torch.autocast is to the twin: inside, the layers compute in `precision`; their weights stay float32."""
    everything = [layer for network in networks for layer in network.layers]
    try:
        for layer in everything:
            layer.dtype_policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
        yield
    finally:
        for layer in everything:
            layer.dtype_policy = "float32"
