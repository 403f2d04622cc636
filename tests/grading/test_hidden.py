"""The hidden tests judge as the public checks do: right answers in any style get all marks, known wrong answers none.

Here answers are tried in this process; tests/grading/test_pipeline.py tries some behind the grader's walls.
"""

import ast
import copy
import functools
import importlib
import pkgutil
from collections import Counter
from pathlib import Path

import pytest

import course_lib.checks  # noqa: F401  (fills CHECKS)
import grading
import tests.mutants
import tests.right
from course_lib.checks.base import CHECKS, verdict
from course_lib.grading.marks import passed, share
from course_lib.grading.probing import PROBES, transcript
from tests.mutants import MUTANTS
from tests.right import RIGHT_ANSWERS

for package in (grading, tests.mutants, tests.right):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")

SEED = 2
ROOT = Path(__file__).parents[2]
# Keras counts layers and torch draws initial weights: a transcript may depend on neither, so two references are compared.


@functools.cache
def expected(id, variant):
    return transcript(CHECKS[id, variant].make_reference(), id, variant, SEED)


def share_of(answer, id, variant):
    results = passed(PROBES[id, variant], transcript(answer, id, variant, SEED), expected(id, variant))
    return share(PROBES[id, variant], results), results


def test_every_exercise_has_hidden_tests_and_every_hidden_test_an_exercise():
    assert PROBES.keys() == CHECKS.keys()
    for probes in PROBES.values():
        assert any(not probe.extra for probe in probes)
        assert len({probe.topic for probe in probes}) == len(probes)


@pytest.mark.parametrize(("id", "variant"), CHECKS, ids=lambda value: str(value))
def test_the_reference_gets_all_marks(id, variant):
    for probe, result in zip(PROBES[id, variant], expected(id, variant), strict=True):
        assert "raised" not in result, (probe.topic, result)
    assert share_of(CHECKS[id, variant].make_reference(), id, variant) == (1.0, [True] * len(PROBES[id, variant]))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.id}-{mutant.variant}-{mutant.name}")
def test_a_mutant_gets_no_mark(mutant):
    answer = mutant.answer() if mutant.lazy else mutant.answer
    assert share_of(answer, mutant.id, mutant.variant)[0] == 0.0


@pytest.mark.parametrize("one", RIGHT_ANSWERS, ids=lambda one: f"{one.id}-{one.variant}-{one.name}")
def test_a_right_answer_gets_all_marks_in_any_style(one):
    answer = one.answer() if one.lazy else one.answer
    assert verdict(CHECKS[one.id, one.variant], copy.deepcopy(answer))[0] == "passed"
    assert share_of(answer, one.id, one.variant)[0] == 1.0, topics(one.id, one.variant, answer)


@pytest.mark.parametrize(("id", "variant"), CHECKS, ids=lambda value: str(value))
def test_every_exercise_has_right_answers_in_two_more_styles(id, variant):
    assert Counter((one.id, one.variant) for one in RIGHT_ANSWERS)[id, variant] >= 2


@pytest.mark.parametrize("path", sorted((ROOT / "grading").glob("*.py")), ids=lambda path: path.stem)
def test_hidden_tests_import_nothing_that_knows_results(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in getattr(node, "names", [])] if isinstance(node, ast.Import) else []
        for name in names:
            assert not name.startswith("course_lib") or name == "course_lib.grading.probing", name


def topics(id, variant, answer):
    results = share_of(answer, id, variant)[1]
    return [probe.topic for probe, result in zip(PROBES[id, variant], results, strict=True) if not result]
