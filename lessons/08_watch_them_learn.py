# %% [markdown]
# # 08 · Watch them learn
# The same kind of network, photographed several times on its way from knowing nothing to playing well. The film shows the first thirty seconds of a game
# at each of these **stages**, side by side.
#
# **Guess** before you run it: which stage is the first that keeps its ball in play? And how many points does the last stage make in thirty
# seconds: 5, 20, or 100?

# %%
import course_lib
import torch
import cv2
import numpy as np

from course_lib import arcade, checks, play, pretrained
from course_lib.evaluation import Scores
from course_lib.figures import use_course_style
from course_lib.figures import watch as figures
from course_lib.figures import watch_live as live
from course_lib.figures.a3c import spread_out
from course_lib.figures.breakout import find_ball, find_paddle
from course_lib.learners import action_scores
from course_lib.recordings import recorded_game

FRAMEWORK = course_lib.framework()
torch.set_num_threads(1)
use_course_style()

# %% tags=["nbval-ignore-output"]
my_guess = {"first stage to keep the ball": 3, "points of the last stage": 20}
stages = pretrained.stages("dqn")
films = {f"stage {stage}": recorded_game("dqn", stage, max_steps=450) for stage in stages}
live.show_film(films)

# %%
print("your guess:", my_guess)
for name, game in films.items():
    print(f"DQN, {name}: {game.score:3.0f} points, {5 - game.lives[-1]} balls lost in {len(game) / 15:.0f} s")

# %% [markdown]
# All of them have the same layers and the same number of weights, and nobody changed a line of code between the stages. Only the weights
# have been trained for longer. Thirty seconds of one game each, though: is that enough to say who is better? Keep the question; section 4
# answers it.
#
# **You will be able to**
# - watch any stage of DQN, A3C and Bootstrapped DQN play, and see what it expects and what it sees;
# - say how sure a mean score is, with an interval that you compute yourself, and what such an interval does *not* say;
# - use the interquartile mean, and know why;
# - find out what on the screen a network rests its choice on, without reading a single weight;
# - find the moment at which an agent discovers the tunnel.
#
# **Minutes**: about 80. **You need**: lessons 04 and 06, for section 6 also lesson 07. No emulator is needed: all the games of this lesson
# are recorded. Where Atari is installed, you can have new ones, and play yourself.

# %% [markdown]
# ## 1 · How the stages came about
# While an agent trains, its run keeps the weights from time to time. Five of them ship with the course, stage 1 from the start of training,
# stage 5 the best. Here they are, with the agent steps and hours of training behind each:

# %%
entries = pretrained.manifest()
for agent, agent_stages in live.shipped().items():  # agent -> its stages
    for entry in (pretrained.find_stage(agent, stage) for stage in agent_stages):
        print(f"{live.NAMES[agent]:17} stage {entry['stage']}: {entry['agent_steps']:>10,} agent steps, {entry['hours']:5.2f} hours")

# %% [markdown]
# The book ships five stages of its agents, too. Replayed on today's emulator (ten games each, actions drawn), its A3C scores 12, 25, 27, 18
# and 139: stage 4 *less* than stage 3. Is learning not a staircase, or are ten games too few to tell? Ours were chosen so that each stage is
# surely better than the one before it; what "surely" means is the business of section 4.

# %% [markdown]
# ## 2 · Choose and watch
# Choose an agent, a stage and a seed, then press *Play*: the stage plays a game on your machine, which takes some seconds. Then press the
# triangle below the picture to watch it. Beside the screen stand the score, the lives, and a bar for each action, orange for the one taken: Q-values
# for DQN, probabilities for A3C, the share of the heads' votes for Bootstrapped DQN. Below are the four frames that the network sees.
#
# **Three things to look for**
# 1. A low stage of DQN: is there an action that it nearly always likes best?
# 2. A high stage of A3C: when is it undecided, and when is one bar as good as 1?
# 3. Bootstrapped DQN: in which situations do the heads vote against each other?

# %%
live.show_selector(FRAMEWORK)

# %% [markdown]
# The picture is one moment of the game, the one where DQN's three Q-values lie farthest apart while the ball falls. Where no emulator is
# installed, *Play* shows the recorded game of the stage, and says so.
#
# <details><summary>What there is to find</summary>
#
# 1. Stage 1 rates "stay" highest on nearly every step of its recorded game, wherever the ball is.
# 2. Mostly it is undecided while the ball is on its way up, and has one bar near 1 when the ball falls and is low: now or never, as in
#    lesson 00.
# 3. The same again: they are divided while there is time, and vote with one voice when there is none. Section 6 counts it.
# </details>

# %% [markdown]
# ### Play it yourself
# Now you. You play on the left, a stage of your choice on the right, and both games begin with the same seed. Press *Start*: **←** and **→**
# move the paddle, **space** serves, **P** pauses, **Esc** leaves the board. (Where there is no emulator, the cell says so.) Choose another
# agent, stage or seed in the cell, and run it again.
#
# **Predict**: who makes more points with five balls, you or stage 3 of DQN?

# %% tags=["nbval-ignore-output"]
my_guess = {"me": 30, "stage 3": 30}
print("your guess:", my_guess)
arcade.play_against("dqn", stage=3, seed=0, framework=FRAMEWORK)

# %% [markdown]
# From your eye to your finger it takes some 250 ms; the agent decides every 67 ms. **Before you run the next cell**: which balls did you
# lose, the slow or the fast ones? And which does it lose? The cell goes through DQN's recorded games, and through every ball that came down
# to the paddle: how many rows of the screen it fell in a step, and whether it was lost.

# %%
for stage in stages:
    speeds, lost = figures.falls(recorded_game("dqn", stage))  # float [N], rows a step; bool [N]
    fast = speeds > 10
    print(f"stage {stage}: lost {lost[~fast].sum()} of {(~fast).sum():2} slower balls, {lost[fast].sum()} of {fast.sum():2} of the fastest")
for rows in (4, 13):
    print(f"{rows:2} rows a step: down from the wall to the paddle, 96 rows, in {96 / rows / 15:.1f} s")

# %% [markdown]
# The fastest balls leave you half a second, and half of that is gone before you have moved: these are the ones that people lose. Stage 1
# loses every ball, the slowest too. It is quick enough, and does not know where they will land. Stage 5 knows, and loses the fastest only,
# though even they give it time for seven decisions. It is not too slow for them; it has probably met too few, for they come late in good
# games. **Your limit is reaction, its limit is experience.** (One game each, so mind section 4.)

# %% [markdown]
# ## 3 · Five stages in one figure
# Thirty games of each stage. Each pale dot is a game; the black dot with its number is the mean, the black line a 95 % interval (section
# 4). A3C draws its actions, the other two take their best one, except for one action in a hundred. **Predict**: how far apart are the best
# and the worst game of one and the same stage: 10%, a factor of two, or more?

# %%
my_guess = "10%"
best = pretrained.find_stage("dqn")["evaluation"]["scores"]
print(f"your guess: {my_guess}; the best stage of DQN, worst and best of 30 games: {min(best):.0f} and {max(best):.0f} points")
figures.draw_scores(entries)

# %% [markdown]
# One panel for each agent, one scale for all: even steps up to 10 points, above that each tick stands for about twice as much as the one
# below. Compare two things: how the *clouds* of neighbouring stages overlap, and how the *black lines* do not.
#
# And where does each stage stand after the same number of steps? One minute into the recorded game:

# %%
figures.draw_where(step=900)

# %% [markdown]
# A row for each agent, a screen for each stage, with the stage's number and its points. A stage whose game is over by then shows its last
# screen. Look at *which* bricks are gone: a ragged lower edge, or a channel right through?
#
# The whole way, from the runs' own diaries. The lines are the mean scores *while learning* (the last 100 games), against agent steps and
# against hours; the numbered circles are the shipped stages, at the mean of their 30 games. **Predict**: do the circles lie on the lines?

# %%
my_guess = "on them"
figures.draw_curves(entries)
print("your guess:", my_guess)

# %% [markdown]
# Left, every step counts the same for all; right, every hour does, and the order need not be the same. Circles off their line have good
# reasons: a learner explores, so it scores less than it could. The last 100 games were played by younger weights, too. And a stage may come
# from a run of its own.
#
# One more reason is a trap. Of many snapshots we ship the one that *scored* best, and part of a best score is luck. That is why the 30
# games were played **afterwards**, with seeds of their own: the luck of the choice is not in them. (Once we broke that rule, and say so: a
# first candidate for A3C's stage 4 overlapped stage 5 in just these games, and an earlier one took its place.)

# %% [markdown]
# ## 4 · How sure are we?
# Look at single games only, one of a lower stage against one of the next. **Predict**: among DQN's neighbours, does the *worse* stage ever
# win?

# %%
my_guess = "never"
print("your guess:", my_guess)
scores = {stage: np.array(pretrained.find_stage("dqn", stage)["evaluation"]["scores"]) for stage in stages}  # [30] each
for lower, higher in zip(stages, stages[1:]):
    wins = (scores[lower][:, None] > scores[higher][None, :]).mean()  # all 900 pairs of games
    print(f"stage {lower} against stage {higher}: best {scores[lower].max():.0f}, worst {scores[higher].min():.0f}; "
          f"the lower one wins {wins:.0%} of the pairs")

# %% [markdown]
# Wherever the first number is above the second, a single game can tell you the wrong story. The **mean of many games** is steadier. How
# steady? Had we played thirty *other* games, what would their mean have been? We cannot ask for thirty new games again and again, but we
# can pretend (Efron's **bootstrap**, from which the agent of lesson 07 has its name):
#
# 1. draw 30 games *out of our 30*, with replacement, so that some come twice and others not at all;
# 2. take their mean;
# 3. do so 10,000 times, and cut off the lowest and the highest 2.5% of the means.
#
# $$\left[\,q_{2.5\,\%}(m_1, \dots, m_{10000}),\; q_{97.5\,\%}(m_1, \dots, m_{10000})\right], \qquad m_i = \text{mean of the } i\text{-th drawing}$$

# %%
def resampled_means(scores, rng, times=10_000):
    """Means of `times` drawings with replacement from scores [N]: float [times]."""
    return rng.choice(scores, (times, len(scores))).mean(axis=1)


def bootstrap_interval(scores, rng, times=10_000):
    """95 % interval of the mean of scores [N]: float [2], its low and its high end."""
    return np.percentile(resampled_means(scores, rng, times), [2.5, 97.5])


games, rng = scores[stages[-1]], np.random.default_rng(0)
interval = bootstrap_interval(games, rng)
scipys = Scores(games, games, games).interval  # course_lib asks scipy.stats.bootstrap
print(f"ours {interval[0]:.1f} to {interval[1]:.1f}, scipy's {scipys[0]:.1f} to {scipys[1]:.1f}")
figures.draw_resampling(games, resampled_means(games, rng), interval)

# %% [markdown]
# Above, the 30 games of DQN's best stage; below, on the same axis, how often each mean came up, dark between the two ends of the interval.
# (Ours and scipy's began with the same seed, and so drew the same lots; with others the last digits would differ.) Look how much narrower
# the lower heap is than the upper cloud: the interval speaks of the **mean**. How many of the games lie inside it?

# %%
inside = ((games >= interval[0]) & (games <= interval[1])).sum()
print(f"games inside the interval: {inside} of {len(games)}")

# %% [markdown]
# ### Does it keep its promise?
# "95 %" is a promise about the **recipe**: used again and again, it should miss the truth about five times in a hundred. To test that we
# need an agent whose true mean we know. So here is a made-up one: 100,000 games, from which we draw as many sets of games as we like.
# **Predict**: of 40 intervals from 30 games each, how many miss?

# %%
my_guess = 0
rng = np.random.default_rng(8)
everything = np.round(rng.gamma(3, 20, 100_000))  # points of every game of a made-up agent
truth = everything.mean()
forty = np.array([bootstrap_interval(rng.choice(everything, 30), rng, 1_000) for _ in range(40)])  # [40, 2]
print(f"the true mean: {truth:.1f}; your guess: {my_guess} misses")
figures.draw_coverage(forty, truth)

# %% [markdown]
# Each bar is the interval of one set of 30 games, the horizontal line the truth, red what misses it. In life you own *one* of these bars,
# and nobody tells you its colour. Now with fewer games, and with more:

# %%
print("games   misses   mean width")
for number in (3, 10, 30, 120):
    intervals = np.array([bootstrap_interval(rng.choice(everything, number), rng, 1_000) for _ in range(500)])  # [500, 2]
    misses = ((intervals[:, 0] > truth) | (intervals[:, 1] < truth)).mean()
    print(f"{number:5}   {misses:6.0%}   {np.diff(intervals).mean():.1f} points")

# %% [markdown]
# Three lessons. With **30** games the promise is nearly kept. With **3** it is broken: one interval in four misses, since three games
# cannot show how bad or good the others might have been. And from 30 to 120, **four times** the games, the width halves: it shrinks with
# $1 / \sqrt{N}$.
#
# A last one. Somebody plays 30 *new* games of the same agent. Is their mean inside your interval? They have luck of their own, so both
# wobble. For each of the forty intervals of the figure:

# %%
again = rng.choice(everything, (1_000, 30)).mean(axis=1)  # means of 1,000 new sets
inside = [((again >= low) & (again <= high)).mean() for low, high in forty]
print(f"means of 30 new games inside an old interval: {np.mean(inside):.0%} on average, {min(inside):.0%} for the unluckiest interval")

# %% [markdown]
# So when are two agents different? If their intervals lie **apart**, luck with the games hardly explains it. If they **overlap**, you
# cannot tell them apart *yet*: that is no proof that they are equal, only that it takes more games.
#
# And all this is about *one trained network*. Train again with another seed, and other weights come out, with another true mean. To speak
# of "DQN", and not of this one child of DQN, you need several runs (Agarwal et al. 2021).

# %% [markdown] exercise="08.1" points=2
# ### Exercise 08.1 · Interpret an interval
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Three agents, 30 games each, 95 % bootstrap intervals of the mean as above:
#
# | agent | mean | interval |
# |---|---|---|
# | A | 50 | 44 to 57 |
# | B | 70 | 61 to 80 |
# | C | 64 | 56 to 73 |
#
# - **a**: About 95 % of A's games score between 44 and 57 points.
# - **b**: If A plays 30 new games, their mean is certain to lie between 44 and 57.
# - **c**: Used again and again on new sets of 30 games of one agent, the recipe misses the true mean in about 5 to 8 of 100 cases.
# - **d**: B is better than A: so large a gap between the intervals is hardly luck with the games.
# - **e**: The intervals of B and C overlap, so B and C are equally good.
# - **f**: To halve the width of A's interval takes about four times as many games.
# - **g**: With 3 games instead of 30 the recipe is as trustworthy as before; the interval only gets wider.
# - **h**: Train A once more with another seed: the interval says that the new network's mean is very likely between 44 and 57.
#
# Write `reading`, a dict with the eight letters as keys and `True` or `False` behind each: `{"a": True, "b": True, ...}`.
#
# <details><summary>Hint 1</summary>An interval of what? Say "of the mean" aloud before each statement.</details>
# <details><summary>Hint 2</summary>For a, c, f and g the answer stands in the outputs above; b and h ask what is promised, and of
# whom.</details>
# <details><summary>Hint 3</summary>Half of the statements a to d are true, and one of e to h.</details>

# %% exercise="08.1"
# SOLUTION BEGIN
# STUB reading = None  # {"a": True, "b": True, ...}
reading = {"a": False, "b": False, "c": True, "d": True, "e": False, "f": True, "g": False, "h": False}
# SOLUTION END

# %% check="08.1"
reading = checks.watch.reading(reading)

# %% [markdown]
# ### One lucky game
# Breakout has a jackpot. A ball that gets *behind* the wall bounces about up there and clears brick after brick while the paddle rests.
# Suppose that one of 30 games of a middling stage ends so, with 400 points. **Predict**: by how much does the mean rise?

# %%
my_guess = 1  # points
middle = stages[len(stages) // 2]
lucky = scores[middle].copy()
lucky[0] = 400
print(f"your guess: {my_guess}; DQN stage {middle}: mean {scores[middle].mean():.1f} before, {lucky.mean():.1f} with the lucky game")
print(f"                          median {np.median(scores[middle]):.1f} before, {np.median(lucky):.1f} with the lucky game")

# %% [markdown]
# One game in thirty has moved the mean, and it says nothing about the other 29. The **median** hardly notices. But the median looks at the
# one or two games in the middle only, and throws the rest away, which makes it wobble.
#
# Between the two lies the **interquartile mean** (IQM): put the games in order, drop the lowest quarter and the highest quarter, take the
# mean of the middle half. With $N$ games in order, $x_1 \le \dots \le x_N$, and $k = \lfloor N/4 \rfloor$:
#
# $$\text{IQM} = \frac{1}{N - 2k} \sum_{i = k + 1}^{N - k} x_i$$
#
# In code $\lfloor N/4 \rfloor$ is `int(N / 4)`: of 30 games, 7 go at each end and 16 stay.

# %% [markdown] exercise="08.2" points=2
# ### Exercise 08.2 · The interquartile mean
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `interquartile_mean(scores)`: a float array `[N]`, in any order, N at least 1; returns one float. The array that you are given stays
# as it is. Use NumPy, not scipy.
#
# `np.array([100., 1., 3., 5.])` gives `4.0`: in order 1, 3, 5, 100; one goes at each end; (3 + 5) / 2. With three games `int(3 / 4)` is 0,
# nothing goes, and `np.array([4., 8., 3.])` gives `5.0`.
#
# <details><summary>Hint 1</summary>Which games are the lowest quarter? You see it at once if they are in order.</details>
# <details><summary>Hint 2</summary><code>np.sort(scores)</code> gives a sorted copy; <code>scores.sort()</code> would change the caller's
# array. Then a slice.</details>
# <details><summary>Hint 3</summary><code>drop = int(len(scores) / 4)</code>, then the mean of <code>ordered[drop : len(ordered) -
# drop]</code>. (Why not <code>ordered[drop:-drop]</code>? Think of three games.)</details>

# %% exercise="08.2"
def interquartile_mean(scores):
    """Mean of the middle half of scores [N]: without the lowest and the highest int(N / 4). Returns a float."""
    # SOLUTION BEGIN
    ordered = np.sort(scores)
    drop = int(len(ordered) / 4)
    return float(ordered[drop : len(ordered) - drop].mean())
    # SOLUTION END


# %% check="08.2"
interquartile_mean = checks.watch.interquartile_mean(interquartile_mean)

# %% [markdown]
# The 30 games with the lucky one among them, in order; what the IQM drops is pale. **Before you look**: where will the IQM lie, near the
# mean or near the median?

# %%
lines = {"mean": lucky.mean(), "median": np.median(lucky), "IQM": interquartile_mean(lucky)}
figures.draw_kept(lucky, drop=7, lines=lines)

# %% [markdown]
# The lucky game is the tall pale bar at the right; it counts as "one of the best seven", and its height no longer matters.
#
# Which of the three is the *steadiest*? Back to the made-up agent, and to a twin that hits the jackpot in one game of 50. 2,000 sets of 30
# games each: how far does each measure wobble from set to set (its standard deviation)?

# %%
twin = np.where(rng.random(len(everything)) < 0.02, 400, everything)
measures = {"mean": np.mean, "median": np.median, "IQM": interquartile_mean}
print("wobble in points   no jackpots   some jackpots")
for name, measure in measures.items():
    wobbles = [np.std([measure(each) for each in rng.choice(population, (2_000, 30))]) for population in (everything, twin)]
    print(f"{name:16}   {wobbles[0]:11.1f}   {wobbles[1]:13.1f}")

# %% [markdown]
# Without jackpots mean and IQM are equally steady, and the median is worse. With some, the mean wobbles far more, the IQM hardly more than
# before. That is the case for it, and why Agarwal et al. (2021) advise it where games are few.
#
# One warning: it answers another question. If the jackpots are *skill*, the mean is right to count them. So we report both:

# %%
print("agent, stage              mean     IQM")
agree = []
for agent, agent_stages in live.shipped().items():
    for stage in agent_stages:
        evaluation = pretrained.find_stage(agent, stage)["evaluation"]
        each = np.array(evaluation["scores"])  # [30]
        agree.append(abs(interquartile_mean(each) - evaluation["iqm"]) < 0.01)  # the list's was computed by scipy's trim_mean
        print(f"{live.NAMES[agent]:17} {stage}   {each.mean():7.1f} {interquartile_mean(each):7.1f}")
print("yours agrees with scipy's trim_mean on every stage:", all(agree))

# %% [markdown]
# Go down the list: is there a stage whose mean and IQM lie far apart? Then look for its lucky games in the clouds of section 3.
#
# And this is how to speak of an agent honestly: thirty games, their seeds fixed beforehand, the mean with its interval, the IQM beside it.
# Lesson 09 is about publishing such a report.

# %% [markdown]
# ## 5 · What does it look at?
# A network of more than a million weights cannot be read. But it can be *asked*. Hide a small square of the screen, in all four frames,
# behind black, the background. If the scores of the actions stay as they were, nothing in that square mattered. If they jump, something
# did. Do that for squares all over the screen, and you get a map: **saliency by occlusion** (Greydanus et al. 2018 do it with a blur
# instead of black).
#
# With $f_a(x)$ the score of action $a$ for an observation $x$, and $x$ without square $ij$ written $x^{(ij)}$:
#
# $$S_{ij} = \sum_a \left|\, f_a(x^{(ij)}) - f_a(x) \,\right|$$
#
# For one square, by hand, at a moment of a recorded game of DQN's best stage:

# %%
lowest, highest = stages[0], stages[-1]
learners = {f"stage {s}": pretrained.load_learner(pretrained.stage_file("dqn", s)[0], FRAMEWORK)[0] for s in (lowest, highest)}
game = recorded_game("dqn", highest)
moments = figures.telling_moments(game)  # name -> step


def scores_of(observations, learner=learners[f"stage {highest}"]):
    """uint8 [B, 84, 84, 4] -> float32 [B, 3]: Q-values of the best stage."""
    return action_scores(learner, observations)


observation = game.observations[moments["the ball falls"]]  # [84, 84, 4]
wiped = observation.copy()
wiped[60:76] = 0  # rows 60 to 75, all columns, all frames: above the paddle
change = np.abs(scores_of(wiped[None]) - scores_of(observation[None])).sum()
print("wiping out a stripe above the paddle changes the scores:", bool(change > 0.01))

# %% [markdown] exercise="08.3" points=3
# ### Exercise 08.3 · Saliency by occlusion
# *Difficulty 3 of 5 · 3 points · about 15 minutes*
#
# Write `occlusion_saliency(scores_of, observation, size, stride)`.
#
# - `scores_of`: a function, uint8 `[B, H, W, C]` -> float32 `[B, A]`; a network, so call it with **all squares in one batch**, and once for
#   the original.
# - `observation`: uint8 `[H, W, C]`, which must stay as it is. `size`: side of a square in pixels. `stride`: from one square to the next.
# - Square `(i, j)` covers the rows from `i * stride` to `i * stride + size - 1`, and the columns likewise with `j`. Only squares that lie
#   wholly on the screen count: `(H - size) // stride + 1` rows of them, `(W - size) // stride + 1` columns.
# - Returns a float array `[rows, columns]`: $S_{ij}$ as above.
#
# An example: an observation of 4 x 6 pixels, and an agent that looks at row 1, column 4 only; without that pixel its two scores move by -4
# and +6. With `size=2, stride=2` there are 2 rows and 3 columns of squares; the map is `[[0, 0, 10], [0, 0, 0]]`.
#
# <details><summary>Hint 1</summary>Make one copy of the observation for each square, lay them in one batch, and wipe a different square out
# of each copy.</details>
# <details><summary>Hint 2</summary><code>wiped = np.repeat(observation[None], rows * columns, axis=0)</code> is the batch of copies, [rows
# * columns, H, W, C]. Copy number <code>place</code> belongs to row <code>place // columns</code> and column <code>place %
# columns</code>.</details>
# <details><summary>Hint 3</summary>In the loop <code>wiped[place, row : row + size, column : column + size] = 0</code>, where <code>row =
# stride * (place // columns)</code>; afterwards <code>np.abs(scores_of(wiped) - scores_of(observation[None])).sum(axis=1).reshape(rows,
# columns)</code>.</details>

# %% exercise="08.3"
def occlusion_saliency(scores_of, observation, size, stride):
    """How far the scores move when a square is wiped out: uint8 [H, W, C] -> float [rows, columns]."""
    # SOLUTION BEGIN
    rows, columns = ((length - size) // stride + 1 for length in observation.shape[:2])
    wiped = np.repeat(observation[None], rows * columns, axis=0)  # [rows * columns, H, W, C]
    for place in range(rows * columns):
        row, column = stride * (place // columns), stride * (place % columns)
        wiped[place, row : row + size, column : column + size] = 0
    change = np.abs(scores_of(wiped) - scores_of(observation[None]))  # [rows * columns, A]
    return change.sum(axis=1).reshape(rows, columns)
    # SOLUTION END


# %% check="08.3"
occlusion_saliency = checks.watch.occlusion_saliency(occlusion_saliency)

# %% [markdown]
# Now look, at three moments, through the eyes of the lowest and of the highest stage. **Predict**: what will be red: the ball, the paddle,
# the bricks, or the score at the top?

# %%
my_guess = "the ball"
SIZE, STRIDE = 8, 2
heats = {
    name: [
        figures.heat_of(occlusion_saliency(lambda seen: action_scores(learner, seen), game.observations[step], SIZE, STRIDE), SIZE, STRIDE)
        for step in moments.values()
    ]
    for name, learner in learners.items()
}
print("your guess:", my_guess)
figures.draw_saliency({name: game.frames[step] for name, step in moments.items()}, heats)

# %% [markdown]
# The top row is the screen. Below, dimmed, the same screens with the saliency of each stage: nothing where wiping a square changes little,
# yellow where it changes more, red where it changes most. (Each picture has its own scale: a low stage's scores are small altogether.)
#
# Did you expect colour on the **walls**, the one of bricks and those at the sides? Think of what we did. A black square in the black field
# takes the ball away and leaves nothing. A black square in a wall does not *hide* it: it shows a **hole** in the wall, which is a piece of
# news, and often one that no game has ever shown. Our eraser leaves marks.
#
# Greydanus et al. therefore **blur** the square: what is small and sharp dissolves, large areas stay much as they were. The function that
# you wrote can do that, too, if it wipes squares out of a *mask*, and where the mask is 0 the blurred frames show through:

# %%
def blur_saliency(scores_of, observation, size, stride):
    """As occlusion_saliency, with a blur in place of black: uint8 [84, 84, 4] -> float [rows, columns]."""
    blurred = cv2.GaussianBlur(observation, (0, 0), 3)  # [84, 84, 4], each frame by itself
    return occlusion_saliency(lambda masks: scores_of(np.where(masks == 1, observation, blurred)), np.ones_like(observation), size, stride)


heats = {
    name: [
        figures.heat_of(blur_saliency(lambda seen: action_scores(learner, seen), game.observations[step], SIZE, STRIDE), SIZE, STRIDE)
        for step in moments.values()
    ]
    for name, learner in learners.items()
}
figures.draw_saliency({name: game.frames[step] for name, step in moments.items()}, heats)

# %% [markdown]
# The same moments with the gentler eraser. What is hot now, and what has cooled down? Ball, paddle, a corner of the wall: where there are
# several places, they are what the network *combines*.
#
# Three pictures are three anecdotes. Count instead: at 24 moments of the game with the ball in sight, what does the *most* salient square
# cover? To be fair, the last bar shows what a square chosen by a throw of dice would cover. **Predict** the share of the ball for the
# lowest stage, the highest, and the dice.

# %%
my_guess = {"lowest": 0.5, "highest": 0.9, "dice": 0.3}
print("your guess:", my_guess)
steps, stride = spread_out(game, 24), 4
things = [figures.things_at(game, step, SIZE, stride) for step in steps]  # each [20, 20]: 0 ball, 1 paddle, 2 bricks, 3 none
shares = {}
for name, learner in learners.items():
    tops = [blur_saliency(lambda seen: action_scores(learner, seen), game.observations[step], SIZE, stride).argmax() for step in steps]
    covered = [thing.flat[top] for thing, top in zip(things, tops)]
    shares[name] = np.bincount(covered, minlength=4) / len(steps)
shares["by dice"] = np.mean([np.bincount(thing.ravel(), minlength=4) / thing.size for thing in things], axis=0)
figures.draw_looks(shares)

# %% [markdown]
# A row for each stage; red the ball, blue the paddle, orange bricks, grey anything else. Is the share of the ball larger than by dice? And
# did it grow with training? If the lowest stage, which hardly scores, has as much of it as the highest, think twice: a map says *where*
# scores move, not how well they are used, and a small bright thing that flies about moves the scores of a network that has learned next to
# nothing, too.
#
# So what you may conclude is: those pixels *matter to the scores*. What you may not: that the network "understands" what a ball is. And you
# have seen how much the answer depends on the eraser (Atrey et al. 2020 warn of both).

# %% [markdown]
# ## 6 · Where the heads disagree
# Bootstrapped DQN has ten heads, and where they differ, they have seen too little (lesson 07). The chain had 20 states; now let us ask the
# same of Breakout. For a minute of a recorded game of its best stage: the **spread** of the Q-values (over heads, then the mean over
# actions, your 07.6) and the share of heads **behind the winner** of the vote. **Predict**: are they of one mind while the ball flies up,
# or when it falls and is low?

# %%
my_guess = "while it flies up"
path, entry = pretrained.stage_file("bootstrapped_dqn")  # its highest stage
ensemble, _ = pretrained.load_learner(path, FRAMEWORK, "bootstrapped_dqn")
voted = recorded_game("bootstrapped_dqn", max_steps=900)
batches = np.array_split(np.array(voted.observations), len(voted) // 100 + 1)  # 100 observations or fewer at a time
q_values = np.concatenate([ensemble.q_values(batch) for batch in batches])  # [T, K, A]
spread = q_values.std(axis=1).mean(axis=1)  # [T]
winner = np.array(voted.action_scores).max(axis=1)  # [T], share of the votes
print("your guess:", my_guess)
figures.draw_heads(voted, spread, winner)

# %% [markdown]
# From top to bottom: points, spread, and votes for the winner, step by step; dotted red lines are lost balls. Below, the three moments of largest
# spread (A to C, red) and of smallest (D to F, blue), with their spread. Compare the screens: where is the ball in A to C? And how many
# bricks are gone in A to C, how many in D to F? Now the answer to your guess, over all steps:

# %%
rows = np.array([np.nan if ball is None else ball[0] for ball in map(find_ball, voted.frames[: len(voted)])])  # [T], of the ball
falls = np.diff(rows, prepend=np.nan) > 0
for name, where in (("on its way up", ~falls & ~np.isnan(rows)), ("falling and low", falls & (rows > 150))):
    print(f"ball {name:15}: spread {spread[where].mean():.2f}, behind the winner {winner[where].mean():.0%}")

# %% [markdown]
# In A to C the ball is low, near the paddle, and the scores above the screens say 23, 28 and 30: many bricks are gone. In D to F they say 1, 2
# and 10. When the ball is low, the heads are more of one mind about *what to do*, and no closer together about *how much* the future is worth: spread
# and votes need not agree. For playing only the votes count; for exploring, the spread is the map of what is unknown. (It grows as the
# game goes on, too: a wall with so many holes was a rarer sight in training.)

# %% [markdown]
# ## 7 · The tunnel
# The best trick in Breakout: dig a channel through the wall at one side, and send the ball behind it. Nobody told the agents about it, and
# there is no word for it in the program; there is only the reward. Which of our agents have found it? Two readings of the screen are
# enough:
#
# - the wall: rows 57 to 92, columns 8 to 151; 6 rows and 18 columns of bricks, each 6 pixels high and 8 wide;
# - behind it, rows 32 to 56: black, unless the ball is there.

# %%
def bricks(screen):
    """Which bricks stand, from the top row down: uint8 [210, 160, 3] -> bool [6, 18]."""
    lit = screen[57:93, 8:152].any(axis=2)  # [36, 144]
    return lit.reshape(6, 6, 18, 8).mean(axis=(1, 3)) > 0.5  # a brick counts if most of its pixels are lit


def is_behind(screen):
    """Is the ball behind the wall?"""
    return bool(screen[32:57, 8:152].any())


def break_through(game):
    """The first step at which the ball is behind the wall; None if it never is."""
    return next((step for step, screen in enumerate(game.frames) if is_behind(screen)), None)


print("bricks at the start:", bricks(game.frames[0]).sum(), " the ball is behind the wall:", is_behind(game.frames[0]))

# %% [markdown]
# **Predict**: how many bricks still stand when the ball gets through for the first time: some 90, 60, or 30 of the 108? And how many times as
# fast do the points come after that?

# %%
my_guess = {"bricks": 30, "times as fast": 2}
print("your guess:", my_guess)
tunnels = {}
for agent, agent_stages in live.shipped().items():
    for stage in agent_stages:
        played = recorded_game(agent, stage)
        step, points = break_through(played), np.r_[0, np.cumsum(played.rewards)]  # points[k]: those on screen k
        said = f"{live.NAMES[agent]:17} stage {stage}: {points[-1]:3.0f} points, "
        if step is None:
            print(said + "never behind the wall")
        else:
            before, after = 100 * points[step] / step, 100 * (points[-1] - points[step]) / max(len(played) - step, 1)
            print(said + f"through at step {step}, {bricks(played.frames[step]).sum()} bricks left; "
                  f"points per 100 steps: {before:.0f} before, {after:.0f} after")
        screen = played.frames[-1 if step is None else step].copy()  # a screen alone: the game's others may go
        tunnels.setdefault(agent, {})[stage] = (screen, points, step)

# %% [markdown]
# One recorded game each, so these lines are anecdotes again; and bricks further up are worth more (7 points in place of 1), which is part
# of any gain. The figure shows the stages of the agent that got through most often (of agents that tie, the first):

# %%
digger = max(tunnels, key=lambda agent: sum(step is not None for _, _, step in tunnels[agent].values()))
print("the stages of", live.NAMES[digger])
figures.draw_tunnels({f"stage {stage}": tunnel for stage, tunnel in tunnels[digger].items()})

# %% [markdown]
# Above, the wall at the moment of the break-through, or at the game's end where there was none ("never"). Below, the points so far, step by
# step; a red triangle marks the moment at which the ball first gets behind the wall. Look at how steep the lines are after it: that is what
# the reward has been teaching. A ball that works by itself, up to seven points a brick, and hardly any risk of losing it. (Where a line goes
# flat again, few bricks may be left to hit.)
#
# And as a film, from three seconds before the break-through (or before the game's end, if there was none):

# %% tags=["nbval-ignore-output"]
stage, (_, points, step) = max(tunnels[digger].items(), key=lambda item: (item[1][2] is not None, item[0]))
start = max((len(points) - 1 if step is None else step) - 45, 0)
play.show_video(recorded_game(digger, stage).frames[start : start + 225], width=480)

# %% [markdown]
# Watch the paddle while the ball is up there. Does it rest, or does it get ready? Then count, over that whole game:

# %%
screens = recorded_game(digger, stage).frames
moves = np.abs(np.diff([find_paddle(screen)[1] for screen in screens])) > 1  # more than a column from one screen to the next
up_there = np.array([is_behind(screen) for screen in screens[:-1]])
for name, where in (("behind the wall", up_there), ("elsewhere", ~up_there)):
    print(f"ball {name:15}: the paddle moves in {moves[where].mean():.0%} of the steps")

# %% [markdown]
# It moves less, yet it does not rest. A3C draws its actions: where all of them are equally good, it does them all.

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** A friend shows you one game of an agent: 210 points. Yours has a mean of 120 over 30 games. Whose is better?
# <details><summary>Answer</summary>You cannot know. Single games scatter by large factors (section 3), and a game that is <em>shown</em>
# has often been chosen. Ask for 30 games with seeds fixed in advance.</details>
#
# **2.** You train for a night, evaluate 20 snapshots with 30 games each, and publish the best one's score. What is wrong?
# <details><summary>Answer</summary>The best of 20 was also the luckiest of 20: part of its score is luck. Evaluate the chosen one again,
# with new seeds.</details>
#
# **3.** The mean says that agent X is ahead, the interquartile mean says Y. How can that be?
# <details><summary>Answer</summary>X has a few very high games (jackpots), Y is better in the middle half. Both are true; say which
# question you are asking.</details>
#
# **4.** You wipe squares out of the newest frame only, and find that the ball hardly matters. Is the network blind to it?
# <details><summary>Answer</summary>No: the ball is still there in the three older frames, and the network can work out the rest. That is
# why a square must go from all four.</details>
#
# **5.** Nobody programmed the tunnel. Where did it come from?
# <details><summary>Answer</summary>From exploration and reward: now and then a ball got behind the wall by chance, many points followed,
# and what had led to it was made more likely.</details>

# %% [markdown]
# ## What to try next
# 1. **The same stage, another way to act**: `course evaluate --agent a3c --stage 2 --policy greedy --episodes 30 --seed 10000`, then with
#    `--policy sampled`. *Expect*: two different means. Are their intervals apart? (`course stages` prints the list of all stages, with both
#    ways for A3C.)
# 2. **Do not trust us**: `course stages --verify --agent dqn --stage 2` plays the stage's 30 games again from the file. *Expect*: the
#    list's mean, and every game or nearly every game the same; on another processor a rounding may turn a game.
# 3. **Another agent's eyes**: in section 5 load the learners with `pretrained.stage_file("a3c", s)` and agent `"a3c"`, and take
#    `recorded_game("a3c")`. *Expect*: maps of the same kind, in other proportions; probabilities hardly move where the policy is certain,
#    so some maps are nearly empty before they are scaled.
#
# To keep a game as a video: `course play --agent a3c --stage 2`. And if you own the book's files, watch its agents, too: `course play
# --weights breakout_a3c_5_actor.h5`.
#
# ## References
# - Greydanus, Koul, Dodge, Fern: [Visualizing and understanding Atari agents](https://arxiv.org/abs/1711.00138). ICML 2018. Saliency by
#   blurring.
# - Agarwal et al.: [Deep reinforcement learning at the edge of the statistical precipice](https://arxiv.org/abs/2108.13264). NeurIPS 2021.
#   Intervals, and the interquartile mean.
# - Osband, Blundell, Pritzel, Van Roy: [Deep exploration via Bootstrapped DQN](https://arxiv.org/abs/1602.04621). NIPS 2016.
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015.
#   Its supplement has a film of the tunnel.
# - Efron: [Bootstrap methods: another look at the jackknife](https://doi.org/10.1214/aos/1176344552). Annals of Statistics 7, 1979.
# - Atrey, Clary, Jensen: [Exploratory not explanatory: counterfactual analysis of saliency maps for deep reinforcement
#   learning](https://arxiv.org/abs/1912.05743). ICLR 2020. What such maps do not prove.
#
# **Next**: [09 · Share your agent](09_share_your_agent.ipynb).
