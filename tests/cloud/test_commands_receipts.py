"""What the mailbox believes of a car: receipts in order, twice, with gaps, and forged."""

import json
from dataclasses import replace

from monocoque.trust.commands import AuthenticCommand
from monocoque.trust.keys import SystemKeyMaker
from monocoque.trust.receipts import LogPlace, verify_log
from tests.cloud.orders import Ear, becomes, confirms, handed_in, listening, log_of, state_of
from tests.cloud.owner import CAR, OTHER_CAR, Cell
from tests.fixtures.phone import Phone


async def three_commands(cell: Cell, owner: Phone, ear: Ear) -> list[AuthenticCommand]:
    await cell.be_there()
    for _ in range(3):
        await handed_in(owner, lifetime_s=3_600)
    return [await ear.command() for _ in range(3)]


async def test_receipts_twice_are_kept_once(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        receipts = [cell.receipt(command) for command in await three_commands(cell, owner, ear)]
        for receipt in receipts + receipts:
            await cell.say_receipt(receipt)
        await confirms(cell, 3)
        log = await log_of(owner)
    assert log["receipts"] == [receipt.decode() for receipt in receipts]
    assert log["other_receipt"] is None
    assert [json.loads(line)["kind"] for line in log["lines"]].count("answered") == 3
    assert len(verify_log([r.encode() for r in log["receipts"]], CAR, owner.keys.sign)) == 3


async def test_after_a_gap_the_car_is_told_where_its_log_stands(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        commands = await three_commands(cell, owner, ear)
        receipts = [cell.receipt(command) for command in commands]
        await cell.say_receipt(receipts[0])
        await cell.say_receipt(receipts[2])
        await becomes(owner, commands[2].command_id, "done")
        await confirms(cell, 1)
        assert (await log_of(owner))["receipts_count"] == 1
        for receipt in receipts[1:]:
            await cell.say_receipt(receipt)
        await confirms(cell, 3)
        assert (await log_of(owner))["receipts_count"] == 3


async def test_a_forged_receipt_is_not_taken(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        first, second, _ = await three_commands(cell, owner, ear)
        own, cell.car = cell.car, SystemKeyMaker().make("ES256")
        forged = cell.receipt(first, after=LogPlace())
        cell.car = own
        await cell.say_receipt(forged)
        await cell.say_receipt(b"junk")
        await cell.say_receipt(cell.receipt(second))
        await becomes(owner, second.command_id, "done")
        assert (await state_of(owner, first.command_id))[0] == "sent"
        assert (await log_of(owner))["receipts_count"] == 1


async def test_a_receipt_for_another_document_answers_nothing(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        first, second, _ = await three_commands(cell, owner, ear)
        swapped = replace(first, digest=second.digest)
        await cell.say_receipt(cell.receipt(swapped))
        await cell.say_receipt(cell.receipt(second))
        await becomes(owner, second.command_id, "done")
        assert (await state_of(owner, first.command_id))[0] == "sent"


async def test_a_log_that_contradicts_itself_is_shown(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        owner = await cell.owner()
        first, second, third = await three_commands(cell, owner, ear)
        await cell.say_receipt(cell.receipt(first))
        await becomes(owner, first.command_id, "done")
        other = cell.receipt(second, after=LogPlace())
        await cell.say_receipt(other)
        await becomes(owner, second.command_id, "done")
        await cell.say_receipt(cell.receipt(third, after=LogPlace()))
        await becomes(owner, third.command_id, "done")
        log = await log_of(owner)
    assert log["other_receipt"] == other.decode()
    kinds = [json.loads(line)["kind"] for line in log["lines"]]
    assert kinds.count("contradicted") == 1


async def test_a_receipt_of_a_car_without_an_owner_is_left_out(clients, records):
    cell = Cell(clients, records)
    async with cell.living(), listening(cell) as ear:
        await cell.say_receipt(b"junk", OTHER_CAR)
        owner = await cell.owner()
        first, *_ = await three_commands(cell, owner, ear)
        await cell.say_receipt(cell.receipt(first))
        await becomes(owner, first.command_id, "done")
