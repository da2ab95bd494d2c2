"""Refuses changes that another site's page asks for (cross-site request forgery).

Rules, for every method that is not safe (RFC 9110, section 9.2.1):

* ``Sec-Fetch-Site``, which browsers write and pages cannot, says ``same-origin`` if it is there;
* ``Origin`` is our own if it is there;
* where a session gives the right, the token bound to that session comes in ``X-CSRF-Token``; a
  foreign page can neither read it nor send the header without our consent, which nobody gets.

A client that is not a browser sends neither of the first two; it has no cookies to abuse.
"""

import hmac
from collections.abc import Mapping
from typing import Final

from monocoque.contracts.errors import CrossSiteRefused
from monocoque.plumbing.http.sessions import csrf_token
from monocoque.plumbing.http.sites import Place

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER: Final = "x-csrf-token"


def check_origin(place: Place, headers: Mapping[str, str]) -> None:
    """Refuse a change from another origin; raises CrossSiteRefused. Header names in lower case."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise CrossSiteRefused("The browser says that another site's page sent this.")
    if headers.get("origin", place.origin).lower() != place.origin:
        raise CrossSiteRefused("The request comes from another origin.")


def check_token(session_token: str, headers: Mapping[str, str]) -> None:
    """Refuse a change without the token of its session; raises CrossSiteRefused."""
    given = headers.get(CSRF_HEADER, "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, csrf_token(session_token).encode()):
        raise CrossSiteRefused("The request lacks the token of its session.")
