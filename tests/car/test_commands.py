"""One command in the car: what comes of it, once, and the line that says so."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.commands.config import CommandsConfig
from monocoque.car.keys import service as keys
from monocoque.sim.loop import run_virtual
from monocoque.trust.receipts import answers
from tests.car.stand import CAR_ID, START_US, Phone, Stand, friend, on_a_stand, outcome
from tests.vectors import people

SECOND_US = 1_000_000
NOW_S = people.NOW_S
CLIMATE = {"on": True, "temperature_decicelsius": 235}


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run_virtual(main())


async def body_now(stand: Stand):
    return await body.change(stand.records, CAR_ID, stand.clock.now_us(), lambda body: body)


@pytest.mark.parametrize(
    ("scope", "arguments", "is_so"),
    [
        ("lock", {}, lambda body: body.locked),
        ("unlock", {}, lambda body: not body.locked),
        ("climate", CLIMATE, lambda body: body.climate_on),
        ("climate", CLIMATE, lambda body: body.climate_target_decicelsius == 235),
        ("charge_limit", {"percent": 90}, lambda body: body.charge_limit_percent == 90),
    ],
)
def test_what_an_owner_asks_is_done_and_signed(scope, arguments, is_so) -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        command = phone.ask(scope, arguments=arguments)
        receipt = await stand.answer(phone, command)
        assert outcome(receipt) == ("done", None)
        assert receipt.sequence == 1
        assert receipt.answer.scope == scope
        assert answers(receipt, receipt.answer.command_id, phone.key.key_id, command)
        assert is_so(await body_now(stand))
        assert await stand.acts() == {receipt.answer.command_sha256: 1}

    on_a_stand(story)


def test_the_same_command_again_gets_the_same_line_again_and_nothing_else() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        command = phone.ask("unlock")
        first = await stand.answer(phone, command)
        again = await stand.answer(phone, command)
        assert again == first
        assert stand.messages[0].header.message_id == stand.messages[1].header.message_id
        assert list((await stand.acts()).values()) == [1]
        assert (await stand.answer(phone, phone.ask("lock"))).sequence == 2

    on_a_stand(story)


def test_a_command_that_waits_already_does_not_wait_twice() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        command = phone.ask("unlock")
        for _ in range(5):
            await stand.send(command)
        await asyncio.sleep(1.5)
        assert [line.sequence for line in stand.said] == [1]

    on_a_stand(story)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deadline_s": NOW_S - 599, "issued_s": NOW_S - 600}, ("expired", "deadline_passed")),
        ({"issued_s": NOW_S + 130, "deadline_s": NOW_S + 600}, ("refused", "not_yet_valid")),
        ({"epoch": "another"}, ("refused", "epoch_other")),
    ],
)
def test_what_is_not_fresh_is_answered_and_not_done(changes, said) -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        assert outcome(await stand.answer(phone, phone.ask("unlock", **changes))) == said
        assert await stand.acts() == {}
        assert (await body_now(stand)).locked

    on_a_stand(story)


def test_a_counter_is_taken_once_whatever_came_of_it() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), stand.configs[BodyConfig])
        await asyncio.sleep(20)
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("refused", "moving")
        phone.counter -= 1
        used = await stand.answer(phone, phone.ask("lock"))
        assert outcome(used) == ("refused", "counter_used")
        assert outcome(await stand.answer(phone, phone.ask("lock"))) == ("done", None)

    on_a_stand(story)


def test_a_friend_may_do_what_the_owner_granted_and_no_more() -> None:
    async def story(stand: Stand) -> None:
        owner, other = Phone(), friend()
        assert outcome(await stand.answer(owner, owner.ask("unlock"))) == ("done", None)
        assert outcome(await stand.answer(other, other.ask("lock"))) == ("done", None)
        missing = await stand.answer(other, other.ask("unlock"))
        assert outcome(missing) == ("refused", "right_missing")

    on_a_stand(story)


def test_another_grant_of_the_maker_does_not_make_another_owner() -> None:
    async def story(stand: Stand) -> None:
        owner = Phone()
        confirmation = {"jwk": dict(people.STRANGER.public_jwk)}
        second = people.makers(jti=people.identifier("grant", 77), cnf=confirmation)
        robber = Phone(people.STRANGER, (second.encode(),))
        reissued = people.makers(jti=people.identifier("grant", 78))
        same_key = Phone(people.OWNER, (reissued.encode(),), counter=10)
        assert outcome(await stand.answer(owner, owner.ask("lock"))) == ("done", None)
        for other in (robber, same_key):
            refused = await stand.answer(other, other.ask("unlock"))
            assert outcome(refused) == ("refused", "owner_known")
        assert (await body_now(stand)).locked

    on_a_stand(story)


def test_a_command_that_is_not_done_makes_nobody_the_owner() -> None:
    async def story(stand: Stand) -> None:
        confirmation = {"jwk": dict(people.STRANGER.public_jwk)}
        other = people.makers(jti=people.identifier("grant", 77), cnf=confirmation)
        late = Phone(people.STRANGER, (other.encode(),))
        await stand.answer(late, late.ask("lock", epoch="another"))
        owner = Phone()
        assert outcome(await stand.answer(owner, owner.ask("lock"))) == ("done", None)

    on_a_stand(story)


def test_what_its_own_key_replaced_before_is_not_done_any_more() -> None:
    async def story(stand: Stand) -> None:
        owner, other = Phone(), friend()
        older = people.identifier("command", 1)
        later = owner.ask("lock", command_id=older)
        others = other.ask("lock", replaces=older)
        assert outcome(await stand.answer(other, others)) == ("done", None)
        owners = people.identifier("command", 2)
        replaced = owner.ask("unlock", command_id=owners)
        newer = owner.ask("lock", replaces=owners)
        assert outcome(await stand.answer(owner, newer)) == ("done", None)
        assert outcome(await stand.answer(owner, replaced)) == ("refused", "replaced")
        assert outcome(await stand.answer(owner, later)) == ("done", None)
        assert (await body_now(stand)).locked

    on_a_stand(story)


def test_the_guard_has_the_last_word() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        config = stand.configs[BodyConfig]
        await body.drive(stand.records, CAR_ID, stand.clock.now_us(), config)
        await asyncio.sleep(20)
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("refused", "moving")
        assert await stand.acts() == {}
        await body.park(stand.records, CAR_ID, stand.clock.now_us())
        await asyncio.sleep(20)
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("done", None)

    on_a_stand(story)


def test_an_actuator_that_is_stuck_is_a_failure_and_said_so() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        await body.jam(stand.records, CAR_ID, stand.clock.now_us(), frozenset({"locks"}))
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("failed", "jammed")
        assert (await body_now(stand)).locked
        await body.jam(stand.records, CAR_ID, stand.clock.now_us(), frozenset())
        assert outcome(await stand.answer(phone, phone.ask("unlock"))) == ("done", None)

    on_a_stand(story)


def test_of_two_phones_with_opposite_wishes_the_later_arrival_stands() -> None:
    async def story(stand: Stand) -> None:
        owner, other = Phone(), friend()
        await stand.send(owner.ask("unlock"), owner.grants)
        await stand.send(other.ask("lock"), other.grants)
        first, second = await stand.until(2)
        assert outcome(first) == outcome(second) == ("done", None)
        assert (first.answer.scope, second.answer.scope) == ("unlock", "lock")
        assert (await body_now(stand)).locked

    on_a_stand(story)


def test_a_clock_that_is_set_back_brings_no_command_to_life_again() -> None:
    async def main() -> None:
        stand, phone = Stand(), Phone()
        command = phone.ask("unlock")
        async with stand.living():
            await asyncio.sleep(700)
            late = phone.ask("lock", now_s=NOW_S + 700)
            assert outcome(await stand.answer(phone, late)) == ("done", None)
        stand.time.offset_us = -3_600 * SECOND_US
        async with stand.living():
            assert stand.clock.now_us() < START_US
            answer = await stand.answer(phone, command)
            assert outcome(answer) == ("expired", "deadline_passed")
            fresh = phone.ask("unlock", now_s=NOW_S + 700)
            assert outcome(await stand.answer(phone, fresh)) == ("done", None)
            assert not (await body_now(stand)).locked

    run(main)


def test_a_car_that_lost_its_records_takes_nothing_that_was_made_before() -> None:
    async def main() -> None:
        first, phone = Stand(), Phone()
        command = phone.ask("unlock")
        async with first.living():
            assert outcome(await first.answer(phone, command)) == ("done", None)
        second = Stand()
        async with second.living(epoch=keys.make_epoch(Random(99))):
            assert outcome(await second.answer(phone, command)) == ("refused", "epoch_other")

    run(main)


def test_a_car_without_a_maker_takes_nothing_until_it_knows_one() -> None:
    async def main() -> None:
        stand, phone = Stand(), Phone()
        root = stand.keystore.read(keys.MAKER_ROOT)
        stand.keystore._secrets.pop(keys.MAKER_ROOT)
        async with stand.living():
            await stand.send(phone.ask("lock"))
            await asyncio.sleep(1)
            assert stand.said == []
            assert stand.counted("key_unknown") == 1
            stand.keystore.write(keys.MAKER_ROOT, root)
            assert outcome(await stand.answer(phone, phone.ask("lock"))) == ("done", None)

    run(main)


# --- a loss of power ------------------------------------------------------------------------


def test_what_was_begun_when_the_power_was_lost_may_have_happened_and_is_never_tried_again() -> (
    None
):
    async def main() -> None:
        stand, phone = Stand(), Phone()
        command = phone.ask("unlock")
        async with stand.living():
            await stand.send(command)
            while not await stand.acts():
                await asyncio.sleep(0.01)
        assert stand.said == []
        async with stand.living():
            [unknown] = await stand.until(1)
            assert outcome(unknown) == ("unknown", "power_lost")
            assert answers(unknown, unknown.answer.command_id, phone.key.key_id, command)
            assert await stand.answer(phone, command) == unknown
        assert list((await stand.acts()).values()) == [1]

    run(main)


# --- the log --------------------------------------------------------------------------------


def test_the_log_is_said_again_until_the_cell_has_it() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        for _ in range(5):
            await stand.answer(phone, phone.ask("lock"))
        await asyncio.sleep(3_000)
        assert stand.check_log()[-1].sequence == 5
        assert 10 < len(stand.said) < 40, "a silent cell is asked, and not flooded"
        await stand.confirm(3)
        await asyncio.sleep(10)
        before = len(stand.said)
        await stand.confirm(4)
        await asyncio.sleep(3)
        assert {line.sequence for line in stand.said[before:]} == {5}
        await stand.confirm(5)
        await asyncio.sleep(3_000)
        settled = len(stand.said)
        await asyncio.sleep(3_000)
        assert len(stand.said) == settled
        await stand.confirm(2)
        await asyncio.sleep(10)
        assert {line.sequence for line in stand.said[settled:]} == {3, 4, 5}

    on_a_stand(story)


def test_a_car_that_starts_again_says_what_the_cell_lacks() -> None:
    async def main() -> None:
        stand, phone = Stand(), Phone()
        async with stand.living():
            for _ in range(3):
                await stand.answer(phone, phone.ask("lock"))
            await stand.confirm(1)
            await asyncio.sleep(0.1)
        before = len(stand.said)
        async with stand.living():
            await asyncio.sleep(5)
            assert {line.sequence for line in stand.said[before:]} == {2, 3}

    run(main)


def test_a_cell_that_claims_more_than_there_is_is_not_believed() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        await stand.answer(phone, phone.ask("lock"))
        await stand.confirm(2**62)
        await asyncio.sleep(1)
        before = len(stand.said)
        await stand.answer(phone, phone.ask("lock"))
        await asyncio.sleep(10)
        assert len(stand.said) > before + 1

    on_a_stand(story)


def test_a_log_that_is_full_stops_the_car_from_acting() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        for _ in range(3):
            await stand.answer(phone, phone.ask("lock"))
        await stand.send(phone.ask("unlock"))
        await asyncio.sleep(1)
        assert stand.counted("queue_full") == 1
        assert (await body_now(stand)).locked
        await stand.confirm(1)
        await asyncio.sleep(0.1)
        before = len(stand.said)
        await stand.send(phone.ask("unlock"))
        await asyncio.sleep(1)
        assert outcome(stand.said[before]) == ("done", None)
        assert [line.sequence for line in stand.check_log()] == [1, 2, 3, 4]

    on_a_stand(story, CommandsConfig(lines_unconfirmed_max=3))


def test_old_lines_go_when_the_cell_has_them_and_the_chain_goes_on() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        first = phone.ask("lock")
        await stand.answer(phone, first)
        for _ in range(3):
            await stand.answer(phone, phone.ask("lock"))
        await stand.confirm(4)
        await asyncio.sleep(0.1)
        await stand.answer(phone, phone.ask("lock"))
        # Its line is gone; its counter is not, so it is not done again.
        gone = await stand.answer(phone, first)
        assert outcome(gone) == ("refused", "counter_used")
        assert [line.sequence for line in stand.check_log()] == [1, 2, 3, 4, 5, 6]
        assert set((await stand.acts()).values()) == {1}

    on_a_stand(story, CommandsConfig(lines_kept=2))


def test_a_line_that_the_cell_lacks_is_kept_however_old_it_is() -> None:
    async def story(stand: Stand) -> None:
        phone = Phone()
        for _ in range(5):
            await stand.answer(phone, phone.ask("lock"))
        before = len(stand.said)
        await stand.confirm(1)
        await asyncio.sleep(10)
        assert {line.sequence for line in stand.said[before:]} == {2, 3, 4, 5}

    on_a_stand(story, CommandsConfig(lines_kept=1))


def test_what_is_only_a_record_is_done_in_one_transaction_with_its_line() -> None:
    done: list[tuple[str, dict[str, int | bool]]] = []

    def keep(connection, car_id, arguments, _now_us):
        """Write where the body is, so that the line and it are there together or not at all."""
        done.append((car_id, dict(arguments)))
        return None if arguments["agreed"] else "too_late"

    async def story(stand: Stand) -> None:
        stand.doers["update"] = keep
        phone = Phone()
        agreed = {"release_number": 7, "agreed": True}
        command = phone.ask("update", arguments=agreed)
        receipt = await stand.answer(phone, command)
        assert outcome(receipt) == ("done", None)
        assert done == [(CAR_ID, agreed)]
        assert outcome(await stand.answer(phone, command)) == ("done", None)
        assert len(done) == 1  # the line again, and nothing else
        again = phone.ask("update", arguments=agreed | {"agreed": False})
        assert outcome(await stand.answer(phone, again)) == ("refused", "too_late")
        assert await stand.acts() == {}
        stand.check_log()

    on_a_stand(story)
