"""Counts whom the bus server turns away: damaged, foreign or revoked credentials.

Rules:

* whoever is refused is told by the server, and the cell's services never hear of it; so the cell
  listens to what the server says of itself, on the server's own account;
* each refusal counts as ``credentials_refused`` at ``bus``; the log is told at a bounded pace,
  since a machine with foreign credentials asks again and again;
* nothing of what was shown is kept: credentials are not ours to write down.

Left out on purpose: who it was. Before it is believed, nobody has a name; the server's own log
(run/nats.log) has the address.
"""

import asyncio
import secrets
from random import Random
from typing import Final

import structlog
from nats.aio.msg import Msg

from monocoque.contracts.errors import CredentialsRefused
from monocoque.plumbing.bus.config import BusConfig
from monocoque.plumbing.bus.nats_credentials import NatsCredentials
from monocoque.plumbing.bus.nats_link import NatsLink, ServerAddress
from monocoque.plumbing.bus.nats_rights import INBOX, TURNED_AWAY
from monocoque.plumbing.metrics import Metrics

WHERE: Final = "bus"
HINT: Final = "run/nats.log has the address; a car that moves its bus-place away enrols again."
SECRET_BYTES: Final = 16


async def count_refusals(
    server_address: ServerAddress,
    watchman: NatsCredentials,
    random: Random,
    metrics: Metrics,
    log: structlog.stdlib.BoundLogger,
    config: BusConfig,
) -> None:
    """Count until cancelled, over every reconnection.

    watchman: ``NatsAuthority.watchman_credentials``. Raises CredentialsRefused when the server
    refuses those.
    """
    inbox = f"{INBOX}{watchman.name}.{secrets.token_hex(SECRET_BYTES)}"
    link = NatsLink(server_address, watchman, inbox, random, log, config, None)
    loop = asyncio.get_running_loop()
    told_at_s = -config.refusal_log_interval_s

    async def hear(_: Msg) -> None:
        nonlocal told_at_s
        metrics.errors.labels(where=WHERE, code=CredentialsRefused.code).inc()
        if loop.time() - told_at_s >= config.refusal_log_interval_s:
            told_at_s = loop.time()
            log.warning("bus refused somebody", error_code=CredentialsRefused.code, hint=HINT)

    await link.subscribe(TURNED_AWAY, hear)
    try:
        await link.open()
        await loop.create_future()  # for ever: what is heard comes to the function above
    finally:
        await link.close()
