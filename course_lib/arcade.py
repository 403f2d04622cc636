"""Play Breakout yourself, live in a notebook, beside a trained agent: both games begin with the same seed, and score stands beside score.

The games run in the kernel, at the console's speed; arcade.js draws them and hands on what is pressed. The browser confirms every frame that it has
shown, and only a few may be on their way: where the line, the browser or the kernel is slow, the game slows down, so that nobody loses a ball that
they could not see; where nobody looks, it stands still.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from IPython.display import Pretty

from course_lib import learners, pretrained
from course_lib.atari import NUM_LIVES, Breakout, rom_path
from course_lib.config import Config
from course_lib.environments import breakout_settings
from course_lib.errors import CourseError
from course_lib.exploration import epsilon_greedy, sample_actions
from course_lib.figures.watch_live import NAMES
from course_lib.learners import Learner, action_scores, as_played

FRAMES_PER_SECOND = 30  # shown; the console makes 60
EMULATOR_FRAMES = 2  # of the learner's game in a shown frame
EPSILON = 0.01  # the agent's share of random actions, as wherever its games are shown
HURRY = 8  # agent steps in a shown frame once the learner's game is over: 16 times its own speed
WINDOW = 4  # frames on their way at most: a line that takes more than 0.13 s there and back slows the game down
PATIENCE = 3.0  # seconds for the browser to confirm a frame
IDLE_LIMIT = 180.0  # seconds without a key
MOVES = (None, "serve", "right", "left")  # in the emulator's order

shown: list[Arcade] = []  # the board in the notebook: there is one, for ipywidgets keeps every open widget, and with it two networks and two games


def play_against(agent: str = "dqn", stage: int | None = None, seed: int = 0, framework: str | None = None) -> Arcade | Pretty:
    """A game for the notebook: you at the left, a shipped stage (None: the agent's highest) at the right. It starts when you start it.

    Both games have the same seed, and the next ones the next seed. The board that was made before closes. Where no game can be played, one
    sentence instead.
    Raises CourseError if there is no such agent or stage.
    """
    stage = pretrained.find_stage(agent, stage)["stage"]
    try:
        import anywidget  # noqa: F401

        rom_path()
    except ImportError:
        return Pretty("Playing needs the package anywidget: python -m pip install anywidget")
    except CourseError as error:
        return Pretty(f"Nobody can play here. {error}")
    path, _ = pretrained.stage_file(agent, stage)
    learner, config = pretrained.load_learner(path, learners.framework(framework), agent)
    instead = f"Playing needs JupyterLab: open this notebook there and run this cell. To watch instead: course play --agent {agent} --stage {stage}"
    while shown:
        shown.pop().close()
    shown.append(Arcade(learner, config, f"{NAMES[agent]}, stage {stage}", seed, instead))
    return shown[0]


# --- The games ------------------------------------------------------------------------------------------------------------------------


class Keys:
    """What is pressed, in the order in which it was pressed and let go.

    Each press has a frame of its own, however short it was: ten quick ones are ten moves.
    """

    def __init__(self):
        self.events: deque[tuple[str, str, int]] = deque()  # "down" or "up", key, number
        self.held: list[str] = []  # "left" and "right", the newest last
        self.last = 0  # number of the newest event that has counted

    def next_frame(self) -> str | None:
        """Go on to the next frame: the move in it, one of MOVES. It takes the events up to the first press."""
        while self.events:
            event, key, self.last = self.events.popleft()
            if key in self.held:
                self.held.remove(key)
            if event == "down":
                if key != "serve":
                    self.held.append(key)
                return key
        return self.held[-1] if self.held else None

    def skip(self) -> None:
        """What was pressed until now moves nothing; what is still held will."""
        while self.events:
            self.next_frame()

    def release(self) -> None:
        self.events.clear()
        self.held.clear()


class Game:
    """One game of Breakout: its environment, what was last observed, score and lives."""

    def __init__(self, seed: int, **settings):
        self.env = Breakout(**settings)
        self.observation, info = self.env.reset(seed=seed)
        self.score, self.lives, self.over = 0, info["lives"], False

    def step(self, action: int) -> None:
        self.observation, reward, terminated, truncated, info = self.env.step(action)
        self.score, self.lives, self.over = self.score + int(reward), info["lives"], terminated or truncated

    def screen(self) -> np.ndarray:
        """uint8 [210, 160]: of each pixel, the number of its colour in the console's palette."""
        return self.env.emulator.unwrapped.ale.getScreen()


class Match:
    """Your game and an agent's, from the same seed. One `step` is a shown frame.

    The agent sees, decides and plays as it does in `recordings.play_as_trained`: every four emulator frames, in the same way, to the same end.
    """

    def __init__(self, learner: Learner, config: Config, seed: int):
        settings = breakout_settings(config)
        self.seed, self.frame, self.serving = seed, 0, False  # serving: the ball waits for you
        self.yours = Game(seed, **settings | {"preprocessing": "grey", "history": 1, "num_actions": len(MOVES), "frame_skip": EMULATOR_FRAMES})
        self.agents = Game(seed, **settings)
        self.learner, self.sampled, self.rng = as_played(learner), config.agent == "a3c", np.random.default_rng(seed)
        self.frames_a_step = config.frame_skip // EMULATOR_FRAMES

    @property
    def over(self) -> bool:
        return self.yours.over and self.agents.over

    def step(self, move: str | None) -> None:
        """Your move, one of MOVES, and the agent's if it is due. The first ball is served for both at once; after that you serve."""
        if not self.yours.over:
            self.yours.env.must_serve = self.frame == 0
            lives = self.yours.lives
            self.yours.step(MOVES.index(move))
            self.serving = self.yours.lives < lives or self.serving and move != "serve"
        steps = HURRY if self.yours.over else int(self.frame % self.frames_a_step == 0)
        for _ in range(steps):
            if not self.agents.over:
                self.agents.step(self.agents_action())
        self.frame += 1

    def agents_action(self) -> int:
        scores = action_scores(self.learner, self.agents.observation[None])  # [1, A]
        return (sample_actions(scores, self.rng) if self.sampled else epsilon_greedy(scores, EPSILON, self.rng))[0]

    def screens(self) -> np.ndarray:
        """Yours, then the agent's: uint8 [2, 210, 160], numbers of colours."""
        return np.stack([self.yours.screen(), self.agents.screen()])

    def palette(self) -> np.ndarray:
        """Red, green, blue and opacity of each colour's number, uint8 [256, 4]. The first screen has all nine colours of Breakout."""
        palette = np.zeros((256, 4), np.uint8)
        palette[self.yours.screen(), :3] = self.yours.env.screen
        palette[:, 3] = 255
        return palette


# --- The board ------------------------------------------------------------------------------------------------------------------------


class Arcade:
    """What a notebook shows: two screens, two scores, buttons and keys.

    games: (your score, the agent's) of each match that was played to its end. A match runs as a task on the event loop of the thread in which the
    browser's messages arrive, and only while somebody plays and looks.
    """

    def __init__(self, learner: Learner, config: Config, name: str, seed: int, instead: str):
        self.learner, self.config, self.name, self.instead = learner, config, name, instead
        self.games: list[tuple[int, int]] = []
        self.keys, self.task, self.trouble = Keys(), None, ""
        self.sent = self.seen = 0  # numbers of the newest frame sent and of the newest one that the browser has shown
        self.match = Match(learner, config, seed)
        action_scores(self.match.learner, self.match.agents.observation[None])  # a network's first thought takes long
        self.widget = board(name, self.match.palette())
        self.widget.on_msg(lambda widget, message, buffers: self.hear(message))

    def __repr__(self) -> str:
        return self.instead

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict, dict]:
        if self.widget.comm is None:  # it is closed
            return {"text/plain": "This board is closed: run its cell again."}, {}
        data, metadata = self.widget._repr_mimebundle_(**options)
        return data | {"text/plain": self.instead}, metadata

    @property
    def state(self) -> str:
        if self.match.over:
            return "over"
        return "playing" if self.task else "paused" if self.match.frame else "ready"

    def hear(self, message: dict) -> None:
        """What the browser says: "down" and "up" of a key, "toggle" (the button), "new", "pause", "seen" (a frame), "hello" (a new view)."""
        match message["kind"]:
            case "seen":
                self.seen = max(self.seen, message["frame"])
            case "down" | "up" as event:
                self.last_key = monotonic()
                self.keys.events.append((event, message["key"], message["number"]))
                if not self.task:
                    self.keys.skip()
                    if (event, message["key"]) == ("down", "serve") and not self.match.over:
                        self.go_on()
            case "toggle" if not self.task:
                self.go_on()
            case "toggle" | "pause":
                self.pause()
            case "new":
                self.new_match()
            case "hello":
                self.show()

    def go_on(self) -> None:
        """Start, resume, or, if the match is over, put up the next one."""
        if self.match.over:
            self.new_match()
        else:
            self.last_key, self.trouble = monotonic(), ""
            self.task = asyncio.get_running_loop().create_task(self.play())

    def pause(self) -> None:
        self.keys.release()
        if self.task:
            self.task = None  # which it notices
            self.show()

    def new_match(self) -> None:
        self.pause()
        self.match = Match(self.learner, self.config, self.match.seed + 1)
        self.show()

    def close(self) -> None:
        """Take the board out of the notebook; a match that runs ends."""
        self.task = None
        self.widget.close()

    async def play(self) -> None:
        """Play until the match is over, is paused, or nobody presses or sees anything any more."""
        due, this = monotonic(), asyncio.current_task()
        try:
            while self.task is this and not self.match.over and monotonic() - self.last_key < IDLE_LIMIT:
                self.match.step(self.keys.next_frame())
                if self.match.over:
                    self.games.append((self.match.yours.score, self.match.agents.score))
                self.show()
                due = max(due + 1 / FRAMES_PER_SECOND, monotonic())  # what is late stays late: no frame is rushed through
                await asyncio.sleep(due - monotonic())
                if not await self.is_seen():
                    break
        except Exception as error:
            self.trouble = f"The game stopped: {error!r}"
            raise
        finally:
            if self.task is this:
                self.pause()

    async def is_seen(self) -> bool:
        """Wait while too many frames are on their way; False if they do not arrive. A kernel that was busy has not waited: however late it
        wakes up, a nap counts as the 20 ms that it takes on a slow clock."""
        waited = 0.0  # seconds
        while self.sent - self.seen >= WINDOW and waited < PATIENCE:
            asleep = monotonic()
            await asyncio.sleep(0.005)
            waited += min(monotonic() - asleep, 0.02)
        return self.sent - self.seen < WINDOW

    def show(self) -> None:
        """Send the two screens and all that stands beside them."""
        self.sent += 1
        yours, agents = self.match.yours, self.match.agents
        hint, said = self.words()
        message = {"frame": self.sent, "key": self.keys.last, "scores": [yours.score, agents.score], "lives": [yours.lives, agents.lives]}
        message |= {"state": self.state, "hints": [hint, "Game over" if agents.over else ""], "said": said}
        self.widget.send(message, [zlib.compress(self.match.screens().tobytes())])

    def words(self) -> tuple[str, str]:
        """Over your screen, a word or two; below, a sentence, also for those who listen: it changes when something has happened, not with every point."""
        yours, agents, name = self.match.yours, self.match.agents, self.name
        if self.trouble:
            return "Stopped", self.trouble
        if self.state == "over":
            ahead = yours.score - agents.score
            verdict = f"You are ahead by {ahead}." if ahead > 0 else f"{name} is ahead by {-ahead}." if ahead < 0 else "A draw."
            return "Game over", f"You: {yours.score}. {name}: {agents.score}. {verdict}"
        if self.state == "ready":
            return "Click or Space: start", f"Both games begin with seed {self.match.seed}."
        if self.state == "paused":
            return "Click or Space: go on", "Paused."
        if yours.over:
            return "Game over", f"Your game is over, with {yours.score}. {name} plays on, {HURRY * self.match.frames_a_step} times as fast."
        return "Click or Space: serve" if self.match.serving else "", "The game is on." if yours.lives == NUM_LIVES else f"You lost a ball: {yours.lives} left."


def board(name: str, palette: np.ndarray):
    """The widget that stands in the notebook: arcade.js and arcade.css, the agent's name, the colours uint8 [256, 4]."""
    import anywidget  # here and not above: without it the course still has everything else
    import traitlets

    class Board(anywidget.AnyWidget):
        _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
        _css = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
        agent = traitlets.Unicode().tag(sync=True)
        palette = traitlets.Bytes().tag(sync=True)

    return Board(agent=name, palette=palette.tobytes())
