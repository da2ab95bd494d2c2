"""A release is published whole, by both companies, or nobody sees anything of it."""

import random

import pytest
from tuf.api.metadata import Timestamp

from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.releases.service.repository import ImageRepository, ends_us, image_bytes
from monocoque.contracts.errors import (
    CredentialsRefused,
    NotFound,
    UpdateAltered,
    UpdateExpired,
    UpdateHardwareWrong,
    UpdateOlder,
    UpdateRefused,
    UpdateThresholdUnmet,
    UpdateTooLarge,
)
from monocoque.contracts.updates import (
    COMPANIES,
    DIRECTOR_ROOT,
    FACTORY_IMAGE_BYTES,
    HARDWARE,
    IMAGE_FOLDER,
    IMAGE_ROOT,
    IMAGE_SNAPSHOT_KEY,
    TIMESTAMP_BYTES_MAX,
    factory_image,
    image_path,
)
from monocoque.plumbing.documents.memory import MemoryDocuments
from monocoque.roles.programme import Places, make_programme
from monocoque.trust.keys import SeededKeyMaker
from monocoque.trust.updates import metadata
from monocoque.trust.updates.image_repository import listed_numbers
from tests.cloud.releases.stand import DyingDocuments, Folder, PowerLost, Stand, programme
from tests.fixtures.http import SecretsInMemory, SettableClock

CONFIG = ReleasesConfig()
TIMESTAMP = f"{IMAGE_FOLDER}/metadata/timestamp.json"
DAY_S = 86_400


@pytest.fixture
def stand() -> Stand:
    return Stand()


def refused(stand, error, targets, folder, match=None):
    """It is refused by that name, and not a byte has changed."""
    before = dict(stand.documents.files)
    with pytest.raises(error, match=match):
        stand.repository.publish(targets, folder, stand.clock.now_us())
    assert stand.documents.files == before


def test_the_first_release_is_the_one_that_cars_leave_the_line_with(stand):
    assert listed_numbers(stand.targets) == {1}
    assert image_bytes(stand.targets, 1) == len(HARDWARE) * FACTORY_IMAGE_BYTES
    for hardware_id in HARDWARE:
        assert factory_image(hardware_id) in stand.seen().values()


def test_a_release_of_both_companies_is_there_for_everybody(stand):
    published = stand.publish(2, "1.2.0")
    assert (published.number, published.version) == (2, "1.2.0")
    assert listed_numbers(stand.targets) == {1, 2}
    assert len(stand.seen()) == 2 * (len(HARDWARE) + 1)
    assert (stand.repository.published().timestamp_version, stand.targets.version) == (2, 2)


@pytest.mark.parametrize("companies", [("arden",), ("arden", "arden"), ("lumio",)])
def test_one_company_publishes_nothing_however_often_it_signs(stand, companies):
    targets, folder = stand.new()
    signed = stand.signed(targets, *companies)
    refused(stand, UpdateThresholdUnmet, signed, folder, f"1 of 2 .*{companies[0]}")


def test_keys_that_are_not_the_companies_publish_nothing(stand):
    targets, folder = stand.new()
    stranger = Stand(programme(seed=2))
    refused(stand, UpdateThresholdUnmet, stranger.signed(targets), folder, "0 of 2")


def test_unknown_hardware_is_refused(stand):
    targets, folder = stand.new()
    members = targets.signed.targets
    target = members.pop(image_path(2, "arden7-body"))
    target.path = "2/arden9-body.img"
    target.unrecognized_fields["custom"]["hardware_ids"] = ["arden9-body"]
    members[target.path] = target
    refused(stand, UpdateHardwareWrong, stand.signed(targets), folder)


def test_a_number_that_is_not_higher_is_refused(stand):
    late, folder = stand.new(2)
    stand.publish(2)
    refused(stand, UpdateOlder, stand.signed(late), folder)
    again, folder = stand.new(2, "1.3.0")
    refused(stand, UpdateOlder, stand.signed(again), folder)


def test_a_release_that_lay_for_a_year_is_refused(stand):
    targets, folder = stand.new()
    stand.clock.advance(366 * DAY_S)
    refused(stand, UpdateExpired, stand.signed(targets), folder)


@pytest.mark.parametrize("place", range(len(HARDWARE) + 1))
def test_files_that_were_altered_after_signing_are_refused(stand, place):
    targets, folder = stand.new()
    name = sorted(folder.files)[place]
    whole = folder.files[name]
    for damaged, error in (
        (whole[:-1] + bytes([whole[-1] ^ 1]), UpdateRefused),
        (whole[:-1], UpdateAltered),
        (b"", UpdateAltered),
        (whole + b"x", UpdateTooLarge),
        (whole * 100, UpdateTooLarge),
    ):
        folder.files[name] = damaged
        refused(stand, error, stand.signed(targets), folder)


NAMED = ("1.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json")


@pytest.mark.parametrize("name", NAMED)
def test_a_release_is_not_published_on_top_of_a_damaged_repository(stand, name):
    stand.publish(2)
    targets, folder = stand.new(3, "1.3.0")
    signed = stand.signed(targets)
    place = f"{IMAGE_FOLDER}/metadata/{name}"
    whole = stand.documents.files[place]
    for damaged in (b"", whole[:-1], whole.replace(b'"version":', b'"version":1'), whole * 1000):
        stand.documents.files[place] = damaged
        refused(stand, UpdateRefused, signed, folder)
    stand.documents.files[place] = whole
    stand.repository.publish(signed, folder, stand.clock.now_us())


@pytest.mark.parametrize("name", [name for name in NAMED if name != "timestamp.json"])
def test_a_release_is_not_published_where_something_is_missing(stand, name):
    stand.publish(2)
    targets, folder = stand.new(3, "1.3.0")
    signed = stand.signed(targets)
    del stand.documents.files[f"{IMAGE_FOLDER}/metadata/{name}"]
    refused(stand, (UpdateAltered, NotFound), signed, folder)


@pytest.mark.parametrize("name", ["snapshot", "targets"])
def test_an_older_file_in_place_of_a_newer_one_is_seen_though_it_is_signed(stand, name):
    stand.publish(2)
    targets, folder = stand.new(3, "1.3.0")
    signed, files = stand.signed(targets), stand.documents.files
    folder_name = f"{IMAGE_FOLDER}/metadata"
    files[f"{folder_name}/2.{name}.json"] = files[f"{folder_name}/1.{name}.json"]
    refused(stand, UpdateAltered, signed, folder, f"2.{name}.json is not the one")


def test_a_kill_at_any_write_leaves_the_old_repository_whole_and_the_next_try_completes_it(stand):
    """Enumerated: every number of writes after which the power can be lost."""
    targets, folder = stand.new()
    stand.signed(targets)
    now_us = stand.clock.now_us()
    before, seen_before = dict(stand.documents.files), stand.seen()
    stand.repository.publish(targets, folder, now_us)
    seen_after = stand.seen()
    writes = len(HARDWARE) + 1 + 3  # images, document, targets, snapshot, timestamp
    for done in range(writes + 1):
        dying = DyingDocuments(before, writes=done)
        mine = Stand(Places(stand.places.companies, stand.places.factory, stand.places.cell, dying))
        if done == writes:
            mine.repository.publish(targets, folder, now_us)
            assert dying.written[-1] == TIMESTAMP
            assert len(dying.written) == writes
            assert mine.seen() == seen_after
            continue
        with pytest.raises(PowerLost):
            mine.repository.publish(targets, folder, now_us)
        assert mine.seen() == seen_before
        assert listed_numbers(mine.targets) == {1}
        dying.writes = None
        mine.repository.publish(targets, folder, now_us)
        assert mine.seen() == seen_after


def test_what_a_kill_left_does_not_hinder_another_release(stand):
    targets, folder = stand.new(2, "1.2.0")
    before = dict(stand.documents.files)
    dying = DyingDocuments(before, writes=6)
    places = stand.places
    mine = Stand(Places(places.companies, places.factory, places.cell, dying))
    with pytest.raises(PowerLost):
        mine.repository.publish(mine.signed(targets), folder, mine.clock.now_us())
    dying.writes = None
    assert mine.publish(2, "1.9.0").version == "1.9.0"
    mine.seen()


class DyingSecrets(SecretsInMemory):
    """A keystore on the same machine as the documents, whose writes count with theirs."""

    def __init__(self, documents):
        super().__init__()
        self._documents = documents

    def write(self, name, secret):
        self._documents.count(name)
        super().write(name, secret)


def test_a_kill_at_any_write_of_a_first_start_is_made_up_for_by_the_next():
    def places(documents):
        companies = {name: DyingSecrets(documents) for name in COMPANIES}
        return Places(companies, DyingSecrets(documents), DyingSecrets(documents), documents)

    def start(mine, seed):
        keys = SeededKeyMaker(random.Random(seed).randbytes)
        clock = SettableClock()
        clock.advance(seed)
        make_programme(mine, keys, clock)

    whole = places(DyingDocuments())
    start(whole, 1)
    for done in range(len(whole.documents.written)):
        mine = places(DyingDocuments(writes=done))
        with pytest.raises(PowerLost):
            start(mine, 1)
        kept = dict(mine.factory.secrets)
        mine.documents.writes = None
        start(mine, 2)
        assert mine.factory.secrets | kept == mine.factory.secrets
        for name in (IMAGE_ROOT, DIRECTOR_ROOT):
            assert mine.cell.read(name) == mine.factory.read(name)
        first_root = mine.documents.files[f"{IMAGE_FOLDER}/metadata/1.root.json"]
        assert first_root == mine.cell.read(IMAGE_ROOT)
        assert Stand(mine).seen()


# --- times ----------------------------------------------------------------------------------


def test_a_timestamp_is_renewed_and_a_snapshot_when_it_soon_ends(stand):
    stand.publish(2)
    seen, now = stand.seen(), stand.repository.published()
    stand.clock.advance(4 * DAY_S)
    stand.repository.renew(stand.clock.now_us(), CONFIG)
    once = stand.repository.published()
    assert (once.timestamp_version, once.snapshot_version) == (
        now.timestamp_version + 1,
        now.snapshot_version,
    )
    data = stand.documents.files[TIMESTAMP]
    assert ends_us(data) == stand.clock.now_us() + 7 * DAY_S * 1_000_000
    metadata.check_signed(once.root, metadata.read(data, Timestamp, TIMESTAMP_BYTES_MAX))
    stand.clock.advance(20 * DAY_S)
    stand.repository.renew(stand.clock.now_us(), CONFIG)
    twice = stand.repository.published()
    assert twice.snapshot_version == once.snapshot_version + 1
    assert not twice.snapshot.is_expired(metadata.expiry(stand.clock.now_us(), 29 * DAY_S))
    assert stand.seen() == seen


def test_a_kill_between_snapshot_and_timestamp_changes_nothing(stand):
    stand.clock.advance(24 * DAY_S)
    dying = DyingDocuments(stand.documents.files, writes=1)
    with pytest.raises(PowerLost):
        ImageRepository(dying, stand.places.cell).renew(stand.clock.now_us(), CONFIG)
    before = ImageRepository(dying, stand.places.cell).published()
    assert before.snapshot_version == 1
    dying.writes = None
    ImageRepository(dying, stand.places.cell).renew(stand.clock.now_us(), CONFIG)
    assert ImageRepository(dying, stand.places.cell).published().snapshot_version == 2


# --- what may be missing --------------------------------------------------------------------


def test_a_cell_that_was_never_started_has_no_repository():
    with pytest.raises(NotFound, match="no repository"):
        ImageRepository(MemoryDocuments(), SecretsInMemory()).published()


def test_a_lost_key_of_the_cell_is_named(stand):
    del stand.places.cell.secrets[IMAGE_SNAPSHOT_KEY]
    targets, folder = stand.new()
    with pytest.raises(CredentialsRefused, match=IMAGE_SNAPSHOT_KEY):
        stand.repository.publish(stand.signed(targets), folder, stand.clock.now_us())
    assert listed_numbers(stand.targets) == {1}


def test_an_endless_file_is_not_read_to_its_end(stand):
    targets, folder = stand.new()
    asked = []

    class Endless(Folder):
        def __call__(self, name, bytes_max):
            asked.append(bytes_max)
            return b"x" * (bytes_max + 1)

    refused(stand, UpdateTooLarge, stand.signed(targets), Endless(folder.files))
    assert max(asked) <= 65_536
