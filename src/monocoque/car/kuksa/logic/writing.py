"""Many datapoints into the bytes of a message, without a Python object for each.

Rules: what does not change from one batch of the same signals to the next is made once, for each
length that times and values can have; what is remembered is bounded.

Left out on purpose: arrays; the protobuf library writes those.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final

from monocoque.car.kuksa.logic.pieces import (
    ENTRY_KEY,
    ENTRY_POINT,
    FORMAT_BYTES,
    FORMATS,
    POINT_TIME,
    POINT_VALUE,
    TAGS,
    TEXT_TAG,
    WRITERS,
    write_time,
    write_varint,
)
from monocoque.contracts.signals import Value

PLANS_MAX: Final = 256
"""Sets of signals that one writer remembers."""
ROWS_MAX: Final = 64
"""Of one set of signals, so many combinations of lengths."""

Numbers = tuple[int, ...]


class _Plan:
    """What is known of messages about these signals, in this order."""

    __slots__ = ("keys", "members", "rows", "turned")

    def __init__(self, keys: list[bytes], members: list[str]) -> None:
        self.keys = keys
        self.members = members
        self.turned: list[tuple[int, Callable[[Value], bytes]]] = [
            (place, WRITERS[member]) for place, member in enumerate(members) if member in WRITERS
        ]
        """Places whose length depends on the value, and how it is written."""
        self.rows: dict[Any, tuple[Struct, list[Any]]] = {}
        """By the lengths of times and values: how to pack, and what is the same each time."""


class Writer:
    """Writes the maps of all who hear the same kind of message."""

    def __init__(self, entry_tag: bytes, members: Mapping[int, str], keys: Mapping[int, int | str]):
        """entry_tag: how an entry of the map begins.

        members: of each signal, which member of a value it has. keys: of those that are not named
        by their number here, the path or the number that they have for the reader.
        """
        self._entry_tag = entry_tag
        self._members = members
        self._keys = keys
        self._plans: dict[Numbers, _Plan | None] = {}

    def write(
        self, numbers: Numbers, values: Sequence[Value], times_us: Sequence[int]
    ) -> bytes | None:
        """The entries of these; None when they are unusual."""
        try:
            plan = self._plans[numbers]
        except KeyError:
            plan = self._plan(numbers)
        if plan is None:
            return None
        payloads: list[Any] = list(values)
        for place, turn in plan.turned:
            payloads[place] = turn(payloads[place])
        lengths = tuple([len(payloads[place]) for place, _ in plan.turned])
        count, first_us = len(payloads), times_us[0]
        if times_us.count(first_us) == count:
            times = [write_time(first_us)] * count
            key: Any = (len(times[0]), lengths)
        else:
            times = [write_time(each_us) for each_us in times_us]
            key = (tuple(map(len, times)), lengths)
        found = plan.rows.get(key)
        if found is None:
            if len(plan.rows) >= ROWS_MAX:
                plan.rows.clear()
            found = plan.rows[key] = self._row(plan, [len(each) for each in times], lengths)
        row, parts = found
        parts[1::4] = times
        parts[3::4] = payloads
        try:
            return row.pack(*parts)
        except (struct.error, OverflowError):
            return None

    def _plan(self, numbers: Numbers) -> _Plan | None:
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        members = [self._members[number] for number in numbers]
        plan = None
        if numbers and all(member in TAGS for member in members):
            plan = _Plan([self._key(number) for number in numbers], members)
        self._plans[numbers] = plan
        return plan

    def _key(self, number: int) -> bytes:
        key = self._keys.get(number, number)
        if isinstance(key, int):
            return bytes((ENTRY_KEY,)) + write_varint(key)
        text = key.encode()
        return POINT_TIME + write_varint(len(text)) + text

    def _row(
        self, plan: _Plan, time_lengths: list[int], lengths: tuple[int, ...]
    ) -> tuple[Struct, list[Any]]:
        turned_lengths = iter(lengths)
        words, parts = [], []
        for key, member, time_length in zip(plan.keys, plan.members, time_lengths, strict=True):
            word = FORMATS.get(member) or f"{next(turned_lengths)}s"
            length = FORMAT_BYTES.get(word) or int(word[:-1])
            before, between = self._around(key, member, time_length, length)
            words.append(f"{len(before)}s{time_length}s{len(between)}s{word}")
            parts += [before, None, between, None]
        return Struct("<" + "".join(words)), parts

    def _around(
        self, key: bytes, member: str, time_length: int, length: int
    ) -> tuple[bytes, bytes]:
        """What comes before the time, and between the time and the value."""
        tag = TAGS[member]
        if tag == TEXT_TAG:
            tag += write_varint(length)
        value = POINT_VALUE + write_varint(len(tag) + length) + tag
        time = POINT_TIME + write_varint(time_length)
        point_length = len(time) + time_length + len(value) + length
        point = ENTRY_POINT + write_varint(point_length)
        entry_length = len(key) + len(point) + point_length
        return self._entry_tag + write_varint(entry_length) + key + point + time, value


def write_published(request_id: int, entries: bytes) -> bytes:
    """A provider's message that says these entries."""
    said = (b"\x08" + write_varint(request_id) if request_id else b"") + entries
    return b"\x12" + write_varint(len(said)) + said
