"""What a value should have been: the targets that the lessons derive. NumPy only."""

from __future__ import annotations

import numpy as np


def td_targets(rewards: np.ndarray, terminated: np.ndarray, next_q_values: np.ndarray, discount: float) -> np.ndarray:
    """One-step targets of Q-learning: r + discount * max_a' Q_target(s', a'), and r alone where nothing follows.

    rewards: float32 [B]; terminated: bool [B], true after a lost life or the end of the game, false where a game was only cut off;
    next_q_values: float32 [B, A], from the target network. Returns float32 [B]. (Mnih et al. 2015, equation 2.)
    """
    rewards, terminated = np.asarray(rewards, np.float32), np.asarray(terminated, bool)
    if rewards.ndim != 1 or terminated.shape != rewards.shape or next_q_values.shape[:1] != rewards.shape:
        raise ValueError(f"shapes do not fit: {rewards.shape}, {terminated.shape}, {next_q_values.shape}")
    best = next_q_values.max(axis=1)  # [B]
    return (rewards + discount * ~terminated * best).astype(np.float32)  # [B]
