"""From transcripts to marks: which hidden tests an answer passed, and what share of the points they are worth."""

from __future__ import annotations

from course_lib.grading.probing import Probe, agree


def passed(probes: list[Probe], got: list, expected: list) -> list[bool]:
    """For each probe, whether the answer's transcript agrees with the reference's.

    `got` comes from a learner's process: of a malformed transcript, no test has passed.
    """
    if not isinstance(got, list) or len(got) != len(probes):
        return [False] * len(probes)
    try:
        return [agree(one, other, probe.tolerance) for probe, one, other in zip(probes, got, expected, strict=True)]
    except (OverflowError, ValueError, TypeError, RecursionError):
        return [False] * len(probes)


def share(probes: list[Probe], results: list[bool]) -> float:
    """The share of the points: 0 unless every core test has passed, then the share of all tests, extra ones too."""
    if not all(result for probe, result in zip(probes, results, strict=True) if not probe.extra):
        return 0.0
    return sum(results) / len(results)
