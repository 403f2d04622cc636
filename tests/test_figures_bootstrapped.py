"""Lesson 07: right answers in many styles pass, odd ones get a sentence; its helpers' arithmetic; every drawing takes what it is handed."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import course_lib.checks  # noqa: F401  (fills CHECKS)
from course_lib.checks import bootstrapped as checks
from course_lib.checks.base import CHECKS, verdict
from course_lib.config import BOOTSTRAPPED_CHAIN, BOOTSTRAPPED_DEEP_SEA, CHAIN, replace
from course_lib.figures import bootstrapped, use_course_style
from course_lib.figures import bootstrapped_live as live
from course_lib.grading.legible import too_small
from course_lib.toy import Chain

matplotlib.use("Agg")
TINY = replace(BOOTSTRAPPED_CHAIN, game="chain-5", num_heads=3, learning_starts=10, update_period=5, batch_size=8)


@pytest.fixture(autouse=True)
def no_windows(monkeypatch):
    use_course_style()
    monkeypatch.setattr(plt, "show", lambda: plt.gcf().canvas.draw())
    yield
    plt.close("all")


# --- Right answers, as a good student may write them ----------------------------------------------------------------------------------


def passes(id, answer, framework=None):
    status, line = verdict(CHECKS[id, framework], answer)
    assert status == "passed", line


def test_heads_with_names_of_their_own_pass():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.body = torch.nn.Sequential(core)
            for k in range(num_heads):
                setattr(self, f"head{k}", make_head())
            self.num_heads = num_heads

        def forward(self, observations):
            features = self.body(observations)
            outputs = [getattr(self, f"head{k}")(features).unsqueeze(1) for k in range(self.num_heads)]
            return torch.cat(outputs, dim=1)

    passes("07.1", HeadsTorch, "torch")


def test_a_keras_layer_passes_too():
    import keras

    class HeadsKeras(keras.layers.Layer):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core, self.heads = core, [make_head() for _ in range(num_heads)]

        def call(self, observations):
            features = self.core(observations)
            return keras.ops.concatenate([head(features)[:, None] for head in self.heads], axis=1)

    passes("07.1", HeadsKeras, "keras")


class PairsMemory(checks.ReferenceMemory):
    """One list of pairs; masks drawn bit by bit."""

    def add(self, transition):
        mask = [self.num_heads == 1 or self.rng.random() < self.probability for _ in range(self.num_heads)]
        self.transitions.append((transition, mask))

    def get(self, places):
        pairs = [self.transitions[int(place)] for place in places]
        return tuple(transition for transition, _ in pairs), np.array([mask for _, mask in pairs], dtype=bool)


class BinomialMemory(checks.ReferenceMemory):
    def add(self, transition):
        self.transitions.append(transition)
        self.masks.append(self.rng.binomial(1, self.probability if self.num_heads > 1 else 1, self.num_heads).astype(bool))


@pytest.mark.parametrize("answer", [PairsMemory, BinomialMemory])
def test_memories_in_other_styles_pass(answer):
    passes("07.2", answer)


def test_losses_in_other_styles_pass():
    import torch
    from keras import ops

    def by_head(losses, masks):
        total = 0.0
        for k in range(losses.shape[1]):
            kept = losses[:, k][masks[:, k]]
            total = total + (kept.mean() if len(kept) else losses[:, k].sum() * 0.0)
        return total / losses.shape[1]

    def by_where(losses, masks):
        kept = ops.where(masks, losses, 0.0)
        count = ops.cast(ops.sum(ops.cast(masks, "int32"), axis=0), "float32")
        return ops.mean(ops.sum(kept, axis=0) / ops.where(count > 0, count, 1.0))

    passes("07.3", by_head, "torch")
    passes("07.3", by_where, "keras")
    passes("07.3", lambda losses, masks: ((losses * masks).sum(0) / torch.clamp(masks.sum(0), min=1)).mean(), "torch")


def test_numpy_answers_in_other_styles_pass():
    def loop(heads, starts, num_heads, rng):
        return np.array([rng.integers(num_heads) if start else head for head, start in zip(heads, starts)])

    def masked(heads, starts, num_heads, rng):
        result = heads.copy()
        result[starts] = rng.integers(0, num_heads, starts.sum())
        return result

    def election(q_values):
        winners = []
        for rows in q_values:
            votes = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
            leaders = np.flatnonzero(votes == votes.max())
            winners.append(max(leaders, key=lambda action: rows[:, action].mean()))
        return np.array(winners)

    passes("07.4", loop)
    passes("07.4", masked)
    passes("07.5", election)
    passes("07.6", lambda q_values: np.sqrt(((q_values - q_values.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)).mean(axis=-1))


VALUES = (None, "text", [None], np.array(None), np.zeros((7, 7)), np.array([np.nan]), {})
ODD = [5, "text", [None], dict, *(lambda *_, value=value: value for value in VALUES)]


@pytest.mark.parametrize("check", [check for (id, _), check in CHECKS.items() if id.startswith("07.")], ids=lambda check: check.label)
@pytest.mark.parametrize("place", range(len(ODD)))
def test_an_odd_answer_gets_one_sentence(check, place):
    status, line = verdict(check, ODD[place])
    assert status == "failed" and "\n" not in line and len(line) < 400
    assert "0x" not in line


# --- The live parts -------------------------------------------------------------------------------------------------------------------


def ensemble(framework, config=TINY):
    heads = {"torch": checks.reference_heads_torch, "keras": checks.reference_heads_keras}[framework]()
    loss = {"torch": checks.reference_loss_torch, "keras": checks.reference_loss_keras}[framework]()
    return live.make_ensemble(heads, loss, config, framework, seed=3)


def random_batch(heads=3):
    rng, states = np.random.default_rng(0), live.all_states(5)
    transitions = [
        (states[s], int(rng.integers(2)), float(rng.random()), states[rng.integers(5)], bool(s == 4)) for s in rng.integers(5, size=16)
    ]
    return live.as_batch(transitions, rng.random((16, heads)) < 0.5)


def test_both_frameworks_begin_alike_and_learn_alike():
    one, other = ensemble("torch"), ensemble("keras")
    states = live.all_states(5)
    np.testing.assert_allclose(one.q_values(states), other.q_values(states), atol=1e-5)
    for _ in range(3):
        assert one.update(random_batch()) == pytest.approx(other.update(random_batch()), abs=1e-4)
    np.testing.assert_allclose(one.q_values(states), other.q_values(states), atol=1e-3)
    one.sync_target()
    other.sync_target()
    assert one.update(random_batch()) == pytest.approx(other.update(random_batch()), abs=1e-3)


def test_states_are_what_the_chain_shows():
    chain = Chain(5)
    observation, _ = chain.reset()
    np.testing.assert_array_equal(live.all_states(5)[1], observation)
    assert live.state_of(observation) == 2 and live.all_states(5).shape == (5, 1, 5, 1)


def test_the_diary_knows_the_optimum(monkeypatch):
    shown = []
    monkeypatch.setattr(live, "display", lambda picture, display_id: shown.append(picture))
    diary = live.Diary(TINY, num_games=2)
    best = Chain(5).optimum()
    diary.game_over(list(live.all_states(5)), best, np.zeros((5, 3, 2)))
    diary.game_over(list(live.all_states(5)[:3]), 0.0, np.zeros((5, 3, 2)))
    assert diary.farthest == [5, 3] and diary.solved.tolist() == [True, False] and len(shown) == 1


def test_the_library_explores_and_its_visits_add_up():
    run = live.explore(replace(CHAIN, game="chain-5", learning_starts=20, update_period=10), "torch", num_games=3)
    assert len(run.returns) == len(run.visits) == 3
    assert all(lit[0, 0] == 5 + 9 + 1 for lit in run.visits)  # every observation of a game, the first one too, shows state 1 or more
    assert all(2 <= state <= 5 for state in live.farthest_states(run))
    sea = replace(BOOTSTRAPPED_DEEP_SEA, game="deep_sea-4", num_heads=2, learning_starts=8, update_period=8, batch_size=8)
    visits = live.visits_of(live.explore(sea, "torch", num_games=5))
    np.testing.assert_array_equal(visits.sum(axis=1), [5] * 4)  # a row each step, in every dive
    assert not np.triu(visits, k=1).any()


def test_priors_keep_what_zeros_would_wash_out():
    from course_lib.checks.bootstrapped import reference_disagreement

    config = replace(BOOTSTRAPPED_DEEP_SEA, game="deep_sea-4", num_heads=4)
    known = live.near_the_shore(4)
    assert known.sum(axis=1).tolist() == [1, 1, 2, 2]
    with_prior, without = (
        live.learn_zeros(replace(config, prior_scale=scale), "torch", reference_disagreement, updates=60) for scale in (3.0, 0.0)
    )
    assert np.isnan(without[0, 1:]).all() and np.nanmax(without[known]) < 0.3
    assert np.nanmean(with_prior[~known]) > np.nanmean(without[~known])
    bootstrapped.draw_kept({"without": without, "with": with_prior})


def test_heads_fit_their_points_and_nothing_else():
    x, y = np.linspace(0.1, 0.3, 8), np.ones(8)
    everything, rng = np.ones((8, 4), bool), np.random.default_rng(0)
    alike, apart = live.fit_heads(x, y, everything, same_start=True), live.fit_heads(x, y, everything)
    assert np.ptp(alike, axis=0).max() < 1e-9
    near, far = (live.GRID > 0.1) & (live.GRID < 0.3), live.GRID > 0.6
    assert apart.std(axis=0)[near].max() < 0.15 < 0.5 < apart.std(axis=0)[far].mean()
    assert live.fit_heads(x, y, rng.random((8, 4)) < 0.3).std(axis=0)[near].mean() > apart.std(axis=0)[near].mean()


# --- Drawings -------------------------------------------------------------------------------------------------------------------------


def text_in_figure():
    return " ".join(text.get_text() for text in plt.gcf().findobj(matplotlib.text.Text))


def test_walkers_move_and_the_picture_says_how_far():
    walks = {"coin": bootstrapped.coin_walks(6, 2), "straight": bootstrapped.straight_walks(6, 2)}
    assert all(len(states) == 6 + 10 for games in walks.values() for states in games)
    assert walks["straight"][0][-1] == 6 and set(np.abs(np.diff(walks["coin"][0]))) <= {0, 1}
    html = bootstrapped.show_walkers(walks, 6).data
    assert html.startswith('<img src="data:image/gif;base64,') and "straight: farthest 6 of 6" in html


@pytest.fixture
def legible(monkeypatch):
    """Whatever is drawn has text of 9 points or more as shown."""
    drawn = []
    monkeypatch.setattr(plt, "show", lambda: (plt.gcf().canvas.draw(), drawn.append(too_small(plt.gcf()))))
    yield
    assert drawn and not any(drawn)


def test_every_drawing_draws(legible):
    rng = np.random.default_rng(0)
    bootstrapped.draw_chances([5, 10, 20], [3, 20, 3_000], [99, 99.5, 611])
    bootstrapped.draw_farthest({"DQN": [2, 5, 3]}, size=20)
    bootstrapped.draw_network()
    assert "3,136 features" in text_in_figure()
    x, y = rng.random(5), rng.random(5)
    bootstrapped.draw_fits({"alike": live.fit_heads(x, y, np.ones((5, 3), bool), same_start=True)}, x, y)
    assert "0 everywhere" in text_in_figure()
    bootstrapped.draw_fits({f"p = {p}, alike": live.fit_heads(x, y, np.ones((5, 3), bool)) for p in range(4)}, x, y)
    bootstrapped.draw_masks(rng.random((9, 4)) < 0.5, 0.5)
    bootstrapped.draw_beliefs(rng.normal(size=(20, 10, 2)), [3] * 10, "fresh")
    assert text_in_figure().count("walks to 3") == 10
    bootstrapped.draw_disagreement(rng.random((30, 20)) + 0.1, rng.random((30, 20)) / 2, found=0)
    bootstrapped.draw_returns({"many": rng.random((3, 40)), "one": rng.random((3, 40))}, 11.0)
    bootstrapped.draw_visits({"DQN": np.tril(rng.integers(0, 9, (4, 4))), "heads": np.tril(np.ones((4, 4), int))})


def test_beliefs_are_counted_from_game_one(capsys):
    bootstrapped.show_beliefs([np.full((6, 3, 2), float(game)) for game in range(9)], games=[1, 4, 9])
    assert all(f"before game {game}" in text_in_figure() for game in (1, 4, 9))
