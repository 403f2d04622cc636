"""Lesson 08's moving parts: the stages of an agent in one film, and a selector that lets any stage play."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from IPython.display import HTML, Image, display

from course_lib import pretrained, recordings
from course_lib.errors import CourseError
from course_lib.figures.start import decisive_step
from course_lib.play import TEXT, Episode, Projector, as_television, picture, show_video

NAMES = {"dqn": "DQN", "a3c": "A3C", "bootstrapped_dqn": "Bootstrapped DQN"}
TILE = (240, 180)  # pixels of a screen in the film, 4 wide by 3 high


def shipped() -> dict[str, list[int]]:
    """The agents that have stages, each with its stages."""
    return {agent: stages for agent in NAMES if (stages := pretrained.stages(agent))}


# --- The film -------------------------------------------------------------------------------------------------------------------------


def film(games: Mapping[str, Episode]) -> list[np.ndarray]:
    """Games side by side, with name, points and lives: uint8 [224, 248 N, 3] a step. A game that is over stays on its last screen."""
    steps = max(len(game.frames) for game in games.values())
    return [np.hstack([_tile(name, game, min(step, len(game))) for name, game in games.items()]) for step in range(steps)]


def _tile(name: str, game: Episode, step: int) -> np.ndarray:
    """One game's part of a frame, uint8 [224, 248, 3]."""
    score, lives = sum(game.rewards[:step]), game.lives[max(step - 1, 0)]
    tile = np.full((TILE[1] + 44, TILE[0] + 8, 3), 255, np.uint8)
    text = TEXT | {"fontScale": 0.6}  # a film of five tiles is shown at three quarters of its size
    cv2.putText(tile, name, (6, 18), **text | {"thickness": 2})
    left = {0: "over", 1: "1 life"}.get(lives, f"{lives} lives")
    cv2.putText(tile, f"{score:.0f} point{'s' * (score != 1)}, {left}", (6, 38), **text)
    tile[44:, 4:-4] = as_television(game.frames[step], TILE)
    return tile


def show_film(games: Mapping[str, Episode], width: int = 1000) -> HTML:
    """The film as a video inside the notebook."""
    pages = film(games)
    return show_video(pages, width=width, size=pages[0].shape[1::-1])


# --- The selector ---------------------------------------------------------------------------------------------------------------------


class Selector:
    """Agent, stage and seed to choose, a button, one player. Where no game can be played, it shows the stage's recorded game and says so."""

    def __init__(self, framework: str, seeds: Sequence[int] = range(10), max_steps: int = 1500):
        import ipywidgets as widgets

        self.framework, self.max_steps = framework, max_steps
        self.agent = widgets.Dropdown(options=[(NAMES[agent], agent) for agent in shipped()], description="agent")
        self.stage = widgets.Dropdown(description="stage")
        self.seed = widgets.Dropdown(options=list(seeds), description="seed")
        self.button = widgets.Button(description="Play", icon="play")
        self.said = widgets.HTML()  # breaks its lines, where a Label cuts them off
        self.projector = Projector()
        self.agent.observe(lambda change: self.offer_stages(), names="value")
        self.button.on_click(lambda button: self.play())
        choices = widgets.HBox([self.agent, self.stage, self.seed, self.button], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([choices, self.said, self.projector.box])
        self.offer_stages()
        self.put_in(self.recorded(), "A recorded game of the stage.")

    def offer_stages(self) -> None:
        """The stages of the chosen agent, the highest chosen."""
        self.stage.options = shipped()[self.agent.value]
        self.stage.value = self.stage.options[-1]

    def recorded(self) -> Episode:
        return recordings.recorded_game(self.agent.value, self.stage.value, self.max_steps)

    def play(self) -> None:
        """Let the chosen stage play, here and now, and put the game into the player."""
        self.projector.stop()
        self.button.disabled = True
        self.tell(f"{NAMES[self.agent.value]}, stage {self.stage.value}, is playing ...")
        try:
            game = recordings.game(self.agent.value, self.stage.value, self.framework, self.seed.value, self.max_steps)
            self.put_in(game, f"Played here with seed {self.seed.value}.")
        except CourseError as error:
            self.fall_back(error)
        finally:
            self.button.disabled = False

    def fall_back(self, reason: CourseError) -> None:
        what = f"No game can be played here ({reason}), so this is the recorded game of the stage, whatever the seed."
        try:
            self.put_in(self.recorded(), what)
        except CourseError as error:
            self.tell(str(error))

    def put_in(self, game: Episode, what: str) -> None:
        self.projector.show(game)
        cut = "" if game.lives[-1] == 0 else f", its first {len(game)} steps"
        name = f"{NAMES[self.agent.value]}, stage {self.stage.value}"
        self.tell(f"{what} {name}: {game.score:.0f} points{cut}. Press the triangle below.")

    def tell(self, text: str) -> None:
        self.said.value = html.escape(text, quote=False)


def show_selector(framework: str) -> None:
    """The selector; where a notebook is only read, one sentence in its place; below it one moment of the game as a still picture."""
    selector = Selector(framework)
    still = "(A selector and a player: run the notebook to use them. The picture below is one moment of a game.)"
    display(selector.box._repr_mimebundle_() | {"text/plain": still}, raw=True)
    game = selector.projector.episode
    display(Image(picture(game, decisive_step(game)), width=640, alt="Screen, action scores and the four frames that the network sees"))
