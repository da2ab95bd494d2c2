"""Prints the paper that goes with a car: the link by which its first owner takes it over.

Rules: it is read from the factory's own records, and what follows the # in a link stays in the
browser; so the code never passes through the cell.

Left out on purpose: a paper for a car that was handed over. It would be worth nothing.
"""

import asyncio
from pathlib import Path
from random import SystemRandom

import typer

from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import CellUnreachable
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.rights import Site
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.factory import open_factory
from monocoque.roles.layout import Layout
from monocoque.shop.build.service import HandOverPaper, hand_over_paper


def print_hand_over_link(data: Path, car_id: CarId) -> None:
    """The link of this car, for the cell that runs on this data directory."""
    layout = Layout(data)
    cell = read_process_file(layout.door)
    if cell is None or not is_alive(cell):
        raise CellUnreachable("No cell runs on this data directory.")
    config: RecordsConfig = read_settings(layout.settings)[0][RecordsConfig]
    paper = asyncio.run(read_paper(layout, config, car_id))
    typer.echo(hand_over_url(paper, cell.ports["http"]))


async def read_paper(layout: Layout, config: RecordsConfig, car_id: CarId | None) -> HandOverPaper:
    """What goes with this car, or with the oldest one.

    Raises NotFound, CarAlreadyHandedOver, CredentialsRefused.
    """
    own = FileKeyStore(layout.factory.secrets)
    async with open_factory(layout, config, SystemRandom()) as records:
        return await hand_over_paper(records, own, car_id)


def hand_over_url(paper: HandOverPaper, port: int) -> str:
    """The link that a browser opens."""
    where = f"http://{Site.PHONE.value}.localhost:{port}/hand-over"
    return f"{where}#{paper.car_id}.{paper.code}.{paper.root_key_id}"
