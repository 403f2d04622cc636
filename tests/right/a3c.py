"""Right answers to lesson 06, in other styles than its own."""

import bisect
import functools
import itertools
from collections import namedtuple

import numpy as np

from tests.right import right


# --- 06.1 -----------------------------------------------------------------------------------------------------------------------------


@right("06.1")
def rng_choice(probabilities, rng):
    return int(rng.choice(len(probabilities), p=probabilities / probabilities.sum()))


@right("06.1")
def loop(probabilities, rng):
    dart = rng.random() * float(probabilities.sum())
    last = len(probabilities) - 1
    for action in range(last):
        dart -= probabilities[action]
        if dart < 0:
            return action
    return last


@right("06.1")
def bisected(probabilities, rng):
    edges = list(itertools.accumulate(map(float, probabilities)))
    return bisect.bisect_right(edges, rng.uniform(0, edges[-1]))


@right("06.1")
def first_edge_beyond(probabilities, rng):
    edges = np.cumsum(np.asarray(probabilities, np.float64))
    return np.argmax(edges > rng.random() * edges[-1])


@right("06.1")
def hints_to_the_letter(probabilities, rng):
    edges = np.cumsum(probabilities)
    return np.searchsorted(edges, rng.random() * edges[-1], side="right")


@right("06.1")
def edges_divided(probabilities, rng):
    shares = probabilities.astype(float) / probabilities.sum(dtype=float)
    return int((rng.random() >= shares.cumsum()[:-1]).sum())


@right("06.1")
def multinomial(probabilities, rng):
    shares = np.array(probabilities, dtype=float)
    return int(rng.multinomial(1, shares / shares.sum()).argmax())


@right("06.1")
def gumbel(probabilities, rng):
    with np.errstate(divide="ignore"):
        return int(np.argmax(np.log(probabilities) + rng.gumbel(size=len(probabilities))))


@right("06.1")
def halving(probabilities, rng):
    """Throw away one half of the actions after the other."""
    low, high = 0, len(probabilities)
    while high - low > 1:
        middle = (low + high) // 2
        left, right_ = float(probabilities[low:middle].sum()), float(probabilities[middle:high].sum())
        low, high = (low, middle) if rng.random() * (left + right_) < left else (middle, high)
    return low


@right("06.1")
def reduced(probabilities, rng):
    """Walk along and change one's mind with the right chance."""

    def walk(state, entry):
        (chosen, total), (action, weight) = state, entry
        total += float(weight)
        return (action if total and rng.random() < weight / total else chosen), total

    return functools.reduce(walk, enumerate(probabilities), (0, 0.0))[0]


# --- 06.2 -----------------------------------------------------------------------------------------------------------------------------


@right("06.2")
def a_list_turned_round(rewards, terminated, values, discount):
    returns, following = [], values[-1]
    for reward, ended in zip(rewards[::-1], terminated[::-1]):
        following = reward if ended else reward + discount * following
        returns.append(following)
    return np.array(returns[::-1], dtype=np.float32)


@right("06.2")
def one_array_with_the_value_at_its_end(rewards, terminated, values, discount):
    returns = np.append(rewards, values[-1])
    for t in range(len(rewards) - 1, -1, -1):
        if not terminated[t]:
            returns[t] += discount * returns[t + 1]
    return returns[:-1]


@right("06.2")
def recursion(rewards, terminated, values, discount):
    def return_of(t):
        if t == len(rewards):
            return [values[-1]]
        later = return_of(t + 1)
        return [rewards[t] + discount * (1 - terminated[t]) * later[0], *later]

    return np.array(return_of(0)[:-1])


@right("06.2")
def each_step_by_itself(rewards, terminated, values, discount):
    returns = np.zeros(len(rewards))
    for t in range(len(rewards)):
        weight = 1.0
        for k in range(t, len(rewards)):
            returns[t] += weight * rewards[k]
            weight *= discount
            if terminated[k]:
                break
        else:
            returns[t] += weight * values[-1]
    return returns


@right("06.2")
def a_matrix_of_discounts(rewards, terminated, values, discount):
    steps = len(rewards)
    ends = np.concatenate([[0], np.cumsum(terminated)])  # [T + 1], how many ends lie before each observation
    distance = np.arange(steps + 1)[None, :] - np.arange(steps)[:, None]  # [T, T + 1]
    counts = (distance >= 0) & (ends[None, :] == ends[:-1, None])
    return (np.where(counts, float(discount) ** np.maximum(distance, 0), 0.0) * np.append(rewards, values[-1])).sum(axis=1)


@right("06.2")
def accumulated(rewards, terminated, values, discount):
    steps = zip(rewards[::-1], np.where(terminated, 0.0, discount)[::-1])
    backwards = itertools.accumulate(steps, lambda following, step: step[0] + step[1] * following, initial=values[-1])
    return np.fromiter(backwards, float)[:0:-1]


# --- 06.3 -----------------------------------------------------------------------------------------------------------------------------


@right("06.3", framework="torch", lazy=True)
def without_gradients():
    import torch

    def advantages(returns, values):
        with torch.no_grad():
            return returns - values.squeeze(1)

    return advantages


@right("06.3", framework="torch", lazy=True)
def only_the_values_stopped():
    return lambda returns, values: returns - values.detach().reshape(-1)


@right("06.3", framework="torch", lazy=True)
def decorated_and_flattened():
    import torch

    @torch.no_grad()
    def advantages(returns, values):
        return torch.sub(returns, torch.flatten(values))

    return advantages


@right("06.3", framework="torch", lazy=True)
def a_table_with_the_meant_ones_picked():
    return lambda returns, values: (returns[:, None] - values)[:, 0].detach()


@right("06.3", framework="torch", lazy=True)
def stacked_step_by_step():
    import torch

    return lambda returns, values: torch.stack([returns[t] - values[t, 0].detach() for t in range(len(returns))])


@right("06.3", framework="keras", lazy=True)
def tensorflows_own():
    import tensorflow as tf

    return lambda returns, values: tf.stop_gradient(returns - tf.squeeze(values, axis=1))


@right("06.3", framework="keras", lazy=True)
def only_the_values_stopped_in_keras():
    from keras import ops

    return lambda returns, values: ops.subtract(returns, ops.stop_gradient(ops.reshape(values, (-1,))))


@right("06.3", framework="keras", lazy=True)
def both_stopped_first():
    import tensorflow as tf

    def advantages(returns, values):
        returns, values = tf.stop_gradient(returns), tf.stop_gradient(values)
        return tf.squeeze(tf.expand_dims(returns, 1) - values, axis=-1)

    return advantages


# --- 06.4 -----------------------------------------------------------------------------------------------------------------------------


@right("06.4", framework="torch", lazy=True)
def librarys_loss():
    from torch.nn import functional as F

    return lambda values, returns: F.mse_loss(values.squeeze(1), returns.detach(), reduction="none")


@right("06.4", framework="torch", lazy=True)
def loss_object():
    import torch

    squared = torch.nn.MSELoss(reduction="none")
    return lambda values, returns: squared(values, returns.detach().unsqueeze(1)).squeeze(1)


@right("06.4", framework="torch", lazy=True)
def values_minus_returns():
    return lambda values, returns: (values.flatten() - returns.detach()).pow(2)


@right("06.4", framework="torch", lazy=True)
def times_itself():
    import torch

    def value_loss(values, returns):
        with torch.no_grad():
            targets = returns.clone()
        errors = targets - values.view(-1)
        return errors * errors

    return value_loss


@right("06.4", framework="keras", lazy=True)
def squared_difference():
    import tensorflow as tf

    return lambda values, returns: tf.math.squared_difference(tf.stop_gradient(returns), tf.squeeze(values, axis=1))


@right("06.4", framework="keras", lazy=True)
def keras_mean_over_one():
    import keras
    from keras import ops

    return lambda values, returns: keras.losses.mean_squared_error(ops.stop_gradient(returns)[:, None], values)


@right("06.4", framework="keras", lazy=True)
def gathered_column():
    import tensorflow as tf

    return lambda values, returns: (tf.gather(values, 0, axis=1) - tf.stop_gradient(returns)) ** 2


# --- 06.5 -----------------------------------------------------------------------------------------------------------------------------


@right("06.5", framework="torch", lazy=True)
def a_distribution():
    import torch

    def policy_loss(logits, actions, advantages, entropy_weight):
        policy = torch.distributions.Categorical(logits=logits)
        return -policy.log_prob(actions) * advantages - entropy_weight * policy.entropy()

    return policy_loss


@right("06.5", framework="torch", lazy=True)
def cross_entropy():
    from torch.nn import functional as F

    def policy_loss(logits, actions, advantages, entropy_weight):
        entropy = -(F.softmax(logits, dim=-1) * F.log_softmax(logits, dim=-1)).sum(-1)
        return F.cross_entropy(logits, actions, reduction="none") * advantages - entropy_weight * entropy

    return policy_loss


@right("06.5", framework="torch", lazy=True)
def one_hot():
    from torch.nn import functional as F

    def policy_loss(logits, actions, advantages, entropy_weight):
        logs = logits - logits.logsumexp(dim=1, keepdim=True)
        chosen = (logs * F.one_hot(actions, logits.shape[1])).sum(dim=1)
        return entropy_weight * (logs.exp() * logs).sum(dim=1) - chosen * advantages

    return policy_loss


@right("06.5", framework="torch", lazy=True)
def indices_and_shifted_logits():
    import torch

    def policy_loss(logits, actions, advantages, entropy_weight):
        shifted = logits - logits.max(dim=1, keepdim=True).values
        logs = shifted - torch.log(torch.exp(shifted).sum(dim=1, keepdim=True))
        chosen = logs[torch.arange(len(actions)), actions]
        entropy = -torch.einsum("ta,ta->t", torch.exp(logs), logs)
        return -(chosen * advantages + entropy_weight * entropy)

    return policy_loss


@right("06.5", framework="torch", lazy=True)
def step_by_step():
    import torch

    def policy_loss(logits, actions, advantages, entropy_weight):
        losses = []
        for row, action, advantage in zip(logits, actions, advantages):
            logs = torch.log_softmax(row, dim=0)
            losses.append(-logs[action] * advantage + entropy_weight * (logs * logs.exp()).sum())
        return torch.stack(losses)

    return policy_loss


@right("06.5", framework="keras", lazy=True)
def sparse_cross_entropy():
    import tensorflow as tf

    def policy_loss(logits, actions, advantages, entropy_weight):
        surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=actions, logits=logits)
        entropy = -tf.reduce_sum(tf.nn.softmax(logits) * tf.nn.log_softmax(logits), axis=1)
        return surprise * advantages - entropy_weight * entropy

    return policy_loss


@right("06.5", framework="keras", lazy=True)
def keras_sparse_cross_entropy():
    import keras
    from keras import ops

    def policy_loss(logits, actions, advantages, entropy_weight):
        surprise = keras.losses.sparse_categorical_crossentropy(actions, logits, from_logits=True)
        logs = ops.log_softmax(logits)
        return surprise * advantages + entropy_weight * ops.sum(ops.softmax(logits) * logs, axis=-1)

    return policy_loss


@right("06.5", framework="keras", lazy=True)
def one_hot_in_keras():
    from keras import ops

    def policy_loss(logits, actions, advantages, entropy_weight):
        logs = ops.log_softmax(logits, axis=-1)
        chosen = ops.sum(ops.one_hot(actions, logits.shape[-1]) * logs, axis=-1)
        undecided = -ops.sum(ops.exp(logs) * logs, axis=-1)
        return -chosen * advantages - entropy_weight * undecided

    return policy_loss


@right("06.5", framework="keras", lazy=True)
def gathered_pairs():
    import tensorflow as tf

    def policy_loss(logits, actions, advantages, entropy_weight):
        total = tf.reduce_logsumexp(logits, axis=1)
        places = tf.stack([tf.range(tf.shape(actions, out_type=tf.int64)[0]), actions], axis=1)
        chosen = tf.gather_nd(logits, places) - total
        entropy = total - tf.reduce_sum(tf.nn.softmax(logits) * logits, axis=1)
        return -(chosen * advantages) - entropy_weight * entropy

    return policy_loss


# --- 06.6 -----------------------------------------------------------------------------------------------------------------------------

Step = namedtuple("Step", "observation action reward terminated value")


@right("06.6")
def a_loop_with_a_break(player, shared, t_max, discount):
    with shared.lock:
        player.network.copy_from(shared.network)
    player.network.clear_gradients()
    if player.over:
        player.reset()
    steps = []
    for _ in range(t_max):
        observation = player.observation
        probabilities, value = player.network.policy_and_value(observation)
        action = rng_choice(probabilities, player.rng)
        reward, terminated = player.step(action)
        steps.append(Step(observation, action, reward, terminated, value))
        if player.over:
            break
    _, last_value = player.network.policy_and_value(player.observation)
    columns = Step(*map(np.array, zip(*steps)))
    values = np.append(columns.value, last_value)
    player.network.add_gradients(
        columns.observation, columns.action, a_list_turned_round(columns.reward, columns.terminated, values, discount)
    )
    with shared.lock:
        shared.network.update(player.network.gradients)
        shared.steps += len(steps)


@right("06.6")
def lock_by_hand(player, shared, t_max, discount):
    network = player.network
    network.clear_gradients()
    shared.lock.acquire()
    try:
        network.copy_from(shared.network)
    finally:
        shared.lock.release()
    if player.over:
        player.reset()
    observations, actions, rewards, terminated = [], [], [], []
    while True:
        observations.append(player.observation.copy())
        actions.append(loop(network.policy_and_value(player.observation)[0], player.rng))
        reward, ended = player.step(actions[-1])
        rewards.append(reward)
        terminated.append(ended)
        if player.over or len(actions) >= t_max:
            break
    # The values only now: the copy of the network has not changed.
    values = [network.policy_and_value(observation)[1] for observation in [*observations, player.observation]]
    returns = accumulated(np.array(rewards), np.array(terminated), np.array(values), discount)
    network.add_gradients(np.stack(observations), np.array(actions), returns)
    shared.lock.acquire()
    try:
        shared.network.update(network.gradients)
        shared.steps = shared.steps + len(actions)
    finally:
        shared.lock.release()


@right("06.6")
def no_value_after_the_end(player, shared, t_max, discount):
    with shared.lock:
        player.network.copy_from(shared.network)
    if player.over:
        player.reset()
    count, rollout, ended = 0, {"observations": [], "actions": [], "rewards": [], "terminated": []}, False
    while count < t_max and not player.over:
        probabilities, _ = player.network.policy_and_value(player.observation)
        action = bisected(probabilities, player.rng)
        rollout["observations"].append(player.observation)
        reward, ended = player.step(action)
        for name, item in (("actions", action), ("rewards", reward), ("terminated", ended)):
            rollout[name].append(item)
        count += 1
    following = 0.0 if ended else player.network.policy_and_value(player.observation)[1]
    returns = np.empty(count, np.float32)
    for t in reversed(range(count)):
        following = rollout["rewards"][t] + discount * following * (not rollout["terminated"][t])
        returns[t] = following
    player.network.clear_gradients()
    player.network.add_gradients(np.array(rollout["observations"]), np.array(rollout["actions"]), returns)
    with shared.lock:
        shared.network.update(player.network.gradients)
    with shared.lock:
        shared.steps += count


class Cycle:
    """The same as an object with a method for each part."""

    def __call__(self, player, shared, t_max, discount):
        self.pull(player, shared)
        steps = list(itertools.islice(self.play(player), t_max))
        self.learn(player, steps, discount)
        with shared.lock:
            shared.steps += len(steps)
            shared.network.update(player.network.gradients)

    def pull(self, player, shared):
        with shared.lock:
            player.network.copy_from(shared.network)
            player.network.clear_gradients()
        if player.over:
            player.reset()

    def play(self, player):
        while not player.over:
            seen = player.observation
            probabilities, value = player.network.policy_and_value(seen)
            action = gumbel(probabilities, player.rng)
            yield Step(seen, action, *player.step(action), value)

    def learn(self, player, steps, discount):
        observations, actions, rewards, terminated, values = (list(column) for column in zip(*steps))
        values = np.array([*values, player.network.policy_and_value(player.observation)[1]])
        returns = recursion(np.array(rewards), np.array(terminated), values, discount)
        player.network.add_gradients(np.array(observations), np.array(actions), returns)


right("06.6", name="an_object")(Cycle())
