"""What an app of the car says of itself: its manifest, and the table of what may stand there.

Rules:

* a manifest is strict JSON (strict_json.py) with exactly the members of ``Manifest``; what it does
  not say, the app does not get;
* a signal is named by its path in VSS, with one access; to actuate or to provide includes to read;
* nothing asks for more than ``LIMITS`` allows, in any car;
* what goes over the pipes between a car and an app that it runs is a line of JSON, by the words of
  ``Word``.

docs/protocol/apps.md shows the tables.
Left out on purpose: signing and packing (trust/apps.py), and running (car/apps).
"""

import enum
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from monocoque.contracts.arguments import WholeNumber
from monocoque.contracts.errors import (
    AppAsksTooMuch,
    AppMalformed,
    AppMarketWrong,
    AppSignalUnknown,
    DocumentMalformed,
)
from monocoque.contracts.signals import EntryType, Signal
from monocoque.contracts.strict_json import strict_object

EVERYWHERE: Final = "*"
"""The market that stands for all."""
SIGNALS_MAX: Final = 64
"""Of one app."""
MARKETS_MAX: Final = 64
PATH_CHARACTERS_MAX: Final = 200
"""Of a signal that a manifest names."""
SHOWN_CHARACTERS_MAX: Final = 80
"""So much of what was wrong is repeated in an error."""
MANIFEST_BYTES_MAX: Final = 32_768


class Access(enum.Enum):
    """What an app may do with a signal, by the words of KUKSA's scopes."""

    READ = "read"
    ACTUATE = "actuate"
    """Ask for it, and read it."""
    PROVIDE = "provide"
    """Say what it is, and read it."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """What one text of a manifest may be."""

    pattern: str
    """A regular expression that it fits whole."""
    meaning: str


TEXTS: Final[Mapping[str, TextRow]] = {
    "name": TextRow(r"[a-z][a-z0-9-]{1,39}", "2 to 40 of a-z, 0-9 and -, a letter first"),
    "version": TextRow(r"\d{1,5}\.\d{1,5}\.\d{1,5}", "three whole numbers, such as 1.4.0"),
    "publisher": TextRow(r"[^\W_][\w .&-]{1,79}", "who made it: 2 to 80 letters and digits"),
    "purpose": TextRow(
        r"[^\x00-\x1f]{10,400}", "what it does, in plain words: 10 to 400 characters"
    ),
    "entry": TextRow(
        r"[a-z_][a-z0-9_]{0,39}:[A-Za-z_][A-Za-z0-9_]{0,79}", "FILE:CLASS, such as app:CampMode"
    ),
}
"""The texts of a manifest."""

_PATH: Final = re.compile(r"[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)+")
_MARKET: Final = re.compile(r"[A-Z]{2}|\*")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the car's computer an app may have; beyond it, the app is ended."""

    memory_mb: int = 192
    """Of all its processes together, as the kernel counts what is resident."""
    cpu_percent: int = 20
    """Of one core, over the car's setting ``apps.cpu_window_s``."""
    start_s: int = 10
    """From its start until it is ready."""


LIMITS: Final[Mapping[str, WholeNumber]] = {
    "memory_mb": WholeNumber(64, 1_024),
    "cpu_percent": WholeNumber(1, 100),
    "start_s": WholeNumber(1, 60),
}
"""The least and the most that a manifest may ask for."""


@dataclass(frozen=True, slots=True)
class SignalWish:
    """One signal that an app asks for."""

    path: str
    access: Access


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an app says of itself."""

    name: str
    version: str
    publisher: str
    purpose: str
    entry: str
    """The file without ``.py``, and the class in it."""
    signals: tuple[SignalWish, ...]
    markets: tuple[str, ...] = (EVERYWHERE,)
    """Two letters each (ISO 3166-1 alpha-2), or ``*``."""
    limits: Limits = field(default_factory=Limits)

    def numbers(self) -> tuple[int, ...]:
        """Its version as numbers, to compare."""
        return tuple(int(number) for number in self.version.split("."))


def write_manifest(manifest: Manifest) -> bytes:
    """Its one text. Raises AppMalformed, AppAsksTooMuch when no reader would take it."""
    members = {
        "name": manifest.name,
        "version": manifest.version,
        "publisher": manifest.publisher,
        "purpose": manifest.purpose,
        "entry": manifest.entry,
        "signals": [{"path": s.path, "access": s.access.value} for s in manifest.signals],
        "markets": list(manifest.markets),
        "limits": {row.name: getattr(manifest.limits, row.name) for row in fields(Limits)},
    }
    text = json.dumps(members, indent=2, ensure_ascii=False, default=str).encode() + b"\n"
    read_manifest(text)
    return text


def read_manifest(data: bytes) -> Manifest:
    """The manifest in these bytes. Raises AppMalformed, AppAsksTooMuch."""
    if len(data) > MANIFEST_BYTES_MAX:
        raise AppMalformed(f"A manifest has at most {MANIFEST_BYTES_MAX} bytes.")
    try:
        members = strict_object(data)
    except DocumentMalformed as error:
        raise AppMalformed(f"The manifest is not strict JSON. {error.what}") from error
    _exactly(members, {row.name for row in fields(Manifest)}, "The manifest")
    for name, row in TEXTS.items():
        value = members[name]
        if not isinstance(value, str) or not re.fullmatch(row.pattern, value):
            raise AppMalformed(f"{name} in the manifest is not {row.meaning}.")
    return Manifest(
        **{name: members[name] for name in TEXTS},
        signals=_signals(members["signals"]),
        markets=_markets(members["markets"]),
        limits=_limits(members["limits"]),
    )


def check_for_car(
    manifest: Manifest, market: str, find_signal: Callable[[str], Signal | None]
) -> None:
    """Return when this car can have the app.

    market: two letters, of the car. find_signal: the car's catalogue. Raises AppMarketWrong,
    AppSignalUnknown.
    """
    if EVERYWHERE not in manifest.markets and market not in manifest.markets:
        raise AppMarketWrong(
            f"{manifest.name} is for {', '.join(manifest.markets)}, and the car is in {market}."
        )
    for wish in manifest.signals:
        signal = find_signal(wish.path)
        if signal is None:
            raise AppSignalUnknown(f"{manifest.name} asks for {wish.path}, which is no signal.")
        if wish.access is Access.ACTUATE and signal.entry_type is not EntryType.ACTUATOR:
            raise AppSignalUnknown(f"{manifest.name} asks to actuate {wish.path}, a sensor.")


def _exactly(members: Mapping[str, Any], names: set[str], what: str) -> None:
    missing, foreign = sorted(names - members.keys()), sorted(members.keys() - names)
    if missing:
        raise AppMalformed(f"{what} lacks {', '.join(missing)}.")
    if foreign:
        raise AppMalformed(f"{what} has {foreign[0][:SHOWN_CHARACTERS_MAX]!r}, which nobody knows.")


def _signals(listed: Any) -> tuple[SignalWish, ...]:
    if not isinstance(listed, list) or len(listed) > SIGNALS_MAX:
        raise AppMalformed(f"signals in the manifest is not a list of at most {SIGNALS_MAX}.")
    wishes = tuple(_wish(members) for members in listed)
    if len({wish.path for wish in wishes}) != len(wishes):
        raise AppMalformed("The manifest names a signal twice.")
    return wishes


def _wish(members: Any) -> SignalWish:
    if not isinstance(members, dict):
        raise AppMalformed("A signal in the manifest is not an object.")
    _exactly(members, {"path", "access"}, "A signal in the manifest")
    path, access = members["path"], members["access"]
    if (
        not isinstance(path, str)
        or len(path) > PATH_CHARACTERS_MAX
        or not _PATH.fullmatch(path)
        or not isinstance(access, str)
    ):
        raise AppMalformed("A signal in the manifest has no path and access of their form.")
    if access not in {each.value for each in Access}:
        raise AppMalformed(f"{access[:SHOWN_CHARACTERS_MAX]!r} is no access to a signal.")
    return SignalWish(path, Access(access))


def _markets(listed: Any) -> tuple[str, ...]:
    if (
        not isinstance(listed, list)
        or not 1 <= len(listed) <= MARKETS_MAX
        or not all(isinstance(one, str) and _MARKET.fullmatch(one) for one in listed)
    ):
        raise AppMalformed('markets in the manifest is not a list such as ["DE", "US"] or ["*"].')
    return tuple(listed)


def _limits(members: Any) -> Limits:
    if not isinstance(members, dict):
        raise AppMalformed("limits in the manifest is not an object.")
    _exactly(members, set(LIMITS), "limits in the manifest")
    for name, row in LIMITS.items():
        if type(members[name]) is not int:
            raise AppMalformed(f"{name} in the manifest is not a whole number.")
        if not row.takes(members[name]):
            raise AppAsksTooMuch(
                f"The manifest asks for a {name} of {members[name]}; "
                f"{row.minimum} to {row.maximum} can be had."
            )
    return Limits(**members)


class Word(enum.Enum):
    """What is said over the pipes between a car and an app that it runs."""

    BEGIN = "begin"
    """The car, once: what to run, where, with which token."""
    TOKEN = "token"  # noqa: S105 - a word, no secret
    """The car, now and then: the token that counts from now on."""
    READY = "ready"
    """The app, once: it has begun."""
    BEAT = "beat"
    """The app, every second: it is alive."""
    FAILED = "failed"
    """The app, last: why it ends."""
    ENDED = "ended"
    """The app, last: it has done what it was for."""
    CAGED = "caged"
    """The app, once: what holds it back here, and what could not."""


LINE_BYTES_MAX: Final = 65_536
"""Of one line over a pipe."""


def write_line(word: Word, **members: Any) -> bytes:
    """A line that says this."""
    return json.dumps({"word": word.value, **members}).encode() + b"\n"


def read_line(line: bytes) -> tuple[Word, Mapping[str, Any]]:
    """What a line says. Raises AppMalformed."""
    try:
        members = strict_object(line)
        return Word(members.get("word")), members
    except (DocumentMalformed, ValueError):
        raise AppMalformed("A line over the pipe is none that can be read.") from None
