"""A3C: actor-learners that play side by side and improve one global network (Mnih et al. 2016, algorithm S3).

`ActorLearner` is the algorithm, a thread with a game and a local network of its own, for both frameworks. `workers` starts many of them, as threads
or as processes; `a3c_training` makes a run of it.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from course_lib.config import A3CConfig
from course_lib.environments import make_game, num_actions, observation_shape
from course_lib.exploration import sample_actions
from course_lib.learners import ActorCritic, make_learner
from course_lib.logs import SCALARS
from course_lib.returns import Rollout, advantages, entropy, n_step_returns


@dataclass
class Shared:
    """What all actor-learners share."""

    learner: ActorCritic  # the global network and its optimiser
    lock: Any  # whoever reads or changes the global network, or changes the count, holds it
    steps: Any  # .value: agent steps of all workers
    reports: Any  # a queue to the main thread: a row for each game that is over, or a Failure
    stop: Any  # .value: true when they are to finish their rollout and end; no Event, whose own lock a killed process may take along


class Failure(NamedTuple):
    """A worker's last report, if it breaks."""

    worker: int
    reason: str


class ActorLearner(threading.Thread):
    """Plays its own game with its own copy of the network, and sends what it learns to the global one."""

    def __init__(self, worker: int, config: A3CConfig, framework: str, shared: Shared, seed: int, device: str = "cpu"):
        super().__init__(name=f"actor-learner {worker}", daemon=True)
        self.worker, self.config, self.shared = worker, config, shared
        self.rng = np.random.default_rng(seed)
        self.env = make_game(config)
        self.local = make_learner(config, framework, observation_shape(config), num_actions(config), device=device)
        self.loss, self.over = 0.0, True

    def run(self) -> None:
        with reporting_failure(self.worker, self.shared):
            while not self.shared.stop.value and self.shared.steps.value < self.config.total_steps:
                self.learn()
            self.env.close()

    def learn(self) -> None:
        """Seven steps: copy, act, collect, look back, differentiate, update, count."""
        shared, discount = self.shared, self.config.discount
        with shared.lock:  # 1. copy the global weights into the local network
            self.local.copy_from(shared.learner)
        observations, actions, rewards, terminated, values = self.play()  # 2. act with it, 3. collect up to t_max steps
        last_value = self.local.policy_and_value(self.observation[None])[1][0]  # V of what the last step led to
        returns = n_step_returns(rewards, terminated, last_value, discount)  # 4. look back: what came of each step
        rollout = Rollout(observations, actions, returns, advantages(returns, values))
        gradients, self.loss = self.local.gradients(rollout)  # 5. differentiate on the local network
        with shared.lock:
            shared.learner.apply_gradients(gradients, learning_rate(self.config, shared.steps.value))  # 6. update the global one
            shared.steps.value += len(actions)  # 7. count

    def play(self) -> tuple[np.ndarray, ...]:
        """Up to `rollout_steps` steps, fewer where the game ends: observations [T, H, W, C], actions, rewards, terminated, values, each [T]."""
        if self.over:
            self.observation, _ = self.env.reset(seed=int(self.rng.integers(2**31)))
            self.episode, self.over = np.zeros(len(SCALARS["a3c"])), False  # sums, in the order of SCALARS
        steps = []
        while len(steps) < self.config.rollout_steps and not self.over:
            probabilities, value = self.local.policy_and_value(self.observation[None])  # [1, A], [1]
            action = sample_actions(probabilities, self.rng)[0]
            observation, reward, terminated, truncated, info = self.env.step(action)
            life_lost = terminated or info.get("life_lost", False)  # the end, for learning; the score runs on
            steps.append((self.observation, action, np.clip(reward, -1.0, 1.0), life_lost, value[0]))
            self.observation, self.over = observation, terminated or truncated
            self.episode += [reward, 1, probabilities.max(), entropy(probabilities)[0], self.loss]
        if self.over:
            self.shared.reports.put(np.append(self.episode[:2], self.episode[2:] / self.episode[1]))
        observations, actions, rewards, terminated, values = map(np.array, zip(*steps))
        return observations, actions, rewards.astype(np.float32), terminated, values


def learning_rate(config: A3CConfig, step: int) -> float:
    """The step size at an agent step: a straight line, then constant."""
    progress = min(step / config.learning_rate_decay_steps, 1.0)
    return config.learning_rate + progress * (config.learning_rate_end - config.learning_rate)


@contextmanager
def reporting_failure(worker: int, shared: Shared) -> Iterator[None]:
    """Tell the main thread whatever goes wrong inside."""
    try:
        yield
    except BaseException:  # noqa: B036  (the thread ends with it, and the run with the thread)
        shared.reports.put(Failure(worker, traceback.format_exc()))
