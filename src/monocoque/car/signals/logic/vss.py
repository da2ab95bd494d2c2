"""A catalogue out of a VSS export: the JSON that ``vspec export json`` writes.

Rules:

* what cannot be used is left out and named with its path and the reason; the rest stands. Only a
  file that is no such export is refused whole;
* a path that our own catalogue has keeps its number; any other has one that follows from the path
  alone (30 bits of its SHA-256, and bit 30 set), the same at each start and in each version;
* a type that we do not know makes its signal unusable, never a guess; so does whatever is said of
  it twice;
* what is named may be shown on a terminal: it is short, and has no character that cannot be seen.

Left out on purpose: structs and instances that are not expanded, which exports have as nodes of
their own; descriptions are taken as they are, and so are units, since a maker may have its own.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from monocoque.car.signals.logic.catalogue import PATH_CHARACTERS_MAX, Catalogue
from monocoque.contracts.errors import CatalogueMalformed, SignalValueRefused
from monocoque.contracts.signals import SIGNALS, ChangeType, DataType, EntryType, Signal, check
from monocoque.contracts.signals.kinds import NUMBER_MAX

FILE_BYTES_MAX: Final = 16 * 1_048_576
SIGNALS_MAX: Final = 20_000
NODES_MAX: Final = 100_000
"""Branches too, and what cannot be used."""
DEPTH_MAX: Final = 32
ALLOWED_MAX: Final = 1_000
TEXT_CHARACTERS_MAX: Final = 4_000
SHOWN_CHARACTERS_MAX: Final = 80
"""So much of a word that cannot be used is repeated in the reason."""
_NAME: Final = re.compile(r"[A-Za-z0-9_]+\Z")
"""What a level of a path can be called; ``*`` and ``.`` mean something in a path."""
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
    try:
        root = json.loads(data, object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        raise _malformed("is no JSON") from None
    if not isinstance(root, _Members) or not root:
        raise _malformed("has no branch at its top")
    unusable: list[Unusable] = []
    signals: dict[str, Signal] = {}
    numbers: set[int] = set()
    for path, node in _leaves(root, unusable):
        try:
            signal = _signal(path, node)
        except _Unfit as unfit:
            unusable.append(_unusable(path, str(unfit)))
            continue
        if signal.number in numbers:
            unusable.append(_unusable(path, "has the number of another path"))
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


class _Members(dict[str, Any]):
    """An object of the file: the first of each name, and the names that came again."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Take the members, the last of them first; of two with one name, the earlier stands."""
        super().__init__(reversed(pairs))
        names = [name for name, _ in pairs] if len(pairs) > len(self) else []
        self.twice = tuple(name for name, times in Counter(names).items() if times > 1)


def _unusable(path: str, reason: str) -> Unusable:
    shown = "".join(each if each.isprintable() else "?" for each in path[:PATH_CHARACTERS_MAX])
    return Unusable(shown, reason)


def _leaves(root: _Members, unusable: list[Unusable]) -> Iterator[tuple[str, _Members]]:
    """Every node without children, with its path. Raises CatalogueMalformed for too many nodes."""
    waiting: list[tuple[str, str, Any, int]] = []
    found = 0

    def enter(branch: str, members: _Members, depth: int) -> None:
        nonlocal found
        found += len(members)
        if found > NODES_MAX:
            raise _malformed(f"has more than {NODES_MAX} branches and signals")
        unusable.extend(_unusable(branch + name, "is there twice") for name in members.twice)
        # The members are the last first, as they are taken from the end.
        waiting.extend((branch + name, name, node, depth) for name, node in members.items())

    enter("", root, 1)
    while waiting:
        path, name, node, depth = waiting.pop()
        problem = _problem_of(path, name, node, depth)
        if problem:
            unusable.append(_unusable(path, problem))
        elif "children" in node:
            enter(f"{path}.", node["children"], depth + 1)
        else:
            yield path, node


def _problem_of(path: str, name: str, node: object, depth: int) -> str:
    """Why this is no node of a tree; empty when it is one."""
    if len(path) > PATH_CHARACTERS_MAX or depth > DEPTH_MAX:
        return "lies too deep"
    if not _NAME.match(name):
        return "has a name that no path can have"
    if not isinstance(node, _Members) or not isinstance(node.get("children", node), _Members):
        return "is no node"
    if node.twice:
        return f"has {node.twice[0][:SHOWN_CHARACTERS_MAX]!r} twice"
    return ""


def _signal(path: str, node: Mapping[str, Any]) -> Signal:
    entry_type = _ENTRIES.get(_word(node, "type"))
    if entry_type is None:
        raise _Unfit(f"is of the kind {_shown(node, 'type')}, which no signal is")
    data_type = _TYPES.get(_word(node, "datatype"))
    if data_type is None:
        raise _Unfit(f"has the type {_shown(node, 'datatype')}, which we do not have")
    unit = _word(node, "unit")
    minimum, maximum = (_limit(node, name, data_type) for name in ("min", "max"))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise _Unfit("has a range without any value")
    changes = ChangeType.STATIC if entry_type is EntryType.ATTRIBUTE else ChangeType.CONTINUOUS
    signal = Signal(
        number_of(path),
        path,
        data_type,
        entry_type,
        unit,
        _word(node, "description"),
        minimum,
        maximum,
        change_type=_CHANGES.get(_word(node, "x-kuksa-changetype"), changes),
    )
    return replace(signal, allowed=_allowed(node, signal))


def _shown(node: Mapping[str, Any], name: str) -> str:
    return repr(_word(node, name)[:SHOWN_CHARACTERS_MAX])


def _word(node: Mapping[str, Any], name: str) -> str:
    value = node.get(name, "")
    if isinstance(value, list):
        raise _Unfit(f"has several values for {name!r}")
    if not isinstance(value, str):
        raise _Unfit(f"has no text for {name!r}")
    if not _can_be_sent(value):
        raise _Unfit(f"has a text for {name!r} that cannot be sent")
    return value[:TEXT_CHARACTERS_MAX]


def _can_be_sent(text: str) -> bool:
    """Whether UTF-8 has all of it; JSON can write down halves of characters."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _limit(node: Mapping[str, Any], name: str, data_type: DataType) -> int | float | None:
    value = node.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit(f"has a {name} that is no number")
    if data_type.element in (DataType.BOOLEAN, DataType.STRING):
        raise _Unfit(f"has a {name}, which its type cannot have")
    # The comparison comes first: infinity and what is no number cannot be made whole.
    smallest, largest = data_type.whole_limits or (-NUMBER_MAX, NUMBER_MAX)
    if not smallest <= value <= largest or (data_type.whole_limits and value != int(value)):
        raise _Unfit(f"has a {name} that does not fit its type")
    return int(value) if data_type.whole_limits else float(value)


def _allowed(node: Mapping[str, Any], signal: Signal) -> tuple[Any, ...]:
    """What each element may be, of the type that the signal keeps."""
    values = node.get("allowed", [])
    if not isinstance(values, list) or len(values) > ALLOWED_MAX:
        raise _Unfit("has no list of allowed values")
    element = replace(signal, data_type=signal.data_type.element)
    try:
        allowed = tuple(check(element, value) for value in values)
    except SignalValueRefused:
        raise _Unfit("allows a value that is not of its type, or beside its range") from None
    if not all(_can_be_sent(each) for each in allowed if isinstance(each, str)):
        raise _Unfit("allows a text that cannot be sent")
    return allowed


def _malformed(what: str) -> CatalogueMalformed:
    return CatalogueMalformed(
        f"The file of signals {what}.", hint="Give it what `vspec export json` writes."
    )
