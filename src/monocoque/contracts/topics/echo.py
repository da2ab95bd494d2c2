"""The rows of echo, which prove each way of keeping a topic."""

from typing import Final

from monocoque.contracts.topics.kinds import HOUR_S, KIB, Kept, Privacy, Role, Topic
from monocoque.contracts.wire import echo_pb2

ECHO_REQUESTS: Final = Topic(
    name="echo.{echo_id}.requests",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.STREAM_SYNCED,
    retention_s=HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves synced streams: in worlds, benchmarks and the doctor.",
)

ECHO_ANSWERS: Final = Topic(
    name="echo.{echo_id}.answers",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves live topics: in worlds, benchmarks and the doctor.",
)

ECHO_FRAMES: Final = Topic(
    name="echo.{echo_id}.frames",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.STREAM,
    retention_s=HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves streams that promise nothing, the way a car's frames travel.",
)

ECHO_STATE: Final = Topic(
    name="echo.{echo_id}.state",
    message=echo_pb2.Echo,
    published_by=frozenset({Role.ECHO}),
    read_by=frozenset({Role.ECHO}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=6_000_000,
    privacy=Privacy.NOTHING,
    purpose="Proves last values: in worlds, benchmarks and the doctor.",
)
