"""The doctor on a data directory with something wrong in it: it names it, and changes nothing."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monocoque import __version__
from monocoque.contracts import errors
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.data_directory import open_data_directory
from monocoque.roles.layout import Layout
from tests.cli.test_commands import content_of, findings_of, typed
from tests.fixtures.ports import reserved_port

HOUR_US = 3_600_000_000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A data directory that is well, and that nobody works on."""
    layout = Layout(tmp_path / "data")
    open_data_directory(layout.path, __version__, SystemClock().now_us()).close()
    connection = sqlite3.connect(layout.cell.records)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE things (thing TEXT)")
    connection.executemany("INSERT INTO things VALUES (?)", [("x" * 1_000,)] * 100)
    connection.commit()
    connection.close()
    FileKeyStore(layout.secrets).write("some-key", b"secret")
    return layout


def examined(layout: Layout) -> "subprocess.CompletedProcess[str]":
    """What the doctor says; it must leave everything as it was."""
    before = content_of(layout.path)
    words = ["doctor", "--json", "--data", str(layout.path), "--port", str(reserved_port())]
    done = typed(layout.path.parent, *words)
    assert content_of(layout.path) == before
    return done


def test_a_directory_that_is_well_is_found_well(layout: Layout) -> None:
    done = examined(layout)
    assert done.returncode == 0, done.stdout
    found = findings_of(done)
    assert found["databases"]["detail"].startswith("1 are whole")
    assert found["secrets"]["detail"].startswith("1,")
    assert {finding["hint"] for finding in found.values()} == {None}


def damage(layout: Layout) -> None:
    content = bytearray(layout.cell.records.read_bytes())
    content[8_192:40_960] = b"\xa5" * 32_768
    layout.cell.records.write_bytes(content)


def go_back(layout: Layout) -> None:
    layout.last_time.write_text(f"{SystemClock().now_us() + HOUR_US}\n")


def open_a_secret(layout: Layout) -> None:
    (layout.secrets / "some-key").chmod(0o644)


def open_the_folder(layout: Layout) -> None:
    layout.secrets.chmod(0o755)


@pytest.mark.parametrize(
    ("spoil", "what", "error", "hint"),
    [
        (damage, "databases", errors.DatabaseCorrupted, "snapshot"),
        (go_back, "clock", errors.ClockWentBack, "Set the clock"),
        (open_a_secret, "secrets", errors.SetupError, "chmod go-rwx"),
        (open_the_folder, "secrets", errors.SetupError, "chmod go-rwx"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    spoil: Callable[[Layout], None],
    what: str,
    error: type[errors.MonocoqueError],
    hint: str,
    layout: Layout,
) -> None:
    spoil(layout)
    done = examined(layout)
    found = findings_of(done)
    assert done.returncode == 1
    assert {name for name, finding in found.items() if finding["code"]} == {what}
    assert found[what]["code"] == error.code
    assert hint in found[what]["hint"]


def test_what_a_killed_process_left_in_the_log_of_a_database_counts_and_stays(
    layout: Layout, tmp_path: Path
) -> None:
    connection = sqlite3.connect(layout.cell.records)
    connection.execute("INSERT INTO things VALUES ('y')")
    connection.commit()
    kept = {
        path: path.read_bytes()
        for path in layout.cell.records.parent.iterdir()
        if not path.name.endswith("-shm")
    }
    connection.close()
    for path, content in kept.items():
        path.write_bytes(content)
    assert len(kept) == 2
    found = findings_of(examined(layout))
    assert found["databases"]["code"] is None, json.dumps(found)


def test_a_machine_that_is_at_work_is_left_alone(layout: Layout) -> None:
    open_directory = open_data_directory(layout.path, __version__, SystemClock().now_us())
    try:
        found = findings_of(examined(layout))
    finally:
        open_directory.close()
    assert found["databases"]["detail"] == "0 are whole, 1 are at work and were left alone"
    assert os.fspath(layout.path) in found["data directory"]["detail"]
