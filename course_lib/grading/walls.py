"""What stands around a learner's code: namespaces (no network, no other processes, files that cannot be changed), Landlock (no other files),
a seccomp filter (no sockets), limits, and an alarm.

Linux has all of it, other systems less; `available()` says which. A wall refuses; the alarm, an audit hook (PEP 578), tells what was tried,
and refuses it too where the walls are missing. Learner's code could silence the alarm, but not take down a wall.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

# --- namespaces: network, processes, mounts ---------------------------------------------------------------------------------------------

NEW_MOUNTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000  # <linux/sched.h>
BE_REAPER, END_WITH_PARENT, NO_NEW_PRIVILEGES = 36, 1, 38  # <linux/prctl.h>
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000  # <linux/mount.h>
MOUNT_SETATTR, FROM_HERE, WITH_ALL_BELOW, READ_ONLY = 442, -100, 0x8000, 0x1
KILL = 9
IN_MEMORY = b"size=64m,nr_inodes=2000"  # what fits in a folder that a kernel may write in


def libc_call(name: str, *arguments: int | bytes | None) -> None:
    """Call a function of the C library; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    converted = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    if getattr(libc, name)(*converted) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def end_with_parent() -> None:
    """Let this process be killed when the one that forked it ends."""
    if sys.platform == "linux":
        libc_call("prctl", END_WITH_PARENT, KILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can hide."""
    if sys.platform == "linux":
        libc_call("prctl", BE_REAPER, 1)


def leave_the_world(folder: Path) -> None:
    """Enter a network without any connection, and a file system in which only `folder` can be changed. The next child is the first process
    of a system of its own: when it ends, all there end. Raises OSError where that is not allowed (containers have walls of their own).

    The folders in it become small file systems in memory, which vanish with the namespace.
    """
    if sys.platform != "linux":
        raise OSError("only Linux has namespaces")
    user, group = os.getuid(), os.getgid()
    libc_call("unshare", NEW_USER | NEW_PID | NEW_NET | NEW_IPC | NEW_MOUNTS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    switch_on_loopback()
    place = os.fsencode(folder)
    libc_call("mount", None, b"/", None, PRIVATE | RECURSIVE, None)
    set_read_only(b"/", WITH_ALL_BELOW)
    libc_call("mount", place, place, None, BIND, None)
    set_read_only(place, 0, clear=True)
    for inner in folder.iterdir():
        if inner.is_dir():
            libc_call("mount", b"tmpfs", os.fsencode(inner), b"tmpfs", 0, IN_MEMORY)


def set_read_only(path: bytes, flags: int, clear: bool = False) -> None:
    """A mount, or with WITH_ALL_BELOW a whole tree of them, becomes read-only, or no longer is."""
    attributes = struct.pack("4Q", *((0, READ_ONLY) if clear else (READ_ONLY, 0)), 0, 0)  # set, clear, propagation, user namespace
    libc_call("syscall", MOUNT_SETATTR, FROM_HERE, path, flags, attributes, len(attributes))


def see_only_own_processes() -> None:
    """Called by the first process of the new system: its /proc shows that system, not the one outside. (Some containers refuse it.)"""
    with suppress(OSError):
        libc_call("mount", b"proc", b"/proc", b"proc", 0, None)


def switch_on_loopback() -> None:
    """A kernel and its client talk through 127.0.0.1, which is down in a new network namespace."""
    import fcntl

    up, get_flags, set_flags = 0x1, 0x8913, 0x8914  # IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(control, get_flags, request))
        fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", flags | up))


# --- files: Landlock (https://docs.kernel.org/userspace-api/landlock.html) --------------------------------------------------------------

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE  # of a file that is no folder
FILE_SYSTEM_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many there are, by version of Landlock; 16 from version 5 on
ABSTRACT_SOCKETS, SIGNALS = 0b01, 0b10  # what can be kept inside, from version 6 on
SYSTEM = ("/usr/local/lib", "/usr/local/share", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys")
PARTS = ("lib", "lib64", "bin", "share", "etc", "pyvenv.cfg")  # of /usr and wherever Python lies: the course itself may lie beside them
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def landlock_version() -> int:
    """0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, 1))


def wall_off_files(writable: Iterable[Path], readable: Iterable[Path] = (), signals: bool = True) -> None:
    """From now on this thread, and what it starts, read only Python, the system and `readable`, and write only `writable`, for ever.

    Threads that exist already are not bound: call it while there is one. signals: False keeps signals and abstract sockets inside.
    Raises OSError where there is no Landlock.
    """
    version = landlock_version()
    if not version:
        raise OSError("this system has no Landlock")
    libc = ctypes.CDLL(None, use_errno=True)
    everything = (1 << FILE_SYSTEM_RIGHTS.get(version, 16)) - 1
    kept_inside = 0 if signals or version < 6 else ABSTRACT_SOCKETS | SIGNALS
    packed = struct.pack("3Q", everything, 0, kept_inside)[: 24 if version >= 6 else 8]  # file system, network, scope
    rules = libc.syscall(CREATE_RULESET, packed, len(packed), 0)
    python = {os.path.join(prefix, part) for prefix in ("/usr", sys.prefix, sys.base_prefix, sys.exec_prefix) for part in PARTS}
    allowed = [(path, READ) for path in {*SYSTEM, *python, *map(str, readable)}]
    allowed += [(path, everything) for path in {*DEVICES, *map(str, writable)}]
    for path, rights in allowed:
        if os.path.exists(path):
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights & everything & (-1 if os.path.isdir(path) else FILE_RIGHTS), handle)
            libc.syscall(ADD_RULE, rules, 1, rule, 0)
            os.close(handle)
    libc_call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc_call("syscall", RESTRICT_SELF, rules, 0)
    os.close(rules)


# --- sockets: seccomp (https://docs.kernel.org/userspace-api/seccomp_filter.html) ----------------------------------------------------------

SECCOMP = {"x86_64": (0xC000003E, 317, (41, 425, 29, 319)), "aarch64": (0xC00000B7, 277, (198, 425, 194, 279))}
"""By machine: its number, the system call seccomp, and those to refuse: socket, io_uring_setup (which can make sockets, too), shmget and
memfd_create (memory that is nobody's, so that no limit counts it)."""
SET_FILTER, ALL_THREADS, ALLOW, REFUSE = 1, 1, 0x7FFF0000, 0x00050001  # REFUSE: "operation not permitted"
LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # instructions of the filter's language
OTHER_CALLS = 0x40000000  # from here on: the same calls under other numbers (x32)


def refuse_sockets() -> None:
    """From now on no thread of this process, nor what it starts, gets a new socket of any kind, for ever: no network, no Unix sockets.

    Sockets that are open go on working. Raises OSError where that is not possible. Needs `wall_off_files` before it.
    """
    if sys.platform != "linux" or platform.machine() not in SECCOMP:
        raise OSError(f"no filter for {sys.platform} on {platform.machine()}")
    machine, seccomp, refused = SECCOMP[platform.machine()]
    program = [(LOAD, 0, 0, 4), (IF_EQUAL, 1, 0, machine), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 0), (IF_AT_LEAST, 0, 1, OTHER_CALLS)]
    program += [(RETURN, 0, 0, REFUSE)]
    for call in refused:
        program += [(IF_EQUAL, 0, 1, call), (RETURN, 0, 0, REFUSE)]
    program += [(RETURN, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    libc_call("syscall", seccomp, SET_FILTER, ALL_THREADS, header.raw)


# --- limits ---------------------------------------------------------------------------------------------------------------------------


def limit(memory: int, file_size: int, files: int, processes: int) -> None:
    """Limits of this process and each of its children: bytes of data, bytes of a file, open files, processes; no core dumps."""
    limits = {resource.RLIMIT_FSIZE: file_size, resource.RLIMIT_NOFILE: files, resource.RLIMIT_NPROC: processes, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        limits[resource.RLIMIT_DATA] = memory
    for kind, value in limits.items():
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (value, value))


# --- the alarm ------------------------------------------------------------------------------------------------------------------------

FORBIDDEN = {
    "socket.connect": "opens a network connection",
    "socket.bind": "opens a network port",
    "socket.getaddrinfo": "looks up a network address",
    "socket.sendto": "sends to the network",
    "os.kill": "sends a signal to a process",
    "os.killpg": "sends a signal to a process",
}
PROGRAMS = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "os.fork", "os.forkpty"}
CLOSED, OUTSIDE, CHANGES = "opens the course's own files", "writes a file outside its folder", "changes a file outside its folder"
STARTS, OPENS = "starts a program or a process", "opens a socket"
ALARMS = frozenset({*FORBIDDEN.values(), CLOSED, OUTSIDE, CHANGES, STARTS, OPENS})
"""All that an alarm can say."""
STANDARD_LIBRARY = os.path.dirname(os.__file__)
FILE_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.chmod", "os.chown", "os.symlink", "os.link", "os.truncate", "os.mkdir", "os.utime"}
FILE_CHANGES |= {"shutil.rmtree", "shutil.move"}


def raise_alarm_on_escape(report: Callable[[str], None], own_folders: Iterable[Path], closed_folders: Iterable[Path]) -> None:
    """From now on, for ever: call `report` with what is tried and refuse it, if it is forbidden above, opens a file in one of the closed
    folders (the course's library, which holds reference implementations), or changes a file outside its own folders.

    Files of modules that are loaded already are no secret, and tracebacks show their lines.
    """
    own, closed = (tuple(str(folder) for folder in folders) for folders in (own_folders, closed_folders))
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}

    def watch(event: str, arguments: tuple) -> None:
        if event == "socket.__new__" and not asked_by_a_library(sys._getframe(1)):
            refuse(OPENS)
        if event in PROGRAMS:
            refuse(STARTS, tell=not asked_by_a_library(sys._getframe(1)))
        if event in FORBIDDEN:
            refuse(FORBIDDEN[event])
        if event in FILE_CHANGES and any(not inside(path) for path in arguments if isinstance(path, str | bytes | os.PathLike)):
            refuse(CHANGES)
        if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if path.startswith(closed) and path not in loaded:
                refuse(CLOSED)
            if event == "open" and writes(arguments) and not inside(path):
                refuse(OUTSIDE)

    def inside(path: str | bytes | os.PathLike) -> bool:
        path = os.path.abspath(os.fsdecode(path))
        return path in own or path.startswith((*(folder + os.sep for folder in own), "/dev/")) or "__pycache__" in path

    def refuse(what: str, tell: bool = True) -> None:
        if tell:
            report(what)
        raise PermissionError(f"the grader does not allow this: the answer {what}")

    sys.addaudithook(watch)


def asked_by_a_library(frame) -> bool:
    """Whether an installed package, and not the answer itself, called into the standard library: matplotlib asks a program
    for fonts, IPython's event loop has a pair of sockets."""
    while frame and frame.f_code.co_filename.startswith((STANDARD_LIBRARY, "<frozen")) and "site-packages" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None and "site-packages" in frame.f_code.co_filename


def writes(arguments: tuple) -> bool:
    """Whether an `open` event (path, mode, flags) is for writing."""
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


# --- what there is --------------------------------------------------------------------------------------------------------------------


def available() -> dict[str, bool]:
    """Which walls this system has, each tried in a child process: {"namespaces": True, "files": True, "sockets": True, "memory": True}."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        (Path(folder) / "work").mkdir()
        return {
            "namespaces": works(lambda: leave_the_world(Path(folder))),
            "files": works(lambda: wall_off_files([])),
            "sockets": works(lambda: (libc_call("prctl", NO_NEW_PRIVILEGES, 1, 0, 0, 0), refuse_sockets())),
            "memory": sys.platform == "linux",
        }


def works(raise_wall: Callable[[], object]) -> bool:
    """Whether a wall can be raised: tried in a child process, for there is no way back."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            raise_wall()
            status = 0
        except Exception:
            pass
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
