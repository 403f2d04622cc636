"""Weight files, and the trained stages that ship with the course.

A weight file is safetensors: canonical weights (Keras layout, see `learners.QLearner.get_weights`), and in its header the agent and the configuration
it was trained with, so that either framework can play it. `data/pretrained/manifest.json` says of each shipped file where it came from and what it
scores.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from course_lib import book_weights
from course_lib.atari import ACTIONS
from course_lib.config import PRESETS, Config, config_from_dict
from course_lib.environments import num_actions, observation_shape
from course_lib.errors import CourseError
from course_lib.files import written_whole
from course_lib.learners import Learner, Weights, make_learner

FOLDER = Path(__file__).resolve().parent.parent / "data" / "pretrained"
FORMAT = "breakout-from-pixels/1"
ENTRY = {"agent", "stage", "file", "sha256", "agent_steps", "emulator_frames", "hours", "actions", "preprocessing", "evaluation"}
ENTRY_OF = {"a3c": {"greedy_evaluation"}}
EVALUATION = {"episodes", "mean", "median", "iqm", "interval_95", "scores", "lengths", "seeds"}
"""What every entry of the manifest has, what an agent's has besides, and what is in every evaluation."""


def save_tensors(path: Path, tensors: Weights, header: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all."""
    with written_whole(path) as unfinished:
        try:
            save_file({name: np.asarray(array, order="C") for name, array in tensors.items()}, unfinished, header)
        except SafetensorError as error:  # its own name for a full disk
            raise OSError(str(error)) from error


def load_tensors(path: Path) -> tuple[Weights, dict[str, str]]:
    """Read a safetensors file: (tensors, header)."""
    if not Path(path).is_file():
        raise CourseError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise CourseError(f"{path} is not a whole safetensors file ({error}); fetch or train it again.") from error
    except (TypeError, AttributeError) as error:  # a number format that NumPy does not have
        raise CourseError(f"{path} holds no weights of this course ({error}).") from error


def save_weights(path: Path, weights: Weights, config: Config, dtype=np.float32) -> None:
    """Write a weight file; `dtype=np.float16` halves its size."""
    header = {"format": FORMAT, "agent": config.agent, "config": json.dumps(asdict(config))}
    save_tensors(path, {name: array.astype(dtype) for name, array in weights.items()}, header)


def agent_of(path: Path) -> str:
    """Whose weights a weight file holds: "dqn", "bootstrapped_dqn" or "a3c"."""
    if Path(path).suffix.lower() in book_weights.SUFFIXES:
        return "a3c"
    _, header = load_tensors(path)
    if header.get("format") != FORMAT or header.get("agent") not in PRESETS:
        raise CourseError(f"{path} holds no weights of this course's agents.")
    return header["agent"]


def load_weights(path: Path, agent: str = "dqn") -> tuple[Weights, Config]:
    """Read a weight file, ours or the book's: (name -> float32 array, the configuration it was trained with)."""
    if Path(path).suffix.lower() in book_weights.SUFFIXES:
        if agent != "a3c":
            raise CourseError(f"{path} holds weights of the book's a3c, not of {agent}.")
        return book_weights.load_book_weights(path)
    weights, header = load_tensors(path)
    if header.get("format") != FORMAT:
        raise CourseError(f"{path} holds no weights of this course (its header lacks format {FORMAT}).")
    if header.get("agent") != agent:
        raise CourseError(f"{path} holds weights of {header.get('agent')}, not of {agent}.")
    try:
        config = config_from_dict(json.loads(header["config"]), agent)
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CourseError(f"{path} does not say how its agent was trained ({error!r}).") from error
    return {name: array.astype(np.float32) for name, array in weights.items()}, config


def load_learner(path: Path, framework: str, agent: str = "dqn", device: str = "auto") -> tuple[Learner, Config]:
    """A learner of either framework that plays a weight file."""
    weights, config = load_weights(path, agent)
    learner = make_learner(config, framework, observation_shape(config), num_actions(config), device=device)
    try:
        learner.set_weights(weights)
    except ValueError as error:
        raise CourseError(f"{path} does not fit its own configuration: {error}.") from error
    return learner, config


def manifest() -> list[dict]:
    """The shipped stages, an entry each."""
    path = FOLDER / "manifest.json"
    if not path.is_file():
        raise CourseError(f"The list of trained agents is missing: {path}; restore it with: git checkout -- data/pretrained")
    try:
        entries = json.loads(path.read_text())
        if not isinstance(entries, list):
            raise ValueError("it is no list")
        for entry in entries:
            lacking = ENTRY - set(entry) or ENTRY_OF.get(entry["agent"], set()) - set(entry)
            for evaluation in () if lacking else (entry[name] for name in entry if name.endswith("evaluation")):
                lacking = lacking or EVALUATION - set(evaluation)
            if lacking:
                raise ValueError(f"an entry lacks {', '.join(sorted(lacking))}")
        return entries
    except (ValueError, TypeError, KeyError) as error:
        raise CourseError(f"{path} is damaged ({error}); restore it with: git checkout -- data/pretrained") from error


def stages(agent: str = "dqn") -> list[int]:
    """The stages shipped of an agent, lowest first."""
    return sorted(entry["stage"] for entry in manifest() if entry["agent"] == agent)


def find_stage(agent: str, stage: int | None = None) -> dict:
    """The manifest's entry of a stage; None for the highest shipped."""
    available = stages(agent)
    if not available:
        raise CourseError(f'There is no trained "{agent}" agent yet; there are: {", ".join(sorted({e["agent"] for e in manifest()})) or "none"}.')
    stage = available[-1] if stage is None else stage
    for entry in manifest():
        if (entry["agent"], entry["stage"]) == (agent, stage):
            return entry
    raise CourseError(f"There is no stage {stage} of {agent}; shipped: {', '.join(map(str, available))}.")


def stage_file(agent: str, stage: int | None = None) -> tuple[Path, dict]:
    """A stage's weight file, checked against the manifest: (path, entry). Refuses a file that is missing, changed or does not match."""
    entry = find_stage(agent, stage)
    path = FOLDER / entry["file"]
    if not path.is_file():
        raise CourseError(f"{path} is missing; restore it with: git checkout -- data/pretrained")
    if sha256(path) != entry["sha256"]:
        raise CourseError(f"{path} is damaged: its checksum is not the manifest's; restore it with: git checkout -- data/pretrained")
    _, config = load_weights(path, agent)
    if list(ACTIONS[config.num_actions][1]) != entry["actions"] or config.preprocessing != entry["preprocessing"]:
        raise CourseError(f"{path} was trained with other actions or pixels than the manifest says.")
    return path, entry


def load_stage(agent: str = "dqn", stage: int | None = None) -> tuple[Weights, dict]:
    """A shipped stage (None: the highest): (canonical weights, the manifest's entry)."""
    path, entry = stage_file(agent, stage)
    return load_weights(path, agent)[0], entry


def game_beside(weights: Path) -> Path:
    """Where a stage's recorded game lies: stage1.safetensors -> stage1.game.npz; see `recordings`."""
    return weights.with_suffix(".game.npz")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def problems() -> list[str]:
    """A sentence for every shipped file that is missing or does not match the manifest."""
    found = []
    try:
        for entry in manifest():
            try:
                path, _ = stage_file(entry["agent"], entry["stage"])
                if not game_beside(path).is_file():
                    raise CourseError(f"{game_beside(path)} is missing; restore it with: git checkout -- data/pretrained")
            except CourseError as error:
                found.append(str(error))
    except CourseError as error:
        found.append(str(error))
    return found
