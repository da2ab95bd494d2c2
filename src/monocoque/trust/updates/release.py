"""The release document: what a release is, in words for its owner.

Rules: it is a target like an image, so the companies' signatures cover it; what a reader does not
know is kept out, and what it needs is there in every language.

Left out on purpose: who gets it when. That is the director's.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from monocoque.contracts.errors import (
    DocumentMalformed,
    UpdateHardwareWrong,
    UpdateMalformed,
    UpdateTooLarge,
)
from monocoque.contracts.strict_json import strict_object
from monocoque.contracts.updates import (
    HARDWARE,
    LANGUAGES,
    NUMBER_MAX,
    RELEASE_BYTES_MAX,
    image_path,
    is_version,
)

TITLE_CHARACTERS_MAX: Final = 100
NOTES_CHARACTERS_MAX: Final = 6_000
MINUTES_MAX: Final = 600
PERCENT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Release:
    """What a release document says."""

    number: int
    """Only grows."""
    version: str
    title: Mapping[str, str]
    """By language."""
    notes: Mapping[str, str]
    """By language; Markdown."""
    critical: bool
    minutes: int
    """How long the car cannot be used."""
    needs_charge_percent: int
    images: Mapping[str, str]
    """Target paths by hardware id."""


def release_bytes(release: Release) -> bytes:
    """The document of a release; raises as ``read_release``."""
    data = json.dumps(asdict(release), ensure_ascii=False, sort_keys=True, indent=1).encode()
    read_release(data)
    return data


def read_release(data: bytes) -> Release:
    """What a release document says.

    Raises UpdateTooLarge, UpdateMalformed, UpdateHardwareWrong.
    """
    if len(data) > RELEASE_BYTES_MAX:
        raise UpdateTooLarge(f"A release document has at most {RELEASE_BYTES_MAX} bytes.")
    try:
        members = strict_object(data)
    except DocumentMalformed as error:
        raise UpdateMalformed(f"A release document is damaged: {error.what}") from None
    number = _number(members, "number", 1, NUMBER_MAX)
    version = members.get("version")
    if not isinstance(version, str) or not is_version(version):
        raise UpdateMalformed("A version is three whole numbers with dots, such as 1.2.0.")
    critical = members.get("critical")
    if not isinstance(critical, bool):
        raise UpdateMalformed("critical is true or false.")
    return Release(
        number=number,
        version=version,
        title=_texts(members, "title", TITLE_CHARACTERS_MAX),
        notes=_texts(members, "notes", NOTES_CHARACTERS_MAX),
        critical=critical,
        minutes=_number(members, "minutes", 1, MINUTES_MAX),
        needs_charge_percent=_number(members, "needs_charge_percent", 0, PERCENT_MAX),
        images=_images(members, number),
    )


def _number(members: Mapping[str, Any], name: str, minimum: int, maximum: int) -> int:
    value = members.get(name)
    if type(value) is not int or not minimum <= value <= maximum:
        raise UpdateMalformed(f"{name} is a whole number from {minimum} to {maximum}.")
    return value


def _texts(members: Mapping[str, Any], name: str, characters_max: int) -> dict[str, str]:
    texts = members.get(name)
    if not isinstance(texts, dict) or set(texts) != set(LANGUAGES):
        raise UpdateMalformed(f"{name} is there in {', '.join(LANGUAGES)}, and in no other.")
    for text in texts.values():
        if not isinstance(text, str) or not 0 < len(text.strip()) <= len(text) <= characters_max:
            raise UpdateMalformed(f"{name} is a text of 1 to {characters_max} characters.")
        if any(character < " " and character not in "\n\t" for character in text):
            raise UpdateMalformed(f"{name} has control characters.")
    return texts


def _images(members: Mapping[str, Any], number: int) -> dict[str, str]:
    images = members.get("images")
    if not isinstance(images, dict) or not images:
        raise UpdateMalformed("A release has at least one image.")
    for hardware_id, path in images.items():
        if hardware_id not in HARDWARE:
            raise UpdateHardwareWrong("A release has an image for hardware that does not exist.")
        if path != image_path(number, hardware_id):
            raise UpdateMalformed("An image is not where images of its release lie.")
    return images
