"""Hand-over: puts a car's keys on record, and hands each car over to its first owner.

Rules:

* a car has one hand-over code, made when its keys are put on record; the code goes with the car on
  paper, and never over the bus;
* the first key that proves the code gets the first grant; the same key gets the same grant again,
  and every other key is refused;
* wrong codes are counted for each car; too many within an hour close its hand-over until they are
  old, and no longer: who can send wrong codes must not be able to close a car for ever;
* a grant is on record before it is said.

Left out on purpose: making a car's owner forgotten, which begins in the car.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from sqlalchemy import Connection, Row

from monocoque.contracts import identifiers, topics
from monocoque.contracts.errors import (
    CarAlreadyEnrolled,
    CarAlreadyHandedOver,
    DocumentRefused,
    HandOverProofWrong,
    HandOverTriesSpent,
    LimitError,
    NotFound,
)
from monocoque.contracts.identifiers import CarId
from monocoque.contracts.wire import command_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.plumbing.bus.port import Bus, Delivery
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.insisting import AWAY
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context
from monocoque.shop.build import records as rows
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.build.service.keys import MAKER_ROOT, maker_root, public_text, secret_key
from monocoque.trust.documents import signing_digest, unverified_claim
from monocoque.trust.grants import CarKeys, sign_root_grant
from monocoque.trust.hand_over import CODE_BYTES, make_code, verify_hand_over
from monocoque.trust.keys import thumbprint

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
REQUEST_ID_CHARACTERS_MAX = 64
REFUSALS = (DocumentRefused, NotFound, CarAlreadyHandedOver, HandOverTriesSpent)
"""What the asker is told; everything else is the factory's own trouble."""


@dataclass(frozen=True)
class HandOverPaper:
    """What is printed and goes with the car."""

    car_id: str
    code: str
    root_key_id: str
    """The maker root's thumbprint, so that nobody between can bring a root of his own."""


async def put_on_record(
    records: Records, car_id: CarId, keys: CarKeys, clock: Clock, random: Random
) -> None:
    """The end of the line: this car has these keys, and gets its hand-over code.

    Doing it again is harmless. Raises CarAlreadyEnrolled when it is on record with other keys.
    """
    values = {
        "sign_key": public_text(keys.sign),
        "seal_key": public_text(keys.seal),
        "hand_over_code": make_code(random.randbytes(CODE_BYTES)),
        "born_us": clock.now_us(),
    }

    def work(connection: Connection) -> Row[Any]:
        if rows.find_car(connection, car_id) is None:
            rows.add_car(connection, car_id, values)
        found = rows.find_car(connection, car_id)
        assert found is not None
        return found

    kept = await records.transact(work)
    if (kept.sign_key, kept.seal_key) != (values["sign_key"], values["seal_key"]):
        raise CarAlreadyEnrolled("The car is in the factory's records with other keys.")


async def hand_over_paper(records: Records, own: KeyStore, car_id: str | None) -> HandOverPaper:
    """What goes with this car, or with the oldest car when None.

    Raises NotFound, CarAlreadyHandedOver, CredentialsRefused.
    """

    def work(connection: Connection) -> Row[Any] | None:
        if car_id is None:
            return rows.oldest_car(connection)
        return rows.find_car(connection, car_id)

    found = await records.transact(work)
    if found is None:
        raise NotFound(
            "The factory has made no such car.",
            hint="Name a car of the data directory's folder `cars`, once it has run.",
        )
    if found.owner_key_id is not None:
        raise CarAlreadyHandedOver("This car was handed over; its paper is worth nothing now.")
    return HandOverPaper(found.car_id, found.hand_over_code, thumbprint(maker_root(own)))


def tries_spent(opens_in_us: int) -> HandOverTriesSpent:
    """The refusal that says when this car can be taken over again."""
    opens_in_min = -(-opens_in_us // MINUTE_US)
    return HandOverTriesSpent(
        "This car was asked for too often with a wrong code.",
        hint=f"Ask again in {opens_in_min} min with the code that came with the car.",
    )


class HandOvers:
    """Answers those who ask for a car."""

    def __init__(self, context: Context, on_answer: Callable[[], None]) -> None:
        """on_answer: is called after each answer, which may have handed a car over."""
        self._on_answer = on_answer
        self._context = context
        self._config = context.config(BuildConfig)

    async def answer_for_ever(self) -> None:
        """Answer hand-overs; what bus or records could not take waits."""
        context = self._context
        while True:
            try:
                await self.answer_requests()
            except AWAY as error:
                context.count_error(error, "factory waits")
                await asyncio.sleep(self._config.retry_s)

    async def answer_requests(self) -> None:
        """Each request: grant on record, answer said, and only then acknowledged.

        What a car that is told no more for now asks comes again; nobody else waits for it.
        """
        bus: Bus = self._context.bus
        consumer = await bus.consumer(topics.HAND_OVER_REQUESTS, "factory")
        config = self._config
        while True:
            found = await consumer.fetch(config.requests_batch_messages, config.requests_wait_s)
            held: set[str] = set()
            for at, delivery in enumerate(found):
                car_id = delivery.identifiers["car_id"]
                try:
                    if car_id not in held:
                        await self._answer(delivery)
                except LimitError as refusal:
                    self._context.count_error(refusal, "a car is answered later", car_id=car_id)
                    held.add(car_id)
                except AWAY:
                    await consumer.give_back(found[at:])
                    raise
                if car_id in held:
                    await consumer.give_back([delivery])
                    continue
                await consumer.acknowledge([delivery])
                self._on_answer()

    async def _answer(self, delivery: Delivery[command_pb2.HandOverRequest]) -> None:
        context, car_id = self._context, delivery.identifiers["car_id"]
        request = delivery.message.request
        try:
            request_id = unverified_claim(request, "jti")[:REQUEST_ID_CHARACTERS_MAX]
        except DocumentRefused as error:
            # Whoever sent this would not recognise an answer.
            context.log.warning("hand-over is no document", car_id=car_id, error_code=error.code)
            return
        answer = command_pb2.HandOverAnswer(request_id=request_id)
        try:
            answer.grant = await self._grant(car_id, request)
        except REFUSALS as error:
            context.log.warning(
                "hand-over refused", car_id=car_id, error_code=error.code, hint=error.hint
            )
            answer.refusal_code = error.code
        stamp(answer, context.clock, context.random)
        await context.bus.publish(topics.HAND_OVER_ANSWERS, answer, car_id=car_id)

    async def _grant(self, car_id: str, request: bytes) -> bytes:
        """The first grant of this car for the key of this request.

        Raises NotFound, DocumentRefused, CarAlreadyHandedOver, HandOverTriesSpent.
        """
        context, now_us = self._context, self._context.clock.now_us()
        records = context.records

        window_us = self._config.wrong_tries_window_s * SECOND_US
        tries_max = self._config.wrong_tries_max

        def read(connection: Connection) -> tuple[Row[Any] | None, list[int]]:
            tried = rows.newest_tries(connection, car_id, now_us - window_us, now_us, tries_max)
            return rows.find_car(connection, car_id), tried

        car, tried = await records.transact(read)
        if car is None:
            raise NotFound("The factory has made no such car.")
        if len(tried) >= tries_max:
            raise tries_spent(tried[-1] + window_us - now_us)
        try:
            asked = verify_hand_over(request, car_id, car.hand_over_code, now_us)
        except HandOverProofWrong:
            digest = signing_digest(request)
            await records.transact(
                lambda c: rows.add_try(c, car_id, digest, now_us, now_us - window_us)
            )
            raise
        if car.owner_key_id is None:
            car_keys = CarKeys(sign=json.loads(car.sign_key), seal=json.loads(car.seal_key))
            grant_id = identifiers.make("grant", context.random.getrandbits)
            root = secret_key(context.keystore, MAKER_ROOT)
            grant = sign_root_grant(
                root, grant_id, car_id, asked.jwk, car_keys, now_us // SECOND_US
            )
            car = await records.transact(
                lambda c: rows.hand_over(c, car_id, asked.key_id, grant, now_us)
            )
        if car.owner_key_id != asked.key_id:
            raise CarAlreadyHandedOver("The first grant of this car has another key.")
        return bytes(car.first_grant)
