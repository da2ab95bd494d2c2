"""The homes of a world: machines with virtual devices, one for each few cars.

Rules:

* a home is put on record in the cell before it lives, as ``monocoque home add`` does it, and is
  taken on the phone site by the code that ``monocoque home code`` prints;
* its devices are production's virtual ones, on its own records.

Left out on purpose: Home Assistant, which nobody wishes for in a world; and the home's place on
the bus, as with cars.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from random import Random
from typing import Any, Final

from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service import desk
from monocoque.contracts import identifiers
from monocoque.contracts.errors import HomeAlreadyTaken
from monocoque.home.assistant.logic import Discovery
from monocoque.home.assistant.service.port import HomeMqtt
from monocoque.home.devices.service import Wiring, virtual_wiring
from monocoque.plumbing.mqtt.port import MqttMessage, MqttSession
from monocoque.sim.clock import VirtualClock
from monocoque.sim.machine import Machine


class _NoAssistant:
    """Offers HomeMqtt to a home that has no assistant."""

    def wish(self) -> Discovery | None:
        """See HomeMqtt."""
        return None

    def connected(self, will: MqttMessage) -> AbstractAsyncContextManager[MqttSession]:
        """See HomeMqtt; nobody asks."""
        raise NotImplementedError


PORTS: Final[dict[type, Any]] = {Wiring: virtual_wiring, HomeMqtt: _NoAssistant()}
"""Of every home."""


def home_ids(count: int, random: Random) -> list[str]:
    """So many names."""
    return [identifiers.make("home", random.getrandbits) for _ in range(count)]


class Homes:
    """Those of one world, as whoever runs the cell gives them out."""

    def __init__(
        self, cell: Machine, machines: Sequence[Machine], cars_per_home: int, random: Random
    ) -> None:
        self.machines = machines
        self._cell = cell
        self._cars_per_home = cars_per_home
        self._random = random
        self._given: dict[str, str] = {}
        """By car, its home."""

    async def begin(self) -> None:
        """Put every home on record."""
        now_us = VirtualClock(self._cell.time).now_us()
        for home in self.machines:
            await desk.add_home(self._cell.records, home.machine_id, now_us)

    async def given(self, car_id: str) -> tuple[str, str | None]:
        """The home for this car, and a new code by which it is taken; None when it is already."""
        at = min(len(self._given) // self._cars_per_home, len(self.machines) - 1)
        home_id = self._given.setdefault(car_id, self.machines[at].machine_id)
        now_us = VirtualClock(self._cell.time).now_us()
        try:
            records, random = self._cell.records, self._random
            return home_id, await desk.new_code(records, home_id, now_us, random, HomesConfig())
        except HomeAlreadyTaken:
            return home_id, None
