"""What is written down when an order changes: the line in its list, and the event for the factory.

Rules:

* both are written in the transaction of the change, with one number, so that neither is without
  the other;
* the identifiers of an event follow from the order and the number, so an event that is said again,
  or made again by a transaction that ran twice, is the same.

Left out on purpose: when it is said (saying.py).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from monocoque.contracts import identifiers
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import HEADER_VERSION


def change_row(
    order_id: str, number: int, kind: str, state: str, at_us: int, detail: Mapping[str, Any]
) -> dict[str, Any]:
    """A line of what changed."""
    return {
        "order_id": order_id,
        "number": number,
        "kind": kind,
        "state": state,
        "at_us": at_us,
        "detail": json.dumps(dict(detail), sort_keys=True),
    }


def event_row(
    order_id: str,
    number: int,
    state: str,
    at_us: int,
    *,
    catalogue_version: str,
    options: list[str],
    week_us: int,
) -> dict[str, Any]:
    """The event that tells of it, for the outbox."""
    event = order_pb2.OrderEvent(
        sequence=number,
        state=state,
        catalogue_version=catalogue_version,
        options=options,
        week_begins_us=week_us,
    )
    event.header.version = HEADER_VERSION
    event.header.message_id = _derived("message", f"{order_id}.{number}")
    event.header.trace_id = _derived("trace", order_id)
    event.header.occurred_at_us = at_us
    return {
        "order_id": order_id,
        "number": number,
        "at_us": at_us,
        "payload": event.SerializeToString(),
    }


def _derived(prefix: str, cause: str) -> str:
    digest = hashlib.sha256(cause.encode()).digest()
    return identifiers.make(prefix, lambda bits: int.from_bytes(digest[: bits // 8], "big"))
