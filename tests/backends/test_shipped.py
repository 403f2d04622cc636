"""Every shipped file plays the same game in both frameworks: 500 steps, action for action."""

import numpy as np
import pytest

from course_lib import pretrained
from course_lib.learners import FRAMEWORKS
from course_lib.play import record_episode

STEPS = 500
FILES = [pytest.param(entry["agent"], entry["stage"], id=f"{entry['agent']}-{entry['stage']}") for entry in pretrained.manifest()]


@pytest.mark.parametrize("agent, stage", FILES)
def test_every_file_plays_the_same_500_steps_in_both_frameworks(agent, stage):
    path, _ = pretrained.stage_file(agent, stage)
    (torch_learner, config), (keras_learner, _) = (pretrained.load_learner(path, framework, agent) for framework in FRAMEWORKS)
    for sampled in [False, True] if agent == "a3c" else [False]:
        played = 0
        for seed in range(100):  # game after game, until there are 500 steps
            games = [record_episode(learner, config, seed, max_steps=STEPS - played, sampled=sampled) for learner in (torch_learner, keras_learner)]
            assert games[0].actions == games[1].actions and games[0].rewards == games[1].rewards
            np.testing.assert_allclose(games[0].action_scores, games[1].action_scores, rtol=1e-3, atol=1e-3)
            played += len(games[0])
            if played == STEPS:
                break
        assert played == STEPS
