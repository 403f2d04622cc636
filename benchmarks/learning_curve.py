"""DQN's training score on Breakout beside the book's published log, at the same agent steps.

    python benchmarks/learning_curve.py
    python benchmarks/learning_curve.py --curve runs/dqn/curve.csv

Means over the last 100 games. Ours are raw scores; the book logged clipped rewards, one point a brick, so its raw scores were higher.
Nothing is timed here: hours are those of the two runs, on different machines (the book: a GTX 1060).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib.logs import read_curve

DATA = Path(__file__).parents[1] / "data"


def book_curve() -> list[tuple[int, float, float]]:
    """(agent steps, hours, mean return) of the book's DQN."""
    with (DATA / "book_learning_curves.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"] == "dqn"]
    return [(int(row["agent_steps"]), float(row["hours"]), float(row["mean_return_100"])) for row in rows]


def at(curve: list[tuple[int, float, float]], step: int) -> tuple[str, str]:
    """Hours and score of the last row up to a step; dashes beyond the curve's end."""
    if step > curve[-1][0] * 1.02:
        return "-", "-"
    _, hours, score = max(row for row in curve if row[0] <= step * 1.01)
    return f"{hours:.2f}", f"{score:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curve", type=Path, default=DATA / "pretrained" / "dqn" / "curve.csv", help="our run's curve.csv (default: shipped)")
    options = parser.parse_args()
    ours = [(point.agent_steps, point.hours, point.mean_return) for point in read_curve(options.curve)]
    table = Table("agent steps", "ours: hours", "score", "the book's: hours", "score (clipped)", title="DQN on Breakout, mean of 100 games")
    for step in (100_000, 250_000, 500_000, 750_000, 1_000_000, 2_000_000, 3_000_000, 4_400_000):
        table.add_row(f"{step:,}", *at(ours, step), *at(book_curve(), step))
    Console().print(table)


if __name__ == "__main__":
    main()
