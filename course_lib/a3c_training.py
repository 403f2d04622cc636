"""A run of A3C: actor-learners at work, and beside them a folder, a progress bar, evaluations and checkpoints."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from course_lib.a3c import learning_rate
from course_lib.checkpoints import Progress, RunFolder
from course_lib.config import A3CConfig
from course_lib.environments import num_actions, observation_shape
from course_lib.errors import CourseError, WorkerFailed
from course_lib.evaluation import evaluate, sampled_policy
from course_lib.learners import make_learner, one_thread_each
from course_lib.logs import SCALARS, EpisodeStatistics, NullBoard, TensorBoard
from course_lib.recording import EVALUATION_SEED, Recorder, come_far_enough, due, stop_on_interrupt
from course_lib.workers import holding, start_workers, stop_workers, take_reports

POLL_SECONDS = 0.2  # from one look at the workers' reports to the next


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
    Raises WorkerFailed, with the worker's traceback, if one breaks; what the others learned is saved before, unless it broke while it held
    the global network.
    """
    device = "cpu" if device == "auto" else device
    if config.workers_as == "processes" and (framework, device) != ("torch", "cpu"):
        raise CourseError("Actor-learners run as processes with PyTorch on the CPU only; choose threads: --workers-as threads.")
    folder, shape = RunFolder(run), observation_shape(config)
    learner, evaluated = (make_learner(config, framework, shape, num_actions(config), seed, device) for _ in range(2))
    rng = np.random.default_rng(seed)
    progress = folder.begin(config, framework, seed, resume, learner, rng)
    if progress.step >= config.total_steps:
        tqdm.write(come_far_enough(folder, progress))
        return progress
    if resume:
        tqdm.write(f"Going on at {progress.step:,} agent steps.")
    statistics = EpisodeStatistics(0, num_columns=len(SCALARS["a3c"]))
    recorder = Recorder(folder, config, progress, TensorBoard(folder.path) if tensorboard else NullBoard(), statistics)
    seeds = rng.integers(2**31, size=config.num_workers).tolist()

    bar = tqdm(total=config.total_steps, initial=progress.step, unit=" steps", disable=not show_progress, mininterval=1, smoothing=0.01)
    with one_thread_each(framework), stop_on_interrupt() as interrupted, bar:
        shared, workers = start_workers(config, framework, learner, progress.step, seeds, device)
        failures = []

        def look() -> None:
            """Take in what the workers report."""
            games, broken = take_reports(shared, workers)
            failures.extend(broken)
            record(games)

        def record(games: list[np.ndarray]) -> None:
            statistics.count(games)
            before, after = progress.step, shared.steps.value
            recorder.add(after, games, learning_rate(config, after))
            bar.update(after - before)
            if statistics.last:
                best = {} if progress.best_mean == float("-inf") else {"best": f"{progress.best_mean:.1f}"}
                bar.set_postfix({"score": f"{statistics.means()[0]:.1f}"} | best, refresh=False)

        def save() -> Progress:
            """Write the checkpoint, and keep a copy of its weights; returns how far it is."""
            with holding(shared.lock, failures):
                saved = replace(progress, step=shared.steps.value)
                folder.save(learner, saved, rng)
                evaluated.copy_from(learner)
            return saved

        def look_while_evaluating(_) -> None:
            look()
            if failures or interrupted.is_set():
                raise EvaluationAbandoned

        try:
            last_save, seen, finished = time.monotonic(), progress.step, False
            while not finished:
                time.sleep(POLL_SECONDS)
                comes_to_its_end = shared.steps.value >= config.total_steps
                finished = comes_to_its_end or interrupted.is_set() or bool(failures)
                if finished:
                    record(stop_workers(shared, workers))
                look()
                evaluates = due(config.evaluation_period, seen, progress.step) or (comes_to_its_end and config.evaluation_period)
                evaluates = evaluates and not (failures or interrupted.is_set())
                seen = progress.step
                if finished or evaluates or time.monotonic() - last_save > 60 * config.checkpoint_minutes:
                    saved = save()
                    last_save = time.monotonic()
                if evaluates:  # while the workers go on
                    bar.set_description("evaluating")
                    scores = evaluate_or_none(evaluated, config, look_while_evaluating)
                    if scores:
                        recorder.add_evaluation(scores, evaluated.get_weights(), saved)
                        save()  # and the best weights keep their mean
                    bar.set_description("")
        finally:
            stop_workers(shared, workers)
            recorder.close()
    if failures and not interrupted.is_set():  # a signal to all may have ended some before they could listen
        advice = f"what was learned is saved at {progress.step:,} agent steps; go on with --resume"
        raise WorkerFailed(f"actor-learner {failures[0].worker} failed; {advice}:\n{failures[0].reason}")
    return progress


class EvaluationAbandoned(Exception):
    """The run must end; its evaluation need not."""


def evaluate_or_none(learner, config: A3CConfig, on_game_over):
    """The scores of the policy as it is, or None if the run must end."""
    try:
        return evaluate(sampled_policy(learner), config, config.evaluation_episodes, EVALUATION_SEED, on_game_over)
    except EvaluationAbandoned:
        return None
