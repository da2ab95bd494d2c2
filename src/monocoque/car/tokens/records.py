"""Which tokens a car gave out, which it took back, and whose others it takes; never a token itself.

Rules: an issuer that is trusted anew has another identifier, so that what stood on the old ends.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from monocoque.trust.signal_tokens import Issuer, read_scopes

metadata = MetaData()

tokens = Table(
    "tokens_issued",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("issued_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)
"""What was given out and has not ended."""

issuers = Table(
    "tokens_issuers",
    metadata,
    Column("issuer_id", String(64), primary_key=True),
    Column("name", String(256), nullable=False, unique=True),
    Column("audience", String(256), nullable=False),
    Column("scope", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("trusted_us", BigInteger, nullable=False),
)
"""Who else makes tokens for this car: what it may give, and its public keys as JSON."""

_REVOKED: Final = select(tokens.c.token_id).where(tokens.c.revoked_us.is_not(None))


def add(
    connection: Connection, token_id: str, name: str, scope: str, issued_us: int, expires_us: int
) -> None:
    """A token is about to be given out; what has ended is forgotten."""
    connection.execute(delete(tokens).where(tokens.c.expires_us <= issued_us))
    connection.execute(
        insert(tokens).values(
            token_id=token_id, name=name, scope=scope, issued_us=issued_us, expires_us=expires_us
        )
    )


def count(connection: Connection) -> int:
    """How many are on record."""
    return int(connection.execute(select(func.count()).select_from(tokens)).scalar_one())


def revoke(connection: Connection, token_id: str, now_us: int) -> bool:
    """Take one back; whether there is one of this name."""
    named = tokens.c.token_id == token_id
    connection.execute(
        update(tokens).where(named, tokens.c.revoked_us.is_(None)).values(revoked_us=now_us)
    )
    return connection.execute(select(tokens.c.token_id).where(named)).first() is not None


def revoked(connection: Connection) -> frozenset[str]:
    """The names of all that were taken back."""
    return frozenset(connection.execute(_REVOKED).scalars())


def listed(connection: Connection) -> list[dict[str, object]]:
    """All that are on record, the newest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.issued_us.desc()))
    return [dict(row._mapping) for row in rows]


def trust(connection: Connection, issuer: Issuer, scope: str, now_us: int) -> None:
    """Take this issuer's tokens from now on, in place of what was known of that name."""
    distrust(connection, issuer.name)
    connection.execute(
        insert(issuers).values(
            issuer_id=issuer.issuer_id,
            name=issuer.name,
            audience=issuer.audience,
            scope=scope,
            keys=json.dumps([dict(key) for key in issuer.keys]),
            trusted_us=now_us,
        )
    )


def distrust(connection: Connection, name: str) -> bool:
    """Take no more tokens of this issuer; whether there is one of this name."""
    return connection.execute(delete(issuers).where(issuers.c.name == name)).rowcount > 0


def trusted(connection: Connection) -> dict[str, Issuer]:
    """Every issuer, by name."""
    rows = connection.execute(select(issuers).order_by(issuers.c.name))
    return {row.name: _issuer(row) for row in rows}


def _issuer(row: Row[Any]) -> Issuer:
    keys: list[Mapping[str, str]] = json.loads(row.keys)
    return Issuer(row.issuer_id, row.name, row.audience, read_scopes(row.scope), tuple(keys))
