"""What must hold of commands in a world, by what people remember and by what cars did.

By the names in ``DEEDS``. The oracle is outside the product: each person's own list of what was
acknowledged, and each body's count of its acts. The cars' lines are taken from the cars' own buses,
where they are said after they are on record. What an owner asks that is only a record in the car
moves nothing.

Left out on purpose: what a person sees wrong in a single answer; people.py names that.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from monocoque.car.body import service as body
from monocoque.car.keys import service as keys
from monocoque.contracts.topics import CAR_RECEIPTS
from monocoque.contracts.wire.command_pb2 import CarReceipt
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.roles.table import DOERS
from monocoque.sim.occasions import REQUEST
from monocoque.sim.people import OPEN, Person
from monocoque.trust.documents import signing_digest
from monocoque.trust.keys import load_key
from monocoque.trust.outcomes import Outcome
from monocoque.trust.receipts import Receipt, verify_receipt

DEEDS: Final = {
    "done_twice": "a car acted twice for one command",
    "done_unasked": "a car acted, and nobody had ordered it",
    "done_without_act": "a car signed that something was done, and had not acted",
    "act_without_line": "a car acted, and its log has no line of it at the end",
    "line_missing": "a car's log has a gap at the end",
    "line_twice": "a car's log has two lines of one command, or two in one place",
    "never_settled": "a command that was acknowledged has no final answer at the end",
    "never_taken_over": "somebody could not take the car over by the end",
    "command_lost": "the cell did not know a command that it had acknowledged",
    "answer_without_receipt": "the cell said what became of a command, and the car had not",
    "answered_otherwise": "the receipt of a command was another one later",
    "receipt_forged": "a receipt was not the car's, or of another command",
    "foreign_root": "the cell brought a root that the paper does not name",
    "foreign_grant": "a grant was for another key than the one that asked",
}
Violate = Callable[[str, str], None]


class Deeds:
    """Watches the commands of one world."""

    def __init__(self, people: Sequence[Person], violate: Violate) -> None:
        """people: may grow."""
        self._cars: dict[str, Records] = {}
        self._secrets: dict[str, KeyStore] = {}
        self._people = people
        self._violate = violate
        self._lines: dict[str, dict[int, Receipt]] = defaultdict(dict)
        self._told: set[tuple[str, str]] = set()
        """What was violated already: it stays so at every further look."""
        self._due: list[Person] = []
        """Who must have their car at the end."""
        self._wrongs_seen: dict[str, int] = defaultdict(int)
        self._subjects: dict[str, str] = {}
        """On which each car says its lines."""
        self._digests: dict[bytes, str] = {}
        """Of each command that was sent."""

    def add_car(self, car_id: str, records: Records, secrets: KeyStore) -> None:
        """A car joins the world; records, secrets: its own."""
        self._cars[car_id], self._secrets[car_id] = records, secrets
        self._subjects[car_id] = CAR_RECEIPTS.subject(car_id=car_id)

    def observe(self, machine_id: str, subject: str, data: bytes) -> None:
        """A bus has accepted a message; lines count where the car itself says them."""
        if subject != self._subjects.get(machine_id):
            return
        document = CarReceipt.FromString(data).receipt
        lines, key = self._lines[machine_id], self._secrets[machine_id].read(keys.IDENTITY_KEY)
        assert key is not None
        receipt = verify_receipt(document, machine_id, _public_jwk(key))
        known = lines.setdefault(receipt.sequence, receipt)
        if known.document != document:
            self._tell("line_twice", f"{machine_id}: {receipt.sequence}")

    def begin_calm(self) -> None:
        """From now on nothing fails: who wanted a car before must have it at the end."""
        self._due = list(self._people)

    async def check(self) -> None:
        """Check what must hold at every moment."""
        for person in self._people:
            wrongs = person.memory.wrongs
            for invariant, what in wrongs[self._wrongs_seen[person.car_id] :]:
                self._tell(invariant, what)
            self._wrongs_seen[person.car_id] = len(wrongs)
        by_car = self._ordered()
        for car_id, records in self._cars.items():
            acts = await body.acts(records)
            ordered = by_car[car_id]
            for digest, count in acts.items():
                if count > 1:
                    self._tell("done_twice", digest)
                # An act of a scene is named otherwise, and judged by who judges scenes.
                if digest not in ordered and not digest.startswith(REQUEST):
                    self._tell("done_unasked", digest)
            for line in self._lines[car_id].values():
                is_done = line.answer.outcome is Outcome.DONE
                digest = line.answer.command_sha256
                if is_done and digest not in acts and ordered.get(digest) not in DOERS:
                    self._tell("done_without_act", f"{car_id}: {line.sequence}")

    async def check_end(self) -> None:
        """Check what must hold at the end, after everybody has looked once more."""
        await self.check()
        await self._check_lines()
        for person in self._due:
            if not person.grant:
                self._tell("never_taken_over", person.car_id)
        for person in self._people:
            for sent in person.memory.commands:
                if sent.is_acknowledged and sent.state in OPEN | {""}:
                    self._tell("never_settled", sent.command_id)

    async def _check_lines(self) -> None:
        for car_id, records in self._cars.items():
            lines = self._lines[car_id]
            if sorted(lines) != list(range(1, len(lines) + 1)):
                self._tell("line_missing", f"{car_id}: {sorted(lines)}")
            spoken_of = [line.answer.command_sha256 for line in lines.values()]
            if len(set(spoken_of)) < len(spoken_of):
                self._tell("line_twice", car_id)
            for digest in await body.acts(records):
                if digest not in spoken_of and not digest.startswith(REQUEST):
                    self._tell("act_without_line", digest)

    def _ordered(self) -> Mapping[str, Mapping[str, str]]:
        """By car, and by the digest of each command, what it asks for."""
        by_car: dict[str, dict[str, str]] = defaultdict(dict)
        for person in self._people:
            for sent in person.memory.commands:
                if sent.document not in self._digests:
                    self._digests[sent.document] = signing_digest(sent.document)
                by_car[person.car_id][self._digests[sent.document]] = sent.scope
        return by_car

    def _tell(self, invariant: str, what: str) -> None:
        if (invariant, what) not in self._told:
            self._told.add((invariant, what))
            self._violate(invariant, what)


@functools.cache
def _public_jwk(secret: bytes) -> Mapping[str, str]:
    """The public part of a car's key, which does not change."""
    return load_key(secret).public_jwk
