"""Who may say and hear what: the rows of contracts/topics, asked for one participant.

Rules:

* a role publishes and reads the topics whose row names it, and no others;
* an identity with identifiers (a car) touches only subjects that carry all of them, with its own
  values; where it leaves them out when it listens, its own are meant;
* a topic that is not in the table does not exist; a durable consumer may name a view of one.

The memory adapter asks here at run time. The NATS adapter asks here too, so that a refusal is
known at once, and nats_permissions.py generates what the server itself enforces.
"""

import re
from typing import Any

from monocoque.contracts.errors import TopicRefused, TopicUnknown
from monocoque.contracts.topics import TOPICS, Kept, Topic
from monocoque.contracts.views import VIEWS
from monocoque.plumbing.bus.port import Identity

_CONSUMER_NAME = re.compile(r"[A-Za-z0-9_]{1,64}\Z")
_ROWS = {topic.name: topic for topic in TOPICS}


def publish_subject(identity: Identity, topic: Topic[Any], identifiers: dict[str, str]) -> str:
    """The subject on which this identity may publish.

    Raises TopicRefused when it may not, TopicUnknown when there is no such row or an identifier
    is missing or misshapen.
    """
    _check_row(topic)
    if identity.role not in topic.published_by:
        raise TopicRefused(f"{identity.role.value} may not publish on {topic.name}.")
    _check_own(identity, topic, identifiers)
    return topic.subject(**identifiers)


def read_pattern(identity: Identity, topic: Topic[Any], identifiers: dict[str, str]) -> str:
    """The pattern of subjects that this identity may read; raises as ``publish_subject`` does."""
    _check_row(topic)
    _check_reads(identity, topic)
    own = {name: value for name, value in identity.identifiers.items() if name not in identifiers}
    completed = identifiers | own
    _check_own(identity, topic, completed)
    return topic.pattern(**completed)


def read_subject(identity: Identity, topic: Topic[Any], identifiers: dict[str, str]) -> str:
    """The one subject whose last value this identity may read; raises like the others."""
    pattern = read_pattern(identity, topic, identifiers)
    check_keeps_last_value(topic)
    if "*" in pattern:
        raise TopicUnknown(f"{topic.name} needs every identifier to name one subject.")
    return pattern


def check_consumer(identity: Identity, topic: Topic[Any], name: str) -> None:
    """Whether this identity may have a durable consumer of that name; raises TopicRefused.

    Identities outside the cell may not: one stream cannot carry a consumer per car.
    """
    if not any(view is topic for view in VIEWS):
        _check_row(topic)
    _check_reads(identity, topic)
    if identity.identifiers:
        raise TopicRefused("A machine outside the cell has no durable consumer on a stream.")
    if topic.kept not in {Kept.STREAM, Kept.STREAM_SYNCED}:
        raise TopicRefused(f"{topic.name} is no stream, so it has no durable consumers.")
    if not _CONSUMER_NAME.match(name):
        raise TopicRefused("A consumer's name is 1 to 64 letters, digits and underscores.")


def check_keeps_last_value(topic: Topic[Any]) -> None:
    """Whether the topic keeps last values; raises TopicRefused."""
    if topic.kept is not Kept.LAST_VALUE:
        raise TopicRefused(f"{topic.name} keeps no last value.")


def _check_row(topic: Topic[Any]) -> None:
    if _ROWS.get(topic.name) is not topic:
        raise TopicUnknown(f"The table of topics has no row {topic.name}.")


def _check_reads(identity: Identity, topic: Topic[Any]) -> None:
    if identity.role not in topic.read_by:
        raise TopicRefused(f"{identity.role.value} may not read {topic.name}.")


def _check_own(identity: Identity, topic: Topic[Any], identifiers: dict[str, str]) -> None:
    for name, value in identity.identifiers.items():
        if name not in topic.identifier_names or identifiers.get(name) != value:
            raise TopicRefused(f"This {identity.role.value} may touch only its own {topic.name}.")
