"""Small games that an agent learns in seconds, for lessons and tests. Each is a gymnasium environment."""

from __future__ import annotations

from functools import partial

import gymnasium
import numpy as np

from course_lib.errors import CourseError


class Catch(gymnasium.Env):
    """A ball falls from the top row; the paddle on the bottom row should be under it (Osband et al. 2020, bsuite).

    Observation: uint8 [10, 5, 1], 255 where the ball and the paddle are. Action: 0 left, 1 stay, 2 right. Reward: 0 while the ball falls,
    +1 (caught) or -1 (missed) on the last of the 9 steps.
    """

    ROWS, COLUMNS = 10, 5
    metadata = {"render_modes": []}

    def __init__(self):
        self.observation_space = gymnasium.spaces.Box(0, 255, (self.ROWS, self.COLUMNS, 1), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.ball_row, self.ball_column = 0, int(self.np_random.integers(self.COLUMNS))
        self.paddle = self.COLUMNS // 2
        return self._observation(), {}

    def step(self, action: int):
        self.paddle = int(np.clip(self.paddle + action - 1, 0, self.COLUMNS - 1))
        self.ball_row += 1
        terminated = self.ball_row == self.ROWS - 1
        reward = (1.0 if self.ball_column == self.paddle else -1.0) if terminated else 0.0
        return self._observation(), reward, terminated, False, {}

    def _observation(self) -> np.ndarray:
        board = np.zeros((self.ROWS, self.COLUMNS, 1), np.uint8)
        board[self.ball_row, self.ball_column] = 255
        board[-1, self.paddle] = 255
        return board


class Chain(gymnasium.Env):
    """N states in a row and two ends: a small reward one step to the left, a large one far to the right (Osband et al. 2016, section 5).

    A game starts in state 2 of N, lasts N + 9 steps whatever happens, and terminates. Action: 0 left, 1 right. Reward: 0.001 for going left in
    state 1, 1 for going right in state N, which both stay where they are. Observation: the paper's thermometer, uint8 [1, N, 1], 255 in
    place x if x <= state. With `cut_off` the game's length is a limit of time from outside: it truncates.
    """

    SMALL, LARGE = 0.001, 1.0
    metadata = {"render_modes": []}

    def __init__(self, size: int = 20, cut_off: bool = False):
        self.size, self.length, self.cut_off = size, size + 9, bool(cut_off)
        self.observation_space = gymnasium.spaces.Box(0, 255, (1, size, 1), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.time = 2, 0
        return self._observation(), {}

    def step(self, action: int):
        self.state, reward = self.move(self.state, action)
        self.time += 1
        over = self.time == self.length
        return self._observation(), reward, over and not self.cut_off, over and self.cut_off, {}

    def move(self, state: int, action: int) -> tuple[int, float]:
        """The rules: (state, 1 to N; action) -> (next state, reward)."""
        if action == 0:
            return max(state - 1, 1), self.SMALL if state == 1 else 0.0
        return min(state + 1, self.size), self.LARGE if state == self.size else 0.0

    def optimum(self) -> float:
        """The highest return of a game, by working backwards from its end."""
        best = dict.fromkeys(range(1, self.size + 1), 0.0)  # state -> what the steps that remain are worth
        for _ in range(self.length):
            outcomes = {state: [self.move(state, action) for action in (0, 1)] for state in best}
            best = {state: max(reward + best[after] for after, reward in moves) for state, moves in outcomes.items()}
        return best[2]

    def _observation(self) -> np.ndarray:
        return np.where(np.arange(1, self.size + 1) <= self.state, 255, 0).astype(np.uint8)[None, :, None]


class DeepSea(gymnasium.Env):
    """A diver sinks one row a step and moves a column aside; treasure lies in the bottom corner to the right (Osband et al. 2020, bsuite).

    Observation: uint8 [N, N, 1], 255 where the diver is. Action: 0 or 1; which of them means right differs from square to square, by a map
    drawn from `map_seed`. Reward: each move right costs 0.01 / N; the treasure is worth 1. A game lasts N steps, and only one way of all
    2^N wins: right at every step.
    """

    MOVE_COST, TREASURE = 0.01, 1.0
    metadata = {"render_modes": []}

    def __init__(self, size: int = 10, map_seed: int = 0):
        self.size = size
        self.right = np.random.default_rng(map_seed).integers(2, size=(size, size))  # [row, column]: the action that moves right
        self.observation_space = gymnasium.spaces.Box(0, 255, (size, size, 1), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.row = self.column = 0
        return self._observation(), {}

    def step(self, action: int):
        moves_right = action == self.right[self.row, self.column]
        self.row, self.column, reward = self.move(self.row, self.column, moves_right)
        return self._observation(), reward, self.row == self.size, False, {}

    def move(self, row: int, column: int, moves_right: bool) -> tuple[int, int, float]:
        """The rules: (row, column, does it go right) -> (next row, next column, reward)."""
        if not moves_right:
            return row + 1, max(column - 1, 0), 0.0
        wins = row == column == self.size - 1
        return row + 1, min(column + 1, self.size - 1), (self.TREASURE if wins else 0.0) - self.MOVE_COST / self.size

    def optimum(self) -> float:
        """The highest return of a game, by working backwards from the bottom."""
        best = np.zeros(self.size)  # [column]: what the rows that remain are worth
        for row in reversed(range(self.size)):
            outcomes = [[self.move(row, column, right) for right in (False, True)] for column in range(self.size)]
            best = np.array([max(reward + best[after] for _, after, reward in moves) for moves in outcomes])
        return float(best[0])

    def _observation(self) -> np.ndarray:
        sea = np.zeros((self.size, self.size, 1), np.uint8)
        if self.row < self.size:  # below the last row there is nothing to see
            sea[self.row, self.column] = 255
        return sea


TOYS = {"catch": Catch, "chain": Chain, "deep_sea": DeepSea}
TOY_NAMES = "catch, chain-N, deep_sea-N and deep_sea-N-MAP, N from 3 to 200"


def make_toy(game: str) -> gymnasium.Env:
    """A toy by its name in a configuration: "catch"; "chain-50" (50 states), "chain-50-1" (cut off); "deep_sea-14", "deep_sea-14-2" (action map 2)."""
    name, *numbers = game.split("-")
    if game == "catch":
        return Catch()
    if name in ("chain", "deep_sea") and 1 <= len(numbers) <= 2 and all(map(str.isdecimal, numbers)) and 3 <= int(numbers[0]) <= 200:
        if name == "deep_sea" or numbers[1:] in ([], ["1"]):
            return TOYS[name](*map(int, numbers))
    raise CourseError(f'There is no toy "{game}"; there are {TOY_NAMES}.')


def is_toy(game: str) -> bool:
    """Does a configuration's game name a toy (and not Breakout)?"""
    return game.split("-")[0] in TOYS


class VectorToy:
    """Several toys side by side, speaking as `atari.VectorBreakout` does: toys have no lives and nothing to serve."""

    def __init__(self, name: str, num_envs: int):
        self.envs = gymnasium.vector.SyncVectorEnv([partial(make_toy, name)] * num_envs)
        self.num_envs = num_envs
        self.num_actions = int(self.envs.single_action_space.n)
        self.observation_shape = self.envs.single_observation_space.shape

    def reset(self, seed: int | None = None):
        observations, _ = self.envs.reset(seed=seed)
        self.over = np.zeros(self.num_envs, bool)
        return observations.copy(), {"life_lost": self.over, "reset": ~self.over}

    def send(self, actions: np.ndarray) -> None:
        self.actions = np.asarray(actions)

    def recv(self):
        observations, rewards, terminated, truncated, _ = self.envs.step(self.actions)
        reset, self.over = self.over, terminated | truncated
        info = {"life_lost": np.zeros(self.num_envs, bool), "reset": reset, "actions": self.actions}
        return observations.copy(), rewards.astype(np.float32), terminated, truncated, info

    def step(self, actions: np.ndarray):
        self.send(actions)
        return self.recv()

    def close(self) -> None:
        self.envs.close()
