"""Recorded games: what was played comes back whole, without the emulator."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from course_lib import pretrained, recordings
from course_lib.config import A3C_SMOKE, BOOTSTRAPPED_SMOKE, SMOKE
from course_lib.errors import CourseError
from course_lib.learners import make_learner
from course_lib.play import Episode


def played(config, max_steps=80):
    learner = make_learner(config, "torch", (84, 84, config.history), config.num_actions, seed=1)
    return recordings.play_as_trained(learner, config, seed=5, max_steps=max_steps)


def expect_same(one: Episode, other: Episode):
    assert (one.seed, one.action_names, one.actions, one.rewards, one.lives, one.meaning, one.score, len(one)) == (
        other.seed, other.action_names, other.actions, other.rewards, other.lives, other.meaning, other.score, len(other)
    )  # fmt: skip
    for name in ("frames", "observations", "action_scores"):
        left, right = getattr(one, name), getattr(other, name)
        assert len(left) == len(right)
        for a, b in zip(left, right):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "config", [SMOKE, A3C_SMOKE, BOOTSTRAPPED_SMOKE, replace(SMOKE, preprocessing="binary", num_actions=4, history=2), replace(A3C_SMOKE, preprocessing="book")],
    ids=["dqn", "a3c", "heads", "four actions", "two screens"],
)  # fmt: skip
def test_a_recorded_game_is_the_game(config, tmp_path):
    episode = played(config)
    recordings.save_recording(episode, config, tmp_path / "x.npz")
    expect_same(recordings.load_recording(tmp_path / "x.npz"), episode)
    assert len({frame.tobytes() for frame in episode.frames}) > 20  # something moved


def test_the_first_steps_of_a_recorded_game(tmp_path):
    recordings.save_recording(played(SMOKE), SMOKE, tmp_path / "x.npz")
    expect_same(recordings.load_recording(tmp_path / "x.npz", max_steps=30), played(SMOKE, max_steps=30))
    assert len(recordings.load_recording(tmp_path / "x.npz", max_steps=10**6)) == 80


def test_a_game_to_its_end(tmp_path):
    """The last screen is seen by nobody: one observation fewer than screens."""
    episode = played(SMOKE, max_steps=None)
    recordings.save_recording(episode, SMOKE, tmp_path / "x.npz")
    again = recordings.load_recording(tmp_path / "x.npz")
    expect_same(again, episode)
    assert len(again.frames) == len(again.observations) + 1


@pytest.mark.parametrize("content", [None, b"", b"not a recording", b"PK\x03\x04 cut short"])
def test_a_missing_or_broken_recording_is_one_sentence(tmp_path, content):
    path = tmp_path / "x.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CourseError, match="missing; restore|damaged"):
        recordings.load_recording(path)


@pytest.mark.parametrize("change", [{"num_actions": 6}, {"meaning": "hopes"}, {"history": "4"}, {"preprocessing": "pink"}, {"colour": 1}])
def test_a_recording_of_another_version(tmp_path, change):
    path = tmp_path / "x.npz"
    recordings.save_recording(played(SMOKE, 5), SMOKE, path)
    with np.load(path) as file:
        columns = dict(file)
    columns["about"] = json.dumps(json.loads(str(columns["about"])) | change)
    np.savez_compressed(path, **columns)
    with pytest.raises(CourseError, match="damaged|no preprocessing"):
        recordings.load_recording(path)


@pytest.mark.parametrize("column", ["screens", "actions", "rewards", "lives", "action_scores"])
def test_a_recording_whose_columns_differ_in_length(tmp_path, column):
    path = tmp_path / "x.npz"
    recordings.save_recording(played(SMOKE, 20), SMOKE, path)
    with np.load(path) as file:
        columns = dict(file)
    columns[column] = columns[column][:5]
    np.savez_compressed(path, **columns)
    with pytest.raises(CourseError, match="damaged"):
        recordings.load_recording(path)


def test_a_truncated_recording(tmp_path):
    path = tmp_path / "x.npz"
    recordings.save_recording(played(SMOKE), SMOKE, path)
    for size in (100, path.stat().st_size - 50):
        (tmp_path / "y.npz").write_bytes(path.read_bytes()[:size])
        with pytest.raises(CourseError, match="damaged"):
            recordings.load_recording(tmp_path / "y.npz")


def test_every_stage_has_its_game():
    """Played by the shipped weights: the same steps again score the same actions."""
    for entry in pretrained.manifest():
        agent, stage = entry["agent"], entry["stage"]
        recorded = recordings.recorded_game(agent, stage, max_steps=60)
        again = recordings.game(agent, stage, "torch", recorded.seed, max_steps=60)
        assert again.actions == recorded.actions, (agent, stage)
        np.testing.assert_allclose(again.action_scores, recorded.action_scores, rtol=1e-3, atol=1e-3)


def test_recordings_need_no_emulator():
    code = """
import sys
sys.modules["ale_py"] = None
from course_lib import pretrained, recordings
from course_lib.errors import CourseError
for agent in {entry["agent"] for entry in pretrained.manifest()}:
    assert len(recordings.recorded_game(agent, max_steps=20).observations) == 20
try:
    recordings.game("dqn", max_steps=5)
except CourseError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 and "The Atari emulator is missing" in result.stdout, result.stderr
