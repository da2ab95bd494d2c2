"""Whose a home is: taken by a code, once, and shown to nobody else."""

from dataclasses import replace

import pytest

from monocoque.contracts.errors import HomeAlreadyTaken
from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.sessions import COOKIE_NAME, csrf_token
from tests.cloud.homes import HomeByHand, take
from tests.cloud.owner import CAR, HOMES, OTHER_CAR, Cell


def code_of(answer) -> str:
    """The code of a refusal, or ``taken``."""
    return "taken" if answer.is_success else answer.json()["code"]


async def test_a_home_is_taken_by_its_code_with_a_car_and_the_same_again_is_harmless(
    clients, records
):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
        home = HomeByHand(cell)
        code = await home.make()
        written = f" {code.upper().replace('0', 'O').replace('1', 'L').replace('-', ' ')}"
        first = await take(owner.client, written, CAR)
        assert first.json() == {
            "home_id": home.home_id,
            "online": False,
            "silent_since": None,
            "software_version": None,
            "devices": [],
            "car_ids": [CAR],
        }
        assert (await take(owner.client, code, CAR)).json() == first.json()
        listed = (await owner.client.get("/api/homes")).json()["homes"]
        assert listed == [first.json()]
        with pytest.raises(HomeAlreadyTaken):
            await home.new_code()


async def test_a_code_that_was_used_replaced_or_is_too_old_takes_nothing(clients, records):
    cell = Cell(clients, records)
    first, second = await cell.browser(), await cell.browser()
    home, other = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
    used, replaced = await home.make(), await other.make()
    newest = await other.new_code()
    assert code_of(await take(first, used)) == "taken"
    assert code_of(await take(second, used)) == "home_code_wrong"
    assert code_of(await take(second, replaced)) == "home_code_wrong"
    cell.clock.advance(HOMES.code_lifetime_s)
    assert code_of(await take(second, newest)) == "home_code_wrong"
    assert code_of(await take(second, await other.new_code())) == "taken"


async def test_who_guesses_codes_is_stopped_for_a_day_and_nobody_else(clients, records):
    cell = Cell(clients, records, homes_config=replace(HOMES, wrong_codes_per_day_max=3))
    guesser, other = await cell.browser(), await cell.browser()
    home = HomeByHand(cell)
    code = await home.make()
    said = [code_of(await take(guesser, f"guess {number}")) for number in range(4)]
    assert said == ["home_code_wrong"] * 3 + ["home_code_tries_spent"]
    assert code_of(await take(guesser, code)) == "home_code_tries_spent"
    assert code_of(await take(other, "guess")) == "home_code_wrong"
    cell.clock.advance(86_400)
    assert code_of(await take(guesser, "guess")) == "home_code_wrong"
    assert code_of(await take(guesser, code)) == "taken"


async def test_a_home_and_a_car_of_somebody_else_are_refused_like_what_does_not_exist(
    clients, records
):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner, stranger = await cell.owner(), await cell.owner(OTHER_CAR)
        home, own = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
        await home.taken_by(owner.client)
        await own.taken_by(stranger.client, OTHER_CAR)
        nowhere = "home_7zzzzzzzzzzzzzzzzzzzzzzzzz"
        told = set()
        for home_id in (home.home_id, nowhere):
            path = f"/api/homes/{home_id}"
            told.add(await refusal(stranger.client, "GET", path))
            told.add(await refusal(stranger.client, "DELETE", path))
            told.add(await refusal(stranger.client, "PUT", f"{path}/cars/{OTHER_CAR}"))
            told.add(await refusal(stranger.client, "DELETE", f"{path}/cars/{OTHER_CAR}"))
        assert told == {(404, "not_found", "You have no such home.")}
        cars = set()
        for car_id in (CAR, "car_7zzzzzzzzzzzzzzzzzzzzzzzzz"):
            cars.add(await refusal(stranger.client, "GET", f"/api/cars/{car_id}/scenes"))
            cars.add(await refusal(stranger.client, "GET", f"/api/cars/{car_id}/scenes/live"))
            path = f"/api/homes/{own.home_id}/cars/{car_id}"
            cars.add(await refusal(stranger.client, "PUT", path))
        assert cars == {(404, "not_found", "You have no such car.")}
        listed = (await owner.client.get("/api/homes")).json()["homes"]
        assert [one["car_ids"] for one in listed] == [[CAR]]


async def refusal(client, method: str, path: str) -> tuple[int, str, str]:
    """What a person is told."""
    answer = await client.request(method, path)
    said = answer.json()
    return answer.status_code, said["code"], said["detail"]


async def test_a_code_does_not_take_a_home_for_a_car_of_somebody_else(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        await cell.owner()
        stranger = await cell.browser()
        code = await HomeByHand(cell).make()
        assert code_of(await take(stranger, code, CAR)) == "not_found"
        assert (await stranger.get("/api/homes")).json()["homes"] == []
        assert code_of(await take(stranger, code)) == "taken"


async def test_a_car_belongs_to_one_home_and_goes_where_its_owner_says(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner = await cell.owner()
        first, second = HomeByHand(cell, seed=1), HomeByHand(cell, seed=2)
        await first.taken_by(owner.client)
        code = await second.make()
        assert code_of(await take(owner.client, code, CAR)) == "car_already_tied"
        assert code_of(await take(owner.client, code)) == "taken"
        move = f"/api/homes/{second.home_id}/cars/{CAR}"
        assert code_of(await owner.client.put(move)) == "car_already_tied"
        away = await owner.client.delete(f"/api/homes/{first.home_id}/cars/{CAR}")
        assert away.json()["car_ids"] == []
        for _ in range(2):
            assert (await owner.client.put(move)).json()["car_ids"] == [CAR]
        # A home that the car does not belong to cannot let it go.
        await owner.client.delete(f"/api/homes/{first.home_id}/cars/{CAR}")
        found = (await owner.client.get(f"/api/cars/{CAR}/scenes")).json()
        assert found["home"]["home_id"] == second.home_id


async def test_a_home_that_was_given_up_is_nobodys_and_can_be_taken_anew(clients, records):
    cell = Cell(clients, records)
    async with cell.living("pairing"):
        owner, other = await cell.owner(), await cell.browser()
        home = HomeByHand(cell)
        await home.taken_by(owner.client)
        assert (await owner.client.delete(f"/api/homes/{home.home_id}")).status_code == 204
        assert (await owner.client.get("/api/homes")).json()["homes"] == []
        assert (await owner.client.get(f"/api/cars/{CAR}/scenes")).json()["home"] is None
        assert code_of(await take(other, await home.new_code())) == "taken"


async def test_nobody_has_homes_without_end_and_no_home_cars_without_end(clients, records):
    limits = replace(HOMES, homes_per_person_max=1, cars_per_home_max=0)
    cell = Cell(clients, records, homes_config=limits)
    async with cell.living("pairing"):
        owner = await cell.owner()
        homes = [HomeByHand(cell, seed) for seed in (1, 2)]
        codes = [await home.make() for home in homes]
        assert code_of(await take(owner.client, codes[0], CAR)) == "homes_full"
        said = [code_of(await take(owner.client, code)) for code in codes]
        assert said == ["taken", "homes_full"]


async def test_only_an_owner_on_the_phone_site_sees_homes(clients, records):
    cell = Cell(clients, records)
    browser = await cell.browser()
    token = cell.sessions.open(Site.PHONE, PersonRole.SUPPORT)
    browser.headers.update({"cookie": f"{COOKIE_NAME}={token}", "x-csrf-token": csrf_token(token)})
    answers = [
        await browser.get("/api/homes"),
        await browser.get(f"/api/cars/{CAR}/scenes"),
        await take(browser, "guess"),
    ]
    assert {code_of(answer) for answer in answers} == {"not_allowed"}
