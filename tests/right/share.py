"""Right answers to lesson 09 in other styles."""

import statistics
from datetime import UTC

import numpy as np

from tests.right import right

# --- 09.1 -----------------------------------------------------------------------------------------------------------------------------


@right("09.1")
def plain_python(scores, is_deterministic, when):
    numbers = [float(score) for score in scores]
    mean = sum(numbers) / len(numbers)
    spread = (sum((number - mean) ** 2 for number in numbers) / len(numbers)) ** 0.5
    return dict(eval_datetime=when.isoformat(), n_eval_episodes=len(numbers), is_deterministic=is_deterministic, mean_reward=mean, std_reward=spread)


@right("09.1")
def the_library_for_statistics(scores, is_deterministic, when):
    found = {}
    found["mean_reward"] = statistics.fmean(scores.tolist())
    found["std_reward"] = statistics.pstdev(scores.tolist())
    found["is_deterministic"] = bool(is_deterministic)
    found["n_eval_episodes"] = scores.size
    found["eval_datetime"] = when.isoformat(timespec="seconds")
    return found


@right("09.1")
def at_greenwich(scores, is_deterministic, when):
    return {
        "mean_reward": np.mean(scores).item(),
        "std_reward": np.sqrt(np.mean((scores - scores.mean()) ** 2)).item(),
        "is_deterministic": True if is_deterministic else False,
        "n_eval_episodes": int(np.size(scores)),
        "eval_datetime": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@right("09.1")
def doubles_of_numpy(scores, is_deterministic, when):
    """json takes NumPy's float64, which is a kind of Python's float."""
    scores = np.asarray(scores, np.float64)
    names = "mean_reward std_reward is_deterministic n_eval_episodes eval_datetime".split()
    return dict(zip(names, (scores.mean(), scores.std(ddof=0), is_deterministic, scores.shape[0], "T".join(str(when).split(" ")))))


@right("09.1")
def with_more_fields(scores, is_deterministic, when):
    five = dict(
        mean_reward=float(scores.mean()), std_reward=float(scores.std()), is_deterministic=is_deterministic, n_eval_episodes=len(scores),
        eval_datetime=when.isoformat(),
    )  # fmt: skip
    return {"scores": scores.tolist(), "median_reward": float(np.median(scores))} | five


# --- 09.2 -----------------------------------------------------------------------------------------------------------------------------


@right("09.2")
def step_by_step(scores, interval, threshold=31.8):
    if len(scores) < 30:
        return False
    if interval[0] < threshold:
        return False
    return True


@right("09.2")
def all_of_them(scores, interval, threshold=31.8):
    return all([np.size(scores) > 29, min(interval) >= threshold])


@right("09.2")
def turned_round(scores, interval, threshold=31.8):
    return not (threshold > float(interval[0]) or scores.shape[0] < 30)


@right("09.2")
def by_number(scores, interval, threshold=31.8):
    return bool(np.logical_and(30 <= len(list(scores)), np.greater_equal(interval[0], threshold)))
