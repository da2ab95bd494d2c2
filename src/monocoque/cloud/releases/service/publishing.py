"""Publishing a release: into the repository first, and then on record.

Rules: the repository is the truth, so what is in it goes on record whoever put it there; whatever
is not done is done by the next look. A release that cannot be read keeps neither the timestamp from
being renewed nor another release from going on record.

Left out on purpose: taking a release back. Nobody can know which car has read it.
"""

from functools import partial
from typing import Final

from tuf.api.metadata import Metadata, Targets

from monocoque.cloud.releases import records as rows
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.releases.service import TIMESTAMP_FILE
from monocoque.cloud.releases.service.repository import (
    ImageRepository,
    ReadFile,
    ends_us,
    image_bytes,
)
from monocoque.contracts.errors import UpdateExpired, UpdateRefused
from monocoque.contracts.updates import TIMESTAMP_BYTES_MAX
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.updates.image_repository import listed_numbers
from monocoque.trust.updates.metadata import expiry
from monocoque.trust.updates.release import Release, read_release

SECOND_US: Final = 1_000_000


async def publish(
    documents: Documents,
    keystore: KeyStore,
    records: Records,
    targets: Metadata[Targets],
    read_file: ReadFile,
    now_us: int,
) -> Release:
    """Publish one more release and put it on record.

    Raises what ``ImageRepository.publish`` raises, and what ``transact`` does; the release is then
    published already, and the service puts it on record.
    """
    repository = ImageRepository(documents, keystore)
    release = repository.publish(targets, read_file, now_us)
    await note_published(repository, records, now_us)
    return release


async def note_published(repository: ImageRepository, records: Records, now_us: int) -> list[int]:
    """Put on record what is in the repository and is not yet; the numbers of those.

    Raises UpdateRefused for one that cannot be read, after the others went on record.
    """
    targets = repository.published().targets
    known = await records.transact(rows.known_numbers)
    new: list[int] = []
    refusals: list[UpdateRefused] = []
    for number in sorted(listed_numbers(targets) - known):
        assert targets is not None
        try:
            document = repository.release_document(targets, number)
            version = read_release(document).version
        except UpdateRefused as refusal:
            refusals.append(refusal)
            continue
        await records.transact(
            partial(
                rows.add_release,
                number=number,
                version=version,
                document=document,
                image_bytes=image_bytes(targets, number),
                published_us=now_us,
            )
        )
        new.append(number)
    if refusals:
        raise refusals[0]
    return new


class Keeper:
    """Looks after the repository for the service."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._config = context.config(ReleasesConfig)
        self._documents: Documents = context.port(Documents)
        self._repository = ImageRepository(self._documents, context.keystore)
        self._known: bytes | None = None
        """The timestamp at the last look."""
        self._due_us = 0
        """When that one is to be signed anew."""
        self._noted: bytes | None = None
        """The timestamp whose releases are all on record."""

    async def look(self) -> None:
        """Renew what is soon over, and note what is new; neither waits for the other to succeed."""
        now_us = self._context.clock.now_us()
        timestamp = self._documents.read(TIMESTAMP_FILE, TIMESTAMP_BYTES_MAX)
        if timestamp is None:
            return
        try:
            self._renew_in_time(timestamp, now_us)
        finally:
            await self._note_new(timestamp, now_us)

    def _renew_in_time(self, timestamp: bytes, now_us: int) -> None:
        if timestamp != self._known:
            self._due_us = ends_us(timestamp) - round(self._config.timestamp_left_s_min * SECOND_US)
            self._known = timestamp
        if now_us >= self._due_us:
            self._repository.renew(now_us, self._config)
            self._warn_of_old_targets(now_us)

    async def _note_new(self, timestamp: bytes, now_us: int) -> None:
        if timestamp != self._noted:
            for number in await note_published(self._repository, self._context.records, now_us):
                self._context.log.info("release on record", number=number)
            self._noted = timestamp

    def _warn_of_old_targets(self, now_us: int) -> None:
        targets = self._repository.published().targets
        if targets and targets.is_expired(expiry(now_us, self._config.targets_left_s_min)):
            self._context.count_error(
                UpdateExpired("What the companies signed is good for a short time only."),
                "companies must sign a release soon",
            )
