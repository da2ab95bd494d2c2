"""The broker inside the car: the latest value of each signal, and who hears of it.

Rules:

* it knows no door: gRPC, WebSocket and the rest bring connections to it, each with its access;
* a batch goes through it as a whole. What depends only on which signals it names (who may say it,
  what fits, who hears it) is worked out once and remembered (plans.py);
* readers of the same signals share one channel, so that a batch is cut and encoded once for all;
* a signal whose last provider is gone says so, to readers and to subscribers;
* everything here is synchronous between two waits, so no lock is needed.

Left out on purpose: what acts cause (their provider does them), and the past (history.py).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Final

from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.access import Access
from monocoque.car.signals.logic.acts import PROVIDER_GONE, Act, ActState
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.checks import (
    all_fit,
    all_in_time,
    check_actuator,
    leave_out,
    sift,
)
from monocoque.car.signals.logic.readings import Batch, Freshness, Reading, cut, places_of
from monocoque.car.signals.service.acts import Acts
from monocoque.car.signals.service.inbox import Inbox
from monocoque.car.signals.service.lives import Lives
from monocoque.car.signals.service.plans import Channel, Numbers, Plan
from monocoque.car.signals.service.port import QUEUE_BATCHES
from monocoque.car.signals.service.queues import Queue
from monocoque.car.signals.service.supplies import HubSupply, Supplies
from monocoque.contracts import identifiers
from monocoque.contracts.errors import (
    MonocoqueError,
    QueueFull,
    SignalClaimed,
    SignalClientsFull,
    SignalDenied,
    SignalProviderMissing,
    SignalTokenExpired,
)
from monocoque.contracts.signals import Value, check
from monocoque.plumbing.clock import Clock

PLANS_MAX: Final = 1_024
"""So many sets of signals are remembered; then they are worked out anew."""
SUBSCRIPTIONS_MAX: Final = 1_000
PROVISIONS_MAX: Final = 100
PROVISIONS_PER_TOKEN_MAX: Final = 20
"""A client that claims its actuators one by one leaves the others their places."""
ACTS_WAITING_MAX: Final = 256
"""Requests that wait for one provider to take them."""
MICROSECONDS: Final = 1_000_000


class SignalHub:
    """The signals of one car, in this process."""

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Clock,
        random: Random,
        time_ahead_s_max: float = SignalsConfig.time_ahead_s_max,
    ) -> None:
        """clock: says when what was asked was asked. random: makes identifiers of acts.

        time_ahead_s_max: of values, see ``SignalsConfig``.
        """
        self.catalogue = catalogue
        self.clock = clock
        self.acts = Acts()
        self.supplies = Supplies()
        self.lives = Lives(clock)
        self._ahead_us = round(time_ahead_s_max * MICROSECONDS)
        self._random = random
        self._values: dict[int, Value] = {}
        self._times_us: dict[int, int] = {}
        self._sources: dict[int, str] = {}
        self._gone: set[int] = set()
        self._plans: dict[Numbers, Plan] = {}
        self._channels: dict[frozenset[int], Channel] = {}
        self._channels_made = 0
        self._provisions: list[HubProvision] = []
        self._claims: dict[int, HubProvision] = {}

    def connect(self, name: str, access: Access) -> "HubConnection":
        """A connection of this name, which does what the access allows."""
        connection = HubConnection(self, name, access)
        self.lives.note(connection)
        return connection

    def revoke(self, token_id: str) -> None:
        """Whatever stands on this token, or on a token of this issuer, ends now."""
        self.lives.revoke(token_id)

    def readings(self, numbers: Sequence[int]) -> list[Reading]:
        """The present readings of signals that exist, whoever asks."""
        now_us = self.clock.now_us()
        return [self._reading(number, now_us) for number in numbers]

    def take(
        self, source: str, numbers: Numbers, values: Sequence[Value], times_us: Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """Take values of signals that exist from one who may say them; returns the refused."""
        plan = self._plans.get(numbers) or self._make_plan(numbers)
        latest_us = self.clock.now_us() + self._ahead_us
        if not (all_fit(plan.bounds, values) and all_in_time(times_us, latest_us)):
            fitting, values, times_us, refused = sift(plan.signals, values, times_us, latest_us)
            if fitting != numbers:
                if fitting:
                    self.take(source, fitting, values, times_us)
                return refused
        self._values.update(zip(numbers, values, strict=True))
        self._times_us.update(zip(numbers, times_us, strict=True))
        self._sources.update(dict.fromkeys(numbers, source))
        if self._gone:
            self._gone -= plan.number_set
        self._send(plan, Batch(numbers, values, times_us, source))
        return {}

    def open_channel(self, numbers: Sequence[int], queue: Queue) -> Channel:
        """Let this queue hear these signals, beginning with how they are."""
        key = frozenset(numbers)
        channel = self._channels.get(key)
        if channel is None:
            if len(self._channels) >= SUBSCRIPTIONS_MAX:
                raise SignalClientsFull("As many different subscriptions as there may be.")
            channel = self._channels[key] = Channel(key)
            self._channels_made += 1
        channel.queues.append(queue)
        queue.put(self._present(numbers))
        return channel

    def close_channel(self, channel: Channel, queue: Queue) -> None:
        """This queue hears nothing more."""
        channel.queues.remove(queue)
        if not channel.queues:
            del self._channels[channel.numbers]
            self._channels_made += 1

    def add_provision(self, provision: "HubProvision") -> None:
        """Somebody provides. Raises SignalClaimed, SignalClientsFull."""
        if len(self._provisions) >= PROVISIONS_MAX:
            raise SignalClientsFull("As many providers as there may be.")
        token_id = provision.token_id
        if token_id and self._provided_by(token_id) >= PROVISIONS_PER_TOKEN_MAX:
            raise SignalClientsFull(
                f"One token provides at most {PROVISIONS_PER_TOKEN_MAX} times at once.",
                hint="Claim more actuators in one request.",
            )
        for number in provision.actuators:
            if number in self._claims:
                path = self.catalogue.numbered(number).path
                raise SignalClaimed(f"{path} has a provider already.")
        self._provisions.append(provision)
        self._claims.update(dict.fromkeys(provision.actuators, provision))

    def remove_provision(self, provision: "HubProvision") -> None:
        """Somebody provides no longer: what it said is marked, what it was asked has failed."""
        if provision not in self._provisions:
            return  # it ended before its holder left
        self._provisions.remove(provision)
        for number in provision.actuators:
            del self._claims[number]
        self.acts.end_where(lambda act: act.number in provision.actuators, PROVIDER_GONE)
        others = {
            n for other in self._provisions if other.name == provision.name for n in other.numbers
        }
        self.mark_gone(provision.name, provision.numbers - others)

    def mark_gone(self, name: str, numbers: frozenset[int]) -> None:
        """Who has this name does not stand behind what it said of these signals any more."""
        left = tuple(n for n in numbers - self._gone if self._sources.get(n) == name)
        if left:
            self._gone.update(left)
            plan = self._plans.get(left) or self._make_plan(left)
            values = [self._values[number] for number in left]
            times_us = [self._times_us[number] for number in left]
            not_fresh = dict.fromkeys(left, Freshness.PROVIDER_GONE)
            self._send(plan, Batch(left, values, times_us, name, not_fresh))

    def is_doer(self, name: str, number: int) -> bool:
        """Whether the connection of this name has claimed this actuator."""
        doer = self._claims.get(number)
        return doer is not None and doer.name == name

    def note_met_by(
        self,
        token_id: str,
        numbers: Sequence[int],
        values: Sequence[Value],
        refused: Mapping[int, MonocoqueError],
    ) -> None:
        """Who claimed an actuator may say its value in another call, with the same token.

        refused: what it said of these was not taken, and meets nothing.
        """
        for number, value in zip(numbers, values, strict=True):
            doer = self._claims.get(number)
            if token_id and doer and doer.token_id == token_id and number not in refused:
                self.acts.note_value(number, value)

    def ask(self, wishes: Mapping[int, Value], asked_by: str, timeout_s: float) -> list[Act]:
        """Forward wishes that were checked; raises when one cannot be, and forwards none then."""
        doers: dict[HubProvision, list[Act]] = {}
        now_us = self.clock.now_us()
        for number, target in wishes.items():
            doer = self._claims.get(number)
            if doer is None:
                path = self.catalogue.numbered(number).path
                raise SignalProviderMissing(f"Nobody provides {path}.")
            act_id = identifiers.make("act", self._random.getrandbits)
            deadline_us = now_us + round(timeout_s * MICROSECONDS)
            act = Act(act_id, number, target, asked_by, now_us, deadline_us)
            doers.setdefault(doer, []).append(act)
        if any(doer.is_full for doer in doers):
            raise QueueFull("The provider has more to do than it takes.")
        for doer, acts in doers.items():
            for act in acts:
                self.acts.begin(act, timeout_s)
            doer.hand(tuple(acts))
        return [act for acts in doers.values() for act in acts]

    def _provided_by(self, token_id: str) -> int:
        return sum(provision.token_id == token_id for provision in self._provisions)

    def _make_plan(self, numbers: Numbers) -> Plan:
        if len(self._plans) >= PLANS_MAX:
            self._plans.clear()
        plan = self._plans[numbers] = Plan([self.catalogue.numbered(n) for n in numbers])
        return plan

    def _send(self, plan: Plan, batch: Batch) -> None:
        if plan.routes_made != self._channels_made:
            plan.routes = [
                (channel, places_of(channel.numbers, batch.numbers))
                for channel in self._channels.values()
                if not channel.numbers.isdisjoint(plan.number_set)
            ]
            plan.routes_made = self._channels_made
        for channel, places in plan.routes:
            part = batch if places is None else cut(batch, places)
            for queue in channel.queues:
                queue.put(part)

    def _present(self, numbers: Sequence[int]) -> Batch:
        """How these signals are; one that never had a value is left out."""
        readings = [r for r in self.readings(list(dict.fromkeys(numbers))) if r.value is not None]
        sources = {reading.source for reading in readings}
        return Batch(
            tuple(reading.number for reading in readings),
            [reading.value for reading in readings if reading.value is not None],
            [reading.time_us for reading in readings],
            sources.pop() if len(sources) == 1 else "",
            {r.number: r.freshness for r in readings if r.freshness is not Freshness.FRESH},
        )

    def _reading(self, number: int, now_us: int) -> Reading:
        value = self._values.get(number)
        if value is None:
            return Reading(number, None, 0, "", Freshness.NEVER)
        time_us = self._times_us[number]
        fresh_s = self.catalogue.numbered(number).fresh_s
        freshness = Freshness.FRESH
        if number in self._gone:
            freshness = Freshness.PROVIDER_GONE
        elif fresh_s is not None and now_us - time_us > fresh_s * MICROSECONDS:
            freshness = Freshness.STALE
        return Reading(number, value, time_us, self._sources[number], freshness)


class HubConnection:
    """The port ``Broker``, on a hub in this process."""

    def __init__(self, hub: SignalHub, name: str, access: Access) -> None:
        """See ``SignalHub.connect``."""
        self.name = name
        self.access = access
        self._hub = hub
        self._error: MonocoqueError | None = None

    def end(self, error: MonocoqueError) -> None:
        """From now on it does nothing, for this reason."""
        self._error = error

    @property
    def catalogue(self) -> Catalogue:
        """The signals that there are."""
        return self._hub.catalogue

    async def read(self, numbers: Sequence[int]) -> list[Reading]:
        """See ``Broker.read``."""
        self._check(numbers, self.access.reads, "read")
        return self._hub.readings(numbers)

    async def read_anew(self, numbers: Sequence[int], wait_s: float) -> list[Reading]:
        """The same, after asking whoever supplies these signals, and waiting for it so long."""
        if self._hub.supplies.are_there:
            self._check(numbers, self.access.reads, "read")
            await self._hub.supplies.ask(numbers, wait_s)
        return await self.read(numbers)

    @asynccontextmanager
    async def subscribe(
        self,
        numbers: Sequence[int],
        *,
        interval_s_min: float = 0.0,
        queue_batches: int = QUEUE_BATCHES,
    ) -> AsyncIterator[Queue]:
        """See ``Broker.subscribe``."""
        self._check(numbers, self.access.reads, "read")
        queue = Queue(queue_batches, interval_s_min)
        channel = self._hub.open_channel(numbers, queue)
        try:
            wished = self._hub.supplies.wished(numbers, interval_s_min)
            with self._hub.lives.lasting(self.access, queue), wished:
                yield queue
        finally:
            self._hub.close_channel(channel, queue)

    @asynccontextmanager
    async def provide(
        self, numbers: Sequence[int], actuators: Sequence[int] = ()
    ) -> AsyncIterator["HubProvision"]:
        """See ``Broker.provide``."""
        self._check((*numbers, *actuators), self.access.provides, "provide")
        for number in actuators:
            check_actuator(self.catalogue.numbered(number))
        if not numbers and not actuators:
            raise SignalDenied("The token does not let its bearer provide anything.")
        provision = HubProvision(self._hub, self.name, frozenset(numbers), frozenset(actuators))
        provision.token_id = self.access.token_id
        self._hub.add_provision(provision)
        try:
            with self._hub.lives.lasting(self.access, provision):
                yield provision
        finally:
            self._hub.remove_provision(provision)

    @asynccontextmanager
    async def supply(self) -> AsyncIterator[HubSupply]:
        """Be a supply, of nothing yet, until the block ends; see ``Supply``."""
        with (
            self._hub.supplies.opened(self.check_provides) as supply,
            self._hub.lives.lasting(self.access, supply),
        ):
            yield supply

    def check_provides(self, numbers: Sequence[int]) -> None:
        """Raise SignalUnknown or SignalDenied unless all of these may be provided."""
        self._check(numbers, self.access.provides, "provide")

    def publish_once(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """Say values without staying: nobody can tell when such a provider is gone.

        Returns the refused by number. Raises SignalUnknown, SignalDenied, and for an expired token.
        """
        self.check_provides(numbers)
        refused = self._hub.take(self.name, tuple(numbers), values, times_us)
        self._hub.note_met_by(self.access.token_id, numbers, values, refused)
        return refused

    async def actuate(self, wishes: Mapping[int, Value], timeout_s: float) -> tuple[Act, ...]:
        """See ``Broker.actuate``."""
        self._check(tuple(wishes), self.access.actuates, "actuate")
        checked: dict[int, Value] = {}
        for number, target in wishes.items():
            signal = self.catalogue.numbered(number)
            check_actuator(signal)
            checked[number] = check(signal, target)
        acts = self._hub.ask(checked, self.name, timeout_s)
        return tuple([await self._hub.acts.answered(act.act_id) for act in acts])

    async def outcome(self, act_id: str) -> Act:
        """See ``Broker.outcome``."""
        return await self._hub.acts.ended(act_id)

    async def targets(self, numbers: Sequence[int]) -> Mapping[int, Value]:
        """See ``Broker.targets``."""
        self._check(numbers, self.access.reads, "read")
        acts = [self._hub.acts.open_act(number) for number in numbers]
        return {act.number: act.target for act in acts if act is not None}

    def _check(self, numbers: Sequence[int], allowed: frozenset[int], action: str) -> None:
        """Raise unless all of these exist, are allowed, and the token is still good."""
        if self._error is not None:
            raise self._error
        expires_us = self.access.expires_us
        if expires_us is not None and self._hub.clock.now_us() >= expires_us:
            raise SignalTokenExpired("The token's time is over.")
        if allowed.issuperset(numbers):
            return
        for number in numbers:
            signal = self.catalogue.numbered(number)
            if number not in allowed:
                raise SignalDenied(f"The token does not let its bearer {action} {signal.path}.")


class HubProvision:
    """The port ``Provision``, on a hub in this process."""

    def __init__(
        self, hub: SignalHub, name: str, numbers: frozenset[int], actuators: frozenset[int]
    ) -> None:
        """See ``HubConnection.provide``."""
        self.name = name
        self.token_id = ""
        self.numbers = numbers | actuators
        self.actuators = actuators
        self._hub = hub
        self._asked: Inbox[tuple[Act, ...]] = Inbox(ACTS_WAITING_MAX)

    @property
    def is_full(self) -> bool:
        """Whether it takes no further request."""
        return self._asked.is_full

    async def publish(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: int | Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """See ``Provision.publish``."""
        return self.publish_now(numbers, values, times_us)

    def publish_now(
        self, numbers: Sequence[int], values: Sequence[Value], times_us: int | Sequence[int]
    ) -> Mapping[int, MonocoqueError]:
        """The same, for who is in this process and does not wait.

        A signal that this provider does not provide is refused by its number, as a wrong value is.
        """
        if self._asked.error is not None:
            raise self._asked.error
        key = tuple(numbers)
        each_us = [times_us] * len(key) if isinstance(times_us, int) else times_us
        refused: Mapping[int, MonocoqueError] = {}
        if not self.numbers.issuperset(key):
            refused, key, values, each_us = leave_out(self.numbers, key, values, each_us)
        said = self._hub.take(self.name, key, values, each_us) if key else {}
        self._note_met(key, values, said)
        return {**refused, **said} if refused else said

    def doubt(self, numbers: frozenset[int]) -> None:
        """What it said of these is not to be passed off as true now, until it says them anew."""
        self._hub.mark_gone(self.name, self.numbers & numbers)

    async def next_acts(self) -> tuple[Act, ...]:
        """See ``Provision.next_acts``."""
        return await self._asked.next()

    async def tell(self, act_id: str, state: ActState, reason: str = "") -> None:
        """See ``Provision.tell``."""
        self._hub.acts.tell(act_id, state, reason)

    def hand(self, acts: tuple[Act, ...]) -> None:
        """These are asked of it; there is room."""
        self._asked.put(acts)

    def end(self, error: MonocoqueError) -> None:
        """It provides nothing more, for this reason, whether or not its holder hears of it."""
        self._hub.remove_provision(self)
        self._asked.end(error)

    def _note_met(
        self, numbers: Numbers, values: Sequence[Value], refused: Mapping[int, MonocoqueError]
    ) -> None:
        open_numbers = self._hub.acts.open_numbers
        if open_numbers and not open_numbers.isdisjoint(numbers):
            for number, value in zip(numbers, values, strict=True):
                if (
                    number in open_numbers
                    and number not in refused
                    and self._hub.is_doer(self.name, number)
                ):
                    self._hub.acts.note_value(number, value)
