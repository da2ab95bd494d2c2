"""The apps of the car: installs them, runs each in a process of its own, and says how each is.

Rules:

* what a person wants is on record; the car notices it within ``look_interval_s``, whoever wrote it;
* one keeper per app; what one app does ends no other, and no service of the car;
* an app runs in a cage (plumbing/cage.py), by a token cut to its manifest.

Left out on purpose: removing what an app has put into other places; it cannot write there.
"""

import asyncio
import contextlib
from pathlib import Path

from monocoque.car.apps import records
from monocoque.car.apps.config import AppsConfig
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
from monocoque.plumbing.insisting import insist
from monocoque.plumbing.service import Context


def log_place(apps: Path, name: str) -> Path:
    """Where the log of an app lies, in the folder of a car's apps."""
    return AppFolder(apps, name).log


async def run(context: Context) -> None:
    """Do what is wanted of each app, until cancelled."""
    keepers: dict[str, tuple[int, asyncio.Task[None]]] = {}
    pause_s = context.config(AppsConfig).look_interval_s
    async with asyncio.TaskGroup() as group:
        while True:
            apps = await insist(context, records.every_app, pause_s)
            for name in keepers.keys() - {app.name for app in apps}:
                await _end(keepers.pop(name)[1])
            for app in apps:
                orders, task = keepers.get(app.name, (-1, None))
                if orders != app.orders:
                    await _end(task)
                    keepers[app.name] = (app.orders, group.create_task(_follow(context, app)))
            await asyncio.sleep(pause_s)


async def _follow(context: Context, app: InstalledApp) -> None:
    """Do what is wanted of one app; returns when nothing more is to be done."""
    if app.wanted == records.REMOVE:
        AppFolder(context.port(AppsPlace).folder, app.name).remove()
        await insist(context, lambda c: records.forget_app(c, app.name), _pause_s(context))
    else:
        await Keeper(context, app).keep()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _pause_s(context: Context) -> float:
    return context.config(AppsConfig).look_interval_s
