"""Builds a data directory as an older version left it: for the tests of upgrades.

The directory is at the first revision, since that is as old as any can be; it has the cell's
database, a car's, secrets and settings. What is in it is told by ``rows_of``.
"""

import contextlib
import sqlite3
from pathlib import Path
from random import Random

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from monocoque.contracts.identifiers import CarId, make
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.layout import Layout, MachineLayout
from monocoque.roles.migrations import HISTORY, revisions
from monocoque.roles.stamp import FORMAT, Stamp, write_stamp

OLDER_PRODUCT = "0.0.9"
CARS = tuple(CarId(make("car", Random(seed).getrandbits)) for seed in (1,))
SECRETS = {"cell/secrets/bus": b"\x00a secret\xff", "secrets/operator": b"another"}


def migrate_to(connection: Connection, revision: str) -> None:
    """Bring a database to one revision, as the version of that time did."""
    config = Config()
    config.set_main_option("script_location", str(HISTORY).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def build_older_directory(path: Path) -> Layout:
    """Make the directory; it must not exist yet."""
    layout = Layout(path)
    path.mkdir(mode=0o700)
    layout.make()
    for number, machine in enumerate([layout.cell, *map(layout.car, CARS)]):
        machine.make()
        _build_database(machine, number)
    for name, secret in SECRETS.items():
        (path / name).write_bytes(secret)
        (path / name).chmod(0o600)
    layout.settings.write_text("# nothing set\n")
    write_stamp(layout, Stamp(FORMAT, OLDER_PRODUCT))
    return layout


def _build_database(machine: MachineLayout, number: int) -> None:
    def build(connection: Connection) -> None:
        migrate_to(connection, revisions()[0])
        connection.exec_driver_sql(f"INSERT INTO link_starts VALUES ('machine {number}', {number})")
        connection.exec_driver_sql(
            "INSERT INTO link_outbox (message_id, payload) VALUES (?, ?)",
            [(f"message {index}", bytes([index]) * 2_000) for index in range(50)],
        )

    records = SqliteRecords(machine.records, Random(1))
    records.transact_once(build)
    records.close_now()


def rows_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the older version had on record in one database, and its revision."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("link_starts", "link_outbox")
        }


def revision_in(database: Path) -> str:
    """Which revision a database file is at."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(revision)
