"""How many agent steps a second does A3C make on Breakout: as threads, as processes, and beside Stable-Baselines3's A2C?

  python benchmarks/a3c_speed.py

All play Breakout with the same small network (16 filters 8 x 8, 32 filters 4 x 4, 256 units) and learn from 20 samples an update with the same
optimiser, on one machine, taking turns in one run. The course's actor-learners (8 here, in threads and in processes) take 20 steps of one
game; Stable-Baselines3's A2C takes 5 steps of 4 games, once with its games in its own process (its default) and once in processes of
their own; the bar is set beside the faster of the two. A contender whose turn it is not waits: actor-learners for the global network's
lock, which the benchmark holds.

Bars: processes at least 1.3 times Stable-Baselines3, and at least 1.8 times our own threads. Exit status 1 if one is missed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from common import alternate, arguments, compare, report

import numpy as np
import torch

from course_lib import quiet, workers
from course_lib.config import A3C_FAST, A3CConfig
from course_lib.learners import make_learner

with quiet():  # Stable-Baselines3 loads TensorFlow, which greets
    from stable_baselines3 import A2C
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecFrameStack

WARM_UP_SECONDS = 1.0  # at the start of a turn: rollouts that waited are counted first
SETTLE_SECONDS = 0.5  # at its end: rollouts under way come to the lock
OPTIMIZERS = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}


class ActorLearners:
    """The course's actor-learners, at work only while it is their turn."""

    def __init__(self, config: A3CConfig):
        learner = make_learner(config, "torch", (84, 84, 4), 3, device="cpu")
        self.shared, self.workers = workers.start_workers(config, "torch", learner, 0, list(range(config.num_workers)), "cpu")
        while self.shared.steps.value < 50 * config.num_workers:  # until all are there
            time.sleep(0.1)
        self.shared.lock.acquire()

    def rate(self, seconds: float) -> float:
        self.shared.lock.release()
        time.sleep(WARM_UP_SECONDS)
        began, before = time.perf_counter(), self.shared.steps.value
        time.sleep(seconds)
        passed, made = time.perf_counter() - began, self.shared.steps.value - before
        self.shared.lock.acquire()
        time.sleep(SETTLE_SECONDS)
        return made / passed

    def stop(self) -> None:
        self.shared.lock.release()
        workers.stop_workers(self.shared, self.workers)


class SmallNetwork(BaseFeaturesExtractor):
    """A3C's network below its heads, for Stable-Baselines3 (which scales the pixels itself)."""

    def __init__(self, observation_space, config: A3CConfig):
        (filters, kernel, stride), (filters2, kernel2, stride2) = config.network.conv
        super().__init__(observation_space, config.network.dense[0])
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(observation_space.shape[0], filters, kernel, stride),
            torch.nn.ReLU(),
            torch.nn.Conv2d(filters, filters2, kernel2, stride2),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.LazyLinear(config.network.dense[0]),
            torch.nn.ReLU(),
        )
        self.layers(torch.zeros(1, *observation_space.shape))  # settles the lazy layer's shape

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return self.layers(observations)


def stable_baselines3(config: A3CConfig, vector: type) -> Callable[[float], float]:
    """Stable-Baselines3's A2C with the same network, optimiser and samples an update."""
    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", 4, seed=0, vec_env_cls=vector), config.history)
    model = A2C(
        "CnnPolicy",
        env,
        n_steps=config.rollout_steps // 4,
        learning_rate=config.learning_rate,
        ent_coef=config.entropy_weight,
        vf_coef=config.value_weight,
        max_grad_norm=config.max_gradient_norm,
        policy_kwargs=dict(
            features_extractor_class=SmallNetwork,
            features_extractor_kwargs=dict(config=config),
            optimizer_class=OPTIMIZERS[config.optimizer],
            optimizer_kwargs=dict(eps=config.optimizer_epsilon),
        ),
        device="cpu",
    )
    model.learn(100)

    def rate(seconds: float) -> float:
        began, before = time.perf_counter(), model.num_timesteps
        while time.perf_counter() - began < seconds:
            model.learn(200, reset_num_timesteps=False)
        return (model.num_timesteps - before) / (time.perf_counter() - began)

    return rate


def main() -> int:
    parser = arguments(__doc__, seconds=8.0, rounds=5)
    parser.add_argument("--workers", type=int, default=8, help="actor-learners, as threads and as processes (default: %(default)s)")
    options = parser.parse_args()
    config = replace(A3C_FAST, num_workers=options.workers)
    torch.set_num_threads(1)  # as in training: the workers fill the cores; more threads only slow networks this small down

    threads = ActorLearners(replace(config, workers_as="threads"))
    processes = ActorLearners(replace(config, workers_as="processes"))
    peers = {"A2C": stable_baselines3(config, DummyVecEnv), "A2C, games in processes": stable_baselines3(config, SubprocVecEnv)}
    rates = alternate({"threads": threads.rate, "processes": processes.rate} | peers, options.seconds, options.rounds)
    threads.stop()
    processes.stop()

    best_peer = max(peers, key=lambda name: np.median(rates[name]))
    rows = [
        compare(f"Processes, beside Stable-Baselines3's {best_peer}", rates, "processes", best_peer, 1.3),
        compare("Processes, beside threads", rates, "processes", "threads", 1.8),
        compare(f"Threads, beside Stable-Baselines3's {best_peer}", rates, "threads", best_peer),
    ]
    rows += [compare(f"Processes, beside Stable-Baselines3's {name}", rates, "processes", name) for name in peers if name != best_peer]
    title = f"A3C on Breakout, agent steps a second: {config.num_workers} actor-learners, 20 samples an update"
    return report(title, rows, f"One torch thread for each network, on {os.cpu_count()} cores.")


if __name__ == "__main__":
    sys.exit(main())
