"""Lesson 08's moving parts and drawings, on made-up stages; what must work without an emulator runs without one."""

import json
import subprocess
import sys
from dataclasses import replace as changed
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib import pretrained, recordings
from course_lib.config import A3C_SMOKE, BOOTSTRAPPED_SMOKE, SMOKE
from course_lib.errors import CourseError
from course_lib.evaluation import Scores
from course_lib.figures import watch, watch_live
from course_lib.grading.legible import too_small
from course_lib.learners import make_learner
from course_lib.play import MEANINGS, Episode, picture

CONFIGS = {"dqn": SMOKE, "a3c": A3C_SMOKE, "bootstrapped_dqn": BOOTSTRAPPED_SMOKE}
STAGES = {"dqn": (1, 2, 3), "a3c": (1, 2), "bootstrapped_dqn": (1,)}
CURVE = "agent_steps,hours,games,mean_return,mean_length,{},mean_loss,{}\n10000,0.1,60,1.2,180.0,0.4,{}\n20000,0.2,110,6.5,190.0,0.5,{}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A few stages of untrained agents, with recorded games of 60 steps, and a manifest."""
    folder, rng, entries = tmp_path_factory.mktemp("pretrained"), np.random.default_rng(0), []
    for agent, config in CONFIGS.items():
        (folder / agent).mkdir()
        for stage in STAGES[agent]:
            file, learner = f"{agent}/stage{stage}.safetensors", make_learner(config, "torch", (84, 84, config.history), 3, seed=stage)
            pretrained.save_weights(folder / file, learner.get_weights(), config, dtype=np.float16)
            game = recordings.record_episode(learner, config, seed=stage, max_steps=60, sampled=agent == "a3c")
            recordings.save_recording(game, config, folder / f"{agent}/stage{stage}.game.npz")
            scores = np.round(rng.gamma(3, 20 * stage, 30))
            entries.append({
                "agent": agent, "stage": stage, "file": file, "sha256": pretrained.sha256(folder / file), "agent_steps": 10_000 * stage,
                "emulator_frames": 40_000 * stage, "hours": 0.1 * stage, "actions": ["stay", "right", "left"], "preprocessing": config.preprocessing,
                "evaluation": {"episodes": 30} | Scores(scores, scores, scores).summary(),
            })  # fmt: skip
            if agent == "a3c":
                entries[-1]["greedy_evaluation"] = entries[-1]["evaluation"]
        columns = ("mean_max_probability", "mean_entropy", "0.01,0.0007") if agent == "a3c" else ("mean_max_q", "epsilon", "0.01,0.5")
        text = CURVE.format(columns[0], columns[1], columns[2], columns[2])
        if agent == "a3c":
            text = text.replace("mean_loss,mean_entropy", "mean_entropy,mean_loss,learning_rate").replace("0.01,0.0007", "1.0,0.01,0.0007")
        (folder / agent / "curve.csv").write_text(text)
    (folder / "manifest.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def stages(folder, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    return json.loads((folder / "manifest.json").read_text())


# The player's picture and the film


def test_a_picture_shows_what_the_network_sees(stages):
    game = recordings.recorded_game("dqn", 1)
    image = cv2.imdecode(np.frombuffer(picture(game, 30), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (492, 640, 3)
    newest = image[336:484, 486:634, 0]
    np.testing.assert_array_equal(newest, cv2.resize(game.observations[30][..., 3], (148, 148), interpolation=cv2.INTER_NEAREST))


def test_a_player_without_a_network_has_a_picture_too(stages):
    game = changed(recordings.recorded_game("dqn", 1), observations=[])
    assert cv2.imdecode(np.frombuffer(picture(game, 5), np.uint8), cv2.IMREAD_COLOR).shape == (300, 640, 3)


def test_a_film_keeps_the_last_screen_of_a_game_that_is_over(stages):
    long, short = recordings.recorded_game("dqn", 1), recordings.recorded_game("dqn", 2, max_steps=20)
    short.lives[-1] = 0
    pages = watch_live.film({"stage 1": long, "stage 2": short})
    assert len(pages) == 61 and all(page.shape == (224, 496, 3) and page.dtype == np.uint8 for page in pages)
    np.testing.assert_array_equal(pages[20][:, 248:], pages[60][:, 248:])
    assert not np.array_equal(pages[20][:, :248], pages[60][:, :248])


# The selector


def test_the_selector_begins_with_a_recorded_game_of_the_best_stage(stages):
    selector = watch_live.Selector("torch")
    assert (selector.agent.value, selector.stage.value) == ("dqn", 3)
    assert selector.said.value.startswith("A recorded game of the stage. DQN, stage 3: ")
    assert selector.projector.slider.max == 59


def test_a_choice_plays_here_in_the_one_player(stages):
    selector = watch_live.Selector("torch", max_steps=25)
    player, seen = selector.projector, []
    selector.said.observe(lambda change: seen.append(change["new"]), names="value")
    player.play.playing, player.slider.value, old = True, 20, (player.play, player.slider)
    selector.agent.value = "bootstrapped_dqn"
    selector.seed.value = 4
    assert selector.stage.options == (1,)
    selector.button.click()
    assert seen[0] == "Bootstrapped DQN, stage 1, is playing ..."
    assert seen[-1].startswith("Played here with seed 4. Bootstrapped DQN, stage 1: ") and "its first 25 steps" in seen[-1]
    assert selector.projector is player and not player.play.playing and player.slider.value == 0 and player.slider.max == 24
    assert player.episode.seed == 4 and player.image.value == picture(player.episode, 0)
    assert not old[0].playing and old[0].comm is None and old[1].comm is None  # closed
    assert player.controls.children == (player.play, player.slider) and not selector.button.disabled
    player.slider.value = 10
    assert player.image.value == picture(player.episode, 10)


def test_without_a_recording_it_says_what_to_do(stages, monkeypatch):
    selector = watch_live.Selector("torch", max_steps=10)

    def nothing(*arguments):
        raise CourseError("it is missing; restore it")

    monkeypatch.setattr(recordings, "game", nothing)
    monkeypatch.setattr(recordings, "recorded_game", nothing)
    selector.play()
    assert selector.said.value == "it is missing; restore it" and not selector.button.disabled


WITHOUT_ATARI = """
import sys
sys.modules["ale_py"] = None
from pathlib import Path
import course_lib
from course_lib import pretrained, recordings
pretrained.FOLDER = Path(sys.argv[1])
from course_lib.figures import watch, watch_live
selector = watch_live.Selector("torch")
selector.agent.value = "a3c"
selector.play()
print(selector.said.value)
watch_live.show_selector("torch")
print(len(watch_live.film({"stage 1": recordings.recorded_game("dqn", 1)})), watch.telling_moments(selector.projector.episode) is not None)
"""


def test_without_an_emulator_recorded_games_are_shown(folder):
    done = subprocess.run([sys.executable, "-c", WITHOUT_ATARI, str(folder)], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    said, *_, film = done.stdout.strip().splitlines()
    assert said.startswith("No game can be played here (The Atari emulator is missing") and "so this is the recorded game" in said
    assert "A3C, stage 2: " in said and film == "61 True"


# What is read off screens


def screen_with(ball=None, wall=True, paddle=80):
    screen = np.zeros((210, 160, 3), np.uint8)
    screen[17:32], screen[32:, :8], screen[32:, 152:] = 142, 142, 142
    if wall:
        screen[57:93, 8:152] = 120
    screen[189:193, paddle - 8 : paddle + 8] = 200
    if ball:
        screen[ball[0] : ball[0] + 4, ball[1] : ball[1] + 2] = 200
    return screen


def game_of(screens):
    steps = len(screens) - 1
    game = Episode(0, ("stay", "right", "left"), list(screens), meaning=MEANINGS["q_values"])
    game.actions, game.rewards, game.lives = [0] * steps, [1.0] * steps, [5] * steps
    game.action_scores = [np.zeros(3, np.float32)] * steps
    return game


def test_things_are_found_where_they_are():
    game = game_of([screen_with((120, 40))] * 6)
    things = watch.things_at(game, 4, size=8, stride=4)
    assert things.shape == (20, 20)
    row, column = 121.5 * 84 / 210, 40.5 * 84 / 160
    assert things[int(row // 4), int(column // 4)] == 0
    assert things[int(192 * 84 / 210 // 4) - 1, int(80 * 84 / 160 // 4)] == 1
    assert things[6, 10] == 2 and things[12, 16] == 3


def test_heat_is_the_mean_of_the_squares_that_cover_a_pixel():
    saliency = np.zeros((39, 39))
    saliency[10, 20] = 8.0
    heat = watch.heat_of(saliency, size=8, stride=2)
    assert heat.shape == (84, 84) and heat[19, 39] == 0
    assert heat[27, 47] == pytest.approx(8 / 16) and np.argwhere(heat > 0).min(axis=0).tolist() == [20, 40]


def test_moments_tell_of_a_ball_behind_the_wall_if_there_is_one():
    falling, rising = [screen_with((row, 60)) for row in (150, 156, 162)], [screen_with((row, 60)) for row in (140, 130, 120)]
    game = game_of([screen_with()] * 3 + falling + rising + [screen_with((40, 60))] * 2)
    assert watch.telling_moments(game) == {"the ball falls": 4, "the ball rises": 6, "behind the wall": 9}
    game = game_of([screen_with()] * 3 + [screen_with((100, 60)), screen_with((106, 60)), screen_with()])
    assert watch.telling_moments(game) == {"back from the wall": 4}


def test_falls_tell_fast_balls_from_slow_ones_and_lost_ones_from_caught_ones():
    slow, fast = [(row, 60) for row in range(110, 186, 4)], [(row, 60) for row in range(110, 186, 13)]
    up = [(row, 60) for row in range(180, 110, -6)]
    balls = [None, *slow, *up, None, *fast, None, *slow, None]
    game = game_of([screen_with(ball) for ball in balls])
    gone = 1 + len(slow) + len(up) + 1 + len(fast)  # the screen on which the second ball is lost
    game.lives = [5] * (gone - 1) + [4] * (len(game) - gone) + [3]
    speeds, lost = watch.falls(game)
    assert speeds.tolist() == [4, 13, 4] and lost.tolist() == [False, True, True]


def test_steps_far_apart():
    assert watch.apart([50, 55, 90, 20, 200], 3) == [20, 50, 90]


# Drawings


RNG = np.random.default_rng(0)
POINTS = np.arange(100)
DRAWINGS = {
    "scores": watch.draw_scores,
    "where": lambda entries: watch.draw_where(30),
    "curves": watch.draw_curves,
    "resampling": lambda entries: watch.draw_resampling(np.arange(30.0), RNG.normal(15, 2, 500), (11.0, 19.0)),
    "coverage": lambda entries: watch.draw_coverage(np.array([[1, 3], [2.5, 4]]), 2.0),
    "kept": lambda entries: watch.draw_kept(np.arange(30.0), 7, {"mean": 14.5, "median": 14.5, "IQM": 14.5}),
    "saliency": lambda entries: watch.draw_saliency({"a": screen_with(), "b": screen_with()}, {"stage 1": [RNG.random((84, 84))] * 2}),
    "looks": lambda entries: watch.draw_looks({"stage 1": np.array([0.5, 0.25, 0.2, 0.05]), "by dice": np.full(4, 0.25)}),
    "heads": lambda entries: watch.draw_heads(recordings.recorded_game("bootstrapped_dqn"), RNG.random(60), RNG.random(60)),
    "tunnels": lambda entries: watch.draw_tunnels({"stage 1": (screen_with(), POINTS, None), "stage 2": (screen_with(), POINTS, 60)}),
}


LABELS = {
    "scores": {"x": {"stage"}, "y": {"points (even steps to 10, then logarithmic)"}, "title": {"DQN", "A3C", "Bootstrapped DQN"}},
    "where": {"y": {"DQN", "A3C", "Bootstrapped DQN"}, "title": {"1: 0 points", "2: 0 points", "3: 0 points"}},
    "curves": {"x": {"agent steps (millions)", "hours of training"}, "y": {"points, mean of many games"}},
    "resampling": {"x": {"points"}, "y": {"30 games", "resampled means"}},
    "coverage": {"x": {"set of 30 games"}, "y": {"points"}, "title": {"1 of 2 miss"}},
    "kept": {"x": {"game, from the worst to the best"}, "y": {"points"}},
    "saliency": {"y": {"the screen", "stage 1"}, "title": {"a", "b"}},
    "looks": {"x": {"share of the moments in which the most salient square covers ..."}},
    "heads": {"x": {"step (15 a second); dotted: a ball is lost"}, "y": {"points", "spread of\nQ-values", "heads behind\nthe winner"}},
    "tunnels": {"x": {"step (15 a second)"}, "y": {"points so far"}, "title": {"stage 1: never", "stage 2: at step 60"}},
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_labelled_and_legible(name, stages, no_windows):
    DRAWINGS[name](stages)
    figure = plt.gcf()
    figure.canvas.draw()
    for what, read in (("x", plt.Axes.get_xlabel), ("y", plt.Axes.get_ylabel), ("title", plt.Axes.get_title)):
        assert LABELS[name].get(what, set()) <= {read(ax) for ax in figure.axes}
    assert too_small(figure) == ""


def test_curves_are_drawn_without_a_diary_too(stages, no_windows, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(stages))
    watch.draw_curves(stages)
