"""The loss of DQN in Keras (Huber 1964; Mnih et al. 2015, Methods). Twin: backends/torch/losses.py."""

from __future__ import annotations

import tensorflow as tf
from keras import ops


def huber_loss(errors: tf.Tensor, delta: float = 1.0) -> tf.Tensor:
    """0.5 e^2 for |e| <= delta, delta (|e| - 0.5 delta) beyond: one loss per sample, [B] -> [B]."""
    size = ops.abs(errors)
    return ops.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


def td_loss(network, target_network, batch, discount: float) -> tf.Tensor:
    """Huber loss of r + discount * max_a' Q_target(s', a') - Q(s, a), r alone where terminated: [B].

    batch: a `replay.Batch` of tensors. The target is a constant: no gradient flows into it. (Mnih et al. 2015, equation 2.)
    """
    best_next = ops.cast(ops.max(target_network(batch.next_observations), axis=1), "float32")  # [B]
    targets = batch.rewards + discount * ops.cast(~batch.terminated, "float32") * best_next  # [B]
    targets = ops.stop_gradient(targets)  # [B]
    q_values = ops.cast(network(batch.observations), "float32")  # [B, A]
    chosen = ops.take_along_axis(q_values, batch.actions[:, None], axis=1)[:, 0]  # [B]
    return huber_loss(targets - chosen)  # [B]
