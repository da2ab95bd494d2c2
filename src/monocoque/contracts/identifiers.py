"""Identifiers: a prefix that says what it is, and 128 random bits.

Rules:

* the form is ``prefix_`` and 26 lowercase Crockford base-32 characters (``0-9 a-z`` without
  ``i l o u``), for example ``car_0123456789abcdefghjkmnpqrs``; the first of the 26 is at most 7,
  since 26 characters could hold 130 bits;
* no dots, so that an identifier is one token of a topic;
* chance is an argument: whoever makes an identifier brings the random bits.

Left out on purpose: any meaning. Nothing can be read from an identifier but its kind; a VIN lives
only in build and registry.
"""

import re
from collections.abc import Callable
from typing import NewType

from monocoque.contracts.errors import IdentifierMalformed

CarId = NewType("CarId", str)
HomeId = NewType("HomeId", str)
OrderId = NewType("OrderId", str)
QuoteId = NewType("QuoteId", str)
PaymentId = NewType("PaymentId", str)
PersonId = NewType("PersonId", str)
SessionId = NewType("SessionId", str)
CommandId = NewType("CommandId", str)
GrantId = NewType("GrantId", str)
CampaignId = NewType("CampaignId", str)
SceneId = NewType("SceneId", str)
RequestId = NewType("RequestId", str)
MessageId = NewType("MessageId", str)
TraceId = NewType("TraceId", str)

PREFIXES = {
    "car": "a car",
    "home": "a home",
    "order": "an order",
    "quote": "a signed price",
    "payment": "one payment",
    "person": "a person",
    "session": "a signed-in browser",
    "command": "one command to a car",
    "grant": "one grant of rights in a car to a key",
    "campaign": "one roll-out of a release to cars",
    "scene": "one scene in a car",
    "request": "one thing that a scene asks of a home",
    "token": "one token of a client of a car's signals",
    "issuer": "one that makes tokens for a car, as the car was told to trust it",
    "act": "one thing asked of one actuator of a car",
    "message": "one message on the bus",
    "trace": "one chain of cause and effect, across machines",
}
"""Every prefix, and what it stands for."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BITS = 128
BODY_CHARACTERS = 26

_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_SHIFTS = range(5 * (BODY_CHARACTERS - 2), -1, -10)
"""Two characters at once: every message is given two identifiers."""

_FORM = re.compile(r"([a-z]+)_([0-7][0-9a-hjkmnp-tv-z]{25})\Z")


def make(prefix: str, random_bits: Callable[[int], int]) -> str:
    """Make a new identifier.

    prefix: one of ``PREFIXES``. random_bits: gives an integer of so many random bits, such as
    ``random.Random.getrandbits`` or ``secrets.randbits``.
    """
    if prefix not in PREFIXES:
        raise IdentifierMalformed(f"There is no identifier prefix {prefix!r}.")
    number = random_bits(RANDOM_BITS)
    return f"{prefix}_" + "".join([_PAIRS[number >> shift & 0x3FF] for shift in _SHIFTS])


def parse(text: str, prefix: str) -> str:
    """Return the text when it is an identifier of that prefix.

    Raises IdentifierMalformed otherwise. The text itself is not repeated in the error: it came
    from outside and may be long.
    """
    match = _FORM.match(text)
    if match is None or match.group(1) != prefix or prefix not in PREFIXES:
        raise IdentifierMalformed(f"This is not an identifier of {PREFIXES.get(prefix, prefix)}.")
    return text


def car_id(text: str) -> CarId:
    """Parse a car's identifier; raises IdentifierMalformed."""
    return CarId(parse(text, "car"))


def home_id(text: str) -> HomeId:
    """Parse a home's identifier; raises IdentifierMalformed."""
    return HomeId(parse(text, "home"))


def order_id(text: str) -> OrderId:
    """Parse an order's identifier; raises IdentifierMalformed."""
    return OrderId(parse(text, "order"))


def person_id(text: str) -> PersonId:
    """Parse a person's identifier; raises IdentifierMalformed."""
    return PersonId(parse(text, "person"))
