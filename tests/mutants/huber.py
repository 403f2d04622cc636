"""Wrong answers to lesson 03."""

import numpy as np

from tests.mutants import mutant

# --- 03.1 -----------------------------------------------------------------------------------------------------------------------------


@mutant("03.1", says="the loss must be 2.5; yours is 3.0: the straight part needs its -0.5, or the loss jumps at 1")
def without_the_half(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * size)


@mutant("03.1", says="still the parabola")
def squared_everywhere(errors, delta=1.0):
    return 0.5 * errors**2


@mutant("03.1", says="that is the squared error")
def square_without_half_everywhere(errors, delta=1.0):
    return errors**2


@mutant("03.1", says="clipped before it was squared")
def clipped_before_squaring(errors, delta=1.0):
    return 0.5 * np.clip(errors, -delta, delta) ** 2


@mutant("03.1", says="needs -0.5, not -1")
def subtracts_all_of_delta(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - delta))


@mutant("03.1", says="twice too much")
def doubled(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, size**2, delta * (2 * size - delta))


@mutant("03.1", says="the straight part needs |error|, for -3 is as wrong as 3")
def sign_lost_in_the_line(errors, delta=1.0):
    return np.where(np.abs(errors) <= delta, 0.5 * errors**2, delta * (errors - 0.5 * delta))


@mutant("03.1", says="a loss is never negative")
def signed_loss(errors, delta=1.0):
    size = np.abs(errors)
    return np.sign(errors) * np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


@mutant("03.1", says="compare |error| with delta; -3 is far out, too")
def negative_errors_count_as_small(errors, delta=1.0):
    return np.where(errors <= delta, 0.5 * errors**2, delta * (errors - 0.5 * delta))


@mutant("03.1", says="the parabola is half the squared error")
def parabola_without_half(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, size**2, delta * (size - 0.5 * delta))


@mutant("03.1", says="that is the straight part; up to 1")
def branches_swapped_inside(errors, delta=1.0):
    return np.maximum(np.abs(errors) - 0.5, 0) * delta


@mutant("03.1", says="the absolute error")
def absolute_inside(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, size, delta * (size - 0.5 * delta))


@mutant("03.1", says="smooth L1")
def smooth_l1(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size < delta, 0.5 * size**2 / delta, size - 0.5 * delta)


@mutant("03.1", says="compare |error| with delta, not with 1")
def threshold_fixed_at_one(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= 1, 0.5 * size**2, delta * (size - 0.5 * delta))


@mutant("03.1", says="compare |error| with delta, not with 1")
def threshold_and_line_fixed_at_one(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= 1, 0.5 * size**2, size - 0.5)


@mutant("03.1", says="yours is 2.5: delta is ignored")
def line_ignores_delta(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, size - 0.5)


@mutant("03.1", says="with the parabola's own slope there, which is delta")
def line_with_slope_one(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, size - 0.5 * delta)


@mutant("03.1", says="subtract half of delta, not 0.5")
def half_instead_of_half_delta(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5))


@mutant("03.1", says="5 errors gave a single number")
def mean_inside(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta)).mean()


@mutant("03.1", says="leave means and sums to the caller")
def divided_by_the_batch(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta)) / errors.size


@mutant("03.1", says="yours have shape (4,)")
def mean_of_the_last_axis(errors, delta=1.0):
    size = np.abs(errors)
    losses = np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    return losses.mean(axis=-1) if losses.ndim > 1 else losses


@mutant("03.1", says="an `if` cannot decide for a whole array")
def if_instead_of_where(errors, delta=1.0):
    return 0.5 * errors**2 if abs(errors) <= delta else delta * (abs(errors) - 0.5 * delta)


@mutant("03.1", says="changes the array that it is given")
def writes_into_its_input(errors, delta=1.0):
    errors[:] = np.abs(errors)
    return np.where(errors <= delta, 0.5 * errors**2, delta * (errors - 0.5 * delta))


@mutant("03.1", says="yours is a list")
def list_of_losses(errors, delta=1.0):
    return [0.5 * e**2 if abs(e) <= delta else delta * (abs(e) - 0.5 * delta) for e in errors]


@mutant("03.1", says="returns nothing")
def no_return(errors, delta=1.0):
    np.abs(errors)


@mutant("03.1", says="an array of object")
def nones_inside(errors, delta=1.0):
    return np.array([None] * len(errors))


mutant("03.1", says="your code raised TypeError", name="not_even_a_function")(3.0)


@mutant("03.1", says="it works for a row of errors, not for shape (4, 3)")
def loop_over_a_row(errors, delta=1.0):
    return np.array([0.5 * e**2 if abs(e) <= delta else delta * (abs(e) - 0.5 * delta) for e in errors])


# --- 03.2 -----------------------------------------------------------------------------------------------------------------------------


@mutant("03.2", says="the gradient must be 1.0; yours is 5.0: it must stay at 1 beyond |error| = 1, but yours keeps growing")
def not_clipped(errors, delta=1.0):
    return errors.copy()


@mutant("03.2", says="the wildest sample would teach nothing")
def cut_off_beyond_delta(errors, delta=1.0):
    return np.where(np.abs(errors) <= delta, errors, 0.0)


@mutant("03.2", says="the sign is turned")
def sign_turned(errors, delta=1.0):
    return -np.clip(errors, -delta, delta)


@mutant("03.2", says="that is the loss, not its slope")
def the_loss_itself(errors, delta=1.0):
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


@mutant("03.2", says="keep the error's sign")
def sign_lost(errors, delta=1.0):
    return np.minimum(np.abs(errors), delta)


@mutant("03.2", says="clipped on one side only")
def clipped_above_only(errors, delta=1.0):
    return np.minimum(errors, delta)


@mutant("03.2", says="nothing may be divided by |error|")
def divides_by_size(errors, delta=1.0):
    size = np.abs(errors)
    return np.minimum(size, delta) * errors / size


@mutant("03.2", says="which jumps at 0")
def slope_of_the_absolute_error(errors, delta=1.0):
    return delta * np.sign(errors)


@mutant("03.2", says="with delta 2.0 the gradient must be 1.5; yours is 1.0: clip at delta, not at 1")
def clipped_at_one(errors, delta=1.0):
    return np.clip(errors, -1, 1)


@mutant("03.2", says="the slope climbs to 2 and then jumps down to 1")
def discontinuous(errors, delta=1.0):
    return np.where(np.abs(errors) <= delta, errors, np.sign(errors))


@mutant("03.2", says="leave means and sums to the caller")
def divided_by_the_batch_too(errors, delta=1.0):
    return np.clip(errors, -delta, delta) / len(errors)


@mutant("03.2", says="5 errors gave a single number")
def sum_inside(errors, delta=1.0):
    return np.clip(errors, -delta, delta).sum()


@mutant("03.2", says="changes the array that it is given")
def clips_in_place(errors, delta=1.0):
    return np.clip(errors, -delta, delta, out=errors)


@mutant("03.2", says="an `if` cannot decide")
def if_in_the_gradient(errors, delta=1.0):
    return errors if abs(errors) <= delta else delta * np.sign(errors)


@mutant("03.2", says="it works for a row of errors, not for shape (4, 3)")
def min_and_max_in_a_loop(errors, delta=1.0):
    return np.array([max(-delta, min(delta, e)) for e in errors])


# --- 03.3 in PyTorch ------------------------------------------------------------------------------------------------------------------


def in_torch(says: str):
    """A mutant whose body gets torch: function(torch) -> answer."""
    return lambda make: mutant("03.3", framework="torch", says=says, name=make.__name__, lazy=True)(lambda: make(__import__("torch")))


def torch_loss(torch, errors, delta):
    size = errors.abs()
    return torch.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


@in_torch(says="predictions (3, 1) and targets (3,) broadcast to a table (3, 3)")
def column_minus_row(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets - predictions, delta)


@in_torch(says="broadcast to a table (3, 3)")
def table_hidden_by_a_mean(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets - predictions, delta).mean(dim=1)


@in_torch(says='yours is their mean, 0.875: reduce nothing (with a library loss, reduction="none")')
def library_default_reduction(torch):
    return lambda predictions, targets, delta=1.0: torch.nn.functional.huber_loss(predictions[:, 0], targets, delta=delta)


@in_torch(says="yours is their sum")
def summed(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets - predictions[:, 0], delta).sum()


@in_torch(says="yours have shape (3, 1)")
def column_of_losses(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets[:, None] - predictions, delta)


@in_torch(says="that is smooth L1, whose beta is not delta")
def smooth_l1_for_huber(torch):
    loss = torch.nn.functional.smooth_l1_loss
    return lambda predictions, targets, delta=1.0: loss(predictions[:, 0], targets, beta=delta, reduction="none")


@in_torch(says="yours is 2.5: delta is ignored")
def delta_ignored(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets - predictions[:, 0], 1.0)


@in_torch(says="targets may be whole numbers (int64), as rewards are: cast them to the predictions' type first; yours raised RuntimeError")
def library_loss_without_a_cast(torch):
    loss = torch.nn.functional.huber_loss
    return lambda predictions, targets, delta=1.0: loss(predictions[:, 0], targets, delta=delta, reduction="none")


@in_torch(says="never the predictions to theirs")
def predictions_cut_to_whole_numbers(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, (targets - predictions[:, 0].to(targets.dtype)).float(), delta)


@in_torch(says="yours gives losses of float64")
def losses_in_float64(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets - predictions[:, 0], delta)


@in_torch(says="no gradient reaches the predictions")
def detached(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets.float() - predictions[:, 0].detach(), delta)


@in_torch(says="yours is of type ndarray")
def left_for_numpy(torch):
    return lambda predictions, targets, delta=1.0: np.abs(targets.numpy() - predictions[:, 0].detach().numpy())


@in_torch(says="the gradient that reaches the prediction must be 1.0")
def flat_beyond_delta(torch):
    def loss(predictions, targets, delta=1.0):
        size = (targets.float() - predictions[:, 0]).abs()
        return torch.where(size <= delta, 0.5 * size**2, (delta * (size - 0.5 * delta)).detach())

    return loss


@in_torch(says="a bare squeeze() drops the batch, too")
def squeezed_too_far(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets.float().squeeze() - predictions.squeeze(), delta)


@in_torch(says="changes the targets")
def writes_into_the_targets(torch):
    return lambda predictions, targets, delta=1.0: torch_loss(torch, targets.sub_(predictions[:, 0]), delta)


@in_torch(says="the loss must be 2.5; yours is 3.0")
def torch_without_the_half(torch):
    def loss(predictions, targets, delta=1.0):
        size = (targets.float() - predictions[:, 0]).abs()
        return torch.where(size <= delta, 0.5 * size**2, delta * size)

    return loss


# --- 03.3 in Keras --------------------------------------------------------------------------------------------------------------------


def in_keras(says: str):
    """A mutant whose body gets keras: function(keras) -> answer."""
    return lambda make: mutant("03.3", framework="keras", says=says, name=make.__name__, lazy=True)(lambda: make(__import__("keras")))


def keras_loss(ops, errors, delta):
    size = ops.abs(errors)
    return ops.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


@in_keras(says="predictions (3, 1) and targets (3,) broadcast to a table (3, 3)")
def column_minus_row_in_keras(keras):
    return lambda predictions, targets, delta=1.0: keras_loss(keras.ops, targets - predictions, delta)


@in_keras(says="broadcast to a table (3, 3)")
def table_hidden_by_a_mean_in_keras(keras):
    return lambda predictions, targets, delta=1.0: keras.ops.mean(keras_loss(keras.ops, targets - predictions, delta), axis=0)


@in_keras(says='yours is their mean, 0.875: reduce nothing (Keras\' own Huber averages the last axis even with reduction="none")')
def keras_huber_on_rows(keras):
    def loss(predictions, targets, delta=1.0):
        return keras.losses.Huber(delta=delta, reduction="none")(targets, predictions[:, 0])

    return loss


@in_keras(says="yours have shape (3, 1)")
def column_of_losses_in_keras(keras):
    return lambda predictions, targets, delta=1.0: keras_loss(keras.ops, targets[:, None] - predictions, delta)


@in_keras(says="targets may be whole numbers (int64), as rewards are: cast them to the predictions' type first; yours raised")
def no_cast_in_keras(keras):
    return lambda predictions, targets, delta=1.0: keras_loss(keras.ops, targets - predictions[:, 0], delta)


@in_keras(says="never the predictions to theirs")
def predictions_cut_in_keras(keras):
    def loss(predictions, targets, delta=1.0):
        errors = targets - keras.ops.cast(predictions[:, 0], targets.dtype)
        return keras_loss(keras.ops, keras.ops.cast(errors, "float32"), delta)

    return loss


@in_keras(says="that is smooth L1")
def smooth_l1_in_keras(keras):
    def loss(predictions, targets, delta=1.0):
        return keras_loss(keras.ops, keras.ops.cast(targets, "float32") - predictions[:, 0], delta) / delta

    return loss


@in_keras(says="no gradient reaches the predictions")
def gradient_stopped(keras):
    def loss(predictions, targets, delta=1.0):
        predictions = keras.ops.stop_gradient(predictions[:, 0])
        return keras_loss(keras.ops, keras.ops.cast(targets, "float32") - predictions, delta)

    return loss


@in_keras(says="yours is of type ndarray")
def left_for_numpy_in_keras(keras):
    return lambda predictions, targets, delta=1.0: np.abs(targets.numpy() - predictions[:, 0].numpy())


@in_keras(says="a bare squeeze() drops the batch, too")
def squeezed_too_far_in_keras(keras):
    def loss(predictions, targets, delta=1.0):
        return keras_loss(keras.ops, keras.ops.squeeze(keras.ops.cast(targets, "float32")) - keras.ops.squeeze(predictions), delta)

    return loss


# --- 03.4 -----------------------------------------------------------------------------------------------------------------------------


@mutant("03.4", says="the mean runs over the features (axis 1)")
def wrong_axis(weights, features, targets, loss_gradient, learning_rate):
    pulls = loss_gradient(targets - features @ weights)[:, None] * features
    return weights + learning_rate * pulls.mean(axis=1)


@mutant("03.4", says="average over the 3 samples (axis 0)")
def wrong_axis_unless_square(weights, features, targets, loss_gradient, learning_rate):
    pulls = loss_gradient(targets - features @ weights)[:, None] * features
    return weights + learning_rate * pulls.mean(axis=0 if len(features) == 2 else 1)


@mutant("03.4", says="every weight takes the same step")
def mean_over_everything(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * np.mean(loss_gradient(targets - features @ weights)[:, None] * features)


@mutant("03.4", says="that is the sum over the batch")
def sum_over_the_batch(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * features.T @ loss_gradient(targets - features @ weights)


@mutant("03.4", says="leads away from the targets")
def wrong_direction(weights, features, targets, loss_gradient, learning_rate):
    return weights - learning_rate * features.T @ loss_gradient(targets - features @ weights) / len(targets)


@mutant("03.4", says="the features are missing")
def without_features(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * loss_gradient(targets - features @ weights).mean()


@mutant("03.4", says="averaged apart")
def averaged_apart(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * loss_gradient(targets - features @ weights).mean() * features.mean(axis=0)


@mutant("03.4", says="loss_gradient was given the averaged pull")
def clipped_after_the_mean(weights, features, targets, loss_gradient, learning_rate):
    errors = targets - features @ weights
    return weights + learning_rate * loss_gradient((errors[:, None] * features).mean(axis=0))


@mutant("03.4", says="loss_gradient was given the mean error")
def gradient_of_the_mean_error(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * loss_gradient((targets - features @ weights).mean()) * features.mean(axis=0)


@mutant("03.4", says="loss_gradient is ignored")
def always_squared(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * features.T @ (targets - features @ weights) / len(targets)


@mutant("03.4", says="the learning rate is missing")
def without_a_rate(weights, features, targets, loss_gradient, learning_rate):
    return weights + features.T @ loss_gradient(targets - features @ weights) / len(targets)


@mutant("03.4", says="nothing has moved")
def no_step(weights, features, targets, loss_gradient, learning_rate):
    return weights.copy()


@mutant("03.4", says="`+=` writes into them")
def in_place(weights, features, targets, loss_gradient, learning_rate):
    weights += learning_rate * features.T @ loss_gradient(targets - features @ weights) / len(targets)
    return weights


@mutant("03.4", says="yours is a tuple")
def weights_and_errors(weights, features, targets, loss_gradient, learning_rate):
    return weights, targets - features @ weights


@mutant("03.4", says="2 weights must stay 2 weights; yours have shape (2, 2)")
def one_step_a_sample(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * loss_gradient(targets - features @ weights)[:, None] * features


@mutant("03.4", says="returns nothing")
def step_without_return(weights, features, targets, loss_gradient, learning_rate):
    loss_gradient(targets - features @ weights)


@mutant("03.4", says="the sum is divided by the number of features")
def divided_by_the_features(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * features.T @ loss_gradient(targets - features @ weights) / len(weights)


@mutant("03.4", says="that is Huber's step, whichever loss is asked for; call the `loss_gradient` that is given to you")
def always_huber(weights, features, targets, loss_gradient, learning_rate):
    return weights + learning_rate * features.T @ np.clip(targets - features @ weights, -1, 1) / len(targets)
