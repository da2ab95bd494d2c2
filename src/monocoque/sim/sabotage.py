"""Sabotage: the product broken on purpose, in the wiring of a world, to see it found out.

Rules: a sabotage stands between a service and one of its ports; the services themselves are whole,
and whoever judges the world looks past it, at what is really on record and was really said.

Left out on purpose: who finds it out, which is invariants.py, deeds.py and sales.py.
"""

from dataclasses import dataclass
from typing import Final

from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.lake.port import Lake
from monocoque.plumbing.records.port import Records
from monocoque.roles.table import MachineKind


@dataclass(frozen=True)
class Place:
    """Where in a world a port is."""

    machine_id: str
    kind: MachineKind
    role: Role
    is_uplink: bool = False
    """Whether it leads from a car to the cell."""


class Sabotage:
    """Breaks nothing; those that do override one of these."""

    def records(self, _place: Place, records: Records) -> Records:
        """What stands before the records of a service."""
        return records

    def lake(self, lake: Lake) -> Lake:
        """What stands before the lake."""
        return lake

    def bus(self, _place: Place, bus: Bus) -> Bus:
        """What stands before a connection of a service."""
        return bus


NOTHING_BROKEN: Final = Sabotage()
