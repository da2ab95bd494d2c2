"""The table of topics: everything that may be said on a bus.

Rules:

* a message travels only on a topic that has a row here; adapters generate streams, rights and
  limits from the rows, and refuse everything else;
* a row says who publishes and who reads, by role; nobody else may, on any adapter;
* braces mark the identifiers in a name: ``car.{car_id}.hello``;
* a participant that is itself one of those identifiers (a car) touches its own topics only;
* every message has the ``Header`` of proto/monocoque/contracts/wire/header.proto as field 1;
* changes are additive: a field or a row is added, never changed in meaning or reused.

docs/protocol/topics.md shows every row; tests/tidy.py holds the two together.
Left out on purpose: how a topic is carried. Streams and permissions are the bus adapters'.
"""

from functools import lru_cache
from typing import Any, Final

from monocoque.contracts.errors import TopicUnknown
from monocoque.contracts.topics.car import CAR_BODY as CAR_BODY
from monocoque.contracts.topics.car import CAR_COMMANDS as CAR_COMMANDS
from monocoque.contracts.topics.car import CAR_EVENTS as CAR_EVENTS
from monocoque.contracts.topics.car import CAR_FRAMES as CAR_FRAMES
from monocoque.contracts.topics.car import CAR_FRAMES_CONFIRMED as CAR_FRAMES_CONFIRMED
from monocoque.contracts.topics.car import CAR_HELLO as CAR_HELLO
from monocoque.contracts.topics.car import CAR_PRESENCE as CAR_PRESENCE
from monocoque.contracts.topics.car import CAR_RECEIPTS as CAR_RECEIPTS
from monocoque.contracts.topics.car import CAR_RECEIPTS_CONFIRMED as CAR_RECEIPTS_CONFIRMED
from monocoque.contracts.topics.car import CAR_STATE as CAR_STATE
from monocoque.contracts.topics.car import COMMAND_CHANGED as COMMAND_CHANGED
from monocoque.contracts.topics.car import TWIN_CHANGED as TWIN_CHANGED
from monocoque.contracts.topics.echo import ECHO_ANSWERS as ECHO_ANSWERS
from monocoque.contracts.topics.echo import ECHO_FRAMES as ECHO_FRAMES
from monocoque.contracts.topics.echo import ECHO_REQUESTS as ECHO_REQUESTS
from monocoque.contracts.topics.echo import ECHO_STATE as ECHO_STATE
from monocoque.contracts.topics.factory import BUILD_EVENTS as BUILD_EVENTS
from monocoque.contracts.topics.factory import HAND_OVER_ANSWERS as HAND_OVER_ANSWERS
from monocoque.contracts.topics.factory import HAND_OVER_REQUESTS as HAND_OVER_REQUESTS
from monocoque.contracts.topics.factory import ORDER_CHANGED as ORDER_CHANGED
from monocoque.contracts.topics.factory import ORDER_EVENTS as ORDER_EVENTS
from monocoque.contracts.topics.home import CAR_SCENES as CAR_SCENES
from monocoque.contracts.topics.home import HOME_CARS as HOME_CARS
from monocoque.contracts.topics.home import HOME_HELLO as HOME_HELLO
from monocoque.contracts.topics.home import HOME_OUTCOMES as HOME_OUTCOMES
from monocoque.contracts.topics.home import HOME_REQUESTS as HOME_REQUESTS
from monocoque.contracts.topics.home import HOME_STATE as HOME_STATE
from monocoque.contracts.topics.home import SCENES_CHANGED as SCENES_CHANGED
from monocoque.contracts.topics.kinds import DAY_S as DAY_S
from monocoque.contracts.topics.kinds import HOUR_S as HOUR_S
from monocoque.contracts.topics.kinds import KIB as KIB
from monocoque.contracts.topics.kinds import Kept as Kept
from monocoque.contracts.topics.kinds import Privacy as Privacy
from monocoque.contracts.topics.kinds import Role as Role
from monocoque.contracts.topics.kinds import Topic as Topic
from monocoque.contracts.topics.updates import CAMPAIGN_CHANGED as CAMPAIGN_CHANGED
from monocoque.contracts.topics.updates import CAR_UPDATE_DIRECTIONS as CAR_UPDATE_DIRECTIONS
from monocoque.contracts.topics.updates import CAR_UPDATE_MANIFEST as CAR_UPDATE_MANIFEST
from monocoque.contracts.topics.updates import UPDATE_CHANGED as UPDATE_CHANGED

SUBJECTS_REMEMBERED_MAX: Final = 10_000

TOPICS: Final[tuple[Topic[Any], ...]] = (
    CAR_HELLO,
    CAR_STATE,
    CAR_PRESENCE,
    CAR_EVENTS,
    CAR_BODY,
    CAR_COMMANDS,
    CAR_RECEIPTS,
    CAR_RECEIPTS_CONFIRMED,
    COMMAND_CHANGED,
    TWIN_CHANGED,
    HAND_OVER_REQUESTS,
    HAND_OVER_ANSWERS,
    CAR_FRAMES,
    CAR_FRAMES_CONFIRMED,
    ORDER_EVENTS,
    ORDER_CHANGED,
    BUILD_EVENTS,
    CAR_UPDATE_MANIFEST,
    CAR_UPDATE_DIRECTIONS,
    UPDATE_CHANGED,
    CAMPAIGN_CHANGED,
    HOME_HELLO,
    HOME_STATE,
    HOME_REQUESTS,
    HOME_OUTCOMES,
    HOME_CARS,
    CAR_SCENES,
    SCENES_CHANGED,
    ECHO_REQUESTS,
    ECHO_ANSWERS,
    ECHO_FRAMES,
    ECHO_STATE,
)
"""Every row."""


def _by_ends() -> dict[tuple[str, str], list[Topic[Any]]]:
    """The rows by the first and the last word of their subjects, which are never identifiers."""
    found: dict[tuple[str, str], list[Topic[Any]]] = {}
    for topic in TOPICS:
        found.setdefault((topic.tokens[0], topic.tokens[-1]), []).append(topic)
    return found


_BY_ENDS: Final = _by_ends()


@lru_cache(SUBJECTS_REMEMBERED_MAX)
def find(subject: str) -> Topic[Any]:
    """The row that a subject belongs to; raises TopicUnknown."""
    for topic in _BY_ENDS.get((subject.partition(".")[0], subject.rpartition(".")[2]), ()):
        if topic.identifiers(subject) is not None:
            return topic
    raise TopicUnknown("No row of the table of topics has this subject.")
