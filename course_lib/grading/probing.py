"""Hidden tests. A probe says what to try on an answer; what must come out is whatever the course's own solution gives.

A probe runs twice, with the same random numbers: in the learner's process on the learner's answer, and on the reference. Only what it
returns, as plain data, leaves the learner's process; the two transcripts are compared outside. So a learner's process never holds a right
result that it did not compute itself. This module is all of the grader that such a process sees.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST = 10_000  # characters of a text, entries of a list
LARGEST = 4_000_000  # bytes of an array
DEEPEST = 12  # lists in lists
DTYPE = re.compile(r"[<>|=]?([iu][1248]|f(2|4|8|16)|b1)")


@dataclass(frozen=True)
class Probe:
    """One hidden test of an exercise (of one framework or part, where it is a pair)."""

    id: str  # "03.1"
    variant: str | None  # "torch", "keras", "proof", "mend", or None
    topic: str  # what it is about, in words that learners may read: "errors of any shape"
    extra: bool  # core tests (False) must all pass for any mark; extra tests each add a share
    tolerance: float  # numbers a, b agree if |a - b| <= tolerance * (1 + |b|)
    run: Callable[[Any, np.random.Generator], Any]


PROBES: dict[tuple[str, str | None], list[Probe]] = {}
"""By exercise and variant, in the order of their definition."""


def probe(
    id: str, topic: str, *, framework: str | None = None, part: str | None = None, extra: bool = False, tolerance: float = 1e-5
) -> Callable:
    """Register `try_out(answer, rng) -> anything plain` as a hidden test.

    It returns what the answer made of its inputs (and the inputs too, where an answer must leave them alone): numbers, strings, None,
    arrays, tensors, and lists, tuples and dicts of them. Decorators may be stacked, so that one function serves both frameworks.
    """

    def register(run: Callable) -> Callable:
        variant = framework or part
        PROBES.setdefault((id, variant), []).append(Probe(id, variant, topic, extra, tolerance, run))
        return run

    return register


def transcript(answer: Any, id: str, variant: str | None, seed: int) -> list:
    """What each of an exercise's probes gets out of an answer, as plain data: {"returned": ...} or {"raised": "TypeError"}."""
    results = []
    for number, one in enumerate(PROBES[id, variant]):
        rng = np.random.default_rng([seed, number, *id.encode()])
        try:
            results.append({"returned": plain(one.run(answer, rng))})
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever an answer raises, the next probe is tried
            results.append({"raised": type(error).__name__[:LONGEST]})
    return results


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can hold it. Of objects that are not data, only the type's name is kept, so they equal no data."""
    if depth > DEEPEST:
        return {"object": "too deep"}
    if value is None or type(value) in (bool, float):
        return value
    if type(value) is int:
        return value if value.bit_length() <= 64 else {"object": "int"}
    if type(value) is str:
        return value[:LONGEST]
    if isinstance(value, np.generic):
        number = value.item()
        return {"object": value.dtype.name} if isinstance(number, np.generic) else plain(number, depth + 1)
    if isinstance(value, np.ndarray):
        return plain_array(np.asarray(value))
    if isinstance(value, list | tuple) and len(value) <= LONGEST:
        return [plain(entry, depth + 1) for entry in value]
    if isinstance(value, dict) and len(value) <= LONGEST:
        return {"dict": [[plain(key, depth + 1), plain(entry, depth + 1)] for key, entry in value.items()]}
    library = type(value).__module__.partition(".")[0]
    if library == "torch" and hasattr(value, "detach"):
        return {"torch": plain_array(np.atleast_1d(value.detach().cpu().numpy())), "shape": list(value.shape)}
    if library in ("tensorflow", "keras") and hasattr(value, "numpy"):
        return {"tensorflow": plain_array(np.atleast_1d(value.numpy())), "shape": list(value.shape)}
    return {"object": type(value).__name__[:LONGEST]}


def plain_array(array: np.ndarray) -> Any:
    """An array without axes is a number."""
    if array.dtype.kind not in "biuf" or array.nbytes > LARGEST:
        return {"object": f"array of {array.dtype.name}, shape {array.shape}"[:LONGEST]}
    if array.ndim == 0:
        return plain(array[()])
    return {"array": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(), "dtype": array.dtype.str, "shape": list(array.shape)}


def agree(got: Any, expected: Any, tolerance: float) -> bool:
    """Whether two plain values are the same: numbers within the tolerance whatever their types, all else exactly.

    `got` comes from a learner's process and may be anything that JSON can say; where it makes no sense, it does not agree.
    """
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or isinstance(expected, str):
        return type(got) is type(expected) and got == expected
    if isinstance(expected, int | float):
        return isinstance(got, int | float) and agree_in_value(np.float64(got), np.float64(expected), tolerance)
    if type(got) is not type(expected) or len(got) != len(expected):
        return False
    if isinstance(expected, list):
        return all(agree(one, other, tolerance) for one, other in zip(got, expected, strict=True))
    if "array" in expected:
        one, other = read_array(got), read_array(expected)
        if one is None or one.shape != other.shape or (one.dtype.kind == "b") != (other.dtype.kind == "b"):
            return False
        return agree_in_value(one.astype(np.float64), other.astype(np.float64), tolerance)
    return got.keys() == expected.keys() and all(agree(got[key], expected[key], tolerance) for key in expected)


def agree_in_value(got, expected, tolerance: float) -> bool:
    return bool(np.allclose(got, expected, rtol=tolerance, atol=tolerance, equal_nan=True))


def read_array(data: dict) -> np.ndarray | None:
    """The array behind its plain form; None if that is malformed."""
    dtype, shape, content = (data.get(key) for key in ("dtype", "shape", "array"))
    if not isinstance(dtype, str) or not DTYPE.fullmatch(dtype) or not isinstance(content, str) or not isinstance(shape, list):
        return None
    if len(shape) > 32 or not all(type(size) is int and 0 <= size <= LARGEST for size in shape):
        return None
    try:
        return np.frombuffer(base64.b64decode(content), dtype).reshape(shape)
    except (TypeError, ValueError):
        return None
