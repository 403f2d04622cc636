"""Many heads on one core: each is a DQN of its own, learns from what its mask lets through and nothing else, and bootstraps from itself."""

import numpy as np
import pytest

from course_lib.config import BOOTSTRAPPED_CATCH, BOOTSTRAPPED_FAST, BOOTSTRAPPED_SMOKE, NetworkConfig, replace, with_heads
from course_lib.replay import Batch
from course_lib.returns import td_targets
from tests.backends.cases import (
    BREAKOUT_SHAPE,
    HEADS,
    SHAPE,
    SMALL,
    array,
    assert_same,
    backend,
    gradients,
    heads_td_loss,
    learner,
    make_batch,
    masked_heads_loss,
    tensor,
    total,
)
from tests.backends.test_dqn import same

NUM_HEADS = HEADS.num_heads
WITH_PRIOR = replace(HEADS, prior_scale=3.0)
TWO_LAYERS = replace(HEADS, network=NetworkConfig(conv=((4, 4, 2),), dense=(16, 8)))
ADAM = replace(WITH_PRIOR, optimizer="adam", learning_rate=1e-3, optimizer_epsilon=1e-6)


def heads_learner(framework, config=HEADS, seed=0):
    """A learner whose target network differs from the online one, and no bias of which is zero."""
    agent, rng = learner(framework, config, seed=seed), np.random.default_rng(seed)
    for network in (agent.target_network, agent.online_network):
        weights = learner("torch", config, seed=rng.integers(100)).get_weights()
        weights |= {name: rng.normal(0, 0.1, bias.shape).astype(np.float32) for name, bias in weights.items() if name.endswith("bias")}
        backend(framework, "networks").set_weights(network, weights)
    return agent


def is_core(name: str) -> bool:
    return name.startswith("conv")


def one_of(weights: dict, head: int) -> dict:
    """The weights of a DQN that is this head on the core."""
    return {name: weight if is_core(name) else weight[head] for name, weight in weights.items()}


def head_as_dqn(framework, agent, head: int):
    """(online network, target network): the head as two networks of their own."""
    networks, pair = backend(framework, "networks"), []
    for network in (agent.online_network, agent.target_network):
        single = networks.QNetwork(agent.config.network, SHAPE, 3)
        networks.set_weights(single, one_of(networks.get_weights(network), head))
        pair.append(single)
    return pair


def rows(batch: Batch, chosen) -> Batch:
    return Batch(*(field[chosen] for field in batch))


# The network


@pytest.mark.parametrize("config", [HEADS, WITH_PRIOR, TWO_LAYERS], ids=["heads", "with prior", "two layers"])
def test_what_crosses_the_seam(framework, config):
    agent = heads_learner(framework, config)
    for size in (1, 8, 30):
        batch = make_batch(size, num_heads=NUM_HEADS)
        q_values = agent.q_values(batch.observations)
        assert q_values.shape == (size, NUM_HEADS, 3) and q_values.dtype == np.float32
        for head in range(NUM_HEADS):
            one = agent.head_values(batch.observations, head)
            assert one.shape == (size, 3) and one.dtype == np.float32
            assert_same(one, q_values[:, head])
        assert type(agent.update(batch)) is float
    assert all(weight.dtype == np.float32 for weight in agent.get_weights().values())


def test_canonical_weights_and_how_many(framework):
    """The same names as DQN's; the heads' kernels have their number in front; the prior is a network of the same shape."""
    agent = learner(framework, replace(BOOTSTRAPPED_FAST, prior_scale=1.0), BREAKOUT_SHAPE)
    shapes = {name: weight.shape for name, weight in agent.get_weights().items()}
    learning = {
        "conv1/kernel": (8, 8, 4, 32),
        "conv1/bias": (32,),
        "conv2/kernel": (4, 4, 32, 64),
        "conv2/bias": (64,),
        "conv3/kernel": (3, 3, 64, 64),
        "conv3/bias": (64,),
        "dense1/kernel": (10, 3136, 128),
        "dense1/bias": (10, 128),
        "q/kernel": (10, 128, 3),
        "q/bias": (10, 3),
    }
    assert list(shapes.items()) == [*learning.items(), *((f"prior/{name}", shape) for name, shape in learning.items())]


def test_initial_weights_are_glorot_uniform_for_each_head_and_no_two_alike(framework):
    weights = learner(framework, replace(WITH_PRIOR, network=NetworkConfig(conv=(), dense=(300,)))).get_weights()
    for prefix in ("", "prior/"):
        kernel, limit = weights[f"{prefix}dense1/kernel"], np.sqrt(6 / (np.prod(SHAPE) + 300))  # fans of one head
        assert 0.99 * limit < np.abs(kernel).max() <= limit and abs(kernel.std() / limit * np.sqrt(3) - 1) < 0.01
        assert np.abs(np.corrcoef(kernel.reshape(NUM_HEADS, -1)) - np.eye(NUM_HEADS)).max() < 0.01
        assert not weights[f"{prefix}q/bias"].any()
    assert (weights["dense1/kernel"] != weights["prior/dense1/kernel"]).all()


@pytest.mark.parametrize("config", [HEADS, TWO_LAYERS], ids=["one layer", "two layers"])
def test_heads_are_networks_of_their_own_in_outputs(framework, config):
    agent, observations = heads_learner(framework, config), make_batch().observations
    q_values = agent.q_values(observations)  # [B, K, A]
    for head in range(NUM_HEADS):
        assert_same(q_values[:, head], array(head_as_dqn(framework, agent, head)[0](tensor(framework, observations))))
    assert np.abs(q_values - q_values[:, :1]).max() > 0.1


@pytest.mark.parametrize("config", [HEADS, TWO_LAYERS], ids=["one layer", "two layers"])
def test_heads_are_networks_of_their_own_in_gradients(framework, config):
    """A head learns as a DQN does from the samples that its mask lets through; the core, from the mean of those DQNs' gradients."""
    agent, batch = heads_learner(framework, config), make_batch(num_heads=NUM_HEADS)
    together = gradients(framework, agent.online_network, agent.target_network, batch, masked_heads_loss)
    singles = [gradients(framework, *head_as_dqn(framework, agent, head), rows(batch, batch.masks[:, head])) for head in range(NUM_HEADS)]
    for name, gradient in together.items():
        apart = np.stack([single[name] for single in singles])
        assert np.abs(apart).max() > 1e-4
        assert_same(gradient, apart.mean(axis=0) if is_core(name) else apart)
        if is_core(name):
            with pytest.raises(AssertionError):  # not normalised
                assert_same(gradient, apart.sum(axis=0))


def test_the_prior_is_a_second_ensemble_added(framework):
    agent, observations = heads_learner(framework, WITH_PRIOR), make_batch().observations
    weights, learnt, prior = agent.get_weights(), learner(framework, HEADS), learner(framework, HEADS)
    learnt.set_weights({name: weight for name, weight in weights.items() if not name.startswith("prior/")})
    prior.set_weights({name.removeprefix("prior/"): weight for name, weight in weights.items() if name.startswith("prior/")})
    assert_same(agent.q_values(observations), learnt.q_values(observations) + 3.0 * prior.q_values(observations))
    assert_same(agent.head_values(observations, 2), learnt.head_values(observations, 2) + 3.0 * prior.head_values(observations, 2))


def test_the_prior_never_learns(framework):
    agent = learner(framework, ADAM)
    before = agent.get_weights()
    assert same(before, backend(framework, "networks").get_weights(agent.target_network))  # one prior for both
    for seed in range(5):
        agent.update(make_batch(seed=seed, num_heads=NUM_HEADS))
        agent.sync_target()
    after, state = agent.get_weights(), agent.get_state()
    assert all((after[name] == before[name]).all() == name.startswith("prior/") for name in before)
    moments = [name for name in state if name.startswith("optimizer/")]
    assert moments and not any("prior" in name for name in moments)
    sizes = sum(state[name].size for name in moments)
    learning = sum(weight.size for name, weight in before.items() if not name.startswith("prior/"))
    assert 2 * learning <= sizes < 2 * learning + 20  # Adam's two moments and its counters, of what learns and nothing else


def test_the_gradient_of_a_prior_is_nothing(framework):
    agent, batch = heads_learner(framework, WITH_PRIOR), make_batch(num_heads=NUM_HEADS)
    found = gradients(framework, agent.online_network, agent.target_network, batch, masked_heads_loss)
    assert all(found[name].any() for name in found if not name.startswith("prior/"))
    if framework == "torch":
        assert all(parameter.grad is None for parameter in agent.online_network.prior.parameters())
    else:
        assert not agent.online_network.prior.trainable_variables


# The target


def losses_by_hand(online, target, batch: Batch) -> np.ndarray:
    """[B, K], head by head, with NumPy's arithmetic from the values of two networks: [B, K, A]."""
    losses = []
    for head in range(NUM_HEADS):
        targets = td_targets(batch.rewards, batch.terminated, target[:, head], 0.99)
        errors = np.abs(targets - online[np.arange(len(targets)), head, batch.actions])
        losses.append(np.where(errors <= 1, errors**2 / 2, errors - 0.5))
    return np.stack(losses, axis=1)


def assert_bootstraps_from_itself(framework, wrong_target=None):
    agent, batch = heads_learner(framework, WITH_PRIOR), make_batch()
    online, target = agent.online_network, agent.target_network
    expected = losses_by_hand(
        array(online(tensor(framework, batch.observations))), array(target(tensor(framework, batch.next_observations))), batch
    )
    losses = heads_td_loss(framework, online, wrong_target(online, target) if wrong_target else target, batch)
    assert_same(losses, expected.astype(np.float32))


WRONG_TARGETS = {
    "the online network": lambda online, target: online,
    "the first head for all": lambda online, target: lambda x: target(x)[:, :1],
    "the mean of all heads": lambda online, target: lambda x: total(target(x), 1)[:, None] / NUM_HEADS,
    "the best of all heads": lambda online, target: lambda x: best_head(target(x)),
}


def best_head(q_values):
    """[B, K, A] -> [B, 1, A], the highest value that any head holds of an action."""
    if hasattr(q_values, "amax"):
        return q_values.amax(dim=1, keepdim=True)
    import tensorflow as tf

    return tf.reduce_max(q_values, axis=1, keepdims=True)


def test_a_head_bootstraps_from_its_own_target(framework):
    assert_bootstraps_from_itself(framework)


@pytest.mark.parametrize("wrong_target", WRONG_TARGETS.values(), ids=WRONG_TARGETS)
def test_other_targets_are_caught(framework, wrong_target):
    with pytest.raises(AssertionError):
        assert_bootstraps_from_itself(framework, wrong_target)


def test_no_gradient_flows_into_the_target(framework):
    """Even where online and target are one network: its gradient is that of a network whose target is a copy."""
    one, two, batch = learner(framework, HEADS), learner(framework, HEADS), make_batch(num_heads=NUM_HEADS)
    as_one = gradients(framework, one.online_network, one.online_network, batch, masked_heads_loss)
    assert_same(as_one, gradients(framework, two.online_network, two.target_network, batch, masked_heads_loss))


def test_an_update_tells_the_mean_of_the_heads_losses(framework):
    """And the target stays where it is until it is synchronised."""
    agent = heads_learner(framework)
    target = backend(framework, "networks").get_weights(agent.target_network)
    for seed in range(3):
        batch = make_batch(seed=seed, num_heads=NUM_HEADS)
        losses = heads_td_loss(framework, agent.online_network, agent.target_network, batch)
        means = [losses[batch.masks[:, head], head].mean() for head in range(NUM_HEADS)]
        assert agent.update(batch) == pytest.approx(np.mean(means), rel=1e-5)
    assert same(backend(framework, "networks").get_weights(agent.target_network), target)
    agent.sync_target()
    assert same(backend(framework, "networks").get_weights(agent.target_network), agent.get_weights())


# The masks


def numbers(masks):
    """bool -> float32 of either framework."""
    if hasattr(masks, "float"):
        return masks.float()
    import tensorflow as tf

    return tf.cast(masks, tf.float32)


def broadcast(losses, masks):
    """WRONG: a column of losses times a row of masks is [B, B], and every sample gets every mask."""
    masks, heads = numbers(masks), []
    for head in range(NUM_HEADS):
        heads.append(total(losses[:, head, None] * masks[:, head]) / total(masks[:, head]))  # [B, 1] * [B]
    return sum(heads)


def mean_first(losses, masks):
    """WRONG: the mean is taken before the mask can keep anything out of it."""
    masks = numbers(masks)
    means = total(losses, 0) / len(losses)  # [K]
    return total(means * masks / total(masks, 0))  # [B, K]


def averaged_over_heads(losses, masks):
    """WRONG: a loss that averages its last axis, as Keras's Huber does without any reduction: the heads share one number."""
    means = total(losses, 1)[:, None] / NUM_HEADS  # [B, 1]
    return total(means * numbers(masks)) / len(losses)


def unmasked(losses, masks):
    """WRONG: the masks are carried along, and never used."""
    return total(losses) / len(losses)


def assert_masks_hold(framework, reduce=None):
    """Change a sample that one head may not see: nothing of that head's gradient changes, to the last bit; the others' do."""

    def loss(losses, network, target_network, batch):
        each = losses.heads_td_loss(network, target_network, batch, 0.99)  # [B, K]
        return reduce(each, batch.masks) if reduce else total(losses.masked_means(each, batch.masks))

    agent, batch, changed = heads_learner(framework), make_batch(num_heads=NUM_HEADS), make_batch(num_heads=NUM_HEADS)
    batch.masks[5], changed.masks[5] = (True, False, True), (True, False, True)
    changed.rewards[5] += 3
    changed.observations[5] = 255 - changed.observations[5]
    one, other = (gradients(framework, agent.online_network, agent.target_network, each, loss) for each in (batch, changed))
    for name in one:
        if not is_core(name):
            assert (one[name][1] == other[name][1]).all(), name
            assert all((one[name][head] != other[name][head]).any() for head in (0, 2))


def test_a_head_learns_nothing_from_what_its_mask_keeps_from_it(framework):
    assert_masks_hold(framework)


@pytest.mark.parametrize("wrong", [broadcast, mean_first, averaged_over_heads, unmasked])
def test_masks_that_do_not_hold_are_caught(framework, wrong):
    with pytest.raises(AssertionError):
        assert_masks_hold(framework, wrong)


def test_keras_averages_the_last_axis_even_where_it_does_not_reduce():
    """Why `huber_loss` is written out."""
    import keras

    huber, some = keras.losses.Huber(reduction=None), np.ones((16, NUM_HEADS), np.float32)
    assert huber(some, some).shape == (16,) and huber(some[:, 0], some[:, 0]).shape == ()


def test_an_update_holds_to_the_masks(framework):
    """The same, of a whole step of the learner."""
    batch, changed = make_batch(num_heads=NUM_HEADS), make_batch(num_heads=NUM_HEADS)
    for each in (batch, changed):
        each.masks[3], each.masks[:, 2] = (False, True, False), False
    changed.rewards[3] += 3
    before, weights = heads_learner(framework).get_weights(), []
    for each in (batch, changed):
        agent = heads_learner(framework)
        agent.update(each)
        weights.append(agent.get_weights())
    for name in before:
        one, other = weights
        assert (one[name] != before[name]).any() and (one[name] != other[name]).any()
        if not is_core(name):
            assert (one[name][0] == other[name][0]).all() and (one[name][0] != before[name][0]).any()
            assert (one[name][1] != other[name][1]).any()
            assert (one[name][2] == before[name][2]).all()  # a gradient of exactly zero: SGD leaves it where it is


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_where_nobody_may_learn_nothing_happens(framework, optimizer):
    agent = learner(framework, replace(WITH_PRIOR, optimizer=optimizer))
    batch, before = make_batch()._replace(masks=np.zeros((16, NUM_HEADS), bool)), agent.get_weights()
    assert agent.update(batch) == 0.0
    assert same(agent.get_weights(), before)
    found = gradients(framework, agent.online_network, agent.target_network, batch, masked_heads_loss)
    assert all((gradient == 0.0).all() for gradient in found.values())


def test_masked_means_by_hand(framework):
    losses = np.array([[1, 2, 3], [10, 20, 30], [100, 200, 300]], np.float32)
    masks = np.array([[True, True, False], [True, False, False], [True, True, False]])
    means = backend(framework, "losses").masked_means(tensor(framework, losses), tensor(framework, masks))
    np.testing.assert_allclose(array(means), [37, 101, 0])


@pytest.mark.parametrize("losses, masks", [((4, 3), (4, 1)), ((4, 3), (4,)), ((4,), (4,)), ((4, 1), (4, 4)), ((4, 3), (3, 4)), ((1, 3), (4, 3))])
def test_masks_of_another_shape_are_refused(framework, losses, masks):
    with pytest.raises(ValueError, match=r"must both be \[B, K\]"):
        backend(framework, "losses").masked_means(tensor(framework, np.ones(losses, np.float32)), tensor(framework, np.ones(masks, bool)))


@pytest.mark.parametrize("num_heads", [0, 1, 2, 4])
def test_a_learner_refuses_masks_of_another_number_of_heads(framework, num_heads):
    with pytest.raises(Exception, match="(?i)shape|both be"):
        learner(framework, HEADS).update(make_batch(num_heads=num_heads))


# One head is DQN


def agree(agent, dqn, update, tolerance):
    weights = {name: weight if is_core(name) else weight[0] for name, weight in agent.get_weights().items()}
    for name, weight in dqn.get_weights().items():
        np.testing.assert_allclose(weights[name], weight, rtol=0, atol=tolerance, err_msg=f"{name} after update {update}")


def test_one_head_is_dqn_in_every_step(framework):
    """From the same weights to the same weights, wherever twenty updates lead."""
    networks = backend(framework, "networks")
    dqn, agent = learner(framework, seed=4), learner(framework, with_heads(SMALL, num_heads=1), seed=5)
    for update in range(1, 21):
        for ours, theirs in ((agent.online_network, dqn.online_network), (agent.target_network, dqn.target_network)):
            weights = networks.get_weights(theirs)
            networks.set_weights(ours, {name: weight if is_core(name) else weight[None] for name, weight in weights.items()})
        batch = make_batch(seed=update)
        losses = agent.update(batch._replace(masks=np.ones((16, 1), bool))), dqn.update(batch)
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)
        agree(agent, dqn, update, 1e-6)
        if update % 7 == 0:
            dqn.sync_target()


def test_one_head_is_dqn_step_for_step(framework):
    dqn, agent = learner(framework, seed=4), learner(framework, with_heads(SMALL, num_heads=1), seed=4)
    agree(agent, dqn, 0, 0)
    for update in range(1, 21):
        batch = make_batch(seed=update)
        assert_same(agent.q_values(batch.observations)[:, 0], dqn.q_values(batch.observations), 1e-4)
        losses = agent.update(batch._replace(masks=np.ones((16, 1), bool))), dqn.update(batch)
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
        agree(agent, dqn, update, 1e-4)  # rounding differs: here an einsum, there a matrix product
        if update % 7 == 0:
            agent.sync_target()
            dqn.sync_target()


# Precision, states


@pytest.mark.parametrize("config", [HEADS, WITH_PRIOR], ids=["heads", "with prior"])
def test_bfloat16_learns_what_float32_learns(framework, config):
    exact, quick = learner(framework, config), learner(framework, replace(config, precision="bfloat16"))
    batch, before = make_batch(32, num_heads=NUM_HEADS), exact.get_weights()
    assert (quick.q_values(batch.observations) == exact.q_values(batch.observations)).all()  # acting stays float32
    loss, quick_loss = exact.update(batch), quick.update(batch)
    assert 0 < abs(quick_loss - loss) < 0.01 * loss
    after, quick_after = exact.get_weights(), quick.get_weights()
    for name in before:
        step, quick_step = (after[name] - before[name]).ravel(), (quick_after[name] - before[name]).ravel()
        assert step @ quick_step >= 0.99 * np.linalg.norm(step) * np.linalg.norm(quick_step)
    assert array(quick.online_network(tensor(framework, batch.observations))).dtype == np.float32  # bfloat16 ended with the update


def test_a_resumed_run_goes_on_exactly(framework):
    """As DQN's; the prior, which the seed alone would not give back, comes with the state."""
    agent, batches = learner(framework, ADAM), [make_batch(seed=seed, num_heads=NUM_HEADS) for seed in range(8)]
    agent.update(batches[0])
    agent.sync_target()
    agent.update(batches[1])
    state = {name: value.copy() for name, value in agent.get_state().items()}
    further = [agent.update(batch) for batch in batches[2:]]

    resumed = learner(framework, ADAM, seed=9)
    resumed.update(batches[7])
    assert (resumed.get_weights()["prior/q/kernel"] != agent.get_weights()["prior/q/kernel"]).any()
    resumed.set_state(state)
    assert [resumed.update(batch) for batch in batches[2:]] == further
    assert same(resumed.get_state(), agent.get_state())
    assert (resumed.q_values(batches[0].observations) == agent.q_values(batches[0].observations)).all()


@pytest.mark.parametrize("other", [SMALL, replace(HEADS, num_heads=4), HEADS], ids=["dqn", "more heads", "no prior"])
def test_weights_of_another_kind_are_refused(framework, other):
    with pytest.raises(ValueError, match="do not fit the network"):
        learner(framework, WITH_PRIOR).set_weights(learner(framework, other).get_weights())


@pytest.mark.parametrize("config", [BOOTSTRAPPED_SMOKE, BOOTSTRAPPED_CATCH])
def test_learning_the_same_batch_lowers_every_heads_loss(framework, config):
    config = replace(config, network=HEADS.network, num_heads=3, learning_rate=1e-3)
    agent, batch = learner(framework, config), make_batch(32, num_heads=3)
    networks = agent.online_network, agent.target_network
    before = heads_td_loss(framework, *networks, batch)
    for _ in range(40):
        agent.update(batch)
    after = heads_td_loss(framework, *networks, batch)
    for head in range(3):
        seen = batch.masks[:, head]
        assert after[seen, head].mean() < 0.3 * before[seen, head].mean()
        assert after[seen, head].mean() < 0.5 * after[~seen, head].mean()  # what it may not see, it does not learn by heart


def test_torch_heads_lie_in_memory_as_they_are_multiplied():
    """[in, K, out], whatever happened to them: a product with a shared input then copies nothing, and a fused optimiser step meets its moments."""
    config = replace(BOOTSTRAPPED_SMOKE, num_heads=3, network=NetworkConfig(dense=(16,)))

    def lies_well(tensor):
        return tensor.transpose(0, 1).is_contiguous()

    one, other = (learner("torch", config, BREAKOUT_SHAPE, seed) for seed in (1, 2))
    for _ in range(2):
        one.update(make_batch(8, BREAKOUT_SHAPE, num_heads=3))
    other.set_state(one.get_state())
    for each in (one, other):
        for network in (each.online_network, each.target_network):
            assert lies_well(network.dense[0].weight) and lies_well(network.q.weight)
        for parameter, moments in each.optimizer.state.items():
            assert moments["exp_avg"].stride() == moments["exp_avg_sq"].stride() == parameter.stride()
    for each in (one, other):
        each.update(make_batch(8, BREAKOUT_SHAPE, num_heads=3))
    for name, weight in one.get_weights().items():
        np.testing.assert_array_equal(other.get_weights()[name], weight)
