"""A person at the command line reads, sets and watches the signals of a car that runs."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from monocoque.contracts.identifiers import CarId
from monocoque.contracts.signals import IS_LOCKED, SPEED
from tests.e2e.installation import Installation, wait_until
from tests.trust.foreign_issuer import KEYS, pem_of

DOORS_S_MAX = 20.0


class Car:
    """A running installation with one car, whose doors are open."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.folder = next((installation.data / "cars").glob("car_*"))
        wait_until("the car's doors are open", (self.folder / "doors.json").exists, DOORS_S_MAX)
        self.car_id = CarId(self.folder.name)

    def typed(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """What a command about cars prints, and how it ends."""
        where = () if words[:2] == ("signals", "list") else ("--data", str(self._installation.data))
        return self._installation.typed("car", *words, *where)

    def run(self, *words: str) -> str:
        """What a command prints that must succeed."""
        done = self.typed(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def value(self, path: str) -> object:
        """What a signal is now."""
        (row,) = json.loads(self.run("signals", "get", self.car_id, path, "--json"))
        assert row["freshness"] == "fresh"
        return row["value"]


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Generator[Car]:
    """One for all; a test leaves it as it was."""
    installation = Installation(tmp_path_factory.mktemp("signals"), cars=1)
    installation.start()
    yield Car(installation)
    assert installation.stop() == 0


def test_signals_are_read_set_refused_and_watched(car: Car) -> None:
    assert car.value(IS_LOCKED.path) is True
    assert "is false" in car.run("signals", "set", car.car_id, IS_LOCKED.path, "false")
    assert car.value(IS_LOCKED.path) is False
    car.run("drive", car.car_id)
    wait_until("it moves", lambda: float(str(car.value(SPEED.path))) > 10.0, DOORS_S_MAX)
    refused = car.typed("signals", "set", car.car_id, IS_LOCKED.path, "false")
    assert refused.returncode == 1
    assert "refused, moving" in refused.stderr
    watched = car.run("signals", "watch", car.car_id, SPEED.path, "--count", "3", "--json")
    rows = [json.loads(line) for line in watched.splitlines()]
    assert len(rows) == 3
    assert {row["path"] for row in rows} == {SPEED.path}
    assert SPEED.path in car.run("signals", "watch", car.car_id, SPEED.path, "--count", "1")
    assert SPEED.path in car.run("signals", "get", car.car_id, "Vehicle")
    car.run("park", car.car_id)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("get", "Vehicle.Nothing"), "Vehicle.Nothing"),
        (("set", IS_LOCKED.path, "perhaps"), "boolean"),
        (("set", SPEED.path, "5"), "no actuator"),
    ],
)
def test_what_cannot_be_is_said_with_a_hint(car: Car, words, said) -> None:
    done = car.typed("signals", words[0], car.car_id, *words[1:])
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_tokens_are_given_out_listed_and_taken_back(car: Car) -> None:
    made = car.typed("token", "new", car.car_id, "--scope", "read:Vehicle.Speed")
    assert made.stdout.count(".") == 2
    token_id = next(word for word in made.stderr.split() if word.startswith("token_")).strip(";")
    listed = car.run("token", "list", car.car_id)
    assert token_id in listed
    assert made.stdout.strip() not in listed
    car.run("token", "revoke", car.car_id, token_id)
    assert "revoked" in car.run("token", "list", car.car_id)
    wrong = car.typed("token", "new", car.car_id, "--scope", "fly")
    assert wrong.returncode == 1
    assert "no scope" in wrong.stderr


def test_another_issuer_is_trusted_shown_and_no_longer_trusted(car: Car, tmp_path: Path) -> None:
    key_file = tmp_path / "maker.pem"
    key_file.write_bytes(pem_of(KEYS["P-384"][0]))
    most = "read:Vehicle.Speed deny:actuate"
    said = car.run("token", "trust", car.car_id, "maker", str(key_file), "--scope", most)
    assert said == f"{car.car_id} takes tokens of maker by 1 key.\n"
    shown = car.run("token", "issuers", car.car_id)
    assert all(word in shown for word in ("maker", car.car_id, most, "P-384"))
    for wrong in (tmp_path / "nothing.pem", tmp_path):
        refused = car.typed("token", "trust", car.car_id, "other", str(wrong))
        assert refused.returncode == 1
        assert str(wrong) in refused.stderr
    car.run("token", "distrust", car.car_id, "maker")
    assert "maker" not in car.run("token", "issuers", car.car_id)
    assert "trusts no issuer" in car.typed("token", "distrust", car.car_id, "maker").stderr


def test_the_catalogue_is_listed_without_a_car(car: Car) -> None:
    rows = json.loads(car.run("signals", "list", "Vehicle.Cabin", "--json"))
    assert IS_LOCKED.path in {row["path"] for row in rows}
    assert "km/h" in car.run("signals", "list", SPEED.path)


def test_a_car_that_does_not_run_says_so(car: Car) -> None:
    doors = car.folder / "doors.json"
    shown = doors.read_bytes()
    doors.unlink()
    done = car.typed("signals", "get", car.car_id, SPEED.path)
    doors.write_bytes(shown)
    assert done.returncode == 1
    assert "does not run" in done.stderr
