"""Scores: every game counts once, statistics are those of trusted libraries, the same seed gives the same games."""

from dataclasses import replace

import numpy as np
from scipy import stats

from course_lib.config import BOOTSTRAPPED_CATCH, CATCH, SMOKE
from course_lib.evaluation import Scores, evaluate, greedy_policy
from course_lib.learners import as_played, make_learner
from course_lib.toy import make_toy


def scores_of(*values):
    return Scores(np.array(values, float), np.ones(len(values), int), np.arange(len(values)))


def test_statistics():
    scores = scores_of(0, 1, 2, 3, 4, 5, 6, 100)
    assert scores.mean == 15.125 and scores.median == 3.5
    assert scores.iqm == np.mean([2, 3, 4, 5])
    low, high = scores.interval
    assert low < scores.mean < high
    reference = stats.bootstrap((scores.scores,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(7))
    assert np.allclose([low, high], reference.confidence_interval, rtol=0.15)


def test_equal_scores_have_a_point_for_an_interval():
    assert scores_of(4, 4, 4).interval == (4, 4)


def test_summary_is_plain_json():
    import json

    summary = json.loads(json.dumps(scores_of(1, 2, 4).summary()))
    assert summary["mean"] == 2.33 and summary["scores"] == [1, 2, 4] and summary["seeds"] == [0, 1, 2]


def test_each_environment_plays_one_game_to_its_end():
    """A policy that stays misses unless the ball falls on the middle column: 9 steps a game, score +1 or -1."""
    over = []
    scores = evaluate(lambda observations, rng: np.ones(len(observations), int), CATCH, episodes=40, seed=5, on_game_over=over.append)
    assert (scores.lengths == 9).all() and sum(over) == 40
    assert set(scores.scores) == {-1.0, 1.0}
    assert scores.seeds.tolist() == list(range(5, 45))


def test_the_policy_is_asked_only_about_running_games():
    sizes = []

    def policy(observations, rng):
        sizes.append(len(observations))
        return np.full(len(observations), 1)  # always right: games end at different times

    scores = evaluate(policy, replace(SMOKE, max_frames=2_000), episodes=4, seed=0)
    assert sizes[0] == 4 and sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == scores.lengths.sum()


def test_same_seed_same_scores():
    learner = make_learner(SMOKE, "torch", (84, 84, 4), 3, seed=1)
    one, two = (evaluate(greedy_policy(learner, 0.5), SMOKE, episodes=3, seed=7) for _ in range(2))
    assert (one.scores == two.scores).all() and (one.lengths == two.lengths).all()


class Opinions:
    """An ensemble for Catch: one head, much the surest, goes left, two stay where they are."""

    VALUES = np.array([[9, 0, 0], [0, 1, 0], [0, 1, 0]], np.float32)
    config = replace(BOOTSTRAPPED_CATCH, num_heads=3)

    def q_values(self, observations):
        return np.tile(self.VALUES, (len(observations), 1, 1))

    def head_values(self, observations, head):
        return np.tile(self.VALUES[head], (len(observations), 1))


def test_an_ensemble_votes_unless_it_follows_a_head():
    observations, rng = np.zeros((4, 10, 5, 1), np.uint8), np.random.default_rng(0)
    cases = [(Opinions(), 1), (as_played(Opinions()), 1), (as_played(Opinions(), 0), 0), (as_played(Opinions(), 2), 1)]
    for learner, action in cases:
        assert (greedy_policy(learner, 0.0)(observations, rng) == action).all()
    stay = evaluate(lambda observations, rng: np.ones(len(observations), int), BOOTSTRAPPED_CATCH, 40, 5).scores
    assert (evaluate(greedy_policy(Opinions(), 0.0), BOOTSTRAPPED_CATCH, 40, 5).scores == stay).all()
    assert (evaluate(greedy_policy(as_played(Opinions(), 0), 0.0), BOOTSTRAPPED_CATCH, 40, 5).scores != stay).any()


def test_epsilon_is_the_share_of_random_actions_of_a_vote_too():
    observations = np.zeros((30_000, 10, 5, 1), np.uint8)
    actions = greedy_policy(Opinions(), 0.3)(observations, np.random.default_rng(0))
    assert np.allclose(np.bincount(actions) / 30_000, [0.1, 0.8, 0.1], atol=0.01)


def test_the_optimum_of_a_toy_is_what_its_best_policy_scores():
    for game in ("chain-12", "deep_sea-7-3"):
        config, env = replace(CATCH, game=game), make_toy(game)

        def best(observations, rng):
            if game.startswith("chain"):
                return np.ones(len(observations), int)
            rows, columns = observations[..., 0].reshape(len(observations), -1).argmax(axis=1) // 7, observations[..., 0].max(axis=1).argmax(axis=1)
            return env.right[rows, columns]

        scores = evaluate(best, config, episodes=3)
        assert np.allclose(scores.scores, env.optimum()) and (scores.lengths == (21 if game.startswith("chain") else 7)).all()
