"""Every lesson has what a learner counts on: what comes of it, minutes, what it needs, a quiz with reasons, experiments, references, the way on."""

import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
PROSE = {
    path.stem: "\n\n".join(cell.source for cell in jupytext.read(path).cells if cell.cell_type == "markdown") for path in LESSONS
}
each_lesson = pytest.mark.parametrize("name", PROSE)


def section(name: str, title: str) -> str:
    """The prose below a headline, up to the next one of its rank."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PROSE[name], re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no section `{title}`"
    return found[1]


@each_lesson
def test_it_says_at_its_beginning_what_comes_of_it_how_long_it_takes_and_what_it_needs(name):
    beginning = PROSE[name][:6000]
    number, title = re.match(r"# (\d\d) · (.+)", beginning).groups()
    assert number == name[:2] and title
    able = re.search(r"\*\*You will be able to\*\*\n+((?:- .*\n(?:  .*\n)*)+)", beginning)
    assert able and 3 <= able[1].count("\n- ") + 1 <= 7
    minutes = int(re.search(r"\*\*Minutes\*\*: (?:about )?(\d+)", beginning)[1])
    assert 10 <= minutes <= 180
    needs = re.search(r"\*\*You need\*\*: (.+)", beginning)[1]
    assert all(earlier < number for earlier in re.findall(r"\b\d\d\b", needs)), f"{name} needs what comes later"


@each_lesson
def test_its_minutes_hold_those_of_its_exercises(name):
    minutes = int(re.search(r"\*\*Minutes\*\*: (?:about )?(\d+)", PROSE[name])[1])
    exercises = [int(number) for number in re.findall(r"^\*Difficulty .* about (\d+) minutes", PROSE[name], re.MULTILINE)]
    assert exercises and sum(exercises) < minutes


@each_lesson
def test_its_exercises_are_numbered_in_their_order(name):
    numbers = [int(number) for number in re.findall(rf"^### Exercise {name[:2]}\.(\d+) ·", PROSE[name], re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1)) and numbers


@each_lesson
def test_it_ends_with_a_quiz_of_five_questions_each_with_its_reason(name):
    questions = re.split(r"^\*\*\d\.\*\*", section(name, "Quiz"), flags=re.MULTILINE)[1:]
    assert len(questions) == 5
    for question in questions:
        asked, answer = re.fullmatch(r"(.*?)<details><summary>Answer</summary>(.*?)</details>\s*", question, re.DOTALL).groups()
        assert len(asked.split()) >= 5 and len(answer.split()) >= 8, question


@each_lesson
def test_it_ends_with_three_experiments_and_what_to_expect(name):
    experiments = re.split(r"^(?:\d\.|-) ", section(name, "What to try next"), flags=re.MULTILINE)[1:]
    assert len(experiments) == 3
    assert [text for text in experiments if "*Expect*" not in text] == []


@each_lesson
def test_it_ends_with_references_that_can_be_followed(name):
    entries = re.split(r"^- ", section(name, "References"), flags=re.MULTILINE)[1:]
    assert len(entries) >= 2
    assert [entry for entry in entries if not re.search(r"\]\(\s*https?://[^\s)]+\)", re.sub(r"\n\s*", " ", entry))] == []


@pytest.mark.parametrize(("here", "there"), zip(list(PROSE), list(PROSE)[1:]))
def test_it_leads_on_to_the_next_lesson(here, there):
    number, title = re.match(r"# (\d\d) · (.+)", PROSE[there]).groups()
    assert f"**Next**: [{number} · {title}]({there}.ipynb)" in PROSE[here]


@each_lesson
def test_no_year_at_the_beginning_of_a_line_becomes_a_list(name):
    assert not re.findall(r"^ *\d{2,}\.(?: .*)?$", PROSE[name], re.MULTILINE)


@each_lesson
def test_links_between_lessons_lead_to_a_notebook(name):
    targets = re.findall(r"\]\((?!https?:)([^)#]+?\.ipynb)", PROSE[name])
    assert [target for target in targets if not (ROOT / "notebooks" / target).is_file()] == []


@each_lesson
def test_its_headlines_go_down_one_step_at_a_time(name):
    ranks = [len(marks) for marks in re.findall(r"^(#+) ", PROSE[name], re.MULTILINE)]
    assert ranks[0] == 1 and ranks.count(1) == 1
    assert [pair for pair in zip(ranks, ranks[1:]) if pair[1] > pair[0] + 1] == []


@each_lesson
def test_it_is_spelled_as_the_others_are(name):
    """British spelling; no word twice in a row."""
    prose = re.sub(r"`[^`]*`|<code>.*?</code>|https?://\S+", " ", PROSE[name].split("\n## References\n")[0])  # titles are spelled as they are
    american = r"\b(?:color|behavior|neighbor|center|optimiz|normaliz|visualiz|initializ|generaliz|summariz|favorite|gray)\w*"
    assert re.findall(american, prose, re.IGNORECASE) == []
    twice = [match[0] for match in re.finditer(r"\b([a-z]+)\s+\1\b", prose) if match[1] not in ("that", "had", "teach")]
    assert twice == []
