# %% [markdown]
# # 06 · A3C
# Two players of Breakout. At every step each of them gives all three buttons a **probability** (the bars under its screen) and then draws
# lots; the orange bar, the one with a dark edge, is the button that came up. One of the two has never played before, the other has
# learned.
#
# **Guess** before you run the next two cells: how will the bars of the one who has learned look? **A** One bar near 100%, all the time.
# **B** Now level, now lopsided, depending on the screen. **C** One button is its favourite, whatever happens.

# %%
import course_lib
import threading
import torch
import numpy as np
from torch.nn import functional as F

with course_lib.quiet():
    import keras
    import tensorflow as tf

from course_lib import checks, play, pretrained
from course_lib.config import A3C_BOOK
from course_lib.environments import observation_shape
from course_lib.figures import a3c as figures
from course_lib.figures import a3c_live as live
from course_lib.figures import dqn as earlier
from course_lib.figures import dqn_live, use_course_style
from course_lib.learners import make_learner
from course_lib.toy import Catch

FRAMEWORK = course_lib.framework()
torch.set_num_threads(1)  # networks as small as these are faster on one core
tf.config.threading.set_intra_op_parallelism_threads(1)
use_course_style()

# %%
first_guess = "A"  # or "B" or "C"
path, about = pretrained.stage_file("a3c")  # the best stage that ships with the course
trained, config = pretrained.load_learner(path, FRAMEWORK, agent="a3c", device="cpu")
untrained = make_learner(config, FRAMEWORK, observation_shape(config), config.num_actions, seed=1, device="cpu")
games = {}
for name, learner in (("untrained", untrained), ("trained", trained)):
    games[name] = play.record_episode(learner, config, seed=2, sampled=True, max_steps=240)
play.show_video(figures.film(games), width=700)

# %% [markdown]
# The untrained one rolls a fair die with three sides. The trained one has learned to **load the die**, and to load it only where it
# matters: section 11 looks at its bars more closely.
#
# **You will be able to**
# - say why a player who only ever takes its best guess stays ignorant, and draw actions from a policy instead;
# - go from REINFORCE to a baseline to the advantage, and see the noise shrink at each step;
# - write the six parts of A3C: drawing an action, k-step returns, advantages, the actor's loss, the critic's, and the worker's cycle;
# - let four of your workers learn a game together, and say what more workers change and what they do not;
# - read A3C's curves, and tell when a policy has become certain of something bad.
#
# **Minutes**: about 130, in two sittings if you like (the second begins at *Two heads*). **You need**: lessons 02 to 05.

# %% [markdown]
# ## 1 · The best guess is not enough
# A machine with three levers. The first pays nothing. The second pays 0.5, for sure. The third pays 20, but only in one pull of 20: on
# average 1.

# %%
LEVERS = ("nothing", "sure", "jackpot")


def pull(lever, rng):
    """What one pull pays."""
    return (0.0, 0.5, 20.0 * (rng.random() < 0.05))[lever]


def take_the_best_guess(pulls=200, seed=0):
    """Always the lever with the best average so far (chance decides between equals); returns the lever that was pulled most."""
    rng, totals, counts = np.random.default_rng(seed), np.zeros(3), np.zeros(3)
    for _ in range(pulls):
        averages = totals / np.maximum(counts, 1)
        lever = rng.choice(np.flatnonzero(averages == averages.max()))
        totals[lever] += pull(lever, rng)
        counts[lever] += 1
    return int(counts.argmax())


# %% [markdown]
# **Predict**: of 100 players who do this, how many end up at the lever that pays best?

# %%
my_guess = 50  # of 100
favourites = np.array([take_the_best_guess(seed=seed) for seed in range(100)])
print(f"your guess: {my_guess}; players at the jackpot: {(favourites == 2).sum()}")
figures.draw_pulls(favourites, LEVERS)

# %% [markdown]
# The first 0.5 ends the search: from then on nothing beats "sure", and what a jackpot is worth they never find out. A guess can only
# improve where it is tried.
#
# DQN's way out was epsilon: now and then any button at all. A3C's way out is a **policy** $\pi(a|s)$: a probability for every action $a$ in
# state $s$, so that each is tried *the more often, the more promising it looks*. What the network gives are preferences, numbers of any
# size (also called **logits**), and the softmax of lesson 02 turns them into probabilities: exponentials, which are positive, divided by
# their sum.

# %%
def softmax(preferences):
    """Probabilities from preferences, float [A]."""
    exponentials = np.exp(preferences - preferences.max())
    return exponentials / exponentials.sum()


print("undecided:    ", softmax(np.array([0.0, 0.0, 0.0])).round(2))
print("likes the 3rd:", softmax(np.array([0.0, 0.5, 2.0])).round(2))

# %% [markdown] exercise="06.1" points=1
# ### Exercise 06.1 · Draw an action
# *Difficulty 1 of 5 · 1 point · about 6 minutes*
#
# Write `sample_action(probabilities, rng)`: one action, a whole number from 0 to A - 1, each drawn with its probability.
# `probabilities` is a float array `[A]`, nothing negative. Only proportions count, since float32 rounds and a sum may not be exactly 1:
# `[2, 1, 1]` means a half, a quarter, a quarter. Draw from the generator `rng` only, and leave the array as it is.
#
# `[0, 1, 0]` gives 1 every time; `[0.2, 0.5, 0.3]` gives 1 in half of the draws.
#
# <details><summary>Hint 1</summary>Lay the probabilities end to end on a line, like a ruler with A pieces, and throw a dart at it. Which
# piece is hit?</details>
# <details><summary>Hint 2</summary><code>np.cumsum(probabilities)</code> gives the right edges of the pieces, and the last edge is the
# length of the ruler; <code>rng.random()</code> is a number from 0 to 1.</details>
# <details><summary>Hint 3</summary>Either <code>np.searchsorted(edges, dart, side="right")</code>, which counts the edges at or left of
# the dart; or let <code>rng.choice(len(probabilities), p=...)</code> do it all, with probabilities that you have divided by their
# sum.</details>

# %% exercise="06.1"
def sample_action(probabilities, rng):
    """Draw one action.

    probabilities: float [A], not negative, of which only the proportions count; rng: np.random.Generator. Returns an int, 0 to A - 1.
    """
    # SOLUTION BEGIN
    edges = np.cumsum(probabilities, dtype=float)  # [A], right edges of the pieces
    return int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
    # SOLUTION END


# %% check="06.1"
sample_action = checks.a3c.sample_action(sample_action)

# %% [markdown]
# ## 2 · Push what went well
# How does a policy learn? Draw an action, see what it pays, and **push** its probability up, the more it paid the harder. That is
# REINFORCE (Williams 1992):
#
# $$\theta \leftarrow \theta + \alpha \, R \, \nabla_\theta \log \pi(a)$$
#
# where $\theta$ are the numbers that make the policy, $\alpha$ is the learning rate, and $R$ is what came of the action $a$. If $\theta$ are
# the preferences under a softmax, the gradient is almost too simple: 1 for the action taken, 0 for the others (*one-hot*), minus the
# probabilities.

# %%
def push(preferences, action, weight, rate=0.05):
    """Make an action likelier (weight above 0) or less likely (below 0), in place."""
    gradient = -softmax(preferences)
    gradient[action] += 1.0  # of log pi(action)
    preferences += rate * weight * gradient


preferences, tiny = np.array([0.0, 0.5, 2.0]), 1e-6
slopes = [(np.log(softmax(preferences + tiny * one)[1]) - np.log(softmax(preferences)[1])) / tiny for one in np.eye(3)]
print("slopes of log pi(1), measured:", np.round(slopes, 3))
print("one-hot minus probabilities:  ", (np.eye(3)[1] - softmax(preferences)).round(3))

# %% [markdown]
# Now a task with *screens*. There are two rooms, and chance picks one for each game. Each has two levers; the second always pays 2 more.
# But everything in the second room pays 10 more than in the first, and there is a little noise on top.

# %%
PAY = np.array([[9.0, 11.0], [19.0, 21.0]])  # [room, lever]


def learn(baseline, games=400, seed=0):
    """Learn a preference for each lever of each room; returns the chance of the better lever after each game, [games]."""
    rng, preferences, values, chances = np.random.default_rng(seed), np.zeros((2, 2)), np.zeros(2), []
    for _ in range(games):
        room = rng.integers(2)
        lever = sample_action(softmax(preferences[room]), rng)
        reward = PAY[room, lever] + rng.normal()
        expected = {"none": 0.0, "one mean": values.mean(), "V of each room": values[room]}[baseline]
        push(preferences[room], lever, reward - expected)
        values[room] += 0.1 * (reward - values[room])  # a running mean of what this room pays
        chances.append(np.mean([softmax(row)[1] for row in preferences]))
    return np.array(chances)


# %% [markdown]
# **REINFORCE** is `baseline="none"`: the push is the reward itself. **Predict**: after 400 games, how likely does it play the better
# lever? It starts at 0.5.

# %%
my_guess = 0.95
curves = {"REINFORCE": np.array([learn("none", seed=seed) for seed in range(40)])}
final = curves["REINFORCE"][:, -1]  # [40], mean of a player's two rooms
print(f"your guess: {my_guess}; REINFORCE, mean of 40 players: {final.mean():.2f}")
print("players with a wrong favourite in at least one room:", (final < 0.6).sum())
figures.draw_rooms(curves)

# %% [markdown]
# It rises, and then it stops. Every reward is positive, so *whatever* is tried is pushed up, by 9 or by 21. A lever that happens to be
# tried first is tried again because of it. More than half of the players have talked themselves into a wrong lever, for good.
#
# What is wrong with a reward of 19 in the second room? It is *less than usual*. So subtract what is usual, a **baseline**. First the
# mean of everything:

# %%
curves["with a baseline"] = np.array([learn("one mean", seed=seed) for seed in range(40)])
figures.draw_rooms(curves)

# %% [markdown]
# Better. But in the rich room everything still looks good, and in the poor room everything looks bad. What is usual depends on where you
# are: a value for each screen, $V(s)$. What remains is the **advantage**, $A = R - V(s)$: *how much better than expected did it go?*

# %%
curves["advantage"] = np.array([learn("V of each room", seed=seed) for seed in range(40)])
figures.draw_rooms(curves)

# %% [markdown]
# Three curves, three words: red REINFORCE, orange a baseline, blue the advantage. But is it fair to subtract something? Does it not
# change where the pushes lead *on average*? Let us collect 100,000 pushes of an undecided player.

# %%
rng, size = np.random.default_rng(0), 100_000
rooms, levers = rng.integers(2, size=size), rng.integers(2, size=size)
rewards = PAY[rooms, levers] + rng.normal(size=size)
direction = np.where(levers == 1, 0.5, -0.5)  # one-hot minus probabilities, for the better lever
weights = {"REINFORCE": rewards, "with a baseline": rewards - 15, "advantage": rewards - np.where(rooms == 0, 10, 20)}
pushes = {name: weight * direction for name, weight in weights.items()}
for name, each in pushes.items():
    print(f"{name:15}  mean push {each.mean():.1f}  spread {each.std():.1f}")
figures.draw_pushes(pushes)

# %% [markdown]
# The same mean, whatever is subtracted, as long as it does not depend on the action: what it adds to the pushes towards an action and
# away from it cancels on average ($\sum_a \pi(a) \nabla \log \pi(a) = 0$). But the single push, which is all that a learner ever gets, is
# drowned in noise on the left and clear on the right.
#
# So there are two things to learn. The **actor** is the policy: what to do. The **critic** is the value: what to expect. Together:
# *advantage actor-critic*, two of the three A's.

# %% [markdown]
# ## 3 · How far to look
# In a game, rewards come later than the moves that earned them. What did a move bring? DQN looks **one** step ahead and lets a value
# speak for the rest, so a reward seeps back one step a visit (the corridor of lesson 04). REINFORCE waits for the end of the game:
# exact, but noisy, for it blames and praises each move for everything that happened later.
#
# A3C plays a **rollout** of up to $t_\text{max}$ steps (the book: 20), and then every step $t$ looks *as far as the rollout goes*, over the
# $k$ steps that are left of it:
#
# $$R_t = r_{t+1} + \gamma r_{t+2} + \dots + \gamma^{k-1} r_{t+k} + \gamma^k V(s_{t+k})$$
#
# ($r_{t+1}$ is what step $t$ paid, `rewards[t]` in code; $R_t$ is called the **k-step return**.) By hand, for three steps that paid 0, 1,
# 0 and led to a screen whose value is 4, with $\gamma = 0.5$:

# %%
r, v, discount = [0.0, 1.0, 0.0], 4.0, 0.5
print("step 2, k = 1:", r[2] + discount * v)
print("step 1, k = 2:", r[1] + discount * r[2] + discount**2 * v)
print("step 0, k = 3:", r[0] + discount * r[1] + discount**2 * r[2] + discount**3 * v)

# %% [markdown]
# Look at them from the bottom upwards, or rather from the end backwards: each is its own reward plus $\gamma$ times the one after it.
# And where a ball is lost, nothing flows back across it:

# %%
figures.draw_how_far(rewards=[0, 1, 0, 0, 1, 0], terminated=[False, False, True, False, False, False])

# %% [markdown]
# One row for each step: in blue the rewards that it counts, in purple V of the screen *after* the last step, which speaks for everything
# that comes later. Steps 0 to 2 stop at the red line: that ball was lost, and what the next ball brought was not their doing.

# %% [markdown] exercise="06.2" points=3
# ### Exercise 06.2 · k-step returns
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# Write `n_step_returns(rewards, terminated, values, discount)` for a rollout of T steps. `rewards` is float32 `[T]`; `terminated` bool
# `[T]`, true where the step lost a ball or ended the game; `values` float32 `[T + 1]`: V of the T observations acted on, and of the
# observation *after* the last step. (You need only one of these values. Which?) Return a new float array `[T]`, and leave the others as
# they are.
#
# With rewards `[1, 0, 2]`, values `[5, 5, 5, 8]` and discount 0.5: nothing terminated gives `[2.5, 3, 6]`; terminated at step 1 gives
# `[1, 0, 6]`; terminated at step 2 gives `[1.5, 1, 2]`.
#
# <details><summary>Hint 1</summary>Walk backwards. Keep in one variable what follows; at first that is the value at the very
# end.</details>
# <details><summary>Hint 2</summary>At each step: if it is terminated, nothing follows. Then this step's return is its reward plus the
# discount times what follows, and it becomes what follows for the step before.</details>
# <details><summary>Hint 3</summary><code>following = values[-1]</code>; <code>for t in reversed(range(len(rewards)))</code>:
# <code>following = rewards[t] + discount * following * (not terminated[t])</code>, and store it in <code>returns[t]</code>.</details>

# %% exercise="06.2"
def n_step_returns(rewards, terminated, values, discount):
    """What came of each step of a rollout, and a guess at the rest.

    rewards: float32 [T]; terminated: bool [T]; values: float32 [T + 1], V of each observation acted on and of the one after the last step;
    discount: float. Returns a float array [T].
    """
    # SOLUTION BEGIN
    returns, following = np.zeros(len(rewards), np.float32), values[-1]
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following * (not terminated[t])
        returns[t] = following
    return returns  # [T]
    # SOLUTION END


# %% check="06.2"
n_step_returns = checks.a3c.n_step_returns(n_step_returns)

# %% [markdown]
# (The book's own A3C program takes V of the last observation it *acted on*, `values[-2]`: a step too early, and that step's outcome is
# counted twice. Lesson 10 keeps this bug in a museum.)
#
# Back into the corridor of lesson 04: five states, and only the exit at the right pays. There, after the *first* game exactly one entry
# of the table was not 0. **Predict**: of the five values V, how many are not 0 after one game, if every step looks to the end of its
# rollout, and the rollout is the whole game?

# %%
my_guess = 1  # of 5


def corridor_game(values, k, seed=1):
    """One random walk from state 0 to the exit; then each state's value moves half-way to its return, k steps at a time."""
    rng, states = np.random.default_rng(seed), [0]
    while states[-1] < 5:
        states.append(max(states[-1] + rng.choice([-1, 1]), 0))
    rewards = np.float32([after == 5 for after in states[1:]])
    before = np.append(values, 0.0)[states]  # the exit's value is 0
    for start in range(0, len(rewards), k):
        end = min(start + k, len(rewards))
        returns = n_step_returns(rewards[start:end], rewards[start:end] == 1, before[start : end + 1], 0.9)
        for state, value in zip(states[start:end], returns):
            values[state] += 0.5 * (value - values[state])
    return values


one_step, to_the_end = corridor_game(np.zeros(5), k=1), corridor_game(np.zeros(5), k=1_000)
print(f"your guess: {my_guess}; not 0 with k = 1: {np.count_nonzero(one_step)}, to the end: {np.count_nonzero(to_the_end)}")

# %% [markdown]
# All five: the one reward reaches every step of the rollout at once. That is why A3C can do with fewer passes over each experience than
# DQN, and it has to, as we shall see.

# %% [markdown]
# ## 4 · Two heads
# *A good place to begin the second sitting. Click here, then Run → Run All Above Selected Cell: all names are back.*
#
# Pixels again, and a network in place of the tables. The body is shared: two convolutions and a dense layer, smaller than DQN's. On top
# sit two heads: one gives three **logits** (the actor), the other one number, **V** (the critic). In the table, 8 × 8 / 4 is a kernel of
# 8 × 8 with stride 4.
#
# | layer | DQN (lesson 02) | A3C |
# |---|---|---|
# | convolutions | 32 of 8 × 8 / 4, 64 of 4 × 4 / 2, 64 of 3 × 3 / 1 | 16 of 8 × 8 / 4, 32 of 4 × 4 / 2 |
# | dense | 512 | 256 |
# | out | 3 Q-values | 3 logits, and 1 value |
# | weights | 1,685,667 | 677,172 |

# %%
weights = trained.get_weights()
print("weights:", f"{sum(array.size for array in weights.values()):,}")
print("policy head:", weights["policy/kernel"].shape, " value head:", weights["value/kernel"].shape)
observation = games["trained"].observations[0]  # uint8 [84, 84, 4]
probabilities, values = trained.policy_and_value(observation[None])  # [1, A], [1]
print("one observation in, out:", probabilities.shape, "probabilities and", values.shape, "value")

# %% [markdown]
# One loss trains all of it. For each step of a rollout, with its return $R$ and its advantage $A = R - V(s)$:
#
# $$\underbrace{-\log \pi(a|s) \cdot A}_{\text{actor: 06.5}} \;\underbrace{-\; \beta \, H(\pi)}_{\text{stay curious: 06.5}}
# \;+\; \tfrac12 \underbrace{(R - V(s))^2}_{\text{critic: 06.4}}$$
#
# ($H$ says how undecided the policy is, $\beta$ is a small weight: section 5. In shapes such as `[T, A]`, A is still the number of actions.)
#
# The minus sign is all that is new about the "push": a loss is descended, and descending $-\log\pi \cdot A$ climbs $\log \pi \cdot A$.
# Before we write it, two traps, one in each term that contains $V$.
#
# ### Trap 1: the critic can be bribed
# $A$ contains $V$, and V belongs to the same network. Let the gradient of the actor's loss flow into V, and there are *two* ways to make
# it smaller: play better, or **promise more**. The smallest world that shows it: two buttons, and both always pay 1.

# %%
def settle(stopped, updates=150, rate=0.1):
    """V, update by update, of a screen with two buttons that both pay 1: [updates]. stopped: no gradient from the actor's loss into V."""
    rng, preferences, value, history = np.random.default_rng(0), np.zeros(2), 0.0, []
    for _ in range(updates):
        probabilities = softmax(preferences)
        action = sample_action(probabilities, rng)
        advantage = 1.0 - value
        slope = -advantage  # of the critic's loss 0.5 (R - V)^2 along V
        if not stopped:
            slope += np.log(probabilities[action])  # of the actor's loss -log pi(a) (R - V) along V
        push(preferences, action, advantage)
        value -= rate * slope
        history.append(value)
    return np.array(history)


# %% [markdown]
# **Predict**: what V does it end at with the gradient flowing? The truth is 1.

# %%
my_guess = 1.0
runs = {"gradient stopped": settle(stopped=True), "gradient flows": settle(stopped=False)}
print(f"your guess: {my_guess}; stopped: {runs['gradient stopped'][-1]:.1f}; flowing: {runs['gradient flows'][-1]:.1f}")
figures.draw_settling(runs, truth=1.0)

# %% [markdown]
# V settles at 1.7, which is $1 - \log 0.5$: it promises 70% more than there is, the more so the less decided the policy is. Every return
# that ends in this V is wrong by as much. So the advantage must enter the loss as a **constant**, a mere number.

# %% [markdown] exercise="06.3" points=2
# ### Exercise 06.3 · Advantages, with the gradient stopped
# *Difficulty 2 of 5 · 2 points · about 8 minutes · in PyTorch, in Keras, or in both*
#
# Write `advantages_torch` or `advantages_keras`, each `(returns, values)`: returns minus values, one number for each step. `returns` is a
# float32 tensor `[T]`, `values` a float32 tensor `[T, 1]`, a column, as a head with one unit gives it. Return a float32 tensor `[T]`
# through which no gradient flows into `values`. Stay with tensors (no NumPy): the workers will call it where gradients are recorded, in
# Keras inside a compiled function.
#
# Returns `[1, 4]` and values `[[1.5], [2]]` give `[-0.5, 2]`.
#
# | | PyTorch | Keras |
# |---|---|---|
# | stop a gradient | `tensor.detach()` | `keras.ops.stop_gradient(tensor)` |
#
# <details><summary>Hint 1</summary>Print the shape of <code>returns - values</code> for two steps. It is not what you want.</details>
# <details><summary>Hint 2</summary><code>values[:, 0]</code> is the column as a row of numbers, [T].</details>
# <details><summary>Hint 3</summary>Subtract first, at shape [T], then stop the gradient of the whole difference.</details>

# %% exercise="06.3" framework="torch"
def advantages_torch(returns, values):
    """How much better than expected: tensors float32 [T] and [T, 1] -> [T], a constant."""
    # SOLUTION BEGIN
    return (returns - values[:, 0]).detach()  # [T]
    # SOLUTION END


# %% check="06.3" framework="torch"
advantages_torch = checks.a3c.advantages_torch(advantages_torch)

# %% exercise="06.3" framework="keras"
def advantages_keras(returns, values):
    """How much better than expected: tensors float32 [T] and [T, 1] -> [T], a constant."""
    # SOLUTION BEGIN
    return keras.ops.stop_gradient(returns - values[:, 0])  # [T]
    # SOLUTION END


# %% check="06.3" framework="keras"
advantages_keras = checks.a3c.advantages_keras(advantages_keras)

# %% [markdown]
# ### Trap 2: everybody is compared with everybody
# You have met it as a matter of shapes, in lesson 03 and just now; here is what it *does*. Four screens with the returns 0, 0, 0 and 4,
# and a value for each, kept as a column. A program subtracts one from the other and takes the mean of the squares:

# %%
returns, values = np.array([0.0, 0.0, 0.0, 4.0]), np.array([[0.0], [0.0], [0.0], [0.0]])  # [T], [T, 1]
print("returns - values:      ", (returns - values).shape)
print("returns - values[:, 0]:", (returns - values[:, 0]).shape)
figures.draw_pairs(returns, values[:, 0])

# %% [markdown]
# Dark on the diagonal is what was meant. The pale ones compare each screen's value with every *other* screen's return. **Predict**: if
# we descend the mean of all sixteen squares, where do the four values go?

# %%
my_guess = [0, 0, 0, 4]


def descend(pair_up, updates=200, rate=0.5):
    """Four values after gradient descent on the mean squared difference, all pairs or the four that are meant."""
    values = np.zeros((4, 1))  # [T, 1]
    for _ in range(updates):
        differences = returns - values if pair_up else returns[:, None] - values  # [T, T] or [T, 1]
        values += rate * differences.mean(axis=1, keepdims=True)
    return values[:, 0].round(2).tolist()


print("your guess:             ", my_guess)
print("the four that are meant:", descend(pair_up=False))
print("all sixteen pairs:      ", descend(pair_up=True))

# %% [markdown]
# All four values become 1, the **mean of all returns**. No error, no warning, and the loss even falls; but this critic sees no
# difference between a won and a lost screen, and all that is left of the advantage is the one mean of section 2. The book's program
# has this bug, too, and learned in spite of it.

# %% [markdown] exercise="06.4" points=2
# ### Exercise 06.4 · The critic's loss
# *Difficulty 2 of 5 · 2 points · about 8 minutes · in PyTorch, in Keras, or in both*
#
# Write `value_loss_torch` or `value_loss_keras`, each `(values, returns)`: $(R - V)^2$, the whole square, one for each step. `values` is
# a float32 tensor `[T, 1]`, `returns` one of shape `[T]`. Return a float32 tensor `[T]`. The value moves to the return, never the return
# to the value: whoever calls you, no gradient flows into `returns`.
#
# Values `[[1], [2]]` and returns `[3, 2]` give `[4, 0]`.
#
# <details><summary>Hint 1</summary>Bring both to shape [T] before they meet.</details>
# <details><summary>Hint 2</summary>Of the two, stop the gradient of <code>returns</code>; the values must keep theirs.</details>
# <details><summary>Hint 3</summary><code>(returns - values[:, 0]) ** 2</code>, with <code>returns</code> stopped as in 06.3. A library's
# loss does as well, if it neither averages nor broadcasts.</details>

# %% exercise="06.4" framework="torch"
def value_loss_torch(values, returns):
    """Squared error of each value: tensors float32 [T, 1] and [T] -> [T]."""
    # SOLUTION BEGIN
    return (returns.detach() - values[:, 0]) ** 2  # [T]
    # SOLUTION END


# %% check="06.4" framework="torch"
value_loss_torch = checks.a3c.value_loss_torch(value_loss_torch)

# %% exercise="06.4" framework="keras"
def value_loss_keras(values, returns):
    """Squared error of each value: tensors float32 [T, 1] and [T] -> [T]."""
    # SOLUTION BEGIN
    return keras.ops.square(keras.ops.stop_gradient(returns) - values[:, 0])  # [T]
    # SOLUTION END


# %% check="06.4" framework="keras"
value_loss_keras = checks.a3c.value_loss_keras(value_loss_keras)

# %% [markdown]
# ## 5 · Certain too soon
# Back to the machine with the three levers, now with a policy and an advantage. 500 players, 2,000 pulls each. **Predict**: how many of
# them still end up at the wrong lever, for good?

# %%
my_guess = 0  # per cent
runs = {"no entropy bonus": live.play_machine(entropy_weight=0.0)}
certainty, pay = runs["no entropy bonus"]  # [players] each
print(f"your guess: {my_guess}%; certain of the wrong lever: {((certainty > 0.9) & (pay < 0.7)).mean():.0%}")

# %% [markdown]
# Better than the best guess of section 1, but a quarter of them are lost: a long enough spell without a jackpot, and "sure" is pushed up
# until nothing else is ever tried. A policy that is certain stops learning, since it stops trying.
#
# The cure is to pay for being undecided. How undecided a policy is, its **entropy** says:
#
# $$H(\pi) = -\sum_a \pi(a) \log \pi(a)$$

# %%
def entropy(probabilities):
    """How undecided each policy is, in nats: float [B, A] -> [B]."""
    logarithms = np.log(np.maximum(probabilities, 1e-30))  # 0 log 0 counts as 0
    return -(probabilities * logarithms).sum(axis=1)


figures.show_entropy(entropy, preferences=(0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0))

# %% [markdown]
# Every policy over three buttons is a point in a triangle: in a corner one button is certain, in the middle all are alike. The colour is
# the entropy, in nats, the unit that goes with the natural logarithm: 1.10 ($\log 3$) in the bright middle, 0 in the dark corners. Drag
# the slider (or read the three pictures from left to right): the more "right" is preferred, the closer the red dot comes to its corner
# and the lower the entropy.
#
# Now add $\beta H$ to what the players climb, here with $\beta = 0.15$, and compare.

# %%
runs["entropy bonus 0.15"] = live.play_machine(entropy_weight=0.15)
figures.draw_certainty(runs)

# %% [markdown]
# Each mark is a player. Left, without the bonus, two heaps, both at the far right: everybody is certain, some of the jackpot (above, blue
# dots), some of the wrong lever (below, red squares). Right, with the bonus, the red heap is all but gone. The price: the others are a
# little less certain of the right thing, too.
#
# Remember how to read this picture, for it is how one reads A3C's own curves: **a maximum probability near 1 with a low score means
# converged to something bad**.

# %% [markdown]
# The actor's loss needs $\log \pi$. Two ways to get it from logits, and a policy that is very certain:

# %%
logits = torch.tensor([[0.0, 200.0]])
print("log of the softmax:", torch.log(logits.softmax(dim=1)).tolist())
print("log_softmax:       ", F.log_softmax(logits, dim=1).tolist())

# %% [markdown]
# The softmax of the first logit is $e^{-200}$, which float32 rounds to 0, and the logarithm of 0 is minus infinity: the loss becomes
# `nan`, and one step later every weight is `nan`. Adding a tiny number inside the logarithm (the book's code adds $10^{-10}$) avoids that,
# but also cuts the gradient off, just where a hopelessly certain policy needs it most. `log_softmax` never takes the detour.

# %% [markdown] exercise="06.5" points=3
# ### Exercise 06.5 · The actor's loss, entropy included
# *Difficulty 3 of 5 · 3 points · about 15 minutes · in PyTorch, in Keras, or in both*
#
# Write `policy_loss_torch` or `policy_loss_keras`, each `(logits, actions, advantages, entropy_weight)`:
# $-\log \pi(a|s) \, A - \beta H(\pi)$ for each step. Tensors come in: `logits` float32 `[T, A]`, `actions` int64 `[T]`, `advantages` float32
# `[T]` (a constant already); `entropy_weight`, the $\beta$, is a float. Return a float32 tensor `[T]`, right for logits as far apart as 200.
#
# Logits `[[0, 0]]`, action 1, advantage 2: -log 0.5 × 2 = 1.386; with entropy weight 1 the loss is 1.386 - 0.693 = 0.693.
#
# | | PyTorch | Keras on TensorFlow |
# |---|---|---|
# | log of the softmax | `F.log_softmax(logits, dim=1)` | `keras.ops.log_softmax(logits, axis=1)` |
# | pick a column in each row | `array.gather(1, actions[:, None])[:, 0]` | `tf.gather(array, actions, axis=1, batch_dims=1)` |
# | exp, sum | `tensor.exp()`, `tensor.sum(dim=1)` | `keras.ops.exp(x)`, `keras.ops.sum(x, axis=1)` |
#
# <details><summary>Hint 1</summary>Take the logarithms of all probabilities once, [T, A]; both terms need them.</details>
# <details><summary>Hint 2</summary>The probabilities themselves are the exponentials of the logarithms. The entropy sums over the actions
# of a step, axis 1.</details>
# <details><summary>Hint 3</summary><code>chosen</code> = the logarithms of the actions taken, [T]; <code>entropy</code> = minus the sum of
# exp(logs) x logs, [T]; return <code>-chosen * advantages - entropy_weight * entropy</code>.</details>

# %% exercise="06.5" framework="torch"
def policy_loss_torch(logits, actions, advantages, entropy_weight):
    """What the actor descends on: tensors float32 [T, A], int64 [T], float32 [T], and a float -> float32 [T]."""
    # SOLUTION BEGIN
    logs = F.log_softmax(logits, dim=1)  # [T, A]
    chosen = logs.gather(1, actions[:, None])[:, 0]  # [T]
    entropy = -(logs.exp() * logs).sum(dim=1)  # [T]
    return -chosen * advantages - entropy_weight * entropy  # [T]
    # SOLUTION END


# %% check="06.5" framework="torch"
policy_loss_torch = checks.a3c.policy_loss_torch(policy_loss_torch)

# %% exercise="06.5" framework="keras"
def policy_loss_keras(logits, actions, advantages, entropy_weight):
    """What the actor descends on: tensors float32 [T, A], int64 [T], float32 [T], and a float -> float32 [T]."""
    # SOLUTION BEGIN
    logs = keras.ops.log_softmax(logits, axis=1)  # [T, A]
    chosen = tf.gather(logs, actions, axis=1, batch_dims=1)  # [T]
    entropy = -keras.ops.sum(keras.ops.exp(logs) * logs, axis=1)  # [T]
    return -chosen * advantages - entropy_weight * entropy  # [T]
    # SOLUTION END


# %% check="06.5" framework="keras"
policy_loss_keras = checks.a3c.policy_loss_keras(policy_loss_keras)

# %% [markdown]
# The whole loss, made of yours: half of the critic's, and an entropy weight of 0.02 for the small game to come (the book takes 0.01 for
# Breakout). The library has the same in `course_lib/backends/torch/losses.py`, and its Keras twin.

# %%
ours = {
    "torch": (advantages_torch, policy_loss_torch, value_loss_torch),
    "keras": (advantages_keras, policy_loss_keras, value_loss_keras),
}
advantages, policy_loss, value_loss = ours[FRAMEWORK]


def loss_of(logits, values, actions, returns):
    """What a worker descends on: [T, A], [T, 1], [T], [T] -> [T]."""
    return policy_loss(logits, actions, advantages(returns, values), 0.02) + 0.5 * value_loss(values, returns)


# %% [markdown]
# ## 6 · Many players, one network
# Twenty steps in a row of one game: lesson 04 showed what is wrong with them. They look alike, and a network that learns from such
# neighbours forgets the rest. DQN's remedy was a memory of hundreds of thousands of old steps, shuffled. The third A of A3C,
# **asynchronous**, is another: several workers play at once, each its own game.
#
# Left 32 steps in a row of one game, laid on top of one another; right 8 games with 4 steps each.

# %%
played = [dqn_live.play_breakout_at_random(420, seed=seed) for seed in range(8)]
frames = np.stack([[step.frame for step in steps[:420]] for steps in played])  # [8, 420, 84, 84]
one_game = frames[4, 300:332]  # [32, 84, 84]
eight_games = np.concatenate([frames[game, 60 + 45 * game :][:4] for game in range(8)])  # [32, 84, 84], each somewhere else in its game
earlier.draw_overlays({"one game, 32 steps": one_game, "8 games, 4 steps each": eight_games})

# %% [markdown]
# One ball and one smear of paddle on the left; on the right balls and paddles in many places, almost as in a batch from DQN's memory. No
# memory is needed for it: **the workers' variety takes its place**.

# %%
figures.draw_workers([steps[60 + 45 * index].frame for index, steps in enumerate(played[:4])])

# %% [markdown]
# Above is the **global network**, the one that all share (lesson 05). Green, **pull**: a worker copies its weights into its own network.
# Blue, **play**: it acts with that copy for up to $t_\text{max}$ steps, and differentiates the loss of its rollout on the copy. Red,
# **push**: the gradients change the *global* weights. Then it pulls again. No worker waits for another, except for the moment in which
# somebody holds the lock (lesson 05 told why there must be one).
#
# While a worker plays, others push, so its gradients belong to weights that are a little out of date. That is the price of not waiting;
# over a few steps it hardly shows.

# %% [markdown] exercise="06.6" points=4
# ### Exercise 06.6 · One cycle: pull, play, push
# *Difficulty 4 of 5 · 4 points · about 25 minutes*
#
# Write `one_cycle(player, shared, t_max, discount)`; it returns nothing. In this order: pull; forget the old gradients; begin a new game
# if the last one is over; play `t_max` steps, fewer where the game ends; compute the returns; add the gradients; push, and count the
# steps.
#
# | a player's own | |
# |---|---|
# | `player.over` | whether its game is over, as it is before the very first |
# | `player.reset()` | begins a new game |
# | `player.observation` | what it sees now, uint8 `[H, W, C]` |
# | `player.step(action)` | plays on; gives `(reward, terminated)`, and `player.observation` has moved on |
# | `player.rng` | its random generator |
# | `player.network` | its own copy of the network, which can: |
# | `.copy_from(network)` | take over another network's weights |
# | `.policy_and_value(observation)` | give probabilities `[A]` and a value, for one observation |
# | `.clear_gradients()` | forget the gradients so far |
# | `.add_gradients(observations, actions, returns)` | add a rollout's to them: arrays `[T, H, W, C]`, `[T]`, `[T]` |
# | `.gradients` | they lie here |
#
# | shared by all | |
# |---|---|
# | `shared.network` | the global network: `.update(gradients)` |
# | `shared.lock` | hold it (`with shared.lock:`) to pull, and to push and count; never while playing or differentiating |
# | `shared.steps` | agent steps of all workers |
#
# For example: `t_max` 20, and the game ends after 7 steps: one rollout of 7 goes into the gradients, `shared.steps` grows by 7, and the
# next cycle begins a new game. A lost ball (`terminated`, but not `over`) does not end the rollout.
#
# <details><summary>Hint 1</summary>Collect five lists: observations, actions, rewards, terminated, values. Keep the observation before you
# step: <code>player.step</code> replaces it.</details>
# <details><summary>Hint 2</summary>After the loop <code>player.observation</code> is what the last step led to. Ask the player's network
# for its value once more, and append it: <code>n_step_returns</code> wants T + 1 values, as arrays.</details>
# <details><summary>Hint 3</summary>The loop is <code>while len(actions) &lt; t_max and not player.over:</code>. The last three lines:
# <code>with shared.lock:</code>, <code>shared.network.update(player.network.gradients)</code>,
# <code>shared.steps += len(actions)</code>.</details>

# %% exercise="06.6"
def one_cycle(player, shared, t_max, discount):
    """Pull the global weights, play up to t_max steps with them, push what they teach. Returns nothing."""
    # SOLUTION BEGIN
    with shared.lock:
        player.network.copy_from(shared.network)  # pull
    player.network.clear_gradients()
    if player.over:
        player.reset()
    observations, actions, rewards, terminated, values = [], [], [], [], []
    while len(actions) < t_max and not player.over:  # play
        probabilities, value = player.network.policy_and_value(player.observation)
        observations.append(player.observation)
        values.append(value)
        actions.append(sample_action(probabilities, player.rng))
        reward, ended = player.step(actions[-1])
        rewards.append(reward)
        terminated.append(ended)
    values.append(player.network.policy_and_value(player.observation)[1])  # V of what the last step led to
    returns = n_step_returns(np.array(rewards), np.array(terminated), np.array(values), discount)
    player.network.add_gradients(np.array(observations), np.array(actions), returns)
    with shared.lock:
        shared.network.update(player.network.gradients)  # push
        shared.steps += len(actions)
    # SOLUTION END


# %% check="06.6"
one_cycle = checks.a3c.one_cycle(one_cycle)

# %% [markdown]
# ## 7 · All together
# A worker is a thread that goes through your cycle again and again (`run` and the error that must not get lost: lesson 05). `live.Player`
# and `live.Network` hold what the two tables above promise; the network differentiates the mean of *your* `loss_of` over a rollout, and its
# optimiser is the book's, RMSprop, whose running means all workers share.

# %%
class ActorLearner(threading.Thread):
    """One worker: pulls, plays and pushes until all together have played enough."""

    def __init__(self, player, shared):
        super().__init__(daemon=True)
        self.player, self.shared = player, shared

    def run(self):
        try:
            while self.shared.goes_on():
                one_cycle(self.player, self.shared, t_max=5, discount=0.99)
        except Exception as error:
            self.shared.error = error  # the main thread raises it


# %%
def train_on_catch(num_workers, seed=0, make_game=Catch, show=True):
    """A3C on Catch, made of this lesson's functions; returns what the workers shared."""
    shared = live.Shared(live.Network(loss_of, FRAMEWORK, seed), total_steps=16_000)
    players = [live.Player(make_game(), shared, seed=1000 * seed + index) for index in range(num_workers)]
    workers = [ActorLearner(player, shared) for player in players]
    for worker in workers:
        worker.start()  # one by one
    live.watch(workers, shared, show)  # draws the curve until all have ended
    return shared


# %% [markdown]
# Catch, as in lesson 04: a ball falls, a paddle should be under it; random play earns -0.6. A game takes 9 steps, and $t_\text{max}$ is 5,
# so half of all rollouts need V. **Predict**: DQN needed some 4,000 steps and a memory. How many will four workers need?

# %% tags=["nbval-ignore-output"]
shared = train_on_catch(num_workers=4)

# %%
print("mean return of the last 300 games above 0.7:", shared.mean_return(300) > 0.7)
live.draw_diary(shared)

# %% [markdown]
# Some 6,000 steps until most balls are caught, more than DQN needed: here each step was played once, taught once, and was forgotten.
#
# Three curves tell the story. While the return climbs, the **average max probability** (the book's program logs it under this name)
# climbs from little more than a third, and the **entropy** falls from 1.10: better and more certain go hand in hand. Neither goes all the
# way; the entropy bonus sees to that. And so it plays:

# %%
rng = np.random.default_rng(0)


def drawn_action(observation):
    """An action by lot."""
    return sample_action(shared.network.policy_and_value(observation)[0], rng)


earlier.show_catch(drawn_action, games=6, alt="The trained policy catches nearly every ball")

# %% [markdown]
# ## 8 · One worker, two, four, eight
# Does it matter how many? In Catch the ball falls anywhere, so even one worker sees everything. Breakout is not like that: a player looks
# at the same wall for hundreds of steps. So here is Catch with **streaks**: the ball falls into the same column for 60 games, then into
# another. Each worker is in a streak of its own. The same number of steps for all, three seeds each.
#
# **Predict**: who learns to catch in *all five* columns?

# %% tags=["nbval-ignore-output"]
my_guess = "all of them"  # or "the eight", "none"


def train_on_streaks(num_workers, seed):
    return train_on_catch(num_workers, seed, live.StreakyCatch, show=False)


results = live.compare_workers(train_on_streaks, counts=(1, 2, 4, 8), seeds=3)
live.draw_comparison(results)
print(f"you guessed: {my_guess}; workers: share of balls caught at the end, all columns")
for count, result in results.items():
    print(f"{count}: {(1 + result.returns[:, -4:].mean()) / 2:.0%}")

# %% [markdown]
# The curves show what a policy earns on average over all five columns (computed, not played; the band goes from the worst seed to the
# best). Eight workers learn to catch nine balls in ten, one worker about two in three: it learns its column, and half forgets it during the
# next streak. Eight workers are in eight streaks at once, and each push is answered by one from elsewhere: that is the variety for which
# DQN needs its memory.
#
# And the speed? Threads of one Python take turns (lesson 05), so eight of them do not play faster than one: the bars on the right, each
# the best of three runs, are much alike, unless other programs have the cores meanwhile. What more workers bring here is **variety, not
# speed**. For speed they need an interpreter each: `course_lib.a3c` runs the same actor-learner as processes too, and makes about twice
# as many steps on two cores (`python benchmarks/a3c_speed.py` measures it).

# %% [markdown]
# ## 9 · Why not learn from a memory as well?
# A worker's rollout is used once. Why not keep it, as DQN does? Suppose a memory full of steps from an *old* policy, which mostly pulled
# "nothing"; today's policy mostly pulls "sure". In the average push, old actions stand where today's should be.

# %%
worth, now, old = np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.8, 0.1]), np.array([0.8, 0.1, 0.1])  # [A]
advantage = worth - now @ worth  # of each lever, [A]
gradients = np.eye(3) - now  # of log pi(a) along the preferences, a row for each a: [A, A]
pushes = {"from the memory": (old * advantage) @ gradients, "from today's own play": (now * advantage) @ gradients}
for name, average in pushes.items():
    print(f"{name:22}", average.round(3), " pushes hardest:", LEVERS[average.argmax()])
figures.draw_on_policy(old, now, pushes, LEVERS)

# %% [markdown]
# Today's own play (blue) says: more jackpot, less of nothing, leave "sure" as it is, for it is just what V expects. The memory (grey,
# hatched) shouts "not nothing" so often that everything else is pushed up, most of all what is already too likely. The policy gradient is
# an average over **the policy's own actions**: A3C learns *on-policy*, and old steps mislead it.
#
# Q-learning asks another question: what is this action worth, *whoever* chose it? That may be learned from anybody's play: *off-policy*,
# and so from a memory.

# %% [markdown]
# | | DQN | A3C |
# |---|---|---|
# | learns | what each action is worth | what to do, and what to expect |
# | explores by | epsilon, all actions alike | its own probabilities, and the entropy bonus |
# | from whose play | anybody's: off-policy | its own, now: on-policy |
# | against look-alike steps | a memory, shuffled | many games at once |
# | against moving targets | a target network | returns over many steps |
# | how often a step teaches | 32 times (the book), 8 times (`FAST`) | once |
# | memory for 84 × 84 frames | 2.8 GB and more | none |
# | likes | few steps, big batches, a GPU | many steps, many cores |
#
# And these are the book's settings for A3C, as `course_lib.config.A3C_BOOK` holds them. (The book's program starts its eight threads one
# by one, shows them the maximum of two successive frames, and has an optimiser for the policy and another for the value; ours has one.)

# %%
print(f"{A3C_BOOK.num_workers} {A3C_BOOK.workers_as}, t_max {A3C_BOOK.rollout_steps}, entropy weight {A3C_BOOK.entropy_weight}")
print(f"RMSprop, rate {A3C_BOOK.learning_rate}, decay {A3C_BOOK.rmsprop_decay}, epsilon {A3C_BOOK.optimizer_epsilon}")
print(f"saved every {A3C_BOOK.checkpoint_minutes:.0f} minutes")

# %% [markdown]
# ## 10 · The real thing
# Breakout, from pixels, four runs: the book's DQN and A3C (its published log, on a GTX 1060), and this course's own. The lines of the two
# DQNs are dashed. **Predict**: where does a *step* teach more, in DQN or in A3C, and where an *hour*?

# %%
my_guess = {"step": "DQN", "hour": "DQN"}
book, ours = {agent: figures.read_book(agent) for agent in ("dqn", "a3c")}, figures.read_ours()
figures.draw_curves(
    [
        ("book's DQN", "orange", book["dqn"], "mean_return_100"),
        ("book's A3C", "red", book["a3c"], "mean_return_100"),
        ("our DQN", "sky", earlier.read_ours(), "mean_return"),
        ("our A3C", "blue", ours, "mean_return"),
    ]
)
print("your guess:", my_guess)

# %%
for agent, name in (("dqn", "DQN"), ("a3c", "A3C")):
    steps, hours, scores = (book[agent][column] for column in ("agent_steps", "hours", "mean_return_100"))
    first = np.argmax(scores > 50)
    print(f"the book's {name}: the first 50 points after {steps[first] / 1e6:.1f} million steps, {hours[first]:.1f} hours")

# %% [markdown]
# | the book's | agent steps | hours | mean of the last 500 games |
# |---|---|---|---|
# | DQN | 4.41 million | 46.9 | 99.7 |
# | A3C, 8 threads | 20.19 million | 28.6 | 144.5 |
#
# The numbers are from its published log. In the book's pair a *step* teaches more in DQN, which meets it again and again; an *hour*
# teaches more in A3C, which takes several times as many steps in it. Our own two tell the same story: DQN is far ahead step for step;
# hour for hour they go side by side at first, and then A3C leaves it behind. Where our runs' settings differ from the book's, and why, is
# told in [training.md](../docs/training.md).

# %%
figures.draw_probabilities(book["a3c"], ours)
for name, curve, column in (("the book's", book["a3c"], "mean_max_q_or_prob_100"), ("ours", ours, "mean_max_probability")):
    print(f"{name:10} average max probability, higher at the end than at the start: {curve[column][-1] > curve[column][0]}")

# %% [markdown]
# The average max probability, read as in section 5. Left it rises with the steps, from a third or a little above. Right each mark is a
# moment of a run (triangles the book's, dots ours), and the grey corner is where no run should end: *certain, and bad*. Both runs stay
# clear of it. Even after 28 hours the book's policy is only certain to three quarters; without a die nothing would be left to learn from.
#
# Every run also writes for TensorBoard, one point a game, under the book's names: total reward, average max probability, duration.

# %% [markdown]
# ## 11 · What the policy thinks
# The two games from the beginning, some moments of each: the trained player's from its most undecided one to its most decided one.

# %%
print(f"your very first guess: {first_guess}")
moments = {"untrained": figures.spread_out(games["untrained"], 4), "trained": figures.telling_steps(games["trained"], 4)}
figures.compare_minds(games, moments)

# %% [markdown]
# Above the untrained network: a third each, whatever is on the screen. Below the trained one: on the left any button will do, and its
# bars are level; further to the right the move matters more, and one bar stands out. So the answer is **B**.
#
# Drawing lots has its price. The last A3C agent that ships with the book, as others let it play, ten games each way: 139 points on average
# when it draws its actions, 193 when it always takes the likeliest. While it learns, the price is worth paying. And ours, thirty games each
# way ("likeliest" with one random action in a hundred, lest a game never end):

# %%
for name, manner in (("evaluation", "drawn"), ("greedy_evaluation", "likeliest")):
    print(f"{manner:10} {about[name]['mean']:.0f} points on average")

# %% [markdown]
# Step through the trained player's game yourself, where a notebook is running:

# %% tags=["nbval-ignore-output"]
figures.show_player(games["trained"])

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** Why does REINFORCE learn so slowly where every reward is positive?
# <details><summary>Answer</summary>Whatever is tried is pushed up; only differences in strength tell good from bad, and they drown in
# the noise. Subtracting V(s) leaves the mean of the pushes as it is and takes the noise away. (A larger learning rate would only make it
# sure of a wrong lever sooner.)</details>
#
# **2.** A rollout of 20 steps ends in the middle of a game. From which observation must V be taken?
# <details><summary>Answer</summary>From the one *after* the 20th step. V of the last one acted on has that step's outcome still ahead of
# it, and would count it twice.</details>
#
# **3.** Average max probability 0.99, score 2. What happened, and what would you change?
# <details><summary>Answer</summary>The policy has become certain of something bad, and no longer tries anything else; so more training
# would not help. Go back to an earlier checkpoint, with a larger entropy weight or a smaller learning rate.</details>
#
# **4.** Your colleague gives A3C a replay memory "to use each step more often". What is wrong?
# <details><summary>Answer</summary>The policy gradient averages over the actions of the present policy; steps of an old one push it in the
# wrong direction. That it worked for DQN is no reason: Q-learning does not mind whose steps they are.</details>
#
# **5.** Eight threads instead of one: what gets better, and what does not?
# <details><summary>Answer</summary>Variety: pushes come from eight different games. Not the speed, since threads of one Python take turns;
# for that it takes processes.</details>

# %% [markdown]
# ## What to try next
# 1. **How curious?** Change 0.02 in `loss_of` to 0, then to 1, and train on Catch again. *Expect*: with 0 a max probability of
#    about 0.9 instead of 0.7, mostly with the same score; but try some seeds, and a larger learning rate (`live.LEARNING_RATE = 5e-3`):
#    one run in four or so is as certain and scores far less. With 1 it stays at 0.4 and catches half of the balls.
# 2. **Look nearer, look further**: `t_max=1` and `t_max=9` in `ActorLearner`. *Expect*: with 1 some runs hang
#    between 0 and 0.4 for long, since what V does not know yet, it passes on; with 9 every rollout is a whole game, and the curve rises
#    later.
# 3. **The bug of section 4**: in `loss_of` write `((returns - values) ** 2).mean(1)` for the critic's loss (in Keras
#    `tf.reduce_mean((returns - values) ** 2, 1)`), and train on Catch again. *Expect* a surprise: it learns as well as before. For Catch
#    one mean is baseline enough, and no curve shows this bug. Only the shapes do.
#
# And when you have a night to spare: `course train a3c --preset fast --run runs/mine` trains A3C on Breakout itself.
#
# ## References
# - Williams: [Simple statistical gradient-following algorithms for connectionist reinforcement
#   learning](https://link.springer.com/article/10.1007/BF00992696). Machine Learning 8, 1992. REINFORCE.
# - Sutton, Barto: [Reinforcement learning, an introduction](http://incompleteideas.net/book/the-book-2nd.html), 2nd edition, 2018;
#   chapter 13, policy gradients.
# - Mnih et al.: [Asynchronous methods for deep reinforcement learning](https://arxiv.org/abs/1602.01783). ICML 2016. A3C.
# - Williams, Peng: [Function optimization using connectionist reinforcement learning
#   algorithms](https://www.tandfonline.com/doi/abs/10.1080/09540099108946587). Connection Science 3, 1991. Where the entropy bonus is from.
# - Schulman et al.: [Proximal policy optimization algorithms](https://arxiv.org/abs/1707.06347). 2017. How to use each rollout more than
#   once after all.
#
# **Next**: [07 · Bootstrapped DQN](07_bootstrapped_dqn.ipynb): a memory again, and ten opinions about it.
