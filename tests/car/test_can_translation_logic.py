"""From frames to values and back, by a mapping that is bound to a database and a catalogue."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.can.logic.database import load_database
from monocoque.car.can.logic.mapping import parse_mapping
from monocoque.car.can.logic.transitions import Passed, Transition
from monocoque.car.can.logic.translation import bind
from monocoque.car.can.logic.units import between
from monocoque.car.can.service import own_files
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.errors import (
    CanDatabaseWrong,
    CanFrameBroken,
    CanMappingWrong,
    CanTargetRefused,
)
from monocoque.contracts.signals import CLIMATE_TARGET, IS_CLIMATE_ON, SIGNALS
from tests.car.can_samples import (
    COMMAND,
    DBC,
    DOOR,
    EXACT,
    FAST,
    GEAR,
    HEAT,
    ROWS_IN,
    ROWS_OUT,
    SLOW,
    SPEED,
    TARGET,
    WORD,
    bound,
    fast,
)


def values(translation, address, data):
    """By signal, what a frame says."""
    return {rule.signal.number: value for rule, value in translation.messages[address].decode(data)}


def row(signal, field, more="", message="Fast"):
    return f"  - {{signal: {signal}, message: {message}, field: {field}{more}}}\n"


def refusal(rows_in=ROWS_IN, rows_out=""):
    with pytest.raises(CanMappingWrong) as caught:
        bound(rows_in, rows_out)
    return caught.value.what


# --- the database ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "line 1, column 1"),
        ('VERSION ""', "has no message"),
        ("this is no database", "line 1, column 1"),
        (DBC.replace("(0.1,-10)", "(0.1,-10"), "line 5, column"),
        (DBC.replace("12|3@1+", "62|3@1+"), "Fast"),
        (DBC.replace("12|3@1+", "11|3@1+"), "overlapping"),
        (DBC.replace("VAL_ 512 Mode", "VAL_ 512 Mood"), "VAL_ 512 Mood"),
    ],
)
def test_a_database_with_errors_says_what_and_where(text, what) -> None:
    with pytest.raises(CanDatabaseWrong, match=what):
        load_database(text, is_lenient=False)


def test_a_database_that_overlaps_is_taken_by_the_lenient() -> None:
    assert load_database(DBC.replace("12|3@1+", "11|3@1+"), is_lenient=True).messages


@settings(deadline=None)
@given(st.text(max_size=200) | st.integers(0, len(DBC)).map(lambda cut: DBC[:cut]))
def test_no_text_of_a_database_raises_anything_but_our_error(text) -> None:
    with contextlib.suppress(CanDatabaseWrong):
        load_database(text, is_lenient=True)


# --- units -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "wanted", "number", "becomes"),
    [
        ("mph", "km/h", 100, 160.9344),
        ("MPH", "km/h", 100, 160.9344),
        ("kph", "km/h", 7, 7),
        ("degF", "celsius", 212, 100),
        ("K", "celsius", 273.15, 0),
        ("psi", "kPa", 10, 68.94757),
        ("rad", "degrees", math.pi, 180),
    ],
)
def test_a_unit_becomes_another(unit, wanted, number, becomes) -> None:
    factor, offset = between(unit, wanted)
    assert number * factor + offset == pytest.approx(becomes)


def test_units_that_have_nothing_in_common_become_nothing() -> None:
    assert between("mph", "celsius") is None


# --- the way in --------------------------------------------------------------------------------


def test_a_frame_says_each_signal_that_is_mapped() -> None:
    found = values(bound(), FAST, fast(speed=1_100, gear=1, door=1))
    assert found == {SPEED: pytest.approx(160.9344), GEAR: 127, DOOR: True}
    assert isinstance(found[SPEED], float)
    assert found[DOOR] is True


def test_a_value_that_no_table_knows_or_that_is_skipped_means_nothing() -> None:
    assert values(bound(), FAST, fast(speed=4_095, gear=7)) == {
        SPEED: None, GEAR: None, DOOR: False,
    }  # fmt: skip


def test_a_field_that_is_on_another_page_is_not_in_the_frame() -> None:
    assert values(bound(), SLOW, bytes([0, 43, 0, 0])) == {TARGET: 21.5}
    assert values(bound(), SLOW, bytes([1, 43, 0, 0])) == {}


@pytest.mark.parametrize(
    ("address", "data"),
    [(FAST, b""), (FAST, bytes(7)), (SLOW, bytes([9, 0, 0, 0])), (SLOW, b"\x00")],
)
def test_a_frame_that_is_short_or_senseless_is_broken(address, data) -> None:
    with pytest.raises(CanFrameBroken):
        bound().messages[address].decode(data)


def test_a_whole_number_is_rounded_and_what_is_no_number_means_nothing() -> None:
    translation = bound(row("Vehicle.Exact", "Exact", ", factor: 2"))
    assert values(translation, FAST, fast(exact=1.3)) == {EXACT: 3}
    for exact in (math.inf, math.nan):
        assert values(translation, FAST, fast(exact=exact)) == {EXACT: None}


def test_a_fraction_that_is_no_number_means_nothing() -> None:
    for more in ("", ", factor: 2"):
        translation = bound(row("Vehicle.Heat", "Exact", more))
        for exact in (math.inf, -math.inf, math.nan):
            assert values(translation, FAST, fast(exact=exact)) == {HEAT: None}


def test_a_field_with_a_sign_has_numbers_below_nothing() -> None:
    translation = bound(row("Vehicle.Gear", "Tilt", ", values: {-128: -1, 127: 1}", "Slow"))
    assert translation.numbers == (GEAR,)
    assert values(translation, SLOW, bytes([0, 0, 128, 0])) == {GEAR: -1}
    for number in (-129, 128):
        rows = row("Vehicle.Gear", "Tilt", f", values: {{{number}: 1}}", "Slow")
        assert f"Tilt cannot hold {number}" in refusal(rows)


def test_factor_and_offset_are_of_the_number_that_the_database_gives() -> None:
    translation = bound(row("Vehicle.Heat", "Speed", ", factor: 2, offset: 1"))
    assert values(translation, FAST, fast(speed=200)) == {HEAT: pytest.approx(21.0)}
    same = bound(row("Vehicle.Heat", "Speed"))
    assert values(same, FAST, fast(speed=200)) == {HEAT: pytest.approx(10.0)}


def test_a_text_comes_from_a_table() -> None:
    rows = row("Vehicle.Word", "Word", ", values: {1: ARDEN, 2: LUMIO}", "Slow")
    assert values(bound(rows), SLOW, bytes([1, 2, 0, 0])) == {WORD: "LUMIO"}


@settings(deadline=None)
@given(st.binary(max_size=64), st.sampled_from([FAST, SLOW]))
def test_no_frame_raises_anything_but_our_error(data, address) -> None:
    with contextlib.suppress(CanFrameBroken):
        values(bound(), address, data)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (row("Vehicle.Sped", "Speed"), "There is no signal 'Vehicle.Sped'"),
        (row("Vehicle.Speed", "Speed", message="Fsat"), "the database has no message 'Fsat'"),
        (row("Vehicle.Speed", "Sped"), "Fast has no field 'Sped'"),
        (row("Vehicle.Wheels", "Speed"), "is of type uint8[], and a field has one value"),
        (row("Vehicle.Speed", "Speed", ", unit: furlong"), "how 'furlong' becomes 'km/h'"),
        (row("Vehicle.Word", "Speed"), "is a text; say in values"),
        (row("Vehicle.Door", "Gear"), "is true or false; say in values"),
        (row("Vehicle.Door", "Door", ", factor: 2"), "is true or false; say in values"),
        (row("Vehicle.Door", "Door", ", hysteresis: 2"), "is no number, and has no hysteresis"),
        (row("Vehicle.Gear", "Gear", ", values: {X: 1}"), "gives no value of Gear the name 'X'"),
        (row("Vehicle.Exact", "Exact", ", skip: [X]"), "gives no value of Exact the name 'X'"),
        (row("Vehicle.Gear", "Gear", ", values: {8: 1}"), "Gear cannot hold 8"),
        (row("Vehicle.Gear", "Gear", ", values: {-1: 1}"), "Gear cannot hold -1"),
        (row("Vehicle.Gear", "Gear", ", values: {0: 1, P: 2}"), "says twice what 0 means"),
        (row("Vehicle.Gear", "Gear", ", values: {0: P}"), "is of type int8, and not 'P'"),
        (row("Vehicle.Gear", "Gear", ", values: {0: 300}"), "is of type int8, and not 300"),
        (row("Vehicle.Word", "Gear", ", values: {0: FORD}"), "takes only ARDEN, LUMIO"),
    ],
)
def test_a_row_that_cannot_be_bound_is_named(rows, what) -> None:
    said = refusal(rows)
    assert said.startswith("Row 1 of from_bus (line 3): ")
    assert what in said


# --- transitions -------------------------------------------------------------------------------


def said(transition, *offers):
    """Which of these values, each with its time, are said."""
    passed = Passed(transition)
    return [value for value, time_us in offers if passed.offer(value, time_us)]


def test_only_changes_are_said_unless_every_value_is_wanted() -> None:
    offers = [(1, 0), (1, 1), (2, 2), (2, 3), (1, 4)]
    assert said(Transition(is_every=False), *offers) == [1, 2, 1]
    assert said(Transition(is_every=True), *offers) == [1, 1, 2, 2, 1]


def test_a_hysteresis_passes_what_moved_as_far_as_it_says() -> None:
    offers = [(10.0, 0), (10.4, 1), (9.6, 2), (10.5, 3), (10.1, 4), (10.0, 5)]
    assert said(Transition(is_every=False, hysteresis=0.5), *offers) == [10.0, 10.5, 10.0]


def test_what_comes_too_soon_is_said_when_its_time_has_come() -> None:
    passed = Passed(Transition(is_every=False, interval_us=100))
    assert passed.offer("open", 0)
    assert not passed.offer("shut", 40)
    assert passed.due(99) is None
    assert passed.due(100) == "shut"
    assert passed.due(300) is None
    assert passed.offer("open", 200)


def test_what_went_back_before_its_time_came_is_not_said() -> None:
    passed = Passed(Transition(is_every=False, interval_us=100))
    assert passed.offer(1, 0)
    assert not passed.offer(2, 10)
    assert not passed.offer(1, 20)
    assert passed.due(1_000) is None


def test_what_was_held_back_at_the_end_is_said_once() -> None:
    passed = Passed(Transition(is_every=True, interval_us=100))
    assert passed.offer(1, 0)
    assert not passed.offer(2, 10)
    assert passed.rest() == 2
    assert passed.rest() is None


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    assert said(Transition(is_every=False, interval_us=100), (1, 1_000), (2, 500)) == [1, 2]


def test_a_signal_that_is_continuous_says_every_value_unless_its_row_says_otherwise() -> None:
    def is_every(signal, more):
        return bound(row(signal, "Speed", more)).rules[0].transition.is_every

    assert is_every("Vehicle.Speed", "")
    assert not is_every("Vehicle.Speed", ", publish: change")
    assert not is_every("Vehicle.Speed", ", hysteresis: 1")
    assert not is_every("Vehicle.Heat", "")
    assert is_every("Vehicle.Heat", ", publish: always")


# --- the way out -------------------------------------------------------------------------------


def test_a_target_becomes_a_frame_with_the_constants_of_its_row() -> None:
    asks = bound(rows_out=ROWS_OUT).asks
    assert asks[TARGET].message.address == COMMAND
    assert asks[TARGET].encode(21.5) == bytes([43, 1])


def test_a_frame_asks_for_what_one_act_asks_and_for_nothing_that_was_asked_before() -> None:
    asks = bound(rows_out=ROWS_OUT).asks
    asks[TARGET].encode(21.5)
    assert asks[DOOR].encode(True) == bytes([255, 4])
    assert asks[TARGET].encode(20.0) == bytes([40, 1])
    assert asks[DOOR].encode(False) == bytes([255, 0])


def test_our_own_car_is_asked_for_climate_without_a_target_and_for_a_target_without_climate() -> (
    None
):
    database_path, mapping_path = own_files()
    database = load_database(database_path.read_text(), is_lenient=False)
    mapping = parse_mapping(mapping_path.read_text(), 100)
    asks = bind(mapping, database, Catalogue(SIGNALS)).asks

    def asked(signal, target):
        ask = asks[signal.number]
        return database.decode_message(ask.message.address[0], ask.encode(target))

    assert asked(IS_CLIMATE_ON, True) == {"ClimateTargetAsked": "NOTHING", "ClimateAsked": "ON"}
    assert asked(CLIMATE_TARGET, 22.0) == {"ClimateTargetAsked": 22, "ClimateAsked": "NOTHING"}


def test_a_field_that_nothing_says_or_that_asks_for_something_else_is_named() -> None:
    target = row("Vehicle.Target", "TargetAsked", "", "Command")
    assert "the database has no start value of DoorAsked; say it in with" in refusal(
        ROWS_IN, target
    )
    word = row("Vehicle.Word", "Word", ", values: {1: ARDEN, 2: LUMIO}", "Slow")
    ways = word + ROWS_IN, ", values: {OFF: ARDEN, ON: LUMIO}, with: {DoorAsked: 0}"
    off = row("Vehicle.Word", "Mode", ways[1], "Command")
    door = row("Vehicle.Door", "DoorAsked", "", "Command")
    said = refusal(ways[0], off + door)
    assert said.startswith("Row 2 of to_bus")
    assert "the start value of Mode asks for Vehicle.Word too; say it in with" in said
    said_in_with = row("Vehicle.Door", "DoorAsked", ", with: {Mode: 3}", "Command")
    assert bound(ways[0], off + said_in_with).asks[DOOR].encode(True) == bytes([255, 4 | 3])


@pytest.mark.parametrize("start", ["256", "1.5"])
def test_a_start_value_that_its_field_cannot_hold_is_none(start) -> None:
    text = DBC.replace("SG_ 512 TargetAsked 255", f"SG_ 512 TargetAsked {start}")
    rows = row("Vehicle.Door", "DoorAsked", "", "Command")
    with pytest.raises(CanMappingWrong, match="no start value of TargetAsked"):
        bound(rows_out=rows, dbc=text)


def test_a_frame_that_cannot_be_is_found_when_its_row_is_bound() -> None:
    text = DBC.replace(" SG_ Target m0", ' SG_ Plain : 24|8@1+ (0.5,0) [0|40] "" B\n SG_ Target m0')
    rows = row("Vehicle.Target", "Plain", ", with: {Page: 3}", "Slow")
    with pytest.raises(CanMappingWrong, match="Plain cannot be sent"):
        bound(rows_out=rows, dbc=text)


def test_a_start_value_of_a_fraction_is_sent_as_it_is() -> None:
    text = DBC.replace("SG_ 512 Mode 0", "SG_ 256 Exact 0.25")
    rows = row("Vehicle.Door", "Door", ", with: {Speed: 1, Gear: 0}")
    asks = bound(rows_out=rows, dbc=text).asks
    assert asks[DOOR].encode(True) == fast(speed=1, door=1, exact=0.25)


@pytest.mark.parametrize("target", [-1.0, 40.5, 200.0])
def test_a_target_that_the_field_cannot_hold_is_refused_and_leaves_nothing(target) -> None:
    ask = bound(rows_out=ROWS_OUT).asks[TARGET]
    ask.encode(20.0)
    with pytest.raises(CanTargetRefused):
        ask.encode(target)
    assert ask.encode(21.0) == bytes([42, 1])


def test_a_factor_is_turned_round_on_the_way_out() -> None:
    more = ", factor: 2, offset: 10, with: {DoorAsked: 0}"
    rows_out = row("Vehicle.Target", "TargetAsked", more, "Command")
    assert bound(rows_out=rows_out).asks[TARGET].encode(50.0)[0] == 40


def test_a_table_is_turned_round_on_the_way_out() -> None:
    rows_in = row("Vehicle.Word", "Word", ", values: {1: ARDEN, 2: LUMIO}", "Slow")
    rows_out = row(
        "Vehicle.Word", "Mode", ", values: {OFF: ARDEN}, with: {DoorAsked: 0}", "Command"
    )
    ask = bound(rows_in, rows_out).asks[WORD]
    assert ask.encode("ARDEN") == bytes([255, 0])
    with pytest.raises(CanTargetRefused, match="No value of Mode means LUMIO"):
        ask.encode("LUMIO")


def test_a_field_of_a_fraction_takes_it_as_it_is() -> None:
    rows_out = row("Vehicle.Target", "Exact", ", with: {Speed: 0, Gear: P, Door: 0}")
    assert bound(rows_out=rows_out).asks[TARGET].encode(0.25) == fast(speed=0, exact=0.25)


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (row("Vehicle.Speed", "TargetAsked", "", "Command"), "Vehicle.Speed is no actuator"),
        (row("Vehicle.Word", "Mode", "", "Command"), "no row of from_bus says when"),
        (row("Vehicle.Door", "Mode", "", "Command"), "say in values which number stands for"),
        (row("Vehicle.Door", "Mode", ", values: {0: 5}", "Command"), "is of type boolean"),
        (row("Vehicle.Door", "DoorAsked", ", with: {X: 1}", "Command"), "has no field 'X'"),
        (row("Vehicle.Door", "DoorAsked", ", with: {Mode: 4}", "Command"), "cannot hold 4"),
        (
            row("Vehicle.Target", "Target", ", with: {Page: 2}", "Slow"),
            "Target is not in the frame",
        ),
        (row("Vehicle.Target", "Target", "", "Slow"), "no start value of Page"),
    ],
)
def test_a_row_of_the_way_out_that_cannot_be_bound_is_named(rows, what) -> None:
    said = refusal(ROWS_IN, rows)
    assert said.startswith("Row 1 of to_bus")
    assert what in said


def test_a_page_is_chosen_by_a_constant() -> None:
    rows_out = row("Vehicle.Target", "Target", ", with: {Page: 0, Tilt: 0}", "Slow")
    ask = bound(rows_out=rows_out).asks[TARGET]
    assert values(bound(), SLOW, ask.encode(33.5)) == {TARGET: 33.5}


@settings(deadline=None)
@given(st.floats(0, 40))
def test_what_goes_out_comes_back_within_half_a_step(target) -> None:
    translation = bound(
        rows_out=row("Vehicle.Target", "Target", ", with: {Page: 0, Tilt: 0}", "Slow")
    )
    ((_, back),) = translation.messages[SLOW].decode(translation.asks[TARGET].encode(target))
    assert abs(back - target) <= 0.25 + 1e-9


def test_a_part_of_a_translation_says_and_asks_nothing_of_the_rest() -> None:
    whole = bound(rows_out=ROWS_OUT)
    part = whole.only({SPEED})
    assert part.numbers == (SPEED,)
    assert list(part.messages) == [FAST]
    assert values(part, FAST, fast()) == {SPEED: values(whole, FAST, fast())[SPEED]}
    assert part.asks == {}
    assert set(whole.numbers) > {SPEED}
    assert whole.asks
