"""The release log that the build wrote is true of the phone site in this installation."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from monocoque import __version__
from monocoque.contracts.documents import PHONE_RELEASE
from monocoque.roles.http import PAGES_DIRECTORY

LOG = PAGES_DIRECTORY / "phone-release-log.jws"
KEY = PAGES_DIRECTORY / "phone-release-key.jwk"
FIRST_PREVIOUS = "0" * 64


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _verified(entry: str) -> dict[str, Any]:
    """The claims of an entry; raises when its signature does not fit the public key."""
    header, claims, signature = entry.split(".")
    key = json.loads(KEY.read_text("utf-8"))
    Ed25519PublicKey.from_public_bytes(_decode(key["x"])).verify(
        _decode(signature), f"{header}.{claims}".encode()
    )
    assert json.loads(_decode(header)) == {
        "alg": "EdDSA",
        "kid": key["kid"],
        "typ": PHONE_RELEASE.typ,
    }
    read: dict[str, Any] = json.loads(_decode(claims))
    assert read.keys() == PHONE_RELEASE.claims
    return read


def _bundle_sha256(folder: Path) -> str:
    lines = sorted(
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    )
    listed = "".join(f"{digest}  {name}\n" for name, digest in lines)
    return hashlib.sha256(listed.encode()).hexdigest()


def test_every_entry_is_signed_and_names_the_one_before() -> None:
    previous_sha256 = FIRST_PREVIOUS
    for entry in LOG.read_text("utf-8").splitlines():
        assert _verified(entry)["previous_sha256"] == previous_sha256
        previous_sha256 = hashlib.sha256(entry.encode()).hexdigest()
    assert previous_sha256 != FIRST_PREVIOUS


def test_the_last_entry_is_the_bundle_that_is_installed() -> None:
    last = _verified(LOG.read_text("utf-8").splitlines()[-1])
    assert last["bundle_sha256"] == _bundle_sha256(PAGES_DIRECTORY / "phone")
    assert last["version"] == __version__


def test_the_key_beside_the_log_is_public_alone() -> None:
    assert json.loads(KEY.read_text("utf-8")).keys() == {"kty", "crv", "x", "kid", "alg", "use"}
