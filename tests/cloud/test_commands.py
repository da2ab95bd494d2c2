"""The mailbox: what it takes, what it sends, and what it says of it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from monocoque.cloud.commands import records as rows
from monocoque.cloud.commands.logic import line_digest
from monocoque.cloud.commands.web import Command, MailboxTick
from monocoque.contracts import topics
from monocoque.contracts.wire import command_pb2
from monocoque.trust.grants import read_chain, sign_child_grant
from monocoque.trust.keys import SystemKeyMaker
from monocoque.trust.outcomes import Outcome
from tests.cloud.orders import (
    becomes,
    confirms,
    handed_in,
    listening,
    lock,
    log_of,
    next_of,
    state_of,
)
from tests.cloud.owner import CAR, EPOCH, MAILBOX, OTHER_CAR, Cell
from tests.fixtures.phone import Phone, new_id

MINUTE_S = 60


async def test_a_command_to_a_car_that_is_there_is_sent_at_once_and_answered(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        command_id = await handed_in(owner)
        assert (await state_of(owner, command_id))[0] == "sent"
        command = await ear.command()
        assert (command.command_id, command.key_id) == (command_id, owner.key.key_id)
        await cell.say_receipt(cell.receipt(command))
        found = await becomes(owner, command_id, "done")
        assert owner.verified(found).sequence == 1
        await confirms(cell, 1)


async def test_a_command_to_a_car_that_is_away_is_sent_when_it_says_hello(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        first, second = await handed_in(owner), await handed_in(owner)
        cell.clock.advance(1)
        assert await state_of(owner, first) == ("waiting", None)
        assert await ear.nothing()
        await cell.hello()
        assert {(await ear.command()).command_id for _ in range(2)} == {first, second}
        assert (await state_of(owner, second))[0] == "sent"


async def test_a_command_that_waits_for_its_answer_takes_no_turn_of_one_that_was_never_sent(
    clients, records
):
    cell = Cell(clients, records, replace(MAILBOX, look_commands_max=1, sends_by_time_max=1))
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        first = await handed_in(owner)
        cell.clock.advance(1)
        second = await handed_in(owner)
        for command_id in (first, second):
            cell.clock.advance(2)
            await cell.hello()
            assert (await ear.command()).command_id == command_id
        cell.clock.advance(2)
        await cell.hello()
        assert (await ear.command()).command_id == first


async def test_a_car_that_is_sent_more_than_may_be_holds_up_no_other(clients, records):
    cell = Cell(clients, records, replace(MAILBOX, look_commands_max=1_000))
    many = topics.CAR_COMMANDS.rate_per_minute_max + 1
    unanswered = {
        "person_id": "person", "key_id": "key", "scope": "lock", "command_sha256": "",
        "document": b"a command", "grants": "[]", "deadline_us": cell.clock.now_us() + 60_000_000,
        "state": "sent", "sends": 1, "sent_us": 0, "is_answered": False,
    }  # fmt: skip

    def add(connection: Connection) -> None:
        for number, car_id in enumerate([*[CAR] * many, OTHER_CAR]):
            own = {"command_id": f"command-{number}", "car_id": car_id}
            rows.add_command(
                connection, unanswered | own | {"handed_in_us": number, "due_us": number}
            )

    await records.transact(add)
    async with cell.as_car(OTHER_CAR).listen(topics.CAR_COMMANDS) as heard, cell.living("commands"):
        assert await heard.next(20.0) is not None


async def test_a_command_without_an_answer_is_sent_again_after_growing_pauses(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        command_id = await handed_in(owner, lifetime_s=3_600)
        await ear.command()
        for pause_s in (1, 2, 4, 8):
            assert await ear.nothing()
            cell.clock.advance(pause_s)
            assert (await ear.command()).command_id == command_id
        cell.clock.advance(100)
        assert await ear.nothing()
        await cell.hello()
        assert (await ear.command()).command_id == command_id


async def test_a_mailbox_that_seldom_looks_sends_again_when_it_is_time(clients, records):
    cell = Cell(clients, records, replace(MAILBOX, look_s=3_600.0))
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        command_id = await handed_in(owner, lifetime_s=3_600)
        await ear.command()
        cell.clock.advance(1)
        assert (await ear.command()).command_id == command_id


async def test_a_command_that_was_never_sent_expires(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        command_id = await handed_in(owner)
        cell.clock.advance(MINUTE_S)
        await becomes(owner, command_id, "expired")
        await cell.hello()
        assert await ear.nothing()
    assert await state_of(owner, command_id) == ("expired", "never_sent")


async def test_a_command_that_was_sent_is_unknown_until_a_late_receipt_corrects_it(
    clients, records
):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        command_id = await handed_in(owner)
        command = await ear.command()
        cell.clock.advance(MINUTE_S + MAILBOX.answer_grace_s)
        found = await becomes(owner, command_id, "unknown")
        assert found["reason"] == "no_answer"
        await cell.say_receipt(cell.receipt(command))
        await becomes(owner, command_id, "done")


async def test_a_command_that_was_not_sent_can_be_taken_back(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        command_id = await handed_in(owner)
        path = f"/api/cars/{CAR}/commands/{command_id}"
        assert (await owner.client.delete(path)).json()["state"] == "cancelled"
        assert (await owner.client.delete(path)).json()["state"] == "cancelled"
        await cell.hello()
        assert await ear.nothing()


async def test_a_command_that_was_sent_still_waits_for_its_receipt(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        command_id = await handed_in(owner)
        command = await ear.command()
        answer = await owner.client.delete(f"/api/cars/{CAR}/commands/{command_id}")
        assert answer.json()["state"] == "sent"
        await cell.say_receipt(cell.receipt(command, Outcome.REFUSED, "moving"))
        await becomes(owner, command_id, "refused")
    assert await state_of(owner, command_id) == ("refused", "moving")


async def test_a_command_replaces_an_older_one_that_was_not_sent(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        older = await handed_in(owner)
        newer = await handed_in(owner, replaces=older)
        assert await state_of(owner, older) == ("cancelled", "replaced")
        await cell.hello()
        assert (await ear.command()).command_id == newer
        assert await ear.nothing()


async def test_both_go_when_the_older_one_was_sent_and_the_car_decides(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        await cell.be_there()
        older = await handed_in(owner)
        newer = await handed_in(owner, replaces=older)
        commands = [await ear.command() for _ in range(2)]
        assert [command.command_id for command in commands] == [older, newer]
        assert commands[1].replaces == older
        assert (await state_of(owner, older))[0] == "sent"


async def test_the_same_command_again_is_the_same_command(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        _, envelope = lock(owner)
        first, second = await owner.hand_in(envelope), await owner.hand_in(envelope)
        assert first.json() == second.json()
        listed = await owner.client.get(f"/api/cars/{CAR}/commands")
        assert len(listed.json()["commands"]) == 1


async def test_another_command_of_the_same_identifier_is_refused(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        command_id = await handed_in(owner)
        _, envelope = lock(owner, command_id=command_id)
        answer = await owner.hand_in(envelope)
    assert (answer.status_code, answer.json()["code"]) == (409, "identifier_used")


async def test_a_car_of_somebody_else_answers_like_one_that_does_not_exist(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        command_id, envelope = lock(owner)
        await owner.hand_in(envelope)
        stranger = await cell.browser()
        said = set()
        for car in (CAR, OTHER_CAR):
            path = f"/api/cars/{car}"
            for answer in (
                await stranger.post(f"{path}/commands", json=envelope),
                await stranger.get(f"{path}/commands"),
                await stranger.get(f"{path}/commands/live"),
                await stranger.get(f"{path}/commands/{command_id}"),
                await stranger.delete(f"{path}/commands/{command_id}"),
                await stranger.get(f"{path}/log"),
            ):
                body = answer.json()
                said.add((answer.status_code, body["code"], body["detail"], body["hint"]))
    assert len(said) == 1
    assert said.pop()[:2] == (404, "not_found")


async def wrong_envelopes(cell: Cell, owner: Phone) -> dict[str, tuple[dict[str, Any], str]]:
    """Envelopes that the cell refuses, with the codes of the refusals."""
    _, right = lock(owner)
    head, body, signature = right["command"].split(".")
    stranger = await cell.phone()
    stranger.car_id, stranger.keys, stranger.grant = CAR, owner.keys, owner.grant
    other = await cell.phone()
    other.car_id, other.keys, other.grant = OTHER_CAR, owner.keys, owner.grant
    other.key = owner.key
    forged = SystemKeyMaker().make("ES256")
    root, cell.root = cell.root, forged
    own_grant = cell.grant_for(cell.hand_over_request(owner)).decode()
    cell.root = root
    return {
        "junk": (right | {"command": "junk"}, "document_malformed"),
        "not ASCII": (right | {"command": "ö"}, "document_malformed"),
        "no grant": (right | {"grants": []}, "grant_refused"),
        "four grants": (right | {"grants": right["grants"] * 4}, "request_malformed"),
        "another root": (right | {"grants": [own_grant]}, "key_unknown"),
        "grant twice": (right | {"grants": right["grants"] * 2}, "key_unknown"),
        "another key": (lock(stranger)[1], "key_unknown"),
        "another car": (lock(other)[1], "document_audience_wrong"),
        "no signature": (right | {"command": f"{head}.{body}."}, "signature_invalid"),
        "altered": (
            right | {"command": f"{head}.{body}.{signature[:-4]}AAAA"},
            "signature_invalid",
        ),
        "huge": (right | {"command": "A" * 32_769}, "request_malformed"),
        "nearly huge": (right | {"command": "A" * 32_768}, "document_too_large"),
        "nothing": ({}, "request_malformed"),
    }


async def test_what_is_plainly_wrong_is_refused_by_name_and_leaves_no_trace(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        cases = await wrong_envelopes(cell, owner)
        said = {
            name: (await owner.hand_in(each)).json()["code"] for name, (each, _) in cases.items()
        }
        assert said == {name: code for name, (_, code) in cases.items()}
        log = (await owner.client.get(f"/api/cars/{CAR}/log")).json()
        assert (log["lines"], log["receipts"]) == ([], [])


async def test_a_command_that_is_over_or_ahead_is_refused(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        _, envelope = lock(owner)
        cell.clock.advance(MINUTE_S)
        assert (await owner.hand_in(envelope)).json()["code"] == "document_expired"
        ahead = await cell.phone()
        ahead.car_id, ahead.keys, ahead.key, ahead.grant = CAR, owner.keys, owner.key, owner.grant
        ahead.clock = type(cell.clock)()
        ahead.clock.advance(10 * MINUTE_S)
        _, early = lock(ahead)
        assert (await owner.hand_in(early)).json()["code"] == "document_not_yet_valid"


async def test_a_key_asks_for_no_more_than_its_grants_give(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        guest = await cell.phone()
        guest.client, guest.car_id, guest.keys = owner.client, CAR, owner.keys
        parent = read_chain([owner.grant], cell.root.public_jwk, CAR)[0]
        now_s = owner.now_s
        child = sign_child_grant(
            owner.key,
            parent,
            new_id("grant"),
            guest.key.public_jwk,
            frozenset({"lock"}),
            0,
            now_s,
            now_s + 600,
        )
        grants = [owner.grant.decode(), child.decode()]
        codes = {}
        for scope in ("lock", "unlock"):
            _, envelope = guest.command(scope, epoch=EPOCH)
            answer = await owner.hand_in(envelope | {"grants": grants})
            codes[scope] = answer.json().get("code")
        _, envelope = guest.command("lock", epoch=EPOCH, lifetime_s=7_200)
        cell.clock.advance(600)
        answer = await owner.hand_in(envelope | {"grants": grants})
    assert codes == {"lock": None, "unlock": "grant_refused"}
    assert answer.json()["code"] == "document_expired"


async def test_a_key_hands_in_so_many_commands_a_minute(clients, records):
    cell = Cell(clients, records, replace(MAILBOX, commands_per_minute_max=3))
    async with cell.living():
        owner = await cell.owner()
        codes = [(await owner.hand_in(lock(owner)[1])).status_code for _ in range(5)]
        cell.clock.advance(61)
        codes.append((await owner.hand_in(lock(owner)[1])).status_code)
    assert codes == [202, 202, 202, 429, 429, 202]


async def test_so_many_commands_wait_for_one_car(clients, records):
    cell = Cell(clients, records, replace(MAILBOX, waiting_per_car_max=2))
    async with cell.living():
        owner = await cell.owner()
        answers = [await owner.hand_in(lock(owner)[1]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "mailbox_full"


@pytest.mark.timeout(600)  # half a minute where two tests share two cores
async def test_ten_thousand_commands_in_one_second_end_in_named_refusals(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        envelopes = [lock(owner)[1] for _ in range(100)]
        codes: dict[str, int] = {}
        for number in range(10_000):
            answer = await owner.hand_in(envelopes[number % len(envelopes)])
            code = "taken" if answer.status_code == 202 else answer.json()["code"]
            codes[code] = codes.get(code, 0) + 1
        listed = (await owner.client.get(f"/api/cars/{CAR}/commands")).status_code
    assert set(codes) == {"taken", "too_many_requests"}
    assert sum(codes.values()) == 10_000
    assert listed == 429


async def test_the_cells_own_log_is_a_chain_of_what_happened(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        waiting = await handed_in(owner)
        await owner.client.delete(f"/api/cars/{CAR}/commands/{waiting}")
        await cell.be_there()
        command_id = await handed_in(owner)
        await cell.say_receipt(cell.receipt(await ear.command()))
        await becomes(owner, command_id, "done")
        log = await log_of(owner)
        path = f"/api/cars/{CAR}/log?lines_after=2&receipts_after=1"
        rest = (await owner.client.get(path)).json()
    lines = [json.loads(line) for line in log["lines"]]
    assert [line["kind"] for line in lines] == [
        "handed_in",
        "cancelled",
        "handed_in",
        "sent",
        "answered",
    ]
    assert lines[0]["previous_sha256"] == "A" * 43
    for before, line in zip(log["lines"], lines[1:], strict=False):
        assert line["previous_sha256"] == line_digest(before)
    assert log["lines_count"] == len(lines)
    assert (rest["lines"], rest["receipts"]) == (log["lines"][2:], [])


async def test_a_live_page_gets_the_commands_then_every_change(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        person_id = next(iter(cell.sessions.by_token.values())).person_id
        old = await handed_in(owner)
        stream = cell.live.live(CAR, person_id)
        assert (await next_of(stream, Command)).command_id == old
        await next_of(stream, MailboxTick)
        await cell.be_there()
        await ear.command()
        changed = await next_of(stream, Command)
        assert (changed.command_id, changed.state) == (old, "sent")
        await stream.aclose()


async def test_what_waits_is_sent_by_a_mailbox_that_was_started_anew(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        command_id = await handed_in(owner)
    async with listening(cell) as ear, cell.living():
        await cell.be_there()
        command = await ear.command()
        assert command.command_id == command_id
        await cell.say_receipt(cell.receipt(command))
        await becomes(owner, command_id, "done")


async def test_a_command_is_kept_as_the_very_bytes_that_came(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        command_id, envelope = lock(owner)
        await owner.hand_in(envelope)
        assert (await owner.found(command_id))["command"] == envelope["command"]


def test_an_envelope_that_is_full_fits_into_its_topic():
    full = command_pb2.CommandEnvelope(command=b"A" * 16_384, grants=[b"A" * 5_461] * 3)
    assert len(full.SerializeToString()) < topics.CAR_COMMANDS.message_bytes_max
