"""Checks of lesson 08: reading an interval, the interquartile mean (Agarwal et al. 2021), saliency by occlusion (Greydanus et al. 2018)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from course_lib.checks.base import Mistake, exercise


def shown(value) -> str:
    """A number, or an array of them, as a sentence shows it: rounded, and the same on every machine."""
    return str((np.round(np.asarray(value, float), 4) + 0.0).tolist())  # + 0.0: no minus before a zero


def close(got, right) -> bool:
    return bool(np.shape(got) == np.shape(right) and np.allclose(got, right, rtol=1e-5, atol=1e-6, equal_nan=True))


def reason_for(got, mistakes: Iterable[tuple[Any, str]]) -> str:
    """Why a value is wrong, if it is one of the (known wrong value, reason) pairs; ready to end a sentence with."""
    return next((f": {reason}" for wrong, reason in mistakes if close(got, wrong)), "")


# --- 08.1: what an interval says ------------------------------------------------------------------------------------------------------

READING = {
    "a": (False, "44 to 57 is an interval of the mean: single games scatter far more widely than their mean does"),
    "b": (False, "nothing is certain here: 30 new games have luck of their own, and often enough their mean lies outside 44 to 57"),
    "c": (True, "that is just what the 95 % promise: over many repetitions the recipe misses about one time in twenty"),
    "d": (True, "A's interval ends at 57 and B's begins at 61: luck with 30 games hardly makes such a gap"),
    "e": (False, "the intervals overlap, so these games cannot tell B and C apart; that is no proof that they are equal: play more games"),
    "f": (True, "the width shrinks with the square root of the number of games, and the root of four is two"),
    "g": (False, "with 3 games it is too narrow, and misses one time in four: resampling cannot show what 3 games have never shown"),
    "h": (False, "the games are of one trained network; how much another training run would differ, no number of its games can tell"),
}
"""Statement -> (is it true, why)."""


@exercise(
    "08.1",
    reference={statement: true for statement, (true, _) in READING.items()},
    why="An interval of the mean speaks of the mean, of this agent, and of no certainty.",
)
def reading(answer):
    if callable(answer):
        answer()  # a stub says that it is one
    if not isinstance(answer, dict):
        raise Mistake(f'reading must be a dict such as {{"a": True, "b": False, ...}}; yours is of type {type(answer).__name__}')
    for statement, (true, reason) in READING.items():
        if answer.get(statement) is None:
            raise Mistake(f'statement "{statement}" is still open: write True or False behind it')
        said = answer[statement]
        if not isinstance(said, bool | np.bool_):
            raise Mistake(f'statement "{statement}" needs True or False, without quotes; yours is of type {type(said).__name__}')
        if bool(said) != true:
            raise Mistake(f'statement "{statement}" is {"true" if true else "not true"}: {reason}')
    strangers = sorted(str(key) for key in answer if key not in READING)
    if strangers:
        raise Mistake(f"there are eight statements, a to h; yours has also {', '.join(strangers)[:40]}")


# --- 08.2: interquartile mean ---------------------------------------------------------------------------------------------------------


def reference_iqm(scores):
    ordered = np.sort(scores)
    drop = int(len(ordered) / 4)
    return float(ordered[drop : len(ordered) - drop].mean())


def kept_mean(scores: np.ndarray, bottom: int, top: int) -> float:
    """Mean without so many at the beginning and at the end; nan if nothing is left."""
    kept = scores[bottom : max(len(scores) - top, 0)]
    return float(kept.mean()) if len(kept) else np.nan


def wrong_iqms(scores: np.ndarray) -> Iterable[tuple[float, str]]:
    ordered, number = np.sort(scores), len(scores)
    drop, up = int(number / 4), -(-number // 4)
    low, high = np.percentile(scores, [25, 75])
    yield kept_mean(scores, drop, drop), "the first and the last games were dropped, not the worst and the best: sort first"
    yield kept_mean(ordered, 0, drop), "only the best were dropped; a mean that drops one end only leans to the other"
    yield kept_mean(ordered, drop, 0), "only the worst were dropped; a mean that drops one end only leans to the other"
    yield kept_mean(ordered, 0, 0), "that is the mean of all games; the best and the worst quarter must go"
    yield float(np.median(scores)), "that is the median, which looks at one or two games only; take the mean of the middle half"
    yield kept_mean(ordered, int(number / 8), int(number / 8)), "that drops a quarter in total; drop a quarter at each end"
    yield float((low + high) / 2), "that is the middle of the two quartiles; take the mean of all games between them"
    yield float(high - low), "that is the distance between the quartiles; take the mean of the games between them"
    if up != drop:
        rule = f"drop int({number} / 4) = {drop}"
        yield kept_mean(ordered, up, up), f"a quarter of {number} games is no whole number: {rule} at each end, not {up}"
        weights = np.clip(np.minimum(np.arange(1, number + 1), np.arange(number, 0, -1)) - number / 4, 0, 1)
        yield float(np.average(ordered, weights=weights)), f"games were dropped in part; {rule} whole games at each end"
    for between in (scores[(scores >= low) & (scores <= high)], scores[(scores > low) & (scores < high)]):
        yield kept_mean(between, 0, 0), "that keeps what lies between two percentiles, which goes wrong where scores are equal: count games instead"


@exercise("08.2", reference=reference_iqm, why="One lucky game no longer carries the number, and half of the games still count.")
def interquartile_mean(answer):
    cases = (
        [9, 0, 400, 7, 1, 8, 3, 6],
        [100, 1, 3, 5],
        [1, 9, 4, 1, 9, 0, 9, 1],
        [5, 1, 40, 2, 3, 9, 30],
        [4.0, 8.0, 3.0],
    )
    for case in cases:
        scores = np.array(case, float)
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # the mean of nothing warns
            got = answer(scores)
        if got is None:
            raise Mistake("your function returns nothing: it must end with `return`")
        if not np.array_equal(scores, case):
            raise Mistake(
                f"your function changes the scores that it is given: {shown(case)} became {shown(scores)}; sort a copy, with np.sort(scores)"
            )
        if not isinstance(got, float | int | np.number) and not (isinstance(got, np.ndarray) and got.ndim == 0 and got.dtype.kind in "fiu"):
            raise Mistake(f"return one number, the mean of those kept; yours is of type {type(got).__name__}")
        right = reference_iqm(case)
        if not close(float(got), right):
            reason = reason_for(float(got), wrong_iqms(scores))
            if np.isnan(float(got)) and len(case) < 4:
                reason = f": of {len(case)} games none goes, and ordered[0:-0] is empty; end the slice at len(scores) - drop"
            raise Mistake(f"the interquartile mean of {shown(case)} must be {shown(right)}; yours is {shown(got)}{reason}")
    many = np.random.default_rng(5).gamma(3, 20, 30)
    if not close(got := float(answer(many.copy())), reference_iqm(many)):
        raise Mistake(f"for 30 games, of which 7 go at each end, yours is {shown(got)} instead of {shown(reference_iqm(many))}")


# --- 08.3: saliency by occlusion ------------------------------------------------------------------------------------------------------


def reference_saliency(scores_of, observation, size, stride):
    rows, columns = ((length - size) // stride + 1 for length in observation.shape[:2])
    wiped = np.repeat(observation[None], rows * columns, axis=0)  # [R * C, H, W, 4]
    for place in range(rows * columns):
        row, column = stride * (place // columns), stride * (place % columns)
        wiped[place, row : row + size, column : column + size] = 0
    change = np.abs(scores_of(wiped) - scores_of(observation[None]))  # [R * C, A]
    return change.sum(axis=1).reshape(rows, columns)


class Probe:
    """A made-up agent: its scores are weighted sums of pixels. It writes down how it is asked."""

    def __init__(self, weights: np.ndarray):
        self.weights, self.batches = weights, []  # float [H, W, C, A]

    def __call__(self, observations) -> np.ndarray:
        shape = self.weights.shape[:3]
        if not isinstance(observations, np.ndarray) or observations.shape[1:] != shape or observations.ndim != 4:
            got = f"shape {observations.shape}" if isinstance(observations, np.ndarray) else f"a {type(observations).__name__}"
            raise Mistake(f"scores_of takes a batch, [B, {', '.join(map(str, shape))}] here; it was given {got}")
        if observations.dtype != np.uint8:
            raise Mistake(f"scores_of takes pixels as uint8, 0 to 255; it was given {observations.dtype}")
        self.batches.append(len(observations))
        return np.tensordot(observations.astype(np.float64), self.weights, 3).astype(np.float32)  # [B, A]


def one_pixel(place: tuple[int, int], height: int = 4, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """An observation [H, W, 2] that is 1 everywhere, and weights [H, W, 2, 2] of an agent that looks at one pixel of both frames."""
    weights = np.zeros((height, width, 2, 2))
    weights[place] = [[1.0, -2.0], [3.0, -4.0]]  # [frame, action]: wiped, the scores move by -4 and +6
    return np.ones((height, width, 2), np.uint8), weights


def measured(answer: Callable, observation: np.ndarray, weights: np.ndarray, size: int, stride: int) -> np.ndarray:
    """answer(...) as an array; raises the mistakes that have nothing to do with its values."""
    probe, given = Probe(weights), observation.copy()
    got = answer(probe, given, size, stride)
    if got is None:
        raise Mistake("your function returns nothing: it must end with `return`")
    rows, columns = ((length - size) // stride + 1 for length in observation.shape[:2])
    if not np.array_equal(given, observation):
        raise Mistake("your function wipes squares out of the observation that it is given; wipe copies, made with np.repeat")
    if not isinstance(got, np.ndarray) or got.dtype.kind not in "fiu":
        kind = f"an array of {got.dtype}" if isinstance(got, np.ndarray) else f"of type {type(got).__name__}"
        raise Mistake(f"return a NumPy array of floats, a number for each square; yours is {kind}")
    where = f"{observation.shape[0]} x {observation.shape[1]} pixels, squares of {size}, stride {stride}"
    if got.shape != (rows, columns):
        hints = {
            (columns, rows): ": rows and columns are swapped; pictures have rows first",
            (rows * columns,): ": give each square its place, with reshape(rows, columns)",
            observation.shape[:2]: ": one number for each square, not for each pixel",
            (rows, columns, weights.shape[3]): ": add the changes of all actions up, one number for each square",
            (rows - 1, columns - 1): ": the last square may end where the screen ends, hence the + 1",
            tuple(length // size for length in observation.shape[:2]): ": squares begin every `stride` pixels, not every `size`",
            tuple(-(-length // stride) for length in observation.shape[:2]): ": only squares that lie wholly on the screen count",
        }
        fit = f"{rows} rows and {columns} columns of squares fit"
        raise Mistake(f"{where}: {fit}; your array has shape {got.shape}{hints.get(got.shape, '')}")
    if len(probe.batches) > 3:
        calls = f"scores_of was called {len(probe.batches)} times"
        raise Mistake(f"{where}: {calls}; put all squares into one batch and ask once, and once for the original")
    return got


def wrong_saliencies(observation: np.ndarray, weights: np.ndarray, size: int, stride: int) -> Iterable[tuple[np.ndarray, str]]:
    """Known wrong answers where `Probe(weights)` is asked."""
    rows, columns = ((length - size) // stride + 1 for length in observation.shape[:2])

    def changes(fill: float = 0, channels: slice = slice(None), keep: bool = False, step: int = stride) -> np.ndarray:
        """Signed changes [R, C, A] under another way to wipe; keep: earlier squares stay wiped."""
        result, copy = np.zeros((rows, columns, weights.shape[3])), observation.astype(float)
        before = np.tensordot(copy, weights, 3)  # [A]
        for row, column in np.ndindex(rows, columns):
            copy = copy if keep else observation.astype(float)
            copy[step * row : step * row + size, step * column : step * column + size, channels] = fill
            result[row, column] = np.tensordot(copy, weights, 3) - before
        return result

    plain = changes()  # [R, C, A]
    newest, oldest = (np.abs(changes(channels=channels)).sum(axis=2) for channels in (slice(-1, None), slice(0, 1)))
    yield newest, "only the newest frame was wiped; the network still sees the thing in the others"
    yield oldest, "only the oldest frame was wiped; the square must go from all frames"
    yield np.abs(changes(keep=True)).sum(axis=2), "earlier squares stay wiped: begin with a fresh copy of the observation for every square"
    yield plain.sum(axis=2), "changes of opposite sign cancel; take np.abs of each action's change before adding up"
    yield np.abs(plain.sum(axis=2)), "changes of opposite sign cancel; take np.abs of each action's change before adding up"
    best = int(np.tensordot(observation.astype(float), weights, 3).argmax())
    yield np.abs(plain[..., best]), "that is the change of the best action's score only; add up those of all actions"
    yield plain[..., best], "that is the change of the best action's score only; add up those of all actions"
    yield np.abs(plain).mean(axis=2), "that is the mean over the actions; the formula has their sum"
    yield np.abs(plain).max(axis=2), "that is the largest change; the formula has the sum over the actions"
    yield (plain**2).sum(axis=2), "the changes are squared; the formula has absolute values"
    yield np.abs(changes(fill=255)).sum(axis=2), "the square was painted white; black, 0, is the background"
    yield np.abs(changes(fill=observation.mean())).sum(axis=2), "the square was painted grey; black, 0, is the background"
    yield np.abs(changes(step=size)).sum(axis=2), "squares begin every `stride` pixels, not every `size`"
    yield np.abs(plain).sum(axis=2)[::-1], "the rows are upside down: row 0 is the top of the screen"
    yield np.abs(plain).sum(axis=2) / size**2, "that is the change per pixel; the formula has no division"


@exercise(
    "08.3", reference=reference_saliency, why="What moves the scores when it is gone is what they rest on, and no weight had to be read."
)
def occlusion_saliency(answer):
    for place, size, stride in (((1, 4), 2, 2), ((0, 0), 2, 2), ((3, 5), 2, 1), ((2, 1), 2, 1), ((1, 2), 1, 1)):
        observation, weights = one_pixel(place)
        got, right = measured(answer, observation, weights, size, stride), reference_saliency(Probe(weights), observation, size, stride)
        if not close(got, right):
            raise Mistake(
                f"an agent that looks only at row {place[0]}, column {place[1]} of 4 x 6 pixels, whose scores move by -4 and +6 when that "
                f"pixel is wiped; squares of {size}, stride {stride}: the map must be {shown(right)}; yours is {shown(got)}"
                f"{reason_for(got, wrong_saliencies(observation, weights, size, stride))}"
            )
    rng = np.random.default_rng(2)
    observation, weights = rng.integers(1, 256, (7, 9, 4)).astype(np.uint8), rng.normal(0, 1, (7, 9, 4, 3))
    for size, stride in ((3, 2), (2, 3), (4, 1)):
        got, right = measured(answer, observation, weights, size, stride), reference_saliency(Probe(weights), observation, size, stride)
        wrong = ~np.isclose(got, right, rtol=1e-3, atol=1e-2)  # [R, C]
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise Mistake(
                f"a random observation of 7 x 9 pixels with 4 frames, squares of {size}, stride {stride}: {wrong.sum()} of {wrong.size} squares "
                f"are wrong; the one in row {row}, column {column} must give {right[row, column]:.0f}, yours gives {got[row, column]:.0f}"
            )
