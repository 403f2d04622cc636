"""A3C's policy and value in Keras (Mnih et al. 2016, algorithm S3). Twin: backends/torch/actor_critic.py."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from keras import ops

from course_lib.backends.common import strip
from course_lib.backends.keras.common import make_optimizer, optimizer_state, pick_device, set_optimizer_state, trace
from course_lib.backends.keras.losses import actor_critic_loss
from course_lib.backends.keras.networks import ActorCriticNetwork, get_weights, initialize, set_weights
from course_lib.config import A3CConfig
from course_lib.returns import Rollout


class ActorCriticLearner:
    """A network with a policy and a value: the global one, or a worker's local copy. See `learners.ActorCritic`."""

    def __init__(self, config: A3CConfig, observation_shape, num_actions: int, seed: int = 0, device: str = "auto"):
        self.config = config
        self.device = pick_device(device)
        with tf.device(self.device):
            self.network = ActorCriticNetwork(config.network, observation_shape, num_actions)
            initialize(self.network, seed)
            self.optimizer = make_optimizer(config, self.network.trainable_variables, config.rmsprop_decay)
            rollout = rollout_signature(observation_shape)
            variables = [tf.TensorSpec(variable.shape, tf.float32) for variable in self.network.trainable_variables]
            self._policy_and_value = trace(self._act, rollout.observations)
            self._gradients = trace(self._differentiate, rollout)
            self._apply_gradients = trace(self._step, variables, tf.TensorSpec((), tf.float32))

    def policy_and_value(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probabilities, values = self._policy_and_value(observations)  # [B, A], [B]
        return probabilities.numpy(), values.numpy()

    def _act(self, observations: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, values = self.network(observations)  # [B, A], [B]
        return ops.softmax(logits, axis=1), values

    def gradients(self, rollout: Rollout) -> tuple[list[tf.Tensor], float]:
        gradients, loss = self._gradients(rollout)
        return gradients, float(loss)

    def _differentiate(self, rollout: Rollout) -> tuple[list[tf.Tensor], tf.Tensor]:
        with tf.GradientTape() as tape:
            losses = actor_critic_loss(self.network, rollout, self.config.entropy_weight, self.config.value_weight)  # [T]
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, self.network.trainable_variables)
        scale = tf.minimum(self.config.max_gradient_norm / (tf.linalg.global_norm(gradients) + 1e-6), 1.0)  # torch's clip_grad_norm_
        return [gradient * scale for gradient in gradients], loss

    def apply_gradients(self, gradients: list[tf.Tensor], learning_rate: float) -> None:
        self._apply_gradients(gradients, tf.constant(learning_rate, tf.float32))  # a Python float would be traced again

    def _step(self, gradients: list[tf.Tensor], learning_rate: tf.Tensor) -> None:
        self.optimizer.learning_rate.assign(learning_rate)
        self.optimizer.apply(gradients)

    def copy_from(self, other: ActorCriticLearner) -> None:
        for mine, theirs in zip(self.network.trainable_variables, other.network.trainable_variables):
            mine.assign(theirs)

    def get_weights(self) -> dict[str, np.ndarray]:
        return get_weights(self.network)

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        set_weights(self.network, weights)

    def get_state(self) -> dict[str, np.ndarray]:
        state = {f"online/{name}": array for name, array in get_weights(self.network).items()}
        return state | optimizer_state(self.optimizer)

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        set_weights(self.network, strip(state, "online/"))
        set_optimizer_state(self.optimizer, strip(state, "optimizer/"))


def rollout_signature(observation_shape) -> Rollout:
    """The dtypes and shapes of a `returns.Rollout` of any length."""
    floats = tf.TensorSpec((None,), tf.float32)
    return Rollout(tf.TensorSpec((None, *observation_shape), tf.uint8), tf.TensorSpec((None,), tf.int64), floats, floats)
