"""The rows of updates: what a car has, what it is to install, and that something changed."""

from typing import Final

from monocoque.contracts.topics.kinds import KIB, Kept, Privacy, Role, Topic
from monocoque.contracts.wire import update_pb2

CAR_UPDATE_MANIFEST: Final = Topic(
    name="car.{car_id}.update_manifest",
    message=update_pb2.UpdateManifest,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.LINK, Role.CAMPAIGNS}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=120,
    privacy=Privacy.PERSONAL,
    purpose="What is installed in a car and how its update is going, signed by the car; its poll.",
)

CAR_UPDATE_DIRECTIONS: Final = Topic(
    name="car.{car_id}.update_directions",
    message=update_pb2.UpdateDirections,
    published_by=frozenset({Role.CAMPAIGNS, Role.LINK}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=256 * KIB,
    rate_per_minute_max=120,
    privacy=Privacy.PERSONAL,
    purpose="What the director says that this car is to install.",
)

UPDATE_CHANGED: Final = Topic(
    name="update.{car_id}.changed",
    message=update_pb2.UpdateChanged,
    published_by=frozenset({Role.CAMPAIGNS}),
    read_by=frozenset({Role.PHONE, Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="Something about the update of a car changed; the page reads the records.",
)

CAMPAIGN_CHANGED: Final = Topic(
    name="campaign.{campaign_id}.changed",
    message=update_pb2.UpdateChanged,
    published_by=frozenset({Role.CAMPAIGNS}),
    read_by=frozenset({Role.CAMPAIGNS, Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.NOTHING,
    purpose="Somebody started or changed a campaign, or it went on; who wants to know reads the "
    "records.",
)
