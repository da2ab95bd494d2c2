"""The frame of the present moment, for the link.

Rules: it is asked inside the caller's transaction, so that looking at the body and keeping what was
seen cost one write; an asleep car has no frame.

Left out on purpose: asking at an interval, and keeping. The link does both.
"""

from sqlalchemy import Connection

from monocoque.car.body import service as body_service
from monocoque.car.signals import logic
from monocoque.contracts.wire import telemetry_pb2


def frame_now(connection: Connection, car_id: str, now_us: int) -> telemetry_pb2.Frames | None:
    """What the body is like now, or None while it sleeps."""
    body = body_service.present(connection, car_id, now_us)
    return logic.frame_of(body) if body.is_awake else None
