"""What a car can be asked for: the table of scopes, and the arguments of each.

Rules:

* a scope stands in clear and signed in every command; its arguments are sealed to the car;
* arguments are whole numbers, true or false, and texts, each with its limits; what is not in the
  row is refused, and nothing has a silent default.

Left out on purpose: whether the car may do it now, which its guard decides; what a text says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.arguments import Limits, Text, WholeNumber, YesOrNo
from monocoque.contracts.errors import ArgumentsWrong, ScopeUnknown
from monocoque.contracts.scenes import SCENE_CHARACTERS_MAX

NUMBER_MAX: Final = 2**31 - 1
"""The highest number of a release."""

Arguments = Mapping[str, int | bool | str]
"""The arguments of one command, by name."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One row: something that a car can be asked for."""

    name: str
    arguments: Mapping[str, Limits]
    purpose: str


LOCK: Final = Scope("lock", {}, "Lock every door.")
UNLOCK: Final = Scope("unlock", {}, "Unlock every door.")
CLIMATE: Final = Scope(
    "climate",
    {"on": YesOrNo(), "temperature_decicelsius": WholeNumber(160, 280)},
    "Heat or cool the cabin to a temperature, in tenths of a degree Celsius; or stop.",
)
CHARGE_LIMIT: Final = Scope(
    "charge_limit",
    {"percent": WholeNumber(50, 100)},
    "Charge up to this much of the battery, in percent.",
)

UPDATE: Final = Scope(
    "update",
    {"release_number": WholeNumber(1, NUMBER_MAX), "agreed": YesOrNo()},
    "Agree that a release be installed once the car is parked and charged; or take that back.",
)

SCENE_PUT: Final = Scope(
    "scene_put",
    {"scene": Text(SCENE_CHARACTERS_MAX)},
    "Keep a scene, in place of the one with its identifier (docs/protocol/scenes.md).",
)
SCENE_REMOVE: Final = Scope("scene_remove", {"scene_id": Text(64)}, "Forget a scene.")

SCOPES: Final = {
    row.name: row for row in (LOCK, UNLOCK, CLIMATE, CHARGE_LIMIT, UPDATE, SCENE_PUT, SCENE_REMOVE)
}
"""Every row, by its name."""


def find_scope(name: str) -> Scope:
    """The row of that name; raises ScopeUnknown."""
    if name not in SCOPES:
        raise ScopeUnknown("No car of this version can be asked for this.")
    return SCOPES[name]


def check_arguments(scope: Scope, arguments: Mapping[str, object]) -> Arguments:
    """The arguments, when they are those of the scope and no others; raises ArgumentsWrong."""
    if arguments.keys() != scope.arguments.keys():
        raise ArgumentsWrong(f"{scope.name} takes {sorted(scope.arguments)} and nothing else.")
    checked: dict[str, int | bool | str] = {}
    for name, row in scope.arguments.items():
        value = arguments[name]
        if not isinstance(value, (int, str)) or not row.takes(value):
            raise ArgumentsWrong(f"{name} of {scope.name} is outside its limits.")
        checked[name] = value
    return checked
