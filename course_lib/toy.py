"""Small games that an agent learns in seconds, for lessons and tests. Each is a gymnasium environment."""

from __future__ import annotations

import gymnasium
import numpy as np


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


TOYS = {"catch": Catch}


class VectorToy:
    """Several toys side by side, speaking as `atari.VectorBreakout` does: toys have no lives and nothing to serve."""

    def __init__(self, name: str, num_envs: int):
        self.envs = gymnasium.vector.SyncVectorEnv([TOYS[name]] * num_envs)
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
