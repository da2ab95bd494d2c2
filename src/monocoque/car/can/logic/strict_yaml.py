"""YAML as it is needed for tables, and nothing of it that surprises.

Rules:

* texts, whole numbers, fractions, true, false and null; ``on``, ``no`` and dates stay texts (the
  core schema of YAML 1.2);
* no anchors, no aliases, no tags, no second document, no member twice; nesting and size are bounded
  by arguments. What is refused is named with its line;
* it is read event by event, so nothing is built that was not written.

Left out on purpose: writing YAML.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from monocoque.contracts.errors import CanMappingWrong

DEPTH_MAX: Final = 6
NODES_MAX: Final = 50_000
SHOWN_CHARACTERS_MAX: Final = 60
"""So much of what is wrong is repeated in an error."""
DIGITS_MAX: Final = 40

_WHOLE: Final = re.compile(rf"[-+]?[0-9]{{1,{DIGITS_MAX}}}|0x[0-9a-fA-F]{{1,{DIGITS_MAX}}}")
_FRACTION: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True)
class Node:
    """What was written, and on which line it begins; inside are nodes again."""

    value: Any
    """A dict from plain keys to nodes, a list of nodes, or a plain value."""
    line: int


def shown(value: object) -> str:
    """A part of it, as an error may repeat it."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"


def read_yaml(text: str) -> Node:
    """The one document of this text. Raises CanMappingWrong, with the line."""
    try:
        return _Reader(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f"Line {mark.line + 1}: "
        what = getattr(error, "problem", None) or "a character that YAML does not have"
        raise CanMappingWrong(f"{where}This is no YAML: {what}.") from error
    except (ValueError, OverflowError) as error:  # of escapes that name no character
        raise CanMappingWrong(f"This is no YAML: {error}.") from error


class _Reader:
    """From events to nodes."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._count = 0

    def document(self) -> Node:
        next(self._events)  # the stream begins
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            raise CanMappingWrong("There is nothing in it.")
        node = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _wrong(after, "a second document begins")
        return node

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        if self._count > NODES_MAX:
            raise _wrong(event, f"more than {NODES_MAX} values")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise _wrong(event, "anchors and aliases are not taken")
        if event.tag is not None and event.tag != "!":
            raise _wrong(event, "tags are not taken")
        if isinstance(event, yaml.ScalarEvent):
            return Node(_plain(event), _line(event))
        if depth >= DEPTH_MAX:
            raise _wrong(event, f"deeper than {DEPTH_MAX} levels")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(self._list(depth), _line(event))
        return Node(self._dict(depth), _line(event))

    def _list(self, depth: int) -> list[Node]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _dict(self, depth: int) -> dict[Any, Node]:
        found: dict[Any, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1).value
            if not isinstance(key, str | int):
                raise _wrong(event, "a member has no plain name")
            if key in found:
                raise _wrong(event, f"{shown(key)} stands there twice")
            found[key] = self._node(next(self._events), depth + 1)
        return found


def _plain(event: Any) -> bool | int | float | str | None:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text, 16 if text[:2] == "0x" else 10)
    if _FRACTION.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise _wrong(event, "a number that is too large")
        return number
    return text


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _wrong(event: Any, what: str) -> CanMappingWrong:
    return CanMappingWrong(f"Line {_line(event)}: {what}.")
