"""The toys: their rules and optima, their names, and several side by side speaking as Breakout does."""

import itertools

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from course_lib.config import CATCH, SMOKE, replace
from course_lib.environments import make_game, make_vector, num_actions, observation_shape
from course_lib.errors import CourseError
from course_lib.q_training import play_and_learn
from course_lib.replay import ReplayMemory
from course_lib.toy import Catch, Chain, DeepSea, VectorToy, is_toy, make_toy


def play(env, choose):
    """One game: its observations and rewards."""
    observation, _ = env.reset()
    observations, rewards, terminated = [observation], [], False
    while not terminated:
        observation, reward, terminated, truncated, _ = env.step(choose(observation))
        assert not truncated
        observations.append(observation)
        rewards.append(reward)
    return observations, rewards


def towards_the_ball(observation):
    rows, columns, _ = np.nonzero(observation[:-1])
    paddle = np.flatnonzero(observation[-1])[0]
    return 1 + int(np.sign(columns[0] - paddle)) if len(columns) else 1


@pytest.mark.parametrize("game", ["catch", "chain-3", "chain-50", "chain-5-1", "deep_sea-10", "deep_sea-14-2"])
def test_a_toy_passes_gymnasiums_checks(game):
    check_env(make_toy(game), skip_render_check=True)


def test_a_ball_falls_for_nine_steps():
    env = Catch()
    env.reset(seed=0)
    columns = set()
    for _ in range(30):
        observations, rewards = play(env, towards_the_ball)
        assert rewards == [0.0] * 8 + [1.0]  # from the middle every column is within reach
        for row, observation in enumerate(observations[:-1]):
            assert observation.shape == (10, 5, 1) and observation.dtype == np.uint8
            assert np.count_nonzero(observation[row]) == 1 and np.count_nonzero(observation) == 2
            assert set(np.unique(observation)) == {0, 255}
        assert np.count_nonzero(observations[-1]) == 1  # ball and paddle are one
        columns.add(int(np.flatnonzero(observations[0][0])[0]))
    assert columns == set(range(5))


def test_a_missed_ball_costs_one():
    env = Catch()
    env.reset(seed=0)
    outcomes = {}
    for _ in range(30):
        observations, rewards = play(env, lambda observation: 0)
        outcomes.setdefault(int(np.flatnonzero(observations[0][0])[0]), set()).add(sum(rewards))
    assert outcomes == {0: {1.0}, 1: {-1.0}, 2: {-1.0}, 3: {-1.0}, 4: {-1.0}}


def test_the_vector_plays_the_same_games():
    rng = np.random.default_rng(0)
    singles, vector = [Catch() for _ in range(3)], VectorToy("catch", 3)
    observations, info = vector.reset(seed=4)
    assert (vector.num_actions, vector.observation_shape) == (3, (10, 5, 1)) and info["reset"].all()
    for i, single in enumerate(singles):
        np.testing.assert_array_equal(single.reset(seed=4 + i)[0], observations[i])
    over, seen = np.zeros(3, bool), [(observations, observations.copy())]
    for _ in range(40):
        actions = rng.integers(3, size=3)
        vector.send(actions)
        observations, rewards, terminated, truncated, info = vector.recv()
        assert rewards.dtype == np.float32 and not truncated.any() and not info["life_lost"].any()
        np.testing.assert_array_equal(info["reset"], over)
        np.testing.assert_array_equal(info["actions"], actions)
        for i, single in enumerate(singles):
            if over[i]:
                expected = (single.reset()[0], 0.0, False)
            else:
                expected = single.step(actions[i])[:3]
            np.testing.assert_array_equal(observations[i], expected[0])
            assert (rewards[i], terminated[i]) == expected[1:]
        over = terminated | truncated
        seen.append((observations, observations.copy()))
    assert all((array == copy).all() for array, copy in seen)  # never changed afterwards


# The chain


def best_of_all(env) -> float:
    """The highest return that any sequence of actions brings, by trying them all."""
    best, length = -np.inf, 0
    env.reset()
    over = False
    while not over:
        _, _, terminated, truncated, _ = env.step(0)
        length, over = length + 1, terminated or truncated
    for actions in itertools.product((0, 1), repeat=length):
        env.reset()
        steps = [env.step(action) for action in actions]
        assert [step[2] or step[3] for step in steps] == [False] * (length - 1) + [True]
        best = max(best, sum(step[1] for step in steps))
    return best


@pytest.mark.parametrize("env", [Chain(3), Chain(4), DeepSea(3), DeepSea(5, 1), DeepSea(8, 2)], ids=lambda env: f"{type(env).__name__}-{env.size}")
def test_the_optimum_is_the_best_of_all_games(env):
    assert env.optimum() == pytest.approx(best_of_all(env), abs=1e-12)


@pytest.mark.parametrize("size", [3, 20, 50, 200])
def test_the_optima_by_hand(size):
    """The chain: N - 2 steps to its end, a reward for each of the 11 that remain. DeepSea: the treasure less N small costs."""
    assert Chain(size).optimum() == 11.0
    assert DeepSea(size).optimum() == pytest.approx(0.99)


def test_a_game_on_the_chain_by_hand():
    env = Chain(4)
    observation, _ = env.reset()
    lit, rewards, ends = [np.count_nonzero(observation)], [], []
    for action in (0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0):
        observation, reward, terminated, truncated, _ = env.step(action)
        assert observation.shape == (1, 4, 1) and observation.dtype == np.uint8 and not truncated
        thermometer = observation[0, :, 0].tolist()
        assert thermometer == sorted(thermometer, reverse=True) and set(thermometer) <= {0, 255}
        lit.append(np.count_nonzero(observation))
        rewards.append(reward)
        ends.append(terminated)
    assert lit == [2, 1, 1, 1, 2, 3, 4, 4, 4, 3, 4, 4, 3, 2]
    assert rewards == [0, 0.001, 0.001, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0]
    assert ends == [False] * 12 + [True]  # 4 + 9 steps


def test_a_chain_that_is_cut_off_is_the_same_but_for_its_end():
    one, other, rng = Chain(5), make_toy("chain-5-1"), np.random.default_rng(0)
    assert other.cut_off and not one.cut_off and not make_toy("chain-5").cut_off and one.optimum() == other.optimum()
    one.reset(), other.reset()
    for action in rng.integers(2, size=14):
        (observation, reward, *end, _), (same_observation, same_reward, *same_end, _) = one.step(action), other.step(action)
        assert (observation == same_observation).all() and reward == same_reward and same_end == end[::-1]
    assert (end, same_end) == ([True, False], [False, True])


def test_going_left_for_ever_pays_a_little():
    """Much less than the optimum, and found at once: what a greedy agent learns."""
    env = Chain(50)
    env.reset()
    steps = [env.step(0) for _ in range(59)]
    assert sum(step[1] for step in steps) == pytest.approx(0.058) and steps[-1][2]


# DeepSea


def dive(env, actions):
    """A game: (observations, rewards)."""
    observation, _ = env.reset()
    observations, rewards = [observation], []
    for t, action in enumerate(actions):
        observation, reward, terminated, truncated, _ = env.step(action)
        assert terminated == (t == env.size - 1) and not truncated  # the bottom is an end, no limit of time
        observations.append(observation)
        rewards.append(reward)
    return observations, rewards


def to_the_right(env):
    """The actions that move right all the way down the diagonal."""
    return env.right[np.arange(env.size), np.arange(env.size)]


@pytest.mark.parametrize("map_seed", range(4))
def test_the_only_way_to_the_treasure(map_seed):
    env = DeepSea(6, map_seed)
    observations, rewards = dive(env, to_the_right(env))
    assert rewards == pytest.approx([-0.01 / 6] * 5 + [1 - 0.01 / 6])
    assert [np.argwhere(observation[..., 0]).tolist() for observation in observations] == [[[i, i]] for i in range(6)] + [[]]
    assert all(observation.shape == (6, 6, 1) and set(np.unique(observation)) <= {0, 255} for observation in observations)
    returns = [sum(dive(env, actions)[1]) for actions in itertools.product((0, 1), repeat=6)]
    assert sum(value > 0.5 for value in returns) == 1 and max(returns) == pytest.approx(0.99)


def test_left_is_free_and_stops_at_the_wall():
    env = DeepSea(5)
    observations, rewards = dive(env, 1 - env.right[:, 0])
    assert rewards == [0.0] * 5
    assert [np.argwhere(observation[..., 0]).tolist() for observation in observations[:-1]] == [[[row, 0]] for row in range(5)]


def test_a_map_seed_is_a_map():
    assert (DeepSea(10).right == DeepSea(10, 0).right).all() and (DeepSea(10, 7).right == make_toy("deep_sea-10-7").right).all()
    assert (DeepSea(10, 7).right != DeepSea(10).right).any()
    rights = np.array([DeepSea(10, seed).right for seed in range(200)])
    assert abs(rights.mean() - 0.5) < 0.02 and set(rights.ravel()) == {0, 1}  # neither action means right more often
    env = DeepSea(10, 7)
    before = env.right.copy()
    env.reset(seed=3)
    assert (env.right == before).all()  # a game's seed changes nothing


# Names


@pytest.mark.parametrize("game, kind, size", [("catch", Catch, None), ("chain-3", Chain, 3), ("chain-200", Chain, 200), ("deep_sea-14-2", DeepSea, 14)])
def test_a_toy_by_its_name(game, kind, size):
    env = make_toy(game)
    assert type(env) is kind and getattr(env, "size", None) == size and is_toy(game)


@pytest.mark.parametrize(
    "game",
    ["chain", "chain-", "chain-x", "chain--3", "chain-2", "chain-201", "chain-1000", "chain-3-1-1", "chain-3-x", "chain-3.5", "chain-²", "deep_sea", "deep_sea-2"]
    + ["deep_sea-10-", "deep_sea-10-x", "chain-5-2", "deep_sea-10-1-1", "catch-3", "catch-", "pong-3", "pong", "Catch", "breakout", ""],
)
def test_other_names_are_refused_in_a_sentence(game):
    with pytest.raises(CourseError, match="^There is no toy .*; there are catch, chain-N, deep_sea-N and deep_sea-N-MAP, N from 3 to 200.$"):
        make_toy(game)


def test_breakout_is_no_toy():
    assert not is_toy("breakout") and not is_toy("pong-3")


@pytest.mark.parametrize("game", ["chain-x", "pong-3", "catch-3"])
def test_a_configurations_game_is_refused_in_a_sentence(game):
    for make in (make_game, lambda config: make_vector(config, 2)):
        with pytest.raises(CourseError, match=f'^There is no (toy|game) "{game}"; .*[.]$'):
            make(replace(CATCH, game=game))


@pytest.mark.parametrize("game, shape, actions", [("catch", (10, 5, 1), 3), ("chain-20", (1, 20, 1), 2), ("deep_sea-10", (10, 10, 1), 2), ("breakout", (84, 84, 4), 3)])
def test_a_configuration_says_what_its_game_shows_and_takes(game, shape, actions):
    config = replace(SMOKE, game=game)
    env = make_game(config)
    assert observation_shape(config) == env.observation_space.shape == shape
    assert num_actions(config) == env.action_space.n == actions
    env.close()


# Side by side


@pytest.mark.parametrize("game, length", [("chain-5", 14), ("deep_sea-6-1", 6)])
def test_the_vector_plays_the_others_too(game, length):
    rng, vector, singles = np.random.default_rng(0), VectorToy(game, 3), [make_toy(game) for _ in range(3)]
    observations, info = vector.reset(seed=4)
    assert (vector.num_actions, vector.observation_shape) == (2, singles[0].observation_space.shape) and info["reset"].all()
    for single in singles:
        single.reset()
    for t in range(1, 3 * (length + 1)):
        actions, begins = rng.integers(2, size=3), t % (length + 1) == 0
        observations, rewards, terminated, truncated, info = vector.step(actions)
        expected = [single.reset() for single in singles] if begins else [single.step(action) for single, action in zip(singles, actions)]
        np.testing.assert_array_equal(observations, [step[0] for step in expected])
        assert info["reset"].tolist() == [begins] * 3
        if not begins:
            np.testing.assert_allclose(rewards, [step[1] for step in expected], rtol=1e-6)
        assert terminated.tolist() == [(t + 1) % (length + 1) == 0] * 3 and not truncated.any()


@pytest.mark.parametrize("game, truncates", [("chain-5", False), ("chain-5-1", True), ("deep_sea-6", False), ("catch", False)])
def test_the_memory_goes_on_from_a_game_that_was_cut_off(game, truncates):
    """A truncated game bootstraps from its last observation; a game that ended from nothing."""
    env = VectorToy(game, 2)
    height, width, _ = env.observation_shape
    config = replace(CATCH, game=game, num_envs=2, learning_starts=10**9)
    memory = ReplayMemory(200, 2, (height, width), 1)

    class Still:
        def q_values(self, observations):
            return np.zeros((len(observations), env.num_actions), np.float32)

    lasts = []
    for step in play_and_learn(config, Still(), env, memory, np.random.default_rng(0)):
        if step.over.any():
            lasts.append(memory.head - 1)
        if len(lasts) == 3:
            break
    for last in lasts[:2]:
        times, games = np.full(2, last), np.arange(2)
        assert memory.is_transition(times, games).all() and not memory.is_transition(times + 1, games).any()
        batch = memory.build(times, games)
        assert batch.terminated.tolist() == [not truncates] * 2
        assert (batch.next_observations[..., 0] == memory.frames[last + 1]).all() and memory.starts[last + 2].all()
