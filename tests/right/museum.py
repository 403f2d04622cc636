"""Right answers to lesson 10 in other styles: proofs that ask other questions, and mends by other means."""

import functools
import itertools
import tracemalloc
import zlib
from collections import deque

import numpy as np

from course_lib.checks.museum import bytes_held, paddle_shift
from tests.right import right

# --- 10.1 -----------------------------------------------------------------------------------------------------------------------------


@right("10.1", part="proof")
def compares_with_a_known_number(suspect):
    got = suspect(np.array([1.0, 2.0, 4.0]), np.array([[1.0], [2.0], [7.0]]))
    assert np.isclose(got, 3.0), f"the loss must be 3, yours is {got}"


@right("10.1", part="proof")
def draws_perfect_values(suspect):
    rng = np.random.default_rng(0)
    for size in (2, 5, 40):
        returns = rng.normal(size=size)
        if not np.isclose(suspect(returns, returns.reshape(-1, 1)), 0.0, atol=1e-6):
            raise AssertionError("perfect values must cost nothing")


@right("10.1", part="proof")
def compares_with_a_loop(suspect):
    returns, values = np.array([0.5, -3.0]), np.array([[2.0], [1.0]])
    expected = 0.0
    for i in range(2):
        expected += (returns[i] - values[i][0]) ** 2
    np.testing.assert_allclose(suspect(returns=returns, values=values), expected / 2, rtol=1e-5)


@right("10.1", part="proof")
def prefers_perfect_values_to_their_mean(suspect):
    returns = np.array([0.0, 10.0])
    perfect, blurred = suspect(returns, returns[:, np.newaxis]), suspect(returns, np.array([[5.0], [6.0]]))
    assert perfect < 0.001 * blurred


@right("10.1", part="mend")
def loss_by_loop(returns, values):
    total = 0.0
    for i in range(len(returns)):
        total += (returns[i] - values[i, 0]) ** 2
    return total / len(returns)


@right("10.1", part="mend")
def loss_by_column(returns, values):
    return float(np.mean(np.square(returns[:, None] - values)))


@right("10.1", part="mend")
def loss_by_dot(returns, values):
    errors = returns - values.squeeze(axis=1)
    return np.dot(errors, errors) / errors.size


@right("10.1", part="mend")
def loss_by_torch(returns, values):
    import torch
    from torch.nn import functional as F

    return F.mse_loss(torch.tensor(values.flatten()), torch.tensor(np.array(returns))).item()


@right("10.1", part="mend")
def loss_by_norm(returns, values):
    return np.linalg.norm(returns - values.T) ** 2 / values.shape[0]


# --- 10.2 -----------------------------------------------------------------------------------------------------------------------------


@right("10.2", part="proof")
def knows_two_numbers(suspect):
    got = suspect(np.array([0.0, 1.0]), np.array([3.0, 7.0, 8.0]), False, 0.5)
    assert np.allclose(got, [2.5, 5.0])


@right("10.2", part="proof")
def moves_each_value(suspect):
    rewards, values = np.array([1.0, 0.0, 2.0]), np.array([5.0, 6.0, 7.0, 8.0])
    before = suspect(rewards, values, False, 0.9)
    for place in range(4):
        moved = values.copy()
        moved[place] += 1.0
        difference = suspect(rewards, moved, False, 0.9) - before
        assert np.allclose(difference, [0.9**3, 0.9**2, 0.9] if place == 3 else 0.0)


@right("10.2", part="proof")
def asks_about_one_step(suspect):
    got = suspect(np.array([2.0]), np.array([10.0, 20.0]), False, 0.5)
    assert abs(got[0] - 12.0) < 1e-6


@right("10.2", part="proof")
def plays_at_random(suspect):
    rng = np.random.default_rng(3)
    for steps in (1, 4, 9):
        rewards, values = rng.normal(size=steps), rng.normal(size=steps + 1)
        expected, following = [], values[-1]
        for reward in rewards[::-1]:
            following = reward + 0.8 * following
            expected.insert(0, following)
        np.testing.assert_allclose(suspect(rewards, values, False, 0.8), expected, atol=1e-6)


@right("10.2", part="mend")
def returns_by_powers(rewards, values, terminated, discount):
    steps = len(rewards)
    found = np.empty(steps)
    for t in range(steps):
        weights = discount ** np.arange(steps - t)
        found[t] = np.sum(weights * rewards[t:])
        if not terminated:
            found[t] += discount ** (steps - t) * values[-1]
    return found


@right("10.2", part="mend")
def returns_by_recursion(rewards, values, terminated, discount):
    def from_step(t):
        if t == len(rewards):
            return [0.0 if terminated else values[t]]
        later = from_step(t + 1)
        return [rewards[t] + discount * later[0], *later]

    return np.array(from_step(0)[:-1], dtype=float)


@right("10.2", part="mend")
def returns_accumulated(rewards, values, terminated, discount):
    start = values[-1] * (1 - terminated)
    backwards = itertools.accumulate(rewards[::-1], lambda following, reward: reward + discount * following, initial=start)
    return np.array(list(backwards)[1:])[::-1]


@right("10.2", part="mend")
def returns_in_a_longer_array(rewards, values, terminated, discount):
    returns = np.zeros(len(rewards) + 1)
    if not terminated:
        returns[-1] = values[-1]
    for t in range(len(rewards) - 1, -1, -1):
        returns[t] = rewards[t] + discount * returns[t + 1]
    return returns[:-1]


@right("10.2", part="mend")
def returns_by_deque(rewards, values, terminated, discount):
    found, total = deque(), (not terminated) * values[-1]
    for reward in reversed(rewards):
        total = total * discount + reward
        found.appendleft(total)
    return np.asarray(found, dtype=np.float32)


# --- 10.3 -----------------------------------------------------------------------------------------------------------------------------


@right("10.3", part="proof")
def looks_for_all_that_is_lit(suspect):
    frame = np.zeros((1, 84, 84, 1), dtype=np.uint8)
    frame[0, 3, 70, 0] = 255
    assert np.argwhere(suspect(frame)).tolist() == [[3, 70, channel] for channel in range(4)]


@right("10.3", part="proof")
def compares_every_channel(suspect):
    frame = np.random.default_rng(1).integers(0, 256, (1, 84, 84, 1)).astype(np.uint8)
    observation = suspect(frame)
    for channel in range(4):
        assert np.array_equal(observation[:, :, channel], frame[0, :, :, 0])


@right("10.3", part="proof")
def broadcasts_a_gradient(suspect):
    frame = (np.arange(84 * 84) % 251).astype(np.uint8).reshape(1, 84, 84, 1)
    np.testing.assert_array_equal(suspect(frame), np.broadcast_to(frame[0], (84, 84, 4)))


@right("10.3", part="mend")
def history_by_repeat(frame):
    return frame[0].repeat(4, axis=2)


@right("10.3", part="mend")
def history_by_loop(frame):
    history = np.zeros((84, 84, 4), np.uint8)
    for channel in range(4):
        history[..., channel] = frame[0, ..., 0]
    return history


@right("10.3", part="mend")
def history_by_stack(frame):
    return np.stack([np.squeeze(frame)] * 4, axis=-1)


@right("10.3", part="mend")
def history_by_tile(frame):
    return np.tile(frame, 4).reshape(84, 84, 4)


@right("10.3", part="mend")
def history_by_moveaxis(frame):
    return np.moveaxis(np.array([frame[0, :, :, 0] for _ in range(4)]), 0, -1)


@right("10.3", part="mend")
def history_by_broadcasting(frame):
    return frame[0] + np.zeros(4, np.uint8)


# --- 10.4 -----------------------------------------------------------------------------------------------------------------------------


@right("10.4", part="proof")
def fills_larger_ones(suspect):
    small, large = bytes_held(suspect, 20), bytes_held(suspect, 120)
    frames = (large - small) / 100 / 7056
    assert frames < 1.99, f"{frames:.1f} frames for each new one"


@right("10.4", part="proof")
def counts_by_itself(suspect):
    held = []
    for capacity in (10, 50):
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        memory = suspect(capacity)
        for t in range(capacity):
            memory.add(np.full((84, 84), t, np.uint8), starts=t == 0)
        held.append(tracemalloc.get_traced_memory()[0] - before)
        tracemalloc.stop()
        del memory
    if held[1] - held[0] >= 40 * 2 * 84 * 84:
        raise AssertionError


@right("10.4", part="proof")
def three_sizes(suspect):
    sizes = [16, 32, 64]
    slope = np.polyfit(sizes, [bytes_held(suspect, size) for size in sizes], 1)[0]
    assert round(slope) < 2 * 84 * 84


@right("10.4", part="mend")
class ListOfFrames:
    """Frames in a list; the place of each game's first frame is kept with every frame."""

    def __init__(self, capacity):
        self.frames, self.first = [], []

    def add(self, frame, starts):
        self.first.append(len(self.frames) if starts else self.first[-1])
        self.frames.append(np.array(frame))

    def transition(self, t):
        def stack(last):
            return np.stack([self.frames[max(last - back, self.first[t])] for back in (3, 2, 1, 0)], axis=-1)

        return stack(t), stack(t + 1)


@right("10.4", part="mend")
class FramesInBytes:
    """Packed frames in a dictionary, stacks by a loop backwards."""

    def __init__(self, capacity):
        self.packed = {}
        self.begins = set()

    def add(self, frame, starts):
        t = len(self.packed)
        self.packed[t] = zlib.compress(frame.tobytes())
        if starts:
            self.begins.add(t)

    def observe(self, t):
        stack = np.zeros((84, 84, 4), np.uint8)
        for channel in (3, 2, 1, 0):
            stack[:, :, channel] = np.frombuffer(zlib.decompress(self.packed[t]), np.uint8).reshape(84, 84)
            if t not in self.begins:
                t -= 1
        return stack

    def transition(self, t):
        return self.observe(t), self.observe(t + 1)


@right("10.4", part="mend")
class FramesAsChannels:
    """Frames along the last axis, the number of steps since a game's start beside them; hands out one array of both stacks."""

    def __init__(self, capacity):
        self.pictures = np.empty((84, 84, capacity), dtype=np.uint8)
        self.age = np.zeros(capacity, dtype=np.int32)
        self.size = 0

    def add(self, frame, starts):
        self.pictures[:, :, self.size] = frame
        self.age[self.size] = 0 if starts else self.age[self.size - 1] + 1
        self.size += 1

    def transition(self, t):
        pair = []
        for now in (t, t + 1):
            back = np.minimum([3, 2, 1, 0], self.age[now])
            pair.append(self.pictures[:, :, now - back])
        return np.array(pair)


@right("10.4", part="mend")
class GamesOfFrames:
    """A list of games, each a list of frames."""

    def __init__(self, capacity):
        self.games = []
        self.where = []

    def add(self, frame, starts):
        if starts:
            self.games.append([])
        self.where.append((len(self.games) - 1, len(self.games[-1])))
        self.games[-1].append(frame.copy())

    def transition(self, t):
        game, place = self.where[t]
        frames = [self.games[game][0]] * 3 + self.games[game][: place + 2]
        five = np.dstack(frames[-5:])
        return [five[:, :, :-1].copy(), five[:, :, 1:].copy()]


# --- 10.5 -----------------------------------------------------------------------------------------------------------------------------


@right("10.5", part="proof")
def compares_with_numbers(suspect):
    assert suspect["right"] == 2 and suspect["left"] == 3


@right("10.5", part="proof")
def measures_both(suspect):
    for name, sign in (("left", -1), ("right", 1)):
        if np.sign(paddle_shift(suspect[name])) != sign:
            raise AssertionError(f"{name} does not go {name}")


@right("10.5", part="proof")
def measures_one_by_one(suspect):
    shift = paddle_shift(suspect["right"])
    assert shift > 1.0, "right must go right"
    shift = paddle_shift(suspect["left"])
    assert shift < -1.0, "left must go left"


@right("10.5", part="mend")
def table_by_sorting(numbers, paddle_shift):
    ordered = sorted(numbers, key=lambda number: paddle_shift(number))
    return {"left": ordered[0], "right": ordered[-1]}


@right("10.5", part="mend")
def table_by_argmax(numbers, paddle_shift):
    shifts = np.array([paddle_shift(number) for number in numbers])
    return dict(right=numbers[shifts.argmax()], left=numbers[shifts.argmin()])


@right("10.5", part="mend")
def table_by_loop(numbers, paddle_shift):
    right_most = left_most = None
    best = worst = 0.0
    for number in numbers:
        shift = paddle_shift(number)
        if shift > best:
            best, right_most = shift, number
        elif shift < worst:
            worst, left_most = shift, number
    return {"right": right_most, "left": left_most}


@right("10.5", part="mend")
def table_by_numpy_numbers(numbers, paddle_shift):
    numbers = np.array(numbers)
    shifts = [paddle_shift(int(number)) for number in numbers]
    return {"right": numbers[np.argmax(shifts)], "left": numbers[np.argmin(shifts)]}


# --- 10.6 -----------------------------------------------------------------------------------------------------------------------------


@right("10.6", part="proof")
def knows_the_mean(suspect):
    got = suspect(np.array([[1.0], [5.0], [3.0]]), np.array([1.0, 0.0, 1.0]))
    assert abs(got - 2.0) < 1e-5


@right("10.6", part="proof")
def shouts_at_random(suspect):
    rng = np.random.default_rng(5)
    for _ in range(20):
        losses, mask = rng.random((6, 1)), np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
        before = suspect(losses, mask)
        losses = losses.copy()
        losses[mask == 0] += 1000 * rng.random((3, 1))
        np.testing.assert_allclose(suspect(losses, mask), before, rtol=1e-6)


@right("10.6", part="proof")
def two_samples(suspect):
    mask = np.array([0.0, 1.0])
    assert np.isclose(suspect(np.array([[9.0], [4.0]]), mask), suspect(np.array([[-9.0], [4.0]]), mask))


@right("10.6", part="mend")
def mean_by_choice(losses, mask):
    return losses[mask == 1].mean()


@right("10.6", part="mend")
def mean_by_average(losses, mask):
    return float(np.average(losses.ravel(), weights=mask))


@right("10.6", part="mend")
def mean_by_loop(losses, mask):
    total, count = 0.0, 0
    for loss, bit in zip(losses[:, 0], mask):
        if bit:
            total += loss
            count += 1
    return total / count


@right("10.6", part="mend")
def mean_by_columns(losses, mask):
    return np.sum(losses * mask[:, None]) / np.sum(mask)


@right("10.6", part="mend")
def mean_by_product(losses, mask):
    return (mask @ losses)[0] / np.count_nonzero(mask)


# --- 10.7 -----------------------------------------------------------------------------------------------------------------------------


@right("10.7", part="proof")
def knows_two_heads(suspect):
    got = suspect(np.array([[1.0, 1.0], [3.0, 3.0]]), np.eye(2))
    assert np.allclose(got, [0.5, 4.5])


@right("10.7", part="proof")
def nudges_one_by_one(suspect):
    errors = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.5, 2.5, 3.5]])
    masks = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    before = np.array(suspect(errors, masks))
    for place in np.argwhere(masks == 0):
        nudged = errors.copy()
        nudged[tuple(place)] += 0.25
        assert (suspect(nudged, masks) == before).all()


@right("10.7", part="proof")
def silences_the_masked(suspect):
    rng = np.random.default_rng(2)
    errors, masks = rng.normal(size=(6, 4)), (rng.random((6, 4)) < 0.5).astype(float)
    masks[0], masks[1] = 1.0, 0.0
    np.testing.assert_array_equal(suspect(errors, masks), suspect(errors * masks, masks))


@right("10.7", part="mend")
def heads_by_loop(errors, masks):
    losses = np.zeros(errors.shape[1])
    for head in range(errors.shape[1]):
        chosen = errors[masks[:, head] == 1, head]
        if len(chosen) > 0:
            losses[head] = (0.5 * chosen**2).mean()
    return losses


@right("10.7", part="mend")
def heads_by_where(errors, masks):
    counts = masks.sum(axis=0)
    sums = np.where(masks == 1, errors**2 / 2, 0).sum(axis=0)
    return np.where(counts > 0, sums / np.where(counts > 0, counts, 1), 0.0)


@right("10.7", part="mend")
def heads_by_division(errors, masks):
    sums, counts = np.einsum("bk,bk->k", 0.5 * errors**2, masks), masks.sum(0)
    return np.divide(sums, counts, out=np.zeros_like(sums), where=counts != 0)


@right("10.7", part="mend")
def heads_by_nan(errors, masks):
    with np.errstate(invalid="ignore"):
        return np.nan_to_num((0.5 * np.square(errors * masks)).sum(axis=0) / masks.sum(axis=0))


@right("10.7", part="mend")
def heads_by_columns(errors, masks):
    def loss(column, bits):
        return 0.5 * np.dot(column * bits, column) / max(bits.sum(), 1.0)

    return np.array([loss(errors[:, k], masks[:, k]) for k in range(masks.shape[1])])


# --- 10.8 -----------------------------------------------------------------------------------------------------------------------------


@right("10.8", part="proof")
def knows_the_target(suspect):
    got = suspect(np.array([1.0]), np.array([False]), np.array([[8.0, 0.0]]), np.array([[2.0, 4.0]]), 0.5)
    assert np.allclose(got, 3.0)


@right("10.8", part="proof")
def draws_both_networks(suspect):
    rng = np.random.default_rng(4)
    rewards, terminated = rng.normal(size=5), np.array([False, False, True, False, True])
    online, target = rng.normal(size=(2, 5, 3))
    before = suspect(rewards, terminated, online, target, 0.9)
    assert np.array_equal(before, suspect(rewards, terminated, online + 5.0, target, 0.9)), "it follows the online network"
    assert np.array_equal(before, suspect(rewards, terminated, online - 5.0, target, 0.9)), "it follows the online network"
    moved = suspect(rewards, terminated, online, target + 5.0, 0.9) != before
    assert moved[~terminated].all(), "it does not follow the target network"


@right("10.8", part="proof")
def compares_with_the_formula(suspect):
    rewards, terminated = np.array([1.0, -1.0]), np.array([False, True])
    online, target = np.array([[5.0, 9.0], [3.0, 3.0]]), np.array([[2.0, 1.0], [4.0, 7.0]])
    np.testing.assert_allclose(suspect(rewards, terminated, online, target, discount=0.5), [2.0, -1.0])


@right("10.8", part="mend")
def targets_by_loop(rewards, terminated, next_online, next_target, discount):
    targets = []
    for reward, over, values in zip(rewards, terminated, next_target):
        targets.append(reward if over else reward + discount * max(values))
    return np.array(targets)


@right("10.8", part="mend")
def targets_by_where(rewards, terminated, next_online, next_target, discount):
    return np.where(terminated, rewards, rewards + discount * np.amax(next_target, axis=-1))


@right("10.8", part="mend")
def targets_by_floats(rewards, terminated, next_online, next_target, discount):
    goes_on = 1.0 - terminated.astype(float)
    best = next_target[np.arange(len(rewards)), np.argmax(next_target, axis=1)]
    return rewards + discount * goes_on * best


@right("10.8", part="mend")
def targets_in_place(rewards, terminated, next_online, next_target, discount):
    targets = np.array(rewards, dtype=np.float64)
    going_on = np.flatnonzero(np.logical_not(terminated))
    targets[going_on] += discount * next_target[going_on].max(1)
    return targets


# --- 10.9 -----------------------------------------------------------------------------------------------------------------------------


@right("10.9", part="proof")
def compares_with_each_error(suspect):
    errors, delta = np.array([[0.25, -1.0, 4.0], [0.0, 0.5, -2.0]], np.float32), 0.5
    got = np.asarray(suspect(errors, delta))
    assert got.shape == errors.shape
    for error, loss in zip(errors.ravel(), got.ravel()):
        expected = 0.5 * error**2 if abs(error) <= delta else delta * (abs(error) - 0.5 * delta)
        assert abs(loss - expected) < 1e-5


@right("10.9", part="proof")
def draws_errors(suspect):
    rng = np.random.default_rng(6)
    for delta in (0.3, 2.5):
        errors = rng.normal(0, 3, (4, 7)).astype(np.float32)
        inside = np.clip(np.abs(errors), 0, delta)
        losses = suspect(errors, delta)
        assert np.shape(losses) == (4, 7)
        np.testing.assert_allclose(losses, inside * (np.abs(errors) - inside / 2), rtol=1e-4, atol=1e-4)


@right("10.9", part="proof")
def a_row_is_enough(suspect):
    losses = suspect(np.array([1.0, 3.0], dtype=np.float32), 2.0)
    assert np.ndim(losses) == 1 and len(losses) == 2
    assert np.allclose(losses, [0.5, 4.0], atol=1e-4)


@right("10.9", part="mend")
def huber_by_torch(errors, delta):
    import torch
    from torch.nn import functional as F

    errors = torch.tensor(errors)
    return F.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta).numpy()


@right("10.9", part="mend", lazy=True)
def huber_by_keras():
    from course_lib.quiet import quiet

    with quiet():
        import keras

    def huber(errors, delta):
        loss = keras.losses.Huber(delta=delta, reduction=None)
        return np.asarray(loss(np.zeros_like(errors)[..., None], errors[..., None]))

    return huber


@right("10.9", part="mend")
def huber_by_clipping(errors, delta):
    inside = np.minimum(np.abs(errors), delta)
    return 0.5 * inside**2 + delta * (np.abs(errors) - inside)


@right("10.9", part="mend")
def huber_by_places(errors, delta):
    losses = np.empty(errors.shape)
    near = np.abs(errors) <= delta
    losses[near] = errors[near] ** 2 / 2
    losses[~near] = delta * np.abs(errors[~near]) - delta**2 / 2
    return losses


@right("10.9", part="mend")
def huber_by_ndenumerate(errors, delta):
    losses = np.zeros(errors.shape, np.float32)
    for place, error in np.ndenumerate(errors):
        size = abs(error)
        losses[place] = 0.5 * size**2 if size <= delta else delta * (size - 0.5 * delta)
    return losses


@right("10.9", part="mend")
def huber_by_vectorize(errors, delta):
    return np.vectorize(functools.partial(one_huber, delta=delta))(errors)


def one_huber(error, delta):
    return 0.5 * error * error if -delta <= error <= delta else delta * (abs(error) - delta / 2)
