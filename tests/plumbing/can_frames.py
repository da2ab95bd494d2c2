"""Frames for tests of the vehicle bus, and logs of them in every format."""

from collections.abc import Iterable
from pathlib import Path

import can

from monocoque.plumbing.can.port import Frame

BEGAN_US = 1_780_000_000_000_000
WRITERS = {".log": can.CanutilsLogWriter, ".asc": can.ASCWriter, ".blf": can.BLFWriter}


def some_frames(count: int) -> list[Frame]:
    """Frames of several lengths, plain and extended, 10 ms from each other."""
    return [
        Frame(
            BEGAN_US + index * 10_000,
            0x1234567 if index % 3 == 2 else 0x100 + index % 5,
            index % 3 == 2,
            bytes((index + place) % 256 for place in range(1 + index % 8)),
        )
        for index in range(count)
    ]


def write_log(path: Path, frames: Iterable[Frame], writer: type | None = None) -> Path:
    """Write these in the format that the name says."""
    with (writer or WRITERS[path.suffix])(str(path)) as log:
        for frame in frames:
            log.on_message_received(message_of(frame))
    return path


def message_of(frame: Frame) -> can.Message:
    """As python-can has it."""
    return can.Message(
        timestamp=frame.time_us / 1_000_000,
        arbitration_id=frame.identifier,
        is_extended_id=frame.is_extended,
        data=frame.data,
        channel=0,
    )
