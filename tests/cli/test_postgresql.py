"""A cell whose records are in PostgreSQL: it starts, goes on, and keeps the password to itself."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from monocoque.contracts import errors
from tests.cli.test_apart import CARS, Apart, running
from tests.cli.test_commands import assert_refused, findings_of, typed
from tests.e2e.installation import Installation
from tests.fixtures.ports import reserved_port
from tests.fixtures.records import PostgresServer

PASSWORD = "open-sesame"
"""The server trusts whoever comes, so any password will do."""


def with_password(url: str) -> str:
    """The address with our password in it."""
    changed = re.sub(r"//(\w+):?\w*@", rf"//\1:{PASSWORD}@", url)
    assert PASSWORD in changed
    return changed


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """What a query answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database without tables."""
    address = with_password(postgres_server.empty_database())
    yield address
    postgres_server.drop(address)


@pytest.fixture
def data(tmp_path: Path, url: str) -> Path:
    """A data directory whose settings name the database."""
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "monocoque.toml").write_text(f"[records]\nurl = '{url}'\n")
    return directory


def doctor(data: Path, *words: str) -> tuple[int, str]:
    """How the doctor ends, and all that it says."""
    done = typed(data.parent, "doctor", "--data", str(data), "--port", str(reserved_port()), *words)
    return done.returncode, done.stdout + done.stderr


def test_a_cell_on_postgresql_enrols_a_car_and_goes_on_after_a_restart(
    tmp_path: Path, data: Path, url: str
) -> None:
    installation = Installation(tmp_path, cars=1)
    installation.start()
    assert PASSWORD not in (tmp_path / "output").read_text()
    assert installation.sign_in_link("console")
    status, said = doctor(data, "--json")
    assert status == 0, said
    assert installation.stop() == 0
    cars = rows(url, "SELECT car_id FROM registry_cars")
    assert [path.name for path in (data / "cars").iterdir()] == [cars[0][0]]
    assert not (data / "cell/records/records.sqlite").exists()
    installation.start()
    assert installation.cars_online() == 1
    assert installation.stop() == 0
    assert rows(url, "SELECT car_id FROM registry_cars") == cars
    assert PASSWORD not in (tmp_path / "output").read_text()


def test_the_doctor_shows_the_database_and_hides_its_password(data: Path) -> None:
    status, said = doctor(data, "--json")
    assert status == 0, said
    shown = {setting["name"]: setting["value"] for setting in json.loads(said)["settings"]}
    assert ":***@" in shown["records.url"]
    found = {finding["what"]: finding["detail"] for finding in json.loads(said)["findings"]}
    assert found["records"] == f"{shown['records.url']}, still empty"
    assert PASSWORD not in said + doctor(data)[1]


def test_a_database_that_does_not_answer_is_said_with_what_to_do(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    nobody = f"postgresql://me:{PASSWORD}@127.0.0.1:{reserved_port()}/cell"
    (data / "monocoque.toml").write_text(f"[records]\nurl = '{nobody}'\n")
    words = ["--data", "data", "--port", str(reserved_port())]
    done = typed(tmp_path, "doctor", "--json", *words)
    assert done.returncode == 1
    assert findings_of(done)["records"]["code"] == errors.RecordsUnavailable.code
    refused = typed(tmp_path, "up", *words)
    assert_refused(refused, errors.RecordsUnavailable.default_hint)
    assert PASSWORD not in done.stdout + done.stderr + refused.stderr + doctor(data)[1]


def test_a_database_of_a_newer_version_is_refused(data: Path, url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    done = typed(tmp_path, "doctor", "--json", "--data", "data", "--port", str(reserved_port()))
    assert done.returncode == 1
    assert findings_of(done)["records"]["code"] == errors.DataDirectoryNewer.code
    refused = typed(tmp_path, "up", "--data", "data", "--port", str(reserved_port()))
    assert_refused(refused, errors.DataDirectoryNewer.default_hint)
    assert rows(url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_part_of_its_own_process_works_on_the_same_database(tmp_path: Path, url: str) -> None:
    with running(Apart(tmp_path)) as apart:
        with (apart.data / "monocoque.toml").open("a") as settings:
            settings.write(f"\n[records]\nurl = '{url}'\n")
        apart.run_cell("registry")
        apart.run_role("registry")
        apart.wait_for(CARS)
        assert apart.end("registry", signal.SIGKILL) == -signal.SIGKILL
        apart.wait_for(0)
        apart.run_role("registry")
        apart.wait_for(CARS)
        assert apart.end("registry", signal.SIGINT) == 0
        assert apart.end("cell", signal.SIGINT) == 0
    printed = [path.read_text() for path in tmp_path.glob("*-output")]
    assert len(printed) == 2
    assert PASSWORD not in "".join(printed)
