"""The one place that turns a configuration into games."""

from __future__ import annotations

from course_lib.atari import FRAME_SHAPE, VectorBreakout
from course_lib.config import DQNConfig
from course_lib.errors import CourseError
from course_lib.toy import TOYS, VectorToy


def make_vector(config: DQNConfig, num_envs: int):
    """`num_envs` games side by side, as the configuration says: a `VectorBreakout` or a `VectorToy`."""
    if config.game in TOYS:
        return VectorToy(config.game, num_envs)
    if config.game != "breakout":
        raise CourseError(f'There is no game "{config.game}"; there are breakout, {", ".join(TOYS)}.')
    settings = (config.preprocessing, config.num_actions, config.history, config.noop_max, config.max_frames)
    return VectorBreakout(num_envs, *settings, frame_skip=config.frame_skip)


def observation_shape(config: DQNConfig) -> tuple[int, int, int]:
    """(H, W, C) of what the configuration's game shows."""
    return TOYS[config.game]().observation_space.shape if config.game in TOYS else (*FRAME_SHAPE, config.history)
