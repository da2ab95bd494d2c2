"""What time does to a body: ``step`` carries it to a later time and never back.

Rules:

* a body that nobody touches jumps from event to event, and from one half hour of weather to the
  next, so that a parked week costs next to nothing;
* what heats, charges, drains and ages follows closed forms (flow.py) of ``physics``;
* a full battery takes nothing and an empty one gives nothing, at any moment of a drive: while that
  may happen, a drive goes on piece by piece.

Left out on purpose: that a car stops when its battery is empty; it rolls to the end of its way.
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
        body = _flow_on(body, until_us)
    return body


def _flow_on(body: Body, now_us: int) -> Body:
    """Some of it, while the weather stays."""
    if body.drive is not None:
        return _drive_on(body, body.drive, now_us)
    if body.wants_charge or body.is_unfit:
        return _charge_on(body, now_us)
    return _rest(body, now_us)


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
    ends_us = now_us
    most_w = stations.taper_w(at, charge, limit, celsius)
    if most_w is not None:
        ends_us = min(now_us, body.at_us + round(stations.PIECE_S[at.kind] * SECOND_US))
    elapsed_s = (ends_us - body.at_us) / SECOND_US
    warmed, missing_wh = _warm(body, elapsed_s), (limit - charge) * capacity_wh
    filled = stations.fill(at, charge, capacity_wh, celsius, most_w, warmed.electric_j, elapsed_s)
    if filled.stored_wh <= max(0.0, missing_wh):
        return _pass(body, ends_us, warmed, filled.stored_wh, filled.heat_wh)
    # The climate's share varies; over the whole of it, the mean is near enough.
    share = missing_wh / filled.stored_wh
    full_us = min(ends_us, body.at_us + max(1, math.ceil(share * elapsed_s * SECOND_US)))
    warmed = _warm(body, (full_us - body.at_us) / SECOND_US)
    full = _pass(body, full_us, warmed, missing_wh, filled.heat_wh * share)
    return replace(full, charge_percent=float(body.charge_limit_percent))


def _rest(body: Body, now_us: int) -> Body:
    """At rest, the station feeds the climate as far as it can, and the battery does the rest."""
    fed_w = stations.fed_w_max(body.station) if body.is_fed else 0.0
    if body.is_fed and body.climate_on:
        now_us = _lacks_until_us(body, fed_w, now_us)
    elapsed_s = (now_us - body.at_us) / SECOND_US
    warmed = _warm(body, elapsed_s)
    lacks_w = max(0.0, warmed.electric_j / elapsed_s - fed_w)
    held_w = flow.stored_w(-lacks_w, body.battery_celsius)
    hours = elapsed_s / flow.SECONDS_PER_HOUR
    return _pass(body, now_us, warmed, held_w * hours, (-lacks_w - held_w) * hours, lacks_w * hours)


def _lacks_until_us(body: Body, fed_w: float, now_us: int) -> int:
    """Up to when a climate surely lacks something all the time, or never.

    What it takes goes from what it takes now to what it takes in the long run.
    """
    piece_us = min(now_us, (body.at_us // REST_PIECE_US + 1) * REST_PIECE_US)
    piece_s = (piece_us - body.at_us) / SECOND_US
    lacks_now = _warm(body, piece_s).electric_j / piece_s > fed_w
    lacks_later = cabin.electric_w(ARDEN_7, body.cabin_air) > fed_w
    wants_soon = lacks_now and body.parts.charging  # a battery that gives is not full any more
    return piece_us if wants_soon or lacks_now != lacks_later else now_us


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
