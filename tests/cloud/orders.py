"""What tests of the mailbox do again and again: hand in, listen as the car, and wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from monocoque.contracts import topics
from monocoque.trust.commands import AuthenticCommand
from tests.cloud.owner import CAR, EPOCH, WAIT_S_MAX, Cell, until
from tests.fixtures.phone import Phone


class Ear:
    """What a car hears of its commands."""

    def __init__(self, cell: Cell, subscription: Any) -> None:
        self._cell = cell
        self._subscription = subscription

    async def command(self) -> AuthenticCommand:
        """The next command."""
        async with asyncio.timeout(WAIT_S_MAX):
            delivery = await self._subscription.next(WAIT_S_MAX)
        return self._cell.opened(delivery.message)

    async def nothing(self) -> bool:
        """Whether nothing was said so far."""
        return await self._subscription.next(0.2) is None


@contextlib.asynccontextmanager
async def listening(cell: Cell) -> AsyncIterator[Ear]:
    async with cell.as_car().listen(topics.CAR_COMMANDS) as subscription:
        yield Ear(cell, subscription)


def lock(owner: Phone, **how: Any) -> tuple[str, dict[str, Any]]:
    return owner.command("lock", epoch=EPOCH, **how)


async def handed_in(owner: Phone, **how: Any) -> str:
    command_id, envelope = lock(owner, **how)
    answer = await owner.hand_in(envelope)
    assert answer.status_code == 202, answer.text
    return command_id


async def state_of(owner: Phone, command_id: str) -> tuple[str, str | None]:
    found = await owner.found(command_id)
    return found["state"], found["reason"]


async def becomes(owner: Phone, command_id: str, state: str) -> dict[str, Any]:
    async def is_so() -> bool:
        return (await owner.found(command_id))["state"] == state

    await until(is_so)
    return await owner.found(command_id)


async def confirms(cell: Cell, sequence: int) -> None:
    async def is_so() -> bool:
        return await cell.confirmed() == sequence

    await until(is_so)


async def log_of(owner: Phone) -> dict[str, Any]:
    found: dict[str, Any] = (await owner.client.get(f"/api/cars/{CAR}/log")).json()
    return found


async def next_of(stream: Any, kind: type) -> Any:
    """The data of a live page's next event of that kind."""
    async with asyncio.timeout(WAIT_S_MAX):
        while True:
            event = await anext(stream)
            if isinstance(event.data, kind):
                return event.data
