"""The paper's chain: games until it is learned, against its length (Osband et al. 2016, section 5).

    python benchmarks/chain.py                             # 8 lengths, 4 agents, 3 seeds: 96 runs, some 40 minutes on 2 cores
    python benchmarks/chain.py --sizes 10 50 --seeds 1     # a look
    python benchmarks/chain.py --figure docs/chain.png     # and the figure
    python benchmarks/chain.py --cut-off --sizes 20 30 50  # games that are cut off instead of ending

DQN with epsilon-greedy exploration, its epsilon falling from 1 to 0.1 within 2,000 agent steps (preset CHAIN) or within half of the games, and
Bootstrapped DQN with masks of 0.5 and of 1.0 (preset BOOTSTRAPPED_CHAIN, no epsilon): the same network, memory and updates, thermometer
features.

A chain is learned with the last of 100 games in a row after each of which a test game (the action of highest value; the heads' vote) has the
optimal return, which the environment computes. They count from the game in which the agent first came to the large reward: a policy that is
right before is luck of its first weights. A run gives up after 2,000 games. Medians over seeds; "fails" where most runs gave up. The bound,
99 + 2^(N - 11) games, is the paper's estimate for shallow exploration.

Bars: Bootstrapped DQN learns N = 50 within 2,000 games; DQN fails from N = 20 on, with either epsilon. Exit status 1 if one is missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import toys  # before torch: it sets the number of threads

import numpy as np
from rich.console import Console
from rich.table import Table

from course_lib.config import BOOTSTRAPPED_CHAIN, CHAIN, DQNConfig, replace

AGENTS = ("DQN", "DQN, slow epsilon", "Bootstrapped, p = 0.5", "Bootstrapped, p = 1.0")


def settings(agent: str, size: int, most: int, cut_off: bool) -> DQNConfig:
    """An agent's configuration for a chain of `size` states and `most` games."""
    config = {
        "DQN": CHAIN,
        "DQN, slow epsilon": replace(CHAIN, epsilon_decay_steps=most // 2 * (size + 9)),
        "Bootstrapped, p = 0.5": replace(BOOTSTRAPPED_CHAIN, mask_probability=0.5),
        "Bootstrapped, p = 1.0": replace(BOOTSTRAPPED_CHAIN, mask_probability=1.0),
    }[agent]
    return replace(config, game=f"chain-{size}-1" if cut_off else f"chain-{size}")


def bound(size: float) -> float:
    """Games that shallow exploration needs (the paper's dashed line)."""
    return 99 + 2.0 ** (size - 11)


def draw(outcomes: list[toys.Outcome], sizes: list[int], most: int, path: Path) -> None:
    """The paper's figure: games to learn against the length of the chain. A dot is a run, a cross one that gave up; lines join medians."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from course_lib.figures import PALETTE, use_course_style

    use_course_style()
    fig, ax = plt.subplots(figsize=(8, 4.8), layout="constrained")
    lengths = np.linspace(min(sizes), 11 + np.log2(max(most - 99, 2)), 100)  # up to where it leaves the picture
    ax.plot(lengths, bound(lengths), "--", color="0.4", linewidth=1.5, label="99 + 2$^{N-11}$ (shallow)")
    colors = [PALETTE[name] for name in ("red", "orange", "blue", "green")]
    for shift, (agent, color) in enumerate(zip(AGENTS, colors)):
        medians = [toys.median(outcomes, agent, size) for size in sizes]
        x = np.array(sizes) + 0.4 * (shift - 1.5)  # side by side
        ax.plot(x, [games if np.isfinite(games) else np.nan for games in medians], color=color, linewidth=2, label=agent)
        for outcome in outcomes:
            if outcome.run.agent == agent:
                place = x[sizes.index(outcome.run.size)]
                ax.plot(place, outcome.learned or most, "o" if outcome.learned else "x", color=color, markersize=4 if outcome.learned else 7)
    ax.set(xlabel="length of the chain N (states)", ylabel="games until learned", yscale="log", ylim=(80, most * 1.3), xticks=sizes)
    ticks = [games for games in (100, 200, 500, 1_000, 2_000) if games <= most]
    ax.set_yticks(ticks, [f"{games:,}" for games in ticks])
    ax.minorticks_off()
    fig.legend(loc="outside upper center", ncols=3, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    fig.savefig(path, dpi=110)


def main() -> int:
    parser = toys.arguments(__doc__, "chain", [5, 10, 15, 20, 25, 30, 40, 50])
    parser.add_argument("--cut-off", action="store_true", help="games are cut off after N + 9 steps (truncated) instead of ending")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="write the figure there")
    options = parser.parse_args()
    runs = [
        toys.Run(agent, size, seed, settings(agent, size, options.episodes, options.cut_off), options.episodes)
        for agent in AGENTS
        for size in options.sizes
        for seed in range(options.seeds)
    ]
    outcomes = toys.play_all(runs, options.jobs, options.keep)

    title = f"Games until the chain is learned{', games cut off' if options.cut_off else ''}: median (each of {options.seeds} runs)"
    table = Table("N", "bound", *AGENTS, title=title)
    for size in options.sizes:
        table.add_row(str(size), f"{bound(size):,.0f}", *(toys.cell(outcomes, agent, size) for agent in AGENTS))
    Console(width=None if Console().is_terminal else 140).print(table)
    if options.figure:
        draw(outcomes, options.sizes, options.episodes, options.figure)
        print(options.figure)
    missed = []
    if not options.cut_off:
        long = [size for size in options.sizes if size >= 20]
        missed += [f"{agent} learns N = {size}" for agent in AGENTS[:2] for size in long if np.isfinite(toys.median(outcomes, agent, size))]
        missed += [f"{agent} fails at N = 50" for agent in AGENTS[2:] if 50 in options.sizes and np.isinf(toys.median(outcomes, agent, 50))]
    print(f"bar missed: {', '.join(missed)}" if missed else "no bar missed")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
