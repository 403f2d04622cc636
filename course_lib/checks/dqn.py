"""Checks of lesson 04, DQN (Mnih et al. 2015). Each looks for its known mistakes on the smallest input that tells them apart."""

from __future__ import annotations

import copy
import random
import traceback
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from course_lib import exploration, returns
from course_lib.checks.base import Mistake, exercise
from course_lib.checks.huber import whole_arrays


class Batch(NamedTuple):
    """B transitions as lesson 04 keeps them: unlike `replay.Batch` they hold `truncated`, which turns out to be of no use."""

    observations: np.ndarray  # uint8 [B, H, W, L]
    actions: np.ndarray  # int64 [B]
    rewards: np.ndarray  # float32 [B]
    next_observations: np.ndarray  # uint8 [B, H, W, L]
    terminated: np.ndarray  # bool [B]
    truncated: np.ndarray  # bool [B]


def shown(value: Any) -> str:
    """A number, or an array of them, as a sentence shows it: rounded, and the same on every machine."""
    return str((np.round(np.asarray(value, float), 3) + 0.0).tolist())  # + 0.0: no minus before a zero


def close(got: Any, right: Any) -> bool:
    return bool(np.allclose(got, right, rtol=1e-4, atol=1e-5))


def reason_for(got: Any, mistakes: Iterable[tuple[Any, str]]) -> str:
    """Why a value is wrong, if it is one of the (known wrong value, reason) pairs; ready to end a sentence with."""
    return next((f": {reason}" for wrong, reason in mistakes if close(got, wrong)), "")


def as_number(value: Any, call: str) -> float:
    """A returned number as a float; raises the mistakes that have nothing to do with its value."""
    if value is None:
        raise Mistake(f"{call} returns nothing: it must end with `return`")
    if getattr(value, "ndim", 0):
        raise Mistake(f"{call} must be one number; yours is an array of shape {tuple(value.shape)}")
    try:
        if isinstance(value, str):
            raise TypeError
        return float(value)
    except (TypeError, ValueError) as error:
        raise Mistake(f"{call} must be one number; yours is a {type(value).__name__}") from error


def as_array(value: Any, shape: tuple[int, ...], kinds: str, what: str, reasons: dict[tuple[int, ...], str] | None = None) -> np.ndarray:
    """A returned array, of this shape and of a dtype whose kind is one of `kinds`; `reasons` explains known wrong shapes."""
    if value is None:
        raise Mistake(f"{what}: your function returns nothing; it must end with `return`")
    if not isinstance(value, np.ndarray | np.generic):
        raise Mistake(f"{what} must be a NumPy array of shape {shape}; yours is a {type(value).__name__}")
    if value.shape != shape:
        reason = (reasons or {}).get(value.shape)
        raise Mistake(f"{what} must have shape {shape}; yours has {value.shape}" + (f": {reason}" if reason else ""))
    if value.dtype.kind not in kinds:
        wanted = {"iu": "whole numbers", "f": "floats", "b": "bool", "u": "uint8"}[kinds]
        raise Mistake(f"{what} must be {wanted}; yours are of {value.dtype}")
    return value


# --- 04.1: the schedule of epsilon ----------------------------------------------------------------------------------------------------


class Moment(NamedTuple):
    """One question to a schedule, and what known wrong answers to it betray."""

    step: int
    learning_starts: int
    mistakes: list[tuple[float, str]]


MOMENTS = (
    Moment(0, 0, [(0.1, "the line runs the wrong way; it begins at `start` and ends at `end`")]),
    Moment(
        50,
        0,
        [
            (1.0, "`//` throws the fraction away, so nothing falls before the last step; divide with `/`"),
            (0.5, "your line falls to 0; it must end at `end`"),
            (0.1, "epsilon is there at once; it must fall little by little over `decay_steps`"),
        ],
    ),
    Moment(25, 0, [(1.0 * 0.1**0.25, "that is a curve; each step must take away the same amount")]),
    Moment(100, 0, [(0.0, "your line falls to 0; it must end at `end`")]),
    Moment(200, 0, [(-0.8, "the line goes on falling below `end`; hold it there"), (0.0, "a probability of 0 is not `end`")]),
    Moment(
        20,
        40,
        [
            (0.82, "it counts from before learning starts; until then nothing is known that would be worth trusting"),
            (1.18, "that is no probability; hold epsilon at `start` until learning starts"),
        ],
    ),
    Moment(
        90,
        40,
        [
            (0.19, "it counts from before learning starts; the line begins at step `learning_starts`"),
            (1 - 0.9 * 50 / 140, "the line takes `decay_steps` from where it begins, not `decay_steps` + `learning_starts`"),
            (0.25, "the line takes `decay_steps` from where it begins, not `decay_steps` - `learning_starts`"),
        ],
    ),
)


@exercise("04.1", reference=exploration.linear_epsilon, why="Curious while it knows nothing, and never quite sure of itself afterwards.")
def linear_epsilon(answer):
    for step, learning_starts, mistakes in MOMENTS:
        call = f"linear_epsilon({step}, 1.0, 0.1, 100, {learning_starts})"
        got, right = as_number(answer(step, 1.0, 0.1, 100, learning_starts), call), exploration.linear_epsilon(step, 1.0, 0.1, 100, learning_starts)
        if not close(got, right):
            raise Mistake(f"{call} must be {shown(right)}; yours is {shown(got)}{reason_for(got, mistakes)}")
    got = as_number(answer(30, 0.5, 0.3, 40, 10), "linear_epsilon(30, 0.5, 0.3, 40, 10)")
    if not close(got, 0.4):
        raise Mistake(f"linear_epsilon(30, 0.5, 0.3, 40, 10) must be 0.4; yours is {shown(got)}: use the numbers that are given to you")
    got = as_number(answer(1, 1.0, 0.1, 10_000, 0), "linear_epsilon(1, 1.0, 0.1, 10000, 0)")
    if abs(got - 0.99991) > 1e-6:
        raise Mistake(
            f"linear_epsilon(1, 1.0, 0.1, 10000, 0) must be 0.99991; yours is {got:.5f}: a step on a long line is tiny; do not round"
        )


# --- 04.2: epsilon-greedy -------------------------------------------------------------------------------------------------------------


class Choices:
    """Asks an epsilon-greedy answer for actions, and watches what else it does."""

    def __init__(self, answer: Callable):
        self.answer = answer

    def __call__(self, q_values, epsilon: float, seed: int = 0) -> np.ndarray:
        given = np.array(q_values, np.float32)
        batch, num_actions = given.shape
        before = np.random.get_state()[1].copy(), random.getstate()
        with whole_arrays():
            got = self.answer(given, epsilon, np.random.default_rng(seed))
        if not np.array_equal(before[0], np.random.get_state()[1]) or before[1] != random.getstate():
            raise Mistake("it draws from the global random state, which the whole program shares; draw from `rng` only")
        if not np.array_equal(given, np.array(q_values, np.float32)):
            raise Mistake("it changes the Q-values that it is given; leave them as they are")
        reasons = {
            (): "one action for the whole batch; each row needs its own",
            (num_actions,): "that is an argmax over the batch (axis 0); the actions lie along axis 1",
            (batch, 1): "drop the last axis",
        }
        what = f"the actions for Q-values of shape {given.shape}"
        got = as_array(np.int64(got) if isinstance(got, int) else got, (batch,), "iu", what, reasons)
        if ((got < 0) | (got >= num_actions)).any():
            raise Mistake(f"with {num_actions} actions a choice is one of 0 to {num_actions - 1}; yours holds {got.min()} to {got.max()}")
        return got


@exercise("04.2", reference=exploration.epsilon_greedy, why="A few blind moves are the only way to find what no one has tried.")
def epsilon_greedy(answer):
    choose = Choices(answer)
    choose([[0.0, 5.0, 1.0], [7.0, 2.0, 3.0]], 0.0)
    rows, size = np.tile(np.float32([0.0, 1.0, 2.0]), (20_000, 1)), 20_000  # action 2 is always the best
    got = choose(rows, 0.0)
    if (got != 2).any():
        random_share = (got != 2).mean()
        if (choose(rows, 1.0) == 2).mean() > 0.9:
            raise Mistake(
                f"with epsilon 0 every action must be the best; yours is another one in {random_share:.0%} of the rows: it explores with "
                "probability 1 - epsilon, so the comparison is the wrong way round"
            )
        raise Mistake(
            f"with epsilon 0 every action must be the one of highest value; for [0.0, 1.0, 2.0] that is 2; yours is {got[got != 2][0]}"
        )
    if not np.array_equal(got := choose([[-3.0, -1.0, -2.0], [-5.0, 1.0, 2.0]], 0.0), [1, 2]):
        reason = "the largest value counts, not the largest size" if got[1] == 0 else "start the search from the first action, not from 0"
        case = "with epsilon 0 the Q-values [[-3, -1, -2], [-5, 1, 2]] must give [1, 2]"
        raise Mistake(f"{case}; yours: {got.tolist()}: values may be negative; {reason}")
    expect_even(choose(rows, 1.0), size)
    if missing := set(range(5)) - set(choose(np.zeros((2_000, 5)), 1.0).tolist()):
        raise Mistake(
            f"with epsilon 1 and 5 actions all of 0 to 4 must come up; yours never chooses {shown_set(missing)}: "
            "take A from `q_values.shape`"
        )
    share = (choose(rows, 0.3) == 2).mean()
    if abs(share - 0.8) > 0.02:
        if share > 0.98 or abs(share - 1 / 3) < 0.02:
            raise Mistake("with epsilon 0.3 all rows explore together, or none does: draw one number for each row, `rng.random(B)`")
        raise Mistake(
            f"with epsilon 0.3 and 3 actions the best one must come up in 80% of the rows (70% + a third of 30%); yours: {share:.0%}"
        )
    again, other = choose(rows, 0.5), choose(rows, 0.5, seed=1)
    if not np.array_equal(again, choose(rows, 0.5)):
        raise Mistake(
            "the same Q-values, epsilon and seed gave other actions the second time: draw from the `rng` you are given, make none yourself"
        )
    if np.array_equal(again, other):
        raise Mistake("two generators with different seeds gave the same actions: draw from the `rng` you are given, make none yourself")
    if not np.array_equal(got := choose([[1.0, 3.0], [9.0, 2.0], [0.0, 4.0]], 0.0), [1, 0, 1]):
        raise Mistake(f"with epsilon 0 the Q-values [[1, 3], [9, 2], [0, 4]] must give [1, 0, 1]; yours: {got.tolist()}")


def expect_even(actions: np.ndarray, size: int) -> None:
    """With epsilon 1 and 3 actions, of which 2 is the best, each comes up in a third of the rows."""
    shares = np.bincount(actions, minlength=3) / size
    if np.allclose(shares, 1 / 3, atol=0.02):
        return
    if shares.max() > 0.999:
        reason = "one draw for the whole batch; draw one action for each row"
    elif shares[2] < 0.001:
        reason = "the best action never comes up: `rng.integers(A)` draws from 0 to A - 1, and a random action may be the best one, too"
    else:
        reason = "draw all of them evenly"
    percent = ", ".join(f"{share:.0%}" for share in shares)
    raise Mistake(f"with epsilon 1 each of 3 actions must come up in 33% of the rows; yours: {percent}: {reason}")


# --- 04.3: a small replay memory ------------------------------------------------------------------------------------------------------


class ReferenceMemory:
    """Frame number n lies in slot n % capacity; an observation is built when it is asked for."""

    def __init__(self, capacity, frame_shape, history):
        self.frames = np.zeros((capacity, *frame_shape), np.uint8)
        self.actions, self.rewards = np.zeros(capacity, np.int64), np.zeros(capacity, np.float32)
        self.terminated, self.truncated, self.starts = np.zeros((3, capacity), bool)
        self.capacity, self.history, self.count = capacity, history, 0

    def add(self, frame, action, reward, terminated, truncated, starts):
        slot = self.count % self.capacity
        self.frames[slot], self.actions[slot], self.rewards[slot] = frame, action, reward
        self.terminated[slot], self.truncated[slot], self.starts[slot] = terminated, truncated, starts
        self.count += 1

    def stack(self, numbers):
        columns = [numbers]  # [B] each, newest last
        while len(columns) < self.history:
            n = columns[0]
            columns.insert(0, np.where(self.starts[n % self.capacity], n, n - 1))
        return np.stack([self.frames[column % self.capacity] for column in columns], axis=-1)  # [B, H, W, L]

    def sample(self, batch_size, rng):
        numbers = np.arange(max(0, self.count - self.capacity + self.history - 1), self.count - 1)
        numbers = rng.choice(numbers[~self.starts[(numbers + 1) % self.capacity]], batch_size)  # [B]
        slots = numbers % self.capacity
        outcome = self.terminated[slots], self.truncated[slots]
        return Batch(self.stack(numbers), self.actions[slots], self.rewards[slots], self.stack(numbers + 1), *outcome)


FRAME = (2, 3)  # rows, columns: tiny, and not square
DRAWS = 400


class Storyteller:
    """Games of tiny frames, told to a memory: every pixel of frame n is n, its action n % 3, its reward n / 10."""

    def __init__(self, memory: type, capacity: int, history: int):
        self.memory, self.history = memory(capacity, FRAME, history), history
        self.frame = np.zeros(FRAME, np.uint8)  # one array for all frames, as an emulator may do it

    def tell(self, game: Iterable[int], terminated: bool = False, truncated: bool = False, life_lost: int | None = None) -> Storyteller:
        """One game: its frames in order, the last of which only shows where the step before it led.

        life_lost: a frame in the middle whose step is terminated, though the game goes on.
        """
        game = list(game)
        for position, n in enumerate(game):
            self.frame[:] = n
            ends = position == len(game) - 2
            self.memory.add(self.frame, n % 3, n / 10, terminated and ends or n == life_lost, truncated and ends, position == 0)
        return self

    def sample(self, batch_size: int = DRAWS, seed: int = 0) -> Batch:
        """A batch, after the mistakes that have nothing to do with which transitions it holds."""
        before = np.random.get_state()[1].copy()
        try:
            batch = self.memory.sample(batch_size, np.random.default_rng(seed))
        except NotImplementedError as error:  # `add` is written, or nothing could have been told
            raise Mistake(f"`{traceback.extract_tb(error.__traceback__)[-1].name}` is not written yet") from error
        except ValueError as error:
            if "larger sample than population" not in str(error):
                raise
            raise Mistake(
                f"a batch of {batch_size} from a smaller memory fails with `replace=False`: a batch may be larger than the memory, "
                "so let transitions repeat"
            ) from error
        if not np.array_equal(before, np.random.get_state()[1]):
            raise Mistake("sample draws from the global random state, which the whole program shares; draw from `rng` only")
        if batch is None:
            raise Mistake("sample returns nothing: it must end with `return Batch(...)`")
        if missing := [name for name in Batch._fields if not hasattr(batch, name)]:
            raise Mistake(f"sample must return a Batch; yours is a {type(batch).__name__} without `{missing[0]}`")
        stack = (batch_size, *FRAME, self.history)
        frames_first = {(batch_size, self.history, *FRAME): "the frames of a stack lie along the last axis (`axis=-1`)"}
        for name, shape, kinds in zip(Batch._fields, [stack, *[(batch_size,)] * 2, stack, *[(batch_size,)] * 2], "u iu f u b b".split()):
            as_array(getattr(batch, name), shape, kinds, f"`{name}` of a batch of {batch_size}", frames_first)
        return Batch(*(getattr(batch, name) for name in Batch._fields))

    def told(self, batch: Batch) -> list[tuple[int, list[int], list[int], int]]:
        """The different transitions of a batch, first to last: (n, the frames of the observation, of the next one, row in the batch).

        n is the frame acted on, read off the reward.
        """
        numbers = np.rint(batch.rewards * 10).astype(int)
        rows = (
            (int(n), one[0, 0].tolist(), two[0, 0].tolist(), row)
            for row, (n, one, two) in enumerate(zip(numbers, batch.observations, batch.next_observations))
        )
        return sorted(rows)


@exercise(
    "04.3", reference=ReferenceMemory, why="An hour of play, shuffled, at 7,056 bytes a step: the same experience can teach many times."
)
def SmallMemory(answer):
    expect_written_slots(answer)
    expect_whole_games(answer)
    expect_lives(answer)
    expect_the_oldest_to_go(answer)
    expect_new_flags(answer)
    expect_copies(answer)
    expect_chance(answer)


def expect_written_slots(answer: type) -> None:
    """Three frames of one game, in a memory for ten, without history."""
    teller = Storyteller(answer, capacity=10, history=1).tell([1, 2, 3])
    batch = teller.sample()
    told = teller.told(batch)
    if all(now == after == [3] for _, now, after, _ in told):
        raise Mistake(
            "after the frames 1, 2, 3 every frame it samples is 3: it keeps the very array it was handed, which the game paints over; "
            "store a copy of the pixels"
        )
    for n, now, after, row in told:
        if now == [0]:
            raise Mistake(
                "after 3 frames in a memory for 10 it samples slots that nothing was written to: draw among the slots filled so far"
            )
        if now == [3]:
            raise Mistake(
                f"after the frames 1, 2, 3 it samples frame 3 as an observation, with next observation {after[0]}: "
                "the newest frame has no successor yet, so leave it out"
            )
        if now != [n] or batch.actions[row] != now[0] % 3:
            raise Mistake(
                f"frame {now[0]} was stored with action {now[0] % 3} and reward {now[0] / 10}; "
                f"sampled it has action {batch.actions[row]} and reward {shown(batch.rewards[row])}"
            )
        if after != [n + 1]:
            same = " (the same frame again)" if after == now else ""
            raise Mistake(f"the next observation of frame {n} must be frame {n + 1}; yours is {after[0]}{same}")


def expect_whole_games(answer: type) -> None:
    """Two games, the first terminated, the second truncated; stacks of three."""
    teller = Storyteller(answer, capacity=20, history=3).tell([1, 2, 3, 4], terminated=True).tell([11, 12, 13], truncated=True)
    batch, games = teller.sample(), "games 1, 2, 3, 4 and 11, 12, 13"
    told = teller.told(batch)
    for n, now, after, row in told:
        first = 1 if n < 10 else 11
        right, next_right = ([max(m - 2, first), max(m - 1, first), m] for m in (n, n + 1))
        if n == 4:
            raise Mistake(
                f"{games}: it pairs frame 4, the last of its game, with {after[-1]}: nothing follows in the same game; "
                "leave out every frame that is followed by a start"
            )
        for got, wanted in ((now, right), (after, next_right)):
            if got != wanted and got == wanted[::-1]:
                raise Mistake(f"the stack at frame {wanted[-1]} must be {wanted}; yours is {got}: newest last")
        if first == 11 and min(now) < 10:
            raise Mistake(
                f"{games}: the stack at frame {n} must be {right}; yours is {now}: it reaches across the game's start; "
                "let the first frame stand in for those before it"
            )
        if now != right:
            raise Mistake(f"{games}: the stack at frame {n} must be {right}; yours is {now}")
        if after != next_right:
            fresh = ": the frame after a terminated step still belongs to its game; go by `starts`" if after == [4, 4, 4] else ""
            raise Mistake(f"{games}: after the stack {right} must come {next_right}; yours is {after}{fresh}")
        if batch.terminated[row] != (n == 3) or batch.truncated[row] != (n == 12):
            raise Mistake(
                f"frame {n} was stored with terminated {n == 3}, truncated {n == 12}; "
                f"sampled it has {bool(batch.terminated[row])}, {bool(batch.truncated[row])}"
            )
    seen = {n for n, *_ in told}
    if 3 not in seen:
        raise Mistake("the step that ends a game is never sampled; it is the one that shows how the game ended")
    if seen != {1, 2, 3, 11, 12}:
        raise Mistake(f"{games}: the frames 1, 2, 3, 11, 12 begin a transition; in {DRAWS} draws yours were only {shown_set(seen)}")


def expect_lives(answer: type) -> None:
    """One game in which a life is lost midway; stacks of two."""
    told = (teller := Storyteller(answer, capacity=20, history=2).tell(range(1, 7), life_lost=3)).told(teller.sample())
    case, advice = "one game of frames 1 to 6, a life lost at 3 (terminated)", "a lost life does not start a game; go by `starts`"
    for n, now, after, _ in told:
        for got, right in ((now, [max(n - 1, 1), n]), (after, [n, n + 1])):
            if got != right:
                raise Mistake(f"{case}: the stack at frame {right[-1]} must be {right}; yours is {got}: {advice}")
    if missing := {1, 2, 3, 4, 5} - {n for n, *_ in told}:
        raise Mistake(f"{case}: the frames 1 to 5 begin a transition; yours never samples {shown_set(missing)}: {advice}")


def expect_the_oldest_to_go(answer: type) -> None:
    """Eight frames of one game in a memory for five; stacks of two."""
    teller = Storyteller(answer, capacity=5, history=2).tell(range(1, 9))
    told = teller.told(teller.sample())
    for n, now, after, _ in told:
        if n < 4 or now == [n - 1, n] and n == 4:
            raise Mistake(
                f"8 frames went into a memory for 5, yet it still holds frame {min(now)}: the newest takes the slot of the oldest"
            )
        if n == 4:
            raise Mistake(
                f"a memory for 5 that was told 8 frames gives the stack {now}: frame 3 has been overwritten, so frame 4 can no longer be "
                "sampled with its history"
            )
        if n == 8:
            raise Mistake(f"after 8 frames it samples the newest, 8, with next observation {after}: nothing follows it yet")
        if now == [6, 6]:
            raise Mistake(
                "in a memory for 5, frame 6 took the slot of frame 1, a start; its stack must be [5, 6]; yours is [6, 6], as if it were a "
                "start, too: write every flag each time, False as well"
            )
        if now != [n - 1, n] or after != [n, n + 1]:
            raise Mistake(
                f"a memory for 5 that was told 8 frames must give {[n - 1, n]}, then {[n, n + 1]}; yours gives {now}, then {after}"
            )
    if (seen := {n for n, *_ in told}) != {5, 6, 7}:
        raise Mistake(
            f"a memory for 5 that holds the frames 4 to 8 can sample 5, 6 and 7; in {DRAWS} draws yours were only {shown_set(seen)}"
        )


def expect_new_flags(answer: type) -> None:
    """A second game, which does not end, in the slots of one that did."""
    teller = Storyteller(answer, capacity=5, history=1).tell(range(1, 7), terminated=True, truncated=True).tell(range(11, 16))
    for n, *_, row in teller.told(batch := teller.sample()):
        for name in ("terminated", "truncated"):
            if getattr(batch, name)[row]:
                raise Mistake(
                    f"frame {n} was stored with {name} False in the slot of an older frame with True; sampled it has True: "
                    "write every flag each time, False as well"
                )


def expect_copies(answer: type) -> None:
    """What was sampled must stay as it was."""
    teller = Storyteller(answer, capacity=12, history=1).tell(range(1, 13))
    batch = teller.sample(8)
    before = copy.deepcopy(batch)
    teller.tell(range(101, 113))
    for name, old, new in zip(Batch._fields, before, batch):
        if not np.array_equal(old, new):
            raise Mistake(f"a sampled batch changed when the memory went on filling: `{name}` is a view of the memory; hand out a copy")


def expect_chance(answer: type) -> None:
    """A long game: batches are drawn evenly, not in a row, and from the given generator."""
    teller = Storyteller(answer, capacity=200, history=1).tell(range(1, 102))
    one, again, other = (teller.sample(20, seed).observations[:, 0, 0, 0].astype(int) for seed in (0, 0, 1))
    if (np.diff(one) == 1).mean() > 0.9:
        raise Mistake(
            f"the batch is a piece of the game in its order: {one[:4].tolist()}, ...: draw each transition on its own, "
            "or 20 neighbours teach the same thing"
        )
    if not np.array_equal(one, again):
        raise Mistake("two generators with the same seed gave different batches: draw from the `rng` you are given")
    if np.array_equal(one, other):
        raise Mistake("two generators with different seeds gave the same batch: draw from the `rng` you are given")
    old = (teller.sample(2_000).observations[:, 0, 0, 0] <= 50).mean()
    if abs(old - 0.5) > 0.08:
        raise Mistake(
            f"frames 1 to 50 are half of what it holds, but {old:.0%} of what it samples: draw every transition with the same chance"
        )


def shown_set(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


# --- 04.4: TD targets -----------------------------------------------------------------------------------------------------------------


def reference_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return returns.td_targets(rewards, terminated, target_next_q, discount)


STEP = "reward 1, discount 0.5, next Q-values [8, 1, 5] (online) and [1, 2, 6] (target)"
FLAGS = (  # terminated, truncated, the right target, {a wrong one: what it betrays}
    (
        False,
        False,
        4.0,
        {
            2.5: "that takes the mean over the actions; the best one counts, so take the max",
            5.0: "the online network's values are chased by their own updates; use the target network's",
            1.5: "the online network picks and the target network values: that is Double DQN; here the target network does both",
            3.333: "that takes the online network's mean; use the target network's max",
            7.0: "the discount is missing",
            3.5: "the reward is here already; only what follows is discounted",
            1.0: "a step that ends nothing needs what follows, too",
            3.0: "the reward is missing",
            5.5: "that sums over the actions; the best one counts, so take the max",
        },
    ),
    (
        True,
        False,
        1.0,
        {
            4.0: "it ignores `terminated`; after a lost life or the end nothing follows, and the target is the reward alone",
            0.0: "the reward has gone, too; only what follows is dropped",
        },
    ),
    (False, True, 4.0, {1.0: "it ends the future at a truncation; the clock ran out, but the game would have gone on"}),
    (True, True, 1.0, {4.0: "the game was over when the clock ran out, so nothing follows"}),
)


@exercise("04.4", reference=reference_targets, why="Tomorrow's best guess stands in for tomorrow, unless there is none.")
def td_targets(answer):
    online, target = np.float32([[8, 1, 5]]), np.float32([[1, 2, 6]])
    for terminated, truncated, right, mistakes in FLAGS:
        got = targets_of(answer, [1.0], [terminated], [truncated], online, target, 0.5)[0]
        if not close(got, right):
            flags = " and ".join(name for name, flag in (("terminated", terminated), ("truncated", truncated)) if flag)
            case = f"{STEP}, {flags or 'neither terminated nor truncated'}"
            raise Mistake(f"{case}: the target must be {shown(right)}; yours is {shown(got)}{reason_for(got, mistakes.items())}")
    got = targets_of(answer, [1.0], [False], [False], np.float32([[-2, -3, -4]]), np.float32([[-3, -1, -2]]), 0.5)[0]
    if not close(got, 0.5):
        mistakes = {1.0: "start the max from the first action, not from 0", -0.5: "the largest value counts, not the largest size"}
        case = "reward 1, discount 0.5, next Q-values [-3, -1, -2] (target): the target must be 0.5"
        reason = reason_for(got, mistakes.items())
        raise Mistake(f"{case}; yours is {shown(got)}: values may be negative{reason}")
    rng = np.random.default_rng(4)
    arguments = rng.choice([-1.0, 0.0, 1.0], 6), [0, 1, 0, 0, 1, 0], [0, 0, 1, 0, 1, 0], *rng.normal(0, 2, (2, 6, 3)), 0.99
    got, right = targets_of(answer, *arguments), reference_targets(*map(np.asarray, arguments))
    for row in range(6):
        if not close(got[row], right[row]):
            whole = close(got[row], arguments[0][row] + 0.99 * np.max(arguments[4]))
            reason = ": the max runs over the whole batch; each row has its own (axis 1)" if whole else ""
            raise Mistake(f"in a batch of 6 the target of row {row} must be {shown(right[row])}; yours is {shown(got[row])}{reason}")


def targets_of(answer: Callable, rewards, terminated, truncated, online, target, discount: float) -> np.ndarray:
    """The targets, after the mistakes that have nothing to do with their values."""
    flags = [np.array(flag, bool) for flag in (terminated, truncated)]
    given = [np.array(rewards, np.float32), *flags, np.array(online, np.float32), np.array(target, np.float32)]
    names = ("rewards", "terminated", "truncated", "online_next_q", "target_next_q")
    before, batch = copy.deepcopy(given), len(given[0])
    with whole_arrays():
        got = answer(*given, discount)
    for name, old, new in zip(names, before, given):
        if not np.array_equal(old, new):
            raise Mistake(f"it writes into `{name}`, which it is given; make a new array instead")
    reasons = {
        (batch, 3): "one target for every action; take the max over the actions (axis 1)",
        (batch, batch): "a (B, 1) met a (B,) and became a table; keep everything at (B,)",
        (3,): "that is a max over the batch (axis 0); the actions lie along axis 1",
        (batch, 1): "drop the last axis",
    }
    got = as_array(got, (batch,), "f", f"the targets of {batch} transition{'s' if batch > 1 else ''}", reasons)
    if got.dtype != np.float32:
        raise Mistake(f"the targets must be float32, as the network's numbers are; yours are {got.dtype}")
    return got


# --- 04.5: one learning step ----------------------------------------------------------------------------------------------------------

RATE = 3.0
ONLINE = np.float32([[0.1, 0.4, 0.2], [0.5, 0.3, 0.0], [0.6, 0.2, 0.8]])  # [state, action]
TARGET = np.float32([[0.3, 0.1, 0.0], [0.2, 0.7, 0.4], [1.0, 0.4, 0.5]])


class Pair(NamedTuple):
    """Two Q-tables dressed as networks (an observation lights one of three pixels, its state) and plain gradient descent at rate 3."""

    online: Any
    target: Any
    optimizer: Any
    read: Callable[[Any], np.ndarray]  # a network's table
    stray_gradient: Callable[[Any], bool]  # did a gradient reach this network?


def torch_pair(shared: bool = False) -> Pair:
    import torch

    class Table(torch.nn.Module):
        def __init__(self, table: np.ndarray):
            super().__init__()
            self.table = torch.nn.Parameter(torch.tensor(table))

        def forward(self, observations):
            return observations.float().flatten(1) / 255.0 @ self.table  # [B, 3]

    online = Table(ONLINE)
    target = online if shared else Table(TARGET)
    optimizer = torch.optim.SGD(online.parameters(), lr=RATE)
    return Pair(online, target, optimizer, lambda net: net.table.detach().numpy().copy(), lambda net: net.table.grad is not None)


def keras_pair(shared: bool = False) -> Pair:
    import keras

    def table(weights: np.ndarray):
        layers = keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(3, use_bias=False)
        network = keras.Sequential([keras.Input((1, 3, 1), dtype="uint8"), *layers])
        network.set_weights([weights])
        return network

    online = table(ONLINE)
    target = online if shared else table(TARGET)
    return Pair(online, target, keras.optimizers.SGD(RATE), lambda net: np.array(net.get_weights()[0]), lambda net: False)


def transitions(*rows: tuple[int, int, float, int, bool, bool]) -> Batch:
    """A batch from rows of (state, action, reward, next state, terminated, truncated)."""
    states, actions, rewards, following, *flags = map(np.array, zip(*rows))
    lights = np.eye(3, dtype=np.uint8)[:, None, :, None] * 255  # [state, 1, 3, 1]
    return Batch(lights[states], actions.astype(np.int64), rewards.astype(np.float32), lights[following], *flags)


LESSON_BATCH = ((0, 2, 1.0, 2, False, False), (1, 0, -0.6, 2, True, False), (2, 1, 0.0, 1, False, True))
"""TD errors 1.3, -1.1 and 0.15: two on Huber's straight part, one on its parabola. At rate 3 / 3 a Q-value moves by its clipped error."""


def moved(errors: np.ndarray, states: list[int], actions: list[int]) -> np.ndarray:
    """The table after each chosen Q-value moved by its number."""
    table = ONLINE.copy()
    table[states, actions] += errors
    return table


def step_mistakes() -> list[tuple[np.ndarray, str]]:
    """Tables that known mistakes lead to on LESSON_BATCH, each with what to say of it."""
    states, actions, rewards, following, terminated, truncated = map(np.array, zip(*LESSON_BATCH))
    chosen, alive = ONLINE[states, actions], ~terminated
    targets = rewards + 0.5 * alive * TARGET[following].max(1)
    errors, online_targets = targets - chosen, rewards + 0.5 * alive * ONLINE[following].max(1)
    table_of_errors = np.clip(targets[None, :] - chosen[:, None], -1, 1)  # [B, B]: every target with every prediction
    faint = np.clip(targets - chosen / 255, -1, 1)  # what a step sees that divides by 255 once more
    steps = [
        (
            table_of_errors.mean(1),
            "(B, 1) minus (B,) made a (B, B) table, so every prediction was pulled to every target; keep both at (B,)",
        ),
        (
            table_of_errors.sum(1),
            "(B, 1) minus (B,) made a (B, B) table, so every prediction was pulled to every target; keep both at (B,)",
        ),
        (np.clip(online_targets - chosen, -1, 1), "those targets come from the online network; they must come from the target network"),
        (errors, "that is the squared error's step (half of it); with Huber's loss no sample pulls harder than 1"),
        (2 * errors, "that is the squared error's step; with Huber's loss no sample pulls harder than 1"),
        (3 * np.clip(errors, -1, 1), "that is the loss summed over the batch; take its mean"),
        (np.clip(rewards + 0.5 * TARGET[following].max(1) - chosen, -1, 1), "its targets ignore `terminated`"),
        (
            np.clip(rewards + 0.5 * (alive & ~truncated) * TARGET[following].max(1) - chosen, -1, 1),
            "its targets end the future at a truncation; hand `td_targets` both flags as they are, for only `terminated` ends it",
        ),
        (-np.clip(errors, -1, 1), "the step climbs the loss; go down"),
        (faint / 255, "the network divides by 255 itself; hand it the uint8 observations as they are"),
    ]
    return [(moved(step, states, actions), reason) for step, reason in steps]


def judge_step(answer: Callable, make_pair: Callable[..., Pair]) -> None:
    """One learning step of either framework, told by what it does to two tables."""
    pair, batch = make_pair(), transitions(*LESSON_BATCH)
    given = copy.deepcopy(batch)
    loss = take_step(answer, pair, batch)
    if not all(map(np.array_equal, given, batch)):
        raise Mistake("it changes the batch that it is given; leave it as it is")
    if not np.array_equal(pair.read(pair.target), TARGET):
        raise Mistake("it changed the target network, which must stand still between two copies; update the online network only")
    if pair.stray_gradient(pair.target):
        raise Mistake(
            "a gradient flows into the target network: the target is what we compare with, a constant; compute it under `torch.no_grad()`"
        )
    expect_table(pair.read(pair.online))
    right = (0.8 + 0.6 + 0.01125) / 3
    if not close(as_number(loss, "learning_step(...)"), right):
        raise Mistake(
            f"it learns well, but the mean Huber loss of the batch was {shown(right)}; yours returns {shown(as_number(loss, ''))}"
        )
    if not isinstance(loss, float | np.floating):
        raise Mistake(f"the loss must come back as a plain number; yours is a {type(loss).__name__}: return `float(loss)`")
    expect_constant_target(answer, make_pair)
    expect_fresh_gradients(answer, make_pair)


def take_step(answer: Callable, pair: Pair, batch: Batch) -> Any:
    try:
        return answer(pair.online, pair.target, pair.optimizer, batch, 0.5)
    except (RuntimeError, ValueError, TypeError) as error:
        if any(piece in str(error) for piece in ("only for scalar outputs", "only length-1", "only 0-dimensional", "converted to Scalar")):
            raise Mistake(
                f"{len(batch.actions)} transitions must give one loss, their mean; yours keeps one for each: "
                'leave `reduction="none"` away, or take the mean'
            ) from error
        if "does not require grad" in str(error) or "No gradients" in str(error) or "no_grad" in str(error):
            raise Mistake(
                "no gradient reaches the online network: Q(s, a) must be computed where gradients are recorded "
                "(outside `no_grad`, inside the `GradientTape`) and stay a tensor"
            ) from error
        raise


def expect_table(table: np.ndarray) -> None:
    """The online table after one step on LESSON_BATCH."""
    states, actions = [0, 1, 2], [2, 0, 1]
    right = moved(np.array([1.0, -1.0, 0.15]), states, actions)
    if close(table, right):
        return
    if np.array_equal(table, ONLINE):
        raise Mistake(
            "the online network is the same after the step: did the optimiser take its step? Or were the gradients cleared before it?"
        )
    bystanders = np.abs(table - ONLINE)
    bystanders[states, actions] = 0
    state, action = np.unravel_index(bystanders.argmax(), bystanders.shape)
    if bystanders.max() > 1e-5:
        raise Mistake(
            f"in state {state} action {actions[state]} was taken, yet Q of action {action} moved from {shown(ONLINE[state, action])} to "
            f"{shown(table[state, action])}: all actions are trained; pick the chosen one's Q-value first"
        )
    wrong = int(np.abs(table - right)[states, actions].argmax())
    place = states[wrong], actions[wrong]
    raise Mistake(
        f"Q(state {place[0]}, action {place[1]}) must move from {shown(ONLINE[place])} to {shown(right[place])}; yours moves to "
        f"{shown(table[place])}{reason_for(table, step_mistakes())}"
    )


def expect_constant_target(answer: Callable, make_pair: Callable[..., Pair]) -> None:
    """With one network in both roles, its values in the next state must not be pulled along."""
    pair = make_pair(shared=True)
    take_step(answer, pair, transitions((0, 0, 0.0, 2, False, False)))
    table = pair.read(pair.online)
    if not close(table[2], ONLINE[2]):
        raise Mistake(
            "a gradient flows into the target: with one network in both roles, a step from state 0 to 2 must move Q(0, 0) only; yours "
            f"also moves Q(2, 2) from {shown(ONLINE[2, 2])} to {shown(table[2, 2])}; the target is a constant"
        )


def expect_fresh_gradients(answer: Callable, make_pair: Callable[..., Pair]) -> None:
    """Two steps in a row: the second must not repeat the first."""
    pair = make_pair()
    take_step(answer, pair, transitions((0, 0, 0.3, 1, True, False)))  # Q(0, 0): 0.1, target 0.3, at rate 3: 0.7
    take_step(answer, pair, transitions((1, 1, 0.3, 2, True, False)))  # Q(1, 1) is 0.3 already: nothing to learn
    got = pair.read(pair.online)[0, 0]
    if not close(got, 0.7):
        raise Mistake(
            f"the second step learned nothing about state 0, yet moved Q(0, 0) from 0.7 to {shown(got)}: the first step's gradient was "
            "still there; clear it with `optimizer.zero_grad()`"
        )


def torch_reference() -> Callable:
    import torch
    from torch.nn import functional as F

    def learning_step(online_network, target_network, optimizer, batch, discount):
        with torch.no_grad():
            next_q = target_network(torch.from_numpy(batch.next_observations)).numpy()  # [B, A]
        targets = torch.from_numpy(returns.td_targets(batch.rewards, batch.terminated, next_q, discount))  # [B]
        q_values = online_network(torch.from_numpy(batch.observations))  # [B, A]
        chosen = q_values.gather(1, torch.from_numpy(batch.actions)[:, None])[:, 0]  # [B]
        loss = F.huber_loss(chosen, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return learning_step


def keras_reference() -> Callable:
    import keras
    import tensorflow as tf

    def learning_step(online_network, target_network, optimizer, batch, discount):
        next_q = target_network(batch.next_observations).numpy()  # [B, A]
        targets = returns.td_targets(batch.rewards, batch.terminated, next_q, discount)  # [B]
        with tf.GradientTape() as tape:
            q_values = online_network(batch.observations)  # [B, A]
            chosen = tf.gather(q_values, batch.actions, axis=1, batch_dims=1)  # [B]
            loss = keras.losses.Huber()(targets, chosen)
        variables = online_network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return float(loss)

    return learning_step


WHY_STEP = "Prediction, target, Huber, one step down: the rest of DQN is about feeding this line well."


@exercise("04.5", framework="torch", name="learning_step", reference=torch_reference, lazy=True, why=WHY_STEP)
def learning_step_torch(answer):
    judge_step(answer, torch_pair)


@exercise("04.5", framework="keras", name="learning_step", reference=keras_reference, lazy=True, why=WHY_STEP)
def learning_step_keras(answer):
    judge_step(answer, keras_pair)


# --- 04.6: when to copy ---------------------------------------------------------------------------------------------------------------


def reference_update(step, online_weights, target_weights, period):
    if step % period:
        return target_weights
    return {name: array.copy() for name, array in online_weights.items()}


def two_networks() -> tuple[dict, dict]:
    """Weights of an online network (all 8) and of a target network (all 2)."""
    return tuple({"q/kernel": np.full((2, 2), value, np.float32), "q/bias": np.full(2, value, np.float32)} for value in (8, 2))


@exercise("04.6", reference=reference_update, why="Between two copies the network aims at a mark that stands still.")
def update_target(answer):
    for step, period, right in ((1, 10, 2), (9, 10, 2), (10, 10, 8), (11, 10, 2), (20, 10, 8), (4, 4, 8), (10, 4, 2)):
        online, target = two_networks()
        got = weight_of(weights := answer(step, online, target, period), step, period)
        if any((array != 8).any() for array in online.values()):
            raise Mistake(f"at step {step} it changed the online network's weights; it may only read them")
        if close(got, right):
            continue
        case = (
            f"online weights 8, target weights 2, period {period}: after step {step} the target must hold {right}; yours holds {shown(got)}"
        )
        if not close(weights["q/kernel"].mean(), weights["q/bias"].mean()):
            each = ", ".join(f"{name} {shown(array.mean())}" for name, array in weights.items())
            reason = f"only some arrays were copied ({each}): return after the loop"
        elif right == 8:
            soft = "between the two: that is a soft update; DQN copies all at once, and rarely"
            reason = soft if 2 < got < 8 else "a copy is due at every multiple of the period"
        else:
            reason = "copies are rare; between two multiples of the period nothing changes"
        raise Mistake(f"{case}: {reason}")
    online, target = two_networks()
    copied = answer(10, online, target, 10)
    for array in online.values():
        array += 1.0  # the online network goes on learning, in place
    if not close(weight_of(copied, 10, 10), 8):
        raise Mistake(
            "after the copy the online network learned on, from 8 to 9, and the target's weights followed: both are the same array; "
            "copy the numbers with `array.copy()`"
        )


def weight_of(weights: Any, step: int, period: int) -> float:
    """The one number that all these weights hold (their mean, should they differ)."""
    call = f"update_target({step}, online_weights, target_weights, {period})"
    if not isinstance(weights, dict):
        kind = "nothing" if weights is None else f"a {type(weights).__name__}"
        raise Mistake(f"{call} must return the target network's weights, a dict of arrays; yours returns {kind}")
    if set(weights) != {"q/kernel", "q/bias"}:
        raise Mistake(f"{call} must return weights under the names q/kernel, q/bias; yours are {', '.join(map(str, weights)) or 'none'}")
    kernel = as_array(weights["q/kernel"], (2, 2), "f", "q/kernel")
    bias = as_array(weights["q/bias"], (2,), "f", "q/bias")
    return float(np.concatenate([kernel.ravel(), bias]).mean())
