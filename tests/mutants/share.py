"""Wrong answers to lesson 09."""

import json
from datetime import UTC, datetime

import numpy as np

from tests.mutants import mutant

# --- 09.1 -----------------------------------------------------------------------------------------------------------------------------


def right_results(scores, is_deterministic, when):
    return {
        "mean_reward": float(np.mean(scores)),
        "std_reward": float(np.std(scores)),
        "is_deterministic": is_deterministic,
        "n_eval_episodes": len(scores),
        "eval_datetime": when.isoformat(),
    }


def but(**wrong):
    """An answer that is right but for some fields: name -> function of (scores, is_deterministic, when)."""
    return lambda *given: right_results(*given) | {field: value(*given) for field, value in wrong.items()}


for says, name, mean in (
    ("that is the best game", "best_game", lambda scores: scores.max()),
    ("the scores were clipped to 1", "clipped", lambda scores: np.sign(scores).mean()),
    ("that is rounded", "rounded", lambda scores: round(float(scores.mean()))),
    ("that is rounded", "rounded_to_a_tenth", lambda scores: round(float(scores.mean()), 1)),
    ("that is rounded", "rounded_to_a_hundredth", lambda scores: round(float(scores.mean()), 2)),
    ("that is the median", "median", np.median),
    ("that is the sum of all games", "sum", np.sum),
    ("the first game is missing", "without_the_first", lambda scores: scores[1:].mean()),
    ("the last game is missing", "without_the_last", lambda scores: scores[:-1].mean()),
):
    mutant("09.1", says=says, name=name)(but(mean_reward=lambda scores, is_deterministic, when, mean=mean: float(mean(scores))))

for says, name, spread in (
    ("that is the sample's, divided by 8 - 1", "sample_deviation", lambda scores: scores.std(ddof=1)),
    ("that is the variance", "variance", np.var),
    ("that is the standard error", "standard_error", lambda scores: scores.std() / len(scores) ** 0.5),
    ("that is the mean distance from the mean", "mean_distance", lambda scores: np.abs(scores - scores.mean()).mean()),
    ("the best game less the worst", "range", np.ptp),
    ("that is rounded", "rounded_deviation", lambda scores: round(float(scores.std()), 2)),
):
    mutant("09.1", says=says, name=name)(but(std_reward=lambda scores, is_deterministic, when, spread=spread: float(spread(scores))))

for says, name, count in (
    ("that is the number of points", "number_of_points", lambda scores: int(scores.sum())),
    ("games with equal scores were counted once", "number_of_different_scores", lambda scores: len(set(scores.tolist()))),
    ("one game is missing", "one_too_few", lambda scores: len(scores) - 1),
    ("that is always 30", "always_30", lambda scores: 30),
    ("that is the score of the best game", "largest_score", lambda scores: int(scores.max())),
    ("counts games, so it is a whole number, 8; yours is 8.0", "as_a_float", lambda scores: float(len(scores))),
    ("json refuses n_eval_episodes: it is NumPy's int64", "as_an_int_of_numpy", lambda scores: np.int64(len(scores))),
    ("n_eval_episodes must be a number", "as_a_text", lambda scores: str(len(scores))),
):
    mutant("09.1", says=says, name=name)(but(n_eval_episodes=lambda scores, is_deterministic, when, count=count: count(scores)))

for says, name, said in (
    ("hand on what you are given", "always_deterministic", lambda given: True),
    ("hand on what you are given", "never_deterministic", lambda given: False),
    ("hand on what you are given", "the_opposite", lambda given: not given),
    ("must be True or False as given; yours is of type str", "truth_as_a_text", str),
    ("must be True or False as given; yours is of type int", "truth_as_a_number", int),
    ("json refuses is_deterministic: it is NumPy's bool", "truth_of_numpy", np.bool_),
):
    mutant("09.1", says=says, name=name)(but(is_deterministic=lambda scores, is_deterministic, when, said=said: said(is_deterministic)))

for says, name, written in (
    ("it knows texts, not datetimes", "a_datetime", lambda when: when),
    ("without its time zone", "without_its_zone", lambda when: when.replace(tzinfo=None).isoformat()),
    ("without its time zone", "strftime_without_the_zone", lambda when: when.strftime("%Y-%m-%dT%H:%M:%S")),
    ("with a T between", "blank_for_the_t", str),
    ("with a T between", "the_day_only", lambda when: when.date().isoformat()),
    ("must be an ISO 8601 text", "in_words", lambda when: when.strftime("%d %B %Y, %H:%M")),
    ("must be a text", "seconds_since_1970", lambda when: when.timestamp()),
    ("the one that is handed in", "another_zone_on_the_same_clock", lambda when: when.replace(tzinfo=UTC).isoformat()),
    ("the one that is handed in", "now", lambda when: datetime.now(UTC).isoformat()),
):
    mutant("09.1", says=says, name=name)(but(eval_datetime=lambda scores, is_deterministic, when, written=written: written(when)))


@mutant("09.1", says="json refuses mean_reward: it is NumPy's float32; make it Python's own with float(...)")
def numbers_of_numpy(scores, is_deterministic, when):
    return right_results(scores, is_deterministic, when) | {"mean_reward": scores.mean(), "std_reward": scores.std()}


@mutant("09.1", says="json refuses std_reward: it is NumPy's float32")
def deviation_of_numpy(scores, is_deterministic, when):
    return right_results(scores, is_deterministic, when) | {"std_reward": scores.std()}


@mutant("09.1", says="mean_reward must be a number; yours is of type str")
def mean_as_a_text(scores, is_deterministic, when):
    return right_results(scores, is_deterministic, when) | {"mean_reward": f"{scores.mean():.1f} +/- {scores.std():.1f}"}


@mutant("09.1", says="changes the scores that it is given")
def sorts_in_place(scores, is_deterministic, when):
    scores.sort()
    return right_results(scores, is_deterministic, when)


@mutant("09.1", says="changes the scores that it is given")
def takes_the_mean_off(scores, is_deterministic, when):
    found = right_results(scores, is_deterministic, when)
    scores -= scores.astype(scores.dtype).mean().astype(scores.dtype)
    return found


@mutant("09.1", says="return the dict itself")
def its_text(scores, is_deterministic, when):
    return json.dumps(right_results(scores, is_deterministic, when))


@mutant("09.1", says="return a dict with five fields; yours is of type tuple")
def a_tuple(scores, is_deterministic, when):
    return tuple(right_results(scores, is_deterministic, when).values())


@mutant("09.1", says="must end with `return`")
def no_return(scores, is_deterministic, when):
    right_results(scores, is_deterministic, when)


@mutant("09.1", says="the field 'n_eval_episodes' is missing; yours has 'n_evaluation_episodes'")
def another_name(scores, is_deterministic, when):
    found = right_results(scores, is_deterministic, when)
    found["n_evaluation_episodes"] = found.pop("n_eval_episodes")
    return found


@mutant("09.1", says="the field 'std_reward' is missing")
def one_field_less(scores, is_deterministic, when):
    return {field: value for field, value in right_results(scores, is_deterministic, when).items() if field != "std_reward"}


@mutant("09.1", says="json refuses scores: it is of type ndarray")
def the_scores_too(scores, is_deterministic, when):
    return right_results(scores, is_deterministic, when) | {"scores": scores}


# --- 09.2 -----------------------------------------------------------------------------------------------------------------------------


def rule(statistic, enough=lambda number: number >= 30):
    """An answer that compares something with the threshold."""

    def answer(scores, interval, threshold=31.8):
        return bool(enough(len(scores)) and statistic(scores, interval) >= threshold)

    return answer


def low(scores, interval):
    return interval[0]


for says, name, statistic in (
    ("that compares the mean", "mean", lambda scores, interval: scores.mean()),
    ("that compares the best game", "best", lambda scores, interval: scores.max()),
    ("that compares the upper end", "upper_end", lambda scores, interval: interval[1]),
    ("that compares the median", "median", lambda scores, interval: np.median(scores)),
    ("that asks every single game to be above", "worst", lambda scores, interval: scores.min()),
    ("that takes a standard deviation off the mean", "mean_less_deviation", lambda scores, interval: scores.mean() - scores.std()),
):
    mutant("09.2", says=says, name=name)(rule(statistic))
    mutant("09.2", says=says, name=f"{name}_of_any_number")(rule(statistic, bool))

mutant("09.2", says="the number of games is forgotten", name="number_forgotten")(rule(low, bool))
mutant("09.2", says='"at least 30" begins with 30 itself', name="more_than_30")(rule(low, lambda number: number > 30))
mutant("09.2", says="29 games are not yet 30", name="from_29")(rule(low, lambda number: number >= 29))
mutant("09.2", says="must be False; yours is True", name="from_three")(rule(low, lambda number: number >= 3))


@mutant("09.2", says='"at least" begins with the threshold itself')
def above_the_threshold(scores, interval, threshold=31.8):
    return bool(len(scores) >= 30 and interval[0] > threshold)


@mutant("09.2", says="the bar is always 31.8")
def fixed_threshold(scores, interval, threshold=31.8):
    return bool(len(scores) >= 30 and interval[0] >= 31.8)


@mutant("09.2", says="one of the two is enough for yours")
def either(scores, interval, threshold=31.8):
    return bool(len(scores) >= 30 or interval[0] >= threshold)


@mutant("09.2", says="that asks for the number of games only")
def games_only(scores, interval, threshold=31.8):
    return len(scores) >= 30


@mutant("09.2", says="NumPy's kind of truth, which json refuses")
def truth_of_numpy(scores, interval, threshold=31.8):
    return len(scores) >= 30 and interval[0] >= threshold


@mutant("09.2", says="return True or False")
def the_end_itself(scores, interval, threshold=31.8):
    return len(scores) >= 30 and interval[0]


@mutant("09.2", says="yours is of type int")
def one_or_zero(scores, interval, threshold=31.8):
    return int(len(scores) >= 30 and interval[0] >= threshold)


@mutant("09.2", says="yours is of type str")
def yes_or_no(scores, interval, threshold=31.8):
    return "yes" if len(scores) >= 30 and interval[0] >= threshold else "no"


@mutant("09.2", says="must end with `return`")
def says_nothing(scores, interval, threshold=31.8):
    len(scores) >= 30 and interval[0] >= threshold


@mutant("09.2", says="that says yes to everything")
def always(scores, interval, threshold=31.8):
    return True


@mutant("09.2", says="that says no to everything")
def never(scores, interval, threshold=31.8):
    return False


@mutant("09.2", says="leave `threshold=31.8` in the first line as it was")
def another_default(scores, interval, threshold=100):
    return bool(len(scores) >= 30 and interval[0] >= threshold)


@mutant("09.2", says='"at least" begins with 30 and with the threshold themselves')
def above_both(scores, interval, threshold=31.8):
    return bool(len(scores) > 30 and interval[0] > threshold)


@mutant("09.2", says="how many games there are is len(scores)")
def scores_for_their_number(scores, interval, threshold=31.8):
    return bool(scores >= 30 and interval[0] >= threshold)


@mutant("09.2", says="leave `threshold=31.8` in the first line as it was")
def no_default(scores, interval, threshold):
    return bool(len(scores) >= 30 and interval[0] >= threshold)


@mutant("09.2", says="interval 39.2 to 54.7, threshold 31.8: must be True; yours is False")
def median_too(scores, interval, threshold=31.8):
    return bool(len(scores) >= 30 and interval[0] >= threshold and np.median(scores) >= threshold)
