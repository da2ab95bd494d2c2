"""Keeps one app going: checks its package, starts it, starts it again, and gives it up.

Rules: what happened is on record and in the log before the next thing is done; a package that
cannot be taken any more is refused at its start, with the reason; while the door is not open, the
app waits for it, and nothing counts as a crash.

Left out on purpose: a kill in time to save something; an app is ended at once, and keeps what it
has written.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from monocoque.car.apps import records
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.logic import AppState, Crashes, can_follow, sentence
from monocoque.car.apps.records import InstalledApp
from monocoque.car.apps.service.folders import AppFolder, AppLog
from monocoque.car.apps.service.passes import Pass
from monocoque.car.apps.service.port import AppsPlace
from monocoque.car.apps.service.process import Ended, Life
from monocoque.car.signals.service.port import Brokers
from monocoque.contracts.apps import Manifest, check_for_car
from monocoque.contracts.errors import AppRefused, MonocoqueError, RightsError
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context
from monocoque.trust.apps import unpack


class Keeper:
    """One app of one car, for one order."""

    def __init__(self, context: Context, app: InstalledApp) -> None:
        self._context = context
        self._app = app
        self._config: AppsConfig = context.config(AppsConfig)
        self._place: AppsPlace = context.port(AppsPlace)
        self._folder = AppFolder(self._place.folder, app.name)
        self._log = AppLog(self._folder.log, self._config, asyncio.get_running_loop().time)
        self._state = AppState(app.state)
        self._changes: asyncio.Queue[tuple[AppState, str]] = asyncio.Queue()

    async def keep(self) -> None:
        """Do what is wanted; returns when nothing more is to be done."""
        if self._app.wanted == records.STOP:
            await self._become(AppState.STOPPED)
            return
        if self._state in (AppState.REFUSED, AppState.GIVEN_UP, AppState.FINISHED):
            return  # it was so before the car was started, and nobody has ordered anything since
        crashes = Crashes()
        while True:
            ended = await self._one_life()
            if ended is None:
                return
            if ended.reason == "":
                await self._become(AppState.FINISHED)
                return
            crashes = crashes.after(self._context.clock.now_us(), self._config)
            pause_s = crashes.pause_s(self._config)
            self._context.metrics.errors.labels(where="apps", code="app_crashed").inc()
            if pause_s is None:
                await self._become(AppState.GIVEN_UP, ended.reason)
                return
            await self._become(AppState.WAITING, ended.reason)
            await asyncio.sleep(pause_s)
            await self._insist(lambda c: records.count_restart(c, self._app.name))

    async def _one_life(self) -> Ended | None:
        """How it ended; None when it cannot be started."""
        try:
            manifest = await self._checked()
            address = await self._door()
            shown = Pass(self._context, manifest)
            token = await shown.issue()
        except (AppRefused, RightsError) as error:
            await self._become(AppState.REFUSED, f"{error.code}: {error.what}")
            return None
        except MonocoqueError as error:  # a full disk, perhaps: it passes, or the app is given up
            return Ended(f"{error.code}: {error.what}")
        await self._become(AppState.STARTING)
        life = Life(
            manifest, self._folder, self._config, address, token, self._log, self._note_ready
        )
        try:
            return await self._live(life, shown)
        finally:
            await self._take_back(shown)

    async def _live(self, life: Life, shown: Pass) -> Ended:
        """How the process ended, with its token renewed and its state written down meanwhile."""
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(self._renew(life, shown)),
                group.create_task(self._write_changes()),
            ]
            ended = await life.live()
            for other in others:
                other.cancel()
        return ended

    async def _take_back(self, shown: Pass) -> None:
        try:
            await shown.take_back()
        except MonocoqueError as error:
            self._context.count_error(error, "an app's token could not be taken back")

    async def _checked(self) -> Manifest:
        """The manifest, once the package is genuine, fits the car and lies unpacked."""
        keys = await self._insist(records.trusted)
        package = self._folder.package(self._app.package_sha256)
        found = unpack(package, keys.get, self._context.clock.now_us())
        catalogue = self._context.port(Brokers).connect("apps").catalogue
        check_for_car(found.manifest, self._config.market, catalogue.find)
        with storage_errors(self._folder.path):
            self._folder.unpack(self._app.package_sha256, found.files)
        return found.manifest

    async def _door(self) -> str:
        while True:
            address = self._place.door_address()
            if address is not None:
                return address
            await asyncio.sleep(self._config.look_interval_s)

    async def _renew(self, life: Life, shown: Pass) -> None:
        while True:
            await asyncio.sleep(self._config.token_s / 2)
            try:
                life.renew(await shown.issue())
            except MonocoqueError as error:
                self._context.count_error(error, "an app's token could not be renewed")

    def _note_ready(self, cage: Mapping[str, Any]) -> None:
        missing = cage.get("missing")
        if missing:
            self._log.say(f"this machine cannot hold the app back in: {missing}")
        self._changes.put_nowait((AppState.RUNNING, ""))

    async def _write_changes(self) -> None:
        while True:
            await self._become(*await self._changes.get())

    async def _become(self, state: AppState, reason: str = "") -> None:
        """The app is so from now on: on record, in its log, and in the car's."""
        if state is self._state and not reason:
            return
        # A car that was killed finds the app as it was: what follows begins with installed.
        if not can_follow(self._state, state):
            self._state = AppState.INSTALLED
        self._state = state
        said = sentence(reason)
        name, orders = self._app.name, self._app.orders
        now_us = self._context.clock.now_us()
        await self._insist(lambda c: records.set_state(c, name, orders, state.value, said, now_us))
        if self._folder.path.exists():
            self._log.say(f"{state.value}{': ' if said else ''}{said}")
        tell = self._context.log.warning if reason else self._context.log.info
        tell("app", app=name, state=state.value, reason=said)

    async def _insist(self, work: Any) -> Any:
        return await insist(self._context, work, self._config.look_interval_s)
