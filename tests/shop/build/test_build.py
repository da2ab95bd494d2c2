"""The factory: what it knows of its cars, whom it hands one over to, and whom it refuses."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import select

from monocoque.contracts.errors import (
    CarAlreadyEnrolled,
    CarAlreadyHandedOver,
    CredentialsRefused,
    NotFound,
)
from monocoque.contracts.topics import HAND_OVER_ANSWERS, HAND_OVER_REQUESTS, Role
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Identity
from monocoque.shop.build import service as build
from monocoque.shop.build.records import tries
from monocoque.trust.grants import car_keys, read_chain
from monocoque.trust.keys import load_key
from tests.fixtures.http import SecretsInMemory
from tests.shop.build.stand import CAR, CONFIG, KEYS, OTHER, WAIT_S_MAX, Factory, new_key

WRONG_CODE = "A" * 22


async def test_who_proves_the_code_gets_every_right_in_the_car(records):
    factory, owner = Factory(records), new_key()
    code = await factory.make_car()
    async with factory.running():
        answer = await factory.ask(factory.request(owner, code))
    root = load_key(factory.secrets.secrets["maker-root"]).public_jwk
    chain = read_chain([answer.grant], root, CAR)
    assert answer.refusal_code == ""
    assert chain[0].key_id == owner.key_id
    assert car_keys(chain[0]) == factory.car_keys


async def test_the_same_key_gets_the_same_grant_again(records):
    factory, owner = Factory(records), new_key()
    code = await factory.make_car()
    async with factory.running():
        first = await factory.ask(factory.request(owner, code))
        factory.clock.advance(3_600)
        second = await factory.ask(factory.request(owner, code))
    assert first.grant == second.grant != b""


async def test_another_key_is_refused_once_the_car_was_handed_over(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        await factory.ask(factory.request(new_key(), code))
        answer = await factory.ask(factory.request(new_key(), code))
    assert (answer.grant, answer.refusal_code) == (b"", "car_already_handed_over")
    with pytest.raises(CarAlreadyHandedOver):
        await build.hand_over_paper(records, factory.secrets, CAR)


async def close_the_car(factory: Factory) -> None:
    """As many wrong codes as are borne, a minute apart."""
    for _ in range(CONFIG.wrong_tries_max):
        answer = await factory.ask(factory.request(new_key(), WRONG_CODE))
        assert answer.refusal_code == "hand_over_proof_wrong"
        factory.clock.advance(60)


async def test_too_many_wrong_codes_close_the_hand_over_even_to_the_right_one(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        await close_the_car(factory)
        said = [await factory.ask(factory.request(new_key(), code)) for _ in range(2)]
    assert [each.refusal_code for each in said] == ["hand_over_tries_spent"] * 2
    assert all(each.grant == b"" for each in said)


async def test_a_closed_hand_over_opens_by_itself_when_the_first_wrong_code_is_old(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        await close_the_car(factory)
        factory.clock.advance(CONFIG.wrong_tries_window_s - 60 * CONFIG.wrong_tries_max - 1)
        early = await factory.ask(factory.request(new_key(), code))
        factory.clock.advance(1)
        answer = await factory.ask(factory.request(new_key(), code))
    assert early.refusal_code == "hand_over_tries_spent"
    assert answer.refusal_code == ""
    assert answer.grant


async def test_what_is_asked_while_it_is_closed_keeps_it_closed_no_longer(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        await close_the_car(factory)
        for _ in range(2 * CONFIG.wrong_tries_max):
            answer = await factory.ask(factory.request(new_key(), WRONG_CODE))
            assert answer.refusal_code == "hand_over_tries_spent"
        factory.clock.advance(CONFIG.wrong_tries_window_s)
        answer = await factory.ask(factory.request(new_key(), code))
    assert answer.refusal_code == ""


async def test_wrong_codes_of_one_car_close_no_other_and_are_not_kept_for_ever(records):
    factory = Factory(records)
    await factory.make_car()
    other = await factory.make_car(OTHER)
    async with factory.running():
        await close_the_car(factory)
        answer = await factory.ask(factory.request(new_key(), other, OTHER), OTHER)
        factory.clock.advance(CONFIG.wrong_tries_window_s)
        await factory.ask(factory.request(new_key(), WRONG_CODE))
    assert answer.refusal_code == ""
    assert len(await records.transact(lambda c: c.execute(select(tries)).all())) == 1


async def test_a_clock_that_was_set_back_leaves_no_car_closed(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        factory.clock.advance(86_400 * 365)
        await close_the_car(factory)
        factory.clock.advance(-86_400 * 365)
        answer = await factory.ask(factory.request(new_key(), code))
    assert answer.refusal_code == ""


def test_who_asks_too_often_is_told_when_the_car_opens_again():
    error = build.tries_spent(59 * 60_000_000 + 1)
    assert (error.temporary, error.may_have_happened) == (True, False)
    assert "60 min" in error.hint


async def test_a_wrong_request_that_comes_twice_is_one_try(records):
    factory = Factory(records)
    code = await factory.make_car()
    async with factory.running():
        wrong = factory.request(new_key(), WRONG_CODE)
        for _ in range(CONFIG.wrong_tries_max + 1):
            await factory.ask(wrong)
        answer = await factory.ask(factory.request(new_key(), code))
    assert answer.refusal_code == ""


async def test_a_car_that_was_never_made_is_not_found(records):
    factory = Factory(records)
    async with factory.running():
        answer = await factory.ask(factory.request(new_key(), WRONG_CODE, OTHER), OTHER)
    assert answer.refusal_code == "not_found"


async def test_a_request_for_another_car_or_too_old_is_refused(records):
    factory, owner = Factory(records), new_key()
    code = await factory.make_car()
    await factory.make_car(OTHER)
    async with factory.running():
        other = await factory.ask(factory.request(owner, code, CAR), OTHER)
        old = factory.request(owner, code)
        factory.clock.advance(1_000)
        late = await factory.ask(old)
    assert other.refusal_code == "document_malformed"
    assert late.refusal_code == "document_expired"


async def test_what_is_no_document_is_not_answered_and_stops_nothing(records):
    factory, owner = Factory(records), new_key()
    code = await factory.make_car()
    async with factory.running():
        junk = command_pb2.HandOverRequest(request=b"junk")
        stamp(junk, factory.clock, factory.random)
        await factory.bus.publish(HAND_OVER_REQUESTS, junk, car_id=CAR)
        assert (await factory.ask(factory.request(owner, code))).refusal_code == ""


async def test_a_car_that_is_answered_as_often_as_may_be_holds_up_no_other(records):
    factory = Factory(records)
    rate = HAND_OVER_ANSWERS.rate_per_minute_max
    for car_id, count in ((CAR, rate + 5), (OTHER, 1)):
        document = factory.request(new_key(), WRONG_CODE, car_id)
        for _ in range(count):
            message = command_pb2.HandOverRequest(request=document)
            stamp(message, factory.clock, factory.random)
            bus = factory.hub.connect(Identity(Role.PAIRING))  # each has its own rate
            await bus.publish(HAND_OVER_REQUESTS, message, car_id=car_id)
    consumer = await factory.bus.consumer(HAND_OVER_ANSWERS, "pairing")
    answered: Counter[str] = Counter()

    async def until(car_id: str, count: int) -> None:
        async with asyncio.timeout(WAIT_S_MAX):
            while answered[car_id] < count:
                found = await consumer.fetch(100, 1.0)
                await consumer.acknowledge(found)
                answered.update(each.identifiers["car_id"] for each in found)

    async with factory.running():
        await until(OTHER, 1)
        assert answered[CAR] <= rate
        factory.clock.advance(60)
        await until(CAR, rate + 5)


async def test_a_car_keeps_its_code_and_its_keys(records):
    factory = Factory(records)
    assert await factory.make_car() == await factory.make_car()
    factory.car_keys = replace(factory.car_keys, seal=new_key().public_jwk)
    with pytest.raises(CarAlreadyEnrolled):
        await factory.make_car()


async def test_the_paper_is_of_the_oldest_car_when_none_is_named(records):
    factory = Factory(records)
    with pytest.raises(NotFound):
        await build.hand_over_paper(records, factory.secrets, None)
    await factory.make_car(OTHER)
    factory.clock.advance(1)
    await factory.make_car(CAR)
    paper = await build.hand_over_paper(records, factory.secrets, None)
    assert paper.car_id == OTHER
    assert paper.root_key_id == load_key(factory.secrets.secrets["maker-root"]).key_id


def test_the_cell_has_the_public_halves_alone():
    own, cell = SecretsInMemory(), SecretsInMemory()
    build.make_keys(own, cell, KEYS)
    build.make_keys(own, cell, KEYS)
    assert cell.names() == ["trusted-factory-key", "trusted-maker-root"]
    assert all(b'"d"' not in cell.secrets[name] for name in cell.names())


def test_a_factory_without_its_keys_says_so():
    with pytest.raises(CredentialsRefused):
        build.maker_root(SecretsInMemory())
    damaged = SecretsInMemory()
    damaged.secrets["maker-root"] = b"{"
    with pytest.raises(CredentialsRefused):
        build.maker_root(damaged)
