"""Whose commands the car takes, and which of them it has seen."""

from random import Random

import pytest

from monocoque.car.keys import service as keys
from monocoque.contracts.errors import CredentialsRefused
from monocoque.plumbing.records.port import Records
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.windows import CounterWindow
from tests.fixtures.bus import SecretsInMemory

CAR_ID = "car_0123456789abcdefghjkmnpqrs"
SECOND_US = 1_000_000


def test_both_keys_are_made_once_and_stay_in_the_car() -> None:
    keystore = SecretsInMemory()
    first = keys.public_keys(keystore, SeededKeyMaker(Random(1).randbytes))
    again = keys.public_keys(keystore, SeededKeyMaker(Random(2).randbytes))
    assert first == again
    assert first.sign != first.seal
    assert "d" not in first.sign
    assert "d" not in first.seal


def test_a_car_that_never_left_the_line_knows_no_maker() -> None:
    assert keys.maker_root(SecretsInMemory()) is None


def test_the_maker_is_known_by_its_public_key() -> None:
    keystore = SecretsInMemory()
    root = SeededKeyMaker(Random(1).randbytes).make("ES256")
    keystore.write(keys.MAKER_ROOT, root.export())
    assert keys.maker_root(keystore) == root.public_jwk


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b"{}", b'{"kty":"EC"}', b"[" * 5_000])
def test_a_damaged_maker_root_is_an_error_and_never_another_maker(kept) -> None:
    keystore = SecretsInMemory()
    keystore.write(keys.MAKER_ROOT, kept)
    with pytest.raises(CredentialsRefused):
        keys.maker_root(keystore)


async def test_the_epoch_is_born_with_the_records_and_stays(records: Records) -> None:
    first, second = keys.make_epoch(Random(1)), keys.make_epoch(Random(2))
    assert first != second
    assert len(first) == 22
    assert await records.transact(lambda c: keys.recall(c, CAR_ID)) is None
    begun = await records.transact(lambda c: keys.begin(c, CAR_ID, first))
    assert begun == keys.Memory(epoch=first, owner=None, latest_us=0)
    assert await records.transact(lambda c: keys.begin(c, CAR_ID, second)) == begun


async def test_owner_and_time_are_remembered(records: Records) -> None:
    await records.transact(lambda c: keys.begin(c, CAR_ID, keys.make_epoch(Random(1))))
    await records.transact(lambda c: keys.pin_owner(c, CAR_ID, "grant", "key"))
    await records.transact(lambda c: keys.see_time(c, CAR_ID, 7))
    memory = await records.transact(lambda c: keys.recall(c, CAR_ID))
    assert memory is not None
    assert (memory.owner, memory.latest_us) == (("grant", "key"), 7)


async def test_the_window_of_a_key_is_its_own(records: Records) -> None:
    seen = CounterWindow(highest=2**53 - 1, bits=2**63 - 1)
    assert await records.transact(lambda c: keys.window_of(c, "a")) == CounterWindow()
    await records.transact(lambda c: keys.keep_window(c, "a", CounterWindow(1, 0), 1))
    await records.transact(lambda c: keys.keep_window(c, "a", seen, 2))
    assert await records.transact(lambda c: keys.window_of(c, "a")) == seen
    assert await records.transact(lambda c: keys.window_of(c, "b")) == CounterWindow()


async def test_a_key_is_forgotten_only_when_its_commands_are_over(records: Records) -> None:
    window, day_us = CounterWindow(highest=3), keys.ALIVE_S_MAX * SECOND_US

    async def has_room(key_id: str, now_us: int) -> bool:
        return await records.transact(lambda c: keys.has_room_for(c, key_id, now_us, 2))

    await records.transact(lambda c: keys.keep_window(c, "a", window, 0))
    assert await has_room("b", 0)
    await records.transact(lambda c: keys.keep_window(c, "b", window, 1))
    assert not await has_room("c", day_us)
    assert await has_room("a", day_us)
    assert await records.transact(lambda c: keys.window_of(c, "a")) == window
    assert await has_room("c", day_us + 1)
    assert await records.transact(lambda c: keys.window_of(c, "a")) == CounterWindow()
    assert await records.transact(lambda c: keys.window_of(c, "b")) == window
