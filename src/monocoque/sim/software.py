"""What must hold of the software in a world's cars, by their control units' own disks.

By the names in ``SOFTWARE``. The oracle is outside the product: the list of what both companies
signed (workshop.py), what owners remember to have agreed to (habits.py), and the bytes that really
are in each slot.

Left out on purpose: units of a car that is being updated. They may differ until it is over, and
such a car does not drive.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from monocoque.car.updates.logic.unit import of_members
from monocoque.car.updates.service.units import STATE, slot_name
from monocoque.contracts.topics import CAR_UPDATE_MANIFEST
from monocoque.contracts.updates import FACTORY_NUMBER, HARDWARE
from monocoque.contracts.wire.update_pb2 import UpdateManifest
from monocoque.sim.habits import Habits
from monocoque.sim.machine import Machine
from monocoque.sim.tables import BODIES, rows_in

SOFTWARE: Final = {
    "half_updated": "a car that may drive had control units of two releases",
    "release_unsigned": "a control unit ran what not both companies had signed",
    "update_unagreed": "a car installed a release to which its owner had not agreed",
}
Violate = Callable[[str, str], None]
SAID: Final = CAR_UPDATE_MANIFEST.name.rpartition(".")[2]
"""The end of a subject on which a car says its manifest."""
INSTALLED: Final = "installed"
ROLLED_BACK: Final = "rolled_back"


class Software:
    """Watches the control units of one world."""

    def __init__(
        self,
        signed: Mapping[str, Mapping[str, int]] | None,
        habits: Sequence[Habits],
        violate: Violate,
    ) -> None:
        """signed: by hardware and hash, the release of each image; None where there is no maker,
        and nothing to judge by. habits: may grow."""
        self.installed: set[tuple[str, int]] = set()
        """Cars, and the releases that they said to have installed."""
        self.rolled_back: set[tuple[str, int]] = set()
        """Cars, and the releases that they said to have gone back from."""
        self._signed = signed
        self._habits = habits
        self._violate = violate
        self._cars: list[Machine] = []
        self._ids: set[str] = set()
        self._told: set[tuple[str, str]] = set()

    def add_car(self, car: Machine) -> None:
        """A car joins the world."""
        if self._signed is not None:
            self._cars.append(car)
            self._ids.add(car.machine_id)

    def observe(self, machine_id: str, subject: str, data: bytes) -> None:
        """A bus has accepted a message; what a car says of itself is taken from its own."""
        if machine_id not in self._ids or not subject.endswith(SAID):
            return
        update = _claims(UpdateManifest.FromString(data).manifest)["update"]
        if update["state"] == INSTALLED:
            self.installed.add((machine_id, update["release_number"]))
        elif update["state"] == ROLLED_BACK:
            self.rolled_back.add((machine_id, update["release_number"]))

    async def check(self) -> None:
        """Check what must hold at every moment."""
        agreed = {one.car_id: one.agreed | {FACTORY_NUMBER} for one in self._habits}
        for car in self._cars:
            numbers = await self._running(car)
            is_settled = not await car.records.transact(_is_being_updated)
            if is_settled and len(set(numbers.values())) > 1:
                self._tell("half_updated", f"{car.machine_id}: {sorted(numbers.items())}")
            for number in set(numbers.values()) - agreed.get(car.machine_id, {FACTORY_NUMBER}):
                if is_settled and number:
                    self._tell("update_unagreed", f"{car.machine_id}: {number}")

    async def _running(self, car: Machine) -> dict[str, int]:
        """By hardware, the release of the bytes that run; 0 for what nobody signed."""
        assert car.disk is not None
        assert self._signed is not None
        numbers: dict[str, int] = {}
        for hardware_id in HARDWARE:
            unit = await car.disk.folder(hardware_id)
            kept = await unit.read(STATE)
            if kept is None:
                continue  # it has not left the line yet
            slot = await unit.read(slot_name(of_members(json.loads(kept)).running))
            digest = hashlib.sha256(slot or b"").hexdigest()
            numbers[hardware_id] = self._signed[hardware_id].get(digest, 0)
            if not numbers[hardware_id]:
                self._tell("release_unsigned", f"{car.machine_id} {hardware_id}")
        return numbers

    def _tell(self, invariant: str, what: str) -> None:
        if (invariant, what) not in self._told:
            self._told.add((invariant, what))
            self._violate(invariant, what)


def _is_being_updated(connection: Connection) -> bool:
    """Whether the car is locked against driving off until its units are done."""
    return any(json.loads(row.members)["updating"] for row in rows_in(connection, BODIES))


def _claims(manifest: bytes) -> dict[str, Any]:
    """What a manifest says; whether it is genuine is the director's to judge."""
    payload = manifest.split(b".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
    )
    return claims
