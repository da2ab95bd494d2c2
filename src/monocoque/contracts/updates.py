"""What everybody who touches an update agrees on: control units, names, the factory's images.

Rules:

* a car has the control units of HARDWARE, each with an identifier of its own;
* every car leaves the line with release 1, whose images follow from hardware and version, so that
  factory, repository and car have the same bytes without sending them;
* limits of what is signed stand here, since signer, server and car must refuse alike.

Left out on purpose: what is in an image. It is bytes with a length and a hash.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from monocoque.contracts.identifiers import CarId

COMPANIES: Final[Mapping[str, str]] = {"arden": "Arden Motors", "lumio": "Lumio"}
"""Who must agree to every release: the maker of the car, and the maker of its software."""
COMPANIES_MIN: Final = 2
"""So many companies sign a root and a release, at least."""

HARDWARE: Final[Mapping[str, str]] = {
    "arden7-gateway": "Gateway: talks to the cell and installs what the others need.",
    "arden7-body": "Body: doors, lamps, climate and plug.",
    "arden7-drive": "Drive: motors, brakes and battery.",
}
"""The control units of a car by their hardware id. The first is the primary."""

LANGUAGES: Final = ("en", "de", "zh")
"""Every release is explained in each of them."""

FACTORY_NUMBER: Final = 1
FACTORY_VERSION: Final = "1.0.0"
FACTORY_IMAGE_BYTES: Final = 16_384

IMAGE_ROOT: Final = "update-image-root"
"""The first root of the image repository, in the keystores of factory, cell and every car."""
DIRECTOR_ROOT: Final = "update-director-root"
"""The first root of the director, in the same places."""
COMPANY_ROOT_KEY: Final = "root-key"
"""In a company's folder: signs roots. Ed25519, as are all of these."""
COMPANY_RELEASE_KEY: Final = "release-key"
"""In a company's folder: signs releases."""
IMAGE_SNAPSHOT_KEY: Final = "update-image-snapshot-key"
IMAGE_TIMESTAMP_KEY: Final = "update-image-timestamp-key"
DIRECTOR_TARGETS_KEY: Final = "update-director-targets-key"
DIRECTOR_SNAPSHOT_KEY: Final = "update-director-snapshot-key"
DIRECTOR_TIMESTAMP_KEY: Final = "update-director-timestamp-key"
"""The cell's online keys, in its keystore."""
IMAGE_FOLDER: Final = "updates/image"
"""Among the cell's documents: the image repository, and below what address it is served."""

NUMBER_MAX: Final = 2**31 - 1
"""The highest release number."""
ROOT_BYTES_MAX: Final = 32_768
TIMESTAMP_BYTES_MAX: Final = 16_384
SNAPSHOT_BYTES_MAX: Final = 16_384
TARGETS_BYTES_MAX: Final = 524_288
RELEASE_BYTES_MAX: Final = 65_536
"""A release document, with its notes in every language."""
IMAGE_BYTES_MAX: Final = 67_108_864
RELEASES_LISTED_MAX: Final = 100
"""A targets file lists so many releases, the newest; older ones fall out."""

_VERSION: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\Z")


def is_version(text: str) -> bool:
    """Whether it is three whole numbers with dots between, such as 1.2.0."""
    return _VERSION.match(text) is not None


def unit_id(hardware_id: str, car_id: CarId) -> str:
    """The identifier of a control unit (``ecu_id``): its hardware, and the car's last letters."""
    return f"{hardware_id}-{car_id[-8:]}"


def image_path(number: int, hardware_id: str) -> str:
    """The target path of an image."""
    return f"{number}/{hardware_id}.img"


def release_path(number: int) -> str:
    """The target path of a release document."""
    return f"{number}/release.json"


def factory_image(hardware_id: str) -> bytes:
    """What is in a control unit when its car leaves the line."""
    seed = f"{hardware_id} {FACTORY_VERSION}".encode()
    return hashlib.shake_256(seed).digest(FACTORY_IMAGE_BYTES)
