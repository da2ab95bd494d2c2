"""The console: what it shows of the fleet, and whether it admits what it does not know."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.conftest import CARS
from tests.e2e.installation import Installation, wait_until
from tests.e2e.phone_stand_in import moment

SILENT_MS_MAX = 45_000
UNHEARD_S_MAX = 35
"""30 s after its last hello a car counts no more; the rest is for a busy machine."""
LOST_MS_MAX = 15_000
BACK_MS_MAX = 40_000
NO_ANSWER = re.compile(r"net::ERR_|503 \(Service Unavailable\)")
DAY_S = 86_400
QUIET_STREAMS = """
window.EventSource = class extends EventTarget {
  constructor() { super(); setTimeout(() => this.onopen?.(), 0); }
  close() {}
};
"""
"""A browser whose live connections open and say nothing; what it shows is what it was answered."""


@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_three_cars_are_online_and_their_ages_tick(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    page = await person.open(installation.sign_in_link("console"))
    await expect(page.locator("[data-connection=live]")).to_be_visible()
    await expect(page.locator("[data-presence=online]")).to_have_count(CARS)
    await expect(page.locator("[data-figure=online]")).to_have_text(str(CARS))
    await expect(page.get_by_text("GB").first).to_be_visible()
    await expect(page.locator("[data-attention] li")).to_have_text(
        [re.compile(f"{CARS} *Hand-overs not finished")]
    )
    await expect(page.get_by_role("table").get_by_role("row")).to_have_count(1 + CARS)
    await expect(page.get_by_role("rowheader")).to_have_count(CARS)
    age = page.locator("[data-presence=online] time").first
    before = await age.inner_text()
    await expect(age).not_to_have_text(before)
    await look(page, f"fleet-{size}-{scheme}")
    await person.context.close()
    assert not person.unexpected


@pytest.mark.parametrize("locale", ["zh-CN", "de-DE"])
async def test_the_signed_out_console_speaks_the_language_of_the_browser(
    locale: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, "wide", locale=locale)
    page = await person.open(installation.address("console"))
    await expect(page.get_by_role("heading", name=re.compile("登录|Anmelden"))).to_be_visible()
    await look(page, f"console-signed-out-{locale}")
    await person.context.close()


async def test_a_car_is_found_by_a_part_of_its_identifier(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link("console"))
    rows = page.locator("[data-car]")
    await expect(rows).to_have_count(CARS)
    identifier = await rows.first.get_attribute("data-car")
    assert identifier
    await page.get_by_role("searchbox").fill(identifier[-9:].upper())
    await expect(rows).to_have_count(1)
    await expect(page.locator("[data-matching]")).to_have_text("1 car matches")
    await page.get_by_role("radio", name=re.compile("Silent")).check()
    await expect(page.get_by_text("No car matches.")).to_be_visible()
    await page.get_by_role("button", name="Show all cars").click()
    await expect(rows).to_have_count(CARS)


def heard(car_id: str, before_s: float) -> dict[str, Any]:
    """A car that was last heard so long ago."""
    return {
        "car_id": car_id,
        "online": before_s < 30,
        "last_hello_at": moment(-before_s),
        "boot_count": 1,
        "software_version": "0.1.0",
        "state": None,
    }


async def open_fleet(
    person: Visitor,
    installation: Installation,
    cars: list[dict[str, Any]],
    states: dict[str, int],
) -> Page:
    """The console, told of these cars and of so many orders, which were due an hour ago."""
    week = {"begins_at": moment(-3_600), "slots": 8, "taken": 8, "states": states}
    book = {
        "states": states,
        "weeks": [week] if states else [],
        "week_duration_s": 10.0,
        "now": moment(0),
    }
    fleet = {"cars": cars, "now": moment(0), "cars_online_window_s": 30}
    await person.context.add_init_script(QUIET_STREAMS)
    await person.context.route("**/api/cars", lambda route: route.fulfill(json=fleet))
    await person.context.route("**/api/orders", lambda route: route.fulfill(json=book))
    page = await person.open(installation.sign_in_link("console"))
    await expect(page.locator("[data-connection=live]")).to_be_visible()
    return page


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
async def test_what_needs_a_person_is_counted_and_each_count_leads_to_it(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    gone, silent, here = (f"car_{number}123456789abcdefghjkmnpqrs" for number in range(3))
    cars = [heard(gone, DAY_S + 60), heard(silent, DAY_S - 60), heard(here, 1)]
    states = {"payment_declined": 1, "paid": 2, "scheduled": 1, "built": 4, "delivered": 9}
    page = await open_fleet(person, installation, cars, states)
    await expect(page.locator("[data-attention] li")).to_have_text(
        [
            re.compile("1 *Cars silent for over 24 h"),
            re.compile("1 *Orders with a failed payment"),
            re.compile("3 *Orders that are late"),
            re.compile("4 *Hand-overs not finished"),
        ]
    )
    await look(page, f"fleet-attention-{size}-{scheme}")
    await page.get_by_role("link", name="Cars silent").click()
    await expect(page.locator("[data-car]")).to_have_count(1)
    await expect(page.locator(f"[data-car={gone}]")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("radio", name="Over 24 h 1")).to_be_checked()
    await page.get_by_role("radio", name="Silent 2").check()
    await expect(page.locator("[data-car]")).to_have_count(2)
    await page.get_by_role("link", name="Orders that are late").click()
    await expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    await person.context.close()
    assert not person.unexpected


@pytest.mark.parametrize(("size", "scheme"), [("wide", "dark"), ("narrow", "light")])
async def test_an_empty_fleet_says_how_to_begin_and_that_nothing_needs_a_person(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    page = await open_fleet(person, installation, [], {})
    await expect(page.get_by_role("heading", name="No cars yet")).to_be_visible()
    await expect(page.get_by_text("Nothing needs a person.")).to_be_visible()
    await look(page, f"fleet-empty-{size}-{scheme}")
    await page.get_by_role("link", name="Orders", exact=True).click()
    await expect(page.get_by_text("No orders yet")).to_be_visible()
    await look(page, f"console-orders-empty-{size}-{scheme}")
    await person.context.close()
    assert not person.unexpected


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
async def test_a_page_that_never_had_an_answer_says_what_may_be_the_matter(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    person.expected.append(NO_ANSWER)
    await person.context.route(
        re.compile("/api/(cars|orders)"), lambda route: route.abort("connectionrefused")
    )
    page = await person.open(installation.sign_in_link("console"))
    for name in ("Fleet", "Orders"):
        await page.get_by_role("link", name=name, exact=True).click()
        await expect(page.locator("[data-connection=lost]")).to_contain_text("No data has come")
        await expect(page.get_by_text("Is “monocoque up” still running?")).to_be_visible()
        await look(page, f"console-no-answer-{name.lower()}-{size}-{scheme}")
    await person.context.close()
    assert not person.unexpected


async def test_a_car_that_is_killed_appears_as_silent(
    own_installation: Installation, person: Visitor
) -> None:
    page = await person.open(own_installation.sign_in_link("console"))
    await expect(page.locator("[data-presence=online]")).to_have_count(1)
    car = own_installation.start_car()
    await expect(page.locator("[data-presence=online]")).to_have_count(2, timeout=SILENT_MS_MAX)
    car.kill()
    await asyncio.to_thread(
        wait_until,
        "its health counts one less",
        lambda: own_installation.cars_online() == 1,
        UNHEARD_S_MAX,
    )
    await expect(page.locator("[data-presence=silent]")).to_have_count(1, timeout=SILENT_MS_MAX)
    await expect(page.locator("[data-figure=online]")).to_have_text("1")
    await expect(page.locator("[data-figure=silent]")).to_have_text("1")
    await look(page, "fleet-one-silent-wide")


async def test_a_dead_cell_is_admitted_and_its_return_is_noticed(
    own_installation: Installation, person: Visitor
) -> None:
    person.expected.append(NO_ANSWER)
    page = await person.open(own_installation.sign_in_link("console"))
    await expect(page.locator("[data-presence=online]")).to_have_count(1)
    own_installation.kill()
    lost = page.locator("[data-connection=lost]")
    await expect(lost).to_contain_text("What you see is", timeout=LOST_MS_MAX)
    await expect(page.locator("[data-presence=online]")).to_have_count(0)
    await expect(page.get_by_text("Was online", exact=True).first).to_be_visible()
    await expect(page.get_by_text("Connection lost; 1 of 1 car was online")).to_be_attached()
    await look(page, "fleet-connection-lost-wide")
    own_installation.start()
    await expect(page.locator("[data-connection=live]")).to_be_visible(timeout=BACK_MS_MAX)
    await expect(page.locator("[data-presence=online]")).to_have_count(1, timeout=BACK_MS_MAX)
    wait_until("the cell counts the car", lambda: own_installation.cars_online() == 1, 30)
