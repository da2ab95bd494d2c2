"""kill -9 of the whole `up`, at random moments of the story: what was acknowledged is there.

Rules: somebody lives the story again and again over HTTP: orders and pays a car, takes one over
and ties a home to it, puts a scene into it, locks and unlocks it, has a scene's wish done at home,
and brings it an update. Cell, nats-server and cars are killed together meanwhile, and started
again. Requests without an answer are made again as they were; whatever was acknowledged is written
down outside, and in the end the installation is asked for all of it.

Left out on purpose: which process was doing what; test_kill_boundaries.py has that.
"""

import asyncio
import contextlib
import json
import random
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from monocoque.car.updates.logic.unit import of_members
from monocoque.contracts.identifiers import CarId, HomeId
from monocoque.contracts.updates import HARDWARE
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.layout import Layout
from tests.e2e.installation import Installation
from tests.e2e.releases import publish
from tests.e2e.test_homes import ask, car_bus
from tests.fixtures.phone import Phone, new_id

PROCESSES = 3
CALM_S_MAX = 6.0
REQUEST_S_MAX = 5.0
INSIST_S_MAX = 120.0
PAUSE_S = 0.1
LIFETIME_S = 600
CLOCK = SystemClock()


class Insisting(httpx.AsyncHTTPTransport):
    """Makes a request that had no answer again as it was, until it has one."""

    unanswered = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx; only what is idempotent may be asked through here."""
        async with asyncio.timeout(INSIST_S_MAX):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await super().handle_async_request(request)
                    await answer.aread()
                    if answer.status_code != 503:
                        return answer
                self.unanswered += 1
                await asyncio.sleep(PAUSE_S)


@dataclass
class Told:
    """What somebody was told, and may rely on."""

    orders: dict[str, str] = field(default_factory=dict)
    """The acknowledged orders, all of them paid: by the key that each was asked for with."""
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What became of each command, by its identifier."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """What became of each wish of a scene."""
    scenes: set[str] = field(default_factory=set)
    release: int = 1
    """The newest that was installed."""


class Liver:
    """Lives the story, and writes down what was acknowledged."""

    def __init__(
        self, installation: Installation, sites: dict[str, httpx.AsyncClient], chance: random.Random
    ) -> None:
        self.told = Told()
        self.rounds = 0
        self._installation = installation
        self._shop, self._console = sites["shop"], sites["console"]
        self._phone = Phone(sites["phone"], CLOCK)
        self._chance = chance
        self.home_id = ""

    @property
    def car_id(self) -> str:
        """The car that was taken over."""
        return self._phone.car_id

    async def live(self, is_over: asyncio.Event) -> None:
        """Take a car over, then live on until it is over; every round is brought to its end."""
        await self._order()
        await self._take_over()
        async with car_bus(self._installation, self.car_id) as bus:
            while not (is_over.is_set() and self.rounds):
                await self._order()
                await self._put_scene()
                await self._command("unlock" if self.rounds % 2 else "lock", {})
                await self._wish(bus)
                await self._update()
                self.rounds += 1

    async def _order(self) -> None:
        path = "/api/shop/configuration?market=DE"
        car = (await self._shop.get(path)).json()
        wanted = {"market": "DE", "options": car["options"]}
        quote = (await self._shop.post("/api/shop/quotes", json=wanted)).json()
        key = self._key()
        body = {"quote": quote["quote"]}
        headers = {"Idempotency-Key": key}
        answer = await self._shop.post("/api/shop/orders", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        order_id = answer.json()["order_id"]
        await self._pay(order_id)
        self.told.orders[key] = order_id

    async def _pay(self, order_id: str) -> None:
        """Ask with one key until it is decided; what was not charged is paid anew."""
        path, headers = f"/api/shop/orders/{order_id}/payments", {"Idempotency-Key": self._key()}
        async with asyncio.timeout(INSIST_S_MAX):
            while True:
                body = {"token": "practice-ok"}
                answer = await self._shop.post(path, json=body, headers=headers)
                if answer.status_code == 402:  # cut off so long that the shop voided it
                    headers = {"Idempotency-Key": self._key()}
                    continue
                assert answer.status_code in (200, 201, 504), answer.text
                if answer.status_code != 504 and answer.json()["order"]["state"] != "placed":
                    return
                await asyncio.sleep(PAUSE_S)

    async def _take_over(self) -> None:
        data = str(self._installation.data)
        [car_id] = [path.name for path in (self._installation.data / "cars").glob("car_*")][:1]
        words = ("car", "hand-over", car_id, "--data", data)
        await self._phone.take_over((await self._typed(*words)).strip())
        [home] = json.loads(await self._typed("home", "list", "--json", "--data", data))["homes"]
        self.home_id = home["home_id"]
        link = await self._typed("home", "code", self.home_id, "--data", data)
        body = {"code": link.strip().partition("#")[2], "car_id": car_id}
        answer = await self._phone.client.post("/api/homes", json=body)
        if answer.status_code != 200:  # its first answer may have been lost with a kill
            sys.stdout.write(f"the home was not taken: {answer.text}\n")
        answer = await self._phone.client.get(f"/api/homes/{self.home_id}")
        assert answer.status_code == 200, answer.text

    async def _put_scene(self) -> None:
        scene_id = new_id("scene")
        scene = {
            "scene_id": scene_id,
            "name": "Warm",
            "when": {"trigger": "time", "minute_of_day": 450, "days": ["mon"], "zone": "UTC"},
            "do": [{"action": "car.climate", "on": True, "temperature_decicelsius": 210}],
            "valid_for_s": 600,
        }
        result = await self._command("scene_put", {"scene": json.dumps(scene)})
        if result["state"] == "done":
            self.told.scenes.add(scene_id)

    async def _command(self, scope: str, arguments: dict[str, Any]) -> dict[str, Any]:
        epoch = await self._phone.epoch()
        command_id, envelope = self._phone.command(
            scope, arguments, epoch=epoch, lifetime_s=LIFETIME_S
        )
        answer = await self._phone.hand_in(envelope)
        assert answer.status_code == 202, answer.text
        result = await self._phone.settled(command_id, INSIST_S_MAX)
        self._phone.verified(result)
        assert result["state"] in ("done", "unknown", "refused"), result
        self.told.results[command_id] = result
        return result

    async def _wish(self, bus: NatsBus) -> None:
        request_id = new_id("request")
        await self._until_said(bus, request_id)
        found = await self._until(
            f"/api/cars/{self.car_id}/scenes", lambda found: _outcome(found, request_id)
        )
        self.told.outcomes[request_id] = _outcome(found, request_id)

    async def _until_said(self, bus: NatsBus, request_id: str) -> None:
        path = f"/api/cars/{self.car_id}/scenes"
        async with asyncio.timeout(INSIST_S_MAX):
            while True:
                with contextlib.suppress(Exception):
                    await ask(bus, self.car_id, request_id, "home.lamp.turn_on")
                found = (await self._phone.client.get(path)).json()
                if any(one["request_id"] == request_id for one in found["requests"]):
                    return
                await asyncio.sleep(PAUSE_S)

    async def _update(self) -> None:
        number = self.told.release + 1
        await asyncio.to_thread(publish, self._installation, f"1.{number}.0")
        campaign_id = new_id("campaign")
        body = {"release_number": number, "campaign_id": campaign_id, "cars": [self.car_id]}
        # Published while no cell ran, it is on record some time after the next start.
        async with asyncio.timeout(INSIST_S_MAX):
            while (answer := await self._console.post("/api/campaigns", json=body)).is_error:
                assert answer.json()["code"] == "release_unknown", answer.text
                await asyncio.sleep(PAUSE_S)
        path = f"/api/cars/{self.car_id}/update"
        await self._until(path, lambda found: found["can_agree"] or found["state"] == "installed")
        agreed = {"release_number": number, "agreed": True}
        async with asyncio.timeout(INSIST_S_MAX):
            while (await self._command("update", agreed))["state"] != "done":
                pass
        version = f"1.{number}.0"
        await self._until(path, lambda found: found["installed_version"] == version)
        self.told.release = number

    async def _until(self, path: str, is_so: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        try:
            async with asyncio.timeout(INSIST_S_MAX):
                while True:
                    found = (await self._phone.client.get(path)).json()
                    if is_so(found):
                        return found
                    await asyncio.sleep(PAUSE_S)
        except TimeoutError:
            raise AssertionError(f"{path} stays so: {found}") from None

    async def _typed(self, *words: str) -> str:
        """What a command prints, once there is an installation that it can be typed for."""
        async with asyncio.timeout(INSIST_S_MAX):
            while (done := await asyncio.to_thread(self._installation.typed, *words)).returncode:
                await asyncio.sleep(PAUSE_S)
        return done.stdout

    def _key(self) -> str:
        return f"{self._chance.getrandbits(64):016x}"

    async def check(self) -> None:
        """Whatever was acknowledged is there, once, and as it was."""
        orders = (await self._shop.get("/api/shop/orders")).json()["orders"]
        mine = {one["order_id"]: one["state"] for one in orders}
        told = self.told
        assert set(told.orders.values()) <= set(mine), "an acknowledged order is there"
        assert len(set(told.orders.values())) == len(told.orders), "each is its own"
        assert all(mine[order_id] != "placed" for order_id in told.orders.values()), "and paid"
        for command_id, result in told.results.items():
            found = await self._phone.found(command_id)
            assert (found["state"], found["receipt"]) == (result["state"], result["receipt"])
        # What was wished stood in for the car's own word; with one more scene it says them all.
        await self._put_scene()
        path = f"/api/cars/{self.car_id}/scenes"
        found = await self._until(path, lambda found: len(found["scenes"]) >= len(told.scenes))
        assert told.scenes <= {json.loads(one)["scene_id"] for one in found["scenes"]}
        outcomes = {one["request_id"]: one["state"] for one in found["requests"]}
        assert outcomes == told.outcomes
        assert set(told.outcomes.values()) <= {"done", "failed"}
        acts = self._acts()
        assert all(acts.get(one) == 1 for one, was in told.outcomes.items() if was == "done")
        assert all(count == 1 for count in acts.values()), "nothing was done twice at home"
        version = f"1.{told.release}.0"
        await self._until(
            f"/api/cars/{self.car_id}/update", lambda found: found["installed_version"] == version
        )
        assert self._units() == {told.release}, "every unit has the update"

    def _acts(self) -> dict[str, int]:
        where = Layout(self._installation.data).home(HomeId(self.home_id)).records
        with contextlib.closing(sqlite3.connect(where)) as database:
            rows = database.execute("SELECT cause, count(*) FROM devices_acts GROUP BY cause")
            return dict(rows.fetchall())

    def _units(self) -> set[int]:
        units = Layout(self._installation.data).car(CarId(self.car_id)).units
        states = [json.loads((units / name / "state.json").read_text()) for name in HARDWARE]
        return {of_members(state).image.release_number for state in states}


def _outcome(found: dict[str, Any], request_id: str) -> str:
    """What became of it, or nothing."""
    states = {one["request_id"]: one["state"] for one in found["requests"]}
    return "" if states[request_id] in ("waiting", "said") else str(states[request_id])


@contextlib.asynccontextmanager
async def signed_in(installation: Installation, site: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of this site that insists."""
    code = installation.sign_in_link(site).partition("#")[2]
    host = f"{site}.localhost:{installation.port}"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{installation.port}",
        headers={"host": host, "origin": f"http://{host}"},
        transport=Insisting(),
        timeout=REQUEST_S_MAX,
    ) as client:
        answer = await client.post("/api/session", json={"link_code": code})
        assert answer.status_code == 204, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        client.cookies.clear()
        client.headers["cookie"] = cookie
        client.headers["x-csrf-token"] = (await client.get("/api/me")).json()["csrf_token"]
        yield client


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(3, id="three times", marks=pytest.mark.timeout(300)),
        pytest.param(10, id="ten times", marks=[pytest.mark.prove, pytest.mark.timeout(900)]),
    ],
)
async def test_the_story_outlives_every_kill_of_the_whole(
    times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.getrandbits(32)  # follows the seed that pytest-randomly prints
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    installation = Installation(tmp_path, cars=1)
    installation.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            sites = {
                site: await stack.enter_async_context(signed_in(installation, site))
                for site in ("shop", "phone", "console")
            }
            liver, is_over = Liver(installation, sites, chance), asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(liver.live(is_over))
                for _ in range(times):
                    await asyncio.sleep(chance.uniform(0, CALM_S_MAX))
                    killed = await asyncio.to_thread(installation.kill_whole)
                    assert killed == PROCESSES
                    await asyncio.to_thread(installation.start_ready)
                is_over.set()
            await liver.check()
    finally:
        status = installation.stop()
    told = liver.told
    with capsys.disabled():
        sys.stdout.write(
            f"\nseed {seed}: {liver.rounds} rounds, {len(told.orders)} orders, "
            f"{len(told.results)} results, {len(told.outcomes)} outcomes at home, "
            f"{told.release - 1} updates\n"
        )
    assert status == 0
