"""Readings, batches, acts, checks and access: what each of them decides."""

import pytest

from monocoque.car.body.logic import Body
from monocoque.car.signals.logic.access import NOTHING, everything
from monocoque.car.signals.logic.acts import NEXT, Act, ActState, follow
from monocoque.car.signals.logic.checks import NO_BOUNDS, all_fit, bounds_of, check_actuator, sift
from monocoque.car.signals.logic.embodied import ACTUATIONS, READINGS, values_of
from monocoque.car.signals.logic.readings import Batch, Freshness, conflate, cut, places_of
from monocoque.contracts.errors import SignalNotActuator, SignalValueRefused
from monocoque.contracts.signals import DataType, EntryType, Signal, check


def signal(number: int, data_type: str, **more) -> Signal:
    return Signal(
        number, f"Vehicle.S{number}", DataType(data_type), EntryType.SENSOR, "", "x", **more
    )


def test_joined_batches_say_the_newest_of_each_and_how_many_were_replaced() -> None:
    batches = [
        Batch((1, 2), [10, 20], [5, 5], "a"),
        Batch((1,), [11], [6], "a", lost=3),
        Batch((3,), [30], [7], "b", {3: Freshness.STALE}),
    ]
    joined = conflate(batches)
    assert (joined.numbers, list(joined.values), list(joined.times_us)) == (
        (1, 2, 3), [11, 20, 30], [6, 5, 7],
    )  # fmt: skip
    assert (joined.source, joined.not_fresh, joined.lost) == ("", {3: Freshness.STALE}, 4)
    assert conflate(batches[:2]).source == "a"


def test_a_batch_is_encoded_once_for_each_form() -> None:
    batch, made = Batch((1,), [10], [5], "a"), []

    def encode(each: Batch) -> str:
        made.append(each)
        return "made"

    assert [batch.encoded(form, encode) for form in ("x", "x", "y")] == ["made"] * 3
    assert len(made) == 2


def test_what_has_ended_stays_as_it_ended() -> None:
    act = Act("act_1", 1, True, "me", 0, 9)
    assert not act.has_ended
    accepted = follow(act, ActState.ACCEPTED)
    done = follow(accepted, ActState.DONE)
    assert done.has_ended
    for state in ActState:
        assert follow(done, state) is done
    assert follow(accepted, ActState.REFUSED) is accepted
    assert follow(act, ActState.REFUSED, "moving").reason == "moving"
    assert {state for state, after in NEXT.items() if not after} == {
        ActState.DONE, ActState.FAILED, ActState.REFUSED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data_type", "more", "bounds"),
    [
        ("boolean", {}, (bool, 0, 1)),
        ("uint8", {}, (int, 0, 255)),
        ("uint8", {"minimum": 5, "maximum": 9}, (int, 5, 9)),
        ("float", {"minimum": 0, "maximum": 1}, (float, 0, 1)),
        ("string", {}, NO_BOUNDS),
        ("uint8", {"allowed": (1,)}, NO_BOUNDS),
        ("uint8[]", {}, NO_BOUNDS),
    ],
)
def test_bounds_are_those_of_type_and_range(data_type, more, bounds) -> None:
    assert bounds_of(signal(1, data_type, **more)) == bounds


def test_a_float_without_a_range_takes_every_number_but_no_infinity() -> None:
    bounds = bounds_of(signal(1, "float"))
    assert all_fit([bounds], [1e308])
    for wrong in (float("inf"), float("nan"), 1, True):
        assert not all_fit([bounds], [wrong])


def test_one_wrong_value_is_sifted_out_and_the_others_are_kept() -> None:
    signals = [signal(1, "float"), signal(2, "uint8"), signal(3, "string")]
    numbers, values, times_us, refused = sift(signals, [5, 300, "x"], [1, 2, 3], 3)
    assert (numbers, values, times_us) == ((1, 3), [5.0, "x"], [1, 3])
    assert isinstance(refused[2], SignalValueRefused)


def test_access_is_nothing_or_everything() -> None:
    assert not NOTHING.reads
    assert everything(frozenset({1})).actuates == {1}


def test_every_reading_of_a_body_fits_its_signal_and_every_wish_has_a_target() -> None:
    body = Body(at_us=0)
    assert len(values_of(body)) == len(READINGS)
    for row, read in READINGS:
        check(row, read(body))
    for actuation in ACTUATIONS:
        wish = True if actuation.signal.data_type is DataType.BOOLEAN else 20
        assert actuation.action(wish)
        assert isinstance(actuation.arguments(wish), dict)
        assert actuation.target(wish)


def test_a_batch_knows_its_numbers_as_a_set_that_is_made_once() -> None:
    batch = Batch((3, 1), [30, 10], [5, 5], "a")
    assert batch.number_set == {1, 3}
    assert batch.number_set is batch.number_set


def test_a_part_of_a_batch_is_cut_out_for_who_wants_no_more() -> None:
    whole = Batch((1, 2, 3), [10, 20, 30], [5, 6, 7], "a", {3: Freshness.STALE})
    assert places_of(frozenset({1, 2, 3, 4}), whole.numbers) is None
    part = cut(whole, places_of(frozenset({1, 3}), whole.numbers))
    assert (part.numbers, part.values, part.times_us) == ((1, 3), [10, 30], [5, 7])
    assert part.not_fresh == {3: Freshness.STALE}
    assert part.number_set == {1, 3}


def test_only_an_actuator_can_be_asked() -> None:
    check_actuator(ACTUATIONS[0].signal)
    with pytest.raises(SignalNotActuator, match=r"Vehicle\.S1"):
        check_actuator(signal(1, "float"))
