"""VISS requests, filters and answers: what is read, decided and written."""

import contextlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.signals.logic.texts import elements_of, text_of, value_of
from monocoque.car.viss.logic.answers import (
    data_of,
    datapoint,
    error_of,
    metadata_of,
    time_text,
)
from monocoque.car.viss.logic.requests import (
    Boundary,
    Change,
    Curvelog,
    Range,
    Request,
    Timebased,
    parse,
    parse_filter,
    parse_text,
    request_id_of,
)
from monocoque.car.viss.logic.watching import is_told, reduced
from monocoque.contracts import errors
from monocoque.contracts.errors import RequestMalformed, SignalValueRefused
from monocoque.contracts.signals import CHARGE_LIMIT, SPEED, DataType, EntryType, Signal


def asked(action="subscribe", **members) -> Request:
    return parse({"action": action, "path": "Vehicle.Speed"} | members)


def when(variant, parameter):
    return asked(filter={"variant": variant, "parameter": parameter}).when


def test_requests_are_read() -> None:
    text = '{"action":"get","path":"/Vehicle/Speed","requestId":"5","authorization":"t","new":1}'
    assert parse_text(text) == Request("get", "Vehicle.Speed", (), "5", "t")
    assert asked("set", value="5").value == "5"
    assert asked("set", value=["1", "2"]).value == ("1", "2")
    assert parse({"action": "unsubscribe", "subscriptionId": "7"}).subscription_id == "7"


def test_filters_are_read() -> None:
    assert asked().when == Change("ne", 0.0)
    assert when("timebased", {"period": "100"}) == Timebased(100)
    assert when("change", {"logic-op": "gt", "diff": "-1.5"}) == Change("gt", -1.5)
    assert when("range", {"logic-op": "gte", "boundary": 5}) == Range((Boundary("gte", 5.0),))
    two = [
        {"logic-op": "lt", "boundary": "1", "combination-op": "OR"},
        {"logic-op": "gt", "boundary": "9"},
    ]
    assert when("range", two) == Range((Boundary("lt", 1.0), Boundary("gt", 9.0)), "OR")
    # The schema of VISS 3.0 has another name for it than its text.
    assert when("range", {"boundary-op": "lt", "boundary": "5"}) == Range((Boundary("lt", 5.0),))
    assert when("curvelog", {"maxerr": "2", "bufsize": "15"}) == Curvelog(2.0, 15)
    several = [
        {"variant": "paths", "parameter": ["A.B", "C"]},
        {"variant": "timebased", "parameter": {"period": 50}},
    ]
    request = asked(filter=several)
    assert (request.paths, request.when) == (("A.B", "C"), Timebased(50))
    assert asked("get", filter={"variant": "paths", "parameter": "A"}).paths == ("A",)
    for nothing in ({}, {"parameter": ""}, {"parameter": []}, {"parameter": None}):
        assert asked("get", filter={"variant": "metadata", **nothing}).metadata == ()
    some = {"variant": "metadata", "parameter": ["type", "datatype"]}
    assert asked("get", filter=some).metadata == ("type", "datatype")
    assert asked("get", filter={"variant": "metadata", "parameter": "unit"}).metadata == ("unit",)
    assert asked("get").metadata is None
    for text, seconds in (("PT1M", 60), ("P1DT2H3M4S", 93_784), ("P2D", 172_800)):
        request = asked("get", filter={"variant": "history", "parameter": text})
        assert request.history_s == seconds


@pytest.mark.parametrize(
    "members",
    [
        [],
        {},
        {"action": "steal"},
        {"action": ["get"]},
        {"action": "get"},
        {"action": "get", "path": ""},
        {"action": "get", "path": 5},
        {"action": "get", "path": "V" * 10_000},
        {"action": "get", "path": "A", "requestId": 5},
        {"action": "get", "path": "A", "authorization": []},
        {"action": "set", "path": "A"},
        {"action": "set", "path": "A", "value": 5},
        {"action": "set", "path": "A", "value": ["a"] * 2_000},
        {"action": "unsubscribe"},
        {"action": "subscribe", "path": "A", "filter": 5},
        {"action": "subscribe", "path": "A", "filter": [{"variant": "metadata"}] * 5},
        {"action": "subscribe", "path": "A", "filter": {"variant": "metadata"}},
        {"action": "subscribe", "path": "A", "filter": {"variant": "history", "parameter": "PT1M"}},
        {"action": "get", "path": "A", "filter": {"variant": "timebased",
                                                  "parameter": {"period": 5}}},
        {"action": "get", "path": "A", "filter": {"variant": "history", "parameter": "1 hour"}},
        {"action": "get", "path": "A", "filter": {"variant": "history", "parameter": "P"}},
        {"action": "get", "path": "A", "filter": {"variant": "history", "parameter": "PT"}},
        {"action": "get", "path": "A", "filter": {"variant": "history", "parameter": 5}},
    ],
)  # fmt: skip
def test_a_request_that_is_wrong_is_refused(members) -> None:
    with pytest.raises(RequestMalformed):
        parse(members)


@pytest.mark.parametrize(
    ("variant", "parameter"),
    [
        ("nothing", {}),
        (None, {}),
        ("paths", []),
        ("paths", [5]),
        ("paths", ["a"] * 300),
        ("timebased", {"period": "0"}),
        ("timebased", {"period": True}),
        ("timebased", {"period": "NaN"}),
        ("timebased", {"period": 1e16}),
        ("timebased", 5),
        ("change", {"logic-op": "is", "diff": 5}),
        ("change", {"logic-op": "ne"}),
        ("range", []),
        ("range", [5]),
        ("range", {"boundary-op": "in", "boundary": 5}),
        ("change", {"boundary-op": "lt", "diff": 5}),
        ("metadata", 5),
        ("metadata", ["type"] * 65),
        ("range", {"logic-op": 5, "boundary": 5}),
        ("range", {"logic-op": "gt", "boundary": "x"}),
        ("range", {"logic-op": "gt", "boundary": 5, "combination-op": "NOR"}),
        ("curvelog", {"maxerr": 1, "bufsize": 1}),
        ("curvelog", {"maxerr": 1, "bufsize": 5_000}),
    ],
)
def test_a_filter_that_is_wrong_is_refused(variant, parameter) -> None:
    with pytest.raises(RequestMalformed):
        when(variant, parameter)


WORDS = st.sampled_from(
    ["action", "get", "set", "subscribe", "path", "filter", "variant", "parameter", "range",
     "paths", "history", "logic-op", "boundary", "gt", "value", "requestId", "PT1M", "period",
     "timebased"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=25,
)


@given(JSON)
def test_no_json_brings_the_parser_down(value) -> None:
    with contextlib.suppress(RequestMalformed):
        parse(value)
    text = json.dumps(value)
    request_id_of(text)
    with contextlib.suppress(RequestMalformed):
        parse_text(text)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_text_brings_the_parser_down(text) -> None:
    request_id_of(text)
    with contextlib.suppress(RequestMalformed):
        parse_text(text)


def test_a_filter_of_a_query_is_json() -> None:
    assert parse_filter('{"variant":"metadata"}') == {"variant": "metadata"}
    with pytest.raises(RequestMalformed):
        parse_filter("{")


def test_the_name_of_a_request_is_found_even_when_the_rest_is_wrong() -> None:
    assert request_id_of('{"requestId":"7"}') == "7"
    assert request_id_of('{"requestId":7}') is None


@pytest.mark.parametrize(
    ("how", "value", "told", "said"),
    [
        (Change("ne", 0), 5.0, None, True),
        (Change("ne", 0), 5.0, 5.0, False),
        (Change("gt", 2), 8.0, 5.0, True),
        (Change("gt", 2), 7.0, 5.0, False),
        (Change("lte", -1), 4.0, 5.0, True),
        (Change("ne", 0), "b", "a", True),
        (Change("eq", 0), "a", "a", True),
        (Change("ne", 0), (1,), (1,), False),
        (Range((Boundary("gt", 5),)), 6, 6, True),
        (Range((Boundary("gt", 5),)), 5, None, False),
        (Range((Boundary("gt", 5), Boundary("lt", 9))), 10, None, False),
        (Range((Boundary("lt", 5), Boundary("gt", 9)), "OR"), 10, None, True),
        (Range((Boundary("lt", 5), Boundary("gte", 9)), "OR"), 7, None, False),
        (Range((Boundary("eq", 5),)), "5", None, False),
    ],
)
def test_a_subscription_says_what_its_filter_lets_through(how, value, told, said) -> None:
    assert is_told(how, value, told) is said


def test_a_curve_is_said_by_few_points() -> None:
    line = [(turn, float(turn)) for turn in range(10)]
    assert reduced(line, 0.1) == [line[0], line[-1]]
    bent = [*line, *((10 + turn, 9.0 - turn) for turn in range(10))]
    assert (9, 9.0) in reduced(bent, 0.6)
    assert reduced([(1, "a"), (2, "b"), (3, "c")], 1.0) == [(1, "a"), (2, "b"), (3, "c")]
    assert reduced(line[:2], 0.0) == line[:2]


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=30), st.floats(0, 20)
)  # fmt: skip
def test_no_point_is_further_from_the_curve_than_was_allowed(values, error_max) -> None:
    points = [(turn * 1_000, value) for turn, value in enumerate(values)]
    kept = reduced(points, error_max)
    for (a_us, a), (b_us, b) in itertools.pairwise(kept):
        for time_us, value in points:
            if a_us <= time_us <= b_us:
                share = (time_us - a_us) / (b_us - a_us)
                on_the_line = float(str(a)) + (float(str(b)) - float(str(a))) * share
                assert abs(on_the_line - value) <= error_max + 1e-9


def test_answers_are_texts() -> None:
    assert time_text(1_700_000_000_123_456) == "2023-11-14T22:13:20.123456Z"
    assert time_text(-5) == time_text(0) == "1970-01-01T00:00:00.000000Z"
    assert time_text(2**62) == "9999-12-31T23:59:59.999999Z"
    assert datapoint(True, 0)["value"] == "true"
    assert datapoint((1, 2), 0)["value"] == ["1", "2"]
    one = (SPEED, datapoint(5.5, 0))
    assert data_of([one])["path"] == SPEED.path
    assert [each["path"] for each in data_of([one, one])] == [SPEED.path] * 2


def test_errors_have_the_numbers_of_the_specification() -> None:
    for error, number, reason in (
        (RequestMalformed("x"), 400, "bad_request"),
        (errors.SignalTokenExpired("x"), 401, "expired_token"),
        (errors.SignalUnknown("x"), 404, "unavailable_data"),
        (errors.QueueFull("x"), 429, "too_many_requests"),
        (errors.DefectError("x"), 502, "bad_gateway"),
    ):
        said = error_of(error)
        assert (said["number"], said["reason"]) == (number, reason)


def test_metadata_is_a_tree() -> None:
    tree = metadata_of([SPEED, CHARGE_LIMIT])
    assert tree["Vehicle"]["type"] == "branch"
    speed = tree["Vehicle"]["children"]["Speed"]
    assert (speed["datatype"], speed["unit"]) == ("float", "km/h")
    assert not {"min", "max"} & set(speed)  # the standard names none
    battery = tree["Vehicle"]["children"]["Powertrain"]["children"]["TractionBattery"]
    limit = battery["children"]["Charging"]["children"]["ChargeLimit"]
    assert (limit["min"], limit["max"]) == ("0", "100")
    chosen = metadata_of([SPEED], ("type", "unit"))["Vehicle"]
    leaf = {"type": "sensor", "unit": "km/h"}
    assert chosen == {"type": "branch", "children": {"Speed": leaf}}
    assert metadata_of([SPEED], ("unit",))["Vehicle"]["children"]["Speed"] == {"unit": "km/h"}
    words = Signal(9, "A.B", DataType.STRING, EntryType.SENSOR, "", "x", allowed=("X", "Y"))
    assert metadata_of([words])["A"]["children"]["B"]["allowed"] == ["X", "Y"]


def typed(data_type: str) -> Signal:
    return Signal(9, "Vehicle.A", DataType(data_type), EntryType.SENSOR, "", "x")


@pytest.mark.parametrize(
    ("data_type", "text", "value"),
    [
        ("boolean", "TRUE", True),
        ("boolean", "off", False),
        ("string", " a ", " a "),
        ("int8", "-5", -5),
        ("float", "1e3", 1_000.0),
        ("uint8[]", "1, 2", (1, 2)),
        ("uint8[]", "", ()),
    ],
)
def test_texts_are_values(data_type, text, value) -> None:
    assert value_of(typed(data_type), text) == value


def test_a_comma_within_an_element_is_part_of_it() -> None:
    assert elements_of(typed("string[]"), ("a,b", "")) == ("a,b", "")
    assert elements_of(typed("uint8[]"), ("1", "2")) == (1, 2)
    with pytest.raises(SignalValueRefused):
        elements_of(typed("uint8[]"), ("1", "x"))


@pytest.mark.parametrize(
    ("data_type", "text"),
    [("boolean", "1"), ("int8", "1.0"), ("float", "nan"), ("float", "\u0663"), ("uint8[]", "1,x"),
     ("string", "x" * 70_000)],
)  # fmt: skip
def test_a_text_that_is_no_value_is_refused(data_type, text) -> None:
    with pytest.raises(SignalValueRefused):
        value_of(typed(data_type), text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_out_of_its_text(value) -> None:
    with contextlib.suppress(SignalValueRefused):
        assert value_of(typed("double"), text_of(value)) == value
