"""The limits of the bus, each with its unit.

Left out on purpose: limits of one topic (size, rate, retention), which are in its row.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monocoque.contracts.topics import KIB
from monocoque.plumbing.bus.port import LIVE_QUEUE_MESSAGES_MAX

MIB: Final = 1_024 * KIB
GIB: Final = 1_024 * MIB


@dataclass(frozen=True)
class BusConfig:
    """One participant's limits."""

    live_queue_messages_max: int = LIVE_QUEUE_MESSAGES_MAX
    """How far a live reader may be behind before it loses the oldest."""
    in_flight_messages_max: int = 200
    """How many messages of one batch wait for their acknowledgement at once."""
    publish_timeout_s: float = 5.0
    """How long a publisher waits for an acknowledgement before the outcome is unknown."""
    request_timeout_s: float = 5.0
    """How long any other question to the bus may take."""
    acknowledge_wait_s: float = 30.0
    """After this time without acknowledgement a consumer is given the message again."""
    give_back_wait_s: float = 1.0
    """How soon a message that was given back comes again."""
    unacknowledged_messages_max: int = 20_000
    """How many messages a consumer may hold without acknowledging any."""
    connect_timeout_s: float = 2.0
    """How long one attempt to connect may take."""
    ping_interval_s: float = 15.0
    """How often a quiet connection is tried; two without an answer end it."""
    watch_batch_messages: int = 500
    """How many messages a watcher asks for at once."""
    watch_forgotten_after_s: float = 60.0
    """The server forgets a watcher that asked for nothing in this time."""
    reconnect_wait_s_min: float = 0.1
    reconnect_wait_s_max: float = 2.0
    """Pauses between attempts double from the first to the second of these, and are multiplied by
    0.5 to 1.5 by chance. Who was away for long is back within 3 s of the server; a fleet
    spreads over that time."""
    rate_subjects_max: int = 100_000
    """Subjects whose rate one publisher or reader remembers, some 300 bytes each; beyond that the
    one that was silent for the longest time is forgotten."""
    refusal_log_interval_s: float = 10.0
    """The door writes at most one line per topic and reason in this time."""


BUS_DEFAULTS: Final = BusConfig()


@dataclass(frozen=True)
class NatsServerConfig:
    """Limits and places of the server that we start."""

    listen_host: str = "127.0.0.1"
    """The address that the server listens on."""
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    """Both are required on any address but loopback."""
    connections_max: int = 200_000
    """Clients connected at once, cars included."""
    start_timeout_s: float = 20.0
    """From start to ready to serve."""
    stop_timeout_s: float = 5.0
    """How long the server may take to end before it is killed."""
    restart_wait_s_min: float = 0.1
    restart_wait_s_max: float = 5.0
    """Pauses before a server that does not even start double from the first to the second."""
    restart_wait_served_s_max: float = 1.0
    """The same for one that served and died: a crash loop costs one start a second, and a server
    that is killed again and again is back within the 5 s that are promised."""
    stable_after_s: float = 30.0
    """A server that lived this long starts again after the shortest pause."""
    stream_bytes_max: int = 2 * GIB
    """The most that one stream keeps on disk; the oldest goes first."""
    last_values_bytes_max: int = 4 * GIB
    """The most that the last values of one topic take on disk."""
    duplicate_window_s: float = 120.0
    """How long a synced stream recognises a message id that it already has."""
    log_bytes_max: int = 8 * MIB
    """The server's log is turned over at this size; one old file is kept."""
    mqtt_connections_max: int = 16
    """MQTT clients of one home at once, the home's own among them."""
    mqtt_subscriptions_max: int = 2_000
    """What all MQTT clients of one home listen to, together; Home Assistant takes two for each
    entity at most."""
    mqtt_consumers_max: int = 200
    """Subscriptions of one home that the server repeats until they are acknowledged (QoS 1)."""
    mqtt_message_bytes_max: int = 64 * KIB
    """The largest message of a home's MQTT client."""
    mqtt_store_bytes_max: int = 16 * MIB
    """What the server keeps on disk for one home: retained messages and sessions."""
    mqtt_homes_max: int = 1_000
    """For how many homes the server sets that room aside."""


NATS_DEFAULTS: Final = NatsServerConfig()
