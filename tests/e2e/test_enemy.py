"""The cell as an enemy, against real cars and a real factory: docs/protocol/threats.md, row by row.

Rules: one installation for all tests, which the enemy of enemy.py holds; each test leaves the cars
as the next one may find them. That a car did nothing is seen by a harmless command behind the
attempts: cars take commands in their order, so its line follows on the one before them.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from nats.aio.msg import Msg

from monocoque.contracts import topics
from monocoque.contracts.documents import COMMAND, HAND_OVER, KEY_GRANT
from monocoque.contracts.errors import DocumentRefused
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.wire.command_pb2 import (
    CarBody,
    CarReceipt,
    HandOverAnswer,
    HandOverRequest,
)
from monocoque.plumbing.process_file import read_process_file
from monocoque.roles.layout import Layout
from monocoque.trust import base64url
from monocoque.trust.commands import arguments_purpose, command_digest, open_envelope
from monocoque.trust.documents import sign, signing_digest
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.hand_over import hand_over_proof, sign_hand_over
from monocoque.trust.outcomes import Outcome
from monocoque.trust.receipts import LogPlace, answer_to, sign_receipt, verify_log, verify_receipt
from monocoque.trust.sealing import SystemEncrypter
from tests.e2e.enemy import (
    ANSWER_S_MAX,
    Enemy,
    Held,
    believes,
    command_of,
    done,
    hand_over_link,
    harmless,
    in_the_cell,
    is_broken,
    lied_to,
    log_of,
    new_key,
    now_s,
    parts_of,
    restart_the_cars,
    until_said,
    untouched,
    with_claims,
)
from tests.e2e.installation import Installation, wait_until
from tests.fixtures.phone import Phone, new_id
from tests.vectors.parts import made
from tests.vectors.people import head

CARS = 4
LOOK_S = 0.1
CLIMATE = {"on": True, "temperature_decicelsius": 215}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    """One for all tests of this file."""
    found = Held(Installation(tmp_path_factory.mktemp("enemy"), CARS))
    found.installation.start()
    try:
        asyncio.run(found.give_cars_away())
        yield found
    finally:
        assert found.installation.stop() == 0


@pytest.fixture
async def enemy(held: Held) -> AsyncIterator[Enemy]:
    """Whoever holds the cell."""
    async with in_the_cell(held.installation) as found:
        yield found


@pytest.fixture
async def owner(held: Held) -> AsyncIterator[Phone]:
    """The phone of the first car's owner."""
    phone = held.phones[0]
    old = phone.client
    async with httpx.AsyncClient(
        base_url=old.base_url, headers=old.headers, timeout=ANSWER_S_MAX
    ) as client:
        phone.client = client
        yield phone


async def test_no_door_opens_without_a_key(held: Held, enemy: Enemy) -> None:
    mine, own, root = held.mine, new_key(), new_key()
    body = {**head(COMMAND, own), "kid": mine.key.key_id}
    claims = parts_of(mine.ask("unlock"))[1]
    own_claims = claims | {"iss": own.key_id, "counter": 1}
    makers = sign_root_grant(root, new_id("grant"), mine.car_id, own.public_jwk, mine.keys, now_s())
    named = made(
        {**head(KEY_GRANT, root), "kid": parts_of(mine.grants[0])[0]["kid"]},
        parts_of(makers)[1],
        root,
    )
    child = parts_of(mine.friend(held.root, "unlock").grants[1])[1]
    child |= {"cnf": {"jwk": dict(own.public_jwk)}}
    by_stranger = made({**head(KEY_GRANT, own), "kid": mine.key.key_id}, child, own)
    own_command = sign(COMMAND, own_claims, own)
    nobody = f"{base64url.encode(json.dumps(body | {'alg': 'none'}).encode())}."
    nobody += f"{base64url.encode(json.dumps(claims).encode())}."
    async with untouched(enemy, held):
        for command, grants in (
            (own_command, mine.grants),
            (made(body, claims, own).encode(), mine.grants),
            (nobody.encode(), mine.grants),
            (own_command, [makers]),
            (own_command, [named.encode()]),
            (own_command, [*mine.grants, by_stranger.encode()]),
            (own_command, []),
        ):
            await enemy.bring(mine.car_id, command, grants)


async def test_an_old_command_is_done_once_however_often_and_in_whatever_order_it_comes(
    held: Held, enemy: Enemy
) -> None:
    friend = held.mine.friend(held.root, "climate")
    commands = [friend.ask("climate", CLIMATE | {"on": n % 2 == 0}) for n in range(3)]
    first = [await enemy.answer(friend, command) for command in commands]
    assert [receipt.answer.outcome for receipt in first] == ["done"] * 3
    async with untouched(enemy, held):
        for command in [*reversed(commands), *commands, commands[1]]:
            await enemy.bring(friend.car_id, command, friend.grants)
    acts = enemy.acts(friend.car_id)
    assert [acts[command_digest(command)] for command in commands] == [1, 1, 1]
    said = [r for r in enemy.receipts(friend) if r.answer.key_id == friend.key.key_id]
    assert {receipt.document for receipt in said} == {receipt.document for receipt in first}


async def test_an_old_command_is_not_done_again_by_a_car_that_was_restarted(
    held: Held, enemy: Enemy
) -> None:
    friend = held.mine.friend(held.root, "climate")
    commands = [friend.ask("climate", CLIMATE), friend.ask("climate", CLIMATE | {"on": False})]
    for command in commands:
        await enemy.answer(friend, command)
    await restart_the_cars(held.installation)
    async with untouched(enemy, held):
        for command in reversed(commands):
            await enemy.bring(friend.car_id, command, friend.grants)
    acts = enemy.acts(friend.car_id)
    assert [acts[command_digest(command)] for command in commands] == [1, 1]


async def test_a_command_held_back_past_its_deadline_is_never_done(
    held: Held, enemy: Enemy
) -> None:
    friend = held.mine.friend(held.root, "lock")
    command = friend.ask("lock", deadline_s=now_s() + 1)
    other = friend.ask("lock", issued_s=now_s() - 86_400, deadline_s=now_s())
    while now_s() < parts_of(command)[1]["exp"]:  # type: ignore[operator]
        await asyncio.sleep(LOOK_S)
    for late in (command, other):
        receipt = await enemy.answer(friend, late)
        assert (receipt.answer.outcome, receipt.answer.reason) == ("expired", "deadline_passed")
        assert command_digest(late) not in enemy.acts(friend.car_id)


async def test_commands_in_another_order_are_done_once_each_and_a_replaced_one_never(
    held: Held, enemy: Enemy
) -> None:
    friend = held.mine.friend(held.root, "climate", "lock")
    commands = [friend.ask("lock") for _ in range(3)]
    older_id = new_id("command")
    older = friend.ask("climate", CLIMATE, command_id=older_id)
    newer = friend.ask("climate", CLIMATE | {"on": False}, replaces=older_id)
    for command in (commands[2], commands[0], commands[1], newer):
        assert (await enemy.answer(friend, command)).answer.outcome == "done"
    replaced = await enemy.answer(friend, older)
    assert (replaced.answer.outcome, replaced.answer.reason) == ("refused", "replaced")
    acts = enemy.acts(friend.car_id)
    assert [acts.get(command_digest(each), 0) for each in (*commands, newer, older)] == [1] * 4 + [
        0
    ]


async def test_a_command_that_is_dropped_is_called_unknown_and_never_done(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    cars = read_process_file(Layout(held.installation.data).run / "cars.json")
    assert cars is not None
    os.kill(cars.pid, signal.SIGSTOP)
    try:
        # Times are whole seconds: of three, two and a bit are left for handing it in.
        command_id, envelope = command_of(owner, held, "lock", epoch=held.mine.epoch, lifetime_s=3)
        assert (await owner.hand_in(envelope)).status_code == 202
        found = await owner.settled(command_id)
    finally:
        os.kill(cars.pid, signal.SIGCONT)
    assert (found["state"], found["receipt"]) in {("unknown", None), ("expired", None)}
    receipt = await enemy.answer(held.mine, owner.documents[command_id])
    assert receipt.answer.outcome == "expired"
    assert command_digest(owner.documents[command_id]) not in enemy.acts(owner.car_id)


async def test_the_keys_of_the_car_cannot_be_swapped_in_the_answer(
    held: Held, owner: Phone
) -> None:
    car_id, root, own = held.free_cars[0], new_key(), new_key()
    keys = CarKeys(own.public_jwk, own.public_jwk)
    phone = Phone(owner.client, owner.clock)
    own_grant = sign_root_grant(root, new_id("grant"), car_id, phone.key.public_jwk, keys, now_s())
    makers_name = {**head(KEY_GRANT, root), "kid": parts_of(held.mine.grants[0])[0]["kid"]}
    lies = (
        {"grant": own_grant.decode(), "maker_root": dict(root.public_jwk)},
        {"grant": made(makers_name, parts_of(own_grant)[1], root)},
        {"grant": held.theirs.grants[0].decode()},
    )
    link = await hand_over_link(held.installation, car_id)
    for lie in lies:
        async with lied_to(phone, partial(when_granted, lie)):
            with pytest.raises((AssertionError, DocumentRefused)):
                await phone.take_over(link)
        assert phone.keys is None
    await phone.take_over(link)
    assert phone.keys is not None
    assert own.public_jwk not in (phone.keys.sign, phone.keys.seal)


def when_granted(lie: dict[str, Any], _: httpx.Request, answer: dict[str, Any]) -> dict[str, Any]:
    """What the phone is told in place of the maker's grant."""
    return answer | lie if answer.get("state") == "granted" else answer


async def test_the_owners_key_cannot_be_swapped_in_a_hand_over(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    car_id, own, owners = held.free_cars[1], new_key(), new_key()
    link = await hand_over_link(held.installation, car_id)
    code = link.partition("#")[2].split(".")[1]
    request = sign_hand_over(owners, car_id, code, new_id("message"), now_s())
    own_claims = parts_of(request)[1]
    own_claims |= {"iss": own.key_id, "cnf": {"jwk": dict(own.public_jwk)}}
    guessed = hand_over_proof("A" * 22, car_id, own.key_id)
    heard: asyncio.Queue[HandOverAnswer] = asyncio.Queue()

    async def keep(message: Msg) -> None:
        heard.put_nowait(HandOverAnswer.FromString(message.data))

    await enemy.listen(topics.HAND_OVER_ANSWERS.pattern(), keep)
    for document, refusal in (
        (sign(HAND_OVER, own_claims, own), "hand_over_proof_wrong"),
        (sign(HAND_OVER, own_claims | {"proof": guessed}, own), "hand_over_proof_wrong"),
        (with_claims(request, cnf=own_claims["cnf"], iss=own.key_id), "key_unknown"),
        (
            with_claims(request, cnf={"jwk": dict(owners.public_jwk)}, proof=guessed),
            "signature_invalid",
        ),
    ):
        await enemy.say(topics.HAND_OVER_REQUESTS, HandOverRequest(request=document), car_id)
        async with asyncio.timeout(ANSWER_S_MAX):
            answer = await heard.get()
        assert (answer.grant, answer.refusal_code) == (b"", refusal)
    phone = Phone(owner.client, owner.clock)
    await phone.take_over(link)
    assert phone.keys is not None


async def test_a_forged_receipt_is_taken_by_nobody(held: Held, enemy: Enemy, owner: Phone) -> None:
    found = await done(owner, held)
    command_id = str(found["command_id"])
    mine = held.mine
    command = open_envelope(owner.documents[command_id], mine.grants, held.root, mine.car_id)
    answer = answer_to(command, Outcome.REFUSED, "moving")
    genuine = verify_receipt(str(found["receipt"]).encode(), mine.car_id, mine.keys.sign)
    own = new_key()
    after = LogPlace(genuine.sequence - 1, genuine.previous_sha256)
    forged = sign_receipt(answer, after, mine.car_id, now_s(), own)
    claims = forged.decode().split(".")[1]
    genuine_head, _, genuine_signature = genuine.document.decode().split(".")
    spliced = f"{genuine_head}.{claims}.{genuine_signature}".encode()

    def counted() -> float:
        return held.installation.counted("monocoque_errors_total", where="commands")

    before = counted()
    for document in (forged, spliced):
        await enemy.say(topics.CAR_RECEIPTS, CarReceipt(receipt=document), mine.car_id)
        statement = "UPDATE commands_mailbox SET state = 'refused', reason = 'moving', receipt = ?"
        assert enemy.write(f"{statement} WHERE command_id = ?", document, command_id) == 1
        shown = await owner.found(command_id)
        assert shown["state"] == "refused"
        assert not believes(owner, shown)
    await asyncio.to_thread(
        wait_until, "both are counted", lambda: counted() >= before + 2, ANSWER_S_MAX
    )


async def test_the_receipt_of_another_command_is_not_taken(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    one, other = await done(owner, held, "lock"), await done(owner, held, "lock")
    assert believes(owner, one)
    for mine, receipt in ((one, other["receipt"]), (other, one["receipt"])):
        statement = "UPDATE commands_mailbox SET receipt = ? WHERE command_id = ?"
        assert enemy.write(statement, str(receipt).encode(), mine["command_id"]) == 1
        assert not believes(owner, await owner.found(str(mine["command_id"])))


async def test_a_command_marked_done_in_the_database_is_not_believed(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    # The car refuses it, so that whatever says "done" is a lie.
    command_id, envelope = command_of(owner, held, "unlock", epoch="another-epoch")
    assert (await owner.hand_in(envelope)).status_code == 202
    refused = await owner.settled(command_id)
    assert believes(owner, refused)
    assert refused["reason"] == "epoch_other"
    for receipt in ("NULL", "receipt"):
        statement = (
            f"UPDATE commands_mailbox SET state = 'done', reason = NULL, receipt = {receipt}"
        )
        assert enemy.write(f"{statement} WHERE command_id = ?", command_id) == 1
        shown = await owner.found(command_id)
        assert shown["state"] == "done"
        assert not believes(owner, shown)
        enemy.write(
            "UPDATE commands_mailbox SET receipt = ? WHERE command_id = ?",
            refused["receipt"].encode(),
            command_id,
        )


async def test_a_key_or_a_wider_grant_in_the_database_moves_no_car(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    mine, own = held.mine, new_key()
    friend = mine.friend(held.root, "lock")
    wider = with_claims(friend.grants[1], rights=["lock", "unlock"])
    by_friend = friend.ask("unlock")
    claims = parts_of(by_friend)[1]
    stranger = sign(COMMAND, claims | {"iss": own.key_id, "jti": new_id("command")}, own)
    row = await done(owner, held)
    columns = [name for _, name, *_ in enemy.read("PRAGMA table_info(commands_mailbox)")]
    names = ", ".join(columns)
    async with untouched(enemy, held):
        statement = "UPDATE pairing_owners SET key_id = ? WHERE car_id = ?"
        assert enemy.write(statement, own.key_id, mine.car_id) == 1
        for document, key, grants in (
            (by_friend, friend.key, [mine.grants[0], wider]),
            (stranger, own, [mine.grants[0]]),
        ):
            changed = {
                "command_id": parts_of(document)[1]["jti"],
                "key_id": key.key_id,
                "command_sha256": command_digest(document),
                "document": document,
                "grants": json.dumps([grant.decode() for grant in grants]),
                "deadline_us": (now_s() + 600) * 1_000_000,
                "state": "sent",
                "sends": 1,
                "sent_us": 0,
                "due_us": 1,
                "is_answered": 0,
                "receipt": None,
            }
            chosen = ", ".join("?" if name in changed else name for name in columns)
            values = [changed[name] for name in columns if name in changed]
            copy = f"INSERT INTO commands_mailbox ({names}) SELECT {chosen} FROM commands_mailbox"
            assert enemy.write(f"{copy} WHERE command_id = ?", *values, row["command_id"]) == 1
            await until_said(enemy, str(changed["command_id"]))
            await enemy.bring(mine.car_id, document, grants)
    assert enemy.write(statement, mine.key.key_id, mine.car_id) == 1
    # With its true grant the friend is heard, and may not.
    receipt = await enemy.answer(friend, by_friend)
    assert receipt.answer.reason == "right_missing"


async def test_changed_arguments_and_scopes_are_refused(held: Held, enemy: Enemy) -> None:
    mine = held.mine
    friend = mine.friend(held.root, "climate", "charge_limit", "lock", "unlock")
    warm, lock = friend.ask("climate", CLIMATE), friend.ask("lock")
    claims = parts_of(warm)[1]
    purpose = arguments_purpose(str(claims["jti"]))
    hot = json.dumps(CLIMATE | {"temperature_decicelsius": 280}).encode().ljust(256)
    sealed = base64url.encode(SystemEncrypter().seal(mine.keys.seal, hot, purpose))
    async with untouched(enemy, held):
        for command in (
            with_claims(warm, sealed=sealed),
            with_claims(warm, sealed=parts_of(lock)[1]["sealed"]),
            with_claims(lock, scope="unlock"),
            with_claims(lock, exp=now_s() + 86_000),
            with_claims(lock, counter=1_000),
        ):
            await enemy.bring(mine.car_id, command, friend.grants)
    assert (await enemy.answer(friend, warm)).answer.outcome == "done"


async def test_what_an_owner_asks_for_cannot_be_read_with_all_that_the_cell_has(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    await done(owner, held, "climate", CLIMATE)
    everything = b"".join(
        path.read_bytes()
        for folder in (enemy.layout.cell.path, enemy.layout.secrets)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    assert owner.key.key_id.encode() in everything, "it has what the cell has"
    car = enemy.layout.car(CarId(owner.car_id)).secrets
    kept = [car / "seal-key", car / "identity-key", enemy.layout.factory.secrets / "maker-root"]
    for secret in [owner.key.export(), *(path.read_bytes() for path in kept)]:
        assert json.loads(secret)["d"].encode() not in everything
    assert b"temperature_decicelsius" not in everything
    lengths = {len(str(parts_of(d)[1]["sealed"])) for d in owner.documents.values()}
    assert len(lengths) == 1, "nor do lengths tell"


async def test_a_log_that_was_cut_rewritten_or_forked_is_noticed(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    for _ in range(3):
        await done(owner, held)
    lines = await log_of(owner)
    assert len(lines) >= 3
    own, mine = new_key(), held.mine
    middle = verify_receipt(lines[-2], mine.car_id, mine.keys.sign)
    after = LogPlace(middle.sequence - 1, middle.previous_sha256)
    fork = sign_receipt(middle.answer, after, mine.car_id, now_s(), own)
    theirs = (await harmless(enemy, held, held.theirs)).document
    where = "FROM commands_receipts WHERE car_id = ? AND sequence = ?"
    at = (mine.car_id, middle.sequence)
    (before,) = enemy.read(f"SELECT * {where}", *at)
    rewrite = "UPDATE commands_receipts SET document = ? WHERE car_id = ? AND sequence = ?"
    for line in (lines[-1], lines[-3], fork, theirs, lines[-2][:-8] + b"AAAAAAAA"):
        assert enemy.write(rewrite, line, *at) == 1
        assert await is_broken(owner)
    assert enemy.write(f"DELETE {where}", *at) == 1
    assert await is_broken(owner)
    enemy.write(f"INSERT INTO commands_receipts VALUES ({', '.join('?' * len(before))})", *before)
    assert not await is_broken(owner)
    # A phone that knows a log up to some place takes no other one from there.
    assert not await is_broken(owner, verify_log(lines, mine.car_id, mine.keys.sign)[-2].place)
    assert await is_broken(owner, LogPlace(middle.sequence, signing_digest(fork)))


async def test_an_old_epoch_or_state_that_is_shown_opens_nothing(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    true_epoch, locked = held.mine.epoch, (await owner.body() or {})["locked"]
    old = CarBody(epoch="an-epoch-of-long-ago", gear="drive", locked=not locked)

    async def show(body: CarBody) -> None:
        """Say it until the owner is shown it; the car itself may speak between."""
        async with asyncio.timeout(ANSWER_S_MAX):
            while (await owner.body() or {})["epoch"] != body.epoch:
                await enemy.say(topics.CAR_BODY, body, owner.car_id)
                await asyncio.sleep(LOOK_S)

    await show(old)
    command_id, envelope = command_of(owner, held, "unlock", epoch=old.epoch)
    assert (await owner.hand_in(envelope)).status_code == 202
    found = await owner.settled(command_id)
    assert believes(owner, found)
    assert (found["state"], found["reason"]) == ("refused", "epoch_other")
    assert command_digest(owner.documents[command_id]) not in enemy.acts(owner.car_id)
    await show(CarBody(epoch=true_epoch, gear="park"))


async def test_what_another_car_signed_is_not_taken_for_mine(
    held: Held, enemy: Enemy, owner: Phone
) -> None:
    theirs, mine = held.theirs, held.mine
    found = await done(owner, held)
    friend = theirs.friend(held.root, "lock")
    other = (await enemy.answer(friend, friend.ask("lock"))).document.decode()

    def lying(request: httpx.Request, answer: dict[str, object]) -> dict[str, object]:
        if request.url.path.endswith("/log"):
            return answer | {"receipts": [other]}
        return answer | {"receipt": other}

    async with lied_to(owner, lying):
        assert not believes(owner, await owner.found(str(found["command_id"])))
        assert await is_broken(owner)
    async with untouched(enemy, held, theirs):
        for grants in (mine.grants, theirs.grants, friend.grants):
            await enemy.bring(theirs.car_id, mine.ask("unlock"), grants)
