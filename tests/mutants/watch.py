"""Wrong answers to lesson 08."""

import numpy as np

from course_lib.checks.watch import READING, reference_saliency
from tests.mutants import mutant

# --- 08.1 -----------------------------------------------------------------------------------------------------------------------------

RIGHT = {statement: true for statement, (true, _) in READING.items()}

for statement, says in {
    "a": "single games scatter far more widely",
    "b": "nothing is certain here",
    "c": "about one time in twenty",
    "d": "hardly makes such a gap",
    "e": "no proof that they are equal",
    "f": "the root of four is two",
    "g": "resampling cannot show what 3 games have never shown",
    "h": "no number of its games can tell",
}.items():
    mutant("08.1", says=says, name=f"wrong_{statement}")(RIGHT | {statement: not RIGHT[statement]})

mutant("08.1", says='statement "h" is still open', name="one_left_out")({key: RIGHT[key] for key in "abcdefg"})
mutant("08.1", says='statement "c" is still open', name="one_none")(RIGHT | {"c": None})
mutant("08.1", says="without quotes; yours is of type str", name="quoted")(RIGHT | {"a": "False"})
mutant("08.1", says="without quotes; yours is of type list", name="a_list_inside")(RIGHT | {"a": [False]})
mutant("08.1", says="must be a dict", name="a_list")(list(RIGHT.values()))
mutant("08.1", says="there are eight statements", name="a_stranger")(RIGHT | {"i": True})


# --- 08.2 -----------------------------------------------------------------------------------------------------------------------------


@mutant("08.2", says="that is the median")
def median(scores):
    return float(np.median(scores))


@mutant("08.2", says="that is the mean of all games")
def plain_mean(scores):
    return float(np.mean(scores))


@mutant("08.2", says="sort first")
def unsorted(scores):
    drop = int(len(scores) / 4)
    return float(scores[drop : len(scores) - drop].mean())


@mutant("08.2", says="only the best were dropped")
def only_the_top(scores):
    ordered = np.sort(scores)
    return float(ordered[: len(ordered) - int(len(ordered) / 4)].mean())


@mutant("08.2", says="only the worst were dropped")
def only_the_bottom(scores):
    ordered = np.sort(scores)
    return float(ordered[int(len(ordered) / 4) :].mean())


@mutant("08.2", says="middle of the two quartiles")
def mean_of_quartiles(scores):
    return float(np.percentile(scores, [25, 75]).mean())


@mutant("08.2", says="distance between the quartiles")
def interquartile_range(scores):
    return float(np.ptp(np.percentile(scores, [25, 75])))


@mutant("08.2", says="sort a copy, with np.sort(scores)")
def sorts_in_place(scores):
    scores.sort()
    drop = int(len(scores) / 4)
    return float(scores[drop : len(scores) - drop].mean())


@mutant("08.2", says="drops a quarter in total")
def a_quarter_in_total(scores):
    ordered, drop = np.sort(scores), int(len(scores) / 8)
    return float(ordered[drop : len(ordered) - drop].mean())


@mutant("08.2", says="a quarter of 7 games is no whole number: drop int(7 / 4) = 1 at each end, not 2")
def rounded_up(scores):
    ordered, drop = np.sort(scores), int(np.ceil(len(scores) / 4))
    return float(ordered[drop : len(ordered) - drop].mean())


@mutant("08.2", says="dropped in part")
def in_part(scores):
    ordered, number = np.sort(scores), len(scores)
    places = np.arange(number)
    weights = np.clip(np.minimum(places + 1, number - places) - number / 4, 0, 1)
    return float(np.average(ordered, weights=weights))


@mutant("08.2", says="count games instead")
def between_percentiles(scores):
    low, high = np.percentile(scores, [25, 75])
    return float(scores[(scores >= low) & (scores <= high)].mean())


@mutant("08.2", says="ordered[0:-0] is empty")
def minus_nothing(scores):
    ordered, drop = np.sort(scores), int(len(scores) / 4)
    return float(ordered[drop:-drop].mean())


@mutant("08.2", says="must end with `return`")
def no_return(scores):
    np.sort(scores).mean()


@mutant("08.2", says="return one number")
def those_kept(scores):
    ordered, drop = np.sort(scores), int(len(scores) / 4)
    return ordered[drop : len(ordered) - drop]


@mutant("08.2", says="yours is of type str")
def a_text(scores):
    return "6"


@mutant("08.2", says="for 30 games, of which 7 go at each end")
def right_for_few_only(scores):
    ordered = np.sort(scores)
    drop = min(int(len(ordered) / 4), 2)
    return float(ordered[drop : len(ordered) - drop].mean())


# --- 08.3 -----------------------------------------------------------------------------------------------------------------------------


def wiping(fill=0, channels=slice(None), keep=False, reduce=lambda change: np.abs(change).sum(axis=-1), step=None):
    """An answer that goes wrong in one way."""

    def answer(scores_of, observation, size, stride):
        rows, columns = ((length - size) // stride + 1 for length in observation.shape[:2])
        wiped = np.repeat(observation[None], rows * columns, axis=0)
        for place in range(rows * columns):
            if keep and place:
                wiped[place] = wiped[place - 1]
            row, column = ((step or stride) * part for part in divmod(place, columns))
            wiped[place, row : row + size, column : column + size, channels] = fill
        return reduce(scores_of(wiped) - scores_of(observation[None])).reshape(rows, columns)

    return answer


mutant("08.3", says="only the newest frame was wiped", name="only_the_newest")(wiping(channels=slice(-1, None)))
mutant("08.3", says="only the oldest frame was wiped", name="only_the_oldest")(wiping(channels=slice(0, 1)))
mutant("08.3", says="earlier squares stay wiped", name="stay_wiped")(wiping(keep=True))
mutant("08.3", says="changes of opposite sign cancel", name="signed")(wiping(reduce=lambda change: change.sum(axis=-1)))
mutant("08.3", says="changes of opposite sign cancel", name="abs_too_late")(wiping(reduce=lambda change: np.abs(change.sum(axis=-1))))
mutant("08.3", says="that is the mean over the actions", name="mean")(wiping(reduce=lambda change: np.abs(change).mean(axis=-1)))
mutant("08.3", says="that is the largest change", name="maximum")(wiping(reduce=lambda change: np.abs(change).max(axis=-1)))
mutant("08.3", says="the changes are squared", name="squared")(wiping(reduce=lambda change: (change**2).sum(axis=-1)))
mutant("08.3", says="painted white", name="white")(wiping(fill=255))
mutant("08.3", says="must be [[0.0, 0.0, 10.0], [0.0, 0.0, 0.0]]; yours is", name="upside_down")(
    lambda *given: reference_saliency(*given)[::-1]
)


@mutant("08.3", says="that is the change of the best action's score only")
def best_action_only(scores_of, observation, size, stride):
    best = scores_of(observation[None])[0].argmax()
    return wiping(reduce=lambda change: np.abs(change[:, best]))(scores_of, observation, size, stride)


@mutant("08.3", says="painted grey")
def the_mean_for_black(scores_of, observation, size, stride):
    return wiping(fill=round(observation.mean()))(scores_of, observation, size, stride)


@mutant("08.3", says="squares begin every `stride` pixels, not every `size`")
def steps_of_its_size(scores_of, observation, size, stride):
    return wiping(step=size)(scores_of, observation, size, stride)


@mutant("08.3", says="squares begin every `stride` pixels, not every `size`")
def as_many_as_fit_side_by_side(scores_of, observation, size, stride):
    rows, columns = (length // size for length in observation.shape[:2])
    return reference_saliency(scores_of, observation, size, size)[:rows, :columns]


@mutant("08.3", says="wipes squares out of the observation that it is given")
def wipes_the_original(scores_of, observation, size, stride):
    before = scores_of(observation[None])
    saliency = np.zeros([(length - size) // stride + 1 for length in observation.shape[:2]])
    for row, column in np.ndindex(*saliency.shape):
        observation[row * stride : row * stride + size, column * stride : column * stride + size] = 0
        saliency[row, column] = np.abs(scores_of(observation[None]) - before).sum()
    return saliency


@mutant("08.3", says="times; put all squares into one batch")
def one_by_one(scores_of, observation, size, stride):
    before = scores_of(observation[None])
    saliency = np.zeros([(length - size) // stride + 1 for length in observation.shape[:2]])
    for row, column in np.ndindex(*saliency.shape):
        wiped = observation.copy()
        wiped[row * stride : row * stride + size, column * stride : column * stride + size] = 0
        saliency[row, column] = np.abs(scores_of(wiped[None]) - before).sum()
    return saliency


@mutant("08.3", says="rows and columns are swapped")
def transposed(scores_of, observation, size, stride):
    return reference_saliency(scores_of, observation, size, stride).T


@mutant("08.3", says="reshape(rows, columns)")
def flat(scores_of, observation, size, stride):
    return reference_saliency(scores_of, observation, size, stride).ravel()


@mutant("08.3", says="hence the + 1")
def one_short(scores_of, observation, size, stride):
    return reference_saliency(scores_of, observation, size, stride)[:-1, :-1]


@mutant("08.3", says="only squares that lie wholly on the screen count")
def over_the_edge(scores_of, observation, size, stride):
    rows, columns = (-(-length // stride) for length in observation.shape[:2])
    wiped = np.repeat(observation[None], rows * columns, axis=0)
    for place in range(rows * columns):
        row, column = (stride * part for part in divmod(place, columns))
        wiped[place, row : row + size, column : column + size] = 0
    return np.abs(scores_of(wiped) - scores_of(observation[None])).sum(axis=1).reshape(rows, columns)


@mutant("08.3", says="scores_of takes a batch")
def no_batch(scores_of, observation, size, stride):
    return scores_of(observation)


@mutant("08.3", says="scores_of takes pixels as uint8")
def as_floats(scores_of, observation, size, stride):
    return reference_saliency(scores_of, observation.astype(np.float32), size, stride)


@mutant("08.3", says="must end with `return`")
def returns_nothing(scores_of, observation, size, stride):
    reference_saliency(scores_of, observation, size, stride)


@mutant("08.3", says="yours is of type list")
def a_list(scores_of, observation, size, stride):
    return reference_saliency(scores_of, observation, size, stride).tolist()


@mutant("08.3", says="add the changes of all actions up")
def every_action(scores_of, observation, size, stride):
    saliency = reference_saliency(scores_of, observation, size, stride)
    return np.stack([saliency, saliency], axis=-1)


@mutant("08.3", says="a random observation of 7 x 9 pixels")
def right_for_two_frames_only(scores_of, observation, size, stride):
    return wiping(channels=slice(0, 2))(scores_of, observation, size, stride)
