"""A3C: it learns Catch in both frameworks, counts every step, bootstraps from the right place, and survives its workers."""

import json
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from course_lib import a3c, a3c_training, recording, workers
from course_lib.a3c import ActorLearner, Failure, Shared, learning_rate
from course_lib.a3c_training import train
from course_lib.checkpoints import RunFolder
from course_lib.config import A3C_CATCH, A3C_SMOKE, NetworkConfig
from course_lib.errors import CourseError, WorkerFailed
from course_lib.evaluation import Scores, evaluate, sampled_policy
from course_lib.learners import FRAMEWORKS, make_learner
from course_lib.logs import A3CCurvePoint, read_curve
from course_lib.pretrained import load_learner, load_weights
from course_lib.returns import advantages, n_step_returns
from course_lib.workers import start_workers, stop_workers, take_reports

TINY = replace(A3C_CATCH, total_steps=2_000, evaluation_period=0, network=NetworkConfig(conv=(), dense=(8,)))
AS_PROCESSES = replace(TINY, workers_as="processes", num_workers=2)


def quiet_train(config, framework, run, **options):
    return train(config, framework, run, show_progress=False, **{"tensorboard": False} | options)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a3c_learns_catch_with_4_threads(framework, tmp_path):
    """Mean return at least 0.9 of 1 with actions drawn from the policy (random play: about -0.6), in under 90 seconds."""
    assert (A3C_CATCH.num_workers, A3C_CATCH.workers_as) == (4, "threads")
    began = time.monotonic()
    progress = quiet_train(A3C_CATCH, framework, tmp_path / "run")
    learner, config = load_learner(tmp_path / "run" / "best.safetensors", framework, "a3c")
    scores = evaluate(sampled_policy(learner), config, episodes=200, seed=1_000)
    assert scores.mean >= 0.9
    assert progress.step >= A3C_CATCH.total_steps and time.monotonic() - began < 90


def test_untrained_catch_is_not_solved():
    learner = make_learner(A3C_CATCH, "torch", (10, 5, 1), 3)
    assert evaluate(sampled_policy(learner), A3C_CATCH, episodes=200, seed=1_000).mean < 0.0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_part_runs_on_breakout(framework, tmp_path):
    progress = quiet_train(A3C_SMOKE, framework, tmp_path / "run")
    rows = (tmp_path / "run" / "evaluations.csv").read_text().splitlines()
    assert len(rows) >= 2 and rows[0].startswith("agent_steps,hours,episodes,mean")
    assert A3C_SMOKE.total_steps <= progress.step <= A3C_SMOKE.total_steps + A3C_SMOKE.rollout_steps * A3C_SMOKE.num_workers
    assert {"run.json", "checkpoint.safetensors", "best.safetensors", "curve.csv"} <= {p.name for p in (tmp_path / "run").iterdir()}
    learner, config = load_learner(tmp_path / "run" / "best.safetensors", framework, "a3c")
    assert config == A3C_SMOKE and learner.policy_and_value(np.zeros((2, 84, 84, 4), np.uint8))[0].shape == (2, 3)


def test_tensorboard_has_the_books_three_scalars(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    progress = quiet_train(TINY, "torch", tmp_path / "run", tensorboard=True)
    events = EventAccumulator(str(tmp_path / "run"), size_guidance={"scalars": 0}).Reload()
    assert {"Total_Reward/Episode", "Average_Max_Prob/Episode", "Duration/Episode"} <= set(events.Tags()["scalars"])
    assert [event.value for event in events.Scalars("Duration/Episode")] == [9.0] * progress.games
    assert all(1 / 3 <= event.value <= 1 for event in events.Scalars("Average_Max_Prob/Episode"))
    assert {event.value for event in events.Scalars("Total_Reward/Episode")} == {-1.0, 1.0}


# Nothing lost.


class CountingGame:
    """Catch that counts its steps."""

    taken = 0
    lock = threading.Lock()

    def __init__(self, game):
        self.game, self.action_space = game, game.action_space

    def reset(self, seed=None):
        return self.game.reset(seed=seed)

    def step(self, action):
        with self.lock:
            CountingGame.taken += 1
        return self.game.step(action)

    def close(self):
        self.game.close()


@pytest.mark.parametrize("rollout_steps", [4, 9, 20])
def test_steps_counted_are_steps_taken_with_8_workers(rollout_steps, tmp_path, monkeypatch):
    make_game = a3c.make_game
    monkeypatch.setattr(CountingGame, "taken", 0)
    monkeypatch.setattr(a3c, "make_game", lambda config: CountingGame(make_game(config)))
    config = replace(TINY, num_workers=8, rollout_steps=rollout_steps)
    progress = quiet_train(config, "torch", tmp_path / "run")
    assert progress.step == CountingGame.taken >= TINY.total_steps
    assert RunFolder(tmp_path / "run").load(make_learner(TINY, "torch", (10, 5, 1), 3), np.random.default_rng()).step == progress.step


@pytest.mark.parametrize("workers_as", ["threads", "processes"])
def test_steps_and_games_are_counted_exactly_with_8_workers(workers_as, tmp_path):
    """A rollout is a whole game of 9 steps here, so that games and steps must agree to the last one."""
    progress = quiet_train(replace(TINY, num_workers=8, workers_as=workers_as, rollout_steps=9), "torch", tmp_path / "run")
    assert progress.step == 9 * progress.games >= TINY.total_steps


def test_every_rollout_of_a_process_is_an_update_of_the_global_network(tmp_path):
    """The optimiser's own count, in memory that all processes share, and weights that moved away from where they began."""
    config = replace(AS_PROCESSES, rollout_steps=9)
    progress = quiet_train(config, "torch", tmp_path / "run")
    learner, fresh = make_learner(config, "torch", (10, 5, 1), 3), make_learner(config, "torch", (10, 5, 1), 3)
    RunFolder(tmp_path / "run").load(learner, np.random.default_rng())
    assert learner.get_state()["optimizer/0/step"] == progress.step / 9
    assert all((learner.get_weights()[name] != weight).any() for name, weight in fresh.get_weights().items())


def test_updates_are_applied_one_at_a_time_and_under_the_lock():
    shared = make_shared(Recording())
    threads = [ActorLearner(i, TINY, "torch", shared, seed=i) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)  # they end at TINY's total
    assert shared.steps.value >= TINY.total_steps
    assert shared.learner.most_at_once == 1 and shared.learner.unlocked == 0
    assert shared.learner.updates >= 2_000 / 9


class Recording:
    """Stands in for the global network: notes who touches it, and when."""

    def __init__(self):
        self.inside = self.most_at_once = self.unlocked = self.updates = 0
        self.network = make_learner(TINY, "torch", (10, 5, 1), 3).network

    def apply_gradients(self, gradients, learning_rate):
        self.inside += 1
        self.most_at_once = max(self.most_at_once, self.inside)
        self.unlocked += not self.lock.locked()
        time.sleep(0.0005)
        self.inside -= 1
        self.updates += 1


def make_shared(learner, steps=0):
    shared = Shared(learner, threading.Lock(), SimpleNamespace(value=steps), queue.SimpleQueue(), SimpleNamespace(value=False))
    learner.lock = shared.lock
    return shared


# One actor-learner, step by step.


class Script:
    """A game that tells a prepared story: rewards, lost lives, and how it ends. Its observations are numbered 0, 1, 2, ..."""

    action_space = SimpleNamespace(n=3)

    def __init__(self, rewards, lives_lost=(), end="terminated"):
        self.rewards, self.lives_lost, self.end = rewards, lives_lost, end
        self.resets = 0

    def reset(self, seed=None):
        self.t, self.resets = 0, self.resets + 1
        return self._observation(), {}

    def step(self, action):
        reward = self.rewards[self.t]
        life_lost = self.t in self.lives_lost
        self.t += 1
        over = self.t == len(self.rewards)
        info = {"life_lost": life_lost, "action": 0}
        return self._observation(), reward, over and self.end == "terminated", over and self.end == "truncated", info

    def _observation(self):
        return np.full((10, 5, 1), self.t, np.uint8)

    def close(self):
        pass


class Foreteller:
    """Stands in for the local network: the value of observation number t is 100 + t; remembers the rollouts it learned from."""

    def __init__(self):
        self.rollouts, self.copies = [], 0

    def policy_and_value(self, observations):
        return np.full((len(observations), 3), 1 / 3, np.float32), 100.0 + observations[:, 0, 0, 0].astype(np.float32)

    def gradients(self, rollout):
        self.rollouts.append(rollout)
        return [], 0.5

    def apply_gradients(self, gradients, learning_rate):
        self.learning_rate = learning_rate

    def copy_from(self, other):
        self.copies += 1


def actor_learner(game, rollout_steps=3, kind=ActorLearner):
    config = replace(TINY, rollout_steps=rollout_steps, discount=0.5)
    worker = kind(0, config, "torch", make_shared(Foreteller()), seed=0)
    worker.env, worker.local = game, Foreteller()
    return worker


def test_a_rollout_bootstraps_from_the_observation_after_its_last_step():
    worker = actor_learner(Script([1.0] * 10))
    worker.learn()
    (rollout,) = worker.local.rollouts
    assert rollout.observations[:, 0, 0, 0].tolist() == [0, 1, 2]
    last_value = 103.0  # of observation 3, which no action has answered yet
    assert rollout.returns.tolist() == [1 + 0.5 + 0.25 + 0.125 * last_value, 1 + 0.5 + 0.25 * last_value, 1 + 0.5 * last_value]
    assert rollout.advantages.tolist() == (rollout.returns - [100.0, 101.0, 102.0]).tolist()
    worker.learn()
    assert worker.local.rollouts[1].observations[:, 0, 0, 0].tolist() == [3, 4, 5]  # the game goes on
    assert worker.local.copies == 2 and worker.shared.steps.value == 6


def test_nothing_flows_back_across_a_lost_life_and_the_game_goes_on():
    worker = actor_learner(Script([1.0, 0.0, 1.0, 0.0, 1.0], lives_lost=[1]), rollout_steps=4)
    worker.learn()
    (rollout,) = worker.local.rollouts
    assert rollout.returns.tolist() == [1.0, 0.0, 1.0 + 0.25 * 104.0, 0.5 * 104.0]
    assert worker.env.resets == 1 and worker.shared.reports.empty()


def test_a_rollout_ends_with_the_game_and_the_next_one_begins_another():
    worker = actor_learner(Script([1.0, 7.0]), rollout_steps=5)
    worker.learn()
    (rollout,) = worker.local.rollouts
    assert len(rollout.actions) == 2 and worker.shared.steps.value == 2
    assert rollout.returns.tolist() == [1.0 + 0.5 * 1.0, 1.0]  # 7 counts as 1, nothing follows the end
    assert worker.shared.reports.get_nowait()[:2].tolist() == [8.0, 2.0]  # the score is raw
    worker.learn()
    assert worker.env.resets == 2 and worker.local.rollouts[1].observations[0, 0, 0, 0] == 0


def test_a_game_that_is_cut_off_bootstraps_from_its_last_observation():
    worker = actor_learner(Script([0.0, 0.0], end="truncated"), rollout_steps=5)
    worker.learn()
    assert worker.local.rollouts[0].returns.tolist() == [0.25 * 102.0, 0.5 * 102.0]


def test_it_learns_from_the_action_it_drew():
    """Serving may override an action; the policy is answerable for what it drew, not for what was sent."""
    worker = actor_learner(Script([0.0] * 40), rollout_steps=30)
    worker.learn()
    assert set(worker.local.rollouts[0].actions.tolist()) == {0, 1, 2}


def test_the_dtypes_are_those_the_backends_ask_for():
    worker = actor_learner(Script([1.0] * 10))
    worker.learn()
    rollout = worker.local.rollouts[0]
    assert [array.dtype for array in rollout] == [np.uint8, np.int64, np.float32, np.float32]


# The bugs of the book's code: each wrong version fails a test above.


def test_a_bootstrap_from_the_wrong_state_is_caught(monkeypatch):
    class Wrong(ActorLearner):
        def play(self):
            played = super().play()
            self.observation = played[0][-1]  # as if the last observation acted on were the one after it
            return played

    monkeypatch.setattr("tests.test_a3c.actor_learner", lambda game, kind=Wrong, **options: make_actor_learner(game, kind=kind, **options))
    with pytest.raises(AssertionError):
        test_a_rollout_bootstraps_from_the_observation_after_its_last_step()


make_actor_learner = actor_learner


@pytest.mark.parametrize("wrong", ["life", "order"])
def test_other_wrong_returns_are_caught(wrong, monkeypatch):
    def ignores_lost_lives(rewards, terminated, last_value, discount):
        return n_step_returns(rewards, np.zeros_like(terminated), last_value, discount)

    def forward(rewards, terminated, last_value, discount):
        return n_step_returns(rewards[::-1], terminated[::-1], last_value, discount)[::-1]

    monkeypatch.setattr(a3c, "n_step_returns", {"life": ignores_lost_lives, "order": forward}[wrong])
    with pytest.raises(AssertionError):
        test_nothing_flows_back_across_a_lost_life_and_the_game_goes_on()


def frames_in_order(observations):
    """Newest last: between two observations of a game every frame moves one place towards the front."""
    for before, after in zip(observations, observations[1:]):
        np.testing.assert_array_equal(before[..., 1:], after[..., :-1])


def test_workers_see_the_frames_in_order_across_a_lost_life():
    config = replace(A3C_SMOKE, rollout_steps=400, max_frames=2_000)
    worker = ActorLearner(0, config, "torch", make_shared(Foreteller()), seed=1)
    worker.local = Foreteller()
    observations, _, _, terminated, _ = worker.play()
    assert terminated.sum() >= 1  # balls were lost on the way
    assert observations.shape[1:] == (84, 84, 4) and observations.dtype == np.uint8
    frames_in_order(observations)


def test_a_scrambled_history_is_caught():
    """The book's code stacks (1, 84, 84, 1) frames along axis 2 after a lost life and reshapes: the numbers are all there, in the wrong places."""
    rng = np.random.default_rng(0)
    frames = rng.integers(256, size=(6, 84, 84), dtype=np.uint8)
    right = [np.stack(frames[t : t + 4], axis=-1) for t in range(3)]
    frames_in_order(right)
    batches = frames[:, None, :, :, None]  # [6, 1, 84, 84, 1]
    scrambled = [np.stack(batches[t : t + 4], axis=2).reshape(84, 84, 4) for t in range(3)]
    with pytest.raises(AssertionError):
        frames_in_order(scrambled)


def test_advantages_that_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"both must be \[T\]"):
        advantages(np.zeros(5), np.zeros((5, 1)))


# The run: it stops when asked, goes on where it was, and says which worker broke.


def saved(run, config=TINY):
    return RunFolder(run).load(make_learner(config, "torch", (10, 5, 1), 3), np.random.default_rng())


class BreakingGame(CountingGame):
    """Works for 500 steps of all workers together."""

    def step(self, action):
        if CountingGame.taken >= 500:
            raise OSError("the emulator is gone")
        return super().step(action)


def test_a_worker_whose_game_breaks_ends_the_run_with_its_traceback(tmp_path, monkeypatch):
    make_game = a3c.make_game
    monkeypatch.setattr(CountingGame, "taken", 0)
    with monkeypatch.context() as broken, pytest.raises(WorkerFailed, match="(?s)actor-learner . failed.*in step.*OSError: the emulator is gone"):
        broken.setattr(a3c, "make_game", lambda config: BreakingGame(make_game(config)))
        quiet_train(replace(TINY, total_steps=10**9), "torch", tmp_path / "run")
    assert 0 < saved(tmp_path / "run").step <= 500
    assert threading.active_count() == 1 or not any("actor-learner" in thread.name for thread in threading.enumerate())
    assert quiet_train(TINY, "torch", tmp_path / "run", resume=True).step >= TINY.total_steps


def test_a_closed_emulator_ends_the_run_too(tmp_path):
    config = replace(A3C_SMOKE, evaluation_period=0, total_steps=10**9)
    start = ActorLearner.start

    def close_one(worker):
        start(worker)
        if worker.worker == 1:
            threading.Timer(1.0, setattr, [worker.env, "emulator", None]).start()

    with pytest.MonkeyPatch.context() as patch, pytest.raises(WorkerFailed, match="actor-learner 1 failed"):
        patch.setattr(ActorLearner, "start", close_one)
        quiet_train(config, "torch", tmp_path / "run")
    learner = make_learner(config, "torch", (84, 84, 4), 3)
    before = RunFolder(tmp_path / "run").load(learner, np.random.default_rng()).step
    assert before > 0
    after = quiet_train(replace(config, total_steps=before + 200), "torch", tmp_path / "run", resume=True)
    assert after.step >= before + 200


def test_a_killed_process_ends_the_run_and_the_curve_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "CURVE_PERIOD", 500)
    config = replace(AS_PROCESSES, total_steps=10**9)
    add = recording.Recorder.add

    def kill_one(self, step, *others):
        add(self, step, *others)
        if step > 3_000 and multiprocessing.active_children():
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)

    with monkeypatch.context() as patch, pytest.raises(WorkerFailed, match="killed by signal 9"):
        patch.setattr(recording.Recorder, "add", kill_one)
        quiet_train(config, "torch", tmp_path / "run")
    assert not multiprocessing.active_children()
    before = read_curve(tmp_path / "run" / "curve.csv", A3CCurvePoint)
    reached = saved(tmp_path / "run").step
    progress = quiet_train(replace(config, total_steps=reached + 3_000), "torch", tmp_path / "run", resume=True)
    after = read_curve(tmp_path / "run" / "curve.csv", A3CCurvePoint)
    steps, games = [point.agent_steps for point in after], [point.games for point in after]
    assert len(after) > len([point for point in before if point.agent_steps <= reached]) and steps == sorted(set(steps)) and games == sorted(games)
    assert progress.step >= reached + 3_000


def test_a_process_that_breaks_sends_its_traceback(tmp_path):
    with pytest.raises(WorkerFailed, match="(?s)n_step_returns.*TypeError"):
        quiet_train(replace(AS_PROCESSES, discount="a half"), "torch", tmp_path / "run")


def test_a_run_without_saving_says_so(tmp_path, monkeypatch):
    lock = threading.Lock()
    lock.acquire()
    with pytest.raises(WorkerFailed, match="(?s)the last checkpoint stands.*actor-learner 2: killed"), workers.holding(lock, [Failure(2, "killed")]):
        pass
    monkeypatch.setattr(workers, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(WorkerFailed, match="does not answer"), workers.holding(lock, []):
        pass


def test_failures_are_told_once():
    shared = make_shared(Foreteller())
    shared.reports.put(np.zeros(5))
    shared.reports.put(Failure(1, "a reason"))
    processes = [SimpleNamespace(exitcode=code) for code in (0, 1, -9, None, 1)]
    games, failures = take_reports(shared, processes)
    assert len(games) == 1 and [failure.worker for failure in failures] == [1, 2, 4]
    assert failures[0] == Failure(1, "a reason") and "killed by signal 9" in failures[1].reason and "__main__" in failures[2].reason


def test_the_best_weights_keep_their_mean(tmp_path):
    """Also where the last thing that a run does is its best evaluation."""
    config = replace(TINY, evaluation_period=1_000, evaluation_episodes=5)
    progress = quiet_train(config, "torch", tmp_path / "run")
    assert saved(tmp_path / "run").best_mean == progress.best_mean == RunFolder(tmp_path / "run").evaluation()["mean"]
    assert saved(tmp_path / "run").step == progress.step


@pytest.mark.parametrize("config", [TINY, AS_PROCESSES], ids=["threads", "processes"])
def test_an_error_of_the_main_thread_leaves_no_workers_behind(config, tmp_path, monkeypatch):
    def full(self, learner, progress, rng):
        if progress.step:
            raise CourseError("No space left on device")
        save(self, learner, progress, rng)

    save = RunFolder.save
    monkeypatch.setattr(RunFolder, "save", full)
    with pytest.raises(CourseError, match="No space left"):
        quiet_train(config, "torch", tmp_path / "run")
    assert not multiprocessing.active_children() and not any("actor-learner" in thread.name for thread in threading.enumerate())


def test_an_evaluation_is_logged_at_the_steps_of_its_weights(tmp_path, monkeypatch):
    """The workers go on meanwhile, and come far beyond."""
    checkpoints = []

    def evaluate(policy, config, episodes, seed, on_game_over):
        checkpoints.append(saved(tmp_path / "run").step)
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            on_game_over(1)
            time.sleep(0.05)
        return Scores(np.ones(3), np.ones(3, int), np.arange(3))

    monkeypatch.setattr(a3c_training, "evaluate", evaluate)
    progress = quiet_train(replace(TINY, total_steps=10_000, evaluation_period=500), "torch", tmp_path / "run")
    rows = (tmp_path / "run" / "evaluations.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == checkpoints
    assert len(checkpoints) >= 2 and progress.step > checkpoints[0] + 100


def test_every_evaluation_keeps_its_weights(tmp_path):
    """And a run that comes to its end is evaluated there, however short it is."""
    run = tmp_path / "run"
    progress = quiet_train(replace(TINY, evaluation_period=10**6, evaluation_episodes=2), "torch", run)
    row = RunFolder(run).evaluation()
    assert row["agent_steps"] == progress.step >= TINY.total_steps
    weights, config = load_weights(RunFolder(run).snapshot(progress.step), "a3c")
    best, _ = load_weights(run / "best.safetensors", "a3c")
    assert config.evaluation_period == 10**6 and weights.keys() == best.keys()
    assert all((weights[name] == best[name].astype(np.float16)).all() for name in best)


def test_ctrl_c_ends_an_evaluation(tmp_path, monkeypatch):
    def evaluate(policy, config, episodes, seed, on_game_over):
        signal.raise_signal(signal.SIGINT)
        on_game_over(1)
        raise AssertionError("it went on")

    monkeypatch.setattr(a3c_training, "evaluate", evaluate)
    progress = quiet_train(replace(TINY, total_steps=10**9, evaluation_period=500), "torch", tmp_path / "run")
    assert saved(tmp_path / "run").step == progress.step >= 500
    assert not (tmp_path / "run" / "evaluations.csv").exists()


TRAIN = [sys.executable, "-m", "course_lib.cli", "train", "a3c", "--preset", "catch", "--framework", "torch", "--workers", "2"]
AND_ON = ["--workers-as", "processes", "--total-steps", "1000000000"]


def begin(run):
    """A run as a shell starts it, in a process group of its own."""
    return subprocess.Popen(
        [*TRAIN, *AND_ON, "--run", str(run)], start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def members(group: int) -> list[psutil.Process]:
    """The processes of a group that are alive."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError):
            pass
    return found


def wait_for(condition, seconds=180.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert condition()


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are Unix's")
@pytest.mark.parametrize("number, moment", [(signal.SIGINT, "starting"), (signal.SIGINT, "running"), (signal.SIGTERM, "running")])
def test_a_signal_to_the_whole_group_saves_and_ends(number, moment, tmp_path):
    """What a terminal's Ctrl-C and a batch system's SIGTERM do: every process hears it."""
    process = begin(tmp_path / "run")
    if moment == "starting":  # the main process and the server are there, the workers not yet
        wait_for(lambda: len(members(process.pid)) >= 2 and (tmp_path / "run" / "checkpoint.safetensors").exists())
    else:
        wait_for((tmp_path / "run" / "evaluations.csv").exists)  # thousands of agent steps have been played
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    assert "agent steps after" in out and "Traceback" not in err
    assert saved(tmp_path / "run", A3C_CATCH).step > 0 or moment == "starting"
    wait_for(lambda: not members(process.pid))


def test_processes_of_others_can_still_be_ended(tmp_path):
    """Those started through the same server afterwards, as Stable-Baselines3 and a notebook's pools do."""
    quiet_train(AS_PROCESSES, "torch", tmp_path / "run")
    sleeper = workers.process_context().Process(target=time.sleep, args=[600], daemon=True)
    sleeper.start()
    sleeper.terminate()
    sleeper.join(20)
    assert sleeper.exitcode == -signal.SIGTERM


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups are Unix's")
def test_no_worker_outlives_a_killed_main_process(tmp_path):
    process = begin(tmp_path / "run")
    wait_for(lambda: len(members(process.pid)) >= 4)
    process.kill()
    process.communicate()
    wait_for(lambda: not members(process.pid))


@pytest.mark.parametrize("config", [TINY, AS_PROCESSES], ids=["threads", "processes"])
def test_ctrl_c_saves_and_ends(config, tmp_path, monkeypatch):
    add = recording.Recorder.add

    def interrupt(self, step, *others):
        add(self, step, *others)
        if step > 1_000 and self.progress.best_mean == float("-inf"):
            self.progress.best_mean = 0.0  # once
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(recording.Recorder, "add", interrupt)
    progress = quiet_train(replace(config, total_steps=10**9), "torch", tmp_path / "run")
    assert progress.step > 1_000 and saved(tmp_path / "run").step == progress.step
    assert not multiprocessing.active_children() and not any("actor-learner" in thread.name for thread in threading.enumerate())


def test_a_resumed_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    stopped = {}

    class Watched(RunFolder):
        def save(self, learner, progress, rng):
            super().save(learner, progress, rng)
            stopped.update(state=learner.get_state(), rng=rng.bit_generator.state, progress=replace(progress))

    monkeypatch.setattr(a3c_training, "RunFolder", Watched)
    quiet_train(TINY, "torch", tmp_path / "run")
    learner, rng = make_learner(TINY, "torch", (10, 5, 1), 3, seed=99), np.random.default_rng(99)
    assert RunFolder(tmp_path / "run").load(learner, rng) == stopped["progress"]
    assert rng.bit_generator.state == stopped["rng"]
    assert any(name.startswith("optimizer/") and np.any(array) for name, array in learner.get_state().items())
    assert all((learner.get_state()[name] == array).all() for name, array in stopped["state"].items())


def test_a_resumed_run_plays_other_games(tmp_path, monkeypatch):
    seeds = []
    monkeypatch.setattr(a3c_training, "start_workers", lambda *a: seeds.extend(a[4]) or start_workers(*a))
    quiet_train(TINY, "torch", tmp_path / "run")
    quiet_train(replace(TINY, total_steps=4_000), "torch", tmp_path / "run", resume=True)
    assert len(set(seeds)) == len(seeds) == 2 * TINY.num_workers


def test_a_run_may_go_on_with_other_workers_but_not_with_other_settings(tmp_path, capsys):
    quiet_train(TINY, "torch", tmp_path / "run")
    longer = replace(TINY, total_steps=3_000, num_workers=2, workers_as="processes")
    assert quiet_train(longer, "torch", tmp_path / "run", resume=True).step >= 3_000
    assert quiet_train(longer, "torch", tmp_path / "run", resume=True).step >= 3_000
    assert "give more with --total-steps" in capsys.readouterr().out
    with pytest.raises(CourseError, match="other settings .*entropy_weight"):
        quiet_train(replace(longer, entropy_weight=0.5), "torch", tmp_path / "run", resume=True)
    with pytest.raises(CourseError, match="already holds a run"):
        quiet_train(TINY, "torch", tmp_path / "run")


def test_processes_are_pytorchs_and_the_cpus(tmp_path):
    for framework, device in (("keras", "auto"), ("torch", "cuda")):
        with pytest.raises(CourseError, match="choose threads"):
            quiet_train(AS_PROCESSES, framework, tmp_path / "run", device=device)
    assert not (tmp_path / "run").exists()


def test_workers_start_one_by_one_after_all_are_built(monkeypatch):
    events = []
    build, start = ActorLearner.__init__, ActorLearner.start
    monkeypatch.setattr(ActorLearner, "__init__", lambda self, i, *a, **k: (build(self, i, *a, **k), events.append(("built", i)))[0])
    monkeypatch.setattr(ActorLearner, "start", lambda self: (start(self), events.append(("started", self.worker)))[0])
    shared, threads = start_workers(TINY, "torch", make_learner(TINY, "torch", (10, 5, 1), 3), 0, [1, 2, 3], "cpu")
    stop_workers(shared, threads)
    assert events == [("built", i) for i in range(3)] + [("started", i) for i in range(3)]


def test_the_learning_rate_falls_in_a_straight_line():
    config = replace(TINY, learning_rate=0.5, learning_rate_end=0.1, learning_rate_decay_steps=100)
    assert [round(learning_rate(config, step), 6) for step in (0, 50, 100, 1_000)] == [0.5, 0.3, 0.1, 0.1]


def test_checkpoints_are_written_while_the_run_goes_on(tmp_path, monkeypatch):
    saves = []
    save = RunFolder.save
    monkeypatch.setattr(RunFolder, "save", lambda self, learner, progress, rng: (saves.append(progress.step), save(self, learner, progress, rng)))
    quiet_train(replace(TINY, total_steps=6_000, checkpoint_minutes=1e-6), "torch", tmp_path / "run")
    assert saves[0] == 0 and len(saves) >= 3 and saves == sorted(saves)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["agent"] == "a3c"
