"""Metadata of updates: read strictly, signed, brought together, and judged by company.

Rules:

* a reader says which role it reads and how large it may be; JSON that two readers could take
  differently is refused before anything else is looked at;
* roots and releases need two companies. In a role of companies each company has one key and the
  threshold is at least two, so TUF's count of keys is a count of companies;
* a root says for which repository it is, so that one cannot stand in for the other;
* time is an argument.

Left out on purpose: the order in which a car checks, and its memory; see verification.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from securesystemslib.signer import Signature
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from monocoque.contracts.errors import (
    DocumentMalformed,
    UpdateAltered,
    UpdateExpired,
    UpdateMalformed,
    UpdateThresholdUnmet,
    UpdateTooLarge,
)
from monocoque.contracts.strict_json import strict_object
from monocoque.contracts.updates import COMPANIES_MIN
from monocoque.trust.ports import Signer
from monocoque.trust.updates.keys import check_key, company_of

REPOSITORY_FIELD: Final = "x-repository"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Kind = TypeVar("Kind", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class Repository:
    """One of Uptane's two repositories."""

    name: str
    company_roles: frozenset[str]
    """Roles whose keys the companies hold; the others are the cell's."""


IMAGE: Final = Repository("image", frozenset({"root", "targets"}))
"""What there is, signed by people."""
DIRECTOR: Final = Repository("director", frozenset({"root"}))
"""What each car is to install, signed by the cell."""


def read(data: bytes, kind: type[Kind], bytes_max: int) -> Metadata[Kind]:
    """The metadata in these bytes; its signatures are NOT checked.

    Raises UpdateTooLarge, and UpdateMalformed also when it is of another role.
    """
    if len(data) > bytes_max:
        raise UpdateTooLarge(f"Metadata of {kind.type} has at most {bytes_max} bytes.")
    try:
        strict_object(data)
        metadata: Metadata[Kind] = Metadata.from_bytes(data)
    except (DocumentMalformed, DeserializationError):
        raise UpdateMalformed(f"Metadata of {kind.type} is damaged.") from None
    if not isinstance(metadata.signed, kind):
        raise UpdateMalformed(f"Metadata of {kind.type} is of another role.")
    return metadata


def read_root(data: bytes, repository: Repository, bytes_max: int) -> Metadata[Root]:
    """A root of this repository by its form; its signatures are NOT checked.

    Raises what ``read`` raises, and UpdateThresholdUnmet when one company could do alone what
    takes two.
    """
    metadata = read(data, Root, bytes_max)
    check_root(metadata.signed, repository)
    return metadata


def check_root(root: Root, repository: Repository) -> None:
    """Return when the root gives each role to whom it belongs; raises as ``read_root``."""
    if root.unrecognized_fields.get(REPOSITORY_FIELD) != repository.name:
        raise UpdateMalformed(f"The root is not that of the repository {repository.name}.")
    for key in root.keys.values():
        check_key(key)
    for name, role in root.roles.items():
        if missing := [key_id for key_id in role.keyids if key_id not in root.keys]:
            raise UpdateMalformed(f"The role {name} names {len(missing)} keys that are not there.")
        companies = [company_of(root.keys[key_id]) for key_id in role.keyids]
        if name not in repository.company_roles:
            if any(companies):
                raise UpdateMalformed(f"The role {name} is not a company's.")
        elif None in companies:
            raise UpdateMalformed(f"A key of the role {name} says no company.")
        elif role.threshold < COMPANIES_MIN or len(set(companies)) != len(companies):
            raise UpdateThresholdUnmet(f"One company could sign the role {name} alone.")


def check_signed(root: Root, metadata: Metadata[Kind]) -> None:
    """Return when enough keys of its role in the root signed; raises UpdateThresholdUnmet.

    root: one that ``check_root`` took.
    """
    kind = metadata.signed.type
    result = root.get_verification_result(kind, metadata.signed_bytes, metadata.signatures)
    if not result:
        companies = sorted(filter(None, map(company_of, result.signed.values())))
        signed = f" ({', '.join(companies)})" if companies else ""
        raise UpdateThresholdUnmet(
            f"The {kind} metadata has {len(result.signed)} of {result.threshold} "
            f"signatures that count{signed}."
        )


def signed_by(root: Root, metadata: Metadata[Kind]) -> tuple[str, ...]:
    """The companies whose signatures under the metadata are right, sorted."""
    kind = metadata.signed.type
    result = root.get_verification_result(kind, metadata.signed_bytes, metadata.signatures)
    return tuple(sorted(filter(None, map(company_of, result.signed.values()))))


def check_fresh(signed: Signed, now_us: int) -> None:
    """Return when its time is not over; raises UpdateExpired."""
    if signed.is_expired(moment(now_us)):
        raise UpdateExpired(f"The time of the {signed.type} metadata is over.")


def moment(now_us: int) -> datetime:
    """Microseconds since 1970 as TUF takes a time."""
    return _EPOCH + timedelta(microseconds=now_us)


def expiry(now_us: int, lifetime_s: float) -> datetime:
    """When something ends that begins now."""
    return moment(now_us) + timedelta(seconds=lifetime_s)


def add_signature(metadata: Metadata[Kind], signer: Signer) -> None:
    """Sign it with one more key; the same key twice is one signature."""
    signature = signer.sign(metadata.signed_bytes).hex()
    metadata.signatures[signer.key_id] = Signature(signer.key_id, signature)


def merge(copies: Sequence[Metadata[Kind]]) -> Metadata[Kind]:
    """One metadata with the signatures of every copy.

    copies: at least one; each company signs its own. Raises UpdateAltered when they differ.
    """
    first = copies[0]
    signatures: dict[str, Signature] = {}
    for copy in copies:
        if copy.signed_bytes != first.signed_bytes:
            raise UpdateAltered("Copies with different contents were signed.")
        signatures |= copy.signatures
    return Metadata(first.signed, {name: signatures[name] for name in sorted(signatures)})
