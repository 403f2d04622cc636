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
from course_lib.config import PRESETS, Config, differences
from course_lib.errors import CourseError
from course_lib.files import written_whole

FLAGS = {"total_steps": "--total-steps", "num_workers": "--workers", "workers_as": "--workers-as"}


def ship(run: Path, agent: str, stage: int, machine: str, note: str = "", step: int | None = None) -> dict:
    """Make the weights that `run` evaluated at `step` agent steps (None: its best) stage `stage` of `agent`; returns the manifest's entry."""
    folder = RunFolder(run)
    about = folder.about(agent)
    reached = folder.evaluation(step)
    kept = folder.snapshot(reached["agent_steps"])
    weights, config = pretrained.load_weights(kept if kept.exists() or step else folder / "best.safetensors", agent)
    if config.game != "breakout":
        raise CourseError(f"{run} plays {config.game}; only Breakout's agents are shipped.")
    entry = {
        "agent": agent,
        "stage": stage,
        "file": f"{agent}/stage{stage}.safetensors",
        "agent_steps": reached["agent_steps"],
        "emulator_frames": reached["agent_steps"] * config.frame_skip,
        "hours": reached["hours"],
        "machine": machine,
        "command": command(run, about, config),
        "preset": config.preset,
        "seed": about["seed"],
        "versions": {name: version(name) for name in ("ale-py", "gymnasium", "numpy", "torch", "tensorflow", "keras")},
        "actions": list(ACTIONS[config.num_actions][1]),
        "preprocessing": config.preprocessing,
        "note": note,
    }
    with tempfile.TemporaryDirectory() as made:  # whoever stops an evaluation leaves everything as it was
        path = Path(made) / f"stage{stage}.safetensors"
        pretrained.save_weights(path, weights, config, dtype=np.float16)
        with tqdm(total=stages.EPISODES * len(stages.EVALUATIONS[agent]), unit=" games", leave=False) as bar:
            entry |= {"sha256": pretrained.sha256(path)} | stages.evaluate_file(path, agent, about["framework"], bar.update)
        learner, config = pretrained.load_learner(path, about["framework"], agent)
        recordings.save_recording(recordings.play_as_trained(learner, config, max_steps=recordings.LONGEST), config, pretrained.game_beside(path))

        made_here = [path, pretrained.game_beside(path)]
        if stage >= max(shipped_stages(agent), default=0):  # the diary of the run that came farthest
            made_here += [folder / "curve.csv", folder / "evaluations.csv"]
        for source in made_here:
            with written_whole(pretrained.FOLDER / agent / source.name) as unfinished:
                shutil.copyfile(source, unfinished)
    write(entry)
    return entry


def command(run: Path, about: dict, config: Config) -> str:
    """The command that trained a run. Refuses a run whose settings no command gives."""
    preset = PRESETS[config.agent].get(config.preset)
    different = differences(config, preset) if preset else ["preset"]
    if set(different) - FLAGS.keys():
        raise CourseError(f"{run} was trained with settings that no command gives ({', '.join(set(different) - FLAGS.keys())}); ship a run of a preset.")
    words = f"course train {config.agent} --framework {about['framework']} --preset {config.preset} --run {run} --seed {about['seed']}"
    return " ".join([words, *(f"{flag} {getattr(config, name)}" for name, flag in FLAGS.items() if name in different)])


def shipped_stages(agent: str) -> list[int]:
    """The stages in the manifest, if there is one yet."""
    return pretrained.stages(agent) if (pretrained.FOLDER / "manifest.json").exists() else []


def write(entry: dict) -> None:
    """Put an entry into the manifest, in place of an older one of the same stage."""
    path = pretrained.FOLDER / "manifest.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    entries = [old for old in entries if (old["agent"], old["stage"]) != (entry["agent"], entry["stage"])] + [entry]
    entries.sort(key=lambda item: (item["agent"], item["stage"]))
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(entries, indent=1) + "\n")
