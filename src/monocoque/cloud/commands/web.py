"""HTTP routes of the mailbox: hand a command in, take it back, see what became of it, and the logs.

Left out on purpose: what a command asks for. It is sealed to the car; the page that made it knows.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.logic import State
from monocoque.cloud.commands.service.mailbox import Mailbox
from monocoque.contracts import topics
from monocoque.contracts.errors import DocumentMalformed
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.rights import COMMAND_CAR, READ_OWN_CARS
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.http.events import Event, EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.trust.commands import ENVELOPE_BYTES_MAX
from monocoque.trust.grants import CHAIN_GRANTS_MAX

SECOND_US = 1_000_000
Text = Annotated[str, Field(max_length=ENVELOPE_BYTES_MAX)]
Place = Annotated[int, Query(ge=0, le=2**53 - 1)]


class CommandEnvelope(BaseModel):
    """What a page hands in."""

    command: Text = Field(description="signed by the phone's key, a compact JWS")
    grants: list[Text] = Field(
        max_length=CHAIN_GRANTS_MAX, description="lead to that key, the maker's grant first"
    )


class Command(BaseModel):
    """One command; also the data of the live event ``command``."""

    command_id: str
    car_id: str
    scope: str
    state: State
    reason: str | None = Field(description="why it was not done; null while it is open, and done")
    key_id: str = Field(description="whose command it is")
    command_sha256: str = Field(description="what its receipt names it by")
    replaces: str | None
    accepted_at: datetime
    deadline_at: datetime
    sent_at: datetime | None = Field(description="when it was sent to the car last")
    answered_at: datetime | None
    command: str = Field(description="the very document that was handed in")
    receipt: str | None = Field(description="the car's answer, a compact JWS; check its signature")


class Commands(BaseModel):
    """The newest commands to a car."""

    commands: list[Command]
    now: datetime = Field(description="by the cell's clock")


class CarLogs(BaseModel):
    """Both logs of a car, from some place on; ask again from the last line that came."""

    receipts: list[str] = Field(description="the car's log, each line signed by the car")
    lines: list[str] = Field(
        description="the cell's own log, each line JSON; `previous_sha256` is the SHA-256 of the "
        "line before, as base64url"
    )
    receipts_count: int = Field(description="how many lines of the car's log are on record")
    lines_count: int = Field(description="how many lines the cell's log has")
    other_receipt: str | None = Field(
        description="a genuine line of the car that contradicts its log as it is on record"
    )


class MailboxTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class CommandEvents(BaseModel):
    """The live events, by name."""

    command: Command
    tick: MailboxTick


class LiveCommands:
    """The commands of a car as a page sees them, live."""

    def __init__(self, mailbox: Mailbox, bus: Bus, clock: Clock, config: MailboxConfig) -> None:
        """bus: the cell's, as the phone site."""
        self.mailbox = mailbox
        self._bus = bus
        self._clock = clock
        self._config = config

    def now(self) -> datetime:
        """By the cell's clock."""
        return moment_of(self._clock.now_us())

    async def live(self, car_id: str, person_id: str) -> AsyncGenerator[Event, None]:
        """The newest commands, the oldest of them first, then each that changes, and ticks."""
        # The subscription is open before the records are read, so no change falls between.
        async with self._bus.listen(topics.COMMAND_CHANGED, car_id=car_id) as subscription:
            for row in reversed(await self.mailbox.newest(car_id, person_id)):
                yield Event("command", _shown(row))
            tick_due_us = self._clock.now_us()
            while True:
                now_us = self._clock.now_us()
                if now_us >= tick_due_us:
                    yield Event("tick", MailboxTick(now=moment_of(now_us)))
                    tick_due_us = now_us + round(self._config.tick_interval_s * SECOND_US)
                delivery = await subscription.next(max(tick_due_us - now_us, 0) / SECOND_US)
                if delivery is not None:
                    changed = await self.mailbox.peek(delivery.message.command_id)
                    if changed is not None and changed.car_id == car_id:
                        yield Event("command", _shown(changed))


def routes(live: LiveCommands) -> APIRouter:
    """The routes, on this mailbox."""
    router = APIRouter(tags=["commands"])
    mailbox = live.mailbox

    @router.post("/api/cars/{car_id}/commands", status_code=202)
    @needs(COMMAND_CAR)
    async def hand_in_command(
        car_id: str, body: CommandEnvelope, session: CurrentSession
    ) -> Command:
        """Put a command into the mailbox of one's own car; again is harmless."""
        grants = [_bytes(grant) for grant in body.grants]
        row = await mailbox.hand_in(
            parse_car_id(car_id), session.person_id, _bytes(body.command), grants
        )
        return _shown(row)

    @router.get("/api/cars/{car_id}/commands")
    @needs(READ_OWN_CARS)
    async def read_commands(car_id: str, session: CurrentSession) -> Commands:
        """The newest commands to one's own car, the newest first."""
        found = await mailbox.newest(parse_car_id(car_id), session.person_id)
        return Commands(commands=[_shown(row) for row in found], now=live.now())

    @router.get(
        "/api/cars/{car_id}/commands/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CommandEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_CARS)
    async def watch_commands(car_id: str, request: Request, session: CurrentSession) -> EventStream:
        """The newest commands to one's own car, then each that changes."""
        car = parse_car_id(car_id)
        await mailbox.newest(car, session.person_id)  # refuses before it streams
        return EventStream(request, live.live(car, session.person_id))

    @router.get("/api/cars/{car_id}/commands/{command_id}")
    @needs(READ_OWN_CARS)
    async def read_command(car_id: str, command_id: str, session: CurrentSession) -> Command:
        """One command to one's own car."""
        return _shown(await mailbox.find(parse_car_id(car_id), session.person_id, command_id))

    @router.delete("/api/cars/{car_id}/commands/{command_id}")
    @needs(COMMAND_CAR)
    async def take_command_back(car_id: str, command_id: str, session: CurrentSession) -> Command:
        """Cancel a command that was not sent; one that was sent still waits for its receipt."""
        car = parse_car_id(car_id)
        return _shown(await mailbox.take_back(car, session.person_id, command_id))

    @router.get("/api/cars/{car_id}/log")
    @needs(READ_OWN_CARS)
    async def read_logs(
        car_id: str,
        session: CurrentSession,
        receipts_after: Place = 0,
        lines_after: Place = 0,
    ) -> CarLogs:
        """The car's log and the cell's, behind these lines."""
        car = parse_car_id(car_id)
        logs = await mailbox.logs(car, session.person_id, receipts_after, lines_after)
        return CarLogs(
            receipts=[receipt.decode() for receipt in logs.receipts],
            lines=list(logs.entries),
            receipts_count=logs.sequence,
            lines_count=logs.number,
            other_receipt=_text(logs.other_receipt),
        )

    return router


def _bytes(document: str) -> bytes:
    try:
        return document.encode("ascii")
    except UnicodeEncodeError:
        raise DocumentMalformed("A document is not ASCII.") from None


def _shown(row: Row[Any]) -> Command:
    return Command(
        command_id=row.command_id,
        car_id=row.car_id,
        scope=row.scope,
        state=State(row.state),
        reason=row.reason,
        key_id=row.key_id,
        command_sha256=row.command_sha256,
        replaces=row.replaces,
        accepted_at=moment_of(row.handed_in_us),
        deadline_at=moment_of(row.deadline_us),
        sent_at=moment_of(row.sent_us) if row.sends else None,
        answered_at=None if row.answered_us is None else moment_of(row.answered_us),
        command=row.document.decode(),
        receipt=_text(row.receipt),
    )


def _text(document: bytes | None) -> str | None:
    return None if document is None else document.decode()
