"""Playing in the notebook: the two games, the keys, the loop that waits for the browser, and what stands there where nobody can play."""

import asyncio
import gc
import json
import tomllib
import weakref
import zlib
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from course_lib import arcade, pretrained
from course_lib.arcade import HURRY, MOVES, WINDOW, Arcade, Keys, Match, play_against
from course_lib.config import SMOKE, replace
from course_lib.errors import CourseError
from course_lib.learners import make_learner
from course_lib.play import record_episode

ROOT = Path(__file__).parents[1]
CONFIG = replace(SMOKE, max_frames=20_000)  # whole games, where the smoke test cuts them off


@pytest.fixture(scope="module")
def learner():
    return make_learner(CONFIG, "torch", (84, 84, 4), 3)


# Keys


def pressed(*events):
    """Keys after these events, such as "+left" (down) and "-left" (up)."""
    keys = Keys()
    for number, event in enumerate(events, 1):
        keys.events.append(("down" if event[0] == "+" else "up", event[1:], number))
    return keys


def moves(keys, frames):
    return [keys.next_frame() for _ in range(frames)]


def test_ten_quick_presses_are_ten_moves():
    keys = pressed(*["+left", "-left"] * 10)
    assert moves(keys, 12) == ["left"] * 10 + [None, None]
    assert keys.last == 20


def test_presses_keep_their_order():
    keys = pressed("+left", "-left", "+right", "-right", "+serve", "-serve", "+left", "-left")
    assert moves(keys, 5) == ["left", "right", "serve", "left", None]


def test_what_is_held_moves_on_and_the_newest_key_wins():
    keys = pressed("+left")
    assert moves(keys, 3) == ["left"] * 3
    keys.events.append(("down", "right", 2))
    assert moves(keys, 2) == ["right", "right"]
    keys.events.append(("up", "right", 3))
    assert moves(keys, 2) == ["left", "left"]
    keys.events.append(("down", "serve", 4))  # and is held, too
    assert moves(keys, 2) == ["serve", "left"]
    keys.release()
    assert moves(keys, 2) == [None, None]


def test_what_was_pressed_before_the_start_moves_nothing_unless_it_is_held():
    keys = pressed("+right", "-right", "+left")
    keys.skip()
    assert moves(keys, 2) == ["left", "left"] and keys.last == 3


# The games


@pytest.mark.parametrize("agent, framework", [("dqn", "torch"), ("dqn", "keras"), ("a3c", "torch"), ("bootstrapped_dqn", "torch")])
def test_the_agent_plays_the_game_that_it_plays_alone(agent, framework):
    """Whatever you do beside it, at its own speed and, when your game is over, in a hurry."""
    learner, config = pretrained.load_learner(pretrained.stage_file(agent, 3)[0], framework, agent)
    match, rng = Match(learner, config, seed=4), np.random.default_rng(0)
    observations, actions, step = [match.agents.observation], [], match.agents.env.step

    def recorded(action):
        result = step(action)
        observations.append(result[0])
        actions.append(result[4]["action"])
        return result

    match.agents.env.step = recorded
    while len(actions) < 400:
        match.step(MOVES[rng.integers(4)])
    assert match.yours.over and match.frame < 800
    alone = record_episode(learner, config, seed=4, max_steps=len(actions), sampled=agent == "a3c")
    assert actions == alone.actions and len(set(actions)) == 3
    for ours, theirs in zip(observations, alone.observations):
        np.testing.assert_array_equal(ours, theirs)
    assert (match.agents.score, match.agents.lives) == (alone.score, alone.lives[-1]) and alone.score > 0


def test_the_same_moves_make_the_same_game(learner):
    """Whoever presses what the agent presses, "stay" being sent as the serve, sees what it sees: seed, idle frames and speed are the same."""
    match, action = Match(learner, CONFIG, seed=7), None
    rng, lives = np.random.default_rng(1), []
    match.agents_action = lambda: action
    for _ in range(400):
        action = int(rng.integers(3))
        serves = match.agents.env.must_serve
        for _ in range(2):
            match.step("serve" if serves else ("serve", "right", "left")[action])
        np.testing.assert_array_equal(*match.screens())
        lives.append(match.yours.lives)
        if match.over:
            break
    assert match.yours.score == match.agents.score > 0 and match.over and {4, 3, 2, 1, 0} <= set(lives)


def ball_is_there(match):
    return bool(match.yours.env.screen[93:189, 8:152].any())


def test_the_first_ball_is_served_and_after_a_lost_one_you_serve(learner):
    match = Match(learner, CONFIG, seed=0)
    assert not ball_is_there(match)
    match.step(None)
    assert ball_is_there(match) and not match.serving
    while match.yours.lives == 5:
        match.step(None)
    match.step(None)
    assert match.serving
    for move in ["left", "right", None] * 40:
        match.step(move)
        assert not ball_is_there(match) and match.serving
    match.step("serve")
    assert ball_is_there(match) and not match.serving and match.yours.lives == 4


def test_a_press_of_one_frame_moves_the_paddle(learner):
    def paddle(match):
        return np.flatnonzero(match.yours.env.screen[190, 8:152].any(axis=1))[0]

    match = Match(learner, CONFIG, seed=0)
    match.step(None)
    for move, sign in (("left", -1), ("right", 1)):
        before = paddle(match)
        for frame in range(8):
            match.step(move if frame == 0 else None)
        assert 10 <= sign * (paddle(match) - before) <= 14  # columns: two emulator frames, and what it glides on


def test_when_your_game_is_over_the_agents_hurries_to_its_end(learner):
    match = Match(learner, CONFIG, seed=0)
    match.yours.over = True
    steps = []
    agents_step = match.agents.step
    match.agents.step = lambda action: (steps.append(action), agents_step(action))
    match.step(None)
    assert len(steps) == HURRY and match.frame == 1
    while not match.over:
        match.step(None)
    length = len(steps)
    match.step(None)
    assert len(steps) == length and match.agents.lives == 0


def test_the_colours_are_the_screens(learner):
    match = Match(learner, CONFIG, seed=0)
    palette = match.palette()
    for frame in range(40):
        match.step("left")
        for numbers, game in zip(match.screens(), (match.yours, match.agents)):
            np.testing.assert_array_equal(palette[numbers, :3], game.env.screen)


# The board


class Browser:
    """Stands in for the widget: confirms every frame as a browser does, or not."""

    def __init__(self, name, palette):
        self.name, self.palette, self.frames, self.sees, self.is_open = name, palette, [], True, True

    def on_msg(self, callback):
        self.say = lambda **message: callback(self, message, [])

    def send(self, message, buffers):
        self.frames.append(message)
        self.picture = buffers[0]
        if self.sees:
            self.say(kind="seen", frame=message["frame"])

    def close(self):
        self.is_open = False


@pytest.fixture
def console(monkeypatch, learner):
    """An arcade whose browser is `Browser`, ten times as fast."""
    monkeypatch.setattr(arcade, "board", Browser)
    monkeypatch.setattr(arcade, "FRAMES_PER_SECOND", 300)
    monkeypatch.setattr(arcade, "PATIENCE", 0.1)
    return Arcade(learner, CONFIG, "DQN, stage 3", 0, "instead")


def last(console):
    return console.widget.frames[-1]


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.002)


def test_nothing_runs_before_somebody_plays(console):
    async def scene():
        console.widget.say(kind="hello")
        console.widget.say(kind="down", key="left", number=1)
        console.widget.say(kind="pause")
        return asyncio.all_tasks()

    assert len(asyncio.run(scene())) == 1  # the scene itself
    assert [frame["state"] for frame in console.widget.frames] == ["ready"] and console.match.frame == 0
    assert last(console)["hints"] == ["Click or Space: start", ""] and "seed 0" in last(console)["said"]
    json.dumps(console.widget.frames)


def test_space_starts_and_p_pauses_and_either_goes_on(console):
    async def scene():
        say = console.widget.say
        say(kind="down", key="serve", number=1)
        await until(lambda: console.match.frame >= 5)
        assert last(console)["state"] == "playing"
        say(kind="toggle")
        assert last(console)["state"] == "paused" and "Space" in last(console)["hints"][0]
        say(kind="toggle")
        await asyncio.sleep(0)
        say(kind="toggle")
        say(kind="toggle")  # quicker than the loop notices
        await until(lambda: console.match.frame >= 12)
        assert len(asyncio.all_tasks()) == 2  # this one and the game's
        say(kind="pause")
        frame = console.match.frame
        await asyncio.sleep(0.05)
        assert console.match.frame == frame and len(asyncio.all_tasks()) == 1
        say(kind="down", key="serve", number=2)
        await until(lambda: console.match.frame > frame)
        console.close()
        await asyncio.sleep(0.02)
        assert len(asyncio.all_tasks()) == 1 and not console.widget.is_open

    asyncio.run(scene())


def test_the_keys_reach_the_game_in_order_and_are_echoed(console, monkeypatch):
    made = []
    step = Match.step
    monkeypatch.setattr(Match, "step", lambda self, move: (made.append(move), step(self, move)))

    async def scene():
        say = console.widget.say
        say(kind="down", key="left", number=1)
        say(kind="down", key="serve", number=2)  # starts, with left held
        say(kind="up", key="serve", number=3)
        await until(lambda: len(made) >= 3)
        assert set(made) == {"left"}
        say(kind="up", key="left", number=4)
        for number in range(5, 25, 2):
            say(kind="down", key="right", number=number)
            say(kind="up", key="right", number=number + 1)
        await until(lambda: last(console)["key"] == 24)
        say(kind="down", key="left", number=25)
        say(kind="pause")  # which lets go of everything
        say(kind="toggle")
        await until(lambda: None in made[-3:])
        assert made.count("right") == 10 and made[-1] is None

    asyncio.run(scene())


def test_a_browser_that_shows_nothing_stops_the_game(console):
    async def scene():
        console.widget.say(kind="toggle")
        await until(lambda: console.match.frame >= 3)
        console.widget.sees = False
        frame = console.match.frame
        await until(lambda: not console.task)
        assert 0 < console.match.frame - frame <= WINDOW and last(console)["state"] == "paused"
        console.widget.sees = True
        console.widget.say(kind="hello")
        console.widget.say(kind="toggle")
        await until(lambda: console.match.frame > frame + 2 * WINDOW)
        console.close()

    asyncio.run(scene())


def test_a_slow_browser_slows_the_game_and_loses_nothing(console):
    async def scene():
        console.widget.sees = False
        console.widget.say(kind="toggle")
        for number in range(1, 31):
            await until(lambda: console.sent >= number)
            await asyncio.sleep(0.01)
            assert console.sent - number < WINDOW
            console.widget.say(kind="seen", frame=number)
        frames = [frame["frame"] for frame in console.widget.frames]
        assert frames == list(range(1, len(frames) + 1)) and console.match.frame == len(frames)
        console.close()

    asyncio.run(scene())


def test_it_does_not_wait_for_ever_for_a_key(console, monkeypatch):
    monkeypatch.setattr(arcade, "IDLE_LIMIT", 0.05)

    async def scene():
        console.widget.say(kind="toggle")
        await until(lambda: console.match.frame)
        await until(lambda: not console.task)
        assert last(console)["state"] == "paused"

    asyncio.run(scene())


def test_a_match_ends_with_both_scores_and_the_next_one_has_the_next_seed(console):
    async def scene():
        say = console.widget.say
        say(kind="toggle")

        def over():
            say(kind="down", key="serve", number=1)
            return not console.task

        await until(over)
        assert last(console)["state"] == "over" and len(asyncio.all_tasks()) == 1
        yours, agents = last(console)["scores"]
        assert console.games == [(yours, agents)] and last(console)["lives"] == [0, 0]
        assert last(console)["said"].startswith(f"You: {yours}. DQN, stage 3: {agents}. ")
        assert any("plays on" in frame["said"] for frame in console.widget.frames) or any(frame["hints"][1] for frame in console.widget.frames)
        say(kind="down", key="serve", number=2)  # a press too many does not wipe out the result
        assert last(console)["state"] == "over"
        say(kind="toggle")
        assert last(console)["state"] == "ready" and last(console)["scores"] == [0, 0] and "seed 1" in last(console)["said"]
        assert len(asyncio.all_tasks()) == 1
        say(kind="toggle")
        await until(lambda: console.match.frame)
        say(kind="new")
        assert last(console)["state"] == "ready" and "seed 2" in last(console)["said"] and len(console.games) == 1

    asyncio.run(scene())


@pytest.mark.parametrize("scores, verdict", [((24, 19), "You are ahead by 5."), ((3, 19), "DQN, stage 3 is ahead by 16."), ((4, 4), "A draw.")])
def test_who_is_ahead(console, scores, verdict):
    console.match.yours.over = console.match.agents.over = True
    console.match.yours.score, console.match.agents.score = scores
    console.show()
    assert last(console)["said"] == f"You: {scores[0]}. DQN, stage 3: {scores[1]}. {verdict}"


def test_a_line_for_the_ear_does_not_change_with_every_point(console):
    async def scene():
        console.widget.say(kind="toggle")
        await until(lambda: console.match.yours.lives < 5)
        console.close()
        said = [frame["said"] for frame in console.widget.frames]
        assert list(dict.fromkeys(said)) == ["The game is on.", "You lost a ball: 4 left."]
        assert len(said) > 20

    asyncio.run(scene())


def test_what_goes_wrong_is_told(console):
    async def scene():
        console.match.step = lambda move: 1 / 0
        console.widget.say(kind="toggle")
        with pytest.raises(ZeroDivisionError):
            await console.task
        assert not console.task and "ZeroDivisionError" in last(console)["said"]

    asyncio.run(scene())


def test_a_frame_is_small(console):
    console.show()
    pictures = np.frombuffer(zlib.decompress(console.widget.picture), np.uint8).reshape(2, 210, 160)
    np.testing.assert_array_equal(pictures, console.match.screens())
    assert len(console.widget.picture) < 2_000  # 60 kB a second


# What a notebook shows


def test_a_notebook_shows_the_board_or_a_sentence():
    shown = play_against("dqn", 3)
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"] == repr(shown) and "course play --agent dqn --stage 3" in repr(shown)
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.widget.model_id
    assert shown.widget.agent == "DQN, stage 3" and len(shown.widget.palette) == 1024 and shown.games == []


def test_there_is_one_board_and_those_before_leave_nothing_behind():
    boards = [weakref.ref(play_against("dqn", 3)) for _ in range(3)]
    gc.collect()
    assert [board() is None for board in boards] == [True, True, False]
    before = boards[2]()
    play_against("dqn", 2)
    assert before._repr_mimebundle_() == ({"text/plain": "This board is closed: run its cell again."}, {}) and before.task is None


def test_without_widgets_or_the_game_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    assert "pip install anywidget" in repr_of(play_against())
    monkeypatch.undo()

    def rom_path():
        raise CourseError("Breakout's ROM is missing.")

    monkeypatch.setattr(arcade, "rom_path", rom_path)
    assert repr_of(play_against()) == "Nobody can play here. Breakout's ROM is missing."


def repr_of(shown):
    """What a cell prints of it."""
    from IPython.core.formatters import PlainTextFormatter

    assert not hasattr(shown, "_repr_mimebundle_")
    return PlainTextFormatter()(shown)


def test_an_agent_that_there_is_not():
    with pytest.raises(CourseError, match="no stage 9 of dqn"):
        play_against("dqn", 9)
    with pytest.raises(CourseError, match='no trained "human"'):
        play_against("human")
    with pytest.raises(CourseError, match="frameworks"):
        play_against("dqn", framework="jax")


def test_run_without_a_browser_it_prints_the_sentence_and_leaves_no_task():
    cells = ["from course_lib import arcade\ngame = arcade.play_against('dqn', 2)\ngame", "import asyncio\nprint(game.task, len(asyncio.all_tasks()))"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import asyncio\nprint(len(asyncio.all_tasks()))"), *map(nbformat.v4.new_code_cell, cells)])
    NotebookClient(notebook, timeout=120).execute()
    before, shown, after = (cell.outputs[0] for cell in notebook.cells)
    assert shown.data["text/plain"] == (
        "Playing needs JupyterLab: open this notebook there and run this cell. To watch instead: course play --agent dqn --stage 2"
    )
    assert after.text.split() == ["None", before.text.strip()]


def test_what_the_browser_loads_is_packaged():
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["course_lib"]
    assert {file.name for file in (ROOT / "course_lib").glob("arcade.*")} - {"arcade.py"} == set(packaged)
