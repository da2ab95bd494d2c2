"""The desk for homes among bad cars and bad homes: each is bounded, and harms nobody else."""

from dataclasses import replace

import pytest

from monocoque.cloud.homes import records as homes_rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.contracts import topics
from monocoque.contracts.wire import home_pb2
from monocoque.plumbing.bus.header import stamp
from tests.cloud.homes import (
    LAMP_ON,
    SCENE,
    SECOND_US,
    HomeByHand,
    counted,
    nothing,
    request,
    say_scenes,
    states,
    until_counted,
    until_state,
)
from tests.cloud.owner import CAR, HOMES, OTHER_CAR, Cell, until


async def test_a_car_that_asks_falsely_is_counted_and_harms_nobody(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        for changes in ({"car_id": OTHER_CAR}, {"request_id": "x"}, {"action": "x" * 2_000}):
            await say_scenes(cell, request(cell, **changes))
        await until_counted(cell, "scene_request_refused", 3)
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        assert len(await states(owner.client)) == 1


async def test_a_car_that_asks_without_end_is_bounded_and_harms_nobody(clients, records):
    limits = HomesConfig(requests_per_minute_max=3, requests_per_message_max=8, outcomes_wait_s=0.1)
    cell = Cell(clients, records, homes_config=limits)
    async with cell.living():
        owner, other = await cell.owner(), await cell.owner(OTHER_CAR)
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await say_scenes(cell, *(request(cell) for _ in range(8)))
        await until_counted(cell, "too_many_requests", 1)
        await say_scenes(cell, *(request(cell) for _ in range(9)))
        await until_counted(cell, "scene_request_refused", 1)
        assert len(await states(owner.client)) == 3
        asked = request(cell, OTHER_CAR)
        await say_scenes(cell, asked, car_id=OTHER_CAR)
        await until_state(other.client, asked, "refused")  # it has no home


@pytest.mark.parametrize("batch", [100, 1_000])
async def test_a_home_that_is_asked_more_than_may_be_holds_up_no_other(clients, records, batch):
    limits = replace(HOMES, waiting_batch_requests=batch, hello_flush_s=0.2)
    cell = Cell(clients, records, homes_config=limits)
    busy, other = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
    many = topics.HOME_REQUESTS.rate_per_minute_max + 1
    over_us = cell.clock.now_us() + 60 * SECOND_US
    waiting = {
        "car_id": CAR, "scene_id": SCENE, "action": LAMP_ON, "state": "waiting", "reason": "",
        "occurred_us": 0, "expires_us": over_us, "due_us": over_us, "is_answered": False,
    }  # fmt: skip

    def add(connection):
        for number, home in enumerate([*[busy] * many, other]):
            own = {"request_id": f"request-{number}", "home_id": home.home_id, "taken_us": number}
            homes_rows.add_request(connection, waiting | own)

    await busy.make()
    await other.make()
    async with other.requests() as heard, cell.living("homes"):

        async def is_heard() -> bool:
            await busy.hello()
            assert await nothing(heard)
            found = await records.transact(lambda c: homes_rows.find_home(c, busy.home_id))
            return found.hello_us is not None

        await until(is_heard)
        await records.transact(add)
        await busy.hello()
        await other.hello()  # within the moment in which hellos are looked at together
        assert await heard.next(20.0) is not None
        await until_counted(cell, "too_many_requests", 1)


async def test_a_car_has_so_many_requests_open_and_no_more(clients, records):
    cell = Cell(clients, records, homes_config=HomesConfig(waiting_per_car_max=2))
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await say_scenes(cell, *(request(cell) for _ in range(4)))
        await until_counted(cell, "queue_full", 1)
        assert len(await states(owner.client)) == 2


async def test_a_home_that_answers_falsely_is_counted_and_changes_nothing(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        lies = (
            {"request_id": "request_7zzzzzzzzzzzzzzzzzzzzzzzzz"},
            {"car_id": OTHER_CAR},
            {"outcome": "opened"},
            {"decided_at_us": 1_900_000_000_000_000},
            {"decided_at_us": 1_700_000_000_000_000},
        )
        for lie in lies:
            await home.answer(asked, **lie)
        await until_counted(cell, "home_word_refused", len(lies))
        assert (await states(owner.client))[asked.request_id] == ("waiting", None)
        await home.answer(asked)
        await until_state(owner.client, asked, "done")


async def test_a_home_cannot_answer_for_another_home(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home, liar = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
        await home.taken_by(owner.client)
        await liar.make()
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        await liar.answer(asked)
        await until_counted(cell, "home_word_refused", 1)
        await home.answer(asked, outcome="failed", reason="timeout")
        assert await until_state(owner.client, asked, "failed") == ("failed", "timeout")


async def test_a_home_that_floods_is_bounded_and_holds_up_no_other(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner, other = await cell.owner(), await cell.owner(OTHER_CAR)
        home, flood = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
        await home.taken_by(owner.client)
        await flood.taken_by(other.client, OTHER_CAR)
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        rate = topics.HOME_OUTCOMES.rate_per_minute_max
        for _ in range(2 * rate + 50):
            inject(cell, flood, asked)
        await home.answer(asked)
        await until_state(owner.client, asked, "done")
        await until_counted(cell, "too_many_requests", 50)
        assert counted(cell, "home_word_refused") == 2 * rate


def inject(cell: Cell, home: HomeByHand, asked: home_pb2.HomeRequest) -> None:
    """An outcome past the sender's own rate, as other software would say it."""
    message = home_pb2.HomeOutcome(request_id=asked.request_id, car_id=CAR, outcome="done")
    stamp(message, cell.clock, cell.random)
    subject = topics.HOME_OUTCOMES.subject(**home.own)
    cell.hub.accept(topics.HOME_OUTCOMES, subject, message.SerializeToString())


async def test_damaged_words_of_a_home_are_counted_and_left_out(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        for topic in (topics.HOME_OUTCOMES, topics.HOME_STATE, topics.HOME_HELLO):
            cell.hub.accept(topic, topic.subject(**home.own), b"\xff\xff junk")
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        await home.answer(asked)
        await until_state(owner.client, asked, "done")


async def test_a_state_that_cannot_be_is_counted_and_not_shown(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await home.say_state({"name": "lamp"}, {"name": "lamp"})
        await until_counted(cell, "home_word_refused", 1)
        await home.say_state({"name": "lamp", "on": True})

        async def is_shown() -> bool:
            found = (await owner.client.get(f"/api/homes/{home.home_id}")).json()["devices"]
            return [(one["name"], one["on"]) for one in found] == [("lamp", True)]

        await until(is_shown)


async def test_a_home_that_is_not_on_record_is_heard_by_nobody(clients, records):
    cell = Cell(clients, records)
    async with cell.living("homes"):
        stranger = HomeByHand(cell, seed=3)
        await stranger.hello()
        await stranger.say_state({"name": "lamp"})
        await until_counted(cell, "home_word_refused", 1)
