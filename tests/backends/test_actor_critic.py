"""A3C's learner: what crosses the seam, what each of its steps changes, clipping, resuming, and learners in several threads."""

import threading

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file, save_file

from course_lib.config import A3C_CATCH, replace
from course_lib.errors import CourseError
from tests.backends.cases import A3C_SMALL, BREAKOUT_SHAPE, SHAPE, array, assert_same, backend, canonical, learner, make_rollout, norm

ADAM = replace(A3C_SMALL, optimizer="adam", optimizer_epsilon=1e-6)
RMSPROP = replace(A3C_SMALL, optimizer="rmsprop")
UNCLIPPED = replace(A3C_SMALL, max_gradient_norm=1e9)


def make(framework, config=A3C_SMALL, shape=SHAPE, seed=0):
    return learner(framework, config, shape, seed)


def weights_of(agent) -> dict[str, np.ndarray]:
    """Copies that nothing can change."""
    return {name: weight.copy() for name, weight in agent.get_weights().items()}


def gradients_of(framework, agent, rollout) -> dict[str, np.ndarray]:
    return canonical(framework, agent.network, agent.gradients(rollout)[0])


def learn(agent, rollout, learning_rate=1e-3) -> float:
    """What a single worker whose local network is the global one would do."""
    gradients, loss = agent.gradients(rollout)
    agent.apply_gradients(gradients, learning_rate)
    return loss


def same(one: dict, other: dict) -> bool:
    """Equal to the last bit."""
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)


def test_what_crosses_the_seam(framework):
    agent = make(framework)
    for size in (1, 8, 20):
        rollout = make_rollout(size)
        probabilities, values = agent.policy_and_value(rollout.observations)
        assert all(isinstance(array, np.ndarray) and array.dtype == np.float32 for array in (probabilities, values))
        assert probabilities.shape == (size, 3) and values.shape == (size,)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
        gradients, loss = agent.gradients(rollout)
        assert isinstance(gradients, list) and type(loss) is float
        assert agent.apply_gradients(gradients, 1e-3) is None
    assert all(weight.dtype == np.float32 for weight in agent.get_weights().values())
    assert all(isinstance(value, np.ndarray) for value in agent.get_state().values())


def test_strides_and_numpys_integers_do_not_matter(framework):
    agent = backend(framework, "actor_critic").ActorCriticLearner(A3C_SMALL, SHAPE, np.int64(3))
    view = np.moveaxis(np.moveaxis(make_rollout().observations, -1, 1).copy(), 1, -1)
    assert not view.flags.c_contiguous
    for one, other in zip(agent.policy_and_value(view), agent.policy_and_value(np.ascontiguousarray(view))):
        assert_same(one, other)


def test_a_seed_means_a_network(framework):
    assert same(make(framework, seed=5).get_weights(), make(framework, seed=5).get_weights())
    assert not same(make(framework, seed=5).get_weights(), make(framework, seed=6).get_weights())


def test_probabilities_are_the_softmax_of_the_logits(framework):
    agent, numbers = make(framework), np.log(np.array([0.7, 0.2, 0.1], np.float32))
    weights = {name: np.zeros_like(weight) for name, weight in agent.get_weights().items()}
    agent.set_weights(weights | {"policy/bias": numbers + 3, "value/bias": np.array([-2.5], np.float32)})
    probabilities, values = agent.policy_and_value(make_rollout(4).observations)
    np.testing.assert_allclose(probabilities, [[0.7, 0.2, 0.1]] * 4, rtol=1e-6)
    assert values.tolist() == [-2.5] * 4


def test_certain_policies_stay_numbers(framework):
    agent = make(framework)
    agent.set_weights(agent.get_weights() | {"policy/bias": np.array([1000, -1000, 0], np.float32)})
    probabilities, _ = agent.policy_and_value(make_rollout().observations)
    assert (probabilities == [1, 0, 0]).all()
    assert np.isfinite(learn(agent, make_rollout()))
    assert all(np.isfinite(weight).all() for weight in agent.get_weights().values())


def test_the_loss_is_the_mean_of_the_formula(framework):
    """From the learner's own probabilities and values, with NumPy's arithmetic."""
    agent, rollout = make(framework, replace(A3C_SMALL, entropy_weight=0.3, value_weight=0.7)), make_rollout()
    probabilities, values = agent.policy_and_value(rollout.observations)
    policy_losses = -np.log(probabilities[np.arange(20), rollout.actions]) * rollout.advantages
    entropies = -(probabilities * np.log(probabilities)).sum(axis=1)
    losses = policy_losses - 0.3 * entropies + 0.7 * (rollout.returns - values) ** 2
    assert agent.gradients(rollout)[1] == pytest.approx(losses.mean(), rel=1e-4)


def test_gradients_are_the_slope_of_the_loss(framework):
    agent, rollout = make(framework, UNCLIPPED), make_rollout()
    gradients, weights = gradients_of(framework, agent, rollout), weights_of(agent)
    for name, gradient in gradients.items():
        where = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        losses, step = [], 1e-3 / max(abs(gradient[where]), 1)
        for sign in (1, -1):
            moved = {key: weight.copy() for key, weight in weights.items()}
            moved[name][where] += sign * step
            agent.set_weights(moved)
            losses.append(agent.gradients(rollout)[1])
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(gradient[where], rel=0.03), name


def test_gradients_change_no_weight_and_are_their_own(framework):
    agent, before = make(framework), weights_of(make(framework))
    first, _ = agent.gradients(make_rollout(seed=1))
    kept = [array(gradient).copy() for gradient in first]
    second, _ = agent.gradients(make_rollout(seed=2))
    agent.apply_gradients(second, 0.0)
    assert same(weights_of(agent), before)
    assert all((array(gradient) == copy).all() for gradient, copy in zip(first, kept))
    assert any((array(one) != array(other)).any() for one, other in zip(first, second))


def test_a_local_copys_gradients_move_the_global_network_alone(framework):
    """Plain descent: every weight goes down its gradient, times the learning rate that was given."""
    local, shared = make(framework, UNCLIPPED), make(framework, UNCLIPPED, seed=1)
    local.copy_from(shared)
    before = weights_of(shared)
    assert same(weights_of(local), before)
    for learning_rate in (0.1, 0.003, 0.0):  # not the configuration's 0.05
        gradients, _ = local.gradients(make_rollout())
        shared.apply_gradients(gradients, learning_rate)
        assert same(weights_of(local), before)
        steps = canonical(framework, local.network, gradients)
        want = {name: before[name] - learning_rate * steps[name] for name in before}
        after = weights_of(shared)
        for name in before:
            np.testing.assert_allclose(after[name], want[name], rtol=1e-5, atol=1e-7)
            assert learning_rate == 0 or (after[name] != before[name]).any()
        shared.set_weights(before)


@pytest.mark.parametrize("config", [ADAM, RMSPROP], ids=lambda config: config.optimizer)
def test_the_learning_rate_is_the_length_of_a_step(framework, config):
    steps = []
    for learning_rate in (1e-3, 1e-2):
        agent = make(framework, config)
        before = weights_of(agent)
        learn(agent, make_rollout(), learning_rate)
        steps.append({name: agent.get_weights()[name] - before[name] for name in before})
    assert norm(steps[1]) == pytest.approx(10 * norm(steps[0]), rel=1e-3)


def test_copies_part_ways(framework):
    """A copy of the weights is a copy: neither learner sees what the other learns afterwards."""
    local, shared = make(framework), make(framework, seed=1)
    local.copy_from(shared)
    copied = weights_of(local)
    learn(shared, make_rollout())
    assert same(weights_of(local), copied) and not same(weights_of(shared), copied)
    local.copy_from(shared)
    copied = weights_of(shared)
    learn(local, make_rollout())
    assert same(weights_of(shared), copied) and not same(weights_of(local), copied)


def test_a_copy_keeps_its_own_optimizer(framework):
    local, shared = make(framework, ADAM), make(framework, ADAM, seed=1)
    learn(local, make_rollout(seed=2))
    learn(shared, make_rollout(seed=3))
    memory = {name: value.copy() for name, value in local.get_state().items() if name.startswith("optimizer/")}
    local.copy_from(shared)
    assert memory and same({name: value for name, value in local.get_state().items() if name.startswith("optimizer/")}, memory)


@pytest.mark.parametrize("max_norm", [1e-3, 0.1])
def test_no_gradient_is_longer_than_the_longest(framework, max_norm):
    """All parameters together; the direction stays."""
    full = gradients_of(framework, make(framework, UNCLIPPED), make_rollout())
    clipped = gradients_of(framework, make(framework, replace(A3C_SMALL, max_gradient_norm=max_norm)), make_rollout())
    assert norm(full) > 2 * max_norm
    assert norm(clipped) == pytest.approx(max_norm, rel=1e-4) and norm(clipped) <= max_norm * (1 + 1e-6)
    scale = max_norm / (norm(full) + 1e-6)
    for name in full:
        np.testing.assert_allclose(clipped[name], scale * full[name], rtol=1e-4, atol=1e-9)


def test_a_gradient_that_is_short_enough_stays(framework):
    full = gradients_of(framework, make(framework, UNCLIPPED), make_rollout())
    clipped = gradients_of(framework, make(framework, replace(A3C_SMALL, max_gradient_norm=1.1 * norm(full))), make_rollout())
    assert same(full, clipped)


def test_clipping_leaves_the_loss(framework):
    rollout = make_rollout()
    clipped = make(framework, replace(A3C_SMALL, max_gradient_norm=1e-3)).gradients(rollout)[1]
    assert clipped == make(framework, UNCLIPPED).gradients(rollout)[1]


def test_an_action_that_did_better_becomes_likelier(framework):
    for advantage in (1.0, -1.0):
        agent, rollout = make(framework), make_rollout()
        rollout = rollout._replace(actions=np.full(20, 2), advantages=np.full(20, advantage, np.float32))
        before = agent.policy_and_value(rollout.observations)[0][:, 2].mean()
        for _ in range(5):
            learn(agent, rollout, 0.02)
        assert advantage * (agent.policy_and_value(rollout.observations)[0][:, 2].mean() - before) > 0.01


def test_values_come_near_the_returns(framework):
    agent, rollout = make(framework, ADAM), make_rollout(4)
    rollout = rollout._replace(advantages=np.zeros(4, np.float32))
    for _ in range(60):
        learn(agent, rollout, 3e-3)
    np.testing.assert_allclose(agent.policy_and_value(rollout.observations)[1], rollout.returns, atol=0.3)


def test_entropy_keeps_the_policy_open(framework):
    """With nothing to gain, a policy that is fairly sure of one action comes to be less so."""
    agent, rollout = make(framework, replace(A3C_SMALL, entropy_weight=1.0, value_weight=0.0)), make_rollout()
    agent.set_weights(agent.get_weights() | {"policy/bias": np.array([2, 0, 0], np.float32)})
    rollout = rollout._replace(advantages=np.zeros(20, np.float32))
    before = agent.policy_and_value(rollout.observations)[0].max(axis=1).mean()
    for _ in range(20):
        learn(agent, rollout, 0.05)
    assert agent.policy_and_value(rollout.observations)[0].max(axis=1).mean() < before - 0.1


@pytest.mark.parametrize("decay", [0.99, 0.9])
@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_where_epsilon_stands(framework, epsilon, decay):
    """RMSprop's first step, from its formula: the running mean of squares starts at zero and takes up 1 - decay of this one."""
    agent = make(framework, replace(RMSPROP, optimizer_epsilon=epsilon, rmsprop_decay=decay))
    before, g = weights_of(agent)["policy/bias"], gradients_of(framework, agent, make_rollout())["policy/bias"]
    learn(agent, make_rollout(), 1e-3)
    mean = (1 - decay) * g**2
    want = g / (np.sqrt(mean) + epsilon) if framework == "torch" else g / np.sqrt(mean + epsilon)
    np.testing.assert_allclose(before - agent.get_weights()["policy/bias"], 1e-3 * want, rtol=1e-3)


@pytest.mark.parametrize("config", [A3C_SMALL, ADAM, RMSPROP], ids=lambda config: config.optimizer)
def test_a_resumed_run_goes_on_exactly(framework, config, tmp_path):
    agent, rollouts = make(framework, config), [make_rollout(seed=seed) for seed in range(8)]
    for rollout in rollouts[:3]:
        learn(agent, rollout, 1e-3)
    save_file(agent.get_state(), tmp_path / "state.safetensors")
    further = [learn(agent, rollout, 2e-3) for rollout in rollouts[3:]]

    resumed = make(framework, config, seed=9)
    learn(resumed, rollouts[7], 0.1)  # its optimiser has a past of its own, which must go
    resumed.set_state(load_file(tmp_path / "state.safetensors"))
    assert [learn(resumed, rollout, 2e-3) for rollout in rollouts[3:]] == further
    assert same(resumed.get_state(), agent.get_state())


def test_a_fresh_learner_has_a_state(framework):
    agent, other = make(framework, ADAM), make(framework, ADAM, seed=1)
    other.set_state(agent.get_state())
    assert same(other.get_state(), agent.get_state())
    assert learn(other, make_rollout()) == learn(agent, make_rollout())


def test_a_state_is_a_copy(framework):
    agent = make(framework, ADAM)
    learn(agent, make_rollout())
    state = agent.get_state()
    kept = {name: value.copy() for name, value in state.items()}
    learn(agent, make_rollout(seed=1))
    assert [name for name in state if (state[name] != kept[name]).any()] == []
    assert not same(agent.get_state(), kept)


def test_weights_that_do_not_fit_are_refused(framework):
    agent = make(framework)
    before = weights_of(agent)
    spoilt = {"value/kernel": np.zeros(32), "value/bias": np.zeros(3), "policy/kernel": before["policy/kernel"].T, "q/bias": np.zeros(3)}
    for name, weight in spoilt.items():
        with pytest.raises(ValueError, match=f"do not fit the network: {name}"):
            agent.set_weights(before | {name: weight.astype(np.float32)})
        state = {f"online/{key}": value for key, value in (before | {name: weight.astype(np.float32)}).items()}
        with pytest.raises(ValueError, match=f"do not fit the network: {name}"):
            agent.set_state(agent.get_state() | state)
    with pytest.raises(ValueError, match="do not fit the network: value/bias None, not"):
        agent.set_weights({name: weight for name, weight in before.items() if name != "value/bias"})
    assert same(weights_of(agent), before)


def test_a_network_without_convolutions_learns(framework):
    agent, rollout = make(framework, A3C_CATCH, (10, 5, 1)), make_rollout(9, (10, 5, 1))
    assert list(agent.get_weights())[:2] == ["dense1/kernel", "dense1/bias"] and agent.get_weights()["dense1/kernel"].shape == (50, 64)
    losses = [learn(agent, rollout, 2e-3) for _ in range(30)]
    assert losses[-1] < losses[0]
    probabilities, values = agent.policy_and_value(rollout.observations[:1])
    assert probabilities.shape == (1, 3) and values.shape == (1,)


def test_a_device_that_is_not_there_is_refused(framework):
    learner_class = backend(framework, "actor_critic").ActorCriticLearner
    if str(make(framework).device).startswith("cpu"):
        with pytest.raises(CourseError, match="sees no CUDA device"):
            learner_class(A3C_SMALL, SHAPE, 3, device="cuda")
    assert str(learner_class(A3C_SMALL, SHAPE, 3, device="cpu").device) == "cpu"


def in_threads(functions) -> None:
    """Run them side by side, from one starting shot; raise what any of them raises."""
    errors, barrier = [], threading.Barrier(len(functions))

    def run(function):
        try:
            barrier.wait()
            function()
        except BaseException as error:  # noqa: B036  (raised below)
            errors.append(error)

    threads = [threading.Thread(target=run, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_local_copies_in_several_threads_do_not_disturb_each_other(framework):
    """Each finds what it finds alone, from its first call on."""
    numbers = range(4)
    rollouts = [make_rollout(5 + number, seed=number) for number in numbers]

    def answers(agent, rollout):
        policies, losses = [], []
        for _ in range(10):
            policies.append(agent.policy_and_value(rollout.observations)[0])
            losses.append(learn(agent, rollout))
        return policies, losses

    alone = [answers(make(framework, ADAM, seed=number), rollouts[number]) for number in numbers]
    agents, together = [make(framework, ADAM, seed=number) for number in numbers], [None] * len(numbers)

    def run(number):
        together[number] = answers(agents[number], rollouts[number])

    in_threads([lambda number=number: run(number) for number in numbers])
    for (policies, losses), (same_policies, same_losses) in zip(alone, together):
        np.testing.assert_allclose(same_policies, policies, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(same_losses, losses, rtol=1e-4)


def test_several_threads_move_one_global_network_under_a_lock(framework):
    """Plain descent with gradients that do not change: the order of the updates does not matter, and none is lost."""
    shared, lock, rollouts = make(framework, UNCLIPPED), threading.Lock(), [make_rollout(seed=seed) for seed in range(4)]
    locals_ = [make(framework, UNCLIPPED) for _ in rollouts]
    before, each = weights_of(shared), [gradients_of(framework, locals_[0], rollout) for rollout in rollouts]
    copies = []

    def run(local, rollout):
        for _ in range(25):
            gradients, _ = local.gradients(rollout)
            with lock:
                shared.apply_gradients(gradients, 1e-3)
        other = make(framework, UNCLIPPED, seed=7)  # a learner may be made while others learn
        with lock:
            other.copy_from(shared)
        copies.append(other)

    in_threads([lambda pair=pair: run(*pair) for pair in zip(locals_, rollouts)])
    after = weights_of(shared)
    for name in before:
        want = before[name] - 25 * 1e-3 * sum(gradients[name] for gradients in each)
        np.testing.assert_allclose(after[name], want, rtol=1e-3, atol=1e-5)
    assert any(same(weights_of(copy), after) for copy in copies)


def test_no_call_is_traced_again(monkeypatch):
    """Keras: whatever the number of rows or the learning rate, the compiled functions answer, and no layer runs in Python."""
    agent = make("keras", ADAM)

    def traced(*_, **__):
        raise AssertionError("traced again")

    monkeypatch.setattr(type(agent.network), "__call__", traced)
    monkeypatch.setattr(agent.optimizer, "apply", traced)
    for size, learning_rate in ((1, 1e-3), (2, 2e-3), (20, 0.0), (7, np.float64(1e-4)), (7, 1)):
        agent.policy_and_value(make_rollout(size).observations)
        learn(agent, make_rollout(size), learning_rate)
    with pytest.raises(AssertionError, match="traced again"):
        agent.network(make_rollout().observations)


@pytest.mark.parametrize("config", [A3C_SMALL, ADAM, RMSPROP], ids=lambda config: config.optimizer)
@pytest.mark.parametrize("updates", [0, 2])
def test_sharing_memory_changes_nothing(config, updates):
    """PyTorch: weights and statistics lie in shared memory, and are what they were; a fresh optimiser's are zero, as at its first step."""
    shared, twin = make("torch", config), make("torch", config)
    for seed in range(updates):
        learn(shared, make_rollout(seed=seed))
        learn(twin, make_rollout(seed=seed))
    shared.share_memory()
    state = twin.get_state()
    for name, value in shared.get_state().items():
        assert (value == state[name]).all() if name in state else updates == 0 and (value == 0).all(), name
    assert all(parameter.is_shared() for parameter in shared.network.parameters())
    statistics = [tensor for moments in shared.optimizer.state.values() for tensor in moments.values() if tensor is not None]
    assert all(tensor.is_shared() for tensor in statistics) and (statistics or config.optimizer == "sgd")
    places = [tensor.data_ptr() for tensor in [*shared.network.parameters(), *statistics]]
    for seed in range(3):
        assert learn(shared, make_rollout(seed=5 + seed), 2e-3) == learn(twin, make_rollout(seed=5 + seed), 2e-3)
    assert same(shared.get_state(), twin.get_state())
    assert [tensor.data_ptr() for tensor in [*shared.network.parameters(), *statistics]] == places  # updated where they lie


def test_acting_and_learning_keep_no_memory(framework):
    agent, rollout = make(framework, shape=BREAKOUT_SHAPE), make_rollout(8, BREAKOUT_SHAPE)
    process, resident = psutil.Process(), []
    for _ in range(2):
        for size in (1, 8, 5) * 50:
            agent.policy_and_value(rollout.observations[:size])
        for _ in range(20):
            learn(agent, rollout)
        resident.append(process.memory_info().rss)
    assert resident[1] - resident[0] < 20e6  # keeping the observations as floats would take 80 MB
