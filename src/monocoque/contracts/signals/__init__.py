"""The table of signals: what can be known of a car, and what the numbers in a frame mean.

Rules:

* every signal has the path, kind, type, unit, range and words of the COVESA Vehicle Signal
  Specification (VSS), release 6.0 of January 2026, so that whoever knows that knows ours; none is
  ours alone, and where our range is narrower the signal stands in NARROWER. The descriptions are
  our own. tests/contracts/vss_6_0.txt holds the facts that each row is compared with;
* changes are additive: a number is never given to another signal, and a unit never changes. What
  VSS changes gets a new number, and the old one is retired (retired.py);
* a reader keeps the values of numbers that it does not know: the car may be newer.

docs/protocol/signals.md shows every row.
Left out on purpose: how often a signal is measured. That is the car's affair. ``Vehicle.OBD``,
which VSS 6.0 took out of its catalogue.
"""

from typing import Final

from monocoque.contracts.signals.cabin import CABIN
from monocoque.contracts.signals.energy import ENERGY
from monocoque.contracts.signals.kinds import ChangeType as ChangeType
from monocoque.contracts.signals.kinds import DataType as DataType
from monocoque.contracts.signals.kinds import EntryType as EntryType
from monocoque.contracts.signals.kinds import Signal as Signal
from monocoque.contracts.signals.kinds import Value as Value
from monocoque.contracts.signals.kinds import check as check
from monocoque.contracts.signals.outside import OUTSIDE
from monocoque.contracts.signals.retired import RETIRED as RETIRED
from monocoque.contracts.signals.retired import Retired as Retired
from monocoque.contracts.signals.told import CABIN_TEMPERATURE as CABIN_TEMPERATURE
from monocoque.contracts.signals.told import CHARGE as CHARGE
from monocoque.contracts.signals.told import CHARGE_LIMIT as CHARGE_LIMIT
from monocoque.contracts.signals.told import CLIMATE_TARGET as CLIMATE_TARGET
from monocoque.contracts.signals.told import IS_CABLE_CONNECTED as IS_CABLE_CONNECTED
from monocoque.contracts.signals.told import IS_CHARGING as IS_CHARGING
from monocoque.contracts.signals.told import IS_CLIMATE_ON as IS_CLIMATE_ON
from monocoque.contracts.signals.told import IS_DOOR_OPEN as IS_DOOR_OPEN
from monocoque.contracts.signals.told import IS_LOCKED as IS_LOCKED
from monocoque.contracts.signals.told import IS_MOVING as IS_MOVING
from monocoque.contracts.signals.told import LATITUDE as LATITUDE
from monocoque.contracts.signals.told import LONGITUDE as LONGITUDE
from monocoque.contracts.signals.told import RANGE as RANGE
from monocoque.contracts.signals.told import SELECTED_GEAR as SELECTED_GEAR
from monocoque.contracts.signals.told import SPEED as SPEED
from monocoque.contracts.signals.told import TOLD as TOLD
from monocoque.contracts.signals.told import TRAVELED_DISTANCE as TRAVELED_DISTANCE
from monocoque.contracts.signals.trip import TRIP

SIGNALS: Final[tuple[Signal, ...]] = (*TOLD, *ENERGY, *CABIN, *OUTSIDE, *TRIP)
"""Every row."""

BY_PATH: Final = {signal.path: signal for signal in SIGNALS}
"""The same, by their paths."""
NARROWER: Final = frozenset(
    f"Vehicle.Cabin.HVAC.Station.{row}.{who}.Temperature"
    for row in ("Row1", "Row2")
    for who in ("Driver", "Passenger")
)
"""Paths for which VSS has no range and we do: no car can do more, and nobody shall ask for it."""
