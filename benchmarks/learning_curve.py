"""Training scores on Breakout beside the book's published log, at the same agent steps; and what A3C's trials came to.

    python benchmarks/learning_curve.py                              # DQN
    python benchmarks/learning_curve.py --agent a3c
    python benchmarks/learning_curve.py --agent a3c --curve runs/a3c/curve.csv
    python benchmarks/learning_curve.py --trials                     # A3C's settings compared, from data/a3c_trials.csv

Means over the last 100 games. Our scores are raw; the book's DQN logged clipped rewards, one point a brick, so its raw scores were higher; its
A3C logged raw scores. Nothing is timed here: hours are those of the runs, on different machines (the book: a GTX 1060).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib.logs import POINTS, read_curve

DATA = Path(__file__).parents[1] / "data"
STEPS = {
    "dqn": (100_000, 250_000, 500_000, 750_000, 1_000_000, 2_000_000, 3_000_000, 4_400_000),
    "a3c": (250_000, 500_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000, 20_000_000),
}
TRIAL_STEPS = (100_000, 150_000, 200_000, 250_000, 400_000, 550_000, 650_000, 900_000)


def book_curve(agent: str) -> list[tuple[int, float, float]]:
    """(agent steps, hours, mean return) of the book's agent."""
    with (DATA / "book_learning_curves.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"] == agent]
    return [(int(row["agent_steps"]), float(row["hours"]), float(row["mean_return_100"])) for row in rows]


def trials() -> dict[str, list[tuple[int, float, float]]]:
    """Name of each trial -> (agent steps, hours, mean return)."""
    curves = {}
    with (DATA / "a3c_trials.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            curves.setdefault(row["trial"], []).append((int(row["agent_steps"]), float(row["hours"]), float(row["mean_return"])))
    return curves


def at(curve: list[tuple[int, float, float]], step: int) -> tuple[str, str]:
    """Hours and score of the last row up to a step; dashes beyond the curve's end."""
    if step > curve[-1][0] * 1.02:
        return "-", "-"
    _, hours, score = max(row for row in curve if row[0] <= step * 1.01)
    return f"{hours:.2f}", f"{score:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=STEPS, default="dqn", help="default: dqn")
    parser.add_argument("--curve", type=Path, help="our run's curve.csv (default: the shipped one)")
    parser.add_argument("--trials", action="store_true", help="A3C's trials instead")
    options = parser.parse_args()
    if options.trials:
        table = Table("trial", *(f"{step:,}" for step in TRIAL_STEPS), title="A3C on Breakout: mean of 100 games at an agent step")
        for name, curve in trials().items():
            table.add_row(name, *(at(curve, step)[1] for step in TRIAL_STEPS))
    else:
        path = options.curve or DATA / "pretrained" / options.agent / "curve.csv"
        ours = [(point.agent_steps, point.hours, point.mean_return) for point in read_curve(path, POINTS[options.agent])]
        theirs = "score (clipped)" if options.agent == "dqn" else "score"
        title = f"{options.agent.upper()} on Breakout, mean of 100 games"
        table = Table("agent steps", "ours: hours", "score", "the book's: hours", theirs, title=title)
        for step in STEPS[options.agent]:
            table.add_row(f"{step:,}", *at(ours, step), *at(book_curve(options.agent), step))
    Console(width=None if Console().is_terminal else 140).print(table)


if __name__ == "__main__":
    main()
