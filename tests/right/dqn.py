"""Right answers to lesson 04 in other styles."""

import copy
from collections import deque, namedtuple

import numpy as np

from tests.right import right

# --- 04.1 -----------------------------------------------------------------------------------------------------------------------------


@right("04.1")
def three_cases(step, start, end, decay_steps, learning_starts):
    if step <= learning_starts:
        return start
    if step >= learning_starts + decay_steps:
        return end
    return start - (start - end) * (step - learning_starts) / decay_steps


@right("04.1")
def interpolates(step, start, end, decay_steps, learning_starts):
    return float(np.interp(step, [learning_starts, learning_starts + decay_steps], [start, end]))


@right("04.1")
def clips_the_share_left(step, start, end, decay_steps, learning_starts):
    left = np.clip((learning_starts + decay_steps - step) / decay_steps, 0, 1)
    return end + left * (start - end)


@right("04.1")
def holds_the_line_at_its_ends(step, start, end, decay_steps, learning_starts):
    slope = (end - start) / decay_steps
    return min(start, max(end, start + slope * (step - learning_starts)))


# --- 04.2 -----------------------------------------------------------------------------------------------------------------------------


@right("04.2")
def row_by_row(q_values, epsilon, rng):
    actions = []
    for row in q_values:
        if rng.random() < epsilon:
            actions.append(rng.integers(len(row)))
        else:
            actions.append(np.argmax(row))
    return np.array(actions)


@right("04.2")
def overwrites_those_that_explore(q_values, epsilon, rng):
    actions = q_values.argmax(axis=-1)
    explores = rng.uniform(size=len(actions)) <= epsilon
    actions[explores] = rng.choice(q_values.shape[1], size=explores.sum())
    return actions.astype(np.int32)


@right("04.2")
def one_number_for_both_questions(q_values, epsilon, rng):
    batch, num_actions = q_values.shape
    chances = np.full((batch, num_actions), epsilon / num_actions)
    chances[np.arange(batch), q_values.argmax(1)] += 1 - epsilon
    drawn = (rng.random((batch, 1)) >= chances.cumsum(1)).sum(1)
    return np.minimum(drawn, num_actions - 1)


@right("04.2")
def sorts_the_values(q_values, epsilon, rng):
    batch, num_actions = q_values.shape
    order = np.argsort(q_values, axis=1)[:, ::-1]
    place = np.where(rng.binomial(1, epsilon, batch) == 1, rng.integers(0, num_actions, batch), 0)
    return np.take_along_axis(order, place[:, None], axis=1).squeeze(1)


# --- 04.3 -----------------------------------------------------------------------------------------------------------------------------

Batch = namedtuple("Batch", "observations actions rewards next_observations terminated truncated")


class Slots:
    """What the lesson's class inherits."""

    def __init__(self, capacity, frame_shape, history):
        self.frames = np.zeros((capacity, *frame_shape), np.uint8)
        self.actions, self.rewards = np.zeros(capacity, np.int64), np.zeros(capacity, np.float32)
        self.terminated, self.truncated, self.starts = np.zeros((3, capacity), bool)
        self.capacity, self.history = capacity, history
        self.count = 0


@right("04.3")
class WalksBackInLoops(Slots):
    def add(self, frame, action, reward, terminated, truncated, starts):
        i = self.count % self.capacity
        self.frames[i] = frame
        self.actions[i] = action
        self.rewards[i] = reward
        self.terminated[i] = terminated
        self.truncated[i] = truncated
        self.starts[i] = starts
        self.count = self.count + 1

    def stack(self, numbers):
        observations = np.empty((len(numbers), *self.frames.shape[1:], self.history), np.uint8)
        for row, number in enumerate(numbers):
            for channel in range(self.history - 1, -1, -1):
                observations[row, :, :, channel] = self.frames[number % self.capacity]
                if not self.starts[number % self.capacity]:
                    number -= 1
        return observations

    def sample(self, batch_size, rng):
        oldest = max(0, self.count - self.capacity)
        candidates = []
        for number in range(oldest, self.count - 1):
            if self.starts[(number + 1) % self.capacity]:
                continue
            if oldest == 0 or number - oldest >= self.history - 1:
                candidates.append(number)
        chosen = [candidates[k] for k in rng.integers(len(candidates), size=batch_size)]
        slots = [number % self.capacity for number in chosen]
        return Batch(
            self.stack(chosen),
            self.actions[slots],
            self.rewards[slots],
            self.stack([number + 1 for number in chosen]),
            self.terminated[slots],
            self.truncated[slots],
        )


@right("04.3")
class KeepsAges(Slots):
    """Notes how old each frame's game was; samples a start that is the oldest frame, too."""

    def __init__(self, capacity, frame_shape, history):
        super().__init__(capacity, frame_shape, history)
        self.ages = np.zeros(capacity, np.int64)

    def add(self, frame, *step):
        slot = self.count % self.capacity
        self.frames[slot] = frame
        self.actions[slot], self.rewards[slot], self.terminated[slot], self.truncated[slot], starts = step
        self.ages[slot] = 0 if starts else self.ages[slot - 1] + 1
        self.count += 1

    def stack(self, numbers):
        back = np.arange(self.history)[::-1]
        back = np.minimum(back, self.ages[numbers % self.capacity][:, None])  # [B, L]
        return np.moveaxis(self.frames[(numbers[:, None] - back) % self.capacity], 1, -1)

    def sample(self, batch_size, rng):
        oldest = max(0, self.count - self.capacity)
        numbers = np.arange(oldest, self.count - 1)
        whole = numbers - np.minimum(self.ages[numbers % self.capacity], self.history - 1) >= oldest
        followed = self.ages[(numbers + 1) % self.capacity] > 0
        numbers = rng.choice(numbers[whole & followed], size=batch_size, replace=True)
        now = numbers % self.capacity
        return Batch(
            self.stack(numbers), self.actions[now], self.rewards[now], self.stack(numbers + 1), self.terminated[now], self.truncated[now]
        )


@right("04.3")
class DequeOfSteps:
    """Attributes of its own: the steps as tuples, each with the number of its game."""

    def __init__(self, capacity, frame_shape, history):
        self.steps, self.history = deque(maxlen=capacity), history
        self.game = self.told = 0

    def add(self, frame, action, reward, terminated, truncated, starts):
        self.game += bool(starts)
        self.told += 1
        self.steps.append((np.array(frame), action, reward, terminated, truncated, self.game))

    def observation(self, number):
        first = self.told - len(self.steps)
        game, frames = self.steps[number - first][-1], []
        for back in range(self.history):
            place = number - back - first
            if place >= 0 and self.steps[place][-1] == game:
                frames.insert(0, self.steps[place][0])
            else:
                frames.insert(0, frames[0])
        return np.stack(frames, axis=-1)

    def stack(self, numbers):
        return np.array([self.observation(number) for number in numbers])

    def sample(self, batch_size, rng):
        first = self.told - len(self.steps)
        begin = first + self.history - 1 if first else 0
        able = [n for n in range(begin, self.told - 1) if self.steps[n - first][-1] == self.steps[n + 1 - first][-1]]
        numbers = rng.choice(able, batch_size)
        _, actions, rewards, terminated, truncated, _ = zip(*(self.steps[n - first] for n in numbers))
        return Batch(
            observations=self.stack(numbers),
            actions=np.array(actions),
            rewards=np.array(rewards, dtype=np.float32),
            next_observations=self.stack(numbers + 1),
            terminated=np.array(terminated),
            truncated=np.array(truncated),
        )


@right("04.3")
class TriesUntilOneFits(Slots):
    """Draws a number, and another one where it does not fit."""

    def add(self, *step):
        slot = self.count % self.capacity
        for array, value in zip((self.frames, self.actions, self.rewards, self.terminated, self.truncated, self.starts), step):
            array[slot] = value
        self.count += 1

    def stack(self, numbers):
        current, frames = np.array(numbers), []
        for _ in range(self.history):
            frames.append(self.frames[current % self.capacity])
            current = current - 1 + self.starts[current % self.capacity]
        return np.stack(frames[::-1], axis=3)

    def sample(self, batch_size, rng):
        low = 0 if self.count <= self.capacity else self.count - self.capacity + self.history - 1
        numbers = []
        while len(numbers) < batch_size:
            number = int(rng.integers(low, self.count - 1))
            if not self.starts[(number + 1) % self.capacity]:
                numbers.append(number)
        numbers = np.array(numbers)
        taken = [array[numbers % self.capacity] for array in (self.actions, self.rewards, self.terminated, self.truncated)]
        return Batch(self.stack(numbers), *taken[:2], self.stack(numbers + 1), *taken[2:])


# --- 04.4 -----------------------------------------------------------------------------------------------------------------------------


@right("04.4")
def transition_by_transition(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    targets = np.zeros(len(rewards), dtype=np.float32)
    for i in range(len(rewards)):
        targets[i] = rewards[i]
        if not terminated[i]:
            targets[i] += discount * max(target_next_q[i])
    return targets


@right("04.4")
def picks_with_where(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    return np.where(terminated, rewards, rewards + discount * np.max(target_next_q, axis=-1)).astype("float32")


@right("04.4")
def fills_a_copy(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    targets = rewards.copy()
    alive = np.logical_not(terminated)
    targets[alive] += np.float32(discount) * target_next_q[alive].max(axis=1)
    return targets


@right("04.4")
def by_the_best_action(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    best = target_next_q[np.arange(len(rewards)), target_next_q.argmax(axis=1)]
    return np.float32(rewards + (1.0 - terminated) * discount * best)


# --- 04.5 in PyTorch ------------------------------------------------------------------------------------------------------------------


def targets_in_numpy(batch, next_q, discount):
    return (batch.rewards + discount * ~batch.terminated * next_q.max(axis=1)).astype(np.float32)


@right("04.5", framework="torch", lazy=True)
def all_in_tensors():
    import torch

    def learning_step(online_network, target_network, optimizer, batch, discount):
        rewards, alive = torch.as_tensor(batch.rewards), 1 - torch.as_tensor(batch.terminated).float()
        q_values = online_network(torch.as_tensor(batch.observations))
        chosen = q_values[torch.arange(len(batch.actions)), torch.as_tensor(batch.actions)]
        best = target_network(torch.as_tensor(batch.next_observations)).max(dim=1).values.detach()
        loss = torch.nn.SmoothL1Loss()(chosen, rewards + discount * alive * best)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return learning_step


@right("04.5", framework="torch", lazy=True)
def masks_by_one_hot():
    import torch

    def learning_step(online_network, target_network, optimizer, batch, discount):
        optimizer.zero_grad()
        with torch.inference_mode():
            next_q = target_network(torch.from_numpy(batch.next_observations)).numpy()
        targets = torch.tensor(targets_in_numpy(batch, next_q, discount))
        values = online_network(torch.from_numpy(batch.observations))
        mask = torch.nn.functional.one_hot(torch.from_numpy(batch.actions), values.shape[1])
        errors = targets - (values * mask).sum(dim=1)
        size = errors.abs()
        loss = torch.where(size <= 1, 0.5 * errors**2, size - 0.5).mean()
        loss.backward()
        optimizer.step()
        return loss.detach().cpu().numpy().item()

    return learning_step


@right("04.5", framework="torch", lazy=True)
def clears_after_the_step():
    import torch

    def learning_step(online_network, target_network, optimizer, batch, discount):
        following = torch.from_numpy(batch.next_observations)
        next_q = target_network(following).detach().numpy()
        online_next_q = online_network(following).detach().numpy()
        assert online_next_q.shape == next_q.shape
        targets = torch.from_numpy(targets_in_numpy(batch, next_q, discount)).unsqueeze(1)  # [B, 1]
        actions = torch.from_numpy(batch.actions).view(-1, 1)
        loss = torch.nn.HuberLoss()(torch.take_along_dim(online_network(torch.from_numpy(batch.observations)), actions, dim=1), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return learning_step


# --- 04.5 in Keras --------------------------------------------------------------------------------------------------------------------


@right("04.5", framework="keras", lazy=True)
def masks_by_one_hot_in_keras():
    import keras
    import tensorflow as tf

    def learning_step(online_network, target_network, optimizer, batch, discount):
        best = tf.reduce_max(target_network(batch.next_observations), axis=1)
        targets = batch.rewards + discount * (1.0 - tf.cast(batch.terminated, tf.float32)) * best
        with tf.GradientTape() as tape:
            values = online_network(batch.observations, training=True)
            chosen = tf.reduce_sum(values * tf.one_hot(batch.actions, values.shape[1]), axis=1)
            loss = keras.losses.huber(targets, chosen)
        gradients = tape.gradient(loss, online_network.trainable_weights)
        optimizer.apply_gradients(zip(gradients, online_network.trainable_weights))
        return loss.numpy()

    return learning_step


@right("04.5", framework="keras", lazy=True)
def everything_inside_the_tape():
    import tensorflow as tf

    def learning_step(online_network, target_network, optimizer, batch, discount):
        rows = tf.range(len(batch.actions), dtype=tf.int64)
        with tf.GradientTape() as tape:
            next_q = tf.stop_gradient(target_network(tf.constant(batch.next_observations)))
            best = tf.reduce_max(next_q, axis=-1)
            targets = tf.where(batch.terminated, batch.rewards, batch.rewards + discount * best)
            chosen = tf.gather_nd(online_network(tf.constant(batch.observations)), tf.stack([rows, batch.actions], axis=1))
            size = tf.abs(targets - chosen)
            loss = tf.reduce_mean(tf.where(size <= 1.0, 0.5 * size**2, size - 0.5))
        optimizer.apply(tape.gradient(loss, online_network.trainable_variables), online_network.trainable_variables)
        return float(loss.numpy())

    return learning_step


@right("04.5", framework="keras", lazy=True)
def predicts_the_next_values():
    import keras
    import tensorflow as tf

    def learning_step(online_network, target_network, optimizer, batch, discount):
        targets = targets_in_numpy(batch, target_network.predict(batch.next_observations, verbose=0), discount)
        with tf.GradientTape() as tape:
            chosen = tf.gather(online_network(batch.observations), batch.actions[:, None], batch_dims=1)  # [B, 1]
            loss = keras.losses.Huber(delta=1.0)(targets[:, None], chosen)
        variables = online_network.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss.numpy().item()

    return learning_step


# --- 04.6 -----------------------------------------------------------------------------------------------------------------------------


@right("04.6")
def copies_deeply(step, online_weights, target_weights, period):
    return copy.deepcopy(online_weights if step % period == 0 else target_weights)


@right("04.6")
def writes_into_the_targets_arrays(step, online_weights, target_weights, period):
    if step % period == 0:
        for name in target_weights:
            target_weights[name][...] = online_weights[name]
    return target_weights


@right("04.6")
def builds_a_new_dict(step, online_weights, target_weights, period):
    source, weights = target_weights, {}
    if step // period * period == step:
        source = online_weights
    for name in sorted(source):
        weights[name] = np.array(source[name], dtype=np.float32)
    return weights


@right("04.6")
def replaces_the_targets_entries(step, online_weights, target_weights, period):
    if not step % period:
        target_weights.update((name, np.copy(array)) for name, array in online_weights.items())
    return target_weights
