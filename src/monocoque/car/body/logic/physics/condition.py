"""One step of everything together, for one car or for a fleet.

Rules:

* a condition has one number, or an array of numbers, one for each car; so has what they are doing;
* a step takes what is done as constant in it: a second for drives, longer for cars at rest;
* what the battery cannot give the car does not get: its driver is slower than was said;
* the order is fixed: cabin, then the power that is drawn, then the battery with its heat and age.

Equations: those of the neighbours; Euler's explicit step joins them. Left out on purpose: a
body's doors and locks, which are events and no physics.
"""

from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic.physics import battery, cabin, charging, low_voltage, road, tyres
from monocoque.car.body.logic.physics.amounts import Amount, Truth, between, choose, most
from monocoque.car.body.logic.physics.vehicle import Vehicle

OUTSIDE_CELSIUS: Final = 9.0


@dataclass(frozen=True, slots=True)
class Condition:
    """How the parts of a car are."""

    charge: Amount = 0.62
    battery_celsius: Amount = OUTSIDE_CELSIUS
    calendar_loss: Amount = 0.0
    cycle_loss: Amount = 0.0
    cabin_celsius: Amount = OUTSIDE_CELSIUS
    low_voltage: Amount = 1.0
    tyre_kpa: Amount = 260.0
    given_wh: Amount = 0.0
    """At the battery's poles, so far."""
    taken_wh: Amount = 0.0
    """The same, from braking and charging."""
    heat_wh: Amount = 0.0
    """What the battery turned into heat inside, so far."""

    @property
    def health(self) -> Amount:
        """What is left of the battery's capacity, as a share."""
        return battery.health_of(self.calendar_loss, self.cycle_loss)


@dataclass(frozen=True, slots=True)
class Doing:
    """What a car is doing."""

    speed_m_per_s: Amount = 0.0
    """In the middle of the step."""
    gain_m_per_s2: Amount = 0.0
    slope: Amount = 0.0
    awake: Truth = True
    """Whether its computers and its converter are on."""
    outlet_w: Amount = 0.0
    charger_w: Amount = 0.0
    limit: Amount = 1.0
    """The charge at which charging ends."""
    outside_celsius: Amount = OUTSIDE_CELSIUS
    climate_on: Truth = False
    target_celsius: Amount = 21.0
    sun_w_per_m2: Amount = 0.0
    people: Amount = 1.0
    recirculated: Amount = 0.7
    preheats: Truth = False
    chills: Truth = False
    """Whether its battery is kept from becoming hot, as at a fast charger."""
    leak_per_month: Amount = tyres.LEAK_PER_MONTH


def pass_on(vehicle: Vehicle, was: Condition, doing: Doing, elapsed_s: float) -> Condition:
    """The condition after so long of doing this."""
    air = cabin.Air(
        doing.outside_celsius, doing.climate_on, doing.target_celsius,
        doing.sun_w_per_m2, doing.people, doing.recirculated,
    )  # fmt: skip
    warmed = cabin.warm(vehicle, was.cabin_celsius, air, elapsed_s)
    preheating_w = charging.preheating_w(was.battery_celsius, doing.preheats)
    chilling_w = charging.chilling_w(was.battery_celsius, doing.chills)
    conditioning_w = preheating_w + chilling_w / charging.CHILLER_COP
    auxiliary_w = choose(doing.awake, vehicle.auxiliary_w, 0.0)
    wheels_w = road.wheel_w(vehicle, doing.speed_m_per_s, doing.gain_m_per_s2, doing.slope)
    moves_w = road.drive_w(vehicle, wheels_w)
    comes_w = _comes_w(vehicle, was, doing)
    wanted_w = moves_w + auxiliary_w + conditioning_w + warmed.electric_j / elapsed_s - comes_w
    takes_w = battery.charge_w_max(vehicle, was.charge, was.battery_celsius)
    gives_w = battery.discharge_w_max(vehicle, was.charge, was.battery_celsius)
    poles_w = between(wanted_w, -takes_w, gives_w)
    ohm = battery.resistance_ohm(vehicle, was.battery_celsius, was.health)
    open_v = battery.open_circuit_v(vehicle, was.charge)
    current_a = battery.current_a(open_v, ohm, poles_w)
    heat_w = battery.heat_w(ohm, current_a)
    inside_w = open_v * current_a
    warming_w = heat_w + preheating_w - chilling_w
    poles_wh = (inside_w - heat_w) * elapsed_s / 3_600.0
    is_supplied = doing.awake | (doing.outlet_w > 0.0) | (doing.charger_w > 0.0)
    return Condition(
        charge=battery.charge_after(vehicle, was.charge, was.health, inside_w, elapsed_s),
        battery_celsius=battery.temperature_after(
            vehicle, was.battery_celsius, doing.outside_celsius, warming_w, elapsed_s
        ),
        calendar_loss=battery.calendar_loss_after(
            was.calendar_loss, was.charge, was.battery_celsius, elapsed_s
        ),
        cycle_loss=battery.cycle_loss_after(vehicle, was.cycle_loss, abs(poles_wh)),
        cabin_celsius=warmed.celsius,
        low_voltage=low_voltage.charge_after(vehicle, was.low_voltage, is_supplied, elapsed_s),
        tyre_kpa=tyres.air_after(was.tyre_kpa, doing.leak_per_month, elapsed_s),
        given_wh=was.given_wh + most(poles_wh, 0.0),
        taken_wh=was.taken_wh + most(-poles_wh, 0.0),
        heat_wh=was.heat_wh + heat_w * elapsed_s / 3_600.0,
    )


def _comes_w(vehicle: Vehicle, was: Condition, doing: Doing) -> Amount:
    """From the outlet or the charger, until the limit."""
    outlet_w = charging.ac_w(vehicle, was.charge, was.battery_celsius, doing.outlet_w)
    charger_w = charging.dc_w(vehicle, was.charge, was.battery_celsius, doing.charger_w)
    return choose(was.charge < doing.limit, outlet_w + charger_w, 0.0)
