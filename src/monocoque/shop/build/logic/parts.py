"""What an Arden 7 is made of: its control units, where each sits, and who supplies it.

Rules: a unit has one software, of the supplier of that software; every virtual car runs one and the
same software version in all of them.

Left out on purpose: parts without software. The as-built record says what is needed to know which
software is in which car, and who made it.
"""

from dataclasses import dataclass
from typing import Final

MODEL: Final = "Arden 7"
ARDEN: Final = "Arden Motors"
LUMIO: Final = "Lumio"


@dataclass(frozen=True, slots=True)
class ControlUnit:
    """One control unit of the car."""

    name: str
    description: str
    position: str
    supplier: str
    software_supplier: str


CONTROL_UNITS: Final = (
    ControlUnit("central-computer", "Runs the cabin and its apps", "cockpit", LUMIO, LUMIO),
    ControlUnit("gateway", "Joins the networks of the car", "cockpit", ARDEN, ARDEN),
    ControlUnit("telematics", "Speaks with the cell", "roof", LUMIO, ARDEN),
    ControlUnit("body", "Locks, doors, lights and climate", "cockpit", ARDEN, ARDEN),
    ControlUnit("battery", "Watches the cells of the battery", "floor", ARDEN, ARDEN),
    ControlUnit("charger", "Charges the battery", "rear", ARDEN, ARDEN),
    ControlUnit("drive-front", "Drives the front axle", "front axle", ARDEN, ARDEN),
    ControlUnit("drive-rear", "Drives the rear axle", "rear axle", ARDEN, ARDEN),
    ControlUnit("brake", "Brakes and keeps the car stable", "front", ARDEN, ARDEN),
    ControlUnit("steering", "Steers", "front axle", ARDEN, ARDEN),
    ControlUnit("restraint", "Belts and airbags", "tunnel", ARDEN, ARDEN),
    ControlUnit("assistance", "Looks at the road and helps the driver", "windscreen", LUMIO, LUMIO),
)
"""Every row."""


def unit_serial(unit: ControlUnit, series: str, serial: int) -> str:
    """The serial number of a unit in the car with this serial number."""
    return f"{unit.name}-{series[-2:]}{serial:06}"
