"""What the scopes of a token allow, in a car with this catalogue.

Rules: providing and actuating include reading, as in KUKSA; a denial wins over whatever allows;
a path that names no signal of the car allows nothing, so that a token outlives a catalogue.

Left out on purpose: whether the token is genuine (trust/signal_tokens.py).
"""

from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.trust.signal_tokens import ACTIONS, SignalToken


def access_of(token: SignalToken, catalogue: Catalogue) -> Access:
    """What the bearer may do."""
    allowed: dict[str, set[int]] = {action: set() for action in ACTIONS}
    denied: dict[str, set[int]] = {action: set() for action in ACTIONS}
    for scope in token.scopes:
        numbers = {signal.number for signal in catalogue.matching(scope.path)}
        (denied if scope.is_denial else allowed)[scope.action] |= numbers
    allowed["read"] |= allowed["actuate"] | allowed["provide"]
    left = {action: frozenset(allowed[action] - denied[action]) for action in ACTIONS}
    return Access(
        reads=left["read"],
        actuates=left["actuate"],
        provides=left["provide"],
        creates=left["create"],
        expires_us=token.expires_us,
        token_id=token.token_id,
        holder=token.name,
    )
