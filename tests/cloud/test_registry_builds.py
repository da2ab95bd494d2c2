"""What the registry keeps of cars as they were built, and what it refuses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import structlog

from monocoque.cloud.registry import records as rows
from monocoque.cloud.registry import service
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.registry.web import BuiltCars
from monocoque.contracts.documents import AS_BUILT
from monocoque.contracts.errors import KeyUnknown, NotFound
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import BUILD_EVENTS, Role
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.documents import sign
from monocoque.trust.keys import SystemKeyMaker
from tests.fixtures.http import SecretsInMemory, SettableClock

CAR = CarId("car_0123456789abcdefghjkmnpqrs")
OTHER = CarId("car_1123456789abcdefghjkmnpqrs")
ORDER = "order_0123456789abcdefghjkmnpqrs"
VIN = "GAMA7SE17TA000001"
BOM = {
    "components": [
        {
            "name": "body",
            "components": [
                {
                    "name": "body-software",
                    "version": "7.1.0",
                    "supplier": {"name": "Arden Motors"},
                    "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
                }
            ],
        },
        {"name": "a unit without software"},
        {"name": "brake", "components": [{"name": "brake-software"}]},
    ]
}
WAIT_S_MAX = 20.0
MAKER = SystemKeyMaker()


class Cell:
    """A registry, and a factory that tells it of cars."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.clock = SettableClock()
        self.random = Random(1)
        self.metrics = Metrics()
        self.factory_key = MAKER.make("ES256")
        self.secrets = SecretsInMemory()
        self.trust_factory()
        self.hub = MemoryHub(self.clock, self.metrics, structlog.stdlib.get_logger())
        self.factory = self.hub.connect(Identity(Role.FACTORY))

    def trust_factory(self) -> None:
        public = json.dumps(dict(self.factory_key.public_jwk)).encode()
        self.secrets.write("trusted-factory-key", public)

    def record(self, **other: Any) -> bytes:
        """A record as the factory signs it, with other claims where named."""
        claims = {
            "iss": "factory",
            "sub": CAR,
            "iat": self.clock.now_us() // 1_000_000,
            "vin": VIN,
            "order": ORDER,
            "bom": BOM,
        }
        return sign(AS_BUILT, claims | other, self.factory_key)

    async def tell(self, document: bytes, car_id: str = CAR, order_id: str = ORDER) -> None:
        event = order_pb2.BuildEvent(sequence=3, state="built", car_id=car_id, as_built=document)
        stamp(event, self.clock, self.random)
        await self.factory.publish(BUILD_EVENTS, event, order_id=order_id)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        context = Context(
            machine_id="cell",
            service_name="registry",
            clock=self.clock,
            random=Random(2),
            bus=self.hub.connect(Identity(Role.REGISTRY)),
            records=self.records,
            keystore=self.secrets,
            metrics=self.metrics,
            log=structlog.stdlib.get_logger(),
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={RegistryConfig: RegistryConfig(events_wait_s=0.05, retry_s=0.02)},
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(service.run(context))
            try:
                yield
            finally:
                life.cancel()

    async def kept(self, car_id: CarId = CAR) -> bytes:
        """The record of a car, as soon as there is one."""
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                with contextlib.suppress(NotFound):
                    return await service.read_as_built(self.records, car_id)
                await asyncio.sleep(0.005)

    async def refused(self, code: str) -> None:
        """Wait until the registry has counted this refusal."""
        line = f'code="{code}",where="registry"}}'.encode()
        async with asyncio.timeout(WAIT_S_MAX):
            while line not in self.metrics.text():
                await asyncio.sleep(0.005)

    def built_cars(self) -> BuiltCars:
        return BuiltCars(self.records, service.trusted_factory_key(self.secrets))


async def test_the_record_of_a_car_is_kept_as_it_was_signed_and_read_with_its_software(records):
    cell = Cell(records)
    document = cell.record()
    async with cell.living():
        await cell.tell(b"")
        await cell.tell(document)
        assert await cell.kept() == document
    shown = await cell.built_cars().read(CAR)
    assert (shown.vin, shown.order_id, shown.document) == (VIN, ORDER, document.decode())
    assert [(each.unit, each.version, each.supplier, each.sha256) for each in shown.software] == [
        ("body", "7.1.0", "Arden Motors", "ab" * 32),
        ("brake", "", "", ""),
    ]


async def test_a_car_that_was_made_without_an_order_has_no_record(records):
    with pytest.raises(NotFound):
        await Cell(records).built_cars().read(CAR)


async def test_the_first_record_of_a_car_stays_and_comes_as_often_as_it_likes(records):
    cell = Cell(records)
    first = cell.record()
    async with cell.living():
        await cell.tell(first)
        await cell.tell(first)
        await cell.tell(cell.record(bom={}))
        await cell.refused("identifier_used")
    assert await cell.kept() == first
    assert len(await records.transact(lambda c: c.execute(rows.as_built.select()).all())) == 1


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": OTHER}, "document_malformed"),
        ({"order": "order_1123456789abcdefghjkmnpqrs"}, "document_malformed"),
        ({"vin": "GAM"}, "document_malformed"),
        ({"vin": 17}, "document_malformed"),
    ],
)
async def test_a_record_that_does_not_fit_its_message_is_refused(records, claims, code):
    cell = Cell(records)
    async with cell.living():
        await cell.tell(cell.record(**claims))
        await cell.refused(code)
        await cell.tell(cell.record())
        await cell.kept()


async def test_a_record_that_another_key_signed_is_refused_and_stops_nothing(records):
    cell = Cell(records)
    right, cell.factory_key = cell.record(), MAKER.make("ES256")
    forged = cell.record()
    async with cell.living():
        await cell.tell(forged)
        await cell.tell(b"junk")
        await cell.refused("key_unknown")
        await cell.tell(right)
        assert await cell.kept() == right
    cell.trust_factory()
    with pytest.raises(KeyUnknown):
        await cell.built_cars().read(CAR)


async def test_no_two_cars_have_one_number(records):
    cell = Cell(records)
    async with cell.living():
        await cell.tell(cell.record())
        await cell.tell(cell.record(sub=OTHER), OTHER)
        await cell.refused("identifier_used")
    assert await cell.kept() == cell.record()
    with pytest.raises(NotFound):
        await service.read_as_built(records, OTHER)


@pytest.mark.parametrize("kept", [None, b"junk", b"{}"])
async def test_a_record_waits_until_the_cell_knows_the_factory(records, kept):
    cell = Cell(records)
    del cell.secrets.secrets["trusted-factory-key"]
    if kept is not None:
        cell.secrets.write("trusted-factory-key", kept)
    document = cell.record()
    async with cell.living():
        await cell.tell(document)
        await cell.refused("credentials_refused")
        cell.trust_factory()
        assert await cell.kept() == document
