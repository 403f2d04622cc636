# %% [markdown]
# # 00 · Start here
# Click into the cell with code below, hold **Shift** and press **Enter**. After some seconds a game of Breakout begins. Watch the paddle: whoever
# moves it was never told that there is a paddle, or a ball, or that bricks are there to be broken. (What the code says can wait.)

# %%
import course_lib
import gymnasium

from course_lib import arcade, checks, doctor, play, pretrained, progress
from course_lib.figures import course_map, use_course_style
from course_lib.figures import start as figures
from course_lib.learners import make_learner

use_course_style()
FRAMEWORK = course_lib.framework()

path, about = pretrained.stage_file("dqn")
agent, config = pretrained.load_learner(path, FRAMEWORK)
game = play.record_episode(agent, config, seed=0, max_steps=400)
play.show_video(game.frames)

# %% [markdown]
# ## What you have just seen
# A neural network plays; whoever plays is called the **agent**. Fifteen times a second it gets the last four screens, nothing but **pixels**, and
# presses one of three buttons: left, right, or neither. It learned from two things only: the news that it had **scored**, and the news that a
# **ball was lost**. How that is done is what this course teaches.
#
# **You will be able to**
# - run a lesson, guess before you look, and read what a trained agent expects;
# - write an answer, read what its check says, and go on whether it passed or not;
# - program a first player of your own, and say what it was told that the network was not;
# - see how far you are, and help yourself when something is stuck.
#
# **Minutes**: about 35. **You need**: a little Python (functions, `if`, `return`).

# %% [markdown]
# ## Your turn
# Before we look inside: how hard is this game? Play it yourself, five balls, against an early stage of the agent, one that had practised for
# a sixth of the moves of the one above. Its 30 games on record have a mean of 25 points. **Predict**: how many points will *you* make? And will you
# be ahead?
#
# Write your guess, run the cell, and **click into your screen**, the left one: both games begin. **←** and **→** move the paddle, **space** serves
# the next ball. Be quick: a ball is down in a second. (No time to play? Go on reading; nothing below needs it.)

# %%
my_guess = 10
print(f"you guessed {my_guess} points for yourself")
arcade.play_against("dqn", stage=2, seed=0, framework=FRAMEWORK)

# %% [markdown]
# A professional tester of games, with two hours of practice, made 32 points on average ([Mnih et al.
# 2015](https://www.nature.com/articles/nature14236)). Were you behind? With `stage=1` the agent has hardly begun to learn, and you will win; against
# `stage=5`, the agent of the film, whose mean is 174 points, hardly anybody does.

# %% [markdown]
# ## The network before its first game
# Back to the network of the film. Before it had played at all, it had the same size and shape; only the numbers in it, its **weights**, were random.
# How many points does such a network make with its five balls: about **0**, about **10**, or about **50**? Write your guess into the cell, then run
# it. On the left an untrained network plays, on the right the trained one; both begin the same game.

# %%
my_guess = 10
print(f"you guessed {my_guess}; watch the left half")

untrained = make_learner(config, FRAMEWORK, pretrained.observation_shape(config), config.num_actions, seed=1)
first_game = play.record_episode(untrained, config, seed=0, max_steps=400)
play.show_video(figures.side_by_side({"untrained": first_game, "trained": game}), width=720)

# %% [markdown]
# **0.** One of the three buttons happens to come out highest in a network of random weights, whatever is on the screen; it leans on that one and
# parks the paddle in a corner. (Other random weights park elsewhere. Where the paddle stands a ball may happen to land, so that some make 8 or 9
# points without ever looking.) Everything that the right half does better was learned by playing.
#
# That was the rhythm of this course: **predict, then run**. A guess costs ten seconds, and you will remember what surprised you.

# %% [markdown]
# ## What would you do?
# Below is one moment of the trained network's game, with four steps drawn into one picture: the fainter, the longer ago. So you see where the ball
# flies, and where the paddle comes from. Of all moments of the film at which the ball falls, it is the one at which the choice matters most to the
# agent. Left, right, or stay?

# %%
step = figures.decisive_step(game)
figures.show_decision(game, step)

# %% [markdown]
# Write `"left"`, `"stay"` or `"right"` into the cell, and look at what the agent expects. Each dot is a **Q-value**: the reward that it expects
# from here on if it presses that button now and plays on as well as it can. Every brick counts as a reward of one here, and bricks in the far
# future count less. It presses the button with the highest dot, the red one.

# %%
my_move = "left"
figures.show_decision(game, step, my_move)

# %% [markdown]
# Look at the numbers: even here the better two are not far apart. A step lost can usually be made up for by the next one, and the network knows
# it; a step the wrong way costs two, and is rated lower. Small differences suffice, for only one thing counts: which dot is the highest. In
# lesson 04 you build this agent.

# %% [markdown]
# ## Step through its thoughts
# Drag the slider (or go to it with **Tab** and use the arrow keys), or press ▶. Beside each screen stand the three Q-values; the orange bar is the
# button that it pressed. Below stands what the network sees: the last four screens, small and grey.
#
# **Predict, then drag.** Where is the ball when the three bars are nearly equal, and it hardly matters what the agent does? Where is it when they
# differ most?

# %%
figures.show_player(game)

# %% [markdown]
# <details><summary>What there is to find</summary>
#
# Mostly they are nearly equal while the ball is high up, on its way to the wall or among the bricks: there is time to be anywhere. They differ most
# when it falls and is low: now or never.
# </details>

# %% [markdown]
# ## It knows before you do
# Now we give the agent a shaky hand: half of its moves are replaced by random ones (`epsilon=0.5`), so that it loses balls that it would have
# caught. **Predict**: when a ball flies past the paddle, what happens to the highest of the three Q-values? **A**: nothing, a lost ball costs no
# points. **B**: it falls when the ball is gone. **C**: it falls before that.

# %%
my_guess = "A"
print(f"you guessed {my_guess}")

shaky_game = play.record_episode(agent, config, seed=0, epsilon=0.5, max_steps=400)
figures.show_expectation(shaky_game)

# %% [markdown]
# **C.** On the left the whole film: each dotted line is a ball that passes the paddle. On the right those moments laid over each other: mostly the
# fall begins while the ball is still above the paddle, as soon as the paddle cannot get there any more. With the next ball, the line is back. (The
# deep dip without a dotted line is a ball that it had nearly given up, and caught.) Nobody told the network that balls move, or that missing one
# is bad. In its training, a lost ball was the end of all reward, and it has learned to see the end coming.

# %% [markdown]
# ## How an exercise works
# You get a text with hints (click on the little triangles), a cell to write in, and a check. The check is one line, locked so that it stays as it
# is, and what it prints is one line too:
#
# | | it means | the notebook goes on with |
# |---|---|---|
# | `○` | you have not written it yet | our answer |
# | `✗` | something is wrong; the line says what, and shows the smallest example of it | our answer |
# | `✓` | right, and why it matters | **your** answer |
#
# So you are never stuck behind an exercise: skip it, run the rest, come back. To see where a whole notebook stands, run
# `course check notebooks/00_start_here.ipynb` in a terminal (*File → New → Terminal*). If you hand notebooks in for marks: **only answer cells are
# read**, each on its own, so a helper function of yours belongs in the cell that uses it; and other inputs are tried than those of the check.
#
# Here is one check, called with three answers: one still empty, one wrong, one right. Each is a function of `env`, the game that the check hands
# to it.

# %%
def empty(env):
    raise NotImplementedError


def typed_in(env):
    return 5


for attempt in (empty, typed_in, checks.start.count_lives):
    checks.start.lives_at_start(attempt)

# %% [markdown]
# Read the `✗` line again: it does not say "wrong", it says **which** thought was wrong, with two games on which you can see it.
#
# ## A game is an environment
# For the exercise you need one thing: how a program talks to a game. `gymnasium` is the plug between them. `reset` begins a game and
# hands back two things: the **observation** (here the screen: 210 rows of 160 pixels in red, green and blue) and **info**, a dictionary of what
# else the game knows. All chance in a game hangs on a number, its **seed**: with the same seed, everyone sees the same game.

# %%
env = gymnasium.make("BreakoutDeterministic-v4")
observation, info = env.reset(seed=0)
print("observation:", observation.shape, observation.dtype)
print("info has the keys:", sorted(info))

# %% [markdown] exercise="00.1" points=1
# ### Exercise 00.1 · The number of lives
# *Difficulty 1 of 5 · 1 point · about 3 minutes*
#
# Write `lives_at_start(env)`: reset the environment it is handed, with seed 0, and return the number of lives in its info, an `int`.
# For a game that begins with 3 lives it returns `3`, for Breakout something else.
#
# Walk the whole way on purpose. **Run the check below first**: it prints `○`. Then write `return 5` in place of `raise NotImplementedError`, run
# both cells: `✗`. Then do it properly.
#
# <details><summary>Hint 1</summary>The cell above calls <code>reset</code> already. What it hands back has two parts; you need the second.</details>
# <details><summary>Hint 2</summary><code>info</code> is a dictionary, and one of its keys is <code>"lives"</code>.</details>
# <details><summary>Hint 3</summary>Two lines: <code>observation, info = env.reset(seed=0)</code>, then <code>return</code> one entry of <code>info</code>.</details>

# %% exercise="00.1"
def lives_at_start(env):
    """Number of lives at the start of a game.

    env: a gymnasium environment. Resets it, once, with seed 0.
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
# ## PyTorch or Keras?
# The course teaches both, line by line. Exercises that build networks come as two answer cells, and **one is enough**; the other is a bonus.
# Everything else (games, memory, exploration) is plain NumPy.
#
# What runs in the background, like the agent above, uses PyTorch unless you say otherwise. To use Keras, start the course with
# `COURSE_FRAMEWORK=keras make lab` (Windows: `$env:COURSE_FRAMEWORK="keras"` in PowerShell, then `python start.py lab`). The same file of weights plays in either.

# %% [markdown]
# ## A player made by hand
# A network needs days of play to get good. Can a rule of three lines do as well? Suppose we *tell* it what the network never was told: in which
# **column** the ball is, and in which column the middle of the paddle. Columns are counted from 0 at the left to 159 at the right. Here is an eager
# rule: ball to the right, go right; ball to the left, go left.
#
# **Predict.** How many points does it make with its five balls? **A**: fewer than 40. **B**: about 80. **C**: it never misses.

# %%
my_guess = "C"


def eager(ball, paddle):
    """0 stay, 1 right, 2 left. ball: a column, or None where no ball is to be seen; paddle: a column."""
    if ball is None:
        return 0
    return 1 if ball > paddle else 2


eager_games = [figures.play_rule(eager, seed) for seed in (0, 2)]  # one game is one throw of the dice: play two
print(f"you guessed {my_guess}; points in two games:", [int(one.score) for one in eager_games])
play.show_video(eager_games[0].frames[:300])

# %% [markdown]
# **A.** It trembles, and misses. The picture shows why: the columns of the ball and of the paddle (the band is as wide as the paddle) over the
# first 120 steps. A player decides 15 times a second, and each decision lasts for four frames of the game. In that time the paddle can run more
# than 20 columns, farther than it is wide (16): it rushes past the ball, turns, and rushes past again. Where the ball's line breaks off, the ball
# is among the bricks, or lost.

# %%
figures.show_columns({"eager": eager_games[0]})

# %% [markdown] exercise="00.2" points=2
# ### Exercise 00.2 · Chase, but stop in time
# *Difficulty 2 of 5 · 2 points · about 6 minutes*
#
# Write `chase(ball, paddle)`: return `0` (stay) while the ball is **at most 5 columns** away from the middle of the paddle, on either side, and
# while no ball is to be seen (`ball` is `None`). Otherwise return `1` (right) if the ball is to the right of the paddle, `2` (left) if it is to the
# left.
#
# | `ball` | `paddle` | returns |
# |---|---|---|
# | `100.0` | `60.0` | `1` |
# | `20.0` | `60.0` | `2` |
# | `62.0` | `60.0` | `0` |
# | `None` | `60.0` | `0` |
#
# <details><summary>Hint 1</summary>Begin with the eager rule above: one more reason to stay is all that is missing.</details>
# <details><summary>Hint 2</summary>How far apart they are, whichever side: <code>abs(ball - paddle)</code>. Ask whether <code>ball is None</code> before you
# subtract.</details>
# <details><summary>Hint 3</summary><code>if ball is None or abs(ball - paddle) &lt;= 5:</code> stay; then the last line of the eager rule.</details>

# %% exercise="00.2"
def chase(ball, paddle):
    """The next action of a player that keeps its paddle under the ball.

    ball: column of the ball, float, or None where no ball is to be seen. paddle: column of the paddle's middle, float.
    Returns an int: 0 stay, 1 right, 2 left.
    """
    # SOLUTION BEGIN
    if ball is None or abs(ball - paddle) <= 5:
        return 0
    return 1 if ball > paddle else 2
    # SOLUTION END


# %% check="00.2"
chase = checks.start.chase(chase)

# %%
your_games = [figures.play_rule(chase, seed) for seed in (0, 2)]
print("the eager rule:", [int(one.score) for one in eager_games], "your rule:", [int(one.score) for one in your_games])
play.show_video(your_games[0].frames[:300])

# %% [markdown]
# Five columns of patience, and several times the score: below, the band now covers the ball's line nearly everywhere. What it still misses are fast
# balls, later in the game: your rule goes where the ball *is*, not where it *will be*.

# %%
figures.show_columns({"eager": eager_games[0], "yours": your_games[0]})

# %% [markdown]
# Here are all four players; put your own score from the beginning of this lesson beside them. Your rule was **told** what matters: where the ball
# is, where the paddle is, what each button does. The network was told nothing of the kind; it was given pixels, and found out. How does one get
# from the bar of the untrained network to that of the trained one **without being told**? That is what the next lessons are about.

# %%
points = {
    "untrained network": first_game.score,
    "eager rule\n(mean of 2 games)": (eager_games[0].score + eager_games[1].score) / 2,
    "your rule\n(mean of 2 games)": (your_games[0].score + your_games[1].score) / 2,
    "trained network\n(mean of 30 games)": about["evaluation"]["mean"],
}
figures.show_scores(points)

# %% [markdown]
# ## The map
# Each brick is a lesson; follow the flight of the ball from 00, where you are, up and down to 10.
#
# At the foot of each brick stands your **progress**: how many of its exercises show `✓` in the notebook as you last saved it (**Ctrl+S**, on a
# Mac **Cmd+S**). Answers and progress live in the notebooks and nowhere else. Come back and run these two cells whenever you like.

# %%
course_map.show_map()

# %% [markdown]
# The same in full: every exercise with a sign for how it stands, and a link to it. In a terminal, `course progress` prints this table.

# %% tags=["nbval-ignore-output"]
progress.panel()

# %% [markdown]
# ## When you are stuck
# 1. Read the check's line: the smallest example in it is one that you can do on paper.
# 2. Open the hints, one at a time. The third nearly writes it for you.
# 3. Something that worked is broken? **Restart the kernel**, the Python behind this notebook: *Kernel → Restart Kernel and Run All Cells*. What you
#    *wrote* stays, what Python *remembered* is computed again, from top to bottom. That cures cells that were run in an odd order.
# 4. The solved notebooks, with all their outputs, lie in the folder `solutions`, unless an instructor gave you the course and kept them.
#
# These keys are worth knowing; nothing here needs a mouse:
#
# | press | to |
# |---|---|
# | **Shift+Enter** | run this cell and go to the next; `[*]` beside it means that it is still running |
# | **Esc**, then **↑** or **↓**, then **Enter** | leave a cell, go to another, write in it |
# | **Tab**, after **Esc** | go to the buttons, sliders and hints of a cell; **Enter** opens a hint, **←** and **→** move a slider |
# | **Shift+Tab**, with the cursor behind a name | read what a function wants and returns |
# | **Esc**, then **0 0** (zero, twice) | restart the kernel |

# %% [markdown]
# ## Is everything here?
# `course doctor`, typed into a terminal, looks at everything that the course needs and names the one command that mends
# what is missing. Here are its quicker questions.

# %%
for look in (doctor.python, doctor.packages, doctor.rom, doctor.video_encoder, doctor.trained_weights):
    row = look()
    print(f"ok: {row.what}" if row.ok else f"no: {row.what}: {row.found}; mend it with: {row.mend}")

# %% [markdown]
# ## What this course does not promise
# - **A champion at once.** On two processor cores each of our best agents trained for two to five hours. That is why the course comes with
#   trained weights, and why you train on a smaller game, which is learned in seconds, with the very same code.
# - **The same score every time.** Two trainings that differ in their seed alone end at different scores; so do two games of one agent. We will
#   always ask: how sure is that number?
# - **An agent that understands.** Others have moved the paddle up by a few pixels, and trained networks were lost ([Kansky et al.,
#   2017](https://arxiv.org/abs/1706.04317)). They are good at this game, on these pixels.
# - **That `✓` proves you right.** A check tries the mistakes that we know of. Tell us about a new one.

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold: you find the reason, and why a tempting answer is wrong.
#
# **1.** A check printed `✗`, and you run the rest of the notebook all the same. With which answer does it go on?
# <details><summary>Answer</summary>With ours: a check hands back your answer if it passes and the reference solution otherwise. <em>Tempting</em>: with yours, it stands in the cell above. But a wrong answer would spoil all that comes after it.</details>
#
# **2.** You restart the kernel. What is lost: the text of your answers, or the variables?
# <details><summary>Answer</summary>The variables. The text belongs to the notebook; run its cells again, from the top, and the variables are back. <em>Tempting</em>: the text. Only closing the notebook without saving it loses that.</details>
#
# **3.** What was the network told about the ball?
# <details><summary>Answer</summary>Nothing. It was given pixels, and the news when it had scored and when a ball was lost; that a few reddish pixels matter, it had to find out. <em>Tempting</em>: its column, as your rule. The rule was told; the network was not.</details>
#
# **4.** Why does the eager rule, which always goes towards the ball, miss it so often?
# <details><summary>Answer</summary>Each decision lasts for four frames, in which the paddle runs farther than it is wide: near the ball, moving at all means running past. <em>Tempting</em>: its paddle is too slow. It is too fast for so few decisions.</details>
#
# **5.** A lost ball costs no points in Breakout. Why, then, should a learner of points mind losing it? (Guess: lesson 04 answers.)
# <details><summary>Answer</summary>Because of the points that do not come any more. The Q-values count what is still to come, and that is what shrinks when a ball is about to be lost. <em>Tempting</em>: a lost ball costs a point in training. It costs nothing there either; it ends the sum.</details>

# %% [markdown]
# ## What to try next
# 1. **Another game, another framework**: in the first cell write `seed=2`. *Expect*: the ball is served elsewhere, since a game begins with a
#    random number of idle frames, and all goes another way. Then `FRAMEWORK = "keras"` and the old seed. *Expect*: some seconds more to start, and
#    the very same game, move for move.
# 2. **Other random weights**: `seed=0` or `seed=2` in the cell of the untrained network. *Expect*: it leans on another button; one of them stands
#    still and makes 8 points.
# 3. **More patience, or less**: copy `chase` into a new cell (**Esc**, then **B**), call it `my_rule`, try 1, 12 and 20 columns, and print
#    `figures.play_rule(my_rule).score`. *Expect*: at 1 it trembles again, at 12 the ball falls beside the paddle more often, at 20 it makes next to
#    nothing. Between 5 and 7 the scores jump: one game is one throw of the dice.

# %% [markdown]
# ## References
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015. The
#   agent that you watched is built like theirs.
# - Bellemare et al.: [The Arcade Learning Environment](https://arxiv.org/abs/1207.4708). JAIR 47, 2013. Atari games as a test of general skill.
# - Documentation: [Gymnasium](https://gymnasium.farama.org), the interface between agents and games;
#   [ALE](https://ale.farama.org/environments/breakout/), the emulator: what Breakout's actions and scores are;
#   [JupyterLab](https://jupyterlab.readthedocs.io/en/stable/user/notebook.html): notebooks, and all their keys.
#
# **Next**: [01 · Breakout and its pixels](01_breakout_and_preprocessing.ipynb).
