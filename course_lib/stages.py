"""The shipped stages: their table, from the manifest, and whether the manifest is right, from the files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.table import Table

from course_lib import pretrained
from course_lib.errors import CourseError
from course_lib.evaluation import Scores, evaluate, greedy_policy, sampled_policy

EPISODES, EPSILON, SEED = 30, 0.01, 10_000  # seeds apart from those by which training chose its best weights
EVALUATIONS = {
    "dqn": {"evaluation": {"epsilon": EPSILON}},
    "bootstrapped_dqn": {"evaluation": {"policy": "vote", "epsilon": EPSILON}},
    "a3c": {"evaluation": {"policy": "sampled"}, "greedy_evaluation": {"epsilon": EPSILON}},  # as it is trained, first
}
"""How each agent's stages are evaluated: name in the manifest -> how actions are chosen."""
RESULTS = {"mean", "median", "iqm", "interval_95", "scores", "lengths"}
"""What comes out of an evaluation; all else in it is how it was made."""


def entries(agent: str | None = None, stage: int | None = None) -> list[dict]:
    """The manifest's entries of an agent (None: of all), of one stage or of all."""
    if stage is not None:
        agents = [agent] if agent else sorted({entry["agent"] for entry in pretrained.manifest()})
        return [pretrained.find_stage(name, stage) for name in agents]
    found = [entry for entry in pretrained.manifest() if agent in (None, entry["agent"])]
    return found if found or agent is None else [pretrained.find_stage(agent)]  # which says that there are none


def table(chosen: list[dict]) -> Table:
    """Agent, stage, agent steps, hours, mean score and its interval, size of the file; a policy has a row more for greedy play."""
    names = ("agent", "stage", "agent steps", "hours", "actions", f"mean of {EPISODES} games", "95 % interval", "size")
    columns = Table(*names, title="Shipped stages")
    for entry in chosen:
        size = f"{(pretrained.FOLDER / entry['file']).stat().st_size / 1e6:.1f} MB" if (pretrained.FOLDER / entry["file"]).is_file() else "missing"
        about = (entry["agent"], str(entry["stage"]), f"{entry['agent_steps']:,}", f"{entry['hours']:.2f}")
        for name, manner in EVALUATIONS[entry["agent"]].items():
            evaluation = entry[name]
            low, high = evaluation["interval_95"]
            columns.add_row(*about, manner.get("policy", "greedy"), f"{evaluation['mean']:.1f}", f"{low:.1f} to {high:.1f}", size)
            about, size = ("", "", "", ""), ""
    return columns


def evaluate_file(path: Path, agent: str, framework: str, on_game_over: Callable[[int], None] | None = None) -> dict[str, dict]:
    """Evaluate a weight file as the manifest does: name -> how, mean, interval, every game."""
    learner, config = pretrained.load_learner(path, framework, agent)
    results = {}
    for name, manner in EVALUATIONS[agent].items():
        policy = sampled_policy(learner) if manner.get("policy") == "sampled" else greedy_policy(learner, manner["epsilon"])
        results[name] = {"episodes": EPISODES} | manner | evaluate(policy, config, EPISODES, SEED, on_game_over).summary()
    return results


def verify(entry: dict, framework: str, on_game_over: Callable[[int], None] | None = None) -> Iterator[tuple[bool, str]]:
    """Is the manifest right about a stage? Yields (right, sentence): file, arithmetic, order, and every game played again."""
    name = f"{entry['agent']} stage {entry['stage']}"
    try:
        path, entry = pretrained.stage_file(entry["agent"], entry["stage"])  # the manifest as it is now
    except CourseError as error:
        yield False, f"{name}: {error}"
        return
    if entry["emulator_frames"] != entry["agent_steps"] * pretrained.load_weights(path, entry["agent"])[1].frame_skip:
        yield False, f"{name}: {entry['emulator_frames']} emulator frames are not those of {entry['agent_steps']} agent steps"
    yield from verify_order(entry)
    again = evaluate_file(path, entry["agent"], framework, on_game_over)
    for key, manner in EVALUATIONS[entry["agent"]].items():
        yield compare(f"{name}, {manner.get('policy', 'greedy')}", entry[key], again[key])


def verify_order(entry: dict) -> Iterator[tuple[bool, str]]:
    """A stage's intervals lie above those of the stage before it."""
    if entry["stage"] - 1 not in pretrained.stages(entry["agent"]):
        return
    before = pretrained.find_stage(entry["agent"], entry["stage"] - 1)
    for key in EVALUATIONS[entry["agent"]]:
        (low, _), (_, high) = entry[key]["interval_95"], before[key]["interval_95"]
        if low <= high:
            yield False, f"{entry['agent']} stage {entry['stage']}: its interval begins at {low}, which is not above stage {entry['stage'] - 1}'s end, {high}"


def compare(name: str, told: dict, again: dict) -> tuple[bool, str]:
    """One evaluation against the same games played again: (right, sentence).

    On the machine that wrote the manifest every game is the same. Elsewhere a last bit may turn a move, and with it all games that are still
    played beside it; so some games, the short ones, must be the same, and the intervals overlap.
    """
    if told == again:
        return True, f"{name}: mean {again['mean']}, every game as the manifest says"
    if told.keys() != again.keys() or any(told[key] != again[key] for key in told.keys() - RESULTS):
        return False, f"{name}: the manifest's games were not played as all others are (episodes, policy, epsilon, seeds)"
    if len(told["scores"]) != EPISODES or len(told["lengths"]) != EPISODES:
        return False, f"{name}: {len(told['scores'])} scores and {len(told['lengths'])} lengths are not those of {EPISODES} games"
    follows = Scores(*(np.array(told[key]) for key in ("scores", "lengths", "seeds"))).summary()
    if any(told[key] != follows[key] for key in follows):
        return False, f"{name}: the manifest's mean, median or interval do not follow from its own {len(told['scores'])} scores"
    (low, high), (told_low, told_high) = again["interval_95"], told["interval_95"]
    same = sum(a == b for a, b in zip(zip(again["scores"], again["lengths"]), zip(told["scores"], told["lengths"])))
    said = f"{name}: mean {again['mean']} ({low} to {high}), the manifest says {told['mean']} ({told_low} to {told_high}); {same} of {EPISODES} games are the same"
    return same > 0 and low <= told_high and told_low <= high, said
