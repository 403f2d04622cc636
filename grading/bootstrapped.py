"""Hidden tests of lesson 07, Bootstrapped DQN."""

from __future__ import annotations

import random
from itertools import product

import numpy as np

from course_lib.grading.probing import probe


def in_each_framework(id, topic, makers, **options):
    """Register `try_out(answer, rng, maker)` for each framework, with what `makers` has for it."""

    def register(try_out):
        for framework, maker in makers.items():
            probe(id, topic, framework=framework, **options)(lambda answer, rng, maker=maker: try_out(answer, rng, maker))
        return try_out

    return register


def global_state():
    """Where the random numbers that the whole program shares stand."""
    _, keys, position, *_ = np.random.get_state()
    return keys.tobytes(), position, random.getstate()


def seed_from(rng):
    return int(rng.integers(2**32))


# --- 07.1: K heads on a shared core ---------------------------------------------------------------------------------------------------


class Parts:
    """A core that counts its calls, a `make_head` that remembers its heads, and sizes that all differ."""

    def __init__(self, rng):
        sizes = rng.permutation([2, 3, 4, 5, 6])
        self.batch, self.num_heads, self.inputs, self.features, self.actions = (int(size) for size in sizes)
        self.observations = rng.normal(0, 1, (self.batch, self.inputs)).astype(np.float32)
        self.rng = np.random.default_rng(seed_from(rng))  # the i-th head has the same weights, whenever it is made
        self.calls, self.made = 0, []
        self.core = self.make_core()

    def weights(self, inputs, units):
        return self.rng.normal(0, 1, (inputs, units)).astype(np.float32), self.rng.normal(0, 1, units).astype(np.float32)

    def make_head(self):
        self.made.append(self.layer(self.features, self.actions))
        return self.made[-1]

    def count(self):
        self.calls += 1

    def build(self, answer):
        """A network that has run once: Keras makes its last weights then."""
        network = answer(self.core, self.make_head, self.num_heads)
        self.run(network)
        self.calls = 0
        return network


class TorchParts(Parts):
    def layer(self, inputs, units):
        import torch

        kernel, bias = self.weights(inputs, units)
        layer = torch.nn.Linear(inputs, units)
        layer.weight.data, layer.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(bias)
        return layer

    def make_core(self):
        import torch

        class Core(torch.nn.Module):
            def __init__(core, parts):
                super().__init__()
                core.layer, core.count = parts.layer(parts.inputs, parts.features), parts.count

            def forward(core, observations):
                core.count()
                return torch.tanh(core.layer(observations.reshape(len(observations), -1)))

        return Core(self)

    def run(self, network, observations=None):
        import torch

        return network(torch.tensor(self.observations if observations is None else observations))

    def is_network(self, network):
        import torch

        return isinstance(network, torch.nn.Module)

    def size(self, network):
        return sum(parameter.numel() for parameter in network.parameters())

    def gradients(self, network):
        """For each head, of the sum of its Q-values, in respect of the core's weights and of every head's."""
        import torch

        kernels = [self.core.layer.weight, *(head.weight for head in self.made)]
        found = []
        for head in range(self.num_heads):
            gradients = torch.autograd.grad(self.run(network)[:, head].sum(), kernels, allow_unused=True)
            found.append([torch.zeros_like(kernel) if one is None else one for one, kernel in zip(gradients, kernels, strict=True)])
        return found

    def copy_weights(self, source, target):
        target.load_state_dict(source.state_dict())


class KerasParts(Parts):
    def layer(self, inputs, units):
        import keras

        layer = keras.layers.Dense(units)
        layer.build((None, inputs))
        layer.set_weights(list(self.weights(inputs, units)))
        return layer

    def make_core(self):
        import keras

        class Core(keras.layers.Layer):
            def __init__(core, parts):
                super().__init__()
                core.layer, core.count, core.width = parts.layer(parts.inputs, parts.features), parts.count, parts.inputs

            def call(core, observations):
                core.count()
                return keras.ops.tanh(core.layer(keras.ops.reshape(observations, (-1, core.width))))

        return Core(self)

    def run(self, network, observations=None):
        import tensorflow as tf

        return network(tf.constant(self.observations if observations is None else observations))

    def is_network(self, network):
        import keras

        return isinstance(network, keras.layers.Layer)

    def size(self, network):
        return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)

    def gradients(self, network):
        import tensorflow as tf

        kernels = [self.core.layer.kernel.value, *(head.kernel.value for head in self.made)]
        found = []
        for head in range(self.num_heads):
            with tf.GradientTape() as tape:
                output = self.run(network)[:, head]
            gradients = tape.gradient(output, kernels)
            found.append([tf.zeros_like(kernel) if one is None else one for one, kernel in zip(gradients, kernels, strict=True)])
        return found

    def copy_weights(self, source, target):
        target.set_weights(source.get_weights())


PARTS = {"torch": TorchParts, "keras": KerasParts}


@in_each_framework("07.1", "the Q-values of every head, in order", PARTS)
def every_heads_q_values(answer, rng, make_parts):
    parts = make_parts(rng)
    network = parts.build(answer)
    output = parts.run(network)
    return parts.is_network(network), output, str(output.dtype), parts.run(network)


@in_each_framework("07.1", "a single head", PARTS)
def a_single_head(answer, rng, make_parts):
    parts = make_parts(rng)
    parts.num_heads = 1
    return parts.run(parts.build(answer)), len(parts.made)


@in_each_framework("07.1", "one core that runs once, a head of its own for each opinion, and all their weights found", PARTS)
def one_core(answer, rng, make_parts):
    parts = make_parts(rng)
    network = parts.build(answer)
    parts.run(network)
    return parts.calls, len(parts.made), parts.size(network)


@in_each_framework("07.1", "the gradients of each head's Q-values", PARTS, tolerance=1e-4)
def gradients_of_heads(answer, rng, make_parts):
    parts = make_parts(rng)
    return parts.gradients(parts.build(answer))


@in_each_framework("07.1", "one observation", PARTS, extra=True)
def one_observation(answer, rng, make_parts):
    parts = make_parts(rng)
    return parts.run(parts.build(answer), parts.observations[:1])


@in_each_framework("07.1", "observations with more axes, as pictures have", PARTS, extra=True)
def pictures(answer, rng, make_parts):
    parts = make_parts(rng)
    parts.observations = parts.observations[:, :, None, None]
    return parts.run(parts.build(answer))


@in_each_framework("07.1", "weights copied to a second network, as to a target network", PARTS, extra=True)
def copied_weights(answer, rng, make_parts):
    seed = seed_from(rng)
    online, target = make_parts(np.random.default_rng(seed)), make_parts(np.random.default_rng(seed))
    target.rng = np.random.default_rng(seed_from(rng))  # heads of the same shape with other weights
    one, other = online.build(answer), target.build(answer)
    before = target.run(other)
    online.copy_weights(one, other)
    return before, target.run(other), online.run(one)


# --- 07.2: masks ----------------------------------------------------------------------------------------------------------------------


def transitions_from(rng, number):
    """Transitions that no two are alike."""
    return [(f"observation {i}", int(rng.integers(4)), float(rng.normal()), bool(rng.random() < 0.1)) for i in range(number)]


def memory_of(answer, num_heads, probability, seed, transitions):
    memory = answer(num_heads, probability, np.random.default_rng(seed))
    for transition in transitions:
        memory.add(transition)
    return memory


def masks_of(answer, num_heads, probability, seed, number):
    """The masks of some transitions, bool [number, num_heads]."""
    memory = memory_of(answer, num_heads, probability, seed, [("transition", i) for i in range(number)])
    _, masks = memory.get(np.arange(number))
    return masks


@probe("07.2", "transitions and their masks at some places, in any order, one of them twice, asked for again")
def some_places(answer, rng):
    num_heads = int(rng.integers(3, 7))
    memory = memory_of(answer, num_heads, 0.5, seed_from(rng), transitions_from(rng, 40))
    places = rng.integers(40, size=12)
    places[-1] = places[0]
    given = places.copy()
    _, everything = memory.get(np.arange(40))
    transitions, masks = memory.get(given)
    _, again = memory.get(given)
    belong, same = np.array_equal(masks, everything[places]), np.array_equal(masks, again)
    return type(transitions) in (list, tuple), transitions, str(masks.dtype), masks.shape, belong, same, given


@probe("07.2", "how often a bit is set, whatever the other bits are")
def how_often(answer, rng):
    facts = []
    for probability in rng.uniform([0.4, 0.8, 0.1], [0.6, 0.9, 0.2]):
        masks = np.asarray(masks_of(answer, 3, float(probability), seed_from(rng), 3000))
        facts.append(str(masks.shape))
        for pattern in product([False, True], repeat=3):  # heads are independent of each other
            chance = np.where(pattern, probability, 1 - probability).prod()
            facts.append(bool(abs((masks == pattern).all(axis=1).mean() - chance) < 0.06))
        alike = probability**2 + (1 - probability) ** 2
        for one, other in product(range(3), repeat=2):  # and of the transition before
            facts.append(bool(abs((masks[1:, one] == masks[:-1, other]).mean() - alike) < 0.08))
    return facts


@probe("07.2", "where the random numbers come from")
def generator_of_masks(answer, rng):
    seed, other = seed_from(rng), seed_from(rng)
    before = global_state()
    masks = masks_of(answer, 4, 0.5, seed, 100)
    same, different = masks_of(answer, 4, 0.5, seed, 100), masks_of(answer, 4, 0.5, other, 100)
    return global_state() == before, np.array_equal(masks, same), np.array_equal(masks, different)


@probe("07.2", "a single head, and a probability of 1")
def bits_that_must_be_set(answer, rng):
    return masks_of(answer, 1, float(rng.uniform(0.2, 0.6)), seed_from(rng), 60), masks_of(answer, 4, 1.0, seed_from(rng), 60)


@probe("07.2", "a very small probability", extra=True)
def very_small_probability(answer, rng):
    few = masks_of(answer, 5, 0.001, seed_from(rng), 60)  # not 0: who draws until some bit is set would never end
    return few.shape, bool(few.mean() < 0.04), masks_of(answer, 1, 0.001, seed_from(rng), 60)


@probe("07.2", "transitions of any kind", extra=True)
def transitions_of_any_kind(answer, rng):
    kinds = [rng.normal(size=3), rng.normal(size=3), None, "text", {"reward": 1.0}, (1, (rng.normal(size=(2, 2)), None)), [], 7]
    memory = memory_of(answer, 3, 0.5, seed_from(rng), kinds)
    transitions, masks = memory.get(rng.permutation(len(kinds)))
    return transitions, masks.shape


@probe("07.2", "transitions that are stored after others were asked for", extra=True)
def stored_later(answer, rng):
    transitions = transitions_from(rng, 50)
    memory = memory_of(answer, 4, 0.5, seed_from(rng), transitions[:20])
    _, first = memory.get(np.arange(20))
    first = first.copy()
    for transition in transitions[20:]:
        memory.add(transition)
    found, masks = memory.get(np.arange(50))
    return found, masks.shape, np.array_equal(masks[:20], first), bool(masks[20:].any()), bool(masks[20:].all())


# --- 07.3: the masked loss ------------------------------------------------------------------------------------------------------------


def torch_loss(answer, losses, masks):
    """The loss, its dtype, and its gradient in respect of the losses."""
    import torch

    given = torch.tensor(losses, requires_grad=True)
    value = answer(given, torch.tensor(masks))
    if not value.requires_grad:  # where no sample counts there may be nothing to follow
        return value, str(value.dtype), np.zeros_like(losses)
    (gradient,) = torch.autograd.grad(value.sum(), given)
    return value, str(value.dtype), gradient.numpy()


def keras_loss(answer, losses, masks):
    """The same, and the loss that comes out of a tf.function."""
    import tensorflow as tf

    given, bits = tf.constant(losses), tf.constant(masks)
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = answer(given, bits)
    gradient = tape.gradient(value, given)
    gradient = np.zeros_like(losses) if gradient is None else tf.convert_to_tensor(gradient).numpy()
    return value, str(value.dtype), gradient, tf.function(answer)(given, bits)


LOSS = {"torch": torch_loss, "keras": keras_loss}


def losses_and_masks(rng):
    """float32 [B, K] and bool [B, K]; B is more than K, and each head has a sample that counts and one that does not."""
    batch, num_heads = int(rng.integers(7, 12)), int(rng.integers(3, 6))
    losses, masks = rng.exponential(2.0, (batch, num_heads)).astype(np.float32), rng.random((batch, num_heads)) < 0.5
    masks[:2] = [[True], [False]]
    return losses, masks


@in_each_framework("07.3", "the loss and its gradient", LOSS)
def loss_and_gradient(answer, rng, run):
    losses, masks = losses_and_masks(rng)
    value, dtype, gradient, *traced = run(answer, losses, masks)
    return value, dtype, gradient, bool((gradient[~masks] == 0).all()), traced


@in_each_framework("07.3", "a head without any sample", LOSS)
def head_without_samples(answer, rng, run):
    losses, masks = losses_and_masks(rng)
    masks[:, rng.integers(masks.shape[1])] = False
    return run(answer, losses, masks)


@in_each_framework("07.3", "a batch from which no head may learn", LOSS, extra=True)
def nothing_to_learn(answer, rng, run):
    losses, masks = losses_and_masks(rng)
    return run(answer, losses, np.zeros_like(masks))


@in_each_framework("07.3", "one sample, one head", LOSS, extra=True)
def one_sample_one_head(answer, rng, run):
    losses, masks = losses_and_masks(rng)
    return [run(answer, losses[rows, :heads], masks[rows, :heads]) for rows, heads in (([0], None), (slice(None), 1), ([0], 1))]


# --- 07.4: a head for each episode ----------------------------------------------------------------------------------------------------


@probe("07.4", "the heads of games under way, and what kind of array comes back")
def games_under_way(answer, rng):
    games, num_heads = int(rng.integers(20, 40)), int(rng.integers(5, 12))
    heads, starts = rng.integers(num_heads, size=games), rng.random(games) < 0.5
    given, flags = heads.copy(), starts.copy()
    got = answer(given, flags, num_heads, np.random.default_rng(seed_from(rng)))
    within = bool(((got >= 0) & (got < num_heads)).all())
    return isinstance(got, np.ndarray), got.dtype.kind in "iu", got.shape, got[~starts], within, given, flags


@probe("07.4", "how often each head is drawn, whatever was followed before and whatever other games draw")
def how_often_heads(answer, rng):
    num_heads, games = 4, 4000
    pairs = np.array(list(product(range(num_heads), repeat=2)))  # [K * K, 2]

    def evenly(one, other):
        shares = [((one == a) & (other == b)).mean() for a, b in pairs]
        return bool(np.abs(np.array(shares) - 1 / num_heads**2).max() < 0.03)

    heads, everybody = np.arange(games) % num_heads, np.ones(games, bool)
    got = answer(heads.copy(), everybody, num_heads, np.random.default_rng(seed_from(rng)))
    alike = answer(np.full(games, int(rng.integers(num_heads))), everybody, num_heads, np.random.default_rng(seed_from(rng)))
    return evenly(heads, got), evenly(got[1:], got[:-1]), evenly(alike[1:], alike[:-1])


@probe("07.4", "where the random numbers come from")
def generator_of_heads(answer, rng):
    seed, other = seed_from(rng), seed_from(rng)
    heads, everybody = np.zeros(80, int), np.ones(80, bool)
    before = global_state()
    one, same, different = (answer(heads.copy(), everybody, 7, np.random.default_rng(each)) for each in (seed, seed, other))
    return global_state() == before, np.array_equal(one, same), np.array_equal(one, different)


@probe("07.4", "a single game", extra=True)
def single_game(answer, rng):
    head, generator = rng.integers(9, size=1), np.random.default_rng(seed_from(rng))
    kept, drawn = answer(head.copy(), np.array([False]), 9, generator), answer(head.copy(), np.array([True]), 9, generator)
    return kept, drawn.shape, drawn.dtype.kind in "iu", bool(0 <= drawn[0] < 9)


@probe("07.4", "a single head", extra=True)
def only_one_head(answer, rng):
    return answer(np.zeros(12, int), rng.random(12) < 0.5, 1, np.random.default_rng(seed_from(rng)))


@probe("07.4", "games that begin later draw anew", extra=True)
def drawn_anew(answer, rng):
    heads, everybody, generator = np.zeros(80, int), np.ones(80, bool), np.random.default_rng(seed_from(rng))
    one, other = (answer(heads.copy(), everybody, 7, generator) for _ in range(2))
    return np.array_equal(one, other)


# --- 07.5: the vote -------------------------------------------------------------------------------------------------------------------


def elect(answer, q_values):
    """Who is elected, as what kind of array, and the Q-values afterwards."""
    given = q_values.copy()
    got = answer(given)
    return isinstance(got, np.ndarray), got.dtype.kind in "iu", got, bool(np.array_equal(given, q_values))


def tied_q_values(rng, batch=100):
    """Two actions with two votes each, a third one with the highest mean and no vote, and a fourth: float64 [B, 4, 4].

    Half of the observations have Q-values below 0 only.
    """
    q_values = rng.normal(-2, 2, (batch, 4, 4)).clip(-8, 2.5)
    for row in q_values:
        one, other, third, _ = rng.permutation(4)
        row[:, third] = rng.uniform(2.9, 3.0, 4)
        for head, action in zip(rng.permutation(4), (one, one, other, other), strict=True):
            row[head, action] = 3.1 + rng.exponential(0.5)
    return q_values - 30.0 * (rng.random((batch, 1, 1)) < 0.5)


@probe("07.5", "votes of many heads")
def many_heads(answer, rng):
    return [elect(answer, rng.normal(mean, 1.0, (60, heads, 4))) for mean, heads in ((0.0, 9), (-4.0, 5))]


@probe("07.5", "two actions that share the lead")
def shared_lead(answer, rng):
    return elect(answer, tied_q_values(rng))


@probe("07.5", "one head that promises far more than the others")
def one_head_shouts(answer, rng):
    q_values = rng.normal(0, 1, (30, 7, 3))
    q_values[:, :4, 0] = q_values.max(axis=(1, 2))[:, None] + rng.uniform(0.1, 1.0, (30, 4))  # four of seven vote for action 0
    q_values[:, 6, 1] = 10.0 ** rng.uniform(2, 8, 30)
    return elect(answer, q_values[:, rng.permutation(7)][:, :, rng.permutation(3)])


@probe("07.5", "one observation, as a game by vote has", extra=True)
def one_observation_votes(answer, rng):
    return [elect(answer, rng.normal(0, 1, (1, heads, 3)).astype(np.float32)) for heads in (1, 2, 10)]


@probe("07.5", "a single head, and a single action", extra=True)
def single_head_votes(answer, rng):
    return elect(answer, rng.normal(0, 1, (20, 1, 4))), elect(answer, rng.normal(0, 1, (5, 4, 1)))


@probe("07.5", "three and more actions that share the lead", extra=True)
def many_share_the_lead(answer, rng):
    return elect(answer, rng.normal(0, 1, (80, 3, 5))), elect(answer, rng.normal(0, 1, (80, 5, 18)))


@probe("07.5", "very large and very small Q-values", extra=True)
def sizes_of_q_values(answer, rng):
    return [elect(answer, size * tied_q_values(rng, 20)) for size in (1e-6, 1e6, 1e12)]


@probe("07.5", "Q-values whose axes lie in memory in another order", extra=True)
def other_order_votes(answer, rng):
    return elect(answer, rng.normal(0, 1, (3, 9, 40)).T)[:3], answer(rng.normal(0, 1, (9, 40, 6)).transpose(1, 0, 2)[:, :, ::2])


# --- 07.6: disagreement ---------------------------------------------------------------------------------------------------------------


def measure(answer, q_values):
    """The disagreement, as what kind of array, and the Q-values afterwards."""
    given = q_values.copy()
    got = answer(given)
    return isinstance(got, np.ndarray), got.dtype.kind, got, bool(np.array_equal(given, q_values))


@probe("07.6", "the disagreement of many heads", tolerance=1e-4)
def disagreement_of_many(answer, rng):
    spread = rng.uniform(0.5, 3.0, (7, 1, 3))  # of each observation and action
    return measure(answer, rng.normal(0, spread, (7, 5, 3)).astype(np.float32))


@probe("07.6", "a single head")
def single_head_disagrees(answer, rng):
    with np.errstate(all="ignore"):
        return measure(answer, rng.normal(0, 2, (4, 1, 3)))


@probe("07.6", "heads that agree", extra=True)
def heads_that_agree(answer, rng):
    with np.errstate(all="ignore"):
        return measure(answer, np.repeat(rng.normal(0, 2, (30, 1, 3)), 7, axis=1))


@probe("07.6", "one observation, one action", extra=True)
def one_observation_one_action(answer, rng):
    return [measure(answer, rng.normal(0, 2, shape)) for shape in ((1, 6, 3), (5, 6, 1), (1, 2, 1))]


@probe("07.6", "Q-values whose axes lie in memory in another order", extra=True)
def other_order_disagrees(answer, rng):
    return answer(rng.normal(0, 2, (3, 5, 8)).T), answer(rng.normal(0, 2, (5, 8, 6)).transpose(1, 0, 2)[:, :, ::2])
