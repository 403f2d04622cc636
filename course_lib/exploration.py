"""Which action to try: the schedule of epsilon, epsilon-greedy choice (Mnih et al. 2015, Methods), and drawing from a policy. NumPy only."""

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


def sample_actions(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An action for each row, drawn with its probabilities: float [B, A] -> int64 [B]."""
    edges = probabilities.cumsum(axis=1)  # [B, A]
    draws = rng.random((len(probabilities), 1)) * edges[:, -1:]  # [B, 1]; the last edge is 1 but for rounding
    return (edges <= draws).sum(axis=1)  # [B]
