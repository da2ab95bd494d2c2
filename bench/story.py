"""How long the story's two waits take: for the lamp when a car comes home, and for an update.

Two fresh installations on loopback, each with HTTP, nats-server, the cell, and a process with its
cars and homes, records on disk. Figures:

* ``arrival_to_lamp_p50_ms``, ``arrival_to_lamp_p95_ms``: from the measured place that confirms an
  arrival in the car until the cell hears from the home that its lamp is as it was asked to be.
  ``CARS`` cars, each with a home of its own, drive on their loop past ``PLACES`` places, each with
  a scene, since every arrival needs a minute of being away;
* ``update_seconds``: from before the owner's consent is handed in until the cell says installed:
  10 MB in three images for three control units. ``download_seconds``: before that, from the start
  of the campaign until the car waits for consent;
* ``poll_ms``: from the car's word about what it has until the directions that answer it are
  verified, both repositories of metadata included, and on record in the car; the middle of many.

The limits of a key's commands are raised. For the polls the car is asked to poll more often, in a
start of its own.
"""

import asyncio
import contextlib
import json
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx
import structlog
import uvloop

from monocoque.car.body.logic import LOOP_M, Body
from monocoque.contracts import topics
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.layout import Layout
from tests.e2e.installation import Installation
from tests.e2e.releases import HARDWARE, publish
from tests.fixtures.phone import Phone, new_id, signed_in_phone

CARS = 4
PLACES = 16
ARRIVALS = 40
ENTER_RADIUS_M, EXIT_RADIUS_M = 50, 100
AWAY_S_MIN = 60
ARRIVALS_S_MAX = 240.0
IMAGE_BYTES = 10_000_000 // len(HARDWARE)
UPDATE_S_MAX = 120.0
POLLS = 20
POLL_S_MAX = 15.0
LOOK_S = 0.02
RECORD_LOOK_S = 0.001
US_PER_MS = 1_000
LIMITS = {
    "MONOCOQUE_COMMANDS_COMMANDS_PER_MINUTE_MAX": "3000",
    "MONOCOQUE_CAR_COMMANDS_PER_KEY_PER_MINUTE_MAX": "3000",
}
DRIVE = {"MONOCOQUE_BODY_DRIVE_S": "170", "MONOCOQUE_BODY_DRIVE_SPEED_KMH": "80"}
OFTEN = {"MONOCOQUE_CAR_UPDATES_POLL_INTERVAL_S": "0.3"}
CLOCK = SystemClock()

Progress = Callable[[str], object]


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
            lamp_ms = runner.run(_arrivals(Path(directory), progress))
        with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
            update = runner.run(_update(Path(directory), progress))
    return {
        "arrivals": len(lamp_ms),
        "arrival_to_lamp_p50_ms": round(statistics.median(lamp_ms), 1),
        "arrival_to_lamp_p95_ms": round(statistics.quantiles(lamp_ms, n=20)[18], 1),
        **update,
    }


# --- arrivals -----------------------------------------------------------------------------------


async def _arrivals(directory: Path, progress: Progress) -> list[float]:
    progress(f"starting an installation with {CARS} cars and as many homes")
    settings = LIMITS | DRIVE | {"MONOCOQUE_HOMES": str(CARS)}
    installation = Installation(directory, CARS, settings)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(_owner(installation))
        bus = await stack.enter_async_context(_bus(installation, Role.HOMES))
        layout = Layout(installation.data)
        cars = sorted(path.name for path in layout.cars.glob("car_*"))
        homes = sorted(path.name for path in layout.homes.glob("home_*"))
        progress(f"teaching each car {PLACES} scenes")
        for number, (car_id, home_id) in enumerate(zip(cars, homes, strict=True)):
            phone = await _take_over(installation, client, car_id)
            await _tie(installation, client, car_id, home_id)
            await _teach(phone, number / CARS)
        progress(f"driving until there were {ARRIVALS} arrivals")
        took_ms: asyncio.Queue[float] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(_watch(bus, car_id, home_id, took_ms))
                for car_id, home_id in zip(cars, homes, strict=True)
            ]
            for car_id in cars:
                words = ("car", "drive", car_id, "--data", str(installation.data))
                await asyncio.to_thread(installation.run, *words)
            async with asyncio.timeout(ARRIVALS_S_MAX):
                arrivals_ms = [await took_ms.get() for _ in range(ARRIVALS)]
            for task in watching:
                task.cancel()
        return arrivals_ms


async def _tie(
    installation: Installation, client: httpx.AsyncClient, car_id: str, home_id: str
) -> None:
    """Take the home, and let the car belong to it."""
    link = installation.run("home", "code", home_id, "--data", str(installation.data))
    code = re.sub(r".*#", "", link.strip())
    answer = await client.post("/api/homes", json={"code": code, "car_id": car_id})
    answer.raise_for_status()
    await _until(client, f"/api/homes/{home_id}", lambda found: found["online"])


async def _teach(phone: Phone, offset: float) -> None:
    """Put a scene at every place of the loop, which turn the lamp on and off by turns."""
    epoch = await phone.epoch()
    for number in range(PLACES):
        where = Body(at_us=0, odometer_m=LOOP_M * (number + offset) / PLACES).place_degrees
        latitude_e7, longitude_e7 = (round(degrees * 10_000_000) for degrees in where)
        scene = {
            "scene_id": new_id("scene"),
            "name": f"Place {number}",
            "when": {
                "trigger": "arrive",
                "place": {"latitude_e7": latitude_e7, "longitude_e7": longitude_e7},
                "enter_radius_m": ENTER_RADIUS_M,
                "exit_radius_m": EXIT_RADIUS_M,
                "away_s_min": AWAY_S_MIN,
            },
            "do": [{"action": f"home.lamp.turn_{'off' if number % 2 else 'on'}"}],
            "valid_for_s": 600,
        }
        text = json.dumps(scene, separators=(",", ":"))
        await _done(phone, "scene_put", {"scene": text}, epoch)


async def _done(phone: Phone, scope: str, arguments: dict[str, Any], epoch: str) -> None:
    command_id, envelope = phone.command(scope, arguments, epoch=epoch)
    answer = await phone.hand_in(envelope)
    if answer.status_code != 202:
        raise RuntimeError(f"The cell refused a command: {answer.text}")
    receipt = phone.verified(await phone.settled(command_id))
    if receipt.answer.outcome != "done":
        raise RuntimeError(f"A command was not done: {receipt.answer}.")


async def _watch(bus: NatsBus, car_id: str, home_id: str, took_ms: asyncio.Queue[float]) -> None:
    """Measure every arrival of this car that changes the lamp of this home."""
    asked: dict[str, tuple[int, bool]] = {}
    is_on = False
    async with (
        bus.watch(topics.CAR_SCENES, car_id=car_id) as scenes,
        bus.watch(topics.HOME_STATE, home_id=home_id) as states,
        asyncio.TaskGroup() as group,
    ):

        async def hear_requests() -> None:
            async for delivery in scenes:
                for request in delivery.message.requests:
                    wanted = json.loads(request.action)["action"] == "home.lamp.turn_on"
                    asked.setdefault(request.request_id, (request.occurred_at_us, wanted))

        group.create_task(hear_requests())
        async for delivery in states:
            now_us = CLOCK.now_us()
            lamp = next((one for one in delivery.message.devices if one.name == "lamp"), None)
            if lamp is None or lamp.on == is_on:
                continue
            is_on = lamp.on
            since_us = [
                at_us for at_us, wanted in asked.values() if wanted == is_on and at_us <= now_us
            ]
            took_ms.put_nowait((now_us - max(since_us)) / US_PER_MS)


# --- updates ------------------------------------------------------------------------------------


async def _update(directory: Path, progress: Progress) -> dict[str, float | int]:
    progress("starting an installation with one car")
    installation = Installation(directory, 1, LIMITS)
    async with _owner(installation) as client:
        [car_id] = [path.name for path in Layout(installation.data).cars.glob("car_*")]
        phone = await _take_over(installation, client, car_id)
        epoch, path = await phone.epoch(), f"/api/cars/{car_id}/update"
        progress(f"publishing a release of {len(HARDWARE)} images of {IMAGE_BYTES} bytes")
        await asyncio.to_thread(publish, installation, "1.2.0", image_bytes=IMAGE_BYTES)
        started_s = time.perf_counter()
        words = ("campaign", "start", "2", "--data", str(installation.data))
        await asyncio.to_thread(installation.run, *words)
        await _until(client, path, lambda found: found["reason"] == "not_agreed")
        progress("agreeing to it")
        agreed_s = time.perf_counter()
        await _done(phone, "update", {"release_number": 2, "agreed": True}, epoch)
        await _until(client, path, lambda found: found["state"] == "installed")
        installed_s = time.perf_counter()
    progress(f"starting it again, and hearing {POLLS} polls")
    installation = Installation(directory, 1, OFTEN)
    async with _running(installation), _bus(installation, Role.CAMPAIGNS) as bus:
        poll_ms = await _polls(bus, installation, car_id)
    return {
        "download_seconds": round(agreed_s - started_s, 2),
        "update_seconds": round(installed_s - agreed_s, 2),
        "polls": len(poll_ms),
        "poll_ms": round(statistics.median(poll_ms), 1),
    }


async def _polls(bus: NatsBus, installation: Installation, car_id: str) -> list[float]:
    took_ms: list[float] = []
    began_us = CLOCK.now_us()
    where = Layout(installation.data).car(CarId(car_id)).records
    with contextlib.closing(sqlite3.connect(f"file:{where}?mode=ro", uri=True)) as records:
        async with bus.watch(topics.CAR_UPDATE_MANIFEST, car_id=car_id) as manifests:
            async for delivery in manifests:
                before = _verified_version(records, car_id)
                said_us = delivery.message.header.occurred_at_us
                if said_us < began_us:
                    continue  # the last value, from before
                async with asyncio.timeout(POLL_S_MAX):
                    while _verified_version(records, car_id) == before:  # noqa: ASYNC110  # a file
                        await asyncio.sleep(RECORD_LOOK_S)
                took_ms.append((CLOCK.now_us() - said_us) / US_PER_MS)
                if len(took_ms) == POLLS:
                    break
    return took_ms


def _verified_version(records: sqlite3.Connection, car_id: str) -> int:
    """Which timestamp of the director the car has verified last."""
    [row] = records.execute(
        "SELECT json_extract(members, '$.timestamp_version') FROM updates_memory"
        " WHERE car_id = ? AND part = 'director'",
        (car_id,),
    ).fetchall()
    return int(row[0])


# --- what both need -----------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _running(installation: Installation) -> AsyncIterator[None]:
    await asyncio.to_thread(installation.start)
    try:
        yield
    finally:
        await asyncio.to_thread(installation.stop)


@contextlib.asynccontextmanager
async def _owner(installation: Installation) -> AsyncIterator[httpx.AsyncClient]:
    """Run the installation; somebody is signed in on its phone site."""
    async with _running(installation):
        code = installation.sign_in_link("phone").partition("#")[2]
        async with signed_in_phone(installation.port, code) as client:
            yield client


async def _take_over(installation: Installation, client: httpx.AsyncClient, car_id: str) -> Phone:
    phone = Phone(client, CLOCK)
    words = ("car", "hand-over", car_id, "--data", str(installation.data))
    await phone.take_over(installation.run(*words).strip())
    return phone


@contextlib.asynccontextmanager
async def _bus(installation: Installation, role: Role) -> AsyncIterator[NatsBus]:
    """A connection that hears what a service of the cell hears."""

    async def address() -> str:
        return published_address(installation.data)

    authority = NatsAuthority(FileKeyStore(Layout(installation.data).secrets), CLOCK)
    bus = await NatsBus.connect(
        identity=Identity(role),
        credentials=authority.service_credentials(role),
        server_address=address,
        clock=CLOCK,
        random=SystemRandom(),
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    try:
        yield bus
    finally:
        await bus.close()


async def _until(
    client: httpx.AsyncClient, path: str, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    async with asyncio.timeout(UPDATE_S_MAX):
        while True:
            answer = await client.get(path)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            if is_so(found):
                return found
            await asyncio.sleep(LOOK_S)


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
