"""The table of services: which one runs on which kind of machine, and as whom.

Rules: a service that is not in the table does not run, in production or in a world; a row names
the role under which the service speaks on its machine's own bus, and the limits that it reads.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.commands import service as car_commands
from monocoque.car.commands.config import CommandsConfig as CarCommandsConfig
from monocoque.car.keys.config import KeysConfig
from monocoque.car.link import service as link
from monocoque.car.link.config import LinkConfig
from monocoque.car.scenes import service as scenes
from monocoque.car.scenes.config import ScenesConfig
from monocoque.car.updates import service as updates
from monocoque.car.updates.config import UpdatesConfig
from monocoque.cloud.campaigns import service as campaigns
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.commands import service as commands
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.homes import service as homes
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.pairing import service as pairing
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.releases import service as releases
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.telemetry import service as telemetry
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.twin import service as twin
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts.topics import Role
from monocoque.home.assistant import service as assistant
from monocoque.home.assistant.config import AssistantConfig
from monocoque.home.bridge import service as bridge
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.devices.config import DevicesConfig
from monocoque.plumbing.service import Run
from monocoque.roles import orders
from monocoque.shop.build import service as build
from monocoque.shop.build.config import BuildConfig
from monocoque.trust.scopes import SCENE_PUT, SCENE_REMOVE, UPDATE


class MachineKind(enum.Enum):
    """A place with its own bus, records and secrets."""

    CELL = "cell"
    CAR = "car"
    FACTORY = "factory"
    HOME = "home"


@dataclass(frozen=True)
class ServiceRow:
    """One row of the table."""

    name: str
    machine: MachineKind
    role: Role
    run: Run
    configs: tuple[type, ...]
    purpose: str


DOERS: Final[Mapping[str, car_commands.Doer]] = {
    UPDATE.name: updates.agree,
    SCENE_PUT.name: scenes.put,
    SCENE_REMOVE.name: scenes.remove,
}
"""What owners ask that is only a record in the car, by scope, and who keeps it."""

SERVICES: Final = (
    ServiceRow(
        name="link",
        machine=MachineKind.CAR,
        role=Role.LINK,
        run=link.run,
        configs=(LinkConfig,),
        purpose="Speaks for the car to the cell: hello, state, events; lets commands in and "
        "receipts out; keeps frames until they are in the lake.",
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
        run=partial(car_commands.run, doers=DOERS),
        configs=(CarCommandsConfig, KeysConfig, BodyConfig),
        purpose="Carries out what an owner's key asks, once, and signs what became of it.",
    ),
    ServiceRow(
        name="updates",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=updates.run,
        configs=(UpdatesConfig, KeysConfig),
        purpose="Verifies what the car is to install, and installs it in all control units or "
        "none, once its owner has agreed and it is parked.",
    ),
    ServiceRow(
        name="scenes",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=scenes.run,
        configs=(ScenesConfig, BodyConfig),
        purpose="Watches for what scenes wait for, and has it done, in the car and at home.",
    ),
    ServiceRow(
        name="registry",
        machine=MachineKind.CELL,
        role=Role.REGISTRY,
        run=registry.run,
        configs=(RegistryConfig,),
        purpose="Knows which cars exist, and hears which of them are there.",
    ),
    ServiceRow(
        name="pairing",
        machine=MachineKind.CELL,
        role=Role.PAIRING,
        run=pairing.run,
        configs=(PairingConfig,),
        purpose="Brings hand-overs to the factory, and knows whose each car is.",
    ),
    ServiceRow(
        name="twin",
        machine=MachineKind.CELL,
        role=Role.TWIN,
        run=twin.run,
        configs=(TwinConfig,),
        purpose="Knows how each car was when it last said so.",
    ),
    ServiceRow(
        name="commands",
        machine=MachineKind.CELL,
        role=Role.COMMANDS,
        run=commands.run,
        configs=(MailboxConfig,),
        purpose="Brings commands to cars until they answer, and keeps what they answer.",
    ),
    ServiceRow(
        name="releases",
        machine=MachineKind.CELL,
        role=Role.CAMPAIGNS,
        run=releases.run,
        configs=(ReleasesConfig,),
        purpose="Keeps the repository of updates fresh, and what was published on record.",
    ),
    ServiceRow(
        name="homes",
        machine=MachineKind.CELL,
        role=Role.HOMES,
        run=homes.run,
        configs=(HomesConfig,),
        purpose="Brings what scenes ask to the home of the car, and the home's answers back.",
    ),
    ServiceRow(
        name="telemetry",
        machine=MachineKind.CELL,
        role=Role.TELEMETRY,
        run=telemetry.run,
        configs=(TelemetryConfig,),
        purpose="Takes the cars' frames into the lake, and tells each car how far.",
    ),
    ServiceRow(
        name="campaigns",
        machine=MachineKind.CELL,
        role=Role.CAMPAIGNS,
        run=campaigns.run,
        configs=(CampaignsConfig,),
        purpose="Tells each car what to install, in waves, and hears what became of it.",
    ),
    ServiceRow(
        name="orders",
        machine=MachineKind.CELL,
        role=Role.ORDERS,
        run=orders.run_orders,
        configs=orders.CONFIGS,
        purpose="Keeps the book of orders: tells the factory, hears it, and settles payments.",
    ),
    ServiceRow(
        name="build",
        machine=MachineKind.FACTORY,
        role=Role.FACTORY,
        run=build.run,
        configs=(BuildConfig,),
        purpose="Makes a car for each order that was paid, in its week; signs the first grant of "
        "each car for whoever holds its hand-over code.",
    ),
    ServiceRow(
        name="bridge",
        machine=MachineKind.HOME,
        role=Role.HOME,
        run=bridge.run,
        configs=(BridgeConfig, DevicesConfig),
        purpose="Speaks for the home to the cell: hello, its devices; does what scenes ask, once, "
        "and says what became of it.",
    ),
    ServiceRow(
        name="assistant",
        machine=MachineKind.HOME,
        role=Role.HOME,
        run=assistant.run,
        configs=(AssistantConfig,),
        purpose="Shows the home's cars to Home Assistant, when the home has one.",
    ),
)
"""Every row."""


def services_of(machine: MachineKind) -> tuple[ServiceRow, ...]:
    """The rows of one kind of machine, in the order of the table."""
    return tuple(row for row in SERVICES if row.machine is machine)
