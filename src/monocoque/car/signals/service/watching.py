"""What there is to measure at the present moment, for the link.

Rules: it is asked inside the caller's transaction, so that looking at the body and keeping what was
seen cost one write. A car is awake that drives, moves a part of it, or was touched within
``AWAKE_AFTER_US``; another one that fills its battery charges; any other sleeps.

Left out on purpose: asking at an interval, how often each of them is kept, and keeping. The link
does all three.
"""

import enum
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from monocoque.car.body import service as body_service
from monocoque.car.body.logic import Body
from monocoque.car.signals.logic import frames
from monocoque.contracts.wire import telemetry_pb2

AWAKE_AFTER_US: Final = 60_000_000
"""How long a car stays awake after somebody has commanded it, parked it or plugged it in."""


class Watch(enum.Enum):
    """How closely a car is looked at."""

    SLEEPS = "sleeps"
    CHARGES = "charges"
    AWAKE = "awake"


@dataclass(frozen=True, slots=True)
class Seen:
    """A body at one moment."""

    body: Body

    @property
    def watch(self) -> Watch:
        """How closely it is worth looking at."""
        return watch_of(self.body)

    def frame(self) -> telemetry_pb2.Frames:
        """The frame of that moment."""
        return frames.frame_of(self.body)


def seen_now(connection: Connection, car_id: str, now_us: int) -> Seen:
    """What the body is like now."""
    return Seen(body_service.present(connection, car_id, now_us))


def watch_of(body: Body) -> Watch:
    """Whether the car is awake, charges or sleeps."""
    is_touched = body.at_us - body.touched_us < AWAKE_AFTER_US
    if body.drive is not None or body.motions or is_touched:
        return Watch.AWAKE
    return Watch.CHARGES if body.is_charging else Watch.SLEEPS
