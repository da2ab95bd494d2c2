"""How fast the bus is: 200-byte messages, 200 in flight, every one acknowledged.

A real server on loopback with its data in a temporary directory, and one participant, on one event
loop, through the door on both sides as in the product. Three figures:

* ``publish_per_second``: a stream that promises nothing (the way frames travel);
* ``fetch_per_second``: the same messages fetched, decoded and acknowledged;
* ``synced_publish_per_second``: a stream whose acknowledgement means "on disk".
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import structlog
import uvloop

from monocoque.contracts.topics import ECHO_FRAMES, ECHO_REQUESTS, Role, Topic
from monocoque.contracts.wire.echo_pb2 import Echo
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_server import NatsServer
from monocoque.plumbing.bus.port import Identity, Outgoing
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.metrics import Metrics

MESSAGE_BYTES = 200
MESSAGES = 30_000
SYNCED_MESSAGES = 5_000
FETCH_MESSAGES_MAX = 1_000
FETCH_WAIT_S = 5.0

Progress = Callable[[str], object]


class SecretsInMemory:
    """A KeyStore that ends with the measurement."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """See KeyStore."""
        return self._secrets.get(name)

    def write(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        self._secrets[name] = secret

    def names(self) -> list[str]:
        """See KeyStore."""
        return sorted(self._secrets)


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
        return uvloop.run(_measure(Path(directory), progress))


async def _measure(directory: Path, progress: Progress) -> dict[str, float | int]:
    clock, log = SystemClock(), structlog.get_logger()
    progress("starting the bus server")
    server = NatsServer(directory, SecretsInMemory(), clock, log)
    await server.start()
    try:
        bus = await NatsBus.connect(
            identity=Identity(Role.ECHO),
            credentials=server.authority.service_credentials(Role.ECHO),
            server_address=server.address,
            clock=clock,
            random=Random(1),
            metrics=Metrics(),
            log=log,
        )
        progress(f"publishing {MESSAGES} messages")
        publish = await _publish(bus, ECHO_FRAMES, _messages(clock, MESSAGES))
        progress(f"fetching {MESSAGES} messages")
        fetch = await _fetch(bus)
        progress(f"publishing {SYNCED_MESSAGES} messages to disk")
        synced = await _publish(bus, ECHO_REQUESTS, _messages(clock, SYNCED_MESSAGES))
        await bus.close()
    finally:
        await server.stop()
    return {
        "publish_per_second": round(publish),
        "fetch_per_second": round(fetch),
        "synced_publish_per_second": round(synced),
    }


def _messages(clock: SystemClock, count: int) -> list[Outgoing[Echo]]:
    random, outgoing = Random(2), []
    for sequence in range(count):
        message = Echo(sequence=sequence)
        stamp(message, clock, random)
        message.payload = bytes(MESSAGE_BYTES - message.ByteSize() - 3)
        outgoing.append(Outgoing(message, {"echo_id": "bench"}))
    return outgoing


async def _publish(bus: NatsBus, topic: Topic[Echo], outgoing: list[Outgoing[Echo]]) -> float:
    started_at_s = time.perf_counter()
    await bus.publish_batch(topic, outgoing)
    return len(outgoing) / (time.perf_counter() - started_at_s)


async def _fetch(bus: NatsBus) -> float:
    consumer = await bus.consumer(ECHO_FRAMES, "bench")
    fetched, started_at_s = 0, time.perf_counter()
    while fetched < MESSAGES:
        deliveries = await consumer.fetch(FETCH_MESSAGES_MAX, FETCH_WAIT_S)
        await consumer.acknowledge(deliveries)
        fetched += len(deliveries)
    return fetched / (time.perf_counter() - started_at_s)


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
