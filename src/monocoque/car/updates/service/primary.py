"""The primary: takes directions, fetches what they name, waits for owner and car, and installs.

Rules:

* one thing at a time, in the order of the journal's phases; new directions are looked at between
  two pieces of a download, and while it waits, but never while units are written to;
* it begins to install in one transaction, in which the owner's consent, the time of what was
  verified, and the guard are all asked, and the body is locked against driving off;
* what cannot be taken is said with its reason, and asked for again after a pause that doubles; old
  directions are excused once, since the last value on the bus may be older than the newest;
* time never goes back: the latest that the car has seen counts (car/keys).

Left out on purpose: what is right (checking.py) and how it is installed (installing.py).
"""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection

from monocoque.car.body import service as body
from monocoque.car.guard.logic import judge
from monocoque.car.keys import service as keys
from monocoque.car.updates import records
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic import journal as logic
from monocoque.car.updates.logic.journal import Journal, Phase
from monocoque.car.updates.service.checking import (
    Checked,
    Known,
    check,
    has_been_directed,
    recall,
    remember,
)
from monocoque.car.updates.service.consent import agreed_to
from monocoque.car.updates.service.downloads import Downloads
from monocoque.car.updates.service.fetching import fetch_image, file_name
from monocoque.car.updates.service.installing import Installer
from monocoque.car.updates.service.telling import Teller
from monocoque.car.updates.service.units import Unit
from monocoque.contracts.errors import (
    CellUnreachable,
    DiskFull,
    MonocoqueError,
    NotFound,
    UnavailableError,
    UpdateRefused,
)
from monocoque.contracts.wire.update_pb2 import UpdateDirections
from monocoque.plumbing.disk.port import Disk
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context
from monocoque.trust.updates.manifests import UpdateState
from monocoque.trust.updates.reasons import UpdateReason, reason_of, unfit
from monocoque.trust.updates.verification import Wanted


class Primary:
    """The primary of one car."""

    def __init__(self, context: Context, units: list[Unit], store: Disk, teller: Teller) -> None:
        """store: for downloads."""
        self._context = context
        self._config = context.config(UpdatesConfig)
        self._car_id = context.machine_id
        self._units = units
        self._store = store
        self._teller = teller
        self._installer = Installer(context, units, store, teller.wake)
        self._directions: UpdateDirections | None = None
        """The newest."""
        self._is_due = False
        """Whether they are to be looked at."""
        self._heard_s = asyncio.get_running_loop().time()
        self._is_excused = False
        """Whether old directions were just met; the next ones should be fresh."""
        self._not_before_s = 0.0
        self._pause_s = self._config.retry_pause_s_min
        self._furthest: dict[str, int] = {}
        """By the hash of an image: the most of it that ever came."""
        self._kept: dict[str, bytes] = {}
        """Metadata of the image repository that never changes, as it was verified last."""
        self._waits_for_car = False
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """The body changed, or the owner said something."""
        if self._waits_for_car:
            self._wake.set()

    def hear(self, directions: UpdateDirections) -> None:
        """Directions came; the newest count, and other ones than before are looked at now."""
        before, self._directions = self._directions, directions
        self._heard_s = asyncio.get_running_loop().time()
        self._is_due = True
        if before is None or before.targets != directions.targets:
            self._furthest.clear()
            self._not_before_s, self._pause_s = 0.0, self._config.retry_pause_s_min
        self._wake.set()

    async def work_for_ever(self) -> None:
        """Go on with the update, whichever there is, until cancelled."""
        await self._clear(await self._journal())
        while True:
            self._wake.clear()
            journal = await self._journal()
            if journal.is_installing:
                await self._clear(await self._installer.go_on(journal))
            await self._wait(await self._advance())

    async def _wait(self, pause_s: float) -> None:
        """So long, or until something happens; and never before a failure is over."""
        left_s = self._not_before_s - asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(pause_s, left_s)):
                await self._wake.wait()

    async def _advance(self) -> float:
        """Do what can be done now; returns how long to wait before the next look."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._not_before_s:
            return 0.0
        if self._is_due:
            await self._look_at_directions()
        elif now_s - self._heard_s >= self._config.silence_s_max:
            await self._say_silence()
        journal = await self._journal()
        self._waits_for_car = journal.phase is Phase.WAITING
        if journal.phase is Phase.DOWNLOADING:
            await self._download(journal)
            return 0.0
        if self._waits_for_car:
            return 0.0 if await self._begin() else self._config.look_interval_s
        return 0.0 if self._is_due else self._config.poll_interval_s

    # --- directions ---------------------------------------------------------------------------

    async def _look_at_directions(self) -> None:
        message, self._is_due = self._directions, False
        assert message is not None
        try:
            await self._take(message)
        except UpdateRefused as error:
            await self._refuse(error, reason_of(error))
        except (UnavailableError, NotFound) as error:
            await self._refuse(error, UpdateReason.UNREACHABLE)
        else:
            self._is_excused = False

    async def _take(self, message: UpdateDirections) -> None:
        known, now_us = await insist(self._context, self._recall, self._config.records_retry_s)
        checked = await check(
            message,
            known,
            self._car_id,
            {unit.ecu_id: (unit.hardware_id, unit.image) for unit in self._units},
            self._downloads(),
            self._kept,
            self._config,
            now_us,
        )
        needs_bytes = checked.plan.length * self._config.disk_share_max if checked.plan else 0
        if needs_bytes > self._context.disk_free_bytes():
            raise unfit(UpdateReason.DISK_FULL, "The car has no room for the update.")
        await self._keep(partial(self._directed, checked))

    def _recall(self, connection: Connection) -> tuple[Known, int]:
        known = recall(connection, self._car_id, self._context.keystore)
        return known, self._now_us(connection)

    def _directed(self, checked: Checked, connection: Connection, journal: Journal) -> Journal:
        remember(connection, self._car_id, checked.known)
        return logic.directed(journal, checked.plan, checked.targets_version)

    async def _refuse(self, error: MonocoqueError, reason: UpdateReason) -> None:
        """Say why not, and look again later; old directions are excused once."""
        if reason is UpdateReason.EXPIRED and not self._is_excused:
            self._is_excused = True
            self._teller.poll()
            return
        self._fail(error, reason)
        self._is_due = True
        await self._keep(lambda _, journal: logic.refused(journal, reason))

    def _fail(self, error: MonocoqueError, reason: UpdateReason) -> None:
        """Count it, and do nothing for a while; the more often it failed, the longer."""
        self._context.count_error(error, error.what, reason=str(reason))
        self._not_before_s = asyncio.get_running_loop().time() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._config.retry_pause_s_max)

    async def _say_silence(self) -> None:
        def silent(connection: Connection, journal: Journal) -> Journal:
            has_news = journal.state in (UpdateState.INSTALLED, UpdateState.ROLLED_BACK)
            is_idle = journal.phase is Phase.IDLE and not has_news
            if is_idle and has_been_directed(connection, self._car_id):
                return logic.refused(journal, UpdateReason.NO_DIRECTIONS)
            return journal

        await self._keep(silent)

    # --- what is to be done -------------------------------------------------------------------

    async def _download(self, journal: Journal) -> None:
        """Fetch what is missing, until all is there or there are new directions."""
        assert journal.plan is not None
        try:
            for image in journal.plan.images:
                have = (await self._journal()).got.get(image.sha256, 0)
                if self._is_due:
                    return
                if have < image.length:
                    await self._fetch(image, have)
        except DiskFull as error:
            await self._refuse(error, UpdateReason.DISK_FULL)
        except UpdateRefused as error:
            await self._refuse(error, reason_of(error))
        except (UnavailableError, NotFound) as error:
            self._fail(error, UpdateReason.UNREACHABLE)
            await self._keep(lambda _, now: logic.because(now, UpdateReason.UNREACHABLE))

    async def _fetch(self, image: Wanted, have: int) -> None:
        downloads = self._downloads()
        if downloads is None:
            raise CellUnreachable("The car has no way to the image repository.")
        progress = partial(self._progressed, image)
        await fetch_image(downloads, self._store, image, have, progress, self._config)

    async def _progressed(self, image: Wanted, offset: int) -> bool:
        """So much of it is on disk for good; whether to go on."""
        if offset == 0:
            await self._keep(lambda _, now: logic.lost(now, image.sha256))
        else:
            # Whoever sends the same piece again and again does not make the car hurry.
            if offset > self._furthest.get(image.sha256, 0):
                self._furthest[image.sha256] = offset
                self._pause_s = self._config.retry_pause_s_min
            await self._keep(lambda _, now: logic.fetched(now, image.sha256, offset))
        return not self._is_due

    async def _begin(self) -> bool:
        """Begin to install, or keep the reason why not now; whether it begins."""

        def work(connection: Connection, journal: Journal) -> Journal:
            plan = journal.plan
            assert plan is not None
            if agreed_to(connection, self._car_id) != plan.release_number:
                return logic.because(journal, UpdateReason.NOT_AGREED)
            if self._now_us(connection) >= plan.expires_us:
                return logic.because(journal, UpdateReason.EXPIRED)
            needs = {"needs_charge_percent": plan.needs_charge_percent}
            gate, now_us = partial(judge, "install", needs), self._context.clock.now_us()
            refusal = body.begin_update(connection, self._car_id, now_us, gate)
            return logic.begun(journal) if refusal is None else logic.because(journal, refusal)

        return (await self._keep(work)).is_installing

    # --- what everything here needs -----------------------------------------------------------

    async def _journal(self) -> Journal:
        return await self._keep(lambda _, journal: journal)

    async def _keep(self, change: Callable[[Connection, Journal], Journal]) -> Journal:
        """Change the journal in one transaction with whatever else the change does."""

        def work(connection: Connection) -> tuple[Journal, bool]:
            journal = logic.of_members(records.read_part(connection, self._car_id, records.JOURNAL))
            changed = change(connection, journal)
            if changed == journal:
                return journal, False
            members = logic.to_members(changed)
            records.set_part(connection, self._car_id, records.JOURNAL, members)
            return changed, True

        journal, has_changed = await insist(self._context, work, self._config.records_retry_s)
        if has_changed:
            self._teller.wake()
        return journal

    async def _clear(self, journal: Journal) -> None:
        """Remove what no update needs any more."""
        kept = {file_name(sha256) for sha256 in journal.got}
        if journal.plan is None:
            for name in await self._store.names():
                if name not in kept:
                    await self._store.delete(name)

    def _now_us(self, connection: Connection) -> int:
        """The time, never earlier than one that was seen."""
        memory = keys.recall(connection, self._car_id)
        seen_us = 0 if memory is None else memory.latest_us
        return max(self._context.clock.now_us(), seen_us)

    def _downloads(self) -> Downloads | None:
        downloads: Downloads | None = self._context.ports.get(Downloads)
        return downloads
