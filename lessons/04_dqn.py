# %% [markdown]
# # 04 · DQN
# A ball (orange) falls, a paddle (blue) should be under it. When a game is over, the bottom row says how it ended: green for a catch, red
# for a miss. The player below moves at random, for it has never seen the game, and nobody will ever explain it.
#
# **Guess**: of 100 games, how many does it win? At the end of this lesson an agent made of *your* functions learns the same game, in less
# time than it takes to read this page.

# %%
import course_lib
import torch
import numpy as np
from torch.nn import functional as F
from typing import NamedTuple

with course_lib.quiet():
    import keras
    import tensorflow as tf

from course_lib import checks, play, pretrained
from course_lib.config import BOOK, CATCH, FAST, replace
from course_lib.figures import dqn as figures
from course_lib.figures import dqn_live as live
from course_lib.figures import use_course_style
from course_lib.toy import Catch

FRAMEWORK = course_lib.framework()
torch.set_num_threads(1)  # networks as small as these are faster on one core
tf.config.threading.set_intra_op_parallelism_threads(1)
use_course_style()

# %%
rng = np.random.default_rng(0)
figures.show_catch(lambda observation: rng.integers(3), alt="Random play: most balls fall beside the paddle")

# %% [markdown]
# <details><summary>How many does it win?</summary>
# One in five. There are five columns, and the ball picks one without looking at the paddle: wherever the paddle has wandered, it
# is right once in five games. With +1 for a catch and -1 for a miss, random play earns 0.2 - 0.8 = -0.6 a game. Remember this number.
# </details>
#
# **You will be able to**
# - say what a Q-value is, and learn one from experience;
# - write the six parts of DQN: epsilon, epsilon-greedy, replay memory, TD targets, the learning step, the copy;
# - put them together, watch them learn, and find out which of them it cannot do without;
# - read the curves of a run that takes days, and tell which curve to trust.
#
# **Minutes**: about 120, in two sittings if you like (the second begins at *Learn*). **You need**: lessons 01 to 03, with the PyTorch or
# Keras of lesson 02.

# %% [markdown]
# ## 1 · A value for every move
# Forget pixels for ten minutes. Here is a corridor of five states, 0 to 4. Action 0 goes left, action 1 goes right; left of state 0 there
# is a wall, right of state 4 the exit. The exit pays 1 and ends the game. Nothing else pays.

# %%
def corridor(state, action):
    """One step: (reward, next state, terminated)."""
    if state == 4 and action == 1:
        return 1.0, 4, True
    return 0.0, min(max(state + (1 if action == 1 else -1), 0), 4), False


# %% [markdown]
# How good is it to go right in state 3? It pays nothing *now*; but it leads to state 4, from where one more step pays 1. The
# **Q-function** says it in one line: the value of a move is its reward, plus the discounted value of the best move after it.
#
# $$Q(s, a) = r + \gamma \max_{a'} Q(s', a')$$
#
# In state $s$ the action $a$ brings the reward $r$ and leads to the state $s'$, where $a'$ runs over the actions that are possible. The
# discount $\gamma$ of lesson 01 (here 0.9) makes a reward that is one step away worth a little less. Nothing follows the exit, so there
# $Q = r$ alone.
#
# We do not know Q. We start with a table of zeros, walk about, and after each step move the entry a little, by the **learning rate**
# $\alpha$, towards what it should have been:
#
# $$Q(s, a) \leftarrow Q(s, a) + \alpha \, \big(r + \gamma \max_{a'} Q(s', a') - Q(s, a)\big)$$
#
# This is **Q-learning**.

# %%
def q_update(table, state, action, reward, next_state, terminated, alpha=0.5, discount=0.9):
    """Move one entry of a Q-table [state, action] towards its target, in place."""
    target = reward + (0.0 if terminated else discount * table[next_state].max())
    table[state, action] += alpha * (target - table[state, action])


# %% [markdown]
# We let a walker wander at random from state 0 until it finds the exit, again and again. Every entry of its table starts at 0.
#
# **Predict**: after the *first* game, when it has walked about for many steps and found the exit once, how many of the 10 entries are not
# 0?

# %%
my_guess = 5  # your guess: 0 to 10

# %%
table, tables, rng = np.zeros((5, 2)), {}, np.random.default_rng(1)  # [state, action]
for game in range(1, 301):
    state, terminated = 0, False
    while not terminated:
        action = rng.integers(2)
        reward, next_state, terminated = corridor(state, action)
        q_update(table, state, action, reward, next_state, terminated)
        state = next_state
    if game in (1, 2, 3, 10, 300):
        tables[game] = table.copy()
print(f"your guess: {my_guess}; entries that are not 0 after one game: {np.count_nonzero(tables[1])}")
figures.draw_tables(tables)

# %% [markdown]
# Only one: the last step of the game. Until the exit was found, every target was 0 + 0.9 × 0. In the next game the step *before* it has
# something to look forward to, and so the value seeps backwards through the corridor, darker green from game to game, until the table
# stands still.
#
# Two things are worth a second look. In every state "right" ends up worth more than "left", so **whoever follows the largest value walks
# straight to the exit**. And the table was learned from a walker who never did: Q-learning may learn about the best play from any other
# play.

# %%
right = 0.9 ** np.arange(4, -1, -1)  # 0.9 for every step still to go
left = 0.9 * right[[0, 0, 1, 2, 3]]  # one step back, then straight on
print("learned:", table[:, 1].round(3))
print("exact:  ", right.round(3))
print("converged, all ten entries:", np.allclose(table, np.stack([left, right], axis=1), atol=1e-3))

# %% [markdown]
# **Predict**: with $\alpha = 1$ an entry jumps all the way to its target. Why would anybody take a smaller step?

# %%
def exit_value(alpha, rewards):
    """Q(4, right) after each exit."""
    table, values = np.zeros((5, 2)), []
    for reward in rewards:
        q_update(table, 4, 1, reward, 4, True, alpha)
        values.append(table[4, 1])
    return np.array(values)


chance = np.random.default_rng(0).choice([0.0, 2.0], 100)  # pays 1 on average
rates = (0.05, 1.0)
figures.draw_rates({a: exit_value(a, np.ones(100)) for a in rates}, {a: exit_value(a, chance) for a in rates})

# %% [markdown]
# On the left, where the exit always pays 1, haste is right: the orange line is there at once. On the right the exit pays 0 or 2 by the
# toss of a coin: $\alpha = 1$ believes whatever came last, while $\alpha = 0.05$ (blue) averages over many games and stays near the
# truth, 1. Games have luck in them, and so do networks: the learning rates of DQN are far smaller still.

# %% [markdown]
# ## 2 · Why a table will not do
# For Breakout the state is an observation: 84 × 84 pixels, 4 frames, each pixel one of 256 greys. A table has a row for each state.
# **Predict**: the number of its rows, written out, has how many digits?

# %%
pixels = 84 * 84 * 4
print(f"256^{pixels:,} rows: a number of {int(pixels * np.log10(256)) + 1:,} digits")
print("weights of DQN's network: 1,685,667")

# %% [markdown]
# The number of atoms in the universe has about 80 digits. And memory is not even the worst of it: a table learns nothing about a row that
# it has never visited, and hardly any screen ever comes twice.
#
# So we put the network of lesson 02 in the table's place: observation in, one value for each action out. It cannot be told "set this
# entry"; it can be told "this prediction should have been larger", with the loss of lesson 03:
#
# $$\text{loss} = \text{Huber}\big(\underbrace{r + \gamma \max_{a'} Q(s', a')}_{\text{target}} - \underbrace{Q(s, a)}_{\text{prediction}}\big)$$
#
# People tried just this for years, and it fell apart, for two reasons that do not exist in a table:
#
# 1. **Neighbours teach the same thing.** Step after step of a game looks alike, and a network that studies one corner forgets the others.
# 2. **The target moves.** It is computed by the very network that is being changed.
#
# **DQN**, the *deep Q-network* (Mnih et al. 2013, 2015), has one remedy for each: a *replay memory* and a *target network*.

# %% [markdown]
# ## 3 · Four streams
# Everything DQN does flows between four places.

# %%
figures.draw_streams()

# %% [markdown]
# Blue, **play**: the *online network*, the one that learns, looks at an observation and chooses the action of highest value; sometimes,
# with a probability called **epsilon**, the action is a random one instead (*epsilon-greedy*). Green, **store**: what happened goes into
# the memory. Red, **learn**: a batch of old transitions comes back, drawn at random; the target network says what should have been
# predicted, and the online network moves towards it. Purple, **copy**: now and then the target network becomes a copy of the online one.
#
# | stream | you write |
# |---|---|
# | play | 04.1 how often to try something random · 04.2 choosing an action |
# | store | 04.3 a replay memory |
# | learn | 04.4 the targets · 04.5 one learning step |
# | copy | 04.6 when and how to copy |

# %% [markdown]
# These are the settings of the two programs that this course grew out of: a book's chapter, and a published review of Bootstrapped DQN's
# code.
#
# | setting | the book's table | the book's code | the code review's |
# |---|---|---|---|
# | transitions in a batch | 32 | 32 | 32 |
# | replay memory | 400,000 | 400,000 | 500,000 |
# | frames in an observation | 4 | 4 | 4 |
# | copy to the target network | every 10,000 steps | the same | every 10,000 |
# | discount | 0.99 | 0.99 | 0.99 |
# | optimiser | | RMSprop, rate 0.00025, with an epsilon of its own, 0.01 | Adam, rate 0.00025 |
# | exploration: epsilon | 1 to 0.1 in 1,000,000 steps | the same | to 0.01 in 1,000,000 |
# | learning starts after | 50,000 steps | 50,000 | 50,000 |
# | one update every | | 1 step | 4 steps |
# | idle steps at a game's start | up to 30 | up to 30 | |
# | length | | 50,000 games | 5,000,000 steps, tested every 50,000 |
#
# (In one place the book's text says 50,000 steps between copies; its table and its code say 10,000.) `course_lib.config.BOOK` holds the
# book's:

# %%
print(f"batch {BOOK.batch_size}, memory {BOOK.replay_capacity:,}, discount {BOOK.discount}")
print(f"epsilon {BOOK.epsilon_start} to {BOOK.epsilon_end} in {BOOK.epsilon_decay_steps:,} steps")
print(f"learning from step {BOOK.learning_starts:,} on, a copy every {BOOK.target_update_period:,}")

# %% [markdown]
# ## 4 · Play
# A fresh network knows nothing; following it would be stubborn, not wise. So at first every action is random, and the share of random
# actions, **epsilon**, falls in a straight line while the network learns. It never falls to 0: who never tries anything else never finds
# anything better.

# %% [markdown] exercise="04.1" points=1
# ### Exercise 04.1 · How curious to be
# *Difficulty 1 of 5 · 1 point · about 6 minutes*
#
# Write `linear_epsilon(step, start, end, decay_steps, learning_starts)`, the share of random actions at an agent step, a `float`.
# It is `start` until learning starts, then falls in a straight line for `decay_steps` steps, then stays at `end`.
#
# With `start=1.0, end=0.1, decay_steps=100, learning_starts=50`: step 20 gives 1.0, step 50 gives 1.0, step 100 (half of the way down)
# gives 0.55, step 150 and every later one gives 0.1.
#
# <details><summary>Hint 1</summary>How many steps has the line been falling for? It cannot be fewer than 0.</details>
# <details><summary>Hint 2</summary>Turn that into a share of the way down, between 0 and 1: divide by <code>decay_steps</code>, and let
# <code>min</code> and <code>max</code> keep it in bounds.</details>
# <details><summary>Hint 3</summary><code>progress = min(max(step - learning_starts, 0) / decay_steps, 1.0)</code>; at progress 0 return
# <code>start</code>, at progress 1 return <code>end</code>, in between <code>start + progress * (...)</code>.</details>

# %% exercise="04.1"
def linear_epsilon(step, start, end, decay_steps, learning_starts):
    """Share of random actions at an agent step.

    step: agent steps taken; start, end: first and last share; decay_steps: steps from one to the other;
    learning_starts: the step at which the line begins to fall. Returns a float between start and end.
    """
    # SOLUTION BEGIN
    progress = min(max(step - learning_starts, 0) / decay_steps, 1.0)
    return start + progress * (end - start)
    # SOLUTION END


# %% check="04.1"
linear_epsilon = checks.dqn.linear_epsilon(linear_epsilon)

# %%
def schedule(config, steps):
    """Epsilon at each of some steps, as a configuration says."""
    settings = config.epsilon_start, config.epsilon_end, config.epsilon_decay_steps, config.learning_starts
    return [linear_epsilon(step, *settings) for step in steps]


steps = np.arange(0, 1_200_001, 10_000)
lines = {"the book's": schedule(BOOK, steps), "this course's": schedule(FAST, steps)}
figures.draw_schedule(steps, lines, BOOK.learning_starts)

# %% [markdown]
# Two lines, level, falling, level again: the book's falls from 1 to 0.1 over a million steps; our faster preset is through sooner, and
# ends lower. The grey strip at the left is the book's first 50,000 steps, in which its memory fills and nothing is learned.
#
# Now the choice itself. It is made for a whole batch at once, since several games may be played side by side: Q-values `[B, A]` in, one
# action for each row out, `[B]`.

# %% [markdown] exercise="04.2" points=2
# ### Exercise 04.2 · Epsilon-greedy
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `epsilon_greedy(q_values, epsilon, rng)`. `q_values` is a float array `[B, A]`; return an int array `[B]`, one action for each
# row. Every row decides on its own: with probability `epsilon` a random action (each of the A with the same chance, the best one
# included), otherwise the action of highest value. Draw from the generator `rng` only (`rng.random(size)` gives numbers from 0 to 1,
# `rng.integers(A, size=...)` from 0 to A - 1): then a seed repeats a game.
#
# With `epsilon=0` the Q-values `[[0, 5, 1], [7, 2, 3]]` give `[1, 0]`. With `epsilon=0.3` and 3 actions the best one comes up in 80% of
# the rows: 70% on purpose, a third of 30% by chance.
#
# <details><summary>Hint 1</summary>Make three arrays of shape [B]: the best actions, random actions, and which rows explore.</details>
# <details><summary>Hint 2</summary><code>q_values.argmax(axis=1)</code> finds the best action of each row; a row explores where its own
# random number lies below epsilon.</details>
# <details><summary>Hint 3</summary><code>np.where(explores, random_actions, best_actions)</code> picks row by row.</details>

# %% exercise="04.2"
def epsilon_greedy(q_values, epsilon, rng):
    """An action for each row: random with probability epsilon, else the one of highest value.

    q_values: float [B, A]; rng: np.random.Generator. Returns int [B].
    """
    # SOLUTION BEGIN
    batch, num_actions = q_values.shape
    random_actions = rng.integers(num_actions, size=batch)  # [B]
    explores = rng.random(batch) < epsilon  # [B]
    return np.where(explores, random_actions, q_values.argmax(axis=1))
    # SOLUTION END


# %% check="04.2"
epsilon_greedy = checks.dqn.epsilon_greedy(epsilon_greedy)

# %% [markdown]
# ## 5 · Store
# What is wrong with learning from each step as it comes? Let us play Breakout at random and lay 32 steps *in a row* on top of one
# another: whatever moves leaves a trace.

# %%
steps = live.play_breakout_at_random(1_500, seed=4)
frames = np.stack([step.frame for step in steps])  # [T, 84, 84]
in_a_row = frames[300:332]
figures.draw_overlays({"32 steps in a row": in_a_row})

# %% [markdown]
# One ball's path, drawn like a string of beads, and a smear of paddle. A network that learns from this batch learns about this one ball;
# in the next batch about the next one, and by then it has half forgotten the first. Statisticians call such samples **correlated**.
# Students who cram one chapter at a time know the effect.
#
# The remedy: keep the last few hundred thousand steps, and learn from a random handful. That costs memory, and there is a trick to it.

# %%
figures.draw_memory(frames[306:312])

# %% [markdown]
# Six frames in a row, the ball on its way. An observation is four of them; the next observation shares three. Storing both stacks of
# every transition keeps each frame eight times: 2 × 4 × 84 × 84 = 56,448 bytes a step, 22.6 GB for the book's 400,000 (the book's code
# does just that). Storing **each frame once** and stacking when a batch is drawn takes 84 × 84 = 7,056 bytes, as you found in lesson 01.
#
# The memory is a ring of slots. Frame number n goes into slot `n % capacity`, so once all are full, the newest overwrites the oldest.
# A batch of B transitions looks like this:

# %%
class Batch(NamedTuple):
    """B transitions."""

    observations: np.ndarray  # uint8 [B, H, W, history], newest frame last
    actions: np.ndarray  # int64 [B]
    rewards: np.ndarray  # float32 [B]
    next_observations: np.ndarray  # uint8 [B, H, W, history]
    terminated: np.ndarray  # bool [B]: a lost life, or the end of the game
    truncated: np.ndarray  # bool [B]: the clock ran out


class Slots:
    """The empty ring: one array for each part of a step."""

    def __init__(self, capacity, frame_shape, history):
        self.frames = np.zeros((capacity, *frame_shape), np.uint8)
        self.actions, self.rewards = np.zeros(capacity, np.int64), np.zeros(capacity, np.float32)
        self.terminated, self.truncated, self.starts = np.zeros((3, capacity), bool)
        self.capacity, self.history = capacity, history
        self.count = 0  # frames added since the beginning; the next one gets this number


# %% [markdown]
# Told the frames 1, 2, 3, 4 of one game and 11, 12, 13 of the next (so we call the pictures; a frame's *number* counts from 0), with a
# history of 3, the memory holds five transitions:
#
# | picture | 1 | 2 | 3 | 4 | 11 | 12 | 13 |
# |---|---|---|---|---|---|---|---|
# | number | 0 | 1 | 2 | 3 | 4 | 5 | 6 |
# | `starts` | yes | | | | yes | | |
# | its stack | 1 1 1 | 1 1 2 | 1 2 3 | | 11 11 11 | 11 11 12 | |
# | the next stack | 1 1 2 | 1 2 3 | 2 3 4 | *none* | 11 11 12 | 11 12 13 | *not yet* |
#
# Frame 4 shows where the first game ended. It was stored to complete the transition of frame 3, and nothing follows it: the next slot
# **starts** another game. Frame 13 is the newest, so its successor is still unknown. And no stack reaches back across a start: there the
# first frame stands in for those before it.
#
# Go by `starts` alone: in Breakout a lost life is `terminated` in the middle of a game (lesson 01's convention; more of it in section 6),
# and it starts no new one.

# %% [markdown] exercise="04.3" points=4
# ### Exercise 04.3 · A small replay memory
# *Difficulty 4 of 5 · 4 points · about 25 minutes*
#
# Fill in the three methods of `SmallMemory`. What it inherits from `Slots` is there already.
#
# - `add(frame, action, reward, terminated, truncated, starts)` copies one step into its slot: `frame` uint8 `[H, W]`, the newest frame of
#   the observation acted on; `starts`, whether it is the first of its game.
# - `stack(numbers)`: for frame numbers int `[B]` their observations, uint8 `[B, H, W, history]`, newest frame last; an entry before its
#   game's start is the game's first frame.
# - `sample(batch_size, rng)` draws a `Batch`, each transition with the same chance, from all frames that have their whole history *and*
#   their successor in the memory: in the table above 1, 2, 3, 11 and 12. With capacity 5 and history 2, after frames 1 to 8 of one game
#   (4 to 8 are left), those are 5, 6 and 7. A batch may be larger than the memory, so repeats must be possible.
#
# <details><summary>Hint 1</summary>Work with frame numbers (0, 1, 2, ... since the beginning) throughout, and turn them into slots
# (<code>% self.capacity</code>) only where you look something up.</details>
# <details><summary>Hint 2</summary>Candidates run from the oldest number with its history, <code>max(0, self.count - self.capacity +
# self.history - 1)</code> (slightly cautious where a game starts there, which is fine), to <code>self.count - 2</code>; drop those whose
# next slot starts a game, then let <code>rng.choice</code> draw. For a stack, walk back from the newest frame one column at a time: where
# a frame starts its game, the column before it holds the same number, elsewhere one less.</details>
# <details><summary>Hint 3</summary>Walking back: with <code>n = columns[0]</code> and <code>starts = self.starts[n %
# self.capacity]</code>, <code>columns.insert(0, np.where(starts, n, n - 1))</code> until there are <code>history</code> columns, then
# <code>np.stack([self.frames[column % self.capacity] for column in columns], axis=-1)</code>. The next observations are
# <code>self.stack(numbers + 1)</code>.</details>

# %% exercise="04.3"
class SmallMemory(Slots):
    """The last `capacity` frames, each stored once; observations are built when a batch is drawn."""

    def add(self, frame, action, reward, terminated, truncated, starts):
        # SOLUTION BEGIN
        slot = self.count % self.capacity
        self.frames[slot], self.actions[slot], self.rewards[slot] = frame, action, reward
        self.terminated[slot], self.truncated[slot], self.starts[slot] = terminated, truncated, starts
        self.count += 1
        # SOLUTION END

    def stack(self, numbers):
        # SOLUTION BEGIN
        columns = [numbers]  # [B] each, newest last
        while len(columns) < self.history:
            n = columns[0]
            columns.insert(0, np.where(self.starts[n % self.capacity], n, n - 1))
        return np.stack([self.frames[column % self.capacity] for column in columns], axis=-1)  # [B, H, W, history]
        # SOLUTION END

    def sample(self, batch_size, rng):
        # SOLUTION BEGIN
        numbers = np.arange(max(0, self.count - self.capacity + self.history - 1), self.count - 1)
        numbers = rng.choice(numbers[~self.starts[(numbers + 1) % self.capacity]], batch_size)  # [B]
        slots = numbers % self.capacity
        outcome = self.terminated[slots], self.truncated[slots]
        return Batch(self.stack(numbers), self.actions[slots], self.rewards[slots], self.stack(numbers + 1), *outcome)
        # SOLUTION END


# %% check="04.3"
SmallMemory = checks.dqn.SmallMemory(SmallMemory)

# %% [markdown]
# Now tell your memory the same 1,500 steps, and lay 32 of *its* frames on top of one another.

# %%
memory = SmallMemory(capacity=2_000, frame_shape=(84, 84), history=4)
for step in steps:
    memory.add(*step)
batch = memory.sample(32, np.random.default_rng(0))
drawn = batch.observations[..., -1]  # [32, 84, 84]
figures.draw_overlays({"32 steps in a row": in_a_row, "32 drawn from your memory": drawn})
print("observations:", batch.observations.shape, batch.observations.dtype)

# %%
def pixels_that_differ(frames):
    """Between one frame of a batch and the next, on average."""
    return (frames[1:] != frames[:-1]).sum(axis=(1, 2)).mean()


print("in a row, pixels from one frame to the next:", round(pixels_that_differ(in_a_row)), "of 7,056")
print("drawn at random, over twice as many:", pixels_that_differ(drawn) > 2 * pixels_that_differ(in_a_row))

# %% [markdown]
# Left the cramming, right the whole course: balls everywhere, the paddle at every place. One update now pulls the network towards 32
# different lessons at once, and each step that was played can teach many times before it is overwritten.

# %% [markdown]
# ## 6 · Learn
# *A good place to begin the second sitting. Click here, then Run → Run All Above Selected Cell: all names are back.*
#
# A batch has come back from the memory. What should the network have predicted for each transition?
#
# $$y = r + \gamma \max_{a'} Q_{\text{target}}(s', a') \qquad\text{and}\qquad y = r \text{ alone where nothing follows}$$
#
# This is the **TD target**. (TD is *temporal difference*: a guess is compared with a guess made one step later, which has seen more.)
#
# When does nothing follow? **Predict** for each row, then unfold.
#
# | what happened | does anything follow? |
# |---|---|
# | a brick broke | |
# | the third of five balls was lost | |
# | the last ball was lost | |
# | the clock ran out after 30 minutes, the ball was still in play | |
#
# <details><summary>Unfold</summary>
#
# *A brick broke*: yes. *The last ball*: no. *The third ball*: the game goes on, and yet DQN says **no**. That loss is where the mistake
# was made; treat it as an end, and the agent learns to fear it, though the score only ends with the last ball. The environment's lost
# lives are therefore stored as `terminated`. *The clock*: **yes**. The game was **truncated** by us, the ball was fine; call it an end,
# and the network is taught that a good position is worth nothing.
# </details>

# %% [markdown] exercise="04.4" points=3
# ### Exercise 04.4 · TD targets
# *Difficulty 3 of 5 · 3 points · about 10 minutes*
#
# Write `td_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount)`. You are handed more than you need: two flags
# `[B]` and the next observations' Q-values `[B, A]` from *both* networks. Look at the picture of the four streams, and choose. (An
# experiment at the end uses what you leave out.) Return float32 `[B]`.
#
# With rewards `[1, 1]`, terminated `[False, True]`, discount 0.5 and target_next_q `[[1, 2, 6], [1, 2, 6]]` the targets are `[4, 1]`: 1 +
# 0.5 × 6, and the reward alone.
#
# <details><summary>Hint 1</summary>The best next value of each row is a max over the actions, axis 1.</details>
# <details><summary>Hint 2</summary>Multiply by 0 what must not count: <code>~terminated</code> is True, that is 1, where something
# follows.</details>
# <details><summary>Hint 3</summary><code>rewards + discount * ~terminated * target_next_q.max(axis=1)</code>, then
# <code>.astype(np.float32)</code>.</details>

# %% exercise="04.4"
def td_targets(rewards, terminated, truncated, online_next_q, target_next_q, discount):
    """What the network should have predicted for the actions taken.

    rewards: float32 [B]; terminated, truncated: bool [B]; discount: float;
    online_next_q, target_next_q: float32 [B, A], either network's values of the next observations.
    Returns float32 [B].
    """
    # SOLUTION BEGIN
    best_next = target_next_q.max(axis=1)  # [B]
    return (rewards + discount * ~terminated * best_next).astype(np.float32)  # [B]
    # SOLUTION END


# %% check="04.4"
td_targets = checks.dqn.td_targets(td_targets)

# %% [markdown]
# So `truncated` taught us nothing, and `course_lib`'s own memory does not even store it.
#
# Next comes the learning step. The online network predicts a value for *every* action, `[B, A]`, but only one action was taken, and only
# about that one have we learned anything. Both frameworks can pick one column for each row:

# %%
q_values, actions = np.float32([[0.1, 0.4, 0.2], [0.5, 0.3, 0.0]]), np.array([2, 0])  # [2, 3], [2]
print("PyTorch:   ", torch.from_numpy(q_values).gather(1, torch.from_numpy(actions)[:, None])[:, 0].numpy())
print("TensorFlow:", tf.gather(q_values, actions, axis=1, batch_dims=1).numpy())

# %% [markdown]
# And this is all else that the step needs:
#
# | | PyTorch | Keras on TensorFlow |
# |---|---|---|
# | NumPy in | `torch.from_numpy(array)` | as it is |
# | Q-values | `network(observations)` | `network(observations)` |
# | NumPy out | `.numpy()`, for values computed under `with torch.no_grad():` | `.numpy()` |
# | mean Huber loss | `F.huber_loss(chosen, targets)` | `keras.losses.Huber()(targets, chosen)` |
# | record gradients | always, unless under `no_grad` | `with tf.GradientTape() as tape:` |
# | forget the old gradients | `optimizer.zero_grad()` | not needed |
# | compute the new ones | `loss.backward()` | `gradients = tape.gradient(loss, network.trainable_variables)` |
# | one step | `optimizer.step()` | `optimizer.apply(gradients, network.trainable_variables)` |
#
# What has been through NumPy is a plain number. No gradient flows through it, and that is just right for a target: **the prediction
# should move to the target, not the target to the prediction**.

# %% [markdown] exercise="04.5" points=4
# ### Exercise 04.5 · One learning step
# *Difficulty 4 of 5 · 4 points · about 20 minutes · in PyTorch, in Keras, or in both*
#
# Write `learning_step_torch` or `learning_step_keras`, each `(online_network, target_network, optimizer, batch, discount)`: one step of
# the optimiser on the mean Huber loss between `td_targets(...)` and the online network's values of the actions taken. `batch` is a
# `Batch` of NumPy arrays; the networks take uint8 observations `[B, H, W, C]` (they divide by 255 themselves) and give `[B, A]`. Return
# the loss as a `float`.
#
# An example with one transition: the online network says Q = 0.2 for the action taken, the target is 1.5. The error is 1.3, the Huber
# loss 1.3 - 0.5 = 0.8; the step makes that one Q-value larger. The other actions have no part in the loss, and the target
# network's weights stay as they are.
#
# <details><summary>Hint 1</summary>Four parts: both networks' values of the next observations; targets from <code>td_targets</code>; the
# chosen actions' values and their loss; the gradient and the step.</details>
# <details><summary>Hint 2</summary>Only the chosen values must be computed where gradients are recorded. In PyTorch put the next
# observations under <code>torch.no_grad()</code>; in Keras keep the prediction and the loss inside the tape.</details>
# <details><summary>Hint 3</summary><code>targets = td_targets(batch.rewards, batch.terminated, batch.truncated, online_next_q,
# target_next_q, discount)</code>, then the cell with <code>gather</code> above, then the last four rows of the table. Both
# <code>chosen</code> and <code>targets</code> have shape [B].</details>

# %% exercise="04.5" framework="torch"
def learning_step_torch(online_network, target_network, optimizer, batch, discount):
    """One optimiser step of the online network on the mean Huber loss of a batch; returns that loss, a float."""
    # SOLUTION BEGIN
    next_observations = torch.from_numpy(batch.next_observations)  # [B, H, W, C]
    with torch.no_grad():  # targets are constants
        online_next_q = online_network(next_observations).numpy()  # [B, A]
        target_next_q = target_network(next_observations).numpy()  # [B, A]
    targets = td_targets(batch.rewards, batch.terminated, batch.truncated, online_next_q, target_next_q, discount)
    q_values = online_network(torch.from_numpy(batch.observations))  # [B, A]
    chosen = q_values.gather(1, torch.from_numpy(batch.actions)[:, None])[:, 0]  # [B]
    loss = F.huber_loss(chosen, torch.from_numpy(targets))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    # SOLUTION END


# %% check="04.5" framework="torch"
learning_step_torch = checks.dqn.learning_step_torch(learning_step_torch)

# %% exercise="04.5" framework="keras"
def learning_step_keras(online_network, target_network, optimizer, batch, discount):
    """One optimiser step of the online network on the mean Huber loss of a batch; returns that loss, a float."""
    # SOLUTION BEGIN
    online_next_q = online_network(batch.next_observations).numpy()  # [B, A], outside the tape: a constant
    target_next_q = target_network(batch.next_observations).numpy()  # [B, A]
    targets = td_targets(batch.rewards, batch.terminated, batch.truncated, online_next_q, target_next_q, discount)
    with tf.GradientTape() as tape:
        q_values = online_network(batch.observations)  # [B, A]
        chosen = tf.gather(q_values, batch.actions, axis=1, batch_dims=1)  # [B]
        loss = keras.losses.Huber()(targets, chosen)
    variables = online_network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
    return float(loss)
    # SOLUTION END


# %% check="04.5" framework="keras"
learning_step_keras = checks.dqn.learning_step_keras(learning_step_keras)

# %% [markdown]
# The library does the same without the detour through NumPy: read `td_loss` in `course_lib/backends/torch/losses.py`, or its Keras twin,
# a few lines each.
#
# ## 7 · Copy
# Why a second network? Here is the smallest world in which one is not enough. A network with a *single* weight w values two screens: Q(s)
# = w and Q(s') = -w. Weights are shared, so whatever pulls one up pushes the other down. s leads to s', nothing ever pays, and the truth
# is w = 0.

# %%
def chase(copy_every, updates=40, rate=1.5, discount=0.5):
    """The weight after each update; the target's own weight is copied every so many updates."""
    weight = target_weight = 1.0
    history = [weight]
    for update in range(1, updates + 1):
        target = 0.0 + discount * -target_weight  # r + discount * Q_target(s')
        weight += rate * (target - weight)  # the update of section 1
        if update % copy_every == 0:
            target_weight = weight
        history.append(weight)
    return np.array(history)


# %% [markdown]
# The learning rate is too bold on purpose: with a target that stands still, each update overshoots by half and still lands closer.
# **Predict**: with a copy after *every* update (which is to say, with one network), does w still find its way to 0?

# %%
names = {1: "one network (a copy every update)", 5: "a copy every 5", 10: "a copy every 10"}
figures.draw_chase({name: chase(period) for period, name in names.items()})
print("one network, after 40 updates, |w| > 1000:", abs(chase(1)[-1]) > 1000)

# %% [markdown]
# The red line climbs steeply (each mark on the axis is ten times the one below): each update moves the prediction, and the target runs
# away from it, further each time. With the other two the target stands still for a while, lets the prediction settle, then moves on: down
# they come, one small stair at a time. That is all a target network does. With more haste it learns sooner, with more patience more
# surely; DQN's 10,000 steps are patient.

# %% [markdown] exercise="04.6" points=2
# ### Exercise 04.6 · When to copy
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `update_target(step, online_weights, target_weights, period)`: the weights that the target network should hold after agent step
# `step` (1, 2, 3, ...). Weights are dicts from names to float32 arrays. Whenever `step` is a multiple of `period`, they are the online
# network's numbers, all of them at once; at any other step they are the target's own. The online network goes on learning *in place*:
# make sure that the target does not follow.
#
# With period 10, online weights `{"q/bias": [8.0]}` and target weights `{"q/bias": [2.0]}`: step 9 gives 2, step 10 gives 8, step 11 (if
# the target still holds 2) gives 2.
#
# <details><summary>Hint 1</summary><code>step % period</code> is 0 at every multiple.</details>
# <details><summary>Hint 2</summary>Returning <code>online_weights</code> would return the same arrays, and
# <code>dict(online_weights)</code> too: a new box with the same things in it.</details>
# <details><summary>Hint 3</summary><code>{name: array.copy() for name, array in online_weights.items()}</code></details>

# %% exercise="04.6"
def update_target(step, online_weights, target_weights, period):
    """The weights that the target network should hold after an agent step.

    step: 1, 2, 3, ...; period: agent steps from copy to copy; online_weights, target_weights: dicts of float32 arrays.
    Returns a dict of float32 arrays that later changes of the online network do not reach.
    """
    # SOLUTION BEGIN
    if step % period:
        return target_weights
    return {name: array.copy() for name, array in online_weights.items()}
    # SOLUTION END


# %% check="04.6"
update_target = checks.dqn.update_target(update_target)

# %% [markdown]
# ## 8 · All together
# Catch instead of Breakout, one hidden layer of 64 units instead of three convolutions and 512, and settings to match: everything else
# is DQN. A `Diary` notes down what happens; `NetworkPair` holds the two networks and an optimiser in your framework.

# %%
learning_step = {"torch": learning_step_torch, "keras": learning_step_keras}[FRAMEWORK]
MINE = replace(
    CATCH,
    total_steps=6_000,
    learning_starts=500,
    epsilon_end=0.01,
    epsilon_decay_steps=3_000,
    update_period=16,  # one update for every 16 steps ...
    batch_size=256,  # ... on 256 transitions
    learning_rate=1e-2,
    target_update_period=160,
)


def choose(networks, observation, epsilon, rng):
    """Play: one action for one observation [H, W, C]."""
    q_values = networks.q_values(observation[None])  # [1, H, W, C] -> [1, A]
    return int(epsilon_greedy(q_values, epsilon, rng)[0])


# %% [markdown]
# Read it once with the picture of the four streams in mind. You wrote what it calls: `linear_epsilon` (04.1), `epsilon_greedy` in
# `choose` (04.2), `SmallMemory` (04.3), `td_targets` (04.4) in `learning_step` (04.5), `update_target` (04.6).

# %%
def train_on_catch(config, seed=0):
    """DQN on Catch, made of this lesson's functions: (networks, diary)."""
    env, rng, diary = Catch(), np.random.default_rng(seed), live.Diary(config.total_steps)
    networks = live.NetworkPair(config, FRAMEWORK, seed)
    memory = SmallMemory(config.replay_capacity, (10, 5), history=1)
    observation, starts = env.reset(seed=seed)[0], True
    for step in range(1, config.total_steps + 1):
        epsilon = linear_epsilon(step, 1.0, config.epsilon_end, config.epsilon_decay_steps, config.learning_starts)
        action = choose(networks, observation, epsilon, rng)
        next_observation, reward, terminated, truncated, _ = env.step(action)
        memory.add(observation[..., -1], action, np.clip(reward, -1, 1), terminated, truncated, starts)
        observation, starts = next_observation, False
        if terminated or truncated:
            memory.add(observation[..., -1], 0, 0.0, False, False, False)  # where the last step led
            diary.game_over(step, reward)
            observation, starts = env.reset()[0], True
        if step >= config.learning_starts and step % config.update_period == 0:
            batch = memory.sample(config.batch_size, rng)
            loss = learning_step(networks.online, networks.target, networks.optimizer, batch, config.discount)
            weights = networks.online_weights, networks.target_weights
            networks.target_weights = update_target(step, *weights, config.target_update_period)
            diary.update(step, loss, networks)
    return networks, diary


# %% [markdown]
# Rewards are clipped to [-1, 1] on their way into the memory. In Catch that changes nothing; in Breakout a brick of the top row is worth
# 7, and one setting of the learning rate should do for every game. **Predict**, then run: by which step will it catch more balls than it
# misses?

# %% tags=["nbval-ignore-output"]
networks, diary = train_on_catch(MINE)

# %%
print("mean return of the last 100 games at least 0.9:", diary.mean_return(100) >= 0.9)

# %% [markdown]
# The blue curve crept along the dotted line of random play, as long as nearly every action was random; then it climbed, and near 4,000
# steps it came close to 1, a catch in every game. (It need not stay there: 1% of its moves are still random.) At some 2,500 steps it
# crosses 0 for good: from there on it catches more balls than it misses. Here it plays without random moves:

# %%
def best_action(observation):
    """No curiosity left: the action of highest value."""
    return networks.q_values(observation[None])[0].argmax()


figures.show_catch(best_action, games=6, alt="The trained agent catches every ball")

# %% [markdown]
# ### Three curves of one run
# The two things a run is judged by are its **score** and its **average max Q**: how good the agent thinks its best move is, averaged over
# a fixed set of observations (here all 225 boards on which Catch asks for a move). The third thing everybody looks at is the **loss**.
# **Predict** its shape before you run the cell.

# %%
diary.draw()

# %% [markdown]
# Score and average max Q climb together. The loss tells another story. It has fallen by half before the score has left -0.6 for good: the
# network predicts a hopeless game well. From then on it is a saw, with a tooth for every copy, since a copy moves all targets at once.
# **A DQN's loss does not tell whether it learns.** Average max Q does tell, though it flatters: under perfect play the mean value of all
# boards is 0.78, and the curve ends above that. A max over guesses picks whichever guess happens to be too large.

# %%
diary.draw_staircase(first=2_500, last=4_500)

# %% [markdown]
# The same run through a magnifying glass: in blue the online network's average max Q, moving with every update; in purple the target
# network's, which stands still for 160 steps and then jumps to the blue line. That is your `update_target`, seen from outside.

# %% [markdown]
# ## 9 · What can it not do without?
# The honest way to find out what a part is good for is to take it out: an **ablation**. Four runs of the library's DQN on Catch, three
# seeds each: complete; without the target network (a copy after every update); without the memory (each batch is the newest 32 steps);
# with neither.
#
# **Predict**: which of the two will be missed more?

# %%
my_guess = "target network"  # or "memory"

# %%
ABLATION = replace(MINE, batch_size=32, update_period=8, target_update_period=200)
curves = live.ablate(ABLATION, FRAMEWORK, seeds=3)
live.draw_ablations(curves, ABLATION.total_steps)

# %%
area = {name: returns.mean() for name, (returns, _) in curves.items()}  # mean return over the whole run
missed = "memory" if max(area["no memory"], area["neither"]) < area["no target network"] else "target network"
print(f"your guess: {my_guess}; missed more: {missed}")

# %% [markdown]
# Lines are means, bands reach from the worst seed to the best. Without the memory learning is slow and shaky. Without the target network
# Catch is learned about as well; but look at the right-hand side: its values swing more, and with neither part they leap: in the worst
# run to several times what anything in this game can be worth (no board is worth more than 1). Catch forgives that; Breakout less so.
# These are DeepMind's own ablations (Mnih et al. 2015, Extended Data Table 3):
#
# | Breakout, score | with target network | without |
# |---|---|---|
# | **with replay memory** | 316.8 | 240.7 |
# | **without** | 10.2 | 3.2 |
#
# There, too, it is the memory that is missed more. (Beware of one seed: a single run of "no memory" may well end near 1.)

# %% [markdown]
# ## 10 · The real thing
# Breakout, from pixels. In orange the book's published training log: 46.9 hours on a GTX 1060, one emulator, the settings of the table
# above. In blue this course's own run with the preset `FAST`, which explores for a shorter time and learns from larger batches. (The book
# calls its scores clipped, one point a brick. But its log has games of up to 356, and two walls have only 216 bricks: these must be the
# game's own score, as ours are.)

# %%
book, ours = figures.read_book(), figures.read_ours()
figures.draw_breakout_curves(book, ours)

# %%
learning = ours["mean_loss"] > 0
for name in ("mean_return", "mean_max_q", "mean_loss"):
    first, last = ours[name][learning][0], ours[name][learning][-1]
    print(f"{name:12} higher at the end of our run than when learning began: {last > first}")
first, last = book["mean_return_100"][[0, -1]]
print("the book's score at least 50 times that of its first games:", last > 50 * first)

# %% [markdown]
# Read them as you read those of Catch.
#
# - **Score**: for a long time nothing, then a slope. Noisy even as a mean of 100 games; single games swing far more.
# - **Average max Q**: rises with the score, and is far smoother. It may run ahead for a while (values that are too good to be true) and
#   come back.
# - **Loss**: up, down and up again, while the score climbs through all of it; it ends far above where it began, since there is ever more
#   to predict. Were it the only curve you had, you would stop the run. (Where it falls to nothing, the run was stopped and resumed: the
#   memory was empty again, and until it is filled nothing is learned. The score takes a step back there, too.)
#
# Every run also writes these curves for TensorBoard (`tensorboard --logdir runs` shows them), one point a game, under the book's names:
# total reward, average max Q, duration, average loss.

# %% [markdown]
# ## 11 · What the agent thinks
# A Q-value is a prediction: so much clipped reward will I still collect, discounted. Our best agent plays, and we read its mind.

# %%
path, entry = pretrained.stage_file("dqn")  # the best stage that ships with the course
learner, config = pretrained.load_learner(path, FRAMEWORK, device="cpu")
episode = play.record_episode(learner, config, seed=5, epsilon=0.01, max_steps=450)
moments = figures.telling_moments(episode)
figures.draw_values(episode, moments)

# %% [markdown]
# The line is the value of the best action, step by step. It rises as the ball nears a brick and falls when the brick has paid (a green
# dot). Before a ball is lost (a red triangle) it drops: the agent *knows* some steps ahead. (Where it drops and is up again at once, the
# paddle came just in time.) Four moments, A to D, in detail:

# %%
figures.draw_moments(episode, moments)

# %% [markdown]
# Below each screen the value of each action, the best one in orange, its number in bold. While the ball is far away, all three bars are
# much alike: whatever the paddle does now, there is time to mend it. Where they differ, the ball is near and the move matters. And when
# the ball is as good as lost, all three are low.
#
# Step through the game yourself, where a notebook is running (the pictures above stand in elsewhere):

# %% tags=["nbval-ignore-output"]
figures.show_player(episode)

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** In the corridor, why was only one entry of the table changed by the first game?
# <details><summary>Answer</summary>Every target before the exit was 0 + 0.9 × 0. Value moves back one step with each visit. A larger
# learning rate would not have helped: half of nothing or all of it is nothing.</details>
#
# **2.** Your colleague stores a lost life as `terminated = False`, since the game goes on. What does the agent learn less well?
# <details><summary>Answer</summary>To fear losing the ball: the target then promises the value of the next ball as if nothing had
# happened. True, the game goes on; but what the next ball earns is not to the credit of the move that lost this one.</details>
#
# **3.** Replay memory full, learning under way, and the loss has doubled since yesterday. Stop the run?
# <details><summary>Answer</summary>No. Where the right answers stand still, as in most of machine learning, a doubled loss would be an
# alarm. Here the targets moved, and there is more to predict. Look at the score and at average max Q.</details>
#
# **4.** Why must a batch not consist of the 32 newest steps?
# <details><summary>Answer</summary>They are correlated: nearly the same screen 32 times. The network fits that corner and forgets the
# rest. That they show the newest play does not make up for it.</details>
#
# **5.** You write `target_weights = online_weights`. Which run of section 9 have you built?
# <details><summary>Answer</summary>"No target network": an assignment copies nothing. Both names mean the same arrays, so the target
# moves with every update, as if copied after each.</details>

# %% [markdown]
# ## What to try next
# 1. **Double DQN** (van Hasselt et al. 2016): let the online network pick the next action and the target network value it: in
#    `td_targets` replace the max by `target_next_q[np.arange(len(rewards)), online_next_q.argmax(axis=1)]` and train on Catch again.
#    *Expect*: the same score, and an average max Q of about 0.82 instead of about 0.9: nearer to the true 0.78. (The check of 04.4 will
#    tell you that it noticed.)
# 2. **No curiosity**: `train_on_catch(replace(MINE, epsilon_end=0.0, epsilon_decay_steps=1))`. *Expect* a surprise: it learns *sooner*.
#    In Catch the ball falls in a random column, so the game itself shows everything there is to see. Lesson 07 has a game in which the
#    same setting is hopeless.
# 3. **A short memory**: `replace(MINE, replay_capacity=150)`, then `1_000`. *Expect*: 150 steps are too few, and the agent stays shaky;
#    with 1,000 it learns as well as with 8,000. Breakout, with its many more screens, wants hundreds of thousands.
#
# And when you have a night to spare: `course train dqn --preset fast --run runs/mine` trains DQN on Breakout itself.
#
# ## References
# - Watkins, Dayan: [Q-learning](https://link.springer.com/article/10.1007/BF00992698). Machine Learning 8, 1992.
# - Lin: [Self-improving reactive agents based on reinforcement learning, planning and
#   teaching](https://link.springer.com/article/10.1007/BF00992699). Machine Learning 8, 1992. Where replay comes from.
# - Mnih et al.: [Playing Atari with deep reinforcement learning](https://arxiv.org/abs/1312.5602). 2013.
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015.
# - van Hasselt, Guez, Silver: [Deep reinforcement learning with double Q-learning](https://arxiv.org/abs/1509.06461). AAAI 2016.
# - Osband et al.: [Behaviour suite for reinforcement learning](https://arxiv.org/abs/1908.03568). 2020. Where Catch is from.
#
# **Next**: [05 · Threads](05_threads.ipynb).
