"""Checks of lesson 03, the Huber loss (Huber 1964; Mnih et al. 2015, Methods). An error is target - prediction throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import nan
from typing import NamedTuple

import numpy as np

from course_lib.checks.base import Mistake, exercise


def shown(value) -> str:
    """A number, or an array of them, as a sentence shows it: rounded, and the same on every machine."""
    return str((np.round(np.asarray(value, float), 4) + 0.0).tolist())  # + 0.0: no minus before a zero


def close(got, right) -> bool:
    return bool(np.allclose(got, right, rtol=1e-5, atol=1e-6, equal_nan=True))


def reason_for(got, mistakes: Iterable[tuple]) -> str:
    """Why a value is wrong, if it is one of the (known wrong value, reason) pairs; ready to end a sentence with."""
    return next((f": {reason}" for wrong, reason in mistakes if close(got, wrong)), "")


@contextmanager
def whole_arrays() -> Iterator[None]:
    """Around a call of an answer: explains the error that Python raises at an `if` about an array."""
    try:
        yield
    except ValueError as error:
        if "truth value" not in str(error):
            raise
        raise Mistake("an `if` cannot decide for a whole array at once: let NumPy decide for each entry (np.where, np.clip)") from error


# --- 03.1 and 03.2: a number for each error -------------------------------------------------------------------------------------------


class Probe(NamedTuple):
    """One error to ask about, and what known wrong values there betray."""

    error: float
    delta: float
    mistakes: dict[float, str]


def elementwise(answer: Callable, errors, *delta: float) -> np.ndarray:
    """answer(errors, *delta) as an array; raises the mistakes that have nothing to do with its values."""
    given = np.array(errors, float)
    try:
        with np.errstate(all="ignore"), whole_arrays():
            got = answer(given, *delta)
    except NotImplementedError:
        raise
    except Exception as error:
        if given.ndim == 1:
            raise
        raise Mistake(
            f"it works for a row of errors, not for shape {given.shape}, where a loop meets whole rows: "
            "work on the array at once (np.where, np.clip)"
        ) from error
    if not np.array_equal(given, errors):
        raise Mistake(f"your function changes the array that it is given: {shown(errors)} became {shown(given)}; work on a new one")
    if got is None:
        raise Mistake("your function returns nothing: it must end with `return`")
    if isinstance(got, float | int | np.number) or (isinstance(got, np.ndarray) and got.ndim == 0):
        raise Mistake(f"{given.size} errors gave a single number: return one value for each error, with no mean or sum inside")
    if not isinstance(got, np.ndarray) or got.dtype.kind != "f":
        kind = f"an array of {got.dtype}" if isinstance(got, np.ndarray) else f"a {type(got).__name__}"
        raise Mistake(f"return a NumPy array of floats; yours is {kind}")
    if got.shape != given.shape:
        raise Mistake(f"errors of shape {given.shape} must give values of the same shape; yours have shape {got.shape}")
    return got


def judge_elementwise(answer: Callable, reference: Callable, what: str, probes: tuple[Probe, ...]) -> None:
    """Ask about the probes one by one, the most telling first, then about several errors at once."""

    def compare(error: float, delta: float, got: float, mistakes: dict[float, str]) -> None:
        right = reference(error, delta)
        if not close(got, right):
            where = f"at error {shown(error)}" + (f" with delta {shown(delta)}" if delta != 1.0 else "")
            raise Mistake(f"{where} the {what} must be {shown(right)}; yours is {shown(got)}{reason_for(got, mistakes.items())}")

    five = [0.5, -3.0, 0.0, 1.0, 10.0]
    together = elementwise(answer, five)
    for error, delta, mistakes in probes:
        got = elementwise(answer, [error]) if delta == 1.0 else elementwise(answer, [error], delta)
        compare(error, delta, got[0], mistakes)
    for error, got in zip(five, together, strict=True):
        alone = elementwise(answer, [error])[0]
        if not close(got, alone):
            raise Mistake(
                f"alone, an error of {shown(error)} gives {shown(alone)}, among four others it gives {shown(got)}: "
                "each value must depend on its own error only; leave means and sums to the caller"
            )
    errors = np.random.default_rng(3).normal(0, 3, (4, 3))
    for delta in (0.5, 1.0, 2.0):
        for error, got in zip(errors.flat, elementwise(answer, errors, delta).flat, strict=True):
            compare(error, delta, got, {})


def reference_loss(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


LOSS_PROBES = (
    Probe(3.0, 1.0, {
        3.0: "the straight part needs its -0.5, or the loss jumps at 1",
        4.5: "that is still the parabola; beyond 1 the loss goes on as a straight line",
        9.0: "that is the squared error; beyond 1 the loss goes on as a straight line",
        0.5: "the error was clipped before it was squared; beyond 1 the loss is flat, and the wildest sample teaches nothing",
        2.0: "the straight part needs -0.5, not -1, or the loss jumps at 1",
        5.0: "twice too much; the parabola is half the square, and the line meets it at 0.5",
    }),
    Probe(-3.0, 1.0, {
        -3.5: "the straight part needs |error|, for -3 is as wrong as 3",
        -2.5: "a loss is never negative, and -3 is as wrong as 3",
        4.5: "compare |error| with delta; -3 is far out, too",
    }),
    Probe(0.5, 1.0, {
        0.25: "the parabola is half the squared error",
        0.0: "that is the straight part; up to 1 the loss is the parabola",
        0.5: "that is the absolute error; up to 1 the loss is the parabola",
    }),
    Probe(1.0, 2.0, {
        0.25: "that is smooth L1, which divides the parabola by delta; Huber's does not depend on delta",
    }),
    Probe(1.5, 2.0, {
        1.0: "the parabola reaches as far as delta; compare |error| with delta, not with 1",
    }),
    Probe(3.0, 2.0, {
        2.5: "delta is ignored",
        2.0: "the straight part must leave the parabola with the parabola's own slope there, which is delta",
        5.0: "subtract half of delta, not 0.5, or the loss jumps at delta",
    }),
)


@exercise("03.1", reference=reference_loss, why="A wild target now costs in proportion to its error, no longer to its square.")
def huber_loss(answer):
    judge_elementwise(answer, reference_loss, "loss", LOSS_PROBES)


def reference_gradient(errors, delta=1.0):
    return np.clip(errors, -delta, delta)


GRADIENT_PROBES = (
    Probe(5.0, 1.0, {
        5.0: "it must stay at 1 beyond |error| = 1, but yours keeps growing",
        0.0: "beyond 1 the loss still rises; with a slope of 0 the wildest sample would teach nothing",
        -1.0: "the sign is turned; right of 0 a larger error costs more, so the slope is positive",
        4.5: "that is the loss, not its slope",
    }),
    Probe(-5.0, 1.0, {
        1.0: "left of 0 the loss falls, so the slope is negative; keep the error's sign",
        -5.0: "clipped on one side only; it must stay at -1 there",
    }),
    Probe(0.0, 1.0, {nan: "nothing may be divided by |error|"}),
    Probe(0.5, 1.0, {
        1.0: "that is the absolute error's slope, which jumps at 0; up to 1 the slope is the error itself",
        0.125: "that is the loss, not its slope",
    }),
    Probe(1.5, 2.0, {1.0: "clip at delta, not at 1"}),
    Probe(5.0, 2.0, {1.0: "the slope climbs to 2 and then jumps down to 1; the straight part's slope is delta"}),
)


@exercise("03.2", reference=reference_gradient, why="However wrong a target is, it never pulls harder than delta.")
def huber_gradient(answer):
    judge_elementwise(answer, reference_gradient, "gradient", GRADIENT_PROBES)


# --- 03.3: the same in a framework ----------------------------------------------------------------------------------------------------


def run_torch(answer: Callable, predictions: np.ndarray, targets: np.ndarray, *delta: float):
    """Losses, and the gradient of their sum in respect of the predictions (None where none arrives), as arrays."""
    import torch

    tensor, given = torch.tensor(predictions, requires_grad=True), torch.tensor(targets)  # [B, 1], [B]
    losses = answer(tensor, given, *delta)
    if not np.array_equal(given.detach().numpy(), targets):
        raise Mistake("your function changes the targets that it is given (`-=` and methods that end in _ write into them)")
    if not isinstance(losses, torch.Tensor):
        raise Mistake(f"return a torch tensor, through which the gradient can flow back; yours is of type {type(losses).__name__}")
    if losses.requires_grad:
        losses.sum().backward()
    return losses.detach().numpy(), None if tensor.grad is None else tensor.grad.numpy()


def run_keras(answer: Callable, predictions: np.ndarray, targets: np.ndarray, *delta: float):
    """The same with TensorFlow's tape."""
    import tensorflow as tf

    tensor = tf.Variable(predictions)  # [B, 1]
    with tf.GradientTape() as tape:
        losses = answer(tensor.value(), tf.constant(targets), *delta)
    if not tf.is_tensor(losses):
        raise Mistake(f"return a tensor, through which the gradient can flow back; yours is of type {type(losses).__name__}")
    gradient = tape.gradient(losses, tensor) if losses.dtype.is_floating else None
    return losses.numpy(), None if gradient is None else gradient.numpy()


def judge_framework(answer: Callable, run: Callable, how_to_keep: str) -> None:
    """how_to_keep: what to tell those who return one number instead of one for each sample."""
    predictions, targets = np.array([[1.0], [5.0], [2.0]], np.float32), np.array([1.5, 2.0, 2.0], np.float32)
    judge_shape_and_values(*run(answer, predictions, targets), predictions, targets, how_to_keep)
    judge_delta(answer, run)
    judge_target_types(answer, run)
    if (shape := run(answer, predictions[:1], targets[:1])[0].shape) != (1,):
        raise Mistake(f"one sample must give losses of shape (1,); yours have shape {shape}: a bare squeeze() drops the batch, too")
    predictions, targets = np.random.default_rng(3).normal(0, 3, (2, 16, 1)).astype(np.float32)
    judge_shape_and_values(*run(answer, predictions, targets[:, 0]), predictions, targets[:, 0], how_to_keep)


def judge_shape_and_values(losses, gradient, predictions, targets, how_to_keep: str) -> None:
    pairs = reference_loss(targets - predictions)  # [B, B]: what broadcasting makes of [B, 1] and [B]
    right, shape = np.diag(pairs), targets.shape
    if losses.shape == pairs.shape or (losses.shape == shape and any(close(losses, pairs.mean(axis)) for axis in (0, 1))):
        shapes = f"predictions {predictions.shape} and targets {shape}"
        raise Mistake(f"{shapes} broadcast to a table {pairs.shape}, all targets with all predictions: give both one shape first")
    if losses.shape == ():
        numbers = {"their mean": right.mean(), "their sum": right.sum(), "the mean over all pairs of them": pairs.mean()}
        how = next((how for how, value in numbers.items() if close(losses, value)), "a single number")
        raise Mistake(f"{len(right)} samples must give {len(right)} losses; yours is {how}, {shown(losses)}: {how_to_keep}")
    if losses.shape != shape:
        raise Mistake(f"the losses must have the targets' shape {shape}; yours have shape {losses.shape}")
    for prediction, target, must, got in zip(predictions[:, 0], targets, right, losses, strict=True):
        if not close(got, must):
            pair = f"prediction {shown(prediction)} and target {shown(target)}"
            raise Mistake(f"for {pair} the loss must be {shown(must)}; yours is {shown(got)}")
    if losses.dtype != np.float32:
        raise Mistake(f"predictions are float32, so the losses must be, too; yours are {losses.dtype}")
    if gradient is None:
        raise Mistake("no gradient reaches the predictions: stay inside the framework, without detach(), stop_gradient() or NumPy")
    pull = -reference_gradient(targets - predictions[:, 0])[:, None]  # [B, 1]
    for prediction, target, must, got in zip(predictions[:, 0], targets, pull[:, 0], gradient[:, 0], strict=True):
        if not close(got, must):
            pair = f"prediction {shown(prediction)} and target {shown(target)}"
            raise Mistake(f"for {pair} the gradient that reaches the prediction must be {shown(must)}; yours is {shown(got)}")


def judge_delta(answer: Callable, run: Callable) -> None:
    losses, _ = run(answer, np.array([[1.0], [3.0]], np.float32), np.zeros(2, np.float32), 2.0)
    beta, ignored = "that is smooth L1, whose beta is not delta except at 1", "delta is ignored"
    for error, right, got, mistakes in ((1.0, 0.5, losses[0], [(0.25, beta)]), (3.0, 4.0, losses[1], [(2.5, ignored)])):
        if not close(got, right):
            reason = reason_for(got, mistakes)
            raise Mistake(f"at |error| {shown(error)} with delta 2.0 the loss must be {shown(right)}; yours is {shown(got)}{reason}")


def judge_target_types(answer: Callable, run: Callable) -> None:
    """Rewards are whole numbers, and NumPy's own floats are float64."""
    predictions = np.array([[0.5], [2.5]], np.float32)
    kinds = {"int64": "whole numbers (int64), as rewards are", "float64": "float64, as NumPy's own floats are"}
    for dtype, kind in kinds.items():
        targets = np.array([0, 1], dtype)
        advice = f"targets may be {kind}: cast them to the predictions' type first"
        try:
            losses, gradient = run(answer, predictions, targets)
        except NotImplementedError:
            raise
        except Exception as error:
            raise Mistake(f"{advice}; yours raised {type(error).__name__}") from error
        if not close(losses, [0.125, 1.0]):
            must = "predictions [0.5, 2.5] and targets [0, 1] must give [0.125, 1.0]"
            raise Mistake(f"{advice}, never the predictions to theirs: {must}; yours gives {shown(losses)}")
        if losses.dtype != np.float32:
            raise Mistake(f"{advice}; yours gives losses of {losses.dtype} instead of float32")


def torch_reference() -> Callable:
    from course_lib.backends.torch import losses

    return lambda predictions, targets, delta=1.0: losses.huber_loss(targets.to(predictions.dtype) - predictions[:, 0], delta)


def keras_reference() -> Callable:
    from keras import ops

    from course_lib.backends.keras import losses

    return lambda predictions, targets, delta=1.0: losses.huber_loss(ops.cast(targets, predictions.dtype) - predictions[:, 0], delta)


WHY_PER_SAMPLE = "Lessons 04 and 07 train with exactly this: one loss for each sample, there to be masked or weighted before the mean."


@exercise("03.3", framework="torch", name="huber_loss", reference=torch_reference, lazy=True, why=WHY_PER_SAMPLE)
def huber_torch(answer):
    judge_framework(answer, run_torch, 'reduce nothing (with a library loss, reduction="none")')


@exercise("03.3", framework="keras", name="huber_loss", reference=keras_reference, lazy=True, why=WHY_PER_SAMPLE)
def huber_keras(answer):
    judge_framework(answer, run_keras, 'reduce nothing (Keras\' own Huber averages the last axis even with reduction="none")')


# --- 03.4: one gradient step ----------------------------------------------------------------------------------------------------------


def reference_step(weights, features, targets, loss_gradient, learning_rate):
    errors = targets - features @ weights  # [B]
    pulls = loss_gradient(errors)[:, None] * features  # [B, F]
    return weights + learning_rate * pulls.mean(axis=0)  # [F]


def squared_gradient(errors):
    return errors


def stepped(answer: Callable, weights, features, targets, loss_gradient, learning_rate) -> np.ndarray:
    """The new weights, after the mistakes that have nothing to do with their values."""
    given = [np.array(array, float) for array in (weights, features, targets)]
    batch, size = given[1].shape
    axis = f"average over the {batch} samples (axis 0), which leaves one number for each of the {size} weights"
    try:
        got = answer(*given, loss_gradient, learning_rate)
    except ValueError as error:
        if "broadcast" not in str(error) and "matmul" not in str(error):
            raise
        raise Mistake(f"{batch} samples of {size} features: the shapes do not fit ({error}); {axis}") from error
    if not all(np.array_equal(before, after) for before, after in zip((weights, features, targets), given, strict=True)):
        raise Mistake("your function changes the arrays that it is given (`+=` writes into them): return new weights instead")
    if got is None:
        raise Mistake("your function returns nothing: it must end with `return`")
    if not isinstance(got, np.ndarray) or got.dtype.kind != "f":
        raise Mistake(f"return the new weights, a NumPy array of floats; yours is a {type(got).__name__}")
    if got.shape != given[0].shape:
        raise Mistake(f"{size} weights must stay {size} weights; yours have shape {got.shape}: {axis}")
    return got


def step_mistakes(weights, features, targets, loss_gradient, learning_rate) -> list[tuple[np.ndarray, str]]:
    """Weights that known mistakes lead to, each with what to say of it."""
    errors = targets - features @ weights  # [B]
    pulls = loss_gradient(errors)[:, None] * features  # [B, F]
    mean_pull, mean_feature = loss_gradient(errors).mean(), features.mean(axis=0)  # [], [F]
    steps = [
        (-pulls.mean(axis=0), "the step leads away from the targets; a positive error calls for a larger prediction"),
        (pulls.sum(axis=0), "that is the sum over the batch; take the mean, so that the step does not grow with the batch"),
        (pulls.mean(), "the mean runs over everything, so every weight takes the same step; average over the samples (axis 0) only"),
        (mean_pull, "the features are missing; a sample pulls at a weight through the weight's own feature"),
        (mean_pull * mean_feature, "pulls and features were averaged apart; multiply them sample by sample, then average"),
        (
            loss_gradient((errors[:, None] * features).mean(axis=0)),
            "loss_gradient was given the averaged pull; it belongs to each sample's own error, before the average",
        ),
        (
            loss_gradient(errors.mean()) * mean_feature,
            "loss_gradient was given the mean error; it belongs to each sample's own error, before the average",
        ),
        ((errors[:, None] * features).mean(axis=0), "loss_gradient is ignored; that is the squared error's step"),
        (pulls.mean(axis=0) / learning_rate, "the learning rate is missing"),
        (pulls.sum(axis=0) / len(weights), "the sum is divided by the number of features; the mean divides by that of the samples"),
        (
            (reference_gradient(errors)[:, None] * features).mean(axis=0),
            "that is Huber's step, whichever loss is asked for; call the `loss_gradient` that is given to you",
        ),
        (np.zeros_like(weights), "nothing has moved"),
    ]
    if len(features) == len(weights):
        steps.insert(0, (pulls.mean(axis=1), "the mean runs over the features (axis 1); it must run over the samples (axis 0)"))
    return [(weights + learning_rate * step, reason) for step, reason in steps]


@exercise("03.4", reference=reference_step, why="One bad sample among B now moves a weight by at most rate x delta x |feature| / B.")
def gradient_step(answer):
    square = np.array([[1.0, 2.0], [1.0, 4.0]]), np.array([8.5, 0.9])
    oblong = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 6.0]]), np.array([3.0, 6.0, 0.0])
    for features, targets in (square, oblong):
        for loss_gradient, name in ((reference_gradient, "Huber"), (squared_gradient, "the squared error")):
            arguments = np.array([0.5, 0.0]), features, targets, loss_gradient, 0.1
            got, right = stepped(answer, *arguments), reference_step(*arguments)
            if not close(got, right):
                given = f"weights [0.5, 0.0], features {shown(features)}, targets {shown(targets)}, rate 0.1"
                reason = reason_for(got, step_mistakes(*arguments))
                raise Mistake(f"{given}: with {name} the new weights must be {shown(right)}; yours are {shown(got)}{reason}")
    rng = np.random.default_rng(3)
    arguments = rng.normal(size=4), rng.normal(size=(32, 4)), rng.normal(0, 3, 32), reference_gradient, 0.1
    got, right = stepped(answer, *arguments), reference_step(*arguments)
    if not close(got, right):
        raise Mistake(f"for 32 samples of 4 features the first new weight must be {shown(right[0])}; yours is {shown(got[0])}")
