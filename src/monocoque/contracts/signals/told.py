"""The signals that every car tells in its frames, from which the lake and the pages read.

Rules: most of their numbers were given before the catalogue was; truth is 1 and falsehood 0 in a
frame.

Left out on purpose: what else a car has, which stands in the other files, by branch.
"""

from typing import Final

from monocoque.contracts.signals.kinds import ChangeType, DataType, EntryType, Signal

SPEED: Final = Signal(
    1,
    "Vehicle.Speed",
    DataType.FLOAT,
    EntryType.SENSOR,
    "km/h",
    "How fast the car moves.",
    change_type=ChangeType.CONTINUOUS,
    fresh_s=5.0,
)
TRAVELED_DISTANCE: Final = Signal(
    17,
    "Vehicle.TraveledDistance",
    DataType.UINT32,
    EntryType.SENSOR,
    "m",
    "The odometer, since the car was built.",
    change_type=ChangeType.CONTINUOUS,
)
LATITUDE: Final = Signal(
    3,
    "Vehicle.CurrentLocation.Latitude",
    DataType.DOUBLE,
    EntryType.SENSOR,
    "degrees",
    "Where the car is (WGS 84).",
    minimum=-90,
    maximum=90,
    change_type=ChangeType.CONTINUOUS,
)
LONGITUDE: Final = Signal(
    4,
    "Vehicle.CurrentLocation.Longitude",
    DataType.DOUBLE,
    EntryType.SENSOR,
    "degrees",
    "Where the car is (WGS 84).",
    minimum=-180,
    maximum=180,
    change_type=ChangeType.CONTINUOUS,
)
CHARGE: Final = Signal(
    5,
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed",
    DataType.FLOAT,
    EntryType.SENSOR,
    "percent",
    "How full the battery is, as the driver reads it.",
    minimum=0,
    maximum=100,
    change_type=ChangeType.CONTINUOUS,
)
RANGE: Final = Signal(
    6,
    "Vehicle.Powertrain.TractionBattery.Range",
    DataType.UINT32,
    EntryType.SENSOR,
    "m",
    "How far the charge reaches.",
    change_type=ChangeType.CONTINUOUS,
)
IS_CHARGING: Final = Signal(
    7,
    "Vehicle.Powertrain.TractionBattery.Charging.IsCharging",
    DataType.BOOLEAN,
    EntryType.SENSOR,
    "",
    "Whether the battery is being filled.",
)
IS_CABLE_CONNECTED: Final = Signal(
    164,
    "Vehicle.Powertrain.TractionBattery.Charging.ChargingPort.AnyPosition.IsChargingCableConnected",
    DataType.BOOLEAN,
    EntryType.SENSOR,
    "",
    "Whether a cable is plugged in.",
)
CHARGE_LIMIT: Final = Signal(
    9,
    "Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit",
    DataType.UINT8,
    EntryType.ACTUATOR,
    "percent",
    "Where charging ends.",
    minimum=0,
    maximum=100,
)
SELECTED_GEAR: Final = Signal(
    10,
    "Vehicle.Powertrain.Transmission.SelectedGear",
    DataType.INT8,
    EntryType.ACTUATOR,
    "",
    "The gear: 126 is park, 127 is drive.",
)
CABIN_TEMPERATURE: Final = Signal(
    11,
    "Vehicle.Cabin.HVAC.AmbientAirTemperature",
    DataType.FLOAT,
    EntryType.SENSOR,
    "Celsius",
    "How warm the cabin is.",
    change_type=ChangeType.CONTINUOUS,
)
CLIMATE_TARGET: Final = Signal(
    12,
    "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature",
    DataType.FLOAT,
    EntryType.ACTUATOR,
    "Celsius",
    "How warm the driver wants it.",
    minimum=-50,
    maximum=50,
)
IS_CLIMATE_ON: Final = Signal(
    13,
    "Vehicle.Cabin.HVAC.IsAirConditioningActive",
    DataType.BOOLEAN,
    EntryType.ACTUATOR,
    "",
    "Whether the climate is on.",
)
IS_LOCKED: Final = Signal(
    14,
    "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked",
    DataType.BOOLEAN,
    EntryType.ACTUATOR,
    "",
    "Whether the doors are locked.",
)
IS_DOOR_OPEN: Final = Signal(
    15,
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen",
    DataType.BOOLEAN,
    EntryType.ACTUATOR,
    "",
    "Whether a door stands open; the car has one sensor for all of them.",
)
IS_MOVING: Final = Signal(
    16,
    "Vehicle.IsMoving",
    DataType.BOOLEAN,
    EntryType.SENSOR,
    "",
    "Whether the car moves.",
)

TOLD: Final[tuple[Signal, ...]] = (
    SPEED,
    TRAVELED_DISTANCE,
    LATITUDE,
    LONGITUDE,
    CHARGE,
    RANGE,
    IS_CHARGING,
    IS_CABLE_CONNECTED,
    CHARGE_LIMIT,
    SELECTED_GEAR,
    CABIN_TEMPERATURE,
    CLIMATE_TARGET,
    IS_CLIMATE_ON,
    IS_LOCKED,
    IS_DOOR_OPEN,
    IS_MOVING,
)
"""Every row."""
