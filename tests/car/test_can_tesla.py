"""The two buses of a Tesla Model 3, by databases that others published, in every format of logs."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.database import load_database
from monocoque.car.can.service.files import load_translation
from monocoque.car.can.service.replay import replay
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.contracts.errors import CanDatabaseWrong
from monocoque.contracts.signals import SIGNALS, DataType, EntryType, Signal
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from monocoque.plumbing.can.port import Frame
from monocoque.plumbing.clock import SystemClock
from tests.plumbing.can_frames import BEGAN_US, write_log
from tests.plumbing.can_packages import INSTALL_S_MAX, ROOT, folder_of

# The first run installs the packages, two of them.
pytestmark = pytest.mark.timeout(2 * INSTALL_S_MAX + 120)

MAPPINGS = ROOT / "docs" / "guide" / "can"
SPEED = "Vehicle.Speed"
GEAR = "Vehicle.Powertrain.Transmission.SelectedGear"
ANGLE = "Vehicle.Chassis.SteeringWheel.Angle"
PEDAL = "Vehicle.Chassis.Accelerator.PedalPosition"
DRIVER = "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen"
BEHIND = "Vehicle.Cabin.Door.Row2.DriverSide.IsOpen"
PASSENGER = "Vehicle.Cabin.Door.Row1.PassengerSide.IsOpen"
LEFT = "Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling"
EXTRA = [
    Signal(90_001 + index, path, data_type, EntryType.SENSOR, unit, "x")
    for index, (path, data_type, unit) in enumerate(
        (
            (ANGLE, DataType.INT16, "degrees"),
            (PEDAL, DataType.UINT8, "percent"),
            (BEHIND, DataType.BOOLEAN, ""),
            (PASSENGER, DataType.BOOLEAN, ""),
            (LEFT, DataType.BOOLEAN, ""),
        )
    )
]
OURS = {signal.path for signal in SIGNALS}
CATALOGUE = Catalogue([*SIGNALS, *(each for each in EXTRA if each.path not in OURS)])
OPENED, CLOSED, FAULT = 1, 2, 8
WRITE_AND_READ_MF4 = """
import json, sys
from pathlib import Path
import can
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.can.logs import read_log
from monocoque.plumbing.can.port import Frame
from tests.plumbing.can_frames import write_log
path = Path(sys.argv[1])
frames = [Frame(t, i, e, bytes.fromhex(d)) for t, i, e, d in json.loads(sys.stdin.read())]
write_log(path, frames, can.MF4Writer)
print(json.dumps([[*f[:3], f.data.hex()] for f in read_log(path, CanBusConfig())]))
"""


def database_path(bus) -> Path:
    return folder_of("opendbc") / "opendbc" / "dbc" / f"tesla_model3_{bus}.dbc"


def encoded(bus, moments):
    """Frames of these messages with these fields, the others at 0, one moment every 100 ms."""
    database = load_database(database_path(bus).read_text(), is_lenient=True)
    for index, said in enumerate(moments):
        for name, fields in said.items():
            message = database.get_message_by_name(name)
            nothing = {s.name: s.offset if s.minimum is None else max(s.minimum, s.offset)
                       for s in message.signals}  # fmt: skip
            data = message.encode({**nothing, **fields}, strict=False)
            yield Frame(BEGAN_US + index * 100_000, message.frame_id, False, bytes(data))


def drive():
    """Ten seconds: park, drive off, steer, brake, park; the speed is unknown for a moment."""
    for tenth in range(100):
        speed = min(tenth, 100 - tenth, 40) * 0.8 - 0.08 * (tenth % 2)
        yield {
            "DI_speed": {"DI_vehicleSpeed": "SNA" if tenth == 50 else max(0.0, speed)},
            "DI_systemStatus": {
                "DI_gear": "DI_GEAR_D" if 5 < tenth < 95 else "DI_GEAR_P",
                "DI_accelPedalPos": 20 if 5 < tenth < 50 else 0,
            },
            "SCCM_steeringAngleSensor": {"SCCM_steeringAngle": -tenth * 2},
        }


def doors():
    for tenth in range(30):
        yield {
            "VCLEFT_doorStatus": {
                "VCLEFT_frontLatchStatus": OPENED if tenth < 20 else CLOSED,
                "VCLEFT_rearLatchStatus": FAULT if tenth > 10 else CLOSED,
            },
            "VCRIGHT_doorStatus": {"VCRIGHT_frontLatchStatus": CLOSED},
            "ID3F5VCFRONT_lighting": {"VCFRONT_turnSignalLeftStatus": tenth % 2},
        }


def through_mf4(path, frames):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WRITE_AND_READ_MF4, str(path)],
        input=json.dumps([[*frame[:3], frame.data.hex()] for frame in frames]),
        env={**os.environ, "PYTHONPATH": f"{folder_of('mf4')}:{ROOT}"},
        capture_output=True, text=True, timeout=100, cwd=path.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for time_us, identifier, is_extended, data in json.loads(done.stdout):
        yield Frame(time_us, identifier, is_extended, bytes.fromhex(data))


def heard(bus, frames):
    """Tell these frames; by path, every value that a subscriber heard, and the tally."""

    async def tell():
        translation = load_translation(
            database_path(bus), MAPPINGS / f"tesla-model-3-{bus}.yaml", CATALOGUE, CanConfig(),
            is_lenient=True,
        )  # fmt: skip
        hub = SignalHub(CATALOGUE, SystemClock(), Random(1))
        broker = hub.connect("replay", everything(CATALOGUE.numbers))
        values = {}
        async with broker.subscribe(translation.numbers, queue_batches=10_000) as subscription:
            tally = await replay(broker, translation, frames, CanConfig())
            left = tally.published_values
            await subscription.next()  # how it was before
            while left:
                batch = await subscription.next()
                left -= len(batch.numbers)
                for number, value in zip(batch.numbers, batch.values, strict=True):
                    values.setdefault(CATALOGUE.numbered(number).path, []).append(value)
        return values, tally

    return asyncio.run(tell())


@pytest.mark.parametrize("suffix", [".log", ".asc", ".blf", ".mf4"])
def test_speed_gear_pedal_and_wheel_are_what_was_encoded(tmp_path, suffix) -> None:
    frames = list(encoded("party", drive()))
    path = tmp_path / f"drive{suffix}"
    if suffix == ".mf4":
        values, tally = heard("party", through_mf4(path, frames))
    else:
        values, tally = heard("party", read_log(write_log(path, frames), CanBusConfig()))
    assert (tally.frames, tally.decoded_frames, tally.broken_frames) == (300, 300, 0)
    assert tally.meaningless_values == 1
    speeds = [moment["DI_speed"]["DI_vehicleSpeed"] for moment in drive()]
    assert values[SPEED] == pytest.approx([speed for speed in speeds if speed != "SNA"], abs=0.05)
    assert values[GEAR] == [126, 127, 126]
    assert values[PEDAL] == [0, 20, 0]
    assert values[ANGLE] == [-tenth * 2 for tenth in range(100)]


def test_doors_and_lights_are_what_was_encoded() -> None:
    values, tally = heard("vehicle", encoded("vehicle", doors()))
    assert tally.decoded_frames == 90
    assert values[DRIVER] == [True, False]
    assert values[PASSENGER] == [False]
    assert values[BEHIND] == [False]  # a latch with a fault is neither open nor shut
    assert values[LEFT] == [False, True] * 15


def test_a_frame_of_the_other_bus_is_unknown_and_harms_nothing() -> None:
    values, tally = heard("vehicle", encoded("party", drive()))
    assert values == {}
    assert tally.unknown_frames == 300


def test_a_database_that_contradicts_itself_is_refused() -> None:
    path = folder_of("opendbc") / "opendbc" / "dbc" / "tesla_can.dbc"
    with pytest.raises(CanDatabaseWrong):
        load_translation(
            path, MAPPINGS / "tesla-model-3-party.yaml", CATALOGUE, CanConfig(), is_lenient=False
        )
