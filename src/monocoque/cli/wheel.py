"""Somebody at the wheel of a car of this installation: drives off, and parks.

Rules: it speaks with the car's body through the car's records, whether a process runs the car or
not; a drive is short and ends by itself.

Left out on purpose: steering; the car drives its loop, or along a route.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import typer

from monocoque.car.body import service as body
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import AC, DC, WALLBOX, Station
from monocoque.car.body.logic.routes import FILE_BYTES_MAX, Route, read_route
from monocoque.car.guard.logic import judge
from monocoque.cli.car_records import records_of
from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import CarRefuses, NotFound, RequestMalformed
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.records.port import Records
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout

Result = TypeVar("Result")
STATION_KW_MIN: Final = 1.0
STATION_KW_MAX: Final = 400.0
"""No charger for cars gives more."""


def drive(data: Path, car_id: CarId, file: Path | None = None) -> None:
    """The car drives off, and parks by itself. Raises CarRefuses, RequestMalformed.

    file: GPX or GeoJSON with the route; None for the loop.
    """
    route = None if file is None else _route(file)
    config: BodyConfig = read_settings(Layout(data).settings)[0][BodyConfig]
    now_us = clock_of(Layout(data)).now_us()
    gate = partial(judge, "drive", {})
    driving = at_the_wheel(
        data, car_id, lambda records: body.drive(records, car_id, now_us, config, gate, route)
    )
    if isinstance(driving, str):
        raise CarRefuses(f"{car_id} does not drive off: {driving}.")
    if route is not None and driving.route != route:
        raise CarRefuses(
            f"{car_id} drives already, and not along {file}.",
            hint="Park it with `monocoque car park`, and let it drive off once it stands.",
        )
    way = f"for {config.drive_s:.0f} s" if route is None else f"{route.length_m / 1_000:.1f} km"
    typer.echo(f"{car_id} drives, {way}; `monocoque car park` ends it.")


def _route(file: Path) -> Route:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise NotFound(
            f"{file} cannot be read: {error.strerror}.",
            hint="Name a GPX or GeoJSON file with --route.",
        ) from error
    try:
        return read_route(data)
    except RequestMalformed as error:
        # The usual hint is for who asks over HTTP.
        has_own = error.hint != RequestMalformed.default_hint
        hint = error.hint if has_own else "A route is GPX with a track, or GeoJSON: a LineString."
        raise RequestMalformed(f"{file}: {error.what}", hint=hint) from None


def station_of(ac_kw: float | None, dc_kw: float | None) -> Station:
    """Where somebody plugs in; at home when nothing is said. Raises RequestMalformed."""
    if ac_kw is not None and dc_kw is not None:
        raise RequestMalformed(
            "A plug goes into one station.", hint="Give --ac-kw or --dc-kw, and not both."
        )
    if ac_kw is None and dc_kw is None:
        return WALLBOX
    kind, power_kw = (AC, ac_kw) if dc_kw is None else (DC, dc_kw)
    if power_kw is None or not STATION_KW_MIN <= power_kw <= STATION_KW_MAX:
        raise RequestMalformed(
            f"No station gives {power_kw} kW.",
            hint=f"Give {STATION_KW_MIN:.0f} to {STATION_KW_MAX:.0f} kW.",
        )
    return Station(kind, power_kw * 1_000.0)


def park(data: Path, car_id: CarId, station: Station = WALLBOX) -> None:
    """The brakes go on; a car that stands already is plugged in, at this station."""
    now_us = clock_of(Layout(data)).now_us()
    car = at_the_wheel(data, car_id, lambda records: body.park(records, car_id, now_us, station))
    typer.echo(f"{car_id} brakes." if car.drive else f"{car_id} is parked, with its plug in.")


def at_the_wheel(
    data: Path, car_id: CarId, change: Callable[[Records], Awaitable[Result]]
) -> Result:
    """What the change of a car's records returned. Raises NotFound, and what the records raise."""

    async def main() -> Result:
        async with records_of(data, car_id) as records:
            return await change(records)

    return asyncio.run(main())
