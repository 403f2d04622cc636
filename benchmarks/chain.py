"""The paper's chain: games until it is learned, against its length (Osband et al. 2016, section 5 and figure 3).

    python benchmarks/chain.py                             # 8 lengths, 3 agents, 3 seeds: about half an hour on 2 cores
    python benchmarks/chain.py --sizes 10 50 --seeds 1     # a look
    python benchmarks/chain.py --figure docs/chain.png     # and the figure

DQN with epsilon-greedy exploration and Bootstrapped DQN with masks of 0.5 and of 1.0, the same network, memory and updates (presets CHAIN and
BOOTSTRAPPED_CHAIN), thermometer features. A chain is learned with the last of 100 games in a row after each of which a test game (the
action of highest value; the heads' vote) has the optimal return, which the environment computes. A run gives up after 2,000 games. The bound
is what a shallow explorer needs, 99 + 2^(N - 11) games (the paper's own estimate). Medians over seeds; "fails" where most runs gave up.

Bars: Bootstrapped DQN learns N = 50 within 2,000 games; DQN fails at N = 50. Exit status 1 if one is missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import toys  # before torch: it sets the number of threads

import numpy as np
from rich.console import Console
from rich.table import Table

from course_lib.config import BOOTSTRAPPED_CHAIN, CHAIN, replace

AGENTS = {
    "DQN, epsilon-greedy": CHAIN,
    "Bootstrapped DQN, p = 0.5": replace(BOOTSTRAPPED_CHAIN, mask_probability=0.5),
    "Bootstrapped DQN, p = 1.0": replace(BOOTSTRAPPED_CHAIN, mask_probability=1.0),
}
LONGEST = 50


def bound(size: int) -> float:
    """Games that a shallow explorer needs (the paper's dashed line)."""
    return 99 + 2.0 ** (size - 11)


def draw(outcomes: list[toys.Outcome], sizes: list[int], most: int, path: Path) -> None:
    """The paper's figure: games to learn against the length of the chain; crosses are runs that gave up."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from course_lib.figures import PALETTE, use_course_style

    use_course_style()
    fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    lengths = np.linspace(min(sizes), 11 + np.log2(most - 99), 100)  # up to where it leaves the picture
    ax.plot(lengths, bound(lengths), "--", color="0.4", linewidth=1.5)
    ax.text(20.4, 520, "shallow exploration:\n99 + 2$^{N-11}$", color="0.3")
    for shift, (agent, color) in enumerate(zip(AGENTS, ("#D55E00", "#0072B2", "#009E73"))):
        medians = [min(toys.median(outcomes, agent, size), most) for size in sizes]
        ax.plot(sizes, medians, color=color, linewidth=2, label=agent)
        for outcome in outcomes:
            if outcome.run.agent == agent:
                x = outcome.run.size + 0.35 * (shift - 1)
                ax.plot(x, outcome.learned or most, "o" if outcome.learned else "x", color=color, markersize=5 if outcome.learned else 8)
    ax.set(xlabel="length of the chain N (states)", ylabel="games until learned", yscale="log", ylim=(80, most * 1.25), xticks=sizes)
    ax.set_yticks([100, 200, 500, 1_000, 2_000], ["100", "200", "500", "1,000", "2,000"], minor=False)
    ax.minorticks_off()
    ax.legend(loc="center right", frameon=False)  # the lines lie on each other in places
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=110)


def main() -> int:
    parser = toys.arguments(__doc__, [5, 10, 15, 20, 25, 30, 40, 50])
    parser.add_argument("--figure", type=Path, metavar="FILE", help="write the figure there")
    options = parser.parse_args()
    runs = [
        toys.Run(agent, size, seed, replace(config, game=f"chain-{size}"), options.episodes)
        for agent, config in AGENTS.items()
        for size in options.sizes
        for seed in range(options.seeds)
    ]
    outcomes = toys.play_all(runs, options.jobs)

    table = Table("N", "bound", *AGENTS, title=f"Games until the chain is learned: median (each of {options.seeds} runs)")
    for size in options.sizes:
        table.add_row(str(size), f"{bound(size):,.0f}", *(toys.cell(outcomes, agent, size) for agent in AGENTS))
    Console(width=None if Console().is_terminal else 140).print(table)
    if options.figure:
        draw(outcomes, options.sizes, options.episodes, options.figure)
        print(options.figure)
    missed = [agent for agent in AGENTS if LONGEST in options.sizes and np.isinf(toys.median(outcomes, agent, LONGEST)) != (AGENTS[agent] is CHAIN)]
    print(f"bar missed at N = {LONGEST}: {', '.join(missed)}" if missed else "no bar missed")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
