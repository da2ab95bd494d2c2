"""The factory hands each car over once: to the first key that proves the car's code."""

import asyncio
import contextlib
from random import Random

import pytest
import structlog

from monocoque.contracts import identifiers, topics
from monocoque.contracts.errors import (
    CarAlreadyEnrolled,
    CarAlreadyHandedOver,
    CredentialsRefused,
    DocumentMalformed,
    HandOverProofWrong,
    HandOverTriesSpent,
    NotFound,
)
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.memory import MemoryHub
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.shop.build import service as build
from monocoque.shop.build.config import BuildConfig
from monocoque.trust.grants import CarKeys, car_keys, read_chain
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import SeededKeyMaker, thumbprint
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import SettableClock

CAR = CarId("car_0123456789abcdefghjkmnpqrs")
OTHER = CarId("car_1123456789abcdefghjkmnpqrs")
WAIT_S_MAX = 20.0
TRIES_MAX = 3


class Factory:
    """A factory with one car on record, on a bus of its own."""

    def __init__(self, records) -> None:
        self.records = records
        self.clock = SettableClock()
        self.random = Random(3)
        self.own, self.cell = SecretsInMemory(), SecretsInMemory()
        self.maker = SeededKeyMaker(Random(4).randbytes)
        build.make_keys(self.own, self.cell, self.maker)
        self.keys = CarKeys(*(self.maker.make("ES256").public_jwk for _ in range(2)))
        self.log = structlog.stdlib.get_logger()
        self.hub = MemoryHub(self.clock, Metrics(), self.log)
        self.desk = self.hub.connect(Identity(Role.PAIRING))

    async def paper(self):
        await build.put_on_record(self.records, CAR, self.keys, self.clock, self.random)
        return await build.hand_over_paper(self.records, self.own, None)

    def request(self, owner, code, car_id=CAR):
        request_id = identifiers.make("message", self.random.getrandbits)
        now_s = self.clock.now_us() // 1_000_000
        return sign_hand_over(owner, car_id, code, request_id, now_s)

    def owner(self):
        return self.maker.make("ES256")

    @contextlib.asynccontextmanager
    async def working(self):
        context = Context(
            machine_id="factory",
            service_name="build",
            clock=self.clock,
            random=self.random,
            bus=self.hub.connect(Identity(Role.FACTORY)),
            records=self.records,
            keystore=self.own,
            metrics=Metrics(),
            log=self.log,
            disk_free_bytes=lambda: 0,
            software_version="1",
            configs={BuildConfig: BuildConfig(wrong_tries_max=TRIES_MAX, requests_wait_s=0.05)},
        )
        async with asyncio.TaskGroup() as group:
            life = group.create_task(build.run(context))
            try:
                yield await self.desk.consumer(topics.HAND_OVER_ANSWERS, "pairing")
            finally:
                life.cancel()

    async def ask(self, answers, request, car_id=CAR):
        """What the factory answers to a request."""
        message = command_pb2.HandOverRequest(request=request)
        stamp(message, self.clock, self.random)
        await self.desk.publish(topics.HAND_OVER_REQUESTS, message, car_id=car_id)
        [delivery] = await answers.fetch(1, WAIT_S_MAX)
        await answers.acknowledge([delivery])
        return delivery.message


@pytest.fixture
def factory(records):
    return Factory(records)


async def test_the_first_key_that_proves_the_code_gets_every_right_in_the_car(factory):
    paper, owner = await factory.paper(), factory.owner()
    async with factory.working() as answers:
        answer = await factory.ask(answers, factory.request(owner, paper.code))
    [grant] = read_chain([answer.grant], build.maker_root(factory.own), CAR)
    assert grant.key_id == owner.key_id
    assert car_keys(grant) == factory.keys
    assert paper.root_key_id == thumbprint(build.maker_root(factory.own))


async def test_the_same_key_gets_the_same_grant_again_and_another_key_none(factory):
    paper, owner = await factory.paper(), factory.owner()
    async with factory.working() as answers:
        first = await factory.ask(answers, factory.request(owner, paper.code))
        again = await factory.ask(answers, factory.request(owner, paper.code))
        other = await factory.ask(answers, factory.request(factory.owner(), paper.code))
    assert first.grant == again.grant
    assert (other.grant, other.refusal_code) == (b"", CarAlreadyHandedOver.code)
    with pytest.raises(CarAlreadyHandedOver):
        await build.hand_over_paper(factory.records, factory.own, CAR)


async def test_wrong_codes_are_counted_and_have_an_end_even_for_the_right_one(factory):
    paper, owner = await factory.paper(), factory.owner()
    wrong = "A" * 21 + "A"
    async with factory.working() as answers:
        codes = [
            (await factory.ask(answers, factory.request(owner, wrong))).refusal_code
            for _ in range(TRIES_MAX)
        ]
        last = await factory.ask(answers, factory.request(owner, paper.code))
    assert codes == [HandOverProofWrong.code] * TRIES_MAX
    assert last.refusal_code == HandOverTriesSpent.code


async def test_one_wrong_request_that_comes_many_times_counts_once(factory):
    paper, owner = await factory.paper(), factory.owner()
    wrong = factory.request(owner, "A" * 22)
    async with factory.working() as answers:
        for _ in range(TRIES_MAX + 1):
            await factory.ask(answers, wrong)
        right = await factory.ask(answers, factory.request(owner, paper.code))
    assert right.grant


async def test_a_request_for_another_car_or_of_no_form_disturbs_nobody(factory):
    paper, owner = await factory.paper(), factory.owner()
    async with factory.working() as answers:
        unknown = await factory.ask(answers, factory.request(owner, paper.code, OTHER), OTHER)
        swapped = await factory.ask(answers, factory.request(owner, paper.code, OTHER))
        message = command_pb2.HandOverRequest(request=b"no document")
        stamp(message, factory.clock, factory.random)
        await factory.desk.publish(topics.HAND_OVER_REQUESTS, message, car_id=CAR)
        right = await factory.ask(answers, factory.request(owner, paper.code))
    assert unknown.refusal_code == NotFound.code
    assert swapped.refusal_code == DocumentMalformed.code
    assert right.grant


async def test_a_car_keeps_its_code_and_its_keys(factory):
    paper = await factory.paper()
    assert (await factory.paper()).code == paper.code
    factory.keys = CarKeys(sign=factory.owner().public_jwk, seal=factory.keys.seal)
    with pytest.raises(CarAlreadyEnrolled):
        await factory.paper()


async def test_there_is_no_paper_for_a_car_that_was_never_made(factory):
    with pytest.raises(NotFound):
        await build.hand_over_paper(factory.records, factory.own, OTHER)


def test_keys_that_are_there_are_kept_and_the_cell_has_their_public_halves():
    own, cell = SecretsInMemory(), SecretsInMemory()
    maker = SeededKeyMaker(Random(5).randbytes)
    build.make_keys(own, cell, maker)
    before = {name: own.read(name) for name in own.names()}
    build.make_keys(own, cell, maker)
    assert {name: own.read(name) for name in own.names()} == before
    trusted = cell.read(build.TRUSTED_MAKER_ROOT).decode()
    assert trusted == build.public_text(build.maker_root(own))
    assert '"d"' not in trusted


def test_a_factory_that_lost_its_key_says_so():
    with pytest.raises(CredentialsRefused) as refused:
        build.maker_root(SecretsInMemory())
    assert "copy" in refused.value.hint
