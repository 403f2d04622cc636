"""Wrong answers to lesson 06."""

import random

import numpy as np

from course_lib.checks.a3c import reference_returns, reference_sample
from tests.mutants import mutant


# --- 06.1 -----------------------------------------------------------------------------------------------------------------------------


@mutant("06.1", says="yours: 0%, 100%, 0%: the likeliest action each time, an argmax; draw, from `rng`")
def argmax(probabilities, rng):
    return int(probabilities.argmax())


@mutant("06.1", says="yours: 33%, 33%, 34%: the probabilities are ignored")
def evenly(probabilities, rng):
    return int(rng.integers(len(probabilities)))


@mutant("06.1", says="it draws from the global random state")
def global_random_state(probabilities, rng):
    return int(np.random.choice(len(probabilities), p=probabilities / probabilities.sum()))


@mutant("06.1", says="it draws from the global random state")
def pythons_random_state(probabilities, rng):
    return random.choices(range(len(probabilities)), weights=probabilities)[0]


@mutant("06.1", says="[2.0, 1.0, 1.0] adds up to 4.0, and `rng.choice` refuses that: divide by the sum first")
def unnormalised_choice(probabilities, rng):
    return int(rng.choice(len(probabilities), p=probabilities))


@mutant("06.1", says="yours: 100%, 0%, 0%: those are proportions, and must be divided by their sum first")
def unnormalised_edges(probabilities, rng):
    return int(min((probabilities.cumsum() <= rng.random()).sum(), len(probabilities) - 1))


@mutant("06.1", says="3 actions, 0 to 2; yours drew 3: the proportions count; does it lean on their sum being 1?")
def unnormalised_and_out_of_range(probabilities, rng):
    edges = probabilities.cumsum() / (probabilities.sum() if probabilities.sum() > 1 else 1)
    return int((edges <= rng.random()).sum())


@mutant("06.1", says="it leans on the sum being 1; divide by the sum first")
def divides_only_what_is_too_large(probabilities, rng):
    edges = probabilities.cumsum() / max(probabilities.sum(), 1)
    return int(min((edges <= rng.random()).sum(), len(probabilities) - 1))


@mutant("06.1", says="is a new dart thrown for each piece? Throw one")
def a_dart_for_each_piece(probabilities, rng):
    shares = probabilities / probabilities.sum()
    return next((action for action, share in enumerate(shares) if rng.random() < share), len(shares) - 1)


@mutant("06.1", says="is a new dart thrown for each piece? Throw one")
def darts_until_one_hits(probabilities, rng):
    while True:
        for action, share in enumerate(probabilities / probabilities.sum()):
            if rng.random() < share:
                return action


@mutant("06.1", says="the pieces all begin at 0; lay them end to end (`np.cumsum`)")
def pieces_on_top_of_one_another(probabilities, rng):
    dart = rng.random() * probabilities.sum()
    return next((action for action, share in enumerate(probabilities) if dart < share), len(probabilities) - 1)


@mutant("06.1", says="it returns an action in some draws and nothing in others")
def some_darts_hit_nothing(probabilities, rng):
    dart = rng.random() * probabilities.sum()
    for action, share in enumerate(probabilities):
        if dart < share:
            return action


@mutant("06.1", says="that is a softmax of the probabilities; they are probabilities already")
def softmax_once_more(probabilities, rng):
    again = np.exp(probabilities) / np.exp(probabilities).sum()
    return int(rng.choice(len(again), p=again))


@mutant("06.1", says="gave other actions the second time: draw from the `rng` you are given")
def a_generator_of_its_own(probabilities, rng):
    return reference_sample(probabilities, np.random.default_rng())


@mutant("06.1", says="an argmax; draw, from `rng`")
def a_seed_of_its_own(probabilities, rng):
    return reference_sample(probabilities, np.random.default_rng(0))


@mutant("06.1", says="it changes the probabilities that it is given (`/=` writes into them): [2.0, 1.0, 1.0] became [0.5, 0.25, 0.25]")
def divides_in_place(probabilities, rng):
    probabilities /= probabilities.sum()
    return int(rng.choice(len(probabilities), p=probabilities))


@mutant("06.1", says="must be one whole number; yours is a float")
def a_float(probabilities, rng):
    return float(reference_sample(probabilities, rng))


@mutant("06.1", says="must be one whole number; yours is an array of shape (1,)")
def an_array(probabilities, rng):
    return np.array([reference_sample(probabilities, rng)])


@mutant("06.1", says="must be one whole number; yours is a list")
def a_list(probabilities, rng):
    return [reference_sample(probabilities, rng)]


@mutant("06.1", says="must be one whole number; yours is a str")
def a_name(probabilities, rng):
    return ("stay", "right", "left", "up", "down")[reference_sample(probabilities, rng)]


@mutant("06.1", says="0 to 2; yours drew 3: count from 0")
def counts_from_one(probabilities, rng):
    return reference_sample(probabilities, rng) + 1


@mutant("06.1", says="returns nothing")
def no_action(probabilities, rng):
    reference_sample(probabilities, rng)


@mutant("06.1", says="the probabilities belong to other actions")
def shifted(probabilities, rng):
    return (reference_sample(probabilities, rng) + 1) % len(probabilities)


@mutant("06.1", says="an `if` cannot decide for a whole array at once")
def if_for_all(probabilities, rng):
    return 0 if rng.random() < probabilities else 1


@mutant("06.1", says="yours: 10%, 10%")
def three_actions_typed_in(probabilities, rng):
    return reference_sample(probabilities[:3], rng) if len(probabilities) == 3 else min(reference_sample(probabilities, rng), 3)


# --- 06.2 -----------------------------------------------------------------------------------------------------------------------------


def looks_back(rewards, terminated, last, discount):
    """The right loop; mutants hand it something else."""
    result, following = np.zeros(len(rewards), np.float32), last
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following * (not terminated[t])
        result[t] = following
    return result


@mutant(
    "06.2",
    says="values [5.0, 3.0], discount 0.5: the returns must be [2.5]; yours are [3.5]: it bootstraps from V of the last state acted in",
)
def bootstraps_from_the_last_state_acted_in(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-2], discount)


@mutant("06.2", says="the returns must be [1.0]; yours are [2.5]: it bootstraps after a terminal step")
def bootstraps_after_the_end(rewards, terminated, values, discount):
    return looks_back(rewards, [*terminated[:-1], False], values[-1], discount)


@mutant("06.2", says="it bootstraps after a terminal step")
def bootstraps_after_the_end_from_the_wrong_state(rewards, terminated, values, discount):
    last = values[-1] if not terminated[-1] else values[-2]
    return looks_back(rewards, [False] * len(rewards), last, discount)


@mutant("06.2", says="a lost life in mid-rollout is ignored; nothing flows back across it")
def ignores_a_lost_life(rewards, terminated, values, discount):
    return looks_back(rewards, [False] * (len(rewards) - 1) + [terminated[-1]], values[-1], discount)


@mutant("06.2", says="the terminal step's own reward is dropped; only what follows it is")
def drops_the_last_reward(rewards, terminated, values, discount):
    result, following = np.zeros(len(rewards)), values[-1]
    for t in reversed(range(len(rewards))):
        following = 0.0 if terminated[t] else rewards[t] + discount * following
        result[t] = following
    return result


@mutant("06.2", says="it walks forward; each return needs the one after it")
def walks_forward(rewards, terminated, values, discount):
    result, following = np.zeros(len(rewards)), values[-1]
    for t in range(len(rewards)):
        following = rewards[t] + discount * following * (not terminated[t])
        result[t] = following
    return result


@mutant("06.2", says="the order is turned round")
def never_turns_the_list_round(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount)[::-1]


@mutant("06.2", says="the value at the end is one step away, so it is discounted once; yours is not")
def value_not_discounted(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1] / discount, discount)


@mutant("06.2", says="off by one: the value at the end is discounted once too often")
def value_discounted_twice(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, discount * values[-1], discount)


@mutant("06.2", says="off by one: a step's own reward is here already")
def rewards_discounted_too(rewards, terminated, values, discount):
    result, following = np.zeros(len(rewards)), values[-1]
    for t in reversed(range(len(rewards))):
        following = discount * (rewards[t] + following * (not terminated[t]))
        result[t] = following
    return result


@mutant("06.2", says="V at the end is missing; the game goes on after the rollout")
def no_bootstrap(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, 0.0, discount)


@mutant("06.2", says="the discount is missing")
def no_discount(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], 1.0 if len(rewards) > 1 else discount)


@mutant("06.2", says="every step looks one step ahead only")
def one_step_each(rewards, terminated, values, discount):
    return rewards + discount * values[1:] * ~terminated


@mutant("06.2", says="every step got the first one's return")
def the_same_for_all(rewards, terminated, values, discount):
    return np.full(len(rewards), looks_back(rewards, terminated, values[-1], discount)[0])


@mutant("06.2", says="V is subtracted already; that would be the advantage")
def advantages_instead(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount) - values[:-1]


@mutant("06.2", says="it stops at the first terminal step; the game went on")
def stops_at_the_first_terminal(rewards, terminated, values, discount):
    result = looks_back(rewards, terminated, values[-1], discount)
    if terminated[:-1].any():
        result[np.argmax(terminated) :] = 0.0
    return result


@mutant("06.2", says="yours has (4,): there is a value more than there are steps")
def one_return_too_many(rewards, terminated, values, discount):
    right = looks_back(rewards, terminated, values[-1], discount)
    return np.append(right, values[-1]) if len(rewards) == 3 else right


@mutant("06.2", says="one number for the whole rollout")
def only_the_first(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount)[0]


@mutant("06.2", says="must be a NumPy array of shape (1,); yours is a list")
def a_list_of_returns(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount).tolist()


@mutant("06.2", says="must be floats; yours are of int64")
def whole_returns(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount).astype(np.int64)


@mutant("06.2", says="it writes into `rewards`, which it is given")
def writes_into_the_rewards(rewards, terminated, values, discount):
    rewards[:] = looks_back(rewards, terminated, values[-1], discount)
    return rewards


@mutant("06.2", says="it writes into `values`")
def writes_into_the_values(rewards, terminated, values, discount):
    values[-1] = 0.0 if terminated[-1] else values[-1]
    return looks_back(rewards, terminated, values[-1], discount)


@mutant("06.2", says="returns nothing")
def no_return(rewards, terminated, values, discount):
    looks_back(rewards, terminated, values[-1], discount)


@mutant("06.2", says="walking back, it stops at a terminal step")
def breaks_at_a_terminal_step(rewards, terminated, values, discount):
    result, following = np.zeros(len(rewards)), values[-1]
    for t in reversed(range(len(rewards))):
        following = result[t] = rewards[t] + discount * following * (not terminated[t])
        if terminated[t]:
            break
    return result


@mutant("06.2", says="one terminal step cuts all steps off from what follows them")
def one_end_ends_all(rewards, terminated, values, discount):
    return looks_back(rewards, np.full(len(rewards), terminated.any()), values[-1], discount)


@mutant("06.2", says="(or is `terminated` turned round?)")
def terminated_turned_round(rewards, terminated, values, discount):
    return looks_back(rewards, ~terminated, values[-1], discount)


@mutant("06.2", says="step 0 is left out; a `range` that counts down to 0 ends at -1")
def leaves_out_step_0(rewards, terminated, values, discount):
    result, following = np.zeros(len(rewards)), values[-1]
    for t in range(len(rewards) - 1, 0, -1):
        following = result[t] = rewards[t] + discount * following * (not terminated[t])
    return result


@mutant("06.2", says="in a rollout of 20 steps with discount 0.99 the return of step 0 must be")
def five_steps_at_most(rewards, terminated, values, discount):
    return np.concatenate(
        [looks_back(rewards[t : t + 5], terminated[t : t + 5], values[min(t + 5, len(rewards))], discount)[:1] for t in range(len(rewards))]
    )


@mutant("06.2", says="must be [2.5]; yours: [nan]")
def not_a_number(rewards, terminated, values, discount):
    return looks_back(rewards, terminated, values[-1], discount) * np.nan


# --- 06.3 to 06.5, in PyTorch and in Keras --------------------------------------------------------------------------------------------


def in_torch(id: str, says: str):
    """A mutant whose body gets (torch, F): function(torch, F) -> answer."""

    def make(torch):
        return torch, torch.nn.functional

    return lambda body: mutant(id, framework="torch", says=says, name=body.__name__, lazy=True)(lambda: body(*make(__import__("torch"))))


def in_keras(id: str, says: str):
    """A mutant whose body gets (tf, ops)."""

    def make(keras):
        return __import__("tensorflow"), keras.ops

    return lambda body: mutant(id, framework="keras", says=says, name=body.__name__, lazy=True)(lambda: body(*make(__import__("keras"))))


# 06.3


@in_torch("06.3", says="a gradient of -1.0 flows through the advantage into the value")
def gradient_not_stopped(torch, F):
    return lambda returns, values: returns - values[:, 0]


@in_torch("06.3", says="a gradient of -1.0 flows through the advantage into the value")
def gradient_of_the_wrong_one_stopped(torch, F):
    return lambda returns, values: returns.detach() - values.squeeze(1)


@in_torch("06.3", says="yours are a table (3, 3): returns (T,) minus values (T, 1) pairs every return with every value")
def a_table(torch, F):
    return lambda returns, values: (returns - values).detach()


@in_torch("06.3", says="yours have shape (3, 1): drop the last axis")
def a_column(torch, F):
    return lambda returns, values: (returns[:, None] - values).detach()


@in_torch("06.3", says="the sign is turned; better than foretold must be positive")
def turned_round(torch, F):
    return lambda returns, values: (values[:, 0] - returns).detach()


@in_torch("06.3", says="the values are not subtracted")
def only_returns(torch, F):
    return lambda returns, values: returns.detach()


@in_torch("06.3", says="they are standardised")
def standardised(torch, F):
    def advantages(returns, values):
        difference = (returns - values[:, 0]).detach()
        return (difference - difference.mean()) / difference.std()

    return advantages


@in_torch("06.3", says="return a tensor of the framework, not NumPy and not a plain number; yours is of type ndarray")
def through_numpy(torch, F):
    return lambda returns, values: returns.detach().numpy() - values.detach().numpy()[:, 0]


@in_torch("06.3", says="of type list")
def a_list_of_advantages(torch, F):
    return lambda returns, values: (returns - values[:, 0]).tolist()


@in_torch("06.3", says="a bare `squeeze` drops every axis of length 1")
def squeezes_everything(torch, F):
    return lambda returns, values: (returns.squeeze() - values.squeeze()).detach()


@in_torch("06.3", says="3 steps must give 3 advantages")
def mean_advantage(torch, F):
    return lambda returns, values: (returns - values[:, 0]).detach().mean()


@in_torch("06.3", says="must be float32")
def double_advantages(torch, F):
    return lambda returns, values: (returns - values[:, 0]).detach().double()


@in_torch("06.3", says="returns nothing")
def nothing_returned(torch, F):
    return lambda returns, values: None


@in_torch("06.3", says="it writes into a tensor that it is given")
def in_place(torch, F):
    def advantages(returns, values):
        returns -= values[:, 0]
        return returns.detach()

    return advantages


@in_torch("06.3", says="the first step's value stands in for all")
def first_value_for_all(torch, F):
    return lambda returns, values: (returns - values[0]).detach()


@in_torch("06.3", says="yours all got the mean of the values")
def mean_value_for_all(torch, F):
    return lambda returns, values: (returns - values.mean()).detach()


@in_torch("06.3", says="yours all got the mean of the returns")
def table_averaged(torch, F):
    return lambda returns, values: (returns - values).mean(dim=1).detach()


@in_torch("06.3", says="yours have shape (1, 3): drop the first axis")
def a_row(torch, F):
    return lambda returns, values: (returns[None] - values.T).detach()


@in_torch("06.3", says="somewhere a pair of brackets is missing, as in `.detach()`")
def forgets_to_call(torch, F):
    return lambda returns, values: (returns - values[:, 0]).detach


@in_keras("06.3", says="a gradient of -1.0 flows through the advantage into the value")
def gradient_not_stopped_in_keras(tf, ops):
    return lambda returns, values: returns - values[:, 0]


@in_keras("06.3", says="yours are a table (3, 3): returns (T,) minus values (T, 1) pairs every return with every value")
def a_table_in_keras(tf, ops):
    return lambda returns, values: ops.stop_gradient(returns - values)


@in_keras("06.3", says="yours have shape (3, 1): drop the last axis")
def a_column_in_keras(tf, ops):
    return lambda returns, values: ops.stop_gradient(returns[:, None] - values)


@in_keras("06.3", says="the sign is turned; better than foretold must be positive")
def turned_round_in_keras(tf, ops):
    return lambda returns, values: tf.stop_gradient(values[:, 0] - returns)


@in_keras("06.3", says="the values are not subtracted")
def only_returns_in_keras(tf, ops):
    return lambda returns, values: returns


@in_keras("06.3", says="they are standardised")
def standardised_in_keras(tf, ops):
    def advantages(returns, values):
        difference = ops.stop_gradient(returns - values[:, 0])
        return (difference - ops.mean(difference)) / ops.std(difference)

    return advantages


@in_keras("06.3", says="yours is of type ndarray")
def through_numpy_in_keras(tf, ops):
    return lambda returns, values: returns.numpy() - values.numpy()[:, 0]


@in_keras("06.3", says="not inside a `tf.function`, where the workers call it (AttributeError): stay with tensors")
def numpy_stops_the_gradient(tf, ops):
    return lambda returns, values: returns - values.numpy()[:, 0]


@in_keras("06.3", says="a bare `squeeze` drops every axis of length 1")
def squeezes_everything_in_keras(tf, ops):
    return lambda returns, values: ops.stop_gradient(ops.squeeze(returns) - ops.squeeze(values))


# 06.4


@in_torch(
    "06.4", says="yours are a table (3, 3): every value is compared with every return, and all of them are drawn to the returns' mean"
)
def all_pairs(torch, F):
    return lambda values, returns: (returns.detach() - values) ** 2


@in_torch("06.4", says="yours is the mean of a (T, T) table of all pairs")
def mean_of_all_pairs(torch, F):
    return lambda values, returns: ((returns.detach() - values) ** 2).mean()


@in_torch("06.4", says="values (3, 1) and returns (3,) made a (3, 3) table, averaged over one axis")
def all_pairs_averaged(torch, F):
    return lambda values, returns: ((returns.detach() - values) ** 2).mean(dim=1)


@in_torch("06.4", says="a gradient of 4.0 flows into the return of step 1: the value should move to the return")
def gradient_into_the_returns(torch, F):
    return lambda values, returns: F.mse_loss(values[:, 0], returns, reduction="none")


@in_torch("06.4", says="3 steps must give 3 losses; yours is their mean")
def mean_squared_error(torch, F):
    return lambda values, returns: F.mse_loss(values[:, 0], returns.detach())


@in_torch("06.4", says="half of the square")
def half_the_square(torch, F):
    return lambda values, returns: 0.5 * (returns.detach() - values[:, 0]) ** 2


@in_torch("06.4", says="that is Huber's loss; A3C squares the error")
def huber(torch, F):
    return lambda values, returns: F.huber_loss(values[:, 0], returns.detach(), reduction="none")


@in_torch("06.4", says="the error must be squared")
def not_squared(torch, F):
    return lambda values, returns: (returns.detach() - values[:, 0]).abs()


@in_torch("06.4", says="yours have shape (3, 1): drop the last axis")
def stays_a_column(torch, F):
    return lambda values, returns: (returns.detach()[:, None] - values) ** 2


@in_torch("06.4", says="no gradient reaches the values")
def stops_the_values_too(torch, F):
    return lambda values, returns: (returns - values[:, 0]).detach() ** 2


@in_torch("06.4", says="in Python `^` is no power")
def a_caret(torch, F):
    return lambda values, returns: (returns.detach() - values[:, 0]) ^ 2


@in_torch("06.4", says="the error is doubled; it must be squared")
def doubled(torch, F):
    return lambda values, returns: (returns.detach() - values[:, 0]) * 2


@in_torch("06.4", says="the first step's value stands in for all")
def first_value_against_all(torch, F):
    return lambda values, returns: (returns.detach() - values[0]) ** 2


@in_torch("06.4", says="a (3, 3) table, summed over one axis")
def all_pairs_summed(torch, F):
    return lambda values, returns: ((returns.detach() - values) ** 2).sum(dim=1)


@in_keras("06.4", says="in Python `^` is no power")
def a_caret_in_keras(tf, ops):
    return lambda values, returns: (ops.stop_gradient(returns) - values[:, 0]) ^ 2


@in_keras("06.4", says="yours are a table (3, 3): every value is compared with every return")
def all_pairs_in_keras(tf, ops):
    return lambda values, returns: ops.square(ops.stop_gradient(returns) - values)


@in_keras("06.4", says="values (3, 1) and returns (3,) made a (3, 3) table, averaged over one axis")
def keras_own_broadcasts(tf, ops):
    return lambda values, returns: tf.reduce_mean((ops.stop_gradient(returns) - values) ** 2, axis=-1)


@in_keras("06.4", says="a gradient of 4.0 flows into the return of step 1: the value should move to the return")
def gradient_into_the_returns_in_keras(tf, ops):
    return lambda values, returns: ops.square(returns - values[:, 0])


@in_keras("06.4", says="3 steps must give 3 losses; yours is their mean")
def mean_squared_error_in_keras(tf, ops):
    return lambda values, returns: ops.mean(ops.square(ops.stop_gradient(returns) - values[:, 0]))


@in_keras("06.4", says="half of the square")
def half_the_square_in_keras(tf, ops):
    return lambda values, returns: 0.5 * ops.square(ops.stop_gradient(returns) - values[:, 0])


@in_keras("06.4", says="yours have shape (3, 1): drop the last axis")
def stays_a_column_in_keras(tf, ops):
    return lambda values, returns: ops.square(ops.stop_gradient(returns)[:, None] - values)


@in_keras("06.4", says="no gradient reaches the values")
def stops_the_values_too_in_keras(tf, ops):
    return lambda values, returns: ops.stop_gradient(ops.square(returns - values[:, 0]))


# 06.5


def torch_policy_loss(torch, F, sign=-1.0, entropy_sign=-1.0, logs=None, of_entropy=None, pick=None, end=None):
    """The right answer with its parts replaced."""
    logs = logs or (lambda logits: F.log_softmax(logits, dim=1))
    of_entropy = of_entropy or (lambda logs: -(logs.exp() * logs).sum(dim=1))
    pick = pick or (lambda logs, actions: logs.gather(1, actions[:, None])[:, 0])

    def policy_loss(logits, actions, advantages, entropy_weight):
        all_logs = logs(logits)
        losses = sign * pick(all_logs, actions) * advantages + entropy_sign * entropy_weight * of_entropy(all_logs)
        return losses if end is None else end(losses)

    return policy_loss


@in_torch(
    "06.5",
    says="entropy weight 1: the loss must be -0.693, which is -1 x the entropy, 0.693; yours is 0.693: the entropy's sign",
)
def entropy_added(torch, F):
    return torch_policy_loss(torch, F, entropy_sign=1.0)


@in_torch(
    "06.5",
    says="advantage 2, entropy weight 0: the loss must be 1.386, which is -log(0.5) x 2; yours is -1.386: the sign is turned",
)
def climbs(torch, F):
    return torch_policy_loss(torch, F, sign=1.0)


@in_torch("06.5", says="-log p of the action taken stands in for the entropy")
def surprise_for_entropy(torch, F):
    def policy_loss(logits, actions, advantages, entropy_weight):
        surprise = F.cross_entropy(logits, actions, reduction="none")
        return surprise * advantages - entropy_weight * surprise

    return policy_loss


@in_torch("06.5", says="the loss must be 200; yours is nan: softmax rounds to 0, and the logarithm of 0 is infinite; use `log_softmax`")
def log_of_zero(torch, F):
    return torch_policy_loss(torch, F, logs=lambda logits: logits.softmax(dim=1).log())


@in_torch("06.5", says="the loss must be 200; yours is 23.026: a small number added to the probability")
def hides_the_zero(torch, F):
    return torch_policy_loss(torch, F, logs=lambda logits: (logits.softmax(dim=1) + 1e-10).log())


@in_torch("06.5", says="a clipped one, hides the infinity")
def clips_the_probability(torch, F):
    return torch_policy_loss(torch, F, logs=lambda logits: logits.softmax(dim=1).clamp(1e-7, 1 - 1e-7).log())


@in_torch("06.5", says="yours have shape (2,): one for each action; sum over the actions of a step (axis 1), not over the steps")
def entropy_over_the_steps(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum(dim=0))


@in_torch("06.5", says="the entropy is summed over the steps (axis 0)")
def entropy_over_the_steps_of_many(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum(dim=0 if len(logs) > 1 else 1))


@in_torch("06.5", says="the entropy is summed over the whole batch")
def entropy_of_everything(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum())


@in_torch("06.5", says="every step got the batch's mean entropy")
def mean_entropy(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum(dim=1).mean())


@in_torch("06.5", says="the entropy is a mean over the actions")
def entropy_averaged(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).mean(dim=1))


@in_torch("06.5", says="the entropy is in bits")
def bits(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum(dim=1) / np.log(2))


@in_torch("06.5", says="the softmax runs over the steps (axis 0)")
def softmax_over_the_steps(torch, F):
    return torch_policy_loss(
        torch, F, logs=lambda logits: F.log_softmax(logits, dim=0) if len(logits) > 1 else F.log_softmax(logits, dim=1)
    )


@in_torch("06.5", says="3 steps must give 3 losses; yours is their mean")
def mean_loss(torch, F):
    return torch_policy_loss(torch, F, end=lambda losses: losses.mean())


@in_torch("06.5", says="3 steps must give 3 losses; yours is their sum")
def summed_loss(torch, F):
    return torch_policy_loss(torch, F, end=lambda losses: losses.sum())


@in_torch("06.5", says="the probability itself is weighted; take its logarithm")
def probability_for_its_logarithm(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: logs.exp().gather(1, actions[:, None])[:, 0])


@in_torch("06.5", says="the advantage is missing")
def no_advantage(torch, F):
    return lambda logits, actions, advantages, entropy_weight: F.cross_entropy(logits, actions, reduction="none")


@in_torch("06.5", says="yours are a table (3, 3): pick the action taken")
def a_loss_for_every_action(torch, F):
    return lambda logits, actions, advantages, entropy_weight: -F.log_softmax(logits, dim=1) * advantages[:, None]


@in_torch("06.5", says="yours are a table (3, 3): something of shape (T, 1) met something of shape (T,)")
def column_times_row(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: logs.gather(1, actions[:, None]))


@in_torch("06.5", says="the entropy's weight is ignored")
def weight_ignored(torch, F):
    def policy_loss(logits, actions, advantages, entropy_weight):
        policy = torch.distributions.Categorical(logits=logits)
        return -policy.log_prob(actions) * advantages - (policy.entropy() if entropy_weight else 0.0)

    return policy_loss


@in_torch("06.5", says="the entropy is missing")
def entropy_forgotten(torch, F):
    return lambda logits, actions, advantages, entropy_weight: F.cross_entropy(logits, actions, reduction="none") * advantages


@in_torch("06.5", says="no gradient reaches the logits")
def stops_the_policy_too(torch, F):
    return torch_policy_loss(torch, F, end=lambda losses: losses.detach())


@in_torch("06.5", says="no gradient comes from the entropy, so that nothing keeps the policy undecided")
def entropy_without_gradient(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -(logs.exp() * logs).sum(dim=1).detach())


@in_torch("06.5", says="rows and columns are swapped")
def rows_for_columns(torch, F):
    return torch_policy_loss(
        torch, F, pick=lambda logs, actions: logs.gather(0, actions[None, :])[0] if len(actions) > 1 else logs[0, actions]
    )


@in_torch("06.5", says="yours is 0.0: does the softmax run over the steps (axis 0)?")
def softmax_over_the_one_step(torch, F):
    return torch_policy_loss(torch, F, logs=lambda logits: F.log_softmax(logits, dim=0))


@in_torch("06.5", says="the entropy is missing, or it is multiplied by the advantage")
def advantage_times_everything(torch, F):
    def policy_loss(logits, actions, advantages, entropy_weight):
        policy = torch.distributions.Categorical(logits=logits)
        return -(policy.log_prob(actions) + entropy_weight * policy.entropy()) * advantages

    return policy_loss


@in_torch("06.5", says="yours sums the logarithms without their probabilities")
def logarithms_alone(torch, F):
    return torch_policy_loss(torch, F, of_entropy=lambda logs: -logs.sum(dim=1))


@in_torch("06.5", says="-log p is averaged over the steps; each step's belongs to its own advantage")
def mean_surprise(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: -F.nll_loss(logs, actions))


@in_torch("06.5", says="the first term is averaged over the steps")
def mean_of_the_first_term(torch, F):
    def policy_loss(logits, actions, advantages, entropy_weight):
        policy = torch.distributions.Categorical(logits=logits)
        return -(policy.log_prob(actions) * advantages).mean() - entropy_weight * policy.entropy()

    return policy_loss


@in_torch("06.5", says="the likeliest action is weighted; pick the one that was taken")
def the_likeliest(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: logs.amax(dim=1))


@in_torch("06.5", says="yours are a table (3, 3): in each row you picked all three actions")
def every_action_in_every_row(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: logs[:, actions])


@in_torch("06.5", says="with 1 step and 2 actions it raised RuntimeError: T and A may be any numbers")
def three_actions_at_all_times(torch, F):
    return torch_policy_loss(torch, F, pick=lambda logs, actions: (F.one_hot(actions, 3) * logs).sum(dim=1))


@in_torch("06.5", says="a large number hides the infinity")
def infinity_made_a_number(torch, F):
    return torch_policy_loss(torch, F, logs=lambda logits: torch.nan_to_num(logits.softmax(dim=1).log()))


@in_torch("06.5", says="use `log_softmax`, in both terms")
def entropy_of_rounded_probabilities(torch, F):
    def policy_loss(logits, actions, advantages, entropy_weight):
        undecided = torch.special.entr(logits.softmax(dim=1)).sum(dim=1)
        return F.cross_entropy(logits, actions, reduction="none") * advantages - entropy_weight * undecided

    return policy_loss


def keras_policy_loss(tf, ops, sign=-1.0, entropy_sign=-1.0, logs=None, of_entropy=None, pick=None, end=None):
    logs = logs or (lambda logits: ops.log_softmax(logits, axis=1))
    of_entropy = of_entropy or (lambda logs: -ops.sum(ops.exp(logs) * logs, axis=1))
    pick = pick or (lambda logs, actions: tf.gather(logs, actions, axis=1, batch_dims=1))

    def policy_loss(logits, actions, advantages, entropy_weight):
        all_logs = logs(logits)
        losses = sign * pick(all_logs, actions) * advantages + entropy_sign * entropy_weight * of_entropy(all_logs)
        return losses if end is None else end(losses)

    return policy_loss


@in_keras(
    "06.5",
    says="entropy weight 1: the loss must be -0.693, which is -1 x the entropy, 0.693; yours is 0.693: the entropy's sign",
)
def entropy_added_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, entropy_sign=1.0)


@in_keras("06.5", says="yours is -1.386: the sign is turned")
def climbs_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, sign=1.0)


@in_keras("06.5", says="the loss must be 200; yours is nan: softmax rounds to 0")
def log_of_zero_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, logs=lambda logits: ops.log(ops.softmax(logits, axis=1)))


@in_keras("06.5", says="the loss must be 200; yours is 23.026: a small number added to the probability")
def hides_the_zero_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, logs=lambda logits: ops.log(ops.softmax(logits, axis=1) + 1e-10))


@in_keras("06.5", says="the entropy is summed over the steps (axis 0)")
def entropy_over_the_steps_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, of_entropy=lambda logs: -ops.sum(ops.exp(logs) * logs, axis=0 if len(logs) > 1 else 1))


@in_keras("06.5", says="the softmax runs over the steps (axis 0)")
def softmax_over_the_steps_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, logs=lambda logits: ops.log_softmax(logits, axis=0 if len(logits) > 1 else 1))


@in_keras("06.5", says="3 steps must give 3 losses; yours is their mean")
def mean_loss_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, end=ops.mean)


@in_keras("06.5", says="the probability itself is weighted; take its logarithm")
def probability_for_its_logarithm_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, pick=lambda logs, actions: tf.gather(ops.exp(logs), actions, axis=1, batch_dims=1))


@in_keras("06.5", says="yours are a table (3, 3): something of shape (T, 1) met")
def column_times_row_in_keras(tf, ops):
    pick = lambda logs, actions: ops.take_along_axis(logs, actions[:, None], axis=1)  # noqa: E731
    return keras_policy_loss(tf, ops, pick=pick)


@in_keras("06.5", says="yours are a table (3, 3): in each row you picked all three actions")
def every_action_in_every_row_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, pick=lambda logs, actions: tf.gather(logs, actions, axis=1))


@in_keras("06.5", says="with 1 step and 2 actions it raised InvalidArgumentError: T and A may be any numbers")
def three_actions_at_all_times_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, pick=lambda logs, actions: ops.sum(ops.one_hot(actions, 3) * logs, axis=1))


@in_keras("06.5", says="no gradient reaches the logits")
def stops_the_policy_too_in_keras(tf, ops):
    return keras_policy_loss(tf, ops, end=ops.stop_gradient)


# --- 06.6 -----------------------------------------------------------------------------------------------------------------------------


class Cycle:
    """The right answer, cut into pieces that a mutant replaces one at a time."""

    def __call__(self, player, shared, t_max, discount):
        self.pull(player, shared)
        self.clear(player)
        self.begin(player)
        rollout = self.collect(player, shared, t_max)
        self.differentiate(player, self.look_back(player, rollout, discount))
        self.push(player, shared, len(rollout[1]))

    def pull(self, player, shared):
        with shared.lock:
            player.network.copy_from(shared.network)

    def clear(self, player):
        player.network.clear_gradients()

    def begin(self, player):
        if player.over:
            player.reset()

    def goes_on(self, player, actions, ended, t_max):
        return len(actions) < t_max and not player.over

    def choose(self, probabilities, player):
        return reference_sample(probabilities, player.rng)

    def collect(self, player, shared, t_max):
        observations, actions, rewards, terminated, values, ended = [], [], [], [], [], False
        while self.goes_on(player, actions, ended, t_max):
            probabilities, value = player.network.policy_and_value(player.observation)
            observations.append(player.observation)
            actions.append(self.choose(probabilities, player))
            reward, ended = player.step(actions[-1])
            rewards.append(reward)
            terminated.append(ended)
            values.append(value)
        return observations, actions, rewards, terminated, values

    def last_value(self, player, values):
        return player.network.policy_and_value(player.observation)[1]

    def look_back(self, player, rollout, discount):
        observations, actions, rewards, terminated, values = rollout
        values = np.array([*values, self.last_value(player, values)])
        return observations, actions, reference_returns(np.array(rewards), np.array(terminated), values, discount)

    def differentiate(self, player, rollout):
        player.network.add_gradients(*map(np.array, rollout))

    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(player.network.gradients)
            shared.steps += steps


def cycle(says: str):
    """A mutant of 06.6: a class whose instance is the answer."""
    return lambda kind: mutant("06.6", says=says, name=kind.__name__)(kind())


@cycle("it looks at observation 1 with weights of version 0, while the global network is at version 5: pull before you act")
class PullsAfterActing(Cycle):
    def pull(self, player, shared):
        pass

    def push(self, player, shared, steps):
        super().push(player, shared, steps)
        super().pull(player, shared)


@cycle("with weights of version 0, while the global network is at version 5: pull before you act")
class NeverPulls(Cycle):
    def pull(self, player, shared):
        pass


@cycle("the rollout of observations [1, 2] is pushed a second time: its gradients were still there")
class NeverClears(Cycle):
    def clear(self, player):
        pass


@cycle("one rollout must be added to the gradients once; yours were added 2 times")
class AddsTwice(Cycle):
    def differentiate(self, player, rollout):
        super().differentiate(player, rollout)
        super().differentiate(player, rollout)


@cycle("it pushes no gradients: they are the player's (`player.network.gradients`), and were cleared")
class ClearsTooLate(Cycle):
    def differentiate(self, player, rollout):
        super().differentiate(player, rollout)
        player.network.clear_gradients()


@cycle("it learns from a rollout without a step: the game was over")
class NeverResets(Cycle):
    def begin(self, player):
        if player.observation is None:
            player.reset()

    def look_back(self, player, rollout, discount):
        return super().look_back(player, rollout, discount) if rollout[0] else ([], [], [])


@cycle("it plays on in a game that is over: begin a new one with `player.reset()`")
class PlaysOnAfterTheEnd(Cycle):
    def goes_on(self, player, actions, ended, t_max):
        return len(actions) < t_max


@cycle("this rollout must act on observations [3]; yours acted on [3, 11]: the game ends after observation 3")
class PlaysAcrossTheEnd(Cycle):
    def goes_on(self, player, actions, ended, t_max):
        if player.over and len(actions) < t_max:
            player.reset()
        return len(actions) < t_max


@cycle("it resets a game that is not over, at observation 3: only when `player.over` is true")
class ResetsEveryTime(Cycle):
    def begin(self, player):
        player.reset()


@cycle("the returns must be [8.5, 15.0]; yours are [6.0, 10.0]: it bootstraps from V of observation 2, the last one acted on")
class BootstrapsFromTheLastActedOn(Cycle):
    def last_value(self, player, values):
        return values[-1]


@cycle("it bootstraps from observation 21, the first of the next game: look at `player.observation` before you reset")
class ResetsBeforeItBootstraps(Cycle):
    def last_value(self, player, values):
        self.begin(player)
        return super().last_value(player, values)


@cycle("the clock ran out, but nothing was terminated: go by `terminated`, not by `player.over`")
class TakesTheClockForTheEnd(Cycle):
    def last_value(self, player, values):
        return 0.0 if player.over else super().last_value(player, values)


@cycle("V of what the last step led to is missing")
class NeverBootstraps(Cycle):
    def last_value(self, player, values):
        return 0.0


@cycle("a lost ball is ignored; hand `n_step_returns` the `terminated` flags")
class IgnoresTheLostBall(Cycle):
    def look_back(self, player, rollout, discount):
        flags = [ended and player.over for ended in rollout[3]]
        return super().look_back(player, (*rollout[:3], flags, rollout[4]), discount)


@cycle("it bootstraps after the end of a game")
class IgnoresTheEnd(Cycle):
    def look_back(self, player, rollout, discount):
        return super().look_back(player, (*rollout[:3], [False] * len(rollout[3]), rollout[4]), discount)


@cycle("a lost ball does not end the game; go by `player.over`")
class EndsAtALostBall(Cycle):
    def goes_on(self, player, actions, ended, t_max):
        return super().goes_on(player, actions, ended, t_max) and not ended


@cycle("it updates outside the lock: two workers that write at once undo each other's work")
class UpdatesOutsideTheLock(Cycle):
    def push(self, player, shared, steps):
        shared.network.update(player.network.gradients)
        with shared.lock:
            shared.steps += steps


@cycle("it counts outside the lock")
class CountsOutsideTheLock(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(player.network.gradients)
        shared.steps += steps


@cycle("it pulls outside the lock")
class PullsOutsideTheLock(Cycle):
    def pull(self, player, shared):
        player.network.copy_from(shared.network)


@cycle("it plays while it holds the lock, and everybody else waits")
class PlaysInsideTheLock(Cycle):
    def collect(self, player, shared, t_max):
        with shared.lock:
            return super().collect(player, shared, t_max)


@cycle("it differentiates while it holds the lock")
class DifferentiatesInsideTheLock(Cycle):
    def differentiate(self, player, rollout):
        self.rollout = rollout

    def push(self, player, shared, steps):
        with shared.lock:
            super().differentiate(player, self.rollout)
            shared.network.update(player.network.gradients)
            shared.steps += steps


@cycle("it waits for a lock that it holds itself, for ever")
class LocksTwice(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            super().push(player, shared, steps)


@cycle("it ends while it still holds the lock")
class NeverLetsGo(Cycle):
    def push(self, player, shared, steps):
        shared.lock.acquire()
        shared.network.update(player.network.gradients)
        shared.steps += steps


@cycle("it acts with the global network, which the others change at any moment")
class ActsWithTheGlobalNetwork(Cycle):
    def collect(self, player, shared, t_max):
        shared.network.policy_and_value(player.observation)


@cycle("it updates the worker's own copy, which the next pull overwrites")
class UpdatesItsOwnCopy(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            player.network.update(player.network.gradients)
            shared.steps += steps


@cycle("it copies the worker's weights over the global ones")
class PullsTheWrongWay(Cycle):
    def pull(self, player, shared):
        with shared.lock:
            shared.network.copy_from(player.network)


@cycle("it pushes no gradients: they are the player's")
class PushesTheGlobalGradients(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(shared.network.gradients)


@cycle("the global network must be updated once; yours updated it not once")
class NeverPushes(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            shared.steps += steps


@cycle("yours updated it 2 times: collect the whole rollout, then push once")
class PushesTwice(Cycle):
    def push(self, player, shared, steps):
        super().push(player, shared, 0)
        super().push(player, shared, steps)


@cycle("2 steps were played, so `shared.steps` must go up by 2; yours went up by 1")
class CountsRollouts(Cycle):
    def push(self, player, shared, steps):
        super().push(player, shared, 1)


@cycle("with t_max 2 this rollout must act on observations [1, 2]; yours acted on [1, 2, 3]: a rollout ends after `t_max` steps")
class OneStepTooMany(Cycle):
    def goes_on(self, player, actions, ended, t_max):
        return len(actions) <= t_max and not player.over


@cycle("draw it from the probabilities that the network gives")
class AlwaysTheSameAction(Cycle):
    def choose(self, probabilities, player):
        return 0


@cycle("with probabilities [0.5, 0.4, 0.1] it played 0 forty times: draw the action with `sample_action`")
class TakesTheLikeliest(Cycle):
    def choose(self, probabilities, player):
        return int(np.argmax(probabilities))


@cycle("draw with `player.rng`")
class DrawsWithItsOwnGenerator(Cycle):
    def choose(self, probabilities, player):
        return reference_sample(probabilities, np.random.default_rng())


@cycle("those are the observations after each step; keep the ones acted on")
class KeepsTheNextObservations(Cycle):
    def look_back(self, player, rollout, discount):
        _, *rest = super().look_back(player, rollout, discount)
        return [*rollout[0][1:], player.observation], *rest


@cycle("`policy_and_value` takes one observation [H, W, C], here (2, 2, 1); yours got an array of shape (1, 2, 2, 1)")
class AsksAboutABatch(Cycle):
    def collect(self, player, shared, t_max):
        player.network.policy_and_value(player.observation[None])


@cycle("it looks at a game that has not begun: `player.over` is true before the very first, too")
class LooksBeforeTheFirstGame(Cycle):
    def begin(self, player):
        player.network.policy_and_value(player.observation)


@cycle("`player.step` takes one action, a whole number; yours got a ndarray")
class StepsWithProbabilities(Cycle):
    def choose(self, probabilities, player):
        return probabilities


@cycle("the returns must be [8.5, 15.0]; yours are [-1.5, -5.0]: V is subtracted already; the loss does that")
class AddsAdvantages(Cycle):
    def look_back(self, player, rollout, discount):
        observations, actions, looked_back = super().look_back(player, rollout, discount)
        return observations, actions, looked_back - np.array(rollout[4])


@cycle("yours are [30.403, 29.7]: the `discount` that it was given is ignored")
class DiscountsAsItLikes(Cycle):
    def look_back(self, player, rollout, discount):
        return super().look_back(player, rollout, 0.99)


@cycle("a list of numbers holds a pair: `player.step` gives (reward, terminated)")
class KeepsThePair(Cycle):
    def last_value(self, player, values):
        return player.network.policy_and_value(player.observation)


@cycle("takes observations [T, H, W, C], actions [T] and returns [T]; yours have shapes (2, 2, 2, 1), (2,), (1,)")
class OneReturnForTheRollout(Cycle):
    def look_back(self, player, rollout, discount):
        observations, actions, looked_back = super().look_back(player, rollout, discount)
        return observations, actions, looked_back[:1]


@cycle("`shared.network.update` takes `player.network.gradients`; yours got a NoneType")
class PushesWhatAddGradientsReturned(Cycle):
    def push(self, player, shared, steps):
        with shared.lock:
            shared.network.update(None)


@cycle("yours holds [1, 2, 3]: those of the rollout before are still in its lists; begin each cycle with empty ones")
class KeepsItsLists(Cycle):
    def __init__(self):
        self.kept = ([], [], [], [], [])

    def collect(self, player, shared, t_max):
        for kept, new in zip(self.kept, super().collect(player, shared, t_max)):
            kept += new
        return self.kept
