"""What the director must know of releases: read from the image repository, each once.

Rules:

* a release that was published never changes, so it is read once; one that does not exist is asked
  for again, as it may be published meanwhile;
* that asks the records first, so that a car which names releases at will costs little;
* of a release that the repository lists no longer the bytes are not known any more; it is still a
  release.

Left out on purpose: publishing. Whoever published a release has checked the companies' signatures,
and every car checks them again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.cloud.campaigns.logic.reports import Release
from monocoque.cloud.releases.service import published_release
from monocoque.contracts.errors import NotFound
from monocoque.contracts.updates import FACTORY_NUMBER, release_path
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.trust.updates.director import Target
from monocoque.trust.updates.release import Release as ReleaseDocument
from monocoque.trust.updates.release import read_release

RELEASES_REMEMBERED_MAX: Final = 200


@dataclass(frozen=True)
class Published:
    """A release that was published."""

    facts: Release
    """What the director says of it."""
    document: ReleaseDocument
    """What it says of itself, to its owner."""


class Releases:
    """Releases, each read once."""

    def __init__(self, records: Records, documents: Documents, keystore: KeyStore) -> None:
        """documents, keystore: the cell's."""
        self._records = records
        self._documents = documents
        self._keystore = keystore
        self._known: OrderedDict[int, Published] = OrderedDict()

    async def find(self, number: int) -> Published | None:
        """The release with this number, or None; raises UpdateRefused for a damaged repository."""
        known = self._known.get(number)
        if known is not None:
            self._known.move_to_end(number)
            return known
        try:
            on_record = (await published_release(self._records, number)).release
        except NotFound:
            # What every car leaves the line with is there before anything is on record.
            if number != FACTORY_NUMBER:
                return None
            on_record = None
        found = self._read(number, on_record)
        if found is not None:
            self._known[number] = found
            if len(self._known) > RELEASES_REMEMBERED_MAX:
                self._known.popitem(last=False)
        return found

    async def facts(self, numbers: Iterable[int]) -> Mapping[int, Release]:
        """What the director must know of those of them that exist."""
        found = {number: await self.find(number) for number in sorted(set(numbers)) if number}
        return {number: each.facts for number, each in found.items() if each is not None}

    def _read(self, number: int, on_record: ReleaseDocument | None) -> Published | None:
        # Imported here: TUF's metadata takes long to load, and a process without a cell needs none.
        from monocoque.cloud.releases.service.repository import ImageRepository
        from monocoque.trust.updates.image_repository import RELEASE_FIELD, sha256_of

        repository = ImageRepository(self._documents, self._keystore)
        targets = repository.published().targets
        images: dict[str, Target] = {}
        document = None
        for path, target in () if targets is None else targets.targets.items():
            custom = target.custom or {}
            if custom.get(RELEASE_FIELD) != number:
                continue
            facts = Target(path, target.length, sha256_of(target))
            if path == release_path(number):
                document = facts
            else:
                images |= dict.fromkeys(custom["hardware_ids"], facts)
        if targets is not None and document is not None:
            said = read_release(repository.release_document(targets, number))
            return Published(Release(number, said.version, document, images), said)
        if on_record is None:
            return None
        unlisted = Release(number, on_record.version, None, {})
        return Published(unlisted, on_record)
