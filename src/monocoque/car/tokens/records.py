"""Which tokens a car gave out, and which it took back; never a token itself."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

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
