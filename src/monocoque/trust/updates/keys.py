"""Keys in update metadata: our own, in TUF's clothes, with the company that holds them.

Rules:

* Ed25519 alone; the name of a key is its thumbprint, as everywhere here. TUF lets a name be
  anything, so one key under two names would count twice towards a threshold; ours cannot;
* a key of a company says so (``x-company``); a key of the cell says nothing.

Left out on purpose: where private keys lie. A ``Signer`` is handed in.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from securesystemslib.signer import Key, SSlibKey

from monocoque.contracts.errors import AlgorithmRefused, DocumentMalformed, UpdateMalformed
from monocoque.trust import base64url
from monocoque.trust.keys import public_members, thumbprint

COMPANY_FIELD: Final = "x-company"
_KIND: Final = "ed25519"


def update_key(jwk: Mapping[str, str]) -> Key:
    """A key of the cell in metadata; raises AlgorithmRefused, DocumentMalformed."""
    return _key(jwk, {})


def company_key(jwk: Mapping[str, str], company: str) -> Key:
    """A key of a company in metadata; raises AlgorithmRefused, DocumentMalformed."""
    return _key(jwk, {COMPANY_FIELD: company})


def company_of(key: Key) -> str | None:
    """Which company holds the key; None when it says none."""
    company = key.unrecognized_fields.get(COMPANY_FIELD)
    return company if isinstance(company, str) and company else None


def check_key(key: Key) -> None:
    """Return when it is a key of ours under its own name; raises UpdateMalformed."""
    if (key.keytype, key.scheme) != (_KIND, _KIND):
        raise UpdateMalformed("A key of updates is not Ed25519.")
    try:
        x = base64url.encode(bytes.fromhex(key.keyval["public"]))
        name = thumbprint(public_members({"kty": "OKP", "crv": "Ed25519", "x": x}))
    except (KeyError, TypeError, ValueError, DocumentMalformed):
        raise UpdateMalformed("A key of updates is damaged.") from None
    if key.keyid != name:
        raise UpdateMalformed("A key of updates is not under its own name.")


def _key(jwk: Mapping[str, str], more: dict[str, Any]) -> Key:
    if jwk.get("crv") != "Ed25519":
        raise AlgorithmRefused("Updates are signed with Ed25519 keys alone.")
    members = public_members(jwk)
    public = base64url.decode(members["x"]).hex()
    # Its constructor has no types.
    return cast(Key, SSlibKey(thumbprint(members), _KIND, _KIND, {"public": public}, more))
