"""The packets of MQTT 3.1.1 that a client of quality 0 needs, written and read.

Rules: pure; what does not have the form of the standard is MessageMalformed, and what is larger
than allowed MessageTooLarge, before it is kept.

The standard is OASIS MQTT 3.1.1 (2014); numbers in brackets are its sections.
Left out on purpose: packets that quality 0 never meets. A server that sends one is not ours.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.errors import MessageMalformed, MessageTooLarge
from monocoque.plumbing.mqtt.port import MqttMessage

PING: Final = b"\xc0\x00"
TEXT_BYTES_MAX: Final = 65_535
LENGTH_BYTES_MAX: Final = 4
"""So many bytes tell how long a packet is (2.2.3)."""
_CONNECT: Final = 0x10
_PUBLISH: Final = 0x30
_SUBSCRIBE: Final = 0x82
_RETAIN: Final = 0x01
_QUALITY: Final = 0x06
_CLEAN: Final = 0x02
_WILL: Final = 0x24
"""A will that is retained, of quality 0."""
_USER_AND_PASSWORD: Final = 0xC0
_REFUSED: Final = 0x80


class Answer(enum.Enum):
    """How a server answers who connects (3.2.2.3)."""

    TAKEN = 0
    VERSION = 1
    NAME = 2
    AWAY = 3
    PASSWORD = 4
    NOT_ALLOWED = 5


@dataclass(frozen=True)
class Connected:
    """The server's answer to who connects."""

    answer: Answer


@dataclass(frozen=True)
class Subscribed:
    """The server's answer to a subscription."""

    number: int
    is_granted: bool


@dataclass(frozen=True)
class Pong:
    """The server is there."""


Heard = Connected | Subscribed | Pong | MqttMessage


def connect(name: str, user: str, password: str, will: MqttMessage, keep_alive_s: int) -> bytes:
    """Who we are, and what to say when we are gone (3.1)."""
    flags = _CLEAN | _WILL | _USER_AND_PASSWORD
    body = b"".join(
        (
            _text("MQTT"),
            bytes((4, flags)),
            keep_alive_s.to_bytes(2, "big"),
            _text(name),
            _text(will.topic),
            _bytes(will.payload),
            _text(user),
            _text(password),
        )
    )
    return _packet(_CONNECT, body)


def publish(message: MqttMessage) -> bytes:
    """One message (3.3)."""
    flags = _RETAIN if message.is_retained else 0
    return _packet(_PUBLISH | flags, _text(message.topic) + message.payload)


def subscribe(number: int, patterns: Sequence[str]) -> bytes:
    """Ask for these, of quality 0 (3.8)."""
    asked = b"".join(_text(pattern) + b"\x00" for pattern in patterns)
    return _packet(_SUBSCRIBE, number.to_bytes(2, "big") + asked)


class Parser:
    """Makes packets out of bytes as they come."""

    def __init__(self, packet_bytes_max: int) -> None:
        self._bytes_max = packet_bytes_max
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Heard]:
        """The packets that are whole by now. Raises MessageMalformed, MessageTooLarge."""
        self._rest += data
        while (head := _head(self._rest)) is not None:
            begin, length = head
            if length > self._bytes_max:
                raise MessageTooLarge("An MQTT packet is larger than we read.")
            if len(self._rest) < begin + length:
                break
            first, body = self._rest[0], self._rest[begin : begin + length]
            self._rest = self._rest[begin + length :]
            yield _read(first, body)


def _head(data: bytes) -> tuple[int, int] | None:
    """Where the body of the first packet begins and how long it is; None when more must come."""
    length = 0
    for place, byte in enumerate(data[1 : LENGTH_BYTES_MAX + 1]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return place + 2, length
    if len(data) > LENGTH_BYTES_MAX:
        raise MessageMalformed("An MQTT packet does not say how long it is.")
    return None


def _read(first: int, body: bytes) -> Heard:
    kind = first & 0xF0
    try:
        if kind == 0x20 and len(body) == 2:
            return Connected(Answer(body[1]))
        if kind == 0x90 and len(body) > 2:
            return Subscribed(int.from_bytes(body[:2], "big"), all(c < _REFUSED for c in body[2:]))
        if kind == 0xD0 and not body:
            return Pong()
        if kind == _PUBLISH and not first & _QUALITY:
            return _message(first, body)
    except ValueError as error:
        raise MessageMalformed("An MQTT packet does not have the form of its kind.") from error
    raise MessageMalformed("An MQTT packet is of a kind that nobody asked for.")


def _message(first: int, body: bytes) -> MqttMessage:
    end = 2 + int.from_bytes(body[:2], "big")
    if not 2 < end <= len(body):
        raise MessageMalformed("An MQTT message does not name its topic.")
    return MqttMessage(body[2:end].decode(), body[end:], bool(first & _RETAIN))


def _packet(first: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length += bytes((digit | (0x80 if left else 0),))
        if not left:
            return bytes((first,)) + length + body


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(data: bytes) -> bytes:
    if len(data) > TEXT_BYTES_MAX:
        raise MessageTooLarge("A text in an MQTT packet is longer than the standard allows.")
    return len(data).to_bytes(2, "big") + data
