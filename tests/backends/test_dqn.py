"""The learner: what crosses the seam, what an update changes, how a run is resumed."""

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file, save_file

from course_lib.config import replace
from course_lib.errors import CourseError
from tests.backends.cases import BREAKOUT_SHAPE, SHAPE, SMALL, array, assert_same, backend, gradients, learner, make_batch, tensor

ADAM = replace(SMALL, optimizer="adam", learning_rate=1e-3, optimizer_epsilon=1e-6)
RMSPROP = replace(SMALL, optimizer="rmsprop", learning_rate=1e-3)


def same(one: dict, other: dict) -> bool:
    """Equal to the last bit."""
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def target_weights(framework, agent):
    return backend(framework, "networks").get_weights(agent.target_network)


def test_what_crosses_the_seam(framework):
    agent = learner(framework)
    for size in (1, 8, 30):
        q_values = agent.q_values(make_batch(size).observations)
        assert isinstance(q_values, np.ndarray) and q_values.shape == (size, 3) and q_values.dtype == np.float32
        assert isinstance(agent.update(make_batch(size)), float)
    assert all(weight.dtype == np.float32 for weight in agent.get_weights().values())
    assert all(isinstance(value, np.ndarray) for value in agent.get_state().values())


def test_strides_do_not_matter(framework):
    agent, view = learner(framework), make_batch().observations
    assert not view.flags.c_contiguous
    assert_same(agent.q_values(view), agent.q_values(np.ascontiguousarray(view)))


def test_a_seed_means_a_network(framework):
    assert same(learner(framework, seed=5).get_weights(), learner(framework, seed=5).get_weights())
    assert not same(learner(framework, seed=5).get_weights(), learner(framework, seed=6).get_weights())


def test_a_fresh_learner_has_two_equal_networks(framework):
    agent = learner(framework)
    assert same(agent.get_weights(), target_weights(framework, agent))


def test_update_moves_the_online_network_alone_and_sync_copies_it(framework):
    agent = learner(framework)
    before = agent.get_weights()
    agent.update(make_batch())
    after = agent.get_weights()
    assert all((after[name] != before[name]).any() for name in before)
    assert same(target_weights(framework, agent), before)
    agent.sync_target()
    assert same(target_weights(framework, agent), after)
    agent.update(make_batch())
    assert same(target_weights(framework, agent), after)


def test_set_weights_sets_both_networks(framework):
    agent, other = learner(framework), learner(framework, seed=1)
    agent.set_weights(other.get_weights())
    assert same(agent.get_weights(), other.get_weights())
    assert same(target_weights(framework, agent), other.get_weights())


def test_no_gradient_flows_into_the_target(framework):
    """Even where online and target are one network: its gradient is that of a network whose target is a copy."""
    one, two = learner(framework), learner(framework)
    as_one = gradients(framework, one.online_network, one.online_network, make_batch())
    apart = gradients(framework, two.online_network, two.target_network, make_batch())
    assert_same(as_one, apart)
    if framework == "torch":
        assert all(parameter.grad is None for parameter in two.target_network.parameters())


def test_the_next_observation_of_a_terminated_transition_does_not_matter(framework):
    agent, batch = learner(framework), make_batch()._replace(terminated=np.ones(16, bool))
    other = batch._replace(next_observations=255 - batch.next_observations)
    state = agent.get_state()
    loss = agent.update(batch)
    agent.set_state(state)
    assert agent.update(other) == loss


def test_learning_the_same_batch_lowers_its_loss(framework):
    agent = learner(framework, ADAM)
    losses = [agent.update(make_batch()) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("config", [ADAM, RMSPROP], ids=lambda config: config.optimizer)
def test_a_resumed_run_goes_on_exactly(framework, config, tmp_path):
    agent, batches = learner(framework, config), [make_batch(seed=seed) for seed in range(8)]
    for batch in batches[:2]:
        agent.update(batch)
    agent.sync_target()
    agent.update(batches[2])
    save_file(agent.get_state(), tmp_path / "state.safetensors")
    further = [agent.update(batch) for batch in batches[3:]]

    resumed = learner(framework, config, seed=9)
    resumed.update(batches[7])  # its optimiser has a past of its own, which must go
    resumed.set_state(load_file(tmp_path / "state.safetensors"))
    assert [resumed.update(batch) for batch in batches[3:]] == further
    assert same(resumed.get_state(), agent.get_state())


def test_a_fresh_learner_has_a_state(framework):
    agent, other = learner(framework, ADAM), learner(framework, ADAM, seed=1)
    other.set_state(agent.get_state())
    assert same(other.get_state(), agent.get_state())
    assert other.update(make_batch()) == agent.update(make_batch())


def test_a_state_is_a_copy(framework):
    agent = learner(framework, ADAM)
    agent.update(make_batch())
    state = agent.get_state()
    kept = {name: value.copy() for name, value in state.items()}
    agent.update(make_batch(seed=1))
    assert same(state, kept) and not same(agent.get_state(), kept)


def test_bfloat16_learns_what_float32_learns(framework):
    exact, quick = learner(framework), learner(framework, replace(SMALL, precision="bfloat16"))
    batch, before = make_batch(32), exact.get_weights()
    assert (quick.q_values(batch.observations) == exact.q_values(batch.observations)).all()  # acting stays float32
    loss, quick_loss = exact.update(batch), quick.update(batch)
    assert 0 < abs(quick_loss - loss) < 0.01 * loss
    after, quick_after = exact.get_weights(), quick.get_weights()
    for name in before:
        step, quick_step = (after[name] - before[name]).ravel(), (quick_after[name] - before[name]).ravel()
        assert step @ quick_step > 0.99 * np.linalg.norm(step) * np.linalg.norm(quick_step)
    assert array(quick.online_network(tensor(framework, batch.observations))).dtype == np.float32  # bfloat16 ended with the update
    assert all(value.dtype != np.float16 and value.dtype.itemsize >= 4 for value in quick.get_state().values())


@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_where_epsilon_stands(framework, epsilon):
    """The first step of each optimiser, from its formula: g is the gradient, and the moving averages start at zero."""
    batch, step = make_batch(), {}
    for config in (replace(ADAM, optimizer_epsilon=epsilon), replace(RMSPROP, optimizer_epsilon=epsilon)):
        agent = learner(framework, config)
        before, g = agent.get_weights()["q/bias"], gradients(framework, agent.online_network, agent.target_network, batch)["q/bias"]
        agent.update(batch)
        step[config.optimizer] = before - agent.get_weights()["q/bias"]
    if framework == "torch":
        want = {"adam": g / (np.abs(g) + epsilon), "rmsprop": g / (np.sqrt(0.1 * g**2) + epsilon)}
    else:
        want = {"adam": g / (np.abs(g) + epsilon / np.sqrt(1 - 0.999)), "rmsprop": g / np.sqrt(0.1 * g**2 + epsilon)}
    for name in step:
        np.testing.assert_allclose(step[name], 1e-3 * want[name], rtol=1e-4)


def test_a_device_that_is_not_there_is_refused(framework):
    agent = learner(framework)
    if str(agent.device).startswith("cpu"):
        with pytest.raises(CourseError, match="sees no CUDA device"):
            backend(framework, "dqn").DQNLearner(SMALL, SHAPE, 3, device="cuda")
    assert str(backend(framework, "dqn").DQNLearner(SMALL, SHAPE, 3, device="cpu").device) == "cpu"


def test_acting_and_learning_keep_no_memory(framework):
    agent, batch = learner(framework, shape=BREAKOUT_SHAPE), make_batch(8, BREAKOUT_SHAPE)
    process, resident = psutil.Process(), []
    for _ in range(2):
        for size in (1, 8, 5) * 50:
            agent.q_values(batch.observations[:size])
        for _ in range(20):
            agent.update(batch)
        resident.append(process.memory_info().rss)
    assert resident[1] - resident[0] < 20e6  # keeping the observations as floats would take 80 MB
