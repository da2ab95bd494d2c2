"""A car on the bus of a vehicle: a real process, and control units that python-can speaks for."""

import contextlib
import json
import queue
import random
import socket
import subprocess
import threading
import time
from collections.abc import Generator
from pathlib import Path

import can
import grpc
import pytest
from cantools.database.can import Database

from monocoque.car.can.service import own_files
from monocoque.contracts.signals import IS_CHARGING, IS_LOCKED, SELECTED_GEAR, SPEED
from monocoque.contracts.wire import kuksa_v2_pb2 as v2
from tests.car.can_samples import OWN_CAR_PARKED
from tests.e2e.installation import MONOCOQUE, Installation, wait_until
from tests.fixtures.ports import reserved_port

GROUP = "239.255.77.6"
PERIOD_S = 0.1
"""Six messages, each so often: UDP loses frames of a burst."""
WAIT_S_MAX = 30.0
TYRE = "Vehicle.Chassis.Axle.Row1.Wheel.Left.Tire.Pressure"
DATABASE = Database()
DATABASE.add_dbc_file(str(own_files()[0]))
LOG = Path(__file__).parents[2] / "docs" / "guide" / "can" / "drive.log"
SAID_BY_NOBODY = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"
COMMANDS = ("LockCommand", "ClimateCommand", "ChargeCommand")
OURS = {DATABASE.get_message_by_name(name).frame_id for name in COMMANDS}
PARKED = {**OWN_CAR_PARKED, "Place": {"Latitude": 47.0, "Longitude": 8.0}}

NO_FRAMES = (
    b"\xc0",  # nothing
    b"\x90",  # an empty list
    b"\x07",
    b"\x80",  # an empty map
    b"\x81\xaearbitration_id\xa1x",
    b"\x82\xaearbitration_id\xff\xa3dlc\x63",  # -1, and 99 bytes
    b"\x82\xaearbitration_id\x05\xaeis_extended_id\x90",  # a list for yes or no
)
"""MessagePack, as frames are, and no frames (github.com/msgpack/msgpack/blob/master/spec.md)."""


class ControlUnits:
    """Everybody else on the bus: each message again and again, with the present values."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._bus = can.Bus(interface="udp_multicast", channel=GROUP, port=port, hop_limit=0)
        self._values = {name: dict(fields) for name, fields in PARKED.items()}
        self._tasks: dict[str, can.broadcastmanager.ThreadBasedCyclicSendTask] = {}
        self._asked: queue.SimpleQueue[can.Message] = queue.SimpleQueue()
        self._ends = threading.Event()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def message(self, name: str) -> can.Message:
        """One frame, as it is now."""
        known = DATABASE.get_message_by_name(name)
        data = known.encode(self._values[name])
        return can.Message(arbitration_id=known.frame_id, is_extended_id=False, data=data)

    def speak(self) -> None:
        """From now on."""
        for name in self._values:
            task = self._bus.send_periodic(self.message(name), PERIOD_S)
            assert isinstance(task, can.broadcastmanager.ThreadBasedCyclicSendTask)
            self._tasks[name] = task

    def be_silent(self) -> None:
        """From now on."""
        self._bus.stop_all_periodic_tasks()
        for task in self._tasks.values():
            # One may be about to send yet, and the bus may be shut next.
            if task.thread is not None:
                task.thread.join()

    def change(self, name: str, **fields: object) -> None:
        """These fields have other values from now on."""
        self._values[name] |= fields
        self._tasks[name].modify_data(self.message(name))

    def send(self, identifier: int, data: bytes) -> None:
        """One frame of any kind."""
        self._bus.send(can.Message(arbitration_id=identifier, is_extended_id=False, data=data))

    def send_datagram(self, data: bytes) -> None:
        """What is no frame at all."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
            speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
            speaker.sendto(data, (GROUP, self.port))

    def asked(self, s_max: float) -> can.Message | None:
        """The next frame by which the car asks for something; None when none comes."""
        try:
            return self._asked.get(timeout=s_max)
        except queue.Empty:
            return None

    def _listen(self) -> None:
        """Everything is read, since a full socket loses what comes; nonsense is not for us."""
        while not self._ends.is_set():
            with contextlib.suppress(can.CanError):
                message = self._bus.recv(0.2)
                if message is not None and message.arbitration_id in OURS:
                    self._asked.put(message)

    def close(self) -> None:
        self.be_silent()
        self._ends.set()
        self._listener.join()
        self._bus.shutdown()


class Car:
    """An installation, and one car in a process of its own, on that bus."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder, cars=0)
        self.installation.start()
        self.units = ControlUnits(reserved_port())
        self.units.speak()
        words = ("run", "car", "--data", str(self.installation.data), "--until-input-ends")
        self.process = subprocess.Popen(
            [MONOCOQUE, *words, "--can", f"udp_multicast:{GROUP}:{self.units.port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.car_id = self.process.stdout.readline().strip()
        self.doors = self.installation.data / "cars" / self.car_id / "doors.json"
        wait_until("the car's doors are open", self.doors.exists, WAIT_S_MAX)
        where = ("--data", str(self.installation.data))
        token = self.installation.run("car", "token", "new", self.car_id, *where).strip()
        self._channel = grpc.insecure_channel(json.loads(self.doors.read_bytes())["kuksa"])
        self._get_value = self._channel.unary_unary(
            "/kuksa.val.v2.VAL/GetValue",
            request_serializer=v2.GetValueRequest.SerializeToString,
            response_deserializer=v2.GetValueResponse.FromString,
        )
        self._shown = (("authorization", f"Bearer {token}"),)

    def words(self, verb: str, *words: str) -> list[str]:
        where = ("--data", str(self.installation.data))
        return ["car", "signals", verb, self.car_id, *words, *where]

    def reading(self, path: str) -> dict[str, object]:
        """What a person reads of a signal."""
        (row,) = json.loads(self.installation.run(*self.words("get", path, "--json")))
        return row

    def value(self, path: str) -> object:
        """What a client of KUKSA reads of it; None when nobody stands behind it."""
        request = v2.GetValueRequest(signal_id=v2.SignalID(path=path))
        point = self._get_value(request, metadata=self._shown, timeout=WAIT_S_MAX).data_point
        kind = point.value.WhichOneof("typed_value")
        return None if kind is None else getattr(point.value, kind)

    def until(self, path: str, value: object) -> None:
        """Wait until a signal is so."""
        wait_until(f"{path} is {value}", lambda: self.value(path) == value, WAIT_S_MAX)

    def set(self, path: str, value: str) -> "subprocess.Popen[str]":
        """Somebody asks an actuator."""
        return subprocess.Popen(
            [MONOCOQUE, *self.words("set", path, value)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        assert self.process.wait(WAIT_S_MAX) == 0
        self.process.stdout.close()
        self._channel.close()
        self.units.close()
        assert self.installation.stop() == 0


@pytest.fixture(scope="module")
def car(tmp_path_factory: pytest.TempPathFactory) -> Generator[Car]:
    """One for all; a test leaves the control units speaking, and the car parked and locked."""
    car = Car(tmp_path_factory.mktemp("bus"))
    yield car
    car.close()


def test_what_control_units_say_is_read_as_signals_and_the_rest_is_the_bodys(car: Car) -> None:
    car.until(SELECTED_GEAR.path, 126)
    car.units.change("Motion", Speed=42.5, IsMoving=1, Gear="DRIVE")
    car.until(SPEED.path, 42.5)
    car.until(SELECTED_GEAR.path, 127)
    # The virtual body stands parked with a plug in; it is not heard of what the bus brings.
    assert car.value(IS_CHARGING.path) is False
    assert car.value(TYRE) is not None
    assert car.reading(SPEED.path)["value"] == 42.5
    assert car.reading(SPEED.path)["freshness"] == "fresh"
    car.units.change("Motion", **PARKED["Motion"])
    car.until(SPEED.path, 0.0)


def test_what_is_asked_becomes_a_frame_and_is_done_when_the_bus_shows_it(car: Car) -> None:
    car.until(IS_LOCKED.path, True)
    asking = car.set(IS_LOCKED.path, "false")
    asked = car.units.asked(WAIT_S_MAX)
    assert asked is not None
    assert DATABASE.decode_message(asked.arbitration_id, bytes(asked.data)) == {
        "LockAsked": "UNLOCK"
    }
    assert asking.poll() is None  # sent, and not done
    car.units.change("Doors", LockState="UNLOCKED")
    said, _ = asking.communicate(timeout=WAIT_S_MAX)
    assert (asking.returncode, said.strip()) == (0, f"{IS_LOCKED.path} is false.")
    car.units.change("Doors", LockState="LOCKED")
    car.until(IS_LOCKED.path, True)


def test_what_the_guard_refuses_by_what_the_bus_says_becomes_no_frame(car: Car) -> None:
    car.units.change("Motion", Speed=60.0, IsMoving=1, Gear="DRIVE")
    car.until(SPEED.path, 60.0)
    asking = car.set(IS_LOCKED.path, "false")
    _, why = asking.communicate(timeout=WAIT_S_MAX)
    assert asking.returncode == 1
    assert "refused, moving" in why
    car.units.change("Motion", **PARKED["Motion"])
    car.until(SPEED.path, 0.0)
    # Whatever was sent comes before what is asked now, which the guard allows.
    asking = car.set(IS_LOCKED.path, "true")
    asked = car.units.asked(WAIT_S_MAX)
    assert asked is not None
    assert DATABASE.decode_message(asked.arbitration_id, bytes(asked.data)) == {"LockAsked": "LOCK"}
    asking.communicate(timeout=WAIT_S_MAX)
    assert asking.returncode == 0


def test_frames_of_nonsense_and_datagrams_that_are_no_frames_change_nothing(car: Car) -> None:
    chance = random.Random(6)
    shown = car.doors.read_bytes()
    for message in map(DATABASE.get_message_by_name, PARKED):
        for length in {0, 1, message.length - 1} - {message.length}:
            car.units.send(message.frame_id, bytes(max(0, length)))
    for _ in range(50):
        car.units.send(chance.randrange(0x300, 0x800), chance.randbytes(chance.randrange(9)))
        car.units.send_datagram(chance.randbytes(chance.randrange(1, 100)))
        time.sleep(0.002)  # UDP loses frames of a burst
    for nothing in NO_FRAMES:
        car.units.send_datagram(nothing)
    car.units.change("Battery", ChargePercent=44.5)
    car.until("Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed", 44.5)
    car.until(SPEED.path, 0.0)
    assert car.is_alive()
    assert car.doors.read_bytes() == shown


def test_nobody_stands_behind_the_signals_of_a_silent_bus_and_it_gets_no_frame(car: Car) -> None:
    car.until(IS_LOCKED.path, True)
    car.units.be_silent()
    try:
        car.until(IS_LOCKED.path, None)
        assert car.reading(SPEED.path)["freshness"] == "provider_gone"
        assert car.reading(TYRE)["freshness"] == "fresh"
        asking = car.set(IS_LOCKED.path, "false")
        _, why = asking.communicate(timeout=WAIT_S_MAX)
        assert "refused, bus_silent" in why
        assert car.units.asked(0.5) is None
    finally:
        car.units.speak()
    car.until(SPEED.path, 0.0)


def test_a_bus_of_nonsense_alone_counts_as_gone_and_comes_back(car: Car) -> None:
    def times_gone() -> float:
        return car.installation.counted(
            "monocoque_errors_total", where="can", code="can_bus_unavailable"
        )

    car.until(SPEED.path, 0.0)
    before = times_gone()
    car.units.be_silent()
    try:

        def is_gone() -> bool:
            for _ in range(150):
                car.units.send_datagram(b"nonsense")
            return times_gone() > before

        wait_until("the bus has gone", is_gone, WAIT_S_MAX)
    finally:
        car.units.speak()
    car.until(SPEED.path, 0.0)
    car.until(IS_LOCKED.path, True)


def replay(car: Car, *words: str) -> "subprocess.CompletedProcess[str]":
    """Somebody tells a log to the car."""
    where = ("--car", car.car_id, "--data", str(car.installation.data))
    return car.installation.typed("car", "replay", str(LOG), *where, *words)


def test_a_log_is_told_to_the_car_of_a_silent_bus_and_its_signals_move(car: Car) -> None:
    car.until(SPEED.path, 0.0)
    car.units.be_silent()
    try:
        car.until(SPEED.path, None)
        where = ("--car", car.car_id, "--data", str(car.installation.data))
        with subprocess.Popen(
            [MONOCOQUE, "car", "replay", LOG, "--speed", "4x", "--json", *where],
            stdout=subprocess.PIPE,
            text=True,
        ) as telling:
            car.until(SPEED.path, 90.0)
            said, _ = telling.communicate(timeout=WAIT_S_MAX)
        assert telling.returncode == 0
        # A continuous signal is said with every frame, changed or not: so it stays fresh.
        assert json.loads(said)["signals"][SPEED.path]["said"] == 600
        car.until(SPEED.path, None)
    finally:
        car.units.speak()
    car.until(SPEED.path, 0.0)


def test_what_somebody_says_in_the_car_is_not_told_by_a_log(car: Car, tmp_path: Path) -> None:
    car.until(SPEED.path, 0.0)
    first = replay(car, "--map", str(LOG.with_name("first.yaml")))
    assert first.returncode == 1
    what, hint = first.stderr.splitlines()
    assert what == f"{SPEED.path} is said by somebody else in {car.car_id}."
    assert "--can" in hint
    mapping = tmp_path / "two.yaml"
    rows = LOG.with_name("first.yaml").read_text()
    mapping.write_text(
        f"{rows}  - {{signal: {SAID_BY_NOBODY}, message: Battery, field: ChargePercent}}\n"
    )
    second = replay(car, "--map", str(mapping), "--speed", "max", "--json")
    assert second.returncode == 0, second.stderr
    assert second.stderr == f"left out, since others say them: {SPEED.path}\n"
    assert list(json.loads(second.stdout)["signals"]) == [SAID_BY_NOBODY]
    assert car.value(SPEED.path) == 0.0


def test_a_log_that_is_cut_and_a_catalogue_beside_the_cars_end_the_telling_with_why(
    car: Car, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.log"
    cut.write_bytes(LOG.read_bytes()[:2_003])
    mapping = tmp_path / "one.yaml"
    row = f"signal: {SAID_BY_NOBODY}, message: Battery, field: ChargePercent"
    mapping.write_text(f"version: 1\nfrom_bus:\n  - {{{row}}}\n")
    words = ("--car", car.car_id, "--data", str(car.installation.data), "--map", str(mapping))
    told = car.installation.typed("car", "replay", str(cut), *words, "--speed", "max")
    assert told.returncode == 1
    assert told.stderr.startswith("cut.log is broken after frame ")
    vss = replay(car, "--vss", str(mapping))
    assert (vss.returncode, "--vss" in vss.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (("--can", "nobus0"), "The bus nobus0 of socketcan cannot be opened", "ip link"),
        (("--can", "virtual:x", "--dbc", "bad.dbc"), "The database of the bus cannot", "place"),
        (("--can", "virtual:x", "--map", "bad.yaml"), "Row 1 of from_bus (line 3):", "row"),
        (("--can", "virtual:x", "--map", "none.yaml"), "none.yaml cannot be read", "there"),
        (("--can", "udp_multicast:"), "--can 'udp_multicast:' is no bus", "KIND:CHANNEL"),
        (("--map", "bad.yaml"), "A database or a mapping is named, and no bus", "--can"),
        (("--can", "can0", "--broker", "grpc://127.0.0.1:1"), "not both", "--broker"),
    ],
)
def test_a_car_on_a_bus_that_cannot_be_is_refused_in_two_lines(
    car: Car, tmp_path: Path, words: tuple[str, ...], what: str, hint: str
) -> None:
    (tmp_path / "bad.dbc").write_text('VERSION "1"\nBO_ number Battery: 8 Drive\n')
    row = "signal: Vehicle.Nothing, message: Motion, field: Speed"
    (tmp_path / "bad.yaml").write_text(f"version: 1\nfrom_bus:\n  - {{{row}}}\n")
    said = [str(tmp_path / word) if word.endswith((".dbc", ".yaml")) else word for word in words]
    cars = set(car.doors.parents[1].iterdir())
    done = car.installation.typed("run", "car", "--data", str(car.installation.data), *said)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert what in first
    assert hint in second
    assert set(car.doors.parents[1].iterdir()) == cars  # no car was made for it
