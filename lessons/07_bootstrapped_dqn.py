# %% [markdown]
# # 07 · Bootstrapped DQN
# A corridor of 20 states. At the left end lies a crumb, 0.001; at the right end lies the real thing, 1, and whoever stands there may take
# it again and again. A game begins in state 2 and lasts 29 steps. Two players who know nothing of this: the first tosses a coin at **every
# step**, the second tossed one coin for the **whole game**.
#
# **Guess**: in how many of 1,000 games does the first player ever touch the real thing?

# %%
import course_lib
import torch
import numpy as np

with course_lib.quiet():
    import keras
    import tensorflow as tf

from course_lib import checks
from course_lib.config import BOOTSTRAPPED_BOOK, BOOTSTRAPPED_CHAIN, BOOTSTRAPPED_DEEP_SEA, BOOTSTRAPPED_FAST, CHAIN, DEEP_SEA, replace
from course_lib.exploration import epsilon_greedy, linear_epsilon
from course_lib.figures import bootstrapped as figures
from course_lib.figures import bootstrapped_live as live
from course_lib.figures import use_course_style
from course_lib.toy import Chain, make_toy

FRAMEWORK = course_lib.framework()
torch.set_num_threads(1)  # networks as small as these are faster on one core
tf.config.threading.set_intra_op_parallelism_threads(1)
use_course_style()

# %%
first_guess = 100  # of 1,000 games
figures.show_walkers({"a coin a step": figures.coin_walks(20, 3), "a coin a game": figures.straight_walks(20, 3)}, size=20)

# %% [markdown]
# The first player dithers about the start. The second, whose one coin said "right", walks to the end and fills its pockets. (Its other
# games, in which the coin says "left", are quickly told: a crumb at each step.)
#
# **You will be able to**
# - say, and compute, why epsilon-greedy hardly ever crosses such a corridor;
# - turn DQN into Bootstrapped DQN by four changes: heads, masks, one head for each game, a vote;
# - see two ways in which a mask dies without a word, and prove that yours is alive;
# - read off an agent what it does not know yet;
# - watch your own agent cross the chain that DQN does not, and dive where DQN does not get.
#
# **Minutes**: about 110, in two sittings if you like (the second begins at *Follow one*). **You need**: lessons 03 and 04.

# %% [markdown]
# ## 1 · How unlikely is it?
# This is the *chain* of the paper (Osband et al. 2016), with $N$ states and $N + 9$ steps a game. Let a player go right with
# probability $\rho$ (in code `right`) at every step. Where can it be after $t$ steps? The probabilities flow from state to state:
#
# $$p_{t+1}(s') = \sum_s p_t(s) \left[\rho \, 1\{s' = \text{right of } s\} + (1 - \rho) \, 1\{s' = \text{left of } s\}\right]$$
#
# We start with 1 in state 2, and whatever flows into the large reward is taken out and added up: the chance to be paid at least once
# in a game. No game is played, and nothing is estimated.

# %%
def chance_of_treasure(size, right=0.5):
    """Probability to be paid the large reward at least once in a game, going right with probability `right` at every step."""
    chain = Chain(size)
    here, found = np.zeros(size + 1), 0.0  # here[s]: probability to be in state s, 1 to N, still unpaid
    here[2] = 1.0
    for _ in range(chain.length):
        after = np.zeros(size + 1)
        for state in range(1, size + 1):
            for action, share in enumerate((1 - right, right)):
                next_state, reward = chain.move(state, action)
                if reward == Chain.LARGE:
                    found += here[state] * share
                else:
                    after[next_state] += here[state] * share
        here = after
    return found


chance = chance_of_treasure(20)
print(f"your guess: {first_guess} of 1,000 games; the truth: {1000 * chance:.2f}, one game in {1 / chance:,.0f}")

# %% [markdown]
# So most players who play 1,000 games never learn that there is anything at the other end. **Predict**: with 50 states instead of 20, how
# many games does the coin need?

# %%
my_guess = 10_000  # games
sizes = [5, 10, 15, 20, 25, 30, 40, 50]
games = [1 / chance_of_treasure(size) for size in sizes]
bound = [99 + 2.0 ** (size - 11) for size in sizes]
print(f"your guess: {my_guess:,}; the truth: {games[-1]:.0e} games")
for size, number in zip(sizes[-2:], games[-2:]):
    print(f"{size} states, at a game a second: {number / (365.25 * 86_400):,.0f} years")
figures.draw_chances(sizes, games, bound)

# %% [markdown]
# Blue is the exact number, on a scale where each tick is a hundred times the one below. It is very nearly a straight line: beyond 20,
# every further state multiplies the games by 1.7 to 1.8. Seven years would do for a chain of 40, and three thousand for one of 50. Orange and
# dashed is the paper's estimate for *any* learner that explores without a plan: $99 + 2^{N-11}$ games until it has learned. The two run side
# by side.

# %% [markdown]
# ## 2 · What epsilon-greedy makes of it
# But epsilon-greedy is cleverer than a coin, is it not? It *learns*, and follows what it has learned. The DQN of lesson 04 plays 200 games
# on the chain of 20. **Predict**: how many games until it is paid the 1 for the first time?

# %%
my_guess = 100  # games
DQN = replace(CHAIN, game="chain-20", update_period=4)
run = live.explore(DQN, FRAMEWORK, num_games=200, seed=2)
print(f"your guess: {my_guess}; games in which DQN was paid the 1: {(run.returns > 0.5).sum()} of 200")
figures.draw_farthest({"DQN, epsilon from 1 to 0.1": live.farthest_states(run)}, size=20)

# %% [markdown]
# Each dot is a game, its height the farthest state. The first games, in which nearly every move is random, come farthest. Then DQN learns
# what there is to learn near the start, the crumb, and from then on it **goes left on purpose**: only a random tenth of its moves still
# tries anything else, and half of that is left again.
#
# (One confession: the seed is chosen. With some others the network's *first weights* happen to say "right" nearly everywhere, and carry
# DQN to the end before it has learned anything. Keep that luck in mind; it is about to become a method.)
#
# How likely is the other end now, for somebody who goes right at one step in twenty?

# %%
print(f"a coin at every step:         one game in {1 / chance:,.0f}")
print(f"greedy left, epsilon of 0.1:  one game in {1 / chance_of_treasure(20, right=0.05):.0e}")

# %% [markdown]
# Epsilon-greedy tries *single moves*. What it takes here is a *plan* that is kept up for 19 moves, by somebody who does not know yet
# whether it pays. That is **deep exploration**, and no schedule of epsilon gives it.

# %% [markdown]
# ## 3 · One guess, and stand by it
# In 1933 William Thompson wondered how to choose between two medicines of which little is known. His answer: look at everything that still
# *fits the data*, draw **one** such guess at the world, and act as if it were true: **Thompson sampling**. If the guess is wrong, you find
# out by acting on it. If it was right, all the better. Nobody needs to be told to explore; whoever does not know yet has many different
# guesses, and so tries many different things.
#
# For a game of many steps the guess has to hold **for the whole game**: draw one way that the world might be, play accordingly from the
# first step to the last, learn, draw again.
#
# Where do such guesses come from? From the **bootstrap** (Efron 1979): give each of $K$ statisticians a different part of the same data.
# Where data are plenty, their answers agree all the same. Where they are scarce, the answers differ, and each of them is a guess that fits.
#
# Let us try it on a curve. Ten statisticians, whom we call **heads** from here on, each fit a curve of their own to a few noisy points. On
# the left all of them see all points and begin with the same weights; on the right each sees a random half of the points and begins with
# random weights of its own.

# %%
rng = np.random.default_rng(1)
x = np.concatenate([rng.uniform(0.05, 0.35, 12), rng.uniform(0.8, 0.95, 6)])  # measured at the left and at the right, nothing in between
y = np.sin(7 * x) + rng.normal(0, 0.25, len(x))
everything, half = np.ones((len(x), 10), bool), rng.random((len(x), 10)) < 0.5
curves = {
    "all see all points, all begin alike": live.fit_heads(x, y, everything, same_start=True),
    "each sees half, begins elsewhere": live.fit_heads(x, y, half),
}
figures.draw_fits(curves, x, y)

# %% [markdown]
# Ten curves through the same red points; below, in purple, how far they are apart. Left, one opinion ten times,
# *certain even in the gap* where nobody has measured anything. Right, ten opinions, which agree where the points are and differ where there
# are none. **Disagreement is a map of what is not known.**
#
# Bootstrapped DQN does this with Q-values. Four things are different from DQN:
#
# | | DQN | Bootstrapped DQN | you write |
# |---|---|---|---|
# | 1 | one output layer | K **heads** on a shared core | 07.1 |
# | 2 | learns from every transition | each transition has a **mask**: which heads may learn from it | 07.2, 07.3 |
# | 3 | epsilon-greedy, step by step | one **head is drawn for each episode** (a game from start to end) and followed | 07.4 |
# | 4 | plays its best action | plays what **most heads vote for** | 07.5 |

# %% [markdown]
# ## 4 · Heads
# Ten whole networks would give ten opinions, at ten times the price. But the price is in the pixels: finding ball and paddle is the same
# job for everybody. So the convolutions are shared (the **core**), and only what comes after them, *what is it worth?*, exists K times.

# %%
figures.draw_network()

# %% [markdown]
# One core in blue, K heads in orange, each with dense layers of its own and its own row of Q-values: `[B, K, A]` for a batch instead of
# `[B, A]`.

# %% [markdown] exercise="07.1" points=3
# ### Exercise 07.1 · K heads on a shared core
# *Difficulty 3 of 5 · 3 points · about 15 minutes · in PyTorch, in Keras, or in both*
#
# Write the two methods of `HeadsTorch` (an `nn.Module`) or `HeadsKeras` (a `keras.Model`). You are given `core`, a ready layer or network
# that turns a batch of observations into features `[B, F]`; `make_head`, a function without arguments that makes a *new* head with random
# first weights of its own, turning features `[B, F]` into Q-values `[B, A]`; and `num_heads`. Return Q-values float32 `[B, K, A]`:
# for each observation a row from each head, in the order in which they were made. All heads use the one core you are given, which runs
# once in a pass. With 5 observations, 3 heads and 2 actions: `(5, 3, 2)`; with one head `(5, 1, 2)`.
#
# | | PyTorch | Keras |
# |---|---|---|
# | keep layers so that their weights are found | `nn.ModuleList([...])` | a list as an attribute, `self.heads = [...]` |
# | lay K tensors `[B, A]` side by side | `torch.stack(tensors, dim=...)` | `keras.ops.stack(tensors, axis=...)` |
#
# (`nn` is `torch.nn`.)
#
# <details><summary>Hint 1</summary>Calling <code>make_head()</code> twice gives two heads. Writing <code>[make_head()] * 2</code> calls it
# once and gives the same head twice.</details>
# <details><summary>Hint 2</summary>In the first method keep <code>core</code> and a list of K heads as attributes. In the second run the
# core once, then every head on the same features.</details>
# <details><summary>Hint 3</summary>PyTorch: <code>self.heads = torch.nn.ModuleList([make_head() for _ in range(num_heads)])</code>; then
# <code>features = self.core(observations)</code> and <code>torch.stack([head(features) for head in self.heads], dim=1)</code>. The new axis
# is number 1, behind the batch. Keras: the same, with a plain list.</details>

# %% exercise="07.1" framework="torch"
class HeadsTorch(torch.nn.Module):
    """K opinions on a shared core: observations [B, ...] -> Q-values float32 [B, K, A]."""

    def __init__(self, core, make_head, num_heads):
        """core: [B, ...] -> [B, F]; make_head(): a new head, [B, F] -> [B, A]; num_heads: K."""
        super().__init__()
        # SOLUTION BEGIN
        self.core = core
        self.heads = torch.nn.ModuleList([make_head() for _ in range(num_heads)])
        # SOLUTION END

    def forward(self, observations):
        """observations: tensor [B, ...]. Returns a tensor float32 [B, K, A]."""
        # SOLUTION BEGIN
        features = self.core(observations)  # [B, F]
        return torch.stack([head(features) for head in self.heads], dim=1)  # [B, K, A]
        # SOLUTION END


# %% check="07.1" framework="torch"
HeadsTorch = checks.bootstrapped.heads_torch(HeadsTorch)

# %% exercise="07.1" framework="keras"
class HeadsKeras(keras.Model):
    """K opinions on a shared core: observations [B, ...] -> Q-values float32 [B, K, A]."""

    def __init__(self, core, make_head, num_heads):
        """core: [B, ...] -> [B, F]; make_head(): a new head, [B, F] -> [B, A]; num_heads: K."""
        super().__init__()
        # SOLUTION BEGIN
        self.core = core
        self.heads = [make_head() for _ in range(num_heads)]
        # SOLUTION END

    def call(self, observations):
        """observations: tensor [B, ...]. Returns a tensor float32 [B, K, A]."""
        # SOLUTION BEGIN
        features = self.core(observations)  # [B, F]
        return keras.ops.stack([head(features) for head in self.heads], axis=1)  # [B, K, A]
        # SOLUTION END


# %% check="07.1" framework="keras"
HeadsKeras = checks.bootstrapped.heads_keras(HeadsKeras)

# %% [markdown]
# ### Ten heads pull at one core
# Each head sends its gradient back into the core, and there they add up. Suppose that each of K heads wants the core's feature $x$ to
# move by 0.5. **Predict** the core's gradient for K = 10.

# %%
my_guess = 0.5


def pull_at_the_core(num_heads, scaled):
    """Gradient at a feature x of the sum of K heads, each of which has slope 0.5."""
    x = torch.tensor(2.0, requires_grad=True)
    features = x / num_heads + (x - x / num_heads).detach() if scaled else x  # the same number either way; detach: a mere number
    losses = [0.5 * features for _ in range(num_heads)]
    sum(losses).backward()
    return features.item(), x.grad.item()


print("your guess:", my_guess)
for num_heads in (1, 10):
    (value, plain), (_, scaled) = pull_at_the_core(num_heads, scaled=False), pull_at_the_core(num_heads, scaled=True)
    print(f"K = {num_heads:2}: x = {value:.1f}, gradient of the sum {plain:.1f}, scaled by 1/K {scaled:.1f}")

# %% [markdown]
# Ten times as long a step for the core, only because there are more heads. The paper (section 6.1) therefore scales the gradient that
# reaches the core by **1/K**, while each head keeps its own in full. The one line above is how the library does it: the *value* of
# `features` is x, but only a K-th of it lets a gradient through. (If you average the heads' losses, core and heads are both scaled by 1/K.
# Adam and RMSprop, which measure a gradient by its own size, hardly notice.)
#
# The library computes all heads at once, by `einsum`, instead of one by one. The letters name the axes, b for the batch, f for the features,
# k for the heads, a for the actions; a letter that is missing after the arrow is summed over:

# %%
rng = np.random.default_rng(0)
features, kernels = rng.normal(size=(32, 20)), rng.normal(size=(10, 20, 3))  # [B, F], [K, F, A]
one_by_one = np.stack([features @ kernel for kernel in kernels], axis=1)  # [B, K, A]
at_once = np.einsum("bf,kfa->bka", features, kernels)  # [B, K, A]
print("the same:", np.allclose(one_by_one, at_once), at_once.shape)

# %% [markdown]
# ## 5 · Masks
# Ten heads that learn from the same transitions will sooner or later say the same. The bootstrap gives each its own part of the data; but
# to keep ten memories would be dear. Instead each transition gets a **mask** of K bits when it is stored: bit $k$ says whether
# head $k$ may ever learn from it. Each bit is a toss of its own, set with probability $p$.

# %% [markdown] exercise="07.2" points=2
# ### Exercise 07.2 · A mask for each transition
# *Difficulty 2 of 5 · 2 points · about 12 minutes*
#
# Complete `MaskedMemory(num_heads, probability, rng)`, which keeps everything it is told (the chain is small). `add(transition)` stores a
# transition, whatever it is, together with its mask. `get(places)` takes an int array `[B]` of places (0 is the one stored first; a place
# may come up twice) and returns two things: the list of those B transitions, and their masks, a bool array `[B, K]`. Each bit is set with
# `probability`, independently of all others; drawn from `self.rng`, and **never drawn again**: asked twice, a transition has the same
# mask. With a single head every bit is set: nobody is there to differ from.
#
# With 4 heads and probability 0.5, four transitions might have the masks `[1 0 0 1]`, `[0 0 0 0]`, `[1 1 0 1]`, `[0 1 0 0]`, shown as bits;
# `get([2, 0])` then gives the third and the first.
#
# <details><summary>Hint 1</summary>Which of the two methods is called once for each transition? There the mask is drawn.</details>
# <details><summary>Hint 2</summary><code>self.rng.random(K) &lt; p</code> is an array of K bools, each true with probability p. For K = 1
# take <code>np.ones(1, bool)</code>.</details>
# <details><summary>Hint 3</summary>In <code>add</code> append to both lists. In <code>get</code>:
# <code>[self.transitions[place] for place in places]</code>, and the same for the masks, in
# <code>np.array(...)</code>.</details>

# %% exercise="07.2"
class MaskedMemory:
    """Transitions, each with a mask that says which of K heads may learn from it."""

    def __init__(self, num_heads, probability, rng):
        """num_heads: K; probability: of each bit to be set; rng: np.random.Generator."""
        self.num_heads, self.probability, self.rng = num_heads, probability, rng
        self.transitions, self.masks = [], []

    def add(self, transition):
        """Store a transition and its mask. Returns nothing."""
        # SOLUTION BEGIN
        mask = self.rng.random(self.num_heads) < self.probability  # [K]
        self.transitions.append(transition)
        self.masks.append(mask if self.num_heads > 1 else np.ones(1, bool))
        # SOLUTION END

    def get(self, places):
        """places: int [B]. Returns a list of B transitions and their masks, bool [B, K]."""
        # SOLUTION BEGIN
        return [self.transitions[place] for place in places], np.array([self.masks[place] for place in places])
        # SOLUTION END


# %% check="07.2"
MaskedMemory = checks.bootstrapped.MaskedMemory(MaskedMemory)

# %%
memory = MaskedMemory(num_heads=10, probability=0.5, rng=np.random.default_rng(0))
for number in range(40):
    memory.add(f"transition {number}")
_, masks = memory.get(np.arange(40))
figures.draw_masks(masks, probability=0.5)

# %% [markdown]
# A column for each transition, a row for each head: blue where the head may learn. Each row is another history, half as long as the real
# one. Drawn anew at each sampling the pattern would flicker, and over many batches every head would see everything.
#
# ### How large should p be?
# The paper's figures use 0.5, its Atari agents 1.0, the code review 0.9. Back to the curves: the same points, p = 0.5, 0.9 and 1.0.
# **Predict**: with p = 1.0 every head learns from every point. Will the ten agree *everywhere*?

# %%
my_guess = "everywhere"  # or "at the points only", "nowhere"
curves = {}
for p in (0.5, 0.9, 1.0):
    memory = MaskedMemory(num_heads=10, probability=p, rng=np.random.default_rng(2))
    for point in zip(x, y):
        memory.add(point)
    curves[f"p = {p}"] = live.fit_heads(x, y, memory.get(np.arange(len(x)))[1])
curves["p = 1.0, first weights alike"] = live.fit_heads(x, y, np.ones((len(x), 10), bool), same_start=True)
near = np.abs(live.GRID[:, None] - x).min(axis=1) < 0.02  # [201]: is there a point nearby?
gap = (live.GRID > 0.5) & (live.GRID < 0.65)
print("your guess:", my_guess)
for name, each in curves.items():
    spread = each.std(axis=0)  # [201]
    print(f"{name:28}  disagreement at the points {spread[near].mean():.2f}, in the gap {spread[gap].mean():.2f}")
figures.draw_fits(curves, x, y)

# %% [markdown]
# The smaller p (the further left), the more the heads differ *at the points*, too: with p = 0.5 they admit that a few noisy points prove
# little. With p = 1.0 they agree at the points only: in the gap each still follows its **own first weights**. That alone is often
# diversity enough, which is why the paper's Atari agents do without masks. Take away the different first weights as well (far right), and
# all disagreement is gone for good: that agent is a DQN that computes everything ten times.

# %% [markdown]
# ## 6 · A loss for each head
# A batch of B transitions gives each head its own Huber losses: `[B, K]`. (Each head is trained towards its *own* head of the target
# network, so that an opinion stays an opinion.) The mask must now keep losses out:
#
# $$L = \frac1K \sum_k \frac{\sum_b m_{bk} \, \ell_{bk}}{\max(\sum_b m_{bk}, 1)}$$
#
# For each head the mean over the samples that count for it, then the mean over the heads. One line of code; and yet two public programs
# get it wrong, each in its way. Here are both, for one head with the losses 1, 2, 3, 4 and three different masks. **Predict** which of the
# columns change with the mask.

# %%
my_guess = "all three"
losses = np.array([1.0, 2.0, 3.0, 4.0])  # [B], one head's
print("mask       meant   (B, 1) x (B,)   mean first")
for mask in ([1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 1]):
    mask = np.array(mask, float)  # [B]
    meant = (losses * mask).sum() / mask.sum()
    broadcast = (losses[:, None] * mask).sum() / mask.sum()  # [B, 1] times [B] is [B, B]
    mean_first = (losses.mean() * mask / mask.sum()).sum()
    print(f"{mask.astype(int)}  {meant:5.2f}   {broadcast:13.2f}   {mean_first:10.2f}")
print("your guess:", my_guess)

# %% [markdown]
# Only the first. In the second, the code review's, the losses were a column `(B, 1)`: times `(B,)` that is a table of every loss with
# every bit, and its sum is (sum of losses) x (sum of mask). Divided by the sum of the mask, **the mask cancels exactly**. In the third,
# from another public program, the losses were averaged before the mask met them; the weights `mask / mask.sum()` always add up to 1, and
# cancel too.
#
# Nothing crashes, the loss falls, the agent learns. But every head learns from everything, and p has no effect whatever.

# %% [markdown] exercise="07.3" points=3
# ### Exercise 07.3 · The masked loss over heads
# *Difficulty 3 of 5 · 3 points · about 12 minutes · in PyTorch, in Keras, or in both*
#
# Write `masked_loss_torch` or `masked_loss_keras`, each `(losses, masks)`: the formula above. `losses` is a float32 tensor `[B, K]`, one
# Huber loss for each sample and head; `masks` a bool tensor `[B, K]`. Return a single float32 number (a tensor of shape `()`): the mean
# over all K heads of each head's mean over the samples that count. A head without any sample in the batch counts as 0, and its gradient
# must be 0 as well, not `nan`.
#
# Losses `[[1, 10], [3, 30]]` and masks `[[1, 0], [1, 1]]`: head 0 has (1 + 3) / 2 = 2, head 1 has 30 / 1 = 30; the loss is 16.
# With masks `[[1, 0], [1, 0]]` it is (2 + 0) / 2 = 1.
#
# | | PyTorch | Keras |
# |---|---|---|
# | bool to float | `masks.float()` | `keras.ops.cast(masks, "float32")` |
# | sum over the batch | `tensor.sum(dim=0)` | `keras.ops.sum(tensor, axis=0)` |
# | at least 1 | `tensor.clamp(min=1.0)` | `keras.ops.maximum(tensor, 1.0)` |
# | mean of all | `tensor.mean()` | `keras.ops.mean(tensor)` |
#
# <details><summary>Hint 1</summary>Mask first, reduce afterwards: while both are [B, K], multiply.</details>
# <details><summary>Hint 2</summary>You need two sums over the batch, each of shape [K]: of the masked losses, and of the mask
# itself.</details>
# <details><summary>Hint 3</summary>PyTorch: <code>(losses * masks).sum(dim=0) / masks.sum(dim=0).clamp(min=1.0)</code> with masks as
# floats is [K]; its mean is the answer.</details>

# %% exercise="07.3" framework="torch"
def masked_loss_torch(losses, masks):
    """Mean over heads of each head's mean over its samples: tensors float32 [B, K], bool [B, K] -> float32 []."""
    # SOLUTION BEGIN
    masks = masks.float()  # [B, K]
    means = (losses * masks).sum(dim=0) / masks.sum(dim=0).clamp(min=1.0)  # [K]
    return means.mean()
    # SOLUTION END


# %% check="07.3" framework="torch"
masked_loss_torch = checks.bootstrapped.masked_loss_torch(masked_loss_torch)

# %% exercise="07.3" framework="keras"
def masked_loss_keras(losses, masks):
    """Mean over heads of each head's mean over its samples: tensors float32 [B, K], bool [B, K] -> float32 []."""
    # SOLUTION BEGIN
    masks = keras.ops.cast(masks, "float32")  # [B, K]
    means = keras.ops.sum(losses * masks, axis=0) / keras.ops.maximum(keras.ops.sum(masks, axis=0), 1.0)  # [K]
    return keras.ops.mean(means)
    # SOLUTION END


# %% check="07.3" framework="keras"
masked_loss_keras = checks.bootstrapped.masked_loss_keras(masked_loss_keras)

# %% [markdown]
# How do you prove that a mask is alive? Ask the gradient. What is masked out must get exactly 0, not merely little:

# %%
losses = torch.tensor([[1.0, 10.0], [3.0, 30.0]], requires_grad=True)  # [B, K]
masks = torch.tensor([[True, False], [True, True]])  # [B, K]
masked_loss_torch(losses, masks).backward()
print("gradient of each loss:", losses.grad.tolist(), " masked out:", losses.grad[~masks].tolist())

# %% [markdown]
# ## 7 · Follow one
# *A good place to begin the second sitting.*
#
# Ten heads, and nothing learned yet: random first weights. A state is shown to them as a row of N lamps, of which the first *s* are lit. Here
# is what each head would do in each of the chain's 20 states, and how far it would walk if it played a whole game.

# %%
Heads = {"torch": HeadsTorch, "keras": HeadsKeras}[FRAMEWORK]
masked_loss = {"torch": masked_loss_torch, "keras": masked_loss_keras}[FRAMEWORK]
SHORT = replace(BOOTSTRAPPED_CHAIN, game="chain-20", update_period=4)
fresh = live.make_ensemble(Heads, masked_loss, SHORT, FRAMEWORK, seed=0)  # your heads, with small dense layers
beliefs = fresh.q_values(live.all_states(20))  # [N, K, A]


def walk(choose, size=20):
    """The farthest state of one game in which `choose` maps a state, 1 to N, to an action."""
    chain, farthest = Chain(size), 2
    chain.reset()
    for _ in range(chain.length):
        chain.step(int(choose(chain.state)))
        farthest = max(farthest, chain.state)
    return farthest


sticks = [walk(lambda state: beliefs[state - 1, head].argmax()) for head in range(10)]
figures.draw_beliefs(beliefs, sticks, "ten fresh heads")

# %% [markdown]
# Blue says right, orange left, the stronger the surer. Nobody has told them anything, and still each head has *an opinion that holds for
# long stretches*: neighbouring states, a single lamp apart, look alike to a network. One of the ten happens to believe in "right" all the way.
#
# **Predict**: now change the head at *every step*, among the same ten. How far do ten games get?

# %%
my_guess = 20
rng = np.random.default_rng(0)
switches = [walk(lambda state: beliefs[state - 1, rng.integers(10)].argmax()) for _ in range(10)]
coins = [walk(lambda state: rng.integers(2)) for _ in range(10)]
print("a head for each game:", sorted(sticks))
print("a head for each step:", sorted(switches), " your guess for the farthest:", my_guess)
print("a coin for each step:", sorted(coins))

# %% [markdown]
# With a new head at every step ten opinions average out into dithering, and the end of the chain is no nearer than for the coin (it is even
# farther here, for most of the ten lean to the left). One that sticks to its opinion gets there. So: draw a head when an episode starts,
# and follow it to the end.

# %% [markdown] exercise="07.4" points=2
# ### Exercise 07.4 · A head for each episode
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `head_per_episode(heads, starts, num_heads, rng)` for E games that are played side by side. `heads` is an int array `[E]`, the head
# that each game has followed until now; `starts` is bool `[E]`, true where a game begins with this step. Return an int array `[E]`: where
# a game begins a head 0 to K - 1, drawn evenly from `rng` (the old one may come up again) and for each game on its own; elsewhere the head
# that was followed before. Change neither of the arrays you are given.
#
# Heads `[4, 7, 1]` and starts `[False, True, False]` give `[4, ?, 1]`, where ? is drawn from 0 to 9 if there are ten heads.
#
# <details><summary>Hint 1</summary>Draw a head for every game, and use it only where a game begins.</details>
# <details><summary>Hint 2</summary><code>rng.integers(num_heads, size=len(starts))</code> draws from 0 to K - 1, one for each
# game.</details>
# <details><summary>Hint 3</summary><code>np.where(starts, new_heads, heads)</code> picks game by game, and makes a new array.</details>

# %% exercise="07.4"
def head_per_episode(heads, starts, num_heads, rng):
    """The head that each game follows now.

    heads: int [E], followed until now; starts: bool [E], where a game begins; num_heads: K; rng: np.random.Generator. Returns int [E].
    """
    # SOLUTION BEGIN
    new_heads = rng.integers(num_heads, size=len(starts))  # [E]
    return np.where(starts, new_heads, heads)
    # SOLUTION END


# %% check="07.4"
head_per_episode = checks.bootstrapped.head_per_episode(head_per_episode)

# %% [markdown]
# ## 8 · Ask them all
# Following one head is for learning. When it counts, in an evaluation, all heads are asked: each votes for its best action, and the action
# with most votes is played. Not the average of their Q-values: a head that has fooled itself may promise 1,000, and in an average it would
# outshout nine sober ones.

# %% [markdown] exercise="07.5" points=3
# ### Exercise 07.5 · The vote
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# Write `vote(q_values)`: Q-values float `[B, K, A]` in, one action for each observation out, an int array `[B]`. In each observation every
# head votes for its action of highest value; the action with most votes wins. **Ties**: of the actions that share the lead, the one whose
# Q-value, averaged over *all* heads, is higher. Leave `q_values` as it is.
#
# One observation, three heads, two actions, `[[[1, 0], [0, 9], [1, 0]]]`: two votes for action 0, one for action 1: `[0]`. Two heads,
# `[[[1, 0], [0, 5]]]`: one vote each; the mean Q-values are 0.5 and 2.5, so `[1]`.
#
# <details><summary>Hint 1</summary><code>q_values.argmax(axis=2)</code> is what each head votes for, [B, K]. How many votes has action a?
# Count where it equals a.</details>
# <details><summary>Hint 2</summary><code>votes = np.stack([(best == a).sum(axis=1) for a in range(A)], axis=1)</code> is [B, A]. The
# actions in the lead: <code>votes == votes.max(axis=1, keepdims=True)</code>.</details>
# <details><summary>Hint 3</summary>Only the leaders stand for the second ballot:
# <code>np.where(leads, q_values.mean(axis=1), -np.inf).argmax(axis=1)</code>.</details>

# %% exercise="07.5"
def vote(q_values):
    """The action that most heads hold best; of those that tie, the one of higher mean Q-value.

    q_values: float [B, K, A]. Returns int [B].
    """
    # SOLUTION BEGIN
    best, num_actions = q_values.argmax(axis=2), q_values.shape[2]  # [B, K]
    votes = np.stack([(best == action).sum(axis=1) for action in range(num_actions)], axis=1)  # [B, A]
    leads = votes == votes.max(axis=1, keepdims=True)  # [B, A]
    return np.where(leads, q_values.mean(axis=1), -np.inf).argmax(axis=1)  # [B]
    # SOLUTION END


# %% check="07.5"
vote = checks.bootstrapped.vote(vote)

# %% [markdown]
# And *how sure* are they? The vote throws that away. It is what the purple areas above showed: how far the heads are apart.

# %% [markdown] exercise="07.6" points=2
# ### Exercise 07.6 · Disagreement
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `disagreement(q_values)`: float `[B, K, A]` in, float `[B]` out. For each observation and action take the standard deviation of the
# Q-values over the heads (dividing by K, as NumPy's `std` does); then the mean over the actions.
#
# One observation, two heads, two actions, `[[[0, 8], [4, 8]]]`: for action 0 the heads say 0 and 4, a standard deviation of 2; for action
# 1 both say 8, 0; the disagreement is `[1]`. A single head never disagrees: 0.
#
# <details><summary>Hint 1</summary>Which axis are the heads? The one that must vanish first.</details>
# <details><summary>Hint 2</summary><code>q_values.std(axis=1)</code> is [B, A]. Its axis 1 are the actions.</details>
# <details><summary>Hint 3</summary><code>q_values.std(axis=1).mean(axis=1)</code></details>

# %% exercise="07.6"
def disagreement(q_values):
    """How far the heads are apart: float [B, K, A] -> float [B], standard deviation over heads, mean over actions."""
    # SOLUTION BEGIN
    return q_values.std(axis=1).mean(axis=1)  # [B]
    # SOLUTION END


# %% check="07.6"
disagreement = checks.bootstrapped.disagreement(disagreement)

# %% [markdown]
# ## 9 · Across the chain
# All of it together. You wrote `Heads` (07.1, inside the ensemble), `MaskedMemory` (07.2), `masked_loss` (07.3, inside `update`),
# `head_per_episode` (07.4); `epsilon_greedy` and `linear_epsilon` are lesson 04's.

# %%
def play_game(env, ensemble, memory, head, learn, rng):
    """One game, following one head; `learn` is called after every step. Returns (observations, score)."""
    observations, score, over, config = [env.reset()[0]], 0.0, False, ensemble.config
    while not over:
        span = config.epsilon_decay_steps, config.learning_starts
        epsilon = linear_epsilon(ensemble.steps, config.epsilon_start, config.epsilon_end, *span)
        q_values = ensemble.q_values(observations[-1][None])[:, head]  # [1, K, A] -> [1, A]
        action = int(epsilon_greedy(q_values, epsilon, rng)[0])
        after, reward, terminated, truncated, _ = env.step(action)
        memory.add((observations[-1], action, reward, after, terminated))
        ensemble.steps += 1
        learn(ensemble.steps)
        observations.append(after)
        score, over = score + reward, terminated or truncated
    return observations, score


# %%
def train_on_chain(config, num_games, seed=0, show=True):
    """Bootstrapped DQN on a chain, made of this lesson's functions: (ensemble, diary)."""
    env, rng, diary = make_toy(config.game), np.random.default_rng(seed), live.Diary(config, num_games, show)
    ensemble = live.make_ensemble(Heads, masked_loss, config, FRAMEWORK, seed)
    memory, heads = MaskedMemory(config.num_heads, config.mask_probability, rng), np.zeros(1, int)

    def learn(step):
        if step >= config.learning_starts and step % config.update_period == 0:
            places = rng.integers(step, size=config.batch_size)
            ensemble.update(live.as_batch(*memory.get(places)))
        if step % config.target_update_period == 0:
            ensemble.sync_target()

    for game in range(num_games):
        beliefs = ensemble.q_values(live.all_states(env.size))  # [N, K, A]
        heads = head_per_episode(heads, np.array([True]), config.num_heads, rng)  # [1]
        diary.game_over(*play_game(env, ensemble, memory, heads[0], learn, rng), beliefs)
    return ensemble, diary


# %% [markdown]
# No epsilon at all: the heads explore. **Predict**: how many games until the first of them is paid the 1? The coin needs 2,940, and DQN has
# not got there in 200.

# %% tags=["nbval-ignore-output"]
my_guess = 100
ensemble, diary = train_on_chain(SHORT, num_games=200)

# %%
found = int(np.argmax(np.array(diary.returns) > 0.5))  # the first game that was paid the 1, counted from 0
print("paid the 1 for the first time within 100 games:", found < 100)
print("at the optimum in 40 or more of the last 50 games:", bool(diary.solved[-50:].sum() >= 40))

# %% [markdown]
# A while at the left, then somebody walks to the end, and soon nearly every game goes there. (Why not at once? Head 1 would have walked
# there in the first game. In our run it was drawn in game 14 for the first time, and by then training had changed its mind: what the first
# weights give may be gone before a head's turn comes, and then another must come to think so.) How does one head's find become everybody's
# knowledge? Through the memory: the *transitions* are shared, and each head learns from those that its mask lets through.

# %%
figures.show_beliefs(diary.beliefs, games=sorted({1, found + 1, found + 6, (found + 200) // 2, 200}))

# %% [markdown]
# The heads' opinions as the games go by (a slider; the pictures below show three of its places). Before the first game every head has its
# own ideas. Five games after the find most of the board is blue, with some old opinions in between. In the end there are ten rows of blue.
#
# Now your `disagreement`, state by state and game by game, until the 1 is found. And a second way to measure it: the share of the heads
# that are **outvoted**, those whose best action is not the vote's.

# %%
apart = np.array([disagreement(beliefs) for beliefs in diary.beliefs])  # [games, N]
outvoted = np.array([(beliefs.argmax(axis=2) != vote(beliefs)[:, None]).mean(axis=1) for beliefs in diary.beliefs])  # [games, N]
figures.draw_disagreement(apart, outvoted, found)
print("before the find the heads differ more about state 20 than about state 2:", bool(apart[found, 19] > apart[found, 1]))
print(f"heads outvoted, mean of all states, before the first game: {outvoted[0].mean():.0%}")
print("after the last game under 5%:", bool(outvoted[-1].mean() < 0.05))

# %% [markdown]
# Left: pale about the start, where game after game has passed and the heads have learned the same; dark further right (higher up in the
# picture), where hardly anybody has been and each head has only its own opinion. Right: once the find gets about, fewer and fewer heads
# would do anything else, and when all want the same, nobody explores any more. **The exploration ends by itself**, when it has done its
# work, without a schedule.
#
# (Why two measures? Disagreement is in units of a Q-value, and after the find the Q-values grow from 0.01 to 10. Heads that are 1 apart
# are of one mind then; before, they were not. Compare it between states at one time, not between times.)

# %% [markdown]
# ### Against DQN, three seeds each
# The same function, with a single head and epsilon: that *is* DQN. **Predict**: how many of its three runs find the 1?

# %%
my_guess = 3
ONE_HEAD = replace(SHORT, num_heads=1, epsilon_start=CHAIN.epsilon_start, epsilon_end=CHAIN.epsilon_end)
diaries = {"Bootstrapped DQN": [diary], "DQN": []}
for seed in (0, 1, 3):
    if seed:
        diaries["Bootstrapped DQN"].append(train_on_chain(SHORT, 200, seed, show=False)[1])
    diaries["DQN"].append(train_on_chain(ONE_HEAD, 200, seed, show=False)[1])
returns = {name: np.array([each.returns for each in runs]) for name, runs in diaries.items()}  # [seeds, games]
print("your guess:", my_guess)
for name, each in returns.items():
    print(f"{name:17} runs that find the 1: {(each > 0.5).any(axis=1).sum()} of {len(each)}")
figures.draw_returns(returns, make_toy("chain-20").optimum())

# %% [markdown]
# Why the seeds 0, 1 and 3? Because we looked: with 2 and 4 the single network's *first weights* happen to say "right" nearly everywhere,
# and DQN is carried to the end by that luck. Later, too, an update may happen to turn "left" into "right" all along the chain. So it is
# no fairy tale that DQN sometimes crosses a chain, but it has **one** opinion at a time to be lucky with; ten heads have ten, and each
# episode draws among them. In the longer runs of [results.md](../docs/results.md), 2,000 games on chains of 20 to 50, three of 15 DQNs ever
# found the 1, one of them at N = 40, none at N = 50 (epsilon as here). With ten heads and masks of 0.5 all 15 did, within 200 games.
#
# The vote, when it counts:

# %%
chain, score, over = Chain(20), 0.0, False
observation, _ = chain.reset()
while not over:
    action = int(vote(ensemble.q_values(observation[None]))[0])
    observation, reward, terminated, truncated, _ = chain.step(action)
    score, over = score + reward, terminated or truncated
print(f"a game by vote: {score:.0f}; the best there is: {chain.optimum():.0f}")

# %% [markdown]
# ## 10 · The deep sea
# One suspicion remains. On the chain "right" is the same button everywhere, and a network that generalises likes to say the same
# everywhere. Is that exploration, or a lucky habit? **DeepSea** (Osband et al. 2020) takes the habit away. A diver starts at the top left
# of an N x N sea and sinks a row at each step, a column to the left or to the right; but *which button is which differs from square to
# square*, by a secret map. Each move right costs 0.01 / N. The treasure, worth 1, lies at the bottom right: right at every single step, or
# nothing.

# %%
sea = make_toy(DEEP_SEA.game)
size = sea.size
print(f"ways to dive: 2^{size} = {2**size:,}; one of them finds the treasure")
print(f"random dives until then: {2**size:,} on average; the best return: {sea.optimum():.2f}")
print("button that means right, first row:", sea.right[0].tolist(), " third row:", sea.right[2].tolist())

# %% [markdown]
# Again the cost says "go left", and again only a plan gets through. 200 dives for the library's DQN and for its Bootstrapped DQN (the same
# network, memory and learning, with 20 heads). **Predict**: what will the map of visited squares look like for each?

# %%
my_guess = {"DQN": "a corner", "Bootstrapped DQN": "everything"}
dives = {"DQN": live.explore(DEEP_SEA, FRAMEWORK, 200), "Bootstrapped DQN": live.explore(BOOTSTRAPPED_DEEP_SEA, FRAMEWORK, 200)}
print("your guess:", my_guess)
for name, run in dives.items():
    print(f"{name:17} treasure found in 20 dives or more: {bool((run.returns > 0.5).sum() >= 20)}")
figures.draw_visits({name: live.visits_of(run) for name, run in dives.items()})

# %% [markdown]
# Each square is darker the more often it was visited, white if never; the upper right half cannot be reached at all. DQN, on the left,
# knows the left shore, and its visits thin out towards the dotted diagonal: step by step, the next square along it is half as likely.
# Bootstrapped DQN, on the right, has covered the whole triangle, the treasure's corner (the star) included, and then dives along the
# diagonal again and again.

# %% [markdown]
# ### Zeros make heads agree too soon
# One setting of that run was not among the four differences. On the way to the treasure there is nothing but zeros (and a small cost).
# So let the heads learn "0" for a part of the sea, the squares near the left shore, in 200 updates, and measure how much of
# their first disagreement is left. **Predict** for the squares that they have *not* been shown: 100%?

# %%
def about(share):
    """A share in per cent, to the nearest 5."""
    return f"about {5 * round(20 * share)}%"


my_guess = 1.0
known, kept = live.near_the_shore(size), {}
print(f"your guess: {my_guess:.0%}")
for scale in (0.0, BOOTSTRAPPED_DEEP_SEA.prior_scale):
    config = replace(BOOTSTRAPPED_DEEP_SEA, prior_scale=scale)
    kept[f"prior scale {scale:g}"] = shares = live.learn_zeros(config, FRAMEWORK, disagreement, updates=200)  # [N, N]
    print(f"prior scale {scale:g}: shown {about(np.nanmean(shares[known]))}, never shown {about(np.nanmean(shares[~known]))}")
figures.draw_kept(kept)

# %% [markdown]
# The darker, the more disagreement is left (grey: no dive leads there). Left of the black line the zeros were shown, and nothing is left,
# as it should be. But in the left picture, the network of 2016, nearly half is gone *where nobody has ever been*, too, for a network
# generalises. Where rewards are rare this is the weak spot: the heads agree on "nothing here" before the treasure is found.
#
# On the right, the mend, **randomised prior functions** (Osband et al. 2018). Each head's Q-value is the sum of what it learns and of a
# *fixed random network of its own* that never learns, times `prior_scale`. Where there are data, the learned part cancels the prior; where
# there are none, it has little reason to, and the head keeps its own opinion. First weights can be forgotten, a prior cannot.
#
# How large? That depends on the size of the rewards: one more setting to choose. Here it is 3; for Breakout, where the first points come
# soon, we leave it at 0. And it is no law that DeepSea cannot be solved without: with some seeds it is, later or less surely.

# %% [markdown]
# ## 11 · Breakout
# The same algorithm, with convolutions for a core. What do the heads cost? Each has a dense layer of its own, which is where most of DQN's
# weights are (all with three actions):

# %%
core = 8_224 + 32_832 + 36_928  # three convolutions, lesson 02
for name, units, num_heads in (("DQN", 512, 1), ("the code review", 512, 9), ("this course", BOOTSTRAPPED_FAST.network.dense[0], 10)):
    head = 3_136 * units + units + units * 3 + 3  # a dense layer and three Q-values
    print(f"{name:15}  {num_heads:2} x {head:9,} + core {core:,} = {core + num_heads * head:10,} weights")

# %% [markdown]
# | setting | the paper, Atari | the code review | this course, `FAST` |
# |---|---|---|---|
# | heads | 10 | 9 | 10 |
# | mask probability | 1.0 | 0.9 | 1.0 |
# | dense units a head | 512 | 512 | 128 |
# | batch, update every | 32, 4 steps | 32, 4 steps | 64, 8 steps |
# | epsilon besides | none (its algorithm 1) | to 0.01 in 1,000,000 steps | to 0.01 in 100,000 steps |
# | evaluation | all heads vote | all heads vote | all heads vote |

# %%
for name, config in (("the code review", BOOTSTRAPPED_BOOK), ("this course", BOOTSTRAPPED_FAST)):
    print(f"{name:15}  {config.num_heads} heads, p = {config.mask_probability}, an update every {config.update_period} steps")

# %% [markdown]
# And what comes of it? The paper reports that Bootstrapped DQN learns faster than DQN on most Atari games. The code review ends with the
# words "results: coming soon"; the best evaluation in the log that it ships is 32 points. With a mask that cancels, and targets taken from
# the online network (both in the [museum of lesson 10](10_bug_museum.ipynb)), that says little about the algorithm. This course keeps that
# promise in [results.md](../docs/results.md): chains of eight lengths up to 50, DeepSea, and Breakout. The five stages of our ensemble
# can be watched in [lesson 08](08_watch_them_learn.ipynb).
#
# Be modest about Breakout, though. It is no deep-exploration game: random play hits a brick soon enough, and DQN does fine there. Deep
# exploration pays where rewards are rare and far away.
#
# **Where to go from here**: heads can be combined with everything that improves a DQN. *Double DQN* (van Hasselt et al. 2016) lets the
# online network choose the next action and the target network value it, against the flattery of the max; the paper's Atari agents use it.
# *Dueling networks* (Wang et al. 2016) split each head into a value of the state and an advantage of each action.

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** Epsilon-greedy with a larger epsilon, 0.5 for ever: does it cross a chain of 50?
# <details><summary>Answer</summary>No. It tries more single moves, not longer plans. Even with epsilon 1 it is the coin: some $10^{11}$
# games.</details>
#
# **2.** Why is one head followed for a whole episode, and not a new one at every step?
# <details><summary>Answer</summary>A plan of 19 moves is only carried out by somebody who sticks to it. Changing heads averages their
# opinions away, and what is left is dithering (section 7).</details>
#
# **3.** Somebody draws the masks when a batch is sampled, with p = 0.5. What do the heads learn from, in the long run?
# <details><summary>Answer</summary>From everything, not from a half each: a transition is sampled many times, and sooner or later every
# head's bit is set. The noise is new, the data are the same.</details>
#
# **4.** With `p = 1.0` all heads learn from the same transitions. Why do they still differ, and where?
# <details><summary>Answer</summary>By their first weights (and each by its own targets), where there are few data or none. A prior
# function makes this diversity permanent.</details>
#
# **5.** Your masked loss is the same number for every mask you try. What has happened, and how do you prove the repair?
# <details><summary>Answer</summary>The mask cancels: (B, 1) times (B,), or a mean taken first. A falling loss proves nothing, it falls either
# way. Ask the gradient: masked samples must get exactly 0.</details>

# %% [markdown]
# ## What to try next
# 1. **No masks**: `train_on_chain(replace(SHORT, mask_probability=1.0), 200)`. *Expect*: it crosses the chain all the same. The first
#    weights are diversity enough here. (On chains of 40 and 50 three of our six runs without masks failed.)
# 2. **A new head at every step**: in `play_game` write `head = rng.integers(config.num_heads)` as the first line of the loop. *Expect*:
#    with seeds 0 and 3 the 1 is not found in 200 games; with 1 and 2, where most fresh heads say "right", it is, but few games are perfect
#    with 2. The very same heads, without the patience.
# 3. **A longer chain**: `train_on_chain(replace(SHORT, game="chain-30"), 200)`. *Expect*: crossed within some 30 games with each of the
#    seeds 0 to 2, and perfect in most games after the first hundred; the coin would need 700,000. `python benchmarks/chain.py` goes
#    up to 50.
#
# And when you have a night to spare: `course train bootstrapped_dqn --preset fast --run runs/mine` trains it on Breakout itself.
#
# ## References
# - Osband, Blundell, Pritzel, Van Roy: [Deep exploration via Bootstrapped DQN](https://arxiv.org/abs/1602.04621). NIPS 2016.
# - Osband, Aslanides, Cassirer: [Randomized prior functions for deep reinforcement learning](https://arxiv.org/abs/1806.03335).
#   NeurIPS 2018.
# - Osband et al.: [Behaviour suite for reinforcement learning](https://arxiv.org/abs/1908.03568). ICLR 2020. DeepSea.
# - Thompson: [On the likelihood that one unknown probability exceeds another in view of the evidence of two
#   samples](https://www.jstor.org/stable/2332286). Biometrika 25, 1933.
# - Efron: [Bootstrap methods: another look at the jackknife](https://doi.org/10.1214/aos/1176344552). Annals of Statistics 7, 1979.
# - van Hasselt, Guez, Silver: [Deep reinforcement learning with double Q-learning](https://arxiv.org/abs/1509.06461). AAAI 2016.
# - Wang et al.: [Dueling network architectures for deep reinforcement learning](https://arxiv.org/abs/1511.06581). ICML 2016.
#
# **Next**: [08 · Watch them learn](08_watch_them_learn.ipynb).
