"""Wrong answers to lesson 10: proofs that condemn or acquit the wrong ones, and mends that mend nothing."""

import sys

import numpy as np

from course_lib.checks import museum
from course_lib.checks.museum import bytes_held, paddle_shift
from tests.mutants import mutant

# --- 10.1 -----------------------------------------------------------------------------------------------------------------------------

RETURNS = np.array([1.0, 2.0, 4.0])


@mutant("10.1", part="proof", says="the book's loss too: the bug does not show on returns [1.0], values [[1.0]]: with N = 1")
def asks_with_one_sample(suspect):
    assert suspect(np.array([1.0]), np.array([[1.0]])) == 0


@mutant("10.1", part="proof", says="all returns are the same")
def asks_with_equal_returns(suspect):
    assert suspect(np.ones(3), np.ones((3, 1))) == 0


@mutant("10.1", part="proof", says="it never calls the suspect")
def never_asks(suspect):
    assert suspect is not None


@mutant("10.1", part="proof", says="where 0.0 is right, and no assert of yours objects")
def looks_at_the_type_only(suspect):
    assert np.ndim(suspect(RETURNS, RETURNS[:, None])) == 0


@mutant("10.1", part="proof", says="acquits the one that averages its table over an axis before it squares")
def only_too_large_a_loss(suspect):
    assert suspect(RETURNS, RETURNS[:, None]) < 2


@mutant("10.1", part="proof", says="condemns everything, right implementations too: a loop over the samples")
def wants_one_loss_for_each(suspect):
    assert np.shape(suspect(RETURNS, RETURNS[:, None])) == (3,)


@mutant("10.1", part="proof", says="condemns everything, right implementations too")
def always_condemns(suspect):
    raise AssertionError


@mutant("10.1", part="proof", says="condemns a right implementation: a loop over the samples")
def wants_a_numpy_number_and_zero(suspect):
    loss = suspect(RETURNS, RETURNS[:, None] + 0.1)
    assert isinstance(loss, np.float32) and loss < 0.1


@mutant("10.1", part="proof", says="returned a bool: it must condemn with `assert`")
def returns_its_verdict(suspect):
    return suspect(RETURNS, RETURNS[:, None]) == 0


@mutant("10.1", part="proof", says="your proof broke down with TypeError")
def asks_with_lists(suspect):
    assert suspect([1.0, 2.0], [[1.0], [2.0]]) == 0


@mutant("10.1", part="proof", says="your proof broke down with ValueError (perfect values cost 0)")
def raises_something_else(suspect):
    if suspect(RETURNS, RETURNS[:, None]) != 0:
        raise ValueError("perfect values cost 0")


@mutant("10.1", part="proof", says="a network's value head gives [N, 1]")
def asks_with_flat_values(suspect):
    try:
        assert suspect(RETURNS, RETURNS) == 0
    except IndexError:
        pass
    except AssertionError:
        pass


mutant("10.1", part="mend", says="still the mean over all nine pairs")(museum.value_loss_book)
mutant("10.1", part="mend", says="each return meets the mean of all values; take the column out")(museum.value_loss_table_averaged)


@mutant("10.1", part="mend", says="that is the sum; take the mean")
def summed(returns, values):
    return ((returns - values[:, 0]) ** 2).sum()


@mutant("10.1", part="mend", says="square first, then take the mean")
def mean_then_square(returns, values):
    return (returns - values[:, 0]).mean() ** 2


@mutant("10.1", part="mend", says="square the errors")
def absolute(returns, values):
    return np.abs(returns - values[:, 0]).mean()


@mutant("10.1", part="mend", says="half of it")
def halved(returns, values):
    return 0.5 * ((returns - values[:, 0]) ** 2).mean()


@mutant("10.1", part="mend", says="no root is asked for")
def rooted(returns, values):
    return np.sqrt(((returns - values[:, 0]) ** 2).mean())


@mutant("10.1", part="mend", says="yours is an array of shape (3,)")
def one_for_each(returns, values):
    return (returns - values[:, 0]) ** 2


@mutant("10.1", part="mend", says="your function changes the array that it is given")
def subtracts_in_place(returns, values):
    returns -= values[:, 0]
    return (returns**2).mean()


@mutant("10.1", part="mend", says="returns nothing")
def forgets_to_return(returns, values):
    ((returns - values[:, 0]) ** 2).mean()


@mutant("10.1", part="mend", says="for one sample, return 2 and value [[3]], the loss must be 1.0")
def wrong_for_one(returns, values):
    return museum.value_loss_right(returns, values) if len(returns) > 1 else 0.0


@mutant("10.1", part="mend", says="for 32 random samples the loss")
def small_batches_only(returns, values):
    return museum.value_loss_right(returns[:4], values[:4])


@mutant("10.1", part="proof", says="all values are the same, so it does not matter whose return")
def asks_with_values_of_zero(suspect):
    np.testing.assert_allclose(suspect(RETURNS, np.zeros((3, 1))), (RETURNS**2).mean())


@mutant("10.1", part="proof", says="has it the wrong way round, for it condemns what is right and acquits what has the bug: a loop")
def condemns_the_innocent(suspect):
    assert suspect(RETURNS, RETURNS[:, None]) > 0


@mutant("10.1", part="proof", says="condemns everything, right implementations too: a loop over the samples; and it never calls")
def asks_the_exhibit(suspect):
    assert museum.value_loss_book(RETURNS, RETURNS[:, None]) == 0


@mutant("10.1", part="proof", says="suspects are given NumPy arrays; your returns is a list")
def asks_with_a_list(suspect):
    assert suspect(RETURNS.tolist(), RETURNS[:, None]) == 0


@mutant("10.1", part="mend", says="each value meets the mean of all returns")
def mean_of_the_returns(returns, values):
    return ((returns - values).mean(axis=1) ** 2).mean()


@mutant("10.1", part="mend", says="every return meets the first value; [:, 0] is the column, [0] the first row")
def first_row(returns, values):
    return ((returns - values[0]) ** 2).mean()


@mutant("10.1", part="mend", says="an array of shape (1,): a row of [N, 1] is still an array, and [0] its number")
def rows_in_a_loop(returns, values):
    return sum((one - row) ** 2 for one, row in zip(returns, values)) / len(returns)


# --- 10.2 -----------------------------------------------------------------------------------------------------------------------------

VALUES = 0.9 ** np.array([5.0, 4.0, 3.0, 2.0])


@mutant("10.2", part="proof", says="the last two values are equal")
def asks_with_equal_values(suspect):
    assert np.allclose(suspect(np.ones(3), np.full(4, 10.0), False, 0.9), 10.0)


@mutant("10.2", part="proof", says="where the game is over nobody bootstraps")
def asks_about_the_end(suspect):
    assert np.allclose(suspect(np.array([0.0, 1.0]), np.array([0.9, 1.0, 0.0]), True, 0.9), [0.9, 1.0])


@mutant("10.2", part="proof", says="with discount 0 nothing comes from later")
def asks_without_discount(suspect):
    assert np.allclose(suspect(np.ones(3), VALUES, False, 0.0), 1.0)


@mutant("10.2", part="proof", says="no assert of yours objects")
def looks_at_the_shape(suspect):
    assert suspect(np.zeros(3), VALUES, False, 0.9).shape == (3,)


@mutant("10.2", part="proof", says="condemns everything, right implementations too: a sum that runs forwards")
def wants_t_plus_one(suspect):
    assert len(suspect(np.zeros(3), VALUES, False, 0.9)) == 4


@mutant("10.2", part="proof", says="your proof broke down with ValueError")
def compares_with_all_values(suspect):
    assert (suspect(np.zeros(3), VALUES, False, 0.9) - VALUES).sum() == 0


mutant("10.2", part="mend", says="still bootstraps from 7")(museum.k_step_returns_book)


@mutant("10.2", part="mend", says="nothing follows the end of a game")
def without_end(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, False, discount)


@mutant("10.2", part="mend", says="`terminated` is the wrong way round")
def end_turned_round(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, not terminated, discount)


@mutant("10.2", part="mend", says="bootstraps from the first value")
def first_value(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values[:1], terminated, discount)


@mutant("10.2", part="mend", says="looks one step ahead")
def one_step(rewards, values, terminated, discount):
    return rewards + discount * values[1:]


@mutant("10.2", part="mend", says="must be discounted")
def undiscounted(rewards, values, terminated, discount):
    following = np.append(rewards, 0.0 if terminated else values[-1])
    following[0] = 0.0
    return np.array([0.0, 1.0]) + (0.0 if terminated else values[-1])


@mutant("10.2", part="mend", says="runs the wrong way")
def reversed_returns(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, terminated, discount)[::-1]


@mutant("10.2", part="mend", says="the state after has none")
def one_too_many(rewards, values, terminated, discount):
    return np.append(museum.k_step_returns_right(rewards, values, terminated, discount), values[-1])


@mutant("10.2", part="mend", says="must be a NumPy array of shape (2,); yours is a list")
def a_list(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, terminated, discount).tolist()


@mutant("10.2", part="mend", says="for a random rollout of 20 steps the returns")
def two_steps_only(rewards, values, terminated, discount):
    right = museum.k_step_returns_right(rewards, values, terminated, discount)
    return right if len(rewards) < 3 else right + 1


@mutant("10.2", part="proof", says="acquits the one that bootstraps from its first value: on rewards")
def knows_only_the_books_answer(suspect):
    assert not np.allclose(suspect(np.zeros(3), VALUES, False, 0.9), museum.k_step_returns_book(np.zeros(3), VALUES, False, 0.9))


@mutant("10.2", part="proof", says="a sum that runs forwards, which may differ in the last digit, so compare with `np.allclose`")
def to_the_last_digit(suspect):
    assert (suspect(np.zeros(3), VALUES, False, 0.9) == VALUES[:-1]).all()


@mutant("10.2", part="mend", says="it never bootstraps; where the game goes on, 8 is what follows")
def never_bootstraps(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, True, discount)


@mutant("10.2", part="mend", says="yours is [2.25, 4.5]: nothing follows the end of a game")
def early_value_at_the_end(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values[:-1] if terminated else values, False, discount)


@mutant("10.2", part="mend", says="each step looks at the last value; only the last step may")
def nothing_carried(rewards, values, terminated, discount):
    return rewards + discount * (0.0 if terminated else values[-1])


@mutant("10.2", part="mend", says="the value of what follows must be discounted, too")
def bootstrap_undiscounted(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values / discount, terminated, discount)


@mutant("10.2", part="mend", says="those are advantages; subtract nothing")
def advantages(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, terminated, discount) - values[:-1]


@mutant("10.2", part="mend", says="runs the wrong way; begin with the last step")
def forwards(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards[::-1], values, terminated, discount)[::-1]


@mutant("10.2", part="mend", says="one return for each step, not only the first")
def first_return(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, values, terminated, discount)[0]


@mutant("10.2", part="mend", says="of 20 steps the returns: at (0,) it must be")
def largest_value(rewards, values, terminated, discount):
    return museum.k_step_returns_right(rewards, np.append(values, values.max()), terminated, discount)


# --- 10.3 -----------------------------------------------------------------------------------------------------------------------------


def spark(row=10, column=20):
    frame = np.zeros((1, 84, 84, 1), np.uint8)
    frame[0, row, column, 0] = 255
    return frame


@mutant("10.3", part="proof", says="every pixel is the same, so none can be missed")
def a_grey_frame(suspect):
    assert (suspect(np.full((1, 84, 84, 1), 7, np.uint8)) == 7).all()


@mutant("10.3", part="proof", says="acquits everything, the book's history too: on frame of shape (1, 84, 84, 1)")
def the_sum_only(suspect):
    assert suspect(spark()).sum() == 4 * 255


@mutant("10.3", part="proof", says="no assert of yours objects")
def the_shape_only(suspect):
    observation = suspect(spark())
    assert observation.shape == (84, 84, 4) and observation.dtype == np.uint8


@mutant(
    "10.3",
    part="proof",
    says="swaps rows and columns: the bug does not show on frame of shape (1, 84, 84, 1) lit at (0, 10, 10, 0): light a pixel",
)
def on_the_diagonal(suspect):
    assert suspect(spark(10, 10))[10, 10].all()


@mutant("10.3", part="proof", says="condemns everything, right implementations too: frames joined along the last axis")
def wants_one_channel(suspect):
    assert (suspect(spark()) > 0).sum() == 1


@mutant("10.3", part="proof", says="condemns a right implementation: a stack with its axis moved")
def wants_memory_in_order(suspect):
    observation = suspect(spark())
    assert observation.flags["C_CONTIGUOUS"] and observation[10, 20].all()


@mutant("10.3", part="proof", says="your proof broke down with")
def a_flat_frame(suspect):
    assert suspect(spark()[0, :, :, 0])[10, 20].all()


mutant("10.3", part="mend", says="yours is lit at (10, 5), (10, 26), (10, 47), (10, 68): a reshape deals")(museum.restart_book)
mutant("10.3", part="mend", says="deals the pixels out anew")(museum.restart_reshape)


@mutant("10.3", part="mend", says="the leading axis of 1 is still there")
def keeps_the_axis(frame):
    return np.concatenate([frame] * 4, axis=-1)


@mutant("10.3", part="mend", says="channels come last")
def channels_first(frame):
    return np.stack([frame[0, :, :, 0]] * 4)


@mutant("10.3", part="mend", says="must be uint8")
def floats(frame):
    return museum.restart_right(frame).astype(np.float32)


@mutant("10.3", part="mend", says="must be uint8, as the frame is; yours is uint16")
def wide_numbers(frame):
    return museum.restart_right(frame).astype(np.uint16)


@mutant("10.3", part="mend", says="yours is lit at no pixel")
def empty_history(frame):
    return np.zeros((84, 84, 4), np.uint8)


@mutant("10.3", part="mend", says="the observation is a view of the frame")
def a_view(frame):
    return np.broadcast_to(frame[0], (84, 84, 4))


@mutant("10.3", part="mend", says="random pixels")
def black_and_white(frame):
    return np.where(museum.restart_right(frame) > 0, 255, 0).astype(np.uint8)


@mutant("10.3", part="proof", says="each row is of one grey")
def a_lit_row(suspect):
    frame = np.zeros((1, 84, 84, 1), np.uint8)
    frame[0, 10] = 255
    assert (suspect(frame)[10] == 255).all()


@mutant("10.3", part="proof", says="swaps rows and columns: on frame of shape (1, 84, 84, 1) it gives 77.0 at (0, 1, 0) where 130.0")
def channels_alike(suspect):
    observation = suspect(np.random.default_rng(0).integers(0, 256, (1, 84, 84, 1), dtype=np.uint8))
    assert (observation[..., 0] == observation[..., 3]).all()


@mutant("10.3", part="proof", says="it gives an array of shape (84, 84, 4) lit at (10, 5, 0), (10, 26, 0), (10, 47, 0), (10, 68, 0) where")
def lit_in_the_row(suspect):
    assert (suspect(spark())[10] == 255).any()


@mutant("10.3", part="mend", says="yours is lit at (20, 10): rows and columns are swapped")
def transposed(frame):
    return np.stack([frame[0, :, :, 0]] * 4).T


@mutant("10.3", part="mend", says="yours is lit at (10, 20), but only in channel 3")
def newest_only(frame):
    observation = np.zeros((84, 84, 4), np.uint8)
    observation[..., 3] = frame[0, ..., 0]
    return observation


@mutant("10.3", part="mend", says="they stand side by side; join them along the last axis")
def side_by_side(frame):
    return np.concatenate([frame] * 4, axis=2)[0]


@mutant("10.3", part="mend", says="np.stack makes a new axis; join along the one that is there")
def stacked_last(frame):
    return np.stack([frame] * 4, axis=-1)


@mutant("10.3", part="mend", says="yours has (84, 4, 84): channels come last")
def channels_between(frame):
    return np.moveaxis(np.stack([frame[0, ..., 0]] * 4), 0, 1)


@mutant("10.3", part="mend", says="changes the array that it is given: 255.0 at (0, 10, 20, 0) became 0.0")
def wipes_the_frame(frame):
    frame[...] = 0
    return np.repeat(frame[0], 4, axis=2)


# --- 10.4 -----------------------------------------------------------------------------------------------------------------------------


@mutant("10.4", part="proof", says="acquits everything, the memory of both stacks too: it holds 56,448 bytes a transition")
def size_of_the_shell(suspect):
    assert sys.getsizeof(suspect(30)) < 2 * 7056


@mutant("10.4", part="proof", says="acquits a memory that keeps one stack")
def too_generous(suspect):
    assert (bytes_held(suspect, 60) - bytes_held(suspect, 30)) / 30 < 5 * 7056


@mutant("10.4", part="proof", says="condemns a right implementation: a memory with 300 spare slots")
def one_size_only(suspect):
    assert bytes_held(suspect, 30) / 30 < 2 * 7056


@mutant("10.4", part="proof", says="condemns everything, right implementations too: a memory that keeps each frame once")
def not_a_byte_more(suspect):
    assert (bytes_held(suspect, 60) - bytes_held(suspect, 30)) / 30 <= 7056


@mutant("10.4", part="proof", says="acquits a memory that keeps each frame once, as floats: a float32 takes the room of four uint8")
def reads_the_code(suspect):
    assert not hasattr(suspect(30), "observations")


@mutant("10.4", part="proof", says="condemns everything, right implementations too")
def weighs_the_answer(suspect):
    memory = suspect(30)
    for t in range(3):
        memory.add(np.zeros((84, 84), np.uint8), t == 0)
    assert sum(stack.nbytes for stack in memory.transition(0)) < 2 * 7056


@mutant("10.4", part="proof", says="condemns a right implementation: a list of packed frames, which holds 7,100 bytes a transition")
def hardly_a_byte_more(suspect):
    assert (bytes_held(suspect, 60) - bytes_held(suspect, 30)) / 30 <= 7090


@mutant("10.4", part="proof", says="your proof broke down with AttributeError")
def asks_for_nbytes(suspect):
    assert suspect(60).nbytes < 60 * 2 * 7056


mutant("10.4", part="mend", says="still holds 8.0 frames for each new one")(museum.BothStacks)
mutant("10.4", part="mend", says="still holds 4.0 frames for each new one")(museum.OneStack)
mutant("10.4", part="mend", says="must be uint8; yours are of float32")(museum.FloatFrames)


def stored(name, says, **methods):
    mutant("10.4", part="mend", says=says, name=name)(type(name, (museum.FrameMemoryRight,), methods))


def across_games(self, t):
    five = np.moveaxis(self.frames[np.maximum(np.arange(t - 3, t + 2), 0)], 0, -1)
    return five[..., :4], five[..., 1:]


def without_history(self, t):
    five = np.moveaxis(self.frames[np.arange(t - 3, t + 2)], 0, -1)
    return five[..., :4], five[..., 1:]


def newest_first(self, t):
    before, after = museum.FrameMemoryRight.transition(self, t)
    return before[..., ::-1], after[..., ::-1]


def newest_four_times(self, t):
    before, after = (np.repeat(self.frames[n][..., None], 4, axis=2) for n in (t, t + 1))
    return before, after


def channels_in_front(self, t):
    return tuple(np.moveaxis(stack, -1, 0) for stack in museum.FrameMemoryRight.transition(self, t))


def only_before(self, t):
    return museum.FrameMemoryRight.transition(self, t)[0]


def same_twice(self, t):
    before, _ = museum.FrameMemoryRight.transition(self, t)
    return before, before


def mixed_up(self, t):
    first = np.flatnonzero(self.starts[: t + 1])[-1]
    five = self.frames[np.maximum(np.arange(t - 3, t + 2), first)]
    return five[:4].reshape(84, 84, 4), five[1:].reshape(84, 84, 4)


def keeps_the_buffer(self, frame, starts):
    self.kept = [*getattr(self, "kept", []), frame]
    self.starts[self.count] = starts
    self.count += 1
    self.frames = self


def overwritten(self, t):
    stack = np.repeat(self.kept[t][..., None], 4, axis=2)
    return stack, stack


stored("across_games", "a stack reaches into the game before", transition=across_games)
stored("without_history", "an empty slot; the first frame of a game stands in", transition=without_history)
stored("newest_first", "the newest frame comes last", transition=newest_first)
stored("newest_four_times", "all four are the newest frame", transition=newest_four_times)
stored("channels_in_front", "channels come last", transition=channels_in_front)
stored("only_before", "must return two stacks, before and after; yours returns a ndarray", transition=only_before)
stored("same_twice", "transition(4) must hold frames [12, 13, 14, 15]; yours holds [11, 12, 13, 14]", transition=same_twice)
stored("mixed_up", "its pixels are mixed up", transition=mixed_up)
stored("keeps_the_buffer", "which it overwrites; keep a copy", add=keeps_the_buffer, transition=overwritten)


def one_too_early(self, t):
    first = np.flatnonzero(self.starts[: t + 1])[-1]
    five = np.moveaxis(self.frames[np.maximum(np.arange(t - 4, t + 1), first)], 0, -1)
    return five[..., :4], five[..., 1:]


def last_start_of_all(self, t):
    five = np.moveaxis(self.frames[np.maximum(np.arange(t - 3, t + 2), np.flatnonzero(self.starts)[-1])], 0, -1)
    return five[..., :4], five[..., 1:]


def never_counts(self, frame, starts):
    self.frames[0], self.starts[0] = frame, True


stored("one_too_early", "that is one frame too early; the newest of them is frame t", transition=one_too_early)
stored("last_start_of_all", "reaches into the game behind; look for the last start up to t", transition=last_start_of_all)
stored("never_counts", "nothing was kept there; does `add` count on?", add=never_counts)
stored(
    "next_one_first",
    "that is one frame later; the observation comes first",
    transition=lambda self, t: museum.FrameMemoryRight.transition(self, t)[::-1],
)


@mutant("10.4", part="proof", says="acquits a memory that keeps each frame twice: that is two for each new one; divide the growth")
def divides_by_all(suspect):
    assert (bytes_held(suspect, 60) - bytes_held(suspect, 30)) / 60 < 2 * 7056


@mutant("10.4", part="mend", says="whoever writes into an observation writes into your memory")
class ViewsOfFrames:
    """Two frames' room, which is granted, and windows on it."""

    def __init__(self, capacity):
        self.frames = np.zeros((84, 84, capacity + 8), np.uint8)
        self.count, self.place, self.places = 0, 0, []

    def add(self, frame, starts):
        if starts:
            if self.places:
                self.frames = np.concatenate([self.frames, np.zeros((84, 84, 3), np.uint8)], axis=2)
            self.frames[..., self.place : self.place + 4] = frame[..., None]
            self.place += 4
        else:
            self.frames[..., self.place] = frame
            self.place += 1
        self.places.append(self.place)

    def transition(self, t):
        place = self.places[t]
        return self.frames[..., place - 4 : place], self.frames[..., place - 3 : place + 1]


@mutant("10.4", part="mend", says="yours has no transition")
class OnlyAdds:
    def __init__(self, capacity):
        self.frames = []

    def add(self, frame, starts):
        self.frames.append(frame)


# --- 10.5 -----------------------------------------------------------------------------------------------------------------------------


@mutant("10.5", part="proof", says="acquits everything, the book's comment, {'right': 3, 'left': 2} too: sent 3, the paddle goes left")
def moves_at_all(suspect):
    assert paddle_shift(suspect["right"]) != 0 or paddle_shift(suspect["left"]) != 0


@mutant("10.5", part="proof", says="acquits {'right': 2, 'left': 2}: its left moves right")
def tries_right_only(suspect):
    assert paddle_shift(suspect["right"]) > 0


@mutant("10.5", part="proof", says="acquits {'right': 3, 'left': 3}: its right moves left")
def tries_left_only(suspect):
    assert paddle_shift(suspect["left"]) < 0


@mutant("10.5", part="proof", says="condemns a right implementation: {'right': 2, 'left': 3}, which sends the paddle where its names say")
def takes_the_agents_numbers(suspect):
    assert suspect["right"] == 3


@mutant("10.5", part="proof", says="condemns everything, right implementations too")
def signs_swapped_and_sides_too(suspect):
    assert paddle_shift(suspect["right"]) < -200


@mutant("10.5", part="proof", says="your proof broke down with KeyError")
def wants_stay(suspect):
    assert paddle_shift(suspect["stay"]) == 0


@mutant("10.5", part="proof", says="acquits {'stay': 0, 'left': 2, 'right': 3}: the same swap in another order")
def only_tables_of_two(suspect):
    assert len(suspect) == 3 or (paddle_shift(suspect["right"]) > 0 > paddle_shift(suspect["left"]))


@mutant("10.5", part="proof", says="is the same table with one entry more, in NumPy's numbers")
def python_numbers_only(suspect):
    assert type(suspect["left"]) is int and paddle_shift(suspect["right"]) > 0 > paddle_shift(suspect["left"])


@mutant("10.5", part="proof", says="acquits {'right': 2, 'left': 0}: its left stays; it must go left")
def compares_the_two(suspect):
    assert paddle_shift(suspect["right"]) > paddle_shift(suspect["left"])


@mutant("10.5", part="proof", says="acquits {'right': 1, 'left': 3}: its right stays; it must go right")
def right_may_stay(suspect):
    assert paddle_shift(suspect["right"]) >= 0 > paddle_shift(suspect["left"])


@mutant("10.5", part="mend", says="yours is {'right': 4, 'left': 8}: both move it as they should, but not farthest")
def the_last_that_moves(numbers, paddle_shift):
    table = {}
    for number in numbers:
        if shift := paddle_shift(number):
            table["right" if shift > 0 else "left"] = number
    return table


@mutant("10.5", part="mend", says="that is how far the paddle moves; return the numbers that move it")
def shifts_themselves(numbers, paddle_shift):
    shifts = [paddle_shift(number) for number in numbers]
    return {"right": max(shifts), "left": min(shifts)}


@mutant("10.5", part="mend", says="those are the largest and the smallest number")
def without_the_key(numbers, paddle_shift):
    return {"right": max(numbers), "left": min(numbers)}


@mutant("10.5", part="mend", says="the shift's size alone; its sign says left or right")
def without_the_sign(numbers, paddle_shift):
    sizes = {number: abs(paddle_shift(number)) for number in numbers}
    return {"right": max(sizes, key=sizes.get), "left": min(sizes, key=sizes.get)}


@mutant("10.5", part="mend", says="`paddle_shift` measures one number at a time")
def calls_it_with_all(numbers, paddle_shift):
    return {"right": max(numbers, key=paddle_shift(numbers)), "left": 3}


@mutant("10.5", part="mend", says="asks about 2, in a game whose numbers are [0, 1, 3, 4]; use `numbers`")
def four_numbers(numbers, paddle_shift):
    return {"right": max(range(4), key=paddle_shift), "left": min(range(4), key=paddle_shift)}


@mutant("10.5", part="mend", says="changes the list that it is given: [0, 1, 2, 3] became [3, 0, 1, 2]")
def sorts_in_place(numbers, paddle_shift):
    numbers.sort(key=paddle_shift)
    return {"right": numbers[-1], "left": numbers[0]}


@mutant("10.5", part="mend", says="those are Breakout's own numbers")
def by_heart(numbers, paddle_shift):
    return {"right": 2, "left": 3}


@mutant("10.5", part="mend", says="left and right are swapped")
def sides_swapped(numbers, paddle_shift):
    return {"right": min(numbers, key=paddle_shift), "left": max(numbers, key=paddle_shift)}


@mutant("10.5", part="mend", says="those are places in the list")
def places(numbers, paddle_shift):
    shifts = [paddle_shift(number) for number in numbers]
    return {"right": int(np.argmax(shifts)), "left": int(np.argmin(shifts))}


@mutant("10.5", part="mend", says='return a dictionary with "right" and "left"; yours is a tuple')
def a_tuple(numbers, paddle_shift):
    return max(numbers, key=paddle_shift), min(numbers, key=paddle_shift)


@mutant("10.5", part="mend", says="yours is a dictionary with ['left', 'right', 'stay']")
def with_stay(numbers, paddle_shift):
    return {"stay": 1, "right": max(numbers, key=paddle_shift), "left": min(numbers, key=paddle_shift)}


@mutant("10.5", part="mend", says="the table must be {'right': 4, 'left': 3}; yours is {'right': 1, 'left': 3}")
def the_first_that_moves(numbers, paddle_shift):
    return {
        "right": next(number for number in numbers if paddle_shift(number) > 0),
        "left": next(number for number in numbers if paddle_shift(number) < 0),
    }


# --- 10.6 -----------------------------------------------------------------------------------------------------------------------------

LOSSES = np.array([[1.0], [5.0], [3.0]])
LOUD = np.array([[1.0], [500.0], [3.0]])
MASK = np.array([1.0, 0.0, 1.0])


@mutant("10.6", part="proof", says="with one sample there is no table")
def one_masked_sample(suspect):
    assert suspect(LOSSES[:1], MASK[:1]) == 1.0


@mutant("10.6", part="proof", says="every sample counts, so there is nothing that a mask could hide")
def all_bits_set(suspect):
    suspect_by_rows = suspect(LOSSES[:2] * 0, np.ones(2))
    assert suspect_by_rows == 0


@mutant("10.6", part="proof", says="where 2.0 is right, and no assert of yours objects")
def shouts_where_it_counts(suspect):
    louder = LOSSES + np.array([[100.0], [0.0], [0.0]])
    assert suspect(LOSSES, MASK) != suspect(louder, MASK)


@mutant("10.6", part="proof", says="losses of shape [B] make no table")
def flat_losses(suspect):
    try:
        assert np.isclose(suspect(LOSSES[:, 0], MASK), 2.0)
    except (IndexError, ValueError, AttributeError):
        pass
    except AssertionError:
        pass


@mutant("10.6", part="proof", says="condemns everything, right implementations too: a loop over the samples that count")
def wants_the_sum(suspect):
    assert np.isclose(suspect(LOSSES, MASK), 4.0)


@mutant("10.6", part="proof", says="acquits the mean of the table over the mean of the mask")
def catches_large_sums_only(suspect):
    assert suspect(np.array([[0.0], [5.0], [0.0]]), MASK) < 4


mutant("10.6", part="mend", says="the mask still cancels")(museum.masked_mean_review)
mutant("10.6", part="mend", says="as if there were no mask")(museum.masked_mean_of_table)


@mutant("10.6", part="mend", says="not by all 3")
def divided_by_the_batch(losses, mask):
    return (losses[:, 0] * mask).mean()


@mutant("10.6", part="mend", says="that is the sum of those that count")
def masked_sum(losses, mask):
    return (losses[:, 0] * mask).sum()


@mutant("10.6", part="mend", says="the mask is the wrong way round")
def mask_turned_round(losses, mask):
    return (losses[:, 0] * (1 - mask)).sum() / (1 - mask).sum()


@mutant("10.6", part="mend", says="a table of shape (3, 3) is still there; divided by B")
def table_over_batch(losses, mask):
    return (losses * mask).sum() / len(losses)


@mutant("10.6", part="mend", says="yours is an array of shape (3, 3)")
def the_table_itself(losses, mask):
    return losses * mask / mask.sum()


@mutant("10.6", part="mend", says="for one loss of 2 that counts")
def drops_single_samples(losses, mask):
    return museum.masked_mean_right(losses, mask) if len(mask) > 1 else 0.0


@mutant("10.6", part="mend", says="for 16 random losses the masked mean")
def first_three_only(losses, mask):
    return museum.masked_mean_right(losses[:3], mask[:3])


@mutant("10.6", part="proof", says="all losses are the same, and so is their mean")
def equal_losses(suspect):
    assert np.isclose(suspect(np.ones((3, 1)), MASK), 1.0)


@mutant("10.6", part="proof", says="the mask is [B], without a second axis")
def mask_as_a_column(suspect):
    assert np.isclose(suspect(LOSSES, MASK[:, None]), 2.0)


@mutant("10.6", part="proof", says="there is no mean of nothing")
def empty_mask(suspect):
    assert not suspect(LOSSES, np.zeros(3)) > 0


@mutant("10.6", part="proof", says="0 times infinity is nan, so ask with large numbers, but finite ones")
def shouts_without_end(suspect):
    assert np.isfinite(suspect(np.array([[1.0], [np.inf], [3.0]]), MASK))


@mutant("10.6", part="mend", says="a loss of 0 counts, too; count the bits")
def counts_what_is_left(losses, mask):
    masked = losses[:, 0] * mask
    return masked[masked > 0].mean()


@mutant("10.6", part="mend", says="bits are places, 1, 0 and 1; choose with `mask == 1`")
def bits_as_places(losses, mask):
    return losses[mask.astype(int)].mean()


# --- 10.7 -----------------------------------------------------------------------------------------------------------------------------

ERRORS = np.array([[1.0, 1.0], [3.0, 3.0]])


@mutant("10.7", part="proof", says="every sample counts for every head; set one bit to 0")
def all_heads_learn(suspect):
    assert np.allclose(suspect(ERRORS, np.ones((2, 2))), 2.5)


@mutant("10.7", part="proof", says="all errors of a head are equally large")
def equal_errors(suspect):
    assert np.allclose(suspect(np.full((2, 2), 2.0), np.eye(2)), 2.0)


@mutant("10.7", part="proof", says="no assert of yours objects")
def the_shape_of_the_losses(suspect):
    assert suspect(ERRORS, np.eye(2)).shape == (2,)


@mutant("10.7", part="proof", says="with one sample the mean of all is that sample")
def one_sample(suspect):
    assert np.allclose(suspect(np.array([[1.0, -3.0]]), np.ones((1, 2))), [0.5, 4.5])


@mutant("10.7", part="proof", says="acquits the same with a guard for heads that nobody teaches")
def looks_for_nan_only(suspect):
    assert not np.isnan(suspect(ERRORS, np.array([[1.0, 0.0], [1.0, 0.0]]))).any()


@mutant("10.7", part="proof", says="condemns everything, right implementations too: a loop over the heads")
def nudges_what_counts(suspect):
    assert np.array_equal(suspect(ERRORS, np.eye(2)), suspect(ERRORS + np.eye(2), np.eye(2)))


mutant("10.7", part="mend", says="your third is NaN")(museum.head_losses_public)
mutant("10.7", part="mend", says="still the mean over all samples: reduced before it was masked")(museum.head_losses_guarded)


@mutant("10.7", part="mend", says="your third is NaN")
def divides_by_zero(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=0) / masks.sum(axis=0)


@mutant("10.7", part="mend", says="the mask cancels")
def no_mask(errors, masks):
    return (0.5 * errors**2).mean(axis=0)


@mutant("10.7", part="mend", says="not by the whole batch")
def mean_of_the_masked(errors, masks):
    return (0.5 * errors**2 * masks).mean(axis=0)


@mutant("10.7", part="mend", says="that is a sum; divide by the number that count")
def sum_of_the_masked(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=0)


@mutant("10.7", part="mend", says="half the square, please")
def without_half(errors, masks):
    return 2 * museum.head_losses_right(errors, masks)


@mutant("10.7", part="mend", says="each head has a count of its own")
def one_count_for_all(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=0) / masks.sum()


@mutant("10.7", part="mend", says="the masks are the wrong way round")
def masks_turned_round(errors, masks):
    return museum.head_losses_right(errors, 1 - masks)


@mutant("10.7", part="mend", says="keep one loss for each head")
def one_number(errors, masks):
    return museum.head_losses_right(errors, masks).mean()


@mutant("10.7", part="mend", says="one loss for each sample; sum over the batch")
def other_axis(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=1) / masks.sum(axis=1)


@mutant("10.7", part="mend", says="must have shape (3,); yours has (2, 3): sum over the batch")
def not_reduced(errors, masks):
    return 0.5 * errors**2 * masks


@mutant("10.7", part="mend", says="changes the array that it is given")
def squares_in_place(errors, masks):
    errors *= errors
    return (0.5 * errors * masks).sum(axis=0) / np.maximum(masks.sum(axis=0), 1)


@mutant("10.7", part="mend", says="for random errors [16, 5], the first two rows all 0, the heads' losses")
def first_two_only(errors, masks):
    return museum.head_losses_right(errors[:2], masks[:2])


@mutant("10.7", part="proof", says="no head has both, a sample that counts and one that does not")
def all_or_nothing(suspect):
    assert not np.isnan(suspect(ERRORS, np.array([[1.0, 0.0], [1.0, 0.0]]))).any()


@mutant("10.7", part="proof", says="masks are [B, K], a bit for each error")
def one_bit_a_sample(suspect):
    assert np.allclose(suspect(ERRORS, np.array([1.0, 0.0])), 0.5)


@mutant("10.7", part="mend", says="the 1 is for heads without a sample only: np.maximum, not +")
def one_too_many_counted(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=0) / (masks.sum(axis=0) + 1)


@mutant("10.7", part="mend", says="square each error first, then take the mean")
def squares_the_mean(errors, masks):
    return 0.5 * ((errors * masks).sum(axis=0) / np.maximum(masks.sum(axis=0), 1)) ** 2


@mutant("10.7", part="mend", says="square each error first, then sum")
def squares_the_sum(errors, masks):
    return 0.5 * (errors * masks).sum(axis=0) ** 2 / np.maximum(masks.sum(axis=0), 1)


@mutant("10.7", part="mend", says="yours is [1.0, 4.0, 0.0]: half the square, please")
def sizes_only(errors, masks):
    return (np.abs(errors) * masks).sum(axis=0) / np.maximum(masks.sum(axis=0), 1)


@mutant("10.7", part="mend", says="no sample counts for the third head, so its loss is 0")
def mean_for_the_idle(errors, masks):
    return np.where(masks.any(axis=0), museum.head_losses_right(errors, masks), (0.5 * errors**2).mean(axis=0))


@mutant("10.7", part="mend", says="the batch's axis is still there, with one entry")
def keeps_the_batch(errors, masks):
    return museum.head_losses_right(errors, masks)[None]


@mutant("10.7", part="mend", says="an error of 0 counts, too; count the bits")
def counts_errors(errors, masks):
    return (0.5 * errors**2 * masks).sum(axis=0) / np.maximum(np.count_nonzero(errors * masks, axis=0), 1)


# --- 10.8 -----------------------------------------------------------------------------------------------------------------------------

REWARD, GOING_ON, OVER = np.array([1.0]), np.array([False]), np.array([True])
LOW, HIGH = np.array([[2.0, 4.0]]), np.array([[20.0, 40.0]])


@mutant("10.8", part="proof", says="both networks say the same")
def same_networks(suspect):
    assert suspect(REWARD, GOING_ON, LOW, LOW, 0.5) == 3.0


@mutant("10.8", part="proof", says="all its games are over, so no network is asked")
def games_over(suspect):
    assert suspect(REWARD, OVER, LOW, HIGH, 0.5) == 1.0


@mutant("10.8", part="proof", says="with discount 0 no network is asked")
def no_discount(suspect):
    assert suspect(REWARD, GOING_ON, LOW, HIGH, 0.0) == 1.0


@mutant("10.8", part="proof", says="discount 0.5: it follows the online network upwards only")
def moves_it_downwards(suspect):
    assert suspect(REWARD, GOING_ON, LOW, HIGH, 0.5) == suspect(REWARD, GOING_ON, LOW / 2, HIGH, 0.5)
    assert suspect(REWARD, GOING_ON, LOW, HIGH, 0.5) != suspect(REWARD, GOING_ON, LOW, HIGH * 2, 0.5)


@mutant("10.8", part="proof", says="acquits one that follows neither network")
def online_only(suspect):
    assert suspect(REWARD, GOING_ON, LOW, LOW, 0.5) == suspect(REWARD, GOING_ON, HIGH, LOW, 0.5)


@mutant("10.8", part="proof", says="acquits the mean of both networks")
def target_only(suspect):
    assert suspect(REWARD, GOING_ON, LOW, LOW, 0.5) != suspect(REWARD, GOING_ON, LOW, HIGH, 0.5)


@mutant("10.8", part="proof", says="condemns a right implementation: a loop over the transitions")
def target_must_stand_still(suspect):
    assert suspect(REWARD, GOING_ON, LOW, LOW, 0.5) == suspect(REWARD, GOING_ON, HIGH, HIGH, 0.5)


@mutant("10.8", part="proof", says="condemns everything, right implementations too: a loop over the transitions")
def forgets_the_reward(suspect):
    assert suspect(REWARD, GOING_ON, LOW, LOW, 0.5) == 2.0


mutant("10.8", part="mend", says="still bootstraps from the online network")(museum.td_targets_review)


@mutant("10.8", part="mend", says="that is Double DQN")
def double_dqn(rewards, terminated, next_online, next_target, discount):
    chosen = next_online.argmax(axis=1)
    return rewards + discount * ~terminated * next_target[np.arange(len(rewards)), chosen]


@mutant("10.8", part="mend", says="nothing follows where a game is over")
def never_over(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * next_target.max(axis=1)


@mutant("10.8", part="mend", says="`terminated` is the wrong way round")
def over_turned_round(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * terminated * next_target.max(axis=1)


@mutant("10.8", part="mend", says="the maximum, not the mean")
def averages(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * next_target.mean(axis=1)


@mutant("10.8", part="mend", says="discount the value of what follows")
def without_discount(rewards, terminated, next_online, next_target, discount):
    return rewards + next_target.max(axis=1)


@mutant("10.8", part="mend", says="must have shape (3,); yours has (3, 3): a table again, as in room 1")
def for_each_action(rewards, terminated, next_online, next_target, discount):
    return rewards[:, None] + discount * ~terminated[:, None] * next_target


@mutant("10.8", part="mend", says="that is the larger of both networks")
def larger_of_both(rewards, terminated, next_online, next_target, discount):
    return museum.td_targets_larger(rewards, terminated, next_online, next_target, discount)


@mutant("10.8", part="mend", says="one target for each transition: the maximum over axis 1")
def best_of_the_batch(rewards, terminated, next_online, next_target, discount):
    return np.max(rewards + discount * ~terminated * next_target.max(axis=1))


@mutant("10.8", part="mend", says="for 8 random transitions the targets")
def no_negative_values(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated * np.maximum(next_target.max(axis=1), 1.0)


def following(name, says, value):
    """A mend whose targets hold value(next_online, next_target) for what follows."""

    def answer(rewards, terminated, next_online, next_target, discount):
        return rewards + discount * ~terminated * value(next_online, next_target)

    mutant("10.8", part="mend", says=says, name=name)(answer)


following("smaller_of_both", "that is the smaller of both networks", lambda online, target: np.minimum(online, target).max(axis=1))
following(
    "online_values", "the target network only chooses here", lambda online, target: online[np.arange(len(target)), target.argmax(axis=1)]
)
following("worst", "the maximum, not the minimum", lambda online, target: target.min(axis=1))
following("all_actions", "the maximum, not the sum", lambda online, target: target.sum(axis=1))
following("place_of_the_best", "argmax is the place of the best value", lambda online, target: target.argmax(axis=1))
following("over_the_batch", "that is the maximum over the batch, axis 0", lambda online, target: target.max(axis=0))
following("one_for_all", "that is one maximum for the whole batch", lambda online, target: target.max())
following("as_in_torch", "all get the first transition's maximum", lambda online, target: target.max(axis=1)[0])


@mutant("10.8", part="mend", says="the reward is missing")
def without_reward(rewards, terminated, next_online, next_target, discount):
    return discount * ~terminated * next_target.max(axis=1)


@mutant("10.8", part="mend", says="where a game is over nothing follows, but its reward counts")
def last_reward_lost(rewards, terminated, next_online, next_target, discount):
    return (rewards + discount * next_target.max(axis=1)) * ~terminated


@mutant("10.8", part="mend", says="the reward itself is not discounted")
def reward_discounted(rewards, terminated, next_online, next_target, discount):
    return discount * (rewards + ~terminated * next_target.max(axis=1))


@mutant("10.8", part="mend", says="`~` turns bools only: ~1 is -2")
def tilde_of_integers(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * ~terminated.astype(int) * next_target.max(axis=1)


@mutant("10.8", part="mend", says="yours is [7.0, 2.0, 9.0]: discount the value of what follows")
def undiscounted_until_the_end(rewards, terminated, next_online, next_target, discount):
    return rewards + ~terminated * next_target.max(axis=1)


@mutant("10.8", part="mend", says="one target for each transition, also where the game is over")
def only_those_that_go_on(rewards, terminated, next_online, next_target, discount):
    return (rewards + discount * next_target.max(axis=1))[~terminated]


@mutant("10.8", part="mend", says="your code asks a whole array for one truth value")
def not_an_array(rewards, terminated, next_online, next_target, discount):
    return rewards + discount * (not terminated) * next_target.max(axis=1)


# --- 10.9 -----------------------------------------------------------------------------------------------------------------------------

TWO = np.array([[1.0, 3.0]], np.float32)


@mutant("10.9", part="proof", says="acquits torch's smooth L1: the bug does not show on errors [[1.0, 3.0]], delta 1.0: at delta 1")
def delta_one(suspect):
    losses = suspect(TWO, 1.0)
    assert np.shape(losses) == (1, 2) and np.allclose(losses, [[0.5, 2.5]])


@mutant("10.9", part="proof", says="acquits torch's smooth L1: on errors [[1.0, 3.0]], delta 2.0 it gives [[0.25, 2.0]] where")
def shape_only(suspect):
    assert np.shape(suspect(TWO, 2.0)) == (1, 2)


@mutant("10.9", part="proof", says="acquits Keras's Huber without reduction")
def one_error(suspect):
    assert np.allclose(suspect(np.array([[3.0]], np.float32), 2.0), 4.0)


@mutant("10.9", part="proof", says="or all alike, their mean is each of them")
def equal_errors_in_a_row(suspect):
    losses = suspect(np.array([[3.0, 3.0]], np.float32), 2.0)
    assert np.shape(losses) == (1, 2) and np.allclose(losses, 4.0)


@mutant("10.9", part="proof", says="acquits the mean of the last axis, spread out again")
def shape_and_sum(suspect):
    losses = suspect(TWO, 2.0)
    assert np.shape(losses) == (1, 2) and np.isclose(np.sum(losses), 4.5)


@mutant("10.9", part="proof", says="your proof broke down with IndexError")
def number_before_shape(suspect):
    assert np.isclose(suspect(TWO, 2.0)[0, 1], 4.0)


@mutant("10.9", part="proof", says="condemns a right implementation: a loop over the errors; asked with errors [[1.0, 3.0]], delta 2.0")
def wants_float32(suspect):
    losses = suspect(TWO, 2.0)
    assert losses.dtype == np.float32 and np.shape(losses) == (1, 2) and np.allclose(losses, [[0.5, 4.0]])


@mutant("10.9", part="proof", says="condemns everything, right implementations too: torch's Huber loss")
def wants_one_number(suspect):
    assert np.ndim(suspect(TWO, 2.0)) == 0


mutant("10.9", part="mend", says="must have shape (2, 3); yours has (2,): the last axis was averaged")(museum.huber_keras)
mutant("10.9", part="mend", says="that is smooth L1")(museum.huber_smooth_l1)
mutant("10.9", part="mend", says="each row holds its own mean")(museum.huber_mean_spread)


@mutant("10.9", part="mend", says="delta is ignored")
def ignores_delta(errors, delta):
    return museum.huber_right(errors, 1.0)


@mutant("10.9", part="mend", says="that is the parabola everywhere")
def parabola(errors, delta):
    return 0.5 * errors**2


@mutant("10.9", part="mend", says="twice too much")
def twice(errors, delta):
    return 2 * museum.huber_right(errors, delta)


@mutant("10.9", part="mend", says="all errors were averaged; reduce nothing")
def mean_of_all(errors, delta):
    return museum.huber_right(errors, delta).mean()


@mutant("10.9", part="mend", says="for the errors [1, -3, 0] alone the losses")
def rows_only(errors, delta):
    return museum.huber_right(errors, delta) + (np.ndim(errors) == 1)


@mutant("10.9", part="proof", says="acquits half the square, whatever delta is: the bug does not show on errors [[0.5, 1.0]], delta 2.0: no")
def small_errors_only(suspect):
    errors = np.array([[0.5, 1.0]], np.float32)
    losses = suspect(errors, 2.0)
    assert np.shape(losses) == (1, 2) and np.allclose(losses, 0.5 * errors**2)


@mutant("10.9", part="mend", says="the parabola is right, the line is not")
def slope_one(errors, delta):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, size - 0.5 * delta)


@mutant("10.9", part="mend", says="that is the line everywhere; within delta it is half the square")
def line_everywhere(errors, delta):
    return delta * (np.abs(errors) - 0.5 * delta)


@mutant("10.9", part="mend", says="parabola and line have changed places")
def branches_swapped(errors, delta):
    size = np.abs(errors)
    return np.where(size > delta, 0.5 * size**2, delta * (size - 0.5 * delta))


@mutant("10.9", part="mend", says="an error of -3 is a large one; compare its size")
def without_abs(errors, delta):
    return np.where(errors <= delta, 0.5 * errors**2, delta * (errors - 0.5 * delta))


@mutant("10.9", part="mend", says="that is the gradient; the loss is asked for")
def gradient(errors, delta):
    return np.clip(errors, -delta, delta)


@mutant("10.9", part="mend", says="the axis that you added is still there; take it off again")
def axis_left(errors, delta):
    return museum.huber_right(errors, delta)[..., None]
