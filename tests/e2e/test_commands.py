"""From an owner's key to a door in the car and back, over real HTTP, NATS and processes.

The phone here is Python; test_phone_car.py looks at the pages.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.process_file import read_process_file
from monocoque.roles.layout import Layout
from monocoque.trust.receipts import LogPlace, verify_log
from tests.e2e.installation import Installation
from tests.fixtures.phone import Phone, signed_in_phone

WAIT_S_MAX = 60.0
LOOK_S = 0.1


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    """An installation with one car, ended by Ctrl-C with status 0."""
    installation = Installation(tmp_path, cars=1)
    installation.start()
    try:
        yield installation
    finally:
        assert installation.stop() == 0


@contextlib.asynccontextmanager
async def owner_of(installation: Installation) -> AsyncIterator[Phone]:
    """A phone that has taken the car over."""
    [car] = (installation.data / "cars").glob("car_*")
    link = installation.run("car", "hand-over", car.name, "--data", str(installation.data))
    code = installation.sign_in_link("phone").partition("#")[2]
    async with signed_in_phone(installation.port, code) as client:
        phone = Phone(client, SystemClock())
        await phone.take_over(link.strip())
        yield phone


async def done(phone: Phone, scope: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask, and return what the car signed, verified by the car's key from the grant."""
    command_id, envelope = phone.command(scope, arguments, epoch=await phone.epoch())
    answer = await phone.hand_in(envelope)
    assert answer.status_code == 202, answer.text
    found = await phone.settled(command_id, WAIT_S_MAX)
    phone.verified(found)
    return found


async def until_body(phone: Phone, **wanted: Any) -> None:
    """Wait until the car says this of itself."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            body = await phone.body()
            if body is not None and all(body[name] == value for name, value in wanted.items()):
                return
            await asyncio.sleep(LOOK_S)


async def log_of(phone: Phone) -> list[bytes]:
    answer = await phone.client.get(f"/api/cars/{phone.car_id}/log")
    assert answer.status_code == 200, answer.text
    return [receipt.encode() for receipt in answer.json()["receipts"]]


async def test_what_the_owner_asks_is_done_once_and_proved_by_the_car(running: Installation):
    async with owner_of(running) as phone:
        assert (await done(phone, "unlock"))["state"] == "done"
        await until_body(phone, locked=False)
        wanted = {"on": True, "temperature_decicelsius": 215}
        assert (await done(phone, "climate", wanted))["state"] == "done"
        await until_body(phone, climate_on=True, climate_target_celsius=21.5)
        assert (await done(phone, "charge_limit", {"percent": 90}))["state"] == "done"
        assert (await done(phone, "lock"))["state"] == "done"
        await until_body(phone, locked=True)
        assert phone.keys is not None
        lines = verify_log(await log_of(phone), phone.car_id, phone.keys.sign, LogPlace())
    assert [line.answer.scope for line in lines] == ["unlock", "climate", "charge_limit", "lock"]


async def test_a_car_that_moves_refuses_to_open_and_says_why(running: Installation):
    async with owner_of(running) as phone:
        running.run("car", "drive", phone.car_id, "--data", str(running.data))
        await until_body(phone, gear="drive", speed_kmh=50.0)
        found = await done(phone, "unlock")
        assert (found["state"], found["reason"]) == ("refused", "moving")
        await until_body(phone, locked=True)


async def test_a_command_outlives_a_cell_that_is_killed_while_the_car_sleeps(
    running: Installation,
):
    cars = read_process_file(Layout(running.data).run / "cars.json")
    assert cars is not None
    async with owner_of(running) as phone:
        epoch = await phone.epoch()
        os.kill(cars.pid, signal.SIGSTOP)
        try:
            command_id, envelope = phone.command("unlock", epoch=epoch, lifetime_s=600)
            assert (await phone.hand_in(envelope)).status_code == 202
            assert (await phone.found(command_id))["state"] in {"waiting", "sent"}
            running.kill()
        finally:
            # Awake, it could begin what already reached it while it ends, and answer "unknown".
            with contextlib.suppress(ProcessLookupError):
                os.kill(cars.pid, signal.SIGKILL)
        running.start()
        found = await phone.settled(command_id, WAIT_S_MAX)
        assert found["state"] == "done"
        phone.verified(found)
        assert len(await log_of(phone)) == 1


async def test_a_command_for_a_strangers_car_answers_like_one_for_none(running: Installation):
    async with owner_of(running) as phone:
        _, envelope = phone.command("lock", epoch=await phone.epoch())
        mine = phone.car_id
        phone.car_id = "car_0123456789abcdefghjkmnpqrs"
        stranger = await phone.hand_in(envelope)
        assert stranger.status_code == 404
        bad: list[httpx.Response] = []
        phone.car_id = mine
        for broken in (
            {},
            {"command": "", "grants": []},
            {"command": "a.b.c", "grants": envelope["grants"]},
            {"command": envelope["command"], "grants": []},
            {"command": envelope["command"][:-8], "grants": envelope["grants"]},
            {"command": envelope["command"], "grants": envelope["grants"] * 4},
        ):
            bad.append(await phone.hand_in(broken))
        assert {answer.status_code // 100 for answer in bad} == {4}
        assert all(answer.json()["hint"] for answer in bad)
        assert (await done(phone, "lock"))["state"] == "done"
