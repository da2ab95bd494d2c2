"""HTTP of releases: what is published, what each brings, thoughts under it; and the files for cars.

Rules:

* files of the repository are served as they lie there, in parts if asked, so that any server of
  plain files could do it instead; what has a hash or a version in its name never changes, and
  timestamp.json is asked for again each time;
* a thought is shown without the name of whoever had it; its own writer sees that it is theirs.

Left out on purpose: publishing. That takes keys, and those never come near this.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from monocoque.cloud.releases import service
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.contracts.errors import NotFound
from monocoque.contracts.rights import FETCH_UPDATES, READ_RELEASE, READ_RELEASES, WRITE_THOUGHT
from monocoque.contracts.updates import IMAGE_FOLDER, NUMBER_MAX, TARGETS_BYTES_MAX
from monocoque.plumbing.clock import Clock, moment_of
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.documents.rules import is_name
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.files import ASK_AGAIN, IMMUTABLE
from monocoque.plumbing.http.ranges import RangedResponse
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.records.port import Records

THOUGHT_BODY_BYTES_MAX = 16_384
ETAG_CHARACTERS = 32


class ReleaseSummary(BaseModel):
    """One release."""

    number: int = Field(description="only grows")
    version: str
    title: dict[str, str] = Field(description="by language: en, de, zh")
    critical: bool
    minutes: int = Field(description="how long a car cannot be used")
    needs_charge_percent: int
    hardware_ids: list[str] = Field(description="the control units that it has images for")
    image_bytes: int = Field(description="all images together")
    published_at: datetime
    thoughts: int = Field(description="how many there are under it")


class Releases(BaseModel):
    """What is published."""

    releases: list[ReleaseSummary] = Field(description="the newest first")
    now: datetime = Field(description="by the cell's clock")


class Thought(BaseModel):
    """What somebody thinks of a release."""

    text: str
    written_at: datetime
    own: bool = Field(description="whether whoever asks wrote it")


class ReleaseInFull(BaseModel):
    """One release with its notes and the newest thoughts under it."""

    release: ReleaseSummary
    notes: dict[str, str] = Field(description="Markdown, by language: en, de, zh")
    thoughts: list[Thought] = Field(description="the newest first")
    thought_characters_max: int = Field(description="how long a thought may be")
    now: datetime = Field(description="by the cell's clock")


class NewThought(BaseModel):
    """A thought to be put under a release."""

    text: str = Field(
        max_length=THOUGHT_BODY_BYTES_MAX,
        description="how long it may be says the setting releases.thought_characters_max",
    )


class Shelf:
    """Releases as the pages see them."""

    def __init__(self, records: Records, clock: Clock, config: ReleasesConfig) -> None:
        self._records = records
        self._clock = clock
        self._config = config

    async def releases(self) -> Releases:
        """What is published."""
        found = await service.published_releases(self._records)
        return Releases(
            releases=[_summary(one) for one in found], now=moment_of(self._clock.now_us())
        )

    async def release(self, number: int, person_id: str) -> ReleaseInFull:
        """One release; raises NotFound."""
        found = await service.published_release(self._records, number)
        thoughts = await service.newest_thoughts(self._records, number, self._config)
        return ReleaseInFull(
            release=_summary(found),
            notes=dict(found.release.notes),
            thoughts=[_thought(thought, person_id) for thought in thoughts],
            thought_characters_max=self._config.thought_characters_max,
            now=moment_of(self._clock.now_us()),
        )

    async def add_thought(self, number: int, person_id: str, text: str) -> Thought:
        """Put a thought under a release; raises NotFound, RequestMalformed, TooManyRequests."""
        now_us = self._clock.now_us()
        thought = await service.add_thought(
            self._records, number, person_id, text, now_us, self._config
        )
        return _thought(thought, person_id)


def routes(shelf: Shelf) -> APIRouter:
    """The routes for people, on this shelf."""
    router = APIRouter(tags=["releases"])

    @router.get("/api/releases")
    @needs(READ_RELEASES)
    async def read_releases() -> Releases:
        """Every release that is published."""
        return await shelf.releases()

    @router.get("/api/releases/{number}")
    @needs(READ_RELEASE)
    async def read_release(number: int, session: CurrentSession) -> ReleaseInFull:
        """What a release brings, in every language, and what people think of it."""
        return await shelf.release(_number(number), session.person_id)

    @router.post("/api/releases/{number}/thoughts", status_code=201)
    @needs(WRITE_THOUGHT, body_bytes_max=THOUGHT_BODY_BYTES_MAX)
    async def write_thought(number: int, thought: NewThought, session: CurrentSession) -> Thought:
        """Say what one thinks of a release; said again, it is the same thought."""
        return await shelf.add_thought(_number(number), session.person_id, thought.text)

    return router


@dataclass(frozen=True)
class RepositoryFile:
    """One file of the repository; see RangedFile."""

    documents: Documents
    name: str
    size_bytes: int
    etag: str
    cache_control: str
    content: bytes | None
    """None for what is read piece by piece, which is what never changes."""

    @property
    def media_type(self) -> str:
        """See RangedFile."""
        return "application/json" if self.name.endswith(".json") else "application/octet-stream"

    def part(self, start: int, length: int) -> bytes:
        """See RangedFile."""
        if self.content is not None:
            return self.content[start : start + length]
        return self.documents.part(self.name, start, length)


def file_routes(documents: Documents, config: HttpConfig) -> APIRouter:
    """The route for cars: plain files."""
    router = APIRouter()
    prefix = f"/{IMAGE_FOLDER}"

    @router.api_route(f"{prefix}/{{name:path}}", methods=["GET", "HEAD"], include_in_schema=False)
    @needs(FETCH_UPDATES)
    async def fetch_update(name: str) -> Response:
        """A file of the repository of updates."""
        return RangedResponse(find_file(documents, f"{IMAGE_FOLDER}/{name}"), config)

    return router


def find_file(documents: Documents, name: str) -> RepositoryFile:
    """A file of the repository; raises NotFound."""
    if not is_name(name):
        raise NotFound("There is no such file.")
    if name.startswith(f"{IMAGE_FOLDER}/targets/"):
        size_bytes, content = documents.size_bytes(name), None
        digest = name.rpartition("/")[2].partition(".")[0]
    else:
        content = documents.read(name, TARGETS_BYTES_MAX)
        size_bytes = None if content is None else len(content)
        digest = hashlib.sha256(content or b"").hexdigest()
    if size_bytes is None:
        raise NotFound("There is no such file.")
    etag = f'"{digest[:ETAG_CHARACTERS]}"'
    cache_control = ASK_AGAIN if name == service.TIMESTAMP_FILE else IMMUTABLE
    return RepositoryFile(documents, name, size_bytes, etag, cache_control, content)


def _number(number: int) -> int:
    if not 1 <= number <= NUMBER_MAX:  # more than the records can hold
        raise NotFound("There is no release of this number.")
    return number


def _summary(found: service.PublishedRelease) -> ReleaseSummary:
    release = found.release
    return ReleaseSummary(
        number=release.number,
        version=release.version,
        title=dict(release.title),
        critical=release.critical,
        minutes=release.minutes,
        needs_charge_percent=release.needs_charge_percent,
        hardware_ids=sorted(release.images),
        image_bytes=found.image_bytes,
        published_at=moment_of(found.published_us),
        thoughts=found.thoughts,
    )


def _thought(thought: service.Thought, person_id: str) -> Thought:
    return Thought(
        text=thought.text,
        written_at=moment_of(thought.written_us),
        own=thought.person_id == person_id,
    )
