"""Hidden tests of lesson 03, the Huber loss."""

from __future__ import annotations

import functools

import numpy as np

from course_lib.grading.probing import probe


def spread(rng, *shape):
    """Errors from -4 to 4 in random order: whatever is drawn, some are small, some are large, and one is exactly 0."""
    count = int(np.prod(shape))
    errors = np.linspace(-4, 4, count) + rng.uniform(-0.05, 0.05, count)
    errors[count // 2] = 0.0
    return rng.permutation(errors).reshape(shape)


# --- 03.1 and 03.2: a number for each error -------------------------------------------------------------------------------------------


def values(answer, errors, *delta, **named):
    """What comes out, that it is an array of floats, and the errors as they are afterwards."""
    got = answer(errors, *delta, **named)
    return got, got.dtype.kind, errors


@probe("03.1", "losses of many errors, in arrays of any shape")
@probe("03.2", "gradients at many errors, in arrays of any shape")
def many_errors(answer, rng):
    return [values(answer, spread(rng, *shape)) for shape in ((25,), (5, 7), (2, 3, 5), (1,))]


@probe("03.1", "a delta other than 1")
@probe("03.2", "a delta other than 1")
def other_deltas(answer, rng):
    return [values(answer, spread(rng, 41), float(delta)) for delta in (rng.uniform(0.3, 0.7), rng.uniform(1.5, 2.5))]


@probe("03.1", "errors of exactly delta", extra=True)
@probe("03.2", "errors of exactly delta", extra=True)
def at_the_seam(answer, rng):
    delta = float(rng.uniform(0.5, 3))
    return values(answer, np.array([delta, -delta, 0.0]), delta), values(answer, np.array([1.0, -1.0]))


@probe("03.1", "part of a larger array", extra=True)
@probe("03.2", "part of a larger array", extra=True)
def cut_out(answer, rng):
    return values(answer, spread(rng, 10, 9)[::2, 1:].T)  # neither its rows nor its columns lie side by side in memory


@probe("03.1", "delta given by its name", extra=True)
@probe("03.2", "delta given by its name", extra=True)
def named_delta(answer, rng):
    return values(answer, spread(rng, 25), delta=float(rng.uniform(1.5, 2.5)))


# --- 03.3: the same in a framework ----------------------------------------------------------------------------------------------------


def run_torch(answer, predictions, targets, weights, *delta, **named):
    """The losses, the gradient of their weighted sum with respect to the predictions, and the targets as they are afterwards."""
    import torch

    given_predictions, given_targets = torch.tensor(predictions, requires_grad=True), torch.tensor(targets)  # [B, 1], [B]
    losses = answer(given_predictions, given_targets, *delta, **named)
    (losses * torch.tensor(weights)).sum().backward()
    return losses, str(losses.dtype), given_predictions.grad, given_targets


def run_keras(answer, predictions, targets, weights, *delta, **named):
    """The same with TensorFlow's tape."""
    import tensorflow as tf

    given_predictions, given_targets = tf.Variable(predictions), tf.constant(targets)  # [B, 1], [B]
    with tf.GradientTape() as tape:
        losses = answer(given_predictions.value(), given_targets, *delta, **named)
    gradient = tape.gradient(losses, given_predictions, output_gradients=tf.constant(weights, losses.dtype))
    return losses, losses.dtype.name, gradient, given_targets


def in_both(topic, **options):
    """Register `try_out(run, answer, rng)` for PyTorch and for Keras."""

    def register(try_out):
        for framework, run in (("torch", run_torch), ("keras", run_keras)):
            probe("03.3", topic, framework=framework, **options)(functools.partial(try_out, run))
        return try_out

    return register


def batch(rng, size):
    """float32 predictions [B, 1], targets [B] and weights [B]."""
    predictions = rng.normal(0, 3, size).astype(np.float32)
    targets = predictions + spread(rng, size).astype(np.float32)
    return predictions[:, None], targets, rng.uniform(0.5, 2, size).astype(np.float32)


@in_both("a loss for each sample, and the gradient that reaches the predictions")
def many_samples(run, answer, rng):
    return run(answer, *batch(rng, 25))


@in_both("a delta other than 1")
def framework_deltas(run, answer, rng):
    return [run(answer, *batch(rng, 41), float(delta)) for delta in (rng.uniform(0.3, 0.7), rng.uniform(1.5, 2.5))]


@in_both("targets of whole numbers and of float64")
def usual_types(run, answer, rng):
    return [run(answer, *typed_batch(rng, dtype)) for dtype in (np.int64, np.float64)]


@in_both("a single sample")
def one_sample(run, answer, rng):
    predictions, targets = rng.normal(0, 1, (1, 1)).astype(np.float32), rng.normal(0, 1, 1).astype(np.float32)
    return run(answer, predictions, targets, np.ones(1, np.float32))


@in_both("targets of other types of number", extra=True)
def other_types(run, answer, rng):
    return [run(answer, *typed_batch(rng, dtype)) for dtype in (np.int32, np.uint8, np.float16)]


def typed_batch(rng, dtype):
    """Targets are 0 to 5 in any type; predictions have fractions."""
    predictions = rng.uniform(0, 5, (12, 1)).astype(np.float32)
    return predictions, rng.integers(0, 6, 12).astype(dtype), rng.uniform(0.5, 2, 12).astype(np.float32)


@in_both("errors of exactly delta", extra=True)
def framework_seam(run, answer, rng):
    delta = float(rng.integers(1, 16)) / 4  # float32 holds it exactly
    targets = np.array([delta, -delta], np.float32)
    return run(answer, np.zeros((2, 1), np.float32), targets, np.ones(2, np.float32), delta)


@in_both("delta given by its name", extra=True)
def framework_named_delta(run, answer, rng):
    return run(answer, *batch(rng, 25), delta=float(rng.uniform(1.5, 2.5)))


# --- 03.4: one gradient step ----------------------------------------------------------------------------------------------------------


def clipped(errors):
    return np.clip(errors, -1, 1)


def unchanged(errors):
    return errors


def step(answer, rng, samples, size, loss_gradient):
    """The new weights, that they are an array of floats, and the arguments as they are afterwards."""
    weights, features, targets = rng.normal(size=size), rng.normal(0, 2, (samples, size)), rng.normal(0, 3, samples)
    got = answer(weights, features, targets, loss_gradient, float(rng.uniform(0.05, 0.5)))
    return got, got.dtype.kind, weights, features, targets


@probe("03.4", "a step that follows the gradient of the Huber loss")
def huber_step(answer, rng):
    return [step(answer, rng, samples, size, clipped) for samples, size in ((6, 3), (3, 3), (2, 5))]


@probe("03.4", "a step that follows the gradient of another loss")
def other_steps(answer, rng):
    return [step(answer, rng, *shape, gradient) for shape in ((7, 2), (4, 4)) for gradient in (unchanged, np.sign, np.tanh)]


@probe("03.4", "a batch of one sample", extra=True)
def step_with_one_sample(answer, rng):
    return [step(answer, rng, 1, size, clipped) for size in (4, 1)]


@probe("03.4", "a single weight", extra=True)
def step_of_one_weight(answer, rng):
    return step(answer, rng, 5, 1, clipped)


@probe("03.4", "many steps, one after the other", extra=True)
def many_steps(answer, rng):
    weights, features, targets = np.zeros(3), rng.normal(size=(8, 3)), rng.normal(0, 3, 8)
    for _ in range(30):
        weights = answer(weights, features, targets, clipped, 0.2)
    return weights, features, targets
