"""course doctor: on a sound machine all is well; whatever breaks is found, and its command named."""

import io
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest
from rich.console import Console

import course_lib
from course_lib import doctor


def forget(monkeypatch, *names, **versions):
    """Make packages missing, or another version of themselves."""
    real = metadata.version

    def version(name):
        if name in names:
            raise metadata.PackageNotFoundError(name)
        return versions.get(name.replace("-", "_")) or real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)


def assert_broken(row, found, mend):
    assert not row.ok and found in row.found and mend in row.mend, row


@pytest.mark.parametrize("look", [look for look in doctor.CHECKS if look is not doctor.trained_weights], ids=lambda look: look.__name__)
def test_this_machine_is_sound(look):
    row = look()
    assert row.ok and row.found and not row.mend, row


def test_a_wrong_python(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.2")
    assert_broken(doctor.python(), "3.10.2, needs ", "start.py lab")


def test_missing_and_outdated_packages(monkeypatch):
    forget(monkeypatch, "scipy", ale_py="0.9.0")
    assert_broken(doctor.packages(), "ale-py is 0.9.0, needs >=0.12.1; scipy is missing", "-m pip install -c constraints.txt -e .")


def test_a_local_build_of_torch_is_in_range(monkeypatch):
    forget(monkeypatch, torch="2.13.0+cu130")
    assert doctor.packages().ok


@pytest.mark.parametrize(
    "look, code, package",
    [
        (doctor.pytorch, "TORCH", "torch"),
        (doctor.tensorflow_and_keras, "KERAS", "tensorflow keras"),
        (doctor.emulator, "EMULATOR", "ale-py gymnasium"),
    ],
)
@pytest.mark.parametrize(
    "breaking, found",
    [("raise ImportError('a library is gone')", "ImportError: a library is gone"), ("import os; os.abort()", "ended with status")],
)
def test_a_broken_library(look, code, package, breaking, found, monkeypatch):
    monkeypatch.setattr(doctor, code, breaking)
    assert_broken(look(), found, f"--force-reinstall --no-deps {package}")


def test_another_backend_for_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert_broken(doctor.tensorflow_and_keras(), "KERAS_BACKEND asks Keras for jax", "set KERAS_BACKEND")


def test_a_library_that_hangs(monkeypatch):
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(doctor, "TORCH", "import time; time.sleep(60)")
    assert_broken(doctor.pytorch(), "TimeoutExpired", "torch")


def test_no_rom(monkeypatch, tmp_path):
    monkeypatch.setenv("ALE_ROMS_DIR", str(tmp_path))
    assert_broken(doctor.rom(), "FileNotFoundError", "--no-deps ale-py")


def test_no_ffmpeg(monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/no/such/ffmpeg")
    assert_broken(doctor.video_encoder(), "No such file", "--no-deps imageio-ffmpeg")


def test_an_ffmpeg_that_cannot_encode(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stdout="", stderr="Unknown encoder 'libx264'\n"))
    assert_broken(doctor.video_encoder(), "Unknown encoder 'libx264'", "--no-deps imageio-ffmpeg")


def test_a_kernel_of_another_environment(monkeypatch, tmp_path):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=[str(tmp_path / "python")])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    assert_broken(doctor.kernel(), f"would run in {tmp_path}", "-m ipykernel install --sys-prefix")
    spec.argv = ["python"]
    assert doctor.kernel().ok


@pytest.mark.parametrize("problems", [[], ["dqn/stage-1 has another checksum", "a3c/stage-2 is missing"]])
def test_trained_weights(problems, monkeypatch):
    monkeypatch.setattr(course_lib, "pretrained", SimpleNamespace(problems=lambda: problems), raising=False)
    row = doctor.trained_weights()
    assert row.ok == (not problems)
    if problems:
        assert_broken(row, "; ".join(problems), "git checkout -- data/pretrained")


def test_missing_notebooks(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert_broken(doctor.notebooks(), "no lessons", "-e .")
    for name in ("lessons/00_start.py", "lessons/01_more.py", "notebooks/00_start.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    row = doctor.notebooks()
    assert_broken(row, "1 of 2 missing", "git checkout -- notebooks/01_more.ipynb")
    assert "00_start" not in row.mend  # restoring it would cost a learner's answers
    for path in (tmp_path / "lessons").iterdir():
        path.unlink()
    assert doctor.notebooks().found == "1 of 1 in place"  # a learner's copy comes without the lessons' sources


def test_a_full_disk_and_full_memory(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=5e8))
    assert_broken(doctor.disk(), "0.5 GB, needs 2.0", "pip cache purge")
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=5e8))
    assert_broken(doctor.memory(), "0.5 GB, needs 4.5", "close other programs")


def crashes():
    raise RuntimeError


@pytest.mark.parametrize("look, status", [(lambda: "[all] there", 0), (crashes, 2)])
def test_the_table_fits_a_screen_and_never_a_traceback(look, status, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", [])
    doctor.check("the thing", mend="mend --it now")(look)
    screen = Console(file=io.StringIO(), width=80)
    assert doctor.run(screen) == status
    text = screen.file.getvalue()
    assert ("To mend the thing:\n  mend --it now\n" in text) == (status == 2)
    assert ("All is well." in text) == (status == 0)
    assert ("RuntimeError" if status else "[all] there") in text and "Traceback" not in text


def test_commands_are_for_the_python_in_use(monkeypatch):
    inside = doctor.ROOT / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(inside))
    assert doctor.command("-m pip") == f"{inside.relative_to(doctor.ROOT)} -m pip"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert doctor.command("-m pip") == "/usr/bin/python3 -m pip"
