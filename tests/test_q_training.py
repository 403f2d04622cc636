"""The loop: it learns Catch in both frameworks, counts steps exactly, resumes exactly, stops when asked."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from course_lib.checkpoints import RunFolder, config_of
from course_lib.config import BOOTSTRAPPED_CATCH, BOOTSTRAPPED_SMOKE, CATCH, SMOKE, NetworkConfig, with_heads
from course_lib.environments import make_vector
from course_lib.errors import CourseError
from course_lib.evaluation import Scores, evaluate, greedy_policy
from course_lib.learners import FRAMEWORKS, Vote, as_played, make_learner
from course_lib.logs import read_curve
from course_lib.pretrained import load_learner, load_weights
from course_lib.q_training import Recorder, due, heads_of, play_and_learn, stop_on_interrupt, train
from course_lib.replay import ReplayMemory

TINY = replace(CATCH, total_steps=1_000, learning_starts=200, evaluation_period=0, network=NetworkConfig(conv=(), dense=(8,)))
TINY_HEADS = with_heads(TINY, num_heads=3, mask_probability=0.5, prior_scale=1.0)


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
def test_bootstrapped_dqn_learns_catch_by_vote(framework, tmp_path):
    """Explored by the heads alone; in the end all of them can catch."""
    progress = quiet_train(BOOTSTRAPPED_CATCH, framework, tmp_path / "run", tensorboard=False)
    learner, config = load_learner(tmp_path / "run" / "best.safetensors", framework, "bootstrapped_dqn")
    assert config.epsilon_start == config.epsilon_end == 0.0
    scores = evaluate(greedy_policy(learner, 0.0), config, episodes=100, seed=1_000)
    assert scores.mean >= 0.9
    assert scores.mean == evaluate(greedy_policy(Vote(learner), 0.0), config, episodes=100, seed=1_000).mean
    heads = [evaluate(greedy_policy(as_played(learner, head), 0.0), config, episodes=100, seed=1_000).mean for head in range(config.num_heads)]
    assert 0.0 < min(heads) and np.mean(heads) <= scores.mean
    assert progress.step >= config.total_steps and progress.seconds < 60


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("config", [SMOKE, BOOTSTRAPPED_SMOKE], ids=lambda config: config.agent)
def test_every_part_runs_on_breakout(framework, config, tmp_path):
    progress = quiet_train(config, framework, tmp_path / "run")
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

        num_envs = 1
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


# Heads


def play(config, learner, steps: int, seed: int = 0, env=None):
    """The loop for so many steps of every game: (the steps, the memory)."""
    env = env or make_vector(config, config.num_envs)
    memory = ReplayMemory(config.replay_capacity, config.num_envs, env.observation_shape[:2], config.history, heads_of(config))
    loop = play_and_learn(config, learner, env, memory, np.random.default_rng(seed))
    return [next(loop) for _ in range(steps)], memory


@pytest.mark.parametrize("num_envs, framework", [(1, "torch"), (8, "torch"), (8, "keras")])
def test_one_head_is_dqn_game_for_game(num_envs, framework):
    """The same actions, rewards, losses and epsilon, whatever the mask's probability: one head learns from everything."""
    config = replace(TINY, num_envs=num_envs, update_period=2, learning_starts=100, epsilon_decay_steps=300, optimizer="sgd")
    alone = with_heads(config, num_heads=1, mask_probability=0.5)
    (steps, memory), (same_steps, same_memory) = (
        play(each, make_learner(each, framework, (10, 5, 1), 3, seed=1, device="cpu"), 400 if num_envs == 1 else 90) for each in (config, alone)
    )
    for name, array in memory.arrays().items():
        if name != "masks":
            np.testing.assert_array_equal(array, same_memory.arrays()[name], name)
    assert memory.masks.shape[2] == 0 and same_memory.masks[: same_memory.size].all() and same_memory.size > 80
    for step, same in zip(steps, same_steps, strict=True):
        assert (step.before, step.after, step.epsilon) == (same.before, same.after, same.epsilon)
        assert (step.rewards == same.rewards).all() and (step.over == same.over).all()
        assert same.loss == pytest.approx(step.loss, rel=1e-4, abs=1e-6)
        np.testing.assert_allclose(same.max_q_values, step.max_q_values, rtol=1e-4, atol=1e-5)
    assert steps[-1].loss > 0 and steps[-1].epsilon < 1.0 < sum(step.rewards.sum() != 0 for step in steps)


@pytest.mark.parametrize("num_heads", [0, 2, 4])
def test_a_memory_without_the_right_masks_is_refused(num_heads):
    env = make_vector(TINY_HEADS, 2)
    memory = ReplayMemory(1_000, 2, (10, 5), 1, num_heads)
    with pytest.raises(ValueError, match=f"masks for {num_heads} heads; this agent has 3"):
        next(play_and_learn(TINY_HEADS, CountingLearner(), env, memory, np.random.default_rng(0)))


class Headstrong:
    """An ensemble whose head k is sure of action k: what is played tells which head was followed."""

    def __init__(self, num_heads: int = 3):
        self.num_heads, self.batches = num_heads, []

    def q_values(self, observations):
        values = np.eye(self.num_heads, dtype=np.float32) * np.arange(1, self.num_heads + 1, dtype=np.float32)  # [K, A]
        return np.tile(values, (len(observations), 1, 1))  # [B, K, A]

    def update(self, batch):
        self.batches.append(batch)
        return 0.0

    def sync_target(self):
        pass


HEADSTRONG = replace(TINY_HEADS, epsilon_start=0.0, epsilon_end=0.0, learning_starts=10**9, replay_capacity=40_000)


class Staggered:
    """Games of 5, 6, 7, ... steps, which begin again at different times and lose a life on every second step."""

    num_actions, observation_shape = 3, (10, 5, 1)

    def __init__(self, num_envs: int):
        self.num_envs, self.lengths = num_envs, 5 + np.arange(num_envs)

    def reset(self, seed):
        self.t, self.over = np.zeros(self.num_envs, int), np.zeros(self.num_envs, bool)
        return self.observations(), {"reset": ~self.over}

    def observations(self):
        return np.zeros((self.num_envs, 10, 5, 1), np.uint8)

    def send(self, actions):
        self.actions = actions

    def recv(self):
        reset = self.over
        self.t = np.where(reset, 0, self.t + 1)
        self.over = self.t == self.lengths
        info = {"reset": reset, "life_lost": (self.t % 2 == 1) & ~reset, "actions": self.actions}
        return self.observations(), np.zeros(self.num_envs, np.float32), self.over, np.zeros(self.num_envs, bool), info


def assert_heads_are_kept_through_episodes(heads, starts):
    """heads int [T, E], starts bool [T, E]: a head changes only where an episode starts, and there it does, twice in three times."""
    changes = heads[1:] != heads[:-1]
    assert not (changes & ~starts[1:]).any()
    assert changes[starts[1:]].mean() == pytest.approx(2 / 3, abs=0.05)


@pytest.mark.parametrize(
    "make_env, lengths",
    [(lambda: make_vector(HEADSTRONG, 4), np.full(4, 9)), (lambda: Staggered(4), np.array([5, 6, 7, 8]))],
    ids=["catch", "staggered"],
)
def test_a_head_is_followed_through_an_episode(make_env, lengths):
    config = replace(HEADSTRONG, num_envs=4)
    steps, memory = play(config, Headstrong(), 4_000, env=make_env())
    heads = memory.actions[:4_000]  # the action is the head
    starts = np.arange(4_000)[:, None] % (lengths + 1) == 0  # a slot for each step and one for the last frame
    assert_heads_are_kept_through_episodes(heads, starts)
    assert all((step.max_q_values == 1 + row).all() for step, row in zip(steps, heads, strict=True))  # of the head that is followed
    first = [heads[starts[:, game], game] for game in range(4)]
    assert chisquare(np.bincount(np.concatenate(first), minlength=3)).pvalue > 0.001
    episodes = min(map(len, first))
    pairs = first[0][:episodes] * 3 + first[1][:episodes].astype(int)
    assert chisquare(np.bincount(pairs, minlength=9)).pvalue > 0.001  # each game draws by itself


@pytest.mark.parametrize(
    "wrong",
    [
        lambda heads, starts, num_heads, rng: rng.integers(num_heads, size=len(heads)),  # a new head at each step
        lambda heads, starts, num_heads, rng: np.where(starts.any(), rng.integers(num_heads, size=len(heads)), heads),  # one game's end is all games'
        lambda heads, starts, num_heads, rng: heads,  # the first head for ever
    ],
    ids=["each step", "all games at once", "never"],
)
def test_heads_that_change_at_other_times_are_caught(wrong, monkeypatch):
    monkeypatch.setattr("course_lib.q_training.head_per_episode", wrong)
    _, memory = play(replace(HEADSTRONG, num_envs=4), Headstrong(), 1_000, env=Staggered(4))
    with pytest.raises(AssertionError):
        assert_heads_are_kept_through_episodes(memory.actions[:1_000], memory.starts[:1_000])


@pytest.mark.parametrize("probability", [0.2, 0.9])
def test_masks_are_drawn_once_when_a_transition_is_stored(probability):
    config = replace(HEADSTRONG, num_envs=4, mask_probability=probability, learning_starts=100, update_period=50)
    env, learner = make_vector(config, 4), Headstrong()
    memory = ReplayMemory(20_000, 4, (10, 5), 1, 3)
    loop = play_and_learn(config, learner, env, memory, np.random.default_rng(0))
    for _ in range(2_000):
        next(loop)
    assert memory.masks.shape == (5_000, 4, 3) and memory.masks.dtype == bool  # a bit for each head
    kept = memory.masks[:2_000].copy()
    for _ in range(1_000):
        next(loop)
    assert (memory.masks[:2_000] == kept).all()
    bits = kept.reshape(2_000, 12).astype(float)
    assert np.abs(bits.mean(axis=0) - probability).max() < 0.04
    assert np.abs(np.corrcoef(bits.T) - np.eye(12)).max() < 0.1
    times, games = np.full(20, 1_234), np.zeros(20, int)
    batch = memory.build(times, games)
    assert (batch.masks == kept[1_234, 0]).all()  # sampled twice, the same mask
    assert learner.batches[0].masks.shape == (config.batch_size, 3) and learner.batches[0].masks.dtype == bool
    assert np.mean([batch.masks for batch in learner.batches]) == pytest.approx(probability, abs=0.03)


def test_a_dqn_stores_no_masks():
    _, memory = play(replace(TINY, learning_starts=10**9), CountingLearner(), 50)
    assert memory.masks.shape[2] == 0 and memory.masks.nbytes == 0


def test_evaluations_are_voted(tmp_path, monkeypatch):
    """What chooses the best weights is how they will be played."""
    played, real = [], greedy_policy

    def watched(learner, epsilon):
        played.append(learner)
        return real(learner, epsilon)

    votes = []
    monkeypatch.setattr("course_lib.q_training.greedy_policy", watched)
    monkeypatch.setattr("course_lib.learners.vote_shares", lambda q_values: votes.append(q_values.shape[1]) or q_values[:, 0])
    quiet_train(replace(TINY_HEADS, evaluation_period=900, evaluation_episodes=2), "torch", tmp_path / "run", tensorboard=False)
    assert len(played) == 2 and set(votes) == {3}  # at 900 and at the run's end


# Resuming


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_ensemble_goes_on_where_it_stopped(framework, tmp_path, monkeypatch):
    """As DQN below, and a prior that came back; a file of it plays in the other framework."""
    stopped = {}

    class Watched(RunFolder):
        def save(self, learner, progress, rng):
            super().save(learner, progress, rng)
            stopped.setdefault("first", learner.get_state())
            stopped.update(learner=learner, rng=rng, progress=progress)

        def save_memory(self, memory, step):
            super().save_memory(memory, step)
            stopped.update(memory=memory)

    monkeypatch.setattr("course_lib.q_training.RunFolder", Watched)
    quiet_train(replace(TINY_HEADS, evaluation_period=900, evaluation_episodes=2), framework, tmp_path / "run", keep_memory=True, tensorboard=False)

    learner, rng = make_learner(TINY_HEADS, framework, (10, 5, 1), 3, seed=99), np.random.default_rng(99)
    memory = ReplayMemory(TINY.replay_capacity, TINY.num_envs, (10, 5), 1, 3)
    progress = RunFolder(tmp_path / "run").load(learner, rng)
    assert RunFolder(tmp_path / "run").load_memory(memory, progress.step)
    assert all((array == stopped["memory"].arrays()[name]).all() for name, array in memory.arrays().items())
    assert rng.bit_generator.state == stopped["rng"].bit_generator.state
    state = learner.get_state()
    assert all((stopped["learner"].get_state()[name] == array).all() for name, array in state.items())
    priors = [name for name in state if "/prior/" in name]
    assert len(priors) == 8 and all((stopped["first"][name] == state[name]).all() for name in priors)
    assert (stopped["first"]["online/q/kernel"] != state["online/q/kernel"]).any()
    batches = [memory.sample(32, rng) for _ in range(5)]
    assert batches[0].masks.any() and not batches[0].masks.all()
    assert [learner.update(batch) for batch in batches] == [stopped["learner"].update(batch) for batch in batches]

    observations = batches[0].observations
    one, other = (load_learner(tmp_path / "run" / "best.safetensors", name, "bootstrapped_dqn")[0] for name in FRAMEWORKS)
    np.testing.assert_allclose(one.q_values(observations), other.q_values(observations), rtol=1e-5, atol=1e-5)


def test_a_resumed_run_of_an_ensemble_says_so_and_keeps_its_heads(tmp_path, capsys):
    quiet_train(TINY_HEADS, "torch", tmp_path / "run", keep_memory=True, tensorboard=False)
    assert quiet_train(replace(TINY_HEADS, total_steps=1_300), "torch", tmp_path / "run", resume=True, tensorboard=False).step >= 1_300
    assert "memory came along" in capsys.readouterr().out
    with pytest.raises(CourseError, match="other settings .*num_heads"):
        quiet_train(replace(TINY_HEADS, total_steps=1_600, num_heads=4), "torch", tmp_path / "run", resume=True, tensorboard=False)
    with pytest.raises(CourseError, match="holds a run of bootstrapped_dqn, not of dqn"):
        quiet_train(TINY, "torch", tmp_path / "run", resume=True, tensorboard=False)


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
    means = iter([10.0, 85.0, 60.0, 50.0])

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
    assert RunFolder(tmp_path / "run").evaluation()["mean"] == 85.0


def test_every_evaluation_keeps_its_weights(tmp_path):
    """And a run that comes to its end is evaluated there, however short it is."""
    run = tmp_path / "run"
    quiet_train(replace(TINY, evaluation_period=400, evaluation_episodes=2), "torch", run, tensorboard=False)
    rows = [int(row.split(",")[0]) for row in (run / "evaluations.csv").read_text().splitlines()[1:]]
    assert len(rows) == 3 and rows[-1] >= TINY.total_steps
    assert sorted(path.name for path in (run / "snapshots").iterdir()) == sorted(f"{step}.safetensors" for step in rows)
    best, _ = load_weights(run / "best.safetensors")
    kept, config = load_weights(RunFolder(run).snapshot(RunFolder(run).evaluation()["agent_steps"]))
    assert config.evaluation_period == 400 and kept.keys() == best.keys()
    for name, weight in best.items():
        np.testing.assert_array_equal(kept[name], weight.astype(np.float16).astype(np.float32))
    first, last = (load_weights(RunFolder(run).snapshot(step))[0] for step in (rows[0], rows[-1]))
    assert any((first[name] != last[name]).any() for name in first)
    with pytest.raises(CourseError, match=f"not evaluated at 7 agent steps, but at {rows[0]}, {rows[1]}"):
        RunFolder(run).evaluation(7)


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
