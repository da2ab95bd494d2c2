"""Says the scenes of the car, what they ask of the home, and why each ran or not.

Rules: it is said at a start and whenever it changed, out of the records; what could not be said is
said again after a pause.

Left out on purpose: the way to the cell (car/link), which keeps the newest until the cell has it.
"""

import asyncio

from sqlalchemy import Connection

from monocoque.car.scenes import records
from monocoque.car.scenes.config import ScenesConfig
from monocoque.contracts.scenes import HOME
from monocoque.contracts.topics import CAR_SCENES
from monocoque.contracts.wire.home_pb2 import CarScenes, HomeRequest, SceneFinding, SceneTrace
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY, insist
from monocoque.plumbing.service import Context


class Saying:
    """The voice of one car's scenes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._retry_s = context.config(ScenesConfig).records_retry_s
        self._said: bytes | None = None
        """What was said last, without its header."""
        self._has_news = asyncio.Event()
        self._has_news.set()

    def tell(self) -> None:
        """The records may have changed."""
        self._has_news.set()

    async def say_for_ever(self) -> None:
        """Say what is news, until cancelled."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            try:
                await self._say()
            except AWAY as error:
                self._context.count_error(error, error.what)
                self._has_news.set()
                await asyncio.sleep(self._retry_s)

    async def _say(self) -> None:
        context = self._context
        message = await insist(context, self._message, self._retry_s)
        bare = message.SerializeToString(deterministic=True)
        if bare == self._said:
            return
        stamp(message, context.clock, context.random)
        await context.bus.publish(CAR_SCENES, message, car_id=context.machine_id)
        self._said = bare

    def _message(self, connection: Connection) -> CarScenes:
        return CarScenes(
            scenes=[stored.scene for stored in records.every_scene(connection)],
            requests=[
                _request(request, self._context.machine_id)
                for request in records.requests_of(connection, HOME)
            ],
            traces=[_trace(trace) for trace in records.newest_traces(connection)],
        )


def _request(request: records.Request, car_id: str) -> HomeRequest:
    return HomeRequest(
        request_id=request.request_id,
        car_id=car_id,
        scene_id=request.scene_id,
        action=request.action,
        occurred_at_us=request.occurred_us,
        expires_at_us=request.expires_us,
    )


def _trace(trace: records.Trace) -> SceneTrace:
    return SceneTrace(
        scene_id=trace.scene_id,
        request_id=trace.request_id,
        occurred_at_us=trace.occurred_us,
        ran=trace.ran,
        reason=trace.reason,
        findings=[
            SceneFinding(what=what, found=found, fits=fits) for what, found, fits in trace.findings
        ],
    )
