"""HTTP routes of the registry: which cars exist, whether they are there, and their state.

Left out on purpose: changing anything; a car speaks for itself on the bus.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from monocoque.contracts.rights import READ_FLEET
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.rules import needs


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


class CarEvents(BaseModel):
    """The live events, by name."""

    car: Car
    tick: Tick


class Fleet(Protocol):
    """What the routes show."""

    async def cars(self) -> Cars:
        """Every car, now."""

    def live(self) -> AsyncGenerator[Event, None]:
        """Every car once, then each that changes, and a tick every 5 s."""


def routes(fleet: Fleet) -> APIRouter:
    """The routes, on this fleet."""
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

    return router
