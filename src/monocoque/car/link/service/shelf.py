"""The shelf: what the spool's rows hold, in memory too, so that sending a frame reads no row.

Rules:

* the rows are the truth. ``plan`` says within a transaction what is to be done to them, and changes
  nothing here, since a transaction may run twice or fail; ``follow`` does it here after the commit;
* whoever does not know whether a transaction happened throws the shelf away and reads it again;
* sequences rise, with gaps where a frame was given up.

Left out on purpose: a bound. The spool's own limits are the shelf's.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Frame(NamedTuple):
    """One frame that waits."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """What one transaction does."""

    confirmed: int
    """How many of the oldest go because the cell has them."""
    dropped: int
    """How many of the oldest after those go because there is no room."""
    up_to: int
    """The last sequence of those that go; 0 when none does."""
    added: Frame | None
    """The frame that comes."""


@dataclass
class Shelf:
    """The frames that wait, oldest first."""

    last: int
    """The last sequence that was given."""
    frames: list[Frame]
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        """Weigh them."""
        self.size_bytes = sum(len(frame.payload) for frame in self.frames)

    @property
    def oldest(self) -> int:
        """The first sequence that is still here; 0 for none."""
        return self.frames[0].sequence if self.frames else 0

    def plan(self, confirmed: int, payload: bytes | None, frames_max: int, bytes_max: int) -> Plan:
        """Take out what is confirmed, add a frame, and keep to the limits."""
        added = None if payload is None else Frame(self.last + 1, payload)
        gone = bisect_right(self.frames, confirmed, key=_sequence)
        left, left_bytes = len(self.frames) - gone, self.size_bytes
        left_bytes -= sum(len(frame.payload) for frame in self.frames[:gone])
        if added is not None:
            left, left_bytes = left + 1, left_bytes + len(added.payload)
        dropped = 0
        whole = [*self.frames[gone:], added] if left > frames_max or left_bytes > bytes_max else []
        for frame in whole:
            if frame is None or (left <= frames_max and left_bytes <= bytes_max):
                break
            dropped, left, left_bytes = dropped + 1, left - 1, left_bytes - len(frame.payload)
        goes = gone + dropped
        up_to = 0
        if goes > len(self.frames):
            assert added is not None
            up_to = added.sequence
        elif goes:
            up_to = self.frames[goes - 1].sequence
        return Plan(gone, dropped, up_to, added)

    def follow(self, plan: Plan) -> None:
        """The plan is on record."""
        if plan.added is not None:
            self.frames.append(plan.added)
            self.last = plan.added.sequence
            self.size_bytes += len(plan.added.payload)
        goes = plan.confirmed + plan.dropped
        self.size_bytes -= sum(len(frame.payload) for frame in self.frames[:goes])
        del self.frames[:goes]

    def after(self, sequence: int, count_max: int) -> Sequence[Frame]:
        """The frames that follow on this sequence, oldest first."""
        begin = bisect_right(self.frames, sequence, key=_sequence)
        return self.frames[begin : begin + count_max]


def _sequence(frame: Frame) -> int:
    return frame.sequence
