"""The director's files are what python-tuf would write, and what a car can check to the end."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical
from tuf.api.metadata import SPECIFICATION_VERSION as TUF_VERSION
from tuf.api.metadata import Metadata, Role, Root, Snapshot, Targets, Timestamp

from monocoque.contracts.errors import AlgorithmRefused, DefectError
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.updates.director import (
    CAR_FIELD,
    RELEASE_FIELD,
    SPECIFICATION_VERSION,
    Assignment,
    Lifetimes,
    Signers,
    Target,
    UnitTarget,
    canonical,
    direct,
    renew,
    sign_timestamp,
)
from monocoque.trust.updates.keys import update_key
from monocoque.trust.updates.manifests import PLAIN

CAR = "car_0123456789abcdefghjkmnpqrs"
NOW_US = 1_800_000_000_000_000
LIFETIMES = Lifetimes(targets_s=90 * 86_400, timestamp_s=86_400)
KEY = SeededKeyMaker(lambda count: bytes(range(count))).make("EdDSA")
SNAPSHOT_KEY, TIMESTAMP_KEY = (
    SeededKeyMaker(lambda count, at=at: bytes(range(at, at + count))).make("EdDSA") for at in (1, 2)
)
KEYS = Signers(KEY, SNAPSHOT_KEY, TIMESTAMP_KEY)
P256 = SeededKeyMaker(lambda count: bytes(range(count))).make("ES256")
HARDWARE = ("arden7-body", "arden7-drive", "arden7-gateway")
RELEASE = Target("7/release.json", 1_200, "c" * 64)


def assignment(*hardware: str) -> Assignment:
    units = [
        UnitTarget(f"{each}-mnpqrs00", each, Target(f"7/{each}.img", 4_096 + at, f"{at}" * 64))
        for at, each in enumerate(hardware or HARDWARE)
    ]
    return Assignment(7, RELEASE, units)


def directions(wanted: Assignment | None = None, version: int = 3, timestamp_version: int = 9):
    return direct(CAR, wanted, version, timestamp_version, NOW_US, LIFETIMES, KEYS)


def root() -> Root:
    keys = {"targets": KEY, "snapshot": SNAPSHOT_KEY, "timestamp": TIMESTAMP_KEY}
    made = Root(roles={name: Role([], 1) for name in ("root", *keys)})
    for name, key in keys.items():
        made.add_key(update_key(key.public_jwk), name)
    return made


def checked(found) -> tuple[Targets, Snapshot, Timestamp]:
    """The three, after every check of TUF's that needs no time."""
    trusted = root()
    targets = Metadata[Targets].from_bytes(found.targets)
    snapshot = Metadata[Snapshot].from_bytes(found.snapshot)
    timestamp = Metadata[Timestamp].from_bytes(found.timestamp)
    for metadata in (targets, snapshot, timestamp):
        signed, signatures = metadata.signed, metadata.signatures
        trusted.verify_delegate(signed.type, metadata.signed_bytes, signatures)
    timestamp.signed.snapshot_meta.verify_length_and_hashes(found.snapshot)
    assert timestamp.signed.snapshot_meta.version == snapshot.signed.version
    pinned = snapshot.signed.meta["targets.json"]
    pinned.verify_length_and_hashes(found.targets)
    assert pinned.version == targets.signed.version
    return targets.signed, snapshot.signed, timestamp.signed


def test_a_car_finds_each_control_unit_its_image_and_the_release():
    targets, snapshot, timestamp = checked(directions(assignment()))
    assert (targets.version, snapshot.version, timestamp.version) == (3, 3, 9)
    assert targets.unrecognized_fields[CAR_FIELD] == CAR
    assert targets.unrecognized_fields[RELEASE_FIELD] == {
        "number": 7,
        "path": "7/release.json",
        "length": 1_200,
        "hashes": {"sha256": "c" * 64},
    }
    assert sorted(targets.targets) == [f"7/{each}.img" for each in HARDWARE]
    body = targets.targets["7/arden7-body.img"]
    assert (body.length, body.hashes) == (4_096, {"sha256": "0" * 64})
    ecus = {"arden7-body-mnpqrs00": {"hardware_id": "arden7-body"}}
    assert body.custom == {"release_number": 7, "ecus": ecus}
    assert targets.delegations is None


def test_a_car_that_has_nothing_to_install_is_named_all_the_same():
    targets, _, _ = checked(directions(None))
    assert targets.targets == {}
    assert targets.unrecognized_fields == {CAR_FIELD: CAR}


def test_two_units_of_one_kind_share_an_image():
    image = Target("7/arden7-body.img", 5, "d" * 64)
    units = [UnitTarget(f"arden7-body-{at}", "arden7-body", image) for at in range(2)]
    targets, _, _ = checked(directions(Assignment(7, RELEASE, units)))
    assert set(targets.targets["7/arden7-body.img"].custom["ecus"]) == {
        "arden7-body-0",
        "arden7-body-1",
    }


def test_a_control_unit_is_not_directed_twice():
    with pytest.raises(DefectError):
        directions(assignment("arden7-body", "arden7-body"))


def test_times_end_when_they_should():
    targets, snapshot, timestamp = checked(directions(assignment()))
    assert f"{targets.expires:%Y-%m-%d %H:%M:%S}" == "2027-04-15 08:00:00"
    assert snapshot.expires == targets.expires
    assert f"{timestamp.expires:%Y-%m-%d %H:%M:%S}" == "2027-01-16 08:00:00"


def test_renewed_directions_say_the_same_for_longer():
    before = directions(assignment())
    later_us = NOW_US + 40 * 86_400 * 1_000_000
    after = renew(before.targets, 4, 10, later_us, LIFETIMES, KEYS)
    old, _, _ = checked(before)
    new, snapshot, timestamp = checked(after)
    assert (new.version, snapshot.version, timestamp.version) == (4, 4, 10)
    assert new.expires > old.expires
    assert (new.targets, new.unrecognized_fields) == (old.targets, old.unrecognized_fields)


def test_a_fresh_timestamp_fits_the_snapshot_that_the_car_has():
    before = directions(assignment())
    timestamp = sign_timestamp(before.snapshot, 3, 10, NOW_US, LIFETIMES, KEYS)
    read = Metadata[Timestamp].from_bytes(timestamp)
    root().verify_delegate("timestamp", read.signed_bytes, read.signatures)
    read.signed.snapshot_meta.verify_length_and_hashes(before.snapshot)
    assert read.signed.version == 10


def test_only_a_key_that_updates_know_signs():
    with pytest.raises(AlgorithmRefused):
        direct(CAR, None, 1, 1, NOW_US, LIFETIMES, Signers(P256, P256, P256))


def test_we_write_the_version_of_the_specification_that_python_tuf_reads():
    assert ".".join(TUF_VERSION) == SPECIFICATION_VERSION


PLAIN_TEXT = st.from_regex(PLAIN, fullmatch=True)
UNITS = st.lists(
    st.builds(
        UnitTarget,
        PLAIN_TEXT,
        PLAIN_TEXT,
        st.builds(Target, PLAIN_TEXT, st.integers(0, 2**53 - 1), st.just("e" * 64)),
    ),
    unique_by=lambda unit: unit.ecu_id,
    max_size=40,
)


@settings(max_examples=30, deadline=None)
@given(units=UNITS, number=st.integers(1, 2**31 - 1), version=st.integers(1, 2**31 - 1))
def test_the_signed_bytes_are_those_that_python_tuf_would_sign(units, number, version):
    found = directions(Assignment(number, RELEASE, units), version, version)
    for data in (found.targets, found.snapshot, found.timestamp):
        signed = json.loads(data)["signed"]
        assert canonical(signed) == encode_canonical(signed).encode()
        assert Metadata.from_bytes(data).signed_bytes == canonical(signed)
