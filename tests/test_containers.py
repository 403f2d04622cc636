"""The Dockerfile, .dockerignore, devcontainer.json and docs/containers.md, read and held together. Nothing is built here."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread

import pytest
from packaging.specifiers import SpecifierSet

import start
from course_lib import cli

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEVCONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
IGNORED = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
MANUALS = [ROOT / "docs" / "containers.md", ROOT / "docs" / "instructors.md"]


def instructions() -> list[tuple[str, str]]:
    """[("FROM", "python:3.12-slim"), ...]"""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def arguments(name: str) -> list[str]:
    return [rest for what, rest in instructions() if what == name]


def copied() -> list[list[str]]:
    """The sources of each COPY."""
    return [[word for word in shlex.split(rest) if not word.startswith("--")][:-1] for rest in arguments("COPY")]


def is_ignored(path: str) -> bool:
    """As Docker reads .dockerignore: a pattern is anchored at the top, ** is any number of folders, and what is in a folder goes with it."""
    for pattern in IGNORED:
        expression = re.escape(pattern).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{expression}(/.*)?", path):
            return True
    return False


def tracked() -> list[str]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True)
    if listed.returncode:
        pytest.skip("this is no checkout")
    return listed.stdout.decode().split("\0")[:-1]


def test_what_is_copied_is_there_and_not_ignored():
    for sources in copied():
        assert all((ROOT / source).exists() and not is_ignored(source) for source in sources)


def test_the_image_holds_the_course_and_nothing_that_was_made_here():
    assert copied()[-1] == ["."]
    assert [path for path in tracked() if is_ignored(path)] == []
    made = [".git/HEAD", ".venv/bin/python", "runs/dqn/checkpoint.safetensors", "build/play.mp4", "breakout_from_pixels.egg-info/PKG-INFO", ".pytest_cache/README.md"]
    made += ["course_lib/__pycache__/cli.cpython-312.pyc", "__pycache__/start.pyc", "notebooks/.ipynb_checkpoints/00_start_here-checkpoint.ipynb"]
    assert [path for path in made if not is_ignored(path)] == []


def test_one_python_that_the_course_accepts():
    (image,) = arguments("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim", image)[1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{version}.0")
    assert re.search(r":(?:[\d-]*-)?(3\.\d+)(-\w+)?$", DEVCONTAINER["image"])[1] == version


def test_packages_are_installed_by_start_before_lessons_are_copied():
    """So at the versions of constraints.txt, and again only if what start.py looks at changes."""
    names = [what for what, _ in instructions()]
    installs = next(index for index, (what, rest) in enumerate(instructions()) if what == "RUN" and "python start.py install" in rest)
    assert names[:installs].count("COPY") == 1 and set(copied()[0]) == {"start.py", "pyproject.toml", "constraints.txt"} and "COPY" in names[installs:]
    assert "install" in start.COMMANDS and "install" not in "".join(rest for what, rest in instructions()[installs + 1 :] if what == "RUN")
    made = shlex.split(instructions()[installs][1])
    assert {PROJECT["readme"], *PROJECT["license-files"], "course_lib/__init__.py"} <= set(made)  # what the installation of the course reads


def test_pytorch_comes_without_cuda_from_the_index_that_start_names():
    (index,) = set(re.findall(r"https://[\w./]+", "".join(arguments("RUN"))))
    assert index in (ROOT / "start.py").read_text(encoding="utf-8") and DEVCONTAINER["containerEnv"]["PIP_EXTRA_INDEX_URL"] == index


def test_nothing_runs_as_root_but_what_makes_the_user():
    names = [what for what, _ in instructions()]
    (user,) = arguments("USER")
    before = [rest for what, rest in instructions()[: names.index("USER")] if what == "RUN"]
    assert user not in ("root", "0") and len(before) == 1 and f"useradd --create-home {user}" in before[0]
    assert all(f"--chown={user}:{user}" in rest for rest in arguments("COPY")) and arguments("WORKDIR") == ["/course"] and "/course" in before[0]


def test_the_command_is_what_make_lab_starts(monkeypatch):
    (command,) = map(json.loads, arguments("CMD"))
    assert command[:3] == ["python", "start.py", "lab"] and start.choose(command[2:]) == ("lab", command[3:])
    (port,) = arguments("EXPOSE")
    assert set(command[3:]) == {"--no-browser", "--ip=0.0.0.0", f"--port={port}"}  # and JupyterLab makes a token: nothing here takes it away
    environment = dict(re.findall(r"(\w+)=(\S+)", arguments("ENV")[0]))
    assert environment["VIRTUAL_ENV"] == f"/course/{start.VENV.name}" and environment["PATH"].split(":")[0] == f"/course/{start.VENV.name}/bin"
    monkeypatch.setattr(os, "environ", {})
    assert set(environment) == set(start.environment())  # as start.py has it for what it starts


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def serving(folder: Path):
    server = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_the_health_check_tells_a_server_from_none(tmp_path):
    (check,) = arguments("HEALTHCHECK")
    python, option, code = json.loads(check.partition("CMD ")[2])
    assert (python, option) == ("python", "-c") and f"127.0.0.1:{arguments('EXPOSE')[0]}/api'" in code
    (tmp_path / "api").write_text("{}")
    with serving(tmp_path) as port:
        ask = [sys.executable, option, code.replace(arguments("EXPOSE")[0], str(port))]
        assert subprocess.run(ask).returncode == 0
        (tmp_path / "api").unlink()
        assert subprocess.run(ask, stderr=subprocess.DEVNULL).returncode != 0
    assert subprocess.run(ask, stderr=subprocess.DEVNULL).returncode != 0


def docker_commands() -> list[list[str]]:
    """Every docker command of the manuals, as words."""
    text = re.sub(r"\\\n", " ", "\n".join(manual.read_text(encoding="utf-8") for manual in MANUALS))
    return [shlex.split(line) for line in re.findall(r"^docker .*$|(?<=`)docker [^`\n]*(?=`)", text, re.MULTILINE)]


def test_the_manuals_publish_to_this_machine_only_and_mount_what_is_there():
    commands = docker_commands()
    runs = [words for words in commands if words[1] == "run"]
    published = [words[index + 1] for words in runs for index, word in enumerate(words) if word == "-p"]
    assert published == [f"127.0.0.1:8888:{arguments('EXPOSE')[0]}"]
    every = re.findall(r"-p (\S+?)[\s`]", MANUALS[0].read_text(encoding="utf-8"))
    assert every and all(one.startswith("127.0.0.1:") and one.endswith(f":{arguments('EXPOSE')[0]}") for one in every)
    mounted = {words[index + 1].split(":")[1] for words in runs for index, word in enumerate(words) if word == "-v"}
    made = shlex.split(next(rest for rest in arguments("RUN") if "mkdir" in rest))
    inside = {place.removeprefix("/course/") for place in mounted if place.startswith("/course/")}
    assert inside == {"notebooks", "runs"} and all(tracked_in(place) or place in made for place in inside)


def tracked_in(folder: str) -> bool:
    return any(path.startswith(f"{folder}/") for path in tracked())


def test_the_manuals_use_names_and_commands_that_exist():
    commands = docker_commands()
    images = [words[words.index("-t") + 1] for words in commands if words[1] == "build"]
    assert len(images) == 2
    used = [words for words in commands if words[1] in ("run", "exec")]
    called = [words[words.index("course") + 1 :] for words in used if "course" in words]
    assert all(set(words) & {*images, "breakout"} for words in used) and len(called) >= 3
    for words in called:
        assert cli.parser().parse_args(words).run_command


def test_hosted_notebooks_find_the_course_its_kernel_and_its_port():
    assert DEVCONTAINER["postCreateCommand"] == "python start.py install"
    assert str(DEVCONTAINER["forwardPorts"][0]) == arguments("EXPOSE")[0] and set(DEVCONTAINER["portsAttributes"]) == set(arguments("EXPOSE"))
    assert all((ROOT / file).is_file() for file in DEVCONTAINER["customizations"]["codespaces"]["openFiles"])
    interpreter = DEVCONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${containerWorkspaceFolder}/" + start.PYTHON.relative_to(start.ROOT).as_posix().replace("Scripts/python.exe", "bin/python")
    assert "ms-toolsai.jupyter" in DEVCONTAINER["customizations"]["vscode"]["extensions"]
