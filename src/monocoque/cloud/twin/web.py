"""HTTP routes of the twin: one's own cars, and how each of them is, live.

Left out on purpose: the cars of others. They answer like cars that do not exist.
"""

from collections.abc import AsyncGenerator
from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from monocoque.cloud.pairing.service import OwnCar, find_own_car, own_cars
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.twin.config import TwinConfig
from monocoque.cloud.twin.service import read_body
from monocoque.contracts import topics
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.rights import READ_OWN_CARS
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.records.port import Records

SECOND_US = 1_000_000


class Body(BaseModel):
    """A car's last word about its body."""

    epoch: str = Field(description="a command names the epoch that it was made for")
    locked: bool
    doors_open: list[str]
    climate_on: bool
    climate_target_celsius: float
    cabin_celsius: float
    charge_percent: float
    charge_limit_percent: float
    range_km: float
    plugged: bool
    charging: bool
    gear: str
    speed_kmh: float
    latitude_degrees: float
    longitude_degrees: float
    place_measured_at: datetime
    occurred_at: datetime = Field(description="when the car said so, by the car's clock")


class OwnedCar(BaseModel):
    """One of one's own cars; also the data of the live event ``car``."""

    car_id: str
    online: bool = Field(description="an authenticated hello came within the window")
    key_id: str = Field(description="the owner's key")
    grants: list[str] = Field(description="the grants of the owner's key, the maker's first")
    body: Body | None = Field(description="null until the car has spoken")


class OwnedCars(BaseModel):
    """One's own cars."""

    cars: list[OwnedCar]
    now: datetime = Field(description="by the cell's clock")


class TwinTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class TwinEvents(BaseModel):
    """The live events, by name."""

    car: OwnedCar
    tick: TwinTick


class Garage:
    """One's own cars as the pages see them: from the records, and live."""

    def __init__(
        self,
        records: Records,
        bus: Bus,
        clock: Clock,
        config: TwinConfig,
        registry_config: RegistryConfig,
    ) -> None:
        """bus: the cell's, as the phone site."""
        self._records = records
        self._bus = bus
        self._clock = clock
        self._config = config
        self._registry_config = registry_config

    async def cars(self, person_id: str) -> OwnedCars:
        """The cars of this person, now."""
        cars = [await self._shown(car) for car in await own_cars(self._records, person_id)]
        return OwnedCars(cars=cars, now=moment_of(self._clock.now_us()))

    async def car(self, car_id: str, person_id: str) -> OwnedCar:
        """One car of this person, now; raises NotFound."""
        return await self._shown(await find_own_car(self._records, car_id, person_id))

    async def live(self, car_id: str, person_id: str) -> AsyncGenerator[Event, None]:
        """The car, then every change of it, and a tick every ``tick_interval_s``."""
        # The subscription is open before the records are read, so no change falls between.
        async with self._bus.listen(topics.TWIN_CHANGED, car_id=car_id) as subscription:
            last = await self.car(car_id, person_id)
            yield Event("car", last)
            tick_due_us = self._clock.now_us()
            while True:
                now_us = self._clock.now_us()
                if now_us >= tick_due_us:
                    yield Event("tick", TwinTick(now=moment_of(now_us)))
                    tick_due_us = now_us + round(self._config.tick_interval_s * SECOND_US)
                wait_s = max(tick_due_us - now_us, 0) / SECOND_US
                delivery = await subscription.next(wait_s)
                # Without news too: nobody says when a car falls silent.
                now = await self.car(car_id, person_id)
                if delivery is not None or now != last:
                    last = now
                    yield Event("car", now)

    async def _shown(self, car: OwnCar) -> OwnedCar:
        body = await read_body(self._records, car.car_id)
        online = await registry.is_online(
            self._records, car.car_id, self._clock, self._registry_config
        )
        return OwnedCar(
            car_id=car.car_id,
            online=online,
            key_id=car.key_id,
            grants=[car.first_grant.decode()],
            body=None if body is None else _body(body),
        )


def routes(garage: Garage) -> APIRouter:
    """The routes, on this garage."""
    router = APIRouter(tags=["twin"])

    @router.get("/api/own-cars")
    @needs(READ_OWN_CARS)
    async def read_own_cars(session: CurrentSession) -> OwnedCars:
        """One's own cars, now."""
        return await garage.cars(session.person_id)

    @router.get("/api/own-cars/{car_id}")
    @needs(READ_OWN_CARS)
    async def read_own_car(car_id: str, session: CurrentSession) -> OwnedCar:
        """One of one's own cars, now."""
        return await garage.car(parse_car_id(car_id), session.person_id)

    @router.get(
        "/api/own-cars/{car_id}/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": TwinEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_CARS)
    async def watch_own_car(car_id: str, request: Request, session: CurrentSession) -> EventStream:
        """The car, then each change of it."""
        car = await garage.car(parse_car_id(car_id), session.person_id)  # refuses before it streams
        return EventStream(request, garage.live(car.car_id, session.person_id))

    return router


def _body(body: command_pb2.CarBody) -> Body:
    return Body(
        epoch=body.epoch,
        locked=body.locked,
        doors_open=list(body.doors_open),
        climate_on=body.climate_on,
        climate_target_celsius=body.climate_target_celsius,
        cabin_celsius=body.cabin_celsius,
        charge_percent=body.charge_percent,
        charge_limit_percent=body.charge_limit_percent,
        range_km=body.range_km,
        plugged=body.plugged,
        charging=body.charging,
        gear=body.gear,
        speed_kmh=body.speed_kmh,
        latitude_degrees=body.latitude_degrees,
        longitude_degrees=body.longitude_degrees,
        place_measured_at=moment_of(body.place_measured_us),
        occurred_at=moment_of(body.header.occurred_at_us),
    )
