"""Hidden tests of lesson 09, share your agent."""

from __future__ import annotations

import json
import warnings
from datetime import datetime, timedelta, timezone

import numpy as np

from course_lib.grading.probing import probe

# --- 09.1: an evaluation as plain json ------------------------------------------------------------------------------------------------


def some_moment(rng):
    """A whole second of these years, on some clock of the world other than Greenwich's."""
    zone = timezone(timedelta(minutes=15 * int(rng.choice([-26, -14, -9, 7, 18, 22, 36, 51]))))
    return datetime(2024, 1, 1, tzinfo=zone) + timedelta(seconds=int(rng.integers(3 * 365 * 86_400)))


FIELDS = ("mean_reward", "std_reward", "is_deterministic", "n_eval_episodes")


def published(answer, rng, scores, is_deterministic):
    """The fields as a reader of the file finds them, whether the date is the moment, and whether the scores are as they were."""
    given, when = scores.copy(), some_moment(rng)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # the mean of nothing warns
        found = answer(given, is_deterministic, when)
    fields = json.loads(json.dumps(found))
    written, number = fields["eval_datetime"], fields["n_eval_episodes"]
    moment = datetime.fromisoformat(written)
    same = moment.tzinfo is not None and moment == when and "T" in written
    return isinstance(found, dict), [fields[field] for field in FIELDS], type(number) is int, same, np.array_equal(given, scores)


@probe("09.1", "games with whole scores")
def whole_scores(answer, rng):
    return [published(answer, rng, np.round(rng.gamma(2, 30, number)), number % 2 == 0) for number in (5, 8, 30, 47)]


@probe("09.1", "scores in single precision")
def short_floats(answer, rng):
    return [published(answer, rng, rng.integers(0, 90, number).astype(np.float32), number > 20) for number in (7, 12, 30, 100)]


@probe("09.1", "scores that are integers")
def integers(answer, rng):
    return [published(answer, rng, rng.integers(0, 400, number), bool(number % 2)) for number in (3, 10, 31)]


@probe("09.1", "games of which many score the same, or nothing")
def equal_scores(answer, rng):
    return [published(answer, rng, scores, True) for scores in (rng.integers(0, 3, 40).astype(float), np.zeros(6), np.full(9, 4.0))]


@probe("09.1", "a single game", extra=True)
def single_game(answer, rng):
    return published(answer, rng, np.round(rng.gamma(2, 30, 1)), False)


@probe("09.1", "scores below zero", extra=True)
def below_zero(answer, rng):
    return published(answer, rng, rng.normal(-10, 8, 21), True)


@probe("09.1", "every second score of a longer array", extra=True)
def every_second(answer, rng):
    return published(answer, rng, rng.gamma(2, 20, 61)[::2], False)


# --- 09.2: solved? --------------------------------------------------------------------------------------------------------------------


def judged(answer, scores, interval, *threshold):
    """The verdict, and whether it is Python's own True or False."""
    found = answer(scores, interval, *threshold)
    return found, type(found) is bool


def question(rng, number, low, threshold):
    """Scores, an interval that begins at `low`, and the threshold."""
    return rng.gamma(2, low / 2 + 5, number), (np.float64(low), np.float64(low + rng.uniform(4, 20))), threshold


@probe("09.2", "games and intervals above the bar and below it")
def above_and_below(answer, rng):
    bars = [float(bar) for bar in rng.uniform(20, 300, 12)]
    offsets = rng.permutation([-15, -6, -2, -0.5, -0.1, -0.01, 0.01, 0.1, 0.5, 2, 6, 15])
    return [judged(answer, *question(rng, int(rng.integers(30, 60)), bar + offset, bar)) for bar, offset in zip(bars, offsets)]


@probe("09.2", "whether means, medians, best games or upper ends alone are above the bar")
def other_numbers(answer, rng):
    results = []
    for bar in rng.uniform(30, 90, 6):
        below = np.full(36, bar - 3) + rng.uniform(-1, 1, 36)
        lucky, most, jackpot = below.copy(), below.copy(), below.copy()
        lucky[5], most[:20], jackpot[:9] = bar + 40, bar + 2, bar + 400
        for scores in (below, lucky, most, jackpot):
            results.append(judged(answer, scores, (np.float64(bar - 1.5), np.float64(bar + 1.2)), float(bar)))
    return results


@probe("09.2", "games that scatter widely")
def wide_scatter(answer, rng):
    bars = rng.uniform(30, 90, 6)
    return [judged(answer, rng.uniform(0, 4 * bar, 50), (np.float64(bar + 5), np.float64(3 * bar)), float(bar)) for bar in bars]


@probe("09.2", "numbers of games around 30")
def numbers_of_games(answer, rng):
    return [judged(answer, *question(rng, number, 80.0, 50.0)) for number in (1, 2, 3, 10, 28, 29, 30, 31, 32, 100)]


@probe("09.2", "an interval that begins at the bar itself")
def at_the_bar(answer, rng):
    return [judged(answer, *question(rng, 35, float(bar), float(bar))) for bar in rng.integers(5, 200, 4)]


@probe("09.2", "the usual bar, without being told")
def usual_bar(answer, rng):
    return [judged(answer, *question(rng, 40, low, 0)[:2]) for low in (20.0, 31.0, 31.7, 31.8, 31.9, 33.0, 60.0, 99.0, 101.0)]


@probe("09.2", "an interval as a list of plain numbers", extra=True)
def plain_interval(answer, rng):
    return [judged(answer, rng.gamma(3, 20, 30), [low, low + 9.0], 40.0) for low in (39.5, 40.5)]


@probe("09.2", "an interval as an array", extra=True)
def array_interval(answer, rng):
    return [judged(answer, rng.gamma(3, 20, 44), np.array([low, low + 9.0]), 40.0) for low in (39.5, 40.5)]
