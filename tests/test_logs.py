"""Curves and episode statistics."""

import numpy as np

from course_lib.logs import CurveFile, CurvePoint, EpisodeStatistics, read_curve


def test_statistics_of_games_side_by_side():
    statistics = EpisodeStatistics(2)
    no, both = np.zeros(2, bool), np.ones(2, bool)
    assert statistics.add(np.array([1.0, 0.0]), np.array([0.5, 0.2]), 0.1, both, no) == []
    (ended,) = statistics.add(np.array([4.0, 0.0]), np.array([1.5, 0.4]), 0.3, both, np.array([True, False]))
    assert np.allclose(ended, [5.0, 2, 1.0, 0.2])  # return, length, mean max Q, mean loss
    assert statistics.games == 1 and np.allclose(statistics.means(), ended)
    statistics.add(np.array([0.0, 7.0]), np.array([9.0, 0.6]), 0.2, np.array([False, True]), np.array([False, True]))
    assert np.allclose(statistics.last[-1], [7.0, 3, 0.4, 0.2])
    assert (statistics.totals == 0).all()  # the step that only began a game counts for nothing


def test_only_the_last_hundred_games_count():
    statistics = EpisodeStatistics(1)
    yes = np.ones(1, bool)
    for score in range(150):
        statistics.add(np.array([float(score)]), np.zeros(1), 0.0, yes, yes)
    assert statistics.games == 150 and statistics.means()[0] == np.mean(range(50, 150))


def test_no_means_before_the_first_game_is_over():
    assert np.isnan(EpisodeStatistics(1).means()).all()


def test_a_curve_reads_back(tmp_path):
    points = [CurvePoint(10_000 * i, 0.5 * i, i, 1.5, 180.0, 0.25, 0.001, 0.9) for i in (1, 2, 3)]
    curve = CurveFile(tmp_path / "curve.csv")
    for point in points:
        curve.add(point)
    assert read_curve(tmp_path / "curve.csv") == points
    CurveFile(tmp_path / "curve.csv", resume_at=20_000)
    assert read_curve(tmp_path / "curve.csv") == points[:2]
    CurveFile(tmp_path / "curve.csv")
    assert read_curve(tmp_path / "curve.csv") == []
