"""Hidden tests of lesson 06, A3C."""

from __future__ import annotations

import functools
import operator
import random

import numpy as np

from course_lib.grading.probing import probe


# --- 06.1: an action from probabilities -----------------------------------------------------------------------------------------------


def frequencies(answer, probabilities, seed, draws):
    """How often each action comes up, and the probabilities afterwards. Raises for what is no whole number."""
    rng = np.random.default_rng(seed)
    actions = [operator.index(answer(probabilities, rng)) for _ in range(draws)]
    return np.bincount(actions, minlength=len(probabilities)) / draws, probabilities


def draw_proportions(rng, total):
    """Five actions in an order that is drawn; all differ by enough to be told apart."""
    proportions = rng.permutation([0.06, 0.12, 0.2, 0.27, 0.35])
    return (total * proportions).astype(np.float32)


@probe("06.1", "how often each action comes up, whatever the sum of the probabilities", tolerance=0.04)
def how_often(answer, rng):
    totals = 1.0, rng.uniform(2, 6), rng.uniform(0.1, 0.4)
    return [frequencies(answer, draw_proportions(rng, total), int(rng.integers(2**31)), 5_000) for total in totals]


@probe("06.1", "certain and impossible actions")
def certain(answer, rng):
    results = []
    for num_actions in (2, 3, 6):
        probabilities = np.eye(num_actions, dtype=np.float32)[rng.integers(num_actions)] * np.float32(rng.uniform(0.5, 2))
        results.append(frequencies(answer, probabilities, int(rng.integers(2**31)), 30))
    return results


@probe("06.1", "the given generator, and no other")
def generator(answer, rng):
    seeds, probabilities = rng.integers(2**31, size=2).tolist(), draw_proportions(rng, 1.0)
    before = random.getstate(), np.random.get_state()
    generators = [np.random.default_rng(seed) for seed in (seeds[0], seeds[0], seeds[1])]
    runs = [[int(answer(probabilities, one)) for _ in range(60)] for one in generators]
    after = random.getstate(), np.random.get_state()
    untouched = before[0] == after[0] and np.array_equal(before[1][1], after[1][1]) and before[1][2:] == after[1][2:]
    return untouched, runs[0] == runs[1], runs[0] == runs[2]


@probe("06.1", "very small and very large proportions", extra=True, tolerance=0.05)
def far_from_one(answer, rng):
    return [frequencies(answer, draw_proportions(rng, total), int(rng.integers(2**31)), 3_000)[0] for total in (1e-6, 1e6)]


@probe("06.1", "a single action", extra=True)
def one_action(answer, rng):
    return [frequencies(answer, rng.uniform(0.1, 3.0, 1), int(rng.integers(2**31)), 10) for _ in range(3)]


@probe("06.1", "a column of a table, in float64", extra=True, tolerance=0.05)
def column(answer, rng):
    table = rng.uniform(size=(5, 3))  # [A, B]
    table[:, 1] = draw_proportions(rng, 2.0)
    return frequencies(answer, table[:, 1], int(rng.integers(2**31)), 3_000), table


@probe("06.1", "many actions, only two of them possible", extra=True, tolerance=0.05)
def many_actions(answer, rng):
    probabilities = np.zeros(40, np.float32)
    probabilities[rng.choice(40, 2, replace=False)] = 0.75, 0.25
    return frequencies(answer, probabilities, int(rng.integers(2**31)), 3_000)[0]


# --- 06.2: k-step returns -------------------------------------------------------------------------------------------------------------


def look_back(answer, rewards, terminated, values, discount):
    """What an answer makes of a rollout, the kind of its numbers, whether the array is new, and what it was given, afterwards."""
    given = [rewards, terminated, values]
    returns = answer(*given, discount)
    return returns, returns.dtype.kind, any(np.shares_memory(returns, one) for one in given), given


def draw_rollout(rng, flags, kind=np.float32):
    """A rollout with a step for each character of `flags`; x is a terminated one."""
    terminated = np.array([flag == "x" for flag in flags])
    return rng.normal(0, 2, len(flags)).astype(kind), terminated, rng.normal(0, 3, len(flags) + 1).astype(kind)


@probe("06.2", "rollouts in which nothing ends")
def nothing_ends(answer, rng):
    return [look_back(answer, *draw_rollout(rng, "-" * steps), rng.uniform(0.8, 0.95)) for steps in (1, 2, 3, 8, 20)]


@probe("06.2", "rollouts with lost balls and ends of games")
def something_ends(answer, rng):
    stories = "x", "x-", "-x", "--x-", "---x", "-xx--", "xxxx", "-x--x-", "------x------x-----x"
    return [look_back(answer, *draw_rollout(rng, story), rng.uniform(0.6, 0.95)) for story in stories]


@probe("06.2", "a long rollout", extra=True, tolerance=1e-4)
def long_rollout(answer, rng):
    flags = "".join(rng.permutation(list("-" * 195 + "x" * 5)))
    return answer(*draw_rollout(rng, flags), 0.99)


@probe("06.2", "rewards that count for ever", extra=True)
def no_discount(answer, rng):
    return answer(*draw_rollout(rng, "--x----"), 1.0)


@probe("06.2", "float64 arrays, as np.array makes them of a cycle's lists", extra=True)
def other_floats(answer, rng):
    return look_back(answer, *draw_rollout(rng, "--x--", float), 0.9)


@probe("06.2", "arrays that are parts of larger ones", extra=True)
def views(answer, rng):
    rewards, terminated, values = draw_rollout(rng, "---x------")
    return look_back(answer, rewards[1::2], terminated[1::2], values[::-2], 0.9)


# --- 06.3 to 06.5: losses in a framework ----------------------------------------------------------------------------------------------


def run_torch(answer, arrays, settings=()):
    """An answer's value, and the gradient of its sum along each array of floats (None where nothing flows)."""
    import torch

    tensors = [torch.tensor(array, requires_grad=array.dtype == np.float32) for array in arrays]
    value = answer(*tensors, *settings)
    if value.requires_grad:
        value.sum().backward()
    return value, [tensor.grad for tensor in tensors if tensor.dtype == torch.float32]


def run_keras(answer, arrays, settings=()):
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    floats = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        value = answer(*tensors, *settings)
    return value, [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in tape.gradient(value, floats)]


def in_both(id, topic, **settings):
    """Register `try_out(run, answer, rng)` for PyTorch and for Keras."""

    def register(try_out):
        for framework, run in (("torch", run_torch), ("keras", run_keras)):
            probe(id, topic, framework=framework, **settings)(functools.partial(try_out, run))
        return try_out

    return register


def judged(value):
    """A value with its type of numbers, which must be the network's."""
    return value, str(value.dtype)


def flows(gradient):
    return gradient is not None and bool(np.any(np.asarray(gradient)))


def draw_rewarded(rng, steps, scale=3.0):
    """Returns [T] and values [T, 1]."""
    return [rng.normal(0, scale, steps).astype(np.float32), rng.normal(0, scale, (steps, 1)).astype(np.float32)]


# --- 06.3: advantages -----------------------------------------------------------------------------------------------------------------


@in_both("06.3", "advantages of many steps", tolerance=1e-4)
def many_advantages(run, answer, rng):
    return [judged(run(answer, draw_rewarded(rng, steps))[0]) for steps in (2, 7)]


@in_both("06.3", "the advantage of a single step", tolerance=1e-4)
def one_advantage(run, answer, rng):
    return judged(run(answer, draw_rewarded(rng, 1))[0])


@in_both("06.3", "no gradient into the values")
def stopped(run, answer, rng):
    return flows(run(answer, draw_rewarded(rng, 5))[1][1])


@in_both("06.3", "returns and values far from 0", extra=True, tolerance=1e-4)
def large_advantages(run, answer, rng):
    return judged(run(answer, draw_rewarded(rng, 40, scale=1_000.0))[0])


@probe("06.3", "values from which the critic can still learn afterwards", framework="torch", extra=True)
def values_keep_their_gradient(answer, rng):
    import torch

    head = torch.tensor(rng.normal(size=(4, 1)), dtype=torch.float32, requires_grad=True)
    values = torch.tensor(rng.normal(size=(6, 4)), dtype=torch.float32) @ head  # [T, 1]
    answer(torch.tensor(rng.normal(size=6), dtype=torch.float32), values)
    return flows(torch.autograd.grad(values.mean(), head)[0])


# --- 06.4: the value's loss -----------------------------------------------------------------------------------------------------------


def draw_valued(rng, steps, scale=3.0):
    """Values [T, 1] and returns [T]."""
    return draw_rewarded(rng, steps, scale)[::-1]


@in_both("06.4", "losses of many steps, with small and large errors", tolerance=1e-4)
def value_losses(run, answer, rng):
    return [judged(run(answer, draw_valued(rng, steps, scale))[0]) for steps, scale in ((2, 1.0), (7, 3.0), (5, 10.0))]


@in_both("06.4", "the loss of a single step", tolerance=1e-4)
def one_value_loss(run, answer, rng):
    return judged(run(answer, draw_valued(rng, 1))[0])


@in_both("06.4", "the gradient with respect to the values, and none into the returns", tolerance=1e-4)
def value_gradients(run, answer, rng):
    into_values, into_returns = run(answer, draw_valued(rng, 6))[1]
    return into_values, flows(into_returns)


@in_both("06.4", "a long rollout with very large errors", extra=True, tolerance=1e-4)
def large_errors(run, answer, rng):
    value, gradients = run(answer, draw_valued(rng, 60, scale=1_000.0))
    return value, gradients[0]


@probe("06.4", "returns that the caller can go on using", framework="torch", extra=True)
def returns_keep_their_gradient(answer, rng):
    import torch

    values, returns = (torch.tensor(array, requires_grad=True) for array in draw_valued(rng, 6))
    doubled = 2 * returns  # as if they came out of a network
    answer(values, doubled)
    return flows(torch.autograd.grad(doubled.sum(), returns)[0])


# --- 06.5: the policy's loss ----------------------------------------------------------------------------------------------------------


def draw_policy(rng, steps, actions):
    """Logits [T, A], actions [T], advantages [T] of both signs; and an entropy weight."""
    signs = np.where(np.arange(steps) % 2, 1.0, -1.0)
    advantages = signs * rng.uniform(0.5, 2.5, steps)
    arrays = [rng.normal(0, 1.5, (steps, actions)).astype(np.float32), rng.integers(actions, size=steps), advantages.astype(np.float32)]
    return arrays, (float(rng.uniform(0.1, 0.6)),)


def draw_certain(rng):
    """The same for policies that are certain of other actions than the one taken; of the one taken; and of two out of four."""
    logits = rng.uniform(-3, 3, (4, 4))  # [T, A]
    for row, columns in enumerate(([1], [2], [0], [0, 3])):
        logits[row, columns] += rng.uniform(150, 190)
    arrays = [logits.astype(np.float32), np.array([0, 3, 0, 1]), rng.uniform(0.5, 2.0, 4).astype(np.float32)]
    return arrays, (float(rng.uniform(0.1, 0.6)),)


@in_both("06.5", "losses of rollouts of any length, with any number of actions", tolerance=1e-4)
def policy_losses(run, answer, rng):
    return [judged(run(answer, *draw_policy(rng, steps, actions))[0]) for steps, actions in ((4, 4), (6, 3), (1, 2), (1, 5))]


@in_both("06.5", "the gradient with respect to the logits", tolerance=1e-4)
def policy_gradients(run, answer, rng):
    return [run(answer, *draw_policy(rng, steps, actions))[1][0] for steps, actions in ((5, 3), (1, 4))]


@in_both("06.5", "the loss and the gradient of policies that are very certain", tolerance=1e-4)
def certain_policies(run, answer, rng):
    value, gradients = run(answer, *draw_certain(rng))
    return value, gradients[0]


@in_both("06.5", "no entropy bonus", extra=True, tolerance=1e-4)
def no_bonus(run, answer, rng):
    value, gradients = run(answer, draw_policy(rng, 5, 3)[0], (0.0,))
    return value, gradients[0]


@in_both("06.5", "logits that are all far from 0", extra=True, tolerance=1e-3)  # float32 holds numbers of this size to 3e-5
def shifted_logits(run, answer, rng):
    results = []
    for shift in (300, -300):
        (logits, *rest), weight = draw_policy(rng, 5, 3)
        value, gradients = run(answer, [logits + np.float32(shift), *rest], weight)
        results.append((value, gradients[0]))
    return results


# --- 06.3 to 06.5: where the workers call them ----------------------------------------------------------------------------------------


def inside_a_function(draw, answer, rng):
    import tensorflow as tf

    arrays, *settings = draw(rng, 5)
    tensors = [tf.constant(array) for array in arrays]
    traced = tf.function(lambda *arguments: answer(*arguments, *settings)).get_concrete_function(*tensors)
    return traced(*tensors)


def of_unknown_length(draw, answer, rng):
    import tensorflow as tf

    arrays, *settings = draw(rng, 5)
    specs = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
    traced = tf.function(lambda *arguments: answer(*arguments, *settings)).get_concrete_function(*specs)
    return [traced(*map(tf.constant, draw(rng, steps)[0])) for steps in (1, 3, 8)]


def draw_policy_and_weight(rng, steps):
    return draw_policy(rng, steps, 3)[0], 0.25


for exercise, draw in (
    ("06.3", lambda rng, steps: [draw_rewarded(rng, steps)]),
    ("06.4", lambda rng, steps: [draw_valued(rng, steps)]),
    ("06.5", draw_policy_and_weight),
):
    compiled = probe(exercise, "inside a `tf.function`", framework="keras", tolerance=1e-4)
    compiled(functools.partial(inside_a_function, draw))
    all_lengths = "one `tf.function` for rollouts of all lengths, as the workers have it"
    compiled = probe(exercise, all_lengths, framework="keras", extra=True, tolerance=1e-4)
    compiled(functools.partial(of_unknown_length, draw))


# --- 06.6: one actor-learner's cycle --------------------------------------------------------------------------------------------------

SHAPE = (3, 2, 1)  # [H, W, C]; observation n is a picture full of n


class Lock:
    """A lock that one worker uses: it remembers whether it is held, and raises where a real one would wait for ever."""

    def __init__(self):
        self.held = False

    def acquire(self, *_args, **_settings):
        if self.held:
            raise RuntimeError("the lock is held already")
        self.held = True
        return True

    def release(self):
        if not self.held:
            raise RuntimeError("the lock is not held")
        self.held = False

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_error):
        self.release()


class Shared:
    """What the players share; it notes down who did what, and whether the lock was held."""

    def __init__(self, values, version, policy=None):
        self.values, self.policy = values, policy
        self.lock, self.count, self.manners, self.pushes = Lock(), 1_000, set(), []
        self.network = Network(self, "global", version)

    def note(self, who, what):
        self.manners.add((who, what, self.lock.held))

    @property
    def steps(self):
        return self.count

    @steps.setter
    def steps(self, count):
        self.note("shared", "count")
        self.count = count


class Network:
    """Weights are a version, which each update raises; policy and values depend on it. So whoever acts with others is found out."""

    def __init__(self, shared, name, version):
        self.shared, self.name, self.version, self.gradients = shared, name, version, []

    def copy_from(self, other):
        self.shared.note(self.name, "copy")
        self.version = other.version

    def policy_and_value(self, observation):
        self.shared.note(self.name, "act")
        if np.shape(observation) != SHAPE:
            raise ValueError("not one observation")
        n = int(observation[0, 0, 0])
        certain = np.eye(3, dtype=np.float32)[(n + self.version) % 3]
        return certain if self.shared.policy is None else self.shared.policy.copy(), float(self.shared.values[n] + self.version)

    def clear_gradients(self):
        self.gradients = []

    def add_gradients(self, observations, actions, returns):
        self.shared.note(self.name, "differentiate")
        observations, actions, returns = np.asarray(observations), np.asarray(actions), np.asarray(returns, float)
        if not len(observations) or observations.shape != (len(observations), *SHAPE):
            raise ValueError("no observations [T, H, W, C]")
        rollout = observations[:, 0, 0, 0].astype(int).tolist(), actions.astype(int).tolist(), returns.tolist(), self.version
        self.gradients = [*self.gradients, rollout]

    def update(self, gradients):
        self.shared.note(self.name, "update")
        self.shared.pushes.append(list(gradients))
        self.version += 1


class Player:
    """Plays scripted games. Of a game's characters each is a step: - goes on, l loses a ball, x ends the game, c ends it by the clock."""

    def __init__(self, shared, games, rewards, seed=0, meanwhile=None):
        self.shared, self.games, self.rewards, self.meanwhile = shared, iter(games), iter(rewards), meanwhile
        self.network, self.rng = Network(shared, "own", 0), np.random.default_rng(seed)
        self.over, self.observation, self.played, self.first = True, None, [], 0

    def reset(self):
        self.shared.note("player", "reset")
        if not self.over:
            raise RuntimeError("the game is not over")
        self.turns, self.at, self.over = next(self.games), 0, False
        self.first += 20
        self.show()

    def step(self, action):
        self.shared.note("player", "step")
        if self.over:
            raise RuntimeError("the game is over")
        self.played.append((int(self.observation[0, 0, 0]), operator.index(action)))
        if self.meanwhile is not None:
            self.meanwhile()
        turn, self.at = self.turns[self.at], self.at + 1
        self.over = turn in "xc"
        self.show()
        return next(self.rewards), turn in "lx"

    def show(self):
        self.observation = np.full(SHAPE, (self.first + self.at) % 250, np.uint8)


GAMES = "--l---x", "----c", "-c", "l-----l--x", "x", "-" * 100  # whatever t_max is, some rollouts are cut short


def draw_world(rng, games=GAMES):
    """A player in a world of its own, with values and rewards that are drawn."""
    shared = Shared(rng.normal(0, 5, 250), version=int(rng.integers(4, 9)))
    rewards = rng.choice([-1.0, 0.0, 0.5, 1.0], 400).tolist()
    return shared, Player(shared, games, rewards)


def diary(answer, shared, player, cycles, t_max, discount):
    """What each of some cycles played, what it pushed, and how many steps it counted."""
    entries = []
    for _ in range(cycles):
        played, pushed, counted = len(player.played), len(shared.pushes), shared.count
        answer(player, shared, t_max, discount)
        entries.append((player.played[played:], shared.pushes[pushed:], shared.count - counted))
    return entries


@probe("06.6", "which steps are played, what is pushed after them, how many are counted")
def cycles(answer, rng):
    shared, player = draw_world(rng)
    return diary(answer, shared, player, 12, int(rng.integers(3, 6)), rng.uniform(0.6, 0.9))


@probe("06.6", "the lock, and which of the two networks does what")
def manners(answer, rng):
    shared, player = draw_world(rng)
    for _ in range(8):
        answer(player, shared, 4, 0.9)
    return sorted(shared.manners), shared.lock.held


@probe("06.6", "actions drawn with the policy's probabilities, from the player's generator", tolerance=0.06)
def drawing(answer, rng):
    policy, seeds = rng.permutation(np.float32([0.55, 0.35, 0.1])), rng.integers(2**31, size=2).tolist()
    values, runs = rng.normal(size=250), []
    for seed in (seeds[0], seeds[0], seeds[1]):
        shared = Shared(values, 5, policy)
        player = Player(shared, ["-" * 2_000], [0.0] * 2_000, seed)
        for _ in range(40):
            answer(player, shared, 30, 0.9)
        runs.append([action for _, action in player.played])
        pushed = [action for ((_, actions, *_),) in shared.pushes for action in actions]
        if pushed != runs[-1]:
            return "other actions are pushed than were played"
    both = runs[0] + runs[2]
    return np.bincount(both, minlength=3) / len(both), len(both), runs[0] == runs[1], runs[0] == runs[2]


@probe("06.6", "rollouts of a single step", extra=True)
def single_steps(answer, rng):
    shared, player = draw_world(rng)
    return diary(answer, shared, player, 12, 1, 0.8)


@probe("06.6", "rollouts as long as the game", extra=True)
def whole_games(answer, rng):
    shared, player = draw_world(rng, GAMES[:-1])
    return diary(answer, shared, player, 5, 50, 0.8)


@probe("06.6", "another worker pushes while this one plays", extra=True)
def meanwhile(answer, rng):
    shared, player = draw_world(rng)

    def push():
        shared.count += 7
        shared.network.version += 1

    player.meanwhile = push
    return diary(answer, shared, player, 6, 4, 0.8)


@probe("06.6", "two players in turns", extra=True)
def two_players(answer, rng):
    shared, one = draw_world(rng)
    other = Player(shared, GAMES[::-1], rng.choice([-1.0, 1.0], 400).tolist())
    return [diary(answer, shared, player, 1, 4, 0.8) for player in (one, other) * 4]


@probe("06.6", "a push that fails leaves the lock to the others", extra=True)
def failing_push(answer, rng):
    shared, player = draw_world(rng)

    def fail(gradients):
        raise ArithmeticError

    shared.network.update = fail
    try:
        answer(player, shared, 4, 0.8)
    except ArithmeticError:
        pass
    return shared.lock.held
