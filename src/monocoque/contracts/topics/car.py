"""The rows between a car and its cell, and what the cell says because of a car."""

from typing import Final

from monocoque.contracts.topics.kinds import DAY_S, HOUR_S, KIB, Kept, Privacy, Role, Topic
from monocoque.contracts.wire import car_pb2, command_pb2, telemetry_pb2

CAR_HELLO: Final = Topic(
    name="car.{car_id}.hello",
    message=car_pb2.CarHello,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY, Role.COMMANDS}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="Authenticated presence, every 10 s and at every connect.",
)

CAR_STATE: Final = Topic(
    name="car.{car_id}.state",
    message=car_pb2.CarState,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The last known state of a car, as the car itself sees it.",
)

CAR_PRESENCE: Final = Topic(
    name="car.{car_id}.presence",
    message=car_pb2.CarPresence,
    published_by=frozenset({Role.REGISTRY}),
    read_by=frozenset({Role.CONSOLE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=60,
    privacy=Privacy.PERSONAL,
    purpose="Whether the cell hears a car: at every hello, and once when it falls silent.",
)

CAR_EVENTS: Final = Topic(
    name="car.{car_id}.events",
    message=car_pb2.CarEvent,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.REGISTRY}),
    kept=Kept.STREAM_SYNCED,
    retention_s=7 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="What happened in a car and must not be lost.",
)

CAR_BODY: Final = Topic(
    name="car.{car_id}.body",
    message=command_pb2.CarBody,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.CAR, Role.LINK, Role.TWIN}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=120,
    privacy=Privacy.PERSONAL,
    purpose="How the car is: locks, doors, climate, charge, place; when it changed.",
)

CAR_COMMANDS: Final = Topic(
    name="car.{car_id}.commands",
    message=command_pb2.CommandEnvelope,
    published_by=frozenset({Role.COMMANDS, Role.LINK}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="A command; the mailbox says it live, and again at the car's hello.",
)

CAR_RECEIPTS: Final = Topic(
    name="car.{car_id}.receipts",
    message=command_pb2.CarReceipt,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.LINK, Role.COMMANDS}),
    kept=Kept.STREAM,
    retention_s=7 * DAY_S,
    message_bytes_max=16 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The car's log, line by line: what became of each command.",
)

CAR_RECEIPTS_CONFIRMED: Final = Topic(
    name="car.{car_id}.receipts_confirmed",
    message=command_pb2.ReceiptsConfirmed,
    published_by=frozenset({Role.COMMANDS, Role.LINK}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="How far the cell has the car's log on record; the car says the rest again.",
)

CAR_FRAMES: Final = Topic(
    name="car.{car_id}.frames",
    message=telemetry_pb2.Frames,
    published_by=frozenset({Role.CAR}),
    read_by=frozenset({Role.TELEMETRY}),
    kept=Kept.STREAM,
    retention_s=6 * HOUR_S,
    message_bytes_max=64 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="Telemetry in bulk; the car keeps it in its spool until it is confirmed.",
)

CAR_FRAMES_CONFIRMED: Final = Topic(
    name="car.{car_id}.frames_confirmed",
    message=telemetry_pb2.FramesConfirmed,
    published_by=frozenset({Role.TELEMETRY}),
    read_by=frozenset({Role.CAR}),
    kept=Kept.LAST_VALUE,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="How far the frames of a car are in the lake; the car may drop them from its spool.",
)

COMMAND_CHANGED: Final = Topic(
    name="command.{car_id}.changed",
    message=command_pb2.CommandChanged,
    published_by=frozenset({Role.COMMANDS}),
    read_by=frozenset({Role.COMMANDS, Role.PHONE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=1 * KIB,
    rate_per_minute_max=6_000,
    privacy=Privacy.PERSONAL,
    purpose="Something about a command to this car changed; the page reads the records.",
)

TWIN_CHANGED: Final = Topic(
    name="twin.{car_id}.changed",
    message=command_pb2.CarBody,
    published_by=frozenset({Role.TWIN}),
    read_by=frozenset({Role.HOMES, Role.PHONE}),
    kept=Kept.NOTHING,
    retention_s=0,
    message_bytes_max=4 * KIB,
    rate_per_minute_max=600,
    privacy=Privacy.PERSONAL,
    purpose="The body of a car, once it is on record.",
)
