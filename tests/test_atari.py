"""Breakout as the agents meet it: the emulator's settings, the pixels, serving, lives, and two forms that show one game."""

import itertools
import sys

import cv2
import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import course_lib  # noqa: F401  (registers the id)
from course_lib.atari import ACTIONS, FIRE, GAME_ID, LEFT, NOOP, NUM_LIVES, RIGHT, SCREEN_SHAPE
from course_lib.atari import Breakout, FrameHistory, VectorBreakout, preprocess_binary, preprocess_book, preprocess_grey
from course_lib.errors import CourseError

BALL_X, BALL_Y, PADDLE_X = 99, 101, 72  # addresses in the emulator's memory; BALL_Y is 0 while no ball is in play
STAY_, RIGHT_, LEFT_ = range(3)  # the agent's numbers


def ram(env, address):
    return int(env.emulator.unwrapped.ale.getRAM()[address])


def follow_ball(env):
    """A player that sees the emulator's memory and keeps the paddle under the ball."""
    distance = ram(env, BALL_X) - ram(env, PADDLE_X) - 8
    return STAY_ if abs(distance) < 4 else RIGHT_ if distance > 0 else LEFT_


def finish(env, choose, limit=2_000):
    """Play to the end: the list of (reward, info) of each step. `choose` gives the action; a game that stalls fails."""
    history = []
    for _ in range(limit):
        _, reward, terminated, truncated, info = env.step(choose())
        history.append((reward, info))
        if terminated or truncated:
            return history
    raise AssertionError(f"the game goes on after {limit} steps")


def idle_frames(env, games):
    """Emulator frames played before the first observation of each of some games."""
    frames = []
    for _ in range(games):
        env.reset()
        frames.append(env.emulator.unwrapped.ale.getEpisodeFrameNumber())
    return frames


# The emulator


def test_the_course_registers_the_deterministic_id():
    env = gymnasium.make(GAME_ID)
    env.reset(seed=0)
    ale = env.unwrapped.ale
    assert env.spec.kwargs["frameskip"] == 4
    assert ale.getFloat("repeat_action_probability") == 0.0
    for steps in range(1, 31):
        screen, *_, info = env.step(RIGHT if steps % 2 else FIRE)
        assert info["episode_frame_number"] == 4 * steps
        np.testing.assert_array_equal(screen, ale.getScreenRGB())  # the last screen alone, not a maximum of two
    assert screen.shape == SCREEN_SHAPE


def test_the_emulators_own_action_meanings():
    meanings = gymnasium.make(GAME_ID).unwrapped.get_action_meanings()
    assert meanings == ["NOOP", "FIRE", "RIGHT", "LEFT"]
    assert [meanings[number] for number in (NOOP, FIRE, RIGHT, LEFT)] == meanings
    assert ACTIONS[3] == ((FIRE, RIGHT, LEFT), ("stay", "right", "left"))
    assert ACTIONS[4][1] == tuple(name.lower() for name in meanings)


@pytest.mark.parametrize("action, moves", [(STAY_, 0), (RIGHT_, 1), (LEFT_, -1)])
def test_actions_move_the_paddle_their_way(action, moves):
    env = Breakout(noop_max=0)
    env.reset(seed=0)
    env.step(STAY_)
    before = ram(env, PADDLE_X)
    for _ in range(3):
        env.step(action)
    assert np.sign(ram(env, PADDLE_X) - before) == moves


def test_the_wall_holds_432_points():
    """Six rows of 18 bricks worth 1, 1, 4, 4, 7, 7: two walls make the ceiling of 864."""
    env = Breakout(noop_max=0)
    env.reset(seed=0)
    wall = env.render()[57:93, 8:152].reshape(6, 6, 18, 8, 3)  # rows of bricks, pixel rows, bricks, pixel columns, channels
    assert (wall == wall[:, :1, :1, :1]).all()  # each row of bricks has one colour
    assert len(np.unique(wall[:, 0, 0, 0], axis=0)) == 6
    assert 2 * 18 * sum((1, 1, 4, 4, 7, 7)) == 864


@pytest.mark.parametrize("make", [Breakout, lambda: VectorBreakout(1)], ids=["single", "vector"])
def test_a_missing_rom_is_one_sentence(make, monkeypatch, tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        monkeypatch.setenv("ALE_ROMS_DIR", str(folder))
        with pytest.raises(CourseError, match="^Breakout's ROM is missing from ale-py; reinstall it: .*ale-py$"):
            make()


@pytest.mark.parametrize("make", [Breakout, lambda: VectorBreakout(1)], ids=["single", "vector"])
def test_a_missing_emulator_is_one_sentence(make, monkeypatch):
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(CourseError, match="^The Atari emulator is missing .*pip install ale-py$"):
        make()


def test_other_settings_are_refused_in_one_sentence():
    with pytest.raises(CourseError, match="3 actions"):
        Breakout(num_actions=5)
    with pytest.raises(CourseError, match="grey, binary"):
        VectorBreakout(1, preprocessing="gray")


def test_emulators_do_not_greet(capfd):
    env = VectorBreakout(1, noop_max=0)
    env.reset()
    Breakout()
    assert capfd.readouterr() == ("", "")


# Pixels


def test_grey_is_luminance():
    screen = np.broadcast_to(np.array([200, 72, 72], np.uint8), SCREEN_SHAPE)
    frame = preprocess_grey(screen)
    assert frame.shape == (84, 84) and frame.dtype == np.uint8
    assert (frame == round(0.299 * 200 + 0.587 * 72 + 0.114 * 72)).all()


def test_grey_averages_areas():
    """210 rows make 84: five of the screen's rows fall on two of the frame's, half of the middle one on each."""
    screen = np.zeros(SCREEN_SHAPE, np.uint8)
    screen[0::5], screen[1::5], screen[2::5] = 100, 100, 50
    frame = preprocess_grey(screen)
    assert (frame[0::2] == (100 + 100 + 25) / 2.5).all() and (frame[1::2] == 25 / 2.5).all()


def test_grey_takes_a_screen_that_is_grey_already():
    screen = np.random.default_rng(0).integers(256, size=SCREEN_SHAPE, dtype=np.uint8)
    grey = cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(preprocess_grey(screen), preprocess_grey(grey))


def test_binary_sees_the_playing_field_and_nothing_else():
    screen = np.full(SCREEN_SHAPE, 255, np.uint8)
    screen[31:193, 8:152] = 0
    assert not preprocess_binary(screen).any()
    assert (preprocess_binary(255 - screen) == 255).all()


def test_binary_lights_a_pixel_of_any_channel():
    rng = np.random.default_rng(0)
    screen = (rng.integers(1, 256, SCREEN_SHAPE) * (rng.random(SCREEN_SHAPE) < 0.1)).astype(np.uint8)
    frame = preprocess_binary(screen)
    assert frame.shape == (84, 84) and frame.dtype == np.uint8
    rows, columns = 31 + np.arange(84) * 162 // 84, 8 + np.arange(84) * 144 // 84  # the nearest pixels
    np.testing.assert_array_equal(frame, 255 * screen[rows][:, columns].any(axis=2))


def test_binary_never_loses_the_ball():
    """The ball is 2 pixels wide and 4 high, so that one pixel of it is always lit."""
    for row, column in itertools.product(range(31, 190, 7), range(8, 151)):
        screen = np.zeros(SCREEN_SHAPE, np.uint8)
        screen[row : row + 4, column : column + 2] = 200
        assert preprocess_binary(screen).any(), (row, column)


# History


def test_the_books_pixels_are_resized_without_smoothing():
    """As scikit-image did: each pixel from the four that surround its centre, then fractions cut off."""
    screen = np.random.default_rng(0).integers(256, size=SCREEN_SHAPE, dtype=np.uint8)
    luminance = 0.2125 * screen[..., 0] + 0.7154 * screen[..., 1] + 0.0721 * screen[..., 2]
    for row, column in [(0, 0), (3, 80), (40, 41), (83, 83)]:
        y, x = (row + 0.5) * 210 / 84 - 0.5, (column + 0.5) * 160 / 84 - 0.5
        top, left = int(y), int(x)
        down, right = y - top, x - left
        upper = (1 - right) * luminance[top, left] + right * luminance[top, left + 1]
        lower = (1 - right) * luminance[top + 1, left] + right * luminance[top + 1, left + 1]
        assert preprocess_book(screen)[row, column] == int((1 - down) * upper + down * lower)


def test_the_books_frames_show_two_screens():
    """The brighter pixel of this screen and the one before; a game's first frame has no other."""
    env = Breakout("book")
    observation, _ = env.reset(seed=1)
    np.testing.assert_array_equal(observation, np.stack([preprocess_book(env.render())] * 4, axis=-1))
    for _ in range(30):
        before = env.render()
        observation, *_ = env.step(STAY_)
        np.testing.assert_array_equal(observation[..., -1], preprocess_book(np.maximum(before, env.render())))
    assert (before != env.render()).any()


def test_history_starts_with_the_first_frame_four_times():
    frames = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((84, 84), np.uint8)
    history = FrameHistory(4)
    observations = [history.reset(frames[0])] + [history.push(frame) for frame in frames[1:]]
    assert [list(observation[0, 0]) for observation in observations] == [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 2],
        [0, 1, 2, 3],
        [1, 2, 3, 4],
        [2, 3, 4, 5],
    ]  # all at once: later frames left the earlier observations alone
    assert observations[-1].shape == (84, 84, 4) and observations[-1].dtype == np.uint8
    assert list(history.reset(frames[1])[0, 0]) == [1, 1, 1, 1]


def test_histories_side_by_side_start_on_their_own():
    history = FrameHistory(3)
    first = history.reset(np.zeros((2, 5, 6), np.uint8))
    second = history.push(np.full((2, 5, 6), 1, np.uint8), starts=np.array([False, True]))
    third = history.push(np.full((2, 5, 6), 2, np.uint8), starts=np.array([False, False]))
    assert first.shape == (2, 5, 6, 3)
    assert first[:, 0, 0].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert second[:, 0, 0].tolist() == [[0, 0, 1], [1, 1, 1]]
    assert third[:, 0, 0].tolist() == [[0, 1, 2], [1, 1, 2]]


# One game


@pytest.mark.parametrize("preprocessing", ["grey", "binary", "book"])
def test_a_game_passes_gymnasiums_checks(preprocessing):
    check_env(Breakout(preprocessing, max_frames=100), skip_render_check=True)
    env = Breakout(preprocessing)
    env.reset(seed=0)
    assert env.render().shape == SCREEN_SHAPE and env.render().dtype == np.uint8


@pytest.mark.parametrize("player", ["stay", "right", "left", "random"])
def test_every_ball_is_served_whatever_the_player_does(player):
    rng = np.random.default_rng(0)
    env = Breakout()
    env.reset(seed=0)
    must_serve, balls = True, 0
    for _ in range(2_000):
        action = int(rng.integers(3)) if player == "random" else ACTIONS[3][1].index(player)
        _, reward, terminated, truncated, info = env.step(action)
        assert info["action"] == (STAY_ if must_serve else action)
        assert info["life_lost"] or ram(env, BALL_Y) > 0  # one FIRE is enough, and no ball disappears unseen
        assert not info["life_lost"] or reward == 0.0
        balls += info["life_lost"]
        assert info["lives"] == NUM_LIVES - balls
        must_serve = info["life_lost"]
        if terminated:
            break
    assert terminated and not truncated and balls == NUM_LIVES == 5


def test_four_actions_are_the_emulators_own():
    env = Breakout(num_actions=4, noop_max=0)
    env.reset(seed=0)
    history = finish(env, lambda: NOOP)
    assert history[0][1]["action"] == FIRE and history[1][1]["action"] == NOOP
    assert sum(info["life_lost"] for _, info in history) == NUM_LIVES


def test_games_start_after_0_to_30_idle_frames():
    env = Breakout(noop_max=3)
    env.reset(seed=0)
    starts = idle_frames(env, games=25)
    assert set(starts) == {0, 1, 2, 3}
    env.reset(seed=0)
    assert starts == idle_frames(env, games=25)
    assert Breakout().noop_max == 30


def test_a_cut_off_game_is_truncated():
    env = Breakout(noop_max=0, max_frames=200)
    env.reset(seed=0)
    history = finish(env, lambda: follow_ball(env))
    assert len(history) == 50 and env.emulator.unwrapped.ale.game_truncated()
    *_, terminated, truncated, _ = env.step(STAY_)
    assert truncated and not terminated


def test_rewards_are_raw_in_both_forms():
    env, vector = Breakout(noop_max=0), VectorBreakout(1, noop_max=0)
    env.reset(seed=0)
    vector.reset(seed=0)
    rng = np.random.default_rng(0)
    seen, score = set(), 0.0
    for _ in range(3_000):
        action = follow_ball(env) if rng.random() < 0.97 else int(rng.integers(3))
        _, reward, terminated, _, _ = env.step(action)
        _, rewards, *_ = vector.step(np.array([action]))
        assert type(reward) is float and rewards.dtype == np.float32 and rewards[0] == reward
        seen.add(reward)
        score += reward
        if terminated or 7.0 in seen:
            break
    assert seen == {0.0, 1.0, 4.0, 7.0} and score <= 864


# Many games


class Autoreset:
    """A single game that begins anew by itself, as one of the vector's does."""

    def __init__(self, **settings):
        self.env = Breakout(**settings)
        self.over = True

    def step(self, action):
        if self.over:
            self.over = False
            observation, info = self.env.reset()
            return observation, 0.0, False, False, info | {"reset": True}
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.over = terminated or truncated
        return observation, reward, terminated, truncated, info | {"reset": False}


@pytest.mark.parametrize("max_frames", [108_000, 402])
@pytest.mark.parametrize("preprocessing", ["grey", "binary", "book"])
def test_both_forms_show_the_same_games(preprocessing, max_frames):
    settings = dict(preprocessing=preprocessing, noop_max=0, max_frames=max_frames)
    rng = np.random.default_rng(1)
    singles = [Autoreset(**settings) for _ in range(3)]
    vector = VectorBreakout(3, **settings)
    observations, info = vector.reset()
    for single, observation in zip(singles, observations):
        np.testing.assert_array_equal(single.step(0)[0], observation)
    assert info["reset"].all() and (info["lives"] == NUM_LIVES).all() and not info["life_lost"].any()
    assert observations.shape == (3, *vector.observation_shape) == (3, 84, 84, 4)

    games = np.zeros(3, int)
    while not games.all():
        actions = rng.integers(3, size=3)
        before = observations
        observations, rewards, terminated, truncated, info = vector.step(actions)
        for i, single in enumerate(singles):
            observation, reward, ends, cut, single_info = single.step(int(actions[i]))
            assert (rewards[i], terminated[i], truncated[i], info["reset"][i]) == (reward, ends, cut, single_info["reset"])
            assert (info["lives"][i], info["life_lost"][i]) == (single_info["lives"], single_info["life_lost"])
            assert info["actions"][i] == single_info.get("action", info["actions"][i])
            if single.over:  # the vector's last screen is the one before
                np.testing.assert_array_equal(observations[i, ..., :-1], observation[..., :-1])
                if preprocessing != "book":  # of two screens: this one and the one before it, which differ
                    np.testing.assert_array_equal(observations[i, ..., -1], before[i, ..., -1])
            else:
                np.testing.assert_array_equal(observations[i], observation)
        games += terminated | truncated


def test_the_step_after_the_end_begins_a_game_and_ignores_its_action():
    rng = np.random.default_rng(0)
    vector = VectorBreakout(2, noop_max=0, max_frames=60)
    vector.reset()
    over = np.zeros(2, bool)
    ends = 0
    for _ in range(100):
        action = int(rng.integers(3))
        observations, rewards, terminated, truncated, info = vector.step(np.array([action, RIGHT_ if over[0] else action]))
        np.testing.assert_array_equal(observations[0], observations[1])
        np.testing.assert_array_equal(info["reset"], over)
        if over[0]:
            assert not rewards.any() and not (terminated | truncated | info["life_lost"]).any()
            assert (observations == observations[..., :1]).all() and (info["lives"] == NUM_LIVES).all()
        over = terminated | truncated
        ends += over[0]
    assert ends > 4


def test_observations_are_never_changed_afterwards():
    vector = VectorBreakout(2, noop_max=0, max_frames=40)
    kept, copies = [vector.reset()[0]], []
    for _ in range(25):
        copies.append([array.copy() for array in kept[-1:]])
        kept.append(vector.step(np.array([RIGHT_, LEFT_]))[0])
    assert all((array == copy[0]).all() for array, copy in zip(kept, copies))


def test_an_always_right_player_finishes_in_the_vector_too():
    vector = VectorBreakout(2)
    vector.reset(seed=0)
    ended, served = np.zeros(2, bool), np.zeros(2, int)
    for _ in range(600):
        *_, terminated, truncated, info = vector.step(np.full(2, RIGHT_))
        served += (info["actions"] == STAY_) & ~ended
        ended |= terminated
    assert ended.all() and (served >= NUM_LIVES).all() and not truncated.any()


def test_vector_games_start_after_0_to_30_idle_frames():
    vector = VectorBreakout(8, noop_max=3)
    vector.reset(seed=0)  # seeding is slow: it loads the game anew
    frames = np.concatenate([vector.emulators.reset()[1]["episode_frame_number"] for _ in range(6)])
    assert set(frames.tolist()) == {0, 1, 2, 3}
    frames = VectorBreakout(8, noop_max=0).emulators.reset()[1]["episode_frame_number"]
    assert set(frames.tolist()) == {0}


def test_the_same_seed_is_the_same_games():
    def play(seed):
        rng = np.random.default_rng(0)
        vector = VectorBreakout(2, max_frames=80)
        seen = [vector.reset(seed=seed)[0]]
        seen += [vector.step(rng.integers(3, size=2))[0] for _ in range(60)]  # over several starts
        return np.stack(seen)

    first = play(5)
    np.testing.assert_array_equal(first, play(5))
    assert (first != play(6)).any()
    assert (first[:, 0] != first[:, 1]).any()


def test_any_whole_number_is_a_seed():
    vector = VectorBreakout(2)
    edge = vector.reset(seed=2**31 - 1)[0]
    np.testing.assert_array_equal(edge[1], vector.reset(seed=0)[0][0])
    np.testing.assert_array_equal(edge, vector.reset(seed=2**32 - 1)[0])
