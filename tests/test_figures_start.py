"""Lesson 00: the facts that it rests on, and the drawings: they draw, from real games."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.checks.start import chase_the_ball
from course_lib.config import SMOKE
from course_lib.figures import course_map
from course_lib.figures import start as figures
from course_lib.grading import legible
from course_lib.learners import make_learner
from course_lib.play import Episode, record_episode

pytestmark = pytest.mark.usefixtures("no_windows")


@pytest.fixture(scope="module")
def game() -> Episode:
    """The first balls of an untrained network."""
    return record_episode(make_learner(SMOKE, "torch", (84, 84, 4), 3, seed=1), SMOKE, seed=0, max_steps=60)


def eager(ball, paddle):
    return 0 if ball is None else 1 if ball > paddle else 2


def test_patience_pays():
    for seed in (0, 2):
        hasty, patient = (figures.play_rule(rule, seed).score for rule in (eager, chase_the_ball))
        assert hasty < 40 and patient > 2 * hasty


def test_the_eager_paddle_runs_farther_than_it_is_wide():
    _, paddle = figures.columns(figures.play_rule(eager, max_steps=120))
    assert 20 < np.abs(np.diff(paddle)).max() and (np.abs(np.diff(paddle)) > 16).sum() > 20


def test_a_rule_is_told_columns_and_none():
    told = []
    figures.play_rule(lambda ball, paddle: told.append((ball, paddle)) or 0, max_steps=60)
    assert told[0] == (None, 106.5)  # nobody has served yet
    assert all(ball is None or (type(ball) is float and 8 <= ball <= 152) for ball, _ in told)
    assert all(type(paddle) is float for _, paddle in told)


def test_a_miss_is_when_the_ball_passes_the_paddle(game):
    (first, *_) = figures.misses(game)
    assert figures.find_ball(game.frames[first - 1])[0] > 180 and figures.find_ball(game.frames[first]) is None
    assert game.lives[first - 1] == 5 and 4 in game.lives[first : first + 10]


def test_the_decisive_step_has_a_falling_ball(game):
    step = figures.decisive_step(game)
    before, now = (figures.find_ball(game.frames[t])[0] for t in (step - 1, step))
    assert before < now and game.actions[step] == np.argmax(game.action_scores[step])


def test_side_by_side_waits_for_the_longer_game(game):
    short = record_episode(make_learner(SMOKE, "torch", (84, 84, 4), 3, seed=1), SMOKE, seed=0, max_steps=20)
    film = figures.side_by_side({"short": short, "long": game})
    assert len(film) == 61 and {frame.shape for frame in film} == {(246, 560, 3)}
    np.testing.assert_array_equal(film[-1][36:, :280], film[20][36:, :280])


def test_the_drawings_draw(game, no_windows):
    figures.show_decision(game, 20)
    figures.show_decision(game, 20, "left")
    figures.show_expectation(game)
    figures.show_columns({"one": game, "two": game})
    figures.show_scores({"none": 0, "some": 12.5})
    course_map.show_map()
    assert len(plt.get_fignums()) == 6
    for number in plt.get_fignums():
        plt.figure(number).canvas.draw()
        assert not legible.too_small(plt.figure(number))


def test_every_lesson_has_its_brick():
    lessons = {path.name[:2] for path in (course_map.ROOT / "lessons").glob("[0-9][0-9]_*.py")}
    assert lessons == {number for number in course_map.LESSONS if course_map.is_open(number)}
