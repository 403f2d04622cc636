"""The seam between the frameworks: what a learner offers, and the only place that picks PyTorch or Keras."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from course_lib.backends.common import Weights
from course_lib.config import BootstrappedConfig, Config
from course_lib.errors import CourseError
from course_lib.exploration import vote_shares
from course_lib.quiet import quiet
from course_lib.replay import Batch
from course_lib.returns import Rollout

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


class Ensemble(QLearner, Protocol):
    """K heads of action values that learn from batches with masks; `update` returns the mean of the heads' losses."""

    config: BootstrappedConfig

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """uint8 [B, H, W, C] -> float32 [B, K, A]."""

    def head_values(self, observations: np.ndarray, head: int) -> np.ndarray:
        """What one head says, without asking the others: uint8 [B, H, W, C] -> float32 [B, A]."""


@dataclass(frozen=True)
class Head:
    """One head of an ensemble, played as a DQN is."""

    ensemble: Ensemble
    head: int

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        return self.ensemble.head_values(observations, self.head)  # [B, A]


@dataclass(frozen=True)
class Vote:
    """All heads of an ensemble, played by majority vote: what it holds of an action is the share of the heads that vote for it."""

    ensemble: Ensemble

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        return vote_shares(self.ensemble.q_values(observations))  # [B, A]


def as_played(learner: Learner, head: int | None = None) -> Learner:
    """A learner as it is played: an ensemble votes, or follows one head; everything else plays as it is. Refuses a head that there is not."""
    if not hasattr(learner, "head_values"):
        return learner
    if head is None:
        return Vote(learner)
    if head not in range(learner.config.num_heads):
        raise CourseError(f"This agent has {learner.config.num_heads} heads, 0 to {learner.config.num_heads - 1}; there is no head {head}.")
    return Head(learner, head)


class ActorCritic(Protocol):
    """A policy and a value that learn from rollouts: the global network, or a worker's local copy of it. NumPy in, NumPy out."""

    def policy_and_value(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [B, H, W, C] -> probabilities float32 [B, A], values float32 [B]."""

    def gradients(self, rollout: Rollout) -> tuple[Any, float]:
        """On the local copy: the clipped gradients of the mean loss, in the framework's own form, and that loss."""

    def apply_gradients(self, gradients: Any, learning_rate: float) -> None:
        """On the global network, by one thread or process at a time: one optimiser step with a local copy's gradients."""

    def copy_from(self, other: ActorCritic) -> None:
        """Copy another learner's weights (not its optimiser)."""

    def get_weights(self) -> Weights:
        """Name -> float32 array in Keras layout, the canonical form."""

    def set_weights(self, weights: Weights) -> None:
        """The inverse of `get_weights`."""

    def get_state(self) -> Weights:
        """All that a resumed run needs: online/..., optimizer/..."""

    def set_state(self, state: Weights) -> None:
        """Go on from a state that `get_state` of the same framework and configuration gave."""


Learner = QLearner | ActorCritic
LEARNERS = {
    "dqn": ("dqn", "DQNLearner"),
    "bootstrapped_dqn": ("bootstrapped", "BootstrappedLearner"),
    "a3c": ("actor_critic", "ActorCriticLearner"),
}
"""Agent -> where each backend has its learner: (module, class)."""


def action_scores(learner: Learner, observations: np.ndarray) -> np.ndarray:
    """What a learner, an ensemble by way of `as_played`, holds of each action, float32 [B, A]: Q-values, votes, or an actor-critic's probabilities."""
    return learner.q_values(observations) if hasattr(learner, "q_values") else learner.policy_and_value(observations)[0]


def framework(name: str | None = None) -> str:
    """The framework to use: `name`, else the environment's COURSE_FRAMEWORK, else "torch"."""
    name = name or os.environ.get("COURSE_FRAMEWORK", "torch")
    if name not in FRAMEWORKS:
        raise CourseError(f'The frameworks are "torch" and "keras", not "{name}".')
    return name


def make_learner(
    config: Config, framework_name: str, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"
) -> Learner:
    """A fresh learner for the configuration's agent. observation_shape: (H, W, C); device: "auto" (CUDA where there is one), "cpu" or "cuda"."""
    module, name = LEARNERS[config.agent]
    with quiet():  # TensorFlow greets
        learner_class = getattr(import_module(f"course_lib.backends.{framework(framework_name)}.{module}"), name)
    return learner_class(config, observation_shape, num_actions, seed, device)


@contextmanager
def one_thread_each(framework_name: str) -> Iterator[None]:
    """Inside, PyTorch computes in the thread that asks: actor-learners fill the cores already. TensorFlow has no such switch once it runs."""
    if framework_name != "torch":
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
