"""Processes by session (setsid(2)): how many there are, what they use, and their end.

Rules: one look reads ``/proc/PID/stat`` of every process once, for all sessions together; what a
process used that has ended is counted with the parent that waited for it.

Left out on purpose: what is too much, which is for whoever asks. Only Linux is served.
"""

import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
LOOKS_MAX: Final = 20
"""So often what was begun meanwhile is looked for when a session is ended."""

_STATE, _SESSION, _TIMES, _RESIDENT = 0, 3, slice(11, 15), 21
"""Places after the closing bracket of the name: fields 3, 6, 14 to 17 and 24 of proc(5)."""


@dataclass(frozen=True)
class Usage:
    """What all processes of one session use together."""

    pids: tuple[int, ...] = ()
    resident_bytes: int = 0
    """Memory that several of them share is counted for each."""
    processor_s: float = 0.0
    """Since each began."""


def look() -> Mapping[int, Usage]:
    """Every session that has a living process."""
    found: dict[int, Usage] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(errors="replace")
        except OSError:  # it has ended since
            continue
        fields = text.rpartition(")")[2].split()
        if fields[_STATE] in "ZXx":
            continue
        before = found.get(int(fields[_SESSION]), Usage())
        found[int(fields[_SESSION])] = Usage(
            (*before.pids, int(folder.name)),
            before.resident_bytes + int(fields[_RESIDENT]) * PAGE_BYTES,
            before.processor_s + sum(int(ticks) for ticks in fields[_TIMES]) / TICKS_PER_S,
        )
    return found


def end_session(session: int) -> None:
    """End every process of the session at once, with those that begin meanwhile."""
    for _ in range(LOOKS_MAX):
        pids = look().get(session, Usage()).pids
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not pids:
            return
