"""The facts that lesson 01 rests on, and its drawings: they draw, from real screens."""

import cv2
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import pytest

import course_lib  # noqa: F401  (registers the game)
from course_lib.figures import breakout as figures
from course_lib.grading import legible

FIRE = 1
pytestmark = pytest.mark.usefixtures("no_windows")


@pytest.fixture(scope="module")
def env():
    return gymnasium.make("BreakoutDeterministic-v4")


def test_ball_and_paddle_are_found(env):
    screens = figures.replay(env, 0, [FIRE] * 5)
    assert figures.find_ball(screens[0]) is None  # nobody has served yet
    balls = np.array([figures.find_ball(screen) for screen in screens[1:]])
    np.testing.assert_array_equal(np.diff(balls, axis=0), [[4, -4]] * 4)
    assert figures.find_paddle(screens[0]).tolist() == [192, 106.5]


def test_the_twins_are_one_screen_with_two_futures(env):
    falling, rising = (figures.replay(env, idle, actions) for idle, actions in figures.TWIN_GAMES)
    np.testing.assert_array_equal(falling[-1], rising[-1])
    assert figures.find_ball(falling[-2])[0] < figures.find_ball(falling[-1])[0]
    assert figures.find_ball(rising[-2])[0] > figures.find_ball(rising[-1])[0]


def test_the_ruled_player_breaks_every_row(env):
    points = {}
    for before, _, reward, after, lives in figures.follow_the_ball(env, seed=2):
        row = figures.broken_row(before, after)
        assert (row is None) == (reward == 0)
        if row is not None:
            points.setdefault(row, set()).add(reward)
    assert points == {0: {1}, 1: {1}, 2: {4}, 3: {4}, 4: {7}, 5: {7}}
    assert lives == 0


def test_the_serve_depends_on_emulator_frames_only(env):
    serves = [tuple(figures.find_ball(figures.replay(env, idle, [FIRE])[-1])) for idle in range(8)]
    assert len(set(serves)) == 4 and serves[:4] == serves[4:]


def test_all_drawings_draw(env, no_windows):
    screens = figures.replay(env, 0, [FIRE] * 16)[1:]
    stack = np.stack([figures.preprocess_grey(screen) for screen in screens[:4]], axis=-1)
    draw = [
        lambda: figures.draw_labelled_screen(screens[3]),
        lambda: figures.draw_ball_numbers(screens[3]),
        lambda: figures.draw_paddle_moves(env),
        lambda: figures.draw_row_points(screens[0], [1, 1, 4, 4, 7, 7]),
        lambda: figures.draw_serves(env, [[0], [0, 1]], ["one", "two"]),
        lambda: figures.draw_grey_steps(screens[3]),
        lambda: figures.draw_binary_steps(screens[3]),
        lambda: figures.draw_frames([screens[3], stack[..., 0]], ["screen", "frame"]),
        lambda: figures.draw_directions([screens, screens], ["left", "right"]),
        lambda: figures.draw_history(stack),
        lambda: figures.draw_film_strip(screens[:10], skip=2),
        lambda: figures.draw_skips(screens, (1, 4)),
        lambda: figures.draw_memory({"much": 800 * 10**9, "little": 7 * 10**9}),
    ]
    for one in draw:
        one()
        plt.gcf().canvas.draw()
        assert not legible.too_small(plt.gcf())
        plt.close()
    pictures = [figures.to_png(one) for one in draw]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(set(pictures)) == len(draw) and not plt.get_fignums()


def test_the_slider_changes_the_picture(env, no_windows):
    screens = figures.replay(env, 0, [FIRE] * 8)[1:]
    slider, image = figures.skip_slider(screens, skips=(1, 2), width=100).children
    before = image.value
    slider.value = "1"
    assert image.value != before
    picture = cv2.imdecode(np.frombuffer(image.value, np.uint8), cv2.IMREAD_COLOR)
    assert (picture[[0, -1]] == 255).all() and (picture[:, [0, -1]] == 255).all()  # a margin: no word is cut off
