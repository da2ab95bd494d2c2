"""The twin: how each car was when it last said so.

Rules:

* the bus keeps the last word of each car, so the twin begins with those and loses none;
* what is heard is on record first, and told to the pages second;
* while bus or records are away it waits and goes on by itself; of one car the newest word counts.

Left out on purpose: what the pages see (web.py), and any opinion: a car is how it says it is.
"""

import asyncio
from functools import partial

from sqlalchemy import Connection

from monocoque.cloud.twin import records as rows
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts import topics
from monocoque.contracts.errors import LimitError, UnavailableError
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context

LISTEN_S = 3_600.0
"""How long one wait for news lasts; then another begins."""


async def run(context: Context) -> None:
    """Hear the cars until cancelled."""
    twin = _Twin(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(twin.hear())
        group.create_task(twin.write_what_was_heard())


async def read_body(records: Records, car_id: str) -> command_pb2.CarBody | None:
    """The last word of a car about its body, or None when it never said one."""
    row = await records.transact(lambda connection: rows.find_body(connection, car_id))
    return None if row is None else command_pb2.CarBody.FromString(row.body)


class _Twin:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(TwinConfig)
        self._heard: dict[str, command_pb2.CarBody] = {}
        """The newest word of each car that is not on record yet."""
        self._has_news = asyncio.Event()

    async def hear(self) -> None:
        """Every car's last word, then every further one."""
        async with self._context.bus.watch(topics.CAR_BODY) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is None:
                    continue
                car_id = delivery.identifiers["car_id"]
                if car_id in self._heard or len(self._heard) < self._config.heard_cars_max:
                    self._heard[car_id] = delivery.message
                    self._has_news.set()

    async def write_what_was_heard(self) -> None:
        """In one transaction what came within ``flush_interval_s``; then tell the pages."""
        context = self._context
        while True:
            await self._has_news.wait()
            await asyncio.sleep(self._config.flush_interval_s)
            self._has_news.clear()
            heard, self._heard = self._heard, {}
            try:
                await context.records.transact(
                    partial(_save, heard=heard, now_us=context.clock.now_us())
                )
            except AWAY as error:
                context.count_error(error, "twin waits")
                await asyncio.sleep(self._config.retry_s)
                self._heard = heard | self._heard  # what came since then is newer
                self._has_news.set()
                continue
            for car_id, body in heard.items():
                await self._tell(car_id, body)

    async def _tell(self, car_id: str, body: command_pb2.CarBody) -> None:
        told = command_pb2.CarBody()
        told.CopyFrom(body)
        told.ClearField("header")
        stamp(told, self._context.clock, self._context.random)
        try:
            await self._context.bus.publish(topics.TWIN_CHANGED, told, car_id=car_id)
        except (UnavailableError, LimitError):
            # A page that comes back begins with the records.
            self._context.log.warning("twin not told", car_id=car_id)


def _save(connection: Connection, heard: dict[str, command_pb2.CarBody], now_us: int) -> None:
    for car_id in sorted(heard):
        rows.save_body(connection, car_id, heard[car_id].SerializeToString(), now_us)
