"""What a machine can do to an installation: each fault is named, with a hint, and disturbs no more.

Rules: real processes, started as a person starts them. A start that is refused prints two lines,
what happened and what to do, ends with status 1 and changes nothing. What befalls a running cell is
counted in its metrics while everything else goes on. Faults of a single car stop that car alone.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monocoque.contracts import errors
from monocoque.plumbing.bus.nats_credentials import NatsAuthority, public_key
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.keystore.files import FileKeyStore
from tests.e2e.conftest import CARS
from tests.e2e.installation import COMMAND_S_MAX, MONOCOQUE, Installation, wait_until
from tests.fixtures.ports import reserved_port

COUNTED_S_MAX = 40
AGAIN_S_MAX = 40
HOUR_US = 3_600 * 1_000_000
IS_ROOT = os.geteuid() == 0
WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
"""Permissions hold for root too, once it may not override them."""
ERRORS = "monocoque_errors_total"
REFUSED_STARTS = "monocoque_starts_refused_total"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of an installation that ran and was stopped; tests copy it."""
    installation = Installation(tmp_path_factory.mktemp("used"), CARS_USED)
    installation.start()
    assert installation.stop() == 0
    return installation.data


@pytest.fixture
def stopping() -> Generator[contextlib.ExitStack]:
    """Ends what a test started, whatever became of the test."""
    with contextlib.ExitStack() as stack:
        yield stack


def _cars(data: Path) -> list[Path]:
    return sorted((data / "cars").glob("car_*"))


def _of_a_newer_version(data: Path) -> None:
    (data / "VERSION").write_text(json.dumps({"format": 1, "product": "999.0"}))


def _of_a_later_time(data: Path) -> None:
    (data / "last_time").write_text(str(time.time_ns() // 1_000 + HOUR_US))


def _with_damaged_cell_records(data: Path) -> None:
    _damage(data / "cell/records/records.sqlite")


def _damage(database: Path) -> None:
    database.write_bytes(b"no database at all. " * 1_000)


def _without_the_right_to_write_records(data: Path) -> None:
    (data / "cell/records/records.sqlite").chmod(0o400)


def _with_a_damaged_bus_key(data: Path) -> None:
    (data / "secrets/nats-signer-car").write_bytes(b"garbage")


def _with_an_empty_secret(data: Path) -> None:
    (data / "secrets/metrics_token").write_bytes(b"")


def _with_a_damaged_factory_key(data: Path) -> None:
    (data / "factory/secrets/factory-key").write_bytes(b"garbage")


def content_of(directory: Path) -> dict[str, bytes]:
    """What people would miss: every file but those that say who ran when."""
    files = {path.relative_to(directory): path for path in directory.rglob("*") if path.is_file()}
    return {
        str(place): path.read_bytes()
        for place, path in files.items()
        if place.parts[0] not in ("run", "last_time") and not place.name.endswith(("-wal", "-shm"))
    }


def started(directory: Path, data: Path) -> "subprocess.CompletedProcess[str]":
    """A start that is expected to be refused, by somebody for whom permissions hold."""
    user = WITHOUT_ROOTS_RIGHTS if IS_ROOT else []
    return subprocess.run(
        [*user, MONOCOQUE, "up", "--port", "0", "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        cwd=directory,
        check=False,
    )


def assert_refused(done: "subprocess.CompletedProcess[str]", what: str, hint: str) -> None:
    """One line says what, the last one what to do."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("…")]
    assert len(said) == 2, done.stderr
    assert what in said[0]
    assert hint in said[1]


@pytest.mark.parametrize(
    ("spoil", "what", "hint"),
    [
        pytest.param(
            _of_a_newer_version,
            "written by version 999.0",
            errors.DataDirectoryNewer.default_hint,
            id="newer version",
        ),
        pytest.param(
            _of_a_later_time, "s before times that are on record", "last_time", id="clock set back"
        ),
        pytest.param(
            _with_damaged_cell_records,
            "cell/records/records.sqlite: file is not a database",
            "move cell/records/records.sqlite away",
            id="corrupted database",
        ),
        pytest.param(
            _without_the_right_to_write_records,
            "cell/records/records.sqlite",
            errors.NotWritable.default_hint,
            id="records without the right to write",
        ),
        pytest.param(
            _with_a_damaged_bus_key, "nats-signer-car is damaged", "snapshot", id="damaged bus key"
        ),
        pytest.param(
            _with_an_empty_secret, "metrics_token is empty", "snapshot", id="empty secret"
        ),
        pytest.param(
            _with_a_damaged_factory_key, "factory-key", "snapshot", id="damaged factory key"
        ),
    ],
)
def test_a_start_on_spoilt_data_is_refused_and_changes_nothing(
    spoil: Callable[[Path], None], what: str, hint: str, used: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(used, data)
    spoil(data)
    before = content_of(data)
    assert_refused(started(tmp_path, data), what, hint)
    assert content_of(data) == before


def test_a_place_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    done = started(tmp_path, folder / "data")
    assert_refused(done, "Permission denied", errors.NotWritable.default_hint)
    assert list(folder.iterdir()) == []


def test_a_start_beside_a_running_cell_is_refused_and_counted_by_it(
    installation: Installation, tmp_path: Path
) -> None:
    """The port of the running cell, and then its data directory, are taken."""
    for port, error in (
        (installation.port, errors.PortInUse),
        (reserved_port(), errors.DataDirectoryInUse),
    ):
        words = ["up", "--port", str(port), "--data", str(installation.data)]
        code = error.code
        before = installation.counted(REFUSED_STARTS, code=code)
        done = installation.typed(*words)
        assert_refused(done, "", error.default_hint)

        def counted(code: str = code, before: float = before) -> bool:
            return installation.counted(REFUSED_STARTS, code=code) == before + 1

        wait_until(f"{code} is counted", counted, COUNTED_S_MAX)
    assert installation.cars_online() == CARS


def test_a_start_that_was_refused_is_counted_by_the_next_cell(
    used: Path, tmp_path: Path, stopping: contextlib.ExitStack
) -> None:
    installation = Installation(tmp_path, cars=0)
    shutil.copytree(used, installation.data)
    stamp = (installation.data / "VERSION").read_bytes()
    _of_a_newer_version(installation.data)
    started(tmp_path, installation.data)
    (installation.data / "VERSION").write_bytes(stamp)
    stopping.callback(installation.stop)
    installation.start()
    code = errors.DataDirectoryNewer.code
    wait_until(
        "it is counted",
        lambda: installation.counted(REFUSED_STARTS, code=code) == 1,
        COUNTED_S_MAX,
    )


def _damaged_place(car: Path, _elsewhere: Path) -> None:
    place = car / "secrets/bus-place"
    signed, _, signature = place.read_text().rpartition(".")
    place.write_text(f"{signed}.{signature[::-1]}")


def _foreign_place(car: Path, elsewhere: Path) -> None:
    """What another cell would give to a car of this name, with this very key."""
    authority = NatsAuthority(FileKeyStore(elsewhere), SystemClock())
    authority.make_keys()
    key = public_key((car / "secrets/bus-key").read_bytes())
    (car / "secrets/bus-place").write_text(authority.car_credentials(car.name, key))


def _unreadable_place(car: Path, _: Path) -> None:
    (car / "secrets/bus-place").write_bytes(b"garbage")


def _damaged_key(car: Path, _: Path) -> None:
    (car / "secrets/bus-key").write_bytes(b"garbage")


def _damaged_records(car: Path, _: Path) -> None:
    _damage(car / "records/records.sqlite")


def _enrol_again(car: Path) -> None:
    for name in ("bus-key", "bus-place"):
        (car / "secrets" / name).unlink()


def _begin_with_empty_records(car: Path) -> None:
    (car / "records/records.sqlite").unlink()


@dataclass(frozen=True)
class Spoilt:
    """What can befall a single car, and how its owner mends it."""

    spoil: Callable[[Path, Path], None]
    error: type[errors.MonocoqueError]
    hint: str
    mend: Callable[[Path], None]


CREDENTIALS = (errors.CredentialsRefused, "the car then enrols again", _enrol_again)
SPOILT_CARS = (
    Spoilt(_damaged_place, *CREDENTIALS),
    Spoilt(_foreign_place, *CREDENTIALS),
    Spoilt(_unreadable_place, *CREDENTIALS),
    Spoilt(_damaged_key, *CREDENTIALS),
    Spoilt(
        _damaged_records,
        errors.DatabaseCorrupted,
        "away to begin with an empty one",
        _begin_with_empty_records,
    ),
)
REACHING_THE_SERVER = 2
"""The first ones: what comes as far as the bus server, the cell counts too."""
CARS_USED = len(SPOILT_CARS) + 1
"""One car is left alone."""


def test_a_spoilt_car_waits_says_why_and_comes_back_by_its_hint(
    used: Path, tmp_path: Path, stopping: contextlib.ExitStack
) -> None:
    installation = Installation(tmp_path, CARS_USED)
    shutil.copytree(used, installation.data)
    cars = _cars(installation.data)[: len(SPOILT_CARS)]
    for car, spoilt in zip(cars, SPOILT_CARS, strict=True):
        spoilt.spoil(car, tmp_path / "elsewhere" / car.name)
    stopping.callback(installation.stop)
    installation.start(online=CARS_USED - len(SPOILT_CARS))

    def waiting() -> list[str]:
        whole = installation.printed().rpartition("\n")[0]
        return [line for line in whole.splitlines() if "car waits" in line]

    wait_until("each says why", lambda: len(waiting()) >= len(SPOILT_CARS), COUNTED_S_MAX)
    lines = waiting()
    said = {line["car_id"]: line for line in map(json.loads, lines)}
    assert len(lines) == len(said) == len(SPOILT_CARS), "each says so once"
    for car, spoilt in zip(cars, SPOILT_CARS, strict=True):
        line, error, hint = said[car.name], spoilt.error, spoilt.hint
        assert (line["error_code"], hint in line["hint"]) == (error.code, True), line
    for error in {spoilt.error for spoilt in SPOILT_CARS}:
        wait_until(
            f"the cars' process counts {error.code}",
            lambda code=error.code: installation.counted(ERRORS, where="car", code=code) > 0,
            COUNTED_S_MAX,
        )
    refused = errors.CredentialsRefused.code
    wait_until(
        "the cell counts them too",
        lambda: (
            installation.counted(ERRORS, where="bus", code=refused, process="cell")
            >= REACHING_THE_SERVER
        ),
        COUNTED_S_MAX,
    )
    for back, (car, spoilt) in enumerate(zip(cars, SPOILT_CARS, strict=True), start=1):
        spoilt.mend(car)
        online = CARS_USED - len(SPOILT_CARS) + back
        wait_until(
            "it is back", lambda online=online: installation.cars_online() == online, AGAIN_S_MAX
        )
    assert installation.counted("monocoque_service_restarts_total") == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A file system with little room, which is all a full disk needs."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("Only root may mount a small disk here.")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def _fill(disk: Path) -> Path:
    """Take all the room there is."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4_096))
    assert shutil.disk_usage(disk).free == 0
    return filler


def test_a_start_on_a_full_disk_is_refused(small_disk: Path, tmp_path: Path) -> None:
    _fill(small_disk)
    done = started(tmp_path, small_disk / "data")
    assert_refused(done, "No space left on device", errors.DiskFull.default_hint)


def _sign_in(installation: Installation, code: str) -> tuple[int, str]:
    """Spend a sign-in link; the status, and the code of the error if there is one."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{installation.port}/api/session",
        data=json.dumps({"link_code": code}).encode(),
        headers={
            "Content-Type": "application/json",
            "Host": f"console.localhost:{installation.port}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["code"]


def test_a_disk_that_fills_up_costs_nothing_that_was_acknowledged(
    small_disk: Path, tmp_path: Path, stopping: contextlib.ExitStack
) -> None:
    installation = Installation(tmp_path, CARS)
    installation.data = small_disk / "data"
    stopping.callback(installation.stop)
    installation.start()
    code = installation.sign_in_link("console").partition("#")[2]
    filler = _fill(small_disk)
    full = errors.DiskFull.code
    wait_until(
        "the full disk is counted",
        lambda: all(
            installation.counted(ERRORS, where=service, code=full) > 0
            for service in ("registry", "homes")  # which hear something every few seconds
        ),
        COUNTED_S_MAX,
    )
    assert _sign_in(installation, code) == (errors.DiskFull.http_status, full)
    assert installation.counted(ERRORS, where="http", code=full) == 1
    assert installation.cars_online() >= 0, "the cell answers"
    assert installation.counted("monocoque_service_restarts_total") == 0
    filler.unlink()
    wait_until("every car is back", lambda: installation.cars_online() == CARS, AGAIN_S_MAX)
    assert _sign_in(installation, code) == (204, ""), "the link was not spent in vain"
    assert "Traceback" not in installation.printed()
