"""The networks in Keras (Mnih et al. 2015, Methods; Mnih et al. 2016, section 5.1; Osband et al. 2016, section 6). Twin: backends/torch/networks.py."""

from __future__ import annotations

from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops

from course_lib.backends.common import check_fit, initial_weights
from course_lib.config import NetworkConfig, replace


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


class HeadsDense(layers.Layer):
    """A dense layer for each of K heads, all computed at once: [B, in], which they share, or [B, K, in] -> [B, K, out]."""

    def __init__(self, num_heads: int, units: int, name: str):
        super().__init__(name=name)
        self.num_heads, self.units = num_heads, int(units)

    def build(self, shape):
        self.kernel = self.add_weight(shape=(self.num_heads, shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.num_heads, self.units), name="bias", initializer="zeros")

    def call(self, x):
        x = x[None] if len(x.shape) == 2 else ops.transpose(x, (1, 0, 2))  # [1 or K, B, in]; TensorFlow's einsum would copy the kernel first
        return ops.transpose(ops.matmul(x, self.kernel), (1, 0, 2)) + self.bias  # [B, K, out]

    def one_head(self, x, head):
        return x @ self.kernel[head] + self.bias[head]  # [B, in] -> [B, out]


class HeadsNetwork(keras.Model):
    """Pixels in, K opinions of the value of each action out: uint8 [B, H, W, C] -> float32 [B, K, A]. (Osband et al. 2016, figure 1.)

    The heads share the convolutions; each has dense layers and outputs of its own. With a prior, a network of the same shape that never
    learns is added to it, `prior_scale` times (Osband et al. 2018).
    """

    def __init__(self, config: NetworkConfig, observation_shape, num_actions: int, num_heads: int, prior_scale: float = 0.0, name="network"):
        super().__init__(name=name)
        self.num_heads, self.prior_scale = num_heads, prior_scale
        self.conv, _, self.flatten = make_body(replace(config, dense=()))
        self.dense = [HeadsDense(num_heads, units, name=f"dense{i}") for i, units in enumerate(config.dense, 1)]
        self.q = HeadsDense(num_heads, num_actions, name="q")
        if prior_scale:
            self.prior = HeadsNetwork(config, observation_shape, num_actions, num_heads, name="prior")
            self.prior.trainable = False
        self(np.zeros((1, *observation_shape), np.uint8))  # Keras makes the weights when it first sees a shape

    def call(self, observations):
        x = self.core(observations)  # [B, features]
        x = x / self.num_heads + ops.stop_gradient(x - x / self.num_heads)  # the same x; the core's gradient is the heads' mean, not their sum
        for layer in self.dense:
            x = ops.relu(layer(x))  # [B, K, units]
        q_values = self.q(x)  # [B, K, A]
        return q_values + self.prior_scale * self.prior(observations) if self.prior_scale else q_values

    def one_head(self, observations, head):
        """What one head says, without asking the others: uint8 [B, H, W, C] -> float32 [B, A]."""
        x = self.core(observations)  # [B, features]
        for layer in self.dense:
            x = ops.relu(layer.one_head(x, head))  # [B, units]
        q_values = self.q.one_head(x, head)  # [B, A]
        return q_values + self.prior_scale * self.prior.one_head(observations, head) if self.prior_scale else q_values

    def core(self, observations):
        """What the heads share: uint8 [B, H, W, C] -> float32 [B, h * w * filters]."""
        return self.flatten(convolve(self, observations))


def make_body(config: NetworkConfig) -> tuple[list[layers.Layer], list[layers.Layer], layers.Layer]:
    """The layers below the heads: convolutions, dense layers, and the one that flattens between them."""
    conv = []
    for i, (filters, kernel, stride) in enumerate(config.conv, 1):
        conv.append(layers.Conv2D(filters, kernel, stride, activation="relu", name=f"conv{i}"))
    dense = [layers.Dense(units, activation="relu", name=f"dense{i}") for i, units in enumerate(config.dense, 1)]
    return conv, dense, layers.Flatten()


def features(network: keras.Model, observations):
    """What the heads see: uint8 [B, H, W, C] -> float32 [B, units]."""
    x = network.flatten(convolve(network, observations))  # [B, h * w * filters]
    for layer in network.dense:
        x = layer(x)  # [B, units]
    return x


def convolve(network: keras.Model, observations):
    """The convolutions: uint8 [B, H, W, C] -> float32 [B, h, w, filters]."""
    x = ops.cast(observations, "float32") / 255.0  # [B, H, W, C], 0..1
    for layer in network.conv:
        x = layer(x)  # [B, h, w, filters]
    return x


def initialize(network: keras.Model, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_variables(network: keras.Model) -> dict[str, keras.Variable]:
    """The weights under their canonical names: conv1/kernel, conv1/bias, ..., then the heads: q, or policy and value."""
    variables = {}
    for layer in network.layers:
        named = named_variables(layer) if isinstance(layer, keras.Model) else {variable.name: variable for variable in layer.weights}
        variables |= {f"{layer.name}/{name}": variable for name, variable in named.items()}
    return variables


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
    networks = [*networks, *(network.prior for network in networks if hasattr(network, "prior"))]
    everything = [layer for network in networks for layer in network.layers if not isinstance(layer, keras.Model)]
    try:
        for layer in everything:
            layer.dtype_policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
        yield
    finally:
        for layer in everything:
            layer.dtype_policy = "float32"
