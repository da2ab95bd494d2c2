"""What a value in a message may be: nothing that a database or a page could not take.

Rules:

* a whole number fits into 63 bits, since SQL has no larger one;
* a time (a field whose name ends in ``_us``) is in the years 1970 to 9999;
* a number with a fraction is one: neither infinite nor "not a number";
* a text has no NUL, which PostgreSQL does not store.

A field that breaks one of these would otherwise fail where it is used, again and again, for
everybody who shares that reader.

Left out on purpose: what a value means, and the values of a map; their feature asks that.
"""

import math
from collections.abc import Callable, Iterable
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
        check = _CHECKS.get(field)
        if check is None:
            check = _CHECKS[field] = _check_of(field)
        if not check(value):
            raise MessageMalformed(f"{field.full_name} holds what cannot be kept.")


_Check = Callable[[Any], bool]
_CHECKS: Final[dict[FieldDescriptor, _Check]] = {}
"""How each field that was met is checked; there are as many as the messages of the table have."""


def _check_of(field: FieldDescriptor) -> _Check:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_MESSAGE:
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            key_check, value_check = (_check_of(entry.fields_by_name[n]) for n in ("key", "value"))
            return lambda found: all(
                key_check(key) and value_check(value) for key, value in found.items()
            )
        return _all_messages if field.is_repeated else _is_whole
    if kind in _FRACTIONS:
        return _all_fractions if field.is_repeated else math.isfinite
    if kind == FieldDescriptor.CPPTYPE_STRING:
        if field.type == FieldDescriptor.TYPE_BYTES:
            return _is_anything
        return _all_texts if field.is_repeated else _is_text
    least, most = (0, TIME_US_MAX) if field.name.endswith("_us") else (~NUMBER_MAX, NUMBER_MAX)
    if field.is_repeated:
        return lambda values: least <= min(values) and max(values) <= most
    return lambda value: bool(least <= value <= most)


def _is_whole(message: Message) -> bool:
    check_values(message)
    return True


def _all_messages(messages: Iterable[Message]) -> bool:
    return all(map(_is_whole, messages))


def _all_fractions(values: Iterable[float]) -> bool:
    return all(map(math.isfinite, values))


def _is_text(value: str) -> bool:
    return "\0" not in value


def _all_texts(values: Iterable[str]) -> bool:
    return all(map(_is_text, values))


def _is_anything(_value: Any) -> bool:
    return True
