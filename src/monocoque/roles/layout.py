"""Where everything lies in a data directory: the one table of its paths.

Rules: nothing else in the code joins these names; what holds secrets or people's data is open to
its owner alone.

Left out on purpose: what is in the files; each belongs to its room.
"""

from dataclasses import dataclass
from pathlib import Path

from monocoque.contracts.identifiers import CarId, HomeId
from monocoque.plumbing.files import PRIVATE_DIRECTORY_MODE, make_directory
from monocoque.plumbing.metrics_file import metrics_path

RECORDS_FILE = "records.sqlite"
BORN_FILE = "born_us"


@dataclass(frozen=True)
class MachineLayout:
    """One machine's part: the cell's, the factory's, a car's, or a home's."""

    path: Path

    @property
    def records(self) -> Path:
        """Its database, an SQLite file."""
        return self.path / "records" / RECORDS_FILE

    @property
    def secrets(self) -> Path:
        """Its keystore."""
        return self.path / "secrets"

    @property
    def units(self) -> Path:
        """What is in the control units of a car, a folder for each, and what it downloads."""
        return self.path / "units"

    @property
    def apps(self) -> Path:
        """What a car has of each app: its package, its code, its data and its log."""
        return self.path / "apps"

    @property
    def doors(self) -> Path:
        """Where the doors of a car listen while it runs."""
        return self.path / "doors.json"

    @property
    def born(self) -> Path:
        """When it was made, of a car or home: without this file a folder is neither."""
        return self.path / BORN_FILE

    def make(self) -> None:
        """Make what is missing. Raises what ``storage_errors`` raises."""
        for folder in (self.path, self.records.parent, self.secrets):
            make_directory(folder, PRIVATE_DIRECTORY_MODE)


@dataclass(frozen=True)
class Layout:
    """The paths of one data directory."""

    path: Path

    @property
    def version(self) -> Path:
        """Which version wrote this directory; written last, whatever changes."""
        return self.path / "VERSION"

    @property
    def last_time(self) -> Path:
        """The latest time that is known to be on record, in microseconds."""
        return self.path / "last_time"

    @property
    def settings(self) -> Path:
        """The settings of this installation; a person's file, never written by us."""
        return self.path / "monocoque.toml"

    @property
    def run(self) -> Path:
        """Ports and process files of what runs now."""
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        """Keys of the installation as a whole, such as the bus's operator."""
        return self.path / "secrets"

    @property
    def factory(self) -> MachineLayout:
        """The factory's part; its secrets are not the cell's."""
        return MachineLayout(self.path / "factory")

    @property
    def companies(self) -> Path:
        """Where a first start puts the companies' offline keys, until a person moves them away."""
        return self.path / "companies"

    def company_secrets(self, name: str) -> Path:
        """The keystore of one company, as a first start makes it."""
        return self.companies / name / "secrets"

    def secret_folders(self) -> list[Path]:
        """Every keystore that is here."""
        companies = sorted(self.companies.glob("*/secrets"))
        return [self.secrets, *(machine.secrets for machine in self.machines()), *companies]

    @property
    def cell_process(self) -> Path:
        """The process file of the cell itself."""
        return self.process("cell")

    @property
    def door(self) -> Path:
        """Where the cell answers: the process file of its HTTP, with the port."""
        return self.process("http")

    def process(self, name: str) -> Path:
        """The process file of a part of the cell, or of what it starts."""
        return self.run / f"{name}.json"

    def metrics(self, name: str) -> Path:
        """Where a process writes its metrics."""
        return metrics_path(self.run, name)

    @property
    def refused_starts(self) -> Path:
        """The codes of the errors for which a start was refused, until a cell counts them."""
        return self.run / "starts-refused"

    def part(self, name: str) -> Path:
        """The folder whose lock is held by whoever runs this part of the cell."""
        return self.run / name

    @property
    def snapshots(self) -> Path:
        """Copies made before an upgrade, one folder each."""
        return self.path / "snapshots"

    @property
    def cell(self) -> MachineLayout:
        """The cell's part."""
        return MachineLayout(self.path / "cell")

    @property
    def documents(self) -> Path:
        """The cell's immutable files, addressed by content."""
        return self.cell.path / "documents"

    @property
    def lake(self) -> Path:
        """The cell's tables of telemetry, one folder each."""
        return self.cell.path / "lake"

    @property
    def nats(self) -> Path:
        """What nats-server stores."""
        return self.cell.path / "nats"

    @property
    def cars(self) -> Path:
        """One folder per car that lives here."""
        return self.path / "cars"

    def car(self, car_id: CarId) -> MachineLayout:
        """One car's part."""
        return MachineLayout(self.cars / car_id)

    @property
    def homes(self) -> Path:
        """One folder per home that lives here."""
        return self.path / "homes"

    def home(self, home_id: HomeId) -> MachineLayout:
        """One home's part."""
        return MachineLayout(self.homes / home_id)

    def count_cars(self) -> int:
        """How many cars live here, whoever runs them."""
        return sum(1 for _ in self.cars.glob(f"car_*/{BORN_FILE}"))

    def machines(self) -> list[MachineLayout]:
        """Every machine that has a folder here: cell, factory, cars and homes by name."""
        return [
            self.cell,
            self.factory,
            *(MachineLayout(path) for path in sorted(self.cars.glob("*/"))),
            *(MachineLayout(path) for path in sorted(self.homes.glob("*/"))),
        ]

    def databases(self) -> list[Path]:
        """Every database that exists here."""
        return [machine.records for machine in self.machines() if machine.records.exists()]

    def is_ours(self, name: str) -> bool:
        """Whether a name at the top may stand there before VERSION does."""
        ours = (
            self.last_time,
            self.settings,
            self.run,
            self.secrets,
            self.snapshots,
            self.companies,
        )
        folders = (self.cell.path, self.factory.path, self.cars, self.homes)
        names = {path.name for path in (*ours, *folders)}
        # Beside ours: the half-written file of a start that was cut off, and a fresh disk's own.
        return name in names or name.startswith(".") or name == "lost+found"

    def make(self) -> None:
        """Make what is missing. Raises what ``storage_errors`` raises."""
        self.cell.make()
        self.factory.make()
        for folder in (
            self.run,
            self.secrets,
            self.snapshots,
            self.documents,
            self.lake,
            self.nats,
            self.cars,
            self.homes,
        ):
            make_directory(folder, PRIVATE_DIRECTORY_MODE)
