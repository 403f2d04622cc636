"""Learners' progress: what is read from notebooks in every state, where to go on, and how it is shown."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from course_lib import cli, progress
from course_lib.checks.base import CHECKS, Mistake, verdict
from course_lib.errors import CourseError
from course_lib.figures import course_map
from course_lib.grading import self_check

ROOT = Path(__file__).resolve().parents[1]


class Course:
    """A learner's folder of notebooks."""

    def __init__(self, folder: Path):
        self.folder = folder
        for path in progress.NOTEBOOKS.glob("*.ipynb"):
            (folder / path.name).write_bytes(path.read_bytes())

    def path(self, number: str) -> Path:
        return next(self.folder.glob(f"{number}_*.ipynb"))

    def change(self, number: str, change) -> None:
        """Call `change` with a notebook's cells by their ids, and save what it did to them."""
        path = self.path(number)
        notebook = json.loads(path.read_text(encoding="utf-8"))
        change({cell["id"]: cell for cell in notebook["cells"]})
        path.write_text(json.dumps(notebook), encoding="utf-8")

    def say(self, said: dict[str, str]) -> None:
        """Let checks have printed something: {"03-3-check-torch": "✓ 03.3 huber_loss (torch). Why."}"""
        for id, text in said.items():
            self.change(id[:2], lambda cells: cells[id].update(outputs=[{"output_type": "stream", "name": "stdout", "text": text}]))

    def read(self) -> dict[str, progress.Exercise]:
        return {exercise.id: exercise for lesson in progress.read(self.folder) for exercise in lesson.exercises}


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return Course(folder)


def line(id: str, variant: str | None, status: str) -> str:
    """What a check prints."""

    def judge(answer):
        if status == "failed":
            raise Mistake("at error 3 the loss is <2.5> & not 3")

    said, text = verdict(replace(CHECKS[id, variant], judge=judge), None if status == "open" else 1)
    assert said == status
    return text + "\n"


def cell_id(id: str, variant: str | None) -> str:
    return "-".join(filter(None, [id.replace(".", "-"), "check", variant]))


# --- what the notebooks say -------------------------------------------------------------------------------------------------------------


def test_an_untouched_course_has_every_exercise_and_nothing_run(course):
    exercises = course.read()
    assert set(exercises) == {id for id, _ in CHECKS} and len(exercises) > 50
    assert {(id, variant) for id, one in exercises.items() for variant in one.answers} == set(CHECKS)
    assert {one.status for one in exercises.values()} == {"not run"} and all(one.points >= 1 for one in exercises.values())


def test_every_exercises_verdict_is_read(course):
    for status in ("passed", "failed", "open"):
        course.say({cell_id(*key): line(*key, status) for key in CHECKS})
        found = {key: course.read()[key[0]].answers[key[1]] for key in CHECKS}
        assert {answer.status for answer in found.values()} == {status}
        told = {"passed": lambda key: CHECKS[key].why, "failed": lambda key: "at error 3 the loss is <2.5> & not 3", "open": lambda key: "not written yet"}
        assert all(answer.sentence == told[status](key) and answer.label == CHECKS[key].label for key, answer in found.items())


@pytest.mark.parametrize(
    "first, second, framework, part",
    [
        ("passed", "passed", "passed", "passed"),
        ("passed", "open", "passed", "open"),
        ("passed", "failed", "passed", "failed"),
        ("passed", None, "passed", "not run"),
        ("failed", "open", "failed", "failed"),
        (None, "open", "open", "open"),
        (None, None, "not run", "not run"),
    ],
)
def test_of_two_frameworks_one_is_enough_and_of_two_parts_both_are_needed(course, first, second, framework, part):
    for id, pair in (("03.3", ("torch", "keras")), ("10.1", ("proof", "mend"))):
        for variant, status in zip(pair, (first, second)):
            if status:
                course.say({cell_id(id, variant): line(id, variant, status)})
    found = course.read()
    assert (found["03.3"].status, found["10.1"].status) == (framework, part)
    assert found["03.3"].has_bonus == (first == second == "passed") and not found["10.1"].has_bonus


def test_points_are_counted_as_the_checks_see_them(course):
    course.say({cell_id(id, variant): line(id, variant, "passed") for id, variant in [("03.1", None), ("03.3", "torch"), ("03.3", "keras"), ("10.1", "mend")]})
    lessons = {lesson.number: lesson for lesson in progress.read(course.folder)}
    worth = {id: one.points for id, one in course.read().items()}
    assert progress.points_of(lessons["03"].exercises) == f"{worth['03.1'] + worth['03.3']} of {sum(worth[f'03.{k}'] for k in (1, 2, 3, 4))}"
    assert progress.points_of(lessons["10"].exercises).startswith(f"{worth['10.1'] / 2:g} of ")
    assert "as the checks see it; hidden tests may see more" in progress.points_in_sum([*lessons.values()])
    course.change("03", lambda cells: cells["03-1-text"]["metadata"]["course"].pop("points"))  # as in notebooks from before there were points
    assert not progress.points_of({lesson.number: lesson for lesson in progress.read(course.folder)}["03"].exercises)


def test_what_else_stands_in_an_output_is_no_verdict(course):
    right = line("03.1", None, "passed")
    said = {"03-1-check": f"{right}a word of the learner's: ✗ 03.1 huber_loss: no\n", "03-2-check": right, "03-4-check": "✓\n"}
    course.say(said | {"03-3-check-keras": line("03.3", "keras", "failed") + line("03.3", "keras", "passed")})
    found = course.read()
    assert [found[id].status for id in ("03.1", "03.2", "03.3", "03.4")] == ["passed", "not run", "passed", "not run"]


def test_only_check_cells_count(course):
    """Lesson 00 shows what checks print in a cell of its own."""
    course.change("00", lambda cells: [cell.update(outputs=[{"output_type": "stream", "text": line("00.1", None, "passed")}])
                                       for cell in cells.values() if cell["cell_type"] == "code" and "check" not in cell["id"]])
    assert course.read()["00.1"].status == "not run"


def test_a_check_that_was_run_too_early_says_what_to_do(course):
    error = {"output_type": "error", "ename": "NameError", "evalue": "name 'huber_loss' is not defined", "traceback": []}
    course.change("03", lambda cells: cells["03-1-check"].update(outputs=[error]))
    assert course.read()["03.1"].answers[None] == progress.Answer("03.1 huber_loss", "not run", "the check cell raised NameError: run the cells above it first")


def test_a_notebook_that_has_lost_its_metadata_is_known_by_ids(course):
    course.say({"03-3-check-keras": line("03.3", "keras", "passed")})
    course.change("03", lambda cells: [cell.update(metadata={}) for cell in cells.values()])
    assert [course.read()[f"03.{k}"].status for k in (1, 2, 3, 4)] == ["not run", "not run", "passed", "not run"]


def test_a_check_cell_that_is_gone_is_told_and_one_that_is_there_twice_counts_as_it_was_run(course):
    def change(cells):
        cells["03-1-check"]["metadata"]["course"]["exercise"] = "03.2"

    course.say({"03-2-check": line("03.2", None, "passed")})
    course.change("03", change)
    found = course.read()
    assert (found["03.1"].answers[None].sentence, found["03.2"].status) == ("its check cell is not in the notebook", "passed")


ODD = [[], {}, {"cells": 3}, {"outputs": {"text": "✓"}, "metadata": []}, {"outputs": [7, {"text": 5}, {"text": ["✓ 03.1 ", 3, "huber_loss. Why."]}]},
       {"metadata": {"course": ["check"]}, "source": 7, "id": None}, {"metadata": {"course": {"role": "check", "exercise": {}, "framework": []}}}]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_cells_of_any_type_do_no_harm(course, odd):
    path = course.path("03")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (check,) = [cell for cell in notebook["cells"] if cell["id"] == "03-1-check"]
    notebook["cells"] += [odd, *([check | odd] if odd and isinstance(odd, dict) else [])]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert len([id for id in course.read() if id.startswith("03.")]) == 4


# --- odd folders ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, said",
    [("", "it is an empty file"), ("{ half a noteb", "its content is not JSON"), ("[" * 100_000, "not JSON"), ('{"nbformat": 3, "worksheets": []}', "format 3")],
)
def test_a_damaged_notebook_is_one_line_and_still_counts(course, content, said, capsys):
    course.path("03").write_text(content)
    course.say({cell_id(*key): line(*key, "passed") for key in CHECKS if key[0][:2] in ("00", "01", "02")})
    assert cli.main(["progress", str(course.folder)]) == 0
    out, err = capsys.readouterr()
    (trouble,) = [line for line in out.splitlines() if said in line]
    assert f"{course.path('03')}: it " in trouble and err == "" and "cannot be read" in out
    assert f"13 of {len(course.read())} exercises; next: 04.1" in out


def test_notebooks_that_are_not_there_are_one_line_and_both_sums_are_of_the_others(course):
    for number in ("00", "03"):
        course.path(number).unlink()
    lessons = progress.read(course.folder)
    assert progress.troubles(lessons) == ["no notebook here: lesson 00, 03"]
    assert not [id for id in course.read() if id.startswith(("00", "03"))]
    points = sum(exercise.points for exercise in course.read().values())
    for text in (progress.as_text(lessons), progress.as_html(lessons)):
        assert "no notebook here: lesson 00, 03" in text and "cannot be read" not in text
        assert f"0 of {len(course.read())} exercises" in text and f"0 of {points} points" in text


def test_a_notebook_under_another_lessons_name_says_so(course):
    course.path("03").write_bytes(course.path("04").read_bytes())
    (trouble,) = progress.troubles(progress.read(course.folder))
    assert trouble.endswith("03_huber_loss.ipynb: it holds lesson 04, whatever its name says")


def test_one_notebook_without_answers_does_not_stop_the_others(course):
    for path in course.folder.glob("*.ipynb"):
        if path.name[:2] not in ("02", "03"):
            path.unlink()
    notebook = json.loads(course.path("02").read_text(encoding="utf-8"))
    notebook["cells"] = [cell for cell in notebook["cells"] if "answer" not in cell["id"]]
    course.path("02").write_text(json.dumps(notebook), encoding="utf-8")
    first, second = [lesson for lesson in progress.run(progress.read(course.folder)) if lesson.path]
    assert first.problem.startswith("holds no exercise of the course") and second.problem is None
    assert {exercise.status for exercise in second.exercises} == {"open"}


def test_what_a_notebook_holds_cannot_paint_over_a_terminal(course):
    def rename(cells):
        next(cell for cell in cells.values() if cell["source"][0].startswith("# 03")).update(source=["# 03 \x1b[2J \ud800 title\n"])

    course.change("03", rename)
    said = progress.as_text(progress.read(course.folder))
    assert "03 \N{REPLACEMENT CHARACTER}[2J \N{REPLACEMENT CHARACTER} title" in said and "\x1b" not in said


def test_a_notebook_may_lie_at_the_root_of_a_disk():
    assert progress.shown(Path("/03_huber_loss.ipynb"))


def test_of_two_notebooks_of_a_lesson_the_one_with_the_plain_name_counts(course):
    copy = course.folder / "03_huber_loss-Copy1.ipynb"
    copy.write_bytes(course.path("03").read_bytes())
    course.folder.joinpath("03_huber_loss.ipynb").touch()
    lessons = progress.read(course.folder)
    assert len(course.read()) == len({id for id, _ in CHECKS})
    assert [line.partition("notebooks/")[2] for line in progress.troubles(lessons)] == [
        "03_huber_loss-Copy1.ipynb is not counted: 03_huber_loss.ipynb is the notebook of lesson 03"
    ]
    course.folder.joinpath("03_huber_loss.ipynb").unlink()
    assert [lesson.path for lesson in progress.read(course.folder) if lesson.number == "03"] == [copy]


@pytest.mark.parametrize("name", ["nowhere", "a file", "empty", "others"])
def test_an_odd_folder_is_one_sentence(name, tmp_path, capsys):
    (tmp_path / "a file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "my_notes.ipynb").write_text("{}")
    assert cli.main(["progress", str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and name in err and ("is no folder" if name in ("nowhere", "a file") else "holds no notebook of the course") in err


# --- run afresh -------------------------------------------------------------------------------------------------------------------------


def test_checks_are_run_afresh_whatever_was_saved(course, monkeypatch):
    """A right answer whose saved output is wrong, and the other way round; what was damaged stays so."""
    course.change("03", lambda cells: cells["03-1-answer"].update(source="def huber_loss(errors, delta=1.0):\n    size = np.abs(errors)\n"
                  "    return np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))"))
    course.say({"03-1-check": line("03.1", None, "failed"), "03-2-check": line("03.2", None, "passed")})
    for path in course.folder.glob("*.ipynb"):
        if path.name[:2] not in ("02", "03", "04"):
            path.unlink()
    course.path("04").write_text("{")
    lessons = progress.run(progress.read(course.folder))
    found = {exercise.id: exercise for exercise in progress.all_exercises(lessons)}
    assert (found["03.1"].status, found["03.2"].status, found["02.1"].status, found["04.1"].status) == ("passed", "open", "open", "not run")
    assert found["03.1"].answers[None].sentence == CHECKS["03.1", None].why and found["03.1"].points
    assert "no notebook here: lesson 00, 01, 05, 06, 07, 08, 09, 10" in progress.troubles(lessons)


def test_ctrl_c_keeps_what_is_done(course, monkeypatch):
    """Within a check, and between two of them."""

    def check(path):
        looked.append(path.name[:2])
        if looked[-1] == "02":
            raise KeyboardInterrupt
        labels = [one.label for key, one in CHECKS.items() if key[0][:2] == looked[-1]]
        return [self_check.Line(one, "unknown" if looked[-1] == stop and place > 1 else "passed", "") for place, one in enumerate(labels)]

    monkeypatch.setattr(self_check, "check", check)
    for stop, statuses in (("01", ["passed", "passed", "unknown"]), ("99", ["passed"] * 6)):
        looked = []
        found = {exercise.id: exercise.status for exercise in progress.all_exercises(progress.run(progress.read(course.folder)))}
        assert looked == (["00", "01"] if stop == "01" else ["00", "01", "02"])
        assert {found["00.1"], found["00.2"]} == {"passed"} and found["03.1"] == found["10.9"] == "unknown"
        assert [found[f"01.{k + 1}"] for k in range(len(statuses))] == statuses
    assert "? not checked" in progress.as_text(progress.run(progress.read(course.folder)))


# --- how it is shown --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def halfway(course, monkeypatch):
    """All kinds of exercises at once."""
    course.say({cell_id(*key): line(*key, "passed") for key in CHECKS if key[0][:2] in ("00", "01", "02")})
    course.say({"01-4-check": line("01.4", None, "open"), "03-2-check": line("03.2", None, "failed"), "10-1-check-proof": line("10.1", "proof", "passed")})
    monkeypatch.chdir(course.folder)
    return progress.read(course.folder)


def test_the_table_fits_on_a_screen_without_colours(halfway, course):
    text = progress.as_text(halfway, width=80)
    lines = text.splitlines()
    assert max(map(len, lines[:-2])) <= 80 and len(lines) <= 24 and "\x1b" not in text
    assert re.search(r"01 · Breakout and its pixels +1✓ 2✓ 3✓ 4○ 5✓ 6✓ +5 of 6 ", text) and re.search(r"4✓\+ 5✓ +5 of 5", text)
    assert "✓ done  · not run yet  ○ not written yet  ✗ to mend  + in both frameworks\n" in text
    assert "✗ 03.2 huber_gradient: at error 3 the loss is <2.5> & not 3" in text
    assert f"12 of {len(course.read())} exercises; next: 01.4 " in text and " in 01_breakout_and_preprocessing.ipynb\n" in text
    assert len(progress.as_text(halfway, width=40).splitlines()) > len(lines)  # narrower still, it wraps


def test_colours_come_with_a_terminal_that_has_them(halfway):
    console = Console(force_terminal=True, color_system="standard", width=80, record=True, file=open("/dev/null", "w"))
    progress.show(halfway, console)
    assert "\x1b[32m✓" in console.export_text(styles=True)


def test_all_done_has_nothing_next(course):
    course.say({cell_id(*key): line(*key, "passed") for key in CHECKS})
    lessons = progress.read(course.folder)
    total = len(course.read())
    assert progress.go_on(lessons) is None and f"{total} of {total} exercises\n" in progress.as_text(lessons) and "next:" not in progress.as_html(lessons)


def test_the_command_says_when(course, capsys):
    assert cli.main(["progress", str(course.folder)]) == 0
    assert "So the notebooks stood when they were saved last; --run asks the checks again." in capsys.readouterr().out


class Page(HTMLParser):
    """Tags with their attributes, all text, and whether tags are closed in order."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.text, self.stack = [], "", []
        self.feed(html)
        assert not self.stack

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "br":
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text += data if self.stack[-1:] != ["style"] else ""


def test_the_panel_tells_all_by_text_and_links_to_every_exercise(halfway, course):
    page = Page(progress.as_html(halfway))
    text = " ".join(page.text.split())
    marks = [about for tag, about in page.tags if "aria-label" in about]
    assert len(marks) == len(course.read()) and all(about["title"] == about["aria-label"] for about in marks)
    said = {about["aria-label"]: about for about in marks}
    failing = said["03.2 huber_gradient: to mend"]
    assert failing["href"] == "03_huber_loss.ipynb#cell-id=03-2-text" and failing["class"] == "mark failed"
    assert "10.1 value_loss: not run yet" in said and any(label.endswith(": done, in both frameworks") for label in said)
    for about in marks:
        name, id = about["href"].split("#cell-id=")
        assert id in {cell["id"] for cell in json.loads((course.folder / name).read_text(encoding="utf-8"))["cells"]}
    assert "✗ 03.2 huber_gradient: at error 3 the loss is <2.5> & not 3" in text and "<2.5>" not in progress.as_html(halfway)
    assert f"12 of {len(course.read())} exercises ; next: 01.4" in text.replace("exercises;", "exercises ;")
    assert "points as the checks see it; hidden tests may see more" in text and "✓ done" in text and "○ not written yet" in text
    scopes = [about.get("scope") for tag, about in page.tags if tag == "th"]
    assert scopes == ["col"] * 4 + ["row"] * len(halfway) and [tag for tag, _ in page.tags].count("caption") == 1


def test_every_colour_has_a_fallback_and_the_themes_name():
    style = progress.as_html([]).partition("</style>")[0]
    assert re.findall(r"(?<!-)color: (?!inherit|var\(--jp-[a-z0-9-]+, [^)]+\))", style) == []


def test_links_lead_from_where_the_notebook_runs(halfway, course, tmp_path, monkeypatch):
    (lesson,) = [lesson for lesson in halfway if lesson.number == "03"]
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    assert progress.link(lesson) == "../notebooks/03_huber_loss.ipynb"
    monkeypatch.chdir("/")
    page = Page(progress.as_html(halfway))
    assert "href" not in str(page.tags) and "/" not in page.text.replace("notebooks/", "")
    assert all(about["role"] == "img" for _, about in page.tags if "aria-label" in about)


def test_the_panel_is_html_and_plain_text(course, monkeypatch):
    shown = []
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)  # where rich would show each line by itself
    monkeypatch.setattr("rich.jupyter.display", lambda *parts: shown.append(parts))
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    progress.panel(course.folder)
    (data,) = shown
    assert data["text/html"] == progress.as_html(progress.read(course.folder)) and data["text/plain"].startswith("lesson")


def test_a_notebook_beside_the_learners_names_them_without_the_machines_folders(course, monkeypatch):
    """A solution's stored panel is the same on every machine."""
    (course.folder.parent / "solutions").mkdir()
    monkeypatch.chdir(course.folder.parent / "solutions")
    text = progress.as_text(progress.read(course.folder))
    assert "in ../notebooks/00_start_here.ipynb" in text and str(course.folder.parent) not in text


def test_the_map_counts_the_same(course, monkeypatch):
    course.say({"03-1-check": line("03.1", None, "passed"), "03-3-check-keras": line("03.3", "keras", "passed")})
    monkeypatch.setattr(course_map, "ROOT", course.folder.parent)
    drawn = []
    monkeypatch.setattr(course_map, "_draw_brick", lambda ax, place, lines, colour, there: drawn.append(lines))
    monkeypatch.setattr(course_map.plt, "show", lambda: drawn.append(course_map.plt.gca().texts[0].get_text()))
    course_map.show_map()
    course_map.plt.close("all")
    assert drawn[3][0] == "03" and drawn[3][2] == "✓ 2 of 4" and drawn[-1] == f"✓ 2 of {len(course.read())} exercises"


def test_an_unreadable_folder_is_a_course_error(tmp_path):
    with pytest.raises(CourseError, match="is no folder"):
        progress.read(tmp_path / "nothing")
