"""The networks: their size, their weights in and out, what they return."""

import math

import numpy as np
import pytest

from course_lib.config import A3CConfig, NetworkConfig
from tests.backends.cases import BREAKOUT_SHAPE, SHAPE, SMALL, array, backend, tensor


@pytest.fixture
def networks(framework):
    return backend(framework, "networks")


@pytest.fixture(params=["QNetwork", "ActorCriticNetwork"])
def network(networks, request):
    network = getattr(networks, request.param)(SMALL.network, SHAPE, 3)
    networks.initialize(network, 0)
    return network


def test_the_network_of_the_paper_has_1_685_667_parameters(networks):
    weights = networks.get_weights(networks.QNetwork(NetworkConfig(), BREAKOUT_SHAPE, 3))
    sizes = {layer: weights[f"{layer}/kernel"].size + weights[f"{layer}/bias"].size for layer in ("conv1", "conv2", "conv3", "dense1", "q")}
    assert sizes == {"conv1": 8_224, "conv2": 32_832, "conv3": 36_928, "dense1": 1_606_144, "q": 1_539}
    assert sum(weight.size for weight in weights.values()) == 1_685_667


def test_canonical_weights_are_in_keras_layout(networks):
    weights = networks.get_weights(networks.QNetwork(NetworkConfig(), BREAKOUT_SHAPE, 3))
    assert {name: weight.shape for name, weight in weights.items()} == {
        "conv1/kernel": (8, 8, 4, 32),
        "conv1/bias": (32,),
        "conv2/kernel": (4, 4, 32, 64),
        "conv2/bias": (64,),
        "conv3/kernel": (3, 3, 64, 64),
        "conv3/bias": (64,),
        "dense1/kernel": (3136, 512),
        "dense1/bias": (512,),
        "q/kernel": (512, 3),
        "q/bias": (3,),
    }
    assert all(weight.dtype == np.float32 and weight.flags.c_contiguous for weight in weights.values())


def test_the_policy_and_value_of_the_paper_have_677_172_parameters(networks):
    """Kernels in Keras layout; the order is the one in which initial weights are drawn."""
    weights = networks.get_weights(networks.ActorCriticNetwork(A3CConfig().network, BREAKOUT_SHAPE, 3))
    assert [(name, weight.shape) for name, weight in weights.items()] == [
        ("conv1/kernel", (8, 8, 4, 16)),
        ("conv1/bias", (16,)),
        ("conv2/kernel", (4, 4, 16, 32)),
        ("conv2/bias", (32,)),
        ("dense1/kernel", (2592, 256)),
        ("dense1/bias", (256,)),
        ("policy/kernel", (256, 3)),
        ("policy/bias", (3,)),
        ("value/kernel", (256, 1)),
        ("value/bias", (1,)),
    ]
    assert all(weight.dtype == np.float32 and weight.flags.c_contiguous for weight in weights.values())
    assert sum(weight.size for weight in weights.values()) == 677_172


@pytest.mark.parametrize("size", [1, 8, 30])
def test_what_the_heads_give(framework, network, size):
    """A value for each action; or a logit for each action and one value, no column of values."""
    outputs = network(tensor(framework, np.zeros((size, *SHAPE), np.uint8)))
    outputs = [array(output) for output in (outputs if isinstance(outputs, tuple) else [outputs])]
    assert [output.shape for output in outputs] == [(size, 3), (size,)][: len(outputs)]
    assert all(output.dtype == np.float32 for output in outputs)


@pytest.mark.parametrize("config", [NetworkConfig(conv=(), dense=(8, 4)), NetworkConfig(conv=((4, 3, 1),), dense=(8,))])
def test_other_shapes_of_network(framework, networks, config):
    observations = tensor(framework, np.zeros((2, 10, 5, 1), np.uint8))
    q_network, actor_critic = networks.QNetwork(config, (10, 5, 1), 3), networks.ActorCriticNetwork(config, (10, 5, 1), 3)
    for network in (q_network, actor_critic):
        networks.initialize(network, 0)
    assert q_network(observations).shape == (2, 3)
    assert [tuple(output.shape) for output in actor_critic(observations)] == [(2, 3), (2,)]


def test_pixels_are_divided_by_255(framework, networks):
    """A network of one weight: Q = pixel / 255."""
    network = networks.QNetwork(NetworkConfig(conv=(), dense=(1,)), (1, 1, 1), 1)
    one, zero = np.ones((1, 1), np.float32), np.zeros(1, np.float32)
    networks.set_weights(network, {"dense1/kernel": one, "dense1/bias": zero, "q/kernel": one, "q/bias": zero})
    q_values = network(tensor(framework, np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)))
    np.testing.assert_allclose(array(q_values)[:, 0], [0, 0.2, 1], rtol=1e-6)


def test_policy_and_value_are_heads_of_one_body(framework, networks):
    """Logit = 2 features + 3, value = 5 features + 7, features = pixel / 255."""
    network = networks.ActorCriticNetwork(NetworkConfig(conv=(), dense=(1,)), (1, 1, 1), 1)
    numbers = {"dense1/kernel": [[1]], "dense1/bias": [0], "policy/kernel": [[2]], "policy/bias": [3], "value/kernel": [[5]], "value/bias": [7]}
    networks.set_weights(network, {name: np.array(number, np.float32) for name, number in numbers.items()})
    logits, values = network(tensor(framework, np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1)))
    np.testing.assert_allclose(array(logits), [[3], [3.4], [5]], rtol=1e-6)
    np.testing.assert_allclose(array(values), [7, 8, 12], rtol=1e-6)


def test_initial_kernels_are_glorot_uniform_and_biases_zero(networks):
    network = networks.QNetwork(NetworkConfig(), BREAKOUT_SHAPE, 3)
    networks.initialize(network, 3)
    weights = networks.get_weights(network)
    assert all((weights[name] == 0).all() for name in weights if name.endswith("bias"))
    for name, fan_in, fan_out in (("conv1", 256, 2048), ("conv3", 576, 576), ("dense1", 3136, 512), ("q", 512, 3)):
        kernel, limit = weights[f"{name}/kernel"], math.sqrt(6 / (fan_in + fan_out))
        assert 0.98 * limit < np.abs(kernel).max() <= limit
        assert abs(kernel.std() / (limit / math.sqrt(3)) - 1) < 0.05


def test_what_was_set_is_what_one_gets(networks, network):
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(size=weight.shape).astype(np.float32) for name, weight in networks.get_weights(network).items()}
    networks.set_weights(network, weights)
    got = networks.get_weights(network)
    assert list(got) == list(weights) and all((got[name] == weights[name]).all() for name in weights)


def test_weights_handed_out_are_copies(networks, network):
    before = networks.get_weights(network)
    kept = {name: weight.copy() for name, weight in before.items()}
    for weight in before.values():
        weight += 1
    after = networks.get_weights(network)
    assert [name for name in kept if (after[name] != kept[name]).any()] == []


def last(weights) -> str:
    """q/bias, or value/bias"""
    return list(weights)[-1]


def without(weights, name):
    return {key: weight for key, weight in weights.items() if key != name}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda weights: without(weights, "conv2/bias"),
        lambda weights: weights | {"conv9/bias": weights["conv2/bias"]},
        lambda weights: without(weights, "dense1/bias") | {"Dense1/bias": weights["dense1/bias"]},
        lambda weights: weights | {"dense1/kernel": weights["dense1/kernel"].T},
        lambda weights: weights | {"dense1/bias": weights["dense1/bias"][:2]},
        lambda weights: weights | {last(weights): np.zeros(9, np.float32)},
        lambda weights: without(weights, last(weights)),
        lambda weights: {},
    ],
    ids=["missing", "too many", "renamed", "transposed", "too short", "too long", "without a head", "none"],
)
def test_weights_that_do_not_fit_are_refused(networks, network, spoil):
    before = networks.get_weights(network)
    with pytest.raises(ValueError, match="do not fit the network"):
        networks.set_weights(network, spoil(before))
    assert all((weight == before[name]).all() for name, weight in networks.get_weights(network).items())


def test_a_refusal_names_the_weight(networks, network):
    weights = networks.get_weights(network)
    with pytest.raises(ValueError, match=r"dense1/bias \(2,\), not \(32,\)$"):
        networks.set_weights(network, weights | {"dense1/bias": weights["dense1/bias"][:2]})


def test_weights_of_another_kind_of_network_are_refused(networks, network):
    other = networks.QNetwork if isinstance(network, networks.ActorCriticNetwork) else networks.ActorCriticNetwork
    with pytest.raises(ValueError, match="do not fit the network: .*policy/bias"):
        networks.set_weights(network, networks.get_weights(other(SMALL.network, SHAPE, 3)))
