"""The twin keeps the last word of each car, and shows it to the owner alone."""

import asyncio
import contextlib
from random import Random

import pytest
import structlog
from sqlalchemy import insert

from monocoque.cloud.pairing.records import owners
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.twin import service as twin
from monocoque.cloud.twin.config import TwinConfig
from monocoque.cloud.twin.web import Garage
from monocoque.contracts import topics
from monocoque.contracts.errors import NotFound, RecordsUnavailable
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import SettableClock

CAR = "car_0123456789abcdefghjkmnpqrs"
OTHER = "car_1123456789abcdefghjkmnpqrs"
MIA, TOM = "person_0123456789abcdefghjkmnpqrs", "person_1123456789abcdefghjkmnpqrs"
CONFIG = TwinConfig(flush_interval_s=0.01, retry_s=0.01, tick_interval_s=0.05)
WAIT_S_MAX = 20.0


class TroubledRecords:
    """Records that are away for the first works of a service."""

    def __init__(self, records, troubles: int) -> None:
        self._records = records
        self.troubles = troubles

    async def transact(self, work):
        if self.troubles > 0:
            self.troubles -= 1
            raise RecordsUnavailable("The records are away.")
        return await self._records.transact(work)


class Cell:
    """A cell with the twin, and one car that is Mia's."""

    def __init__(self, records) -> None:
        self.records = records
        self.clock, self.random = SettableClock(), Random(1)
        self.log = structlog.stdlib.get_logger()
        self.hub = MemoryHub(self.clock, Metrics(), self.log)
        phone = self.hub.connect(Identity(Role.PHONE))
        self.garage = Garage(records, phone, self.clock, CONFIG, RegistryConfig())

    async def own(self):
        values = {
            "car_id": CAR,
            "person_id": MIA,
            "key_id": "key",
            "first_grant": b"grant",
            "since_us": 1,
        }
        await self.records.transact(lambda c: c.execute(insert(owners).values(**values)))

    async def say(self, charge_percent: float, car_id: str = CAR):
        body = command_pb2.CarBody(
            epoch="e", locked=True, doors_open=["row1_left"], charge_percent=charge_percent
        )
        stamp(body, self.clock, self.random)
        car = self.hub.connect(Identity(Role.CAR, {"car_id": car_id}))
        await car.publish(topics.CAR_BODY, body, car_id=car_id)

    @contextlib.asynccontextmanager
    async def working(self, records=None):
        context = Context(
            machine_id="cell",
            service_name="twin",
            clock=self.clock,
            random=Random(2),
            bus=self.hub.connect(Identity(Role.TWIN)),
            records=records or self.records,
            keystore=SecretsInMemory(),
            metrics=Metrics(),
            log=self.log,
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={TwinConfig: CONFIG},
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(twin.run(context))
            try:
                yield
            finally:
                life.cancel()

    async def until_charge(self, percent: float):
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                body = await twin.read_body(self.records, CAR)
                if body is not None and body.charge_percent == percent:
                    return
                await asyncio.sleep(0.01)


@pytest.fixture
async def cell(records):
    cell = Cell(records)
    await cell.own()
    return cell


async def test_the_owner_sees_the_last_word_of_the_car_and_how_old_it_is(cell):
    async with cell.working():
        await cell.say(40.0)
        await cell.until_charge(40.0)
        await cell.say(41.0)
        await cell.until_charge(41.0)
    [car] = (await cell.garage.cars(MIA)).cars
    assert (car.car_id, car.online, car.grants) == (CAR, False, ["grant"])
    assert (car.body.charge_percent, car.body.doors_open) == (41.0, ["row1_left"])
    assert car.body.occurred_at.timestamp() * 1_000_000 == pytest.approx(cell.clock.now_us())


async def test_what_a_car_said_while_the_twin_was_away_is_on_record_when_it_is_back(cell):
    await cell.say(55.0)
    async with cell.working():
        await cell.until_charge(55.0)


async def test_records_that_were_away_cost_no_word_of_a_car(cell):
    async with cell.working(TroubledRecords(cell.records, troubles=3)):
        await cell.say(60.0)
        await cell.until_charge(60.0)


async def test_a_car_that_never_spoke_is_shown_without_a_body(cell):
    [car] = (await cell.garage.cars(MIA)).cars
    assert car.body is None


async def test_cars_of_others_answer_like_cars_that_do_not_exist(cell):
    assert (await cell.garage.cars(TOM)).cars == []
    said = []
    for car_id in (CAR, OTHER):
        with pytest.raises(NotFound) as refused:
            await cell.garage.car(car_id, TOM)
        said.append(str(refused.value))
    assert said[0] == said[1]


async def test_an_open_page_is_told_each_change_and_the_time(cell):
    events = cell.garage.live(CAR, MIA)
    async with cell.working():
        assert (await anext(events)).name == "car"
        await cell.say(70.0)
        async with asyncio.timeout(WAIT_S_MAX):
            seen = []
            while not any(e.name == "car" for e in seen) or not any(e.name == "tick" for e in seen):
                seen.append(await anext(events))
    await events.aclose()
    assert next(e for e in seen if e.name == "car").data.body.charge_percent == 70.0
