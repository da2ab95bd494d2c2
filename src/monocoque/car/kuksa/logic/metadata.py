"""What a signal is, in the words of either version of KUKSA's protocol.

Left out on purpose: comment and deprecation, which no signal of ours has.
"""

from typing import Any, Final

from monocoque.car.kuksa.logic.values import read_value, write_value
from monocoque.contracts.signals import DataType, EntryType, Signal
from monocoque.contracts.wire import kuksa_v1_pb2 as v1
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

_TYPES: Final = {
    data_type: "DATA_TYPE_"
    + data_type.element.value.upper()
    + ("_ARRAY" if data_type.is_array else "")
    for data_type in DataType
}
_TYPE_OF: Final = {word: data_type for data_type, word in _TYPES.items()}
_ENTRIES: Final = {entry: f"ENTRY_TYPE_{entry.value.upper()}" for entry in EntryType}

_ENTRY_OF: Final = {word: entry for entry, word in _ENTRIES.items()}


def metadata_v2(signal: Signal) -> v2.Metadata:
    """What ``ListMetadata`` of version 2 says of it."""
    said = v2.Metadata(
        path=signal.path,
        id=signal.number,
        data_type=_TYPES[signal.data_type],
        entry_type=_ENTRIES[signal.entry_type],
        description=signal.purpose,
        unit=signal.unit,
    )
    element = signal.data_type.element
    if signal.minimum is not None:
        _write_number(said.min, element, signal.minimum)
    if signal.maximum is not None:
        _write_number(said.max, element, signal.maximum)
    if signal.allowed:
        array = DataType(f"{element.value}[]")
        write_value(said.allowed_values, array, signal.allowed)
    return said


def signal_of(said: v2.Metadata) -> Signal | None:
    """The signal that such metadata describes; None for a type that we do not have."""
    data_type = _TYPE_OF.get(v2.DataType.Name(said.data_type))
    entry_type = _ENTRY_OF.get(v2.EntryType.Name(said.entry_type))
    if data_type is None or entry_type is None:
        return None
    allowed: Any = read_value(said.allowed_values, "typed_value") or ()
    smallest: Any = read_value(said.min, "typed_value")
    largest: Any = read_value(said.max, "typed_value")
    return Signal(
        said.id,
        said.path,
        data_type,
        entry_type,
        said.unit,
        said.description,
        smallest,
        largest,
        allowed,
    )


def metadata_v1(signal: Signal) -> v1.Metadata:
    """What ``Get`` of version 1 says of it."""
    said = v1.Metadata(
        data_type=_TYPES[signal.data_type],
        entry_type=_ENTRIES[signal.entry_type],
        description=signal.purpose,
    )
    if signal.unit:
        said.unit = signal.unit
    getattr(said, signal.entry_type.value).SetInParent()
    has_range = signal.minimum is not None or signal.maximum is not None
    if not has_range and not signal.allowed:
        return said
    restriction: Any = getattr(said.value_restriction, _restriction(signal.data_type.element))
    if signal.minimum is not None:
        restriction.min = signal.minimum
    if signal.maximum is not None:
        restriction.max = signal.maximum
    restriction.allowed_values.extend(signal.allowed)
    return said


def _write_number(message: v2.Value, element: DataType, number: int | float) -> None:
    write_value(message, element, float(number) if element.whole_limits is None else int(number))


def _restriction(element: DataType) -> str:
    """Which kind of restriction a type of signal has."""
    if element in (DataType.STRING, DataType.BOOLEAN):
        return "string"
    if element.whole_limits is None:
        return "floating_point"
    return "signed" if element.whole_limits[0] < 0 else "unsigned"
