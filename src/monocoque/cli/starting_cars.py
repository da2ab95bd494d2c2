"""Puts virtual cars together: real clock, chance, files and processes.

Rules: this is where adapters are chosen, as in starting.py.
"""

import contextlib
import dataclasses
import re
import sys
from pathlib import Path
from random import SystemRandom
from typing import Final

import typer

from monocoque import __version__
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.cli.catalogues import catalogue_of
from monocoque.cli.running import may_begin, run_until_stopped
from monocoque.cli.settings import read_settings
from monocoque.cli.vehicle_bus import BusWords, vehicle_bus
from monocoque.contracts.errors import CellUnreachable, SettingInvalid
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.logging import configure_logging
from monocoque.plumbing.metrics import Metrics
from monocoque.roles import stamp
from monocoque.roles.cars import (
    CarProcess,
    make_car,
    run_cars,
    take_car,
    take_cars,
)
from monocoque.roles.clock import clock_of
from monocoque.roles.factory import FACTORY
from monocoque.roles.layout import Layout
from monocoque.roles.line import run_cars_and_factory, run_factory_alone
from monocoque.roles.outside import OutsideAddress
from monocoque.roles.parts import take_part

_BROKER: Final = re.compile(r"grpc://(?P<address>[A-Za-z0-9_.\[\]:-]{1,253}:\d{1,5})/?\Z")


def start_cars(
    data: Path, count: int, vss: Path | None, *, when_told: bool, ends_with_input: bool
) -> None:
    """Run the oldest cars that nobody runs, so many at most, and those that leave the line.

    when_told: whether to begin with a line on standard input, and not at all without one.
    """
    if when_told and not sys.stdin.readline():
        return
    process = _car_process(data, vss)
    main = run_cars_and_factory(process, take_cars(process, count))
    run_until_stopped(main, ends_with_input=ends_with_input)


def start_car(
    data: Path,
    chosen: CarId | None,
    vss: Path | None,
    outside: OutsideAddress | None,
    bus: BusWords | None,
    *,
    ends_with_input: bool,
) -> None:
    """Run one car: the chosen one, or a new one.

    vss: a file with the signals that it has. outside: the broker that has them in its place.
    bus: the bus of the vehicle that it is on.
    """
    process = dataclasses.replace(_car_process(data, vss), outside=outside)
    if bus is not None:
        found = vehicle_bus(bus, process.catalogue, process.configs)
        process = dataclasses.replace(process, bus=found)
    if not may_begin(ends_with_input=ends_with_input):
        return
    car = make_car(process) if chosen is None else take_car(process, chosen)
    typer.echo(car.car_id)
    run_until_stopped(run_cars(process, [car], car.car_id), ends_with_input=ends_with_input)


def start_factory(data: Path) -> None:
    """Run the factory, which no other process may run then."""
    process = _car_process(data, None)
    with contextlib.ExitStack() as stack:
        stack.callback(take_part(process.layout, FACTORY).release)
        typer.echo("ready factory")
        run_until_stopped(run_factory_alone(process), ends_with_input=False)


def _car_process(data: Path, vss: Path | None) -> CarProcess:
    layout = Layout(data)
    written = stamp.read_stamp(layout)
    if written is None:
        raise CellUnreachable("This data directory has no cell yet.")
    stamp.refuse_other(layout, written, __version__)
    configs = read_settings(layout.settings)[0]
    log: LogConfig = configs[LogConfig]
    configure_logging(log.level)
    clock = clock_of(layout)
    catalogue = own_catalogue() if vss is None else catalogue_of(vss)
    metrics = Metrics(clock)
    return CarProcess(
        layout, clock, SystemRandom(), configs, __version__, catalogue, metrics=metrics
    )


def outside_of(broker: str, token: Path | None) -> OutsideAddress | None:
    """The broker of ``grpc://HOST:PORT`` and the file with the token for it; None for neither.

    Raises SettingInvalid.
    """
    if not broker and token is None:
        return None
    match = _BROKER.match(broker)
    if match is None:
        raise SettingInvalid(
            "The address of the broker is no grpc://HOST:PORT.",
            hint="Say for example --broker grpc://127.0.0.1:55555.",
        )
    if token is None:
        return OutsideAddress(match["address"], "")
    try:
        shown = token.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingInvalid(
            f"{token} is no file with a token.", hint="Name one with --broker-token."
        ) from None
    return OutsideAddress(match["address"], shown)
