"""What was ordered is built once, through every kill of cars and factory, by the real processes."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monocoque.plumbing.process_file import read_process_file
from tests.e2e.buyer import LOOK_S, WAIT_S_MAX, Buyer, take_over, until_online
from tests.e2e.installation import Installation
from tests.e2e.test_kills import CARS, Person

WEEK_S = 3.0
VIN_BEGINS = "GAMA7"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    """An installation with one car, in whose weeks one more can be built; ended by Ctrl-C."""
    installation = Installation(tmp_path, cars=1)
    installation.data.mkdir()
    weeks = f"[weeks]\nweek_duration_s = {WEEK_S}\nslots_per_week = 1\n"
    (installation.data / "monocoque.toml").write_text(weeks)
    installation.start()
    try:
        yield installation
    finally:
        assert installation.stop() == 0


async def until_every_car_said_hello(person: Person, since_s: float) -> None:
    """Wait until the cell has heard each of its three cars anew."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not await person.hears_every_car_since(since_s):
            await asyncio.sleep(LOOK_S)


def kill_cars(installation: Installation) -> None:
    """kill -9 of the process of cars and factory, which the cell starts again."""
    process = read_process_file(installation.data / "run" / "cars.json")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


@pytest.mark.timeout(240)
async def test_what_was_ordered_is_built_once_drives_and_is_handed_over_through_every_kill(
    running: Installation,
):
    async with Buyer(running) as buyer:
        soon, later = await buyer.buy(), await buyer.buy()
        await asyncio.to_thread(kill_cars, running)
        stories = [await buyer.followed(order_id, "built") for order_id in (soon, later)]
        await until_online(running, CARS)
        person = Person(running)
        await person.sign_in()
        killed_at_s = time.time()
        await asyncio.to_thread(kill_cars, running)
        await until_every_car_said_hello(person, killed_at_s)
        await person.aclose()
        cars = {story["order"]["car_id"] for story in stories}
        for car_id in cars:
            await take_over(running, car_id)
        for order_id in (soon, later):
            story = await buyer.followed(order_id, "delivered")
            kinds = [change["kind"] for change in story["changes"]]
            assert kinds[-3:] == ["scheduled", "built", "delivered"]
    assert len(cars) == 2
    assert len(list((running.data / "cars").glob("car_*"))) == CARS
    assert VIN_BEGINS not in running.printed()
