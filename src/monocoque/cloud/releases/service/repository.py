"""The image repository among the cell's documents: what is published, and how more comes to it.

Rules:

* a reader begins with timestamp.json, which names one snapshot, which names one targets file, which
  names images and documents by their hash. So the timestamp is written last: whoever is killed
  before that has changed nothing that anybody sees, and after that everything;
* nothing is published on top of a repository that does not hold together;
* two companies must have signed before anything is written.

Left out on purpose: removing what is no longer listed. A car may be reading it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentTooLarge,
    NotFound,
    UpdateAltered,
    UpdateTooLarge,
)
from monocoque.contracts.updates import (
    IMAGE_FOLDER,
    IMAGE_SNAPSHOT_KEY,
    IMAGE_TIMESTAMP_KEY,
    RELEASE_BYTES_MAX,
    ROOT_BYTES_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
    release_path,
)
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.updates import image_repository as image
from monocoque.trust.updates.metadata import IMAGE, check_signed, expiry, read, read_root
from monocoque.trust.updates.release import Release

ReadFile = Callable[[str, int], bytes]
"""Gives a file of a release by its place in the repository, refusing one with more bytes."""

MEND_HINT: Final = (
    "The repository of updates does not hold together; put the cell's documents back from a copy."
)


@dataclass(frozen=True)
class Published:
    """A repository that holds together."""

    root: Root
    root_data: bytes
    targets: Targets | None
    """None before the first release."""
    targets_data: bytes
    timestamp_version: int
    snapshot_version: int
    snapshot: Snapshot | None
    snapshot_data: bytes


class ImageRepository:
    """The image repository of one cell."""

    def __init__(self, documents: Documents, keystore: KeyStore) -> None:
        """keystore: the cell's, with the online keys; a reader may have any."""
        self._documents = documents
        self._keystore = keystore

    def begin(self, root: bytes) -> None:
        """Put the first root where cars look for the roots that follow it."""
        read_root(root, IMAGE, ROOT_BYTES_MAX)
        self._documents.write(_place(image.root_file(1)), root)

    def published(self) -> Published:
        """What is published now; its times are not looked at.

        Raises NotFound when the repository was not begun, and UpdateRefused when it is damaged.
        """
        root, root_data = self._root()
        data = self._read(image.TIMESTAMP_FILE, TIMESTAMP_BYTES_MAX)
        if data is None:
            return Published(root, root_data, None, b"", 0, 0, None, b"")
        timestamp = read(data, Timestamp, TIMESTAMP_BYTES_MAX)
        check_signed(root, timestamp)
        snapshot_meta = timestamp.signed.snapshot_meta
        snapshot_data = self._named(
            image.snapshot_file(snapshot_meta.version), snapshot_meta, SNAPSHOT_BYTES_MAX
        )
        snapshot = read(snapshot_data, Snapshot, SNAPSHOT_BYTES_MAX)
        check_signed(root, snapshot)
        targets_meta = snapshot.signed.meta.get(image.TARGETS_NAME)
        if targets_meta is None:
            raise UpdateAltered("The snapshot names no targets.", hint=MEND_HINT)
        targets_data = self._named(
            image.targets_file(targets_meta.version), targets_meta, TARGETS_BYTES_MAX
        )
        targets = read(targets_data, Targets, TARGETS_BYTES_MAX)
        check_signed(root, targets)
        return Published(
            root,
            root_data,
            targets.signed,
            targets_data,
            timestamp.signed.version,
            snapshot.signed.version,
            snapshot.signed,
            snapshot_data,
        )

    def publish(self, targets: Metadata[Targets], read_file: ReadFile, now_us: int) -> Release:
        """Publish one more release; returns when it is there for everybody.

        Raises UpdateRefused for a release that may not be published, and DataDirectoryInUse while
        somebody else publishes; nothing that anybody sees was changed then.
        """
        with self._documents.alone():
            before = self.published()
            addition = image.check_targets(before.root, before.targets, targets, now_us)
            document = read_file(image.target_file(addition.document), RELEASE_BYTES_MAX)
            release = addition.check_release(document)
            # All of them first: a release with one wrong image leaves nothing behind.
            for target in addition.images.values():
                _read_target(target, read_file)
            for target in addition.images.values():
                content = _read_target(target, read_file)
                self._documents.write(_place(image.target_file(target)), content)
            self._documents.write(_place(image.target_file(addition.document)), document)
            data = targets.to_bytes()
            version = targets.signed.version
            self._documents.write(_place(image.targets_file(version)), data)
            snapshot_version = before.snapshot_version + 1
            snapshot = self._write_snapshot(snapshot_version, version, data, now_us)
            self._write_timestamp(before.timestamp_version + 1, snapshot_version, snapshot, now_us)
            return release

    def renew(self, now_us: int, config: ReleasesConfig) -> None:
        """Sign the timestamp of a repository with releases anew, and a snapshot that soon ends.

        Raises what ``published`` raises, and DataDirectoryInUse.
        """
        with self._documents.alone():
            now = self.published()
            assert now.targets is not None
            assert now.snapshot is not None
            version, snapshot = now.snapshot_version, now.snapshot_data
            if now.snapshot.is_expired(expiry(now_us, config.snapshot_left_s_min)):
                version += 1
                snapshot = self._write_snapshot(
                    version, now.targets.version, now.targets_data, now_us
                )
            self._write_timestamp(now.timestamp_version + 1, version, snapshot, now_us)

    def release_document(self, targets: Targets, number: int) -> bytes:
        """The document of a published release; raises UpdateAltered."""
        target = targets.targets[release_path(number)]
        content = self._read(image.target_file(target), RELEASE_BYTES_MAX)
        if content is None:
            raise UpdateAltered("A document of the repository is not there.", hint=MEND_HINT)
        image.check_target(target, content)
        return content

    def _read(self, name: str, bytes_max: int) -> bytes | None:
        try:
            return self._documents.read(_place(name), bytes_max)
        except DocumentTooLarge:
            raise UpdateTooLarge(f"{name} is too large.", hint=MEND_HINT) from None

    def _root(self) -> tuple[Root, bytes]:
        data = self._read(image.root_file(1), ROOT_BYTES_MAX)
        if data is None:
            raise NotFound(
                "There is no repository of updates here yet.",
                hint="Start the cell once; its first start makes it.",
            )
        root = read_root(data, IMAGE, ROOT_BYTES_MAX)
        check_signed(root.signed, root)
        return root.signed, data

    def _named(self, name: str, meta: MetaFile, bytes_max: int) -> bytes:
        data = self._read(name, bytes_max)
        if data is None:
            raise UpdateAltered(f"{name} is not there.", hint=MEND_HINT)
        try:
            meta.verify_length_and_hashes(data)
        except LengthOrHashMismatchError:
            raise UpdateAltered(f"{name} is not the one that was named.", hint=MEND_HINT) from None
        return data

    def _write_snapshot(self, version: int, targets: int, data: bytes, now_us: int) -> bytes:
        signer = self._key(IMAGE_SNAPSHOT_KEY)
        snapshot = image.snapshot_metadata(version, targets, data, signer, now_us)
        self._documents.write(_place(image.snapshot_file(version)), snapshot)
        return snapshot

    def _write_timestamp(self, version: int, snapshot: int, data: bytes, now_us: int) -> None:
        signer = self._key(IMAGE_TIMESTAMP_KEY)
        timestamp = image.timestamp_metadata(version, snapshot, data, signer, now_us)
        self._documents.write(_place(image.TIMESTAMP_FILE), timestamp)

    def _key(self, name: str) -> PrivateKey:
        secret = self._keystore.read(name)
        if secret is None:
            raise CredentialsRefused(
                f"The cell has lost its key {name}.",
                hint="Put its secrets back from a copy; the roots name this very key.",
            )
        return load_key(secret)


def ends_us(timestamp: bytes) -> int:
    """When the time of this timestamp is over, in microseconds; raises UpdateMalformed."""
    return round(read(timestamp, Timestamp, TIMESTAMP_BYTES_MAX).signed.expires.timestamp() * 1e6)


def _place(name: str) -> str:
    return f"{IMAGE_FOLDER}/{name}"


def _read_target(target: TargetFile, read_file: ReadFile) -> bytes:
    content = read_file(image.target_file(target), target.length)
    image.check_target(target, content)
    return content


def image_bytes(targets: Targets, number: int) -> int:
    """How large all images of a release are together."""
    custom: Any
    total = 0
    for path, target in targets.targets.items():
        custom = target.custom
        if custom[image.RELEASE_FIELD] == number and path != release_path(number):
            total += target.length
    return total
