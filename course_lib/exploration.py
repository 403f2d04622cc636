"""Which action to try: epsilon-greedy choice and its schedule (Mnih et al. 2015, Methods), drawing from a policy, and what an ensemble of
heads does: one head followed through an episode, all heads voting (Osband et al. 2016, algorithm 1 and section 6). NumPy only."""

from __future__ import annotations

import numpy as np


def linear_epsilon(step: int, start: float, end: float, decay_steps: int, learning_starts: int = 0) -> float:
    """Epsilon at an agent step: `start` until learning starts, a straight line to `end` over `decay_steps`, then `end`.

    step, learning_starts: agent steps from the start of the run. Returns a float between `start` and `end`.
    """
    progress = min(max(step - learning_starts, 0) / decay_steps, 1.0)
    return start + progress * (end - start)


def epsilon_greedy(q_values: np.ndarray, epsilon: float, rng: np.random.Generator) -> np.ndarray:
    """An action for each row: random with probability epsilon, else the one of highest value.

    q_values: float [B, A]. Returns int64 [B].
    """
    batch, num_actions = q_values.shape
    random = rng.integers(num_actions, size=batch)  # [B]
    explores = rng.random(batch) < epsilon  # [B]
    return np.where(explores, random, q_values.argmax(axis=1))


def head_per_episode(heads: np.ndarray, starts: np.ndarray, num_heads: int, rng: np.random.Generator) -> np.ndarray:
    """The head that each game follows: a new one, drawn evenly, where an episode starts; else the same as before.

    heads: int [E], those followed until now; starts: bool [E]. Returns int64 [E].
    """
    return np.where(starts, rng.integers(num_heads, size=len(starts)), heads)


def draw_masks(num_games: int, num_heads: int, probability: float, rng: np.random.Generator) -> np.ndarray:
    """Which heads may learn from a transition, drawn once, when it is stored: bool [E, K], each true with `probability`.

    A single head learns from everything: with K = 1 all are true.
    """
    if num_heads == 1:
        return np.ones((num_games, 1), bool)
    return rng.random((num_games, num_heads)) < probability


def vote_shares(q_values: np.ndarray) -> np.ndarray:
    """The share of the heads that vote for each action, a head's vote being its action of highest value: [B, K, A] -> float32 [B, A].

    Where two actions have as many votes, the one whose Q-value, averaged over all heads, is higher comes out ahead, by a millionth; of equal
    averages the first.
    """
    num_heads, num_actions = q_values.shape[1:]
    votes = np.eye(num_actions)[q_values.argmax(axis=2)].sum(axis=1)  # [B, A]
    places = (-q_values.mean(axis=1)).argsort(axis=1, kind="stable").argsort(axis=1)  # [B, A], 0 for the highest mean
    return (votes / num_heads + 1e-6 * (num_actions - 1 - places)).astype(np.float32)  # [B, A], none below 0


def majority_vote(q_values: np.ndarray) -> np.ndarray:
    """The action that most heads vote for; ties as in `vote_shares`: [B, K, A] -> int64 [B]."""
    return vote_shares(q_values).argmax(axis=1)


def sample_actions(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An action for each row, drawn with its probabilities: float [B, A] -> int64 [B]."""
    edges = probabilities.cumsum(axis=1)  # [B, A]
    draws = rng.random((len(probabilities), 1)) * edges[:, -1:]  # [B, 1]; the last edge is 1 but for rounding
    return (edges <= draws).sum(axis=1)  # [B]
