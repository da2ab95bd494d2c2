"""Where an owner hands commands in, takes them back, and reads what became of them.

Rules:

* a car of somebody else and a car that does not exist are refused in the same words;
* a command must be genuine and fresh as far as the cell can tell; the car judges for itself;
* handing the same command in again is harmless.

Left out on purpose: whose key may do what; the grants say it, and the car checks them.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.commands import logic
from monocoque.cloud.commands import records as rows
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.keeping import (
    SECOND_US,
    Book,
    columns_of,
    named,
    pace_of,
    standing_of,
)
from monocoque.cloud.commands.service.saying import say_command, tell_changed
from monocoque.cloud.pairing.service import find_own_car
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.errors import (
    DocumentExpired,
    DocumentNotYetValid,
    DocumentRefused,
    GrantRefused,
    IdentifierUsed,
    MailboxFull,
    NotFound,
    ScopeUnknown,
    TooManyRequests,
)
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.records.port import Records
from monocoque.trust.commands import AuthenticCommand, judge, open_envelope
from monocoque.trust.outcomes import Reason

MINUTE_US = 60 * SECOND_US
REFUSALS: Mapping[Reason, type[DocumentRefused]] = {
    Reason.DEADLINE_PASSED: DocumentExpired,
    Reason.NOT_YET_VALID: DocumentNotYetValid,
    Reason.GRANT_NOT_YET_VALID: DocumentNotYetValid,
    Reason.GRANT_EXPIRED: DocumentExpired,
    Reason.SCOPE_UNKNOWN: ScopeUnknown,
    Reason.RIGHT_MISSING: GrantRefused,
}
"""What the cell answers where the car would refuse for that reason."""


@dataclass(frozen=True)
class Logs:
    """Both logs of a car, from some place on."""

    receipts: Sequence[bytes]
    entries: Sequence[str]
    sequence: int
    """The last line of the car's log that is on record here."""
    number: int
    """The last line of the cell's own log."""
    other_receipt: bytes | None
    """A genuine line of the car that contradicts what is on record."""


class Mailbox:
    """The mailbox as an owner meets it."""

    def __init__(
        self,
        records: Records,
        bus: Bus,
        clock: Clock,
        random: Random,
        root: Mapping[str, str],
        config: MailboxConfig,
        registry_config: RegistryConfig,
    ) -> None:
        """bus: the cell's, as the mailbox. root: the maker root's public JWK."""
        self._records = records
        self._bus = bus
        self._clock = clock
        self._random = random
        self._root = root
        self._config = config
        self._pace = pace_of(config)
        self._registry_config = registry_config

    async def hand_in(
        self, car_id: str, person_id: str, document: bytes, grants: Sequence[bytes]
    ) -> Row[Any]:
        """Put a command on record and, when its car is there, send it; returns its row.

        Raises NotFound, DocumentRefused, IdentifierUsed, TooManyRequests, MailboxFull.
        """
        await find_own_car(self._records, car_id, person_id)
        command = open_envelope(document, grants, self._root, car_id)
        now_us = self._clock.now_us()
        reason = judge(command, now_us, _is_revoked)
        if reason is not None:
            raise REFUSALS[reason](f"The car would refuse this: {reason.value}.")
        is_there = self._bus.is_connected and await registry.is_online(
            self._records, car_id, self._clock, self._registry_config
        )
        texts = [grant.decode("ascii") for grant in grants]

        def work(connection: Connection) -> tuple[Row[Any], list[str]]:
            found = rows.find_command(connection, command.command_id)
            if found is not None:
                if (bytes(found.document), found.person_id) != (document, person_id):
                    raise IdentifierUsed("Another command has this identifier.")
                return found, []
            self._refuse_too_many(connection, command, now_us)
            book = Book(connection, car_id, now_us)
            replaced = self._replace(connection, book, command)
            self._add(connection, book, command, person_id, texts, now_us, is_there=is_there)
            book.close()
            added = rows.find_command(connection, command.command_id)
            assert added is not None
            return added, [*replaced, command.command_id]

        row, changed = await self._records.transact(work)
        with contextlib.suppress(*AWAY):  # it is on record, and the service sends it again
            if is_there and changed:
                await say_command(self._bus, row, self._clock, self._random)
            await tell_changed(self._bus, car_id, changed, self._clock, self._random)
        return row

    async def take_back(self, car_id: str, person_id: str, command_id: str) -> Row[Any]:
        """Cancel a command that was not sent; one that was sent still waits for its receipt.

        Returns its row. Raises NotFound.
        """
        await self.find(car_id, person_id, command_id)
        now_us = self._clock.now_us()

        def work(connection: Connection) -> tuple[Row[Any], bool]:
            before = rows.find_command(connection, command_id)
            assert before is not None
            book = Book(connection, car_id, now_us)
            changed = self._cancel(connection, book, before, "taken_back", person_id)
            book.close()
            after = rows.find_command(connection, command_id)
            assert after is not None
            return after, changed

        row, is_changed = await self._records.transact(work)
        if is_changed:
            with contextlib.suppress(*AWAY):  # a page that comes back begins with the records
                await tell_changed(self._bus, car_id, [command_id], self._clock, self._random)
        return row

    async def find(self, car_id: str, person_id: str, command_id: str) -> Row[Any]:
        """One command to a car of one's own; raises NotFound."""
        await find_own_car(self._records, car_id, person_id)
        row = await self.peek(command_id)
        if row is None or row.car_id != car_id:
            raise NotFound("There is no such command to this car.")
        return row

    async def peek(self, command_id: str) -> Row[Any] | None:
        """One command, whoever asks."""
        return await self._records.transact(lambda c: rows.find_command(c, command_id))

    async def newest(self, car_id: str, person_id: str) -> Sequence[Row[Any]]:
        """The commands to a car of one's own, the newest first; raises NotFound."""
        await find_own_car(self._records, car_id, person_id)
        count_max = self._config.shown_commands_max
        return await self._records.transact(lambda c: rows.newest_commands(c, car_id, count_max))

    async def logs(self, car_id: str, person_id: str, sequence: int, number: int) -> Logs:
        """Both logs of a car of one's own, behind these places; raises NotFound."""
        await find_own_car(self._records, car_id, person_id)
        count_max = self._config.log_lines_max

        def work(connection: Connection) -> Logs:
            place = rows.place_of(connection, car_id)
            return Logs(
                receipts=rows.receipts_after(connection, car_id, sequence, count_max),
                entries=rows.entries_after(connection, car_id, number, count_max),
                sequence=0 if place is None else place.sequence,
                number=0 if place is None else place.number,
                other_receipt=None if place is None else place.other_receipt,
            )

        return await self._records.transact(work)

    def _refuse_too_many(
        self, connection: Connection, command: AuthenticCommand, now_us: int
    ) -> None:
        limits = self._config
        recent = rows.count_by_key(connection, command.key_id, now_us - MINUTE_US)
        if recent >= limits.commands_per_minute_max:
            raise TooManyRequests("This key handed in more commands than it may in a minute.")
        if rows.count_open(connection, command.car_id, logic.OPEN) >= limits.waiting_per_car_max:
            raise MailboxFull("As many commands wait for this car as may wait.")

    def _add(
        self,
        connection: Connection,
        book: Book,
        command: AuthenticCommand,
        person_id: str,
        grants: list[str],
        now_us: int,
        *,
        is_there: bool,
    ) -> None:
        standing = logic.Standing(logic.State.WAITING, command.deadline_s * SECOND_US)
        if is_there:
            standing = logic.sent(standing, now_us)
        values = {
            "command_id": command.command_id,
            "car_id": command.car_id,
            "person_id": person_id,
            "key_id": command.key_id,
            "scope": command.scope,
            "command_sha256": command.digest,
            "replaces": command.replaces,
            "document": command.document,
            "grants": json.dumps(grants),
            "handed_in_us": now_us,
            "deadline_us": standing.deadline_us,
        }
        rows.add_command(connection, values | columns_of(standing, self._pace))
        names = {
            "command_id": command.command_id,
            "command_sha256": command.digest,
            "scope": command.scope,
        }
        book.write("handed_in", person_id=person_id, key_id=command.key_id, **names)
        if is_there:
            book.write("sent", **names)

    def _replace(self, connection: Connection, book: Book, command: AuthenticCommand) -> list[str]:
        """Cancel what this command replaces, when it was not sent; returns what was changed."""
        if command.replaces is None:
            return []
        older = rows.find_command(connection, command.replaces)
        if older is None or (older.car_id, older.key_id) != (command.car_id, command.key_id):
            return []
        changed = self._cancel(connection, book, older, "replaced", None)
        return [older.command_id] if changed else []

    def _cancel(
        self,
        connection: Connection,
        book: Book,
        row: Row[Any],
        reason: str,
        person_id: str | None,
    ) -> bool:
        before = standing_of(row)
        after = logic.cancelled(before, reason)
        if after == before:
            return False
        rows.save_command(connection, row.command_id, columns_of(after, self._pace))
        book.write("cancelled", reason=reason, person_id=person_id, **named(row))
        return True


def _is_revoked(_grant_id: str) -> bool:
    """The cell knows of no revocation; the car asks its own records."""
    return False
