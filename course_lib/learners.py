"""The seam between the frameworks: what a learner offers, and the only place that picks PyTorch or Keras."""

from __future__ import annotations

import os
from typing import Protocol

import numpy as np

from course_lib.backends.common import Weights
from course_lib.config import DQNConfig
from course_lib.errors import CourseError
from course_lib.quiet import quiet
from course_lib.replay import Batch

FRAMEWORKS = ("torch", "keras")


class QLearner(Protocol):
    """A network of action values that learns from batches. NumPy in, NumPy out."""

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """uint8 [B, H, W, C] -> float32 [B, A]."""

    def update(self, batch: Batch) -> float:
        """One optimiser step on the mean Huber loss of the batch; returns that loss."""

    def sync_target(self) -> None:
        """Copy the online network into the target network."""

    def get_weights(self) -> Weights:
        """The online network: name -> float32 array in Keras layout, the canonical form."""

    def set_weights(self, weights: Weights) -> None:
        """Set the online and the target network."""

    def get_state(self) -> Weights:
        """All that a resumed run needs: online/..., target/..., optimizer/..."""

    def set_state(self, state: Weights) -> None:
        """Go on from a state that `get_state` of the same framework and configuration gave."""


def framework(name: str | None = None) -> str:
    """The framework to use: `name`, else the environment's COURSE_FRAMEWORK, else "torch"."""
    name = name or os.environ.get("COURSE_FRAMEWORK", "torch")
    if name not in FRAMEWORKS:
        raise CourseError(f'The frameworks are "torch" and "keras", not "{name}".')
    return name


def make_learner(
    config: DQNConfig, framework_name: str, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"
) -> QLearner:
    """A fresh learner. observation_shape: (H, W, C); device: "auto" (CUDA where there is one), "cpu" or "cuda"."""
    if framework(framework_name) == "torch":
        from course_lib.backends.torch.dqn import DQNLearner
    else:
        with quiet():
            from course_lib.backends.keras.dqn import DQNLearner
    try:
        return DQNLearner(config, observation_shape, num_actions, seed, device)
    except ValueError as error:  # a device that is not there
        raise CourseError(f"{error}; choose --device auto or cpu.") from error
