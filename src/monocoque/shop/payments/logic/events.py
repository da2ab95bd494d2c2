"""Events of the provider: their form and their signature.

Rules:

* an event is JSON with ``event_id``, ``kind``, ``payment_id``, ``amount_minor``, ``currency`` and
  ``created_s``; unknown members are ignored;
* it is signed with HMAC-SHA256 by a secret that shop and provider share, over the moment of sending
  and the very bytes: ``t=SECONDS,v1=HEX``; what was sent too long ago is refused, so that nobody
  plays it again. When it was *created* does not matter: the provider is asked anyway.

Left out on purpose: believing what an event says. It only makes the shop look.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monocoque.contracts.errors import RequestMalformed, SignatureInvalid

_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})\Z")
TEXT_CHARACTERS_MAX = 64


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """What the provider tells."""

    event_id: str
    kind: str
    payment_id: str
    amount_minor: int
    currency: str
    created_s: int


def signature_of(secret: bytes, body: bytes, sent_s: int) -> str:
    """What stands in the header ``X-Payment-Signature``."""
    return f"t={sent_s},v1={_digest(secret, body, sent_s)}"


def check_signature(secret: bytes, body: bytes, signature: str, now_s: int, age_s_max: int) -> None:
    """Return when the provider sent these bytes just now; raises SignatureInvalid."""
    match = _SIGNATURE.match(signature)
    if match is None:
        raise SignatureInvalid("The event has no signature of the provider.")
    sent_s = int(match[1])
    if not hmac.compare_digest(match[2], _digest(secret, body, sent_s)):
        raise SignatureInvalid("The event was not signed by the provider.")
    if abs(now_s - sent_s) > age_s_max:
        raise SignatureInvalid("The event was sent too long ago.")


def read_event(members: Mapping[str, Any]) -> ProviderEvent:
    """The event in these members; raises RequestMalformed."""
    texts = {name: members.get(name) for name in ("event_id", "kind", "payment_id", "currency")}
    numbers = {name: members.get(name) for name in ("amount_minor", "created_s")}
    for name, value in texts.items():
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARACTERS_MAX:
            raise RequestMalformed(f"The event's {name} is not a text.")
    for name, number in numbers.items():
        if type(number) is not int:
            raise RequestMalformed(f"The event's {name} is not a whole number.")
    return ProviderEvent(**texts, **numbers)  # type: ignore[arg-type]  # just checked


def _digest(secret: bytes, body: bytes, sent_s: int) -> str:
    return hmac.new(secret, f"{sent_s}.".encode() + body, hashlib.sha256).hexdigest()
