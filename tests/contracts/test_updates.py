"""What everybody who touches an update agrees on."""

from pathlib import Path

import pytest

from monocoque.contracts.identifiers import CarId
from monocoque.contracts.updates import (
    COMPANIES,
    FACTORY_IMAGE_BYTES,
    HARDWARE,
    IMAGE_BYTES_MAX,
    LANGUAGES,
    RELEASE_BYTES_MAX,
    RELEASES_LISTED_MAX,
    ROOT_BYTES_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
    factory_image,
    image_path,
    is_version,
    release_path,
    unit_id,
)


def test_every_control_unit_leaves_the_line_with_bytes_of_its_own():
    images = {factory_image(hardware_id) for hardware_id in HARDWARE}
    assert len(images) == len(HARDWARE) == 3
    assert {len(image) for image in images} == {FACTORY_IMAGE_BYTES}
    assert factory_image("arden7-body") == factory_image("arden7-body")


def test_a_control_unit_bears_its_hardware_and_the_last_letters_of_its_car():
    car_id = CarId("car_0123456789abcdefghjkmnpqrs")
    assert unit_id("arden7-body", car_id) == "arden7-body-jkmnpqrs"


def test_what_belongs_to_a_release_lies_in_its_folder():
    assert image_path(7, "arden7-body") == "7/arden7-body.img"
    assert release_path(7) == "7/release.json"


@pytest.mark.parametrize("text", ["1.2.0", "0.0.1", "10.20.999999"])
def test_a_version_is_three_whole_numbers(text):
    assert is_version(text)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3\n", "1.2.x", "1.2.-3"]
)
def test_nothing_else_is_a_version(text):
    assert not is_version(text)


def test_the_page_on_updates_says_the_same():
    page = (Path(__file__).parents[2] / "docs/protocol/updates.md").read_text("utf-8")
    for limit, name in (
        (ROOT_BYTES_MAX, "root"),
        (TIMESTAMP_BYTES_MAX, "timestamp, snapshot"),
        (TARGETS_BYTES_MAX, "targets"),
        (RELEASE_BYTES_MAX, "release document"),
        (IMAGE_BYTES_MAX, "image"),
    ):
        assert f"| {name} | {limit:,} |" in page
    assert SNAPSHOT_BYTES_MAX == TIMESTAMP_BYTES_MAX
    assert f"the newest {RELEASES_LISTED_MAX} releases" in page
    for word in (*HARDWARE, *LANGUAGES, *COMPANIES):
        assert f"`{word}`" in page or f"/{word}/" in page
