"""The director's metadata for one car: targets, snapshot and timestamp, built and signed.

Rules:

* targets name the car (``x-car-id``), also when they are empty, so that nobody can give one car's
  targets to another (Uptane 2.1.0, 5.3.2.1);
* a target has the path, length and hash that the image repository gives it, and names the control
  unit that it is for; no unit twice;
* the snapshot pins the targets by hash, and the timestamp pins the snapshot, so no two of them can
  be mixed;
* targets and snapshot have one version; it grows whenever the targets change. The timestamp's
  grows with each signing;
* time, versions and key are arguments.

The JSON is written here rather than by python-tuf, which spends most of its time on canonical JSON
(decision 0084); tests compare the bytes with python-tuf's. They are equal because no text in these
files can hold a control character: texts come from manifests (``manifests.PLAIN``) and from
releases that were read strictly.

Left out on purpose: the director's root, which the companies sign; delegations, which a director
must not have.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from monocoque.contracts.errors import AlgorithmRefused, DefectError
from monocoque.trust.ports import Signer

SPECIFICATION_VERSION: Final = "1.0.31"
"""Of The Update Framework."""
CAR_FIELD: Final = "x-car-id"
RELEASE_FIELD: Final = "x-release"
SECOND_US: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Target:
    """A file of the image repository."""

    path: str
    length: int
    sha256: str
    """In hexadecimal."""


@dataclass(frozen=True, slots=True)
class UnitTarget:
    """An image, and the control unit that it is for."""

    ecu_id: str
    hardware_id: str
    image: Target


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a car is to install."""

    release_number: int
    release: Target
    """The release document."""
    units: Sequence[UnitTarget]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long metadata counts after it was signed."""

    targets_s: int
    """Of targets and snapshot."""
    timestamp_s: int


@dataclass(frozen=True, slots=True)
class Signers:
    """The cell's keys, by what they sign."""

    targets: Signer
    snapshot: Signer
    timestamp: Signer


@dataclass(frozen=True, slots=True)
class Directions:
    """The three files for one car, as they are sent."""

    targets: bytes
    snapshot: bytes
    timestamp: bytes


def direct(
    car_id: str,
    assignment: Assignment | None,
    version: int,
    timestamp_version: int,
    now_us: int,
    lifetimes: Lifetimes,
    signers: Signers,
) -> Directions:
    """The files by which a car is told what to install.

    assignment: None for nothing. version: of targets and snapshot. Raises AlgorithmRefused when
    a key is not Ed25519, DefectError when a control unit is named twice.
    """
    expires = _expires(now_us, lifetimes.targets_s)
    signed: dict[str, Any] = {
        "_type": "targets",
        "expires": expires,
        "spec_version": SPECIFICATION_VERSION,
        "targets": {} if assignment is None else _targets(assignment),
        "version": version,
        CAR_FIELD: car_id,
    }
    if assignment is not None:
        signed[RELEASE_FIELD] = {
            "number": assignment.release_number,
            "path": assignment.release.path,
            **_facts(assignment.release),
        }
    targets = _sign(signed, signers.targets)
    return _completed(targets, version, timestamp_version, now_us, lifetimes, signers)


def renew(
    targets: bytes,
    version: int,
    timestamp_version: int,
    now_us: int,
    lifetimes: Lifetimes,
    signers: Signers,
) -> Directions:
    """The same directions with more time. targets: what ``direct`` or ``renew`` gave."""
    signed = json.loads(targets)["signed"]
    signed |= {"version": version, "expires": _expires(now_us, lifetimes.targets_s)}
    renewed = _sign(signed, signers.targets)
    return _completed(renewed, version, timestamp_version, now_us, lifetimes, signers)


def sign_timestamp(
    snapshot: bytes,
    version: int,
    timestamp_version: int,
    now_us: int,
    lifetimes: Lifetimes,
    signers: Signers,
) -> bytes:
    """A fresh timestamp over this snapshot; all that a car needs that has nothing new."""
    signed = {
        "_type": "timestamp",
        "expires": _expires(now_us, lifetimes.timestamp_s),
        "meta": {"snapshot.json": _pin(snapshot, version)},
        "spec_version": SPECIFICATION_VERSION,
        "version": timestamp_version,
    }
    return _sign(signed, signers.timestamp)


def canonical(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON as TUF signs it (OLPC), for values without control characters."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode()


def _completed(
    targets: bytes,
    version: int,
    timestamp_version: int,
    now_us: int,
    lifetimes: Lifetimes,
    signers: Signers,
) -> Directions:
    snapshot = _sign(
        {
            "_type": "snapshot",
            "expires": _expires(now_us, lifetimes.targets_s),
            "meta": {"targets.json": _pin(targets, version)},
            "spec_version": SPECIFICATION_VERSION,
            "version": version,
        },
        signers.snapshot,
    )
    timestamp = sign_timestamp(snapshot, version, timestamp_version, now_us, lifetimes, signers)
    return Directions(targets, snapshot, timestamp)


def _targets(assignment: Assignment) -> dict[str, Any]:
    number = assignment.release_number
    if len({unit.ecu_id for unit in assignment.units}) != len(assignment.units):
        raise DefectError("A control unit is to be directed twice.")
    targets: dict[str, Any] = {}
    for unit in assignment.units:
        target = targets.setdefault(
            unit.image.path,
            _facts(unit.image) | {"custom": {"release_number": number, "ecus": {}}},
        )
        target["custom"]["ecus"][unit.ecu_id] = {"hardware_id": unit.hardware_id}
    return targets


def _facts(target: Target) -> dict[str, Any]:
    return {"length": target.length, "hashes": {"sha256": target.sha256}}


def _pin(data: bytes, version: int) -> dict[str, Any]:
    return {
        "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        "length": len(data),
        "version": version,
    }


def _sign(signed: Mapping[str, Any], signer: Signer) -> bytes:
    if signer.algorithm != "EdDSA":
        raise AlgorithmRefused("The director signs with an Ed25519 key.")
    content = canonical(signed)
    signature = {"keyid": signer.key_id, "sig": signer.sign(content).hex()}
    return b'{"signatures":[' + canonical(signature) + b'],"signed":' + content + b"}"


def _expires(now_us: int, lifetime_s: int) -> str:
    moment = _EPOCH + timedelta(seconds=now_us // SECOND_US + lifetime_s)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"
