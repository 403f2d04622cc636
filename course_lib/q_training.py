"""The loop of DQN (Mnih et al. 2015, algorithm 1) and Bootstrapped DQN (Osband et al. 2016, algorithm 1), once for both frameworks and for one
or many games.

`play_and_learn` is the algorithm; `train` gives it a folder, a progress bar, evaluations and checkpoints.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from course_lib.checkpoints import Progress, RunFolder
from course_lib.config import BootstrappedConfig, DQNConfig
from course_lib.environments import make_vector
from course_lib.evaluation import evaluate, greedy_policy
from course_lib.exploration import draw_masks, epsilon_greedy, head_per_episode, linear_epsilon
from course_lib.learners import QLearner, make_learner
from course_lib.logs import EpisodeStatistics, NullBoard, TensorBoard
from course_lib.recording import CURVE_PERIOD, EVALUATION_SEED, Recorder, come_far_enough, due, stop_on_interrupt
from course_lib.replay import ReplayMemory


@dataclass(frozen=True)
class Step:
    """What one step of every game brought."""

    before: int  # agent steps before it
    after: int  # agent steps after it
    rewards: np.ndarray  # float32 [E], raw
    max_q_values: np.ndarray  # float32 [E]
    loss: float  # of the latest update
    epsilon: float
    played: np.ndarray  # bool [E], false where the step only began a game
    over: np.ndarray  # bool [E]

    def passes(self, period: int) -> bool:
        """Does this step pass a multiple of `period` agent steps?"""
        return due(period, self.before, self.after) > 0


def play_and_learn(
    config: DQNConfig, learner: QLearner, env, memory: ReplayMemory, rng: np.random.Generator, step: int = 0
) -> Iterator[Step]:
    """The algorithm: choose, step, store, sample, update, copy; yields after each step of every game, for ever.

    step: agent steps taken already. Learning waits until the memory holds `learning_starts` slots, so a resumed run without its memory
    refills it first, with the policy it has. An ensemble follows one head through each game, and stores masks with each transition.
    """
    num_heads = heads_of(config)
    if memory.num_heads != num_heads:
        raise ValueError(f"the memory keeps masks for {memory.num_heads} heads; this agent has {num_heads}")
    heads = np.zeros(env.num_envs, int)  # [E]: the head that each game follows
    observations, info = env.reset(seed=int(rng.integers(2**31)))
    starts = info["reset"]  # bool [E]: this observation opens a game
    loss = 0.0
    while True:
        epsilon = linear_epsilon(
            step, config.epsilon_start, config.epsilon_end, config.epsilon_decay_steps, config.learning_starts
        )
        q_values = learner.q_values(observations)  # [E, A], or [E, K, A] of an ensemble
        if num_heads:
            heads = head_per_episode(heads, starts, num_heads, rng)  # [E]
            q_values = q_values[np.arange(env.num_envs), heads]  # [E, A]
        env.send(epsilon_greedy(q_values, epsilon, rng))

        # The emulators play in their own threads; the network learns from older transitions meanwhile.
        before, step = step, step + int((~env.over).sum())
        if step >= config.learning_starts and len(memory) >= min(config.learning_starts, memory.capacity):
            for _ in range(due(config.update_period, before, step)):
                loss = learner.update(memory.sample(config.batch_size, rng))
            if due(config.target_update_period, before, step):
                learner.sync_target()

        next_observations, rewards, terminated, truncated, info = env.recv()
        clipped = np.clip(rewards, -1.0, 1.0)
        masks = draw_masks(env.num_envs, num_heads, config.mask_probability, rng) if num_heads else ()  # bool [E, K]
        memory.add(observations[..., -1], info["actions"], clipped, terminated | info["life_lost"], starts, masks)
        observations, starts = next_observations, info["reset"]
        yield Step(before, step, rewards, q_values.max(axis=1), loss, epsilon, ~info["reset"], terminated | truncated)


def train(
    config: DQNConfig,
    framework: str,
    run: str | Path,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    keep_memory: bool = False,
    tensorboard: bool = True,
    show_progress: bool = True,
) -> Progress:
    """Train a DQN or a Bootstrapped DQN into the folder `run` until `config.total_steps`, Ctrl-C or SIGTERM; all are saved. Returns how far it came."""
    folder = RunFolder(run)
    env = make_vector(config, config.num_envs)
    learner = make_learner(config, framework, env.observation_shape, env.num_actions, seed, device)
    memory = ReplayMemory(config.replay_capacity, config.num_envs, env.observation_shape[:2], config.history, heads_of(config))
    rng = np.random.default_rng(seed)
    progress = folder.begin(config, framework, seed, resume, learner, rng)
    if progress.step >= config.total_steps:
        tqdm.write(come_far_enough(folder, progress))
        return progress
    if resume:
        kept = folder.load_memory(memory, progress.step)
        tqdm.write(f"Going on at {progress.step:,} agent steps; " + refill_note(kept, memory, config))
    board = TensorBoard(folder.path) if tensorboard else NullBoard()
    statistics = EpisodeStatistics(config.num_envs)
    recorder = Recorder(folder, config, progress, board, statistics)

    bar = tqdm(total=config.total_steps, initial=progress.step, unit=" steps", disable=not show_progress, mininterval=1, smoothing=0.01)
    last_save = time.monotonic()
    with stop_on_interrupt() as interrupted, bar:
        for step in play_and_learn(config, learner, env, memory, rng, progress.step):
            ended = statistics.add(step.rewards, step.max_q_values, step.loss, step.played, step.over)
            recorder.add(step.after, ended, step.epsilon)
            bar.update(step.after - step.before)
            if step.passes(CURVE_PERIOD):
                bar.set_postfix(score=f"{statistics.means()[0]:.1f}", best=f"{progress.best_mean:.1f}", refresh=False)
            comes_to_its_end = step.after >= config.total_steps
            if step.passes(config.evaluation_period) or (comes_to_its_end and config.evaluation_period):
                folder.save(learner, progress, rng)  # an evaluation takes a while: whoever has no patience for it loses nothing
                bar.set_description("evaluating")
                scores = evaluate(greedy_policy(learner, config.evaluation_epsilon), config, config.evaluation_episodes, EVALUATION_SEED)
                recorder.add_evaluation(scores, learner.get_weights(), progress)
                folder.save(learner, progress, rng)  # and the best weights keep their mean
                bar.set_description("")
            finished = comes_to_its_end or interrupted.is_set()
            if finished or time.monotonic() - last_save > 60 * config.checkpoint_minutes:
                folder.save(learner, progress, rng)
                last_save = time.monotonic()
            if finished:
                break
    if keep_memory:
        folder.save_memory(memory, progress.step)
    recorder.close()
    env.close()
    return progress


def heads_of(config: DQNConfig) -> int:
    """How many heads learn, each from its own masks; 0 for DQN."""
    return config.num_heads if isinstance(config, BootstrappedConfig) else 0


def refill_note(kept: bool, memory: ReplayMemory, config: DQNConfig) -> str:
    """What a resumed run says of its memory."""
    if kept:
        return f"the memory came along with {len(memory):,} slots."
    return f"the memory starts empty: the policy refills {config.learning_starts:,} slots before learning goes on (keep it with --keep-memory)."
