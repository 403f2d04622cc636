"""Epsilon falls in a straight line, and is the share of random actions; a policy's actions come as often as it says; heads take turns, learn
from what they drew, and vote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import chisquare

from course_lib.exploration import draw_masks, epsilon_greedy, head_per_episode, linear_epsilon, majority_vote, sample_actions, vote_shares


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


class Draws:
    """Stands in for a generator whose every draw is this number."""

    def __init__(self, number: float):
        self.number = number

    def random(self, size):
        return np.full(size, self.number)


LOWEST, HIGHEST = 0.0, 1 - 2**-53  # what Generator.random can return at its ends


@pytest.mark.parametrize("draw, actions", [(LOWEST, [0, 1, 2]), (0.3, [1, 1, 2]), (0.6, [2, 1, 2]), (HIGHEST, [2, 1, 2])])
def test_a_draw_falls_into_an_actions_share(draw, actions):
    probabilities = np.array([[0.25, 0.25, 0.5], [0, 1, 0], [0, 0, 1]], np.float32)
    result = sample_actions(probabilities, Draws(draw))
    assert result.tolist() == actions and result.dtype == np.int64


@pytest.mark.parametrize("probabilities", [[1 / 3, 1 / 3, 1 / 3], [0.7, 0.2, 0.1], [0.001, 0.009, 0.99], [0.5, 0, 0.5], [0.1] * 10, [1]])
def test_actions_come_as_often_as_the_policy_says(probabilities):
    size = 50_000
    actions = sample_actions(np.tile(np.array(probabilities, np.float32), (size, 1)), np.random.default_rng(0))
    counts, expected = np.bincount(actions, minlength=len(probabilities)), size * np.array(probabilities)
    assert len(counts) == len(probabilities) and (counts[expected == 0] == 0).all()
    assert (expected > 0).sum() == 1 or chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 0.001


def test_each_row_draws_from_its_own_policy_by_itself():
    probabilities = np.tile(np.array([[0.8, 0.2], [0.2, 0.8]], np.float32), (20_000, 1))  # rows take turns
    actions = sample_actions(probabilities, np.random.default_rng(1)).reshape(-1, 2)
    assert actions.mean(axis=0) == pytest.approx([0.2, 0.8], abs=0.01)
    assert (actions[:, 0] & actions[:, 1]).mean() == pytest.approx(0.16, abs=0.01)  # one draw for both would make it 0.2


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.sampled_from([0, 0, 1e-30, 1e-7, 0.1, 1 / 3, 0.5, 1])),
    st.sampled_from([LOWEST, 1e-30, 0.5, HIGHEST]) | st.floats(0, HIGHEST),
)
def test_an_action_of_probability_0_is_never_drawn(numbers, draw):
    numbers[np.arange(len(numbers)), np.arange(len(numbers)) % numbers.shape[1]] += 0.1  # not all of a row may be 0
    probabilities = numbers / numbers.sum(axis=1, keepdims=True)
    actions = sample_actions(probabilities, Draws(draw))
    assert (probabilities[np.arange(len(actions)), actions] > 0).all()


@pytest.mark.parametrize("total", [0.9999999, 1.0000001, 0.999])
def test_rounding_is_coped_with(total):
    """What a softmax in float32 gives sums to 1 only nearly: the highest draw is still an action."""
    probabilities = np.array([[0.3, 0.3, 0.4, 0], [0, 0, 0, 1]], np.float32) * np.float32(total)
    assert sample_actions(probabilities, Draws(HIGHEST)).tolist() == [2, 3]
    assert sample_actions(probabilities.astype(np.float64), Draws(HIGHEST)).tolist() == [2, 3]


def test_generators_alike_draw_alike():
    probabilities = np.full((1_000, 3), 1 / 3, np.float32)
    first, again, other = (sample_actions(probabilities, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
    rng = np.random.default_rng(0)
    assert (sample_actions(probabilities, rng) == first).all() and (sample_actions(probabilities, rng) != first).any()


def test_drawing_leaves_the_probabilities_alone():
    probabilities = np.array([[0.2, 0.8]], np.float32)
    sample_actions(probabilities, np.random.default_rng(0))
    assert (probabilities == np.array([[0.2, 0.8]], np.float32)).all()


# Heads


class NoDraws:
    """Stands in for a generator that nobody may ask."""


def test_a_head_stays_until_an_episode_starts():
    heads, starts, rng = np.arange(8) % 3, np.arange(8) < 4, np.random.default_rng(0)
    drawn = np.array([head_per_episode(heads, starts, 3, rng) for _ in range(300)])
    assert drawn.dtype == np.int64 and (drawn[:, 4:] == heads[4:]).all()
    assert all(set(column) == {0, 1, 2} for column in drawn[:, :4].T.tolist())


def test_heads_are_drawn_evenly_and_each_game_by_itself():
    drawn = head_per_episode(np.zeros(60_000, int), np.ones(60_000, bool), 6, np.random.default_rng(0))
    assert chisquare(np.bincount(drawn, minlength=6)).pvalue > 0.001
    pairs = drawn.reshape(-1, 2) @ [6, 1]
    assert chisquare(np.bincount(pairs, minlength=36)).pvalue > 0.001


def test_one_head_is_always_the_first():
    rng, untouched = np.random.default_rng(3), np.random.default_rng(3)
    assert head_per_episode(np.zeros(5, int), np.ones(5, bool), 1, rng).tolist() == [0] * 5
    assert rng.bit_generator.state == untouched.bit_generator.state  # so that a DQN with the same seed plays the same games


def drawn_apart(masks, probability) -> bool:
    """Is each bit of [N, E, K] true by itself with this probability?"""
    bits = masks.reshape(len(masks), -1).astype(float)  # [N, E * K]
    correlations = np.corrcoef(bits.T) - np.eye(bits.shape[1])
    return bool(np.abs(bits.mean(axis=0) - probability).max() < 0.02 and np.abs(correlations).max() < 0.04)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_masks_are_drawn_for_each_head_and_each_game(probability):
    rng = np.random.default_rng(0)
    masks = np.array([draw_masks(2, 5, probability, rng) for _ in range(10_000)])
    assert masks.shape == (10_000, 2, 5) and masks.dtype == bool
    assert drawn_apart(masks, probability)
    assert not drawn_apart(np.repeat(masks[..., :1], 5, axis=2), probability)  # one for all heads
    assert not drawn_apart(np.repeat(masks[:, :1], 2, axis=1), probability)  # one for all games
    assert not drawn_apart(masks, 1 - probability) or probability == 0.5


def test_masks_of_probability_1_let_everything_through_and_so_does_a_single_head():
    assert draw_masks(4, 3, 1.0, np.random.default_rng(0)).all()
    ones = draw_masks(4, 1, 0.5, NoDraws())
    assert ones.all() and ones.shape == (4, 1) and ones.dtype == bool


def votes_by_hand(q_values) -> list[int]:
    """The actions that most heads of one observation, [K, A], hold best; of those, the ones whose mean is highest."""
    votes = [int(np.argmax(head)) for head in q_values]
    most = max(votes.count(action) for action in votes)
    tied = [action for action in set(votes) if votes.count(action) == most]
    means = {action: np.mean([float(head[action]) for head in q_values]) for action in tied}
    return [action for action in tied if means[action] == max(means.values())]


@pytest.mark.parametrize(
    "q_values, action",
    [
        ([[1, 0, 0]], 0),
        ([[0, 0, 1], [0, 0, 1], [9, 0, 0]], 2),  # a vote is a vote, however sure
        ([[1, 0], [0, 3]], 1),  # one each: action 1 has the higher mean
        ([[3, 0], [0, 1]], 0),
        ([[2, 1, 0], [0, 1, 2], [5, 0, 0], [0, 0, 5.5]], 2),
        ([[5, 4, 0], [0, 4, 5.5]], 2),  # a tie of 0 and 2; action 1 has the highest mean, and no vote
        ([[-1, -2], [-1, -3], [-9, 0]], 0),
        ([[7, 7, 7]], 0),
        ([[5, 4, 0], [0, 4, 5]], 0),  # as many votes, equal means: the first, as argmax has it
    ],
)
def test_votes_by_hand(q_values, action):
    assert majority_vote(np.array([q_values], np.float32)).tolist() == [action]


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 5)), elements=st.integers(-3, 3).map(float)))
def test_the_vote_against_counting(q_values):
    shares, actions = vote_shares(q_values), majority_vote(q_values)
    assert shares.shape == (len(q_values), q_values.shape[2]) and shares.dtype == np.float32 and actions.dtype == np.int64
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=2e-5)
    assert (shares >= 0).all()
    for row, heads in enumerate(q_values):
        counts = np.bincount(heads.argmax(axis=1), minlength=heads.shape[1])
        np.testing.assert_allclose(shares[row], counts / len(heads), atol=1e-5)
        assert actions[row] == min(votes_by_hand(heads)) and actions[row] == shares[row].argmax()
