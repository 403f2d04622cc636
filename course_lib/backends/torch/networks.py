"""The networks in PyTorch (Mnih et al. 2015, Methods; Mnih et al. 2016, section 5.1). Twin: backends/keras/networks.py."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.backends.common import check_fit, initial_weights
from course_lib.config import NetworkConfig


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
    x = observations.permute(0, 3, 1, 2).float() / 255.0  # [B, C, H, W], 0..1
    for layer in network.conv:
        x = F.relu(layer(x))  # [B, filters, h, w]
    x = x.flatten(1)  # [B, filters * h * w]
    for layer in network.dense:
        x = F.relu(layer(x))  # [B, units]
    return x


def initialize(network: nn.Module, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layers under their canonical names: conv1, ..., dense1, ..., then the heads: q, or policy and value."""
    layers = {f"conv{i}": layer for i, layer in enumerate(network.conv, 1)}
    layers |= {f"dense{i}": layer for i, layer in enumerate(network.dense, 1)}
    return layers | {name: getattr(network, name) for name in network.heads}


def to_canonical(kernel: torch.Tensor, flatten_shape: tuple[int, int, int] | None) -> torch.Tensor:
    """Torch's layout of a kernel -> Keras's. `flatten_shape` (h, w, c) for the dense layer after the flatten, else None."""
    if kernel.ndim == 4:
        return kernel.permute(2, 3, 1, 0)  # [out, in, h, w] -> [h, w, in, out]
    if flatten_shape is None:
        return kernel.T  # [out, in] -> [in, out]
    h, w, c = flatten_shape  # torch flattens channels first, Keras channels last
    return kernel.reshape(-1, c, h, w).permute(2, 3, 1, 0).reshape(h * w * c, -1)


def from_canonical(kernel: torch.Tensor, flatten_shape: tuple[int, int, int] | None) -> torch.Tensor:
    """Keras's layout of a kernel -> torch's: the inverse of `to_canonical`."""
    if kernel.ndim == 4:
        return kernel.permute(3, 2, 0, 1)  # [h, w, in, out] -> [out, in, h, w]
    if flatten_shape is None:
        return kernel.T  # [in, out] -> [out, in]
    h, w, c = flatten_shape
    return kernel.reshape(h, w, c, -1).permute(3, 2, 0, 1).reshape(-1, h * w * c)


def get_weights(network: nn.Module) -> dict[str, np.ndarray]:
    """name -> float32 array in Keras layout, the canonical form."""
    weights = {}
    for name, layer in named_layers(network).items():
        flatten_shape = network.flatten_shape if layer is network.dense[0] else None
        kernel = to_canonical(layer.weight.detach(), flatten_shape)
        weights[f"{name}/kernel"] = np.array(kernel.cpu().numpy(), order="C")  # a copy, whatever its shape
        weights[f"{name}/bias"] = layer.bias.detach().cpu().numpy().copy()
    return weights


def set_weights(network: nn.Module, weights: dict[str, np.ndarray]) -> None:
    """The inverse of `get_weights`. Raises ValueError if a name or a shape does not fit."""
    check_fit(weights, get_weights(network))
    with torch.no_grad():
        for name, layer in named_layers(network).items():
            flatten_shape = network.flatten_shape if layer is network.dense[0] else None
            layer.weight.copy_(from_canonical(torch.from_numpy(weights[f"{name}/kernel"]), flatten_shape))
            layer.bias.copy_(torch.from_numpy(weights[f"{name}/bias"]))
