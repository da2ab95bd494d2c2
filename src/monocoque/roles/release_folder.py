"""A release on its way: a folder that goes from whoever built it to each company, and to the cell.

    root.json                     the root that was in force, to see who must sign
    previous.json                 the targets that were published, to see what is added; or none
    targets.json                  the new targets, unsigned
    files/targets/N/...           the release document and the images
    signatures/COMPANY.json       the new targets with the signature of one company

Rules:

* who signs checks first: that exactly one release is added, that nothing published is touched, and
  that every file is the one that is named;
* signatures are files of their own, so companies can sign at the same time, in separate places;
* nothing is read without a limit, and only plain files are.

Left out on purpose: any trust in the folder. The cell checks everything anew, by its own root.
"""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tuf.api.metadata import Metadata, Root, Targets

from monocoque.contracts.errors import KeyUnknown, SettingInvalid, UpdateAltered, UpdateTooLarge
from monocoque.contracts.updates import RELEASE_BYTES_MAX, ROOT_BYTES_MAX, TARGETS_BYTES_MAX
from monocoque.plumbing.files import make_directory, storage_errors, write_atomically
from monocoque.trust.ports import Signer
from monocoque.trust.updates.image_repository import (
    Addition,
    File,
    check_addition,
    check_target,
    target_file,
)
from monocoque.trust.updates.keys import company_of
from monocoque.trust.updates.metadata import IMAGE, add_signature, merge, read, read_root
from monocoque.trust.updates.release import Release

ROOT: Final = "root.json"
PREVIOUS: Final = "previous.json"
TARGETS: Final = "targets.json"
FILES: Final = "files"
SIGNATURES: Final = "signatures"


@dataclass(frozen=True)
class Checked:
    """A folder in which everything fits."""

    root: Root
    targets: Metadata[Targets]
    addition: Addition
    release: Release


class ReleaseFolder:
    """One release in one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(
        self, root: bytes, previous: bytes, targets: Metadata[Targets], files: tuple[File, ...]
    ) -> None:
        """Write a new release. previous: empty when nothing is published.

        Raises SettingInvalid when the folder has something in it, DiskFull, NotWritable.
        """
        with storage_errors(self.path):
            if self.path.exists() and any(self.path.iterdir()):
                raise SettingInvalid(
                    f"{self.path} is not empty.", hint="Choose a folder that does not exist yet."
                )
        self._put(ROOT, root)
        if previous:
            self._put(PREVIOUS, previous)
        for file in files:
            self._put(f"{FILES}/{file.name}", file.data)
        self._put(TARGETS, targets.to_bytes())

    def check(self) -> Checked:
        """What is in it, when everything fits; signatures are not looked at.

        Raises UpdateRefused.
        """
        root = read_root(self._get(ROOT, ROOT_BYTES_MAX), IMAGE, ROOT_BYTES_MAX).signed
        previous = None
        if (self.path / PREVIOUS).exists():
            data = self._get(PREVIOUS, TARGETS_BYTES_MAX)
            previous = read(data, Targets, TARGETS_BYTES_MAX).signed
        targets = read(self._get(TARGETS, TARGETS_BYTES_MAX), Targets, TARGETS_BYTES_MAX)
        addition = check_addition(previous, targets.signed)
        document = self.read_file(target_file(addition.document), RELEASE_BYTES_MAX)
        release = addition.check_release(document)
        for target in addition.images.values():
            check_target(target, self.read_file(target_file(target), target.length))
        return Checked(root, targets, addition, release)

    def sign(self, company: str, signer: Signer) -> Checked:
        """Sign as this company; what was signed. Signing again changes nothing.

        Raises KeyUnknown when the root does not know the key as one of this company's, and what
        ``check`` raises.
        """
        checked = self.check()
        role = checked.root.roles[Targets.type]
        key = checked.root.keys.get(signer.key_id)
        if key is None or signer.key_id not in role.keyids or company_of(key) != company:
            raise KeyUnknown(
                f"The root does not know this key as one by which {company} signs releases.",
                hint="Name the company whose folder of keys it is, or give that folder by --keys.",
            )
        add_signature(checked.targets, signer)
        self._put(f"{SIGNATURES}/{company}.json", checked.targets.to_bytes())
        return checked

    def signed(self) -> Metadata[Targets]:
        """The new targets with every signature that is there; raises UpdateRefused."""
        checked = self.check()
        role = checked.root.roles[Targets.type]
        companies = {company_of(checked.root.keys[key_id]) for key_id in role.keyids}
        copies = [checked.targets]
        for name in sorted(f"{SIGNATURES}/{company}.json" for company in companies):
            if (self.path / name).exists():
                data = self._get(name, TARGETS_BYTES_MAX)
                copies.append(read(data, Targets, TARGETS_BYTES_MAX))
        return merge(copies)

    def read_file(self, name: str, bytes_max: int) -> bytes:
        """A file of the release by its place in the repository; raises UpdateRefused."""
        return self._get(f"{FILES}/{name}", bytes_max)

    def _get(self, name: str, bytes_max: int) -> bytes:
        path = self.path / name
        try:
            return read_plain_file(path, bytes_max)
        except FileNotFoundError:
            raise UpdateAltered(f"{path} is not there.") from None

    def _put(self, name: str, content: bytes) -> None:
        path = self.path / name
        make_directory(path.parent)
        write_atomically(path, content, mode=0o644)


def read_plain_file(path: Path, bytes_max: int) -> bytes:
    """The content of a file; one that never ends is not begun, one that is too long not finished.

    Raises FileNotFoundError, UpdateTooLarge, SettingInvalid.
    """
    with storage_errors(path):
        try:
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise SettingInvalid(f"{path} is no plain file.", hint="Name a file with an end.")
            with path.open("rb") as file:
                content = file.read(bytes_max + 1)
        except FileNotFoundError:
            content = None
    if content is None:
        raise FileNotFoundError(path)
    if len(content) > bytes_max:
        raise UpdateTooLarge(f"{path} has more than {bytes_max} bytes.")
    return content
