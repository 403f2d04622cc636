"""Right answers to lesson 08 in other styles."""

import numpy as np

from tests.right import right

# --- 08.1 -----------------------------------------------------------------------------------------------------------------------------

right("08.1", name="in_another_order")(dict(f=True, c=True, d=True, a=False, b=False, e=False, g=False, h=False))
right("08.1", name="those_that_are_true")({letter: letter in "cdf" for letter in "abcdefgh"})
right("08.1", name="truths_of_numpy")(dict(zip("abcdefgh", np.array([0, 0, 1, 1, 0, 1, 0, 0]) == 1, strict=True)))


# --- 08.2 -----------------------------------------------------------------------------------------------------------------------------


@right("08.2")
def plain_python(scores):
    ordered = sorted(scores)
    drop = len(ordered) // 4
    total = 0.0
    for place in range(drop, len(ordered) - drop):
        total += ordered[place]
    return total / (len(ordered) - 2 * drop)


@right("08.2")
def sums_of_ranks(scores):
    ranks = scores.argsort().argsort()
    drop = int(len(scores) / 4)
    return np.mean(scores[(ranks >= drop) & (ranks < len(scores) - drop)])


@right("08.2")
def ends_taken_off_one_by_one(scores):
    def without(ordered, ends):
        return without(ordered[1:-1], ends - 1) if ends else ordered

    return float(np.average(without(np.sort(scores), len(scores) // 4)))


@right("08.2")
def partly_sorted(scores):
    number = scores.size
    drop = number // 4
    middle = np.partition(scores, (drop, number - drop - 1))[drop : number - drop]
    return middle.sum() / middle.size


@right("08.2")
def a_list_that_shrinks(scores):
    kept = scores.tolist()
    for _ in range(len(scores) // 4):
        kept.remove(min(kept))
        kept.remove(max(kept))
    return np.array(np.mean(kept))


# --- 08.3 -----------------------------------------------------------------------------------------------------------------------------


@right("08.3")
def a_list_of_copies(scores_of, observation, size, stride):
    height, width, _ = observation.shape
    copies = []
    for top in range(0, height - size + 1, stride):
        for left in range(0, width - size + 1, stride):
            copy = observation.copy()
            copy[top : top + size, left : left + size, :] = 0
            copies.append(copy)
    original = scores_of(np.expand_dims(observation, 0))[0]
    changes = [sum(abs(score - before) for score, before in zip(scores, original)) for scores in scores_of(np.stack(copies))]
    return np.array(changes).reshape((height - size) // stride + 1, -1)


@right("08.3")
def all_in_one_batch(scores_of, observation, size, stride):
    """The original is the last of the batch."""
    rows = 1 + (observation.shape[0] - size) // stride
    columns = 1 + (observation.shape[1] - size) // stride
    batch = np.array([observation] * (rows * columns + 1))
    grid = batch[:-1].reshape(rows, columns, *observation.shape)  # a view
    for i in range(rows):
        for j in range(columns):
            grid[i, j, i * stride : i * stride + size, j * stride : j * stride + size] = 0
    scores = scores_of(batch)
    return np.linalg.norm(scores[:-1] - scores[-1], ord=1, axis=1).reshape(rows, columns)


@right("08.3")
def masks_without_a_loop(scores_of, observation, size, stride):
    def inside(length):
        """Which pixels lie in which square, along one axis: bool [squares, length]."""
        starts = stride * np.arange((length - size) // stride + 1)[:, None]
        return (np.arange(length) >= starts) & (np.arange(length) < starts + size)

    rows, columns = inside(observation.shape[0]), inside(observation.shape[1])
    masks = rows[:, None, :, None] & columns[None, :, None, :]  # [R, C, H, W]
    wiped = np.where(masks[..., None], np.uint8(0), observation).reshape(-1, *observation.shape)
    changes = np.abs(scores_of(wiped) - scores_of(observation[np.newaxis]))
    return np.einsum("ba->b", changes).reshape(len(rows), len(columns)).astype(np.float64)


@right("08.3")
def by_multiplication(scores_of, observation, size, stride):
    before = scores_of(observation[None, ...])
    corners = [
        (row, column)
        for row in np.arange(0, observation.shape[0] - size + 1, stride)
        for column in np.arange(0, observation.shape[1] - size + 1, stride)
    ]
    kept = np.ones((len(corners), *observation.shape), dtype=np.uint8)
    for one, (row, column) in zip(kept, corners):
        one[row : row + size, column : column + size] = 0
    saliency = {corner: np.abs(change).sum() for corner, change in zip(corners, scores_of(kept * observation) - before)}
    result = np.zeros([(length - size) // stride + 1 for length in observation.shape[:2]])
    for (row, column), value in saliency.items():
        result[row // stride, column // stride] = value
    return result
