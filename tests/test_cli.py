"""The command line: what a person does wrong ends in one sentence and status 2; the rest reaches the right room."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from course_lib import cli, config, pretrained, recordings, sharing, shipping, stages
from course_lib.learners import make_learner


def fails(capsys, *arguments):
    assert cli.main([str(a) for a in arguments]) == 2
    error = capsys.readouterr().err.splitlines(keepends=True)[-1]
    assert error.startswith("course: ") and error.count("\n") == 1, error
    return error


def test_no_command_asks_for_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    assert stopped.value.code == 0 and "Begin with: course doctor" in capsys.readouterr().out


@pytest.fixture
def a3c_weights(tmp_path):
    path = tmp_path / "a3c.safetensors"
    pretrained.save_weights(path, make_learner(config.A3C_SMOKE, "torch", (84, 84, 4), 3).get_weights(), config.A3C_SMOKE)
    return path


@pytest.fixture
def heads_weights(tmp_path):
    small = replace(config.BOOTSTRAPPED_SMOKE, max_frames=400, prior_scale=3.0)
    path = tmp_path / "heads.safetensors"
    pretrained.save_weights(path, make_learner(small, "torch", (84, 84, 4), 3).get_weights(), small)
    return path


@pytest.fixture
def weights(tmp_path):
    small = replace(config.SMOKE, max_frames=400)
    path = tmp_path / "weights.safetensors"
    pretrained.save_weights(path, make_learner(small, "torch", (84, 84, 4), 3).get_weights(), small)
    return path


def test_stage_that_does_not_exist(capsys):
    assert "no stage 77" in fails(capsys, "evaluate", "--stage", 77)


def test_weights_that_do_not_exist(capsys, tmp_path):
    assert "There is no file" in fails(capsys, "play", "--weights", tmp_path / "none.safetensors")


def test_corrupt_weights(capsys, tmp_path):
    (tmp_path / "x").write_text("not weights")
    assert "not a whole safetensors file" in fails(capsys, "evaluate", "--weights", tmp_path / "x")


def test_unwritable_output(capsys, weights):
    assert "Could not write" in fails(capsys, "play", "--weights", weights, "--max-steps", 3, "--out", weights / "x.mp4")
    assert "Could not write" in fails(capsys, "play", "--weights", weights, "--max-steps", 3, "--out", weights / "x.gif")


def test_unwritable_run(capsys, weights):
    assert "Could not write" in fails(capsys, "train", "dqn", "--preset", "smoke", "--run", weights / "run")


def test_run_of_another_configuration(capsys, tmp_path):
    train = ["train", "dqn", "--preset", "catch", "--total-steps", 50, "--run", tmp_path / "run", "--framework", "torch"]
    assert cli.main([str(a) for a in train]) == 0
    assert "56 agent steps" in capsys.readouterr().out
    assert "other settings" in fails(capsys, *map(lambda a: "smoke" if a == "catch" else a, train), "--resume")
    assert "already holds a run" in fails(capsys, *train)


def test_a_run_is_resumed_with_the_settings_it_has(capsys, tmp_path):
    train = ["train", "dqn", "--run", str(tmp_path / "run")]
    assert cli.main([*train, "--preset", "catch", "--seed", "5", "--framework", "torch", "--total-steps", "50"]) == 0
    assert cli.main([*train, "--resume", "--total-steps", "100"]) == 0
    assert "104 agent steps" in capsys.readouterr().out
    assert "(seed)" in fails(capsys, *train, "--resume", "--seed", "6")


def test_a3c_trains_resumes_and_is_evaluated(capsys, tmp_path):
    train = ["train", "a3c", "--run", str(tmp_path / "run")]
    begin = [*train, "--preset", "catch", "--seed", "5", "--framework", "torch", "--total-steps", "500", "--workers", "3"]
    assert cli.main(begin) == 0
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["agent"] == "a3c" and about["config"]["num_workers"] == 3 and about["seed"] == 5
    assert cli.main([*train, "--resume", "--total-steps", "1000", "--workers", "2", "--workers-as", "processes"]) == 0
    assert "agent steps after" in capsys.readouterr().out
    assert "(seed)" in fails(capsys, *train, "--resume", "--seed", "6", "--total-steps", "2000")
    assert "holds a run of a3c, not of dqn" in fails(capsys, "train", "dqn", "--run", tmp_path / "run", "--resume")


@pytest.mark.parametrize("preset, steps, framework", [("catch", 120, "keras"), ("catch", 120, "torch"), ("chain", 130, "torch"), ("deep_sea", 140, "torch")])
def test_bootstrapped_dqn_trains_resumes_and_is_evaluated(capsys, tmp_path, monkeypatch, preset, steps, framework):
    presets = config.PRESETS["bootstrapped_dqn"]
    monkeypatch.setitem(presets, preset, replace(presets[preset], evaluation_period=100, evaluation_episodes=2))
    train = ["train", "bootstrapped_dqn", "--run", str(tmp_path / "run")]
    begin = [*train, "--preset", preset, "--seed", "5", "--framework", framework, "--total-steps", str(steps), "--keep-memory"]
    assert cli.main(begin) == 0
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["agent"] == "bootstrapped_dqn" and about["config"]["num_heads"] == presets[preset].num_heads
    capsys.readouterr()
    assert cli.main([*train, "--resume", "--total-steps", str(steps + 40)]) == 0
    out = capsys.readouterr().out
    assert "memory came along" in out and "agent steps after" in out
    assert "(seed)" in fails(capsys, *train, "--resume", "--seed", "6", "--total-steps", "2000")
    assert "holds a run of bootstrapped_dqn, not of dqn" in fails(capsys, "train", "dqn", "--run", tmp_path / "run", "--resume")
    best = tmp_path / "run" / "best.safetensors"
    assert cli.main(["evaluate", "--weights", str(best), "--episodes", "3", "--framework", framework]) == 0
    assert "3 games, vote, epsilon 0.0, seeds 0 to 2" in capsys.readouterr().out  # as the preset evaluates
    assert "only Breakout" in fails(capsys, "play", "--weights", best)


def test_presets_that_only_some_agents_have(capsys, tmp_path):
    for preset in set(config.PRESETS["bootstrapped_dqn"]) - set(config.PRESETS["a3c"]):
        assert f"a3c has no preset {preset}; there are book, fast, smoke, catch." in fails(
            capsys, "train", "a3c", "--preset", preset, "--run", tmp_path / "run"
        )
    assert set(config.PRESETS["a3c"]) | set(config.PRESETS["dqn"]) <= set(config.PRESETS["bootstrapped_dqn"])  # the parser knows all of them
    assert not (tmp_path / "run").exists()


def test_a_vote_and_a_head(capsys, heads_weights, tmp_path):
    """Each is said, and each is played."""
    ways = {"vote, epsilon 0.2": [[], ["--vote"]], "head 0, epsilon 0.2": [["--head", "0"]], "head 2, epsilon 0.2": [["--head", "2"]]}
    for manner, options in ways.items():
        results = []
        for option in options:
            assert cli.main(["evaluate", "--weights", str(heads_weights), "--episodes", "3", "--epsilon", "0.2", "--json", *option]) == 0
            results.append(json.loads(capsys.readouterr().out))
            assert (results[-1]["agent"], results[-1]["policy"]) == ("bootstrapped_dqn", manner)
        assert all(result == results[0] for result in results)
    for option in ([], ["--vote"], ["--head", "2"]):
        play = ["play", "--weights", str(heads_weights), "--max-steps", "5", "--out", str(tmp_path / "x.gif"), *option]
        assert cli.main(play) == 0
        out = capsys.readouterr().out
        assert "5 agent steps" in out and (" ".join(option)[2:] or "vote") in out
    assert cli.main(["evaluate", "--agent", "bootstrapped_dqn", "--weights", str(heads_weights), "--episodes", "2", "--policy", "greedy"]) == 0


def test_a_head_is_the_head_that_is_played(capsys, heads_weights, monkeypatch):
    followed = []
    monkeypatch.setattr("course_lib.backends.torch.bootstrapped.BootstrappedLearner.head_values",
                        lambda self, observations, head: followed.append(head) or self.q_values(observations)[:, head])
    for head in (0, 2):
        assert cli.main(["evaluate", "--weights", str(heads_weights), "--episodes", "2", "--framework", "torch", "--head", str(head)]) == 0
        assert set(followed) == {head}
        followed.clear()
    assert cli.main(["evaluate", "--weights", str(heads_weights), "--episodes", "2", "--framework", "torch"]) == 0
    assert followed == []


def test_heads_that_there_are_not(capsys, heads_weights, weights, a3c_weights, tmp_path):
    for command in ("evaluate", "play"):
        assert "has 3 heads, 0 to 2; there is no head 3." in fails(capsys, command, "--weights", heads_weights, "--head", 3)
        assert "leave out --vote and --head for dqn" in fails(capsys, command, "--weights", weights, "--head", 0)
        assert "leave out --vote and --head for a3c" in fails(capsys, command, "--weights", a3c_weights, "--vote")
    assert "leave out --vote" in fails(capsys, "evaluate", "--vote")  # the shipped DQN
    assert "not probabilities" in fails(capsys, "evaluate", "--weights", heads_weights, "--policy", "sampled")
    assert "weights of bootstrapped_dqn, not of dqn" in fails(capsys, "evaluate", "--agent", "dqn", "--weights", heads_weights)
    assert "no actor-learners" in fails(capsys, "train", "bootstrapped_dqn", "--run", tmp_path / "run", "--workers", 4)


def test_an_agent_that_is_not_shipped_yet(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "manifest", lambda: [])
    assert 'no trained "bootstrapped_dqn" agent yet' in fails(capsys, "evaluate", "--agent", "bootstrapped_dqn")


def test_options_of_the_other_agent(capsys, tmp_path, weights, a3c_weights):
    assert "keeps no memory" in fails(capsys, "train", "a3c", "--run", tmp_path / "run", "--keep-memory")
    assert "no actor-learners" in fails(capsys, "train", "dqn", "--run", tmp_path / "run", "--workers", 4)
    assert "choose threads" in fails(capsys, "train", "a3c", "--run", tmp_path / "run", "--framework", "keras", "--workers-as", "processes")
    assert "Epsilon is for greedy play" in fails(capsys, "evaluate", "--weights", a3c_weights, "--epsilon", 0.5)
    assert "not probabilities" in fails(capsys, "evaluate", "--weights", weights, "--policy", "sampled")


def test_a_weight_file_says_whose_it_is(capsys, a3c_weights, tmp_path):
    assert cli.main(["evaluate", "--weights", str(a3c_weights), "--episodes", "3"]) == 0
    assert "3 games, sampled, seeds 0 to 2" in capsys.readouterr().out
    assert cli.main(["evaluate", "--weights", str(a3c_weights), "--episodes", "3", "--policy", "greedy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["policy"] == "greedy, epsilon 0.01"
    assert cli.main(["play", "--agent", "a3c", "--weights", str(a3c_weights), "--max-steps", "5", "--out", str(tmp_path / "x.gif")]) == 0
    assert "weights of a3c, not of dqn" in fails(capsys, "evaluate", "--agent", "dqn", "--weights", a3c_weights)


def test_a_worker_that_breaks_is_told_with_its_traceback_and_status_1(capsys, tmp_path, monkeypatch):
    def broken(self):
        raise OSError("the emulator is gone")

    monkeypatch.setattr("course_lib.a3c.ActorLearner.learn", broken)
    assert cli.main(["train", "a3c", "--preset", "catch", "--framework", "torch", "--run", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert "course: actor-learner" in error and "OSError: the emulator is gone" in error and error.count("Traceback") == 1


def test_cuda_where_there_is_none(capsys, weights, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "no CUDA device" in fails(capsys, "evaluate", "--weights", weights, "--framework", "torch", "--device", "cuda")


def test_no_emulator(capsys, weights, monkeypatch, tmp_path):
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    assert "ROM is missing" in fails(capsys, "play", "--weights", weights)


def test_a_missing_package(capsys, monkeypatch):
    def missing():
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.setattr("course_lib.doctor.run", missing)
    assert "package rich is missing or broken" in fails(capsys, "doctor")


def test_a_full_disk(capsys, weights, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "game.mp4")

    monkeypatch.setattr("course_lib.play.save_video", full)
    assert "No space left" in fails(capsys, "play", "--weights", weights, "--max-steps", 3)


def test_evaluate_prints_statistics(capsys, weights):
    assert cli.main(["evaluate", "--weights", str(weights), "--episodes", "3"]) == 0
    out = capsys.readouterr().out
    assert "3 games, greedy, epsilon 0.01, seeds 0 to 2" in out and "95 % interval" in out and "interquartile mean" in out
    assert cli.main(["evaluate", "--weights", str(weights), "--episodes", "3", "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert len(numbers["scores"]) == 3 and numbers["seeds"] == [0, 1, 2] and len(numbers["interval_95"]) == 2


def test_play_writes_a_video_and_says_the_score(capsys, weights, tmp_path):
    assert cli.main(["play", "--weights", str(weights), "--seed", "4", "--out", str(tmp_path / "x.mp4")]) == 0
    out = capsys.readouterr().out
    assert "score" in out and "seed 4" in out and (tmp_path / "x.mp4").stat().st_size > 1_000


def test_play_writes_a_gif(weights, tmp_path):
    assert cli.main(["play", "--weights", str(weights), "--max-steps", "5", "--out", str(tmp_path / "x.gif")]) == 0
    assert (tmp_path / "x.gif").exists()


def test_a_toy_has_no_screen(capsys, tmp_path):
    path = tmp_path / "catch.safetensors"
    pretrained.save_weights(path, make_learner(config.CATCH, "torch", (10, 5, 1), 3).get_weights(), config.CATCH)
    assert "only Breakout" in fails(capsys, "play", "--weights", path)


@pytest.mark.parametrize("wrong", ["--episodes 0", "--episodes x", "--epsilon 2", "--stage 1 --weights x", "--agent dqn2", "--vote --head 1", "--head -1", "--head x"])
def test_wrong_options_end_in_status_2(wrong, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["evaluate", *wrong.split()])
    assert end.value.code == 2


def test_shipping_a_run(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(recordings, "LONGEST", 40)
    monkeypatch.setattr(stages, "EPISODES", 2)
    run = tmp_path / "run"
    assert cli.main(["train", "dqn", "--preset", "smoke", "--run", str(run), "--framework", "torch"]) == 0
    assert cli.main(["ship", "dqn", "--run", str(run), "--stage", "1", "--machine", "a test"]) == 0
    (entry,) = pretrained.manifest()
    assert entry["emulator_frames"] == 4 * entry["agent_steps"] and len(entry["evaluation"]["scores"]) == 2
    assert "--preset smoke" in entry["command"] and (tmp_path / "pretrained" / "dqn" / "curve.csv").exists()
    assert pretrained.problems() == []
    recorded, played = recordings.recorded_game("dqn", 1), recordings.game("dqn", 1, max_steps=40)
    assert recorded.actions == played.actions and recorded.rewards == played.rewards and len(recorded) == 40
    capsys.readouterr()
    assert cli.main(["evaluate", "--episodes", "2", "--seed", str(stages.SEED), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == entry["evaluation"]["scores"]


def interrupted(*_):
    raise KeyboardInterrupt


def test_shipping_a_run_of_settings_that_no_command_gives(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(stages, "EPISODES", 2)
    run = tmp_path / "run"
    assert cli.main(["train", "dqn", "--preset", "smoke", "--run", str(run), "--framework", "torch"]) == 0
    weights, settings = pretrained.load_weights(run / "best.safetensors")
    for snapshot in (run / "snapshots").iterdir():
        pretrained.save_weights(snapshot, weights, replace(settings, learning_rate=0.5))
    capsys.readouterr()
    assert "no command gives (learning_rate)" in fails(capsys, "ship", "dqn", "--run", run, "--stage", "1", "--machine", "a test")
    (run / "evaluations.csv").write_text("agent_steps,hours\n12")
    assert "evaluations.csv is damaged" in fails(capsys, "ship", "dqn", "--run", run, "--stage", "1", "--machine", "a test")
    assert not (tmp_path / "pretrained").exists()


def test_shipping_an_earlier_evaluation(capsys, tmp_path, monkeypatch):
    """Its own weights, steps and hours; a shorter run's stage leaves the longer run's curve."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(stages, "EPISODES", 2)
    monkeypatch.setitem(config.PRESETS["dqn"], "smoke", replace(config.SMOKE, total_steps=20_000, evaluation_period=10_000, learning_starts=10**6))
    run, short = tmp_path / "run", tmp_path / "short"
    assert cli.main(["train", "dqn", "--preset", "smoke", "--run", str(run), "--framework", "torch"]) == 0
    assert cli.main(["train", "dqn", "--preset", "smoke", "--run", str(short), "--framework", "torch", "--total-steps", "10000"]) == 0
    rows = [int(row.split(",")[0]) for row in (run / "evaluations.csv").read_text().splitlines()[1:]]
    ship = ["ship", "dqn", "--run", str(run), "--machine", "a test", "--stage"]
    assert cli.main([*ship, "2", "--step", str(rows[1])]) == 0 and cli.main([*ship, "1", "--step", str(rows[0])]) == 0
    one, two = pretrained.manifest()
    assert (one["agent_steps"], two["agent_steps"]) == tuple(rows) and one["hours"] < two["hours"]
    assert "not evaluated at 7 agent steps" in fails(capsys, *ship, "3", "--step", "7")
    curve = (pretrained.FOLDER / "dqn" / "curve.csv").read_text()
    before = sorted(pretrained.FOLDER.rglob("*")), (pretrained.FOLDER / "manifest.json").read_text()
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(recordings, "save_recording", interrupted)
        shipping.ship(run, "dqn", 3, "a test")
    assert before == (sorted(pretrained.FOLDER.rglob("*")), (pretrained.FOLDER / "manifest.json").read_text())
    assert cli.main(["ship", "dqn", "--run", str(short), "--machine", "a test", "--stage", "1"]) == 0
    assert "--total-steps 10000" in pretrained.find_stage("dqn", 1)["command"]
    assert (pretrained.FOLDER / "dqn" / "curve.csv").read_text() == curve == (run / "curve.csv").read_text() != (short / "curve.csv").read_text()
    assert (pretrained.FOLDER / "dqn" / "evaluations.csv").read_text() == (run / "evaluations.csv").read_text()


def test_shipping_an_a3c_run(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(stages, "EPISODES", 2)
    run = tmp_path / "run"
    assert cli.main(["train", "a3c", "--preset", "smoke", "--run", str(run), "--framework", "torch"]) == 0
    assert cli.main(["ship", "a3c", "--run", str(run), "--stage", "1", "--machine", "a test"]) == 0
    (entry,) = pretrained.manifest()
    assert entry["evaluation"]["policy"] == "sampled" and entry["greedy_evaluation"]["epsilon"] == 0.01
    assert "course train a3c" in entry["command"] and pretrained.problems() == []
    capsys.readouterr()
    for policy, name in (("sampled", "evaluation"), ("greedy", "greedy_evaluation")):
        evaluate = ["evaluate", "--agent", "a3c", "--policy", policy, "--episodes", "2", "--seed", str(stages.SEED), "--json"]
        assert cli.main(evaluate) == 0
        assert json.loads(capsys.readouterr().out)["scores"] == entry[name]["scores"]


def test_shipping_a_bootstrapped_run(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setattr(stages, "EPISODES", 2)
    run = tmp_path / "run"
    assert cli.main(["train", "bootstrapped_dqn", "--preset", "smoke", "--run", str(run), "--framework", "torch"]) == 0
    assert cli.main(["ship", "bootstrapped_dqn", "--run", str(run), "--stage", "1", "--machine", "a test"]) == 0
    (entry,) = pretrained.manifest()
    assert entry["evaluation"]["policy"] == "vote" and entry["evaluation"]["epsilon"] == 0.01
    assert "course train bootstrapped_dqn" in entry["command"] and pretrained.problems() == []
    capsys.readouterr()
    assert cli.main(["evaluate", "--agent", "bootstrapped_dqn", "--episodes", "2", "--seed", str(stages.SEED), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == entry["evaluation"]["scores"]


def test_the_books_weights_are_played_and_evaluated(capsys, tmp_path):
    from tests.test_book_weights import write_actor

    path = write_actor(tmp_path / "breakout_a3c_5_actor.h5")
    for framework in ("torch", "keras"):
        play = ["play", "--weights", str(path), "--framework", framework, "--max-steps", "60", "--out", str(tmp_path / "x.mp4")]
        assert cli.main(play) == 0
        said = capsys.readouterr().out
        assert "sampled: score" in said and "60 agent steps" in said and (tmp_path / "x.mp4").stat().st_size > 1_000
    assert cli.main(["evaluate", "--weights", str(path), "--policy", "greedy", "--episodes", "2"]) == 0
    assert "2 games, greedy" in capsys.readouterr().out
    assert "not of dqn" in fails(capsys, "play", "--weights", path, "--agent", "dqn")
    assert "There is no file" in fails(capsys, "play", "--weights", tmp_path / "none.h5")


def test_a_toy_is_not_shipped(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    monkeypatch.setitem(config.PRESETS["dqn"], "chain", replace(config.CHAIN, evaluation_period=60))
    run = tmp_path / "run"
    assert cli.main(["train", "dqn", "--preset", "chain", "--total-steps", "70", "--run", str(run), "--framework", "torch"]) == 0
    capsys.readouterr()
    assert "only Breakout" in fails(capsys, "ship", "dqn", "--run", run, "--stage", "1", "--machine", "a test")
    assert not (tmp_path / "pretrained").exists()


def small_share(tmp_path, monkeypatch):
    """Arguments that share a small agent quickly."""
    small = replace(config.SMOKE, max_frames=200, network=config.NetworkConfig(conv=((4, 8, 4),), dense=(8,)))
    pretrained.save_weights(tmp_path / "small.safetensors", make_learner(small, "torch", (84, 84, 4), 3).get_weights(), small)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    return ["share", str(tmp_path / "agent"), "--weights", str(tmp_path / "small.safetensors"), "--episodes", "2"]


def test_share_makes_a_folder_that_plays(capsys, tmp_path, monkeypatch):
    share = small_share(tmp_path, monkeypatch)
    assert cli.main([*share, "--framework", "torch", "--epsilon", "0.3", "--seed", "40"]) == 0
    said = capsys.readouterr().out
    told = json.loads((tmp_path / "agent" / "results.json").read_text())
    assert told["seeds"] == [40, 41] and told["policy"] == "greedy, epsilon 0.3" and told["solved"] is False
    assert "2 games, greedy, epsilon 0.3: mean" in said and "Not solved: over at least 30 games" in said
    assert f"course share {tmp_path / 'agent'} --push USER/NAME" in said
    weights = ["--weights", str(tmp_path / "agent" / "model.safetensors")]
    assert cli.main(["play", *weights, "--max-steps", "5", "--out", str(tmp_path / "x.gif")]) == 0
    capsys.readouterr()
    assert cli.main(["evaluate", *weights, "--episodes", "2", "--epsilon", "0.3", "--seed", "40", "--json"]) == 0  # as its README.md says
    assert json.loads(capsys.readouterr().out)["scores"] == told["scores"]


def test_what_share_refuses(capsys, tmp_path, monkeypatch):
    share = small_share(tmp_path, monkeypatch)
    monkeypatch.setattr(sharing, "record_game", None)  # no game is played
    for name in ("agent", "ada/my agent", "ada/agent/x"):
        assert f'"{name}" is no name of a repository' in fails(capsys, *share, "--push", name)
    assert "--private goes with --push" in fails(capsys, *share, "--private")
    assert "Training chose its best weights by games 20000 to 20001" in fails(capsys, *share, "--seed", 20_000)
    assert "no stage 77" in fails(capsys, "share", tmp_path / "agent", "--stage", 77)
    assert "leave out --vote" in fails(capsys, *share, "--vote")
    assert "small.safetensors is not empty" in fails(capsys, "share", tmp_path / "small.safetensors")
    assert "is not empty: name a new" in fails(capsys, "share", tmp_path, "--stage", 1, "--push", "ada/agent")
    for more in ([], ["--episodes", 3]):  # a name mistyped must not publish another agent
        assert "agnet holds no shared agent: name an agent to share" in fails(capsys, "share", tmp_path / "agnet", "--push", "ada/agent", *more)
    assert [path.name for path in tmp_path.iterdir()] == ["small.safetensors"]
    assert cli.parser().parse_args(["share", "x"]).seed == sharing.SEED and cli.parser().parse_args(["share", "x"]).episodes == sharing.MIN_EPISODES


def test_a_shared_folder_is_uploaded_as_it_is(capsys, tmp_path, monkeypatch):
    share, uploads = small_share(tmp_path, monkeypatch), []
    assert cli.main(share) == 0
    monkeypatch.setattr(sharing, "send", lambda *what: uploads.append(what) or "http://hub/ada/agent")
    folder = tmp_path / "agent"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for more in ([], ["--stage", "1"], ["--push", "ada/agent", "--stage", "1"], ["--push", "ada/agent", "--seed", "5"], ["--push", "ada/agent", "--episodes", "3"]):
        assert "upload that with --push USER/NAME and no other option, or name a new folder" in fails(capsys, "share", folder, *more)
    assert uploads == []
    assert cli.main(["share", str(folder), "--push", "ada/agent", "--private"]) == 0
    assert uploads == [(folder, "ada/agent", True)] and "uploaded: http://hub/ada/agent" in capsys.readouterr().out
    monkeypatch.setattr(sharing, "send", interrupted)
    assert cli.main(["share", str(folder), "--push", "ada/agent"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == f"course: stopped; {folder} is kept, go on with: course share {folder} --push ada/agent"
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_sharing_in_a_shell(tmp_path, monkeypatch):
    """Made and uploaded in one command; what fails, or is stopped in the middle of the weights, ends with one line on stderr and keeps the folder."""
    from tests.hub import Hub

    command = [sys.executable, "-m", "course_lib.cli", *small_share(tmp_path, monkeypatch)]
    again = [*command[:5], "--push", "ada/agent"]
    folder = tmp_path / "agent"
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HF_TOKEN", hub.token)
        result = subprocess.run([*command, "--push", "ada/agent"], capture_output=True, text=True)
        assert result.returncode == 0 and f"uploaded: {hub.address}/ada/agent\n" in result.stdout, result.stderr
        assert {name: hub.repositories["ada/agent"].files[name] for name in sharing.FILES} == {path.name: path.read_bytes() for path in folder.iterdir()}
        hub.stored.clear()
        hub.trouble = {"put": "silence"}
        stopped = subprocess.Popen(again, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            while hub.asked.count("put") < 3 and stopped.poll() is None:
                time.sleep(0.05)
            stopped.send_signal(signal.SIGINT)
            said = stopped.communicate(timeout=30)[1]
        finally:
            stopped.kill()
            stopped.wait()
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
        refused = subprocess.run(again, capture_output=True, text=True)
    nobody = subprocess.run(again, capture_output=True, text=True)
    kept = f"; {folder} is kept, go on with: course share {folder} --push ada/agent\n"
    assert stopped.returncode == 130 and said == f"course: stopped{kept}", said
    for result, words in ((refused, "refuses the token"), (nobody, "The connection to")):
        assert result.returncode == 2 and words in result.stderr and result.stderr.endswith(kept) and result.stderr.count("\n") == 1, result.stderr
    assert len(list(folder.iterdir())) == len(sharing.FILES)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal there")
def test_ctrl_c_leaves_nothing_half_made(tmp_path, monkeypatch):
    command = [sys.executable, "-m", "course_lib.cli", *small_share(tmp_path, monkeypatch)[:4], "--episodes", "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while not list(tmp_path.glob(".agent-*/agent/replay.mp4")) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and said.splitlines()[-1].endswith("course: stopped."), said
    assert "Traceback" not in said and [path.name for path in tmp_path.iterdir()] == ["small.safetensors"]


def test_help_of_every_command_in_a_shell():
    for command in ([], ["doctor"], ["train"], ["evaluate"], ["play"], ["build"], ["share"], ["ship"], ["stages"]):
        result = subprocess.run([sys.executable, "-m", "course_lib.cli", *command, "--help"], capture_output=True, text=True)
        assert result.returncode == 0 and "usage: course" in result.stdout


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_stages_as_a_film(capsys, tmp_path, suffix):
    out = tmp_path / f"stages{suffix}"
    assert cli.main(["stages", "--agent", "a3c", "--film", str(out)]) == 0
    said = capsys.readouterr().out
    assert all(f"stage {stage}: {recordings.recorded_game('a3c', stage, 450).score:.0f} points" in said for stage in pretrained.stages("a3c"))
    assert out.stat().st_size > 10_000
    assert "written as .mp4 or .gif" in fails(capsys, "stages", "--film", tmp_path / "x.avi")
    assert "Could not write" in fails(capsys, "stages", "--agent", "a3c", "--stage", 1, "--film", out / f"x{suffix}")


def test_a_film_of_stages_that_there_are_not(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    assert 'no trained "a3c" agent' in fails(capsys, "stages", "--agent", "a3c", "--film", tmp_path / "x.mp4")
    with pytest.raises(SystemExit):
        cli.main(["stages", "--verify", "--film", "x.mp4"])
