"""Somebody on a car's way to the files of updates, who lies now and then.

Rules:

* a liar can do what whoever holds the cell and its online keys can do: alter an image, show
  metadata that was good once, offer a release that one company signed and the other did not;
* lies are drawn for each file that is asked for, by the faults of the moment; without faults
  everything is passed on as it is.

Left out on purpose: lies of the director, and every other attack by name; those have tests of their
own. Here it matters that cars which are lied to take nothing, and take what is true afterwards.
"""

from random import Random
from typing import Final

import httpx

from monocoque.cloud.releases.service.repository import ImageRepository
from monocoque.contracts.updates import (
    COMPANY_RELEASE_KEY,
    HARDWARE,
    IMAGE_FOLDER,
    IMAGE_SNAPSHOT_KEY,
    IMAGE_TIMESTAMP_KEY,
)
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.sim.clock import VirtualClock
from monocoque.sim.faults import Weather
from monocoque.sim.machine import Machine
from monocoque.sim.workshop import release_of
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.updates import image_repository as image
from monocoque.trust.updates.metadata import add_signature

LYING_COMPANY: Final = "lumio"
FORGED_BYTES: Final = 64


class Liar(httpx.AsyncBaseTransport):
    """One car's way, and who sits on it."""

    def __init__(
        self,
        way: httpx.AsyncBaseTransport,
        cell: Machine,
        company: KeyStore,
        weather: Weather,
        random: Random,
    ) -> None:
        """company: the one that signs what the other has not seen."""
        self.told = 0
        """How many lies."""
        self._way = way
        self._cell = cell
        self._company = company
        self._weather = weather
        self._random = random
        self._old: bytes | None = None
        """The first timestamp that came this way."""
        self._forged: dict[str, bytes] = {}
        """What has to be shown next, so that the last lie holds together."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        path = request.url.path.removeprefix(f"/{IMAGE_FOLDER}/")
        is_lie = self._random.random() < self._weather.faults.lie_share
        forged = self._forged.pop(path, None)
        if is_lie and path == image.TIMESTAMP_FILE:
            forged = self._old if self._random.random() < 0.5 else self._forge()
        if forged is not None:
            self.told += 1
            return httpx.Response(200, content=forged)
        answer = await self._way.handle_async_request(request)
        if not answer.is_success:
            return answer
        if path == image.TIMESTAMP_FILE and self._old is None:
            self._old = answer.content
        if is_lie and path.endswith(".img"):
            self.told += 1
            content = answer.content[:-1] + bytes([answer.content[-1] ^ 1])
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)
        return answer

    def _forge(self) -> bytes:
        """A timestamp that leads to a release which one company alone has signed."""
        assert self._cell.documents is not None
        now = ImageRepository(self._cell.documents, self._cell.keystore).published()
        now_us = VirtualClock(self._cell.time).now_us()
        images = {name: self._random.randbytes(FORGED_BYTES) for name in HARDWARE}
        release = release_of(image.next_number(now.targets), images)
        targets, _ = image.next_targets(now.targets, release, images, now_us)
        add_signature(targets, _key(self._company, COMPANY_RELEASE_KEY))
        data, version = targets.to_bytes(), now.snapshot_version + 1
        signer = _key(self._cell.keystore, IMAGE_SNAPSHOT_KEY)
        snapshot = image.snapshot_metadata(version, targets.signed.version, data, signer, now_us)
        self._forged = {
            image.snapshot_file(version): snapshot,
            image.targets_file(targets.signed.version): data,
        }
        signer = _key(self._cell.keystore, IMAGE_TIMESTAMP_KEY)
        return image.timestamp_metadata(now.timestamp_version, version, snapshot, signer, now_us)


def _key(keystore: KeyStore, name: str) -> PrivateKey:
    secret = keystore.read(name)
    assert secret is not None
    return load_key(secret)
