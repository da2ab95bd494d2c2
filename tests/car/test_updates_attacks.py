"""Each attack on an update that the Uptane standard and its papers name, tried on a car.

Fifteen rows: whatever is done, the car installs nothing, and its manifest says why by one word.
"""

import asyncio
import dataclasses
import functools
import hashlib
from collections.abc import Awaitable, Callable

import pytest

from monocoque.trust.updates import director, image_repository
from tests.car.update_stand import Stand, on_a_stand
from tests.fixtures.update_cloud import NEW_ONLINE, THIEF, director_root
from tests.fixtures.updates import ARDEN

Attack = Callable[[Stand], Awaitable[object]]
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def on_images(change: Callable[[bytes], bytes]) -> Attack:
    """The repository, or a mirror of it, sends something else in place of images."""

    async def attack(stand: Stand) -> None:
        stand.line.spoil = lambda path, data: change(data) if path.endswith(".img") else data
        await stand.direct(2)

    return attack


async def drop_requests(stand: Stand) -> None:
    """The car's polls never get an answer."""
    await stand.direct(None)
    await stand.until("none")


async def slow_down(stand: Stand) -> None:
    stand.line.pause_s, stand.line.chunk_bytes = 1.0, 1
    await stand.direct(2)


async def freeze(stand: Stand) -> None:
    """Somebody keeps answering what was right some days ago."""
    old = stand.cloud.direct(stand.cloud.assignment(2), stand.clock.now_us() - 2 * DAY_US)
    await stand.say(old)
    await asyncio.sleep(5)
    await stand.say(old)


async def leave_one_out(stand: Stand) -> None:
    wanted = stand.cloud.assignment(2, ("arden7-gateway", "arden7-body"))
    await stand.say(stand.cloud.direct(wanted, stand.clock.now_us()))


async def deny(stand: Stand) -> None:
    stand.line.is_away = True
    await stand.direct(2)


async def roll_back(stand: Stand) -> None:
    old = stand.cloud.direct(stand.cloud.assignment(2), stand.clock.now_us())
    await stand.direct(None)
    await asyncio.sleep(5)
    await stand.say(old)


async def mix(stand: Stand) -> None:
    """The parts are right, each for itself."""
    one = stand.cloud.direct(stand.cloud.assignment(2), stand.clock.now_us())
    other = stand.cloud.direct(stand.cloud.assignment(3), stand.clock.now_us())
    await stand.say((other[0], one[1], one[2]))


async def invent(stand: Stand) -> None:
    """The director's key is stolen, and used for code of the thief's own."""
    own = stand.cloud.assignment(2)
    evil = director.Target("2/arden7-evil.img", 9, hashlib.sha256(b"evil code").hexdigest())
    units = [dataclasses.replace(own.units[0], image=evil), *own.units[1:]]
    wanted = dataclasses.replace(own, units=units)
    await stand.say(stand.cloud.direct(wanted, stand.clock.now_us()))


async def mix_bundles(stand: Stand) -> None:
    own, other = stand.cloud.assignment(2), stand.cloud.assignment(3)
    wanted = dataclasses.replace(own, units=[*own.units[:2], other.units[2]])
    await stand.say(stand.cloud.direct(wanted, stand.clock.now_us()))


async def fast_forward(stand: Stand) -> None:
    """A thief signs the highest version; afterwards the true director seems old."""
    stand.cloud.version = stand.cloud.timestamp_version = 2**31 - 10
    await stand.direct(None)
    await asyncio.sleep(5)
    stand.cloud.version = stand.cloud.timestamp_version = 7
    await stand.direct(2)


async def add_dependency(stand: Stand) -> None:
    """A release for one unit, and with it what another unit 'needs'."""
    own = stand.cloud.assignment(4, ("arden7-body",))
    stand.cloud.images[4] = {**stand.cloud.images[4], "arden7-drive": b"x" * 600}
    more = stand.cloud.assignment(4, ("arden7-drive",)).units
    await stand.say(
        stand.cloud.direct(
            dataclasses.replace(own, units=[*own.units, *more]), stand.clock.now_us()
        )
    )


async def swap_hardware(stand: Stand) -> None:
    own = stand.cloud.assignment(2)
    images = [own.units[1].image, own.units[0].image, own.units[2].image]
    units = [dataclasses.replace(u, image=i) for u, i in zip(own.units, images, strict=True)]
    wanted = dataclasses.replace(own, units=units)
    await stand.say(stand.cloud.direct(wanted, stand.clock.now_us()))


async def steal_one_company(stand: Stand) -> None:
    """All online keys and one company's are stolen; a release is published with them."""
    stand.cloud.publish(5, "6.6.6", signers=(ARDEN,))
    await stand.direct(5)


ATTACKS: dict[str, tuple[Attack, str]] = {
    "drop request": (drop_requests, "no_directions"),
    "slow retrieval": (slow_down, "slow_retrieval"),
    "freeze": (freeze, "expired"),
    "partial bundle installation": (leave_one_out, "partial_bundle"),
    "denial of service": (deny, "unreachable"),
    "rollback": (roll_back, "rollback"),
    "endless data": (on_images(lambda data: data * 1_000), "endless_data"),
    "mix and match": (mix, "mix_and_match"),
    "arbitrary software": (invent, "arbitrary_software"),
    "mixed bundles": (mix_bundles, "mixed_bundle"),
    "fast forward": (fast_forward, "rollback"),
    "extraneous dependencies": (add_dependency, "arbitrary_software"),
    "wrong software installation": (swap_hardware, "wrong_hardware"),
    "key compromise": (steal_one_company, "threshold_unmet"),
    "malicious mirror": (on_images(lambda data: data[:-1] + b"?"), "altered"),
}
"""By the name of the attack: what is done, and what the manifest says."""


def prepared(attack: Attack) -> Callable[..., Awaitable[None]]:
    """The attack on a car whose owner agreed to everything that is offered."""

    async def story(stand: Stand, reason: str) -> None:
        stand.cloud.publish(4, "1.3.0", hardware=("arden7-body",))
        for number in (2, 3, 4, 5):
            await stand.agree(number)
        await attack(stand)
        await stand.until("refused", reason)
        await asyncio.sleep(900)
        assert await stand.releases() == [1, 1, 1]
        assert not (await stand.body()).updating

    return story


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_installs_nothing_and_is_named(name) -> None:
    attack, reason = ATTACKS[name]
    on_a_stand(functools.partial(prepared(attack), reason=reason))


def test_every_class_of_attack_has_its_row() -> None:
    assert len(ATTACKS) == 15


async def _cut(stand: Stand) -> None:
    stand.line.spoil = lambda path, data: data[:-1] if path.endswith(".img") else data
    await stand.direct(2)


async def _fill_disk(stand: Stand) -> None:
    stand.disk.limit(stand.disk.size_bytes() + 700)
    await stand.direct(2)


async def _no_room(stand: Stand) -> None:
    stand.free_bytes = 1_000
    await stand.direct(2)


async def _no_signature(stand: Stand) -> None:
    stand.cloud.online = THIEF
    await stand.direct(2)


async def _huge_metadata(stand: Stand) -> None:
    name = image_repository.TIMESTAMP_FILE
    stand.line.spoil = lambda path, data: data + b" " * 40_000 if path == name else data
    await stand.direct(2)


async def _metadata_cut(stand: Stand) -> None:
    stand.line.spoil = lambda path, data: data[:-9] if path.endswith("targets.json") else data
    await stand.direct(2)


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (_cut, "cut_short"),
        (_fill_disk, "disk_full"),
        (_no_room, "disk_full"),
        (_no_signature, "threshold_unmet"),
        (_huge_metadata, "endless_data"),
        (_metadata_cut, "mix_and_match"),
    ],
)
def test_other_bad_input_installs_nothing_and_is_named(attack, reason) -> None:
    on_a_stand(functools.partial(prepared(attack), reason=reason))


def test_after_a_fast_forward_new_keys_let_the_true_director_be_heard_again() -> None:
    async def story(stand: Stand) -> None:
        await stand.agree(2)
        await fast_forward(stand)
        await stand.until("refused", "rollback")
        stand.cloud.online, stand.cloud.roots = NEW_ONLINE, [director_root(2, NEW_ONLINE)]
        await stand.direct(2)
        await stand.until("installed")

    on_a_stand(story)


def test_what_was_bad_once_is_good_again_once_it_is_good() -> None:
    for attack, reason in ((_cut, "cut_short"), (_fill_disk, "disk_full")):

        async def story(stand: Stand, attack=attack, reason=reason) -> None:
            await stand.agree(2)
            await attack(stand)
            await stand.until("refused", reason)
            stand.line.spoil = lambda _path, data: data
            stand.disk.limit(None)
            await stand.direct(2)
            await stand.until("installed")

        on_a_stand(story)
