"""What stands around a learner's code: namespaces (no network, no other processes), Landlock (no other files), limits, and an alarm.

Linux has all of it, other systems less; `available()` says which. A wall refuses; the alarm, an audit hook (PEP 578), tells what was tried,
and refuses it too where the walls are missing. Learner's code could silence the alarm, but not take down a wall.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

# --- processes and network: namespaces ------------------------------------------------------------------------------------------------

NEW_USER, NEW_PID, NEW_NET, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000  # <linux/sched.h>
BE_REAPER, END_WITH_PARENT, NO_NEW_PRIVILEGES = 36, 1, 38  # <linux/prctl.h>
KILL = 9


def libc_call(name: str, *arguments: int) -> None:
    """Call a function of the C library; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*(ctypes.c_ulong(argument) for argument in arguments)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def end_with_parent() -> None:
    """Let this process be killed when the one that forked it ends."""
    if sys.platform == "linux":
        libc_call("prctl", END_WITH_PARENT, KILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can hide."""
    if sys.platform == "linux":
        libc_call("prctl", BE_REAPER, 1)


def leave_the_world() -> bool:
    """Enter a network without any connection; the next child is the first process of a new system, and when it ends, all there end.

    Returns whether the system allows it (containers often do not: they have walls of their own).
    """
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    for flags in (NEW_USER | NEW_PID | NEW_NET | NEW_IPC, NEW_PID | NEW_NET | NEW_IPC):  # the second is for root without user namespaces
        try:
            libc_call("unshare", flags)
        except OSError:
            continue
        if flags & NEW_USER:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        switch_on_loopback()
        return True
    return False


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
EXECUTE, READ_FILE, READ_DIR, WRITE_FILE, TRUNCATE = 1 << 0, 1 << 2, 1 << 3, 1 << 1, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
FILE_RIGHTS = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE  # of a file that is no folder
FILE_SYSTEM_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many there are, by version of Landlock; 16 from version 5 on
SYSTEM = ("/usr/local/lib", "/usr/local/share", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys")
PARTS = ("lib", "lib64", "bin", "share", "etc", "pyvenv.cfg")  # of /usr and wherever Python lies: the course itself may lie beside them
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def landlock_version() -> int:
    """0 where there is none."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, 1))


def wall_off_files(writable: Iterable[Path], readable: Iterable[Path] = (), network: bool = True) -> bool:
    """From now on this process and its children read only Python, the system and `readable`, and write only `writable`, for ever.

    network: False refuses TCP, too, and signals to processes outside (from versions 4 and 6 of Landlock).
    Returns whether the system has Landlock.
    """
    version = landlock_version()
    if not version:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    everything = (1 << FILE_SYSTEM_RIGHTS.get(version, 16)) - 1
    attributes = [everything]
    if version >= 4:
        attributes.append(0 if network else 0b11)  # bind, connect
    if version >= 6:
        attributes.append(0b10 if not network else 0)  # signals
    packed = struct.pack(f"{len(attributes)}Q", *attributes)
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
    restricted = libc.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return restricted


# --- limits ---------------------------------------------------------------------------------------------------------------------------


def limit(memory: int, file_size: int, processes: int) -> None:
    """Limits of this process and each of its children: bytes of data, bytes of a file, processes; no core dumps."""
    limits = {resource.RLIMIT_FSIZE: file_size, resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: processes}
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
    "os.system": "starts a program",
    "os.exec": "starts a program",
    "os.posix_spawn": "starts a program",
    "subprocess.Popen": "starts a program",
    "os.fork": "starts a process",
    "os.forkpty": "starts a process",
    "os.kill": "sends a signal to a process",
    "os.killpg": "sends a signal to a process",
}


def raise_alarm_on_escape(report: Callable[[str], None], own_folder: Path, closed_folders: Iterable[Path]) -> None:
    """From now on, for ever: call `report` with what is tried and refuse it, if it is forbidden above, opens a file in one of the closed
    folders (the course's library, which holds reference implementations), or writes a file outside its own folder.

    Files of modules that are loaded already are no secret, and tracebacks show their lines.
    """
    own, closed = str(own_folder), tuple(str(folder) for folder in closed_folders)
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}

    def watch(event: str, arguments: tuple) -> None:
        if event in FORBIDDEN:
            refuse(FORBIDDEN[event])
        if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(arguments[0]))
            if path.startswith(closed) and path not in loaded:
                refuse("opens the course's own files")
            if event == "open" and writes(arguments) and not path.startswith((own, "/dev/")) and "__pycache__" not in path:
                refuse("writes a file outside its folder")

    def refuse(what: str) -> None:
        report(what)
        raise PermissionError(f"the grader does not allow this: the answer {what}")

    sys.addaudithook(watch)


def writes(arguments: tuple) -> bool:
    """Whether an `open` event (path, mode, flags) is for writing."""
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


# --- what there is --------------------------------------------------------------------------------------------------------------------


def available() -> dict[str, bool]:
    """Which walls this system has, tried out in a child process: {"network": True, "files": True, "memory": True}."""
    child = os.fork()
    if child == 0:
        alone = False
        try:
            alone = leave_the_world()
        finally:
            os._exit(0 if alone else 1)
    alone = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return {"network": alone, "files": landlock_version() > 0, "memory": sys.platform == "linux"}
