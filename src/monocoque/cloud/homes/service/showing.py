"""Tells each home how the cars are that belong to it.

Rules:

* a home is told of its own cars alone; one that is untied is told of no more, and the home hears
  that it is gone;
* at a start every home is told anew; then whenever a car of its own changed, or the cars did, and
  no more often than ``cars_flush_s``;
* which cars belong to homes is also looked up every ``ties_look_s``: whoever tied or untied one
  may have been killed, or without a bus, before saying so;
* while bus or records are away it waits and goes on by itself; of one car the newest word counts.

Left out on purpose: cars that belong to no home, which nobody is told of.
"""

import asyncio
import contextlib

from sqlalchemy import Connection

from monocoque.cloud.homes import records as rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service.keeping import LISTEN_S, SECOND_US
from monocoque.cloud.twin.service import read_body
from monocoque.contracts import topics
from monocoque.contracts.wire import command_pb2, home_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context


class Showing:
    """The telling half of the desk."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(HomesConfig)
        self._home_of: dict[str, str] = {}
        """By car that belongs to one; a cache of the records."""
        self._bodies: dict[str, command_pb2.CarBody] = {}
        """The newest word of each of these cars."""
        self._to_read: set[str] = set()
        """Cars of homes that said something new of themselves."""
        self._to_look_at: set[str] = set()
        """Cars that may have come to a home, or left it."""
        self._to_tell: set[str] = set()
        """Homes whose cars changed."""
        self._is_begun = False
        self._look_due_us = 0
        """When it is looked again which cars belong to homes."""
        self._has_news = asyncio.Event()
        self._has_news.set()

    async def hear_bodies(self) -> None:
        """What the twin says of cars that belong to a home."""
        async with self._context.bus.listen(topics.TWIN_CHANGED) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is None:
                    continue
                car_id = delivery.identifiers["car_id"]
                if car_id in self._home_of:
                    self._to_read.add(car_id)
                    self._has_news.set()

    async def hear_changes(self) -> None:
        """A car whose home may be another now."""
        async with self._context.bus.listen(topics.SCENES_CHANGED) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is None:
                    continue
                if len(self._to_look_at) < self._config.scenes_cars_max:
                    self._to_look_at.add(delivery.identifiers["car_id"])
                    self._has_news.set()

    async def tell(self) -> None:
        """Tell homes what changed, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):  # then it is time to look
                async with asyncio.timeout(self._until_look_s()):
                    await self._has_news.wait()
            self._has_news.clear()
            try:
                if self._until_look_s() <= 0:
                    await self._look_at_all()
                await self._look()
                await self._read()
                await self._tell_all()
            except AWAY as error:
                self._context.count_error(error, "homes are not told of their cars")
                self._has_news.set()
                await asyncio.sleep(self._config.retry_s)
            await asyncio.sleep(self._config.cars_flush_s)

    def _until_look_s(self) -> float:
        return (self._look_due_us - self._context.clock.now_us()) / SECOND_US

    async def _look_at_all(self) -> None:
        """Find the cars that came to a home, or left it, unheard; at first, tell every home."""
        records = self._context.records
        now = {tie.car_id: tie.home_id for tie in await records.transact(rows.all_ties)}
        if not self._is_begun:
            self._to_tell.update(home.home_id for home in await records.transact(rows.all_homes))
            self._is_begun = True
        known = self._home_of
        self._to_look_at.update(car for car in known | now if known.get(car) != now.get(car))
        self._look_due_us = self._context.clock.now_us() + round(
            self._config.ties_look_s * SECOND_US
        )

    async def _look(self) -> None:
        """Read again where the cars belong that may have moved."""
        looked_at, self._to_look_at = self._to_look_at, set()

        def work(connection: Connection) -> dict[str, str]:
            ties = (rows.find_tie(connection, car_id) for car_id in sorted(looked_at))
            return {tie.car_id: tie.home_id for tie in ties if tie is not None}

        try:
            found = await self._context.records.transact(work) if looked_at else {}
        except AWAY:
            self._to_look_at |= looked_at
            raise
        for car_id in looked_at:
            before, now = self._home_of.pop(car_id, None), found.get(car_id)
            if now is not None:
                self._home_of[car_id] = now
            if before != now:
                self._bodies.pop(car_id, None)
                self._to_read.add(car_id)
                self._to_tell.update(home for home in (before, now) if home is not None)

    async def _read(self) -> None:
        """Read the newest words of cars that belong to homes; what came meanwhile is read next."""
        while self._to_read:
            car_id = min(self._to_read)
            self._to_read.discard(car_id)
            if car_id not in self._home_of:
                continue
            try:
                body = await read_body(self._context.records, car_id)
            except AWAY:
                self._to_read.add(car_id)
                raise
            if body is not None:
                self._bodies[car_id] = body
                self._to_tell.add(self._home_of[car_id])

    async def _tell_all(self) -> None:
        while self._to_tell:
            home_id = min(self._to_tell)
            self._to_tell.discard(home_id)
            try:
                await self._tell(home_id)
            except AWAY:
                self._to_tell.add(home_id)
                raise

    async def _tell(self, home_id: str) -> None:
        message = home_pb2.HomeCars()
        for car_id in sorted(car for car, home in self._home_of.items() if home == home_id):
            body = self._bodies.get(car_id)
            if body is not None:
                message.cars.append(_car(car_id, body))
        stamp(message, self._context.clock, self._context.random)
        await self._context.bus.publish(topics.HOME_CARS, message, home_id=home_id)


def _car(car_id: str, body: command_pb2.CarBody) -> home_pb2.HomeCar:
    return home_pb2.HomeCar(
        car_id=car_id,
        locked=body.locked,
        charge_percent=body.charge_percent,
        range_km=body.range_km,
        plugged=body.plugged,
        charging=body.charging,
        climate_on=body.climate_on,
        climate_target_celsius=body.climate_target_celsius,
        cabin_celsius=body.cabin_celsius,
        latitude_degrees=body.latitude_degrees,
        longitude_degrees=body.longitude_degrees,
        said_at_us=body.header.occurred_at_us,
    )
