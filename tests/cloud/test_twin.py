"""The twin: how a car was when it last said so, and who may see it."""

import pytest

from monocoque.cloud.twin.web import OwnedCar, TwinTick
from monocoque.contracts.errors import NotFound
from tests.cloud.orders import next_of
from tests.cloud.owner import CAR, EPOCH, OTHER_CAR, Cell, until
from tests.fixtures.phone import Phone


async def body_of(phone: Phone) -> dict[str, object] | None:
    return await phone.body()


async def test_the_last_word_of_a_car_is_kept_and_shown_to_its_owner(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        assert await body_of(owner) is None
        await cell.say_body(locked=False, doors_open=["row1_left"], charge_percent=61.5)
        await cell.say_body(locked=True, charge_percent=61.25, latitude_degrees=47.5)

        async def is_locked() -> bool:
            body = await body_of(owner)
            return body is not None and bool(body["locked"])

        await until(is_locked)
    body = await body_of(owner)
    assert (body["epoch"], body["charge_percent"], body["latitude_degrees"]) == (EPOCH, 61.25, 47.5)
    assert body["doors_open"] == []


async def test_a_word_that_came_while_the_twin_was_away_is_not_lost(clients, records):
    cell = Cell(clients, records)
    await cell.say_body(speed_kmh=31.0)
    async with cell.living():
        owner = await cell.owner()

        async def is_known() -> bool:
            return await body_of(owner) is not None

        await until(is_known)
    assert (await body_of(owner))["speed_kmh"] == 31.0


async def test_a_car_of_somebody_else_answers_like_one_that_does_not_exist(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        await cell.owner()
        stranger = await cell.phone()
        answers = []
        for car in (CAR, OTHER_CAR):
            for path in (f"/api/own-cars/{car}", f"/api/own-cars/{car}/live"):
                answer = await stranger.client.get(path)
                answers.append((answer.status_code, answer.json()["code"], answer.json()["detail"]))
        assert len(set(answers)) == 1
        assert answers[0][:2] == (404, "not_found")
        assert (await stranger.client.get("/api/own-cars")).json()["cars"] == []


async def test_a_live_page_gets_the_car_then_every_change(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        person_id = next(iter(cell.sessions.by_token.values())).person_id
        stream = cell.garage.live(CAR, person_id)
        first = await next_of(stream, OwnedCar)
        assert (first.car_id, first.body) == (owner.car_id, None)
        await next_of(stream, TwinTick)
        await cell.say_body(locked=True)
        changed = await next_of(stream, OwnedCar)
        assert changed.body.locked
        await stream.aclose()


async def test_a_live_page_of_a_stranger_does_not_begin(clients, records):
    cell = Cell(clients, records)
    with pytest.raises(NotFound):
        await anext(cell.garage.live(CAR, "person_nobody"))


async def test_a_car_that_says_hello_is_online_and_falls_silent(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        await cell.be_there()
        assert (await owner.client.get(f"/api/own-cars/{CAR}")).json()["online"]
        cell.clock.advance(31)
        assert not (await owner.client.get(f"/api/own-cars/{CAR}")).json()["online"]
