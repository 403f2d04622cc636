"""A file of weights written by one backend plays identically in the other: the same seed, every action."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from course_lib.atari import Breakout
from course_lib.config import A3C_BOOK, BOOK, NetworkConfig, replace, with_heads
from course_lib.exploration import epsilon_greedy
from course_lib.learners import Head, Vote
from tests.backends.cases import BREAKOUT_SHAPE, learner, make_batch, make_rollout

CONFIG = replace(BOOK, optimizer="sgd", learning_rate=0.05)
A3C_CONFIG = replace(A3C_BOOK, optimizer="sgd")
HEADS_CONFIG = with_heads(CONFIG, network=NetworkConfig(dense=(64,)), num_heads=5, prior_scale=1.0)
SEED = 3


def play(agent, seed: int) -> tuple[list[int], float, np.ndarray]:
    """A whole game, greedy with epsilon 0.01: (actions, score, Q-values [T, A])."""
    env, rng = Breakout(), np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    actions, score, all_q_values, over = [], 0.0, [], False
    while not over:
        q_values = agent.q_values(observation[None])  # [1, A]
        action = int(epsilon_greedy(q_values, 0.01, rng)[0])
        observation, reward, terminated, truncated, _ = env.step(action)
        actions.append(action)
        all_q_values.append(q_values[0])
        score += reward
        over = terminated or truncated
    env.close()
    assert terminated
    return actions, score, np.array(all_q_values)


@pytest.mark.parametrize("writer, reader", [("torch", "keras"), ("keras", "torch")])
def test_a_file_plays_identically_in_the_other_backend(writer, reader, tmp_path):
    one, other = learner(writer, CONFIG, BREAKOUT_SHAPE, SEED), learner(reader, CONFIG, BREAKOUT_SHAPE, SEED + 1)
    one.update(make_batch(32, BREAKOUT_SHAPE))
    weights = one.get_weights()
    weights["q/bias"] -= play(one, SEED)[2].mean(axis=0)  # a fresh network prefers one action all game long: now all three are near
    one.set_weights(weights)
    save_file(one.get_weights(), tmp_path / "weights.safetensors")
    other.set_weights(load_file(tmp_path / "weights.safetensors"))

    actions, score, q_values = play(one, SEED)
    same_actions, same_score, same_q_values = play(other, SEED)
    assert same_actions == actions and same_score == score
    np.testing.assert_allclose(same_q_values, q_values, rtol=1e-5, atol=1e-5)
    assert score > 0 and np.bincount(actions, minlength=3).min() > 10


def play_steps(agent, seed: int, steps: int) -> tuple[list[int], np.ndarray]:
    """Greedy play, one game after another: (actions, probabilities and values [T, A + 1])."""
    env = Breakout()
    observation, _ = env.reset(seed=seed)
    actions, outputs = [], []
    for _ in range(steps):
        probabilities, values = agent.policy_and_value(observation[None])  # [1, A], [1]
        actions.append(int(probabilities[0].argmax()))
        outputs.append([*probabilities[0], values[0]])
        observation, _, terminated, truncated, _ = env.step(actions[-1])
        if terminated or truncated:
            observation, _ = env.reset()
    env.close()
    return actions, np.array(outputs)


@pytest.mark.parametrize("writer, reader", [("torch", "keras"), ("keras", "torch")])
def test_an_actor_critics_file_plays_identically_in_the_other_backend(writer, reader, tmp_path):
    one, other = learner(writer, A3C_CONFIG, BREAKOUT_SHAPE, SEED), learner(reader, A3C_CONFIG, BREAKOUT_SHAPE, SEED + 1)
    gradients, _ = one.gradients(make_rollout(20, BREAKOUT_SHAPE))
    one.apply_gradients(gradients, 0.01)
    weights = {name: weight.copy() for name, weight in one.get_weights().items()}
    weights["policy/bias"] -= np.log(play_steps(one, SEED, 200)[1][:, :3]).mean(axis=0)  # or one action would be best all the time
    one.set_weights(weights)
    save_file(one.get_weights(), tmp_path / "weights.safetensors")
    other.set_weights(load_file(tmp_path / "weights.safetensors"))

    actions, outputs = play_steps(one, SEED, 500)
    same_actions, same_outputs = play_steps(other, SEED, 500)
    assert same_actions == actions
    np.testing.assert_allclose(same_outputs, outputs, rtol=1e-5, atol=1e-5)
    assert np.bincount(actions, minlength=3).min() > 10


def some_observations(steps: int) -> np.ndarray:
    """What random play sees: uint8 [T, 84, 84, 4]."""
    env, rng, seen = Breakout(), np.random.default_rng(SEED), []
    observation, _ = env.reset(seed=SEED)
    for _ in range(steps):
        seen.append(observation)
        observation, _, terminated, truncated, _ = env.step(int(rng.integers(3)))
        if terminated or truncated:
            observation, _ = env.reset()
    env.close()
    return np.array(seen)


@pytest.mark.parametrize("writer, reader", [("torch", "keras"), ("keras", "torch")])
def test_an_ensembles_file_plays_identically_in_the_other_backend(writer, reader, tmp_path):
    """By vote and by a head alone; the prior travels with the weights."""
    one, other = learner(writer, HEADS_CONFIG, BREAKOUT_SHAPE, SEED), learner(reader, HEADS_CONFIG, BREAKOUT_SHAPE, SEED + 1)
    one.update(make_batch(32, BREAKOUT_SHAPE, num_heads=5))
    weights = one.get_weights()
    weights["q/bias"] -= one.q_values(some_observations(200)).mean(axis=0)  # or one action would be best all the time
    one.set_weights(weights)
    save_file(one.get_weights(), tmp_path / "weights.safetensors")
    other.set_weights(load_file(tmp_path / "weights.safetensors"))

    games = []
    for played in (Vote, lambda ensemble: Head(ensemble, 4)):
        actions, score, values = play(played(one), SEED)
        same_actions, same_score, same_values = play(played(other), SEED)
        assert same_actions == actions and same_score == score
        np.testing.assert_allclose(same_values, values, rtol=1e-5, atol=1e-5)
        games.append(actions)
    assert np.bincount(games[0], minlength=3).min() > 5 and games[0] != games[1]
