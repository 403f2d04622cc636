# %% [markdown]
# # 01 · Breakout and its pixels
# Here is a player that presses buttons at random, for thirty steps: two seconds of play. Run the next two cells with code and watch. Then
# guess: **how many points does such a player make in a whole game?**
#
# **You will be able to**
# - say what an agent is given and what it is asked for;
# - turn a screen of 100,800 numbers into 7,056, in two ways;
# - show why one frame is not enough;
# - keep a million steps in 7 GB instead of 806.
#
# **Minutes**: about 90. **You need**: lesson 00, and NumPy arrays (shape, dtype, slices).

# %%
from collections import defaultdict

import cv2
import gymnasium
import numpy as np

from course_lib import checks  # course_lib registers BreakoutDeterministic-v4 with gymnasium
from course_lib.atari import Breakout
from course_lib.figures import breakout as figures
from course_lib.figures import use_course_style
from course_lib.play import show_video
from course_lib.replay import ReplayMemory

use_course_style()

# %% [markdown]
# The game runs in `ale-py`, an emulator of the old console, under the name `BreakoutDeterministic-v4`, which tells how. *Deterministic*:
# each action is held for exactly four frames of the emulator (**frame skip** 4; a section below is about it), and you see the last of them,
# as it is. *v4*: no **sticky actions** (`repeat_action_probability=0`), that is, no action is repeated by chance: the emulator does exactly
# what it is told. Today's `ale-py` no longer knows the game under this name; `course_lib` registers it again.

# %% tags=["nbval-ignore-output"]
env = gymnasium.make("BreakoutDeterministic-v4")
rng = np.random.default_rng(0)

screen, info = env.reset(seed=0)
screens = [screen]
for _ in range(30):
    screen, reward, terminated, truncated, info = env.step(rng.integers(4))
    screens.append(screen)
show_video(screens)

# %% [markdown]
# Write your guess in place of 100, then let it play ten whole games.

# %%
guess = 100  # points in a whole game

# %%
scores = []
for game in range(10):
    env.reset(seed=game)
    score, over = 0, False
    while not over:
        _, reward, over, _, _ = env.step(rng.integers(4))
        score += reward
    scores.append(int(score))
print("scores:", scores)
print(f"mean: {np.mean(scores):.1f} points; you guessed {guess}")

# %% [markdown]
# Remember this number: every agent of this course begins exactly like this, and has to find the rest by itself.
#
# ## What is on the screen
# The picture names everything. **Score and lives stand at the top**: the score on the left in three digits, the lives in the middle, and
# on the right the number of players, always 1. Below: six rows of 18 bricks, the ball, and the paddle that you move.

# %%
screen = screens[12]
figures.draw_labelled_screen(screen)

# %% [markdown]
# That is what *you* see. **What the agent is given** is an array: 210 rows, 160 columns, and for each pixel three numbers from 0 to 255
# for red, green and blue. Nobody tells it what a ball is. Below are the red numbers around the ball: those eight 200s are all there is of
# it.

# %%
print("an observation:", screen.shape, screen.dtype, "from", screen.min(), "to", screen.max())
print("an action: a number below", env.action_space.n)
print("a reward: a number, such as", float(reward))
figures.draw_ball_numbers(screen)

# %% [markdown]
# ## The game as an MDP
# A *Markov decision process* is the form in which we hand a task to a learner. Breakout, filled in:
#
# | piece | in general | in Breakout |
# |---|---|---|
# | state *s* | all that the future depends on | the screen (we shall see whether that is quite true) |
# | observation *o* | what the agent sees of it | four consecutive small frames |
# | action *a* | what it may do | stay, right, left |
# | transition | which state follows | the emulator, four frames for each action |
# | reward *r* | what a step was worth | the points of the bricks broken in it |
# | discount γ | what a reward is worth one step later | 0.99 |
# | end | when nothing follows | the fifth lost ball; for learning, every lost ball |
#
# "Markov" means that the state is enough: whoever knows it need not know how the game got there. Keep an eye on that word.

# %% [markdown]
# ## Four buttons
# The emulator (ALE) numbers the buttons that do something in this game, and says what each means:

# %%
meanings = env.unwrapped.get_action_meanings()
print(meanings)

# %% [markdown]
# This course retells two texts in Korean, a book's chapter on Breakout and a review of the code of Bootstrapped DQN, and we shall now and then
# look into what they say. In the book's code a comment reads *"2 = left, 3 = right"*. **Do you believe it?** Decide, then look at where the paddle goes when one and the same number is sent four times. (In the picture time runs downwards.)

# %%
figures.draw_paddle_moves(env)

# %% [markdown]
# The comment is wrong: 2 moves right, until the wall stops the paddle, and 3 moves left. The code worked all the same, for the agent
# learns what *its* numbers do. Only the humans were misled. Measure, then believe.
#
# Two numbers keep still. **Are 0 and 1 the same, then?** Guess, then count the pixels that change.

# %%
for action, steps in ((0, 10), (0, 600), (1, 10)):
    first, _ = env.reset(seed=0)
    for _ in range(steps):
        last, *_ = env.step(action)
    changed = np.count_nonzero((first != last).any(axis=2))
    print(f"{meanings[action]:4} sent {steps:3} times: {changed} pixels changed")

# %% [markdown]
# After 600 NOOPs, forty seconds of play, nothing has happened: the ball is not there until FIRE **serves** it (eight pixels: you know
# them). And it must be served again after every lost ball, or the game stalls for ever, in training and in evaluation. So our agents have
# three actions, and "stay" is sent as FIRE: while a ball is in play it does nothing else.

# %% [markdown] exercise="01.1" points=1
# ### Exercise 01.1 · Which number moves left?
# *Difficulty 1 of 5 · 1 point · about 5 minutes*
#
# Write `action_table(meanings)`: from the emulator's own list of names, the number to send for each of the agent's three actions. An
# action's number is its place in the list. Return a dict with the keys `"stay"`, `"right"`, `"left"`, in this order, and an `int` for
# each.
#
# Read the numbers from the list, for other games number their buttons differently: `action_table(["LEFT", "NOOP", "FIRE", "RIGHT"])` is
# `{"stay": 2, "right": 3, "left": 0}`.
#
# <details><summary>Hint 1</summary>Lists can tell at which place something stands.</details>
# <details><summary>Hint 2</summary><code>meanings.index("LEFT")</code> is the number that moves left.</details>
# <details><summary>Hint 3</summary><code>{"stay": meanings.index("FIRE"), ...}</code>: "stay" serves the ball too. Two entries are left to you.</details>

# %% exercise="01.1"
def action_table(meanings: list[str]) -> dict[str, int]:
    """The emulator's number for each of the agent's actions.

    meanings: names such as ["NOOP", "FIRE", "RIGHT", "LEFT"]; an action's number is its place.
    Returns {"stay": ..., "right": ..., "left": ...}, an int for each.
    """
    # SOLUTION BEGIN
    return {"stay": meanings.index("FIRE"), "right": meanings.index("RIGHT"), "left": meanings.index("LEFT")}
    # SOLUTION END


# %% check="01.1"
action_table = checks.breakout.action_table(action_table)

# %%
actions = action_table(meanings)
print(actions)

# %% [markdown]
# ## What a lost ball costs
# The book says that losing a ball gives a reward of −1. **Your guess: −1, 0, or something else?** Here is a player that only ever stays,
# and so loses every ball.

# %%
_, info = env.reset(seed=0)
lives, over = info["lives"], False
while not over:
    _, reward, over, _, info = env.step(actions["stay"])
    if info["lives"] < lives:
        print(f"lives {lives} -> {info['lives']}: reward {reward:.0f}, game over: {over}")
        lives = info["lives"]

# %% [markdown]
# **Zero**: the emulator punishes nothing (it is the book's play script that subtracts the 1). And the game goes on until the fifth ball.
# So how shall an agent learn to fear losing one? By a convention that you will build in lesson 04:
#
# - **for learning**, a lost ball is an end: the step that lost it is worth its own reward alone, and nothing that the next ball earns
#   counts towards it;
# - **for the score**, the game goes on over all five balls.

# %% [markdown]
# ## What a brick is worth
# Let us read the rules off the game itself. We need someone who hits bricks: a player by rule, `follow_the_ball`, which finds the ball by
# its colour on two screens, works out where it will land, and goes there. For each step we look at which row lost a brick, and at what the
# reward was.
#
# **Guess before you run:** is a brick in the top row worth as much as one in the bottom row?

# %%
game_actions, game_rewards, game_screens, points = [], [], [], defaultdict(set)
for before, action, reward, after, lives in figures.follow_the_ball(env, seed=2):
    game_actions.append(action)
    game_rewards.append(reward)
    game_screens.append(after)
    row = figures.broken_row(before, after)  # 0 is the bottom row; None if no brick broke
    if row is not None:
        points[row].add(int(reward))

for row in sorted(points, reverse=True):
    print(f"row {row}: rewards seen {points[row]}")
print(f"score: {sum(game_rewards):.0f} in {len(game_rewards)} steps")

# %%
row_points = [max(points[row]) for row in range(6)]
figures.draw_row_points(screens[0], row_points)

# %% [markdown]
# From bottom to top 1, 1, 4, 4, 7, 7. When the last brick falls a second wall appears, and after it none. That makes the **ceiling** of
# the game:

# %%
ceiling = 2 * 18 * sum(row_points)
print("two walls of 18 bricks a row:", ceiling, "points")

# %% [markdown]
# Here is how the player by rule earned its score, as a film and as three stills: it digs a **tunnel** at the left, and behind the wall the
# ball breaks brick after brick by itself. In 130 steps the score doubles. (Look at the paddle as well: once the ball has touched the top
# wall, it is half as wide.)

# %% tags=["nbval-ignore-output"]
show_video(game_screens[1260:1470])  # 14 seconds

# %%
steps = (1330, 1400, 1460)
titles = [f"step {step}: {sum(game_rewards[:step]):.0f} points" for step in steps]
figures.draw_frames([game_screens[step - 1] for step in steps], titles, height=2.8)

# %% [markdown]
# So why learn at all, if twenty lines of rules do that? Because somebody had to know the ball's colour, the walls' columns, the paddle's
# drift. Our agents get the pixels and the rewards, and have to find all of it themselves. The same code then learns other games.
#
# ## What the agent is after
# Not the next reward, but the **discounted return**: the sum of all rewards to come, each multiplied by γ once for every step that it lies
# ahead. After step $t$ it is
#
# $$G_t = r_{t+1} + \gamma\, r_{t+2} + \gamma^2 r_{t+3} + \dots = \sum_{k \ge 0} \gamma^k\, r_{t+k+1}$$

# %%
discount = 0.99
discounted_return = sum(discount**k * reward for k, reward in enumerate(game_rewards))
print(f"score: {sum(game_rewards):.0f} points, return at the first step: {discounted_return:.1f}")
print(f"a point 100 steps ahead is worth {discount**100:.2f}, one 500 steps ahead {discount**500:.3f}")

# %% [markdown]
# The agent is short-sighted by choice: with γ = 0.99 it looks about 100 steps ahead, 7 seconds of play.
#
# ## Too many numbers
# Now to the pixels. A network is made of layers, a layer of **units**. A unit of a *dense* layer takes every number that comes in, each times
# a weight of its own, and adds them up. Suppose the first layer of our network is dense. **How many weights does one unit need** on the raw
# screen? One for every number:

# %%
print("weights of one dense unit:", f"{screen.size:,}")
print("of 512 units:", f"{512 * screen.size:,}")
print("the whole network of lesson 04:", f"{1_685_667:,}")

# %% [markdown]
# 100,800 weights for one unit, and the unit knows one screen by heart: a ball two pixels further right is news to it. Two cures. *Share
# the weights* across the screen: that is the convolution, lesson 02. And *send fewer numbers*: that is this lesson.
#
# ## The book's way: grey, small, bytes
# Three steps: colour to grey, 210 × 160 to 84 × 84, and still `uint8`, whole numbers from 0 to 255. In the figure, from left to right:
# the colour screen, the grey one, and the small square one. The ball has become fainter, for its light is spread over a few pixels, and
# the digits are still there.

# %%
figures.draw_grey_steps(screen)

# %% [markdown]
# **Step 1, grey.** The eye sees green best and blue worst, so they count differently:
#
# $$Y = 0.299\, R + 0.587\, G + 0.114\, B$$
#
# Predict: can the six rows of bricks still be told apart?

# %%
row_colours = screen[59:93:6, 80]  # [6, 3], one pixel of each row, top to bottom
for colour, grey in zip(row_colours, row_colours @ [0.299, 0.587, 0.114], strict=True):
    print(colour, "->", round(grey))

# %% [markdown]
# Two of them hardly: 129 and 131. It does not matter much, for a row is told by its *place*.
#
# **Step 2, small.** A small pixel covers 2.5 × 1.9 big ones. `INTER_NEAREST` picks one of those; `INTER_AREA` averages all. **Which is
# better for a ball of 4 × 2 pixels?** Follow one for ten steps and add up its light.

# %%
ball_screens = figures.replay(env, 0, [actions["stay"]] * 10)[1:]
for name, interpolation in (("nearest", cv2.INTER_NEAREST), ("area", cv2.INTER_AREA)):
    light = []
    for ball_screen in ball_screens:
        grey = cv2.cvtColor(ball_screen, cv2.COLOR_RGB2GRAY)  # [210, 160]
        small = cv2.resize(grey, (84, 84), interpolation=interpolation)
        light.append(small[38:74, 5:79].sum())  # between bricks and paddle there is only the ball
    print(f"{name:8}", *light)

# %% [markdown]
# With *nearest* the ball flickers: on every third step or so half of it is gone. With *area* its light stays the same. Area it is.
#
# **Step 3, bytes.** Keep `uint8`. It holds 0 to 255 and nothing else, so arithmetic on it has a trap. Predict the sum, then run:

# %%
print(np.array([250], np.uint8) + np.array([10], np.uint8))

# %% [markdown]
# 260 does not fit, and it starts again at 0: 250 + 10 is 4, without a warning. So compute in floats and convert at the end, or let OpenCV
# do it. (The network wants numbers from 0 to 1. It divides by 255 itself, at the last moment: floats take four times the memory, as we
# shall see.)

# %% [markdown] exercise="01.2" points=2
# ### Exercise 01.2 · Grey and small
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `preprocess_grey(screen)`: from `uint8 [210, 160, 3]` (red, green, blue) to `uint8 [84, 84]`, luminance by the formula above,
# resized with `cv2.INTER_AREA`. Leave the screen you are given as it is.
#
# An all-red screen, (255, 0, 0) everywhere, gives 76 everywhere; an all-white one 255. OpenCV has both steps: `cv2.cvtColor(image, code)`
# and `cv2.resize(image, (width, height), interpolation=...)`.
#
# <details><summary>Hint 1</summary>Two lines: first grey, then small. Which comes first hardly matters, but one channel is quicker to resize than three.</details>
# <details><summary>Hint 2</summary>The code for <code>cvtColor</code> says what comes in and what goes out: ours comes in as RGB. The size for <code>resize</code> is width first.</details>
# <details><summary>Hint 3</summary><code>grey = cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)</code>; return that, resized to <code>(84, 84)</code>. Both keep uint8.</details>

# %% exercise="01.2"
def preprocess_grey(screen: np.ndarray) -> np.ndarray:
    """The book's preprocessing: luminance, then resize by area.

    screen: uint8 [210, 160, 3], red, green, blue. Returns uint8 [84, 84], 0 to 255.
    """
    # SOLUTION BEGIN
    grey = cv2.cvtColor(screen, cv2.COLOR_RGB2GRAY)  # [210, 160]
    return cv2.resize(grey, (84, 84), interpolation=cv2.INTER_AREA)
    # SOLUTION END


# %% check="01.2"
preprocess_grey = checks.breakout.preprocess_grey(preprocess_grey)

# %%
frame = preprocess_grey(screen)
print(f"{screen.nbytes:,} bytes -> {frame.nbytes:,} bytes, {screen.nbytes / frame.nbytes:.1f} times fewer")

# %% [markdown]
# ## The code review's way: cut, small, lit or not
# The second text behind this course, a code review of another agent (Bootstrapped DQN, lesson 07), goes further. It cuts out the playing
# field, makes it small, and asks of each pixel only whether it is lit: whether *any* of its three channels (red, green, blue) is not 0. (Its
# agent also has all four of the emulator's actions.) In the figure: what is cut out
# (yellow frame), the field, and the result, in which every brick is as white as the ball.

# %%
figures.draw_binary_steps(screen)

# %% [markdown]
# Which order, lit-or-not first or small first? A resize that blends makes in-between values, so the question "lit?" comes last. And a
# blend would swell the ball, for a pixel with a trace of ball in it is "not 0" too. Here `INTER_NEAREST`, which never blends, is the
# right tool.

# %% [markdown] exercise="01.3" points=2
# ### Exercise 01.3 · Lit or not
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `preprocess_binary(screen)`: from `uint8 [210, 160, 3]` to `uint8 [84, 84]`. Cut out rows 31 to 192 and columns 8 to 151 (both
# ends included), resize to 84 × 84 with `cv2.INTER_NEAREST`, then set to 255 each pixel of which any channel is not 0, and the others to
# 0.
#
# A screen of the colour (0, 0, 1) gives 255 everywhere; one that is lit only in rows 0 to 30 gives 0 everywhere.
#
# <details><summary>Hint 1</summary>A slice's end is not included: <code>screen[31:193, ...]</code> ends with row 192.</details>
# <details><summary>Hint 2</summary><code>cv2.resize</code> takes three channels as well. On the small picture <code>.any(axis=2)</code> is True where any channel is not 0.</details>
# <details><summary>Hint 3</summary><code>np.where(small.any(axis=2), 255, 0)</code> has the right values, but int64: finish with <code>.astype(np.uint8)</code>.</details>

# %% exercise="01.3"
def preprocess_binary(screen: np.ndarray) -> np.ndarray:
    """The code review's preprocessing: the playing field, small, each pixel lit or not.

    screen: uint8 [210, 160, 3]. Returns uint8 [84, 84] of 0 and 255.
    """
    # SOLUTION BEGIN
    field = screen[31:193, 8:152]  # [162, 144, 3]
    small = cv2.resize(field, (84, 84), interpolation=cv2.INTER_NEAREST)  # [84, 84, 3]
    return np.where(small.any(axis=2), 255, 0).astype(np.uint8)
    # SOLUTION END


# %% check="01.3"
preprocess_binary = checks.breakout.preprocess_binary(preprocess_binary)

# %% [markdown]
# Both results beside each other, for a screen in the middle of a game. **What has the right-hand one thrown away, and would you miss
# it?**

# %%
middle = game_screens[800]
figures.draw_frames(
    [middle, preprocess_grey(middle), preprocess_binary(middle)],
    ["the screen", "the book's", "the code review's"],
)
for name, frame in (("book", preprocess_grey(middle)), ("code review", preprocess_binary(middle))):
    print(f"{name}: {len(np.unique(frame))} different values, {frame.nbytes:,} bytes")

# %% [markdown]
# Gone: the score, the lives, the walls, the colours. None of it changes where the paddle should be, and the field fills the frame, so
# that the ball is larger. But what you cut for one game may be what matters in the next: the book's way works for all of them, and is our
# default. The bytes are the same: both store one for each pixel.

# %% [markdown]
# ## One frame has no direction
# Here are two screens, from two different games. In one of them the ball is falling, and the paddle should hurry; in the other it is
# rising. **Which is which?** Put "A" or "B".

# %%
games = [figures.replay(env, idle, actions_sent) for idle, actions_sent in figures.TWIN_GAMES]
screen_a, screen_b = games[0][-1], games[1][-1]
figures.draw_frames([screen_a, screen_b], ["game A", "game B"])

# %%
guess = "B"  # in which game is the ball falling?

# %%
print("pixels in which the two screens differ:", np.count_nonzero((screen_a != screen_b).any(axis=2)))

# %% [markdown]
# None. They are **the same screen**, and no amount of looking will tell. The truth is only in the step before: in the next figure the
# arrows point from where the ball was.

# %%
figures.draw_directions(games, ["game A: the ball falls", "game B: the ball rises"])
print(f'you said that it falls in {guess}: {"right" if guess == "A" else "wrong"}, and you could not know')

# %% [markdown]
# Remember "Markov"? A single screen is *not* enough to tell the future, so it is no state in the strict sense. The cure is to remember.
# **In how many pixels do the two games differ if the agent sees the last two frames?**

# %%
def last_frames(screens: list[np.ndarray], length: int) -> np.ndarray:
    """The last frames of a game, preprocessed: uint8 [length, 84, 84]."""
    return np.stack([preprocess_grey(screen) for screen in screens[-length:]])


for length in (1, 2):
    different = last_frames(games[0], length) != last_frames(games[1], length)
    print(f"the last {length}: {np.count_nonzero(different)} of {different.size:,} pixels differ")

# %% [markdown]
# ## A history of four
# So an **observation** is the last four frames, as the channels of one array `[84, 84, 4]`, the oldest first. When an **episode** begins (one
# game, from `reset` to its end), there is only one frame: it stands in for those before it, and comes four times.
#
# Why four, if two have a direction? Two frames give the ball's speed. Four also show a bounce as a bounce, and how the paddle has been
# moving (it drifts on for a while after you let go). The author of the code review had an earlier run with a history of 2: it stopped at
# 71 points. One run proves nothing, but four costs little.

# %% [markdown] exercise="01.4" points=3
# ### Exercise 01.4 · The last four frames
# *Difficulty 3 of 5 · 3 points · about 12 minutes*
#
# Write the class `FrameHistory`. `reset(frame)` begins an episode, `push(frame)` adds the newest frame; both take a `uint8 [84, 84]` and
# return the observation, a `uint8 [84, 84, length]`, oldest first. For frames filled with one number, and length 4, the channels hold:
#
# | call | channels |
# |---|---|
# | `reset(10)` | 10, 10, 10, 10 |
# | `push(20)` | 10, 10, 10, 20 |
# | `push(30)` | 10, 10, 20, 30 |
#
# Two promises: an observation that you have handed out **never changes** later (somebody may have kept it), and you keep **copies**, for
# the caller may use its array again.
#
# <details><summary>Hint 1</summary>Keep the observation itself in <code>self</code>. What must happen to its channels on a push?</details>
# <details><summary>Hint 2</summary><code>np.stack([frame] * 4, axis=-1)</code> makes four channels of one frame; <code>np.concatenate</code> builds a new array and leaves the old one alone.</details>
# <details><summary>Hint 3</summary>A push: all channels but the oldest, <code>self.observation[..., 1:]</code>, then the new frame as a channel, <code>frame[..., None]</code>, joined along axis −1.</details>

# %% exercise="01.4"
class FrameHistory:
    """The last `length` frames as one observation, newest last."""

    def __init__(self, length: int = 4):
        self.length = length

    def reset(self, frame: np.ndarray) -> np.ndarray:
        """Begin an episode: uint8 [84, 84], `length` times -> uint8 [84, 84, length]."""
        # SOLUTION BEGIN
        self.observation = np.stack([frame] * self.length, axis=-1)
        return self.observation
        # SOLUTION END

    def push(self, frame: np.ndarray) -> np.ndarray:
        """Drop the oldest frame, add the newest: uint8 [84, 84] -> uint8 [84, 84, length]."""
        # SOLUTION BEGIN
        self.observation = np.concatenate([self.observation[..., 1:], frame[..., None]], axis=-1)
        return self.observation
        # SOLUTION END


# %% check="01.4"
FrameHistory = checks.breakout.FrameHistory(FrameHistory)

# %% [markdown]
# Your history at work in game B: four channels, the ball ringed in yellow, and on the right all of them in one picture. Read from left to
# right, the ball comes off the wall and climbs. *That* the agent can see.

# %%
history = FrameHistory()
observation = history.reset(preprocess_grey(games[1][0]))
for screen in games[1][1:]:
    observation = history.push(preprocess_grey(screen))
figures.draw_history(observation)

# %% [markdown]
# ## Frame skip
# The console draws 60 frames a second. Nobody needs 60 decisions a second, so each action is held for **four emulator frames**, one
# *agent step*, and only the last of the four is kept: frames 4, 8, 12, 16, ... The film strip shows emulator frames 1 to 20 around the
# ball, those that are kept outlined in red, and below them which make up an observation. **Observation 0** is the first that holds four
# frames of play: 4, 8, 12, 16.

# %%
slow_env = gymnasium.make("BreakoutDeterministic-v4", frameskip=1)  # every emulator frame
slow_screens = figures.replay(slow_env, 0, [actions["stay"]] * 64)[1:]
figures.draw_film_strip(slow_screens[:20])

# %% [markdown]
# From one observation to the next, one kept frame leaves and one comes: 8, 12, 16, 20. Three of four are the same.

# %% [markdown] exercise="01.5" points=2
# ### Exercise 01.5 · Which frames make observation t?
# *Difficulty 2 of 5 · 2 points · about 5 minutes*
#
# Write `frames_of_observation(t, skip=4, length=4)`: the numbers of the emulator frames in observation `t`, oldest first, as a list of
# `length` ints. The first emulator frame is number 1, and of each `skip` frames the last is kept.
#
# `frames_of_observation(0)` is `[4, 8, 12, 16]`, `frames_of_observation(1)` is `[8, 12, 16, 20]`, and with skip 2 and length 3
# observation 0 is `[2, 4, 6]`.
#
# <details><summary>Hint 1</summary>All of them are multiples of <code>skip</code>. Which multiples, for t = 0? And for t = 1?</details>
# <details><summary>Hint 2</summary>For t = 0: 1, 2, 3, 4 times skip; for t = 1: 2, 3, 4, 5 times skip.</details>
# <details><summary>Hint 3</summary>The multiples run from <code>t + 1</code> to <code>t + length</code>, both included.</details>

# %% exercise="01.5"
def frames_of_observation(t: int, skip: int = 4, length: int = 4) -> list[int]:
    """The emulator frames, counted from 1, that observation t is made of: `length` ints, oldest first."""
    # SOLUTION BEGIN
    return [skip * multiple for multiple in range(t + 1, t + length + 1)]
    # SOLUTION END


# %% check="01.5"
frames_of_observation = checks.breakout.frames_of_observation(frames_of_observation)

# %% [markdown]
# Does the emulator agree? It counts its frames itself.

# %%
env.reset(seed=0)
counted = []
for _ in range(5):
    _, _, _, _, info = env.step(actions["stay"])
    counted.append(info["episode_frame_number"])
print("the emulator, after each of 5 agent steps:", counted)
print("your observations 0 and 1:", frames_of_observation(0), frames_of_observation(1))

# %% [markdown]
# How much is skipped is a choice. The slider lays the four frames of an observation over each other, for skips from 1 to 16. With 1 the
# ball hardly moves, and the agent has to decide sixty times a second; with 16 the history spans almost a second, and four decisions a
# second are few. (The stills show the skips 1, 4 and 16.)

# %%
figures.draw_skips(slow_screens, (1, 4, 16))

# %% tags=["nbval-ignore-output"]
figures.skip_slider(slow_screens)

# %% [markdown]
# **And the three frames in between?** Nobody sees them. Some Atari games draw a figure only on every second frame, and keeping one frame
# might lose it for ever; so for one of its agents the book takes the brighter of two successive frames for each pixel, `np.maximum(last,
# one_before)`. Is our ball such a figure?

# %%
visible = sum(figures.find_ball(slow_screen) is not None for slow_screen in slow_screens)
print(f"the ball is on {visible} of {len(slow_screens)} successive frames")

# %% [markdown]
# On all of them. In Breakout the maximum would only draw the ball twice, and `BreakoutDeterministic-v4` leaves it out.
#
# ## Every game the same?
# This emulator rolls no dice. **What happens if we send the actions of the player by rule again, without looking at a single screen?** And
# what if we first wait for a single emulator frame?

# %%
def play_blind(idle: int) -> float:
    """The score of the recorded actions after `idle` emulator frames of waiting."""
    figures.start(env, idle)
    score = 0.0
    for action in game_actions:
        _, reward, over, _, _ = env.step(action)
        score += reward
        if over:
            break
    return score


for idle in (0, 1, 2, 3):
    print(f"eyes closed, {idle} idle frames first: {play_blind(idle):.0f} points")

# %% [markdown]
# The same 373 points, with eyes closed; and next to nothing as soon as the ball comes from elsewhere. An agent could learn *a list of
# moves* and look like a master. So each episode starts with up to 30 idle frames, drawn at random: a **no-op start**.
#
# But what is an idle step? **Guess: does waiting 0 to 5 *agent* steps (of four emulator frames) vary the serve? And waiting 0 to 15
# *emulator* frames?** The figure has a line for each way that the ball takes after the serve, and how many of the waits led to it.

# %%
waits = [[4 * steps for steps in range(6)], list(range(16))]
figures.draw_serves(env, waits, ["waiting 0 to 5 agent steps", "waiting 0 to 15 emulator frames"])

# %% [markdown]
# Agent steps change nothing at all: there are four serves, the frame counter picks one of them by its remainder on division by 4, and an
# agent step is 4 frames. Whole steps leave that remainder as it is; single frames go through all four. The book idles for 1 to 30 *steps*,
# which here would give the same serve every time; our environment idles for 0 to 30 emulator *frames*. Once more: measure, then believe.

# %% [markdown]
# ## What learning sees of a reward
# Rewards differ from game to game: 1 here, 400 there. For the same settings to serve all, training **clips** them to [−1, 1]: what is larger
# counts as 1. The code review makes them 0 or 1. Scores are always reported unclipped. Predict: what remains of the 373 points?

# %%
rewards = np.array(game_rewards)  # [steps]
clipped = np.clip(rewards, -1, 1)
zero_or_one = (rewards > 0).astype(float)
print(f"score {rewards.sum():.0f}, clipped {clipped.sum():.0f}, 0 or 1: {zero_or_one.sum():.0f}")
print("clipped and 0-or-1 are the same here:", np.array_equal(clipped, zero_or_one))

# %% [markdown]
# What remains is the number of bricks, at most 216 for two walls. To a learning agent a 7-point brick is worth as much as a 1-point brick. A
# tunnel pays all the same, for a ball behind the wall breaks bricks quickly.

# %% [markdown]
# ## A million transitions
# Lesson 04 learns from memory: for each step it keeps a **transition** (observation, action, reward, next observation, whether it was an
# end). The observations are what is large: each is a stack of four frames, and a transition has two, *before* and *after*. How much is a
# million of them?
#
# $$\text{bytes} = \text{transitions} \times 2 \text{ stacks} \times 4 \text{ frames}
# \times \text{numbers a frame} \times \text{bytes a number}$$
#
# A way out: successive observations share their frames. Count the different ones among ten transitions in a row:

# %%
stacks = [frames_of_observation(t) for t in range(11)]
both = [before + after for before, after in zip(stacks, stacks[1:], strict=False)]  # 10 transitions
print("frames stored:", sum(len(frames) for frames in both), "different ones:", len(set().union(*both)))

# %% [markdown]
# 80 stored, 14 different: ten new ones, and four to begin with. Store each frame **once**, build the stacks when they are needed, and in
# the long run a transition costs one frame.

# %% [markdown] exercise="01.6" points=2
# ### Exercise 01.6 · How much memory?
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `memory_bytes(transitions)`: a dict from the way of storing to the bytes for that many transitions, counting frames only:
#
# | key | what a transition stores |
# |---|---|
# | `"colour, both stacks"` | both stacks of raw screens, 210 × 160 × 3, `uint8` |
# | `"grey float32, both stacks"` | both stacks of 84 × 84 frames, `float32` |
# | `"grey uint8, both stacks"` | the same as `uint8` |
# | `"each grey frame once"` | one new 84 × 84 frame, `uint8` |
#
# If frames were 2 × 2, `memory_bytes(10)["grey uint8, both stacks"]` would be 10 · 2 · 4 · 4 = 320.
#
# <details><summary>Hint 1</summary>The formula above; a uint8 takes 1 byte, a float32 takes 4.</details>
# <details><summary>Hint 2</summary>Both stacks are 8 frames. A raw screen is 210 · 160 · 3 bytes, a grey frame of bytes 84 · 84.</details>
# <details><summary>Hint 3</summary>The last way has neither the 2 nor the 4: <code>transitions * 84 * 84</code>. The one before it is 8 times that.</details>

# %% exercise="01.6"
def memory_bytes(transitions: int) -> dict[str, int]:
    """Bytes that the frames of so many transitions take, for four ways to store them."""
    # SOLUTION BEGIN
    frames = transitions * 2 * 4
    return {
        "colour, both stacks": frames * 210 * 160 * 3,
        "grey float32, both stacks": frames * 84 * 84 * 4,
        "grey uint8, both stacks": frames * 84 * 84,
        "each grey frame once": transitions * 84 * 84,
    }
    # SOLUTION END


# %% check="01.6"
memory_bytes = checks.breakout.memory_bytes(memory_bytes)

# %% [markdown]
# The bars are the memory for a million transitions, the dashed line a computer with 16 GB. Only the last one fits.

# %%
for way, size in memory_bytes(1).items():
    print(f"{way}: {size:,} bytes a transition")
figures.draw_memory(memory_bytes(1_000_000))

# %% [markdown]
# The book's code keeps both stacks, 56,448 bytes a transition. Its memory holds 400,000: can that be, on a computer with 16 GB? And does
# the memory of this course keep its promise?

# %%
print(f"the book's way: {memory_bytes(400_000)['grey uint8, both stacks'] / 1e9:.1f} GB")
print(f"each frame once: {memory_bytes(400_000)['each grey frame once'] / 1e9:.1f} GB")
memory = ReplayMemory(capacity=1_000)
print(f"our memory: {memory.nbytes // 1_000:,} bytes a transition, action, reward and flags included")

# %% [markdown]
# It cannot: 22.6 GB are more than the whole computer has. Ours keeps its promise: 7,056 bytes for a frame, and 8 for the rest.
#
# ## All of it together
# You now have every piece between the console and the agent. Put them together, and play beside the course's own environment, `Breakout`:
# three actions, the same seed, no idle frames. **Do the two show the same observations?**

# %%
ours = Breakout(noop_max=0)
observation, _ = ours.reset(seed=0)
screen, _ = env.reset(seed=0)
history = FrameHistory()
yours = history.reset(preprocess_grey(screen))

largest, numbers = 0, list(actions.values())
for step in range(300):
    observation, _, _, _, info = ours.step(rng.integers(3))
    screen, *_ = env.step(numbers[info["action"]])
    yours = history.push(preprocess_grey(screen))
    largest = max(largest, np.abs(yours.astype(int) - observation).max())
    if info["lives"] == 0:
        break
print("the largest difference in any pixel:", largest)

# %% [markdown]
# That array, `uint8 [84, 84, 4]`, is all that an agent will ever see of Breakout. The next lesson gives it eyes.
#
# ## Quiz
# Answer in your head, then unfold: you find the reason, and why a tempting answer is wrong.
#
# **1.** Your agent has learned for a day and its paddle never moves; the screen shows no ball. What is the likely cause?
# <details><summary>Answer</summary>Nobody serves. "Stay" was sent as NOOP, or the ball is not served again after a lost life. A game without a serve stalls for ever. <em>Tempting</em>: it has learned too little. But then the ball would be there, and get lost.</details>
#
# **2.** Two screens are equal in every pixel. Must the same action be best in both?
# <details><summary>Answer</summary>No. One may have the ball falling, the other rising. A single screen is not a state in Markov's sense; the last four nearly are. <em>Tempting</em>: yes, all that there is stands on the screen. All but the motion.</details>
#
# **3.** Why is the resize by area in the book's way, and by nearest pixel in the code review's?
# <details><summary>Answer</summary>Area keeps all the ball's light when grey values count. Where only lit or not counts, every blend with a trace of ball would be lit, and the ball would swell. <em>Tempting</em>: nearest is quicker. It is, but that is not the reason.</details>
#
# **4.** Why are frames stored as uint8 and divided by 255 only inside the network?
# <details><summary>Answer</summary>A float32 takes four bytes, a uint8 one, and nothing is lost by dividing later. At a million transitions the difference is 170 gigabytes in the naive form. <em>Tempting</em>: the network computes in uint8. It cannot: 250 + 10 would be 4.</details>
#
# **5.** An agent scores 400 in every single evaluation game, to the point. Why should that make you suspicious?
# <details><summary>Answer</summary>The emulator rolls no dice. Without varied starts it may be playing one list of moves from memory, as our player by rule did with its eyes closed. Check the no-op starts. <em>Tempting</em>: it is simply that good. A good agent that is served another ball scores differently.</details>
#
# ## What to try next
# 1. **Make the player by rule worse.** In `course_lib/figures/breakout.py`, let `follow_the_ball` forget the paddle's drift of 11 pixels.
#    *Expect* 97 points instead of 373: it overshoots. Timing is most of the game.
# 2. **Preprocess another game.** `gymnasium.make("ALE/Pong-v5")`, and both preprocessings. *Expect* the book's way to work at once, and
#    the code review's to be all white: Pong's background is not black, so every pixel is lit.
# 3. **Look for more twins.** Play random games and keep a dictionary from `preprocess_binary(screen).tobytes()` to the ball's direction.
#    *Expect* more twins than on full screens, for less of the picture is left to tell moments apart.
#
# ## References
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015.
#   Preprocessing, history and no-op starts are in its Methods.
# - Bellemare et al.: [The Arcade Learning Environment](https://arxiv.org/abs/1207.4708). JAIR 47, 2013.
# - Machado et al.: [Revisiting the Arcade Learning Environment](https://arxiv.org/abs/1709.06009). JAIR 61, 2018. Determinism, and how to
#   evaluate in spite of it.
# - Osband, Blundell, Pritzel, Van Roy: [Deep exploration via Bootstrapped DQN](https://arxiv.org/abs/1602.04621). NIPS 2016. The agent that the
#   code review is about.
# - Lin: [Self-improving reactive agents based on reinforcement learning, planning and
#   teaching](https://link.springer.com/article/10.1007/BF00992699). Machine Learning 8, 1992. Where replaying transitions comes from.
# - Documentation: [ALE](https://ale.farama.org/environments/breakout/), Breakout's actions and rewards.
#
# **Next**: [02 · Convolutions](02_convolutions.ipynb).
