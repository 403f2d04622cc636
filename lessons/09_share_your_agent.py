# %% [markdown]
# # 09 · Share your agent
# Two agents are looking for an audience. Run the next two cells and read their posters; every number on them is true.
#
# **Guess** before you go on: you may watch *one* game of *one* of the two, and get a sweet for every point. Which one do you choose?

# %%
import course_lib
import json
import re
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import gymnasium
import torch
import numpy as np
from gymnasium.wrappers import ClipReward, RecordEpisodeStatistics, RecordVideo, TransformObservation
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from course_lib import checks, pretrained, sharing
from course_lib.atari import Breakout
from course_lib.environments import make_game
from course_lib.evaluation import evaluate, greedy_policy
from course_lib.figures import share as figures
from course_lib.figures import use_course_style
from course_lib.recordings import recorded_game

# %%
FRAMEWORK = course_lib.framework()
torch.set_num_threads(1)
use_course_style()
posters = {"A": pretrained.find_stage("bootstrapped_dqn", 2)["evaluation"], "B": pretrained.find_stage("dqn", 3)["evaluation"]}
figures.draw_posters(posters["A"], posters["B"])

# %% [markdown]
# Now with all the games that each of them played:

# %%
my_choice = "A"
a, b = (np.array(posters[name]["scores"]) for name in "AB")  # [30] each
wins = (a[:, None] > b[None, :]).mean()  # of all 900 pairs of a game of A and a game of B
print(f"you chose {my_choice}; in {wins:.0%} of all pairs of games A has more points than B")
print(f"A's mean: {a.mean():.1f} points; without its best game: {np.sort(a)[:-1].mean():.1f}")
figures.draw_games(posters)

# %% [markdown]
# Each dot is a game, the black line above them the mean with its 95 % interval. A did score that much, **once**. Its poster shows a piece of
# luck, B's a habit.
#
# In the book behind this course, an agent was recorded with gym's `Monitor` and published with `gym.upload`. It got a page of its own, with
# films and a curve, and perhaps the mark *solved*. `Monitor`, `upload` and the pages are gone. Today an agent lives in a **model repository**,
# most often on the [Hub](https://huggingface.co/models?pipeline_tag=reinforcement-learning) of Hugging Face: a folder with its weights, a
# film, and a page that says what it is, its **card**. Anybody can make one in a minute, and write any number on it. So this lesson asks at
# each step: **why should a stranger believe you?**
#
# **You will be able to**
# - record games with two wrappers, and say in which order wrappers belong;
# - write an evaluation down so that any program can read it;
# - say what "solved" means, and why neither the best game nor the mean decides it;
# - write a model card that also says what the agent can *not* do;
# - make a folder that others can check, and publish it without giving your key away.
#
# **Minutes**: about 30. **You need**: lessons 04 and 08. No cell of this lesson sends anything anywhere.

# %% [markdown]
# ## 1 · Record
# A **wrapper** is an environment around an environment. It has the same `reset` and `step`, hands every call on to the one inside it, and does
# something in passing. gymnasium brings both halves of the old `Monitor`, and many more:
#
# | wrapper | what it does in passing |
# |---|---|
# | `RecordEpisodeStatistics(env)` | adds up rewards and steps; with a game's last step they are in `info["episode"]`, as `"r"` and `"l"` |
# | `RecordVideo(env, folder)` | takes a picture at every step and writes a film when the game is over |
# | `ClipReward(env, -1, 1)` | cuts each reward to at most 1, as DQN is trained (lesson 04) |
#
# To compare two orders fairly we need the same game twice. A recorded game has its seed and its moves, so we can play it again, move by move.
# **Predict**: once the statistics sit *outside* of the clipping, once *inside*. What do they say?

# %%
def replay(env, game):
    """Play a recorded game's moves again; returns what the statistics say at its end."""
    env.reset(seed=game.seed)
    for action in game.actions:
        *_, info = env.step(action)
    env.close()
    return info["episode"]


my_guess = "both the same"
game = recorded_game("dqn")  # of the best stage
outside = replay(RecordEpisodeStatistics(ClipReward(Breakout(), -1, 1)), game)
inside = replay(ClipReward(RecordEpisodeStatistics(Breakout()), -1, 1), game)
print("your guess:", my_guess)
print(f"statistics outside: {outside['r']:.0f} points in {outside['l']} steps")
print(f"statistics inside:  {inside['r']:.0f} points in {inside['l']} steps")

# %% [markdown]
# One game, two scores. A brick is worth 1, 4 or 7 points, and 1 after clipping: outside, the statistics count *bricks*. No error, no warning,
# and on a card it would be called "mean reward" all the same.

# %%
figures.draw_wrappers(reward=7)

# %% [markdown]
# The arrows are a reward of 7 on its way from the game to the agent, on the left in the right order, on the right in the wrong one. Each wrapper
# sees what the one inside it lets through. Hence the rule: **statistics innermost**, right around the game; whatever changes rewards or ends
# games early comes outside of them. (The film only looks at the screen; its place does not matter.)
#
# Something else has happened in passing, and it is no small thing. We have **checked a score**:

# %%
print(f"the recording says {game.score:.0f}, the emulator here says {inside['r']:.0f}")

# %% [markdown]
# A film shows a game. A seed and the moves let anybody play it again, and whoever cheated is found out. Keep that for section 5.
#
# Now with the network at the paddle, and with a camera. `episode_trigger` says which games are filmed; left to itself, `RecordVideo` takes
# numbers 0, 1, 8, 27, and so on.

# %% tags=["nbval-ignore-output"]
path, about = pretrained.stage_file("dqn")  # its best stage
learner, config = pretrained.load_learner(path, FRAMEWORK)
policy, rng = greedy_policy(learner, epsilon=0.01), np.random.default_rng(9)
workplace = tempfile.TemporaryDirectory()  # it is gone when this notebook ends
films = Path(workplace.name) / "films"

env = RecordEpisodeStatistics(make_game(config))
env = RecordVideo(env, str(films), episode_trigger=lambda episode: True, name_prefix="breakout")
observation, info = env.reset(seed=9)
over, points = False, 0
while not over:
    observation, reward, terminated, truncated, info = env.step(policy(observation[None], rng)[0])
    over, points = terminated or truncated, points + reward
env.close()  # writes the film

figures.show_film(films / "breakout-episode-0.mp4")

# %%
print("in the folder:", sorted(file.name for file in films.iterdir()))
print("the statistics agree with our own sum:", info["episode"]["r"] == points)

# %% [markdown]
# The film is written by `close`, or by the `reset` that begins the next game. Where the film of a last game is missing, somebody forgot to
# `close`.
#
# ## 2 · A number that a program can read
# A film is *one* game. The number on the page is made of many: of this agent, thirty, played with seeds 10,000 to 10,029. To leave it to other
# people's programs we write it down in **json**. A first attempt:

# %%
scores = np.array(about["evaluation"]["scores"], np.float32)  # [30]; rewards come as float32
try:
    print(json.dumps({"mean_reward": scores.mean()}))
except TypeError as error:
    print("json says:", error)

# %% [markdown]
# json knows numbers, texts, true and false, lists and dicts, and nothing else. NumPy has numbers of its own kinds, and json turns nearly all
# of them away. (It lets `float64` pass, which is a child of Python's `float`. So this mistake likes to hide until somebody saves memory.)
#
# Two more traps are waiting. **The spread.** "std" stands on many cards, the standard deviation of the games' scores. But there are two of
# that name: one divides the sum of the squares by $N$ (the *population's*), the other by $N - 1$ (the *sample's*).
#
# $$\sqrt{\frac{1}{N} \sum_i (x_i - \bar{x})^2} \qquad \text{or} \qquad \sqrt{\frac{1}{N - 1} \sum_i (x_i - \bar{x})^2}$$
#
# **Predict**: how far are they apart, for 30 games and for 3?

# %%
my_guess = "a tenth of a point"
print("your guess:", my_guess)
for few in (scores, scores[:3]):
    print(f"{len(few):2} games: population's {few.std():5.1f}, sample's {few.std(ddof=1):5.1f}")

# %% [markdown]
# Whoever compares two cards must know which one it is. Those on the Hub follow Stable-Baselines3's `evaluate_policy`, which takes the
# population's: `np.std` as it is.
#
# **The time.** Games, libraries and emulators change, so a result has a date. Three people write down when they finished, first as their clock
# has it, then in the standard form for moments, ISO 8601:

# %%
clocks = {"Seoul": 9, "London": 0, "New York": -5}  # hours from Greenwich, in winter
finished = {city: datetime(2026, 3, 1, 21, 5, tzinfo=timezone(timedelta(hours=hours))) for city, hours in clocks.items()}
for city, when in finished.items():
    print(f"{city:9} {when.strftime('%Y-%m-%d %H:%M')}   {when.isoformat()}")
print("hours between the first and the last:", (finished["New York"] - finished["Seoul"]).total_seconds() / 3600)

# %% [markdown]
# The left column calls all three the same. `isoformat` writes the distance from Greenwich, too, if the datetime knows it. (Yours does, if you
# ask with `datetime.now().astimezone()`.)

# %% [markdown] exercise="09.1" points=2
# ### Exercise 09.1 · An evaluation as json
# *Difficulty 2 of 5 · 2 points · about 8 minutes*
#
# Write `results(scores, is_deterministic, when)`. It gets the raw scores of whole games, a NumPy array `[N]` of any kind of number, which must
# stay as it is; whether the agent always took its best action; and a datetime that knows its time zone. It returns a dict of plain Python
# values, which json takes:
#
# | field | value |
# |---|---|
# | `"mean_reward"` | mean score, a float, not rounded |
# | `"std_reward"` | standard deviation of the scores (the population's), a float, not rounded |
# | `"is_deterministic"` | `True` or `False`, as given |
# | `"n_eval_episodes"` | number of games, an int |
# | `"eval_datetime"` | `when` as ISO 8601 text, with its time zone |
#
# For `np.array([2, 4, 4, 4, 5, 5, 7, 9], np.float32)`, `False` and Seoul's datetime above: `{"mean_reward": 5.0, "std_reward": 2.0,
# "is_deterministic": False, "n_eval_episodes": 8, "eval_datetime": "2026-03-01T21:05:00+09:00"}`.
#
# <details><summary>Hint 1</summary>Every value is handed to you, or is one call of NumPy away. What is left is to make NumPy's kinds into
# Python's.</details>
# <details><summary>Hint 2</summary><code>float(...)</code> and <code>int(...)</code> make Python's own numbers; <code>len(scores)</code> is one
# already.</details>
# <details><summary>Hint 3</summary><code>return {"mean_reward": float(scores.mean()), "std_reward": ..., "is_deterministic": is_deterministic,
# "n_eval_episodes": len(scores), "eval_datetime": when.isoformat()}</code>; the spread is made like the mean.</details>

# %% exercise="09.1"
def results(scores, is_deterministic, when):
    """An evaluation as json takes it.

    scores: raw scores of whole games, array [N]; is_deterministic: bool; when: a datetime with a time zone.
    Returns a dict with mean_reward, std_reward (the population's), is_deterministic, n_eval_episodes, eval_datetime (ISO 8601).
    """
    # SOLUTION BEGIN
    return {
        "mean_reward": float(np.mean(scores)),
        "std_reward": float(np.std(scores)),
        "is_deterministic": is_deterministic,
        "n_eval_episodes": len(scores),
        "eval_datetime": when.isoformat(),
    }
    # SOLUTION END


# %% check="09.1"
results = checks.share.results(results)

# %%
scores = np.array(about["evaluation"]["scores"])  # [30]
found = results(scores, is_deterministic=False, when=finished["Seoul"])  # False: one action in a hundred is random
text = json.dumps(found, indent=2)
print(text)
print("read again, it is the same:", json.loads(text) == found)

# %% [markdown]
# ## 3 · Solved?
# The old mark had a rule: the mean of 100 games in a row, at or above a bar that the game's makers had set. gymnasium still has these bars:

# %%
for name in ("CartPole-v1", "BreakoutDeterministic-v4"):
    print(name, "- bar:", gymnasium.spec(name).reward_threshold)

# %% [markdown]
# Nobody ever set one for Breakout; gym's page called such games *unsolved*. Whoever says that an agent "solves" Breakout must therefore bring a
# criterion along, and had better choose it **before** looking at the scores. Ours:
#
# > **Solved** means: over at least 30 games, with seeds fixed in advance, the **lower end** of the 95 % interval of the mean is at least 31.8.
#
# 31.8 is what a professional games tester scored on average, after about two hours of practice (Mnih et al. 2015, Extended Data Table 2).
# Random play scores 1.7 there. (It is a bar, not a summit: that paper's DQN made 401.2. And it is a crooked bar: the tester's games ended after
# five minutes, ours do not.)
#
# Why so strict? Here is stage 2 of each agent, and four ways to ask. **Predict**: which "yes" are left when we come to the last column?

# %%
RANDOM, HUMAN = 1.7, 31.8  # points
my_guess = "all three"
print("your guess:", my_guess)
print("stage 2 of          best game     upper end     mean          lower end")
for agent in ("dqn", "a3c", "bootstrapped_dqn"):
    evaluation = pretrained.find_stage(agent, 2)["evaluation"]
    low, high = evaluation["interval_95"]
    asked = (max(evaluation["scores"]), high, evaluation["mean"], low)
    print(f"{agent:19} " + " ".join(f"{value:5.1f} {'yes' if value >= HUMAN else '-':7}" for value in asked))

# %% [markdown]
# None. The best game makes everybody a master. The upper end lets everybody pass who *might* be good enough. And the mean lets in the agent of poster
# A, which owes it to one game in thirty: its interval is wide, and begins far below the bar. The interval knows about the luck, the mean does
# not.
#
# And why "seeds fixed in advance"? Imagine an agent whose true mean is 31, just below the bar. Its owners evaluate it: thirty games, an honest
# interval, not solved. So they try other seeds, and others again, and publish the first set of thirty that passes. **Predict**: of 1,000 such
# owners, how many show the mark after 20 attempts?

# %%
my_guess = 25
rng = np.random.default_rng(9)
games = rng.gamma(4, 31 / 4, (1_000, 20, 30))  # points: owner, attempt, game
drawn = rng.integers(30, size=(300, 30))  # which games a bootstrap draws, 300 times
lower = np.array([np.percentile(owner[:, drawn].mean(axis=2), 2.5, axis=1) for owner in games])  # [owner, attempt]
passed = np.maximum.accumulate(lower >= HUMAN, axis=1)  # at this attempt or before
print("your guess:", my_guess)
for attempts in (1, 5, 20):
    print(f"after attempt {attempts:2}: {passed[:, attempts - 1].sum():3} of 1,000 owners call their agent solved")

# %% [markdown]
# Nobody has lied about a single game. What they left out is how often they tried. So a claim says **which** games were played, and that they
# were all. (Choosing the best of 20 snapshots by these very games is the same trick, and so is to play on until it looks good.)

# %% [markdown] exercise="09.2" points=1
# ### Exercise 09.2 · Is it solved?
# *Difficulty 1 of 5 · 1 point · about 5 minutes*
#
# Write `is_solved(scores, interval, threshold=31.8)`: the scores of all games, an array `[N]`; the lower and the upper end of the 95 % interval of
# their mean; the bar. It returns `True` if there are **at least 30 games** and the **lower end is at least the threshold**, else `False`:
# Python's own, so that json takes it.
#
# 30 games with the interval `(31.8, 40.2)`: `True`. With `(31.7, 99.0)`: `False`. 29 games with `(200.0, 300.0)`: `False`.
#
# <details><summary>Hint 1</summary>Two conditions, and both must hold. Does either need the scores themselves, or only how many there
# are?</details>
# <details><summary>Hint 2</summary><code>interval[0]</code> is the lower end. "At least" is <code>&gt;=</code>.</details>
# <details><summary>Hint 3</summary><code>return bool(len(scores) &gt;= 30 and ...)</code>: comparing NumPy's numbers gives NumPy's kind of truth,
# hence the <code>bool</code>.</details>

# %% exercise="09.2"
def is_solved(scores, interval, threshold=31.8):
    """Does an agent meet the criterion?

    scores: array [N], one for each game; interval: (low, high) of their mean; threshold: points.
    Returns True or False.
    """
    # SOLUTION BEGIN
    return bool(len(scores) >= 30 and interval[0] >= threshold)
    # SOLUTION END


# %% check="09.2"
is_solved = checks.share.is_solved(is_solved)

# %% [markdown]
# Stage 2 is out, everywhere. **Predict** the first solved stage of each agent.

# %%
my_guess = {"dqn": 4, "a3c": 4, "bootstrapped_dqn": 4}
entries = pretrained.manifest()
solved = {}
for entry in entries:
    evaluation = entry["evaluation"]
    solved[entry["agent"], entry["stage"]] = is_solved(np.array(evaluation["scores"]), evaluation["interval_95"], HUMAN)
print("your guess:  ", my_guess)
print("first solved:", {agent: min(stage for name, stage in solved if name == agent and solved[name, stage]) for agent in my_guess})
figures.draw_solved(entries, solved, HUMAN)

# %% [markdown]
# The dotted line is the bar. A stage's thick line is the interval of its mean, green if it is solved and red if not; the black dot is the mean,
# the grey triangle the best game. Look for triangles above the bar whose line is red: those are the posters of this world.

# %% [markdown]
# ## 4 · The model card
# The page of a model repository is its file `README.md`, the **model card** (Mitchell et al. 2019). At its top, between two lines of `---`,
# stands what programs read: by that the Hub finds it, lists it and shows its score. Nobody writes that by hand:

# %%
def metadata(name, found):
    """What programs read of a card; found: what `results` returned."""
    measured = EvalResult(
        task_type="reinforcement-learning",
        dataset_type="BreakoutDeterministic-v4",
        dataset_name="BreakoutDeterministic-v4",
        metric_type="mean_reward",
        metric_value=f"{found['mean_reward']:.1f} +/- {found['std_reward']:.1f}",
    )
    tags = ["reinforcement-learning", "atari", "breakout"]
    return ModelCardData(model_name=name, license="mit", tags=tags, eval_results=[measured])


print(metadata("DQN", found).to_yaml())

# %% [markdown]
# The score was not typed in, it was *made* from the results. A number that stands in two places will differ one day, unless one of them is made
# from the other.
#
# And for people? What it is, how it was trained, how good it is, and how that was measured. Authors like to write that. What most cards lack
# is the other half: **what it cannot do**. That must be tried, too. So here is DQN's best stage in four worlds, which to a person would be
# nearly one. **Predict**: which change costs it most?

# %%
my_guess = "a third darker"
worlds = {
    "as trained": lambda seen: seen,
    "a pixel lower": lambda seen: np.roll(seen, 1, axis=0),
    "a third darker": lambda seen: (seen * 0.67).astype(np.uint8),
    "newest frame first": lambda seen: np.flip(seen, axis=2).copy(),  # its four frames in the other order
}
tried = {}
for name, change in worlds.items():
    env = RecordEpisodeStatistics(make_game(config))
    env = TransformObservation(env, change, env.observation_space)
    rng = np.random.default_rng(1)
    first, info = env.reset(seed=1)
    observation = first
    while "episode" not in info:
        observation, *_, info = env.step(policy(observation[None], rng)[0])
    env.close()
    tried[name] = (first[..., 3], info["episode"]["r"])
print("your guess:", my_guess)
figures.draw_limits(tried)

# %% [markdown]
# Above stands the picture at the start of each game as the network saw it, below the points of that game. (One game each: an anecdote, but a
# loud one. Change the seed.) A single row of pixels was enough. The network has not learned "keep the paddle under the ball". It has learned
# what to do at *these* pixels, in *this* order. A card must say so, or the next person puts your agent behind another preprocessing, and calls
# you a fraud.
#
# **Your turn** (no points for this one): choose an agent, and write its card. The second cell makes it, the third shows it as the Hub would.

# %%
my_card = {
    "agent": "dqn",  # or "a3c", or "bootstrapped_dqn"
    "stage": 5,
    "title": "A DQN that plays Breakout",
    "what it is": "A convolutional network that presses one of three buttons, fifteen times a second, from the last four screens.",
    "what it cannot do": "Anything else. It needs its own pixels, 84 x 84, grey, four frames, oldest first: a row lower, it is lost.",
}

# %%
entry = pretrained.find_stage(my_card["agent"], my_card["stage"])
evaluation = entry["evaluation"]
low, high = evaluation["interval_95"]
scores = np.array(evaluation["scores"])  # [30]
found, passed = results(scores, False, finished["Seoul"]), is_solved(scores, (low, high))
card = ModelCard(f"""---
{metadata(my_card["title"], found).to_yaml()}
---
# {my_card["title"]}
{my_card["what it is"]} Trained for {entry["agent_steps"]:,} agent steps ({entry["hours"]:.1f} hours).

**How good it is**: {evaluation["mean"]:.1f} points on average, 95 % interval {low:.1f} to {high:.1f}, {evaluation["episodes"]} games,
seeds {evaluation["seeds"][0]} to {evaluation["seeds"][-1]}, fixed in advance. Solved: {"yes" if passed else "no"}.

**What it cannot do**: {my_card["what it cannot do"]}
""")
print("a program reads:", card.data.eval_results[0].metric_value)

# %% tags=["nbval-ignore-output"]
figures.show_card(card)

# %% [markdown]
# ## 5 · The folder
# All of this by one command, `course share FOLDER --agent dqn --stage 3`. It plays 30 games and one more for the film, which takes a while;
# so here we ask its function for **three** games. **Predict**: stage 3 is solved, as you have seen. Will this card say so?

# %%
my_guess = "solved"
weights, _ = pretrained.stage_file("dqn", 3)
learner, config = pretrained.load_learner(weights, FRAMEWORK)
folder = Path(tempfile.mkdtemp(dir=workplace.name)) / "breakout-dqn"
sharing.make_folder(folder, weights, "dqn", learner, config, episodes=3)
told = json.loads((folder / "results.json").read_text())
print(f"your guess: {my_guess}; the card: {'solved' if told['solved'] else 'not solved'}, with {told['n_eval_episodes']} games")

# %% [markdown]
# Three games are too few, however high. What lies in the folder?

# %%
purposes = {
    "README.md": "the card: for people, and at its top for programs",
    "config.json": "which pixels, actions and layers it needs, and all settings of its training",
    "model.safetensors": "the weights: numbers and their names, nothing else",
    "replay.mp4": "a game, recorded as in section 1",
    "results.json": "your five fields, and besides them every game's score, length and seed",
}
for file in sorted(folder.iterdir()):
    print(f"{file.name:18} {purposes[file.name]}")

# %% [markdown]
# Why *safetensors*? Many models are shared as Python's pickles, and to load a pickle is to run a program that a stranger wrote. A safetensors
# file holds numbers; the worst that it can do is to play badly.
#
# The card, as its visitors will see it:

# %% tags=["nbval-ignore-output"]
figures.show_card(ModelCard.load(folder / "README.md"), film=folder / "replay.mp4")

# %% [markdown]
# Now be the stranger. Take the folder, nothing else, and play the games of its table again, with the seeds that it names. **Predict**: how
# many of the three scores come out the same?

# %%
my_guess = 0
again, settings = pretrained.load_learner(folder / "model.safetensors", FRAMEWORK, told["agent"])
played = evaluate(greedy_policy(again, epsilon=0.01), settings, episodes=3, seed=told["seeds"][0])
print(f"your guess: {my_guess}; the same: {(played.scores == told['scores']).sum()} of 3")

# %% [markdown]
# That is what makes a number trustworthy: not that it is high, and not that you are honest, but that **anybody can check it**. Weights,
# pixels, actions, seeds and versions are in the folder, and the numbers follow. (On another processor a rounding may turn a move, and with it a
# game. Then the intervals should still agree, and 30 games will show it.)

# %% [markdown]
# ## 6 · Publish
# Two lines in a terminal. The first makes a folder, of thirty games. The second sends it to the Hub, all files or none, into the repository
# `you/breakout-dqn`, which it makes if there is none:
#
# ```
# course share breakout-dqn --agent dqn --stage 3
# course share breakout-dqn --push you/breakout-dqn
# ```
#
# The Hub wants to know that it is you. For programs, you make a **token** there (*Settings → Access Tokens*, with the right to write): a long
# word that begins with `hf_` and opens your account like a password. You tell it to your computer once, with `hf auth login`. Where it must
# never stand is **in a notebook**: notebooks are shared, printed, committed, and robots search all that is public for tokens.
#
# What if there is no token, or no network? `push_as_nobody` runs the command as somebody who has neither. **Predict**: is the folder still
# there afterwards?

# %%
my_guess = "gone"
print(figures.push_as_nobody(folder, "you/breakout-dqn"))
print(f"your guess: {my_guess}; the folder has {len(list(folder.iterdir()))} files")

# %% [markdown]
# One sentence that says what to do, and nothing is lost. `--private` makes a repository that only you can read: a good first try.
#
# One look before you publish, for what is out cannot be called back: does a file hold a token, or name a folder of your computer?

# %%
private = rb"hf_\w{20,}|" + b"|".join(re.escape(str(place).encode()) for place in (weights.parent, workplace.name))
print("files with something private in them:", [file.name for file in folder.iterdir() if re.search(private, file.read_bytes())])

# %% [markdown]
# ## Quiz
# Answer in your head, then unfold.
#
# **1.** A wrapper ends the episode with each lost ball, and the statistics sit outside of it. What does their mean say?
# <details><summary>Answer</summary>The points of one ball. A game has five, so the agent looks about five times as bad as it is. Statistics
# belong inside, next to the game.</details>
#
# **2.** A card says "412 +/- 9". What do you ask?
# <details><summary>Answer</summary>Of how many games, which, and how were they chosen? With which pixels and settings? And why so little spread:
# single games usually scatter by a factor of four and more (lesson 08). Perhaps all games began alike, and it is one game many times.</details>
#
# **3.** 30 games, interval 31.2 to 45.0: not solved. You play 30 more, and of all 60 the interval is 32.9 to 42.3. Solved?
# <details><summary>Answer</summary>By the letter, yes, if all 60 count. But you played on <i>because</i> the first 30 failed, and would have
# stopped had they passed: that is another attempt. Decide on 60 games beforehand, take new seeds, and count those.</details>
#
# **4.** Somebody offers you a better agent, as a pickle. What do you do?
# <details><summary>Answer</summary>Do not load it: that runs whatever program is in it. Ask for safetensors, or for a file that holds only
# numbers.</details>
#
# **5.** You have published a notebook with your token in it, and deleted it after a minute. Is all well?
# <details><summary>Answer</summary>No. The history keeps it, and a robot may have read it. Revoke the token on the Hub's page, and make a new
# one.</details>

# %% [markdown]
# ## What to try next
# 1. **The narrow one**: `course share shared-a3c --agent a3c --stage 2` plays 30 games with other seeds than ours. *Expect*: a mean some points
#    away from our 29.9, perhaps beyond the bar, and still not solved, for the interval reaches below it. Which of the two sets would you
#    rather publish? There it is again.
# 2. **Your own agent**: after some hours of `course train dqn --preset fast --run runs/mine` comes `course share my-agent --weights
#    runs/mine/best.safetensors`. *Expect*: usually a mean below the best evaluation in the run's log. That one was the luckiest of many;
#    these games chose nothing.
# 3. **A lower bar**: which stages are better than random play? Ask `is_solved` with `RANDOM` as the threshold. *Expect*: all but the
#    first of each agent; A3C's first has the bar inside its interval.
#
# ## References
# - Mnih et al.: [Human-level control through deep reinforcement learning](https://www.nature.com/articles/nature14236). Nature 518, 2015. The
#   tester's scores and how they were made: Methods, and Extended Data Table 2.
# - Mitchell et al.: [Model cards for model reporting](https://arxiv.org/abs/1810.03993). FAT* 2019.
# - Henderson et al.: [Deep reinforcement learning that matters](https://arxiv.org/abs/1709.06560). AAAI 2018. How much seeds decide.
# - Machado et al.: [Revisiting the Arcade Learning Environment](https://arxiv.org/abs/1709.06009). JAIR 61, 2018. What to say of an Atari score.
# - Agarwal et al.: [Deep reinforcement learning at the edge of the statistical precipice](https://arxiv.org/abs/2108.13264). NeurIPS 2021.
# - Documentation: [gymnasium, recording agents](https://gymnasium.farama.org/introduction/record_agent/), [the Hub, model
#   cards](https://huggingface.co/docs/hub/model-cards), [tokens](https://huggingface.co/docs/hub/security-tokens),
#   [safetensors](https://huggingface.co/docs/safetensors).
#
# **Next**: [10 · The bug museum](10_bug_museum.ipynb): nine bugs that no score reveals, and how to prove each.
