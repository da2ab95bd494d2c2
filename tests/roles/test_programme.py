"""A first start makes two companies, their keys, the first roots and the first release, once."""

import pytest

from monocoque.cloud.releases.service.repository import ImageRepository
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.updates import (
    COMPANIES,
    COMPANY_RELEASE_KEY,
    COMPANY_ROOT_KEY,
    DIRECTOR_ROOT,
    DIRECTOR_TARGETS_KEY,
    IMAGE_ROOT,
    ROOT_BYTES_MAX,
)
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.layout import Layout
from monocoque.roles.programme import (
    factory_release,
    give_roots,
    make_programme,
    places_of,
)
from monocoque.roles.snapshots import take_snapshot
from monocoque.trust.keys import SystemKeyMaker, load_key
from monocoque.trust.updates.image_repository import listed_numbers
from monocoque.trust.updates.metadata import DIRECTOR, IMAGE, check_signed, read_root, signed_by
from monocoque.trust.updates.release import read_release, release_bytes
from tests.fixtures.http import SecretsInMemory


@pytest.fixture
def layout(tmp_path) -> Layout:
    made = Layout(tmp_path / "data")
    made.make()
    return made


def start(layout):
    places = places_of(layout, FileKeyStore(layout.secrets), FileDocuments(layout.documents))
    make_programme(places, SystemKeyMaker(), SystemClock())
    return places


def all_files(layout):
    return {path: path.read_bytes() for path in layout.path.rglob("*") if path.is_file()}


def test_roots_are_signed_by_both_companies_and_known_to_factory_and_cell(layout):
    places = start(layout)
    for name, repository in ((IMAGE_ROOT, IMAGE), (DIRECTOR_ROOT, DIRECTOR)):
        root = read_root(places.factory.read(name), repository, ROOT_BYTES_MAX)
        check_signed(root.signed, root)
        assert signed_by(root.signed, root) == tuple(sorted(COMPANIES))
        assert places.cell.read(name) == places.factory.read(name)
    director = read_root(places.cell.read(DIRECTOR_ROOT), DIRECTOR, ROOT_BYTES_MAX).signed
    key = load_key(places.cell.read(DIRECTOR_TARGETS_KEY))
    assert director.roles["targets"].keyids == [key.key_id]


def test_what_every_car_leaves_the_line_with_is_published(layout):
    places = start(layout)
    repository = ImageRepository(places.documents, places.cell)
    targets = repository.published().targets
    assert listed_numbers(targets) == {1}
    assert read_release(repository.release_document(targets, 1)) == factory_release()
    assert release_bytes(factory_release())


def test_a_later_start_changes_nothing(layout):
    start(layout)
    before = all_files(layout)
    start(layout)
    assert all_files(layout) == before


def test_the_cell_goes_on_when_the_companies_took_their_keys_away(layout, tmp_path):
    start(layout)
    layout.companies.rename(tmp_path / "elsewhere")
    before = all_files(layout)
    start(layout)
    assert all_files(layout) == before


def test_no_private_key_of_a_company_is_among_the_secrets_of_cell_or_factory(layout):
    start(layout)
    secrets = [
        path.read_bytes()
        for folder in (layout.secrets, layout.factory.secrets, layout.documents)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    for company in COMPANIES:
        own = FileKeyStore(layout.company_secrets(company))
        for name in (COMPANY_ROOT_KEY, COMPANY_RELEASE_KEY):
            assert own.read(name) not in secrets
            assert (layout.company_secrets(company) / name).stat().st_mode & 0o077 == 0


def test_a_snapshot_has_the_companies_keys(layout):
    start(layout)
    name = take_snapshot(layout, "1", SystemClock().now_us())
    for company in COMPANIES:
        place = layout.company_secrets(company) / COMPANY_ROOT_KEY
        copy = layout.snapshots / name / place.relative_to(layout.path)
        assert copy.read_bytes() == place.read_bytes()


def test_a_car_takes_the_roots_along_once_and_waits_for_a_factory_without(layout):
    car = SecretsInMemory()
    with pytest.raises(CredentialsRefused, match=IMAGE_ROOT):
        give_roots(FileKeyStore(layout.factory.secrets), car)
    places = start(layout)
    give_roots(places.factory, car)
    assert car.secrets == {name: places.factory.read(name) for name in (IMAGE_ROOT, DIRECTOR_ROOT)}
    car.write(IMAGE_ROOT, b"a newer one")
    give_roots(places.factory, car)
    assert car.read(IMAGE_ROOT) == b"a newer one"
