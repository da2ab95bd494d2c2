"""The frame of the present moment, for the link.

Rules: it is asked inside the caller's transaction, so that looking at the body and keeping what was
seen cost one write; an asleep car has no frame. A car sleeps when it is at rest, and nobody has
touched it for ``AWAKE_AFTER_US``.

Left out on purpose: asking at an interval, and keeping. The link does both.
"""

from typing import Final

from sqlalchemy import Connection

from monocoque.car.body import service as body_service
from monocoque.car.body.logic import Body
from monocoque.car.signals import logic
from monocoque.contracts.wire import telemetry_pb2

AWAKE_AFTER_US: Final = 60_000_000
"""How long a car stays awake after somebody has commanded it, parked it or plugged it in."""


def frame_now(connection: Connection, car_id: str, now_us: int) -> telemetry_pb2.Frames | None:
    """What the body is like now, or None while it sleeps."""
    body = body_service.present(connection, car_id, now_us)
    return logic.frame_of(body) if is_awake(body) else None


def is_awake(body: Body) -> bool:
    """Whether the car measures now: it drives, charges, or was touched a moment ago."""
    return not body.is_at_rest or body.at_us - body.touched_us < AWAKE_AFTER_US
