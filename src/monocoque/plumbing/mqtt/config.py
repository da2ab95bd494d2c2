"""The limits of an MQTT client, each with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MqttConfig:
    """What one connection may take."""

    connect_timeout_s: float = 5.0
    """How long the server may take until it has taken or refused us."""
    answer_timeout_s: float = 5.0
    """How long any other answer may take, and a message until the network has it."""
    keep_alive_s: float = 30.0
    """We promise the server a word in this time, and say one in half of it; a server from which
    nothing comes between two words is away."""
    packet_bytes_max: int = 256 * 1_024
    """The largest packet that is read."""
    queue_messages_max: int = 1_000
    """How many messages a reader may be behind before it loses the oldest."""
