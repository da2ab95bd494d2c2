"""Headers: every message says who made it when, and to which chain of events it belongs.

Rules: ``version`` is the highest that this code writes; a message that already has a header keeps
its ``message_id``, so that saying it again is recognised as the same; a message that follows from a
request or from another message keeps that one's ``trace_id``.
"""

from random import Random

from google.protobuf.message import Message

from monocoque.contracts import identifiers
from monocoque.contracts.wire.header_pb2 import Header
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.logging import current_trace_id

HEADER_VERSION = 1
"""The version of meaning that this code writes and reads."""


def header_of(message: Message) -> Header:
    """The header, which every wire message has as its field 1."""
    header: Header = message.header  # type: ignore[attr-defined]  # protobuf's base class has none
    return header


def stamp(
    message: Message,
    clock: Clock,
    random: Random,
    *,
    trace_id: str | None = None,
    expires_in_s: float | None = None,
) -> None:
    """Give the message its header, unless it has one.

    trace_id: the chain it belongs to; when None it is the one that is bound (logging.py), and a new
    one where none is. expires_in_s: after this
    many seconds it has no effect any more; None means never.
    """
    header = header_of(message)
    if header.message_id:
        return
    header.version = HEADER_VERSION
    header.message_id = identifiers.make("message", random.getrandbits)
    chain = trace_id or current_trace_id()
    header.trace_id = chain or identifiers.make("trace", random.getrandbits)
    header.occurred_at_us = clock.now_us()
    if expires_in_s is not None:
        header.expires_at_us = header.occurred_at_us + round(expires_in_s * 1_000_000)
