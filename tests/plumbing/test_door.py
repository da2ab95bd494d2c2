"""The door takes what its rules allow and refuses the rest, and counts and logs what it refused."""

from dataclasses import replace
from random import Random

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    MessageExpired,
    MessageFromTheFuture,
    MessageMalformed,
    MessageRefused,
    MessageTooLarge,
    MessageVersionUnknown,
)
from monocoque.contracts.topics import CAR_STATE, ECHO_ANSWERS, ECHO_STATE
from monocoque.contracts.wire.car_pb2 import CarState
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.door import SUBJECTS_REMEMBERED_MAX, Door
from monocoque.plumbing.bus.header import HEADER_VERSION, stamp
from monocoque.plumbing.metrics import Metrics
from tests.fixtures.http import SettableClock

SUBJECT = ECHO_ANSWERS.subject(echo_id="a")
LOG_INTERVAL_S = 60.0


class DoorUnderTest:
    """A door with a clock that is set by hand, and what it counted and logged."""

    def __init__(self) -> None:
        self.clock = SettableClock()
        self.metrics = Metrics()
        self.logged: list[str] = []
        log = structlog.wrap_logger(None, processors=[self._keep])
        config = BusConfig(refusal_log_interval_s=LOG_INTERVAL_S)
        self.door = Door(self.clock, self.metrics, log, config)

    def _keep(self, _logger, _level, event):
        self.logged.append(event["error_code"])
        raise structlog.DropEvent

    def echo(self, **fields) -> Echo:
        """A message with its header."""
        message = Echo(**fields)
        stamp(message, self.clock, Random(1))
        return message

    def refused(self, code: str) -> float:
        """How many messages were refused with this code."""
        labels = {"topic": ECHO_ANSWERS.name, "code": code}
        return self.metrics.registry.get_sample_value("monocoque_messages_refused_total", labels)


@pytest.fixture
def tested() -> DoorUnderTest:
    return DoorUnderTest()


def _without_id(echo: Echo) -> None:
    echo.header.message_id = ""


def _with_the_id_of_a_car(echo: Echo) -> None:
    echo.header.message_id = echo.header.message_id.replace("message_", "car_")


def _of_no_version(echo: Echo) -> None:
    echo.header.version = 0


def _of_a_later_version(echo: Echo) -> None:
    echo.header.version = HEADER_VERSION + 1


def _ahead(echo: Echo) -> None:
    echo.header.occurred_at_us += CLOCK_DIFFERENCE_S_MAX * 1_000_000 + 1


def _expired_now(echo: Echo) -> None:
    echo.header.expires_at_us = echo.header.occurred_at_us


def _too_large(echo: Echo) -> None:
    echo.payload = b"x" * ECHO_ANSWERS.message_bytes_max


MISTAKES = pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(_without_id, MessageMalformed, id="no message id"),
        pytest.param(_with_the_id_of_a_car, MessageMalformed, id="the id of something else"),
        pytest.param(_of_no_version, MessageVersionUnknown, id="no version"),
        pytest.param(_of_a_later_version, MessageVersionUnknown, id="a later version"),
        pytest.param(_ahead, MessageFromTheFuture, id="ahead of our clock"),
        pytest.param(_expired_now, MessageExpired, id="its time has just passed"),
        pytest.param(_too_large, MessageTooLarge, id="larger than the topic allows"),
    ],
)


@MISTAKES
def test_the_same_mistake_is_refused_on_the_way_out_and_on_the_way_in(tested, spoil, error):
    echo = tested.echo()
    spoil(echo)
    with pytest.raises(error):
        tested.door.outgoing(ECHO_ANSWERS, echo)
    with pytest.raises(error):
        tested.door.incoming(ECHO_ANSWERS, echo.SerializeToString())


@MISTAKES
def test_a_reader_is_given_nothing_in_place_of_a_mistake(tested, spoil, error):
    echo = tested.echo()
    spoil(echo)
    assert tested.door.deliver(ECHO_ANSWERS, SUBJECT, echo.SerializeToString()) is None
    assert tested.refused(error.code) == 1
    assert tested.logged == [error.code]


@pytest.mark.parametrize(
    "field", ["occurred_at_us", "expires_at_us"], ids=["just not ahead", "about to expire"]
)
def test_the_last_moment_that_is_allowed_is_allowed(tested, field):
    echo = tested.echo()
    now_us = tested.clock.now_us()
    limit_us = CLOCK_DIFFERENCE_S_MAX * 1_000_000 if field == "occurred_at_us" else 1
    setattr(echo.header, field, now_us + limit_us)
    assert tested.door.incoming(ECHO_ANSWERS, echo.SerializeToString()) == echo


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_arrive_or_be_refused(data):
    tested = DoorUnderTest()
    delivery = tested.door.deliver(ECHO_ANSWERS, SUBJECT, data)
    assert delivery is None
    assert len(tested.logged) == 1


@given(st.integers(0, 2**32), st.binary(max_size=1_000))
def test_what_goes_out_comes_in(sequence, payload):
    tested = DoorUnderTest()
    echo = tested.echo(sequence=sequence, payload=payload)
    delivery = tested.door.deliver(
        ECHO_ANSWERS, SUBJECT, tested.door.outgoing(ECHO_ANSWERS, echo), attempt=3, handle=7
    )
    assert delivery is not None
    assert (delivery.message, delivery.identifiers) == (echo, {"echo_id": "a"})
    assert (delivery.attempt, delivery.handle) == (3, 7)
    assert tested.logged == []


def test_a_message_of_another_topic_does_not_leave(tested):
    state = CarState()
    stamp(state, tested.clock, Random(1))
    with pytest.raises(MessageMalformed):
        tested.door.outgoing(ECHO_ANSWERS, state)
    assert tested.door.outgoing(CAR_STATE, state)


@pytest.mark.parametrize(
    "subject", ["echo.a.state", "echo.a", "echo.a/b.answers", "echo.a.answers.more"]
)
def test_a_subject_of_another_topic_is_refused(tested, subject):
    data = tested.door.outgoing(ECHO_ANSWERS, tested.echo())
    assert tested.door.deliver(ECHO_ANSWERS, subject, data) is None
    assert tested.refused("message_malformed") == 1


def test_the_same_refusal_is_logged_at_a_bounded_pace_and_always_counted(tested):
    refusal = MessageRefused("No.")
    for _ in range(3):
        tested.door.refuse(ECHO_ANSWERS, refusal)
    tested.door.refuse(ECHO_STATE, refusal)
    assert tested.logged == [refusal.code] * 2

    tested.clock.advance(LOG_INTERVAL_S)
    tested.door.refuse(ECHO_ANSWERS, refusal)
    assert tested.logged == [refusal.code] * 3
    assert tested.refused(refusal.code) == 4


def test_a_live_reader_is_given_no_more_than_the_rate_of_what_keeps_nothing(tested):
    topic = replace(ECHO_ANSWERS, rate_per_minute_max=1)
    data = tested.door.outgoing(topic, tested.echo())
    rates = tested.door.rates()
    heard = [tested.door.hear(topic, SUBJECT, data, rates) for _ in range(3)]
    assert [delivery is not None for delivery in heard] == [True, True, False]
    assert tested.logged == ["too_many_requests"]

    tested.clock.advance(60)
    assert tested.door.hear(topic, SUBJECT, data, rates) is not None


def test_what_a_bus_keeps_is_heard_however_often_it_comes(tested):
    topic = replace(ECHO_STATE, rate_per_minute_max=1)
    subject = topic.subject(echo_id="a")
    data = tested.door.outgoing(topic, tested.echo())
    rates = tested.door.rates()
    assert all(tested.door.hear(topic, subject, data, rates) for _ in range(10))
    assert len(rates) == 0


def test_subjects_are_remembered_up_to_a_limit(tested):
    data = tested.door.outgoing(ECHO_ANSWERS, tested.echo())
    for number in range(SUBJECTS_REMEMBERED_MAX + 1):
        subject = ECHO_ANSWERS.subject(echo_id=f"e{number}")
        for _ in range(2):
            delivery = tested.door.deliver(ECHO_ANSWERS, subject, data)
            assert delivery.identifiers == {"echo_id": f"e{number}"}
    assert len(tested.door._named) == 1


def test_bytes_that_were_good_a_moment_ago_are_asked_again_when_time_has_passed(tested):
    message = tested.echo(sequence=1)
    message.header.expires_at_us = tested.clock.now_us() + 1_000_000
    data = tested.door.outgoing(ECHO_ANSWERS, message)
    assert tested.door.incoming(ECHO_ANSWERS, data) == message
    tested.clock.advance(1.0)
    with pytest.raises(MessageExpired):
        tested.door.incoming(ECHO_ANSWERS, data)
