"""The power fails at every write, sync, rename and record of an update: wholly old or wholly new.

The update is lived through once to count what can be cut, and then once for each of those moments.
After each cut the car starts again without its cell, and must be whole; the next poll finishes.
"""

import asyncio
from random import Random

import pytest

from monocoque.car.updates.logic.journal import Phase
from monocoque.car.updates.service import NO_BOOT, break_unit
from monocoque.sim.loop import run_virtual
from tests.car.update_stand import Stand

START_S_MAX = 60.0
RESTING = (Phase.IDLE, Phase.DOWNLOADING)
"""Phases in which a car without its cell does nothing."""


async def begin(stand: Stand) -> None:
    """The first start of the car, and its owner's consent; what comes after this is cut."""
    async with stand.living():
        await stand.until_started()
    await stand.agree(2)


async def update(stand: Stand, state: str = "installed", reason: str = "") -> None:
    """One life in which the update ends, or the power."""
    async with stand.living():
        await stand.until_started()
        if stand.disk.is_on:
            await stand.direct(2)
            await stand.until(state, reason)


async def check_unlocked_is_whole(stand: Stand) -> None:
    """At any moment: a car that may drive has one release in all its units."""
    if not (await stand.body()).updating:
        assert len(set(await stand.releases())) == 1


async def recover(stand: Stand, seed: int) -> list[int]:
    """The power is back, the cell is not: what the car makes of itself."""
    stand.disk.restore(Random(seed))
    stand.records.cut_before = stand.records.cut_after = None
    stand.line.is_away = True
    await check_unlocked_is_whole(stand)
    async with stand.living():
        async with asyncio.timeout(START_S_MAX):
            while stand.manifests == [] or (await stand.journal()).phase not in RESTING:
                await asyncio.sleep(0.5)
        releases = await stand.releases()
        assert not (await stand.body()).updating
    assert len(set(releases)) == 1
    stand.line.is_away = False
    return releases


async def count() -> tuple[int, int]:
    """How many changes of the disk and how many transactions one update is."""
    stand = Stand()
    await begin(stand)
    before = stand.disk.changes, stand.records.count
    await update(stand)
    assert await stand.releases() == [2, 2, 2]
    return stand.disk.changes - before[0], stand.records.count - before[1]


async def cut(kind: str, number: int) -> list[int]:
    """The update with the power cut there; returns what every unit ran after the restart."""
    stand = Stand()
    await begin(stand)
    if kind == "disk":
        stand.disk.cut_at(number)
    elif kind == "before":
        stand.records.cut_before = stand.records.count + number
    else:
        stand.records.cut_after = stand.records.count + number
    await update(stand)
    assert not stand.disk.is_on, "the power failed"
    releases = await recover(stand, number)
    async with stand.living():
        await stand.direct(2)
        await stand.until("installed")
    assert await stand.releases() == [2, 2, 2]
    assert stand.numbers == sorted(set(stand.numbers)), "no manifest has the number of another"
    return releases


@pytest.mark.parametrize("kind", ["disk", "before", "after"])
def test_wherever_the_power_fails_all_units_are_old_or_all_are_new(kind) -> None:
    changes, transactions = run_virtual(count())
    moments = changes if kind == "disk" else transactions
    assert moments > 30
    found = [run_virtual(cut(kind, number)) for number in range(1, moments + 1)]
    assert [1, 1, 1] in found
    assert [2, 2, 2] in found


def test_a_power_cut_while_all_go_back_leaves_the_old_release() -> None:
    """A unit that does not start its new image; cut at every change from its failure on."""

    async def main(number: int | None) -> int:
        stand = Stand()
        await begin(stand)
        await break_unit(stand.disk, "arden7-drive", NO_BOOT)
        stand.disk.cut_at(number)
        before = stand.disk.changes
        await update(stand, "rolled_back", "boot_failed")
        changes = stand.disk.changes - before
        if number is not None:
            assert await recover(stand, number) == [1, 1, 1]
        assert await stand.releases() == [1, 1, 1]
        return changes

    changes = run_virtual(main(None))
    for number in range(changes - 24, changes + 1):
        run_virtual(main(number))


def test_a_car_that_loses_power_while_it_is_made_has_its_factory_release() -> None:
    async def main(number: int | None) -> int:
        stand = Stand()
        stand.disk.cut_at(number)
        async with stand.living():
            await stand.until_started()
        changes = stand.disk.changes
        if number is not None:
            stand.disk.restore(Random(number))
            async with stand.living():
                await stand.until_started()
            assert await stand.releases() == [1, 1, 1]
        return changes

    for number in range(1, run_virtual(main(None)) + 1):
        run_virtual(main(number))


@pytest.mark.prove
def test_several_cuts_after_one_another() -> None:
    async def main(seed: int) -> None:
        stand, chance = Stand(), Random(seed)
        await begin(stand)
        for _ in range(chance.randint(2, 6)):
            stand.disk.cut_at(chance.randint(1, 60))
            await update(stand)
            stand.disk.cut()
            await recover(stand, seed)
        await update(stand)

    for seed in range(300):
        run_virtual(main(seed))
