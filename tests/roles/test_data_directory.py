"""A data directory is one process's, is untouched when it is refused, and survives upgrades."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest

from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    ClockWentBack,
    DatabaseCorrupted,
    DataDirectoryInUse,
    DataDirectoryNewer,
    DataDirectoryOlder,
    DiskFull,
    MonocoqueError,
    NotWritable,
    RecordsContended,
    SettingInvalid,
)
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.data_directory import (
    NOTE_TIME_PACE_S,
    DataDirectory,
    open_data_directory,
)
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import migrate_connection, revisions
from monocoque.roles.snapshots import newest_snapshot
from monocoque.roles.stamp import FORMAT, FORMAT_OLDEST, numbers_of
from tests.fixtures.records import as_ordinary_user
from tests.roles.older import (
    build_older_directory,
    revision_in,
    rows_of,
)

PRODUCT = "0.1.0"
NOW_US = 1_795_000_000_000_000
SECOND_US = 1_000_000
MOMENT_S = 0.2
"""Longer than a transaction of ours, and shorter than a start waits."""


def open_now(path: Path, now_us: int = NOW_US) -> DataDirectory:
    return open_data_directory(path, PRODUCT, now_us)


def opened_and_closed(path: Path) -> Layout:
    directory = open_now(path)
    directory.close()
    return directory.layout


def contents(path: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, every folder with None."""
    return {
        str(entry.relative_to(path)): entry.read_bytes() if entry.is_file() else None
        for entry in sorted(path.rglob("*"))
    }


def make_database(layout: Layout) -> None:
    records = SqliteRecords(layout.cell.records, Random(1))
    records.transact_once(migrate_connection)
    records.close_now()


# --- the first opening, and the next ---------------------------------------------------------


def test_the_first_opening_makes_everything_open_to_its_owner_alone(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "deep" / "data")
    made = {name for name, content in contents(layout.path).items() if content is None}
    assert made == {
        "run",
        "secrets",
        "snapshots",
        "cars",
        "homes",
        "cell",
        "cell/records",
        "cell/secrets",
        "cell/documents",
        "cell/lake",
        "cell/nats",
        "factory",
        "factory/records",
        "factory/secrets",
    }
    for name in [".", *made]:
        assert (layout.path / name).stat().st_mode & 0o077 == 0, name
    assert json.loads(layout.version.read_text()) == {"format": FORMAT, "product": PRODUCT}


def test_a_second_opening_finds_what_the_first_one_left(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    make_database(layout)
    (layout.secrets / "operator").write_bytes(b"secret")
    before = contents(layout.path)
    opened_and_closed(layout.path)
    assert contents(layout.path) == before


def test_a_first_opening_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    layout.version.unlink()
    layout.version.with_name(".VERSION.1.new").write_bytes(b'{"form')
    shutil.rmtree(layout.cars)
    opened_and_closed(layout.path)
    assert layout.cars.is_dir()
    assert layout.version.exists()


def test_settings_may_be_there_before_the_first_opening(tmp_path: Path) -> None:
    (tmp_path / "monocoque.toml").write_text("# nothing set\n")
    assert opened_and_closed(tmp_path).version.exists()


# --- one process at a time -------------------------------------------------------------------


def test_a_directory_in_use_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    directory = open_now(tmp_path / "data")
    with pytest.raises(DataDirectoryInUse):
        open_now(tmp_path / "data")
    directory.close()
    opened_and_closed(tmp_path / "data")


HOLDER = """
import sys
from pathlib import Path
from monocoque.roles.data_directory import open_data_directory
directory = open_data_directory(Path(sys.argv[1]), "0.1.0", int(sys.argv[2]))
print("open", flush=True)
sys.stdin.read()
"""


def test_the_lock_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "data"), str(NOW_US)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(DataDirectoryInUse):
            open_now(tmp_path / "data")
        process.kill()
        process.wait()
    opened_and_closed(tmp_path / "data")


def test_an_opening_that_fails_gives_the_lock_back(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    with pytest.raises(ClockWentBack):
        open_now(layout.path, NOW_US - 3600 * SECOND_US)
    opened_and_closed(layout.path)


# --- what is refused, and left untouched -----------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "error"),
    [
        pytest.param({"format": FORMAT, "product": "0.1.1"}, DataDirectoryNewer, id="newer patch"),
        pytest.param({"format": FORMAT, "product": "0.10"}, DataDirectoryNewer, id="ten after one"),
        pytest.param(
            {"format": FORMAT + 1, "product": PRODUCT}, DataDirectoryNewer, id="newer format"
        ),
        pytest.param(
            {"format": FORMAT + 1, "product": "9.0", "unknown": [1]},
            DataDirectoryNewer,
            id="newer with fields that nobody knows yet",
        ),
        pytest.param(
            {"format": FORMAT_OLDEST - 1, "product": "0.0.1"}, DataDirectoryOlder, id="too old"
        ),
    ],
)
def test_a_directory_of_another_age_is_refused_and_left_as_it_is(
    tmp_path: Path, stamp: dict[str, object], error: type[MonocoqueError]
) -> None:
    layout = opened_and_closed(tmp_path / "data")
    make_database(layout)
    layout.version.write_text(json.dumps(stamp))
    layout.cars.rmdir()
    before = contents(layout.path)
    with pytest.raises(error) as caught:
        open_now(layout.path)
    assert str(stamp["product"]) in caught.value.what
    assert contents(layout.path) == before


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    make_database(layout)
    connection = sqlite3.connect(layout.cell.records)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = contents(layout.path)
    with pytest.raises(DataDirectoryNewer):
        open_now(layout.path)
    assert contents(layout.path) == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"0.1.0\n", id="no JSON"),
        pytest.param(b'{"format": 1}', id="no product"),
        pytest.param(b'{"format": 1, "product": "new"}', id="no number"),
        pytest.param(b"[1]", id="a list"),
    ],
)
def test_a_damaged_version_file_is_said(tmp_path: Path, content: bytes) -> None:
    layout = opened_and_closed(tmp_path / "data")
    layout.version.write_bytes(content)
    with pytest.raises(DatabaseCorrupted) as caught:
        open_now(layout.path)
    assert "snapshots" in caught.value.hint
    assert layout.version.read_bytes() == content


def test_somebody_else_s_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    with pytest.raises(SettingInvalid):
        open_now(tmp_path)
    assert contents(tmp_path) == {"letters": None}


def test_a_file_in_place_of_the_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(SettingInvalid):
        open_now(tmp_path / "data")
    with pytest.raises(SettingInvalid):
        open_now(tmp_path / "data" / "below")


def test_a_file_in_place_of_a_folder_inside_is_said(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    layout.run.rmdir()
    layout.run.write_text("a file")
    with pytest.raises(SettingInvalid) as caught:
        open_now(layout.path)
    assert str(layout.run) in caught.value.what


def test_a_directory_without_the_right_to_write_is_said(ordinary_folder: Path) -> None:
    with as_ordinary_user():
        layout = opened_and_closed(ordinary_folder / "data")
        layout.path.chmod(0o500)
        ordinary_folder.chmod(0o500)
        try:
            with pytest.raises(NotWritable):
                open_now(layout.path)
            with pytest.raises(NotWritable):
                open_now(ordinary_folder / "new")
        finally:
            ordinary_folder.chmod(0o700)
            layout.path.chmod(0o700)


FULL_DISK = """
import resource, sys
from pathlib import Path
from monocoque.contracts.errors import MonocoqueError
from monocoque.roles.data_directory import open_data_directory
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), most))
try:
    open_data_directory(Path(sys.argv[1]), "0.1.0", int(sys.argv[2]))
except MonocoqueError as error:
    print(error.code)
"""


def code_when_files_may_hold(path: Path, size_bytes: int) -> str:
    """What an opening says when the system lets files grow to this size only."""
    return subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(NOW_US), str(size_bytes)],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.strip()


def test_a_first_opening_without_room_says_so_and_is_done_again(tmp_path: Path) -> None:
    assert code_when_files_may_hold(tmp_path / "data", 5) == DiskFull.code
    assert not (tmp_path / "data" / "VERSION").exists()
    opened_and_closed(tmp_path / "data")


def test_an_upgrade_without_room_for_its_snapshot_changes_nothing(tmp_path: Path) -> None:
    layout = build_older_directory(tmp_path / "data")
    before = contents(layout.path)
    assert code_when_files_may_hold(layout.path, 65_536) in (DiskFull.code, "records_unavailable")
    assert contents(layout.path) == before
    opened_and_closed(layout.path)
    assert revision_in(layout.cell.records) == revisions()[-1]


def test_a_database_that_another_process_holds_is_not_migrated_behind_its_back(
    tmp_path: Path,
) -> None:
    layout = build_older_directory(tmp_path / "data")
    holder = sqlite3.connect(layout.cell.records, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(RecordsContended):
        open_now(layout.path)
    holder.close()
    opened_and_closed(layout.path)


def test_a_database_that_another_process_uses_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    layout = build_older_directory(tmp_path / "data")
    holder = sqlite3.connect(layout.cell.records, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    moment = threading.Timer(MOMENT_S, holder.commit)
    moment.start()
    opened_and_closed(layout.path)
    moment.join()
    holder.close()


# --- damage ----------------------------------------------------------------------------------


def test_a_damaged_database_is_said_with_the_snapshot_to_put_back(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    make_database(layout)
    directory = open_now(layout.path)
    snapshot = directory.snapshot(NOW_US)
    directory.close()
    with layout.cell.records.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * 4_096)
    damaged = layout.cell.records.read_bytes()
    with pytest.raises(DatabaseCorrupted) as caught:
        open_now(layout.path)
    copy = snapshot / "cell" / "records" / "records.sqlite"
    assert str(copy) in caught.value.hint
    assert layout.cell.records.read_bytes() == damaged
    shutil.copy(copy, layout.cell.records)
    opened_and_closed(layout.path)


def test_a_damaged_database_without_a_snapshot_is_said_too(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    layout.cell.records.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseCorrupted) as caught:
        open_now(layout.path)
    assert "no snapshot" in caught.value.hint


def test_damage_that_no_start_would_read_is_found(tmp_path: Path) -> None:
    layout = build_older_directory(tmp_path / "data")
    opened_and_closed(layout.path)
    where = "SELECT rootpage FROM sqlite_master WHERE name = 'accounts_people'"
    with contextlib.closing(sqlite3.connect(layout.cell.records)) as connection:
        (page,) = connection.execute(where).fetchone()
    with layout.cell.records.open("r+b") as file:
        file.seek((page - 1) * 4_096)
        file.write(b"\xa5" * 4_096)
    assert revision_in(layout.cell.records) == revisions()[-1]
    with pytest.raises(DatabaseCorrupted):
        open_now(layout.path)


def test_a_snapshot_is_taken_while_somebody_writes(tmp_path: Path) -> None:
    directory = open_now(tmp_path / "data")
    layout = directory.layout
    make_database(layout)
    (layout.cell.secrets / "bus").write_bytes(b"secret")
    layout.factory.make()
    (layout.factory.secrets / "factory-key").write_bytes(b"root")
    records = SqliteRecords(layout.cell.records, Random(1))
    add = "INSERT INTO link_starts VALUES ('{}', 1)"
    records.transact_once(lambda connection: connection.exec_driver_sql(add.format("before")))
    first, second = directory.snapshot(NOW_US), directory.snapshot(NOW_US)
    records.transact_once(lambda connection: connection.exec_driver_sql(add.format("after")))
    records.close_now()
    directory.close()
    assert first.name == "0.1.0-20261118T110640Z"
    assert first != second
    assert newest_snapshot(layout) == second
    for snapshot in (first, second):
        rows = rows_of(snapshot / "cell" / "records" / "records.sqlite")
        assert rows["link_starts"] == [("before", 1)]
        assert (snapshot / "cell" / "secrets" / "bus").read_bytes() == b"secret"
        assert (snapshot / "factory" / "secrets" / "factory-key").read_bytes() == b"root"
        assert (snapshot / "VERSION").read_bytes() == layout.version.read_bytes()
        for path in [snapshot, *snapshot.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


# --- the clock -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind_s", "is_refused"),
    [
        pytest.param(0, False, id="not behind"),
        pytest.param(CLOCK_DIFFERENCE_S_MAX, False, id="as much as clocks may differ"),
        pytest.param(CLOCK_DIFFERENCE_S_MAX + 1, True, id="a second more"),
        pytest.param(365 * 86_400, True, id="a year"),
    ],
)
def test_a_clock_that_went_back_is_refused_and_nothing_is_changed(
    tmp_path: Path, behind_s: int, is_refused: bool
) -> None:
    layout = opened_and_closed(tmp_path / "data")
    before = contents(layout.path)
    if is_refused:
        with pytest.raises(ClockWentBack) as caught:
            open_now(layout.path, NOW_US - behind_s * SECOND_US)
        assert str(layout.last_time) in caught.value.hint
        assert contents(layout.path) == before
        layout.last_time.unlink()
    open_now(layout.path, NOW_US - behind_s * SECOND_US).close()


def test_the_latest_time_is_noted_at_a_bounded_pace_and_never_goes_back(tmp_path: Path) -> None:
    directory = open_now(tmp_path / "data")
    noted = directory.layout.last_time
    assert int(noted.read_text()) == NOW_US
    directory.note_time(NOW_US + NOTE_TIME_PACE_S * SECOND_US - 1)
    assert int(noted.read_text()) == NOW_US
    directory.note_time(NOW_US + NOTE_TIME_PACE_S * SECOND_US)
    latest = NOW_US + NOTE_TIME_PACE_S * SECOND_US
    assert int(noted.read_text()) == latest
    directory.close()
    open_now(tmp_path / "data", latest - SECOND_US).close()
    assert int(noted.read_text()) == latest


def test_a_damaged_last_time_is_said(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    layout.last_time.write_bytes(b"\xff")
    with pytest.raises(DatabaseCorrupted) as caught:
        open_now(layout.path)
    assert "remove the file" in caught.value.hint


# --- versions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "numbers"),
    [
        pytest.param("0.1.0", (0, 1), id="trailing zero"),
        pytest.param("0.10", (0, 10), id="ten"),
        pytest.param("1.2.3.dev4+local", (1, 2, 3), id="a development version"),
    ],
)
def test_versions_are_compared_by_their_numbers(product: str, numbers: tuple[int, ...]) -> None:
    assert numbers_of(product) == numbers
