"""A car that fails with one app, by a defect of its own: the other apps go on, and it is said."""

import asyncio
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import update

from monocoque.car.apps import records as app_records
from monocoque.car.apps import service
from monocoque.car.apps.logic import REASONS
from monocoque.car.apps.service.process import IN_MEMORY
from monocoque.contracts.errors import DefectError
from monocoque.roles.migrations import records_in_memory
from tests.car.apps.stand import QUICK, AppStand

STAYING = """
async def run(self):
    self.log("a new life")
    while True:
        await self.sleep(1)
"""


class Door:
    """Where the signals are; or a part of the car that is broken."""

    def __init__(self) -> None:
        self.is_broken = False
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.is_broken:
            raise ValueError("nobody has thought of this")
        return IN_MEMORY


@pytest.fixture
async def stand(tmp_path):
    made = AppStand(tmp_path, records_in_memory(Random(3)), address=Door())
    await made.trust()
    yield made
    await made.records.close()


async def write_state(stand, name, state):
    """Put this word there, as a newer release of the car may have done."""
    change = update(app_records.apps).where(app_records.apps.c.name == name).values(state=state)
    await stand.records.transact(lambda connection: connection.execute(change) and None)


def defects_of(stand):
    labels = {"where": "apps", "code": DefectError.code}
    return stand.metrics.errors.labels(**labels)._value.get()


async def test_a_state_that_the_car_does_not_know_costs_no_other_app_its_life(stand):
    await stand.install("staying", STAYING)
    await stand.install("strange", STAYING)
    await write_state(stand, "strange", "dreaming")
    async with stand.running():
        await stand.until("staying", "running")
        strange = await stand.until("strange", "running")
        assert strange.reason == ""
    assert defects_of(stand) == 1
    assert stand.log_of("staying").count("a new life") == 1


async def test_an_app_that_the_car_fails_with_is_given_up_and_its_neighbour_lives_on(stand):
    async with stand.running():
        await stand.install("staying", STAYING)
        await stand.until_logged("staying", "a new life")
        stand.address.is_broken = True
        await stand.install("late", STAYING)
        late = await stand.until("late", "given_up")
        assert late.reason == REASONS["failed"]
        assert defects_of(stand) == QUICK.crashes_max
        tries = stand.address.asked
        await service.order_stop(stand.records, "staying")  # the others are still looked after
        await stand.until("staying", "stopped")
        assert stand.address.asked == tries
        stand.address.is_broken = False
        await service.order_start(stand.records, "late")
        await stand.until("late", "running")
    assert stand.log_of("staying").count("a new life") == 1


async def test_an_app_that_the_car_fails_with_waits_and_can_be_removed(stand):
    stand.config = replace(QUICK, pause_s_min=60.0, pause_s_max=60.0)
    stand.address.is_broken = True
    async with stand.running():
        await stand.install("late", STAYING)
        waiting = await stand.until("late", "waiting")
        assert waiting.reason == REASONS["failed"]
        await service.order_remove(stand.records, "late")
        async with asyncio.timeout(10):
            while (stand.apps / "late").exists():
                await asyncio.sleep(0.05)
    assert stand.address.asked == 1
