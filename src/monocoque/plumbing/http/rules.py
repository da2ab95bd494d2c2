"""What a route declares about itself: its right and its limits.

Rules: every endpoint carries ``@needs(RIGHT)`` with one row of contracts/rights.py, below its
route decorator; the factory refuses to start with an endpoint that does not.

Left out on purpose: deciding. guard.py does that with these rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from monocoque.contracts.rights import Right

Endpoint = TypeVar("Endpoint")

_ATTRIBUTE: Final = "__monocoque_rules__"


@dataclass(frozen=True)
class Rules:
    """What one route demands; None means the limit of ``HttpConfig``."""

    right: Right
    body_bytes_max: int | None = None
    answer_s_max: float | None = None
    bearer_secret: str | None = None
    """The name of a secret in the keystore. Sent as a bearer token (RFC 6750), it opens the route
    without a session, on any site; for machines that read metrics."""


def needs(
    right: Right,
    *,
    body_bytes_max: int | None = None,
    answer_s_max: float | None = None,
    bearer_secret: str | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint needs; see Rules."""
    rules = Rules(right, body_bytes_max, answer_s_max, bearer_secret)

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, rules)
        return endpoint

    return mark


def rules_of(endpoint: Any) -> Rules | None:
    """The rules that an endpoint declared, or None."""
    found = getattr(endpoint, _ATTRIBUTE, None)
    return found if isinstance(found, Rules) else None
