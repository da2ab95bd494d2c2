"""The one history of every table, for every machine; forward only.

Rules:

* one history for all: a car's database has the cell's tables too, and leaves them empty, so that
  there is one answer to "how old is this database?";
* revisions are numbered without gaps, each follows the one before it, and none is changed once it
  is on the main branch;
* everything that is outstanding runs in one transaction: a kill in its middle leaves the old
  database;
* an empty SQLite database gets what the whole history ends with, in one go: Alembic takes it there
  once per process, since every new car would otherwise walk through all revisions at its start;
* expand before contract: a release may add tables and columns that the one before it ignores;
  it takes away only what the one before it no longer uses;
* a database whose revision is not known here was written by a newer version, and is refused.

To add one: write the feature's ``records.py`` with its tables in a MetaData of its own, then
``versions/revision_NNNN_FEATURE.py`` with the next number, ``revision``, ``down_revision`` and
``upgrade()`` made of ``alembic.op`` calls (look at the newest one). Use no import of ours in it:
tables go on changing, a revision does not. ``tests/roles/test_migrations.py`` compares the outcome
with every ``records.py`` on both stores and prints what is missing.

Left out on purpose: going back (that is what the snapshot before an upgrade is for), a
configuration file, and rebuilding an SQLite table that others refer to with ON DELETE CASCADE,
since dropping the old one would empty the others.
"""

import contextlib
import functools
import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import Connection, inspect, text

from monocoque.contracts.errors import DataDirectoryNewer, RecordsContended
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords

HISTORY: Final = Path(__file__).parent
"""Where the history lies: env.py and versions/."""
_REVISION_FILE: Final = re.compile(r"revision_(\d{4})_\w+\.py\Z")
_MIGRATION_LOCK: Final = 7_220_115
"""PostgreSQL's advisory lock of whoever migrates; any number that nobody else uses."""


@dataclass(frozen=True)
class Migration:
    """What was done: the revision found, None for an empty database, and the one it has now."""

    before: str | None
    after: str


@functools.cache
def revisions() -> tuple[str, ...]:
    """Every revision, oldest first, from the names of the files; reading them is not needed."""
    names = [path.name for path in (HISTORY / "versions").iterdir()]
    return tuple(sorted(match.group(1) for name in names if (match := _REVISION_FILE.match(name))))


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None when it has no tables of ours.

    Raises DataDirectoryNewer when the revision is not known here.
    """
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in revisions():
        raise DataDirectoryNewer(
            f"The database is at revision {found}, this version knows up to {revisions()[-1]}."
        )
    return None if found is None else str(found)


def is_current(connection: Connection) -> bool:
    """Whether there is nothing to migrate; raises DataDirectoryNewer."""
    return revision_of(connection) == revisions()[-1]


def migrate_connection(connection: Connection) -> Migration:
    """Carry one database forward inside the transaction that the caller has begun.

    Costs a millisecond when there is nothing to do: Alembic is then not even imported. Raises
    DataDirectoryNewer, and RecordsContended while another process migrates the same database.
    """
    if connection.dialect.name == "postgresql":
        lock = text("SELECT pg_try_advisory_xact_lock(:key)")
        if not connection.execute(lock, {"key": _MIGRATION_LOCK}).scalar():
            raise RecordsContended("Another process migrates this database.")
    before = revision_of(connection)
    after = revisions()[-1]
    if before is None and connection.dialect.name == "sqlite":
        for statement in _whole_history():
            connection.exec_driver_sql(statement)
    elif before != after:
        run_history(connection, after)
    return Migration(before, after)


async def migrate(records: Records) -> Migration:
    """Carry one database forward; see ``migrate_connection``. Safe to repeat, and to race.

    Raises what ``transact`` raises, and DataDirectoryNewer.
    """
    return await records.transact(migrate_connection)


def records_in_memory(random: Random) -> SqliteRecords:
    """An SQLite database in memory with every table, for one machine of a world.

    The migrations run once per process; each further database is a copy of the first's bytes.
    """
    return SqliteRecords(None, random, image=_migrated_image())


@functools.cache
def _migrated_image() -> bytes:
    template = SqliteRecords(None, Random(0))  # noqa: S311 - nobody else can hold its lock
    template.transact_once(lambda connection: run_history(connection, revisions()[-1]))
    image = template.image()
    template.close_now()
    return image


@functools.cache
def _whole_history() -> tuple[str, ...]:
    """The statements that make an empty SQLite database one of the newest revision."""
    with contextlib.closing(sqlite3.connect(":memory:")) as template:
        template.deserialize(_migrated_image())
        # Its first and last words begin and commit a transaction, which the caller does.
        return tuple(template.iterdump())[1:-1]


def run_history(connection: Connection, revision: str) -> None:
    """Walk one database through the revisions up to this one, with Alembic."""
    # Imported here: a start with nothing to migrate shall not pay for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HISTORY).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
