"""The body: keeps it going, sets its actuators in motion, and says how it is.

Rules:

* the body is a record, stepped to the present whenever it is looked at, so it outlives whoever
  looks, and written again every ``write_interval_s``, which changes nothing but how far a look has
  to go; another process may change it (``monocoque car drive``) and is heard at the next look;
* whoever changes the body in this process says it (``say_now``); then, and for ``attentive_s``, the
  next look is soon, since who unlocks a car is about to do something with it;
* ``act`` asks its gate (the guard), sets an actuator in motion and waits for it. It acts as often
  as it is told, and counts each act by its command: that it is told once is the commands' promise;
* a car says how it is when that changed, at least every ``say_interval_s_max`` and at most every
  ``say_interval_s_min``; small drifts, below what a page shows, are no change;
* the body's time is the later of the clock's and its own.

Left out on purpose: what the gate says, which is the guard's.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from monocoque.car.body import logic, records
from monocoque.car.body.config import BodyConfig
from monocoque.car.body.logic import Body, Motion
from monocoque.car.keys import service as keys
from monocoque.contracts.errors import MonocoqueError
from monocoque.contracts.topics import CAR_BODY
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context

SECOND_US: Final = 1_000_000
LISTEN_S: Final = 3_600.0
"""How long one wait for what others say of the body lasts; then another begins."""


Gate = Callable[[Body], str | None]
"""Says why the body must not do something as it is now, or None."""


@dataclass(frozen=True)
class Act:
    """One act: which actuator is set to what, and for which command."""

    command_sha256: str
    """The digest of the command; of a scene, which has none, the identifier of its request."""
    actuator: str
    target: Mapping[str, int | bool]


async def run(context: Context) -> None:
    """Look at the body and say how it is, until cancelled."""
    teller = _Teller(context)
    async with asyncio.TaskGroup() as group:
        group.create_task(teller.hear())
        group.create_task(teller.tell())


class _Teller:
    """Says the body when it changed, and looks sooner after somebody else has said it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(BodyConfig)
        self._said: bytes | None = None
        """What was said last, by whoever it was, without its header."""
        self._said_us = 0
        self._own_id = ""
        """The last message of this teller, which it hears like everybody."""
        self._attentive_until_us = 0
        self._heard = asyncio.Event()

    async def hear(self) -> None:
        """Whoever changes the body says it; what comes next is not far."""
        context = self._context
        async with context.bus.listen(CAR_BODY, car_id=context.machine_id) as said:
            while True:
                delivery = await said.next(LISTEN_S)
                if delivery is None or delivery.message.header.message_id == self._own_id:
                    continue
                now_us = context.clock.now_us()
                self._said, self._said_us = _without_header(delivery.message), now_us
                self._attentive_until_us = now_us + round(self._config.attentive_s * SECOND_US)
                self._heard.set()

    async def tell(self) -> None:
        """Look and say, again and again."""
        while True:
            self._heard.clear()
            pause_s = self._config.look_interval_s
            try:
                pause_s = await self._look_and_say()
            except AWAY as error:
                self._said = None
                _count(self._context, error)
            await self._pause(pause_s)

    async def _look_and_say(self) -> float:
        """Say what is news; returns how long to wait before the next look."""
        context, config = self._context, self._config
        body, epoch = await _look(context)
        news = message_of(body, epoch)
        told, now_us = news.SerializeToString(deterministic=True), context.clock.now_us()
        due_us = self._said_us + round(config.say_interval_s_max * SECOND_US)
        if told != self._said or now_us >= due_us:
            self._said, self._said_us = told, now_us
            stamp(news, context.clock, context.random)
            self._own_id = news.header.message_id
            await say(context, news)
        return _pause_s(body, config, is_attentive=now_us < self._attentive_until_us)

    async def _pause(self, pause_s: float) -> None:
        """So long, or until a moment after somebody else has said the body."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._heard.wait()
            await asyncio.sleep(self._config.say_interval_s_min)


async def say_now(context: Context) -> None:
    """Say how the body is, for whoever has just changed it; the service tells it otherwise.

    Never raises what passes by itself: the service says it again.
    """
    try:
        body, epoch = await _look(context)
        await say(context, message_of(body, epoch))
    except AWAY as error:
        _count(context, error)


async def say(context: Context, message: command_pb2.CarBody) -> None:
    """Publish it; raises what ``Bus.publish`` raises."""
    stamp(message, context.clock, context.random)
    await context.bus.publish(CAR_BODY, message, car_id=context.machine_id)


async def act(context: Context, act: Act, gate: Gate) -> Motion | str:
    """Set the actuator in motion, and return when its time is over, wherever it is then.

    gate: is asked with the body in the transaction that sets it in motion. Returns the reason
    when it forbids the act, which then did not begin. Raises what ``transact`` raises; when that
    says ``may_have_happened``, the actuator may be in motion.
    """
    begun = await begin(context, act, gate)
    if isinstance(begun, Motion):
        await pass_time(begun)
    return begun


async def begin(context: Context, act: Act, gate: Gate) -> Motion | str:
    """The first half of ``act``: set the actuator in motion, or return the gate's reason."""
    config = context.config(BodyConfig)

    def work(connection: Connection) -> Motion | str:
        body = present(connection, context.machine_id, context.clock.now_us())
        refusal = gate(body)
        if refusal is not None:
            return refusal
        lasts_us = round(_lasts_s(config, body, act) * SECOND_US)
        motion = Motion(act.actuator, act.target, body.at_us + lasts_us, body.at_us)
        begun = logic.to_text(logic.begin_motion(body, motion))
        records.set_state(connection, context.machine_id, begun)
        records.add_act(connection, act.command_sha256, act.actuator, body.at_us, config.acts_kept)
        return motion

    return await context.records.transact(work)


async def pass_time(motion: Motion) -> None:
    """The second half of ``act``: return when the time of what was begun is over."""
    await asyncio.sleep((motion.ends_us - motion.began_us) / SECOND_US)


def _lasts_s(config: BodyConfig, body: Body, act: Act) -> float:
    """How long an act takes: of a part that moves by and by, in proportion to its way."""
    if act.actuator in logic.MOVING:
        target = int(act.target[act.actuator])
        speeds = logic.Speeds(
            config.parts_percent_per_s,
            config.seats_mm_per_s,
            config.seats_height_mm_per_s,
            config.backrests_degrees_per_s,
        )
        return max(config.switches_s, logic.travel_s(body, act.actuator, target, speeds))
    lasts_s = {
        "locks": config.locks_s,
        "climate": config.climate_s,
        "charge_limit": config.charge_limit_s,
        **dict.fromkeys(logic.DOOR_PARTS, config.doors_s),
    }
    return lasts_s.get(act.actuator, config.switches_s)


def has_arrived(connection: Connection, car_id: str, motion: Motion, now_us: int) -> bool:
    """Whether the actuator is where this motion should have brought it.

    Call it after ``act``: the motion's time is over then, even if a clock that was set back says
    otherwise, and the body goes on from there.
    """
    body = present(connection, car_id, max(now_us, motion.ends_us))
    records.set_state(connection, car_id, logic.to_text(body))
    return logic.is_at(body, motion.target)


def present(connection: Connection, car_id: str, now_us: int) -> Body:
    """The body now; a new one, parked at home, when there was none.

    In which weather that lives its own service says at its next look.
    """
    return logic.step(_written(connection, car_id, now_us), now_us)


def _written(connection: Connection, car_id: str, now_us: int) -> Body:
    """The body as it was written last; a new one when there was none."""
    text = records.read_state(connection, car_id)
    return logic.new_body(now_us) if text is None else logic.of_text(text)


async def change(at: Records, car_id: str, now_us: int, how: Callable[[Body], Body]) -> Body:
    """Change the body from outside, as a bench or a person at the wheel does; returns it."""

    def work(connection: Connection) -> Body:
        body = how(present(connection, car_id, now_us))
        records.set_state(connection, car_id, logic.to_text(body))
        return body

    return await at.transact(work)


async def drive(
    at: Records,
    car_id: str,
    now_us: int,
    config: BodyConfig,
    gate: Gate,
    route: logic.Route | None = None,
) -> Body | str:
    """Somebody drives off, for ``drive_s`` or along a route, at ``drive_speed_kmh``.

    gate: the guard's word about driving off. Returns the body, or the reason why not.
    """
    holds_us, speed = round(config.drive_s * SECOND_US), config.drive_speed_kmh / 3.6

    def work(connection: Connection) -> Body | str:
        body = present(connection, car_id, now_us)
        refusal = gate(body)
        if refusal is not None:
            return refusal
        if route is None:
            driving = logic.begin_drive(body, holds_us, speed)
        else:
            driving = logic.begin_route(body, route, speed)
        records.set_state(connection, car_id, logic.to_text(driving))
        return driving

    return await at.transact(work)


def begin_update(connection: Connection, car_id: str, now_us: int, gate: Gate) -> str | None:
    """From now on control units are updated; or why not, as the gate says."""
    body = present(connection, car_id, now_us)
    refusal = gate(body)
    if refusal is None:
        records.set_state(connection, car_id, logic.to_text(replace(body, updating=True)))
    return refusal


def end_update(connection: Connection, car_id: str, now_us: int) -> None:
    """The control units are all as they shall be."""
    body = present(connection, car_id, now_us)
    records.set_state(connection, car_id, logic.to_text(replace(body, updating=False)))


async def park(
    at: Records, car_id: str, now_us: int, station: logic.Station = logic.WALLBOX
) -> Body:
    """Whoever drives puts the brakes on; a car that stands is plugged in. Returns the body.

    station: where to, in the second case; at home when nobody says.
    """
    return await change(at, car_id, now_us, lambda body: logic.begin_park(body, station))


async def jam(at: Records, car_id: str, now_us: int, actuators: frozenset[str]) -> Body:
    """These actuators are stuck from now on, and no others; for benches and worlds."""
    return await change(at, car_id, now_us, lambda body: logic.with_jam(body, actuators))


async def acts(at: Records) -> dict[str, int]:
    """How often an actuator was set in motion, by the digest of the command."""
    return await at.transact(records.count_acts)


def message_of(body: Body, epoch: str) -> command_pb2.CarBody:
    """What is said of a body; rounded, so that a drift nobody sees is not said."""
    latitude, longitude = body.place_degrees
    return command_pb2.CarBody(
        epoch=epoch,
        locked=body.locked,
        doors_open=body.doors_open,
        climate_on=body.climate_on,
        climate_target_celsius=body.climate_target_decicelsius / 10,
        cabin_celsius=round(body.cabin_celsius * 2) / 2,
        charge_percent=round(body.charge_percent, 1),
        charge_limit_percent=body.charge_limit_percent,
        range_km=round(body.range_km),
        plugged=body.plugged,
        charging=body.is_charging,
        gear=body.gear,
        speed_kmh=round(body.speed_m_per_s * 3.6),
        latitude_degrees=round(latitude, 5),
        longitude_degrees=round(longitude, 5),
        place_measured_us=body.place_measured_us,
        place_accuracy_m=body.place_accuracy_m,
        odometer_m=round(body.odometer_m),
    )


async def _look(context: Context) -> tuple[Body, str]:
    """The body as it is now, and the epoch; both begin here when there is none.

    After a while that nobody else did, it is written, so that no look has far to go.
    """
    car_id, new_epoch = context.machine_id, keys.make_epoch(context.random)
    config = context.config(BodyConfig)
    write_us = round(config.write_interval_s * SECOND_US)

    def work(connection: Connection) -> tuple[Body, str]:
        memory, now_us = keys.begin(connection, car_id, new_epoch), context.clock.now_us()
        written = _written(connection, car_id, now_us)
        body = logic.step(written, now_us)
        if body.awaits_weather:
            body = logic.in_weather(body, weather_of(config))
        if written.awaits_weather or body.at_us - written.at_us >= write_us:
            records.set_state(connection, car_id, logic.to_text(body))
        return body, memory.epoch

    return await context.records.transact(work)


def weather_of(config: BodyConfig) -> logic.Weather:
    """In which a new car lives."""
    return logic.Weather(
        config.weather_mean_celsius,
        config.weather_swing_k,
        config.weather_change_k,
        config.weather_seed,
    )


def _pause_s(body: Body, config: BodyConfig, *, is_attentive: bool) -> float:
    """Until the next look: soon when something moves or may move, and never too soon."""
    event_us = logic.next_event_us(body)
    if event_us is not None:
        until_s = (event_us - body.at_us) / SECOND_US
        return max(config.say_interval_s_min, min(config.look_moving_interval_s, until_s))
    return config.look_attentive_interval_s if is_attentive else config.look_interval_s


def _without_header(message: command_pb2.CarBody) -> bytes:
    bare = command_pb2.CarBody()
    bare.CopyFrom(message)
    bare.ClearField("header")
    return bare.SerializeToString(deterministic=True)


def _count(context: Context, error: MonocoqueError) -> None:
    context.count_error(error, error.what)
