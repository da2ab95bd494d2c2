"""A command at the door of a car of this installation: with a token of its own, or at its records.

Rules: who may read a car's folder may give itself a token; it is short-lived, and on record under
the name ``command line``.

Left out on purpose: cars of other installations; their owners give out tokens.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import SystemRandom

from monocoque.car.kuksa.service.outside import OutsideConnection, open_broker
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.cli.car_records import records_of
from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import SignalProviderMissing
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.clock import clock_of
from monocoque.roles.doors import read_doors
from monocoque.roles.layout import Layout

OWN_NAME = "command line"
SHORT_S = 600.0
"""How long a token lives that a command makes for itself."""


async def give_token(
    data: Path, car_id: CarId, name: str, scope: str, lifetime_s: float
) -> tuple[str, str]:
    """A new token of this car, and its name."""
    layout = Layout(data)
    config: TokensConfig = read_settings(layout.settings)[0][TokensConfig]
    async with records_of(data, car_id) as records:
        return await tokens.issue(
            records,
            tokens.key_of(FileKeyStore(layout.car(car_id).secrets)),
            car_id,
            name,
            scope,
            lifetime_s,
            clock_of(layout).now_us(),
            SystemRandom(),
            config.tokens_max,
        )


@contextlib.asynccontextmanager
async def at_the_door(
    data: Path,
    car_id: CarId,
    scope: str,
    lifetime_s: float = SHORT_S,
    own: Catalogue | None = None,
) -> AsyncIterator[OutsideConnection]:
    """A connection to the signals of a car that runs. Raises SignalProviderMissing if it does not.

    What it asks is answered when that has ended. own: says of signals what no door does, see
    ``open_broker``.
    """
    layout = Layout(data)
    text, _ = await give_token(data, car_id, OWN_NAME, scope, lifetime_s)
    address = read_doors(layout.car(car_id).doors).get("kuksa")
    if address is None:
        raise SignalProviderMissing(
            f"{car_id} does not run, so nobody answers for its signals.",
            hint="Start it with `monocoque up`, or `monocoque run car --car CAR_ID`.",
        )
    broker = await open_broker(
        address, text, clock_of(layout), SystemRandom(), own=own, waits_for_outcome=True
    )
    try:
        yield broker
    finally:
        await broker.close()
