"""The tables of releases and their statements.

Rules: a release is its signed document, as it was published; a thought stands under the person who
had it, so erasing a person is deleting rows.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    func,
    insert,
    select,
)

metadata = MetaData()

RELEASES = Table(
    "releases_releases",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("version", String(32), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("image_bytes", BigInteger, nullable=False),
    Column("published_us", BigInteger, nullable=False),
)
"""One row per published release; ``image_bytes``: all images together."""

THOUGHTS = Table(
    "releases_thoughts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("person_id", String(64), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("written_us", BigInteger, nullable=False, index=True),
)
"""``ordinal``: the person's first, second, ... thought under this release."""


# --- releases --------------------------------------------------------------------------------


def add_release(
    connection: Connection,
    number: int,
    version: str,
    document: bytes,
    image_bytes: int,
    published_us: int,
) -> None:
    """Put a release on record, unless it is there already."""
    if find_release(connection, number) is not None:
        return
    connection.execute(
        insert(RELEASES).values(
            number=number,
            version=version,
            document=document,
            image_bytes=image_bytes,
            published_us=published_us,
        )
    )


def find_release(connection: Connection, number: int) -> Row[Any] | None:
    """One release."""
    return connection.execute(select(RELEASES).where(RELEASES.c.number == number)).one_or_none()


def newest_releases(connection: Connection, count_max: int) -> Sequence[Row[Any]]:
    """The newest releases, the newest first."""
    query = select(RELEASES).order_by(RELEASES.c.number.desc()).limit(count_max)
    return connection.execute(query).all()


def known_numbers(connection: Connection) -> set[int]:
    """The numbers of all releases."""
    return set(connection.execute(select(RELEASES.c.number)).scalars())


# --- thoughts --------------------------------------------------------------------------------


def own_thoughts(connection: Connection, number: int, person_id: str) -> Sequence[Row[Any]]:
    """What a person thinks of a release."""
    query = select(THOUGHTS).where(THOUGHTS.c.number == number, THOUGHTS.c.person_id == person_id)
    return connection.execute(query.order_by(THOUGHTS.c.ordinal)).all()


def count_thoughts_since(connection: Connection, person_id: str, since_us: int) -> int:
    """How many thoughts a person had after that moment, under all releases."""
    query = select(func.count()).where(
        THOUGHTS.c.person_id == person_id, THOUGHTS.c.written_us > since_us
    )
    return connection.execute(query).scalar_one()


def add_thought(
    connection: Connection, number: int, person_id: str, ordinal: int, text: str, now_us: int
) -> None:
    """Put a thought on record."""
    connection.execute(
        insert(THOUGHTS).values(
            number=number, person_id=person_id, ordinal=ordinal, text=text, written_us=now_us
        )
    )


def newest_thoughts(connection: Connection, number: int, count_max: int) -> Sequence[Row[Any]]:
    """The newest thoughts under a release, the newest first."""
    query = (
        select(THOUGHTS)
        .where(THOUGHTS.c.number == number)
        .order_by(THOUGHTS.c.written_us.desc(), THOUGHTS.c.person_id, THOUGHTS.c.ordinal.desc())
        .limit(count_max)
    )
    return connection.execute(query).all()


def count_thoughts(connection: Connection, numbers: Collection[int]) -> dict[int, int]:
    """How many thoughts there are under each of these releases that has any."""
    query = (
        select(THOUGHTS.c.number, func.count().label("thoughts"))
        .where(THOUGHTS.c.number.in_(list(numbers)))
        .group_by(THOUGHTS.c.number)
    )
    return {row.number: row.thoughts for row in connection.execute(query)}
