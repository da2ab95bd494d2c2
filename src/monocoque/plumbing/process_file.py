"""Process files: which process of ours runs, so that a later one can find it or end it.

Rules:

* a process is known by its number and its start; both must match before anything is done to it, so
  that a number which the system gave to somebody else is never ended;
* the start is what the kernel counts since boot (proc(5), ``/proc/PID/stat`` field 22) together
  with the boot's own identifier: a clock that is set does not change it, a restart of the machine
  does;
* a file is written whole or not at all; one that cannot be understood names no process.

Left out on purpose: waiting for an end, and deciding what to do with a process that is found; that
is the supervisor's. Only Linux is served.
"""

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monocoque.plumbing.files import storage_errors, write_atomically

PROCESS_FILE_BYTES_MAX = 64 * 1024
"""A process file larger than this is not ours."""

_BOOT_IDENTIFIER = Path("/proc/sys/kernel/random/boot_id")
_STATE_FIELD = 0
_START_FIELD = 19
"""Places after the closing bracket of the name: fields 3 and 22 of proc(5)."""
_ENDED_STATES = frozenset({"Z", "X", "x"})


@dataclass(frozen=True)
class ProcessFile:
    """One process, as it was when the file was written."""

    pid: int
    started_ticks: int
    """When it started: clock ticks since boot."""
    boot_id: str
    """Which boot that was."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """The ports it listens on, by purpose, such as ``{"http": 8000}``."""


def describe_process(pid: int, ports: Mapping[str, int] | None = None) -> ProcessFile | None:
    """What a file about the process would hold now, or None when it has ended."""
    started_ticks = _started_ticks(pid)
    if started_ticks is None:
        return None
    return ProcessFile(pid, started_ticks, _boot_id(), dict(ports or {}))


def write_process_file(
    path: Path, pid: int, ports: Mapping[str, int] | None = None
) -> ProcessFile | None:
    """Write ``path`` (``run/NAME.json``) about a running process and return what it says.

    Returns None, and writes nothing, when the process has ended already. Raises DiskFull,
    NotWritable, SettingInvalid, StorageError.
    """
    process = describe_process(pid, ports)
    if process is None:
        return None
    content = {
        "pid": process.pid,
        "started_ticks": process.started_ticks,
        "boot_id": process.boot_id,
        "ports": dict(process.ports),
    }
    write_atomically(path, json.dumps(content, sort_keys=True).encode() + b"\n", mode=0o644)
    return process


def read_process_file(path: Path) -> ProcessFile | None:
    """The process that the file names, alive or not; None when there is no such file.

    A damaged file, or one of another form, gives None too: it names nobody who could be ended.
    """
    with storage_errors(path):
        try:
            with path.open("rb") as file:
                content = file.read(PROCESS_FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
    if len(content) > PROCESS_FILE_BYTES_MAX:
        return None
    try:
        fields = json.loads(content)
        return ProcessFile(
            pid=int(fields["pid"]),
            started_ticks=int(fields["started_ticks"]),
            boot_id=str(fields["boot_id"]),
            ports={str(name): int(port) for name, port in fields["ports"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def remove_process_file(path: Path) -> None:
    """Take the file away; it is no error when there is none. Raises NotWritable, StorageError."""
    with storage_errors(path):
        path.unlink(missing_ok=True)


def is_alive(process: ProcessFile) -> bool:
    """Whether this very process still runs; one that ended and was not yet reaped does not."""
    return describe_process(process.pid, process.ports) == process


def send_signal(process: ProcessFile, number: signal.Signals) -> bool:
    """Send a signal to this very process; False when it has ended.

    The process is held by a descriptor (pidfd_open(2)) before its start is compared, so its number
    cannot pass to somebody else in between. Raises NotWritable when the system does not allow it.
    """
    if not is_alive(process):
        return False
    with storage_errors(Path(f"/proc/{process.pid}")):
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return False
        try:
            if not is_alive(process):
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
    return True


def _started_ticks(pid: int) -> int | None:
    """The kernel's count at the start of the process; None when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may itself hold brackets and blanks: read from the last one.
    fields = text.rpartition(")")[2].split()
    if fields[_STATE_FIELD] in _ENDED_STATES:
        return None
    return int(fields[_START_FIELD])


def _boot_id() -> str:
    """Which boot of the machine this is."""
    return _BOOT_IDENTIFIER.read_text().strip()
