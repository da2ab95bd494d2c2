"""The port to the bus of a vehicle, whatever wire or program is behind it.

Rules:

* a frame has the time at which it was heard; whoever sends one does not say a time;
* a reader that is too slow loses the oldest frames, and ``lost_frames`` says how many;
* frames come in lists, so that a busy bus costs one wake-up for many.

Left out on purpose: frames that carry no data of their own (remote requests, errors of the bus).
They are counted by the adapter and go no further.
"""

from typing import NamedTuple, Protocol


class Frame(NamedTuple):
    """One frame."""

    time_us: int
    """When it was heard, or recorded: UTC in microseconds since 1970."""
    identifier: int
    """11 bits, or 29 of an extended frame (ISO 11898-1)."""
    is_extended: bool
    data: bytes
    """Up to 8 bytes, and up to 64 in CAN FD."""


class CanBus(Protocol):
    """One bus, as one participant hears it."""

    @property
    def lost_frames(self) -> int:
        """How many frames were lost since their reader was too slow."""
        ...

    async def receive(self, frames_max: int, gather_s: float) -> list[Frame]:
        """Wait for a frame, and a little for more of them.

        frames_max: so many at most; then the list is given at once.
        gather_s: how long more are gathered after the first.
        Raises CanBusUnavailable when the bus has gone.
        """
        ...

    async def send(self, frame: Frame) -> None:
        """Put a frame on the bus. Raises CanBusUnavailable; it was not sent then."""
        ...
