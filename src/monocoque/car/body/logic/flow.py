"""What a body's physics comes to over any length of time, without small steps.

Rules:

* everything is a closed form, or a sum over a drive's known shape from its beginning to a moment;
  so a parked hour costs as much as a second, and what one step gives many steps give too. Cabin,
  a drive's energy, 12 V and tyres agree to rounding, and a drive in which the battery becomes full
  or empty to 0.01 % of its charge; a charge at a station (stations.py), which goes on in pieces
  while it tapers, to 0.1 % of it; the battery's temperature, which follows the charger's power at
  the beginning of a step, to 1 K in deep cold, and its age to 3 % of what was lost;
* the small steps of ``physics.condition`` are the measure: a test holds this to them.

Equations: those of ``physics``; a drive's energy is Simpson's sum over its speeds. Left out on
purpose: what the cold and the charge do to the battery's resistance in a drive, which is taken at
25 °C and half full.
"""

import functools
from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic.physics import battery, road
from monocoque.car.body.logic.physics.vehicle import ARDEN_7, Vehicle

SLICES: Final = 8
"""Of a gathering of speed, or a braking; an even number."""
REMEMBERED_MAX: Final = 2_048
HALF_FULL: Final = 0.5
REFERENCE_CELSIUS: Final = 25.0
SECONDS_PER_HOUR: Final = 3_600.0
OUTLET_W: Final = 11_000.0
"""What the wallbox at home gives."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Energy at the battery since something began, without what computers and climate take."""

    given_wh: float = 0.0
    """At the poles."""
    taken_wh: float = 0.0
    """The same, back from braking."""
    heat_wh: float = 0.0
    """Lost inside."""

    def since(self, earlier: "Spent") -> "Spent":
        """What came after the earlier moment."""
        return Spent(
            self.given_wh - earlier.given_wh,
            self.taken_wh - earlier.taken_wh,
            self.heat_wh - earlier.heat_wh,
        )

    def plus(self, more: "Spent") -> "Spent":
        """Both together."""
        return Spent(
            self.given_wh + more.given_wh,
            self.taken_wh + more.taken_wh,
            self.heat_wh + more.heat_wh,
        )

    def times(self, factor: float) -> "Spent":
        """So many times as much."""
        return Spent(self.given_wh * factor, self.taken_wh * factor, self.heat_wh * factor)

    @property
    def inside_wh(self) -> float:
        """What the battery holds less."""
        return self.given_wh - self.taken_wh + self.heat_wh

    def within(self, room_wh: float, held_wh: float) -> "Spent":
        """What of this a battery can do that has so much room, and holds so much.

        What a full one is offered, the brakes turn into heat; what an empty one is asked for, it
        does not give.
        """
        if -self.inside_wh > room_wh:
            share = (room_wh + self.given_wh) / (self.taken_wh - self.heat_wh)
            return Spent(self.given_wh, self.taken_wh * share, self.heat_wh * share)
        if self.inside_wh > held_wh:
            share = (held_wh + self.taken_wh) / (self.given_wh + self.heat_wh)
            return Spent(self.given_wh * share, self.taken_wh, self.heat_wh * share)
        return self


NOTHING: Final = Spent()


def spent_in_drive(
    gathered_m_per_s: float, held_s: float, left_m_per_s: float, gain_m_per_s2: float
) -> Spent:
    """From standing to a speed, at it for so long, and braked to what is left of it."""
    up = _changing(gathered_m_per_s, gain_m_per_s2)
    held = _spent_s(ARDEN_7, gathered_m_per_s, 0.0)
    braked = NOTHING
    if left_m_per_s < gathered_m_per_s:
        braked = _changing(gathered_m_per_s, -gain_m_per_s2).since(
            _changing(left_m_per_s, -gain_m_per_s2)
        )
    return Spent(
        up.given_wh + held.given_wh * held_s + braked.given_wh,
        up.taken_wh + held.taken_wh * held_s + braked.taken_wh,
        up.heat_wh + held.heat_wh * held_s + braked.heat_wh,
    )


def spent_between(
    begins_m_per_s: float, ends_m_per_s: float, gain_m_per_s2: float, slope: float
) -> Spent:
    """From one speed to another, with the speed growing or falling evenly on one slope."""
    if begins_m_per_s == ends_m_per_s:
        return NOTHING
    width = (ends_m_per_s - begins_m_per_s) / SLICES
    total = NOTHING
    for number in range(SLICES + 1):
        power_w = moving_w(begins_m_per_s + number * width, gain_m_per_s2, slope)
        total = total.plus(_spent_at(ARDEN_7, power_w).times(_weight(number)))
    return total.times(width / 3.0 / gain_m_per_s2)


def spent_each_m(speed_m_per_s: float, slope: float) -> Spent:
    """One metre of a slope, at one speed."""
    return _spent_at(ARDEN_7, moving_w(speed_m_per_s, 0.0, slope)).times(1.0 / speed_m_per_s)


def moving_w(speed_m_per_s: float, gain_m_per_s2: float, slope: float = 0.0) -> float:
    """What the motor draws from the battery at this moment; negative when it gives."""
    return float(road.drive_w(ARDEN_7, road.wheel_w(ARDEN_7, speed_m_per_s, gain_m_per_s2, slope)))


def stored_w(power_w: float, celsius: float) -> float:
    """What the battery keeps of this power at its poles; less when it is cold."""
    return power_w - _heat_w(ARDEN_7, -power_w, celsius)


@functools.lru_cache(maxsize=REMEMBERED_MAX)
def _changing(speed_m_per_s: float, gain_m_per_s2: float) -> Spent:
    """Between standing and this speed, with the speed growing or falling evenly."""
    width = speed_m_per_s / SLICES
    given = taken = heat = 0.0
    for number in range(SLICES + 1):
        weight = _weight(number)
        one = _spent_s(ARDEN_7, number * width, gain_m_per_s2)
        given, taken = given + weight * one.given_wh, taken + weight * one.taken_wh
        heat += weight * one.heat_wh
    share_s = width / 3.0 / abs(gain_m_per_s2)
    return Spent(given * share_s, taken * share_s, heat * share_s)


@functools.lru_cache(maxsize=REMEMBERED_MAX)
def _spent_s(vehicle: Vehicle, speed_m_per_s: float, gain_m_per_s2: float) -> Spent:
    """In one second of this."""
    return _spent_at(vehicle, moving_w(speed_m_per_s, gain_m_per_s2))


def _weight(number: int) -> int:
    """Simpson's."""
    return 1 if number in (0, SLICES) else 4 if number % 2 else 2


def _spent_at(vehicle: Vehicle, power_w: float) -> Spent:
    """In one second of this power at the poles."""
    return Spent(
        max(power_w, 0.0) / SECONDS_PER_HOUR,
        max(-power_w, 0.0) / SECONDS_PER_HOUR,
        _heat_w(vehicle, power_w, REFERENCE_CELSIUS) / SECONDS_PER_HOUR,
    )


def _heat_w(vehicle: Vehicle, power_w: float, celsius: float) -> float:
    open_v = battery.open_circuit_v(vehicle, HALF_FULL)
    ohm = battery.resistance_ohm(vehicle, celsius, 1.0)
    return float(battery.heat_w(ohm, battery.current_a(open_v, ohm, power_w)))
