"""Everything that watches one world: what must hold, all along and at its end.

Rules: ``NAMES`` has every invariant; whoever watches tells here, and each thing is told once.

Left out on purpose: what exactly must hold, which the modules say that these names come from.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from monocoque.cloud.registry.config import RegistryConfig
from monocoque.plumbing.lake.file import FileLake
from monocoque.sim.crowd import Crowd
from monocoque.sim.deeds import DEEDS, Deeds
from monocoque.sim.frames import Measured, measured_in
from monocoque.sim.invariants import INVARIANTS, Invariants
from monocoque.sim.machine import Machine
from monocoque.sim.occasions import SCENES, Occasions
from monocoque.sim.rollouts import ROLLOUTS, Rollouts
from monocoque.sim.sales import SALES, Sales
from monocoque.sim.setting import CALM_S, Setting
from monocoque.sim.software import SOFTWARE, Software
from monocoque.sim.spools import SPOOLS, Spools

NAMES: Final = INVARIANTS | DEEDS | SALES | SPOOLS | SOFTWARE | ROLLOUTS | SCENES
"""Every invariant, and what it means when one does not hold."""


class Judges:
    """Watch one world."""

    def __init__(
        self,
        setting: Setting,
        cell: Machine,
        factory: Machine | None,
        crowd: Crowd | None,
        homes: Sequence[Machine],
        signed: Mapping[str, Mapping[str, int]] | None,
    ) -> None:
        """crowd: may grow. signed: see Software."""
        self._cell = cell
        self.invariants = Invariants(
            cell.records,
            # Not a clock: one that is set back stands still, and the services have new ones.
            lambda: cell.time.wall_ns() // 1_000,
            setting.limits.get(RegistryConfig, RegistryConfig()),
        )
        violate = self.invariants.violate
        self.deeds = Deeds([] if crowd is None else crowd.people, violate)
        self.spools = Spools(
            cell.records,
            None if factory is None else factory.records,
            setting.calm_s >= CALM_S,
            violate,
        )
        habits = [] if crowd is None else crowd.habits
        self.software = Software(signed, habits, violate)
        self.rollouts = Rollouts(cell.records, violate)
        self.occasions = Occasions(
            homes,
            habits,
            {} if crowd is None else crowd.drivers,
            2 * setting.faults.clock_offset_s_max,
            violate,
        )
        for home in homes:
            self.invariants.add_home(home.machine_id)
        buyers = [] if crowd is None else crowd.buyers
        self.sales = Sales(cell.records, buyers, setting.pace.slots_per_week, violate)

    def add_car(self, car: Machine) -> None:
        """A car joins the world."""
        self.invariants.add_car(car.machine_id, car.records)
        self.deeds.add_car(car.machine_id, car.records, car.keystore)
        self.spools.add_car(car.machine_id, car.records)
        self.software.add_car(car)
        self.occasions.add_car(car.machine_id, car.records)

    def observe(self, machine_id: str, subject: str, data: bytes) -> None:
        """A bus has accepted a message."""
        self.invariants.observe(machine_id, subject, data)
        self.deeds.observe(machine_id, subject, data)
        self.software.observe(machine_id, subject, data)
        self.occasions.observe(machine_id, subject, data)

    async def check(self) -> None:
        """Check what must hold at every moment."""
        await self.invariants.check()
        await self.deeds.check()
        await self.sales.check()
        await self.software.check()
        await self.rollouts.check()
        await self.occasions.check(self._cell.time.elapsed_s())

    async def begin_calm(self) -> None:
        """From now on nothing fails."""
        self.deeds.begin_calm()
        self.sales.begin_calm(self._cell.time.true_us())
        await self.spools.begin_calm()
        await self.invariants.begin_calm()

    async def check_end(self) -> None:
        """Check what must hold at the end, after everybody has looked once more."""
        await self.invariants.check_end()
        await self.deeds.check_end()
        await self.sales.check_end()
        await self.software.check()
        await self.rollouts.check()
        await self.occasions.check(self._cell.time.elapsed_s())
        measured = self.measured()
        self.invariants.check_charges("lake", measured.charges().tolist())
        frames = measured.frames_since(0)
        if (frames.is_door_open & frames.is_moving).any():
            self.invariants.violate("door_open", "lake")
        await self.spools.check_end(measured)

    def measured(self) -> Measured:
        """What is in the lake by now."""
        lake = self._cell.lake
        assert isinstance(lake, FileLake)
        return measured_in(lake)
