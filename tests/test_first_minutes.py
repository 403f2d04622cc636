"""The benchmark of a new user's first minutes: its line, its servers and its stopwatch, without a network, a browser or an installation."""

import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

pytest.importorskip("playwright", reason="pip install 'breakout-from-pixels[test]'")


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    return importlib.import_module("first_minutes")


@pytest.fixture
def serve(benchmark, tmp_path):
    """Serve tmp_path over a line of so many bytes a second: (line, address)."""
    servers = []

    def start(rate: float):
        line = benchmark.Line(rate)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(benchmark.Server, directory=str(tmp_path), line=line))
        servers.append((server, threading.Thread(target=server.serve_forever)))
        servers[-1][1].start()
        return line, f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_line_is_shared_and_as_fast_as_it_is(benchmark):
    line = benchmark.Line(1e6)
    began = time.monotonic()
    users = [threading.Thread(target=lambda: [line.carry(10_000) for _ in range(15)]) for _ in range(2)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert line.carried == 300_000 and 0.2 < time.monotonic() - began < 2.0  # 0.3 s, less what a late sleeper may catch up


def test_what_is_served_is_slow_and_counted(serve, tmp_path):
    (tmp_path / "wheel").write_bytes(os.urandom(400_000))
    line, address = serve(1e6)
    began = time.monotonic()
    assert urllib.request.urlopen(f"{address}/wheel").read() == (tmp_path / "wheel").read_bytes()
    assert time.monotonic() - began > 0.3 and line.carried == 400_000


def test_what_comes_through_the_proxy_is_slow_and_counted(serve, tmp_path):
    """An echo stands for the package index: what goes up is free, what comes down is carried."""
    line, address = serve(1e6)
    with socket.create_server(("127.0.0.1", 0)) as echo:

        def answer():
            far = echo.accept()[0]
            with far:
                far.sendall(far.recv(100) * 10_000)

        threading.Thread(target=answer).start()
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), timeout=30) as near:
            near.sendall(f"CONNECT 127.0.0.1:{echo.getsockname()[1]} HTTP/1.1\r\n\r\n".encode())
            assert b" 200 " in near.recv(1000)
            began, got = time.monotonic(), 0
            near.sendall(b"x" * 40)
            while part := near.recv(2**16):
                got += len(part)
    assert got == line.carried == 400_000 and time.monotonic() - began > 0.3


def test_pip_takes_a_wheel_from_the_index(benchmark, serve, tmp_path):
    """A real pip, which reaches 127.0.0.1 only; newer ones take the metadata first, and alone as long as nothing is installed."""
    (tmp_path / "wheels").mkdir()
    wheel = tmp_path / "wheels" / "a_toy-1.0+cpu-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a_toy-1.0+cpu.dist-info/METADATA", "Metadata-Version: 2.1\nName: a-toy\nVersion: 1.0+cpu\n")
        archive.writestr("a_toy-1.0+cpu.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("a_toy-1.0+cpu.dist-info/RECORD", "")
        archive.writestr("a_toy.bin", os.urandom(100_000))
    benchmark.make_index(tmp_path / "wheels", tmp_path / "index")
    line, address = serve(1e9)
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", "--no-cache-dir", "--index-url", f"{address}/index/", "a-toy==1.0"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {"PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(pip, capture_output=True, text=True, env=variables)
    (found,) = json.loads(done.stdout)["install"]
    assert found["metadata"]["version"] == "1.0+cpu", done.stderr
    with urllib.request.urlopen(f"{address}/index/a-toy/{quote(wheel.name)}.metadata", timeout=30) as answer:
        assert b"Version: 1.0+cpu" in answer.read()
    assert line.carried > 0


def test_a_new_user_has_nothing_of_ours(benchmark, tmp_path, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "JUPYTER_CONFIG_DIR", "UV_CACHE_DIR", "PIP_FIND_LINKS", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("PATH", os.pathsep.join([str(benchmark.ROOT / ".venv" / "bin"), "/usr/bin"]))
    variables = benchmark.new_user(tmp_path, "http://127.0.0.1:1", extra_index=True, with_pip=False, with_cuda=False)
    assert "mine" not in variables.values() and variables["PATH"] == "/usr/bin" and variables["HOME"] == str(tmp_path)
    assert variables["https_proxy"] == "http://127.0.0.1:1" and variables["PIP_EXTRA_INDEX_URL"] == "http://127.0.0.1:1/index/"


START = """
import sys, time
print("Making .venv"); print("Installing the course; ..."); time.sleep(0.3); print("Installed in 0 seconds")
print("    http://127.0.0.1:1/lab/tree/notebooks/00_start_here.ipynb?token=abc", sys.argv[1:], flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("bar, status", [(300.0, 0), (0.001, 1)])
def test_the_stages_are_told_and_nothing_is_left_running(benchmark, tmp_path, monkeypatch, capsys, bar, status):
    """From a course that installs nothing."""
    course, seen = tmp_path / "course", []
    course.mkdir()
    (course / "start.py").write_text(START)
    (course / "data").write_bytes(os.urandom(200_000))
    git = ["git", "-C", str(course), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "a course"]):
        subprocess.run([*git, *words], check=True)

    def watch(address, stopwatch, picture):
        seen.append(address)
        seen.extend(child for child in benchmark.psutil.Process().children() if "start.py" in child.cmdline())
        stopwatch("open the browser (not counted)")
        time.sleep(0.2)
        stopwatch("run the first cell")

    monkeypatch.setattr(benchmark, "ROOT", course)
    monkeypatch.setattr(benchmark, "BAR_SECONDS", bar)
    monkeypatch.setattr(benchmark, "watch_the_agent", watch)
    monkeypatch.setattr(benchmark.signal, "signal", lambda *handler: None)
    monkeypatch.setattr(sys, "argv", ["first_minutes.py", "--python", sys.executable])
    assert benchmark.main() == status
    table = capsys.readouterr().out
    stages = [stage for stage in ("git clone", "make .venv", "install the packages", "start JupyterLab", "run the first cell", "all") if f"│ {stage} " in table]
    assert len(stages) == 6 and "not counted" not in table and ("missed" in table) == bool(status)
    address, process = seen
    assert address.endswith("?token=abc") and not process.is_running()
    (clone,) = [line for line in table.splitlines() if "git clone" in line]
    assert float(clone.split("│")[3]) >= 0.2  # the clone's bytes came over the line, too
