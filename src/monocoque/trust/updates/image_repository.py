"""The image repository: its first roots, each release's targets, and what it publishes by them.

Rules:

* ``targets`` lists the newest releases; each is a set of images and one document, in a folder of
  its number. New targets add exactly one release, with a higher number, and touch no other;
* what a company signs and what is published pass the same check, ``check_targets``;
* snapshot and timestamp are made of what is published and signed online; nothing else is.

Left out on purpose: files (the caller has them), delegations, and changing a root.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from securesystemslib.signer import Key
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from monocoque.contracts.errors import (
    UpdateAltered,
    UpdateHardwareWrong,
    UpdateMalformed,
    UpdateOlder,
    UpdateTooLarge,
)
from monocoque.contracts.updates import (
    COMPANIES_MIN,
    HARDWARE,
    IMAGE_BYTES_MAX,
    NUMBER_MAX,
    RELEASE_BYTES_MAX,
    RELEASES_LISTED_MAX,
    image_path,
    is_version,
    release_path,
)
from monocoque.trust.ports import Signer
from monocoque.trust.updates.keys import company_key, update_key
from monocoque.trust.updates.metadata import (
    REPOSITORY_FIELD,
    Repository,
    add_signature,
    check_fresh,
    check_signed,
    expiry,
)
from monocoque.trust.updates.release import Release, read_release, release_bytes

ROOT_LIFETIME_S: Final = 10 * 365 * 86_400
TARGETS_LIFETIME_S: Final = 365 * 86_400
SNAPSHOT_LIFETIME_S: Final = 30 * 86_400
TIMESTAMP_LIFETIME_S: Final = 7 * 86_400

RELEASE_FIELD: Final = "release_number"
TARGETS_NAME: Final = "targets.json"
SNAPSHOT_NAME: Final = "snapshot.json"
TIMESTAMP_FILE: Final = "metadata/timestamp.json"


@dataclass(frozen=True, slots=True)
class CompanyKeys:
    """The public keys of one company."""

    company: str
    root_jwk: Mapping[str, str]
    release_jwk: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Online:
    """The public keys of the cell for one repository."""

    targets_jwk: Mapping[str, str] | None
    """None where the companies sign the targets."""
    snapshot_jwk: Mapping[str, str]
    timestamp_jwk: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class File:
    """One file of the repository."""

    name: str
    """Its path below the repository."""
    data: bytes


def root_metadata(
    repository: Repository,
    version: int,
    companies: Iterable[CompanyKeys],
    online: Online,
    now_us: int,
) -> Metadata[Root]:
    """A root, unsigned: companies' keys for what is theirs, the cell's for the rest."""
    by_role: dict[str, list[Key]] = {
        "root": [company_key(keys.root_jwk, keys.company) for keys in companies],
        "snapshot": [update_key(online.snapshot_jwk)],
        "timestamp": [update_key(online.timestamp_jwk)],
    }
    if online.targets_jwk is None:
        by_role["targets"] = [company_key(keys.release_jwk, keys.company) for keys in companies]
    else:
        by_role["targets"] = [update_key(online.targets_jwk)]
    root = Root(
        version=version,
        expires=expiry(now_us, ROOT_LIFETIME_S),
        keys={key.keyid: key for keys in by_role.values() for key in keys},
        roles={
            name: Role(
                [key.keyid for key in keys],
                COMPANIES_MIN if name in repository.company_roles else 1,
            )
            for name, keys in by_role.items()
        },
        consistent_snapshot=True,
        unrecognized_fields={REPOSITORY_FIELD: repository.name},
    )
    return Metadata(root)


def next_number(previous: Targets | None) -> int:
    """The number of the release after these targets."""
    return max(listed_numbers(previous), default=0) + 1


def listed_numbers(targets: Targets | None) -> set[int]:
    """The numbers of the releases that these targets list; raises UpdateMalformed."""
    return {_number(target) for target in targets.targets.values()} if targets else set()


def next_targets(
    previous: Targets | None, release: Release, images: Mapping[str, bytes], now_us: int
) -> tuple[Metadata[Targets], tuple[File, ...]]:
    """The targets with one more release, unsigned, and the files of that release.

    previous: those that are published now. images: by hardware id, those of the release.
    """
    kept = sorted(listed_numbers(previous), reverse=True)[: RELEASES_LISTED_MAX - 1]
    targets = {
        path: target
        for path, target in (previous.targets if previous else {}).items()
        if _number(target) in kept
    }
    number, document = release.number, release_bytes(release)
    contents = {release_path(number): document}
    added = {release_path(number): _target(release_path(number), document, {RELEASE_FIELD: number})}
    for hardware_id, path in release.images.items():
        custom = {
            RELEASE_FIELD: number,
            "version": release.version,
            "hardware_ids": [hardware_id],
        }
        contents[path] = images[hardware_id]
        added[path] = _target(path, images[hardware_id], custom)
    signed = Targets(
        version=previous.version + 1 if previous else 1,
        expires=expiry(now_us, TARGETS_LIFETIME_S),
        targets=targets | added,
    )
    files = tuple(File(target_file(added[path]), data) for path, data in contents.items())
    return Metadata(signed), files


@dataclass(frozen=True, slots=True)
class Addition:
    """What new targets add to the old ones."""

    number: int
    document: TargetFile
    images: Mapping[str, TargetFile]
    """By hardware id."""

    def check_release(self, data: bytes) -> Release:
        """The release in this document; raises UpdateAltered, and what ``read_release`` raises."""
        check_target(self.document, data)
        release = read_release(data)
        expected = {hardware_id: target.path for hardware_id, target in self.images.items()}
        if release.number != self.number or release.images != expected:
            raise UpdateAltered("The release document and the targets do not say the same.")
        if any(custom_of(t).get("version") != release.version for t in self.images.values()):
            raise UpdateAltered("An image is of another version than its release.")
        return release


def check_targets(
    root: Root, previous: Targets | None, metadata: Metadata[Targets], now_us: int
) -> Addition:
    """What these targets add, when they may be published after the previous ones.

    Raises UpdateThresholdUnmet, UpdateExpired, and what ``check_addition`` raises.
    """
    check_signed(root, metadata)
    check_fresh(metadata.signed, now_us)
    return check_addition(previous, metadata.signed)


def check_addition(previous: Targets | None, targets: Targets) -> Addition:
    """What these targets add to the previous ones; their signatures are NOT looked at.

    Raises UpdateOlder, UpdateAltered, UpdateMalformed, UpdateTooLarge, UpdateHardwareWrong.
    """
    if targets.delegations is not None:
        raise UpdateMalformed("Targets of ours delegate to nobody.")
    known = previous.targets if previous else {}
    highest = max(listed_numbers(previous), default=0)
    new = {path: target for path, target in targets.targets.items() if path not in known}
    numbers = {_number(target) for target in new.values()}
    version = previous.version + 1 if previous else 1
    if targets.version != version or not numbers or max(numbers) <= highest:
        raise UpdateOlder(
            f"Wanted are targets of version {version} with a release above {highest}."
        )
    if len(numbers) != 1:
        raise UpdateAltered("Targets add one release at a time.")
    for path, target in targets.targets.items():
        if path in known and target != known[path]:
            raise UpdateAltered("A release that is published was altered.")
    listed = listed_numbers(targets)
    if len(listed) > RELEASES_LISTED_MAX:
        raise UpdateTooLarge(f"Targets list at most {RELEASES_LISTED_MAX} releases.")
    lost = {_number(target) for path, target in known.items() if path not in targets.targets}
    if lost and (len(listed) < RELEASES_LISTED_MAX or max(lost) >= min(listed)):
        raise UpdateAltered("A release that is published was left out.")
    return _addition(numbers.pop(), new)


def _addition(number: int, new: Mapping[str, TargetFile]) -> Addition:
    images, document = dict(new), new.get(release_path(number))
    if document is None or not 0 < document.length <= RELEASE_BYTES_MAX:
        raise UpdateMalformed("A release has one document, of a size that can be read.")
    images.pop(release_path(number))
    by_hardware = {}
    for path, target in images.items():
        hardware_id = path.partition("/")[2].removesuffix(".img")
        if hardware_id not in HARDWARE:
            raise UpdateHardwareWrong("The release has an image for hardware that does not exist.")
        if path != image_path(number, hardware_id):
            raise UpdateMalformed("An image is not where images of its release lie.")
        custom = custom_of(target)
        version = custom.get("version")
        if custom.get("hardware_ids") != [hardware_id]:
            raise UpdateHardwareWrong("An image is for other hardware than its name says.")
        if not isinstance(version, str) or not is_version(version):
            raise UpdateMalformed("An image says no version.")
        if not 0 < target.length <= IMAGE_BYTES_MAX:
            raise UpdateTooLarge(f"An image has 1 to {IMAGE_BYTES_MAX} bytes.")
        by_hardware[hardware_id] = target
    if not by_hardware:
        raise UpdateMalformed("A release has at least one image.")
    for target in new.values():
        sha256_of(target)
    return Addition(number, document, by_hardware)


def check_target(target: TargetFile, data: bytes) -> None:
    """Return when these are the bytes that were signed; raises UpdateTooLarge, UpdateAltered."""
    if len(data) > target.length:
        raise UpdateTooLarge("A file is longer than what was signed.")
    if len(data) != target.length or hashlib.sha256(data).hexdigest() != sha256_of(target):
        raise UpdateAltered("A file is not the one that was signed.")


def target_file(target: TargetFile) -> str:
    """Where a target lies in the repository: its hash before its name."""
    folder, _, name = target.path.rpartition("/")
    return f"targets/{folder}/{sha256_of(target)}.{name}"


def custom_of(target: TargetFile) -> Mapping[str, Any]:
    """What we say of a target beyond its bytes; empty when nothing is said in our form."""
    custom = target.custom
    return custom if isinstance(custom, dict) else {}


def sha256_of(target: TargetFile) -> str:
    """The SHA-256 of a target; raises UpdateMalformed when it names none, or something else too."""
    digest = target.hashes.get("sha256", "")
    if set(target.hashes) != {"sha256"} or len(digest) != 64 or set(digest) - _HEXADECIMAL:
        raise UpdateMalformed("A target is not named by its SHA-256 alone.")
    return digest


def root_file(version: int) -> str:
    """Where a root lies in the repository."""
    return f"metadata/{version}.root.json"


def targets_file(version: int) -> str:
    """Where targets lie in the repository."""
    return f"metadata/{version}.{TARGETS_NAME}"


def snapshot_file(version: int) -> str:
    """Where a snapshot lies in the repository."""
    return f"metadata/{version}.{SNAPSHOT_NAME}"


def snapshot_metadata(
    version: int, targets_version: int, targets: bytes, signer: Signer, now_us: int
) -> bytes:
    """A signed snapshot of these targets."""
    signed = Snapshot(
        version=version,
        expires=expiry(now_us, SNAPSHOT_LIFETIME_S),
        meta={TARGETS_NAME: MetaFile.from_data(targets_version, targets, ["sha256"])},
    )
    metadata = Metadata(signed)
    add_signature(metadata, signer)
    return metadata.to_bytes()


def timestamp_metadata(
    version: int, snapshot_version: int, snapshot: bytes, signer: Signer, now_us: int
) -> bytes:
    """A signed timestamp of this snapshot."""
    signed = Timestamp(
        version=version,
        expires=expiry(now_us, TIMESTAMP_LIFETIME_S),
        snapshot_meta=MetaFile.from_data(snapshot_version, snapshot, ["sha256"]),
    )
    metadata = Metadata(signed)
    add_signature(metadata, signer)
    return metadata.to_bytes()


_HEXADECIMAL: Final = frozenset("0123456789abcdef")


def _target(path: str, data: bytes, custom: Mapping[str, Any]) -> TargetFile:
    hashes = {"sha256": hashlib.sha256(data).hexdigest()}
    return TargetFile(len(data), hashes, path, {"custom": dict(custom)})


def _number(target: TargetFile) -> int:
    number = custom_of(target).get(RELEASE_FIELD)
    if type(number) is not int or not 1 <= number <= NUMBER_MAX:
        raise UpdateMalformed("A target does not say of which release it is.")
    if target.path.partition("/")[0] != str(number):
        raise UpdateMalformed("A target is not in the folder of its release.")
    return number
