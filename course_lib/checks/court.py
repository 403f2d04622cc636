"""The museum's court (lesson 10): how a proof is tried on suspects, and what every mend is asked.

A proof is a function that takes an implementation, the suspect, and raises AssertionError exactly when it has the room's bug. It is tried
on the bug as it was found, on the same bug in other clothes, and on right implementations that look different.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.checks.base import Mistake
from course_lib.checks.dqn import as_array, as_number, close, reason_for, shown

# --- trying a proof ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Suspect:
    """An implementation that a proof is tried on."""

    name: str  # as a sentence about it goes on: "the book's loss"
    made: Any  # the implementation: a function, a class, a dictionary
    guilty: bool
    hint: str = ""  # what a proof overlooks that gets this one wrong


@dataclass(frozen=True)
class Call:
    """One question that a proof asked: the suspect's arguments by name, and what it answered."""

    arguments: dict[str, Any]
    answer: Any


Blind = Callable[[dict[str, Any]], str]
"""Why the room's bug does not show on these arguments; empty if there is nothing to say."""


def judge_proof(proof: Callable, suspects: Iterable[Suspect], right: Callable | None = None, blind: Blind | None = None) -> None:
    """Try the proof on all suspects; the first is the bug as it was found.

    right: a right function of the same arguments, to find out whether the bug shows on what the proof asks (None where suspects are no
    functions).
    """
    suspects = list(suspects)
    trials = [(suspect, *try_one(proof, suspect, blind)) for suspect in suspects]
    convicted = [suspect.guilty for suspect, condemned, _ in trials if condemned]
    suspect, _, calls = next(trial for trial in trials if not trial[0].guilty)
    if convicted == [False] * sum(not suspect.guilty for suspect in suspects):
        raise Mistake(
            "your proof has it the wrong way round, for it condemns what is right and acquits what has the bug: "
            + describe(suspect, calls)
        )
    if len(convicted) == len(suspects):
        raise Mistake(f"your proof condemns everything, right implementations too: {describe(suspect, calls)}")
    for suspect, condemned, calls in trials:
        if condemned and not suspect.guilty:
            raise Mistake(f"your proof condemns a right implementation: {describe(suspect, calls)}")
    for suspect, condemned, calls in trials:
        if suspect.guilty and not condemned:
            what = suspect.name if convicted else f"everything, {suspect.name} too"
            raise Mistake(f"your proof acquits {what}: {excuse(suspect, calls, right, blind, not convicted)}")


def try_one(proof: Callable, suspect: Suspect, blind: Blind | None) -> tuple[bool, list[Call]]:
    """Whether the proof condemns the suspect, and what it asked."""
    calls: list[Call] = []
    made = suspect.made
    try:
        got = proof(watch(made, calls) if inspect.isfunction(made) else copy.copy(made))
    except AssertionError:
        return True, calls
    except NotImplementedError:
        raise
    except Exception as error:
        text = next(iter(str(error).strip().splitlines()), "no reason given")
        advice = "hand over what the room's contract says, compare shapes before numbers, and let only `assert` condemn"
        reason = explain(blind, calls[-1:]) or next(map(strangers, calls[-1:]), "") or advice
        raise Mistake(f"your proof broke down with {type(error).__name__} ({text}) on {suspect.name}: {reason}") from error
    if got is not None:
        raise Mistake(f"your proof returned a {type(got).__name__}: it must condemn with `assert`, and return nothing if all is well")
    return False, calls


def watch(function: Callable, calls: list[Call]) -> Callable:
    """The function, which now also writes down what it is asked, and is silent about division by zero."""
    signature = inspect.signature(function)

    def suspect(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        calls.append(Call({name: copied(value) for name, value in given.items()}, None))
        try:
            with np.errstate(all="ignore"):
                answer = function(*args, **kwargs)
        except NotImplementedError as error:  # a framework's, about a dtype; it must not be taken for a stub's
            raise TypeError(str(error)) from error
        calls[-1] = Call(calls[-1].arguments, copied(answer))
        return answer

    return suspect


def copied(value: Any) -> Any:
    """A copy, or the value itself where it cannot be copied (a tensor in the middle of a graph)."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def strangers(call: Call) -> str:
    """Which argument is of a kind that suspects do not know; empty if none is."""
    known = np.ndarray, np.generic, bool, int, float
    for name, value in call.arguments.items():
        if not isinstance(value, known):
            return f"suspects are given NumPy arrays; your {name} is a {type(value).__name__}"
    return ""


def explain(blind: Blind | None, calls: list[Call]) -> str:
    """Why the bug does not show in these calls, if the room knows; empty otherwise."""
    for call in calls if blind else ():
        try:
            if reason := blind(call.arguments):
                return reason
        except Exception:  # arguments outside the contract tell nothing
            continue
    return ""


def describe(suspect: Suspect, calls: list[Call]) -> str:
    """An innocent, and what it answered."""
    said = suspect.name + (f", which {suspect.hint}" if suspect.hint else "")
    if not calls:
        return said + ("; and it never calls the suspect that it is given" if inspect.isfunction(suspect.made) else "")
    asked = f"{said}; asked with {listed(calls[-1].arguments)} it gives {told(calls[-1].answer)}, and so it should"
    finite = all(np.isfinite(value).all() for value in calls[-1].arguments.values() if isinstance(value, np.ndarray))
    return asked + ("" if finite else ": 0 times infinity is nan, so ask with large numbers, but finite ones")


def excuse(suspect: Suspect, calls: list[Call], right: Callable | None, blind: Blind | None, all_acquitted: bool) -> str:
    """Why the proof let this one go."""
    if right is None:
        return suspect.hint
    if not calls:
        return "it never calls the suspect; ask it something, and assert what must hold of the answer"
    for call in calls:
        try:
            truth = right(**copy.deepcopy(call.arguments))
        except Exception:  # arguments outside the contract tell nothing
            continue
        if not same(call.answer, truth):
            where = f"on {listed(call.arguments)} it gives {contrast(call.answer, truth)} is right"
            return f"{where}, and no assert of yours objects" + ("" if all_acquitted or not suspect.hint else f" ({suspect.hint})")
    reason = explain(blind, calls) or suspect.hint
    return f"the bug does not show on {listed(calls[-1].arguments)}" + (f": {reason}" if reason else "; look for inputs on which it does")


def same(got: Any, right: Any) -> bool:
    return np.shape(got) == np.shape(right) and close(got, right)


def listed(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name} {listed_value(value)}" for name, value in arguments.items())


def listed_value(value: Any) -> str:
    """A value as a sentence shows it: small ones in full, others by their shape, and by what is lit if that is little."""
    if np.size(value) > 8:
        return f"of shape {np.shape(value)}{lit(value)}"
    return str(np.asarray(value).tolist()) if np.asarray(value).dtype == bool else shown(value)


def lit(value: Any) -> str:
    """Where an array is not 0, if it is 0 nearly everywhere; empty otherwise."""
    places = list(zip(*(places.tolist() for places in np.nonzero(value))))
    return f" lit at {', '.join(map(str, places))}" if 0 < len(places) <= 4 else ""


def told(value: Any) -> str:
    """An answer as a sentence shows it."""
    return ("an array " if np.size(value) > 8 else "") + listed_value(value)


def contrast(got: Any, right: Any) -> str:
    """What was given "where" what is right: both in full, or the first entry that differs in large ones."""
    if np.size(got) <= 8 or np.shape(got) != np.shape(right) or lit(got):
        return f"{told(got)} where {told(right)}"
    place = first_difference(got, right)
    return f"{shown(np.asarray(got)[place])} at {place} where {shown(np.asarray(right)[place])}"


def first_difference(got: Any, right: Any) -> tuple[int, ...]:
    return tuple(np.argwhere(~np.isclose(got, right, rtol=1e-4, atol=1e-5))[0].tolist())


# --- trying a mend -------------------------------------------------------------------------------------------------------------------


def ask(answer: Callable, *arguments: Any) -> Any:
    """answer(*arguments) on copies, which it must leave alone."""
    given = copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"):
            got = answer(*given)
    except ValueError as error:
        if "truth value of an array" not in str(error):
            raise
        reason = "`if`, `not` and `and` take one number; use np.where and ~"
        raise Mistake(f"your code asks a whole array for one truth value: {reason}") from error
    for before, after in zip(arguments, given, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after):
            place = first_difference(after, before)
            small = np.size(before) <= 8
            changed = f"{told(before)} became {told(after)}" if small else f"{shown(before[place])} at {place} became {shown(after[place])}"
            raise Mistake(f"your function changes the array that it is given: {changed}")
        if isinstance(before, list) and before != after:
            raise Mistake(f"your function changes the list that it is given: {before} became {after}")
    return got


def expect_number(got: Any, right: float, where: str, mistakes: Iterable[tuple[Any, str]] = ()) -> None:
    if isinstance(got, np.ndarray) and got.shape == (1,):
        raise Mistake(f"{where} must be one number; yours is an array of shape (1,): a row of [N, 1] is still an array, and [0] its number")
    got = as_number(got, where)
    if not close(got, right):
        raise Mistake(f"{where} must be {shown(right)}; yours is {shown(got)}{reason_for(got, mistakes)}")


def expect_array(
    got: Any, right: np.ndarray, where: str, mistakes: Iterable[tuple[Any, str]] = (), shapes: dict[tuple, str] | None = None
) -> None:
    got = as_array(got, right.shape, "f", where, shapes)
    if not close(got, right) and right.size > 8:
        place = first_difference(got, right)
        entry = f"{where}: at {place} it must be {shown(right[place])}; yours is {shown(got[place])}"
        raise Mistake(entry + reason_for(got, mistakes))
    if not close(got, right):
        raise Mistake(f"{where} must be {shown(right)}; yours is {shown(got)}{reason_for(got, mistakes)}")
