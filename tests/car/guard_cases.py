"""What the guard must say of each action in each state, for its tests and for its mutants."""

from dataclasses import replace
from typing import Any

from monocoque.car.body.logic import Body, Drive, Motion, Station, step
from monocoque.car.body.logic.parts import Parts

SECOND_US = 1_000_000
STANDING = Body(at_us=0)
ON = {"on": True, "temperature_decicelsius": 210}
OFF = ON | {"on": False}
UNKNOWN = "action_unknown"


def driving(for_s: float) -> Body:
    drive = Drive(began_us=0, brakes_us=60 * SECOND_US, began_m=0.0)
    return step(replace(STANDING, drive=drive, plugged=False), round(for_s * SECOND_US))


def with_parts(body: Body = STANDING, **parts: Any) -> Body:
    return replace(body, parts=Parts(**parts))


def wish(part: str, target: int) -> dict[str, int | bool | str]:
    """What the guard hears of a wish for a part."""
    return {"part": part, "target": target, "on": bool(target)}


def at_kmh(speed_kmh: float) -> Body:
    """In gear, at exactly this speed."""
    drive = Drive(0, 60 * SECOND_US, 0.0, speed_kmh / 3.6)
    return replace(STANDING, at_us=30 * SECOND_US, drive=drive, plugged=False)


SLOW, FAST = driving(0.4), driving(20.0)
OPEN = replace(STANDING, doors_open=("row1_left",))
UPDATING = replace(STANDING, updating=True)
NEEDS_20 = {"needs_charge_percent": 20}
LOW = replace(STANDING, charge_percent=9.9, plugged=False)
EMPTY_PLUGGED = replace(LOW, plugged=True)
ENOUGH = replace(LOW, charge_percent=10.0)
LOW_FAST = replace(FAST, charge_percent=9.9)
WARM = replace(STANDING, cabin_celsius=35.1)
HALF = with_parts(window_row1_left=50, window_row2_left=50, window_row2_right=50, trunk=50)
ARM = replace(HALF, parts=replace(HALF.parts, obstructed=("window_row1_left", "trunk")))
CHILD = replace(HALF, parts=replace(HALF.parts, window_child_lock=True))
CHARGING = replace(STANDING, plugged=True, charge_percent=50.0)
FULL = replace(CHARGING, charge_percent=80.0)
FAST_CHARGING = replace(CHARGING, station=Station("dc", 150_000.0), battery_celsius=25.0)
CLOSING_TRUNK = replace(
    with_parts(trunk=100), motions=(Motion("trunk", {"trunk": 0}, 10 * SECOND_US, 0, 100),)
)


def at_fast(celsius: float) -> Body:
    """At a fast charger, with a battery of this temperature."""
    return replace(FAST_CHARGING, battery_celsius=celsius)


UNLOCKED = replace(STANDING, locked=False)
OPENING = replace(UNLOCKED, motions=(Motion("door_row1_left", {"door_row1_left": True}, 9),))
WINDING = replace(STANDING, motions=(Motion("defroster", {"defroster": True}, 9),))

Case = tuple[str, dict[str, Any], Body, str | None]
CASES: tuple[Case, ...] = (
    ("lock", {}, STANDING, None),
    ("lock", {}, FAST, None),
    ("lock", {}, OPEN, "door_open"),
    ("lock", {}, HALF, "trunk_open"),
    ("lock", {}, replace(HALF, doors_open=("row1_left",)), "door_open"),
    ("unlock", {}, STANDING, None),
    ("unlock", {}, OPEN, None),
    ("unlock", {}, SLOW, "gear"),
    ("unlock", {}, FAST, "moving"),
    ("unlock", {}, at_kmh(5.0), "gear"),
    ("unlock", {}, at_kmh(5.01), "moving"),
    ("climate", ON, STANDING, None),
    ("climate", ON, FAST, None),
    ("climate", ON, LOW, "charge_low"),
    ("climate", ON, EMPTY_PLUGGED, None),
    ("climate", ON, replace(EMPTY_PLUGGED, parts=Parts(plug_lock=False)), "charge_low"),
    ("climate", ON, ENOUGH, None),
    ("climate", OFF, LOW, None),
    ("charge_limit", {"percent": 90}, FAST, None),
    ("charge_limit", {"percent": 90}, LOW, None),
    ("charge_limit", {"percent": 49}, STANDING, "out_of_range"),
    ("charge_limit", {"percent": 50}, STANDING, None),
    ("charge_limit", {"percent": 100}, STANDING, None),
    ("charge_limit", {"percent": 101}, STANDING, "out_of_range"),
    ("charging", ON, STANDING, None),
    ("charging", ON, LOW, "unplugged"),
    ("charging", OFF, LOW, None),
    ("charging", ON, FAST_CHARGING, None),
    ("charging", ON, at_fast(-10.0), None),
    ("charging", ON, at_fast(-10.1), "battery_cold"),
    ("charging", ON, at_fast(55.0), None),
    ("charging", ON, at_fast(55.1), "battery_hot"),
    ("charging", OFF, at_fast(-30.0), None),
    ("charging", OFF, at_fast(60.0), None),
    ("charging", ON, replace(at_fast(-30.0), station=Station()), None),
    ("charging", ON, replace(at_fast(60.0), station=Station()), None),
    ("charging", ON, replace(at_fast(-30.0), plugged=False), "unplugged"),
    ("charging", ON, replace(at_fast(60.0), plugged=False), "unplugged"),
    ("charging", ON, replace(at_fast(25.0), parts=Parts(plug_lock=False)), "plug_unlocked"),
    ("charging", ON, replace(at_fast(-30.0), parts=Parts(plug_lock=False)), "plug_unlocked"),
    ("charging", ON, replace(LOW, parts=Parts(plug_lock=False)), "unplugged"),
    ("charging", OFF, replace(CHARGING, parts=Parts(plug_lock=False)), None),
    ("update", {"release_number": 7, "agreed": True}, UPDATING, None),
    ("scene_put", {}, UPDATING, None),
    ("scene_remove", {}, UPDATING, None),
    ("drive", {}, STANDING, None),
    ("drive", {}, UPDATING, "updating"),
    ("drive", {}, HALF, "trunk_open"),
    ("drive", {}, with_parts(trunk=1), "trunk_open"),
    ("drive", {}, CLOSING_TRUNK, "trunk_open"),
    ("install", NEEDS_20, STANDING, None),
    ("install", NEEDS_20, SLOW, "gear"),
    ("install", NEEDS_20, FAST, "moving"),
    ("install", NEEDS_20, LOW, "charge_low"),
    ("install", NEEDS_20, replace(LOW, charge_percent=20.0), None),
    ("lock", {}, UPDATING, None),
    ("unlock", {}, UPDATING, None),
    ("unlock", {}, replace(UPDATING, doors_open=("row1_left",)), None),
    ("lock", {}, OPENING, "door_open"),
    ("lock", {}, WINDING, None),
    ("door", wish("door_row1_left", 1), UNLOCKED, None),
    ("door", wish("door_row1_left", 1), STANDING, "locked"),
    ("door", wish("door_row1_left", 0), STANDING, None),
    ("door", wish("door_row1_left", 1), replace(FAST, locked=False), "moving"),
    ("door", wish("door_row1_left", 1), replace(SLOW, locked=False), "gear"),
    ("door", wish("door_row1_left", 1), FAST, "moving"),
    ("door", wish("door_row1_left", 1), SLOW, "gear"),
    ("door", wish("door_row1_left", 0), FAST, None),
    ("door", wish("door_row1_left", 1), replace(UNLOCKED, updating=True), None),
    ("window", wish("window_row1_left", 60), STANDING, None),
    ("window", wish("window_row1_left", 0), FAST, None),
    ("window", wish("window_row1_left", 60), UPDATING, "updating"),
    ("window", wish("window_row1_left", 49), ARM, "pinch"),
    ("window", wish("window_row1_left", 50), ARM, None),
    ("window", wish("window_row1_left", 51), ARM, None),
    ("window", wish("window_row2_left", 0), ARM, None),
    ("window", wish("window_row2_left", 51), CHILD, "child_lock"),
    ("window", wish("window_row2_right", 51), CHILD, "child_lock"),
    ("window", wish("window_row2_left", 50), CHILD, None),
    ("window", wish("window_row2_right", 0), CHILD, None),
    ("window", wish("window_row1_left", 100), CHILD, None),
    ("window", wish("window_row2_left", 100), HALF, None),
    ("trunk", wish("trunk", 100), STANDING, None),
    ("trunk", wish("trunk", 100), FAST, "moving"),
    ("trunk", wish("trunk", 100), SLOW, "gear"),
    ("trunk", wish("trunk", 1), FAST, "moving"),
    ("trunk", wish("trunk", 1), SLOW, "gear"),
    ("trunk", wish("trunk", 0), FAST, None),
    ("trunk", wish("trunk", 0), SLOW, None),
    ("trunk", wish("trunk", 0), ARM, "pinch"),
    ("trunk", wish("trunk", 100), ARM, None),
    ("trunk", wish("trunk", 100), UPDATING, None),
    ("seat", wish("seat_driver_mm", 200), STANDING, None),
    ("seat", wish("seat_driver_mm", 200), SLOW, None),
    ("seat", wish("seat_driver_mm", 200), FAST, "moving"),
    ("seat", wish("seat_passenger_mm", 200), FAST, None),
    ("seat", wish("seat_passenger_mm", 200), UPDATING, "updating"),
    ("seat", wish("seat_passenger_mm", 300), STANDING, None),
    ("seat", wish("seat_passenger_mm", 301), STANDING, "out_of_reach"),
    ("seat", wish("seat_driver_mm", 0), STANDING, None),
    ("seat", wish("seat_driver_mm", -1), STANDING, "out_of_reach"),
    ("seat", wish("seat_driver_height_mm", 80), STANDING, None),
    ("seat", wish("seat_driver_height_mm", 81), STANDING, "out_of_reach"),
    ("seat", wish("seat_driver_height_mm", 80), FAST, "moving"),
    ("seat", wish("seat_passenger_height_mm", 0), FAST, None),
    ("seat", wish("seat_passenger_height_mm", -1), STANDING, "out_of_reach"),
    ("seat", wish("seat_driver_recline_decidegrees", 700), STANDING, None),
    ("seat", wish("seat_driver_recline_decidegrees", 701), STANDING, "out_of_reach"),
    ("seat", wish("seat_driver_recline_decidegrees", 250), FAST, "moving"),
    ("seat", wish("seat_passenger_recline_decidegrees", -50), FAST, None),
    ("seat", wish("seat_passenger_recline_decidegrees", -51), STANDING, "out_of_reach"),
    ("seat", wish("seat_passenger_recline_decidegrees", 250), UPDATING, "updating"),
    ("seat_heating", wish("seat_heat_driver", 50), STANDING, None),
    ("seat_heating", wish("seat_heat_driver", -1), STANDING, "not_built"),
    ("seat_heating", wish("seat_heat_driver", 0), WARM, None),
    ("seat_heating", wish("seat_heat_driver", 1), WARM, "too_warm"),
    ("seat_heating", wish("seat_heat_driver", 1), replace(WARM, cabin_celsius=35.0), None),
    ("seat_heating", wish("seat_heat_driver", 1), LOW, "charge_low"),
    ("seat_heating", wish("seat_heat_driver", 0), LOW, None),
    ("fan", wish("fan", 50), LOW, "charge_low"),
    ("fan", wish("fan", 0), LOW, None),
    ("fan", wish("fan", 50), EMPTY_PLUGGED, None),
    ("defroster", wish("defroster", 1), LOW, "charge_low"),
    ("defroster", wish("defroster", 0), LOW, None),
    ("defroster", wish("defroster", 1), FAST, None),
    ("defroster", wish("defroster", 1), LOW_FAST, None),
    # Where two rows forbid, the first one says why.
    ("drive", {}, replace(HALF, updating=True), "updating"),
    ("window", wish("window_row1_left", 0), replace(ARM, updating=True), "updating"),
    ("seat", wish("seat_driver_mm", 200), replace(FAST, updating=True), "moving"),
    ("seat", wish("seat_driver_mm", 301), UPDATING, "updating"),
    ("seat_heating", wish("seat_heat_driver", -1), replace(LOW, cabin_celsius=36.0), "not_built"),
    ("seat_heating", wish("seat_heat_driver", 1), replace(LOW, cabin_celsius=36.0), "too_warm"),
    ("install", NEEDS_20, replace(SLOW, charge_percent=9.0), "gear"),
    ("recirculation", wish("recirculation", 1), LOW, None),
    ("hazard", wish("hazard", 1), FAST, None),
    ("hazard", wish("hazard", 1), replace(UPDATING, charge_percent=0.0), None),
    ("plug_lock", wish("plug_lock", 0), CHARGING, "charging"),
    ("plug_lock", wish("plug_lock", 1), CHARGING, None),
    ("plug_lock", wish("plug_lock", 0), FULL, None),
    ("plug_lock", wish("plug_lock", 0), at_fast(-30.0), "charging"),
    ("plug_lock", wish("plug_lock", 0), replace(at_fast(60.0), charge_percent=90.0), "charging"),
    ("plug_lock", wish("plug_lock", 1), at_fast(-30.0), None),
    ("plug_lock", wish("plug_lock", 0), replace(at_fast(-30.0), plugged=False), None),
    ("window_child_lock", wish("window_child_lock", 1), FAST, None),
    ("open_trunk", {}, STANDING, UNKNOWN),
    ("", {}, STANDING, UNKNOWN),
)
"""Action, arguments, body, and the reason or None."""
