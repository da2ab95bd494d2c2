"""Many datapoints out of the bytes of a message, without a Python object for each.

Rules:

* a shape is a run of entries of one time, as one provider said them at once. The places of times
  and values are learnt from the first and used for the next; all bytes between them are compared,
  so a run either has exactly this shape or is read otherwise;
* what is unusual is not read here: then the protobuf library reads it;
* learning takes longer than reading, so it has its turns. They are counted by how messages begin,
  and come more seldom where nothing can be learnt: one that never can takes no turn of another's;
* what is remembered is bounded, and forgotten at once when it is too much.

Left out on purpose: maps whose keys are paths.
"""

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

from monocoque.car.kuksa.logic.pieces import (
    ENTRY_KEY,
    ENTRY_POINT,
    INT32_MAX,
    POINT_TIME,
    POINT_VALUE,
    READERS,
    read_time_us,
    read_varint,
)
from monocoque.contracts.signals import Value

MARK_BYTES: Final = 6
"""By so many of its first bytes a shape is found."""
MARKS_COUNTED_MAX: Final = 1_024
"""Beginnings of unknown shapes that are told apart."""
LEARN_EVERY: Final = 4
"""Of messages of unknown shape that begin alike, so many pass for one that is learnt."""
LEARN_SELDOM: Final = 64
"""The same where nothing was ever learnt: each time that nothing is, one more passes."""
TEXT_MEMBER: Final = 11
FLOAT_MEMBER: Final = 17
DOUBLE_MEMBER: Final = 18
FIXED_32: Final = 5
FIXED_64: Final = 1

Said = tuple[tuple[int, ...], list[Value], list[int]]
"""Numbers, values, and their times in microseconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one reader remembers."""

    entries_kept_max: int = 4_096
    """Of all shapes together."""
    shapes_alike_max: int = 16
    """Shapes that begin alike, which are tried one after another."""


OF_ONE: Final = Limits()
"""For one stream."""
OF_MANY: Final = Limits(entries_kept_max=32_768, shapes_alike_max=128)
"""For one that all streams of a connection share."""


@dataclass(frozen=True, slots=True)
class _Shape:
    numbers: tuple[int, ...]
    row: Struct
    """For each entry: what is before its time, its time, what is between, its value."""
    preludes: tuple[bytes, ...]
    betweens: tuple[bytes, ...]
    turned: tuple[tuple[int, Callable[[bytes], Value]], ...]
    """Places of values that are not ready as they are, and how they become so."""
    last_at: int
    """Where the last entry begins."""

    def may_be_at(self, data: bytes, at: int) -> bool:
        """Whether its last entry is there. Shapes that begin alike are seldom alike in this."""
        return data.startswith(self.preludes[-1], at + self.last_at)


@dataclass(slots=True)
class _Turn:
    """When unknown shapes that begin in one way are learnt."""

    left: int = 1
    """Until the next that is."""
    every: int = LEARN_EVERY


class Reader:
    """Reads the maps of one stream, or of several whose maps are alike."""

    def __init__(self, entry_tag: bytes, limits: Limits = OF_ONE) -> None:
        """entry_tag: how an entry of the map begins."""
        self._entry_tag = entry_tag
        self._limits = limits
        self._shapes: dict[bytes, list[_Shape]] = {}
        self._entries_kept = 0
        self._turns: dict[bytes, _Turn] = {}

    def read(self, data: bytes, at: int, now_us: int) -> Said | None:
        """All entries from there to the end, if they are usual ones.

        now_us: the time of those that say none.
        """
        said: Said | None = None
        may_learn = False
        while at < len(data):
            shape, parts = self._find(data, at)
            if shape is None:
                turn = self._turn_of(data[at : at + MARK_BYTES])
                turn.left -= 1
                may_learn = may_learn or turn.left <= 0
                shape = self._learn(data, at, turn) if may_learn else None
                if shape is None:
                    return None
                parts = shape.row.unpack_from(data, at)
            found = _take(shape, parts, now_us)
            if found is None:
                return None
            at += shape.row.size
            if said is None:
                said = found
            else:
                said[1].extend(found[1])
                said[2].extend(found[2])
                said = (said[0] + found[0], said[1], said[2])
                if len(set(said[0])) != len(said[0]):
                    return None
        return said

    def _find(self, data: bytes, at: int) -> tuple[_Shape | None, tuple[Any, ...]]:
        """The shape that these entries have, if it is known, and their pieces."""
        left = len(data) - at
        alike = self._shapes.get(data[at : at + MARK_BYTES], ())
        is_only = len(alike) == 1
        for shape in alike:
            if shape.row.size <= left and (is_only or shape.may_be_at(data, at)):
                parts = shape.row.unpack_from(data, at)
                if parts[0::4] == shape.preludes and parts[2::4] == shape.betweens:
                    return shape, parts
        return None, ()

    def _turn_of(self, mark: bytes) -> _Turn:
        """The turn of unknown shapes that begin so; the first that comes has it."""
        turn = self._turns.get(mark)
        if turn is None:
            if len(self._turns) >= MARKS_COUNTED_MAX:
                self._turns.clear()
            turn = self._turns[mark] = _Turn()
        return turn

    def _learn(self, data: bytes, at: int, turn: _Turn) -> _Shape | None:
        """The shape that these entries have, remembered; None for unusual ones."""
        shape = _learn(data, at, self._entry_tag)
        if shape is not None:
            self._keep(data[at : at + MARK_BYTES], shape)
            turn.every = LEARN_EVERY
        else:
            # Of several that begin alike and come one after another, the turn must not always be
            # the same one's; so the next is not as far from this as this was from the last.
            turn.every = min(turn.every + 1, LEARN_SELDOM)
        turn.left = turn.every
        return shape

    def _keep(self, mark: bytes, shape: _Shape) -> None:
        count = len(shape.numbers)
        if self._entries_kept + count > self._limits.entries_kept_max:
            self._shapes.clear()
            self._entries_kept = 0
        alike = self._shapes.setdefault(mark, [])
        if len(alike) >= self._limits.shapes_alike_max:
            self._entries_kept -= sum(len(each.numbers) for each in alike)
            alike.clear()
        alike.append(shape)
        self._entries_kept += count


def read_published(reader: Reader, data: bytes, now_us: int) -> tuple[int, Said] | None:
    """The request's number and what a provider says, if this is all that the message is."""
    try:
        if data[:1] != b"\x12":
            return None
        size, at = read_varint(data, 1)
        if at + size != len(data):
            return None
        request_id = 0
        if data[at : at + 1] == b"\x08":
            request_id, at = read_varint(data, at + 1)
    except ValueError:
        return None
    said = reader.read(data, at, now_us)
    return None if said is None or request_id > 2**32 - 1 else (request_id, said)


def _take(shape: _Shape, parts: tuple[Any, ...], now_us: int) -> Said | None:
    times = parts[1::4]
    values: list[Value] = list(parts[3::4])
    first = times[0]
    try:
        if times.count(first) == len(times):
            times_us = [_time_us(first, now_us)] * len(times)
        else:
            times_us = [_time_us(each, now_us) for each in times]
        for place, turn in shape.turned:
            values[place] = turn(values[place])  # type: ignore[arg-type]
    except ValueError:
        return None
    return shape.numbers, values, times_us


def _time_us(piece: bytes, now_us: int) -> int:
    return read_time_us(piece) if piece else now_us


class _Walk:
    """One way through a message, from its first byte to its last."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self.begins = at
        """Of what is between the last value and the next time."""

    def expect(self, tag: bytes) -> None:
        """Raises ValueError unless this comes."""
        if not self.data.startswith(tag, self.at):
            raise ValueError("unusual")
        self.at += len(tag)

    def number(self) -> int:
        """A whole number comes. Raises ValueError."""
        number, self.at = read_varint(self.data, self.at)
        return number

    def end(self) -> int:
        """A length comes; where what it is of ends. Raises ValueError."""
        size = self.number()
        return self.at + size


def _learn(data: bytes, at: int, entry_tag: bytes) -> _Shape | None:
    """The shape of what begins there, up to another time; None when it is not a usual one."""
    walk = _Walk(data, at)
    numbers: list[int] = []
    words: list[str] = []
    preludes: list[bytes] = []
    betweens: list[bytes] = []
    turned: list[tuple[int, Callable[[bytes], Value]]] = []
    time, last_at = None, 0
    try:
        while walk.at < len(data):
            number, time_at, time_end, entry_end = _before_value(walk, entry_tag)
            if time not in (None, data[time_at:time_end]):
                break
            time = data[time_at:time_end]
            last_at = walk.begins - at
            preludes.append(data[walk.begins : time_at])
            word, turn, value_at, value_end = _value(walk)
            if value_end != entry_end:
                return None
            betweens.append(data[time_end:value_at])
            words.append(f"{time_at - walk.begins}s{time_end - time_at}s{value_at - time_end}s")
            words.append(word)
            if turn is not None:
                turned.append((len(numbers), turn))
            numbers.append(number)
            walk.at = walk.begins = value_end
    except ValueError:
        return None
    if not numbers or len(set(numbers)) != len(numbers):
        return None
    row = Struct("<" + "".join(words))
    if row.size > len(data) - at:
        return None
    return _Shape(tuple(numbers), row, tuple(preludes), tuple(betweens), tuple(turned), last_at)


def _before_value(walk: _Walk, entry_tag: bytes) -> tuple[int, int, int, int]:
    """The entry's number, where its time begins and ends, and the entry. Raises ValueError."""
    walk.expect(entry_tag)
    entry_end = walk.end()
    walk.expect(bytes((ENTRY_KEY,)))
    number = walk.number()
    if number > INT32_MAX:
        raise ValueError("a negative number")
    walk.expect(ENTRY_POINT)
    if walk.end() != entry_end:
        raise ValueError("unusual")
    time_at = time_end = walk.at
    if walk.data.startswith(POINT_TIME, walk.at):
        walk.at += 1
        time_end = walk.end()
        time_at = walk.at
        if time_end == time_at:
            raise ValueError("a time that is nothing")
    walk.at = time_end
    walk.expect(POINT_VALUE)
    if walk.end() != entry_end:
        raise ValueError("unusual")
    return number, time_at, time_end, entry_end


def _value(walk: _Walk) -> tuple[str, Callable[[bytes], Value] | None, int, int]:
    """How ``struct`` reads the value that comes, how it is turned, where it begins and ends.

    Raises ValueError.
    """
    member, wire = divmod(walk.number(), 8)
    at = walk.at
    if (member, wire) == (FLOAT_MEMBER, FIXED_32):
        return "f", None, at, at + 4
    if (member, wire) == (DOUBLE_MEMBER, FIXED_64):
        return "d", None, at, at + 8
    turn = READERS.get(member)
    if turn is None or wire != (2 if member == TEXT_MEMBER else 0):
        raise ValueError("unusual")
    if member == TEXT_MEMBER:
        end = walk.end()
        return f"{end - walk.at}s", turn, walk.at, end
    walk.number()
    return f"{walk.at - at}s", turn, at, walk.at
