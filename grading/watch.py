"""Hidden tests of lesson 08, watch them learn."""

from __future__ import annotations

import warnings

import numpy as np

from course_lib.grading.probing import probe

# --- 08.1: what an interval says ------------------------------------------------------------------------------------------------------


@probe("08.1", "which of the eight statements are true")
def statements(answer, rng):
    return isinstance(answer, dict), sorted(answer), [answer[letter] for letter in "abcdefgh"]


# --- 08.2: interquartile mean ---------------------------------------------------------------------------------------------------------


def means(answer, arrays):
    """What the answer gives for each array, and whether all the arrays are still as they were."""
    before = [scores.copy() for scores in arrays]
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # the mean of nothing warns
        results = [answer(scores) for scores in arrays]
    return results, [np.array_equal(*pair) for pair in zip(arrays, before, strict=True)]


@probe("08.2", "games in any order, a whole number of quarters or not")
def any_order(answer, rng):
    return means(answer, [rng.gamma(2, 20, number) for number in (4, 6, 9, 11, 12, 16, 21, 30, 47, 100)])


@probe("08.2", "games of which many score the same")
def equal_scores(answer, rng):
    return means(answer, [rng.integers(0, 4, number).astype(float) for number in (8, 10, 13, 15, 19, 24, 30)])


@probe("08.2", "a few lucky games")
def lucky_games(answer, rng):
    arrays = [rng.gamma(2, 20, number) for number in (12, 15, 30)]
    for scores in arrays:
        scores[rng.integers(len(scores))] = 5_000
    return means(answer, arrays)


@probe("08.2", "two or three games")
def few_games(answer, rng):
    return means(answer, [rng.gamma(2, 20, number) for number in (2, 3, 3)])


@probe("08.2", "a single game", extra=True)
def single_game(answer, rng):
    return means(answer, [rng.gamma(2, 20, 1), np.zeros(1)])


@probe("08.2", "scores below zero", extra=True)
def below_zero(answer, rng):
    return means(answer, [rng.normal(-10, 8, number) for number in (8, 21, 30)] + [-rng.gamma(2, 20, 14)])


@probe("08.2", "every second score of a longer array", extra=True)
def every_second(answer, rng):
    return means(answer, [rng.gamma(2, 20, 39)[::2], rng.gamma(2, 20, (30, 3))[:, 1]])


# --- 08.3: saliency by occlusion ------------------------------------------------------------------------------------------------------


class Agent:
    """Its scores are weighted sums of pixels, or their distances from a bias. It takes uint8 batches only and counts them.

    Weights and biases are whole numbers, small enough for the scores to be exact in float32: the order of the sums does not matter.
    """

    def __init__(self, weights, biases=None):
        self.weights, self.biases, self.batches = weights, biases, 0  # [H, W, C, A], [A]

    def __call__(self, observations):
        if observations.dtype != np.uint8 or observations.ndim != 4 or observations.shape[1:] != self.weights.shape[:3]:
            raise ValueError("scores_of takes a batch, uint8 [B, H, W, C]")
        self.batches += 1
        scores = np.tensordot(observations.astype(np.float64), self.weights, 3)  # [B, A]
        return (scores if self.biases is None else np.abs(scores - self.biases)).astype(np.float32)


def random_observation(rng, *shape):
    return rng.integers(1, 256, shape).astype(np.uint8)


def random_agent(rng, *shape, biases=None):
    return Agent(rng.integers(-9, 10, shape).astype(float), biases)


def mapped(answer, agent, observation, size, stride):
    """The map, whether it is one of numbers, whether the observation is as it was, and whether the agent was asked in large batches."""
    given = observation.copy(order="K")
    found = answer(agent, given, size, stride)
    return found, found.dtype.kind in "fiu", np.array_equal(given, observation), agent.batches <= 3


@probe("08.3", "an agent that looks at one pixel only")
def one_pixel(answer, rng):
    results = []
    for size, stride in ((2, 2), (2, 1), (3, 2), (1, 1), (2, 3)):
        weights = np.zeros((5, 8, 3, 2))
        weights[rng.integers(5), rng.integers(8)] = [[1, -2], [3, -4], [2, -1]]  # [frame, action]
        results.append(mapped(answer, Agent(weights), np.full((5, 8, 3), 2, np.uint8), size, stride))
    return results


@probe("08.3", "random observations, squares of several sizes and strides")
def several_sizes(answer, rng):
    results = []
    for size, stride in ((3, 2), (2, 3), (4, 1), (2, 2), (5, 4)):
        height, width = rng.permutation(np.arange(8, 14))[:2]
        agent, observation = random_agent(rng, height, width, 4, 3), random_observation(rng, height, width, 4)
        results.append(mapped(answer, agent, observation, size, stride))
    return results


@probe("08.3", "an agent whose scores are not plain sums of pixels", extra=True)
def bent_scores(answer, rng):
    agent = random_agent(rng, 9, 7, 4, 3, biases=rng.integers(-900, 900, 3))
    observation = random_observation(rng, 9, 7, 4)
    return mapped(answer, agent, observation, 3, 2), mapped(answer, agent, observation, 2, 1)[0]


@probe("08.3", "one square that covers the whole screen", extra=True)
def whole_screen(answer, rng):
    return mapped(answer, random_agent(rng, 6, 6, 4, 3), random_observation(rng, 6, 6, 4), 6, 2)


@probe("08.3", "other numbers of frames and actions", extra=True)
def other_numbers(answer, rng):
    shapes = ((7, 9, 1, 4), (8, 6, 6, 1), (6, 7, 2, 18))
    return [mapped(answer, random_agent(rng, *shape), random_observation(rng, *shape[:3]), 3, 2) for shape in shapes]


@probe("08.3", "an observation whose frames lie one after the other in memory", extra=True)
def frames_in_memory(answer, rng):
    observation = np.moveaxis(random_observation(rng, 4, 8, 10), 0, -1)  # as a frame history hands it out: a view [8, 10, 4]
    return mapped(answer, random_agent(rng, 8, 10, 4, 3), observation, 3, 2)
