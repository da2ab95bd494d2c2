"""Numbers that are given to no signal any more, and what they meant.

A lake is full of old frames. Whoever reads them needs the meaning that a number had then, and the
number that says the same today.

Rules: a number that stands here is never given again, and its row never changes.

Left out on purpose: types and ranges, since nobody may say these signals any more.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Retired:
    """One number that nobody says any more."""

    number: int
    path: str
    """As VSS, or we, wrote it then."""
    unit: str
    instead: int | None
    """The number of what says it today; None when nothing does."""


_BATTERY: Final = "Vehicle.Powertrain.TractionBattery"
_SEATS: Final = (
    "Vehicle.Cabin.Seat.Row1.DriverSide",
    "Vehicle.Cabin.Seat.Row1.PassengerSide",
    "Vehicle.Cabin.Seat.Row2.DriverSide",
    "Vehicle.Cabin.Seat.Row2.PassengerSide",
)

RETIRED: Final[tuple[Retired, ...]] = (
    Retired(2, "Vehicle.TraveledDistance", "km", 17),
    Retired(8, f"{_BATTERY}.Charging.IsChargingCableConnected", "", 164),
    Retired(141, f"{_BATTERY}.Charging.IsChargingCableLocked", "", 165),
    Retired(159, f"{_BATTERY}.Charging.Mode", "", None),
    Retired(202, "Vehicle.LowVoltageBattery.GrossCapacity", "Ah", 201),
    *(Retired(360 + i, f"{seat}.IsOccupied", "", 401 + i) for i, seat in enumerate(_SEATS)),
    *(
        Retired(380 + i, f"{seat}.Backrest.Lumbar.Support", "percent", 388 + i)
        for i, seat in enumerate(_SEATS[:2])
    ),
    *(
        Retired(384 + i, f"{seat}.MassageLevel", "percent", 405 + i)
        for i, seat in enumerate(_SEATS[:2])
    ),
    Retired(392, "Vehicle.Cabin.Light.IsTrunkOn", "", 524),
    Retired(709, "Vehicle.TripMeterReading", "km", 736),
    Retired(723, "Vehicle.Width", "mm", 733),
    Retired(740, "Vehicle.Driver.Identifier.Subject", "", 747),
    Retired(741, "Vehicle.Driver.Identifier.Issuer", "", 748),
    Retired(785, "Vehicle.OBD.Status.IsMILOn", "", None),
    Retired(786, "Vehicle.OBD.DistanceWithMIL", "km", None),
    Retired(787, "Vehicle.OBD.DistanceSinceDTCClear", "km", None),
    Retired(788, "Vehicle.OBD.ControlModuleVoltage", "V", None),
    Retired(789, "Vehicle.OBD.RunTime", "s", None),
)
"""Every such number."""
