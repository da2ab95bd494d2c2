"""The line: the port by which the factory has a car made, and lets it go.

Rules for who offers it:

* a car is named before it is begun; making it again gives the same car with the same keys, whatever
  became of the first try;
* the keys are made in the car and stay there; what comes back is their public halves;
* a car that was let go runs from then on, and letting it go again is harmless.

Left out on purpose: what a car is made of. For the factory it is a folder, a machine of a world, or
one day a robot.
"""

from typing import Protocol

from monocoque.contracts.identifiers import CarId
from monocoque.trust.grants import CarKeys


class Line(Protocol):
    """Makes cars and lets them go."""

    async def make(self, car_id: CarId) -> CarKeys:
        """Have this car; the public halves of the keys in it.

        Raises StorageError or CredentialsRefused when it cannot be had now.
        """

    async def let_go(self, car_id: CarId) -> None:
        """This car is on record: it may run, now and after every later start."""
