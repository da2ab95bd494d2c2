"""What no database could keep, and no page could show, stays outside the door."""

import math

import pytest

from monocoque.contracts.errors import MessageMalformed
from monocoque.contracts.wire.car_pb2 import CarEvent, CarHello, CarState
from monocoque.contracts.wire.command_pb2 import CarBody, CommandEnvelope
from monocoque.contracts.wire.header_pb2 import Header
from monocoque.plumbing.bus.values import NUMBER_MAX, TIME_US_MAX, check_values

KEPT = [
    CarHello(),
    CarHello(boot_count=NUMBER_MAX, software_version="ä 字"),
    CarState(started_at_us=TIME_US_MAX, disk_free_bytes=NUMBER_MAX),
    CarBody(latitude_degrees=-33.9, doors_open=["row1_left", "row1_right"], locked=True),
    CommandEnvelope(command=b"\0", grants=[b"\0", b""]),
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
]


@pytest.mark.parametrize("message", KEPT, ids=str)
def test_what_can_be_kept_passes(message):
    check_values(message)


@pytest.mark.parametrize(("message", "field"), REFUSED, ids=[field for _, field in REFUSED])
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_field(message, field):
    with pytest.raises(MessageMalformed, match=field):
        check_values(message)
