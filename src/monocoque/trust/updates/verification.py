"""How a car checks what it is to install: Uptane's full verification (2.1.0, 5.4.4.2).

Rules:

* two repositories must say the same: the director, what this car is to install; the image
  repository, what there is, signed by both companies. Neither can put code into a car alone;
* of each, the order is root, timestamp, snapshot, targets; each step is signed by who may, no older
  than what the car has seen, pinned by the one before it, and its time is not over;
* a root counts when the root before it and it itself say so; when a root changes the keys of
  timestamp or snapshot, what was seen of versions is forgotten, since whoever had the old keys may
  have signed the highest number there is (fast-forward);
* a release is installed as a whole: every control unit for which it has an image, and no other;
* no release number goes down, whatever versions say.

It fetches nothing: who calls brings the bytes and the time, and keeps ``trusted`` when all is well.

Left out on purpose: partial verification. Every control unit here is verified by the primary, and
verifies the hash of its own image.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from monocoque.contracts.updates import (
    NUMBER_MAX,
    ROOT_BYTES_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
)
from monocoque.trust.updates.director import CAR_FIELD, RELEASE_FIELD
from monocoque.trust.updates.image_repository import RELEASE_FIELD as NUMBER_FIELD
from monocoque.trust.updates.image_repository import (
    SNAPSHOT_NAME,
    TARGETS_NAME,
    check_target,
    custom_of,
    sha256_of,
    target_file,
)
from monocoque.trust.updates.metadata import (
    DIRECTOR,
    Repository,
    check_fresh,
    check_signed,
    read,
    read_root,
)
from monocoque.trust.updates.reasons import UpdateReason, unfit
from monocoque.trust.updates.release import Release, read_release

SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Kind = TypeVar("Kind", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a car has seen of one repository; it takes nothing older."""

    root: bytes
    """The newest root, whole."""
    timestamp_version: int = 0
    snapshot_version: int = 0
    targets_version: int = 0


class Reading:
    """One reading of a repository, step by step; each step raises an UpdateRefused."""

    def __init__(self, repository: Repository, trusted: Trusted, now_us: int) -> None:
        """trusted: of an earlier reading, or ``Trusted(root)`` with the factory's root."""
        self._repository = repository
        self._now_us = now_us
        self._root = read_root(trusted.root, repository, ROOT_BYTES_MAX).signed
        self._snapshot: MetaFile | None = None
        self._targets: MetaFile | None = None
        self._expires: list[datetime] = []
        self.trusted = trusted
        """What is trusted after the steps so far."""

    @property
    def root_version(self) -> int:
        """The version of the root that counts now."""
        return self._root.version

    @property
    def expires_us(self) -> int:
        """When the first of what was read is over; microseconds since 1970."""
        until = min([self._root.expires, *self._expires])
        return round((until - _EPOCH).total_seconds()) * SECOND_US

    def take_root(self, data: bytes) -> None:
        """The next root; it counts from now on."""
        metadata = read_root(data, self._repository, ROOT_BYTES_MAX)
        check_signed(self._root, metadata)
        check_signed(metadata.signed, metadata)
        if metadata.signed.version != self._root.version + 1:
            raise unfit(UpdateReason.ROLLBACK, "A root is not the next one.")
        self.trusted = replace(self.trusted, root=data)
        if any(_keys(self._root, name) != _keys(metadata.signed, name) for name in _ONLINE):
            self.trusted = Trusted(data)
        self._root = metadata.signed

    def take_timestamp(self, data: bytes) -> int:
        """The timestamp; returns the version of the snapshot that it pins."""
        check_fresh(self._root, self._now_us)
        timestamp = self._take(data, Timestamp, TIMESTAMP_BYTES_MAX)
        snapshot = timestamp.snapshot_meta
        if timestamp.version < self.trusted.timestamp_version:
            raise unfit(UpdateReason.ROLLBACK, "The timestamp is older than one that was seen.")
        if snapshot.version < self.trusted.snapshot_version:
            raise unfit(UpdateReason.ROLLBACK, "The snapshot is older than one that was seen.")
        self._fresh(timestamp)
        self._snapshot = snapshot
        self.trusted = replace(
            self.trusted, timestamp_version=timestamp.version, snapshot_version=snapshot.version
        )
        return snapshot.version

    def take_snapshot(self, data: bytes) -> int:
        """The snapshot; returns the version of the targets that it pins."""
        assert self._snapshot is not None
        _check_pin(self._snapshot, data)
        snapshot = self._take(data, Snapshot, SNAPSHOT_BYTES_MAX)
        targets = snapshot.meta.get(TARGETS_NAME)
        if snapshot.version != self._snapshot.version or targets is None:
            raise unfit(UpdateReason.MIX_AND_MATCH, f"{SNAPSHOT_NAME} is not the one wanted.")
        if targets.version < self.trusted.targets_version:
            raise unfit(UpdateReason.ROLLBACK, "The targets are older than some that were seen.")
        self._fresh(snapshot)
        self._targets = targets
        self.trusted = replace(self.trusted, targets_version=targets.version)
        return targets.version

    def take_targets(self, data: bytes) -> Targets:
        """The targets; the last step."""
        assert self._targets is not None
        _check_pin(self._targets, data)
        targets = self._take(data, Targets, TARGETS_BYTES_MAX)
        if targets.version != self._targets.version:
            raise unfit(UpdateReason.MIX_AND_MATCH, f"{TARGETS_NAME} are not the ones wanted.")
        if targets.delegations is not None:
            raise unfit(UpdateReason.DELEGATED, "Targets of ours delegate to nobody.")
        self._fresh(targets)
        return targets

    def _take(self, data: bytes, kind: type[Kind], bytes_max: int) -> Kind:
        metadata: Metadata[Kind] = read(data, kind, bytes_max)
        check_signed(self._root, metadata)
        return metadata.signed

    def _fresh(self, signed: Timestamp | Snapshot | Targets) -> None:
        check_fresh(signed, self._now_us)
        self._expires.append(signed.expires)


@dataclass(frozen=True, slots=True)
class Directed:
    """An image, and the control unit of this car that is to have it."""

    ecu_id: str
    hardware_id: str
    image: TargetFile


@dataclass(frozen=True, slots=True)
class Directions:
    """What the director says that this car is to install."""

    trusted: Trusted
    targets_version: int
    release_number: int
    """0 for nothing."""
    document: TargetFile | None
    """The release document; None for nothing."""
    units: tuple[Directed, ...]
    expires_us: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that is to be fetched and installed."""

    ecu_id: str
    hardware_id: str
    file: str
    """Where it lies in the image repository."""
    length: int
    sha256: str


def read_directions(
    trusted: Trusted,
    roots: Sequence[bytes],
    files: tuple[bytes, bytes, bytes],
    car_id: str,
    units: Mapping[str, str],
    now_us: int,
) -> Directions:
    """What the director says.

    roots: from version 2 on, in order. files: timestamp, snapshot and targets. units: the hardware
    id of each control unit of this car. Raises an UpdateRefused.
    """
    reading = Reading(DIRECTOR, trusted, now_us)
    for root in roots[reading.root_version - 1 :]:
        reading.take_root(root)
    timestamp, snapshot, targets_data = files
    reading.take_timestamp(timestamp)
    reading.take_snapshot(snapshot)
    targets = reading.take_targets(targets_data)
    if targets.unrecognized_fields.get(CAR_FIELD) != car_id:
        raise unfit(UpdateReason.WRONG_CAR, "The directions are not for this car.")
    number, document = _release_of(targets)
    directed = _units_of(targets, number, units)
    if bool(directed) != (document is not None):
        raise unfit(UpdateReason.MALFORMED, "A release has images, and images have a release.")
    return Directions(
        trusted=reading.trusted,
        targets_version=targets.version,
        release_number=number,
        document=document,
        units=directed,
        expires_us=reading.expires_us,
    )


def match(
    directions: Directions, targets: Targets, installed: Mapping[str, int]
) -> tuple[Wanted, ...]:
    """The images to install, when both repositories say the same of them.

    targets: of the image repository. installed: the release number in each control unit.
    Raises an UpdateRefused.
    """
    assert directions.document is not None
    _same(directions.document, targets)
    wanted = []
    for unit in directions.units:
        custom = custom_of(_same(unit.image, targets))
        if custom.get("hardware_ids") != [unit.hardware_id]:
            raise unfit(UpdateReason.WRONG_HARDWARE, "An image is for another control unit.")
        if custom.get(NUMBER_FIELD) != directions.release_number:
            raise unfit(UpdateReason.MIXED_BUNDLE, "An image is of another release.")
        if directions.release_number < installed[unit.ecu_id]:
            raise unfit(UpdateReason.ROLLBACK, "The release is older than what is installed.")
        file, image = target_file(unit.image), unit.image
        wanted.append(Wanted(unit.ecu_id, unit.hardware_id, file, image.length, sha256_of(image)))
    return tuple(wanted)


def read_document(directions: Directions, data: bytes, units: Mapping[str, str]) -> Release:
    """The release, when its document is the one that was signed and all of it is directed.

    units: the hardware id of each control unit of this car. Raises an UpdateRefused.
    """
    assert directions.document is not None
    check_target(directions.document, data)
    release = read_release(data)
    directed = {unit.hardware_id: unit.image.path for unit in directions.units}
    of_car = {name: path for name, path in release.images.items() if name in units.values()}
    if release.number != directions.release_number:
        raise unfit(UpdateReason.MIXED_BUNDLE, "The document is of another release.")
    if directed.items() - of_car.items():
        raise unfit(UpdateReason.EXTRANEOUS, "An image is directed that the release has not.")
    if of_car.items() - directed.items():
        raise unfit(UpdateReason.PARTIAL_BUNDLE, "A control unit was left out.")
    return release


_ONLINE: Final = ("timestamp", "snapshot")
"""The roles whose keys lie in the cell, where somebody may get at them."""


def _keys(root: Root, role: str) -> frozenset[str]:
    """Which keys have this role; a key's name is its thumbprint, so names tell keys apart."""
    return frozenset(root.roles[role].keyids)


def _check_pin(pin: MetaFile, data: bytes) -> None:
    digest = (pin.hashes or {}).get("sha256")
    if digest is None or digest != hashlib.sha256(data).hexdigest():
        raise unfit(UpdateReason.MIX_AND_MATCH, "Metadata is not what the one before it pins.")


def _release_of(targets: Targets) -> tuple[int, TargetFile | None]:
    """Number and document of the release that the director names; 0 and None for none."""
    field = targets.unrecognized_fields.get(RELEASE_FIELD)
    if field is None:
        return 0, None
    try:
        number, path = field["number"], field["path"]
        document = TargetFile(field["length"], dict(field["hashes"]), path)
        sha256_of(document)
        if not isinstance(path, str):
            raise TypeError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unfit(UpdateReason.MALFORMED, "The release is not named in its form.") from None
    if type(number) is not int or not 1 <= number <= NUMBER_MAX:
        raise unfit(UpdateReason.MALFORMED, "A release number is none.")
    return number, document


def _units_of(targets: Targets, number: int, units: Mapping[str, str]) -> tuple[Directed, ...]:
    """Which control unit is to have which image."""
    directed: dict[str, Directed] = {}
    for image in targets.targets.values():
        custom = custom_of(image)
        named = custom.get("ecus")
        if not isinstance(named, dict) or not named:
            raise unfit(UpdateReason.MALFORMED, "An image is directed to no control unit.")
        if custom.get(NUMBER_FIELD) != number:
            raise unfit(UpdateReason.MIXED_BUNDLE, "Images of several releases are directed.")
        for ecu_id, facts in named.items():
            hardware_id = facts.get("hardware_id") if isinstance(facts, dict) else None
            if ecu_id not in units:
                raise unfit(UpdateReason.UNIT_UNKNOWN, "The car has no such control unit.")
            if ecu_id in directed:
                raise unfit(UpdateReason.UNIT_TWICE, "A control unit is directed twice.")
            if hardware_id != units[ecu_id]:
                raise unfit(UpdateReason.WRONG_HARDWARE, "A control unit is of other hardware.")
            directed[ecu_id] = Directed(ecu_id, units[ecu_id], image)
    return tuple(directed[ecu_id] for ecu_id in units if ecu_id in directed)


def _same(directed: TargetFile, targets: Targets) -> TargetFile:
    """The same file in the image repository."""
    known = targets.targets.get(directed.path)
    if known is None:
        raise unfit(UpdateReason.ARBITRARY_SOFTWARE, "The companies signed no such file.")
    if (known.length, sha256_of(known)) != (directed.length, sha256_of(directed)):
        raise unfit(UpdateReason.MIX_AND_MATCH, "The repositories do not say the same.")
    return known
