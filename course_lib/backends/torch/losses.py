"""The loss of DQN in PyTorch (Huber 1964; Mnih et al. 2015, Methods). Twin: backends/keras/losses.py."""

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
