"""From a run to a shipped stage: copy the weights, evaluate the copy, record a game, write the manifest's entry."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from course_lib import pretrained, recordings, stages
from course_lib.atari import ACTIONS
from course_lib.checkpoints import RunFolder
from course_lib.config import PRESETS, differences
from course_lib.errors import CourseError
from course_lib.files import written_whole
from course_lib.logs import POINTS, read_curve

FLAGS = {"total_steps": "--total-steps", "num_workers": "--workers", "workers_as": "--workers-as"}


def ship(run: Path, agent: str, stage: int, machine: str, note: str = "", step: int | None = None) -> dict:
    """Make the weights that `run` evaluated at `step` agent steps (None: its best) stage `stage` of `agent`; returns the manifest's entry."""
    folder = RunFolder(run)
    about = folder.about(agent)
    reached = folder.evaluation(step)
    weights, config = pretrained.load_weights(folder / "best.safetensors" if step is None else folder.snapshot(step), agent)
    if config.game != "breakout":
        raise CourseError(f"{run} plays {config.game}; only Breakout's agents are shipped.")

    with tempfile.TemporaryDirectory() as made:  # whoever stops before the end leaves everything as it was
        path = Path(made) / f"stage{stage}.safetensors"
        pretrained.save_weights(path, weights, config, dtype=np.float16)
        with tqdm(total=stages.EPISODES * len(stages.EVALUATIONS[agent]), unit=" games", leave=False) as bar:
            evaluations = stages.evaluate_file(path, agent, about["framework"], bar.update)
        learner, config = pretrained.load_learner(path, about["framework"], agent)
        recordings.save_recording(recordings.play_as_trained(learner, config), config, pretrained.game_beside(path))
        checksum = pretrained.sha256(path)
        shutil.copytree(made, pretrained.FOLDER / agent, dirs_exist_ok=True)
    ship_curve(folder / "curve.csv", pretrained.FOLDER / agent / "curve.csv", agent)

    command = f"course train {agent} --framework {about['framework']} --preset {config.preset} --run {run} --seed {about['seed']}"
    for name in set(differences(config, PRESETS[agent][config.preset])) & FLAGS.keys():
        command += f" {FLAGS[name]} {getattr(config, name)}"
    entry = {
        "agent": agent,
        "stage": stage,
        "file": f"{agent}/stage{stage}.safetensors",
        "sha256": checksum,
        "agent_steps": reached["agent_steps"],
        "emulator_frames": reached["agent_steps"] * config.frame_skip,
        "hours": reached["hours"],
        "machine": machine,
        "command": command,
        "preset": config.preset,
        "seed": about["seed"],
        "versions": {name: version(name) for name in ("ale-py", "gymnasium", "numpy", "torch", "tensorflow", "keras")},
        "actions": list(ACTIONS[config.num_actions][1]),
        "preprocessing": config.preprocessing,
        "note": note,
    } | evaluations
    write(entry)
    return entry


def ship_curve(curve: Path, shipped: Path, agent: str) -> None:
    """Ship a run's learning curve, unless a longer one of this agent is there: the early stages may come from a shorter run."""
    kind = POINTS[agent]
    if not shipped.exists() or read_curve(curve, kind)[-1].agent_steps >= read_curve(shipped, kind)[-1].agent_steps:
        shutil.copyfile(curve, shipped)


def write(entry: dict) -> None:
    """Put an entry into the manifest, in place of an older one of the same stage."""
    path = pretrained.FOLDER / "manifest.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    entries = [old for old in entries if (old["agent"], old["stage"]) != (entry["agent"], entry["stage"])] + [entry]
    entries.sort(key=lambda item: (item["agent"], item["stage"]))
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(entries, indent=1) + "\n")
