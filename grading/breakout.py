"""Hidden tests of lesson 01, Breakout and its pixels."""

from __future__ import annotations

import numpy as np

from course_lib.grading.probing import probe

# --- 01.1: which number moves left? ---------------------------------------------------------------------------------------------------

NEEDED = ["FIRE", "RIGHT", "LEFT"]
OTHERS = ["NOOP", "UP", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT", "UPFIRE", "RIGHTFIRE", "LEFTFIRE", "DOWNFIRE"]


def shuffled(rng, names):
    return [str(name) for name in rng.permutation(names)]


@probe("01.1", "the buttons of other games, in any order")
def other_games(answer, rng):
    lists = [shuffled(rng, ["NOOP", *NEEDED])] + [shuffled(rng, OTHERS + NEEDED) for _ in range(6)]
    # A name such as LEFTFIRE before all others: no part of a name may be taken for the name.
    lists += [["LEFTFIRE", "UPRIGHT", "DOWNLEFT", *shuffled(rng, ["NOOP", *NEEDED])]]
    return [answer(names) for names in lists]


@probe("01.1", "a game with no other button than the three", extra=True)
def three_buttons(answer, rng):
    return [answer(shuffled(rng, NEEDED)) for _ in range(4)]


# --- 01.2 and 01.3: what the two preprocessings share ---------------------------------------------------------------------------------

SHAPE = (210, 160, 3)


def blocks(rng, brightest=255):
    """A screen of blocks of random colours, a third of it black."""
    colours = rng.integers(0, brightest + 1, (70, 40, 3)) * (rng.random((70, 40, 1)) > 0.3)
    return colours.repeat(3, axis=0).repeat(4, axis=1).astype(np.uint8)


def specks(rng, brightest=255):
    """A screen on which about half of the pixels are lit, most of them in one channel only."""
    return (rng.integers(1, brightest + 1, SHAPE) * (rng.random(SHAPE) < 0.2)).astype(np.uint8)


def lit(rows=slice(None), columns=slice(None), colour=(255, 255, 255)):
    """A black screen with one rectangle in a colour."""
    screen = np.zeros(SHAPE, np.uint8)
    screen[rows, columns] = colour
    return screen


def tried(answer, screen):
    """The answer's frame, its dtype, and whether the screen is still as it was."""
    given = screen.copy()
    frame = answer(given)
    return thousandths(frame), str(frame.dtype), np.array_equal(given, screen)


def thousandths(frame):
    """A copy for grey frames, which may round at other places: with tolerance 0.0031, pixels agree that differ by 3 or less."""
    return np.float32(frame / 1000)


# --- 01.2: grey and small -------------------------------------------------------------------------------------------------------------


@probe("01.2", "screens of random colours, bright and dim", tolerance=0.0031)
def colourful_screens(answer, rng):
    return [tried(answer, blocks(rng, brightest)) for brightest in (255, 255, 90)]


@probe("01.2", "screens of one colour, up to the brightest", tolerance=0.0031)
def one_colour(answer, rng):
    colours = [*rng.integers(0, 256, (6, 3)), *rng.integers(254, 256, (3, 3)), (255, 255, 255)]
    return [thousandths(answer(lit(colour=colour))[::20, ::20]) for colour in colours]


@probe("01.2", "single rows and columns of light", tolerance=0.0031)
def thin_lines(answer, rng):
    rows, columns = rng.permutation(210)[:6], rng.permutation(160)[:6]
    return [thousandths(answer(screen)) for screen in [lit(rows=row) for row in rows] + [lit(columns=column) for column in columns]]


# --- 01.3: lit or not -----------------------------------------------------------------------------------------------------------------


@probe("01.3", "screens of random pixels, bright and nearly black")
def random_pixels(answer, rng):
    return [tried(answer, specks(rng, brightest)) for brightest in (255, 255, 2)]


@probe("01.3", "light at the edges of the field, inside and outside")
def edges(answer, rng):
    colour = rng.integers(1, 256, 3)
    rows = [lit(rows=row, colour=colour) for row in (*range(29, 34), *range(190, 195))]
    columns = [lit(columns=column, colour=colour) for column in (*range(6, 11), *range(149, 154))]
    return [answer(screen).copy() for screen in rows + columns]


@probe("01.3", "a ball alone on the screen, at many places")
def lonely_ball(answer, rng):
    places = zip(rng.integers(31, 189, 12), rng.integers(8, 150, 12), strict=True)
    return [answer(lit(slice(row, row + 4), slice(column, column + 2), (200, 72, 72))).copy() for row, column in places]


# --- 01.2 and 01.3: what a careful programmer thinks of, too ---------------------------------------------------------------------------


@probe("01.2", "two screens, one after the other", tolerance=0.0031, extra=True)
@probe("01.3", "two screens, one after the other", extra=True)
def one_after_the_other(answer, rng):
    first = answer(blocks(rng))
    second = answer(blocks(rng))  # the first frame must not change by it
    return thousandths(first), thousandths(second)


@probe("01.2", "a screen that is a piece of a larger array", tolerance=0.0031, extra=True)
@probe("01.3", "a screen that is a piece of a larger array", extra=True)
def piece_of_an_array(answer, rng):
    wide = np.concatenate([blocks(rng), blocks(rng)], axis=1)
    return thousandths(answer(wide[:, 45:205])), thousandths(answer(wide[:, ::2]))


# --- 01.4: the last four frames -------------------------------------------------------------------------------------------------------


class Look:
    """Looks at observations at the same fifty places: enough to tell them apart."""

    def __init__(self, rng):
        self.rows, self.columns = rng.integers(0, 84, (2, 50))

    def at(self, observation):
        return observation.shape, str(observation.dtype), observation[self.rows, self.columns]


def random_frames(rng, number):
    return list(rng.integers(0, 256, (number, 84, 84)).astype(np.uint8))


def play(history, frames):
    """The observations of one episode."""
    return [history.reset(frames[0])] + [history.push(frame) for frame in frames[1:]]


@probe("01.4", "an episode, frame by frame")
def frame_by_frame(answer, rng):
    look, history, frames = Look(rng), answer(4), random_frames(rng, 12)
    seen = [look.at(history.reset(frames[0]))]
    for frame in frames[1:]:
        seen.append(look.at(history.push(frame)))
    return seen


@probe("01.4", "observations that were handed out earlier")
def handed_out(answer, rng):
    look, history = Look(rng), answer(4)
    observations = play(history, random_frames(rng, 6)) + play(history, random_frames(rng, 3))
    return [look.at(observation) for observation in observations]  # only now, after all the calls


@probe("01.4", "a caller that uses its frame's memory again")
def memory_used_again(answer, rng):
    look, history, frames = Look(rng), answer(4), random_frames(rng, 7)
    borrowed = frames[0].copy()
    seen = [look.at(history.reset(borrowed))]
    for frame in frames[1:]:
        borrowed[:] = frame
        seen.append(look.at(history.push(borrowed)))
    return seen


@probe("01.4", "two histories side by side, new episodes, other lengths")
def side_by_side(answer, rng):
    look, one, other, frames = Look(rng), answer(3), answer(6), random_frames(rng, 10)
    seen = [one.reset(frames[0]), other.reset(frames[1]), one.push(frames[2]), other.push(frames[3]), other.push(frames[4])]
    seen += [one.reset(frames[5]), one.push(frames[6]), other.push(frames[7]), other.reset(frames[8]), other.push(frames[9])]
    return [look.at(observation) for observation in seen]


@probe("01.4", "a history made without a length", extra=True)
def no_length(answer, rng):
    look = Look(rng)
    return [look.at(observation) for observation in play(answer(), random_frames(rng, 3))]


@probe("01.4", "a history of one frame", extra=True)
def one_frame(answer, rng):
    look = Look(rng)
    return [look.at(observation) for observation in play(answer(1), random_frames(rng, 4))]


# --- 01.5: which frames make observation t? -------------------------------------------------------------------------------------------


def frames_in(frames):
    """An array or a range of numbers is as good as a list."""
    return isinstance(frames, list | tuple | range | np.ndarray), list(frames)


@probe("01.5", "other observations, skips and lengths")
def other_settings(answer, rng):
    times = [0, *rng.integers(1, 5, 4), *rng.integers(8, 300, 8)]
    skips, lengths = rng.choice([2, 3, 5, 6, 7, 9], 13), rng.choice([2, 3, 5, 6, 8], 13)
    return [frames_in(answer(int(t), int(skip), int(length))) for t, skip, length in zip(times, skips, lengths, strict=True)]


@probe("01.5", "called without a skip or without a length", extra=True)
def left_out(answer, rng):
    t = int(rng.integers(2, 300))
    return frames_in(answer(t)), frames_in(answer(t, 3)), frames_in(answer(t, length=5)), frames_in(answer(t, skip=6))


@probe("01.5", "every frame kept, and observations of one frame", extra=True)
def smallest_settings(answer, rng):
    t = int(rng.integers(2, 300))
    return frames_in(answer(t, 1, 4)), frames_in(answer(t, 4, 1)), frames_in(answer(t, 1, 1))


# --- 01.6: how much memory? -----------------------------------------------------------------------------------------------------------

WAYS = ("colour, both stacks", "grey float32, both stacks", "grey uint8, both stacks", "each grey frame once")


def sizes(table):
    """The bytes in a fixed order (a dict's own order does not matter here), and the keys."""
    return isinstance(table, dict), sorted(table), [table[way] for way in WAYS]


@probe("01.6", "other numbers of transitions", tolerance=1e-9)
def other_numbers(answer, rng):
    return [sizes(answer(int(transitions))) for transitions in (*rng.integers(2, 100, 3), *rng.integers(1_000, 900_000, 3))]


@probe("01.6", "no transitions yet", tolerance=1e-9, extra=True)
def no_transitions(answer, rng):
    return sizes(answer(0))


@probe("01.6", "very many transitions", tolerance=1e-9, extra=True)
def very_many(answer, rng):
    return sizes(answer(int(rng.integers(10**8, 10**9))))
