"""Topics as a second kind of reader sees them: the same bytes, taken as another message.

Rules: the message of a view has the numbers of the row's, and for each a type that is the same on
the wire; a view is for durable consumers, and nobody publishes by it.

Left out on purpose: live readers. Who hears one message at a time has no need of another form.
"""

import dataclasses
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from monocoque.contracts.topics import CAR_FRAMES, Topic
from monocoque.contracts.wire import telemetry_pb2

MessageType = TypeVar("MessageType", bound=Message)


def _seen_as(row: Topic[Any], message: type[MessageType]) -> Topic[MessageType]:
    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    return Topic(**fields | {"message": message, "published_by": frozenset()})


CAR_FRAMES_IN_BULK: Final = _seen_as(CAR_FRAMES, telemetry_pb2.FramesInBulk)
"""The frames for who takes thousands at once: each array is plain bytes."""

VIEWS: Final[tuple[Topic[Any], ...]] = (CAR_FRAMES_IN_BULK,)
"""Every view."""
