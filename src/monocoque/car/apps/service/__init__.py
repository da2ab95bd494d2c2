"""The apps of the car: installs them, runs each in a process of its own, and says how each is.

Rules:

* what a person wants is on record; the car notices it within ``look_interval_s``, whoever wrote it;
* one keeper per app; what one app does ends no other, and no service of the car; a keeper that
  fails itself counts as a crash of its app, which waits, and is given up when that goes on;
* an app runs in a cage (plumbing/cage.py), by a token cut to its manifest.

Left out on purpose: removing what an app has put into other places; it cannot write there.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from monocoque.car.apps import records
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.logic import AppState, Crashes, sentence
from monocoque.car.apps.records import InstalledApp as InstalledApp
from monocoque.car.apps.service.folders import AppFolder
from monocoque.car.apps.service.installing import distrust as distrust
from monocoque.car.apps.service.installing import every_app as every_app
from monocoque.car.apps.service.installing import install as install
from monocoque.car.apps.service.installing import order_remove as order_remove
from monocoque.car.apps.service.installing import order_start as order_start
from monocoque.car.apps.service.installing import order_stop as order_stop
from monocoque.car.apps.service.installing import trust as trust
from monocoque.car.apps.service.installing import trusted as trusted
from monocoque.car.apps.service.keeping import Keeper
from monocoque.car.apps.service.port import AppsPlace as AppsPlace
from monocoque.contracts.errors import DefectError, MonocoqueError
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context


def log_place(apps: Path, name: str) -> Path:
    """Where the log of an app lies, in the folder of a car's apps."""
    return AppFolder(apps, name).log


@dataclass
class _Kept:
    """What the car does about one app, for one order."""

    orders: int
    task: asyncio.Task[None] | None = None
    failures: Crashes = field(default_factory=Crashes)
    again_us: int | None = None
    """When a keeper that failed begins anew; None when there is nothing to begin."""

    def is_due(self, now_us: int) -> bool:
        return self.again_us is not None and now_us >= self.again_us


async def run(context: Context) -> None:
    """Do what is wanted of each app, until cancelled."""
    kept: dict[str, _Kept] = {}
    pause_s = context.config(AppsConfig).look_interval_s
    async with asyncio.TaskGroup() as group:
        while True:
            apps = await insist(context, records.every_app, pause_s)
            for name in kept.keys() - {app.name for app in apps}:
                await _end(kept.pop(name).task)
            for app in apps:
                one = kept.get(app.name)
                if one is None or one.orders != app.orders:
                    await _end(one.task if one is not None else None)
                    one = kept[app.name] = _Kept(app.orders, again_us=0)
                if one.is_due(context.clock.now_us()):
                    one.again_us = None
                    one.task = group.create_task(_follow(context, app, one))
            await asyncio.sleep(pause_s)


async def _follow(context: Context, app: InstalledApp, kept: _Kept) -> None:
    """Do what is wanted of one app; returns when nothing more is to be done, or when that failed.

    It never pauses after a failure: a task group that failed inside may have eaten a cancellation.
    """
    try:
        if app.wanted == records.REMOVE:
            AppFolder(context.port(AppsPlace).folder, app.name).remove()
            await insist(context, lambda c: records.forget_app(c, app.name), _pause_s(context))
        else:
            await Keeper(context, app).keep()
    except Exception as error:  # a defect with one app disturbs no other
        known = error if isinstance(error, MonocoqueError) else None
        code = DefectError.code if known is None else known.code
        context.metrics.errors.labels(where="apps", code=code).inc()
        context.log.exception("app failed", app=app.name, error_code=code)
        reason = "failed" if known is None else f"{code}: {known.what}"
        await _note_failure(context, app, kept, reason)


async def _note_failure(context: Context, app: InstalledApp, kept: _Kept, reason: str) -> None:
    """The keeper of the app failed: its app waits, or is given up.

    Records that do not take this word take none of any app; that ends the service.
    """
    config, now_us = context.config(AppsConfig), context.clock.now_us()
    kept.failures = kept.failures.after(now_us, config)
    pause_s = kept.failures.pause_s(config)
    state = AppState.GIVEN_UP if pause_s is None else AppState.WAITING
    said = sentence(reason)
    await insist(
        context,
        lambda c: records.set_state(c, app.name, app.orders, state.value, said, now_us),
        config.look_interval_s,
    )
    kept.again_us = None if pause_s is None else now_us + round(pause_s * 1_000_000)


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _pause_s(context: Context) -> float:
    return context.config(AppsConfig).look_interval_s
