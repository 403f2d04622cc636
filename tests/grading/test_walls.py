"""Each wall, tried by somebody inside it: a forked child that is walled off for ever and reports through a pipe."""

import errno
import json
import mmap
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from course_lib.grading import supervisor, walls
from course_lib.grading.build import ROOT
from course_lib.grading.exam import Job

AVAILABLE = walls.available()
SECONDS = 30  # a child that takes longer hangs


def in_a_child(work):
    """What `work()` returns in a process of its own, or the name of what it raises."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                told = work()
            except BaseException as error:
                told = type(error).__name__
            os.write(there, json.dumps(told).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(there)
    try:
        return read_line(here)
    finally:
        os.close(here)
        end(child)
        os.waitpid(child, 0)


def read_line(pipe):
    """A line of JSON, also where somebody keeps the pipe's other end open."""
    content = b""
    while not content.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], SECONDS)
        more = os.read(pipe, 100_000) if ready else b""
        assert more, f"the child said nothing more than {content!r}"
        content += more
    return json.loads(content)


def end(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def tried(attempt, *arguments):
    """What came of an attempt: "done", or the name of the error."""
    try:
        attempt(*arguments)
    except Exception as error:
        return type(error).__name__
    return "done"


def wait_until(holds, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(holds())


def sleeper():
    """A child of this process that sleeps until somebody ends it; its number."""
    child = os.fork()
    if child == 0:
        while True:
            time.sleep(1)
    return child


RAISE = {
    "namespaces": walls.leave_the_world,
    "files": lambda folder: walls.wall_off_files([folder]),
    "sockets": lambda folder: walls.wall_off_files([folder]) or walls.refuse_sockets(),
}


def needs(wall, folder):
    """Where the system lacks a wall, that it says so is all there is to look at."""
    if not AVAILABLE[wall]:
        assert sys.platform != "linux" if wall == "memory" else in_a_child(lambda: RAISE[wall](folder)) == "OSError"
        pytest.skip(f"this system lacks the wall `{wall}`, and says so")


# --- what there is ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wall", RAISE)
def test_available_says_what_the_wall_itself_says(wall, tmp_path):
    (tmp_path / "work").mkdir()
    assert AVAILABLE.keys() == {*RAISE, "memory"}
    assert in_a_child(lambda: RAISE[wall](tmp_path)) == (None if AVAILABLE[wall] else "OSError")
    assert AVAILABLE["memory"] == (sys.platform == "linux")


def test_asking_what_is_available_walls_nobody_off(tmp_path):
    before = [os.readlink(path) for path in Path("/proc/self/ns").glob("*")]
    assert walls.available() == AVAILABLE
    (tmp_path / "mine").write_text("x")
    socket.socket().close()
    assert before == [os.readlink(path) for path in Path("/proc/self/ns").glob("*")]


def test_another_system_has_fewer_walls_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert walls.available() == {"namespaces": False, "files": False, "sockets": False, "memory": False}
    assert walls.landlock_version() == 0
    with pytest.raises(OSError, match="only Linux"):
        walls.leave_the_world(tmp_path)
    with pytest.raises(OSError, match="no Landlock"):
        walls.wall_off_files([tmp_path])
    walls.end_with_parent()
    walls.adopt_orphans()


def test_on_a_machine_whose_calls_nobody_listed_sockets_cannot_be_refused(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert walls.available()["sockets"] is False
    with pytest.raises(OSError):
        walls.refuse_sockets()


# --- processes and network ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path):
    """A folder that is all one may change in a world of one's own; in work/ and home/ nothing stays."""
    for name in ("work", "home"):
        (tmp_path / "world" / name).mkdir(parents=True)
    return tmp_path / "world"


def inside(world, work):
    """What `work()` returns in the first process of a new world."""

    def at_the_gate():
        walls.leave_the_world(world)
        return in_a_child(work)

    return in_a_child(at_the_gate)


def test_in_a_world_of_ones_own_there_is_no_network_but_the_loopback(world):
    needs("namespaces", world)
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]

        def look():
            with socket.create_server(("127.0.0.1", 0)) as own, socket.create_connection(own.getsockname(), timeout=5):
                talks = True
            return {
                "interfaces": [name for _, name in socket.if_nameindex()],
                "talks to itself": talks,
                "server outside": tried(lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close()),
                "elsewhere": tried(lambda: socket.create_connection(("192.0.2.1", 80), timeout=5).close()),
            }

        seen = inside(world, look)
        assert socket.create_connection(("127.0.0.1", port), timeout=5).close() is None  # outside it is there all the time
    assert [name for name in seen["interfaces"] if not name.endswith("0")] == ["lo"]  # some systems add tunnels, which are down: sit0
    assert seen["talks to itself"] is True
    assert (seen["server outside"], seen["elsewhere"]) == ("ConnectionRefusedError", "OSError")


def test_in_a_world_of_ones_own_nobody_else_is_seen_or_reached(world):
    needs("namespaces", world)
    outside = os.getpid()

    def look():
        walls.see_only_own_processes()
        return os.getpid(), os.getuid(), tried(os.kill, outside, 0), [name for name in os.listdir("/proc") if name.isdigit()]

    pid, user, reached, seen = inside(world, look)
    assert (pid, user, reached) == (1, os.getuid(), "ProcessLookupError")
    assert seen == ["1"] or str(outside) in seen  # some containers keep their /proc
    assert str(outside) in os.listdir("/proc")


def test_in_a_world_of_ones_own_only_the_folder_can_be_changed(world, tmp_path):
    needs("namespaces", world)
    (tmp_path / "mine.txt").write_text("mine")
    attempts = [
        lambda: (world / "report.json").write_text("x"),
        lambda: (world / "work/new.txt").write_text("x"),
        lambda: (tmp_path / "mine.txt").read_text(),
        lambda: (tmp_path / "mine.txt").write_text("x"),
        lambda: (tmp_path / "new.txt").write_text("x"),
        lambda: (tmp_path / "mine.txt").unlink(),
        lambda: (tmp_path / "mine.txt").chmod(0o600),
        lambda: Path("/dev/shm/breakout-test").write_text("x"),
        lambda: Path("/var/tmp/breakout-test").write_text("x"),
        lambda: (ROOT / "new.txt").write_text("x"),
        lambda: (world / "out").symlink_to(tmp_path) or (world / "out/new.txt").write_text("x"),
    ]
    assert inside(world, lambda: [tried(attempt) for attempt in attempts]) == ["done"] * 3 + ["OSError"] * 8
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "world"}
    assert (tmp_path / "mine.txt").read_text() == "mine"
    (tmp_path / "mine.txt").write_text("outside nothing has changed")


def test_what_is_written_in_the_folders_of_a_world_goes_with_it_and_is_little(world):
    needs("namespaces", world)
    assert inside(world, lambda: [(world / path).write_text("x") for path in ("work/a", "home/b", "report.json")]) == [1, 1, 1]
    assert sorted(path.name for path in world.rglob("*")) == ["home", "report.json", "work"]
    assert inside(world, lambda: tried((world / "work/large").write_bytes, bytes(80 * MB))) == "OSError"
    assert inside(world, lambda: tried(lambda: [(world / f"work/{number}").touch() for number in range(3000)])) == "OSError"


def test_when_the_first_process_ends_all_in_its_world_end(world):
    needs("namespaces", world)
    here, there = os.pipe()

    def first():
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        return "left one behind"

    assert inside(world, first) == "left one behind"
    os.close(there)
    assert select.select([here], [], [], SECONDS)[0] and os.read(here, 1) == b""  # the last one who held the pipe has ended
    os.close(here)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends a process with its parent")
def test_a_process_ends_with_its_parent():
    here, there = os.pipe()

    def parent():
        child = os.fork()
        if child == 0:
            walls.end_with_parent()
            os.write(there, b"\n")
            while True:
                time.sleep(1)
        os.read(here, 1)  # it has asked for it
        return child

    child = in_a_child(parent)
    os.close(there)
    assert select.select([here], [], [], SECONDS)[0] and os.read(here, 1) == b""
    os.close(here)
    assert wait_until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere orphans go to the system's first process")
def test_an_orphan_becomes_a_child_of_who_adopts():
    def adopter():
        walls.adopt_orphans()
        parent = os.fork()
        if parent == 0:
            sleeper()
            os._exit(0)
        os.waitpid(parent, 0)
        (orphan,) = psutil.Process().children()
        end(orphan.pid)
        return os.waitpid(-1, 0)[0] == orphan.pid

    assert in_a_child(adopter) is True


def test_a_call_that_the_system_refuses_is_an_error():
    with pytest.raises(OSError) as refused:
        walls.libc_call("close", 10**6)
    assert refused.value.errno == errno.EBADF


# --- files --------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path):
    """A folder to write in, one to read in, and one that is nobody's business, each with a file and a folder."""
    for name in ("own", "home", "readable", "secret"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "file.txt").write_text(name)
    return tmp_path


def walled(places, *attempts, **options):
    """What comes of each attempt behind the wall."""

    def work():
        walls.wall_off_files([places / "own"], [places / "readable"], **options)
        return [tried(attempt) for attempt in attempts]

    return in_a_child(work)


def content(folder):
    """All that is in a folder, and the sizes of its files."""
    return {path: path.is_file() and path.stat().st_size for path in folder.rglob("*")}


def touching(place):
    """Everything that changes a folder's content."""
    return [
        lambda: (place / "new.txt").write_text("x"),
        lambda: (place / "file.txt").write_text("x"),
        lambda: (place / "file.txt").open("a").close(),
        lambda: os.truncate(place / "file.txt", 0),
        lambda: (place / "new").mkdir(),
        lambda: (place / "link").symlink_to("/etc/passwd"),
        lambda: os.mkfifo(place / "pipe"),
        lambda: (place / "file.txt").rename(place / "other.txt"),
        lambda: (place / "other.txt" if (place / "other.txt").exists() else place / "file.txt").unlink(),
        lambda: (place / "folder").rmdir(),
    ]


def test_behind_the_wall_ones_own_folder_is_free(places):
    needs("files", places)
    assert walled(places, *touching(places / "own")) == ["done"] * 10


@pytest.mark.parametrize("name", ["readable", "secret", "."])
def test_behind_the_wall_no_other_folder_is_changed(places, name):
    needs("files", places)
    (places / "folder").mkdir()
    (places / "file.txt").write_text("mine")
    before = content(places)
    assert walled(places, *touching(places / name)) == ["PermissionError"] * 10
    assert content(places) == before


def test_behind_the_wall_only_what_is_named_is_read(places):
    needs("files", places)
    files = [(places / name / "file.txt").read_text for name in ("own", "readable", "secret")]
    folders = [lambda name=name: os.listdir(places / name) for name in ("own", "readable", "secret")]
    assert walled(places, *files, *folders) == ["done", "done", "PermissionError"] * 2


def test_behind_the_wall_the_course_and_homes_are_not_read(places):
    needs("files", places)
    names = "README.md", "grading/huber.py", "lessons/03_huber_loss.py", "course_lib/returns.py"
    course = [(ROOT / name).read_bytes for name in names]
    homes = [lambda path=path: os.listdir(path) for path in ("/", "/root", "/home", "/tmp", os.path.expanduser("~")) if os.path.isdir(path)]
    assert set(walled(places, *course, *homes)) == {"PermissionError"}


def test_behind_the_wall_python_still_works(places):
    needs("files", places)

    def imports():
        sys.modules.pop("colorsys", None)
        import colorsys
        import xml.dom.minidom

        return colorsys, xml.dom.minidom

    devices = [lambda: open("/dev/null", "w").write("x"), lambda: open("/dev/urandom", "rb").read(3)]
    system = [lambda: os.listdir(Path(os.__file__).parent), Path("/etc/hosts").read_text]
    assert walled(places, imports, *devices, *system) == ["done"] * 5


def test_no_link_leads_out(places):
    needs("files", places)
    (places / "own/to file").symlink_to(places / "secret/file.txt")
    (places / "own/to folder").symlink_to(places / "secret")

    def later():
        (places / "own/made later").symlink_to(places / "secret/file.txt")
        return (places / "own/made later").read_text()

    attempts = [
        lambda: (places / "own/to file").read_text(),
        lambda: (places / "own/to folder/file.txt").read_text(),
        lambda: (places / "own/to folder/new.txt").write_text("x"),
        lambda: (places / "own/../secret/file.txt").read_text(),
        lambda: Path(f"/proc/self/root{places}/secret/file.txt").read_text(),
        later,
    ]
    assert set(walled(places, *attempts)) == {"PermissionError"}
    assert set(walled(places, lambda: os.link(places / "secret/file.txt", places / "own/hard"))) <= {"PermissionError", "OSError"}
    assert (places / "secret/file.txt").read_text() == "secret"
    assert not (places / "own/hard").exists()


def test_nothing_is_moved_in_or_out(places):
    needs("files", places)
    moves = [("secret/file.txt", "own/stolen.txt"), ("own/file.txt", "secret/planted.txt")]
    attempts = [lambda one=one, other=other: (places / one).rename(places / other) for one, other in moves]
    assert set(walled(places, *attempts)) <= {"PermissionError", "OSError"}
    assert (places / "secret/file.txt").exists() and (places / "own/file.txt").exists()


def test_the_wall_stands_for_ever_and_for_children(places):
    needs("files", places)
    secret = places / "secret/file.txt"

    def again():
        walls.wall_off_files([places], [Path("/")])
        return secret.read_text()

    def child():
        subprocess.run([sys.executable, "-S", "-c", f"open({str(secret)!r})"], check=True, stderr=subprocess.DEVNULL)

    def fork():
        assert in_a_child(secret.read_text) == "PermissionError"

    assert walled(places, again, child, fork) == ["PermissionError", "CalledProcessError", "done"]
    assert secret.read_text() == "secret"  # who built the wall around another stands outside


def test_what_was_opened_before_stays_open(places):
    """A kernel writes its transcript into a folder that its learner's code cannot reach."""
    needs("files", places)
    paper = os.open(places / "secret/file.txt", os.O_WRONLY)
    assert walled(places, lambda: os.pwrite(paper, b"SECRET", 0), lambda: os.ftruncate(paper, 3)) == ["done", "done"]
    os.close(paper)
    assert (places / "secret/file.txt").read_text() == "SEC"


def test_a_place_that_is_not_there_is_passed_over(places):
    needs("files", places)
    assert in_a_child(lambda: walls.wall_off_files([places / "own", places / "nowhere"], [places / "nor here"])) is None


def test_a_single_file_may_be_opened_to_a_reader(places):
    needs("files", places)

    def work():
        walls.wall_off_files([places / "own"], [places / "secret/file.txt"])
        file = places / "secret/file.txt"
        return [tried(file.read_text), tried(file.write_text, "x"), tried(os.listdir, file.parent)]

    assert in_a_child(work) == ["done", "PermissionError", "PermissionError"]


def test_signals_and_abstract_sockets_may_be_kept_inside(places):
    needs("files", places)
    outside = os.getpid()
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0breakout {places}")
        abstract.listen()

        def connect():
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(abstract.getsockname())

        attempts = [lambda: os.kill(os.getpid(), 0), lambda: os.kill(outside, 0), connect]
        assert walled(places, *attempts) == ["done"] * 3
        refused = "PermissionError" if walls.landlock_version() >= 6 else "done"  # older ones know neither
        assert walled(places, *attempts, signals=False) == ["done", refused, refused]


# --- sockets ------------------------------------------------------------------------------------------------------------------------------


def behind_sockets_wall(folder, *attempts, before=lambda: None):
    def work():
        before()
        walls.wall_off_files([folder])
        walls.refuse_sockets()
        return [tried(attempt) for attempt in attempts]

    return in_a_child(work)


def test_no_new_socket_of_any_kind_is_made(tmp_path):
    needs("sockets", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as outside:
        attempts = [
            lambda: socket.socket().close(),
            lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close(),
            lambda: socket.socket(socket.AF_UNIX).close(),
            lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
            lambda: socket.create_connection(outside.getsockname(), timeout=5).close(),
            lambda: socket.create_server(("127.0.0.1", 0)).close(),
        ]
        assert [in_a_child(lambda attempt=attempt: tried(attempt)) for attempt in attempts[:1] + attempts[4:]] == ["done"] * 3
        assert behind_sockets_wall(tmp_path, *attempts) == ["PermissionError"] * 6


def test_no_memory_is_had_that_no_limit_counts(tmp_path):
    needs("sockets", tmp_path)
    assert behind_sockets_wall(tmp_path, lambda: os.memfd_create("x"), lambda: mmap.mmap(-1, 4096).close()) == ["PermissionError", "done"]


def test_what_has_no_address_is_no_socket_to_refuse(tmp_path):
    """IPython's event loop wakes itself through a pair."""
    needs("sockets", tmp_path)
    assert behind_sockets_wall(tmp_path, lambda: [one.close() for one in socket.socketpair()], os.pipe) == ["done"] * 2


def test_a_socket_that_is_open_goes_on_working(tmp_path):
    needs("sockets", tmp_path)
    kept = {}

    def before():
        kept["server"] = socket.create_server(("127.0.0.1", 0))
        kept["client"] = socket.create_connection(kept["server"].getsockname(), timeout=5)

    def talk():
        accepted, _ = kept["server"].accept()
        kept["client"].sendall(b"x")
        assert accepted.recv(1) == b"x"

    assert behind_sockets_wall(tmp_path, talk, before=before) == ["done"]


def test_threads_that_exist_already_and_children_get_no_socket_either(tmp_path):
    needs("sockets", tmp_path)
    go, found = threading.Event(), []

    def before():
        threading.Thread(target=lambda: (go.wait(SECONDS), found.append(tried(socket.socket)))).start()

    def ask_thread():
        go.set()
        assert wait_until(lambda: found) and found == ["PermissionError"]

    def ask_child():
        assert in_a_child(lambda: tried(socket.socket)) == "PermissionError"

    def ask_program():
        code = "import socket; socket.socket()"
        assert b"PermissionError" in subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, timeout=SECONDS).stderr

    assert behind_sockets_wall(tmp_path, ask_thread, ask_child, ask_program, before=before) == ["done"] * 3


def test_the_filter_stands_for_ever(tmp_path):
    needs("sockets", tmp_path)
    assert behind_sockets_wall(tmp_path, walls.refuse_sockets, lambda: socket.socket().close())[1] == "PermissionError"


# --- limits -------------------------------------------------------------------------------------------------------------------------------

MB = 2**20


def own_data():
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


@pytest.mark.parametrize("ask", [
    lambda: bytearray(400 * MB),
    lambda: mmap.mmap(-1, 400 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
    lambda: [bytes(MB) for _ in range(400)],
], ids=["bytearray", "mmap", "pieces"])  # fmt: skip
def test_more_memory_than_the_limit_is_refused(ask):
    needs("memory", None)

    def work():
        walls.limit(own_data() + 100 * MB, 10 * MB, 100, 100)
        return [tried(bytearray, 20 * MB), tried(ask), tried(bytearray, 20 * MB)]

    assert in_a_child(work) in (["done", "MemoryError", "done"], ["done", "OSError", "done"])


def test_a_file_grows_to_the_limit_and_no_further(tmp_path):
    def work():
        walls.limit(2**40, MB, 100, 100)
        first = tried((tmp_path / "small").write_bytes, bytes(MB))
        large = os.open(tmp_path / "large", os.O_WRONLY | os.O_CREAT)
        return first, os.write(large, bytes(MB + 1)), tried(os.write, large, b"x"), tried(os.truncate, tmp_path / "large", 2 * MB)

    assert in_a_child(work) == ["done", MB, "OSError", "OSError"]


KINDS = resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE


def limits():
    return [list(resource.getrlimit(kind)) for kind in KINDS]


def test_limits_hold_for_ever_and_for_children_and_no_core_is_dumped():
    def work():
        walls.limit(2**40, MB, 99, 123)
        return limits(), in_a_child(limits)

    own, inherited = in_a_child(work)
    assert own == inherited == [[MB, MB], [99, 99], [123, 123], [0, 0]]


def test_a_limit_that_is_stricter_already_stays():
    def work():
        walls.limit(2**40, MB, 99, 100)
        walls.limit(2**41, 5 * MB, 999, 50)
        return limits()

    assert in_a_child(work) == [[MB, MB], [99, 99], [50, 50], [0, 0]]


def test_no_more_files_than_the_limit_are_open():
    def work():
        walls.limit(2**40, MB, 50, 100)
        return tried(lambda: [open(os.devnull) for _ in range(60)])

    assert in_a_child(work) == "OSError"


# --- the alarm ----------------------------------------------------------------------------------------------------------------------------


def alarmed(places, attempt):
    """What the alarm told, and what came of the attempt."""

    def work():
        told = []
        os.chdir(places / "own")
        walls.raise_alarm_on_escape(told.append, [places / "own", places / "home"], [places / "secret"])
        return told, tried(attempt)

    return tuple(in_a_child(work))


LINE, LETTER = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)  # there before any alarm is raised
ESCAPES = [
    ("opens a socket", lambda places: socket.socket()),
    ("opens a socket", lambda places: socket.create_server(("127.0.0.1", 0))),
    ("opens a network connection", lambda places: LINE.connect(("127.0.0.1", 9))),
    ("opens a network port", lambda places: LINE.bind(("127.0.0.1", 0))),
    ("looks up a network address", lambda places: socket.getaddrinfo("localhost", 80)),
    ("sends to the network", lambda places: LETTER.sendto(b"x", ("127.0.0.1", 9))),
    ("starts a program or a process", lambda places: os.system("true")),
    ("starts a program or a process", lambda places: os.popen("true")),
    ("starts a program or a process", lambda places: subprocess.run(["true"])),
    ("starts a program or a process", lambda places: os.execv("/bin/true", ["true"])),
    ("starts a program or a process", lambda places: os.posix_spawn("/bin/true", ["true"], {})),
    ("starts a program or a process", lambda places: os.fork() or os._exit(0)),
    ("starts a program or a process", lambda places: os.forkpty()[0] or os._exit(0)),
    ("sends a signal to a process", lambda places: os.kill(os.getppid(), 0)),
    ("sends a signal to a process", lambda places: os.killpg(os.getpgid(0), 0)),
    ("opens the course's own files", lambda places: open(places / "secret/file.txt")),
    ("opens the course's own files", lambda places: open(str(places / "secret/file.txt"), "rb")),
    ("opens the course's own files", lambda places: open(os.fsencode(places / "secret/file.txt"))),
    ("opens the course's own files", lambda places: open("../secret/file.txt")),
    ("opens the course's own files", lambda places: open(places / "own/folder/../../secret/file.txt")),
    ("opens the course's own files", lambda places: os.open(places / "secret/file.txt", os.O_RDONLY)),
    ("opens the course's own files", lambda places: os.listdir(places / "secret")),
    ("opens the course's own files", lambda places: os.scandir(b"../secret")),
    ("opens the course's own files", lambda places: open(places / "secret/file.txt", "w")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "w")),
    ("writes a file outside its folder", lambda places: open(places / "readable/new.txt", "x")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "a")),
    ("writes a file outside its folder", lambda places: open(places / "readable/file.txt", "r+")),
    ("writes a file outside its folder", lambda places: open("../readable/file.txt", "wb")),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_WRONLY)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_RDWR)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/new.txt", os.O_RDONLY | os.O_CREAT)),
    ("writes a file outside its folder", lambda places: os.open(places / "readable/file.txt", os.O_RDONLY | os.O_TRUNC)),
    ("writes a file outside its folder", lambda places: open(places / "own-not/file.txt", "w")),
    ("writes a file outside its folder", lambda places: open(places / "new.txt", "w")),
    ("changes a file outside its folder", lambda places: os.mkdir(places / "new")),
    ("changes a file outside its folder", lambda places: os.chmod(places / "readable/file.txt", 0)),
    ("changes a file outside its folder", lambda places: os.symlink("/etc/passwd", places / "link")),
    ("changes a file outside its folder", lambda places: os.link(places / "readable/file.txt", "hard")),
    ("changes a file outside its folder", lambda places: os.rename("file.txt", places / "readable/planted.txt")),
    ("changes a file outside its folder", lambda places: os.rename(places / "readable/file.txt", "stolen.txt")),
    ("changes a file outside its folder", lambda places: os.utime(places / "readable/file.txt")),
]  # fmt: skip


@pytest.mark.parametrize(("says", "attempt"), ESCAPES, ids=[f"{says} {number}" for number, (says, _) in enumerate(ESCAPES)])
def test_the_alarm_tells_what_was_tried_and_refuses_it(places, says, attempt):
    (places / "own-not").mkdir()
    before = content(places)
    assert alarmed(places, lambda: attempt(places)) == ([says], "PermissionError")
    assert content(places) == before


@pytest.mark.parametrize("change", [
    lambda place: os.remove(place / "file.txt"),
    lambda place: os.rename(place / "file.txt", place / "other.txt"),
    lambda place: os.truncate(place / "file.txt", 0),
    lambda place: os.rmdir(place / "folder"),
    shutil.rmtree,
], ids=["remove", "rename", "truncate", "rmdir", "rmtree"])  # fmt: skip
def test_where_there_are_no_walls_the_alarm_lets_nobody_take_away_files_outside(places, change):
    before = content(places)
    told, came_of_it = alarmed(places, lambda: change(places / "readable"))
    assert content(places) == before
    assert (set(told), came_of_it) == ({"changes a file outside its folder"}, "PermissionError")


def test_an_alarm_says_nothing_that_is_not_on_the_list():
    assert {says for says, _ in ESCAPES} == walls.ALARMS
    assert not any("\n" in says for says in walls.ALARMS)


@pytest.mark.parametrize("code", ["os.system('true')", "subprocess.run(['true'])", "os.fork() or os._exit(0)"])
def test_what_a_library_starts_is_refused_without_an_alarm(places, code):
    """Matplotlib asks a program for the system's fonts."""
    library = compile(code, "/lib/python3/site-packages/library.py", "eval")
    assert alarmed(places, lambda: eval(library)) == ([], "PermissionError")


@pytest.mark.parametrize("attempt", [
    lambda places: open(places / "own/new.txt", "w").write("x"),
    lambda places: open("new.txt", "w").write("x"),
    lambda places: open(places / "home/new.txt", "w").write("x"),
    lambda places: os.rename("file.txt", places / "home/moved.txt"),
    lambda places: os.truncate(os.open("file.txt", os.O_WRONLY), 0),
    lambda places: shutil.rmtree(places / "own/folder"),
    lambda places: os.remove("file.txt"),
    lambda places: (places / "own/folder/deep").mkdir() or (places / "own/folder/deep/x").write_text("x"),
    lambda places: open(places / "readable/file.txt").read(),
    lambda places: os.listdir(places / "readable"),
    lambda places: os.listdir("."),
    lambda places: open("/dev/null", "w").write("x"),
    lambda places: __import__("colorsys"),
    lambda places: __import__("tempfile").TemporaryFile(dir="."),
    lambda places: threading.Thread(target=len, args=("x",)).start(),
    lambda places: os.fdopen(os.dup(1), "w"),
    lambda places: print("x"),
    lambda places: exec(compile("1 + 1", "x", "exec")),
    lambda places: eval("__import__('math').sqrt(2)"),
], ids=range(19))  # fmt: skip
def test_the_alarm_is_silent_about_what_answers_do(places, attempt):
    assert alarmed(places, lambda: attempt(places)) == ([], "done")


def test_lines_of_modules_that_are_loaded_may_be_shown_in_a_traceback(places):
    (places / "secret/loaded_module.py").write_text("def f():\n    raise ValueError('inside')\n")

    def work():
        import linecache
        import traceback

        told = []
        sys.path.insert(0, str(places / "secret"))
        import loaded_module

        linecache.clearcache()
        walls.raise_alarm_on_escape(told.append, [places / "own"], [places / "secret"])
        try:
            loaded_module.f()
        except ValueError:
            return told, "raise ValueError('inside')" in traceback.format_exc()

    assert in_a_child(work) == [[], True]


def test_the_alarm_rings_as_often_as_it_is_tried_and_after_errors(places):
    def work():
        told = []
        walls.raise_alarm_on_escape(told.append, [places / "own"], [places / "secret"])
        tried(int, "x")
        for _ in range(3):
            tried(os.listdir, places / "secret")
        return told

    assert in_a_child(work) == ["opens the course's own files"] * 3


# --- the supervisor -----------------------------------------------------------------------------------------------------------------------


def watched(gate, folder, before=lambda: None, time_limit=60.0, memory_limit=2000):
    """How the supervisor ends a job whose gate does this; and whether it has left anything running."""

    def work():
        walls.adopt_orphans()
        before()
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                gate()
            finally:
                os._exit(0)
        finished = supervisor.watch(child, Job(str(folder), time_limit, memory_limit))
        return finished.stopped, len(psutil.Process().children(recursive=True))

    stopped, left = in_a_child(work)
    assert left == 0
    return stopped


def set_to(**values):
    """Other limits, in the process that watches."""
    return lambda: vars(supervisor).update(values)


def test_a_job_that_ends_is_not_stopped(tmp_path):
    assert watched(lambda: None, tmp_path) is None
    assert watched(lambda: time.sleep(0.3), tmp_path) is None
    assert watched(lambda: os._exit(7), tmp_path) is None
    assert watched(lambda: os.kill(os.getpid(), signal.SIGKILL), tmp_path) is None


def test_a_job_whose_walls_could_not_be_raised_says_so(tmp_path):
    def gate():
        sleeper()
        os._exit(supervisor.NO_WALLS)

    assert watched(gate, tmp_path) == "walls"


def test_a_job_that_takes_too_long_is_ended(tmp_path):
    assert watched(lambda: time.sleep(1000), tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"


def test_a_job_that_will_not_hear_is_ended(tmp_path):
    def deaf():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(1000)

    def stopped():
        os.kill(os.getpid(), signal.SIGSTOP)

    assert watched(deaf, tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"
    assert watched(stopped, tmp_path, set_to(START_AND_STOP=0.2), time_limit=0.2) == "timeout"


def test_a_job_of_many_processes_is_ended(tmp_path):
    def crowd():
        for _ in range(12):
            sleeper()
        time.sleep(1000)

    def small_family():
        for _ in range(4):
            sleeper()
        time.sleep(0.3)

    assert watched(crowd, tmp_path, set_to(PROCESSES_MOST=8)) == "processes"
    assert watched(small_family, tmp_path, set_to(PROCESSES_MOST=8)) is None


def test_a_crowd_of_orphans_is_a_crowd(tmp_path):
    def crowd():
        for _ in range(12):
            if os.fork() == 0:
                os.setsid()
                sleeper()
                os._exit(0)
        time.sleep(1000)

    assert watched(crowd, tmp_path, set_to(PROCESSES_MOST=8)) == "processes"


def test_the_memory_of_all_processes_together_counts(tmp_path):
    def greedy(megabytes, processes):
        def work():
            for _ in range(processes - 1):
                if os.fork() == 0:
                    break
            content = bytearray(os.urandom(MB)) * megabytes
            time.sleep(1000 if megabytes * processes > 300 else 0.5)
            return content

        return work

    own = supervisor.own_memory(psutil.Process()) // MB  # shared with the job: its part is never more
    assert watched(greedy(own + 900, 1), tmp_path, memory_limit=own + 400) == "memory"
    assert watched(greedy(own // 3 + 300, 3), tmp_path, memory_limit=own + 400) == "memory"
    assert watched(greedy(20, 1), tmp_path, memory_limit=own + 400) is None


def test_a_job_that_fills_the_disk_is_ended(tmp_path):
    def write():
        for number in range(10_000):
            (tmp_path / f"{number}.bin").write_bytes(bytes(MB))
            time.sleep(0.01)

    assert watched(write, tmp_path, set_to(DISK_MOST=5 * MB)) == "disk"


def test_nothing_that_hides_is_left_running(tmp_path):
    def leave_behind():
        for _ in range(3):
            if os.fork() == 0:
                os.setsid()
                for number in (signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                (tmp_path / f"{sleeper()}.pid").touch()
                os._exit(0)
        while len(list(tmp_path.iterdir())) < 3:
            time.sleep(0.02)

    assert watched(leave_behind, tmp_path) is None
    left = [int(path.stem) for path in tmp_path.iterdir()]
    assert len(left) == 3
    assert not [pid for pid in left if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def test_a_world_of_its_own_ends_with_its_job(world):
    needs("namespaces", world)

    def gate():
        walls.leave_the_world(world)
        if os.fork() == 0:
            os.setsid()
            sleeper()
            time.sleep(1000)
        time.sleep(0.3)

    assert watched(gate, world) is None


def test_processes_that_have_ended_are_no_trouble():
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    process = psutil.Process(child)
    assert supervisor.own_memory(process) > 0
    assert supervisor.still_runs(process)
    end(child)
    assert wait_until(lambda: not supervisor.still_runs(process))  # a zombie
    assert supervisor.own_memory(process) == 0
    os.waitpid(child, 0)
    assert not supervisor.still_runs(process)
    assert supervisor.own_memory(process) == 0
    assert supervisor.family(child) == []


def test_a_familys_grandchildren_belong_to_it():
    def work():
        child = os.fork()
        if child == 0:
            sleeper()
            time.sleep(1000)
        try:
            return wait_until(lambda: len(supervisor.family(os.getpid())) == 3)
        finally:
            supervisor.end_descendants()

    assert in_a_child(work) is True


def test_files_are_counted_whatever_they_are(tmp_path):
    assert supervisor.disk_use(str(tmp_path)) == supervisor.disk_use(str(tmp_path / "nowhere")) == 0
    (tmp_path / "deep/deeper").mkdir(parents=True)
    (tmp_path / "deep/deeper/large").write_bytes(bytes(100_000))
    (tmp_path / "deep/small").write_bytes(b"x")
    (tmp_path / "deep/link").symlink_to(sys.executable)
    (tmp_path / "deep/loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "deep/pipe")
    assert supervisor.disk_use(str(tmp_path)) == 100_000 + 6 * 20_000  # a small file, a folder, a link or a pipe counts 20,000


def test_files_are_counted_until_they_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "DISK_MOST", 100_000)
    for number in range(10):
        (tmp_path / str(number) / "deep").mkdir(parents=True)
    assert 100_000 < supervisor.disk_use(str(tmp_path)) <= 300_000


def test_what_trespasses_first_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "family", lambda pid: [])
    job = Job(str(tmp_path), 1.0, 100)
    assert supervisor.trespass(job, 1.0 + supervisor.START_AND_STOP) is None
    assert supervisor.trespass(job, 1.1 + supervisor.START_AND_STOP) == "timeout"
    assert supervisor.trespass(job, 0.0) is None
