"""Control units: folders with two slots, a state file, and a watchdog.

Rules:

* a unit's state is one file, replaced whole; a slot is written, synced and read back before the
  state says that there is something in it;
* a start is counted in the state before it is tried; only a slot whose bytes have their hash is
  started, and one that does not confirm is started again by the watchdog, up to ``tries_max``;
* what a unit does here, a real one would do by itself: nothing below this module decides anything.

``MARK`` at the beginning of an image, and the file ``fault`` in a unit's folder, break a unit on
purpose, for tests, benches and worlds. Left out on purpose: code that runs.
"""

import asyncio
import hashlib
import json
from typing import Final

from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic import unit as logic
from monocoque.car.updates.logic.unit import Image, UnitState
from monocoque.car.updates.service.fetching import file_name, hash_of
from monocoque.contracts.errors import StorageError, UpdateAltered
from monocoque.contracts.updates import FACTORY_NUMBER, FACTORY_VERSION, factory_image
from monocoque.plumbing.disk.port import Disk, write_whole

STATE: Final = "state.json"
FAULT: Final = "fault"
NO_BOOT: Final = b"boot"
"""In the file ``fault``: new images do not start."""
NO_WRITE: Final = b"write"
"""In the file ``fault``: slots cannot be written to."""
MARK: Final = b"monocoque: does not start\n"
"""At the beginning of an image: it starts in no unit."""


class Unit:
    """One control unit."""

    def __init__(
        self, ecu_id: str, hardware_id: str, disk: Disk, state: UnitState, config: UpdatesConfig
    ) -> None:
        self.ecu_id = ecu_id
        self.hardware_id = hardware_id
        self.state = state
        """As it is on its disk."""
        self._disk = disk
        self._config = config

    @classmethod
    async def power_up(
        cls, ecu_id: str, hardware_id: str, disk: Disk, config: UpdatesConfig
    ) -> "Unit":
        """The unit, as it was or as it leaves the line, started."""
        kept = await disk.read(STATE)
        if kept is None:
            state = await _leave_line(disk, hardware_id)
        else:
            state = logic.of_members(json.loads(kept))
        unit = cls(ecu_id, hardware_id, disk, state, config)
        await unit.start()
        return unit

    @property
    def image(self) -> Image:
        """What it runs."""
        return self.state.image

    async def install(self, image: Image, store: Disk) -> None:
        """Put this image of the store into the slot that is not active.

        Raises UpdateAltered when the store has it not, and StorageError when the unit does not
        take it.
        """
        await self._keep(logic.emptied(self.state))
        slot, name = slot_name(self.state.other), file_name(image.sha256)
        if await self._disk.read(FAULT) == NO_WRITE:
            raise StorageError("The control unit cannot be written to.")
        await self._disk.delete(slot)
        for offset in range(0, image.length, self._config.copy_bytes):
            part = await store.read(name, offset, self._config.copy_bytes)
            if not part:
                raise UpdateAltered("An image is no longer where it was.")
            await self._disk.write(slot, offset, part)
        await self._disk.sync(slot)
        await self._disk.sync_folder()
        if not await self._has(slot, image):
            raise UpdateAltered("An image is not what it was any more.")
        await self._keep(logic.filled(self.state, image))

    async def try_out(self) -> None:
        """From the next start on the other slot is on trial."""
        await self._keep(logic.on_trial(self.state))

    async def start(self) -> None:
        """Start it: what is on trial, or in the end what is active."""
        while True:
            state, slot = logic.next_start(self.state, self._config.tries_max)
            await self._keep(state)
            if slot == state.running:
                return
            if await self._starts(slot):
                await asyncio.sleep(self._config.boot_s)
                await self._keep(logic.confirmed(self.state))
                return
            await asyncio.sleep(self._config.watchdog_s)

    async def make_good(self) -> None:
        """What is on trial is active from now on."""
        await self._keep(logic.made_good(self.state))

    async def go_back(self) -> None:
        """Nothing is on trial any more; it starts what is active."""
        if self.state.trying is not None:
            await self._keep(logic.taken_back(self.state))
            await asyncio.sleep(self._config.boot_s)

    async def _starts(self, slot: str) -> bool:
        """Whether what is in this slot is what it should be, and runs."""
        if await self._disk.read(FAULT) == NO_BOOT:
            return False
        if await self._disk.read(slot_name(slot), 0, len(MARK)) == MARK:
            return False
        return await self._has(slot_name(slot), self.state.images[slot])

    async def _has(self, slot: str, image: Image) -> bool:
        hashed = await hash_of(self._disk, slot, image.length, self._config)
        return (hashed.hexdigest(), await self._disk.size(slot)) == (image.sha256, image.length)

    async def _keep(self, state: UnitState) -> None:
        if state != self.state:
            await write_whole(self._disk, STATE, _text(state))
            self.state = state


async def break_unit(car: Disk, hardware_id: str, fault: bytes) -> None:
    """Let a unit fail on purpose: ``NO_BOOT``, ``NO_WRITE``, or empty for no more.

    car: the disk of the whole car.
    """
    await write_whole(await car.folder(hardware_id), FAULT, fault)


def slot_name(slot: str) -> str:
    """The file of a slot."""
    return f"slot_{slot}.img"


async def _leave_line(disk: Disk, hardware_id: str) -> UnitState:
    """The factory's image, and the state that says so, in this order."""
    content = factory_image(hardware_id)
    sha256 = hashlib.sha256(content).hexdigest()
    state = logic.factory_state(Image(FACTORY_NUMBER, FACTORY_VERSION, len(content), sha256))
    slot = slot_name(state.active)
    await disk.write(slot, 0, content)
    await disk.sync(slot)
    await write_whole(disk, STATE, _text(state))
    return state


def _text(state: UnitState) -> bytes:
    return json.dumps(logic.to_members(state), sort_keys=True).encode()
