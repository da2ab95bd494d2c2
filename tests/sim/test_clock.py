"""The clock of a virtual machine."""

import asyncio

from monocoque.sim.clock import START_US, MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual


def test_virtual_time_goes_on_with_the_loop() -> None:
    async def main() -> int:
        clock = VirtualClock(MachineTime(asyncio.get_running_loop().time))
        await asyncio.sleep(90.5)
        return clock.now_us()

    assert run_virtual(main()) == START_US + 90_500_000


def test_the_start_and_the_machines_own_error_are_arguments() -> None:
    async def main() -> tuple[int, int]:
        machine = MachineTime(asyncio.get_running_loop().time, start_us=10_000_000, offset_us=-7)
        return VirtualClock(machine).now_us(), machine.true_us()

    assert run_virtual(main()) == (9_999_993, 10_000_000)


def test_a_clock_set_back_goes_on_and_is_counted() -> None:
    async def main() -> tuple[int, int, int, int]:
        machine = MachineTime(asyncio.get_running_loop().time)
        running = VirtualClock(machine)
        machine.offset_us = -3_600_000_000
        await asyncio.sleep(1)
        after_a_restart = VirtualClock(machine)
        return (
            running.now_us(),
            running.setbacks,
            after_a_restart.now_us(),
            after_a_restart.setbacks,
        )

    went_on_us, setbacks, restarted_us, restarted_setbacks = run_virtual(main())
    assert (went_on_us, setbacks) == (START_US + 1_000_000, 1)
    assert (restarted_us, restarted_setbacks) == (START_US - 3_599_000_000, 0)
