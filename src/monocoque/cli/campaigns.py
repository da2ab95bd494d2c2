"""Runs campaigns of the installation on this data directory, from the command line.

Rules: acts on the running installation's records, like its console; then it says so on the bus, so
that the service notices at once.

Left out on purpose: deciding anything; the desk does, as for the console.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from monocoque.cli.settings import read_settings
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic.rollout import Event as Event
from monocoque.cloud.campaigns.service import reading
from monocoque.cloud.campaigns.service.desk import Desk, Wanted
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.campaigns.service.sending import tell_campaign
from monocoque.contracts.errors import CellUnreachable
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_bus import NatsBus
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.bus.nats_server import published_address
from monocoque.plumbing.bus.port import Identity
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.plumbing.records.port import Records
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout

STARTED_BY = "operator"
"""Who starts a campaign here: whoever may read this data directory."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Start:
    """What the command line says of a campaign."""

    release_number: int
    cars: Sequence[str] | None
    waves: Sequence[int]
    failures_max: int
    soak_s: int | None
    silent_s: int | None


def start(data: Path, wanted: Start, *, as_json: bool) -> None:
    """Start a campaign and print it."""

    async def do(desk: Desk, records: Records) -> reading.CampaignShown | None:
        config = desk.config
        asked = Wanted(
            release_number=wanted.release_number,
            cars=wanted.cars,
            waves=wanted.waves,
            failures_max=wanted.failures_max,
            soak_s=wanted.soak_s or config.soak_s,
            silent_s=wanted.silent_s or config.silent_s,
            started_by=STARTED_BY,
        )
        return await reading.read_campaign(records, await desk.start(asked))

    print_campaigns([_run(data, do)], as_json=as_json)


def change(data: Path, campaign_id: str, event: Event, *, as_json: bool) -> None:
    """Do this to a campaign, the newest open one when none is named, and print it."""

    async def do(desk: Desk, records: Records) -> reading.CampaignShown | None:
        chosen = campaign_id or await desk.newest_open()
        await desk.change(chosen, event)
        return await reading.read_campaign(records, chosen)

    print_campaigns([_run(data, do)], as_json=as_json)


def show(data: Path, *, as_json: bool) -> None:
    """Print the campaigns, and the cars that need a person."""

    async def do(desk: Desk, records: Records) -> tuple[list[reading.CampaignShown], Sequence[Any]]:
        config = desk.config
        campaigns = await reading.read_campaigns(records, config.shown_campaigns_max)
        cars, _ = await reading.read_attention(records, config.shown_cars_max)
        return campaigns, cars

    campaigns, cars = _run(data, do)
    print_campaigns(campaigns, cars, as_json=as_json)


def _run(data: Path, do: Callable[[Desk, Records], Awaitable[Result]]) -> Result:
    layout = Layout(data)
    cell = read_process_file(layout.cell_process)
    if cell is None or not is_alive(cell):
        raise CellUnreachable("No cell runs on this data directory.")

    async def run() -> Result:
        async with _opened(layout) as (desk, records):
            return await do(desk, records)

    return asyncio.run(run())


@asynccontextmanager
async def _opened(layout: Layout) -> AsyncIterator[tuple[Desk, Records]]:
    """The desk of the cell that runs here."""
    configs = read_settings(layout.settings)[0]
    random, clock = SystemRandom(), clock_of(layout)
    keystore = FileKeyStore(layout.secrets)
    records = open_cell_records(layout, configs[RecordsConfig], random)

    async def tell(campaign_id: str) -> None:
        bus = await NatsBus.connect(
            identity=Identity(Role.CAMPAIGNS),
            credentials=NatsAuthority(keystore, clock).service_credentials(Role.CAMPAIGNS),
            server_address=partial(_bus_address, layout),
            clock=clock,
            random=random,
            metrics=Metrics(clock),
            log=get_log("monocoque.bus"),
            config=configs[BusConfig],
        )
        try:
            await tell_campaign(bus, campaign_id, clock, random)
        finally:
            await bus.close()

    try:
        releases = Releases(records, FileDocuments(layout.documents), keystore)
        yield Desk(records, releases, clock, random, configs[CampaignsConfig], tell), records
    finally:
        await records.close()


async def _bus_address(layout: Layout) -> str:
    return published_address(layout.path)


def print_campaigns(
    campaigns: Sequence[reading.CampaignShown | None], cars: Sequence[Any] = (), *, as_json: bool
) -> None:
    """Print these campaigns, and the cars that need a person."""
    found = [_figures(each) for each in campaigns if each is not None]
    persons = [{"car_id": row.car_id, "why": reading.attention_of(row)} for row in cars]
    if as_json:
        typer.echo(json.dumps({"campaigns": found, "needs_a_person": persons}))
        return
    table = Table("release", "state", "wave", "cars")
    table.add_column("campaign", no_wrap=True)
    for figures in found:
        state = str(figures["state"])
        if figures["reason"]:
            state += f" ({figures['reason']})"
        table.add_row(
            f"{figures['release_number']} ({figures['version']})",
            state,
            f"{figures['wave']}/{figures['waves']}",
            ", ".join(f"{cars} {phase}" for phase, cars in figures["phases"].items()),
            figures["campaign_id"],
        )
    console = Console()
    console.print(table)
    if persons:
        wanting = Table("needs a person", "why")
        for person in persons:
            wanting.add_row(person["car_id"], person["why"])
        console.print(wanting)


def _figures(shown: reading.CampaignShown) -> dict[str, Any]:
    row, phases = shown.row, dict[str, int]()
    for count in shown.counts:
        phases[str(count.phase)] = phases.get(str(count.phase), 0) + count.cars
    return {
        "campaign_id": row.campaign_id,
        "release_number": row.release_number,
        "version": row.version,
        "state": row.state,
        "reason": row.reason,
        "wave": row.wave + 1,
        "waves": len(json.loads(row.waves)),
        "cars": row.cars,
        "left_out": row.left_out,
        "installed": phases.get("installed", 0),
        "failed": shown.failed,
        "failures_max": row.failures_max,
        "phases": phases,
    }
