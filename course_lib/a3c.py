"""A3C: actor-learners that play side by side and improve one global network (Mnih et al. 2016, algorithm S3).

`ActorLearner` is the algorithm, a thread with a game and a local network of its own, for both frameworks. The same class runs in a process of its
own where threads would wait for each other: the emulator holds the interpreter's lock while it plays. `train` starts them one by one, and gives
the run a folder, a progress bar, evaluations and checkpoints.
"""

from __future__ import annotations

import multiprocessing
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from course_lib.checkpoints import Progress, RunFolder
from course_lib.config import A3CConfig
from course_lib.environments import make_game, observation_shape
from course_lib.errors import CourseError, WorkerFailed
from course_lib.evaluation import evaluate, sampled_policy
from course_lib.exploration import sample_actions
from course_lib.learners import ActorCritic, make_learner, one_thread_each
from course_lib.logs import SCALARS, EpisodeStatistics, NullBoard, TensorBoard
from course_lib.recording import EVALUATION_SEED, Recorder, come_far_enough, due, stop_on_interrupt
from course_lib.returns import Rollout, advantages, entropy, n_step_returns

POLL_SECONDS = 0.2  # from one look at the workers' reports to the next
PATIENCE_SECONDS = 30.0  # for workers that were asked to stop


@dataclass
class Shared:
    """What all actor-learners share."""

    learner: ActorCritic  # the global network and its optimiser
    lock: Any  # whoever reads or changes the global network, or the count, holds it
    steps: Any  # .value: agent steps of all workers
    reports: Any  # a queue to the main thread: a row for each game that is over, or a Failure
    stop: Any  # an event: finish your rollout and end


class Failure(NamedTuple):
    """A worker's last report, if it breaks."""

    worker: int
    reason: str


class ActorLearner(threading.Thread):
    """Plays its own game with its own copy of the network, and sends what it learns to the global one."""

    def __init__(self, worker: int, config: A3CConfig, framework: str, shared: Shared, seed: int, device: str = "cpu"):
        super().__init__(name=f"actor-learner {worker}", daemon=True)
        self.worker, self.config, self.shared = worker, config, shared
        self.rng = np.random.default_rng(seed)
        self.env = make_game(config)
        self.local = make_learner(config, framework, observation_shape(config), int(self.env.action_space.n), device=device)
        self.loss, self.over = 0.0, True

    def run(self) -> None:
        with reporting_failure(self.worker, self.shared):
            while not self.shared.stop.is_set() and self.shared.steps.value < self.config.total_steps:
                self.learn()
            self.env.close()

    def learn(self) -> None:
        """Seven steps: copy, act, collect, look back, differentiate, update, count."""
        shared, discount = self.shared, self.config.discount
        with shared.lock:  # 1. copy the global weights into the local network
            self.local.copy_from(shared.learner)
        observations, actions, rewards, terminated, values = self.play()  # 2. act with it, 3. collect up to t_max steps
        last_value = self.local.policy_and_value(self.observation[None])[1][0]  # V of what the last step led to
        returns = n_step_returns(rewards, terminated, last_value, discount)  # 4. look back: what came of each step
        rollout = Rollout(observations, actions, returns, advantages(returns, values))
        gradients, self.loss = self.local.gradients(rollout)  # 5. differentiate on the local network
        with shared.lock:
            shared.learner.apply_gradients(gradients, learning_rate(self.config, shared.steps.value))  # 6. update the global one
            shared.steps.value += len(actions)  # 7. count

    def play(self) -> tuple[np.ndarray, ...]:
        """Up to `rollout_steps` steps, fewer where the game ends: observations [T, H, W, C], actions, rewards, terminated, values, each [T]."""
        if self.over:
            self.observation, _ = self.env.reset(seed=int(self.rng.integers(2**31)))
            self.episode, self.over = np.zeros(5), False
        steps = []
        while len(steps) < self.config.rollout_steps and not self.over:
            probabilities, value = self.local.policy_and_value(self.observation[None])  # [1, A], [1]
            action = sample_actions(probabilities, self.rng)[0]
            observation, reward, terminated, truncated, info = self.env.step(action)
            life_lost = terminated or info.get("life_lost", False)  # the end, for learning; the score runs on
            steps.append((self.observation, action, np.clip(reward, -1.0, 1.0), life_lost, value[0]))
            self.observation, self.over = observation, terminated or truncated
            self.episode += [reward, 1, probabilities.max(), entropy(probabilities)[0], self.loss]
        if self.over:
            self.shared.reports.put(np.append(self.episode[:2], self.episode[2:] / self.episode[1]))
        observations, actions, rewards, terminated, values = map(np.array, zip(*steps))
        return observations, actions, rewards.astype(np.float32), terminated, values


def learning_rate(config: A3CConfig, step: int) -> float:
    """The step size at an agent step: a straight line, then constant."""
    progress = min(step / config.learning_rate_decay_steps, 1.0)
    return config.learning_rate + progress * (config.learning_rate_end - config.learning_rate)


@contextmanager
def reporting_failure(worker: int, shared: Shared) -> Iterator[None]:
    """Tell the main thread whatever goes wrong inside."""
    try:
        yield
    except BaseException:  # noqa: B036  (the thread ends with it, and the run with the thread)
        shared.reports.put(Failure(worker, traceback.format_exc()))


def actor_learner_process(worker: int, config: A3CConfig, framework: str, shared: Shared, seed: int) -> None:
    """What a process of its own runs: an actor-learner, as long as the process that started it lives."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which then asks all to stop
    with reporting_failure(worker, shared), one_thread_each(framework):
        threading.Thread(target=stop_without_parent, args=[shared], daemon=True).start()
        ActorLearner(worker, config, framework, shared, seed).run()


def stop_without_parent(shared: Shared) -> None:
    multiprocessing.parent_process().join()
    shared.stop.set()


def start_workers(config: A3CConfig, framework: str, learner: ActorCritic, step: int, seeds: list[int], device: str) -> tuple[Shared, list]:
    """Start the actor-learners one by one, as threads or as processes; returns what they share, and them."""
    if config.workers_as == "threads":
        shared = Shared(learner, threading.Lock(), SimpleNamespace(value=step), queue.SimpleQueue(), threading.Event())
        workers = [ActorLearner(i, config, framework, shared, seed, device) for i, seed in enumerate(seeds)]  # before any of them runs
    else:
        learner.share_memory()
        context = process_context()
        shared = Shared(learner, context.Lock(), context.Value("q", step, lock=False), context.Queue(), context.Event())
        arguments = [(i, config, framework, shared, seed) for i, seed in enumerate(seeds)]
        workers = [context.Process(target=actor_learner_process, args=each, daemon=True, name=f"actor-learner {each[0]}") for each in arguments]
    for worker in workers:
        worker.start()
    return shared, workers


def process_context():
    """How processes are made: from a server that has imported what they need once, where there is one; never by forking a process with threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course_lib.a3c", "course_lib.backends.torch.actor_critic"])
    return context


def take_reports(shared: Shared, workers: list) -> tuple[list[np.ndarray], list[Failure]]:
    """The reports that have come in: (rows of games that are over, failures). A process that died without a word has failed, too."""
    games, failures = [], []
    dead = [i for i, worker in enumerate(workers) if getattr(worker, "exitcode", None)]  # before the reports: a last word counts
    try:
        while True:
            report = shared.reports.get_nowait()
            (failures if isinstance(report, Failure) else games).append(report)
    except queue.Empty:
        pass
    told = {failure.worker for failure in failures}
    failures += [Failure(i, f"its process ended with exit code {workers[i].exitcode}") for i in dead if i not in told]
    return games, failures


def stop_workers(shared: Shared, workers: list) -> list[np.ndarray]:
    """Ask all to stop and wait for them; returns their last games. A process that does not answer is ended."""
    shared.stop.set()
    games, deadline = [], time.monotonic() + PATIENCE_SECONDS
    while any(worker.is_alive() for worker in workers) and time.monotonic() < deadline:
        games += take_reports(shared, workers)[0]  # a process ends when its reports have been read
        time.sleep(0.05)
    for worker in workers:
        if worker.is_alive() and hasattr(worker, "terminate"):
            worker.terminate()
    return games + take_reports(shared, workers)[0]


def train(
    config: A3CConfig,
    framework: str,
    run: str | Path,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
    tensorboard: bool = True,
    show_progress: bool = True,
) -> Progress:
    """Train A3C into the folder `run` until `config.total_steps`, Ctrl-C or SIGTERM; all is saved. Returns how far it came.

    device: "auto" is the CPU: networks this small, asked about one observation at a time, gain nothing from a GPU.
    Raises WorkerFailed, with the worker's traceback, if one breaks; what the others learned is saved before.
    """
    device = "cpu" if device == "auto" else device
    if config.workers_as == "processes" and (framework, device) != ("torch", "cpu"):
        raise CourseError("Actor-learners run as processes with PyTorch on the CPU only; choose threads: --workers-as threads.")
    folder, shape = RunFolder(run), observation_shape(config)
    learner, evaluated = (make_learner(config, framework, shape, make_game(config).action_space.n, seed, device) for _ in range(2))
    rng = np.random.default_rng(seed)
    progress = folder.begin(config, framework, seed, resume, learner, rng)
    if progress.step >= config.total_steps:
        tqdm.write(come_far_enough(folder, progress))
        return progress
    if resume:
        tqdm.write(f"Going on at {progress.step:,} agent steps.")
    board = TensorBoard(folder.path) if tensorboard else NullBoard()
    statistics = EpisodeStatistics(0, num_columns=len(SCALARS["a3c"]))
    recorder = Recorder(folder, config, progress, board, statistics)
    seeds = rng.integers(2**31, size=config.num_workers).tolist()

    bar = tqdm(total=config.total_steps, initial=progress.step, unit=" steps", disable=not show_progress, mininterval=1, smoothing=0.01)
    with one_thread_each(framework), stop_on_interrupt() as interrupted, bar:
        shared, workers = start_workers(config, framework, learner, progress.step, seeds, device)
        last_save, failures, finished = time.monotonic(), [], False
        while not finished:
            interrupted.wait(POLL_SECONDS)
            games, failures = take_reports(shared, workers)
            finished = shared.steps.value >= config.total_steps or interrupted.is_set() or bool(failures)
            if finished:
                games += stop_workers(shared, workers)
            before, after = progress.step, shared.steps.value
            statistics.count(games)
            recorder.add(after, games, learning_rate(config, after))
            bar.update(after - before)
            if games:
                bar.set_postfix(score=f"{statistics.means()[0]:.1f}", best=f"{progress.best_mean:.1f}", refresh=False)
            evaluates = due(config.evaluation_period, before, after) and not failures
            if finished or evaluates or time.monotonic() - last_save > 60 * config.checkpoint_minutes:
                with holding(shared.lock):
                    progress.step = shared.steps.value
                    folder.save(learner, progress, rng)
                    evaluated.copy_from(learner)
                last_save = time.monotonic()
            if evaluates:  # while the workers go on
                scores = evaluate(sampled_policy(evaluated), config, config.evaluation_episodes, EVALUATION_SEED)
                recorder.add_evaluation(scores, evaluated.get_weights())
    recorder.close()
    if failures:
        raise WorkerFailed(f"actor-learner {failures[0].worker} failed at {progress.step:,} agent steps:\n{failures[0].reason}")
    return progress


@contextmanager
def holding(lock) -> Iterator[None]:
    """The lock, or an error: a process that was killed may have taken it along."""
    if not lock.acquire(timeout=PATIENCE_SECONDS):
        raise WorkerFailed("an actor-learner died while it held the global network; the last checkpoint stands: go on with --resume.")
    try:
        yield
    finally:
        lock.release()
