"""People, sign-in links, sessions and settings.

Rules:

* a link signs in once: whoever takes it away in the database first, and nobody else;
* what returns is on disk: a link that was printed works after a crash, a setting that was
  acknowledged is kept, a sign-out holds;
* secrets come from the context's ``random``: in production that is ``random.SystemRandom``, the
  operating system's source; in a world it is seeded, and a world's secrets protect nothing.

Left out on purpose: passkeys, which are phone/passkeys, and a loop of its own: nothing happens
here unless somebody asks, and what is too old is taken away when the next one is made.
"""

import base64
import hashlib
from dataclasses import dataclass
from random import Random

from sqlalchemy import Connection

from monocoque.contracts import identifiers
from monocoque.contracts.errors import NotSignedIn, SignInLinkSpent, SiteUnknown
from monocoque.contracts.identifiers import PersonId, SessionId
from monocoque.contracts.rights import Site
from monocoque.phone.accounts import records as rows
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.logic import (
    FIRST_PEOPLE,
    SECOND_US,
    FirstPerson,
    SessionTimes,
    is_alive,
    is_to_be_touched,
    roles_on,
)
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.http.sessions import TOKEN_BYTES, Session
from monocoque.plumbing.records.port import Records

DEFAULT_LOCALE = "en"
DEFAULT_THEME = "system"
CODE_BYTES = 20
"""160 random bits in a link."""


@dataclass(frozen=True)
class Profile:
    """A person's name and settings."""

    display_name: str
    locale: str
    theme: str


class Accounts:
    """The accounts of one cell; implements the port ``Sessions`` of plumbing/http."""

    def __init__(
        self, records: Records, clock: Clock, random: Random, config: AccountsConfig
    ) -> None:
        """records: the cell's. random: where secrets come from; see the rules above."""
        self._records = records
        self._clock = clock
        self._random = random
        self._config = config

    @property
    def session_lifetime_s(self) -> int:
        """How long a browser keeps its cookie."""
        return self._config.session_lifetime_s

    async def sign_in(self, code: str, site: Site) -> str:
        """Spend a link and open a session; returns the session's token. Raises SignInLinkSpent."""
        now_us = self._clock.now_us()
        token, session_id = self._new_session()

        def work(connection: Connection) -> None:
            person_id = rows.spend_link(connection, _sha256(code), site, now_us)
            if person_id is None:
                raise SignInLinkSpent("The link was used, is too old, or is for another site.")
            self._add_session(connection, person_id, site, token, session_id, now_us)

        await self._records.transact(work)
        return token

    async def open_session(self, person_id: PersonId, site: Site) -> str:
        """Open a session of a person who proved otherwise who they are; returns its token."""
        now_us = self._clock.now_us()
        token, session_id = self._new_session()
        await self._records.transact(
            lambda connection: self._add_session(
                connection, person_id, site, token, session_id, now_us
            )
        )
        return token

    def _new_session(self) -> tuple[str, SessionId]:
        token = _secret(self._random, TOKEN_BYTES)
        return token, SessionId(identifiers.make("session", self._random.getrandbits))

    def _add_session(
        self,
        connection: Connection,
        person_id: PersonId,
        site: Site,
        token: str,
        session_id: SessionId,
        now_us: int,
    ) -> None:
        config = self._config
        rows.trim_sessions(connection, person_id, site, now_us, config.sessions_per_person_max - 1)
        expires_us = now_us + config.session_lifetime_s * SECOND_US
        session = rows.SessionRow(session_id, person_id, now_us, expires_us)
        rows.add_session(connection, _sha256(token), site, session)

    async def find(self, token: str, site: Site) -> Session | None:
        """See Sessions.find."""
        now_us = self._clock.now_us()

        def work(connection: Connection) -> Session | None:
            row = rows.session_of(connection, _sha256(token), site)
            if row is None:
                return None
            times = SessionTimes(row.last_used_us, row.expires_us)
            if not is_alive(times, self._config, now_us):
                rows.delete_session(connection, row.session_id)
                return None
            if is_to_be_touched(times, self._config, now_us):
                rows.touch_session(connection, row.session_id, now_us)
            return Session(row.session_id, row.person_id, site, roles_on(site, row.roles))

        return await self._records.transact(work)

    async def sign_out(self, session_id: SessionId) -> None:
        """End a session; when this returns, its token opens nothing."""
        await self._records.transact(lambda connection: rows.delete_session(connection, session_id))

    async def profile(self, person_id: PersonId) -> Profile:
        """What a person sees of oneself; raises NotSignedIn when the person was erased."""

        def work(connection: Connection) -> Profile:
            name = rows.display_name_of(connection, person_id)
            if name is None:
                raise NotSignedIn("The person of this session is not on record any more.")
            settings = rows.settings_of(connection, person_id) or (DEFAULT_LOCALE, DEFAULT_THEME)
            return Profile(name, *settings)

        return await self._records.transact(work)

    async def save_settings(self, person_id: PersonId, locale: str, theme: str) -> None:
        """Keep locale and theme; on disk when this returns, and harmless to repeat."""
        await self._records.transact(
            lambda connection: rows.save_settings(connection, person_id, locale, theme)
        )


async def has_first_people(records: Records) -> bool:
    """Whether every site's first person is on record: a link was made for each."""

    def work(connection: Connection) -> bool:
        roles = [first.role for first in FIRST_PEOPLE.values()]
        return all(rows.oldest_person_with(connection, role) is not None for role in roles)

    return await records.transact(work)


async def first_person(records: Records, clock: Clock, random: Random, site: Site) -> PersonId:
    """The first person of a site, put on record when there is none yet; raises SiteUnknown."""
    first = _first_of(site)
    now_us = clock.now_us()
    new_person_id = PersonId(identifiers.make("person", random.getrandbits))

    def work(connection: Connection) -> PersonId:
        return _first_person(connection, first, new_person_id, now_us)

    return await records.transact(work)


async def make_sign_in_link(
    records: Records, clock: Clock, random: Random, site: Site, config: AccountsConfig
) -> str:
    """Make a one-time link for a site and return its code; ``sign_in_url`` makes it a link.

    It signs in the first person of that site, who is put on record when there is none yet. Safe
    beside a running cell. Raises SiteUnknown for a site without sessions.
    """
    first = _first_of(site)
    now_us = clock.now_us()
    code = _secret(random, CODE_BYTES)
    new_person_id = PersonId(identifiers.make("person", random.getrandbits))

    def work(connection: Connection) -> None:
        person_id = _first_person(connection, first, new_person_id, now_us)
        rows.trim_links(connection, person_id, site, now_us, config.links_per_person_max - 1)
        expires_us = now_us + config.link_lifetime_s * SECOND_US
        rows.add_link(connection, _sha256(code), person_id, site, expires_us)

    await records.transact(work)
    return code


def _first_of(site: Site) -> FirstPerson:
    if site not in FIRST_PEOPLE:
        raise SiteUnknown("Nobody signs in on the page of doors.")
    return FIRST_PEOPLE[site]


def _first_person(
    connection: Connection, first: FirstPerson, new_person_id: PersonId, now_us: int
) -> PersonId:
    found = rows.oldest_person_with(connection, first.role)
    if found is not None:
        return found
    rows.add_person(connection, new_person_id, first.display_name, first.role, now_us)
    return new_person_id


def sign_in_url(site: Site, code: str, port: int) -> str:
    """The link to open in a browser of this machine.

    The code stands behind ``#``, which browsers send to no server: it cannot reach a log.
    """
    return f"http://{site.value}.localhost:{port}/sign-in#{code}"


def _secret(random: Random, size_bytes: int) -> str:
    return base64.urlsafe_b64encode(random.randbytes(size_bytes)).rstrip(b"=").decode()


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
