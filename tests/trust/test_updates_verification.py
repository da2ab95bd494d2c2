"""Full verification: what a car takes, and each way in which somebody could deceive it."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuf.api.metadata import Metadata, Targets

from monocoque.contracts.errors import UpdateMalformed, UpdateOlder, UpdateRefused, UpdateUnfit
from monocoque.contracts.updates import image_path, release_path
from monocoque.trust.updates import director, image_repository
from monocoque.trust.updates.metadata import DIRECTOR, IMAGE, add_signature
from monocoque.trust.updates.reasons import UpdateReason, reason_of
from monocoque.trust.updates.release import release_bytes
from monocoque.trust.updates.verification import (
    Reading,
    Trusted,
    match,
    read_directions,
    read_document,
)
from tests.fixtures.update_cloud import (
    BODY,
    DRIVE,
    GATEWAY,
    NEW_ONLINE,
    ONLINE,
    THIEF,
    UNITS,
    Cloud,
    director_root,
    pinned,
    resigned,
)
from tests.fixtures.updates import (
    ARDEN,
    LUMIO,
    NOW_US,
    SNAPSHOT,
    TIMESTAMP,
    ImageRepository,
    company,
    image_root,
    release,
)
from tests.vectors.people import CAR_ID, OTHER_CAR_ID

DAY_US = 86_400_000_000
OLD = dict.fromkeys(UNITS, 1)


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud()
    made.publish(1, "1.0.0")
    made.publish(2, "1.1.0")
    return made


def directed(cloud, files, trusted=None, now_us=NOW_US):
    known = trusted or Trusted(director_root())
    return read_directions(known, cloud.roots, files, CAR_ID, UNITS, now_us)


def image_targets(repository, trusted=None, now_us=NOW_US):
    """The targets of the image repository, read as a car does; and what it trusts then."""
    reading = Reading(IMAGE, trusted or Trusted(image_root()), now_us)
    while next_root := repository.files.get(image_repository.root_file(reading.root_version + 1)):
        reading.take_root(next_root)
    version = reading.take_timestamp(repository.files[image_repository.TIMESTAMP_FILE])
    version = reading.take_snapshot(repository.files[image_repository.snapshot_file(version)])
    targets = reading.take_targets(repository.files[image_repository.targets_file(version)])
    return targets, reading


def verified(cloud, files, installed=OLD, now_us=NOW_US):
    """What a car would install."""
    directions = directed(cloud, files, now_us=now_us)
    targets, _ = image_targets(cloud.repository, now_us=now_us)
    wanted = match(directions, targets, installed)
    document = release_bytes(cloud.releases[directions.release_number])
    return wanted, read_document(directions, document, UNITS)


def refused(call, *arguments, **named) -> str:
    with pytest.raises(UpdateRefused) as error:
        call(*arguments, **named)
    return str(reason_of(error.value))


# --- what is right ----------------------------------------------------------------------------


def test_what_both_repositories_say_is_installed(cloud) -> None:
    wanted, found = verified(cloud, cloud.direct(cloud.assignment(2)))
    assert found == cloud.releases[2]
    assert [image.ecu_id for image in wanted] == list(UNITS)
    for image in wanted:
        data = cloud.images[2][image.hardware_id]
        assert (image.length, image.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert cloud.repository.files[image.file] == data


def test_a_car_that_is_to_install_nothing_is_told_so(cloud) -> None:
    found = directed(cloud, cloud.direct(None))
    assert (found.release_number, found.document, found.units) == (0, None, ())
    assert found.targets_version == 1


def test_what_was_read_is_trusted_from_then_on(cloud) -> None:
    files = cloud.direct(cloud.assignment(2))
    found = directed(cloud, files)
    assert found.trusted == Trusted(director_root(), 1, 1, 1)
    assert directed(cloud, files, found.trusted) == found, "the same again is no older"
    assert found.expires_us == NOW_US + DAY_US
    _, reading = image_targets(cloud.repository)
    assert reading.trusted == Trusted(image_root(), 2, 2, 2)
    assert reading.expires_us == NOW_US + 7 * DAY_US


def test_a_release_for_one_unit_alone_is_whole_when_it_has_no_other_image() -> None:
    cloud = Cloud()
    cloud.publish(1, "1.0.0", hardware=("arden7-body",))
    wanted, _ = verified(cloud, cloud.direct(cloud.assignment(1, ("arden7-body",))))
    assert [image.ecu_id for image in wanted] == [BODY]


# --- roots ------------------------------------------------------------------------------------


def test_a_root_counts_when_the_one_before_it_and_it_itself_say_so() -> None:
    second = image_root(2)
    reading = Reading(IMAGE, Trusted(image_root(), 7, 7, 7), NOW_US)
    reading.take_root(second)
    assert reading.root_version == 2
    assert reading.trusted == Trusted(second, 7, 7, 7)


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        (image_root(3), "rollback"),
        (image_root(1), "rollback"),
        (image_root(2, signers=(ARDEN,)), "threshold_unmet"),
        (image_root(2, signers=()), "threshold_unmet"),
        (director_root(2), "malformed"),
        (b"{}", "malformed"),
        (b"{" * 40_000, "endless_data"),
        (image_root(2, companies=(ARDEN,)), "threshold_unmet"),
        (
            image_root(2, companies=(company("x"), LUMIO), signers=(company("x"), LUMIO)),
            "threshold_unmet",
        ),
        (image_root(2, companies=(ARDEN, company("x")), signers=(ARDEN, LUMIO)), "threshold_unmet"),
    ],
)
def test_another_root_does_not_count(root, reason) -> None:
    reading = Reading(IMAGE, Trusted(image_root()), NOW_US)
    assert refused(reading.take_root, root) == reason
    assert reading.trusted == Trusted(image_root())


def test_three_hundred_roots_one_after_another() -> None:
    reading = Reading(DIRECTOR, Trusted(director_root()), NOW_US)
    for version in range(2, 302):
        reading.take_root(director_root(version))
    assert reading.root_version == 301


def test_a_car_takes_up_the_directors_roots_where_it_is(cloud) -> None:
    cloud.roots = [director_root(2), director_root(3)]
    found = directed(cloud, cloud.direct(None), Trusted(cloud.roots[0]))
    assert found.trusted.root == cloud.roots[1]
    cloud.roots = cloud.roots[:1]  # a value that was kept from before
    assert directed(cloud, cloud.direct(None), found.trusted).trusted.root == found.trusted.root


def test_a_root_whose_time_is_over_leads_to_nothing(cloud) -> None:
    late_us = NOW_US + 3_651 * DAY_US
    files = cloud.direct(None, now_us=late_us)
    assert refused(directed, cloud, files, now_us=late_us) == "expired"


def test_whoever_had_the_old_online_key_can_block_nobody_for_ever(cloud) -> None:
    """Fast-forward: a thief signed the highest versions; new keys make the car forget them."""
    cloud.version = cloud.timestamp_version = 2**31
    stolen = directed(cloud, cloud.direct(None)).trusted
    cloud.version = cloud.timestamp_version = 7
    assert refused(directed, cloud, cloud.direct(None), stolen) == "rollback"
    cloud.online, cloud.roots = NEW_ONLINE, [director_root(2, NEW_ONLINE)]
    assert directed(cloud, cloud.direct(None), stolen).targets_version == 9


# --- each step of a reading -------------------------------------------------------------------


@pytest.mark.parametrize("signer", [THIEF, ARDEN.root, ARDEN.release])
def test_directions_by_anybody_else_are_refused(cloud, signer) -> None:
    cloud.online = signer
    assert refused(directed, cloud, cloud.direct(cloud.assignment(2))) == "threshold_unmet"


@pytest.mark.parametrize("part", [0, 1, 2])
def test_directions_whose_time_is_over_are_refused(cloud, part) -> None:
    """The snapshot and the targets end with each other, the timestamp earlier."""
    files = cloud.direct(cloud.assignment(2), now_us=NOW_US - 2 * DAY_US)
    late_us = NOW_US + (0 if part == 0 else 40 * DAY_US)

    def later(signed):
        signed["expires"] = "2099-01-01T00:00:00Z"

    timestamp, snapshot, targets = files
    if part == 2:
        _, snapshot, _ = pinned(files, targets, resigned(snapshot, later, ONLINE), ONLINE)
    if part >= 1:
        timestamp = pinned(
            (resigned(timestamp, later, ONLINE), b"", b""), targets, snapshot, ONLINE
        )
        timestamp, snapshot, targets = timestamp
    files = (timestamp, snapshot, targets)
    assert refused(directed, cloud, files, now_us=late_us) == "expired"


def test_older_directions_are_refused(cloud) -> None:
    old = cloud.direct(cloud.assignment(1))
    trusted = directed(cloud, cloud.direct(cloud.assignment(2))).trusted
    assert refused(directed, cloud, old, trusted) == "rollback"


@pytest.mark.parametrize("field", ["timestamp_version", "snapshot_version", "targets_version"])
def test_each_version_only_grows(cloud, field) -> None:
    files = cloud.direct(None)
    seen: dict[str, Any] = {field: 2}
    trusted = dataclasses.replace(Trusted(director_root()), **seen)
    assert refused(directed, cloud, files, trusted) == "rollback"


def test_parts_that_do_not_belong_together_are_refused(cloud) -> None:
    one, other = cloud.direct(cloud.assignment(1)), cloud.direct(cloud.assignment(2))
    assert refused(directed, cloud, (other[0], one[1], one[2])) == "mix_and_match"
    assert refused(directed, cloud, (other[0], other[1], one[2])) == "mix_and_match"


def test_a_pin_without_a_hash_pins_nothing(cloud) -> None:
    def bare(signed):
        for row in signed["meta"].values():
            del row["hashes"]

    timestamp, snapshot, targets = cloud.direct(None)
    files = (resigned(timestamp, bare, ONLINE), snapshot, targets)
    assert refused(directed, cloud, files) == "mix_and_match"


def test_versions_that_differ_from_their_pin_are_refused(cloud) -> None:
    def newer(signed):
        signed["version"] += 1

    files = _, snapshot, targets = cloud.direct(None)
    other = pinned(files, resigned(targets, newer, ONLINE), snapshot, ONLINE)
    assert refused(directed, cloud, other) == "mix_and_match"
    other = pinned(files, targets, resigned(snapshot, newer, ONLINE), ONLINE)
    assert refused(directed, cloud, other) == "mix_and_match"


def test_a_snapshot_without_targets_is_refused(cloud) -> None:
    def without(signed):
        signed["meta"] = {"other.json": signed["meta"]["targets.json"]}

    files = _, snapshot, targets = cloud.direct(None)
    other = pinned(files, targets, resigned(snapshot, without, ONLINE), ONLINE)
    assert refused(directed, cloud, other) == "mix_and_match"


def test_metadata_of_another_role_is_refused(cloud) -> None:
    _, snapshot, targets = cloud.direct(None)
    assert refused(directed, cloud, (snapshot, snapshot, targets)) == "malformed"
    assert refused(directed, cloud, (b"\xff", snapshot, targets)) == "malformed"
    assert refused(directed, cloud, (b" " * 20_000, snapshot, targets)) == "endless_data"


# --- what the director says -------------------------------------------------------------------


def _each(change):
    """A change of the custom part of every target."""

    def changed(signed):
        for target in signed["targets"].values():
            change(target["custom"])

    return changed


def _named(ecu_id, hardware_id):
    return _each(lambda custom: custom.update(ecus={ecu_id: {"hardware_id": hardware_id}}))


def _release(**changes):
    return lambda signed: signed["x-release"].update(changes)


def _delegate(signed):
    signed["delegations"] = {"keys": {}, "roles": []}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda signed: signed.update({"x-car-id": OTHER_CAR_ID}), "wrong_car"),
        (lambda signed: signed.pop("x-car-id"), "wrong_car"),
        (_delegate, "delegated"),
        (_named(f"{GATEWAY}x", "arden7-gateway"), "unit_unknown"),
        (_named(GATEWAY, "arden7-gateway"), "unit_twice"),
        (_named(GATEWAY, "arden7-body"), "wrong_hardware"),
        (_each(lambda custom: custom["ecus"].update({GATEWAY: 7})), "wrong_hardware"),
        (_each(lambda custom: custom.update(ecus={})), "malformed"),
        (_each(lambda custom: custom.update(ecus=[GATEWAY])), "malformed"),
        (_each(lambda custom: custom.clear()), "malformed"),
        (_each(lambda custom: custom.update(release_number=1)), "mixed_bundle"),
        (_release(number=1), "mixed_bundle"),
        (_release(number=0), "malformed"),
        (_release(number="2"), "malformed"),
        (_release(number=True), "malformed"),
        (_release(path=7), "malformed"),
        (_release(length=-1), "malformed"),
        (_release(hashes={}), "malformed"),
        (_release(hashes={"sha256": 7}), "malformed"),
        (_release(hashes=7), "malformed"),
        (lambda signed: signed.update({"x-release": 7}), "malformed"),
        (lambda signed: signed.pop("x-release"), "mixed_bundle"),
        (lambda signed: signed["targets"].clear(), "malformed"),
    ],
)
def test_directions_that_cannot_be_right_are_refused(cloud, change, reason) -> None:
    files = cloud.changed(cloud.direct(cloud.assignment(2)), change)
    assert refused(directed, cloud, files) == reason


def test_an_empty_target_is_directed_to_nobody(cloud) -> None:
    def bare(signed):
        for target in signed["targets"].values():
            del target["custom"]

    files = cloud.changed(cloud.direct(cloud.assignment(2)), bare)
    assert refused(directed, cloud, files) == "malformed"


# --- both together ----------------------------------------------------------------------------


def test_a_stolen_director_key_puts_no_new_code_into_a_car(cloud) -> None:
    own = cloud.assignment(2)
    evil = director.UnitTarget(
        GATEWAY, "arden7-gateway", director.Target("2/evil.img", 9, "0" * 64)
    )
    one = dataclasses.replace(own, units=[evil, *own.units[1:]])
    assert refused(verified, cloud, cloud.direct(one)) == "arbitrary_software"
    one = dataclasses.replace(own, release=director.Target("9/release.json", 9, "0" * 64))
    assert refused(verified, cloud, cloud.direct(one)) == "arbitrary_software"


@pytest.mark.parametrize("changes", [{"sha256": "0" * 64}, {"length": 1}])
def test_an_image_of_which_the_repositories_say_two_things_is_refused(cloud, changes) -> None:
    own = cloud.assignment(2)
    other = dataclasses.replace(own.units[0].image, **changes)
    units = [dataclasses.replace(own.units[0], image=other), *own.units[1:]]
    one = dataclasses.replace(own, units=units)
    assert refused(verified, cloud, cloud.direct(one)) == "mix_and_match"


def test_a_release_that_is_older_than_what_is_installed_is_refused(cloud) -> None:
    files = cloud.direct(cloud.assignment(1))
    assert refused(verified, cloud, files, OLD | {DRIVE: 2}) == "rollback"
    assert verified(cloud, files, OLD)[1].number == 1


def test_an_image_of_another_release_or_for_other_hardware_is_refused(cloud) -> None:
    """The director lies in its own words about files that the companies did sign."""
    own = cloud.assignment(2)
    old = cloud.assignment(1)
    units = [dataclasses.replace(old.units[0]), *own.units[1:]]
    files = cloud.direct(dataclasses.replace(own, units=units))
    assert refused(verified, cloud, files) == "mixed_bundle"
    swapped = [
        dataclasses.replace(own.units[0], image=own.units[1].image),
        dataclasses.replace(own.units[1], image=own.units[0].image),
        own.units[2],
    ]
    files = cloud.direct(dataclasses.replace(own, units=swapped))
    assert refused(verified, cloud, files) == "wrong_hardware"


def test_a_target_of_the_image_repository_that_says_nothing_is_for_no_unit(cloud) -> None:
    def bare(signed):
        for target in signed["targets"].values():
            target.pop("custom")

    cloud.with_targets(bare)
    files = cloud.direct(cloud.assignment(2))
    assert refused(verified, cloud, files) == "wrong_hardware"


def test_a_release_is_installed_whole_or_not_at_all(cloud) -> None:
    files = cloud.direct(cloud.assignment(2, ("arden7-gateway", "arden7-body")))
    assert refused(verified, cloud, files) == "partial_bundle"
    cloud.publish(3, "1.2.0")
    cloud.releases[3] = dataclasses.replace(
        cloud.releases[3], images={"arden7-body": image_path(3, "arden7-body")}
    )
    data = release_bytes(cloud.releases[3])

    def other_document(signed):
        signed["targets"][release_path(3)] |= {
            "length": len(data),
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
        }

    cloud.with_targets(other_document)
    assert refused(verified, cloud, cloud.direct(cloud.assignment(3))) == "extraneous"


def test_a_document_of_another_release_is_refused(cloud) -> None:
    files = cloud.direct(
        dataclasses.replace(cloud.assignment(2), release=cloud.assignment(1).release)
    )
    directions = directed(cloud, files)
    data = release_bytes(cloud.releases[1])
    assert refused(read_document, directions, data, UNITS) == "mixed_bundle"
    assert refused(read_document, directions, data + b" ", UNITS) == "endless_data"
    assert refused(read_document, directions, data[:-1] + b" ", UNITS) == "altered"


def test_a_release_that_one_company_signed_is_refused() -> None:
    for signers in [(ARDEN,), (LUMIO,), (ARDEN, ARDEN), (), (ARDEN, company("other"))]:
        cloud = Cloud()
        cloud.publish(1, "1.0.0", signers=signers)
        assert refused(image_targets, cloud.repository) == "threshold_unmet"


def test_a_signature_that_is_there_twice_is_refused() -> None:
    repository = ImageRepository()
    repository.add(release(1), signers=(ARDEN,))
    name = image_repository.targets_file(1)
    members = json.loads(repository.files[name])
    members["signatures"] *= 2
    data = json.dumps(members).encode()
    reading = Reading(IMAGE, Trusted(image_root()), NOW_US)
    with pytest.raises(UpdateMalformed):
        reading._take(data, Targets, 600_000)


def test_an_online_key_of_the_image_repository_can_hide_a_release_and_make_none(cloud) -> None:
    """Snapshot and timestamp are signed by the cell; the targets by the companies alone."""
    forged = Metadata[Targets].from_bytes(cloud.repository.files[image_repository.targets_file(2)])
    forged.signed.version = 3
    forged.signatures.clear()
    add_signature(forged, SNAPSHOT)
    add_signature(forged, TIMESTAMP)
    cloud.repository.put(forged)
    assert refused(image_targets, cloud.repository) == "threshold_unmet"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2), st.data())
def test_a_bit_that_was_turned_anywhere_is_noticed(part, data) -> None:
    cloud = Cloud()
    cloud.publish(1, "1.0.0")
    files = list(cloud.direct(cloud.assignment(1)))
    place = data.draw(st.integers(0, len(files[part]) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    altered = bytearray(files[part])
    altered[place] ^= bit
    right = directed(cloud, files)
    files[part] = bytes(altered)
    try:
        found = directed(cloud, tuple(files))
    except UpdateRefused:
        return
    assert found == right, "a letter of a signature in hexadecimal may be a capital"


def test_every_refusal_has_a_word() -> None:
    assert reason_of(UpdateOlder("x")) is UpdateReason.ROLLBACK
    assert reason_of(UpdateUnfit("x", reason="wrong_car")) is UpdateReason.WRONG_CAR
    assert reason_of(UpdateRefused("x")) is UpdateReason.MALFORMED


def test_the_specification_names_every_reason() -> None:
    page = Path(__file__).parents[2] / "docs/protocol/updates.md"
    text = page.read_text(encoding="utf-8")
    for reason in UpdateReason:
        assert f"| `{reason}` |" in text
