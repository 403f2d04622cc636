"""The networks in PyTorch (Mnih et al. 2015, Methods; Mnih et al. 2016, section 5.1; Osband et al. 2016, section 6). Twin: backends/keras/networks.py."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.backends.common import check_fit, initial_weights
from course_lib.config import NetworkConfig, replace


class QNetwork(nn.Module):
    """Pixels in, one value for each action out: uint8 [B, H, W, C] -> float32 [B, A]."""

    heads = ("q",)

    def __init__(self, config: NetworkConfig, observation_shape: tuple[int, int, int], num_actions: int):
        super().__init__()
        self.conv, self.dense, self.flatten_shape = make_body(config, observation_shape)
        self.q = nn.Linear(self.dense[-1].out_features, num_actions)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return self.q(features(self, observations))  # [B, A]


class ActorCriticNetwork(nn.Module):
    """Pixels in, a policy and a value out: uint8 [B, H, W, C] -> logits float32 [B, A], values [B]. (Mnih et al. 2016, section 5.1.)"""

    heads = ("policy", "value")

    def __init__(self, config: NetworkConfig, observation_shape: tuple[int, int, int], num_actions: int):
        super().__init__()
        self.conv, self.dense, self.flatten_shape = make_body(config, observation_shape)
        self.policy = nn.Linear(self.dense[-1].out_features, num_actions)
        self.value = nn.Linear(self.dense[-1].out_features, 1)

    def forward(self, observations: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = features(self, observations)  # [B, units]
        return self.policy(x), self.value(x)[:, 0]  # [B, A], [B]


class HeadsLinear(nn.Module):
    """A dense layer for each of K heads, all computed at once: [B, in], which they share, or [B, K, in] -> [B, K, out].

    The weights are kept in the canonical shape, [K, in, out], but lie in memory as [in, K, out]: so an input that all heads share is multiplied
    without copying them, which for one observation takes five times as long and leaves the memory in pieces.
    """

    def __init__(self, num_heads: int, inputs: int, units: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs, num_heads, units).transpose(0, 1))
        self.bias = nn.Parameter(torch.zeros(num_heads, units))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.einsum("bi,kio->bko" if x.ndim == 2 else "bki,kio->bko", x, self.weight)  # [B, K, out]
        return y + self.bias.to(y.dtype)  # [B, K, out]

    def one_head(self, x: torch.Tensor, head: int) -> torch.Tensor:
        return x @ self.weight[head] + self.bias[head]  # [B, in] -> [B, out]


class HeadsNetwork(nn.Module):
    """Pixels in, K opinions of the value of each action out: uint8 [B, H, W, C] -> float32 [B, K, A]. (Osband et al. 2016, figure 1.)

    The heads share the convolutions; each has dense layers and outputs of its own. With a prior, a network of the same shape that never
    learns is added to it, `prior_scale` times (Osband et al. 2018).
    """

    heads = ("q",)

    def __init__(self, config: NetworkConfig, observation_shape, num_actions: int, num_heads: int, prior_scale: float = 0.0):
        super().__init__()
        self.num_heads, self.prior_scale = num_heads, prior_scale
        self.conv, _, self.flatten_shape = make_body(replace(config, dense=()), observation_shape)
        units = [math.prod(self.flatten_shape), *config.dense]
        self.dense = nn.ModuleList(HeadsLinear(num_heads, before, after) for before, after in zip(units, units[1:]))
        self.q = HeadsLinear(num_heads, units[-1], num_actions)
        if prior_scale:
            self.prior = HeadsNetwork(config, observation_shape, num_actions, num_heads).requires_grad_(False)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        x = self.core(observations)  # [B, features]
        x = x / self.num_heads + (x - x / self.num_heads).detach()  # the same x; the core's gradient is the heads' mean, not their sum
        for layer in self.dense:
            x = F.relu(layer(x))  # [B, K, units]
        q_values = self.q(x)  # [B, K, A]
        return q_values + self.prior_scale * self.prior(observations) if self.prior_scale else q_values

    def one_head(self, observations: torch.Tensor, head: int) -> torch.Tensor:
        """What one head says, without asking the others: uint8 [B, H, W, C] -> float32 [B, A]."""
        x = self.core(observations)  # [B, features]
        for layer in self.dense:
            x = F.relu(layer.one_head(x, head))  # [B, units]
        q_values = self.q.one_head(x, head)  # [B, A]
        return q_values + self.prior_scale * self.prior.one_head(observations, head) if self.prior_scale else q_values

    def core(self, observations: torch.Tensor) -> torch.Tensor:
        """What the heads share: uint8 [B, H, W, C] -> float32 [B, h * w * filters], channels last."""
        return convolve(self, observations).permute(0, 2, 3, 1).flatten(1)


def make_body(config: NetworkConfig, observation_shape) -> tuple[nn.ModuleList, nn.ModuleList, tuple[int, int, int]]:
    """The layers below the heads: convolutions, dense layers, and the shape (h, w, c) that the first dense layer flattens."""
    height, width, channels = observation_shape
    conv = nn.ModuleList()
    for filters, kernel, stride in config.conv:
        conv.append(nn.Conv2d(channels, filters, kernel, stride))
        height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, filters
    units = [height * width * channels, *config.dense]
    dense = nn.ModuleList(nn.Linear(before, after) for before, after in zip(units, units[1:]))
    return conv, dense, (height, width, channels)


def features(network: nn.Module, observations: torch.Tensor) -> torch.Tensor:
    """What the heads see: uint8 [B, H, W, C] -> float32 [B, units]."""
    x = convolve(network, observations).flatten(1)  # [B, filters * h * w]
    for layer in network.dense:
        x = F.relu(layer(x))  # [B, units]
    return x


def convolve(network: nn.Module, observations: torch.Tensor) -> torch.Tensor:
    """The convolutions: uint8 [B, H, W, C] -> float32 [B, filters, h, w]."""
    x = observations.permute(0, 3, 1, 2).float() / 255.0  # [B, C, H, W], 0..1
    for layer in network.conv:
        x = F.relu(layer(x))  # [B, filters, h, w]
    return x


def initialize(network: nn.Module, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layers under their canonical names: conv1, ..., dense1, ..., then the heads: q, or policy and value."""
    layers = {f"conv{i}": layer for i, layer in enumerate(network.conv, 1)}
    layers |= {f"dense{i}": layer for i, layer in enumerate(network.dense, 1)}
    layers |= {name: getattr(network, name) for name in network.heads}
    prior = named_layers(network.prior) if hasattr(network, "prior") else {}
    return layers | {f"prior/{name}": layer for name, layer in prior.items()}


def to_canonical(kernel: torch.Tensor, flatten_shape: tuple[int, int, int] | None) -> torch.Tensor:
    """Torch's layout of a kernel -> Keras's. `flatten_shape` (h, w, c) for the dense layer after the flatten, else None."""
    if kernel.ndim == 4:
        return kernel.permute(2, 3, 1, 0)  # [out, in, h, w] -> [h, w, in, out]
    if kernel.ndim == 3:
        return kernel  # [K, in, out] already
    if flatten_shape is None:
        return kernel.T  # [out, in] -> [in, out]
    h, w, c = flatten_shape  # torch flattens channels first, Keras channels last
    return kernel.reshape(-1, c, h, w).permute(2, 3, 1, 0).reshape(h * w * c, -1)


def from_canonical(kernel: torch.Tensor, flatten_shape: tuple[int, int, int] | None) -> torch.Tensor:
    """Keras's layout of a kernel -> torch's: the inverse of `to_canonical`."""
    if kernel.ndim == 4:
        return kernel.permute(3, 2, 0, 1)  # [h, w, in, out] -> [out, in, h, w]
    if kernel.ndim == 3:
        return kernel
    if flatten_shape is None:
        return kernel.T  # [in, out] -> [out, in]
    h, w, c = flatten_shape
    return kernel.reshape(h, w, c, -1).permute(3, 2, 0, 1).reshape(-1, h * w * c)


def get_weights(network: nn.Module) -> dict[str, np.ndarray]:
    """name -> float32 array in Keras layout, the canonical form."""
    weights = {}
    for name, layer in named_layers(network).items():
        flatten_shape = network.flatten_shape if name == "dense1" else None
        kernel = to_canonical(layer.weight.detach(), flatten_shape)
        weights[f"{name}/kernel"] = np.array(kernel.cpu().numpy(), order="C")  # a copy, whatever its shape
        weights[f"{name}/bias"] = layer.bias.detach().cpu().numpy().copy()
    return weights


def set_weights(network: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """The inverse of `get_weights`. Raises ValueError if a name or a shape does not fit."""
    check_fit(weights, get_weights(network))
    with torch.no_grad():
        for name, layer in named_layers(network).items():
            flatten_shape = network.flatten_shape if name == "dense1" else None
            layer.weight.copy_(from_canonical(torch.from_numpy(weights[f"{name}/kernel"]), flatten_shape))
            layer.bias.copy_(torch.from_numpy(weights[f"{name}/bias"]))
