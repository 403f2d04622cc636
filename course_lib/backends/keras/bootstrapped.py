"""Bootstrapped DQN's learner in Keras (Osband et al. 2016, sections 3 and 6). Twin: backends/torch/bootstrapped.py."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from course_lib.backends.keras.common import trace
from course_lib.backends.keras.dqn import DQNLearner, batch_signature
from course_lib.backends.keras.losses import heads_td_loss, masked_means
from course_lib.backends.keras.networks import HeadsNetwork
from course_lib.config import BootstrappedConfig
from course_lib.replay import Batch


class BootstrappedLearner(DQNLearner):
    """A DQN's learner with K heads, each learning from what its masks let through. See `learners.Ensemble`."""

    def __init__(self, config: BootstrappedConfig, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"):
        super().__init__(config, observation_shape, num_actions, seed, device)
        with tf.device(self.device):
            observations = batch_signature(observation_shape).observations
            self._head_values = trace(self.online_network.one_head, observations, tf.TensorSpec((), tf.int32))

    def make_network(self, observation_shape, num_actions: int) -> keras.Model:
        return HeadsNetwork(self.config.network, observation_shape, num_actions, self.config.num_heads, self.config.prior_scale)

    def loss(self, batch: Batch) -> tf.Tensor:
        """What an update descends on, for each head: [K]."""
        losses = heads_td_loss(self.online_network, self.target_network, batch, self.config.discount)  # [B, K]
        return masked_means(losses, batch.masks)  # [K]

    def head_values(self, observations: np.ndarray, head: int) -> np.ndarray:
        return self._head_values(observations, np.int32(head)).numpy()  # [B, A]
