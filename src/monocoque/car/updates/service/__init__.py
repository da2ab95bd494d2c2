"""Updates of the car's control units: all of them, or none.

Rules:

* the car decides by itself: the director says what, both companies have signed it, the owner has
  agreed, the guard lets it; nobody else's word installs anything;
* what is trusted, agreed to and under way is on record, and each control unit keeps its own state;
  after a loss of power anywhere the units are wholly old or wholly new before anything else
  happens, and the next poll goes on;
* directions come and manifests go over the car's own bus; files come through the port of the
  downloads.

Left out on purpose: the way to the cell, which is car/link's.
"""

import asyncio

from monocoque.car.keys import service as keys
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.service.consent import UNDER_WAY as UNDER_WAY
from monocoque.car.updates.service.consent import agree as agree
from monocoque.car.updates.service.downloads import Downloads as Downloads
from monocoque.car.updates.service.primary import Primary
from monocoque.car.updates.service.telling import Teller
from monocoque.car.updates.service.units import MARK as MARK
from monocoque.car.updates.service.units import NO_BOOT as NO_BOOT
from monocoque.car.updates.service.units import NO_WRITE as NO_WRITE
from monocoque.car.updates.service.units import Unit
from monocoque.car.updates.service.units import break_unit as break_unit
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.topics import CAR_BODY, CAR_UPDATE_DIRECTIONS
from monocoque.contracts.updates import HARDWARE, unit_id
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.service import Context
from monocoque.trust.keys import SeededKeyMaker

STORE = "downloads"
"""The primary's folder on the disk of the car; each control unit has one by its hardware id."""
LISTEN_S = 3_600.0
"""How long one wait for the body lasts; then another begins."""


async def run(context: Context) -> None:
    """Start the units, finish what a loss of power left open, then update, until cancelled."""
    disk: Disk = context.port(Disk)
    config, car_id = context.config(UpdatesConfig), CarId(context.machine_id)
    units = [
        await Unit.power_up(unit_id(name, car_id), name, await disk.folder(name), config)
        for name in HARDWARE
    ]
    identity = keys.identity_of(context.keystore, SeededKeyMaker(context.random.randbytes))
    teller = Teller(context, identity, units)
    primary = Primary(context, units, await disk.folder(STORE), teller)
    teller.wake()
    async with asyncio.TaskGroup() as group:
        group.create_task(teller.tell_for_ever())
        group.create_task(teller.tell_at_connections_for_ever())
        group.create_task(_hear_directions(context, primary))
        group.create_task(_hear_body(context, primary))
        group.create_task(primary.work_for_ever())


async def _hear_directions(context: Context, primary: Primary) -> None:
    async with context.bus.watch(CAR_UPDATE_DIRECTIONS, car_id=context.machine_id) as reader:
        async for delivery in reader:
            primary.hear(delivery.message)


async def _hear_body(context: Context, primary: Primary) -> None:
    """Whoever changes the body says it, and whoever does what the owner asks says it too."""
    async with context.bus.listen(CAR_BODY, car_id=context.machine_id) as said:
        while True:
            if await said.next(LISTEN_S) is not None:
                primary.wake()
