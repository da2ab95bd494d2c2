"""The as-built record: what a car was made of, as a signed CycloneDX 1.6 bill of materials.

Rules:

* equal facts give equal bytes: the record's number and time are arguments, and the library sorts;
* a control unit is a device with one firmware in it; both say who supplied them, the unit also
  where it sits and its serial number; the car depends on its units, and each unit on its software;
* the hash of a software is the SHA-256 of the text "NAME VERSION": it names the version, since
  virtual cars have no images of software to take a hash of;
* the record holds the number of the car (its VIN), so it goes to build and registry alone, and to
  whoever the bus allows to read the builds.

Left out on purpose: provenance of the software (who built it from what), which comes with updates.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from monocoque.contracts.documents import AS_BUILT
from monocoque.shop.build.logic.parts import ARDEN, CONTROL_UNITS, MODEL, ControlUnit, unit_serial
from monocoque.shop.build.logic.vin import series
from monocoque.trust.documents import sign
from monocoque.trust.ports import Signer

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

PROPERTY: Final = "monocoque"
"""What our own properties' names begin with."""
SECOND_US: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
RECORD_BITS: Final = 128


@dataclass(frozen=True, slots=True)
class BuiltCar:
    """The facts of one car as it left the line."""

    car_id: str
    order_id: str
    vin: str
    year: int
    serial: int
    catalogue_version: str
    options: Sequence[str]
    software_version: str


def as_built(car: BuiltCar, now_us: int, record_number: int, factory_key: Signer) -> bytes:
    """The signed record. record_number: 128 random bits, which name it."""
    claims = {
        "iss": "factory",
        "sub": car.car_id,
        "iat": now_us // SECOND_US,
        "vin": car.vin,
        "order": car.order_id,
        "bom": bill_of_materials(car, now_us, record_number),
    }
    return sign(AS_BUILT, claims, factory_key)


def bill_of_materials(car: BuiltCar, now_us: int, record_number: int) -> dict[str, Any]:
    """The bill as CycloneDX JSON."""
    # Imported here: it costs half a second, which a process that builds nothing need not spend.
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.contact import OrganizationalEntity
    from cyclonedx.output.json import JsonV1Dot6

    root = Component(
        type=ComponentType.DEVICE,
        name=MODEL,
        version=str(car.year),
        bom_ref=car.car_id,
        supplier=OrganizationalEntity(name=ARDEN),
        properties=[
            Property(name=f"{PROPERTY}:catalogue", value=car.catalogue_version),
            *(Property(name=f"{PROPERTY}:option", value=option) for option in car.options),
        ],
    )
    units = [_unit(unit, car) for unit in CONTROL_UNITS]
    bill = Bom(serial_number=UUID(int=record_number, version=4), components=units)
    bill.metadata.component = root
    bill.metadata.timestamp = EPOCH + timedelta(seconds=now_us // SECOND_US)
    bill.register_dependency(root, units)
    for unit in units:
        bill.register_dependency(unit, unit.components)
    written: dict[str, Any] = json.loads(JsonV1Dot6(bill).output_as_string())
    return written


def _unit(unit: ControlUnit, car: BuiltCar) -> "Component":
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.contact import OrganizationalEntity

    name = f"{unit.name}-software"
    named = f"{name} {car.software_version}"
    software = Component(
        type=ComponentType.FIRMWARE,
        name=name,
        version=car.software_version,
        bom_ref=f"{unit.name}/software",
        supplier=OrganizationalEntity(name=unit.software_supplier),
        hashes=[
            HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(named.encode()).hexdigest())
        ],
    )
    serial = unit_serial(unit, series(car.year), car.serial)
    return Component(
        type=ComponentType.DEVICE,
        name=unit.name,
        description=unit.description,
        bom_ref=unit.name,
        supplier=OrganizationalEntity(name=unit.supplier),
        properties=[
            Property(name=f"{PROPERTY}:position", value=unit.position),
            Property(name=f"{PROPERTY}:serial", value=serial),
        ],
        components=[software],
    )
