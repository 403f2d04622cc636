"""The reports of `course grade`, most of them of classes that are made up here, without an exam; the last tests grade tests/data/class.

That class is lesson 03 as learning platforms export it: folders of Moodle, files of Canvas, a folder for each of two learners. Answers
and checks only. Ana Lima has all right in PyTorch, Chidi Eze in Keras, Zoë Ångström in both. Dana Novak, petrov and okafor's first
hand-in forget the -0.5 in 03.1; okafor's second mends that. Dana also subtracts a column from a row, petrov sums over the batch, as Rosa
does. Emil Berg is half finished and cuts the gradient off, Fatou Diop's 03.2 never ends, Rosa's 03.1 imports the checks, Quinn answers
03.1 twice and names its delta d. Goran Ilić's file is cut off, and Hana Sato's notebook is empty.
"""

import csv
import io
import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from course_lib.errors import CourseError
from course_lib.grading import walls
from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.examiner import STATUSES, Result
from course_lib.grading.grade import grade
from course_lib.grading.gradebook import Gradebook
from course_lib.grading.lessons import read_lesson
from course_lib.grading.parents import WarmParents
from course_lib.grading.report import LONGEST_COLOURED, PROTECTIONS, file_name, summary, write_reports
from course_lib.grading.submissions import Answer, Handin, Student
from course_lib.grading.tasks import Rules, tasks_of

LESSON = read_lesson(ROOT / "lessons" / "03_huber_loss.py")
TASKS = {task.key: task for task in tasks_of(LESSON, ROOT)}
LOSS, GRADIENT, TORCH, KERAS, STEP = TASKS
ALL_WALLS = {"namespaces": True, "files": True, "sockets": True, "memory": True}
MISSING = Result("missing", reason="not written yet")


def passed(key):
    return Result("passed", 1.0, tuple((probe.topic, True) for probe in TASKS[key].probes), "all hidden tests passed")


def failed(sentence):
    return Result("failed", 0.0, (("a first topic", False), ("a second topic", True)), "1 of 2 hidden tests passed", sentence)


def book_of(learners, protections=ALL_WALLS, problems=(), answer=Answer("huber = 1")):
    """A graded class: by name, the results that are not missing."""
    students = [Student(name, {LESSON.name: Handin(name, f"{name}/03_huber_loss.ipynb", LESSON.name)}, problems=list(problems)) for name in learners]
    book = Gradebook({LESSON.name: LESSON}, TASKS, students, Rules(time_limit=10), protections)
    for name, results in learners.items():
        for key in TASKS:
            book.results[name, key] = results.get(key, MISSING)
            book.answers[name, key] = answer if key in results else Answer(None, ("not written yet",))
    return book


def everything_right(*names):
    return {name: {key: passed(key) for key in TASKS} for name in names}


def rows(out):
    return list(csv.reader(io.StringIO((out / "marks.csv").read_bytes().decode("utf-8-sig"), newline="")))


def files(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


class Page(HTMLParser):
    """A page's elements, text, headlines and links, as a browser finds them."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text, self.unbalanced = [], [], "", []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag in ("th", "td", "dt", "dd", "br"):
            self.text += " "
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    @property
    def words(self):
        return " ".join(self.text.split())

    @property
    def kinds(self):
        return {tag for tag, _ in self.elements}, {name for _, attributes in self.elements for name in attributes}

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def pages(out):
    return {path: Page(path) for path in sorted(out.rglob("*.html"))}


def page_of(out, name):
    return Page(out / "students" / file_name(name))


# --- for a spreadsheet and for a script -----------------------------------------------------------------------------------------------


def test_marks_csv_has_a_row_for_each_learner_with_points_bonus_and_total(tmp_path):
    partly = Result("partial", 0.6, reason="3 of 5 hidden tests passed")
    write_reports(book_of({"Émile": {LOSS: partly}, "ana": everything_right("")[""], "Bo": {}}), tmp_path)
    assert (tmp_path / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows(tmp_path) == [
        ["learner", "03.1", "03.2", "03.3", "03.4", "bonus", "total", "out_of", "notes"],
        ["ana", "2", "2", "3", "3", "0.75", "10.75", "10", ""],
        ["Bo", "0", "0", "0", "0", "0", "0", "10", ""],
        ["Émile", "1.2", "0", "0", "0", "0", "1.2", "10", ""],
    ]


def test_marks_csv_notes_what_a_person_should_know(tmp_path):
    results = {LOSS: Result("timeout", reason="it took more than 10 seconds"), GRADIENT: passed(GRADIENT)}
    write_reports(book_of({"Ana": results}, problems=["two files"], answer=Answer("huber = 1", ("2 cells answer",))), tmp_path)
    assert rows(tmp_path)[1][-1] == "two files; 03.1 timeout: it took more than 10 seconds; 03.1: 2 cells answer; 03.2: 2 cells answer"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "－1"])
def test_no_cell_of_marks_csv_begins_a_formula(tmp_path, name):
    write_reports(book_of({name: {}}, problems=["=HYPERLINK(1)"]), tmp_path)
    learner, *_, notes = rows(tmp_path)[1]
    assert (learner, notes) == (f"'{name}", "'=HYPERLINK(1)")


@pytest.mark.parametrize("name", ["a,=1+1", "a;=1+1", "a\t=1+1", "a\n=1+1", 'a"=1+1', "a',=1+1"])
def test_no_separator_in_a_name_begins_a_cell_of_marks_csv(tmp_path, name):
    write_reports(book_of({name: {}}), tmp_path)
    assert rows(tmp_path)[1][0] == name
    assert '"{}",0,'.format(name.replace('"', '""')) in (tmp_path / "marks.csv").read_bytes().decode("utf-8-sig")


def test_marks_json_tells_all_that_is_known_of_an_answer(tmp_path):
    results = {TORCH: failed("a column is no row"), KERAS: passed(KERAS)}
    write_reports(book_of({"Ana": results}, answer=Answer("code", ("2 cells answer exercise 03.3",))), tmp_path)
    told = json.loads((tmp_path / "marks.json").read_text(encoding="utf-8"))
    assert told["rules"] == {"seed": 0, "time_limit": 10, "memory_limit": 4096}
    assert (told["protections"], told["out_of"]) == (ALL_WALLS, 10)
    assert told["exercises"]["03.2"] == {"lesson": "03_huber_loss", "title": "Its gradient", "points": 2}
    (ana,) = told["learners"]
    assert {key: ana[key] for key in ("learner", "points", "bonus", "total", "out_of", "problems")} == {
        "learner": "Ana", "points": 3.0, "bonus": 0.0, "total": 3.0, "out_of": 10, "problems": [],
    }  # fmt: skip
    mark = ana["exercises"]["03.3"]
    torch, keras = mark.pop("answers")
    assert mark == {"status": "passed", "points": 3.0, "bonus": 0.0, "out_of": 3, "file": "Ana/03_huber_loss.ipynb"}
    tests = [{"topic": "a first topic", "passed": False, "extra": False}, {"topic": "a second topic", "passed": True, "extra": False}]
    assert torch == {
        "variant": "torch", "label": "03.3 (torch)", "name": "huber_torch", "status": "failed", "share": 0.0, "tests": tests,
        "reason": "1 of 2 hidden tests passed", "sentence": "a column is no row", "notes": ["2 cells answer exercise 03.3"],
    }  # fmt: skip
    assert (keras["variant"], keras["share"], sum(test["extra"] for test in keras["tests"])) == ("keras", 1.0, 3)


def test_the_same_class_gives_the_same_bytes_and_no_place_of_this_machine(tmp_path):
    learners = everything_right("Ana", "bo") | {"Cy": {LOSS: failed("why")}}
    for folder in ("one", "two", "two"):
        write_reports(book_of(learners), tmp_path / folder)
    write_reports(book_of(dict(reversed(learners.items()))), tmp_path / "three")
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "three")
    assert len(files(tmp_path / "one")) == 6
    assert not any(str(place).encode() in content for place in (tmp_path, ROOT) for content in files(tmp_path / "one").values())


def test_what_cannot_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "index.html").mkdir()
    with pytest.raises(CourseError, match=r"Could not write .*index\.html"):
        write_reports(book_of({"Ana": {}}), tmp_path)


# --- pages ----------------------------------------------------------------------------------------------------------------------------

NAMES = ["../../etc/passwd", "..", "/", "CON", "con", "con.html", "Zoë", "Zoe", "zoe", "zoe\u0308", "x" * 300, "x" * 299, "李雷", "韩梅梅"]
NAMES += [" ", "a b", "a_b", "half \udc80"]


def test_every_learner_has_a_file_of_a_safe_and_unique_name(tmp_path):
    write_reports(book_of(everything_right(*NAMES)), tmp_path)
    names = [path.name for path in (tmp_path / "students").iterdir()]
    assert len({name.lower() for name in names}) == len(NAMES)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?\.html", name) for name in names)
    assert not {name.removesuffix(".html") for name in names} & {"con", "nul", "aux", "prn"}
    assert {path.name for path in tmp_path.iterdir()} == {"marks.csv", "marks.json", "index.html", "students"}


def test_every_name_is_shown_as_it_is(tmp_path):
    write_reports(book_of(everything_right(*NAMES)), tmp_path)
    for name in NAMES:
        assert " ".join(f"Marks of {name}".replace("\udc80", "?").split()) in page_of(tmp_path, name).words


def test_half_characters_in_a_name_and_in_code_become_question_marks(tmp_path):
    write_reports(book_of({"An\udc80a": {LOSS: failed("no \ud800")}}, answer=Answer("x = '\ud800'")), tmp_path)
    assert rows(tmp_path)[1][0] == "An?a"
    assert json.loads((tmp_path / "marks.json").read_text(encoding="utf-8"))["learners"][0]["learner"] == "An?a"
    assert "no ?" in page_of(tmp_path, "An\udc80a").text and "x = '?'" in page_of(tmp_path, "An\udc80a").text


def test_nothing_hostile_becomes_part_of_a_page(tmp_path):
    evil = "</style></title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}&lt;b&gt;"
    hostile = Result("tampered", 0.0, ((evil, False),), evil, evil)
    plain = Result("tampered", 0.0, (("topic", False),), "why", "sentence")
    for name, text, result in (("evil", evil, hostile), ("good", "text", plain)):
        answer = Answer(f"huber = '''{text}'''  # {text}", (text,))
        write_reports(book_of({text: dict.fromkeys(TASKS, result)}, problems=[text], answer=answer), tmp_path / name)
    hostile_pages, plain_pages = pages(tmp_path / "evil").values(), pages(tmp_path / "good").values()
    for page, plain in zip(hostile_pages, plain_pages, strict=True):
        assert page.kinds == plain.kinds
        assert page.text.count(evil) >= 4 and "49" not in page.text
        assert not page.unbalanced and not page.open


def test_pages_need_no_script_and_nothing_from_elsewhere(tmp_path):
    write_reports(book_of(everything_right(*NAMES) | {"Ana": {LOSS: failed("why")}}), tmp_path)
    for path, page in pages(tmp_path).items():
        assert not {"script", "link", "img", "iframe", "object", "form"} & page.kinds[0]
        assert {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"} in page.of("meta")
        assert not re.search(r"url\(|@import|https?:", path.read_text(encoding="utf-8"))
        ids = {attributes.get("id") for _, attributes in page.elements}
        for link in page.of("a"):
            assert link["href"].removeprefix("#") in ids if link["href"].startswith("#") else (path.parent / link["href"]).is_file()


def test_pages_can_be_read_by_everybody(tmp_path):
    ended = Result("crashed", reason="it ended")
    write_reports(book_of(everything_right("Ana") | {"Bo": {TORCH: failed("why"), LOSS: ended}}), tmp_path)
    for page in pages(tmp_path).values():
        assert not page.unbalanced and not page.open
        assert page.of("html") == [{"lang": "en"}] and len(page.of("main")) == 1
        headlines = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
        assert headlines[0] == 1 and headlines.count(1) == 1
        assert all(after <= before + 1 for before, after in zip(headlines, headlines[1:]))
        assert page.of("th") and all(cell["scope"] in ("col", "row") for cell in page.of("th"))
        wide = [attributes for attributes in page.of("div") if attributes["class"] == "wide"]
        assert len(wide) == len(page.of("table"))
        assert all(one["tabindex"] == "0" and one["aria-label"] for one in wide)  # a keyboard can scroll them


def test_a_learners_page_tells_points_reasons_tests_notes_and_code(tmp_path):
    code = "def huber_loss(errors, delta=1.0):\n    return errors < delta  # & more"
    results = {LOSS: failed("the straight part needs its -0.5"), TORCH: passed(TORCH), KERAS: passed(KERAS)}
    write_reports(book_of({"Ana": results}, answer=Answer(code, ("2 cells answer exercise 03.1",))), tmp_path)
    words = page_of(tmp_path, "Ana").words
    assert "3.75 of 10 points, 0.75 of them a bonus" in words
    assert "✗ failed · 0 of 2 points 1 of 2 hidden tests passed The public check says: the straight part needs its -0.5" in words
    assert "✗ not passed: a first topic (needed) ✓ passed: a second topic (needed)" in words
    assert "✓ passed: delta given by its name Note: 2 cells answer exercise 03.1" in words
    assert " ".join(code.split()) in words
    assert "✓ passed · 3 of 3 points and a bonus of 0.75 One framework is enough" in words
    assert "03.4 · One gradient step with an outlier in the batch ○ missing · 0 of 3 points not written yet" in words


def test_a_learners_page_explains_every_status(tmp_path):
    write_reports(book_of({"Ana": {}}), tmp_path)
    explained = page_of(tmp_path, "Ana").words.partition("What the words mean")[2]
    assert all(re.search(rf"[✓◐✗○!] {status} [A-Z][a-z]* ", explained) for status in STATUSES)


def test_a_learners_page_says_that_two_parts_count_half_each(tmp_path):
    lesson = read_lesson(ROOT / "lessons" / "10_bug_museum.py")
    tasks = {task.key: task for task in tasks_of(lesson, ROOT) if task.asked.exercise == "10.1"}
    book = Gradebook({lesson.name: lesson}, tasks, [Student("Ana")], Rules(), ALL_WALLS)
    for key in tasks:
        book.answers["Ana", key], book.results["Ana", key] = Answer("x = 1"), Result("passed", 1.0) if key[1] == "proof" else MISSING
    write_reports(book, tmp_path)
    words = page_of(tmp_path, "Ana").words
    assert "Two parts, each worth half of the points. Proof ✓ passed" in words and "Mend ○ missing not written yet" in words


def test_no_page_shows_a_hidden_test(tmp_path):
    write_reports(book_of({"Ana": {key: failed("why") for key in TASKS}}), tmp_path)
    functions = re.findall(r"^def (\w+)", TASKS[LOSS].hidden, re.MULTILINE)
    assert "other_deltas" in functions
    for page in pages(tmp_path).values():
        assert not set(functions) & set(re.findall(r"\w+_\w+", page.text))


def test_code_that_is_too_long_to_colour_is_shown_all_the_same(tmp_path):
    short, long = "match x", "match" + " " * LONGEST_COLOURED * 9 + "x"  # Pygments would take a minute over this one
    for name, code in (("short", short), ("long", long)):
        write_reports(book_of({name: {LOSS: failed("why")}}, answer=Answer(code)), tmp_path / name)
    assert long in page_of(tmp_path / "long", "long").text and short in page_of(tmp_path / "short", "short").text
    assert page_of(tmp_path / "short", "short").of("span").count({"class": "n"}) == 1
    assert {"class": "n"} not in page_of(tmp_path / "long", "long").of("span")


def test_a_page_of_somebody_who_is_no_longer_there_goes(tmp_path):
    write_reports(book_of(everything_right("Ana", "Bo")), tmp_path)
    write_reports(book_of(everything_right("Bo")), tmp_path)
    assert [path.name for path in (tmp_path / "students").iterdir()] == [file_name("Bo")]


def test_the_class_page_counts_misconceptions_most_frequent_first(tmp_path):
    said = {"Ana": "rare", "Bo": "common", "Cy": "common", "Di": "common", "Ed": "a rare one"}
    write_reports(book_of({name: {LOSS: failed(sentence), KERAS: failed("of Keras")} for name, sentence in said.items()}), tmp_path)
    table = Page(tmp_path / "index.html").words.partition("The check's sentence")[2].partition("Rules and protections")[0]
    expected = "03.1 huber_loss 3 common 03.1 huber_loss 1 a rare one 03.1 huber_loss 1 rare 03.3 (keras) huber_keras 5 of Keras"
    assert table.strip() == expected


def test_the_class_page_has_a_histogram_of_each_exercise(tmp_path):
    shares = [0.0, 0.2, 0.25, 0.26, 0.6, 0.75, 0.8, 1.0, 1.0]
    write_reports(book_of({f"learner {n}": {LOSS: Result("partial", share)} for n, share in enumerate(shares)}), tmp_path)
    page = Page(tmp_path / "index.html")
    assert "03.1 The Huber loss, one value for each error 1 2 1 2 1 2" in page.words
    bars = [attributes["style"] for attributes in page.of("span") if attributes.get("class") == "bar"]
    assert bars[:6] == ["height: 0.33rem", "height: 0.67rem", "height: 0.33rem", "height: 0.67rem", "height: 0.33rem", "height: 0.67rem"]
    assert len(bars) == 4 * 6


@pytest.mark.parametrize("status", STATUSES)
def test_the_class_page_lists_who_needs_a_persons_look(tmp_path, status):
    write_reports(book_of({"Ana": {LOSS: Result(status, float(status == "passed"), reason="so it was")}}), tmp_path)
    words = Page(tmp_path / "index.html").words
    assert (f"Ana 03.1 {status} so it was" in words) == (status in ("tampered", "crashed", "timeout"))
    assert ("Nothing: every file could be read" in words) == (status not in ("tampered", "crashed", "timeout"))


def test_the_class_page_lists_files_that_could_not_be_read_and_second_hand_ins(tmp_path):
    write_reports(book_of({"Ana": {}}, problems=["it is an empty file", "it is of the same learner"]), tmp_path)
    assert "Ana hand-in it is an empty file Ana hand-in it is of the same learner" in Page(tmp_path / "index.html").words


def test_the_class_page_tells_rules_and_protections(tmp_path):
    write_reports(book_of({"Ana": {}}, protections=ALL_WALLS | {"files": False}), tmp_path)
    words = Page(tmp_path / "index.html").words
    assert "Every exam had 10 seconds and 4096 MB of memory; the hidden tests drew their inputs with the seed 0." in words
    assert f"✓ In force: {PROTECTIONS['namespaces']} ✗ Not on this system: {PROTECTIONS['files']}" in words


def test_every_protection_is_told_of():
    assert PROTECTIONS.keys() == walls.available().keys()


def test_the_templates_are_installed_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folder = ROOT / "course_lib" / "grading"
    installed = {path for pattern in project["tool"]["setuptools"]["package-data"]["course_lib.grading"] for path in folder.glob(pattern)}
    assert installed == set((folder / "templates").iterdir())


# --- for the screen -------------------------------------------------------------------------------------------------------------------


def screen(book):
    console = Console(width=80, file=io.StringIO())
    console.print(summary(book))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_summary_has_a_line_for_each_exercise_and_one_below():
    book = book_of(everything_right("Ana") | {"Bo": {LOSS: Result("partial", 0.6), STEP: failed("why")}}, ALL_WALLS | {"files": False})
    heading, _, *lines = screen(book)
    assert heading.split() == ["passed", "partial", "failed", "missing", "mean", "points"]
    assert [line.split() for line in lines[:-1]] == [
        ["03.1", "1", "1", "1.6", "of", "2"],
        ["03.2", "1", "1", "1", "of", "2"],
        ["03.3", "1", "1", "1.5", "of", "3"],
        ["03.4", "1", "1", "1.5", "of", "3"],
    ]
    assert lines[-1] == "2 learners, mean 5.97 of 10; lacking: files"


def test_the_summary_fits_on_a_screen_with_a_thousand_learners_and_every_status():
    results = [{key: Result(status, {"passed": 1.0, "partial": 0.37}.get(status, 0.0)) for key in TASKS} for status in STATUSES]
    lines = screen(book_of({f"learner {number}": results[number % 8] for number in range(1000)}, dict.fromkeys(ALL_WALLS, False)))
    assert all(len(line) <= 80 and "…" not in line for line in lines)
    assert len(lines) == 8  # one exercise a line, two lines of headings, a rule, one line below
    assert lines[3].split() == ["03.1", *["125"] * 8, "0.34", "of", "2"]
    assert lines[-1] == "1000 learners, mean 1.84 of 10; lacking: namespaces, files, sockets, memory"


def test_the_summary_of_the_whole_course_has_a_line_for_each_lesson():
    lessons = {path.stem: read_lesson(path) for path in find_lessons(None, ROOT)}
    tasks = {task.key: task for lesson in lessons.values() for task in tasks_of(lesson, ROOT)}
    book = Gradebook(lessons, tasks, [Student("Ana")], Rules(), ALL_WALLS)
    for number, key in enumerate(tasks):
        book.answers["Ana", key], book.results["Ana", key] = Answer("x = 1"), Result(STATUSES[number % 8])
    lines = screen(book)
    assert len(lines) <= 22 and all(len(line) <= 80 and "…" not in line for line in lines)
    assert [line[:2] for line in lines[3:-1]] == [name[:2] for name in lessons]
    assert lines[6].endswith("0 of 10") and lines[-1].startswith("1 learner, mean 0 of ")


# --- a class of twelve: 13 lines of marks, for one handed in twice ----------------------------------------------------------------------

CLASS = ROOT / "tests" / "data" / "class"
RULES = Rules(time_limit=10)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The class, graded, and the folder of its report."""
    out = tmp_path_factory.mktemp("class") / "report"
    book = grade(CLASS, out, ["03"], RULES, jobs=2)
    write_reports(book, out)
    return book, out


STANDING = {  # points of 03.1 to 03.4, bonus, total; statuses of 03.1 to 03.4
    "Ana Lima_12345": ("2 2 3 3 0 10", "passed passed passed passed"),
    "Chidi Eze_12347": ("2 2 3 3 0 10", "passed passed passed passed"),
    "Dana Novak_12348": ("0 2 0 3 0 5", "failed passed failed passed"),
    "Emil Berg_12349": ("2 0 0 0 0 2", "passed failed missing missing"),
    "Fatou Diop_12350": ("2 0 3 3 0 8", "passed timeout passed passed"),
    "Goran Ilić_12351": ("0 0 0 0 0 0", "unreadable unreadable unreadable unreadable"),
    "Hana Sato_12352": ("0 0 0 0 0 0", "unreadable unreadable unreadable unreadable"),
    "okafor_4711": ("2 2 3 0 0 7", "passed passed passed missing"),
    "okafor_4711 (2)": ("0 2 3 0 0 5", "failed passed passed missing"),
    "petrov_4712": ("0 2 3 0 0 5", "failed passed passed failed"),
    "Quinn": ("1.6 2 3 3 0 9.6", "partial passed passed passed"),
    "Rosa": ("0 2 3 0 0 5", "tampered passed passed failed"),
    "Zoë Ångström_12346": ("2 2 3 3 0.75 10.75", "passed passed passed passed"),
}


def test_every_learner_of_the_class_gets_the_marks_that_are_due(graded):
    book, out = graded
    _, *found = rows(out)
    assert {row[0]: " ".join(row[1:7]) for row in found} == {name: points for name, (points, _) in STANDING.items()}
    for name, (_, statuses) in STANDING.items():
        assert [mark.status for mark in book.marks(name)] == statuses.split()


def test_the_class_page_shows_the_misconception_that_three_learners_share(graded):
    words = Page(graded[1] / "index.html").words
    assert re.search(r"03\.1 huber_loss 3 .*yours is 3\.0: the straight part needs its -0\.5", words)


def test_the_notes_say_what_a_person_should_look_at(graded):
    notes = {row[0]: row[-1] for row in rows(graded[1])[1:]}
    assert {name for name, text in notes.items() if text} == {
        "Fatou Diop_12350", "Goran Ilić_12351", "Hana Sato_12352", "okafor_4711", "okafor_4711 (2)", "Quinn", "Rosa",
    }  # fmt: skip
    assert notes["Fatou Diop_12350"] == "03.2 timeout: it took more than 10 seconds"
    assert notes["Goran Ilić_12351"].endswith("it is no notebook: its content is not JSON")
    assert notes["Hana Sato_12352"].endswith("it is empty")
    assert notes["okafor_4711"].startswith("okafor_4711_99_03_huber_loss.ipynb is of the same learner and lesson")
    assert notes["Quinn"] == "03.1: 2 cells answer exercise 03.1; the last one was graded"
    assert notes["Rosa"].startswith("03.1 tampered: the answer imports `course_lib.checks`")


def test_grading_again_into_the_same_folder_runs_no_exam_and_changes_no_byte(graded, monkeypatch):
    def run(*arguments, **options):
        raise AssertionError("an exam was run")

    before = files(graded[1])
    monkeypatch.setattr(WarmParents, "run", run)
    write_reports(grade(CLASS, graded[1], ["03"], RULES, jobs=2), graded[1])
    assert files(graded[1]) == before


def test_grading_into_a_new_folder_gives_the_same_bytes(graded, tmp_path):
    write_reports(grade(CLASS, tmp_path / "report", ["03"], RULES, jobs=2), tmp_path / "report")
    first, second = files(graded[1]), files(tmp_path / "report")
    del first["results.jsonl"], second["results.jsonl"]  # in the order in which exams ended
    assert first == second and {"marks.csv", "marks.json", "index.html"} < first.keys()
