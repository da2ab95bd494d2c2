"""What no database could keep, and no page could show, stays outside the door."""

import math

import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from monocoque.contracts.errors import MessageMalformed
from monocoque.contracts.wire.car_pb2 import CarEvent, CarHello, CarState
from monocoque.contracts.wire.command_pb2 import CarBody, CommandEnvelope
from monocoque.contracts.wire.header_pb2 import Header
from monocoque.contracts.wire.telemetry_pb2 import Frames
from monocoque.plumbing.bus.values import NUMBER_MAX, TIME_US_MAX, check_values

KEPT = [
    CarHello(),
    CarHello(boot_count=NUMBER_MAX, software_version="ä 字"),
    CarState(started_at_us=TIME_US_MAX, disk_free_bytes=NUMBER_MAX),
    CarBody(latitude_degrees=-33.9, doors_open=["row1_left", "row1_right"], locked=True),
    CommandEnvelope(command=b"\0", grants=[b"\0", b""]),
    Frames(signal_ids=[1, 2], offsets_ms=[-1, 0], values=[0.0, -1.5], texts={1: "ä"}),
    ListValue(values=[Value(number_value=1.0), Value(string_value="ä")]),
]

REFUSED = [
    (CarHello(boot_count=NUMBER_MAX + 1), "CarHello.boot_count"),
    (CarHello(software_version="1\0"), "CarHello.software_version"),
    (CarEvent(kind="\0"), "CarEvent.kind"),
    (CarState(started_at_us=TIME_US_MAX + 1), "CarState.started_at_us"),
    (CarState(started_at_us=-1), "CarState.started_at_us"),
    (CarState(disk_free_bytes=2**64 - 1), "CarState.disk_free_bytes"),
    (CarBody(speed_kmh=math.nan), "CarBody.speed_kmh"),
    (CarBody(range_km=-math.inf), "CarBody.range_km"),
    (CarBody(doors_open=["row1_left", "row\0"]), "CarBody.doors_open"),
    (CarHello(header=Header(expires_at_us=-1)), "Header.expires_at_us"),
    (Frames(values=[0.0, math.inf]), "Frames.values"),
    (Frames(texts={1: "ä", 2: "\0"}), "Frames.texts"),
    (ListValue(values=[Value(), Value(string_value="\0")]), "Value.string_value"),
    (Struct(fields={"\0": Value()}), "Struct.fields"),
]


@pytest.mark.parametrize("message", KEPT, ids=str)
def test_what_can_be_kept_passes(message):
    check_values(message)


@pytest.mark.parametrize(("message", "field"), REFUSED, ids=[field for _, field in REFUSED])
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_field(message, field):
    with pytest.raises(MessageMalformed, match=field):
        check_values(message)
