"""Consent to an update: by number, the last word counts, and too late is too late."""

import asyncio
from random import Random

import pytest

from monocoque.car.updates import service as updates
from monocoque.car.updates.records import JOURNAL, set_part
from monocoque.car.updates.service.consent import agreed_to
from monocoque.roles.migrations import records_in_memory
from monocoque.roles.table import DOERS
from monocoque.trust.scopes import SCOPES
from tests.car.stand import CAR_ID


def said(*words: tuple[int, bool], is_installing: bool = False) -> tuple[list, int | None]:
    records = records_in_memory(Random(1))

    def work(connection):
        set_part(connection, CAR_ID, JOURNAL, {"is_installing": is_installing})
        answers = [
            updates.agree(connection, CAR_ID, {"release_number": number, "agreed": agreed}, 1)
            for number, agreed in words
        ]
        return answers, agreed_to(connection, CAR_ID)

    async def main():
        try:
            return await records.transact(work)
        finally:
            await records.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("words", "agreed"),
    [
        ([], None),
        ([(7, True)], 7),
        ([(7, True), (7, False)], None),
        ([(7, False), (7, True)], 7),
        ([(7, True), (8, True)], 8),
    ],
)
def test_the_last_word_counts(words, agreed) -> None:
    assert said(*words) == ([None] * len(words), agreed)


def test_consent_cannot_be_taken_back_while_units_are_written_to() -> None:
    answers, agreed = said((7, True), (7, False), is_installing=True)
    assert answers == [None, updates.UNDER_WAY]
    assert agreed == 7


def test_everything_a_car_can_be_asked_has_somebody_who_does_it() -> None:
    assert set(DOERS) == set(SCOPES) - {"lock", "unlock", "climate", "charge_limit"}
