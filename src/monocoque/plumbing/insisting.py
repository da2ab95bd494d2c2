"""What passes by itself on a machine, and how it is waited for.

Rules: what is asked again may have been done before; a service that waits out more than ``AWAY``
says so itself; who was given as much as may be holds up itself, and nobody else.

Left out on purpose: errors that a person has to look at; those end the service, which begins anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection

from monocoque.contracts.errors import DiskFull, LimitError, RecordsContended, UnavailableError
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.service import Context

Item = TypeVar("Item")
Result = TypeVar("Result")
AWAY: Final = (UnavailableError, LimitError, RecordsContended, DiskFull)
"""Errors that pass by themselves, when bus or records answer again or there is room on the disk:
whoever meets one tries again after a pause."""


async def insist(context: Context, work: Callable[[Connection], Result], pause_s: float) -> Result:
    """Ask the records until they answer; the work may have been done before."""
    while True:
        try:
            return await context.records.transact(work)
        except AWAY as error:
            context.count_error(error, error.what)
        await asyncio.sleep(pause_s)


async def say_each(
    items: Iterable[Item], whose: Callable[[Item], str], say: Callable[[Item], Awaitable[None]]
) -> dict[str, LimitError]:
    """Say one after another; returns those who may be told no more for now, each with the refusal.

    whose: names who has this item; what follows of one who was refused is left out, so that it
    keeps its order. Raises at once what ``say`` raises beside a LimitError: that is for all.
    """
    held: dict[str, LimitError] = {}
    for item in items:
        name = whose(item)
        if name in held:
            continue
        try:
            await say(item)
        except LimitError as refusal:
            held[name] = refusal
    return held


async def say_waiting(
    look: Callable[[Collection[str]], Awaitable[Sequence[Item]]],
    whose: Callable[[Item], str],
    say: Callable[[Item], Awaitable[None]],
) -> int:
    """Say the oldest of what waits; returns how many were found.

    look: finds them, but for those of the names that it is given; what was said it finds no more.
    Raises LimitError for who may be told no more for now, after the others were told.
    """
    held: dict[str, LimitError] = {}
    count = 0
    while True:
        waiting = await look(held.keys())
        count += len(waiting)
        refused = await say_each(waiting, whose, say)
        held |= refused
        if not refused:
            break
    if held:
        raise next(iter(held.values()))
    return count


async def reconnected(bus: Bus, connections: int, pause_s: float) -> bool:
    """Pause, unless it is connected for more than that many times; whether it is."""
    try:
        async with asyncio.timeout(pause_s):
            await bus.connected_after(connections)
    except TimeoutError:
        return False
    return True
