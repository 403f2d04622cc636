"""The seam between the frameworks: what any learner promises, checked against NumPy, and one learner against the other."""

import os
import subprocess
import sys

import numpy as np
import pytest

from course_lib.config import A3C_SMOKE, SMOKE, NetworkConfig, replace, with_heads
from course_lib.errors import CourseError
from course_lib.learners import FRAMEWORKS, Head, Vote, action_scores, as_played, framework, make_learner
from course_lib.replay import Batch
from course_lib.returns import td_targets

SHAPE, NUM_ACTIONS, BATCH = (12, 10, 2), 3, 6
CONFIG = replace(SMOKE, network=NetworkConfig(conv=((4, 4, 2), (5, 3, 1)), dense=(8,)), learning_rate=1e-2, optimizer="sgd")


def make(name, seed=0, **settings):
    return make_learner(replace(CONFIG, **settings), name, SHAPE, NUM_ACTIONS, seed, device="cpu")


def make_batch(seed=0):
    rng = np.random.default_rng(seed)
    observations, next_observations = rng.integers(256, size=(2, BATCH, *SHAPE), dtype=np.uint8)
    actions, rewards = rng.integers(NUM_ACTIONS, size=BATCH), rng.integers(-3, 4, BATCH).astype(np.float32)
    return Batch(observations, actions, rewards, next_observations, np.arange(BATCH) % 3 == 0, np.zeros((BATCH, 0), bool))


def loss_by_hand(learner, target_learner, batch):
    """The mean Huber loss of a batch, from the learners' values and NumPy's arithmetic."""
    targets = td_targets(batch.rewards, batch.terminated, target_learner.q_values(batch.next_observations), CONFIG.discount)
    errors = np.abs(targets - learner.q_values(batch.observations)[np.arange(BATCH), batch.actions])
    return np.where(errors <= 1, errors**2 / 2, errors - 0.5).mean()


def assert_same(some, others, **tolerance):
    assert some.keys() == others.keys()
    for name in some:
        np.testing.assert_allclose(some[name], others[name], err_msg=name, **tolerance)


def test_the_framework_is_the_argument_or_the_environments_or_torch(monkeypatch):
    monkeypatch.delenv("COURSE_FRAMEWORK", raising=False)
    assert framework() == "torch" and framework("keras") == "keras"
    monkeypatch.setenv("COURSE_FRAMEWORK", "keras")
    assert framework() == "keras" and framework("torch") == "torch"
    monkeypatch.setenv("COURSE_FRAMEWORK", "jax")
    with pytest.raises(CourseError, match='not "jax"'):
        framework()


def test_importing_the_course_loads_no_framework():
    rooms = "atari, config, exploration, learners, replay, returns, toy"
    program = f"import sys; from course_lib import {rooms}; print({{'torch', 'tensorflow', 'keras'}} & set(sys.modules))"
    environment = os.environ | {"COURSE_FRAMEWORK": "torch"}
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert (result.stdout.strip(), result.stderr) == ("set()", "")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_values_and_weights(name):
    learner = make(name)
    for batch in (1, 5):
        q_values = learner.q_values(make_batch().observations[:batch])
        assert q_values.shape == (batch, NUM_ACTIONS) and q_values.dtype == np.float32
    weights = learner.get_weights()
    assert {name: array.shape for name, array in weights.items()} == {
        "conv1/kernel": (4, 4, 2, 4),
        "conv1/bias": (4,),
        "conv2/kernel": (3, 3, 4, 5),
        "conv2/bias": (5,),
        "dense1/kernel": (3 * 2 * 5, 8),
        "dense1/bias": (8,),
        "q/kernel": (8, NUM_ACTIONS),
        "q/bias": (NUM_ACTIONS,),
    }
    assert all(array.dtype == np.float32 for array in weights.values())
    assert_same(weights, make(name).get_weights())  # a seed is a network
    assert (weights["q/kernel"] != make(name, seed=1).get_weights()["q/kernel"]).any()


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_pixels_are_scaled_to_one(name):
    learner = make(name)
    weights = {key: np.zeros_like(array) for key, array in learner.get_weights().items()}
    weights["conv1/kernel"][0, 0, 1, 0] = weights["conv2/kernel"][0, 0, 0, 0] = 1.0  # passes on a pixel of the newest frame
    weights["dense1/kernel"][0, 0] = weights["q/kernel"][0, 2] = 1.0
    learner.set_weights(weights)
    observations = np.zeros((1, *SHAPE), np.uint8)
    observations[0, 0, 0] = 7, 51
    assert learner.q_values(observations)[0].tolist() == pytest.approx([0.0, 0.0, 51 / 255])


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_update_descends_the_loss_towards_the_target_network(name):
    learner, frozen, batch = make(name), make(name), make_batch()
    copies = [field.copy() for field in batch]
    losses = []
    for _ in range(4):
        expected = loss_by_hand(learner, frozen, batch)
        losses.append(learner.update(batch))
        assert type(losses[-1]) is float and losses[-1] == pytest.approx(expected, rel=1e-4)
    assert losses[-1] < losses[0]
    for field, copy in zip(batch, copies):
        np.testing.assert_array_equal(field, copy)
    frozen.set_weights(learner.get_weights())
    learner.sync_target()
    assert learner.update(batch) == pytest.approx(loss_by_hand(frozen, frozen, batch), rel=1e-4)


@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
def test_a_state_resumes_to_the_last_bit(name, optimizer):
    learner, resumed, batch = make(name, optimizer=optimizer), make(name, seed=1, optimizer=optimizer), make_batch()
    for _ in range(2):
        learner.update(batch)
    state = learner.get_state()
    kept = {key: array.copy() for key, array in state.items()}
    resumed.set_state(state)
    assert [learner.update(make_batch(seed)) for seed in (1, 2)] == [resumed.update(make_batch(seed)) for seed in (1, 2)]
    assert_same(learner.get_state(), resumed.get_state(), rtol=0, atol=0)
    assert_same(state, kept, rtol=0, atol=0)  # a saved state is not changed by later updates


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_set_weights_sets_both_networks(name):
    learner, other, batch = make(name), make(name, seed=1), make_batch()
    learner.set_weights(other.get_weights())
    assert_same(learner.get_weights(), other.get_weights())
    assert learner.update(batch) == pytest.approx(loss_by_hand(other, other, batch), rel=1e-4)
    with pytest.raises(ValueError):
        learner.set_weights(other.get_weights() | {"q/bias": np.zeros(4, np.float32)})


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_bfloat16_changes_the_loss_a_little_and_keeps_float32_weights(name):
    exact, rough, batch = make(name), make(name, precision="bfloat16"), make_batch()
    assert rough.update(batch) == pytest.approx(exact.update(batch), rel=0.02)
    assert rough.q_values(batch.observations).dtype == np.float32
    assert all(array.dtype == np.float32 for array in rough.get_weights().values())
    assert_same(rough.get_weights(), exact.get_weights(), atol=2e-3)


def test_a_missing_gpu_is_told():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises((ValueError, CourseError), match="no CUDA"):
        make_learner(CONFIG, "torch", SHAPE, NUM_ACTIONS, device="cuda")


def test_the_frameworks_learn_alike():
    torch, keras = (make(name) for name in ("torch", "keras"))
    assert_same(torch.get_weights(), keras.get_weights(), rtol=0, atol=0)
    for seed in range(3):
        batch = make_batch(seed)
        np.testing.assert_allclose(torch.q_values(batch.observations), keras.q_values(batch.observations), atol=1e-5)
        assert torch.update(batch) == pytest.approx(keras.update(batch), rel=1e-4)
    assert_same(torch.get_weights(), keras.get_weights(), atol=1e-5)


# Ensembles


class Three:
    """An ensemble of three heads: two favour action 1 a little, one favours action 2 by far."""

    VALUES = np.array([[0, 1, 0], [0, 2, 1], [0, 0, 90]], np.float32)  # [K, A]
    config = with_heads(CONFIG, num_heads=3)

    def q_values(self, observations):
        return np.tile(self.VALUES, (len(observations), 1, 1))

    def head_values(self, observations, head):
        return np.tile(self.VALUES[head], (len(observations), 1))


def test_an_ensemble_is_played_by_vote_or_by_a_head():
    observations = make_batch().observations
    assert action_scores(as_played(Three()), observations) == pytest.approx(np.tile([0, 2 / 3, 1 / 3], (BATCH, 1)), abs=1e-5)
    for head in range(3):
        assert (action_scores(as_played(Three(), head), observations) == Three.VALUES[head]).all()
    vote, head = as_played(Three()), as_played(Three(), 0)
    assert (type(vote), type(head), head.head) == (Vote, Head, 0)
    assert as_played(vote) is vote and as_played(head) is head  # once is enough


@pytest.mark.parametrize("head", [3, -1, 99])
def test_a_head_that_there_is_not_is_refused(head):
    with pytest.raises(CourseError, match=f"^This agent has 3 heads, 0 to 2; there is no head {head}.$"):
        as_played(Three(), head)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_whatever_is_no_ensemble_plays_as_it_is(name):
    for config in (CONFIG, replace(A3C_SMOKE, network=CONFIG.network)):
        learner = make_learner(config, name, SHAPE, NUM_ACTIONS, device="cpu")
        assert as_played(learner) is learner


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_ensembles_votes_and_heads(name):
    """From the values of all heads, counted here."""
    config = with_heads(CONFIG, num_heads=7, prior_scale=2.0)
    ensemble, observations = make_learner(config, name, SHAPE, NUM_ACTIONS, 3, device="cpu"), make_batch().observations
    q_values = ensemble.q_values(observations)
    assert q_values.shape == (BATCH, 7, NUM_ACTIONS) and q_values.dtype == np.float32
    shares = as_played(ensemble).q_values(observations)
    for row in range(BATCH):
        counts = [int((q_values[row].argmax(axis=1) == action).sum()) for action in range(NUM_ACTIONS)]
        np.testing.assert_allclose(shares[row], np.array(counts) / 7, atol=1e-5)
    for head in (0, 6):
        np.testing.assert_allclose(as_played(ensemble, head).q_values(observations), q_values[:, head], atol=1e-6)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_state_of_an_ensemble_resumes_to_the_last_bit(name):
    config = with_heads(replace(CONFIG, optimizer="adam"), num_heads=2, prior_scale=1.0)
    learner, resumed = (make_learner(config, name, SHAPE, NUM_ACTIONS, seed, device="cpu") for seed in (0, 1))
    batches = [make_batch(seed)._replace(masks=np.arange(2 * BATCH).reshape(BATCH, 2) % 3 > 0) for seed in range(3)]
    learner.update(batches[0])
    resumed.set_state(learner.get_state())
    assert [learner.update(batch) for batch in batches] == [resumed.update(batch) for batch in batches]
    assert_same(learner.get_state(), resumed.get_state(), rtol=0, atol=0)
