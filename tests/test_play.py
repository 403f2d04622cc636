"""Recording, videos, the notebook's players."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from course_lib.config import SMOKE
from course_lib.errors import CourseError
from course_lib.learners import make_learner
from course_lib.play import as_television, player, record_episode, save_gif, save_video, show_video


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
