"""Training scores on Breakout beside the book's published log: at the same agent steps, as a figure, and the time to the book's score.

    python benchmarks/learning_curve.py                              # DQN
    python benchmarks/learning_curve.py --agent a3c                  # or bootstrapped_dqn, of which there is no curve to compare with
    python benchmarks/learning_curve.py --agent a3c --curve runs/a3c/curve.csv
    python benchmarks/learning_curve.py --agent a3c --evaluations    # every evaluation of the run that made its last stage
    python benchmarks/learning_curve.py --times                      # when our training mean passes the book's
    python benchmarks/learning_curve.py --figure docs/curves.png     # all curves on the same axes
    python benchmarks/learning_curve.py --trials                     # A3C's settings compared, from data/a3c_trials.csv

Means over the last 100 training games, of raw scores. (The book calls its DQN's clipped, one point a brick; but its log has games of up to 356, and
two walls have 216 bricks, so they are raw, too.) Nothing is timed here: hours are those of the runs, on different machines (the book: a
GTX 1060). `--times` ends with status 1 if one of our agents has not passed the book's score, or took longer than the book's.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib import pretrained
from course_lib.figures.watch_live import NAMES
from course_lib.logs import POINTS, read_curve

DATA = Path(__file__).parents[1] / "data"
STEPS = {
    "dqn": (100_000, 250_000, 500_000, 750_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_400_000),
    "a3c": (250_000, 500_000, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 10_000_000, 20_000_000),
    "bootstrapped_dqn": (100_000, 250_000, 500_000, 750_000, 1_000_000, 1_250_000, 1_500_000, 2_000_000, 3_000_000),
}
TRIAL_STEPS = (100_000, 150_000, 200_000, 250_000, 400_000, 550_000, 650_000, 900_000)
BOOK_SCORES = {"dqn": 99.7, "a3c": 144.5}
"""What the book's runs come to: the mean of their last 500 training games."""

Curve = list[tuple[int, float, float]]
"""Rows of (agent steps, hours, mean return)."""


def book_curve(agent: str) -> Curve:
    """The book's agent; empty where it has none."""
    with (DATA / "book_learning_curves.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["agent"] == agent]
    return [(int(row["agent_steps"]), float(row["hours"]), float(row["mean_return_100"])) for row in rows]


def our_curve(agent: str, path: Path | None = None) -> Curve:
    """Our agent, from the shipped curve or another."""
    points = read_curve(path or pretrained.FOLDER / agent / "curve.csv", POINTS[agent])
    return [(point.agent_steps, point.hours, point.mean_return) for point in points]


def trials() -> dict[str, Curve]:
    """Name of each trial -> its curve."""
    curves = {}
    with (DATA / "a3c_trials.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            curves.setdefault(row["trial"], []).append((int(row["agent_steps"]), float(row["hours"]), float(row["mean_return"])))
    return curves


def at(curve: Curve, step: int) -> tuple[str, str]:
    """Hours and score of the last row up to a step; dashes beyond the curve's end."""
    if not curve or step > curve[-1][0] * 1.02:
        return "-", "-"
    _, hours, score = max(row for row in curve if row[0] <= step * 1.01)
    return f"{hours:.2f}", f"{score:.1f}"


def side_by_side(agent: str, curve: Path | None) -> Table:
    """Our curve and the book's at the same agent steps."""
    title = f"{NAMES[agent]} on Breakout, mean of 100 games"
    theirs = ("the book's: hours", "score") if book_curve(agent) else ()
    table = Table("agent steps", "ours: hours", "score", *theirs, title=title)
    for step in STEPS[agent]:
        row = at(our_curve(agent, curve), step) + (at(book_curve(agent), step) if theirs else ())
        if set(row) != {"-"}:
            table.add_row(f"{step:,}", *row)
    return table


def evaluations(agent: str) -> Table:
    """Every evaluation of the run that made an agent's highest stage: 30 games that chose its best weights."""
    table = Table("agent steps", "hours", "mean", "95 % interval", title=f"{NAMES[agent]}: evaluations while training, 30 games each")
    with (pretrained.FOLDER / agent / "evaluations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            step, hours, mean, low, high = (float(row[name]) for name in ("agent_steps", "hours", "mean", "low", "high"))
            table.add_row(f"{step:,.0f}", f"{hours:.2f}", f"{mean:.1f}", f"{low:.1f} to {high:.1f}")
    return table


def trials_table() -> Table:
    table = Table("trial", *(f"{step:,}" for step in TRIAL_STEPS), title="A3C on Breakout: mean of 100 games at an agent step")
    for name, curve in trials().items():
        table.add_row(name, *(at(curve, step)[1] for step in TRIAL_STEPS))
    return table


def passes(curve: Curve, score: float) -> tuple[int, float] | None:
    """(agent steps, hours) at which a curve first reaches a score; None if it does not."""
    return next(((step, hours) for step, hours, mean in curve if mean >= score), None)


def times() -> tuple[Table, bool]:
    """When our training mean, and the book's own, first pass the score that the book's came to in the end; and whether all ours did, and sooner."""
    table = Table("agent", "score", "the book's: agent steps", "hours", "ours: agent steps", "hours", title="Time to the book's score")
    all_sooner = True
    for agent, score in BOOK_SCORES.items():
        theirs, ours = passes(book_curve(agent), score), passes(our_curve(agent), score)
        all_sooner &= ours is not None and ours[1] < theirs[1]
        table.add_row(NAMES[agent], str(score), f"{theirs[0]:,}", f"{theirs[1]:.1f}", *((f"{ours[0]:,}", f"{ours[1]:.2f}") if ours else ("-", "-")))
    return table, all_sooner


def draw(path: Path) -> None:
    """Every curve over agent steps and over hours; a dot for each shipped stage, at the mean of its evaluation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from course_lib.figures import PALETTE, use_course_style
    from course_lib.figures.watch import COLORS

    use_course_style()
    colors = {agent: PALETTE[color] for agent, color in COLORS.items()}
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    for column, (panel, label) in enumerate(zip(panels, ("agent steps", "hours of training"))):
        for agent, color in colors.items():
            for curve, style in ((our_curve(agent), "-"), (book_curve(agent), "--")):
                if curve:
                    panel.plot([row[column] for row in curve], [row[2] for row in curve], style, color=color, linewidth=1.5)
            for entry in (entry for entry in pretrained.manifest() if entry["agent"] == agent):
                panel.plot(entry[("agent_steps", "hours")[column]], entry["evaluation"]["mean"], "o", color=color, markersize=6)
        panel.set(xscale="log", xlabel=label)
    panels[0].set(xlim=(4e4, 3e7), ylabel="points a game")
    panels[1].set(xlim=(0.02, 80))
    lines = [plt.Line2D([], [], color=color, label=NAMES[agent]) for agent, color in colors.items()]
    styles = [plt.Line2D([], [], color=PALETTE["grey"], linestyle=style, label=text) for style, text in (("-", "this course"), ("--", "the book"))]
    dot = plt.Line2D([], [], color=PALETTE["grey"], marker="o", linestyle="", label="shipped stage, evaluated")
    panels[0].legend(handles=[*lines, *styles, dot], frameon=False, loc="upper left")
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agent", choices=STEPS, default="dqn", help="default: dqn")
    parser.add_argument("--curve", type=Path, help="our run's curve.csv (default: the shipped one)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--times", action="store_true", help="when our training mean passes the book's score")
    what.add_argument("--figure", type=Path, metavar="FILE", help="draw every curve")
    what.add_argument("--evaluations", action="store_true", help="every evaluation of the run")
    what.add_argument("--trials", action="store_true", help="A3C's trials instead")
    options = parser.parse_args()
    console, status = Console(width=None if Console().is_terminal else 140), 0
    if options.figure:
        draw(options.figure)
    elif options.times:
        table, all_sooner = times()
        console.print(table)
        status = int(not all_sooner)
    elif options.evaluations:
        console.print(evaluations(options.agent))
    else:
        console.print(trials_table() if options.trials else side_by_side(options.agent, options.curve))
    return status


if __name__ == "__main__":
    sys.exit(main())
