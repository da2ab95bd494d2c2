"""What a process of somebody else's may do here: it puts itself into a cage, for good.

Rules:

* no cage needs root, and none can be left: privileges cannot be gained (``no_new_privs``), and
  what it begins is in the same cage;
* files: Landlock (landlock(7)) lets it read what is named, write what is named, connect to the
  named ports of TCP and signal nobody outside; what the kernel does not have is said, never
  passed over in silence;
* calls: a seccomp filter refuses other processes, leaving the session, and every socket but TCP;
  where there is none, whoever started it still counts and ends its session. It dies with its
  parent;
* its memory, open files, file sizes and core dumps have limits of the kernel (setrlimit(2)).

Left out on purpose: name spaces and cgroups, which need rights that a car's process has not; and
measuring, which is process_sessions.py.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_LANDLOCK_CREATE_RULESET: Final = 444
_LANDLOCK_ADD_RULE: Final = 445
_LANDLOCK_RESTRICT_SELF: Final = 446
_RULE_PATH_BENEATH: Final = 1
_RULE_NET_PORT: Final = 2

_EXECUTE: Final = 1 << 0
_READ: Final = 1 << 2 | 1 << 3
_OF_FILES: Final = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14
"""Rights that a rule about a single file may give."""
_RIGHTS_BY_ABI: Final = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Rights to files that each version of Landlock added (linux/landlock.h)."""
_MAKE_DEVICE: Final = 1 << 6 | 1 << 11
_CONNECT_TCP: Final = 1 << 1
_BIND_TCP: Final = 1 << 0
_SCOPE_ABI: Final = 6
_NET_ABI: Final = 4
_SCOPES: Final = 0b11
"""Abstract sockets and signals stay inside."""


@dataclass(frozen=True)
class _Machine:
    """Numbers of calls that a filter needs; ``architecture`` as linux/audit.h names it."""

    architecture: int
    setsid: int
    socket: int
    clone: int
    forks: tuple[int, ...] = ()


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, setsid=112, socket=41, clone=56, forks=(57, 58)),
    "aarch64": _Machine(0xC00000B7, setsid=157, socket=198, clone=220),
}
_CLONE3: Final = 435
"""Its flags lie where no filter sees them; when it is not there, the C library asks clone."""
_CLONE_THREAD: Final = 0x1_0000
_IO_URING_SETUP: Final = 425
_KIND_OF_SOCKET: Final = 0xF
"""The bits of a socket's type that are no flags."""
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT, _SECOND_ARGUMENT_AT = 0, 4, 16, 24
"""Places in what a filter sees of a call (linux/seccomp.h)."""
_BPF: Final = {"load": 0x20, "equal": 0x15, "least": 0x35, "and": 0x54, "bits": 0x45, "give": 0x06}
_X32_BIT: Final = 0x4000_0000


@dataclass(frozen=True)
class Cage:
    """What a process may do; everything else it may not."""

    readable: tuple[Path, ...]
    writable: tuple[Path, ...]
    ports: tuple[int, ...]
    """TCP ports that it may connect to."""
    data_bytes_max: int
    """Of private memory, for each process (RLIMIT_DATA)."""
    open_files_max: int = 256
    file_bytes_max: int = 64 * 1_048_576


@dataclass(frozen=True)
class Held:
    """What holds a process back, and what this machine does not have."""

    by: tuple[str, ...]
    missing: tuple[str, ...]


def enter(cage: Cage) -> Held:
    """Put this process into the cage. Call it before other threads begin; nothing undoes it."""
    steps: tuple[tuple[str, Callable[[Cage], None]], ...] = (
        ("limits", _set_limits),
        ("end with the parent", _end_with_parent),
        ("no new privileges", _refuse_privileges),
        ("files", _restrict_files),
        ("network", _need(_NET_ABI)),
        ("signals", _need(_SCOPE_ABI)),
        ("calls", _filter_calls),
    )
    by, missing = [], []
    for name, step in steps:
        try:
            step(cage)
            by.append(name)
        except OSError as error:
            missing.append(f"{name} ({os.strerror(error.errno or 0)})")
    return Held(tuple(by), tuple(missing))


def python_places() -> tuple[Path, ...]:
    """What a Python process must be able to read: itself, its libraries, and the machine's few."""
    import sys

    named = [sys.prefix, sys.base_prefix, *(path for path in sys.path if path)]
    system = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/hosts"]
    system += ["/etc/nsswitch.conf", "/etc/host.conf", "/etc/resolv.conf", "/etc/ssl"]
    devices = ["/dev/null", "/dev/zero", "/dev/urandom", "/sys/devices/system/cpu"]
    found = dict.fromkeys(Path(path) for path in [*named, *system, *devices])
    return tuple(path for path in found if path.exists())


def _set_limits(cage: Cage) -> None:
    for what, most in (
        (resource.RLIMIT_DATA, cage.data_bytes_max),
        (resource.RLIMIT_NOFILE, cage.open_files_max),
        (resource.RLIMIT_FSIZE, cage.file_bytes_max),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (value, value))


def _end_with_parent(_: Cage) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _refuse_privileges(_: Cage) -> None:
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _restrict_files(cage: Cage) -> None:
    abi = landlock_abi()
    handled = sum(rights for since, rights in _RIGHTS_BY_ABI if since <= abi)
    nets = _CONNECT_TCP | _BIND_TCP if abi >= _NET_ABI else 0
    scopes = _SCOPES if abi >= _SCOPE_ABI else 0
    size = 24 if scopes else 16 if nets else 8
    attributes = struct.pack("=QQQ", handled, nets, scopes)
    rules = _syscall(_LANDLOCK_CREATE_RULESET, attributes, size, 0)
    try:
        for path, rights in _rights(cage, handled):
            _allow_path(rules, path, rights)
        for port in cage.ports if nets else ():
            rule = struct.pack("=QQ", _CONNECT_TCP, port)
            _syscall(_LANDLOCK_ADD_RULE, rules, _RULE_NET_PORT, rule, 0)
        _syscall(_LANDLOCK_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _rights(cage: Cage, handled: int) -> Iterator[tuple[Path, int]]:
    for path in cage.readable:
        yield path, (_READ | _EXECUTE) & handled
    for path in cage.writable:
        yield path, handled & ~_EXECUTE & ~_MAKE_DEVICE


def _allow_path(rules: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = rights if path.is_dir() else rights & _OF_FILES
        rule = struct.pack("=Qi", allowed, place)
        _syscall(_LANDLOCK_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(place)


def landlock_abi() -> int:
    """Which version of Landlock the kernel has; raises OSError when it has none."""
    return _syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1)


def _need(abi: int) -> Callable[[Cage], None]:
    def check(_: Cage) -> None:
        if landlock_abi() < abi:
            raise OSError(errno.EOPNOTSUPP, "Landlock is older")

    return check


def _filter_calls(_: Cage) -> None:
    """Refuse what the rest of the cage cannot hold: other processes, and sockets that are not TCP.

    Threads can begin. ``setsid`` is refused too, should a process have begun some other way.

    Of another machine's calls, all are refused; so is io_uring, which makes sockets unseen.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise OSError(errno.EOPNOTSUPP, "unknown architecture")
    refused = (machine.setsid, *machine.forks, _IO_URING_SETUP)
    program = _assembled(
        ("load", _ARCHITECTURE_AT, "", ""),
        ("equal", machine.architecture, "", "refuse"),
        ("load", _NUMBER_AT, "", ""),
        ("least", _X32_BIT, "refuse", ""),
        *(("equal", number, "refuse", "") for number in refused),
        ("equal", _CLONE3, "is not there", ""),
        ("equal", machine.clone, "begins", ""),
        ("equal", machine.socket, "", "allow"),
        ("load", _FIRST_ARGUMENT_AT, "", ""),
        ("equal", socket.AF_INET, "kind", ""),
        ("equal", socket.AF_INET6, "kind", "refuse"),
        "kind",
        ("load", _SECOND_ARGUMENT_AT, "", ""),
        ("and", _KIND_OF_SOCKET, "", ""),
        ("equal", socket.SOCK_STREAM, "allow", "refuse"),
        "begins",
        ("load", _FIRST_ARGUMENT_AT, "", ""),
        ("bits", _CLONE_THREAD, "allow", "refuse"),
        "is not there",
        ("give", 0x0005_0000 | errno.ENOSYS, "", ""),
        "refuse",
        ("give", 0x0005_0000 | errno.EPERM, "", ""),
        "allow",
        ("give", 0x7FFF_0000, "", ""),
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_program = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, filter_program)


def _assembled(*lines: str | tuple[str, int, str, str]) -> bytes:
    """Classic BPF: a text names the place that follows; a step is what, value, and where to go on.

    An empty place is the next step.
    """
    places: dict[str, int] = {}
    steps: list[tuple[str, int, str, str]] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(steps)
        else:
            steps.append(line)

    def jump(at: int, place: str) -> int:
        return places[place] - at - 1 if place else 0

    return b"".join(
        struct.pack("=HBBI", _BPF[what], jump(at, on_true), jump(at, on_false), value)
        for at, (what, value, on_true, on_false) in enumerate(steps)
    )


def _prctl(what: int, *values: int | bytes) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    taken = [_argument(value) for value in values]
    rest = [ctypes.c_ulong(0)] * (4 - len(taken))
    if library.prctl(ctypes.c_int(what), *taken, *rest) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _syscall(number: int, *values: int | bytes | None) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    result = library.syscall(ctypes.c_long(number), *(_argument(value) for value in values))
    if result < 0:
        raise OSError(ctypes.get_errno(), "landlock")
    return int(result)


def _argument(value: int | bytes | None) -> ctypes.c_ulong | ctypes.c_char_p:
    return ctypes.c_ulong(value) if isinstance(value, int) else ctypes.c_char_p(value)
