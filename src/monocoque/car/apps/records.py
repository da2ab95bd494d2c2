"""Which publishers a car trusts, which apps it has, and how each of them is.

Rules: a person's command changes ``wanted`` and counts ``orders``; the car changes the state. So
the car sees by ``orders`` that something new is wanted, whoever wrote it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from monocoque.car.apps.logic import AppState

metadata = MetaData()

publishers = Table(
    "apps_publishers",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("jwk", Text, nullable=False),
    Column("trusted_us", BigInteger, nullable=False),
)
"""The public key (JWK) of each publisher whose apps this car takes."""

apps = Table(
    "apps_apps",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("version", String(32), nullable=False),
    Column("publisher", String(128), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("package_sha256", String(64), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("orders", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("restarts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
)
"""One row per app; what is to be removed stays until the car has ended it."""

RUN: Final = "run"
STOP: Final = "stop"
REMOVE: Final = "remove"


@dataclass(frozen=True, slots=True)
class InstalledApp:
    """One app as it is on record."""

    name: str
    version: str
    publisher: str
    key_id: str
    package_sha256: str
    wanted: str
    orders: int
    state: str
    restarts: int
    reason: str
    since_us: int


def trust(connection: Connection, key_id: str, jwk: Mapping[str, str], now_us: int) -> None:
    """Trust this publisher from now on; once is enough, and twice is harmless."""
    known = select(publishers.c.key_id).where(publishers.c.key_id == key_id)
    if connection.execute(known).first() is None:
        values = {"key_id": key_id, "jwk": json.dumps(dict(jwk)), "trusted_us": now_us}
        connection.execute(insert(publishers).values(values))


def distrust(connection: Connection, key_id: str) -> bool:
    """Trust this publisher no more; whether it was trusted."""
    return connection.execute(delete(publishers).where(publishers.c.key_id == key_id)).rowcount > 0


def trusted(connection: Connection) -> dict[str, dict[str, str]]:
    """The public keys that are trusted, by their names."""
    rows = connection.execute(select(publishers).order_by(publishers.c.key_id))
    return {row.key_id: json.loads(row.jwk) for row in rows}


def every_app(connection: Connection) -> list[InstalledApp]:
    """All of them, by name."""
    rows = connection.execute(select(apps).order_by(apps.c.name))
    return [_app(row) for row in rows]


def find_app(connection: Connection, name: str) -> InstalledApp | None:
    """The app of that name, or None."""
    row = connection.execute(select(apps).where(apps.c.name == name)).first()
    return None if row is None else _app(row)


def count_apps(connection: Connection) -> int:
    """How many apps there are."""
    return int(connection.execute(select(func.count()).select_from(apps)).scalar_one())


def put_app(connection: Connection, app: InstalledApp) -> None:
    """Keep this app, in place of the one of its name."""
    values = {name: getattr(app, name) for name in InstalledApp.__slots__}
    connection.execute(delete(apps).where(apps.c.name == app.name))
    connection.execute(insert(apps).values(values))


def order(connection: Connection, name: str, wanted: str) -> bool:
    """A person wants this of the app; whether there is one. To run means to begin anew."""
    values: dict[str, Any] = {"wanted": wanted, "orders": apps.c.orders + 1}
    if wanted == RUN:
        values["state"] = AppState.INSTALLED.value
    changed = connection.execute(update(apps).where(apps.c.name == name).values(values))
    return changed.rowcount > 0


def set_state(
    connection: Connection, name: str, orders: int, state: str, reason: str, now_us: int
) -> None:
    """How the app is; nothing, when a newer order came meanwhile."""
    wanted = (apps.c.name == name, apps.c.orders == orders)
    values = {"state": state, "reason": reason, "since_us": now_us}
    connection.execute(update(apps).where(*wanted).values(values))


def count_restart(connection: Connection, name: str) -> None:
    """The app is started once more because it had ended."""
    wanted = apps.c.name == name
    connection.execute(update(apps).where(wanted).values(restarts=apps.c.restarts + 1))


def forget_app(connection: Connection, name: str) -> None:
    """The app is removed, unless a person wants it again."""
    connection.execute(delete(apps).where(apps.c.name == name, apps.c.wanted == REMOVE))


def _app(row: object) -> InstalledApp:
    return InstalledApp(*(getattr(row, name) for name in InstalledApp.__slots__))
