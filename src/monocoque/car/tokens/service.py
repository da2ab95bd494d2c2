"""Tokens of one car: given out, judged at its doors, and taken back.

Rules:

* a token is on record, by its name and without itself, before it is given out;
* one that was taken back is refused from the car's next look at its records on, and what stands on
  it ends then; another process may have taken it back;
* a token is signed with a key for tokens alone, made at its first use;
* of other issuers, none is taken but those that a person named to this very car, each with its
  keys, its audience and the most that it may give; when that changes, what stands on it ends;
* nothing of another issuer is taken before the first look at the records.

Left out on purpose: taking back a single token of another issuer; the issuer as a whole can be.
"""

import asyncio
from collections.abc import Mapping
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
from monocoque.trust.issuer_keys import read_keys
from monocoque.trust.keys import PrivateKey, SystemKeyMaker, load_key
from monocoque.trust.ports import KeyMaker
from monocoque.trust.signal_tokens import (
    ISSUER_CHARACTERS_MAX,
    Issuer,
    SignalToken,
    read_foreign_token,
    read_scopes,
    read_token,
    said_issuer,
    sign_token,
)

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
        self._issuers: Mapping[str, Issuer] = {}

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
            access = self._judge(text, catalogue, now_us)
            if len(self._judged) >= self._judged_max:
                self._judged.clear()
            self._judged[text] = access
        if access.token_id in self._revoked:
            raise SignalTokenRefused("The token was revoked.")
        if access.expires_us is not None and access.expires_us <= now_us:
            raise SignalTokenExpired("The token's time is over.")
        return access

    def _judge(self, text: str, catalogue: Catalogue, now_us: int) -> Access:
        issuer = self._issuers.get(said_issuer(text))
        if issuer is not None:
            return access_of(read_foreign_token(text, issuer, now_us), catalogue, issuer)
        return access_of(read_token(text, self._jwk, self._car_id, now_us), catalogue)

    def note_issuers(self, issuers: Mapping[str, Issuer]) -> None:
        """These are trusted, and no others; whatever stands on another ends."""
        before = {each.issuer_id for each in self._issuers.values()}
        after = {each.issuer_id for each in issuers.values()}
        if before == after:
            return
        self._issuers = dict(issuers)
        self._judged.clear()
        for issuer_id in before - after:
            self._hub.revoke(issuer_id)

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
    """Look whether tokens were taken back, and who is trusted, until cancelled."""
    tokens, config = tokens_of(context), context.config(TokensConfig)
    while True:
        try:
            revoked, trusted = await context.records.transact(_look)
            tokens.note_revoked(revoked)
            tokens.note_issuers(trusted)
        except AWAY as error:
            context.count_error(error, error.what)
        await asyncio.sleep(config.look_interval_s)


def _look(connection: Connection) -> tuple[frozenset[str], dict[str, Issuer]]:
    return records.revoked(connection), records.trusted(connection)


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


async def trust(
    at: Records,
    car_id: str,
    name: str,
    audience: str,
    scope: str,
    key_file: bytes,
    now_us: int,
    random: Random,
    issuers_max: int,
) -> Issuer:
    """Take this issuer's tokens from now on, or by other keys than before.

    name, audience: as its tokens say them (``iss``, ``aud``). scope: the most that they give.
    key_file: see ``read_keys``. Raises SignalTokenRefused, DocumentMalformed, SignalClientsFull.
    """
    issuer_id = identifiers.make("issuer", random.getrandbits)
    issuer = Issuer(issuer_id, name, audience, read_scopes(scope), read_keys(key_file))
    for text in (issuer.name, issuer.audience):
        if not 0 < len(text) <= ISSUER_CHARACTERS_MAX or not text.isprintable():
            raise SignalTokenRefused(
                "An issuer or an audience is empty, or longer than it may be.",
                hint=f"Write at most {ISSUER_CHARACTERS_MAX} characters, as the tokens say it.",
            )
    if issuer.name == car_id:
        raise SignalTokenRefused(
            "Nobody but the car makes tokens in its name.", hint="Name the other issuer."
        )

    def work(connection: Connection) -> None:
        records.trust(connection, issuer, scope, now_us)
        if len(records.trusted(connection)) > issuers_max:
            raise SignalClientsFull(
                "The car trusts as many issuers as it may.",
                hint="`monocoque car token distrust` ends the trust in one.",
            )

    await at.transact(work)
    return issuer


async def distrust(at: Records, name: str) -> None:
    """Take no more tokens of this issuer. Raises NotFound."""
    if not await at.transact(lambda c: records.distrust(c, name)):
        raise NotFound(
            f"The car trusts no issuer {name[:256]!r}.",
            hint="`monocoque car token issuers` shows whom it trusts.",
        )


async def trusted(at: Records) -> list[Issuer]:
    """Whose tokens the car takes beside its own, by name."""
    return list((await at.transact(records.trusted)).values())
