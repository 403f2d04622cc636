"""Replay memory: the past, sampled at random (Lin 1992; Mnih et al. 2015, Methods).

Each frame is stored once, 7,056 bytes, and observations are built on sampling; storing both stacks of a transition would take eight
times that. Several games write side by side, one column each:

    time slot t   | frame o_t | action a_t | reward r_t+1 | terminated | starts | age | mask
    time slot t+1 | frame o_t+1 ...                         (the next observation's newest frame)

A slot is a transition if the slot after it holds the next frame of the same episode. So the last frame of an episode is stored as a slot
too, and is never sampled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    """B transitions. Observations are channels last, newest frame last."""

    observations: np.ndarray  # uint8 [B, H, W, L]
    actions: np.ndarray  # int64 [B]
    rewards: np.ndarray  # float32 [B], clipped
    next_observations: np.ndarray  # uint8 [B, H, W, L]
    terminated: np.ndarray  # bool [B]: nothing follows (a lost life or the end of the game), so the target is the reward alone
    masks: np.ndarray  # bool [B, K]: which heads may learn from the transition; K = 0 for DQN


class ReplayMemory:
    """The last `capacity` slots of `num_envs` games, sampled uniformly."""

    def __init__(self, capacity: int, num_envs: int = 1, frame_shape=(84, 84), history: int = 4, num_heads: int = 0):
        self.length, self.num_envs, self.history, self.num_heads = capacity // num_envs, num_envs, history, num_heads
        if self.length <= history + 1:
            raise ValueError(f"{capacity} slots for {num_envs} games leave no room for a history of {history}")
        shape = (self.length, num_envs)
        self.frames = np.zeros((*shape, *frame_shape), np.uint8)
        self.actions = np.zeros(shape, np.uint8)
        self.rewards = np.zeros(shape, np.float32)
        self.terminated = np.zeros(shape, bool)
        self.starts = np.zeros(shape, bool)  # the frame is the first of an episode
        self.ages = np.zeros(shape, np.uint8)  # frames of the episode before this one, at most history - 1
        self.masks = np.zeros((*shape, num_heads), bool)
        self.head = 0  # the slot written next
        self.size = 0  # time slots filled

    def __len__(self) -> int:
        """Slots filled, all games together."""
        return self.size * self.num_envs

    @property
    def capacity(self) -> int:
        """Slots there are, all games together."""
        return self.length * self.num_envs

    @property
    def nbytes(self) -> int:
        """Bytes of memory the slots take."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything a checkpoint of the memory must hold, besides `head` and `size`."""
        names = ("frames", "actions", "rewards", "terminated", "starts", "ages", "masks")
        return {name: getattr(self, name) for name in names}

    def add(self, frames, actions, rewards, terminated, starts, masks=()) -> None:
        """Store one step of every game.

        frames: uint8 [E, H, W], the newest frame of the observation acted on; actions int [E]; rewards float [E] and terminated bool [E], what came
        of it; starts bool [E], true where that frame opens an episode; masks bool [E, K].
        """
        t, before = self.head, self.head - 1
        fresh = starts if self.size else True
        self.frames[t], self.actions[t], self.rewards[t] = frames, actions, rewards
        self.terminated[t], self.starts[t], self.masks[t] = terminated, fresh, masks
        self.ages[t] = np.where(fresh, 0, np.minimum(self.ages[before] + 1, self.history - 1))
        self.head = (t + 1) % self.length
        self.size = min(self.size + 1, self.length)

    def is_transition(self, times: np.ndarray, envs: np.ndarray) -> np.ndarray:
        """Which slots can be sampled: bool [...]. Their whole history is still there, and so is the frame that follows."""
        oldest = self.head - self.size
        position = (times - oldest) % self.length  # 0 for the oldest slot
        has_past = position >= self.ages[times, envs]
        has_next = (position < self.size - 1) & ~self.starts[(times + 1) % self.length, envs]
        return has_past & has_next

    def sample(self, batch_size: int, rng: np.random.Generator) -> Batch:
        """A batch drawn uniformly, with replacement, from all transitions. Raises ValueError while there are none."""
        times, envs = np.empty(0, int), np.empty(0, int)
        for _ in range(100):
            t = rng.integers(max(self.size, 1), size=batch_size)
            e = rng.integers(self.num_envs, size=batch_size)
            good = self.is_transition(t, e)
            times, envs = np.append(times, t[good])[:batch_size], np.append(envs, e[good])[:batch_size]
            if len(times) == batch_size:
                return self.build(times, envs)
        raise ValueError("the memory holds no transition to sample yet")

    def build(self, times: np.ndarray, envs: np.ndarray) -> Batch:
        """The transitions in the slots [B], [B]: an episode's first frame stands in for those before it."""
        back = np.arange(-self.history + 1, 2)  # [L + 1]: ..., -1, 0 and the next frame
        back = np.maximum(back, -self.ages[times, envs, None].astype(int))  # [B, L + 1]
        frames = self.frames[(times[:, None] + back) % self.length, envs[:, None]]  # [B, L + 1, H, W]
        frames = np.moveaxis(frames, 1, -1)  # [B, H, W, L + 1]
        return Batch(
            frames[..., :-1],
            self.actions[times, envs].astype(np.int64),
            self.rewards[times, envs],
            frames[..., 1:],
            self.terminated[times, envs],
            self.masks[times, envs],
        )
