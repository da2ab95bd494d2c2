"""The mapping file: which field of which message is which signal, and how one becomes the other.

Rules:

* it is strict: a member that nobody knows, a wrong type, or two rows for one signal are refused,
  and the row is named by its place and its line;
* a row stands alone: it says nothing about others, and its order means nothing;
* this file knows neither database nor catalogue; translation.py binds a mapping to both.

Left out on purpose: formulas. A linear factor, a unit or a table of values is what can be turned
round for the way out, and shown to be right.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.car.can.logic.strict_yaml import Node, read_yaml, shown
from monocoque.contracts.errors import CanMappingWrong
from monocoque.contracts.signals import Value

VERSION: Final = 1
NAME_CHARACTERS_MAX: Final = 1_000
TABLE_ROWS_MAX: Final = 256
MILLISECONDS_MAX: Final = 3_600_000
NUMBER_MAX: Final = 1e15

Key = str | int
"""A value of a field: its number on the bus, or the name that the database gives to it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How the number in a field becomes the number of a signal: ``number * factor + offset``."""

    factor: float = 1
    offset: float = 0
    unit: str = ""
    """Of the field, where the file says it in place of factor and offset."""


@dataclass(frozen=True, slots=True)
class InRow:
    """From the bus to a signal."""

    place: str
    """Where it stands, for errors."""
    path: str
    message: str
    field: str
    scale: Scale
    values: Mapping[Key, Value] = dataclasses.field(default_factory=dict)
    """What each value of the field means; empty when numbers are scaled."""
    skip: tuple[Key, ...] = ()
    """Values of the field that stand for no number, such as "not available"."""
    publish: str = ""
    """``change`` or ``always``; empty for what suits the signal."""
    interval_ms: int = 0
    hysteresis: float = 0
    silent_after_ms: int = 0
    """A value counts for so long after it was heard; 0 for the same as most."""


@dataclass(frozen=True, slots=True)
class OutRow:
    """From an actuator to the bus."""

    place: str
    path: str
    message: str
    field: str
    scale: Scale
    values: Mapping[Key, Value] = dataclasses.field(default_factory=dict)
    """As on the way in: what each value of the field means."""
    constants: Mapping[str, Key] = dataclasses.field(default_factory=dict)
    """Other fields of the same message, as numbers on the bus or names of the database."""


@dataclass(frozen=True, slots=True)
class BusMapping:
    """All of one file."""

    rows_in: tuple[InRow, ...]
    rows_out: tuple[OutRow, ...]


def parse_mapping(text: str, rows_max: int) -> BusMapping:
    """Read the text of a mapping file. Raises CanMappingWrong, which names the row."""
    members = _Members(read_yaml(text), "The file")
    version = members.take("version", _whole, None)
    if version != VERSION:
        raise CanMappingWrong(f"The file says version {shown(version)}; {VERSION} is known.")
    nodes_in = members.take("from_bus", _nodes, [])
    nodes_out = members.take("to_bus", _nodes, [])
    members.end()
    if not nodes_in and not nodes_out:
        raise CanMappingWrong("The file has no row in it.")
    if len(nodes_in) + len(nodes_out) > rows_max:
        raise CanMappingWrong(f"The file has more than {rows_max} rows.")
    rows_in = tuple(_in_row(_row("from_bus", i, node)) for i, node in enumerate(nodes_in))
    rows_out = tuple(_out_row(_row("to_bus", i, node)) for i, node in enumerate(nodes_out))
    for rows in (rows_in, rows_out):
        seen: dict[str, str] = {}
        for row in rows:
            if row.path in seen:
                raise CanMappingWrong(f"{row.place}: {seen[row.path]} is for {row.path} too.")
            seen[row.path] = row.place
    return BusMapping(rows_in, rows_out)


class _Members:
    """The members of one mapping in the file, each to be taken once."""

    def __init__(self, node: Node, place: str) -> None:
        if not isinstance(node.value, dict):
            raise CanMappingWrong(f"{place} is no table of members.")
        self.place = place
        self._left: dict[Any, Node] = dict(node.value)

    def take(self, name: str, read: Callable[[Any], Any], default: Any) -> Any:
        """The member, read; the default where it is not. Raises when it reads as nothing."""
        node = self._left.pop(name, None)
        if node is None:
            return default
        found = read(node.value)
        if found is None:
            raise self.wrong(f"{name} cannot be {shown(_bare(node))}")
        return found

    def need(self, name: str, read: Callable[[Any], Any]) -> Any:
        """The same for a member that must be there."""
        found = self.take(name, read, None)
        if found is None:
            raise self.wrong(f"{name} is missing")
        return found

    def end(self) -> None:
        """Raise when something is left."""
        for name in self._left:
            raise self.wrong(f"nobody knows the member {shown(name)}")

    def wrong(self, what: str) -> CanMappingWrong:
        return CanMappingWrong(f"{self.place}: {what}.")


def _row(name: str, index: int, node: Node) -> _Members:
    return _Members(node, f"Row {index + 1} of {name} (line {node.line})")


def _in_row(members: _Members) -> InRow:
    row = InRow(
        place=members.place,
        path=members.need("signal", _name),
        message=members.need("message", _name),
        field=members.need("field", _name),
        scale=_scale(members),
        values=members.take("values", _table, {}),
        skip=members.take("skip", _keys, ()),
        publish=members.take("publish", _publish, ""),
        interval_ms=members.take("interval_ms", _milliseconds, 0),
        hysteresis=members.take("hysteresis", _positive, 0),
        silent_after_ms=members.take("silent_after_ms", _milliseconds, 0),
    )
    members.end()
    if row.values and (row.scale != Scale() or row.hysteresis or row.skip):
        raise members.wrong("a table of values stands alone, without scale, skip or hysteresis")
    if row.hysteresis and row.publish == "always":
        raise members.wrong("a hysteresis says which changes count, and always takes them all")
    return row


def _out_row(members: _Members) -> OutRow:
    row = OutRow(
        place=members.place,
        path=members.need("signal", _name),
        message=members.need("message", _name),
        field=members.need("field", _name),
        scale=_scale(members),
        values=members.take("values", _table, {}),
        constants=members.take("with", _constants, {}),
    )
    members.end()
    if row.values and row.scale != Scale():
        raise members.wrong("a table of values is not scaled")
    if len(set(row.values.values())) < len(row.values):
        raise members.wrong("two values of the bus mean the same; which is to be sent?")
    if row.field in row.constants:
        raise members.wrong(f"{shown(row.field)} is the field itself, and stands in with too")
    return row


def _scale(members: _Members) -> Scale:
    factor = members.take("factor", _number, None)
    offset = members.take("offset", _number, None)
    unit = members.take("unit", _name, "")
    if factor == 0:
        raise members.wrong("a factor of 0 leaves nothing of the number")
    if unit and (factor is not None or offset is not None):
        raise members.wrong("a unit brings its own factor and offset")
    return Scale(1 if factor is None else factor, 0 if offset is None else offset, unit)


# --- each reads one value of a member, or says None ------------------------------------------


def _nodes(value: Any) -> list[Node] | None:
    return value if isinstance(value, list) else None


def _name(value: Any) -> str | None:
    is_name = isinstance(value, str) and 0 < len(value) <= NAME_CHARACTERS_MAX
    return value if is_name else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= NUMBER_MAX else None


def _positive(value: Any) -> int | float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _milliseconds(value: Any) -> int | None:
    whole = _whole(value)
    return whole if whole is not None and 0 < whole <= MILLISECONDS_MAX else None


def _publish(value: Any) -> str | None:
    return value if value in ("change", "always") else None


def _table(value: Any) -> dict[Key, Value] | None:
    if not isinstance(value, dict) or not 0 < len(value) <= TABLE_ROWS_MAX:
        return None
    plain = {key: node.value for key, node in value.items()}
    fits = all(isinstance(each, bool | int | float | str) for each in plain.values())
    return plain if fits else None


def _keys(value: Any) -> tuple[Key, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= TABLE_ROWS_MAX:
        return None
    plain = tuple(node.value for node in value)
    return plain if all(isinstance(each, str | int) for each in plain) else None


def _constants(value: Any) -> dict[str, Key] | None:
    if not isinstance(value, dict) or not 0 < len(value) <= TABLE_ROWS_MAX:
        return None
    plain = {
        key: int(n.value) if isinstance(n.value, bool) else n.value for key, n in value.items()
    }
    fits = all(isinstance(k, str) and isinstance(v, int | str) for k, v in plain.items())
    return plain if fits else None


def _bare(node: Node) -> Any:
    """The value without nodes, as an error shows it."""
    if isinstance(node.value, dict):
        return dict.fromkeys(node.value, "…")
    if isinstance(node.value, list):
        return ["…"] * min(len(node.value), 3)
    return node.value
