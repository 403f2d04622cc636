"""DQN's learner in PyTorch (Mnih et al. 2015, algorithm 1). Twin: backends/keras/dqn.py."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from course_lib.backends.common import strip
from course_lib.backends.torch.common import make_optimizer, optimizer_state, pick_device, set_optimizer_state
from course_lib.backends.torch.losses import td_loss
from course_lib.backends.torch.networks import QNetwork, get_weights, initialize, set_weights
from course_lib.config import DQNConfig
from course_lib.replay import Batch


class DQNLearner:
    """An online network that learns, a target network that it learns from, and an optimiser. See `learners.QLearner`."""

    def __init__(self, config: DQNConfig, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"):
        self.config = config
        self.device = pick_device(device)
        self.online_network = self.make_network(observation_shape, num_actions).to(self.device)
        self.target_network = self.make_network(observation_shape, num_actions).to(self.device)
        initialize(self.online_network, seed)
        self.sync_target()

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """Made by the first update: PyTorch loads as much again for it as for all else, and whoever only plays needs none."""
        learning = [parameter for parameter in self.online_network.parameters() if parameter.requires_grad]
        return make_optimizer(self.config, learning)

    def make_network(self, observation_shape, num_actions: int) -> torch.nn.Module:
        return QNetwork(self.config.network, observation_shape, num_actions)

    def loss(self, batch: Batch) -> torch.Tensor:
        """What an update descends on: []."""
        return td_loss(self.online_network, self.target_network, batch, self.config.discount).mean()

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.online_network(self._tensor(observations)).float().cpu().numpy()  # [B, A], or [B, K, A] of an ensemble

    def update(self, batch: Batch) -> float:
        batch = Batch(*map(self._tensor, batch))
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            loss = self.loss(batch)  # [], or [K] of an ensemble
        self.optimizer.zero_grad()
        loss.sum().backward()
        self.optimizer.step()
        return loss.mean().item()

    def sync_target(self) -> None:
        self.target_network.load_state_dict(self.online_network.state_dict())

    def get_weights(self) -> dict[str, np.ndarray]:
        return get_weights(self.online_network)

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        set_weights(self.online_network, weights)
        self.sync_target()

    def get_state(self) -> dict[str, np.ndarray]:
        state = {f"online/{name}": array for name, array in get_weights(self.online_network).items()}
        state |= {f"target/{name}": array for name, array in get_weights(self.target_network).items()}
        return state | optimizer_state(self.optimizer)

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        set_weights(self.online_network, strip(state, "online/"))
        set_weights(self.target_network, strip(state, "target/"))
        set_optimizer_state(self.optimizer, strip(state, "optimizer/"))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
