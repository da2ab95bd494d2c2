"""The guard: what the state of the car forbids, whoever asks.

Rules:

* it is the last gate: the body asks it in the very transaction that sets an actuator in motion,
  so nothing can change between the answer and the act;
* it trusts nobody: it knows no keys, no commands and no owners, and what is not in its table is
  forbidden;
* it is a table, short enough to be read by eye;
* nothing keeps people in or out: no row is about doors and locks while an update is installed.

Left out on purpose: who asks (car/keys and car/commands), and what is merely unwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic import DOOR_PARTS, Body
from monocoque.car.body.logic.parts import BACKRESTS, DRIVERS_SEAT, SEATS_ALONG, SEATS_UP
from monocoque.car.body.logic.stations import FAST_CELSIUS_MAX, FAST_CELSIUS_MIN

STANDING_KMH_MAX: Final = 5.0
"""Up to this speed a car counts as standing; wheels report no less."""
CLIMATE_CHARGE_PERCENT_MIN: Final = 10.0
"""Below it what heats or cools runs only from a plug: what is left shall bring somebody home."""
SEAT_HEAT_CABIN_CELSIUS_MAX: Final = 35.0
"""In a cabin that is warmer, no seat is heated: somebody may sleep on it."""
CHARGE_LIMIT_PERCENT_MIN: Final = 50
CHARGE_LIMIT_PERCENT_MAX: Final = 100
"""A limit below would leave somebody stranded; a command of an owner has the same borders."""
ALONG_MM: Final = (0, 300)
"""How far forth and back a seat goes."""
UP_MM: Final = (0, 80)
"""How far down and up."""
RECLINE_DECIDEGREES: Final = (-50, 700)
"""How far forth and back a backrest leans from upright, in tenths of a degree."""
SEAT_REACH: Final = {
    **dict.fromkeys(SEATS_ALONG, ALONG_MM),
    **dict.fromkeys(SEATS_UP, UP_MM),
    **dict.fromkeys(BACKRESTS, RECLINE_DECIDEGREES),
}

Arguments = Mapping[str, int | bool | str]


@dataclass(frozen=True, slots=True)
class Interlock:
    """One row: what is refused, with which reason, and when."""

    action: str
    reason: str
    forbids: Callable[[Arguments, Body], bool]


def _moves(_: Arguments, body: Body) -> bool:
    """the car moves"""
    return body.speed_m_per_s * 3.6 > STANDING_KMH_MAX


def _is_in_gear(_: Arguments, body: Body) -> bool:
    """a gear is in"""
    return body.gear != "park"


def _has_open_door(_: Arguments, body: Body) -> bool:
    """a door stands open, or is on its way"""
    return bool(body.doors_open) or any(each.actuator in DOOR_PARTS for each in body.motions)


def _would_strand(arguments: Arguments, body: Body) -> bool:
    """it would use energy, the battery is nearly empty, and no plug is in and locked"""
    is_low = body.charge_percent < CLIMATE_CHARGE_PERCENT_MIN
    return bool(arguments["on"]) and is_low and not body.is_fed


def _would_strand_in_park(arguments: Arguments, body: Body) -> bool:
    """it would use energy in park, the battery is nearly empty, and no plug is in and locked"""
    return not _is_in_gear(arguments, body) and _would_strand(arguments, body)


def _is_updating(_: Arguments, body: Body) -> bool:
    """control units are being updated"""
    return body.updating


def _pinches(arguments: Arguments, body: Body) -> bool:
    """it would close, and something is in the way"""
    part, target = str(arguments["part"]), int(arguments["target"])
    return part in body.parts.obstructed and target < body.level(part)


def _is_childs_window(arguments: Arguments, body: Body) -> bool:
    """a rear window would open, and the child lock is on"""
    part, target = str(arguments["part"]), int(arguments["target"])
    is_rear = part in ("window_row2_left", "window_row2_right")
    return is_rear and body.parts.window_child_lock and target > body.level(part)


def _opens_moving(arguments: Arguments, body: Body) -> bool:
    """it would open, and the car moves"""
    return int(arguments["target"]) > 0 and _moves(arguments, body)


def _opens_in_gear(arguments: Arguments, body: Body) -> bool:
    """it would open, and a gear is in"""
    return int(arguments["target"]) > 0 and _is_in_gear(arguments, body)


def _opens_locked(arguments: Arguments, body: Body) -> bool:
    """it would open, and the car is locked"""
    return int(arguments["target"]) > 0 and body.locked


def _is_drivers_and_moves(arguments: Arguments, body: Body) -> bool:
    """it is the driver's, and the car moves"""
    return arguments["part"] in DRIVERS_SEAT and _moves(arguments, body)


def _is_out_of_reach(arguments: Arguments, _: Body) -> bool:
    """rail, lift or backrest end before"""
    least, most = SEAT_REACH[str(arguments["part"])]
    return not least <= int(arguments["target"]) <= most


def _would_cool(arguments: Arguments, _: Body) -> bool:
    """it would cool; these seats only heat"""
    return int(arguments["target"]) < 0


def _is_too_warm(arguments: Arguments, body: Body) -> bool:
    """it would heat, and the cabin is warm already"""
    return bool(arguments["on"]) and body.cabin_celsius > SEAT_HEAT_CABIN_CELSIUS_MAX


def _frees_a_live_plug(arguments: Arguments, body: Body) -> bool:
    """the plug would come free, and the battery is being charged, warmed or cooled"""
    return not arguments["on"] and (body.is_charging or body.is_unfit)


def _begins_without_a_plug(arguments: Arguments, body: Body) -> bool:
    """it would begin, and no plug is in"""
    return bool(arguments["on"]) and not body.plugged


def _begins_with_a_free_plug(arguments: Arguments, body: Body) -> bool:
    """it would begin, and nothing holds the plug in its socket"""
    return bool(arguments["on"]) and not body.parts.plug_lock


def _begins_too_cold(arguments: Arguments, body: Body) -> bool:
    """it would begin at a fast charger, and the battery is too cold"""
    return _begins_fast(arguments, body) and body.battery_celsius < FAST_CELSIUS_MIN


def _begins_too_hot(arguments: Arguments, body: Body) -> bool:
    """it would begin at a fast charger, and the battery is too hot"""
    return _begins_fast(arguments, body) and body.battery_celsius > FAST_CELSIUS_MAX


def _begins_fast(arguments: Arguments, body: Body) -> bool:
    return bool(arguments["on"]) and body.station.is_fast


def _limit_is_out_of_range(arguments: Arguments, _: Body) -> bool:
    """the limit is not between 50 and 100 percent"""
    percent = int(arguments["percent"])
    return not CHARGE_LIMIT_PERCENT_MIN <= percent <= CHARGE_LIMIT_PERCENT_MAX


def _has_open_trunk(_: Arguments, body: Body) -> bool:
    """the trunk is not shut"""
    return body.level("trunk") > 0


def _lacks_charge(arguments: Arguments, body: Body) -> bool:
    """the battery has less than the release needs"""
    needed = arguments["needs_charge_percent"]
    assert isinstance(needed, int)
    return body.charge_percent < needed


ACTIONS: Final = (
    "lock",
    "unlock",
    "climate",
    "charge_limit",
    "charging",
    "update",
    "drive",
    "install",
    "door",
    "window",
    "trunk",
    "seat",
    "seat_heating",
    "fan",
    "defroster",
    "recirculation",
    "hazard",
    "plug_lock",
    "window_child_lock",
    "scene_put",
    "scene_remove",
)
"""What a car can do at all."""

INTERLOCKS: Final = (
    Interlock("unlock", "moving", _moves),
    Interlock("unlock", "gear", _is_in_gear),
    Interlock("lock", "door_open", _has_open_door),
    Interlock("lock", "trunk_open", _has_open_trunk),
    Interlock("climate", "charge_low", _would_strand),
    Interlock("charge_limit", "out_of_range", _limit_is_out_of_range),
    Interlock("charging", "unplugged", _begins_without_a_plug),
    Interlock("charging", "plug_unlocked", _begins_with_a_free_plug),
    Interlock("charging", "battery_cold", _begins_too_cold),
    Interlock("charging", "battery_hot", _begins_too_hot),
    Interlock("drive", "updating", _is_updating),
    Interlock("drive", "trunk_open", _has_open_trunk),
    Interlock("door", "moving", _opens_moving),
    Interlock("door", "gear", _opens_in_gear),
    Interlock("door", "locked", _opens_locked),
    Interlock("window", "updating", _is_updating),
    Interlock("window", "pinch", _pinches),
    Interlock("window", "child_lock", _is_childs_window),
    Interlock("trunk", "moving", _opens_moving),
    Interlock("trunk", "gear", _opens_in_gear),
    Interlock("trunk", "pinch", _pinches),
    Interlock("seat", "moving", _is_drivers_and_moves),
    Interlock("seat", "updating", _is_updating),
    Interlock("seat", "out_of_reach", _is_out_of_reach),
    Interlock("seat_heating", "not_built", _would_cool),
    Interlock("seat_heating", "too_warm", _is_too_warm),
    Interlock("seat_heating", "charge_low", _would_strand),
    Interlock("fan", "charge_low", _would_strand),
    Interlock("defroster", "charge_low", _would_strand_in_park),
    Interlock("plug_lock", "charging", _frees_a_live_plug),
    Interlock("install", "moving", _moves),
    Interlock("install", "gear", _is_in_gear),
    Interlock("install", "charge_low", _lacks_charge),
)
"""Every row; the first that forbids gives the reason."""

ACTION_UNKNOWN: Final = "action_unknown"


def judge(action: str, arguments: Arguments, body: Body) -> str | None:
    """Why the body, as it is now, must not do this; None when it may."""
    if action not in ACTIONS:
        return ACTION_UNKNOWN
    for interlock in INTERLOCKS:
        if interlock.action == action and interlock.forbids(arguments, body):
            return interlock.reason
    return None
