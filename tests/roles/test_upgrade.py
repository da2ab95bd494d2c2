"""An older data directory is carried forward, whatever cuts the upgrade off."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monocoque.roles.data_directory import open_data_directory
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import revisions
from monocoque.roles.stamp import FORMAT
from tests.roles.older import (
    CARS,
    OLDER_PRODUCT,
    SECRETS,
    build_older_directory,
    revision_in,
    rows_of,
)
from tests.roles.test_data_directory import NOW_US, PRODUCT, opened_and_closed


def machines_of(layout: Layout) -> list[Path]:
    return [layout.cell.records, *(layout.car(car_id).records for car_id in CARS)]


def assert_carried_forward(layout: Layout, expected: Layout) -> None:
    """Everything is new, nothing is lost, and every snapshot is wholly the old one."""
    for database, old in zip(machines_of(layout), machines_of(expected), strict=True):
        assert rows_of(database) == rows_of(old)
        assert revision_in(database) == revisions()[-1]
    for name, secret in SECRETS.items():
        assert (layout.path / name).read_bytes() == secret
    assert json.loads(layout.version.read_text()) == {"format": FORMAT, "product": PRODUCT}
    taken = sorted(layout.snapshots.iterdir())
    assert taken
    for snapshot in taken:
        assert snapshot.name.startswith(f"{OLDER_PRODUCT}-2026")
        kept = Layout(snapshot)
        for database, old in zip(machines_of(kept), machines_of(expected), strict=True):
            assert rows_of(database) == rows_of(old)
            assert revision_in(database) == revisions()[0]
        for name, secret in SECRETS.items():
            assert (snapshot / name).read_bytes() == secret
        assert json.loads(kept.version.read_text())["product"] == OLDER_PRODUCT
        assert kept.settings.read_bytes() == layout.settings.read_bytes()


def older_twice(folder: Path) -> tuple[Layout, Layout]:
    """An older directory to work on, and a copy to compare it with."""
    layout = build_older_directory(folder / "data")
    shutil.copytree(layout.path, folder / "expected")
    return layout, Layout(folder / "expected")


def test_an_older_directory_is_carried_forward_after_a_snapshot(tmp_path: Path) -> None:
    layout, expected = older_twice(tmp_path)
    steps: list[str] = []
    open_data_directory(layout.path, PRODUCT, NOW_US, steps.append).close()
    assert_carried_forward(layout, expected)
    assert len(list(layout.snapshots.iterdir())) == 1
    assert steps == [
        "check the databases",
        "take a snapshot",
        "note the snapshot",
        "migrate cell/records/records.sqlite",
        *(f"migrate cars/{car_id}/records/records.sqlite" for car_id in sorted(CARS)),
        "write VERSION",
    ]


def test_a_directory_of_this_version_with_an_older_database_is_carried_forward(
    tmp_path: Path,
) -> None:
    layout = build_older_directory(tmp_path / "data")
    layout.version.write_text(json.dumps({"format": FORMAT, "product": PRODUCT}))
    opened_and_closed(layout.path)
    assert revision_in(layout.cell.records) == revisions()[-1]
    assert len(list(layout.snapshots.iterdir())) == 1


def test_an_upgrade_that_goes_on_takes_a_new_snapshot_when_its_first_was_removed(
    tmp_path: Path,
) -> None:
    layout, expected = older_twice(tmp_path)
    stamp = {"format": FORMAT, "product": OLDER_PRODUCT, "snapshot": "removed"}
    layout.version.write_text(json.dumps(stamp))
    opened_and_closed(layout.path)
    assert_carried_forward(layout, expected)


def test_an_upgrade_whose_last_step_alone_was_cut_off_is_finished(tmp_path: Path) -> None:
    layout = opened_and_closed(tmp_path / "data")
    stamp = {"format": FORMAT, "product": PRODUCT}
    (layout.snapshots / "taken").mkdir()
    layout.version.write_text(json.dumps({**stamp, "snapshot": "taken"}))
    opened_and_closed(layout.path)
    assert json.loads(layout.version.read_text()) == stamp
    assert [path.name for path in layout.snapshots.iterdir()] == ["taken"]


CUT_OFF_EVERYWHERE = """
import itertools, os, shutil, signal, sys
from pathlib import Path
from monocoque.roles.layout import Layout
from tests.roles.older import build_older_directory
from tests.roles.test_data_directory import open_now
from tests.roles.test_upgrade import assert_carried_forward
import alembic.command

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "sqlite3.connect",
           "shutil.rmtree"}

def killed_at(path, moment):
    "Open in a copy of this process that loses its power before the change of that number."
    child = os.fork()
    if child == 0:
        count = itertools.count(1)
        def hook(event, arguments):
            is_write = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if (event in CHANGES or is_write) and next(count) == moment:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        open_now(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)

folder = Path(sys.argv[1])
older = build_older_directory(folder / "older")
moments = 0
for moment in itertools.count(1):
    layout = Layout(folder / str(moment))
    shutil.copytree(older.path, layout.path)
    was_killed = killed_at(layout.path, moment)
    if was_killed:
        moments += 1
        open_now(layout.path).close()
    assert_carried_forward(layout, older)
    shutil.rmtree(layout.path)
    if not was_killed:
        break
print(moments)
"""


@pytest.mark.timeout(400)
def test_an_upgrade_that_loses_its_power_before_any_change_is_done_by_the_next_start(
    tmp_path: Path,
) -> None:
    """Every file that is made, written, renamed or removed is a moment to be killed at."""
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF_EVERYWHERE, str(tmp_path)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40


KILLED_AT_STEP = """
import os, signal, sys
from pathlib import Path
from monocoque.roles.data_directory import open_data_directory

left = [int(sys.argv[3])]
def progress(step):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
open_data_directory(Path(sys.argv[1]), "0.1.0", int(sys.argv[2]), progress)
"""


@pytest.mark.parametrize("step", range(1, 7))
def test_an_upgrade_that_is_killed_before_a_step_is_done_by_the_next_start(
    tmp_path: Path, step: int
) -> None:
    layout, expected = older_twice(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_STEP, str(layout.path), str(NOW_US), str(step)],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    opened_and_closed(layout.path)
    assert_carried_forward(layout, expected)
