"""Right answers to lesson 03 in other styles."""

import functools

import numpy as np

from tests.right import right

# --- 03.1 -----------------------------------------------------------------------------------------------------------------------------


@right("03.1")
def loss_clipped_part_and_rest(errors, delta=1.0):
    size = np.abs(errors)
    inside = np.minimum(size, delta)
    return 0.5 * inside**2 + delta * (size - inside)


@right("03.1")
def loss_with_a_mask(errors, delta=1.0):
    losses = 0.5 * errors**2
    far = np.abs(errors) > delta
    losses[far] = delta * (np.abs(errors[far]) - delta / 2)
    return losses


@right("03.1")
def loss_in_a_loop(errors, delta=1.0):
    losses = np.zeros(errors.shape)
    for place, error in np.ndenumerate(errors):
        if abs(error) <= delta:
            losses[place] = error**2 / 2
        else:
            losses[place] = delta * abs(error) - delta**2 / 2
    return losses


@right("03.1")
def loss_of_rows(errors, delta=1.0):
    if errors.ndim > 1:
        return np.array([loss_of_rows(row, delta) for row in errors])
    return np.array([0.5 * e * e if -delta < e < delta else delta * (abs(e) - 0.5 * delta) for e in errors], dtype=float)


@right("03.1")
def loss_with_piecewise(errors, delta=1.0):
    size = np.abs(errors)
    return np.piecewise(size, [size < delta], [lambda e: 0.5 * e**2, lambda e: delta * (e - 0.5 * delta)])


@right("03.1")
def loss_vectorized(errors, delta=1.0):
    def one(error):
        return 0.5 * error**2 if abs(error) <= delta else delta * (abs(error) - 0.5 * delta)

    return np.vectorize(one)(errors)


@right("03.1")
def loss_of_three_pieces(errors, delta=1.0):
    left, right_ = -delta * (errors + 0.5 * delta), delta * (errors - 0.5 * delta)
    return np.select([errors < -delta, errors > delta], [left, right_], default=0.5 * np.square(errors))


@right("03.1", name="loss_from_torch", lazy=True)
def loss_from_torch():
    import torch
    from torch.nn import functional as F

    def huber_loss(errors, delta=1.0):
        errors = torch.tensor(errors)
        return F.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta).numpy()

    return huber_loss


# --- 03.2 -----------------------------------------------------------------------------------------------------------------------------


@right("03.2")
def gradient_of_two_limits(errors, delta=1.0):
    return np.maximum(-delta, np.minimum(errors, delta))


@right("03.2")
def gradient_by_sign(errors, delta=1.0):
    return np.where(np.abs(errors) < delta, errors, delta * np.sign(errors))


@right("03.2")
def gradient_sign_and_size(errors, delta=1.0):
    return np.sign(errors) * np.minimum(np.abs(errors), delta)


@right("03.2")
def gradient_shortened(errors, delta=1.0):
    return errors / np.maximum(1.0, np.abs(errors) / delta)


@right("03.2")
def gradient_with_masks(errors, delta=1.0):
    gradients = errors.copy()
    gradients[errors > delta] = delta
    gradients[errors < -delta] = -delta
    return gradients


@right("03.2")
def gradient_in_a_loop(errors, delta=1.0):
    slopes = [max(-delta, min(delta, error)) for error in errors.ravel()]
    return np.array(slopes, dtype=np.float64).reshape(errors.shape)


@right("03.2", name="gradient_by_autograd", lazy=True)
def gradient_by_autograd():
    import torch

    def huber_gradient(errors, delta=1.0):
        errors = torch.tensor(errors, requires_grad=True)
        torch.nn.HuberLoss(reduction="sum", delta=delta)(errors, torch.zeros_like(errors)).backward()
        return errors.grad.numpy()

    return huber_gradient


# --- 03.3 in PyTorch ------------------------------------------------------------------------------------------------------------------


def in_torch(make):
    """An answer whose body gets torch: function(torch) -> answer."""
    return right("03.3", framework="torch", name=make.__name__, lazy=True)(lambda: make(__import__("torch")))


@in_torch
def library_loss(torch):
    def huber(predictions, targets, delta=1.0):
        return torch.nn.functional.huber_loss(predictions.squeeze(1), targets.float(), reduction="none", delta=delta)

    return huber


@in_torch
def library_module_on_columns(torch):
    def huber(predictions, targets, delta=1.0):
        loss = torch.nn.HuberLoss(reduction="none", delta=delta)
        return loss(predictions, targets.unsqueeze(1).type_as(predictions)).flatten()

    return huber


@in_torch
def scaled_smooth_l1(torch):
    def huber(predictions, targets, delta=1.0):
        smooth = torch.nn.functional.smooth_l1_loss(predictions.view(-1), targets.to(torch.float32), reduction="none", beta=delta)
        return delta * smooth

    return huber


@in_torch
def clamped(torch):
    def huber(predictions, targets, delta=1.0):
        size = torch.abs(targets.to(predictions) - predictions.reshape(-1))
        inside = size.clamp(max=delta)
        return 0.5 * inside**2 + delta * (size - inside)

    return huber


@in_torch
def sample_by_sample(torch):
    def huber(predictions, targets, delta=1.0):
        losses = []
        for prediction, target in zip(predictions, targets.float()):
            error = target - prediction[0]
            losses.append(0.5 * error**2 if error.abs() <= delta else delta * (error.abs() - 0.5 * delta))
        return torch.stack(losses)

    return huber


# --- 03.3 in Keras --------------------------------------------------------------------------------------------------------------------


def in_keras(make):
    """An answer whose body gets keras: function(keras) -> answer."""
    return right("03.3", framework="keras", name=make.__name__, lazy=True)(lambda: make(__import__("keras")))


@in_keras
def library_class(keras):
    def huber(predictions, targets, delta=1.0):
        return keras.losses.Huber(delta=delta, reduction="none")(targets[:, None], predictions)

    return huber


@in_keras
def library_function(keras):
    def huber(predictions, targets, delta=1.0):
        return keras.losses.huber(keras.ops.expand_dims(targets, 1), predictions, delta)

    return huber


@in_keras
def clipped(keras):
    def huber(predictions, targets, delta=1.0):
        size = keras.ops.abs(keras.ops.squeeze(predictions, axis=1) - keras.ops.cast(targets, "float32"))
        inside = keras.ops.minimum(size, delta)
        return keras.ops.square(inside) / 2 + delta * (size - inside)

    return huber


@in_keras
def in_tensorflow(keras):
    import tensorflow as tf

    def huber(predictions, targets, delta=1.0):
        error = tf.reshape(predictions, [-1]) - tf.cast(targets, tf.float32)
        return tf.where(tf.abs(error) <= delta, 0.5 * tf.square(error), delta * tf.abs(error) - 0.5 * delta**2)

    return huber


# --- 03.4 -----------------------------------------------------------------------------------------------------------------------------


@right("03.4")
def step_by_matrix(weights, features, targets, loss_gradient, learning_rate):
    pulls = loss_gradient(targets - np.dot(features, weights))
    return weights + learning_rate * features.T @ pulls / len(targets)


@right("03.4")
def step_downhill(weights, features, targets, loss_gradient, learning_rate):
    gradient = -np.einsum("b,bf->f", loss_gradient(targets - features @ weights), features) / features.shape[0]
    return weights - learning_rate * gradient


@right("03.4")
def step_sample_by_sample(weights, features, targets, loss_gradient, learning_rate):
    total = np.zeros(len(weights))
    for sample, target in zip(features, targets):
        error = target - sum(w * x for w, x in zip(weights, sample))
        total += loss_gradient(np.array([error]))[0] * sample
    return weights + learning_rate * total / len(features)


@right("03.4")
def step_of_a_copy(weights, features, targets, loss_gradient, learning_rate):
    weights = weights.copy()
    errors = targets - (features * weights).sum(axis=1)
    weights += learning_rate * np.average(features * loss_gradient(errors).reshape(-1, 1), axis=0)
    return weights


@right("03.4")
def step_weight_by_weight(weights, features, targets, loss_gradient, learning_rate):
    pulls = loss_gradient(targets - features @ weights)
    return np.array([w + learning_rate * np.mean(pulls * features[:, f]) for f, w in enumerate(weights)])


@right("03.4")
def step_folded(weights, features, targets, loss_gradient, learning_rate):
    pulls = loss_gradient(targets - features @ weights)
    return functools.reduce(lambda new, one: new + learning_rate / len(pulls) * one[0] * one[1], zip(pulls, features), weights)
