"""How the rows of a catalogue are written down, and read.

Rules:

* a signal is two lines: its number, kind, type, unit, range and path, and below them its meaning;
  ``-`` stands for none. A path is below ``Vehicle``;
* a range is ``0..100``, with either end left out where there is none, or the words that it takes
  with ``|`` between them;
* a kind with ``~`` behind it changes all the time; ``~5`` says that it is stale after 5 s;
* ``{Left|Right}`` in a path stands for one signal each, with numbers that follow one another. So
  what is written there once may never be put in another order.

Left out on purpose: files; a catalogue is Python, and read once.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any, Final

from monocoque.contracts.signals.kinds import ChangeType, DataType, EntryType, Signal

NONE: Final = "-"
_LINE: Final = re.compile(
    r"(?P<number>\d+) (?P<kind>attribute|sensor|actuator)(?P<changes>~(?P<fresh>\d+)?)? "
    r"(?P<type>\S+) (?P<unit>\S+) (?P<takes>\S+) (?P<path>\S+)\Z"
)
_CHOICE: Final = re.compile(r"\{([^}]+)\}")


def rows(text: str) -> tuple[Signal, ...]:
    """The signals of such a text. Raises ValueError for a line that is none."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    heads, meanings = lines[::2], lines[1::2]
    if len(heads) != len(meanings):
        raise ValueError("A signal has no meaning.")
    pairs = zip(heads, meanings, strict=True)
    return tuple(signal for head, meaning in pairs for signal in _signals(head, meaning))


def _signals(head: str, meaning: str) -> Iterator[Signal]:
    match = _LINE.match(head)
    if match is None:
        raise ValueError(f"{head!r} is no signal.")
    data_type = DataType(match["type"])
    more: dict[str, Any] = _takes(match["takes"], data_type)
    kind = EntryType(match["kind"])
    if kind is EntryType.ATTRIBUTE:
        more["change_type"] = ChangeType.STATIC
    elif match["changes"]:
        more["change_type"] = ChangeType.CONTINUOUS
    if match["fresh"]:
        more["fresh_s"] = float(match["fresh"])
    unit = "" if match["unit"] == NONE else match["unit"]
    for place, path in enumerate(_paths(match["path"])):
        number = int(match["number"]) + place
        yield Signal(number, f"Vehicle.{path}", data_type, kind, unit, meaning, **more)


def _paths(pattern: str) -> Iterator[str]:
    """Every path of a pattern, the last choice changing first."""
    parts = _CHOICE.split(pattern)
    choices = [part.split("|") if place % 2 else [part] for place, part in enumerate(parts)]
    for chosen in itertools.product(*choices):
        yield "".join(chosen)


def _takes(text: str, data_type: DataType) -> dict[str, Any]:
    if text == NONE:
        return {}
    if ".." not in text:
        return {"allowed": tuple(text.split("|"))}
    is_whole = data_type.whole_limits is not None
    ends = [None if end == "" else int(end) if is_whole else float(end) for end in text.split("..")]
    return {"minimum": ends[0], "maximum": ends[1]}
