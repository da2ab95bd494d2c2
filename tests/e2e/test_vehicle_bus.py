"""A car on the bus of a vehicle: a real process, and control units that python-can speaks for."""

import json
import random
import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path

import can
import cantools
import msgpack
import pytest

from monocoque.car.can.service import own_files
from monocoque.contracts.signals import IS_CHARGING, IS_LOCKED, SELECTED_GEAR, SPEED
from tests.e2e.installation import MONOCOQUE, Installation, free_port, wait_until

GROUP = "239.255.77.6"
PERIOD_S = 0.1
"""Six messages, each so often: UDP loses frames of a burst."""
WAIT_S_MAX = 30.0
TYRE = "Vehicle.Chassis.Axle.Row1.Wheel.Left.Tire.Pressure"
DATABASE = cantools.database.load_file(own_files()[0])
OURS = {DATABASE.get_message_by_name(n).frame_id for n in ("LockCommand", "ClimateCommand")}
PARKED = {
    "Battery": {"ChargePercent": 55.5, "ChargeLimit": 80, "Range": 250.0},
    "Charging": {"CableState": "NONE", "IsCharging": 0},
    "Climate": {"CabinTemperature": 20.0, "ClimateTarget": 21.0, "IsClimateOn": 0},
    "Doors": {"LockState": "LOCKED", "DriverDoor": "SHUT"},
    "Motion": {"Speed": 0.0, "Gear": "PARK", "IsMoving": 0, "Odometer": 1234.5},
    "Place": {"Latitude": 47.0, "Longitude": 8.0},
}


class ControlUnits:
    """Everybody else on the bus: each message again and again, with the present values."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._bus = can.Bus(interface="udp_multicast", channel=GROUP, port=port, hop_limit=0)
        self._values = {name: dict(fields) for name, fields in PARKED.items()}
        self._tasks: dict[str, can.broadcastmanager.ModifiableCyclicTaskABC] = {}

    def message(self, name: str) -> can.Message:
        """One frame, as it is now."""
        known = DATABASE.get_message_by_name(name)
        data = known.encode(self._values[name])
        return can.Message(arbitration_id=known.frame_id, is_extended_id=False, data=data)

    def speak(self) -> None:
        """From now on."""
        for name in self._values:
            self._tasks[name] = self._bus.send_periodic(self.message(name), PERIOD_S)

    def be_silent(self) -> None:
        """From now on."""
        self._bus.stop_all_periodic_tasks()

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
        deadline = time.monotonic() + s_max
        while (left_s := deadline - time.monotonic()) > 0:
            message = self._bus.recv(left_s)
            if message is not None and message.arbitration_id in OURS:
                return message
        return None

    def close(self) -> None:
        self._bus.shutdown()


class Car:
    """An installation, and one car in a process of its own, on that bus."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder, cars=0)
        self.installation.start()
        self.units = ControlUnits(free_port())
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

    def words(self, verb: str, *words: str) -> list[str]:
        where = ("--data", str(self.installation.data))
        return ["car", "signals", verb, self.car_id, *words, *where]

    def reading(self, path: str) -> dict[str, object]:
        """What a person reads of a signal."""
        (row,) = json.loads(self.installation.run(*self.words("get", path, "--json")))
        return row

    def until(self, path: str, value: object, freshness: str = "fresh") -> None:
        """Wait until a signal is so."""

        def holds() -> bool:
            row = self.reading(path)
            return (row["value"], row["freshness"]) == (value, freshness)

        wait_until(f"{path} is {value} and {freshness}", holds, WAIT_S_MAX)

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
        self.process.stdin.close()
        assert self.process.wait(WAIT_S_MAX) == 0
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
    assert car.reading(IS_CHARGING.path)["value"] is False
    assert car.reading(TYRE)["freshness"] == "fresh"
    car.units.change("Motion", **PARKED["Motion"])
    car.until(SPEED.path, 0.0)


def test_what_is_asked_becomes_a_frame_and_is_done_when_the_bus_shows_it(car: Car) -> None:
    car.until(IS_LOCKED.path, True)
    asking = car.set(IS_LOCKED.path, "false")
    asked = car.units.asked(WAIT_S_MAX)
    assert asked is not None
    assert DATABASE.decode_message(asked.arbitration_id, asked.data) == {"LockAsked": "UNLOCK"}
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
    assert DATABASE.decode_message(asked.arbitration_id, asked.data) == {"LockAsked": "LOCK"}
    asking.communicate(timeout=WAIT_S_MAX)
    assert asking.returncode == 0


def test_frames_of_nonsense_and_datagrams_that_are_no_frames_change_nothing(car: Car) -> None:
    chance = random.Random(6)
    shown = car.doors.read_bytes()
    for message in DATABASE.messages:
        for length in {0, 1, message.length - 1} - {message.length}:
            car.units.send(message.frame_id, bytes(max(0, length)))
    for _ in range(50):
        car.units.send(chance.randrange(0x300, 0x800), chance.randbytes(chance.randrange(9)))
        car.units.send_datagram(chance.randbytes(chance.randrange(1, 100)))
        time.sleep(0.002)  # UDP loses frames of a burst
    for nothing in (None, [], 7, {}, {"arbitration_id": "x"}, {"arbitration_id": -1, "dlc": 99}):
        car.units.send_datagram(msgpack.packb(nothing))
    car.units.change("Battery", ChargePercent=44.5)
    car.until("Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed", 44.5)
    car.until(SPEED.path, 0.0)
    assert car.is_alive()
    assert car.doors.read_bytes() == shown


def test_a_bus_that_falls_silent_makes_its_signals_stale_and_gets_no_frame(car: Car) -> None:
    car.until(SPEED.path, 0.0)
    car.units.be_silent()
    try:
        car.until(SPEED.path, 0.0, "stale")
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
