"""What a value should have been: the targets that the lessons derive. NumPy only."""

from __future__ import annotations

from typing import NamedTuple

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


class Rollout(NamedTuple):
    """What an actor-learner learns from: T consecutive agent steps of one game."""

    observations: np.ndarray  # uint8 [T, H, W, C]
    actions: np.ndarray  # int64 [T]
    returns: np.ndarray  # float32 [T], from `n_step_returns`
    advantages: np.ndarray  # float32 [T], from `advantages`


def n_step_returns(rewards: np.ndarray, terminated: np.ndarray, last_value: float, discount: float) -> np.ndarray:
    """R_t = r_t + discount r_t+1 + ... + discount^k V(s_t+k): every step of a rollout looks as far ahead as the rollout goes.

    rewards: float32 [T], clipped; terminated: bool [T], true after a lost life or the end of the game: nothing flows back across it;
    last_value: V of the observation *after* the last step (not of the last one acted on). Returns float32 [T].
    Raises ValueError if shapes do not fit. (Mnih et al. 2016, algorithm S3.)
    """
    rewards, terminated = np.asarray(rewards, np.float32), np.asarray(terminated, bool)
    if rewards.ndim != 1 or terminated.shape != rewards.shape or np.ndim(last_value) != 0:
        raise ValueError(f"shapes do not fit: {rewards.shape}, {terminated.shape}, {np.shape(last_value)}")
    returns, following = np.empty_like(rewards), last_value
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * (0.0 if terminated[t] else following)
        returns[t] = following
    return returns  # [T]


def advantages(returns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How much better it went than the value foretold: R_t - V(s_t), float32 [T] and [T] -> [T]. Raises ValueError for other shapes."""
    returns, values = np.asarray(returns, np.float32), np.asarray(values, np.float32)
    if returns.ndim != 1 or values.shape != returns.shape:
        raise ValueError(f"shapes do not fit: {returns.shape}, {values.shape}; both must be [T]")
    return returns - values  # [T]


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """-sum_a p_a log p_a in nats, 0 log 0 being 0: float [B, A] -> float32 [B]. At most log A, for the uniform policy; 0 for a certain one."""
    probabilities = np.asarray(probabilities, np.float32)
    if probabilities.ndim != 2:
        raise ValueError(f"probabilities must be [B, A], not {probabilities.shape}")
    logarithms = np.log(probabilities, where=probabilities > 0, out=np.zeros_like(probabilities))  # [B, A]
    return -(probabilities * logarithms).sum(axis=1)  # [B]
