"""Whether values and their times can be taken, a batch at a time.

Rules: the usual value is judged by three comparisons; only what these do not pass is judged by
``check``, which also turns a whole number into a float and says what is wrong. A time is neither
before 1970 nor later than the caller says.

Left out on purpose: who may say it, and where it goes.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from monocoque.contracts.errors import (
    MonocoqueError,
    SignalDenied,
    SignalNotActuator,
    SignalValueRefused,
)
from monocoque.contracts.signals import DataType, EntryType, Signal, Value, check
from monocoque.contracts.signals.kinds import WHOLE_LIMITS

Bounds = tuple[type, float, float]
"""The type that a value must have, and its smallest and largest."""

FLOAT_MAX: Final = 1.7976931348623157e308
NO_BOUNDS: Final[Bounds] = (type(None), 0, 0)
"""No value passes: texts, arrays and lists of allowed values always go the long way."""


def bounds_of(signal: Signal) -> Bounds:
    """What the usual value of this signal passes."""
    data_type = signal.data_type
    if signal.allowed or data_type.is_array or data_type is DataType.STRING:
        return NO_BOUNDS
    if data_type is DataType.BOOLEAN:
        return (bool, 0, 1)
    if data_type in (DataType.FLOAT, DataType.DOUBLE):
        kind, smallest, largest = float, -FLOAT_MAX, FLOAT_MAX
        return (
            kind,
            smallest if signal.minimum is None else signal.minimum,
            largest if signal.maximum is None else signal.maximum,
        )
    low, high = WHOLE_LIMITS[data_type.value]
    return (
        int,
        low if signal.minimum is None else max(low, signal.minimum),
        high if signal.maximum is None else min(high, signal.maximum),
    )


def all_fit(bounds: Sequence[Bounds], values: Sequence[Value]) -> bool:
    """Whether every value is a usual one; False says only that some need the long way."""
    for (kind, smallest, largest), value in zip(bounds, values, strict=True):
        if type(value) is not kind or not smallest <= value <= largest:  # type: ignore[operator]
            return False
    return True


def all_in_time(times_us: Sequence[int], latest_us: int) -> bool:
    """Whether every time is between 1970 and this one."""
    return min(times_us, default=0) >= 0 and max(times_us, default=0) <= latest_us


def sift(
    signals: Sequence[Signal], values: Sequence[Value], times_us: Sequence[int], latest_us: int
) -> tuple[tuple[int, ...], list[Value], list[int], Mapping[int, MonocoqueError]]:
    """The numbers, values and times that can be taken, and the others' errors by number."""
    numbers: list[int] = []
    taken: list[Value] = []
    taken_us: list[int] = []
    refused: dict[int, MonocoqueError] = {}
    for signal, value, time_us in zip(signals, values, times_us, strict=True):
        try:
            fitting = check(signal, value)
            _check_time(signal, time_us, latest_us)
        except SignalValueRefused as error:
            refused[signal.number] = error
        else:
            taken.append(fitting)
            numbers.append(signal.number)
            taken_us.append(time_us)
    return tuple(numbers), taken, taken_us, refused


def _check_time(signal: Signal, time_us: int, latest_us: int) -> None:
    if not 0 <= time_us <= latest_us:
        when = "before 1970" if time_us < 0 else "further ahead than the clocks of a car differ"
        raise SignalValueRefused(
            f"{signal.path} was measured {when}.",
            hint="Set the provider's clock; signals.time_ahead_s_max says how far ahead is taken.",
        )


def leave_out(
    provided: frozenset[int],
    numbers: Sequence[int],
    values: Sequence[Value],
    times_us: Sequence[int],
) -> tuple[Mapping[int, MonocoqueError], tuple[int, ...], list[Value], list[int]]:
    """The refusals of what is not provided, and the rest."""
    refused: dict[int, MonocoqueError] = {
        number: SignalDenied(f"Signal {number} is not provided here.")
        for number in numbers
        if number not in provided
    }
    places = [place for place, number in enumerate(numbers) if number in provided]
    return (
        refused,
        tuple(numbers[place] for place in places),
        [values[place] for place in places],
        [times_us[place] for place in places],
    )


def check_actuator(signal: Signal) -> None:
    """Return when something can be asked of it. Raises SignalNotActuator."""
    if signal.entry_type is not EntryType.ACTUATOR:
        raise SignalNotActuator(f"{signal.path} is no actuator.")
