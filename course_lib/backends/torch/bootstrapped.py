"""Bootstrapped DQN's learner in PyTorch (Osband et al. 2016, sections 3 and 6). Twin: backends/keras/bootstrapped.py."""

from __future__ import annotations

import numpy as np
import torch

from course_lib.backends.torch.dqn import DQNLearner
from course_lib.backends.torch.losses import heads_td_loss, masked_means
from course_lib.backends.torch.networks import HeadsNetwork
from course_lib.replay import Batch


class BootstrappedLearner(DQNLearner):
    """A DQN's learner with K heads, each learning from what its masks let through. See `learners.Ensemble`."""

    def make_network(self, observation_shape, num_actions: int) -> torch.nn.Module:
        return HeadsNetwork(self.config.network, observation_shape, num_actions, self.config.num_heads, self.config.prior_scale)

    def loss(self, batch: Batch) -> torch.Tensor:
        """What an update descends on, for each head: [K]."""
        losses = heads_td_loss(self.online_network, self.target_network, batch, self.config.discount)  # [B, K]
        return masked_means(losses, batch.masks)  # [K]

    def head_values(self, observations: np.ndarray, head: int) -> np.ndarray:
        with torch.inference_mode():
            return self.online_network.one_head(self._tensor(observations), head).float().cpu().numpy()  # [B, A]
