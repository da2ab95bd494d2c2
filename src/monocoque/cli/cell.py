"""A cell that tells a person where its pages are.

Rules: this is where adapters are chosen, together with sim for worlds; rooms are given them.

Left out on purpose: what comes before (starting.py), which loads little and starts the cars.
"""

import contextlib
import os
from random import Random

import typer

from monocoque.cli.hand_over import hand_over_url, read_paper
from monocoque.cli.homes import first_code, home_url
from monocoque.cli.typed import typed
from monocoque.contracts.errors import NotFound
from monocoque.contracts.rights import Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import (
    has_first_people,
    make_sign_in_link,
    sign_in_url,
)
from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.process_file import write_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles.cars_process import CarsProcess
from monocoque.roles.cell import run_cell
from monocoque.roles.cell_settings import CellSettings
from monocoque.roles.clock import clock_of
from monocoque.roles.data_directory import DataDirectory
from monocoque.roles.parts import PARTS, take_part

SITES = (Site.SHOP, Site.PHONE, Site.CONSOLE)


async def run_announced(
    directory: DataDirectory,
    listener: Listener | None,
    cars: CarsProcess,
    settings: CellSettings,
    random: Random,
) -> None:
    """Run the cell until cancelled; its links are printed when it answers and its cars are there.

    listener: None when HTTP is among the parts that the cell is without. cars: started already.
    Raises DataDirectoryInUse when another process runs a part that is not left to it.
    """
    clock = clock_of(directory.layout)

    async def announce(records: Records) -> None:
        accounts: AccountsConfig = settings.configs[AccountsConfig]
        if listener is None:
            typer.echo("ready without http")
            return
        typer.echo(f"ready http://localhost:{listener.port}")
        if await has_first_people(records):
            line = typed("sign-in shop|phone|console", directory.layout.path)
            typer.echo(f"  sign in with a link of: {line}")
            return
        for site in SITES:
            code = await make_sign_in_link(records, clock, random, site, accounts)
            typer.echo(f"  {site.value:8}{sign_in_url(site, code, listener.port)}")
        with contextlib.suppress(NotFound):  # no car was made yet, or none shall be
            paper = await read_paper(directory.layout, settings.configs[RecordsConfig], None)
            typer.echo(f"  {'car':8}{hand_over_url(paper, listener.port)}")
        home_code = await first_code(directory.layout, records)
        if home_code is not None:
            typer.echo(f"  {'home':8}{home_url(home_code, listener.port)}")

    with contextlib.ExitStack() as stack:
        for part in sorted(set(PARTS) - settings.without):
            stack.callback(take_part(directory.layout, part).release)
        # Not before: what another process has of this cell stands in the same files.
        write_process_file(directory.layout.cell_process, os.getpid())
        if listener is not None:
            write_process_file(directory.layout.door, os.getpid(), {"http": listener.port})
        await run_cell(directory, listener, cars, settings, clock, random, announce)
