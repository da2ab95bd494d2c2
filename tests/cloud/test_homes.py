"""The desk for homes: what scenes ask reaches the right home, once, and its answer the owner."""

from dataclasses import replace

import pytest

from monocoque.cloud.homes import records as homes_rows
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.web import CarScenes, ScenesTick
from monocoque.contracts import topics
from monocoque.contracts.errors import NotFound
from monocoque.contracts.wire import home_pb2
from tests.cloud.homes import (
    SCENE,
    SECOND_US,
    HomeByHand,
    next_request,
    nothing,
    request,
    say_scenes,
    shown,
    states,
    until_state,
)
from tests.cloud.orders import next_of
from tests.cloud.owner import CAR, HOMES, OTHER_CAR, Cell, until


async def test_what_a_scene_asks_reaches_the_home_and_its_answer_the_owner(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await home.be_there(owner.client)
        asked = request(cell)
        async with home.requests() as heard:
            await say_scenes(cell, asked, scenes=['{"name":"x"}'])
            said = await next_request(heard)
        members = ("request_id", "car_id", "scene_id", "action", "occurred_at_us", "expires_at_us")
        assert [getattr(said, m) for m in members] == [getattr(asked, m) for m in members]
        assert await until_state(owner.client, asked, "said") == ("said", None)
        await home.answer(asked)
        assert await until_state(owner.client, asked, "done") == ("done", None)
        found = await shown(owner.client)
        assert (found["scenes"], found["home"]["home_id"]) == (['{"name":"x"}'], home.home_id)


async def test_a_request_that_the_car_says_again_is_said_once(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await home.be_there(owner.client)
        asked = request(cell)
        async with home.requests() as heard:
            await say_scenes(cell, asked)
            assert (await next_request(heard)).request_id == asked.request_id
            while not await nothing(heard):
                pass  # a hello that came together with it
            await say_scenes(cell, asked, asked)
            newer = request(cell)
            await say_scenes(cell, asked, newer)
            assert (await next_request(heard)).request_id == newer.request_id


async def test_a_home_that_was_away_is_asked_at_its_hello_until_it_answers(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        asked = request(cell)
        async with home.requests() as heard:
            await say_scenes(cell, asked)
            assert await until_state(owner.client, asked, "waiting") == ("waiting", None)
            for _ in range(2):
                await home.hello()
                assert (await next_request(heard)).request_id == asked.request_id
            await home.answer(asked)
            await until_state(owner.client, asked, "done")
            await home.hello()
            assert await nothing(heard)


async def test_a_desk_that_was_killed_asks_at_the_next_hello(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
    home = HomeByHand(cell)
    await home.taken_by(owner.client)
    asked = request(cell)
    async with cell.living("homes"):
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
    async with home.requests() as heard, cell.living("homes"):
        await home.be_there(owner.client)
        assert (await next_request(heard)).request_id == asked.request_id


async def test_what_came_while_the_desk_was_away_is_not_lost(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
    home = HomeByHand(cell)
    await home.taken_by(owner.client)
    asked, answered = request(cell), request(cell)
    async with cell.living("homes"):
        await say_scenes(cell, answered)
        await until_state(owner.client, answered, "waiting")
    await say_scenes(cell, asked)
    await home.answer(answered)
    async with cell.living("homes"):
        await until_state(owner.client, asked, "waiting")
        await until_state(owner.client, answered, "done")


async def test_a_car_without_a_home_asks_nobody(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client, car_id=None)
        await home.be_there(owner.client)
        asked = request(cell)
        async with home.requests() as heard:
            await say_scenes(cell, asked)
            assert await until_state(owner.client, asked, "refused") == ("refused", "no_home")
            # Once it belongs to a home, what it asked before stays refused.
            await owner.client.put(f"/api/homes/{home.home_id}/cars/{CAR}")
            await say_scenes(cell, asked)
            await home.hello()
            assert await nothing(heard)


async def test_a_request_that_is_over_is_said_to_nobody(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        await home.be_there(owner.client)
        late = request(cell, expires_at_us=cell.clock.now_us())
        async with home.requests() as heard:
            await say_scenes(cell, late)
            assert await until_state(owner.client, late, "expired") == ("expired", "not_said")
            assert await nothing(heard)


@pytest.mark.parametrize(
    ("is_there", "said"),
    [(False, ("expired", "not_said")), (True, ("unknown", "not_answered"))],
)
async def test_time_closes_what_nobody_answered_and_a_late_answer_counts(
    clients, records, is_there, said
):
    cell = Cell(clients, records, homes_config=HomesConfig(look_s_max=0.02, outcomes_wait_s=0.1))
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        if is_there:
            await home.be_there(owner.client)
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "said" if is_there else "waiting")
        cell.clock.advance(60 + 31)
        assert await until_state(owner.client, asked, said[0]) == said
        async with home.requests() as heard:
            await home.hello()
            assert await nothing(heard)
        await home.answer(asked, outcome="failed", reason="device_failed")
        assert await until_state(owner.client, asked, "failed") == ("failed", "device_failed")


async def test_the_first_answer_of_a_home_stays(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        asked, second = request(cell), request(cell)
        await say_scenes(cell, asked, second)
        await until_state(owner.client, second, "waiting")
        await home.answer(asked)
        await home.answer(asked, outcome="refused", reason="word_unknown")
        await home.answer(second)
        await until_state(owner.client, second, "done")
        assert (await states(owner.client))[asked.request_id] == ("done", None)


async def test_when_a_car_leaves_its_home_nothing_more_is_said_there(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        asked = request(cell)
        await say_scenes(cell, asked)
        await until_state(owner.client, asked, "waiting")
        async with home.requests() as heard:
            await owner.client.delete(f"/api/homes/{home.home_id}/cars/{CAR}")
            assert await until_state(owner.client, asked, "refused") == ("refused", "no_home")
            await home.hello()
            assert await nothing(heard)


async def test_the_traces_of_a_car_show_what_became_of_what_it_asked(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        first = request(cell)
        second = request(cell, occurred_at_us=first.occurred_at_us)
        finding = home_pb2.SceneFinding(what="away_s", found="900", fits=True)
        trace = home_pb2.SceneTrace(
            scene_id=SCENE,
            request_id=first.request_id,
            occurred_at_us=first.occurred_at_us,
            ran=True,
            reason="arrived",
            findings=[finding],
        )
        idle = home_pb2.SceneTrace(scene_id=SCENE, occurred_at_us=7, reason="away_too_short")
        await say_scenes(cell, first, second, traces=[trace, idle])
        await until_state(owner.client, first, "waiting")
        shown_first, shown_idle = (await shown(owner.client))["traces"]
        assert shown_first["findings"] == [{"what": "away_s", "found": "900", "fits": True}]
        asked = {one["request_id"] for one in shown_first["requests"]}
        assert asked == {first.request_id, second.request_id}
        assert (shown_idle["reason"], shown_idle["requests"]) == ("away_too_short", [])


async def test_a_live_page_sees_requests_answers_and_devices(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        person_id = next(iter(cell.sessions.by_token.values())).person_id
        stream = cell.live_scenes.live(CAR, person_id)
        first = await next_of(stream, CarScenes)
        assert (first.requests, first.home.devices, first.said_at) == ([], [], None)
        await next_of(stream, ScenesTick)
        asked = request(cell)
        await say_scenes(cell, asked)
        assert (await next_of(stream, CarScenes)).requests[0].state == "waiting"
        await home.answer(asked)
        assert (await next_of(stream, CarScenes)).requests[0].state == "done"
        await home.say_state({"name": "lamp", "on": True, "changed_at_us": 9 * SECOND_US})
        devices = (await next_of(stream, CarScenes)).home.devices
        assert [(one.name, one.on, one.target_celsius) for one in devices] == [("lamp", True, None)]
        await stream.aclose()


async def test_a_live_page_of_a_stranger_does_not_begin(clients, records):
    cell = Cell(clients, records)
    with pytest.raises(NotFound):
        await anext(cell.live_scenes.live(CAR, "person_nobody"))


async def test_a_home_is_told_of_the_cars_that_belong_to_it_and_of_no_others(clients, records):
    cell = Cell(clients, records)
    async with cell.living():
        owner = await cell.owner()
        stranger = await cell.owner(OTHER_CAR)
        home, others = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
        await cell.say_body(charge_percent=50.0)
        await cell.say_body(OTHER_CAR, charge_percent=60.0)
        await home.taken_by(owner.client)
        await others.taken_by(stranger.client, OTHER_CAR)

        async def is_told() -> bool:
            return await home.cars() == [CAR] and await others.cars() == [OTHER_CAR]

        await until(is_told)
        await cell.say_body(charge_percent=51.0, locked=True)

        async def is_newer() -> bool:
            said = await home.bus.last(topics.HOME_CARS, **home.own)
            [car] = said.message.cars
            return car.charge_percent == 51.0 and car.locked

        await until(is_newer)
        await owner.client.delete(f"/api/homes/{home.home_id}/cars/{CAR}")

        async def is_gone() -> bool:
            return await home.cars() == []

        await until(is_gone)
        assert await others.cars() == [OTHER_CAR]


async def test_a_desk_that_starts_anew_tells_the_homes(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing", "twin"):
        owner = await cell.owner()
        await cell.say_body(charge_percent=50.0)

        async def is_known() -> bool:
            return await owner.body() is not None

        await until(is_known)
    home = HomeByHand(cell)
    await home.taken_by(owner.client)
    async with cell.living("homes"):

        async def is_told() -> bool:
            return await home.cars() == [CAR]

        await until(is_told)


async def test_a_home_hears_no_more_of_a_car_though_nobody_said_that_it_left(clients, records):
    look_s = 0.05
    cell = Cell(clients, records, homes_config=replace(HOMES, ties_look_s=look_s))
    async with cell.living():
        owner = await cell.owner()
        home = HomeByHand(cell)
        await cell.say_body(charge_percent=50.0)
        await home.taken_by(owner.client)

        async def is_told() -> bool:
            return await home.cars() == [CAR]

        await until(is_told)
        # Whoever untied it was killed between the record and the word.
        await records.transact(lambda connection: homes_rows.remove_tie(connection, CAR))
        cell.clock.advance(look_s)

        async def is_gone() -> bool:
            return await home.cars() == []

        await until(is_gone)
