"""A release document says everything that its owner needs, in every language, or is refused."""

import json

import pytest

from monocoque.contracts.errors import UpdateHardwareWrong, UpdateMalformed, UpdateTooLarge
from monocoque.contracts.updates import RELEASE_BYTES_MAX
from monocoque.trust.updates.release import read_release, release_bytes
from tests.fixtures.updates import release

WHOLE = release(7, "1.2.0")


def with_member(name, value):
    members = json.loads(release_bytes(WHOLE))
    members[name] = value
    return json.dumps(members).encode()


def texts(**changes):
    return {"en": "a", "de": "b", "zh": "c"} | changes


def test_a_release_comes_back_as_it_was_written():
    assert read_release(release_bytes(WHOLE)) == WHOLE


def test_what_a_later_version_adds_is_left_aside():
    assert read_release(with_member("colour", "red")) == WHOLE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", 0),
        ("number", 2**31),
        ("number", True),
        ("number", "7"),
        ("number", 8),  # its images lie in folder 7
        ("version", "1.2"),
        ("version", 12),
        ("critical", 0),
        ("critical", None),
        ("minutes", 0),
        ("minutes", 601),
        ("needs_charge_percent", -1),
        ("needs_charge_percent", 101),
        ("title", "Hello"),
        ("title", {"en": "a", "de": "b"}),
        ("title", texts(fr="d")),
        ("title", texts(de=" \n")),
        ("title", texts(de="x" * 101)),
        ("title", texts(de=7)),
        ("notes", texts(zh="")),
        ("notes", texts(zh="x" * 6001)),
        ("notes", texts(zh="a\x00b")),
        ("notes", texts(zh="a\x1bb")),
        ("images", {}),
        ("images", ["arden7-body"]),
        ("images", {"arden7-body": "7/arden7-drive.img"}),
        ("images", {"arden7-body": "../arden7-body.img"}),
        ("images", {"arden7-body": 7}),
    ],
)
def test_a_document_without_its_form_is_refused(name, value):
    with pytest.raises(UpdateMalformed):
        read_release(with_member(name, value))


def test_hardware_that_no_car_has_is_refused():
    with pytest.raises(UpdateHardwareWrong):
        read_release(with_member("images", {"arden9-gateway": "7/arden9-gateway.img"}))


@pytest.mark.parametrize("data", [b"", b"[]", b'{"number": 1, "number": 2}', b"\xff"])
def test_damage_is_refused(data):
    with pytest.raises(UpdateMalformed, match="damaged"):
        read_release(data)


def test_a_document_that_is_too_large_is_not_even_read():
    with pytest.raises(UpdateTooLarge):
        read_release(b" " * (RELEASE_BYTES_MAX + 1))


def test_the_longest_release_that_the_form_allows_can_be_published():
    long = release(
        notes=dict.fromkeys(("en", "de", "zh"), "界" * 6000),
        title=dict.fromkeys(("en", "de", "zh"), "界" * 100),
    )
    assert read_release(release_bytes(long)) == long
