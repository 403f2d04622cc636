"""The losses in Keras (Huber 1964; Mnih et al. 2015, Methods; Mnih et al. 2016, section 4; Osband et al. 2016). Twin: backends/torch/losses.py."""

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


def heads_td_loss(network, target_network, batch, discount: float) -> tf.Tensor:
    """`td_loss` for each of K heads, which bootstraps from its own head of the target network: [B, K]. (Osband et al. 2016, section 3.)

    The paper lets the online network choose the next action (Double DQN); here the target network does both, as in our DQN.
    """
    best_next = ops.cast(ops.max(target_network(batch.next_observations), axis=2), "float32")  # [B, K]
    targets = batch.rewards[:, None] + discount * ops.cast(~batch.terminated, "float32")[:, None] * best_next  # [B, K]
    targets = ops.stop_gradient(targets)  # [B, K]
    q_values = ops.cast(network(batch.observations), "float32")  # [B, K, A]
    chosen = ops.take_along_axis(q_values, batch.actions[:, None, None], axis=2)[:, :, 0]  # [B, K]
    return huber_loss(targets - chosen)  # [B, K]


def masked_means(losses: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """For each head, the mean loss of the samples that its mask lets through, 0 if there are none: [B, K], bool [B, K] -> [K].

    Masked before it is reduced: a mean taken first, or one mask for a loss of another shape, lets every head learn from everything.
    Raises ValueError for other shapes.
    """
    if losses.shape.rank != 2 or not losses.shape.is_compatible_with(masks.shape):
        raise ValueError(f"losses {tuple(losses.shape)} and masks {tuple(masks.shape)} must both be [B, K]")
    masks = ops.cast(tf.ensure_shape(masks, losses.shape), "float32")  # [B, K]; a traced function learns their shape only here
    return ops.sum(losses * masks, axis=0) / ops.maximum(ops.sum(masks, axis=0), 1.0)  # [K]


def policy_loss(logits: tf.Tensor, actions: tf.Tensor, advantages: tf.Tensor) -> tf.Tensor:
    """-log pi(a|s) * advantage; the advantage is a constant. [B, A], [B], [B] -> [B]. (Mnih et al. 2016, section 4.)"""
    log_probabilities = ops.log_softmax(logits, axis=1)  # [B, A]
    chosen = ops.take_along_axis(log_probabilities, actions[:, None], axis=1)[:, 0]  # [B]
    return -chosen * ops.stop_gradient(advantages)  # [B]


def entropy(logits: tf.Tensor) -> tf.Tensor:
    """-sum_a pi(a|s) log pi(a|s), in nats: how undecided the policy is. [B, A] -> [B]."""
    log_probabilities = ops.log_softmax(logits, axis=1)  # [B, A]
    return -ops.sum(ops.exp(log_probabilities) * log_probabilities, axis=1)  # [B]


def value_loss(values: tf.Tensor, returns: tf.Tensor) -> tf.Tensor:
    """(R - V(s))^2, the return being a constant. [B], [B] -> [B]. Raises ValueError for other shapes: [B, 1] would become [B, B]."""
    if values.ndim != 1 or values.shape != returns.shape:
        raise ValueError(f"values {tuple(values.shape)} and returns {tuple(returns.shape)} must both be [B]")
    return (ops.stop_gradient(returns) - values) ** 2  # [B]


def actor_critic_loss(network, rollout, entropy_weight: float, value_weight: float) -> tf.Tensor:
    """What an actor-learner descends on: policy loss - entropy_weight * entropy + value_weight * value loss: [T].

    rollout: a `returns.Rollout` of tensors.
    """
    logits, values = network(rollout.observations)  # [T, A], [T]
    loss = policy_loss(logits, rollout.actions, rollout.advantages)  # [T]
    return loss - entropy_weight * entropy(logits) + value_weight * value_loss(values, rollout.returns)  # [T]
