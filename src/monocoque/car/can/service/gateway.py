"""The gateway: what is heard on the bus is published, what is asked of actuators is put on it.

Rules:

* an act is put on the bus only when the guard has no word against it. It judges by what the bus
  brings, and by the car's own record of the rest; a bus that does not say how the car is gets no
  frame: it is silent, or of a signal that counts here it said nothing for ``silent_after_s`` (for
  as long as its row says), or that it does not know;
* an act is accepted when its frame was sent, done when the bus shows the target (as near as the
  field can say it), and failed at its deadline; one that no field can say is refused;
* a frame that is broken or unknown is counted and costs nothing else;
* a bus that goes away, or falls silent for ``silent_after_s``, ends the gateway with
  CanBusUnavailable; its supervisor begins it again, and until something is heard its signals say
  that their provider is gone.

Left out on purpose: counters and checksums of messages, which are each maker's own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.told import as_told, judged_by
from monocoque.car.can.logic.translation import Rule, Translation
from monocoque.car.can.service.hearing import Hearing, Tally
from monocoque.car.signals.logic.acts import DEADLINE, REPLACED, Act, ActState
from monocoque.car.signals.service.gating import gate_of
from monocoque.car.signals.service.port import Broker, Brokers, Provision
from monocoque.contracts.errors import CanBusUnavailable, CanTargetRefused
from monocoque.contracts.signals import Value
from monocoque.plumbing.can.port import CanBus, Frame
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.service import Context

NAME = "can"
"""The source of what is heard on the bus."""
NOT_SENT = "bus_unavailable"
"""The reason of an act whose frame the bus did not take."""
NOT_SAYABLE = "out_of_range"
"""The reason of an act that no field can say."""
SILENT = "bus_silent"
"""The reason of an act when the bus does not say how the car is."""
MICROSECONDS = 1_000_000


@dataclass
class Heard:
    """What the bus says, and when it said so."""

    time_us: int = 0
    """When something that a row wants was heard last."""
    values: dict[int, Value] = field(default_factory=dict)
    """The newest of each signal, said or held back; none of one that the bus does not know now."""
    times_us: dict[int, int] = field(default_factory=dict)
    """When each of these was heard."""

    def note(self, number: int, value: Value | None, time_us: int) -> None:
        """This was heard; None is a value without meaning, and takes back what was before."""
        self.time_us = self.times_us[number] = time_us
        if value is None:
            self.values.pop(number, None)
        else:
            self.values[number] = value

    def told(self, counts_us: Mapping[int, int], now_us: int) -> dict[int, Value]:
        """Of these signals, the values that count now; each for so long after it was heard."""
        return {
            number: self.values[number]
            for number, us_max in counts_us.items()
            # A clock that was set back must not make a value young.
            if number in self.values and abs(now_us - self.times_us[number]) <= us_max
        }


Gate = Callable[[Act, Heard], Awaitable[str | None]]
"""Says why an act must not be put on the bus now, or None."""


def guard_of(context: Context, translation: Translation) -> Gate:
    """The guard, which judges by what was heard; asking it raises what ``transact`` raises."""
    config = context.config(CanConfig)
    needed = needed_of(translation)
    counts_us = {
        rule.signal.number: _silent_after_us(rule, config)
        for rule in translation.rules
        if rule.signal.number in needed
    }
    silent_after_us = bus_silent_after_us(translation, config)

    async def refusal(act: Act, heard: Heard) -> str | None:
        now_us = context.clock.now_us()
        told = heard.told(counts_us, now_us)
        if now_us - heard.time_us > silent_after_us or len(told) < len(counts_us):
            return SILENT
        return await gate_of(context, lambda body: as_told(body, told))(act)

    return refusal


def needed_of(translation: Translation) -> frozenset[int]:
    """The signals of this bus by which the guard judges what goes out to it.

    Raises CanMappingWrong for one that it would not understand.
    """
    if not translation.asks:
        return frozenset()
    return judged_by(rule.signal for rule in translation.rules)


def bus_silent_after_us(translation: Translation, config: CanConfig) -> int:
    """Of a bus on which every value may be older than most, the youngest must come so often."""
    default_us = round(config.silent_after_s * MICROSECONDS)
    own_us = [_silent_after_us(rule, config) for rule in translation.rules]
    return max(default_us, min(own_us, default=default_us))


def _silent_after_us(rule: Rule, config: CanConfig) -> int:
    return rule.silent_after_us or round(config.silent_after_s * MICROSECONDS)


async def run(context: Context) -> None:
    """The service of a car that has a bus."""
    broker: Broker = context.port(Brokers).connect(NAME)
    translation: Translation = context.port(Translation)
    config, gate = context.config(CanConfig), guard_of(context, translation)
    await run_gateway(broker, context.port(CanBus), translation, config, context.clock, gate)


async def run_gateway(
    broker: Broker,
    bus: CanBus,
    translation: Translation,
    config: CanConfig,
    clock: Clock,
    gate: Gate,
) -> None:
    """Pass on, both ways, until cancelled. Raises CanBusUnavailable, and what the broker raises.

    gate: the guard's word about each act, before it is put on the bus.
    """
    asks = tuple(translation.asks)
    sensors = [number for number in translation.numbers if number not in translation.asks]
    async with broker.provide(sensors, asks) as provision:
        gateway = Gateway(bus, translation, provision, config, clock, gate)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(gateway.hear())
                group.create_task(gateway.ask())
                group.create_task(gateway.look())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None


class Gateway:
    """Both directions of one bus."""

    def __init__(
        self,
        bus: CanBus,
        translation: Translation,
        provision: Provision,
        config: CanConfig,
        clock: Clock,
        gate: Gate,
    ) -> None:
        """Nothing was heard or asked yet."""
        self._gate = gate
        self._bus = bus
        self._translation = translation
        self._provision = provision
        self._config = config
        self._clock = clock
        self._heard = Heard()
        self._waiting: dict[int, Act] = {}
        """By signal, what was sent and not yet seen."""
        self._seen: dict[int, Act] = {}
        """By signal, what was seen and not yet said."""
        self._hearing = Hearing(translation, provision, config, self._note)

    @property
    def tally(self) -> Tally:
        """What became of what was heard."""
        return self._hearing.tally

    async def hear(self) -> None:
        """From the bus to the signals."""
        config = self._config
        while True:
            frames = await self._bus.receive(config.batch_frames_max, config.batch_gather_s)
            await self._hearing.take(frames)
            seen, self._seen = self._seen, {}
            for act in seen.values():
                await self._provision.tell(act.act_id, ActState.DONE)

    async def ask(self) -> None:
        """From actuators to the bus."""
        while True:
            for act in await self._provision.next_acts():
                await self._send(act)

    async def look(self) -> None:
        """Say what is due: values that were held back, and acts whose time is over.

        Raises CanBusUnavailable when the bus has fallen silent.
        """
        silent_after_us = bus_silent_after_us(self._translation, self._config)
        while True:
            await asyncio.sleep(self._config.look_s)
            now_us = self._clock.now_us()
            if self._heard.time_us and now_us - self._heard.time_us > silent_after_us:
                raise CanBusUnavailable(
                    f"The bus has been silent for {silent_after_us / MICROSECONDS:g} s.",
                    hint="See whether the vehicle is awake, and its cable in.",
                )
            await self._hearing.take_due(now_us)
            for act in [act for act in self._waiting.values() if act.deadline_us <= now_us]:
                del self._waiting[act.number]
                await self._provision.tell(act.act_id, ActState.FAILED, DEADLINE)

    async def _send(self, act: Act) -> None:
        try:
            refusal = await self._gate(act, self._heard)
        except AWAY as error:
            await self._provision.tell(act.act_id, ActState.FAILED, error.code)
            return
        if refusal is not None:
            await self._provision.tell(act.act_id, ActState.REFUSED, refusal)
            return
        ask = self._translation.asks[act.number]
        identifier, is_extended = ask.message.address
        before = self._waiting.pop(act.number, None)
        if before is not None:
            await self._provision.tell(before.act_id, ActState.FAILED, REPLACED)
        try:
            data = ask.encode(act.target)
            await self._bus.send(Frame(self._clock.now_us(), identifier, is_extended, data))
        except CanTargetRefused:
            await self._provision.tell(act.act_id, ActState.REFUSED, NOT_SAYABLE)
        except CanBusUnavailable:
            await self._provision.tell(act.act_id, ActState.FAILED, NOT_SENT)
        else:
            await self._provision.tell(act.act_id, ActState.ACCEPTED)
            self._waiting[act.number] = act

    def _note(self, rule: Rule, value: Value | None, time_us: int) -> None:
        """A value was heard; is it what somebody waits for?"""
        self._heard.note(rule.signal.number, value, time_us)
        if value is None or not self._waiting:
            return
        act = self._waiting.get(rule.signal.number)
        if act is not None and is_target(act.target, value, rule.tolerance):
            self._seen[act.number] = self._waiting.pop(act.number)


def is_target(target: Value, value: Value, tolerance: float) -> bool:
    """Whether a value that was heard is what was asked for, as near as its field can say it."""
    if isinstance(target, bool) or not isinstance(target, int | float):
        return target == value
    return isinstance(value, int | float) and abs(target - value) <= tolerance * 1.000_001
