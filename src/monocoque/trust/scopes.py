"""What a car can be asked for: the table of scopes, and the arguments of each.

Rules:

* a scope stands in clear and signed in every command; its arguments are sealed to the car;
* arguments are whole numbers and true or false, each with its limits; what is not in the row is
  refused, and nothing has a silent default.

Left out on purpose: whether the car may do it now, which its guard decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.errors import ArgumentsWrong, ScopeUnknown

NUMBER_MAX: Final = 2**31 - 1
"""The highest number of a release."""

Arguments = Mapping[str, int | bool]
"""The arguments of one command, by name."""


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """An argument that is a whole number within limits, both included."""

    minimum: int
    maximum: int

    def takes(self, value: object) -> bool:
        """Whether the value may stand here; true and false are no numbers."""
        return type(value) is int and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """An argument that is true or false."""

    def takes(self, value: object) -> bool:
        """Whether the value may stand here."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Scope:
    """One row: something that a car can be asked for."""

    name: str
    arguments: Mapping[str, WholeNumber | YesOrNo]
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

SCOPES: Final = {row.name: row for row in (LOCK, UNLOCK, CLIMATE, CHARGE_LIMIT, UPDATE)}
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
    checked: dict[str, int | bool] = {}
    for name, row in scope.arguments.items():
        value = arguments[name]
        if not isinstance(value, int) or not row.takes(value):
            raise ArgumentsWrong(f"{name} of {scope.name} is outside its limits.")
        checked[name] = value
    return checked
