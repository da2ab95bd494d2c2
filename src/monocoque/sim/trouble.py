"""Trouble: what goes wrong when, by seeded chance.

Rules: each kind of trouble draws from a source of its own, at random intervals with the mean that
``Faults`` names; whatever it breaks it also mends, also when it is stopped in between.

Left out on purpose: loss, delay and the like, which are drawn where a message travels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random

from monocoque.contracts.homes import HEAT_PUMP, LAMP
from monocoque.home.devices.service import jam
from monocoque.roles.table import MachineKind
from monocoque.sim.faults import Faults
from monocoque.sim.machine import Machine
from monocoque.sim.network import Path
from monocoque.sim.power import Power


class Troubles:
    """All trouble of one world."""

    def __init__(
        self,
        faults: Faults,
        power: Power,
        machines: Sequence[Machine],
        random: Callable[[str], Random],
    ) -> None:
        """Build them.

        machines: may grow; ``add`` says so. random: gives the source of one kind of trouble.
        """
        self._group: asyncio.TaskGroup | None = None
        """While there is trouble."""
        self._faults = faults
        self._power = power
        self._machines = machines
        self._random = random

    async def run(self) -> None:
        """Make trouble until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                self._begin(self._group)
        finally:
            self._group = None

    def _begin(self, group: asyncio.TaskGroup) -> None:
        faults = self._faults
        for machine in self._machines:
            self.add(machine)
        for interval_s, name, act in (
            (faults.kill_interval_s, "kill", self._kill),
            (faults.power_cut_interval_s, "power", self._cut_power),
            (faults.clock_fault_interval_s, "clock", self._set_clock),
            (faults.device_jam_interval_s, "device", self._jam_device),
        ):
            source = self._random(name)
            group.create_task(_every(interval_s, source, _with(act, source)))

    def add(self, machine: Machine) -> None:
        """The path of this machine is cut now and then, while there is trouble."""
        if self._group is not None:
            source = self._random(f"cut {machine.machine_id}")
            cuts = _every(self._faults.cut_interval_s, source, self._cutter(machine.path, source))
            self._group.create_task(cuts)

    def _cutter(self, path: Path, source: Random) -> Callable[[], Awaitable[None]]:
        async def cut() -> None:
            path.cut()
            try:
                await asyncio.sleep(source.uniform(0.0, self._faults.cut_s_max))
            finally:
                path.mend()

        return cut

    async def _kill(self, source: Random) -> None:
        machine = source.choice(self._machines)
        self._power.kill(machine.machine_id, source.choice(machine.rows).name)

    async def _cut_power(self, source: Random) -> None:
        machine_id = source.choice(self._machines).machine_id
        self._power.cut(machine_id)
        try:
            await asyncio.sleep(source.uniform(0.0, self._faults.power_cut_s_max))
        finally:
            self._power.restore(machine_id)

    async def _jam_device(self, source: Random) -> None:
        homes = [machine for machine in self._machines if machine.kind is MachineKind.HOME]
        if not homes:
            return
        home, device = source.choice(homes), source.choice((LAMP, HEAT_PUMP))
        now_us = home.time.wall_ns() // 1_000
        await jam(home.records, {device}, now_us)
        try:
            await asyncio.sleep(source.uniform(0.0, self._faults.device_jam_s_max))
        finally:
            await jam(home.records, (), now_us)

    async def _set_clock(self, source: Random) -> None:
        offset_s = source.uniform(-self._faults.clock_offset_s_max, self._faults.clock_offset_s_max)
        source.choice(self._machines).time.offset_us = round(offset_s * 1_000_000)


def _with(
    act: Callable[[Random], Awaitable[None]], source: Random
) -> Callable[[], Awaitable[None]]:
    async def bound() -> None:
        await act(source)

    return bound


async def _every(interval_s: float, source: Random, act: Callable[[], Awaitable[None]]) -> None:
    """Act again and again; never when the interval is 0."""
    while interval_s > 0.0:
        await asyncio.sleep(source.expovariate(1.0 / interval_s))
        await act()
