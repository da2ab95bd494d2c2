"""The programme of updates on a first start: two companies, their keys, the first roots, release 1.

Rules:

* each company has a folder of its own with its offline keys (``companies/NAME/secrets``); a person
  who means it moves them to two separate places, and the cell goes on without them;
* the cell's keystore has the online keys alone, and the factory's the two first roots, which every
  car takes along;
* what is there is kept: a start that was killed goes on where it was, since each root is written
  where it is read from first, and everything else follows from what is kept.

Left out on purpose: changing a root. That takes both companies, and a car that knows the old one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monocoque.cloud.releases.service import has_releases
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.updates import (
    COMPANIES,
    COMPANY_RELEASE_KEY,
    COMPANY_ROOT_KEY,
    DIRECTOR_ROOT,
    DIRECTOR_SNAPSHOT_KEY,
    DIRECTOR_TARGETS_KEY,
    DIRECTOR_TIMESTAMP_KEY,
    FACTORY_NUMBER,
    FACTORY_VERSION,
    HARDWARE,
    IMAGE_ROOT,
    IMAGE_SNAPSHOT_KEY,
    IMAGE_TIMESTAMP_KEY,
    factory_image,
    image_path,
)
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.roles.layout import Layout
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.ports import KeyMaker, Signer
from monocoque.trust.updates.release import Release

ALGORITHM: Final = "EdDSA"
ONLINE_KEYS: Final = (
    IMAGE_SNAPSHOT_KEY,
    IMAGE_TIMESTAMP_KEY,
    DIRECTOR_TARGETS_KEY,
    DIRECTOR_SNAPSHOT_KEY,
    DIRECTOR_TIMESTAMP_KEY,
)

TITLES: Final = {
    "en": "As it left the line",
    "de": "Wie ab Werk",
    "zh": "出厂版本",
}
NOTES: Final = {
    "en": "The software that every car leaves the line with.",
    "de": "Die Software, mit der jedes Auto vom Band läuft.",
    "zh": "每辆车出厂时所带的软件。",
}


@dataclass(frozen=True)
class Places:
    """Where the parts of the programme are kept."""

    companies: Mapping[str, KeyStore]
    """Each company's own."""
    factory: KeyStore
    cell: KeyStore
    documents: Documents
    """The cell's."""


def places_of(layout: Layout, cell: KeyStore, documents: Documents) -> Places:
    """Those of an installation."""
    companies = {name: FileKeyStore(layout.company_secrets(name)) for name in COMPANIES}
    return Places(companies, FileKeyStore(layout.factory.secrets), cell, documents)


def make_programme(places: Places, key_maker: KeyMaker, clock: Clock) -> None:
    """Make what is missing; nothing when everything is there."""
    roots = [places.cell.read(name) for name in (IMAGE_ROOT, DIRECTOR_ROOT)]
    if None not in roots and has_releases(places.documents):
        return
    companies = {
        name: (
            _key(keystore, COMPANY_ROOT_KEY, key_maker),
            _key(keystore, COMPANY_RELEASE_KEY, key_maker),
        )
        for name, keystore in places.companies.items()
    }
    online = {name: _key(places.cell, name, key_maker) for name in ONLINE_KEYS}
    _make_roots(places, companies, online, clock.now_us())
    if not has_releases(places.documents):
        signers = [release_key for _, release_key in companies.values()]
        _publish_factory_release(places, signers, clock.now_us())


def give_roots(factory: KeyStore, car: KeyStore) -> None:
    """Put the two first roots into a car at the end of the line; raises CredentialsRefused."""
    for name in (IMAGE_ROOT, DIRECTOR_ROOT):
        if car.read(name) is None:
            root = factory.read(name)
            if root is None:
                raise CredentialsRefused(
                    f"The factory has no {name} for its cars.",
                    hint="Start the cell once on this data directory; its first start makes it.",
                )
            car.write(name, root)


def factory_release() -> Release:
    """What every car leaves the line with."""
    return Release(
        number=FACTORY_NUMBER,
        version=FACTORY_VERSION,
        title=TITLES,
        notes=NOTES,
        critical=False,
        minutes=1,
        needs_charge_percent=0,
        images={hardware_id: image_path(FACTORY_NUMBER, hardware_id) for hardware_id in HARDWARE},
    )


def _key(keystore: KeyStore, name: str, key_maker: KeyMaker) -> PrivateKey:
    secret = keystore.read(name)
    if secret is None:
        secret = key_maker.make(ALGORITHM).export()
        keystore.write(name, secret)
    return load_key(secret)


def _make_roots(
    places: Places,
    companies: Mapping[str, tuple[Signer, Signer]],
    online: Mapping[str, Signer],
    now_us: int,
) -> None:
    # Imported here: only a first start makes roots, and this takes longer than all else in it.
    from monocoque.trust.updates import image_repository, metadata

    public = [
        image_repository.CompanyKeys(name, root_key.public_jwk, release_key.public_jwk)
        for name, (root_key, release_key) in companies.items()
    ]
    jwk = {name: key.public_jwk for name, key in online.items()}
    image = image_repository.Online(None, jwk[IMAGE_SNAPSHOT_KEY], jwk[IMAGE_TIMESTAMP_KEY])
    director = image_repository.Online(
        jwk[DIRECTOR_TARGETS_KEY], jwk[DIRECTOR_SNAPSHOT_KEY], jwk[DIRECTOR_TIMESTAMP_KEY]
    )
    for entry, repository, keys in (
        (IMAGE_ROOT, metadata.IMAGE, image),
        (DIRECTOR_ROOT, metadata.DIRECTOR, director),
    ):
        root = places.factory.read(entry)
        if root is None:
            made = image_repository.root_metadata(repository, 1, public, keys, now_us)
            for root_key, _ in companies.values():
                metadata.add_signature(made, root_key)
            root = made.to_bytes()
            places.factory.write(entry, root)
        places.cell.write(entry, root)


def _publish_factory_release(places: Places, signers: Sequence[Signer], now_us: int) -> None:
    from monocoque.cloud.releases.service.repository import ImageRepository
    from monocoque.trust.updates import image_repository, metadata

    images = {hardware_id: factory_image(hardware_id) for hardware_id in HARDWARE}
    targets, files = image_repository.next_targets(None, factory_release(), images, now_us)
    for signer in signers:
        metadata.add_signature(targets, signer)
    by_name = {file.name: file.data for file in files}
    root = places.cell.read(IMAGE_ROOT)
    assert root is not None
    repository = ImageRepository(places.documents, places.cell)
    repository.begin(root)
    repository.publish(targets, lambda name, _: by_name[name], now_us)
