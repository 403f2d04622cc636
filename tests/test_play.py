"""Recording, videos, the notebook's players."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from course_lib.config import BOOTSTRAPPED_SMOKE, SMOKE, replace
from course_lib.errors import CourseError
from course_lib.learners import FRAMEWORKS, as_played, make_learner
from course_lib.play import MEANINGS, _action_panel, as_television, player, record_episode, save_gif, save_video, show_video
from course_lib.pretrained import load_learner, save_weights


@pytest.fixture(scope="module")
def episode():
    learner = make_learner(SMOKE, "torch", (84, 84, 4), 3)
    return record_episode(learner, SMOKE, seed=3, epsilon=0.3, max_steps=40)


def test_an_episode_holds_every_step(episode):
    assert len(episode) == 40 == len(episode.rewards) == len(episode.lives) == len(episode.action_scores) == len(episode.observations)
    assert len(episode.frames) == 41 and episode.frames[0].shape == (210, 160, 3)
    assert episode.action_names == ("stay", "right", "left") and episode.score == sum(episode.rewards)
    assert episode.actions[0] == 0  # the serve
    assert not np.array_equal(episode.frames[0], episode.frames[-1])


def test_the_same_seed_gives_the_same_game(episode):
    again = record_episode(make_learner(SMOKE, "torch", (84, 84, 4), 3), SMOKE, seed=3, epsilon=0.3, max_steps=40)
    assert again.actions == episode.actions and all(map(np.array_equal, again.frames, episode.frames))


def test_a_television_is_four_by_three():
    assert as_television(np.zeros((210, 160, 3), np.uint8)).shape == (420, 560, 3)
    assert as_television(np.zeros((84, 84, 3), np.uint8)).shape == (560, 560, 3)


def test_the_video_is_one_that_browsers_play(episode, tmp_path):
    path = save_video(episode.frames, tmp_path / "new" / "game.mp4")
    probe = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", path], capture_output=True, text=True).stderr
    assert re.search(r"Video: h264.*yuv420p.*560x420.*15 fps", probe), probe
    assert "Audio" not in probe
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == len(episode.frames) and abs(seconds - frames / 15) < 0.1
    assert [p.name for p in path.parent.iterdir()] == ["game.mp4"]


def test_a_video_that_cannot_be_written(episode, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match="Could not write"):
        save_video(episode.frames[:2], tmp_path / "file" / "game.mp4")
    with pytest.raises(CourseError, match="written as .mp4"):
        save_video(episode.frames[:2], tmp_path / "game.avi")


def test_a_gif(episode, tmp_path):
    assert save_gif(episode.frames[:5], tmp_path / "game.gif").read_bytes().startswith(b"GIF89a")


def test_a_notebook_shows_the_video_itself(episode):
    html = show_video(episode.frames[:5]).data
    assert "data:video/mp4;base64," in html and "aria-label" in html and "tmp" not in html.split("base64,")[0]


def test_the_player_changes_its_picture(episode):
    box = player(episode)
    image, (play, slider) = box.children[0], box.children[1].children
    first = image.value
    slider.value = 25
    assert image.value != first and bytes(image.value).startswith(b"\x89PNG")
    assert play.max == slider.max == 39


def test_the_player_says_without_colours_what_was_pressed(episode):
    def names(action: int) -> list[np.ndarray]:
        """The three lines above the bars."""
        panel = _action_panel(replace(episode, actions=[action]), 0)
        return [panel[42 + 56 * row : 60 + 56 * row] for row in range(3)]

    stay, right = names(0), names(1)
    assert [np.array_equal(one, other) for one, other in zip(stay, right)] == [False, False, True]


# Ensembles


@pytest.fixture(scope="module")
def ensembles(tmp_path_factory):
    """The same three heads, whose opinions differ, as each framework loads them from one file: (framework -> ensemble, configuration)."""
    config, path = replace(BOOTSTRAPPED_SMOKE, prior_scale=3.0), tmp_path_factory.mktemp("weights") / "heads.safetensors"
    save_weights(path, make_learner(config, "torch", (84, 84, 4), 3, seed=2).get_weights(), config)
    return {framework: load_learner(path, framework, "bootstrapped_dqn")[0] for framework in FRAMEWORKS}, config


@pytest.mark.parametrize("head, meaning", [(None, "votes"), (0, "q_values"), (2, "q_values")])
def test_a_game_of_an_ensemble_is_the_same_in_both_frameworks(ensembles, head, meaning):
    learners, config = ensembles
    one, other = (record_episode(as_played(learners[framework], head), config, seed=5, epsilon=0.1, max_steps=60) for framework in FRAMEWORKS)
    assert one.actions == other.actions and one.score == other.score
    np.testing.assert_allclose(one.action_scores, other.action_scores, rtol=1e-5, atol=1e-5)
    assert one.meaning == other.meaning == MEANINGS[meaning]


def test_a_game_by_vote_shows_the_shares_of_the_heads(ensembles):
    learners, config = ensembles
    unsaid, voted = (record_episode(learner, config, seed=5, max_steps=30) for learner in (learners["torch"], as_played(learners["torch"])))
    assert unsaid.actions == voted.actions and unsaid.meaning == MEANINGS["votes"]
    shares = np.array(unsaid.action_scores)  # [T, A]
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(3 * shares, np.round(3 * shares), atol=1e-4)
    q_values = learners["torch"].q_values(np.array(unsaid.observations))
    for t in range(30):
        np.testing.assert_allclose(shares[t], np.bincount(q_values[t].argmax(axis=1), minlength=3) / 3, atol=1e-4)


def test_the_player_of_a_vote(ensembles):
    learners, config = ensembles
    box = player(record_episode(learners["torch"], config, seed=5, max_steps=5))
    assert bytes(box.children[0].value).startswith(b"\x89PNG")
