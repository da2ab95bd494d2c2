"""Grants: who may ask a car for what, from the maker's root down to one key in a browser.

Rules:

* a chain begins with the maker's grant, signed by the root that the reader itself keeps; every
  other grant is signed by the key of the one before it and names it as ``parent``;
* a grant gives at most what its holder has: fewer rights or the same, a smaller depth, no earlier
  begin, no later end; it lives at most 7 days. Only the maker's grant has no end;
* all are for one car, there are at most 3, and no key is in a chain twice;
* a begin may lie ahead by as much as clocks differ; an end is strict.

``read_chain`` says whether a chain is genuine, whatever the time, since a car answers a command
under an old grant too; ``judge_chain`` then looks at the time and at what was revoked.

Left out on purpose: where grants are kept, and who revokes one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX, KEY_GRANT
from monocoque.contracts.errors import (
    DocumentExpired,
    DocumentMalformed,
    DocumentNotYetValid,
    GrantRefused,
    IdentifierMalformed,
)
from monocoque.contracts.identifiers import parse
from monocoque.trust.documents import SECOND_US, authenticate, bound_key, sign
from monocoque.trust.keys import public_members, thumbprint
from monocoque.trust.outcomes import Reason
from monocoque.trust.ports import Signer
from monocoque.trust.scopes import SCOPES

MAKER: Final = "maker"
"""Who issues the first grant of a car."""
CHAIN_GRANTS_MAX: Final = 3
DEPTH_MAX: Final = 3
RIGHTS_MAX: Final = 64
CHILD_LIFETIME_S_MAX: Final = 7 * 86_400
RIGHT_FORM: Final = re.compile(r"[a-z][a-z_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant that is genuine; whether its time is now, ``judge_chain`` says."""

    grant_id: str
    key_id: str
    """Whose grant it is: the name of ``jwk``."""
    jwk: Mapping[str, str]
    rights: frozenset[str]
    depth: int
    """How many more grants may follow below it."""
    car_id: str
    begins_s: int
    expires_s: int | None
    """None for the maker's grant, which has no end."""
    parent_id: str | None
    """None for the maker's grant."""
    claims: Mapping[str, Any]
    document: bytes


@dataclass(frozen=True, slots=True)
class CarKeys:
    """The public keys of a car, as the maker's grant names them."""

    sign: Mapping[str, str]
    """Checks the car's receipts."""
    seal: Mapping[str, str]
    """Arguments of commands are sealed to it."""


def sign_root_grant(
    root: Signer,
    grant_id: str,
    car_id: str,
    owner_jwk: Mapping[str, str],
    car_keys: CarKeys,
    now_s: int,
) -> bytes:
    """The maker's grant, the hand-over document: every right in this car for the owner's key."""
    claims = {
        "iss": MAKER,
        "aud": car_id,
        "jti": grant_id,
        "iat": now_s,
        "cnf": {"jwk": public_members(owner_jwk)},
        "rights": sorted(SCOPES),
        "depth": DEPTH_MAX,
        "car": {"sign": public_members(car_keys.sign), "seal": public_members(car_keys.seal)},
    }
    return sign(KEY_GRANT, claims, root)


def sign_child_grant(
    holder: Signer,
    parent: Grant,
    grant_id: str,
    jwk: Mapping[str, str],
    rights: frozenset[str],
    depth: int,
    now_s: int,
    expires_s: int,
) -> bytes:
    """A grant below ``parent``, signed by the holder of its key.

    Raises GrantRefused when it would give more than the parent has, KeyUnknown when the holder is
    another one.
    """
    claims = {
        "iss": holder.key_id,
        "aud": parent.car_id,
        "jti": grant_id,
        "iat": now_s,
        "exp": expires_s,
        "cnf": {"jwk": public_members(jwk)},
        "rights": sorted(rights),
        "depth": depth,
        "parent": parent.grant_id,
    }
    document = sign(KEY_GRANT, claims, holder)
    _check_child(_read(document, parent.jwk, parent.car_id), parent)
    return document


def read_chain(grants: Sequence[bytes], root: Mapping[str, str], car_id: str) -> tuple[Grant, ...]:
    """The grants, the maker's first, when they are genuine, whatever the time.

    root: the maker's public key that the reader itself keeps. Raises GrantRefused, and what
    ``documents.authenticate`` raises for one of them.
    """
    if not 1 <= len(grants) <= CHAIN_GRANTS_MAX:
        raise GrantRefused(f"A chain has 1 to {CHAIN_GRANTS_MAX} grants.")
    chain: list[Grant] = []
    keys = {thumbprint(root)}
    for document in grants:
        grant = _read(document, chain[-1].jwk if chain else root, car_id)
        if chain:
            _check_child(grant, chain[-1])
        elif grant.claims["iss"] != MAKER or grant.parent_id is not None:
            raise GrantRefused("The first grant is not the maker's.")
        if grant.key_id in keys:
            raise GrantRefused("A key is in the chain twice.")
        keys.add(grant.key_id)
        chain.append(grant)
    return tuple(chain)


def judge_chain(
    chain: Sequence[Grant], now_us: int, is_revoked: Callable[[str], bool]
) -> Reason | None:
    """Why this genuine chain does not hold now, or None.

    now_us: microseconds since 1970 by the reader's clock. is_revoked: asked with each grant id.
    """
    for grant in chain:
        if now_us < (grant.begins_s - CLOCK_DIFFERENCE_S_MAX) * SECOND_US:
            return Reason.GRANT_NOT_YET_VALID
        if grant.expires_s is not None and now_us >= grant.expires_s * SECOND_US:
            return Reason.GRANT_EXPIRED
        if is_revoked(grant.grant_id):
            return Reason.GRANT_REVOKED
    return None


def verify_chain(
    grants: Sequence[bytes],
    root: Mapping[str, str],
    car_id: str,
    now_us: int,
    is_revoked: Callable[[str], bool],
) -> tuple[Grant, ...]:
    """The grants, the maker's first, when they are genuine and hold now.

    Raises what ``read_chain`` raises, DocumentNotYetValid, DocumentExpired, GrantRefused.
    """
    chain = read_chain(grants, root, car_id)
    reason = judge_chain(chain, now_us, is_revoked)
    if reason is Reason.GRANT_NOT_YET_VALID:
        raise DocumentNotYetValid("The time of a grant has not begun.")
    if reason is Reason.GRANT_EXPIRED:
        raise DocumentExpired("The time of a grant is over.")
    if reason is not None:
        raise GrantRefused("A grant was revoked.")
    return chain


def car_keys(grant: Grant) -> CarKeys:
    """The car's public keys in the maker's grant; raises DocumentMalformed when it has none."""
    keys = grant.claims.get("car") if grant.parent_id is None else None
    if not isinstance(keys, Mapping):
        raise DocumentMalformed("The grant does not name the keys of the car.")
    return CarKeys(sign=public_members(keys.get("sign")), seal=public_members(keys.get("seal")))


def _read(document: bytes, signed_by: Mapping[str, str], car_id: str) -> Grant:
    """One grant by its claims alone, when this key signed it for this car."""
    keys = {thumbprint(signed_by): signed_by}
    claims = authenticate(KEY_GRANT, document, keys.get, audience=car_id).claims
    jwk = bound_key(claims)
    grant = Grant(
        grant_id=_identifier(claims["jti"]),
        key_id=thumbprint(jwk),
        jwk=jwk,
        rights=_rights(claims["rights"]),
        depth=_depth(claims["depth"]),
        car_id=car_id,
        begins_s=max(claims["iat"], claims.get("nbf", claims["iat"])),
        expires_s=claims.get("exp"),
        parent_id=_identifier(claims["parent"]) if "parent" in claims else None,
        claims=claims,
        document=document,
    )
    if claims["aud"] != car_id:
        raise GrantRefused("A grant is for one car alone.")
    return grant


def _check_child(grant: Grant, parent: Grant) -> None:
    if grant.claims["iss"] != parent.key_id or grant.parent_id != parent.grant_id:
        raise GrantRefused("A grant does not follow on the one before it.")
    if not grant.rights <= parent.rights or grant.depth >= parent.depth:
        raise GrantRefused("A grant gives more than its holder has.")
    if grant.begins_s < parent.begins_s:
        raise GrantRefused("A grant begins before the one above it.")
    if grant.expires_s is None:
        raise GrantRefused("Only the maker's grant has no end.")
    if not 0 < grant.expires_s - grant.claims["iat"] <= CHILD_LIFETIME_S_MAX:
        raise GrantRefused("A grant lives too long, or not at all.")
    if parent.expires_s is not None and grant.expires_s > parent.expires_s:
        raise GrantRefused("A grant ends after the one above it.")


def _identifier(value: object) -> str:
    try:
        return parse(value if isinstance(value, str) else "", "grant")
    except IdentifierMalformed:
        raise DocumentMalformed("A grant is not named by an identifier of grants.") from None


def _rights(value: object) -> frozenset[str]:
    """Rights that this reader does not know are kept: an old car meets a new grant."""
    if not isinstance(value, list) or not 1 <= len(value) <= RIGHTS_MAX:
        raise DocumentMalformed(f"rights is not a list of 1 to {RIGHTS_MAX} names.")
    if not all(isinstance(name, str) and RIGHT_FORM.match(name) for name in value):
        raise DocumentMalformed("A right is not a name.")
    return frozenset(value)


def _depth(value: object) -> int:
    if type(value) is not int or not 0 <= value <= DEPTH_MAX:
        raise DocumentMalformed(f"depth is not 0 to {DEPTH_MAX}.")
    return value
