"""The port to what was published: releases, and the director's roots; and a memory of releases.

Rules: a release that was published never changes, so it is asked for once; one that does not exist
is asked for again, as it may be published meanwhile.

Left out on purpose: publishing. Whoever published a release has checked the companies' signatures,
and every car checks them again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from monocoque.cloud.campaigns.logic.reports import Release
from monocoque.trust.updates.release import Release as ReleaseDocument

RELEASES_REMEMBERED_MAX: Final = 200


@dataclass(frozen=True)
class Published:
    """A release that was published."""

    facts: Release
    """What the director says of it."""
    document: ReleaseDocument
    """What it says of itself, to its owner."""


class Programme(Protocol):
    """What was published."""

    async def find_release(self, number: int) -> Published | None:
        """The release with this number, or None."""

    async def director_roots(self) -> Sequence[bytes]:
        """The director's roots from version 2 on, in order."""


class Releases:
    """Releases, each asked for once."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._known: OrderedDict[int, Published] = OrderedDict()

    async def find(self, number: int) -> Published | None:
        """The release with this number, or None."""
        known = self._known.get(number)
        if known is not None:
            self._known.move_to_end(number)
            return known
        found = await self._programme.find_release(number)
        if found is not None:
            self._known[number] = found
            if len(self._known) > RELEASES_REMEMBERED_MAX:
                self._known.popitem(last=False)
        return found

    async def facts(self, numbers: Iterable[int]) -> Mapping[int, Release]:
        """What the director must know of those of them that exist."""
        found = {number: await self.find(number) for number in sorted(set(numbers))}
        return {number: each.facts for number, each in found.items() if each is not None}
