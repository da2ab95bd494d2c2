"""Windows, seats, trunk and switches: how they move, jam, pinch and are remembered."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.body.logic import (
    Body,
    Motion,
    Speeds,
    begin_drive,
    begin_motion,
    is_at,
    of_text,
    step,
    to_text,
    travel_s,
    turn_child_lock,
    with_jam,
    with_obstacles,
)
from monocoque.car.body.logic.parts import AS_BUILT, MOVING, Parts, between, of_members, to_members

SECOND_US = 1_000_000
WINDOW = "window_row1_left"
NEW = Body(at_us=0)


def moving(body: Body, part: str, target: int, seconds: float = 4.0) -> Body:
    ends_us = body.at_us + round(seconds * SECOND_US)
    return begin_motion(body, Motion(part, {part: target}, ends_us, body.at_us))


def after(body: Body, seconds: float) -> Body:
    return step(body, body.at_us + round(seconds * SECOND_US))


def test_a_window_is_on_its_way_and_then_there() -> None:
    opening = moving(NEW, WINDOW, 100)
    assert [after(opening, s).level(WINDOW) for s in (0, 1, 2, 4, 9)] == [0, 25, 50, 100, 100]
    assert is_at(after(opening, 4), {WINDOW: 100})
    assert not is_at(after(opening, 3), {WINDOW: 100})


def test_a_new_wish_goes_on_from_where_the_window_is() -> None:
    half = after(moving(NEW, WINDOW, 100), 2)
    closing = moving(half, WINDOW, 0, 2.0)
    assert closing.level(WINDOW) == 50
    assert after(closing, 1).level(WINDOW) == 25
    assert is_at(after(closing, 2), {WINDOW: 0})


def test_a_window_that_jams_stays_where_it_is() -> None:
    half = with_jam(after(moving(NEW, WINDOW, 100), 2), frozenset({WINDOW}))
    assert after(half, 10).level(WINDOW) == 50
    assert not is_at(after(half, 10), {WINDOW: 100})
    again = moving(after(half, 10), WINDOW, 100)
    assert after(again, 10).level(WINDOW) == 50
    free = moving(with_jam(after(again, 10), frozenset()), WINDOW, 100)
    assert after(free, 10).level(WINDOW) == 100


def test_a_window_that_would_pinch_goes_back_and_one_that_opens_does_not_care() -> None:
    open_window = replace(NEW, parts=replace(AS_BUILT, window_row1_left=80))
    closing = moving(with_obstacles(open_window, (WINDOW, "nothing")), WINDOW, 0)
    assert closing.parts.obstructed == (WINDOW,)
    assert after(closing, 1).level(WINDOW) == 80
    assert after(closing, 9).level(WINDOW) == 80
    opening = moving(with_obstacles(open_window, (WINDOW,)), WINDOW, 100)
    assert after(opening, 9).level(WINDOW) == 100


def test_what_is_freed_from_a_jam_waits_for_a_new_wish() -> None:
    jammed = with_jam(after(moving(NEW, WINDOW, 100), 2), frozenset({WINDOW}))
    told = moving(after(jammed, 1), WINDOW, 0, 2.0)
    freed = with_jam(after(told, 1), frozenset())
    assert freed.level(WINDOW) == 50
    assert after(freed, 9).level(WINDOW) == 50


def test_a_window_that_meets_a_hand_goes_back_from_there_as_fast_as_it_came() -> None:
    open_window = replace(NEW, parts=replace(AS_BUILT, window_row1_left=100))
    closing = moving(moving(open_window, WINDOW, 0), "seat_driver_mm", 0)
    closing = begin_motion(closing, Motion("locks", {"locked": False}, 9 * SECOND_US))
    met = with_obstacles(after(closing, 3), (WINDOW,))
    assert [after(met, s).level(WINDOW) for s in (0, 1, 2, 3, 9)] == [25, 50, 75, 100, 100]
    assert after(met, 1).level("seat_driver_mm") == 0
    assert not after(met, 9).locked
    free = with_obstacles(after(met, 1), ())
    assert after(free, 9).level(WINDOW) == 100


def test_a_child_lock_is_turned_for_its_own_door() -> None:
    turned = turn_child_lock(turn_child_lock(NEW, "row2_right"), "row2_left")
    assert turned.parts.child_locks == ("row2_left", "row2_right")
    assert of_text(to_text(turned)) == turned
    assert turn_child_lock(turned, "row2_left").parts.child_locks == ("row2_right",)


def test_a_switch_is_as_it_was_until_its_time_is_over() -> None:
    motion = Motion("defroster", {"defroster": True}, SECOND_US // 10, 0)
    begun = begin_motion(NEW, motion)
    assert not begun.parts.defroster
    assert is_at(after(begun, 1), {"defroster": True})
    jammed = with_jam(begun, frozenset({"defroster"}))
    assert not after(jammed, 1).parts.defroster


def test_the_way_says_how_long_a_part_takes() -> None:
    speeds = Speeds(percent_per_s=25.0, mm_per_s=20.0, height_mm_per_s=10.0, degrees_per_s=5.0)
    assert travel_s(NEW, WINDOW, 50, speeds) == 2.0
    assert travel_s(NEW, "trunk", 100, speeds) == 4.0
    assert travel_s(NEW, "seat_driver_mm", 250, speeds) == 5.0
    assert travel_s(NEW, "seat_passenger_height_mm", 60, speeds) == 3.0
    assert travel_s(NEW, "seat_driver_recline_decidegrees", 400, speeds) == 4.0
    assert between(0, 10, 5, 5, 5) == 10


def test_a_record_has_what_differs_and_is_read_again() -> None:
    assert '"parts"' not in to_text(NEW)
    changed = moving(with_obstacles(NEW, ("trunk",)), WINDOW, 70)
    assert of_text(to_text(changed)) == changed
    assert of_text(to_text(after(changed, 9))) == after(changed, 9)
    assert of_members(to_members(AS_BUILT)) == AS_BUILT
    assert of_members({"fan": 5, "of_a_later_version": 1}) == Parts(fan=5)


def test_a_body_of_the_version_before_is_read() -> None:
    text = (
        '{"at_us":5,"cabin_celsius":9.0,"charge_limit_percent":80,"charge_percent":62.0,'
        '"climate_on":false,"climate_target_decicelsius":210,"doors_open":[],"drive":null,'
        '"jammed":[],"locked":true,"motions":[{"actuator":"locks","ends_us":9,"target":'
        '{"locked":false}}],"odometer_m":0.0,"place_accuracy_m":5.0,"place_measured_us":5,'
        '"plugged":true,"touched_us":0,"updating":false}'
    )
    body = of_text(text)
    assert body.parts == AS_BUILT
    assert not step(body, 10).locked


@given(
    st.sampled_from(MOVING),
    st.lists(st.integers(0, 100), min_size=1, max_size=4),
    st.lists(st.integers(0, 3 * SECOND_US), min_size=1, max_size=6),
    st.booleans(),
)
def test_any_steps_lead_to_the_same_body_and_no_part_leaves_its_range(
    part, targets, pauses_us, is_jammed
) -> None:
    body = NEW
    for target in targets:
        body = moving(body, part, target)
        if is_jammed:
            body = with_jam(body, frozenset({part}))
        end_us = body.at_us + sum(pauses_us)
        at_once = step(body, end_us)
        for pause_us in pauses_us:
            body = step(body, body.at_us + pause_us)
            assert 0 <= body.level(part) <= 200
        assert body.parts == at_once.parts
        assert body.level(part) == at_once.level(part)


def test_a_backrest_leans_by_and_by_and_jams_where_it_is() -> None:
    part = "seat_driver_recline_decidegrees"
    leaning = moving(NEW, part, 400)
    assert [after(leaning, s).level(part) for s in (0, 1, 2, 4)] == [200, 250, 300, 400]
    forward = moving(NEW, part, -50, 5.0)
    assert [after(forward, s).level(part) for s in (1, 3, 5)] == [150, 50, -50]
    stuck = with_jam(after(leaning, 1), frozenset({part}))
    assert after(stuck, 9).level(part) == 250
    assert of_text(to_text(stuck)) == stuck
    higher = moving(leaning, "seat_driver_height_mm", 70)
    both = after(higher, 4)
    assert (both.level(part), both.level("seat_driver_height_mm")) == (400, 70)


def test_the_trunk_is_a_part_like_a_window() -> None:
    assert after(moving(NEW, "trunk", 100), 2).level("trunk") == 50


def door(body: Body, is_open: bool) -> Body:
    ends_us = body.at_us + 2 * SECOND_US
    return begin_motion(body, Motion("door_row2_left", {"door_row2_left": is_open}, ends_us))


def test_a_door_takes_its_time_jams_and_is_shut_by_a_drive() -> None:
    opening = door(NEW, True)
    assert after(opening, 1).doors_open == ()
    opened = after(opening, 2)
    assert opened.doors_open == ("row2_left",)
    assert is_at(opened, {"door_row2_left": True})
    assert not is_at(opened, {"door_row2_left": False})
    assert after(door(opened, False), 2).doors_open == ()
    jammed = after(with_jam(door(opened, False), frozenset({"door_row2_left"})), 2)
    assert jammed.doors_open == ("row2_left",)
    driving = begin_drive(opening, 10 * SECOND_US)
    assert after(driving, 5).doors_open == ()
    assert of_text(to_text(opening)) == opening
