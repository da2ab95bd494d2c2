"""Releases on record: which there are, what each says, and what people think of it.

Rules:

* the repository is the truth; a release that is in it and not on record yet, because whoever
  published it was killed between the two, is put on record by the service;
* the service signs the timestamp anew in time, so that cars that ask are not told something old;
* a thought that is sent again is the same thought.

Left out on purpose: publishing (publishing.py), whose metadata takes long to load and which nobody
needs to read; and who may install what, which is the director's to say.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.releases import records as rows
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.contracts.errors import (
    MonocoqueError,
    NotFound,
    RequestMalformed,
    TooManyRequests,
)
from monocoque.contracts.updates import IMAGE_FOLDER, RELEASES_LISTED_MAX
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.updates.release import Release, read_release

TIMESTAMP_FILE: Final = f"{IMAGE_FOLDER}/metadata/timestamp.json"
HOUR_US: Final = 3_600_000_000


async def run(context: Context) -> None:
    """Keep records and repository together, and the timestamp fresh, until cancelled."""
    # Imported here: who only runs cars does not pay for it.
    from monocoque.cloud.releases.service.publishing import Keeper

    keeper = Keeper(context)
    while True:
        try:
            await keeper.look()
        except MonocoqueError as error:  # whoever publishes now, or a disk or database that is away
            context.count_error(error, "releases wait")
        await asyncio.sleep(context.config(ReleasesConfig).look_interval_s)


def has_releases(documents: Documents) -> bool:
    """Whether anything was ever published."""
    return documents.size_bytes(TIMESTAMP_FILE) is not None


@dataclass(frozen=True)
class PublishedRelease:
    """A release as it is on record."""

    release: Release
    image_bytes: int
    """All images together."""
    published_us: int
    thoughts: int
    """How many there are under it."""


@dataclass(frozen=True)
class Thought:
    """What somebody thinks of a release."""

    person_id: str
    ordinal: int
    text: str
    written_us: int


async def published_releases(records: Records) -> Sequence[PublishedRelease]:
    """The releases that can be installed, the newest first."""

    def work(connection: Connection) -> tuple[Sequence[Row[Any]], Mapping[int, int]]:
        found = rows.newest_releases(connection, RELEASES_LISTED_MAX)
        return found, rows.count_thoughts(connection, [row.number for row in found])

    found, thoughts = await records.transact(work)
    return [_published(row, thoughts.get(row.number, 0)) for row in found]


async def published_release(records: Records, number: int) -> PublishedRelease:
    """One release; raises NotFound."""

    def work(connection: Connection) -> tuple[Row[Any], int]:
        row = _found(connection, number)
        return row, rows.count_thoughts(connection, [number]).get(number, 0)

    row, thoughts = await records.transact(work)
    return _published(row, thoughts)


async def newest_thoughts(
    records: Records, number: int, config: ReleasesConfig
) -> Sequence[Thought]:
    """What people think of a release, the newest first, at most ``thoughts_shown_max``."""
    found = await records.transact(
        lambda connection: rows.newest_thoughts(connection, number, config.thoughts_shown_max)
    )
    return [_thought(row) for row in found]


async def add_thought(
    records: Records, number: int, person_id: str, text: str, now_us: int, config: ReleasesConfig
) -> Thought:
    """Put a thought under a release.

    Raises NotFound, RequestMalformed, TooManyRequests.
    """
    said = checked_thought(text, config)

    def work(connection: Connection) -> Thought:
        _found(connection, number)
        own = rows.own_thoughts(connection, number, person_id)
        for row in own:
            if row.text == said:
                return _thought(row)
        if len(own) >= config.thoughts_per_release_max:
            raise TooManyRequests(
                f"One person has at most {config.thoughts_per_release_max} thoughts on a release.",
                hint="What was written stays; there is room under the next release.",
            )
        recent = rows.count_thoughts_since(connection, person_id, now_us - HOUR_US)
        if recent >= config.thoughts_per_hour_max:
            raise TooManyRequests(
                f"One person has at most {config.thoughts_per_hour_max} thoughts in an hour.",
                hint="Wait up to an hour, then send it again.",
            )
        ordinal = len(own) + 1
        rows.add_thought(connection, number, person_id, ordinal, said, now_us)
        return Thought(person_id, ordinal, said, now_us)

    return await records.transact(work)


def checked_thought(text: str, config: ReleasesConfig) -> str:
    """The thought without what surrounds it; raises RequestMalformed."""
    said = text.strip()
    if not 0 < len(said) <= config.thought_characters_max:
        raise RequestMalformed(
            f"A thought has 1 to {config.thought_characters_max} characters.",
            hint="Say it in fewer words, or in some.",
        )
    if any(character < " " and character not in "\n\t" for character in said):
        raise RequestMalformed(
            "A thought has control characters.", hint="Write it with letters alone."
        )
    return said


def _found(connection: Connection, number: int) -> Row[Any]:
    row = rows.find_release(connection, number)
    if row is None:
        raise NotFound("There is no release of this number.")
    return row


def _published(row: Row[Any], thoughts: int) -> PublishedRelease:
    return PublishedRelease(read_release(row.document), row.image_bytes, row.published_us, thoughts)


def _thought(row: Row[Any]) -> Thought:
    return Thought(row.person_id, row.ordinal, row.text, row.written_us)
