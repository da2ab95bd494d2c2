"""Tells a running server what an account is from now on.

Rules: one account at a time, on the system account, and answered. The server is never told to read
its configuration again: it then forgets what MQTT clients gave it to keep (seen with 2.15.1), and
refuses when the operator's own line has another time of signing.
"""

import json

import nats.errors
from nats.aio.client import Client

from monocoque.contracts.errors import ServerFailed
from monocoque.plumbing.bus.config import NatsServerConfig
from monocoque.plumbing.bus.nats_rights import ACCOUNT_UPDATE


async def tell_account(client: Client, account_jwt: str, limits: NatsServerConfig) -> None:
    """Return when the server has taken it: who has lost a place is gone. Raises ServerFailed."""
    try:
        answer = await client.request(
            ACCOUNT_UPDATE, account_jwt.encode(), timeout=limits.start_timeout_s
        )
        refusal = json.loads(answer.data).get("error")
    except (TimeoutError, ValueError, nats.errors.Error) as error:
        raise ServerFailed("The bus server does not answer about its accounts.") from error
    if refusal:
        raise ServerFailed("The bus server does not take what an account is from now on.")
