"""The virtual devices: how they are, what they are told, and that they fail on purpose."""

import asyncio

import pytest

from monocoque.contracts.errors import DeviceFailed
from monocoque.home.devices import service as devices
from monocoque.home.devices.config import DevicesConfig
from monocoque.home.devices.service import DeviceState, Target, virtual_wiring
from monocoque.sim.loop import run_virtual
from tests.home.stand import START_US, HomeStand


def test_a_device_is_as_it_was_told_and_outlives_who_looks():
    async def main() -> None:
        stand = HomeStand()
        lamp = virtual_wiring(stand.context())["lamp"]
        first = await lamp.state()
        assert first == DeviceState("lamp", is_on=False, target_decicelsius=0, changed_us=START_US)
        done = await lamp.act(Target(is_on=True), "request")
        assert await virtual_wiring(stand.context())["lamp"].state() == done
        pump = virtual_wiring(stand.context())["heat_pump"]
        assert (await pump.act(Target(is_on=True, decicelsius=230), "b")).target_decicelsius == 230
        assert (await pump.act(Target(is_on=False), "c")).target_decicelsius == 230
        assert await devices.acts_by_cause(stand.records) == {"request": 1, "b": 1, "c": 1}

    run_virtual(main())


def test_a_jammed_device_fails_and_is_as_it_was():
    async def main() -> None:
        stand = HomeStand()
        lamp = virtual_wiring(stand.context())["lamp"]
        await stand.jam("lamp")
        with pytest.raises(DeviceFailed):
            await lamp.act(Target(is_on=True), "request")
        assert not (await lamp.state()).is_on
        assert await devices.acts_by_cause(stand.records) == {}
        await stand.jam()
        assert (await lamp.act(Target(is_on=True), "request")).is_on

    run_virtual(main())


def test_the_oldest_acts_are_forgotten():
    async def main() -> None:
        stand = HomeStand()
        context = stand.context()
        context.configs[DevicesConfig] = DevicesConfig(acts_kept=3)  # type: ignore[index]
        lamp = virtual_wiring(context)["lamp"]
        for number in range(5):
            await lamp.act(Target(is_on=True), f"request {number}")
        kept = await devices.acts_by_cause(stand.records)
        assert sorted(kept) == ["request 2", "request 3", "request 4"]

    run_virtual(main())


def test_a_device_that_is_told_what_it_is_has_not_changed():
    async def main() -> None:
        stand = HomeStand()
        lamp = virtual_wiring(stand.context())["lamp"]
        before = await lamp.act(Target(is_on=True), "a")
        await asyncio.sleep(60)
        assert await lamp.act(Target(is_on=True), "b") == before

    run_virtual(main())
