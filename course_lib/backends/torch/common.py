"""What the learners in PyTorch share: the device, the optimiser and its state. Twin: backends/keras/common.py."""

from __future__ import annotations

import numpy as np
import torch

from course_lib.config import Config
from course_lib.errors import CourseError


def pick_device(device: str) -> torch.device:
    """"auto" is CUDA where there is one, else the CPU. Raises CourseError for a device that is not there."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise CourseError("PyTorch sees no CUDA device; choose --device auto or cpu.")
    return torch.device(device)


def make_optimizer(config: Config, parameters, rmsprop_decay: float = 0.9) -> torch.optim.Optimizer:
    """The configuration's optimiser.

    Epsilon means other things to the twins: RMSprop adds it outside the square root here, inside in Keras; Adam adds it after the bias
    correction here, before it in Keras, so that Keras's first steps are shorter.
    """
    rate, epsilon = config.learning_rate, config.optimizer_epsilon
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, alpha=rmsprop_decay, eps=epsilon)
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, eps=epsilon, fused=True)
    return torch.optim.SGD(parameters, lr=rate)


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """All that the optimiser remembers: optimizer/<parameter>/<moment> -> array."""
    state = {}
    for index, moments in optimizer.state_dict()["state"].items():
        state |= {f"optimizer/{index}/{name}": value.cpu().numpy().copy() for name, value in moments.items()}
    return state


def set_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, np.ndarray]) -> None:
    """The inverse of `optimizer_state`, given without the prefix."""
    moments = {}
    for name, value in state.items():
        index, moment = name.split("/")
        moments.setdefault(int(index), {})[moment] = torch.tensor(value)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": moments})
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            if value.shape == parameter.shape:  # a fused step goes through memory, so all must lie as the parameter does
                moments[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)
