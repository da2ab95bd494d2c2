"""What a home does: each request once, by its device, with intent before and outcome after.

Rules: see the package; a request that cannot be put on record now is left to the cell, which says
it again at the next hello.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts import topics
from monocoque.contracts.errors import DeviceFailed, SceneRequestRefused
from monocoque.contracts.homes import Outcome, Reason
from monocoque.contracts.wire import home_pb2
from monocoque.home.bridge import records as rows
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.bridge.logic import (
    Asked,
    Verdict,
    Wanted,
    decide_at_once,
    read_request,
    wanted_of,
)
from monocoque.home.bridge.service.saying import Saying
from monocoque.home.devices.service import Device, Target, Wiring
from monocoque.plumbing.bus.port import Delivery
from monocoque.plumbing.insisting import AWAY, insist
from monocoque.plumbing.service import Context, following, handling, trace_of

SECOND_US = 1_000_000


class Working:
    """The doing half of the bridge."""

    def __init__(self, context: Context, saying: Saying) -> None:
        self._context = context
        self._config = context.config(BridgeConfig)
        self._saying = saying
        self.devices: Mapping[str, Device] = context.port(Wiring)(context)
        self._has_work = {name: asyncio.Event() for name in self.devices}

    async def begin(self) -> None:
        """What was begun before this start may have happened; what waits is looked at again."""
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> None:
            for row in rows.begun_requests(connection):
                verdict = Verdict(Outcome.FAILED, Reason.MAY_HAVE_HAPPENED)
                rows.save_request(connection, row.number, _columns(verdict, now_us))

        await insist(self._context, work, self._config.retry_s)
        self._wake_all()

    async def hear(self) -> None:
        """Take every request on record, and wake its device."""
        uplink, mine = self._saying.uplink, {"home_id": self._context.machine_id}
        while True:
            try:
                async with uplink.listen(topics.HOME_REQUESTS, **mine) as heard:
                    self._saying.listens.set()
                    async for delivery in heard:
                        with handling(delivery):
                            await self._hear(delivery)
            except AWAY as error:
                self._context.count_error(error, "requests are not heard")
            finally:
                self._saying.listens.clear()
            await asyncio.sleep(self._config.retry_s)

    async def work(self, name: str) -> None:
        """Do what waits for this device, one after another."""
        while True:
            await self._has_work[name].wait()
            self._has_work[name].clear()
            try:
                while (row := await self._begin_next(name)) is not None:
                    with following(row.trace_id):
                        await self._do(row)
            except AWAY as error:
                self._context.count_error(error, "a device waits", device=name)
                self._has_work[name].set()
                await asyncio.sleep(self._config.retry_s)

    async def _hear(self, delivery: Delivery[home_pb2.HomeRequest]) -> None:
        now_us = self._context.clock.now_us()
        try:
            asked = read_request(delivery.message, now_us)
            take = partial(self._take, asked=asked, trace_id=trace_of(delivery), now_us=now_us)
            device = await self._context.records.transact(take)
        except SceneRequestRefused as error:
            self._context.count_error(error, error.what)
        except AWAY as error:
            self._context.count_error(error, error.what)
            self._wake_all()  # it may be on record
        else:
            if device is None:
                self._saying.tell_outcomes()
            else:
                self._has_work[device].set()

    def _take(
        self, connection: Connection, asked: Asked, trace_id: str | None, now_us: int
    ) -> str | None:
        """Put it on record; the device that has work now, None when the outcome is known."""
        known = rows.find_request(connection, asked.car_id, asked.request_id)
        if known is not None:
            if known.decided_us is None:
                under_way: str = known.device
                return under_way
            rows.save_request(connection, known.number, {"is_known": False})
            return None
        config = self._config
        before_us = now_us - round(config.remembered_s * SECOND_US)
        rows.forget_requests(connection, before_us, config.forget_batch_requests)
        waiting = rows.count_waiting(connection)
        found = decide_at_once(asked, self.devices, waiting, config.waiting_requests_max, now_us)
        device = found.device if isinstance(found, Wanted) else None
        is_next = device is not None and rows.next_open(connection, device) is None
        values = {
            "car_id": asked.car_id,
            "request_id": asked.request_id,
            "scene_id": asked.scene_id,
            "action": asked.action,
            "trace_id": trace_id,
            "received_us": now_us,
            "expires_us": asked.expires_us,
            "device": device,
            # Whose device is free is begun at once: its intent needs no transaction of its own.
            "state": rows.BEGUN if is_next else rows.WAITING,
            "reason": "",
            "is_known": False,
        }
        decided = {} if isinstance(found, Wanted) else _columns(found, now_us)
        rows.add_request(connection, values | decided)
        return device

    def _wake_all(self) -> None:
        for has_work in self._has_work.values():
            has_work.set()

    async def _begin_next(self, name: str) -> Row[Any] | None:
        """Put the intent of the next request of this device on record; None when none waits.

        One that is over by now is answered, and passed over.
        """
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> tuple[Row[Any] | None, bool]:
            were_over = False
            while (row := rows.next_open(connection, name)) is not None:
                if row.expires_us > now_us:
                    if row.state != rows.BEGUN:
                        rows.save_request(connection, row.number, {"state": rows.BEGUN})
                    return row, were_over
                verdict = Verdict(Outcome.EXPIRED, Reason.TOO_LATE)
                rows.save_request(connection, row.number, _columns(verdict, now_us))
                were_over = True
            return None, were_over

        row, were_over = await self._context.records.transact(work)
        if were_over:
            self._saying.tell_outcomes()
        return row

    async def _do(self, row: Row[Any]) -> None:
        """Let the device act, and put on record what became of it."""
        verdict = await self._act(row)
        now_us = self._context.clock.now_us()
        columns = _columns(verdict, now_us)
        await insist(
            self._context,
            lambda connection: rows.save_request(connection, row.number, columns),
            self._config.retry_s,
        )
        self._saying.tell_state()
        self._saying.tell_outcomes()

    async def _act(self, row: Row[Any]) -> Verdict:
        wanted = wanted_of(row.action)
        assert wanted is not None  # it was when it was taken
        device = self.devices[wanted.device]
        target = Target(wanted.is_on, wanted.decicelsius)
        try:
            async with asyncio.timeout(self._config.act_s_max):
                await device.act(target, cause=row.request_id)
        except TimeoutError:
            return Verdict(Outcome.FAILED, Reason.TIMEOUT)
        except (DeviceFailed, *AWAY) as error:
            self._context.count_error(error, error.what, device=wanted.device)
            may_have = error.may_have_happened
            reason = Reason.MAY_HAVE_HAPPENED if may_have else Reason.DEVICE_FAILED
            return Verdict(Outcome.FAILED, reason)
        return Verdict(Outcome.DONE)


def _columns(verdict: Verdict, now_us: int) -> dict[str, Any]:
    """The columns that say what became of a request."""
    return {
        "state": str(verdict.outcome),
        "reason": "" if verdict.reason is None else str(verdict.reason),
        "decided_us": now_us,
        "is_known": False,
    }
