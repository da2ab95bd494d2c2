"""Puts the cell together: real clock, chance, files, ports and processes.

Rules: this is where adapters are chosen, together with sim for worlds; rooms are given them.

Left out on purpose: the cars (starting_cars.py), whose process loads nothing of the web.
"""

import asyncio
import contextlib
from pathlib import Path
from random import SystemRandom

import typer

from monocoque import __version__
from monocoque.cli.config import StartConfig
from monocoque.cli.hand_over import hand_over_url, read_paper
from monocoque.cli.homes import first_code, home_url
from monocoque.cli.running import run_until_stopped
from monocoque.cli.settings import read_settings
from monocoque.cli.typed import typed
from monocoque.contracts.errors import CellUnreachable, NotFound, RoleUnknown
from monocoque.contracts.rights import Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import (
    has_first_people,
    make_sign_in_link,
    sign_in_url,
)
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.http.listening import listen
from monocoque.plumbing.logging import configure_logging
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles.cell import CellSettings, run_cell
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.data_directory import open_data_directory
from monocoque.roles.layout import Layout
from monocoque.roles.parts import HTTP, PARTS, take_part

SITES = (Site.SHOP, Site.PHONE, Site.CONSOLE)


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
    if without - set(PARTS):
        raise RoleUnknown(
            f"A cell has no part {min(without - set(PARTS))}.", hint=f"Say {' or '.join(PARTS)}."
        )
    random = SystemRandom()
    configs = read_settings(Layout(data).settings)[0]
    log: LogConfig = configs[LogConfig]
    configure_logging(log.level)
    start: StartConfig = configs[StartConfig]
    with contextlib.ExitStack() as stack:
        listener = None if HTTP in without else stack.enter_context(listen(_or(port, start.port)))
        directory = open_data_directory(
            data,
            __version__,
            SystemClock().now_us(),
            lambda step: typer.echo(f"… {step}", err=True),
        )
        stack.callback(directory.close)
        clock = clock_of(directory.layout)
        for part in sorted(set(PARTS) - without):
            stack.callback(take_part(directory.layout, part).release)
        wanted = _or(cars, start.cars)
        homes_wanted = _or(homes, start.homes) if wanted else 0
        settings = CellSettings(wanted, homes_wanted, configs, __version__, without)

        async def announce(records: Records) -> None:
            accounts: AccountsConfig = configs[AccountsConfig]
            if listener is None:
                typer.echo("ready without http")
                return
            typer.echo(f"ready http://localhost:{listener.port}")
            if await has_first_people(records):
                line = typed("sign-in shop|phone|console", data)
                typer.echo(f"  sign in with a link of: {line}")
                return
            for site in SITES:
                code = await make_sign_in_link(records, clock, random, site, accounts)
                typer.echo(f"  {site.value:8}{sign_in_url(site, code, listener.port)}")
            with contextlib.suppress(NotFound):  # no car was made yet, or none shall be
                paper = await read_paper(directory.layout, configs[RecordsConfig], None)
                typer.echo(f"  {'car':8}{hand_over_url(paper, listener.port)}")
            home_code = await first_code(directory.layout, records)
            if home_code is not None:
                typer.echo(f"  {'home':8}{home_url(home_code, listener.port)}")

        main = run_cell(directory, listener, settings, clock, random, announce)
        run_until_stopped(main, ends_with_input=False)


def _or(argument: int | None, setting: int) -> int:
    return setting if argument is None else argument


def print_sign_in_link(data: Path, site: Site) -> None:
    """A new link for a site of the cell that runs on this data directory."""
    layout = Layout(data)
    cell = read_process_file(layout.door)
    if cell is None or not is_alive(cell):
        raise CellUnreachable("No cell runs on this data directory.")
    configs = read_settings(layout.settings)[0]
    accounts: AccountsConfig = configs[AccountsConfig]

    async def make() -> str:
        random = SystemRandom()
        records = open_cell_records(layout, configs[RecordsConfig], random)
        try:
            return await make_sign_in_link(records, clock_of(layout), random, site, accounts)
        finally:
            await records.close()

    typer.echo(sign_in_url(site, asyncio.run(make()), cell.ports["http"]))
