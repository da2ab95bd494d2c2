"""A car on a stand with its signals: the hub, the body as its provider, and the history."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from monocoque.car.body import service as body
from monocoque.car.body.logic import Body
from monocoque.car.signals import records
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.signals.service import embodying, history
from monocoque.car.signals.service.history import KeptHistory
from monocoque.car.signals.service.hub import HubConnection, SignalHub
from monocoque.car.signals.service.port import Brokers
from monocoque.contracts.signals import Value
from monocoque.roles.doors import HubBrokers
from monocoque.sim.loop import run_virtual
from tests.car.stand import CAR_ID, Stand


class SignalStand(Stand):
    """A car whose signals can be read and asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.signals = SignalHub(own_catalogue(), self.clock, Random("signals"))
        self.history = KeptHistory(self.records)
        self.ports = {Brokers: HubBrokers(self.signals), KeptHistory: self.history}
        self.configs[SignalsConfig] = SignalsConfig()
        self.services |= {"embodying": embodying.run, "history": history.run}
        self.client: HubConnection = HubBrokers(self.signals).connect("client")

    def number(self, path: str) -> int:
        """The number of a path."""
        return self.signals.catalogue.at(path).number

    async def value(self, path: str) -> Value | None:
        """What the signal is now."""
        return (await self.client.read([self.number(path)]))[0].value

    async def change_body(self, how: Callable[[Body], Body]) -> None:
        """As a person at the car does, or a fault; then the body is looked at."""
        await body.change(self.records, CAR_ID, self.clock.now_us(), how)
        await asyncio.sleep(SignalsConfig().look_parked_interval_s * 2)

    async def acts_on_record(self) -> list[dict[str, object]]:
        """What was asked, newest first."""
        return await self.records.transact(lambda c: records.last_acts(c, 100))


def on_a_signal_stand(story: Callable[[SignalStand], Awaitable[None]]) -> None:
    """Live through the story in virtual time."""

    async def main() -> None:
        stand = SignalStand()
        async with stand.living():
            await asyncio.sleep(1)
            await story(stand)

    run_virtual(main())
