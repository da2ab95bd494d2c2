"""A repository grows by one whole release at a time, and by nothing that was not agreed to."""

import pytest
from tuf.api.metadata import Delegations, Root, Snapshot, TargetFile, Timestamp

from monocoque.contracts.errors import (
    UpdateAltered,
    UpdateExpired,
    UpdateHardwareWrong,
    UpdateMalformed,
    UpdateOlder,
    UpdateThresholdUnmet,
    UpdateTooLarge,
)
from monocoque.contracts.updates import (
    HARDWARE,
    IMAGE_BYTES_MAX,
    RELEASES_LISTED_MAX,
    ROOT_BYTES_MAX,
    SNAPSHOT_BYTES_MAX,
    TARGETS_BYTES_MAX,
    TIMESTAMP_BYTES_MAX,
    image_path,
    release_path,
)
from monocoque.trust.updates import image_repository
from monocoque.trust.updates.image_repository import (
    TIMESTAMP_FILE,
    check_addition,
    check_target,
    check_targets,
    next_number,
    root_file,
    sha256_of,
    target_file,
)
from monocoque.trust.updates.metadata import IMAGE, add_signature, check_signed, read, read_root
from monocoque.trust.updates.release import release_bytes
from tests.fixtures.updates import (
    ARDEN,
    LUMIO,
    NOW_US,
    ImageRepository,
    again,
    images_of,
    release,
)

BODY = "arden7-body"
DAY_US = 86_400_000_000


@pytest.fixture
def repository() -> ImageRepository:
    """One with a release in it."""
    made = ImageRepository()
    made.add(release())
    return made


def root_of(repository: ImageRepository) -> Root:
    return read_root(repository.root, IMAGE, ROOT_BYTES_MAX).signed


def signed(targets):
    for one in (ARDEN, LUMIO):
        add_signature(targets, one.release)
    return again(targets)


def test_a_release_of_both_companies_is_an_addition(repository):
    targets, files = repository.new(release(2, "1.2.0", (BODY,)))
    addition = check_targets(root_of(repository), repository.targets, signed(targets), NOW_US)
    assert (addition.number, set(addition.images)) == (2, {BODY})
    assert next_number(repository.targets) == 2 == next_number(targets.signed) - 1
    assert next_number(None) == 1
    by_name = {file.name: file.data for file in files}
    document = by_name[target_file(addition.document)]
    assert addition.check_release(document) == release(2, "1.2.0", (BODY,))
    image = by_name[target_file(addition.images[BODY])]
    check_target(addition.images[BODY], image)
    assert image == images_of(release(2, "1.2.0"))[BODY]
    assert all(target_file(t).startswith("targets/2/") for t in addition.images.values())


def test_every_file_is_bound_by_the_timestamp(repository):
    files, root = repository.files, root_of(repository)
    timestamp = read(files[TIMESTAMP_FILE], Timestamp, TIMESTAMP_BYTES_MAX)
    check_signed(root, timestamp)
    snapshot_data = files[image_repository.snapshot_file(timestamp.signed.snapshot_meta.version)]
    timestamp.signed.snapshot_meta.verify_length_and_hashes(snapshot_data)
    snapshot = read(snapshot_data, Snapshot, SNAPSHOT_BYTES_MAX)
    check_signed(root, snapshot)
    meta = snapshot.signed.meta["targets.json"]
    meta.verify_length_and_hashes(files[image_repository.targets_file(meta.version)])
    for target in repository.targets.targets.values():
        check_target(target, files[target_file(target)])
    assert root_file(1) in files


@pytest.mark.parametrize("signers", [(), (LUMIO,)])
def test_one_company_alone_adds_nothing(repository, signers):
    targets, _ = repository.new(release(2))
    for one in signers:
        add_signature(targets, one.release)
    with pytest.raises(UpdateThresholdUnmet):
        check_targets(root_of(repository), repository.targets, targets, NOW_US)


def test_a_release_that_waited_for_more_than_a_year_is_not_published(repository):
    targets, _ = repository.new(release(2))
    with pytest.raises(UpdateExpired):
        check_targets(
            root_of(repository), repository.targets, signed(targets), NOW_US + 365 * DAY_US
        )


def test_a_number_that_is_not_higher_is_refused(repository):
    repository.add(release(5, "1.1.0"))
    for number in (1, 3, 5):
        targets, _ = repository.new(release(number, "1.2.0"))
        with pytest.raises(UpdateOlder):
            check_addition(repository.targets, targets.signed)


def test_a_release_made_from_an_older_repository_is_refused(repository):
    targets, _ = repository.new(release(3))
    repository.add(release(2))
    with pytest.raises(UpdateOlder):
        check_addition(repository.targets, targets.signed)


def test_targets_that_add_nothing_are_refused(repository):
    repository.targets.version += 1
    targets = repository.targets
    before = ImageRepository()
    before.add(release())
    with pytest.raises(UpdateOlder):
        check_addition(before.targets, targets)


def test_two_releases_at_once_are_refused(repository):
    targets, _ = repository.new(release(2))
    second, _ = repository.new(release(3))
    targets.signed.targets |= second.signed.targets
    with pytest.raises(UpdateAltered, match="one release"):
        check_addition(repository.targets, targets.signed)


def test_a_published_release_can_neither_be_altered_nor_left_out(repository):
    before = repository.targets
    for change in ("length", "drop"):
        targets, _ = repository.new(release(2))
        members = targets.signed.targets
        if change == "drop":
            del members[image_path(1, BODY)]
        else:
            old = members[image_path(1, BODY)]
            members[image_path(1, BODY)] = TargetFile(
                7, old.hashes, old.path, old.unrecognized_fields
            )
        with pytest.raises(UpdateAltered):
            check_addition(before, targets.signed)


def test_the_oldest_releases_fall_out_of_the_list_and_no_other():
    repository = ImageRepository()
    for number in range(1, RELEASES_LISTED_MAX + 1):
        repository.add(release(number, hardware=(BODY,)))
    full = repository.targets
    targets, _ = repository.new(release(RELEASES_LISTED_MAX + 1, hardware=(BODY,)))
    assert check_addition(full, targets.signed).number == RELEASES_LISTED_MAX + 1
    assert release_path(1) not in targets.signed.targets
    assert release_path(2) in targets.signed.targets
    assert len(targets.to_bytes()) < TARGETS_BYTES_MAX / 4

    old = {path: full.targets[path] for path in (release_path(1), image_path(1, BODY))}
    targets.signed.targets |= old
    with pytest.raises(UpdateTooLarge):
        check_addition(full, targets.signed)
    for path in (release_path(2), image_path(2, BODY)):
        del targets.signed.targets[path]
    with pytest.raises(UpdateAltered, match="left out"):
        check_addition(full, targets.signed)


def test_targets_delegate_to_nobody(repository):
    targets, _ = repository.new(release(2))
    targets.signed.delegations = Delegations({}, {})
    with pytest.raises(UpdateMalformed):
        check_addition(repository.targets, targets.signed)


def image_change(**changes):
    """Changes to the target of one image."""

    def change(members):
        old = members[image_path(2, BODY)]
        values = {
            "length": old.length,
            "hashes": old.hashes,
            "path": old.path,
            "unrecognized_fields": {"custom": old.custom | changes.pop("custom", {})},
        } | changes
        members[image_path(2, BODY)] = TargetFile(**values)

    return change


def without_document(members):
    del members[release_path(2)]


def long_document(members):
    members[release_path(2)].length = 65_537


def without_images(members):
    for hardware_id in HARDWARE:
        del members[image_path(2, hardware_id)]


def renamed(path):
    def change(members):
        target = members.pop(image_path(2, BODY))
        members[path] = TargetFile(target.length, target.hashes, path, target.unrecognized_fields)

    return change


@pytest.mark.parametrize(
    ("change", "error"),
    [
        pytest.param(without_document, UpdateMalformed, id="no document"),
        pytest.param(long_document, UpdateMalformed, id="a document that is too long"),
        pytest.param(without_images, UpdateMalformed, id="no image"),
        pytest.param(renamed("2/arden9-body.img"), UpdateHardwareWrong, id="unknown hardware"),
        pytest.param(renamed("2/../arden7-body.img"), UpdateHardwareWrong, id="a way out"),
        pytest.param(renamed("2/arden7-body"), UpdateMalformed, id="another ending"),
        pytest.param(renamed("7/arden7-body.img"), UpdateMalformed, id="another folder"),
        pytest.param(
            image_change(custom={"hardware_ids": ["arden7-drive"]}),
            UpdateHardwareWrong,
            id="for other hardware",
        ),
        pytest.param(image_change(custom={"version": "new"}), UpdateMalformed, id="no version"),
        pytest.param(image_change(custom={"version": 1}), UpdateMalformed, id="version a number"),
        pytest.param(
            image_change(custom={"release_number": 3}), UpdateMalformed, id="of another release"
        ),
        pytest.param(
            image_change(custom={"release_number": "2"}), UpdateMalformed, id="number a text"
        ),
        pytest.param(
            image_change(unrecognized_fields={"custom": 7}), UpdateMalformed, id="no custom"
        ),
        pytest.param(image_change(length=0), UpdateTooLarge, id="empty"),
        pytest.param(image_change(length=IMAGE_BYTES_MAX + 1), UpdateTooLarge, id="too large"),
        pytest.param(image_change(hashes={"sha512": "0" * 128}), UpdateMalformed, id="no SHA-256"),
        pytest.param(
            image_change(hashes={"sha256": "0" * 64, "md5": "0" * 32}),
            UpdateMalformed,
            id="two hashes",
        ),
        pytest.param(image_change(hashes={"sha256": "../" * 21 + "x"}), UpdateMalformed, id="path"),
    ],
)  # fmt: skip
def test_a_release_without_its_form_is_refused(repository, change, error):
    targets, _ = repository.new(release(2))
    change(targets.signed.targets)
    with pytest.raises(error):
        check_addition(repository.targets, targets.signed)


def test_bytes_that_were_not_signed_are_refused(repository):
    target = repository.targets.targets[image_path(1, BODY)]
    data = repository.files[target_file(target)]
    for wrong in (data[:-1], data[:-1] + b"x", b""):
        with pytest.raises(UpdateAltered):
            check_target(target, wrong)
    with pytest.raises(UpdateTooLarge):
        check_target(target, data + b"x")
    assert sha256_of(target) in target_file(target)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(release(3, "1.2.0"), id="another number"),
        pytest.param(release(2, "1.2.0", (BODY,)), id="fewer images"),
        pytest.param(release(2, "1.3.0"), id="another version"),
    ],
)
def test_a_document_that_does_not_fit_its_targets_is_refused(repository, other):
    targets, _ = repository.new(release(2, "1.2.0"))
    data = release_bytes(other)
    old = targets.signed.targets[release_path(2)]
    targets.signed.targets[release_path(2)] = TargetFile.from_data(old.path, data, ["sha256"])
    targets.signed.targets[release_path(2)].unrecognized_fields = old.unrecognized_fields
    addition = check_addition(repository.targets, targets.signed)
    with pytest.raises(UpdateAltered):
        addition.check_release(data)
