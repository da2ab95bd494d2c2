"""A header says who made a message when; a message that has one keeps it."""

from random import Random

import structlog

from monocoque.contracts import identifiers
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.header import HEADER_VERSION, stamp
from tests.fixtures.http import SettableClock


def test_a_message_that_starts_a_chain_has_a_chain_of_its_own_and_never_expires() -> None:
    clock, echo = SettableClock(), Echo()
    stamp(echo, clock, Random(1))

    assert echo.header.version == HEADER_VERSION
    identifiers.parse(echo.header.message_id, "message")
    identifiers.parse(echo.header.trace_id, "trace")
    assert echo.header.occurred_at_us == clock.now_us()
    assert echo.header.expires_at_us == 0


def test_a_message_may_belong_to_a_chain_and_have_a_time_to_act() -> None:
    clock, echo = SettableClock(), Echo()
    stamp(echo, clock, Random(1), trace_id="trace_x", expires_in_s=1.5)

    assert echo.header.trace_id == "trace_x"
    assert echo.header.expires_at_us == clock.now_us() + 1_500_000


def test_a_message_that_follows_from_something_keeps_the_trace_that_is_bound() -> None:
    followed, named = Echo(), Echo()
    with structlog.contextvars.bound_contextvars(trace_id="trace_bound"):
        stamp(followed, SettableClock(), Random(1))
        stamp(named, SettableClock(), Random(1), trace_id="trace_x")

    assert followed.header.trace_id == "trace_bound"
    assert named.header.trace_id == "trace_x"


def test_a_message_that_is_said_again_stays_the_same() -> None:
    clock, random, echo = SettableClock(), Random(1), Echo()
    stamp(echo, clock, random)
    first = echo.SerializeToString()
    clock.advance(10)
    stamp(echo, clock, random, trace_id="trace_x", expires_in_s=1)

    assert echo.SerializeToString() == first
