"""The tables of accounts and their statements.

Rules: what is known of a person stands in rows of its own under ``person_id``, so erasing a person
is deleting rows; codes and tokens are stored as SHA-256 only, so the database signs nobody in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from monocoque.contracts.identifiers import PersonId, SessionId
from monocoque.contracts.rights import PersonRole, Site

metadata = MetaData()

PEOPLE = Table(
    "accounts_people",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("display_name", String(200), nullable=False),
    Column("created_us", BigInteger, nullable=False),
)

ROLES = Table(
    "accounts_roles",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("role", String(32), primary_key=True),
)

SETTINGS = Table(
    "accounts_settings",
    metadata,
    Column("person_id", String(64), primary_key=True),
    Column("locale", String(35), nullable=False),
    Column("theme", String(16), nullable=False),
)

LINKS = Table(
    "accounts_links",
    metadata,
    Column("code_sha256", LargeBinary(32), primary_key=True),
    Column("person_id", String(64), nullable=False, index=True),
    Column("site", String(16), nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

SESSIONS = Table(
    "accounts_sessions",
    metadata,
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("session_id", String(64), nullable=False, unique=True),
    Column("person_id", String(64), nullable=False, index=True),
    Column("site", String(16), nullable=False),
    Column("last_used_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)


@dataclass(frozen=True)
class SessionRow:
    """A session as it is on record."""

    session_id: SessionId
    person_id: PersonId
    last_used_us: int
    expires_us: int
    roles: frozenset[PersonRole] = frozenset()
    """Every role of its person; nobody writes them here."""


_TOUCH_SESSION = update(SESSIONS).where(SESSIONS.c.session_id == bindparam("sought"))
_SESSION_WITH_ROLES = (
    select(SESSIONS, ROLES.c.role)
    .outerjoin(ROLES, ROLES.c.person_id == SESSIONS.c.person_id)
    .where(
        SESSIONS.c.token_sha256 == bindparam("token_sha256"), SESSIONS.c.site == bindparam("site")
    )
)
"""Built once: every request of a signed-in browser asks this."""


# --- people ----------------------------------------------------------------------------------


def add_person(
    connection: Connection, person_id: PersonId, display_name: str, role: PersonRole, now_us: int
) -> None:
    """Put a new person on record, with one role."""
    connection.execute(
        insert(PEOPLE).values(person_id=person_id, display_name=display_name, created_us=now_us)
    )
    connection.execute(insert(ROLES).values(person_id=person_id, role=role.value))


def oldest_person_with(connection: Connection, role: PersonRole) -> PersonId | None:
    """The person with this role who has been here longest, or None."""
    statement = (
        select(PEOPLE.c.person_id)
        .join(ROLES, ROLES.c.person_id == PEOPLE.c.person_id)
        .where(ROLES.c.role == role.value)
        .order_by(PEOPLE.c.created_us, PEOPLE.c.person_id)
        .limit(1)
    )
    found = connection.execute(statement).scalar()
    return None if found is None else PersonId(found)


def display_name_of(connection: Connection, person_id: PersonId) -> str | None:
    """A person's name, or None when there is no such person."""
    found = connection.execute(
        select(PEOPLE.c.display_name).where(PEOPLE.c.person_id == person_id)
    ).scalar()
    return None if found is None else str(found)


# --- settings --------------------------------------------------------------------------------


def settings_of(connection: Connection, person_id: PersonId) -> tuple[str, str] | None:
    """A person's locale and theme, or None when nothing was ever chosen."""
    row = connection.execute(
        select(SETTINGS.c.locale, SETTINGS.c.theme).where(SETTINGS.c.person_id == person_id)
    ).first()
    return None if row is None else (row.locale, row.theme)


def save_settings(connection: Connection, person_id: PersonId, locale: str, theme: str) -> None:
    """Put locale and theme on record in place of what was there."""
    values = {"locale": locale, "theme": theme}
    changed = connection.execute(
        update(SETTINGS).where(SETTINGS.c.person_id == person_id).values(values)
    )
    if not changed.rowcount:
        connection.execute(insert(SETTINGS).values(person_id=person_id, **values))


# --- sign-in links ---------------------------------------------------------------------------


def add_link(
    connection: Connection, code_sha256: bytes, person_id: PersonId, site: Site, expires_us: int
) -> None:
    """Put a new link on record."""
    connection.execute(
        insert(LINKS).values(
            code_sha256=code_sha256, person_id=person_id, site=site.value, expires_us=expires_us
        )
    )


def spend_link(
    connection: Connection, code_sha256: bytes, site: Site, now_us: int
) -> PersonId | None:
    """Take the link away and return whose it was; None when nobody may use it on this site now."""
    spent = connection.execute(
        delete(LINKS)
        .where(
            LINKS.c.code_sha256 == code_sha256,
            LINKS.c.site == site.value,
            LINKS.c.expires_us > now_us,
        )
        .returning(LINKS.c.person_id)
    ).scalar()
    return None if spent is None else PersonId(spent)


def trim_links(
    connection: Connection, person_id: PersonId, site: Site, now_us: int, kept_max: int
) -> None:
    """Take away what is too old, and of this person's links all but the newest."""
    connection.execute(delete(LINKS).where(LINKS.c.expires_us <= now_us))
    rest = (
        select(LINKS.c.code_sha256)
        .where(LINKS.c.person_id == person_id, LINKS.c.site == site.value)
        .order_by(LINKS.c.expires_us.desc(), LINKS.c.code_sha256)
    )
    _delete(connection, LINKS, connection.execute(rest).scalars().all()[kept_max:])


# --- sessions --------------------------------------------------------------------------------


def add_session(connection: Connection, token_sha256: bytes, site: Site, row: SessionRow) -> None:
    """Put a new session on record."""
    connection.execute(
        insert(SESSIONS).values(
            token_sha256=token_sha256,
            session_id=row.session_id,
            person_id=row.person_id,
            site=site.value,
            last_used_us=row.last_used_us,
            expires_us=row.expires_us,
        )
    )


def session_of(connection: Connection, token_sha256: bytes, site: Site) -> SessionRow | None:
    """The session of a token on a site, or None."""
    sought = {"token_sha256": token_sha256, "site": site.value}
    found = connection.execute(_SESSION_WITH_ROLES, sought).all()
    if not found:
        return None
    row = found[0]  # one row for each role, or one without
    return SessionRow(
        session_id=SessionId(row.session_id),
        person_id=PersonId(row.person_id),
        last_used_us=row.last_used_us,
        expires_us=row.expires_us,
        roles=frozenset(PersonRole(each.role) for each in found if each.role is not None),
    )


def touch_session(connection: Connection, session_id: SessionId, now_us: int) -> None:
    """Put the use of a session on record."""
    connection.execute(_TOUCH_SESSION, {"sought": session_id, "last_used_us": now_us})


def delete_session(connection: Connection, session_id: SessionId) -> None:
    """End a session; harmless when it has ended."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.session_id == session_id))


def trim_sessions(
    connection: Connection, person_id: PersonId, site: Site, now_us: int, kept_max: int
) -> None:
    """Take away what has ended, and of this person's sessions all but those used last."""
    connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_us <= now_us))
    rest = (
        select(SESSIONS.c.token_sha256)
        .where(SESSIONS.c.person_id == person_id, SESSIONS.c.site == site.value)
        .order_by(SESSIONS.c.last_used_us.desc(), SESSIONS.c.token_sha256)
    )
    _delete(connection, SESSIONS, connection.execute(rest).scalars().all()[kept_max:])


def _delete(connection: Connection, table: Table, keys: Iterable[bytes]) -> None:
    key = next(iter(table.primary_key))
    for each in keys:
        connection.execute(delete(table).where(key == each))
