"""From an order that was paid to a car that is there and is handed over, by the real processes.

Rules: the test speaks for the shop's book of orders, on the real bus by the cell's own authority;
everything after that is the installation's.
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
import structlog

from monocoque.contracts import identifiers
from monocoque.contracts.topics import BUILD_EVENTS, ORDER_EVENTS, Role
from monocoque.contracts.wire.order_pb2 import BuildEvent, OrderEvent
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import read_process_file
from tests.e2e.installation import Installation
from tests.e2e.test_kills import CARS, Person
from tests.fixtures.phone import Phone, signed_in_phone

WAIT_S_MAX = 60.0
LOOK_S = 0.1
VIN_BEGINS = "GAMA7"
BUILT = ("scheduled", "in_production", "built")
CLOCK = SystemClock()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    """An installation with one car that nobody ordered, ended by Ctrl-C with status 0."""
    installation = Installation(tmp_path, cars=1)
    installation.start()
    try:
        yield installation
    finally:
        assert installation.stop() == 0


class Book:
    """The shop's book of orders: says what was paid, and hears what is built."""

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus
        self._random = random.Random()
        self._heard: dict[str, list[BuildEvent]] = {}

    async def pay(self, in_s: float = 0.0) -> str:
        """An order is paid whose week begins so many seconds from now; returns its identifier."""
        order_id = identifiers.make("order", self._random.getrandbits)
        event = OrderEvent(
            sequence=1,
            state="paid",
            catalogue_version="2026-1",
            options=["paint-red"],
            week_begins_us=CLOCK.now_us() + round(in_s * 1_000_000),
        )
        stamp(event, CLOCK, self._random)
        await self._bus.publish(ORDER_EVENTS, event, order_id=order_id)
        return order_id

    async def heard(self, order_id: str, states: Sequence[str]) -> BuildEvent:
        """The last of these states, once all of them were said of this order, each once."""
        consumer = await self._bus.consumer(BUILD_EVENTS, "orders")
        async with asyncio.timeout(WAIT_S_MAX):
            while len(self._heard.get(order_id, [])) < len(states):
                for delivery in await consumer.fetch(100, LOOK_S):
                    await consumer.acknowledge([delivery])
                    heard = self._heard.setdefault(delivery.identifiers["order_id"], [])
                    if delivery.message not in heard:
                        heard.append(delivery.message)
        assert [event.state for event in self._heard[order_id]] == list(states)
        return self._heard[order_id][-1]


@contextlib.asynccontextmanager
async def book_of(installation: Installation) -> AsyncIterator[Book]:
    """A connection to the bus as the shop's book of orders."""

    async def address() -> str:
        return published_address(installation.data)

    authority = NatsAuthority(FileKeyStore(installation.data / "secrets"), CLOCK)
    bus = await NatsBus.connect(
        identity=Identity(Role.ORDERS),
        credentials=authority.service_credentials(Role.ORDERS),
        server_address=address,
        clock=CLOCK,
        random=random.Random(),
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    try:
        yield Book(bus)
    finally:
        await bus.close()


async def until_every_car_said_hello(person: Person, since_s: float) -> None:
    """Wait until the cell has heard each of its three cars anew."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await person.hears_every_car_since(since_s):
            await asyncio.sleep(LOOK_S)


async def until_online(installation: Installation, cars: int) -> None:
    async with asyncio.timeout(WAIT_S_MAX):
        while await asyncio.to_thread(installation.cars_online) != cars:
            await asyncio.sleep(LOOK_S)


async def take_over(installation: Installation, car_id: str) -> None:
    """The first owner comes with the paper of this car."""
    words = ("car", "hand-over", car_id, "--data", str(installation.data))
    printed = await asyncio.to_thread(installation.run, *words)
    link = re.search(r"http://phone\.localhost:\d+/hand-over#\S+", printed)
    assert link, printed
    code = (await asyncio.to_thread(installation.sign_in_link, "phone")).partition("#")[2]
    async with signed_in_phone(installation.port, code) as client:
        phone = Phone(client, CLOCK)
        await phone.take_over(link.group(0))
        assert phone.car_id == car_id


def kill_cars(installation: Installation) -> None:
    """kill -9 of the process of cars and factory, which the cell starts again."""
    process = read_process_file(installation.data / "run" / "cars.json")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


@pytest.mark.timeout(240)
async def test_what_was_ordered_is_built_once_drives_and_is_handed_over_through_every_kill(
    running: Installation,
):
    async with book_of(running) as book:
        soon = await book.pay(in_s=2.0)
        now = await book.pay()
        await book.heard(now, BUILT[:1])
        await asyncio.to_thread(kill_cars, running)
        cars = {(await book.heard(order, BUILT)).car_id for order in (now, soon)}
        await until_online(running, CARS)
        person = Person(running)
        await person.sign_in()
        killed_at_s = time.time()
        await asyncio.to_thread(kill_cars, running)
        await until_every_car_said_hello(person, killed_at_s)
        await person.close()
        for car_id in cars:
            await take_over(running, car_id)
        for order in (now, soon):
            await book.heard(order, (*BUILT, "delivered"))
    assert len(cars) == 2
    assert len(list((running.data / "cars").glob("car_*"))) == CARS
    assert VIN_BEGINS not in running.printed()
