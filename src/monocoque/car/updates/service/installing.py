"""Installs a release in every control unit for which it has an image, or in none.

Rules:

* each phase is on record before it begins, and each of its steps may be done twice; so whoever
  comes after a loss of power goes on where the record says;
* one record decides: ``COMMITTING`` is written when every unit runs its new image and has
  confirmed itself. Before it all go back, the last one first; after it there is only forward;
* until the last unit is done the car is locked against driving off, whatever happens; a unit that
  cannot be finished is tried again for ever, and the car stands.

Left out on purpose: whether it may begin (primary.py), and what a unit does (units.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.updates import records
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic import journal as logic
from monocoque.car.updates.logic.journal import Journal, Phase
from monocoque.car.updates.logic.unit import Image
from monocoque.car.updates.service.units import Unit
from monocoque.contracts.errors import StorageError, UpdateAltered
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context
from monocoque.trust.updates.reasons import UpdateReason

Step = Callable[[Unit, Image], Awaitable[UpdateReason | None]]
"""Does one step of a phase with a unit; why it could not be done, or None."""


class Installer:
    """Installs in the units of one car."""

    def __init__(
        self, context: Context, units: Sequence[Unit], store: Disk, tell: Callable[[], None]
    ) -> None:
        """store: where the verified images lie. tell: called when there is something to tell."""
        self._tell = tell
        self._context = context
        self._config = context.config(UpdatesConfig)
        self._units = {unit.ecu_id: unit for unit in units}
        self._store = store
        self._steps: dict[Phase, Step] = {
            Phase.INSTALLING: self._write,
            Phase.BOOTING: self._boot,
            Phase.COMMITTING: self._make_good,
            Phase.GOING_BACK: self._go_back,
        }

    async def go_on(self, journal: Journal) -> Journal:
        """From where the journal stands to the end of the update; returns the journal then."""
        while journal.is_installing:
            self._tell()
            journal = await self._keep(await self._step(journal))
        self._tell()
        return journal

    async def _step(self, journal: Journal) -> Journal:
        """The journal after one step with one unit."""
        assert journal.plan is not None
        images = journal.plan.images
        if journal.phase is Phase.GOING_BACK:
            images = tuple(reversed(images))
        wanted = images[journal.done]
        image = Image(
            journal.plan.release_number, journal.plan.version, wanted.length, wanted.sha256
        )
        reason = await self._steps[journal.phase](self._units[wanted.ecu_id], image)
        return logic.unit_done(journal) if reason is None else logic.failed(journal, reason)

    async def _write(self, unit: Unit, image: Image) -> UpdateReason | None:
        try:
            await unit.install(image, self._store)
        except UpdateAltered as error:
            self._context.count_error(error, error.what, unit=unit.ecu_id)
            return UpdateReason.ALTERED
        except StorageError as error:
            self._context.count_error(error, error.what, unit=unit.ecu_id)
            return UpdateReason.WRITE_FAILED
        return None

    async def _boot(self, unit: Unit, image: Image) -> UpdateReason | None:
        await self._finish(unit, lambda: self._try_out(unit, image))
        return None if unit.image == image else UpdateReason.BOOT_FAILED

    async def _try_out(self, unit: Unit, image: Image) -> None:
        if unit.image != image and unit.state.images.get(unit.state.other) == image:
            await unit.try_out()
            await unit.start()

    async def _make_good(self, unit: Unit, _image: Image) -> UpdateReason | None:
        await self._finish(unit, unit.make_good)
        return None

    async def _go_back(self, unit: Unit, _image: Image) -> UpdateReason | None:
        await self._finish(unit, unit.go_back)
        return None

    async def _finish(self, unit: Unit, act: Callable[[], Awaitable[None]]) -> None:
        """Try until the unit has done it: there is nothing else to do."""
        while True:
            try:
                await act()
            except StorageError as error:
                self._context.count_error(error, error.what, unit=unit.ecu_id)
                await asyncio.sleep(self._config.records_retry_s)
            else:
                return

    async def _keep(self, journal: Journal) -> Journal:
        """The journal goes on record; the car may drive again when all is over."""
        context = self._context

        def work(connection: Connection) -> None:
            members = logic.to_members(journal)
            records.set_part(connection, context.machine_id, records.JOURNAL, members)
            if not journal.is_installing:
                body.end_update(connection, context.machine_id, context.clock.now_us())

        await insist(context, work, self._config.records_retry_s)
        return journal
