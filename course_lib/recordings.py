"""Recorded games: a game of each shipped stage (five minutes at most) lies beside its weights, so that everybody can watch, also where the emulator is missing.

A file holds what cannot be computed again without the emulator: the screens (as numbers of their few colours, each screen as its difference from
the one before), what the agent held of each action, what it did, and what came of it. What the network saw follows from the screens.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from course_lib import pretrained
from course_lib.atari import ACTIONS, OF_TWO_SCREENS, FrameHistory, preprocessing_function
from course_lib.config import Config
from course_lib.errors import CourseError
from course_lib.files import written_whole
from course_lib.learners import Learner
from course_lib.play import MEANINGS, Episode, record_episode

LONGEST = 4_500  # agent steps of a recorded game, five minutes: a careful agent without a plan may keep one ball in play for half an hour
RED_GREEN_BLUE = np.array([2**16, 2**8, 1], np.uint32)


@dataclass(frozen=True)
class About:
    """What a recording says of itself."""

    seed: int
    meaning: str  # a key of MEANINGS
    preprocessing: str
    history: int
    num_actions: int


def save_recording(episode: Episode, config: Config, path: str | Path) -> None:
    """Write a game. Raises CourseError if the file cannot be written."""
    number_of = np.zeros(2**24, np.uint8)  # one frame at a time: a long game fills memory as it is
    for frame in episode.frames:
        number_of[frame.astype(np.uint32) @ RED_GREEN_BLUE] = 1
    colours = np.flatnonzero(number_of)  # Breakout shows about a dozen
    number_of[colours] = np.arange(len(colours))
    numbers = np.stack([number_of[frame.astype(np.uint32) @ RED_GREEN_BLUE] for frame in episode.frames])  # uint8 [T + 1, 210, 160]
    numbers[1:] ^= numbers[:-1].copy()  # nearly all zeros
    meaning = next(key for key, text in MEANINGS.items() if text == episode.meaning)
    about = About(episode.seed, meaning, config.preprocessing, config.history, config.num_actions)
    with written_whole(path) as unfinished:
        with unfinished.open("wb") as file:
            np.savez_compressed(
                file,
                about=json.dumps(asdict(about)),
                colours=colours.astype(np.uint32),
                screens=numbers,
                action_scores=np.stack(episode.action_scores),
                actions=np.array(episode.actions, np.uint8),
                rewards=np.array(episode.rewards, np.float32),
                lives=np.array(episode.lives, np.uint8),
            )


def load_recording(path: str | Path, max_steps: int | None = None) -> Episode:
    """A game as `record_episode` gave it (or its first `max_steps` agent steps)."""
    if not Path(path).is_file():
        raise CourseError(f"{path} is missing; restore it with: git checkout -- data/pretrained")
    try:
        with np.load(path) as file:
            about = About(**json.loads(str(file["about"])))
            columns = {name: file[name] for name in ("action_scores", "actions", "rewards", "lives")}
            screens, colours = file["screens"], file["colours"][:, None] // RED_GREEN_BLUE % 256  # [T + 1, 210, 160], [colours, 3]
        if {len(column) for column in columns.values()} != {len(screens) - 1}:
            raise ValueError("its columns differ in length")
        columns = {name: column[:max_steps] for name, column in columns.items()}
        steps = len(columns["actions"])
        numbers = np.bitwise_xor.accumulate(screens[: steps + 1], axis=0)
        frames = list(colours.astype(np.uint8)[numbers])  # T + 1 times [210, 160, 3]
        return Episode(
            seed=about.seed,
            action_names=ACTIONS[about.num_actions][1],
            frames=frames,
            observations=observations_of(frames, about)[:steps],
            action_scores=list(columns["action_scores"]),
            actions=columns["actions"].tolist(),
            rewards=columns["rewards"].tolist(),
            lives=columns["lives"].tolist(),
            meaning=MEANINGS[about.meaning],
        )
    except (OSError, EOFError, KeyError, TypeError, ValueError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        raise CourseError(f"{path} is damaged ({error}); restore it with: git checkout -- data/pretrained") from error


def observations_of(frames: list[np.ndarray], about: About) -> list[np.ndarray]:
    """What the network saw of T + 1 screens: T times uint8 [84, 84, C]."""
    seen = frames
    if about.preprocessing in OF_TWO_SCREENS:
        seen = [np.maximum(frame, before) for frame, before in zip(frames, frames[:1] + frames)]
    preprocess, history = preprocessing_function(about.preprocessing), FrameHistory(about.history)
    return [history.reset(preprocess(seen[0]))] + [history.push(preprocess(frame)) for frame in seen[1:-1]]


def recorded_game(agent: str, stage: int | None = None, max_steps: int | None = None) -> Episode:
    """The recorded game of a shipped stage (None: the highest). Everybody sees the same one."""
    return load_recording(pretrained.game_beside(pretrained.FOLDER / pretrained.find_stage(agent, stage)["file"]), max_steps)


def game(agent: str, stage: int | None = None, framework: str = "torch", seed: int = 0, max_steps: int | None = None) -> Episode:
    """A shipped stage plays. The same stage, framework and seed give the same game."""
    path, _ = pretrained.stage_file(agent, stage)
    return play_as_trained(*pretrained.load_learner(path, framework, agent), seed, max_steps)


def play_as_trained(learner: Learner, config: Config, seed: int = 0, max_steps: int | None = None) -> Episode:
    """A game in the way in which an agent's scores are given first: a policy by drawing, Q-values and votes greedily with epsilon 0.01."""
    return record_episode(learner, config, seed, max_steps=max_steps, sampled=config.agent == "a3c")
