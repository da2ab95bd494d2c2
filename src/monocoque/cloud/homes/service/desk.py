"""Where an owner takes a home, says which cars belong to it, and reads what scenes did.

Rules:

* a home is taken by its code, once; the same person may give the same code again and changes
  nothing; wrong codes are counted by person, and too many close the desk for a day;
* a car belongs to one home at most, and both belong to the same person;
* a home or a car of somebody else is refused in the same words as one that does not exist;
* when a car leaves a home, nothing that it asked is said there any more.

Left out on purpose: names of homes, and more owners than one.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.homes import logic
from monocoque.cloud.homes import records as rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.logic import State
from monocoque.cloud.homes.service.keeping import SECOND_US, tell_changed
from monocoque.cloud.pairing.service import find_own_car
from monocoque.contracts.errors import (
    CarAlreadyTied,
    HomeAlreadyTaken,
    HomeCodeTriesSpent,
    HomeCodeWrong,
    HomesFull,
    NotFound,
)
from monocoque.contracts.identifiers import ALPHABET
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.records.port import Records
from monocoque.trust import base64url

DAY_US: Final = 86_400 * SECOND_US
CODE_CHARACTERS: Final = 16
CODE_GROUP: Final = 4
_READ_AS: Final = str.maketrans({"o": "0", "i": "1", "l": "1", "-": None, " ": None})
"""What a person may have written for what was printed."""


@dataclass(frozen=True)
class HomeView:
    """A home as its owner sees it."""

    home_id: str
    is_online: bool
    hello_us: int | None
    """When its last hello came; None when none ever did."""
    software_version: str | None
    devices: Sequence[home_pb2.HomeDevice]
    car_ids: Sequence[str]


@dataclass(frozen=True)
class ScenesView:
    """The scenes of a car as its owner sees them."""

    said: home_pb2.CarScenes
    """The car's last word; empty when it never said one."""
    requests: Sequence[Row[Any]]
    """The newest first."""
    home: HomeView | None


class HomeDesk:
    """The desk as an owner meets it."""

    def __init__(
        self, records: Records, bus: Bus, clock: Clock, random: Random, config: HomesConfig
    ) -> None:
        """bus: the cell's, as the desk for homes."""
        self._records = records
        self._bus = bus
        self._clock = clock
        self._random = random
        self._config = config

    async def take(self, person_id: str, code: str, car_id: str | None) -> HomeView:
        """Take the home that waits for this code, and let a car of one's own belong to it.

        Raises HomeCodeWrong, HomeCodeTriesSpent, HomesFull, CarAlreadyTied, NotFound.
        """
        if car_id is not None:
            await find_own_car(self._records, car_id, person_id)
        digest, now_us = digest_of(code), self._clock.now_us()

        def work(connection: Connection) -> str | None:
            self._refuse_many_tries(connection, person_id, now_us)
            row = rows.find_code(connection, digest)
            if row is None or not _fits(row, person_id, now_us):
                self._count_wrong(connection, person_id, now_us)
                return None
            if row.person_id is None:
                if len(rows.homes_of(connection, person_id)) >= self._config.homes_per_person_max:
                    raise HomesFull("As many homes belong to this person as may.")
                taken = {"person_id": person_id, "since_us": now_us}
                rows.save_home(connection, row.home_id, taken)
            if car_id is not None:
                self._tie(connection, car_id, row.home_id, now_us)
            home_id: str = row.home_id
            return home_id

        home_id = await self._records.transact(work)
        if home_id is None:
            raise HomeCodeWrong("No home waits for this code.")
        await self._tell([] if car_id is None else [car_id])
        return await self.home(home_id, person_id)

    async def give_up(self, home_id: str, person_id: str) -> None:
        """The home belongs to nobody, and no car to it. Raises NotFound."""

        def work(connection: Connection) -> list[str]:
            _own(connection, home_id, person_id)
            car_ids = [tie.car_id for tie in rows.ties_of(connection, [home_id])]
            for car_id in car_ids:
                self._untie(connection, car_id)
            nobody = dict.fromkeys(("person_id", "since_us", "code_sha256", "code_expires_us"))
            rows.save_home(connection, home_id, nobody)
            return car_ids

        await self._tell(await self._records.transact(work))

    async def tie(self, home_id: str, car_id: str, person_id: str) -> HomeView:
        """The car belongs to this home from now on.

        Raises NotFound, CarAlreadyTied, HomesFull.
        """
        await find_own_car(self._records, car_id, person_id)
        now_us = self._clock.now_us()

        def work(connection: Connection) -> None:
            _own(connection, home_id, person_id)
            self._tie(connection, car_id, home_id, now_us)

        await self._records.transact(work)
        await self._tell([car_id])
        return await self.home(home_id, person_id)

    async def untie(self, home_id: str, car_id: str, person_id: str) -> HomeView:
        """The car belongs to this home no more. Raises NotFound."""
        await find_own_car(self._records, car_id, person_id)

        def work(connection: Connection) -> bool:
            _own(connection, home_id, person_id)
            tie = rows.find_tie(connection, car_id)
            if tie is None or tie.home_id != home_id:
                return False
            self._untie(connection, car_id)
            return True

        if await self._records.transact(work):
            await self._tell([car_id])
        return await self.home(home_id, person_id)

    async def homes(self, person_id: str) -> list[HomeView]:
        """The homes of this person, in the order in which they were taken."""

        def work(connection: Connection) -> list[HomeView]:
            return [self._view(connection, row) for row in rows.homes_of(connection, person_id)]

        return await self._records.transact(work)

    async def home(self, home_id: str, person_id: str) -> HomeView:
        """One home of this person; raises NotFound."""

        def work(connection: Connection) -> HomeView:
            return self._view(connection, _own(connection, home_id, person_id))

        return await self._records.transact(work)

    async def scenes(self, car_id: str, person_id: str) -> ScenesView:
        """The scenes of a car of this person; raises NotFound."""
        await find_own_car(self._records, car_id, person_id)
        count_max = self._config.shown_requests_max

        def work(connection: Connection) -> ScenesView:
            row, tie = rows.find_scenes(connection, car_id), rows.find_tie(connection, car_id)
            said = home_pb2.CarScenes() if row is None else home_pb2.CarScenes.FromString(row.said)
            home = None if tie is None else rows.find_home(connection, tie.home_id)
            return ScenesView(
                said=said,
                requests=rows.newest_requests(connection, car_id, count_max),
                home=None if home is None else self._view(connection, home),
            )

        return await self._records.transact(work)

    def _tie(self, connection: Connection, car_id: str, home_id: str, now_us: int) -> None:
        tie = rows.find_tie(connection, car_id)
        if tie is not None:
            if tie.home_id != home_id:
                raise CarAlreadyTied("The car belongs to another home.")
            return
        if len(rows.ties_of(connection, [home_id])) >= self._config.cars_per_home_max:
            raise HomesFull("As many cars belong to this home as may.")
        rows.add_tie(connection, car_id, home_id, now_us)

    def _untie(self, connection: Connection, car_id: str) -> None:
        rows.remove_tie(connection, car_id)
        for row in rows.open_of_car(connection, car_id):
            standing = logic.standing_untied(State(row.state))
            values = {
                "state": str(standing.state),
                "reason": "" if standing.reason is None else str(standing.reason),
                "due_us": None,
            }
            rows.save_request(connection, car_id, row.request_id, values)

    def _refuse_many_tries(self, connection: Connection, person_id: str, now_us: int) -> None:
        row = rows.find_tries(connection, person_id)
        if row is not None and row.wrong >= self._config.wrong_codes_per_day_max:
            if now_us - row.since_us < DAY_US:
                raise HomeCodeTriesSpent("This person gave too many wrong codes.")
            rows.save_tries(connection, person_id, now_us, 0)

    def _count_wrong(self, connection: Connection, person_id: str, now_us: int) -> None:
        row = rows.find_tries(connection, person_id)
        since_us, wrong = (now_us, 0) if row is None else (row.since_us, row.wrong)
        if now_us - since_us >= DAY_US:
            since_us, wrong = now_us, 0
        rows.save_tries(connection, person_id, since_us, wrong + 1)

    def _view(self, connection: Connection, row: Row[Any]) -> HomeView:
        state = home_pb2.HomeState()
        if row.state is not None:
            state.ParseFromString(row.state)
        window_us = round(self._config.online_window_s * SECOND_US)
        return HomeView(
            home_id=row.home_id,
            is_online=logic.is_there(row.hello_us, self._clock.now_us(), window_us),
            hello_us=row.hello_us,
            software_version=row.software_version,
            devices=list(state.devices),
            car_ids=[tie.car_id for tie in rows.ties_of(connection, [row.home_id])],
        )

    async def _tell(self, car_ids: Iterable[str]) -> None:
        with contextlib.suppress(*AWAY):  # a page that comes back begins with the records
            await tell_changed(self._bus, self._clock, self._random, car_ids)


@dataclass(frozen=True)
class HomeRow:
    """A home as whoever runs the cell sees it: without its owner's name."""

    home_id: str
    bus_key: str | None
    """The public key of its place on the bus, once it has one."""
    is_taken: bool
    cars: int
    hello_us: int | None


async def add_home(records: Records, home_id: str, now_us: int) -> None:
    """Put a new home on record, which belongs to nobody; once is enough, twice is harmless."""

    def work(connection: Connection) -> None:
        if rows.find_home(connection, home_id) is None:
            rows.add_home(connection, {"home_id": home_id, "made_us": now_us})

    await records.transact(work)


async def note_place(records: Records, home_id: str, bus_key: str) -> None:
    """The home has its place on the bus by this public key."""
    await records.transact(lambda c: rows.save_home(c, home_id, {"bus_key": bus_key}))


async def every_home(records: Records) -> list[HomeRow]:
    """Every home of this cell, the oldest first."""

    def work(connection: Connection) -> list[HomeRow]:
        cars: dict[str, int] = {}
        for tie in rows.all_ties(connection):
            cars[tie.home_id] = cars.get(tie.home_id, 0) + 1
        return [
            HomeRow(
                home_id=row.home_id,
                bus_key=row.bus_key,
                is_taken=row.person_id is not None,
                cars=cars.get(row.home_id, 0),
                hello_us=row.hello_us,
            )
            for row in rows.all_homes(connection)
        ]

    return await records.transact(work)


async def new_code(
    records: Records, home_id: str, now_us: int, random: Random, config: HomesConfig
) -> str:
    """A code by which this home can be taken, in place of any other.

    Raises NotFound, HomeAlreadyTaken.
    """
    code = "".join(ALPHABET[random.getrandbits(5)] for _ in range(CODE_CHARACTERS))

    def work(connection: Connection) -> None:
        row = rows.find_home(connection, home_id)
        if row is None:
            raise NotFound("There is no such home.", hint="`monocoque home list` shows them.")
        if row.person_id is not None:
            raise HomeAlreadyTaken("This home belongs to somebody.")
        expires_us = now_us + round(config.code_lifetime_s * SECOND_US)
        values = {"code_sha256": digest_of(code), "code_expires_us": expires_us}
        rows.save_home(connection, home_id, values)

    await records.transact(work)
    groups = (code[at : at + CODE_GROUP] for at in range(0, CODE_CHARACTERS, CODE_GROUP))
    return "-".join(groups)


def digest_of(code: str) -> str:
    """What of a code is kept; the same for every way in which a person may write it."""
    plain = code.lower().translate(_READ_AS)
    return base64url.encode(hashlib.sha256(plain.encode()).digest())


def _fits(row: Row[Any], person_id: str, now_us: int) -> bool:
    """Whether this person may take the home of a code, or has taken it by this very code."""
    if row.person_id is not None:
        return bool(row.person_id == person_id)
    return bool(now_us < row.code_expires_us)


def _own(connection: Connection, home_id: str, person_id: str) -> Row[Any]:
    row = rows.find_home(connection, home_id)
    if row is None or row.person_id != person_id:
        raise NotFound("You have no such home.")
    return row
