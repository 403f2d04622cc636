"""Targets, returns, advantages and entropies: by hand, and against their formulas written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.returns import advantages, entropy, n_step_returns, td_targets


def test_targets_by_hand():
    targets = td_targets([1, 0, 1, -1], [False, False, True, True], np.array([[0, 2], [3, -1], [5, 9], [7, 7]], np.float32), 0.5)
    assert targets.tolist() == [2.0, 1.5, 1.0, -1.0] and targets.dtype == np.float32


@given(st.data(), st.integers(1, 8), st.integers(1, 5), st.floats(0, 1, width=32))
def test_targets_row_by_row(data, batch, num_actions, discount):
    values = st.floats(-100, 100, width=32)
    rewards = data.draw(hnp.arrays(np.float32, batch, elements=values))
    terminated = data.draw(hnp.arrays(bool, batch))
    next_q_values = data.draw(hnp.arrays(np.float32, (batch, num_actions), elements=values))
    expected = [float(r) if over else float(r) + discount * max(map(float, q)) for r, over, q in zip(rewards, terminated, next_q_values)]
    np.testing.assert_allclose(td_targets(rewards, terminated, next_q_values, discount), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("shapes", [((4, 1), (4,), (4, 3)), ((4,), (4, 1), (4, 3)), ((4,), (4,), (3, 3)), ((4,), (1,), (4, 3))])
def test_shapes_that_would_broadcast_are_refused(shapes):
    rewards, terminated, next_q_values = map(np.zeros, shapes)
    with pytest.raises(ValueError, match="shapes do not fit"):
        td_targets(rewards, terminated, next_q_values, 0.99)


def test_a_cut_off_game_still_bootstraps():
    """Truncation is no termination: what would have followed counts."""
    assert td_targets([0.0], [False], np.array([[10.0, 20.0]]), 0.99) == pytest.approx([19.8])


N, Y = False, True


@pytest.mark.parametrize(
    "rewards, terminated, last_value, expected",
    [
        ([1], [N], 10, [6]),  # r + discount * V
        ([1], [Y], 10, [1]),
        ([1, 0, 2], [N, N, N], 8, [1 + 0 + 0.5 + 1, 0 + 1 + 2, 2 + 4]),  # the last value comes in three times, discounted once, twice, thrice
        ([1, 0, 2], [N, N, Y], 8, [1 + 0 + 0.5, 0 + 1, 2]),  # the end: nothing comes after it
        ([1, 0, 2], [N, Y, N], 8, [1, 0, 2 + 4]),  # a lost life: what comes later is another story
        ([1, 0, 2], [Y, N, N], 8, [1, 0 + 1 + 2, 2 + 4]),
        ([-1, -1, 1, 1], [Y, Y, N, Y], -100, [-1, -1, 1.5, 1]),
        ([0, 0, 0], [N, N, N], -8, [-1, -2, -4]),
        ([], [], 5, []),
    ],
)
def test_returns_by_hand(rewards, terminated, last_value, expected):
    returns = n_step_returns(np.array(rewards, np.float32), np.array(terminated, bool), last_value, 0.5)
    assert returns.tolist() == expected and returns.dtype == np.float32


@st.composite
def rollouts(draw):
    """(rewards [T], terminated [T], last value, discount)"""
    size, values = draw(st.integers(0, 12)), st.floats(-100, 100, width=32)
    rewards = draw(hnp.arrays(np.float32, size, elements=st.floats(-1, 1, width=32)))
    return rewards, draw(hnp.arrays(bool, size)), draw(values), draw(st.floats(0, 1, width=32))


@given(rollouts())
def test_returns_are_the_double_sum(rollout):
    """R_t = sum_i discount^i r_t+i up to the first end, and discount^k V where none comes."""
    rewards, terminated, last_value, discount = rollout
    expected = []
    for t in range(len(rewards)):
        total, k = 0.0, len(rewards) - t
        for i in range(k):
            total += discount**i * float(rewards[t + i])
            if terminated[t + i]:
                break
        else:
            total += discount**k * last_value
        expected.append(total)
    np.testing.assert_allclose(n_step_returns(rewards, terminated, last_value, discount), expected, rtol=1e-5, atol=1e-4)


@given(rollouts(), st.floats(-1e6, 1e6))
def test_after_the_end_the_last_value_does_not_matter(rollout, other_value):
    rewards, terminated, last_value, discount = rollout
    if len(terminated):
        terminated[-1] = True
    one, other = (n_step_returns(rewards, terminated, value, discount) for value in (last_value, other_value))
    assert (one == other).all()


@given(rollouts())
def test_returns_leave_their_arguments_alone(rollout):
    rewards, terminated, last_value, discount = rollout
    copies = rewards.copy(), terminated.copy()
    returns = n_step_returns(rewards, terminated, last_value, discount)
    assert (rewards == copies[0]).all() and (terminated == copies[1]).all() and not np.shares_memory(returns, rewards)


def test_a_rollout_of_one_step_is_the_one_step_target():
    for terminated in ([False], [True]):
        expected = td_targets([0.5], terminated, np.array([[3.0]]), 0.99)
        np.testing.assert_allclose(n_step_returns([0.5], terminated, np.float32(3), 0.99), expected, rtol=1e-6)


def test_a_long_rollout_forgets_the_last_value_slowly():
    """0.99^20 = 0.818: over a rollout of the book's length most of what the value says comes through."""
    returns = n_step_returns(np.zeros(20), np.zeros(20, bool), 1.0, 0.99)
    np.testing.assert_allclose(returns[[0, -1]], [0.99**20, 0.99], rtol=1e-6)


@pytest.mark.parametrize("shapes", [((4, 1), (4,), ()), ((4,), (4, 1), ()), ((4,), (1,), ()), ((4,), (3,), ()), ((4,), (4,), (1,)), ((4,), (4,), (4,)), ((), (), ())])
def test_shapes_of_rollouts_are_refused(shapes):
    rewards, terminated, last_value = map(np.zeros, shapes)
    with pytest.raises(ValueError, match="shapes do not fit"):
        n_step_returns(rewards, terminated, last_value, 0.99)


def test_advantages_by_hand():
    result = advantages(np.array([1, 0, -1, 2], np.float32), np.array([0.5, 0, 1, 2], np.float32))
    assert result.tolist() == [0.5, 0, -2, 0] and result.dtype == np.float32


@given(hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(0, 9)), elements=st.floats(-100, 100, width=32)))
def test_advantages_and_values_make_returns(numbers):
    returns, values = numbers
    np.testing.assert_allclose(advantages(returns, values) + values, returns, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 1), (4, 1)), ((4,), (1,)), ((4,), ()), ((), ()), ((4,), (3,))])
def test_values_in_a_column_are_refused(shapes):
    """[T] - [T, 1] would be [T, T]."""
    with pytest.raises(ValueError, match=r"both must be \[T\]"):
        advantages(*map(np.zeros, shapes))


def test_entropy_by_hand():
    """In nats."""
    result = entropy(np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]]))
    np.testing.assert_allclose(result, [1.5 * np.log(2), 0, np.log(2), np.log(3)], rtol=1e-6)
    assert result.dtype == np.float32


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.floats(0, 1, width=32)))
def test_entropy_lies_between_none_and_that_of_the_uniform_policy(numbers):
    numbers[:, 0] += 0.01
    p = numbers / numbers.sum(axis=1, keepdims=True)
    expected = [-sum(float(q) * np.log(float(q)) for q in row if q > 0) for row in p]
    np.testing.assert_allclose(entropy(p), expected, rtol=1e-4, atol=1e-5)
    assert (entropy(p) >= -1e-6).all() and (entropy(p) <= np.log(p.shape[1]) + 1e-5).all()


def test_certain_policies_have_entropy_0_without_a_warning(recwarn):
    assert entropy(np.eye(3)).tolist() == [0, 0, 0]
    assert not recwarn.list


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 1)])
def test_probabilities_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be \[B, A\]"):
        entropy(np.full(shape, 0.5))
