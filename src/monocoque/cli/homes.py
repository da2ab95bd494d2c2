"""What ``monocoque home`` does: homes are made, shown, and given a code.

Rules: it works on the cell's records, whether the cell runs or not; a home that is made while cars
run here is found by their process within a second.

Left out on purpose: whose a home is. Whoever runs the cell sees that it is taken, and no name.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import SystemRandom
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from monocoque import __version__
from monocoque.cli.settings import read_settings
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service import desk
from monocoque.contracts.errors import CellUnreachable
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.rights import Site
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.process_file import read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles import stamp
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.homes import make_home
from monocoque.roles.layout import Layout

Result = TypeVar("Result")


def add_home(data: Path) -> None:
    """Make one more home, and print its identifier and its link."""
    layout, random = Layout(data), SystemRandom()

    async def work(records: Records) -> tuple[HomeId, str]:
        clock = clock_of(layout)
        authority = NatsAuthority(FileKeyStore(layout.secrets), clock)
        home_id = await make_home(layout, records, authority, clock, random)
        return home_id, await _new_code(layout, records, home_id)

    home_id, code = _on_records(layout, work)
    typer.echo(home_id)
    typer.echo(_shown(layout, code))


def print_code(data: Path, home_id: HomeId) -> None:
    """A new link for a home that belongs to nobody."""
    layout = Layout(data)
    code = _on_records(layout, lambda records: _new_code(layout, records, home_id))
    typer.echo(_shown(layout, code))


def print_table(data: Path) -> None:
    """Every home, for people."""
    table = Table(Column("home", no_wrap=True), "taken", "cars", "last heard")
    for home in _on_records(Layout(data), desk.every_home):
        heard = "never" if home.hello_us is None else _moment(home.hello_us)
        table.add_row(home.home_id, "yes" if home.is_taken else "no", str(home.cars), heard)
    Console().print(table)


def print_json(data: Path) -> None:
    """Every home, for programs."""
    homes = [
        {
            "home_id": home.home_id,
            "taken": home.is_taken,
            "cars": home.cars,
            "last_heard": None if home.hello_us is None else _moment(home.hello_us),
        }
        for home in _on_records(Layout(data), desk.every_home)
    ]
    typer.echo(json.dumps({"homes": homes}))


def home_url(code: str, port: int) -> str:
    """The link that the owner's browser opens."""
    return f"http://{Site.PHONE.value}.localhost:{port}/home#{code}"


async def first_code(layout: Layout, records: Records) -> str | None:
    """A code of the oldest home that belongs to nobody; None when there is none."""
    free = [home for home in await desk.every_home(records) if not home.is_taken]
    return await _new_code(layout, records, HomeId(free[0].home_id)) if free else None


async def _new_code(layout: Layout, records: Records, home_id: HomeId) -> str:
    config: HomesConfig = read_settings(layout.settings)[0][HomesConfig]
    now_us = clock_of(layout).now_us()
    return await desk.new_code(records, home_id, now_us, SystemRandom(), config)


def _on_records(layout: Layout, work: Callable[[Records], Awaitable[Result]]) -> Result:
    """Do it on the cell's records.

    Raises CellUnreachable, DataDirectoryNewer, DataDirectoryOlder.
    """
    written = stamp.read_stamp(layout)
    if written is None:
        raise CellUnreachable("This data directory has no cell yet.")
    stamp.refuse_other(layout, written, __version__)
    config: RecordsConfig = read_settings(layout.settings)[0][RecordsConfig]

    async def main() -> Result:
        records = open_cell_records(layout, config, SystemRandom())
        try:
            return await work(records)
        finally:
            await records.close()

    return asyncio.run(main())


def _shown(layout: Layout, code: str) -> str:
    """The link where the cell has said its port; else the code alone."""
    cell = read_process_file(layout.door)
    return code if cell is None else home_url(code, cell.ports["http"])


def _moment(time_us: int) -> str:
    return moment_of(time_us).isoformat()
