"""Decides about people, links and sessions; pure.

Rules:

* a link and a session belong to one person and one site;
* on a site only the roles of ``SITE_ROLES`` count, whatever else the person may be elsewhere;
* a session lives until its end or until it was idle too long, whichever comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.rights import PersonRole, Site
from monocoque.phone.accounts.config import AccountsConfig

SITE_ROLES: Final[Mapping[Site, frozenset[PersonRole]]] = {
    Site.SHOP: frozenset({PersonRole.BUYER}),
    Site.PHONE: frozenset({PersonRole.OWNER, PersonRole.DRIVER}),
    Site.CONSOLE: frozenset({PersonRole.FLEET, PersonRole.RELEASE, PersonRole.SUPPORT}),
}
"""Who may sign in where. The page of doors has no sessions."""

SECOND_US: Final = 1_000_000


@dataclass(frozen=True)
class FirstPerson:
    """Who is there when an installation starts for the first time."""

    role: PersonRole
    display_name: str


FIRST_PEOPLE: Final[Mapping[Site, FirstPerson]] = {
    Site.SHOP: FirstPerson(PersonRole.BUYER, "First buyer"),
    Site.PHONE: FirstPerson(PersonRole.OWNER, "First owner"),
    Site.CONSOLE: FirstPerson(PersonRole.FLEET, "First fleet operator"),
}


@dataclass(frozen=True)
class SessionTimes:
    """When a session was last used and when it ends; microseconds UTC."""

    last_used_us: int
    expires_us: int


def roles_on(site: Site, roles: frozenset[PersonRole]) -> frozenset[PersonRole]:
    """Which of a person's roles count on this site."""
    return roles & SITE_ROLES.get(site, frozenset())


def is_alive(times: SessionTimes, config: AccountsConfig, now_us: int) -> bool:
    """Whether the session may be used at this moment."""
    idle_us = config.session_idle_s * SECOND_US
    return now_us < times.expires_us and now_us < times.last_used_us + idle_us


def is_to_be_touched(times: SessionTimes, config: AccountsConfig, now_us: int) -> bool:
    """Whether this use shall go on record."""
    return now_us >= times.last_used_us + config.session_touch_s * SECOND_US
