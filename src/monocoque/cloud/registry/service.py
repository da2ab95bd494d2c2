"""The registry: which cars exist, and which of them are there.

Rules:

* a car is online when its hello came within ``online_window_s``; the bus lets only the car itself
  say it, so a hello is authenticated by who could publish it;
* what is heard is on record first; each hello is told to the pages (``car.{car_id}.presence``)
  second, and so is a car that fell silent, once; any process can answer from the records how many
  cars are online;
* while bus or records are away it waits and goes on by itself, so that a car is heard as soon as
  both are back; what was heard meanwhile is written then;
* an event of a car is recorded once, however often it comes, and acknowledged after that;
* the record of a car as it was built is kept when the factory signed it for this car and order; the
  first one stays, and what is refused is counted, so that it stops nothing;
* times are the cell's own, except for those that a car states about itself.

Left out on purpose: what the pages see (web.py, which this does not load), who owns a car, and
commands to it.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.registry import records as rows
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts import topics
from monocoque.contracts.documents import AS_BUILT
from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentMalformed,
    DocumentRefused,
    IdentifierUsed,
    LimitError,
    MonocoqueError,
    NotFound,
    UnavailableError,
)
from monocoque.contracts.wire import car_pb2, order_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Delivery
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context, following, handling, trace_of
from monocoque.trust.documents import Verified, authenticate
from monocoque.trust.keys import public_members, thumbprint

SECOND_US = 1_000_000
TRUSTED_FACTORY_KEY = "trusted-factory-key"
"""The keystore's name of the factory key's public half, put there when the factory was made."""
VIN_CHARACTERS = 17
LISTEN_S = 3_600.0
"""How long one wait for news lasts; then another begins."""


async def run(context: Context) -> None:
    """Hear the cars until cancelled."""
    registry = _Registry(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(registry.hear_hellos())
        group.create_task(registry.hear_states())
        group.create_task(registry.write_what_was_heard())
        group.create_task(registry.look_for_silence())
        group.create_task(registry.record_events())
        group.create_task(registry.record_builds())


class _Registry:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(RegistryConfig)
        self._heard: dict[str, dict[str, Any]] = {}
        """News of each car that is not on record yet, as columns."""
        self._traces: dict[str, str | None] = {}
        """The trace of each car's last hello, until the pages are told of it."""
        self._online: set[str] = set()
        """Cars that are counted as there, as far as this process knows."""
        self._has_news = asyncio.Event()

    async def hear_hellos(self) -> None:
        """A hello says that the car is there, now."""
        async with self._context.bus.listen(topics.CAR_HELLO) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is not None:
                    self._note(
                        delivery,
                        online=True,
                        last_hello_us=self._context.clock.now_us(),
                        boot_count=delivery.message.boot_count,
                        software_version=delivery.message.software_version[:64],
                    )
                    if delivery.identifiers["car_id"] in self._heard:
                        self._traces[delivery.identifiers["car_id"]] = trace_of(delivery)

    async def hear_states(self) -> None:
        """A state says how the car sees itself."""
        async with self._context.bus.watch(topics.CAR_STATE) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is not None:
                    state = delivery.message
                    self._note(
                        delivery,
                        state_occurred_us=state.header.occurred_at_us,
                        started_us=state.started_at_us,
                        disk_free_bytes=state.disk_free_bytes,
                        hellos_missed=state.hellos_missed,
                    )

    async def write_what_was_heard(self) -> None:
        """In one transaction what came within ``flush_interval_s``; then tell the pages."""
        while True:
            await self._has_news.wait()
            await asyncio.sleep(self._config.flush_interval_s)
            self._has_news.clear()
            heard, self._heard = self._heard, {}

            def work(connection: Connection, heard: Any = heard) -> list[Row[Any]]:
                for car_id in sorted(heard):
                    rows.save_car(connection, car_id, heard[car_id])
                if not heard.keys() <= self._online:
                    self._count_online(connection, self._context.clock.now_us())
                found = [rows.find_car(connection, car_id) for car_id in sorted(heard)]
                return [row for row in found if row is not None]

            try:
                written = await self._context.records.transact(work)
            except AWAY as error:
                await self._wait_after(error)
                self._keep_for_later(heard)
                continue
            self._online.update(row.car_id for row in written if row.online)
            for row in written:
                if "last_hello_us" in heard[row.car_id]:
                    with following(self._traces.pop(row.car_id, None)):
                        await self._tell(row, online=row.online)

    async def look_for_silence(self) -> None:
        """Cars that fell silent are noted and told, once."""
        context, config = self._context, self._config
        while True:
            try:
                silent, next_us = await context.records.transact(self._take_silent)
            except AWAY as error:
                await self._wait_after(error)
                continue
            for row in silent:
                self._online.discard(row.car_id)
                await self._tell(row, online=False)
            # Whoever says hello from now on is not silent before the window is over.
            until_s = (next_us - context.clock.now_us()) / SECOND_US
            await asyncio.sleep(max(config.silence_check_s, min(until_s, config.online_window_s)))

    async def record_events(self) -> None:
        """Events: on record first, acknowledged second."""
        while True:
            try:
                await self._record_events_from(self._context.bus)
            except AWAY as error:
                await self._wait_after(error)

    async def _record_events_from(self, bus: Bus) -> None:
        context, config = self._context, self._config
        consumer = await bus.consumer(topics.CAR_EVENTS, "registry")
        while True:
            deliveries = await consumer.fetch(config.events_batch_messages, config.events_wait_s)
            if deliveries:
                found = [_event_row(delivery) for delivery in deliveries]
                try:
                    await context.records.transact(partial(rows.add_events, rows=found))
                except AWAY:
                    await consumer.give_back(deliveries)  # else they come again only much later
                    raise
                await consumer.acknowledge(deliveries)

    async def record_builds(self) -> None:
        """Cars as they were built: on record first, acknowledged second."""
        while True:
            try:
                await self._record_builds()
            except (*AWAY, CredentialsRefused) as error:
                await self._wait_after(error)

    async def _record_builds(self) -> None:
        context, config = self._context, self._config
        consumer = await context.bus.consumer(topics.BUILD_EVENTS, "registry")
        while True:
            found = await consumer.fetch(config.builds_batch_messages, config.events_wait_s)
            for at, delivery in enumerate(found):
                try:
                    with handling(delivery):
                        await self._record_build(delivery)
                except (*AWAY, CredentialsRefused):
                    await consumer.give_back(found[at:])
                    raise
                await consumer.acknowledge([delivery])

    async def _record_build(self, delivery: Delivery[order_pb2.BuildEvent]) -> None:
        context, document = self._context, delivery.message.as_built
        if not document:
            return
        try:
            trusted = trusted_factory_key(context.keystore)
            values = _as_built_values(authenticate(AS_BUILT, document, trusted.get), delivery)
            values["recorded_us"] = context.clock.now_us()
            await context.records.transact(partial(_keep_as_built, values=values))
        except (DocumentRefused, IdentifierUsed) as error:
            context.count_error(error, "the record of a car is refused", hint=error.hint)

    def _take_silent(self, connection: Connection) -> tuple[Sequence[Row[Any]], int]:
        """Who fell silent, and when the next one does if nothing is heard."""
        window_us = self._config.online_window_s * SECOND_US
        now_us = self._context.clock.now_us()
        silent = rows.take_silent(connection, now_us - window_us)
        self._count_online(connection, now_us)
        longest_ago_us = rows.longest_ago_us(connection)
        return silent, window_us + (now_us if longest_ago_us is None else longest_ago_us)

    def _count_online(self, connection: Connection, now_us: int) -> None:
        since_us = now_us - self._config.online_window_s * SECOND_US
        online = rows.count_heard_since(connection, since_us)
        self._context.metrics.cars_online.set(online)

    def _note(self, delivery: Delivery[Any], **columns: Any) -> None:
        car_id = delivery.identifiers["car_id"]
        if car_id not in self._heard and len(self._heard) >= self._config.heard_cars_max:
            return
        self._heard.setdefault(car_id, {}).update(columns)
        self._has_news.set()

    def _keep_for_later(self, heard: dict[str, dict[str, Any]]) -> None:
        """Put back what could not be written; what came since then is newer."""
        for car_id, columns in heard.items():
            if car_id in self._heard or len(self._heard) < self._config.heard_cars_max:
                self._heard[car_id] = columns | self._heard.get(car_id, {})
        self._has_news.set()

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "registry waits")
        await asyncio.sleep(self._config.retry_s)

    async def _tell(self, row: Row[Any], *, online: bool) -> None:
        presence = car_pb2.CarPresence(
            online=online,
            last_hello_us=row.last_hello_us or 0,
            boot_count=row.boot_count,
            software_version=row.software_version,
        )
        stamp(presence, self._context.clock, self._context.random)
        try:
            await self._context.bus.publish(topics.CAR_PRESENCE, presence, car_id=row.car_id)
        except (UnavailableError, LimitError):
            # Nobody listens without a bus; a page that comes back begins with the records. A car
            # that says hello too often is shown as it was a moment ago.
            self._context.log.warning("presence not told", car_id=row.car_id)


def _event_row(delivery: Delivery[car_pb2.CarEvent]) -> rows.CarEventRow:
    event = delivery.message
    return rows.CarEventRow(
        message_id=event.header.message_id,
        car_id=delivery.identifiers["car_id"],
        kind=event.kind[:64],
        boot_count=event.boot_count,
        occurred_us=event.header.occurred_at_us,
    )


def trusted_factory_key(keystore: KeyStore) -> Mapping[str, Mapping[str, str]]:
    """The factory's public key by its name; raises CredentialsRefused when there is none."""
    kept = keystore.read(TRUSTED_FACTORY_KEY)
    if kept is None:
        raise CredentialsRefused("The cell does not know the factory's key.")
    try:
        key = public_members(json.loads(kept))
    except (ValueError, DocumentMalformed):
        raise CredentialsRefused("The factory's key in this cell is damaged.") from None
    return {thumbprint(key): key}


def _as_built_values(built: Verified, delivery: Delivery[order_pb2.BuildEvent]) -> dict[str, Any]:
    """The columns of a record that was found right; raises DocumentMalformed."""
    car_id, order_id, vin = built.text("sub"), built.text("order"), built.text("vin")
    if (car_id, order_id) != (delivery.message.car_id, delivery.identifiers["order_id"]):
        raise DocumentMalformed("The record is of another car or order than the message says.")
    if len(vin) != VIN_CHARACTERS:
        raise DocumentMalformed("The number of the car has not the length of one.")
    return {"car_id": car_id, "order_id": order_id, "vin": vin, "document": built.document}


def _keep_as_built(connection: Connection, values: dict[str, Any]) -> None:
    """Keep the first record of a car; raises IdentifierUsed for another, or a number twice."""
    kept = rows.find_as_built(connection, values["car_id"])
    if kept is not None:
        if bytes(kept.document) != values["document"]:
            raise IdentifierUsed("The car is on record as built, and otherwise.")
        return
    if rows.has_vin(connection, values["vin"]):
        raise IdentifierUsed("Another car on record has this number.")
    rows.add_as_built(connection, values)


async def read_as_built(records: Records, car_id: str) -> bytes:
    """The document by which the factory said how a car was built.

    Raises NotFound for a car that was made without an order.
    """
    kept = await records.transact(partial(rows.find_as_built, car_id=car_id))
    if kept is None:
        raise NotFound("There is no as-built record of this car.")
    return bytes(kept.document)


async def count_online(records: Records, clock: Clock, config: RegistryConfig) -> int:
    """How many cars said hello within the window, from the records."""
    since_us = clock.now_us() - config.online_window_s * SECOND_US
    return await records.transact(lambda connection: rows.count_heard_since(connection, since_us))


async def is_online(records: Records, car_id: str, clock: Clock, config: RegistryConfig) -> bool:
    """Whether this car said hello within the window, from the records."""
    row = await read_car(records, car_id)
    since_us = clock.now_us() - config.online_window_s * SECOND_US
    return row is not None and row.last_hello_us is not None and row.last_hello_us > since_us


async def read_cars(records: Records) -> Sequence[Row[Any]]:
    """Every car on record."""
    return await records.transact(rows.all_cars)


async def read_car(records: Records, car_id: str) -> Row[Any] | None:
    """One car on record, or None."""
    return await records.transact(lambda connection: rows.find_car(connection, car_id))


async def enrol(
    records: Records, car_id: str, identity_key: str, bus_key: str, now_us: int
) -> str | None:
    """Put a car on record; returns the identity key that it has on record from now on.

    A car keeps the identity key that it was enrolled with first; the same car may change its
    ``bus_key``. identity_key: public JWK as JSON text, members sorted.
    """

    def work(connection: Connection) -> str | None:
        found = rows.find_car(connection, car_id)
        if found is not None and found.identity_key not in (None, identity_key):
            return str(found.identity_key)
        values = {"identity_key": identity_key, "bus_key": bus_key, "enrolled_us": now_us}
        rows.save_car(connection, car_id, values)
        return identity_key

    return await records.transact(work)
