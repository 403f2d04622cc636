"""Lesson 09's drawings: two posters of true numbers, wrappers in one another, who is solved, what an agent cannot do, its card."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from huggingface_hub import ModelCard
from IPython.display import HTML
from markdown_it import MarkdownIt
from matplotlib.patches import FancyBboxPatch

from course_lib.figures import PALETTE
from course_lib.figures.watch import COLORS
from course_lib.figures.watch_live import NAMES

# --- The posters ----------------------------------------------------------------------------------------------------------------------


def draw_posters(boast: dict, sober: dict) -> None:
    """Two evaluations of the manifest as posters: A with its best game, B with mean, interval and number of games."""
    _, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    low, high = sober["interval_95"]
    for ax, letter, paper, words in zip(axes, "AB", ("black", "white"), ("white", PALETTE["black"])):
        ax.add_patch(FancyBboxPatch((0.03, 0.03), 0.94, 0.94, boxstyle="round,pad=0,rounding_size=0.03", facecolor=paper, edgecolor=PALETTE["black"]))
        ax.text(0.5, 0.86, f"AGENT {letter}", color=words, ha="center", va="center", fontsize=13)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.axis("off")
    for row, color in enumerate(("red", "orange", "green")):  # bricks
        axes[0].barh([0.74 - 0.05 * row] * 9, 0.088, 0.035, left=0.06 + 0.098 * np.arange(9), color=PALETTE[color])
    axes[0].text(0.5, 0.42, f"{max(boast['scores']):.0f}", color="white", ha="center", va="center", fontsize=58, weight="bold")
    axes[0].text(0.5, 0.16, "P O I N T S", color="white", ha="center", va="center", fontsize=17)
    axes[1].text(0.5, 0.6, f"mean {sober['mean']:.1f}", color=PALETTE["black"], ha="center", va="center", fontsize=30)
    about = f"95 % interval {low:.1f} to {high:.1f}\n{sober['episodes']} games, seeds {sober['seeds'][0]} to {sober['seeds'][-1]},\nfixed in advance"
    axes[1].text(0.5, 0.29, about, color=PALETTE["black"], ha="center", va="center", fontsize=13, linespacing=1.5)
    plt.show()


def draw_games(evaluations: Mapping[str, dict]) -> None:
    """A row for each agent: its games as dots, the best with its number; above them the mean and its interval in black."""
    _, ax = plt.subplots(figsize=(9, 2.6))
    rng = np.random.default_rng(0)
    for row, (name, evaluation) in enumerate(evaluations.items()):
        scores, (low, high) = np.array(evaluation["scores"]), evaluation["interval_95"]
        heights = row + rng.uniform(-0.17, 0.17, len(scores))
        ax.plot(scores, heights, "o", color=PALETTE["blue"], alpha=0.5, markersize=6, mew=0)
        ax.text(scores.max() + 4, heights[scores.argmax()], f"{scores.max():.0f}", ha="left", va="center", color=PALETTE["blue"])
        ax.plot([low, high], [row - 0.33] * 2, color=PALETTE["black"], linewidth=3)
        ax.plot(evaluation["mean"], row - 0.33, "o", color=PALETTE["black"], markersize=6)
        ax.text(high + 4, row - 0.33, f"mean {evaluation['mean']:.1f}", va="center")
    ax.set(yticks=range(len(evaluations)), yticklabels=evaluations, ylim=(len(evaluations) - 0.6, -0.6), xlim=(0, None), xlabel="points of a game")
    plt.show()


# --- Wrappers -------------------------------------------------------------------------------------------------------------------------


def draw_wrappers(reward: int) -> None:
    """Two orders of the same wrappers, and what becomes of one reward on its way out to the agent."""
    _, axes = plt.subplots(1, 2, figsize=(9, 3))
    for ax, outwards in zip(axes, (("game", "statistics", "clip to 1"), ("game", "clip to 1", "statistics"))):
        counted, value = 1 if outwards[1] == "clip to 1" else reward, reward
        colors = {"game": "black", "clip to 1": "blue", "statistics": "green" if counted == reward else "red"}
        for number, name in enumerate(outwards):
            right, gap = 1.9 + 2.1 * number, 0.22 * (2 - number)  # the wall on the agent's side, and how far the others stay inside
            box = FancyBboxPatch((gap, -1 - 0.55 * number), right - gap, 1.6 + 1.1 * number, boxstyle="round,pad=0,rounding_size=0.12")
            box.set(facecolor="none", edgecolor=PALETTE[colors[name]], linewidth=2.5)
            ax.add_patch(box)
            ax.text(gap + 0.2, 0.47 + 0.55 * number, name, ha="left", va="top", color=PALETTE[colors[name]], weight="bold")
            value = min(value, 1) if name == "clip to 1" else value
            ax.annotate("", (right + 0.85, -0.5), (right - 0.75, -0.5), arrowprops=dict(arrowstyle="-|>", color=PALETTE["black"], linewidth=1.8))
            ax.text(right + 0.12, -0.42, f"+{value}", ha="left", va="bottom", fontsize=13, weight="bold")
        ax.text(right + 0.95, -0.5, "agent", ha="left", va="center")
        ax.set_title(f"statistics {'inside' if counted == reward else 'outside'}: they count {counted}")
        ax.set(xlim=(-0.1, 8.4), ylim=(-2.3, 1.8))
        ax.axis("off")
    plt.show()


def show_film(path: Path, width: int = 400) -> HTML:
    """A film that lies in a file, as a player in the notebook, 4 wide by 3 high as on a television: the film travels in the notebook."""
    return HTML(_player(path, width))


def _player(path: Path, width: int) -> str:
    data = base64.b64encode(path.read_bytes()).decode()
    return (
        f'<video width="{width}" style="max-width: 100%; aspect-ratio: 4 / 3; object-fit: fill" controls autoplay loop muted playsinline '
        f'aria-label="A recorded game"><source src="data:video/mp4;base64,{data}" type="video/mp4">Your browser cannot play this video.</video>'
    )


# --- Solved? --------------------------------------------------------------------------------------------------------------------------


def draw_solved(entries: Sequence[dict], solved: Mapping[tuple[str, int], bool], bar: float) -> None:
    """A row for each stage: interval and mean, the best game, the bar, the verdict. solved: (agent, stage) -> verdict."""
    _, ax = plt.subplots(figsize=(9.3, 5.6))
    ax.axvline(bar, color=PALETTE["black"], linestyle=":", linewidth=1.5)
    ax.text(bar, -1.1, f"{bar}", ha="center", va="bottom")
    row, names = 0, []
    for agent in COLORS:
        for entry in (entry for entry in entries if entry["agent"] == agent):
            evaluation, passed = entry["evaluation"], solved[agent, entry["stage"]]
            color = PALETTE["green" if passed else "red"]
            ax.plot(evaluation["interval_95"], [row] * 2, color=color, linewidth=7, solid_capstyle="butt")
            ax.plot(evaluation["mean"], row, "o", color=PALETTE["black"], markersize=4, zorder=3)
            ax.plot(max(evaluation["scores"]), row, "^", color=PALETTE["grey"], markersize=6)
            ax.text(660, row, "solved" if passed else "not solved", color=color, va="center", ha="left")
            names.append((row, f"{NAMES[agent]} {entry['stage']}"))
            row += 1
        row += 0.6  # a gap between agents
    ax.set_xscale("symlog", linthresh=10)
    ax.set_xticks(ticks := [0, 2, 5, 10, 20, 50, 100, 200, 400], ticks)
    ax.minorticks_off()
    ax.set_yticks(*zip(*names))
    ax.set(xlabel="points (even steps to 10, then logarithmic)", xlim=(-0.3, 600), ylim=(row - 1, -1))
    plt.show()


# --- What it cannot do ----------------------------------------------------------------------------------------------------------------


def draw_limits(worlds: Mapping[str, tuple[np.ndarray, float]]) -> None:
    """For each changed world what the network sees of it, uint8 [84, 84], and the points that the agent makes there."""
    figure = plt.figure(figsize=(9.3, 4))
    grid = figure.add_gridspec(2, len(worlds), height_ratios=(1.25, 1))
    bars = figure.add_subplot(grid[1, :])
    for place, (name, (seen, points)) in enumerate(worlds.items()):
        ax = figure.add_subplot(grid[0, place])
        ax.imshow(seen, vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[], title=name)
        bars.bar(place, points, color=PALETTE["blue" if place == 0 else "orange"], width=0.6)
        bars.text(place, points, f"{points:.0f}", ha="center", va="bottom")
    top = max(points for _, points in worlds.values())
    bars.set(xticks=[], ylabel="points", xlim=(-0.5, len(worlds) - 0.5), ylim=(0, 1.25 * top))
    plt.show()


# --- The card and its upload ----------------------------------------------------------------------------------------------------------


def show_card(card: ModelCard, film: Path | None = None) -> HTML:
    """A model card in a frame, as the Hub shows it to people. film: what plays in place of the card's `<video>`; links to files beside the card,
    which lead nowhere from a notebook, become plain words."""
    page = MarkdownIt("commonmark").enable("table").render(card.text)
    page = re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", page)
    if film:
        page = re.sub("<video.*?</video>", lambda _: _player(film, 400), page, flags=re.DOTALL)
    page = page.replace("<td>", '<td style="text-align: left">').replace("<pre>", '<pre style="margin-bottom: 1em">')
    frame = "border: 1px solid var(--jp-border-color1, #bdbdbd); border-radius: 8px; padding: 0 1.5em; max-width: 55em; overflow-x: auto"
    return HTML(f'<div style="{frame}">{page}</div>')


def push_as_nobody(folder: Path, repository: str) -> str:
    """What `course share FOLDER --push USER/NAME` says to somebody without token and network. Nothing is sent, whoever is logged in here."""
    nobody = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    command = [sys.executable, "-m", "course_lib.cli", "share", folder.name, "--push", repository]
    with tempfile.TemporaryDirectory() as home:
        nobody |= {"HF_HOME": home, "HF_ENDPOINT": "http://127.0.0.1:9"}  # no token lies there, and nobody listens
        return subprocess.run(command, cwd=folder.parent, env=nobody, capture_output=True, text=True, check=False).stderr.strip()
