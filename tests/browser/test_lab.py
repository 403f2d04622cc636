"""The ground of the browser tests: which Chromium they take, what they say where there is none, and that they leave no process behind."""

import importlib.util
import json
import shutil
import urllib.request

import psutil
import pytest

from tests.browser import lab


def test_the_named_browser_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CHROMIUM", shutil.which("true"))
    assert lab.find_chromium() == shutil.which("true") and lab.missing() == ""
    monkeypatch.setenv("COURSE_CHROMIUM", str(tmp_path / "chrome"))
    assert lab.find_chromium() is None and lab.missing().startswith(f"there is no {tmp_path / 'chrome'}: install Chromium")


def test_without_a_browser_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lab.missing().startswith("there is no chromium or chromium-browser or google-chrome: install Chromium")
    (tmp_path / "google-chrome").symlink_to("/bin/true")
    assert lab.find_chromium() == str(tmp_path / "google-chrome") and lab.missing() == ""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert lab.missing().startswith("playwright is not installed")


@pytest.mark.parametrize("obeys", [True, False])
def test_no_process_is_left(obeys, tmp_path, monkeypatch):
    if not obeys:
        monkeypatch.setattr(psutil.Popen, "terminate", lambda process: None)
        wait = psutil.wait_procs
        monkeypatch.setattr(psutil, "wait_procs", lambda family, timeout: wait(family, 1))
    before = set(psutil.Process().children(recursive=True))
    with lab.serve(tmp_path) as server:
        kernel = urllib.request.Request(f"{server.url}api/kernels", b"{}", {"Authorization": f"token {server.token}"})
        assert json.load(urllib.request.urlopen(kernel, timeout=60))["name"] == "python3"
        family = set(psutil.Process().children(recursive=True)) - before
        assert len(family) >= 2  # the server and the kernel
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_server_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "OPTIONS", ["--no-such-option"])
    with pytest.raises(RuntimeError, match="JupyterLab does not start:\n(.|\n)*--no-such-option"):
        with lab.serve(tmp_path):
            pass
