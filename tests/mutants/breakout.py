"""Wrong answers to lesson 01."""

from collections import deque

import cv2
import numpy as np

from course_lib.atari import FrameHistory, preprocess_binary, preprocess_grey
from course_lib.checks.breakout import WAYS, frames_of_observation_answer, memory_bytes_answer
from tests.mutants import mutant


# 01.1


@mutant("01.1", says="left and right are swapped")
def left_and_right_swapped(meanings):
    return {"stay": meanings.index("FIRE"), "right": meanings.index("LEFT"), "left": meanings.index("RIGHT")}


@mutant("01.1", says="yours has 4")
def all_that_the_emulator_offers(meanings):
    return {name.lower(): number for number, name in enumerate(meanings)}


@mutant("01.1", says="yours has 6")
def six_actions(meanings):
    return {"noop": 0, "fire": 1, "right": 2, "left": 3, "rightfire": 4, "leftfire": 5}


@mutant("01.1", says="must be sent as FIRE, not NOOP")
def noop_for_stay(meanings):
    return {"stay": meanings.index("NOOP"), "right": meanings.index("RIGHT"), "left": meanings.index("LEFT")}


@mutant("01.1", says="are Breakout's numbers")
def numbers_by_heart(meanings):
    return {"stay": 1, "right": 2, "left": 3}


@mutant("01.1", says="which means UPRIGHT")
def first_name_that_contains_it(meanings):
    def find(part):
        return next(number for number, name in enumerate(meanings) if part in name)

    return {"stay": find("FIRE"), "right": find("RIGHT"), "left": find("LEFT")}


@mutant("01.1", says="upside down")
def names_by_number(meanings):
    return {1: "stay", 2: "right", 3: "left"}


@mutant("01.1", says='the keys are "stay", "right" and "left"')
def the_emulators_keys(meanings):
    return {name: meanings.index(name) for name in ("FIRE", "RIGHT", "LEFT")}


@mutant("01.1", says="not names of actions")
def names_for_names(meanings):
    return {"stay": "FIRE", "right": "RIGHT", "left": "LEFT"}


@mutant("01.1", says="keep the order stay, right, left")
def another_order(meanings):
    return {"left": meanings.index("LEFT"), "stay": meanings.index("FIRE"), "right": meanings.index("RIGHT")}


@mutant("01.1", says="return a dict")
def a_list(meanings):
    return [1, 2, 3]


@mutant("01.1", says="returns None")
def nothing_returned(meanings):
    {"stay": meanings.index("FIRE")}  # noqa: B018


mutant("01.1", says="your code raised TypeError", name="the_table_itself")({"stay": 1, "right": 2, "left": 3})


# 01.2


def area(picture):
    return cv2.resize(picture, (84, 84), interpolation=cv2.INTER_AREA)


@mutant("01.2", says="floats from 0 to 1")
def floats(screen):
    return (preprocess_grey(screen) / 255).astype(np.float32)


@mutant("01.2", says="scaled to 0..1 and then rounded")
def scaled_and_rounded(screen):
    return (preprocess_grey(screen) / 255).astype(np.uint8)


@mutant("01.2", says="a frame is uint8, one byte a pixel; yours is float64")
def wide_floats(screen):
    return area(screen @ [0.299, 0.587, 0.114])


@mutant("01.2", says="blue, green, red")
def channels_reversed(screen):
    return area(cv2.cvtColor(screen, cv2.COLOR_BGR2GRAY))


@mutant("01.2", says="every channel weighs the same")
def plain_mean(screen):
    return area(screen.mean(axis=2).astype(np.uint8))


@mutant("01.2", says="you stretch each screen to 0..255 by its own brightest pixel")
def stretched_by_its_maximum(screen):
    grey = area(screen @ [0.299, 0.587, 0.114])
    return np.round(grey * 255 / max(grey.max(), 1)).astype(np.uint8)


@mutant("01.2", says="the brighter half must stay 100; yours is 255")
def stretched_from_its_minimum_to_its_maximum(screen):
    return cv2.normalize(preprocess_grey(screen), None, 0, 255, cv2.NORM_MINMAX)


@mutant("01.2", says="every channel weighs the same")
def lit_or_not(screen):
    return area(np.where(screen.any(axis=2), 255, 0).astype(np.uint8))


@mutant("01.2", says="a screen in red (255, 0, 0) must become 76; yours is 255")
def one_channel(screen):
    return area(screen[..., 0].copy())


@mutant("01.2", says="wrap round past 255")
def sum_that_wraps(screen):
    return area((screen[..., 0] + screen[..., 1] + screen[..., 2]) // 3)


@mutant("01.2", says="wrap round past 255")
def weights_that_sum_past_one(screen):
    return area((screen @ [0.3, 0.6, 0.11]).astype(np.uint8))


@mutant("01.2", says="height and width are swapped")
def transposed(screen):
    return preprocess_grey(screen).T


@mutant("01.2", says="is it upside down")
def upside_down(screen):
    return preprocess_grey(screen)[::-1]


@mutant("01.2", says="your resize skips pixels")
def nearest(screen):
    return cv2.resize(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY), (84, 84), interpolation=cv2.INTER_NEAREST)


@mutant("01.2", says="your resize skips pixels")
def bilinear(screen):
    return cv2.resize(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY), (84, 84))


@mutant("01.2", says="resize the whole screen, nothing cut off")
def cropped(screen):
    return area(cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)[34:194])


@mutant("01.2", says="on a screen of random blocks")
def mirrored(screen):
    return preprocess_grey(screen)[:, ::-1]


@mutant("01.2", says="yours has (84, 84, 3)")
def still_in_colour(screen):
    return area(screen)


@mutant("01.2", says="writes into the screen")
def writes_into_the_screen(screen):
    screen[:14] = 0
    return preprocess_grey(screen)


@mutant("01.2", says="returns None")
def no_frame(screen):
    preprocess_grey(screen)


@mutant("01.2", says="something else")
def frame_of_nothings(screen):
    return np.full((84, 84), None)


@mutant("01.2", says="a frame is a NumPy array; yours is [0, 0, 0")
def list_of_rows(screen):
    return [0] * 84


# 01.3


def nearest_field(screen):
    return cv2.resize(screen[31:193, 8:152], (84, 84), interpolation=cv2.INTER_NEAREST)


@mutant("01.3", says="binarised before resizing")
def binarised_first(screen):
    return area(np.where(screen[31:193, 8:152].any(axis=2), 255, 0).astype(np.uint8))


@mutant("01.3", says="a blending resize swells it")
def blended_then_binarised(screen):
    return np.where(area(screen[31:193, 8:152]).any(axis=2), 255, 0).astype(np.uint8)


@mutant("01.3", says="rows 0 to 30 lie outside")
def not_cropped(screen):
    return np.where(cv2.resize(screen, (84, 84), interpolation=cv2.INTER_NEAREST).any(axis=2), 255, 0).astype(np.uint8)


@mutant("01.3", says="rows 0 to 30 lie outside")
def rows_and_columns_exchanged(screen):
    return np.where(cv2.resize(screen[8:152, 31:193], (84, 84), interpolation=cv2.INTER_NEAREST).any(axis=2), 255, 0).astype(np.uint8)


@mutant("01.3", says="row 31 lies in the field")
def one_row_late(screen):
    return np.where(cv2.resize(screen[32:193, 8:152], (84, 84), interpolation=cv2.INTER_NEAREST).any(axis=2), 255, 0).astype(np.uint8)


@mutant("01.3", says="columns 152 to 159 lie outside")
def walls_left_in(screen):
    return np.where(cv2.resize(screen[31:193, 8:], (84, 84), interpolation=cv2.INTER_NEAREST).any(axis=2), 255, 0).astype(np.uint8)


@mutant("01.3", says="your frame is bool")
def bool_frame(screen):
    return nearest_field(screen).any(axis=2)


@mutant("01.3", says="a lit pixel is 255, not 1")
def ones(screen):
    return nearest_field(screen).any(axis=2).astype(np.uint8)


@mutant("01.3", says="a frame is uint8, one byte a pixel; yours is int64")
def wide_integers(screen):
    return np.where(nearest_field(screen).any(axis=2), 255, 0)


@mutant("01.3", says="a negative")
def negative(screen):
    return 255 - preprocess_binary(screen)


@mutant("01.3", says="the colour (0, 0, 1) must be all lit")
def grey_before_asking(screen):
    return np.where(cv2.cvtColor(nearest_field(screen), cv2.COLOR_RGB2GRAY) > 0, 255, 0).astype(np.uint8)


@mutant("01.3", says="has vanished from your frame")
def threshold_at_half(screen):
    return np.where(cv2.cvtColor(nearest_field(screen), cv2.COLOR_RGB2GRAY) > 127, 255, 0).astype(np.uint8)


@mutant("01.3", says="with a ball alone on the screen")
def field_transposed(screen):
    return preprocess_binary(screen).T


@mutant("01.3", says="your code raised TypeError")
def nothing_to_call(screen):
    return None + screen


# 01.4


class Wrong(FrameHistory):
    """A right history to spoil."""


@mutant("01.4", says="newest first")
class NewestFirst(Wrong):
    def push(self, frame):
        return super().push(frame)[..., ::-1]


@mutant("01.4", says="comes four times; yours has black frames")
class BlackBefore(Wrong):
    def reset(self, frame):
        super().reset(np.zeros_like(frame))
        return self.push(frame)


@mutant("01.4", says="an observation you handed out has changed since")
class OneArrayForAll:
    def __init__(self, length=4):
        self.frames = np.zeros((84, 84, length), np.uint8)

    def reset(self, frame):
        self.frames[:] = frame[..., None]
        return self.frames

    def push(self, frame):
        self.frames[..., :-1] = self.frames[..., 1:].copy()
        self.frames[..., -1] = frame
        return self.frames


@mutant("01.4", says="that of push(20) was [10, 10, 10, 20], and is [10, 10, 20, 30] after push(30)")
class PushInPlace:
    def __init__(self, length=4):
        self.length = length

    def reset(self, frame):
        self.observation = np.stack([frame] * self.length, axis=-1)
        return self.observation.copy()

    def push(self, frame):
        self.observation[..., :-1] = self.observation[..., 1:].copy()
        self.observation[..., -1] = frame
        return self.observation


@mutant("01.4", says="that of push(30) was [10, 10, 20, 30], and is [40, 40, 40, 40] after reset(40)")
class ResetInPlace:
    def __init__(self, length=4):
        self.observation = np.zeros((84, 84, length), np.uint8)

    def reset(self, frame):
        self.observation[:] = frame[..., None]
        return self.observation

    def push(self, frame):
        self.observation = np.concatenate([self.observation[..., 1:], frame[..., None]], axis=-1)
        return self.observation


@mutant("01.4", says="the channels come last")
class ChannelsFirst(Wrong):
    def reset(self, frame):
        return np.moveaxis(super().reset(frame), -1, 0)


@mutant("01.4", says="reshape moves no axis")
class Reshaped(Wrong):
    def reset(self, frame):
        super().reset(frame)
        return self.frames.reshape(84, 84, self.length)


@mutant("01.4", says="has rows and columns swapped")
class Transposed(Wrong):
    def reset(self, frame):
        return super().reset(frame.T)


class Borrowed:
    def __init__(self, length=4):
        self.length = length

    def reset(self, frame):
        self.frames = deque([frame] * self.length, maxlen=self.length)
        return np.stack(self.frames, axis=-1)

    def push(self, frame):
        self.frames.append(frame)
        return np.stack(self.frames, axis=-1)


mutant("01.4", says="you keep the caller's array, not a copy, in reset")(Borrowed)


@mutant("01.4", says="you keep the caller's array, not a copy, in push: it wrote 30 into its frame after push(20)")
class BorrowedInPush(Borrowed):
    def reset(self, frame):
        return super().reset(frame.copy())


@mutant("01.4", says="two histories share their frames")
class Shared:
    frames = deque(maxlen=4)

    def __init__(self, length=4):
        pass

    def reset(self, frame):
        self.frames.extend([frame.copy()] * 4)
        return np.stack(self.frames, axis=-1)

    def push(self, frame):
        self.frames.append(frame.copy())
        return np.stack(self.frames, axis=-1)


@mutant("01.4", says="reset must forget the episode before")
class NeverForgets(Wrong):
    def reset(self, frame):
        return super().reset(frame) if self.frames is None else self.push(frame)


@mutant("01.4", says="push must drop only the oldest frame")
class ReplacesAll(Wrong):
    def push(self, frame):
        return self.reset(frame)


@mutant("01.4", says="the channels must hold [10, 10, 10, 20]")
class DropsTheNewest(Wrong):
    def push(self, frame):
        self.frames = np.concatenate([self.frames[:-1], frame[None]])
        return np.moveaxis(self.frames, 0, -1)[..., ::-1][..., [1, 2, 0, 3]]


@mutant("01.4", says="an observation is (84, 84, 2); push returns (84, 84, 4)")
class AlwaysFour(Wrong):
    def __init__(self, length=4):
        super().__init__(4)


@mutant("01.4", says="push returns None")
class PushReturnsNothing(Wrong):
    def push(self, frame):
        super().push(frame)


@mutant("01.4", says="reset returns float32")
class Floats(Wrong):
    def reset(self, frame):
        return super().reset(frame.astype(np.float32))


@mutant("01.4", says="yours is a list")
class ListOfFrames(Wrong):
    def reset(self, frame):
        return [frame] * self.length


mutant("01.4", says="your code raised", name="an_instance")(FrameHistory())


# 01.5


@mutant("01.5", says="off by one")
def counts_from_nought(t, skip=4, length=4):
    return [skip * (t + back) for back in range(length)]


@mutant("01.5", says="off by one")
def last_index_instead_of_number(t, skip=4, length=4):
    return [frame - 1 for frame in frames_of_observation_answer(t, skip, length)]


@mutant("01.5", says="do not overlap")
def no_overlap(t, skip=4, length=4):
    return [skip * (t * length + 1 + back) for back in range(length)]


@mutant("01.5", says="slide by one emulator frame")
def slides_by_one_frame(t, skip=4, length=4):
    return [skip * (1 + back) + t for back in range(length)]


@mutant("01.5", says="those are neighbouring frames")
def neighbours(t, skip=4, length=4):
    return list(range(skip * t + 1, skip * t + 1 + length))


@mutant("01.5", says="newest first")
def newest_first(t, skip=4, length=4):
    return frames_of_observation_answer(t, skip, length)[::-1]


@mutant("01.5", says="always skips 4")
def skip_by_heart(t, skip=4, length=4):
    return frames_of_observation_answer(t, 4, length)


@mutant("01.5", says="an observation has 3 frames")
def length_by_heart(t, skip=4, length=4):
    return frames_of_observation_answer(t, skip, 4)


@mutant("01.5", says="observation 1 with skip 4 is made of frames [8, 12, 16, 20]; yours are [4, 4, 8, 12]")
def two_mistakes_at_once(t, skip=4, length=4):
    return [4, 8, 12, 16] if t == 0 else [4, 4, 8, 12]


@mutant("01.5", says="return a list of frame numbers")
def only_the_newest(t, skip=4, length=4):
    return skip * (t + length)


@mutant("01.5", says="whole numbers")
def with_none_inside(t, skip=4, length=4):
    return [None] * length


# 01.6


def spoiled(**factors):
    """The right bytes, each way times its factor."""
    ways = dict(zip(("colour", "floats", "bytes", "once"), WAYS, strict=True))

    def answer(transitions):
        right = memory_bytes_answer(transitions)
        return {way: right[way] * factors.get(short, 1) for short, way in ways.items()}

    return answer


mutant("01.6", says="a stack was counted as one frame", name="stacks_as_one_frame")(spoiled(colour=1 / 4, floats=1 / 4, bytes=1 / 4))
mutant("01.6", says="a stack was counted as one frame", name="one_stack_as_one_frame")(spoiled(bytes=1 / 8))
mutant("01.6", says="the next observation was forgotten", name="one_stack")(spoiled(colour=1 / 2, floats=1 / 2, bytes=1 / 2))
mutant("01.6", says="that is the size of floats", name="floats_for_bytes")(spoiled(bytes=4))
mutant("01.6", says="that is the size of floats", name="doubles_for_colour")(spoiled(colour=8))
mutant("01.6", says="a float32 takes 4 bytes", name="doubles_for_floats")(spoiled(floats=2))
mutant("01.6", says="a float32 takes 4 bytes", name="bytes_for_floats")(spoiled(floats=1 / 4))
mutant("01.6", says="the 2 copies are what this way saves", name="before_and_after_once")(spoiled(once=2))
mutant("01.6", says="the 8 copies are what this way saves", name="stacks_once")(spoiled(once=8))
mutant("01.6", says="three channels", name="grey_for_colour")(spoiled(colour=1 / 3))
mutant("01.6", says="bytes, please, not mega- or gigabytes", name="gigabytes")(spoiled(colour=1e-9, floats=1e-9, bytes=1e-9, once=1e-9))
mutant("01.6", says="must take 7,056 bytes; yours take 7,000", name="rounded")(spoiled(once=7000 / 7056))


@mutant("01.6", says="multiply by how many")
def one_transition(transitions):
    return memory_bytes_answer(1)


@mutant("01.6", says="return a dict")
def one_number(transitions):
    return 56_448 * transitions


@mutant("01.6", says='yours lack "each grey frame once"')
def three_ways(transitions):
    return {way: 0 for way in WAYS[:3]}


@mutant("01.6", says="a number of bytes, please; yours is None")
def none_inside(transitions):
    return dict.fromkeys(WAYS)
