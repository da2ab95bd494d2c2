"""Power: lives of services, and adapters of the ports that die with them.

Rules:

* each start of a service is a life, with a number; its ports are made for it alone;
* a kill ends one life, a power cut every life of a machine. From that moment every port of the
  dead raises MachineFenced, also to what it does while it is being cancelled, so nothing is
  written after death; its clock may still be read;
* a transaction is wholly there or wholly not, and a life that ends between commit and return
  never hears of it; a secret cut while it is written is wholly old or wholly new, by chance;
* what was on disk stays. What was in memory goes with the life, and a connection with it.

Left out on purpose: the loss of a stream's unsynced tail; no service of ours relies on it yet.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection

from monocoque.contracts.errors import (
    MachineFenced,
    RecordsOutcomeUnknown,
    RecordsUnavailable,
)
from monocoque.contracts.topics import Topic
from monocoque.plumbing.bus.port import Bus, Consumer, Delivery, Identity, Outgoing, Subscription
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import checked_name, checked_secret
from monocoque.plumbing.lake.port import Batch, Lake, LakeTable
from monocoque.plumbing.records.port import Records
from monocoque.sim.faults import Weather

MessageType = TypeVar("MessageType", bound=Message)
Result = TypeVar("Result")


class Life:
    """One life of one service."""

    def __init__(self, machine_id: str, service_name: str, number: int) -> None:
        self.machine_id = machine_id
        self.service_name = service_name
        self.number = number
        self._end = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether it may no longer act."""
        return self._end.is_set()

    def end(self) -> None:
        """From now on every port of this life raises."""
        self._end.set()

    async def until_over(self) -> None:
        """Return at the moment of death."""
        await self._end.wait()

    def check(self) -> None:
        """Raises MachineFenced when the life is over."""
        if self.is_over:
            raise MachineFenced(
                f"Life {self.number} of {self.machine_id}/{self.service_name} is over, and acted."
            )


LIVING: ContextVar[Life | None] = ContextVar("living", default=None)
"""Whose code is running; tasks inherit it."""


@dataclass
class _Supply:
    """The power of one machine."""

    has_power: asyncio.Event
    lives: dict[str, Life] = field(default_factory=dict)
    """The latest life of each service."""
    has_none: asyncio.Event = field(default_factory=asyncio.Event)
    cuts_next_secret: bool = False


class Power:
    """The power of every machine of a world."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.kills = 0
        self.cuts = 0
        self.restarts = 0
        self.on_cut: list[Callable[[str], None]] = []
        """Called with the machine's id at the moment of a cut."""
        self.on_restore: list[Callable[[str], None]] = []
        """Called with the machine's id when it has power again."""
        self._supplies: dict[str, _Supply] = {}

    def add(self, machine_id: str) -> None:
        """Give a new machine power."""
        supply = _Supply(has_power=asyncio.Event())
        supply.has_power.set()
        self._supplies[machine_id] = supply

    def begin(self, machine_id: str, service_name: str) -> Life:
        """A new life of that service; raises MachineFenced on a machine without power."""
        supply = self._supplies[machine_id]
        if not supply.has_power.is_set():
            raise MachineFenced(f"{machine_id} has no power, and started {service_name}.")
        before = supply.lives.get(service_name)
        if before is not None:
            before.end()
            self.restarts += 1
        life = Life(machine_id, service_name, 1 if before is None else before.number + 1)
        supply.lives[service_name] = life
        return life

    def kill(self, machine_id: str, service_name: str) -> None:
        """End the present life of one service; its supervisor begins another."""
        life = self._supplies[machine_id].lives.get(service_name)
        if life is not None and not life.is_over:
            self.kills += 1
            life.end()

    def cut(self, machine_id: str) -> None:
        """End every life of the machine; none begins until ``restore``."""
        supply = self._supplies[machine_id]
        if not supply.has_power.is_set():
            return
        self.cuts += 1
        supply.has_power.clear()
        supply.has_none.set()
        for life in supply.lives.values():
            life.end()
        for notice in self.on_cut:
            notice(machine_id)

    def cut_in_next_secret(self, machine_id: str) -> None:
        """Cut the power in the middle of the next secret that the machine writes."""
        self._supplies[machine_id].cuts_next_secret = True

    def is_cut_in_secret(self, machine_id: str) -> bool:
        """Whether this very write of a secret is the one; asked once per write."""
        supply = self._supplies[machine_id]
        is_cut, supply.cuts_next_secret = supply.cuts_next_secret, False
        return is_cut

    def restore(self, machine_id: str) -> None:
        """Give the machine power again; nothing when it has some."""
        supply = self._supplies[machine_id]
        if supply.has_power.is_set():
            return
        supply.has_none.clear()
        supply.has_power.set()
        for notice in self.on_restore:
            notice(machine_id)

    async def until_on(self, machine_id: str) -> None:
        """Return as soon as the machine has power."""
        await self._supplies[machine_id].has_power.wait()

    async def until_off(self, machine_id: str) -> None:
        """Return as soon as the machine has none."""
        await self._supplies[machine_id].has_none.wait()


class FencedBus:
    """A life's connection; implements ``Bus``."""

    def __init__(self, inner: Bus, life: Life) -> None:
        self._inner = inner
        self._life = life

    @property
    def identity(self) -> Identity:
        """See Bus."""
        return self._inner.identity

    @property
    def is_connected(self) -> bool:
        """See Bus."""
        return not self._life.is_over and self._inner.is_connected

    @property
    def connection_count(self) -> int:
        """See Bus."""
        return self._inner.connection_count

    async def connected_after(self, count: int) -> int:
        """See Bus."""
        self._life.check()
        connection_count = await self._inner.connected_after(count)
        self._life.check()
        return connection_count

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        self._life.check()
        await self._inner.publish(topic, message, **identifiers)
        self._life.check()

    async def publish_batch(
        self, topic: Topic[MessageType], outgoing: Sequence[Outgoing[MessageType]]
    ) -> None:
        """See Bus."""
        self._life.check()
        await self._inner.publish_batch(topic, outgoing)
        self._life.check()

    @asynccontextmanager
    async def listen(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        self._life.check()
        async with self._inner.listen(topic, **identifiers) as inner:
            yield _FencedReader(inner, self._life)

    @asynccontextmanager
    async def watch(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> AsyncIterator[Subscription[MessageType]]:
        """See Bus."""
        self._life.check()
        async with self._inner.watch(topic, **identifiers) as inner:
            yield _FencedReader(inner, self._life)

    async def last(
        self, topic: Topic[MessageType], **identifiers: str
    ) -> Delivery[MessageType] | None:
        """See Bus."""
        self._life.check()
        delivery = await self._inner.last(topic, **identifiers)
        self._life.check()
        return delivery

    async def consumer(self, topic: Topic[MessageType], name: str) -> Consumer[MessageType]:
        """See Bus."""
        self._life.check()
        inner = await self._inner.consumer(topic, name)
        self._life.check()
        return _FencedConsumer(inner, self._life)

    async def close(self) -> None:
        """See Bus; also for the dead, whose connection ends."""
        await self._inner.close()


class _FencedReader(Generic[MessageType]):
    def __init__(self, inner: Subscription[MessageType], life: Life) -> None:
        self._inner = inner
        self._life = life

    @property
    def missed(self) -> int:
        """See Subscription."""
        return self._inner.missed

    async def next(self, timeout_s: float) -> Delivery[MessageType] | None:
        """See Subscription."""
        self._life.check()
        delivery = await self._inner.next(timeout_s)
        self._life.check()
        return delivery

    async def __aiter__(self) -> AsyncIterator[Delivery[MessageType]]:
        """See Subscription."""
        self._life.check()
        async for delivery in self._inner:
            self._life.check()
            yield delivery


class _FencedConsumer(Generic[MessageType]):
    def __init__(self, inner: Consumer[MessageType], life: Life) -> None:
        self._inner = inner
        self._life = life

    async def fetch(self, count_max: int, wait_s: float) -> list[Delivery[MessageType]]:
        """See Consumer."""
        self._life.check()
        deliveries = await self._inner.fetch(count_max, wait_s)
        self._life.check()
        return deliveries

    async def acknowledge(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._life.check()
        await self._inner.acknowledge(deliveries)
        self._life.check()

    async def give_back(self, deliveries: Sequence[Delivery[MessageType]]) -> None:
        """See Consumer."""
        self._life.check()
        await self._inner.give_back(deliveries)
        self._life.check()


class FencedRecords:
    """A life's records, on a disk that takes its time; implements ``Records``."""

    def __init__(self, inner: Records, life: Life, weather: Weather, random: Random) -> None:
        self._inner = inner
        self._life = life
        self._weather = weather
        self._random = random

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""
        self._life.check()
        await self._wait()
        self._life.check()
        if self._random.random() < self._weather.faults.records_unavailable_share:
            raise RecordsUnavailable("The database does not answer.")
        if self._random.random() < self._weather.faults.work_twice_share:
            await self._inner.transact(_rolled_back(work))
        result = await self._inner.transact(work)
        await self._wait()
        self._life.check()
        if self._random.random() < self._weather.faults.records_unavailable_share:
            raise RecordsOutcomeUnknown("The database was lost during the commit.")
        return result

    async def close(self) -> None:
        """See Records; the machine keeps the database, and only this life leaves it."""

    async def _wait(self) -> None:
        delay_s_max = self._weather.faults.disk_delay_s_max
        if delay_s_max > 0.0:
            await asyncio.sleep(self._random.uniform(0.0, delay_s_max))


def _rolled_back(work: Callable[[Connection], Any]) -> Callable[[Connection], None]:
    """The work, done and undone, as when it loses a race."""

    def once(connection: Connection) -> None:
        with connection.begin_nested() as savepoint:
            work(connection)
            savepoint.rollback()

    return once


class FencedKeyStore:
    """A life's secrets; implements ``KeyStore``."""

    def __init__(self, inner: KeyStore, life: Life, power: Power) -> None:
        self._inner = inner
        self._life = life
        self._power = power

    def read(self, name: str) -> bytes | None:
        """See KeyStore."""
        self._life.check()
        return self._inner.read(name)

    def write(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        self._life.check()
        if self._power.is_cut_in_secret(self._life.machine_id):
            if self._power.random.random() < 0.5:
                self._inner.write(name, secret)
            self._power.cut(self._life.machine_id)
            self._life.check()
        self._inner.write(name, secret)

    def names(self) -> list[str]:
        """See KeyStore."""
        self._life.check()
        return self._inner.names()


class FencedLake:
    """A life's lake; implements ``Lake``."""

    def __init__(self, inner: Lake, life: Life) -> None:
        self._inner = inner
        self._life = life

    async def last_batch(self, table: LakeTable, writer: str) -> int:
        """See Lake."""
        self._life.check()
        return await self._inner.last_batch(table, writer)

    async def append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        """See Lake."""
        self._life.check()
        await self._inner.append(table, writer, batch)
        self._life.check()

    async def close(self) -> None:
        """See Lake; the machine keeps its tables, and only this life leaves them."""


class VirtualKeyStore:
    """The secrets of one machine, on its virtual disk; implements ``KeyStore``."""

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """See KeyStore."""
        return self._secrets.get(checked_name(name))

    def write(self, name: str, secret: bytes) -> None:
        """See KeyStore."""
        self._secrets[checked_name(name)] = bytes(checked_secret(name, secret))

    def names(self) -> list[str]:
        """See KeyStore."""
        return sorted(self._secrets)
