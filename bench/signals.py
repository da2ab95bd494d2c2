"""How fast a car's signals are, with checks and scopes on.

A car's door for KUKSA's clients in a process of its own, and its clients in this one, on loopback:
two processes, so two cores are enough. The client is our own (``kuksa/service/outside.py``). Every
value is published within type and range checks, under a token; every value is read by the client,
and the measurement fails when one is missing or was replaced by a newer one. No more than
``AHEAD_MAX`` batches are on their way at once. Figures:

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.service.outside import OutsideConnection, open_broker
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.signals.service.port import Subscription
from monocoque.contracts.signals import DataType, EntryType, Signal, Value
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from monocoque.plumbing.clock import SystemClock
from tests.car.door_stand import DoorStand

BATCH = 50
SIGNALS = 500
"""Fewer than a car has: VSS 6 names 1,263."""
READERS = 20
CHANNELS = 4
"""Connections that the readers share."""
AHEAD_MAX = 64
BUFFER = 1_000
IN_FLIGHT = 50
PACE_S = 0.01
WAIT_S_MAX = 60.0
SCOPE = "read provide"

Progress = Callable[[str], object]
KINDS = (
    (DataType.FLOAT, -250, 250),
    (DataType.DOUBLE, -180, 180),
    (DataType.UINT8, 0, 100),
    (DataType.BOOLEAN, None, None),
    (DataType.FLOAT, 0, None),
)
"""What cars measure: mostly fractions, some small numbers, some truths."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    stream_s: float = 4.0
    """How long a provider goes on saying values."""
    inprocess_values: int = 2_000_000
    gets: int = 4_000
    paced_batches: int = 600
    warm_up_batches: int = 100
    """Said at the same pace before, and not measured."""


FULL = Effort()


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


def measure(progress: Progress, effort: Effort = FULL) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    figures: dict[str, float | int] = {}
    progress(f"{effort.inprocess_values} values through the hub alone")
    figures["inprocess_values_per_second"] = round(asyncio.run(_in_process(effort)))
    with _car() as (address, token):
        for name, work in (
            ("stream_values_per_second", _stream),
            ("fanout_deliveries_per_second", _fan_out),
            ("unary_gets_per_second", _gets),
        ):
            progress(f"measuring {name}")
            figures[name] = round(asyncio.run(work(address, token, effort)))
        progress(f"{effort.paced_batches} batches, one every {PACE_S} s")
        times_ms = asyncio.run(_paced(address, token, effort))
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


class _Turns:
    """What a provider says, turn by turn: other signals each time, with new values."""

    def __init__(self) -> None:
        random = Random(1)
        self._groups = [
            tuple(range(first + 1, first + BATCH + 1)) for first in range(0, SIGNALS, BATCH)
        ]
        self._values = [_some_values(random) for _ in range(97)]

    def at(self, turn: int) -> tuple[tuple[int, ...], list[Value]]:
        """Numbers and values of this turn."""
        return (
            self._groups[turn % len(self._groups)],
            self._values[turn % len(self._values)],
        )


def _some_values(random: Random) -> list[Value]:
    made: list[Value] = []
    for _ in range(BATCH // len(KINDS)):
        made += [
            random.uniform(-250, 250),
            random.uniform(-180, 180),
            random.randrange(101),
            random.random() < 0.5,
            random.uniform(0, 1e6),
        ]
    return made


class _Reader:
    """One subscriber, which reads every value."""

    def __init__(self, heard: Subscription) -> None:
        self._heard = heard
        self.values = 0
        self.total = 0.0

    async def read(self) -> None:
        """Take one message, and read each value in it."""
        batch = await self._heard.next()
        for value in batch.values:
            self.total += value  # type: ignore[operator]
        self.values += len(batch.values)


async def _through(address: str, token: str, effort: Effort, readers_count: int) -> float:
    """Values per second that a provider can say when each reader reads each of them."""
    turns, clock = _Turns(), SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        brokers = [
            await _broker(stack, address, token) for _ in range(1 + min(readers_count, CHANNELS))
        ]
        numbers = tuple(range(1, SIGNALS + 1))
        provision = await stack.enter_async_context(brokers[0].provide(numbers))
        readers = []
        for place in range(readers_count):
            broker = brokers[1 + place % (len(brokers) - 1)]
            heard = await stack.enter_async_context(broker.subscribe(numbers, queue_batches=BUFFER))
            await heard.next()
            readers.append(_Reader(heard))
        news, said = asyncio.Event(), 0

        async def read(reader: _Reader) -> None:
            while True:  # it cannot know which batch is the last, and may have it before we do
                await reader.read()
                news.set()

        async def until_read(ahead_max: int) -> None:
            while said - min(reader.values for reader in readers) // BATCH > ahead_max:
                news.clear()
                await news.wait()

        async with asyncio.timeout(WAIT_S_MAX), asyncio.TaskGroup() as group:
            reading = [group.create_task(read(reader)) for reader in readers]
            began_s = time.perf_counter()
            while time.perf_counter() - began_s < effort.stream_s:
                refused = await provision.publish(*turns.at(said), clock.now_us())
                assert not refused
                said += 1
                await until_read(AHEAD_MAX)
            await until_read(0)
            took_s = time.perf_counter() - began_s
            for each in reading:
                each.cancel()
        assert all(reader.values == said * BATCH for reader in readers)
    return said * BATCH / took_s


async def _broker(stack: contextlib.AsyncExitStack, address: str, token: str) -> OutsideConnection:
    broker = await open_broker(address, token, SystemClock(), Random(1))
    stack.push_async_callback(broker.close)
    return broker


async def _stream(address: str, token: str, effort: Effort) -> float:
    return await _through(address, token, effort, 1)


async def _fan_out(address: str, token: str, effort: Effort) -> float:
    return READERS * await _through(address, token, effort, READERS)


async def _in_process(effort: Effort) -> float:
    clock = SystemClock()
    all_signals = catalogue()
    hub = SignalHub(all_signals, clock, Random(1))
    one = hub.connect("provider", everything(all_signals.numbers))
    other = hub.connect("reader", everything(all_signals.numbers))
    random = Random(2)
    numbers = tuple(range(1, BATCH + 1))
    made = [_some_values(random) for _ in range(97)]
    heard_values, total = 0, 0.0
    async with one.provide(numbers) as provision, other.subscribe(numbers) as heard:

        async def read() -> None:
            nonlocal heard_values, total
            while heard_values < effort.inprocess_values:
                batch = await heard.next()
                assert not batch.lost
                for value in batch.values:
                    total += value  # type: ignore[operator]
                heard_values += len(batch.values)

        await heard.next()
        began_s = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            for turn in range(effort.inprocess_values // BATCH):
                await provision.publish(numbers, made[turn % len(made)], turn)
                if turn % 32 == 0:
                    await asyncio.sleep(0)
    return heard_values / (time.perf_counter() - began_s)


async def _gets(address: str, token: str, effort: Effort) -> float:
    left = iter(range(effort.gets))
    async with contextlib.AsyncExitStack() as stack:
        stub = (await _broker(stack, address, token)).stub
        request = v2.GetValueRequest(signal_id=v2.SignalID(id=1))

        async def ask() -> None:
            for _ in left:
                await stub.ask("GetValue", request)

        began_s = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
        return effort.gets / (time.perf_counter() - began_s)


async def _paced(address: str, token: str, effort: Effort) -> list[float]:
    times_ms: list[float] = []
    turns, clock = _Turns(), SystemClock()
    numbers = tuple(range(1, SIGNALS + 1))
    async with contextlib.AsyncExitStack() as stack:
        one, other = [await _broker(stack, address, token) for _ in range(2)]
        provision = await stack.enter_async_context(one.provide(numbers))
        heard = await stack.enter_async_context(other.subscribe(numbers, queue_batches=BUFFER))
        await heard.next()
        reader = _Reader(heard)
        next_s = time.perf_counter()
        for turn in range(effort.warm_up_batches + effort.paced_batches):
            next_s += PACE_S
            await asyncio.sleep(max(0.0, next_s - time.perf_counter()))
            sent_s = time.perf_counter()
            await provision.publish(*turns.at(turn), clock.now_us())
            await reader.read()
            times_ms.append((time.perf_counter() - sent_s) * 1_000)
    return times_ms[effort.warm_up_batches :]


def main() -> None:
    """Print the figures as JSON, or be the car that is measured."""
    if sys.argv[1:] == ["car"]:
        asyncio.run(_serve())
        return
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
