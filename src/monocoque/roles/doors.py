"""What a real car has beside the services of the table: its signals, and the doors to them.

Rules:

* these rows run in production alone: sockets, processes and their own clocks break virtual time
  (tests/ meet each of them on real sockets). Everything beneath the doors can run in a world;
* every door listens on loopback unless a setting says otherwise, at any free port, and shows where
  in the car's folder; what a car before it showed is taken away at its start.

Left out on purpose: what comes through a door; that is the door's own feature.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monocoque.car.apps import service as apps
from monocoque.car.apps.config import AppsConfig
from monocoque.car.can.config import CanConfig
from monocoque.car.kuksa import service as kuksa
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.service import embodying, history
from monocoque.car.signals.service.hub import HubConnection, SignalHub
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.viss import service as viss
from monocoque.car.viss.config import VissConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.files import storage_errors, write_atomically
from monocoque.roles import bus, outside
from monocoque.roles.table import MachineKind, ServiceRow

DOORS: Final = (
    ServiceRow(
        name="embodying",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=embodying.run,
        configs=(SignalsConfig,),
        purpose="Says what the body is like as signals, and does what is asked of it.",
    ),
    ServiceRow(
        name="history",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=history.run,
        configs=(SignalsConfig,),
        purpose="Keeps the last hours of chosen signals.",
    ),
    ServiceRow(
        name="tokens",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=tokens.run,
        configs=(TokensConfig,),
        purpose="Looks whether tokens of signal clients were taken back.",
    ),
    ServiceRow(
        name="kuksa",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=kuksa.run,
        configs=(KuksaConfig,),
        purpose="Serves the car's signals to KUKSA's clients over gRPC.",
    ),
    ServiceRow(
        name="apps",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=apps.run,
        configs=(AppsConfig, TokensConfig),
        purpose="Runs the car's apps, each in a process of its own.",
    ),
    ServiceRow(
        name="viss",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=viss.run,
        configs=(VissConfig,),
        purpose="Serves the car's signals to VISS clients over WebSocket and HTTP.",
    ),
)
"""Every row."""

ON_A_BUS: Final = (
    ServiceRow(
        name="can",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=bus.run,
        configs=(CanConfig, CanBusConfig),
        purpose="Brings the bus of the vehicle to the signals, and what is asked of them to it.",
    ),
)
"""Beside these rows, for a car on the bus of a vehicle."""

OUTSIDE: Final = (
    ServiceRow(
        name="outside-broker",
        machine=MachineKind.CAR,
        role=Role.CAR,
        run=outside.run,
        configs=(SignalsConfig,),
        purpose="Says the body's signals at a broker outside, and does what is asked there.",
    ),
)
"""In place of these rows, for a car whose signals are at a broker outside."""


@dataclass(frozen=True)
class HubBrokers:
    """The port ``Brokers``, on the hub of this car."""

    hub: SignalHub

    def connect(self, name: str) -> HubConnection:
        """See ``Brokers.connect``."""
        return self.hub.connect(name, everything(self.hub.catalogue.numbers))


@dataclass
class DoorFile:
    """The port ``DoorPlate``, as a file in the car's folder."""

    path: Path
    shown: dict[str, str] = field(default_factory=dict)

    def clear(self) -> None:
        """No door is open. Raises what ``storage_errors`` raises."""
        self.shown.clear()
        with storage_errors(self.path):
            self.path.unlink(missing_ok=True)

    def show(self, door: str, address: str) -> None:
        """See ``DoorPlate.show``. Raises what ``storage_errors`` raises."""
        self.shown[door] = address
        write_atomically(self.path, json.dumps(self.shown, sort_keys=True).encode())


def read_doors(path: Path) -> Mapping[str, str]:
    """Where each door of a car listens; empty when the car does not run."""
    try:
        shown = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(door): str(address) for door, address in shown.items()}
