"""What follows from a message has its trace."""

from random import Random

import pytest

from monocoque.contracts import identifiers
from monocoque.contracts.topics import ECHO_REQUESTS
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.logging import current_trace_id
from monocoque.plumbing.service import following, handling
from tests.fixtures.http import SettableClock


def arrived(trace_id: str) -> Delivery[Echo]:
    """A message with this trace."""
    message = Echo()
    stamp(message, SettableClock(), Random(1))
    message.header.trace_id = trace_id
    return Delivery(ECHO_REQUESTS, {"echo_id": "e"}, message)


def said() -> Echo:
    """A message that is said here."""
    message = Echo()
    stamp(message, SettableClock(), Random(2))
    return message


def test_what_is_said_while_a_message_is_handled_has_its_trace_and_an_identifier_of_its_own() -> (
    None
):
    first = arrived(identifiers.make("trace", Random(3).getrandbits))
    with handling(first):
        second = said()

    assert second.header.trace_id == first.message.header.trace_id
    assert second.header.message_id != first.message.header.message_id
    assert current_trace_id() is None
    assert said().header.trace_id != first.message.header.trace_id


@pytest.mark.parametrize("stated", ["", "trace_", "car_0123456789abcdefghjkmnpqrs", "x" * 5_000])
def test_a_trace_that_is_none_goes_no_further(stated: str) -> None:
    with handling(arrived(stated)):
        assert current_trace_id() is None
        identifiers.parse(said().header.trace_id, "trace")


def test_what_follows_from_nothing_begins_a_trace_also_inside_another() -> None:
    with handling(arrived(identifiers.make("trace", Random(3).getrandbits))), following(None):
        assert current_trace_id() is None
