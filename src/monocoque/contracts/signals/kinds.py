"""What a signal is, and what may be said of it.

Rules:

* names, types, units and ranges are written as in the COVESA Vehicle Signal Specification, 6.0;
* ``check`` is the one place that decides whether a value fits a signal, for every door;
* a value is a plain Python value: bool, int, float, str, or a tuple of one of these.

Left out on purpose: VSS structs, which no signal of ours has; and time, which a reading has.
"""

import enum
import sys
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.errors import SignalValueRefused

Value = (
    bool
    | int
    | float
    | str
    | tuple[bool, ...]
    | tuple[int, ...]
    | tuple[float, ...]
    | tuple[str, ...]
)
"""What a signal can have."""

TEXT_CHARACTERS_MAX: Final = 4_096
"""Of one text."""
ARRAY_VALUES_MAX: Final = 1_024
"""Of one array."""
NUMBER_MAX: Final = sys.float_info.max
"""What a float holds, in either direction; a whole number can be beyond it, and is then refused."""


class DataType(enum.Enum):
    """The types of VSS, by the names that it gives them."""

    BOOLEAN = "boolean"
    STRING = "string"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FLOAT = "float"
    DOUBLE = "double"
    BOOLEAN_ARRAY = "boolean[]"
    STRING_ARRAY = "string[]"
    INT8_ARRAY = "int8[]"
    INT16_ARRAY = "int16[]"
    INT32_ARRAY = "int32[]"
    INT64_ARRAY = "int64[]"
    UINT8_ARRAY = "uint8[]"
    UINT16_ARRAY = "uint16[]"
    UINT32_ARRAY = "uint32[]"
    UINT64_ARRAY = "uint64[]"
    FLOAT_ARRAY = "float[]"
    DOUBLE_ARRAY = "double[]"

    @property
    def is_array(self) -> bool:
        """Whether a value is a tuple of elements."""
        return self.value.endswith("[]")

    @property
    def element(self) -> "DataType":
        """The type of one element; of no array, the type itself."""
        return DataType(self.value.removesuffix("[]"))

    @property
    def whole_limits(self) -> tuple[int, int] | None:
        """The smallest and the largest whole number of this type or its elements, or None."""
        return WHOLE_LIMITS.get(self.element.value)


WHOLE_LIMITS: Final = {
    f"{sign}int{bits}": (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
"""What fits into each type of whole numbers."""


class EntryType(enum.Enum):
    """What a signal is for, as VSS says it."""

    ATTRIBUTE = "attribute"
    """Does not change while the car runs."""
    SENSOR = "sensor"
    """Is measured."""
    ACTUATOR = "actuator"
    """Is measured, and can be asked for."""


class ChangeType(enum.Enum):
    """How a signal changes, as KUKSA's ``x-kuksa-changetype`` says it."""

    STATIC = "static"
    ON_CHANGE = "onchange"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the table."""

    number: int
    """Its identifier, the same in every version."""
    path: str
    data_type: DataType
    entry_type: EntryType
    unit: str
    """As VSS writes it; empty for what has none."""
    purpose: str
    """One sentence, in our own words."""
    minimum: int | float | None = None
    maximum: int | float | None = None
    allowed: tuple[str, ...] | tuple[int, ...] | tuple[float, ...] = ()
    """The only values that it takes; empty when there is no such list."""
    change_type: ChangeType = ChangeType.ON_CHANGE
    fresh_s: float | None = None
    """A value older than this is stale; None for what stays true until it changes."""


def check(signal: Signal, value: Value) -> Value:
    """The value, as this signal keeps it; a whole number becomes a float where VSS says float.

    Raises SignalValueRefused, which names the path and says what is wrong.
    """
    if signal.data_type.is_array:
        if not isinstance(value, tuple):
            raise _refused(signal, f"is an array of {signal.data_type.element.value}")
        if len(value) > ARRAY_VALUES_MAX:
            raise _refused(signal, f"takes at most {ARRAY_VALUES_MAX} values")
        return tuple(_check_one(signal, one) for one in value)  # type: ignore[return-value]
    return _check_one(signal, value)


def _check_one(signal: Signal, value: object) -> bool | int | float | str:
    element = signal.data_type.element
    fitting = _of_type(signal, element, value)
    if signal.allowed and fitting not in signal.allowed:
        raise _refused(signal, f"takes only {', '.join(str(one) for one in signal.allowed)}")
    if isinstance(fitting, int | float) and not isinstance(fitting, bool):
        if signal.minimum is not None and fitting < signal.minimum:
            raise _refused(signal, f"is at least {signal.minimum}")
        if signal.maximum is not None and fitting > signal.maximum:
            raise _refused(signal, f"is at most {signal.maximum}")
    return fitting


def _of_type(signal: Signal, element: DataType, value: object) -> bool | int | float | str:
    if element is DataType.BOOLEAN:
        if isinstance(value, bool):
            return value
    elif element is DataType.STRING:
        if isinstance(value, str) and len(value) <= TEXT_CHARACTERS_MAX:
            return value
    elif isinstance(value, bool):
        pass
    elif element in (DataType.FLOAT, DataType.DOUBLE):
        if isinstance(value, int | float) and -NUMBER_MAX <= value <= NUMBER_MAX:
            return float(value)
    elif isinstance(value, int):
        smallest, largest = WHOLE_LIMITS[element.value]
        if smallest <= value <= largest:
            return value
    raise _refused(signal, f"is of type {signal.data_type.value}")


def _refused(signal: Signal, what: str) -> SignalValueRefused:
    return SignalValueRefused(f"{signal.path} {what}.")
