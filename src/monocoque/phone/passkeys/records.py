"""The tables of passkeys and their statements.

Rules: a challenge is stored as its SHA-256 and is taken away by whoever answers it first; every
passkey stands under its ``person_id``, so erasing a person is deleting rows.
"""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from monocoque.contracts.identifiers import PersonId
from monocoque.phone.passkeys.logic import PasskeyRow

metadata = MetaData()

KEYS = Table(
    "passkeys_keys",
    metadata,
    Column("passkey_id", String(43), primary_key=True),
    Column("person_id", String(64), nullable=False, index=True),
    Column("host", String(253), nullable=False),
    Column("name", String(100), nullable=False),
    Column("credential_id", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("last_used_us", BigInteger),
)
"""``host``: the relying party; a passkey is good on that host alone."""

CHALLENGES = Table(
    "passkeys_challenges",
    metadata,
    Column("challenge_sha256", LargeBinary(32), primary_key=True),
    Column("person_id", String(64), nullable=False),
    Column("host", String(253), nullable=False),
    Column("expires_us", BigInteger, nullable=False, index=True),
)
"""``person_id``: who adds a passkey; empty for who signs in, since nobody knows them yet."""


# --- challenges ------------------------------------------------------------------------------


def add_challenge(
    connection: Connection, challenge_sha256: bytes, person_id: str, host: str, expires_us: int
) -> None:
    """Put a new challenge on record."""
    connection.execute(
        insert(CHALLENGES).values(
            challenge_sha256=challenge_sha256,
            person_id=person_id,
            host=host,
            expires_us=expires_us,
        )
    )


def spend_challenge(
    connection: Connection, challenge_sha256: bytes, person_id: str, host: str, now_us: int
) -> bool:
    """Take the challenge away; whether it was there, for this person on this host, and in time."""
    spent = connection.execute(
        delete(CHALLENGES).where(
            CHALLENGES.c.challenge_sha256 == challenge_sha256,
            CHALLENGES.c.person_id == person_id,
            CHALLENGES.c.host == host,
            CHALLENGES.c.expires_us > now_us,
        )
    )
    return bool(spent.rowcount)


def trim_challenges(connection: Connection, person_id: str, now_us: int, kept_max: int) -> None:
    """Take away what is too old, and of this person's (or nobody's) all but the newest."""
    connection.execute(delete(CHALLENGES).where(CHALLENGES.c.expires_us <= now_us))
    rest = (
        select(CHALLENGES.c.challenge_sha256)
        .where(CHALLENGES.c.person_id == person_id)
        .order_by(CHALLENGES.c.expires_us.desc(), CHALLENGES.c.challenge_sha256)
        .offset(kept_max)
    )
    for each in connection.execute(rest).scalars().all():
        connection.execute(delete(CHALLENGES).where(CHALLENGES.c.challenge_sha256 == each))


# --- passkeys --------------------------------------------------------------------------------


def add_passkey(connection: Connection, row: PasskeyRow) -> None:
    """Put a new passkey on record."""
    connection.execute(insert(KEYS).values(**vars(row)))


def passkey_of(connection: Connection, passkey_id: str, host: str) -> PasskeyRow | None:
    """The passkey of that name on that host, or None."""
    statement = select(KEYS).where(KEYS.c.passkey_id == passkey_id, KEYS.c.host == host)
    found = connection.execute(statement).mappings().first()
    return None if found is None else PasskeyRow(**found)


def passkeys_of(connection: Connection, person_id: PersonId, host: str) -> Sequence[PasskeyRow]:
    """A person's passkeys on a host, oldest first."""
    statement = (
        select(KEYS)
        .where(KEYS.c.person_id == person_id, KEYS.c.host == host)
        .order_by(KEYS.c.created_us, KEYS.c.passkey_id)
    )
    return [PasskeyRow(**found) for found in connection.execute(statement).mappings()]


def count_passkeys(connection: Connection, person_id: PersonId, host: str) -> int:
    """How many passkeys a person has on a host."""
    counted = connection.execute(
        select(func.count())
        .select_from(KEYS)
        .where(KEYS.c.person_id == person_id, KEYS.c.host == host)
    )
    return int(counted.scalar_one())


def note_use(
    connection: Connection, passkey_id: str, count_before: int, count_now: int, now_us: int
) -> bool:
    """Keep the new signature count; False when the passkey was used or removed meanwhile."""
    changed = connection.execute(
        update(KEYS)
        .where(KEYS.c.passkey_id == passkey_id, KEYS.c.sign_count == count_before)
        .values(sign_count=count_now, last_used_us=now_us)
    )
    return bool(changed.rowcount)


def delete_passkey(connection: Connection, passkey_id: str, person_id: PersonId, host: str) -> bool:
    """Remove a passkey of this person; whether there was one."""
    gone = connection.execute(
        delete(KEYS).where(
            KEYS.c.passkey_id == passkey_id, KEYS.c.person_id == person_id, KEYS.c.host == host
        )
    )
    return bool(gone.rowcount)
