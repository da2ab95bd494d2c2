"""Values of signals in KUKSA's messages, and back; both versions name the same members.

Rules: what is written follows from the signal's type; what is read is taken as it comes, since
whether it fits is the hub's to say.

Left out on purpose: timestamps of values that were never said.
"""

from typing import Any, Final

from monocoque.contracts.signals import DataType, Value

MEMBERS: Final = {
    DataType.BOOLEAN: "bool",
    DataType.STRING: "string",
    DataType.INT8: "int32",
    DataType.INT16: "int32",
    DataType.INT32: "int32",
    DataType.INT64: "int64",
    DataType.UINT8: "uint32",
    DataType.UINT16: "uint32",
    DataType.UINT32: "uint32",
    DataType.UINT64: "uint64",
    DataType.FLOAT: "float",
    DataType.DOUBLE: "double",
}
"""The member that holds a value of this type; of arrays, its name and ``_array``."""
NANOSECONDS: Final = 1_000_000_000
FLOAT_MAX: Final = 3.4028234663852886e38
"""The largest number that a float of 32 bits holds."""


def member_of(data_type: DataType) -> str:
    """Which member of a message holds values of this type."""
    name = MEMBERS[data_type.element]
    return f"{name}_array" if data_type.is_array else name


def write_value(message: Any, data_type: DataType, value: Value) -> None:
    """Put a value into a message that has these members (``Value`` of v2, ``Datapoint`` of v1)."""
    member = member_of(data_type)
    if isinstance(value, tuple):
        getattr(message, member).values.extend(value)
        getattr(message, member).SetInParent()
    elif member == "float" and isinstance(value, float):
        message.float = max(-FLOAT_MAX, min(FLOAT_MAX, value))
    else:
        setattr(message, member, value)


def read_value(message: Any, oneof: str) -> Value | None:
    """The value in such a message; None when it has none."""
    member = message.WhichOneof(oneof)
    if member is None:
        return None
    found = getattr(message, member)
    value: Value = tuple(found.values) if member.endswith("_array") else found
    return value


def write_time(stamp: Any, time_us: int) -> None:
    """Put a time into a ``google.protobuf.Timestamp``."""
    stamp.seconds, left_us = divmod(time_us, 1_000_000)
    stamp.nanos = left_us * 1_000


def read_time_us(message: Any, now_us: int) -> int:
    """The time of a datapoint, or now when it says none."""
    if not message.HasField("timestamp"):
        return now_us
    return int(message.timestamp.seconds * 1_000_000 + message.timestamp.nanos // 1_000)
