"""README.md of a shared agent: the metadata that Hugging Face lists agents by, and in words what was measured, how to play it, what it is not good for."""

from __future__ import annotations

from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from course_lib.atari import ACTIONS, GAME_ID
from course_lib.config import Config
from course_lib.recording import EVALUATION_SEED
from course_lib.recordings import LONGEST

LIBRARY = "breakout-from-pixels"
AGENTS = {"dqn": ("DQN", "Mnih et al. 2015"), "bootstrapped_dqn": ("Bootstrapped DQN", "Osband et al. 2016"), "a3c": ("A3C", "Mnih et al. 2016")}
PIXELS = {
    "grey": "84 x 84, grey",
    "binary": "84 x 84, cropped to the playing field, each pixel lit or not",
    "book": "84 x 84, grey, each the brighter of two successive screens",
}

BODY = """\
---
{{ card_data }}
---

# {{ name }} plays Breakout

{{ "An" if name == "A3C" else "A" }} {{ name }} agent ({{ paper }}) that plays Atari Breakout, `{{ game }}`, from its pixels. It was measured with the course *Breakout from
pixels*, which plays this one file of weights in PyTorch and in Keras.

<video src="replay.mp4" controls muted playsinline width="560" aria-label="A game of Breakout"></video>

In [replay.mp4](replay.mp4) it scores **{{ "%.0f" % results.replay.score }}** in {{ "{:,}".format(results.replay.length) }} agent steps (seed {{ results.replay.seed }}
{%- if results.replay.length > longest %}; the video ends after five minutes{% endif %}). That is one game; how good the agent is, the table says.

## How good it is

| | |
|---|---|
| mean score | **{{ "%.1f" % results.mean_reward }}**, 95 % bootstrap interval {{ "%.1f to %.1f" % (results.interval_95[0], results.interval_95[1]) }} |
| standard deviation of a game | {{ "%.1f" % results.std_reward }} |
| median; interquartile mean | {{ "%.1f; %.1f" % (results.median, results.iqm) }} |
| lowest; highest score | {{ "%.0f; %.0f" % (results.scores | min, results.scores | max) }} |
| mean length of a game | {{ "{:,.0f}".format(results.lengths | sum / results.lengths | length) }} agent steps |
| games | {{ results.n_eval_episodes }}, seeds {{ results.seeds[0] }} to {{ results.seeds[-1] }} |
| actions | {{ results.policy }} |
| measured | {{ results.eval_datetime[:10] }}, with {% for name, version in results.versions.items() %}{{ name }} {{ version }}{{ ", " if not loop.last }}{% endfor %} |
| **solved** | **{{ "yes" if results.solved else "no" }}** |

{{ results.criterion }} {{ verdict }} (The tester's games ended after five minutes; of these {{ results.n_eval_episodes }} games {{ long or "none" }} went on longer.)

Every game's score, length and seed is in [results.json](results.json). The course's training chooses its best weights by other games, seeds {{ chosen_by[0] }} to {{ chosen_by[1] }}.

## Play it

In the course's folder, its environment active, with this repository in `FOLDER`:

```
course play --weights FOLDER/model.safetensors{{ play_options }}
course evaluate --weights FOLDER/model.safetensors{{ play_options }} --episodes {{ results.n_eval_episodes }} --seed {{ results.seeds[0] }}
```

The first films a game; the second plays the games of the table again (on another kind of machine a last bit may turn a move, and with it a score).
`--framework keras` does either in Keras. Without the course, `safetensors.numpy.load_file` reads the weights: arrays in Keras' layout, named by layer, which [config.json](config.json) describes.

## What it sees and does

It sees the last {{ config.history }} screens, {{ pixels }}, and chooses {{ actions }} for {{ config.frame_skip }} frames of the emulator at a time. The environment serves the ball, at
the start and after every lost ball. A game begins with 0 to {{ config.noop_max }} idle frames and is cut off after {{ "%.0f" % (config.max_frames / 3600) }} minutes.

## How it was trained

| | |
|---|---|
{% for what, value in training.items() -%}
| {{ what }} | {{ value }} |
{% endfor %}
The settings that its file carries are in [config.json](config.json).

## What it is not good for

- It knows one game, in this set-up: no sticky actions, {{ config.frame_skip }} frames for an action, these pixels. In another one (`ALE/Breakout-v5`) it has not been tried, and scores
  made there do not compare with these.
- Other pixels ruin it, the screen a row lower or its frames in another order among them: with DQN that was tried, and it scored next to nothing.
- It never had to serve; where the environment leaves that to the agent, it has not been tried.
- One game says little (see the standard deviation). Compare means of {{ min_episodes }} games or more, with their intervals.
"""


def model_card(results: dict[str, Any], config: Config, training: dict[str, str], play_options: str = "") -> ModelCard:
    """The card of an agent. results: what results.json holds; training: what is known of it, name -> words; play_options: what
    `course play` must be told to play as was measured, with a blank in front."""
    name, paper = AGENTS[results["agent"]]
    measured = EvalResult(
        task_type="reinforcement-learning",
        task_name="reinforcement-learning",
        dataset_type=GAME_ID,
        dataset_name=GAME_ID,
        metric_type="mean_reward",
        metric_name="mean_reward",
        metric_value=score_of(results),
    )
    data = ModelCardData(
        license="mit",
        library_name=LIBRARY,
        tags=["deep-reinforcement-learning", "reinforcement-learning", "atari", "breakout", GAME_ID, results["agent"].replace("_", "-")],
        model_name=name,
        eval_results=[measured],
    )
    *others, last = ACTIONS[config.num_actions][1]
    card = ModelCard.from_template(
        data,
        template_str=BODY,
        name=name,
        paper=paper,
        game=GAME_ID,
        results=results,
        config=config,
        pixels=PIXELS[config.preprocessing],
        actions=f"{', '.join(others)} or {last}",
        training=training,
        play_options=play_options,
        verdict=verdict(results),
        long=sum(length > LONGEST for length in results["lengths"]),
        longest=LONGEST,
        min_episodes=results["min_episodes"],
        chosen_by=(EVALUATION_SEED, EVALUATION_SEED + config.evaluation_episodes - 1),
    )
    card.text += "\n"
    return card


def score_of(results: dict[str, Any]) -> str:
    """The score as the hub's cards of reinforcement learning have it."""
    return f"{results['mean_reward']:.1f} +/- {results['std_reward']:.1f}"


def verdict(results: dict[str, Any]) -> str:
    """Does the agent meet the criterion, and why?"""
    if results["solved"]:
        return f"By that, this agent has solved Breakout: the lower end is {results['interval_95'][0]:.2f}."
    few = results["n_eval_episodes"] < results["min_episodes"]
    why = f"{results['n_eval_episodes']} games are too few" if few else f"the lower end is {results['interval_95'][0]:.2f}"
    return f"By that, this agent has not solved Breakout: {why}."
