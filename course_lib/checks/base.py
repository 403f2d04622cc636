"""What every check shares: the line it prints, and what it hands back.

A check is a function `check(answer)` that raises `Mistake` with the sentence the learner should read. `exercise` wraps it:
the notebook goes on with the learner's answer when it passes and with the reference when it does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Mistake(Exception):
    """A wrong answer; the text names the misconception and shows the smallest input that reveals it."""


@dataclass(frozen=True)
class Check:
    """One exercise's check. `judge` returns None for a right answer and raises otherwise."""

    id: str  # "03.1"
    name: str
    framework: str | None  # "torch", "keras", or None where NumPy is enough
    part: str | None  # "proof" or "mend", or None for an exercise in one piece
    why: str  # one sentence shown after success
    judge: Callable[[Any], None]
    make_reference: Callable[[], Any]

    @property
    def variant(self) -> str | None:
        """Which of a pair it judges."""
        return self.framework or self.part

    @property
    def label(self) -> str:
        return f"{self.id} {self.name}" + (f" ({self.variant})" if self.variant else "")


CHECKS: dict[tuple[str, str | None], Check] = {}
"""By id and variant."""


def verdict(check: Check, answer: Any) -> tuple[str, str]:
    """Judge an answer: ("passed" | "failed" | "open", the line to print)."""
    try:
        if answer is None:
            raise NotImplementedError
        check.judge(answer)
    except NotImplementedError:
        return "open", f"○ {check.label}: not written yet; the notebook goes on with the reference."
    except Mistake as mistake:
        return "failed", f"✗ {check.label}: {mistake}"
    except Exception as error:  # whatever the learner's code raises is an answer to explain, not a crash
        text = str(error).strip().splitlines()
        return "failed", f"✗ {check.label}: your code raised {type(error).__name__}" + (f": {text[0]}" if text else "")
    return "passed", f"✓ {check.label}. {check.why}"


def exercise(
    id: str,
    *,
    reference: Any,
    why: str,
    framework: str | None = None,
    part: str | None = None,
    name: str | None = None,
    lazy: bool = False,
):
    """Turn `check(answer)` into what a check cell calls.

    reference: the right answer, or with `lazy=True` a function without arguments that makes it (for answers that need a framework).
    The wrapped function prints the verdict and returns the learner's answer if it passed, else the reference.
    """

    def wrap(judge: Callable[[Any], None]):
        check = Check(id, name or judge.__name__, framework, part, why, judge, reference if lazy else lambda: reference)
        if (id, check.variant) in CHECKS:
            raise ValueError(f"two checks for exercise {check.label}")
        CHECKS[id, check.variant] = check

        @functools.wraps(judge)
        def run(answer: Any) -> Any:
            status, line = verdict(check, answer)
            print(line)
            return answer if status == "passed" else check.make_reference()

        run.check = check
        return run

    return wrap
