"""What ``monocoque app`` does: makes the folder of an app, and its package.

Rules: a private key that is not there is made, with the public key beside it, which is what cars
are given; a file that is there is never replaced but a package.

Left out on purpose: running an app; that is its test's, or a car's.
"""

import json
import re
from pathlib import Path
from typing import Final

import typer

from monocoque.app import loading
from monocoque.app.declaring import manifest_of
from monocoque.contracts.apps import TEXTS, write_manifest
from monocoque.contracts.errors import CredentialsRefused, SettingInvalid
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.files import storage_errors, write_atomically
from monocoque.trust.apps import pack
from monocoque.trust.keys import PrivateKey, SystemKeyMaker, load_key

KEY_BYTES_MAX: Final = 4_096
PUBLIC_SUFFIX: Final = ".public.json"

APP_TEMPLATE: Final = '''\
"""{name}: an app for cars; change it to what you want."""

from monocoque.app import App, actuate, read, signals


class {kind}(App):
    """Turns the climate on while the car charges."""

    name, version = "{name}", "0.1.0"
    publisher = "Me at home"
    purpose = "Turns the climate on while the car charges, and off when it is done."

    is_charging = read(signals.IS_CHARGING, bool)
    climate_on = actuate(signals.IS_CLIMATE_ON, bool)

    async def run(self) -> None:
        async for is_charging in self.is_charging.changes():
            outcome = await self.climate_on.set(is_charging)
            said = "done" if outcome.done else outcome.reason
            self.log(f"charging: {{is_charging}}, climate: {{said}}")
'''
TEST_TEMPLATE: Final = '''\
"""{name}, on a stand: no car, and no waiting."""

from app import {kind}
from monocoque.app import signals
from monocoque.app.testing import Stand


def test_the_climate_is_on_while_the_car_charges(tmp_path):
    with Stand({kind}, tmp_path) as stand:
        stand.tell(signals.IS_CHARGING, True)
        assert stand.value(signals.IS_CLIMATE_ON) is True
        stand.tell(signals.IS_CHARGING, False)
        assert stand.value(signals.IS_CLIMATE_ON) is False
'''


def make_folder(name: str, into: Path) -> None:
    """Make the folder of a new app. Raises SettingInvalid, and what storage_errors raises."""
    if not re.fullmatch(TEXTS["name"].pattern, name):
        raise SettingInvalid(
            "An app has another kind of name.", hint=f"Give it {TEXTS['name'].meaning}."
        )
    kind = "".join(part.capitalize() for part in re.split("-+", name))
    folder = into / name.replace("-", "_")
    with storage_errors(folder):
        if folder.exists():
            raise SettingInvalid(f"{folder} is there already.", hint="Choose another name.")
        folder.mkdir(parents=True)
        for file, template in (("app.py", APP_TEMPLATE), ("test_app.py", TEST_TEMPLATE)):
            (folder / file).write_text(template.format(name=name, kind=kind), encoding="utf-8")
    typer.echo(f"{folder} has an app, app.py, and its test.")
    typer.echo(f"Try it without a car: python -m pytest {folder}")


def make_package(folder: Path, key: Path, out: Path | None) -> None:
    """Pack and sign. Raises AppRefused and its leaves, CredentialsRefused."""
    manifest = manifest_of(loading.find(folder))
    signer = _publisher(key)
    package = pack(
        write_manifest(manifest), loading.files_of(folder), signer, SystemClock().now_us()
    )
    place = out or Path(f"{manifest.name}-{manifest.version}.app")
    write_atomically(place, package, mode=0o644)
    typer.echo(f"{place}: {manifest.name} {manifest.version}, {len(package)} bytes.")
    typer.echo(f"  {manifest.purpose}")
    for wish in manifest.signals:
        typer.echo(f"  {wish.access.value:8} {wish.path}")


def _publisher(path: Path) -> PrivateKey:
    """The key of the file, which is made when it is not there."""
    with storage_errors(path):
        if path.exists():
            secret = path.read_bytes()
            if len(secret) > KEY_BYTES_MAX:
                raise CredentialsRefused(f"{path} is no key.")
            key = load_key(secret)
            if key.algorithm != "EdDSA":
                raise CredentialsRefused(
                    f"{path} is a key of another kind.", hint="Name a file that is not there yet."
                )
            return key
    made = SystemKeyMaker().make("EdDSA")
    write_atomically(path, made.export())
    public = public_place(path)
    write_atomically(public, json.dumps(dict(made.public_jwk)).encode() + b"\n", mode=0o644)
    typer.echo(f"{path} is a new key; keep it. {public} is for the cars that trust you.")
    return made


def public_place(path: Path) -> Path:
    """Where the public part of a private key of this path lies."""
    return path.with_name(path.stem + PUBLIC_SUFFIX)
