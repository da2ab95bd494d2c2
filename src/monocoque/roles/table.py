"""The table of services: which one runs on which kind of machine, and as whom.

Rules: a service that is not in the table does not run, in production or in a world; a row names
the role under which the service speaks on its machine's own bus, and the limits that it reads.
"""

import enum
from dataclasses import dataclass
from typing import Final

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.commands import service as car_commands
from monocoque.car.commands.config import CommandsConfig as CarCommandsConfig
from monocoque.car.keys.config import KeysConfig
from monocoque.car.link import service as link
from monocoque.car.link.config import LinkConfig
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.service import Run


class MachineKind(enum.Enum):
    """A place with its own bus, records and secrets."""

    CELL = "cell"
    CAR = "car"


@dataclass(frozen=True)
class ServiceRow:
    """One row of the table."""

    name: str
    machine: MachineKind
    role: Role
    run: Run
    configs: tuple[type, ...]
    purpose: str


SERVICES: Final = (
    ServiceRow(
        name="link",
        machine=MachineKind.CAR,
        role=Role.LINK,
        run=link.run,
        configs=(LinkConfig,),
        purpose="Speaks for the car to the cell: hello, state, events; lets commands in and "
        "receipts out.",
    ),
    ServiceRow(
        name="body",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=body.run,
        configs=(BodyConfig,),
        purpose="Keeps doors, locks, climate and charge going, and says how they are.",
    ),
    ServiceRow(
        name="car-commands",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=car_commands.run,
        configs=(CarCommandsConfig, KeysConfig, BodyConfig),
        purpose="Carries out what an owner's key asks, once, and signs what became of it.",
    ),
    ServiceRow(
        name="registry",
        machine=MachineKind.CELL,
        role=Role.REGISTRY,
        run=registry.run,
        configs=(RegistryConfig,),
        purpose="Knows which cars exist, and hears which of them are there.",
    ),
)
"""Every row."""


def services_of(machine: MachineKind) -> tuple[ServiceRow, ...]:
    """The rows of one kind of machine, in the order of the table."""
    return tuple(row for row in SERVICES if row.machine is machine)
