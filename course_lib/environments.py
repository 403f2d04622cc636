"""The one place that turns a configuration into games."""

from __future__ import annotations

import gymnasium

from course_lib.atari import FRAME_SHAPE, Breakout, VectorBreakout
from course_lib.config import Config
from course_lib.errors import CourseError
from course_lib.toy import TOY_NAMES, VectorToy, is_toy, make_toy


def make_vector(config: Config, num_envs: int):
    """`num_envs` games side by side, as the configuration says: a `VectorBreakout` or a `VectorToy`."""
    if is_toy(config.game):
        return VectorToy(config.game, num_envs)
    return VectorBreakout(num_envs, **breakout_settings(config))


def make_game(config: Config) -> gymnasium.Env:
    """One game, as the configuration says: a `Breakout` or a toy."""
    if is_toy(config.game):
        return make_toy(config.game)
    return Breakout(**breakout_settings(config))


def breakout_settings(config: Config) -> dict:
    """What `Breakout` and `VectorBreakout` are made with. Raises CourseError for another game."""
    if config.game != "breakout":
        raise CourseError(f'There is no game "{config.game}"; there are breakout, {TOY_NAMES}.')
    names = ("preprocessing", "num_actions", "history", "noop_max", "max_frames", "frame_skip")
    return {name: getattr(config, name) for name in names}


def observation_shape(config: Config) -> tuple[int, int, int]:
    """(H, W, C) of what the configuration's game shows."""
    return make_toy(config.game).observation_space.shape if is_toy(config.game) else (*FRAME_SHAPE, config.history)


def num_actions(config: Config) -> int:
    """How many actions the configuration's game has: a toy says so itself."""
    return int(make_toy(config.game).action_space.n) if is_toy(config.game) else config.num_actions
