"""What must hold of scenes in a world, by what devices and cars really did.

By the names in ``SCENES``. The oracle is outside the product: how often a driver drove home, how
many days there were since a scene was put, and each device's and body's own count of its acts.

Left out on purpose: scenes that did not run. A car that did not see itself come does nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from monocoque.contracts.topics import CAR_SCENES
from monocoque.contracts.wire.home_pb2 import CarScenes
from monocoque.plumbing.records.port import Records
from monocoque.sim.driving import Driver
from monocoque.sim.habits import Habits
from monocoque.sim.machine import Machine
from monocoque.sim.tables import ACTS, DEVICE_ACTS, HOME_REQUESTS, rows_in

SCENES: Final = {
    "scene_twice": "something was done twice for one arrival, or for one minute of a day",
    "scene_late": "something was done for a scene after its time",
}
Violate = Callable[[str, str], None]
SECOND_US: Final = 1_000_000
DAY_S: Final = 86_400.0
SAID: Final = CAR_SCENES.name.rpartition(".")[2]
"""The end of a subject on which a car says its scenes."""
REQUEST: Final = "request_"
"""The beginning of what names an act of a scene; that of a command is named by its digest."""


class Occasions:
    """Watches the scenes of one world."""

    def __init__(
        self,
        homes: Sequence[Machine],
        habits: Sequence[Habits],
        drivers: Mapping[str, Driver],
        late_s_max: float,
        violate: Violate,
    ) -> None:
        """habits, drivers: may grow. late_s_max: by how much two clocks may differ."""
        self.fired: set[tuple[str, str, int]] = set()
        """Car, scene and moment of each run."""
        self._homes = homes
        self._habits = habits
        self._drivers = drivers
        self._late_us_max = round(late_s_max * SECOND_US)
        self._violate = violate
        self._cars: dict[str, Records] = {}
        self._expires_us: dict[str, int] = {}
        """When each request is over, by the car's own word."""
        self._told: set[tuple[str, str]] = set()

    def add_car(self, car_id: str, records: Records) -> None:
        """A car joins the world."""
        self._cars[car_id] = records

    def observe(self, machine_id: str, subject: str, data: bytes) -> None:
        """A bus has accepted a message; what a car says of itself is taken from its own."""
        if machine_id not in self._cars or not subject.endswith(SAID):
            return
        said = CarScenes.FromString(data)
        for request in said.requests:
            self._expires_us.setdefault(request.request_id, request.expires_at_us)
        runs = [trace for trace in said.traces if trace.ran]
        self.fired |= {(machine_id, trace.scene_id, trace.occurred_at_us) for trace in runs}

    async def check(self, now_s: float) -> None:
        """Check what must hold at every moment. now_s: virtual seconds since the beginning."""
        done: Counter[tuple[str, str]] = Counter()
        for home in self._homes:
            await self._look_at_home(home, done)
        for one in self._habits:
            acts = await self._cars[one.car_id].transact(lambda c: rows_in(c, ACTS))
            of_scenes = [row for row in acts if row.command_sha256.startswith(REQUEST)]
            days = 0 if one.warm_since_s is None else 1 + int((now_s - one.warm_since_s) / DAY_S)
            homeward = self._drivers[one.car_id].homeward
            counts = {
                "car": (len(of_scenes), days),
                "heat pump": (done[one.car_id, one.warm_id], days),
                "lamp": (done[one.car_id, one.arrive_id], homeward),
            }
            for what, (count, occasions) in counts.items():
                if count > occasions:
                    self._tell("scene_twice", f"{one.car_id}: {what}, for {occasions} occasions")

    async def _look_at_home(self, home: Machine, done: Counter[tuple[str, str]]) -> None:
        asked = {
            row.request_id: row
            for row in await home.records.transact(lambda c: rows_in(c, HOME_REQUESTS))
        }
        for act in await home.records.transact(lambda c: rows_in(c, DEVICE_ACTS)):
            row = asked.get(act.cause)
            if row is None:
                self._tell("scene_twice", f"{home.machine_id}: {act.cause} was not asked")
                continue
            done[row.car_id, row.scene_id] += 1
            expires_us = self._expires_us.get(act.cause)
            if expires_us is not None and act.began_us > expires_us + self._late_us_max:
                self._tell("scene_late", f"{home.machine_id}: {act.cause}")

    def _tell(self, invariant: str, what: str) -> None:
        if (invariant, what) not in self._told:
            self._told.add((invariant, what))
            self._violate(invariant, what)
