"""The table of topics: everything that may be said on a bus.

Rules:

* a message travels only on a topic that has a row here; adapters generate streams, rights and
  limits from the rows, and refuse everything else;
* a row says who publishes and who reads, by role; nobody else may, on any adapter;
* braces mark the identifiers in a name: ``car.{car_id}.hello``;
* a participant that is itself one of those identifiers (a car) touches its own topics only;
* every message has the ``Header`` of proto/monocoque/contracts/wire/header.proto as field 1;
* changes are additive: a field or a row is added, never changed in meaning or reused.

docs/protocol/topics.md shows every row; tests/tidy.py holds the two together.
Left out on purpose: how a topic is carried. Streams and permissions are the bus adapters'.
"""

import enum
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.errors import TopicUnknown
from monocoque.contracts.wire import (
    car_pb2,
    command_pb2,
    echo_pb2,
    order_pb2,
    telemetry_pb2,
)

HOUR_S: Final = 3_600
DAY_S: Final = 24 * HOUR_S
KIB: Final = 1_024
SUBJECTS_REMEMBERED_MAX: Final = 10_000


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


CAR_HELLO: Final = Topic(
    name="car.{car_id}.hello",
    message=car_pb2.CarHello,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY, Role.COMMANDS}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="Authenticated presence, every 10 s and at every connect.",
)

CAR_STATE: Final = Topic(
    name="car.{car_id}.state",
    message=car_pb2.CarState,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The last known state of a car, as the car itself sees it.",
)

CAR_PRESENCE: Final = Topic(
    name="car.{car_id}.presence",
    message=car_pb2.CarPresence,
    published_by=frozenset({Role.REGISTRY}),
    read_by=frozenset({Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="Whether the cell hears a car: at every hello, and once when it falls silent.",
)

CAR_EVENTS: Final = Topic(
    name="car.{car_id}.events",
    message=car_pb2.CarEvent,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=7 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="What happened in a car and must not be lost.",
)

CAR_BODY: Final = Topic(
    name="car.{car_id}.body",
    message=command_pb2.CarBody,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.CAR, Role.LINK, Role.TWIN}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=120,
    privacy=Privacy.PERSONAL,
    purpose="How the car is: locks, doors, climate, charge, place; when it changed.",
)

CAR_COMMANDS: Final = Topic(
    name="car.{car_id}.commands",
    message=command_pb2.CommandEnvelope,
    published_by=frozenset({Role.COMMANDS, Role.LINK}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="A command; the mailbox says it live, and again at the car's hello.",
)

CAR_RECEIPTS: Final = Topic(
    name="car.{car_id}.receipts",
    message=command_pb2.CarReceipt,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.LINK, Role.COMMANDS}),
    kept=Kept.STREAM,
    retention_s=7 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The car's log, line by line: what became of each command.",
)

CAR_RECEIPTS_CONFIRMED: Final = Topic(
    name="car.{car_id}.receipts_confirmed",
    message=command_pb2.ReceiptsConfirmed,
    published_by=frozenset({Role.COMMANDS, Role.LINK}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="How far the cell has the car's log on record; the car says the rest again.",
)

COMMAND_CHANGED: Final = Topic(
    name="command.{car_id}.changed",
    message=command_pb2.CommandChanged,
    published_by=frozenset({Role.COMMANDS}),
    read_by=frozenset({Role.COMMANDS, Role.PHONE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=6_000,
    privacy=Privacy.PERSONAL,
    purpose="Something about a command to this car changed; the page reads the records.",
)

TWIN_CHANGED: Final = Topic(
    name="twin.{car_id}.changed",
    message=command_pb2.CarBody,
    published_by=frozenset({Role.TWIN}),
    read_by=frozenset({Role.PHONE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The body of a car, once it is on record.",
)

HAND_OVER_REQUESTS: Final = Topic(
    name="factory.{car_id}.hand_over_requests",
    message=command_pb2.HandOverRequest,
    published_by=frozenset({Role.PAIRING}),
    read_by=frozenset({Role.FACTORY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="An owner's key asks the maker for the first grant.",
)

HAND_OVER_ANSWERS: Final = Topic(
    name="factory.{car_id}.hand_over_answers",
    message=command_pb2.HandOverAnswer,
    published_by=frozenset({Role.FACTORY}),
    read_by=frozenset({Role.PAIRING}),
    kept=Kept.STREAM_SYNCED,
    retention_s=DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="The first grant of a car, or why there is none.",
)

CAR_FRAMES: Final = Topic(
    name="car.{car_id}.frames",
    message=telemetry_pb2.Frames,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.TELEMETRY}),
    kept=Kept.STREAM,
    retention_s=6 * HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="Telemetry in bulk; the car keeps it in its spool until it is confirmed.",
)

CAR_FRAMES_CONFIRMED: Final = Topic(
    name="car.{car_id}.frames_confirmed",
    message=telemetry_pb2.FramesConfirmed,
    published_by=frozenset({Role.TELEMETRY}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="How far the frames of a car are in the lake; the car may drop them from its spool.",
)

ORDER_EVENTS: Final = Topic(
    name="order.{order_id}.events",
    message=order_pb2.OrderEvent,
    published_by=frozenset({Role.ORDERS}),
    read_by=frozenset({Role.FACTORY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=30 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="What happened to an order; the factory builds what was paid.",
)

ORDER_CHANGED: Final = Topic(
    name="order.{order_id}.changed",
    message=order_pb2.OrderChanged,
    published_by=frozenset({Role.ORDERS}),
    read_by=frozenset({Role.ORDERS, Role.SHOP, Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="Something about an order changed; the page reads the records, and so does the book of "
    "orders, which may have something to do.",
)

BUILD_EVENTS: Final = Topic(
    name="build.{order_id}.events",
    message=order_pb2.BuildEvent,
    published_by=frozenset({Role.FACTORY}),
    read_by=frozenset({Role.ORDERS, Role.REGISTRY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=30 * DAY_S,
    message_bytes_max=256 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="What happened to the car of an order: scheduled, built with its record, delivered.",
)

ECHO_REQUESTS: Final = Topic(
    name="echo.{echo_id}.requests",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.STREAM_SYNCED,
    retention_s=HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves synced streams: in worlds, benchmarks and the doctor.",
)

ECHO_ANSWERS: Final = Topic(
    name="echo.{echo_id}.answers",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves live topics: in worlds, benchmarks and the doctor.",
)

ECHO_FRAMES: Final = Topic(
    name="echo.{echo_id}.frames",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.STREAM,
    retention_s=HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves streams that promise nothing, the way a car's frames travel.",
)

ECHO_STATE: Final = Topic(
    name="echo.{echo_id}.state",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves last values: in worlds, benchmarks and the doctor.",
)

TOPICS: Final[tuple[Topic[Any], ...]] = (
    CAR_HELLO,
    CAR_STATE,
    CAR_PRESENCE,
    CAR_EVENTS,
    CAR_BODY,
    CAR_COMMANDS,
    CAR_RECEIPTS,
    CAR_RECEIPTS_CONFIRMED,
    COMMAND_CHANGED,
    TWIN_CHANGED,
    HAND_OVER_REQUESTS,
    HAND_OVER_ANSWERS,
    CAR_FRAMES,
    CAR_FRAMES_CONFIRMED,
    ORDER_EVENTS,
    ORDER_CHANGED,
    BUILD_EVENTS,
    ECHO_REQUESTS,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_STATE,
)
"""Every row."""


@lru_cache(SUBJECTS_REMEMBERED_MAX)
def find(subject: str) -> Topic[Any]:
    """The row that a subject belongs to; raises TopicUnknown."""
    for topic in TOPICS:
        if topic.identifiers(subject) is not None:
            return topic
    raise TopicUnknown("No row of the table of topics has this subject.")
