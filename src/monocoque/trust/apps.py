"""Packages of apps: files, a manifest and the publisher's signature, in one file.

Rules:

* a package is a tar archive (POSIX ustar) of plain files with nothing but name, size and bytes;
  it is read by its headers being written again: one that differs in a single bit is refused, so
  there are no links, owners, times, extensions or gaps for readers to disagree about;
* the signature is its first file, the manifest its second; the others follow in order of name;
* what is signed is the name and the SHA-256 of every other file, so a refusal can name the one;
* equal files, manifest and key give equal bytes.

Left out on purpose: compression, since sizes are then what they say; and whether a car wants the
app (contracts/apps.py, ``check_for_car``).
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.apps import Manifest, read_manifest
from monocoque.contracts.documents import APP_RELEASE
from monocoque.contracts.errors import (
    AppAltered,
    AppMalformed,
    AppPublisherUnknown,
    AppTooLarge,
    DocumentRefused,
    KeyUnknown,
    SignatureInvalid,
)
from monocoque.trust.documents import SECOND_US, sign, verify
from monocoque.trust.ports import Signer

SIGNATURE: Final = "signature.jws"
MANIFEST: Final = "manifest.json"
PACKAGE_BYTES_MAX: Final = 4 * 1_048_576
FILE_BYTES_MAX: Final = 1_048_576
FILES_MAX: Final = 64
"""Signature and manifest counted."""
NAME_BYTES_MAX: Final = 100
"""As much as the header of ustar holds."""
DEPTH_MAX: Final = 6
"""How many names a path has."""
BLOCK_BYTES: Final = 512

_NAME: Final = re.compile(r"(?!\.)[^\x00-\x1f\x7f/\\:\ud800-\udfff]+")
"""One name of a path: it does not begin with a dot, so there is no ``..`` and nothing hidden."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package in which everything fits, and whose publisher the reader trusts."""

    manifest: Manifest
    files: Mapping[str, bytes]
    """Without signature and manifest."""
    key_id: str
    """Whose key signed it."""


def pack(manifest_text: bytes, files: Mapping[str, bytes], signer: Signer, now_us: int) -> bytes:
    """The package of these files, signed.

    manifest_text: as ``write_manifest`` gave it. files: by path, with ``/`` between names. now_us:
    when it is signed. Raises AppMalformed, AppAsksTooMuch, AppTooLarge, AlgorithmRefused.
    """
    manifest = read_manifest(manifest_text)
    taken = {SIGNATURE, MANIFEST} & files.keys()
    if taken:
        raise AppMalformed(f"{min(taken)} is made by packing; leave it out of the files.")
    for path in files:
        _check_path(path)
    _check_entry(manifest, files)
    whole = {MANIFEST: manifest_text, **{path: files[path] for path in sorted(files)}}
    claims = {
        "iss": manifest.publisher,
        "sub": manifest.name,
        "iat": now_us // SECOND_US,
        "version": manifest.version,
        "files": _digests(whole),
    }
    package = _archive({SIGNATURE: sign(APP_RELEASE, claims, signer), **whole})
    _files_of(package)  # whoever reads it refuses what is too large, and so do we
    return package


def unpack(
    package: bytes, find_key: Callable[[str], Mapping[str, str] | None], now_us: int
) -> Package:
    """What is in a package, when everything about it is right.

    find_key: gives the public key (JWK) of a trusted publisher by its name, or None. now_us: the
    reader's time. Raises AppTooLarge, AppMalformed, AppPublisherUnknown, AppAltered,
    AppAsksTooMuch.
    """
    files = _files_of(package)
    if list(files)[:2] != [SIGNATURE, MANIFEST]:
        raise AppMalformed(f"A package begins with {SIGNATURE} and {MANIFEST}.")
    signature = files.pop(SIGNATURE)
    try:
        signed = verify(APP_RELEASE, signature, find_key, now_us)
    except KeyUnknown as error:
        raise AppPublisherUnknown("The package is signed by a key that is not trusted.") from error
    except SignatureInvalid as error:
        raise AppAltered("The signature is not by the key that it names.") from error
    except DocumentRefused as error:
        raise AppMalformed(f"The signature cannot be taken. {error.what}") from error
    _check_digests(files, signed.claims["files"])
    manifest = read_manifest(files.pop(MANIFEST))
    said = (signed.claims["iss"], signed.claims["sub"], signed.claims["version"])
    if said != (manifest.publisher, manifest.name, manifest.version):
        raise AppMalformed("Signature and manifest are of two apps.")
    _check_entry(manifest, files)
    return Package(manifest, files, signed.key_id)


def _check_entry(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    entry = manifest.entry.partition(":")[0] + ".py"
    if entry not in files:
        raise AppMalformed(f"The entry is in {entry}, which is not among the files.")


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def _check_digests(files: Mapping[str, bytes], signed: Any) -> None:
    found = _digests(files)
    if not isinstance(signed, Mapping):
        raise AppMalformed("The signature does not say which files it is for.")
    different = {
        path for path in found.keys() | signed.keys() if found.get(path) != signed.get(path)
    }
    if different:
        raise AppAltered(f"{min(different)} is not the file that was signed.")


def _check_path(path: str) -> None:
    """Whether the path may stand in a package; raises AppMalformed."""
    names = path.split("/")
    if (
        len(names) > DEPTH_MAX
        or not all(_NAME.fullmatch(name) for name in names)
        or len(path.encode()) > NAME_BYTES_MAX
    ):
        raise AppMalformed(f"{path[:NAME_BYTES_MAX]!r} is no name for a file in a package.")


def _archive(files: Mapping[str, bytes]) -> bytes:
    """A tar archive of these files, in this order."""
    parts = []
    for path, data in files.items():
        parts += [_header(path, len(data)), data, b"\0" * (-len(data) % BLOCK_BYTES)]
    return b"".join([*parts, b"\0" * (2 * BLOCK_BYTES)])


def _header(path: str, size_bytes: int) -> bytes:
    """The one header that a file of this name and size has (POSIX.1-2017, pax, "ustar")."""
    fields = [
        path.encode().ljust(100, b"\0"),
        b"0000644\0" + b"0000000\0" * 2,  # mode, user and group
        f"{size_bytes:011o}\0".encode() + b"00000000000\0",  # size and time
        b" " * 8 + b"0" + b"\0" * 100,  # checksum, as it is counted; a plain file; no link
        b"ustar\x0000".ljust(BLOCK_BYTES - 257, b"\0"),
    ]
    header = b"".join(fields)
    return header[:148] + f"{sum(header):06o}\0 ".encode() + header[156:]


def _files_of(package: bytes) -> dict[str, bytes]:
    """The files in an archive, in their order. Raises AppTooLarge, AppMalformed."""
    if len(package) > PACKAGE_BYTES_MAX:
        raise AppTooLarge(f"A package has at most {PACKAGE_BYTES_MAX} bytes.")
    files: dict[str, bytes] = {}
    at = 0
    while package[at : at + 1] not in (b"", b"\0"):
        path, size_bytes = _read_header(package[at : at + BLOCK_BYTES])
        at += BLOCK_BYTES
        if path in files:
            raise AppMalformed(f"{path} is in the package twice.")
        if size_bytes > FILE_BYTES_MAX:
            raise AppTooLarge(f"{path}: a file in a package has at most {FILE_BYTES_MAX} bytes.")
        files[path] = package[at : at + size_bytes]
        if len(files) > FILES_MAX:
            raise AppTooLarge(f"A package has at most {FILES_MAX} files.")
        at += size_bytes + -size_bytes % BLOCK_BYTES
    # The bytes between, after and at the end are compared too: an archive has one form.
    if _archive(files) != package or list(files)[2:] != sorted(list(files)[2:]):
        raise AppMalformed("The package is no archive as we write it.")
    return files


def _read_header(header: bytes) -> tuple[str, int]:
    """The name and the size in bytes, when the header is the one that we write for them."""
    digits = re.fullmatch(rb"([0-7]{11})\0", header[124:136])
    try:
        path = header[:NAME_BYTES_MAX].rstrip(b"\0").decode()
        size_bytes = int(digits[1], 8) if digits else -1
        _check_path(path)
    except UnicodeDecodeError:
        raise AppMalformed("A name in the package is not UTF-8.") from None
    if size_bytes < 0 or _header(path, size_bytes) != header:
        raise AppMalformed(f"{path} has a header that we do not write.")
    return path, size_bytes
