"""What the tests of both backends share: small settings, batches, and one way to ask either framework for a loss or its gradients."""

import copy
import importlib

import numpy as np
import torch  # before tensorflow

from course_lib.config import A3C_BOOK, BOOK, NetworkConfig, replace, with_heads
from course_lib.learners import make_learner
from course_lib.replay import Batch
from course_lib.returns import Rollout

torch.set_num_threads(1)  # small networks, and machines that run several tests at once

SHAPE = (20, 20, 4)
SMALL = replace(BOOK, network=NetworkConfig(conv=((8, 4, 2), (16, 3, 1)), dense=(32,)), optimizer="sgd", learning_rate=0.05)
HEADS = with_heads(SMALL, num_heads=3, mask_probability=0.5)
A3C_SMALL = replace(A3C_BOOK, network=SMALL.network, optimizer="sgd", learning_rate=0.05)
BREAKOUT_SHAPE = (84, 84, 4)


def backend(framework: str, module: str):
    """course_lib.backends.<framework>.<module>"""
    return importlib.import_module(f"course_lib.backends.{framework}.{module}")


def learner(framework: str, config=SMALL, shape=SHAPE, seed: int = 0):
    return make_learner(config, framework, shape, 3, seed)


def make_batch(size: int = 16, shape=SHAPE, seed: int = 0, num_heads: int = 0) -> Batch:
    """Random transitions; observations are strided views, as the replay memory gives them."""
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    frames = np.moveaxis(rng.integers(0, 256, (size, channels + 1, height, width), np.uint8), 1, -1)  # [B, H, W, C + 1]
    rewards, terminated = rng.normal(0, 2, size).astype(np.float32), rng.random(size) < 0.3
    return Batch(frames[..., :-1], rng.integers(3, size=size), rewards, frames[..., 1:], terminated, rng.random((size, num_heads)) < 0.5)


def make_rollout(size: int = 20, shape=SHAPE, seed: int = 0) -> Rollout:
    """Random steps with random returns and advantages."""
    rng = np.random.default_rng(seed)
    returns, advantages = rng.normal(0, 2, (2, size)).astype(np.float32)
    return Rollout(rng.integers(0, 256, (size, *shape), np.uint8), rng.integers(3, size=size), returns, advantages)


def tensor(framework: str, array: np.ndarray):
    return torch.from_numpy(array) if framework == "torch" else importlib.import_module("tensorflow").convert_to_tensor(array)


def array(tensor) -> np.ndarray:
    return tensor.detach().numpy() if isinstance(tensor, torch.Tensor) else tensor.numpy()


def td_loss(framework: str, network, target_network, batch: Batch, discount: float = 0.99) -> np.ndarray:
    """The losses of a batch of arrays: [B]."""
    batch = Batch(*(tensor(framework, array) for array in batch))
    return array(backend(framework, "losses").td_loss(network, target_network, batch, discount))


def actor_critic_loss(framework: str, network, rollout: Rollout, entropy_weight: float = 0.01, value_weight: float = 0.5) -> np.ndarray:
    """The losses of a rollout of arrays: [T]."""
    rollout = Rollout(*(tensor(framework, array) for array in rollout))
    return array(backend(framework, "losses").actor_critic_loss(network, rollout, entropy_weight, value_weight))


def heads_td_loss(framework: str, network, target_network, batch: Batch, discount: float = 0.99) -> np.ndarray:
    """The losses of a batch of arrays: [B, K]."""
    batch = Batch(*(tensor(framework, array) for array in batch))
    return array(backend(framework, "losses").heads_td_loss(network, target_network, batch, discount))


def total(tensor, axis: int | None = None):
    """The sum of a tensor of either framework."""
    return tensor.sum(dim=axis) if isinstance(tensor, torch.Tensor) else importlib.import_module("tensorflow").reduce_sum(tensor, axis)


def mean_td_loss(losses, network, target_network, batch):
    """What a DQN descends on: []."""
    return total(losses.td_loss(network, target_network, batch, 0.99)) / len(batch.rewards)


def masked_heads_loss(losses, network, target_network, batch):
    """What an ensemble descends on: []."""
    return total(losses.masked_means(losses.heads_td_loss(network, target_network, batch, 0.99), batch.masks))


def gradients(framework: str, network, target_network, batch: Batch, loss=mean_td_loss) -> dict[str, np.ndarray]:
    """d loss / d weights of the online network, in canonical form; zeros for those that never learn.

    loss: (the framework's losses, online network, target network, batch of tensors) -> [].
    """
    batch, losses = Batch(*(tensor(framework, array) for array in batch)), backend(framework, "losses")
    if framework == "torch":
        network.zero_grad()
        loss(losses, network, target_network, batch).backward()
        return canonical(framework, network, [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()])
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value = loss(losses, network, target_network, batch)
    learning = {variable.path for variable in network.trainable_variables}
    found = iter(tape.gradient(value, network.trainable_variables))
    variables = backend(framework, "networks").named_variables(network).values()
    return canonical(framework, network, [next(found) if v.path in learning else tf.zeros(v.shape) for v in variables])


def canonical(framework: str, network, tensors: list) -> dict[str, np.ndarray]:
    """A tensor for each parameter of the network (its gradient, say) under the canonical names and in the canonical layout."""
    networks = backend(framework, "networks")
    if framework == "keras":
        return {name: array(tensor) for name, tensor in zip(networks.named_variables(network), tensors, strict=True)}
    shell = copy.deepcopy(network)  # a network whose weights are these tensors knows how to transpose them
    for parameter, tensor in zip(shell.parameters(), tensors, strict=True):
        parameter.data = tensor
    return networks.get_weights(shell)


def norm(weights: dict[str, np.ndarray]) -> float:
    """The length of all arrays together, as one vector."""
    return float(np.sqrt(sum((array.astype(np.float64) ** 2).sum() for array in weights.values())))


def assert_same(one, other, tolerance: float = 1e-5) -> None:
    """Equal to `tolerance`, absolutely and relative to the largest number; arrays or dicts of arrays."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_same(one[name], other[name], tolerance)
        return
    assert one.shape == other.shape
    difference, size = np.abs(one - other).max(), max(np.abs(one).max(), np.abs(other).max())
    assert difference <= tolerance * min(size, 1.0), f"{difference} on {size}"
