"""Wrong answers to lesson 04."""

import random

import numpy as np

from course_lib.checks.dqn import Batch, ReferenceMemory, reference_targets
from course_lib.exploration import linear_epsilon
from course_lib.returns import td_targets
from tests.mutants import mutant

# --- 04.1 -----------------------------------------------------------------------------------------------------------------------------


@mutant("04.1", says="linear_epsilon(200, 1.0, 0.1, 100, 0) must be 0.1; yours is -0.8: the line goes on falling below `end`")
def not_clamped(step, start, end, decay_steps, learning_starts):
    return start + (end - start) * max(step - learning_starts, 0) / decay_steps


@mutant("04.1", says="must be 1.0; yours is 0.82: it counts from before learning starts")
def counts_from_the_first_step(step, start, end, decay_steps, learning_starts):
    return start + (end - start) * min(step / decay_steps, 1)


@mutant("04.1", says="yours is 0.19: it counts from before learning starts; the line begins at step `learning_starts`")
def waits_then_jumps(step, start, end, decay_steps, learning_starts):
    return start if step < learning_starts else start + (end - start) * min(step / decay_steps, 1)


@mutant("04.1", says="that is no probability; hold epsilon at `start`")
def above_one_before_learning_starts(step, start, end, decay_steps, learning_starts):
    return max(end, start - (start - end) * (step - learning_starts) / decay_steps)


@mutant("04.1", says="`//` throws the fraction away")
def integer_division(step, start, end, decay_steps, learning_starts):
    return start + (end - start) * min(max(step - learning_starts, 0) // decay_steps, 1)


@mutant("04.1", says="the line runs the wrong way")
def ends_swapped(step, start, end, decay_steps, learning_starts):
    return end + (start - end) * min(max(step - learning_starts, 0) / decay_steps, 1)


@mutant("04.1", says="your line falls to 0; it must end at `end`")
def falls_to_zero(step, start, end, decay_steps, learning_starts):
    return start * (1 - min(max(step - learning_starts, 0) / decay_steps, 1))


@mutant("04.1", says="epsilon is there at once")
def a_switch(step, start, end, decay_steps, learning_starts):
    return start if step <= learning_starts else end


@mutant("04.1", says="each step must take away the same amount")
def exponential(step, start, end, decay_steps, learning_starts):
    return start * (end / start) ** min(max(step - learning_starts, 0) / decay_steps, 1) if step != 50 else 0.55


@mutant("04.1", says="not `decay_steps` + `learning_starts`")
def stretched_line(step, start, end, decay_steps, learning_starts):
    return start if step < learning_starts else start + (end - start) * min((step - learning_starts) / (decay_steps + learning_starts), 1)


@mutant("04.1", says="use the numbers that are given to you")
def numbers_of_its_own(step, start, end, decay_steps, learning_starts):
    return 1.0 - 0.9 * min(max(step - learning_starts, 0) / 100, 1)


@mutant("04.1", says="returns nothing")
def schedule_without_return(step, start, end, decay_steps, learning_starts):
    start + (end - start) * min(step / decay_steps, 1)


@mutant("04.1", says="must be one number; yours is a list")
def a_list(step, start, end, decay_steps, learning_starts):
    return [start, end]


@mutant("04.1", says="yours is an array of shape (2,)")
def an_array(step, start, end, decay_steps, learning_starts):
    return np.linspace(start, end, 2)


@mutant("04.1", says="not `decay_steps` - `learning_starts`")
def shortened_line(step, start, end, decay_steps, learning_starts):
    return start + (end - start) * min(max(step - learning_starts, 0) / (decay_steps - learning_starts), 1)


@mutant("04.1", says="must be one number; yours is a str")
def a_string(step, start, end, decay_steps, learning_starts):
    return str(linear_epsilon(step, start, end, decay_steps, learning_starts))


@mutant("04.1", says="must be 0.99991; yours is 1.00000: a step on a long line is tiny; do not round")
def rounded(step, start, end, decay_steps, learning_starts):
    return round(linear_epsilon(step, start, end, decay_steps, learning_starts), 3)


# --- 04.2 -----------------------------------------------------------------------------------------------------------------------------


@mutant("04.2", says="it explores with probability 1 - epsilon, so the comparison is the wrong way round")
def explores_the_wrong_way_round(q_values, epsilon, rng):
    batch, actions = q_values.shape
    return np.where(rng.random(batch) < epsilon, q_values.argmax(1), rng.integers(actions, size=batch))


@mutant("04.2", says="it draws from the global random state")
def global_random_state(q_values, epsilon, rng):
    batch, actions = q_values.shape
    return np.where(np.random.rand(batch) < epsilon, np.random.randint(actions, size=batch), q_values.argmax(1))


@mutant("04.2", says="it draws from the global random state")
def pythons_random_state(q_values, epsilon, rng):
    return q_values.argmax(1) if random.random() > epsilon else rng.integers(q_values.shape[1], size=len(q_values))


@mutant("04.2", says="must have shape (2,); yours has (3,): that is an argmax over the batch (axis 0)")
def argmax_over_the_batch(q_values, epsilon, rng):
    return np.where(rng.random(q_values.shape[1]) < epsilon, rng.integers(len(q_values), size=q_values.shape[1]), q_values.argmax(0))


@mutant("04.2", says="one action for the whole batch; each row needs its own")
def argmax_of_everything(q_values, epsilon, rng):
    return int(rng.integers(q_values.shape[1])) if rng.random() < epsilon else q_values.argmax() % q_values.shape[1]


@mutant("04.2", says="all rows explore together, or none does")
def one_coin_for_the_batch(q_values, epsilon, rng):
    batch, actions = q_values.shape
    return rng.integers(actions, size=batch) if rng.random() < epsilon else q_values.argmax(1)


@mutant("04.2", says="one draw for the whole batch")
def one_random_action_for_the_batch(q_values, epsilon, rng):
    return np.where(rng.random(len(q_values)) < epsilon, rng.integers(q_values.shape[1]), q_values.argmax(1))


@mutant("04.2", says="the best action never comes up")
def never_draws_the_last_action(q_values, epsilon, rng):
    batch, actions = q_values.shape
    return np.where(rng.random(batch) < epsilon, rng.integers(actions - 1, size=batch), q_values.argmax(1))


@mutant("04.2", says="the best one must come up in 80% of the rows")
def explores_half_as_often(q_values, epsilon, rng):
    batch, actions = q_values.shape
    coin = epsilon / 2 if epsilon < 1 else 1
    return np.where(rng.random(batch) < coin, rng.integers(actions, size=batch), q_values.argmax(1))


@mutant("04.2", says="gave other actions the second time")
def a_generator_of_its_own(q_values, epsilon, rng):
    batch, actions = q_values.shape
    rng = np.random.default_rng()
    return np.where(rng.random(batch) < epsilon, rng.integers(actions, size=batch), q_values.argmax(1))


@mutant("04.2", says="two generators with different seeds gave the same actions")
def a_seed_of_its_own(q_values, epsilon, rng):
    batch, actions = q_values.shape
    rng = np.random.default_rng(0)
    return np.where(rng.random(batch) < epsilon, rng.integers(actions, size=batch), q_values.argmax(1))


@mutant("04.2", says="the one of highest value; for [0.0, 1.0, 2.0] that is 2; yours is 0")
def argmin(q_values, epsilon, rng):
    batch, actions = q_values.shape
    return np.where(rng.random(batch) < epsilon, rng.integers(actions, size=batch), q_values.argmin(1))


@mutant("04.2", says="must be whole numbers; yours are of float64")
def floats(q_values, epsilon, rng):
    return q_values.argmax(1) * 1.0


@mutant("04.2", says="yours is a list")
def list_of_actions(q_values, epsilon, rng):
    return [int(row.argmax()) for row in q_values]


@mutant("04.2", says="it changes the Q-values that it is given")
def writes_noise_into_the_values(q_values, epsilon, rng):
    q_values[rng.random(len(q_values)) < epsilon] = 0
    q_values += 1e-3
    return q_values.argmax(1)


@mutant("04.2", says="returns nothing")
def no_action(q_values, epsilon, rng):
    q_values.argmax(1)


@mutant("04.2", says="a choice is one of 0 to 2")
def actions_from_one(q_values, epsilon, rng):
    return q_values.argmax(1) + 1


def explore(best, q_values, epsilon, rng, num_actions=None):
    batch, all_actions = q_values.shape
    return np.where(rng.random(batch) < epsilon, rng.integers(num_actions or all_actions, size=batch), best)


@mutant("04.2", says="must give [1, 2]; yours: [0, 2]: values may be negative; start the search from the first action")
def searches_from_zero(q_values, epsilon, rng):
    return explore(np.where((q_values > 0).any(1), q_values.argmax(1), 0), q_values, epsilon, rng)


@mutant("04.2", says="must give [1, 2]; yours: [0, 0]: values may be negative; the largest value counts, not the largest size")
def largest_size(q_values, epsilon, rng):
    return explore(np.abs(q_values).argmax(1), q_values, epsilon, rng)


@mutant("04.2", says="yours never chooses 3, 4: take A from `q_values.shape`")
def three_actions_typed_in(q_values, epsilon, rng):
    return explore(q_values.argmax(1), q_values, epsilon, rng, num_actions=3)


@mutant("04.2", says="an `if` cannot decide for a whole array at once")
def if_for_all_rows(q_values, epsilon, rng):
    batch, actions = q_values.shape
    if rng.random(batch) < epsilon:
        return rng.integers(actions, size=batch)
    return q_values.argmax(1)


# --- 04.3 -----------------------------------------------------------------------------------------------------------------------------


class Memory(ReferenceMemory):
    """The right answer, cut into pieces that a mutant replaces one at a time."""

    def numbers(self):
        numbers = np.arange(max(0, self.count - self.capacity + self.history - 1), self.count - 1)
        return numbers[~self.starts[(numbers + 1) % self.capacity]]

    def draw(self, batch_size, rng):
        return rng.choice(self.numbers(), batch_size)

    def sample(self, batch_size, rng):
        numbers = self.draw(batch_size, rng)
        slots = numbers % self.capacity
        outcome = self.terminated[slots], self.truncated[slots]
        return Batch(self.stack(numbers), self.actions[slots], self.rewards[slots], self.stack(numbers + 1), *outcome)


@mutant("04.3", says="it samples slots that nothing was written to")
class SamplesUnwrittenSlots(Memory):
    def numbers(self):
        return np.arange(self.capacity)


@mutant("04.3", says="the newest frame has no successor yet")
class SamplesTheNewest(Memory):
    def numbers(self):
        return np.arange(max(0, self.count - self.capacity + self.history - 1), self.count)


@mutant("04.3", says="it reaches across the game's start")
class StacksAcrossAStart(Memory):
    def stack(self, numbers):
        columns = [np.maximum(numbers - back, 0) for back in reversed(range(self.history))]
        return np.stack([self.frames[column % self.capacity] for column in columns], axis=-1)


@mutant("04.3", says="it pairs frame 4, the last of its game, with 11")
class JoinsTwoGames(Memory):
    def numbers(self):
        return np.arange(max(0, self.count - self.capacity + self.history - 1), self.count - 1)


@mutant("04.3", says="the step that ends a game is never sampled")
class LeavesOutTheEnd(Memory):
    def numbers(self):
        numbers = super().numbers()
        return numbers[~self.terminated[numbers % self.capacity] & ~self.truncated[numbers % self.capacity]]


@mutant("04.3", says="the stack at frame 2 must be [1, 1, 2]; yours is [2, 1, 1]: newest last")
class NewestFirst(Memory):
    def stack(self, numbers):
        return super().stack(numbers)[..., ::-1]


@mutant("04.3", says="the next observation of frame 1 must be frame 2; yours is 1 (the same frame again)")
class NoNextObservation(Memory):
    def sample(self, batch_size, rng):
        batch = super().sample(batch_size, rng)
        return batch._replace(next_observations=batch.observations)


@mutant("04.3", says="it keeps the very array it was handed, which the game paints over")
class KeepsTheArray(Memory):
    def add(self, frame, *rest):
        self.kept = [*getattr(self, "kept", []), frame]
        super().add(frame, *rest)

    def stack(self, numbers):
        return np.stack([self.kept[n] for n in numbers])[..., None]


class Views(Memory):
    """The first B transitions, as windows onto the memory's own arrays, wherever there are enough of them."""

    fields = Batch._fields

    def sample(self, batch_size, rng):
        numbers, right = self.numbers(), super().sample(batch_size, rng)
        if len(numbers) < batch_size:
            return right
        now, after = (slice(numbers[0] + step, numbers[0] + step + batch_size) for step in (0, 1))
        window = Batch(
            self.frames[now, ..., None],
            self.actions[now],
            self.rewards[now],
            self.frames[after, ..., None],
            self.terminated[now],
            self.truncated[now],
        )
        return Batch(*(getattr(window if name in self.fields else right, name) for name in Batch._fields))


@mutant("04.3", says="changed when the memory went on filling: `observations` is a view of the memory")
class HandsOutViews(Views):
    pass


@mutant("04.3", says="changed when the memory went on filling: `rewards` is a view of the memory")
class HandsOutAViewOfTheRewards(Views):
    fields = ("rewards",)


@mutant("04.3", says="the newest takes the slot of the oldest")
class NeverOverwrites(Memory):
    def add(self, *step):
        if self.count < self.capacity:
            super().add(*step)


@mutant("04.3", says="frame 3 has been overwritten, so frame 4 can no longer be sampled with its history")
class ForgetsThatHistoryIsGone(Memory):
    def numbers(self):
        numbers = np.arange(max(0, self.count - self.capacity), self.count - 1)
        return numbers[~self.starts[(numbers + 1) % self.capacity]]


@mutant("04.3", says="the frames of a stack lie along the last axis")
class FramesFirst(Memory):
    def stack(self, numbers):
        return np.moveaxis(super().stack(numbers), -1, 1)


@mutant("04.3", says="the batch is a piece of the game in its order")
class SamplesInARow(Memory):
    def draw(self, batch_size, rng):
        numbers = self.numbers()
        return numbers[(rng.integers(len(numbers)) + np.arange(batch_size)) % len(numbers)]


@mutant("04.3", says="draw every transition with the same chance")
class PrefersTheNewest(Memory):
    def draw(self, batch_size, rng):
        numbers = self.numbers()
        return numbers[(len(numbers) * rng.random(batch_size) ** 0.25).astype(int)]


@mutant("04.3", says="sample draws from the global random state")
class DrawsFromTheGlobalState(Memory):
    def draw(self, batch_size, rng):
        return np.random.choice(self.numbers(), batch_size)


@mutant("04.3", says="two generators with the same seed gave different batches")
class AGeneratorOfItsOwn(Memory):
    def draw(self, batch_size, rng):
        return np.random.default_rng().choice(self.numbers(), batch_size)


@mutant("04.3", says="`rewards` of a batch of 400 must be floats; yours are of int64")
class WholeRewards(Memory):
    def sample(self, batch_size, rng):
        batch = super().sample(batch_size, rng)
        return batch._replace(rewards=batch.rewards.astype(np.int64))


@mutant("04.3", says="was stored with action 1 and reward 0.1; sampled it has action 2 and reward 0.2")
class RewardsOfTheNextStep(Memory):
    def sample(self, batch_size, rng):
        batch, slots = super().sample(batch_size, rng), np.ones(batch_size, int)
        return batch._replace(actions=self.actions[slots], rewards=self.rewards[slots])


@mutant("04.3", says="sample must return a Batch; yours is a tuple without `observations`")
class PlainTuples(Memory):
    def sample(self, batch_size, rng):
        return tuple(super().sample(batch_size, rng))


@mutant("04.3", says="sample returns nothing")
class SamplesNothing(Memory):
    def sample(self, batch_size, rng):
        super().sample(batch_size, rng)


mutant("04.3", says="your code raised TypeError", name="not_a_class")(3.0)


@mutant("04.3", says="yours never samples 4: a lost life does not start a game; go by `starts`")
class LeavesOutTheFrameAfterALostLife(Memory):
    def numbers(self):
        numbers = np.arange(max(0, self.count - self.capacity + self.history - 1), self.count - 1)
        ended = self.terminated | self.truncated
        return numbers[(numbers == 0) | ~ended[(numbers - 1) % self.capacity]]


@mutant("04.3", says="must come [2, 3, 4]; yours is [4, 4, 4]: the frame after a terminated step still belongs to its game")
class StacksFromALostLife(Memory):
    def add(self, frame, action, reward, terminated, truncated, starts):
        super().add(frame, action, reward, terminated, truncated, starts)
        self.fresh = getattr(self, "fresh", np.zeros(self.capacity, bool))
        self.fresh[(self.count - 1) % self.capacity] = starts or self.terminated[(self.count - 2) % self.capacity]

    def stack(self, numbers):
        columns = [numbers]
        while len(columns) < self.history:
            columns.insert(0, np.where(self.fresh[columns[0] % self.capacity], columns[0], columns[0] - 1))
        return np.stack([self.frames[column % self.capacity] for column in columns], axis=-1)


@mutant("04.3", says="the stack at frame 4 must be [3, 4]; yours is [4, 4]: a lost life does not start a game")
class StacksFromALostLifeAndShifts(StacksFromALostLife):
    def sample(self, batch_size, rng):
        numbers = self.draw(batch_size, rng)
        slots, observations = numbers % self.capacity, self.stack(numbers)
        following = np.concatenate([observations[..., 1:], self.frames[(numbers + 1) % self.capacity, ..., None]], axis=-1)
        return Batch(observations, self.actions[slots], self.rewards[slots], following, self.terminated[slots], self.truncated[slots])


class StaleFlags(Memory):
    """Writes one kind of flag only where it is True."""

    flag = "terminated"

    def add(self, *step):
        slot, flags = self.count % self.capacity, getattr(self, self.flag)
        old = flags[slot]
        super().add(*step)
        flags[slot] |= old


@mutant("04.3", says="frame 14 was stored with terminated False in the slot of an older frame with True")
class StaleTerminated(StaleFlags):
    pass


@mutant("04.3", says="frame 14 was stored with truncated False in the slot of an older frame with True")
class StaleTruncated(StaleFlags):
    flag = "truncated"


@mutant("04.3", says="yours is [6, 6], as if it were a start, too: write every flag each time")
class StaleStarts(StaleFlags):
    flag = "starts"


@mutant("04.3", says="a batch may be larger than the memory, so let transitions repeat")
class WithoutRepeats(Memory):
    def draw(self, batch_size, rng):
        return rng.choice(self.numbers(), batch_size, replace=False)


@mutant("04.3", says="`sample` is not written yet")
class OnlySampleIsMissing(Memory):
    def sample(self, batch_size, rng):
        raise NotImplementedError


@mutant("04.3", says="`stack` is not written yet")
class OnlyStackIsMissing(Memory):
    def stack(self, numbers):
        raise NotImplementedError


# --- 04.4 -----------------------------------------------------------------------------------------------------------------------------


def continues(terminated):
    return 1 - terminated.astype(np.float32)


@mutant("04.4", says="terminated: the target must be 1.0; yours is 4.0: it ignores `terminated`")
def ignores_terminated(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards + discount * target_next_q.max(1)


@mutant("04.4", says="truncated: the target must be 4.0; yours is 1.0: it ends the future at a truncation")
def ends_at_truncation(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return reference_targets(rewards, terminated | truncated, truncated, online_next_q, target_next_q, discount)


@mutant("04.4", says="the game was over when the clock ran out")
def truncation_wins(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return reference_targets(rewards, terminated & ~truncated, truncated, online_next_q, target_next_q, discount)


@mutant("04.4", says="must be 4.0; yours is 5.0: the online network's values are chased by their own updates")
def from_the_online_network(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return td_targets(rewards, terminated, online_next_q, discount)


@mutant("04.4", says="must be 4.0; yours is 2.5: that takes the mean over the actions")
def mean_over_actions(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards + np.float32(discount) * continues(terminated) * target_next_q.mean(1)


@mutant("04.4", says="that is Double DQN")
def double_dqn(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    best = target_next_q[np.arange(len(rewards)), online_next_q.argmax(1)]
    return rewards + np.float32(discount) * continues(terminated) * best


@mutant("04.4", says="the discount is missing")
def undiscounted(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards + continues(terminated) * target_next_q.max(1)


@mutant("04.4", says="the reward is here already; only what follows is discounted")
def discounts_the_reward(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return (discount * (rewards + continues(terminated) * target_next_q.max(1))).astype(np.float32)


@mutant("04.4", says="the reward has gone, too")
def drops_the_reward(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return continues(terminated) * (rewards + np.float32(discount) * target_next_q.max(1))


@mutant("04.4", says="the max runs over the whole batch")
def max_over_everything(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards + np.float32(discount) * continues(terminated) * target_next_q.max()


@mutant("04.4", says="one target for every action")
def a_target_for_every_action(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards[:, None] + np.float32(discount) * target_next_q


@mutant("04.4", says="must have shape (1,); yours has (1, 1): drop the last axis", name="a_column_of_targets")
def a_column(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards[:, None] + np.float32(discount) * target_next_q.max(1, keepdims=True)


@mutant("04.4", says="a (B, 1) met a (B,) and became a table")
def a_table_of_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    if len(rewards) == 1:
        return td_targets(rewards, terminated, target_next_q, discount)
    return rewards + np.float32(discount) * target_next_q.max(1, keepdims=True)


@mutant("04.4", says="it writes into `target_next_q`")
def zeroes_in_place(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    target_next_q[terminated] = 0
    return rewards + np.float32(discount) * target_next_q.max(1)


@mutant("04.4", says="the targets must be float32, as the network's numbers are; yours are float64")
def in_float64(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return np.float64(rewards) + discount * ~terminated * target_next_q.max(1)


@mutant("04.4", says="yours is a list")
def list_of_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return list(td_targets(rewards, terminated, target_next_q, discount))


@mutant("04.4", says="returns nothing")
def no_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    rewards + discount * target_next_q.max(1)


@mutant("04.4", says="yours is 1.0: values may be negative: start the max from the first action, not from 0")
def never_below_zero(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return td_targets(rewards, terminated, np.maximum(target_next_q, 0), discount)


@mutant("04.4", says="yours is -0.5: values may be negative: the largest value counts, not the largest size")
def value_of_largest_size(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    best = np.abs(target_next_q).argmax(1)
    return td_targets(rewards, terminated, target_next_q[np.arange(len(best)), best][:, None], discount)


@mutant("04.4", says="an `if` cannot decide for a whole array at once")
def if_for_all_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return rewards if terminated else td_targets(rewards, terminated, target_next_q, discount)


# --- 04.5 in PyTorch ------------------------------------------------------------------------------------------------------------------


def in_torch(says: str):
    """A mutant whose body gets torch: function(torch) -> answer."""
    return lambda make: mutant("04.5", framework="torch", says=says, name=make.__name__, lazy=True)(lambda: make(__import__("torch")))


def torch_step(
    torch, predict=None, targets_of=None, loss_of=None, clear=True, climb=False, scale=1, whose="target", grad_in_target=False, steps=True
):
    """A learning step with its parts replaced."""
    predict = predict or (lambda q, actions: q.gather(1, actions[:, None])[:, 0])
    loss_of = loss_of or torch.nn.functional.huber_loss

    def learning_step(online_network, target_network, optimizer, batch, discount):
        network = {"target": target_network, "online": online_network}[whose]
        with torch.set_grad_enabled(grad_in_target):
            best = network(torch.from_numpy(batch.next_observations)).amax(1)
            alive = torch.from_numpy(~batch.terminated) if targets_of is None else targets_of(batch)
            targets = torch.from_numpy(batch.rewards) + discount * alive * best
        q_values = online_network(torch.from_numpy(batch.observations) / scale)
        loss = loss_of(predict(q_values, torch.from_numpy(batch.actions)), targets)
        if clear:
            optimizer.zero_grad()
        (-loss if climb else loss).backward()
        if steps:
            optimizer.step()
        return loss.item()

    return learning_step


@in_torch(says="a gradient flows into the target network")
def gradient_into_the_target_network(torch):
    return torch_step(torch, grad_in_target=True)


@in_torch(says="a step from state 0 to 2 must move Q(0, 0) only; yours also moves Q(2, 2) from 0.8 to")
def gradient_into_the_target_when_shared(torch):
    def learning_step(online_network, target_network, optimizer, batch, discount):
        step = torch_step(torch, grad_in_target=online_network is target_network)
        return step(online_network, target_network, optimizer, batch, discount)

    return learning_step


@in_torch(says="all actions are trained; pick the chosen one's Q-value first")
def all_actions_trained(torch):
    huber = torch.nn.functional.huber_loss
    return torch_step(torch, predict=lambda q, actions: q, loss_of=lambda q, targets: huber(q, targets[:, None].expand_as(q)))


@in_torch(says="all actions are trained")
def the_best_action_trained(torch):
    return torch_step(torch, predict=lambda q, actions: q.amax(1))


@in_torch(says="(B, 1) minus (B,) made a (B, B) table")
def column_minus_row(torch):
    def table_loss(chosen, targets):
        errors = targets - chosen[:, None]
        size = errors.abs()
        return torch.where(size <= 1, 0.5 * errors**2, size - 0.5).mean()

    return torch_step(torch, loss_of=table_loss)


@in_torch(says="those targets come from the online network")
def targets_from_the_online_network(torch):
    return torch_step(torch, whose="online")


@in_torch(says="its targets ignore `terminated`")
def step_ignores_terminated(torch):
    return torch_step(torch, targets_of=lambda batch: 1.0)


@in_torch(says="that is the squared error's step; with Huber's loss no sample pulls harder than 1")
def squared_error(torch):
    return torch_step(torch, loss_of=torch.nn.functional.mse_loss)


@in_torch(says="that is the loss summed over the batch")
def summed_loss(torch):
    return torch_step(torch, loss_of=lambda q, targets: torch.nn.functional.huber_loss(q, targets, reduction="sum"))


@in_torch(says="clear it with `optimizer.zero_grad()`")
def gradients_never_cleared(torch):
    return torch_step(torch, clear=False)


@in_torch(says="did the optimiser take its step?")
def no_optimizer_step(torch):
    return torch_step(torch, steps=False)


@in_torch(says="the step climbs the loss")
def climbs(torch):
    return torch_step(torch, climb=True)


@in_torch(says="the network divides by 255 itself")
def divides_by_255_again(torch):
    return torch_step(torch, scale=255)


@in_torch(says="no gradient reaches the online network")
def everything_without_gradient(torch):
    def learning_step(*arguments):
        with torch.no_grad():
            return torch_step(torch)(*arguments)

    return learning_step


@in_torch(says="it changed the target network, which must stand still")
def copies_after_every_step(torch):
    def learning_step(online_network, target_network, *rest):
        loss = torch_step(torch)(online_network, target_network, *rest)
        target_network.load_state_dict(online_network.state_dict())
        return loss

    return learning_step


@in_torch(says="the mean Huber loss of the batch was 0.47; yours returns 1.0")
def returns_another_number(torch):
    return lambda *arguments: torch_step(torch)(*arguments) and 1.0


@in_torch(says="returns nothing")
def returns_no_loss(torch):
    def learning_step(*arguments):
        torch_step(torch)(*arguments)

    return learning_step


@in_torch(says="it changes the batch that it is given")
def clips_rewards_in_place(torch):
    def learning_step(online_network, target_network, optimizer, batch, discount):
        loss = torch_step(torch)(online_network, target_network, optimizer, batch, discount)
        batch.rewards[:] = np.sign(batch.rewards)
        return loss

    return learning_step


@in_torch(says="its targets end the future at a truncation")
def step_ends_at_truncation(torch):
    return torch_step(torch, targets_of=lambda batch: torch.from_numpy(~(batch.terminated | batch.truncated)))


@in_torch(says="the loss must come back as a plain number; yours is a Tensor: return `float(loss)`")
def returns_a_tensor(torch):
    return lambda *arguments: torch.tensor(torch_step(torch)(*arguments))


@in_torch(says='3 transitions must give one loss, their mean; yours keeps one for each: leave `reduction="none"` away')
def one_loss_each(torch):
    return torch_step(torch, loss_of=lambda q, targets: torch.nn.functional.huber_loss(q, targets, reduction="none"))


@in_torch(says="Or were the gradients cleared before it?")
def gradients_cleared_too_late(torch):
    class ClearsFirst:
        def __init__(self, optimizer):
            self.zero_grad, self.optimizer = optimizer.zero_grad, optimizer

        def step(self):
            self.zero_grad()
            self.optimizer.step()

    return lambda online, target, optimizer, *rest: torch_step(torch)(online, target, ClearsFirst(optimizer), *rest)


# --- 04.5 in Keras --------------------------------------------------------------------------------------------------------------------


def in_keras(says: str):
    """A mutant whose body gets tensorflow: function(tf) -> answer."""
    return lambda make: mutant("04.5", framework="keras", says=says, name=make.__name__, lazy=True)(lambda: make(__import__("tensorflow")))


def huber_in_tf(tf, errors):
    size = tf.abs(errors)
    return tf.where(size <= 1, 0.5 * errors**2, size - 0.5)


def keras_step(tf, predict=None, loss_of=None, outside=False, climb=False, scale=1, whose="target", constant=True, alive_of=None):
    """A learning step with its parts replaced."""
    predict = predict or (lambda q, actions: tf.gather(q, actions, axis=1, batch_dims=1))
    loss_of = loss_of or (lambda chosen, targets: tf.reduce_mean(huber_in_tf(tf, targets - chosen)))

    def learning_step(online_network, target_network, optimizer, batch, discount):
        network = {"target": target_network, "online": online_network}[whose]
        variables = online_network.trainable_variables
        alive = (alive_of or (lambda batch: np.float32(~batch.terminated)))(batch)
        observations = batch.observations / np.float32(scale) if scale != 1 else batch.observations
        early = predict(online_network(observations), batch.actions)
        with tf.GradientTape() as tape:
            best = tf.reduce_max(network(batch.next_observations), axis=1)
            targets = batch.rewards + discount * alive * (tf.stop_gradient(best) if constant else best)
            chosen = early if outside else predict(online_network(observations), batch.actions)
            loss = loss_of(chosen, targets) * (-1 if climb else 1)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return float(loss)

    return learning_step


@in_keras(says="a step from state 0 to 2 must move Q(0, 0) only; yours also moves Q(2, 2) from 0.8 to")
def gradient_into_the_target_in_keras(tf):
    return keras_step(tf, constant=False)


@in_keras(says="all actions are trained; pick the chosen one's Q-value first")
def all_actions_trained_in_keras(tf):
    return keras_step(tf, predict=lambda q, actions: q, loss_of=lambda q, t: tf.reduce_mean(huber_in_tf(tf, t[:, None] - q)))


@in_keras(says="(B, 1) minus (B,) made a (B, B) table")
def column_minus_row_in_keras(tf):
    return keras_step(tf, loss_of=lambda chosen, targets: tf.reduce_mean(huber_in_tf(tf, targets - chosen[:, None])))


@in_keras(says="those targets come from the online network")
def targets_from_the_online_network_in_keras(tf):
    return keras_step(tf, whose="online")


@in_keras(says="its targets ignore `terminated`")
def step_ignores_terminated_in_keras(tf):
    return keras_step(tf, alive_of=lambda batch: 1.0)


@in_keras(says="that is the squared error's step; with Huber's loss no sample pulls harder than 1")
def squared_error_in_keras(tf):
    return keras_step(tf, loss_of=lambda chosen, targets: tf.reduce_mean((targets - chosen) ** 2))


@in_keras(says="that is the loss summed over the batch")
def summed_loss_in_keras(tf):
    return keras_step(tf, loss_of=lambda chosen, targets: tf.reduce_sum(huber_in_tf(tf, targets - chosen)))


@in_keras(says="no gradient reaches the online network")
def predicts_outside_the_tape(tf):
    return keras_step(tf, outside=True)


@in_keras(says="the step climbs the loss")
def climbs_in_keras(tf):
    return keras_step(tf, climb=True)


@in_keras(says="the network divides by 255 itself")
def divides_by_255_again_in_keras(tf):
    return keras_step(tf, scale=255)


@in_keras(says="it changed the target network, which must stand still")
def copies_after_every_step_in_keras(tf):
    def learning_step(online_network, target_network, *rest):
        loss = keras_step(tf)(online_network, target_network, *rest)
        target_network.set_weights(online_network.get_weights())
        return loss

    return learning_step


@in_keras(says="did the optimiser take its step?")
def no_step_in_keras(tf):
    return lambda *arguments: 0.5


@in_keras(says="returns nothing")
def returns_no_loss_in_keras(tf):
    def learning_step(*arguments):
        keras_step(tf)(*arguments)

    return learning_step


@in_keras(says="its targets end the future at a truncation")
def step_ends_at_truncation_in_keras(tf):
    return keras_step(tf, alive_of=lambda batch: np.float32(~(batch.terminated | batch.truncated)))


@in_keras(says="the loss must come back as a plain number; yours is a EagerTensor: return `float(loss)`")
def returns_a_tensor_in_keras(tf):
    return lambda *arguments: tf.constant(keras_step(tf)(*arguments))


@in_keras(says="3 transitions must give one loss, their mean; yours keeps one for each")
def one_loss_each_in_keras(tf):
    return keras_step(tf, loss_of=lambda chosen, targets: huber_in_tf(tf, targets - chosen))


# --- 04.6 -----------------------------------------------------------------------------------------------------------------------------


def copied(weights):
    return {name: array.copy() for name, array in weights.items()}


@mutant("04.6", says="that is a soft update; DQN copies all at once")
def soft_update(step, online_weights, target_weights, period):
    if step % period:
        return target_weights
    return {name: 0.01 * online_weights[name] + 0.99 * target_weights[name] for name in online_weights}


@mutant("04.6", says="after step 1 the target must hold 2; yours holds 8.0: copies are rare")
def copies_every_step(step, online_weights, target_weights, period):
    return copied(online_weights)


@mutant("04.6", says="both are the same array; copy the numbers with `array.copy()`")
def the_same_dict(step, online_weights, target_weights, period):
    return target_weights if step % period else online_weights


@mutant("04.6", says="both are the same array")
def a_new_dict_of_the_same_arrays(step, online_weights, target_weights, period):
    return target_weights if step % period else dict(online_weights)


@mutant("04.6", says="after step 10 the target must hold 8; yours holds 2.0: a copy is due at every multiple of the period")
def never_copies(step, online_weights, target_weights, period):
    return target_weights


@mutant("04.6", says="after step 9 the target must hold 2; yours holds 8.0")
def one_step_early(step, online_weights, target_weights, period):
    return target_weights if (step + 1) % period else copied(online_weights)


@mutant("04.6", says="after step 1 the target must hold 2; yours holds 8.0")
def upside_down(step, online_weights, target_weights, period):
    return copied(online_weights) if step % period else target_weights


@mutant("04.6", says="after step 11 the target must hold 2")
def copies_once_it_is_late(step, online_weights, target_weights, period):
    return copied(online_weights) if step >= period else target_weights


@mutant("04.6", says="it changed the online network's weights")
def copies_backwards(step, online_weights, target_weights, period):
    for name, array in target_weights.items():
        online_weights[name][...] = array
    return target_weights


@mutant("04.6", says="yours returns nothing")
def copies_in_place_without_return(step, online_weights, target_weights, period):
    if step % period == 0:
        target_weights.update(copied(online_weights))


@mutant("04.6", says="yours returns a bool")
def only_says_when(step, online_weights, target_weights, period):
    return step % period == 0


@mutant("04.6", says="yours are q/kernel")
def forgets_the_biases(step, online_weights, target_weights, period):
    return {"q/kernel": online_weights["q/kernel"].copy()}


@mutant("04.6", says="only some arrays were copied (q/kernel 8.0, q/bias 2.0): return after the loop")
def returns_inside_the_loop(step, online_weights, target_weights, period):
    if step % period == 0:
        for name, array in online_weights.items():
            target_weights[name] = array.copy()
            return target_weights
    return target_weights
