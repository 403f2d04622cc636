"""Checks of lesson 00: the warm-up, and the learner's first player."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np

from course_lib.checks.base import Mistake, exercise

STAY, RIGHT, LEFT = 0, 1, 2  # the course's action numbers
NO_BALL = "ball=None, no ball to be seen, must give 0 (stay)"
NAMES = {STAY: "stay", RIGHT: "right", LEFT: "left"}


class FewLives(gymnasium.Env):
    """A game that starts with a given number of lives and remembers how it was reset: Breakout's five would hide an answer typed in."""

    observation_space = gymnasium.spaces.Box(0, 255, (2, 2), np.uint8)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, lives: int):
        self.lives = lives
        self.seeds = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        return np.zeros((2, 2), np.uint8), {"lives": self.lives, "frame_number": 0}

    def step(self, action):
        return np.zeros((2, 2), np.uint8), 0.0, False, False, {"lives": self.lives - 1, "frame_number": 4}


def count_lives(env: gymnasium.Env) -> int:
    """The reference of 00.1."""
    _, info = env.reset(seed=0)
    return info["lives"]


@exercise("00.1", reference=count_lives, why="Every game here begins like that: reset with a seed, keep the observation, read info.")
def lives_at_start(answer):
    games = [FewLives(3), FewLives(7)]
    three, seven = [answer(game) for game in games]
    if three is None:
        raise Mistake("a game that starts with 3 lives must give 3; yours gives None: end the function with return ...")
    if isinstance(three, tuple):
        raise Mistake('env.reset() gives two things, an observation and info; you returned both: return info["lives"]')
    if isinstance(three, dict):
        raise Mistake('you returned the whole of info, {"lives": 3, ...}: return the number under "lives"')
    if isinstance(three, np.ndarray):
        raise Mistake('you returned the observation, the screen: the lives stand in the second thing that reset gives, info["lives"]')
    if not is_int(three):
        raise Mistake(f"a game that starts with 3 lives must give the int 3; yours gives {shown(three)}")
    if three == seven:
        both = f"a game with 3 lives and one with 7 both give {three}"
        raise Mistake(f"{both}: read the number from the info of the env you are handed, do not type it")
    if (three, seven) == (2, 6):
        raise Mistake("a game that starts with 3 lives must give 3; yours gives 2: you played a step, and lost one, before counting")
    if (three, seven) != (3, 7):
        raise Mistake(f"games that start with 3 and with 7 lives must give 3 and 7; yours give {three} and {shown(seven)}")
    if games[0].seeds != [0]:
        calls = ["env.reset()" if seed is None else f"env.reset(seed={shown(seed)})" for seed in games[0].seeds]
        yours = ", then ".join(calls) or "no reset"
        raise Mistake(f"call env.reset(seed=0), once, so that everyone sees the same game; yours called {yours}")


def chase_the_ball(ball: float | None, paddle: float) -> int:
    """The reference of 00.2."""
    if ball is None or abs(ball - paddle) <= 5:
        return STAY
    return RIGHT if ball > paddle else LEFT


@exercise(
    "00.2",
    reference=chase_the_ball,
    why="You have programmed a policy: a rule from what is seen to what is done. In lesson 04 a network learns one by itself.",
)
def chase(answer):
    right, left = [ask(answer, ball, 60.0) for ball in (100.0, 20.0)]
    if (right, left) == (LEFT, RIGHT):
        raise Mistake("the ball at column 100, the paddle at 60: columns grow to the right, so the answer is 1 (right); yours is 2 (left)")
    if (right, left) == (2, 3):
        raise Mistake("you used the emulator's numbers, 2 right and 3 left; the course's agents know 0 stay, 1 right, 2 left")
    expect(right, RIGHT, 100.0, "the ball is far to the right")
    expect(left, LEFT, 20.0, "the ball is far to the left")
    expect(ask(answer, 60.0, 60.0), STAY, 60.0, "it is right below the ball")
    for ball in (62.0, 57.5):
        expect(ask(answer, ball, 60.0), STAY, ball, f"the ball is only {abs(ball - 60):g} columns away: stay, or it overshoots")
    for ball in (65.0, 55.0):
        expect(ask(answer, ball, 60.0), STAY, ball, "5 columns away is still near enough: move only when it is more than 5")
    for ball, move in ((66.0, RIGHT), (54.0, LEFT)):
        expect(ask(answer, ball, 60.0), move, ball, "6 columns are more than 5")
    for ball, paddle, move in ((30.0, 20.0, RIGHT), (130.0, 140.0, LEFT)):
        expect(ask(answer, ball, paddle), move, ball, "compare the ball with the paddle, not with a fixed column", paddle)
    expect(ask(answer, 0.0, 60.0), LEFT, 0.0, "column 0 is a real column, but 0.0 counts as False: ask `ball is None`, not `not ball`")
    try:
        hidden = ask(answer, None, 60.0)
    except TypeError:
        raise Mistake(f"{NO_BALL}; yours compares None with a number: ask `ball is None` first") from None
    if hidden != STAY:
        raise Mistake(f"{NO_BALL}; yours gives {told(hidden)}")


def ask(answer: Callable, ball: float | None, paddle: float) -> int:
    """What the answer does; refuses what is no whole number."""
    action = answer(ball, paddle)
    if action is None:
        raise Mistake(f"chase({ball}, {paddle}) gives None: every way through the function must end in return 0, 1 or 2")
    if isinstance(action, str):
        raise Mistake(f"chase({ball}, {paddle}) must give a number, 0 stay, 1 right or 2 left; yours gives the word {shown(action)}")
    if not is_int(action):
        raise Mistake(f"chase({ball}, {paddle}) must give the int 0, 1 or 2; yours gives {shown(action)}")
    return int(action)


def expect(action: int, move: int, ball: float, because: str, paddle: float = 60.0) -> None:
    if action != move:
        raise Mistake(f"chase({ball}, {paddle}) must give {told(move)}; yours gives {told(action)}: {because}")


def told(action: int) -> str:
    return f"{action} ({NAMES[action]})" if action in NAMES else f"{action} (no such action)"


def is_int(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def shown(value: object) -> str:
    """A value in one short line, the same in every run (no memory address)."""
    if isinstance(value, int | float | str | list | tuple | dict | bool | np.number):
        text = repr(value.item() if isinstance(value, np.number) else value).replace("\n", " ")
        return text if len(text) <= 60 else text[:57] + "..."
    return f"something of type {type(value).__name__}"
