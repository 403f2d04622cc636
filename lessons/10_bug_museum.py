# %% [markdown]
# # 10 · The bug museum
# Two observations, each of shape `(84, 84, 4)`, each `uint8`, each with the same smallest, largest and mean value. The pictures below show
# one of their four channels. One of the two is what a public agent was given after every lost ball.
#
# **Guess** before you run the next two cells: what gave it away? **A** An error message. **B** A score that stayed at zero. **C** Neither.

# %%
import course_lib
import tracemalloc

import gymnasium
import torch
import numpy as np
from torch.nn import functional as F

with course_lib.quiet():
    import keras

from course_lib import checks
from course_lib.atari import Breakout
from course_lib.figures import museum as figures
from course_lib.figures import use_course_style
from course_lib.figures.breakout import find_paddle

use_course_style()

# %%
first_guess = "A"  # or "B" or "C"
game = Breakout()
observation, _ = game.reset(seed=3)
for _ in range(14):
    observation, *_ = game.step(0)  # stay
game.close()
frame = observation[None, :, :, 3:]  # uint8 [1, 84, 84, 1], as the book's code keeps a frame
sound = np.concatenate([frame] * 4, axis=3)[0]  # [84, 84, 4]
found = np.stack([frame] * 4, axis=2).reshape(84, 84, 4)
for name, picture in (("A", found), ("B", sound)):
    print(f"{name}: shape {picture.shape}, {picture.dtype}, from {picture.min()} to {picture.max()}, mean {picture.mean():.2f}")
figures.draw_pair(found, sound)

# %% [markdown]
# Left, four thin games stand side by side, each with a quarter of the columns; right is the screen. **C** it is: nothing crashes, and since
# only the first steps of each ball are spoiled, the agent learns all the same, if not as well as it could.
#
# All nine bugs of this museum are of that kind. Eight stand in public code that people learn from, the ninth lies in wait in two libraries.
# They throw no error, and an agent that has one still learns *something*.
#
# **You will be able to**
# - write a **proof**: a short test that condemns a bug, in whatever clothes it comes, and acquits everyone else;
# - use nine tools for it: perfect predictions, one lit pixel, a count of bytes, a gradient that must be zero, ...;
# - recognise where broadcasting hides a bug, in NumPy, PyTorch and Keras alike;
# - **mend** all nine.
#
# **Minutes**: about 150, a room at a time if you like. **You need**: lessons 01, 03, 04 and 06. Rooms 6 to 8 speak of lesson 07's agent and
# explain what they need.

# %%
figures.draw_plan()

# %% [markdown]
# The plan shows the nine rooms in three rows, and in each room its exhibit and the tool that convicts it. Each room goes the same way: the
# **exhibit** (code that looks right), its **symptom** (something odd, if one looks), your **proof**, and your **mend**.
#
# ## How a proof works
# A proof is a function. It gets an implementation, the **suspect**, puts questions to it, and raises `AssertionError` exactly if the
# suspect has the bug. Otherwise it returns nothing. That is one convention for all nine rooms, and pytest's, too. Suspects get NumPy
# arrays and give NumPy arrays or numbers. Here is a suspect, a first proof of a colleague's, and the judge:

# %%
def mean_score(scores):  # the suspect
    return sum(scores) // len(scores)


def first_proof(suspect):
    assert suspect([2, 4]) == 3


def verdict(proof, suspect):
    """What the proof says of the suspect: "condemned" or "acquitted"."""
    try:
        proof(suspect)
    except AssertionError:
        return "condemned"
    return "acquitted"


# %% [markdown]
# **Predict**: what does the first proof say of the suspect, which throws the fraction away?

# %%
my_guess = "condemned"


def second_proof(suspect):
    assert suspect([1, 2]) == 1.5


print("your guess:  ", my_guess)
print("first proof: ", verdict(first_proof, mean_score))
print("second proof:", verdict(second_proof, mean_score))
print("second proof, on NumPy's mean:", verdict(second_proof, np.mean))

# %% [markdown]
# The first proof is green, and worthless: it asks where the bug does not show. Hence the museum's one rule:
#
# > **A test that has never failed proves nothing. Run it on the bug first**, then on something right.
#
# The check cells hold you to it. They try your proof on the exhibit, on the same bug in other clothes, and on right implementations that
# look different. So ask about *behaviour*, never about how the code is written.
#
# ## Room 1 · Everybody with everybody
# The book's A3C trains its value head on this loss. The returns come from a list, `[N]`; the values come from a network with one output,
# `[N, 1]`.

# %%
def exhibit_value_loss(returns, values):
    """Mean squared error. returns: float [N]; values: float [N, 1]."""
    errors = returns - values
    return (errors**2).mean()


# %% [markdown]
# **Predict**: what does it charge for *perfect* values?

# %%
my_guess = 0.0

returns = np.array([1.0, 2.0, 4.0, 5.0])  # [N]
print("your guess:", my_guess)
print("perfect values cost", exhibit_value_loss(returns, returns[:, None]))
print("four times the mean:", exhibit_value_loss(returns, np.full((4, 1), 3.0)))
print("NumPy:", (returns - returns[:, None]).shape, " torch:", tuple((torch.zeros(4) - torch.zeros(4, 1)).shape), end=" ")
print(" Keras:", tuple(keras.ops.subtract(keras.ops.zeros(4), keras.ops.zeros((4, 1))).shape))

# %% [markdown]
# Perfection costs 5, and "3 for everything" is cheaper! `[N]` minus `[N, 1]` **broadcasts** to `[N, N]`: every return minus every value, in
# both frameworks as in NumPy. Where does training lead then? Let gradient descent choose four values, freely:

# %%
def settle(loss):
    """The values [N] at which gradient descent on this loss comes to rest; slopes are measured, by a nudge to either side."""
    values, nudges = np.zeros((4, 1)), 0.01 * np.eye(4)[:, :, None]  # [N, 1], [N, N, 1]
    for _ in range(100):
        slopes = [(loss(returns, values + nudge) - loss(returns, values - nudge)) / 0.02 for nudge in nudges]
        values = values - 0.5 * np.reshape(slopes, (4, 1))
    return values[:, 0]


figures.draw_settled(returns, settle(exhibit_value_loss))

# %% [markdown]
# The orange dots are the returns, the blue line the values that were learned: all 3, the mean of the batch, whatever the state. In A3C a
# batch is a rollout, so the head learns for each state the mean return of the steps around it: a blurred value, which hardly tells the
# step before a lost ball from those before it. The policy still learns (a blurred baseline is an honest one), so the score rises, and
# nobody looks.
#
# **The tool: perfect predictions.** They must cost nothing.

# %% [markdown] exercise="10.1" points=2
# ### Exercise 10.1 · The value loss: proof and mend
# *Difficulty 2 of 5 · 2 points · about 10 minutes*
#
# **Proof**: `prove_value_loss(suspect)`. A suspect is called as `suspect(returns, values)`, with floats `[N]` and `[N, 1]`, and should
# return one number, the mean squared error: returns `[1, 2, 4]` and values `[[1], [2], [7]]` cost 3. Raise `AssertionError` (by `assert`)
# exactly if it compares returns with the values of other states, too. **Mend**: `value_loss(returns, values)`, with the same arguments,
# which returns the mean squared error, a float.
#
# <details><summary>Hint 1</summary>Which values should cost nothing? Choose returns that differ from each other, and more than
# one.</details>
# <details><summary>Hint 2</summary><code>returns[:, None]</code> are perfect values of shape [N, 1]. Compare with a tolerance, as in
# <code>abs(loss) < 1e-6</code>: other right implementations may round differently.</details>
# <details><summary>Hint 3</summary>Mend: give both one shape before you subtract. <code>values[:, 0]</code> is [N]; what remains is
# <code>((returns - ...) ** 2).mean()</code>.</details>

# %% exercise="10.1" part="proof"
def prove_value_loss(suspect):
    """Raise AssertionError exactly if suspect(returns [N], values [N, 1]) compares each return with every value."""
    # SOLUTION BEGIN
    returns = np.array([1.0, 2.0, 4.0])  # [N]
    assert abs(suspect(returns, returns[:, None])) < 1e-6, "perfect values must cost nothing"
    # SOLUTION END


# %% check="10.1" part="proof"
prove_value_loss = checks.museum.prove_value_loss(prove_value_loss)

# %% exercise="10.1" part="mend"
def value_loss(returns, values):
    """Mean squared error. returns: float [N]; values: float [N, 1]. Returns a float."""
    # SOLUTION BEGIN
    return ((returns - values[:, 0]) ** 2).mean()
    # SOLUTION END


# %% check="10.1" part="mend"
value_loss = checks.museum.value_loss(value_loss)

# %% [markdown]
# With the mend, gradient descent finds all four returns: the blue line runs through the dots.

# %%
print("mended, it settles at", settle(value_loss).round(2).tolist())
figures.draw_settled(returns, settle(value_loss))

# %% [markdown]
# ## Room 2 · One state too early
# The book's A3C again. A worker plays T steps, then asks the value head what may follow, and works backwards: $R_t = r_{t+1} + \gamma
# R_{t+1}$. Of `T + 1` values, the last belongs to the state *after* the last step.

# %%
def exhibit_returns(rewards, values, terminated, discount):
    """k-step returns [T]. rewards: float [T]; values: float [T + 1]; terminated: did the last step end the game?"""
    returns = np.zeros(len(rewards))
    following = 0.0 if terminated else values[-2]  # what the last state is worth
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following
        returns[t] = following
    return returns


# %% [markdown]
# Let us learn with it: a corridor of twelve states, one reward of 1 at the exit, rollouts of four steps, 400 passes. **Predict**: which of
# the twelve values come out wrong? None, one in four, all of them a little, or most of them altogether?

# %%
my_guess = "one in four"


def learn_corridor(returns_of):
    """Values [12] learned from rollouts of four steps; discount 0.9."""
    values = np.zeros(13)  # the last is behind the exit
    for _ in range(400):
        for start in (0, 4, 8):
            rewards, over = np.array([0.0, 0.0, 0.0, float(start == 8)]), start == 8
            targets = returns_of(rewards, values[start : start + 5], over, 0.9)
            values[start : start + 4] += 0.5 * (targets - values[start : start + 4])
    return values[:12]


print("your guess:", my_guess)
print("learned:", learn_corridor(exhibit_returns).round(2).tolist())
figures.draw_corridor(learn_corridor(exhibit_returns), 0.9 ** np.arange(11, -1, -1))

# %% [markdown]
# The last four are right (blue on orange), the first eight are exactly 0. `values[-2]` is the last state *acted in*, one too early. A
# rollout that asks *its own* last state never hears what lies beyond its end, so the news of the exit stops at the **seam** between two
# rollouts. In Breakout the seams wander, neighbouring states are worth nearly the same, and the bug is even harder to see.
#
# **The tool: values that are exactly right.** Whatever the rewards, right values are their own returns.

# %% [markdown] exercise="10.2" points=3
# ### Exercise 10.2 · k-step returns: proof and mend
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# **Proof**: `prove_k_step_returns(suspect)`, for suspects that are called as the exhibit is, `suspect(rewards, values, terminated,
# discount)` with floats `[T]` and `[T + 1]`, a bool and a float, and should return floats `[T]`. Condemn those that take the value of the
# wrong state for what follows. **Mend**: `k_step_returns` with the same arguments. Rewards `[0, 1]`, values `[3, 7, 8]`, not
# terminated, discount 0.5 give `[2.5, 5.0]`; terminated, `[0.5, 1.0]`.
#
# <details><summary>Hint 1</summary>In the corridor, a state with n steps to go before the paying one is worth 0.9 to the power n. Write
# down four neighbouring values. What are the returns of the three steps between them?</details>
# <details><summary>Hint 2</summary>With <code>values = 0.9 ** np.array([5, 4, 3, 2])</code> and three rewards of 0, not terminated, the
# returns must be <code>values[:-1]</code>: <code>np.allclose</code>. Never let all values be equal: the bug hides there.</details>
# <details><summary>Hint 3</summary>Mend: everything stays, but <code>following</code> begins with the last of the values, unless the game
# is over.</details>

# %% exercise="10.2" part="proof"
def prove_k_step_returns(suspect):
    """Raise AssertionError exactly if suspect(rewards, values, terminated, discount) bootstraps from the wrong state."""
    # SOLUTION BEGIN
    values = 0.9 ** np.array([5.0, 4.0, 3.0, 2.0])  # [T + 1]
    assert np.allclose(suspect(np.zeros(3), values, False, 0.9), values[:-1])
    # SOLUTION END


# %% check="10.2" part="proof"
prove_k_step_returns = checks.museum.prove_k_step_returns(prove_k_step_returns)

# %% exercise="10.2" part="mend"
def k_step_returns(rewards, values, terminated, discount):
    """k-step returns, float [T]. rewards: float [T]; values: float [T + 1]; terminated: did the last step end the game?"""
    # SOLUTION BEGIN
    returns = np.zeros(len(rewards))
    following = 0.0 if terminated else values[-1]
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discount * following
        returns[t] = following
    return returns
    # SOLUTION END


# %% check="10.2" part="mend"
k_step_returns = checks.museum.k_step_returns(k_step_returns)

# %%
print("mended:", learn_corridor(k_step_returns).round(2).tolist())

# %% [markdown]
# ## Room 3 · The frame that was cut up
# You have met this one in the first cell. After a lost ball the book's A3C starts its history anew: the same frame four times.

# %%
def exhibit_restart(frame):
    """A fresh history. frame: uint8 [1, 84, 84, 1]. Returns uint8 [84, 84, 4]."""
    stacked = np.stack([frame, frame, frame, frame], axis=2)
    return stacked.reshape(84, 84, 4)


# %% [markdown]
# **Predict**: light one single pixel, at row 10 and column 20, and where is the observation lit?

# %%
my_guess = [[10, 20]]

spark = np.zeros((1, 84, 84, 1), np.uint8)
spark[0, 10, 20, 0] = 255
lit = np.argwhere(exhibit_restart(spark))
print("your guess:", my_guess)
print("lit (row, column, channel):", lit.tolist())
figures.draw_lit(lit, (10, 20))

# %% [markdown]
# Four lit places in a row (orange), none of them where the pixel was (blue), and each in one channel only. The shape, the sum, the
# brightest pixel: all as they should be.
#
# `np.stack` along axis 2 makes a new axis *between* rows and columns: `[1, 84, 4, 84, 1]`. That holds as many numbers as `[84, 84, 4]`,
# so `reshape` is content, and deals them out anew in the order in which they lie in memory. (`torch.reshape` and `keras.ops.reshape`
# do the same. To *move* an axis there is `moveaxis`, in all three.)
#
# **The tool: one lit pixel.** It tells where every number goes.

# %% [markdown] exercise="10.3" points=2
# ### Exercise 10.3 · A fresh history: proof and mend
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# **Proof**: `prove_restart_history(suspect)`; `suspect(frame)` gets uint8 `[1, 84, 84, 1]` and should return uint8 `[84, 84, 4]`, the frame
# in each channel. Condemn those that move pixels. Beware: one of the innocents uses `reshape` too, and does it right. **Mend**:
# `restart_history(frame)`, a new array. A frame lit at `[0, 10, 20, 0]` gives an observation lit at `[10, 20, 0]` to `[10, 20, 3]` and nowhere
# else.
#
# <details><summary>Hint 1</summary>Make the spark of the cell above inside your proof, and say where it must be seen.</details>
# <details><summary>Hint 2</summary><code>assert (suspect(spark)[10, 20] == 255).all()</code> looks at all four channels of that
# pixel.</details>
# <details><summary>Hint 3</summary>Mend: the frame has a channel axis already, the last one. Join four frames along it
# (<code>np.concatenate</code> with <code>axis=-1</code>), then drop the leading axis with <code>[0]</code>.</details>

# %% exercise="10.3" part="proof"
def prove_restart_history(suspect):
    """Raise AssertionError exactly if suspect(frame), uint8 [1, 84, 84, 1] -> [84, 84, 4], moves pixels."""
    # SOLUTION BEGIN
    spark = np.zeros((1, 84, 84, 1), np.uint8)
    spark[0, 10, 20, 0] = 255
    assert (suspect(spark)[10, 20] == 255).all()
    # SOLUTION END


# %% check="10.3" part="proof"
prove_restart_history = checks.museum.prove_restart_history(prove_restart_history)

# %% exercise="10.3" part="mend"
def restart_history(frame):
    """The frame four times. frame: uint8 [1, 84, 84, 1]. Returns a new uint8 array [84, 84, 4]."""
    # SOLUTION BEGIN
    return np.concatenate([frame] * 4, axis=-1)[0]
    # SOLUTION END


# %% check="10.3" part="mend"
restart_history = checks.museum.restart_history(restart_history)

# %% [markdown]
# ## Room 4 · A memory that keeps everything eight times
# The book's DQN stores, for each transition, the stack of four frames before it and the stack of four frames after it. In our words:

# %%
class ExhibitMemory:
    """The last `capacity` frames of play as transitions."""

    def __init__(self, capacity):
        self.observations = np.zeros((capacity, 84, 84, 4), np.uint8)
        self.next_observations = np.zeros((capacity, 84, 84, 4), np.uint8)
        self.count = 0

    def add(self, frame, starts):
        stack = np.repeat(frame[:, :, None], 4, axis=2)  # [84, 84, 4]
        if not starts:
            stack[:, :, :3] = self.observations[self.count - 1, :, :, 1:]
            self.next_observations[self.count - 1] = stack
        self.observations[self.count] = stack
        self.count += 1

    def transition(self, t):
        return self.observations[t], self.next_observations[t]


# %% [markdown]
# It does what it says, so no test of its answers can find anything. What can? Python's `tracemalloc` counts the bytes that are really held:

# %%
def bytes_held(make_memory, frames):
    """Bytes that a memory of so many frames holds when it is full."""
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        memory = make_memory(frames)
        for t in range(frames):
            memory.add(rng.integers(0, 256, (84, 84), dtype=np.uint8), t == 0)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


# %% [markdown]
# Each step of play brings **one** new frame, 84 x 84 = 7,056 bytes. **Predict**: how many frames' worth does the exhibit hold for it?

# %%
my_guess = 4

for frames in (30, 60, 120):
    print(f"{frames:3} frames held as {bytes_held(ExhibitMemory, frames) / 7056:.0f}")
growth = (bytes_held(ExhibitMemory, 60) - bytes_held(ExhibitMemory, 30)) / 30
print(f"your guess: {my_guess}; measured: {growth / 7056:.0f} for each new one, {400_000 * growth / 1e9:.1f} GB for the book's 400,000")

# %% [markdown]
# Every frame stands in four stacks before and in four stacks after: 8 x 7,056 = 56,448 bytes. The run does not crash in a test; it crashes
# at night, when the memory has filled. (Should two neighbours *share* an array, as lists of Python objects can, it is half of that. So
# measure, and believe no formula.)
#
# **The tool: a count of bytes**, and not one but two: some memories keep spare room, once. The *growth* between two sizes is what a
# transition costs.

# %% [markdown] exercise="10.4" points=4
# ### Exercise 10.4 · A memory of frames: proof and mend
# *Difficulty 4 of 5 · 4 points · about 20 minutes*
#
# **Proof**: `prove_frame_memory(suspect)`; a suspect is a class as above: `suspect(capacity)` makes a memory. Condemn those that hold two
# frames or more for each new one (room for a few flags is granted), acquit the others, spare room or not.
#
# **Mend**: the class `FrameMemory`, which keeps each frame once. `add(frame, starts)` gets uint8 `[84, 84]` and whether it opens a game; at
# most `capacity` frames come. `transition(t)` returns two stacks uint8 `[84, 84, 4]`, newest last: what was seen at frame t, and one frame
# later (t is never a game's last frame). A game's first frame stands in for those before it: with frames 10, 11, 12 of one game,
# `transition(1)` holds `10, 10, 10, 11` and `10, 10, 11, 12`. Copy what you keep: the emulator hands over the same array again and again,
# with a new picture in it.
#
# <details><summary>Hint 1</summary>Proof: the line with <code>growth</code> in the cell above is nearly all of it. Ask about
# <code>suspect</code>, and assert something about the growth.</details>
# <details><summary>Hint 2</summary>Mend: keep <code>frames</code> [capacity, 84, 84], <code>starts</code> [capacity] and a count. In
# <code>transition</code> you need the five frames t - 3 to t + 1, but none before the game's first, which is the last place up to t where
# <code>starts</code> is true.</details>
# <details><summary>Hint 3</summary><code>first = np.flatnonzero(self.starts[:t + 1])[-1]</code>, then <code>five =
# self.frames[np.maximum(np.arange(t - 3, t + 2), first)]</code>, its first axis moved last. The stacks are <code>five[..., :4]</code> and
# <code>five[..., 1:]</code>.</details>

# %% exercise="10.4" part="proof"
def prove_frame_memory(suspect):
    """Raise AssertionError exactly if memories made by suspect(capacity) hold two frames or more for each new one."""
    # SOLUTION BEGIN
    growth = (bytes_held(suspect, 60) - bytes_held(suspect, 30)) / 30
    assert growth < 2 * 84 * 84
    # SOLUTION END


# %% check="10.4" part="proof"
prove_frame_memory = checks.museum.prove_frame_memory(prove_frame_memory)

# %% exercise="10.4" part="mend"
class FrameMemory:
    """Up to `capacity` frames, each kept once; stacks are built when they are asked for."""

    def __init__(self, capacity):
        # SOLUTION BEGIN
        self.frames = np.zeros((capacity, 84, 84), np.uint8)
        self.starts = np.zeros(capacity, bool)
        self.count = 0
        # SOLUTION END

    def add(self, frame, starts):
        """frame: uint8 [84, 84]; starts: does it open a game?"""
        # SOLUTION BEGIN
        self.frames[self.count], self.starts[self.count] = frame, starts
        self.count += 1
        # SOLUTION END

    def transition(self, t):
        """What was seen at frame t and at frame t + 1: two arrays uint8 [84, 84, 4]."""
        # SOLUTION BEGIN
        first = np.flatnonzero(self.starts[: t + 1])[-1]
        five = self.frames[np.maximum(np.arange(t - 3, t + 2), first)]  # [5, 84, 84]
        five = np.moveaxis(five, 0, -1)  # [84, 84, 5]
        return five[..., :4], five[..., 1:]
        # SOLUTION END


# %% check="10.4" part="mend"
FrameMemory = checks.museum.frame_memory(FrameMemory)

# %% [markdown]
# ## Room 5 · Left is right
# A small one. A comment in the book's code explains the emulator's numbers: 2 moves left, 3 moves right (you met it in lesson 01). A
# colleague believes it, and builds a keyboard on it.

# %%
exhibit_table = {"right": 3, "left": 2}

# %% [markdown]
# An agent does not mind: it learns what *its* numbers do. People mind. Whoever mirrors screens to get more training data, steers by hand,
# or reads "the agent prefers left" off a curve, is wrong without ever being told.
#
# **Predict**: sent 2 four times, how far does the paddle move? The helper reads the paddle's column off the screen, before and after.

# %%
my_guess = -20  # columns; negative is to the left

env = gymnasium.make("BreakoutDeterministic-v4")


def paddle_shift(number):
    """How far the paddle moves if the emulator is sent this number four times: columns, positive to the right."""
    before, _ = env.reset(seed=0)
    for _ in range(4):
        after, *_ = env.step(int(number))
    return float(find_paddle(after)[1] - find_paddle(before)[1])


print("your guess for 2:", my_guess)
print("measured:", {number: paddle_shift(number) for number in range(4)})

# %% [markdown]
# 2 goes right until the wall stops it, 3 goes left. **The tool: the thing itself.** A comment cannot be run.

# %% [markdown] exercise="10.5" points=1
# ### Exercise 10.5 · A table of actions: proof and mend
# *Difficulty 1 of 5 · 1 point · about 8 minutes*
#
# **Proof**: `prove_action_table(suspect)`. Here a suspect is a dictionary such as the exhibit; it may have a `"stay"` as well. Condemn it
# exactly if its `"right"` does not move the paddle right or its `"left"` does not move it left. Measure: a proof that compares with 2 and 3
# is right as well, but no better than the next comment.
#
# **Mend**: not `{"right": 2, "left": 3}`, for then the next game needs a comment again. Write `action_table(numbers, paddle_shift)`, which
# *finds* the table by experiment: `numbers` is a list of the numbers there are, `paddle_shift(number)` measures as above. Where 5, 7 and 11
# move the paddle by 24.0, -24.0 and 0.0, it returns `{"right": 5, "left": 7}`. Take those that move it farthest.
#
# <details><summary>Hint 1</summary>Proof: ask <code>paddle_shift</code> about both entries; each has a sign that it must have.</details>
# <details><summary>Hint 2</summary><code>assert paddle_shift(suspect["right"]) > 0</code>, and the other one accordingly.</details>
# <details><summary>Hint 3</summary>Mend: <code>max(numbers, key=paddle_shift)</code> is the number that moves the paddle farthest to the
# right.</details>

# %% exercise="10.5" part="proof"
def prove_action_table(suspect):
    """Raise AssertionError exactly if suspect["right"] or suspect["left"] sends the paddle elsewhere."""
    # SOLUTION BEGIN
    assert paddle_shift(suspect["right"]) > 0 > paddle_shift(suspect["left"])
    # SOLUTION END


# %% check="10.5" part="proof"
prove_action_table = checks.museum.prove_action_table(prove_action_table)

# %% exercise="10.5" part="mend"
def action_table(numbers, paddle_shift):
    """{"right": ..., "left": ...}, found by experiment. numbers: list of ints; paddle_shift: function, int -> float."""
    # SOLUTION BEGIN
    return {"right": max(numbers, key=paddle_shift), "left": min(numbers, key=paddle_shift)}
    # SOLUTION END


# %% check="10.5" part="mend"
action_table = checks.museum.action_table(action_table)

# %% [markdown]
# ## Room 6 · The mask that cancels
# Bootstrapped DQN (lesson 07) has several **heads**, each with Q-values of its own, and each learns from a different part of the memory. A
# **mask** bit says whether a head may learn from a sample. The heads are worth having only as far as they disagree, and the masks keep them
# different.
#
# A code review's Bootstrapped DQN has this loss. A head's losses are a column, its mask bits are not:

# %%
def exhibit_masked_mean(losses, mask):
    """Mean loss of the samples that count. losses: float [B, 1]; mask: float [B], 0 or 1."""
    masked = losses * mask
    return masked.sum() / mask.sum()


# %% [markdown]
# **Predict**: losses 1, 5 and 3. What is the masked mean if the first and the third count, and what if only the third does?

# %%
my_guess = (2.0, 3.0)

losses = np.array([[1.0], [5.0], [3.0]])  # [B, 1]
for mask in ([1, 0, 1], [0, 0, 1], [1, 1, 1]):
    print(f"mask {mask}: {exhibit_masked_mean(losses, np.array(mask, float))}")
print("your guess:", my_guess)

# %% [markdown]
# Nine, whatever the mask. `[B, 1]` times `[B]` is the table of all pairs again, with the sum $\sum_i \ell_i \cdot \sum_j m_j$; divided by
# $\sum_j m_j$, the mask **cancels exactly**. What remains is the sum of all losses. Every head trains on everything.
#
# What a sample teaches is its gradient. Here are the gradients of five samples' predictions, first with a loop that is right, then with the
# exhibit:

# %%
def pulls(masked_mean):
    """How hard each of five samples pulls at its own prediction, float [5]; the second and the fourth are masked."""
    predictions = torch.tensor([[1.0], [2.0], [1.5], [2.5], [0.5]], requires_grad=True)  # [B, 1]
    mask = torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0])
    masked_mean(0.5 * predictions**2, mask).backward()
    return predictions.grad.numpy()[:, 0]


def by_loop(losses, mask):
    return sum(losses[b, 0] for b in range(5) if mask[b]) / mask.sum()


figures.draw_pulls({"a loop": pulls(by_loop), "the exhibit": pulls(exhibit_masked_mean)}, masked=(1, 3))

# %% [markdown]
# Left, the two masked samples (red) do not pull at all. Right, they pull as everyone does, and as nothing is divided by the count any more,
# all pull three times as hard.
#
# **The tool: a sample that must have no say.** Shout through it, and the loss must not change.

# %% [markdown] exercise="10.6" points=2
# ### Exercise 10.6 · The masked mean: proof and mend
# *Difficulty 2 of 5 · 2 points · about 10 minutes*
#
# **Proof**: `prove_masked_mean(suspect)`; `suspect(losses, mask)` gets floats `[B, 1]` and `[B]` (0 or 1, at least one 1) and should
# return the mean of the losses whose bit is 1. **Mend**: `masked_mean(losses, mask)`. Losses `[[1], [5], [3]]` and mask `[1, 0, 1]` give
# 2.
#
# <details><summary>Hint 1</summary>Ask twice, and change one loss in between. Which one must not matter?</details>
# <details><summary>Hint 2</summary>With mask <code>[1, 0, 1]</code>, the losses <code>[[1], [5], [3]]</code> and <code>[[1], [500],
# [3]]</code> must give the same: assert it with <code>np.isclose</code>.</details>
# <details><summary>Hint 3</summary>Mend: one shape for both, <code>losses[:, 0] * mask</code>. Divide the sum by the number that
# count.</details>

# %% exercise="10.6" part="proof"
def prove_masked_mean(suspect):
    """Raise AssertionError exactly if masked samples have a say in suspect(losses [B, 1], mask [B])."""
    # SOLUTION BEGIN
    mask = np.array([1.0, 0.0, 1.0])
    calm, shouting = np.array([[1.0], [5.0], [3.0]]), np.array([[1.0], [500.0], [3.0]])
    assert np.isclose(suspect(calm, mask), suspect(shouting, mask))
    # SOLUTION END


# %% check="10.6" part="proof"
prove_masked_mean = checks.museum.prove_masked_mean(prove_masked_mean)

# %% exercise="10.6" part="mend"
def masked_mean(losses, mask):
    """Mean loss of the samples that count. losses: float [B, 1]; mask: float [B], 0 or 1, not all 0. Returns a float."""
    # SOLUTION BEGIN
    return (losses[:, 0] * mask).sum() / mask.sum()
    # SOLUTION END


# %% check="10.6" part="mend"
masked_mean = checks.museum.masked_mean(masked_mean)

# %% [markdown]
# ## Room 7 · The mean that came first
# Another public Bootstrapped DQN, other hands, other code. Its shapes are right, all K heads at once:

# %%
def exhibit_head_losses(errors, masks):
    """One loss for each head, [K]. errors: float [B, K]; masks: float [B, K], 0 or 1."""
    loss = (0.5 * errors**2).mean(axis=0)  # [K]
    weights = masks / masks.sum(axis=0)  # [B, K], each column sums to 1
    return (loss * weights).sum(axis=0)  # [K]


# %% [markdown]
# **Predict**: two heads see the same two errors, 1 and 3. The first head may learn from the 1 only, the second from the 3 only. Right would
# be 0.5 and 4.5. What does the exhibit say?

# %%
my_guess = [0.5, 4.5]

errors = np.array([[1.0, 1.0], [3.0, 3.0]])  # [B, K]
print("your guess:", my_guess)
print("the exhibit:", exhibit_head_losses(errors, np.eye(2)).tolist())

# %% [markdown]
# Both heads 2.5, the mean of everything. The loss was **reduced before it was masked**: `loss` no longer knows the samples, and weights
# that sum to 1 leave it as it is. Frameworks invite this: their losses take the mean unless one asks for `reduction="none"`.
#
# And there is a second bug in the same line. **Predict**: what does a head get that no sample counts for?

# %%
my_guess = 0.0

with np.errstate(invalid="ignore"):
    print("your guess:", my_guess, "- the exhibit:", exhibit_head_losses(errors, np.array([[1.0, 0.0], [1.0, 0.0]])).tolist())

# %% [markdown]
# NaN: zero divided by zero. One NaN in one head's loss is a NaN in every weight of the shared core after a single step. With a batch of 32
# and mask bits that are 1 half of the time it never happens in a test; with bits that are rarely 1 it does, some night.
#
# **The tool: a gradient that must be exactly zero.** Without a framework: nudge an error whose bit is 0, and compare with `==`, not
# "nearly".

# %% [markdown] exercise="10.7" points=3
# ### Exercise 10.7 · A loss for each head: proof and mend
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# **Proof**: `prove_head_losses(suspect)`; `suspect(errors, masks)` gets floats `[B, K]` twice and should return `[K]`: for each head the
# mean of $\frac12 e^2$ over its own samples, 0 where it has none. Condemn those in which masked errors have a say. **Mend**:
# `head_losses(errors, masks)`. Errors `[[1, 2, 4], [3, 6, 8]]` with masks `[[1, 1, 0], [0, 1, 0]]` give `[0.5, 10.0, 0.0]`.
#
# <details><summary>Hint 1</summary>The last room's tool, sharpened. Give each head one bit 1 and one bit 0, and nudge only where the bit is
# 0.</details>
# <details><summary>Hint 2</summary>With <code>masks = np.eye(2)</code> the entries off the diagonal are masked: compare
# <code>suspect(errors, masks)</code> with <code>suspect(errors + 1 - masks, masks)</code>, by <code>np.array_equal</code>.</details>
# <details><summary>Hint 3</summary>Mend: mask each loss, <i>then</i> sum over axis 0, then divide by
# <code>np.maximum(masks.sum(axis=0), 1)</code>: where no sample counts, 0 is divided by 1.</details>

# %% exercise="10.7" part="proof"
def prove_head_losses(suspect):
    """Raise AssertionError exactly if masked errors have a say in suspect(errors [B, K], masks [B, K])."""
    # SOLUTION BEGIN
    errors, masks = np.array([[1.0, 1.0], [3.0, 3.0]]), np.eye(2)
    assert np.array_equal(suspect(errors, masks), suspect(errors + 1 - masks, masks))
    # SOLUTION END


# %% check="10.7" part="proof"
prove_head_losses = checks.museum.prove_head_losses(prove_head_losses)

# %% exercise="10.7" part="mend"
def head_losses(errors, masks):
    """Mean of half the squared errors that count, for each head; 0 where none does. float [B, K] twice -> float [K]."""
    # SOLUTION BEGIN
    losses = 0.5 * errors**2 * masks  # [B, K]
    return losses.sum(axis=0) / np.maximum(masks.sum(axis=0), 1)  # [K]
    # SOLUTION END


# %% check="10.7" part="mend"
head_losses = checks.museum.head_losses(head_losses)

# %% [markdown]
# ## Room 8 · The target that runs along
# The code review's Bootstrapped DQN has a target network, copies to it every 10,000 steps, and even *acts* with it. Its targets, in our
# words:

# %%
def exhibit_targets(rewards, terminated, next_online, next_target, discount):
    """TD targets [B]. rewards: float [B]; terminated: bool [B]; next_online, next_target: both networks' Q-values there, [B, A]."""
    best = next_online.max(axis=1)  # [B]
    return rewards + discount * ~terminated * best


# %% [markdown]
# **Predict**: follow the target of *one* transition through 100 updates, with a copy every 25. How often does it change? (Right would be
# three times.)

# %%
my_guess = 3


def follow_target(targets_of):
    """One transition's target at each of 100 updates; both states share a weight, so learning one moves the other."""
    online = target = 0.0
    history = []
    for update in range(100):
        aim = targets_of(np.array([1.0]), np.array([False]), np.array([[0.9 * online]]), np.array([[0.9 * target]]), 0.99)[0]
        history.append(aim)
        online += 0.1 * (aim - online)
        if update % 25 == 24:
            target = online
    return np.array(history)


moving = follow_target(exhibit_targets)
print("your guess:", my_guess, "- changes:", np.count_nonzero(np.diff(moving)))
figures.draw_targets({"the exhibit's target": moving}, every=25)

# %% [markdown]
# It moves with every single update: the orange curve climbs all the time, and nothing happens at the dashed lines, where a copy is made.
# The exhibit gets both networks' values and asks the **online** one; in a program of a thousand lines nobody misses the other. Each step
# towards the target pushes the target on: the chase that lesson 04 stopped with a target network. (`torch.no_grad()` and Keras's
# `stop_gradient` do not help. They stop the gradient, not the target.)
#
# **The tool: move one input at a time.** Another online network: the target must not move. Another target network: it must.

# %% [markdown] exercise="10.8" points=2
# ### Exercise 10.8 · TD targets: proof and mend
# *Difficulty 2 of 5 · 2 points · about 10 minutes*
#
# **Proof**: `prove_td_targets(suspect)`, for suspects that are called as the exhibit is and should return $r + \gamma \max_a
# Q_\text{target}(s', a)$, or $r$ alone where terminated. Condemn those that listen to the online network, and those that do not listen to
# the target network. **Mend**: `td_targets` with the same arguments. Reward 1, not terminated, online values `[8, 0]`, target values `[2,
# 4]`, discount 0.5: the target is 3.
#
# (Double DQN lets the online network *choose* the action on purpose. It would need another proof: the online network may decide which of
# the target network's values is taken, and nothing else.)
#
# <details><summary>Hint 1</summary>One transition that goes on is enough. Call the suspect three times: once as it is, once with other
# online values, once with other target values.</details>
# <details><summary>Hint 2</summary>Use a low and a high pair, <code>[[2.0, 4.0]]</code> and <code>[[20.0, 40.0]]</code>, and try the online
# network <i>upwards</i>: some suspects follow it in one direction only. Then two asserts, one with ==, one with !=.</details>
# <details><summary>Hint 3</summary>Mend: one name changes. The maximum is taken of <code>next_target</code>, over axis 1.</details>

# %% exercise="10.8" part="proof"
def prove_td_targets(suspect):
    """Raise AssertionError exactly if the targets move with next_online, or fail to move with next_target."""
    # SOLUTION BEGIN
    reward, going_on = np.array([1.0]), np.array([False])
    low, high = np.array([[2.0, 4.0]]), np.array([[20.0, 40.0]])  # [B, A]
    before = suspect(reward, going_on, low, low, 0.5)
    assert suspect(reward, going_on, high, low, 0.5) == before
    assert suspect(reward, going_on, low, high, 0.5) != before
    # SOLUTION END


# %% check="10.8" part="proof"
prove_td_targets = checks.museum.prove_td_targets(prove_td_targets)

# %% exercise="10.8" part="mend"
def td_targets(rewards, terminated, next_online, next_target, discount):
    """TD targets, float [B]. rewards: float [B]; terminated: bool [B]; next_online, next_target: float [B, A]."""
    # SOLUTION BEGIN
    best = next_target.max(axis=1)  # [B]
    return rewards + discount * ~terminated * best
    # SOLUTION END


# %% check="10.8" part="mend"
td_targets = checks.museum.td_targets(td_targets)

# %% [markdown]
# With the mend the blue target stands still between two copies: a flight of stairs, and something that one can aim at. (The orange one
# climbs faster, too: with a single weight the chase does no harm. In a network, where everything shares weights with everything, the same
# feedback can make Q-values run away. So a quick look at a small task would even have *praised* the bug.)

# %%
standing = follow_target(td_targets)
print("changes, mended:", np.count_nonzero(np.diff(standing)))
figures.draw_targets({"the exhibit's target": moving, "yours": standing}, every=25)

# %% [markdown]
# ## Room 9 · Two libraries and one name
# The last two exhibits are not wrong at all. They are two well-made libraries, and what they call by nearly the same name is not the same.
# Lesson 03 met both; here they stand as suspects. Each should give **one** Huber loss for **each** error.

# %%
def exhibit_torch(errors, delta):
    """errors: float32 array, any shape. Should return Huber losses of the same shape."""
    return F.smooth_l1_loss(torch.tensor(errors), torch.zeros(errors.shape), beta=delta, reduction="none").numpy()


def exhibit_keras(errors, delta):
    loss = keras.losses.Huber(delta=delta, reduction="none")
    return np.asarray(loss(np.zeros_like(errors), errors))


# %% [markdown]
# **Predict**: errors 1 and 3 of two heads, delta 2. Right is `[[0.5, 4.0]]`. What do the two say?

# %%
my_guesses = [[[0.5, 4.0]], [[0.5, 4.0]]]  # torch, Keras

errors = np.array([[1.0, 3.0]], np.float32)  # [B, K]
print("your guesses:", my_guesses)
for name, suspect in (("torch", exhibit_torch), ("Keras", exhibit_keras)):
    print(f"{name}: {suspect(errors, 2.0).tolist()}, at delta 1: {suspect(errors, 1.0).tolist()}")

# %% [markdown]
# torch's `beta` is not delta: smooth L1 is Huber's loss **divided by** delta, half of it here, and the same only at 1. Keras's `Huber`
# averages the **last axis** even with `reduction="none"`: two errors in, one number out.
#
# That is where masks die. Give it a row, one head's errors `[B]`, and a single number comes back, which fits every mask. The first sample
# counts, the second does not:

# %%
mask, row = np.array([1.0, 0.0]), np.array([1.0, 3.0], np.float32)  # [B], [B]
print("right:", (np.array([0.5, 4.0]) * mask).tolist())
print("Keras:", (exhibit_keras(row, 2.0) * mask).tolist())

# %% [markdown]
# 2.25 instead of 0.5: the head learns from the 3 that it must not see, and the shapes fit, by broadcasting. Room 7 all over, and this time
# nobody even wrote `mean`.
#
# **The tool: a shape and one number**, off the one delta at which everything agrees.

# %% [markdown] exercise="10.9" points=2
# ### Exercise 10.9 · One Huber loss for each error: proof and mend
# *Difficulty 2 of 5 · 2 points · about 10 minutes*
#
# **Proof**: `prove_huber(suspect)`; `suspect(errors, delta)` gets float32 errors of any shape, such as `[B, K]`, and should return an
# array of that shape: $\frac12 e^2$ where $|e| \le \delta$, and $\delta\,(|e| - \frac12\delta)$ beyond. Condemn both exhibits and their
# relatives. **Mend**: `huber(errors, delta)`, with NumPy or out of either library. Errors `[[1, -3]]` with delta 2 give `[[0.5, 4.0]]`.
#
# <details><summary>Hint 1</summary>Which delta must you not ask with? And how many errors must stand in a row, so that their mean is not
# each of them?</details>
# <details><summary>Hint 2</summary>Two asserts for <code>errors = np.array([[1, 3]], np.float32)</code> and delta 2, in this order: the
# shape (<code>np.shape</code>), then the numbers (<code>np.allclose</code>).</details>
# <details><summary>Hint 3</summary>Mend: <code>np.where(size <= delta, ..., ...)</code> with <code>size = np.abs(errors)</code> and the two
# formulas above; or torch's <code>F.huber_loss</code> with <code>delta</code> and <code>reduction="none"</code>; or Keras's Huber on
# <code>errors[..., None]</code>, whose last axis has one entry. <code>np.asarray</code> makes an array of what the libraries
# return.</details>

# %% exercise="10.9" part="proof"
def prove_huber(suspect):
    """Raise AssertionError exactly if suspect(errors, delta) is not Huber's loss of each single error."""
    # SOLUTION BEGIN
    losses = suspect(np.array([[1.0, 3.0]], np.float32), 2.0)
    assert np.shape(losses) == (1, 2)
    assert np.allclose(losses, [[0.5, 4.0]])
    # SOLUTION END


# %% check="10.9" part="proof"
prove_huber = checks.museum.prove_huber(prove_huber)

# %% exercise="10.9" part="mend"
def huber(errors, delta):
    """Huber's loss of each error. errors: float array, any shape; delta: float. Returns a float array of the same shape."""
    # SOLUTION BEGIN
    size = np.abs(errors)
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    # SOLUTION END


# %% check="10.9" part="mend"
huber = checks.museum.huber(huber)

# %% [markdown]
# ## The verdicts
# Your proofs, once more, on all exhibits as they were found and on your mends. **Predict** the picture: how many entries of each kind?

# %%
cases = [
    (prove_value_loss, exhibit_value_loss, value_loss),
    (prove_k_step_returns, exhibit_returns, k_step_returns),
    (prove_restart_history, exhibit_restart, restart_history),
    (prove_frame_memory, ExhibitMemory, FrameMemory),
    (prove_action_table, exhibit_table, action_table([0, 1, 2, 3], paddle_shift)),
    (prove_masked_mean, exhibit_masked_mean, masked_mean),
    (prove_head_losses, exhibit_head_losses, head_losses),
    (prove_td_targets, exhibit_targets, td_targets),
    (prove_huber, exhibit_torch, huber),
]
of_exhibits = [verdict(proof, exhibit) for proof, exhibit, _ in cases]
of_mends = [verdict(proof, mend) for proof, _, mend in cases]
env.close()
print("exhibits condemned:", of_exhibits.count("condemned"), "- mends acquitted:", of_mends.count("acquitted"))
figures.draw_verdicts(of_exhibits, of_mends)

# %% [markdown]
# Each row is a room: the bug, the tool that found it, the verdict on the exhibit (red where condemned) and on your mend (green where
# acquitted). Nine and nine, if all went well.
#
# Look down the column of tools once more. None is clever, most are one line, and none needs a training run. In four of the nine rooms
# **broadcasting** makes the wrong thing fit (1, 6, 7, 9), two are about **which one** of two similar things (2, 8), two about what nobody
# looks at (3, 4), and one about a comment (5). What they share is this: **the program ran**.

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** A colleague tests the masked loss with a batch of one and finds nothing. Why could she not?
# <details><summary>Answer</summary>With B = 1 the table of all pairs, [1, 1], is the right answer. Choose sizes that all differ, and none
# of them 1: B = 3, K = 5, A = 4. Then a wrong axis is a wrong shape.</details>
#
# **2.** Why does the proof of room 7 compare with <code>array_equal</code>, and that of room 1 with a tolerance?
# <details><summary>Answer</summary>A masked sample is multiplied by 0, and 0 times anything finite is exactly 0, so nothing may change, not
# in the last digit. The loss of room 1 is computed, in whatever order, and order rounds.</details>
#
# **3.** The rewards of your test are all 1, and so the right values are all equal. Which room's bug do you miss?
# <details><summary>Answer</summary>Room 2's. The value of the last state and that of the state after are the same then, and it does not
# matter which one is taken. A test wants inputs on which neighbours differ.</details>
#
# **4.** Your agent has room 1's bug and its score rises all the same. How is that possible?
# <details><summary>Answer</summary>Its value head learns the mean return of whole rollouts instead of each state's own. That is a baseline
# still: whatever depends on the state alone does not bias the policy's gradient, a poor baseline only leaves more noise in it. Learning
# gets slower at most, which is why scores do not reveal it.</details>
#
# **5.** Your new proof acquits everything, today and always. What do you know?
# <details><summary>Answer</summary>Nothing. Break the code on purpose, in the way that you fear, and see the proof fail. This course does
# the same with its own checks: each message has wrong answers that must draw it.</details>

# %% [markdown]
# ## What to try next
# - **Put a bug back.** Use room 1's loss in lesson 06's agent on Catch. *Expect*: the score rises as before, and even the values look
#   sound, about 0.9 in most states with the right loss and with this one: in Catch a whole rollout is worth nearly the same. Now ask your
#   proof.
# - **Proofs by the dozen.** Let your proof of room 6 ask 100 times, with losses and masks drawn at random and B from 1 to 8: one masked
#   sample shouts, and nothing may change. *Expect*: the exhibit gets away only where no sample is masked, as always with B = 1; your mend
#   gets away each time. (The library *hypothesis* does this with taste.)
# - **Your own museum.** Take the last bug that cost you a day. Write the exhibit in ten lines, find the cheapest tool that convicts it, and
#   try the proof on the bug first. *Expect*: the proof is shorter than the day.

# %% [markdown]
# ## References
# - Mnih et al.: [Asynchronous methods for deep reinforcement learning](https://arxiv.org/abs/1602.01783). ICML 2016. What rooms 1 and 2 should
#   compute (algorithm S3).
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015. The
#   target network and the memory.
# - Osband, Blundell, Pritzel, Van Roy: [Deep exploration via Bootstrapped DQN](https://arxiv.org/abs/1602.04621). NIPS 2016. Heads and masks.
# - Van Hasselt, Guez, Silver: [Deep reinforcement learning with double Q-learning](https://arxiv.org/abs/1509.06461). AAAI 2016. Two networks
#   for one target.
# - Irpan: [Deep reinforcement learning doesn't work yet](https://www.alexirpan.com/2018/02/14/rl-hard.html). 2018. Schulman: [Nuts and bolts of
#   deep RL research](http://joschu.net/docs/nuts-and-bolts.pdf). 2016. Why such bugs hide so well.
# - Documentation: [NumPy's broadcasting](https://numpy.org/doc/stable/user/basics.broadcasting.html),
#   [tracemalloc](https://docs.python.org/3/library/tracemalloc.html), [torch
#   SmoothL1Loss](https://docs.pytorch.org/docs/stable/generated/torch.nn.SmoothL1Loss.html), [Keras regression
#   losses](https://keras.io/api/losses/regression_losses/).
#
# **That was the last lesson.** Which bricks are still standing? The map in [00 · Start here](00_start_here.ipynb) shows it.
