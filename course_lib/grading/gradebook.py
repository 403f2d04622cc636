"""A graded class: who answered what, how each exam ended, and the marks that follow."""

from __future__ import annotations

from dataclasses import dataclass, field

from course_lib.grading.examiner import STATUSES, Result
from course_lib.grading.lessons import Lesson
from course_lib.grading.submissions import Answer, Key, Student
from course_lib.grading.tasks import Rules, Task

BONUS = 0.25  # of an exercise's points, for a right answer in the second framework


@dataclass(frozen=True)
class Mark:
    """What one learner gets for one exercise."""

    exercise: str  # "03.3"
    status: str
    points: float
    bonus: float
    out_of: int
    results: dict[str | None, Result]  # by variant: "torch" and "keras", "proof" and "mend", or None


@dataclass
class Gradebook:
    """All that the reports are made of."""

    lessons: dict[str, Lesson]
    tasks: dict[Key, Task]
    students: list[Student]
    rules: Rules
    walls: dict[str, bool]  # which protections the system had
    answers: dict[tuple[str, Key], Answer] = field(default_factory=dict)  # by learner and exercise
    results: dict[tuple[str, Key], Result] = field(default_factory=dict)

    @property
    def exercises(self) -> dict[str, list[Task]]:
        """The tasks of each exercise, in the course's order of exercises: one, or a pair."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks.values():
            found.setdefault(task.asked.exercise, []).append(task)
        return dict(sorted(found.items(), key=lambda item: [int(number) for number in item[0].split(".")]))

    def marks(self, student: str) -> list[Mark]:
        """A learner's marks, one an exercise."""
        return [mark(tasks, [self.results[student, task.key] for task in tasks]) for tasks in self.exercises.values()]


def mark(tasks: list[Task], results: list[Result]) -> Mark:
    """The mark of an exercise. Of two frameworks the better answer counts, and the other adds a bonus; two parts count half each."""
    first, shares = tasks[0], sorted((result.share for result in results), reverse=True)
    bonus = 0.0
    if first.asked.framework:
        share, bonus = shares[0], BONUS * sum(shares[1:])
    else:
        share = sum(shares) / len(shares)
    by_variant = {task.asked.variant: result for task, result in zip(tasks, results, strict=True)}
    points = [round(first.points * part, 2) for part in (share, bonus)]
    return Mark(first.asked.exercise, status(results, share), *points, first.points, by_variant)


def status(results: list[Result], share: float) -> str:
    """One word for an exercise: of two frameworks, or parts, that earned nothing, the one that was tried."""
    if share == 1.0:
        return "passed"
    if share > 0.0:
        return "partial"
    tried = [result.status for result in results if result.status != "missing"]
    return min(tried, key=STATUSES.index) if tried else "missing"
