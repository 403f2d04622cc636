"""What a run writes while it learns, for either algorithm: curves, evaluations, TensorBoard, the best weights; and how it is asked to stop."""

from __future__ import annotations

import csv
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from tqdm.auto import tqdm

from course_lib.backends.common import Weights
from course_lib.checkpoints import Progress, RunFolder
from course_lib.config import Config
from course_lib.evaluation import Scores
from course_lib.logs import POINTS, SCALARS, CurveFile, EpisodeStatistics
from course_lib.pretrained import save_weights

CURVE_PERIOD = 10_000  # agent steps from one row of curve.csv to the next
EVALUATION_SEED = 20_000  # games that choose the best weights; `course evaluate` and `course ship` play others


def due(period: int, before: int, after: int) -> int:
    """How many multiples of `period` lie in (before, after]; none if the period is 0."""
    return after // period - before // period if period else 0


def come_far_enough(folder: RunFolder, progress: Progress) -> str:
    """What a run says that has nothing left to do."""
    return f"{folder.path} has come to {progress.step:,} agent steps already; to go on, give more with --total-steps."


class Recorder:
    """Writes what a run shows: curve.csv, evaluations.csv, TensorBoard, best.safetensors; counts steps and hours."""

    def __init__(self, folder: RunFolder, config: Config, progress: Progress, board, statistics: EpisodeStatistics):
        self.folder, self.config, self.progress, self.board, self.statistics = folder, config, progress, board, statistics
        self.point = POINTS[config.agent]
        self.curve = CurveFile(folder / "curve.csv", resume_at=progress.step, kind=self.point)
        statistics.games = progress.games
        self.began = time.monotonic() - progress.seconds

    def add(self, step: int, ended: list[np.ndarray], setting: float) -> None:
        """The run has come to `step` agent steps. ended: rows of games that are over; setting: the curve's last column."""
        before, self.progress.step = self.progress.step, step
        self.progress.seconds = time.monotonic() - self.began
        self.progress.games = self.statistics.games
        for episode in ended:
            self.board.add(step, dict(zip(SCALARS[self.config.agent], episode.tolist())))
        if due(CURVE_PERIOD, before, step) and self.statistics.last:
            hours, means = round(self.progress.seconds / 3600, 4), self.statistics.means().round(4).tolist()
            self.curve.add(self.point(step, hours, self.statistics.games, *means, float(f"{setting:.4g}")))

    def add_evaluation(self, scores: Scores, weights: Weights, came_from: Progress) -> None:
        """Log an evaluation of these weights and keep them, also as the best if they are. came_from: how far the run was when it had them."""
        save_weights(self.folder.snapshot(came_from.step), weights, self.config, dtype=np.float16)
        path, new = self.folder / "evaluations.csv", not (self.folder / "evaluations.csv").exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["agent_steps", "hours", "episodes", "mean", "median", "iqm", "low", "high"])
            numbers = np.round([scores.mean, scores.median, scores.iqm, *scores.interval], 2).tolist()
            writer.writerow([came_from.step, round(came_from.seconds / 3600, 4), len(scores.scores), *numbers])
        self.board.add(came_from.step, {"Evaluation/Mean_Score": scores.mean})
        if scores.mean > self.progress.best_mean:
            self.progress.best_mean = scores.mean
            save_weights(self.folder / "best.safetensors", weights, self.config)

    def close(self) -> None:
        self.board.close()


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C (or SIGTERM) into an event, so that a run ends between two steps and saves; the second one is Python's own."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number, _frame):
        event.set()
        signal.signal(number, before[number])
        tqdm.write("Stopping after this step; once more to stop at once.")

    for number in before:
        signal.signal(number, stop)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
