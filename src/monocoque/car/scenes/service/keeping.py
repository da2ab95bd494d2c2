"""Watches for what the scenes wait for: the places that the body says, and the next minute.

Rules:

* memory is a cache of the records; what decides is compared with them in the transaction that
  writes it down, so a scene that was changed meanwhile is left alone, and what was written by an
  attempt whose outcome was not heard is not written twice;
* the measured places that speak for another side are in memory alone: after a kill the car looks
  again from the first of them.

Left out on purpose: what is asked of whom (logic), and the doing (acting.py).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from monocoque.car.scenes import records
from monocoque.car.scenes.config import ScenesConfig
from monocoque.car.scenes.logic import places, runs, times
from monocoque.car.scenes.logic.places import Fix, Side, Standing, Watch
from monocoque.car.scenes.logic.runs import Judgement
from monocoque.car.scenes.records import StoredScene
from monocoque.car.scenes.service.acting import Acting
from monocoque.car.scenes.service.saying import Saying
from monocoque.contracts import identifiers
from monocoque.contracts.scenes import HOME, AtTime, Scene, action_text, parse_scene
from monocoque.contracts.topics import CAR_BODY
from monocoque.contracts.wire.command_pb2 import CarBody
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context
from monocoque.plumbing.zones import find_zone

SECOND_US: Final = 1_000_000
LISTEN_S: Final = 3_600.0
"""How long one wait lasts; then another begins."""
BODIES_MAX: Final = 64
"""Bodies that were said and not looked at yet; the oldest go first."""
PARKED: Final = "park"


@dataclass(frozen=True, slots=True)
class Kept:
    """One scene in memory."""

    stored: StoredScene
    scene: Scene
    watch: Watch
    next_day: tuple[int, int] | None
    """Of a minute: the day that is settled next, and when its minute comes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a scene remembers from now on, and whether it runs."""

    stored: StoredScene
    """As it was when that was decided."""
    scene: Scene
    state: Mapping[str, Any]
    judgement: Judgement | None
    request_ids: tuple[str, ...]


class Keeping:
    """The eyes and the clock of one car's scenes."""

    def __init__(self, context: Context, saying: Saying, acting: Acting) -> None:
        self._context = context
        self._config = context.config(ScenesConfig)
        self._saying = saying
        self._acting = acting
        self._kept: dict[str, Kept] = {}
        self._bodies: deque[CarBody] = deque(maxlen=BODIES_MAX)
        self._has_bodies = asyncio.Event()
        self._sight: Fix | None = None
        self._sight_written_us = 0
        self._read_us = 0
        """When the scenes were read last."""
        self._expires_us: int | None = None
        """When the first thing that was asked of the home is over."""

    async def hear_for_ever(self) -> None:
        """Take every body that is said."""
        mine = {"car_id": self._context.machine_id}
        async with self._context.bus.listen(CAR_BODY, **mine) as said:
            while True:
                delivery = await said.next(LISTEN_S)
                if delivery is not None:
                    self._bodies.append(delivery.message)
                    self._has_bodies.set()

    async def keep_for_ever(self) -> None:
        """Look at what was said and at the time, again and again."""
        members = await insist(
            self._context,
            lambda c: records.last_sight(c, self._context.machine_id),
            self._config.records_retry_s,
        )
        self._sight = None if members is None else Fix(**members)
        await self._read()
        while True:
            self._has_bodies.clear()
            while self._bodies:
                await self._look(self._bodies.popleft())
            await self._look_at_clock()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s()):
                    await self._has_bodies.wait()

    def _pause_s(self) -> float:
        """Until the next minute that somebody waits for."""
        deadlines = [kept.next_day[1] for kept in self._kept.values() if kept.next_day is not None]
        deadlines += [] if self._expires_us is None else [self._expires_us]
        now_us = self._context.clock.now_us()
        until_s = [(deadline_us - now_us) / SECOND_US for deadline_us in deadlines]
        return max(0.0, min([LISTEN_S, *until_s]))

    async def _read(self) -> None:
        """Read the scenes, and keep what was seen of those that are the same."""
        self._read_us = now_us = self._context.clock.now_us()

        def work(connection: Connection) -> tuple[list[StoredScene], int | None]:
            waiting = records.requests_of(connection, HOME)
            return records.every_scene(connection), min(
                (r.expires_us for r in waiting), default=None
            )

        stored_scenes, self._expires_us = await insist(
            self._context, work, self._config.records_retry_s
        )
        kept = {}
        for stored in stored_scenes:
            known = self._kept.get(stored.scene_id)
            if known is None or known.stored != stored:
                known = _kept(stored, now_us)
            kept[stored.scene_id] = known
        if {i: k.stored.scene for i, k in kept.items()} != {
            i: k.stored.scene for i, k in self._kept.items()
        }:
            self._saying.tell()
        self._kept = kept

    async def _look(self, body: CarBody) -> None:
        """The body was said: the scenes may be others, and the car may be elsewhere."""
        now_us = self._context.clock.now_us()
        is_parked = body.gear == PARKED
        if is_parked or now_us - self._read_us >= self._config.look_s_min * SECOND_US:
            await self._read()
        fix = Fix(
            body.latitude_degrees,
            body.longitude_degrees,
            body.place_accuracy_m,
            body.place_measured_us,
            body.odometer_m,
        )
        last, config = self._sight, self._config
        is_news = last is None or fix.measured_us > last.measured_us
        if not is_news or not places.is_usable(fix, now_us, config.fix_age_s_max):
            return
        if places.is_out_of_sight(last, fix, config.sight_gap_s_max, config.sight_jump_m_max):
            for scene_id, kept in self._kept.items():
                self._kept[scene_id] = replace(kept, watch=Watch())
        changes = list(self._crossings(fix))
        self._sight = fix
        due_us = self._sight_written_us + round(config.sight_write_s * SECOND_US)
        if self._kept and (changes or is_parked or now_us >= due_us):
            self._sight_written_us = now_us
            await self._write(changes, fix)

    def _crossings(self, fix: Fix) -> Iterator[Change]:
        """What every scene that waits at a place makes of this one."""
        for scene_id, kept in self._kept.items():
            if isinstance(kept.scene.when, AtTime):
                continue
            place = kept.scene.when.place
            watch, crossing = places.look(kept.watch, place, fix, self._config.fixes_needed)
            self._kept[scene_id] = replace(kept, watch=watch)
            if crossing is not None:
                judgement = runs.of_crossing(kept.scene, crossing)
                yield self._change(kept, asdict(watch.standing), judgement)
            elif kept.watch.standing.side is Side.UNKNOWN and kept.stored.state:
                yield self._change(kept, {}, None)

    async def _look_at_clock(self) -> None:
        """Settle every day whose minute has come, and forget what is over."""
        now_us = self._context.clock.now_us()
        changes = []
        for kept in self._kept.values():
            if kept.next_day is not None and kept.next_day[1] <= now_us:
                day, came_us = kept.next_day
                judgement = runs.of_time(came_us, now_us)
                changes.append(self._change(kept, {"settled_day": day}, judgement))
        if changes or (self._expires_us is not None and self._expires_us <= now_us):
            await self._write(changes, None)

    def _change(self, kept: Kept, state: Mapping[str, Any], judgement: Judgement | None) -> Change:
        random = self._context.random
        ids = tuple(identifiers.make("request", random.getrandbits) for _ in kept.scene.do)
        return Change(kept.stored, kept.scene, state, judgement, ids)

    async def _write(self, changes: list[Change], fix: Fix | None) -> None:
        """Write all of it down, say it, and have it done."""
        context = self._context

        def work(connection: Connection) -> None:
            now_us = context.clock.now_us()
            for change in changes:
                stored = records.find_scene(connection, change.stored.scene_id)
                if stored == change.stored:
                    _write_change(connection, change, now_us, self._config)
            records.forget_requests(connection, now_us)
            if fix is not None:
                records.set_sight(connection, context.machine_id, asdict(fix))

        await insist(context, work, self._config.records_retry_s)
        if changes or fix is None:
            self._saying.tell()
            self._acting.begin()
            await self._read()


def _kept(stored: StoredScene, now_us: int) -> Kept:
    scene = parse_scene(stored.scene)
    if isinstance(scene.when, AtTime):
        zone, settled = find_zone(scene.when.zone), stored.state["settled_day"]
        comes = None if zone is None else times.next_day(scene.when, zone, settled, now_us)
        return Kept(stored, scene, Watch(), comes)
    return Kept(stored, scene, Watch(_standing(stored.state)), None)


def _standing(state: Mapping[str, Any]) -> Standing:
    return Standing(Side(state["side"]), state["since_us"]) if state else Standing()


def _write_change(
    connection: Connection, change: Change, now_us: int, config: ScenesConfig
) -> None:
    """One scene remembers this; when that is why it runs, or does not, there is a trace."""
    scene_id = change.stored.scene_id
    records.set_state(connection, scene_id, change.state)
    if change.judgement is None:
        return
    waiting = records.count_requests(connection) + len(change.scene.do)
    judgement = runs.settled(
        change.judgement,
        change.scene,
        now_us,
        is_running=records.is_running(connection, scene_id),
        has_room=waiting <= config.requests_waiting_max,
    )
    asked = list(zip(change.request_ids, change.scene.do, strict=True)) if judgement.ran else []
    of_home = [request_id for request_id, action in asked if action.word.done_by == HOME]
    findings = [(finding.what, finding.found, finding.fits) for finding in judgement.findings]
    findings += [
        (action.word.name, request_id if action.word.done_by == HOME else "waits", True)
        for request_id, action in asked
    ]
    trace = records.Trace(
        scene_id=scene_id,
        request_id=of_home[0] if of_home else "",
        occurred_us=judgement.occurred_us,
        ran=judgement.ran,
        reason=judgement.reason,
        findings=findings,
    )
    number = records.add_trace(connection, trace, config.traces_kept)
    for request_id, action in asked:
        request = records.Request(
            request_id=request_id,
            scene_id=scene_id,
            action=action_text(action),
            done_by=action.word.done_by,
            occurred_us=judgement.occurred_us,
            expires_us=runs.ends_us(change.scene, judgement.occurred_us),
            is_begun=False,
            trace_number=number,
        )
        records.add_request(connection, request)
