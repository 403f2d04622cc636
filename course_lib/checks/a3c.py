"""Checks of lesson 06, A3C (Mnih et al. 2016). Each looks for its known mistakes on the smallest input that tells them apart."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from course_lib import exploration, returns
from course_lib.checks.base import Mistake, exercise
from course_lib.checks.dqn import as_array, close, reason_for, shown, shown_set
from course_lib.checks.huber import whole_arrays


# --- 06.1: an action from probabilities -----------------------------------------------------------------------------------------------

DRAWS = 4_000


def reference_sample(probabilities, rng):
    return int(exploration.sample_actions(np.asarray(probabilities, float)[None], rng)[0])


class Draws:
    """Asks an answer for actions, and watches what else it does."""

    def __init__(self, answer: Callable):
        self.answer = answer

    def one(self, probabilities: list[float], rng: np.random.Generator) -> int:
        given = np.array(probabilities, np.float32)
        text = shown(probabilities)
        try:
            with np.errstate(all="ignore"), whole_arrays():
                got = self.answer(given, rng)
        except ValueError as error:
            if "probabilities" not in str(error).lower():
                raise
            raise Mistake(
                f"{text} adds up to {shown(sum(probabilities))}, and `rng.choice` refuses that: divide by the sum first"
            ) from error
        if not np.array_equal(given, np.float32(probabilities)):
            raise Mistake(f"it changes the probabilities that it is given (`/=` writes into them): {text} became {shown(given)}")
        if got is None:
            others = [self.answer(np.array(probabilities, np.float32), np.random.default_rng(seed)) for seed in range(20)]
            if any(other is not None for other in others):
                raise Mistake(f"for {text} it returns an action in some draws and nothing in others: some darts hit none of your pieces")
            raise Mistake("your function returns nothing: it must end with `return`")
        if np.ndim(got) or not isinstance(got, int | np.integer | np.ndarray) or np.asarray(got).dtype.kind not in "iu":
            kind = f"an array of shape {np.shape(got)}" if isinstance(got, np.ndarray) else f"a {type(got).__name__}"
            raise Mistake(f"the action for {text} must be one whole number; yours is {kind}")
        if not 0 <= got < len(given):
            reason = "count from 0" if sum(probabilities) == 1 else "the proportions count; does it lean on their sum being 1?"
            raise Mistake(f"{text} has {len(given)} actions, 0 to {len(given) - 1}; yours drew {int(got)}: {reason}")
        return int(got)

    def shares(self, probabilities: list[float], seed: int = 0) -> np.ndarray:
        """How often each action comes up, [A]."""
        rng = np.random.default_rng(seed)
        actions = [self.one(probabilities, rng) for _ in range(DRAWS)]
        return np.bincount(actions, minlength=len(probabilities)) / DRAWS


@exercise("06.1", reference=reference_sample, why="A policy tries everything now and then, and the better the more often.")
def sample_action(answer):
    draws = Draws(answer)
    before = np.random.get_state()[1].copy(), random.getstate()
    draws.one([0.2, 0.5, 0.3], np.random.default_rng(0))
    if not np.array_equal(before[0], np.random.get_state()[1]) or before[1] != random.getstate():
        raise Mistake("it draws from the global random state, which the whole program shares; draw from `rng` only")
    judge_shares(draws, [0.2, 0.5, 0.3])
    judge_shares(draws, [0.0, 1.0, 0.0])
    judge_shares(draws, [2.0, 1.0, 1.0])
    judge_shares(draws, [0.05, 0.1, 0.05])
    judge_shares(draws, [0.1, 0.1, 0.1, 0.3, 0.4])

    def sequence(seed: int) -> list[int]:
        rng = np.random.default_rng(seed)
        return [draws.one([0.2, 0.5, 0.3], rng) for _ in range(50)]

    if sequence(0) != sequence(0):
        raise Mistake(
            "the same probabilities and seed gave other actions the second time: draw from the `rng` you are given, make none yourself"
        )
    if sequence(0) == sequence(1):
        raise Mistake("two generators with different seeds gave the same actions: draw from the `rng` you are given, make none yourself")


def judge_shares(draws: Draws, probabilities: list[float]) -> None:
    got, given = draws.shares(probabilities), np.array(probabilities)
    right = given / given.sum()
    if np.allclose(got, right, atol=0.035):
        return
    softened = np.exp(given) / np.exp(given).sum()
    edges = np.clip(given.cumsum(), 0, 1)
    fresh = np.append(right[:-1], 1.0) * np.append(1.0, np.cumprod(1 - right)[:-1])  # a dart for each piece; what hits none is the last's
    again = right * np.append(1.0, np.cumprod(1 - right)[:-1])  # likewise, but begun again
    apart = np.diff(np.maximum.accumulate(np.append(right[:-1], 1.0)), prepend=0)  # pieces that all begin at 0
    reason = ""
    if got[given.argmax()] > 0.99:
        whole = given.sum() != 1
        reason = (
            ": those are proportions, and must be divided by their sum first"
            if whole
            else ": the likeliest action each time, an argmax; draw, from `rng`"
        )
    elif np.allclose(got, 1 / len(given), atol=0.035):
        reason = ": the probabilities are ignored"
    elif np.allclose(got, fresh, atol=0.035) or np.allclose(got, again / again.sum(), atol=0.035):
        reason = ": is a new dart thrown for each piece? Throw one, and see where it lands"
    elif np.allclose(got, apart, atol=0.035):
        reason = ": the pieces all begin at 0; lay them end to end (`np.cumsum`)"
    elif np.allclose(got, softened, atol=0.035):
        reason = ": that is a softmax of the probabilities; they are probabilities already"
    elif given.sum() != 1 and (np.allclose(got[:-1], np.diff(edges, prepend=0)[:-1], atol=0.035) or got.max() > 0.75):
        reason = ": it leans on the sum being 1; divide by the sum first"
    elif np.allclose(got, right[::-1], atol=0.035) or np.allclose(got, np.roll(right, 1), atol=0.035):
        reason = ": the probabilities belong to other actions"
    percent = ", ".join(f"{share:.0%}" for share in got)
    wanted = ", ".join(f"{share:.0%}" for share in right)
    raise Mistake(f"{shown(probabilities)} must give the actions in {wanted} of the draws; yours: {percent}{reason}")


# --- 06.2: k-step returns -------------------------------------------------------------------------------------------------------------


def reference_returns(rewards, terminated, values, discount):
    return returns.n_step_returns(rewards, terminated, values[-1], discount)


class Story(NamedTuple):
    """A rollout to look back on."""

    rewards: list[float]
    terminated: list[bool]
    values: list[float]  # one more than steps
    discount: float = 0.5

    def __str__(self) -> str:
        ended = shown_set(set(np.flatnonzero(self.terminated)))
        flags = f"terminated at step {ended}" if ended else "nothing terminated"
        return f"rewards {shown(self.rewards)}, {flags}, values {shown(self.values)}, discount {self.discount}"


STORIES = (
    Story([1.0], [False], [5.0, 3.0]),
    Story([1.0], [True], [5.0, 3.0]),
    Story([1.0, 2.0, 4.0], [False] * 3, [7.0, 9.0, 5.0, 8.0]),
    Story([1.0, 0.0, 2.0, 4.0], [False, True, False, False], [7.0, 9.0, 6.0, 5.0, 8.0]),
    Story([0.0, -1.0], [False, False], [3.0, 1.0, -4.0]),
)


def back(rewards, alive, last, discount, reward_alive=None, early=False) -> np.ndarray:
    """Returns, computed backwards with some things done wrongly. alive [T]: whether anything flows back across a step."""
    result, following = np.zeros(len(rewards)), last
    for t in reversed(range(len(rewards))):
        kept = 1.0 if reward_alive is None else reward_alive[t]
        following = discount * (rewards[t] + alive[t] * following) if early else rewards[t] * kept + discount * alive[t] * following
        result[t] = following
    return result


def wrong_returns(story: Story) -> Iterable[tuple[np.ndarray, str]]:
    """What known mistakes make of a rollout, each with what to say of it."""
    rewards, terminated, values, discount = (*map(np.array, story[:3]), story.discount)
    alive, always, last = ~terminated, np.ones(len(rewards)), values[-1]
    forward, following = np.zeros(len(rewards)), last
    for t in range(len(rewards)):
        following = forward[t] = rewards[t] + discount * alive[t] * following
    right = back(rewards, alive, last, discount)
    last_only = np.append(always[:-1], alive[-1:])
    yield (
        back(rewards, alive, values[-2], discount),
        ("it bootstraps from V of the last state acted in; what is still to come is V of the state after it, `values[-1]`"),
    )
    if terminated.any():
        yield back(rewards, last_only, last, discount), "a lost life in mid-rollout is ignored; nothing flows back across it"
        yield (
            back(rewards, always, last, discount),
            "it bootstraps after a terminal step; nothing follows it, so its return is its reward alone",
        )
        yield back(rewards, always, values[-2], discount), "it bootstraps after a terminal step; nothing follows it"
        yield back(rewards, alive, last, discount, reward_alive=alive), "the terminal step's own reward is dropped; only what follows it is"
        yield np.where(np.cumsum(terminated) > 0, 0.0, right), "it stops at the first terminal step; the game went on, with a new ball"
        backwards = np.cumsum(terminated[::-1])[::-1]  # how many terminal steps are still to come, [T]
        for within in (backwards > 1, backwards > 0, backwards > np.append(terminated[1:], False)):
            yield np.where(within, 0.0, right), "walking back, it stops at a terminal step; the steps before it have returns, too"
        yield rewards, "one terminal step cuts all steps off from what follows them; only what lies across it is cut off"
    yield (
        back(rewards, alive, 0.0, discount),
        "V at the end is missing; the game goes on after the rollout (or is `terminated` turned round?)",
    )
    yield back(rewards, alive, last / discount, discount), "the value at the end is one step away, so it is discounted once; yours is not"
    yield back(rewards, alive, last * discount, discount), "off by one: the value at the end is discounted once too often"
    yield (
        back(rewards, alive, last, discount, early=True),
        "off by one: a step's own reward is here already; only what follows is discounted",
    )
    yield back(rewards, alive, last, 1.0), "the discount is missing"
    yield forward, "it walks forward; each return needs the one after it, so begin with the last step"
    yield right[::-1], "the order is turned round; the first return belongs to the first step"
    yield rewards + discount * alive * values[1:], "every step looks one step ahead only; it must look as far as the rollout goes"
    yield np.full(len(rewards), right[0]), "every step got the first one's return; each counts what came after it only"
    yield np.append(0.0, right[1:]), "step 0 is left out; a `range` that counts down to 0 ends at -1; write `reversed(range(T))`"
    yield right - values[:-1], "V is subtracted already; that would be the advantage"


def returns_of(answer: Callable, story: Story) -> np.ndarray:
    """The returns, after the mistakes that have nothing to do with their values."""
    kinds = (np.float32, bool, np.float32)
    given = [np.array(part, kind) for part, kind in zip(story[:3], kinds)]
    before = [array.copy() for array in given]
    with whole_arrays():
        got = answer(*given, story.discount)
    for name, old, new in zip(("rewards", "terminated", "values"), before, given):
        if not np.array_equal(old, new):
            raise Mistake(f"it writes into `{name}`, which it is given; make a new array instead")
    steps = len(story.rewards)
    reasons = {
        (steps + 1,): "there is a value more than there are steps, but one return for each step",
        (): "one number for the whole rollout; each step has its own",
    }
    got = as_array(got, (steps,), "f", f"the returns of {steps} step{'s' if steps > 1 else ''}", reasons)
    if not np.isfinite(got).all():
        raise Mistake(
            f"{story}: the returns must be {shown(reference_returns(*map(np.array, story[:3]), story.discount))}; yours: {got.tolist()}"
        )
    return got


@exercise("06.2", reference=reference_returns, why="Every step learns from all that the rollout saw, and from a guess about the rest.")
def n_step_returns(answer):
    for story in STORIES:
        got, right = returns_of(answer, story), reference_returns(*map(np.array, story[:3]), story.discount)
        if not close(got, right):
            raise Mistake(f"{story}: the returns must be {shown(right)}; yours are {shown(got)}{reason_for(got, wrong_returns(story))}")
    rng = np.random.default_rng(6)
    story = Story(rng.choice([-1.0, 0.0, 1.0], 20).tolist(), (np.arange(20) == 7).tolist(), rng.normal(0, 2, 21).tolist(), 0.99)
    got, right = returns_of(answer, story), reference_returns(*map(np.array, story[:3]), story.discount)
    for t in range(20):
        if not close(got[t], right[t]):
            raise Mistake(
                f"in a rollout of 20 steps with discount 0.99 the return of step {t} must be {shown(right[t])}; yours is {shown(got[t])}"
            )


# --- 06.3 to 06.5: losses in a framework ----------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What an answer made of its tensors."""

    value: np.ndarray
    gradients: list[np.ndarray | None]  # of the value's sum, in respect of each input; None where nothing flows


NO_POWER = "in Python `^` is no power; a square is `** 2`"


def run_torch(answer: Callable, arrays: list[np.ndarray], *settings: float) -> Outcome:
    import torch

    tensors = [torch.tensor(array, requires_grad=array.dtype == np.float32) for array in arrays]
    try:
        value = answer(*tensors, *settings)
    except RuntimeError as error:
        if "bitwise_xor" in str(error):
            raise Mistake(NO_POWER) from error
        if "in-place" not in str(error):
            raise
        raise Mistake("it writes into a tensor that it is given (`-=` and methods that end in _ do); make a new one") from error
    expect_tensor(value, isinstance(value, torch.Tensor))
    gradients = [None] * len(tensors)
    if value.requires_grad:
        leaves = [tensor for tensor in tensors if tensor.requires_grad]
        found = iter(torch.autograd.grad(value.sum(), leaves, allow_unused=True))
        gradients = [next(found) if tensor.requires_grad else None for tensor in tensors]
    return Outcome(value.detach().numpy(), [None if gradient is None else gradient.numpy() for gradient in gradients])


def run_keras(answer: Callable, arrays: list[np.ndarray], *settings: float) -> Outcome:
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            if tensor.dtype.is_floating:
                tape.watch(tensor)
        try:
            value = answer(*tensors, *settings)
        except (TypeError, ValueError, tf.errors.OpError) as error:
            if "BitwiseXor" in str(error) or "LogicalXor" in str(error):
                raise Mistake(NO_POWER) from error
            raise
    expect_tensor(value, tf.is_tensor(value))
    gradients = tape.gradient(value, tensors) if value.dtype.is_floating else [None] * len(tensors)
    expect_compiled(answer, tensors, settings, value.numpy())
    return Outcome(value.numpy(), [None if gradient is None else gradient.numpy() for gradient in gradients])


def expect_tensor(value: Any, is_tensor: bool) -> None:
    if value is None:
        raise Mistake("your function returns nothing: it must end with `return`")
    if inspect.isroutine(value):
        raise Mistake("it returns a function, not what the function gives: somewhere a pair of brackets is missing, as in `.detach()`")
    if not is_tensor:
        raise Mistake(f"return a tensor of the framework, not NumPy and not a plain number; yours is of type {type(value).__name__}")


def expect_compiled(answer: Callable, tensors: list, settings: tuple, right: np.ndarray) -> None:
    """The same inside a `tf.function`, which is how the workers call it."""
    import tensorflow as tf

    advice = "stay with tensors, without `.numpy()` and NumPy's functions"
    try:
        traced = tf.function(lambda *arguments: answer(*arguments, *settings)).get_concrete_function(*tensors)
        value = traced(*tensors)
    except Exception as error:
        raise Mistake(
            f"it works step by step, but not inside a `tf.function`, where the workers call it ({type(error).__name__}): {advice}"
        ) from error
    if np.isfinite(right).all() and not close(value.numpy(), right):
        raise Mistake(f"inside a `tf.function`, where the workers call it, it gives other values: {advice}")


class Framework(NamedTuple):
    run: Callable[..., Outcome]
    stop: str  # how to stop a gradient


TORCH = Framework(run_torch, "`.detach()`")
KERAS = Framework(run_keras, "`keras.ops.stop_gradient(...)`")


def per_sample(value: np.ndarray, steps: int, what: str, table: str, numbers: dict[str, float] | None = None) -> np.ndarray:
    """An answer's value, float32 [T], after the mistakes of shape and type.

    table: what to say of a (T, T) table; numbers: what a single number may have come from, where one is no mistake of `squeeze`.
    """
    if value.shape == () and numbers is not None:
        how = next((how for how, number in numbers.items() if close(value, number)), "one number")
        raise Mistake(f"{steps} steps must give {steps} {what}; yours is {how}, {shown(value)}: reduce nothing, the mean comes later")
    if value.shape == (steps, steps) and steps > 1:
        raise Mistake(f"the {what} of {steps} steps must have shape ({steps},); yours are a table ({steps}, {steps}): {table}")
    if value.shape != (steps,):
        reasons = {
            (): "a bare `squeeze` drops every axis of length 1, the steps' own too; write `[:, 0]`",
            (steps, 1): "drop the last axis, or the next sum with a (T,) becomes a (T, T) table",
            (1, steps): "drop the first axis, for example with `[0]`",
            (2,): "one for each action; sum over the actions of a step (axis 1), not over the steps",
        }
        reason = f": {reasons[value.shape]}" if value.shape in reasons else ""
        raise Mistake(
            f"the {what} of {steps} step{'s' if steps > 1 else ''} must have shape ({steps},); yours have shape {value.shape}{reason}"
        )
    if value.dtype != np.float32:
        raise Mistake(f"the {what} must be float32, as what the network says is; yours are {value.dtype}")
    return value


# --- 06.3: advantages -----------------------------------------------------------------------------------------------------------------

RETURNS = np.float32([1.0, 4.0, 2.0])
VALUES = np.float32([[1.5], [2.0], [5.0]])
FIRST_ROW = "the first step's value stands in for all; the column is `values[:, 0]`, and `values[0]` its first row"


def judge_advantages(answer: Callable, framework: Framework) -> None:
    table = "returns (T,) minus values (T, 1) pairs every return with every value; take the column out of the values first, `values[:, 0]`"
    outcome = framework.run(answer, [RETURNS, VALUES])
    got, right = per_sample(outcome.value, 3, "advantages", table, {}), RETURNS - VALUES[:, 0]
    mistakes = (
        (-right, "the sign is turned; better than foretold must be positive"),
        (RETURNS, "the values are not subtracted"),
        (RETURNS - VALUES[0], FIRST_ROW),
        (RETURNS - VALUES.mean(), "every step has a value of its own; yours all got the mean of the values"),
        (RETURNS.mean() - VALUES[:, 0], "every step has a return of its own; yours all got the mean of the returns"),
        ((right - right.mean()) / right.std(), "they are standardised; leave them as they are"),
        ((right - right.mean()) / right.std(ddof=1), "they are standardised; leave them as they are"),
        (np.abs(right), "a disappointment must stay negative"),
        (right**2, "that is the squared error, the value's loss"),
    )
    if not close(got, right):
        case = f"returns {shown(RETURNS)}, values {shown(VALUES)}"
        raise Mistake(f"{case}: the advantages must be {shown(right)}; yours are {shown(got)}{reason_for(got, mistakes)}")
    gradient = outcome.gradients[1]
    if gradient is not None and gradient.any():
        raise Mistake(
            f"a gradient of {shown(gradient[0, 0])} flows through the advantage into the value: the policy loss could then be lowered by "
            f"raising V instead of playing better; stop it with {framework.stop}"
        )
    per_sample(framework.run(answer, [RETURNS[:1], VALUES[:1]]).value, 1, "advantages", table)


# --- 06.4: the value's loss -----------------------------------------------------------------------------------------------------------


def judge_value_loss(answer: Callable, framework: Framework) -> None:
    outcome = framework.run(answer, [VALUES, RETURNS])
    errors = RETURNS - VALUES[:, 0]  # [3]
    right, pairs = errors**2, (RETURNS[None, :] - VALUES) ** 2  # [3], [3, 3]
    table = "every value is compared with every return, and all of them are drawn to the returns' mean; bring both to (T,) first"
    numbers = {"their mean": right.mean(), "their sum": right.sum(), "the mean of a (T, T) table of all pairs": pairs.mean()}
    if outcome.value.shape == (3,) and any(close(outcome.value, pairs.mean(axis)) for axis in (0, 1)):
        raise Mistake(f"values (3, 1) and returns (3,) made a (3, 3) table, averaged over one axis: {table}")
    got = per_sample(outcome.value, 3, "losses", table, numbers)
    mistakes = (
        (right / 2, "half of the square; here the loss is the whole square (its weight of 0.5 comes later)"),
        (np.abs(errors), "the error must be squared"),
        (errors, "the error must be squared"),
        (2 * errors, "the error is doubled; it must be squared"),
        ((RETURNS - VALUES[0]) ** 2, FIRST_ROW),
        (pairs.sum(axis=0), f"a (3, 3) table, summed over one axis: {table}"),
        (pairs.sum(axis=1), f"a (3, 3) table, summed over one axis: {table}"),
        (np.where(np.abs(errors) < 1, 0.5 * right, np.abs(errors) - 0.5), "that is Huber's loss; A3C squares the error"),
    )
    case = f"values {shown(VALUES)}, returns {shown(RETURNS)}"
    if not close(got, right):
        raise Mistake(f"{case}: the losses must be {shown(right)}; yours are {shown(got)}{reason_for(got, mistakes)}")
    expect_gradient(outcome.gradients[0], -2 * errors[:, None], "values", case)
    gradient = outcome.gradients[1]
    if gradient is not None and gradient.any():
        raise Mistake(
            f"a gradient of {shown(gradient[1])} flows into the return of step 1: the value should move to the return, not the return to "
            f"the value; stop it with {framework.stop}"
        )
    per_sample(framework.run(answer, [VALUES[:1], RETURNS[:1]]).value, 1, "losses", table)


# --- 06.5: the policy's loss ----------------------------------------------------------------------------------------------------------

LOGITS = np.float32([[0.0, 1.0, -1.0], [2.0, 0.5, 0.0], [-0.5, 0.0, 1.5]])  # T = A, so that a wrong axis shows in the values only
ACTIONS = np.int64([1, 2, 0])
ADVANTAGES = np.float32([2.0, -1.0, 0.5])
WEIGHT = 0.1


HALF = float(np.log(2))  # -log 0.5, and the entropy of a fair coin
SMALL = (  # two actions, equally likely: advantage, entropy weight, the loss, its formula, what known wrong losses betray
    (2.0, 0.0, 2 * HALF, "-log(0.5) x 2", [
        (-2 * HALF, "the sign is turned; a good action (advantage above 0) must become likelier as the loss falls"),
        (HALF, "the advantage is missing"),
        (-1.0, "the probability itself is weighted; take its logarithm"),
        (0.0, "does the softmax run over the steps (axis 0)? It belongs to the actions (axis 1)"),
    ]),
    (0.0, 1.0, -HALF, "-1 x the entropy, 0.693", [
        (HALF, "the entropy's sign is turned; the loss must fall when the policy is undecided, so subtract it"),
        (0.0, "the entropy is missing, or it is multiplied by the advantage, which is 0 here"),
        (-2 * HALF, "the entropy must be -sum p log p; yours sums the logarithms without their probabilities"),
        (-HALF / 2, "the entropy is a mean over the actions; it must be their sum"),
        (-1.0, "the entropy is in bits; use the natural logarithm"),
    ]),
)  # fmt: skip


def log_softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def parts(logits, actions) -> tuple[np.ndarray, np.ndarray]:
    """log pi(a|s) of the actions taken, and the entropy: [T, A], [T] -> [T], [T]."""
    logs = log_softmax(logits)
    return np.take_along_axis(logs, actions[:, None], 1)[:, 0], -(np.exp(logs) * logs).sum(axis=1)


def right_policy_loss(logits, actions, advantages, weight) -> np.ndarray:
    chosen, undecided = parts(logits, actions)
    return -chosen * advantages - weight * undecided


def policy_gradient(logits, actions, advantages, weight) -> np.ndarray:
    """Of the summed loss, in respect of the logits: [T, A]."""
    logs = log_softmax(logits)
    probabilities, undecided = np.exp(logs), parts(logits, actions)[1]
    one_hot = np.eye(logits.shape[1])[actions]
    return advantages[:, None] * (probabilities - one_hot) + weight * probabilities * (logs + undecided[:, None])


def wrong_policy_losses() -> list[tuple[np.ndarray, str]]:
    """What known mistakes make of the batch above, each with what to say of it."""
    chosen, undecided = parts(LOGITS, ACTIONS)
    logs, steps = log_softmax(LOGITS), np.arange(3)
    terms, columns = -np.exp(logs) * logs, log_softmax(LOGITS, axis=0)  # columns: every action's share among the steps
    wrong_axis = -np.exp(columns) * columns
    weighted = -chosen * ADVANTAGES
    bonus = "the bonus must be -sum p log p over the actions of each step"
    return [
        (weighted + WEIGHT * undecided, "the entropy's sign is turned; the loss must fall when the policy is undecided, so subtract it"),
        (
            -weighted - WEIGHT * undecided,
            "the policy's sign is turned; a good action (advantage above 0) must become likelier as the loss falls",
        ),
        (-weighted + WEIGHT * undecided, "both signs are turned: that is what the policy should climb; a loss is descended"),
        (weighted, "the entropy is missing"),
        (weighted - undecided, "the entropy's weight is ignored"),
        (weighted - WEIGHT * terms.sum(axis=0), f"the entropy is summed over the steps (axis 0); {bonus} (axis 1)"),
        (weighted - WEIGHT * terms.sum(), f"the entropy is summed over the whole batch; {bonus}"),
        (weighted - WEIGHT * undecided.mean(), f"every step got the batch's mean entropy; {bonus}"),
        (weighted - WEIGHT * terms.mean(axis=1), f"the entropy is a mean over the actions; {bonus}"),
        (weighted - WEIGHT * -chosen, f"-log p of the action taken stands in for the entropy; {bonus}"),
        (weighted - WEIGHT * undecided / np.log(2), "the entropy is in bits; use the natural logarithm"),
        (-np.exp(chosen) * ADVANTAGES - WEIGHT * undecided, "the probability itself is weighted; take its logarithm"),
        (-LOGITS[steps, ACTIONS] * ADVANTAGES - WEIGHT * undecided, "the logits are no log-probabilities yet; apply `log_softmax`"),
        (
            -columns[steps, ACTIONS] * ADVANTAGES - WEIGHT * wrong_axis.sum(axis=0),
            "the softmax runs over the steps (axis 0); it belongs to the actions (axis 1)",
        ),
        (
            -columns[steps, ACTIONS] * ADVANTAGES - WEIGHT * wrong_axis.sum(axis=1),
            "the softmax runs over the steps (axis 0); it belongs to the actions (axis 1)",
        ),
        (
            -columns[steps, ACTIONS] * ADVANTAGES - WEIGHT * undecided,
            "the softmax runs over the steps (axis 0); it belongs to the actions (axis 1)",
        ),
        (-chosen - WEIGHT * undecided, "the advantage is missing"),
        (-logs.sum(axis=1) * ADVANTAGES - WEIGHT * undecided, "all actions are weighted; pick the one that was taken"),
        (-chosen * np.abs(ADVANTAGES) - WEIGHT * undecided, "a disappointing action must become less likely: keep the advantage's sign"),
        (-chosen.mean() * ADVANTAGES - WEIGHT * undecided, "-log p is averaged over the steps; each step's belongs to its own advantage"),
        (weighted.mean() - WEIGHT * undecided, "the first term is averaged over the steps; keep one for each"),
        (-logs.max(axis=1) * ADVANTAGES - WEIGHT * undecided, "the likeliest action is weighted; pick the one that was taken"),
        (-logs[ACTIONS, steps] * ADVANTAGES - WEIGHT * undecided, "rows and columns are swapped; row t holds step t"),
    ]


def judge_policy_loss(answer: Callable, framework: Framework) -> None:
    arguments = (LOGITS, ACTIONS, ADVANTAGES)
    right, column = right_policy_loss(*arguments, WEIGHT), "something of shape (T, 1) met something of shape (T,); bring both to (T,) first"
    outcome = framework.run(answer, list(arguments), WEIGHT)
    every = -log_softmax(LOGITS)[:, ACTIONS] * ADVANTAGES - WEIGHT * parts(LOGITS, ACTIONS)[1]
    if outcome.value.shape == (3, 3) and close(outcome.value, every):
        column = "in each row you picked all three actions; pick each row's own (see the exercise's table)"
    table = column if outcome.value.shape == (3, 3) and close(np.diag(outcome.value), right) else f"pick the action taken; or {column}"
    got = per_sample(outcome.value, 3, "losses", table, {"their mean": right.mean(), "their sum": right.sum()})
    for advantage, weight, must, formula, mistakes in SMALL:
        small = run_small(answer, framework, [np.zeros((1, 2), np.float32), np.int64([1]), np.float32([advantage])], weight)
        small = per_sample(small.value, 1, "losses", column)[0]
        if not close(small, must):
            case = f"logits [[0, 0]], action 1, advantage {advantage:g}, entropy weight {weight:g}"
            raise Mistake(
                f"{case}: the loss must be {shown(must)}, which is {formula}; yours is {shown(small)}{reason_for(small, mistakes)}"
            )
    case = f"logits {shown(LOGITS)}, actions {ACTIONS.tolist()}, advantages {shown(ADVANTAGES)}, entropy weight {WEIGHT}"
    if not close(got, right):
        raise Mistake(f"{case}: the losses must be {shown(right)}; yours are {shown(got)}{reason_for(got, wrong_policy_losses())}")
    gradient = outcome.gradients[0]
    if gradient is not None and close(gradient, policy_gradient(*arguments, 0.0)):
        raise Mistake(f"{case}: no gradient comes from the entropy, so that nothing keeps the policy undecided: do not stop that one")
    expect_gradient(gradient, policy_gradient(*arguments, WEIGHT), "logits", case)
    judge_certain_policy(answer, framework)


def run_small(answer: Callable, framework: Framework, arrays: list[np.ndarray], weight: float) -> Outcome:
    """What an answer that went through with 3 steps and 3 actions makes of 1 step and 2 actions."""
    try:
        return framework.run(answer, arrays, weight)
    except (Mistake, NotImplementedError):
        raise
    except Exception as error:
        raise Mistake(
            f"it works with 3 steps and 3 actions, but with 1 step and 2 actions it raised {type(error).__name__}: T and A may be any "
            "numbers; ask `logits.shape` for them"
        ) from error


def judge_certain_policy(answer: Callable, framework: Framework) -> None:
    """Logits so far apart that one probability is 0 in float32."""
    case = "logits [[0, 200]], action 0, advantage 1, entropy weight 0.1 (the policy is certain of the other action)"
    outcome = framework.run(answer, [np.float32([[0.0, 200.0]]), np.int64([0]), np.float32([1.0])], WEIGHT)
    got = outcome.value[0]
    if not np.isfinite(got):
        raise Mistake(
            f"{case}: the loss must be 200; yours is {got}: softmax rounds to 0, and the logarithm of 0 is infinite; use `log_softmax`"
        )
    if not close(got, 200.0):
        reason = (
            ": a small number added to the probability, or a clipped one, hides the infinity and the gradient with it; use `log_softmax`"
        )
        if got > 1e6:
            reason = ": a large number hides the infinity, which is the logarithm of a softmax that rounds to 0; use `log_softmax`"
        number = shown(got) if got < 1e6 else f"{got:.3g}"
        raise Mistake(f"{case}: the loss must be 200; yours is {number}{'' if 120 <= got <= 1e6 else reason}")
    gradient = outcome.gradients[0]
    if gradient is None or not np.allclose(gradient, [[-1.0, 1.0]], atol=1e-3):
        shape = "none" if gradient is None else str(gradient.tolist())
        raise Mistake(f"{case}: the gradient that reaches the logits must be [[-1, 1]]; yours is {shape}: use `log_softmax`, in both terms")


def expect_gradient(gradient: np.ndarray | None, right: np.ndarray, name: str, case: str) -> None:
    if gradient is None or not gradient.any():
        raise Mistake(f"no gradient reaches the {name}: stay inside the framework, and stop the gradient of nothing but constants")
    if not close(gradient, right):
        raise Mistake(f"{case}: the gradient that reaches the {name} must be {shown(right)}; yours is {shown(gradient)}")


# --- 06.3 to 06.5: each in both frameworks --------------------------------------------------------------------------------------------


def torch_losses() -> Any:
    from course_lib.backends.torch import losses

    return losses


def keras_losses() -> Any:
    from course_lib.backends.keras import losses

    return losses


def advantages_of(stop: Callable) -> Callable:
    return lambda returns, values: stop(returns - values[:, 0])


def torch_advantages() -> Callable:
    return advantages_of(lambda tensor: tensor.detach())


def keras_advantages() -> Callable:
    from keras import ops

    return advantages_of(ops.stop_gradient)


def policy_loss_of(losses: Any) -> Callable:
    def policy_loss(logits, actions, advantages, entropy_weight):
        return losses.policy_loss(logits, actions, advantages) - entropy_weight * losses.entropy(logits)

    return policy_loss


def value_loss_of(losses: Any) -> Callable:
    return lambda values, returns: losses.value_loss(values[:, 0], returns)


WHY_ADVANTAGES = "What was to be expected anyway teaches nothing; only the surprise does."
WHY_POLICY = "What went better than foretold becomes likelier, and nothing becomes certain too soon."
WHY_VALUE = "One value for each screen, drawn to that screen's own returns and to no other's."


@exercise("06.3", framework="torch", name="advantages", reference=torch_advantages, lazy=True, why=WHY_ADVANTAGES)
def advantages_torch(answer):
    judge_advantages(answer, TORCH)


@exercise("06.3", framework="keras", name="advantages", reference=keras_advantages, lazy=True, why=WHY_ADVANTAGES)
def advantages_keras(answer):
    judge_advantages(answer, KERAS)


@exercise("06.4", framework="torch", name="value_loss", reference=lambda: value_loss_of(torch_losses()), lazy=True, why=WHY_VALUE)
def value_loss_torch(answer):
    judge_value_loss(answer, TORCH)


@exercise("06.4", framework="keras", name="value_loss", reference=lambda: value_loss_of(keras_losses()), lazy=True, why=WHY_VALUE)
def value_loss_keras(answer):
    judge_value_loss(answer, KERAS)


@exercise("06.5", framework="torch", name="policy_loss", reference=lambda: policy_loss_of(torch_losses()), lazy=True, why=WHY_POLICY)
def policy_loss_torch(answer):
    judge_policy_loss(answer, TORCH)


@exercise("06.5", framework="keras", name="policy_loss", reference=lambda: policy_loss_of(keras_losses()), lazy=True, why=WHY_POLICY)
def policy_loss_keras(answer):
    judge_policy_loss(answer, KERAS)


# --- 06.6: one actor-learner's cycle --------------------------------------------------------------------------------------------------


def reference_cycle(player, shared, t_max, discount):
    with shared.lock:
        player.network.copy_from(shared.network)
    player.network.clear_gradients()
    if player.over:
        player.reset()
    observations, actions, rewards, terminated, values = [], [], [], [], []
    while len(actions) < t_max and not player.over:
        probabilities, value = player.network.policy_and_value(player.observation)
        observations.append(player.observation)
        actions.append(reference_sample(probabilities, player.rng))
        reward, ended = player.step(actions[-1])
        rewards.append(reward)
        terminated.append(ended)
        values.append(value)
    values.append(player.network.policy_and_value(player.observation)[1])
    looked_back = reference_returns(np.array(rewards), np.array(terminated), np.array(values), discount)
    player.network.add_gradients(np.array(observations), np.array(actions), looked_back)
    with shared.lock:
        shared.network.update(player.network.gradients)
        shared.steps += len(actions)


class Push(NamedTuple):
    """A rollout that went into gradients, as plain numbers: observation n is a picture full of n."""

    observations: list[int]
    actions: list[int]
    returns: list[float]


class Lock:
    """A lock that one worker uses, and that remembers whether it is held."""

    def __init__(self):
        self.held = False

    def acquire(self, *_args, **_settings) -> bool:
        if self.held:
            raise Mistake("it waits for a lock that it holds itself, for ever: let go of `shared.lock` before taking it again")
        self.held = True
        return True

    def release(self) -> None:
        if not self.held:
            raise Mistake("it releases a lock that it does not hold")
        self.held = False

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *_error) -> None:
        self.held = False


class World:
    """A global network, a lock and a count, as `shared`; and doubles that complain the moment something is done out of turn."""

    def __init__(self, policy: Callable[[int], list[float]]):
        self.policy, self.lock, self.count = policy, Lock(), 100
        self.network, self.pushes, self.pulls = Network(self, "global", 5), [], 0

    @property
    def steps(self) -> int:
        return self.count

    @steps.setter
    def steps(self, count: int) -> None:
        if not self.lock.held:
            raise Mistake("it counts outside the lock: two workers that count at once lose one of the counts; hold `shared.lock`")
        self.count = count

    def expect_free(self, what: str) -> None:
        if self.lock.held:
            raise Mistake(f"it {what} while it holds the lock, and everybody else waits: hold `shared.lock` only to pull and to push")


def number(observation: Any) -> int:
    """Which observation this is; raises if it is none."""
    if observation is None:
        raise Mistake("it looks at a game that has not begun: `player.over` is true before the very first, too; then `player.reset()`")
    if not isinstance(observation, np.ndarray) or observation.shape != (2, 2, 1):
        kind = f"an array of shape {observation.shape}" if isinstance(observation, np.ndarray) else f"a {type(observation).__name__}"
        raise Mistake(f"`policy_and_value` takes one observation [H, W, C], here (2, 2, 1); yours got {kind}")
    return int(observation[0, 0, 0])


class Network:
    """Counts versions instead of learning; V of observation n is 10 n."""

    def __init__(self, world: World, name: str, version: int):
        self.world, self.name, self.version, self.gradients = world, name, version, []

    def copy_from(self, other: Any) -> None:
        if self.name == "global":
            raise Mistake(
                "it copies the worker's weights over the global ones, and what all the others learned is lost: pull the other way round"
            )
        if other is not self.world.network:
            raise Mistake("it copies from something else than `shared.network`")
        if not self.world.lock.held:
            raise Mistake("it pulls outside the lock: another worker may be half-way through an update; write `with shared.lock:`")
        self.version, self.world.pulls = other.version, self.world.pulls + 1

    def policy_and_value(self, observation: Any) -> tuple[np.ndarray, float]:
        if self.name == "global":
            raise Mistake("it acts with the global network, which the others change at any moment; act with the player's own copy")
        n = number(observation)
        self.world.expect_free("plays")
        if self.version != self.world.network.version:
            raise Mistake(
                f"it looks at observation {n} with weights of version {self.version}, while the global network is at version "
                f"{self.world.network.version}: pull before you act"
            )
        return np.float32(self.world.policy(n)), 10.0 * n

    def clear_gradients(self) -> None:
        self.gradients = []

    def add_gradients(self, observations: Any, actions: Any, returns: Any) -> None:
        if self.name == "global":
            raise Mistake("it differentiates on the global network; use the player's own copy, whose weights stand still")
        self.world.expect_free("differentiates")
        shapes = [np.shape(part) for part in (observations, actions, returns)]
        steps = shapes[0][0] if shapes[0] else 0
        if steps == 0:
            raise Mistake("it learns from a rollout without a step: the game was over, and nobody began a new one with `player.reset()`")
        if shapes != [(steps, 2, 2, 1), (steps,), (steps,)]:
            raise Mistake(
                "`add_gradients` takes observations [T, H, W, C], actions [T] and returns [T]; yours have shapes "
                + ", ".join(map(str, shapes))
            )
        numbers = np.asarray(observations)[:, 0, 0, 0].astype(int).tolist()
        self.gradients = [*self.gradients, Push(numbers, np.asarray(actions).astype(int).tolist(), np.asarray(returns, float).tolist())]

    def update(self, gradients: Any) -> None:
        if self.name != "global":
            raise Mistake("it updates the worker's own copy, which the next pull overwrites; update `shared.network`")
        if not self.world.lock.held:
            raise Mistake("it updates outside the lock: two workers that write at once undo each other's work; write `with shared.lock:`")
        if not isinstance(gradients, list) or not all(isinstance(each, Push) for each in gradients):
            raise Mistake(f"`shared.network.update` takes `player.network.gradients`; yours got a {type(gradients).__name__}")
        if not gradients:
            raise Mistake("it pushes no gradients: they are the player's (`player.network.gradients`), and were cleared or not yet added")
        self.world.pushes.append(gradients)
        self.version += 1


class Turn(NamedTuple):
    """A step of a scripted game."""

    reward: float
    terminated: bool = False
    over: bool = False


GAMES = (
    (1, (Turn(1.0), Turn(0.0), Turn(1.0, terminated=True, over=True))),  # observations 1, 2, 3; 4 is its last screen
    (11, (Turn(0.0), Turn(1.0, over=True))),  # 11, 12; the clock runs out at 13
    (21, (Turn(-1.0, terminated=True), Turn(1.0), *[Turn(0.0)] * 60)),  # a ball is lost at 21
)


class Player:
    """Plays the scripted games in their order."""

    def __init__(self, world: World, games: Iterable = GAMES, seed: int = 0):
        self.world, self.games = world, iter(games)
        self.network, self.rng = Network(world, "local", 0), np.random.default_rng(seed)
        self.over, self.observation, self.played = True, None, []

    def reset(self) -> None:
        if not self.over:
            raise Mistake(f"it resets a game that is not over, at observation {number(self.observation)}: only when `player.over` is true")
        self.world.expect_free("begins a game")
        self.first, turns = next(self.games)
        self.turns, self.over = list(turns), False
        self._show(0)

    def step(self, action: Any) -> tuple[float, bool]:
        if self.over:
            raise Mistake("it plays on in a game that is over: begin a new one with `player.reset()`, and end the rollout with the game")
        self.world.expect_free("plays")
        if isinstance(action, bool) or not isinstance(action, int | np.integer):
            raise Mistake(f"`player.step` takes one action, a whole number; yours got a {type(action).__name__}")
        self.played.append((number(self.observation), int(action)))
        turn = self.turns[self.at]
        self._show(self.at + 1)
        self.over = turn.over
        return turn.reward, turn.terminated

    def _show(self, at: int) -> None:
        if at > len(self.turns):
            raise Mistake("it plays on and on: a rollout ends after `t_max` steps")
        self.at, self.observation = at, np.full((2, 2, 1), self.first + at, np.uint8)


ROLLOUTS = (  # with t_max 2 and discount 0.5: observations, returns, and what known wrong returns betray
    ([1, 2], [8.5, 15.0], {
        (-1.5, -5.0): "V is subtracted already; the loss does that, so hand over the returns as they are",
        (30.403, 29.7): "the `discount` that it was given is ignored",
        (6.0, 10.0): "it bootstraps from V of observation 2, the last one acted on; what follows is V of observation 3",
        (1.0, 0.0): "V of what the last step led to is missing",
    }),
    ([3], [1.0], {
        (21.0,): "it bootstraps after the end of a game; hand `n_step_returns` the `terminated` flags",
        (16.0,): "it bootstraps after the end of a game; hand `n_step_returns` the `terminated` flags",
        (56.0,): "it bootstraps from the next game; look at `player.observation` before you reset",
    }),
    ([11, 12], [33.0, 66.0], {
        (30.5, 61.0): "it bootstraps from V of observation 12, the last one acted on; what follows is V of observation 13",
        (0.5, 1.0): "the clock ran out, but nothing was terminated: go by `terminated`, not by `player.over`, and use V of observation 13",
        (53.0, 106.0): "it bootstraps from observation 21, the first of the next game: look at `player.observation` before you reset",
    }),
    ([21, 22], [-1.0, 116.0], {
        (-1.0, 111.0): "it bootstraps from V of observation 22, the last one acted on; what follows is V of observation 23",
        (57.0, 116.0): "a lost ball is ignored; hand `n_step_returns` the `terminated` flags",
    }),
)  # fmt: skip


@exercise("06.6", reference=reference_cycle, why="Eight of these side by side, and the only thing they share is what they have learned.")
def one_cycle(answer):
    world = World(lambda n: np.eye(3)[n % 3])
    player, before = Player(world), None
    for observations, right, mistakes in ROLLOUTS:
        counted, played = world.count, len(player.played)
        with taken_apart():
            answer(player, world, 2, 0.5)
        judge_manners(world, player.played[played:], observations)
        before = judge_push(world, before, observations, right, mistakes)
        if world.count != counted + len(observations):
            were, gone = f"{len(observations)} step{'s were' if len(observations) > 1 else ' was'}", world.count - counted
            raise Mistake(f"{were} played, so `shared.steps` must go up by {len(observations)}; yours went up by {gone}")
    judge_drawing(answer)


@contextmanager
def taken_apart() -> Iterator[None]:
    """Around a call of an answer: explains what NumPy says of a list that mixes numbers and pairs."""
    try:
        yield
    except ValueError as error:
        if "setting an array element with a sequence" not in str(error):
            raise
        raise Mistake(
            "a list of numbers holds a pair: `player.step` gives (reward, terminated) and `policy_and_value` (probabilities, value); take "
            "them apart first"
        ) from error


def judge_manners(world: World, played: list[tuple[int, int]], observations: list[int]) -> None:
    """The lock, the steps, the pulls and pushes of one cycle."""
    if world.lock.held:
        raise Mistake("it ends while it still holds the lock, and nobody can ever pull or push again: write `with shared.lock:`")
    if not world.pulls:
        raise Mistake("it never pulls: `player.network.copy_from(shared.network)`")
    acted = [n for n, _ in played]
    if acted != observations:
        case = f"with t_max 2 this rollout must act on observations {observations}; yours acted on {acted}"
        if len(acted) > 2:
            raise Mistake(f"{case}: a rollout ends after `t_max` steps")
        if acted[:1] == [3]:
            raise Mistake(f"{case}: the game ends after observation 3, and its rollout with it; the next cycle begins the next game")
        lost = ": a lost ball does not end the game; go by `player.over`" if acted == [21] else ""
        raise Mistake(f"{case}{lost}")
    for n, action in played:
        if action != n % 3:
            raise Mistake(
                f"at observation {n} the policy gives action {n % 3} probability 1; yours played {action}: draw it from the probabilities "
                "that the network gives for that observation"
            )
    if len(world.pushes) != 1:
        many = f"{len(world.pushes)} times: collect the whole rollout, then push once" if world.pushes else "not once"
        raise Mistake(f"in one cycle the global network must be updated once; yours updated it {many}")


def judge_push(world: World, before: Push | None, observations: list[int], right: list[float], mistakes: dict) -> Push:
    """What one cycle pushed; returns it, and clears the list for the next."""
    (gradients,), world.pushes, world.pulls = world.pushes, [], 0
    if len(gradients) > 1:
        if gradients[0] == before or gradients[-1] == before:
            raise Mistake(
                f"the rollout of observations {before.observations} is pushed a second time: its gradients were still there when the next "
                "rollout's were added; clear them in every cycle"
            )
        raise Mistake(f"one rollout must be added to the gradients once; yours were added {len(gradients)} times")
    push = gradients[0]
    if push.observations != observations:
        if before is not None and push.observations[: len(before.observations)] == before.observations:
            raise Mistake(
                f"the rollout must hold the observations {observations}; yours holds {push.observations}: those of the rollout before are "
                "still in its lists; begin each cycle with empty ones"
            )
        after = (
            ": those are the observations after each step; keep the ones acted on" if push.observations[0] == observations[0] + 1 else ""
        )
        raise Mistake(f"the rollout must hold the observations {observations}; yours holds {push.observations}{after}")
    if push.actions != [n % 3 for n in observations]:
        raise Mistake(f"at the observations {observations} it played {[n % 3 for n in observations]}; its rollout says {push.actions}")
    if not close(push.returns, right):
        case = f"observations {observations}, V of observation n is 10 n, discount 0.5"
        raise Mistake(
            f"{case}: the returns must be {shown(right)}; yours are {shown(push.returns)}{reason_for(push.returns, mistakes.items())}"
        )
    return push


def judge_drawing(answer: Callable) -> None:
    """Forty steps under a policy that is not certain."""
    runs = []
    for seed in (0, 0, 1):
        world = World(lambda n: [0.5, 0.4, 0.1])
        player = Player(world, [(1, [Turn(0.0)] * 50)], seed)
        answer(player, world, 40, 0.5)
        runs.append([action for _, action in player.played])
    if len(set(runs[0])) == 1:
        case = f"with probabilities [0.5, 0.4, 0.1] it played {runs[0][0]} forty times"
        raise Mistake(f"{case}: draw the action with `sample_action`, from `player.rng`")
    if runs[0] != runs[1] or runs[0] == runs[2]:
        raise Mistake("the same seed must give the same actions, and another seed others: draw with `player.rng`")
