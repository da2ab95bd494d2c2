"""What may be said of a signal, and how rows of the catalogue are written."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import SignalValueRefused
from monocoque.contracts.signals import (
    RETIRED,
    SIGNALS,
    ChangeType,
    DataType,
    EntryType,
    Signal,
    check,
)
from monocoque.contracts.signals.kinds import ARRAY_VALUES_MAX, TEXT_CHARACTERS_MAX, WHOLE_LIMITS
from monocoque.contracts.signals.written import rows

SEATS = [f"{row}.{side}" for row in ("Row1", "Row2") for side in ("DriverSide", "PassengerSide")]
FRONT = SEATS[:2]
WANTED = (
    *(f"Cabin.Door.{place}.{name}" for place in SEATS for name in ("IsOpen", "IsLocked")),
    *(f"Cabin.Door.{place}.Window.{name}" for place in SEATS for name in ("Position", "Switch")),
    *(f"Cabin.Seat.{place}.HeatingCooling" for place in SEATS),
    *(f"Cabin.Seat.{place}.{name}" for place in FRONT for name in ("Position", "Height")),
    *(f"Cabin.Seat.{place}.Backrest.Recline" for place in FRONT),
    *(
        f"Cabin.HVAC.Station.Row1.{who}.{name}"
        for who in ("Driver", "Passenger")
        for name in ("Temperature", "FanSpeed")
    ),
    "Cabin.HVAC.IsFrontDefrosterActive",
    "Cabin.HVAC.IsRecirculationActive",
    "Cabin.Sunroof.Switch",
    "Body.Trunk.Rear.IsOpen",
    "Body.Lights.Hazard.IsSignaling",
    "Powertrain.TractionBattery.Charging.ChargeLimit",
    "Powertrain.TractionBattery.Charging.StartStopCharging",
)
NUMBERS = Path(__file__).with_name("signal_numbers.json")


def signal(data_type: str, **more) -> Signal:
    return Signal(1, "Vehicle.A", DataType(data_type), EntryType.SENSOR, "", "x", **more)


@pytest.mark.parametrize(
    ("data_type", "value", "kept"),
    [
        ("boolean", True, True),
        ("string", "a", "a"),
        ("int8", -128, -128),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("float", 5, 5.0),
        ("double", 5.5, 5.5),
        ("uint8[]", (1, 2), (1, 2)),
        ("float[]", (1, 2.5), (1.0, 2.5)),
        ("string[]", (), ()),
    ],
)
def test_a_value_of_its_type_is_taken(data_type, value, kept) -> None:
    taken = check(signal(data_type), value)
    assert (taken, type(taken)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("data_type", "value"),
    [
        ("boolean", 1),
        ("string", 1),
        ("string", "x" * (TEXT_CHARACTERS_MAX + 1)),
        ("int8", 128),
        ("int8", 1.0),
        ("uint8", -1),
        ("uint8", True),
        ("float", "5"),
        ("float", True),
        ("float", float("inf")),
        ("double", float("nan")),
        ("float", 10**400),
        ("double[]", (-(10**400),)),
        ("uint8[]", 1),
        ("uint8[]", (1, 256)),
        ("uint8[]", (1,) * (ARRAY_VALUES_MAX + 1)),
        ("boolean", (True,)),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_path(data_type, value) -> None:
    with pytest.raises(SignalValueRefused, match=r"Vehicle\.A"):
        check(signal(data_type), value)


def test_a_value_beside_the_range_or_the_words_is_refused() -> None:
    ranged = signal("float", minimum=0, maximum=5)
    assert check(ranged, 5.0) == 5.0
    for wrong, said in ((-0.1, "at least 0"), (5.1, "at most 5")):
        with pytest.raises(SignalValueRefused, match=said):
            check(ranged, wrong)
    worded = signal("string", allowed=("ON", "OFF"))
    assert check(worded, "ON") == "ON"
    with pytest.raises(SignalValueRefused, match="ON, OFF"):
        check(worded, "on")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**400)
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@given(st.sampled_from(SIGNALS), ANYTHING)
def test_whatever_is_said_of_a_signal_is_kept_or_refused_and_what_is_kept_fits(row, value) -> None:
    try:
        kept = check(row, value)
    except SignalValueRefused:
        return
    assert check(row, kept) == kept


@given(st.sampled_from(sorted(WHOLE_LIMITS)), st.integers())
def test_whole_numbers_fit_exactly_within_their_type(name, value) -> None:
    smallest, largest = WHOLE_LIMITS[name]
    try:
        fits = check(signal(name), value) == value
    except SignalValueRefused:
        fits = False
    assert fits == (smallest <= value <= largest)


def test_rows_are_read_as_they_are_written() -> None:
    (speed, *lamps) = rows("""
        5 sensor~5 float km/h ..250 Speed
            How fast.
        7 actuator string - ON|OFF Lamp.{Left|Right}.State
            Whether it burns.
        9 attribute uint8 - 1..4 {A|B}.{C|D}
            Something.
    """)
    assert speed == Signal(
        5, "Vehicle.Speed", DataType.FLOAT, EntryType.SENSOR, "km/h", "How fast.",
        None, 250.0, (), ChangeType.CONTINUOUS, 5.0,
    )  # fmt: skip
    assert [(each.number, each.path) for each in lamps[:2]] == [
        (7, "Vehicle.Lamp.Left.State"),
        (8, "Vehicle.Lamp.Right.State"),
    ]
    assert lamps[0].allowed == ("ON", "OFF")
    assert [each.path for each in lamps[2:]] == [
        f"Vehicle.{p}" for p in ("A.C", "A.D", "B.C", "B.D")
    ]
    assert (lamps[2].minimum, lamps[2].change_type) == (1, ChangeType.STATIC)


@pytest.mark.parametrize("text", ["5 sensor float - - Speed", "x\ny", "5 sensor what - - A\nB"])
def test_a_row_that_is_none_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        rows(text)


def test_the_catalogue_is_large_whole_and_without_contradiction() -> None:
    assert len(SIGNALS) >= 300
    for each in SIGNALS:
        assert all(name and name[0].isupper() for name in each.path.split("."))
        limits = each.data_type.whole_limits
        for limit in (each.minimum, each.maximum):
            if limits and limit is not None:
                assert limits[0] <= limit <= limits[1]
        if each.minimum is not None and each.maximum is not None:
            assert each.minimum < each.maximum
        for one in each.allowed:
            check(each, one)
        assert (each.entry_type is EntryType.ATTRIBUTE) == (each.change_type is ChangeType.STATIC)


def test_a_meaning_is_one_sentence_and_few_rows_share_it() -> None:
    shared = Counter(each.purpose for each in SIGNALS)
    for meaning, times in shared.items():
        assert meaning[0].isupper()
        assert meaning.endswith(".")
        assert ". " not in meaning
        assert len(meaning) > 10
        assert times <= 8, meaning


@pytest.mark.parametrize("path", WANTED)
def test_what_the_virtual_car_moves_is_in_the_catalogue(path) -> None:
    (row,) = [each for each in SIGNALS if each.path == f"Vehicle.{path}"]
    assert row.entry_type is EntryType.ACTUATOR


def test_a_number_that_was_given_stays_with_its_path() -> None:
    """A line may be added to the file; none is ever changed or taken away."""
    given_numbers = json.loads(NUMBERS.read_text(encoding="utf-8"))
    known = {str(each.number): each.path for each in SIGNALS}
    known |= {str(each.number): each.path for each in RETIRED}
    assert {number: known.get(number) for number in given_numbers} == given_numbers
    assert set(known) == set(given_numbers), "Add the new numbers to the file."
