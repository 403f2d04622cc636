"""A class is graded: every answer sits its exam alone, behind walls, and is judged by what it returned.

For each exercise the course's own solution sits the same exam first; its transcript is what the others are compared with. Results are kept
as they come, by the content that they depend on: an interrupted run goes on, and equal answers are tried once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from course_lib.errors import CourseError
from course_lib.grading.build import ROOT, find_lessons
from course_lib.grading.examiner import Examiner, Result
from course_lib.grading.gradebook import Gradebook
from course_lib.grading.ledger import Ledger
from course_lib.grading.lessons import Lesson, read_lesson
from course_lib.grading.parents import WarmParents
from course_lib.grading.submissions import Answer, Key, Student, answers_of, read_class
from course_lib.grading.tasks import Rules, Task, out_of_bounds, tasks_of


def grade(folder: Path, out: Path, wanted: Iterable[str] | None, rules: Rules, jobs: int, root: Path = ROOT) -> Gradebook:
    """Grade every submission in a folder; raises CourseError.

    wanted: lessons ("03"), default: all that somebody handed in. out: the report's folder; results that are there already are used.
    jobs: exams at a time.
    """
    if not hasattr(os, "fork"):
        raise CourseError("Grading needs Linux or macOS: run it in a container or under WSL, see docs/instructors.md.")
    from course_lib.grading import walls

    lessons = {lesson.name: lesson for lesson in map(read_lesson, find_lessons(None, root))}
    students = read_class(folder, lessons)
    chosen = [path.stem for path in find_lessons(wanted, root)] if wanted else handed_in(lessons, students)
    lessons = {name: lessons[name] for name in chosen}
    tasks = {task.key: task for lesson in lessons.values() for task in tasks_of(lesson, root)}
    book = Gradebook(lessons, tasks, students, rules, walls.available())
    exams, places = assign(book)
    solutions = {task.digest(task.asked.solved, rules): (task, task.asked.solved) for task, _ in exams.values()}
    with Ledger(out) as ledger, WarmParents() as parents:
        examiner = Examiner(parents, rules, book.walls)
        hold(solutions, ledger.transcripts, examiner.solve, ledger, jobs, parents.stop)
        expected = {task.key: ledger.transcripts[digest] for digest, (task, _) in solutions.items()}

        def judge(task: Task, source: str) -> Result:
            return examiner.judge(task, source, expected[task.key])

        first = hold(exams, ledger.results, judge, ledger, jobs, parents.stop, keep=not_in_haste)
        again = {digest: exams[digest] for digest, result in first.items() if not not_in_haste(result)}
        second = hold(again, ledger.results, judge, ledger, 1, parents.stop)
        results = ledger.results | first | second
        book.results |= {place: results[digest] for place, digest in places.items()}
    return book


def handed_in(lessons: dict[str, Lesson], students: list[Student]) -> list[str]:
    """The lessons that anybody handed in, in the course's order."""
    names = [name for name in lessons if any(name in student.handins for student in students)]
    if not names:
        raise CourseError("There is no notebook of the course among these submissions; to grade them all the same, name a --lesson.")
    return names


def assign(book: Gradebook) -> tuple[dict[str, tuple[Task, str]], dict[tuple[str, Key], str]]:
    """Find every answer, note the results that need no exam, and return the exams that are needed (task and answer, by digest; equal
    answers need one) and whose they are."""
    exams, places = {}, {}
    for student in book.students:
        for name, lesson in book.lessons.items():
            handin = student.handins.get(name)
            answers = answers_of(handin, lesson) if handin else {}
            for key in (key for key in book.tasks if book.tasks[key].asked in lesson.cells):
                place, task = (student.name, key), book.tasks[key]
                answer = book.answers[place] = answers.get(key, Answer(None, ("nothing was handed in for this lesson",)))
                if (result := without_exam(student, answer, handed_in=handin is not None)) is not None:
                    book.results[place] = result
                else:
                    digest = places[place] = task.digest(answer.source, book.rules)
                    exams[digest] = task, answer.source
    return exams, places


def without_exam(student: Student, answer: Answer, handed_in: bool) -> Result | None:
    """The result of what needs no exam: nothing handed in or written, or an answer that reaches for what it must not."""
    if not handed_in and student.unreadable:
        return Result("unreadable", reason=student.unreadable[0])
    if answer.source is None:
        return Result("missing", reason="; ".join(answer.notes))
    if touched := out_of_bounds(answer.source):
        return Result("tampered", reason=touched)
    return None


def not_in_haste(result: Result) -> bool:
    """A timeout may be a neighbour's fault: it is tried once more, alone, before it counts."""
    return result.status != "timeout"


def hold(
    exams: dict[str, tuple[Task, str]],
    known: dict,
    work: Callable,
    ledger: Ledger,
    jobs: int,
    stop: Callable,
    keep: Callable[[Any], bool] = lambda result: True,
) -> dict[str, Any]:
    """Hold the exams that are not in the ledger yet, so many at a time, and return what came of them; what is to be kept is in the ledger
    then. After Ctrl-C `stop` ends those under way."""
    waiting, found = {digest: task for digest, task in exams.items() if digest not in known}, {}
    if not waiting:
        return found
    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(exams), initial=len(exams) - len(waiting), unit=" exams", leave=False) as bar:
        futures = {pool.submit(work, *task): digest for digest, task in waiting.items()}
        try:
            for future in as_completed(futures):
                digest, result = futures[future], future.result()
                found[digest] = result
                if keep(result):
                    ledger.add(digest, result)
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            stop()
            raise
    return found
