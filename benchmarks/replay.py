"""Replay memory: bytes a transition and time to sample, beside Stable-Baselines3's ReplayBuffer.

  python benchmarks/replay.py

Both buffers really hold --transitions of 84 x 84 x 4 observations, every byte written. The process's own growth is measured while they
are filled; 400,000 transitions are that growth in proportion, never allocated. Sampling takes turns, both with one torch thread. The last
rows count what comes after sampling too: float32 tensors of 0 to 1, channels first, on the CPU, as a network eats them.

Bars: at most 7,200 bytes a transition; 400,000 in less than 3 GB; sampling a batch of 32 no slower. Exit status 1 if one is missed.
"""

from __future__ import annotations

import gc
import sys

from common import Row, arguments, compare, report, take_turns

import numpy as np
import psutil
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from course_lib.replay import ReplayMemory

BATCH = 32
EPISODE = 250  # agent steps
MAX_BYTES = 7_200  # a transition
MAX_TOTAL = 3e9  # bytes, 400,000 transitions
OURS, THEIRS, THEIRS_LEAN = "course", "Stable-Baselines3", "Stable-Baselines3, optimize_memory_usage"


def fill_ours(transitions: int) -> ReplayMemory:
    memory = ReplayMemory(transitions)
    rng = np.random.default_rng(0)
    for step in range(transitions):
        frame = rng.integers(256, size=(1, 84, 84), dtype=np.uint8)
        memory.add(frame, np.array([1]), np.array([0.0]), np.array([False]), np.array([step % EPISODE == 0]))
    return memory


def fill_theirs(transitions: int, lean: bool) -> ReplayBuffer:
    observations, actions = spaces.Box(0, 255, (4, 84, 84), np.uint8), spaces.Discrete(3)
    settings = dict(optimize_memory_usage=True, handle_timeout_termination=False) if lean else {}
    buffer = ReplayBuffer(transitions, observations, actions, "cpu", **settings)
    rng = np.random.default_rng(0)
    observation = rng.integers(256, size=(1, 4, 84, 84), dtype=np.uint8)
    for step in range(transitions):
        following = np.roll(observation, -1, axis=1)
        following[:, -1] = rng.integers(256, size=(1, 84, 84), dtype=np.uint8)
        buffer.add(observation, following, np.array([1]), np.array([0.0]), np.array([step % EPISODE == 0]), [{}])
        observation = following
    return buffer


def growth(make, *arguments) -> tuple[object, int]:
    """What `make` returns, and by how many bytes the process grew meanwhile."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    made = make(*arguments)
    gc.collect()
    return made, psutil.Process().memory_info().rss - before


def stored(buffer: ReplayBuffer) -> int:
    """Bytes of a buffer's arrays."""
    return sum(value.nbytes for value in vars(buffer).values() if isinstance(value, np.ndarray))


def as_tensors(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [B, 4, 84, 84] -> float32, 0 to 1, in one piece."""
    return (pixels.float() / 255.0).contiguous()


def main() -> int:
    parser = arguments(__doc__, seconds=1.0, rounds=7)
    parser.add_argument("--transitions", type=int, default=10_000, help="held by each buffer (default: %(default)s)")
    options = parser.parse_args()
    n = options.transitions
    torch.set_num_threads(1)

    memory, our_growth = growth(fill_ours, n)
    default, default_growth = growth(fill_theirs, n, False)
    lean, lean_growth = growth(fill_theirs, n, True)
    rng = np.random.default_rng(0)

    def sample_ours() -> int:
        memory.sample(BATCH, rng)
        return 1

    def feed_ours() -> int:
        batch = memory.sample(BATCH, rng)
        for pixels in (batch.observations, batch.next_observations):
            as_tensors(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        return 1

    def sample_theirs(buffer) -> int:
        buffer.sample(BATCH)
        return 1

    def feed_theirs() -> int:
        batch = default.sample(BATCH)
        for pixels in (batch.observations, batch.next_observations):
            as_tensors(pixels)
        return 1

    contenders = {OURS: sample_ours, THEIRS: lambda: sample_theirs(default), THEIRS_LEAN: lambda: sample_theirs(lean)}
    samples = take_turns(contenders, options.seconds, options.rounds)
    feeds = take_turns({OURS: feed_ours, THEIRS: feed_theirs}, options.seconds, options.rounds)

    def size_row(what, ours, theirs, bar=None) -> Row:
        return Row(what, f"{ours:,.0f} bytes", f"{theirs:,.0f} bytes", theirs / ours, bar)

    def total_row(what, ours, theirs, bar=None) -> Row:
        ours, theirs = 400_000 / n * ours, 400_000 / n * theirs
        return Row(what, f"{ours / 1e9:.2f} GB", f"{theirs / 1e9:.2f} GB", theirs / ours, bar)

    rows = [
        size_row("a transition, by its arrays", memory.nbytes / n, stored(default) / n),
        size_row("  beside optimize_memory_usage", memory.nbytes / n, stored(lean) / n),
        size_row("  beside the bar", memory.nbytes / n, MAX_BYTES, 1.0),
        total_row("400,000, computed from the arrays", memory.nbytes, stored(default)),
        total_row(f"400,000, from the growth over {n:,}", our_growth, default_growth),
        total_row("  beside optimize_memory_usage", our_growth, lean_growth),
        total_row("  beside the bar", our_growth, MAX_TOTAL * n / 400_000, 1.0),
        compare(f"sample {BATCH}", samples, OURS, THEIRS, 1.0, "batches/s"),
        compare("  beside optimize_memory_usage", samples, OURS, THEIRS_LEAN, 1.0, "batches/s"),
        compare(f"sample {BATCH}, ready for a network", feeds, OURS, THEIRS, 1.0, "batches/s"),
    ]
    return report("Replay memory, course beside Stable-Baselines3", rows, "Ratios above 1: the course is smaller, or faster.")


if __name__ == "__main__":
    sys.exit(main())
