"""Right answers in other styles than the course's own solutions: none may lose a mark."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RightAnswer:
    id: str
    variant: str | None  # the framework or the part, where an exercise is a pair
    name: str
    answer: Any
    lazy: bool  # `answer` is a function without arguments that makes the right answer (where that needs a framework)


RIGHT_ANSWERS: list[RightAnswer] = []


def right(id: str, *, framework: str | None = None, part: str | None = None, name: str | None = None, lazy: bool = False):
    def add(answer):
        named = name or getattr(answer, "__name__", f"value_{len(RIGHT_ANSWERS)}")
        RIGHT_ANSWERS.append(RightAnswer(id, framework or part, named, answer, lazy))
        return answer

    return add
