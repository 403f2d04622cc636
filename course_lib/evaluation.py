"""How good is an agent? Whole games, and honest statistics of their scores (Agarwal et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from scipy import stats

from course_lib.config import Config
from course_lib.environments import make_vector
from course_lib.exploration import epsilon_greedy, sample_actions
from course_lib.learners import ActorCritic, Head, Learner, Vote, action_scores, as_played

Policy = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""observations uint8 [E, H, W, C], generator -> actions int [E]."""


def greedy_policy(learner: Learner, epsilon: float) -> Policy:
    """The action of highest value (or highest probability; an ensemble's: the one that wins the vote), or with probability epsilon any."""
    learner = as_played(learner)
    return lambda observations, rng: epsilon_greedy(action_scores(learner, observations), epsilon, rng)


def sampled_policy(learner: ActorCritic) -> Policy:
    """An action drawn with the policy's own probabilities."""
    return lambda observations, rng: sample_actions(action_scores(learner, observations), rng)


def policy_in_words(learner: Learner, epsilon: float, sampled: bool) -> str:
    """How a learner's actions are chosen: "greedy, epsilon 0.01", "vote, epsilon 0.01", "head 3, epsilon 0.01", "sampled"."""
    if sampled:
        return "sampled"
    learner = as_played(learner)
    who = f"head {learner.head}" if isinstance(learner, Head) else "vote" if isinstance(learner, Vote) else "greedy"
    return f"{who}, epsilon {epsilon}"


@dataclass(frozen=True)
class Scores:
    """Raw scores of whole games, one for each seed."""

    scores: np.ndarray  # float [N]
    lengths: np.ndarray  # int [N], agent steps
    seeds: np.ndarray  # int [N]

    @property
    def mean(self) -> float:
        return float(self.scores.mean())

    @property
    def median(self) -> float:
        return float(np.median(self.scores))

    @property
    def iqm(self) -> float:
        """Interquartile mean: the mean of the middle half."""
        return float(stats.trim_mean(self.scores, 0.25))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the mean (percentile method, 10,000 resamples, seeded)."""
        if np.ptp(self.scores) == 0:
            return self.mean, self.mean
        result = stats.bootstrap((self.scores,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0))
        return float(result.confidence_interval.low), float(result.confidence_interval.high)

    def summary(self) -> dict:
        """Everything as plain numbers, for json."""
        low, high = self.interval
        summary = {"mean": self.mean, "median": self.median, "iqm": self.iqm, "interval_95": [low, high]}
        summary = {name: np.round(value, 2).tolist() for name, value in summary.items()}
        return summary | {"scores": self.scores.tolist(), "lengths": self.lengths.tolist(), "seeds": self.seeds.tolist()}


def evaluate(policy: Policy, config: Config, episodes: int, seed: int = 0, on_game_over: Callable[[int], None] | None = None) -> Scores:
    """Play `episodes` games side by side, one in each environment, seeds `seed`, `seed + 1`, ... Every game counts, long or short.

    on_game_over: called with the number of games that just ended (for a progress bar). The same policy, seed and number of
    games give the same scores; one generator serves all games, so a game's moves depend on those beside it.
    """
    env = make_vector(config, episodes)
    rng = np.random.default_rng(seed)
    scores, lengths = np.zeros(episodes), np.zeros(episodes, int)
    playing = np.ones(episodes, bool)
    observations, _ = env.reset(seed=seed)
    with closing(env):
        while playing.any():
            actions = np.zeros(episodes, int)
            actions[playing] = policy(observations[playing], rng)
            observations, rewards, terminated, truncated, _ = env.step(actions)
            scores[playing] += rewards[playing]
            lengths[playing] += 1
            over = playing & (terminated | truncated)
            playing &= ~over
            if on_game_over and over.any():
                on_game_over(int(over.sum()))
    return Scores(scores, lengths, seed + np.arange(episodes))
