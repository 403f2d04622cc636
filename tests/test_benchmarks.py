"""Every benchmark runs with a tiny budget and prints its table. Its bars are for quiet machines: not enforced here."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("stable_baselines3", reason="pip install 'breakout-from-pixels[test]'")

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TINY = ["--seconds", "0.05", "--rounds", "1"]


def run(name, *options):
    """A benchmark in a process of its own, as people run it: (exit status, what it printed)."""
    done = subprocess.run([sys.executable, BENCHMARKS / name, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "name, options, lines",
    [
        ("replay.py", ["--transitions", "200"], ["beside optimize_memory_usage", "ready for a network", "batches/s"]),
        ("environment.py", ["--num-envs", "2"], ["beside gymnasium's SyncVectorEnv", "beside Stable-Baselines3's DummyVecEnv"]),
        ("a3c_speed.py", ["--workers", "2"], ["Processes, beside threads", "Threads, beside Stable-Baselines3's A2C"]),
        ("heads.py", [], ["torch: an update, 10 heads of 128, beside DQN", "keras: acting with one head, one game, beside DQN"]),
        ("dqn_speed.py", [], ["PyTorch bfloat16, beside Stable-Baselines3 float32", "Keras float32, beside PyTorch float32"]),
    ],
)
def test_a_benchmark_prints_its_table(name, options, lines):
    status, table = run(name, *TINY, *options)
    assert all(line in table for line in lines), table
    assert status == ("missed" in table)


BESIDE = [
    ([], ["4,400,000", "98.3"]),
    (["--agent", "a3c"], ["20,000,000", "100.3"]),
    (["--agent", "bootstrapped_dqn"], ["Bootstrapped DQN on Breakout", "250,000"]),
    (["--agent", "dqn", "--evaluations"], ["1,250,002", "48.8", "185.7"]),
]


@pytest.mark.parametrize("options, lines", BESIDE)
def test_the_learning_curves_stand_beside_the_books(options, lines):
    status, table = run("learning_curve.py", *options)
    assert status == 0 and all(line in table for line in lines), table


def test_our_training_passes_the_books_score_sooner():
    status, table = run("learning_curve.py", "--times")
    assert status == 0 and "99.7" in table and "144.5" in table, table


def test_a_score_is_passed_when_it_is_first_reached():
    passes = runpy.run_path(str(BENCHMARKS / "learning_curve.py"))["passes"]
    curve = [(10, 0.1, 5.0), (20, 0.2, 50.0), (30, 0.3, 40.0), (40, 0.4, 60.0)]
    assert passes(curve, 45.0) == (20, 0.2) and passes(curve, 60.0) == (40, 0.4) and passes(curve, 61.0) is None


def test_the_curves_figure(tmp_path):
    status, _ = run("learning_curve.py", "--figure", str(tmp_path / "curves.png"))
    assert status == 0 and (tmp_path / "curves.png").stat().st_size > 10_000


def test_playing_is_timed():
    status, table = run("play_speed.py", "--clip", "1", "--agent", "dqn")
    assert "dqn, torch" in table and "dqn, keras" in table and "15 s at most" in table and status == ("missed" in table), table


def test_the_trials_have_a_row_each():
    status, table = run("learning_curve.py", "--trials")
    assert status == 0 and all(name in table for name in ("Adam 2e-4 (FAST)", "RMSprop 7e-4", "Adam 1e-4")), table


@pytest.mark.parametrize("name, size", [("chain.py", 5), ("deep_sea.py", 4)])
def test_a_toys_outcomes_are_kept(name, size, tmp_path):
    """A second run plays nothing that the first has played; another length is another run."""
    options = ["--sizes", str(size), "--seeds", "1", "--jobs", "1", "--keep", str(tmp_path / "kept.csv")]
    status, table = run(name, *options, "--episodes", "110")
    kept = (tmp_path / "kept.csv").read_text()
    agents = len(kept.splitlines())
    assert agents in (2, 4) and "Bootstrapped" in kept and "DQN" in table and status == ("no bar missed" not in table)
    again = run(name, *options, "--episodes", "110")[1]
    assert again.splitlines()[:6] == table.splitlines()[:6] and ("not timed" in again) == (name == "deep_sea.py")
    assert (tmp_path / "kept.csv").read_text() == kept
    run(name, *options, "--episodes", "2")
    assert len((tmp_path / "kept.csv").read_text().splitlines()) == 2 * agents


def test_the_chains_figure(tmp_path):
    options = ["--sizes", "5", "6", "--seeds", "1", "--episodes", "101", "--jobs", "1", "--keep", tmp_path / "kept.csv"]
    run("chain.py", *options, "--figure", tmp_path / "chain.png")
    assert (tmp_path / "chain.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["replay.py", "environment.py", "dqn_speed.py", "a3c_speed.py", "heads.py"])
def test_help_tells_the_bars(name):
    status, text = run(name, "--help")
    assert status == 0 and "Bar" in text and "--seconds" in text and f"python benchmarks/{name}" in text
