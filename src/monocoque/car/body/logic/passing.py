"""What time does to a body: ``step`` carries it to a later time and never back.

Rules:

* a body that nobody touches jumps from event to event, and from one half hour of weather to the
  next, so that a parked week costs next to nothing;
* what heats, charges, drains and ages follows closed forms (flow.py) of ``physics``;
* while nothing changes but what a climate takes, a charge that cannot go on is passed over at once;
* a full battery takes nothing and an empty one gives nothing, at any moment of a drive: while that
  may happen, a drive goes on piece by piece.

Left out on purpose: that an empty battery ends anything. A car rolls to the end of its way with it,
and its cabin stays warm.
"""

import math
from dataclasses import replace
from typing import Any, Final

from monocoque.car.body.logic import flow, stations
from monocoque.car.body.logic.deeds import reach
from monocoque.car.body.logic.drives import (
    SECOND_US,
    Drive,
    distance_m,
    drive_ends_us,
    piece_ends_us,
    spent_in,
)
from monocoque.car.body.logic.flow import Spent
from monocoque.car.body.logic.motions import ended
from monocoque.car.body.logic.physics import battery, cabin, low_voltage, tyres
from monocoque.car.body.logic.physics.vehicle import ARDEN_7
from monocoque.car.body.logic.slopes import Slopes
from monocoque.car.body.logic.state import Body
from monocoque.car.body.logic.weather import held_celsius

NOTICED_PERCENT: Final = 1e-9
REST_PIECE_US: Final = 60 * SECOND_US
"""While a climate comes to rest at a weak station."""


def step(body: Body, now_us: int) -> Body:
    """The body at a later time; the same body when the time is not later."""
    while True:
        event_us = next_event_us(body)
        if event_us is None or event_us > now_us:
            return _flow(body, now_us)
        body = _settle(_flow(body, event_us))


def next_event_us(body: Body) -> int | None:
    """When something ends that is under way, or None."""
    ends = [motion.ends_us for motion in body.motions]
    if body.drive is not None:
        ends.append(drive_ends_us(body.drive))
    return min(ends, default=None)


def _flow(body: Body, now_us: int) -> Body:
    """What changes by time alone, up to a moment before which no event lies."""
    while body.at_us < now_us:
        until_us = now_us
        if body.weather is not None:
            outside_celsius, until_us = held_celsius(body.weather, body.at_us, now_us)
            if outside_celsius != body.outside_celsius:
                body = replace(body, outside_celsius=outside_celsius)
        body = flow_on(body, until_us)
    return body


def flow_on(body: Body, now_us: int) -> Body:
    """The next piece of it, while the weather stays."""
    if body.drive is not None:
        return _drive_on(body, body.drive, now_us)
    return _charge_on(body, now_us) if body.is_charging else _rest(body, now_us)


def _drive_on(body: Body, drive: Drive, now_us: int) -> Body:
    """All of it, or up to the end of a piece while the battery may become full or empty."""
    charge_wh = body.charge_percent / 100 * body.capacity_wh
    spent, warmed = _spent(body, drive, now_us)
    may_fill = charge_wh + spent.taken_wh > body.capacity_wh
    may_empty = charge_wh < spent.given_wh + spent.heat_wh
    if may_fill or may_empty:
        now_us = min(now_us, piece_ends_us(drive, body.at_us, _slopes(body)))
        spent, warmed = _spent(body, drive, now_us)
        spent = spent.within(max(0.0, body.capacity_wh - charge_wh), charge_wh)
    # What passes the poles wears the battery, whichever way.
    passed_wh = spent.given_wh + spent.taken_wh
    driven = _pass(body, now_us, warmed, -spent.inside_wh, spent.heat_wh, passed_wh)
    return replace(
        driven,
        odometer_m=drive.began_m + distance_m(drive, now_us),
        place_measured_us=now_us,
        trip_given_wh=body.trip_given_wh + spent.given_wh,
        trip_taken_wh=body.trip_taken_wh + spent.taken_wh,
    )


def _spent(body: Body, drive: Drive, now_us: int) -> tuple[Spent, cabin.Warmed]:
    """What motor, computers and climate take of a drive until then, and how the cabin is."""
    elapsed_s, slopes = (now_us - body.at_us) / SECOND_US, _slopes(body)
    warmed = _warm(body, elapsed_s)
    beside_wh = (ARDEN_7.auxiliary_w * elapsed_s + warmed.electric_j) / 3_600.0
    moved = spent_in(drive, now_us, slopes).since(spent_in(drive, body.at_us, slopes))
    return moved.plus(Spent(given_wh=beside_wh)), warmed


def _slopes(body: Body) -> Slopes | None:
    return None if body.route is None else body.route.slopes


def _charge_on(body: Body, now_us: int) -> Body:
    """Up to the limit of the charge, or to the end of a piece in which the charge tapers."""
    at, charge, celsius = body.station, body.charge_percent / 100, body.battery_celsius
    limit, capacity_wh = body.charge_limit_percent / 100, body.capacity_wh
    most_w, ends_us = stations.taper_w(at, charge, limit, celsius), now_us
    if body.climate_on:
        lacks_until_us, lacks = _lacks(body, stations.offered_w(at, celsius), now_us)
        if lacks and lacks_until_us == now_us and _keeps_its_warmth(body):
            return _lack_on(body, now_us)
    if most_w is not None:
        ends_us = min(now_us, body.at_us + round(stations.PIECE_S[at.kind] * SECOND_US))
        celsius = _midway_celsius(body, most_w, ends_us)
        most_w = stations.taper_w(at, charge, limit, celsius)
    elapsed_s = (ends_us - body.at_us) / SECOND_US
    warmed, missing_wh = _warm(body, elapsed_s), (limit - charge) * capacity_wh
    filled = stations.fill(at, charge, capacity_wh, celsius, most_w, warmed.electric_j, elapsed_s)
    if filled.stored_wh <= missing_wh:
        return _pass(body, ends_us, warmed, filled.stored_wh, filled.heat_wh)
    # The climate's share varies; over the whole of it, the mean is near enough.
    share = missing_wh / filled.stored_wh
    full_us = min(ends_us, body.at_us + max(1, math.ceil(share * elapsed_s * SECOND_US)))
    warmed = _warm(body, (full_us - body.at_us) / SECOND_US)
    full = _pass(body, full_us, warmed, missing_wh, filled.heat_wh * share)
    return replace(full, charge_percent=float(body.charge_limit_percent))


def _midway_celsius(body: Body, most_w: float, ends_us: int) -> float:
    """How warm the battery is in the middle of a piece of a charge: Runge's midpoint rule."""
    if not body.station.is_fast:
        return body.battery_celsius  # it hardly changes
    half_s = (ends_us - body.at_us) / SECOND_US / 2
    charge, celsius = body.charge_percent / 100, body.battery_celsius
    climate_j = _warm(body, half_s).electric_j
    filled = stations.fill(
        body.station, charge, body.capacity_wh, celsius, most_w, climate_j, half_s
    )
    heat_w = filled.heat_wh * flow.SECONDS_PER_HOUR / half_s
    after = battery.temperature_after(ARDEN_7, celsius, body.outside_celsius, heat_w, half_s)
    return stations.kept_fit(body.station, float(after))


def _keeps_its_warmth(body: Body) -> bool:
    """Whether nothing depends on its temperature, or that hardly changes, without a charge."""
    if not body.station.is_fast:
        return True
    warming_w = stations.conditioning_w(body.station, body.battery_celsius) - _loses_w(body)
    piece_s = stations.PIECE_S[body.station.kind]
    return abs(warming_w) * piece_s / ARDEN_7.battery_heat_j_per_k < stations.STEADY_K


def _loses_w(body: Body) -> float:
    return ARDEN_7.battery_loss_w_per_k * (body.battery_celsius - body.outside_celsius)


def _lack_on(body: Body, now_us: int) -> Body:
    """All of a time in which the climate takes what the station gives, and more."""
    fed_w = stations.offered_w(body.station, body.battery_celsius)
    return _lack(body, now_us, fed_w, None if body.station.is_fast else 0.0)


def _rest(body: Body, now_us: int) -> Body:
    """At rest, the station feeds the climate as far as it can, and the battery does the rest.

    A battery that is unfit for its station is brought back, and no longer.
    """
    at, fed_w, heat_w = body.station, 0.0, 0.0
    if body.is_unfit:
        fed_w = stations.offered_w(at, body.battery_celsius)
        heat_w = stations.conditioning_w(at, body.battery_celsius)
    elif body.is_fed:
        fed_w = stations.fed_w_max(at)
    if body.is_fed and body.climate_on:
        now_us, lacks = _lacks(body, fed_w, now_us)
        if lacks and body.parts.charging and not body.is_unfit:
            # A battery that gives is not full any more.
            now_us = min(now_us, _rest_piece_us(body))
    fit_us = _becomes_fit_us(body, heat_w)
    if fit_us is None or fit_us > now_us:
        return _lack(body, now_us, fed_w, heat_w)
    fit = _lack(body, fit_us, fed_w, heat_w)
    return replace(fit, battery_celsius=stations.kept_fit(at, fit.battery_celsius))


def _becomes_fit_us(body: Body, heat_w: float) -> int | None:
    """When a battery that is brought back is fit again; None for a fit one, and for never."""
    if not body.is_unfit:
        return None
    border = stations.kept_fit(body.station, body.battery_celsius)
    heading = body.outside_celsius + heat_w / ARDEN_7.battery_loss_w_per_k
    if (heading - border) * (border - body.battery_celsius) <= 0.0:
        return None
    ratio = (body.battery_celsius - heading) / (border - heading)
    lasting_s = ARDEN_7.battery_heat_j_per_k / ARDEN_7.battery_loss_w_per_k
    return body.at_us + math.ceil(lasting_s * math.log(ratio) * SECOND_US)


def _lacks(body: Body, fed_w: float, now_us: int) -> tuple[int, bool]:
    """Whether a climate lacks something of what feeds it, and up to when that surely stays so.

    What it takes goes from what it takes now to what it takes in the long run.
    """
    piece_us = min(now_us, _rest_piece_us(body))
    piece_s = (piece_us - body.at_us) / SECOND_US
    lacks_now = _warm(body, piece_s).electric_j / piece_s > fed_w
    lacks_later = cabin.electric_w(ARDEN_7, body.cabin_air) > fed_w
    return now_us if lacks_now == lacks_later else piece_us, lacks_now


def _rest_piece_us(body: Body) -> int:
    return (body.at_us // REST_PIECE_US + 1) * REST_PIECE_US


def _lack(body: Body, now_us: int, fed_w: float, heat_w: float | None) -> Body:
    """The battery gives what the climate lacks of so much power; up to when it is empty.

    heat_w: from outside, into the battery; None for what keeps it as warm as it is.
    """
    elapsed_s = (now_us - body.at_us) / SECOND_US
    warmed, charge_wh = _warm(body, elapsed_s), body.charge_percent / 100 * body.capacity_wh
    lacks_w = max(0.0, warmed.electric_j / elapsed_s - fed_w) if charge_wh > 0.0 else 0.0
    held_w = flow.stored_w(-lacks_w, body.battery_celsius)
    if charge_wh < -held_w * elapsed_s / flow.SECONDS_PER_HOUR:
        elapsed_s = charge_wh / -held_w * flow.SECONDS_PER_HOUR
        now_us = min(now_us, body.at_us + math.ceil(elapsed_s * SECOND_US))
        elapsed_s = (now_us - body.at_us) / SECOND_US
        warmed = _warm(body, elapsed_s)
    lost_w, hours = -lacks_w - held_w, elapsed_s / flow.SECONDS_PER_HOUR
    heating_w = _loses_w(body) if heat_w is None else heat_w + lost_w
    return _pass(body, now_us, warmed, held_w * hours, heating_w * hours, lacks_w * hours)


def _pass(
    body: Body,
    now_us: int,
    warmed: cabin.Warmed,
    stored_wh: float,
    heat_wh: float,
    passed_wh: float | None = None,
) -> Body:
    """The body at that moment, when its battery holds so much more and was heated by so much.

    passed_wh: what went in and out of it; what it holds more or less, when nobody says.
    """
    elapsed_s = (now_us - body.at_us) / SECOND_US
    charge_percent = body.charge_percent + stored_wh / body.capacity_wh * 100
    # Full is full and empty is empty, whatever rounding says.
    if charge_percent > 100.0 - NOTICED_PERCENT:
        charge_percent = 100.0
    elif charge_percent < NOTICED_PERCENT:
        charge_percent = 0.0
    passed_wh = abs(stored_wh) if passed_wh is None else passed_wh
    heat_w = heat_wh * 3_600.0 / elapsed_s

    is_kept_fit = body.is_fed and stations.is_fit(body.station, body.battery_celsius)

    def battery_celsius(share: float) -> float:
        begins, outside = body.battery_celsius, body.outside_celsius
        after_s = elapsed_s * share
        after = float(battery.temperature_after(ARDEN_7, begins, outside, heat_w, after_s))
        return stations.kept_fit(body.station, after) if is_kept_fit else after

    return replace(
        body,
        at_us=now_us,
        cabin_celsius=warmed.celsius,
        charge_percent=charge_percent,
        battery_celsius=battery_celsius(1.0),
        calendar_loss=battery.calendar_loss_over(
            body.calendar_loss,
            (body.charge_percent / 100, charge_percent / 100),
            battery_celsius,
            elapsed_s,
        ),
        cycle_loss=battery.cycle_loss_after(ARDEN_7, body.cycle_loss, passed_wh),
        low_voltage=low_voltage.charge_after(
            ARDEN_7, body.low_voltage, body.is_supplied, elapsed_s
        ),
        tyres_kpa=tuple(
            tyres.air_after(kpa, tyres.LEAK_PER_MONTH, elapsed_s) for kpa in body.tyres_kpa
        ),
    )  # fmt: skip


def _warm(body: Body, elapsed_s: float) -> cabin.Warmed:
    return cabin.warm(ARDEN_7, body.cabin_celsius, body.cabin_air, elapsed_s)


def _settle(body: Body) -> Body:
    """What ends at this very moment has ended."""
    body = reach(body, ended(body.motions, body.at_us, body.jammed))
    changes: dict[str, Any] = {}
    drive = body.drive
    if drive is not None and drive_ends_us(drive) <= body.at_us:
        drive = None
        if body.route is not None:  # the loop goes on from where the route led
            height_m = body.route.height_at(body.route.length_m, body.base_height_m)
            changes |= {"base_degrees": body.route.places[-1], "base_height_m": height_m}
            changes |= {"base_m": body.odometer_m, "route": None}
    under_way = tuple(motion for motion in body.motions if motion.ends_us > body.at_us)
    return replace(body, **changes, motions=under_way, drive=drive)
