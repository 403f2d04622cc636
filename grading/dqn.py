"""Hidden tests of lesson 04, DQN."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from course_lib.grading.probing import probe


def new_generator(rng: np.random.Generator) -> np.random.Generator:
    """One for the answer to draw from: however much it draws, the probe's own numbers stay the same."""
    return np.random.default_rng(int(rng.integers(2**31)))


def global_states() -> tuple:
    """Of the two random generators that a whole program shares."""
    return np.random.get_state()[1].tolist(), random.getstate()


# --- 04.1: the schedule of epsilon ----------------------------------------------------------------------------------------------------


def draw_schedule(rng):
    """Any start, end, decay_steps, learning_starts."""
    return float(rng.uniform(0.5, 0.95)), float(rng.uniform(0.05, 0.2)), int(rng.integers(60, 4_000)), int(rng.integers(20, 4_000))


@probe("04.1", "the whole line, from before learning starts to long after its end", tolerance=1e-6)
def whole_line(answer, rng):
    schedules = [draw_schedule(rng) for _ in range(3)]
    schedules.append((*schedules[0][:3], 0))
    moments = -20, -1, 0, 1, 7, *rng.integers(8, 60, 4).tolist()
    return [
        [answer(max(step, 0), *schedule) for step in (0, *(schedule[3] + moment for moment in moments), schedule[3] + schedule[2] // 2)]
        + [answer(schedule[3] + schedule[2] + late, *schedule) for late in (-1, 0, 1, 1_000, 10**7)]
        for schedule in schedules
    ]


@probe("04.1", "the first steps of a very long line", tolerance=1e-6)
def long_line(answer, rng):
    start, end, _, learning_starts = draw_schedule(rng)
    return [answer(learning_starts + step, start, end, 200_000, learning_starts) for step in (3, 17, 29, 41, 111)]


@probe("04.1", "a line of a single step", extra=True, tolerance=1e-6)
def shortest_line(answer, rng):
    start, end, _, learning_starts = draw_schedule(rng)
    return [answer(learning_starts + step, start, end, 1, learning_starts) for step in (-1, 0, 1, 2)]


@probe("04.1", "steps that are NumPy's numbers", extra=True, tolerance=1e-6)
def numpys_steps(answer, rng):
    schedule = draw_schedule(rng)
    return [answer(step, *schedule) for step in np.arange(0, 9_000, 750)]


# --- 04.2: epsilon-greedy -------------------------------------------------------------------------------------------------------------


def choose(answer, q_values, epsilon, rng) -> np.ndarray:
    """An answer's actions; raises what the exercise refuses whatever the actions are."""
    given, states = q_values.copy(), global_states()
    actions = answer(given, epsilon, rng)
    if actions.dtype.kind not in "iu" or actions.shape != (len(q_values),):
        raise TypeError("actions are whole numbers, one for each row")
    if not np.array_equal(given, q_values) or global_states() != states:
        raise ValueError("the Q-values, or the program's random state, changed")
    return actions


@probe("04.2", "the best action of every row, when nothing is left to chance")
def best_actions(answer, rng):
    tables = [rng.normal(0, 2, shape).astype(np.float32) for shape in ((30, 3), (5, 5), (12, 2), (2, 9))]
    tables.append(tables[0] - 20)  # all of them below 0
    return [choose(answer, table, 0.0, new_generator(rng)) for table in tables]


@probe("04.2", "how often each action comes up", tolerance=0.02)
def shares(answer, rng):
    size, num_actions = 20_000, int(rng.integers(4, 7))
    q_values = rng.normal(0, 1, (size, num_actions)).astype(np.float32)
    found = []
    for epsilon in (float(rng.uniform(0.3, 0.6)), 1.0):
        actions = choose(answer, q_values, epsilon, new_generator(rng))
        from_best = (actions - q_values.argmax(1)) % num_actions
        found.append([np.bincount(numbers, minlength=num_actions) / size for numbers in (actions, from_best)])
    return found


@probe("04.2", "a seed repeats a game")
def seeds(answer, rng):
    q_values = rng.normal(0, 1, (300, 4)).astype(np.float32)
    one, again, other = (choose(answer, q_values, 0.7, np.random.default_rng(seed)) for seed in (3, 3, 4))
    return np.array_equal(one, again), np.array_equal(one, other)


@probe("04.2", "one observation at a time", extra=True)
def single_rows(answer, rng):
    rows = rng.normal(0, 1, (10, 1, 4)).astype(np.float32)
    return [choose(answer, row, 0.0, new_generator(rng)) for row in rows]


@probe("04.2", "values that hardly differ", extra=True)
def close_values(answer, rng):
    q_values = np.repeat(rng.normal(5, 1, (20, 1)).astype(np.float32), 4, axis=1)
    rows, best = np.arange(20), rng.integers(4, size=20)
    q_values[rows, best] = np.nextafter(q_values[rows, best], np.float32(100))
    return choose(answer, q_values, 0.0, new_generator(rng))


@probe("04.2", "call after call with the same generator", extra=True)
def call_after_call(answer, rng):
    q_values, generator = rng.normal(0, 1, (300, 4)).astype(np.float32), new_generator(rng)
    one, two = (choose(answer, q_values, 1.0, generator) for _ in range(2))
    return np.array_equal(one, two)


# --- 04.3: a small replay memory ------------------------------------------------------------------------------------------------------

# An answer may or may not sample a game's first frames once they are the oldest in the memory (a cautious one does not, and the exercise
# allows both). So no probe with a history asks a memory at such a moment.

FRAME = (2, 3)
DRAWS = 600  # of at most 40 transitions: none is left out by chance
FIELDS = "observations", "actions", "rewards", "next_observations", "terminated", "truncated"


class Teller:
    """Tells a memory games of random frames, all painted into one array, as an emulator may do it."""

    def __init__(self, memory: type, rng: np.random.Generator, capacity: int, history: int):
        self.memory, self.rng, self.capacity, self.history = memory(capacity, FRAME, history), rng, capacity, history
        self.frame = np.zeros(FRAME, np.uint8)
        self.starts: list[bool] = []

    def step(self, terminated: bool, truncated: bool, starts: bool) -> None:
        self.frame[:] = self.rng.integers(256, size=FRAME)
        self.starts.append(starts)
        self.memory.add(self.frame, int(self.rng.integers(4)), float(self.rng.integers(-8, 9)) / 8, terminated, truncated, starts)

    def game(self, length: int, terminated: bool = False, truncated: bool = False, life: int | None = None) -> Teller:
        """One game; its last frame only shows where the step before it led. A life is lost at position `life`, and the game goes on."""
        for position in range(length):
            ends = position == length - 2
            self.step(terminated and ends or position == life, truncated and ends, position == 0)
        return self

    def games(self, count: int) -> Teller:
        """Games of all lengths and endings."""
        for _ in range(count):
            length = int(self.rng.integers(5, 10))
            self.game(length, *(self.rng.random(2) < 0.5).tolist(), life=int(self.rng.integers(1, length - 3)))
        return self

    def until_all_agree(self) -> Teller:
        """Some more steps of the last game, until the oldest frames are in the middle of theirs."""
        while any(self.starts[-self.capacity :][: self.history]):
            self.step(False, False, False)
        return self

    def sample(self, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
        """A batch's fields; raises what the exercise refuses whatever they hold."""
        state = global_states()[0]
        batch = self.memory.sample(batch_size, rng)
        if global_states()[0] != state:
            raise ValueError("the program's random state changed")
        fields = [getattr(batch, name) for name in FIELDS]
        stack = batch_size, *FRAME, self.history
        for field, shape, kinds in zip(fields, (stack, stack[:1], stack[:1], stack, stack[:1], stack[:1]), ("u", "iu", "f", "u", "b", "b")):
            if field.shape != shape or field.dtype.kind not in kinds:
                raise TypeError("a field of the batch has another shape or type")
        return fields

    def rows(self, batch_size: int = DRAWS) -> np.ndarray:
        """Sampled transitions as rows of numbers."""
        fields = self.sample(batch_size, new_generator(self.rng))
        return np.concatenate([field.reshape(batch_size, -1).astype(float) for field in fields], axis=1)

    def transitions(self) -> np.ndarray:
        """All that the memory can give, sorted."""
        return np.unique(self.rows(), axis=0)


@probe("04.3", "the transitions of several games, and where lives are lost")
def several_games(answer, rng):
    return [Teller(answer, rng, 60, history).games(4).transitions() for history in (1, 2, 3)]


@probe("04.3", "a memory that has been filled several times over")
def full_memory(answer, rng):
    long = Teller(answer, rng, 9, 3).game(int(rng.integers(30, 40))).transitions()
    flags = Teller(answer, rng, 7, 1).games(3).game(7, terminated=True, truncated=True).game(7).transitions()
    return long, flags, *(Teller(answer, rng, 23, history).games(12).until_all_agree().transitions() for history in (2, 3))


@probe("04.3", "a batch that is kept while the memory goes on filling")
def kept_batch(answer, rng):
    teller = Teller(answer, rng, 12, 1).game(12)
    fields = teller.sample(8, new_generator(rng))
    before = [field.copy() for field in fields]
    teller.games(4)
    return [np.array_equal(old, new) for old, new in zip(before, fields)]


@probe("04.3", "chance: each transition as often, not in a row, by the generator alone", tolerance=0.05)
def drawn_evenly(answer, rng):
    teller = Teller(answer, rng, 200, 1)
    for number in range(101):  # frames that tell their number by their first two pixels
        teller.frame[:] = number
        teller.memory.add(teller.frame, 0, 0.0, False, False, number == 0)
    one, again, other = (teller.sample(20, np.random.default_rng(seed))[0][:, 0, 0, 0] for seed in (5, 5, 6))
    many = teller.sample(3_000, new_generator(rng))[0][:, 0, 0, 0].astype(int)
    in_a_row = bool((np.diff(many) == 1).mean() > 0.5)
    return np.array_equal(one, again), np.array_equal(one, other), in_a_row, [(many < border).mean() for border in (25, 50, 75)]


@probe("04.3", "`stack` for frames of one's own choice", extra=True)
def stacks(answer, rng):
    teller = Teller(answer, rng, 40, 3).games(4)
    young = rng.integers(len(teller.starts), size=25)
    full = Teller(answer, rng, 11, 2).game(30)
    old = rng.integers(30 - 11 + 1, 30, size=8)
    found = [one.memory.stack(numbers) for one, numbers in ((teller, young), (teller, young[:1]), (full, old))]
    return found, [str(observations.dtype) for observations in found]


@probe("04.3", "games shorter than a stack", extra=True)
def short_games(answer, rng):
    teller = Teller(answer, rng, 40, 4)
    for length in (2, 3, 2, 4):
        teller.game(length, terminated=True)
    return teller.transitions()


@probe("04.3", "a batch of one", extra=True)
def one_transition(answer, rng):
    teller = Teller(answer, rng, 60, 2).games(3)
    known = teller.transitions()
    return [bool((known == teller.rows(1)).all(axis=1).any()) for _ in range(5)]


@probe("04.3", "two memories side by side", extra=True)
def two_memories(answer, rng):
    tellers = Teller(answer, rng, 60, 2), Teller(answer, rng, 50, 3)
    for _ in range(3):
        for teller in tellers:
            teller.games(1)
    return [teller.transitions() for teller in tellers]


@probe("04.3", "samples between the steps of a game", extra=True)
def sampled_in_between(answer, rng):
    teller, found = Teller(answer, rng, 15, 1), []
    for _ in range(5):
        found.append(teller.games(1).transitions())
    return found


# --- 04.4: TD targets -----------------------------------------------------------------------------------------------------------------


def targets_of(answer, rewards, terminated, truncated, online_next_q, target_next_q, discount):
    """Targets, their type, and what became of the inputs."""
    flags = np.array(terminated, bool), np.array(truncated, bool)
    arrays = np.float32(rewards), *flags, np.float32(online_next_q), np.float32(target_next_q)
    targets = answer(*arrays, discount)
    return targets, str(targets.dtype), *arrays


def all_flags(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Terminated and truncated in all four combinations, again and again."""
    return np.arange(batch) % 2 == 1, np.arange(batch) // 2 % 2 == 1


@probe("04.4", "targets of whole batches, whatever their flags")
def targets_of_batches(answer, rng):
    found = []
    for batch, num_actions in ((12, 4), (5, 5), (8, 2)):
        values = rng.normal(0, 2, (2, batch, num_actions))
        found.append(targets_of(answer, rng.normal(0, 1, batch), *all_flags(batch), *values, float(rng.uniform(0.3, 0.95))))
    return found


@probe("04.4", "values below zero")
def negative_values(answer, rng):
    values = -rng.uniform(0.5, 4, (2, 8, 3))
    return targets_of(answer, rng.choice([-1.0, 0.0, 1.0], 8), *all_flags(8), *values, float(rng.uniform(0.3, 0.95)))


@probe("04.4", "a single transition", extra=True)
def single_transition(answer, rng):
    return [targets_of(answer, rng.normal(0, 1, 1), [flag], [False], *rng.normal(0, 2, (2, 1, 3)), 0.9) for flag in (False, True)]


@probe("04.4", "a discount of 0, or of 1", extra=True)
def extreme_discounts(answer, rng):
    inputs = rng.normal(0, 1, 8), *all_flags(8), *rng.normal(0, 2, (2, 8, 3))
    return [targets_of(answer, *inputs, discount) for discount in (0.0, 1.0)]


@probe("04.4", "a game with one action only", extra=True)
def one_action(answer, rng):
    return targets_of(answer, rng.normal(0, 1, 8), *all_flags(8), *rng.normal(0, 2, (2, 8, 1)), 0.7)


# --- 04.5: one learning step ----------------------------------------------------------------------------------------------------------

PIXELS = (2, 3, 2)  # H, W, C


class Batch(NamedTuple):
    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


class Kit(NamedTuple):
    """What a probe needs of a framework."""

    network: Callable[[list[np.ndarray]], Any]  # layers with these weights, without biases; divides its input by 255
    optimizer: Callable[[Any, float], Any]  # plain gradient descent (with this momentum) on a network
    read: Callable[[Any], list[np.ndarray]]  # a network's weights
    has_gradients: Callable[[Any], bool]


def torch_kit() -> Kit:
    import torch

    class Network(torch.nn.Module):
        def __init__(self, weights):
            super().__init__()
            self.layers = torch.nn.ParameterList([torch.nn.Parameter(torch.tensor(layer)) for layer in weights])

        def forward(self, observations):
            values = observations.float().flatten(1) / 255
            for number, layer in enumerate(self.layers):
                values = (values.relu() if number else values) @ layer
            return values

    return Kit(
        Network,
        lambda network, momentum: torch.optim.SGD(network.parameters(), lr=2.0, momentum=momentum),
        lambda network: [layer.detach().numpy().copy() for layer in network.layers],
        lambda network: any(layer.grad is not None for layer in network.layers),
    )


def keras_kit() -> Kit:
    import keras

    def network(weights):
        hidden = [keras.layers.Dense(layer.shape[1], use_bias=False, activation="relu") for layer in weights[:-1]]
        last = keras.layers.Dense(weights[-1].shape[1], use_bias=False)
        made = keras.Sequential(
            [keras.Input(PIXELS, dtype="uint8"), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), *hidden, last]
        )
        made.set_weights(weights)
        return made

    return Kit(
        network,
        lambda network, momentum: keras.optimizers.SGD(2.0, momentum=momentum),
        lambda network: network.get_weights(),
        lambda network: False,  # they are no part of a network in Keras
    )


def draw_weights(rng, *sizes: int) -> list[np.ndarray]:
    return [rng.normal(0, 0.5, (one, two)).astype(np.float32) for one, two in zip(sizes, sizes[1:])]


def draw_batch(rng, size: int, num_actions: int) -> Batch:
    """Transitions with small errors and large ones, and with all flags."""
    observations, following = rng.integers(256, size=(2, size, *PIXELS)).astype(np.uint8)
    rewards = rng.permutation(np.linspace(-3, 3, size)).astype(np.float32)
    return Batch(observations, rng.integers(num_actions, size=size), rewards, following, *all_flags(size))


def steps(answer, kit, online, target, batches, discount=0.7, momentum=0.0):
    """What some learning steps return, and what they leave behind."""
    optimizer = kit.optimizer(online, momentum)
    losses = [answer(online, target, optimizer, batch, discount) for batch in batches]
    kinds = [isinstance(loss, float | np.floating) for loss in losses]
    return losses, kinds, kit.read(online), kit.read(target), batches


def probes_of_steps(framework: str, make_kit: Callable[[], Kit]) -> None:
    """The same hidden tests in either framework."""
    inputs = int(np.prod(PIXELS))

    @probe("04.5", "one step on a batch: the loss, and what becomes of both networks", framework=framework, tolerance=1e-4)
    def one_step(answer, rng):
        kit, num_actions = make_kit(), int(rng.integers(3, 6))
        online, target = (kit.network(draw_weights(rng, inputs, num_actions)) for _ in range(2))
        done = steps(answer, kit, online, target, [draw_batch(rng, 12, num_actions)], float(rng.uniform(0.4, 0.9)))
        return *done, kit.has_gradients(target)

    @probe("04.5", "several steps in a row", framework=framework, tolerance=1e-4)
    def several_steps(answer, rng):
        kit = make_kit()
        online, target = (kit.network(draw_weights(rng, inputs, 3)) for _ in range(2))
        return steps(answer, kit, online, target, [draw_batch(rng, size, 3) for size in (4, 8, 6)])

    @probe("04.5", "where a gradient may flow: one network in both roles", framework=framework, tolerance=1e-4)
    def both_roles(answer, rng):
        kit = make_kit()
        network = kit.network(draw_weights(rng, inputs, 3))
        return steps(answer, kit, network, network, [draw_batch(rng, 8, 3)])

    @probe("04.5", "a network with a hidden layer", framework=framework, extra=True, tolerance=1e-4)
    def hidden_layer(answer, rng):
        kit = make_kit()
        online, target = (kit.network(draw_weights(rng, inputs, 5, 4)) for _ in range(2))
        return steps(answer, kit, online, target, [draw_batch(rng, 6, 4)])

    @probe("04.5", "an optimiser that remembers its last steps", framework=framework, extra=True, tolerance=1e-4)
    def momentum(answer, rng):
        kit = make_kit()
        online, target = (kit.network(draw_weights(rng, inputs, 3)) for _ in range(2))
        return steps(answer, kit, online, target, [draw_batch(rng, 6, 3) for _ in range(3)], momentum=0.5)

    @probe("04.5", "a single transition", framework=framework, extra=True, tolerance=1e-4)
    def single_transition(answer, rng):
        kit = make_kit()
        online, target = (kit.network(draw_weights(rng, inputs, 3)) for _ in range(2))
        return steps(answer, kit, online, target, [draw_batch(rng, 1, 3)])


probes_of_steps("torch", torch_kit)
probes_of_steps("keras", keras_kit)


# --- 04.6: when to copy ---------------------------------------------------------------------------------------------------------------


def draw_network(rng) -> dict[str, np.ndarray]:
    shapes = {"conv/kernel": (2, 2, 3), "conv/bias": (3,), "q": (1,)}
    return {name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}


def in_order(weights: dict) -> list:
    """By name: the order of a dict's entries is nobody's business. Raises what is no dict of arrays."""
    if not isinstance(weights, dict) or not all(isinstance(array, np.ndarray) for array in weights.values()):
        raise TypeError("weights are a dict of arrays")
    return [[name, weights[name].copy()] for name in sorted(weights)]


@probe("04.6", "the weights after a step, due or not")
def due_or_not(answer, rng):
    found, period = [], int(rng.integers(5, 30))
    for step in (1, period - 1, period, period + 1, 2 * period - 1, 2 * period, 7 * period, 7 * period + 2):
        online, target = draw_network(rng), draw_network(rng)
        found.append([in_order(answer(step, online, target, period)), in_order(online)])
    return found


@probe("04.6", "what the target holds while the online network goes on learning")
def goes_on_learning(answer, rng):
    online, target, found = draw_network(rng), draw_network(rng), []
    for step in range(1, 14):
        target = answer(step, online, target, 4)
        for array in online.values():
            array += rng.normal(0, 1, array.shape).astype(np.float32)
        found.append(in_order(target))
    return found


@probe("04.6", "a copy after every step", extra=True)
def every_step(answer, rng):
    online, target, found = draw_network(rng), draw_network(rng), []
    for step in (1, 2, 3):
        target = answer(step, online, target, 1)
        for array in online.values():
            array *= 2
        found.append(in_order(target))
    return found


@probe("04.6", "arrays of all shapes, and the type of their numbers", extra=True)
def all_shapes(answer, rng):
    shapes, found = {"scale": (1,), "bias": (4,), "kernel": (3, 4), "convolution": (2, 2, 1, 3)}, []
    online, target = ({name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()} for _ in range(2))
    for step in (5, 6):
        weights = answer(step, online, target, 6)
        found.append([in_order(weights), [str(weights[name].dtype) for name in sorted(weights)]])
    return found
