"""Campaigns over HTTP: who may what, what is answered, and what a live page hears."""

import contextlib
from dataclasses import replace
from random import Random

import httpx
import pytest
from sqlalchemy import Connection

from monocoque.cloud.campaigns import web
from monocoque.cloud.campaigns.web.answers import Campaign, CarUpdate
from monocoque.cloud.pairing import records as pairing_rows
from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.application import build_application
from monocoque.plumbing.http.sessions import COOKIE_NAME, csrf_token
from monocoque.roles.migrations import records_in_memory
from monocoque.trust.updates.manifests import UpdateReport, UpdateState
from tests.cloud.campaigns.stand import Car, Cell, until
from tests.cloud.orders import next_of
from tests.fixtures.http import HOSTS, SessionsInMemory, in_process, make_context

STRANGER = "car_7zzzzzzzzzzzzzzzzzzzzzzzzz"


class Door:
    """The cell's routes, and who comes to them."""

    def __init__(self, cell: Cell, clients: contextlib.AsyncExitStack) -> None:
        self.cell, self.clients = cell, clients
        self.sessions = SessionsInMemory()
        self.application = build_application(
            make_context(cell.clock, records=cell.records),
            routers=[web.console_routes(cell.pages), web.phone_routes(cell.pages)],
            sessions=self.sessions,
            pages=None,
        )

    async def comes(self, site: Site, role: PersonRole) -> httpx.AsyncClient:
        token = self.sessions.open(site, role)
        client = await in_process(self.clients, self.application, HOSTS[site])
        client.headers.update(
            {"cookie": f"{COOKIE_NAME}={token}", "x-csrf-token": csrf_token(token)}
        )
        return client

    async def fleet(self) -> httpx.AsyncClient:
        return await self.comes(Site.CONSOLE, PersonRole.FLEET)

    async def owner(self, car: Car) -> tuple[httpx.AsyncClient, str]:
        """The owner of this car, and the owner's identifier."""
        client = await self.comes(Site.PHONE, PersonRole.OWNER)
        person_id = list(self.sessions.by_token.values())[-1].person_id

        def work(connection: Connection) -> None:
            values = {"car_id": car.car_id, "person_id": person_id, "key_id": "k"}
            pairing_rows.add_owner(connection, values | {"first_grant": b"g", "since_us": 1})

        await self.cell.records.transact(work)
        return client, person_id


@pytest.fixture
async def door(clients):
    records = records_in_memory(Random(4))
    yield Door(Cell(records), clients)
    await records.close()


async def test_a_campaign_is_started_followed_and_stopped_from_the_console(door):
    cell, console = door.cell, await door.fleet()
    async with cell.living():
        first, second = await cell.fleet(2)
        await cell.publish()
        wanted = {"release_number": 2, "waves": [1], "failures_max": 1}
        answer = await console.post("/api/campaigns", json=wanted)
        started = answer.json()
        assert (answer.status_code, started["state"], started["cars"]) == (200, "running", 2)
        path = f"/api/campaigns/{started['campaign_id']}"
        await first.until_directed()
        await first.say("downloading", percent=40)
        await cell.until_phase(started["campaign_id"], first, "downloading")
        cars = (await console.get(f"{path}/cars")).json()
        assert [(car["phase"], car["progress_percent"]) for car in cars["cars"]] == [
            ("downloading", 40),
            ("held", 0),
        ]
        assert cars["after"] is None
        paused = (await console.post(f"{path}/pause")).json()
        assert (paused["state"], paused["can_resume"], paused["can_pause"]) == (
            "paused",
            True,
            False,
        )
        assert (await console.post(f"{path}/resume", json={})).json()["state"] == "running"
        halted = (await console.post(f"{path}/halt")).json()
        assert (halted["state"], halted["resume_needs_despite_failures"]) == ("halted", True)
        refused = await console.post(f"{path}/resume", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "campaign_halted")
        attention = (await console.get("/api/software/attention")).json()
        assert [each["campaign_id"] for each in attention["campaigns"]] == [started["campaign_id"]]
        resumed = await console.post(f"{path}/resume", json={"despite_failures": True})
        assert resumed.json()["state"] == "running"
        await first.until_directed()
        [listed] = (await console.get("/api/campaigns")).json()["campaigns"]
        assert [wave["cars"] for wave in listed["waves"]] == [1, 1]
        assert [wave["has_begun"] for wave in listed["waves"]] == [True, False]
        software = (await console.get("/api/software")).json()["cars"]
        assert [car["version"] for car in software] == ["1.0.0", "1.0.0"]
        assert second.car_id in {car["car_id"] for car in software}


REFUSED = [
    ({"release_number": 9}, 404, "release_unknown"),
    ({"release_number": 1}, 422, "campaign_selects_nobody"),
    ({"release_number": 2, "cars": []}, 422, "campaign_selects_nobody"),
    ({"release_number": 2, "cars": [STRANGER]}, 404, "not_found"),
    ({"release_number": 2, "cars": ["a car"]}, 400, "identifier_malformed"),
    ({"release_number": 2, "waves": [0]}, 422, "request_malformed"),
    ({"release_number": 2, "waves": [1] * 21}, 422, "request_malformed"),
    ({"release_number": 2, "failures_max": -1}, 422, "request_malformed"),
    ({"release_number": 0}, 422, "request_malformed"),
    ({"release_number": 2, "campaign_id": "mine"}, 400, "identifier_malformed"),
]


async def test_what_cannot_be_is_answered_by_its_code(door):
    cell, console = door.cell, await door.fleet()
    async with cell.living():
        await cell.fleet(1)
        await cell.publish()
        for body, status, code in REFUSED:
            answer = await console.post("/api/campaigns", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await console.get("/api/campaigns")).json()["campaigns"] == []


async def test_only_who_may_runs_campaigns(door):
    cell = door.cell
    car = await cell.add_car()
    await cell.publish()
    support = await door.comes(Site.CONSOLE, PersonRole.SUPPORT)
    assert (await support.get("/api/campaigns")).status_code == 200
    refused = await support.post("/api/campaigns", json={"release_number": 2})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    owner, _ = await door.owner(car)
    assert (await owner.get("/api/campaigns")).status_code == 421  # not a route of that site


async def test_a_live_console_hears_every_campaign_and_each_change(door):
    cell = door.cell
    async with cell.living():
        [car] = await cell.fleet(1)
        await cell.publish()
        stream = cell.pages.live_campaigns()
        campaign_id = ""

        async def start() -> str:
            return await cell.start()

        tick = await anext(stream)
        assert tick.name == "tick"
        campaign_id = await start()
        first = await next_of(stream, Campaign)
        assert first.campaign_id == campaign_id
        await car.until_directed()
        await car.install()
        while (await next_of(stream, Campaign)).state != "finished":
            pass
        await stream.aclose()


async def test_an_owner_sees_what_is_offered_and_how_it_goes(door):
    cell = door.cell
    async with cell.living():
        [car] = await cell.fleet(1)
        phone, person_id = await door.owner(car)
        path = f"/api/cars/{car.car_id}/update"
        quiet = (await phone.get(path)).json()
        assert (quiet["state"], quiet["consent"], quiet["release"]) == ("none", "not_asked", None)
        assert quiet["installed_version"] == "1.0.0"
        await cell.publish()
        await cell.start()
        await car.until_directed()
        announced = (await phone.get(path)).json()
        assert (announced["state"], announced["can_agree"]) == ("announced", True)
        assert set(announced["release"]["notes"]) == {"en", "de", "zh"}
        assert announced["release"]["version"] == "1.2.0"
        stream = cell.pages.live_update(car.car_id, person_id)
        assert (await next_of(stream, CarUpdate)).state == "announced"
        waiting = UpdateReport(2, UpdateState.WAITING, "charge_low", 100, agreed=True)
        await car.send(car.manifest(waiting))
        shown = await next_of(stream, CarUpdate)
        assert (shown.state, shown.reason, shown.consent) == ("waiting", "charge_low", "given")
        assert (shown.can_agree, shown.can_take_back) == (False, True)
        old, new = car.units, cell.units_of(car.car_id, 2)
        for count in range(len(new)):
            car.units = [*new[:count], *old[count:]]
            percent = 100 * count // len(new)
            await car.send(car.manifest(UpdateReport(2, UpdateState.BOOTING, "", percent)))
            shown = await next_of(stream, CarUpdate)
            assert (shown.state, shown.progress_percent) == ("booting", percent)
            assert (shown.installed_number, shown.installed_version) == (1, "1.0.0")
            [software] = (await cell.pages.software("")).cars
            assert (software.release_number, software.version) == (1, "1.0.0")
        await car.install()
        shown = await next_of(stream, CarUpdate)
        assert (shown.state, shown.installed_number, shown.consent) == ("installed", 2, "over")
        await stream.aclose()


async def test_the_update_of_a_car_of_somebody_else_answers_like_none(door):
    cell = door.cell
    car, other = await cell.add_car(), await cell.add_car()
    phone, _ = await door.owner(car)
    answers = [
        await phone.get(f"/api/cars/{car_id}/update{live}")
        for car_id in (other.car_id, STRANGER)
        for live in ("", "/live")
    ]
    said = {(each.status_code, each.json()["code"], each.json()["detail"]) for each in answers}
    assert len(said) == 1
    assert next(iter(said))[0] == 404


async def test_a_person_takes_the_software_of_a_car_anew(door):
    cell, console = door.cell, await door.fleet()
    async with cell.living():
        [car] = await cell.fleet(1)
        car.units = [*car.units[:2], replace(car.units[2], ecu_id="arden7-drive-new")]
        await car.poll()

        async def needs_a_person() -> bool:
            return bool((await console.get("/api/software/attention")).json()["cars"])

        await until(needs_a_person)
        left = await console.post(f"/api/software/{car.car_id}/take-anew")
        assert left.json()["cars"] == []
        missing = await console.post(f"/api/software/{STRANGER}/take-anew")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
