"""A small bus for tests: its database, its mapping, and a catalogue of a few signals."""

from typing import Any

from monocoque.car.can.logic.database import load_database
from monocoque.car.can.logic.mapping import parse_mapping
from monocoque.car.can.logic.translation import bind
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.signals import ChangeType, DataType, EntryType, Signal

DBC = """
VERSION ""
BU_: A B
BO_ 256 Fast: 8 A
 SG_ Speed : 0|12@1+ (0.1,-10) [0|0] "mph" B
 SG_ Gear : 12|3@1+ (1,0) [0|7] "" B
 SG_ Door : 15|1@1+ (1,0) [0|1] "" B
 SG_ Exact : 32|32@1- (1,0) [0|0] "" B
BO_ 2566834709 Slow: 4 A
 SG_ Page M : 0|8@1+ (1,0) [0|3] "" B
 SG_ Target m0 : 8|8@1+ (0.5,0) [0|40] "celsius" B
 SG_ Tilt m0 : 16|8@1- (1,0) [0|0] "" B
 SG_ Word m1 : 8|8@1+ (1,0) [0|0] "" B
BO_ 512 Command: 2 B
 SG_ TargetAsked : 0|8@1+ (0.5,0) [0|40] "celsius" A
 SG_ Mode : 8|2@1+ (1,0) [0|3] "" A
 SG_ DoorAsked : 10|1@1+ (1,0) [0|1] "" A
BA_DEF_ SG_ "GenSigStartValue" FLOAT 0 255;
BA_DEF_DEF_ "GenSigStartValue" 0;
BA_ "GenSigStartValue" SG_ 512 TargetAsked 255;
BA_ "GenSigStartValue" SG_ 512 Mode 0;
SIG_VALTYPE_ 256 Exact : 1;
VAL_ 256 Gear 0 "P" 1 "D" 2 "R" 7 "SNA" ;
VAL_ 256 Speed 4095 "SNA" ;
VAL_ 512 Mode 0 "OFF" 1 "ON" ;
"""
SPEED, GEAR, DOOR, EXACT, TARGET, WORD, WHEELS, HEAT = range(1, 9)
CATALOGUE = Catalogue(
    Signal(number, path, data_type, entry_type, unit, "x", **more)
    for number, path, data_type, entry_type, unit, more in (
        (SPEED, "Vehicle.Speed", DataType.FLOAT, EntryType.SENSOR, "km/h",
         {"minimum": -250, "maximum": 250, "change_type": ChangeType.CONTINUOUS}),
        (GEAR, "Vehicle.Gear", DataType.INT8, EntryType.SENSOR, "", {}),
        (DOOR, "Vehicle.Door", DataType.BOOLEAN, EntryType.ACTUATOR, "", {}),
        (EXACT, "Vehicle.Exact", DataType.INT32, EntryType.SENSOR, "", {}),
        (TARGET, "Vehicle.Target", DataType.FLOAT, EntryType.ACTUATOR, "celsius",
         {"minimum": 0, "maximum": 200}),
        (WORD, "Vehicle.Word", DataType.STRING, EntryType.ACTUATOR, "",
         {"allowed": ("ARDEN", "LUMIO")}),
        (WHEELS, "Vehicle.Wheels", DataType.UINT8_ARRAY, EntryType.ACTUATOR, "", {}),
        (HEAT, "Vehicle.Heat", DataType.FLOAT, EntryType.SENSOR, "celsius", {}),
    )
)  # fmt: skip
ROWS_IN = """
  - {signal: Vehicle.Speed, message: Fast, field: Speed, unit: mph, skip: [SNA]}
  - {signal: Vehicle.Gear, message: Fast, field: Gear, values: {P: 126, D: 127, 2: -1}}
  - {signal: Vehicle.Door, message: Fast, field: Door}
  - {signal: Vehicle.Target, message: Slow, field: Target}
"""
ROWS_OUT = """
  - {signal: Vehicle.Target, message: Command, field: TargetAsked, with: {Mode: "ON", DoorAsked: 0}}
  - {signal: Vehicle.Door, message: Command, field: DoorAsked}
"""
FAST, SLOW, COMMAND = (256, False), (2566834709 & 0x1FFFFFFF, True), (512, False)


def text_of(rows_in=ROWS_IN, rows_out=""):
    """A mapping file with these rows."""
    out = f"to_bus:\n{rows_out}\n" if rows_out else ""
    return f"version: 1\nfrom_bus:\n{rows_in}\n{out}"


def bound(rows_in=ROWS_IN, rows_out="", dbc=DBC):
    """The translation of these rows."""
    database = load_database(dbc, is_lenient=False)
    return bind(parse_mapping(text_of(rows_in, rows_out), 100), database, CATALOGUE)


def fast(speed=110, gear=0, door=0, exact=0.0):
    """The data of a frame Fast; speed, gear and door as numbers on the bus."""
    import struct

    return (speed | gear << 12 | door << 15).to_bytes(4, "little") + struct.pack("<f", exact)


OWN_CAR_PARKED: dict[str, dict[str, Any]] = {
    "Battery": {"ChargePercent": 55.5, "ChargeLimit": 80, "Range": 250.0},
    "Charging": {"CableState": "NONE", "IsCharging": 0},
    "Climate": {"CabinTemperature": 20.0, "ClimateTarget": 21.0, "IsClimateOn": 0},
    "Doors": {"LockState": "LOCKED", "DriverDoor": "SHUT"},
    "Motion": {"Speed": 0.0, "Gear": "PARK", "IsMoving": 0, "Odometer": 1234.5},
}
"""What each message of our own car says of one that is parked."""
