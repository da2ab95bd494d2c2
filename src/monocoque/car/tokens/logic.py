"""What the scopes of a token allow, in a car with this catalogue.

Rules: providing and actuating include reading, as in KUKSA; a denial wins over whatever allows;
a path that names no signal of the car allows nothing, so that a token outlives a catalogue. A token
of another issuer allows what both its scopes and the issuer's do.

Left out on purpose: whether the token is genuine (trust/signal_tokens.py).
"""

from collections.abc import Mapping, Sequence

from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.trust.signal_tokens import ACTIONS, Issuer, Scope, SignalToken


def access_of(token: SignalToken, catalogue: Catalogue, issuer: Issuer | None = None) -> Access:
    """What the bearer may do. issuer: None for a token of the car itself."""
    left = _allowed(token.scopes, catalogue)
    if issuer is not None:
        most = _allowed(issuer.scopes, catalogue)
        left = {action: left[action] & most[action] for action in ACTIONS}
    return Access(
        reads=left["read"],
        actuates=left["actuate"],
        provides=left["provide"],
        creates=left["create"],
        expires_us=token.expires_us,
        token_id=token.token_id,
        issuer_id="" if issuer is None else issuer.issuer_id,
        holder=token.name if issuer is None else f"{token.name} of {issuer.name}",
    )


def _allowed(scopes: Sequence[Scope], catalogue: Catalogue) -> Mapping[str, frozenset[int]]:
    """By action, the signals with which these let somebody do it."""
    allowed: dict[str, set[int]] = {action: set() for action in ACTIONS}
    denied: dict[str, set[int]] = {action: set() for action in ACTIONS}
    for scope in scopes:
        numbers = {signal.number for signal in catalogue.matching(scope.path)}
        (denied if scope.is_denial else allowed)[scope.action] |= numbers
    allowed["read"] |= allowed["actuate"] | allowed["provide"]
    return {action: frozenset(allowed[action] - denied[action]) for action in ACTIONS}
