"""How long a lamp takes: from a car's word that a scene asks for it to the home's new state.

A fresh installation with one car and one home on loopback: HTTP, nats-server, the cell, and a
process with the car and the home, records on disk. An owner takes the car and the home over. The
car's word is said over a second connection under the car's own credentials, since the figure is
that of the way from the bus to the lamp and back; ``HOME_STATE`` is heard as the cell hears it.
Figures:

* ``arrival_to_lamp_p50_ms``, ``arrival_to_lamp_p95_ms``: from before the word is said until a state
  is heard in which the lamp is as it was asked to be;
* ``said_p50_ms``: of that, until the bus had the word on disk.

The limit of a car's requests is raised, and those of the bus are not, so requests begin no faster
than one in ``PACE_S``.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx
import structlog
import uvloop

from monocoque.car.enrolment.service import known_place
from monocoque.contracts import identifiers, topics
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority, NatsCredentials
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.metrics import Metrics
from monocoque.roles.layout import Layout
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import SystemKeyMaker

ARRIVALS = 200
WARM_UP = 5
PACE_S = 0.15
READY_S_MAX = 60.0
ANSWER_S_MAX = 30.0
STOP_S_MAX = 20.0
LOOK_S = 0.05
SETTINGS = {"MONOCOQUE_HOME_DESK_REQUESTS_PER_MINUTE_MAX": "6000"}
CAR_LINK = re.compile(r"http://phone\.localhost:\d+/hand-over#(\S+)\.(\S+)\.(\S+)")
HOME_LINK = re.compile(r"http://phone\.localhost:\d+/home#(\S+)")
SIGN_IN = re.compile(r"http://phone\.localhost:(\d+)/sign-in#(\S+)")
CLOCK, RANDOM = SystemClock(), SystemRandom()

Progress = Callable[[str], object]


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
        progress("starting an installation with one car and one home")
        with (
            _installation(Path(directory)) as printed,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            layout = Layout(Path(directory) / "data")
            total_ms, said_ms = runner.run(_arrivals(layout, printed, progress))
    return {
        "arrivals": len(total_ms),
        "arrival_to_lamp_p50_ms": round(statistics.median(total_ms), 2),
        "arrival_to_lamp_p95_ms": round(statistics.quantiles(total_ms, n=20)[18], 2),
        "said_p50_ms": round(statistics.median(said_ms), 2),
    }


async def _arrivals(
    layout: Layout, printed: str, progress: Progress
) -> tuple[list[float], list[float]]:
    car_id = await _take_over(printed)
    total_ms: list[float] = []
    said_ms: list[float] = []
    place = known_place(FileKeyStore(layout.car(CarId(car_id)).secrets))
    authority = NatsAuthority(FileKeyStore(layout.secrets), CLOCK)
    desk, [home] = authority.service_credentials(Role.HOMES), layout.homes.glob("home_*")
    async with (
        _bus(layout, Identity(Role.CAR, {"car_id": car_id}), place) as car,
        _bus(layout, Identity(Role.HOMES), desk) as cell,
        cell.watch(topics.HOME_STATE, home_id=home.name) as states,
    ):
        progress(f"{ARRIVALS} arrivals, one after the other")
        for number in range(WARM_UP + ARRIVALS):
            began_s = time.perf_counter()
            is_on = number % 2 == 0
            word = _word(car_id, "turn_on" if is_on else "turn_off")
            await car.publish(topics.CAR_SCENES, word, car_id=car_id)
            said_s = time.perf_counter()
            async with asyncio.timeout(ANSWER_S_MAX):
                async for delivery in states:
                    if _lamp(delivery.message) == is_on:
                        break
            if number >= WARM_UP:
                total_ms.append((time.perf_counter() - began_s) * 1_000)
                said_ms.append((said_s - began_s) * 1_000)
            await asyncio.sleep(max(0.0, began_s + PACE_S - time.perf_counter()))
    return total_ms, said_ms


def _word(car_id: str, verb: str) -> home_pb2.CarScenes:
    now_us = CLOCK.now_us()
    asked = home_pb2.HomeRequest(
        request_id=_new_id("request"),
        car_id=car_id,
        scene_id="scene_0123456789abcdefghjkmnpqrs",
        action=json.dumps({"action": f"home.lamp.{verb}"}),
        occurred_at_us=now_us,
        expires_at_us=now_us + 60_000_000,
    )
    message = home_pb2.CarScenes(requests=[asked])
    stamp(message, CLOCK, RANDOM)
    return message


def _lamp(state: home_pb2.HomeState) -> bool | None:
    return next((device.on for device in state.devices if device.name == "lamp"), None)


@contextlib.asynccontextmanager
async def _bus(
    layout: Layout, identity: Identity, credentials: NatsCredentials | None
) -> AsyncIterator[NatsBus]:
    async def address() -> str:
        return published_address(layout.path)

    if credentials is None:
        raise RuntimeError("The car has no place on the bus.")
    bus = await NatsBus.connect(
        identity=identity,
        credentials=credentials,
        server_address=address,
        clock=CLOCK,
        random=RANDOM,
        metrics=Metrics(),
        log=structlog.get_logger(),
    )
    try:
        yield bus
    finally:
        await bus.close()


async def _take_over(printed: str) -> str:
    """Sign in on the phone site, take the car over and then the home; returns the car."""
    car_link, sign_in, home_link = (link.search(printed) for link in (CAR_LINK, SIGN_IN, HOME_LINK))
    if car_link is None or sign_in is None or home_link is None:
        raise RuntimeError(f"The installation printed no links:\n{printed}")
    (car_id, code, _), (port, sign_in_code) = car_link.groups(), sign_in.groups()
    headers = {"host": f"phone.localhost:{port}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        answer = await client.post("/api/session", json={"link_code": sign_in_code})
        client.cookies.clear()
        client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        client.headers["x-csrf-token"] = (await client.get("/api/me")).json()["csrf_token"]
        key = SystemKeyMaker().make("ES256")
        request = sign_hand_over(key, car_id, code, _new_id("message"), int(time.time()))
        body = {"request": request.decode()}
        await _until(
            lambda: client.post(f"/api/cars/{car_id}/hand-over", json=body),
            lambda found: found["state"] == "granted",
        )
        taken = {"code": home_link[1], "car_id": car_id}
        home = (await client.post("/api/homes", json=taken)).json()
        await _until(
            lambda: client.get(f"/api/homes/{home['home_id']}"), lambda found: found["online"]
        )
    return car_id


async def _until(ask: Callable[[], Any], is_so: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(ANSWER_S_MAX):
        while True:
            if is_so((await ask()).json()):
                return
            await asyncio.sleep(LOOK_S)


@contextmanager
def _installation(directory: Path) -> Iterator[str]:
    """`monocoque up` on any free port, and what it prints; ended as by Ctrl-C."""
    program, output = Path(sys.executable).with_name("monocoque"), directory / "output"
    arguments = ["--cars", "1", "--homes", "1", "--port", "0", "--data", str(directory / "data")]
    with output.open("wb") as file:
        up = subprocess.Popen(
            [program, "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(os.environ) | SETTINGS,
        )
    try:
        give_up_at_s = time.perf_counter() + READY_S_MAX
        printed = ""
        while not (CAR_LINK.search(printed) and HOME_LINK.search(printed)):
            if up.poll() is not None or time.perf_counter() > give_up_at_s:
                raise RuntimeError(f"The installation was not ready:\n{printed}")
            time.sleep(LOOK_S)
            printed = output.read_text("utf-8", "replace")
            if HOME_LINK.search(printed) and not CAR_LINK.search(printed):
                # The cell was ready before the car had left the line.
                printed += _paper(program, directory / "data")
        yield printed
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def _paper(program: Path, data: Path) -> str:
    """What `monocoque car hand-over` prints of the one car, once it has left the line."""
    cars = [each.name for each in (data / "cars").glob("car_*")]
    command = [str(program), "car", "hand-over", "--data", str(data), *cars]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


def _new_id(prefix: str) -> str:
    return identifiers.make(prefix, RANDOM.getrandbits)


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
