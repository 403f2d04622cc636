"""Hidden tests of lesson 00, start here."""

from __future__ import annotations

import numpy as np

from course_lib.grading.probing import probe


def is_int(value) -> bool:
    """A number such as 3, of Python or of NumPy; neither 3.0 nor True."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


# --- 00.1: the number of lives --------------------------------------------------------------------------------------------------------


def make_game(lives):
    """A game with so many lives that loses one a step and writes down the seeds that it is reset with."""
    import gymnasium

    class Game(gymnasium.Env):
        observation_space = gymnasium.spaces.Box(0, 255, (2, 2), np.uint8)
        action_space = gymnasium.spaces.Discrete(3)
        seeds = ()

        def told(self):
            return {"frame_number": 4, "lives": self.left}

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.seeds, self.left = (*self.seeds, seed), lives
            return np.zeros((2, 2), np.uint8), self.told()

        def step(self, action):
            self.left -= 1
            return np.zeros((2, 2), np.uint8), 0.0, False, False, self.told()

    return Game()


@probe("00.1", "games with different numbers of lives")
def several_games(answer, rng):
    games = [make_game(int(lives)) for lives in rng.permutation(np.arange(8, 40))[:4]]
    counted = [answer(game) for game in games]
    return counted, [is_int(lives) for lives in counted], [game.seeds for game in games]


@probe("00.1", "a game that has been played before", extra=True)
def played_before(answer, rng):
    game = make_game(int(rng.integers(8, 40)))
    game.reset(seed=7)
    game.step(1)
    first = answer(game)
    game.step(2)
    return first, answer(game), game.seeds


# --- 00.2: chase, but stop in time ----------------------------------------------------------------------------------------------------
# Columns are whole numbers and quarters: differences of such are exact, whichever way an answer computes them.


def moves(answer, balls, paddles):
    """The answer's action for each pair, and whether it is an int."""
    actions = [answer(None if ball is None else float(ball), float(paddle)) for ball, paddle in zip(balls, paddles, strict=True)]
    return [(is_int(action), action) for action in actions]


@probe("00.2", "balls on either side, far away and not so far")
def away(answer, rng):
    distances = np.r_[6:40]
    paddles = rng.integers(42, 118, len(distances))
    return moves(answer, paddles + distances, paddles), moves(answer, paddles - distances, paddles)


@probe("00.2", "balls near the middle of the paddle, on either side")
def near(answer, rng):
    distances = np.arange(-20, 21) / 4
    paddles = rng.integers(10, 150, len(distances))
    return moves(answer, paddles + distances, paddles)


@probe("00.2", "no ball to be seen, wherever the paddle is")
def no_ball(answer, rng):
    paddles = rng.integers(8, 152, 8)
    return moves(answer, [None] * 8, paddles)


@probe("00.2", "a ball in the first column")
def first_column(answer, rng):
    paddles = [*rng.integers(8, 152, 8), 3]
    return moves(answer, [0] * 9, paddles)


@probe("00.2", "distances with a fraction, a little more than 5 columns", extra=True)
def a_little_more(answer, rng):
    distances = np.array([5.25, 5.5, 5.75] * 3)
    paddles = rng.integers(10, 150, len(distances)) + rng.integers(0, 4, len(distances)) / 4
    return moves(answer, paddles + distances, paddles), moves(answer, paddles - distances, paddles)


@probe("00.2", "a paddle at the very edge of the screen", extra=True)
def at_the_edge(answer, rng):
    balls = [*rng.integers(10, 150, 4), 0, 4, 159, 155, None]
    return moves(answer, balls, [0] * 9), moves(answer, balls, [159] * 9)
