"""What learners hand in, whatever platforms, zip programs, editors and people have done to it."""

import ast
import copy
import json
import os
import random
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.errors import CourseError
from course_lib.grading import submissions
from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.lessons import read_lesson
from course_lib.grading.notebooks import make_notebook
from course_lib.grading.submissions import Answer, answers_of, is_stub, read_class, student_of

LESSONS = {lesson.name: lesson for lesson in (read_lesson(path) for path in find_lessons(["03", "10"], ROOT))}
HUBER, MUSEUM = LESSONS.values()
ASKED = {cell.key: cell for lesson in LESSONS.values() for cell in lesson.cells if cell.role == "answer"}
RIGHT = {key: cell.solved for key, cell in ASKED.items()}
FIRST, SECOND = ("03.1", None), ("03.2", None)
TORCH, KERAS = ("03.3", "torch"), ("03.3", "keras")


def notebook(lesson=HUBER, solved=True):
    """A learner's notebook as plain data."""
    return json.loads(json.dumps(make_notebook(lesson, solved)))


@pytest.fixture
def book():
    return notebook()


def find(book, key=FIRST):
    """An answer cell of a notebook."""
    return next(cell for cell in book["cells"] if cell["metadata"].get("course", {}).get("role") == "answer" and key_in(cell) == key)


def key_in(cell):
    marks = cell["metadata"]["course"]
    return marks["exercise"], marks.get("framework") or marks.get("part")


def position(book, key=FIRST):
    return next(number for number, cell in enumerate(book["cells"]) if cell is find(book, key))


def put(folder, name, content):
    """A file below the class's folder: a notebook, text or bytes."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def names_in(folder):
    return [student.name for student in read_class(folder, LESSONS)]


def the_only_one(folder):
    (student,) = read_class(folder, LESSONS)
    return student


def problem_of(folder, content, name="anna.ipynb"):
    """What a person is told of a file that cannot be read."""
    put(folder, name, content)
    student = the_only_one(folder)
    assert student.handins == {}
    assert student.unreadable == student.problems
    (problem,) = student.problems
    file, sentence = problem.split(": ", 1)
    assert file == name
    return sentence


def answers(folder, content, name="anna.ipynb", lesson=HUBER):
    """The answers in a notebook."""
    put(folder, name, content)
    student = the_only_one(folder)
    assert student.problems == []
    return answers_of(student.handins[lesson.name], lesson)


def sources(found):
    return {key: answer.source for key, answer in found.items()}


def right(lesson=HUBER):
    return {key: source for key, source in RIGHT.items() if key[0].startswith(lesson.number)}


# --- whose it is --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entry", "name"), [
    ("Anna Smith_1234567_assignsubmission_file_", "Anna Smith_1234567"),
    ("Anna Smith_1234567_assignsubmission_file", "Anna Smith_1234567"),
    ("Anna Smith_1234567_assignsubmission_file_03_huber_loss.ipynb", "Anna Smith_1234567"),  # "in folders" not ticked
    ("José García-Núñez_42_assignsubmission_file_", "José García-Núñez_42"),
    ("O'Neil, Sean (he)_42_assignsubmission_file_", "O'Neil, Sean (he)_42"),
    ("孫 小文_42_assignsubmission_file_", "孫 小文_42"),
    ("Participant_42_assignsubmission_file_", "Participant_42"),
    ("smithanna_4711_90210_03_huber_loss.ipynb", "smithanna_4711"),
    ("smithanna_4711_90210_03_huber_loss-2.ipynb", "smithanna_4711"),
    ("smithanna_LATE_4711_90210_03_huber_loss.ipynb", "smithanna_4711"),
    ("smith_anna_LATE_4711_90210_my homework.ipynb", "smith_anna_4711"),
    ("anna", "anna"),
    ("anna.ipynb", "anna"),
    ("Anna M. Smith", "Anna M. Smith"),
    ("s1234567", "s1234567"),
    ("anna_03_huber_loss.ipynb", "anna"),
    ("anna 03_huber_loss.ipynb", "anna"),
    ("anna - 03_huber_loss.ipynb", "anna"),
    ("anna_03_huber_loss (1).ipynb", "anna"),
    ("anna_03_huber_loss(1).ipynb", "anna"),
    ("anna_03_huber_loss-1.ipynb", "anna"),
    ("anna.b_10_bug_museum.ipynb", "anna.b"),
    ("03_huber_loss.ipynb", "03_huber_loss"),
    ("anna.zip", "anna"),
])
def test_the_learner_is_in_the_name_of_the_entry(entry, name):
    assert student_of(Path(entry), LESSONS) == name


def test_one_learner_of_a_platform_hands_in_several_lessons(tmp_path):
    put(tmp_path, "smithanna_4711_1_03_huber_loss.ipynb", notebook(HUBER))
    put(tmp_path, "smithanna_LATE_4711_2_10_bug_museum.ipynb", notebook(MUSEUM))
    student = the_only_one(tmp_path)
    assert student.handins.keys() == LESSONS.keys()
    assert student.problems == []


def test_one_folder_may_hold_several_lessons_and_folders_in_folders(tmp_path):
    put(tmp_path, "anna/week 3/mine/homework.ipynb", notebook(HUBER))
    put(tmp_path, "anna/10.ipynb", notebook(MUSEUM))
    student = the_only_one(tmp_path)
    files = {name: handin.file for name, handin in student.handins.items()}
    assert files == {HUBER.name: "anna/week 3/mine/homework.ipynb", MUSEUM.name: "anna/10.ipynb"}
    assert sources(answers_of(student.handins[MUSEUM.name], MUSEUM)) == right(MUSEUM)


@pytest.mark.parametrize("debris", [
    "anna/.ipynb_checkpoints/a-checkpoint.ipynb",
    "anna/__MACOSX/._a.ipynb",
    "anna/._a.ipynb",
    "anna/.virtual_documents/a.ipynb",
    "anna/data.csv",
    "anna/a.ipynb.bak",
    "__MACOSX/anna/._a.ipynb",
    ".ipynb_checkpoints/anna-checkpoint.ipynb",
    ".DS_Store",
])
def test_what_programs_leave_behind_is_not_read(tmp_path, debris):
    put(tmp_path, "anna/a.ipynb", notebook())
    put(tmp_path, debris, notebook(solved=False))
    assert the_only_one(tmp_path).problems == []


def test_moodles_text_beside_a_file_makes_no_second_learner(tmp_path):
    put(tmp_path, "Anna Smith_12_assignsubmission_file_/03_huber_loss.ipynb", notebook())
    put(tmp_path, "Anna Smith_12_assignsubmission_onlinetext_/onlinetext.html", "<p>See my file.</p>")
    student = the_only_one(tmp_path)
    assert (student.name, student.problems) == ("Anna Smith_12", [])


def test_every_learner_stands_in_one_order_whatever_the_order_on_disk(tmp_path):
    names = ["émile", "Zoë", "anna", "Anna B", "anna (2)", "bob_10_bug_museum", "Bob", "Ömer", "_x", "7", "10"]
    lists = []
    for seed in range(4):
        shuffled = random.Random(seed).sample(names, len(names))
        for name in shuffled:
            put(tmp_path / str(seed), f"{name}.ipynb", notebook())
        lists.append([(student.name, list(student.handins)) for student in read_class(tmp_path / str(seed), LESSONS)])
    assert lists == lists[:1] * 4
    assert [name.casefold() for name, _ in lists[0]] == sorted(name.casefold() for name, _ in lists[0])
    assert len(lists[0]) == len(names)


def test_a_name_that_is_no_utf_8_is_still_somebodys(tmp_path):
    put(tmp_path, os.fsdecode(b"Jos\xe9.ipynb"), notebook())
    student = the_only_one(tmp_path)
    assert student.handins[HUBER.name].file.startswith("Jos")
    assert student.handins[HUBER.name].file.isprintable()


def test_a_name_that_paints_over_a_terminal_is_told_without_its_paint(tmp_path):
    put(tmp_path, "anna\x1b[2Jb/\x1b[2J.ipynb", "torn")
    put(tmp_path, "bob\x1b[2J", "torn")
    put(tmp_path, "carla\x1b/\x1b.zip", "torn")
    problems = [problem for student in read_class(tmp_path, LESSONS) for problem in student.problems]
    assert len(problems) == 3
    assert all(problem.isprintable() for problem in problems)


def test_two_notebooks_of_a_lesson_are_both_kept_for_a_person_to_decide(tmp_path):
    for name in ("anna/1.ipynb", "anna/2.ipynb", "anna/3.ipynb"):
        put(tmp_path, name, notebook())
    students = {student.name: student for student in read_class(tmp_path, LESSONS)}
    files = {name: student.handins[HUBER.name].file for name, student in students.items()}
    assert files == {"anna": "anna/1.ipynb", "anna (2)": "anna/2.ipynb", "anna (3)": "anna/3.ipynb"}
    assert all(len(student.problems) >= 1 and "decide" in student.problems[0] for student in students.values())
    assert all(student.unreadable == [] for student in students.values())
    assert any("anna/3.ipynb" in problem for problem in students["anna"].problems)


def test_somebody_who_is_really_called_so_is_not_taken_for_a_second_hand_in(tmp_path):
    for name in ("anna (2).ipynb", "anna/1.ipynb", "anna/2.ipynb"):
        put(tmp_path, name, notebook())
    files = {student.name: student.handins[HUBER.name].file for student in read_class(tmp_path, LESSONS)}
    assert sorted(files.values()) == ["anna (2).ipynb", "anna/1.ipynb", "anna/2.ipynb"]
    assert files["anna (2)"] == "anna (2).ipynb"


def test_a_lesson_that_can_be_read_counts_beside_one_that_cannot(tmp_path):
    put(tmp_path, "anna/a.ipynb", notebook())
    put(tmp_path, "anna/b.ipynb", "torn")
    student = the_only_one(tmp_path)
    assert student.handins.keys() == {HUBER.name}
    assert student.unreadable == ["anna/b.ipynb: it is no notebook: its content is not JSON"]


# --- what cannot be read ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "says"), [
    (b"", "empty"),
    (b"\x00" * 1000, "not JSON"),
    (b"\x80\x81\xff", "not JSON"),
    (json.dumps(notebook())[:-10], "not JSON"),
    ("<<<<<<< HEAD\n" + json.dumps(notebook()), "not JSON"),
    ("<html>Please log in</html>", "not JSON"),
    (json.dumps(notebook()).encode("utf-16"), "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("[" * 100_000 + "]" * 100_000, "not JSON"),
    ('{"nbformat": ' + "9" * 5000 + "}", "not JSON"),
    ("[]", "format"),
    ("null", "format"),
    ("4", "format"),
    ('"a notebook"', "format"),
    ("{}", "format"),
    ('{"cells": []}', "format"),
    ('{"nbformat": 3, "worksheets": [{"cells": []}]}', "format 3"),
    ('{"nbformat": 5, "cells": []}', "format 5"),
    ('{"nbformat": "4", "cells": []}', "format 4"),
    ('{"nbformat": null, "cells": []}', "format"),
    ('{"nbformat": [[4]], "cells": []}', "format"),
    ('{"nbformat": NaN, "cells": []}', "format"),
    ('{"nbformat": 4}', "format"),
    ('{"nbformat": 4, "cells": {}}', "format"),
    ('{"nbformat": 4, "cells": "x"}', "format"),
    ('{"nbformat": 4, "cells": []}', "none of the course's lessons"),
    ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": "def huber_loss(): pass"}]}', "none of the course's lessons"),
], ids=range(27))
def test_a_file_that_is_no_notebook_of_the_course_becomes_a_sentence(tmp_path, content, says):
    sentence = problem_of(tmp_path, content)
    assert says in sentence
    assert len(sentence) < 120


def test_a_notebook_as_windows_writes_it_is_read(tmp_path):
    text = json.dumps(notebook(), indent=1).replace("\n", "\r\n")
    assert sources(answers(tmp_path, b"\xef\xbb\xbf" + text.encode())) == right()


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST_FILE", 2_000_000)
    assert problem_of(tmp_path, json.dumps(notebook()) + " " * 3_000_000) == "it has 3 MB, more than 2: clear its outputs"


@pytest.mark.parametrize("name", ["anna.zip", "anna.7z", "anna.tar.gz", "anna.RAR"])
def test_an_archive_is_to_be_unpacked(tmp_path, name):
    assert "unpack it" in problem_of(tmp_path, b"PK", name)


def test_a_folder_without_a_notebook_says_what_it_holds(tmp_path):
    (tmp_path / "anna").mkdir()
    (tmp_path / "bob/empty").mkdir(parents=True)
    put(tmp_path, "carla/deep/work.zip", b"PK")
    put(tmp_path, "dora/essay.docx", b"PK")
    put(tmp_path, "emil/.ipynb_checkpoints/a-checkpoint.ipynb", notebook())
    problems = [student.unreadable for student in read_class(tmp_path, LESSONS)]
    assert problems == [
        ["anna: it is empty"],
        ["bob: it is empty"],
        ["carla: it holds an archive, work.zip: unpack it"],
        ["dora: it holds no notebook"],
        ["emil: it is empty"],
    ]


def test_links_are_not_followed(tmp_path):
    secret = put(tmp_path, "elsewhere/right.ipynb", notebook())
    folder = tmp_path / "class"
    (folder / "carla").mkdir(parents=True)
    for link in ("anna.ipynb", "bob", "carla/a.ipynb", "carla/folder", "dora.ipynb"):
        (folder / link).symlink_to(secret.parent if "." not in link else secret if link[0] != "d" else tmp_path / "nowhere")
    for student in read_class(folder, LESSONS):
        assert student.handins == {}
        assert [problem for problem in student.problems if "symbolic link" in problem] == student.problems != []


def test_a_loop_of_links_ends(tmp_path):
    put(tmp_path, "anna/a.ipynb", notebook())
    (tmp_path / "anna/again").symlink_to(tmp_path / "anna")
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob/again").symlink_to(tmp_path / "bob")
    anna, bob = read_class(tmp_path, LESSONS)
    assert anna.problems == []
    assert len(bob.problems) == 1


def test_a_pipe_is_not_waited_for(tmp_path):
    (tmp_path / "anna").mkdir()
    os.mkfifo(tmp_path / "anna/a.ipynb")
    os.mkfifo(tmp_path / "bob.ipynb")
    problems = [student.problems for student in read_class(tmp_path, LESSONS)]
    assert problems == [["anna/a.ipynb: it is no file"], ["bob.ipynb: it is no file"]]


def test_a_folder_called_like_a_notebook_is_a_folder(tmp_path):
    put(tmp_path, "anna.ipynb/a.ipynb", notebook())
    assert the_only_one(tmp_path).handins.keys() == {HUBER.name}


@contextmanager
def without_privileges():
    """As somebody from whom files can be kept."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("locked", ["anna", "anna/inner", "anna/a.ipynb"])
def test_what_may_not_be_read_becomes_a_sentence_and_the_others_are_read(locked):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        put(folder, "anna/inner/a.ipynb", notebook())
        put(folder, "anna/a.ipynb", notebook(MUSEUM))
        put(folder, "bob.ipynb", notebook())
        (folder / locked).chmod(0)
        try:
            with without_privileges():
                anna, bob = read_class(folder, LESSONS)
        finally:
            (folder / locked).chmod(0o755)
        assert [problem for problem in anna.unreadable if "Permission denied" in problem] != []
        assert bob.handins.keys() == {HUBER.name}


def test_a_folder_that_is_none_or_empty_is_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="is no folder"):
        read_class(tmp_path / "nowhere", LESSONS)
    with pytest.raises(CourseError, match="is no folder"):
        read_class(put(tmp_path, "class/.hidden", ""), LESSONS)
    with pytest.raises(CourseError, match="is empty"):
        read_class(tmp_path / "class", LESSONS)


# --- which lesson it is -------------------------------------------------------------------------------------------------------------------


def test_the_marks_say_more_than_the_name_of_the_file(tmp_path):
    assert sources(answers(tmp_path, notebook(HUBER), "10_bug_museum.ipynb")) == right()


def test_the_ids_tell_the_lesson_where_the_marks_are_gone(tmp_path, book):
    for cell in book["cells"]:
        cell["metadata"] = {}
    assert sources(answers(tmp_path, book)) == right()


def test_the_name_of_the_file_tells_the_lesson_where_marks_and_ids_are_gone(tmp_path, book):
    strip(book)
    assert sources(answers(tmp_path, book, "anna - 03_huber_loss (2).ipynb")) == right()


def test_one_strange_cell_does_not_change_the_lesson(tmp_path, book):
    book["cells"].insert(0, copy.deepcopy(find(notebook(MUSEUM), ("10.1", "mend"))))
    marks = {"course": {"role": "answer", "exercise": "77.1"}}
    book["cells"].insert(0, {"cell_type": "code", "id": "77-1-answer", "metadata": marks, "source": ""})
    assert sources(answers(tmp_path, book)) == right()


def test_an_empty_notebook_of_a_lesson_misses_every_answer(tmp_path):
    found = answers(tmp_path, {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}, "anna_03_huber_loss.ipynb")
    assert sources(found) == dict.fromkeys(right())
    assert found[TORCH].notes == ("the answer cell of exercise 03.3 (torch) is not in the notebook",)


# --- the answers --------------------------------------------------------------------------------------------------------------------------


def strip(book):
    """As an editor leaves a notebook that keeps neither ids nor metadata."""
    for number, cell in enumerate(book["cells"]):
        cell["metadata"], cell["id"] = {}, f"cell{number}"


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_answer_is_found_word_for_word(tmp_path, lesson):
    assert answers(tmp_path, notebook(lesson), lesson=lesson) == {key: Answer(source) for key, source in right(lesson).items()}


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_an_untouched_notebook_has_no_answer(tmp_path, lesson):
    found = answers(tmp_path, notebook(lesson, solved=False), lesson=lesson)
    assert found == dict.fromkeys(right(lesson), Answer(None, ("not written yet",)))


def test_ids_do_not_matter_where_there_are_marks(tmp_path, book):
    ids = [cell["id"] for cell in book["cells"]]
    for cell, id in zip(book["cells"], reversed(ids), strict=True):
        cell["id"] = id
    assert sources(answers(tmp_path, book)) == right()


def test_marks_do_not_matter_where_they_are_no_marks(tmp_path, book):
    junk = [None, [], "x", 1, {"course": None}, {"course": []}, {"course": {}}, {"course": {"role": 1}}]
    for number, cell in enumerate(book["cells"]):
        cell["metadata"] = junk[number % len(junk)]
    assert sources(answers(tmp_path, book)) == right()


def test_answers_are_known_by_name_where_marks_and_ids_are_gone(tmp_path, book):
    strip(book)
    found = answers(tmp_path, book, "anna_03_huber_loss.ipynb")
    assert sources(found) == right()
    assert found[FIRST].notes == ("the answer cell has lost its marks; the last cell that defines `huber_loss` was graded",)


def test_the_last_cell_that_defines_the_name_counts_where_marks_and_ids_are_gone(tmp_path, book):
    strip(book)
    book["cells"].append({"cell_type": "code", "metadata": {}, "source": "def huber_loss(errors, delta=1.0):\n    return 5\n"})
    book["cells"].append({"cell_type": "code", "metadata": {}, "source": "huber_loss(3)  # no definition"})
    assert answers(tmp_path, book, "anna_03_huber_loss.ipynb")[FIRST].source == "def huber_loss(errors, delta=1.0):\n    return 5\n"


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_the_order_of_cells_does_not_matter(tmp_path, book, order):
    book["cells"] = book["cells"][::-1] if order == "reversed" else random.Random(1).sample(book["cells"], len(book["cells"]))
    assert sources(answers(tmp_path, book)) == right()


def test_marks_that_changed_places_change_the_answers(tmp_path, book):
    one, other = find(book, FIRST), find(book, SECOND)
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]
    found = sources(answers(tmp_path, book))
    assert (found[FIRST], found[SECOND]) == (RIGHT[SECOND], RIGHT[FIRST])


def test_a_copy_below_counts_and_is_told(tmp_path, book):
    below = copy.deepcopy(find(book)) | {"id": "abc", "source": "def huber_loss(errors, delta=1.0):\n    return 2\n"}
    book["cells"].insert(position(book) + 1, below)
    found = answers(tmp_path, book)[FIRST]
    assert found.source == below["source"]
    assert found.notes == ("2 cells answer exercise 03.1; the last one was graded",)


def test_the_stub_below_an_answer_does_not_hide_it(tmp_path, book):
    book["cells"].append(copy.deepcopy(find(notebook(solved=False))))
    assert answers(tmp_path, book)[FIRST] == Answer(RIGHT[FIRST])


def test_an_answer_below_the_stub_is_found_where_it_keeps_the_marks(tmp_path):
    book = notebook(solved=False)
    book["cells"].insert(position(book) + 1, copy.deepcopy(find(book)) | {"source": RIGHT[FIRST]})
    assert answers(tmp_path, book)[FIRST] == Answer(RIGHT[FIRST])


@pytest.mark.parametrize("rest", ["# my attempts", "huber_loss(np.array([3.0]))", "import numpy as np", "plt.plot(x)", "  return 3"])
@pytest.mark.parametrize("first", [True, False])
def test_of_a_split_cell_the_half_that_defines_the_name_is_the_answer(tmp_path, book, rest, first):
    book["cells"].insert(position(book) + first, copy.deepcopy(find(book)) | {"id": "half", "source": rest})
    assert answers(tmp_path, book)[FIRST].source == RIGHT[FIRST]


@pytest.mark.parametrize("kind", ["markdown", "raw", "heading", None, 4, ["code"]])
def test_an_answer_cell_that_is_no_code_is_no_answer(tmp_path, book, kind):
    find(book)["cell_type"] = kind
    found = answers(tmp_path, book)
    assert found[FIRST] == Answer(None, ("the answer cell of exercise 03.1 is not in the notebook",))
    assert found[SECOND].source == RIGHT[SECOND]


def test_a_check_or_a_text_that_claims_another_role_is_no_answer(tmp_path, book):
    find(book)["metadata"]["course"]["role"] = "check"
    assert answers(tmp_path, book)[FIRST].source is None


def test_a_pair_is_not_mixed_up(tmp_path, book):
    find(book, KERAS)["source"] = find(notebook(solved=False), KERAS)["source"]
    found = answers(tmp_path, book)
    assert (found[TORCH].source, found[KERAS].source) == (RIGHT[TORCH], None)


def test_an_answer_of_another_lesson_is_not_taken(tmp_path, book):
    book["cells"].append(find(notebook(MUSEUM), ("10.1", "mend")) | {"id": "10-1-answer-mend"})
    assert answers(tmp_path, book).keys() == right().keys()


def test_a_source_may_be_a_text_or_a_list_of_lines(tmp_path, book):
    find(book)["source"] = RIGHT[FIRST].splitlines(keepends=True)
    assert answers(tmp_path, book)[FIRST].source == RIGHT[FIRST]


@pytest.mark.parametrize(("source", "taken"), [
    (None, None), (7, None), (True, None), ({}, None), ([], None), ("", None), ("  \n\t", None),
    ([1, None, ["x"], {}], None),
    (["def huber_loss(e):\n", 5, None, ["    raise\n"], "    return e\n"], "def huber_loss(e):\n    return e\n"),
    (["def huber_loss(e): ", "return e"], "def huber_loss(e): return e"),
])
def test_a_source_of_any_type_is_taken_for_what_it_holds(tmp_path, book, source, taken):
    find(book)["source"] = source
    assert answers(tmp_path, book)[FIRST].source == taken


@pytest.mark.parametrize("junk", [None, 1, "a cell", [], ["code"], {}, {"cell_type": "code"}, {"source": "huber_loss = 1"}, True, 1e400])
def test_cells_that_are_none_are_passed_over(tmp_path, book, junk):
    book["cells"] = [one for cell in book["cells"] for one in (junk, cell)]
    assert sources(answers(tmp_path, book)) == right()


@pytest.mark.parametrize("id", [None, 1, [], {}, "", "03-1-answer", "03-1-answer-torch-keras", "\ud800", "x" * 10_000])
def test_an_id_of_any_kind_leaves_the_marks_alone(tmp_path, book, id):
    for cell in book["cells"]:
        cell["id"] = id
    assert sources(answers(tmp_path, book)) == right()


def test_a_very_long_answer_is_not_graded_and_the_reader_is_told(tmp_path, book):
    find(book)["source"] = RIGHT[FIRST] + "\n#" + "x" * 100_000
    found = answers(tmp_path, book)[FIRST]
    assert found.source is None
    assert "more than 100,000" in found.notes[-1]


def test_what_no_file_can_hold_is_no_answer_that_could_break_the_exam(tmp_path, book):
    find(book)["source"] = RIGHT[FIRST] + "\n# \ud800"  # half a character, as JSON can say it
    source = answers(tmp_path, book)[FIRST].source
    assert source is None or source.encode("utf-8")


def test_a_line_that_ipython_stumbles_over_is_an_answer_like_any_other(tmp_path, book):
    find(book)["source"] = '=%"""'
    found = answers(tmp_path, book)
    assert found[FIRST].source == '=%"""'
    assert found[SECOND].source == RIGHT[SECOND]


@pytest.mark.parametrize(("added", "note"), [
    ("\n\nhuber_loss = checks.huber.huber_loss(huber_loss)", "a call of the check"),
    ("\nchecks.huber.huber_loss(huber_loss)  # again", "a call of the check"),
    ("\n%timeit huber_loss(np.zeros(3))\n", "lines that begin with % or !"),
    ("\n!pip install numpy", "lines that begin with % or !"),
    ("\nfiles = !ls", "lines that begin with % or !"),
    ("\nhuber_loss?", "lines that begin with % or !"),
])
def test_what_learners_leave_in_the_cell_is_left_out_and_told(tmp_path, book, added, note):
    find(book)["source"] = RIGHT[FIRST] + added
    found = answers(tmp_path, book)[FIRST]
    assert ast.dump(ast.parse(found.source)) == ast.dump(ast.parse(RIGHT[FIRST]))
    assert [note in one for one in found.notes] == [True]


@pytest.mark.parametrize("magic", ["%%time", "%%capture"])
def test_an_answer_under_a_magic_that_runs_it_is_the_answer(tmp_path, book, magic):
    find(book)["source"] = f"{magic}\n{RIGHT[FIRST]}"
    assert ast.dump(ast.parse(answers(tmp_path, book)[FIRST].source)) == ast.dump(ast.parse(RIGHT[FIRST]))


@pytest.mark.parametrize("source", [
    RIGHT[FIRST] + "\n\nprint(huber_loss(3))",
    "def huber_loss(e):\n    return checks.huber.huber_loss(None)(e)",
    "# my notes: % and ! and checks.huber.huber_loss(x)\n" + RIGHT[FIRST],
    RIGHT[FIRST] + "\n\nrest = 7 % 3",
    "def huber_loss(:\n%time x",
], ids=range(5))
def test_all_else_stays_word_for_word(tmp_path, book, source):
    find(book)["source"] = source
    assert answers(tmp_path, book)[FIRST] == Answer(source)


# --- stubs --------------------------------------------------------------------------------------------------------------------------------

STUB = ASKED[FIRST].unsolved
HEAD = STUB.split("\n")[0]


@pytest.mark.parametrize("source", [
    "",
    "\n\n  ",
    "# I will do this tomorrow",
    STUB,
    STUB + "\n\n",
    "# mine\n\n" + STUB.replace("raise", "# here?\n    raise"),
    STUB.replace("\n", "\r\n"),
    HEAD + "\n    raise NotImplementedError",
    HEAD + '\n    """My own words."""\n    raise  NotImplementedError  # TODO',
], ids=repr)
def test_nothing_but_comments_spaces_and_docstrings_is_not_written_yet(source):
    assert is_stub(source, ASKED[FIRST])


@pytest.mark.parametrize("source", [
    RIGHT[FIRST],
    HEAD + "\n    pass",
    HEAD + "\n    return None",
    STUB.replace("raise", "print(errors)\n    raise"),
    "x = 1\n" + STUB,
    STUB.replace("delta=1.0", "delta=2.0"),
    "def huber_loss(:",
    "-" * 90_000 + "1",
    "# " + "x" * 200_000 + "\nhuber_loss = 1",
], ids=lambda source: repr(source[-40:]))
def test_anything_more_is_written(source):
    assert not is_stub(source, ASKED[FIRST])


@pytest.mark.parametrize("key", ASKED, ids=str)
def test_a_stub_is_told_from_its_solution(key):
    assert is_stub(ASKED[key].unsolved, ASKED[key])
    assert not is_stub(ASKED[key].solved, ASKED[key])


# --- anything at all ----------------------------------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
sources_of_people = [RIGHT[FIRST], STUB, "huber_loss = 1", "def huber_loss(", "%time x", "x = '\ud800'", ["huber_loss = 1", 3]]
some_source = st.sampled_from(sources_of_people) | anything
some_marks = st.fixed_dictionaries({}, optional={
    "role": st.sampled_from(["answer", "check", "text"]) | anything,
    "exercise": st.sampled_from(["03.1", "03.3", "10.1", "3.1", "03", "", "99.1"]) | anything,
    "framework": st.sampled_from(["torch", "keras", "jax", ""]) | anything,
    "part": st.sampled_from(["proof", "mend"]) | anything,
}) | anything
some_cell = st.fixed_dictionaries({}, optional={
    "cell_type": st.sampled_from(["code", "code", "code", "markdown"]) | anything,
    "source": some_source,
    "metadata": st.fixed_dictionaries({"course": some_marks}) | anything,
    "id": st.sampled_from(["03-1-answer", "03-3-answer-torch", "10-1-answer-mend", "03-c07", "03-9-answer"]) | anything,
}) | anything
some_notebook = st.fixed_dictionaries({"nbformat": st.just(4) | anything, "cells": st.lists(some_cell, max_size=6) | anything}) | anything


def becomes_answers_or_a_sentence(content):
    with tempfile.TemporaryDirectory() as name:
        put(Path(name), "anna_03_huber_loss.ipynb", content)
        student = the_only_one(Path(name))
    if not student.handins:
        (problem,) = student.unreadable
        assert problem.startswith("anna_03_huber_loss.ipynb: ")
        assert len(problem) > 40
    for lesson, handin in student.handins.items():
        for answer in answers_of(handin, LESSONS[lesson]).values():
            if answer.source is None:
                assert answer.notes
            else:
                assert isinstance(answer.source, str)
                answer.source.encode("utf-8")


@settings(max_examples=300, deadline=None)
@given(some_notebook, st.booleans())
def test_any_json_becomes_answers_or_a_sentence(content, ascii):
    becomes_answers_or_a_sentence(json.dumps(content, ensure_ascii=ascii).encode("utf-8", "surrogatepass"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=20).map(lambda noise: json.dumps(notebook()).encode().replace(b"answer", noise, 3)))
def test_any_bytes_become_answers_or_a_sentence(content):
    becomes_answers_or_a_sentence(content)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_notebook_with_one_thing_changed_loses_at_most_what_was_changed(data):
    book = notebook()
    changed = data.draw(st.sampled_from(book["cells"]))
    field = data.draw(st.sampled_from(["id", "metadata", "source", "cell_type"]))
    kept = {key: source for key, source in right().items() if find(book, key) is not changed}
    changed[field] = data.draw(anything)
    with tempfile.TemporaryDirectory() as name:
        found = sources(answers(Path(name), book))
    assert {key: found[key] for key in kept} == kept
