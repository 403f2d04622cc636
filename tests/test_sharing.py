"""A shared agent: its folder says what was measured and nothing else, arrives whole, and whatever fails on the way costs neither."""

import gc
import json
import logging
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from huggingface_hub import ModelCard, constants

from course_lib import book_weights, checkpoints, config, pretrained, recording, recordings, sharing, stages
from course_lib.environments import make_game
from course_lib.errors import CourseError
from course_lib.evaluation import Scores, evaluate, greedy_policy, sampled_policy
from course_lib.learners import as_played, make_learner
from tests.hub import Hub
from tests.test_book_weights import write_actor

TINY = config.NetworkConfig(conv=((4, 8, 4),), dense=(8,))
DQN = replace(config.SMOKE, max_frames=400, network=TINY)
HEADS = replace(config.BOOTSTRAPPED_SMOKE, max_frames=200, network=TINY)
A3C = replace(config.A3C_SMOKE, max_frames=200, network=TINY)


def make_weights(path, settings=DQN, seed=0):
    pretrained.save_weights(path, make_learner(settings, "torch", (84, 84, 4), 3, seed).get_weights(), settings)
    return path


def share(folder, weights, agent="dqn", head=None, **options):
    learner, settings = pretrained.load_learner(weights, "torch", agent)
    return sharing.make_folder(folder, weights, agent, as_played(learner, head), settings, **options)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read(folder, name="results.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A weight file and the folder made of it: read only."""
    place = tmp_path_factory.mktemp("made")
    weights = make_weights(place / "weights.safetensors")
    return SimpleNamespace(weights=weights, folder=share(place / "agent", weights, episodes=3, epsilon=0.2))


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it, to be spoiled."""
    return shutil.copytree(made.folder, tmp_path / "agent")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of our own, whose token we have; what is tried again is tried again at once."""
    with Hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None, time=lambda: 0.0))
        for name in ("HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


# What is measured


def test_results_are_what_the_hubs_cards_say_in_plain_json():
    when = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=9)))
    told = sharing.results(np.array([0.0, 10.0, 20.0, 50.0]), np.bool_(False), when)
    assert told == {
        "mean_reward": 20.0,
        "std_reward": pytest.approx(350**0.5),  # (400 + 100 + 0 + 900) / 4: the population's, not the sample's
        "is_deterministic": False,
        "n_eval_episodes": 4,
        "eval_datetime": "2026-03-01T12:30:00+09:00",
    }
    assert json.loads(json.dumps(told)) == told and {type(value) for value in told.values()} == {float, bool, int, str}
    assert datetime.fromisoformat(sharing.results([1], True, datetime(2026, 3, 1))["eval_datetime"]).tzinfo is not None


@pytest.mark.parametrize(
    "games, low, solved",
    [(30, 31.8, True), (30, 31.79, False), (29, 400.0, False), (31, 32.0, True), (30, float("nan"), False)],
)
def test_solved_needs_enough_games_and_the_low_end(games, low, solved):
    scores = np.full(games, 100.0)  # the mean alone does not decide
    assert sharing.is_solved(scores, (low, 500.0)) is solved


def test_the_criterion_is_the_one_that_is_used():
    assert str(sharing.HUMAN_SCORE) in sharing.CRITERION and f"at least {sharing.MIN_EPISODES} games" in sharing.CRITERION
    assert sharing.is_solved([0.0] * 30, (5.0, 6.0), threshold=4.0) and not sharing.is_solved([0.0] * 30, (5.0, 6.0))


def test_the_default_games_chose_nothing():
    longest = max(settings.evaluation_episodes for presets in config.PRESETS.values() for settings in presets.values())
    chosen = set(range(recording.EVALUATION_SEED, recording.EVALUATION_SEED + longest))
    chosen |= set(range(stages.SEED, stages.SEED + stages.EPISODES)) | set(range(100))
    assert not chosen & set(range(sharing.SEED, sharing.SEED + 1_000))


def test_every_game_counts_as_the_house_counts(made, tmp_path):
    learner, settings = pretrained.load_learner(made.weights, "torch")
    again = evaluate(greedy_policy(learner, 0.2), settings, 3, sharing.SEED)
    told = read(made.folder)
    assert {name: told[name] for name in again.summary() if name != "interval_95"} == {name: value for name, value in again.summary().items() if name != "interval_95"}
    assert told["interval_95"] == list(again.interval) and told["seeds"] == [30_000, 30_001, 30_002]
    assert told["mean_reward"] == again.mean and told["std_reward"] == again.scores.std() and told["n_eval_episodes"] == 3
    assert (told["policy"], told["agent"], told["stage"], told["is_deterministic"]) == ("greedy, epsilon 0.2", "dqn", None, False)
    assert told["solved"] is False and told["criterion"] == sharing.CRITERION
    replay = sharing.record_game(learner, settings, tmp_path, seed=30_003, epsilon=0.2)  # the game after those, played as they are
    assert {name: told["replay"][name] for name in ("seed", "score", "length")} == {"seed": 30_003, "score": replay.score, "length": replay.length}
    assert abs(datetime.now().astimezone() - datetime.fromisoformat(told["eval_datetime"])) < timedelta(hours=1)


def test_a_recorded_game_is_a_game_and_its_video_shows_it(made, tmp_path):
    learner, settings = pretrained.load_learner(made.weights, "torch")
    replay = sharing.record_game(learner, settings, tmp_path / "new", seed=5, epsilon=0.5)
    policy, rng, screens, rewards = greedy_policy(learner, 0.5), np.random.default_rng(5), [], []
    with closing(make_game(settings)) as env:
        observation, _ = env.reset(seed=5)
        screens.append(env.render())
        over = False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(policy(observation[None], rng)[0])
            screens.append(env.render())
            rewards.append(reward)
            over = terminated or truncated
    assert (replay.score, replay.length, replay.video) == (sum(rewards), len(rewards), tmp_path / "new" / "replay.mp4")
    assert list((tmp_path / "new").iterdir()) == [replay.video]
    video = cv2.VideoCapture(str(replay.video))
    assert video.get(cv2.CAP_PROP_FPS) == 15
    frames = []
    while (frame := video.read())[0]:
        frames.append(frame[1][..., ::-1].astype(int))
    assert len(screens) - 1 <= len(frames) <= len(screens) and frames[0].shape == (210, 280, 3)
    for step in (0, 30, 60, 90):
        shown = cv2.resize(screens[step], (280, 210), interpolation=cv2.INTER_NEAREST).astype(int)
        other = cv2.resize(screens[(step + 45) % 91], (280, 210), interpolation=cv2.INTER_NEAREST).astype(int)
        assert np.abs(frames[step] - shown).mean() < 5 and np.abs(frames[step] - shown).mean() < np.abs(frames[step] - other).mean()


def test_a_long_games_video_ends_after_five_minutes(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "LONGEST", 40)
    replay = sharing.record_game(*pretrained.load_learner(made.weights, "torch"), tmp_path, seed=1)
    assert replay.length > 80 and 40 <= cv2.VideoCapture(str(replay.video)).get(cv2.CAP_PROP_FRAME_COUNT) <= 41


def test_who_does_not_share_does_not_load_the_hub():
    code = "import sys, course_lib, course_lib.cli, course_lib.sharing; print('huggingface_hub' in sys.modules, 'moviepy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == ["False", "False"]


# The folder


def test_the_folder_is_a_model_repository(made):
    assert sorted(contents(made.folder)) == sorted(sharing.FILES)
    card, told = ModelCard.load(made.folder / "README.md"), read(made.folder)
    (result,) = card.data.eval_results
    assert (result.task_type, result.dataset_type, result.dataset_name) == ("reinforcement-learning", "BreakoutDeterministic-v4", "BreakoutDeterministic-v4")
    assert (result.metric_type, result.metric_value) == ("mean_reward", f"{told['mean_reward']:.1f} +/- {told['std_reward']:.1f}")
    assert card.data.license == "mit" and card.data.library_name == "breakout-from-pixels" and card.data.model_name == "DQN"
    assert {"deep-reinforcement-learning", "reinforcement-learning", "atari", "dqn"} <= set(card.data.tags)
    assert "{" not in card.text and "None" not in card.text and "Undefined" not in card.text
    for name in ("config.json", "results.json", "replay.mp4"):
        assert f"]({name})" in card.text


def test_the_card_says_what_was_measured(made):
    text, told = ModelCard.load(made.folder / "README.md").text, read(made.folder)
    low, high = told["interval_95"]
    rows = dict(row.strip("| ").split(" | ") for row in text.splitlines() if row.count("|") == 3 and not row.startswith(("| | ", "|---")))
    assert rows["mean score"] == f"**{told['mean_reward']:.1f}**, 95 % bootstrap interval {low:.1f} to {high:.1f}"
    assert rows["median; interquartile mean"] == f"{told['median']:.1f}; {told['iqm']:.1f}"
    assert rows["lowest; highest score"] == f"{min(told['scores']):.0f}; {max(told['scores']):.0f}"
    assert rows["mean length of a game"] == f"{np.mean(told['lengths']):,.0f} agent steps"
    assert (rows["games"], rows["actions"], rows["**solved**"]) == ("3, seeds 30000 to 30002", "greedy, epsilon 0.2", "**no**")
    assert (rows["agent steps"], rows["hours of training"], rows["preset"]) == ("not known", "not known", "smoke")
    replay = told["replay"]
    assert f"scores **{replay['score']:.0f}** in {replay['length']} agent steps (seed 30003)" in text
    assert "weights by other games, seeds 20000 to 20001.\n" in text  # SMOKE's two
    assert sharing.CRITERION in text and "has not solved Breakout: 3 games are too few." in text
    assert "course play --weights FOLDER/model.safetensors --epsilon 0.2\n" in text


@pytest.mark.parametrize("weak, solved", [(9, True), (10, False)])
def test_an_agent_at_the_criterion(made, tmp_path, monkeypatch, weak, solved):
    """The interval is not rounded before it is compared, and the card says the same as the file."""
    scores = Scores(np.array([29.0] * weak + [33.0] * 10 + [36.0] * (20 - weak)), np.full(30, 900), sharing.SEED + np.arange(30))
    assert scores.mean > 32 and scores.interval[0] != round(scores.interval[0], 2)
    monkeypatch.setattr(sharing, "evaluate", lambda *_: scores)
    folder = share(tmp_path / "agent", made.weights)
    told, text = read(folder), (folder / "README.md").read_text(encoding="utf-8")
    assert told["interval_95"] == list(scores.interval) and told["solved"] is solved is (scores.interval[0] >= 31.8)
    assert ("| **solved** | **yes** |" in text, "has solved Breakout" in text) == (solved, solved)


def card_of(told, settings=DQN, training=None, **changes):
    from course_lib.model_card import model_card

    return model_card(told | changes, settings, training or {"agent steps": "not known"}).text


def test_the_cards_verdict(made):
    told = read(made.folder)
    many = {"n_eval_episodes": 30, "scores": [40.0] * 30, "lengths": [4_501, 4_500] * 15}
    assert "has solved Breakout: the lower end is 40.00." in card_of(told, **many, solved=True, interval_95=[40.0, 40.0])
    assert "has not solved Breakout: the lower end is 31.79." in card_of(told, **many, solved=False, interval_95=[31.79, 40.0])
    assert "of these 30 games 15 went on longer" in card_of(told, **many) and "of these 3 games none went on longer" in card_of(told)
    assert "video ends after five minutes" in card_of(told, replay=told["replay"] | {"length": 4_501})
    assert "video ends after five minutes" not in card_of(told, replay=told["replay"] | {"length": 4_500})


def test_config_json_describes_the_agent(made):
    about = read(made.folder, "config.json")
    assert (about["format"], about["agent"], about["preprocessing"]) == (pretrained.FORMAT, "dqn", "grey")
    assert about["actions"] == ["stay", "right", "left"] and config.config_from_dict(about["config"], "dqn") == DQN


def test_the_weights_are_the_file_itself(made):
    assert (made.folder / "model.safetensors").read_bytes() == made.weights.read_bytes()
    assert read(made.folder)["sha256"] == pretrained.sha256(made.weights)
    assert read(made.folder)["replay"]["sha256"] == pretrained.sha256(made.folder / "replay.mp4")


@pytest.mark.parametrize(
    "settings, head, options, policy, play, deterministic",
    [
        (A3C, None, {"sampled": True, "epsilon": 0.0}, "sampled", "", False),
        (A3C, None, {"epsilon": 0.0}, "greedy, epsilon 0.0", " --policy greedy --epsilon 0.0", True),
        (HEADS, None, {}, "vote, epsilon 0.01", "", False),
        (HEADS, 2, {"epsilon": 0.0}, "head 2, epsilon 0.0", " --head 2 --epsilon 0.0", True),
    ],
)
def test_other_agents_and_other_ways_to_play(tmp_path, settings, head, options, policy, play, deterministic):
    weights = make_weights(tmp_path / "w.safetensors", settings)
    folder = share(tmp_path / "agent", weights, settings.agent, head, episodes=2, **options)
    told, text = read(folder), ModelCard.load(folder / "README.md").text
    assert (told["policy"], told["is_deterministic"], told["agent"]) == (policy, deterministic, settings.agent)
    assert f"FOLDER/model.safetensors{play}\n" in text
    learner, settings = pretrained.load_learner(weights, "torch", settings.agent)
    again = sampled_policy(learner) if "sampled" in options else greedy_policy(as_played(learner, head), options.get("epsilon", 0.01))
    assert told["scores"] == evaluate(again, settings, 2, sharing.SEED).scores.tolist()
    sharing.check_whole(folder)


def test_the_books_file_is_shared_in_our_format(tmp_path, monkeypatch):
    monkeypatch.setattr(book_weights, "CONFIG", replace(book_weights.CONFIG, max_frames=200))
    weights = write_actor(tmp_path / "breakout_a3c_5_actor.h5")
    folder = share(tmp_path / "agent", weights, "a3c", episodes=2, sampled=True)
    ours, theirs = pretrained.load_weights(folder / "model.safetensors", "a3c"), pretrained.load_weights(weights, "a3c")
    assert ours[1] == theirs[1] and ours[0].keys() == theirs[0].keys() and all(np.array_equal(ours[0][name], theirs[0][name]) for name in ours[0])
    assert "the book's own agent, read from its Keras file" in (folder / "README.md").read_text(encoding="utf-8")
    sharing.check_whole(folder)


# Where the agent comes from


def test_a_shipped_stage_is_known_wherever_its_file_lies(tmp_path):
    path, entry = pretrained.stage_file("dqn", 2)
    copy = shutil.copyfile(path, tmp_path / "w.safetensors")
    for weights in (path, copy):
        words = sharing.training_in_words(sharing.origin(weights, "dqn"), config.FAST, weights)
        assert words["agent"] == "stage 2 of the dqn agents that ship with the course" and entry["command"] in words["command"]
        assert words["agent steps"] == f"{entry['agent_steps']:,} ({entry['emulator_frames']:,} frames of the emulator)"
        assert (words["hours of training"], words["machine"]) == (f"{entry['hours']:.2f}", entry["machine"])


def test_a_runs_files_are_known_by_what_they_hold(tmp_path):
    run = checkpoints.RunFolder(tmp_path / "run")
    run.start(DQN, "torch", 7)
    (tmp_path / "run" / "evaluations.csv").write_text("agent_steps,hours,episodes,mean\n300,0.1,2,4.0\n600,0.25,2,3.0\n")
    for step, seed in ((300, 1), (600, 2)):
        values = make_learner(DQN, "torch", (84, 84, 4), 3, seed).get_weights()
        pretrained.save_weights(run.snapshot(step), values, DQN, np.float16)
    best = make_weights(tmp_path / "run" / "best.safetensors", seed=1)
    for weights, steps, hours in ((best, 300, 0.1), (run.snapshot(300), 300, 0.1), (run.snapshot(600), 600, 0.25)):
        assert {name: sharing.origin(weights, "dqn")[name] for name in ("agent_steps", "hours", "seed")} == {"agent_steps": steps, "hours": hours, "seed": 7}
    words = sharing.training_in_words(sharing.origin(best, "dqn"), DQN, best)
    assert words["agent steps"] == "300 (1,200 frames of the emulator)" and words["machine"] == "not known" and words["seed"] == "7"
    make_weights(best, seed=2)  # not those that the best row is about
    assert sharing.origin(best, "dqn") == {}
    (tmp_path / "run" / "evaluations.csv").write_text("agent_steps,episodes,mean\n300,2,4.0\n")  # of another make
    assert sharing.origin(run.snapshot(300), "dqn") == {}
    assert sharing.origin(make_weights(tmp_path / "run" / "copy.safetensors", seed=1), "dqn") == {}
    (tmp_path / "run" / "evaluations.csv").unlink()
    assert sharing.origin(run.snapshot(300), "dqn") == {}


# What is refused, and what survives


def test_refusals_before_any_game(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "record_game", None)
    learner, settings = pretrained.load_learner(made.weights, "torch")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    for target, words in ((full, "not empty"), (full / "mine.txt", "not empty"), (made.folder, "not empty")):
        with pytest.raises(CourseError, match=words):
            share(target, made.weights)
    with pytest.raises(CourseError, match=r"other settings than this agent has \(discount\)"):
        sharing.make_folder(tmp_path / "x", made.weights, "dqn", learner, replace(settings, discount=0.5))
    with pytest.raises(CourseError, match="weights of dqn, not of a3c"):
        sharing.make_folder(tmp_path / "x", made.weights, "a3c", learner, settings)
    assert (full / "mine.txt").read_text() == "mine" and sorted(tmp_path.iterdir()) == [full]


@pytest.mark.parametrize("seed, episodes, refused", [(20_000, 1, True), (20_001, 1, True), (20_002, 5, False), (19_990, 10, True), (19_990, 9, False)])
def test_games_that_chose_the_weights_do_not_measure_them(seed, episodes, refused):
    """SMOKE chooses by two games, 20,000 and 20,001; the recorded game is one more than are measured."""
    if refused:
        with pytest.raises(CourseError, match="20000 to 20001"):
            sharing.refuse_seeds(seed, episodes, DQN)
    else:
        sharing.refuse_seeds(seed, episodes, DQN)


def test_a_toy_has_no_screen(tmp_path):
    catch = tmp_path / "catch.safetensors"
    pretrained.save_weights(catch, make_learner(config.CATCH, "torch", (10, 5, 1), 3).get_weights(), config.CATCH)
    with pytest.raises(CourseError, match="plays catch; only Breakout"):
        share(tmp_path / "agent", catch)
    assert list(tmp_path.iterdir()) == [catch]


def full_disk(*_, **__):
    raise OSError(28, "No space left on device")


def interruption(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "place, trouble",
    [
        ("shutil.copyfile", full_disk),
        ("gymnasium.wrappers.RecordVideo.stop_recording", full_disk),
        ("gymnasium.wrappers.RecordVideo.stop_recording", interruption),
        ("course_lib.sharing.evaluate", interruption),
        ("course_lib.sharing.write_json", full_disk),
    ],
)
def test_nothing_half_made_stays(made, tmp_path, monkeypatch, recwarn, place, trouble):
    monkeypatch.setattr(place, trouble)
    (tmp_path / "agent").mkdir()
    with pytest.raises((CourseError, KeyboardInterrupt)) as end:
        share(tmp_path / "agent", made.weights, episodes=2)
    assert end.type is (CourseError if trouble is full_disk else KeyboardInterrupt)
    if trouble is full_disk:
        assert "Could not write" in str(end.value) and "No space left on device" in str(end.value) and "\n" not in str(end.value)
    assert list(tmp_path.rglob("*")) == [tmp_path / "agent"]
    del end  # whose traceback holds the recorder
    gc.collect()
    assert not [warning for warning in recwarn if "video" in str(warning.message)]


def test_a_folder_that_was_filled_meanwhile_is_left_alone(made, tmp_path, monkeypatch):
    def meanwhile(path, content):
        (tmp_path / "agent").mkdir(exist_ok=True)
        (tmp_path / "agent" / "mine.txt").write_text("mine")
        path.write_text(json.dumps(content))

    monkeypatch.setattr(sharing, "write_json", meanwhile)
    with pytest.raises(CourseError, match="Could not write .*agent"):
        share(tmp_path / "agent", made.weights, episodes=2)
    assert contents(tmp_path) == {"agent/mine.txt": b"mine"}


def test_a_disk_that_is_really_too_small(made, tmp_path):
    """No file may be longer than 5 kB: ffmpeg fails, as it does on a full disk, when it closes the video, and moviepy does not hear of it."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    learner, settings = pretrained.load_learner(made.weights, "torch")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
        with pytest.raises(CourseError, match="^Could not write .*agent/replay.mp4 .*is the disk full"):
            sharing.record_game(learner, settings, tmp_path / "agent", epsilon=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(tmp_path) == {}


def test_a_cut_video_is_refused(made, tmp_path):
    whole = (made.folder / "replay.mp4").read_bytes()
    frames = read(made.folder)["replay"]["length"]
    sharing.refuse_cut_video(made.folder / "replay.mp4", frames)
    with pytest.raises(OSError, match="cut off"):
        sharing.refuse_cut_video(made.folder / "replay.mp4", 2 * frames)
    for length in (0, len(whole) // 2):
        (tmp_path / "cut.mp4").write_bytes(whole[:length])
        with pytest.raises(OSError, match="cut off"):
            sharing.refuse_cut_video(tmp_path / "cut.mp4", frames)


def test_an_empty_folder_is_filled_where_it_stands(made, tmp_path):
    """It may be a place where a disk is mounted, or the one that one is in."""
    (tmp_path / "agent").mkdir()
    before = (tmp_path / "agent").stat().st_ino
    folder = share(tmp_path / "agent", made.weights, episodes=1)
    assert folder.stat().st_ino == before and sorted(file.name for file in folder.iterdir()) == sorted(sharing.FILES)
    sharing.check_whole(folder)


def test_what_a_file_says_of_itself_stays_in_its_row_of_the_card(made, tmp_path):
    hostile = "x |\n\n---\n# Owned <script>alert(1)</script> [click](javascript:1) `"
    weights = make_weights(tmp_path / "w.safetensors", replace(DQN, preset=hostile))
    card = (share(tmp_path / "agent", weights, episodes=1) / "README.md").read_text(encoding="utf-8")
    (row,) = [line for line in card.splitlines() if "Owned" in line]
    assert row == r"| preset | x \| --- # Owned \<script\>alert(1)\</script\> \[click\](javascript:1) \` |"
    words = sharing.training_in_words({"command": f"course train {hostile}"}, DQN, weights)
    assert words["command"] == r"`course train x \| --- # Owned <script>alert(1)</script> [click](javascript:1) '`"


# The upload


@pytest.mark.parametrize("use_lfs", [True, False])
def test_every_file_arrives_whole(hub, folder, use_lfs):
    hub.use_lfs = use_lfs
    (folder / "notes.txt").write_text("mine, and not for the world")
    before = contents(folder)
    assert sharing.push(folder, "ada/agent") == f"{hub.address}/ada/agent"
    files = hub.repositories["ada/agent"].files
    assert {name: content for name, content in files.items() if name != ".gitattributes"} == {name: before[name] for name in sharing.FILES}
    assert hub.repositories["ada/agent"].commits == 1 and not hub.repositories["ada/agent"].private
    assert hub.asked.count("put") == (2 if use_lfs else 0) and contents(folder) == before
    sharing.push(folder, "ada/agent")  # again: nothing is in the way
    assert hub.repositories["ada/agent"].files == files


def test_a_private_repository(hub, folder):
    sharing.push(folder, "ada/secret", private=True)
    assert hub.repositories["ada/secret"].private
    sharing.push(folder, "ada/agent")
    with pytest.raises(CourseError, match="ada/agent exists and is public: .*; .* is kept, go on with: .* --push ada/agent --private$"):
        sharing.push(folder, "ada/agent", private=True)
    assert hub.repositories["ada/agent"].commits == 1


@pytest.mark.parametrize("names", [("README.md", "model.gguf"), ("README.md", "dqn.zip", "replay.mp4", "results.json")], ids=["other", "sb3"])
def test_another_repository_is_left_alone(hub, folder, names):
    """That of an agent of Stable-Baselines3 has results.json, too."""
    sharing.push(folder, "ada/agent")
    theirs = {name: b"my life's work" for name in names}
    hub.repositories["ada/agent"].files = dict(theirs)
    with pytest.raises(CourseError, match="holds something else .README.md, .*: choose another name; "):
        sharing.push(folder, "ada/agent")
    assert hub.repositories["ada/agent"].files == theirs


TROUBLE = {
    "the token is refused": ({"create": 401, "info": 401}, "refuses the token .trouble 401.: make one that may write"),
    "another's name": ({"create": 403, "info": 403}, "does not let this token write to ada/agent .trouble 403."),
    "a token that may only read": ({"commit": 403}, "does not let this token write to ada/agent .trouble 403."),
    "out of order": ({"create": 500}, "is out of order or busy .status 500.: try again later"),
    "out of order in the middle": ({"put": 503}, "is out of order or busy .status 503.: try again later"),
    "too busy for us": ({"preupload": 429}, "is out of order or busy .status 429."),
    "hung up at once": ({"create": "hang up"}, "The connection to .* failed"),
    "hung up before the weights": ({"batch": "hang up"}, "The connection to .* failed"),
    "hung up in the middle of the weights": ({"put": "hang up"}, "The connection to .* failed .(?!Error while uploading)"),
    "hung up in the commit": ({"commit": "hang up"}, "The connection to .* failed"),
    "silent": ({"create": "silence"}, "The connection to .* failed .timed out"),
    "silent in the middle": ({"commit": "silence"}, "The connection to .* failed .timed out"),
    "a cafe's page": ({"create": "portal"}, "does not answer as Hugging Face does"),
    "a card that it does not like": ({"validate": 400}, "refuses the upload .status 400: .*Invalid metadata in README.md"),
    "something else": ({"commit": 418}, "refuses the upload .status 418: trouble 418."),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_whatever_fails_is_one_sentence_and_the_same_command_goes_on(hub, folder, monkeypatch, case):
    trouble, words = TROUBLE[case]
    if "silence" in trouble.values():
        monkeypatch.setattr(sharing, "PATIENCE", 0.3)
    before = contents(folder)
    hub.trouble = trouble
    with pytest.raises(CourseError, match=words) as end:
        sharing.push(folder, "ada/agent")
    said = str(end.value)
    assert said.endswith(f"; {folder} is kept, go on with: course share {folder} --push ada/agent") and "\n" not in said
    assert contents(folder) == before
    assert all(set(repository.files) == {".gitattributes"} for repository in hub.repositories.values())
    hub.trouble = {}
    monkeypatch.setattr(sharing, "PATIENCE", 60.0)
    sharing.push(folder, "ada/agent")
    assert {name: hub.repositories["ada/agent"].files[name] for name in sharing.FILES} == before


def test_trouble_that_passes_is_not_told(hub, folder, monkeypatch):
    """The second try succeeds, and nobody hears of the first. Afterwards huggingface_hub is as it was."""
    from huggingface_hub.utils import are_progress_bars_disabled, get_session

    told = []
    handler = logging.Handler()
    handler.emit = told.append
    logger = logging.getLogger("huggingface_hub")
    before = logger.level, get_session().timeout, are_progress_bars_disabled()

    def sleep(seconds):
        hub.trouble = {}

    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=sleep, time=lambda: 0.0))
    hub.trouble = {"put": "hang up"}
    logger.addHandler(handler)
    try:
        assert sharing.push(folder, "ada/agent").endswith("ada/agent")
    finally:
        logger.removeHandler(handler)
    assert hub.repositories["ada/agent"].files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert hub.asked.count("put") >= 3 and told == []
    assert before == (logger.level, get_session().timeout, are_progress_bars_disabled())


def test_no_token_a_wrong_token_and_nobody_there(hub, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(CourseError, match="refuses the token .Invalid username or password"):
        sharing.push(folder, "ada/agent")
    monkeypatch.setenv("HF_TOKEN", "")
    with pytest.raises(CourseError, match="There is no token: .*hf auth login.* is kept, go on with: "):
        sharing.push(folder, "ada/agent")
    monkeypatch.setenv("HF_TOKEN", hub.token)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CourseError, match="The connection to http://127.0.0.1:9 failed .*refused.* is kept, go on with: "):
        sharing.push(folder, "ada/agent")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CourseError, match="offline mode is enabled.* is kept, go on with: "):
        sharing.push(folder, "ada/agent")
    assert hub.repositories == {}


def test_trouble_with_the_hubs_other_storage(hub, folder, monkeypatch):
    """With hf_xet large files take another road, which this hub does not have."""
    pytest.importorskip("hf_xet")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with pytest.raises(CourseError, match=" is kept, go on with: ") as end:
        sharing.push(folder, "ada/agent")
    assert "\n" not in str(end.value) and set(hub.repositories["ada/agent"].files) == {".gitattributes"}


def spoil(name, change):
    def spoiled(folder):
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return spoiled


SPOILED = {
    "no replay": (lambda folder: (folder / "replay.mp4").unlink(), "replay.mp4 is missing"),
    "no card": (lambda folder: (folder / "README.md").unlink(), "README.md is missing"),
    "half the weights": (spoil("model.safetensors", lambda content: content[: len(content) // 2]), "model.safetensors is not what results.json was measured on"),
    "half a replay": (spoil("replay.mp4", lambda content: content[:-1]), "replay.mp4 is not what"),
    "better results": (spoil("results.json", lambda content: content.replace(b'"mean_reward": ', b'"mean_reward": 9')), "mean_reward in results.json does not follow"),
    "solved": (spoil("results.json", lambda content: content.replace(b'"solved": false', b'"solved": true')), "solved in results.json does not follow"),
    "a better card": (spoil("README.md", lambda content: content.replace(b"value: ", b"value: 9")), "claims another score than results.json"),
    "no results": (spoil("results.json", lambda content: content[:-9]), "is damaged"),
    "results of nothing": (spoil("results.json", lambda content: b"[]"), "is damaged"),
    "another configuration": (spoil("config.json", lambda content: content.replace(b'"history": 4', b'"history": 5')), "config.json does not belong"),
    "no metadata": (spoil("README.md", lambda content: b"# Look here"), "has lost its metadata"),
    "metadata that are none": (spoil("README.md", lambda content: content.replace(b"license: mit", b"license: [mit")), "metadata that Hugging Face cannot read"),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_folder_that_is_not_whole_is_not_uploaded(hub, folder, case):
    spoiling, words = SPOILED[case]
    spoiling(folder)
    with pytest.raises(CourseError, match=words) as end:
        sharing.push(folder, "ada/agent")
    assert "\n" not in str(end.value) and hub.asked == []


def test_a_card_may_be_edited(hub, folder):
    card = (folder / "README.md").read_text(encoding="utf-8") + "\nTrained on a train. 🚂\n"
    (folder / "README.md").write_text(card, encoding="utf-8")
    sharing.push(folder, "ada/agent")
    assert hub.repositories["ada/agent"].files["README.md"].decode() == card


@pytest.mark.parametrize("name", ["agent", "ada/agent/x", "ada/my agent", "ada/", "/agent", "", "ada/agent.git", "ada/a--b", "https://huggingface.co/ada/agent"])
def test_names_that_no_repository_has(name):
    with pytest.raises(CourseError, match="is no name of a repository: write USER/NAME"):
        sharing.check_repo_id(name)


def test_a_name_that_one_may_have():
    sharing.check_repo_id("ada-l/dqn_breakout.2")
