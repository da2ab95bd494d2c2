"""An owner of a car whose processes are struck: asks until there is an answer, and believes nobody.

Rules: what is on record in the car is read from its database, beside the car and without a lock; an
answer is the car's own, verified with its key out of the grant. Handing in again is harmless, so
the same document is handed in until it is taken. While boundaries are counted it asks the cell once
for each thing, and waits beside it, so that waiting passes no boundary.

Left out on purpose: replacing and taking back; what is asked is asked once and seen to its end.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from monocoque.car.body import records as body_records
from monocoque.car.body import service as body
from monocoque.car.commands import records as car_records
from monocoque.cloud.commands import records as cell_records
from monocoque.cloud.twin import records as twin_records
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.wire.command_pb2 import CarBody, CarReceipt
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.layout import Layout
from monocoque.trust.commands import command_digest
from monocoque.trust.outcomes import Outcome
from monocoque.trust.receipts import LogPlace, Receipt, verify_log
from tests.e2e.struck_installation import StruckInstallation
from tests.fixtures.phone import LOOK_S, OPEN, Phone, signed_in_phone

ANSWER_S_MAX = 120.0
LINES_MAX = 100_000


class Owner:
    """One owner of the installation's car."""

    def __init__(self, installation: StruckInstallation, phone: Phone) -> None:
        self.installation = installation
        self.phone = phone
        self.epoch = ""
        self._layout = Layout(installation.data)
        self.asked: dict[str, str] = {}
        """By command: the digest of what was signed."""
        self.outcomes: Counter[str] = Counter()
        self._place = LogPlace()
        self._entries = 0
        self._kinds: Counter[tuple[str, str]] = Counter()

    async def ask(self) -> None:
        """One command, from its signature to an end that everybody knows of."""
        command_id = await self._hand_in()
        await self._see_to_its_end(command_id)

    async def ask_while_away(self) -> None:
        """The same, and the car is switched on only when the cell has sent it in vain."""
        self.installation.kill("car")
        command_id = await self._hand_in()

        async def is_in_vain() -> bool:
            row = self._read_cell(lambda c: cell_records.find_command(c, command_id))
            return row.sends != 1  # not at all, when the cell knows that the car is away

        await self._until(is_in_vain, "the cell sends it again, or waits for the car")
        self.installation.start_role("car")
        await self._see_to_its_end(command_id)

    async def _hand_in(self) -> str:
        wanted = "unlock" if len(self.asked) % 2 == 0 else "lock"
        command_id, envelope = self.phone.command(wanted, epoch=self.epoch, lifetime_s=600)
        self.asked[command_id] = command_digest(self.phone.documents[command_id])
        await self._until(lambda: self._is_taken(envelope), "the cell takes the command")
        return command_id

    async def _see_to_its_end(self, command_id: str) -> None:
        digest = self.asked[command_id]
        await self._until(
            lambda: self._is_known(digest), "the cell has the car's line, and says so"
        )
        await self._until(lambda: self._is_answered(command_id), "the phone has the answer")
        await self._until(self._is_shown, "the cell has the doors as they are")

    async def check(self) -> None:
        """What must hold whatever was struck, by the car's own records and by the cell's."""
        lines, acts = await self._lines(), self._read(body_records.count_acts)
        asked = set(self.asked.values())
        answered = [line.answer.command_sha256 for line in lines]
        assert sorted(answered) == sorted(asked), "one line for each command, and no more"
        assert set(acts) <= set(answered), "no act without a line"
        assert all(count == 1 for count in acts.values()), "done at most once"
        for line in lines:
            assert line.answer.outcome in (Outcome.DONE, Outcome.UNKNOWN), line
            is_done = line.answer.outcome is Outcome.DONE
            assert not is_done or acts.get(line.answer.command_sha256) == 1, (
                "no done without an act"
            )
        self.outcomes = Counter(str(line.answer.outcome) for line in lines)
        await self._check_cell(lines)

    async def _lines(self) -> tuple[Receipt, ...]:
        """The car's own log, without a gap."""
        found = self._read(lambda c: car_records.messages_after(c, 0, LINES_MAX))
        documents = [CarReceipt.FromString(message).receipt for _, message in found]
        return verify_log(documents, self.phone.car_id, self.phone.keys.sign, LogPlace())

    async def _check_cell(self, lines: tuple[Receipt, ...]) -> None:
        """Both logs as the cell gives them: the car's is the car's, and the cell's is whole."""
        path = f"/api/cars/{self.phone.car_id}/log"
        after = {"receipts_after": self._place.sequence, "lines_after": self._entries}
        logs = (await self._answer(self.phone.client.get, path, params=after)).json()
        given = [receipt.encode() for receipt in logs["receipts"]]
        for line in verify_log(given, self.phone.car_id, self.phone.keys.sign, self._place):
            self._place = line.place
        assert self._place == lines[-1].place, "the cell has the log of the car"
        assert logs["other_receipt"] is None
        for entry in map(json.loads, logs["lines"]):
            assert entry["number"] == self._entries + 1
            self._entries += 1
            self._kinds[entry["kind"], entry["command_id"]] += 1
        for command_id in self.asked:
            for kind in ("handed_in", "sent", "answered"):
                assert self._kinds[kind, command_id] == 1, (kind, command_id)

    async def _is_taken(self, envelope: dict[str, Any]) -> bool:
        answer = await self.phone.hand_in(envelope)
        assert answer.status_code in (202, 503), answer.text
        return answer.status_code == 202

    async def _is_known(self, digest: str) -> bool:
        car_id = self.phone.car_id

        def work(connection: Connection) -> bool:
            if car_records.message_of(connection, digest) is None:
                return False
            last = car_records.last_place(connection)  # nothing else was asked since
            return last is not None and car_records.confirmed_up_to(connection, car_id) == last[0]

        return self._read(work)

    async def _is_shown(self) -> bool:
        car_id, now_us = self.phone.car_id, self.phone.clock.now_us()
        is_locked = self._read(lambda c: body.present(c, car_id, now_us)).locked
        row = self._read_cell(lambda c: twin_records.find_body(c, car_id))
        return row is not None and CarBody.FromString(row.body).locked == is_locked

    async def _is_answered(self, command_id: str) -> bool:
        path = f"/api/cars/{self.phone.car_id}/commands/{command_id}"
        found = (await self._answer(self.phone.client.get, path)).json()
        if found["state"] in OPEN:
            return False
        self.phone.verified(found)
        return True

    async def _answer(self, call: Callable[..., Any], path: str, **more: Any) -> httpx.Response:
        answers: list[httpx.Response] = []

        async def is_there() -> bool:
            answers.append(await call(path, **more))
            assert answers[-1].status_code in (200, 503), answers[-1].text
            return answers[-1].status_code == 200

        await self._until(is_there, f"an answer to {path}")
        return answers[-1]

    async def _until(self, holds: Callable[[], Any], what: str) -> None:
        """Try until it holds; whoever was struck meanwhile is started again."""
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                while True:
                    self.installation.revive()
                    with contextlib.suppress(httpx.TransportError):
                        if await holds():
                            return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"not within {ANSWER_S_MAX} s: {what}") from None

    def _read(self, work: Callable[[Connection], Any]) -> Any:
        """Read the car's records, beside the car."""
        return read(self._layout.car(CarId(self.phone.car_id)).records, work)

    def _read_cell(self, work: Callable[[Connection], Any]) -> Any:
        """Read the cell's records, beside the cell."""
        return read(self._layout.cell.records, work)


def read(path: Path, work: Callable[[Connection], Any]) -> Any:
    """Read a database without holding up whoever writes it."""
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=NullPool)
    with engine.connect() as connection:
        return work(connection)


@contextlib.asynccontextmanager
async def owner_of(installation: StruckInstallation) -> AsyncIterator[Owner]:
    """The first owner of the car, who has its key."""
    code = installation.sign_in_link("phone").partition("#")[2]
    async with signed_in_phone(installation.port, code) as client:
        phone = Phone(client, SystemClock())
        words = ("car", "hand-over", installation.car_id, "--data", str(installation.data))
        await phone.take_over(installation.run(*words).strip())
        owner = Owner(installation, phone)
        owner.epoch = await phone.epoch()
        yield owner
