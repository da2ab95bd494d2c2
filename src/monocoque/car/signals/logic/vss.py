"""A catalogue out of a VSS export: the JSON that ``vspec export json`` writes.

Rules:

* what cannot be used is left out and named with its path and the reason; the rest stands. Only a
  file that is no such export is refused whole;
* a path that our own catalogue has keeps its number; any other has one that follows from the path
  alone (30 bits of its SHA-256, and bit 30 set), the same at each start and in each version;
* a unit or a type that we do not know makes its signal unusable, never a guess.

Left out on purpose: structs and instances that are not expanded, which exports have as nodes of
their own; descriptions are taken as they are.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.car.signals.logic.catalogue import PATH_CHARACTERS_MAX, Catalogue
from monocoque.contracts.errors import CatalogueMalformed
from monocoque.contracts.signals import SIGNALS, ChangeType, DataType, EntryType, Signal

FILE_BYTES_MAX: Final = 16 * 1_048_576
SIGNALS_MAX: Final = 20_000
DEPTH_MAX: Final = 32
ALLOWED_MAX: Final = 1_000
TEXT_CHARACTERS_MAX: Final = 4_000
_NUMBER_OF: Final = {signal.path: signal.number for signal in SIGNALS}
_CHANGES: Final = {each.value: each for each in ChangeType}
_ENTRIES: Final = {each.value: each for each in EntryType}
_TYPES: Final = {each.value: each for each in DataType}


@dataclass(frozen=True, slots=True)
class Unusable:
    """A node of the file that is no signal of the car."""

    path: str
    reason: str


def read_vss(data: bytes) -> tuple[Catalogue, tuple[Unusable, ...]]:
    """The signals of an export, and what of it cannot be used. Raises CatalogueMalformed."""
    if len(data) > FILE_BYTES_MAX:
        raise _malformed(f"is larger than {FILE_BYTES_MAX} bytes")
    twice: list[str] = []
    try:
        root = json.loads(data, object_pairs_hook=lambda pairs: _noting_twice(pairs, twice))
    except (ValueError, RecursionError):
        raise _malformed("is no JSON") from None
    if not isinstance(root, dict) or not root:
        raise _malformed("has no branch at its top")
    unusable = [Unusable(name[:PATH_CHARACTERS_MAX], "is there twice") for name in twice]
    signals: dict[str, Signal] = {}
    numbers: set[int] = set()
    for path, node in _leaves(root, unusable):
        try:
            signal = _signal(path, node)
        except _Unfit as unfit:
            unusable.append(Unusable(path, str(unfit)))
            continue
        if signal.number in numbers:
            unusable.append(Unusable(path, "has the number of another path"))
            continue
        numbers.add(signal.number)
        signals[path] = signal
        if len(signals) > SIGNALS_MAX:
            raise _malformed(f"has more than {SIGNALS_MAX} signals")
    if not signals:
        raise _malformed("has no signal that can be used")
    return Catalogue(signals.values()), tuple(unusable)


def number_of(path: str) -> int:
    """The number of a path, the same in every car and version."""
    known = _NUMBER_OF.get(path)
    if known is not None:
        return known
    digest = hashlib.sha256(path.encode("utf-8", "replace")).digest()
    return 2**30 | int.from_bytes(digest[:4], "big") >> 2


class _Unfit(Exception):
    """Why a node cannot be used."""


def _noting_twice(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            twice.append(name)
        else:
            members[name] = value
    return members


def _leaves(
    root: Mapping[str, Any], unusable: list[Unusable]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every node without children, with its path."""
    waiting = [(name, node, 1) for name, node in reversed(list(root.items()))]
    while waiting:
        path, node, depth = waiting.pop()
        if len(path) > PATH_CHARACTERS_MAX or depth > DEPTH_MAX:
            unusable.append(Unusable(path[:PATH_CHARACTERS_MAX], "lies too deep"))
        elif not isinstance(node, dict) or not isinstance(node.get("children", {}), dict):
            unusable.append(Unusable(path, "is no node"))
        elif "children" in node:
            for name, child in reversed(list(node["children"].items())):
                waiting.append((f"{path}.{name}", child, depth + 1))
        else:
            yield path, node


def _signal(path: str, node: Mapping[str, Any]) -> Signal:
    entry_type = _ENTRIES.get(_word(node, "type"))
    if entry_type is None:
        raise _Unfit(f"is of the kind {_word(node, 'type')!r}, which no signal is")
    data_type = _TYPES.get(_word(node, "datatype"))
    if data_type is None:
        raise _Unfit(f"has the type {_word(node, 'datatype')!r}, which we do not have")
    unit = _word(node, "unit")
    minimum, maximum = (_limit(node, name, data_type) for name in ("min", "max"))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise _Unfit("has a range without any value")
    allowed = _allowed(node, data_type)
    changes = ChangeType.STATIC if entry_type is EntryType.ATTRIBUTE else ChangeType.CONTINUOUS
    return Signal(
        number_of(path),
        path,
        data_type,
        entry_type,
        unit,
        _word(node, "description"),
        minimum,
        maximum,
        allowed,
        _CHANGES.get(_word(node, "x-kuksa-changetype"), changes),
    )


def _word(node: Mapping[str, Any], name: str) -> str:
    value = node.get(name, "")
    if isinstance(value, list):
        raise _Unfit(f"has several values for {name!r}")
    if not isinstance(value, str):
        raise _Unfit(f"has no text for {name!r}")
    return value[:TEXT_CHARACTERS_MAX]


def _limit(node: Mapping[str, Any], name: str, data_type: DataType) -> int | float | None:
    value = node.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Unfit(f"has a {name} that is no number")
    if data_type.element in (DataType.BOOLEAN, DataType.STRING):
        raise _Unfit(f"has a {name}, which its type cannot have")
    if data_type.whole_limits is None:
        return float(value)
    smallest, largest = data_type.whole_limits
    if value != int(value) or not smallest <= value <= largest:
        raise _Unfit(f"has a {name} that does not fit its type")
    return int(value)


def _allowed(node: Mapping[str, Any], data_type: DataType) -> tuple[Any, ...]:
    values = node.get("allowed", [])
    if not isinstance(values, list) or len(values) > ALLOWED_MAX:
        raise _Unfit("has no list of allowed values")
    wanted: type | tuple[type, ...] = str
    if data_type.element is DataType.BOOLEAN:
        wanted = bool
    elif data_type.element is not DataType.STRING:
        wanted = int if data_type.whole_limits else (int, float)
    for value in values:
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise _Unfit("allows a value that is not of its type")
    return tuple(values)


def _malformed(what: str) -> CatalogueMalformed:
    return CatalogueMalformed(
        f"The file of signals {what}.", hint="Give it what `vspec export json` writes."
    )
