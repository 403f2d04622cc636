"""The losses: by hand, by the libraries, by NumPy, and on transitions whose answer one can work out on paper."""

import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.replay import Batch
from course_lib.returns import Rollout
from tests.backends.cases import actor_critic_loss, array, backend, tensor, td_loss

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


def call(framework, loss: str, *arrays) -> np.ndarray:
    """A loss of arrays, as an array."""
    return array(getattr(backend(framework, "losses"), loss)(*(tensor(framework, np.asarray(a)) for a in arrays)))


def slopes(framework, loss: str, *arrays) -> list[np.ndarray | None]:
    """d sum(loss) / d each array of floats; None where nothing flows back."""
    function, tensors = getattr(backend(framework, "losses"), loss), [tensor(framework, np.asarray(a)) for a in arrays]
    if framework == "torch":
        tensors = [t.requires_grad_() if t.is_floating_point() else t for t in tensors]
        function(*tensors).sum().backward()
        return [t.grad if t.grad is None else t.grad.numpy() for t in tensors]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch([t for t in tensors if t.dtype.is_floating])
        losses = function(*tensors)
    return [t if t is None else t.numpy() for t in tape.gradient(losses, tensors)]


def test_hubers_slope_is_the_error_clipped(framework):
    np.testing.assert_allclose(slopes(framework, "huber_loss", ERRORS)[0], np.clip(ERRORS, -1, 1), rtol=1e-6)


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


HALF, QUARTERS = np.log([0.5, 0.25, 0.25]), np.log([0.25, 0.5, 0.25])  # logits: logarithms of probabilities, and any constant added to them
LOGITS = np.array([[0, 0, 0], [0, 0, 0], HALF + 7, HALF - 7, QUARTERS, QUARTERS], np.float32)  # [6, A]


def test_policy_loss_by_hand(framework):
    """-log pi(a|s) * advantage: an action that did better than foretold is to become likelier, and the unlikelier it was the more so."""
    losses = call(framework, "policy_loss", LOGITS, np.array([0, 2, 0, 1, 0, 1]), np.array([1, -2, 3, 3, -0.5, 0], np.float32))
    log2, log3 = np.log(2), np.log(3)
    np.testing.assert_allclose(losses, [log3, -2 * log3, 3 * log2, 6 * log2, -log2, 0], rtol=1e-6, atol=1e-6)
    assert losses.shape == (6,) and losses.dtype == np.float32


def test_entropy_by_hand(framework):
    """In nats: log A where all actions are alike, whatever A; 1.5 log 2 for 1/2, 1/4, 1/4."""
    np.testing.assert_allclose(call(framework, "entropy", LOGITS), [np.log(3)] * 2 + [1.5 * np.log(2)] * 4, rtol=1e-6)
    for num_actions in (1, 2, 3, 4, 18):
        entropy = call(framework, "entropy", np.full((5, num_actions), -3, np.float32))
        assert entropy.shape == (5,) and entropy.dtype == np.float32
        np.testing.assert_allclose(entropy, np.log(num_actions), rtol=1e-6, atol=1e-7)


def test_value_loss_by_hand(framework):
    losses = call(framework, "value_loss", np.array([0, 1, -1, 2], np.float32), np.array([0, 3, 1, -1], np.float32))
    assert losses.tolist() == [0, 4, 4, 9] and losses.dtype == np.float32


@pytest.mark.parametrize("values, returns", [((4, 1), (4,)), ((4,), (4, 1)), ((4, 1), (4, 1)), ((4,), (1,)), ((1,), (4,)), ((), ()), ((4,), (3,))])
def test_value_loss_refuses_what_would_broadcast(framework, values, returns):
    """[T, 1] - [T] is [T, T]: every value would be drawn to every return, with no error and a loss that falls."""
    with pytest.raises(ValueError, match=r"must both be \[B\]"):
        call(framework, "value_loss", np.zeros(values, np.float32), np.zeros(returns, np.float32))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """NumPy's, in double precision."""
    logits = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


FLOATS = st.floats(-20, 20, width=32)


@st.composite
def policies(draw):
    """(logits [B, A], actions [B], advantages [B])"""
    size, num_actions = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    actions = draw(hnp.arrays(np.int64, size, elements=st.integers(0, num_actions - 1)))
    return draw(hnp.arrays(np.float32, (size, num_actions), elements=FLOATS)), actions, draw(hnp.arrays(np.float32, size, elements=FLOATS))


@pytest.mark.parametrize("framework", ["torch", "keras"])
@given(policies())
@settings(deadline=None)  # a framework's first call takes its time
def test_losses_and_slopes_are_numpys(framework, case):
    logits, actions, numbers = case
    logs, rows, close = log_softmax(logits), np.arange(len(logits)), {"rtol": 1e-4, "atol": 1e-4}
    p = np.exp(logs)
    np.testing.assert_allclose(call(framework, "policy_loss", logits, actions, numbers), -logs[rows, actions] * numbers, **close)
    of_logits = slopes(framework, "policy_loss", logits, actions, numbers)[0]
    np.testing.assert_allclose(of_logits, (p - np.eye(logits.shape[1])[actions]) * numbers[:, None], **close)

    entropy = -(p * logs).sum(axis=1)
    np.testing.assert_allclose(call(framework, "entropy", logits), entropy, **close)
    np.testing.assert_allclose(slopes(framework, "entropy", logits)[0], -p * (logs + entropy[:, None]), **close)

    values = logits[:, 0]
    np.testing.assert_allclose(call(framework, "value_loss", values, numbers), (numbers - values) ** 2, **close)
    np.testing.assert_allclose(slopes(framework, "value_loss", values, numbers)[0], 2 * (values - numbers), **close)


def test_advantages_and_returns_are_constants(framework):
    numbers = np.array([1, -2, 3, 3, -0.5, 1], np.float32)
    of_logits, _, of_advantages = slopes(framework, "policy_loss", LOGITS, np.zeros(6, int), numbers)
    of_values, of_returns = slopes(framework, "value_loss", np.zeros(6, np.float32), numbers)
    assert np.abs(of_logits).max() > 0 and np.abs(of_values).max() > 0
    assert of_advantages is None and of_returns is None


def test_certain_policies_have_finite_losses(framework):
    """The logarithm of a probability of 0 would be minus infinity, and 0 times that no number: the loss works with logits."""
    logits, actions = np.array([[1000, -1000, 0], [-1000, -1000, 1000], [1000, 1000, -1000]], np.float32), np.array([1, 2, 0])
    losses = call(framework, "policy_loss", logits, actions, np.ones(3, np.float32))
    np.testing.assert_allclose(losses, [2000, 0, np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(call(framework, "entropy", logits), [0, 0, np.log(2)], rtol=1e-6, atol=1e-7)
    of_logits = slopes(framework, "policy_loss", logits, actions, np.ones(3, np.float32))[0]
    np.testing.assert_allclose(of_logits, [[1, -1, 0], [0, 0, 0], [-0.5, 0.5, 0]], atol=1e-6)
    np.testing.assert_allclose(slopes(framework, "entropy", logits)[0], np.zeros((3, 3)), atol=1e-6)


def two_tables(framework, logits, values):
    """A network that looks up its logits and its values: observation i has row i of both."""
    logits, values = table(framework, logits), table(framework, values)
    return lambda observations: (logits(observations), values(observations))


def test_actor_critic_loss_on_paper(framework):
    """Policy loss - entropy_weight * entropy + value_weight * value loss, one for each step."""
    network = two_tables(framework, [[0, 0], [0, np.log(3)]], [1, 2])
    observations, actions = np.array([0, 1, 1], np.uint8).reshape(3, 1, 1, 1), np.array([0, 0, 1])
    rollout = Rollout(observations, actions, np.array([4, 2, 0], np.float32), np.array([3, 1, -2], np.float32))
    log2, log4 = np.log(2), np.log(4)
    entropies = np.array([log2, log4 - 0.75 * np.log(3), log4 - 0.75 * np.log(3)])
    policy_losses, value_losses = np.array([3 * log2, log4, -2 * np.log(4 / 3)]), np.array([9, 0, 4])
    losses = actor_critic_loss(framework, network, rollout, entropy_weight=0.1, value_weight=0.25)
    assert losses.shape == (3,) and losses.dtype == np.float32
    np.testing.assert_allclose(losses, policy_losses - 0.1 * entropies + 0.25 * value_losses, rtol=1e-5)


def test_actor_critic_loss_refuses_values_in_a_column(framework):
    network, zeros = two_tables(framework, [[0, 0]], [[1]]), np.zeros(3, np.float32)
    rollout = Rollout(np.zeros((3, 1, 1, 1), np.uint8), np.zeros(3, int), zeros, zeros)
    with pytest.raises(ValueError, match=r"values \(3, 1\) and returns \(3,\)"):
        actor_critic_loss(framework, network, rollout)
