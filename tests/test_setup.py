"""One list of dependencies: environment.yml, constraints.txt, start.py, the Makefile and CI all agree with pyproject.toml."""

import os
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import start

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NEEDED = [Requirement(text) for text in PROJECT["dependencies"] + sum(EXTRAS.values(), [])]
PINS = [
    Requirement(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
]
PINNED = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in PINS}


def test_environment_yml_holds_python_and_the_course_and_nothing_else():
    *packages, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert packages == [f"python{PROJECT['requires-python']}", "pip"]
    assert pip == {"pip": ["-c constraints.txt", "-e ."]}


def test_start_accepts_the_same_pythons():
    accepted = [minor for minor in range(30) if f"3.{minor}.0" in SpecifierSet(PROJECT["requires-python"])]
    assert (start.OLDEST, start.NEWEST) == ((3, accepted[0]), (3, accepted[-1]))
    assert {extra for extra, _ in start.COMMANDS.values()} <= {"", *EXTRAS}


def test_every_constraint_is_one_exact_public_version():
    for pin in PINS:
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)) and not pin.extras and not pin.marker, pin
    assert len(PINNED) == len(PINS)
    assert not {"pip", "setuptools", "wheel", canonicalize_name(PROJECT["name"])} & PINNED.keys()


@pytest.mark.parametrize("needed", NEEDED, ids=str)
def test_every_dependency_is_pinned_within_its_range_and_installed_at_its_pin(needed):
    pin = PINNED[canonicalize_name(needed.name)]
    assert needed.specifier.contains(pin)
    assert Version(metadata.version(needed.name)).public == Version(pin).public


def is_installed(name):
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def brought_along(name, extras, seen):
    """Names of all installed packages that `name` with these extras needs, and that those need."""
    for needed in map(Requirement, metadata.requires(name) or []):
        wanted = not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        key = (canonicalize_name(needed.name), frozenset(needed.extras))
        if wanted and key not in seen and is_installed(needed.name):
            seen.add(key)
            brought_along(needed.name, needed.extras, seen)
    return {key[0] for key in seen}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems bring packages of their own along")
def test_what_the_dependencies_bring_along_is_pinned_too():
    names = brought_along(PROJECT["name"], EXTRAS, set()) - {"setuptools", "wheel"}
    loose = {name for name in names - PINNED.keys() if not re.match("nvidia-|cuda-|triton$", name)}  # torch itself pins those
    assert not loose


def test_make_only_calls_start():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^\t(.*)", makefile, re.MULTILINE)
    assert recipes and all(recipe.startswith("@$(PYTHON) start.py ") for recipe in recipes)
    assert set(start.COMMANDS) <= set(re.search(r"^(.*): *\n\t.*\$@", makefile, re.MULTILINE)[1].split())


def test_ci_runs_the_tests():
    script = ROOT / ".ci" / "run"
    assert os.name == "nt" or os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make test"


def test_licence():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "MIT" and text.startswith("MIT License") and "the Breakout from pixels authors" in text
