"""Lesson 06: right answers in many styles pass; its helpers' arithmetic, and that every drawing takes what the lesson hands it."""

import sys
import threading

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.checks import a3c as checks
from course_lib.checks.base import CHECKS, verdict
from course_lib.figures import a3c, a3c_live
from course_lib.play import MEANINGS, Episode
from course_lib.returns import entropy
from course_lib.toy import Catch
from tests.mutants.a3c import Cycle

matplotlib.use("Agg")

# --- Right answers, as a good student may write them ----------------------------------------------------------------------------------


def passes(id, answer, framework=None):
    status, line = verdict(CHECKS[id, framework], answer)
    assert status == "passed", line


def by_recursion(rewards, terminated, values, discount):
    if len(rewards) == 0:
        return np.array([])
    rest = by_recursion(rewards[1:], terminated[1:], values[1:], discount)
    following = rest[0] if len(rest) else values[-1]
    return np.concatenate([[rewards[0] + discount * following * (not terminated[0])], rest])


def by_definition(rewards, terminated, values, discount):
    """Each step on its own, float64."""
    result = []
    for t in range(len(rewards)):
        total, k = 0.0, 0
        while t + k < len(rewards):
            total += discount**k * rewards[t + k]
            k += 1
            if terminated[t + k - 1]:
                break
        else:
            total += discount**k * values[-1]
        result.append(total)
    return np.array(result)


def by_matrix(rewards, terminated, values, discount):
    """Discounts as a triangle, cut where a step is terminated."""
    steps = len(rewards)
    gap = np.arange(steps)[None, :] - np.arange(steps)[:, None]
    lives = np.concatenate([[0], np.cumsum(terminated)])  # which life a step belongs to; one more for what follows
    same = lives[None, :steps] == lives[:steps, None]
    weights = np.where((gap >= 0) & same, float(discount) ** np.maximum(gap, 0), 0.0)
    tail = np.where(lives[:steps] == lives[-1], float(discount) ** (steps - np.arange(steps)), 0.0)
    return weights @ rewards + tail * values[-1]


def by_insertion(rewards, terminated, values, discount):
    out, following = [], float(values[-1])
    for reward, ended in zip(rewards[::-1], terminated[::-1]):
        following = reward if ended else reward + discount * following
        out.insert(0, following)
    return np.asarray(out, dtype=np.float32)


@pytest.mark.parametrize("answer", [by_recursion, by_definition, by_matrix, by_insertion])
def test_returns_in_other_styles(answer):
    passes("06.2", answer)


def gumbel(probabilities, rng):
    return int(np.argmax(np.log(probabilities) + rng.gumbel(size=len(probabilities))))


def walk(probabilities, rng):
    dart = rng.random() * probabilities.sum()
    for action, share in enumerate(probabilities):
        dart -= share
        if dart < 0:
            return action
    return len(probabilities) - 1


def rejection(probabilities, rng):
    while True:
        action = rng.integers(len(probabilities))
        if rng.random() * probabilities.max() < probabilities[action]:
            return action


DRAWS = {
    "choice": lambda p, rng: rng.choice(len(p), p=p / p.sum()),
    "choice of a list": lambda p, rng: rng.choice([*range(len(p))], p=np.asarray(p, float) / np.sum(p, dtype=float)),
    "multinomial": lambda p, rng: rng.multinomial(1, np.float64(p) / np.float64(p).sum()).argmax(),
    "searchsorted": lambda p, rng: np.searchsorted(np.cumsum(p / p.sum()), rng.random()),
    "argmax of a comparison": lambda p, rng: np.argmax(np.cumsum(p) > rng.random() * p.sum()),
    "uniform": lambda p, rng: np.int32((p.cumsum() < rng.uniform(0, p.sum())).sum()),
    "gumbel": gumbel,
    "until one is kept": rejection,
    "walk": walk,
}


@pytest.mark.parametrize("answer", DRAWS.values(), ids=DRAWS)
def test_draws_in_other_styles(answer):
    passes("06.1", answer)


def test_advantages_in_other_styles():
    import keras
    import tensorflow as tf
    import torch

    def without_gradient(returns, values):
        with torch.no_grad():
            return returns - values.squeeze(-1)

    for answer in (
        without_gradient,
        lambda returns, values: returns - values.detach().flatten(),
        lambda returns, values: returns - values.reshape(-1).data,
        lambda returns, values: (returns.unsqueeze(1) - values).squeeze(1).detach(),
        lambda returns, values: (returns.view(-1, 1) - values).view(-1).detach(),
    ):
        passes("06.3", answer, "torch")
    for answer in (
        lambda returns, values: tf.stop_gradient(returns - tf.squeeze(values, axis=1)),
        lambda returns, values: returns - keras.ops.stop_gradient(keras.ops.squeeze(values, axis=-1)),
        lambda returns, values: tf.stop_gradient(returns - tf.reshape(values, [-1])),
        lambda returns, values: keras.ops.stop_gradient(keras.ops.reshape(returns[:, None] - values, (-1,))),
    ):
        passes("06.3", answer, "keras")


def test_policy_losses_in_other_styles():
    import keras
    import tensorflow as tf
    import torch
    from torch.nn import functional as F

    def categorical(logits, actions, advantages, entropy_weight):
        policy = torch.distributions.Categorical(logits=logits)
        return -policy.log_prob(actions) * advantages - entropy_weight * policy.entropy()

    def cross_entropy(logits, actions, advantages, entropy_weight):
        undecided = F.cross_entropy(logits, logits.softmax(-1), reduction="none")  # of the policy with itself
        return F.cross_entropy(logits, actions, reduction="none") * advantages - entropy_weight * undecided

    def by_hand(logits, actions, advantages, entropy_weight):
        logs = logits - logits.logsumexp(dim=-1, keepdim=True)
        rows = torch.arange(len(actions))
        return -(logs[rows, actions] * advantages + entropy_weight * -(F.softmax(logits, dim=-1) * logs).sum(-1))

    def one_hot(logits, actions, advantages, entropy_weight):
        logs = torch.log_softmax(logits, 1)
        chosen = (F.one_hot(actions, logits.shape[1]) * logs).sum(1)
        return -(chosen * advantages) + entropy_weight * (logs.exp() * logs).sum(1)

    def loops(logits, actions, advantages, entropy_weight):
        logs, losses = F.log_softmax(logits, dim=1), torch.zeros(len(actions))
        for t in range(len(actions)):
            undecided = sum(-torch.exp(log) * log for log in logs[t])
            losses[t] = -logs[t, actions[t]] * advantages[t] - entropy_weight * undecided
        return losses

    def clamped(logits, actions, advantages, entropy_weight):
        """The entropy as the lesson's NumPy function has it."""
        policy = logits.softmax(dim=1)
        undecided = -(policy * torch.log(policy.clamp(min=1e-30))).sum(dim=1)
        return F.nll_loss(F.log_softmax(logits, dim=1), actions, reduction="none") * advantages - entropy_weight * undecided

    for answer in (categorical, cross_entropy, by_hand, one_hot, loops, clamped):
        passes("06.5", answer, "torch")

    def sparse(logits, actions, advantages, entropy_weight):
        logs = tf.nn.log_softmax(logits)
        undecided = -tf.reduce_sum(tf.exp(logs) * logs, axis=-1)
        surprise = keras.losses.sparse_categorical_crossentropy(actions, logits, from_logits=True)
        return surprise * advantages - entropy_weight * undecided

    def fused(logits, actions, advantages, entropy_weight):
        surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(actions, logits)
        undecided = tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits), logits)
        return surprise * advantages - entropy_weight * undecided

    def with_one_hot(logits, actions, advantages, entropy_weight):
        logs = keras.ops.log_softmax(logits)
        chosen = keras.ops.sum(keras.ops.one_hot(actions, logits.shape[1]) * logs, axis=1)
        return -chosen * advantages + entropy_weight * keras.ops.sum(keras.ops.softmax(logits) * logs, axis=1)

    def along_axis(logits, actions, advantages, entropy_weight):
        logs = logits - keras.ops.logsumexp(logits, axis=1, keepdims=True)
        chosen = keras.ops.take_along_axis(logs, actions[:, None], axis=1)[:, 0]
        return -chosen * advantages - entropy_weight * -keras.ops.sum(keras.ops.exp(logs) * logs, axis=1)

    for answer in (sparse, fused, with_one_hot, along_axis):
        passes("06.5", answer, "keras")


def test_value_losses_in_other_styles():
    import keras
    import tensorflow as tf
    import torch
    from torch.nn import functional as F

    for answer in (
        lambda values, returns: F.mse_loss(values[:, 0], returns.detach(), reduction="none"),
        lambda values, returns: torch.square(values.squeeze(-1) - returns.detach()),
        lambda values, returns: F.mse_loss(values, returns.detach()[:, None], reduction="none").flatten(),
        lambda values, returns: (values.view(-1) - returns.detach()).pow(2),
        lambda values, returns: ((values - returns.detach().unsqueeze(1)) ** 2).mean(dim=1),
    ):
        passes("06.4", answer, "torch")
    for answer in (
        lambda values, returns: tf.square(tf.squeeze(values, 1) - tf.stop_gradient(returns)),
        lambda values, returns: keras.losses.mean_squared_error(keras.ops.stop_gradient(returns)[:, None], values),
        lambda values, returns: keras.losses.MeanSquaredError(reduction=None)(tf.stop_gradient(returns)[:, None], values),
        lambda values, returns: tf.math.squared_difference(values[:, 0], tf.stop_gradient(returns)),
    ):
        passes("06.4", answer, "keras")


class Tidy(Cycle):
    """Clears after the push, keeps lists of tuples, takes the lock by hand."""

    def clear(self, player):
        pass

    def pull(self, player, shared):
        shared.lock.acquire()
        try:
            player.network.copy_from(shared.network)
        finally:
            shared.lock.release()

    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(player.network.gradients)
            shared.steps = shared.steps + steps
        player.network.clear_gradients()
        if player.over:
            player.reset()


class WithArrays(Cycle):
    """float64 arrays of fixed length, V asked for only where the rollout is not terminated; begins the game before it pulls."""

    def __call__(self, player, shared, t_max, discount):
        self.begin(player)
        super().__call__(player, shared, t_max, discount)

    def look_back(self, player, rollout, discount):
        observations, actions, rewards, terminated, _ = rollout
        values = np.zeros(len(actions) + 1)
        values[-1] = 0.0 if terminated[-1] else player.network.policy_and_value(player.observation)[1]
        return observations, actions, by_definition(rewards, terminated, values, discount)

    def differentiate(self, player, rollout):
        player.network.add_gradients(np.stack(rollout[0]), rollout[1], list(rollout[2]))


class ForLoop(Cycle):
    def collect(self, player, shared, t_max):
        steps = []
        for _ in range(t_max):
            if player.over:
                break
            seen = player.observation
            probabilities, value = player.network.policy_and_value(seen)
            action = np.int64(player.rng.choice(len(probabilities), p=probabilities / probabilities.sum()))
            reward, ended = player.step(action)
            steps.append((seen, action, reward, ended, value))
        return tuple(map(list, zip(*steps)))


class WithLists(Cycle):
    """Lists all the way; counts in a block of its own."""

    def look_back(self, player, rollout, discount):
        observations, actions, rewards, terminated, values = rollout
        values = [*values, self.last_value(player, values)]
        return observations, actions, by_insertion(rewards, terminated, values, discount)

    def differentiate(self, player, rollout):
        player.network.add_gradients(*rollout)

    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(player.network.gradients)
        with shared.lock:
            shared.steps += steps


@pytest.mark.parametrize("answer", [Cycle(), Tidy(), WithArrays(), WithLists(), ForLoop()], ids=lambda answer: type(answer).__name__)
def test_cycles_in_other_styles(answer):
    passes("06.6", answer)


# --- Odd answers are told so, and crash nothing ---------------------------------------------------------------------------------------

ODD = [None, 3, "text", [None], (1, 2), {}, np.array([]), np.zeros((2, 2, 2)), np.array([None, 1]), object(), float("nan"), True]


@pytest.mark.parametrize("check", [check for check in CHECKS.values() if check.id.startswith("06")], ids=lambda check: check.label)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: type(odd).__name__)
def test_odd_answers_are_told_so(check, odd):
    status, line = verdict(check, lambda *arguments: odd)
    assert status == "failed" and "\n" not in line
    if odd is not None:
        assert verdict(check, odd)[0] == "failed"


# --- The live parts -------------------------------------------------------------------------------------------------------------------


def library_loss(framework):
    losses, advantages = {
        "torch": (checks.torch_losses, checks.torch_advantages),
        "keras": (checks.keras_losses, checks.keras_advantages),
    }[framework]
    policy_loss, value_loss, advantages = checks.policy_loss_of(losses()), checks.value_loss_of(losses()), advantages()

    def loss(logits, values, actions, returns):
        return policy_loss(logits, actions, advantages(returns, values), 0.01) + 0.5 * value_loss(values, returns)

    return loss


def rollout(steps=9, seed=0):
    env, rng = Catch(), np.random.default_rng(seed)
    observations = [env.reset(seed=seed)[0]] + [env.step(1)[0] for _ in range(steps - 1)]
    return np.array(observations), rng.integers(3, size=steps), rng.normal(size=steps).astype(np.float32)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_gradients_are_those_of_the_mean_loss(framework):
    network = a3c_live.Network(library_loss(framework), framework, seed=3)
    observations, actions, returns = rollout()
    network.add_gradients(observations, actions, returns)
    found = network.gradients
    assert found.steps == 9

    def mean_loss():
        policies, values = a3c_live.forward(network.weights, observations)
        policy_loss = -np.log(policies[np.arange(9), actions]) * (returns - fixed)
        return (policy_loss - 0.01 * entropy(policies) + 0.5 * (returns - values) ** 2).mean()

    fixed = a3c_live.forward(network.weights, observations)[1]
    for name, place in (("dense1/kernel", (47, 5)), ("policy/kernel", (3, 1)), ("policy/bias", (2,)), ("value/kernel", (4, 0))):
        array = network.weights[name] = network.weights[name].astype(np.float64)
        heights = []
        for shift in (1e-4, -1e-4):
            array[place] += shift
            heights.append(mean_loss())
            array[place] -= shift
        assert found.arrays[name][place] == pytest.approx((heights[0] - heights[1]) / 2e-4, abs=1e-4)


def test_gradients_add_up_until_they_are_cleared():
    network = a3c_live.Network(library_loss("torch"), "torch")
    network.add_gradients(*rollout())
    once = network.gradients
    network.add_gradients(*rollout())
    assert network.gradients.steps == 18
    np.testing.assert_allclose(network.gradients.arrays["value/kernel"], 2 * once.arrays["value/kernel"], rtol=1e-6)
    network.clear_gradients()
    assert network.gradients is None


def test_a_copy_does_not_follow():
    network = a3c_live.Network(library_loss("torch"), "torch", seed=1)
    player = a3c_live.Player(Catch(), a3c_live.Shared(network, 10), seed=0)
    before = player.network.weights["value/kernel"].copy()
    network.add_gradients(*rollout())
    network.update(network.gradients)
    np.testing.assert_array_equal(player.network.weights["value/kernel"], before)
    assert not np.array_equal(network.weights["value/kernel"], before)
    player.network.copy_from(network)
    np.testing.assert_array_equal(player.network.weights["value/kernel"], network.weights["value/kernel"])


def test_exact_returns_are_those_of_played_games():
    weights = a3c_live.Network(library_loss("torch"), "torch", seed=4).weights
    weights["policy/bias"] += np.float32([0.8, 0.0, -0.3])
    exact, rng, env = a3c_live.exact_returns(weights), np.random.default_rng(0), Catch()
    for column in (0, 3):
        played = []
        for _ in range(400):
            env.reset(seed=0)
            env.ball_column, over = column, False
            observation = env._observation()
            while not over:
                observation, reward, over, _, _ = env.step(checks.reference_sample(a3c_live.forward(weights, observation[None])[0][0], rng))
            played.append(reward)
        assert exact[column] == pytest.approx(np.mean(played), abs=0.12)


def test_a_streak_keeps_its_column():
    env, columns = a3c_live.StreakyCatch(), []
    for seed in range(300):
        env.reset(seed=seed)
        columns.append(env.ball_column)
    changes = np.flatnonzero(np.diff(columns))
    assert len(changes) >= 2 and (np.diff(changes) % 60 == 0).all()


class ActorLearner(threading.Thread):
    def __init__(self, player, shared, cycle):
        super().__init__(daemon=True)
        self.player, self.shared, self.cycle = player, shared, cycle

    def run(self):
        try:
            while self.shared.goes_on():
                self.cycle(self.player, self.shared, 5, 0.99)
        except Exception as error:
            self.shared.error = error


def train(num_workers, seed=0, steps=600, cycle=checks.reference_cycle, show=False):
    shared = a3c_live.Shared(a3c_live.Network(library_loss("torch"), "torch", seed), steps)
    workers = [ActorLearner(a3c_live.Player(Catch(), shared, seed=i), shared, cycle) for i in range(num_workers)]
    for worker in workers:
        worker.start()
    a3c_live.watch(workers, shared, show)
    return shared


def test_workers_count_every_step_and_note_every_game(no_windows):
    interval = sys.getswitchinterval()
    shared = train(3, show=True)
    assert sys.getswitchinterval() == interval
    assert shared.network.steps == shared.steps >= 600
    assert 600 // 9 - 3 <= len(shared.games) <= shared.steps // 9
    assert all(
        game.score in (-1.0, 1.0) and 1 / 3 <= game.max_probability <= 1 and 0 <= game.entropy <= np.log(3) + 1e-6 for game in shared.games
    )
    a3c_live.draw_diary(shared)


def test_the_last_live_picture_shows_the_end(monkeypatch):
    shown = []
    monkeypatch.setattr(a3c_live, "live_picture", lambda shared, num_workers: shown.append(shared.steps) or b"")
    monkeypatch.setattr(a3c_live, "Image", lambda *arguments, **settings: None)
    monkeypatch.setattr(a3c_live, "display", lambda *arguments, **settings: type("Handle", (), {"update": lambda self, picture: None})())
    shared = train(3, show=True)
    assert shown[-1] == shared.steps


def test_an_error_in_a_worker_ends_all_and_is_raised():
    def breaks(player, shared, t_max, discount):
        if shared.steps > 100:
            raise ZeroDivisionError("in a worker")
        checks.reference_cycle(player, shared, t_max, discount)

    with pytest.raises(ZeroDivisionError, match="in a worker"):
        train(2, steps=10**9, cycle=breaks)


def test_one_worker_and_two_are_compared(no_windows):
    results = a3c_live.compare_workers(lambda count, seed: train(count, seed, steps=1_000), counts=(1, 2), seeds=2)
    assert results[2].returns.shape == (2, len(results[2].steps)) and results[1].rate > 0
    assert (np.diff(results[1].steps) > 200).all()
    a3c_live.draw_comparison(results)


def test_numbers_of_workers_take_turns_and_the_fastest_run_counts():
    weights, order = a3c_live.Network(library_loss("torch"), "torch").weights, []

    def train(count, seed):
        order.append((count, seed))
        shared = a3c_live.Shared(a3c_live.Network(library_loss("torch"), "torch"), 10, steps=100 * count, seconds=1.0 + seed)
        shared.network.snapshots = [(0, weights)]
        return shared

    results = a3c_live.compare_workers(train, counts=(1, 2), seeds=2)
    assert order == [(1, 0), (2, 0), (1, 1), (2, 1)]
    assert [results[count].rate for count in (1, 2)] == [100.0, 200.0]


def test_an_entropy_bonus_saves_most_of_the_lost():
    for weight, least, most in ((0.0, 0.15, 0.35), (0.15, 0.0, 0.05)):
        certainty, pay = a3c_live.play_machine(weight)
        assert least <= ((certainty > 0.9) & (pay < 0.7)).mean() <= most


# --- Drawings -------------------------------------------------------------------------------------------------------------------------


def made_up_episode(steps=90):
    rng = np.random.default_rng(0)
    episode = Episode(0, ("stay", "right", "left"), [np.zeros((210, 160, 3), np.uint8)] * (steps + 1), meaning=MEANINGS["policy"])
    episode.action_scores = list(rng.dirichlet(np.ones(3), steps).astype(np.float32))
    episode.actions, episode.rewards = [step % 3 for step in range(steps)], [0.0] * steps
    return episode


CURVE = {name: np.linspace(1.0, 50.0, 20) for name in ("agent_steps", "hours", "mean_return", "mean_return_100", "mean_loss")} | {
    name: np.linspace(0.35, 0.8, 20) for name in ("mean_max_probability", "mean_max_q_or_prob_100")
}

DRAWINGS = {
    "pulls": lambda: a3c.draw_pulls(np.array([1, 1, 2]), ("nothing", "sure", "jackpot")),
    "pushes": lambda: a3c.draw_pushes({name: np.random.default_rng(0).normal(0, 2, 100) for name in "abc"}),
    "rooms": lambda: a3c.draw_rooms({"REINFORCE": np.random.default_rng(0).random((4, 30))}),
    "how far": lambda: a3c.draw_how_far([0, 1, 0], [False, True, False]),
    "settling": lambda: a3c.draw_settling({"stopped": np.linspace(0, 1, 20), "flows": np.linspace(0, 1.7, 20)}, truth=1.0),
    "pairs": lambda: a3c.draw_pairs(np.array([0.0, 4.0]), np.zeros(2)),
    "entropy": lambda: a3c.show_entropy(entropy, (0.0, 1.0, 4.0)),
    "certainty": lambda: a3c.draw_certainty(
        {"no bonus": (np.array([0.99, 0.95]), np.array([1.0, 0.5])), "bonus": (np.ones(2), np.ones(2))}
    ),
    "workers": lambda: a3c.draw_workers(np.zeros((4, 84, 84), np.uint8)),
    "on-policy": lambda: a3c.draw_on_policy(np.ones(3) / 3, np.ones(3) / 3, {"a": np.array([0.1, 0, -0.1]), "b": np.zeros(3)}, "xyz"),
    "curves": lambda: a3c.draw_curves([("one", "red", CURVE, "mean_return"), ("two", "blue", CURVE, "mean_return_100")]),
    "probabilities": lambda: a3c.draw_probabilities(CURVE, CURVE),
    "minds": lambda: a3c.compare_minds({"one": made_up_episode(), "two": made_up_episode()}, {"one": [3, 50], "two": [4, 60]}),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_labelled_and_legible(draw, no_windows, monkeypatch):
    monkeypatch.setattr("course_lib.figures.huber.display", lambda bundle, raw: None)
    draw()
    figure = plt.gcf()
    figure.canvas.draw()
    with_axes = [ax for ax in figure.axes if ax.axison and len(ax.get_xticks())]
    assert all(ax.get_xlabel() or ax.get_title() or any(label.get_text() for label in ax.get_xticklabels()) for ax in with_axes)
    texts = [text for text in figure.findobj(plt.Text) if text.get_text() and text.get_visible()]
    shrunk = min(1, 900 / (96 * figure.get_size_inches()[0]))  # a cell of JupyterLab is some 900 pixels wide
    assert texts and shrunk * min(text.get_fontsize() for text in texts) >= 9
    assert not any("^{" in text.get_text() for text in texts)  # raised digits would be smaller than that


def test_the_picture_of_returns_stops_at_a_lost_ball(no_windows):
    a3c.draw_how_far([0, 1, 0], [False, True, False])
    texts = [text.get_text() for text in plt.gcf().findobj(plt.Text)]
    assert texts.count("γ r") == 1 and texts.count("γ V") == 1 and texts.count("r") == 3 and "γ² V" not in texts


def test_a_film_of_two_players():
    short, long = made_up_episode(10), made_up_episode(30)
    film = a3c.film({"untrained": short, "trained": long})
    assert len(film) == 30 and film[0].shape == (340, 560, 3) and film[0].dtype == np.uint8
    np.testing.assert_array_equal(film[9][:, :280], film[29][:, :280])


def test_moments_from_undecided_to_decided():
    game = made_up_episode()
    certainty = np.array(game.action_scores).max(axis=1)[a3c.telling_steps(game, 4)]
    assert (np.diff(certainty) > 0).all() and len(set(a3c.telling_steps(game, 4))) == 4
    assert a3c.spread_out(game, 3) == [22, 44, 66]


def test_the_books_curves_and_ours(tmp_path):
    book = a3c.read_book("a3c")
    assert book["hours"][-1] == pytest.approx(28.4, abs=0.1) and book["mean_return_100"][-5:].mean() == pytest.approx(144.5, abs=0.2)
    path = tmp_path / "curve.csv"
    path.write_text(
        "agent_steps,hours,games,mean_return,mean_length,mean_max_probability,mean_entropy,mean_loss,learning_rate\n"
        "10000,0.1,60,1.2,180.0,0.35,1.09,0.01,0.0007\n20000,0.2,110,1.5,190.0,0.4,1.05,0.02,0.0007\n"
    )
    assert a3c.read_ours(path)["mean_max_probability"].tolist() == [0.35, 0.4]
