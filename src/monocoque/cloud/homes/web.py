"""HTTP routes of homes and scenes: one's own homes, their cars, and what scenes did, live.

Left out on purpose: changing a scene. The owner's key signs that for the car (scopes ``scene_put``
and ``scene_remove``), and the cell only brings it there.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.logic import State
from monocoque.cloud.homes.service.desk import HomeDesk, HomeView, ScenesView
from monocoque.contracts import topics
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.identifiers import home_id as parse_home_id
from monocoque.contracts.rights import CHANGE_OWN_HOMES, READ_OWN_HOMES
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs

SECOND_US = 1_000_000
CODE_CHARACTERS_MAX = 64


class HomeCode(BaseModel):
    """What a page hands in to take a home."""

    code: str = Field(max_length=CODE_CHARACTERS_MAX, description="as `monocoque home` prints it")
    car_id: str | None = Field(default=None, description="a car of one's own to belong to it")


class Device(BaseModel):
    """A device of a home, as the home says that it is."""

    name: str = Field(description="`lamp` or `heat_pump`")
    on: bool
    target_celsius: float | None = Field(description="null for a device that has none")
    changed_at: datetime


class Home(BaseModel):
    """One of one's own homes."""

    home_id: str
    online: bool = Field(description="an authenticated hello came within the window")
    silent_since: datetime | None = Field(
        description="when it was heard last; null while it is online, and before it has spoken"
    )
    software_version: str | None = Field(description="null until the home has spoken")
    devices: list[Device]
    car_ids: list[str] = Field(description="the cars that belong to it")


class Homes(BaseModel):
    """One's own homes."""

    homes: list[Home]
    now: datetime = Field(description="by the cell's clock")


class SceneRequest(BaseModel):
    """What a scene asked of the home, and what became of it."""

    request_id: str
    scene_id: str
    action: str = Field(description="one action of the vocabulary, as JSON")
    state: State
    reason: str | None = Field(description="why it was not done; docs/protocol/homes.md")
    home_id: str | None = Field(description="null when the car belonged to no home")
    occurred_at: datetime
    expires_at: datetime
    decided_at: datetime | None = Field(
        description="when the home knew, or when its time was over; null until then"
    )


class SceneFinding(BaseModel):
    """Something that the car looked at before it ran a scene, or did not."""

    what: str
    found: str
    fits: bool


class SceneTrace(BaseModel):
    """Why a scene ran, or did not; and what became of what it asked of the home."""

    scene_id: str
    occurred_at: datetime
    ran: bool
    reason: str = Field(description="a word of docs/protocol/scenes.md")
    findings: list[SceneFinding]
    requests: list[SceneRequest]


class CarScenes(BaseModel):
    """The scenes of one's own car; also the data of the live event ``scenes``."""

    car_id: str
    scenes: list[str] = Field(description="each as JSON; docs/protocol/scenes.md")
    traces: list[SceneTrace] = Field(description="the newest first")
    requests: list[SceneRequest] = Field(description="the newest first, with and without a trace")
    home: Home | None = Field(description="the home that the car belongs to")
    said_at: datetime | None = Field(description="when the car said so; null until it has spoken")


class ScenesTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class ScenesEvents(BaseModel):
    """The live events, by name."""

    scenes: CarScenes
    tick: ScenesTick


class LiveScenes:
    """Homes and scenes as the pages see them: from the records, and live."""

    def __init__(self, desk: HomeDesk, bus: Bus, clock: Clock, config: HomesConfig) -> None:
        """bus: the cell's, as the phone site."""
        self.desk = desk
        self._bus = bus
        self._clock = clock
        self._config = config

    def now(self) -> datetime:
        """By the cell's clock."""
        return moment_of(self._clock.now_us())

    async def scenes(self, car_id: str, person_id: str) -> CarScenes:
        """The scenes of a car of this person, now; raises NotFound."""
        return _scenes(car_id, await self.desk.scenes(car_id, person_id))

    async def live(self, car_id: str, person_id: str) -> AsyncGenerator[Event, None]:
        """The scenes, then again at every change, and a tick every ``tick_interval_s``."""
        # The subscription is open before the records are read, so no change falls between.
        async with self._bus.listen(topics.SCENES_CHANGED, car_id=car_id) as subscription:
            last = await self.scenes(car_id, person_id)
            yield Event("scenes", last)
            tick_due_us = self._clock.now_us()
            while True:
                now_us = self._clock.now_us()
                if now_us >= tick_due_us:
                    yield Event("tick", ScenesTick(now=moment_of(now_us)))
                    tick_due_us = now_us + round(self._config.tick_interval_s * SECOND_US)
                await subscription.next(max(tick_due_us - now_us, 0) / SECOND_US)
                # Without news too: nobody says when a home falls silent.
                now = await self.scenes(car_id, person_id)
                if now != last:
                    last = now
                    yield Event("scenes", now)


def routes(live: LiveScenes) -> APIRouter:
    """The routes, on this desk."""
    router = APIRouter(tags=["homes"])
    desk = live.desk

    @router.get("/api/homes")
    @needs(READ_OWN_HOMES)
    async def read_homes(session: CurrentSession) -> Homes:
        """One's own homes, now."""
        found = await desk.homes(session.person_id)
        return Homes(homes=[_home(view) for view in found], now=live.now())

    @router.post("/api/homes")
    @needs(CHANGE_OWN_HOMES)
    async def take_home(body: HomeCode, session: CurrentSession) -> Home:
        """Take the home that waits for this code; the same again is harmless."""
        car = None if body.car_id is None else parse_car_id(body.car_id)
        return _home(await desk.take(session.person_id, body.code, car))

    @router.get("/api/homes/{home_id}")
    @needs(READ_OWN_HOMES)
    async def read_home(home_id: str, session: CurrentSession) -> Home:
        """One of one's own homes, now."""
        return _home(await desk.home(parse_home_id(home_id), session.person_id))

    @router.delete("/api/homes/{home_id}", status_code=204)
    @needs(CHANGE_OWN_HOMES)
    async def give_home_up(home_id: str, session: CurrentSession) -> None:
        """The home belongs to nobody from now on, and no car to it."""
        await desk.give_up(parse_home_id(home_id), session.person_id)

    @router.put("/api/homes/{home_id}/cars/{car_id}")
    @needs(CHANGE_OWN_HOMES)
    async def tie_car(home_id: str, car_id: str, session: CurrentSession) -> Home:
        """One's own car belongs to this home from now on."""
        home, car = parse_home_id(home_id), parse_car_id(car_id)
        return _home(await desk.tie(home, car, session.person_id))

    @router.delete("/api/homes/{home_id}/cars/{car_id}")
    @needs(CHANGE_OWN_HOMES)
    async def untie_car(home_id: str, car_id: str, session: CurrentSession) -> Home:
        """One's own car belongs to this home no more."""
        home, car = parse_home_id(home_id), parse_car_id(car_id)
        return _home(await desk.untie(home, car, session.person_id))

    @router.get("/api/cars/{car_id}/scenes")
    @needs(READ_OWN_HOMES)
    async def read_scenes(car_id: str, session: CurrentSession) -> CarScenes:
        """The scenes of one's own car, why each ran or not, and what the home made of it."""
        return await live.scenes(parse_car_id(car_id), session.person_id)

    @router.get(
        "/api/cars/{car_id}/scenes/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": ScenesEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_HOMES)
    async def watch_scenes(car_id: str, request: Request, session: CurrentSession) -> EventStream:
        """The scenes and the home of one's own car, then again at each change."""
        car = parse_car_id(car_id)
        await live.scenes(car, session.person_id)  # refuses before it streams
        return EventStream(request, live.live(car, session.person_id))

    return router


def _home(view: HomeView) -> Home:
    return Home(
        home_id=view.home_id,
        online=view.is_online,
        silent_since=None if view.is_online or view.hello_us is None else moment_of(view.hello_us),
        software_version=view.software_version,
        devices=[_device(device) for device in view.devices],
        car_ids=list(view.car_ids),
    )


def _device(device: home_pb2.HomeDevice) -> Device:
    has_target = device.target_decicelsius != 0
    return Device(
        name=device.name,
        on=device.on,
        target_celsius=device.target_decicelsius / 10 if has_target else None,
        changed_at=moment_of(device.changed_at_us),
    )


def _scenes(car_id: str, view: ScenesView) -> CarScenes:
    said = view.said
    requests = [_request(row) for row in view.requests]
    return CarScenes(
        car_id=car_id,
        scenes=list(said.scenes),
        traces=[_trace(trace, requests) for trace in said.traces],
        requests=requests,
        home=None if view.home is None else _home(view.home),
        said_at=moment_of(said.header.occurred_at_us) if said.HasField("header") else None,
    )


def _trace(trace: home_pb2.SceneTrace, requests: list[SceneRequest]) -> SceneTrace:
    """A trace with what was asked because of it: by its request, or by scene and moment."""
    occurred_at = moment_of(trace.occurred_at_us)
    return SceneTrace(
        scene_id=trace.scene_id,
        occurred_at=occurred_at,
        ran=trace.ran,
        reason=trace.reason,
        findings=[
            SceneFinding(what=finding.what, found=finding.found, fits=finding.fits)
            for finding in trace.findings
        ],
        requests=[
            request
            for request in requests
            if request.request_id == trace.request_id
            or (request.scene_id, request.occurred_at) == (trace.scene_id, occurred_at)
        ],
    )


def _request(row: Row[Any]) -> SceneRequest:
    return SceneRequest(
        request_id=row.request_id,
        scene_id=row.scene_id,
        action=row.action,
        state=State(row.state),
        reason=row.reason or None,
        home_id=row.home_id,
        occurred_at=moment_of(row.occurred_us),
        expires_at=moment_of(row.expires_us),
        decided_at=None if row.decided_us is None else moment_of(row.decided_us),
    )
