"""The rows of homes and of scenes."""

from typing import Final

from monocoque.contracts.topics.kinds import DAY_S, KIB, Kept, Privacy, Role, Topic
from monocoque.contracts.wire import home_pb2

HOME_HELLO: Final = Topic(
    name="home.{home_id}.hello",
    message=home_pb2.HomeHello,
    published_by=frozenset({Role.HOME}),
    read_by=frozenset({Role.HOMES}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="Authenticated presence of a home, every 10 s and at every connect.",
)

HOME_STATE: Final = Topic(
    name="home.{home_id}.state",
    message=home_pb2.HomeState,
    published_by=frozenset({Role.HOME}),
    read_by=frozenset({Role.HOMES}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The devices of a home as the home itself sees them.",
)

HOME_REQUESTS: Final = Topic(
    name="home.{home_id}.requests",
    message=home_pb2.HomeRequest,
    published_by=frozenset({Role.HOMES}),
    read_by=frozenset({Role.HOME}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="What a scene asks of a home; said live, and again at its hello until it answers.",
)

HOME_OUTCOMES: Final = Topic(
    name="home.{home_id}.outcomes",
    message=home_pb2.HomeOutcome,
    published_by=frozenset({Role.HOME}),
    read_by=frozenset({Role.HOMES}),
    kept=Kept.STREAM_SYNCED,
    retention_s=7 * DAY_S,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="What became of each request of a scene.",
)

HOME_CARS: Final = Topic(
    name="home.{home_id}.cars",
    message=home_pb2.HomeCars,
    published_by=frozenset({Role.HOMES}),
    read_by=frozenset({Role.HOME}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="How the cars that belong to this home are.",
)

CAR_SCENES: Final = Topic(
    name="car.{car_id}.scenes",
    message=home_pb2.CarScenes,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.LINK, Role.HOMES}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The scenes in a car, what they ask of the home right now, and why each ran or not.",
)

SCENES_CHANGED: Final = Topic(
    name="scenes.{car_id}.changed",
    message=home_pb2.ScenesChanged,
    published_by=frozenset({Role.HOMES}),
    read_by=frozenset({Role.HOMES, Role.PHONE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=6_000,
    privacy=Privacy.PERSONAL,
    purpose="Something about the scenes of a car or its home changed; the page reads the records.",
)
