"""The table of signals: what the numbers in a frame mean.

Rules:

* a signal has the path and the unit of the COVESA Vehicle Signal Specification (VSS), so that
  whoever knows that knows ours;
* changes are additive: a number is never given to another signal, and a unit never changes;
* truth is 1 and falsehood 0;
* a reader keeps the values of numbers that it does not know: the car may be newer.

docs/protocol/signals.md shows every row.
Left out on purpose: how often a signal is measured. That is the car's affair.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Signal:
    """One row of the table."""

    number: int
    path: str
    unit: str
    """As VSS writes it; empty for what has none."""
    purpose: str
    """One sentence for the documentation."""


SPEED: Final = Signal(1, "Vehicle.Speed", "km/h", "How fast the car moves.")
TRAVELED_DISTANCE: Final = Signal(
    2, "Vehicle.TraveledDistance", "km", "The odometer, since the car was built."
)
LATITUDE: Final = Signal(
    3, "Vehicle.CurrentLocation.Latitude", "degrees", "Where the car is (WGS 84)."
)
LONGITUDE: Final = Signal(
    4, "Vehicle.CurrentLocation.Longitude", "degrees", "Where the car is (WGS 84)."
)
CHARGE: Final = Signal(
    5,
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed",
    "percent",
    "How full the battery is, as the driver reads it.",
)
RANGE: Final = Signal(
    6, "Vehicle.Powertrain.TractionBattery.Range", "m", "How far the charge reaches."
)
IS_CHARGING: Final = Signal(
    7,
    "Vehicle.Powertrain.TractionBattery.Charging.IsCharging",
    "",
    "Whether the battery is being filled.",
)
IS_CABLE_CONNECTED: Final = Signal(
    8,
    "Vehicle.Powertrain.TractionBattery.Charging.IsChargingCableConnected",
    "",
    "Whether a cable is plugged in.",
)
CHARGE_LIMIT: Final = Signal(
    9,
    "Vehicle.Powertrain.TractionBattery.Charging.ChargeLimit",
    "percent",
    "Where charging ends.",
)
SELECTED_GEAR: Final = Signal(
    10,
    "Vehicle.Powertrain.Transmission.SelectedGear",
    "",
    "The gear: 126 is park, 127 is drive.",
)
CABIN_TEMPERATURE: Final = Signal(
    11, "Vehicle.Cabin.HVAC.AmbientAirTemperature", "celsius", "How warm the cabin is."
)
CLIMATE_TARGET: Final = Signal(
    12,
    "Vehicle.Cabin.HVAC.Station.Row1.Driver.Temperature",
    "celsius",
    "How warm the driver wants it.",
)
IS_CLIMATE_ON: Final = Signal(
    13, "Vehicle.Cabin.HVAC.IsAirConditioningActive", "", "Whether the climate is on."
)
IS_LOCKED: Final = Signal(
    14, "Vehicle.Cabin.Door.Row1.DriverSide.IsLocked", "", "Whether the doors are locked."
)
IS_DOOR_OPEN: Final = Signal(
    15,
    "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen",
    "",
    "Whether a door stands open; the car has one sensor for all of them.",
)
IS_MOVING: Final = Signal(16, "Vehicle.IsMoving", "", "Whether the car moves.")

SIGNALS: Final[tuple[Signal, ...]] = (
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
