"""Pairing: brings owners' hand-overs to the factory, and knows whose each car is.

Rules:

* a request is on record before it is on the bus; it is sent at once, and looked after until it is;
* a car that everybody asks for holds up nobody who asks for another;
* the cell checks what it can (the form, the signature, the car in it) and decides nothing: it does
  not know the code of any car;
* a grant counts when the maker root signed it for this car and for the key that asked;
* a car is the person's whose request was granted first, and stays so;
* the same request again is the same request.

Left out on purpose: keys for others than the owner; a grant that its owner signs does not need the
cell.
"""

import asyncio
import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.cloud.pairing import records as rows
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.contracts import topics
from monocoque.contracts.documents import HAND_OVER
from monocoque.contracts.errors import (
    CarAlreadyHandedOver,
    CredentialsRefused,
    DocumentMalformed,
    DocumentRefused,
    IdentifierMalformed,
    IdentifierUsed,
    MonocoqueError,
    NotFound,
    TooManyRequests,
)
from monocoque.contracts.identifiers import CarId, PersonId, parse
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Delivery
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY, say_waiting
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.trust.documents import unverified_bound_key, verify
from monocoque.trust.grants import read_chain
from monocoque.trust.hand_over import FACTORY
from monocoque.trust.keys import public_members, thumbprint

TRUSTED_MAKER_ROOT = "trusted-maker-root"
"""The keystore's name of the maker root's public half, put there when the factory was made."""
WAITING, GRANTED, REFUSED = "waiting", "granted", "refused"
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


@dataclass(frozen=True)
class OwnCar:
    """A car and its owner."""

    car_id: str
    person_id: str
    key_id: str
    """The owner's key, which the first grant names."""
    first_grant: bytes


def maker_root(keystore: KeyStore) -> Mapping[str, str]:
    """The maker root's public key; raises CredentialsRefused when there is none."""
    kept = keystore.read(TRUSTED_MAKER_ROOT)
    if kept is None:
        raise CredentialsRefused("The cell does not know the maker's root.")
    try:
        return public_members(json.loads(kept))
    except (ValueError, DocumentMalformed):
        raise CredentialsRefused("The maker's root in this cell is damaged.") from None


async def find_own_car(records: Records, car_id: str, person_id: str) -> OwnCar:
    """The car, when it is this person's.

    Raises NotFound, in the same words for a car of somebody else and for one that does not exist.
    """
    owner = await owner_of(records, car_id)
    if owner is None or owner.person_id != person_id:
        raise NotFound("You have no such car.")
    return owner


async def owner_of(records: Records, car_id: str) -> OwnCar | None:
    """Whose the car is, or None."""
    found = await records.transact(lambda connection: rows.find_owner(connection, car_id))
    return None if found is None else _own_car(found)


async def own_cars(records: Records, person_id: str) -> list[OwnCar]:
    """The cars of this person, in the order in which they came."""
    found = await records.transact(lambda connection: rows.cars_of(connection, person_id))
    return [_own_car(row) for row in found]


def _own_car(row: Row[Any]) -> OwnCar:
    return OwnCar(row.car_id, row.person_id, row.key_id, bytes(row.first_grant))


class Desk:
    """Where a person hands a request in and asks what became of it."""

    def __init__(
        self, records: Records, bus: Bus, clock: Clock, random: Random, config: PairingConfig
    ) -> None:
        """bus: the cell's, as pairing."""
        self._records = records
        self._bus = bus
        self._clock = clock
        self._random = random
        self._config = config

    async def ask(self, car_id: CarId, person_id: PersonId, document: bytes) -> Row[Any]:
        """Put the request on record and send it; returns its row.

        Raises DocumentRefused, IdentifierUsed, TooManyRequests.
        """
        now_us = self._clock.now_us()
        request_id = _checked(document, car_id, now_us)
        config = self._config

        def work(connection: Connection) -> Row[Any]:
            found = rows.find_request(connection, request_id)
            if found is not None:
                if (found.person_id, bytes(found.document)) != (person_id, document):
                    raise IdentifierUsed("Another request has this identifier.")
                return found
            rows.forget_requests(connection, person_id, now_us - config.kept_days * DAY_US)
            asked = rows.count_requests(connection, person_id, now_us - DAY_US)
            if asked >= config.requests_per_day_max:
                raise TooManyRequests("This person asked for cars too often today.")
            values = {
                "request_id": request_id,
                "car_id": car_id,
                "person_id": person_id,
                "document": document,
                "state": WAITING,
                "asked_us": now_us,
            }
            rows.add_request(connection, values)
            added = rows.find_request(connection, request_id)
            assert added is not None
            return added

        row = await self._records.transact(work)
        with contextlib.suppress(*AWAY):  # it is on record, and the service sends it later
            await self.send_unsent()
        return row

    async def find(self, car_id: CarId, person_id: PersonId, request_id: str) -> Row[Any]:
        """What became of a request; raises NotFound when it is not this person's."""
        found = await self._records.transact(lambda c: rows.find_request(c, request_id))
        if found is None or (found.person_id, found.car_id) != (person_id, car_id):
            raise NotFound("You have no such request.")
        return found

    async def send_unsent(self) -> None:
        """Put every request on the bus that is not there yet; raises what the bus raises.

        A car that is asked for more often than may be holds up its own requests alone; for it
        LimitError is raised after the others were sent.
        """
        await say_waiting(self._unsent, lambda row: str(row.car_id), self._send)

    async def _unsent(self, but_of: Collection[str]) -> Sequence[Row[Any]]:
        count_max = self._config.send_batch_requests
        look = partial(rows.unsent_requests, but_of=but_of, count_max=count_max)
        return await self._records.transact(look)

    async def _send(self, row: Row[Any]) -> None:
        message = command_pb2.HandOverRequest(request=row.document)
        stamp(message, self._clock, self._random)
        await self._bus.publish(topics.HAND_OVER_REQUESTS, message, car_id=row.car_id)
        sent = {"sent_us": self._clock.now_us()}
        work = partial(rows.save_request, request_id=row.request_id, values=sent)
        await self._records.transact(work)


async def run(context: Context) -> None:
    """Send what waits and record what the factory answers, until cancelled."""
    desk = Desk(
        context.records,
        context.bus,
        context.clock,
        context.random,
        context.config(PairingConfig),
    )
    pairing = _Pairing(context, desk)
    async with asyncio.TaskGroup() as group:
        group.create_task(pairing.send_what_waits())
        group.create_task(pairing.record_answers())


class _Pairing:
    def __init__(self, context: Context, desk: Desk) -> None:
        self._context = context
        self._config = context.config(PairingConfig)
        self._desk = desk

    async def send_what_waits(self) -> None:
        """Look again and again for requests that are not on the bus."""
        while True:
            try:
                await self._desk.send_unsent()
            except AWAY as error:
                await self._wait_after(error)
                continue
            await asyncio.sleep(self._config.send_interval_s)

    async def record_answers(self) -> None:
        """Answers: on record first, acknowledged second."""
        while True:
            try:
                await self._record_answers()
            except AWAY as error:
                await self._wait_after(error)

    async def _record_answers(self) -> None:
        config = self._config
        consumer = await self._context.bus.consumer(topics.HAND_OVER_ANSWERS, "pairing")
        while True:
            found = await consumer.fetch(config.answers_batch_messages, config.answers_wait_s)
            for at, delivery in enumerate(found):
                try:
                    await self._record(delivery)
                except AWAY:
                    await consumer.give_back(found[at:])
                    raise
                await consumer.acknowledge([delivery])

    async def _record(self, delivery: Delivery[command_pb2.HandOverAnswer]) -> None:
        answer, car_id = delivery.message, delivery.identifiers["car_id"]
        records, now_us = self._context.records, self._context.clock.now_us()
        request = await records.transact(lambda c: rows.find_request(c, answer.request_id))
        if request is None or request.car_id != car_id:
            self._context.log.warning("an answer that nobody waits for", car_id=car_id)
            return
        refusal_code, key_id = answer.refusal_code[:64] or None, ""
        if refusal_code is None:
            try:
                key_id = self._checked_key(answer.grant, request)
            except (DocumentRefused, CredentialsRefused) as error:
                self._context.log.warning("grant refused", car_id=car_id, error_code=error.code)
                refusal_code = error.code

        def work(connection: Connection) -> None:
            known = rows.find_request(connection, answer.request_id)
            if known is None or known.state == GRANTED:
                return  # it came before, or was forgotten meanwhile
            code = refusal_code
            owner = rows.find_owner(connection, car_id)
            if code is None and owner is not None and owner.person_id != request.person_id:
                code = CarAlreadyHandedOver.code
            elif code is None and owner is None:
                values = {
                    "car_id": car_id,
                    "person_id": request.person_id,
                    "key_id": key_id,
                    "first_grant": answer.grant,
                    "since_us": now_us,
                }
                rows.add_owner(connection, values)
            state = GRANTED if code is None else REFUSED
            told = {"state": state, "refusal_code": code, "answered_us": now_us}
            rows.save_request(connection, answer.request_id, told)

        await records.transact(work)

    def _checked_key(self, grant: bytes, request: Row[Any]) -> str:
        """The key of a first grant, when it is the one that asked; raises DocumentRefused."""
        chain = read_chain([grant], maker_root(self._context.keystore), request.car_id)
        asked = thumbprint(unverified_bound_key(bytes(request.document)))
        if chain[0].key_id != asked:
            raise DocumentMalformed("The grant is for another key than the one that asked.")
        return asked

    async def _wait_after(self, error: MonocoqueError) -> None:
        self._context.count_error(error, "pairing waits")
        await asyncio.sleep(self._config.retry_s)


def _checked(document: bytes, car_id: str, now_us: int) -> str:
    """The identifier of a request, as far as the cell can say that it is right."""
    jwk = unverified_bound_key(document)
    verified = verify(HAND_OVER, document, {thumbprint(jwk): jwk}.get, now_us, audience=FACTORY)
    if verified.text("sub") != car_id:
        raise DocumentMalformed("The request is for another car.")
    try:
        return parse(verified.text("jti"), "message")
    except IdentifierMalformed:
        raise DocumentMalformed("A request is named by an identifier of messages.") from None
