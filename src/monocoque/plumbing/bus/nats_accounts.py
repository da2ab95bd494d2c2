"""Tells a running server what an account is from now on.

Rules: one account at a time, on the system account, and answered. The server is never told to read
its configuration again: it then forgets what MQTT clients gave it to keep (seen with 2.15.1), and
refuses when the operator's own line has another time of signing.

Whoever has the cell's keys can tell it, in whatever process. The keys are changed first: a server
that starts meanwhile begins with what they say.
"""

import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import nats.errors
from nats.aio.client import Client

from monocoque.contracts.errors import ServerFailed
from monocoque.plumbing.bus.config import NatsServerConfig
from monocoque.plumbing.bus.nats_credentials import AccountClaims, NatsAuthority, NatsCredentials
from monocoque.plumbing.bus.nats_rights import ACCOUNT_UPDATE, INBOX

Complain = Callable[[Exception], Awaitable[None]]


async def _nobody(_: Exception) -> None:
    """Whoever asks is told by the error that is raised."""


async def end_client(client: Client) -> None:
    """Close it; what it could not write any more is gone with it."""
    with contextlib.suppress(OSError, nats.errors.Error):
        await client.close()


@contextlib.asynccontextmanager
async def own_client(
    address: str,
    credentials: NatsCredentials,
    tls: ssl.SSLContext | None = None,
    complain: Complain = _nobody,
) -> AsyncIterator[Client]:
    """A client of the cell itself, for a moment; raises ServerFailed."""
    client = Client()
    try:
        await client.connect(
            address,
            user_jwt_cb=lambda: credentials.jwt.encode(),
            signature_cb=lambda nonce: credentials.sign(nonce.encode()),
            inbox_prefix=f"{INBOX}{credentials.name}".encode(),
            allow_reconnect=False,
            max_reconnect_attempts=1,  # else it tries the same address for ever
            reconnect_time_wait=0,
            error_cb=complain,
            tls=tls,
        )
        yield client
    except (nats.errors.Error, OSError) as error:
        raise ServerFailed("The bus server does not take our own credentials.") from error
    finally:
        await end_client(client)


async def tell_accounts(
    client: Client,
    authority: NatsAuthority,
    accounts: Iterable[AccountClaims],
    limits: NatsServerConfig,
) -> None:
    """Return when the server has taken them: who has lost a place is gone. Raises ServerFailed.

    client: has ``herald_credentials``.
    """
    for account in accounts:
        said = authority.sign_account(account).encode()
        try:
            answer = await client.request(ACCOUNT_UPDATE, said, timeout=limits.start_timeout_s)
            refusal = json.loads(answer.data).get("error")
        except (TimeoutError, ValueError, nats.errors.Error) as error:
            raise ServerFailed("The bus server does not answer about its accounts.") from error
        if refusal:
            raise ServerFailed("The bus server does not take what an account is from now on.")
