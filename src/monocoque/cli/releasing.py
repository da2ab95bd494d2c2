"""What the commands about releases do: reads what was named, and prints what came of it.

Rules: files are read with a limit and only when they have an end; keys are read from the folder of
the one company that signs.

Left out on purpose: what may be signed and published (trust/updates, cloud/releases).
"""

import asyncio
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tuf.api.metadata import Targets

from monocoque.cli.settings import read_settings
from monocoque.cli.typed import typed
from monocoque.cloud.releases.service.publishing import note_published
from monocoque.cloud.releases.service.repository import ImageRepository, image_bytes
from monocoque.contracts.errors import (
    CredentialsRefused,
    SettingInvalid,
    UpdateHardwareWrong,
    UpdateMalformed,
)
from monocoque.contracts.updates import (
    COMPANIES,
    COMPANY_RELEASE_KEY,
    HARDWARE,
    IMAGE_BYTES_MAX,
    LANGUAGES,
    RELEASE_BYTES_MAX,
    TARGETS_BYTES_MAX,
    image_path,
)
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.process_file import is_alive, read_process_file
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.cell_records import open_cell_records
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout
from monocoque.roles.release_folder import Checked, ReleaseFolder, read_plain_file
from monocoque.trust.keys import load_key
from monocoque.trust.updates.image_repository import listed_numbers, next_number, next_targets
from monocoque.trust.updates.metadata import read, signed_by
from monocoque.trust.updates.release import Release, read_release


@dataclass(frozen=True)
class Draft:
    """What a person says about a new release."""

    version: str
    notes: Path
    images: tuple[str, ...]
    """HARDWARE=FILE each."""
    minutes: int
    needs_charge_percent: int
    critical: bool


def make_release(data: Path, draft: Draft, out: Path) -> None:
    """Write the folder of a new release."""
    layout = Layout(data)
    published = _repository(layout).published()
    number = next_number(published.targets)
    images = _read_images(draft.images)
    titles, notes = _read_notes(draft.notes)
    release = Release(
        number=number,
        version=draft.version,
        title=titles,
        notes=notes,
        critical=draft.critical,
        minutes=draft.minutes,
        needs_charge_percent=draft.needs_charge_percent,
        images={hardware_id: image_path(number, hardware_id) for hardware_id in images},
    )
    now_us = clock_of(layout).now_us()
    targets, files = next_targets(published.targets, release, images, now_us)
    ReleaseFolder(out).write(published.root_data, published.targets_data, targets, files)
    typer.echo(f"Release {number} ({draft.version}) is in {out}, with no signature yet.")
    place = shlex.quote(str(out))
    for company in COMPANIES:
        typer.echo(f"  {typed(f'release sign {place} --company {company}', data)}")


def sign_release(data: Path, folder: Path, company: str, keys: Path | None) -> None:
    """Sign the release in this folder as this company."""
    if company not in COMPANIES:
        raise SettingInvalid(
            "There is no such company.", hint=f"Say {' or '.join(sorted(COMPANIES))}."
        )
    where = keys or Layout(data).company_secrets(company)
    secret = FileKeyStore(where).read(COMPANY_RELEASE_KEY)
    if secret is None:
        raise CredentialsRefused(
            f"There is no {COMPANY_RELEASE_KEY} in {where}.",
            hint="Give the company's folder of keys by --keys.",
        )
    checked = ReleaseFolder(folder).sign(company, load_key(secret))
    _print_signed(checked, company)


def publish_release(data: Path, folder: Path) -> None:
    """Publish the release in this folder."""
    layout = Layout(data)
    release_folder = ReleaseFolder(folder)
    repository = _repository(layout)
    now_us = clock_of(layout).now_us()
    targets = release_folder.signed()
    release = repository.publish(targets, release_folder.read_file, now_us)
    typer.echo(f"Release {release.number} ({release.version}) is published.")
    cell = read_process_file(layout.cell_process)
    if cell is None or not is_alive(cell):
        typer.echo("No cell runs here; its next start puts the release on record.")
        return
    asyncio.run(_put_on_record(layout, repository, now_us))


def show_releases(data: Path, *, as_json: bool) -> None:
    """Print every release that is published."""
    layout = Layout(data)
    repository = _repository(layout)
    published = repository.published()
    targets = published.targets
    if targets is None:
        rows: Sequence[Release] = []
        companies: tuple[str, ...] = ()
    else:
        numbers = sorted(listed_numbers(targets), reverse=True)
        rows = [read_release(repository.release_document(targets, number)) for number in numbers]
        whole = read(published.targets_data, Targets, TARGETS_BYTES_MAX)
        companies = signed_by(published.root, whole)
    sizes = {row.number: image_bytes(targets, row.number) for row in rows if targets}
    ends = f"{targets.expires:%Y-%m-%d}" if targets else ""
    if as_json:
        found = [
            {
                "number": row.number,
                "version": row.version,
                "title": dict(row.title),
                "critical": row.critical,
                "minutes": row.minutes,
                "hardware_ids": sorted(row.images),
                "image_bytes": sizes[row.number],
            }
            for row in rows
        ]
        typer.echo(json.dumps({"releases": found, "signed_by": companies, "good_until": ends}))
        return
    _print_table(rows, sizes, f"signed by {', '.join(companies)}; good until {ends}")


def _repository(layout: Layout) -> ImageRepository:
    return ImageRepository(FileDocuments(layout.documents), FileKeyStore(layout.secrets))


async def _put_on_record(layout: Layout, repository: ImageRepository, now_us: int) -> None:
    configs = read_settings(layout.settings)[0]
    records = open_cell_records(layout, configs[RecordsConfig], SystemRandom())
    try:
        await note_published(repository, records, now_us)
    finally:
        await records.close()


def _read_images(named: tuple[str, ...]) -> dict[str, bytes]:
    images: dict[str, bytes] = {}
    for one in named:
        hardware_id, _, place = one.partition("=")
        if not place:
            raise SettingInvalid(
                f"{one} is no image.", hint="Say --image HARDWARE=FILE for each image."
            )
        if hardware_id not in HARDWARE:
            raise UpdateHardwareWrong(
                f"No car has a control unit {hardware_id}.", hint=f"There is {', '.join(HARDWARE)}."
            )
        if hardware_id in images:
            raise SettingInvalid(
                f"There are two images for {hardware_id}.", hint="Name one for each control unit."
            )
        images[hardware_id] = _read_named(Path(place), IMAGE_BYTES_MAX)
        if not images[hardware_id]:
            raise UpdateMalformed(f"{place} is empty.", hint="Name the file with the image.")
    return images


def _read_notes(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    titles, notes = {}, {}
    for language in LANGUAGES:
        path = folder / f"{language}.md"
        try:
            text = _read_named(path, RELEASE_BYTES_MAX).decode()
        except UnicodeDecodeError:
            raise UpdateMalformed(f"{path} is not UTF-8.") from None
        first, _, rest = text.replace("\r\n", "\n").strip().partition("\n")
        if not first.startswith("# ") or not rest.strip():
            raise UpdateMalformed(
                f"{path} has no title, or nothing below it.",
                hint="Begin it with `# Title`, and say below that what is new.",
            )
        titles[language], notes[language] = first[2:].strip(), rest.strip()
    return titles, notes


def _read_named(path: Path, bytes_max: int) -> bytes:
    try:
        return read_plain_file(path, bytes_max)
    except FileNotFoundError:
        raise SettingInvalid(f"There is no {path}.", hint="Name a file that is there.") from None


def _print_signed(checked: Checked, company: str) -> None:
    release = checked.release
    typer.echo(f"{COMPANIES[company]} signed release {release.number} ({release.version}).")
    for language in LANGUAGES:
        typer.echo(f"  {language}: {release.title[language]}")
    for hardware_id, target in sorted(checked.addition.images.items()):
        typer.echo(f"  {hardware_id}: {target.length:,} bytes, SHA-256 {target.hashes['sha256']}")


def _print_table(rows: Sequence[Release], sizes: dict[int, int], caption: str) -> None:
    table = Table("number", "version", "title", "for", "bytes", "minutes", caption=caption)
    for row in rows:
        title = escape(row.title["en"])
        title = f"[bold]{title}[/bold]" if row.critical else title
        names = ", ".join(sorted(row.images))
        table.add_row(
            str(row.number), row.version, title, names, f"{sizes[row.number]:,}", str(row.minutes)
        )
    Console().print(table)
