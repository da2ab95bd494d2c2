"""People sign in once per link, stay on their site, and keep what they chose."""

import asyncio
import contextlib

import httpx
import pytest
from sqlalchemy import Connection, delete, func, insert, select

from monocoque.contracts.errors import MonocoqueError, NotSignedIn, SignInLinkSpent, SiteUnknown
from monocoque.contracts.rights import PersonRole, Site
from monocoque.phone.accounts import records as rows
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import Accounts, make_sign_in_link, sign_in_url
from tests.fixtures.http import CellUnderTest
from tests.fixtures.records import RecordsFactory

SITES = (Site.SHOP, Site.PHONE, Site.CONSOLE)
FIRST_ROLE = {Site.SHOP: "buyer", Site.PHONE: "owner", Site.CONSOLE: "fleet"}


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def count(cell: CellUnderTest, table: str) -> int:
    def work(connection: Connection) -> int:
        return connection.execute(
            select(func.count()).select_from(rows.metadata.tables[table])
        ).scalar_one()

    return await cell.records.transact(work)


# --- signing in ------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
async def test_a_link_signs_its_person_in_on_its_site(cell: CellUnderTest, site: Site) -> None:
    client = await cell.signed_in(site)

    me = (await client.get("/api/me")).json()

    assert me["roles"] == [FIRST_ROLE[site]]
    assert me["site"] == site.value
    assert me["display_name"]
    assert me["settings"] == {"locale": "en", "theme": "system"}


async def test_the_session_comes_in_a_cookie_that_no_script_and_no_other_site_sees(
    cell: CellUnderTest,
) -> None:
    client = await cell.client(Site.PHONE)
    link_code = await cell.link(Site.PHONE)

    answer = await client.post("/api/session", json={"link_code": link_code})

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("monocoque_session=")
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"
    }  # fmt: skip
    assert answer.content == b""


async def test_a_link_works_once(cell: CellUnderTest) -> None:
    link_code = await cell.link(Site.PHONE)
    first, second = await cell.client(Site.PHONE), await cell.client(Site.PHONE)

    assert (await first.post("/api/session", json={"link_code": link_code})).status_code == 204
    again = await second.post("/api/session", json={"link_code": link_code})

    assert code_of(again) == (401, "sign_in_link_spent")
    assert (await first.get("/api/me")).status_code == 200
    assert (await second.get("/api/me")).status_code == 401


async def test_one_link_used_many_times_at_once_makes_exactly_one_session(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    where = await records_factory.new_where()
    cells = [CellUnderTest(clients, records_factory.open(where), seed=n) for n in range(4)]
    link_code = await cells[0].link(Site.CONSOLE)
    browsers = [await cell.client(Site.CONSOLE) for cell in cells for _ in range(3)]

    answers = await asyncio.gather(
        *(browser.post("/api/session", json={"link_code": link_code}) for browser in browsers)
    )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [204] + [401] * (len(browsers) - 1)
    assert await count(cells[0], "accounts_sessions") == 1


async def test_two_first_links_at_once_make_one_person(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    where = await records_factory.new_where()
    cells = [CellUnderTest(clients, records_factory.open(where), seed=n) for n in range(4)]

    codes = await asyncio.gather(*(cell.link(Site.PHONE) for cell in cells))

    assert len(set(codes)) == len(cells)
    assert await count(cells[0], "accounts_people") == 1


@pytest.mark.parametrize("other", [Site.SHOP, Site.CONSOLE])
async def test_a_link_for_another_site_is_refused_and_stays_good(
    cell: CellUnderTest, other: Site
) -> None:
    link_code = await cell.link(Site.PHONE)
    wrong, right = await cell.client(other), await cell.client(Site.PHONE)

    refused = await wrong.post("/api/session", json={"link_code": link_code})
    taken = await right.post("/api/session", json={"link_code": link_code})

    assert code_of(refused) == (401, "sign_in_link_spent")
    assert taken.status_code == 204


async def test_a_link_ends_after_its_lifetime(cell: CellUnderTest) -> None:
    young, old = await cell.link(Site.PHONE), await cell.link(Site.PHONE)
    client = await cell.client(Site.PHONE)

    cell.clock.advance(cell.accounts_config.link_lifetime_s - 1)
    assert (await client.post("/api/session", json={"link_code": young})).status_code == 204
    cell.clock.advance(1)
    refused = await client.post("/api/session", json={"link_code": old})

    assert code_of(refused) == (401, "sign_in_link_spent")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"link_code": "A" * 27}, 401, id="a code of nobody"),
        pytest.param({"link_code": "short"}, 422, id="too short"),
        pytest.param({"link_code": "A" * 65}, 422, id="too long"),
        pytest.param({"link_code": "' OR 1=1 --      "}, 422, id="letters of no code"),
        pytest.param({"link_code": "A" * 27, "site": "phone"}, 422, id="a field too many"),
        pytest.param({}, 422, id="no code"),
        pytest.param([], 422, id="a list"),
    ],
)
async def test_a_code_that_is_none_signs_nobody_in(
    cell: CellUnderTest, body: object, status: int
) -> None:
    client = await cell.client(Site.PHONE)

    answer = await client.post("/api/session", json=body)

    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


async def test_nobody_signs_in_on_the_page_of_doors(cell: CellUnderTest) -> None:
    client = await cell.client(Site.DOORS)

    answer = await client.post("/api/session", json={"link_code": "A" * 27})

    assert code_of(answer) == (421, "site_unknown")
    with pytest.raises(SiteUnknown):
        await cell.link(Site.DOORS)


async def test_a_second_link_signs_in_the_same_person(cell: CellUnderTest) -> None:
    first, second = await cell.signed_in(Site.PHONE), await cell.signed_in(Site.PHONE)

    people = {(await client.get("/api/me")).json()["person_id"] for client in (first, second)}
    tokens = {client.headers["x-csrf-token"] for client in (first, second)}

    assert len(people) == 1
    assert len(tokens) == 2


async def test_unused_links_are_bounded_and_the_oldest_gives_way(cell: CellUnderTest) -> None:
    codes = []
    for _ in range(cell.accounts_config.links_per_person_max + 2):
        codes.append(await cell.link(Site.PHONE))
        cell.clock.advance(1)
    client = await cell.client(Site.PHONE)

    oldest = await client.post("/api/session", json={"link_code": codes[0]})
    newest = await client.post("/api/session", json={"link_code": codes[-1]})

    assert (oldest.status_code, newest.status_code) == (401, 204)


async def test_neither_codes_nor_tokens_are_on_record(cell: CellUnderTest) -> None:
    unused = await cell.link(Site.PHONE)
    client = await cell.signed_in(Site.PHONE)
    token = client.cookies["monocoque_session"]

    def everything(connection: Connection) -> str:
        return str(
            [
                tuple(row)
                for table in rows.metadata.sorted_tables
                for row in connection.execute(select(table))
            ]
        )

    written = await cell.records.transact(everything)

    assert unused not in written
    assert token not in written
    assert client.headers["x-csrf-token"] not in written
    assert len(unused) * 6 >= 128


def test_the_link_carries_its_code_where_no_server_sees_it() -> None:
    url = sign_in_url(Site.CONSOLE, "CODE", 8_000)

    assert url == "http://console.localhost:8000/sign-in#CODE"


# --- sessions --------------------------------------------------------------------------------


async def test_signing_out_ends_the_session_at_once_and_no_other(cell: CellUnderTest) -> None:
    leaving, staying = await cell.signed_in(Site.PHONE), await cell.signed_in(Site.PHONE)
    cookie = leaving.cookies["monocoque_session"]

    answer = await leaving.delete("/api/session")

    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    again = await leaving.get("/api/me", headers={"cookie": f"monocoque_session={cookie}"})
    assert code_of(again) == (401, "not_signed_in")
    assert (await staying.get("/api/me")).status_code == 200


async def test_a_session_is_not_valid_on_another_site(cell: CellUnderTest) -> None:
    phone = await cell.signed_in(Site.PHONE)
    console = await cell.client(Site.CONSOLE)

    answer = await console.get(
        "/api/me", headers={"cookie": f"monocoque_session={phone.cookies['monocoque_session']}"}
    )

    assert code_of(answer) == (401, "not_signed_in")


async def test_an_idle_session_ends_and_a_used_one_lives_on(cell: CellUnderTest) -> None:
    idle, used = await cell.signed_in(Site.PHONE), await cell.signed_in(Site.PHONE)
    idle_s = cell.accounts_config.session_idle_s

    cell.clock.advance(idle_s - 1)
    assert (await used.get("/api/me")).status_code == 200
    cell.clock.advance(1)

    assert code_of(await idle.get("/api/me")) == (401, "not_signed_in")
    assert (await used.get("/api/me")).status_code == 200
    assert await count(cell, "accounts_sessions") == 1


async def test_a_session_ends_after_its_lifetime_however_much_it_is_used(
    cell: CellUnderTest,
) -> None:
    client = await cell.signed_in(Site.PHONE)
    day_s = 24 * 3_600
    days = cell.accounts_config.session_lifetime_s // day_s

    for _ in range(days - 1):
        cell.clock.advance(day_s)
        assert (await client.get("/api/me")).status_code == 200
    cell.clock.advance(day_s)

    assert (await client.get("/api/me")).status_code == 401


async def test_browsers_of_one_person_are_bounded_and_the_longest_unused_gives_way(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    cell = CellUnderTest(
        clients, await records_factory.new(), AccountsConfig(sessions_per_person_max=2)
    )
    browsers = []
    for _ in range(3):
        browsers.append(await cell.signed_in(Site.PHONE))
        cell.clock.advance(1)

    statuses = [(await browser.get("/api/me")).status_code for browser in browsers]

    assert statuses == [401, 200, 200]


async def test_a_role_that_is_taken_away_is_gone_at_the_next_request(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    await cell.records.transact(lambda connection: connection.execute(delete(rows.ROLES)))

    assert code_of(await client.get("/api/me")) == (403, "not_allowed")


async def test_a_role_of_another_site_does_not_count_here(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    person_id = (await client.get("/api/me")).json()["person_id"]
    await cell.records.transact(
        lambda connection: connection.execute(
            insert(rows.ROLES).values(person_id=person_id, role=PersonRole.FLEET.value)
        )
    )

    assert (await client.get("/api/me")).json()["roles"] == ["owner"]


async def test_a_person_who_was_erased_is_nobody(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    person_id = (await client.get("/api/me")).json()["person_id"]

    def erase(connection: Connection) -> None:
        for table in rows.metadata.sorted_tables:  # every table names the person
            connection.execute(delete(table).where(table.c.person_id == person_id))

    await cell.records.transact(erase)

    assert (await client.get("/api/me")).status_code == 401
    accounts = Accounts(cell.records, cell.clock, cell.context.random, cell.accounts_config)
    with pytest.raises(NotSignedIn):
        await accounts.profile(person_id)


# --- settings --------------------------------------------------------------------------------


async def test_settings_are_kept_over_a_restart(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    where = await records_factory.new_where()
    before = CellUnderTest(clients, records_factory.open(where))
    client = await before.signed_in(Site.PHONE)
    wanted = {"locale": "zh", "theme": "dark"}
    assert (await client.put("/api/me/settings", json=wanted)).json() == wanted
    await before.records.close()

    after = CellUnderTest(clients, records_factory.open(where))
    again = await after.client(Site.PHONE)
    again.cookies = client.cookies

    assert (await again.get("/api/me")).json()["settings"] == wanted


async def test_saving_the_same_settings_again_changes_nothing(cell: CellUnderTest) -> None:
    client = await cell.signed_in(Site.PHONE)
    wanted = {"locale": "de", "theme": "light"}

    for _ in range(3):
        assert (await client.put("/api/me/settings", json=wanted)).json() == wanted

    assert await count(cell, "accounts_settings") == 1
    assert (await client.get("/api/me")).json()["settings"] == wanted


async def test_settings_saved_by_many_at_once_are_one_of_them_and_whole(
    cell: CellUnderTest,
) -> None:
    client = await cell.signed_in(Site.PHONE)
    choices = [{"locale": "en", "theme": "dark"}, {"locale": "de", "theme": "light"}] * 5

    answers = await asyncio.gather(
        *(client.put("/api/me/settings", json=choice) for choice in choices)
    )

    assert [answer.status_code for answer in answers] == [200] * len(choices)
    assert (await client.get("/api/me")).json()["settings"] in choices
    assert await count(cell, "accounts_settings") == 1


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"locale": "fr", "theme": "dark"}, id="a language we do not have"),
        pytest.param({"locale": "en", "theme": "pink"}, id="a look we do not have"),
        pytest.param({"locale": "en"}, id="half of it"),
        pytest.param({"locale": "en", "theme": "dark", "admin": True}, id="a field too many"),
    ],
)
async def test_settings_of_another_shape_are_refused_and_nothing_changes(
    cell: CellUnderTest, body: dict[str, object]
) -> None:
    client = await cell.signed_in(Site.PHONE)

    answer = await client.put("/api/me/settings", json=body)

    assert code_of(answer) == (422, "request_malformed")
    assert await count(cell, "accounts_settings") == 0


async def test_settings_need_the_session_and_its_token(cell: CellUnderTest) -> None:
    wanted = {"locale": "de", "theme": "dark"}
    stranger, client = await cell.client(Site.PHONE), await cell.signed_in(Site.PHONE)
    del client.headers["x-csrf-token"]

    assert code_of(await stranger.put("/api/me/settings", json=wanted)) == (401, "not_signed_in")
    assert code_of(await client.put("/api/me/settings", json=wanted)) == (403, "cross_site_refused")
    assert code_of(await client.delete("/api/session")) == (403, "cross_site_refused")


@pytest.mark.parametrize("error", [SignInLinkSpent, NotSignedIn])
def test_a_refused_sign_in_never_happened(error: type[MonocoqueError]) -> None:
    assert error.may_have_happened is False


async def test_a_world_makes_the_same_codes_from_the_same_seed(
    records_factory: RecordsFactory, clients: contextlib.AsyncExitStack
) -> None:
    cells = [CellUnderTest(clients, await records_factory.new()) for _ in range(2)]

    codes = [
        await make_sign_in_link(
            cell.records, cell.clock, cell.context.random, Site.SHOP, cell.accounts_config
        )
        for cell in cells
    ]

    assert codes[0] == codes[1]
