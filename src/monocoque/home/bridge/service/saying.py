"""What a home says to its cell: hello, how its devices are, and what became of each request.

Rules: what cannot be said now is said after a pause, and at once at a new connection; of the state
the newest counts, and of the outcomes every one.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts import topics
from monocoque.contracts.errors import (
    DeviceFailed,
    SettingInvalid,
)
from monocoque.contracts.wire import home_pb2
from monocoque.home.bridge import records as rows
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.devices.service import Device
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Outgoing
from monocoque.plumbing.insisting import AWAY, reconnected
from monocoque.plumbing.service import Context


class Saying:
    """The speaking half of the bridge."""

    def __init__(self, context: Context) -> None:
        if context.uplink is None:
            raise SettingInvalid("The bridge needs a connection to the cell, and was given none.")
        self.uplink: Bus = context.uplink
        self.listens = asyncio.Event()
        """Set while requests are heard: whoever hears a hello sends what waits."""
        self._context = context
        self._config = context.config(BridgeConfig)
        self._mine = {"home_id": context.machine_id}
        self._has_outcomes = asyncio.Event()
        self._has_outcomes.set()
        self._has_state = asyncio.Event()

    def tell_outcomes(self) -> None:
        """There is an outcome that the cell does not have."""
        self._has_outcomes.set()

    def tell_state(self) -> None:
        """A device may have changed."""
        self._has_state.set()

    async def say_hello(self) -> None:
        """Hello, again and again, and soon after each new connection."""
        config = self._config
        pause_s = config.hello_retry_s
        while True:
            await self.listens.wait()
            connections = self.uplink.connection_count
            hello = home_pb2.HomeHello(software_version=self._context.software_version)
            stamp(hello, self._context.clock, self._context.random)
            try:
                await self.uplink.publish(topics.HOME_HELLO, hello, **self._mine)
            except AWAY:
                pause_s = config.hello_retry_s
            spread = 0.9 + 0.1 * self._context.random.random()
            if await reconnected(self.uplink, connections, pause_s * spread):
                pause_s = config.hello_retry_s
            else:
                pause_s = min(pause_s * 2, config.hello_interval_s)

    async def say_state(self, devices: Mapping[str, Device]) -> None:
        """How the devices are, whenever one changed and at every new connection."""
        while True:
            self._has_state.clear()
            connections = self.uplink.connection_count
            pause_s = self._config.state_interval_s
            try:
                await self.uplink.publish(
                    topics.HOME_STATE, await self._state(devices), **self._mine
                )
            except AWAY as error:
                self._context.count_error(error, "the home's state waits")
                pause_s = self._config.retry_s
            await self._until_state(connections, pause_s)

    async def _state(self, devices: Mapping[str, Device]) -> home_pb2.HomeState:
        message = home_pb2.HomeState()
        for name, device in devices.items():
            try:
                state = await device.state()
            except DeviceFailed as error:  # the others are shown all the same
                self._context.count_error(error, "a device does not say how it is", device=name)
                continue
            message.devices.add(
                name=name,
                on=state.is_on,
                target_decicelsius=state.target_decicelsius,
                changed_at_us=state.changed_us,
            )
        stamp(message, self._context.clock, self._context.random)
        return message

    async def _until_state(self, connections: int, pause_s: float) -> None:
        """Until a device changed, there is a new connection, or the pause is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s), asyncio.TaskGroup() as group:
                changed = group.create_task(self._has_state.wait())
                connected = group.create_task(self.uplink.connected_after(connections))
                await asyncio.wait({changed, connected}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                connected.cancel()

    async def say_outcomes(self) -> None:
        """Outcomes that the cell does not have, the oldest first."""
        while True:
            await self._has_outcomes.wait()
            self._has_outcomes.clear()
            connections = self.uplink.connection_count
            try:
                while await self._say_waiting():
                    pass
            except AWAY as error:
                self._context.count_error(error, "outcomes wait")
                self._has_outcomes.set()
                await reconnected(self.uplink, connections, self._config.retry_s)

    async def _say_waiting(self) -> bool:
        """Say some, and note that the cell has them; whether there were any."""
        count_max, records = self._config.outbox_batch_messages, self._context.records
        waiting = await records.transact(partial(rows.unknown_outcomes, count_max=count_max))
        if not waiting:
            return False
        said = [Outgoing(self._outcome(row), self._mine) for row in waiting]
        await self.uplink.publish_batch(topics.HOME_OUTCOMES, said)

        def work(connection: Connection) -> None:
            for row in waiting:
                rows.save_request(connection, row.number, {"is_known": True})

        await records.transact(work)
        return True

    def _outcome(self, row: Row[Any]) -> home_pb2.HomeOutcome:
        message = home_pb2.HomeOutcome(
            request_id=row.request_id,
            car_id=row.car_id,
            outcome=row.state,
            reason=row.reason,
            decided_at_us=row.decided_us,
        )
        stamp(message, self._context.clock, self._context.random, trace_id=row.trace_id)
        return message
