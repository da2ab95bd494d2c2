"""A catalogue out of a VSS export: what is taken, and what is named and left out."""

import contextlib
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.signals.logic import vss
from monocoque.car.signals.logic.vss import Unusable, number_of, read_vss
from monocoque.contracts.errors import CatalogueMalformed
from monocoque.contracts.signals import SPEED, ChangeType, DataType, EntryType

EXAMPLE = Path(__file__).with_name("vss_example.json")
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
        (SENSOR | {"min": 10**400}, "does not fit"),
        (SENSOR | {"max": float("inf")}, "does not fit"),
        (SENSOR | {"max": float("nan")}, "does not fit"),
        (SENSOR | {"datatype": "uint8", "max": float("nan")}, "does not fit"),
        (SENSOR | {"datatype": "uint8", "max": 10**400}, "does not fit"),
        (SENSOR | {"datatype": "string", "max": 4}, "cannot have"),
        (SENSOR | {"datatype": "uint8", "max": 256}, "does not fit"),
        (SENSOR | {"datatype": "uint8", "min": 0.5}, "does not fit"),
        (SENSOR | {"allowed": "a"}, "no list"),
        (SENSOR | {"allowed": ["a"]}, "not of its type"),
        (SENSOR | {"datatype": "uint8", "allowed": [True]}, "not of its type"),
        (SENSOR | {"datatype": "string", "allowed": [1]}, "not of its type"),
        (SENSOR | {"datatype": "boolean", "allowed": [1]}, "not of its type"),
        (SENSOR | {"allowed": [float("nan")]}, "not of its type"),
        (SENSOR | {"allowed": [{}]}, "not of its type"),
        (SENSOR | {"datatype": "uint8", "allowed": [256]}, "not of its type"),
        (SENSOR | {"max": 5, "allowed": [6]}, "beside its range"),
        (SENSOR | {"datatype": "string[]", "allowed": ["\ud800"]}, "cannot be sent"),
        (SENSOR | {"description": "\ud800"}, "cannot be sent"),
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
    assert Unusable("Vehicle.A", "is there twice") in unusable
    assert any("too deep" in each.reason for each in unusable)


@pytest.mark.parametrize("name", ["", "*", "a.b", "a b", "é", "\ud800", "\x1b[2J", "A\n"])
def test_a_name_that_would_mean_something_else_in_a_path_is_left_out_and_safe_to_show(name):
    catalogue, (unusable,) = read_vss(export(**{name: SENSOR, "Good": SENSOR}))
    assert len(catalogue.signals) == 1
    assert unusable.reason == "has a name that no path can have"
    assert unusable.path.isprintable()
    unusable.path.encode()


def test_a_node_that_says_something_twice_is_left_out_with_its_path():
    good = json.dumps(SENSOR)
    twice = good[:-1] + ', "unit": "m"}'
    text = (
        f'{{"Vehicle": {{"children": {{"Far": {{"children": {{"A": {twice}, "B": {good}}}}}}}}}}}'
    )
    catalogue, unusable = read_vss(text.encode())
    assert [each.path for each in catalogue.signals] == ["Vehicle.Far.B"]
    assert unusable == (Unusable("Vehicle.Far.A", "has 'unit' twice"),)


def test_of_two_with_one_name_the_earlier_stands():
    first, second = (json.dumps(SENSOR | {"unit": unit}) for unit in ("m", "s"))
    text = f'{{"V": {{"children": {{"A": {first}, "A": {second}}}}}}}'
    catalogue, _ = read_vss(text.encode())
    assert catalogue.at("V.A").unit == "m"


def test_an_array_takes_each_of_the_allowed_words_and_whole_numbers_become_floats():
    words = SENSOR | {"datatype": "string[]", "allowed": ["ON", "OFF"]}
    catalogue, unusable = read_vss(export(A=words, B=SENSOR | {"allowed": [1, 2.5]}))
    assert catalogue.at("Vehicle.A").allowed == ("ON", "OFF")
    assert [type(each) for each in catalogue.at("Vehicle.B").allowed] == [float, float]
    assert unusable == ()


def test_the_example_loads_and_says_what_of_it_cannot_be_used():
    catalogue, unusable = read_vss(EXAMPLE.read_bytes())
    assert len(catalogue.signals) == 9
    assert catalogue.at("Vehicle.Speed").number == SPEED.number
    assert catalogue.at("Vehicle.Bench.Drum.Load").unit == "furlongs"
    assert [(each.path, each.reason) for each in unusable] == [
        ("Vehicle.Bench.Lamp", "is there twice"),
        ("Vehicle.Bench.Echo", "has the type 'Types.Echo', which we do not have"),
        ("Vehicle.Bench.Force", "has 'unit' twice"),
        ("Vehicle.Bench.Gain", "has a range without any value"),
        ("Types.Echo.Delay", "is of the kind 'property', which no signal is"),
    ]


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


def test_a_file_with_too_many_branches_is_refused():
    many = {f"B{turn}": {} for turn in range(vss.NODES_MAX)}
    with pytest.raises(CatalogueMalformed, match="branches"):
        read_vss(export(**many))


def test_a_file_with_too_many_signals_is_refused():
    many = {f"S{turn}": SENSOR for turn in range(vss.SIGNALS_MAX + 1)}
    with pytest.raises(CatalogueMalformed, match="more than"):
        read_vss(export(**many))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["sensor", "float", "uint8", "string", "string[]", "boolean"]),
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
