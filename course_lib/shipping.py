"""From a run to a shipped stage: copy the weights, evaluate the copy, write the manifest's entry."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from course_lib import pretrained
from course_lib.atari import ACTIONS
from course_lib.checkpoints import RunFolder
from course_lib.config import PRESETS, differences
from course_lib.errors import CourseError
from course_lib.evaluation import evaluate, greedy_policy, sampled_policy
from course_lib.files import written_whole

EPISODES, EPSILON, SEED = 30, 0.01, 10_000  # seeds apart from those by which training chose its best weights

FLAGS = {"total_steps": "--total-steps", "num_workers": "--workers", "workers_as": "--workers-as"}


def ship(run: Path, agent: str, stage: int, machine: str, note: str = "") -> dict:
    """Make `run`'s best weights stage `stage` of `agent`; returns the manifest's entry."""
    folder = RunFolder(run)
    about = folder.about(agent)
    weights, config = pretrained.load_weights(folder / "best.safetensors", agent)
    if config.game != "breakout":
        raise CourseError(f"{run} plays {config.game}; only Breakout's agents are shipped.")
    best = folder.best_evaluation()

    path = pretrained.FOLDER / agent / f"stage{stage}.safetensors"
    pretrained.save_weights(path, weights, config, dtype=np.float16)
    shutil.copyfile(folder / "curve.csv", path.parent / "curve.csv")
    learner, config = pretrained.load_learner(path, about["framework"], agent)
    policies = {"evaluation": (greedy_policy(learner, EPSILON), {"epsilon": EPSILON})}
    if agent == "a3c":  # the way it is trained first; Q-values have no probabilities to draw from
        policies = {"evaluation": (sampled_policy(learner), {"policy": "sampled"}), "greedy_evaluation": policies["evaluation"]}
    if agent == "bootstrapped_dqn":
        policies = {"evaluation": (policies["evaluation"][0], {"policy": "vote", "epsilon": EPSILON})}
    evaluations = {}
    with tqdm(total=EPISODES * len(policies), unit=" games", leave=False) as bar:
        for name, (policy, manner) in policies.items():
            evaluations[name] = {"episodes": EPISODES} | manner | evaluate(policy, config, EPISODES, SEED, bar.update).summary()

    command = f"course train {agent} --framework {about['framework']} --preset {config.preset} --run {run} --seed {about['seed']}"
    for name in set(differences(config, PRESETS[agent][config.preset])) & FLAGS.keys():
        command += f" {FLAGS[name]} {getattr(config, name)}"
    entry = {
        "agent": agent,
        "stage": stage,
        "file": f"{agent}/stage{stage}.safetensors",
        "sha256": pretrained.sha256(path),
        "agent_steps": best["agent_steps"],
        "emulator_frames": best["agent_steps"] * config.frame_skip,
        "hours": best["hours"],
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


def write(entry: dict) -> None:
    """Put an entry into the manifest, in place of an older one of the same stage."""
    path = pretrained.FOLDER / "manifest.json"
    entries = json.loads(path.read_text()) if path.exists() else []
    entries = [old for old in entries if (old["agent"], old["stage"]) != (entry["agent"], entry["stage"])] + [entry]
    entries.sort(key=lambda item: (item["agent"], item["stage"]))
    with written_whole(path) as unfinished:
        unfinished.write_text(json.dumps(entries, indent=1) + "\n")
