"""One-step targets, by hand and against the formula written as a loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.returns import td_targets


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
