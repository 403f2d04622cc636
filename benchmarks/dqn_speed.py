"""DQN: agent steps a second of the course's training loop beside Stable-Baselines3's.

  python benchmarks/dqn_speed.py                  # the FAST preset: 8 games, a batch of 64 every 8 agent steps
  python benchmarks/dqn_speed.py --preset book    # one game, a batch of 32 every agent step

Both play Breakout with the same network, as many games, and update as often with the same batch and the same kind of optimiser, on one
machine, taking turns in one run; both keep their statistics of episodes. Epsilon stands at the preset's end, and learning has begun before
the clock starts. Stable-Baselines3 plays through its own make_atari_env and VecFrameStack and computes in float32. The course is timed in
the preset's own precision (bfloat16 matrix work in FAST), which is what its users run, and in float32, for a like-for-like row.

Bars, for the preset as it is: PyTorch at least 2 times Stable-Baselines3; Keras at least 1 / 1.5 of PyTorch. Exit status 1 if one is missed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from common import arguments, compare, report, take_turns

import numpy as np
import torch

from course_lib import quiet
from course_lib.checkpoints import Progress, RunFolder
from course_lib.config import BOOK, FAST, DQNConfig
from course_lib.environments import make_vector
from course_lib.learners import make_learner
from course_lib.logs import EpisodeStatistics, NullBoard
from course_lib.q_training import play_and_learn
from course_lib.recording import Recorder
from course_lib.replay import ReplayMemory

with quiet():  # TensorFlow greets, and Stable-Baselines3 loads it too
    import tensorflow as tf
    from stable_baselines3 import DQN
    from stable_baselines3.common.env_util import make_atari_env
    from stable_baselines3.common.vec_env import VecFrameStack

STEPS = 80  # agent steps between two looks at the clock
OPTIMIZERS = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}


def course(config: DQNConfig, framework: str, folder: Path) -> Callable[[], int]:
    """The course's loop as a contender: what `train` does with every step, without its progress bar."""
    env = make_vector(config, config.num_envs)
    learner = make_learner(config, framework, env.observation_shape, env.num_actions)
    memory = ReplayMemory(config.replay_capacity, config.num_envs)
    run = RunFolder(folder / f"{framework}-{config.precision}")
    run.start(config, framework, seed=0)
    statistics = EpisodeStatistics(config.num_envs)
    recorder = Recorder(run, config, Progress(), NullBoard(), statistics)
    steps = play_and_learn(config, learner, env, memory, np.random.default_rng(0))
    while len(memory) < config.learning_starts:
        next(steps)

    def play() -> int:
        made = 0
        while made < STEPS:
            step = next(steps)
            ended = statistics.add(step.rewards, step.max_q_values, step.loss, step.played, step.over)
            recorder.add(step.after, ended, step.epsilon)
            made += step.after - step.before
        return made

    return play


def stable_baselines3(config: DQNConfig) -> Callable[[], int]:
    """Stable-Baselines3's DQN with the same settings as a contender."""
    env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", config.num_envs, seed=0), config.history)
    optimizer = dict(optimizer_class=OPTIMIZERS[config.optimizer], optimizer_kwargs=dict(eps=config.optimizer_epsilon))
    model = DQN(
        "CnnPolicy",
        env,
        learning_rate=config.learning_rate,
        buffer_size=config.replay_capacity,
        learning_starts=config.learning_starts,
        batch_size=config.batch_size,
        train_freq=max(1, config.update_period // config.num_envs),  # steps of all games
        gradient_steps=max(1, config.num_envs // config.update_period),
        target_update_interval=config.target_update_period,
        exploration_initial_eps=config.epsilon_end,
        exploration_final_eps=config.epsilon_end,
        policy_kwargs=optimizer,
    )
    model.learn(config.learning_starts)

    def play() -> int:
        before = model.num_timesteps
        model.learn(STEPS, reset_num_timesteps=False)
        return model.num_timesteps - before

    return play


def main() -> int:
    parser = arguments(__doc__, seconds=4.0, rounds=5)
    parser.add_argument("--preset", choices=["fast", "book"], default="fast", help="whose settings (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="threads of each network, all contenders alike (default: each framework's own choice)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    preset = {"fast": FAST, "book": BOOK}[options.preset]
    preset = replace(preset, replay_capacity=8_000, learning_starts=400, epsilon_start=preset.epsilon_end)
    single = replace(preset, precision="float32")

    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "torch": course(preset, "torch", Path(folder)),
            "keras": course(preset, "keras", Path(folder)),
            "sb3": stable_baselines3(preset),
        }
        if preset != single:
            contenders |= {f"{name}, float32": course(single, name, Path(folder)) for name in ("torch", "keras")}
        rates = take_turns(contenders, options.seconds, options.rounds)

    own = preset.precision
    rows = [
        compare(f"PyTorch {own}, beside Stable-Baselines3 float32", rates, "torch", "sb3", 2.0),
        compare(f"Keras {own}, beside PyTorch {own}", rates, "keras", "torch", 1 / 1.5),
        compare(f"Keras {own}, beside Stable-Baselines3 float32", rates, "keras", "sb3"),
    ]
    if preset != single:
        rows += [
            compare("PyTorch float32, beside Stable-Baselines3 float32", rates, "torch, float32", "sb3"),
            compare("Keras float32, beside PyTorch float32", rates, "keras, float32", "torch, float32"),
        ]
    games, batch, every = preset.num_envs, preset.batch_size, preset.update_period
    title = f"DQN on Breakout, agent steps a second: preset {preset.preset}, {games} games, a batch of {batch} every {every} agent steps"
    return report(title, rows, f"{torch.get_num_threads()} torch threads on {os.cpu_count()} cores, device {'cuda' if torch.cuda.is_available() else 'cpu'}.")


if __name__ == "__main__":
    sys.exit(main())
