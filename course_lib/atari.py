"""Atari Breakout as the agents meet it (Mnih et al. 2015, Methods; Machado et al. 2018 for the emulator's settings).

What happens to a screen: preprocess (210 x 160 x 3 -> 84 x 84), then stack the last four. What happens to a game: up to 30 idle
frames at the start; the ball is served (FIRE) on the first step and after every lost life; a lost life is told apart from the end of
the game; rewards are the raw score. `Breakout` is one game, `VectorBreakout` many side by side; both show the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import gymnasium
import numpy as np

from course_lib.errors import CourseError

GAME_ID = "BreakoutDeterministic-v4"
SCREEN_SHAPE = (210, 160, 3)  # rows, columns, red-green-blue
FRAME_SHAPE = (84, 84)
NUM_LIVES = 5
NOOP, FIRE, RIGHT, LEFT = range(4)  # the emulator's numbers: see get_action_meanings()
ACTIONS = {3: ((FIRE, RIGHT, LEFT), ("stay", "right", "left")), 4: ((NOOP, FIRE, RIGHT, LEFT), ("noop", "fire", "right", "left"))}
"""For each number of actions: the emulator's number and the name of each. "Stay" is sent as FIRE, which also serves the ball."""


def register_breakout() -> None:
    """Register `BreakoutDeterministic-v4`, which today's ale-py no longer does: frame skip 4, no sticky actions, no max-pooling."""
    import ale_py  # here and not above: without the emulator the course still shows recorded games

    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)  # each emulator would greet on stderr
    gymnasium.register_envs(ale_py)
    if GAME_ID not in gymnasium.registry:
        settings = dict(game="breakout", frameskip=4, repeat_action_probability=0.0, full_action_space=False)
        gymnasium.register(GAME_ID, entry_point="ale_py.env:AtariEnv", kwargs=settings)


def preprocess_grey(screen: np.ndarray) -> np.ndarray:
    """The book's preprocessing: luminance, then resize. uint8 [210, 160, 3] (or [210, 160], grey already) -> uint8 [84, 84]."""
    grey = screen if screen.ndim == 2 else cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)  # [210, 160]
    return cv2.resize(grey, FRAME_SHAPE[::-1], interpolation=cv2.INTER_AREA)


def preprocess_binary(screen: np.ndarray) -> np.ndarray:
    """The code review's preprocessing: crop to the playing field, resize, light every pixel in which any channel is not black.

    uint8 [210, 160, 3] -> uint8 [84, 84] of 0 and 255.
    """
    field = screen[31:193, 8:152]  # [162, 144, 3]
    small = cv2.resize(field, FRAME_SHAPE[::-1], interpolation=cv2.INTER_NEAREST)  # [84, 84, 3]
    return np.where(small.any(axis=2), 255, 0).astype(np.uint8)


def preprocess_book(screen: np.ndarray) -> np.ndarray:
    """What the book's own A3C agents were trained on, to the last bit that matters to its weights: luminance, bilinear resize without smoothing,
    fractions cut off. The environments give it the brighter pixel of two successive screens. uint8 [210, 160, 3] -> uint8 [84, 84]."""
    luminance = screen @ np.array([0.2125, 0.7154, 0.0721])  # [210, 160], 0 to 255
    return cv2.resize(luminance, FRAME_SHAPE[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)


PREPROCESSING = {"grey": preprocess_grey, "binary": preprocess_binary, "book": preprocess_book}
OF_TWO_SCREENS = ("book",)
"""Preprocessings that see the pixel-wise maximum of two successive screens."""


def preprocessing_function(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """The preprocessing of that name."""
    if name not in PREPROCESSING:
        raise CourseError(f'There is no preprocessing "{name}"; there are {", ".join(PREPROCESSING)}.')
    return PREPROCESSING[name]


class FrameHistory:
    """The last frames as one observation, newest last; an episode's first frame stands in for those before it.

    Works on one game (frames [H, W] -> observation [H, W, L]) and on several ([E, H, W] -> [E, H, W, L]). Every observation is a
    new array that later frames do not change.
    """

    def __init__(self, length: int = 4):
        self.length = length
        self.frames = None  # [..., L, H, W]: frames lie whole in memory; an observation is a view with the axis moved last

    def reset(self, frames: np.ndarray) -> np.ndarray:
        """Start an episode: the first frame `length` times."""
        self.frames = np.stack([frames] * self.length, axis=-3)
        return np.moveaxis(self.frames, -3, -1)

    def push(self, frames: np.ndarray, starts: np.ndarray | None = None) -> np.ndarray:
        """Drop the oldest frame, append the newest; where `starts` (bool [E]) is true, begin an episode instead."""
        self.frames = np.concatenate([self.frames[..., 1:, :, :], frames[..., None, :, :]], axis=-3)
        if starts is not None and starts.any():
            self.frames[starts] = frames[starts][:, None]
        return np.moveaxis(self.frames, -3, -1)


def emulator_actions(num_actions: int) -> np.ndarray:
    """The emulator's number of each of the agent's actions, int64 [A]."""
    if num_actions not in ACTIONS:
        raise CourseError(f"The agents use 3 actions (stay, right, left) or the emulator's 4, not {num_actions}.")
    return np.array(ACTIONS[num_actions][0])


def rom_path() -> str:
    """Where Breakout itself lies; one sentence if it is not there."""
    try:
        from ale_py import roms

        return str(roms.get_rom_path("breakout"))
    except ImportError as error:
        raise CourseError(f"The Atari emulator is missing ({error}); install it: python -m pip install ale-py") from error
    except OSError as error:  # no such folder, no such file, or another file's checksum
        advice = "reinstall it: python -m pip install --force-reinstall ale-py"
        raise CourseError(f"Breakout's ROM is missing from ale-py; {advice}") from error


class Breakout(gymnasium.Env):
    """One game of Breakout.

    Observation: uint8 [84, 84, history]. Action: 0 stay, 1 right, 2 left (or the emulator's 4). Reward: the raw score. `terminated` is the end
    of the game; `info["life_lost"]` is true on the step that loses a ball, `info["action"]` is the action really sent (serving overrides
    the agent's), `info["lives"]` what is left. `render()` gives the colour screen.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}

    def __init__(self, preprocessing="grey", num_actions=3, history=4, noop_max=30, max_frames=108_000, frame_skip=4):
        rom_path()
        self.render_mode = "rgb_array"
        self.emulator = gymnasium.make(GAME_ID, frameskip=frame_skip, max_num_frames_per_episode=max_frames)
        self.preprocess, self.of_two_screens = preprocessing_function(preprocessing), preprocessing in OF_TWO_SCREENS
        self.emulator_actions = emulator_actions(num_actions)
        self.serve = int(np.flatnonzero(self.emulator_actions == FIRE)[0])
        self.noop_max = noop_max
        self.history = FrameHistory(history)
        self.observation_space = gymnasium.spaces.Box(0, 255, (*FRAME_SHAPE, history), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(num_actions)
        self.screen = None  # uint8 [210, 160, 3]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.screen, info = self.emulator.reset(seed=seed)
        ale = self.emulator.unwrapped.ale
        for _ in range(self.np_random.integers(self.noop_max + 1)):
            ale.act(NOOP)
        self.screen = ale.getScreenRGB()
        self.lives, self.must_serve = info["lives"], True
        return self.history.reset(self.preprocess(self.screen)), {"lives": self.lives, "life_lost": False}

    def step(self, action: int):
        action = self.serve if self.must_serve else int(action)
        before = self.screen
        self.screen, reward, terminated, truncated, info = self.emulator.step(self.emulator_actions[action])
        life_lost = info["lives"] < self.lives
        self.lives, self.must_serve = info["lives"], life_lost
        seen = np.maximum(self.screen, before) if self.of_two_screens else self.screen  # [210, 160, 3]
        observation = self.history.push(self.preprocess(seen))
        info = {"lives": self.lives, "life_lost": life_lost, "action": action}
        return observation, float(reward), terminated, truncated, info

    def render(self) -> np.ndarray:
        return self.screen

    def close(self) -> None:
        self.emulator.close()


class VectorBreakout:
    """Many games of Breakout side by side, on ale-py's threads; `send` starts a step, `recv` waits for it.

    Observations uint8 [E, 84, 84, history], rewards float32 [E] (raw), terminated and truncated bool [E]. When a game is over the next step ignores
    its action and returns the first observation of the next game, with `info["reset"]` true there. `info` also holds, each [E]: `lives`,
    `life_lost`, `actions` (those really sent). On the step that ends a game ale-py shows the screen before it once more, `Breakout` the
    last one.
    """

    def __init__(self, num_envs, preprocessing="grey", num_actions=3, history=4, noop_max=30, max_frames=108_000, frame_skip=4, num_threads=0):
        rom_path()
        from ale_py.vector_env import AtariVectorEnv

        self.num_envs, self.num_actions = num_envs, num_actions
        self.observation_shape = (*FRAME_SHAPE, history)
        self.emulator_actions = emulator_actions(num_actions)
        self.serve = int(np.flatnonzero(self.emulator_actions == FIRE)[0])
        self.preprocess, self.of_two_screens = preprocessing_function(preprocessing), preprocessing in OF_TWO_SCREENS
        self.greys_itself = preprocessing == "grey"  # ale-py's own grey and resize are the same to the last bit
        height, width = FRAME_SHAPE if self.greys_itself else SCREEN_SHAPE[:2]
        self.emulators = AtariVectorEnv(
            "breakout",
            num_envs,
            num_threads=num_threads,
            max_num_frames_per_episode=max_frames,
            img_height=height,
            img_width=width,
            grayscale=self.greys_itself,
            stack_num=1,  # its stack starts with black frames; FrameHistory repeats the first
            frameskip=frame_skip,
            maxpool=False,  # as in BreakoutDeterministic-v4
            noop_max=noop_max + 1,  # it draws below this number
            episodic_life=False,  # would reset the whole game with every ball
            reward_clipping=False,  # would hide the score
            use_fire_reset=False,  # we serve, after lost lives too
        )
        self.history = FrameHistory(history)

    def _frames(self, screens: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """[E, 1, H, W] or [E, 1, 210, 160, 3] -> [E, 84, 84]. starts: bool [E], where a game begins."""
        screens = screens[:, 0]
        if self.of_two_screens:
            before = screens if starts.all() else np.where(starts[:, None, None, None], screens, self.screens)
            self.screens, screens = screens, np.maximum(screens, before)
        return screens if self.greys_itself else np.stack([self.preprocess(screen) for screen in screens])

    def reset(self, seed: int | None = None):
        seeds = None if seed is None else (seed + np.arange(self.num_envs)) % 2**31  # the emulators count in 32 bits
        screens, info = self.emulators.reset(seed=seeds)
        self.lives = info["lives"]
        self.must_serve = np.ones(self.num_envs, bool)
        self.over = np.zeros(self.num_envs, bool)
        info = {"lives": self.lives, "life_lost": self.over, "reset": ~self.over}
        return self.history.reset(self._frames(screens, ~self.over)), info

    def send(self, actions: np.ndarray) -> None:
        """Start a step: int [E]. The emulators work in threads of their own until `recv`."""
        self.actions = np.where(self.must_serve, self.serve, actions)
        self.emulators.send(self.emulator_actions[self.actions])

    def recv(self):
        """Finish the step begun by `send`: observations, rewards, terminated, truncated, info."""
        screens, rewards, terminated, truncated, info = self.emulators.recv()
        reset = self.over  # those whose game was over begin a new one with this step
        life_lost = (info["lives"] < self.lives) & ~reset
        self.lives, self.over = info["lives"], terminated | truncated
        self.must_serve = life_lost | reset
        observations = self.history.push(self._frames(screens, reset), starts=reset)
        info = {"lives": self.lives, "life_lost": life_lost, "reset": reset, "actions": self.actions}
        return observations, rewards.astype(np.float32), terminated, truncated, info

    def step(self, actions: np.ndarray):
        self.send(actions)
        return self.recv()

    def close(self) -> None:
        self.emulators.close()
