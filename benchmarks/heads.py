"""What heads cost: Bootstrapped DQN beside DQN with the same convolutions on Breakout's pixels.

    python benchmarks/heads.py

An update: a batch as the FAST presets have it, 10 heads of 128 units (the course's own) beside DQN's one layer of 512; 10 heads of 512, as in
the paper, for comparison. Acting: one observation, one head alone beside DQN; and, as in training, eight observations and all heads. Both
frameworks; one thread each, the presets' own precision.

Bars: an update with 10 heads takes at most 2 times as long as DQN's (a ratio of updates a second of 0.5); acting with one head is no slower (1.0).
Exit status 1 if one is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace

os.environ["OMP_NUM_THREADS"] = "1"

from common import arguments, compare, report, take_turns  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402, F401  (before TensorFlow)
import tensorflow as tf  # noqa: E402

from course_lib.config import BOOTSTRAPPED_FAST, FAST, DQNConfig, NetworkConfig  # noqa: E402
from course_lib.learners import FRAMEWORKS, make_learner  # noqa: E402
from course_lib.replay import Batch  # noqa: E402

SHAPE, ACTIONS = (84, 84, 4), 3


def make_batch(size: int, num_heads: int) -> Batch:
    """Random transitions."""
    rng = np.random.default_rng(0)
    observations, next_observations = rng.integers(0, 256, (2, size, *SHAPE), np.uint8)
    actions, rewards, terminated = rng.integers(ACTIONS, size=size), rng.normal(size=size).astype(np.float32), rng.random(size) < 0.1
    return Batch(observations, actions, rewards, next_observations, terminated, rng.random((size, num_heads)) < 0.5)


def updates(config: DQNConfig, framework: str) -> Callable[[], int]:
    learner, batch = make_learner(config, framework, SHAPE, ACTIONS), make_batch(config.batch_size, getattr(config, "num_heads", 0))

    def step() -> int:
        learner.update(batch)
        return 1

    return step


def acting(config: DQNConfig, framework: str, games: int) -> Callable[[], int]:
    learner, observations = make_learner(config, framework, SHAPE, ACTIONS), make_batch(games, 0).observations

    def step() -> int:
        learner.head_values(observations, 3) if games == 1 and hasattr(learner, "head_values") else learner.q_values(observations)
        return 1

    return step


def main() -> int:
    options = arguments(__doc__, seconds=2.0, rounds=5).parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    full = replace(BOOTSTRAPPED_FAST, network=NetworkConfig(dense=(512,)))
    rows = []
    for framework in FRAMEWORKS:
        contenders = {"dqn": updates(FAST, framework), "10 x 128": updates(BOOTSTRAPPED_FAST, framework), "10 x 512": updates(full, framework)}
        rates = take_turns(contenders, options.seconds, options.rounds)
        rows.append(compare(f"{framework}: an update, 10 heads of 128, beside DQN", rates, "10 x 128", "dqn", 0.5, "updates/s"))
        rows.append(compare(f"{framework}: an update, 10 heads of 512, beside DQN", rates, "10 x 512", "dqn", None, "updates/s"))
        for games, what, bar in ((1, "acting with one head, one game", 1.0), (8, "acting with all heads, eight games", None)):
            contenders = {"dqn": acting(FAST, framework, games), "heads": acting(BOOTSTRAPPED_FAST, framework, games)}
            rates = take_turns(contenders, options.seconds, options.rounds)
            rows.append(compare(f"{framework}: {what}, beside DQN", rates, "heads", "dqn", bar, "steps/s"))
    notes = f"Batches of {FAST.batch_size}, {FAST.precision}, {os.environ['OMP_NUM_THREADS']} thread of {os.cpu_count()} cores."
    return report("What heads cost (updates and actions a second; a ratio of 0.5 is twice as long)", rows, notes)


if __name__ == "__main__":
    sys.exit(main())
