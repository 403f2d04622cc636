"""The replay memory against a naive one that stores both whole stacks of every transition, and how it is sampled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course_lib.replay import Batch, ReplayMemory

FRAME_SHAPE = (1, 3)
NUM_HEADS = 2
EVENTS = ("plays on", "loses a life", "ends", "is cut off", "is resumed")
"""What a step may bring. After "ends" and "is cut off" the last frame is stored too, then a new episode begins. After "is resumed" a new
episode begins at once: the run was stopped, and nobody saw the frame that followed."""


class NaiveMemory:
    """One game's transitions with both their stacks, each under the time slot it was stored in."""

    def __init__(self, history):
        self.history = history
        self.transitions = {}  # time: (age, observation, action, reward, next_observation, terminated, mask)
        self.frames = []  # of the episode so far

    def stack(self, frames):
        padded = [frames[0]] * self.history + frames
        return np.stack(padded[-self.history :], axis=-1)

    def add(self, time, action, reward, next_frame, terminated, mask):
        age = min(len(self.frames), self.history) - 1  # older frames that the stack shows
        step = (self.stack(self.frames), action, reward, self.stack([*self.frames, next_frame]), terminated, mask)
        self.transitions[time] = (age, *step)

    def sampled(self, oldest):
        """What may be sampled when slots before `oldest` are overwritten."""
        return {time: step[1:] for time, step in self.transitions.items() if time - step[0] >= oldest}


class Game:
    """Plays a script of events into a naive memory, and says what the real one is told."""

    def __init__(self, number, script, history):
        self.number, self.script = number, script
        self.naive = NaiveMemory(history)
        self.starts, self.over = True, False

    def frame(self, time):
        return np.full(FRAME_SHAPE, self.number * 85 + time, np.uint8)  # up to 85 steps of 3 games: all differ

    def step(self, time, rng):
        event = self.script[time % len(self.script)]
        frame, action, reward, mask = self.frame(time), int(rng.integers(3)), float(rng.integers(-1, 2)), rng.random(NUM_HEADS) < 0.5
        terminated = not self.over and event in ("loses a life", "ends")
        told = (frame, action, reward, terminated, self.starts, mask)
        self.naive.frames = [frame] if self.starts else [*self.naive.frames, frame]
        if not self.over and event != "is resumed":
            self.naive.add(time, action, reward, self.frame(time + 1), terminated, mask)
        self.starts = self.over or event == "is resumed"
        self.over = not self.starts and event in ("ends", "is cut off")
        return told


def fill(memory, games, steps, seed=0):
    rng = np.random.default_rng(seed)
    for time in range(steps):
        memory.add(*map(np.array, zip(*[game.step(time, rng) for game in games])))


def can_be_sampled(memory):
    """All slots [N], [N] that hold a transition."""
    times, envs = np.indices((memory.length, memory.num_envs)).reshape(2, -1)
    good = memory.is_transition(times, envs)
    return times[good], envs[good]


def assert_same_transition(batch, row, step):
    for name, expected in zip(Batch._fields, step):
        np.testing.assert_array_equal(getattr(batch, name)[row], expected, err_msg=name)


scripts = st.lists(st.sampled_from(EVENTS) | st.just("plays on"), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(
    scripts=st.lists(scripts, min_size=1, max_size=3),
    history=st.integers(1, 4),
    room=st.integers(2, 25),
    steps=st.integers(0, 84),
)
def test_it_holds_what_a_naive_memory_holds(scripts, history, room, steps):
    length = history + room
    memory = ReplayMemory(length * len(scripts), len(scripts), FRAME_SHAPE, history, NUM_HEADS)
    games = [Game(number, script, history) for number, script in enumerate(scripts)]
    fill(memory, games, steps)
    assert len(memory) == min(steps, length) * len(scripts)

    naive = {
        (time % length, game.number): step
        for game in games
        for time, step in game.naive.sampled(oldest=max(0, steps - length)).items()
        if time < steps - 1  # the frame that follows the newest slot is not here yet
    }
    times, envs = can_be_sampled(memory)
    assert set(zip(times.tolist(), envs.tolist())) == set(naive)
    batch = memory.build(times, envs)
    for row, slot in enumerate(zip(times.tolist(), envs.tolist())):
        assert_same_transition(batch, row, naive[slot])

    if len(naive) > 0.1 * len(memory):
        drawn = memory.sample(16, np.random.default_rng(steps))
        assert rows_of(drawn) <= rows_of(batch)


def rows_of(batch):
    """The transitions of a batch as a set."""
    return {b"".join(np.ascontiguousarray(field[row]).tobytes() for field in batch) for row in range(len(batch.actions))}


def filled(capacity=200, steps=150):
    """A memory into which two games went, in episodes of 20 steps."""
    memory = ReplayMemory(capacity, 2, FRAME_SHAPE, num_heads=NUM_HEADS)
    script = ("plays on",) * 19 + ("ends", "plays on")
    fill(memory, [Game(number, script[number:], memory.history) for number in range(2)], steps)
    return memory


def fill_plain(memory, steps, first=0):
    """Store steps of one game that neither starts again nor ends."""
    for time in range(first, first + steps):
        frame = np.full((1, *FRAME_SHAPE), time, np.uint8)
        memory.add(frame, np.zeros(1, int), np.zeros(1), np.zeros(1, bool), np.array([time == 0]))


# By hand, so that the property test is not the only witness


def test_an_episode_by_hand():
    memory = ReplayMemory(20, 1, (1, 1), history=3)
    #        frame, action, reward, terminated, starts
    steps = [(10, 1, 0, False, True), (11, 2, 1, True, False), (12, 0, 0, False, False), (13, 0, 0, False, False), (20, 1, 0, False, True)]
    for frame, *rest in steps:
        memory.add(np.full((1, 1, 1), frame, np.uint8), *map(np.array, zip(rest)))
    times, envs = can_be_sampled(memory)
    assert times.tolist() == [0, 1, 2]  # 13 is an episode's last frame, and what follows 20 is not known yet
    batch = memory.build(times, envs)
    assert batch.observations[:, 0, 0].tolist() == [[10, 10, 10], [10, 10, 11], [10, 11, 12]]
    assert batch.next_observations[:, 0, 0].tolist() == [[10, 10, 11], [10, 11, 12], [11, 12, 13]]
    assert batch.actions.tolist() == [1, 2, 0] and batch.rewards.tolist() == [0, 1, 0]
    assert batch.terminated.tolist() == [False, True, False]


def test_a_transition_goes_with_its_history():
    """The write head takes the oldest frame: what needs it can no longer be sampled."""
    memory = ReplayMemory(10, 1, FRAME_SHAPE, history=4)
    fill_plain(memory, 10)
    assert can_be_sampled(memory)[0].tolist() == list(range(9))  # the first episode's start is there
    fill_plain(memory, 1, first=10)
    assert can_be_sampled(memory)[0].tolist() == [4, 5, 6, 7, 8, 9]  # slots 1, 2, 3 still need slot 0


def test_the_first_frame_of_all_opens_an_episode_whatever_it_is_told():
    memory = ReplayMemory(10, 1, FRAME_SHAPE)
    fill_plain(memory, 3, first=7)
    assert memory.build(*can_be_sampled(memory)).observations[:, 0, 0].tolist() == [[7, 7, 7, 7], [7, 7, 7, 8]]


# Sampling


def test_sampling_is_uniform():
    memory = filled()
    times, envs = can_be_sampled(memory)
    assert 100 < len(times) < 200 and memory.head < 100  # the head has wrapped round
    memory.build = lambda times, envs: (times, envs)
    drawn_times, drawn_envs = memory.sample(40_000, np.random.default_rng(0))
    counts = np.bincount(drawn_times * 2 + drawn_envs, minlength=200)
    assert counts.sum() == counts[times * 2 + envs].sum() == 40_000
    assert stats.chisquare(counts[times * 2 + envs]).pvalue > 0.01


def test_the_generator_decides_the_batch():
    memory = filled()
    first, again, other = (memory.sample(32, np.random.default_rng(seed)) for seed in (0, 0, 1))
    for name in Batch._fields:
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert (first.observations != other.observations).any()


def test_shapes_and_types():
    memory = ReplayMemory(50, 2, (84, 84), history=4, num_heads=3)
    for time in range(10):
        frames = np.full((2, 84, 84), time, np.uint8)
        memory.add(frames, np.array([1, 2]), np.array([1.0, -1.0]), np.zeros(2, bool), np.full(2, time == 0), np.ones((2, 3), bool))
    batch = memory.sample(5, np.random.default_rng(0))
    assert batch.observations.shape == batch.next_observations.shape == (5, 84, 84, 4)
    assert batch.observations.dtype == batch.next_observations.dtype == np.uint8
    assert batch.actions.shape == batch.rewards.shape == batch.terminated.shape == (5,)
    assert (batch.actions.dtype, batch.rewards.dtype, batch.terminated.dtype) == (np.int64, np.float32, bool)
    assert batch.masks.shape == (5, 3) and batch.masks.dtype == bool


def test_dqn_has_no_masks():
    memory = ReplayMemory(10, 1, FRAME_SHAPE)
    fill_plain(memory, 6)
    assert memory.sample(5, np.random.default_rng(0)).masks.shape == (5, 0)


def test_a_batch_is_not_changed_by_what_is_stored_later():
    memory = filled(capacity=60, steps=30)
    batch = memory.sample(32, np.random.default_rng(0))
    copies = [field.copy() for field in batch]
    frames = np.full((2, *FRAME_SHAPE), 255, np.uint8)
    for _ in range(memory.length):
        memory.add(frames, np.ones(2, int), np.full(2, 9.0), np.ones(2, bool), np.ones(2, bool), np.ones((2, NUM_HEADS), bool))
    for field, copy in zip(batch, copies):
        np.testing.assert_array_equal(field, copy)


@pytest.mark.parametrize("steps", [0, 1])
def test_an_empty_memory_cannot_be_sampled(steps):
    with pytest.raises(ValueError, match="no transition to sample yet"):
        filled(steps=steps).sample(1, np.random.default_rng(0))


def test_a_memory_too_small_for_its_history_is_refused():
    with pytest.raises(ValueError, match="leave no room for a history of 4"):
        ReplayMemory(10, 2)
    ReplayMemory(12, 2)


# Size


def test_a_transition_takes_at_most_7200_bytes():
    memory = ReplayMemory(800, 8, num_heads=10)
    assert memory.nbytes == sum(array.nbytes for array in memory.arrays().values())
    assert memory.nbytes / 800 <= 7_200
    assert 400_000 * ReplayMemory(800, 8).nbytes / 800 < 3e9  # both stacks whole would take 22.6 GB


def test_everything_that_a_checkpoint_needs_is_in_arrays():
    memory, copy = filled(), ReplayMemory(200, 2, FRAME_SHAPE, num_heads=NUM_HEADS)
    for name, array in memory.arrays().items():
        copy.arrays()[name][:] = array
    copy.head, copy.size = memory.head, memory.size
    assert rows_of(copy.sample(32, np.random.default_rng(0))) == rows_of(memory.sample(32, np.random.default_rng(0)))
