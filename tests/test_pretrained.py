"""Weight files are refused when they are missing, broken, foreign or not what the manifest says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from course_lib import pretrained
from course_lib.config import A3C_SMOKE, BOOTSTRAPPED_CATCH, CATCH, SMOKE, with_heads
from course_lib.environments import num_actions, observation_shape
from course_lib.errors import CourseError
from course_lib.learners import make_learner


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of stages with one whole stage in it."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    learner = make_learner(SMOKE, "torch", (84, 84, 4), 3)
    path = tmp_path / "dqn" / "stage1.safetensors"
    pretrained.save_weights(path, learner.get_weights(), SMOKE, dtype=np.float16)
    pretrained.game_beside(path).touch()
    entry = {"agent": "dqn", "stage": 1, "file": "dqn/stage1.safetensors", "sha256": pretrained.sha256(path)}
    entry |= dict.fromkeys(pretrained.ENTRY - set(entry)) | {"evaluation": dict.fromkeys(pretrained.EVALUATION)}
    write(tmp_path, entry | {"actions": ["stay", "right", "left"], "preprocessing": "grey"})
    return path


def write(folder, entry):
    (folder / "manifest.json").write_text(json.dumps([entry]))


def test_a_stage_is_loaded(shipped):
    weights, entry = pretrained.load_stage("dqn")
    assert entry["stage"] == 1 and pretrained.stages() == [1]
    assert weights["conv1/kernel"].shape == (8, 8, 4, 32) and weights["conv1/kernel"].dtype == np.float32
    assert pretrained.problems() == []


def test_a_stage_that_does_not_exist(shipped):
    with pytest.raises(CourseError, match="no stage 9 of dqn; shipped: 1"):
        pretrained.load_stage("dqn", 9)
    with pytest.raises(CourseError, match='no trained "a3c" agent'):
        pretrained.load_stage("a3c")


def test_a_damaged_file(shipped):
    data = bytearray(shipped.read_bytes())
    data[-1] ^= 1
    shipped.write_bytes(data)
    with pytest.raises(CourseError, match="checksum"):
        pretrained.load_stage("dqn", 1)
    assert len(pretrained.problems()) == 1


def test_a_missing_recording(shipped):
    pretrained.game_beside(shipped).unlink()
    assert "stage1.game.npz is missing; restore" in pretrained.problems()[0]


def test_a_missing_file_or_manifest(shipped):
    shipped.unlink()
    with pytest.raises(CourseError, match="missing; restore"):
        pretrained.load_stage("dqn", 1)
    (pretrained.FOLDER / "manifest.json").unlink()
    with pytest.raises(CourseError, match="list of trained agents is missing"):
        pretrained.load_stage("dqn", 1)
    assert len(pretrained.problems()) == 1


@pytest.mark.parametrize("wrong", [{"actions": ["stay", "left", "right"]}, {"preprocessing": "binary"}])
def test_a_file_that_does_not_match_the_manifest(shipped, wrong):
    write(pretrained.FOLDER, pretrained.manifest()[0] | wrong)
    with pytest.raises(CourseError, match="other actions or pixels"):
        pretrained.load_stage("dqn", 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100])
def test_a_corrupt_weight_file(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(CourseError, match="not a whole safetensors file"):
        pretrained.load_weights(tmp_path / "x.safetensors")


def test_a_truncated_weight_file(shipped):
    shipped.write_bytes(shipped.read_bytes()[:-1000])
    with pytest.raises(CourseError, match="not a whole safetensors file"):
        pretrained.load_weights(shipped)


def test_a_foreign_weight_file(tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(CourseError, match="no weights of this course"):
        pretrained.load_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize("header", [{}, {"config": "not json"}, {"config": "[]"}, {"config": '{"network": {}}'}])
def test_a_weight_file_that_does_not_say_how_it_was_trained(tmp_path, header):
    header = {"format": pretrained.FORMAT, "agent": "dqn"} | header
    save_file({"q/bias": np.zeros(3, np.float32)}, tmp_path / "x.safetensors", header)
    with pytest.raises(CourseError, match="does not say how|another version"):
        pretrained.load_weights(tmp_path / "x.safetensors")


def test_a_number_format_that_numpy_lacks(tmp_path):
    import torch
    from safetensors.torch import save_file as save_torch_file

    save_torch_file({"w": torch.zeros(3, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    with pytest.raises(CourseError, match="no weights of this course"):
        pretrained.load_weights(tmp_path / "x.safetensors")


def test_a_damaged_manifest(shipped):
    (pretrained.FOLDER / "manifest.json").write_text("<<<<<<< mine")
    with pytest.raises(CourseError, match="manifest.json is damaged"):
        pretrained.load_stage("dqn", 1)


def test_another_agents_weight_file(tmp_path):
    pretrained.save_weights(tmp_path / "x.safetensors", {"q/bias": np.zeros(3)}, A3C_SMOKE)
    with pytest.raises(CourseError, match="holds weights of a3c, not of dqn"):
        pretrained.load_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_weights_that_do_not_fit_their_configuration(tmp_path, framework):
    weights = make_learner(CATCH, "torch", (10, 5, 1), 3).get_weights()
    pretrained.save_weights(tmp_path / "x.safetensors", weights, SMOKE)
    with pytest.raises(CourseError, match="does not fit its own configuration"):
        pretrained.load_learner(tmp_path / "x.safetensors", framework)


def test_the_configuration_travels_with_the_weights(tmp_path):
    config = replace(CATCH, learning_rate=0.125)
    pretrained.save_weights(tmp_path / "x.safetensors", make_learner(config, "torch", (10, 5, 1), 3).get_weights(), config)
    assert pretrained.load_weights(tmp_path / "x.safetensors")[1] == config


def test_a_file_knows_its_agent(tmp_path):
    for config in (CATCH, BOOTSTRAPPED_CATCH):
        learner = make_learner(config, "torch", (10, 5, 1), 3)
        pretrained.save_weights(tmp_path / "x.safetensors", learner.get_weights(), config)
        assert pretrained.agent_of(tmp_path / "x.safetensors") == config.agent
        assert pretrained.load_weights(tmp_path / "x.safetensors", config.agent)[1] == config
    with pytest.raises(CourseError, match="holds weights of bootstrapped_dqn, not of dqn"):
        pretrained.load_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize("framework", ["torch", "keras"])
@pytest.mark.parametrize("game", ["catch", "chain-7", "deep_sea-5-1"])
@pytest.mark.parametrize("make", [lambda config: config, lambda config: with_heads(config, num_heads=3, prior_scale=2.0)], ids=["dqn", "ensemble"])
def test_a_file_of_any_toy_is_played_again(tmp_path, framework, game, make):
    """Whatever `num_actions` says: a toy has those that it has."""
    config = make(replace(CATCH, game=game))
    learner = make_learner(config, "torch", observation_shape(config), num_actions(config), seed=4)
    pretrained.save_weights(tmp_path / "x.safetensors", learner.get_weights(), config)
    again, _ = pretrained.load_learner(tmp_path / "x.safetensors", framework, config.agent)
    observations = np.random.default_rng(0).integers(256, size=(5, *observation_shape(config)), dtype=np.uint8)
    np.testing.assert_allclose(again.q_values(observations), learner.q_values(observations), atol=1e-5)


def test_an_ensemble_of_another_number_of_heads(tmp_path):
    weights = make_learner(BOOTSTRAPPED_CATCH, "torch", (10, 5, 1), 3).get_weights()
    for wrong in (replace(BOOTSTRAPPED_CATCH, num_heads=4), replace(BOOTSTRAPPED_CATCH, prior_scale=1.0)):
        pretrained.save_weights(tmp_path / "x.safetensors", weights, wrong)
        with pytest.raises(CourseError, match="does not fit its own configuration"):
            pretrained.load_learner(tmp_path / "x.safetensors", "torch", "bootstrapped_dqn")


def test_an_unwritable_place(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match="Could not write"):
        pretrained.save_weights(tmp_path / "file" / "x.safetensors", {"q/bias": np.zeros(3)}, SMOKE)


def test_the_shipped_stages_are_whole():
    assert pretrained.problems() == []
    for entry in pretrained.manifest():
        wanted = {"agent", "stage", "file", "sha256", "agent_steps", "emulator_frames", "hours", "machine", "command", "preset", "seed"}
        evaluations = ["evaluation", "greedy_evaluation"] if entry["agent"] == "a3c" else ["evaluation"]
        assert wanted | {"versions", "actions", "preprocessing", "note", *evaluations} == set(entry)
        for evaluation in (entry[name] for name in evaluations):
            assert len(evaluation["scores"]) == evaluation["episodes"] == 30
            assert abs(np.mean(evaluation["scores"]) - evaluation["mean"]) < 0.01
