"""The port to the MQTT server of a home's assistant.

Rules: a home speaks only when it was asked to (``wish``), and asks again before each connection, so
that what was taken back ends with the connection.

Left out on purpose: which server it is, and what opens it. The adapter of this installation
(roles/assistants.py) speaks to the bus server's own door for MQTT.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from monocoque.home.assistant.logic import Discovery
from monocoque.plumbing.mqtt.port import MqttMessage, MqttSession


class HomeMqtt(Protocol):
    """Where this home's assistant listens."""

    def wish(self) -> Discovery | None:
        """How the assistant wants to be told of cars; None when the home has none."""

    def connected(self, will: MqttMessage) -> AbstractAsyncContextManager[MqttSession]:
        """A connection until the end of the block; the will is said when it ends.

        Raises BusUnavailable, CredentialsRefused.
        """
