"""Breakout: agent steps a second beside gymnasium's wrappers and Stable-Baselines3's.

  python benchmarks/environment.py

Random play with the emulator's four actions, frame skip 4, 84 x 84 grey, four frames stacked; resets are part of the time. Contenders take
turns in one run.

  course             Breakout; VectorBreakout, whose emulators run in threads
  gymnasium          AtariPreprocessing and FrameStackObservation; SyncVectorEnv of those
  Stable-Baselines3  make_atari_env (AtariWrapper in a DummyVecEnv) and VecFrameStack

The wrappers of both others take the maximum of the last two screens, as their users get it; the course's games, like
BreakoutDeterministic-v4, show the last.

Bar: no slower than any. Exit status 1 if it is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from common import arguments, compare, report, take_turns

import gymnasium
import numpy as np
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from course_lib.atari import Breakout, VectorBreakout

STEPS = 25  # of each game between two looks at the clock


def gymnasium_breakout() -> gymnasium.Env:
    env = gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0)
    return FrameStackObservation(AtariPreprocessing(env), 4)


def sb3_breakout(num_envs: int) -> VecFrameStack:
    return VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", num_envs, seed=0), 4)


def play_single(env: gymnasium.Env) -> Callable[[], int]:
    """Random steps in one game, as a contender."""
    rng = np.random.default_rng(0)
    env.reset(seed=0)

    def step() -> int:
        for action in rng.integers(4, size=STEPS):
            *_, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return STEPS

    return step


def play_many(env, num_envs: int) -> Callable[[], int]:
    """Random steps in games that begin anew by themselves, as a contender."""
    rng = np.random.default_rng(0)
    env.reset()

    def step() -> int:
        for actions in rng.integers(4, size=(STEPS, num_envs)):
            env.step(actions)
        return STEPS * num_envs

    return step


def main() -> int:
    parser = arguments(__doc__, seconds=1.0, rounds=7)
    parser.add_argument("--num-envs", type=int, default=8, help="games side by side (default: %(default)s)")
    options = parser.parse_args()
    n = options.num_envs

    single = {
        "course": play_single(Breakout(num_actions=4)),
        "gymnasium": play_single(gymnasium_breakout()),
        "sb3": play_many(sb3_breakout(1), 1),
    }
    many = {
        "course": play_many(VectorBreakout(n, num_actions=4), n),
        "gymnasium": play_many(gymnasium.vector.SyncVectorEnv([gymnasium_breakout] * n), n),
        "sb3": play_many(sb3_breakout(n), n),
    }
    single, many = (take_turns(contenders, options.seconds, options.rounds) for contenders in (single, many))
    rows = [
        compare("one game, beside gymnasium", single, "course", "gymnasium", 1.0),
        compare("one game, beside Stable-Baselines3", single, "course", "sb3", 1.0),
        compare(f"{n} games, beside gymnasium's SyncVectorEnv", many, "course", "gymnasium", 1.0),
        compare(f"{n} games, beside Stable-Baselines3's DummyVecEnv", many, "course", "sb3", 1.0),
    ]
    return report("Breakout, agent steps a second", rows, "Ratios above 1: the course is faster.")


if __name__ == "__main__":
    sys.exit(main())
