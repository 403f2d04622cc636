"""DeepSea: games until the treasure is found and the way to it learned, against the sea's size (Osband et al. 2020, bsuite).

    python benchmarks/deep_sea.py                        # sizes 10, 14 and 20, 2 agents, 3 seeds
    python benchmarks/deep_sea.py --sizes 10 --seeds 1   # a look
    python benchmarks/deep_sea.py --without-priors       # a third agent: no priors; twice as long

DQN with epsilon-greedy exploration and Bootstrapped DQN with 20 heads and randomised priors of scale 3 (Osband et al. 2018): the same network,
memory and updates (presets DEEP_SEA and BOOTSTRAPPED_DEEP_SEA); each seed has an action map of its own. The sea is learned with the last of
100 games in a row after each of which a test game (the action of highest value; the heads' vote) has the optimal return, which the
environment computes; they count from the game in which the agent first came to the treasure. A run gives up after 2,000 games. Playing at
random finds the treasure once in 2^N games.

Bars: Bootstrapped DQN with priors learns every size, DQN does not learn the largest; both in under 15 minutes. Exit status 1 if one is missed.
"""

from __future__ import annotations

import sys
import time

import toys  # before torch: it sets the number of threads

import numpy as np
from rich.console import Console
from rich.table import Table

from course_lib.config import BOOTSTRAPPED_DEEP_SEA, DEEP_SEA, replace

DQN, OURS = "DQN, epsilon-greedy", "Bootstrapped DQN with priors"
WITHOUT = {"Bootstrapped DQN": replace(BOOTSTRAPPED_DEEP_SEA, prior_scale=0.0)}


def main() -> int:
    parser = toys.arguments(__doc__, "deep_sea", [10, 14, 20])
    parser.add_argument("--without-priors", action="store_true", help="Bootstrapped DQN without priors too")
    options = parser.parse_args()
    agents = {DQN: DEEP_SEA, OURS: BOOTSTRAPPED_DEEP_SEA} | (WITHOUT if options.without_priors else {})
    began = time.monotonic()
    runs = [
        toys.Run(agent, size, seed, replace(config, game=f"deep_sea-{size}-{seed}"), options.episodes)
        for agent, config in agents.items()
        for size in options.sizes
        for seed in range(options.seeds)
    ]
    kept = toys.read(options.keep)
    fresh = not any(run.key in kept for run in runs)  # only then does the clock tell anything
    outcomes = toys.play_all(runs, options.jobs, options.keep)

    title = f"Games until the way to the treasure is learned: median (each of {options.seeds} runs)"
    table = Table("size", "at random, the treasure once in", *agents, title=title)
    for size in options.sizes:
        table.add_row(str(size), f"{2**size:,} games", *(toys.cell(outcomes, agent, size) for agent in agents))
    Console(width=None if Console().is_terminal else 140).print(table)
    minutes = (time.monotonic() - began) / 60
    print(f"{minutes:.1f} minutes, {options.jobs} runs side by side" if fresh else f"some of the runs were taken from {options.keep}: not timed")
    missed = [f"{OURS} fails at size {size}" for size in options.sizes if np.isinf(toys.median(outcomes, OURS, size))]
    missed += [f"{DQN} learns size {max(options.sizes)}"] * bool(np.isfinite(toys.median(outcomes, DQN, max(options.sizes))))
    missed += ["more than 15 minutes"] * (fresh and minutes > 15 and not options.without_priors)
    print(f"bar missed: {', '.join(missed)}" if missed else "no bar missed")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
