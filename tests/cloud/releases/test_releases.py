"""What is published is on record and shown; thoughts stand under it, within their limits."""

import asyncio
import dataclasses
import json
from types import SimpleNamespace

import pytest

from monocoque.cloud.releases import web
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.releases.service import TIMESTAMP_FILE, run
from monocoque.cloud.releases.service.publishing import Keeper, note_published, publish
from monocoque.contracts.errors import (
    CredentialsRefused,
    RecordsUnavailable,
    UpdateRefused,
    UpdateThresholdUnmet,
)
from monocoque.contracts.rights import PersonRole, Site
from monocoque.contracts.updates import FACTORY_IMAGE_BYTES, IMAGE_FOLDER
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.http.config import HttpConfig
from tests.cloud.releases.stand import Stand
from tests.fixtures.http import EdgeUnderTest, make_context

LIMITS = ReleasesConfig(
    thought_characters_max=20, thoughts_per_hour_max=3, thoughts_per_release_max=4,
    thoughts_shown_max=5,
)  # fmt: skip


class Cell:
    """The edge with releases alone, on real records."""

    def __init__(self, clients, records):
        self.stand, self.records = Stand(), records
        shelf = web.Shelf(records, self.stand.clock, LIMITS)
        self.edge = EdgeUnderTest(
            clients,
            [web.routes(shelf)],
            HttpConfig(),
            None,
        )

    async def note(self):
        await note_published(self.stand.repository, self.records, self.stand.clock.now_us())

    async def owner(self):
        return await self.edge.signed_in(Site.PHONE, PersonRole.OWNER)

    async def console(self):
        return await self.edge.signed_in(Site.CONSOLE, PersonRole.FLEET)

    async def numbers(self):
        """What the console lists."""
        answer = await (await self.console()).get("/api/releases")
        return [release["number"] for release in answer.json()["releases"]]

    def context(self, records=None):
        made = make_context(self.stand.clock, LIMITS, records=records or self.records)
        return dataclasses.replace(
            made, ports={Documents: self.stand.documents}, keystore=self.stand.places.cell
        )

    async def publish(self, *companies, number=2, version="1.2.0", **changes):
        targets, folder = self.stand.new(number, version, **changes)
        return await publish(
            self.stand.documents,
            self.stand.places.cell,
            self.records,
            self.stand.signed(targets, *companies),
            folder,
            self.stand.clock.now_us(),
        )


@pytest.fixture
async def cell(clients, records):
    made = Cell(clients, records)
    await made.note()
    return made


async def test_a_release_is_shown_as_soon_as_it_is_published(cell):
    await cell.publish(critical=True)
    console = await cell.console()
    answer = (await console.get("/api/releases")).json()
    newest, first = answer["releases"]
    assert (newest["number"], newest["version"], newest["critical"]) == (2, "1.2.0", True)
    assert (first["number"], first["image_bytes"]) == (1, 3 * FACTORY_IMAGE_BYTES)
    assert newest["hardware_ids"] == ["arden7-body", "arden7-drive", "arden7-gateway"]
    whole = (await console.get("/api/releases/2")).json()
    assert whole["release"] == newest
    assert set(whole["notes"]) == {"en", "de", "zh"}
    assert whole["thoughts"] == []


async def test_what_was_refused_is_not_shown(cell):
    with pytest.raises(UpdateThresholdUnmet):
        await cell.publish("arden")
    assert await cell.numbers() == [1]


async def test_a_release_that_is_not_published_is_not_there(cell):
    owner = await cell.owner()
    for number in (2, 0, -1, 2**31, 10**30):
        for answer in (
            await owner.get(f"/api/releases/{number}"),
            await owner.post(f"/api/releases/{number}/thoughts", json={"text": "x"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), number


async def test_owners_see_a_release_and_not_the_list_and_strangers_nothing(cell):
    owner, stranger = await cell.owner(), await cell.edge.client(Site.PHONE)
    assert (await owner.get("/api/releases/1")).status_code == 200
    assert (await owner.get("/api/releases")).status_code == 421
    for path in ("/api/releases/1", "/api/releases/1/thoughts"):
        method = "POST" if path.endswith("thoughts") else "GET"
        answer = await stranger.request(method, path, json={"text": "x"})
        assert answer.json()["code"] == "not_signed_in"
    console = await cell.console()
    assert (await console.post("/api/releases/1/thoughts", json={"text": "x"})).status_code == 421


# --- thoughts -------------------------------------------------------------------------------


async def say(client, text, number=1):
    return await client.post(f"/api/releases/{number}/thoughts", json={"text": text})


async def test_a_thought_is_shown_to_everybody_without_a_name(cell):
    first, second = await cell.owner(), await cell.owner()
    answer = await say(first, "  Better brakes! \n")
    assert answer.status_code == 201, answer.text
    cell.stand.clock.advance(1)
    await say(second, "比以前好")
    thoughts = (await first.get("/api/releases/1")).json()["thoughts"]
    assert [(t["text"], t["own"]) for t in thoughts] == [
        ("比以前好", False),
        ("Better brakes!", True),
    ]
    assert all(set(thought) == {"text", "written_at", "own"} for thought in thoughts)
    console = (await (await cell.console()).get("/api/releases")).json()
    assert console["releases"][0]["thoughts"] == 2


async def test_a_thought_that_is_sent_again_is_the_same(cell):
    owner = await cell.owner()
    first = (await say(owner, "Good.")).json()
    cell.stand.clock.advance(60)
    assert (await say(owner, "Good.")).json() == first
    assert len((await owner.get("/api/releases/1")).json()["thoughts"]) == 1


async def test_a_thought_without_its_form_is_refused(cell):
    owner = await cell.owner()
    for text in ("", " \n ", "x" * 21, "a\x00b", "a\x1b[2J", "\ud800", "x" * 16_385, None):
        answer = await owner.post(
            "/api/releases/1/thoughts",
            content=json.dumps({"text": text}),
            headers={"content-type": "application/json"},
        )
        assert answer.json()["code"] in ("request_malformed", "request_too_large"), text
    assert (await owner.get("/api/releases/1")).json()["thoughts"] == []


async def test_a_person_thinks_so_much_in_an_hour_and_others_are_not_held_back(cell):
    await cell.publish()
    owner, other = await cell.owner(), await cell.owner()
    for number, text in ((1, "one"), (2, "two"), (1, "three")):
        assert (await say(owner, text, number)).status_code == 201
    answer = await say(owner, "four", 2)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert (await say(other, "mine", 2)).status_code == 201
    cell.stand.clock.advance(3_600)
    assert (await say(owner, "four", 1)).status_code == 201


async def test_a_person_has_so_many_thoughts_on_a_release_and_pages_show_the_newest(cell):
    owner, other = await cell.owner(), await cell.owner()
    for client in (owner, other):
        for text in "abcd":
            assert (await say(client, text)).status_code == 201
            cell.stand.clock.advance(3_601)
        assert (await say(client, "e")).json()["code"] == "too_many_requests"
    shown = (await owner.get("/api/releases/1")).json()["thoughts"]
    assert [thought["text"] for thought in shown] == ["d", "c", "b", "a", "d"]


# --- the service ----------------------------------------------------------------------------


async def test_what_a_killed_publisher_left_off_the_records_is_put_there(cell):
    cell.stand.publish(2)  # into the repository alone
    keeper = Keeper(cell.context())
    await keeper.look()
    await keeper.look()
    assert await cell.numbers() == [2, 1]


async def test_the_service_renews_the_timestamp_in_time(cell):
    context = cell.context()
    keeper = Keeper(context)
    await keeper.look()
    name = f"{IMAGE_FOLDER}/metadata/timestamp.json"
    before = cell.stand.documents.files[name]
    cell.stand.clock.advance(3 * 86_400)
    await keeper.look()
    assert cell.stand.documents.files[name] == before
    cell.stand.clock.advance(86_400)
    await keeper.look()
    assert cell.stand.documents.files[name] != before
    assert b"update_expired" not in context.metrics.text()
    cell.stand.clock.advance(340 * 86_400)  # the companies' signatures end in three weeks
    await keeper.look()
    assert b"update_expired" in context.metrics.text()


async def test_a_release_that_cannot_be_read_keeps_nothing_else_from_being_done(cell):
    files = cell.stand.documents.files
    before = set(files)
    cell.stand.publish(2)
    damaged = [name for name in set(files) - before if name.endswith("release.json")]
    cell.stand.publish(3, "1.3.0")
    for name in damaged:
        files[name] += b" "
    keeper = Keeper(cell.context())
    cell.stand.clock.advance(5 * 86_400)
    timestamp = files[TIMESTAMP_FILE]
    with pytest.raises(UpdateRefused):
        await keeper.look()
    assert await cell.numbers() == [3, 1]
    assert files[TIMESTAMP_FILE] != timestamp


async def test_a_timestamp_that_cannot_be_renewed_keeps_no_release_off_the_records(cell):
    cell.stand.publish(2)
    cell.stand.clock.advance(5 * 86_400)
    cell.stand.places.cell.secrets.clear()
    with pytest.raises(CredentialsRefused):
        await Keeper(cell.context()).look()
    cell.stand.clock.advance(-5 * 86_400)
    assert await cell.numbers() == [2, 1]


async def test_the_service_goes_on_when_the_records_are_away(cell):
    away = asyncio.Event()

    async def transact(work):
        away.set()
        raise RecordsUnavailable("They are away.")

    context = cell.context(SimpleNamespace(transact=transact))
    cell.stand.publish(2)
    running = asyncio.ensure_future(run(context))
    async with asyncio.timeout(10):
        await away.wait()
        while b"records_unavailable" not in context.metrics.text():
            await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
