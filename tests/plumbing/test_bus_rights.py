"""Every role says and hears what its rows name, a car only its own, and nobody anything else."""

from dataclasses import replace

import pytest

from monocoque.contracts.errors import TopicRefused, TopicUnknown
from monocoque.contracts.topics import (
    CAR_EVENTS,
    CAR_HELLO,
    CAR_STATE,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_REQUESTS,
    ECHO_STATE,
    TOPICS,
    Role,
)
from monocoque.contracts.views import CAR_FRAMES_IN_BULK
from monocoque.plumbing.bus import rights
from monocoque.plumbing.bus.port import Identity

CAR = Identity(Role.CAR, {"car_id": "car_1"})
ECHO = Identity(Role.ECHO)
REGISTRY = Identity(Role.REGISTRY)
FOREIGN = replace(ECHO_STATE, purpose="Not a row of the table.")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_row_decides_who_publishes_and_who_reads(role, topic):
    identity = Identity(role)
    named = dict.fromkeys(topic.identifier_names, "x")
    for roles, ask in (
        (topic.published_by, rights.publish_subject),
        (topic.read_by, rights.read_pattern),
    ):
        if role in roles:
            assert ask(identity, topic, named) == topic.subject(**named)
        else:
            with pytest.raises(TopicRefused):
                ask(identity, topic, named)


@pytest.mark.parametrize("ask", [rights.publish_subject, rights.read_pattern, rights.read_subject])
def test_a_topic_that_is_not_in_the_table_does_not_exist(ask):
    with pytest.raises(TopicUnknown):
        ask(ECHO, FOREIGN, {"echo_id": "a"})


def test_a_car_publishes_for_itself_and_for_no_other():
    assert rights.publish_subject(CAR, CAR_HELLO, {"car_id": "car_1"}) == "car.car_1.hello"
    for named in ({"car_id": "car_2"}, {"car_id": "*"}, {}):
        with pytest.raises(TopicRefused):
            rights.publish_subject(CAR, CAR_HELLO, named)


@pytest.mark.parametrize("named", [{"echo_id": "*"}, {"echo_id": "a.b"}, {}, {"car_id": "a"}])
def test_a_message_is_published_on_exactly_one_subject(named):
    with pytest.raises(TopicUnknown):
        rights.publish_subject(ECHO, ECHO_STATE, named)


def test_who_leaves_its_own_identifiers_out_means_its_own():
    reader = Identity(Role.REGISTRY, {"car_id": "car_1"})
    assert rights.read_pattern(reader, CAR_STATE, {}) == "car.car_1.state"
    assert rights.read_pattern(REGISTRY, CAR_STATE, {}) == "car.*.state"
    with pytest.raises(TopicRefused):
        rights.read_pattern(reader, CAR_STATE, {"car_id": "car_2"})


def test_an_identity_touches_no_topic_that_does_not_carry_its_identifiers():
    with pytest.raises(TopicRefused):
        rights.read_pattern(Identity(Role.ECHO, {"car_id": "car_1"}), ECHO_STATE, {"echo_id": "a"})


def test_a_last_value_is_read_of_one_subject_of_a_topic_that_keeps_it():
    assert rights.read_subject(ECHO, ECHO_STATE, {"echo_id": "a"}) == "echo.a.state"
    with pytest.raises(TopicUnknown):
        rights.read_subject(ECHO, ECHO_STATE, {})
    with pytest.raises(TopicRefused):
        rights.read_subject(ECHO, ECHO_ANSWERS, {"echo_id": "a"})


@pytest.mark.parametrize("topic", [ECHO_REQUESTS, ECHO_FRAMES], ids=lambda topic: topic.name)
def test_a_service_has_a_consumer_on_a_stream(topic):
    rights.check_consumer(ECHO, topic, "a_Name_1")


@pytest.mark.parametrize(
    ("identity", "topic", "name"),
    [
        pytest.param(Identity(Role.REGISTRY, {"car_id": "c"}), CAR_EVENTS, "a", id="outside"),
        pytest.param(ECHO, ECHO_STATE, "a", id="a last value"),
        pytest.param(ECHO, ECHO_ANSWERS, "a", id="a live topic"),
        pytest.param(ECHO, CAR_EVENTS, "a", id="a topic that it may not read"),
        pytest.param(ECHO, ECHO_FRAMES, "", id="no name"),
        pytest.param(ECHO, ECHO_FRAMES, "a.b", id="a name with a dot"),
        pytest.param(ECHO, ECHO_FRAMES, "a\n", id="a name with a line end"),
        pytest.param(ECHO, ECHO_FRAMES, "a" * 65, id="a name that is too long"),
    ],
)
def test_a_consumer_that_cannot_be_is_refused(identity, topic, name):
    with pytest.raises(TopicRefused):
        rights.check_consumer(identity, topic, name)


def test_a_view_is_for_durable_consumers_of_its_readers_and_for_nothing_else():
    rights.check_consumer(Identity(Role.TELEMETRY), CAR_FRAMES_IN_BULK, "telemetry")
    with pytest.raises(TopicRefused):
        rights.check_consumer(REGISTRY, CAR_FRAMES_IN_BULK, "registry")
    with pytest.raises(TopicUnknown):
        rights.publish_subject(CAR, CAR_FRAMES_IN_BULK, {"car_id": "car_1"})
    with pytest.raises(TopicUnknown):
        rights.read_pattern(Identity(Role.TELEMETRY), CAR_FRAMES_IN_BULK, {})


def test_a_topic_that_is_no_row_and_no_view_has_no_consumer():
    with pytest.raises(TopicUnknown):
        rights.check_consumer(ECHO, replace(ECHO_FRAMES, purpose="Another."), "echo")
