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
from sqlalchemy import Connection, Table, delete, func, insert, select, update

from monocoque.car.body import records as body
from monocoque.car.commands import records as commands
from monocoque.car.keys import records as keys
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.topics import CAR_BODY, CAR_COMMANDS, CAR_FRAMES, Role, Topic
from monocoque.plumbing.bus.port import Bus, Outgoing
from monocoque.plumbing.lake.port import Batch, Lake, LakeTable
from monocoque.plumbing.records.port import Records
from monocoque.roles.table import MachineKind
from monocoque.shop.orders import records as orders
from monocoque.shop.payments import records as payments
from monocoque.sim.power import FencedBus, Life

MessageType = TypeVar("MessageType", bound=Message)
Result = TypeVar("Result")
AGAIN_S: Final = 5.0
"""How long after a command its copy comes."""
OVERCHARGED_PERCENT: Final = 120.0


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


NOTHING_BROKEN: Final = Sabotage()


# --- what breaks a port ---------------------------------------------------------------------------


class _BadRecords:
    """Records that do more, or less, than they were asked."""

    def __init__(
        self, inner: Records, before: Callable[[Connection], None], lost: Table | None = None
    ) -> None:
        """before: done first in each transaction. lost: what is added here is taken and lost."""
        self._inner = inner
        self._before = before
        self._lost = lost

    async def transact(self, work: Callable[[Connection], Result]) -> Result:
        """See Records."""

        def badly(connection: Connection) -> Result:
            self._before(connection)
            if self._lost is None:
                return work(connection)
            counted = _count(connection, self._lost)
            with connection.begin_nested() as savepoint:
                result = work(connection)
                if _count(connection, self._lost) > counted:
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

    def __init__(self, kind: MachineKind, table: Table) -> None:
        self._kind = kind
        self._table = table

    def records(self, place: Place, records: Records) -> Records:
        """See Sabotage."""
        if place.kind is not self._kind:
            return records
        return _BadRecords(records, _nothing, self._table)


class _MeddlingRecords(Sabotage):
    """Somebody changes records of one kind of machine behind the services' backs."""

    def __init__(self, kind: MachineKind, meddle: Callable[[Connection], None]) -> None:
        self._kind = kind
        self._meddle = meddle

    def records(self, place: Place, records: Records) -> Records:
        """See Sabotage."""
        return _BadRecords(records, self._meddle) if place.kind is self._kind else records


class _BusOf(Sabotage):
    """The connection of one role is a bad one."""

    def __init__(self, role: Role, make: Callable[[Bus], Bus], *, is_uplink: bool) -> None:
        self._role = role
        self._make = make
        self._is_uplink = is_uplink

    def bus(self, place: Place, bus: Bus) -> Bus:
        """See Sabotage."""
        is_it = place.kind is MachineKind.CAR and place.role is self._role
        return self._make(bus) if is_it and place.is_uplink == self._is_uplink else bus


class _DoubledLake(Sabotage):
    """The lake writes twice."""

    def lake(self, lake: Lake) -> Lake:
        """See Sabotage."""
        return _Doubling(lake)


def _nothing(_connection: Connection) -> None:
    """Changes nothing."""


def _forget(connection: Connection) -> None:
    connection.execute(delete(keys.windows))
    lines = commands.lines.c
    for row in connection.execute(select(lines.sequence)).all():
        mine = lines.sequence == row.sequence
        values = {"command_sha256": f"forgotten {row.sequence}"}
        connection.execute(update(commands.lines).where(mine).values(values))


def _overcharge(connection: Connection) -> None:
    for row in connection.execute(select(body.state)).all():
        members = json.loads(row.members) | {"charge_percent": OVERCHARGED_PERCENT}
        body.set_state(connection, row.car_id, members)


def _forget_sold_places(connection: Connection) -> None:
    connection.execute(update(orders.weeks).values(taken=0))


def _double_orders(connection: Connection) -> None:
    c = orders.orders.c
    for row in connection.execute(select(orders.orders).where(c.quote_id.notlike("%again"))).all():
        copy: dict[str, Any] = dict(row._mapping)
        for name in ("order_id", "quote_id", "idempotency_key"):
            copy[name] = f"{copy[name]}.again"
        known = select(c.order_id).where(c.order_id == copy["order_id"])
        if connection.execute(known).first() is None:
            connection.execute(insert(orders.orders).values(copy))


def _keep_a_cent(connection: Connection) -> None:
    c = payments.ledger.c
    was_booked = (c.number == 1) & (c.amount_minor % 2 == 0)
    connection.execute(
        update(payments.ledger).where(was_booked).values(amount_minor=c.amount_minor + 1)
    )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "done_twice": _ForgetfulCar(),
    "done_without_act": _LosingRecords(MachineKind.CAR, body.acts),
    "order_lost": _LosingRecords(MachineKind.CELL, orders.orders),
    "order_doubled": _MeddlingRecords(MachineKind.CELL, _double_orders),
    "slot_sold_twice": _MeddlingRecords(MachineKind.CELL, _forget_sold_places),
    "ledger_unbalanced": _MeddlingRecords(MachineKind.CELL, _keep_a_cent),
    "charge_out_of_range": _MeddlingRecords(MachineKind.CAR, _overcharge),
    "foreign_topic": _BusOf(Role.CAR, _Misnaming, is_uplink=False),
    "spool_never_emptied": _BusOf(Role.LINK, _Swallowing, is_uplink=True),
    "frame_twice": _DoubledLake(),
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
