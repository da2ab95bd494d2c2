"""One history brings every database, of both stores, to exactly the tables of the features."""

import asyncio
import contextlib
import importlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

import monocoque
from monocoque.contracts.errors import DataDirectoryNewer
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.migrations import (
    HISTORY,
    Migration,
    migrate,
    migrate_connection,
    records_in_memory,
    revisions,
)
from tests.fixtures.records import RecordsFactory
from tests.roles.older import migrate_to

SOURCE = Path(monocoque.__file__).parent
NOT_IN_HISTORY = {"plumbing", "sim"}
"""plumbing/records is the port itself; tables in sim exist in worlds only."""


def gathered_metadata() -> MetaData:
    """The tables of every feature's records.py."""
    gathered = MetaData()
    for path in sorted(SOURCE.rglob("records.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if parts[0] in NOT_IN_HISTORY:
            continue
        module = importlib.import_module(".".join(("monocoque", *parts)))
        for metadata in {
            id(m): m for m in vars(module).values() if isinstance(m, MetaData)
        }.values():
            for table in metadata.tables.values():
                table.to_metadata(gathered)
    return gathered


def difference(connection: Connection, metadata: MetaData) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


async def test_the_migrated_tables_are_those_of_the_features(
    records_factory: RecordsFactory,
) -> None:
    records = records_factory.open(records_factory.empty_where())
    await migrate(records)
    metadata = gathered_metadata()
    assert "link_starts" in metadata.tables
    assert await records.transact(lambda connection: difference(connection, metadata)) == []


async def test_the_comparison_sees_a_missing_column_and_a_missing_table(records: Records) -> None:
    metadata = gathered_metadata()

    def work(connection: Connection) -> int:
        connection.exec_driver_sql("ALTER TABLE link_starts DROP COLUMN boot_count")
        connection.exec_driver_sql("DROP TABLE link_outbox")
        return len(difference(connection, metadata))

    assert await records.transact(work) >= 2


def test_the_history_is_one_line_numbered_without_gaps() -> None:
    config = Config()
    config.set_main_option("script_location", str(HISTORY))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [revisions()[-1]]
    line = list(reversed(list(script.walk_revisions())))
    numbers = [f"{number:04}" for number in range(1, len(line) + 1)]
    assert [revision.revision for revision in line] == numbers
    assert [revision.down_revision for revision in line] == [None, *numbers[:-1]]
    assert list(revisions()) == numbers
    assert [Path(revision.path).name[9:13] for revision in line] == numbers


def test_a_revision_imports_nothing_of_ours() -> None:
    for path in (HISTORY / "versions").glob("*.py"):
        assert "import monocoque" not in path.read_text()
        assert "from monocoque" not in path.read_text()


async def test_a_second_migration_finds_nothing_to_do(records_factory: RecordsFactory) -> None:
    records = records_factory.open(records_factory.empty_where())
    head = revisions()[-1]
    assert await migrate(records) == Migration(None, head)
    assert await migrate(records) == Migration(head, head)


@pytest.mark.parametrize("revision", revisions())
async def test_rows_survive_from_every_earlier_revision(
    records_factory: RecordsFactory, revision: str
) -> None:
    records = records_factory.open(records_factory.empty_where())

    def as_it_was(connection: Connection) -> None:
        migrate_to(connection, revision)
        connection.execute(text("INSERT INTO link_starts VALUES ('cell', 41)"))

    await records.transact(as_it_was)
    assert (await migrate(records)).before == revision
    rows = await records.transact(
        lambda connection: connection.execute(text("SELECT * FROM link_starts")).all()
    )
    assert [tuple(row) for row in rows] == [("cell", 41)]


async def test_a_migration_that_is_cut_off_leaves_the_old_database(
    records_factory: RecordsFactory,
) -> None:
    records = records_factory.open(records_factory.empty_where())

    def cut_off(connection: Connection) -> None:
        migrate_connection(connection)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await records.transact(cut_off)
    tables = await records.transact(lambda connection: inspect(connection).get_table_names())
    assert tables == []
    await migrate(records)


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(records: Records) -> None:
    newer = "UPDATE alembic_version SET version_num = '9999'"
    await records.transact(lambda connection: connection.exec_driver_sql(newer))
    with pytest.raises(DataDirectoryNewer) as caught:
        await migrate(records)
    assert "9999" in caught.value.what
    found = await records.transact(
        lambda connection: connection.exec_driver_sql(
            "SELECT version_num FROM alembic_version"
        ).scalar()
    )
    assert found == "9999"


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(
    records_factory: RecordsFactory,
) -> None:
    where = records_factory.empty_where()
    # The others try again until the first is through, however slow the machine is.
    patient = RecordsConfig(attempts_max=1_000, transaction_s_max=60.0)
    async with asyncio.timeout(60):
        done = await asyncio.gather(
            *(migrate(records_factory.open(where, patient)) for _ in range(4))
        )
    assert [migration.before for migration in done].count(None) == 1
    assert {migration.after for migration in done} == {revisions()[-1]}


async def test_a_new_database_is_what_the_revisions_one_by_one_lead_to(tmp_path: Path) -> None:
    new = SqliteRecords(tmp_path / "new.sqlite", Random(1))
    walked = SqliteRecords(tmp_path / "walked.sqlite", Random(1))
    await migrate(new)
    await walked.transact(lambda connection: migrate_to(connection, revisions()[-1]))
    made, expected = [dump_of(records) for records in (new, walked)]
    assert 'INSERT INTO "alembic_version" VALUES(\'' + revisions()[-1] + "');" in made
    assert sorted(made) == sorted(expected)
    await new.close()
    await walked.close()


def dump_of(records: SqliteRecords) -> list[str]:
    assert records.path is not None
    with contextlib.closing(sqlite3.connect(records.path)) as connection:
        return list(connection.iterdump())


async def test_memory_has_every_table_and_is_nobody_else_s() -> None:
    first, second = records_in_memory(Random(1)), records_in_memory(Random(1))
    add = "INSERT INTO link_starts VALUES ('car', 1)"
    await first.transact(lambda connection: connection.exec_driver_sql(add))
    count = await second.transact(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM link_starts").scalar()
    )
    assert count == 0
    assert (await migrate(second)).before == revisions()[-1]
    await first.close()
    await second.close()


MIGRATE = """
import asyncio, sys
from random import Random
from monocoque.plumbing.records.opening import open_records
from monocoque.roles.migrations import migrate

async def main():
    records = open_records(sys.argv[1], Random(1))
    await migrate(records)
    await records.close()

asyncio.run(main())
assert ("alembic" in sys.modules) is (sys.argv[2] == "first")
assert "psycopg" not in sys.modules
"""


def test_a_start_with_nothing_to_migrate_imports_neither_alembic_nor_another_driver(
    tmp_path: Path,
) -> None:
    for turn in ("first", "again"):
        done = subprocess.run(
            [sys.executable, "-c", MIGRATE, str(tmp_path / "records.sqlite"), turn],
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
