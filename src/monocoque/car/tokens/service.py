"""Tokens of one car: given out, judged at its doors, and taken back.

Rules:

* a token is on record, by its name and without itself, before it is given out;
* one that was taken back is refused from the car's next look at its records on, and what stands on
  it ends then; another process may have taken it back;
* a token is signed with a key for tokens alone, made at its first use.

Left out on purpose: tokens of other issuers.
"""

import asyncio
from random import Random
from typing import Final

from sqlalchemy import Connection

from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.car.tokens import records
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.tokens.logic import access_of
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    NotFound,
    SignalClientsFull,
    SignalTokenExpired,
    SignalTokenRefused,
)
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.keys import PrivateKey, SystemKeyMaker, load_key
from monocoque.trust.ports import KeyMaker
from monocoque.trust.signal_tokens import SignalToken, read_scopes, read_token, sign_token

TOKEN_KEY: Final = "signal-token-key"  # noqa: S105 - the name of an entry, no secret
MICROSECONDS: Final = 1_000_000
BEARER: Final = "bearer "


class Tokens:
    """What the doors of a running car ask."""

    def __init__(self, hub: SignalHub, key: PrivateKey, car_id: str, judged_max: int) -> None:
        """hub: ends what stands on a token that was taken back."""
        self._hub = hub
        self._jwk = key.public_jwk
        self._car_id = car_id
        self._judged_max = judged_max
        self._judged: dict[str, Access] = {}
        self._revoked: frozenset[str] = frozenset()

    def access_of(self, authorization: str, catalogue: Catalogue) -> Access:
        """What the bearer of ``Bearer TOKEN`` may do now.

        Raises SignalTokenRefused, and SignalTokenExpired.
        """
        if authorization[: len(BEARER)].lower() != BEARER:
            raise SignalTokenRefused("There is no token: say `authorization: Bearer TOKEN`.")
        text = authorization[len(BEARER) :].strip()
        access = self._judged.get(text)
        now_us = self._hub.clock.now_us()
        if access is None:
            token = read_token(text, self._jwk, self._car_id, now_us)
            access = access_of(token, catalogue)
            if len(self._judged) >= self._judged_max:
                self._judged.clear()
            self._judged[text] = access
        if access.token_id in self._revoked:
            raise SignalTokenRefused("The token was revoked.")
        if access.expires_us is not None and access.expires_us <= now_us:
            raise SignalTokenExpired("The token's time is over.")
        return access

    def note_revoked(self, token_ids: frozenset[str]) -> None:
        """These are revoked; whatever stands on one ends."""
        for token_id in token_ids - self._revoked:
            self._hub.revoke(token_id)
        self._revoked = token_ids


def tokens_of(context: Context) -> Tokens:
    """The tokens of this car, for whoever opens a door or watches them."""
    tokens: Tokens = context.port(Tokens)
    return tokens


async def run(context: Context) -> None:
    """Look whether tokens were taken back, until cancelled."""
    tokens, config = tokens_of(context), context.config(TokensConfig)
    while True:
        try:
            tokens.note_revoked(await context.records.transact(records.revoked))
        except AWAY as error:
            context.count_error(error, error.what)
        await asyncio.sleep(config.look_interval_s)


def key_of(keystore: KeyStore, key_maker: KeyMaker | None = None) -> PrivateKey:
    """The car's key for tokens, made at its first use; raises what the keystore raises."""
    secret = keystore.read(TOKEN_KEY)
    if secret is None:
        made = (key_maker or SystemKeyMaker()).make("ES256")
        keystore.write(TOKEN_KEY, made.export())
        secret = keystore.read(TOKEN_KEY)
        assert secret is not None
    return load_key(secret)


async def issue(
    at: Records,
    key: PrivateKey,
    car_id: str,
    name: str,
    scope: str,
    lifetime_s: float,
    now_us: int,
    random: Random,
    tokens_max: int,
) -> tuple[str, str]:
    """A new token, and its name. Raises SignalTokenRefused for a scope that is none.

    Raises SignalClientsFull when the car has given out as many as it may.
    """
    token_id = identifiers.make("token", random.getrandbits)
    expires_us = now_us + round(lifetime_s * MICROSECONDS)
    token = SignalToken(token_id, name, read_scopes(scope), now_us, expires_us)
    text = sign_token(key, car_id, token)
    read_token(text, key.public_jwk, car_id, now_us)

    def work(connection: Connection) -> None:
        records.add(connection, token_id, name, scope, now_us, expires_us)
        if records.count(connection) > tokens_max:
            raise SignalClientsFull("The car has given out as many tokens as it may.")

    await at.transact(work)
    return text, token_id


async def revoke(at: Records, token_id: str, now_us: int) -> None:
    """Take a token back. Raises NotFound."""
    if not await at.transact(lambda c: records.revoke(c, token_id, now_us)):
        raise NotFound(
            f"The car gave out no token {token_id[:64]}.",
            hint="`monocoque car token list` shows those that have not ended.",
        )


async def listed(at: Records) -> list[dict[str, object]]:
    """What was given out and has not been forgotten, newest first."""
    return await at.transact(records.listed)
