"""From directions to a plan: both repositories are read, compared, and remembered.

Rules:

* what is trusted of a repository is kept when all of it was verified, and never before;
* a car that is to install nothing reads no image repository;
* an image repository of which the car has seen the present timestamp before is read again all the
  same: it is small, and the time of what it says moves.

Left out on purpose: the checks themselves (trust/updates/verification.py).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import Connection
from tuf.api.metadata import Targets

from monocoque.car.updates import records
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.updates.logic.journal import Plan
from monocoque.car.updates.logic.unit import Image
from monocoque.car.updates.service.downloads import Downloads
from monocoque.car.updates.service.fetching import fetch_small
from monocoque.contracts.errors import NotFound
from monocoque.contracts.updates import (
    DIRECTOR_ROOT,
    IMAGE_ROOT,
    RELEASE_BYTES_MAX,
    ROOT_BYTES_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
)
from monocoque.contracts.wire.update_pb2 import UpdateDirections
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust.updates import image_repository
from monocoque.trust.updates.metadata import IMAGE
from monocoque.trust.updates.reasons import UpdateReason, unfit
from monocoque.trust.updates.verification import (
    Directions,
    Reading,
    Trusted,
    match,
    read_directions,
    read_document,
)


@dataclass(frozen=True)
class Known:
    """What the car trusts of both repositories."""

    director: Trusted
    image: Trusted


@dataclass(frozen=True)
class Checked:
    """What came of directions."""

    known: Known
    targets_version: int
    plan: Plan | None
    """None when nothing is to be installed."""


def recall(connection: Connection, car_id: str, keystore: KeyStore) -> Known:
    """What is trusted; at first the factory's roots. Raises UpdateUnfit without any."""
    return Known(
        _recall(connection, car_id, records.DIRECTOR, keystore.read(DIRECTOR_ROOT)),
        _recall(connection, car_id, records.IMAGE, keystore.read(IMAGE_ROOT)),
    )


def remember(connection: Connection, car_id: str, known: Known) -> None:
    """This is trusted from now on."""
    for part, trusted in ((records.DIRECTOR, known.director), (records.IMAGE, known.image)):
        members = asdict(trusted) | {"root": trusted.root.decode()}
        if records.read_part(connection, car_id, part) != members:
            records.set_part(connection, car_id, part, members)


def has_been_directed(connection: Connection, car_id: str) -> bool:
    """Whether directions were ever verified."""
    return records.read_part(connection, car_id, records.DIRECTOR) is not None


async def check(
    message: UpdateDirections,
    known: Known,
    car_id: str,
    installed: Mapping[str, tuple[str, Image]],
    downloads: Downloads | None,
    kept: dict[str, bytes],
    config: UpdatesConfig,
    now_us: int,
) -> Checked:
    """What the car is to install.

    installed: hardware id and image of each control unit by its ecu_id. downloads: None for a car
    without a way to the image repository. kept: files of the image repository that never change,
    by their path, as they were verified last; is changed. Raises an UpdateRefused, and what
    ``Downloads`` raises.
    """
    units = {ecu_id: hardware_id for ecu_id, (hardware_id, _) in installed.items()}
    files = (message.timestamp, message.snapshot, message.targets)
    roots = list(message.roots)
    directions = read_directions(known.director, roots, files, car_id, units, now_us)
    if not directions.units:
        known = Known(directions.trusted, known.image)
        return Checked(known, directions.targets_version, None)
    if downloads is None:
        raise unfit(UpdateReason.UNREACHABLE, "The car has no way to the image repository.")
    reading = Reading(IMAGE, known.image, now_us)
    targets = await _read_image_repository(reading, downloads, kept, config)
    known = Known(directions.trusted, reading.trusted)
    numbers = {ecu_id: image.release_number for ecu_id, (_, image) in installed.items()}
    wanted = match(directions, targets, numbers)
    held = {ecu_id: image for ecu_id, (_, image) in installed.items()}
    if all(
        (held[one.ecu_id].release_number, held[one.ecu_id].sha256)
        == (directions.release_number, one.sha256)
        for one in wanted
    ):
        return Checked(known, directions.targets_version, None)
    release = read_document(directions, await _document(directions, downloads, config), units)
    plan = Plan(
        release_number=release.number,
        version=release.version,
        targets_version=directions.targets_version,
        images=wanted,
        needs_charge_percent=release.needs_charge_percent,
        expires_us=min(directions.expires_us, reading.expires_us),
    )
    return Checked(known, directions.targets_version, plan)


async def _read_image_repository(
    reading: Reading, downloads: Downloads, kept: dict[str, bytes], config: UpdatesConfig
) -> Targets:
    """Its targets, verified; what is kept is not fetched again, and verified again all the same."""
    # Until all of it was verified nothing counts as kept: a wrong copy would be found for ever.
    before = dict(kept)
    kept.clear()

    async def fetch(path: str, bytes_max: int) -> bytes:
        return await fetch_small(downloads, path, bytes_max, config)

    for _ in range(config.roots_max):
        path = image_repository.root_file(reading.root_version + 1)
        try:
            reading.take_root(await fetch(path, ROOT_BYTES_MAX))
        except NotFound:
            break
    timestamp = await fetch(image_repository.TIMESTAMP_FILE, TIMESTAMP_BYTES_MAX)
    version = reading.take_timestamp(timestamp)
    path = image_repository.snapshot_file(version)
    snapshot = before.get(path) or await fetch(path, SNAPSHOT_BYTES_MAX)
    read = {path: snapshot}
    version = reading.take_snapshot(snapshot)
    path = image_repository.targets_file(version)
    data = before.get(path) or await fetch(path, TARGETS_BYTES_MAX)
    targets = reading.take_targets(data)
    kept |= read | {path: data}
    return targets


async def _document(directions: Directions, downloads: Downloads, config: UpdatesConfig) -> bytes:
    assert directions.document is not None
    path = image_repository.target_file(directions.document)
    return await fetch_small(downloads, path, RELEASE_BYTES_MAX, config)


def _recall(connection: Connection, car_id: str, part: str, first: bytes | None) -> Trusted:
    members = records.read_part(connection, car_id, part)
    if members is not None:
        return Trusted(**{**members, "root": members["root"].encode()})
    if first is None:
        raise unfit(UpdateReason.NO_ROOT, "The factory gave this car no root.")
    return Trusted(first)
