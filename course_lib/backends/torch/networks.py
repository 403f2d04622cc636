"""The network of DQN in PyTorch (Mnih et al. 2015, Methods). Twin: backends/keras/networks.py."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.backends.common import check_fit, initial_weights
from course_lib.config import NetworkConfig


class QNetwork(nn.Module):
    """Pixels in, one value for each action out: uint8 [B, H, W, C] -> float32 [B, A]."""

    def __init__(self, config: NetworkConfig, observation_shape: tuple[int, int, int], num_actions: int):
        super().__init__()
        height, width, channels = observation_shape
        self.conv = nn.ModuleList()
        for filters, kernel, stride in config.conv:
            self.conv.append(nn.Conv2d(channels, filters, kernel, stride))
            height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, filters
        self.flatten_shape = (height, width, channels)  # what the first dense layer flattens
        units = [math.prod(self.flatten_shape), *config.dense]
        self.dense = nn.ModuleList(nn.Linear(before, after) for before, after in zip(units, units[1:]))
        self.q = nn.Linear(units[-1], num_actions)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        x = observations.permute(0, 3, 1, 2).float() / 255.0  # [B, C, H, W], 0..1
        for layer in self.conv:
            x = F.relu(layer(x))  # [B, filters, h, w]
        x = x.flatten(1)  # [B, filters * h * w]
        for layer in self.dense:
            x = F.relu(layer(x))  # [B, units]
        return self.q(x)  # [B, A]


def initialize(network: QNetwork, seed: int) -> None:
    """Glorot-uniform kernels and zero biases, from NumPy, so that a seed means the same network in both frameworks."""
    set_weights(network, initial_weights(get_weights(network), seed))


def named_layers(network: QNetwork) -> dict[str, nn.Module]:
    """The layers under their canonical names: conv1, ..., dense1, ..., q."""
    layers = {f"conv{i}": layer for i, layer in enumerate(network.conv, 1)}
    layers |= {f"dense{i}": layer for i, layer in enumerate(network.dense, 1)}
    return layers | {"q": network.q}


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


def get_weights(network: QNetwork) -> dict[str, np.ndarray]:
    """name -> float32 array in Keras layout, the canonical form."""
    weights = {}
    for name, layer in named_layers(network).items():
        flatten_shape = network.flatten_shape if layer is network.dense[0] else None
        kernel = to_canonical(layer.weight.detach(), flatten_shape)
        weights[f"{name}/kernel"] = np.ascontiguousarray(kernel.cpu().numpy())
        weights[f"{name}/bias"] = layer.bias.detach().cpu().numpy().copy()
    return weights


def set_weights(network: QNetwork, weights: dict[str, np.ndarray]) -> None:
    """The inverse of `get_weights`. Raises ValueError if a name or a shape does not fit."""
    check_fit(weights, get_weights(network))
    with torch.no_grad():
        for name, layer in named_layers(network).items():
            flatten_shape = network.flatten_shape if layer is network.dense[0] else None
            layer.weight.copy_(from_canonical(torch.from_numpy(weights[f"{name}/kernel"]), flatten_shape))
            layer.bias.copy_(torch.from_numpy(weights[f"{name}/bias"]))
