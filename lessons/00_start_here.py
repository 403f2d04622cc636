# %% [markdown]
# # Start here
# Guess before you run anything: when a game of Breakout begins, how many balls may you lose before it is over?
#
# **You will be able to** run a cell, write an answer, read what its check says, and go on whether it passed or not.
# **Minutes**: 10. **You need**: nothing but this notebook.

# %%
import gymnasium

import course_lib
from course_lib import checks

FRAMEWORK = course_lib.framework()

# %% [markdown]
# ## A game to play
# `gymnasium` is the plug between a program that decides and a game that answers. `reset` begins an episode and hands back two things: the
# **observation** (here the screen, 210 rows of 160 pixels in red, green and blue) and **info**, a dictionary of what else the game knows.
# The seed makes everybody's game the same.

# %%
env = gymnasium.make("BreakoutDeterministic-v4")
observation, info = env.reset(seed=0)
print("screen:", observation.shape, observation.dtype)
print("info:", sorted(info))

# %% [markdown]
# ## How an exercise works
# You get a text, a cell to write in, and a check cell. Write your answer in place of `raise NotImplementedError`, run the cell, then run the
# check. It prints one line:
#
# - `✓` your answer is right, and the notebook goes on with *your* answer;
# - `✗` it is wrong, and the line says what is wrong with it;
# - `○` you have not written it yet.
#
# After `✗` and `○` the notebook goes on with ours: you are never stuck, and you can always come back.

# %% [markdown] exercise="00.1"
# ### Exercise 00.1 · The number of lives
# *Difficulty 1 of 5 · about 3 minutes*
#
# Write `lives_at_start(env)`: reset the environment with seed 0 and return the number of lives in its info, an `int`.
# In a game that begins with 3 lives it returns `3`.
#
# <details><summary>Hint 1</summary>The cell above already calls <code>reset</code>.</details>
# <details><summary>Hint 2</summary><code>info</code> is a dictionary; one of its keys is <code>"lives"</code>.</details>
# <details><summary>Hint 3</summary><code>observation, info = env.reset(seed=0)</code>, then return one entry of <code>info</code>.</details>

# %% exercise="00.1"
def lives_at_start(env):
    """Number of lives at the start of an episode.

    env: a gymnasium environment. Resets it with seed 0.
    Returns an int.
    """
    # SOLUTION BEGIN
    observation, info = env.reset(seed=0)
    return info["lives"]
    # SOLUTION END


# %% check="00.1"
lives_at_start = checks.start.lives_at_start(lives_at_start)

# %%
print("Breakout starts with", lives_at_start(env), "lives.")

# %% [markdown]
# Five balls. The first four losses cost a life, the fifth ends the game.
