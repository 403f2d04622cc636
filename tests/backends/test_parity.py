"""The twins agree: the same weights give the same Q-values, losses, gradients and steps, to 1e-5."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import course_lib.backends
from course_lib.config import BOOK, CATCH, NetworkConfig, replace
from tests.backends.cases import BREAKOUT_SHAPE, SHAPE, SMALL, assert_same, backend, gradients, learner, make_batch, td_loss

CASES = {
    "small": (SMALL, SHAPE),
    "breakout": (replace(BOOK, optimizer="sgd", learning_rate=0.05), BREAKOUT_SHAPE),
    "catch": (replace(CATCH, optimizer="sgd", learning_rate=0.05), (10, 5, 1)),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def twins(case):
    """Two learners with the same weights, whose target network differs from the online one, and a batch."""
    config, shape = case
    twins = [learner(framework, config, shape, seed=1) for framework in ("torch", "keras")]
    weights, rng = learner("torch", config, shape, seed=2).get_weights(), np.random.default_rng(0)
    weights |= {name: rng.normal(0, 0.1, bias.shape).astype(np.float32) for name, bias in weights.items() if name.endswith("bias")}
    for twin in twins:
        backend(framework_of(twin), "networks").set_weights(twin.online_network, weights)
    return *twins, make_batch(16, shape)


def framework_of(twin) -> str:
    return type(twin).__module__.split(".")[2]


def test_initial_weights_are_identical(case):
    config, shape = case
    for seed in (0, 7):
        one, other = (learner(framework, config, shape, seed).get_weights() for framework in ("torch", "keras"))
        assert list(one) == list(other) and all((one[name] == other[name]).all() for name in one)


def test_q_values(twins):
    one, other, batch = twins
    assert_same(one.q_values(batch.observations), other.q_values(batch.observations))


def test_losses_and_gradients(twins):
    one, other, batch = twins
    results = []
    for twin in (one, other):
        networks = twin.online_network, twin.target_network
        results.append({"losses": td_loss(framework_of(twin), *networks, batch)} | gradients(framework_of(twin), *networks, batch))
    assert_same(*results)


def test_steps_of_sgd(twins):
    one, other, batch = twins
    for _ in range(3):
        before = one.get_weights()
        assert one.update(batch) == pytest.approx(other.update(batch), rel=1e-5)
        assert_same(one.get_weights(), other.get_weights())
    moved = {name: one.get_weights()[name] - before[name] for name in before}
    assert all(np.abs(step).max() > 0 for step in moved.values())


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_steps_of_the_other_optimizers_where_epsilon_is_nothing(optimizer):
    """A large one means other things to the twins, as test_dqn.test_where_epsilon_stands tells."""
    config = replace(SMALL, optimizer=optimizer, learning_rate=1e-3, optimizer_epsilon=1e-12)
    one, other = learner("torch", config), learner("keras", config)
    for seed in range(5):
        batch = make_batch(seed=seed)
        assert one.update(batch) == pytest.approx(other.update(batch), rel=1e-3)


@pytest.mark.parametrize("direction", [("torch", "keras"), ("keras", "torch")], ids="-".join)
def test_a_learner_takes_up_where_its_twin_stopped(direction):
    one, other = learner(direction[0]), learner(direction[1], seed=3)
    for seed in range(3):
        one.update(make_batch(seed=seed))
    one.sync_target()
    other.set_weights(one.get_weights())
    for seed in range(3, 6):
        assert one.update(make_batch(seed=seed)) == pytest.approx(other.update(make_batch(seed=seed)), rel=1e-5)


def test_bfloat16(case):
    config, shape = case
    one, other = (learner(framework, replace(config, precision="bfloat16"), shape) for framework in ("torch", "keras"))
    batch = make_batch(32, shape)
    assert one.update(batch) == pytest.approx(other.update(batch), rel=0.01)


def test_the_flatten_trap():
    """Torch flattens channels first, Keras channels last: a bare transpose fits every shape and gives other Q-values."""
    keras, trapped, batch = learner("keras"), learner("torch"), make_batch()
    trapped.set_weights(keras.get_weights())
    assert_same(trapped.q_values(batch.observations), keras.q_values(batch.observations))
    first = trapped.online_network.dense[0].weight
    with torch.no_grad():
        first.copy_(torch.from_numpy(keras.get_weights()["dense1/kernel"].T.copy()))
    assert np.abs(trapped.q_values(batch.observations) - keras.q_values(batch.observations)).max() > 0.01


def test_without_convolutions_there_is_no_trap():
    torch_network = backend("torch", "networks").QNetwork(NetworkConfig(conv=(), dense=(7,)), (10, 5, 1), 3)
    assert torch_network.flatten_shape == (10, 5, 1)


def outline(framework: str, file: str) -> list[str]:
    """The public functions, classes and methods of a backend's file, in order."""
    tree = ast.parse((Path(course_lib.backends.__path__[0]) / framework / file).read_text())
    names = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.append(node.name)
            names += [f"{node.name}.{child.name}" for child in getattr(node, "body", ()) if isinstance(child, ast.FunctionDef)]
    return [name for name in names if not name.split(".")[-1].startswith("_")]


@pytest.mark.parametrize("file", ["networks.py", "losses.py", "dqn.py"])
def test_the_twins_read_line_against_line(file):
    one, other = outline("torch", file), outline("keras", file)
    shared = [name for name in one if name in other]
    assert shared == [name for name in other if name in one]
    needed = {
        "networks.py": ["QNetwork", "initialize", "get_weights", "set_weights"],
        "losses.py": ["huber_loss", "td_loss"],
        "dqn.py": [f"DQNLearner.{name}" for name in "q_values update sync_target get_weights set_weights get_state set_state".split()],
    }
    assert set(needed[file]) <= set(shared)
