"""What ``monocoque car apps`` does: works on a car's records and folder, whether it runs or not.

Rules: a car that runs sees within a second what was changed; what is read of a file has a limit.

Left out on purpose: waiting until the car has done it; ``list`` shows how far it is.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from monocoque.car.apps import service
from monocoque.car.apps.config import AppsConfig
from monocoque.car.apps.service import InstalledApp
from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.cli.settings import read_settings
from monocoque.cli.wheel import at_the_wheel
from monocoque.contracts.errors import AppTooLarge, CredentialsRefused, NotFound
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.records.port import Records
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout
from monocoque.trust.apps import PACKAGE_BYTES_MAX

Result = TypeVar("Result")
KEY_BYTES_MAX: Final = 4_096
LOOK_S: Final = 0.3
CHUNK_BYTES: Final = 65_536


def trust(data: Path, car_id: CarId, key_file: Path) -> None:
    """The car takes apps of this publisher from now on."""
    jwk = _read_key(key_file)
    now_us = clock_of(Layout(data)).now_us()
    config = _config(data)
    key_id = _at(data, car_id, lambda records: service.trust(records, jwk, now_us, config))
    typer.echo(f"{car_id} takes apps of the publisher {key_id}.")


def distrust(data: Path, car_id: CarId, key_id: str) -> None:
    """The car takes no more apps of this publisher."""
    _at(data, car_id, lambda records: service.distrust(records, key_id))
    typer.echo(f"{car_id} takes no more apps of the publisher {key_id}.")


def install(data: Path, car_id: CarId, package: Path, publisher_key: Path | None) -> None:
    """The car has this app from now on."""
    if publisher_key is not None:
        trust(data, car_id, publisher_key)
    content = _read(package, PACKAGE_BYTES_MAX)
    layout, config = Layout(data), _config(data)
    now_us = clock_of(layout).now_us()
    manifest = _at(
        data,
        car_id,
        lambda records: service.install(
            records,
            layout.car(car_id).apps,
            content,
            own_catalogue().find,
            now_us,
            config,
        ),
    )
    typer.echo(f"{car_id} has {manifest.name} {manifest.version} of {manifest.publisher}.")
    typer.echo(f"  {manifest.purpose}")
    for wish in manifest.signals:
        typer.echo(f"  it may {wish.access.value} {wish.path}")


def show(data: Path, car_id: CarId, *, as_json: bool) -> None:
    """Print the apps of the car and its publishers."""

    async def look(records: Records) -> tuple[list[InstalledApp], dict[str, dict[str, str]]]:
        return await service.every_app(records), await service.trusted(records)

    apps, publishers = _at(data, car_id, look)
    if as_json:
        members = ("name", "version", "publisher", "key_id", "state", "restarts", "reason")
        rows = [{name: getattr(app, name) for name in members} for app in apps]
        typer.echo(json.dumps({"apps": rows, "publishers": sorted(publishers)}))
        return
    table = Table("app", "version", "publisher", "state", "since", "restarts", "why")
    for app in apps:
        since = f"{moment_of(app.since_us):%Y-%m-%d %H:%M:%S}"
        texts = (app.name, app.version, app.publisher, app.state, since, str(app.restarts))
        table.add_row(*map(escape, (*texts, app.reason)))
    Console().print(table)
    for key_id in publishers:
        typer.echo(f"trusted publisher: {key_id}")


def start(data: Path, car_id: CarId, name: str) -> None:
    """The app shall run."""
    _at(data, car_id, lambda records: service.order_start(records, name))
    typer.echo(f"{name} is started when {car_id} runs.")


def stop(data: Path, car_id: CarId, name: str) -> None:
    """The app shall be still."""
    _at(data, car_id, lambda records: service.order_stop(records, name))
    typer.echo(f"{name} is stopped.")


def remove(data: Path, car_id: CarId, name: str) -> None:
    """The app shall go."""
    _at(data, car_id, lambda records: service.order_remove(records, name))
    typer.echo(f"{name} is removed, with all that it kept, when {car_id} runs.")


def print_log(data: Path, car_id: CarId, name: str, *, follows: bool) -> None:
    """Print what the app wrote; with ``follows`` until Ctrl-C."""
    known = {app.name for app in _at(data, car_id, service.every_app)}
    if name not in known:
        raise NotFound(
            f"{car_id} has no app {name}.",
            hint=f"`monocoque car apps list {car_id}` shows all.",
        )
    place = service.log_place(Layout(data).car(car_id).apps, name)
    with contextlib.suppress(KeyboardInterrupt):
        _print_file(place, follows=follows)


def _print_file(place: Path, *, follows: bool) -> None:
    """Print it from its beginning; a new file in its place is printed from its beginning too."""
    at, number = 0, -1
    while True:
        with storage_errors(place):
            if place.exists():
                with place.open("rb") as file:
                    found = os.fstat(file.fileno()).st_ino
                    at, number = (at, number) if found == number else (0, found)
                    file.seek(at)
                    while chunk := file.read(CHUNK_BYTES):
                        at += len(chunk)
                        sys.stdout.write(chunk.decode(errors="replace"))
                    sys.stdout.flush()
        if not follows:
            return
        time.sleep(LOOK_S)


def _at(data: Path, car_id: CarId, work: Callable[[Records], Awaitable[Result]]) -> Result:
    return at_the_wheel(data, car_id, work)


def _config(data: Path) -> AppsConfig:
    config: AppsConfig = read_settings(Layout(data).settings)[0][AppsConfig]
    return config


def _read_key(path: Path) -> dict[str, Any]:
    try:
        jwk = json.loads(_read(path, KEY_BYTES_MAX))
        if not isinstance(jwk, dict) or "d" in jwk:
            raise ValueError("no public key")
    except (ValueError, RecursionError):
        raise CredentialsRefused(
            f"{path} is no public key.",
            hint="`monocoque app package` writes one beside the private key: *.public.json.",
        ) from None
    return jwk


def _read(path: Path, bytes_max: int) -> bytes:
    with storage_errors(path):
        try:
            with path.open("rb") as file:
                content = file.read(bytes_max + 1)
        except FileNotFoundError:
            raise NotFound(f"There is no file {path}.") from None
    if len(content) > bytes_max:
        raise AppTooLarge(f"{path} is larger than {bytes_max} bytes.")
    return content
