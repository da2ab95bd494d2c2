"""What goes wrong with a file, a disk and a neighbour, on SQLite.

A full disk is SQLite's own ``max_page_count``: the same code path and the same result code as a
disk without room, without a mount that only root may make. A disk that refuses in the middle of a
commit is RLIMIT_FSIZE in a process of its own.
"""

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    DiskFull,
    MonocoqueError,
    NotWritable,
    RecordsContended,
)
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.sqlite import SqliteRecords
from tests.conformance.test_records import count_of, make_table, put
from tests.fixtures.records import as_ordinary_user

BIG = 200_000


@contextlib.contextmanager
def opened(path: Path, config: RecordsConfig | None = None) -> Iterator[SqliteRecords]:
    records = SqliteRecords(path, Random(1), config)
    try:
        yield records
    finally:
        records.close_now()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with counters, closed."""
    path = tmp_path / "records.sqlite"
    with opened(path) as records:
        records.transact_once(make_table)
        for number in range(500):
            records.transact_once(put(f"row {number}", number))
    return path


def fill(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS heap (content BLOB)")
    connection.exec_driver_sql("INSERT INTO heap VALUES (zeroblob(?))", (BIG,))


async def test_a_full_disk_is_said_and_takes_nothing_with_it(path: Path) -> None:
    with opened(path) as records:
        pages = await records.transact(
            lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        )
        await records.transact(
            lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        )
        with pytest.raises(DiskFull) as caught:
            await records.transact(fill)
        assert caught.value.may_have_happened is False
        assert await records.transact(count_of("row 7")) == 7
        await records.transact(put("small enough", 1))
        await records.transact(
            lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        )
        await records.transact(fill)


REFUSED_IN_COMMIT = """
import asyncio, resource, sys
from pathlib import Path
from random import Random
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.records.sqlite import SqliteRecords
from tests.conformance.test_records import put

async def main():
    path = Path(sys.argv[1])
    records = SqliteRecords(path, Random(1))
    await records.transact(put("opened", 1))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name(path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (log + 40_000, unlimited[1]))
    number = 0
    try:
        while number < 1_000:
            await records.transact(put(str(number), number))
            print(number)
            number += 1
    except MonocoqueError as error:
        print(error.code, error.may_have_happened)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    await records.transact(put("afterwards", 1))
    print("afterwards")

asyncio.run(main())
"""


async def test_a_disk_that_refuses_in_a_commit_loses_nothing_that_was_answered(
    path: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", REFUSED_IN_COMMIT, str(path), stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    *answered, error, afterwards = output.decode().splitlines()
    assert error == "records_outcome_unknown True"
    assert answered
    assert afterwards == "afterwards"
    with opened(path) as records:
        for name in [*answered, "afterwards"]:
            assert await records.transact(count_of(name)) is not None


OPENED_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from random import Random
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.records.sqlite import SqliteRecords
from tests.conformance.test_records import count_of
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, most))
try:
    SqliteRecords(Path(sys.argv[1]), Random(1)).transact_once(count_of("row 7"))
except MonocoqueError as error:
    print(error.code)
"""


def test_a_disk_without_room_for_the_log_s_index_is_full(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPENED_WITHOUT_ROOM, str(path)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == DiskFull.code


def damage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"This is no database at all")


def damage_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 12_000)


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(5_000)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(damage_header, id="another header"),
        pytest.param(damage_pages, id="pages overwritten"),
        pytest.param(truncate, id="cut short"),
    ],
)
def test_a_damaged_file_is_said_and_left_as_it_is(path: Path, damage) -> None:
    damage(path)
    before = path.read_bytes()
    with opened(path) as records, pytest.raises(DatabaseCorrupted) as caught:
        records.transact_once(count_of("row 400"))
    assert str(path) in caught.value.what
    assert path.read_bytes() == before


def test_a_folder_without_the_right_to_write_is_said(ordinary_folder: Path) -> None:
    path = ordinary_folder / "records.sqlite"
    with as_ordinary_user():
        with opened(path) as records:
            records.transact_once(make_table)
        ordinary_folder.chmod(0o500)
        path.chmod(0o400)
        try:
            with opened(path) as records, pytest.raises(NotWritable):
                records.transact_once(put("row", 1))
            with opened(ordinary_folder / "new.sqlite") as records, pytest.raises(NotWritable):
                records.transact_once(make_table)
        finally:
            ordinary_folder.chmod(0o700)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with opened(tmp_path / "absent" / "records.sqlite") as records, pytest.raises(NotWritable):
        await records.transact(make_table)


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""


@contextlib.contextmanager
def lock_held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock until it is sent a line."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_a_lock_that_another_process_keeps_is_given_up_after_bounded_attempts(
    path: Path,
) -> None:
    config = RecordsConfig(attempts_max=4, lock_wait_ms_max=5)
    runs: list[Connection] = []
    with (
        lock_held(path),
        opened(path, config) as records,
        pytest.raises(RecordsContended) as caught,
    ):
        await records.transact(runs.append)
    assert caught.value.temporary
    # The lock is waited for before the work begins, never in its middle.
    assert runs == []


async def test_the_event_loop_goes_on_while_another_process_keeps_the_lock(path: Path) -> None:
    config = RecordsConfig(lock_wait_ms_max=5)
    with lock_held(path) as holder, opened(path, config) as records:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            waiting = group.create_task(records.transact(put("late", 1)))
            for _ in range(5):
                await asyncio.sleep(0.001)
                assert not waiting.done()
            assert holder.stdin is not None
            holder.stdin.write("let go\n")
            holder.stdin.flush()
        assert await records.transact(count_of("late")) == 1


async def test_a_second_transaction_of_a_waiting_process_does_not_disturb_the_first(
    path: Path,
) -> None:
    with lock_held(path) as holder, opened(path) as records:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(records.transact(put(f"late {number}", number)))
            await asyncio.sleep(0.01)
            assert holder.stdin is not None
            holder.stdin.write("let go\n")
            holder.stdin.flush()
        for number in range(5):
            assert await records.transact(count_of(f"late {number}")) == number


async def test_a_commit_is_synced_and_the_log_is_written_ahead(path: Path) -> None:
    def settings(connection: Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)

    with opened(path) as records:
        assert await records.transact(settings) == ("wal", 2, 1)


async def test_a_copy_holds_what_was_committed_and_lives_alone(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with opened(path) as records:
        records.copy_to(copy)
        await records.transact(put("later", 1))
    with opened(copy) as copied:
        assert await copied.transact(count_of("row 499")) == 499
        assert await copied.transact(count_of("later")) is None
    with opened(path) as records, pytest.raises(MonocoqueError):
        records.copy_to(tmp_path / "absent" / "copy.sqlite")


async def test_memory_begins_with_its_image_and_shares_nothing() -> None:
    template = SqliteRecords(None, Random(1))
    template.transact_once(make_table)
    template.transact_once(put("common", 1))
    copies = [SqliteRecords(None, Random(1), image=template.image()) for _ in range(2)]
    await copies[0].transact(put("own", 1))
    assert await copies[0].transact(count_of("common")) == 1
    assert await copies[1].transact(count_of("own")) is None
    assert await copies[1].transact(count_of("common")) == 1
    for records in [template, *copies]:
        await records.close()


def test_the_file_is_an_ordinary_sqlite_file(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        count = connection.execute("SELECT count(*) FROM conformance_counters").fetchone()
    assert count == (500,)
