"""HTTP routes of the registry: which cars exist, whether they are there, and their state.

What a car was built of is verified anew whenever it is read, and comes with the signed record, so
that whoever reads it can do the same.

Left out on purpose: changing anything; a car speaks for itself on the bus.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.cloud.registry import service
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts import topics
from monocoque.contracts.documents import AS_BUILT
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.rights import READ_FLEET
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.records.port import Records
from monocoque.trust.documents import authenticate

SECOND_US = 1_000_000


class CarState(BaseModel):
    """A car's last known state, as the car itself saw it."""

    disk_free_bytes: int
    started_at: datetime = Field(description="when its computer started")
    hellos_missed: int = Field(description="since that start, for want of a connection")
    occurred_at: datetime = Field(description="when the car said so")


class Car(BaseModel):
    """One car; also the data of the live event ``car``."""

    car_id: str
    online: bool = Field(description="an authenticated hello came within the window")
    last_hello_at: datetime | None
    boot_count: int
    software_version: str
    state: CarState | None


class Cars(BaseModel):
    """Every car of the cell."""

    cars: list[Car]
    now: datetime = Field(description="by the cell's clock")
    cars_online_window_s: int


class Tick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class Software(BaseModel):
    """The software in one control unit."""

    unit: str
    name: str
    version: str
    supplier: str
    sha256: str = Field(description="what it is taken over: docs/protocol/builds.md")


class BuiltCar(BaseModel):
    """A car as it left the line."""

    car_id: str
    order_id: str
    vin: str = Field(description="the vehicle identification number")
    built_at: datetime = Field(description="when the factory signed the record")
    software: list[Software]
    document: str = Field(description="the factory's signed record, a CycloneDX bill in it")


class CarEvents(BaseModel):
    """The live events, by name."""

    car: Car
    tick: Tick


class Fleet:
    """The fleet as the pages see it: from the records, and live."""

    def __init__(self, records: Records, bus: Bus, clock: Clock, config: RegistryConfig) -> None:
        """bus: the cell's, as the console."""
        self._records = records
        self._bus = bus
        self._clock = clock
        self._config = config

    async def cars(self) -> Cars:
        """Every car, now."""
        found = await service.read_cars(self._records)
        now_us = self._clock.now_us()
        return Cars(
            cars=[self._shown(row, now_us) for row in found],
            now=moment_of(now_us),
            cars_online_window_s=self._config.online_window_s,
        )

    async def live(self) -> AsyncGenerator[Event, None]:
        """Every car once, then each that changes, and a tick every ``tick_interval_s``."""
        # The subscription is open before the records are read, so no change falls between.
        async with self._bus.listen(topics.CAR_PRESENCE) as subscription:
            for car in (await self.cars()).cars:
                yield Event("car", car)
            tick_due_us = self._clock.now_us()
            while True:
                now_us = self._clock.now_us()
                if now_us >= tick_due_us:
                    yield self._tick()
                    tick_due_us = now_us + round(self._config.tick_interval_s * SECOND_US)
                delivery = await subscription.next(max(tick_due_us - now_us, 0) / SECOND_US)
                if delivery is not None:
                    changed = await self._car(delivery.identifiers["car_id"])
                    if changed is not None:
                        yield Event("car", changed)

    async def _car(self, car_id: str) -> Car | None:
        row = await service.read_car(self._records, car_id)
        return None if row is None else self._shown(row, self._clock.now_us())

    def _tick(self) -> Event:
        return Event("tick", Tick(now=moment_of(self._clock.now_us())))

    def _shown(self, row: Row[Any], now_us: int) -> Car:
        since_us = now_us - self._config.online_window_s * SECOND_US
        state = None
        if row.state_occurred_us is not None:
            state = CarState(
                disk_free_bytes=row.disk_free_bytes,
                started_at=moment_of(row.started_us),
                hellos_missed=row.hellos_missed,
                occurred_at=moment_of(row.state_occurred_us),
            )
        return Car(
            car_id=row.car_id,
            online=row.last_hello_us is not None and row.last_hello_us > since_us,
            last_hello_at=None if row.last_hello_us is None else moment_of(row.last_hello_us),
            boot_count=row.boot_count,
            software_version=row.software_version,
            state=state,
        )


class BuiltCars:
    """What the factory said of the cars that it built."""

    def __init__(self, records: Records, trusted: Mapping[str, Mapping[str, str]]) -> None:
        """trusted: the factory's public key by its name."""
        self._records = records
        self._trusted = trusted

    async def read(self, car_id: CarId) -> BuiltCar:
        """One car; raises NotFound, and DocumentRefused when the record is not the factory's."""
        document = await service.read_as_built(self._records, car_id)
        built = authenticate(AS_BUILT, document, self._trusted.get)
        return BuiltCar(
            car_id=built.text("sub"),
            order_id=built.text("order"),
            vin=built.text("vin"),
            built_at=moment_of(built.claims["iat"] * SECOND_US),
            software=list(_software(built.claims["bom"])),
            document=document.decode(),
        )


def _software(bill: Mapping[str, Any]) -> Iterator[Software]:
    """The software of each control unit of a bill of materials."""
    for unit in bill.get("components", ()):
        for software in unit.get("components", ()):
            hashes = {each.get("alg"): each.get("content") for each in software.get("hashes", ())}
            yield Software(
                unit=unit["name"],
                name=software["name"],
                version=software.get("version", ""),
                supplier=software.get("supplier", {}).get("name", ""),
                sha256=hashes.get("SHA-256") or "",
            )


def routes(fleet: Fleet, built_cars: BuiltCars) -> APIRouter:
    """The routes, on this fleet and these records of how its cars were built."""
    router = APIRouter(tags=["registry"])

    @router.get("/api/cars")
    @needs(READ_FLEET)
    async def read_cars() -> Cars:
        """Every car, now."""
        return await fleet.cars()

    @router.get(
        "/api/cars/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CarEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_FLEET)
    async def watch_cars(request: Request) -> EventStream:
        """Every car once, then each that changes."""
        return EventStream(request, fleet.live())

    @router.get("/api/cars/{car_id}/as-built")
    @needs(READ_FLEET)
    async def read_built_car(car_id: str) -> BuiltCar:
        """What a car was built of: its number, and the software of each control unit."""
        return await built_cars.read(parse_car_id(car_id))

    return router
