"""What a value in a message may be: nothing that a database or a page could not take.

Rules:

* a whole number fits into 63 bits, since SQL has no larger one;
* a time (a field whose name ends in ``_us``) is in the years 1970 to 9999;
* a number with a fraction is one: neither infinite nor "not a number";
* a text has no NUL, which PostgreSQL does not store.

A field that breaks one of these would otherwise fail where it is used, again and again, for
everybody who shares that reader.

Left out on purpose: what a value means; its feature asks that.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from monocoque.contracts.errors import MessageMalformed

NUMBER_MAX: Final = 2**63 - 1
TIME_US_MAX: Final = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""

_FRACTIONS: Final = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)


def check_values(message: Message) -> None:
    """Raises MessageMalformed, with the field's name and never its value."""
    for field, value in message.ListFields():
        for each in _values(field, value):
            if isinstance(each, Message):
                check_values(each)
            elif not _is_usable(field, each):
                raise MessageMalformed(f"{field.full_name} holds what cannot be kept.")


def _values(field: FieldDescriptor, value: Any) -> Iterable[Any]:
    return value if field.is_repeated else (value,)


def _is_usable(field: FieldDescriptor, value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value
    if field.cpp_type in _FRACTIONS:
        return math.isfinite(value)
    if isinstance(value, int):
        least, most = (0, TIME_US_MAX) if field.name.endswith("_us") else (~NUMBER_MAX, NUMBER_MAX)
        return least <= value <= most
    return True
