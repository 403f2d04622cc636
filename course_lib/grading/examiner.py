"""An outcome becomes a result: status, share of the points, reason, and the public check's sentence for who needs it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from course_lib.errors import CourseError
from course_lib.grading import exam, marks
from course_lib.grading.build import ROOT
from course_lib.grading.excerpt import BROKEN, as_python, parse
from course_lib.grading.parents import WarmParents
from course_lib.grading.submissions import printable
from course_lib.grading.tasks import Rules, Task

STATUSES = ("passed", "partial", "failed", "timeout", "crashed", "missing", "tampered", "unreadable")
LONGEST_SENTENCE = 600  # characters


@dataclass(frozen=True)
class Result:
    """What one answer is worth, and why."""

    status: str  # one of STATUSES
    share: float = 0.0  # of the points
    tests: tuple[tuple[str, bool], ...] = ()  # each hidden test's topic, and whether it was passed
    reason: str = ""  # what happened, in a sentence
    sentence: str = ""  # what the public check says, where the answer failed


class Examiner:
    """Has answers sit their exams."""

    def __init__(self, parents: WarmParents, rules: Rules, walls: dict[str, bool]) -> None:
        self.parents, self.rules, self.walls = parents, rules, walls

    def solve(self, task: Task, solution: str) -> list:
        """The transcript of the course's own solution; raises CourseError if it does not come through its exam."""
        outcome = self._sit(task, solution)
        if not isinstance(outcome.content, list) or any("raised" in result for result in outcome.content):
            what = f"The course's own solution of {task.asked.label} fails its exam ({why(outcome)})"
            raise CourseError(f"{what}; raise the limits, or mend its hidden tests.")
        return outcome.content

    def judge(self, task: Task, source: str, expected: list) -> Result:
        """Have an answer sit its exam, and judge it by its transcript. Whatever it makes happen here, the class goes on."""
        try:
            return self._judge(task, source, expected)
        except CourseError:
            raise
        except Exception as error:
            return Result("crashed", reason=f"the grader could not finish this exam ({type(error).__name__})")

    def _judge(self, task: Task, source: str, expected: list) -> Result:
        outcome = self._sit(task, source)
        if (ended := badly_ended(outcome, self.rules)) is not None:
            return ended
        examined = outcome.cells[exam.EXAMINATION].get("outcome") == "passed" and isinstance(outcome.content, list)
        transcript = outcome.content if examined else []
        results = marks.passed(task.probes, transcript, expected)
        tests = tuple((probe.topic, result) for probe, result in zip(task.probes, results, strict=True))
        share = marks.share(task.probes, results)
        raised = {one["raised"] for one in transcript if isinstance(one, dict) and isinstance(one.get("raised"), str)}
        if share == 1.0:
            return Result("passed", share, tests, "all hidden tests passed")
        if raised == {"NotImplementedError"} and share == 0.0:
            return Result("missing", reason="not written yet: it raises NotImplementedError")
        if "MemoryError" in raised:
            return Result("crashed", 0.0, tests, f"it asked for more than {self.rules.memory_limit} MB of memory")
        if share > 0.0:
            return Result("partial", share, tests, f"{counted(tests)}; not: {'; '.join(failed(tests))}")
        if (broken := breaks(source, outcome)) is not None:
            return Result("failed", 0.0, tests, broken)
        return self._explain(task, source, tests)

    def _explain(self, task: Task, source: str, tests: tuple) -> Result:
        """A failed answer, with the public check's sentence: asked in an exam of its own, since checks know results."""
        said = self._sit(task, source, open_book=True).content
        verdict, line = said if isinstance(said, list) and len(said) == 2 and all(isinstance(one, str) for one in said) else ("", "")
        sentence = printable(line.partition(": ")[2][:LONGEST_SENTENCE]) if verdict == "failed" and line.startswith("✗") else ""
        if unbound := sorted(task.excerpt(source).unbound):
            reason = f"only the answer cell is graded, and nothing there or in what the lesson gives it defines {named(unbound)}"
        elif not any(result for _, result in tests):
            reason = "no hidden test passed"
        else:
            reason = f"{counted(tests)}, but not all of those that any mark needs; not: {'; '.join(failed(tests))}"
        return Result("failed", 0.0, tests, reason, sentence)

    def _sit(self, task: Task, source: str, open_book: bool = False) -> exam.Outcome:
        """One exam: by hidden tests, or with the library in reach and only the public check to answer to."""
        cells = task.open_book_cells(source) if open_book else task.cells(source, self.rules.seed)
        library = ("course_lib", *modules(task.library)) if open_book or task.library else ()
        run = functools.partial(self.parents.run, framework=task.framework(source))
        limits = {"time_limit": self.rules.time_limit, "memory_limit": self.rules.memory_limit}
        outcome = exam.sit(cells, run, library=library, open_book=open_book, walls=self.walls, **limits)
        if outcome.stopped == "walls":
            raise CourseError("An exam's walls could not be raised, so it was not held; grade again, what is done is kept.")
        return outcome


def badly_ended(outcome: exam.Outcome, rules: Rules) -> Result | None:
    """The result of an exam that was stopped, broke off or rang the alarm; None if there is a transcript to judge."""
    told = " ".join(str(cell.get("text")) for cell in outcome.cells)
    if outcome.alarms:
        return Result("tampered", reason=f"the answer {outcome.alarms[0]}, which an exam does not allow")
    if outcome.stopped == "timeout" or "Timeout of" in told:
        return Result("timeout", reason=f"it took more than {rules.time_limit:g} seconds")
    if outcome.stopped == "memory":
        return Result("crashed", reason=f"it used more than {rules.memory_limit} MB of memory")
    if outcome.stopped == "processes":
        return Result("crashed", reason="it started process after process")
    if outcome.stopped == "disk":
        return Result("crashed", reason="it wrote more files than an exam takes")
    if "prints too much" in told:
        return Result("crashed", reason="it printed more than an exam takes")
    if "kernel has ended" in told or "Kernel dead" in told:
        return Result("crashed", reason="it ended its own process")
    if len(outcome.cells) <= exam.EXAMINATION:
        return Result("crashed", reason="the examination did not come to its end")
    return None


def breaks(source: str, outcome: exam.Outcome) -> str | None:
    """How an answer cell that does not run to its end breaks off; None if it does."""
    try:
        parse(as_python(source))
    except SyntaxError as error:
        return f"the answer cell is no Python: line {error.lineno}: {error.msg}"
    except BROKEN as error:
        return f"the answer cell cannot be read: {type(error).__name__}"
    cell = outcome.cells[exam.ANSWER]
    if cell.get("outcome") == "passed":
        return None
    told = re.sub(r"\x1b\[[\d;]*m", "", str(cell.get("text")))  # without colours
    raised = re.findall(r"^(\w+(?:Error|Exception|Exit|Interrupt)\b.*)", told, re.MULTILINE)
    return f"the answer cell raises {printable(raised[-1][:LONGEST_SENTENCE])}" if raised else "the answer cell raises an error"


def counted(tests: tuple) -> str:
    return f"{sum(result for _, result in tests)} of {len(tests)} hidden tests passed"


def failed(tests: tuple) -> list[str]:
    return [topic for topic, result in tests if not result]


def why(outcome: exam.Outcome) -> str:
    """What is known of an exam that should not have failed."""
    told = next((str(cell.get("text")) for cell in outcome.cells if cell.get("outcome") != "passed"), "")
    return outcome.stopped or told.strip().split("\n")[-1][:200] or str(outcome.content)[:200]


def modules(names: frozenset[str]) -> list[str]:
    """Those of some names of course_lib that are modules."""
    return sorted(name for name in names if (ROOT / f"{name.replace('.', '/')}.py").is_file())


def named(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names[:3])
