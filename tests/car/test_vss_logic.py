"""A catalogue out of a VSS export: what is taken, and what is named and left out."""

import contextlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.signals.logic import vss
from monocoque.car.signals.logic.vss import Unusable, number_of, read_vss
from monocoque.contracts.errors import CatalogueMalformed
from monocoque.contracts.signals import SPEED, ChangeType, DataType, EntryType

SENSOR = {"type": "sensor", "datatype": "float", "unit": "km/h", "description": "Quick."}


def export(**children):
    """An export with these nodes below ``Vehicle``."""
    return json.dumps({"Vehicle": {"type": "branch", "children": children}}).encode()


def test_a_known_path_keeps_its_number_and_another_has_one_of_its_own_for_ever():
    catalogue, unusable = read_vss(export(Speed=SENSOR, Own={"children": {"Thing": SENSOR}}))
    assert catalogue.at("Vehicle.Speed").number == SPEED.number
    own = catalogue.at("Vehicle.Own.Thing")
    assert own.number == number_of("Vehicle.Own.Thing")
    assert 2**30 <= own.number < 2**31
    assert unusable == ()


def test_a_number_out_of_a_path_is_the_same_in_every_version():
    assert number_of("Vehicle.Own.Thing") == 1938396200


def test_what_a_node_says_is_what_the_signal_is():
    node = {
        "type": "actuator",
        "datatype": "uint8[]",
        "min": 1,
        "max": 9,
        "allowed": [1, 2],
        "x-kuksa-changetype": "onchange",
    }
    catalogue, _ = read_vss(export(A=node, B=SENSOR | {"min": 1, "max": 2.5}))
    a, b = catalogue.at("Vehicle.A"), catalogue.at("Vehicle.B")
    assert (a.entry_type, a.data_type) == (EntryType.ACTUATOR, DataType.UINT8_ARRAY)
    assert (a.minimum, a.maximum, a.allowed) == (1, 9, (1, 2))
    assert a.change_type is ChangeType.ON_CHANGE
    assert (b.minimum, b.unit, b.purpose) == (1.0, "km/h", "Quick.")


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (SENSOR | {"datatype": "Types.Thing"}, "Types.Thing"),
        (SENSOR | {"type": "struct"}, "struct"),
        (SENSOR | {"type": None}, "no text"),
        (SENSOR | {"unit": ["a", "b"]}, "several values"),
        (SENSOR | {"min": 5, "max": 4}, "without any value"),
        (SENSOR | {"min": "5"}, "no number"),
        (SENSOR | {"min": True}, "no number"),
        (SENSOR | {"datatype": "string", "max": 4}, "cannot have"),
        (SENSOR | {"datatype": "uint8", "max": 256}, "does not fit"),
        (SENSOR | {"datatype": "uint8", "min": 0.5}, "does not fit"),
        (SENSOR | {"allowed": "a"}, "no list"),
        (SENSOR | {"allowed": ["a"]}, "not of its type"),
        (SENSOR | {"datatype": "uint8", "allowed": [True]}, "not of its type"),
        (SENSOR | {"datatype": "string", "allowed": [1]}, "not of its type"),
        (SENSOR | {"datatype": "boolean", "allowed": [1]}, "not of its type"),
        ("text", "no node"),
        ({"children": []}, "no node"),
    ],
)
def test_what_cannot_be_used_is_named_and_the_rest_stands(node, reason):
    catalogue, (unusable,) = read_vss(export(Bad=node, Good=SENSOR))
    assert [signal.path for signal in catalogue.signals] == ["Vehicle.Good"]
    assert unusable.path == "Vehicle.Bad"
    assert reason in unusable.reason


def test_a_name_that_is_there_twice_and_a_path_that_is_too_long_are_named():
    good = json.dumps(SENSOR)
    text = '{{"Vehicle": {{"children": {{"A": {}, "A": {}, "{}": {}}}}}}}'.format(
        good, good, "x" * 1_000, good,
    )  # fmt: skip
    catalogue, unusable = read_vss(text.encode())
    assert len(catalogue.signals) == 1
    assert Unusable("A", "is there twice") in unusable
    assert any("too deep" in each.reason for each in unusable)


def _two_paths_with_one_number() -> tuple[str, str]:
    seen: dict[int, str] = {}
    for turn in itertools.count():
        path = f"Vehicle.N{turn}"
        if number_of(path) in seen:
            return seen[number_of(path)], path
        seen[number_of(path)] = path
    raise AssertionError  # there are not so many numbers


def test_two_paths_with_one_number_are_not_both_taken():
    names = [path.removeprefix("Vehicle.") for path in _two_paths_with_one_number()]
    catalogue, (unusable,) = read_vss(export(**dict.fromkeys(names, SENSOR)))
    assert unusable.reason == "has the number of another path"
    assert len(catalogue.signals) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"Vehicle": {"children": {}}}', b"NaN",
     b" " * (vss.FILE_BYTES_MAX + 1)],
)  # fmt: skip
def test_a_file_that_is_no_export_is_refused(data):
    with pytest.raises(CatalogueMalformed):
        read_vss(data)


def test_a_file_with_too_many_signals_is_refused():
    many = {f"S{turn}": SENSOR for turn in range(vss.SIGNALS_MAX + 1)}
    with pytest.raises(CatalogueMalformed, match="more than"):
        read_vss(export(**many))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["children", "type", "datatype", "min", "max", "allowed", "unit", "A"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_json_brings_it_down(value):
    with contextlib.suppress(CatalogueMalformed):
        read_vss(json.dumps({"Vehicle": value}).encode())


@given(st.binary(max_size=64))
def test_no_bytes_bring_it_down(data):
    with pytest.raises(CatalogueMalformed):
        read_vss(data)
