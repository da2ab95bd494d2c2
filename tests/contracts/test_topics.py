"""The table of topics: every row can be said and read back, and no two rows meet."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import topics
from monocoque.contracts.errors import TopicUnknown
from monocoque.contracts.topics import CAR_HELLO, TOPICS, Kept
from monocoque.contracts.wire.header_pb2 import Header

ROWS = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
IDENTIFIERS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(data=st.data(), topic=st.sampled_from(TOPICS))
def test_a_subject_leads_back_to_its_row_and_identifiers(data, topic):
    given_names = {name: data.draw(IDENTIFIERS) for name in topic.identifier_names}
    subject = topic.subject(**given_names)
    assert topic.identifiers(subject) == given_names
    assert topics.find(subject) is topic
    assert topic.pattern(**given_names) == subject


@pytest.mark.parametrize(
    ("first", "second"),
    [pytest.param(a, b, id=f"{a.name} and {b.name}") for a, b in itertools.combinations(TOPICS, 2)],
)
def test_no_subject_belongs_to_two_rows(first, second):
    pairs = list(zip(first.tokens, second.tokens, strict=False))
    fixed = [(a, b) for a, b in pairs if not a.startswith("{") and not b.startswith("{")]
    assert len(first.tokens) != len(second.tokens) or any(a != b for a, b in fixed)
    assert first.stream_name != second.stream_name


@ROWS
def test_a_row_is_whole(topic):
    assert isinstance(topic.message().header, Header)
    assert topic.message.DESCRIPTOR.fields_by_name["header"].number == 1
    assert topic.published_by
    assert topic.read_by
    assert topic.message_bytes_max > 0
    assert topic.rate_per_minute_max > 0
    assert topic.purpose.endswith(".")
    is_stream = topic.kept in (Kept.STREAM, Kept.STREAM_SYNCED)
    assert (topic.retention_s > 0) == is_stream
    assert topic.is_durable == (topic.kept is not Kept.NOTHING)


def test_a_pattern_has_a_star_for_what_is_open():
    assert CAR_HELLO.pattern() == "car.*.hello"
    assert CAR_HELLO.pattern(car_id="car_1") == "car.car_1.hello"


@pytest.mark.parametrize("value", ["", "*", ">", "a.b", "a b", "é", "x" * 65, "a\n"])
def test_an_identifier_cannot_widen_a_subject(value):
    assert CAR_HELLO.identifiers(f"car.{value}.hello") is None
    with pytest.raises(TopicUnknown):
        CAR_HELLO.subject(car_id=value)


@pytest.mark.parametrize("identifiers", [{}, {"car": "x"}, {"car_id": "x", "more": "y"}])
def test_a_subject_needs_exactly_its_identifiers(identifiers):
    with pytest.raises(TopicUnknown):
        CAR_HELLO.subject(**identifiers)


def test_a_pattern_knows_only_its_identifiers():
    with pytest.raises(TopicUnknown):
        CAR_HELLO.pattern(home_id="x")


@pytest.mark.parametrize(
    "subject", ["", "car", "car.x", "car.x.unknown", "car.x.hello.more", "car.x.more.hello"]
)
def test_an_unknown_subject_has_no_row(subject):
    with pytest.raises(TopicUnknown):
        topics.find(subject)
