"""Catch: its rules, and several side by side speaking as Breakout does."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from course_lib.toy import Catch, VectorToy, make_toy


def play(env, choose):
    """One game: its observations and rewards."""
    observation, _ = env.reset()
    observations, rewards, terminated = [observation], [], False
    while not terminated:
        observation, reward, terminated, truncated, _ = env.step(choose(observation))
        assert not truncated
        observations.append(observation)
        rewards.append(reward)
    return observations, rewards


def towards_the_ball(observation):
    rows, columns, _ = np.nonzero(observation[:-1])
    paddle = np.flatnonzero(observation[-1])[0]
    return 1 + int(np.sign(columns[0] - paddle)) if len(columns) else 1


@pytest.mark.parametrize("game", ["catch", "chain-3", "chain-50", "deep_sea-10", "deep_sea-14-2"])
def test_a_toy_passes_gymnasiums_checks(game):
    check_env(make_toy(game), skip_render_check=True)


def test_a_ball_falls_for_nine_steps():
    env = Catch()
    env.reset(seed=0)
    columns = set()
    for _ in range(30):
        observations, rewards = play(env, towards_the_ball)
        assert rewards == [0.0] * 8 + [1.0]  # from the middle every column is within reach
        for row, observation in enumerate(observations[:-1]):
            assert observation.shape == (10, 5, 1) and observation.dtype == np.uint8
            assert np.count_nonzero(observation[row]) == 1 and np.count_nonzero(observation) == 2
            assert set(np.unique(observation)) == {0, 255}
        assert np.count_nonzero(observations[-1]) == 1  # ball and paddle are one
        columns.add(int(np.flatnonzero(observations[0][0])[0]))
    assert columns == set(range(5))


def test_a_missed_ball_costs_one():
    env = Catch()
    env.reset(seed=0)
    outcomes = {}
    for _ in range(30):
        observations, rewards = play(env, lambda observation: 0)
        outcomes.setdefault(int(np.flatnonzero(observations[0][0])[0]), set()).add(sum(rewards))
    assert outcomes == {0: {1.0}, 1: {-1.0}, 2: {-1.0}, 3: {-1.0}, 4: {-1.0}}


def test_the_vector_plays_the_same_games():
    rng = np.random.default_rng(0)
    singles, vector = [Catch() for _ in range(3)], VectorToy("catch", 3)
    observations, info = vector.reset(seed=4)
    assert (vector.num_actions, vector.observation_shape) == (3, (10, 5, 1)) and info["reset"].all()
    for i, single in enumerate(singles):
        np.testing.assert_array_equal(single.reset(seed=4 + i)[0], observations[i])
    over, seen = np.zeros(3, bool), [(observations, observations.copy())]
    for _ in range(40):
        actions = rng.integers(3, size=3)
        vector.send(actions)
        observations, rewards, terminated, truncated, info = vector.recv()
        assert rewards.dtype == np.float32 and not truncated.any() and not info["life_lost"].any()
        np.testing.assert_array_equal(info["reset"], over)
        np.testing.assert_array_equal(info["actions"], actions)
        for i, single in enumerate(singles):
            if over[i]:
                expected = (single.reset()[0], 0.0, False)
            else:
                expected = single.step(actions[i])[:3]
            np.testing.assert_array_equal(observations[i], expected[0])
            assert (rewards[i], terminated[i]) == expected[1:]
        over = terminated | truncated
        seen.append((observations, observations.copy()))
    assert all((array == copy).all() for array, copy in seen)  # never changed afterwards
