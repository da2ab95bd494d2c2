"""Hand-overs at the cell: what it brings to the factory, and whose a car is afterwards."""

import pytest

from monocoque.cloud.pairing import records as rows
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.pairing.service import maker_root
from monocoque.contracts import topics
from monocoque.contracts.errors import CredentialsRefused, LimitError
from monocoque.contracts.rights import PersonRole, Site
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.port import Identity
from monocoque.trust.documents import unverified_claim
from monocoque.trust.keys import SystemKeyMaker
from tests.cloud.owner import CAR, OTHER_CAR, Cell, until
from tests.fixtures.http import SecretsInMemory
from tests.fixtures.phone import Phone

PATH = f"/api/cars/{CAR}/hand-over"


async def new_phone(cell: Cell) -> Phone:
    phone = await cell.phone()
    phone.car_id = CAR
    return phone


async def state_of(phone: Phone, request: bytes) -> dict[str, object]:
    found = await phone.client.get(f"{PATH}/{unverified_claim(request, 'jti')}")
    return dict(found.json())


async def ask(phone: Phone, request: bytes) -> dict[str, object]:
    answer = await phone.client.post(PATH, json={"request": request.decode()})
    return dict(answer.json()) | {"status": answer.status_code}


async def test_a_request_is_brought_to_the_factory_as_it_is(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    request = cell.hand_over_request(phone)
    factory = cell.hub.connect(Identity(Role.FACTORY))
    consumer = await factory.consumer(topics.HAND_OVER_REQUESTS, "factory")
    answer = await ask(phone, request)
    (delivery,) = await consumer.fetch(10, 1.0)
    assert (answer["status"], answer["state"], answer["grant"]) == (202, "waiting", None)
    assert delivery.identifiers["car_id"] == CAR
    assert delivery.message.request == request


async def test_the_same_request_again_is_the_same_request(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    request = cell.hand_over_request(phone)
    factory = cell.hub.connect(Identity(Role.FACTORY))
    consumer = await factory.consumer(topics.HAND_OVER_REQUESTS, "factory")
    assert await ask(phone, request) == await ask(phone, request)
    assert len(await consumer.fetch(10, 0.2)) == 1


async def test_what_did_not_reach_the_bus_is_sent_later(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    factory = cell.hub.connect(Identity(Role.FACTORY))
    consumer = await factory.consumer(topics.HAND_OVER_REQUESTS, "factory")
    await cell.pairing_bus.close()
    answer = await ask(phone, cell.hand_over_request(phone))
    assert answer["state"] == "waiting"
    async with cell.living("pairing"):
        assert len(await consumer.fetch(10, 20.0)) == 1


async def test_a_car_that_is_asked_for_too_often_holds_up_its_own_requests_alone(clients, records):
    batch = 5
    cell = Cell(clients, records, pairing_config=PairingConfig(send_batch_requests=batch))
    factory = cell.hub.connect(Identity(Role.FACTORY))
    consumer = await factory.consumer(topics.HAND_OVER_REQUESTS, "factory")
    rate = topics.HAND_OVER_REQUESTS.rate_per_minute_max
    many = [(f"request-{number}", CAR) for number in range(rate + 10)]

    def add(connection):
        for asked_us, (request_id, car_id) in enumerate([*many, ("last", OTHER_CAR)]):
            own = {"request_id": request_id, "car_id": car_id, "asked_us": asked_us}
            told = {"person_id": "person", "document": b"request", "state": "waiting"}
            rows.add_request(connection, own | told)

    await records.transact(add)
    for _ in range(rate // batch):
        await cell.desk.send_unsent()
    with pytest.raises(LimitError):
        await cell.desk.send_unsent()
    sent = [each.identifiers["car_id"] for each in await consumer.fetch(500, 1.0)]
    assert sent == [CAR] * rate + [OTHER_CAR]
    cell.clock.advance(60)
    for _ in range(2):
        await cell.desk.send_unsent()
    assert len(await consumer.fetch(500, 1.0)) == 10


async def test_who_was_granted_a_car_owns_it(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
        own = (await owner.client.get("/api/own-cars")).json()["cars"]
    assert [(car["car_id"], car["key_id"]) for car in own] == [(CAR, owner.key.key_id)]
    assert own[0]["grants"] == [owner.grant.decode()]


async def test_a_refusal_of_the_factory_reaches_the_person(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    request = cell.hand_over_request(phone)
    await ask(phone, request)
    async with cell.living("pairing"):
        await cell.answer_hand_over(request, refusal_code="hand_over_proof_wrong")

        async def is_answered() -> bool:
            return (await state_of(phone, request))["state"] == "refused"

        await until(is_answered)
    assert (await state_of(phone, request))["refusal_code"] == "hand_over_proof_wrong"
    assert (await phone.client.get("/api/own-cars")).json()["cars"] == []


@pytest.mark.parametrize("what", ["another root", "another car", "another key", "junk"])
async def test_a_grant_that_does_not_hold_gives_nobody_a_car(clients, records, what):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    request = cell.hand_over_request(phone)
    await ask(phone, request)
    grant, expected = b"junk", "document_malformed"
    if what == "another root":
        cell.root = SystemKeyMaker().make("ES256")
        grant, expected = cell.grant_for(request), "key_unknown"
    elif what == "another car":
        grant, expected = cell.grant_for(request, OTHER_CAR), "document_audience_wrong"
    elif what == "another key":
        other = await new_phone(cell)
        grant = cell.grant_for(cell.hand_over_request(other))
    async with cell.living("pairing"):
        await cell.answer_hand_over(request, grant)

        async def is_answered() -> bool:
            return (await state_of(phone, request))["state"] == "refused"

        await until(is_answered)
    assert (await state_of(phone, request))["refusal_code"] == expected
    assert (await phone.client.get("/api/own-cars")).json()["cars"] == []


async def test_a_car_stays_with_its_first_owner(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
        second = await new_phone(cell)
        request = cell.hand_over_request(second)
        await ask(second, request)
        await cell.answer_hand_over(request, cell.grant_for(request))

        async def is_answered() -> bool:
            return (await state_of(second, request))["state"] == "refused"

        await until(is_answered)
        assert (await state_of(second, request))["refusal_code"] == "car_already_handed_over"
        assert len((await owner.client.get("/api/own-cars")).json()["cars"]) == 1


async def test_a_request_is_seen_by_the_person_who_asked_alone(clients, records):
    cell = Cell(clients, records)
    phone, other = await new_phone(cell), await new_phone(cell)
    request = cell.hand_over_request(phone)
    await ask(phone, request)
    assert (await state_of(other, request))["code"] == "not_found"
    assert (await ask(other, request))["code"] == "identifier_used"


async def test_a_request_that_is_plainly_wrong_is_refused_at_the_cell(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    request = cell.hand_over_request(phone)
    head, body, _ = request.split(b".")
    cases = {
        "junk": b"junk",
        "signature": b".".join([head, body, b"A" * 86]),
        "old": request,
    }
    phone.car_id = OTHER_CAR
    other = await ask(phone, cell.hand_over_request(phone))
    assert other["code"] == "document_malformed"
    cell.clock.advance(1_000)
    said = {name: (await ask(phone, document))["code"] for name, document in cases.items()}
    assert said == {
        "junk": "document_malformed",
        "signature": "signature_invalid",
        "old": "document_expired",
    }


async def test_nobody_asks_without_end(clients, records):
    config = PairingConfig(requests_per_day_max=2)
    cell = Cell(clients, records, pairing_config=config)
    phone = await new_phone(cell)
    said = [await ask(phone, cell.hand_over_request(phone)) for _ in range(3)]
    assert [answer["status"] for answer in said] == [202, 202, 429]
    cell.clock.advance(86_401)
    assert (await ask(phone, cell.hand_over_request(phone)))["status"] == 202


async def test_only_an_owner_on_the_phone_site_may_ask(clients, records):
    cell = Cell(clients, records)
    phone = await new_phone(cell)
    token = cell.sessions.open(Site.PHONE, PersonRole.SUPPORT)
    phone.client.headers["cookie"] = f"monocoque_session={token}"
    assert (await ask(phone, cell.hand_over_request(phone)))["code"] == "not_allowed"


def test_a_cell_without_the_makers_root_says_so():
    damaged = SecretsInMemory()
    damaged.write("trusted-maker-root", b"{}")
    for secrets in (SecretsInMemory(), damaged):
        with pytest.raises(CredentialsRefused):
            maker_root(secrets)
