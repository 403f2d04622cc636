"""Lesson 09's drawings say what they are given, and the story that the lesson tells stands in the manifest."""

import base64
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from huggingface_hub import ModelCard
from matplotlib.colors import to_hex

from course_lib import pretrained, sharing
from course_lib.figures import PALETTE, share

LESSON = Path(__file__).parents[1] / "lessons" / "09_share_your_agent.py"


@pytest.fixture(autouse=True)
def figures_stay_open(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def evaluation(scores, low, high):
    scores, seeds = [float(score) for score in scores], list(range(7, 7 + len(scores)))
    return {"scores": scores, "mean": float(np.mean(scores)), "interval_95": [low, high], "episodes": len(scores), "seeds": seeds}


def words(ax):
    return [text.get_text() for text in ax.texts]


A, B = evaluation([1, 2, 3, 94], 1.5, 70.0), evaluation([20, 30, 40], 21.0, 39.0)


def test_the_posters_show_the_best_game_of_one_and_the_statistics_of_the_other():
    share.draw_posters(A, B)
    left, right = plt.gcf().axes
    assert "94" in words(left) and not any("mean" in text for text in words(left))
    assert "mean 30.0" in words(right)
    assert any("21.0 to 39.0" in text and "3 games, seeds 7 to 9" in text for text in words(right))


def test_every_game_is_a_dot_and_the_best_has_its_number():
    share.draw_games({"A": A, "B": B})
    ax = plt.gca()
    dots = [line.get_xdata().tolist() for line in ax.lines if line.get_color() == PALETTE["blue"]]
    assert dots == [A["scores"], B["scores"]]
    assert {"94", "40", "mean 25.0", "mean 30.0"} == set(words(ax))
    intervals = [list(line.get_xdata()) for line in ax.lines if line.get_linewidth() == 3]
    assert intervals == [[1.5, 70.0], [21.0, 39.0]]


@pytest.mark.parametrize("reward", [4, 7])
def test_a_reward_passes_through_the_wrappers_in_either_order(reward):
    share.draw_wrappers(reward)
    inside, outside = plt.gcf().axes
    assert [text for text in words(inside) if text.startswith("+")] == [f"+{reward}", f"+{reward}", "+1"]
    assert [text for text in words(outside) if text.startswith("+")] == [f"+{reward}", "+1", "+1"]
    assert (inside.get_title(), outside.get_title()) == (f"statistics inside: they count {reward}", "statistics outside: they count 1")


def test_boxes_of_wrappers_lie_in_one_another():
    share.draw_wrappers(7)
    for ax in plt.gcf().axes:
        boxes = [patch.get_path().get_extents(patch.get_patch_transform()) for patch in ax.patches if patch.get_linewidth() == 2.5]
        assert len(boxes) == 3
        for inner, outer in pairwise(boxes):
            assert outer.x0 < inner.x0 < inner.x1 < outer.x1 and outer.y0 < inner.y0 < inner.y1 < outer.y1


def test_a_film_travels_in_the_notebook_four_by_three(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(range(256)))
    html = share.show_film(film, width=200).data
    assert base64.b64encode(film.read_bytes()).decode() in html
    assert 'width="200"' in html and "aspect-ratio: 4 / 3; object-fit: fill" in html and "max-width: 100%" in html


def entry(agent, stage, scores, low, high):
    return {"agent": agent, "stage": stage, "evaluation": evaluation(scores, low, high)}


def test_each_stage_is_in_the_colour_of_its_verdict():
    entries = [entry("a3c", 1, [1, 50], 0.5, 30.0), entry("dqn", 1, [2, 3], 2.0, 3.0), entry("dqn", 2, [40, 90], 45.0, 80.0)]
    share.draw_solved(entries, {("a3c", 1): False, ("dqn", 1): False, ("dqn", 2): True}, 31.8)
    ax = plt.gca()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["DQN 1", "DQN 2", "A3C 1"]
    bars = [(list(line.get_xdata()), to_hex(line.get_color()).upper()) for line in ax.lines if line.get_linewidth() == 7]
    red, green = PALETTE["red"], PALETTE["green"]
    assert bars == [([2.0, 3.0], red), ([45.0, 80.0], green), ([0.5, 30.0], red)]
    assert [text for text in words(ax) if "solved" in text] == ["not solved", "solved", "not solved"]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "^"] == [3, 90, 50]
    assert ax.lines[0].get_xdata()[0] == 31.8 and "31.8" in words(ax)


def test_limits_show_what_was_seen_and_the_points():
    worlds = {"as trained": (np.full((84, 84), 9, np.uint8), 120.0), "darker": (np.full((84, 84), 3, np.uint8), 0.0)}
    share.draw_limits(worlds)
    bars, *screens = plt.gcf().axes
    assert [ax.get_title() for ax in screens] == ["as trained", "darker"]
    assert [ax.images[0].get_array().max() for ax in screens] == [9, 3]
    assert {ax.images[0].get_clim() for ax in screens} == {(0, 255)}  # darker looks darker
    assert [patch.get_height() for patch in bars.patches] == [120.0, 0.0] and words(bars) == ["120", "0"]


CARD = """---
license: mit
---
# An agent

<video src="replay.mp4" controls width="560"></video>

Its [film](replay.mp4), and [where it comes from](https://example.org/paper).

| mean | 12.5 |
|---|---|
"""


def test_a_card_is_shown_with_its_film_and_without_links_that_lead_nowhere(tmp_path):
    film = tmp_path / "replay.mp4"
    film.write_bytes(b"a film")
    html = share.show_card(ModelCard(CARD), film).data
    assert "<h1>An agent</h1>" in html and "<th>12.5</th>" in html and "license" not in html
    assert 'Its film, and <a href="https://example.org/paper">' in html and 'src="replay.mp4"' not in html
    assert base64.b64encode(b"a film").decode() in html and html.count("<video") == 1


def test_a_card_without_its_film_keeps_its_text():
    assert "<h1>An agent</h1>" in share.show_card(ModelCard(CARD)).data


def test_whoever_is_logged_in_nothing_is_sent(tmp_path, monkeypatch):
    calls = []

    def run(command, **options):
        calls.append((command, options))
        return SimpleNamespace(stderr="what it says\n")

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HOME"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setattr(share.subprocess, "run", run)
    assert share.push_as_nobody(tmp_path / "folder", "you/name") == "what it says"
    ((command, options),) = calls
    assert command[-4:] == ["share", "folder", "--push", "you/name"] and options["cwd"] == tmp_path
    mine = {name: value for name, value in options["env"].items() if name.startswith(("HF_", "HUGGING"))}
    assert mine.keys() == {"HF_HOME", "HF_ENDPOINT"} and "mine" not in mine.values() and mine["HF_ENDPOINT"].startswith("http://127.0.0.1")


# The lesson's story


def solved(agent, stage, threshold=sharing.HUMAN_SCORE):
    told = pretrained.find_stage(agent, stage)["evaluation"]
    return sharing.is_solved(told["scores"], told["interval_95"], threshold)


def test_the_poster_boasts_of_an_agent_whose_mean_hangs_on_one_game():
    a, b = pretrained.find_stage("bootstrapped_dqn", 2)["evaluation"], pretrained.find_stage("dqn", 3)["evaluation"]
    bar = sharing.HUMAN_SCORE
    assert max(a["scores"]) > 3 * max(b["scores"]) and a["mean"] < b["mean"]
    assert a["interval_95"][0] < bar <= a["mean"] and np.mean(sorted(a["scores"])[:-1]) < bar
    assert np.mean(np.array(a["scores"])[:, None] > np.array(b["scores"])) < 0.2


def test_stage_2_is_not_solved_and_stage_3_is():
    for agent in ("dqn", "a3c", "bootstrapped_dqn"):
        assert [solved(agent, stage) for stage in pretrained.stages(agent)] == [False, False, True, True, True]
        assert [solved(agent, stage, threshold=1.7) for stage in (1, 2)] == [False, True]  # better than random play?


def test_each_way_to_ask_lets_fewer_pass():
    told = [pretrained.find_stage(agent, 2)["evaluation"] for agent in ("dqn", "a3c", "bootstrapped_dqn")]
    asked = [(max(one["scores"]), one["interval_95"][1], one["mean"], one["interval_95"][0]) for one in told]
    assert (np.array(asked) >= sharing.HUMAN_SCORE).sum(axis=0).tolist() == [3, 2, 1, 0]


def test_the_lesson_and_the_library_have_one_criterion():
    text = LESSON.read_text(encoding="utf-8")
    assert f"RANDOM, HUMAN = 1.7, {sharing.HUMAN_SCORE}" in text
    assert f"over at least {sharing.MIN_EPISODES} games" in text and f"is at least {sharing.HUMAN_SCORE}" in text
