"""Hears homes: that they are there, and how their devices are.

Rules: what comes within a moment is put on record together; of a state the newest counts; a home
that is not on record is heard by nobody.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from monocoque.cloud.homes import logic
from monocoque.cloud.homes import records as rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service.asking import Asking
from monocoque.cloud.homes.service.keeping import LISTEN_S, tell_changed
from monocoque.contracts import topics
from monocoque.contracts.errors import HomeWordRefused
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context

Word = TypeVar("Word", str, bytes)
VERSION_CHARACTERS_MAX = 64


@dataclass
class _Heard:
    """What was heard and is not on record yet, by home."""

    hellos: dict[str, str] = field(default_factory=dict)
    """The version of the software that said hello."""
    states: dict[str, bytes] = field(default_factory=dict)


class Hearing:
    """The hearing half of the desk."""

    def __init__(self, context: Context, asking: Asking) -> None:
        self._context = context
        self._config = context.config(HomesConfig)
        self._asking = asking
        self._heard = _Heard()
        self._has_news = asyncio.Event()

    async def hear_hellos(self) -> None:
        """Note who is there."""
        async with self._context.bus.listen(topics.HOME_HELLO) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is not None:
                    version = delivery.message.software_version[:VERSION_CHARACTERS_MAX]
                    self._note(self._heard.hellos, delivery.identifiers["home_id"], version)

    async def hear_states(self) -> None:
        """Every home's last state, then every further one."""
        async with self._context.bus.watch(topics.HOME_STATE) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is None:
                    continue
                home_id, message = delivery.identifiers["home_id"], delivery.message
                now_us = self._context.clock.now_us()
                try:
                    logic.check_state(message.devices, self._config.devices_max, now_us)
                except HomeWordRefused as error:
                    self._context.count_error(error, error.what, home_id=home_id)
                    continue
                self._note(self._heard.states, home_id, message.SerializeToString())

    async def write_what_was_heard(self) -> None:
        """Put it on record, then say what waits for the homes that said hello."""
        while True:
            await self._has_news.wait()
            await asyncio.sleep(self._config.hello_flush_s)
            self._has_news.clear()
            heard, self._heard = self._heard, _Heard()
            try:
                known = await self._write(heard)
            except AWAY as error:
                self._context.count_error(error, "homes wait")
                await asyncio.sleep(self._config.retry_s)
                # What came since then is newer.
                self._heard.hellos = heard.hellos | self._heard.hellos
                self._heard.states = heard.states | self._heard.states
                self._has_news.set()
                continue
            there = known & set(heard.hellos)
            if there:
                try:
                    await self._asking.say_again(there)
                except AWAY as error:
                    self._context.count_error(error, "requests wait for the next hello")

    def _note(self, heard: dict[str, Word], home_id: str, word: Word) -> None:
        if home_id in heard or len(heard) < self._config.hello_homes_max:
            heard[home_id] = word
            self._has_news.set()

    async def _write(self, heard: _Heard) -> set[str]:
        """Returns the homes of these that are on record."""
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> tuple[set[str], set[str]]:
            known, changed = set(), set()
            for home_id in sorted(heard.hellos.keys() | heard.states.keys()):
                before = rows.find_home(connection, home_id)
                if before is None:
                    continue
                known.add(home_id)
                rows.save_home(connection, home_id, _columns(heard, home_id, now_us))
                if home_id in heard.states and _devices(before.state) != _devices(
                    heard.states[home_id]
                ):
                    changed.add(home_id)
            return known, {tie.car_id for tie in rows.ties_of(connection, changed)}

        known, cars = await self._context.records.transact(work)
        for home_id in (heard.hellos.keys() | heard.states.keys()) - known:
            error = HomeWordRefused("A home that is not on record speaks.")
            self._context.count_error(error, error.what, home_id=home_id)
        context = self._context
        try:
            await tell_changed(context.bus, context.clock, context.random, sorted(cars))
        except AWAY:
            context.log.warning("changed homes not told")  # a page begins with the records
        return known


def _columns(heard: _Heard, home_id: str, now_us: int) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if home_id in heard.hellos:
        columns |= {"hello_us": now_us, "software_version": heard.hellos[home_id]}
    if home_id in heard.states:
        columns["state"] = heard.states[home_id]
    return columns


def _devices(state: bytes | None) -> list[bytes]:
    """The devices in a state, without what differs each time that it is said."""
    if state is None:
        return []
    message = home_pb2.HomeState.FromString(state)
    return [device.SerializeToString(deterministic=True) for device in message.devices]
