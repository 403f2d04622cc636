"""The loop: it learns Catch in both frameworks, counts steps exactly, resumes exactly, stops when asked."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

from course_lib.checkpoints import RunFolder, config_of
from course_lib.config import CATCH, SMOKE, NetworkConfig
from course_lib.environments import make_vector
from course_lib.errors import CourseError
from course_lib.evaluation import Scores, evaluate, greedy_policy
from course_lib.learners import FRAMEWORKS, make_learner
from course_lib.logs import read_curve
from course_lib.pretrained import load_learner
from course_lib.q_training import Recorder, due, play_and_learn, stop_on_interrupt, train
from course_lib.replay import ReplayMemory

TINY = replace(CATCH, total_steps=1_000, learning_starts=200, evaluation_period=0, network=NetworkConfig(conv=(), dense=(8,)))


def quiet_train(config, framework, run, **options):
    return train(config, framework, run, show_progress=False, **options)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_dqn_learns_catch(framework, tmp_path):
    """Mean return at least 0.9 of 1 (random play: about -0.6), in under a minute."""
    progress = quiet_train(CATCH, framework, tmp_path / "run", tensorboard=False)
    learner, config = load_learner(tmp_path / "run" / "best.safetensors", framework)
    scores = evaluate(greedy_policy(learner, 0.0), config, episodes=100, seed=1_000)
    assert scores.mean >= 0.9
    assert progress.step >= CATCH.total_steps and progress.seconds < 60


def test_untrained_catch_is_not_solved():
    learner = make_learner(CATCH, "torch", (10, 5, 1), 3)
    assert evaluate(greedy_policy(learner, 0.0), CATCH, episodes=100, seed=1_000).mean < 0.5


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_part_runs_on_breakout(framework, tmp_path):
    progress = quiet_train(SMOKE, framework, tmp_path / "run")
    rows = (tmp_path / "run" / "evaluations.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 and rows[0].startswith("agent_steps,hours,episodes,mean")
    assert progress.step >= SMOKE.total_steps
    assert {"run.json", "checkpoint.safetensors", "best.safetensors", "curve.csv"} <= {p.name for p in (tmp_path / "run").iterdir()}


def test_tensorboard_has_the_books_four_scalars(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    quiet_train(TINY, "torch", tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run")).Reload()
    names = {"Total_Reward/Episode", "Duration/Episode", "Average_Max_Q/Episode", "Average_Loss/Episode"}
    assert names <= set(events.Tags()["scalars"])
    durations = [event.value for event in events.Scalars("Duration/Episode")]
    assert durations and set(durations) == {9.0}


class CountingLearner:
    """Stands in for a network: counts what the loop asks of it."""

    def __init__(self):
        self.updates = self.syncs = 0

    def q_values(self, observations):
        return np.zeros((len(observations), 3), np.float32)

    def update(self, batch):
        self.updates += 1
        return 0.0

    def sync_target(self):
        self.syncs += 1


@pytest.mark.parametrize("num_envs", [1, 8])
def test_steps_updates_and_copies_are_counted_exactly(num_envs):
    config = replace(TINY, num_envs=num_envs, update_period=4, learning_starts=100, target_update_period=50)
    learner, memory = CountingLearner(), ReplayMemory(2_000, num_envs, (10, 5), 1)
    played = 0
    for step in play_and_learn(config, learner, make_vector(config, num_envs), memory, np.random.default_rng(0)):
        played += int(step.played.sum())
        if step.after >= 900:
            break
    assert step.after == played
    assert abs(learner.updates - (played - 100) / 4) <= num_envs
    assert abs(learner.syncs - (played - 100) / 50) <= 1


def test_a_memory_smaller_than_learning_starts_learns_all_the_same():
    config = replace(TINY, num_envs=1, update_period=1, learning_starts=100, replay_capacity=40)
    learner, memory = CountingLearner(), ReplayMemory(40, 1, (10, 5), 1)
    for step in play_and_learn(config, learner, make_vector(config, 1), memory, np.random.default_rng(0)):
        if step.after >= 150:
            break
    assert learner.updates == 51  # from the 100th step on


def test_due_counts_multiples():
    assert [due(4, before, after) for before, after in ((0, 3), (3, 4), (4, 8), (0, 8), (7, 17))] == [0, 1, 1, 2, 3]


def test_rewards_are_clipped_in_the_memory_and_raw_in_the_score():
    config = replace(SMOKE, num_envs=1, update_period=10**9)

    class Loud:
        """A game that pays 7 a step and loses a life on the third."""

        over = np.zeros(1, bool)

        def reset(self, seed):
            self.t = 0
            return np.zeros((1, 84, 84, 4), np.uint8), {"reset": np.ones(1, bool)}

        def send(self, actions):
            self.actions = actions

        def recv(self):
            self.t += 1
            no = np.zeros(1, bool)
            info = {"reset": no, "life_lost": np.array([self.t == 3]), "actions": self.actions}
            return np.full((1, 84, 84, 4), self.t, np.uint8), np.array([7.0], np.float32), no, no, info

    memory = ReplayMemory(100, 1)
    steps = play_and_learn(config, CountingLearner(), Loud(), memory, np.random.default_rng(0))
    seen = [next(steps) for _ in range(5)]
    assert all(step.rewards == 7.0 for step in seen)
    assert (memory.rewards[:5] == 1.0).all()
    assert memory.terminated[:5, 0].tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_resumed_run_goes_on_where_it_stopped(framework, tmp_path, monkeypatch):
    """Weights, target, optimiser, generator, memory and counters on disk are those of the run that stopped, to the last bit."""
    stopped = {}

    class Watched(RunFolder):
        def save(self, learner, progress, rng):
            super().save(learner, progress, rng)
            stopped.update(learner=learner, rng=rng, progress=progress)

        def save_memory(self, memory, step):
            super().save_memory(memory, step)
            stopped.update(memory=memory)

    monkeypatch.setattr("course_lib.q_training.RunFolder", Watched)
    quiet_train(TINY, framework, tmp_path / "run", keep_memory=True, tensorboard=False)

    learner, rng = make_learner(TINY, framework, (10, 5, 1), 3, seed=99), np.random.default_rng(99)
    memory = ReplayMemory(TINY.replay_capacity, TINY.num_envs, (10, 5), 1)
    progress = RunFolder(tmp_path / "run").load(learner, rng)
    assert progress == stopped["progress"] and progress.step >= TINY.total_steps and progress.games > 50
    assert RunFolder(tmp_path / "run").load_memory(memory, progress.step)
    assert (memory.head, memory.size) == (stopped["memory"].head, stopped["memory"].size) and memory.head != 0
    assert all((array == stopped["memory"].arrays()[name]).all() for name, array in memory.arrays().items())
    assert rng.bit_generator.state == stopped["rng"].bit_generator.state
    assert all((stopped["learner"].get_state()[name] == array).all() for name, array in learner.get_state().items())

    batches = [memory.sample(32, rng) for _ in range(5)]
    assert [learner.update(batch) for batch in batches] == [stopped["learner"].update(batch) for batch in batches]


def test_a_memory_of_another_checkpoint_is_not_loaded(tmp_path, capsys):
    quiet_train(TINY, "torch", tmp_path / "run", keep_memory=True, tensorboard=False)
    quiet_train(replace(TINY, total_steps=1_500), "torch", tmp_path / "run", resume=True, tensorboard=False)
    capsys.readouterr()
    quiet_train(replace(TINY, total_steps=2_000), "torch", tmp_path / "run", resume=True, tensorboard=False)
    assert "the memory starts empty" in capsys.readouterr().out


def test_a_damaged_memory_or_curve_is_one_sentence(tmp_path):
    quiet_train(TINY, "torch", tmp_path / "run", keep_memory=True, tensorboard=False)
    longer = replace(TINY, total_steps=1_500)
    (tmp_path / "run" / "memory.safetensors").write_bytes(b"half")
    with pytest.raises(CourseError, match="memory.safetensors is damaged"):
        quiet_train(longer, "torch", tmp_path / "run", resume=True, tensorboard=False)
    (tmp_path / "run" / "memory.safetensors").unlink()
    with (tmp_path / "run" / "curve.csv").open("a") as file:
        file.write("100,0.1")  # the disk was full
    with pytest.raises(CourseError, match="curve.csv is damaged"):
        quiet_train(longer, "torch", tmp_path / "run", resume=True, tensorboard=False)


def test_a_longer_run_keeps_its_length(tmp_path, capsys):
    quiet_train(TINY, "torch", tmp_path / "run", tensorboard=False)
    longer = replace(TINY, total_steps=1_500)
    assert quiet_train(longer, "torch", tmp_path / "run", resume=True, tensorboard=False).step >= 1_500
    assert config_of(RunFolder(tmp_path / "run").about("dqn")) == longer
    before = RunFolder(tmp_path / "run").load(make_learner(TINY, "torch", (10, 5, 1), 3), np.random.default_rng())
    assert quiet_train(longer, "torch", tmp_path / "run", resume=True, tensorboard=False) == before
    assert "give more with --total-steps" in capsys.readouterr().out


def test_a_start_that_fails_leaves_the_folder_free(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(CourseError, match="no CUDA device"):
        quiet_train(TINY, "torch", tmp_path / "run", device="cuda")
    quiet_train(TINY, "torch", tmp_path / "run", tensorboard=False)


def test_the_best_weights_keep_their_mean_through_a_kill(tmp_path, monkeypatch):
    """Killed right after its best evaluation, a resumed run does not overwrite the best weights with worse ones."""
    means = iter([10.0, 85.0, 60.0])

    def fake(*_):
        return Scores(np.full(3, next(means)), np.ones(3, int), np.arange(3))

    def killed(self, *_):
        raise SystemExit

    config = replace(TINY, evaluation_period=400)
    monkeypatch.setattr("course_lib.q_training.evaluate", fake)
    with monkeypatch.context() as kill, pytest.raises(SystemExit):
        kill.setattr("course_lib.recording.CURVE_PERIOD", 900)
        kill.setattr("course_lib.logs.CurveFile.add", killed)
        quiet_train(config, "torch", tmp_path / "run", tensorboard=False)
    best = (tmp_path / "run" / "best.safetensors").read_bytes()
    quiet_train(replace(config, total_steps=1_300), "torch", tmp_path / "run", resume=True, tensorboard=False)
    assert (tmp_path / "run" / "best.safetensors").read_bytes() == best
    assert RunFolder(tmp_path / "run").best_evaluation()["mean"] == 85.0


def test_resuming_says_whether_the_memory_came_along(tmp_path, capsys):
    quiet_train(TINY, "torch", tmp_path / "run", tensorboard=False)
    longer = replace(TINY, total_steps=1_500)
    quiet_train(longer, "torch", tmp_path / "run", resume=True, keep_memory=True, tensorboard=False)
    assert "refills 200 slots" in capsys.readouterr().out
    quiet_train(replace(TINY, total_steps=1_600), "torch", tmp_path / "run", resume=True, tensorboard=False)
    assert "memory came along" in capsys.readouterr().out


def test_the_curve_goes_on_without_rows_of_a_lost_sitting(tmp_path):
    config = replace(TINY, total_steps=20_000, update_period=10**9)
    quiet_train(config, "torch", tmp_path / "run", tensorboard=False)
    with (tmp_path / "run" / "curve.csv").open("a") as file:
        file.write("999999,1,1,0,0,0,0,0\n")  # a row written after the last checkpoint
    quiet_train(replace(config, total_steps=30_000), "torch", tmp_path / "run", resume=True, tensorboard=False)
    steps = [point.agent_steps for point in read_curve(tmp_path / "run" / "curve.csv")]
    assert len(steps) == 3 and steps == sorted(steps) and steps[-1] < 31_000


def test_another_configuration_is_not_resumed(tmp_path):
    quiet_train(TINY, "torch", tmp_path / "run", tensorboard=False)
    with pytest.raises(CourseError, match="other settings .*learning_rate.*seed"):
        quiet_train(replace(TINY, learning_rate=0.5), "torch", tmp_path / "run", resume=True, seed=3)
    with pytest.raises(CourseError, match="already holds a run"):
        quiet_train(TINY, "torch", tmp_path / "run")
    with pytest.raises(CourseError, match="holds no run"):
        quiet_train(TINY, "torch", tmp_path / "nowhere", resume=True)


def test_a_full_disk_leaves_the_previous_checkpoint(tmp_path, monkeypatch):
    quiet_train(TINY, "torch", tmp_path / "run", tensorboard=False)
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()

    def full(tensors, path, header):
        path.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("course_lib.pretrained.save_file", full)
    with pytest.raises(CourseError, match="No space left.*untouched"):
        quiet_train(replace(TINY, total_steps=1_200), "torch", tmp_path / "run", resume=True, tensorboard=False)
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before
    assert not list((tmp_path / "run").glob("*unfinished*"))


def test_ctrl_c_saves_and_ends(tmp_path, monkeypatch):
    record = Recorder.add

    def interrupted(self, step, *others):
        before = self.progress.step
        record(self, step, *others)
        if before < 100 <= step:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Recorder, "add", interrupted)
    progress = quiet_train(replace(TINY, total_steps=10**9), "torch", tmp_path / "run", tensorboard=False)
    assert 100 <= progress.step < 110
    rng = np.random.default_rng()
    saved = RunFolder(tmp_path / "run").load(make_learner(TINY, "torch", (10, 5, 1), 3), rng)
    assert saved.step == progress.step
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["game"] == "catch"


def test_the_second_ctrl_c_is_pythons_own():
    with pytest.raises(KeyboardInterrupt), stop_on_interrupt() as asked:
        signal.raise_signal(signal.SIGINT)
        assert asked.is_set()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
