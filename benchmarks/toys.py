"""What the benchmarks on toys share: how many games an agent needs until it plays a toy as well as it can be played, many runs side by side."""

from __future__ import annotations

import argparse
import csv
import hashlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # the networks are small, and every core has a run of its own

import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from course_lib.config import DQNConfig  # noqa: E402
from course_lib.environments import make_vector  # noqa: E402
from course_lib.evaluation import greedy_policy  # noqa: E402
from course_lib.learners import make_learner  # noqa: E402
from course_lib.q_training import heads_of, play_and_learn  # noqa: E402
from course_lib.replay import ReplayMemory  # noqa: E402
from course_lib.toy import make_toy  # noqa: E402

IN_A_ROW = 100  # test games at the optimum


@dataclass(frozen=True)
class Run:
    """One agent on one toy with one seed."""

    agent: str  # its name in the table
    size: int
    seed: int
    config: DQNConfig
    most: int  # games

    @property
    def key(self) -> str:
        """Changes with every setting; after a change in `course_lib` itself, delete the file that keeps the outcomes."""
        return hashlib.sha256(repr((self.config, self.seed, self.most)).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. Games are counted from 1; None: not within `run.most`."""

    run: Run
    found: int | None  # the game in which the agent first came to the large reward
    learned: int | None  # the last of the first 100 games in a row after which it played the toy perfectly


def arguments(doc: str, name: str, sizes: list[int]) -> argparse.ArgumentParser:
    """A command line with the module's docstring as its help."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes, metavar="N", help=f"default: {' '.join(map(str, sizes))}")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each agent at each size (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=2_000, metavar="N", help="games until a run gives up (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="runs side by side (default: a core each)")
    parser.add_argument("--keep", type=Path, default=Path("runs") / f"{name}.csv", metavar="FILE",
                        help="outcomes are kept here; runs that stand there are not played again (delete it after a change in course_lib; "
                        "default: %(default)s)")  # fmt: skip
    return parser


def games(config: DQNConfig, seed: int) -> Iterator[tuple[object, float]]:
    """The learner and the return of each training game, for ever."""
    env = make_vector(config, 1)
    learner = make_learner(config, "torch", env.observation_shape, env.num_actions, seed, device="cpu")
    memory = ReplayMemory(config.replay_capacity, 1, env.observation_shape[:2], config.history, heads_of(config))
    score = 0.0
    with closing(env):
        for step in play_and_learn(config, learner, env, memory, np.random.default_rng(seed)):
            score += float(step.rewards[0])
            if step.over[0]:
                yield learner, score
                score = 0.0


def test_game(learner, toy) -> float:
    """The return of one game without exploration: the action of highest value, or the heads' vote."""
    policy, rng = greedy_policy(learner, epsilon=0.0), np.random.default_rng(0)
    observation, _ = toy.reset()
    score, over = 0.0, False
    while not over:
        observation, reward, terminated, truncated, _ = toy.step(int(policy(observation[None], rng)[0]))
        score, over = score + reward, terminated or truncated
    return score


def play(run: Run) -> Outcome:
    """Train until 100 games in a row were each followed by a perfect test game.

    They count from the game in which the agent first comes to the large reward: a policy that was right before is luck of its first weights.
    """
    toy = make_toy(run.config.game)
    optimum = toy.optimum()
    found, perfect = None, 0
    for game, (learner, score) in enumerate(games(run.config, run.seed), start=1):
        if found is None and score > 0.5:
            found = game
        if found is not None:
            perfect = perfect + 1 if test_game(learner, toy) > optimum - 1e-6 else 0
        if perfect == IN_A_ROW:
            return Outcome(run, found, game)
        if game == run.most:
            return Outcome(run, found, None)


def play_all(runs: list[Run], jobs: int, path: Path) -> list[Outcome]:
    """Every run, `jobs` at a time, the longest first. Outcomes are kept in `path` as they come; those that stand there are taken from it."""
    kept = read(path)
    outcomes = [Outcome(run, *kept[run.key]) for run in runs if run.key in kept]
    runs = sorted((run for run in runs if run.key not in kept), key=lambda run: -run.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with path.open("a", newline="") as file, context.Pool(jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        writer = csv.writer(file)
        try:
            for outcome in tqdm(pool.imap_unordered(play, runs), total=len(runs), unit=" runs", leave=False):
                run = outcome.run
                writer.writerow([run.key, run.agent, run.size, run.seed, outcome.found or "", outcome.learned or ""])
                file.flush()
                outcomes.append(outcome)
        except KeyboardInterrupt:
            print(f"Stopped; {path} keeps the {len(outcomes)} runs that have ended, and the same command goes on.", file=sys.stderr)
            raise SystemExit(130) from None
    return outcomes


def read(path: Path) -> dict[str, tuple[int | None, int | None]]:
    """The outcomes kept in a file: a run's key -> (found, learned)."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {key: (int(found) if found else None, int(learned) if learned else None) for key, *_, found, learned in csv.reader(file)}


def median(outcomes: list[Outcome], agent: str, size: int) -> float:
    """The median number of games until an agent has learned a size; infinite where most runs do not."""
    learned = [outcome.learned for outcome in outcomes if (outcome.run.agent, outcome.run.size) == (agent, size)]
    return float(np.median([np.inf if games is None else games for games in learned]))


def cell(outcomes: list[Outcome], agent: str, size: int) -> str:
    """The median, and every run's number behind it: "153 (138, 153, 166)"."""
    learned = [outcome.learned for outcome in outcomes if (outcome.run.agent, outcome.run.size) == (agent, size)]
    each = ", ".join("-" if games is None else f"{games:,}" for games in sorted(learned, key=lambda games: games or np.inf))
    middle = median(outcomes, agent, size)
    return ("fails" if np.isinf(middle) else f"{middle:,.0f}") + f" ({each})"
