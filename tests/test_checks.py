"""Every reference passes its check; every stub stays open; every mutant draws the sentence meant for it."""

import importlib
import pkgutil
from collections import Counter

import pytest

import course_lib.checks  # noqa: F401  (fills CHECKS)
import tests.mutants
from course_lib.checks.base import CHECKS, verdict
from tests.mutants import MUTANTS

for module in pkgutil.iter_modules(tests.mutants.__path__):
    importlib.import_module(f"tests.mutants.{module.name}")


def stub(*args, **kwargs):
    raise NotImplementedError


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.label)
def test_the_reference_passes(check):
    status, line = verdict(check, check.make_reference())
    assert status == "passed", line
    assert line.startswith(f"✓ {check.label}. ") and "\n" not in line


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.label)
def test_a_stub_is_open(check):
    for answer in (stub, None):
        assert verdict(check, answer)[0] == "open"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.id}-{mutant.variant}-{mutant.name}")
def test_a_mutant_draws_its_sentence(mutant):
    answer = mutant.answer() if mutant.lazy else mutant.answer
    status, line = verdict(CHECKS[mutant.id, mutant.variant], answer)
    assert status == "failed", line
    assert mutant.says in line, line
    assert "\n" not in line


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.label)
def test_every_exercise_has_three_mutants(check):
    count = Counter((mutant.id, mutant.variant) for mutant in MUTANTS)
    assert count[check.id, check.variant] >= 3
