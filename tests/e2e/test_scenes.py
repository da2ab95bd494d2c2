"""Home and scenes on the phone: tied, made, run and explained; a real home is in test_tour.py."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import look, speak, visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_owner import Owner, sign_in, take_over
from tests.e2e.phone_stand_in import CAR, StandIn, claims_of, moment

HOME = "home_0123456789abcdefghjkmnpqrs"
LAMP_SCENE = "scene_0123456789abcdefghjkmnpqrs"
WARM_SCENE = "scene_1123456789abcdefghjkmnpqrs"


def home(online: bool = True, lamp: bool = False) -> dict[str, Any]:
    """A home with both devices."""
    return {
        "home_id": HOME,
        "online": online,
        "silent_since": None if online else moment(-7_200),
        "software_version": "0.5.0",
        "devices": [
            {"name": "lamp", "on": lamp, "target_celsius": None, "changed_at": moment(-90)},
            {"name": "heat_pump", "on": True, "target_celsius": 20.5, "changed_at": moment(-8_000)},
        ],
        "car_ids": [CAR],
    }


def scenes() -> list[str]:
    """Three scenes; the page could not have made the last."""
    place = {"latitude_e7": 473_769_000, "longitude_e7": 85_417_000}
    where = {"place": place, "enter_radius_m": 150, "exit_radius_m": 300}
    return [
        json.dumps(each)
        for each in (
            {
                "scene_id": LAMP_SCENE,
                "name": "Light for coming home",
                "when": {"trigger": "arrive", **where, "away_s_min": 300},
                "do": [{"action": "home.lamp.turn_on"}],
                "valid_for_s": 600,
            },
            {
                "scene_id": WARM_SCENE,
                "name": "Warm in the morning",
                "when": {
                    "trigger": "time",
                    "minute_of_day": 450,
                    "days": ["mon", "wed"],
                    "zone": "Europe/Zurich",
                },
                "do": [{"action": "car.climate", "on": True, "temperature_decicelsius": 210}],
                "valid_for_s": 1_800,
            },
            {
                "scene_id": "scene_2123456789abcdefghjkmnpqrs",
                "name": "All off",
                "when": {"trigger": "leave", **where, "stay_s_min": 3_600},
                "do": [{"action": "home.lamp.turn_off"}, {"action": "car.lock"}],
                "valid_for_s": 600,
            },
        )
    ]


def trace(reason: str, findings: list[tuple[str, str, bool]], **others: Any) -> dict[str, Any]:
    """Why a scene ran, or did not."""
    return {
        "scene_id": LAMP_SCENE,
        "occurred_at": moment(-60),
        "ran": False,
        "reason": reason,
        "findings": [
            {"what": what, "found": found, "fits": fits} for what, found, fits in findings
        ],
        "requests": [],
        **others,
    }


def request(state: str, reason: str | None, number: int) -> dict[str, Any]:
    """What a scene asked of the home."""
    return {
        "request_id": f"request_{number}123456789abcdefghjkmnpqrs",
        "scene_id": LAMP_SCENE,
        "action": json.dumps({"action": "home.lamp.turn_on"}),
        "state": state,
        "reason": reason,
        "home_id": HOME,
        "occurred_at": moment(-60),
        "expires_at": moment(540),
        "decided_at": moment(-59),
    }


SEEN = [("distance_m", "112", True), ("accuracy_m", "5", True), ("before", "gone", True)]
TRACES = [
    trace(
        "arrived",
        [*SEEN, ("before_s", "1860", True)],
        ran=True,
        requests=[request("done", None, 0)],
    ),
    trace("arrived", SEEN, ran=True, requests=[request("waiting", None, 1)]),
    trace("arrived", SEEN, ran=True, requests=[request("failed", "timeout", 2)]),
    trace("away_too_short", [*SEEN, ("before_s", "40", False)]),
    trace("not_seen_coming", [("before", "unknown", False)]),
    trace(
        "time_came",
        [("late_s", "0", True), ("car.climate", "charge_low", False)],
        ran=True,
        scene_id=WARM_SCENE,
    ),
]


async def to_home(page: Page) -> None:
    """Go to the page of home and scenes."""
    await page.get_by_role("link", name="Home", exact=True).click()
    await expect(page.get_by_role("heading", name="Home and scenes")).to_be_visible()


async def test_a_car_without_a_home_is_told_how_to_get_one_and_a_wrong_code_is_refused(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(re.compile(r"40[0-9] \("))
    page = await take_over(owner, installation, stand_in)
    await to_home(page)
    await expect(page.get_by_text("No scene yet.")).to_be_visible()
    await look(page, f"phone-home-none-{owner.look}")
    await page.get_by_label("Code of the home").fill("AAAA-BBBB-CCCC-DDDD")
    await page.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await look(page, f"phone-home-code-wrong-{owner.look}")


async def test_home_scenes_and_why_each_ran_are_shown_as_old_as_they_are(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    stand_in.scenes |= {"home": home(lamp=True), "scenes": scenes(), "traces": TRACES}
    page = await take_over(owner, installation, stand_in)
    await to_home(page)
    await expect(page.locator("[data-device=lamp][data-on=true]")).to_be_visible()
    await expect(page.locator("[data-scene]")).to_have_count(3)
    await expect(page.get_by_text("At 7:30 AM, Mon and Wed")).to_be_visible()
    await expect(page.locator("[data-ran=true]")).to_have_count(4)
    await expect(page.locator("[data-reason=away_too_short]")).to_contain_text("for 40 s")
    await expect(page.get_by_text("Climate: the charge is too low")).to_be_visible()
    await look(page, f"phone-home-{owner.look}")
    await stand_in.tell(page, home=home(online=False))
    await expect(page.locator("[data-home=silent]")).to_contain_text("last heard 2 hr. ago")
    await look(page, f"phone-home-silent-{owner.look}")


async def test_both_scenes_are_made_changed_and_removed_by_what_the_owner_signs(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    stand_in.scenes |= {"home": home(), "scenes": scenes()}
    page = await take_over(owner, installation, stand_in)
    await to_home(page)
    await page.get_by_role("button", name="Arriving turns on the lamp").click()
    await expect(page.get_by_label("Name")).to_be_focused()
    await page.get_by_label("Away before for").select_option("1")
    await look(page, f"phone-scene-arrive-{owner.look}")
    await page.get_by_role("button", name="Sign and save").click()
    await expect(page.locator("[data-editor]")).to_have_count(0)
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()

    await page.get_by_role("button", name="Warm the car at a time").click()
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        await page.get_by_role("checkbox", name=day).uncheck()
    await expect(page.get_by_text("Choose at least one day.")).to_be_visible()
    await expect(page.get_by_role("button", name="Sign and save")).to_be_disabled()
    await page.get_by_role("checkbox", name="Sat").check()
    await page.get_by_label("Time", exact=True).fill("08:05")
    await look(page, f"phone-scene-time-{owner.look}")
    await page.get_by_role("button", name="Sign and save").click()
    await expect(page.locator("[data-editor]")).to_have_count(0)
    await stand_in.settle(page, "refused", "too_many_scenes", signer=stand_in.car)
    await expect(page.get_by_text("it holds as many scenes as it may")).to_be_visible()

    await page.get_by_role("button", name="Edit: Warm in the morning").click()
    await expect(page.get_by_label("Time", exact=True)).to_have_value("07:30")
    await page.get_by_role("button", name="Cancel", exact=True).click()
    await page.get_by_role("button", name="Remove: All off").click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    asked = [claims_of(command["command"])["scope"] for command in stand_in.commands]
    assert asked == ["scene_put", "scene_put", "scene_remove"]


async def test_a_lost_connection_is_admitted_where_the_home_is_shown(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(re.compile("net::ERR_"))
    stand_in.scenes |= {"home": home(lamp=True), "scenes": scenes()}
    page = await take_over(owner, installation, stand_in)
    await to_home(page)
    await expect(page.locator("[data-home=online]")).to_contain_text("Reachable")
    stand_in.is_down = True
    await page.evaluate("standInBreaks()")
    await expect(page.locator("[data-connection=lost]")).to_be_visible()
    await expect(page.locator("[data-home=online]")).to_contain_text("Was reachable")
    await look(page, f"phone-home-lost-{owner.look}")


@pytest.mark.parametrize(("locale", "ran"), [("zh", "已执行"), ("de", "Ausgeführt")])
async def test_home_and_scenes_speak_the_language_of_their_reader(
    locale: str, ran: str, installation: Installation, browser: Browser, stand_in: StandIn
) -> None:
    stand_in.scenes |= {"home": home(lamp=True), "scenes": scenes(), "traces": TRACES}
    stand_in.others = [CAR]
    person = await visitor(browser, "narrow")
    await speak(person, locale)
    await stand_in.stand_in(person.context)
    page = await sign_in(person, installation)
    await page.goto(installation.address("phone", "/home"))
    await expect(page.locator("[data-ran=true]").first).to_contain_text(ran)
    await look(page, f"phone-home-{locale}")
    await person.context.close()
    assert not person.unexpected
