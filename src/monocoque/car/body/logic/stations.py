"""Where a body is plugged in, and how its battery fills there.

Rules:

* nobody takes more than the station gives: what warms or cools the battery comes first, then the
  climate, then the charge; what the climate lacks, the battery gives;
* the smallest limit counts: the station, the car's charger, and what the battery takes at its
  charge and temperature, which makes the taper;
* at a fast charger the battery is brought to the warmth in which it takes most, with energy of the
  station; outside of ``FAST_CELSIUS_MIN`` and ``FAST_CELSIUS_MAX`` it takes nothing there, and is
  brought back and kept inside whether it shall be filled or not, so that who has to wait does not
  wait for ever;
* a charge that nothing tapers is one closed form; another one goes on in pieces, in each of which
  the battery's temperature stays.

Equations: those of ``physics.charging``; in a piece with a taper, the missing charge shrinks
exponentially. Left out on purpose: the words between car and station (ISO 15118), queues, prices.
"""

import math
from dataclasses import dataclass
from typing import Final

from monocoque.car.body.logic import flow
from monocoque.car.body.logic.physics import battery, charging
from monocoque.car.body.logic.physics.vehicle import ARDEN_7

AC: Final = "ac"
DC: Final = "dc"
PIECE_S: Final = {AC: 300.0, DC: 60.0}
"""In so long, neither charge nor temperature changes by more than a little."""
FAST_CELSIUS_MIN: Final = -10.0
"""A colder battery takes nothing from a fast charger: lithium would plate."""
FAST_CELSIUS_MAX: Final = 55.0
STEADY_K: Final = 0.001
"""A battery whose temperature changes by less in a piece keeps it."""
WARMING_PIECE_S: Final = 600.0
"""While a battery far from its warmth takes nothing but heat."""
FAR_K: Final = 5.0
TOLD_PIECES_MAX: Final = 240
TOLD_STEADY_K: Final = {AC: 0.02, DC: 0.002}
FULL: Final = 0.99
"""The taper of the battery's management ends here, so that a charge comes to its end."""


@dataclass(frozen=True, slots=True)
class Station:
    """What the cable leads to."""

    kind: str = AC
    power_w: float = flow.OUTLET_W
    """What it gives at most."""

    @property
    def is_fast(self) -> bool:
        """Whether it feeds the battery directly."""
        return self.kind == DC


WALLBOX: Final = Station()
"""At home."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a battery at a station in some time."""

    stored_wh: float
    heat_wh: float
    """Into the battery: what it lost inside, and what warmed or cooled it."""


def offered_w(station: Station, celsius: float) -> float:
    """What station and charger can bring to the battery's poles."""
    if station.is_fast:
        left_w = station.power_w - conditioning_electric_w(station, celsius)
        return fed_w_max(Station(DC, left_w))
    return fed_w_max(station)


def fed_w_max(station: Station) -> float:
    """The same while the battery is neither warmed nor cooled."""
    if station.is_fast:
        return min(station.power_w, ARDEN_7.dc_w_max) * ARDEN_7.dc_efficiency
    return min(station.power_w, ARDEN_7.ac_w_max) * ARDEN_7.ac_efficiency


def conditioning_w(station: Station, celsius: float) -> float:
    """Heat into a battery that is conditioned there, in W; negative when it is cooled.

    As much as the station has power for.
    """
    needed_w = float(charging.conditioning_electric_w(celsius))
    share = conditioning_electric_w(station, celsius) / needed_w if needed_w > 0.0 else 0.0
    return share * float(charging.conditioning_w(celsius))


def conditioning_electric_w(station: Station, celsius: float) -> float:
    """What that takes of the station, in W."""
    if not station.is_fast:
        return 0.0
    return min(station.power_w, float(charging.conditioning_electric_w(celsius)))


def is_fit(station: Station, celsius: float) -> bool:
    """Whether a battery of this temperature may be filled there at all."""
    return not station.is_fast or FAST_CELSIUS_MIN <= celsius <= FAST_CELSIUS_MAX


def kept_fit(station: Station, celsius: float) -> float:
    """How warm a battery is that was fit for the station, and would now be so warm by itself.

    A fast charger does not let it become unfit; what that takes is less than any of them gives.
    """
    if not station.is_fast:
        return celsius
    return max(FAST_CELSIUS_MIN, min(FAST_CELSIUS_MAX, celsius))


def taken_w_max(station: Station, charge: float, celsius: float) -> float:
    """What the battery takes at most, at its poles."""
    if not is_fit(station, celsius):
        return 0.0
    return float(battery.charge_w_max(ARDEN_7, min(charge, FULL), celsius))


def poles_w(station: Station, charge: float, celsius: float, climate_w: float) -> float:
    """What comes to the battery; negative when the climate takes more than is offered."""
    left_w = offered_w(station, celsius) - climate_w
    return min(left_w, taken_w_max(station, charge, celsius))


def taper_w(station: Station, charge: float, limit: float, celsius: float) -> float | None:
    """What the battery takes at most; None when that plays no part up to its limit."""
    if not station.is_fast:
        at_limit_w = taken_w_max(station, max(charge, limit), celsius)
        if at_limit_w >= offered_w(station, celsius):
            return None
    return taken_w_max(station, charge, celsius)


def fill(
    station: Station, charge: float, capacity_wh: float, celsius: float, most_w: float | None,
    climate_j: float, elapsed_s: float,
) -> Filled:  # fmt: skip
    """What a battery holds more after a piece of time.

    most_w: what it takes at most, as ``taper_w`` says.
    """
    comes_w = offered_w(station, celsius) - climate_j / elapsed_s
    is_tapered = most_w is not None and comes_w >= most_w
    if most_w is not None:
        comes_w = min(comes_w, most_w)
    stored_w = flow.stored_w(comes_w, celsius)
    stored_wh = stored_w * elapsed_s / flow.SECONDS_PER_HOUR
    if is_tapered and battery.TAPERS_FROM <= charge < FULL:
        missing_wh = (1.0 - charge) * capacity_wh
        stored_wh = missing_wh * -math.expm1(-stored_wh / missing_wh)
    heat_w = comes_w - stored_w + conditioning_w(station, celsius)
    return Filled(stored_wh, heat_w * elapsed_s / flow.SECONDS_PER_HOUR)


def lasts_s(
    station: Station, charge: float, limit: float, capacity_wh: float, celsius: float,
    outside_celsius: float, climate_w: float,
) -> float:  # fmt: skip
    """How long a charge lasts, in seconds; infinite when it never ends.

    Where the battery's temperature counts, piece by piece until that stays, at most so many.
    """
    if taper_w(station, charge, limit, celsius) is None:
        return _at_one_warmth_s(station, charge, limit, capacity_wh, celsius, climate_w)
    lasted_s = 0.0
    for _ in range(TOLD_PIECES_MAX):
        most_w, piece_s = taken_w_max(station, charge, celsius), PIECE_S[station.kind]
        if offered_w(station, celsius) <= climate_w and celsius < battery.WARM_CELSIUS - FAR_K:
            piece_s = WARMING_PIECE_S
        filled = fill(station, charge, capacity_wh, celsius, most_w, climate_w * piece_s, piece_s)
        missing_wh = (limit - charge) * capacity_wh
        if filled.stored_wh >= missing_wh:
            return lasted_s + piece_s * missing_wh / filled.stored_wh
        heat_w = filled.heat_wh * flow.SECONDS_PER_HOUR / piece_s
        after = battery.temperature_after(ARDEN_7, celsius, outside_celsius, heat_w, piece_s)
        before, celsius = celsius, kept_fit(station, float(after))
        charge = max(0.0, charge + filled.stored_wh / capacity_wh)
        lasted_s += piece_s
        if abs(celsius - before) < TOLD_STEADY_K[station.kind]:
            break
    return lasted_s + _at_one_warmth_s(station, charge, limit, capacity_wh, celsius, climate_w)


def _at_one_warmth_s(
    station: Station, charge: float, limit: float, capacity_wh: float, celsius: float,
    climate_w: float,
) -> float:  # fmt: skip
    """The same while the battery's temperature stays."""
    slices = 1 if taper_w(station, charge, limit, celsius) is None else charging.SLICES
    width, lasting_s = (limit - charge) / slices, 0.0
    for number in range(slices):
        comes_w = poles_w(station, charge + (number + 0.5) * width, celsius, climate_w)
        if comes_w <= 0.0:
            return math.inf
        stored_w = flow.stored_w(comes_w, celsius)
        lasting_s += width * capacity_wh / stored_w * flow.SECONDS_PER_HOUR
    return lasting_s
