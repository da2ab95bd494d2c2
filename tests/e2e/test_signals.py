"""Signals of a car that runs: at the command line, at its doors, along a route, and for its apps.

Rules: one car for all, and a test leaves it parked, its parts as they were.
"""

import contextlib
import json
import math
import os
import pty
import random
import socket
import subprocess
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path

import grpc
import pytest

from monocoque.car.body.logic import with_jam, with_obstacles
from monocoque.car.body.logic.routes import Place, offset_m, read_route
from monocoque.cli import apps_at_car, apps_making
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.signals import (
    IS_CLIMATE_ON,
    IS_LOCKED,
    LATITUDE,
    LONGITUDE,
    SELECTED_GEAR,
    SPEED,
)
from tests.e2e.installation import MONOCOQUE, Installation, wait_until
from tests.e2e.signal_client import (
    METHODS,
    SignalClient,
    VissClient,
    change_body,
    token_of,
    viss_at,
)
from tests.trust.foreign_issuer import KEYS, pem_of

DOORS_S_MAX = 60.0
APPS_S_MAX = 60.0
ROOT = Path(__file__).parents[2]
ROUTE = ROOT / "docs" / "guide" / "routes" / "lake-to-hill.gpx"
EXAMPLE = ROOT / "tests" / "car" / "vss_example.json"
BESIDE_M_MAX = 15.0
"""So far from the middle of its route a car may be."""
IN_PARK = 126
WINDOW = "Vehicle.Cabin.Door.Row2.DriverSide.Window.Position"
WINDOW_PART = "window_row2_left"
LOAD = "Vehicle.Bench.Drum.Load"
SHORTER = {
    "camp-mode": ("LOOK_S = 30.0", "LOOK_S = 0.5"),
    "parked-guard": ("AFTER_S = 30.0", "AFTER_S = 2.0"),
    "trip-log": ("PARKED_S = 120.0", "PARKED_S = 2.0"),
}
"""Our apps, and what they wait for that a test does not."""
NO_REQUESTS = (
    "",
    "{",
    "null",
    "[]",
    "7",
    '"get"',
    "[" * 10_000,
    '{"action": 1e999}',
    '{"action": "get"}',
    '{"action": "fly", "path": "Vehicle.Speed"}',
    '{"action": ["get"], "path": {"path": []}}',
    '{"action": "get", "path": 5, "requestId": {}}',
    '{"action": "get", "path": "\\ud800"}',
    '{"action": "get", "path": "' + "Vehicle." * 1_000 + '"}',
    '{"action": "set", "path": "Vehicle.Speed", "value": [null]}',
    '{"action": "get", "path": "Vehicle.Speed", "filter": {"variant": 5, "parameter": {}}}',
    '{"action": "subscribe", "path": "Vehicle.Speed", "filter": {"variant": "timebased"}}',
    '{"action": "unsubscribe", "subscriptionId": "\\u0000"}',
    b"\x00\xff",
)
"""What is no request of VISS, and one that is cut or of the wrong kind."""
NO_CALLS = (
    b"\x00" * 64,
    b"GET / HTTP/1.1\r\nHost: car\r\nUpgrade: websocket\r\n\r\n",
    b"POST /Vehicle/Speed HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
"""What a stranger may send to any port."""


class Car:
    """A running installation with one car, whose doors are open."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.folder = next((installation.data / "cars").glob("car_*"))
        self.doors = self.folder / "doors.json"
        wait_until("the car's doors are open", lambda: len(self.addresses()) == 2, DOORS_S_MAX)
        self.car_id = CarId(self.folder.name)
        self.token = token_of(installation.data, self.car_id, "read actuate")
        self.client = SignalClient(self.addresses()["kuksa"], self.token)

    def addresses(self) -> dict[str, str]:
        """Where each door listens."""
        return dict(json.loads(self.doors.read_bytes())) if self.doors.exists() else {}

    def typed(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """What a command about cars prints, and how it ends."""
        where = () if words[:2] == ("signals", "list") else ("--data", str(self.installation.data))
        return self.installation.typed("car", *words, *where)

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

    def on_a_terminal(self, *words: str) -> str:
        """What a command prints that must succeed, to somebody who sits before it."""
        ours, theirs = pty.openpty()
        where = ("--data", str(self.installation.data))
        with subprocess.Popen(
            [MONOCOQUE, "car", *words, *where],
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
        ) as process:
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):  # the terminal ends with its process
                while part := os.read(ours, 65_536):
                    shown += part
        os.close(ours)
        assert process.returncode == 0, shown
        return shown.decode()

    def place(self) -> Place:
        """Where it is."""
        return self.client.value(LATITUDE.path), self.client.value(LONGITUDE.path)

    def until_it_stands(self) -> None:
        """Wait for the end of a drive."""

        def stands() -> bool:
            return self.client.value(SELECTED_GEAR.path) == IN_PARK

        wait_until("the car stands", stands, DOORS_S_MAX)


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Generator[Car]:
    """One for all; a test leaves it as it was."""
    installation = Installation(tmp_path_factory.mktemp("signals"), cars=1)
    installation.start()
    car = Car(installation)
    yield car
    car.client.close()
    assert installation.stop() == 0


def test_signals_are_read_set_refused_and_watched(car: Car) -> None:
    car.until_it_stands()
    assert car.value(IS_LOCKED.path) is True
    assert "is false" in car.run("signals", "set", car.car_id, IS_LOCKED.path, "false")
    assert car.value(IS_LOCKED.path) is False
    assert car.client.ask(IS_LOCKED.path, bool=True) == ""
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
    shown = car.doors.read_bytes()
    car.doors.unlink()
    done = car.typed("signals", "get", car.car_id, SPEED.path)
    car.doors.write_bytes(shown)
    assert done.returncode == 1
    assert "does not run" in done.stderr


def test_on_a_terminal_a_watch_is_a_table_that_is_drawn_again_in_its_place(car: Car) -> None:
    shown = car.on_a_terminal("signals", "watch", car.car_id, SPEED.path, "--count", "2")
    first, *later = shown.split("\x1b[1A")
    assert later, "the cursor goes up again"
    for drawn in (first, later[-1]):
        assert SPEED.path in drawn
        assert "km/h" in drawn
    assert "measured" in first


def test_a_car_drives_along_the_route_of_a_file(car: Car) -> None:
    route = read_route(ROUTE.read_bytes())
    marks = [route.place_at(float(metres)) for metres in range(0, 1_000, 5)]
    car.until_it_stands()
    assert "km" in car.run("drive", car.car_id, "--route", str(ROUTE))
    try:
        wait_until("it is on its way", lambda: along(marks, car.place()) > 20.0, DOORS_S_MAX)
        before = along(marks, car.place())
        south = car.client.value(LATITUDE.path)
        wait_until("it goes on", lambda: along(marks, car.place()) > before + 20.0, DOORS_S_MAX)
        assert car.client.value(LATITUDE.path) < south
    finally:
        car.run("park", car.car_id)


def along(marks: list[Place], place: Place) -> float:
    """How far along the way a car is, in metres; -1 when it is nowhere near."""
    beside_m = [math.hypot(*offset_m(mark, place)) for mark in marks]
    nearest_m = min(beside_m)
    return 5.0 * beside_m.index(nearest_m) if nearest_m < BESIDE_M_MAX else -1.0


def test_a_car_has_the_signals_of_a_file_and_says_what_it_left_out(car: Car) -> None:
    words = ("run", "car", "--vss", str(EXAMPLE), "--until-input-ends")
    with subprocess.Popen(
        [MONOCOQUE, *words, "--data", str(car.installation.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as bench:
        assert bench.stdout is not None
        bench_id = CarId(bench.stdout.readline().strip())
        doors = car.folder.with_name(bench_id) / "doors.json"
        wait_until("its doors are open", lambda: doors.exists() and b"viss" in doors.read_bytes(),
                   DOORS_S_MAX)  # fmt: skip
        token = token_of(car.installation.data, bench_id, "read provide")
        client = SignalClient(json.loads(doors.read_bytes())["kuksa"], token)
        wait_until("its body says", lambda: client.value(SPEED.path) == 0.0, DOORS_S_MAX)
        assert client.value(LOAD) is None
        client.say(LOAD, float=12.5)
        assert client.value(LOAD) == 12.5
        rows = json.loads(car.run("signals", "get", bench_id, "Vehicle.Bench", "--json"))
        assert {row["path"]: (row["value"], row["unit"]) for row in rows}[LOAD] == (
            12.5, "furlongs",
        )  # fmt: skip
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            client.value(IS_LOCKED.path)
        client.close()
        _, said = bench.communicate("", timeout=DOORS_S_MAX)
    assert bench.returncode == 0, said
    left_out = [line for line in said.splitlines() if line.startswith("left out: ")]
    struct = "has the type 'Types.Echo', which we do not have"
    assert f"left out: Vehicle.Bench.Echo {struct}" in left_out
    assert "left out: Vehicle.Bench.Force has 'unit' twice" in left_out
    assert "left out: Vehicle.Bench.Lamp is there twice" in left_out
    assert len(left_out) == 5


@pytest.mark.timeout(240)
def test_our_apps_do_their_work_in_a_car_that_runs(car: Car, tmp_path: Path) -> None:
    car.until_it_stands()
    car.client.ask(IS_LOCKED.path, bool=True)
    apps = {name: install(car, name, tmp_path) for name in SHORTER}
    try:
        for app in apps.values():
            until_written(app / "log.txt", "[running]")
        camp_mode_ends_at_its_floor(car, apps["camp-mode"])
        car.run("drive", car.car_id)
        wait_until("it moves", lambda: car.client.value(SPEED.path) > 10.0, DOORS_S_MAX)
        car.run("park", car.car_id)
        (line,) = until_written(apps["trip-log"] / "data" / "trips.jsonl", "\n").splitlines()
        trip = json.loads(line)
        assert trip["used_kwh"] > 0.0
        assert trip["moving_s"] > 0
        assert trip["why"].startswith("the climate was on most of the time")
        (file,) = (apps["parked-guard"] / "data").glob("alarm-*.json")
        alarm = json.loads(file.read_text())
        assert alarm["cause"] == "the car was moved while it was locked"
        assert {row["path"] for row in alarm["rows"]} >= {SPEED.path, LATITUDE.path}
    finally:
        for name in SHORTER:
            apps_at_car.remove(car.installation.data, car.car_id, name)
        car.client.ask(IS_CLIMATE_ON.path, bool=False)


def camp_mode_ends_at_its_floor(car: Car, app: Path) -> None:
    """It warms the cold cabin, ends when the battery is low, and begins again when that is full."""

    def climate_is(wanted: bool) -> bool:
        return car.client.value(IS_CLIMATE_ON.path) is wanted

    def charge_to(percent: float) -> None:
        how = partial(replace, charge_percent=percent)
        change_body(car.installation.data, car.car_id, how)

    wait_until("the climate is on", lambda: climate_is(True), APPS_S_MAX)
    charge_to(18.0)
    wait_until("the climate is off", lambda: climate_is(False), APPS_S_MAX)
    until_written(app / "data" / "why.json", "the floor is near")
    charge_to(62.0)
    wait_until("the climate is on again", lambda: climate_is(True), APPS_S_MAX)


def until_written(file: Path, text: str) -> str:
    """What a file of an app says, once this is in it."""
    wait_until(f"{file.name}: {text}", lambda: file.exists() and text in file.read_text(),
               APPS_S_MAX)  # fmt: skip
    return file.read_text()


def install(car: Car, name: str, into: Path) -> Path:
    """One of our apps, that waits for less; returns its folder in the car."""
    own, shorter = ROOT / "apps" / name.replace("-", "_"), into / name
    shorter.mkdir()
    text, (waits, less) = (own / "app.py").read_text(), SHORTER[name]
    assert waits in text
    (shorter / "app.py").write_text(text.replace(waits, less))
    package, key = into / f"{name}.app", into / "our.key"
    apps_making.make_package(shorter, key, package)
    public = apps_making.public_place(key)
    apps_at_car.install(car.installation.data, car.car_id, package, public)
    return car.folder / "apps" / name


def test_a_client_hears_why_a_window_did_not_move(car: Car) -> None:
    data = car.installation.data
    try:
        change_body(data, car.car_id, lambda b: with_jam(b, frozenset({WINDOW_PART})))
        assert f"{WINDOW} failed: jammed." in car.client.ask(WINDOW, uint32=10)
        assert car.client.value(WINDOW) == 0
        change_body(data, car.car_id, lambda b: with_jam(b, frozenset()))
        assert car.client.ask(WINDOW, uint32=10) == ""
        change_body(data, car.car_id, lambda b: with_obstacles(b, (WINDOW_PART,)))
        with viss_at(car.addresses()["viss"], car.token) as client:
            refused = client.ask("set", path=WINDOW, value="0")["error"]
            assert (refused["number"], refused["reason"]) == (403, "forbidden_request")
            assert f"{WINDOW}: refused, pinch." in refused["description"]
            change_body(data, car.car_id, lambda b: with_obstacles(b, ()))
            assert "error" not in client.ask("set", path=WINDOW, value="0")
        wait_until("it is shut", lambda: car.client.value(WINDOW) == 0, DOORS_S_MAX)
    finally:
        change_body(data, car.car_id, lambda b: with_obstacles(with_jam(b, frozenset()), ()))


def test_nonsense_at_the_doors_is_refused_and_others_go_on_and_nothing_restarts(car: Car) -> None:
    def restarts() -> float:
        return car.installation.counted("monocoque_service_restarts_total")

    shown, before, chance = car.doors.read_bytes(), restarts(), random.Random(6)
    heard = car.client.hear(SPEED.path)
    next(heard)
    with viss_at(car.addresses()["viss"], car.token) as other:
        assert "error" not in other.ask("get", path=SPEED.path)
        for address in car.addresses().values():
            send_nonsense(address, chance)
        call_with_nonsense(SignalClient(car.addresses()["kuksa"], car.token), chance)
        with viss_at(car.addresses()["viss"], car.token) as client:
            ask_nonsense(client)
        assert "error" not in other.ask("get", path=SPEED.path)
    assert next(heard) is not None
    assert car.client.value(IS_LOCKED.path) is not None
    assert car.doors.read_bytes() == shown
    assert "cars" in car.installation.counting()
    assert restarts() == before
    assert car.installation.cars_online() >= 1


def send_nonsense(address: str, chance: random.Random) -> None:
    """Connections that say nothing sensible, and some that say nothing."""
    host, _, port = address.rpartition(":")
    for said in (b"", *NO_CALLS, *(chance.randbytes(chance.randrange(1, 999)) for _ in range(20))):
        # The door may shut before all of it was said.
        with (
            contextlib.suppress(ConnectionError),
            socket.create_connection((host, int(port)), timeout=DOORS_S_MAX) as stranger,
        ):
            stranger.sendall(said)


def call_with_nonsense(client: SignalClient, chance: random.Random) -> None:
    """Messages of no known kind, for every method."""
    codes = set()
    for name, method in METHODS.items():
        for _ in range(5):
            try:
                answer = client.call(name, b"\xff" + chance.randbytes(50))
                list(answer if method.server_streaming else [answer])
            except grpc.RpcError as error:
                codes.add(code_of(error))
    client.close()
    assert codes == {"INVALID_ARGUMENT"}


def code_of(error: grpc.RpcError) -> str:
    """The word of gRPC for what a call was answered with."""
    assert isinstance(error, grpc.Call)
    return str(error.code().name)


def ask_nonsense(client: VissClient) -> None:
    """Each is answered with what is wrong with it; none is the car's own fault."""
    for said in NO_REQUESTS:
        client.socket.send(said)
        answer = json.loads(client.socket.recv(DOORS_S_MAX))
        assert 400 <= int(answer["error"]["number"]) < 500, (said, answer)
    assert "error" not in client.ask("get", path=SPEED.path)
