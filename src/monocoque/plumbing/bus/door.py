"""The door: the one place where bytes become a message, and a message becomes bytes.

Rules, in the order in which they are asked:

* not larger than ``message_bytes_max`` of the topic, else MessageTooLarge;
* parses as the topic's message, with a header and a ``message_id`` in it, else MessageMalformed;
* every value is one that can be kept (values.py), else MessageMalformed;
* a header version that this code knows, else MessageVersionUnknown;
* ``occurred_at_us`` no further ahead of our clock than CLOCK_DIFFERENCE_S_MAX, else
  MessageFromTheFuture;
* ``expires_at_us`` not reached, else MessageExpired;
* for a live reader of what keeps nothing: not too often, else TooManyRequests (rates.py).

The same questions but the last are asked on the way out, so that a mistake is found where it is
made. What is refused on the way in is counted by topic and code, logged at a bounded pace, and left
out: it disturbs nobody else.
Left out on purpose: who may publish (rights.py), and what a message means.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import structlog
from google.protobuf.message import DecodeError, Message

from monocoque.contracts import identifiers
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    IdentifierMalformed,
    MessageExpired,
    MessageFromTheFuture,
    MessageMalformed,
    MessageRefused,
    MessageTooLarge,
    MessageVersionUnknown,
    TooManyRequests,
)
from monocoque.contracts.topics import Kept, Topic
from monocoque.plumbing.bus.config import BUS_DEFAULTS, BusConfig
from monocoque.plumbing.bus.header import HEADER_VERSION, header_of
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.bus.rates import RECEIVED_TIMES_MAX, Rates
from monocoque.plumbing.bus.values import check_values
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.metrics import Metrics

MessageType = TypeVar("MessageType", bound=Message)

SUBJECTS_REMEMBERED_MAX = 10_000
_AHEAD_US_MAX = CLOCK_DIFFERENCE_S_MAX * 1_000_000


class Door:
    """One participant's door; it knows what time it is and where to count."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        log: structlog.stdlib.BoundLogger,
        config: BusConfig = BUS_DEFAULTS,
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self._log_interval_us = round(config.refusal_log_interval_s * 1_000_000)
        self._named: dict[tuple[str, str], Mapping[str, str]] = {}
        self._logged_at_us: dict[tuple[str, str], int] = {}
        self._rate_subjects_max = config.rate_subjects_max
        self._passed: tuple[Topic[Any], bytes, int] | None = None
        """Which bytes of which topic were found good last, and when."""

    def outgoing(self, topic: Topic[MessageType], message: MessageType) -> bytes:
        """The bytes of a message that may be published; raises a MessageRefused."""
        if type(message) is not topic.message:
            raise MessageMalformed(f"{topic.name} carries {topic.message.__name__}.")
        now_us = self._check(topic, message)
        data = message.SerializeToString()
        _check_size(topic, data)
        self._passed = (topic, data, now_us)
        return data

    def incoming(self, topic: Topic[MessageType], data: bytes) -> MessageType:
        """The message in these bytes; raises a MessageRefused."""
        _check_size(topic, data)
        message = topic.message()
        try:
            message.ParseFromString(data)
        except DecodeError as error:
            raise MessageMalformed(f"The bytes are no {topic.message.__name__}.") from error
        if not self._has_passed(topic, data):
            self._passed = (topic, data, self._check(topic, message))
        return message

    def _has_passed(self, topic: Topic[Any], data: bytes) -> bool:
        """Whether the very same bytes were found good at this moment.

        Inside one machine they go out, and come in to several, at once.
        """
        if self._passed is None or self._passed[1] is not data or self._passed[0] is not topic:
            return False
        return self._passed[2] == self._clock.now_us()

    def deliver(
        self,
        topic: Topic[MessageType],
        subject: str,
        data: bytes,
        attempt: int = 1,
        handle: Any = None,
    ) -> Delivery[MessageType] | None:
        """What a reader is given, or None when it was refused, which is counted.

        attempt: 1 at the first delivery. handle: the adapter's own, for acknowledging.
        """
        try:
            named = self._identifiers(topic, subject)
            return Delivery(topic, named, self.incoming(topic, data), attempt, handle)
        except MessageRefused as refusal:
            self.refuse(topic, refusal)
            return None

    def rates(self) -> Rates:
        """The buckets of one live reader, for ``hear``."""
        return Rates(self._clock, self._rate_subjects_max, RECEIVED_TIMES_MAX)

    def hear(
        self, topic: Topic[MessageType], subject: str, data: bytes, rates: Rates
    ) -> Delivery[MessageType] | None:
        """Like ``deliver``, for a live reader: what keeps nothing has a rate there too."""
        if topic.kept is Kept.NOTHING:
            try:
                rates.take(topic, {subject: 1})
            except TooManyRequests as refusal:
                self.refuse(topic, refusal)
                return None
        return self.deliver(topic, subject, data)

    def refuse(self, topic: Topic[Any], refusal: MessageRefused | TooManyRequests) -> None:
        """Count a refusal, and log it unless the same was logged a moment ago."""
        self._metrics.messages_refused.labels(topic.name, refusal.code).inc()
        now_us = self._clock.now_us()
        key = (topic.name, refusal.code)
        logged_at_us = self._logged_at_us.get(key)
        if logged_at_us is None or now_us - logged_at_us >= self._log_interval_us:
            self._logged_at_us[key] = now_us
            self._log.warning("message refused", topic=topic.name, error_code=refusal.code)

    def _identifiers(self, topic: Topic[Any], subject: str) -> Mapping[str, str]:
        """What the subject says; remembered, since the same few speak again and again."""
        key = (topic.name, subject)
        named = self._named.get(key)
        if named is None:
            found = topic.identifiers(subject)
            if found is None:
                raise MessageMalformed(f"The subject is not one of {topic.name}.")
            if len(self._named) >= SUBJECTS_REMEMBERED_MAX:
                self._named.clear()
            named = self._named[key] = MappingProxyType(found)
        return named

    def _check(self, topic: Topic[Any], message: Message) -> int:
        """Raise a MessageRefused, or return the time at which the message was found good."""
        header = header_of(message)
        check_values(message)
        try:
            identifiers.parse(header.message_id, "message")
        except IdentifierMalformed as error:
            raise MessageMalformed("The header has no message id of the right form.") from error
        if not 1 <= header.version <= HEADER_VERSION:
            raise MessageVersionUnknown(f"{topic.name}: version {header.version} is not known.")
        now_us = self._clock.now_us()
        if header.occurred_at_us > now_us + _AHEAD_US_MAX:
            raise MessageFromTheFuture(f"{topic.name}: the message is ahead of our clock.")
        if header.expires_at_us and header.expires_at_us <= now_us:
            raise MessageExpired(f"{topic.name}: the message's time has passed.")
        return now_us


def _check_size(topic: Topic[Any], data: bytes) -> None:
    if len(data) > topic.message_bytes_max:
        raise MessageTooLarge(f"{topic.name} takes {topic.message_bytes_max} bytes at most.")
