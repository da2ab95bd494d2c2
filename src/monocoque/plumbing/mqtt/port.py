"""The port of one MQTT connection, as far as we need one.

Rules, for every adapter (tests/conformance/test_mqtt.py):

* what is said may be lost with the connection, and only then (quality 0): whoever connects again
  says again what must be known;
* a message that is to be retained takes the place of the one before; an empty one takes it away;
* who subscribes is given what is retained first, marked so, and then what is said, its own words
  too;
* whoever leaves, leaves without a word, so that the server says its will in its place: nobody can
  tell a kill from an end;
* a pattern has ``+`` for one level of a topic and ``#`` for all that follow.

Left out on purpose: qualities 1 and 2, sessions that outlive a connection, and whatever MQTT 5 has
on top.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class MqttMessage:
    """One message."""

    topic: str
    payload: bytes
    is_retained: bool = False
    """On its way out: that it is to be kept. On its way in: that it was."""


class MqttSession(Protocol):
    """One connection, open as long as its context is."""

    async def publish(self, message: MqttMessage) -> None:
        """Say it; raises BusUnavailable when the connection has ended."""

    async def subscribe(self, *patterns: str) -> None:
        """Hear this from now on. Raises TopicRefused, BusUnavailable."""

    async def next(self) -> MqttMessage:
        """The next message; raises BusUnavailable when the connection has ended."""


def matches(pattern: str, topic: str) -> bool:
    """Whether a topic is one of a pattern."""
    wanted, given = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(
        own in ("+", one) for own, one in zip(wanted, given, strict=True)
    )
