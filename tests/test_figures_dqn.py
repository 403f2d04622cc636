"""Lesson 04's helpers: their arithmetic, and that every drawing takes what the lesson hands it."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.config import CATCH, replace
from course_lib.figures import dqn, dqn_live, use_course_style
from course_lib.learners import make_learner
from course_lib.play import Episode

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def no_windows(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


CURVE = {
    name: np.linspace(0.1, 50.0, 20)
    for name in ("agent_steps", "hours", "mean_return", "mean_return_100", "mean_max_q", "mean_max_q_or_prob_100", "mean_loss")
}
DRAWINGS = {
    "tables": lambda: dqn.draw_tables({1: np.zeros((5, 2)), 300: np.ones((5, 2))}),
    "rates": lambda: dqn.draw_rates({0.05: np.ones(9), 1.0: np.ones(9)}, {0.05: np.ones(9), 1.0: np.zeros(9)}),
    "streams": dqn.draw_streams,
    "schedule": lambda: dqn.draw_schedule(np.arange(3), {"a": [1, 0.5, 0.1], "b": [1, 0.1, 0.1]}, 50_000),
    "overlays": lambda: dqn.draw_overlays({"a": np.zeros((3, 84, 84), np.uint8), "b": np.zeros((3, 84, 84), np.uint8)}),
    "memory": lambda: dqn.draw_memory(np.zeros((6, 84, 84), np.uint8)),
    "chase": lambda: dqn.draw_chase({"one": 2.0 ** np.arange(9), "two": 0.5 ** np.arange(9)}),
    "breakout": lambda: dqn.draw_breakout_curves(CURVE, CURVE),
    "values": lambda: dqn.draw_values(made_up_episode(), {3: "a", 50: "b"}),
    "moments": lambda: dqn.draw_moments(made_up_episode(), {3: "a", 50: "b", 70: "c", 90: "d"}),
    "diary": lambda: dqn_live.Diary(90, [10, 50, 90], [-1, 1, 1], [20, 60, 80], [0.3, 0.2, 0.1], [0.1, 0.5, 0.8], [0.0, 0.4, 0.7]).draw(),
    "ablations": lambda: dqn_live.draw_ablations(dict.fromkeys(dqn_live.ablations(CATCH), (np.zeros((2, 9)), np.ones((2, 9)))), 900),
}


@pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)
def test_a_drawing_is_labelled_and_legible(draw):
    with plt.rc_context():
        use_course_style()
        draw()
        figure = plt.gcf()
        figure.canvas.draw()
    with_axes = [ax for ax in figure.axes if ax.axison and len(ax.get_xticks())]
    assert all(ax.get_xlabel() or any(label.get_text() for label in figure.axes[-1].get_xticklabels()) for ax in with_axes)
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text() and text.get_visible()]
    shrunk = min(1, 900 / (96 * figure.get_size_inches()[0]))  # a cell of JupyterLab is some 900 pixels wide
    assert texts and shrunk * min(text.get_fontsize() for text in texts) >= 9
    assert not any("^{" in text.get_text() for text in texts)  # raised digits would be smaller than that


def text_in_figure():
    return " ".join(text.get_text() for text in plt.gcf().findobj(matplotlib.text.Text))


def test_the_value_of_perfect_play_is_what_a_perfect_player_earns():
    worth = {}
    for steps_left in range(1, 10):  # backwards from the bottom row: the best of the three moves
        for ball, paddle in np.ndindex(5, 5):
            moved = [min(max(paddle + move, 0), 4) for move in (-1, 0, 1)]
            last = steps_left == 1
            worth[steps_left, ball, paddle] = max((1 if p == ball else -1) if last else 0.99 * worth[steps_left - 1, ball, p] for p in moved)
    assert dqn_live.BEST_VALUE == pytest.approx(np.mean(list(worth.values())))
    assert dqn_live.BOARDS.shape == (225, 10, 5, 1) and len(np.unique(dqn_live.BOARDS, axis=0)) == 225


def test_values_in_numpy_are_those_of_the_network():
    learner = make_learner(CATCH, "torch", (10, 5, 1), 3, seed=5, device="cpu")
    ours = dqn_live.values(learner.get_weights(), dqn_live.BOARDS)
    np.testing.assert_allclose(ours, learner.q_values(dqn_live.BOARDS), atol=1e-5)


def test_a_network_pair_copies_what_it_is_told():
    pair = dqn_live.NetworkPair(CATCH, "torch")
    pair.target_weights = {name: array + 1 for name, array in pair.online_weights.items()}
    for name, array in pair.online_weights.items():
        np.testing.assert_array_equal(pair.target_weights[name], array + 1)


def test_each_ablation_leaves_out_what_it_says():
    configs = dqn_live.ablations(replace(CATCH, update_period=8, batch_size=32))
    assert {name: (config.replay_capacity < 40, config.target_update_period == 8) for name, config in configs.items()} == {
        "memory and target network": (False, False),
        "no target network": (False, True),
        "no memory": (True, False),
        "neither": (True, True),
    }
    config = replace(CATCH, total_steps=240, learning_starts=60, update_period=8)
    curves = dqn_live.ablate(config, "torch", seeds=2)
    assert curves["neither"][0].shape == curves["neither"][1].shape == (2, 60)
    dqn_live.draw_ablations(curves, config.total_steps)


def test_random_breakout_tells_a_memory_whole_games():
    steps = dqn_live.play_breakout_at_random(400, seed=4)
    assert steps[0].starts and steps[0].frame.shape == (84, 84)
    ends = [i for i, step in enumerate(steps[1:]) if step.starts]
    assert len(ends) >= 1 and all(steps[i - 1].terminated and not steps[i].terminated for i in ends)  # the last frame, then a new game


def test_running_mean():
    assert dqn_live.running_mean([1, 2, 3, 4], 2).tolist() == [1, 1.5, 2.5, 3.5]


def test_a_moving_picture_of_catch():
    html = dqn.show_catch(lambda observation: 1, games=2, alt="two games").data
    assert html.startswith('<img src="data:image/gif;base64,') and 'alt="two games"' in html


def test_the_memory_picture_names_both_sizes():
    dqn.draw_memory(np.zeros((6, 84, 84), np.uint8))
    assert "56,448 bytes a step: 22.6 GB" in text_in_figure() and "7,056 bytes a step: 2.8 GB" in text_in_figure()


def test_the_streams_are_all_four_there():
    dqn.draw_streams()
    assert all(f"{number}  {stream}" in text_in_figure() for number, stream in enumerate(dqn.STREAMS, start=1))


def test_the_book_and_our_run_in_one_picture(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text(
        "agent_steps,hours,games,mean_return,mean_length,mean_max_q,mean_loss,epsilon\n"
        "10000,0.1,60,1.2,180.0,0.1,0.002,0.9\n20000,0.2,110,1.5,190.0,0.2,0.004,0.8\n"
    )
    book, ours = dqn.read_book(), dqn.read_ours(path)
    assert ours["mean_return"].tolist() == [1.2, 1.5] and book["hours"][-1] > 46
    dqn.draw_breakout_curves(book, ours)


def made_up_episode(steps=120):
    """Two lives of random Q-values: a ball is lost at steps 50 and 110."""
    rng = np.random.default_rng(0)
    episode = Episode(0, ("stay", "right", "left"), [np.zeros((210, 160, 3), np.uint8)] * (steps + 1))
    episode.action_scores = list(rng.random((steps, 3), np.float32))
    episode.actions, episode.rewards = [0] * steps, [float(step % 40 == 39) for step in range(steps)]
    episode.lives = [5 - (step >= 50) - (step >= 110) for step in range(steps)]
    return episode


def test_four_moments_of_a_game():
    episode = made_up_episode()
    assert dqn.lost_balls(episode).tolist() == [50, 110]
    moments = dqn.telling_moments(episode)
    assert moments[109] == "the ball is lost" and len(moments) == 4 and list(moments) == sorted(moments)
    dqn.draw_values(episode, moments)
    dqn.draw_moments(episode, moments)
    assert "nothing to decide" in text_in_figure()
