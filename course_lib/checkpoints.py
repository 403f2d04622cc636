"""A run's folder: what it is, where it stands, how to go on.

    run.json                  the agent, its configuration, framework and seed
    checkpoint.safetensors    networks, optimiser, counters, random state
    memory.safetensors        the replay memory, where asked for
    best.safetensors          the weights of the best evaluation
    snapshots/                the weights of every evaluation in half precision, named by their agent steps
    curve.csv  evaluations.csv  events.out.tfevents.*
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from course_lib import config as settings
from course_lib.config import Config
from course_lib.errors import CourseError
from course_lib.files import written_whole
from course_lib.pretrained import load_tensors, save_tensors
from course_lib.replay import ReplayMemory


MAY_CHANGE = ("total_steps", "num_workers", "workers_as")  # of a run that is resumed: how long, and on what machine


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0  # agent steps
    seconds: float = 0.0  # spent training, over all sittings
    best_mean: float = float("-inf")  # of an evaluation
    games: int = 0


class RunFolder:
    """Reads and writes a run's folder. Every file is written whole or not at all."""

    def __init__(self, path: Path):
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def begin(self, config: Config, framework: str, seed: int, resume: bool, learner, rng: np.random.Generator) -> Progress:
        """Claim the folder for a new run, or put learner and generator where the run in it stopped; returns how far it has come."""
        if resume:
            self.go_on(config, framework, seed)
            return self.load(learner, rng)
        self.start(config, framework, seed)
        self.save(learner, Progress(), rng)
        return Progress()

    def start(self, config: Config, framework: str, seed: int) -> None:
        """Claim an empty folder for a new run."""
        if (self / "run.json").exists():
            raise CourseError(f"{self.path} already holds a run; go on with --resume, or choose another folder with --run.")
        self._describe(config, framework, seed)

    def go_on(self, config: Config, framework: str, seed: int) -> None:
        """Refuse to go on with another configuration than the run began with; only its length and its workers may change."""
        about = self.about(config.agent)
        different = settings.differences(config_of(about), config)
        different = [name for name in different if name not in MAY_CHANGE]
        different += [name for name, value in (("framework", framework), ("seed", seed)) if about[name] != value]
        if different:
            raise CourseError(f"{self.path} was begun with other settings ({', '.join(different)}); resume it with those it has.")
        self._describe(config, framework, seed)

    def _describe(self, config: Config, framework: str, seed: int) -> None:
        with written_whole(self / "run.json") as unfinished:
            about = {"agent": config.agent, "config": asdict(config), "framework": framework, "seed": seed}
            unfinished.write_text(json.dumps(about, indent=1) + "\n")

    def about(self, agent: str) -> dict:
        """What `run.json` says: agent, config, framework, seed. Refuses a run of another agent."""
        if not (self / "run.json").exists():
            raise CourseError(f"{self.path} holds no run.")
        try:
            about = json.loads((self / "run.json").read_text())
            about = {name: about[name] for name in ("agent", "config", "framework", "seed")}
        except (ValueError, KeyError, TypeError) as error:
            raise CourseError(f"{self / 'run.json'} is damaged ({error!r}); begin a new run.") from error
        if about["agent"] != agent:
            raise CourseError(f"{self.path} holds a run of {about['agent']}, not of {agent}.")
        return about

    def snapshot(self, step: int) -> Path:
        """Where the weights evaluated at `step` agent steps are kept."""
        return self / "snapshots" / f"{step}.safetensors"

    def evaluation(self, step: int | None = None) -> dict:
        """The row of evaluations.csv at `step` agent steps (None: the best one): agent_steps, hours, mean, ..."""
        if not (self / "evaluations.csv").exists():
            raise CourseError(f"{self.path} has not been evaluated yet; train on.")
        try:
            with (self / "evaluations.csv").open(newline="") as file:
                rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
            rows = [row | {"agent_steps": int(row["agent_steps"])} for row in rows]
            best = max(rows, key=lambda row: row["mean"])
        except (TypeError, ValueError, KeyError) as error:
            raise CourseError(f"{self / 'evaluations.csv'} is damaged ({error}); mend or delete its last line.") from error
        if step is None:
            return best
        for row in rows:
            if row["agent_steps"] == step:
                return row
        raise CourseError(f"{self.path} was not evaluated at {step} agent steps, but at {', '.join(str(row['agent_steps']) for row in rows)}.")

    def save(self, learner, progress: Progress, rng: np.random.Generator) -> None:
        """Write the checkpoint."""
        header = {"progress": json.dumps(asdict(progress)), "rng": json.dumps(rng.bit_generator.state)}
        save_tensors(self / "checkpoint.safetensors", learner.get_state(), header)

    def load(self, learner, rng: np.random.Generator) -> Progress:
        """Put learner and generator where the checkpoint left them."""
        state, header = load_tensors(self / "checkpoint.safetensors")
        try:
            learner.set_state(state)
            rng.bit_generator.state = json.loads(header["rng"])
            return Progress(**json.loads(header["progress"]))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CourseError(f"{self / 'checkpoint.safetensors'} does not fit this run ({error}).") from error

    def save_memory(self, memory: ReplayMemory, step: int) -> None:
        """Write the replay memory of the checkpoint at `step` agent steps."""
        header = {"head": str(memory.head), "size": str(memory.size), "step": str(step)}
        save_tensors(self / "memory.safetensors", memory.arrays(), header)

    def load_memory(self, memory: ReplayMemory, step: int) -> bool:
        """Fill the memory from the folder; False if none was kept with the checkpoint at `step` agent steps."""
        path = self / "memory.safetensors"
        if not path.exists():
            return False
        try:
            with safe_open(path, framework="numpy") as file:
                header = file.metadata()
                if header["step"] != str(step):
                    return False
                for name, array in memory.arrays().items():
                    stored = file.get_slice(name)
                    for t in range(0, len(array), 1_000):  # piece by piece: the memory is most of what this machine has
                        array[t : t + 1_000] = stored[t : t + 1_000]
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise CourseError(f"{path} is damaged ({error}); delete it, and the resumed run refills its memory.") from error
        memory.head, memory.size = int(header["head"]), int(header["size"])
        return True


def config_of(about: dict) -> Config:
    """The configuration in a `run.json`."""
    return settings.config_from_dict(about["config"], about["agent"])
