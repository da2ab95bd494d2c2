"""The desk brings hand-overs to the factory, and believes only what the maker root signed."""

import asyncio
import contextlib
import json
from random import Random
from typing import cast

import pytest
import structlog

from monocoque.cloud.pairing import service as pairing
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.contracts import identifiers, topics
from monocoque.contracts.errors import (
    BusUnavailable,
    CarAlreadyHandedOver,
    DocumentMalformed,
    IdentifierUsed,
    NotFound,
    SignatureInvalid,
    TooManyRequests,
)
from monocoque.contracts.identifiers import CarId, PersonId
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Bus, Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import SeededKeyMaker
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import SettableClock

CAR = CarId("car_0123456789abcdefghjkmnpqrs")
OTHER_CAR = CarId("car_1123456789abcdefghjkmnpqrs")
MIA = PersonId("person_0123456789abcdefghjkmnpqrs")
TOM = PersonId("person_1123456789abcdefghjkmnpqrs")
CODE = "A" * 22
CONFIG = PairingConfig(
    requests_per_day_max=3, send_interval_s=0.05, answers_wait_s=0.05, retry_s=0.05
)
WAIT_S_MAX = 20.0


class DeafBus:
    """A connection that is away."""

    async def publish(self, *_arguments, **_identifiers):
        raise BusUnavailable("The bus is away.")


class Cell:
    """The desk with its records and bus, and a factory that says what a test wants."""

    def __init__(self, records) -> None:
        self.records = records
        self.clock, self.random = SettableClock(), Random(1)
        self.log, self.keystore = structlog.stdlib.get_logger(), SecretsInMemory()
        self.hub = MemoryHub(self.clock, Metrics(), self.log)
        self.bus = self.hub.connect(Identity(Role.PAIRING))
        self.factory = self.hub.connect(Identity(Role.FACTORY))
        self.maker = SeededKeyMaker(Random(2).randbytes)
        self.root, self.owner = self.maker.make("ES256"), self.maker.make("ES256")
        self.keystore.write(
            pairing.TRUSTED_MAKER_ROOT, json.dumps(dict(self.root.public_jwk)).encode()
        )
        self.desk = pairing.Desk(records, self.bus, self.clock, self.random, CONFIG)

    def request(self, owner=None, car_id=CAR):
        request_id = identifiers.make("message", self.random.getrandbits)
        now_s = self.clock.now_us() // 1_000_000
        return sign_hand_over(owner or self.owner, car_id, CODE, request_id, now_s)

    def grant(self, signer=None, owner=None):
        keys = CarKeys(*(self.maker.make("ES256").public_jwk for _ in range(2)))
        grant_id = identifiers.make("grant", self.random.getrandbits)
        jwk = (owner or self.owner).public_jwk
        now_s = self.clock.now_us() // 1_000_000
        return sign_root_grant(signer or self.root, grant_id, CAR, jwk, keys, now_s)

    async def answer(self, row, grant=b"", refusal_code=""):
        message = command_pb2.HandOverAnswer(
            request_id=row.request_id, grant=grant, refusal_code=refusal_code
        )
        stamp(message, self.clock, self.random)
        await self.factory.publish(topics.HAND_OVER_ANSWERS, message, car_id=CAR)

    async def settled(self, row):
        """The request, once it was answered."""
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                found = await self.desk.find(row.car_id, row.person_id, row.request_id)
                if found.state != pairing.WAITING:
                    return found
                await asyncio.sleep(0.01)

    @contextlib.asynccontextmanager
    async def working(self):
        context = Context(
            machine_id="cell",
            service_name="pairing",
            clock=self.clock,
            random=Random(3),
            bus=self.bus,
            records=self.records,
            keystore=self.keystore,
            metrics=Metrics(),
            log=self.log,
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={PairingConfig: CONFIG},
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(pairing.run(context))
            try:
                yield
            finally:
                life.cancel()


@pytest.fixture
def cell(records):
    return Cell(records)


async def test_a_granted_car_is_the_persons_who_asked_and_nobody_elses(cell):
    async with cell.working():
        row = await cell.desk.ask(CAR, MIA, cell.request())
        await cell.answer(row, cell.grant())
        assert (await cell.settled(row)).state == pairing.GRANTED
    owned = await pairing.find_own_car(cell.records, CAR, MIA)
    assert owned.key_id == cell.owner.key_id
    assert [car.car_id for car in await pairing.own_cars(cell.records, MIA)] == [CAR]
    assert await pairing.own_cars(cell.records, TOM) == []


async def test_a_car_of_somebody_else_answers_like_one_that_does_not_exist(cell):
    async with cell.working():
        row = await cell.desk.ask(CAR, MIA, cell.request())
        await cell.answer(row, cell.grant())
        await cell.settled(row)
    said = []
    for car_id in (CAR, OTHER_CAR):
        with pytest.raises(NotFound) as refused:
            await pairing.find_own_car(cell.records, car_id, TOM)
        said.append(str(refused.value))
    assert said[0] == said[1]


@pytest.mark.parametrize("broken", ["foreign root", "another key", "no document"])
async def test_a_grant_that_the_maker_did_not_sign_for_this_key_makes_nobody_an_owner(cell, broken):
    grants = {
        "foreign root": cell.grant(signer=cell.maker.make("ES256")),
        "another key": cell.grant(owner=cell.maker.make("ES256")),
        "no document": b"grant",
    }
    async with cell.working():
        row = await cell.desk.ask(CAR, MIA, cell.request())
        await cell.answer(row, grants[broken])
        assert (await cell.settled(row)).state == pairing.REFUSED
    assert await pairing.owner_of(cell.records, CAR) is None


async def test_the_factorys_refusal_is_told_by_its_code(cell):
    async with cell.working():
        row = await cell.desk.ask(CAR, MIA, cell.request())
        await cell.answer(row, refusal_code="hand_over_proof_wrong")
        assert (await cell.settled(row)).refusal_code == "hand_over_proof_wrong"


async def test_a_car_stays_with_its_first_owner(cell):
    async with cell.working():
        first = await cell.desk.ask(CAR, MIA, cell.request())
        await cell.answer(first, cell.grant())
        await cell.settled(first)
        second = await cell.desk.ask(CAR, TOM, cell.request())
        await cell.answer(second, cell.grant())
        refused = await cell.settled(second)
    assert refused.refusal_code == CarAlreadyHandedOver.code
    assert (await pairing.owner_of(cell.records, CAR)).person_id == MIA


async def test_a_request_that_could_not_be_sent_at_once_is_sent_later(cell):
    away = pairing.Desk(cell.records, cast(Bus, DeafBus()), cell.clock, cell.random, CONFIG)
    row = await away.ask(CAR, MIA, cell.request())
    consumer = await cell.factory.consumer(topics.HAND_OVER_REQUESTS, "factory")
    assert await consumer.fetch(1, 0.0) == []
    async with cell.working():
        [delivery] = await consumer.fetch(1, WAIT_S_MAX)
    assert delivery.message.request == bytes(row.document)


async def test_the_same_request_again_is_the_same_and_a_stranger_cannot_use_its_name(cell):
    request = cell.request()
    first = await cell.desk.ask(CAR, MIA, request)
    again = await cell.desk.ask(CAR, MIA, request)
    assert first.request_id == again.request_id
    with pytest.raises(IdentifierUsed):
        await cell.desk.ask(CAR, TOM, request)
    with pytest.raises(NotFound):
        await cell.desk.find(CAR, TOM, first.request_id)


async def test_nobody_asks_more_often_in_a_day_than_the_limit(cell):
    for _ in range(CONFIG.requests_per_day_max):
        await cell.desk.ask(CAR, MIA, cell.request())
    with pytest.raises(TooManyRequests):
        await cell.desk.ask(CAR, MIA, cell.request())
    await cell.desk.ask(CAR, TOM, cell.request())


async def test_what_the_cell_can_see_to_be_wrong_is_refused_at_once(cell):
    with pytest.raises(DocumentMalformed):
        await cell.desk.ask(CAR, MIA, cell.request(car_id=OTHER_CAR))
    head, claims, signature = cell.request().split(b".")
    forged = b".".join((head, claims, signature[:-4] + b"AAAA"))
    with pytest.raises(SignatureInvalid):
        await cell.desk.ask(CAR, MIA, forged)
