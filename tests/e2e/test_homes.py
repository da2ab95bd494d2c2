"""A home of a real installation: taken by its code, asked by a car, and true to it over a kill."""

import asyncio
import contextlib
import itertools
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest
import structlog

from monocoque.car.enrolment.service import known_place
from monocoque.contracts import topics
from monocoque.contracts.errors import BusOutcomeUnknown, BusUnavailable
from monocoque.contracts.identifiers import CarId, HomeId
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.layout import Layout
from tests.e2e.installation import Installation
from tests.fixtures.phone import Phone, new_id, signed_in_phone

WAIT_S_MAX = 40.0
CLOCK = SystemClock()
SAID = itertools.count()
AGAIN_S = 1.0
"""A car says what it waits for again; what the real one says meanwhile takes the place of it."""


@contextlib.asynccontextmanager
async def car_bus(installation: Installation, car_id: str) -> AsyncIterator[NatsBus]:
    """A second connection under the car's own credentials: its scenes, played by hand."""
    layout = Layout(installation.data)
    credentials = known_place(FileKeyStore(layout.car(CarId(car_id)).secrets))
    assert credentials is not None

    async def address() -> str:
        return published_address(layout.path)

    bus = await NatsBus.connect(
        identity=Identity(Role.CAR, {"car_id": car_id}),
        credentials=credentials,
        server_address=address,
        clock=CLOCK,
        random=Random(1),
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    try:
        yield bus
    finally:
        await bus.close()


async def ask(bus: NatsBus, car_id: str, request_id: str, action: str) -> None:
    """The car says that a scene asks for this."""
    now_us = round(time.time() * 1_000_000)
    asked = home_pb2.HomeRequest(
        request_id=request_id,
        car_id=car_id,
        scene_id="scene_0123456789abcdefghjkmnpqrs",
        action=json.dumps({"action": action}),
        occurred_at_us=now_us,
        expires_at_us=now_us + 300_000_000,
    )
    message = home_pb2.CarScenes(requests=[asked])
    # A message of its own each time: the server passes over one that it has.
    stamp(message, CLOCK, Random(f"{request_id} {next(SAID)}"))
    await bus.publish(topics.CAR_SCENES, message, car_id=car_id)


async def until_outcome(client: httpx.AsyncClient, car_id: str, request_id: str) -> dict[str, Any]:
    """What the owner is shown, once the home has answered."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            answer = await client.get(f"/api/cars/{car_id}/scenes")
            found: dict[str, Any] = answer.json()
            states = {one["request_id"]: one["state"] for one in found["requests"]}
            if states.get(request_id) not in (None, "waiting", "said"):
                return found
            await asyncio.sleep(0.05)


async def asked_until_outcome(
    bus: NatsBus, client: httpx.AsyncClient, car_id: str, request_id: str, action: str
) -> dict[str, Any]:
    """The same, of what the car says until then."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            with contextlib.suppress(TimeoutError, BusUnavailable, BusOutcomeUnknown):
                await ask(bus, car_id, request_id, action)
                async with asyncio.timeout(AGAIN_S):
                    return await until_outcome(client, car_id, request_id)


def acts(installation: Installation, home_id: str) -> dict[str, int]:
    """How often a device acted, by the request, as the home has it on record."""
    where = Layout(installation.data).home(HomeId(home_id)).records
    with contextlib.closing(sqlite3.connect(where)) as database:
        rows = database.execute("SELECT cause, count(*) FROM devices_acts GROUP BY cause")
        return dict(rows.fetchall())


def lamp_of(found: dict[str, Any]) -> bool:
    """Whether the lamp is on, as the owner is shown it."""
    return any(one["name"] == "lamp" and one["on"] for one in found["home"]["devices"])


async def owner_of_all(installation: Installation, client: httpx.AsyncClient) -> tuple[str, str]:
    """Take the car over, and the home with it; returns both identifiers."""
    data = str(installation.data)
    [car_id] = [path.name for path in (installation.data / "cars").glob("car_*")]
    phone = Phone(client, CLOCK)
    await phone.take_over(installation.run("car", "hand-over", car_id, "--data", data).strip())
    [home] = json.loads(installation.run("home", "list", "--json", "--data", data))["homes"]
    link = installation.run("home", "code", home["home_id"], "--data", data)
    code = re.fullmatch(r"http://phone\.localhost:\d+/home#(\S+)\n", link)
    assert code, link
    body = {"code": code[1].upper(), "car_id": car_id}
    answer = await client.post("/api/homes", json=body)
    assert answer.status_code == 200, answer.text
    return car_id, home["home_id"]


@pytest.mark.timeout(180)
async def test_a_scene_reaches_the_home_and_its_outcome_outlives_a_kill(
    own_installation: Installation,
) -> None:
    installation = own_installation
    first, second = new_id("request"), new_id("request")
    code = installation.sign_in_link("phone").partition("#")[2]
    async with signed_in_phone(installation.port, code) as client:
        car_id, home_id = await owner_of_all(installation, client)
        async with car_bus(installation, car_id) as bus:
            await asked_until_outcome(bus, client, car_id, first, "home.lamp.turn_on")
            async with asyncio.timeout(WAIT_S_MAX):
                while not lamp_of(await until_outcome(client, car_id, first)):
                    await asyncio.sleep(0.05)
            connections = bus.connection_count
            installation.kill()
            installation.start()
            async with asyncio.timeout(WAIT_S_MAX):
                await bus.connected_after(connections)
            await asked_until_outcome(bus, client, car_id, first, "home.lamp.turn_on")
            found = await asked_until_outcome(bus, client, car_id, second, "home.door.unlock")
        states = {one["request_id"]: (one["state"], one["reason"]) for one in found["requests"]}
        assert states == {first: ("done", None), second: ("refused", "word_unknown")}
        assert acts(installation, home_id) == {first: 1}
        assert found["home"]["home_id"] == home_id
