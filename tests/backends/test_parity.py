"""The twins agree: the same weights give the same outputs, losses, gradients and steps, to 1e-5."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

import course_lib.backends
from course_lib.config import A3C_BOOK, A3C_CATCH, BOOK, BOOTSTRAPPED_CHAIN, CATCH, NetworkConfig, replace, with_heads
from tests.backends.cases import (
    A3C_SMALL,
    BREAKOUT_SHAPE,
    HEADS,
    SHAPE,
    SMALL,
    actor_critic_loss,
    assert_same,
    backend,
    canonical,
    gradients,
    heads_td_loss,
    learner,
    make_batch,
    make_rollout,
    masked_heads_loss,
    norm,
    td_loss,
)

CASES = {
    "small": (SMALL, SHAPE),
    "breakout": (replace(BOOK, optimizer="sgd", learning_rate=0.05), BREAKOUT_SHAPE),
    "catch": (replace(CATCH, optimizer="sgd", learning_rate=0.05), (10, 5, 1)),
}
A3C_CASES = {
    "small": (A3C_SMALL, SHAPE),
    "breakout": (replace(A3C_BOOK, optimizer="sgd"), BREAKOUT_SHAPE),
    "catch": (replace(A3C_CATCH, optimizer="sgd", max_gradient_norm=40.0), (10, 5, 1)),
}
HEADS_CASES = {
    "small": (HEADS, SHAPE),
    "prior": (replace(HEADS, prior_scale=2.0), SHAPE),
    "breakout": (with_heads(CASES["breakout"][0], network=NetworkConfig(dense=(32,)), num_heads=4), BREAKOUT_SHAPE),
    "chain": (replace(BOOTSTRAPPED_CHAIN, optimizer="sgd", learning_rate=0.05, num_heads=20, prior_scale=1.0), (1, 20, 1)),
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


@pytest.fixture(params=HEADS_CASES)
def heads_twins(request):
    """Two ensembles with the same weights, whose target network differs from the online one and whose biases are not zero, and a batch."""
    config, shape = HEADS_CASES[request.param]
    twins, rng = [learner(framework, config, shape, seed=1) for framework in ("torch", "keras")], np.random.default_rng(0)
    weights = learner("torch", config, shape, seed=2).get_weights()
    weights |= {name: rng.normal(0, 0.1, bias.shape).astype(np.float32) for name, bias in weights.items() if name.endswith("bias")}
    for twin in twins:
        backend(framework_of(twin), "networks").set_weights(twin.online_network, weights)
    return *twins, make_batch(16, shape, num_heads=config.num_heads)


@pytest.fixture(params=A3C_CASES)
def a3c_case(request):
    return A3C_CASES[request.param]


@pytest.fixture
def a3c_twins(a3c_case):
    """Two learners with the same weights, and a rollout."""
    config, shape = a3c_case
    return *make_a3c_twins(config, shape), make_rollout(20, shape)


def make_a3c_twins(config, shape=SHAPE):
    """Two learners with the same weights, whose biases are not zero."""
    twins, rng = [learner(framework, config, shape, seed=1) for framework in ("torch", "keras")], np.random.default_rng(0)
    weights = twins[0].get_weights()
    weights |= {name: rng.normal(0, 0.1, bias.shape).astype(np.float32) for name, bias in weights.items() if name.endswith("bias")}
    for twin in twins:
        twin.set_weights(weights)
    return twins


def framework_of(twin) -> str:
    return type(twin).__module__.split(".")[2]


ALL_CASES = CASES | {f"heads-{name}": case for name, case in HEADS_CASES.items()} | {f"a3c-{name}": case for name, case in A3C_CASES.items()}


@pytest.mark.parametrize("config, shape", ALL_CASES.values(), ids=ALL_CASES)
def test_initial_weights_are_identical(config, shape):
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


def test_values_of_all_heads_and_of_one(heads_twins):
    one, other, batch = heads_twins
    assert_same(one.q_values(batch.observations), other.q_values(batch.observations))
    for head in range(one.config.num_heads):
        assert_same(one.head_values(batch.observations, head), other.head_values(batch.observations, head))


def test_losses_and_gradients_of_heads(heads_twins):
    one, other, batch = heads_twins
    results = []
    for twin in (one, other):
        asked = framework_of(twin), twin.online_network, twin.target_network, batch
        results.append({"losses": heads_td_loss(*asked)} | gradients(*asked, masked_heads_loss))
    assert_same(*results)
    assert all((np.abs(gradient).max() > 0) != name.startswith("prior/") for name, gradient in results[0].items())


def test_steps_of_ensembles(heads_twins):
    one, other, batch = heads_twins
    for step in range(3):
        before = one.get_weights()
        assert one.update(batch) == pytest.approx(other.update(batch), rel=1e-5)
        assert_same(one.get_weights(), other.get_weights())
    moved = {name: one.get_weights()[name] - before[name] for name in before}
    assert all((np.abs(step).max() > 0) != name.startswith("prior/") for name, step in moved.items())


@pytest.mark.parametrize("direction", [("torch", "keras"), ("keras", "torch")], ids="-".join)
@pytest.mark.parametrize("prior_scale", [0.0, 2.0])
def test_an_ensemble_takes_up_where_its_twin_stopped(direction, prior_scale):
    config, batches = replace(HEADS, prior_scale=prior_scale), [make_batch(seed=seed, num_heads=3) for seed in range(6)]
    one, other = learner(direction[0], config), learner(direction[1], config, seed=3)
    for batch in batches[:3]:
        one.update(batch)
    one.sync_target()
    other.set_weights(one.get_weights())
    for batch in batches[3:]:
        assert one.update(batch) == pytest.approx(other.update(batch), rel=1e-5)


@pytest.mark.parametrize("prior_scale", [0.0, 2.0])
def test_bfloat16_of_ensembles(prior_scale):
    one, other = (learner(framework, replace(HEADS, precision="bfloat16", prior_scale=prior_scale)) for framework in ("torch", "keras"))
    batch = make_batch(32, num_heads=3)
    assert one.update(batch) == pytest.approx(other.update(batch), rel=0.01)


def test_policies_and_values(a3c_twins):
    one, other, rollout = a3c_twins
    for mine, theirs in zip(one.policy_and_value(rollout.observations), other.policy_and_value(rollout.observations)):
        assert_same(mine, theirs)


def test_actor_critic_losses_and_gradients(a3c_twins):
    one, other, rollout = a3c_twins
    results = []
    for twin in (one, other):
        tensors, loss = twin.gradients(rollout)
        losses = actor_critic_loss(framework_of(twin), twin.network, rollout, twin.config.entropy_weight, twin.config.value_weight)
        assert loss == pytest.approx(losses.mean(), rel=1e-5)
        results.append({"losses": losses} | canonical(framework_of(twin), twin.network, tensors))
    assert_same(*results)
    assert all(np.abs(gradient).max() > 0 for gradient in results[0].values())


@pytest.mark.parametrize("max_norm", [1e6, 0.05], ids=["as they are", "clipped"])
def test_steps_of_actor_critics(a3c_case, max_norm):
    config, shape = a3c_case
    one, other = make_a3c_twins(replace(config, max_gradient_norm=max_norm), shape)
    for seed, learning_rate in enumerate((0.05, 0.02, 0.1)):
        losses, before = [], {name: weight.copy() for name, weight in one.get_weights().items()}
        for twin in (one, other):
            tensors, loss = twin.gradients(make_rollout(seed=seed, shape=shape))
            twin.apply_gradients(tensors, learning_rate)
            losses.append(loss)
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert_same(one.get_weights(), other.get_weights())
        moved = {name: one.get_weights()[name] - before[name] for name in before}
        assert all(np.abs(step).max() > 0 for step in moved.values())
        if max_norm < 1:
            assert norm(moved) == pytest.approx(learning_rate * max_norm, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_steps_of_actor_critics_with_the_other_optimizers(optimizer):
    """Where epsilon is nothing, as above; RMSprop's statistics fade by the same share."""
    config = replace(A3C_SMALL, optimizer=optimizer, optimizer_epsilon=1e-20, rmsprop_decay=0.95)
    one, other = learner("torch", config), learner("keras", config)
    for seed in range(5):
        (tensors, loss), (others, other_loss) = (twin.gradients(make_rollout(seed=seed)) for twin in (one, other))
        assert loss == pytest.approx(other_loss, rel=1e-3)
        one.apply_gradients(tensors, 1e-3)
        other.apply_gradients(others, 1e-3)


@pytest.mark.parametrize("direction", [("torch", "keras"), ("keras", "torch")], ids="-".join)
def test_an_actor_critic_takes_up_where_its_twin_stopped(direction):
    one, other = learner(direction[0], A3C_SMALL), learner(direction[1], A3C_SMALL, seed=3)
    for seed in range(6):
        if seed == 3:
            other.set_weights(one.get_weights())
        tensors, loss = one.gradients(make_rollout(seed=seed))
        one.apply_gradients(tensors, 0.05)
        if seed >= 3:
            tensors, other_loss = other.gradients(make_rollout(seed=seed))
            other.apply_gradients(tensors, 0.05)
            assert loss == pytest.approx(other_loss, rel=1e-5)


def test_the_flatten_trap():
    """Torch flattens channels first, Keras channels last: a bare transpose fits every shape and gives other Q-values."""
    keras, trapped, batch = learner("keras"), learner("torch"), make_batch()
    trapped.set_weights(keras.get_weights())
    assert_same(trapped.q_values(batch.observations), keras.q_values(batch.observations))
    first = trapped.online_network.dense[0].weight
    with torch.no_grad():
        first.copy_(torch.from_numpy(keras.get_weights()["dense1/kernel"].T.copy()))
    assert np.abs(trapped.q_values(batch.observations) - keras.q_values(batch.observations)).max() > 0.01


def test_the_flatten_trap_of_heads(monkeypatch):
    """Heads keep the canonical layout, so the core must hand over channels last, as Keras does."""
    keras, trapped, batch = learner("keras", HEADS), learner("torch", HEADS), make_batch()
    trapped.set_weights(keras.get_weights())
    assert_same(trapped.q_values(batch.observations), keras.q_values(batch.observations))
    convolve = backend("torch", "networks").convolve
    monkeypatch.setattr(trapped.online_network, "core", lambda observations: convolve(trapped.online_network, observations).flatten(1))
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


@pytest.mark.parametrize("file", ["networks.py", "losses.py", "common.py", "dqn.py", "bootstrapped.py", "actor_critic.py"])
def test_the_twins_read_line_against_line(file):
    one, other = outline("torch", file), outline("keras", file)
    shared = [name for name in one if name in other]
    assert shared == [name for name in other if name in one]
    needed = {
        "networks.py": ["QNetwork", "ActorCriticNetwork", "HeadsNetwork", "HeadsNetwork.one_head", "make_body", "features", "initialize", "get_weights", "set_weights"],
        "losses.py": ["huber_loss", "td_loss", "heads_td_loss", "masked_means", "policy_loss", "entropy", "value_loss", "actor_critic_loss"],
        "common.py": ["pick_device", "make_optimizer", "optimizer_state", "set_optimizer_state"],
        "dqn.py": [f"DQNLearner.{name}" for name in "q_values update sync_target get_weights set_weights get_state set_state".split()],
        "bootstrapped.py": [f"BootstrappedLearner.{name}" for name in ("make_network", "loss", "head_values")],
        "actor_critic.py": [
            f"ActorCriticLearner.{name}"
            for name in "policy_and_value gradients apply_gradients copy_from get_weights set_weights get_state set_state".split()
        ],
    }
    assert set(needed[file]) <= set(shared)
