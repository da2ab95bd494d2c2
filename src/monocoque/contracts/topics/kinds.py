"""What a row of the table of topics is, and the words that stand in it.

Rules: see the package.

Left out on purpose: the rows, which stand in the files beside this one.
"""

import enum
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Generic, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.errors import TopicUnknown

HOUR_S: Final = 3_600
DAY_S: Final = 24 * HOUR_S
KIB: Final = 1_024


class Kept(enum.Enum):
    """What a bus remembers of a topic."""

    NOTHING = "nothing"
    """Live only: who is not listening misses it."""

    LAST_VALUE = "last value"
    """The newest message of each subject; publishing returns when it is on disk."""

    STREAM = "stream"
    """Every message until it is acknowledged or too old; its acknowledgement promises nothing,
    since the sender keeps its own copy until it is told otherwise."""

    STREAM_SYNCED = "synced stream"
    """Like ``STREAM``, but publishing returns only when the message is on disk."""


class Privacy(enum.Enum):
    """What a topic may tell about a person."""

    NOTHING = "nothing"
    """Technical; says nothing about a person."""

    PERSONAL = "personal"
    """Can be tied to a person; kept and shared only by purpose and consent."""


class Role(enum.Enum):
    """Who takes part on a bus: a kind of machine outside the cell, or a service in it."""

    CAR = "car"
    """A car; it touches the topics with its own car_id only."""

    REGISTRY = "registry"
    """The cell's registry of cars."""

    LINK = "link"
    """On a car's own bus: the one service that speaks with the cell."""

    COMMANDS = "commands"
    """The cell's mailbox of commands, and its copy of each car's log."""

    TWIN = "twin"
    """The cell's memory of how each car was when it last said so."""

    PAIRING = "pairing"
    """The cell's desk for hand-overs: brings owners' requests to the factory."""

    FACTORY = "factory"
    """Where cars are made: it holds the maker's root and signs the first grant of each car."""

    ORDERS = "orders"
    """The shop's book of orders."""

    TELEMETRY = "telemetry"
    """The cell's taker of frames: writes them into the lake."""

    CAMPAIGNS = "campaigns"
    """The cell's director of updates: says what each car is to install, in waves."""

    HOME = "home"
    """A home; it touches the topics with its own home_id only."""

    HOMES = "homes"
    """The cell's desk for homes: brings what scenes ask to the home, and its answers back."""

    PHONE = "phone"
    """The phone site's live pages; reads only."""

    SHOP = "shop"
    """The shop site's live pages; reads only."""

    ECHO = "echo"
    """The pair of services that proves the frame in worlds, benchmarks and the doctor."""

    CONSOLE = "console"
    """The console's live pages; reads only."""


MessageType = TypeVar("MessageType", bound=Message)


@dataclass(frozen=True)
class Topic(Generic[MessageType]):
    """One row of the table; generic in the message that it carries."""

    name: str
    message: type[MessageType]
    published_by: frozenset[Role]
    read_by: frozenset[Role]
    kept: Kept
    retention_s: int
    """How long a stream keeps a message; 0 where nothing, or only the last value, is kept."""
    message_bytes_max: int
    rate_per_minute_max: int
    """The most that one publisher may say on one subject."""
    privacy: Privacy
    purpose: str
    """One sentence for the documentation."""

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The name, split at its dots."""
        return tuple(self.name.split("."))

    @cached_property
    def identifier_names(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(token[1:-1] for token in self.tokens if token.startswith("{"))

    @cached_property
    def stream_name(self) -> str:
        """The name of this topic's stream: its fixed tokens, in capitals."""
        return "_".join(t for t in self.tokens if not t.startswith("{")).upper()

    @property
    def is_durable(self) -> bool:
        """Whether a bus keeps anything of this topic."""
        return self.kept is not Kept.NOTHING

    def subject(self, **identifiers: str) -> str:
        """The subject of these identifiers, all of which must be given."""
        if set(identifiers) != set(self.identifier_names):
            raise TopicUnknown(f"{self.name} needs exactly {self.identifier_names}.")
        if "*" in identifiers.values():
            raise TopicUnknown("A star stands for many subjects; ask for a pattern.")
        return self._filled(identifiers)

    def pattern(self, **identifiers: str) -> str:
        """A subject with ``*`` in place of each identifier that is not given."""
        if not set(identifiers) <= set(self.identifier_names):
            raise TopicUnknown(f"{self.name} knows only {self.identifier_names}.")
        return self._filled(dict.fromkeys(self.identifier_names, "*") | identifiers)

    def identifiers(self, subject: str) -> dict[str, str] | None:
        """The identifiers in a subject of this topic, or None when it is not of this topic."""
        tokens = subject.split(".")
        if len(tokens) != len(self.tokens):
            return None
        found: dict[str, str] = {}
        for own, given in zip(self.tokens, tokens, strict=True):
            if own.startswith("{"):
                if not _IDENTIFIER.match(given):
                    return None
                found[own[1:-1]] = given
            elif own != given:
                return None
        return found

    def _filled(self, identifiers: dict[str, str]) -> str:
        for value in identifiers.values():
            if value != "*" and not _IDENTIFIER.match(value):
                raise TopicUnknown(
                    "An identifier in a topic is letters, digits, underscores and hyphens."
                )
        return ".".join(identifiers[t[1:-1]] if t.startswith("{") else t for t in self.tokens)


_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
