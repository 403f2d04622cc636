"""Wrong answers, one for every mistake that a check names: `says` is a piece of the sentence it must draw."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    id: str
    variant: str | None  # the framework or the part, where an exercise is a pair
    name: str
    answer: Any
    says: str
    lazy: bool  # `answer` is a function without arguments that makes the wrong answer (where that needs a framework)


MUTANTS: list[Mutant] = []


def mutant(id: str, *, says: str, framework: str | None = None, part: str | None = None, name: str | None = None, lazy: bool = False):
    def add(answer):
        MUTANTS.append(Mutant(id, framework or part, name or getattr(answer, "__name__", f"value_{len(MUTANTS)}"), answer, says, lazy))
        return answer

    return add
