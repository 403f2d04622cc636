"""Right answers to lesson 01 in other styles."""

from collections import deque

import cv2
import numpy as np

from tests.right import right

# --- 01.1 -----------------------------------------------------------------------------------------------------------------------------


@right("01.1")
def a_loop_over_pairs(meanings):
    table = {}
    for ours, theirs in (("stay", "FIRE"), ("right", "RIGHT"), ("left", "LEFT")):
        table[ours] = meanings.index(theirs)
    return table


@right("01.1")
def numbers_by_name(meanings):
    number = {name: place for place, name in enumerate(meanings)}
    return dict(stay=number["FIRE"], right=number["RIGHT"], left=number["LEFT"])


@right("01.1")
def searched_one_by_one(meanings):
    def find(wanted):
        for place in range(len(meanings)):
            if meanings[place] == wanted:
                return place

    return {"stay": find("FIRE"), "right": find("RIGHT"), "left": find("LEFT")}


@right("01.1")
def searched_with_numpy(meanings):
    names = np.array(meanings)
    return {ours: np.flatnonzero(names == theirs)[0] for ours, theirs in zip(["stay", "right", "left"], ["FIRE", "RIGHT", "LEFT"])}


# --- 01.2 -----------------------------------------------------------------------------------------------------------------------------


@right("01.2")
def small_first(screen):
    small = cv2.resize(screen, (84, 84), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


@right("01.2")
def floats_rounded_at_the_end(screen):
    grey = screen @ np.array([0.299, 0.587, 0.114])
    return np.round(cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)).clip(0, 255).astype(np.uint8)


@right("01.2")
def the_formula_written_out(screen):
    red, green, blue = (screen[:, :, channel].astype(np.float32) for channel in range(3))
    grey = (0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)  # fractions cut off
    return cv2.resize(grey, dsize=(84, 84), interpolation=cv2.INTER_AREA)


@right("01.2")
def areas_by_matrices(screen):
    def shares(many, few=84):
        """How much of each of `many` pixels lies in each of `few`: [few, many]."""
        starts = np.arange(few)[:, None] * many / few
        places = np.arange(many)
        return np.clip(np.minimum(places + 1, starts + many / few) - np.maximum(places, starts), 0, None) * few / many

    grey = np.einsum("rcx,x->rc", screen, [0.299, 0.587, 0.114])
    return (shares(210) @ grey @ shares(160).T + 0.5).astype("uint8")


# --- 01.3 -----------------------------------------------------------------------------------------------------------------------------


@right("01.3")
def the_largest_channel(screen):
    small = cv2.resize(screen[31:193, 8:152], (84, 84), interpolation=cv2.INTER_NEAREST)
    return (small.max(axis=2) > 0).astype(np.uint8) * 255


@right("01.3")
def lit_first(screen):
    lit = np.any(screen[31:193, 8:152, :] != 0, axis=-1)
    return cv2.resize(np.uint8(255) * lit, (84, 84), interpolation=cv2.INTER_NEAREST)  # takes pixels as they are, so the order is free


@right("01.3")
def a_threshold_with_opencv(screen):
    field = screen[31:192 + 1, 8:151 + 1].copy()
    red, green, blue = cv2.split(cv2.resize(field, (84, 84), interpolation=cv2.INTER_NEAREST))
    return cv2.threshold(red | green | blue, 0, 255, cv2.THRESH_BINARY)[1]


@right("01.3")
def pixels_picked_by_hand(screen):
    rows, columns = 31 + np.arange(84) * 162 // 84, 8 + np.arange(84) * 144 // 84
    frame = np.zeros((84, 84), dtype=np.uint8)
    frame[screen[np.ix_(rows, columns)].sum(axis=2, dtype=int) > 0] = 255
    return frame


# --- 01.4 -----------------------------------------------------------------------------------------------------------------------------


@right("01.4")
class WithADeque:
    def __init__(self, length: int = 4):
        self.frames = deque(maxlen=length)

    def reset(self, frame):
        for _ in range(self.frames.maxlen):
            self.frames.append(frame.copy())
        return np.stack(self.frames, axis=-1)

    def push(self, frame):
        self.frames.append(frame.copy())
        return np.stack(self.frames, axis=-1)


@right("01.4")
class WithAList:
    def __init__(self, length=4):
        self.length = length
        self.last = []

    def observation(self):
        return np.dstack(self.last[-self.length :])

    def reset(self, frame):
        self.last = [np.array(frame)] * self.length
        return self.observation()

    def push(self, frame):
        self.last = self.last[1:] + [np.array(frame)]
        return self.observation()


@right("01.4")
class WithARing:
    """One array, written in turn; observations are copies in the right order."""

    def __init__(self, length: int = 4):
        self.ring = np.zeros((length, 84, 84), np.uint8)
        self.next = 0

    def reset(self, frame):
        self.ring[:] = frame
        self.next = 0
        return self.ordered()

    def push(self, frame):
        self.ring[self.next] = frame
        self.next = (self.next + 1) % len(self.ring)
        return self.ordered()

    def ordered(self):
        order = [*range(self.next, len(self.ring)), *range(self.next)]
        return self.ring[order].transpose(1, 2, 0)


@right("01.4")
class RolledOn:
    def __init__(self, length: int = 4):
        self.length = length

    def reset(self, frame):
        self.stack = np.repeat(frame[:, :, np.newaxis], self.length, axis=2)
        return self.stack.copy()

    def push(self, frame):
        self.stack = np.roll(self.stack, -1, axis=2)
        self.stack[:, :, -1] = frame
        return self.stack.copy()


# --- 01.5 -----------------------------------------------------------------------------------------------------------------------------


@right("01.5")
def counted_with_numpy(t, skip=4, length=4):
    return (skip * np.arange(t + 1, t + length + 1)).tolist()


@right("01.5")
def an_array_of_numbers(t, skip=4, length=4):
    return np.arange(length) * skip + (t + 1) * skip


@right("01.5")
def a_range(t, skip=4, length=4):
    return list(range(skip * (t + 1), skip * (t + length) + 1, skip))


@right("01.5")
def a_loop_with_append(t: int, skip: int = 4, length: int = 4) -> list[int]:
    frames = []
    frame = t * skip
    while len(frames) < length:
        frame += skip
        frames.append(frame)
    return frames


@right("01.5")
def one_frame_after_another(t, skip=4, length=4):
    if length == 0:
        return []
    return [skip * (t + 1)] + one_frame_after_another(t + 1, skip, length - 1)


# --- 01.6 -----------------------------------------------------------------------------------------------------------------------------


@right("01.6")
def asks_numpy(transitions):
    def size(stacks, *shape, dtype=np.uint8):
        return transitions * stacks * np.zeros(shape, dtype).nbytes

    return {
        "each grey frame once": size(1, 84, 84),
        "grey uint8, both stacks": size(2, 4, 84, 84),
        "grey float32, both stacks": size(2, 4, 84, 84, dtype=np.float32),
        "colour, both stacks": size(2, 4, 210, 160, 3),
    }


@right("01.6")
def a_dict_that_grows(transitions):
    table = {}
    table["each grey frame once"] = 84**2 * transitions
    table["grey uint8, both stacks"] = 8 * table["each grey frame once"]
    table["grey float32, both stacks"] = 4 * table["grey uint8, both stacks"]
    table["colour, both stacks"] = table["grey uint8, both stacks"] / (84 * 84) * (210 * 160 * 3)
    return table


@right("01.6")
def products_of_a_list(transitions):
    factors = {
        "colour, both stacks": (2, 4, 210, 160, 3),
        "grey float32, both stacks": (2, 4, 84, 84, np.dtype("float32").itemsize),
        "grey uint8, both stacks": (2, 4, 84, 84),
        "each grey frame once": (84, 84),
    }
    return {way: np.prod(numbers) * transitions for way, numbers in factors.items()}
