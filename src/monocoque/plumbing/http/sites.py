"""Which site a request is for: decided by its Host header alone.

Rules:

* the bare loopback names are the page of doors; ``shop.``, ``phone.`` and ``console.localhost``
  are the sites, with any port; further names come from ``HttpConfig.public_hosts``;
* any other name is refused, which also ends DNS rebinding: a foreign name that points here is
  nobody's site;
* exactly one Host header (RFC 9112, section 3.2).

Left out on purpose: names from ``Forwarded`` headers, which anybody can write.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monocoque.contracts.errors import SiteUnknown
from monocoque.contracts.rights import Site

LOOPBACK_HOSTS: Final[Mapping[str, Site]] = {
    "localhost": Site.DOORS,
    "127.0.0.1": Site.DOORS,
    "[::1]": Site.DOORS,
    "shop.localhost": Site.SHOP,
    "phone.localhost": Site.PHONE,
    "console.localhost": Site.CONSOLE,
}

_AUTHORITY = re.compile(r"(\[::1\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request arrived."""

    site: Site
    authority: str
    """Name and port as the browser wrote them, in lower case."""
    is_public: bool
    """Whether it is a name of ours on a network, behind TLS; otherwise it is loopback."""

    @property
    def origin(self) -> str:
        """The origin of pages of this site (RFC 6454)."""
        return ("https://" if self.is_public else "http://") + self.authority


def find_place(hosts: Sequence[bytes], public_hosts: Mapping[str, Site]) -> Place:
    """The place that the Host headers name; raises SiteUnknown.

    hosts: the values of all Host headers of the request. public_hosts: names beside loopback.
    """
    if len(hosts) != 1:
        raise SiteUnknown("A request names exactly one host.")
    authority = hosts[0].decode("latin-1").lower()
    match = _AUTHORITY.match(authority)
    name = match.group(1) if match else ""
    if name in LOOPBACK_HOSTS:
        return Place(LOOPBACK_HOSTS[name], authority, is_public=False)
    if name in public_hosts:
        return Place(public_hosts[name], authority, is_public=True)
    raise SiteUnknown("No site of this installation has that host name.")
