"""People add passkeys, sign in with them, and remove them; on both stores."""

import asyncio
import contextlib
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, func, select

from monocoque.contracts.rights import Site
from monocoque.phone.passkeys import records as rows
from tests.fixtures.http import CellUnderTest
from tests.fixtures.records import RecordsFactory
from tests.phone.authenticator import Authenticator

SITES = (Site.SHOP, Site.PHONE, Site.CONSOLE)


def device_for(client: httpx.AsyncClient, **settings: Any) -> Authenticator:
    origin = str(client.base_url).rstrip("/")
    host = client.base_url.host
    return Authenticator(**{"host": host, "origin": origin, **settings})


async def make(client: httpx.AsyncClient, device: Authenticator) -> httpx.Response:
    options = (await client.post("/api/me/passkeys/options")).json()["public_key"]
    return await client.post(
        "/api/me/passkeys", json={"name": "This browser", **device.make(options)}
    )


async def ask(client: httpx.AsyncClient) -> dict[str, Any]:
    options: dict[str, Any] = (await client.post("/api/session/passkey/options")).json()
    return options["public_key"]


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def count(cell: CellUnderTest, table: str) -> int:
    def work(connection: Connection) -> int:
        return connection.execute(
            select(func.count()).select_from(rows.metadata.tables[table])
        ).scalar_one()

    return await cell.records.transact(work)


@pytest.mark.parametrize("site", SITES)
async def test_a_passkey_that_was_added_signs_its_person_in_next_time(
    cell: CellUnderTest, site: Site
) -> None:
    client = await cell.signed_in(site)
    device = device_for(client)
    added = await make(client, device)
    next_time = await cell.client(site)

    answer = await next_time.post("/api/session/passkey", json=device.use(await ask(next_time)))

    assert added.status_code == 201
    assert answer.status_code == 204
    assert "HttpOnly" in answer.headers["set-cookie"]
    me = (await next_time.get("/api/me")).json()
    assert me["person_id"] == (await client.get("/api/me")).json()["person_id"]
    listed = (await next_time.get("/api/me/passkeys")).json()["passkeys"]
    assert [each["name"] for each in listed] == ["This browser"]
    assert listed[0]["last_used_at"] is not None


async def test_one_answer_signs_in_once_however_often_it_is_sent(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    where = await records_factory.new_where()
    cells = [CellUnderTest(clients, records_factory.open(where), seed=n) for n in range(3)]
    client = await cells[0].signed_in(Site.PHONE)
    device = device_for(client)
    await make(client, device)
    browsers = [await cell.client(Site.PHONE) for cell in cells for _ in range(3)]
    body = device.use(await ask(browsers[0]))

    answers = await asyncio.gather(
        *(browser.post("/api/session/passkey", json=body) for browser in browsers)
    )

    assert sorted(answer.status_code for answer in answers) == [204] + [401] * 8
    assert await count(cells[0], "passkeys_challenges") == 0


async def test_a_spent_a_late_and_a_foreign_challenge_are_refused(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    device = device_for(client)
    await make(client, device)
    stranger = await cell.client(Site.PHONE)
    spent = device.use(await ask(stranger))
    assert (await stranger.post("/api/session/passkey", json=spent)).status_code == 204

    late = device.use(await ask(stranger))
    cell.clock.advance(cell.accounts_config.challenge_lifetime_s)
    own = device.use({"challenge": "A" * 43})
    elsewhere = device.use(await ask(await cell.client(Site.SHOP)))
    to_add = (await client.post("/api/me/passkeys/options")).json()["public_key"]

    for body in (spent, late, own, elsewhere, device.use(to_add)):
        refused = await stranger.post("/api/session/passkey", json=body)
        assert code_of(refused) == (401, "passkey_refused")
        assert "set-cookie" not in refused.headers


async def test_a_wrong_answer_spends_its_challenge(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    device = device_for(client)
    await make(client, device)
    options = await ask(client)
    good = device.use(options)
    wrong = {**good, "signature": device.use(options)["signature"][:-4] + "AAAA"}

    first = await client.post("/api/session/passkey", json=wrong)
    second = await client.post("/api/session/passkey", json=good)

    assert code_of(first) == code_of(second) == (401, "passkey_refused")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"origin": "http://evil.localhost:8000"}, id="another origin"),
        pytest.param({"host": "console.localhost"}, id="another host"),
        pytest.param({"flags": 0x01}, id="nobody verified"),
    ],
)
async def test_a_passkey_made_wrongly_is_not_kept(
    cell: CellUnderTest, wrong: dict[str, Any]
) -> None:
    client = await cell.signed_in(Site.PHONE)

    refused = await make(client, device_for(client, **wrong))

    assert code_of(refused) == (401, "passkey_refused")
    assert await count(cell, "passkeys_keys") == 0


async def test_a_removed_passkey_opens_nothing_and_only_its_person_removes_it(
    cell: CellUnderTest,
) -> None:
    client = await cell.signed_in(Site.PHONE)
    other = await cell.signed_in(Site.CONSOLE)
    device = device_for(client)
    passkey_id = (await make(client, device)).json()["passkey_id"]

    by_other = await other.delete(f"/api/me/passkeys/{passkey_id}")
    by_owner = await client.delete(f"/api/me/passkeys/{passkey_id}")
    again = await client.delete(f"/api/me/passkeys/{passkey_id}")
    after = await client.post("/api/session/passkey", json=device.use(await ask(client)))

    assert code_of(by_other) == (404, "not_found")
    assert by_owner.status_code == 204
    assert code_of(again) == (404, "not_found")
    assert code_of(after) == (401, "passkey_refused")
    assert (await client.get("/api/me/passkeys")).json() == {"passkeys": []}


async def test_a_passkey_is_on_record_once_and_a_person_has_a_bounded_number(
    cell: CellUnderTest,
) -> None:
    client = await cell.signed_in(Site.PHONE)
    device = device_for(client)
    assert (await make(client, device)).status_code == 201
    assert code_of(await make(client, device)) == (409, "conflict")
    for n in range(1, cell.accounts_config.passkeys_per_person_max):
        more = device_for(client, credential_id=f"credential-{n + 1}".encode())
        assert (await make(client, more)).status_code == 201

    refused = await make(client, device_for(client, credential_id=b"one too many"))

    assert code_of(refused) == (409, "conflict")


async def test_unanswered_challenges_are_bounded(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    for _ in range(cell.accounts_config.challenges_per_person_max + 3):
        await client.post("/api/me/passkeys/options")
        cell.clock.advance(1)

    assert await count(cell, "passkeys_challenges") == (
        cell.accounts_config.challenges_per_person_max
    )


async def test_adding_needs_the_session_and_its_token(cell: CellUnderTest) -> None:
    stranger, client = await cell.client(Site.PHONE), await cell.signed_in(Site.PHONE)
    del client.headers["x-csrf-token"]

    for path in ("/api/me/passkeys/options", "/api/me/passkeys"):
        body = {"name": "x", "credential_id": "A", "client_data": "A", "attestation": "A"}
        assert code_of(await stranger.post(path, json=body)) == (401, "not_signed_in")
        assert code_of(await client.post(path, json=body)) == (403, "cross_site_refused")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"credential_id": "A" * 1_365}, id="a name too long"),
        pytest.param({"client_data": "!"}, id="letters of no base64url"),
        pytest.param({"admin": True}, id="a field too many"),
    ],
)
async def test_an_answer_of_another_shape_is_refused(
    cell: CellUnderTest, body: dict[str, object]
) -> None:
    client = await cell.client(Site.PHONE)
    right = dict.fromkeys(
        ("credential_id", "client_data", "authenticator_data", "signature", "user_handle"), "AAAA"
    )

    answer = await client.post("/api/session/passkey", json=body and {**right, **body})

    assert code_of(answer) == (422, "request_malformed")
