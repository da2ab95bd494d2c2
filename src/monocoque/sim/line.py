"""The line of a world's factory: a car is a machine of the world, and lives there from then on.

Rules:

* a machine is there as soon as it was begun, as a folder is on a disk, and outlives every death of
  the factory; asked again, the line gives the same machine with the same keys;
* it runs from the moment at which it was let go, and once, however often it is let go.

Left out on purpose: the birth, which is that of every car (maker.py), and who takes the car over.
"""

from collections.abc import Callable
from random import Random

from monocoque.car.keys import service as keys
from monocoque.contracts.identifiers import CarId
from monocoque.sim.machine import Machine
from monocoque.trust.grants import CarKeys
from monocoque.trust.keys import SeededKeyMaker


class WorldLine:
    """Offers shop/build's port ``Line``."""

    def __init__(
        self,
        begin: Callable[[CarId], Machine],
        start: Callable[[Machine], None],
        random: Callable[[CarId], Random],
    ) -> None:
        """Build it.

        begin: builds a machine. start: lets it live. random: gives the source of a car's keys.
        """
        self._begin = begin
        self._start = start
        self._random = random
        self._cars: dict[CarId, Machine] = {}
        self._gone: set[CarId] = set()

    async def make(self, car_id: CarId) -> CarKeys:
        """See Line."""
        if car_id not in self._cars:
            self._cars[car_id] = self._begin(car_id)
        key_maker = SeededKeyMaker(self._random(car_id).randbytes)
        return keys.public_keys(self._cars[car_id].keystore, key_maker)

    async def let_go(self, car_id: CarId) -> None:
        """See Line."""
        if car_id not in self._gone:
            self._gone.add(car_id)
            self._start(self._cars[car_id])
