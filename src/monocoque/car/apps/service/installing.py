"""What a person wants of a car's apps: trust, install, start, stop, remove. Works on the records.

Rules: a package is checked whole before anything is kept; the package is on disk before the record
says so; an app keeps its publisher: nobody else can bring the next version of it.

Left out on purpose: starting and ending processes; the car does that when it sees the record.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Connection

from monocoque.car.apps import records
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.logic import AppState
from monocoque.car.apps.records import InstalledApp
from monocoque.car.apps.service.folders import AppFolder
from monocoque.contracts.apps import Manifest, check_for_car
from monocoque.contracts.errors import AppPublisherUnknown, NotFound, QueueFull
from monocoque.contracts.signals import Signal
from monocoque.plumbing.records.port import Records
from monocoque.trust.apps import unpack
from monocoque.trust.keys import public_members, thumbprint


async def trust(store: Records, jwk: Mapping[str, object], now_us: int, config: AppsConfig) -> str:
    """Trust the publisher of this public key from now on; its name.

    Raises DocumentMalformed, QueueFull.
    """
    members = public_members(jwk)
    key_id = thumbprint(members)

    def work(connection: Connection) -> None:
        known = records.trusted(connection)
        if key_id not in known and len(known) >= config.publishers_max:
            raise QueueFull(
                f"The car trusts {len(known)} publishers already.",
                hint="`monocoque car apps distrust CAR_ID KEY_ID` ends the trust in one.",
            )
        records.trust(connection, key_id, members, now_us)

    await store.transact(work)
    return key_id


async def distrust(store: Records, key_id: str) -> None:
    """Trust this publisher no more: its apps do not start again. Raises NotFound."""
    if not await store.transact(lambda c: records.distrust(c, key_id)):
        raise NotFound(f"The car trusts no publisher {key_id}.")


async def trusted(store: Records) -> dict[str, dict[str, str]]:
    """The public keys that the car trusts, by their names."""
    return await store.transact(records.trusted)


async def install(
    store: Records,
    apps: Path,
    package: bytes,
    find_signal: Callable[[str], Signal | None],
    now_us: int,
    config: AppsConfig,
) -> Manifest:
    """Take this app, or its next version, and want it to run.

    apps: the folder of the car's apps. find_signal: the car's catalogue. Raises AppRefused and its
    leaves, AppPublisherUnknown, QueueFull.
    """
    keys = await store.transact(records.trusted)
    found = unpack(package, keys.get, now_us)
    manifest = found.manifest
    check_for_car(manifest, config.market, find_signal)
    sha256 = hashlib.sha256(package).hexdigest()

    def check(connection: Connection) -> InstalledApp | None:
        before = records.find_app(connection, manifest.name)
        if before is not None and before.key_id != found.key_id:
            raise AppPublisherUnknown(
                f"{manifest.name} is here already, from another publisher.",
                hint=f"Remove it first: `monocoque car apps remove CAR_ID {manifest.name}`.",
            )
        if before is None and records.count_apps(connection) >= config.apps_max:
            raise QueueFull(
                f"The car has {config.apps_max} apps already.",
                hint="Remove one, or raise the setting apps.apps_max.",
            )
        return before

    def work(connection: Connection) -> None:
        before = check(connection)
        app = InstalledApp(
            name=manifest.name,
            version=manifest.version,
            publisher=manifest.publisher,
            key_id=found.key_id,
            package_sha256=sha256,
            wanted=records.RUN,
            orders=1 if before is None else before.orders + 1,
            state=AppState.INSTALLED.value,
            restarts=0,
            reason="",
            since_us=now_us,
        )
        records.put_app(connection, app)

    await store.transact(check)  # before anything is written to the disk
    AppFolder(apps, manifest.name).put_package(sha256, package)
    await store.transact(work)
    return manifest


async def order_start(store: Records, name: str) -> None:
    """Want the app to run, from the beginning. Raises NotFound."""
    await _order(store, name, records.RUN)


async def order_stop(store: Records, name: str) -> None:
    """Want the app to be still, until somebody starts it. Raises NotFound."""
    await _order(store, name, records.STOP)


async def order_remove(store: Records, name: str) -> None:
    """Want the app, and all that it kept, away. Raises NotFound."""
    await _order(store, name, records.REMOVE)


async def every_app(store: Records) -> list[InstalledApp]:
    """The apps that the car has, without those that are being removed."""
    apps = await store.transact(records.every_app)
    return [app for app in apps if app.wanted != records.REMOVE]


async def _order(store: Records, name: str, wanted: str) -> None:
    if not await store.transact(lambda c: records.order(c, name, wanted)):
        raise NotFound(
            f"The car has no app {name}.", hint="`monocoque car apps list CAR_ID` shows all."
        )
