"""A factory to test: its service on real records, with a line that can fail and an order book.

Rules: the line is an adapter of the port `Line` that keeps cars in memory and outlives the service,
as folders on a disk do; a kill is the end of the block in which the factory runs.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Row, Table, select

from monocoque.contracts import identifiers
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import (
    BUILD_EVENTS,
    HAND_OVER_ANSWERS,
    HAND_OVER_REQUESTS,
    ORDER_EVENTS,
    Role,
)
from monocoque.contracts.wire import command_pb2, order_pb2
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Consumer, Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.shop.build import records as rows
from monocoque.shop.build import service as build
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.build.service import Line
from monocoque.trust.grants import CarKeys
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import PrivateKey, SystemKeyMaker
from tests.fixtures.http import SecretsInMemory, SettableClock

Result = TypeVar("Result")

CAR = CarId("car_0123456789abcdefghjkmnpqrs")
OTHER = CarId("car_1123456789abcdefghjkmnpqrs")
ORDER = "order_0123456789abcdefghjkmnpqrs"
CONFIG = BuildConfig(
    requests_wait_s=0.1,
    wrong_tries_max=3,
    orders_wait_s=0.1,
    look_interval_s=0.02,
    line_retry_s=0.05,
    retry_s=0.02,
)
BUS = BusConfig(acknowledge_wait_s=1.0)
"""What a kill left unacknowledged comes again soon."""
WAIT_S_MAX = 20.0
SOFTWARE = "7.1.0"
OPTIONS = ("paint-red", "wheels-19")
KEYS = SystemKeyMaker()


def new_key() -> PrivateKey:
    return KEYS.make("ES256")


class LineInMemory:
    """Cars that outlive the factory's process; fails, or comes to a stop, where a test says so."""

    def __init__(self) -> None:
        self.cars: dict[CarId, CarKeys] = {}
        self.let_go_cars: Counter[str] = Counter()
        self.failures: list[MonocoqueError] = []
        """Raised one after the other by whoever asks for a car."""
        self.stops_at = ""
        """Here the factory stands still, once, until its power is cut."""
        self.stands_still = asyncio.Event()

    async def make(self, car_id: CarId) -> CarKeys:
        if self.failures:
            raise self.failures.pop(0)
        await self._pass("before making")
        if car_id not in self.cars:
            self.cars[car_id] = CarKeys(new_key().public_jwk, new_key().public_jwk)
        await self._pass("after making")
        return self.cars[car_id]

    async def let_go(self, car_id: CarId) -> None:
        await self._pass("before letting go")
        self.let_go_cars[car_id] += 1

    async def _pass(self, place: str) -> None:
        if self.stops_at == place:
            self.stops_at = ""
            self.stands_still.set()
            await asyncio.Event().wait()


class RecordsThatStop:
    """Records whose factory stands still after so many transactions, until its power is cut."""

    def __init__(self, records: Records, transactions: int) -> None:
        self._records = records
        self._left = transactions
        self.stands_still = asyncio.Event()

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        result = await self._records.transact(work)
        self._left -= 1
        if self._left <= 0:
            self.stands_still.set()
            await asyncio.Event().wait()
        return result

    async def close(self) -> None:
        """They belong to the test."""


class Factory:
    """A factory on these records, a bus, and somebody who brings requests."""

    def __init__(self, records: Records, config: BuildConfig = CONFIG) -> None:
        self.records = records
        self.config = config
        self.clock = SettableClock()
        self.random = Random(1)
        self.secrets = SecretsInMemory()
        self.cell = SecretsInMemory()
        build.make_keys(self.secrets, self.cell, KEYS)
        self.hub = MemoryHub(self.clock, Metrics(), structlog.stdlib.get_logger(), config=BUS)
        self.bus = self.hub.connect(Identity(Role.PAIRING))
        self.book = self.hub.connect(Identity(Role.ORDERS))
        self.line = LineInMemory()
        self.car_keys = CarKeys(new_key().public_jwk, new_key().public_jwk)
        self.lives = 0
        self._heard: dict[str, list[order_pb2.BuildEvent]] = {}
        self._reader: Consumer[order_pb2.BuildEvent] | None = None

    async def make_car(self, car_id: CarId = CAR) -> str:
        """The end of the line; returns the code."""
        await build.put_on_record(self.records, car_id, self.car_keys, self.clock, self.random)
        return (await build.hand_over_paper(self.records, self.secrets, car_id)).code

    def context(self, records: Records) -> Context:
        self.lives += 1
        return Context(
            machine_id="factory",
            service_name="build",
            clock=self.clock,
            random=Random(1 + self.lives),
            bus=self.hub.connect(Identity(Role.FACTORY)),
            records=records,
            keystore=self.secrets,
            metrics=Metrics(),
            log=structlog.stdlib.get_logger(),
            disk_free_bytes=lambda: 0,
            software_version=SOFTWARE,
            configs={BuildConfig: self.config},
            ports={Line: self.line},
        )

    @contextlib.asynccontextmanager
    async def running(self, records: Records | None = None) -> AsyncIterator[None]:
        """The service runs inside this block, on these records in place of its own."""
        async with asyncio.TaskGroup() as group:
            life = group.create_task(build.run(self.context(records or self.records)))
            try:
                yield
            finally:
                life.cancel()

    # --- hand-over ------------------------------------------------------------------------

    def request(self, owner: PrivateKey, code: str, car_id: str = CAR) -> bytes:
        request_id = identifiers.make("message", self.random.getrandbits)
        now_s = self.clock.now_us() // 1_000_000
        return sign_hand_over(owner, car_id, code, request_id, now_s)

    async def ask(self, document: bytes, car_id: str = CAR) -> command_pb2.HandOverAnswer:
        """What the factory answers."""
        message = command_pb2.HandOverRequest(request=document)
        stamp(message, self.clock, self.random)
        consumer = await self.bus.consumer(HAND_OVER_ANSWERS, "pairing")
        await self.bus.publish(HAND_OVER_REQUESTS, message, car_id=car_id)
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                for delivery in await consumer.fetch(1, 1.0):
                    await consumer.acknowledge([delivery])
                    return delivery.message

    async def take_over(self, car_id: str) -> command_pb2.HandOverAnswer:
        """The owner comes with the paper of the car."""
        paper = await build.hand_over_paper(self.records, self.secrets, car_id)
        return await self.ask(self.request(new_key(), paper.code, car_id), car_id)

    # --- orders ---------------------------------------------------------------------------

    async def say_order(
        self,
        state: str = "paid",
        sequence: int = 4,
        order_id: str = ORDER,
        in_s: float = 0.0,
        week_begins_us: int | None = None,
    ) -> None:
        """The shop says what became of an order; its week begins so many seconds from now."""
        begins_us = self.clock.now_us() + round(in_s * 1_000_000)
        event = order_pb2.OrderEvent(
            sequence=sequence,
            state=state,
            catalogue_version="2026-1",
            options=OPTIONS,
            week_begins_us=begins_us if week_begins_us is None else week_begins_us,
        )
        stamp(event, self.clock, self.random)
        await self.book.publish(ORDER_EVENTS, event, order_id=order_id)

    async def heard(
        self, wanted: Sequence[str], order_id: str = ORDER
    ) -> list[order_pb2.BuildEvent]:
        """Every event of this order's build, once it has said these states; not fewer, not more."""
        reader = self._reader
        if reader is None:
            reader = self._reader = await self.book.consumer(BUILD_EVENTS, "orders")
        async with asyncio.timeout(WAIT_S_MAX):
            while len(self._heard.get(order_id, [])) < len(wanted):
                for delivery in await reader.fetch(100, 0.02):
                    await reader.acknowledge([delivery])
                    heard = self._heard.setdefault(delivery.identifiers["order_id"], [])
                    if delivery.message not in heard:  # after a kill it may be said again
                        heard.append(delivery.message)
        found = self._heard.get(order_id, [])
        assert [event.state for event in found] == list(wanted)
        assert [event.sequence for event in found] == list(range(1, len(found) + 1))
        return found

    async def rows_of(self, table: Table) -> list[Row[Any]]:
        """Every row of a table."""
        return await self.records.transact(lambda c: list(c.execute(select(table)).all()))

    async def until_all_is_said(self) -> None:
        """Wait until the outbox is empty."""
        async with asyncio.timeout(WAIT_S_MAX):
            while await self.rows_of(rows.outbox):
                await asyncio.sleep(0.005)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait for a condition, for a bounded time."""
        async with asyncio.timeout(WAIT_S_MAX):
            while not holds():
                await asyncio.sleep(0.005)


def with_serials(count: int) -> BuildConfig:
    return replace(CONFIG, vin_serials_max=count)
