"""What must hold in a world, watched all along; a violation is named, and never stops the world.

By the names in ``INVARIANTS``, those of echo, two of the body and one of the registry:

* what is said on a bus belongs there: its subject is a row's, of a machine that exists, and who
  asks asks as itself;
* a car says of itself what can be: a charge, and doors that are shut while it drives or is
  locked;
* on the bus, an asker's questions are first said in their order, without a gap;
* on record, every question is dealt with at most once, in the asker's order, and was asked;
* an answer that an asker noted is on the answerer's record;
* at the end, every question asked before the last calm is dealt with, and its answer noted;
* at the end, the cars that the registry counts as online are those whose hello the cell's bus took
  within the registry's window.

Left out on purpose: the registry before the end, when clocks jump and hellos get lost on the way.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.errors import TopicUnknown
from monocoque.contracts.topics import CAR_BODY, CAR_HELLO, ECHO_REQUESTS, find
from monocoque.contracts.wire import command_pb2, echo_pb2
from monocoque.plumbing.records.port import Records
from monocoque.sim.echo.records import answered, questions
from monocoque.sim.power import LIVING

INVARIANTS: Final = {
    "foreign_topic": "a message on a topic that is not its speaker's",
    "charge_out_of_range": "a battery was said to hold less than nothing, or more than all",
    "door_open": "a car drove, or was locked, with a door open",
    "said_out_of_order": "a question was first said before the one before it",
    "answered_twice": "one question was dealt with twice",
    "answered_out_of_order": "a question was dealt with before the one before it",
    "answered_unasked": "a question was dealt with that nobody asked",
    "noted_unanswered": "an asker noted an answer that the answerer did not give",
    "never_answered": "a question was not dealt with by the end",
    "online_unlike_hellos": "a car was online without a hello, or had said one and was not",
    "never_noted": "an answer was not noted by the end",
}
PARK: Final = "park"
OF_THE_CELL: Final = frozenset({"order_id", "campaign_id"})
"""What subjects are about that no car and no home speaks of."""
ON_ITS_WAY_US: Final = 2_000_000
"""A hello is on record so long after the bus took it, at most, when nothing fails."""
VIOLATIONS_MAX: Final = 100
"""No more than this are kept; the rest are only counted."""


@dataclass(frozen=True)
class Violation:
    """One invariant that did not hold."""

    invariant: str
    what: str


class Invariants:
    """Watches one world."""

    def __init__(self, cell: Records, now_us: Callable[[], int], registry: RegistryConfig) -> None:
        """Build it.

        cell: the records of answerer and registry. now_us: the time that the cell's hardware shows.
        registry: the limits that it runs with.
        """
        self._online_window_us = registry.online_window_s * 1_000_000
        self.violations: list[Violation] = []
        self.counted: Counter[str] = Counter()
        """How often each invariant was violated."""
        self.answers = 0
        self._cell = cell
        self._cars: dict[str, Records] = {}
        self._outside: set[str] = set()
        """Cars and homes, each of which speaks for itself alone."""
        self._now_us = now_us
        self._hello_us: dict[str, int] = {}
        """When the cell's bus took the last hello of each car."""
        self._said: dict[str, int] = defaultdict(int)
        self._dealt_with: dict[str, dict[str, int]] = {}
        """By asker: what the answerer dealt with, as message id and sequence, in its order."""
        self._known_asked: dict[str, list[str]] = {}
        """Message ids in the order in which they were asked."""
        self._due: dict[str, int] = {}

    def add_car(self, car_id: str, records: Records) -> None:
        """A car joins the world; records: those of its asker."""
        self._cars[car_id] = records
        self._outside.add(car_id)
        self._dealt_with[car_id], self._known_asked[car_id], self._due[car_id] = {}, [], 0

    def add_home(self, home_id: str) -> None:
        """A home is in the world."""
        self._outside.add(home_id)

    def observe(self, machine_id: str, subject: str, data: bytes) -> None:
        """A bus has accepted a message."""
        try:
            topic = find(subject)
        except TopicUnknown:
            self.violate("foreign_topic", f"{machine_id}: {subject}")
            return
        found = topic.identifiers(subject) or {}
        owner = found.get("echo_id") or found.get("car_id") or found.get("home_id")
        # On the cell's bus, whose life says it; a car on its own bus is always itself.
        life = LIVING.get()
        speaker = machine_id if life is None else life.machine_id
        is_own = speaker not in self._outside or owner == speaker
        if machine_id not in self._cars and OF_THE_CELL & found.keys():
            return  # between parts of the cell, and its factory, who have no other bus
        if owner not in self._outside or not is_own:
            self.violate("foreign_topic", f"{machine_id}: {subject}")
        elif topic is CAR_HELLO:
            self._hello_us[owner] = self._now_us()
        elif topic is CAR_BODY and machine_id == owner:
            body = command_pb2.CarBody.FromString(data)
            self.check_charges(owner, [body.charge_percent])
            if body.doors_open and (body.gear != PARK or body.locked):
                self.violate("door_open", f"{owner} in {body.gear}, locked: {body.locked}")
        elif topic is ECHO_REQUESTS:
            self._hear_question(owner, echo_pb2.Echo.FromString(data))

    def check_charges(self, car_id: str, charges_percent: Sequence[float]) -> None:
        """A battery holds between nothing and all."""
        for charge_percent in charges_percent:
            if not 0.0 <= charge_percent <= 100.0:
                self.violate("charge_out_of_range", f"{car_id}: {charge_percent} %")

    def _hear_question(self, echo_id: str, question: echo_pb2.Echo) -> None:
        if question.sender != echo_id:
            self.violate("foreign_topic", f"{question.sender} asked as {echo_id}")
        if question.sequence > self._said[echo_id] + 1:
            self.violate("said_out_of_order", f"{echo_id}: {question.sequence}")
        self._said[echo_id] = max(self._said[echo_id], question.sequence)

    async def check(self) -> None:
        """Check what is new on record."""
        for car_id, records in self._cars.items():
            known = self._known_asked[car_id]
            known.extend(await records.transact(_asked_after(len(known))))
        for row in await self._cell.transact(_answered_after(self.answers)):
            self.answers = row[0]
            self._check_answered(*row[1:])
        for car_id, records in self._cars.items():
            for sequence in await records.transact(_noted_after(len(self._dealt_with[car_id]))):
                self.violate("noted_unanswered", f"{car_id}: {sequence}")

    def _check_answered(self, echo_id: str, sequence: int, message_id: str) -> None:
        name = f"{echo_id}: {sequence}"
        asked = self._known_asked.get(echo_id, [])
        dealt_with = self._dealt_with.setdefault(echo_id, {})
        if not 1 <= sequence <= len(asked) or asked[sequence - 1] != message_id:
            self.violate("answered_unasked", name)
        elif message_id in dealt_with:
            self.violate("answered_twice", name)
        elif sequence != len(dealt_with) + 1:
            self.violate("answered_out_of_order", name)
        dealt_with[message_id] = sequence

    async def begin_calm(self) -> None:
        """From now on nothing fails: what was asked before must be answered at the end."""
        await self.check()
        self._due = {car_id: len(known) for car_id, known in self._known_asked.items()}

    async def check_end(self) -> None:
        """Check what must hold at the end."""
        await self.check()
        for car_id, due in self._due.items():
            done = self._dealt_with[car_id]
            noted = set(await self._cars[car_id].transact(_noted_after(0)))
            for sequence, message_id in enumerate(self._known_asked[car_id][:due], start=1):
                if message_id not in done:
                    self.violate("never_answered", f"{car_id}: {sequence}")
                elif sequence not in noted:
                    self.violate("never_noted", f"{car_id}: {sequence}")

        await self._check_online()

    async def _check_online(self) -> None:
        now_us = self._now_us()
        since_us = now_us - self._online_window_us
        online = {
            row.car_id
            for row in await registry.read_cars(self._cell)
            if row.last_hello_us is not None and row.last_hello_us > since_us
        }
        for car_id in sorted(self._cars.keys() | online):
            hello_us = self._hello_us.get(car_id, 0)
            # Close to either end of the window, a hello may be under way to the records.
            is_surely_in = since_us + ON_ITS_WAY_US < hello_us < now_us - ON_ITS_WAY_US
            may_be_in = hello_us > since_us - ON_ITS_WAY_US
            if (car_id in online and not may_be_in) or (car_id not in online and is_surely_in):
                self.violate("online_unlike_hellos", car_id)

    @property
    def questions(self) -> int:
        """How many were asked."""
        return sum(len(known) for known in self._known_asked.values())

    def violate(self, invariant: str, what: str) -> None:
        """Something did not hold; also for who watches beside this."""
        self.counted[invariant] += 1
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(invariant, what))


_ASKED_AFTER: Final = (
    select(questions.c.message_id)
    .where(questions.c.sequence > bindparam("sought"))
    .order_by(questions.c.sequence)
)
_ANSWERED_AFTER: Final = (
    select(answered).where(answered.c.number > bindparam("sought")).order_by(answered.c.number)
)
_NOTED_AFTER: Final = (
    select(questions.c.sequence)
    .where(questions.c.answered_at_us.is_not(None), questions.c.sequence > bindparam("sought"))
    .order_by(questions.c.sequence)
)


def _asked_after(sequence: int) -> Callable[[Connection], list[str]]:
    def work(connection: Connection) -> list[str]:
        return list(connection.execute(_ASKED_AFTER, {"sought": sequence}).scalars())

    return work


def _answered_after(number: int) -> Callable[[Connection], list[tuple[int, str, int, str]]]:
    def work(connection: Connection) -> list[tuple[int, str, int, str]]:
        rows = connection.execute(_ANSWERED_AFTER, {"sought": number})
        return [(row.number, row.echo_id, row.sequence, row.message_id) for row in rows]

    return work


def _noted_after(sequence: int) -> Callable[[Connection], list[int]]:
    def work(connection: Connection) -> list[int]:
        return list(connection.execute(_NOTED_AFTER, {"sought": sequence}).scalars())

    return work
