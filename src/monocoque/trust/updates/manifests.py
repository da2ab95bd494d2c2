"""Vehicle manifests: what is installed in a car and how its update goes, signed by the car.

Rules:

* a manifest is a car's own word: it counts when the key that is on record for this car signed it,
  and it names this car;
* whoever signs and whoever reads judges the form by the same function, so a car cannot sign what
  the director would not read;
* texts in it are plain (``PLAIN``): they go on into metadata, where a control character would be
  written otherwise by each writer;
* it is right whatever the time: ``sequence``, which only grows, keeps an old one from counting.

Left out on purpose: the memory of the last sequence, which is the reader's; whether what is said
fits what was directed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from monocoque.contracts.documents import DOCUMENT_NUMBER_MAX, VEHICLE_MANIFEST
from monocoque.contracts.errors import DocumentMalformed
from monocoque.contracts.updates import NUMBER_MAX
from monocoque.trust.documents import authenticate, sign
from monocoque.trust.keys import thumbprint
from monocoque.trust.ports import Signer

UNITS_MAX: Final = 64
"""Control units of one car, at most."""
PERCENT_MAX: Final = 100
PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
"""An identifier, a version or a hash."""
WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
"""A reason; it may also be empty."""
SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


class UpdateState(StrEnum):
    """How far a car is with its update."""

    NONE = "none"
    """It knows of none, or is done with the last one."""
    OFFERED = "offered"
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    """All of it is there; the reason says what for."""
    INSTALLING = "installing"
    BOOTING = "booting"
    INSTALLED = "installed"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What one control unit runs."""

    ecu_id: str
    hardware_id: str
    release_number: int
    version: str
    length: int
    sha256: str
    """Of the image, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """How the update goes."""

    release_number: int
    """0 for none."""
    state: UpdateState
    reason: str = ""
    progress_percent: int = 0
    agreed: bool | None = None
    """Whether the owner agreed to this release; None where the car does not say."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest whose signature is right."""

    car_id: str
    sequence: int
    directions_version: int
    """The version of the director's targets that the car has verified; 0 for none."""
    units: tuple[UnitReport, ...]
    """Sorted by identifier."""
    update: UpdateReport
    document: bytes


def sign_manifest(
    car_id: str,
    sequence: int,
    directions_version: int,
    units: Sequence[UnitReport],
    update: UpdateReport,
    now_s: int,
    car: Signer,
) -> bytes:
    """The car's manifest. now_s: seconds since 1970. Raises DocumentMalformed."""
    said: dict[str, Any] = {
        "release_number": update.release_number,
        "state": str(update.state),
        "reason": update.reason,
        "progress_percent": update.progress_percent,
    }
    if update.agreed is not None:
        said["agreed"] = update.agreed
    claims: dict[str, Any] = {
        "iss": car_id,
        "sub": car_id,
        "iat": now_s,
        "sequence": sequence,
        "directions_version": directions_version,
        "ecus": [
            {
                "ecu_id": unit.ecu_id,
                "hardware_id": unit.hardware_id,
                "release_number": unit.release_number,
                "version": unit.version,
                "length": unit.length,
                "sha256": unit.sha256,
            }
            for unit in units
        ],
        "update": said,
    }
    document = sign(VEHICLE_MANIFEST, claims, car)
    _read(claims, car_id, document)
    return document


def verify_manifest(document: bytes, car_id: str, car_key: Mapping[str, str]) -> Manifest:
    """The manifest, when this car signed it.

    car_key: the public key that is on record for the car, never from who brought the manifest.
    Raises what ``documents.authenticate`` raises.
    """
    keys = {thumbprint(car_key): car_key}
    return _read(authenticate(VEHICLE_MANIFEST, document, keys.get).claims, car_id, document)


def _read(claims: Mapping[str, Any], car_id: str, document: bytes) -> Manifest:
    if (claims["iss"], claims["sub"]) != (car_id, car_id):
        raise DocumentMalformed("The manifest is of another car.")
    units = [_unit(each) for each in _list(claims["ecus"])]
    if len({unit.ecu_id for unit in units}) != len(units):
        raise DocumentMalformed("A manifest names a control unit twice.")
    return Manifest(
        car_id=car_id,
        sequence=_number(claims, "sequence", 1, DOCUMENT_NUMBER_MAX),
        directions_version=_number(claims, "directions_version", 0, NUMBER_MAX),
        units=tuple(sorted(units, key=lambda unit: unit.ecu_id)),
        update=_update(claims["update"]),
        document=document,
    )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= UNITS_MAX:
        raise DocumentMalformed(f"A manifest names 1 to {UNITS_MAX} control units.")
    return value


def _unit(value: object) -> UnitReport:
    members = _members(value)
    return UnitReport(
        ecu_id=_text(members, "ecu_id", PLAIN),
        hardware_id=_text(members, "hardware_id", PLAIN),
        release_number=_number(members, "release_number", 0, NUMBER_MAX),
        version=_text(members, "version", PLAIN),
        length=_number(members, "length", 0, DOCUMENT_NUMBER_MAX),
        sha256=_text(members, "sha256", SHA256),
    )


def _update(value: object) -> UpdateReport:
    members = _members(value)
    agreed, reason = members.get("agreed"), members.get("reason")
    if not (agreed is None or isinstance(agreed, bool)):
        raise DocumentMalformed("agreed is true or false.")
    try:
        state = UpdateState(str(members.get("state")))
    except ValueError:
        raise DocumentMalformed("The state of the update is not one of the words.") from None
    return UpdateReport(
        release_number=_number(members, "release_number", 0, NUMBER_MAX),
        state=state,
        reason="" if reason in ("", None) else _text(members, "reason", WORD),
        progress_percent=_number(members, "progress_percent", 0, PERCENT_MAX),
        agreed=agreed,
    )


def _members(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise DocumentMalformed("A part of the manifest is not an object.")
    return value


def _text(members: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not form.match(value):
        raise DocumentMalformed(f"{name} has not its form.")
    return value


def _number(members: Mapping[str, Any], name: str, minimum: int, maximum: int) -> int:
    value = members.get(name)
    if type(value) is not int or not minimum <= value <= maximum:
        raise DocumentMalformed(f"{name} is a whole number from {minimum} to {maximum}.")
    return value
