"""Checks of lesson 09: an evaluation as plain json, and the criterion of "solved"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from course_lib.checks.base import Mistake, exercise
from course_lib.checks.watch import close, reason_for


def ours(name: str) -> Callable[[], Callable]:
    """Makes the reference `sharing.<name>` when it is asked for: sharing brings half of the library along, for which other lessons need not wait."""

    def make() -> Callable:
        from course_lib import sharing

        return getattr(sharing, name)

    return make


# --- 09.1: an evaluation as plain json ------------------------------------------------------------------------------------------------

FIELDS = ("mean_reward", "std_reward", "is_deterministic", "n_eval_episodes", "eval_datetime")
CASES = (
    (np.array([2, 4, 4, 4, 5, 5, 7, 9], np.float32), False, datetime(2026, 3, 1, 21, 5, tzinfo=timezone(timedelta(hours=9)))),
    (np.array([0.0, 1.0, 21.0, 4.0, 4.0, 33.0, 1.0]), True, datetime(2025, 12, 31, 23, 59, 30, tzinfo=UTC)),
    (np.array([297, 10, 10, 15, 24, 51]), False, datetime(2026, 7, 9, 8, 0, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))),
)
"""Scores, is_deterministic, when."""


def shown(value) -> str:
    """A number as a sentence shows it: whole, or rounded; of an array of whole numbers, the list."""
    return str(np.round(value).astype(int).tolist() if isinstance(value, np.ndarray) else value if isinstance(value, int) else round(float(value), 4))


def wrong_means(scores: np.ndarray) -> Iterable[tuple[float, str]]:
    yield scores.max(), "that is the best game"
    yield np.clip(scores, -1, 1).mean(), "the scores were clipped to 1; training may clip rewards, a published score counts every point"
    yield round(float(scores.mean())), "that is rounded; a file keeps every digit, rounding is for those who print it"
    yield round(float(scores.mean()), 1), "that is rounded; a file keeps every digit, rounding is for those who print it"
    yield round(float(scores.mean()), 2), "that is rounded; a file keeps every digit, rounding is for those who print it"
    yield np.median(scores), "that is the median; the field is called mean_reward"
    yield scores.sum(), "that is the sum of all games"
    yield scores[1:].mean(), "the first game is missing; every game counts"
    yield scores[:-1].mean(), "the last game is missing; every game counts"


def wrong_spreads(scores: np.ndarray) -> Iterable[tuple[float, str]]:
    number = len(scores)
    yield scores.std(ddof=1), f"that is the sample's, divided by {number} - 1; cards on the Hub have the population's, divided by {number}: np.std"
    yield scores.var(), "that is the variance; take its root: np.std"
    yield scores.std() / np.sqrt(number), "that is the standard error of the mean; the field holds the standard deviation of the games: np.std"
    yield np.abs(scores - scores.mean()).mean(), "that is the mean distance from the mean; the field holds the standard deviation: np.std"
    yield np.ptp(scores), "that is the best game less the worst; the field holds the standard deviation: np.std"
    yield round(float(scores.std())), "that is rounded; a file keeps every digit"
    yield round(float(scores.std()), 1), "that is rounded; a file keeps every digit"
    yield round(float(scores.std()), 2), "that is rounded; a file keeps every digit"


def wrong_counts(scores: np.ndarray) -> Iterable[tuple[float, str]]:
    yield scores.sum(), "that is the number of points; count the games"
    yield len(set(scores.tolist())), "games with equal scores were counted once"
    yield len(scores) - 1, "one game is missing"
    yield 30, "that is always 30; count the games that you were given"
    yield scores.max(), "that is the score of the best game; count the games"


@exercise("09.1", reference=ours("results"), lazy=True, why="A program can read it: how good, how far games differ, how many there were, and when.")
def results(answer):
    for scores, is_deterministic, when in CASES:
        given = scores.copy()
        found = answer(given, is_deterministic, when)
        if not np.array_equal(given, scores):
            raise Mistake(f"your function changes the scores that it is given: {shown(scores)} became {shown(given)}; leave them as they are")
        expect_plain_fields(found)
        where = f"for the scores {shown(scores)}"
        for field, right, wrongs in (
            ("mean_reward", float(scores.mean()), wrong_means(scores)),
            ("std_reward", float(scores.std()), wrong_spreads(scores)),
            ("n_eval_episodes", len(scores), wrong_counts(scores)),
        ):
            expect_number(field, found[field], right, where, wrongs)
        if type(found["n_eval_episodes"]) is not int:
            raise Mistake(f"n_eval_episodes counts games, so it is a whole number, {len(scores)}; yours is {found['n_eval_episodes']!r}")
        if type(found["is_deterministic"]) is not bool:
            raise Mistake(f"is_deterministic must be True or False as given; yours is of type {type(found['is_deterministic']).__name__}")
        if found["is_deterministic"] != is_deterministic:
            raise Mistake(f"called with is_deterministic={is_deterministic}, yours says {found['is_deterministic']}; hand on what you are given")
        expect_moment(found["eval_datetime"], when)


def expect_plain_fields(found) -> None:
    """A dict with the five fields, each of which json takes."""
    if isinstance(found, str):
        raise Mistake("your function returns a text; return the dict itself, json.dumps makes a text of it later")
    if not isinstance(found, dict):
        raise Mistake(f"return a dict with five fields; yours is of type {type(found).__name__}" if found is not None else
                      "your function returns nothing: it must end with `return`")  # fmt: skip
    for field in FIELDS:
        if field not in found:
            others = sorted(str(other)[:40] for other in found if other not in FIELDS)
            raise Mistake(f"the field {field!r} is missing" + (f"; yours has {others[0]!r}" if others else ""))
    for field, value in found.items():
        if isinstance(value, datetime):
            raise Mistake("json refuses eval_datetime: it knows texts, not datetimes; write when.isoformat()")
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            plain = {"n_eval_episodes": "int", "is_deterministic": "bool"}.get(field, "float")
            kind = f"NumPy's {value.dtype.name}" if isinstance(value, np.generic) else f"of type {type(value).__name__}"
            raise Mistake(f"json refuses {field}: it is {kind}; make it Python's own with {plain}(...)") from None


def expect_number(field: str, value, right: float, where: str, wrongs: Iterable[tuple[float, str]]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mistake(f"{field} must be a number; yours is of type {type(value).__name__}")
    if not close(value, right):
        raise Mistake(f"{where}, {field} must be {shown(right)}; yours is {shown(value)}{reason_for(value, wrongs)}")


def expect_moment(written, when: datetime) -> None:
    """`written` says the moment `when` as ISO 8601 text with its time zone."""
    example = f"as {when.isoformat()!r}, which is when.isoformat()"
    if not isinstance(written, str):
        raise Mistake(f"eval_datetime must be a text, such {example}; yours is of type {type(written).__name__}")
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Mistake(f"eval_datetime must be an ISO 8601 text, such {example}; yours is {written[:40]!r}") from None
    if "T" not in written:
        raise Mistake(f"eval_datetime must have a day and a time with a T between, such {example}; yours is {written[:40]!r}")
    if moment.tzinfo is None:
        raise Mistake(f"eval_datetime says {written[:40]!r}; without its time zone nobody knows which moment that was: write it {example}")
    if moment != when:
        raise Mistake(f"eval_datetime must be the moment {when.isoformat()}, the one that is handed in; yours is {written[:40]!r}")


# --- 09.2: solved? --------------------------------------------------------------------------------------------------------------------

Games = tuple[list[float], tuple[float, float], float]
"""Scores, the interval of their mean, threshold."""


def games(number: int, low: float, high: float, interval: tuple[float, float], threshold: float = 31.8) -> Games:
    """`number` scores that climb evenly from low to high."""
    return np.linspace(low, high, number).tolist(), interval, threshold


QUESTIONS: tuple[Games, ...] = (
    games(40, 27, 75, (46.8, 55.4)),  # solved
    games(40, 9, 41, (22.0, 28.4)),  # only the best game is above
    games(30, 27, 31, (27.4, 34.6)),  # only the upper end
    ([20.0] * 20 + [80.0] * 10, (30.5, 50.5), 31.8),  # only mean and above
    ([15.0] * 14 + [33.0] * 16, (21.3, 27.9), 31.8),  # only the median (and the best)
    ([25.0] * 40 + [90.0] * 20, (39.2, 54.7), 31.8),  # solved, though the median is below
    games(30, 5, 95, (40.6, 59.4)),  # solved, though single games scatter widely
    games(30, 40, 60, (47.8, 52.2)),  # solved, with 30 games
    games(29, 40, 60, (47.8, 52.2)),  # a game too few
    games(3, 200, 300, (210.0, 290.0)),
    games(5, 2, 10, (3.2, 8.8)),  # nothing speaks for it
    games(30, 20, 60, (31.8, 48.0)),  # solved, by the skin of its teeth
    games(40, 20, 60, (31.8, 45.0)),  # and with more games
    games(50, 40, 160, (83.0, 117.0), 100.0),  # another threshold
    games(50, 1, 9, (4.4, 5.6), 1.7),  # solved: yet another
)


def solved_by(statistic: Callable[[np.ndarray, tuple[float, float]], float], enough: Callable[[int], bool] = lambda number: number >= 30):
    """A rule as an answer has it: the statistic at or above the threshold, and enough games."""
    return lambda scores, interval, threshold: bool(enough(len(scores)) and statistic(np.array(scores), interval) >= threshold)


STATISTICS = {
    "that compares the mean, which one lucky game can lift over any bar; compare interval[0]": lambda scores, interval: scores.mean(),
    "that compares the best game, which says nothing of the others; compare interval[0]": lambda scores, interval: scores.max(),
    "that compares the upper end, which the mean hardly reaches; compare the lower end, interval[0]": lambda scores, interval: interval[1],
    "that compares the median; compare interval[0]": lambda scores, interval: np.median(scores),
    "that asks every single game to be above; the interval speaks of the mean: compare interval[0]": lambda scores, interval: scores.min(),
    "that takes a standard deviation off the mean, which tells how single games scatter; compare interval[0]":
        lambda scores, interval: scores.mean() - scores.std(),
}  # fmt: skip
RULES: list[tuple[Callable[..., bool], str]] = [
    *((solved_by(statistic), reason) for reason, statistic in STATISTICS.items()),
    *((solved_by(statistic, bool), f"{reason}, and ask for 30 games") for reason, statistic in STATISTICS.items()),
    (solved_by(lambda scores, interval: interval[0], bool), "the number of games is forgotten: with fewer than 30 an interval promises too much"),
    (solved_by(lambda scores, interval: interval[0], lambda number: number > 30), '"at least 30" begins with 30 itself: >=, not >'),
    (solved_by(lambda scores, interval: interval[0], lambda number: number >= 29), "29 games are not yet 30"),
    (lambda scores, interval, threshold: len(scores) >= 30 and interval[0] > threshold, '"at least" begins with the threshold itself: >=, not >'),
    (lambda scores, interval, threshold: len(scores) > 30 and interval[0] > threshold, '"at least" begins with 30 and with the threshold themselves: >=, not >'),
    (lambda scores, interval, threshold: len(scores) > 30 and interval[0] > 31.8, "the bar is always 31.8; it is handed in as threshold"),
    (lambda scores, interval, threshold: len(scores) >= 30 and interval[0] >= 31.8, "the bar is always 31.8; it is handed in as threshold"),
    (lambda scores, interval, threshold: len(scores) >= 30 or interval[0] >= threshold, "one of the two is enough for yours; both must hold: and"),
    (lambda scores, interval, threshold: len(scores) >= 30, "that asks for the number of games only"),
    (lambda scores, interval, threshold: True, "that says yes to everything"),
    (lambda scores, interval, threshold: False, "that says no to everything"),
]
"""Known wrong rules, and why each is wrong."""


def asked(scores: list[float], interval: tuple[float, float], threshold: float) -> str:
    """A question in words."""
    mean, best = np.mean(scores), max(scores)
    return f"{len(scores)} games, mean {mean:.1f}, best {best:.0f}, interval {interval[0]:.1f} to {interval[1]:.1f}, threshold {threshold}"


@exercise("09.2", reference=ours("is_solved"), lazy=True, why="A mark that one lucky game cannot earn, and three games cannot either.")
def is_solved(answer):
    right = [solved_by(lambda scores, interval: interval[0])(*question) for question in QUESTIONS]
    found = []
    for (scores, interval, threshold), solved in zip(QUESTIONS, right, strict=True):
        ends = (np.float64(interval[0]), np.float64(interval[1]))  # as a bootstrap with NumPy gives them
        try:
            got = answer(np.array(scores), ends, threshold)
        except ValueError as error:
            if "truth value of an array" in str(error):
                raise Mistake("scores is the array of all scores; how many games there are is len(scores)") from error
            raise
        if got is None:
            raise Mistake("your function returns nothing: it must end with `return`")
        if isinstance(got, np.bool_):
            raise Mistake("yours returns NumPy's kind of truth, which json refuses; make it Python's own with bool(...)")
        if not isinstance(got, bool):
            raise Mistake(f"return True or False; for {asked(scores, interval, threshold)} yours is of type {type(got).__name__}")
        found.append(got)
    if found != right:
        first = next(place for place, solved in enumerate(right) if found[place] != solved)
        reason = next((f": {reason}" for rule, reason in RULES if [rule(*question) for question in QUESTIONS] == found), "")
        raise Mistake(f"{asked(*QUESTIONS[first])}: must be {right[first]}; yours is {found[first]}{reason}")
    try:
        solved = answer(np.full(30, 50.0), (40.0, 60.0)) and not answer(np.full(30, 30.0), (25.0, 31.0))
    except TypeError:
        solved = False
    if not solved:
        raise Mistake("called without a threshold, yours does not take 31.8: leave `threshold=31.8` in the first line as it was")
