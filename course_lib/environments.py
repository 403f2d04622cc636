"""The one place that turns a configuration into games."""

from __future__ import annotations

from course_lib.atari import VectorBreakout
from course_lib.config import DQNConfig
from course_lib.errors import CourseError
from course_lib.toy import TOYS, VectorToy


def make_vector(config: DQNConfig, num_envs: int):
    """`num_envs` games side by side, as the configuration says: a `VectorBreakout` or a `VectorToy`."""
    if config.game in TOYS:
        return VectorToy(config.game, num_envs)
    if config.game != "breakout":
        raise CourseError(f'There is no game "{config.game}"; there are breakout, {", ".join(TOYS)}.')
    return VectorBreakout(num_envs, config.preprocessing, config.num_actions, config.history, config.noop_max, config.max_frames)
