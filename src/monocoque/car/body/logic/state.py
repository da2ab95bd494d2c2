"""A car at one moment: what it is like, and what follows from that at once.

Rules: a body is a value, and a property of it needs no time to pass; what it keeps is in its record
(record.py), so a new member needs a usual value, which an older record stands for.

Units stand in the names. Left out on purpose: what time does to it (passing.py), and what people do
(deeds.py).
"""

from dataclasses import dataclass, field, replace
from typing import Final

from monocoque.car.body.logic.drives import Drive, speed_in
from monocoque.car.body.logic.loops import heading_on_loop, place_on_loop
from monocoque.car.body.logic.motions import Motion
from monocoque.car.body.logic.parts import AS_BUILT, MOVING, Parts, between
from monocoque.car.body.logic.physics import battery, cabin
from monocoque.car.body.logic.physics.vehicle import ARDEN_7
from monocoque.car.body.logic.routes import Place, Route
from monocoque.car.body.logic.stations import WALLBOX, Station, is_fit
from monocoque.car.body.logic.weather import USUAL, Weather, outside_celsius

OUTSIDE_CELSIUS: Final = 9.0
RANGE_KM_PER_PERCENT: Final = 4.3
"""Of a new battery, without climate: as far as it reaches on a motorway, and further elsewhere."""
RANGE_SPEED_KMH: Final = 80.0
"""The mean speed with which the range is told; the slower, the more the climate costs."""
RECIRCULATED: Final = 0.7
"""The share of the air that is not fresh, unless all of it shall come from inside."""
DRIVER_DOOR: Final = "row1_left"
HOME_LATITUDE_DEGREES: Final = 47.3769
HOME_LONGITUDE_DEGREES: Final = 8.5417
HOME_HEIGHT_M: Final = 408.0
HOME: Final[Place] = (HOME_LATITUDE_DEGREES, HOME_LONGITUDE_DEGREES)


@dataclass(frozen=True, slots=True)
class Body:
    """A car at one moment."""

    at_us: int
    locked: bool = True
    doors_open: tuple[str, ...] = ()
    climate_on: bool = False
    climate_target_decicelsius: int = 210
    cabin_celsius: float = OUTSIDE_CELSIUS
    charge_percent: float = 62.0
    charge_limit_percent: int = 80
    plugged: bool = True
    station: Station = WALLBOX
    """Where the plug is, or was last."""
    odometer_m: float = 0.0
    place_measured_us: int = 0
    place_accuracy_m: float = 5.0
    """How far from its true place it may believe to be."""
    touched_us: int = 0
    """When somebody set something in motion, drove off or plugged in, last."""
    drive: Drive | None = None
    motions: tuple[Motion, ...] = ()
    jammed: frozenset[str] = field(default_factory=frozenset)
    updating: bool = False
    """Whether control units are being updated."""
    outside_celsius: float = OUTSIDE_CELSIUS
    weather: Weather | None = None
    """What the air outside follows; None when it stays as it is."""
    awaits_weather: bool = False
    """Whether its own service has not said yet in which weather it lives; till then the usual."""
    battery_celsius: float = OUTSIDE_CELSIUS
    calendar_loss: float = 0.0
    """The share of the battery's capacity that time has taken."""
    cycle_loss: float = 0.0
    """And that use has taken."""
    low_voltage: float = 1.0
    """The charge of the 12 V battery, as a share."""
    tyres_kpa: tuple[float, ...] = (ARDEN_7.tyre_kpa,) * 4
    """At 20 °C: front left, front right, rear left, rear right."""
    trip_given_wh: float = 0.0
    """What the battery gave in the drive that goes on, or the last one."""
    trip_taken_wh: float = 0.0
    """What braking brought back in it."""
    parts: Parts = AS_BUILT
    route: Route | None = None
    """The way of this drive; None on the loop."""
    base_degrees: Place = HOME
    """Where the loop begins, its southernmost point."""
    base_m: float = 0.0
    """The odometer there."""
    base_height_m: float = HOME_HEIGHT_M  # the loop is flat

    @property
    def gear(self) -> str:
        """``park`` or ``drive``."""
        return "park" if self.drive is None else "drive"

    @property
    def speed_m_per_s(self) -> float:
        """How fast it moves."""
        return 0.0 if self.drive is None else speed_in(self.drive, self.at_us)

    @property
    def is_charging(self) -> bool:
        """Whether the battery is being filled."""
        return self.wants_charge and is_fit(self.station, self.battery_celsius)

    @property
    def is_fed(self) -> bool:
        """Whether its plug is live: a plug that nothing holds in its socket never is."""
        return self.plugged and self.parts.plug_lock

    @property
    def wants_charge(self) -> bool:
        """Whether it is at a station, shall be filled, and is not full."""
        if not self.is_fed or self.charge_percent >= self.charge_limit_percent:
            return False
        return self.parts.charging

    @property
    def is_unfit(self) -> bool:
        """Whether it is at a fast charger, too cold or too hot to be filled, and brought back."""
        return self.is_fed and not is_fit(self.station, self.battery_celsius)

    @property
    def range_km(self) -> float:
        """How far the charge reaches."""
        reaches_km = self.charge_percent * RANGE_KM_PER_PERCENT * self.health
        if not self.climate_on:
            return reaches_km
        new_wh_per_km = ARDEN_7.capacity_wh / 100 / RANGE_KM_PER_PERCENT
        climate_wh_per_km = cabin.electric_w(ARDEN_7, self.cabin_air) / RANGE_SPEED_KMH
        return float(reaches_km / (1.0 + climate_wh_per_km / new_wh_per_km))

    @property
    def health(self) -> float:
        """What is left of the battery's capacity, as a share."""
        return float(battery.health_of(self.calendar_loss, self.cycle_loss))

    @property
    def capacity_wh(self) -> float:
        """What the battery holds at its age, when it is full."""
        return ARDEN_7.capacity_wh * self.health

    @property
    def is_supplied(self) -> bool:
        """Whether the converter feeds the 12 V battery."""
        return self.drive is not None or self.climate_on or self.is_fed

    @property
    def cabin_air(self) -> cabin.Air:
        """What the cabin meets, and what is wanted of it."""
        return cabin.Air(
            self.outside_celsius,
            self.climate_on,
            self.climate_target_decicelsius / 10,
            recirculated=1.0 if self.parts.recirculation else RECIRCULATED,
        )

    @property
    def place_degrees(self) -> tuple[float, float]:
        """Latitude and longitude (WGS 84): a point of the route, or of the loop."""
        if self.route is not None and self.drive is not None:
            return self.route.place_at(self.odometer_m - self.drive.began_m)
        return place_on_loop(self.base_degrees, self.odometer_m - self.base_m)

    @property
    def heading_degrees(self) -> float:
        """Where it looks, from north, clockwise; the loop is driven to the left."""
        if self.route is not None and self.drive is not None:
            return self.route.heading_at(self.odometer_m - self.drive.began_m)
        return heading_on_loop(self.odometer_m - self.base_m)

    @property
    def height_m(self) -> float:
        """How high above the sea; on a route without heights, as before it."""
        if self.route is None or self.drive is None:
            return self.base_height_m
        return self.route.height_at(self.odometer_m - self.drive.began_m, self.base_height_m)

    @property
    def slope(self) -> float:
        """Height over way where it drives, smoothed; 0 on a flat way."""
        slopes = None if self.route is None else self.route.slopes
        if slopes is None or self.drive is None:
            return 0.0
        return slopes.at(self.odometer_m - self.drive.began_m)

    def level(self, part: str) -> int:
        """Where a part is that moves by and by, or how a switch stands."""
        for motion in self.motions:
            if motion.actuator == part and part in MOVING and part not in self.jammed:
                target = int(motion.target[part])
                return between(motion.start, target, motion.began_us, motion.ends_us, self.at_us)
        return int(getattr(self.parts, part))


def new_body(now_us: int, weather: Weather | None = None) -> Body:
    """A car that was just built, parked at home, as warm as the air around it.

    weather: None when whoever finds it first does not know.
    """
    built = Body(at_us=now_us, place_measured_us=now_us)
    return replace(in_weather(built, weather or USUAL), awaits_weather=weather is None)


def in_weather(body: Body, weather: Weather) -> Body:
    """The body as it is after long in this weather."""
    celsius = outside_celsius(weather, body.at_us)
    return replace(
        body, weather=weather, awaits_weather=False,
        outside_celsius=celsius, cabin_celsius=celsius, battery_celsius=celsius,
    )  # fmt: skip
