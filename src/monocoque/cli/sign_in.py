"""A new sign-in link for a site of the installation that runs."""

import asyncio
from pathlib import Path
from random import SystemRandom

import typer

from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import CellUnreachable
from monocoque.contracts.rights import Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import make_sign_in_link, sign_in_url
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout


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
