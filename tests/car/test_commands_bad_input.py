"""What a car is told by those who mean it ill, or far too often: every vector, and floods."""

import asyncio
import json
from random import Random

import pytest

from monocoque.car.commands.config import CommandsConfig
from monocoque.car.keys.config import KeysConfig
from monocoque.contracts.errors import MessageTooLarge
from monocoque.contracts.topics import CAR_COMMANDS
from monocoque.contracts.wire.command_pb2 import CommandEnvelope
from monocoque.plumbing.bus.header import stamp
from tests.car.stand import CAR_ID, Phone, Stand, friend, on_a_stand, outcome
from tests.vectors.generate import COMMANDS

CLIMATE = {"on": True, "temperature_decicelsius": 235}


def vectors(kind: str):
    found = json.loads(COMMANDS.read_text(encoding="utf-8"))[kind]
    return pytest.mark.parametrize("case", found, ids=lambda case: case["name"])


@vectors("envelopes")
def test_the_car_says_over_its_bus_of_every_vector_what_the_vector_says(case) -> None:
    async def story(stand: Stand) -> None:
        command = (case["command"] * case.get("times", 1)).encode()
        grants = tuple(grant.encode() for grant in case["grants"])
        size = len(command) + sum(len(grant) for grant in grants)
        if size > CAR_COMMANDS.message_bytes_max - 100:
            with pytest.raises(MessageTooLarge):
                await stand.send(command, grants)
            return
        await stand.send(command, grants)
        await asyncio.sleep(1)
        if case["code"] is not None:
            assert stand.said == []
            assert stand.counted(case["code"]) == 1
            assert await stand.acts() == {}
        else:
            assert outcome(stand.said[0]) == wanted(case)
            is_act = outcome(stand.said[0])[0] == "done"
            is_act &= stand.said[0].answer.scope not in stand.doers
            assert len(await stand.acts()) == is_act
        phone = Phone(counter=20)
        fresh = await stand.answer(phone, phone.ask("lock"))
        assert outcome(fresh) == ("done", None) or fresh.answer.reason == "owner_known"

    on_a_stand(story)


def wanted(case) -> tuple[str, str | None]:
    if case["reason"] == "deadline_passed":
        return "expired", case["reason"]
    if case["reason"] is not None:
        return "refused", case["reason"]
    arguments = case.get("arguments", {})
    if arguments == "decryption_failed":
        return "refused", "arguments_unreadable"
    if arguments == "arguments_wrong":
        return "refused", "arguments_wrong"
    return "done", None


@vectors("sequences")
def test_the_car_remembers_what_the_vector_says(case) -> None:
    async def story(stand: Stand) -> None:
        known: dict[str, object] = {}
        for step in case["steps"]:
            await asyncio.sleep(max(0.0, step["after_s"] - asyncio.get_running_loop().time()))
            answer = await stand.answer(Phone(), step["command"].encode())
            if step["command"] in known:
                assert answer == known[step["command"]]
            elif step["reason"] is None:
                assert outcome(answer) == ("done", None)
            else:
                assert answer.answer.reason == step["reason"]
            known.setdefault(step["command"], answer)

    on_a_stand(story)


def test_a_flood_from_one_key_is_bounded_and_keeps_no_other_waiting() -> None:
    async def story(stand: Stand) -> None:
        loud, other = friend(), Phone()
        loop = asyncio.get_running_loop()
        # Past the sender's own limit, as a hostile cell would speak.
        for number in range(10_000):
            envelope = CommandEnvelope(command=loud.ask("lock") if number < 400 else b"x")
            envelope.grants.extend(loud.grants)
            stamp(envelope, stand.clock, Random(number))
            subject = CAR_COMMANDS.subject(car_id=CAR_ID)
            stand.hub.accept(CAR_COMMANDS, subject, envelope.SerializeToString())
        began_s = loop.time()
        while all(line.answer.key_id != other.key.key_id for line in stand.said):
            await stand.send(other.ask("climate", arguments=CLIMATE), other.grants)
            await asyncio.sleep(1)
        assert loop.time() - began_s < 70, "the door opens again within its minute"
        await asyncio.sleep(30)
        loud_lines = [line for line in stand.check_log() if line.answer.key_id == loud.key.key_id]
        assert len(loud_lines) <= stand.configs[CommandsConfig].waiting_per_key_max
        assert stand.counted("queue_full") > 100

    on_a_stand(story)


def test_each_key_has_a_pace() -> None:
    async def story(stand: Stand) -> None:
        phone, other = Phone(), friend()
        for _ in range(10):
            await stand.send(phone.ask("charge_limit", arguments={"percent": 70}))
            await asyncio.sleep(1)
        assert stand.counted("too_many_requests") > 0
        lines = len(stand.check_log())
        assert lines < 10
        assert outcome(await stand.answer(other, other.ask("lock"))) == ("done", None)
        await asyncio.sleep(60)
        assert outcome(await stand.answer(phone, phone.ask("lock"))) == ("done", None)

    on_a_stand(story, CommandsConfig(per_key_per_minute_max=5, keys_counted_max=2))


def test_more_keys_than_can_be_remembered_are_refused_and_the_known_ones_are_not() -> None:
    async def story(stand: Stand) -> None:
        stand.configs[KeysConfig] = KeysConfig(keys_max=1)
        owner, other = Phone(), friend()
        assert outcome(await stand.answer(owner, owner.ask("lock"))) == ("done", None)
        refused = await stand.answer(other, other.ask("lock"))
        assert outcome(refused) == ("refused", "too_many_keys")
        assert outcome(await stand.answer(owner, owner.ask("lock"))) == ("done", None)

    on_a_stand(story)
