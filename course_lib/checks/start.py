"""Checks of lesson 00: the warm-up."""

from __future__ import annotations

import gymnasium
import numpy as np

from course_lib.checks.base import Mistake, exercise


class ThreeLives(gymnasium.Env):
    """A game that starts with three lives and remembers how it was reset: Breakout's five would hide an answer typed in."""

    observation_space = gymnasium.spaces.Box(0, 255, (2, 2), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self):
        self.seeds = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        return np.zeros((2, 2), np.uint8), {"lives": 3, "frame_number": 0}

    def step(self, action):
        return np.zeros((2, 2), np.uint8), 0.0, False, False, {"lives": 2, "frame_number": 4}


def count_lives(env: gymnasium.Env) -> int:
    """The reference of 00.1."""
    _, info = env.reset(seed=0)
    return info["lives"]


@exercise("00.1", reference=count_lives, why="Every episode begins like that: reset with a seed, keep the observation, read info.")
def lives_at_start(answer):
    env = ThreeLives()
    lives = answer(env)
    if lives == 5:
        raise Mistake("a game that starts with 3 lives must give 3; yours gives 5: read it from info instead of typing Breakout's number")
    if isinstance(lives, tuple):
        raise Mistake('env.reset() gives two things, an observation and info; you returned both: return info["lives"]')
    if isinstance(lives, dict):
        raise Mistake('you returned the whole of info, {"lives": 3, ...}: return the number under "lives"')
    if lives == 2:
        raise Mistake("a game that starts with 3 lives must give 3; yours gives 2: you played a step, and lost one, before counting")
    if not isinstance(lives, int) or lives != 3:
        raise Mistake(f"a game that starts with 3 lives must give the int 3; yours gives {lives!r}")
    if env.seeds[0] != 0:
        raise Mistake(f"the first reset must be env.reset(seed=0), so that everyone sees the same game; yours used seed={env.seeds[0]}")
