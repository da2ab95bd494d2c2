"""Sabotage: the product broken on purpose, in the wiring of a world, to see it found out.

Rules:

* a sabotage stands between services and one of their ports; the services themselves are whole, and
  whoever judges the world looks past it, at what is really on record and was really said;
* each is named by the invariant that finds it out, in ``SABOTAGES``. Others may find it out, too.

Left out on purpose: who finds it out, which is in invariants.py, deeds.py, sales.py and spools.py.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from google.protobuf.message import Message
from sqlalchemy import Connection, delete, insert, update

from monocoque.car.body.logic import DRIVER_DOOR
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.topics import CAR_BODY, CAR_COMMANDS, CAR_FRAMES, Role, Topic
from monocoque.contracts.wire.home_pb2 import HomeRequest
from monocoque.plumbing.bus.port import Bus, Outgoing
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.lake.port import Batch, Lake, LakeTable
from monocoque.plumbing.records.port import Records
from monocoque.roles.table import MachineKind
from monocoque.sim.power import FencedBus, Life
from monocoque.sim.sabotage_disk import Pretending, Scribbling
from monocoque.sim.tables import (
    ACTS,
    BODIES,
    CAMPAIGN_COUNTS,
    CAMPAIGN_MEMBERS,
    CAMPAIGNS,
    COMMAND_LINES,
    KEY_WINDOWS,
    LEDGER,
    ORDERS,
    UPDATES,
    WEEKS,
    count_in,
    rows_in,
    table_of,
)

MessageType = TypeVar("MessageType", bound=Message)
Result = TypeVar("Result")
AGAIN_S: Final = 5.0
"""How long after a command its copy comes."""
OVERCHARGED_PERCENT: Final = 120.0
HOUR_US: Final = 3_600_000_000
AGAIN: Final = ".again"
"""Marks the copy of an order."""


@dataclass(frozen=True)
class Place:
    """Where in a world a port is."""

    machine_id: str
    kind: MachineKind
    role: Role
    is_uplink: bool = False
    """Whether it leads from a car to the cell."""


class Sabotage:
    """Breaks nothing; those that do override some of these."""

    def records(self, _place: Place, records: Records) -> Records:
        """What stands before the records of a service."""
        return records

    def lake(self, lake: Lake) -> Lake:
        """What stands before the lake."""
        return lake

    def bus(self, _place: Place, bus: Bus) -> Bus:
        """What stands before a connection of a service."""
        return bus

    def disk(self, disk: Disk) -> Disk:
        """What stands before the disk of a car."""
        return disk


NOTHING_BROKEN: Final = Sabotage()


# --- what breaks a port ---------------------------------------------------------------------------


class _BadRecords:
    """Records that do more, or less, than they were asked."""

    def __init__(
        self, inner: Records, before: Callable[[Connection], None], lost: str = ""
    ) -> None:
        """before: done first in each transaction. lost: the table of
        which additions are taken and lost."""
        self._inner = inner
        self._before = before
        self._lost = lost

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""

        def badly(connection: Connection) -> Result:
            self._before(connection)
            if not self._lost:
                return work(connection)
            counted = count_in(connection, self._lost)
            with connection.begin_nested() as savepoint:
                result = work(connection)
                if count_in(connection, self._lost) > counted:
                    savepoint.rollback()
            return result

        return await self._inner.transact(badly)

    async def close(self) -> None:
        """See Records."""
        await self._inner.close()


class _BadBus(FencedBus):
    """A connection that says something else than it was asked."""

    def __init__(self, inner: Bus) -> None:
        super().__init__(inner, Life("sabotage", "bus", 1))


class _Repeating(_BadBus):
    """Says every command twice."""

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        await super().publish(topic, message, **identifiers)
        if topic.name == CAR_COMMANDS.name:
            await asyncio.sleep(AGAIN_S)
            await super().publish(topic, message, **identifiers)


class _Misnaming(_BadBus):
    """Says how another car is."""

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        if topic.name == CAR_BODY.name:
            identifiers = {"car_id": identifiers["car_id"][::-1]}
        await super().publish(topic, message, **identifiers)


class _AskingAgain(_BadBus):
    """Asks everything of a home twice, the second time by another name."""

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        await super().publish(topic, message, **identifiers)
        if isinstance(message, HomeRequest):
            message.request_id = _other(message.request_id)
            message.header.message_id = _other(message.header.message_id)
            await super().publish(topic, message, **identifiers)


class _Dawdling(_BadBus):
    """Asks everything of a home when its time is over, and says that it is not."""

    async def publish(
        self, topic: Topic[MessageType], message: MessageType, **identifiers: str
    ) -> None:
        """See Bus."""
        if isinstance(message, HomeRequest):
            lasts_us = message.expires_at_us - message.occurred_at_us
            await asyncio.sleep(lasts_us / 1_000_000 + AGAIN_S)
            message.expires_at_us += lasts_us + HOUR_US
        await super().publish(topic, message, **identifiers)


def _other(identifier: str) -> str:
    """An identifier like this one."""
    return identifier[:-1] + ("1" if identifier[-1] == "0" else "0")


class _Swallowing(_BadBus):
    """Takes frames, and passes none on."""

    async def publish_batch(
        self, topic: Topic[MessageType], outgoing: Sequence[Outgoing[MessageType]]
    ) -> None:
        """See Bus."""
        if topic.name != CAR_FRAMES.name:
            await super().publish_batch(topic, outgoing)


class _Doubling:
    """A lake that writes every batch twice."""

    def __init__(self, inner: Lake) -> None:
        self._inner = inner

    async def last_batch(self, table: LakeTable, writer: str) -> int:
        """See Lake."""
        return await self._inner.last_batch(table, writer)

    async def append(self, table: LakeTable, writer: str, batch: Batch) -> None:
        """See Lake."""
        await self._inner.append(table, writer, batch)
        await self._inner.append(table, f"{writer} again", batch)

    async def close(self) -> None:
        """See Lake."""
        await self._inner.close()


# --- each sabotage --------------------------------------------------------------------------------


class _ForgetfulCar(Sabotage):
    """The car forgets which commands it dealt with, and each comes twice."""

    def records(self, place: Place, records: Records) -> Records:
        """See Sabotage."""
        return _BadRecords(records, _forget) if place.kind is MachineKind.CAR else records

    def bus(self, place: Place, bus: Bus) -> Bus:
        """See Sabotage."""
        is_link = place.role is Role.LINK and not place.is_uplink
        return _Repeating(bus) if is_link else bus


class _LosingRecords(Sabotage):
    """Records of one kind of machine take what is added to a table, and lose it."""

    def __init__(self, kind: MachineKind, table: str) -> None:
        self._kind = kind
        self._table = table

    def records(self, place: Place, records: Records) -> Records:
        """See Sabotage."""
        if place.kind is not self._kind:
            return records
        return _BadRecords(records, _nothing, self._table)


class MeddlingRecords(Sabotage):
    """Somebody changes records of one kind of machine behind the services' backs."""

    def __init__(self, kind: MachineKind, meddle: Callable[[Connection], None]) -> None:
        self._kind = kind
        self._meddle = meddle

    def records(self, place: Place, records: Records) -> Records:
        """See Sabotage."""
        return _BadRecords(records, self._meddle) if place.kind is self._kind else records


class _BusOf(Sabotage):
    """The connection of one role is a bad one."""

    def __init__(
        self,
        role: Role,
        make: Callable[[Bus], Bus],
        *,
        is_uplink: bool = False,
        kind: MachineKind = MachineKind.CAR,
    ) -> None:
        self._role = role
        self._kind = kind
        self._make = make
        self._is_uplink = is_uplink

    def bus(self, place: Place, bus: Bus) -> Bus:
        """See Sabotage."""
        is_it = place.kind is self._kind and place.role is self._role
        return self._make(bus) if is_it and place.is_uplink == self._is_uplink else bus


class _DoubledLake(Sabotage):
    """The lake writes twice."""

    def lake(self, lake: Lake) -> Lake:
        """See Sabotage."""
        return _Doubling(lake)


class _BadDisk(Sabotage):
    """The disk of every car is a bad one."""

    def __init__(self, make: Callable[[Disk], Disk]) -> None:
        self._make = make

    def disk(self, disk: Disk) -> Disk:
        """See Sabotage."""
        return self._make(disk)


def _nothing(_connection: Connection) -> None:
    """Changes nothing."""


def _forget(connection: Connection) -> None:
    connection.execute(delete(table_of(connection, KEY_WINDOWS)))
    lines = table_of(connection, COMMAND_LINES)
    for row in rows_in(connection, lines.name):
        mine = lines.c.sequence == row.sequence
        values = {"command_sha256": f"forgotten {row.sequence}"}
        connection.execute(update(lines).where(mine).values(values))


def _overcharge(connection: Connection) -> None:
    state = table_of(connection, BODIES)
    for row in rows_in(connection, state.name):
        members = json.loads(row.members) | {"charge_percent": OVERCHARGED_PERCENT}
        mine = state.c.car_id == row.car_id
        connection.execute(update(state).where(mine).values(members=json.dumps(members)))


def _open_doors(connection: Connection) -> None:
    state = table_of(connection, BODIES)
    for row in rows_in(connection, state.name):
        members = json.loads(row.members) | {"doors_open": [DRIVER_DOOR]}
        mine = state.c.car_id == row.car_id
        connection.execute(update(state).where(mine).values(members=json.dumps(members)))


def _forget_sold_places(connection: Connection) -> None:
    connection.execute(update(table_of(connection, WEEKS)).values(taken=0))


def _double_orders(connection: Connection) -> None:
    orders = table_of(connection, ORDERS)
    known = {row.order_id: row for row in rows_in(connection, orders.name)}
    for order_id, row in known.items():
        copy: dict[str, Any] = dict(row._mapping)
        for name in ("order_id", "quote_id", "idempotency_key"):
            copy[name] += AGAIN
        if not order_id.endswith(AGAIN) and copy["order_id"] not in known:
            connection.execute(insert(orders).values(copy))


def _keep_a_cent(connection: Connection) -> None:
    ledger = table_of(connection, LEDGER)
    c = ledger.c
    is_even = (c.number == 1) & (c.amount_minor % 2 == 0)
    connection.execute(update(ledger).where(is_even).values(amount_minor=c.amount_minor + 1))


def _agree(connection: Connection) -> None:
    """Whatever the car has fetched, its owner agrees to."""
    memory = table_of(connection, UPDATES)
    parts = {row.part: row for row in rows_in(connection, memory.name)}
    plan = json.loads(parts["journal"].members)["plan"] if "journal" in parts else None
    if plan is None:
        return
    consent = {"release_number": plan["release_number"], "agreed": True, "said_us": 0}
    mine = (memory.c.car_id == parts["journal"].car_id) & (memory.c.part == "consent")
    values = {"members": json.dumps(consent)}
    if "consent" in parts:
        connection.execute(update(memory).where(mine).values(values))
    else:
        key = {"car_id": parts["journal"].car_id, "part": "consent"}
        connection.execute(insert(memory).values(key | values))


def _go_on(connection: Connection) -> None:
    """Orders that were called off are waited with, as if nobody had."""
    orders = table_of(connection, ORDERS)
    is_off = orders.c.state == "cancelled"
    connection.execute(update(orders).where(is_off).values(state="expired"))


def _count_one_more(connection: Connection) -> None:
    counts = table_of(connection, CAMPAIGN_COUNTS)
    for row in rows_in(connection, counts.name)[:1]:
        mine = (counts.c.campaign_id == row.campaign_id) & (counts.c.wave == row.wave)
        connection.execute(update(counts).where(mine).values(cars=counts.c.cars + 1))


def _join_another(connection: Connection) -> None:
    """Whoever is in a campaign is in another one too, and both go on for ever."""
    for name in (CAMPAIGNS, CAMPAIGN_MEMBERS, CAMPAIGN_COUNTS):
        rows = rows_in(connection, name)
        known = {row.campaign_id for row in rows}
        for row in rows:
            other = row.campaign_id + AGAIN
            if other not in known and not row.campaign_id.endswith(AGAIN):
                copy = dict(row._mapping) | {"campaign_id": other}
                connection.execute(insert(table_of(connection, name)).values(copy))
    connection.execute(update(table_of(connection, CAMPAIGNS)).values(state="running"))
    connection.execute(update(table_of(connection, CAMPAIGN_MEMBERS)).values(phase="waiting"))


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "done_twice": _ForgetfulCar(),
    "done_without_act": _LosingRecords(MachineKind.CAR, ACTS),
    "order_lost": _LosingRecords(MachineKind.CELL, ORDERS),
    "order_doubled": MeddlingRecords(MachineKind.CELL, _double_orders),
    "slot_sold_twice": MeddlingRecords(MachineKind.CELL, _forget_sold_places),
    "ledger_unbalanced": MeddlingRecords(MachineKind.CELL, _keep_a_cent),
    "charge_out_of_range": MeddlingRecords(MachineKind.CAR, _overcharge),
    "door_open": MeddlingRecords(MachineKind.CAR, _open_doors),
    "foreign_topic": _BusOf(Role.CAR, _Misnaming, is_uplink=False),
    "spool_never_emptied": _BusOf(Role.LINK, _Swallowing, is_uplink=True),
    "frame_twice": _DoubledLake(),
    "scene_twice": _BusOf(Role.HOMES, _AskingAgain, kind=MachineKind.CELL),
    "scene_late": _BusOf(Role.HOMES, _Dawdling, kind=MachineKind.CELL),
    "half_updated": _BadDisk(Pretending),
    "release_unsigned": _BadDisk(Scribbling),
    "update_unagreed": MeddlingRecords(MachineKind.CAR, _agree),
    "two_campaigns": MeddlingRecords(MachineKind.CELL, _join_another),
    "campaign_miscounted": MeddlingRecords(MachineKind.CELL, _count_one_more),
    "called_off_in_vain": MeddlingRecords(MachineKind.CELL, _go_on),
}
"""Each sabotage, by the invariant that finds it out."""


def find_sabotage(name: str) -> Sabotage:
    """The sabotage of that name, or none for an empty one; raises SettingInvalid."""
    if not name:
        return NOTHING_BROKEN
    if name not in SABOTAGES:
        raise SettingInvalid(
            f"There is no sabotage {name}.", hint=f"Say one of: {', '.join(SABOTAGES)}."
        )
    return SABOTAGES[name]
