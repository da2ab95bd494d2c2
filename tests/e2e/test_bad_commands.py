"""Bad commands over real sockets: every wrong vector, floods, cars of others, opposite wishes.

Rules: the factory, the car and the owner have the keys of the vectors, so that a vector can be said
as it is; what is genuine is made anew for today, since a vector has a time of its own. Every
refusal has a name and a count, and leaves nothing in the records.

Left out on purpose: the vectors that need hours to pass; tests/car has them on virtual time.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monocoque.car.commands.config import CommandsConfig
from monocoque.car.keys import service as keys
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.contracts.documents import COMMAND
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.layout import Layout
from monocoque.shop.build.service import MAKER_ROOT
from monocoque.trust import base64url
from monocoque.trust.documents import sign
from monocoque.trust.grants import CarKeys
from monocoque.trust.scopes import SCENE_PUT, SCENE_REMOVE, UPDATE
from tests.car.test_commands_bad_input import wanted
from tests.e2e.enemy import (
    ANSWER_S_MAX,
    Enemy,
    Held,
    Holder,
    done,
    in_the_cell,
    new_owner,
    now_s,
    parts_of,
    untouched,
)
from tests.e2e.installation import Installation, wait_until
from tests.e2e.phone_stand_in import claims_of
from tests.fixtures.phone import Phone, new_id
from tests.vectors import people
from tests.vectors.generate import COMMANDS
from tests.vectors.parts import made

CAR = CarId(people.CAR_ID)
VECTORS: list[dict[str, Any]] = json.loads(COMMANDS.read_text("utf-8"))["envelopes"]
FORGED = [row for row in VECTORS if row["code"] is not None]
GENUINE = [row for row in VECTORS if row["code"] is None]
JUDGED = {
    "deadline_passed": "document_expired",
    "not_yet_valid": "document_not_yet_valid",
    "grant_expired": "document_expired",
    "grant_not_yet_valid": "document_not_yet_valid",
    "scope_unknown": "scope_unknown",
    "right_missing": "grant_refused",
}
"""What the cell says where the car would refuse for that reason."""
ONLY_ON_RECORD = {UPDATE.name, SCENE_PUT.name, SCENE_REMOVE.name}
"""What the car does by writing it down: nothing of its body moves."""
SIGNERS = {
    key.key_id: key
    for key in (people.ROOT, people.OWNER, people.FRIEND, people.GUEST, people.STRANGER)
}
COUNTED_S_MAX = 30
FLOOD = 10_000
CONNECTIONS = 32
LOOK_S = 0.02


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """A cell whose first car and whose factory have the keys of the vectors, and a second car."""
    installation = Installation(tmp_path_factory.mktemp("bad-commands"), cars=2)
    layout = Layout(installation.data)
    FileKeyStore(layout.factory.secrets).write(MAKER_ROOT, people.ROOT.export())
    layout.car(CAR).make()
    (layout.car(CAR).path / "born_us").write_text("1")
    car = FileKeyStore(layout.car(CAR).secrets)
    car.write(keys.IDENTITY_KEY, people.CAR_SIGN.export())
    car.write(keys.SEAL_KEY, people.CAR_SEAL.export())
    found = Held(installation, root=dict(people.ROOT.public_jwk))
    installation.start()
    try:
        asyncio.run(take_over(found))
        yield found
    finally:
        assert installation.stop() == 0


async def take_over(held: Held) -> None:
    """The owner of the vectors has the first car, and somebody else the second."""
    installation = held.installation
    other = next(p.name for p in Layout(installation.data).cars.glob("car_*") if p.name != CAR)
    for car_id, key in ((CAR, people.OWNER), (other, None)):
        async with new_owner(installation, car_id, key) as phone:
            epoch = await phone.epoch()
            assert phone.keys is not None
            grants = (for_today(people.makers()).encode() if car_id == CAR else phone.grant,)
            phone.grant = grants[0]
            held.holders.append(Holder(phone.key, grants, phone.keys, car_id, epoch))
            held.phones.append(phone)


@pytest.fixture
async def enemy(held: Held) -> AsyncIterator[Enemy]:
    """Whoever holds the cell."""
    async with in_the_cell(held.installation) as found:
        yield found


@pytest.fixture
async def owner(held: Held) -> AsyncIterator[Phone]:
    """The phone of the vectors' owner."""
    async for phone in at_an_address(held.phones[0], "127.0.0.1"):
        yield phone


@pytest.fixture
async def other(held: Held) -> AsyncIterator[Phone]:
    """The phone of the other owner, who sits elsewhere."""
    async for phone in at_an_address(held.phones[1], "127.0.0.2"):
        yield phone


async def at_an_address(phone: Phone, address: str) -> AsyncIterator[Phone]:
    """The phone, as the cell sees it at this network address."""
    old = phone.client
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(
        base_url=old.base_url, headers=old.headers, timeout=ANSWER_S_MAX, transport=transport
    ) as client:
        phone.client = client
        yield phone


def for_today(document: str, later_s: int = 0) -> str:
    """A genuine document of the vectors, with its times moved to now and so much later."""
    head, claims, _ = parts_of(document.encode())
    moved_s = now_s() - people.NOW_S + later_s
    times = {name: claims[name] for name in ("iat", "exp", "nbf") if name in claims}
    moved = {name: int(str(value)) + moved_s for name, value in times.items()}
    return made(head, claims | moved, SIGNERS[str(head["kid"])])


def room_s(row: dict[str, Any]) -> int:
    """Some vectors stand a second before a limit, which the clock on the wall would soon pass."""
    is_early = row["reason"] in {"not_yet_valid", "grant_not_yet_valid"}
    return 60 if is_early or "almost over" in row["name"] else 0


def for_car(row: dict[str, Any], epoch: str, counter: int) -> bytes:
    """The command of a genuine vector, for the car as it is now."""
    head, claims, _ = parts_of(for_today(row["command"], room_s(row)).encode())
    claims |= {"epoch": epoch, "counter": counter}
    return made(head, claims, SIGNERS[str(head["kid"])]).encode()


def counted_by_cars(installation: Installation) -> Counter[str]:
    """What the cars' commands counted, by code."""
    found: Counter[str] = Counter()
    for path in Layout(installation.data).run.glob("metrics-cars.prom"):
        for family in text_string_to_metric_families(path.read_text()):
            for sample in family.samples:
                labels = sample.labels
                if sample.name == "monocoque_errors_total" and labels["where"] == "car-commands":
                    found[labels["code"]] += int(sample.value)
    return found


def counted_by_http(installation: Installation) -> Counter[str]:
    """What the cell's HTTP refused, by code."""
    codes = {row["code"] for row in FORGED} | set(JUDGED.values()) | {"too_many_requests"}
    name, where = "monocoque_errors_total", "http"
    return Counter(
        {code: int(installation.counted(name, where=where, code=code)) for code in codes}
    )


async def listed(owner: Phone) -> list[dict[str, Any]]:
    """What the cell has of this owner's commands."""
    answer = await owner.client.get(f"/api/cars/{owner.car_id}/commands")
    found: list[dict[str, Any]] = answer.json()["commands"]
    return found


async def test_every_wrong_vector_is_refused_over_http_by_name_and_leaves_no_trace(
    held: Held, owner: Phone
) -> None:
    before, rows = counted_by_http(held.installation), await listed(owner)
    log = (await owner.client.get(f"/api/cars/{CAR}/log")).json()["lines_count"]
    expected: Counter[str] = Counter()
    for row in FORGED:
        command = row["command"] * row.get("times", 1)
        answer = await owner.hand_in({"command": command, "grants": row["grants"]})
        body = answer.json()
        # More grants than a chain may have is no envelope at all.
        code = "request_malformed" if len(row["grants"]) > 3 else row["code"]
        assert (body["code"], bool(body["hint"])) == (code, True), row["name"]
        assert answer.status_code // 100 == 4
        expected[body["code"]] += 1
    for row in GENUINE:
        if row["reason"] is None:
            continue
        grants = [for_today(grant, room_s(row)) for grant in row["grants"]]
        command = for_today(row["command"], room_s(row))
        answer = await owner.hand_in({"command": command, "grants": grants})
        assert answer.json()["code"] == JUDGED[row["reason"]], row["name"]
        expected[JUDGED[row["reason"]]] += 1
    after = counted_by_http(held.installation)
    assert {code: after[code] - before[code] for code in after if code in expected} == {
        code: count for code, count in expected.items() if code in after
    }
    assert await listed(owner) == rows
    assert (await owner.client.get(f"/api/cars/{CAR}/log")).json()["lines_count"] == log


async def test_every_wrong_vector_on_the_bus_is_counted_by_the_car_and_writes_no_line(
    held: Held, enemy: Enemy
) -> None:
    before = counted_by_cars(held.installation)
    expected = Counter(row["code"] for row in FORGED)
    async with untouched(enemy, held):
        for row in FORGED:
            command = (row["command"] * row.get("times", 1)).encode()
            await enemy.bring(CAR, command, [grant.encode() for grant in row["grants"]])

    def are_counted() -> bool:
        after = counted_by_cars(held.installation)
        return all(after[code] - before[code] >= count for code, count in expected.items())

    await asyncio.to_thread(wait_until, "all are counted", are_counted, COUNTED_S_MAX)


async def test_every_genuine_vector_on_the_bus_gets_the_answer_that_it_names(
    held: Held, enemy: Enemy
) -> None:
    car_keys = CarKeys(people.CAR_SIGN.public_jwk, people.CAR_SEAL.public_jwk)
    acts = enemy.acts(CAR)
    acted = 0
    for counter, row in enumerate(GENUINE, 1_000):
        grants = tuple(for_today(grant, room_s(row)).encode() for grant in row["grants"])
        holder = Holder(people.OWNER, grants, car_keys, CAR, held.mine.epoch)
        command = for_car(row, held.mine.epoch, counter)
        answer = (await enemy.answer(holder, command)).answer
        assert (answer.outcome, answer.reason) == wanted(row), row["name"]
        scope = claims_of(row["command"])["scope"]
        acted += answer.outcome == "done" and scope not in ONLY_ON_RECORD
    held.mine.counter = 1_000 + len(GENUINE)
    assert sum(enemy.acts(CAR).values()) - sum(acts.values()) == acted


async def test_a_car_of_somebody_else_answers_like_one_that_does_not_exist(
    held: Held, owner: Phone, other: Phone, enemy: Enemy
) -> None:
    theirs = held.theirs
    own = await listed(other)
    document = held.mine.ask("lock")
    bodies = []
    async with untouched(enemy, held, theirs):
        for car_id in (theirs.car_id, "car_1123456789abcdefghjkmnpqrs"):
            for grants in (held.mine.grants, theirs.grants):
                for command in (document, theirs.ask("lock")):
                    envelope = {
                        "command": command.decode(),
                        "grants": [grant.decode() for grant in grants],
                    }
                    path = f"/api/cars/{car_id}/commands"
                    answer = await owner.client.post(path, json=envelope)
                    assert answer.status_code == 404, answer.text
                    bodies.append(answer.json())
    for body in bodies:
        body.pop("trace_id")
        body.pop("instance", None)
    assert bodies[0]["code"] == "not_found"
    assert bodies[0]["hint"]
    assert all(body == bodies[0] for body in bodies)
    assert await listed(other) == own


async def test_of_two_phones_that_want_opposite_things_both_are_answered_and_the_later_wins(
    held: Held, owner: Phone
) -> None:
    friend = held.mine.friend(held.root, "lock", "unlock")
    envelopes = {}
    for _ in range(3):
        for holder, scope in ((held.mine, "lock"), (friend, "unlock")):
            document = holder.ask(scope)
            grants = [grant.decode() for grant in holder.grants]
            envelopes[str(parts_of(document)[1]["jti"])] = (document, grants)
    answers = await asyncio.gather(
        *(owner.hand_in({"command": d.decode(), "grants": g}) for d, g in envelopes.values())
    )
    assert [answer.status_code for answer in answers] == [202] * len(envelopes)
    found = [await owner.settled(command_id) for command_id in envelopes]
    assert [each["state"] for each in found] == ["done"] * len(envelopes)
    last = max(found, key=lambda each: int(str(parts_of(each["receipt"].encode())[1]["sequence"])))

    def stands() -> bool:
        with httpx.Client(base_url=owner.client.base_url, headers=owner.client.headers) as client:
            body = client.get(f"/api/own-cars/{CAR}").json()["body"]
        return bool(body["locked"] is (last["scope"] == "lock"))

    await asyncio.to_thread(wait_until, "the later one stands", stands, ANSWER_S_MAX)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(600),
        pytest.param(
            10_000, id="ten thousand", marks=[pytest.mark.prove, pytest.mark.timeout(600)]
        ),
    ],
)
async def test_a_flood_of_one_key_over_http_is_bounded_and_holds_up_nobody(
    count: int, held: Held, owner: Phone, other: Phone
) -> None:
    loud = held.mine.friend(held.root, "lock")
    waiting: asyncio.Queue[bytes] = asyncio.Queue()
    for command in [for_flood(loud) for _ in range(count)]:
        waiting.put_nowait(request_of(owner, command, loud.grants))
    before = counted_by_http(held.installation)["too_many_requests"]
    said: Counter[tuple[int, str]] = Counter()
    theirs = Held(held.installation, holders=[held.theirs])
    began_s = now_s()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(flood(held.installation.port, waiting, said))
        while said.total() < count // 10:
            await asyncio.sleep(LOOK_S)
        assert not waiting.empty(), "the flood is not over"
        assert (await done(other, theirs))["state"] == "done"
    minutes = (now_s() - began_s) // 60 + 1
    taken = said.pop((202, ""), 0)
    assert set(said) == {(429, "too_many_requests")}
    assert taken + said[429, "too_many_requests"] == count
    assert 1 <= taken <= MailboxConfig().commands_per_minute_max * minutes
    assert counted_by_http(held.installation)["too_many_requests"] - before == count - taken


def for_flood(holder: Holder) -> bytes:
    """A new command of this key; its arguments do not open, as the car alone can tell."""
    holder.counter += 1
    claims = {
        "iss": holder.key.key_id,
        "aud": holder.car_id,
        "jti": new_id("command"),
        "iat": now_s(),
        "exp": now_s() + 3_600,
        "epoch": holder.epoch,
        "counter": holder.counter,
        "scope": "lock",
        "sealed": base64url.encode(bytes(337)),
    }
    return sign(COMMAND, claims, holder.key)


def request_of(phone: Phone, command: bytes, grants: tuple[bytes, ...]) -> bytes:
    """The command as a browser sends it, byte by byte."""
    envelope = {"command": command.decode(), "grants": [grant.decode() for grant in grants]}
    body = json.dumps(envelope).encode()
    head = {
        **{name: phone.client.headers[name] for name in ("host", "origin", "cookie")},
        "x-csrf-token": phone.client.headers["x-csrf-token"],
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /api/cars/{phone.car_id}/commands HTTP/1.1\r\n{lines}\r\n".encode() + body


async def flood(port: int, requests: asyncio.Queue[bytes], said: Counter[tuple[int, str]]) -> None:
    """Send what waits, one after the other over one connection, as fast as it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while not requests.empty():
            writer.write(requests.get_nowait())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            status = int(head.split()[1])
            if status == 429:
                assert body["hint"]
                assert body["temporary"] is True
                assert "\r\nretry-after: " in head
            said[status, "" if status == 202 else body["code"]] += 1
    finally:
        writer.close()


async def test_ten_thousand_commands_of_one_key_over_the_bus_are_bounded_and_hold_up_nobody(
    held: Held, enemy: Enemy
) -> None:
    loud = held.theirs.friend(held.root, "lock")
    other = held.theirs.friend(held.root, "climate")
    before = counted_by_cars(held.installation)
    for command in [for_flood(loud) for _ in range(FLOOD)]:
        await enemy.bring_unflushed(loud.car_id, command, loud.grants)
    began_s = now_s()
    wish = other.ask("climate", {"on": False, "temperature_decicelsius": 200})
    answer = await enemy.answer(other, wish)
    assert answer.answer.outcome == "done"
    minutes = (now_s() - began_s) // 60 + 1
    lines = [line for line in enemy.receipts(loud) if line.answer.key_id == loud.key.key_id]
    assert 1 <= len(lines) <= CommandsConfig().per_key_per_minute_max * (minutes + 1)
    assert {line.answer.outcome for line in lines} == {"refused"}

    def are_counted() -> bool:
        after = counted_by_cars(held.installation)
        return sum((after - before).values()) > CommandsConfig().per_key_per_minute_max

    await asyncio.to_thread(wait_until, "what was left out is counted", are_counted, COUNTED_S_MAX)
