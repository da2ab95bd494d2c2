"""The streams of the NATS server, generated from the rows of contracts/topics.

Rules: one stream per durable topic; made at the server's start, updated when its row changed,
never deleted; every one bounded in bytes, and the oldest goes first. An acknowledgement means "on
disk" (the server runs with ``sync_interval: always``), except on ``Kept.STREAM``, whose sender
keeps its own copy: there the server writes behind.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import nats.errors
from nats.aio.client import Client

from monocoque.contracts.errors import ServerFailed
from monocoque.contracts.topics import Kept, Topic
from monocoque.plumbing.bus.config import NatsServerConfig

_NANOSECONDS: Final = 1_000_000_000
_OTHER_CONFIGURATION: Final = 10058
"""JetStream's error code for a stream that is there with another configuration."""
_SHORT_WINDOW_S: Final = 0.1
"""Where repetition is not looked for; the server wants a window above zero."""


def stream_configuration(topic: Topic[Any], limits: NatsServerConfig) -> dict[str, Any]:
    """The JetStream configuration of a durable topic's stream."""
    keeps_last = topic.kept is Kept.LAST_VALUE
    writes_behind = topic.kept is Kept.STREAM
    retention_s = 0 if keeps_last else topic.retention_s
    window_s = _SHORT_WINDOW_S if writes_behind else limits.duplicate_window_s
    if retention_s:
        window_s = min(window_s, retention_s)
    return {
        "name": topic.stream_name,
        "subjects": [topic.pattern()],
        "storage": "file",
        "retention": "limits",
        "discard": "old",
        "max_age": retention_s * _NANOSECONDS,
        "max_bytes": limits.last_values_bytes_max if keeps_last else limits.stream_bytes_max,
        "max_msgs_per_subject": 1 if keeps_last else -1,
        "allow_direct": keeps_last,
        "duplicate_window": round(window_s * _NANOSECONDS),
        **({"persist_mode": "async"} if writes_behind else {}),
    }


async def ensure_streams(
    client: Client, topics: Sequence[Topic[Any]], limits: NatsServerConfig
) -> None:
    """Make or update the stream of every durable topic; raises ServerFailed."""
    for topic in topics:
        if topic.is_durable:
            configuration = stream_configuration(topic, limits)
            answer = await _ask(client, "CREATE", configuration, limits)
            if answer.get("err_code") == _OTHER_CONFIGURATION:
                answer = await _ask(client, "UPDATE", configuration, limits)
            if answer:
                raise ServerFailed(f"Stream {topic.stream_name}: {answer.get('description')}.")


async def _ask(
    client: Client, verb: str, configuration: dict[str, Any], limits: NatsServerConfig
) -> dict[str, Any]:
    """JetStream's error, or an empty mapping when it did what was asked."""
    subject = f"$JS.API.STREAM.{verb}.{configuration['name']}"
    try:
        answer = await client.request(
            subject, json.dumps(configuration).encode(), timeout=limits.start_timeout_s
        )
    except (TimeoutError, nats.errors.Error) as error:
        raise ServerFailed("The bus server does not answer about its streams.") from error
    error_of: dict[str, Any] = json.loads(answer.data).get("error", {})
    return error_of
