"""The losses in PyTorch (Huber 1964; Mnih et al. 2015, Methods; Mnih et al. 2016, section 4; Osband et al. 2016). Twin: backends/keras/losses.py."""

from __future__ import annotations

import torch


def huber_loss(errors: torch.Tensor, delta: float = 1.0) -> torch.Tensor:
    """0.5 e^2 for |e| <= delta, delta (|e| - 0.5 delta) beyond: one loss per sample, [B] -> [B]."""
    size = errors.abs()
    return torch.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


def td_loss(network, target_network, batch, discount: float) -> torch.Tensor:
    """Huber loss of r + discount * max_a' Q_target(s', a') - Q(s, a), r alone where terminated: [B].

    batch: a `replay.Batch` of tensors. The target is a constant: no gradient flows into it. (Mnih et al. 2015, equation 2.)
    """
    with torch.no_grad():
        best_next = target_network(batch.next_observations).amax(dim=1).float()  # [B]
        targets = batch.rewards + discount * (~batch.terminated) * best_next  # [B]
    q_values = network(batch.observations).float()  # [B, A]
    chosen = q_values.gather(1, batch.actions[:, None])[:, 0]  # [B]
    return huber_loss(targets - chosen)  # [B]


def heads_td_loss(network, target_network, batch, discount: float) -> torch.Tensor:
    """`td_loss` for each of K heads, which bootstraps from its own head of the target network: [B, K]. (Osband et al. 2016, section 3.)

    The paper lets the online network choose the next action (Double DQN); here the target network does both, as in our DQN.
    """
    with torch.no_grad():
        best_next = target_network(batch.next_observations).amax(dim=2).float()  # [B, K]
        targets = batch.rewards[:, None] + discount * (~batch.terminated)[:, None] * best_next  # [B, K]
    q_values = network(batch.observations).float()  # [B, K, A]
    chosen = torch.take_along_dim(q_values, batch.actions[:, None, None], dim=2)[:, :, 0]  # [B, K]
    return huber_loss(targets - chosen)  # [B, K]


def masked_means(losses: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """For each head, the mean loss of the samples that its mask lets through, 0 if there are none: [B, K], bool [B, K] -> [K].

    Masked before it is reduced: a mean taken first, or one mask for a loss of another shape, lets every head learn from everything.
    Raises ValueError for other shapes.
    """
    if losses.ndim != 2 or losses.shape != masks.shape:
        raise ValueError(f"losses {tuple(losses.shape)} and masks {tuple(masks.shape)} must both be [B, K]")
    masks = masks.float()  # [B, K]
    return (losses * masks).sum(dim=0) / masks.sum(dim=0).clamp(min=1.0)  # [K]


def policy_loss(logits: torch.Tensor, actions: torch.Tensor, advantages: torch.Tensor) -> torch.Tensor:
    """-log pi(a|s) * advantage; the advantage is a constant. [B, A], [B], [B] -> [B]. (Mnih et al. 2016, section 4.)"""
    log_probabilities = logits.log_softmax(dim=1)  # [B, A]
    chosen = log_probabilities.gather(1, actions[:, None])[:, 0]  # [B]
    return -chosen * advantages.detach()  # [B]


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """-sum_a pi(a|s) log pi(a|s), in nats: how undecided the policy is. [B, A] -> [B]."""
    log_probabilities = logits.log_softmax(dim=1)  # [B, A]
    return -(log_probabilities.exp() * log_probabilities).sum(dim=1)  # [B]


def value_loss(values: torch.Tensor, returns: torch.Tensor) -> torch.Tensor:
    """(R - V(s))^2, the return being a constant. [B], [B] -> [B]. Raises ValueError for other shapes: [B, 1] would become [B, B]."""
    if values.ndim != 1 or values.shape != returns.shape:
        raise ValueError(f"values {tuple(values.shape)} and returns {tuple(returns.shape)} must both be [B]")
    return (returns.detach() - values) ** 2  # [B]


def actor_critic_loss(network, rollout, entropy_weight: float, value_weight: float) -> torch.Tensor:
    """What an actor-learner descends on: policy loss - entropy_weight * entropy + value_weight * value loss: [T].

    rollout: a `returns.Rollout` of tensors.
    """
    logits, values = network(rollout.observations)  # [T, A], [T]
    loss = policy_loss(logits, rollout.actions, rollout.advantages)  # [T]
    return loss - entropy_weight * entropy(logits) + value_weight * value_loss(values, rollout.returns)  # [T]
