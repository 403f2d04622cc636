"""Lesson 04's live parts that do not teach: two networks around the learner's own functions, what a run notes down, ablations."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from importlib import import_module
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.figure import Figure

from course_lib.atari import Breakout
from course_lib.config import DQNConfig, replace
from course_lib.exploration import epsilon_greedy, linear_epsilon
from course_lib.figures import PALETTE, ink
from course_lib.figures.dqn import label_ends
from course_lib.learners import make_learner
from course_lib.replay import ReplayMemory
from course_lib.toy import Catch

SHAPE, NUM_ACTIONS = (Catch.ROWS, Catch.COLUMNS, 1), 3


def boards() -> tuple[np.ndarray, float]:
    """Every board of Catch that asks for an action, uint8 [225, 10, 5, 1], and their mean value under perfect play."""
    places = [(row, ball, paddle) for row in range(Catch.ROWS - 1) for ball in range(Catch.COLUMNS) for paddle in range(Catch.COLUMNS)]
    observations, values = np.zeros((len(places), *SHAPE), np.uint8), []
    for observation, (row, ball, paddle) in zip(observations, places):
        observation[row, ball], observation[-1, paddle] = 255, 255
        steps_left = Catch.ROWS - 1 - row
        values.append((1 if abs(ball - paddle) <= steps_left else -1) * 0.99 ** (steps_left - 1))
    return observations, float(np.mean(values))


BOARDS, BEST_VALUE = boards()


class BreakoutStep(NamedTuple):
    """What a replay memory is told of one step, in the order in which lesson 04's `add` takes it."""

    frame: np.ndarray  # uint8 [84, 84], the newest frame of the observation acted on
    action: int
    reward: float  # clipped
    terminated: bool  # a lost life, or the end of the game
    truncated: bool
    starts: bool  # the frame opens a game


def play_breakout_at_random(num_steps: int, seed: int = 0) -> list[BreakoutStep]:
    """The first steps of some random games of Breakout; the last frame of each game is told, too, as a step without action."""
    env, rng, steps = Breakout(), np.random.default_rng(seed), []
    observation, starts = env.reset(seed=seed)[0], True
    while len(steps) < num_steps:
        after, reward, terminated, truncated, info = env.step(rng.integers(3))
        steps.append(
            BreakoutStep(observation[..., -1], info["action"], min(reward, 1.0), info["life_lost"] or terminated, truncated, starts)
        )
        observation, starts = after, False
        if terminated or truncated:
            steps.append(BreakoutStep(observation[..., -1], 0, 0.0, False, False, False))
            observation, starts = env.reset()[0], True
    env.close()
    return steps


class NetworkPair:
    """An online and a target network for Catch in either framework, with what the learner's loop needs of them."""

    def __init__(self, config: DQNConfig, framework: str, seed: int = 0):
        learner = make_learner(config, framework, SHAPE, NUM_ACTIONS, seed, device="cpu")
        self.online, self.target, self.optimizer = learner.online_network, learner.target_network, learner.optimizer
        self.q_values = learner.q_values  # of the online network: uint8 [B, H, W, C] -> float32 [B, A]
        self._networks = import_module(f"course_lib.backends.{framework}.networks")

    @property
    def online_weights(self) -> dict[str, np.ndarray]:
        return self._networks.get_weights(self.online)

    @property
    def target_weights(self) -> dict[str, np.ndarray]:
        return self._networks.get_weights(self.target)

    @target_weights.setter
    def target_weights(self, weights: dict[str, np.ndarray]) -> None:
        self._networks.set_weights(self.target, weights)


def values(weights: dict[str, np.ndarray], observations: np.ndarray) -> np.ndarray:
    """Q-values of Catch's small network, [B, H, W, 1] -> [B, A].

    For a network this small NumPy is faster than any framework, and einsum, which starts no threads, faster than a matrix product.
    """
    x = observations.reshape(len(observations), -1) / np.float32(255.0)  # [B, 50]
    x = np.maximum(np.einsum("bi,io->bo", x, weights["dense1/kernel"]) + weights["dense1/bias"], 0.0)  # [B, 64]
    return np.einsum("bi,io->bo", x, weights["q/kernel"]) + weights["q/bias"]  # [B, A]


def average_max_q(weights: dict[str, np.ndarray]) -> float:
    """How good a network thinks its best move is, averaged over all boards."""
    return float(values(weights, BOARDS).max(axis=1).mean())


@dataclass
class Diary:
    """What a run on Catch notes down; draws itself while the run goes on."""

    total_steps: int
    game_steps: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)
    update_steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    online_q: list[float] = field(default_factory=list)  # the best value of a board, mean of all boards
    target_q: list[float] = field(default_factory=list)  # the same by the target network
    handle: object = None

    def game_over(self, step: int, score: float) -> None:
        self.game_steps.append(step)
        self.returns.append(score)

    def update(self, step: int, loss: float, networks: NetworkPair) -> None:
        self.update_steps.append(step)
        self.losses.append(loss)
        for q_values, weights in ((self.online_q, networks.online_weights), (self.target_q, networks.target_weights)):
            q_values.append(average_max_q(weights))
        if len(self.losses) % 25 == 0 or step == self.total_steps:
            self.show()

    def mean_return(self, games: int = 100) -> float:
        """Of the last games."""
        return float(np.mean(self.returns[-games:]))

    def show(self) -> None:
        """Draw the curve so far, in place of the one before."""
        picture = Image(self._picture(), format="png", alt="Mean return of the last 50 games against agent steps")
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)

    def _picture(self) -> bytes:
        figure = Figure(figsize=(7.5, 2.9), dpi=96, layout="constrained")
        ax = figure.subplots()
        ax.plot(self.game_steps, running_mean(self.returns, 50), color=PALETTE["blue"], linewidth=2)
        ax.axhline(-0.6, color=PALETTE["grey"], linewidth=1, linestyle=":")
        ax.text(self.total_steps, -0.58, "random play", ha="right", va="bottom", color=ink("grey"))
        ax.set(xlim=(0, self.total_steps), ylim=(-1.05, 1.05), xlabel="agent steps", ylabel="mean return\n(last 50 games)")
        ax.set_title(f"{self.update_steps[-1]:,} of {self.total_steps:,} steps, {len(self.returns)} games", loc="left")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()

    def draw(self) -> None:
        """Three curves of the same run: return, average max Q, loss."""
        _, axes = plt.subplots(1, 3, figsize=(11, 3.2))
        axes[0].plot(self.game_steps, running_mean(self.returns, 50), color=PALETTE["blue"])
        axes[0].set(title="Mean return, last 50 games", ylabel="return (-1 to 1)", ylim=(-1.05, 1.05))
        axes[1].plot(self.update_steps, self.online_q, color=PALETTE["green"])
        axes[1].axhline(BEST_VALUE, color=PALETTE["grey"], linestyle=":")
        axes[1].text(self.total_steps, 0.02, f"dotted: perfect play, {BEST_VALUE:.2f}", color=ink("grey"), ha="right", va="bottom")
        axes[1].set(title="Average max Q, all boards", ylabel="Q-value", ylim=(min(0.0, *self.online_q), None))
        axes[2].plot(self.update_steps, running_mean(self.losses, 2), color=PALETTE["red"])
        axes[2].set(title="Loss, mean of 2 updates", ylabel="Huber loss", ylim=(0, None))
        for ax in axes:
            ax.set_xlabel("agent steps")
        plt.show()

    def draw_staircase(self, first: int, last: int) -> None:
        """The online network's value and the target network's between two agent steps."""
        _, ax = plt.subplots(figsize=(9, 3.2))
        steps, (online, target) = np.array(self.update_steps), map(np.array, (self.online_q, self.target_q))
        shown = (steps >= first) & (steps <= last)
        ax.plot(steps[shown], online[shown], color=PALETTE["blue"])
        ax.step(steps[shown], target[shown], color=PALETTE["purple"], where="post", linewidth=2)
        ends = (
            ("target network:\nmoves with every copy", target[shown][-1], "purple"),
            ("online network:\nmoves with every update", online[shown][-1], "blue"),
        )
        ax.set(xlabel="agent steps", ylabel="average max Q", xlim=(first, last))
        label_ends(ax, list(ends), gap=0.2)
        plt.show()


def running_mean(numbers: list[float], window: int) -> np.ndarray:
    """Mean of the last `window` numbers at each place, of fewer at the beginning."""
    total = np.cumsum([0.0, *numbers])
    ends = np.arange(1, len(numbers) + 1)
    begins = np.maximum(ends - window, 0)
    return (total[ends] - total[begins]) / (ends - begins)


def ablations(config: DQNConfig) -> dict[str, DQNConfig]:
    """The complete agent, and what is left without some parts.

    "No target network" is a copy after every update. "No memory" is one that holds the newest steps only: just a batch.
    """
    newest, moving = dict(replay_capacity=config.batch_size + 2), dict(target_update_period=config.update_period)
    changes = {"memory and target network": {}, "no target network": moving, "no memory": newest, "neither": newest | moving}
    return {name: replace(config, **change) for name, change in changes.items()}


COLORS, STYLES = ("blue", "purple", "orange", "red"), ("-", "--", "-.", ":")


def ablate(config: DQNConfig, framework: str, seeds: int = 3) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Play and learn Catch with parts of DQN switched off: name -> (mean returns [seeds, T], average max Q [seeds, T]), T = 60 moments."""
    curves = {}
    for name, changed in ablations(config).items():
        runs = [run_catch(changed, framework, seed) for seed in range(seeds)]
        curves[name] = tuple(np.array(part) for part in zip(*runs))
    return curves


def run_catch(config: DQNConfig, framework: str, seed: int) -> tuple[np.ndarray, list[float]]:
    """One run of the library's learner: the mean return of the last 50 games and the average max Q, at 60 moments each."""
    env, rng = Catch(), np.random.default_rng(seed)
    learner = make_learner(config, framework, SHAPE, NUM_ACTIONS, seed, device="cpu")
    memory = ReplayMemory(config.replay_capacity, 1, SHAPE[:2], history=1)
    weights, returns, moments, max_q = learner.get_weights(), [], [], []
    observation, starts = env.reset(seed=seed)[0], True
    for step in range(1, config.total_steps + 1):
        epsilon = linear_epsilon(
            step, config.epsilon_start, config.epsilon_end, config.epsilon_decay_steps, config.learning_starts
        )
        action = epsilon_greedy(values(weights, observation[None]), epsilon, rng)  # [1]
        frame, starts_now = observation[None, ..., 0], [starts]
        observation, reward, terminated, _, _ = env.step(int(action[0]))
        memory.add(frame, action, [reward], [terminated], starts_now)
        starts = False
        if terminated:
            memory.add(observation[None, ..., 0], [0], [0.0], [False], [False])
            returns.append(reward)
            observation, starts = env.reset()[0], True
        if step >= config.learning_starts and step % config.update_period == 0:
            learner.update(memory.sample(config.batch_size, rng))
            weights = learner.get_weights()
        if step % config.target_update_period == 0:
            learner.sync_target()
        if step % (config.total_steps // 60) == 0:
            moments.append(len(returns))
            max_q.append(average_max_q(weights))
    return running_mean(returns, 50)[np.array(moments) - 1], max_q


def draw_ablations(curves: dict[str, tuple[np.ndarray, np.ndarray]], total_steps: int) -> None:
    """Left the returns, right the average max Q: the mean over seeds as a line, the range between them as a band."""
    _, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharex=True)
    for parts, color, style in zip(curves.values(), COLORS, STYLES):
        for ax, part in zip(axes, parts):
            steps = np.linspace(0, total_steps, part.shape[1] + 1)[1:]
            ax.plot(steps, part.mean(axis=0), color=PALETTE[color], linewidth=2, linestyle=style)
            ax.fill_between(steps, part.min(axis=0), part.max(axis=0), color=PALETTE[color], alpha=0.15, linewidth=0)
    axes[0].set(title="Mean return, last 50 games", ylabel="return (-1 to 1)", xlabel="agent steps")
    axes[1].axhline(BEST_VALUE, color=PALETTE["grey"], linewidth=1)
    axes[1].set(title="Average max Q, all boards (grey: perfect play)", ylabel="Q-value", xlabel="agent steps")
    axes[0].set_xlim(0, total_steps)
    ends = zip(curves, COLORS)
    label_ends(
        axes[0],
        [
            (name.replace(" and ", "\nand ").replace("no target ", "no target\n"), curves[name][0][:, -1].mean(), color)
            for name, color in ends
        ],
        gap=0.13,
    )
    plt.show()
