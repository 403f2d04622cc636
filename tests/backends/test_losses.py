"""The loss: by hand, by the libraries, and on transitions whose answer one can work out on paper."""

import keras
import numpy as np
import pytest
import torch

from course_lib.replay import Batch
from tests.backends.cases import array, backend, tensor, td_loss

ERRORS = np.array([-30, -2.5, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 1 + 1e-6, 2.5, 30], np.float32)


def huber(framework, errors, **options) -> np.ndarray:
    return array(backend(framework, "losses").huber_loss(tensor(framework, errors), **options))


def test_huber_by_hand(framework):
    losses = huber(framework, np.array([0, 0.5, -1, 2, -3], np.float32))
    np.testing.assert_allclose(losses, [0, 0.125, 0.5, 1.5, 2.5])
    assert losses.dtype == np.float32
    np.testing.assert_allclose(huber(framework, np.array([1, 4], np.float32), delta=2.0), [0.5, 6])


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_huber_is_the_libraries_huber(framework, delta):
    losses = huber(framework, ERRORS, delta=delta)
    of_torch = torch.nn.functional.huber_loss(torch.from_numpy(ERRORS), torch.zeros(len(ERRORS)), reduction="none", delta=delta)
    np.testing.assert_allclose(losses, of_torch.numpy(), rtol=1e-6)
    # Keras averages the last axis even without a reduction: one column, or it would give one number for all
    of_keras = keras.losses.Huber(delta, reduction=None)(np.zeros((len(ERRORS), 1)), ERRORS[:, None])
    np.testing.assert_allclose(losses, of_keras.numpy(), rtol=1e-6)


def test_hubers_slope_is_the_error_clipped(framework):
    if framework == "torch":
        errors = torch.tensor(ERRORS, requires_grad=True)
        backend("torch", "losses").huber_loss(errors).sum().backward()
        slopes = errors.grad.numpy()
    else:
        import tensorflow as tf

        errors = tf.constant(ERRORS)
        with tf.GradientTape() as tape:
            tape.watch(errors)
            losses = backend("keras", "losses").huber_loss(errors)
        slopes = tape.gradient(losses, errors).numpy()
    np.testing.assert_allclose(slopes, np.clip(ERRORS, -1, 1), rtol=1e-6)


def table(framework, rows):
    """A network that looks its Q-values up: observation i has row i."""
    rows = tensor(framework, np.array(rows, np.float32))  # [N, A]
    if framework == "torch":
        return lambda observations: rows[observations[:, 0, 0, 0].long()]
    import tensorflow as tf

    return lambda observations: tf.gather(rows, tf.cast(observations[:, 0, 0, 0], tf.int32))


ONLINE, TARGET = [[1.0, 2.0, 3.0], [50.0, 60.0, 70.0]], [[-9.0, -9.0, -9.0], [4.0, 8.0, 6.0]]


@pytest.mark.parametrize(
    "action, reward, terminated, error",
    [
        (0, 1.0, False, 1 + 0.5 * 8 - 1),  # r + discount * the target network's best - Q(s, a)
        (2, 1.0, False, 1 + 0.5 * 8 - 3),
        (1, 0.0, False, 0.5 * 8 - 2),
        (0, 1.0, True, 1 - 1),  # terminated: the reward alone
        (1, -1.0, True, -1 - 2),
        (2, 0.0, True, -3),
    ],
)
def test_td_loss_on_paper(framework, action, reward, terminated, error):
    batch = Batch(
        np.zeros((1, 1, 1, 1), np.uint8),
        np.array([action]),
        np.array([reward], np.float32),
        np.ones((1, 1, 1, 1), np.uint8),
        np.array([terminated]),
        np.zeros((1, 0), bool),
    )
    losses = td_loss(framework, table(framework, ONLINE), table(framework, TARGET), batch, discount=0.5)
    np.testing.assert_allclose(losses, huber("torch", np.array([error], np.float32)))


def test_td_loss_gives_one_loss_for_each_transition(framework):
    """[B, 1] - [B] would be [B, B]."""
    observations = np.array([0, 1, 0, 1], np.uint8).reshape(4, 1, 1, 1)
    actions, rewards = np.array([0, 1, 2, 0]), np.array([1, 0, 0, 1], np.float32)
    terminated = np.array([False, True, True, False])
    batch = Batch(observations, actions, rewards, 1 - observations, terminated, np.zeros((4, 0), bool))
    losses = td_loss(framework, table(framework, ONLINE), table(framework, TARGET), batch, discount=0.5)
    assert losses.shape == (4,) and losses.dtype == np.float32
    np.testing.assert_allclose(losses, huber("torch", np.array([1 + 4 - 1, -60, -3, 1 - 4.5 - 50], np.float32)))
