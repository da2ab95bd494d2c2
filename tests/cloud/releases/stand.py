"""A cell's repository in memory, made as a first start makes it, and releases for it."""

import random
from dataclasses import dataclass, field

from tuf.api.metadata import Metadata, Targets

from monocoque.cloud.releases.service.repository import ImageRepository
from monocoque.contracts.updates import COMPANIES, COMPANY_RELEASE_KEY, IMAGE_FOLDER
from monocoque.plumbing.documents.memory import MemoryDocuments
from monocoque.roles.programme import Places, make_programme
from monocoque.trust.keys import SeededKeyMaker, load_key
from monocoque.trust.updates import image_repository, metadata
from tests.fixtures.http import SecretsInMemory, SettableClock
from tests.fixtures.updates import images_of, release


class PowerLost(BaseException):
    """The machine is gone; nothing of ours catches it."""


class DyingDocuments(MemoryDocuments):
    """A disk whose machine loses its power at one of its writes."""

    def __init__(self, files=(), writes=None):
        """writes: how many are done before the one in which the power is lost."""
        super().__init__()
        self.files = dict(files)
        self.writes = writes
        self.written = []

    def count(self, name):
        """One more write, here or in a keystore of the same machine."""
        if self.writes is not None and len(self.written) >= self.writes:
            raise PowerLost
        self.written.append(name)

    def write(self, name, content):
        self.count(name)
        super().write(name, content)


def programme(seed=1, documents=None) -> Places:
    """The programme of a first start."""
    places = Places(
        {name: SecretsInMemory() for name in COMPANIES},
        SecretsInMemory(),
        SecretsInMemory(),
        documents or MemoryDocuments(),
    )
    make_programme(places, SeededKeyMaker(random.Random(seed).randbytes), SettableClock())
    return places


@dataclass
class Stand:
    """A repository with the factory's release, and what makes more."""

    places: Places = field(default_factory=programme)
    clock: SettableClock = field(default_factory=SettableClock)

    @property
    def documents(self):
        return self.places.documents

    @property
    def repository(self) -> ImageRepository:
        return ImageRepository(self.documents, self.places.cell)

    @property
    def targets(self) -> Targets:
        return self.repository.published().targets

    def key(self, company):
        """The release key of a company."""
        return load_key(self.places.companies[company].read(COMPANY_RELEASE_KEY))

    def new(self, number=2, version="1.2.0", images=None, **changes):
        """The unsigned targets of one more release, and how its files are read."""
        one = release(number, version, **changes)
        targets, files = image_repository.next_targets(
            self.targets, one, images or images_of(one), self.clock.now_us()
        )
        by_name = {file.name: file.data for file in files}
        return targets, Folder(by_name)

    def signed(self, targets: Metadata[Targets], *companies: str) -> Metadata[Targets]:
        """With the signatures of these companies; of both when none is named."""
        for company in companies or tuple(COMPANIES):
            metadata.add_signature(targets, self.key(company))
        return targets

    def publish(self, number=2, version="1.2.0", **changes):
        """Publish one more release."""
        targets, folder = self.new(number, version, **changes)
        return self.repository.publish(self.signed(targets), folder, self.clock.now_us())

    def seen(self) -> dict[str, bytes]:
        """Every file that a car could come to from the timestamp, by name, whole and checked."""
        now = self.repository.published()
        files = {}
        for target in now.targets.targets.values():
            name = f"{IMAGE_FOLDER}/{image_repository.target_file(target)}"
            files[name] = self.documents.files[name]
            image_repository.check_target(target, files[name])
        return files


@dataclass
class Folder:
    """Reads the files of a release."""

    files: dict[str, bytes]

    def __call__(self, name: str, bytes_max: int) -> bytes:
        return self.files[name][: bytes_max + 1]
