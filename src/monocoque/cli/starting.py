"""Opens what a cell stands on, and starts its cars' process before whatever loads slowly.

Rules: what must be refused is refused before anything is changed: here, or when the cell takes its
parts (cell.py). The cell's own code is loaded while the cars' process loads its own, which begins
nothing before it is told to: together they are most of a start.

Left out on purpose: the cell (cell.py), and the cars (starting_cars.py), whose process loads
nothing of the web.
"""

import contextlib
from pathlib import Path
from random import SystemRandom

import typer

from monocoque import __version__
from monocoque.cli.config import StartConfig
from monocoque.cli.running import run_until_stopped
from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import RoleUnknown
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.http.listening import Listener, listen
from monocoque.plumbing.logging import configure_logging
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.cell_settings import HTTP, CellSettings
from monocoque.roles.data_directory import DataDirectory, open_data_directory
from monocoque.roles.layout import Layout


def start_cell(
    data: Path,
    port: int | None,
    cars: int | None,
    homes: int | None,
    without: frozenset[str],
) -> None:
    """Run the cell, with so many virtual cars and homes beside it at least, until told to stop.

    port, cars, homes: the settings' when None; without cars there are no homes. without: parts
    that are run in processes of their own (starting_part.py).
    """
    _refuse_strange(without)
    configs = read_settings(Layout(data).settings)[0]
    log: LogConfig = configs[LogConfig]
    configure_logging(log.level)
    start: StartConfig = configs[StartConfig]
    wanted = _or(cars, start.cars)
    homes_wanted = _or(homes, start.homes) if wanted else 0
    settings = CellSettings(wanted, homes_wanted, configs, __version__, without)
    with contextlib.ExitStack() as stack:
        listener = None if HTTP in without else stack.enter_context(listen(_or(port, start.port)))
        directory = open_data_directory(
            data,
            __version__,
            SystemClock().now_us(),
            lambda step: typer.echo(f"… {step}", err=True),
        )
        stack.callback(directory.close)
        run_until_stopped(_run(directory, listener, settings), ends_with_input=False)


async def _run(directory: DataDirectory, listener: Listener | None, settings: CellSettings) -> None:
    cars = CarsProcess(directory.layout, settings.cars)
    await cars.start()
    try:
        # Loaded while the cars' process loads.
        from monocoque.cli.cell import run_announced

        await run_announced(directory, listener, cars, settings, SystemRandom())
    finally:
        await cars.end()


def _refuse_strange(without: frozenset[str]) -> None:
    if not without:
        return
    from monocoque.roles.parts import PARTS

    if without - set(PARTS):
        raise RoleUnknown(
            f"A cell has no part {min(without - set(PARTS))}.", hint=f"Say {' or '.join(PARTS)}."
        )


def _or(argument: int | None, setting: int) -> int:
    return setting if argument is None else argument
