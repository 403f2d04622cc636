"""Wrong answers to lesson 07."""

import copy

import numpy as np

from course_lib.checks.bootstrapped import ReferenceMemory, reference_disagreement
from course_lib.exploration import head_per_episode, majority_vote
from tests.mutants import mutant

# --- 07.1: classes of heads, in each framework ----------------------------------------------------------------------------------------


def torch_heads(make=None, forward=None, core=lambda core, num_heads: core, listed=None):
    """A class as a learner may write it, with one thing done wrongly."""
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core_given, make_head, num_heads):
            super().__init__()
            self.core = core(core_given, num_heads)
            heads = make(make_head, num_heads) if make else [make_head() for _ in range(num_heads)]
            self.heads = (listed or torch.nn.ModuleList)(heads)
            self.make_head = make_head

        def forward(self, observations):
            if forward:
                return forward(self, observations)
            features = self.core(observations)
            return torch.stack([head(features) for head in self.heads], dim=1)

    return HeadsTorch


def keras_heads(make=None, forward=None, core=lambda core, num_heads: core):
    import keras

    class HeadsKeras(keras.Model):
        def __init__(self, core_given, make_head, num_heads):
            super().__init__()
            self.core = core(core_given, num_heads)
            self.heads = make(make_head, num_heads) if make else [make_head() for _ in range(num_heads)]
            self.make_head = make_head

        def call(self, observations):
            if forward:
                return forward(self, observations)
            features = self.core(observations)
            return keras.ops.stack([head(features) for head in self.heads], axis=1)

    return HeadsKeras


def outputs(network, observations):
    features = network.core(observations)
    return [head(features) for head in network.heads]


def one_head_many_times(make_head, num_heads):
    return [make_head()] * num_heads


def torch_copies(make_head, num_heads):
    head = make_head()
    return [copy.deepcopy(head) for _ in range(num_heads)]


def keras_copies(make_head, num_heads):
    first, heads = make_head().get_weights(), [make_head() for _ in range(num_heads)]
    for head in heads:
        head.set_weights(first)
    return heads


@mutant("07.1", framework="torch", lazy=True, says="the heads share their weights: they are one head 3 times")
def shared_torch():
    return torch_heads(one_head_many_times)


@mutant("07.1", framework="keras", lazy=True, says="the heads share their weights: they are one head 3 times")
def shared_keras():
    return keras_heads(one_head_many_times)


@mutant("07.1", framework="torch", lazy=True, says="all heads begin with the same weights")
def copied_heads_torch():
    return torch_heads(torch_copies)


@mutant("07.1", framework="keras", lazy=True, says="all heads begin with the same weights")
def copied_heads_keras():
    return keras_heads(keras_copies)


@mutant("07.1", framework="torch", lazy=True, says="the core is copied, once for each head (78 weights; core 16 + 3 heads of 10 = 46)")
def copied_core_torch():
    import torch

    def forward(network, observations):
        return torch.stack([head(core(observations)) for head, core in zip(network.heads, network.core)], dim=1)

    return torch_heads(forward=forward, core=lambda core, num_heads: torch.nn.ModuleList(copy.deepcopy(core) for _ in range(num_heads)))


@mutant("07.1", framework="torch", lazy=True, says="the core is copied, once (46 weights")
def core_copied_once_torch():
    return torch_heads(core=lambda core, num_heads: copy.deepcopy(core))


@mutant("07.1", framework="keras", lazy=True, says="the core is copied, once for each head (78 weights; core 16 + 3 heads of 10 = 46)")
def copied_core_keras():
    import keras

    def copies(core, num_heads):
        twins = []
        for _ in range(num_heads):
            layer = keras.layers.Dense(4, activation="relu")
            layer.build((None, 3))
            layer.set_weights(core.layer.get_weights())
            twins.append(layer)
        return twins

    def forward(network, observations):
        return keras.ops.stack([head(core(observations)) for head, core in zip(network.heads, network.core)], axis=1)

    return keras_heads(forward=forward, core=copies)


@mutant("07.1", framework="torch", lazy=True, says="the core runs 3 times in one pass")
def core_runs_for_each_head_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack([head(network.core(x)) for head in network.heads], dim=1))


@mutant("07.1", framework="keras", lazy=True, says="the core runs 3 times in one pass")
def core_runs_for_each_head_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.stack([head(network.core(x)) for head in network.heads], axis=1))


@mutant("07.1", framework="torch", lazy=True, says="yours have (5, 2): that is the mean over the heads, and it hides how far")
def mean_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack(outputs(network, x)).mean(dim=0))


@mutant("07.1", framework="keras", lazy=True, says="yours have (5, 2): that is the mean over the heads, and it hides how far")
def mean_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.mean(keras.ops.stack(outputs(network, x)), axis=0))


@mutant("07.1", framework="torch", lazy=True, says="yours have (3, 5, 2): the heads lie along the first axis")
def heads_first_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack(outputs(network, x)))


@mutant("07.1", framework="keras", lazy=True, says="yours have (3, 5, 2): the heads lie along the first axis")
def heads_first_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.stack(outputs(network, x)))


@mutant("07.1", framework="torch", lazy=True, says="strung together in a row")
def in_a_row_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.cat(outputs(network, x), dim=1))


@mutant("07.1", framework="keras", lazy=True, says="strung together in a row")
def in_a_row_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.concatenate(outputs(network, x), axis=1))


@mutant("07.1", framework="torch", lazy=True, says="yours is of type list: stack its parts into one tensor")
def a_list_torch():
    return torch_heads(forward=outputs)


@mutant("07.1", framework="keras", lazy=True, says="yours is of type list: stack its parts into one tensor")
def a_list_keras():
    return keras_heads(forward=outputs)


@mutant("07.1", framework="torch", lazy=True, says="a plain Python list, which PyTorch does not look into: use `nn.ModuleList`")
def unregistered_torch():
    return torch_heads(listed=list)


@mutant("07.1", framework="torch", lazy=True, says="`make_head` must be called 3 times, once for each head; yours calls it 4 times")
def one_too_many_torch():
    return torch_heads(lambda make_head, num_heads: [make_head() for _ in range(num_heads + 1)][1:])


@mutant("07.1", framework="torch", lazy=True, says="no gradient of head 0 reaches the core")
def detached_torch():
    import torch

    def forward(network, observations):
        features = network.core(observations).detach()
        return torch.stack([head(features) for head in network.heads], dim=1)

    return torch_heads(forward=forward)


@mutant("07.1", framework="keras", lazy=True, says="no gradient of head 0 reaches the core")
def detached_keras():
    import keras

    def forward(network, observations):
        features = keras.ops.stop_gradient(network.core(observations))
        return keras.ops.stack([head(features) for head in network.heads], axis=1)

    return keras_heads(forward=forward)


@mutant("07.1", framework="torch", lazy=True, says="a ReLU on the Q-values")
def relu_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack(outputs(network, x), dim=1).relu())


@mutant("07.1", framework="torch", lazy=True, says="the gradient of head 0 flows into the weights of head 1")
def mixed_torch():
    import torch

    def forward(network, observations):
        values = torch.stack(outputs(network, observations), dim=1)
        return values + values.mean(dim=1, keepdim=True) - values.mean(dim=1, keepdim=True).detach()

    return torch_heads(forward=forward)


@mutant("07.1", framework="torch", lazy=True, says="the gradient of head 1 flows into the weights of head 0")
def first_head_in_all_torch():
    import torch

    def forward(network, observations):
        values = torch.stack(outputs(network, observations), dim=1)
        return values + values[:, :1] - values[:, :1].detach()

    return torch_heads(forward=forward)


@mutant("07.1", framework="torch", lazy=True, says="new heads are made each time the network runs")
def new_heads_each_time_torch():
    import torch

    def forward(network, observations):
        features = network.core(observations)
        return torch.stack([network.make_head()(features) for _ in network.heads], dim=1)

    return torch_heads(forward=forward)


RESHAPED = "a reshape only cuts the numbers up anew"
SKIPPED = "the heads get the observations [B, 3] themselves"
UNCALLED = "`make_head` itself is kept"


@mutant("07.1", framework="torch", lazy=True, says=RESHAPED)
def reshaped_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack(outputs(network, x)).reshape(len(x), len(network.heads), -1))


@mutant("07.1", framework="keras", lazy=True, says=RESHAPED)
def reshaped_keras():
    import keras

    return keras_heads(
        forward=lambda network, x: keras.ops.reshape(keras.ops.stack(outputs(network, x)), (len(x), len(network.heads), -1))
    )


@mutant("07.1", framework="torch", lazy=True, says=SKIPPED)
def core_skipped_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack([head(x) for head in network.heads], dim=1))


@mutant("07.1", framework="keras", lazy=True, says=SKIPPED)
def core_skipped_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.stack([head(x) for head in network.heads], axis=1))


@mutant("07.1", framework="torch", lazy=True, says=UNCALLED)
def uncalled_torch():
    return torch_heads(lambda make_head, num_heads: [make_head] * num_heads)


@mutant("07.1", framework="torch", lazy=True, says=UNCALLED)
def uncalled_in_a_list_torch():
    return torch_heads(lambda make_head, num_heads: [make_head] * num_heads, listed=list)


@mutant("07.1", framework="keras", lazy=True, says=UNCALLED)
def uncalled_keras():
    return keras_heads(lambda make_head, num_heads: [make_head] * num_heads)


@mutant("07.1", framework="keras", lazy=True, says="your `call` raised TypeError: stack() got an unexpected keyword argument 'dim'")
def torch_words_keras():
    import keras

    return keras_heads(forward=lambda network, x: keras.ops.stack(outputs(network, x), dim=1))


@mutant("07.1", framework="torch", lazy=True, says="with num_heads=1 five observations give Q-values of shape (5, 1, 2); yours have (5, 2)")
def squeezed_torch():
    import torch

    return torch_heads(forward=lambda network, x: torch.stack(outputs(network, x), dim=1).squeeze())


@mutant("07.1", framework="torch", lazy=True, says="call `super().__init__()` first")
def no_super_torch():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            self.core = core

    return HeadsTorch


@mutant("07.1", framework="keras", lazy=True, says="call `super().__init__()` first")
def no_super_keras():
    import keras

    class HeadsKeras(keras.Model):
        def __init__(self, core, make_head, num_heads):
            self.core = core

    return HeadsKeras


@mutant("07.1", framework="torch", lazy=True, says="must give an nn.Module; yours gives the type list")
def no_module_torch():
    return lambda core, make_head, num_heads: [make_head() for _ in range(num_heads)]


@mutant("07.1", framework="keras", lazy=True, says="must give a keras.Model; yours gives the type list")
def no_module_keras():
    return lambda core, make_head, num_heads: [make_head() for _ in range(num_heads)]


@mutant("07.1", framework="keras", lazy=True, says="`call` returns nothing")
def nothing_keras():
    return keras_heads(forward=lambda network, x: None)


@mutant("07.1", framework="torch", lazy=True, says="`forward` returns nothing")
def nothing_torch():
    return torch_heads(forward=lambda network, x: None)


# --- 07.2 -----------------------------------------------------------------------------------------------------------------------------


def with_masks(draw):
    """A memory that draws its masks by `draw(self)`."""

    class Memory(ReferenceMemory):
        def add(self, transition):
            self.transitions.append(transition)
            self.masks.append(draw(self))

    return Memory


@mutant("07.2", says="yours are drawn on sampling")
class DrawnOnSampling(ReferenceMemory):
    def get(self, places):
        return [self.transitions[place] for place in places], self.rng.random((len(places), self.num_heads)) < self.probability


mutant("07.2", says="all heads have the same bit: one draw for all heads", name="one_draw_for_all")(
    with_masks(lambda self: np.full(self.num_heads, self.rng.random() < self.probability))
)
mutant("07.2", says="p and 1 - p have changed places", name="turned_round")(
    with_masks(lambda self: self.rng.random(self.num_heads) < (1 - self.probability if self.num_heads > 1 else 1.0))
)
mutant("07.2", says="with one head every bit must be set", name="a_single_head_skips")(
    with_masks(lambda self: self.rng.random(self.num_heads) < self.probability)
)
mutant("07.2", says="masks say yes or no, so they are bool; yours are int64", name="ints")(
    with_masks(lambda self: self.rng.binomial(1, 1.0 if self.num_heads == 1 else self.probability, self.num_heads))
)
mutant("07.2", says="masks say yes or no, so they are bool; yours are float64", name="floats")(
    with_masks(lambda self: (self.rng.random(self.num_heads) < self.probability).astype(float))
)
mutant("07.2", says="global random state", name="global_state")(
    with_masks(lambda self: np.random.random(self.num_heads) < self.probability)
)
mutant("07.2", says="it tosses a fair coin, whatever p is", name="fair_coin")(
    with_masks(lambda self: self.rng.random(self.num_heads) < 0.5)
)
mutant("07.2", says="make no generator yourself", name="own_generator")(
    with_masks(
        lambda self: np.random.default_rng(len(self.masks)).random(self.num_heads) < (self.probability if self.num_heads > 1 else 1.0)
    )
)
mutant("07.2", says="every transition has the same mask", name="the_same_seed_each_time")(
    with_masks(lambda self: np.random.default_rng(0).random(self.num_heads) < self.probability)
)
mutant("07.2", says="is anything drawn at all?", name="all_set")(with_masks(lambda self: np.ones(self.num_heads, bool)))
mutant("07.2", says="every mask sets exactly 2 of 4 bits", name="a_fixed_number")(
    with_masks(lambda self: self.rng.permutation(self.num_heads) < round(self.probability * self.num_heads))
)


mutant("07.2", says="every mask sets exactly 1 of 4 bits", name="heads_take_turns")(
    with_masks(lambda self: np.arange(self.num_heads) == len(self.masks) % self.num_heads)
)
mutant("07.2", says="those of heads 0 and 1 are in 100%: toss for each head on its own", name="heads_in_pairs")(
    with_masks(lambda self: np.repeat(self.rng.random(self.num_heads), 2)[: self.num_heads] < self.probability)
)
mutant("07.2", says="yours: 0%, ", name="head_0_never_learns")(
    with_masks(lambda self: (self.rng.random(self.num_heads) < self.probability) & (np.arange(self.num_heads) > 0))
)


@mutant("07.2", says="no mask is all False")
class NeverEmpty(ReferenceMemory):
    def add(self, transition):
        super().add(transition)
        while not self.masks[-1].any():
            self.masks[-1] = self.rng.random(self.num_heads) < self.probability


@mutant("07.2", says="(4, 400): a row for each transition")
class Transposed(ReferenceMemory):
    def get(self, places):
        transitions, masks = super().get(places)
        return transitions, masks.T if len(places) > 2 else masks


@mutant("07.2", says="must be a NumPy array")
class AList(ReferenceMemory):
    def get(self, places):
        return [self.transitions[place] for place in places], [self.masks[place] for place in places]


@mutant("07.2", says="get([0, 1]) must give a list of the transitions [0, 1]; yours: [0, 1, 2")
class Everything(ReferenceMemory):
    def get(self, places):
        return self.transitions, np.array(self.masks)


@mutant("07.2", says="get([7, 3, 7]) must give the masks of the transitions 7, 3 and 7")
class InOrder(ReferenceMemory):
    def get(self, places):
        return [self.transitions[place] for place in places], np.array([self.masks[place] for place in sorted(places)])


@mutant("07.2", says="`get` returns nothing")
class Nothing(ReferenceMemory):
    def get(self, places):
        super().get(places)


@mutant("07.2", says="`get` gives a pair for each place")
class Pairs(ReferenceMemory):
    def get(self, places):
        return [(self.transitions[place], self.masks[place]) for place in places]


@mutant("07.2", says="`np.array` has made one array of all transitions; keep the list")
class OneArray(ReferenceMemory):
    def get(self, places):
        return np.array(self.transitions)[places].tolist(), np.array(self.masks)[places]


@mutant("07.2", says="`get` is not written yet")
class HalfDone(ReferenceMemory):
    def get(self, places):
        raise NotImplementedError


@mutant("07.2", says="`get` returns two things")
class MasksOnly(ReferenceMemory):
    def get(self, places):
        return super().get(places)[1]


@mutant("07.2", says="go through them in a loop")
class IndexesAList(ReferenceMemory):
    def get(self, places):
        return self.transitions[places], np.array(self.masks)[places]


# --- 07.3: losses in each framework ---------------------------------------------------------------------------------------------------


def in_torch(function):
    """A wrong loss written with torch's methods: (losses, masks as floats, torch)."""

    def make():
        import torch

        return lambda losses, masks: function(losses, masks.float(), torch)

    return make


def in_keras(function):
    """A wrong loss written with keras.ops: (losses, masks as floats, keras.ops)."""

    def make():
        from keras import ops

        return lambda losses, masks: function(losses, ops.cast(masks, "float32"), ops)

    return make


def both(says, name):
    """Register a loss `(losses, masks, sum, maximum)`, with NumPy-like functions, for both frameworks."""

    def add(function):
        torch_version = in_torch(lambda losses, masks, torch: function(losses, masks, torch.sum, lambda a, b: torch.clamp(a, min=b)))
        keras_version = in_keras(lambda losses, masks, ops: function(losses, masks, ops.sum, ops.maximum))
        mutant("07.3", framework="torch", lazy=True, says=says, name=name)(torch_version)
        mutant("07.3", framework="keras", lazy=True, says=says, name=name)(keras_version)

    return add


both("must be 11.0; yours is 13.75: that is the mean of all losses: reduced before masking", "reduced_first")(
    lambda losses, masks, sum, maximum: sum(sum(losses, 0) / 4 * masks / maximum(sum(masks, 0), 1.0)) / losses.shape[1]
)
both("losses (B, 1) times masks (B,) is a table (B, B), in which the mask cancels", "table")(
    lambda losses, masks, sum, maximum: (
        sum(losses[:, :1] * masks[:, 0]) / maximum(sum(masks[:, 0]), 1.0)
        + sum(losses[:, 1:2] * masks[:, 1]) / maximum(sum(masks[:, 1]), 1.0)
    )
    / 2
)
both("it divides by all 4 samples; divide each head's sum", "divided_by_batch")(lambda losses, masks, sum, maximum: sum(losses * masks) / 8)
both("it divides by all bits that are set, of all heads together", "one_count")(
    lambda losses, masks, sum, maximum: sum(losses * masks) / maximum(sum(masks), 1.0)
)
both("your loss is nan: division by zero", "no_guard")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / sum(masks, 0)) / losses.shape[1]
)
both("it sums the samples; take their mean", "summed_samples")(lambda losses, masks, sum, maximum: sum(losses * masks) / losses.shape[1])
both("it sums the heads; take their mean", "summed_heads")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / maximum(sum(masks, 0), 1.0))
)
both("the mask is turned round", "inverted")(
    lambda losses, masks, sum, maximum: sum(sum(losses * (1 - masks), 0) / maximum(sum(1 - masks, 0), 1.0)) / losses.shape[1]
)
both("the samples lie along axis 0", "wrong_axis")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 1) / maximum(sum(masks, 1), 1.0)) / losses.shape[0]
)
both("yours has (2,): one loss a head; average them", "not_averaged")(
    lambda losses, masks, sum, maximum: sum(losses * masks, 0) / maximum(sum(masks, 0), 1.0)
)
both("counts as 0, and the mean is still over both heads", "left_out")(
    lambda losses, masks, sum, maximum: (
        sum(sum(losses * masks, 0) / maximum(sum(masks, 0), 1.0)) / maximum(sum(sum(masks, 0) / maximum(sum(masks, 0), 1.0)), 1.0)
    )
)
both("the count plus 1", "count_plus_one")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / (sum(masks, 0) + 1)) / losses.shape[1]
)


both("by all samples again; sum over the batch, and take the mean of the heads only", "divided_twice")(
    lambda losses, masks, sum, maximum: sum(losses * masks / maximum(sum(masks, 0), 1.0)) / (losses.shape[0] * losses.shape[1])
)
both("by all samples again: the mean of the heads divides by K", "divided_by_batch_for_heads")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / maximum(sum(masks, 0), 1.0)) / losses.shape[0]
)
both("it divides by 2, whatever the number of heads", "always_two_heads")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / maximum(sum(masks, 0), 1.0)) / 2
)
both("Python's own `max` and `if` cannot decide for a whole tensor", "pythons_max")(
    lambda losses, masks, sum, maximum: sum(sum(losses * masks, 0) / max(sum(masks, 0), 1.0)) / losses.shape[1]
)


@mutant("07.3", framework="torch", lazy=True, says="the loss is right, but its gradient is nan")
def hidden_zero_torch():
    import torch

    def loss(losses, masks):
        masks = masks.float()
        counts = masks.sum(0)
        return torch.where(counts > 0, (losses * masks).sum(0) / counts, torch.zeros(())).mean()

    return loss


@mutant("07.3", framework="keras", lazy=True, says="the loss is right, but its gradient is nan")
def hidden_zero_keras():
    from keras import ops

    def loss(losses, masks):
        masks = ops.cast(masks, "float32")
        counts = ops.sum(masks, axis=0)
        return ops.mean(ops.where(counts > 0, ops.sum(losses * masks, axis=0) / counts, 0.0))

    return loss


@mutant("07.3", framework="torch", lazy=True, says="no gradient flows through your loss")
def detached_loss_torch():
    from course_lib.backends.torch.losses import masked_means

    return lambda losses, masks: masked_means(losses.detach(), masks).mean()


@mutant("07.3", framework="keras", lazy=True, says="no gradient flows through your loss")
def detached_loss_keras():
    from keras import ops

    from course_lib.backends.keras.losses import masked_means

    return lambda losses, masks: ops.mean(masked_means(ops.stop_gradient(losses), masks))


@mutant("07.3", framework="torch", lazy=True, says="flows into sample 1 of head 1, which its mask keeps out")
def leaking_torch():
    from course_lib.backends.torch.losses import masked_means

    return lambda losses, masks: masked_means(losses, masks).mean() + losses.mean() - losses.mean().detach()


@mutant("07.3", framework="keras", lazy=True, says="not inside a `tf.function`")
def numpy_keras():
    from keras import ops

    from course_lib.backends.keras.losses import masked_means

    def loss(losses, masks):
        masks.numpy()
        return ops.mean(masked_means(losses, masks))

    return loss


@mutant("07.3", framework="torch", lazy=True, says="return a tensor of the framework")
def a_number_torch():
    return lambda losses, masks: 11.0


# --- 07.4 -----------------------------------------------------------------------------------------------------------------------------


@mutant("07.4", says="a new head every step, and nobody ever carries a plan through")
def new_head_every_step(heads, starts, num_heads, rng):
    return rng.integers(num_heads, size=len(starts))


@mutant("07.4", says="never resampled")
def never_resampled(heads, starts, num_heads, rng):
    return heads.copy()


@mutant("07.4", says="all games share one draw")
def one_draw_for_all_games(heads, starts, num_heads, rng):
    return np.where(starts, rng.integers(num_heads), heads)


@mutant("07.4", says="`starts` is the wrong way round")
def starts_turned_round(heads, starts, num_heads, rng):
    return head_per_episode(heads, ~starts, num_heads, rng)


@mutant("07.4", says="it writes into the arrays that it is given")
def writes_into_heads(heads, starts, num_heads, rng):
    heads[starts] = rng.integers(num_heads, size=starts.sum())
    return heads


@mutant("07.4", says="yours never draws 9")
def last_head_left_out(heads, starts, num_heads, rng):
    return np.where(starts, rng.integers(max(num_heads - 1, 1), size=len(starts)), heads)


@mutant("07.4", says="global random state")
def global_heads(heads, starts, num_heads, rng):
    return np.where(starts, np.random.randint(num_heads, size=len(starts)), heads)


@mutant("07.4", says="the heads take turns")
def in_turns(heads, starts, num_heads, rng):
    return np.where(starts, (heads + 1) % num_heads, heads)


@mutant("07.4", says="never drawn again")
def never_the_same_again(heads, starts, num_heads, rng):
    return np.where(starts, (heads + rng.integers(1, num_heads, size=len(starts))) % num_heads, heads)


@mutant("07.4", says="among all K heads, not only among those in use")
def among_those_in_use(heads, starts, num_heads, rng):
    return np.where(starts, rng.choice(heads, size=len(starts)), heads)


@mutant("07.4", says="make none yourself")
def own_generator_for_heads(heads, starts, num_heads, rng):
    return head_per_episode(heads, starts, num_heads, np.random.default_rng(0))


@mutant("07.4", says="a head is a whole number")
def floats_for_heads(heads, starts, num_heads, rng):
    return head_per_episode(heads, starts, num_heads, rng).astype(float)


@mutant("07.4", says="a head for every game, not only for those that start")
def only_those_that_start(heads, starts, num_heads, rng):
    return rng.integers(num_heads, size=starts.sum())


@mutant("07.4", says="an `if` cannot decide for a whole array at once")
def an_if(heads, starts, num_heads, rng):
    return rng.integers(num_heads, size=len(starts)) if starts else heads


# --- 07.5 -----------------------------------------------------------------------------------------------------------------------------


def tally(q_values):
    return np.eye(q_values.shape[2], dtype=int)[q_values.argmax(axis=2)].sum(axis=1)  # [B, A]


@mutant("07.5", says="it averages the Q-values, and one head that shouts outvotes the others")
def averages(q_values):
    return q_values.mean(axis=1).argmax(axis=1)


@mutant("07.5", says="decided by accident, for the action that comes first")
def first_of_the_tied(q_values):
    return tally(q_values).argmax(axis=1)


@mutant("07.5", says="decided by accident, for the action that comes last")
def last_of_the_tied(q_values):
    votes = tally(q_values)
    return votes.shape[1] - 1 - votes[:, ::-1].argmax(axis=1)


@mutant("07.5", says="it counts over the batch")
def over_the_batch(q_values):
    return np.full(len(q_values), tally(q_values).sum(axis=0).argmax())


@mutant("07.5", says="it adds the means to the votes")
def votes_and_means(q_values):
    return (tally(q_values) + q_values.mean(axis=1)).argmax(axis=1)


@mutant("07.5", says="can outweigh them, however small its share")
def votes_and_a_little_of_the_means(q_values):
    return (tally(q_values) + 1e-3 * q_values.mean(axis=1)).argmax(axis=1)


@mutant("07.5", says="one for each action; return one for each observation")
def over_everything(q_values):
    return np.bincount(q_values.argmax(axis=2).ravel(), minlength=q_values.shape[2])


@mutant("07.5", says="it follows the head with the highest Q-value")
def the_loudest(q_values):
    return q_values.max(axis=1).argmax(axis=1)


@mutant("07.5", says="it follows head 0")
def the_first_head(q_values):
    return q_values[:, 0].argmax(axis=1)


@mutant("07.5", says="in a tie it takes the highest mean of all actions")
def mean_of_all_in_a_tie(q_values):
    votes = tally(q_values)
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return np.where(tied, q_values.mean(axis=1).argmax(axis=1), votes.argmax(axis=1))


@mutant("07.5", says="the highest single Q-value does not decide")
def loudest_of_the_tied(q_values):
    votes = tally(q_values)
    return np.where(votes == votes.max(axis=1, keepdims=True), q_values.max(axis=1), -np.inf).argmax(axis=1)


@mutant("07.5", says="not only over those that voted for the action")
def mean_of_the_voters(q_values):
    votes, best = tally(q_values), q_values.argmax(axis=2)[..., None] == np.arange(q_values.shape[2])
    fans = (q_values * best).sum(axis=1) / np.maximum(votes, 1)
    return np.where(votes == votes.max(axis=1, keepdims=True), fans, -np.inf).argmax(axis=1)


@mutant("07.5", says="all Q-values below 0")
def means_of_losers_as_zero(q_values):
    votes = tally(q_values)
    leading = votes == votes.max(axis=1, keepdims=True)
    return (q_values.mean(axis=1) * leading).argmax(axis=1)


@mutant("07.5", says="those are the heads' votes; return the action that wins")
def votes_only(q_values):
    return q_values.argmax(axis=2)


@mutant("07.5", says="return the action that wins")
def shares_only(q_values):
    return tally(q_values) / q_values.shape[1]


@mutant("07.5", says="must be a NumPy array")
def a_list_of_actions(q_values):
    return majority_vote(q_values).tolist()


# --- 07.6 -----------------------------------------------------------------------------------------------------------------------------


@mutant("07.6", says="that is the spread over the actions (axis 2)")
def over_actions(q_values):
    return q_values.std(axis=2).mean(axis=1)


@mutant("07.6", says="that is the spread over the batch (axis 0)")
def over_batch(q_values):
    return q_values.std(axis=0)


@mutant("07.6", says="that is the variance")
def variance(q_values):
    return q_values.var(axis=1).mean(axis=1)


@mutant("07.6", says="it divides by K - 1")
def sample_deviation(q_values):
    return q_values.std(axis=1, ddof=1).mean(axis=1)


@mutant("07.6", says="it averages over the actions first")
def mean_first(q_values):
    return q_values.mean(axis=2).std(axis=1)


@mutant("07.6", says="that is the spread of the best value")
def of_the_best(q_values):
    return q_values.max(axis=2).std(axis=1)


@mutant("07.6", says="it sums over the actions")
def summed(q_values):
    return q_values.std(axis=1).sum(axis=1)


@mutant("07.6", says="it mixes heads and actions")
def mixed(q_values):
    return q_values.reshape(len(q_values), -1).std(axis=1)


@mutant("07.6", says="one number for the whole batch")
def one_number(q_values):
    return reference_disagreement(q_values).mean()


@mutant("07.6", says="one for each action; take their mean")
def for_each_action(q_values):
    return q_values.std(axis=1)


@mutant("07.6", says="the mean over its actions (axis 1)")
def mean_over_the_batch(q_values):
    return q_values.std(axis=1).mean(axis=0)


@mutant("07.6", says="that is the root of the mean variance")
def root_of_the_mean_variance(q_values):
    return np.sqrt(q_values.var(axis=1).mean(axis=1))


@mutant("07.6", says="that is the mean distance from the mean")
def mean_distance(q_values):
    return np.abs(q_values - q_values.mean(axis=1, keepdims=True)).mean(axis=(1, 2))


@mutant("07.6", says="it takes the action they disagree about most")
def the_most_disputed(q_values):
    return q_values.std(axis=1).max(axis=1)


@mutant("07.6", says="that is highest minus lowest")
def highest_minus_lowest(q_values):
    return np.ptp(q_values, axis=1).mean(axis=1)


@mutant("07.6", says="it changes the Q-values")
def in_place(q_values):
    q_values -= q_values.mean(axis=1, keepdims=True)
    return (q_values**2).mean(axis=1) ** 0.5


@mutant("07.6", says="returns nothing")
def nothing(q_values):
    reference_disagreement(q_values)
