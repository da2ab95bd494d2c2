"""The console's software: versions, releases and campaigns, run by hand and seen on bad days."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.browser import Visitor, look, speak, visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_stand_in import moment
from tests.e2e.releases import NOTES, publish
from tests.e2e.test_fleet import NO_ANSWER, QUIET_STREAMS

HEARD_MS_MAX = 60_000
CARS = [f"car_{number}123456789abcdefghjkmnpqrs" for number in range(8)]
CAMPAIGN = "campaign_0123456789abcdefghjkmnpqrs"


def car(number: int, state: str = "none", reason: str = "", **others: Any) -> dict[str, Any]:
    """What a car says of its software."""
    return {
        "car_id": CARS[number],
        "release_number": 1,
        "version": "1.0.0",
        "update_state": state,
        "update_number": 2,
        "reason": reason,
        "progress_percent": 0,
        "campaign_id": CAMPAIGN,
        "heard_at": moment(-60),
        "attention": None,
        "refusals": 0,
        "refusal_code": "",
        **others,
    }


def campaign(state: str, waves: list[dict[str, int]], **others: Any) -> dict[str, Any]:
    """A campaign. waves: how many cars of each are in which phase; the last has not begun."""
    last = len(waves) - 1
    return {
        "campaign_id": CAMPAIGN,
        "release_number": 2,
        "version": "1.2.0",
        "state": state,
        "reason": "",
        "cars": sum(sum(wave.values()) for wave in waves),
        "left_out": 0,
        "failures_max": 1,
        "failed": 0,
        "installed": sum(wave.get("installed", 0) for wave in waves),
        "soak_s": 86_400,
        "silent_s": 86_400,
        "waves": [
            {
                "number": number,
                "cars": sum(wave.values()),
                "has_begun": number < last or state == "finished",
                "failed": wave.get("rolled_back", 0),
                "phases": [{"phase": phase, "cars": cars} for phase, cars in wave.items()],
            }
            for number, wave in enumerate(waves)
        ],
        "started_by": "operator",
        "started_at": moment(-3_600),
        "changed_at": moment(-30),
        "can_pause": state == "running",
        "can_resume": state in {"paused", "halted"},
        "can_halt": state in {"running", "paused"},
        "resume_needs_despite_failures": state == "halted",
        **others,
    }


STRANGE = car(5, attention="inventory_changed")
FLEET = [
    car(0, "installed", release_number=2, version="1.2.0"),
    car(1, "installed", release_number=2, version="1.2.0"),
    car(2, "rolled_back", "boot_failed"),
    car(3, "refused", "threshold_unmet"),
    car(4, "installing"),
    STRANGE,
    car(6, "waiting", "not_agreed"),
    car(7),
]
HALTED = campaign(
    "halted",
    [
        {"installed": 1},
        {"installed": 1, "installing": 1, "rolled_back": 1, "refused": 1},
        {"held": 3},
    ],
    reason="failures",
    failed=2,
)
OTHERS = [
    campaign(
        "finished",
        [{"installed": 3}],
        campaign_id=CAMPAIGN[:-1] + "t",
        left_out=2,
        started_at=moment(-90_000),
    ),
    campaign(
        "paused",
        [{"waiting": 1, "downloading": 1}, {"held": 4}],
        campaign_id=CAMPAIGN[:-1] + "v",
        started_at=moment(-7_200),
    ),
]
RELEASE = {
    "number": 2,
    "version": "1.2.0",
    "title": {language: text.splitlines()[0][2:] for language, text in NOTES.items()},
    "critical": True,
    "minutes": 12,
    "needs_charge_percent": 20,
    "hardware_ids": ["arden7-body"],
    "image_bytes": 31_400_000,
    "published_at": moment(-86_400),
    "thoughts": 3,
}
MEMBERS = [
    {
        "car_id": CARS[number],
        "wave": min(number, 1),
        "phase": phase,
        "reason": reason,
        "progress_percent": 0,
        "is_forgiven": False,
        "changed_at": moment(-60),
    }
    for number, (phase, reason) in enumerate(
        [
            ("installed", ""),
            ("installed", ""),
            ("rolled_back", "boot_failed"),
            ("refused", "expired"),
        ]
    )
]


def giving(answer: dict[str, Any]) -> Callable[[Route], Coroutine[Any, Any, None]]:
    """What gives this answer."""
    return lambda route: route.fulfill(json=answer)


async def open_software(
    person: Visitor, installation: Installation, name: str = "Software"
) -> Page:
    """The page of software, told of a bad day."""
    answers: dict[str, dict[str, Any]] = {
        "**/api/campaigns": {"campaigns": [HALTED, *OTHERS], "now": moment(0)},
        "**/api/releases": {"releases": [RELEASE], "now": moment(0)},
        "**/api/software?*": {"cars": FLEET, "after": None},
        "**/api/software/attention": {"cars": [STRANGE], "campaigns": [HALTED]},
        "**/api/campaigns/*/cars?*": {"cars": MEMBERS, "after": None},
    }
    await person.context.add_init_script(QUIET_STREAMS)
    for where, answer in answers.items():
        await person.context.route(where, giving(answer))
    page = await person.open(installation.sign_in_link("console"))
    await page.get_by_role("link", name=name, exact=True).click()
    await expect(page.locator("[data-campaign]")).to_have_count(3)
    return page


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
async def test_a_halted_campaign_failed_updates_and_strange_cars_ask_for_a_person(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    page = await open_software(person, installation)
    needs = page.locator("[data-needs]")
    await expect(needs.get_by_role("listitem")).to_have_text(
        [
            re.compile("Halted.*1.2.0.*too many cars failed"),
            re.compile("Its control units changed"),
            re.compile("Went back.*a part did not start with it"),
            re.compile("Refused.*not every company that must has signed it"),
        ]
    )
    await expect(page.locator("[data-version='1.0.0']")).to_contain_text("6")
    await expect(page.get_by_role("button", name="Resume despite failures")).to_be_enabled()
    await page.locator("[data-state=halted] summary").click()
    await expect(page.locator("[data-phase=rolled_back]")).to_contain_text("did not start")
    await look(page, f"software-{size}-{scheme}")
    await page.get_by_role("link", name="Fleet", exact=True).click()
    await expect(page.locator("[data-attention] li")).to_contain_text(
        [
            re.compile("Hand-overs"),
            re.compile("explain"),
            re.compile("halted"),
            re.compile("failed"),
        ]
    )
    await look(page, f"fleet-software-{size}-{scheme}")
    await person.context.close()
    assert not person.unexpected


@pytest.mark.parametrize(("locale", "name"), [("de", "Software"), ("zh", "软件")])
async def test_the_page_of_software_speaks_the_language_of_its_reader(
    locale: str, name: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, "narrow")
    await speak(person, locale)
    page = await open_software(person, installation, name)
    await look(page, f"software-{locale}")
    await person.context.close()
    assert not person.unexpected


async def test_a_page_of_software_without_an_answer_says_so(
    installation: Installation, person: Visitor
) -> None:
    person.expected.append(NO_ANSWER)
    await person.context.route(
        re.compile("/api/campaigns"), lambda route: route.abort("connectionrefused")
    )
    page = await person.open(installation.sign_in_link("console"))
    await page.get_by_role("link", name="Software", exact=True).click()
    await expect(page.locator("[data-connection=lost]")).to_contain_text("No data has come")
    await look(page, "software-no-answer")


@pytest.mark.timeout(180)
async def test_a_campaign_is_started_paused_resumed_and_halted_by_hand(
    own_installation: Installation, person: Visitor
) -> None:
    person.expected.append(re.compile("409"))
    page = await person.open(own_installation.sign_in_link("console"))
    await page.get_by_role("link", name="Software", exact=True).click()
    await expect(page.get_by_text("No campaign yet")).to_be_visible()
    await expect(page.locator("[data-version='1.0.0']")).to_be_visible(timeout=HEARD_MS_MAX)
    await look(page, "software-none-yet")
    publish(own_installation, "1.2.0")
    await page.reload()
    await page.get_by_role("button", name="New campaign").click()
    await expect(page.get_by_role("combobox", name="Release")).to_be_focused()
    await page.get_by_role("textbox", name="Waves").fill("one")
    await expect(page.get_by_text("Write whole numbers above zero")).to_be_visible()
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    await page.get_by_role("textbox", name="Waves").fill("1")
    await page.get_by_role("radio", name="Chosen cars").check()
    await page.get_by_role("checkbox").first.check()
    await look(page, "software-start")
    await page.get_by_role("button", name="Start", exact=True).click()
    started = page.locator("[data-campaign]")
    await expect(started).to_have_attribute("data-state", "running", timeout=HEARD_MS_MAX)
    await started.get_by_text("Its cars").click()
    waiting = started.locator("[data-phase=waiting]")
    await expect(waiting).to_contain_text("its owner has not agreed", timeout=HEARD_MS_MAX)
    await started.get_by_role("button", name="Pause").click()
    await expect(started).to_have_attribute("data-state", "paused")
    await started.get_by_role("button", name="Resume").click()
    await expect(started).to_have_attribute("data-state", "running")
    await look(page, "software-running")
    await started.get_by_role("button", name="Halt").click()
    await expect(started).to_have_attribute("data-state", "halted")
    await expect(page.locator("[data-needs]")).to_contain_text("by a person")
    await page.get_by_role("link", name="Fleet", exact=True).click()
    await expect(page.locator("[data-attention]")).to_contain_text("Campaigns that were halted")
