"""Turns a body into a frame: the value of each signal at one moment.

Rules: every signal of the table that a body can tell is in each frame, whether it changed or not,
so that a frame can be read without the one before.

Left out on purpose: the frame's number and header, which the link gives.
"""

from collections.abc import Callable
from typing import Final

from monocoque.car.body.logic import Body
from monocoque.contracts import signals
from monocoque.contracts.signals import Signal
from monocoque.contracts.wire import telemetry_pb2

GEARS: Final = {"park": 126.0, "drive": 127.0}

READINGS: Final[tuple[tuple[Signal, Callable[[Body], float]], ...]] = (
    (signals.SPEED, lambda body: body.speed_m_per_s * 3.6),
    (signals.TRAVELED_DISTANCE, lambda body: body.odometer_m),
    (signals.LATITUDE, lambda body: body.place_degrees[0]),
    (signals.LONGITUDE, lambda body: body.place_degrees[1]),
    (signals.CHARGE, lambda body: body.charge_percent),
    (signals.RANGE, lambda body: body.range_km * 1_000),
    (signals.IS_CHARGING, lambda body: body.is_charging),
    (signals.IS_CABLE_CONNECTED, lambda body: body.plugged),
    (signals.CHARGE_LIMIT, lambda body: body.charge_limit_percent),
    (signals.SELECTED_GEAR, lambda body: GEARS[body.gear]),
    (signals.CABIN_TEMPERATURE, lambda body: body.cabin_celsius),
    (signals.CLIMATE_TARGET, lambda body: body.climate_target_decicelsius / 10),
    (signals.IS_CLIMATE_ON, lambda body: body.climate_on),
    (signals.IS_LOCKED, lambda body: body.locked),
    (signals.IS_DOOR_OPEN, lambda body: bool(body.doors_open)),
    (signals.IS_MOVING, lambda body: body.speed_m_per_s > 0),
)
"""How each signal is read off a body."""


def frame_of(body: Body) -> telemetry_pb2.Frames:
    """The frame of this body at its moment."""
    return telemetry_pb2.Frames(
        begins_at_us=body.at_us,
        signal_ids=[signal.number for signal, _ in READINGS],
        offsets_ms=[0] * len(READINGS),
        values=[float(read(body)) for _, read in READINGS],
    )
