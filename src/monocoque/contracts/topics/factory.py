"""The rows of orders, of cars being built, and of their hand-over."""

from typing import Final

from monocoque.contracts.topics.kinds import DAY_S, KIB, Kept, Privacy, Role, Topic
from monocoque.contracts.wire import command_pb2, order_pb2

HAND_OVER_REQUESTS: Final = Topic(
    name="factory.{car_id}.hand_over_requests",
    message=command_pb2.HandOverRequest,
    published_by=frozenset({Role.PAIRING}),
    read_by=frozenset({Role.FACTORY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="An owner's key asks the maker for the first grant.",
)

HAND_OVER_ANSWERS: Final = Topic(
    name="factory.{car_id}.hand_over_answers",
    message=command_pb2.HandOverAnswer,
    published_by=frozenset({Role.FACTORY}),
    read_by=frozenset({Role.PAIRING}),
    kept=Kept.STREAM_SYNCED,
    retention_s=DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="The first grant of a car, or why there is none.",
)

ORDER_EVENTS: Final = Topic(
    name="order.{order_id}.events",
    message=order_pb2.OrderEvent,
    published_by=frozenset({Role.ORDERS}),
    read_by=frozenset({Role.FACTORY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=30 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="What happened to an order; the factory builds what was paid.",
)

ORDER_CHANGED: Final = Topic(
    name="order.{order_id}.changed",
    message=order_pb2.OrderChanged,
    published_by=frozenset({Role.ORDERS}),
    read_by=frozenset({Role.ORDERS, Role.SHOP, Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="Something about an order changed; the page reads the records, and so does the book of "
    "orders, which may have something to do.",
)

BUILD_EVENTS: Final = Topic(
    name="build.{order_id}.events",
    message=order_pb2.BuildEvent,
    published_by=frozenset({Role.FACTORY}),
    read_by=frozenset({Role.ORDERS, Role.REGISTRY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=30 * DAY_S,
    message_bytes_max=256 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="What happened to the car of an order: scheduled, built with its record, delivered.",
)
