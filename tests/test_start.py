"""start.py without a real installation: what it refuses, when it installs, what it hands on."""

import ast
import os
import signal
import subprocess
import sys
import time
import venv

import pytest

import start

HERE = sys.version_info


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """start.py believes that it stands in an empty folder with two lists of packages."""
    folder = tmp_path / "my course"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("one")
    (folder / "constraints.txt").write_text("two")
    for name, path in {"ROOT": ".", "VENV": ".venv", "BIN": start.BIN.relative_to(start.ROOT)}.items():
        monkeypatch.setattr(start, name, folder / path)
    monkeypatch.setattr(start, "PYTHON", start.BIN / start.PYTHON.name)
    monkeypatch.setattr(start, "STAMP", start.VENV / start.STAMP.name)
    return folder


@pytest.fixture
def installed(clone, monkeypatch):
    """The list of what would have been installed; .venv is real, but without pip."""
    log = []
    monkeypatch.setattr(start, "make_venv", lambda unusable: venv.create(start.VENV, with_pip=False, clear=bool(unusable)))
    monkeypatch.setattr(start, "install", log.append)
    return log


def sentence(capsys):
    """What a person reads; it must be one line."""
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1, out + err
    return err


@pytest.mark.parametrize("version", [(2, 7), (3, 10, 13), (3, 14, 0)])
def test_other_pythons_are_refused(version, capsys):
    assert start.main(["lab"], version) == 2
    assert f"needs Python 3.11 to 3.13, and this is {version[0]}.{version[1]}:" in sentence(capsys)


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 1)])
def test_the_pythons_of_the_course_are_accepted(version):
    start.check_python(version)


def test_an_older_python_can_read_the_file_and_needs_nothing_installed():
    tree = ast.parse((start.ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    modules = {name.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names


@pytest.mark.parametrize("arguments, said", [([], "say what to start"), (["dance"], "'dance' is no command"), (["--port", "1"], "'--port'")])
def test_an_unknown_command_is_one_sentence(arguments, said, capsys):
    assert start.main(arguments) == 2
    text = sentence(capsys)
    assert said in text and text.endswith("python start.py lab, play, test or install.\n")


def test_from_a_shell():
    done = subprocess.run([sys.executable, start.ROOT / "start.py", "dance"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_help_needs_no_installation(clone, capsys):
    assert start.main(["help"]) == 0
    assert "python start.py lab" in capsys.readouterr().out
    assert not start.VENV.exists()


@pytest.mark.parametrize("command", [name for name, (_, words) in start.COMMANDS.items() if words])
def test_more_arguments_go_through(command, installed, monkeypatch):
    ran = []
    monkeypatch.setattr(start, "run", lambda words: ran.append(words) or 5)
    assert start.main([command, "--port", "8899", "a file"]) == 5
    assert ran == [[str(start.PYTHON), *start.COMMANDS[command][1], "--port", "8899", "a file"]]


def test_install_starts_nothing(installed, monkeypatch, capsys):
    monkeypatch.setattr(start, "run", None)
    assert start.main(["install"]) == 0 and installed == [""]
    start.prepare("")
    assert installed == [""]  # what the lab needs is there


def test_installs_once(installed, capsys):
    start.prepare("")
    start.prepare("")
    assert installed == [""] and capsys.readouterr().out.count("Installed in") == 1


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_installs_again_when_a_list_of_packages_changes(file, clone, installed):
    start.prepare("test")
    (clone / file).write_text("three")
    start.prepare("test")
    assert installed == ["test", "test"]


def test_the_tests_bring_what_the_lab_needs_but_not_the_other_way_round(installed):
    start.prepare("")
    start.prepare("test")
    start.prepare("")
    assert installed == ["", "test"]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, start.Stop])
def test_an_interrupted_installation_counts_for_nothing(trouble, clone, installed, monkeypatch):
    start.prepare("")
    (clone / "pyproject.toml").write_text("three")
    with monkeypatch.context() as patch, pytest.raises(trouble):
        patch.setattr(start, "install", lambda extra: (_ for _ in ()).throw(trouble))
        start.prepare("")
    (clone / "pyproject.toml").write_text("one")  # not even for the packages of before
    start.prepare("")
    assert installed == ["", ""]


def test_a_sound_venv_is_kept(installed):
    assert start.why_unusable() == ""  # none yet
    start.prepare("")
    assert start.why_unusable() == ""


def rewrite(old, new):
    notes = start.VENV / "pyvenv.cfg"
    text = notes.read_text()
    assert old in text
    notes.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda: rewrite(f"version = {HERE.major}.{HERE.minor}.", "version = 3.9."), "it was made by Python 3.9"),
        (lambda: rewrite("home = ", "home = /no/such/place"), "its Python is gone"),
        (lambda: start.PYTHON.unlink(), "it is broken"),
        (lambda: (start.VENV / "pyvenv.cfg").unlink(), "it is broken"),
    ],
)
def test_a_useless_venv_is_made_anew(damage, reason, installed):
    start.prepare("")
    damage()
    assert start.why_unusable().startswith(reason)
    start.prepare("")
    assert installed == ["", ""] and start.why_unusable() == ""


def test_a_moved_venv_is_made_anew(clone, installed, monkeypatch):
    start.prepare("")
    moved = clone.rename(clone.parent / "elsewhere")
    for name in ("ROOT", "VENV", "BIN", "PYTHON", "STAMP"):
        monkeypatch.setattr(start, name, moved / getattr(start, name).relative_to(clone))
    assert start.why_unusable() == "it was moved"
    start.prepare("")
    assert installed == ["", ""] and start.why_unusable() == ""


def test_a_file_in_the_way(clone, capsys):
    start.VENV.write_text("mine")
    assert start.main(["lab"]) == 2
    assert "is no folder: move it out of the way" in sentence(capsys)


def refuse(path, **_):
    raise PermissionError(13, "Permission denied", str(path))


def test_a_folder_where_nothing_can_be_written(clone, monkeypatch, capsys):
    monkeypatch.setattr(start.Path, "mkdir", refuse)
    assert start.main(["lab"]) == 2
    assert f"{start.VENV} cannot be used (Permission denied): put the course where you may read and write" in sentence(capsys)


def test_trouble_that_is_about_no_file(clone, monkeypatch, capsys):
    def out_of_memory(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(start.subprocess, "run", out_of_memory)
    assert start.main(["lab"]) == 2
    told = capsys.readouterr().err
    assert told == "start.py: a program cannot be used (Cannot allocate memory): mend that and run the same command again.\n"


def test_a_venv_that_someone_else_made(installed, monkeypatch, capsys):
    start.prepare("")
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(start.Path, "exists", refuse)
        assert start.main(["lab"]) == 2
    assert f"{start.PYTHON} cannot be used (Permission denied)" in sentence(capsys)


def test_a_python_without_venv(clone, monkeypatch, capsys):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)
    assert start.main(["lab"]) == 2
    assert "apt install python3-venv" in sentence(capsys)


def test_no_network(clone, monkeypatch, capsys):
    """A real pip, and an index that nobody serves."""
    (clone / "pyproject.toml").write_text('[build-system]\nrequires = ["a-backend-that-nobody-has"]\nbuild-backend = "nothing"')
    (clone / "constraints.txt").write_text("")
    monkeypatch.setattr(start, "PYTHON", sys.executable)
    for name, value in {"CONFIG_FILE": os.devnull, "INDEX_URL": "http://127.0.0.1:9", "FIND_LINKS": "", "RETRIES": "1"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(start.Stop, match="the package index cannot be reached: connect to the network"):
        start.install("test")
    assert "a-backend-that-nobody-has" in capsys.readouterr().err  # pip's last lines


@pytest.mark.parametrize(
    "line, meaning",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this machine"),
        ("error: something new", "its last lines stand above"),
    ],
)
def test_pips_troubles_in_words(line, meaning):
    assert meaning in start.explain(f"Collecting torch\n{line}\n")


@pytest.mark.parametrize("setting, hinted", [(None, True), ("PIP_EXTRA_INDEX_URL", False), ("PIP_INDEX_URL", False)])
def test_the_small_pytorch_is_offered_unless_an_index_was_chosen(setting, hinted, without_gpu, monkeypatch, capsys):
    if setting:
        monkeypatch.setenv(setting, "https://example.org")
    start.hint_at_cpu_build()
    assert ("PIP_EXTRA_INDEX_URL=" in capsys.readouterr().out) == hinted


@pytest.fixture
def without_gpu(monkeypatch):
    monkeypatch.setattr(start.sys, "platform", "linux")
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "PYTHONDONT"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def installers(without_gpu, monkeypatch):
    """What would have been called: [(words after `python -m`, uv's variables)]; those that begin with a word in `failing` fail."""
    calls, failing = [], []

    def follow(command, variables):
        words = " ".join(command[2:])
        calls.append((words, {name: value for name, value in variables.items() if name.startswith("UV_")}))
        return int(any(one in words for one in failing)), "ERROR: something new\n"

    monkeypatch.setattr(start, "follow", follow)
    monkeypatch.setattr(start, "pip_settings", dict)
    return calls, failing


def test_uv_installs_what_pip_would(installers, capsys):
    calls, _ = installers
    start.install("test")
    (fetch, _), (install, variables) = calls
    assert fetch.startswith("pip ") and fetch.endswith(start.UV) and install.startswith("uv pip install --python ")
    assert install.endswith("-c constraints.txt -e .[test]") and variables == {"UV_TORCH_BACKEND": "cpu", "UV_CACHE_DIR": str(start.VENV / "cache")}
    assert "download.pytorch.org/whl/cpu" in capsys.readouterr().out


@pytest.mark.parametrize("told", [{"extra-index-url": "https://a"}, {"find-links": "/b"}, {"index-url": "https://c"}])
def test_an_index_that_was_chosen_is_taken_for_pytorch_too(told, installers, monkeypatch):
    calls, _ = installers
    monkeypatch.setattr(start, "pip_settings", lambda: told)
    start.install("")
    assert "UV_TORCH_BACKEND" not in calls[-1][1] and set(told.values()) <= set(calls[-1][1].values())


def test_a_machine_with_a_gpu_gets_what_the_index_has(installers, monkeypatch):
    calls, _ = installers
    monkeypatch.setattr(start.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    start.install("")
    assert "UV_TORCH_BACKEND" not in calls[-1][1]


@pytest.mark.parametrize("failing, called", [(start.UV, ["pip", "pip"]), ("uv pip", ["pip", "uv", "pip"])])
def test_pip_goes_on_where_uv_cannot(failing, called, installers):
    calls, fails = installers
    fails.append(failing)
    start.install("")
    assert [words.split()[0] for words, _ in calls] == called and calls[-1][0].endswith("-c constraints.txt -e .")


def test_pip_alone_installs_where_uv_has_no_word_for_a_setting(installers, monkeypatch):
    calls, _ = installers
    monkeypatch.setattr(start, "pip_settings", lambda: {"require-hashes": "1"})
    start.install("")
    assert [words.split()[0] for words, _ in calls] == ["pip"]


def test_neither_can(installers, capsys):
    calls, failing = installers
    failing += ["pip"]
    with pytest.raises(start.Stop, match="its last lines stand above"):
        start.install("")
    assert "ERROR: something new" in capsys.readouterr().err


@pytest.mark.parametrize(
    "told, variables",
    [
        ({}, {}),
        ({"index-url": "https://mirror/simple", "timeout": "60"}, {"UV_DEFAULT_INDEX": "https://mirror/simple"}),
        ({"extra-index-url": "https://a\nhttps://b"}, {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"}),
        ({"find-links": "/a https://b", "cert": "/c.pem", "no-cache-dir": "1"}, {"UV_FIND_LINKS": "/a,https://b", "SSL_CERT_FILE": "/c.pem", "UV_NO_CACHE": "1"}),
        ({"index-url": "https://mirror/simple", "trusted-host": "mirror"}, None),
    ],
)
def test_pips_settings_in_uvs_words(told, variables):
    assert start.uv_settings(told) == variables


@pytest.mark.parametrize("value, compiled", [("1", True), ("", False)])
def test_packages_are_compiled_where_imports_leave_nothing_behind(value, compiled, installers, monkeypatch):
    calls, _ = installers
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", value)
    start.install("")
    assert ("UV_COMPILE_BYTECODE" in calls[-1][1]) == compiled


def test_pips_settings_are_read_as_pip_reads_them(tmp_path, without_gpu, monkeypatch):
    """A real pip: its file, a section for installing, and a variable that overrides both."""
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://one\nfind-links = /a\n    /b\n[install]\nindex-url = https://two\n[list]\nformat = json\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setattr(start, "PYTHON", sys.executable)
    monkeypatch.setenv("PIP_QUIET", "1")  # which would keep pip from listing anything
    said = start.pip_settings()
    assert said["index-url"] == "https://two" and said["find-links"].split() == ["/a", "/b"] and "format" not in said
    monkeypatch.setenv("PIP_INDEX_URL", "https://three")
    assert start.pip_settings()["index-url"] == "https://three" and start.uv_settings(start.pip_settings())["UV_DEFAULT_INDEX"] == "https://three"


def test_larger_steps_of_an_installer_are_shown(capsys):
    lines = "Downloading torch (180.0MiB)", "  Downloading a-1-py3-none-any.whl (12.3 MB)", "Downloading b (9.9MiB)", "  Downloading c.whl (99 kB)", "Prepared 9 packages in 1s"
    assert start.follow([sys.executable, "-c", f"print(*{lines}, sep='\\n')"], os.environ) == (0, "\n".join(lines) + "\n")
    assert capsys.readouterr().out.splitlines() == ["  Downloading torch (180.0MiB)", "  Downloading a-1-py3-none-any.whl (12.3 MB)", "  Prepared 9 packages"]


def test_runs_as_in_an_activated_environment(monkeypatch, capfd):
    monkeypatch.setenv("PYTHONHOME", "nowhere")
    code = "import os, sys; print(os.getcwd(), os.environ['PATH'].split(os.pathsep)[0], 'PYTHONHOME' in os.environ, sep='\\n'); sys.exit(3)"
    assert start.run([sys.executable, "-c", code]) == 3
    assert capfd.readouterr().out.splitlines() == [str(start.ROOT), str(start.BIN), "False"]


def test_ctrl_c_ends_quietly(installed, monkeypatch, capsys):
    monkeypatch.setattr(start, "install", lambda extra: (_ for _ in ()).throw(KeyboardInterrupt))
    assert start.main(["lab"]) == 130
    assert capsys.readouterr() == ("\n", "")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_leaves_the_ending_to_the_command():
    child = "import time, sys\ntry:\n  print('up', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n  time.sleep(1); sys.exit(7)"
    parent = f"import start, sys; sys.exit(start.run([sys.executable, '-c', {child!r}]))"
    running = subprocess.Popen([sys.executable, "-c", parent], cwd=start.ROOT, stdout=subprocess.PIPE, start_new_session=True)
    assert running.stdout.readline() == b"up\n"
    time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=30) == 7
    running.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_ends_start_ends_the_command():
    """docker stop tells the first process only."""
    child = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nprint('up', flush=True); time.sleep(60)"
    parent = f"import start, sys; sys.exit(start.run([sys.executable, '-c', {child!r}]))"
    running = subprocess.Popen([sys.executable, "-c", parent], cwd=start.ROOT, stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"up\n"
    running.terminate()
    assert running.wait(timeout=30) == 9
    running.stdout.close()
