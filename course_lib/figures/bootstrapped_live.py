"""Lesson 07's live parts that do not teach: the learner's heads and loss made into an ensemble, heads that fit a curve, games noted down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_lib.config import BootstrappedConfig
from course_lib.replay import Batch
from course_lib.toy import Chain, make_toy


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

        self.config = config
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
