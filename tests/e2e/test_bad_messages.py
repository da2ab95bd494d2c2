"""Bad messages of a real car, straight to the bus server: each is counted and disturbs nobody.

Rules: the messages go by the credentials of an enrolled car, past all code of ours that would have
refused to send them; what the cell makes of them is read from its metrics and its health.
"""

import asyncio
import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from nats.aio.client import Client

from monocoque.contracts import errors
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.topics import CAR_EVENTS, CAR_HELLO, Topic
from monocoque.contracts.wire.car_pb2 import CarEvent, CarHello
from monocoque.plumbing.bus.header import HEADER_VERSION, stamp
from monocoque.plumbing.bus.nats_credentials import NatsCredentials
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.clock import SystemClock
from tests.e2e.conftest import CARS
from tests.e2e.installation import Installation, wait_until

COUNTED_S_MAX = 20
REFUSED = "monocoque_messages_refused_total"
AHEAD_US = (CLOCK_DIFFERENCE_S_MAX + 60) * 1_000_000
UNKNOWN_FIELD = b"\xfa\x7f"
"""The key of a field 2047 that holds bytes; their length follows, in seven bits a byte."""
MESSAGES = [
    pytest.param(CAR_HELLO, CarHello(), id="hello"),
    pytest.param(CAR_EVENTS, CarEvent(kind="test"), id="event"),
]


def _of_another_version(message: CarHello | CarEvent) -> bytes:
    message.header.version = HEADER_VERSION + 98
    return message.SerializeToString()


def _from_the_future(message: CarHello | CarEvent) -> bytes:
    message.header.occurred_at_us += AHEAD_US
    return message.SerializeToString()


def _too_large(message: CarHello | CarEvent) -> bytes:
    """A field that the cell does not know is no fault of shape; so the size alone is wrong."""
    size_bytes = CAR_EVENTS.message_bytes_max
    length = bytes([size_bytes & 127 | 128, size_bytes >> 7])
    return message.SerializeToString() + UNKNOWN_FIELD + length + bytes(size_bytes)


async def publish_as_a_car(installation: Installation, topic: str, data: bytes) -> None:
    """What a car with other software than ours could say."""
    car = min((installation.data / "cars").glob("car_*"))
    secrets = car / "secrets"
    place = NatsCredentials((secrets / "bus-place").read_text(), (secrets / "bus-key").read_bytes())
    client = Client()
    await client.connect(
        published_address(installation.data),
        user_jwt_cb=lambda: place.jwt.encode(),
        signature_cb=lambda nonce: place.sign(nonce.encode()),
        inbox_prefix=f"_INBOX_{place.name}".encode(),
        allow_reconnect=False,
    )
    await client.publish(topic.format(car_id=car.name), data)
    await client.drain()


@pytest.mark.parametrize(("topic", "message"), MESSAGES)
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(lambda message: b"no protobuf", errors.MessageMalformed, id="no message"),
        pytest.param(lambda message: b"", errors.MessageMalformed, id="empty"),
        pytest.param(_too_large, errors.MessageTooLarge, id="too large"),
        pytest.param(_of_another_version, errors.MessageVersionUnknown, id="unknown version"),
        pytest.param(_from_the_future, errors.MessageFromTheFuture, id="from the future"),
    ],
)
async def test_a_bad_message_of_a_car_is_counted_by_its_reason_and_disturbs_nobody(
    spoil: Callable[[CarHello | CarEvent], bytes],
    error: type[errors.MonocoqueError],
    topic: Topic[Any],
    message: CarHello | CarEvent,
    installation: Installation,
) -> None:
    bad = copy.deepcopy(message)
    stamp(bad, SystemClock(), random.Random())
    name = topic.name

    def others() -> float:
        return installation.counted(REFUSED) - installation.counted(REFUSED, code=error.code)

    def counted() -> float:
        return installation.counted(REFUSED, topic=name, code=error.code)

    before, others_before = counted(), others()
    await publish_as_a_car(installation, name, spoil(bad))
    # Each service of the cell that reads the topic counts for itself.
    await asyncio.to_thread(
        wait_until, f"{error.code} is counted", lambda: counted() > before, COUNTED_S_MAX
    )
    assert others() == others_before
    assert installation.counted("monocoque_service_restarts_total") == 0
    assert installation.cars_online() == CARS
