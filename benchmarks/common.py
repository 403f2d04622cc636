"""What the benchmarks share: contenders that take turns in one run, ratios, a table, bars.

Import it before torch and TensorFlow: it sets how they wait and what they say.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's idle threads sleep; spinning, they are 20 times slower on a busy machine
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Stable-Baselines3 loads TensorFlow too, which greets on stderr

import numpy as np  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

Rates = dict[str, np.ndarray]


def arguments(doc: str, seconds: float, rounds: int) -> argparse.ArgumentParser:
    """A command line with the module's docstring as its help."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=seconds, help="how long a contender runs in each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=rounds, help="how often each contender has its turn (default: %(default)s)")
    return parser


def steps_per_second(step: Callable[[], int], seconds: float) -> float:
    """Call `step`, which returns how many steps it made, until the time is over."""
    start, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds or not steps:
        steps += step()
    return steps / passed


def take_turns(contenders: dict[str, Callable[[], int]], seconds: float, rounds: int) -> Rates:
    """Steps a second of each contender in each round; a contender makes some steps with each call."""
    for step in contenders.values():
        step()  # the first call may compile, or fill caches
    return alternate({name: partial(steps_per_second, step) for name, step in contenders.items()}, seconds, rounds)


def alternate(contenders: dict[str, Callable[[float], float]], seconds: float, rounds: int) -> Rates:
    """The same for contenders that are told how long to run and say how fast they were. All run in every round, so that what else the
    machine does hits all alike."""
    rates = [[rate(seconds) for rate in contenders.values()] for _ in range(rounds)]
    return dict(zip(contenders, np.array(rates).T))


@dataclass
class Row:
    """One comparison: what we have, what they have, how many times better ours is, and how many times it should be."""

    what: str
    ours: str
    theirs: str
    ratio: float
    bar: float | None = None

    @property
    def missed(self) -> bool:
        return self.bar is not None and self.ratio < self.bar


def compare(what: str, rates: Rates, ours: str, theirs: str, bar: float | None = None, unit: str = "steps/s") -> Row:
    """Two contenders' rates: their medians, and the median of the rounds' ratios."""
    medians = [f"{np.median(rates[name]):,.0f} {unit}" for name in (ours, theirs)]
    return Row(what, *medians, ratio=float(np.median(rates[ours] / rates[theirs])), bar=bar)


def report(title: str, rows: list[Row], notes: str) -> int:
    """Print the table; the exit status: 1 if a bar is missed."""
    table = Table(title=title, caption=notes, caption_justify="left", title_justify="left")
    for name, justify in [("", "left"), ("course", "right"), ("beside", "right"), ("ratio", "right"), ("bar", "right"), ("", "left")]:
        table.add_column(name, justify=justify)
    for row in rows:
        bar = "" if row.bar is None else f"{row.bar:.2f}"
        verdict = "" if row.bar is None else "[red]missed[/]" if row.missed else "[green]met[/]"
        table.add_row(row.what, row.ours, row.theirs, f"{row.ratio:.2f}", bar, verdict)
    Console(width=None if Console().is_terminal else 140).print(table)
    return int(any(row.missed for row in rows))
