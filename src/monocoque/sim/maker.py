"""The maker in a world: the factory's keys, and how a car is born at the end of its line.

Rules:

* what happens is production's (roles/factory.py, roles/cars.py): the car makes its keys, the
  factory puts them on record and vouches for them, and the car enrols over HTTP and gets its place;
* every key is made of the world's chance, so that one seed makes one world;
* a car that loses power while it is born goes on from what it has.

Left out on purpose: the place itself. A bus in memory knows its participants by their objects; the
credentials are made, kept, and shown to nobody.
"""

from functools import partial

import httpx

from monocoque.car.enrolment import service as enrolment
from monocoque.car.keys import service as keys
from monocoque.contracts.errors import NotFound
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import Role
from monocoque.contracts.updates import COMPANIES
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.service import Context
from monocoque.roles.cars import post_enrolment
from monocoque.roles.factory import finish_car
from monocoque.roles.programme import Places, make_programme
from monocoque.roles.table import MachineKind, ServiceRow
from monocoque.shop.build import service as build
from monocoque.shop.build.service import HandOverPaper
from monocoque.sim.chance import chance
from monocoque.sim.clock import VirtualClock
from monocoque.sim.door import ADDRESS
from monocoque.sim.machine import Machine
from monocoque.sim.power import VirtualKeyStore
from monocoque.trust.keys import SeededKeyMaker

BIRTH = "birth"


class Maker:
    """The factory and its line, beside one cell."""

    def __init__(self, seed: int, factory: Machine, cell: Machine) -> None:
        """Make the keys of the factory and of the cell's bus, as a first start does."""
        self._factory = factory
        source = chance(seed, "factory's keys")
        build.make_keys(factory.keystore, cell.keystore, SeededKeyMaker(source.randbytes))
        assert cell.documents is not None
        places = Places(
            {name: VirtualKeyStore() for name in COMPANIES},
            factory.keystore,
            cell.keystore,
            cell.documents,
        )
        own_chance = chance(seed, "companies' keys")
        make_programme(places, SeededKeyMaker(own_chance.randbytes), VirtualClock(cell.time))
        self.companies = places.companies
        """The offline keys of the companies, for whoever makes a release in this world."""
        self.authority = NatsAuthority(cell.keystore, VirtualClock(cell.time))
        self.authority.make_keys(chance(seed, "keys of the bus").randbytes)

    async def paper(self, car_id: str) -> HandOverPaper | None:
        """What is printed for this car, or None while the factory has not made it."""
        try:
            return await build.hand_over_paper(
                self._factory.records, self._factory.keystore, car_id
            )
        except NotFound:
            return None

    def birth(self, way: httpx.AsyncBaseTransport) -> ServiceRow:
        """What a car does before its services begin. way: from the car to the cell's door."""
        return ServiceRow(
            name=BIRTH,
            machine=MachineKind.CAR,
            role=Role.CAR,
            run=partial(self._be_born, way),
            configs=(),
            purpose="Leaves the line and gets its place on the bus.",
        )

    async def _be_born(self, way: httpx.AsyncBaseTransport, context: Context) -> None:
        car_id, car = CarId(context.machine_id), context.keystore
        own, clock, random = self._factory.keystore, context.clock, context.random
        key_maker = SeededKeyMaker(random.randbytes)
        if car.read(keys.MAKER_ROOT) is None:
            await finish_car(own, self._factory.records, car_id, car, key_maker, clock, random)
        if enrolment.known_place(car) is not None:
            return
        identity = keys.identity_of(car, key_maker)
        birth = build.birth_document(own, car_id, identity.public_jwk, clock, random)
        post = partial(post_enrolment, way, ADDRESS)
        await enrolment.enrol(car, identity, birth, clock, random, post)
