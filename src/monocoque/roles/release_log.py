"""The release log of the phone site: whether the files that are served were ever released.

Rules:

* every entry is signed by the key beside the log, and names the SHA-256 of the line before it;
* the last entry is for this version, and for the very files of the phone site; their hash is
  SHA-256 over what ``sha256sum`` prints for them in order of name.

Left out on purpose: whether the key is the right one. Who brings both log and key can bring others;
docs/decisions/0064 says what that would take. web/tools/release-log.ts writes the log.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from monocoque.contracts.documents import PHONE_RELEASE
from monocoque.contracts.errors import DocumentRefused, PagesAltered, PagesMissing
from monocoque.plumbing.files import storage_errors
from monocoque.trust.documents import Verified, verify
from monocoque.trust.keys import public_members, thumbprint

LOG_NAME: Final = "phone-release-log.jws"
KEY_NAME: Final = "phone-release-key.jwk"
BUNDLE_NAME: Final = "phone"
FIRST_PREVIOUS: Final = "0" * 64
"""What the first entry names, as there is none before it."""


def check_phone_release(pages: Path, product: str, now_us: int) -> Verified:
    """The last entry of the log, when the phone site in this folder is what it says.

    pages: the folder with all built sites. product: the version of Monocoque that runs. now_us:
    UTC, microseconds. Raises PagesMissing, PagesAltered, NotWritable.
    """
    last = read_release_log(pages, now_us)[-1]
    if last.text("version") != product:
        raise PagesAltered(
            f"The pages were released for version {last.text('version')}, and this is {product}."
        )
    if last.text("bundle_sha256") != bundle_sha256(pages / BUNDLE_NAME):
        raise PagesAltered("The phone site's files are not those that its release log names.")
    return last


def read_release_log(pages: Path, now_us: int) -> list[Verified]:
    """Every entry, oldest first; there is at least one.

    Raises PagesMissing when log or key is not there; PagesAltered when an entry was taken out, put
    in between, or is not signed by the key; NotWritable.
    """
    lines = _read(pages / LOG_NAME).splitlines()
    key = _read_key(pages / KEY_NAME)
    entries = []
    previous = FIRST_PREVIOUS
    for line in lines:
        entry = _verified(line, key, now_us)
        if entry.text("previous_sha256") != previous:
            raise PagesAltered("An entry of the release log does not follow the one before it.")
        previous = hashlib.sha256(line).hexdigest()
        entries.append(entry)
    if not entries:
        raise PagesMissing("The release log of the phone site is empty.")
    return entries


def bundle_sha256(folder: Path) -> str:
    """The hash of a folder of files, in hex. Raises what ``storage_errors`` raises."""
    with storage_errors(folder):
        found = sorted(
            (path.relative_to(folder).as_posix(), path)
            for path in folder.rglob("*")
            if path.is_file()
        )
        listed = "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in found
        )
    return hashlib.sha256(listed.encode()).hexdigest()


def _read(file: Path) -> bytes:
    with storage_errors(file):
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise PagesMissing(f"{file.name} is not among the pages.") from None


def _read_key(file: Path) -> dict[str, str]:
    try:
        return public_members(json.loads(_read(file)))
    except (ValueError, DocumentRefused) as error:
        raise PagesAltered(f"{file.name} is no key.") from error


def _verified(line: bytes, key: dict[str, str], now_us: int) -> Verified:
    try:
        return verify(PHONE_RELEASE, line, {thumbprint(key): key}.get, now_us)
    except DocumentRefused as error:
        raise PagesAltered(f"The release log has an entry that is not right: {error}") from error
