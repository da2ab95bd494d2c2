"""How fast a car's signals are, with checks and scopes on.

A car's door for KUKSA's clients in a process of its own, and its clients in this one, on loopback:
two processes, so two cores are enough. Every value is published within type and range checks, under
a token; every value is read by the client, in order, and the measurement fails when one is missing
or was replaced by a newer one. No more than ``AHEAD_MAX`` batches are on their way at once. Figures:

* ``stream_values_per_second``: batches of ``BATCH`` values through a provider's stream to one
  subscriber;
* ``fanout_deliveries_per_second``: the same to ``READERS`` subscribers, all of them counted;
* ``inprocess_values_per_second``: from a provider to a subscriber of the hub, without a door;
* ``unary_gets_per_second``: single values asked for, ``IN_FLIGHT`` at once;
* ``paced_p50_ms``, ``paced_p95_ms``, ``paced_p99_ms``: from before a batch is sent until its values
  are read, 100 batches a second.

Which of the figures the machine spoiled cannot be told from them: run it more than once.
"""

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from monocoque.car.kuksa import service as kuksa
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.contracts.signals import DataType, EntryType, Signal
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import DoorStand, KuksaClient

BATCH = 50
SIGNALS = 200
STREAM_S = 4.0
READERS = 20
AHEAD_MAX = 64
BUFFER = 1_000
INPROCESS_VALUES = 2_000_000
GETS = 4_000
IN_FLIGHT = 50
PACED_BATCHES = 600
PACE_S = 0.01
WARM_UP_BATCHES = 200
WAIT_S_MAX = 60.0
SCOPE = "read provide"
US_PER_S = 1_000_000

Progress = Callable[[str], object]
KINDS = (
    (DataType.FLOAT, -250, 250),
    (DataType.DOUBLE, -180, 180),
    (DataType.UINT8, 0, 100),
    (DataType.BOOLEAN, None, None),
    (DataType.FLOAT, 0, None),
)
"""What cars measure: mostly fractions, some small numbers, some truths."""


def catalogue() -> Catalogue:
    """Signals of the kinds that cars have."""
    made = []
    for place in range(SIGNALS):
        data_type, smallest, largest = KINDS[place % len(KINDS)]
        path = f"Vehicle.Cabin.Measured.Row{place // 10}.Value{place % 10}"
        kind = EntryType.SENSOR
        made.append(
            Signal(place + 1, path, data_type, kind, "", "x", minimum=smallest, maximum=largest)
        )
    return Catalogue(made)


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    figures: dict[str, float | int] = {}
    progress(f"{INPROCESS_VALUES} values through the hub alone")
    figures["inprocess_values_per_second"] = round(asyncio.run(_in_process()))
    for name, work in (
        ("stream_values_per_second", _stream),
        ("fanout_deliveries_per_second", _fan_out),
        ("unary_gets_per_second", _gets),
    ):
        progress(f"measuring {name}")
        with _car() as (address, token):
            figures[name] = round(asyncio.run(work(address, token)))
    progress(f"{PACED_BATCHES} batches, one every {PACE_S} s")
    with _car() as (address, token):
        times_ms = sorted(asyncio.run(_paced(address, token)))
    for percent in (50, 95, 99):
        at = statistics.quantiles(times_ms, n=100)[percent - 1]
        figures[f"paced_p{percent}_ms"] = round(at, 3)
    return figures


@contextlib.contextmanager
def _car() -> Iterator[tuple[str, str]]:
    """A car in a process of its own: where its door listens, and a token for it."""
    command = [sys.executable, "-m", "bench.signals", "car"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield told["address"], told["token"]
        finally:
            process.stdin.close()
            process.wait(WAIT_S_MAX)


async def _serve() -> None:
    """The car, until nobody holds its input any more."""
    stand = DoorStand(catalogue())
    async with stand.open(kuksa.run):
        token, _ = await stand.token(SCOPE)
        told = {"address": await stand.plate.address("kuksa"), "token": token}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


class _Values:
    """What the signals are like, turn by turn; the first float of each batch counts the turns."""

    def __init__(self) -> None:
        random = Random(1)
        self.groups = [
            [place + 1 for place in range(first, first + BATCH)]
            for first in range(0, SIGNALS, BATCH)
        ]
        self._random = random

    def fill(self, request: Any, turn: int) -> Any:
        """A provider's message for this turn."""
        random = self._random.random
        points = request.publish_values_request.data_points
        now_us = time.time_ns() // 1_000
        seconds, left_us = divmod(now_us, US_PER_S)
        for place, number in enumerate(self.groups[turn % len(self.groups)]):
            point = points[number]
            stamp = point.timestamp
            stamp.seconds = seconds
            stamp.nanos = left_us * 1_000
            match place % len(KINDS):
                case 0:
                    point.value.float = turn % 250 if place == 0 else random() * 200
                case 1:
                    point.value.double = random() * 180
                case 2:
                    point.value.uint32 = int(random() * 100)
                case 3:
                    point.value.bool = random() < 0.5
                case _:
                    point.value.float = random() * 1e6
        return request


class _Reader:
    """One subscriber, which reads every value."""

    def __init__(self, client: KuksaClient) -> None:
        request = v2.SubscribeByIdRequest(signal_ids=range(1, SIGNALS + 1), buffer_size=BUFFER)
        self._heard = client.v2["SubscribeById"](request)
        self.values = 0
        self.total = 0.0

    async def begin(self) -> None:
        """Take the first message, which says how everything is."""
        await self._heard.read()

    async def read(self) -> None:
        """Take one message, and read each value in it."""
        message = await self._heard.read()
        total = 0.0
        for point in message.entries.values():
            value = point.value
            total += getattr(value, value.WhichOneof("typed_value"))
        self.total += total
        self.values += len(message.entries)


async def _provider(client: KuksaClient) -> Any:
    stream = client.v2["OpenProviderStream"]()
    return stream


async def _through(address: str, token: str, readers_count: int) -> float:
    """Values per second that a provider can say when each reader reads each of them."""
    values = _Values()
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(KuksaClient(address, token))
            for _ in range(1 + min(readers_count, 4))
        ]
        stream = clients[0].v2["OpenProviderStream"]()
        readers = [
            _Reader(clients[1 + place % (len(clients) - 1)]) for place in range(readers_count)
        ]
        for reader in readers:
            await reader.begin()
        news = asyncio.Event()
        turns = 0
        ends_s = 0.0

        async def read(reader: _Reader) -> None:
            while not ends_s or reader.values < turns * BATCH:
                await reader.read()
                news.set()

        async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(read(reader))
            began_s = time.perf_counter()
            while time.perf_counter() - began_s < STREAM_S:
                request = values.fill(v2.OpenProviderStreamRequest(), turns)
                await stream.write(request)
                turns += 1
                while turns - min(reader.values for reader in readers) // BATCH > AHEAD_MAX:
                    news.clear()
                    await news.wait()
            ends_s = 1.0
        took_s = time.perf_counter() - began_s
        assert all(reader.values == turns * BATCH for reader in readers)
        stream.cancel()
    return turns * BATCH / took_s


async def _stream(address: str, token: str) -> float:
    return await _through(address, token, 1)


async def _fan_out(address: str, token: str) -> float:
    return READERS * await _through(address, token, READERS)


async def _in_process() -> float:
    clock = SystemClock()
    all_signals = catalogue()
    hub = SignalHub(all_signals, clock, Random(1))
    one = hub.connect("provider", everything(all_signals.numbers))
    other = hub.connect("reader", everything(all_signals.numbers))
    random = Random(2)
    numbers = tuple(range(1, BATCH + 1))
    made = [
        [
            (random.random(), random.random(), random.randrange(100), True, random.random())[n % 5]
            for n in range(BATCH)
        ]
        for _ in range(100)
    ]
    heard_values = 0
    async with one.provide(numbers) as provision, other.subscribe(numbers) as heard:

        async def read() -> None:
            nonlocal heard_values
            while heard_values < INPROCESS_VALUES:
                batch = await heard.next()
                assert not batch.lost
                heard_values += sum(1 for value in batch.values if value is not None)

        await heard.next()
        began_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for turn in range(INPROCESS_VALUES // BATCH):
                await provision.publish(numbers, made[turn % len(made)], turn)
                if turn % 32 == 0:
                    await asyncio.sleep(0)
    return heard_values / (time.perf_counter() - began_s)


async def _gets(address: str, token: str) -> float:
    left = iter(range(GETS))
    async with KuksaClient(address, token) as client:
        request = v2.GetValueRequest(signal_id=v2.SignalID(id=1))
        await client.v2["GetValue"](request)

        async def ask() -> None:
            for _ in left:
                await client.v2["GetValue"](request)

        began_s = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
        return GETS / (time.perf_counter() - began_s)


async def _paced(address: str, token: str) -> list[float]:
    times_ms: list[float] = []
    values = _Values()
    async with KuksaClient(address, token) as client, KuksaClient(address, token) as other:
        stream = client.v2["OpenProviderStream"]()
        reader = _Reader(other)
        await reader.begin()
        next_s = time.perf_counter()
        for turn in range(PACED_BATCHES):
            next_s += PACE_S
            await asyncio.sleep(max(0.0, next_s - time.perf_counter()))
            sent_s = time.perf_counter()
            await stream.write(values.fill(v2.OpenProviderStreamRequest(), turn))
            await reader.read()
            times_ms.append((time.perf_counter() - sent_s) * 1_000)
        stream.cancel()
    return times_ms


def main() -> None:
    """Print the figures as JSON, or be the car that is measured."""
    if sys.argv[1:] == ["car"]:
        asyncio.run(_serve())
        return
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
