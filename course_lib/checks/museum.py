"""Checks of lesson 10, the bug museum: nine famous bugs, and for each a proof and a mend.

The court that tries proofs and mends is `court`; here stand the rooms: suspects, what a question may overlook, and known mistakes.
"""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from course_lib.checks.base import Mistake, exercise
from course_lib.checks.court import Suspect, ask, expect_array, expect_number, judge_proof, same
from course_lib.checks.dqn import as_array, close, reason_for

# --- room 1: a table of all pairs -----------------------------------------------------------------------------------------------------


def value_loss_right(returns, values):
    return float(np.mean((returns - values[:, 0]) ** 2))


def value_loss_book(returns, values):
    return np.mean((returns - values) ** 2)


def value_loss_table_averaged(returns, values):
    errors = np.mean(returns - values, axis=0)  # [N], and yet wrong
    return np.mean(errors**2)


def value_loss_outer(returns, values):
    return np.square(np.subtract.outer(values.ravel(), returns)).mean()


def value_loss_loop(returns, values):
    return sum((one - value.item()) ** 2 for one, value in zip(returns, values)) / len(returns)


def value_loss_columns(returns, values):
    column = returns.reshape(-1, 1) - values
    return np.float32((column.T @ column).item() / len(column))


VALUE_LOSSES = (
    Suspect("the book's loss", value_loss_book, True),
    Suspect("the one that averages its table over an axis before it squares", value_loss_table_averaged, True,
            "its shapes look right, so ask for the number: perfect values cost 0"),
    Suspect("the one that builds the table with `np.subtract.outer`", value_loss_outer, True),
    Suspect("a loop over the samples", value_loss_loop, False),
    Suspect("columns minus columns", value_loss_columns, False),
)  # fmt: skip


def blind_to_pairs(arguments: dict) -> str:
    returns, values = np.asarray(arguments["returns"]), np.asarray(arguments["values"])
    if returns.size == 1:
        return "with N = 1 the table of all pairs has one entry; ask with two samples or more"
    if values.ndim != 2:
        return "a network's value head gives [N, 1], and only there does the table arise"
    if np.ptp(returns) == 0:
        return "all returns are the same, so all pairs have the same error"
    return "all values are the same, so it does not matter whose return each meets" if np.ptp(values) == 0 else ""


def prove_value_loss_reference(suspect):
    returns = np.array([1.0, 2.0, 4.0])  # [N]
    assert close(suspect(returns, returns[:, None]), 0.0), "perfect values must cost nothing"
    assert close(suspect(returns, returns[:, None] + 2), 4.0), "each is off by 2"


@exercise(
    "10.1",
    part="proof",
    name="value_loss",
    reference=prove_value_loss_reference,
    why="Perfect predictions must cost nothing: the cheapest question that one can put to a loss.",
)
def prove_value_loss(answer):
    judge_proof(answer, VALUE_LOSSES, value_loss_right, blind_to_pairs)


@exercise(
    "10.1", part="mend", name="value_loss", reference=value_loss_right, why="One error for each sample, and none for a pair of strangers."
)
def value_loss(answer):
    returns, values = np.array([1.0, 2.0, 4.0]), np.array([[3.0], [1.0], [9.0]])
    errors = returns - values[:, 0]
    where = "for returns [1, 2, 4] and values [[3], [1], [9]] the loss"
    mistakes = [
        (value_loss_book(returns, values), "still the mean over all nine pairs"),
        (value_loss_table_averaged(returns, values), "each return meets the mean of all values; take the column out of values instead"),
        (np.mean((returns.mean() - values) ** 2), "each value meets the mean of all returns; take the column out of values instead"),
        (np.mean((returns - values[0]) ** 2), "every return meets the first value; [:, 0] is the column, [0] the first row"),
        (np.sum(errors**2), "that is the sum; take the mean"),
        (np.mean(errors) ** 2, "the errors cancel each other; square first, then take the mean"),
        (np.mean(np.abs(errors)), "square the errors"),
        (np.mean(errors**2) / 2, "half of it; the contract has no half"),
        (np.sqrt(np.mean(errors**2)), "no root is asked for"),
    ]
    expect_number(ask(answer, returns, values), 10.0, where, mistakes)
    expect_number(ask(answer, returns[:1] + 1, values[:1]), 1.0, "for one sample, return 2 and value [[3]], the loss")
    returns, values = np.random.default_rng(1).normal(size=(2, 32)).astype(np.float32)
    expect_number(ask(answer, returns, values[:, None]), value_loss_right(returns, values[:, None]), "for 32 random samples the loss")


# --- room 2: one state too early ------------------------------------------------------------------------------------------------------


def k_step_returns_right(rewards, values, terminated, discount):
    returns, following = np.zeros(len(rewards)), 0.0 if terminated else values[-1]
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + discount * following
    return returns


def k_step_returns_book(rewards, values, terminated, discount):
    returns, following = np.zeros(len(rewards)), 0.0 if terminated else values[-2]
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + discount * following
    return returns


def k_step_returns_forward_early(rewards, values, terminated, discount):
    acted = values[: len(rewards)]
    last = 0.0 if terminated else acted[-1]
    weights = discount ** np.arange(len(rewards) + 1)
    return np.array([weights[: len(rewards) - t + 1] @ np.append(rewards[t:], last) for t in range(len(rewards))])


def k_step_returns_first(rewards, values, terminated, discount):
    return k_step_returns_right(rewards, values[:1], terminated, discount)


def k_step_returns_forward(rewards, values, terminated, discount):
    last = values[len(rewards)] * (not terminated)
    weights = discount ** np.arange(len(rewards) + 1)
    return np.array([weights[: len(rewards) - t + 1] @ np.append(rewards[t:], last) for t in range(len(rewards))])


def k_step_returns_recursive(rewards, values, terminated, discount):
    if not len(rewards):
        return np.zeros(0)
    later = k_step_returns_recursive(rewards[1:], values[1:], terminated, discount)
    following = later[0] if len(later) else (0.0 if terminated else values[-1])
    return np.concatenate([[rewards[0] + discount * following], later])


RETURNS = (
    Suspect("the book's returns", k_step_returns_book, True),
    Suspect("the same slip in a sum that runs forwards", k_step_returns_forward_early, True),
    Suspect("the one that bootstraps from its first value", k_step_returns_first, True),
    Suspect("a sum that runs forwards", k_step_returns_forward, False, "may differ in the last digit, so compare with `np.allclose`"),
    Suspect("a recursion", k_step_returns_recursive, False),
)


def blind_to_the_seam(arguments: dict) -> str:
    if arguments["terminated"]:
        return "where the game is over nobody bootstraps; ask about a rollout that was cut off"
    if len(values := np.asarray(arguments["values"])) > 1 and values[-1] == values[-2]:
        return "the last two values are equal, so nobody can tell which one it took"
    return "with discount 0 nothing comes from later" if arguments["discount"] == 0 else ""


def prove_k_step_returns_reference(suspect):
    values = 0.9 ** np.arange(5.0, 1.0, -1.0)  # [T + 1], exactly right where only the exit pays
    assert np.allclose(suspect(np.zeros(3), values, False, 0.9), values[:-1]), "right values must be their own returns"


@exercise(
    "10.2",
    part="proof",
    name="k_step_returns",
    reference=prove_k_step_returns_reference,
    why="Values that are exactly right are their own returns: whoever changes them is wrong.",
)
def prove_k_step_returns(answer):
    judge_proof(answer, RETURNS, k_step_returns_right, blind_to_the_seam)


@exercise(
    "10.2",
    part="mend",
    name="k_step_returns",
    reference=k_step_returns_right,
    why="What follows the last step is the state after it, and now its news crosses the seam.",
)
def k_step_returns(answer):
    rewards, values = np.array([0.0, 1.0]), np.array([3.0, 7.0, 8.0])
    stays, ends = (ask(answer, rewards, values, terminated, 0.5) for terminated in (False, True))
    numbers = all(isinstance(got, np.ndarray) and got.dtype.kind == "f" for got in (stays, ends))
    turned = numbers and same(stays, [0.5, 1.0]) and same(ends, [2.5, 5.0])
    for terminated, got in ((False, stays), (True, ends)):
        right = k_step_returns_right(rewards, values, terminated, 0.5)
        where = f"for rewards [0, 1], values [3, 7, 8], terminated {terminated}, discount 0.5 the returns"
        mistakes = [
            (k_step_returns_book(rewards, values, terminated, 0.5), "still bootstraps from 7, the value of the last state acted in"),
            ([0.5, 1.0] if turned and not terminated else np.nan, "`terminated` is the wrong way round"),
            ([0.5, 1.0], "it never bootstraps; where the game goes on, 8 is what follows"),
            ([2.5, 5.0], "nothing follows the end of a game; bootstrap from 0 there"),
            ([2.25, 4.5], "nothing follows the end of a game; bootstrap from 0 there"),
            (k_step_returns_right(rewards, values[:1], False, 0.5), "bootstraps from the first value, not from that of the state after"),
            (rewards + 0.5 * values[1:], "looks one step ahead; all but the last go on with the return behind them"),
            (np.array([0.0, 1.0]) + (0.0 if terminated else 8.0), "later rewards and values must be discounted"),
            (rewards + 0.5 * (0.0 if terminated else 8.0), "each step looks at the last value; only the last step may"),
            ([4.5, 9.0], "the value of what follows must be discounted, too"),
            (right - values[:2], "those are advantages; subtract nothing"),
            (k_step_returns_right(rewards[::-1], values, terminated, 0.5)[::-1], "runs the wrong way; begin with the last step"),
            (right[::-1], "runs the wrong way; returns[0] belongs to the first step"),
        ]
        shapes = {(3,): "one return for each step; the state after has none", (): "one return for each step, not only the first"}
        expect_array(got, right, where, mistakes, shapes)
    rewards, values = np.random.default_rng(2).normal(size=(2, 21))
    right = k_step_returns_right(rewards[:20], values, False, 0.99)
    expect_array(ask(answer, rewards[:20], values, False, 0.99), right, "for a random rollout of 20 steps the returns")


# --- room 3: the frame that was cut up ------------------------------------------------------------------------------------------------


def restart_right(frame):
    return np.repeat(frame[0], 4, axis=2)


def restart_book(frame):
    return np.stack([frame] * 4, axis=2).reshape(84, 84, 4)


def restart_tile(frame):
    return np.tile(frame, (1, 1, 4, 1)).reshape(84, 84, 4)


def restart_reshape(frame):
    return np.stack([frame[0, :, :, 0]] * 4).reshape(84, 84, 4)


def restart_transposed(frame):
    return np.stack([frame[0, :, :, 0].T] * 4, axis=-1)


def restart_concatenate(frame):
    return np.concatenate([frame] * 4, axis=-1)[0]


def restart_repeat(frame):
    return np.repeat(frame, 4, axis=2).reshape(84, 84, 4)


def restart_moveaxis(frame):
    return np.moveaxis(np.stack([frame[0, ..., 0]] * 4), 0, -1)


RESTARTS = (
    Suspect("the book's history", restart_book, True),
    Suspect("the one that uses `np.tile`", restart_tile, True),
    Suspect("the one that stacks in front and then reshapes", restart_reshape, True),
    Suspect("the one that swaps rows and columns", restart_transposed, True,
            "light a pixel off the diagonal, and say where it must be seen"),
    Suspect("frames joined along the last axis", restart_concatenate, False),
    Suspect("each pixel repeated in its place and then reshaped", restart_repeat, False, "looks suspicious and is right"),
    Suspect("a stack with its axis moved", restart_moveaxis, False),
)  # fmt: skip


def blind_to_pixels(arguments: dict) -> str:
    frame = np.asarray(arguments["frame"])
    if np.ptp(frame) == 0:
        return "every pixel is the same, so none can be missed; light a single one"
    if frame.ndim == 4 and not np.ptp(frame, axis=2).any():
        return "each row is of one grey, and who moves pixels along their row is not seen; light a single one"
    return ""


def prove_restart_reference(suspect):
    frame = np.zeros((1, 84, 84, 1), np.uint8)
    frame[0, 10, 20, 0] = 255
    observation = suspect(frame)
    assert observation.shape == (84, 84, 4)
    assert (observation[10, 20] == 255).all() and (observation > 0).sum() == 4, "the lit pixel is not where it was"


@exercise(
    "10.3",
    part="proof",
    name="restart_history",
    reference=prove_restart_reference,
    why="One lit pixel tells where every pixel goes; a shape tells nothing.",
)
def prove_restart_history(answer):
    judge_proof(answer, RESTARTS, restart_right, blind_to_pixels)


@exercise(
    "10.3",
    part="mend",
    name="restart_history",
    reference=restart_right,
    why="An axis is moved or joined; a reshape only deals the pixels out anew.",
)
def restart_history(answer):
    frame = np.zeros((1, 84, 84, 1), np.uint8)
    frame[0, 10, 20, 0] = 255
    where = "the observation"
    shapes = {
        (1, 84, 84, 4): "the leading axis of 1 is still there",
        (4, 84, 84): "channels come last",
        (84, 4, 84): "channels come last",
        (84, 336, 1): "they stand side by side; join them along the last axis, the channels",
        (1, 84, 84, 1, 4): "np.stack makes a new axis; join along the one that is there",
    }
    got = as_array(ask(answer, frame), (84, 84, 4), "u", where, shapes)
    lit = np.argwhere(got)
    if got.dtype != np.uint8:
        raise Mistake(f"{where} must be uint8, as the frame is; yours is {got.dtype}")
    if lit.tolist() != [[10, 20, channel] for channel in range(4)]:
        pixels = list(dict.fromkeys(map(tuple, lit[:, :2].tolist())))
        places = ", ".join(f"({row}, {column})" for row, column in pixels) or "no pixel"
        if pixels == [(10, 20)]:
            reason = f", but only in channel {', '.join(map(str, lit[:, 2]))}"
        elif pixels == [(20, 10)]:
            reason = ": rows and columns are swapped"
        else:
            reason = ": a reshape deals the pixels out anew" if len(lit) == 4 else ""
        raise Mistake(f"a frame that is lit at (10, 20) only must be lit there in all four channels; yours is lit at {places}{reason}")
    frame = np.random.default_rng(3).integers(0, 256, (1, 84, 84, 1), np.uint8)
    got = answer(frame)
    if not np.array_equal(got, restart_right(frame)):
        raise Mistake("with a frame of random pixels the four channels are not all that frame")
    if np.shares_memory(got, frame):
        raise Mistake("the observation is a view of the frame: when the frame changes, so does the past; make a new array")


# --- room 4: a memory that keeps everything eight times -------------------------------------------------------------------------------

FRAME_BYTES = 84 * 84


def bytes_held(make_memory: Callable, frames: int) -> int:
    """Bytes that a memory of so many frames holds when it is full."""
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        memory = make_memory(frames)
        for t in range(frames):
            memory.add(rng.integers(0, 256, (84, 84), dtype=np.uint8), t == 0)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


class BothStacks:
    """The bug as it was found: the stack before and the stack after, whole."""

    def __init__(self, capacity):
        self.observations = np.zeros((capacity, 84, 84, 4), np.uint8)
        self.next_observations = np.zeros((capacity, 84, 84, 4), np.uint8)
        self.count = 0

    def add(self, frame, starts):
        stack = np.repeat(frame[..., None], 4, axis=2)
        if not starts:
            stack[..., :3] = self.observations[self.count - 1, ..., 1:]
            self.next_observations[self.count - 1] = stack
        self.observations[self.count] = stack
        self.count += 1

    def transition(self, t):
        return self.observations[t], self.next_observations[t]


class OneStack(BothStacks):
    def __init__(self, capacity):
        super().__init__(capacity)
        self.next_observations = self.observations[1:]  # the same numbers, seen one later

    def add(self, frame, starts):
        stack = np.repeat(frame[..., None], 4, axis=2)
        if not starts:
            stack[..., :3] = self.observations[self.count - 1, ..., 1:]
        self.observations[self.count] = stack
        self.count += 1


class FrameMemoryRight:
    """Each frame once; stacks are built on demand."""

    def __init__(self, capacity):
        self.frames = np.zeros((capacity, 84, 84), np.uint8)
        self.starts = np.zeros(capacity, bool)
        self.count = 0

    def add(self, frame, starts):
        self.frames[self.count], self.starts[self.count] = frame, starts
        self.count += 1

    def transition(self, t):
        first = np.flatnonzero(self.starts[: t + 1])[-1]
        five = self.frames[np.maximum(np.arange(t - 3, t + 2), first)]  # [5, 84, 84]
        five = np.moveaxis(five, 0, -1)  # [84, 84, 5]
        return five[..., :4], five[..., 1:]


class FramesTwice(FrameMemoryRight):
    """Keeps a frame as what was seen, and again as what was seen next, in rows of 96 bytes: clearly above two frames, for whatever else the
    process frees meanwhile is counted, too."""

    def __init__(self, capacity):
        super().__init__(capacity)
        self.next_frames = np.zeros((capacity, 84, 96), np.uint8)

    def add(self, frame, starts):
        super().add(frame, starts)
        self.next_frames[self.count - 2, :, :84] = frame


class FloatFrames(FrameMemoryRight):
    def __init__(self, capacity):
        super().__init__(capacity)
        self.frames = np.zeros((capacity, 84, 84), np.float32)


class RoomyFrames(FrameMemoryRight):
    """Keeps 300 spare slots, whatever the capacity."""

    def __init__(self, capacity):
        super().__init__(capacity + 300)


class ListedFrames(FrameMemoryRight):
    """Grows with each frame, and packs it."""

    def __init__(self, capacity):
        self.packed, self.opened = [], []

    def add(self, frame, starts):
        self.packed.append(zlib.compress(frame.tobytes(), level=1))
        self.opened.append(bool(starts))

    @property
    def starts(self):
        return np.array(self.opened)

    @property
    def frames(self):
        return np.array([np.frombuffer(zlib.decompress(one), np.uint8).reshape(84, 84) for one in self.packed])


MEMORIES = (
    Suspect("the memory of both stacks", BothStacks, True, "it holds 56,448 bytes a transition; fill two memories and compare"),
    Suspect("a memory that keeps one stack a transition", OneStack, True, "that is four frames for each new one; about one is enough"),
    Suspect("a memory that keeps each frame once, as floats", FloatFrames, True, "a float32 takes the room of four uint8"),
    Suspect("a memory that keeps each frame twice", FramesTwice, True,
            "that is two for each new one; divide the growth by the frames that were added, and draw the line at two"),
    Suspect("a memory that keeps each frame once", FrameMemoryRight, False, "holds 7,056 bytes a transition and a few for flags"),
    Suspect("a memory with 300 spare slots", RoomyFrames, False,
            "pays for them once, whatever its size: compare two sizes, so that fixed costs drop out"),
    Suspect("a list of packed frames", ListedFrames, False, "holds 7,100 bytes a transition, a few of them for the list"),
)  # fmt: skip


def prove_memory_reference(suspect):
    more = bytes_held(suspect, 60) - bytes_held(suspect, 30)
    assert more / 30 < 2 * FRAME_BYTES, "each transition brings one new frame"


@exercise(
    "10.4",
    part="proof",
    name="frame_memory",
    reference=prove_memory_reference,
    why="What a program holds is measured, not read off its comments.",
)
def prove_frame_memory(answer):
    judge_proof(answer, MEMORIES)


@exercise(
    "10.4",
    part="mend",
    name="frame_memory",
    reference=FrameMemoryRight,
    why="Eight times the past in the same memory; `course_lib.replay` does the same.",
)
def frame_memory(answer):
    memory, buffer = answer(10), np.zeros((84, 84), np.uint8)
    if missing := [name for name in ("add", "transition") if not hasattr(memory, name)]:
        raise Mistake(f"the answer is a class with the methods add and transition; yours has no {missing[0]}")
    for t in range(9):  # two games: frames 10 to 15, then 16 to 18; the emulator's buffer is used over and over
        buffer[:] = 10 + t
        memory.add(buffer, t in (0, 6))
    questions = {
        4: ([11, 12, 13, 14], [12, 13, 14, 15]),
        0: ([10, 10, 10, 10], [10, 10, 10, 11]),
        1: ([10, 10, 10, 11], [10, 10, 11, 12]),
        6: ([16, 16, 16, 16], [16, 16, 16, 17]),
        7: ([16, 16, 16, 17], [16, 16, 17, 18]),
    }
    for t, stacks in questions.items():
        got = memory.transition(t)
        if not isinstance(got, tuple | list | np.ndarray) or not getattr(got, "ndim", 1) or len(got) != 2:
            raise Mistake(f"transition({t}) must return two stacks, before and after; yours returns a {type(got).__name__}")
        for name, stack, right in zip(("observation", "next observation"), got, stacks, strict=True):
            one_later = stacks[1] if name == "observation" else ()
            where = f"after frames numbered 10 to 15 and, in the next game, 16 to 18, the {name} of transition({t})"
            judge_stack(stack, right, one_later, where)
    held = (bytes_held(answer, 60) - bytes_held(answer, 30)) / 30
    if held > 2 * FRAME_BYTES:
        raise Mistake(
            f"your memory still holds {held / FRAME_BYTES:.1f} frames for each new one; keep frames, and stack them in `transition`"
        )
    memory = answer(10)
    for t in range(5):
        memory.add(np.full((84, 84), t, np.uint8), t == 0)
    before, _ = memory.transition(2)
    before[...] = 99
    if (memory.transition(2)[0] == 99).any():
        raise Mistake("whoever writes into an observation writes into your memory: hand out a copy, not a view")


def judge_stack(stack: Any, right: list[int], one_later: Sequence[int], where: str) -> None:
    stack = as_array(stack, (84, 84, 4), "u", where, {(4, 84, 84): "channels come last"})
    got = stack[0, 0].tolist()
    if not (stack == stack[0, 0]).all() or got == right:
        if (stack == right).all():
            return
        raise Mistake(f"{where}: its pixels are mixed up; every frame here has one grey all over")
    reasons = [
        (right[::-1], "the newest frame comes last"),
        ([18] * 4, "you keep the emulator's buffer itself, which it overwrites; keep a copy"),
        ([value for value in right if value == right[-1]] * 4, "all four are the newest frame"),
        ([0] * 4, "nothing was kept there; does `add` count on?"),
        (one_later, "that is one frame later; the observation comes first, the next one second"),
        ([value - 1 for value in right], "that is one frame too early; the newest of them is frame t"),
    ]
    reason = reason_for(got, [(wrong, why) for wrong, why in reasons if len(wrong) == 4])
    if not reason and min(right) >= 16 > min(got):
        reason = ": a stack reaches into the game before; its first frame stands in for those that are missing"
    elif not reason and 0 in got:
        reason = ": an empty slot; the first frame of a game stands in for those that are missing"
    elif not reason and max(right) <= 15 < max(got):
        reason = ": a stack reaches into the game behind; look for the last start up to t"
    raise Mistake(f"{where} must hold frames {right}; yours holds {got}{reason}")


# --- room 5: left is right ------------------------------------------------------------------------------------------------------------


def paddle_shift(number: int) -> float:
    """How far the paddle moves when the emulator is sent this number four times: columns, to the right positive."""
    env = gymnasium.make("BreakoutDeterministic-v4")
    before, _ = env.reset(seed=0)
    for _ in range(4):
        after, *_ = env.step(int(number))
    env.close()
    first, last = (np.flatnonzero(screen[192, 8:152, 0] == 200).mean() for screen in (before, after))
    return float(last - first)


TABLES = (
    Suspect("the book's comment, {'right': 3, 'left': 2}", {"right": 3, "left": 2}, True,
            "sent 3, the paddle goes left; look in which direction it moves, not only that it moves"),
    Suspect("{'stay': 0, 'left': 2, 'right': 3}", {"stay": 0, "left": 2, "right": 3}, True, "the same swap in another order"),
    Suspect("{'right': 2, 'left': 2}", {"right": 2, "left": 2}, True, "its left moves right, so try both entries"),
    Suspect("{'right': 3, 'left': 3}", {"right": 3, "left": 3}, True, "its right moves left, so try both entries"),
    Suspect("{'right': 2, 'left': 0}", {"right": 2, "left": 0}, True, "its left stays; it must go left"),
    Suspect("{'right': 1, 'left': 3}", {"right": 1, "left": 3}, True, "its right stays; it must go right"),
    Suspect("{'right': 2, 'left': 3}", {"right": 2, "left": 3}, False,
            "sends the paddle where its names say (these are the emulator's numbers, not the agent's 0, 1, 2)"),
    Suspect("{'stay': 1, 'right': 2, 'left': 3}", {"stay": np.int64(1), "right": np.int64(2), "left": np.int64(3)}, False,
            "is the same table with one entry more, in NumPy's numbers"),
)  # fmt: skip


def prove_action_table_reference(suspect):
    assert paddle_shift(suspect["right"]) > 0 > paddle_shift(suspect["left"])


@exercise(
    "10.5",
    part="proof",
    name="action_table",
    reference=prove_action_table_reference,
    why="A comment cannot be run; the emulator can.",
)
def prove_action_table(answer):
    judge_proof(answer, TABLES)


def action_table_reference(numbers, paddle_shift):
    return {"right": max(numbers, key=paddle_shift), "left": min(numbers, key=paddle_shift)}


@exercise(
    "10.5",
    part="mend",
    name="action_table",
    reference=action_table_reference,
    why="Measured, it is right for games that nobody has commented, too.",
)
def action_table(answer):
    games = (
        {0: 0.0, 1: 0.0, 2: 31.0, 3: -27.5},
        {0: -12.0, 1: 0.0, 2: 0.0, 3: 9.0},
        {0: 0.0, 1: 1.0, 3: -20.0, 4: 20.0},
        {2: 20.0, 4: 7.5, 6: -30.0, 8: -9.0},
        {5: 24.0, 7: -24.0, 11: 0.0},
    )
    for shifts in games:
        got = ask(answer, list(shifts), measured(shifts))
        right = action_table_reference(list(shifts), shifts.get)
        if not isinstance(got, dict) or set(got) != {"right", "left"}:
            kind = f"a dictionary with {sorted(map(str, got))}" if isinstance(got, dict) else f"a {type(got).__name__}"
            raise Mistake(f'return a dictionary with "right" and "left"; yours is {kind}')
        got = {side: got[side].item() if isinstance(got[side], np.generic) else got[side] for side in right}
        if got != right:
            game = f"where the numbers move the paddle by {shifts}"
            raise Mistake(f"{game} the table must be {right}; yours is {got}{why_not(got, right, shifts)}")


def measured(shifts: dict[int, float]) -> Callable[[int], float]:
    """What `paddle_shift` is in a game with these shifts."""

    def paddle_shift(number):
        if isinstance(number, list | np.ndarray):
            raise Mistake("`paddle_shift` measures one number at a time; `key=paddle_shift` hands over the function itself")
        if number not in shifts:
            raise Mistake(f"your function asks about {number}, in a game whose numbers are {list(shifts)}; use `numbers`")
        return shifts[number]

    return paddle_shift


def why_not(got: dict[str, Any], right: dict[str, int], shifts: dict[int, float]) -> str:
    """Why this table is wrong, if it is one of the known ones; ready to end a sentence with."""
    numbers, sizes = list(shifts), {number: abs(shift) for number, shift in shifts.items()}
    known = (
        ({"right": right["left"], "left": right["right"]}, "left and right are swapped; columns grow to the right"),
        ({"right": 2, "left": 3}, "those are Breakout's own numbers; use what `paddle_shift` measures"),
        ({side: numbers.index(number) for side, number in right.items()}, "those are places in the list; return the numbers themselves"),
        ({side: shifts[number] for side, number in right.items()}, "that is how far the paddle moves; return the numbers that move it"),
        ({"right": max(numbers), "left": min(numbers)}, "those are the largest and the smallest number; compare their `paddle_shift`"),
        ({"right": max(sizes, key=sizes.get), "left": min(sizes, key=sizes.get)}, "the shift's size alone; its sign says left or right"),
    )
    for wrong, why in known:
        if got == wrong:
            return f": {why}"
    try:
        right_enough = shifts[got["right"]] > 0 > shifts[got["left"]]
    except (KeyError, TypeError):
        return ""
    return ": both move it as they should, but not farthest" if right_enough else ""


# --- room 6: the mask that cancels ----------------------------------------------------------------------------------------------------


def masked_mean_right(losses, mask):
    return float((losses[:, 0] * mask).sum() / mask.sum())


def masked_mean_review(losses, mask):
    return (losses * mask).sum() / mask.sum()


def masked_mean_weights(losses, mask):
    weights = mask / mask.sum()
    return float(np.sum(losses @ weights[None, :]))


def masked_mean_of_table(losses, mask):
    return np.mean(losses * mask) / np.mean(mask)


def masked_mean_loop(losses, mask):
    counted = [loss.item() for loss, bit in zip(losses, mask) if bit]
    return sum(counted) / len(counted)


def masked_mean_average(losses, mask):
    return np.average(losses.ravel(), weights=mask)


MASKED_MEANS = (
    Suspect("the code review's loss", masked_mean_review, True),
    Suspect("the one that turns the mask into weights first", masked_mean_weights, True),
    Suspect("the mean of the table over the mean of the mask", masked_mean_of_table, True),
    Suspect("a loop over the samples that count", masked_mean_loop, False),
    Suspect("NumPy's weighted average", masked_mean_average, False),
)


def blind_to_masks(arguments: dict) -> str:
    losses, mask = np.asarray(arguments["losses"]), np.asarray(arguments["mask"])
    if losses.size == 1:
        return "with one sample there is no table; ask with two or more"
    if mask.ndim != 1:
        return "the mask is [B], without a second axis"
    if not mask.any():
        return "at least one bit is 1, so the contract says: there is no mean of nothing"
    if mask.all():
        return "every sample counts, so there is nothing that a mask could hide; set one bit to 0"
    if np.ptp(losses) == 0:
        return "all losses are the same, and so is their mean, whoever counts"
    return "losses of shape [B] make no table; a network gives [B, 1]" if losses.ndim == 1 else ""


def prove_masked_mean_reference(suspect):
    mask, losses = np.array([1.0, 0.0, 1.0]), np.array([[1.0], [2.0], [3.0]])
    other = np.array([[1.0], [200.0], [3.0]])
    assert close(suspect(losses, mask), suspect(other, mask)), "a masked sample has a say"


@exercise(
    "10.6",
    part="proof",
    name="masked_mean",
    reference=prove_masked_mean_reference,
    why="Whoever is masked must not be heard, however loudly it shouts.",
)
def prove_masked_mean(answer):
    judge_proof(answer, MASKED_MEANS, masked_mean_right, blind_to_masks)


@exercise("10.6", part="mend", name="masked_mean", reference=masked_mean_right, why="The mask meets its own samples now, one to one.")
def masked_mean(answer):
    losses, mask = np.array([[2.0], [7.0], [3.0]]), np.array([1.0, 0.0, 1.0])
    mistakes = [
        (12.0, "that is the sum over all three: the mask still cancels"),
        (4.0, "that is the mean over all three, as if there were no mask"),
        (5 / 3, "divide by the number that count, 2, not by all 3"),
        (5.0, "that is the sum of those that count; divide it by their number"),
        (7.0, "the mask is the wrong way round: 1 means that the sample counts"),
        (8.0, "a table of shape (3, 3) is still there; divided by B it hides the mask, too"),
        (16 / 3, "as whole numbers, bits are places, 1, 0 and 1; choose with `mask == 1`"),
    ]
    where = "for losses [[2], [7], [3]] and mask [1, 0, 1] the masked mean"
    expect_number(ask(answer, losses, mask), 2.5, where, mistakes)
    expect_number(ask(answer, losses[:1], mask[:1]), 2.0, "for one loss of 2 that counts the masked mean")
    mistakes = [(4.0, "a loss of 0 counts, too; count the bits")]
    where = "for losses [[0], [5], [4]] and mask [1, 0, 1] the masked mean"
    expect_number(ask(answer, np.array([[0.0], [5.0], [4.0]]), mask), 2.0, where, mistakes)
    rng = np.random.default_rng(6)
    losses, mask = rng.random((16, 1)), rng.integers(0, 2, 16).astype(float)
    expect_number(ask(answer, losses, mask), masked_mean_right(losses, mask), "for 16 random losses the masked mean")


# --- room 7: the mean that came first -------------------------------------------------------------------------------------------------


def head_losses_right(errors, masks):
    counted = np.maximum(masks.sum(axis=0), 1)
    return (0.5 * errors**2 * masks).sum(axis=0) / counted


def head_losses_public(errors, masks):
    loss = (0.5 * errors**2).mean(axis=0)
    with np.errstate(invalid="ignore"):
        return (loss * masks / masks.sum(axis=0)).sum(axis=0)


def head_losses_guarded(errors, masks):
    loss = (0.5 * errors**2).mean(axis=0)
    return np.where(masks.any(axis=0), loss, 0.0)


def head_losses_weighted(errors, masks):
    weights = masks / np.maximum(masks.sum(axis=0), 1)
    return np.einsum("bk,k->k", weights, np.square(errors).mean(axis=0) / 2)


def head_losses_loop(errors, masks):
    losses = []
    for head in range(errors.shape[1]):
        counted = errors[masks[:, head] > 0, head]
        losses.append(0.5 * (counted @ counted) / len(counted) if len(counted) else 0.0)
    return np.array(losses)


def head_losses_where(errors, masks):
    kept = np.where(masks > 0, errors, 0.0)
    return np.einsum("bk,bk->k", kept, kept) / (2 * np.clip(masks.sum(axis=0), 1, None))


HEAD_LOSSES = (
    Suspect("the public repository's loss", head_losses_public, True),
    Suspect("the same with a guard for heads that nobody teaches", head_losses_guarded, True),
    Suspect("the same as a sum of products", head_losses_weighted, True),
    Suspect("a loop over the heads", head_losses_loop, False),
    Suspect("masked errors, squared", head_losses_where, False),
)


def blind_to_the_mean(arguments: dict) -> str:
    errors, masks = np.asarray(arguments["errors"]), np.asarray(arguments["masks"])
    if errors.shape[0] == 1:
        return "with one sample the mean of all is that sample; ask with two or more"
    if masks.ndim != 2:
        return "masks are [B, K], a bit for each error"
    if masks.all():
        return "every sample counts for every head; set one bit to 0"
    if not (masks.any(axis=0) & ~masks.all(axis=0)).any():
        return "no head has both, a sample that counts and one that does not"
    if (np.ptp(np.abs(errors), axis=0) == 0).all():
        return "all errors of a head are equally large, so its mean is the same with and without the masked ones"
    return ""


def prove_head_losses_reference(suspect):
    errors, masks = np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    nudged = errors + np.array([[0.0, 0.5], [0.5, 0.0]])  # only where the mask is 0
    assert np.array_equal(suspect(errors, masks), suspect(nudged, masks)), "a masked error has a gradient"


@exercise(
    "10.7",
    part="proof",
    name="head_losses",
    reference=prove_head_losses_reference,
    why="A gradient that is exactly zero is a promise that one can test.",
)
def prove_head_losses(answer):
    judge_proof(answer, HEAD_LOSSES, head_losses_right, blind_to_the_mean)


@exercise(
    "10.7",
    part="mend",
    name="head_losses",
    reference=head_losses_right,
    why="Mask first, reduce afterwards; and a head without a lesson learns nothing, not NaN.",
)
def head_losses(answer):
    errors, masks = np.array([[1.0, 2.0, 4.0], [3.0, 6.0, 8.0]]), np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    squares = 0.5 * errors**2
    where = "for errors [[1, 2, 4], [3, 6, 8]] and masks [[1, 1, 0], [0, 1, 0]] the heads' losses"
    shapes = {
        (): "keep one loss for each head",
        (2,): "one loss for each sample; sum over the batch, axis 0",
        (2, 3): "sum over the batch, axis 0",
        (1, 3): "the batch's axis is still there, with one entry",
    }
    got = as_array(ask(answer, errors, masks), (3,), "f", where, shapes)
    if np.isnan(got[2]):
        raise Mistake(f"{where} must be [0.5, 10.0, 0.0]; your third is NaN: no sample counts for that head, and 0 was divided by 0")
    mistakes = [
        (head_losses_guarded(errors, masks), "still the mean over all samples: reduced before it was masked"),
        (squares.mean(axis=0), "the mask cancels: reduced before it was masked"),
        ((squares * masks).mean(axis=0), "divide by the number that count for the head, not by the whole batch"),
        ((squares * masks).sum(axis=0), "that is a sum; divide by the number that count"),
        (2 * head_losses_right(errors, masks), "half the square, please"),
        ((squares * masks).sum(axis=0) / masks.sum(), "each head has a count of its own; sum the masks over axis 0 only"),
        ((squares * masks).sum(axis=0) / (masks.sum(axis=0) + 1), "the 1 is for heads without a sample only: np.maximum, not +"),
        (0.5 * ((errors * masks).sum(axis=0) / [1, 2, 1]) ** 2, "square each error first, then take the mean"),
        (0.5 * (errors * masks).sum(axis=0) ** 2 / [1, 2, 1], "square each error first, then sum"),
        ((np.abs(errors) * masks).sum(axis=0) / [1, 2, 1], "half the square, please"),
        ([0.5, 10.0, 20.0], "no sample counts for the third head, so its loss is 0"),
        (head_losses_right(errors, 1 - masks), "the masks are the wrong way round: 1 means that the sample counts"),
    ]
    expect_array(got, np.array([0.5, 10.0, 0.0]), where, mistakes)
    rng = np.random.default_rng(7)
    errors, masks = rng.normal(size=(16, 5)), rng.integers(0, 2, (16, 5)).astype(float)
    errors[:2], masks[:2] = 0.0, 1.0
    counted = (0.5 * errors**2 * masks).sum(axis=0) / np.count_nonzero(errors * masks, axis=0)
    mistakes = [(counted, "an error of 0 counts, too; count the bits")]
    where = "for random errors [16, 5], the first two rows all 0, the heads' losses"
    expect_array(ask(answer, errors, masks), head_losses_right(errors, masks), where, mistakes)


# --- room 8: the target that runs along -----------------------------------------------------------------------------------------------


def td_targets_right(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * next_target.max(axis=1)


def td_targets_review(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * next_online.max(axis=1)


def td_targets_mixture(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * (0.5 * (next_online + next_target)).max(axis=1)


def td_targets_larger(rewards, terminated, next_online, next_target, discount):
    best = np.maximum(next_online, next_target).max(axis=1)
    return np.where(terminated, rewards, rewards + discount * best)


def td_targets_deaf(rewards, terminated, next_online, next_target, discount):
    return rewards + 0.0


def td_targets_loop(rewards, terminated, next_online, next_target, discount):
    ends = zip(rewards, terminated, next_target)
    return np.array([reward if over else reward + discount * max(row) for reward, over, row in ends])


def td_targets_sorted(rewards, terminated, next_online, next_target, discount):
    return np.where(terminated, rewards, rewards + discount * np.sort(next_target)[:, -1])


TARGETS = (
    Suspect("the code review's targets", td_targets_review, True),
    Suspect("the mean of both networks", td_targets_mixture, True),
    Suspect("the larger of both networks", td_targets_larger, True, "it follows the online network upwards only"),
    Suspect("one that follows neither network", td_targets_deaf, True, "change the target network's values as well: the targets must move"),
    Suspect("a loop over the transitions", td_targets_loop, False),
    Suspect("the last of the sorted values", td_targets_sorted, False),
)


def blind_to_networks(arguments: dict) -> str:
    if np.asarray(arguments["terminated"]).all():
        return "all its games are over, so no network is asked; let one go on"
    if np.array_equal(arguments["next_online"], arguments["next_target"]):
        return "both networks say the same, so it does not matter which is asked"
    return "with discount 0 no network is asked" if arguments["discount"] == 0 else ""


def prove_td_targets_reference(suspect):
    rewards, going_on = np.array([1.0]), np.array([False])
    low, high = np.array([[2.0, 4.0]]), np.array([[20.0, 40.0]])  # [B, A]
    targets = [suspect(rewards, going_on, online, low, 0.5) for online in (low, high)]
    assert np.array_equal(*targets), "the targets follow the online network"
    assert not np.array_equal(targets[0], suspect(rewards, going_on, low, high, 0.5)), "the targets do not follow the target network"


@exercise(
    "10.8",
    part="proof",
    name="td_targets",
    reference=prove_td_targets_reference,
    why="Move one input at a time, and see what moves with it.",
)
def prove_td_targets(answer):
    judge_proof(answer, TARGETS, td_targets_right, blind_to_networks)


@exercise(
    "10.8",
    part="mend",
    name="td_targets",
    reference=td_targets_right,
    why="Between two copies the targets stand still, and one can aim at them.",
)
def td_targets(answer):
    rewards, terminated = np.array([1.0, 2.0, 4.0]), np.array([False, True, False])
    online, target = np.array([[[8.0, 2.0, 7.0], [0.0, 6.0, 1.0], [1.0, 3.0, 2.0]], [[3.0, 1.0, 6.0], [2.0, 9.0, 4.0], [5.0, 0.0, 2.0]]])
    rows, best = np.arange(3), target.max(axis=1)
    where = (
        "for rewards [1, 2, 4], the second terminated, online values [[8, 2, 7], [0, 6, 1], [1, 3, 2]], target values "
        "[[3, 1, 6], [2, 9, 4], [5, 0, 2]] and discount 0.5 the targets"
    )

    def wrong(following, reward=rewards):
        return reward + 0.5 * ~terminated * following

    mistakes = [
        (wrong(online.max(axis=1)), "still bootstraps from the online network"),
        (wrong(np.maximum(online, target).max(axis=1)), "that is the larger of both networks; the online network has no say here"),
        (wrong(np.minimum(online, target).max(axis=1)), "that is the smaller of both networks; the online network has no say here"),
        (
            wrong(target[rows, online.argmax(axis=1)]),
            "the online network still chooses the action: that is Double DQN; here the target network does both",
        ),
        (wrong(online[rows, target.argmax(axis=1)]), "the target network only chooses here; take its values, too"),
        (rewards + 0.5 * best, "nothing follows where a game is over: the reward alone"),
        (rewards + 0.5 * terminated * best, "`terminated` is the wrong way round"),
        (wrong(target.mean(axis=1)), "the best action counts: the maximum, not the mean"),
        (wrong(target.min(axis=1)), "the best action counts: the maximum, not the minimum"),
        (wrong(target.sum(axis=1)), "the best action counts: the maximum, not the sum"),
        (wrong(target.argmax(axis=1)), "argmax is the place of the best value; take the value, max"),
        (wrong(target.max(axis=0)), "that is the maximum over the batch, axis 0; the actions lie along axis 1"),
        (wrong(target.max()), "that is one maximum for the whole batch; each transition has its own, along axis 1"),
        (wrong(best[0]), "all get the first transition's maximum (NumPy's `max` gives values only, and no indices as torch's does)"),
        (wrong(best, 0.0), "the reward is missing"),
        ((rewards + 0.5 * best) * ~terminated, "where a game is over nothing follows, but its reward counts"),
        (0.5 * (rewards + ~terminated * best), "the reward itself is not discounted"),
        (rewards + 0.5 * ~terminated.astype(int) * best, "`~` turns bools only: ~1 is -2"),
        (rewards + ~terminated * best, "discount the value of what follows, and leave it away where a game is over"),
        (rewards + best, "discount the value of what follows, and leave it away where a game is over"),
    ]
    shapes = {
        (): "one target for each transition: the maximum over axis 1",
        (2,): "one target for each transition, also where the game is over",
        (3, 3): "a table again, as in room 1; the best values must be [B] too",
    }
    got = ask(answer, rewards, terminated, online, target, 0.5)
    expect_array(got, np.array([4.0, 2.0, 6.5]), where, mistakes, shapes)
    rng = np.random.default_rng(8)
    arguments = rng.normal(size=8), rng.random(8) < 0.3, rng.normal(size=(8, 3)), rng.normal(size=(8, 3)), 0.99
    expect_array(ask(answer, *arguments), td_targets_right(*arguments), "for 8 random transitions the targets")


# --- room 9: two libraries and one name -----------------------------------------------------------------------------------------------


def huber_right(errors, delta):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


def huber_smooth_l1(errors, delta):
    import torch

    given = torch.as_tensor(np.asarray(errors, np.float32))
    return torch.nn.functional.smooth_l1_loss(given, torch.zeros_like(given), beta=delta, reduction="none").numpy()


def huber_keras(errors, delta):
    import keras

    errors = np.asarray(errors, np.float32)
    return np.asarray(keras.losses.Huber(delta=delta, reduction="none")(np.zeros_like(errors), errors))


def huber_parabola(errors, delta):
    return 0.5 * np.square(errors)


def huber_smooth_by_hand(errors, delta):
    size = np.abs(errors)
    return np.where(size < delta, 0.5 * size**2 / delta, size - 0.5 * delta)


def huber_mean_spread(errors, delta):
    losses = huber_right(errors, delta)
    return np.broadcast_to(losses.mean(axis=-1, keepdims=True), losses.shape)


def huber_torch(errors, delta):
    import torch

    given = torch.as_tensor(np.asarray(errors, np.float32))
    return torch.nn.functional.huber_loss(given, torch.zeros_like(given), delta=delta, reduction="none").numpy()


def huber_keras_column(errors, delta):
    import keras

    errors = np.asarray(errors, np.float32)[..., None]
    return np.asarray(keras.losses.Huber(delta=delta, reduction="none")(np.zeros_like(errors), errors))


def huber_loop(errors, delta):
    losses = np.zeros(np.shape(errors))
    for place, error in np.ndenumerate(errors):
        inside = min(abs(float(error)), delta)
        losses[place] = inside * (abs(float(error)) - 0.5 * inside)
    return losses


HUBERS = (
    Suspect("torch's smooth L1", huber_smooth_l1, True),
    Suspect("Keras's Huber without reduction", huber_keras, True),
    Suspect("smooth L1 by hand", huber_smooth_by_hand, True),
    Suspect("the mean of the last axis, spread out again", huber_mean_spread, True, "its shape is right, so ask for the numbers"),
    Suspect("half the square, whatever delta is", huber_parabola, True, "ask with an error beyond delta as well"),
    Suspect("torch's Huber loss", huber_torch, False),
    Suspect("Keras's Huber with an axis more", huber_keras_column, False),
    Suspect("a loop over the errors", huber_loop, False),
)


def blind_to_libraries(arguments: dict) -> str:
    errors = np.asarray(arguments["errors"])
    if arguments["delta"] == 1:
        return "at delta 1 smooth L1 and Huber are the same; ask with another"
    if (np.abs(errors) <= arguments["delta"]).all() and np.ptp(errors):
        return "no error lies beyond delta, so nobody has to leave the parabola; ask with a larger one as well"
    return "with one error a row, or all alike, their mean is each of them" if not np.any(np.ptp(errors, axis=-1)) else ""


def prove_huber_reference(suspect):
    losses = suspect(np.array([[1.0, 3.0]], np.float32), 2.0)
    assert np.shape(losses) == (1, 2), "one loss for each error"
    assert np.allclose(losses, [[0.5, 4.0]]), "the parabola is half the square, and the line's slope is delta"


@exercise("10.9", part="proof", name="huber", reference=prove_huber_reference, why="A shape and one number: two asserts for two libraries.")
def prove_huber(answer):
    judge_proof(answer, HUBERS, huber_right, blind_to_libraries)


@exercise("10.9", part="mend", name="huber", reference=huber_right, why="One loss for each error: now a mask has something to bite on.")
def huber(answer):
    errors = np.array([[1.0, -3.0, 0.0], [0.5, 2.0, 10.0]], np.float32)
    shapes = {
        (2,): "the last axis was averaged, and a mask dies there silently",
        (): "all errors were averaged; reduce nothing",
        (2, 3, 1): "the axis that you added is still there; take it off again",
    }
    for delta in (2.0, 0.5, 1.0):
        right = huber_right(errors, delta)
        inside, line = np.abs(errors) <= delta, delta * (np.abs(errors) - 0.5 * delta)
        where = f"for errors [[1, -3, 0], [0.5, 2, 10]] and delta {delta} the losses"
        mistakes = [
            (right / delta, "that is smooth L1, Huber's loss divided by delta"),
            (huber_mean_spread(errors, delta), "each row holds its own mean; reduce nothing"),
            (huber_right(errors, 1.0), "delta is ignored"),
            (0.5 * errors**2, "that is the parabola everywhere"),
            (2 * right, "twice too much: half the square"),
            (np.clip(errors, -delta, delta), "that is the gradient; the loss is asked for"),
            (np.where(errors <= delta, 0.5 * errors**2, right), "an error of -3 is a large one; compare its size, `np.abs`, with delta"),
            (np.where(inside, line, 0.5 * errors**2), "parabola and line have changed places"),
            (line, "that is the line everywhere; within delta it is half the square"),
        ]
        got = ask(answer, errors, delta)
        if isinstance(got, np.ndarray) and got.shape == (2, 3) and got.dtype.kind == "f" and close(got[inside], right[inside]):
            mistakes.append((got, "the parabola is right, the line is not: delta * (size - 0.5 * delta), which meets it at delta"))
        expect_array(got, right, where, mistakes, shapes)
    expect_array(ask(answer, errors[0], 2.0), huber_right(errors[0], 2.0), "for the errors [1, -3, 0] alone the losses", (), shapes)
