"""The limits of a vehicle bus and its logs, each with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CanBusConfig:
    """What may wait, and how large the parts of a log may be."""

    frames_waiting_max: int = 10_000
    """So many frames wait for their reader; then the oldest are lost, and counted."""
    echoes_max: int = 64
    """Of a bus that brings back what we send, so many frames are waited for."""
    echo_s_max: float = 1.0
    """One that is not back by then was lost; the next that is like it is somebody else's."""
    errors_in_a_row_max: int = 100
    """So many times in a row nothing readable was heard, and the bus counts as gone."""
    look_s: float = 0.2
    """The thread that listens looks this often whether it shall end."""
    log_line_characters_max: int = 4_096
    """Of one line of a log that is text; the longest frame has less than 300."""
    log_container_bytes_max: int = 16 * 1_024 * 1_024
    """Of one container of a BLF log, unpacked; recorders write 128 KiB."""
