"""DQN's learner in Keras (Mnih et al. 2015, algorithm 1). Twin: backends/torch/dqn.py."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from course_lib.backends.common import strip
from course_lib.backends.keras.common import make_optimizer, optimizer_state, pick_device, set_optimizer_state, trace
from course_lib.backends.keras.losses import td_loss
from course_lib.backends.keras.networks import QNetwork, autocast, get_weights, initialize, set_weights
from course_lib.config import DQNConfig
from course_lib.replay import Batch


class DQNLearner:
    """An online network that learns, a target network that it learns from, and an optimiser. See `learners.QLearner`."""

    def __init__(self, config: DQNConfig, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"):
        self.config = config
        self.device = pick_device(device)
        with tf.device(self.device):
            self.online_network = self.make_network(observation_shape, num_actions)
            self.target_network = self.make_network(observation_shape, num_actions)
            initialize(self.online_network, seed)
            self.sync_target()
            self.optimizer = make_optimizer(config, self.online_network.trainable_variables)
            batch = batch_signature(observation_shape)
            self._q_values = trace(self.online_network, batch.observations)
            self._update = trace(self._step, batch)

    def make_network(self, observation_shape, num_actions: int) -> keras.Model:
        return QNetwork(self.config.network, observation_shape, num_actions)

    def loss(self, batch: Batch) -> tf.Tensor:
        """What an update descends on: []."""
        return tf.reduce_mean(td_loss(self.online_network, self.target_network, batch, self.config.discount))

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        return self._q_values(observations).numpy()  # [B, A], or [B, K, A] of an ensemble

    def update(self, batch: Batch) -> float:
        return float(self._update(batch))

    def _step(self, batch: Batch) -> tf.Tensor:
        networks = self.online_network, self.target_network
        with tf.GradientTape() as tape, autocast(networks, self.config.precision):
            loss = self.loss(batch)  # [], or [K] of an ensemble
        self.optimizer.apply(tape.gradient(loss, self.online_network.trainable_variables))  # of its sum
        return tf.reduce_mean(loss)

    def sync_target(self) -> None:
        self.target_network.set_weights(self.online_network.get_weights())

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


def batch_signature(observation_shape) -> Batch:
    """The dtypes and shapes of a `replay.Batch` of any size."""
    observations = tf.TensorSpec((None, *observation_shape), tf.uint8)
    actions, rewards = tf.TensorSpec((None,), tf.int64), tf.TensorSpec((None,), tf.float32)
    terminated, masks = tf.TensorSpec((None,), tf.bool), tf.TensorSpec((None, None), tf.bool)
    return Batch(observations, actions, rewards, observations, terminated, masks)
