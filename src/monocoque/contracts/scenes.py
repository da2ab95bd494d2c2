"""Scenes: when something happens, do something; and the vocabulary in which a scene can be said.

Rules:

* the vocabulary is a table (``ACTIONS``, beside ``TRIGGERS``). What is not in it cannot be said: a
  scene with another word is refused whole, and no code stands behind any other word;
* a scene is one strict JSON object (strict_json.py). Every member must be there and no other may;
  words are compared character by character, so nothing that merely looks like a word is one;
* ``parse_scene`` gives frozen values; ``scene_text`` gives the one text that a scene is kept as;
* a place is a point with two radii: the car is there within the smaller, gone beyond the larger.

Left out on purpose: every word that opens, wakes or moves a car, or takes a protection off it. They
are no words here and get none: whoever could say them in a scene would have a key without a person
behind it. Whether a time zone exists is asked where the zones are (car/scenes).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.arguments import Limits, WholeNumber, YesOrNo
from monocoque.contracts.errors import (
    DocumentMalformed,
    IdentifierMalformed,
    SceneMalformed,
    SceneWordUnknown,
)
from monocoque.contracts.identifiers import parse
from monocoque.contracts.strict_json import strict_object

SCENE_CHARACTERS_MAX: Final = 700
"""The text of a scene; it must fit into one command (trust/commands.py)."""
NAME_CHARACTERS_MAX: Final = 60
SCENE_ACTIONS_MAX: Final = 4
RADIUS_GAP_M_MIN: Final = 50
"""The larger radius of a place is larger by this at least: places are measured with errors."""
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOME: Final = "home"
CAR: Final = "car"

_ZONE: Final = re.compile(
    r"UTC\Z|(?=.{1,64}\Z)(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian"
    r"|Pacific)(?:/[A-Za-z0-9_+-]+){1,2}\Z"
)
_LATITUDE_E7: Final = WholeNumber(-900_000_000, 900_000_000)
_LONGITUDE_E7: Final = WholeNumber(-1_800_000_000, 1_800_000_000)
_ENTER_M: Final = WholeNumber(50, 5_000)
_EXIT_M: Final = WholeNumber(100, 10_000)
_AWAY_S: Final = WholeNumber(60, 7 * 86_400)
_VALID_S: Final = WholeNumber(10, 3_600)
_MINUTE: Final = WholeNumber(0, 1_439)


@dataclass(frozen=True, slots=True)
class Word:
    """One row of the table: something that a scene can ask for."""

    name: str
    done_by: str
    """``HOME`` or ``CAR``."""
    arguments: Mapping[str, Limits]
    purpose: str


LAMP_ON: Final = Word("home.lamp.turn_on", HOME, {}, "Turn the lamp on.")
LAMP_OFF: Final = Word("home.lamp.turn_off", HOME, {}, "Turn the lamp off.")
HEAT_PUMP: Final = Word(
    "home.heat_pump.set",
    HOME,
    {"target_decicelsius": WholeNumber(50, 300)},
    "Heat the home to a temperature, in tenths of a degree Celsius.",
)
CAR_CLIMATE: Final = Word(
    "car.climate",
    CAR,
    {"on": YesOrNo(), "temperature_decicelsius": WholeNumber(160, 280)},
    "Heat or cool the cabin to a temperature, in tenths of a degree Celsius; or stop.",
)
CAR_LOCK: Final = Word("car.lock", CAR, {}, "Lock every door.")
CAR_CHARGE_LIMIT: Final = Word(
    "car.charge_limit",
    CAR,
    {"percent": WholeNumber(50, 100)},
    "Charge up to this much of the battery, in percent.",
)
ACTIONS: Final = {
    row.name: row for row in (LAMP_ON, LAMP_OFF, HEAT_PUMP, CAR_CLIMATE, CAR_LOCK, CAR_CHARGE_LIMIT)
}
"""Every row, by its name."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a scene asks for."""

    word: Word
    arguments: Mapping[str, int | bool]


@dataclass(frozen=True, slots=True)
class Place:
    """A point (WGS 84, in units of 1e-7 degrees) with two radii."""

    latitude_e7: int
    longitude_e7: int
    enter_radius_m: int
    """The car is there within this."""
    exit_radius_m: int
    """The car is gone beyond this."""


@dataclass(frozen=True, slots=True)
class Arrive:
    """The car comes to a place."""

    place: Place
    away_s_min: int
    """It counts only after the car was gone for so long."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The car goes away from a place."""

    place: Place
    stay_s_min: int
    """It counts only after the car was there for so long."""


@dataclass(frozen=True, slots=True)
class AtTime:
    """A minute of the day has come, by the clocks of a time zone."""

    minute_of_day: int
    days: tuple[str, ...]
    """Which of ``DAYS``, in that order."""
    zone: str
    """A name of the IANA time zone database, with its area."""


Trigger = Arrive | Leave | AtTime


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene."""

    scene_id: str
    name: str
    when: Trigger
    do: tuple[Action, ...]
    valid_for_s: int
    """What it asks for is done within so long, or not at all."""


def parse_scene(text: str) -> Scene:
    """The scene in this text; raises SceneMalformed, SceneWordUnknown."""
    if len(text) > SCENE_CHARACTERS_MAX:
        raise SceneMalformed(f"A scene has at most {SCENE_CHARACTERS_MAX} characters.")
    scene = _Members(_object_of(text), "a scene")
    do = scene.take("do", _is_list)
    if not 1 <= len(do) <= SCENE_ACTIONS_MAX:
        raise SceneMalformed(f"A scene has 1 to {SCENE_ACTIONS_MAX} actions.")
    read = Scene(
        scene_id=scene.take("scene_id", _is_scene_id),
        name=scene.take("name", _is_name),
        when=_trigger_of(_Members(scene.take("when", _is_object), "a trigger")),
        do=tuple(_action_of(member) for member in do),
        valid_for_s=scene.take("valid_for_s", _VALID_S.takes),
    )
    scene.end()
    if len({action.word.name for action in read.do}) < len(read.do):
        raise SceneMalformed("A scene asks for the same thing twice.")
    return read


def scene_text(scene: Scene) -> str:
    """The one text of a scene; equal scenes have equal texts."""
    return _text_of(
        {
            "scene_id": scene.scene_id,
            "name": scene.name,
            "when": _members_of_trigger(scene.when),
            "do": [_members_of_action(action) for action in scene.do],
            "valid_for_s": scene.valid_for_s,
        }
    )


def parse_action(text: str) -> Action:
    """The action in this text; raises SceneMalformed, SceneWordUnknown."""
    if len(text) > SCENE_CHARACTERS_MAX:
        raise SceneMalformed("An action is too long.")
    return _action_of(_object_of(text))


def action_text(action: Action) -> str:
    """The one text of an action."""
    return _text_of(_members_of_action(action))


class _Members:
    """The members of an object, each taken once, so that what is left over is too much."""

    def __init__(self, members: Mapping[str, Any], of: str) -> None:
        self._left = dict(members)
        self._of = of

    def take(self, name: str, fits: Callable[[object], bool]) -> Any:
        """The member of that name, if it is there and fits; raises SceneMalformed."""
        if name not in self._left or not fits(self._left[name]):
            raise SceneMalformed(f"{name} of {self._of} is missing or outside its limits.")
        return self._left.pop(name)

    def word(self, name: str) -> str:
        """The member of that name, which is a word; raises SceneMalformed."""
        word: str = self.take(name, _is_text)
        return word

    def end(self) -> None:
        """Raises SceneMalformed when something is left."""
        if self._left:
            raise SceneMalformed(f"There is more in {self._of} than belongs there.")


def _trigger_of(members: _Members) -> Trigger:
    word = members.word("trigger")
    if word not in TRIGGERS:
        raise SceneWordUnknown("A scene says a trigger that the vocabulary does not have.")
    trigger = TRIGGERS[word](members)
    members.end()
    return trigger


def _arrive(members: _Members) -> Arrive:
    return Arrive(_place_of(members), members.take("away_s_min", _AWAY_S.takes))


def _leave(members: _Members) -> Leave:
    return Leave(_place_of(members), members.take("stay_s_min", _AWAY_S.takes))


def _at_time(members: _Members) -> AtTime:
    days = members.take("days", _is_list)
    if any(day not in DAYS for day in days):
        raise SceneWordUnknown("A scene says a day that the vocabulary does not have.")
    if not days or len(set(days)) < len(days):
        raise SceneMalformed("The days of a scene are one or more, each once.")
    return AtTime(
        minute_of_day=members.take("minute_of_day", _MINUTE.takes),
        days=tuple(day for day in DAYS if day in days),
        zone=members.take("zone", _is_zone),
    )


TRIGGERS: Final[Mapping[str, Callable[[_Members], Trigger]]] = {
    "arrive": _arrive,
    "leave": _leave,
    "time": _at_time,
}
"""Every trigger, by its name."""


def _place_of(members: _Members) -> Place:
    point = _Members(members.take("place", _is_object), "a place")
    place = Place(
        latitude_e7=point.take("latitude_e7", _LATITUDE_E7.takes),
        longitude_e7=point.take("longitude_e7", _LONGITUDE_E7.takes),
        enter_radius_m=members.take("enter_radius_m", _ENTER_M.takes),
        exit_radius_m=members.take("exit_radius_m", _EXIT_M.takes),
    )
    point.end()
    if place.exit_radius_m - place.enter_radius_m < RADIUS_GAP_M_MIN:
        raise SceneMalformed(
            f"exit_radius_m is larger than enter_radius_m by {RADIUS_GAP_M_MIN} m at least."
        )
    return place


def _action_of(value: object) -> Action:
    if not isinstance(value, dict):
        raise SceneMalformed("An action is an object.")
    members = _Members(value, "an action")
    name = members.word("action")
    if name not in ACTIONS:
        raise SceneWordUnknown("A scene says an action that the vocabulary does not have.")
    word = ACTIONS[name]
    taken = {name: members.take(name, row.takes) for name, row in word.arguments.items()}
    members.end()
    return Action(word, taken)


def _members_of_trigger(trigger: Trigger) -> dict[str, Any]:
    if isinstance(trigger, AtTime):
        return {
            "trigger": "time",
            "minute_of_day": trigger.minute_of_day,
            "days": list(trigger.days),
            "zone": trigger.zone,
        }
    place = trigger.place
    where = {
        "place": {"latitude_e7": place.latitude_e7, "longitude_e7": place.longitude_e7},
        "enter_radius_m": place.enter_radius_m,
        "exit_radius_m": place.exit_radius_m,
    }
    if isinstance(trigger, Arrive):
        return {"trigger": "arrive"} | where | {"away_s_min": trigger.away_s_min}
    return {"trigger": "leave"} | where | {"stay_s_min": trigger.stay_s_min}


def _members_of_action(action: Action) -> dict[str, Any]:
    return {"action": action.word.name} | dict(action.arguments)


def _object_of(text: str) -> dict[str, Any]:
    try:
        return strict_object(text.encode())
    except (DocumentMalformed, UnicodeEncodeError):
        raise SceneMalformed(
            "A scene is one JSON object that every language reads alike."
        ) from None


def _text_of(members: dict[str, Any]) -> str:
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_name(value: object) -> bool:
    """What a person can read: no blank, nothing invisible, no line end."""
    is_short = isinstance(value, str) and len(value) <= NAME_CHARACTERS_MAX
    return isinstance(value, str) and is_short and value.isprintable() and bool(value.strip())


def _is_scene_id(value: object) -> bool:
    try:
        parse(value if isinstance(value, str) else "", "scene")
    except IdentifierMalformed:
        return False
    return True


def _is_zone(value: object) -> bool:
    return isinstance(value, str) and _ZONE.match(value) is not None
