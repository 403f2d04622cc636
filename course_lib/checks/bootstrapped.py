"""Checks of lesson 07, Bootstrapped DQN (Osband et al. 2016). Each looks for its known mistakes on a small input that tells them apart."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from course_lib import exploration
from course_lib.checks.base import Mistake, exercise
from course_lib.checks.dqn import as_array, close, reason_for, shown
from course_lib.checks.huber import whole_arrays

# --- 07.1: K heads on a shared core ---------------------------------------------------------------------------------------------------

HEADS, INPUTS, FEATURES, ACTIONS = 3, 3, 4, 2
OBSERVATIONS = np.random.default_rng(7).uniform(0.5, 1.5, (5, INPUTS)).astype(np.float32)  # [B, 3]
CORE_SIZE, HEAD_SIZE = (INPUTS + 1) * FEATURES, (FEATURES + 1) * ACTIONS  # weights of each
SKIPPED_CORE = "the heads get the observations [B, 3] themselves; they take the core's features [B, F]: run the core first, then each head"
UNCALLED = "`make_head` itself is kept, which makes heads but is none: call it, `make_head()`, once for each head"
WHY_HEADS = "K opinions for little more than the price of one: what is hard to learn, they learn together."


def dense_weights(inputs: int, units: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A kernel [in, out] and a bias [out], all positive, so that no ReLU hides anything but what it should."""
    return rng.uniform(0.1, 1.0, (inputs, units)).astype(np.float32), rng.uniform(0.1, 1.0, units).astype(np.float32)


class TorchBench:
    """A core that counts its calls, a `make_head` that remembers its heads, and a look at what an answer makes of them."""

    def __init__(self):
        import torch

        self.torch, self.rng, self.made = torch, np.random.default_rng(0), []

        class Core(torch.nn.Module):
            def __init__(core, layer):
                super().__init__()
                core.layer, core.calls = layer, 0

            def forward(core, observations):
                core.calls += 1
                return torch.relu(core.layer(observations))

        self.core = Core(self._layer(INPUTS, FEATURES))

    def _layer(self, inputs: int, units: int):
        kernel, bias = dense_weights(inputs, units, self.rng)
        kernel[:, -1] -= 1.0  # some Q-values are below 0
        layer = self.torch.nn.Linear(inputs, units)
        layer.weight.data, layer.bias.data = self.torch.tensor(kernel.T.copy()), self.torch.tensor(bias)
        return layer

    def make_head(self):
        self.made.append(self._layer(FEATURES, ACTIONS))
        return self.made[-1]

    def build(self, answer: Callable, num_heads: int):
        network = answer(self.core, self.make_head, num_heads)
        if not isinstance(network, self.torch.nn.Module):
            raise Mistake(f"HeadsTorch(core, make_head, {num_heads}) must give an nn.Module; yours gives the type {type(network).__name__}")
        return network

    def tensor(self, network):
        try:
            output = network(self.torch.from_numpy(OBSERVATIONS.copy()))
        except RuntimeError as error:
            if f"({len(OBSERVATIONS)}x{INPUTS} and {FEATURES}x{ACTIONS})" in str(error):
                raise Mistake(SKIPPED_CORE) from error
            raise
        expect_tensor(output, isinstance(output, self.torch.Tensor), "forward")
        return output

    def run(self, network) -> np.ndarray:
        return self.tensor(network).detach().numpy()

    def expected(self) -> np.ndarray:
        features = self.core(self.torch.from_numpy(OBSERVATIONS))
        return self.torch.stack([head(features) for head in self.made], dim=1).detach().numpy()

    def size(self, network) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    def slopes(self, network, head: int) -> list[float]:
        """How strongly one head's outputs pull at the core, and at each head that was made."""
        kernels = [self.core.layer.weight, *(made.weight for made in self.made)]
        output = self.tensor(network)[:, head].sum()
        if not output.requires_grad:
            return [0.0] * len(kernels)
        found = self.torch.autograd.grad(output, kernels, allow_unused=True)
        return [0.0 if gradient is None else float(gradient.abs().sum()) for gradient in found]

    unseen = "the heads lie in a plain Python list, which PyTorch does not look into: use `nn.ModuleList`"
    stack = "`torch.stack(..., dim=1)`"


class KerasBench:
    """The same in Keras."""

    def __init__(self):
        import keras
        import tensorflow as tf

        self.keras, self.tf, self.rng, self.made = keras, tf, np.random.default_rng(0), []

        class Core(keras.layers.Layer):
            def __init__(core, layer):
                super().__init__()
                core.layer, core.calls = layer, 0

            def call(core, observations):
                core.calls += 1
                return keras.ops.relu(core.layer(observations))

        self.core = Core(self._layer(INPUTS, FEATURES))

    def _layer(self, inputs: int, units: int):
        kernel, bias = dense_weights(inputs, units, self.rng)
        kernel[:, -1] -= 1.0
        layer = self.keras.layers.Dense(units)
        layer.build((None, inputs))
        layer.set_weights([kernel, bias])
        return layer

    def make_head(self):
        self.made.append(self._layer(FEATURES, ACTIONS))
        return self.made[-1]

    def build(self, answer: Callable, num_heads: int):
        network = answer(self.core, self.make_head, num_heads)
        if not isinstance(network, self.keras.layers.Layer):
            kind = type(network).__name__
            raise Mistake(f"HeadsKeras(core, make_head, {num_heads}) must give a keras.Model; yours gives the type {kind}")
        return network

    def tensor(self, network):
        try:
            output = network(self.tf.constant(OBSERVATIONS))
        except NotImplementedError:
            raise
        except Exception as error:
            text = str(error)
            if isinstance(error, ValueError) and ("input_spec" in text or "returned None" in text):
                raise Mistake("`call` returns nothing: it must end with `return`") from error
            if f"to have value {FEATURES}, but received input with shape {OBSERVATIONS.shape}" in text:
                raise Mistake(SKIPPED_CORE) from error
            inner = re.match(r"Exception encountered.*\n+(?:\x1b\[1m)?(.+?)(?:\x1b|\n|$)", text)  # Keras's first line does not say what
            if inner and "make_head() takes" not in text:
                raise Mistake(f"your `call` raised {type(error).__name__}: {inner[1]}") from error
            raise
        expect_tensor(output, self.tf.is_tensor(output), "call")
        return output

    def run(self, network) -> np.ndarray:
        return self.tensor(network).numpy()

    def expected(self) -> np.ndarray:
        features = self.core(self.tf.constant(OBSERVATIONS))
        return np.stack([head(features).numpy() for head in self.made], axis=1)

    def size(self, network) -> int:
        return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)

    def slopes(self, network, head: int) -> list[float]:
        """How strongly one head's outputs pull at the core, and at each head that was made."""
        kernels = [self.core.layer.kernel, *(made.kernel for made in self.made)]
        with self.tf.GradientTape() as tape:
            output = self.tensor(network)[:, head]
        found = tape.gradient(output, [kernel.value for kernel in kernels])
        return [0.0 if gradient is None else float(np.abs(gradient).sum()) for gradient in found]

    unseen = "Keras does not see the heads: keep them in a list that is an attribute, `self.heads = [...]`"
    stack = "`keras.ops.stack(..., axis=1)`"


def expect_tensor(output: Any, is_tensor: bool, method: str) -> None:
    if output is None:
        raise Mistake(f"`{method}` returns nothing: it must end with `return`")
    if not is_tensor:
        listed = ": stack its parts into one tensor" if isinstance(output, list | tuple) else ""
        raise Mistake(f"`{method}` must return one tensor [B, K, A]; yours is of type {type(output).__name__}{listed}")


@contextmanager
def called_heads() -> Iterator[None]:
    """Around a check of heads: explains the error that `make_head` raises where a head is expected."""
    try:
        yield
    except TypeError as error:
        if not re.search(r"make_head(\(\) takes 1 positional| is not a Module)", str(error)):
            raise
        raise Mistake(UNCALLED) from error


def judge_heads(answer: Callable, bench: Any, again: Any) -> None:
    """bench, again: two fresh benches."""
    network = bench.build(answer, HEADS)
    first = bench.run(network)  # Keras makes its weights here
    after_first = len(bench.made)
    bench.core.calls = 0
    output = bench.run(network)
    calls = bench.core.calls
    if len(bench.made) > max(after_first, HEADS):
        raise Mistake("new heads are made each time the network runs, and whatever they learned is lost: make them once, in `__init__`")
    if not bench.made:
        raise Mistake("`make_head` is never called: it makes a head, with first weights of its own")
    size, expected = bench.size(network), bench.expected()  # [B, heads made, A]
    expect_heads_shape(output, expected, bench.stack)
    if np.allclose(output, output[:, :1]):
        if size <= CORE_SIZE + HEAD_SIZE:
            raise Mistake(
                f"the heads share their weights: they are one head {HEADS} times, and what one learns all learn (`[make_head()] * K` "
                "calls it once); call `make_head()` K times"
            )
        raise Mistake(
            "all heads begin with the same weights, and give the same Q-values: they would learn the same things and never disagree; "
            "call `make_head()` for each, instead of copying one"
        )
    if size == HEADS * (CORE_SIZE + HEAD_SIZE) or (calls == 0 and size == CORE_SIZE + HEADS * HEAD_SIZE):
        copies = "once for each head" if size > CORE_SIZE + HEADS * HEAD_SIZE else "once"
        raise Mistake(
            f"the core is copied, {copies} ({size} weights; core {CORE_SIZE} + {HEADS} heads of {HEAD_SIZE} = "
            f"{CORE_SIZE + HEADS * HEAD_SIZE}): all heads share the one core that you are given"
        )
    if calls != 1:
        what = f"runs {calls} times" if calls else "is not used"
        raise Mistake(f"the core {what} in one pass: run it once, and hand its features to every head; it is the expensive part")
    expect_size(size, bench)
    if len(bench.made) != HEADS:
        raise Mistake(f"`make_head` must be called {HEADS} times, once for each head; yours calls it {len(bench.made)} times")
    if not close(output, expected):
        mistakes = (
            (np.maximum(expected, 0), "a ReLU on the Q-values, which can then never say that a situation is bad"),
            (expected[:, ::-1], "the heads are in the wrong order"),
            (
                expected.transpose(1, 0, 2).reshape(expected.shape),
                f"a reshape only cuts the numbers up anew, and mixes observations with heads; {bench.stack}",
            ),
        )
        got, right = shown(output[0]), shown(expected[0])
        raise Mistake(
            f"the first observation's Q-values must be {right}, a row for each head; yours are {got}{reason_for(output, mistakes)}"
        )
    expect_own_slopes(network, bench)
    network = again.build(answer, 1)
    if (shape := again.run(network).shape) != (5, 1, ACTIONS):
        raise Mistake(f"with num_heads=1 five observations give Q-values of shape (5, 1, 2); yours have {shape}: one head is a head, too")
    if not close(first, output):
        raise Mistake("the same observations gave other Q-values the second time: nothing in it may change when it runs")


def expect_heads_shape(output: np.ndarray, expected: np.ndarray, stack: str) -> None:
    right = (len(OBSERVATIONS), HEADS, ACTIONS)
    if output.shape == right:
        return
    batch = right[0]
    reasons = {
        (HEADS, batch, ACTIONS): f"the heads lie along the first axis; {stack} puts them behind the batch",
        (batch, HEADS * ACTIONS): f"the heads are strung together in a row; give them an axis of their own, {stack}",
        (batch, ACTIONS, HEADS): f"heads and actions have changed places; {stack}",
        (batch, ACTIONS): "one opinion is left",
    }
    reason = reasons.get(output.shape, "")
    if output.shape == (batch, ACTIONS):
        if close(output, expected.mean(axis=1)):
            reason = "that is the mean over the heads, and it hides how far apart they are; keep all K"
        elif close(output, expected.sum(axis=1)):
            reason = "that is the sum over the heads; keep all K"
        elif any(close(output, expected[:, head]) for head in range(expected.shape[1])):
            reason = "that is one head's; give all K"
    because = f": {reason}" if reason else ""
    raise Mistake(f"5 observations, 3 heads and 2 actions give Q-values of shape {right}; yours have {output.shape}{because}")


def expect_size(size: int, bench: Any) -> None:
    right = CORE_SIZE + HEADS * HEAD_SIZE
    if size == right:
        return
    reasons = {
        CORE_SIZE: bench.unseen,
        HEADS * HEAD_SIZE: "the core's are missing: keep it as an attribute, `self.core = core`",
        0: "neither the core nor the heads are attributes that the framework sees, so nothing would learn",
        right - HEAD_SIZE: "one head is not among them",
    }
    reason = reasons.get(size, "the given core and one head for each call of `make_head`, nothing else")
    raise Mistake(f"the network must have {right} weights (core {CORE_SIZE}, {HEADS} heads of {HEAD_SIZE}); yours shows {size}: {reason}")


def expect_own_slopes(network: Any, bench: Any) -> None:
    for head in range(HEADS):
        core, *heads = bench.slopes(network, head)
        if not heads[head]:
            raise Mistake(f"no gradient of head {head} reaches its own weights, so it would never learn: no detach, no NumPy on the way")
        if not core:
            raise Mistake(f"no gradient of head {head} reaches the core, so the core would never learn: no detach on the way")
        others = [i for i, slope in enumerate(heads) if slope and i != head]
        if others:
            raise Mistake(f"the gradient of head {head} flows into the weights of head {others[0]}: each head answers for itself alone")


def reference_heads_torch():
    import torch

    class HeadsTorch(torch.nn.Module):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core = core
            self.heads = torch.nn.ModuleList(make_head() for _ in range(num_heads))

        def forward(self, observations):
            features = self.core(observations)
            return torch.stack([head(features) for head in self.heads], dim=1)

    return HeadsTorch


def reference_heads_keras():
    import keras

    class HeadsKeras(keras.Model):
        def __init__(self, core, make_head, num_heads):
            super().__init__()
            self.core = core
            self.heads = [make_head() for _ in range(num_heads)]

        def call(self, observations):
            features = self.core(observations)
            return keras.ops.stack([head(features) for head in self.heads], axis=1)

    return HeadsKeras


@exercise("07.1", framework="torch", name="Heads", reference=reference_heads_torch, lazy=True, why=WHY_HEADS)
def heads_torch(answer):
    try:
        with called_heads():
            judge_heads(answer, TorchBench(), TorchBench())
    except AttributeError as error:
        if "before Module.__init__" not in str(error):
            raise
        raise Mistake("call `super().__init__()` first; until then an nn.Module cannot hold layers") from error


@exercise("07.1", framework="keras", name="Heads", reference=reference_heads_keras, lazy=True, why=WHY_HEADS)
def heads_keras(answer):
    try:
        with called_heads():
            judge_heads(answer, KerasBench(), KerasBench())
    except RuntimeError as error:
        if "super().__init__()" not in str(error):
            raise
        raise Mistake("call `super().__init__()` first; until then a keras.Model cannot hold layers") from error


# --- 07.2: masks ----------------------------------------------------------------------------------------------------------------------


class ReferenceMemory:
    """Transitions, each with a mask drawn when it is stored."""

    def __init__(self, num_heads, probability, rng):
        self.num_heads, self.probability, self.rng = num_heads, probability, rng
        self.transitions, self.masks = [], []

    def add(self, transition):
        self.transitions.append(transition)
        self.masks.append(exploration.draw_masks(1, self.num_heads, self.probability, self.rng)[0])

    def get(self, places):
        return [self.transitions[place] for place in places], np.array([self.masks[place] for place in places])


class Shelf:
    """A memory that was told some transitions: ("transition", 0), ("transition", 1), ..."""

    def __init__(self, answer: type, num_heads: int, probability: float, stored: int, seed: int = 0):
        self.num_heads = num_heads
        before = np.random.get_state()[1].copy(), random.getstate()
        self.memory = answer(num_heads, probability, np.random.default_rng(seed))
        for number in range(stored):
            self.memory.add(("transition", number))
        self.get([0, 1])
        if not np.array_equal(before[0], np.random.get_state()[1]) or before[1] != random.getstate():
            raise Mistake("it draws from the global random state, which the whole program shares; draw from `self.rng` only")

    def get(self, places: list[int]) -> np.ndarray:
        """The masks at some places, bool [B, K], after the mistakes that have nothing to do with their values."""
        try:
            with whole_arrays():
                got = self.memory.get(np.array(places))
        except NotImplementedError as error:  # `add` is written, or nothing could have been told
            raise Mistake("`get` is not written yet") from error
        except TypeError as error:
            if "list indices" in str(error) or "only integer scalar arrays" in str(error):
                raise Mistake("`places` is an array of numbers, and a list takes one at a time: go through them in a loop") from error
            raise
        if got is None:
            raise Mistake("`get` returns nothing: it must end with `return`")
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Mistake(f"`get` returns two things, the transitions and their masks; yours is of type {type(got).__name__}")
        if all(isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[1], np.ndarray) for pair in got):
            raise Mistake("`get` gives a pair for each place; it returns two things, a list of the transitions and an array of their masks")
        transitions, masks = got
        found = list(transitions) if isinstance(transitions, list | tuple) else transitions
        if not isinstance(found, list) or [self._number(one) for one in found] != places:
            numbers = [self._number(one) for one in found] if isinstance(found, list) else type(transitions).__name__
            raise Mistake(f"get({places}) must give a list of the transitions {places}; yours: {numbers}")
        if any(not isinstance(one, tuple) or not isinstance(one[1], int) for one in found):
            raise Mistake(
                f"what was stored as {('transition', places[0])} comes back as {found[0]}: `np.array` has made one array of all "
                "transitions; keep the list"
            )
        batch, heads = len(places), self.num_heads
        reasons = {
            (heads, batch): "a row for each transition, a column for each head",
            (batch,): "one bit a transition; every head has a bit of its own",
            (batch, 1, heads): "drop the axis in the middle",
            (heads,): "one mask for all; each transition has its own",
        }
        if isinstance(masks, np.ndarray) and masks.dtype.kind in "fiu" and masks.shape == (batch, heads):
            raise Mistake(f"masks say yes or no, so they are bool; yours are {masks.dtype}: compare the draws, `rng.random(K) < p`")
        return as_array(masks, (batch, heads), "b", f"the masks of {batch} transitions and {heads} heads", reasons)

    @staticmethod
    def _number(transition: Any) -> Any:
        return int(transition[1]) if isinstance(transition, tuple | list) and len(transition) == 2 else transition


MASKS = "Each head lives through a history of its own, though only one was played."


@exercise("07.2", reference=ReferenceMemory, why=MASKS)
def MaskedMemory(answer):
    everywhere = list(range(400))
    shelf = Shelf(answer, 4, 0.5, 400)
    masks = shelf.get(everywhere)
    if not np.array_equal(masks, shelf.get(everywhere)):
        raise Mistake(
            "the same transition has another mask the second time: yours are drawn on sampling, so in the long run every head learns from "
            "everything; draw a transition's mask once, in `add`"
        )
    if not np.array_equal(shelf.get([7, 3, 7]), masks[[7, 3, 7]]):
        raise Mistake("get([7, 3, 7]) must give the masks of the transitions 7, 3 and 7; yours belong to others")
    expect_free_bits(masks)
    for probability in (0.9, 0.2):
        share = Shelf(answer, 4, probability, 400).get(everywhere).mean()
        if abs(share - probability) > 0.06:
            reason = ""
            if abs(share - (1 - probability)) < 0.06:
                reason = ": p and 1 - p have changed places; a bit is set where `rng.random()` lies below p"
            elif abs(share - 0.5) < 0.06:
                reason = ": it tosses a fair coin, whatever p is"
            elif share == 1.0:
                reason = ": all bits are set"
            raise Mistake(f"with probability {probability} a bit must be set in {probability:.0%} of all cases; yours: {share:.0%}{reason}")
    if not (only := Shelf(answer, 1, 0.5, 50).get(list(range(50)))).all():
        raise Mistake(
            f"with one head every bit must be set, whatever p is; yours sets {only.mean():.0%} of them: a single head that skips "
            "transitions learns less and has nobody to differ from"
        )
    if not Shelf(answer, 4, 1.0, 50).get(list(range(50))).all():
        raise Mistake("with probability 1 every bit must be set; some of yours are not: compare with `<`, since `rng.random()` may be 0")
    again, other = (Shelf(answer, 4, 0.5, 400, seed).get(everywhere) for seed in (0, 1))
    if not np.array_equal(masks, again):
        raise Mistake("the same seed gave other masks the second time: draw from `self.rng`, make no generator yourself")
    if np.array_equal(masks, other):
        raise Mistake("two generators with different seeds gave the same masks: draw from `self.rng`, make no generator yourself")


def expect_free_bits(masks: np.ndarray) -> None:
    """Masks of p = 0.5: every bit its own toss. bool [400, 4]."""
    if (masks == masks[:, :1]).all() and masks.any() and not masks.all():
        raise Mistake(
            "all heads have the same bit: one draw for all heads, so they all learn from the same transitions; draw K numbers, "
            "`self.rng.random(K)`"
        )
    if (masks == masks[:1]).all():
        if masks.all() or not masks.any():
            raise Mistake(f"with p = 0.5 {'every' if masks.all() else 'no'} bit is set: is anything drawn at all?")
        raise Mistake(
            f"every transition has the same mask, {masks[0].astype(int).tolist()}, so half of the heads never learn: draw a new one in "
            "each `add`"
        )
    if (masks.sum(axis=1) == masks.sum(axis=1)[0]).all():
        raise Mistake(f"every mask sets exactly {masks[0].sum()} of 4 bits; toss a coin for each head on its own, so that it varies")
    if masks.any(axis=1).all():
        raise Mistake(
            "no mask is all False; with p = 0.5 and 4 heads one in 16 is: leave it so, or the bits are no longer set with probability p"
        )
    if np.abs(masks.mean(axis=0) - 0.5).max() > 0.15:
        raise Mistake(f"with p = 0.5 the heads' shares must all be near 50%; yours: {', '.join(f'{s:.0%}' for s in masks.mean(axis=0))}")
    for one in range(4):
        for other in range(one):
            alike = (masks[:, one] == masks[:, other]).mean()
            if abs(alike - 0.5) > 0.15:
                raise Mistake(
                    f"with p = 0.5 two heads' bits are the same in half of the transitions; those of heads {other} and {one} are in "
                    f"{alike:.0%}: toss for each head on its own"
                )


# --- 07.3: the masked loss ------------------------------------------------------------------------------------------------------------

LOSSES = np.float32([[1, 10], [2, 20], [3, 30], [4, 40]])  # [B, K]
SOME = np.array([[1, 1], [1, 0], [1, 1], [0, 0]], bool)
NONE = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], bool)  # nothing for the second head
WHOLE_TENSORS = "Python's own `max` and `if` cannot decide for a whole tensor at once; for each head's count at least 1 write {}"
WHY_LOSS = "A head that may not learn from a sample gets no gradient from it, not even a little."


class Loss(NamedTuple):
    value: np.ndarray
    gradient: np.ndarray | None  # in respect of the losses


def run_torch(answer: Callable, losses: np.ndarray, masks: np.ndarray) -> Loss:
    import torch

    given = torch.tensor(losses, requires_grad=True)
    try:
        value = answer(given, torch.tensor(masks))
    except RuntimeError as error:
        if "Boolean value of Tensor" in str(error):
            raise Mistake(WHOLE_TENSORS.format("`tensor.clamp(min=1.0)`")) from error
        if "in-place" not in str(error):
            raise
        raise Mistake("it writes into a tensor that it is given; make a new one") from error
    expect_one_number(value, isinstance(value, torch.Tensor))
    gradient = torch.autograd.grad(value.sum(), given, allow_unused=True)[0] if value.requires_grad else None
    return Loss(value.detach().numpy(), None if gradient is None else gradient.numpy())


def run_keras(answer: Callable, losses: np.ndarray, masks: np.ndarray) -> Loss:
    import tensorflow as tf

    given = tf.constant(losses)
    with tf.GradientTape() as tape:
        tape.watch(given)
        try:
            value = answer(given, tf.constant(masks))
        except ValueError as error:
            if "truth value" not in str(error):
                raise
            raise Mistake(WHOLE_TENSORS.format("`keras.ops.maximum(tensor, 1.0)`")) from error
    expect_one_number(value, tf.is_tensor(value))
    gradient = tape.gradient(value, given)
    try:
        traced = tf.function(answer)(tf.constant(losses), tf.constant(masks)).numpy()
    except Exception as error:
        raise Mistake(
            f"it works step by step, but not inside a `tf.function`, where section 9 calls it ({type(error).__name__}): "
            "stay with tensors, without `.numpy()` and without an `if` about a tensor"
        ) from error
    if not np.allclose(traced, value.numpy(), equal_nan=True):
        raise Mistake("inside a `tf.function`, where section 9 calls it, it gives another value: stay with tensors")
    return Loss(value.numpy(), None if gradient is None else tf.convert_to_tensor(gradient).numpy())


def expect_one_number(value: Any, is_tensor: bool) -> None:
    if value is None:
        raise Mistake("your function returns nothing: it must end with `return`")
    if not is_tensor:
        raise Mistake(f"return a tensor of the framework, not NumPy and not a plain number; yours is of type {type(value).__name__}")
    if len(value.shape):
        reasons = {
            (2,): "one loss a head; average them",
            (4,): "one loss a sample; each head has a mean over its samples, and the heads have one mean",
            (4, 2): "nothing is averaged yet",
            (4, 4): "losses (4, 1) times masks (4,) pairs every loss with every mask",
        }
        shape = tuple(value.shape)
        raise Mistake(f"the loss must be one number, shape (); yours has {shape}" + (f": {reasons[shape]}" if shape in reasons else ""))


def right_loss(losses: np.ndarray, masks: np.ndarray) -> float:
    return float(((losses * masks).sum(axis=0) / np.maximum(masks.sum(axis=0), 1)).mean())


def wrong_losses(losses: np.ndarray, masks: np.ndarray) -> Iterable[tuple[Any, str]]:
    """What known mistakes make of losses and masks, each with what to say of it."""
    batch, heads = losses.shape
    counts, kept = masks.sum(axis=0), losses * masks  # [K], [B, K]
    yield (
        losses.mean(),
        "that is the mean of all losses: reduced before masking, the mask cancels, and every head learns from everything; multiply by the "
        "mask first, then sum",
    )
    every = losses.sum(axis=0)  # [K]: what a (B, 1) times a (B,) sums to, for each set bit
    table = "losses (B, 1) times masks (B,) is a table (B, B), in which the mask cancels; both must be [B, K], or both [B]"
    yield every.mean(), table
    yield (every * counts / batch**2).mean(), table
    yield (every * counts / batch).mean(), table
    yield (every * counts).mean(), table
    yield kept.mean(), f"it divides by all {batch} samples; divide each head's sum by the number of samples that count for it"
    yield kept.sum() / batch, f"it divides by all {batch} samples, and sums the heads; divide each head's sum by its own count"
    yield (
        kept.sum() / max(masks.sum(), 1),
        "it divides by all bits that are set, of all heads together; each head has a mean of its own, and then the heads have one",
    )
    means = kept.sum(axis=0) / np.maximum(counts, 1)  # [K]
    divided = "each head's sum is divided by its count, and then by all samples again"
    yield means.mean() / batch, f"{divided}; sum over the batch, and take the mean of the heads only"
    yield means.sum() / batch, f"{divided}: the mean of the heads divides by K, the number of heads"
    yield means.sum() / 2, "it divides by 2, whatever the number of heads"
    yield kept.sum(axis=0).mean(), "it sums the samples; take their mean, so that a head with many samples pulls no harder"
    yield kept.sum(), "it sums everything; take each head's mean over its samples, then the mean of the heads"
    yield means.sum(), "it sums the heads; take their mean"
    yield right_loss(losses, ~masks), "it averages the samples that do NOT count: the mask is turned round"
    by_sample = kept.sum(axis=1) / np.maximum(masks.sum(axis=1), 1)  # [B]
    yield by_sample.mean(), "it averages over the heads first (axis 1); the samples lie along axis 0"
    yield (kept.sum(axis=0) / (counts + 1)).mean(), "it divides by the count plus 1; `maximum(count, 1)` leaves counts above 0 as they are"


def judge_loss(answer: Callable, run: Callable[..., Loss]) -> None:
    case = "losses [[1, 10], [2, 20], [3, 30], [4, 40]], masks [[1, 1], [1, 0], [1, 1], [0, 0]]"
    value, gradient = run(answer, LOSSES, SOME)
    right = right_loss(LOSSES, SOME)
    if not np.isfinite(value) or not close(value, right):
        raise Mistake(
            f"{case}: head 0 has (1 + 2 + 3) / 3, head 1 has (10 + 30) / 2, so the loss must be {shown(right)}; yours is "
            f"{float(value):.5g}{reason_for(value, wrong_losses(LOSSES, SOME))}"
        )
    if value.dtype != np.float32:
        raise Mistake(f"the loss must be float32, as the losses are; yours is {value.dtype}")
    if gradient is None:
        raise Mistake("no gradient flows through your loss, so nothing would be learned: no detach, no NumPy on the way")
    if gradient[~SOME].any():
        row, head = np.argwhere(~SOME & (gradient != 0))[0]
        slope = shown(gradient[row, head])
        raise Mistake(f"{case}: a gradient of {slope} flows into sample {row} of head {head}, which its mask keeps out")
    if not close(gradient, SOME / np.maximum(SOME.sum(axis=0), 1) / 2):
        raise Mistake(f"{case}: the gradient must be 0.167 for head 0's samples and 0.25 for head 1's; yours is {shown(gradient)}")
    case = "masks [[1, 0], [1, 0], [0, 0], [0, 0]]"
    value, gradient = run(answer, LOSSES, NONE)
    if np.isnan(value) or np.isinf(value):
        raise Mistake(f"{case}: head 1 has no sample, and your loss is nan: division by zero; divide by at least 1, `maximum(count, 1)`")
    if not close(value, right := right_loss(LOSSES, NONE)):
        left_out = ": a head without samples counts as 0, and the mean is still over both heads" if close(value, 2 * right) else ""
        reason = left_out or reason_for(value, wrong_losses(LOSSES, NONE))
        raise Mistake(f"{case}: head 1 has no sample, so the loss must be (1.5 + 0) / 2 = 0.75; yours is {float(value):.5g}{reason}")
    if gradient is None or not np.isfinite(gradient).all():
        raise Mistake(
            f"{case}: the loss is right, but its gradient is nan: `where` hides the 0 / 0 from the value, not from the gradient; "
            "divide by at least 1, `maximum(count, 1)`"
        )
    rng = np.random.default_rng(3)
    losses, masks = rng.exponential(1.0, (32, 10)).astype(np.float32), rng.random((32, 10)) < 0.5
    value, _ = run(answer, losses, masks)
    if not close(value, right := right_loss(losses, masks)):
        reason = reason_for(value, wrong_losses(losses, masks))
        raise Mistake(f"for a batch of 32 and 10 heads the loss must be {shown(right)}; yours is {float(value):.5g}{reason}")


def reference_loss_torch():
    from course_lib.backends.torch.losses import masked_means

    return lambda losses, masks: masked_means(losses, masks).mean()


def reference_loss_keras():
    import keras

    from course_lib.backends.keras.losses import masked_means

    return lambda losses, masks: keras.ops.mean(masked_means(losses, masks))


@exercise("07.3", framework="torch", name="masked_loss", reference=reference_loss_torch, lazy=True, why=WHY_LOSS)
def masked_loss_torch(answer):
    judge_loss(answer, run_torch)


@exercise("07.3", framework="keras", name="masked_loss", reference=reference_loss_keras, lazy=True, why=WHY_LOSS)
def masked_loss_keras(answer):
    judge_loss(answer, run_keras)


# --- 07.4: a head for each episode ----------------------------------------------------------------------------------------------------


class Follower:
    """Asks an answer which heads to follow, and watches what else it does."""

    def __init__(self, answer: Callable):
        self.answer = answer

    def __call__(self, heads, starts, num_heads: int, rng: np.random.Generator) -> np.ndarray:
        given, flags = np.array(heads, np.int64), np.array(starts, bool)
        before = np.random.get_state()[1].copy(), random.getstate()
        with whole_arrays():
            got = self.answer(given, flags, num_heads, rng)
        if not np.array_equal(before[0], np.random.get_state()[1]) or before[1] != random.getstate():
            raise Mistake("it draws from the global random state, which the whole program shares; draw from `rng` only")
        if not np.array_equal(given, heads) or not np.array_equal(flags, starts):
            raise Mistake("it writes into the arrays that it is given; make a new one (`np.where` does, or `heads.copy()`)")
        games = len(flags)
        only_new = "a head for every game, not only for those that start"
        reasons = {(): "one head for all games; each game follows its own", (int(flags.sum()),): only_new}
        got = as_array(got, (games,), "iuf", f"the heads of {games} games", reasons)
        if got.dtype.kind == "f":
            raise Mistake(f"a head is a whole number, 0 to K - 1; yours are {got.dtype}")
        if ((got < 0) | (got >= num_heads)).any():
            raise Mistake(f"with {num_heads} heads they are 0 to {num_heads - 1}; yours holds {got.min()} to {got.max()}")
        return got


GAMES = 3_000


PATIENCE = "A plan that takes fifty steps is only ever carried out by somebody who sticks to it."


@exercise("07.4", reference=exploration.head_per_episode, why=PATIENCE)
def head_per_episode(answer):
    follow = Follower(answer)
    rng = np.random.default_rng(0)
    heads, starts = np.arange(GAMES) % 10, np.arange(GAMES) % 2 == 0
    got = follow(heads, starts, 10, rng)
    running = got[~starts] == heads[~starts]
    if (got == heads).all():
        raise Mistake("where a game starts a head must be drawn; yours keeps the old one, so nine of ten heads never play: never resampled")
    if not running.all():
        if (got[starts] == heads[starts]).all():
            raise Mistake("`starts` is the wrong way round: games that start keep their head, games under way get another")
        where = int(np.flatnonzero(~starts)[np.argmin(running)])
        raise Mistake(
            f"game {where} does not start, and follows head {heads[where]}; yours gives it head {got[where]}: a new head every step, and "
            "nobody ever carries a plan through; keep the old one unless `starts`"
        )
    drawn = got[starts]
    if (drawn == drawn[0]).all():
        raise Mistake(
            f"{len(drawn)} games start, and all of them got head {drawn[0]}: all games share one draw; draw one for each, `size=E`"
        )
    if ((drawn - heads[starts]) % 10 == (drawn[0] - heads[starts][0]) % 10).all():
        raise Mistake("the heads take turns; draw them, for a turn that everybody knows is no chance")
    shares = np.bincount(drawn, minlength=10) / len(drawn)
    if missing := [head for head in range(10) if shares[head] == 0]:
        raise Mistake(
            f"with 10 heads all of 0 to 9 must come up; yours never draws {', '.join(map(str, missing))}: `rng.integers(K)` draws 0 to "
            "K - 1"
        )
    if not (drawn == heads[starts]).any():
        raise Mistake("the head that has just played is never drawn again; every head has the same chance, that one too")
    if shares.max() > 0.2:
        often = f"head {shares.argmax()} in {shares.max():.0%}"
        raise Mistake(f"each of 10 heads must come up in 10% of the games that start; yours draws {often}")
    everybody, seeds = np.ones(50, bool), (0, 0, 1)
    one, again, other = (follow(np.zeros(50, int), everybody, 10, np.random.default_rng(seed)) for seed in seeds)
    if not np.array_equal(one, again):
        raise Mistake("the same seed gave other heads the second time: draw from the `rng` you are given, make none yourself")
    if not one.any() and not other.any():
        raise Mistake(
            "50 games that all followed head 0 begin anew, and all got head 0 again: the draw must be among all K heads, not only among "
            "those in use"
        )
    if np.array_equal(one, other):
        raise Mistake("two generators with different seeds gave the same heads: draw from the `rng` you are given, make none yourself")
    follow([2], [False], 3, rng)
    follow([2], [True], 3, rng)


# --- 07.5: the vote -------------------------------------------------------------------------------------------------------------------

CLEAR = np.float32(  # [5, 3, 2]: votes say 0, 1, 1, 0, 1, means 1, 1, 0, 0, 1, all votes together 1
    [[[1, 0], [0, 9], [1, 0]], [[0, 3], [0, 3], [4, 0]], [[3, 0], [0, 1], [0, 1]], [[2, 0], [2, 0], [0, 1]], [[0, 2], [0, 2], [0, 2]]]
)
TIED = np.float32([[[1, 0], [0, 5]], [[5, 0], [0, 1]]])  # [2, 2, 2]: one vote each; the means say 1 and 0
RUNOFF = np.float32([[[9, 0, 8], [9, 0, 8], [0, 9, 8], [0, 8, 1]]])  # votes 2, 2, 0; means 4.5, 4.25, 6.25
CROWD = np.float32([[[3, 2, 0], [3, 2, 0], [0, 4, 0], [0, 4, 0], [0, 0, 1]]])  # votes 2, 2, 1; means 1.2, 2.4, 0.2
LOUD = np.float32([[[6, 0], [1, 0], [0, 5], [0, 5]]])  # votes 2, 2; means 1.75, 2.5; the loudest is for 0
SHOUT = np.float32([[[1, 0], [0, 1e7], [1, 0]]])  # votes 2, 1; whoever adds a little of the mean to the votes is outshouted
QUIET = np.float32([[[6, 5, 0], [6, 5, 0], [0, 2, 0], [0, 2, 0]]])  # votes 2, 2, 0; means 3, 3.5, 0; of those who voted for it 6, 2


def votes_for(q_values: np.ndarray) -> np.ndarray:
    """[B, K, A] -> [B, A]."""
    return np.eye(q_values.shape[2], dtype=int)[q_values.argmax(axis=2)].sum(axis=1)


def wrong_votes(q_values: np.ndarray) -> Iterable[tuple[Any, str]]:
    """What known mistakes elect, each with what to say of it."""
    votes, means = votes_for(q_values), q_values.mean(axis=1)  # [B, A]
    leading = votes == votes.max(axis=1, keepdims=True)
    tied = leading.sum(axis=1) > 1
    if not tied.any():
        yield means.argmax(axis=1), "it averages the Q-values, and one head that shouts outvotes the others; each head has one vote"
        yield q_values.max(axis=1).argmax(axis=1), "it follows the head with the highest Q-value; each head has one vote"
        yield (votes + means).argmax(axis=1), "it adds the means to the votes; they only decide between actions that share the lead"
        yield votes.sum(axis=0).argmax() + 0 * tied, "it counts over the batch; each observation has an election of its own"
        yield q_values[:, 0].argmax(axis=1), "it follows head 0; each head has one vote"
        return
    yield means.argmax(axis=1), "in a tie it takes the highest mean of all actions; only those that share the lead stand for it"
    best = q_values.argmax(axis=2)[..., None] == np.arange(q_values.shape[2])  # [B, K, A]: who voted for what
    fans = (q_values * best).sum(axis=1) / np.maximum(votes, 1)  # [B, A], mean of those who voted for it
    yield np.where(leading, fans, -np.inf).argmax(axis=1), "the mean is over all heads, not only over those that voted for the action"
    yield q_values.max(axis=1).argmax(axis=1), "the highest single Q-value does not decide; the mean over all heads does"
    yield np.where(leading, means, np.inf).argmin(axis=1), "of the tied actions it takes the one of lower mean"
    rule = "of the tied actions, take the one of higher mean"
    yield leading.argmax(axis=1), f"a tie is decided by accident, for the action that comes first; {rule}"
    last = votes.shape[1] - 1 - leading[:, ::-1].argmax(axis=1)
    yield last, f"a tie is decided by accident, for the action that comes last; {rule}"


def elected(answer: Callable, q_values: np.ndarray) -> np.ndarray:
    given = q_values.copy()
    with whole_arrays():
        got = answer(given)
    if not np.array_equal(given, q_values):
        raise Mistake("it changes the Q-values that it is given; leave them as they are")
    batch, heads, actions = q_values.shape
    reasons = {
        (): "one action for the whole batch; each observation has an election of its own",
        (batch, actions): "those are votes or means; return the action that wins, one for each observation",
        (batch, heads): "those are the heads' votes; return the action that wins",
        (heads,): "one for each head; return one for each observation",
        (actions,): "one for each action; return one for each observation",
        (batch, 1): "drop the last axis",
    }
    got = as_array(got, (batch,), "iuf", f"the actions for Q-values of shape {q_values.shape}", reasons)
    if got.dtype.kind == "f":
        raise Mistake(f"an action is a whole number; yours are {got.dtype}")
    return got


@exercise("07.5", reference=exploration.majority_vote, why="Ten half-informed players together play better than most of them alone.")
def vote(answer):
    for q_values in (CLEAR, CLEAR[:1], TIED, RUNOFF, CROWD, LOUD, QUIET):
        got, right = elected(answer, q_values), exploration.majority_vote(q_values)
        if not np.array_equal(got, right):
            row = int(np.argmax(got != right))
            case, votes, means = shown(q_values[row]), votes_for(q_values)[row], q_values[row].mean(axis=0)
            tie = f", mean Q-values {shown(means)}" if (votes == votes.max()).sum() > 1 else ""
            raise Mistake(
                f"the heads' Q-values {case} are the votes {votes.tolist()}{tie}: action {right[row]} wins; yours is "
                f"{got[row]}{reason_for(got, wrong_votes(q_values))}"
            )
    q_values = np.random.default_rng(5).normal(-3.0, 1.0, (200, 9, 4)).astype(np.float32)
    got, right = elected(answer, q_values), exploration.majority_vote(q_values)
    if not np.array_equal(got, right):
        row = int(np.argmax(got != right))
        votes = votes_for(q_values)[row].tolist()
        raise Mistake(f"9 heads, 4 actions, all Q-values below 0, votes {votes}: action {right[row]} must win; yours is {got[row]}")
    if elected(answer, SHOUT)[0] != 0:
        raise Mistake(
            "the heads' Q-values [[1, 0], [0, 10000000], [1, 0]] are the votes [2, 1]: action 0 wins; yours is 1: a mean that is added to "
            "the votes can outweigh them, however small its share; compare the votes first, and the means of those that tie"
        )


# --- 07.6: disagreement ---------------------------------------------------------------------------------------------------------------


def reference_disagreement(q_values):
    return q_values.std(axis=1).mean(axis=1)  # [B]


def wrong_disagreements(q_values: np.ndarray) -> Iterable[tuple[Any, str]]:
    batch, heads, actions = q_values.shape
    yield (
        q_values.std(axis=2).mean(axis=1),
        "that is the spread over the actions (axis 2), how much the choice matters; the heads lie along axis 1",
    )
    if batch > 1:
        yield q_values.std(axis=0).mean() * np.ones(batch), "that is the spread over the batch (axis 0); the heads lie along axis 1"
    yield q_values.var(axis=1).mean(axis=1), "that is the variance; take the standard deviation, which has the unit of a Q-value"
    yield (
        q_values.std(axis=1, ddof=1).mean(axis=1) if heads > 1 else np.full(batch, np.nan),
        "it divides by K - 1 (`ddof=1`, as pandas and torch do unasked); divide by K, or a single head gives nan",
    )
    yield (
        q_values.mean(axis=2).std(axis=1),
        "it averages over the actions first, where disagreements cancel; spread over the heads first, then mean",
    )
    yield q_values.max(axis=2).std(axis=1), "that is the spread of the best value; every action counts"
    yield q_values.std(axis=1).sum(axis=1), "it sums over the actions; take their mean"
    yield (
        np.sqrt(q_values.var(axis=1).mean(axis=1)),
        "that is the root of the mean variance; take the standard deviation of each action first, then the mean",
    )
    away = np.abs(q_values - q_values.mean(axis=1, keepdims=True))  # [B, K, A]
    yield away.mean(axis=(1, 2)), "that is the mean distance from the mean; the standard deviation squares the distances"
    yield q_values.std(axis=1).max(axis=1), "it takes the action they disagree about most; take the mean over the actions"
    yield np.ptp(q_values, axis=1).mean(axis=1), "that is highest minus lowest, which one odd head decides; take the standard deviation"
    yield q_values.reshape(batch, -1).std(axis=1), "it mixes heads and actions; spread over the heads (axis 1) of each action, then mean"


def measured(answer: Callable, q_values: np.ndarray) -> np.ndarray:
    given = q_values.copy()
    with whole_arrays(), np.errstate(all="ignore"):
        got = answer(given)
    if not np.array_equal(given, q_values):
        raise Mistake("it changes the Q-values that it is given; leave them as they are")
    batch, heads, actions = q_values.shape
    reasons = {
        (): "one number for the whole batch; each observation has its own",
        (batch, actions): "one for each action; take their mean",
        (batch, heads): "one for each head: that is a spread over the actions; the heads lie along axis 1",
        (heads, actions): "that is the spread over the batch (axis 0); the heads lie along axis 1",
        (heads,): "one for each head, over the batch; return one for each observation",
        (actions,): "one for each action; return one for each observation, the mean over its actions (axis 1)",
    }
    return as_array(got, (batch,), "f", f"the disagreement in Q-values of shape {q_values.shape}", reasons)


@exercise("07.6", reference=reference_disagreement, why="Where the heads differ, they have not seen enough: a map of what is unknown.")
def disagreement(answer):
    cases = (
        np.float32([[[0, 8], [0, 8], [0, 8], [0, 8], [10, 3]]]),  # a spread of 4 in action 0, of 2 in action 1
        np.float32([[[0, 4], [4, 0]], [[3, 7], [3, 7]], [[1, 1], [7, 7]]]),  # apart, at one, apart
        np.float32([[[1, 0, 2], [3, 5, 2], [8, 1, 2], [0, 6, 2]], [[0, 0, 0]] * 4]),
    )
    for q_values in cases:
        got, right = measured(answer, q_values), reference_disagreement(q_values)
        if not close(got, right):
            raise Mistake(
                f"Q-values {shown(q_values)}, a row for each head: the disagreement must be {shown(right)}; yours is {shown(got)}"
                f"{reason_for(got, wrong_disagreements(q_values))}"
            )
    if not close(got := measured(answer, np.float32([[[1, 5]]])), 0.0):
        reason = "it divides by K - 1" if np.isnan(got).any() else "there is nobody to differ from"
        raise Mistake(f"a single head's disagreement must be 0; yours is {float(got[0]):.5g}: {reason}")
