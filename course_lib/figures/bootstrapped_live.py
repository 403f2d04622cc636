"""Lesson 07's live parts that do not teach: an ensemble made of the learner's heads and loss, games noted down, heads that fit a curve."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from IPython.display import Image, display
from matplotlib.figure import Figure

from course_lib.config import BootstrappedConfig, DQNConfig
from course_lib.exploration import draw_masks
from course_lib.figures import PALETTE
from course_lib.learners import make_learner
from course_lib.q_training import heads_of, play_and_learn
from course_lib.replay import Batch, ReplayMemory
from course_lib.toy import VectorToy, make_toy


def head_weights(num_features: int, units: tuple[int, ...], num_actions: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A head's first weights, kernel, bias, kernel, bias, ...: Glorot-uniform kernels [in, out], zero biases; float32."""
    sizes, weights = (num_features, *units, num_actions), []
    for before, after in zip(sizes, sizes[1:]):
        limit = np.sqrt(6.0 / (before + after))
        weights += [rng.uniform(-limit, limit, (before, after)).astype(np.float32), np.zeros(after, np.float32)]
    return weights


class TorchEnsemble:
    """The learner's class of heads, twice (online and target), an optimiser, and the learner's masked loss: for a toy, in PyTorch."""

    def __init__(self, heads_class: Callable, masked_loss: Callable, config: BootstrappedConfig, seed: int = 0):
        import torch

        from course_lib.backends.torch.common import make_optimizer

        self.config, self.masked_loss, self._torch = config, masked_loss, torch
        self.steps = 0  # agent steps played
        self.online, self.target = (self._network(heads_class, seed) for _ in range(2))
        self.optimizer = make_optimizer(config, self.online.parameters())

    def _network(self, heads_class: Callable, seed: int):
        torch, config, rng = self._torch, self.config, np.random.default_rng(seed)
        observation_shape, num_actions = toy_shapes(config.game)

        class Pixels(torch.nn.Module):
            def forward(self, observations):
                return observations.flatten(1).float() / 255.0  # [B, H * W]

        def make_head():
            weights, layers = head_weights(int(np.prod(observation_shape)), config.network.dense, num_actions, rng), []
            for kernel, bias in zip(weights[::2], weights[1::2]):
                layer = torch.nn.Linear(*kernel.shape)
                layer.weight.data, layer.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(bias)
                layers += [layer, torch.nn.ReLU()]
            return torch.nn.Sequential(*layers[:-1])

        return heads_class(Pixels(), make_head, config.num_heads)

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """uint8 [B, H, W, C] -> float32 [B, K, A]."""
        with self._torch.inference_mode():
            return self.online(self._torch.from_numpy(observations)).numpy()

    def update(self, batch: Batch) -> float:
        """One step of the optimiser on the learner's masked loss."""
        from course_lib.backends.torch.losses import heads_td_loss

        batch = Batch(*map(self._torch.from_numpy, batch))
        loss = self.masked_loss(heads_td_loss(self.online, self.target, batch, self.config.discount), batch.masks)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def sync_target(self) -> None:
        self.target.load_state_dict(self.online.state_dict())


class KerasEnsemble:
    """The same in Keras."""

    def __init__(self, heads_class: Callable, masked_loss: Callable, config: BootstrappedConfig, seed: int = 0):
        import tensorflow as tf

        from course_lib.backends.keras.common import make_optimizer, trace
        from course_lib.backends.keras.dqn import batch_signature
        from course_lib.backends.keras.losses import heads_td_loss

        self.config, self.steps = config, 0
        self.online, self.target = (self._network(heads_class, seed) for _ in range(2))
        variables = self.online.trainable_variables
        optimizer = make_optimizer(config, variables)

        def step(batch: Batch):
            with tf.GradientTape() as tape:
                loss = masked_loss(heads_td_loss(self.online, self.target, batch, config.discount), batch.masks)
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        batch = batch_signature(toy_shapes(config.game)[0])
        self._q_values, self._update = trace(self.online, batch.observations), trace(step, batch)

    def _network(self, heads_class: Callable, seed: int):
        import keras

        config, rng = self.config, np.random.default_rng(seed)
        observation_shape, num_actions = toy_shapes(config.game)
        num_features = int(np.prod(observation_shape))
        core = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten()])

        def make_head():
            layers = [keras.layers.Dense(units, activation="relu") for units in config.network.dense]
            head = keras.Sequential([keras.Input((num_features,)), *layers, keras.layers.Dense(num_actions)])
            head.set_weights(head_weights(num_features, config.network.dense, num_actions, rng))
            return head

        network = heads_class(core, make_head, config.num_heads)
        network(np.zeros((1, *observation_shape), np.uint8))
        return network

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """uint8 [B, H, W, C] -> float32 [B, K, A]."""
        return self._q_values(observations).numpy()

    def update(self, batch: Batch) -> float:
        """One step of the optimiser on the learner's masked loss."""
        return float(self._update(batch))

    def sync_target(self) -> None:
        self.target.set_weights(self.online.get_weights())


def make_ensemble(heads_class: Callable, masked_loss: Callable, config: BootstrappedConfig, framework: str, seed: int = 0) -> Any:
    """K heads for a toy, made of the learner's class of heads and masked loss."""
    return {"torch": TorchEnsemble, "keras": KerasEnsemble}[framework](heads_class, masked_loss, config, seed)


def toy_shapes(game: str) -> tuple[tuple[int, int, int], int]:
    """(H, W, C) and the number of actions."""
    env = make_toy(game)
    return env.observation_space.shape, int(env.action_space.n)


# --- A chain, looked at as a whole ----------------------------------------------------------------------------------------------------


def all_states(size: int) -> np.ndarray:
    """What every state of a chain looks like, uint8 [N, 1, N, 1]."""
    steps = np.arange(1, size + 1)
    return np.where(steps <= steps[:, None], 255, 0).astype(np.uint8)[:, None, :, None]


def state_of(observation: np.ndarray) -> int:
    """The state that an observation of a chain shows, 1 to N."""
    return int((observation > 0).sum())


def as_batch(transitions: list[tuple], masks: np.ndarray) -> Batch:
    """Transitions (observation, action, reward, next observation, terminated) and their masks [B, K], as a batch."""
    observations, actions, rewards, next_observations, terminated = zip(*transitions)
    parts = np.stack(observations), np.int64(actions), np.float32(rewards), np.stack(next_observations), np.array(terminated, bool)
    return Batch(*parts, np.ascontiguousarray(masks))


@dataclass
class Diary:
    """What a run on a chain notes down after each game; draws itself while the run goes on."""

    config: BootstrappedConfig
    num_games: int
    show: bool = True
    returns: list[float] = field(default_factory=list)
    farthest: list[int] = field(default_factory=list)  # state, 1 to N
    beliefs: list[np.ndarray] = field(default_factory=list)  # float32 [N, K, A]: every head's Q-values in every state, before the game
    handle: Any = None

    def game_over(self, observations: list[np.ndarray], score: float, beliefs: np.ndarray) -> None:
        self.returns.append(score)
        self.farthest.append(max(map(state_of, observations)))
        self.beliefs.append(beliefs)
        if self.show and (len(self.returns) % 20 == 0 or len(self.returns) == self.num_games):
            self._draw()

    @property
    def solved(self) -> np.ndarray:
        """Which games had the highest return there is, bool [games]."""
        return np.isclose(self.returns, make_toy(self.config.game).optimum())

    def _draw(self) -> None:
        figure = Figure(figsize=(7.5, 2.6), dpi=96, layout="constrained")
        ax = figure.subplots()
        size = make_toy(self.config.game).size
        ax.plot(np.arange(1, len(self.farthest) + 1), self.farthest, "o", color=PALETTE["blue"], markersize=4)
        ax.set(xlim=(0, self.num_games + 1), ylim=(0, size + 1), xlabel="games", ylabel="farthest state")
        ax.set_title(f"{len(self.returns)} of {self.num_games} games, {sum(self.solved)} of them perfect", loc="left")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        picture = Image(buffer.getvalue(), format="png", alt="The farthest state of each game so far")
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)


# --- The library's learners on a toy --------------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """Some games of the library's learner."""

    returns: np.ndarray  # float [games]
    visits: list[np.ndarray]  # of each game: how often each pixel of the observations was lit, int [H, W]


class Watched(VectorToy):
    """One toy that remembers which pixels were lit in the present game."""

    def __init__(self, name: str):
        super().__init__(name, 1)
        self.lit = np.zeros(self.observation_shape[:2], int)

    def reset(self, seed=None):
        observations, info = super().reset(seed)
        self.lit = (observations[0, ..., 0] > 0).astype(int)
        return observations, info

    def recv(self):
        step = super().recv()
        self.lit = self.lit * ~step[-1]["reset"] + (step[0][0, ..., 0] > 0)
        return step


def explore(config: DQNConfig, framework: str, num_games: int, seed: int = 0) -> Run:
    """Let the library's learner play and learn a toy for some games."""
    env = Watched(config.game)
    learner = make_learner(config, framework, env.observation_shape, env.num_actions, seed, device="cpu")
    memory = ReplayMemory(config.replay_capacity, 1, env.observation_shape[:2], config.history, heads_of(config))
    returns, visits, score = [], [], 0.0
    for step in play_and_learn(config, learner, env, memory, np.random.default_rng(seed)):
        score += float(step.rewards[0])
        if step.over[0]:
            returns.append(score)
            visits.append(env.lit)
            score = 0.0
        if len(returns) == num_games:
            break
    env.close()
    return Run(np.array(returns), visits)


def farthest_states(run: Run) -> list[int]:
    """The farthest state of each game on a chain."""
    return [int(np.count_nonzero(lit)) for lit in run.visits]


def visits_of(run: Run) -> np.ndarray:
    """How often each square of a sea was visited in all games, int [N, N]."""
    return np.sum(run.visits, axis=0)


def near_the_shore(size: int) -> np.ndarray:
    """The left half of the squares that can be reached in a sea: bool [N, N]."""
    rows, columns = np.indices((size, size))
    return columns <= rows // 2


def learn_zeros(config: BootstrappedConfig, framework: str, disagreement: Callable, updates: int, seed: int = 0) -> np.ndarray:
    """How much of their first disagreement heads keep, after they learned that the squares near the left shore are worth 0.

    disagreement: [B, K, A] -> [B], the learner's. Returns float [N, N], 1 for all of it; nan where no dive leads.
    """
    observation_shape, num_actions = toy_shapes(config.game)
    rows, columns = np.tril_indices(observation_shape[0])
    squares = np.zeros((len(rows), *observation_shape), np.uint8)
    squares[np.arange(len(rows)), rows, columns] = 255
    learner, rng = make_learner(config, framework, observation_shape, num_actions, seed, device="cpu"), np.random.default_rng(seed)
    before, shown = disagreement(learner.q_values(squares)), np.flatnonzero(near_the_shore(observation_shape[0])[rows, columns])
    for _ in range(updates):
        batch = squares[rng.choice(shown, config.batch_size)]
        actions, zeros = rng.integers(num_actions, size=len(batch)), np.zeros(len(batch), np.float32)
        masks = draw_masks(len(batch), config.num_heads, config.mask_probability, rng)
        learner.update(Batch(batch, actions, zeros, batch, np.ones(len(batch), bool), masks))
    kept = np.full(observation_shape[:2], np.nan)
    kept[rows, columns] = disagreement(learner.q_values(squares)) / before
    return kept


# --- Heads that fit a curve -----------------------------------------------------------------------------------------------------------

CENTRES = np.linspace(-0.15, 1.15, 27)
GRID = np.linspace(0, 1, 201)


def bumps(x: np.ndarray) -> np.ndarray:
    """Features of a number: [n] -> [n, 27]."""
    return np.exp(-0.5 * ((x[:, None] - CENTRES) / 0.06) ** 2)


def fit_heads(x: np.ndarray, y: np.ndarray, masks: np.ndarray, same_start: bool = False, seed: int = 0) -> np.ndarray:
    """K heads fitted to the points that their masks let through; x, y float [n], masks bool [n, K] -> curves [K, 201] over `GRID`.

    Each head is linear in the bumps, begins at random weights of its own (or all at the same) and moves no further away from
    them than its points make it.
    """
    rng, curves = np.random.default_rng(seed), []
    starts = rng.normal(0, 0.6, (masks.shape[1], len(CENTRES)))
    for mask, start in zip(masks.T, starts[:1].repeat(len(starts), axis=0) if same_start else starts):
        features = bumps(x[mask])  # [n', 27]
        pull = np.linalg.solve(features.T @ features + 0.05 * np.eye(len(CENTRES)), features.T @ (y[mask] - features @ start))
        curves.append(bumps(GRID) @ (start + pull))
    return np.array(curves)
