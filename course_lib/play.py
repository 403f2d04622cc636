"""Watch an agent: record a game, write it as a video, show it in a notebook."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from course_lib.atari import ACTIONS, Breakout
from course_lib.config import Config
from course_lib.environments import breakout_settings
from course_lib.errors import CourseError
from course_lib.exploration import epsilon_greedy, sample_actions
from course_lib.files import written_whole
from course_lib.learners import Learner, Vote, action_scores, as_played

FRAMES_PER_SECOND = 15  # agent steps a second: the game at its own speed (60 Hz, frame skip 4)
TELEVISION = (560, 420)  # pixels, width and height: the screen's 160 x 210 shown 4 wide by 3 high
TEXT = dict(fontFace=cv2.FONT_HERSHEY_SIMPLEX, fontScale=0.5, color=(34, 34, 34), lineType=cv2.LINE_AA)

MEANINGS = {"q_values": "expected reward of each action", "votes": "share of the heads for each action", "policy": "probability of each action"}


@dataclass
class Episode:
    """One game, step by step. Row t: what the agent saw, what it thought, what it did, what came of it."""

    seed: int
    action_names: tuple[str, ...]
    frames: list[np.ndarray] = field(default_factory=list)  # T + 1 screens, uint8 [210, 160, 3]
    observations: list[np.ndarray] = field(default_factory=list)  # T times uint8 [84, 84, C]
    action_scores: list[np.ndarray] = field(default_factory=list)  # T times float32 [A]: Q-values, votes or probabilities
    actions: list[int] = field(default_factory=list)  # T, those really sent
    rewards: list[float] = field(default_factory=list)  # T, raw
    lives: list[int] = field(default_factory=list)  # T, after the step
    meaning: str = MEANINGS["q_values"]  # of the action scores

    @property
    def score(self) -> float:
        return float(sum(self.rewards))

    def __len__(self) -> int:
        return len(self.actions)


def record_episode(
    learner: Learner, config: Config, seed: int = 0, epsilon: float = 0.01, max_steps: int | None = None, sampled: bool = False
) -> Episode:
    """Play one game of Breakout (or its first `max_steps` agent steps). The same learner and seed give the same game.

    epsilon: the share of random actions, all others being the learner's best (an ensemble's: those that win the vote); or, if `sampled`,
    every action is drawn with the policy's probabilities.
    """
    learner = as_played(learner)
    env = Breakout(**breakout_settings(config))
    rng = np.random.default_rng(seed)
    kind = "votes" if isinstance(learner, Vote) else "q_values" if hasattr(learner, "q_values") else "policy"
    episode = Episode(seed, ACTIONS[config.num_actions][1], meaning=MEANINGS[kind])
    observation, _ = env.reset(seed=seed)
    episode.frames.append(env.render())
    over = False
    while not over and (max_steps is None or len(episode) < max_steps):
        scores = action_scores(learner, observation[None])  # [1, A]
        action = (sample_actions(scores, rng) if sampled else epsilon_greedy(scores, epsilon, rng))[0]
        episode.observations.append(observation)
        observation, reward, terminated, truncated, info = env.step(action)
        episode.frames.append(env.render())
        episode.action_scores.append(scores[0])
        episode.actions.append(info["action"])
        episode.rewards.append(reward)
        episode.lives.append(info["lives"])
        over = terminated or truncated
    env.close()
    return episode


def as_television(frame: np.ndarray, size: tuple[int, int] = TELEVISION) -> np.ndarray:
    """A screen as a television shows it, 4 wide by 3 high: uint8 [210, 160, 3] -> [height, width, 3]. Other pictures keep their shape."""
    if frame.shape[:2] != (210, 160):
        size = (size[0], size[0] * frame.shape[0] // frame.shape[1] // 2 * 2)
    return cv2.resize(frame, size, interpolation=cv2.INTER_NEAREST)


def save_video(frames: list[np.ndarray], path: str | Path, fps: int = FRAMES_PER_SECOND, size: tuple[int, int] = TELEVISION) -> Path:
    """Write screens as a silent H.264 mp4, which browsers play; `size` as in `as_television`. Raises CourseError if it cannot be written."""
    from moviepy import VideoClip

    path = Path(path)
    if path.suffix != ".mp4":
        raise CourseError(f"A video is written as .mp4, not {path.name}.")
    clip = VideoClip(lambda second: as_television(frames[min(round(second * fps), len(frames) - 1)], size), duration=len(frames) / fps)
    with written_whole(path) as unfinished:
        unfinished.touch()  # says why, where ffmpeg would only say that it cannot
        clip.write_videofile(unfinished, fps=fps, codec="libx264", audio=False, logger=None, pixel_format="yuv420p")
    return path


def save_gif(frames: list[np.ndarray], path: str | Path, fps: int = FRAMES_PER_SECOND, width: int = 320) -> Path:
    """Write screens as an endless GIF, for a README. Raises CourseError if the file cannot be written."""
    from PIL import Image

    images = [Image.fromarray(as_television(frame, (width, width * 3 // 4))).quantize(32) for frame in frames]
    with written_whole(path) as unfinished:
        images[0].save(unfinished, save_all=True, append_images=images[1:], duration=1000 // fps, loop=0, optimize=True)
    return Path(path)


def show_video(frames: list[np.ndarray], fps: int = FRAMES_PER_SECOND, width: int = 400, size: tuple[int, int] = TELEVISION):
    """Screens as a player inside a notebook, `width` wide: the video, of `size` pixels, travels in the notebook itself."""
    from IPython.display import HTML

    with tempfile.TemporaryDirectory() as folder:
        data = base64.b64encode(save_video(frames, Path(folder) / "game.mp4", fps, size).read_bytes()).decode()
    return HTML(
        f'<video width="{width}" style="max-width: 100%" controls autoplay loop muted playsinline aria-label="A game of Breakout">'
        f'<source src="data:video/mp4;base64,{data}" type="video/mp4">Your browser cannot play this video.</video>'
    )


class Projector:
    """A game to step through: play, pause, drag. `show` puts in another game; there is one player only, so that two never run at once."""

    def __init__(self, width: int = 640):
        import ipywidgets as widgets

        self.image, self.controls, self.handles = widgets.Image(format="png", width=width), widgets.HBox(), []
        self.box = widgets.VBox([self.image, self.controls])

    def show(self, episode: Episode) -> None:
        """Begin at the first step of a game. Its handles are new: what those of the last game still send, nobody hears."""
        import ipywidgets as widgets

        self.stop()
        for handle in self.handles:
            handle.close()
        self.episode = episode
        self.play = widgets.Play(min=0, max=len(episode) - 1, interval=1000 // FRAMES_PER_SECOND)
        self.slider = widgets.IntSlider(min=0, max=len(episode) - 1, description="step")
        self.handles = [widgets.jslink((self.play, "value"), (self.slider, "value")), self.play, self.slider]
        self.slider.observe(lambda change: self.turn_to(change["new"]), names="value")
        self.controls.children = (self.play, self.slider)
        self.turn_to(0)

    def stop(self) -> None:
        if self.handles:
            self.play.playing = False

    def turn_to(self, step: int) -> None:
        self.image.value = picture(self.episode, step)


def player(episode: Episode, width: int = 640):
    """A game to step through: the screen, what the agent thinks each action is worth, what the network sees. Needs ipywidgets."""
    projector = Projector(width)
    projector.show(episode)
    return projector.box


def picture(episode: Episode, step: int) -> bytes:
    """A step as a PNG, 640 pixels wide: screen, action scores, what the network sees. Drawn by OpenCV, fast enough to follow a slider."""
    rows = [np.concatenate([as_television(episode.frames[step], (400, 300)), _action_panel(episode, step)], axis=1)]  # [300, 640, 3]
    if episode.observations:  # a player by rule has none
        rows.append(_network_panel(episode.observations[step]))
    return cv2.imencode(".png", np.concatenate(rows)[..., ::-1])[1].tobytes()


def _action_panel(episode: Episode, step: int) -> np.ndarray:
    """Score, lives and a bar for each action, the one taken in orange and named as pressed: uint8 [300, 240, 3]."""
    panel = np.full((300, 240, 3), 255, np.uint8)
    action_scores = episode.action_scores[step]
    low, high = (0.0, 1.0) if episode.meaning != MEANINGS["q_values"] else (np.min(episode.action_scores), np.max(episode.action_scores))
    score, lives = sum(episode.rewards[:step]), episode.lives[max(step - 1, 0)]
    cv2.putText(panel, f"score {score:.0f}   lives {lives}", (12, 28), **TEXT)
    for row, (name, value) in enumerate(zip(episode.action_names, action_scores)):
        top = 60 + 56 * row
        length = int(10 + 150 * (value - low) / max(high - low, 1e-6))
        pressed = row == episode.actions[step]
        color = (213, 94, 0) if pressed else (0, 114, 178)  # red-green-blue
        cv2.putText(panel, f"{name}, pressed" if pressed else name, (12, top - 4), **TEXT)
        cv2.rectangle(panel, (12, top), (12 + length, top + 22), color, -1)
        cv2.putText(panel, f"{value:.2f}", (20 + length, top + 17), **TEXT)
    cv2.putText(panel, episode.meaning, (12, 290), **(TEXT | {"fontScale": 0.4}))
    return panel


def _network_panel(observation: np.ndarray) -> np.ndarray:
    """The frames of an observation, oldest first, uint8 [84, 84, C] -> [h, 640, 3]: each square and grey, as the network gets it."""
    history = observation.shape[2]
    side = min(148, 640 // history - 12)
    panel = np.full((side + 44, 640, 3), 255, np.uint8)
    cv2.putText(panel, "what the network sees, the newest at the right", (6, 24), **TEXT)
    for channel in range(history):
        left = 6 + channel * (side + 12)
        frame = cv2.resize(observation[..., channel], (side, side), interpolation=cv2.INTER_NEAREST)
        panel[36 : 36 + side, left : left + side] = frame[..., None]
    return panel
