"""The marks of an exercise, alone and in pairs; and the ledger that keeps what is done when a run is cut off."""

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.errors import CourseError
from course_lib.grading.examiner import STATUSES, Result
from course_lib.grading.gradebook import BONUS, Gradebook, mark
from course_lib.grading.ledger import FILE, Ledger
from course_lib.grading.lessons import Cell
from course_lib.grading.submissions import Student
from course_lib.grading.tasks import Rules, Task

SHARES = {"passed": 1.0, "partial": 0.5}  # of the others: nothing
PASSED, HALF, FAILED, MISSING = (Result(status, SHARES.get(status, 0.0)) for status in ("passed", "partial", "failed", "missing"))


def task(exercise="03.1", points=2, **pair):
    cell = Cell("code", "", "lessons/x.py", 1, "answer", exercise, **pair)
    return Task(cell, "x", points, (), frozenset(), "")


def one(result, points=2):
    return mark([task(points=points)], [result])


def frameworks(torch, keras, points=2):
    return mark([task(points=points, framework="torch"), task(points=points, framework="keras")], [torch, keras])


def parts(proof, mend, points=2):
    return mark([task(points=points, part="proof"), task(points=points, part="mend")], [proof, mend])


def worth(given):
    return given.status, given.points, given.bonus


# --- marks --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", STATUSES)
def test_an_exercise_has_the_status_and_the_share_of_its_answer(status):
    share = SHARES.get(status, 0.0)
    assert worth(one(Result(status, share), points=3)) == (status, 3 * share, 0.0)


@pytest.mark.parametrize(("torch", "keras", "expected"), [
    (PASSED, PASSED, ("passed", 2.0, 0.5)),
    (PASSED, HALF, ("passed", 2.0, 0.25)),
    (PASSED, FAILED, ("passed", 2.0, 0.0)),
    (PASSED, MISSING, ("passed", 2.0, 0.0)),
    (HALF, HALF, ("partial", 1.0, 0.25)),
    (HALF, FAILED, ("partial", 1.0, 0.0)),
    (FAILED, FAILED, ("failed", 0.0, 0.0)),
    (FAILED, MISSING, ("failed", 0.0, 0.0)),
    (MISSING, MISSING, ("missing", 0.0, 0.0)),
])
def test_of_two_frameworks_the_better_counts_and_the_other_adds_a_bonus(torch, keras, expected):
    assert worth(frameworks(torch, keras)) == worth(frameworks(keras, torch)) == expected


@pytest.mark.parametrize(("proof", "mend", "expected"), [
    (PASSED, PASSED, ("passed", 2.0, 0.0)),
    (PASSED, HALF, ("partial", 1.5, 0.0)),
    (PASSED, FAILED, ("partial", 1.0, 0.0)),
    (PASSED, MISSING, ("partial", 1.0, 0.0)),
    (HALF, HALF, ("partial", 1.0, 0.0)),
    (HALF, MISSING, ("partial", 0.5, 0.0)),
    (FAILED, MISSING, ("failed", 0.0, 0.0)),
    (MISSING, MISSING, ("missing", 0.0, 0.0)),
])
def test_of_two_parts_each_counts_half_and_there_is_no_bonus(proof, mend, expected):
    assert worth(parts(proof, mend)) == worth(parts(mend, proof)) == expected


@pytest.mark.parametrize(("first", "second"), list(product(STATUSES, repeat=2)))
@pytest.mark.parametrize("pair", [frameworks, parts])
def test_every_pair_of_statuses_has_one_mark_whichever_comes_first(pair, first, second):
    results = [Result(status, SHARES.get(status, 0.0)) for status in (first, second)]
    given = pair(*results, points=3)
    assert worth(given) == worth(pair(*reversed(results), points=3))
    assert (given.points == 3.0) == (given.status == "passed")
    assert (given.points == 0.0) == (given.status not in SHARES)
    assert given.status in {first, second} | {"partial"}
    assert 0.0 <= given.bonus <= BONUS * given.points + 0.005  # rounded
    assert (given.status == "missing") == (first == second == "missing")
    assert list(given.results.values()) == results


def test_of_two_answers_that_earned_nothing_the_one_that_was_tried_gives_its_name():
    for status in set(STATUSES) - SHARES.keys() - {"missing"}:
        assert frameworks(MISSING, Result(status)).status == parts(Result(status), MISSING).status == status


def test_the_results_of_a_pair_are_told_apart():
    assert frameworks(PASSED, FAILED).results == {"torch": PASSED, "keras": FAILED}
    assert parts(PASSED, FAILED).results == {"proof": PASSED, "mend": FAILED}
    assert one(HALF).results == {None: HALF}


@pytest.mark.parametrize(("share", "points", "expected"), [
    (1 / 3, 2, 0.67), (2 / 3, 2, 1.33), (5 / 6, 3, 2.5), (1 / 7, 1, 0.14), (0.999, 1, 1.0), (1e-9, 5, 0.0),
])  # fmt: skip
def test_points_are_rounded_to_the_hundredth_and_a_part_is_never_called_all(share, points, expected):
    given = one(Result("partial", share), points)
    assert worth(given) == ("partial", expected, 0.0)


def test_a_bonus_is_rounded_too():
    assert frameworks(PASSED, Result("partial", 1 / 3), points=1).bonus == 0.08
    assert frameworks(PASSED, Result("partial", 2 / 3), points=4).bonus == 0.67


@given(st.integers(1, 12), st.floats(0, 1), st.floats(0, 1))
def test_nobody_gets_more_than_all_points_and_the_bonus(points, first, second):
    for pair in (frameworks, parts):
        given = pair(Result("partial", first), Result("partial", second), points)
        assert 0.0 <= given.points <= given.out_of == points
        assert 0.0 <= given.bonus <= BONUS * points
        assert given.points == round(given.points, 2) and given.bonus == round(given.bonus, 2)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_better_answer_never_costs(share, other, better):
    better = max(share, better)
    for pair in (frameworks, parts):
        before, after = (pair(Result("partial", one), Result("partial", other), 4) for one in (share, better))
        assert after.points >= before.points
        assert after.points + after.bonus >= before.points + before.bonus - 0.01  # two roundings


# --- the gradebook ------------------------------------------------------------------------------------------------------------------------


def book(*tasks, **results):
    """A gradebook: for each learner a list of results, one a task."""
    graded = Gradebook({}, {one.key: one for one in tasks}, [Student(name) for name in results], Rules(), {})
    graded.results |= {(name, one.key): result for name, given in results.items() for one, result in zip(tasks, given, strict=True)}
    return graded


def test_exercises_stand_in_the_order_of_their_numbers():
    graded = book(*(task(exercise) for exercise in ("10.2", "03.10", "03.2", "10.10", "00.1")), anna=[PASSED] * 5)
    assert list(graded.exercises) == ["00.1", "03.2", "03.10", "10.2", "10.10"]
    assert [given.exercise for given in graded.marks("anna")] == list(graded.exercises)


def test_a_pair_is_one_exercise_and_its_points_count_once():
    frameworks = task("03.3", 3, framework="torch"), task("03.1", 2), task("03.3", 3, framework="keras")
    tasks = *frameworks, task("10.1", 4, part="proof"), task("10.1", 4, part="mend")
    graded = book(*tasks, anna=[PASSED, HALF, FAILED, PASSED, FAILED], bob=[MISSING] * 5)
    assert [len(pair) for pair in graded.exercises.values()] == [1, 2, 2]
    marks = [(given.exercise, given.points, given.out_of) for given in graded.marks("anna")]
    assert marks == [("03.1", 1.0, 2), ("03.3", 3.0, 3), ("10.1", 2.0, 4)]
    assert [given.status for given in graded.marks("bob")] == ["missing"] * 3
    assert sum(given.out_of for given in graded.marks("bob")) == 9


# --- the ledger ---------------------------------------------------------------------------------------------------------------------------

RESULTS = {
    "a": Result("passed", 1.0, (("one", True), ("two", True)), "all hidden tests passed"),
    "b": Result("partial", 2 / 3, (("one", True), ("zwölf", False)), "not: zwölf"),
    "c": Result("failed", 0.0, (("one", False),), "no hidden test passed", "line\nbreaks, \u2028 and \x85 and \ud800, and 'quotes\""),
    "d": Result("missing"),
}
TRANSCRIPT = [{"returned": [1, "x", None, 0.1, float("inf"), {"array": "", "dtype": "<f8", "shape": [0]}]}, {"raised": "ValueError"}]


@pytest.fixture
def folder(tmp_path):
    """A report's folder with four results and a transcript in its ledger."""
    with Ledger(tmp_path / "report") as ledger:
        for digest, result in RESULTS.items():
            ledger.add(digest, result)
        ledger.add("solution", TRANSCRIPT)
    return tmp_path / "report"


def known(folder):
    with Ledger(folder) as ledger:
        return ledger.results, ledger.transcripts


def test_what_was_written_is_known_again_and_equal(folder):
    assert known(folder) == (RESULTS, {"solution": TRANSCRIPT})
    assert known(folder) == known(folder)


def test_a_result_is_known_and_on_disk_as_soon_as_it_is_added(tmp_path):
    with Ledger(tmp_path) as ledger:
        for number, (digest, result) in enumerate(RESULTS.items(), start=1):
            ledger.add(digest, result)
            assert ledger.results[digest] == result
            assert len((tmp_path / FILE).read_text().splitlines()) == number


def test_an_empty_transcript_is_one(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.add("x", [])
    assert known(tmp_path) == ({}, {"x": []})


@pytest.mark.parametrize("cut", [1, 2, 10, 60])
def test_of_a_run_that_was_killed_all_but_the_last_line_is_known(folder, cut):
    path = folder / FILE
    path.write_bytes(path.read_bytes()[:-cut])
    assert known(folder)[0] == RESULTS
    assert known(folder)[1] == ({"solution": TRANSCRIPT} if cut == 1 else {})


@pytest.mark.parametrize("cut", [1, 2, 10, 60])
def test_what_is_added_after_a_line_that_was_cut_off_is_known_again(folder, cut):
    path = folder / FILE
    path.write_bytes(path.read_bytes()[:-cut])
    more = replace(RESULTS["a"], reason="after the interruption")
    with Ledger(folder) as ledger:
        ledger.add("e", more)
        ledger.add("f", more)
    assert known(folder)[0] == RESULTS | {"e": more, "f": more}


@pytest.mark.parametrize("line", [
    "", "{", "[]", "null", "1", '"digest"', "{}", '{"digest": "x", "mark": 1}', '{"result": {"tests": []}}',
    '{"digest": "x", "result": []}', '{"digest": "x", "result": 1}',
    '{"digest": "x", "result": {}}', '{"digest": "x", "result": {"status": "passed"}}', '{"digest": "x", "result": {"tests": []}}',
    '{"digest": "x", "result": {"status": "passed", "tests": [], "colour": "red"}}',
    '{"digest": "x", "result": {"status": "passed", "tests": [1]}}',
    '{"digest": ["x"], "transcript": []}', "\0" * 100, "\ufffd", b"\xff\xfe",
], ids=lambda line: repr(line)[:50])  # fmt: skip
def test_a_damaged_line_is_passed_over(folder, line):
    path = folder / FILE
    content = (line if isinstance(line, bytes) else line.encode()) + b"\n"
    path.write_bytes(content + path.read_bytes() + content)
    assert known(folder) == (RESULTS, {"solution": TRANSCRIPT})


def test_of_two_results_for_the_same_the_later_counts(folder):
    with Ledger(folder) as ledger:
        ledger.add("a", RESULTS["c"])
    assert known(folder)[0] == RESULTS | {"a": RESULTS["c"]}


def test_a_folder_is_made_where_there_is_none(tmp_path):
    with Ledger(tmp_path / "2026/spring") as ledger:
        assert (ledger.results, ledger.transcripts) == ({}, {})
    assert known(tmp_path / "2026/spring") == ({}, {})


def test_an_empty_folder_may_be_used_and_used_again_beside_its_reports(tmp_path):
    Ledger(tmp_path).__exit__()
    (tmp_path / "marks.csv").write_text("learner\n")
    assert known(tmp_path) == ({}, {})


@pytest.mark.parametrize("inside", ["thesis.txt", "photos/1.png", ".git/config"])
def test_a_folder_that_holds_something_else_is_left_alone(tmp_path, inside):
    (tmp_path / inside).parent.mkdir(exist_ok=True)
    (tmp_path / inside).write_text("mine")
    with pytest.raises(CourseError, match="something else than a report"):
        Ledger(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [inside.split("/")[0]]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(CourseError, match="something else than a report"):
        Ledger(tmp_path / "report")
    assert (tmp_path / "report").read_text() == "mine"


def test_a_line_is_plain_json_that_any_editor_shows(folder):
    for line in (folder / FILE).read_bytes().split(b"\n")[:-1]:
        assert line.isascii()
        assert json.loads(line)["digest"]
