"""Checks of lesson 01: Breakout and its pixels."""

from __future__ import annotations

import numpy as np

from course_lib import atari
from course_lib.checks.base import Mistake, exercise

BREAKOUT = ["NOOP", "FIRE", "RIGHT", "LEFT"]
PONG = ["NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"]
SHUFFLED = ["LEFT", "NOOP", "UPRIGHT", "FIRE", "RIGHT", "LEFTFIRE"]
SCREEN, FRAME = atari.SCREEN_SHAPE, atari.FRAME_SHAPE
WAYS = ("colour, both stacks", "grey float32, both stacks", "grey uint8, both stacks", "each grey frame once")


def brief(value) -> str:
    """A value in one short line, the same on every run."""
    text = " ".join(repr(value).split())
    if " at 0x" in text:
        return f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def integer(value) -> int | None:
    """The value as an int if it is a whole number of any kind, else None."""
    if isinstance(value, bool | np.bool_ | str | bytes) or np.ndim(value) != 0:
        return None
    try:
        return int(value) if int(value) == value else None
    except (TypeError, ValueError, OverflowError):
        return None


# 01.1


def action_table_answer(meanings):
    return {"stay": meanings.index("FIRE"), "right": meanings.index("RIGHT"), "left": meanings.index("LEFT")}


@exercise("01.1", reference=action_table_answer, why="The names come from the emulator, so no comment in anybody's code can mislead you.")
def action_table(answer):
    for meanings in (BREAKOUT, PONG, SHUFFLED):
        table, want = answer(list(meanings)), action_table_answer(meanings)
        if table is None:
            raise Mistake("your function returns None; it should return the table: a dict")
        if not isinstance(table, dict):
            raise Mistake(f"return a dict such as {want}; yours is {brief(table)}")
        if set(table) & set(range(len(meanings))):
            raise Mistake(f"the table is upside down: the keys are the names, the values the numbers; yours is {brief(table)}")
        if len(table) > 3:
            raise Mistake(
                f'the agent has three actions ("stay", "right", "left"); yours has {len(table)}: '
                f'{brief(sorted(map(str, table)))}'
            )
        if set(table) != set(want):
            raise Mistake(f'the keys are "stay", "right" and "left"; yours are {brief(sorted(map(str, table)))}')
        table = {name: integer(number) for name, number in table.items()}
        if None in table.values():
            raise Mistake("the values are the emulator's numbers, places in the list such as 1, not names of actions")
        check_action_numbers(table, want, meanings)
    if list(table) != list(want):
        raise Mistake(f"keep the order stay, right, left: it numbers the agent's own actions 0, 1, 2; yours is {', '.join(table)}")


def check_action_numbers(table: dict, want: dict, meanings: list[str]) -> None:
    if table == want:
        return
    if (table["right"], table["left"]) == (want["left"], want["right"]):
        raise Mistake(f'left and right are swapped: {meanings}[{want["right"]}] is "RIGHT", and you send {table["right"]} to go right')
    if meanings != BREAKOUT and table == action_table_answer(BREAKOUT):
        raise Mistake(f"1, 2, 3 are Breakout's numbers: look the names up in `meanings`; for {meanings} the table is {want}")
    if table["stay"] == meanings.index("NOOP"):
        raise Mistake(
            '"stay" must be sent as FIRE, not NOOP: NOOP keeps still too, but never serves the ball, '
            'and the game stalls for ever'
        )
    name = next(name for name in want if table[name] != want[name])
    sent = meanings[table[name]] if 0 <= table[name] < len(meanings) else "nothing"
    raise Mistake(f'"{name}" must be number {want[name]} in {meanings}; yours is {table[name]}, which means {sent}')


# 01.2 and 01.3: what the two preprocessings share


def flat(*colour: int) -> np.ndarray:
    """A screen of one colour."""
    return np.full(SCREEN, colour, np.uint8)


def lit(rows=slice(None), columns=slice(None), colour=(255, 255, 255)) -> np.ndarray:
    """A black screen with one rectangle in a colour."""
    screen = flat(0, 0, 0)
    screen[rows, columns] = colour
    return screen


def noise(seed: int) -> np.ndarray:
    """A screen on which almost any two procedures differ: blocks of random colours, and a third of it black."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (70, 40, 3)) * (rng.random((70, 40, 1)) > 0.3)
    return blocks.repeat(3, axis=0).repeat(4, axis=1).astype(np.uint8)


def preprocessed(answer, screen: np.ndarray) -> np.ndarray:
    """What the answer makes of a screen, as an array of the right shape and kind."""
    given = screen.copy()
    got = answer(given)
    if not np.array_equal(given, screen):
        raise Mistake("your function writes into the screen it was given; work on a copy")
    if got is None:
        raise Mistake("your function returns None; it should return the small frame")
    if not isinstance(got, np.ndarray):
        raise Mistake(f"a frame is a NumPy array; yours is {brief(got)}")
    if got.shape != FRAME:
        raise Mistake(f"a frame has the shape (84, 84), one number a pixel; yours has {got.shape}")
    if got.dtype.kind not in "biuf":
        raise Mistake("a frame holds numbers only; in yours there is something else")
    return got


def first_difference(got: np.ndarray, want: np.ndarray, tolerance: int) -> str | None:
    """Where a frame first goes wrong, in words."""
    wrong = np.argwhere(np.abs(got.astype(int) - want.astype(int)) > tolerance)
    if not len(wrong):
        return None
    place = tuple(map(int, wrong[0]))
    return f"{len(wrong)} of 7,056 pixels differ from ours, the first at {place}: {got[place]} instead of {want[place]}"


# 01.2


@exercise("01.2", reference=atari.preprocess_grey, why="100,800 numbers have become 7,056, and the ball is still there.")
def preprocess_grey(answer):
    white = preprocessed(answer, flat(255, 255, 255))
    if white.dtype != np.uint8:
        if white.dtype.kind == "f" and white.max() <= 1:
            raise Mistake(
                f"you left floats from 0 to 1 in ({white.dtype}): a frame is uint8 from 0 to 255, "
                "and the network divides by 255 itself"
            )
        raise Mistake(f"a frame is uint8, one byte a pixel; yours is {white.dtype}")
    check_stretch(answer)
    if white.max() <= 1 and preprocessed(answer, flat(200, 200, 200)).max() <= 1:
        raise Mistake(f"you scaled to 0..1 and then rounded to whole numbers: a white screen must stay 255; yours is {white.max()}")
    check_greys({name: int(preprocessed(answer, flat(*colour))[42, 42]) for name, colour in COLOURS.items()})
    check_geometry(answer)
    for seed in (0, 1):
        if difference := first_difference(preprocessed(answer, noise(seed)), atari.preprocess_grey(noise(seed)), tolerance=3):
            raise Mistake(f"on a screen of random blocks {difference}")


def check_stretch(answer) -> None:
    """Two greys, neither black nor white: an answer that stretches turns the brighter one into white."""
    two_greys = flat(50, 50, 50)
    two_greys[:105] = 100
    got = preprocessed(answer, two_greys)
    if got.max() >= 253 and got.min() < 130:
        raise Mistake(
            f"you stretch each screen to 0..255 by its own brightest pixel: half grey (100, 100, 100), half (50, 50, 50), the brighter "
            f"half must stay 100; yours is {got.max()}. Leave the values as they are: the same colour must look the same on every screen"
        )


COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255), "red brick": (200, 72, 72)}


def check_greys(grey: dict[str, int]) -> None:
    """One-coloured screens tell how the channels are weighed."""
    want = {name: int(atari.preprocess_grey(flat(*colour))[0, 0]) for name, colour in COLOURS.items()}  # 76, 150, 29, 255, 110
    if all(abs(grey[name] - want[name]) <= 2 for name in want):
        return
    if abs(grey["red"] - want["blue"]) <= 2 and abs(grey["blue"] - want["red"]) <= 2:
        raise Mistake(
            f"the channels are in the order blue, green, red: a red screen must become 76; yours is {grey['red']} (COLOR_RGB2GRAY, "
            "not BGR)"
        )
    if grey["white"] < 253:
        raise Mistake(
            f"the numbers wrap round past 255: white (255, 255, 255) must stay 255; yours is {grey['white']}. uint8 + uint8 is uint8: "
            "250 + 10 is 4"
        )
    if abs(grey["red"] - grey["green"]) <= 2 and abs(grey["red"] - grey["blue"]) <= 2:
        raise Mistake(
            f"every channel weighs the same: pure green must become 150, pure blue 29; both are {grey['green']}. "
            "The eye sees green best"
        )
    name = next(name for name in want if abs(grey[name] - want[name]) > 2)
    raise Mistake(f"a screen in {name} {COLOURS[name]} must become {want[name]}; yours is {grey[name]}")


def check_geometry(answer) -> None:
    """Half-lit screens tell height from width; single lines tell how the resize looks between its samples."""
    top = preprocessed(answer, lit(rows=slice(0, 105)))
    if top[5, 80] < 128 or top[80, 5] > 128:
        if top[80, 5] > 128 and top[80, 80] < 128:
            raise Mistake("height and width are swapped: with the top half of the screen lit, the left half of your frame is")
        raise Mistake("with the top half of the screen lit, your frame is not lit on top: is it upside down?")
    lines = [preprocessed(answer, lit(rows=slice(row, row + 1))).max() for row in range(100, 105)]
    if min(lines) == 0:
        row = 100 + int(np.argmin(lines))
        raise Mistake(
            f"your resize skips pixels: with only row {row} lit, nothing is left of it. INTER_AREA averages all of them, "
            "so nothing thin is lost"
        )
    if max(lines) > 110:
        row = 100 + int(np.argmax(lines))
        raise Mistake(
            f"a frame's pixel averages 2.5 of the screen's 210 rows, so with only row {row} lit none is above 102; "
            f"yours reach {max(lines)}: resize the whole screen, nothing cut off, with INTER_AREA"
        )


# 01.3


@exercise("01.3", reference=atari.preprocess_binary, why="Lit or not is all that is left: no colours, no score, every brick alike.")
def preprocess_binary(answer):
    white = preprocessed(answer, flat(255, 255, 255))
    if white.dtype == bool:
        raise Mistake("your frame is bool; a frame is uint8, 255 where it is lit and 0 elsewhere")
    if white.dtype != np.uint8:
        raise Mistake(f"a frame is uint8, one byte a pixel; yours is {white.dtype}")
    if white.max() == 1:
        raise Mistake("a lit pixel is 255, not 1: the network divides every observation by 255, and 1 would reach it as 0.004")
    black = preprocessed(answer, flat(0, 0, 0))
    if black.all():
        raise Mistake("your frame is a negative: a black screen must become all 0; yours is all lit")
    check_crop(answer)
    check_ball(answer)
    blue = preprocessed(answer, flat(0, 0, 1))
    if not blue.all():
        raise Mistake("a pixel is lit when any channel is not 0: a screen of the colour (0, 0, 1) must be all lit; yours is dark")
    for seed in (0, 1):
        if difference := first_difference(preprocessed(answer, noise(seed)), atari.preprocess_binary(noise(seed)), tolerance=0):
            raise Mistake(f"on a screen of random blocks {difference}")


def check_crop(answer) -> None:
    """Screens lit only outside the field, then only along its edges."""
    outside = {
        "rows 0 to 30": lit(rows=slice(0, 31)),
        "rows 193 to 209": lit(rows=slice(193, 210)),
        "columns 0 to 7": lit(columns=slice(0, 8)),
        "columns 152 to 159": lit(columns=slice(152, 160)),
    }
    for name, screen in outside.items():
        if preprocessed(answer, screen).any():
            raise Mistake(f"the crop is wrong: {name} lie outside the field (rows 31 to 192, columns 8 to 151), and yours still shows them")
    edges = {"row 31": lit(rows=31), "row 191": lit(rows=191), "column 8": lit(columns=8), "column 150": lit(columns=150)}
    for name, screen in edges.items():
        if not preprocessed(answer, screen).any():
            raise Mistake(f"the crop is wrong: {name} lies in the field (rows 31 to 192, columns 8 to 151), and yours cuts it off")


def check_ball(answer) -> None:
    """A ball alone on the screen: blending shows at its edges."""
    ball = lit(rows=slice(100, 104), columns=slice(60, 62), colour=(200, 72, 72))
    got, want = preprocessed(answer, ball), atari.preprocess_binary(ball)
    if not got.any():
        raise Mistake(
            "a pixel is lit when any channel is not 0, with no threshold: a ball of the colour (200, 72, "
            "72) has vanished from your frame"
        )
    between = sorted(set(np.unique(got).tolist()) - {0, 255})
    if between:
        raise Mistake(
            f"you binarised before resizing, and the resize blended: a frame holds 0 and 255 only; around the ball yours has {between[0]}. "
            "Resize first, then ask what is lit"
        )
    size, needed = np.count_nonzero(got), np.count_nonzero(want)
    if size > needed:
        raise Mistake(
            f"a ball of 4 x 2 pixels must light {needed} pixels; yours lights {size}: a blending resize swells it. "
            "Resize with INTER_NEAREST"
        )
    if difference := first_difference(got, want, tolerance=0):
        raise Mistake(f"with a ball alone on the screen {difference}")


# 01.4


@exercise("01.4", reference=atari.FrameHistory, why="Four frames tell where the ball goes; the one on its own does not.")
def FrameHistory(answer):  # noqa: N802  (the learner's class has this name)
    check_pixels(answer)
    history = answer(4)
    observation = observed(history.reset(constant(10)), "reset")
    if trail(observation) == [0, 0, 0, 10]:
        raise Mistake(
            "an episode's first frame stands in for those before it: after reset(frame) it comes four times; "
            "yours has black frames"
        )
    if trail(observation) != [10, 10, 10, 10]:
        raise Mistake(f"after reset with a frame of 10s each channel must hold 10; yours hold {trail(observation)}")
    for number, want in ((20, [10, 10, 10, 20]), (30, [10, 10, 20, 30]), (40, [10, 20, 30, 40]), (50, [20, 30, 40, 50])):
        latest = observed(history.push(constant(number)), "push")
        check_trail(trail(latest), want, number)
    check_kept(answer)
    check_borrowed(answer)
    check_fresh(answer)


def constant(value: int) -> np.ndarray:
    return np.full(FRAME, value, np.uint8)


def observed(observation, method: str, length: int = 4) -> np.ndarray:
    """An observation of the right shape and kind."""
    if observation is None:
        raise Mistake(f"{method} returns None; it should return the observation")
    if not isinstance(observation, np.ndarray):
        raise Mistake(f"{method} should return one array, uint8 (84, 84, {length}); yours is a {type(observation).__name__}")
    if observation.shape == (length, *FRAME):
        raise Mistake(f"the channels come last: an observation is (84, 84, {length}); {method} returns ({length}, 84, 84)")
    if observation.shape != (*FRAME, length):
        raise Mistake(f"an observation is (84, 84, {length}); {method} returns {observation.shape}")
    if observation.dtype != np.uint8:
        raise Mistake(f"an observation is uint8, as its frames are; {method} returns {observation.dtype}")
    return observation


def trail(observation: np.ndarray) -> list[int]:
    """What the channels hold, oldest first, for frames of one value."""
    return observation[0, 0].tolist()


def check_trail(got: list[int], want: list[int], number: int) -> None:
    said = f"after reset with a frame of 10s and pushes up to {number} the channels must hold {want}, oldest first; yours hold {got}"
    if got == want:
        return
    if got == want[::-1]:
        raise Mistake(f"frames are stacked newest first: {said}")
    if got == [number] * 4:
        raise Mistake(f"push must drop only the oldest frame, and yours replaces all: {said}")
    raise Mistake(said)


def check_kept(answer) -> None:
    """No observation changes once it is handed out, neither by a push nor by a new episode."""
    history, handed_out = answer(4), []
    for method, number in (("reset", 10), ("push", 20), ("push", 30), ("reset", 40)):
        latest = observed(getattr(history, method)(constant(number)), method)
        for call, observation, before in handed_out:
            if not np.array_equal(observation, before):
                raise Mistake(
                    f"an observation you handed out has changed since: that of {call} was {trail(before)}, and is "
                    f"{trail(observation)} after {method}({number}). A memory would hold the same picture a thousand times: "
                    f"make a new array in {method}"
                )
        handed_out.append((f"{method}({number})", latest, latest.copy()))


def check_borrowed(answer) -> None:
    """The caller may use its frame's memory again."""
    history, frame = answer(4), constant(10)
    history.reset(frame)
    for method, old, new, want in (("reset", 10, 20, [10, 10, 10, 20]), ("push", 20, 30, [10, 10, 20, 30])):
        frame[:] = new
        got = trail(observed(history.push(frame), "push"))
        if got != want:
            raise Mistake(
                f"you keep the caller's array, not a copy, in {method}: it wrote {new} into its frame after {method}({old}), and after "
                f"push({new}) the channels hold {got} instead of {want}: keep frame.copy()"
            )


def check_fresh(answer) -> None:
    """A new episode and another history start from nothing; the length is the caller's choice."""
    history, other = answer(4), answer(4)
    history.reset(constant(10))
    other.reset(constant(70))
    if trail(observed(history.push(constant(20)), "push")) != [10, 10, 10, 20]:
        raise Mistake("two histories share their frames: keep them in self, made anew in reset")
    if (got := trail(observed(history.reset(constant(90)), "reset"))) != [90] * 4:
        raise Mistake(f"reset must forget the episode before: after reset with a frame of 90s the channels hold {got}")
    short = answer(2)
    short.reset(constant(10))
    observed(short.push(constant(20)), "push", length=2)


def check_pixels(answer) -> None:
    """Rows stay rows."""
    frame = np.arange(84 * 84).reshape(FRAME).astype(np.uint8)
    got = observed(answer(4).reset(frame), "reset")
    if not np.array_equal(got[..., -1], frame):
        swapped = np.array_equal(got[..., -1], frame.T)
        how = "has rows and columns swapped" if swapped else "is scrambled (reshape moves no axis: it only renumbers)"
        raise Mistake(f"the newest channel must be the frame itself; yours {how}")


# 01.5


def frames_of_observation_answer(t, skip=4, length=4):
    return [skip * (t + 1 + back) for back in range(length)]


@exercise(
    "01.5",
    reference=frames_of_observation_answer,
    why="Each observation shares three of its four frames with the next: remember that when memory runs out.",
)
def frames_of_observation(answer):
    for t, skip, length in ((0, 4, 4), (1, 4, 4), (7, 4, 4), (2, 3, 4), (5, 2, 3)):
        got, want = answer(t, skip, length), frames_of_observation_answer(t, skip, length)
        if got is None:
            raise Mistake("your function returns None; it should return a list of frame numbers")
        if not isinstance(got, list | tuple | range | np.ndarray):
            raise Mistake(f"return a list of frame numbers; yours is {brief(got)}")
        got = [integer(frame) for frame in got]
        if None in got:
            raise Mistake("the frames are whole numbers; in yours there is something else")
        check_frames(got, want, t, skip, length)


def check_frames(got: list[int], want: list[int], t: int, skip: int, length: int) -> None:
    said = f"observation {t} with skip {skip} is made of frames {want}; yours are {brief(got)}"
    if got == want:
        return
    if got == want[::-1]:
        raise Mistake(f"newest first: {said}")
    if len(got) != length:
        raise Mistake(f"an observation has {length} frames: {said}")
    if got in ([frame - 1 for frame in want], [frame - skip for frame in want], [frame + skip for frame in want]):
        raise Mistake(f"off by one: {said}. The first frame kept is number {skip}, the last of its {skip}")
    if np.unique(np.diff(got)).tolist() == [1]:
        raise Mistake(f"those are neighbouring frames, and the emulator keeps only every {skip}th: {said}")
    if got == [frame + t * skip * (length - 1) for frame in want]:
        raise Mistake(f"your observations do not overlap: {said}. From one to the next one frame is dropped and one added")
    if got == [frame - t * (skip - 1) for frame in want]:
        raise Mistake(f"your observations slide by one emulator frame, not by one kept frame: {said}")
    if skip != 4 and got == frames_of_observation_answer(t, 4, length):
        raise Mistake(f"your function always skips 4: {said}")
    raise Mistake(said)


# 01.6


def memory_bytes_answer(transitions):
    frames = 2 * 4  # both stacks
    pixels = 84 * 84
    sizes = (frames * 210 * 160 * 3, frames * pixels * 4, frames * pixels, pixels)
    return {way: transitions * size for way, size in zip(WAYS, sizes, strict=True)}


@exercise("01.6", reference=memory_bytes_answer, why="The same million transitions in 7 GB instead of 806: nothing was lost but copies.")
def memory_bytes(answer):
    for transitions in (1, 1_000_000):
        got, want = answer(transitions), memory_bytes_answer(transitions)
        if not isinstance(got, dict):
            raise Mistake(f"return a dict with the four ways as keys; yours is {brief(got)}")
        if set(got) != set(WAYS):
            missing = [way for way in WAYS if way not in got]
            keys = ", ".join(f'"{way}"' for way in WAYS)
            raise Mistake(f"the keys are {keys}; " + (f'yours lack "{missing[0]}"' if missing else "yours have more"))
        for way in WAYS:
            check_bytes(way, got[way], want[way], transitions)


def check_bytes(way: str, value, want: int, transitions: int) -> None:
    count = f"{transitions:,} transition{'s' * (transitions > 1)}"
    if not isinstance(value, int | float | np.number) or isinstance(value, bool) or not np.isfinite(value):
        raise Mistake(f'"{way}": a number of bytes, please; yours is {brief(value)}')
    said = f'"{way}": {count} must take {want:,} bytes; yours take {value:,.10g}'
    ratio = value / want
    if ratio == 1:
        return
    if way == WAYS[3] and ratio in (2, 4, 8):
        raise Mistake(f"{said}. Stored once, a step adds only its newest frame: the {ratio:.0f} copies are what this way saves")
    if way == WAYS[0] and ratio in (1 / 3, 1 / 6, 1 / 12, 1 / 24):
        raise Mistake(f"{said}: the screen has three channels, red, green and blue")
    if ratio in (1 / 4, 1 / 8) and not (way == WAYS[1] and ratio == 1 / 4):
        raise Mistake(f"{said}: a stack was counted as one frame, and it has four")
    if ratio == 1 / 2:
        raise Mistake(f"{said}: the next observation was forgotten; a transition has two, before and after")
    if way == WAYS[1] and ratio in (2, 1 / 4):
        raise Mistake(f"{said}: a float32 takes 4 bytes, and a stack has four frames")
    if way != WAYS[1] and ratio in (4, 8):
        raise Mistake(f"{said}: that is the size of floats, and a uint8 takes 1 byte")
    if np.isclose(ratio * transitions, 1):
        raise Mistake(f"{said}: that is one transition; multiply by how many there are")
    if 0 < ratio < 0.002:
        raise Mistake(f"{said}: bytes, please, not mega- or gigabytes")
    raise Mistake(said)
