"""Every shipped file plays the same game in both frameworks: 500 steps, action for action.

Two games may part in one place only: where an ensemble's votes are even and its mean Q-values are equal to float32's rounding.
"""

from itertools import zip_longest

import numpy as np
import pytest

from course_lib import pretrained
from course_lib.learners import FRAMEWORKS
from course_lib.play import record_episode

STEPS = 500
FILES = [pytest.param(entry["agent"], entry["stage"], id=f"{entry['agent']}-{entry['stage']}") for entry in pretrained.manifest()]


def assert_even(ensemble, observation, actions):
    """Both actions have as many votes, and their Q-values, averaged over all heads, are equal to rounding."""
    q_values = ensemble.q_values(observation[None])[0]  # [K, A]
    one, other = (np.bincount(q_values.argmax(axis=1), minlength=3)[action] for action in actions)
    assert one == other
    np.testing.assert_allclose(*(q_values.mean(axis=0)[action] for action in actions), rtol=1e-6)


@pytest.mark.parametrize("agent, stage", FILES)
def test_every_file_plays_the_same_500_steps_in_both_frameworks(agent, stage):
    path, _ = pretrained.stage_file(agent, stage)
    (torch_learner, config), (keras_learner, _) = (pretrained.load_learner(path, framework, agent) for framework in FRAMEWORKS)
    for sampled in [False, True] if agent == "a3c" else [False]:
        played = 0
        for seed in range(100):  # game after game, until there are 500 steps
            games = [record_episode(learner, config, seed, max_steps=STEPS - played, sampled=sampled) for learner in (torch_learner, keras_learner)]
            pairs = list(zip_longest(games[0].actions, games[1].actions))
            together = next((step for step, (one, other) in enumerate(pairs) if one != other), len(pairs))
            if together < len(pairs):
                assert agent == "bootstrapped_dqn", f"the games of seed {seed} part at step {together}"
                assert_even(torch_learner, games[0].observations[together], pairs[together])
            assert games[0].rewards[:together] == games[1].rewards[:together]
            scores = [game.action_scores[:together] for game in games]
            np.testing.assert_allclose(*scores, rtol=1e-3, atol=1e-3)
            played += together
            if played == STEPS:
                break
        assert played == STEPS
