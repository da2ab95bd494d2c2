"""What the NATS server itself lets each role say and hear, generated from the rows.

Rules:

* a machine outside the cell (a car, a home) is in the account of its kind, which has no streams.
  All it may say reaches the cell's account through ONE service export, ``car.>``. A publisher
  names the subject to which its acknowledgement is written, and in the streams' own account it
  could name another car's topic, so that the acknowledgement would take the place of that car's
  last value. Across the export the server replaces that subject by one of its own making, and it
  does not send an answer back into the export it came through (docs/decisions/0031);
* a car's template holds ``{{name()}}`` where its own identifier stands, so that the server needs
  no list of cars; it reads a last value by its own subject with ``.last`` after it, which the
  cell's account maps to the one question that answers it;
* a service has the subjects of its role and, for each stream it reads, the four questions that a
  durable consumer or a watcher asks, and no others;
* an answer goes to an inbox with the asker's own name, which nobody else may read; to write there
  oneself is how one learns that the server has taken all that went before.

Left out on purpose: rights by person; those are at the edge (contracts/rights.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.topics import Kept, Role, Topic

OUTSIDE: Final = {Role.CAR: "car_id", Role.HOME: "home_id"}
"""Roles of machines outside the cell, each with the identifier that is its name."""

OWN_NAME: Final = "{{name()}}"
INBOX: Final = "_INBOX_"
TURNED_AWAY: Final = "$SYS.SERVER.*.CLIENT.AUTH.ERR"
"""Where the server itself says, to its system account alone, that it refused somebody."""


ACCOUNT_UPDATE: Final = "$SYS.REQ.CLAIMS.UPDATE"
"""Where the server is told, on its system account, what an account is from now on."""


@dataclass(frozen=True)
class Subjects:
    """Where one role may publish and subscribe."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


MQTT_ROOT: Final = "homeassistant"
"""The one first word of every topic of a home's MQTT clients."""
MQTT_SUBJECTS: Final = Subjects(
    publish=(MQTT_ROOT, f"{MQTT_ROOT}.>"),
    subscribe=(MQTT_ROOT, f"{MQTT_ROOT}.>", "$MQTT.sub.>"),
)
"""Where a home's MQTT client may publish and subscribe. The last is where the server itself lets a
client hear what it repeats until it is acknowledged (QoS 1)."""


def subjects(role: Role, topics: Sequence[Topic[Any]]) -> Subjects:
    """The template of a role's permissions."""
    inbox = f"{INBOX}{OWN_NAME}.>"
    said = [topic for topic in topics if role in topic.published_by]
    heard = [topic for topic in topics if role in topic.read_by]
    if role in OUTSIDE:
        asked = [last_subject(_own(role, t)) for t in heard if t.kept is Kept.LAST_VALUE]
    else:
        asked = [question for topic in heard for question in _questions(topic)]
    return Subjects(
        publish=(inbox, *(_own(role, topic) for topic in said), *asked),
        subscribe=(inbox, *(_own(role, topic) for topic in heard)),
    )


def last_subject(subject: str) -> str:
    """Where a machine outside the cell asks for the last value of a subject."""
    return f"{subject}.last"


def service_export(role: Role, topics: Sequence[Topic[Any]]) -> str:
    """The one subject through which a role outside the cell speaks into it.

    Raises SettingInvalid when its rows have no first word in common: two exports would open a way
    from one into the other.
    """
    roots = {t.tokens[0] for t in topics if role in t.published_by or _asks_for_last(role, t)}
    if len(roots) != 1:
        raise SettingInvalid(f"The topics of {role.value} must share their first word.")
    return f"{roots.pop()}.>"


def stream_exports(role: Role, topics: Iterable[Topic[Any]]) -> list[str]:
    """What a role outside the cell hears of what is said in it."""
    return [topic.pattern() for topic in topics if role in topic.read_by]


def mappings(topics: Sequence[Topic[Any]]) -> dict[str, str]:
    """From the question of a machine outside the cell to the server's own."""
    found = {}
    for topic in topics:
        if any(_asks_for_last(role, topic) for role in OUTSIDE):
            filled, count = [], 0
            for word in topic.pattern().split("."):
                count += word == "*"
                filled.append(f"{{{{wildcard({count})}}}}" if word == "*" else word)
            question = f"$JS.API.DIRECT.GET.{topic.stream_name}.{'.'.join(filled)}"
            found[last_subject(topic.pattern())] = question
    return found


def _asks_for_last(role: Role, topic: Topic[Any]) -> bool:
    return role in topic.read_by and topic.kept is Kept.LAST_VALUE


def _own(role: Role, topic: Topic[Any]) -> str:
    own_name = OUTSIDE.get(role)
    tokens = (
        OWN_NAME if token == f"{{{own_name}}}" else "*" if token.startswith("{") else token
        for token in topic.tokens
    )
    return ".".join(tokens)


def _questions(topic: Topic[Any]) -> list[str]:
    stream = topic.stream_name
    fetch = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.*"
    if topic.kept is Kept.NOTHING:
        return []
    if topic.kept is Kept.LAST_VALUE:
        return [
            f"$JS.API.DIRECT.GET.{stream}.{topic.pattern()}",
            f"$JS.API.CONSUMER.CREATE.{stream}.*.>",
            fetch,
        ]
    return [f"$JS.API.CONSUMER.CREATE.{stream}.*", fetch, f"$JS.ACK.{stream}.>"]
