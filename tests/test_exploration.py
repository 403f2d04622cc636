"""Epsilon falls in a straight line, and is the share of random actions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.exploration import epsilon_greedy, linear_epsilon


@pytest.mark.parametrize("step, epsilon", [(0, 1.0), (250, 0.775), (500, 0.55), (999, 0.1009), (1_000, 0.1), (1_000_000, 0.1)])
def test_epsilon_by_hand(step, epsilon):
    assert linear_epsilon(step, 1.0, 0.1, 1_000) == pytest.approx(epsilon)


def test_the_line_begins_to_fall_where_learning_starts():
    assert [linear_epsilon(step, 1.0, 0.0, 100, learning_starts=50) for step in (0, 50, 100, 150, 200)] == [1.0, 1.0, 0.5, 0.0, 0.0]


@given(st.integers(0, 10**8), st.integers(1, 10**7), st.floats(0, 1), st.floats(0, 1))
def test_epsilon_stays_between_its_ends(step, decay_steps, start, end):
    assert min(start, end) - 1e-12 <= linear_epsilon(step, start, end, decay_steps) <= max(start, end) + 1e-12


def test_greedy_takes_the_highest_value_of_each_row():
    q_values = np.array([[0, 2, 1], [3, -1, 2], [-3, -2, -1], [1, 1, 0]], np.float32)
    actions = epsilon_greedy(q_values, 0.0, np.random.default_rng(0))
    assert actions.tolist() == [1, 0, 2, 0] and actions.dtype == np.int64


def test_epsilon_is_the_share_of_random_actions():
    q_values = np.tile(np.array([0, 1, 0, 0], np.float32), (100_000, 1))
    counts = np.bincount(epsilon_greedy(q_values, 0.2, np.random.default_rng(0)), minlength=4)
    assert counts / 100_000 == pytest.approx([0.05, 0.85, 0.05, 0.05], abs=0.003)  # a random action may be the best one


def test_full_exploration_ignores_the_values():
    counts = np.bincount(epsilon_greedy(np.eye(3)[np.zeros(90_000, int)], 1.0, np.random.default_rng(0)))
    assert counts / 30_000 == pytest.approx([1, 1, 1], abs=0.02)


def test_rows_explore_on_their_own_and_seeds_repeat():
    q_values = np.zeros((1_000, 3), np.float32)
    first, again, other = (epsilon_greedy(q_values, 0.5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any() and len(set(first.tolist())) == 3
