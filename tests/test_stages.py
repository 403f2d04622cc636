"""The table of stages, and whether it is believed: every way in which a manifest can be wrong is found."""

import copy
import json

import numpy as np
import pytest

from course_lib import cli, pretrained, stages
from course_lib.config import A3C_SMOKE, SMOKE
from course_lib.errors import CourseError
from course_lib.evaluation import Scores
from course_lib.learners import make_learner

EPISODES = 3


def entry_of(agent, stage, config, seed=0):
    """Ship fresh weights, as honestly as `course ship` does."""
    path = pretrained.FOLDER / agent / f"stage{stage}.safetensors"
    pretrained.save_weights(path, make_learner(config, "torch", (84, 84, 4), 3, seed).get_weights(), config, dtype=np.float16)
    about = {"agent": agent, "stage": stage, "file": f"{agent}/stage{stage}.safetensors", "sha256": pretrained.sha256(path)}
    about |= {"agent_steps": 1_000 * stage, "emulator_frames": 4_000 * stage, "hours": 0.25 * stage}
    about |= {"actions": ["stay", "right", "left"], "preprocessing": "grey"}
    return about | stages.evaluate_file(path, agent, "torch")


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    """Two agents with a stage each, and a function that writes changed entries."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    monkeypatch.setattr(stages, "EPISODES", EPISODES)
    entries = [entry_of("a3c", 1, A3C_SMOKE), entry_of("dqn", 1, SMOKE)]

    def write(change=lambda entries: None):
        changed = copy.deepcopy(entries)
        change(changed)
        (tmp_path / "manifest.json").write_text(json.dumps(changed))

    write()
    return write


def test_an_honest_manifest(manifest, capsys):
    assert cli.main(["stages", "--verify"]) == 0
    out = capsys.readouterr().out
    assert "1,000" in out and "0.25" in out and "sampled" in out and "greedy" in out
    assert out.count("every game as the manifest says") == 3 and "right about 2 stages" in out


def test_a_table_of_one_agent_or_stage(manifest, capsys):
    assert cli.main(["stages", "--agent", "dqn"]) == 0
    out = capsys.readouterr().out
    assert "dqn" in out and "a3c" not in out and "every game" not in out
    assert cli.main(["stages", "--stage", "1"]) == 0
    assert "dqn" in (out := capsys.readouterr().out) and "a3c" in out
    for wrong, sentence in ((["--stage", "4"], "no stage 4 of a3c; shipped: 1"), (["--agent", "bootstrapped_dqn"], 'no trained "bootstrapped_dqn" agent')):
        assert cli.main(["stages", *wrong]) == 2
        assert sentence in capsys.readouterr().err


def set_scores(entries, change, which=1):
    """Scores that nobody played, with the mean and interval that follow from them."""
    told = entries[which]["evaluation"]
    told |= Scores(change(np.array(told["scores"])), np.array(told["lengths"]), np.array(told["seeds"])).summary()


@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda entries: entries[1]["evaluation"].update(mean=99.0), "do not follow from its own 3 scores"),
        (lambda entries: entries[1]["evaluation"].update(interval_95=[0, 99]), "do not follow from its own 3 scores"),
        (lambda entries: entries[1]["evaluation"]["scores"].pop(), "2 scores and 3 lengths are not those of 3 games"),
        (lambda entries: set_scores(entries, lambda scores: scores + 300), "the manifest says 30"),
        (lambda entries: set_scores(entries, lambda scores: 1.15 * scores + 0.1), "0 of 3 games are the same"),
        (lambda entries: entries[1]["evaluation"].update(seeds=[1, 2, 3]), "were not played as all others are"),
        (lambda entries: entries[1]["evaluation"].update(epsilon=0.05), "were not played as all others are"),
        (lambda entries: entries[1]["evaluation"].update(lengths=[1, 2, 3]), "0 of 3 games are the same"),
        (lambda entries: entries[1].update(emulator_frames=9), "9 emulator frames are not those of 1000 agent steps"),
        (lambda entries: entries[0]["greedy_evaluation"].update(mean=99.0), "a3c stage 1, greedy: the manifest's mean"),
        (lambda entries: entries[1].update(sha256="0" * 64), "checksum"),
        (lambda entries: entries[1].update(preprocessing="binary"), "other actions or pixels"),
        (lambda entries: entries[1].update(file="dqn/none.safetensors"), "missing; restore"),
    ],
)
def test_every_kind_of_lie_is_found(manifest, capsys, change, sentence):
    manifest(change)
    assert cli.main(["stages", "--verify"]) == 2
    captured = capsys.readouterr()
    assert "✗ " in captured.out and sentence in captured.out
    assert captured.err.splitlines()[-1].startswith("course: The manifest is wrong in 1 of these lines")
    assert captured.out.count("✓") >= 2  # the others are right


def test_stages_in_the_wrong_order(manifest, capsys):
    """Stage 2 must lie above stage 1; the same games twice do not."""

    def add(entries):
        second = entry_of("dqn", 2, SMOKE)
        entries.append(second)

    manifest(add)
    assert cli.main(["stages", "--verify", "--agent", "dqn"]) == 2
    assert "dqn stage 2: its interval begins at" in capsys.readouterr().out


def test_another_machines_rounding_is_forgiven():
    """The shortest games the same, then others, as a last bit turns them, with a mean that the interval knows: right, and told."""
    rng = np.random.default_rng(0)
    told, again = (rng.integers(50, 150, 30).astype(float) for _ in range(2))
    again[:4] = told[:4]

    def summary(scores):
        return Scores(scores, np.arange(30) + 100, np.arange(30)).summary()

    right, sentence = stages.compare("x", summary(told), summary(again))
    same = (told == again).sum()
    assert right and f"the manifest says {summary(told)['mean']}" in sentence and f"{same} of 30 games are the same" in sentence
    assert not stages.compare("x", summary(told), summary(np.where(np.arange(30) < 4, told, again - 80)))[0]
    assert not stages.compare("x", summary(told), summary(told + 1))[0]  # near, but no game is the same


def test_the_shipped_manifest_is_in_order():
    """Five stages of each agent, each interval above the one before; small enough for a clone."""
    assert {agent: pretrained.stages(agent) for agent in stages.EVALUATIONS} == dict.fromkeys(stages.EVALUATIONS, [1, 2, 3, 4, 5])
    assert [sentence for entry in pretrained.manifest() for _, sentence in stages.verify_order(entry)] == []
    assert sum(path.stat().st_size for path in pretrained.FOLDER.rglob("*") if path.is_file()) < 80e6
    for entry in pretrained.manifest():
        for told in (entry[name] for name in stages.EVALUATIONS[entry["agent"]]):
            follows = Scores(*(np.array(told[key]) for key in ("scores", "lengths", "seeds"))).summary()
            assert follows == {key: told[key] for key in follows} and told["seeds"] == list(range(10_000, 10_030))


@pytest.mark.parametrize("agent", stages.EVALUATIONS)
def test_a_shipped_stage_is_verified(agent):
    """The quickest one of each agent, every game again."""
    entry = pretrained.find_stage(agent, 1)
    said = list(stages.verify(entry, "torch"))
    assert said and all(right for right, _ in said), said


@pytest.mark.parametrize("content", ["{}", "[1]", "null", "[{}]", '[{"agent": "dqn"}]'])
def test_a_manifest_of_another_shape_is_one_sentence(manifest, capsys, content):
    (pretrained.FOLDER / "manifest.json").write_text(content)
    assert cli.main(["stages"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "manifest.json is damaged" in error


@pytest.mark.parametrize("field", ["hours", "evaluation", "file", "stage", "agent"])
def test_an_entry_without_a_field_is_one_sentence(manifest, capsys, field):
    manifest(lambda entries: entries[1].pop(field))
    for command in (["stages"], ["stages", "--verify"], ["play"]):
        assert cli.main(command) == 2
        assert "manifest.json is damaged" in capsys.readouterr().err
    assert "manifest.json is damaged" in pretrained.problems()[0]


@pytest.mark.parametrize("remove", [lambda entry: entry.pop("greedy_evaluation"), lambda entry: entry["greedy_evaluation"].pop("interval_95")])
def test_a_policy_without_its_greedy_evaluation_is_one_sentence(manifest, capsys, remove):
    manifest(lambda entries: remove(entries[0]))
    assert cli.main(["stages", "--verify"]) == 2
    assert "manifest.json is damaged" in capsys.readouterr().err


def test_a_stage_that_is_missing_is_refused():
    with pytest.raises(CourseError, match="no stage 9 of dqn"):
        stages.entries("dqn", 9)
