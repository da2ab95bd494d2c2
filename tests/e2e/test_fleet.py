"""The console: what it shows of the fleet, and whether it admits what it does not know."""

import asyncio
import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.conftest import CARS
from tests.e2e.installation import Installation, wait_until

SILENT_MS_MAX = 45_000
UNHEARD_S_MAX = 35
"""30 s after its last hello a car counts no more; the rest is for a busy machine."""
LOST_MS_MAX = 15_000
BACK_MS_MAX = 40_000
NO_ANSWER = re.compile(r"net::ERR_|503 \(Service Unavailable\)")


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
