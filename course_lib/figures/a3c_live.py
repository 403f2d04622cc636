"""Lesson 06's live parts that do not teach: a small network around the learner's own losses, players, what a run notes down."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display
from matplotlib.figure import Figure

from course_lib.backends.common import Weights, initial_weights
from course_lib.figures import PALETTE, ink
from course_lib.figures.dqn import label_ends
from course_lib.figures.dqn_live import running_mean
from course_lib.returns import entropy
from course_lib.toy import Catch

PIXELS, UNITS, NUM_ACTIONS = Catch.ROWS * Catch.COLUMNS, 64, 3
LAYERS = {"dense1": (PIXELS, UNITS), "policy": (UNITS, NUM_ACTIONS), "value": (UNITS, 1)}
LEARNING_RATE, RMSPROP_DECAY, RMSPROP_EPSILON = 3e-3, 0.99, 1e-3

TURN_SECONDS = 0.0005  # Python lets each thread run for 5 ms in a row, in which one worker would play several rollouts

Loss = Callable[..., Any]  # the learner's: logits [T, A], values [T, 1], actions [T], returns [T] -> [T]


class Gradients(NamedTuple):
    steps: int  # agent steps that they come from
    arrays: Weights


class Network:
    """A policy and a value for Catch, one hidden layer of 64: the global network, or a player's copy.

    It acts in NumPy, which is faster than any framework for a network this small, and is differentiated by the framework, through the
    learner's own loss. The optimiser is the book's: RMSprop, with statistics that all workers share.
    """

    def __init__(self, loss: Loss, framework: str, seed: int = 0):
        self.loss, self.framework = loss, framework
        shapes = {f"{name}/{part}": np.zeros(shape) for name, (rows, columns) in LAYERS.items() for part, shape in parts(rows, columns)}
        self.weights = initial_weights(shapes, seed)
        self.squares = {name: np.zeros_like(array) for name, array in self.weights.items()}  # RMSprop's running mean
        self.gradients, self.steps, self.snapshots = None, 0, []  # snapshots: (agent steps, weights) every 250 steps or so
        self._differentiate = gradient_function(loss, framework)

    def copy(self) -> Network:
        other = Network(self.loss, self.framework)
        other.copy_from(self)
        return other

    def copy_from(self, other: Network) -> None:
        for name, array in other.weights.items():
            self.weights[name][...] = array

    def policy_and_value(self, observation: np.ndarray) -> tuple[np.ndarray, float]:
        """uint8 [H, W, C] -> probabilities float32 [A], value."""
        probabilities, values = forward(self.weights, observation[None])
        return probabilities[0], float(values[0])

    def clear_gradients(self) -> None:
        self.gradients = None

    def add_gradients(self, observations: np.ndarray, actions: np.ndarray, returns: np.ndarray) -> None:
        """Of the mean loss of a rollout, on top of those that are there already."""
        rollout = np.asarray(observations), np.asarray(actions, np.int64), np.asarray(returns, np.float32)
        arrays = self._differentiate(self.weights, *rollout)
        if self.gradients is None:
            self.gradients = Gradients(len(rollout[1]), arrays)
        else:
            before = self.gradients
            self.gradients = Gradients(before.steps + len(rollout[1]), {name: before.arrays[name] + arrays[name] for name in arrays})

    def update(self, gradients: Gradients) -> None:
        """One step of RMSprop."""
        if self.steps // 250 < (self.steps + gradients.steps) // 250:
            self.snapshots.append((self.steps, {name: array.copy() for name, array in self.weights.items()}))
        self.steps += gradients.steps
        for name, gradient in gradients.arrays.items():
            self.squares[name] += (1 - RMSPROP_DECAY) * (gradient**2 - self.squares[name])
            self.weights[name] -= LEARNING_RATE * gradient / (np.sqrt(self.squares[name]) + RMSPROP_EPSILON)


def parts(rows: int, columns: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return ("kernel", (rows, columns)), ("bias", (columns,))


def forward(weights: Weights, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [B, 10, 5, 1] -> probabilities [B, A], values [B]. einsum, unlike a matrix product, starts no threads."""
    x = observations.reshape(len(observations), -1) / np.float32(255.0)  # [B, 50]
    x = np.maximum(np.einsum("bi,io->bo", x, weights["dense1/kernel"]) + weights["dense1/bias"], 0.0)  # [B, 64]
    logits = np.einsum("bi,io->bo", x, weights["policy/kernel"]) + weights["policy/bias"]  # [B, A]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    values = np.einsum("bi,io->bo", x, weights["value/kernel"]) + weights["value/bias"]  # [B, 1]
    return exponentials / exponentials.sum(axis=1, keepdims=True), values[:, 0]


@cache
def gradient_function(loss: Loss, framework: str) -> Callable[..., Weights]:
    """(weights, observations, actions, returns) -> the gradients of the mean loss, an array for each weight."""
    return {"torch": torch_gradients, "keras": keras_gradients}[framework](loss)


def torch_gradients(loss: Loss) -> Callable[..., Weights]:
    import torch

    def gradients(weights: Weights, observations: np.ndarray, actions: np.ndarray, returns: np.ndarray) -> Weights:
        tensors = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
        layer = lambda x, name: x @ tensors[f"{name}/kernel"] + tensors[f"{name}/bias"]  # noqa: E731
        x = torch.relu(layer(torch.from_numpy(observations).flatten(1) / 255.0, "dense1"))  # [T, 64]
        losses = loss(layer(x, "policy"), layer(x, "value"), torch.from_numpy(actions), torch.from_numpy(returns))  # [T]
        found = torch.autograd.grad(losses.mean(), list(tensors.values()))
        return {name: gradient.numpy() for name, gradient in zip(tensors, found)}

    return gradients


def keras_gradients(loss: Loss) -> Callable[..., Weights]:
    import tensorflow as tf

    @tf.function
    def gradients(weights, observations, actions, returns):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            layer = lambda x, name: x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]  # noqa: E731
            x = tf.reshape(tf.cast(observations, tf.float32) / 255.0, (-1, PIXELS))  # [T, 50]
            x = tf.nn.relu(layer(x, "dense1"))  # [T, 64]
            losses = loss(layer(x, "policy"), layer(x, "value"), actions, returns)  # [T]
            mean = tf.reduce_mean(losses)
        return tape.gradient(mean, weights)

    weights = {f"{name}/{part}": tf.TensorSpec(shape) for name, size in LAYERS.items() for part, shape in parts(*size)}
    observations, actions = tf.TensorSpec((None, Catch.ROWS, Catch.COLUMNS, 1), tf.uint8), tf.TensorSpec((None,), tf.int64)
    traced = gradients.get_concrete_function(weights, observations, actions, tf.TensorSpec((None,)))

    def as_arrays(weights: Weights, *rollout: np.ndarray) -> Weights:
        tensors = {name: tf.constant(array) for name, array in weights.items()}
        return {name: gradient.numpy() for name, gradient in traced(tensors, *map(tf.constant, rollout)).items()}

    return as_arrays


# --- Players, and what they share -----------------------------------------------------------------------------------------------------


class Game(NamedTuple):
    """A game that is over, as the book's log has it."""

    step: int  # agent steps of all workers
    score: float
    max_probability: float  # of the likeliest action, mean over the looks at its screens
    entropy: float  # nats, likewise


@dataclass
class Shared:
    """What all workers share."""

    network: Network  # the global one
    total_steps: int
    lock: Any = field(default_factory=threading.Lock)
    steps: int = 0
    games: list[Game] = field(default_factory=list)
    error: Exception | None = None
    stopped: bool = False
    seconds: float = 0.0

    def goes_on(self) -> bool:
        """Whether there is more to play."""
        return self.steps < self.total_steps and self.error is None and not self.stopped

    def mean_return(self, games: int = 100) -> float:
        """Of the last games."""
        return float(np.mean([game.score for game in self.games[-games:]]))


class Player:
    """One worker's own things: a game, a copy of the network, a generator."""

    def __init__(self, env: gymnasium.Env, shared: Shared, seed: int):
        self.env, self.shared, self.network, self.rng = env, shared, Watched(shared.network), np.random.default_rng(seed)
        self.over, self.observation = True, None

    def reset(self) -> None:
        self.observation, _ = self.env.reset(seed=int(self.rng.integers(2**31)))
        self.over, self.score = False, 0.0
        self.network.policies.clear()

    def step(self, action: int) -> tuple[float, bool]:
        """Play on: (reward, terminated). A lost life is terminal too; the game then goes on."""
        self.observation, reward, terminated, truncated, info = self.env.step(action)
        self.over, self.score = terminated or truncated, self.score + reward
        if self.over:
            policies = np.array(self.network.policies)  # [steps, A]
            means = policies.max(axis=1).mean(), entropy(policies).mean()
            self.shared.games.append(Game(self.shared.steps, self.score, *means))
        return float(np.clip(reward, -1, 1)), terminated or info.get("life_lost", False)


class Watched(Network):
    """A player's copy, which remembers the policies that it gave."""

    def __init__(self, network: Network):
        super().__init__(network.loss, network.framework)
        self.copy_from(network)
        self.policies = []

    def policy_and_value(self, observation: np.ndarray) -> tuple[np.ndarray, float]:
        probabilities, value = super().policy_and_value(observation)
        self.policies.append(probabilities)
        return probabilities, value


def watch(workers: Sequence[threading.Thread], shared: Shared, show: bool = True) -> None:
    """Draw the learning curve until all workers have ended. An error in one of them, or an interruption, ends them all."""
    began, handle, turn = time.perf_counter(), None, sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        at_work = list(workers)
        while at_work:
            at_work[0].join(0.5)
            at_work = [worker for worker in workers if worker.is_alive()]  # none of them before the last picture
            if show and len(shared.games) > 1:
                picture = Image(
                    live_picture(shared, len(workers)), format="png", alt="Mean return of the last 50 games against agent steps"
                )
                if handle is None:
                    handle = display(picture, display_id=True)
                else:
                    handle.update(picture)
    finally:
        shared.stopped, shared.seconds = True, time.perf_counter() - began
        for worker in workers:
            worker.join()
        sys.setswitchinterval(turn)
    if shared.error is not None:
        raise shared.error


def live_picture(shared: Shared, num_workers: int) -> bytes:
    figure = Figure(figsize=(7.5, 2.9), dpi=96, layout="constrained")
    ax = figure.subplots()
    games = list(shared.games)
    ax.plot([game.step for game in games], running_mean([game.score for game in games], 50), color=PALETTE["blue"], linewidth=2)
    ax.axhline(-0.6, color=PALETTE["grey"], linewidth=1, linestyle=":")
    ax.text(shared.total_steps, -0.58, "random play", ha="right", va="bottom", color=ink("grey"))
    ax.set(
        xlim=(0, shared.total_steps), ylim=(-1.05, 1.05), xlabel="agent steps, all workers together", ylabel="mean return\n(last 50 games)"
    )
    ax.set_title(f"{num_workers} workers, {shared.steps:,} of {shared.total_steps:,} steps, {len(games)} games", loc="left")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def draw_diary(shared: Shared) -> None:
    """Three curves of a run: return, average maximum probability, entropy."""
    _, axes = plt.subplots(1, 3, figsize=(11, 3.2))
    games = np.array(shared.games)  # [games, 4]
    columns = (
        ("Mean return", "return (-1 to 1)", "blue", (-1.05, 1.05)),
        ("Average max probability", "probability of the likeliest action", "green", (0.3, 1.02)),
        ("Average entropy", "entropy (nats)", "purple", (0.0, 1.25)),
    )
    for ax, (title, label, color, limits), column in zip(axes, columns, games.T[1:]):
        ax.plot(games[:, 0], running_mean(column.tolist(), 50), color=PALETTE[color])
        ax.set(title=title, ylabel=label, ylim=limits, xlabel="agent steps (mean of 50 games)")
    for ax, level, text in ((axes[1], 1 / 3, "undecided: 1/3"), (axes[2], np.log(3), "undecided: log 3 = 1.10")):
        ax.axhline(level, color=PALETTE["grey"], linestyle=":")
        ax.text(games[-1, 0], level + 0.01, text, color=ink("grey"), ha="right", va="bottom")
    plt.show()


# --- The machine with the three levers ------------------------------------------------------------------------------------------------


def play_machine(entropy_weight: float, players: int = 500, pulls: int = 2_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Players with a policy, an advantage and an entropy bonus; returns each one's max probability and average pay in the end, [players].

    Levers pay nothing; 0.5; 20 in one pull of 20. The push is lesson 06's, with a rate of 0.2, for all players at once; the slope of the
    entropy, -p (log p + H), comes on top.
    """
    rng, worth, one_hot = np.random.default_rng(seed), np.array([0.0, 0.5, 1.0]), np.eye(3)
    preferences, values = np.zeros((players, 3)), np.zeros((players, 1))
    for _ in range(pulls):
        policies = np.exp(preferences - preferences.max(axis=1, keepdims=True))
        policies /= policies.sum(axis=1, keepdims=True)  # [players, 3]
        levers = (policies.cumsum(axis=1) <= rng.random((players, 1))).sum(axis=1).clip(max=2)
        pays = np.select([levers == 0, levers == 1], [0.0, 0.5], 20.0 * (rng.random(players) < 0.05))[:, None]  # [players, 1]
        logarithms = np.log(np.maximum(policies, 1e-30))
        undecided = -(policies * logarithms).sum(axis=1, keepdims=True)  # [players, 1]
        slope = -policies * (logarithms + undecided)  # of the entropy
        preferences += 0.2 * ((pays - values) * (one_hot[levers] - policies) + entropy_weight * slope)
        values += 0.1 * (pays - values)
    return policies.max(axis=1), policies @ worth


# --- One worker or many ---------------------------------------------------------------------------------------------------------------


class StreakyCatch(Catch):
    """Catch in which the ball falls into the same column for 60 games, then into another: what one player sees is always alike."""

    STREAK = 60  # games

    def __init__(self):
        super().__init__()
        self.games = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.games == 0:
            self.games = int(self.np_random.integers(self.STREAK))  # somewhere in its first streak
            self.column = self.ball_column
        elif self.games % self.STREAK == 0:
            self.column = self.ball_column
        self.games += 1
        self.ball_column = self.column
        return self._observation(), {}


def boards() -> np.ndarray:
    """Every board of Catch that asks for an action, uint8 [9 x 5 x 5, 10, 5, 1]: by the ball's row, its column, the paddle's column."""
    observations = np.zeros((Catch.ROWS - 1, Catch.COLUMNS, Catch.COLUMNS, Catch.ROWS, Catch.COLUMNS, 1), np.uint8)
    for row, ball, paddle in np.ndindex(observations.shape[:3]):
        observations[row, ball, paddle, row, ball] = observations[row, ball, paddle, -1, paddle] = 255
    return observations.reshape(-1, Catch.ROWS, Catch.COLUMNS, 1)


BOARDS = boards()


def exact_returns(weights: Weights) -> np.ndarray:
    """What a policy earns on average, for each column that the ball may fall into: float [5], computed backwards from the last row."""
    policies = forward(weights, BOARDS)[0].reshape(Catch.ROWS - 1, Catch.COLUMNS, Catch.COLUMNS, NUM_ACTIONS)
    worth = 2.0 * np.eye(Catch.COLUMNS) - 1.0  # [ball, paddle], when the ball is down
    columns = np.arange(Catch.COLUMNS)
    for policy in policies[::-1]:
        worth = sum(policy[..., action] * worth[:, np.clip(columns + action - 1, 0, Catch.COLUMNS - 1)] for action in range(NUM_ACTIONS))
    return worth[:, Catch.COLUMNS // 2]  # the paddle begins in the middle


class Comparison(NamedTuple):
    """Runs with some number of workers."""

    steps: np.ndarray  # [M]
    returns: np.ndarray  # [seeds, M], mean over all columns
    rate: float  # agent steps a second, of the fastest run


def compare_workers(train: Callable[..., Shared], counts: Sequence[int], seeds: int) -> dict[int, Comparison]:
    """Run `train(num_workers, seed)` with each number of workers. In turns, and the fastest run counts: other programs only make it slower."""
    in_turns = [{count: train(count, seed) for count in counts} for seed in range(seeds)]
    results = {}
    for count in counts:
        runs = [round_[count] for round_ in in_turns]
        length = min(len(run.network.snapshots) for run in runs)
        returns = [[exact_returns(weights).mean() for _, weights in run.network.snapshots[:length]] for run in runs]
        steps = np.array([step for step, _ in runs[0].network.snapshots[:length]])
        results[count] = Comparison(steps, np.array(returns), max(run.steps / run.seconds for run in runs))
    return results


def draw_comparison(results: dict[int, Comparison]) -> None:
    """Left the exact mean returns, a line for the mean over seeds and a band from the worst to the best; right the speed."""
    _, (ax, speed) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=(3, 1.4))
    colors = dict(zip(results, ("red", "orange", "green", "blue")))
    for count, (steps, returns, _) in results.items():
        ax.plot(steps, returns.mean(axis=0), color=PALETTE[colors[count]], linewidth=2)
        ax.fill_between(steps, returns.min(axis=0), returns.max(axis=0), color=PALETTE[colors[count]], alpha=0.13, linewidth=0)
    ax.axhline(-0.6, color=PALETTE["grey"], linestyle=":")
    ax.set(title="Mean return, all five columns", ylabel="return (-1 to 1)", xlabel="agent steps, all workers together", ylim=(-1.05, 1.05))
    ax.set_xlim(0, steps[-1])
    label_ends(
        ax, [(f"{count} worker{'s' if count > 1 else ''}", results[count].returns[:, -1].mean(), colors[count]) for count in results]
    )
    names = [str(count) for count in results]
    speed.bar(names, [result.rate for result in results.values()], color=[PALETTE[color] for color in colors.values()])
    speed.set(title="Speed, best of the runs", xlabel="workers", ylabel="agent steps a second, all together")
    plt.show()
