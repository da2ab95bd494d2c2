"""Roots and releases need two companies, whatever the metadata says; and damage is seen."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from monocoque.contracts.errors import (
    AlgorithmRefused,
    UpdateAltered,
    UpdateExpired,
    UpdateMalformed,
    UpdateRefused,
    UpdateThresholdUnmet,
    UpdateTooLarge,
)
from monocoque.contracts.updates import ROOT_BYTES_MAX, TARGETS_BYTES_MAX
from monocoque.trust.keys import SeededKeyMaker, thumbprint
from monocoque.trust.updates.keys import company_key, company_of, update_key
from monocoque.trust.updates.metadata import (
    DIRECTOR,
    IMAGE,
    add_signature,
    check_fresh,
    check_signed,
    expiry,
    merge,
    read,
    read_root,
    signed_by,
)
from tests.fixtures.updates import (
    ARDEN,
    LUMIO,
    NOW_US,
    SNAPSHOT,
    Company,
    ImageRepository,
    again,
    company,
    director_root,
    image_root,
    release,
)

P256 = SeededKeyMaker(random.Random(3).randbytes).make("ES256")


def altered(data: bytes, change) -> bytes:
    members = json.loads(data)
    change(members["signed"])
    return json.dumps(members).encode()


def taken_root(data: bytes = b"") -> Root:
    return read_root(data or image_root(), IMAGE, ROOT_BYTES_MAX).signed


def unsigned():
    targets, _ = ImageRepository().new(release())
    return targets


def test_a_key_keeps_its_name_and_says_whose_it_is():
    key = company_key(ARDEN.root.public_jwk, "arden")
    assert key.keyid == ARDEN.root.key_id == thumbprint(ARDEN.root.public_jwk)
    assert company_of(key) == "arden"
    assert company_of(update_key(SNAPSHOT.public_jwk)) is None


def test_only_ed25519_signs_updates():
    with pytest.raises(AlgorithmRefused):
        update_key(P256.public_jwk)


@pytest.mark.parametrize(
    ("data", "repository"), [(image_root(), IMAGE), (director_root(), DIRECTOR)]
)
def test_a_root_is_taken_for_its_own_repository_and_signs_itself(data, repository):
    root = read_root(data, repository, ROOT_BYTES_MAX)
    check_signed(root.signed, root)
    assert signed_by(root.signed, root) == ("arden", "lumio")
    other = DIRECTOR if repository is IMAGE else IMAGE
    with pytest.raises(UpdateMalformed, match="repository"):
        read_root(data, other, ROOT_BYTES_MAX)


@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_root_by_which_one_signature_is_enough_is_refused(role):
    def change(signed):
        signed["roles"][role]["threshold"] = 1

    with pytest.raises(UpdateThresholdUnmet, match=role):
        taken_root(altered(image_root(), change))


def test_a_root_with_two_keys_of_one_company_is_refused():
    twice = (ARDEN, company("arden", seed=2))
    with pytest.raises(UpdateThresholdUnmet, match="alone"):
        taken_root(image_root(companies=twice))


def test_one_key_under_two_names_is_refused():
    def change(signed):
        keys = signed["keys"]
        keys["another"] = keys[ARDEN.release.key_id] | {"x-company": "lumio"}
        signed["roles"]["targets"]["keyids"] = [ARDEN.release.key_id, "another"]

    with pytest.raises(UpdateMalformed, match="its own name"):
        taken_root(altered(image_root(), change))


def test_a_key_that_says_no_company_signs_no_release():
    def change(signed):
        signed["roles"]["targets"]["keyids"] = [ARDEN.release.key_id, SNAPSHOT.key_id]

    with pytest.raises(UpdateMalformed, match="no company"):
        taken_root(altered(image_root(), change))


def test_a_company_has_no_part_in_what_the_cell_signs():
    def change(signed):
        signed["roles"]["snapshot"]["keyids"] = [ARDEN.release.key_id]

    with pytest.raises(UpdateMalformed, match="not a company's"):
        taken_root(altered(image_root(), change))


def test_a_role_without_its_key_is_refused():
    def change(signed):
        del signed["keys"][ARDEN.release.key_id]

    with pytest.raises(UpdateMalformed, match="not there"):
        taken_root(altered(image_root(), change))


@pytest.mark.parametrize(
    "change",
    [
        {"keytype": "rsa"},
        {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256"},
        {"scheme": "ed25519ph"},
        {"keyval": {"public": "zz"}},
        {"keyval": {"public": "00"}},
        {"keyval": {}},
        {"keyval": {"public": 7}},
    ],
)
def test_a_damaged_key_is_refused(change):
    def damage(signed):
        signed["keys"][SNAPSHOT.key_id] |= change

    with pytest.raises(UpdateMalformed):
        taken_root(altered(image_root(), damage))


def test_both_companies_make_a_release():
    root, targets = taken_root(), unsigned()
    for one in (ARDEN, LUMIO):
        add_signature(targets, one.release)
    check_signed(root, targets)
    assert signed_by(root, targets) == ("arden", "lumio")


@pytest.mark.parametrize(
    ("signers", "named"),
    [
        pytest.param([], "0 of 2", id="nobody"),
        pytest.param([ARDEN], "1 of 2 signatures that count \\(arden\\)", id="one company"),
        pytest.param([ARDEN, ARDEN], "1 of 2", id="the same company twice"),
        pytest.param([ARDEN, company("lumio", seed=9)], "1 of 2", id="a stranger's key"),
        pytest.param([ARDEN, Company("x", LUMIO.release, LUMIO.root)], "1 of 2", id="the root key"),
    ],
)
def test_a_release_without_both_companies_is_refused(signers, named):
    targets = unsigned()
    for one in signers:
        add_signature(targets, one.release)
    with pytest.raises(UpdateThresholdUnmet, match=named):
        check_signed(taken_root(), again(targets))


def test_the_same_signature_twice_is_not_read():
    targets = unsigned()
    add_signature(targets, ARDEN.release)
    members = json.loads(targets.to_bytes())
    members["signatures"] *= 2
    with pytest.raises(UpdateMalformed):
        read(json.dumps(members).encode(), Targets, TARGETS_BYTES_MAX)


def test_a_signature_under_other_bytes_does_not_count():
    targets = unsigned()
    for one in (ARDEN, LUMIO):
        add_signature(targets, one.release)
    targets.signed.version = 9
    with pytest.raises(UpdateThresholdUnmet, match="0 of 2"):
        check_signed(taken_root(), targets)


def test_signatures_made_apart_come_together():
    copies = [again(unsigned()), again(unsigned())]
    add_signature(copies[0], LUMIO.release)
    add_signature(copies[1], ARDEN.release)
    check_signed(taken_root(), merge(copies))
    assert merge(copies).to_bytes() == merge(copies[::-1]).to_bytes()
    copies[1].signed.version = 9
    with pytest.raises(UpdateAltered):
        merge(copies)


def test_metadata_ends_at_its_time():
    signed = unsigned().signed
    signed.expires = expiry(NOW_US, 60)
    check_fresh(signed, NOW_US + 59_000_000)
    with pytest.raises(UpdateExpired):
        check_fresh(signed, NOW_US + 60_000_000)


@pytest.mark.parametrize("kind", [Root, Timestamp, Snapshot])
def test_metadata_of_another_role_is_not_taken_for_it(kind):
    with pytest.raises(UpdateMalformed, match="another role"):
        read(unsigned().to_bytes(), kind, TARGETS_BYTES_MAX)


def test_metadata_that_is_too_large_is_not_even_read():
    with pytest.raises(UpdateTooLarge):
        read(b" " * (TARGETS_BYTES_MAX + 1), Targets, TARGETS_BYTES_MAX)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"signed": {}, "signatures": []}',
        b'{"signed": {"_type": "targets", "_type": "root"}, "signatures": []}',
        b'{"signed": 1.5, "signatures": []}',
        b'{"signed": {"_type": "targets", "version": NaN}, "signatures": []}',
        b"[" * 100_000,
    ],
)
def test_damaged_metadata_is_refused(data):
    with pytest.raises(UpdateMalformed):
        read(data, Targets, TARGETS_BYTES_MAX)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
PLACES = [
    ("version",), ("expires",), ("spec_version",), ("targets",), ("delegations",), ("_type",),
    ("targets", "1/release.json"), ("targets", "1/release.json", "hashes"),
    ("targets", "1/release.json", "length"), ("targets", "1/release.json", "custom"),
]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_no_value_anywhere_brings_forth_an_error_of_another_kind(place, value):
    def change(signed):
        for name in place[:-1]:
            signed = signed[name]
        signed[place[-1]] = value

    targets = unsigned()
    add_signature(targets, ARDEN.release)
    with pytest.raises(UpdateRefused):
        check_signed(
            taken_root(), read(altered(targets.to_bytes(), change), Targets, TARGETS_BYTES_MAX)
        )
