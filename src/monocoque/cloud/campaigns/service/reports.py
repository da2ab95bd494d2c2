"""Takes the cars' manifests: what each car has, and how its update goes.

Rules:

* the bus keeps the last manifest of each car, so nothing is lost while this is away; of one car the
  newest counts;
* a manifest counts when the key signed it that the registry has on record for the car, and when it
  can be true (logic/reports.py). What is refused is counted, and noted at the car that said it;
* a car that says more than its topic allows is not listened to for so long, before any work;
* a poll (nothing has happened in the car) is answered with a fresh timestamp; so is a car that has
  not read its newest directions. A car's first manifest is answered with directions, empty ones if
  there is nothing to install.

Left out on purpose: what follows for its campaign; that is conducting.py.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.logic import phases, reports
from monocoque.cloud.campaigns.logic.phases import Phase
from monocoque.cloud.campaigns.logic.reports import Release
from monocoque.cloud.campaigns.service.directing import Director
from monocoque.cloud.campaigns.service.keeping import AWAY, Changes, found_in, known_of, move
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.registry import service as registry
from monocoque.contracts import topics
from monocoque.contracts.errors import (
    DocumentRefused,
    InventoryChanged,
    KeyUnknown,
    ManifestReplayed,
    ReportContradicts,
    TooManyRequests,
)
from monocoque.plumbing.bus.rates import Rates
from monocoque.plumbing.service import Context
from monocoque.trust.keys import public_members
from monocoque.trust.updates.manifests import Manifest, UpdateState, verify_manifest

LISTEN_S: Final = 3_600.0
"""How long one wait for manifests lasts; then another begins."""
_NEW_IN_EACH: Final = ("sequence", "manifest", "heard_us", "directions_version")
"""Columns that differ between two manifests of a car in which nothing has happened."""
PERSONS: Final = (InventoryChanged, ReportContradicts)
"""Refusals for which a person must look at the car."""


class Reports:
    """The receiving half of the director."""

    def __init__(
        self,
        context: Context,
        director: Director,
        releases: Releases,
        tell: Callable[[Changes], None],
    ) -> None:
        """tell: is given what changed, after it is on record."""
        self._context = context
        self._config = context.config(CampaignsConfig)
        self._director = director
        self._releases = releases
        self._tell = tell
        self._heard: OrderedDict[str, bytes] = OrderedDict()
        """The newest manifest of each car that was not taken yet."""
        self._has_heard = asyncio.Event()
        self._keys: dict[str, Mapping[str, str]] = {}
        self._rates = Rates(context.clock, self._config.heard_cars_max)

    async def hear(self) -> None:
        """Every car's last manifest, then every further one; what is missed comes with a poll."""
        async with self._context.bus.watch(topics.CAR_UPDATE_MANIFEST) as subscription:
            while True:
                delivery = await subscription.next(LISTEN_S)
                if delivery is not None:
                    self._note(delivery.identifiers["car_id"], delivery.message.manifest)

    async def take(self) -> None:
        """Take what was heard, until cancelled."""
        while True:
            await self._has_heard.wait()
            await asyncio.sleep(self._config.flush_interval_s)
            batch = self._next_batch()
            try:
                changes = await self._take(batch)
            except AWAY as error:
                self._context.count_error(error, "manifests wait")
                self._heard = OrderedDict(batch | self._heard)  # what came since then is newer
                self._has_heard.set()
                await asyncio.sleep(self._config.retry_s)
                continue
            self._tell(changes)

    def _note(self, car_id: str, document: bytes) -> None:
        try:
            self._rates.take(topics.CAR_UPDATE_MANIFEST, {car_id: 1})
        except TooManyRequests as error:
            # Counted without a line in the log: that would be the next flood.
            where = self._context.service_name
            self._context.metrics.errors.labels(where=where, code=error.code).inc()
            return
        if car_id in self._heard or len(self._heard) < self._config.heard_cars_max:
            self._heard[car_id] = document
            self._has_heard.set()

    def _next_batch(self) -> dict[str, bytes]:
        batch: dict[str, bytes] = {}
        while self._heard and len(batch) < self._config.manifests_batch:
            car_id, document = self._heard.popitem(last=False)
            batch[car_id] = document
        if not self._heard:
            self._has_heard.clear()
        return batch

    async def _take(self, batch: Mapping[str, bytes]) -> Changes:
        context = self._context
        known = await context.records.transact(partial(rows.vehicles_of, car_ids=sorted(batch)))
        same = {row.car_id for row in known if row.manifest == batch[row.car_id]}
        manifests = []
        for car_id, document in batch.items():
            if car_id not in same:  # else it was taken before, such as before a restart
                manifest = await self._checked(car_id, document)
                manifests += [] if manifest is None else [manifest]
        if not manifests:
            return Changes()
        numbers = set[int]().union(*(reports.named_numbers(manifest) for manifest in manifests))
        releases = await self._releases.facts(numbers)
        taking = Taking(self._director, releases, context.clock.now_us())
        changes, refused = await context.records.transact(partial(taking.take, manifests))
        for car_id, error in refused:
            context.count_error(error, "manifest refused", car_id=car_id)
        return changes

    async def _checked(self, car_id: str, document: bytes) -> Manifest | None:
        """The manifest, when the car signed it; what is forged is counted and left out."""
        try:
            return verify_manifest(document, car_id, await self._key_of(car_id))
        except DocumentRefused as error:
            self._context.count_error(error, "manifest refused", car_id=car_id)
            note = partial(note_refusal, car_id=car_id, error=error)
            await self._context.records.transact(partial(note, now_us=self._context.clock.now_us()))
            return None

    async def _key_of(self, car_id: str) -> Mapping[str, str]:
        """The car's public key, as it is on record since the car enrolled; raises KeyUnknown."""
        known = self._keys.get(car_id)
        if known is not None:
            return known
        row = await registry.read_car(self._context.records, car_id)
        if row is None or row.identity_key is None:
            raise KeyUnknown("This car has no key on record.")
        key = public_members(json.loads(row.identity_key))
        if len(self._keys) >= self._config.keys_remembered_max:
            self._keys.clear()
        self._keys[car_id] = key
        return key


class Taking:
    """What is done with manifests that their cars signed, inside one transaction."""

    def __init__(self, director: Director, releases: Mapping[int, Release], now_us: int) -> None:
        self._director = director
        self._releases = releases
        self._now_us = now_us

    def take(
        self, manifests: list[Manifest], connection: Connection
    ) -> tuple[Changes, list[tuple[str, DocumentRefused]]]:
        """Put them on record; returns what changed, and who was refused."""
        changes = Changes()
        refused: list[tuple[str, DocumentRefused]] = []
        for manifest in manifests:
            try:
                self._take(connection, manifest, changes)
            except (ManifestReplayed, *PERSONS) as error:
                refused.append((manifest.car_id, error))
                note_refusal(connection, manifest.car_id, error, self._now_us)
                changes.cars.setdefault(manifest.car_id, "")
                self._begin(connection, manifest)
        return changes, refused

    def _take(self, connection: Connection, manifest: Manifest, changes: Changes) -> None:
        car_id = manifest.car_id
        vehicle = rows.find_vehicle(connection, car_id)
        members = rows.members_of_car(connection, car_id)
        directed = {member.release_number for member in members if member.was_directed}
        reports.judge(manifest, known_of(vehicle), self._releases, directed)
        values = self._columns(manifest)
        is_poll = vehicle is not None and all(
            vehicle._mapping[name] == value
            for name, value in values.items()
            if name not in _NEW_IN_EACH
        )
        rows.save_vehicle(connection, car_id, values)
        directions = rows.find_directions(connection, car_id)
        about = manifest.update.release_number
        if not about and directions is not None:
            about = directions.release_number
        member = found_in(members, about or reports.newest_number(manifest.units))
        if member is not None:
            self._follow(connection, manifest, member, changes)
        if not is_poll:
            changes.cars.setdefault(car_id, "")
        self._answer(connection, manifest, directions, is_poll=is_poll)

    def _columns(self, manifest: Manifest) -> dict[str, Any]:
        # Each of these releases is known, else it would have been refused.
        newest = self._releases[reports.newest_number(manifest.units)]
        whole = self._releases[reports.whole_number(manifest.units, self._releases)]
        update = manifest.update
        return {
            "sequence": manifest.sequence,
            "manifest": manifest.document,
            "inventory": json.dumps(reports.inventory_of(manifest.units)),
            "numbers": json.dumps({unit.ecu_id: unit.release_number for unit in manifest.units}),
            "release_number": whole.number,
            "version": whole.version,
            "is_mixed": not reports.has_release(manifest.units, newest),
            "directions_version": manifest.directions_version,
            "update_number": update.release_number,
            "update_state": str(update.state),
            "update_reason": update.reason,
            "update_percent": update.progress_percent,
            "agreed": update.agreed,
            "heard_us": self._now_us,
            "attention": None,
            "attention_us": None,
        }

    def _follow(
        self, connection: Connection, manifest: Manifest, member: Row[Any], changes: Changes
    ) -> None:
        """How far the car is in its campaign after this."""
        campaign = rows.find_campaign(connection, member.campaign_id)
        release = self._releases.get(member.release_number)
        assert campaign is not None
        has_it = release is not None and reports.has_release(manifest.units, release)
        update = manifest.update
        said = update.state
        if update.release_number not in (0, member.release_number):
            said = UpdateState.NONE  # it speaks of another release
        phase = phases.after_report(
            Phase(member.phase), said, has_it=has_it, is_directed=member.is_directed
        )
        columns = {"reason": update.reason, "progress_percent": update.progress_percent}
        if said is UpdateState.NONE:
            columns = {}
        is_same = all(member._mapping[name] == value for name, value in columns.items())
        if phase == member.phase and is_same and phase not in phases.BEGUN:
            return
        move(connection, campaign, member, phase, self._now_us, **columns)
        changes.note(manifest.car_id, member.campaign_id)

    def _answer(
        self,
        connection: Connection,
        manifest: Manifest,
        directions: Row[Any] | None,
        *,
        is_poll: bool,
    ) -> None:
        read_version = manifest.directions_version
        if directions is None:
            self._begin(connection, manifest)
        elif is_poll or read_version != directions.version:
            self._director.answer(connection, directions, self._now_us, read_version)

    def _begin(self, connection: Connection, manifest: Manifest) -> None:
        """A car that was never told anything is told to install nothing.

        Also when what it says is refused: by that it forgets what it was told before these records.
        """
        car_id, read_version = manifest.car_id, manifest.directions_version
        if rows.find_directions(connection, car_id) is None:
            self._director.tell(connection, car_id, None, None, self._now_us, read_version)


def note_refusal(connection: Connection, car_id: str, error: DocumentRefused, now_us: int) -> None:
    """This car said something that was refused."""
    known = rows.find_vehicle(connection, car_id)
    values: dict[str, Any] = {
        "refusals": (0 if known is None else known.refusals) + 1,
        "refusal_code": error.code,
        "refused_us": now_us,
    }
    if isinstance(error, PERSONS):
        values |= {"attention": error.code}
        if known is None or known.attention != error.code:
            values |= {"attention_us": now_us}
    rows.save_vehicle(connection, car_id, values)
