"""Hidden tests of lesson 10, the bug museum.

A proof is tried on suspects: the room's bug as it was found and in clothes that the public check does not show, and right implementations.
"""

from __future__ import annotations

import itertools
import tracemalloc
import zlib

import numpy as np

from course_lib.grading.probing import probe


def nameless(function):
    """A suspect that tells neither its name nor its source, and is silent about division by zero."""

    def suspect(*args, **kwargs):
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return suspect


def trial(proof, suspect):
    """What a proof says: "condemned", "acquitted", or how it broke down."""
    try:
        got = proof(suspect)
    except AssertionError:
        return "condemned"
    except Exception as error:
        return type(error).__name__
    return "acquitted" if got is None else f"returned a {type(got).__name__}"


def trials(proof, functions):
    return [trial(proof, nameless(function)) for function in functions]


def in_one_number(value):
    """A number of whatever type as a float; arrays and text stay what they are."""
    return value if getattr(value, "ndim", 0) or isinstance(value, str) else float(value)


def in_floats(array):
    """An array, and whether it holds floats, of whatever width."""
    return array.dtype.kind, array


# --- 10.1: everybody with everybody ---------------------------------------------------------------------------------------------------


def pairs_in_a_table(returns, values):
    table = np.square(values - returns)
    return table.sum() / table.size


def pairs_in_two_loops(returns, values):
    return sum((one - value) ** 2 for one in returns for value in values.ravel()) / len(returns) ** 2


def pairs_without_a_table(returns, values):
    return returns.var() + values.var() + (returns.mean() - values.mean()) ** 2


def pairs_averaged_over_values(returns, values):
    return float(np.mean((returns.mean() - values) ** 2))


def pairs_summed_over_one_axis(returns, values):
    return ((returns - values) ** 2).sum(axis=0).mean()


def pairs_with_the_first_value(returns, values):
    return np.mean((returns - values[0]) ** 2)


def pairs_with_themselves_and_all(returns, values):
    errors = (returns - values + np.diag(returns - values[:, 0])) / 2
    return np.linalg.norm(errors) ** 2 / len(returns)


@probe("10.1", "losses that pair strangers, however they are written", part="proof")
def losses_of_pairs(answer, rng):
    suspects = [pairs_in_a_table, pairs_in_two_loops, pairs_without_a_table, pairs_averaged_over_values]
    return trials(answer, [*suspects, pairs_summed_over_one_axis, pairs_with_the_first_value, pairs_with_themselves_and_all])


def own_errors_dotted(returns, values):
    errors = values.flatten() - returns
    return errors @ errors / returns.size


def own_errors_on_the_diagonal(returns, values):
    return np.square(np.diagonal(returns - values)).mean()  # makes the table, and reads the right entries


def own_errors_in_a_row(returns, values):
    return np.average((returns - values.T) ** 2)


def own_errors_as_an_array(returns, values):
    return np.array(sum(np.abs(one - value) ** 2 for one, (value,) in zip(returns, values, strict=True)) / len(values))


def own_errors_normed(returns, values):
    return np.float32(np.linalg.norm(returns - values.reshape(-1)) ** 2 / len(returns))


def pairs_with_a_small_say(returns, values):
    own = (returns - values[:, 0]) ** 2
    return 0.9 * own.mean() + 0.1 * ((returns - values) ** 2).mean()


@probe("10.1", "a loss in which strangers have a small say", part="proof", extra=True)
def loss_with_a_few_pairs(answer, rng):
    return trials(answer, [pairs_with_a_small_say])


@probe("10.1", "right losses, written in other ways", part="proof")
def losses_of_own_errors(answer, rng):
    suspects = [own_errors_dotted, own_errors_on_the_diagonal, own_errors_in_a_row, own_errors_as_an_array, own_errors_normed]
    return trials(answer, suspects)


def own_errors_in_other_units(returns, values):
    center, spread = returns.mean(), returns.std() + 1e-8
    errors = (returns - center) / spread - (values[:, 0] / spread - center / spread)
    return spread**2 * np.mean(errors**2)


@probe("10.1", "a right loss that rounds", part="proof", extra=True)
def loss_that_rounds(answer, rng):
    return trials(answer, [own_errors_in_other_units])


def loss_and_inputs(answer, returns, values):
    return in_one_number(answer(returns, values)), returns, values


@probe("10.1", "the loss of many samples, and of one", part="mend")
def losses_of_batches(answer, rng):
    return [loss_and_inputs(answer, rng.normal(3, 2, size), rng.normal(3, 2, (size, 1))) for size in (1, 5, 23)]


@probe("10.1", "predictions that are perfect, and some that are all off by the same", part="mend")
def losses_of_constant_errors(answer, rng):
    returns = rng.integers(-9, 9, 8) / 2
    return [loss_and_inputs(answer, returns.copy(), returns[:, None] + off) for off in (0.0, rng.uniform(1.5, 4))]


@probe("10.1", "a large batch of float32", part="mend", extra=True, tolerance=1e-4)
def loss_of_a_large_batch(answer, rng):
    returns, values = rng.normal(size=(2, 5000)).astype(np.float32)
    return loss_and_inputs(answer, returns, values[:, None])


@probe("10.1", "arrays that are parts of others", part="mend", extra=True)
def losses_of_views(answer, rng):
    table = rng.normal(size=(9, 4))
    return loss_and_inputs(answer, table[::-1, 2], table[:, 1:2])


# --- 10.2: one state too early --------------------------------------------------------------------------------------------------------


def backwards_from(following, rewards, discount):
    """The returns of a rollout after which there is so much to come."""
    returns = []
    for reward in reversed(rewards):
        following = reward + discount * following
        returns.append(following)
    return np.array(returns[::-1], float)


def from_the_last_acted_in(rewards, values, terminated, discount):
    return backwards_from(0.0 if terminated else values[:-1][-1], rewards, discount)


def from_the_last_acted_in_by_matrix(rewards, values, terminated, discount):
    steps = np.arange(len(rewards))
    weights = np.triu(float(discount) ** np.maximum(steps - steps[:, None], 0))
    paid = np.array(rewards, float)
    if not terminated:
        paid[-1] += discount * values[len(rewards) - 1]
    return weights @ paid


def from_the_middle(rewards, values, terminated, discount):
    return backwards_from((1 - terminated) * values[len(rewards) // 2], rewards, discount)


def from_all_acted_in(rewards, values, terminated, discount):
    return backwards_from(0.0 if terminated else np.mean(values[:-1]), rewards, discount)


def from_its_own_state(rewards, values, terminated, discount):
    following = np.array(values[:-1], float)
    following[-1] *= not terminated
    return np.asarray(rewards) + discount * following


@probe("10.2", "returns that bootstrap from a wrong state, however they are written", part="proof")
def returns_from_wrong_states(answer, rng):
    suspects = [from_the_last_acted_in, from_the_last_acted_in_by_matrix, from_the_middle, from_all_acted_in, from_its_own_state]
    return trials(answer, suspects)


def from_the_state_after(rewards, values, terminated, discount):
    return backwards_from((1 - terminated) * values[len(rewards)], rewards, discount)


def from_the_state_after_by_matrix(rewards, values, terminated, discount):
    steps = np.arange(len(rewards))
    weights = np.triu(float(discount) ** np.maximum(steps - steps[:, None], 0))
    return weights @ rewards + (0.0 if terminated else values[-1]) * float(discount) ** (len(rewards) - steps)


def from_the_state_after_accumulated(rewards, values, terminated, discount):
    ends = [0.0 if terminated else float(values[-1]), *reversed(rewards)]
    found = list(itertools.accumulate(ends, lambda following, reward: reward + discount * following))
    return np.array(found[1:])[::-1]


def from_the_state_after_in_place(rewards, values, terminated, discount):
    returns = np.array([*rewards, 0.0 if terminated else values[-1]], float)
    for t in range(len(rewards) - 1, -1, -1):
        returns[t] += discount * returns[t + 1]
    return returns[:-1]


@probe("10.2", "right returns, written in other ways", part="proof")
def returns_from_the_state_after(answer, rng):
    suspects = [from_the_state_after, from_the_state_after_by_matrix, from_the_state_after_accumulated, from_the_state_after_in_place]
    return trials(answer, suspects)


def from_the_last_two(rewards, values, terminated, discount):
    return backwards_from(0.0 if terminated else 0.8 * values[-1] + 0.2 * values[-2], rewards, discount)


@probe("10.2", "returns that bootstrap from the right state and a little from a wrong one", part="proof", extra=True)
def returns_from_two_states(answer, rng):
    return trials(answer, [from_the_last_two])


def returns_and_inputs(answer, rewards, values, terminated, discount):
    return in_floats(answer(rewards, values, terminated, discount)), rewards, values


@probe("10.2", "rollouts that are cut off, and rollouts that end a game", part="mend")
def returns_of_rollouts(answer, rng):
    found = []
    for steps, terminated in ((3, False), (3, True), (12, False), (12, True)):
        values = rng.normal(0, 3, steps + 1)
        values[-1] = (values.min() + values.max()) / 2  # neither the largest nor the smallest
        found.append(returns_and_inputs(answer, rng.normal(size=steps), values, terminated, float(rng.uniform(0.4, 0.95))))
    return found


@probe("10.2", "a rollout of one step", part="mend", extra=True)
def returns_of_one_step(answer, rng):
    return [returns_and_inputs(answer, rng.normal(size=1), rng.normal(size=2), terminated, 0.7) for terminated in (False, True)]


@probe("10.2", "a discount of 1", part="mend", extra=True)
def returns_without_discounting(answer, rng):
    return [returns_and_inputs(answer, rng.normal(size=6), rng.normal(size=7), terminated, 1.0) for terminated in (False, True)]


@probe("10.2", "a long rollout of rewards in float32", part="mend", extra=True, tolerance=1e-4)
def returns_of_a_long_rollout(answer, rng):
    rewards, values = rng.random(300, np.float32), rng.random(301, np.float32)
    return returns_and_inputs(answer, rewards, values, False, 0.97)


# --- 10.3: the frame that was cut up --------------------------------------------------------------------------------------------------


def history_dealt_out(frame):
    return np.concatenate([frame[0, ..., 0]] * 4, axis=1).reshape(84, 84, 4)


def history_dealt_out_by_resize(frame):
    return np.resize(frame, (84, 84, 4))


def history_in_the_other_order(frame):
    return np.stack([frame[0, :, :, 0]] * 4, axis=-1).ravel().reshape((84, 84, 4), order="F")


def history_upside_down(frame):
    return np.repeat(frame[0, ::-1], 4, axis=-1)


def history_mirrored(frame):
    return np.concatenate([np.fliplr(frame[0])] * 4, axis=-1)


def history_turned(frame):
    return np.dstack([np.rot90(frame[0, ..., 0])] * 4)


def history_with_axes_swapped(frame):
    return np.concatenate([frame.swapaxes(1, 2)] * 4, axis=3)[0]


def history_one_column_on(frame):
    return np.roll(np.repeat(frame[0], 4, axis=-1), 1, axis=1)


@probe("10.3", "histories that move pixels, however they are written", part="proof")
def histories_that_move_pixels(answer, rng):
    suspects = [history_dealt_out, history_dealt_out_by_resize, history_in_the_other_order, history_upside_down, history_mirrored]
    return trials(answer, [*suspects, history_turned, history_with_axes_swapped, history_one_column_on])


def history_multiplied(frame):
    return (frame @ np.ones((1, 4), frame.dtype))[0]


def history_in_a_loop(frame):
    history = np.empty((84, 84, 4), frame.dtype)
    for channel in range(4):
        history[:, :, channel] = frame[0, :, :, 0]
    return history


def history_by_two_transpositions(frame):
    return np.stack([frame[0, :, :, 0].T] * 4).T  # looks as if it swapped rows and columns


def history_reshaped_soundly(frame):
    return np.stack([frame] * 4, axis=-1).reshape(84, 84, 4)


def history_broadcast(frame):
    return np.broadcast_to(frame.reshape(84, 84, 1), (84, 84, 4)).copy()


@probe("10.3", "right histories, written in other ways", part="proof")
def histories_that_keep_pixels(answer, rng):
    suspects = [history_multiplied, history_in_a_loop, history_by_two_transpositions, history_reshaped_soundly, history_broadcast]
    return trials(answer, suspects)


def history_with_one_channel_moved(channel):
    def suspect(frame):
        history = np.repeat(frame[0], 4, axis=-1)
        history[..., channel] = np.roll(history[..., channel], 1, axis=0)
        return history

    return suspect


@probe("10.3", "histories that move the pixels of one channel only", part="proof", extra=True)
def histories_with_one_channel_moved(answer, rng):
    return trials(answer, [history_with_one_channel_moved(channel) for channel in rng.permutation(4)])


def random_frame(rng):
    return rng.integers(0, 256, (1, 84, 84, 1), np.uint8)


@probe("10.3", "where each pixel of a frame goes", part="mend")
def pixels_of_a_history(answer, rng):
    single, frame = np.zeros((1, 84, 84, 1), np.uint8), random_frame(rng)
    single[0, rng.integers(20, 40), rng.integers(50, 70), 0] = rng.integers(1, 256)
    return [(str(history.dtype), history, given) for given in (single, frame) for history in [answer(given)]]


@probe("10.3", "a frame that changes after its history was made", part="mend")
def history_of_a_frame_that_changes(answer, rng):
    frame = random_frame(rng)
    history = answer(frame)
    frame[:] = 0
    return history


@probe("10.3", "a history that is written into", part="mend", extra=True)
def history_that_is_written_into(answer, rng):
    frame = random_frame(rng)
    history = answer(frame)
    history[:, :, 1] = 7
    return history, frame


@probe("10.3", "a frame that is part of a larger array", part="mend", extra=True)
def history_of_a_view(answer, rng):
    frames = rng.integers(0, 256, (3, 84, 84, 4), np.uint8)
    return answer(frames[1:2, ..., 3:])


# --- 10.4: a memory that keeps everything eight times ---------------------------------------------------------------------------------

PIXELS = 84 * 84


class MemoryOnceListed:
    """Each frame once, as an array in a list; the memories below keep other things, and hand out the same."""

    def __init__(self, capacity):
        self.made_for(capacity)
        self.openings = []

    def made_for(self, capacity):
        self.kept = []

    def add(self, frame, starts):
        self.openings.append(bool(starts))
        self.keep(len(self.openings) - 1, frame)

    def keep(self, t, frame):
        self.kept.append(frame.copy())

    def picture(self, t):
        return self.kept[t]

    def transition(self, t):
        first = max(n for n in range(t + 1) if self.openings[n])
        five = np.stack([self.picture(max(n, first)) for n in range(t - 3, t + 2)], axis=-1)
        return five[..., :4], five[..., 1:]

    def stack(self, t, frame):
        """The stack that ends with this frame, for those that keep stacks."""
        pictures = [frame]
        while len(pictures) < 4:
            t -= t > 0 and not self.openings[t]
            pictures.insert(0, self.picture(t) if len(self.kept) > t else frame)
        return np.stack(pictures, axis=-1)


class MemoryOfListedPairs(MemoryOnceListed):
    """Before and after, whole, in a list that grows."""

    def keep(self, t, frame):
        after = self.stack(t, frame)
        before = self.kept[-1][1] if self.kept else after
        self.kept.append((before.copy(), after))

    def picture(self, t):
        return self.kept[t][1][..., -1]


class MemoryOfOneArray(MemoryOnceListed):
    """The exhibit with both stacks in one array."""

    def made_for(self, capacity):
        self.kept, self.room = [], np.zeros((2, capacity, 84, 84, 4), np.uint8)

    def keep(self, t, frame):
        self.kept.append(t)
        self.room[0, t] = np.stack([*(self.picture(max(t - back, 0)) for back in (3, 2, 1)), frame], axis=-1)
        self.room[1, max(t - 1, 0)] = self.room[0, t]

    def picture(self, t):
        return self.room[0, t, ..., -1]


class MemoryOfStacksInBytes(MemoryOnceListed):
    """One stack a frame, as bytes in a dictionary."""

    def made_for(self, capacity):
        self.kept = {}

    def keep(self, t, frame):
        self.kept[t] = self.stack(t, frame).tobytes()

    def picture(self, t):
        return np.frombuffer(self.kept[t], np.uint8).reshape(84, 84, 4)[..., -1]


class MemoryOfHalfFloats(MemoryOnceListed):
    """Two bytes for each pixel, and for a rim: clearly above two frames, for whatever else the process frees meanwhile is counted, too."""

    def keep(self, t, frame):
        self.kept.append(np.pad(frame, 4) / np.float16(255))

    def picture(self, t):
        return np.round(self.kept[t][4:-4, 4:-4].astype(np.float32) * 255).astype(np.uint8)


class MemoryOfTwoCopies(MemoryOnceListed):
    """Each frame twice in a ring, in rows of 96 bytes, half a ring apart, so that no stack is ever torn."""

    def made_for(self, capacity):
        self.ring, self.times = np.zeros((2, capacity, 84, 96), np.uint8), np.zeros(capacity, np.int64)

    def keep(self, t, frame):
        self.ring[:, t, :, :84], self.times[t] = frame, t

    def picture(self, t):
        return self.ring[0, t, :, :84]


class MemoryWithGaps(MemoryOnceListed):
    """Room for three frames for each that comes."""

    def made_for(self, capacity):
        self.room = np.zeros((capacity * 3, 84, 84), np.uint8)

    def keep(self, t, frame):
        self.room[3 * t] = frame

    def picture(self, t):
        return self.room[3 * t]


@probe("10.4", "memories that hold two frames or more for each new one, wherever they keep them", part="proof")
def memories_that_hold_too_much(answer, rng):
    suspects = [MemoryOfListedPairs, MemoryOfOneArray, MemoryOfStacksInBytes, MemoryOfHalfFloats, MemoryOfTwoCopies, MemoryWithGaps]
    return [trial(answer, suspect) for suspect in suspects]


class MemoryOnceInBytes(MemoryOnceListed):
    def made_for(self, capacity):
        self.kept = dict.fromkeys(range(capacity), b"")

    def keep(self, t, frame):
        self.kept[t] = frame.tobytes()

    def picture(self, t):
        return np.frombuffer(self.kept[t], np.uint8).reshape(84, 84)


class MemoryOnceAsChannels(MemoryOnceListed):
    """Frames side by side along the last axis."""

    def made_for(self, capacity):
        self.room = np.zeros((84, 84, capacity), np.uint8)

    def keep(self, t, frame):
        self.room[..., t] = frame

    def picture(self, t):
        return self.room[..., t]


class MemoryWithASpareMegabyte(MemoryOnceAsChannels):
    def made_for(self, capacity):
        super().made_for(capacity)
        self.spare = bytearray(1_000_000)


@probe("10.4", "memories that hold each frame once, wherever they keep it", part="proof")
def memories_that_hold_enough(answer, rng):
    return [trial(answer, suspect) for suspect in (MemoryOnceListed, MemoryOnceInBytes, MemoryOnceAsChannels, MemoryWithASpareMegabyte)]


class MemoryWithTheLowerPart(MemoryOnceListed):
    """Each frame, and its lower 60 rows again: less than two frames."""

    def made_for(self, capacity):
        self.room, self.lower = np.zeros((capacity, 84, 84), np.uint8), np.zeros((capacity, 60, 84), np.uint8)

    def keep(self, t, frame):
        self.room[t], self.lower[t] = frame, frame[24:]

    def picture(self, t):
        return self.room[t]


@probe("10.4", "a memory that holds more than one frame for each new one, but less than two", part="proof", extra=True)
def memory_between_one_and_two(answer, rng):
    return trial(answer, MemoryWithTheLowerPart)


def make_film(rng, *lengths):
    """Random frames of games of these lengths, and whether each opens a game."""
    openings = [t == 0 for length in lengths for t in range(length)]
    return rng.integers(0, 256, (len(openings), 84, 84), np.uint8), openings


def play_film(memory, film):
    """Hand over frames as the emulator does, in the same array again and again."""
    buffer = np.zeros((84, 84), np.uint8)
    for frame, opens in zip(*film, strict=True):
        buffer[:] = frame
        memory.add(buffer, opens)
    buffer[:] = 0


def places_to_ask(film):
    """Every frame that is not its game's last."""
    return [t for t in range(len(film[1]) - 1) if not film[1][t + 1]]


def seen(pair):
    """Both stacks of a transition in few words: shape, dtype, and a checksum of the pixels."""
    before, after = pair
    return [(stack.shape, str(stack.dtype), f"{zlib.crc32(np.ascontiguousarray(stack)):08x}") for stack in (before, after)]


@probe("10.4", "the transitions of several games", part="mend")
def transitions_of_games(answer, rng):
    film = make_film(rng, *rng.permutation([7, 5, 2, 1, 3]))
    memory = answer(len(film[1]))
    play_film(memory, film)
    return [seen(memory.transition(int(t))) for t in rng.permutation(places_to_ask(film))]


def memory_growth(make_memory, fewer, more):
    """Bytes held for each new frame."""
    frames, held = np.random.default_rng(1).integers(0, 256, (more, 84, 84), np.uint8), []
    for count in (more, fewer):
        tracemalloc.start()
        try:
            memory = make_memory(count)
            for t in range(count):
                memory.add(frames[t].copy(), t % 10 == 0)
            held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        del memory
    return (held[0] - held[1]) / (more - fewer)


@probe("10.4", "how much it holds for each new frame", part="mend")
def room_for_each_frame(answer, rng):
    return memory_growth(answer, 25, 75) <= 2 * PIXELS


def memory_after_writing(answer, rng, side):
    """What a memory hands out after someone wrote into one of the stacks that it had handed out."""
    film = make_film(rng, 6)
    memory = answer(8)
    play_film(memory, film)
    for t in (0, 3):
        memory.transition(t)[side][...] = rng.integers(0, 256)
    return [seen(memory.transition(t)) for t in places_to_ask(film)]


@probe("10.4", "an observation that is written into", part="mend")
def memory_after_writing_before(answer, rng):
    return memory_after_writing(answer, rng, 0)


@probe("10.4", "a next observation that is written into", part="mend", extra=True)
def memory_after_writing_after(answer, rng):
    return memory_after_writing(answer, rng, 1)


@probe("10.4", "questions while frames still come", part="mend", extra=True)
def memory_asked_in_between(answer, rng):
    film = make_film(rng, 4, 5)
    memory, found = answer(12), []
    for t, (frame, opens) in enumerate(zip(*film, strict=True)):
        memory.add(frame.copy(), opens)
        if t and not opens:
            found.append(memory.transition(t - 1))
    return [seen(pair) for pair in found]


@probe("10.4", "two memories at once", part="mend", extra=True)
def memories_side_by_side(answer, rng):
    films, memories = [make_film(rng, 4, 3), make_film(rng, 2, 6)], [answer(7), answer(9)]
    for memory, film in zip(memories, films, strict=True):
        play_film(memory, film)
    return [[seen(memory.transition(t)) for t in places_to_ask(film)] for memory, film in zip(memories, films, strict=True)]


# --- 10.5: left is right --------------------------------------------------------------------------------------------------------------


def button_table(rng, **entries):
    """A table of actions with its entries in any order."""
    names = [str(name) for name in rng.permutation(list(entries))]
    return {name: entries[name] for name in names}


@probe("10.5", "tables that send the paddle elsewhere", part="proof")
def tables_that_are_wrong(answer, rng):
    tables = [
        button_table(rng, right=np.int32(3), left=np.int32(2), fire=1),
        button_table(rng, right=2, left=1, stay=0),
        button_table(rng, right=0, left=3),
    ]
    return [trial(answer, table) for table in tables]


@probe("10.5", "a right table with more entries", part="proof")
def table_that_is_right(answer, rng):
    return trial(answer, button_table(rng, right=np.uint8(2), left=np.uint8(3), fire=np.uint8(1), stay=np.uint8(0)))


@probe("10.5", 'a table whose "right" and "left" are right, and whose "stay" is not', part="proof", extra=True)
def table_that_does_not_stay(answer, rng):
    return trial(answer, button_table(rng, right=2, left=3, stay=2))


def table_of_game(answer, shifts):
    """The table for a game with these shifts; asking about any other number raises KeyError."""
    numbers = list(shifts)
    table = answer(numbers, lambda number: shifts[number])
    return sorted(table), table["right"], table["left"], numbers


def some_game(rng, count, highest, shifts):
    """So many of the numbers up to the highest, and what each does; two move the paddle farther than all others do."""
    numbers = rng.choice(highest, count, replace=False).tolist()
    shifts = [*shifts, *rng.uniform(-10, 10, count - len(shifts))]
    return dict(zip(numbers, rng.permutation(shifts).tolist(), strict=True))


@probe("10.5", "games with other numbers", part="mend")
def tables_of_other_games(answer, rng):
    games = [some_game(rng, 7, 18, [rng.uniform(12, 20), -rng.uniform(21, 30), 0.0]) for _ in range(4)]
    games += [some_game(rng, 7, 18, [rng.uniform(21, 30), -rng.uniform(12, 20), 0.0]) for _ in range(4)]
    return [table_of_game(answer, shifts) for shifts in games]


@probe("10.5", "a paddle that moves by less than a column", part="mend", extra=True)
def table_of_a_slow_paddle(answer, rng):
    numbers, slow = rng.permutation(9).tolist(), rng.uniform(0.1, 0.3, 7)
    return table_of_game(answer, dict(zip(numbers, [*(slow * [1, 1, 1, -1, -1, -1, -1]), 0.6, -0.7], strict=True)))


@probe("10.5", "a game of two buttons", part="mend", extra=True)
def table_of_two_buttons(answer, rng):
    return [table_of_game(answer, shifts) for shifts in ({9: 4.0, 6: -4.0}, {6: -30.0, 9: 2.5})]


# --- 10.6: the mask that cancels ------------------------------------------------------------------------------------------------------


def heard_in_a_table(losses, mask):
    return np.multiply.outer(mask, losses[:, 0]).sum() / np.count_nonzero(mask)


def heard_in_two_loops(losses, mask):
    total = 0.0
    for loss in losses.ravel():
        for bit in mask:
            total += loss * bit
    return total / (len(losses) * mask.sum())


def heard_as_if_unmasked(losses, mask):
    return np.average(np.broadcast_to(losses, (len(losses), len(mask))), weights=np.broadcast_to(mask, (len(losses), len(mask))))


def heard_where_masked(losses, mask):
    return (losses[:, 0] * (mask == 0)).sum() / max((mask == 0).sum(), 1)


def heard_softly(losses, mask):
    weights = np.exp(mask) / np.exp(mask).sum()
    return float(weights @ losses[:, 0])


def heard_at_a_tenth(losses, mask):
    return np.average(losses[:, 0], weights=np.where(mask > 0, 1.0, 0.1))


@probe("10.6", "losses in which masked samples have a say, however they are written", part="proof")
def losses_that_hear_the_masked(answer, rng):
    suspects = [heard_in_a_table, heard_in_two_loops, heard_as_if_unmasked, heard_where_masked, heard_softly, heard_at_a_tenth]
    return trials(answer, suspects)


def unheard_by_choice(losses, mask):
    return losses[mask > 0, 0].mean()


def unheard_by_where(losses, mask):
    return np.where(mask[:, None] > 0, losses, 0.0).sum() / mask.sum()


def unheard_by_masked_array(losses, mask):
    return float(np.ma.masked_array(losses.reshape(-1), mask == 0).mean())


def unheard_by_product(losses, mask):
    return ((mask / mask.sum()) @ losses).item()


def unheard_on_the_diagonal(losses, mask):
    return np.array(np.trace(losses * mask) / np.count_nonzero(mask))  # makes the table, and reads the right entries


@probe("10.6", "right losses, written in other ways", part="proof")
def losses_that_hear_the_rest(answer, rng):
    suspects = [unheard_by_choice, unheard_by_where, unheard_by_masked_array, unheard_by_product, unheard_on_the_diagonal]
    return trials(answer, suspects)


def heard_at_a_hundredth(losses, mask):
    return np.average(losses[:, 0], weights=np.maximum(mask, 0.01))


@probe("10.6", "a loss in which masked samples have a small say", part="proof", extra=True)
def loss_that_hears_a_little(answer, rng):
    return trials(answer, [heard_at_a_hundredth])


def mean_and_inputs(answer, losses, mask):
    return in_one_number(answer(losses, mask)), losses, mask


def random_mask(rng, size):
    """About half of the bits are 1; at least two are, and one is 0."""
    bits = rng.integers(0, 2, size).astype(float)
    bits[:3] = 1.0, 1.0, 0.0
    return rng.permutation(bits)


@probe("10.6", "some samples that count", part="mend")
def means_of_some(answer, rng):
    masks = [random_mask(rng, size) for size in (4, 11, 30)]
    return [mean_and_inputs(answer, rng.uniform(0.5, 6, (len(mask), 1)), mask) for mask in masks]


@probe("10.6", "losses of 0 among those that count", part="mend")
def means_with_zeros(answer, rng):
    losses, mask = rng.uniform(0.5, 6, (8, 1)), random_mask(rng, 8)
    losses[mask.argmax()] = 0.0
    return mean_and_inputs(answer, losses, mask)


@probe("10.6", "one sample that counts, and nobody who does not", part="mend")
def means_of_few(answer, rng):
    one = np.zeros(5)
    one[rng.integers(5)] = 1.0
    return [mean_and_inputs(answer, rng.uniform(1, 6, (len(mask), 1)), mask) for mask in (np.ones(1), np.ones(6), one)]


@probe("10.6", "a masked sample with a very large loss", part="mend", extra=True)
def mean_beside_a_shout(answer, rng):
    losses, mask = rng.uniform(0.5, 6, (9, 1)), random_mask(rng, 9)
    losses[mask.argmin()] = 1e15
    return mean_and_inputs(answer, losses, mask)


@probe("10.6", "float32, and a mask that is a column of many", part="mend", extra=True, tolerance=1e-4)
def mean_of_one_head(answer, rng):
    masks = np.stack([random_mask(rng, 64) for _ in range(5)], axis=1).astype(np.float32)
    return mean_and_inputs(answer, rng.random((64, 1), np.float32), masks[:, 3])


# --- 10.7: the mean that came first ---------------------------------------------------------------------------------------------------


def averaged_then_masked_in_a_loop(errors, masks):
    found = []
    for head in range(errors.shape[1]):
        mean = sum(0.5 * error**2 for error in errors[:, head]) / len(errors)
        found.append(mean if masks[:, head].sum() else 0.0)
    return np.array(found)


def averaged_then_masked_from_moments(errors, masks):
    return (errors.var(axis=0) + errors.mean(axis=0) ** 2) / 2 * masks.max(axis=0)


def averaged_then_shared_out(errors, masks):
    return 0.5 * np.square(errors).mean(axis=0) * masks.mean(axis=0)


def summed_then_counted(errors, masks):
    return 0.5 * np.square(errors).sum(axis=0) / np.maximum(masks.sum(axis=0), 1)


def masked_the_wrong_way_round(errors, masks):
    others = 1.0 - masks
    return (0.5 * errors**2 * others).sum(axis=0) / np.maximum(others.sum(axis=0), 1)


def masked_at_a_tenth(errors, masks):
    weights = np.where(masks > 0, 1.0, 0.1)
    return (0.5 * errors**2 * weights).sum(axis=0) / weights.sum(axis=0)


@probe("10.7", "losses in which masked errors have a say, however they are written", part="proof")
def heads_that_hear_the_masked(answer, rng):
    suspects = [averaged_then_masked_in_a_loop, averaged_then_masked_from_moments, averaged_then_shared_out]
    return trials(answer, [*suspects, summed_then_counted, masked_the_wrong_way_round, masked_at_a_tenth])


def masked_then_averaged_by_where(errors, masks):
    total = np.add.reduce(np.square(errors), axis=0, where=masks > 0)
    return total / (2 * np.maximum(np.count_nonzero(masks, axis=0), 1))


def masked_then_averaged_by_masked_array(errors, masks):
    return np.ma.masked_array(errors**2 / 2, masks == 0).mean(axis=0).filled(0.0)


def masked_then_averaged_by_heads(errors, masks):
    chosen = [column[bits > 0] for column, bits in zip(errors.T, masks.T, strict=True)]
    return np.array([np.mean(column**2) / 2 if column.size else 0.0 for column in chosen])


def masked_then_averaged_with_weights(errors, masks):
    weights = masks / np.where(masks.any(axis=0), masks.sum(axis=0), 1)
    return np.einsum("bk,bk,bk->k", weights, errors, errors) * 0.5


def masked_then_averaged_on_the_diagonal(errors, masks):
    return np.diagonal((0.5 * errors**2).T @ masks) / masks.sum(axis=0).clip(1)


@probe("10.7", "right losses, written in other ways", part="proof")
def heads_that_hear_the_rest(answer, rng):
    suspects = [masked_then_averaged_by_where, masked_then_averaged_by_masked_array, masked_then_averaged_by_heads]
    return trials(answer, [*suspects, masked_then_averaged_with_weights, masked_then_averaged_on_the_diagonal])


def masked_for_all_heads(errors, masks):
    """A sample that counts for one head counts for all."""
    counted = masks.any(axis=1)
    return 0.5 * (errors[counted] ** 2).sum(axis=0) / max(counted.sum(), 1)


@probe("10.7", "a loss that confuses the masks of different heads", part="proof", extra=True)
def heads_that_share_masks(answer, rng):
    return trials(answer, [masked_for_all_heads])


def masked_at_a_thousandth(errors, masks):
    weights = np.maximum(masks, 0.001)
    return (0.5 * errors**2 * weights).sum(axis=0) / weights.sum(axis=0)


@probe("10.7", "a loss in which masked errors have a very small say", part="proof", extra=True)
def heads_that_hear_a_little(answer, rng):
    return trials(answer, [masked_at_a_thousandth])


def heads_and_inputs(answer, errors, masks):
    with np.errstate(all="ignore"):
        return in_floats(answer(errors, masks)), errors, masks


def head_masks(rng, batch, heads):
    """Bits for each head, of which one has a single sample and one has all."""
    masks = np.stack([random_mask(rng, batch) for _ in range(heads)], axis=1)
    masks[:, 0], masks[:, 1] = np.eye(batch)[rng.integers(batch)], 1.0
    return masks[:, rng.permutation(heads)]


@probe("10.7", "heads that learn from one, some or all samples", part="mend")
def heads_with_samples(answer, rng):
    errors, masks = rng.normal(0, 3, (11, 6)), head_masks(rng, 11, 6)
    errors[rng.random(errors.shape) < 0.2] = 0.0  # an error of 0 counts, too
    return heads_and_inputs(answer, errors, masks)


@probe("10.7", "heads without a sample", part="mend")
def heads_without_samples(answer, rng):
    errors, masks = rng.normal(0, 3, (7, 4)), head_masks(rng, 7, 4)
    masks[:, rng.choice(4, 2, replace=False)] = 0.0
    return heads_and_inputs(answer, errors, masks)


@probe("10.7", "one sample or one head", part="mend", extra=True)
def heads_of_small_batches(answer, rng):
    bits = np.array([[1.0, 0.0, 1.0, 1.0]])
    return [heads_and_inputs(answer, rng.normal(size=masks.shape), masks) for masks in (bits, bits.T.copy(), np.ones((1, 1)))]


@probe("10.7", "very large errors that are masked", part="mend", extra=True)
def heads_beside_shouts(answer, rng):
    masks = head_masks(rng, 9, 5)
    return heads_and_inputs(answer, np.where(masks > 0, rng.normal(size=masks.shape), 1e9), masks)


@probe("10.7", "errors and masks of float32", part="mend", extra=True, tolerance=1e-4)
def heads_of_float32(answer, rng):
    return heads_and_inputs(answer, rng.normal(size=(32, 10)).astype(np.float32), head_masks(rng, 32, 10).astype(np.float32))


# --- 10.8: the target that runs along -------------------------------------------------------------------------------------------------


def ask_online_in_a_loop(rewards, terminated, next_online, next_target, discount):
    targets = []
    for reward, over, row in zip(rewards, terminated, next_online, strict=True):
        targets.append(reward if over else reward + discount * max(row))
    return np.array(targets)


def ask_online_at_the_targets_choice(rewards, terminated, next_online, next_target, discount):
    best = np.take_along_axis(next_online, next_target.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(terminated, rewards, rewards + discount * best)


def ask_all_side_by_side(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * np.hstack([next_online, next_target]).max(axis=1)


def ask_a_slow_copy(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * (1.0 - terminated) * (0.9 * next_target + 0.1 * next_online).max(axis=1)


def ask_the_sum_of_both(rewards, terminated, next_online, next_target, discount):
    return np.where(terminated, rewards, rewards + discount * (next_online.max(axis=1) + next_target.max(axis=1)))


def ask_nobody(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * rewards.mean()


@probe("10.8", "targets that follow the online network, or not the target network, however they are written", part="proof")
def targets_that_run_along(answer, rng):
    suspects = [ask_online_in_a_loop, ask_online_at_the_targets_choice, ask_all_side_by_side, ask_a_slow_copy]
    return trials(answer, [*suspects, ask_the_sum_of_both, ask_nobody])


def ask_the_target_for_its_choice(rewards, terminated, next_online, next_target, discount):
    best = np.take_along_axis(next_target, next_target.argmax(axis=1)[:, None], axis=1)
    return np.where(terminated, rewards, rewards + discount * best[:, 0])


def ask_the_target_by_floats(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * (1.0 - terminated) * np.max(next_target, axis=-1)


def ask_the_target_in_place(rewards, terminated, next_online, next_target, discount):
    targets = rewards.astype(float)
    targets[~terminated] += discount * np.maximum.reduce(next_target[~terminated], axis=1)
    return targets


def ask_the_target_by_actions(rewards, terminated, next_online, next_target, discount):
    best = np.max(next_online, axis=1)  # never used
    best = next_target[:, 0]
    for column in next_target.T[1:]:
        best = np.maximum(best, column)
    best = np.where(terminated, 0.0, best)
    return rewards + discount * best


@probe("10.8", "right targets, written in other ways", part="proof")
def targets_that_stand_still(answer, rng):
    suspects = [ask_the_target_for_its_choice, ask_the_target_by_floats, ask_the_target_in_place, ask_the_target_by_actions]
    return trials(answer, suspects)


def ask_a_very_slow_copy(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * (next_target + 0.001 * (next_online - next_target)).max(axis=1)


@probe("10.8", "targets that follow the online network by a thousandth", part="proof", extra=True)
def targets_that_creep_along(answer, rng):
    return trials(answer, [ask_a_very_slow_copy])


def targets_and_inputs(answer, *inputs):
    with np.errstate(all="ignore"):
        return in_floats(answer(*inputs)), *inputs


def transitions_batch(rng, terminated, actions):
    """What `td_targets` is given, for as many transitions as `terminated` has entries."""
    terminated = np.array(terminated, bool)
    online, target = rng.normal(0, 2, (2, len(terminated), actions))
    return rng.normal(size=len(terminated)), terminated, online, target, float(rng.uniform(0.5, 0.95))


@probe("10.8", "games that go on and games that are over", part="mend")
def targets_of_batches(answer, rng):
    return [targets_and_inputs(answer, *transitions_batch(rng, rng.permutation([0, 1] * 4 + [0] * more), 4)) for more in (1, 6)]


@probe("10.8", "all values below 0", part="mend")
def targets_below_zero(answer, rng):
    rewards, terminated, online, target, discount = transitions_batch(rng, [0, 1, 0, 0, 0], 3)
    return targets_and_inputs(answer, rewards, terminated, -np.abs(online) - 0.5, -np.abs(target) - 0.5, discount)


@probe("10.8", "one transition", part="mend", extra=True)
def targets_of_one_transition(answer, rng):
    return [targets_and_inputs(answer, *transitions_batch(rng, [over], 5)) for over in (0, 1)]


@probe("10.8", "as many actions as transitions, and a single action", part="mend", extra=True)
def targets_of_odd_sizes(answer, rng):
    return [targets_and_inputs(answer, *transitions_batch(rng, [0, 0, 1, 0, 1, 0], actions)) for actions in (6, 1)]


@probe("10.8", "rewards and values of float32", part="mend", extra=True)
def targets_of_float32(answer, rng):
    rewards, terminated, *networks, discount = transitions_batch(rng, [0, 1] * 8, 4)
    online, target = np.float32(networks)
    return targets_and_inputs(answer, rewards.astype(np.float32), terminated, online, target, discount)


# --- 10.9: two libraries and one name -------------------------------------------------------------------------------------------------


def each_error_halved_and_bent(errors, delta):
    """Huber's losses, float64."""
    inside = np.minimum(np.abs(errors), delta)
    return inside * (np.abs(errors) - inside / 2)


def divided_by_delta(errors, delta):
    return np.float32(each_error_halved_and_bent(errors, delta) / delta)


def divided_by_delta_inside_only(errors, delta):
    size = np.abs(errors)
    return np.where(size < delta, size * size / (2 * delta), delta * (size - delta / 2))


def averaged_over_the_last_axis(errors, delta):
    return np.float32(np.average(each_error_halved_and_bent(errors, delta), axis=-1))


def averaged_and_kept(errors, delta):
    return each_error_halved_and_bent(errors, delta).mean(axis=-1, keepdims=True)


def averaged_over_all(errors, delta):
    losses = each_error_halved_and_bent(errors, delta)
    return np.full_like(losses, losses.mean())


def bent_at_one(errors, delta):
    return each_error_halved_and_bent(errors, 1.0)


def bent_to_a_slope_of_one(errors, delta):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, size - delta + 0.5 * delta**2)


def cut_off_at_delta(errors, delta):
    return 0.5 * np.clip(errors, -delta, delta) ** 2


@probe("10.9", "losses that are averaged, divided or bent elsewhere, however they are written", part="proof")
def losses_with_other_names(answer, rng):
    suspects = [divided_by_delta, divided_by_delta_inside_only, averaged_over_the_last_axis, averaged_and_kept, averaged_over_all]
    return trials(answer, [*suspects, bent_at_one, bent_to_a_slope_of_one, cut_off_at_delta])


def each_error_by_clipping(errors, delta):
    clipped = np.clip(errors, -delta, delta)
    return clipped * (errors - 0.5 * clipped)


def each_error_by_choice(errors, delta):
    size = np.array(np.abs(errors), float)
    far = size > delta
    losses = size**2 / 2
    losses[far] = delta * size[far] - delta**2 / 2
    return losses


def each_error_scaled(errors, delta):
    return np.asarray(delta**2 * each_error_halved_and_bent(np.divide(errors, delta), 1.0))  # smooth L1's form, and no smooth L1


def each_error_in_float32(errors, delta):
    small, delta = np.asarray(errors, np.float32), np.float32(delta)
    excess = np.maximum(np.abs(small) - delta, np.float32(0))
    return np.asfortranarray((small**2 - excess**2) / 2)


def each_error_by_vectorize(errors, delta):
    return np.vectorize(lambda error: error**2 / 2 if abs(error) <= delta else delta * abs(error) - delta**2 / 2, otypes=[float])(errors)


@probe("10.9", "right losses, written in other ways", part="proof")
def losses_with_the_right_name(answer, rng):
    suspects = [each_error_by_clipping, each_error_by_choice, each_error_scaled, each_error_in_float32, each_error_by_vectorize]
    return trials(answer, suspects)


def bent_smoothly(errors, delta):
    """The pseudo-Huber loss."""
    return delta**2 * (np.sqrt(1 + np.square(np.divide(errors, delta))) - 1)


def bent_like_a_cosine(errors, delta):
    """The log-cosh loss."""
    return np.square(delta) * np.log(np.cosh(np.divide(errors, delta)))


@probe("10.9", "losses that look much like Huber's", part="proof", extra=True)
def losses_much_like_it(answer, rng):
    return trials(answer, [bent_smoothly, bent_like_a_cosine])


def hubers_and_inputs(answer, errors, delta):
    return in_floats(answer(errors, delta)), errors


def far_and_near(rng, delta, *shape):
    """Errors within delta and beyond, some exactly there, of either sign."""
    errors = rng.uniform(-3 * delta, 3 * delta, shape).astype(np.float32)
    errors.flat[:2] = delta, -delta
    return rng.permuted(errors, axis=-1)


@probe("10.9", "a table of errors, at several deltas", part="mend")
def hubers_of_tables(answer, rng):
    deltas = [float(np.float32(delta)) for delta in (rng.uniform(1.3, 3), rng.uniform(0.2, 0.8), 1.0)]
    return [hubers_and_inputs(answer, far_and_near(rng, delta, 5, 6), delta) for delta in deltas]


@probe("10.9", "a row of errors, and a table of one row or one column", part="mend")
def hubers_of_rows(answer, rng):
    return [hubers_and_inputs(answer, far_and_near(rng, 1.5, *shape), 1.5) for shape in ((7,), (1, 4), (6, 1))]


@probe("10.9", "errors with three axes", part="mend", extra=True)
def hubers_of_three_axes(answer, rng):
    return hubers_and_inputs(answer, far_and_near(rng, 0.5, 2, 3, 4), 0.5)


@probe("10.9", "errors that are many times delta", part="mend", extra=True)
def hubers_of_large_errors(answer, rng):
    return hubers_and_inputs(answer, rng.uniform(-2000, 2000, (4, 5)).astype(np.float32), 0.25)


@probe("10.9", "errors that are part of a larger array", part="mend", extra=True)
def hubers_of_views(answer, rng):
    return hubers_and_inputs(answer, far_and_near(rng, 2.0, 6, 8).T[::2, 1:], 2.0)
