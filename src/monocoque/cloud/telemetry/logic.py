"""What may be taken of the frames that came, and how it becomes columns.

Rules:

* a frame is judged as a whole: wrong in one value, it is refused, and no other with it;
* a sequence is taken once. What is missing before the oldest that the car still has is lost;
* values go from the wire to columns by numpy alone, all frames of a batch together;
* rows are sorted by car, signal and time, so that files are small and reading one car is quick.

Left out on purpose: which signals exist. A car may be newer than its cell.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monocoque.contracts.errors import MessageFromTheFuture, MessageMalformed, MessageRefused
from monocoque.contracts.wire.telemetry_pb2 import FramesInBulk

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CAR_BUCKETS: Final = 8
"""Into how many parts the cars of a day are divided; changing it would tear a car's history."""


@dataclass(frozen=True)
class Place:
    """How far one car's frames are dealt with."""

    last: int = 0
    """Everything up to here."""
    ahead: frozenset[int] = frozenset()
    """And these, after one that is missing."""


@dataclass(frozen=True)
class Came:
    """A frame, and whose it is."""

    car_id: str
    frames: FramesInBulk


@dataclass(frozen=True)
class Bounds:
    """What a frame may be."""

    latest_us: int
    """No value may be measured later."""
    span_ms_max: int


def is_taken(place: Place, sequence: int) -> bool:
    """Whether this frame came before."""
    return sequence <= place.last or sequence in place.ahead


def with_oldest(place: Place, oldest: int) -> tuple[Place, int]:
    """The place when the car has nothing before this any more, and how many frames are lost."""
    if oldest - 1 <= place.last:
        return place, 0
    lost = oldest - 1 - place.last - sum(1 for each in place.ahead if each < oldest)
    return _closed(oldest - 1, place.ahead), lost


def with_taken(place: Place, sequence: int) -> Place:
    """The place when this frame is dealt with too."""
    return _closed(place.last, place.ahead | {sequence})


def _closed(last: int, ahead: frozenset[int]) -> Place:
    while last + 1 in ahead:
        last += 1
    return Place(last, frozenset(each for each in ahead if each > last))


def refusal_of_shape(frames: FramesInBulk) -> MessageRefused | None:
    """Why a frame cannot be read, or None; values are not looked at."""
    count = len(frames.signal_ids) // 4
    if len(frames.signal_ids) % 4 or not count:
        return MessageMalformed("A frame's signals are not numbers of four bytes each.")
    if (len(frames.offsets_ms), len(frames.values)) != (4 * count, 8 * count):
        return MessageMalformed("The arrays of a frame have different lengths.")
    if frames.sequence < 1 or frames.oldest_sequence > frames.sequence:
        return MessageMalformed("A frame has no sequence, or one older than the oldest.")
    if any(place >= count or "\0" in text for place, text in frames.texts.items()):
        return MessageMalformed("A text of a frame stands beside the arrays, or has a NUL.")
    return None


@dataclass(frozen=True)
class Decoded:
    """All values of many frames, one after the other."""

    frame: NDArray[np.int64]
    """Which frame each value is of."""
    signal_id: NDArray[np.int64]
    measured_us: NDArray[np.int64]
    value: NDArray[np.float64]


def decode(came: Sequence[Came], bounds: Bounds) -> tuple[Decoded, dict[int, MessageRefused]]:
    """The values of frames whose shape is right, and which of these frames are refused, and why."""
    counts = np.array([len(each.frames.signal_ids) // 4 for each in came], np.int64)
    begins_us = np.array([each.frames.begins_at_us for each in came], np.int64)
    joined = {
        name: b"".join(getattr(each.frames, name) for each in came)
        for name in ("signal_ids", "offsets_ms", "values")
    }
    offsets_ms = np.frombuffer(joined["offsets_ms"], "<i4").astype(np.int64)
    frame = np.repeat(np.arange(len(came)), counts)
    decoded = Decoded(
        frame=frame,
        signal_id=np.frombuffer(joined["signal_ids"], "<u4").astype(np.int64),
        measured_us=begins_us[frame] + offsets_ms * 1_000,
        value=np.frombuffer(joined["values"], "<f8"),
    )
    refused: dict[int, MessageRefused] = {}

    def refuse(wrong: NDArray[np.bool_], why: MessageRefused) -> None:
        for index in np.unique(frame[wrong]):
            refused.setdefault(int(index), why)

    refuse(~np.isfinite(decoded.value), MessageMalformed("A value of a frame is no number."))
    refuse(
        (offsets_ms < 0) | (offsets_ms > bounds.span_ms_max),
        MessageMalformed("An offset of a frame is out of range."),
    )
    refuse(
        decoded.measured_us > bounds.latest_us,
        MessageFromTheFuture("A value of a frame is ahead of our clock."),
    )
    return decoded, refused


@dataclass(frozen=True)
class Words:
    """A column of text: places in a short list, so that no row is touched one by one."""

    words: tuple[str | None, ...]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """The rows of a batch, sorted by car, signal and time, as columns."""

    date: Words
    car_bucket: NDArray[np.int64]
    car_id: Words
    signal_id: NDArray[np.int64]
    measured_us: NDArray[np.int64]
    value: NDArray[np.float64]
    text: Words
    sequence: NDArray[np.int64]


def rows_of(came: Sequence[Came], decoded: Decoded, taken: Sequence[int]) -> Rows:
    """The rows of the frames with these indices."""
    car_ids = sorted({each.car_id for each in came})
    place_of = {car_id: place for place, car_id in enumerate(car_ids)}
    car_of_frame = np.array([place_of[each.car_id] for each in came], np.int64)
    sequences = np.array([each.frames.sequence for each in came], np.int64)
    wanted = np.zeros(len(came), np.bool_)
    wanted[list(taken)] = True
    rows = np.flatnonzero(wanted[decoded.frame])
    keys = (decoded.measured_us, decoded.signal_id, car_of_frame[decoded.frame])
    rows = rows[np.lexsort([key[rows] for key in keys])]
    frame, measured_us = decoded.frame[rows], decoded.measured_us[rows]
    buckets = np.array([bucket_of(car_id) for car_id in car_ids], np.int64)
    days, day_places = np.unique(measured_us // DAY_US, return_inverse=True)
    return Rows(
        date=Words(tuple(_date(int(day)) for day in days), day_places.astype(np.int64)),
        car_bucket=buckets[car_of_frame[frame]],
        car_id=Words(tuple(car_ids), car_of_frame[frame]),
        signal_id=decoded.signal_id[rows],
        measured_us=measured_us,
        value=decoded.value[rows],
        text=_texts(came, decoded, rows),
        sequence=sequences[frame],
    )


def bucket_of(car_id: str) -> int:
    """Which part of a day's rows a car is in."""
    return zlib.crc32(car_id.encode()) % CAR_BUCKETS


def _texts(came: Sequence[Came], decoded: Decoded, rows: NDArray[np.int64]) -> Words:
    """The few values that are text; None in all other rows."""
    words: list[str | None] = [None]
    places = np.zeros(len(decoded.frame), np.int64)
    for index, each in enumerate(came):
        for at, text in each.frames.texts.items():
            places[np.searchsorted(decoded.frame, index) + at] = len(words)
            words.append(text)
    return Words(tuple(words), places[rows])


def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()
