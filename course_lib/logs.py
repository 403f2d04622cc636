"""What a run leaves to read: TensorBoard scalars under the book's names, and a learning curve as csv."""

from __future__ import annotations

import csv
from collections import deque
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from course_lib.errors import CourseError
from course_lib.files import written_whole


@dataclass(frozen=True)
class CurvePoint:
    """One row of a DQN's or a Bootstrapped DQN's learning curve. Means are over the last 100 finished games (of this sitting, after a resume)."""

    agent_steps: int
    hours: float
    games: int
    mean_return: float  # raw score
    mean_length: float  # agent steps
    mean_max_q: float
    mean_loss: float
    epsilon: float


@dataclass(frozen=True)
class A3CCurvePoint:
    """One row of an A3C's learning curve. Means are over the last 100 finished games (of this sitting, after a resume)."""

    agent_steps: int
    hours: float
    games: int
    mean_return: float  # raw score
    mean_length: float  # agent steps
    mean_max_probability: float  # of the policy's likeliest action
    mean_entropy: float  # nats
    mean_loss: float
    learning_rate: float


Point = CurvePoint | A3CCurvePoint
POINTS = {"dqn": CurvePoint, "bootstrapped_dqn": CurvePoint, "a3c": A3CCurvePoint}


class CurveFile:
    """A learning curve that grows row by row: `curve.csv`."""

    def __init__(self, path: Path, resume_at: int = 0, kind: type[Point] = CurvePoint):
        """Start the file, or go on after the rows up to `resume_at` agent steps (a killed run may have written later ones)."""
        self.path = path
        kept = [point for point in read_curve(path, kind) if point.agent_steps <= resume_at] if resume_at and path.exists() else []
        with written_whole(path) as unfinished, unfinished.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(field.name for field in fields(kind))
            writer.writerows(asdict(point).values() for point in kept)

    def add(self, point: Point) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow(asdict(point).values())


def read_curve(path: Path, kind: type[Point] = CurvePoint) -> list[Point]:
    """The rows of a `curve.csv`. Raises CourseError if one is damaged."""
    whole = ("agent_steps", "games")
    try:
        with Path(path).open(newline="") as file:
            return [kind(**{name: int(v) if name in whole else float(v) for name, v in row.items()}) for row in csv.DictReader(file)]
    except (TypeError, ValueError) as error:
        raise CourseError(f"{path} is damaged ({error}); mend or delete its last line.") from error


class TensorBoard:
    """Scalars for TensorBoard, through tensorboardX: no framework needed."""

    def __init__(self, folder: Path):
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(folder))

    def add(self, step: int, scalars: dict[str, float]) -> None:
        for tag, value in scalars.items():
            self.writer.add_scalar(tag, value, step)

    def close(self) -> None:
        self.writer.close()


class NullBoard:
    """A writer that writes nothing."""

    def add(self, step: int, scalars: dict[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


class EpisodeStatistics:
    """Adds up each game side by side; keeps the last 100 that ended."""

    def __init__(self, num_envs: int, num_columns: int = 4):
        self.totals = np.zeros((num_envs, num_columns))  # return, agent steps, then sums: max Q, loss
        self.last = deque(maxlen=100)  # [return, length, then means over the game: max Q, loss]
        self.games = 0

    def add(self, rewards, max_q_values, loss: float, played, over) -> list[np.ndarray]:
        """Add one step of every game; returns a row [return, length, mean max Q, mean loss] for each that ended.

        rewards float [E] raw; max_q_values float [E]; loss: of the latest update; played bool [E], false where the step only began a game; over bool [E].
        """
        step = np.stack([rewards, np.ones_like(rewards), max_q_values, np.full_like(rewards, loss)], axis=1)  # [E, 4]
        self.totals[played] += step[played]
        ended = [np.append(total[:2], total[2:] / total[1]) for total in self.totals[over]]
        self.totals[over] = 0.0
        self.count(ended)
        return ended

    def count(self, ended: list[np.ndarray]) -> None:
        """Take in rows of games that ended (added up here, or by a worker elsewhere)."""
        self.last.extend(ended)
        self.games += len(ended)

    def means(self) -> np.ndarray:
        """The mean row of the last 100 games; not a number before the first has ended."""
        return np.mean(self.last, axis=0) if self.last else np.full(self.totals.shape[1], np.nan)


DQN_SCALARS = ("Total_Reward/Episode", "Duration/Episode", "Average_Max_Q/Episode", "Average_Loss/Episode")
SCALARS = {
    "dqn": DQN_SCALARS,
    "bootstrapped_dqn": DQN_SCALARS,
    "a3c": ("Total_Reward/Episode", "Duration/Episode", "Average_Max_Prob/Episode", "Average_Entropy/Episode", "Average_Loss/Episode"),
}
"""What TensorBoard shows of each game, in the order of `EpisodeStatistics`' rows: the book's scalars, and for A3C entropy and loss beside them."""
