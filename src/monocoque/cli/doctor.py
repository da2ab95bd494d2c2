"""The doctor: looks at everything a start needs, says what is wrong and how to mend it.

Rules: looks only, changes nothing; each finding is an error of the one tree, so it brings its
hint; a cell that runs is asked over HTTP like anybody else would.
"""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import httpx

from monocoque.cli.config import StartConfig
from monocoque.cli.doctor_campaigns import look_at_campaigns
from monocoque.cli.doctor_data import look_at_clock, look_at_databases, look_at_secrets
from monocoque.cli.settings import read_settings
from monocoque.contracts.errors import (
    CellUnreachable,
    DiskFull,
    MonocoqueError,
    NotWritable,
    PagesMissing,
    PortInUse,
    RecordsUnavailable,
    SettingInvalid,
)
from monocoque.contracts.rights import Site
from monocoque.plumbing.bus.nats_server import find_program
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.address import masked
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles import stamp
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.http import PAGES_DIRECTORY
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import revision_of
from monocoque.roles.release_log import check_phone_release

DISK_FREE_BYTES_MIN = 500 * 1024 * 1024
ASK_S_MAX = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    detail: str
    error: MonocoqueError | None = None


def examine(path: Path, port: int | None, product: str) -> Iterator[Finding]:
    """Look at an installation, one finding after the other. port: the setting's when None."""
    layout = Layout(path)
    for what, look in (
        ("data directory", lambda: _directory(layout, product)),
        ("settings", lambda: _settings(layout)),
        ("records", lambda: _records(layout)),
        ("databases", lambda: look_at_databases(layout)),
        ("clock", lambda: look_at_clock(layout, SystemClock().now_us())),
        ("secrets", lambda: look_at_secrets(layout)),
        ("free disk", lambda: _disk(path)),
        ("bus server", find_program),
        ("pages", lambda: _pages(layout, product)),
        ("cell", lambda: _cell(layout, port)),
        ("campaigns", lambda: _campaigns(layout)),
    ):
        yield _looked(what, look)


def _looked(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except MonocoqueError as error:
        return Finding(what, error.what, error)


def _directory(layout: Layout, product: str) -> str:
    if not layout.path.exists():
        return f"{layout.path} is made at the first start"
    # Asks the system, which knows more than the permission bits, such as a read-only disk.
    if not os.access(layout.path, os.R_OK | os.W_OK | os.X_OK):
        raise NotWritable(f"{layout.path}: it cannot be written.")
    found = stamp.read_stamp(layout)
    if found is not None:
        stamp.refuse(layout, found, product)
    return f"{layout.path}, written by {found.product if found else 'nobody yet'}"


def _settings(layout: Layout) -> str:
    settings = read_settings(layout.settings)[1]
    return f"{sum(setting.source != 'default' for setting in settings)} are not the default"


def _records(layout: Layout) -> str:
    try:
        config: RecordsConfig = read_settings(layout.settings)[0][RecordsConfig]
    except SettingInvalid:
        return "not looked at, as the settings are wrong"
    if not config.url:
        return "SQLite, in the data directory"
    try:
        revision = asyncio.run(_revision(layout, config))
    except RecordsUnavailable as error:
        hint = "Start that PostgreSQL server, or correct records.url."
        raise RecordsUnavailable(f"{masked(config.url)}: {error.what}", hint=hint) from error
    return f"{masked(config.url)}, {f'revision {revision}' if revision else 'still empty'}"


async def _revision(layout: Layout, config: RecordsConfig) -> str | None:
    records = open_cell_records(layout, config, SystemRandom())
    try:
        return await records.transact(revision_of)
    finally:
        await records.close()


def _disk(path: Path) -> str:
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    if free < DISK_FREE_BYTES_MIN:
        raise DiskFull(f"{free // 1024**2} MB are free.")
    return f"{free // 1024**2} MB are free"


def _pages(layout: Layout, product: str) -> str:
    missing = [s.value for s in Site if not (PAGES_DIRECTORY / s.value / "index.html").is_file()]
    if missing:
        raise PagesMissing(f"Not built: {', '.join(missing)}.")
    # A clock that was set back is a finding of its own, and makes no page a false one.
    check_phone_release(PAGES_DIRECTORY, product, clock_of(layout).now_us())
    return f"built; the phone site is the one that was released as {product}"


def _cell(layout: Layout, port: int | None) -> str:
    process = read_process_file(layout.door)
    cell = read_process_file(layout.cell_process)
    if process is None or not is_alive(process):
        if cell is not None and is_alive(cell):
            hint = "Start `monocoque run http` on the same data directory."
            raise CellUnreachable("The cell runs, and its HTTP does not.", hint=hint)
        _refuse_taken(_port(layout, port))
        return "not running"
    address = f"http://localhost:{process.ports['http']}"
    try:
        answer = httpx.get(f"{address}/api/health", timeout=ASK_S_MAX)
        answer.raise_for_status()
        online = answer.json()["cars_online"]
    except (httpx.HTTPError, ValueError) as error:
        raise CellUnreachable(f"{address} does not answer.") from error
    return f"{address}, {online} cars online"


def _campaigns(layout: Layout) -> str:
    try:
        config: RecordsConfig = read_settings(layout.settings)[0][RecordsConfig]
    except SettingInvalid:
        return "not looked at, as the settings are wrong"
    return look_at_campaigns(layout, config)


def _port(layout: Layout, argument: int | None) -> int:
    """The port that a start would take; the default where the settings are wrong."""
    if argument is not None:
        return argument
    with contextlib.suppress(SettingInvalid):
        start: StartConfig = read_settings(layout.settings)[0][StartConfig]
        return start.port
    return StartConfig().port


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PortInUse(
                f"No cell runs, and a start with port {port} would fail: another program has it."
            )
