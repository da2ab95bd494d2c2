"""Getting in, getting out, and what stays."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.installation import Installation

HEADINGS = {"shop": "Configure your ", "phone": "No car yet", "console": "Fleet"}


@pytest.mark.parametrize("site", sorted(HEADINGS))
async def test_a_link_signs_in_once_and_leaves_no_trace_in_the_address(
    site: str, installation: Installation, person: Visitor, browser: Browser
) -> None:
    link = installation.sign_in_link(site)
    page = await person.open(link)
    await expect(page.get_by_role("heading", level=1)).to_contain_text(HEADINGS[site])
    await expect(page).to_have_url(installation.address(site))
    assert await page.evaluate("history.length") <= 2
    await look(page, f"{site}-home-wide")

    other = await visitor(browser, "narrow")
    second = await other.open(link)
    await expect(second.get_by_role("heading", name="This link is spent")).to_be_visible()
    await expect(second.get_by_text(f"monocoque sign-in {site}")).to_be_visible()
    await expect(second).to_have_url(installation.address(site, "/sign-in"))
    await look(second, f"{site}-link-spent-narrow")
    await other.context.close()
    assert not other.unexpected


@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_with_the_doors_is_well_and_opens_each(
    size: str, scheme: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, size, color_scheme=scheme)
    page = await person.open(installation.address(""))
    await expect(page.locator("[data-health=well]")).to_contain_text("cars online")
    await look(page, f"doors-{size}-{scheme}")
    for site in ("shop", "phone", "console"):
        door = page.get_by_role("link", name=re.compile(site, re.IGNORECASE))
        await expect(door).to_have_attribute("href", installation.address(site))
    await page.get_by_role("link", name=re.compile("Phone")).click()
    await expect(page).to_have_url(installation.address("phone"))
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await person.context.close()
    assert not person.unexpected


async def test_signing_out_ends_the_session_here(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link("shop"))
    await page.get_by_role("link", name="Settings", exact=True).click()
    await look(page, "shop-settings-wide")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_language_and_appearance_are_kept_with_the_person(
    installation: Installation, person: Visitor, browser: Browser
) -> None:
    page = await person.open(installation.sign_in_link("phone"))
    await page.get_by_role("link", name="Settings", exact=True).click()
    await page.get_by_role("radio", name="中文").check()
    await page.get_by_role("radio", name="深色").check()
    await expect(page.locator("[data-saving=saved]")).to_be_visible()
    await look(page, "phone-settings-chinese-dark-wide")

    elsewhere = await visitor(browser, "narrow", color_scheme="light", locale="de-DE")
    other = await elsewhere.open(installation.sign_in_link("phone"))
    await expect(other.locator("html")).to_have_attribute("lang", "zh-Hans")
    await expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    await look(other, "phone-home-chinese-dark-narrow")
    await other.goto(installation.address("phone", "/settings"))
    await other.get_by_role("radio", name="English").check()
    await other.get_by_role("radio", name="System").check()
    await expect(other.locator("[data-saving=saved]")).to_be_visible()
    await elsewhere.context.close()
    assert not elsewhere.unexpected


async def test_who_is_not_signed_in_chooses_a_language_that_the_browser_keeps(
    installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, "narrow", locale="de-DE")
    page = await person.open(installation.address("shop", "/orders"))
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    await page.get_by_role("radio", name="中文").check()
    await page.get_by_role("radio", name="深色").check()
    await page.reload()
    await expect(page.get_by_role("heading", name="登录")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await look(page, "shop-signed-out-chinese-dark-narrow")
    await person.context.close()


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the focus is on what has this name; the ring around it must be seen."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        focused = await page.evaluate_handle("document.activeElement")
        label = await focused.evaluate(
            "e => e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.innerText"
        )
        if str(label).strip() == name:
            ring = await focused.evaluate(
                "e => [e, e.nextElementSibling].some("
                "x => x && getComputedStyle(x).outlineStyle !== 'none')"
            )
            assert ring, f"{name} shows no focus"
            return
    raise AssertionError(f"Tab does not reach {name}")


async def test_everything_works_by_keyboard_alone(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link("shop"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Configure")
    await page.reload()
    await expect(page.get_by_role("link", name="Settings", exact=True)).to_be_visible()
    await _tab_to(page, "Skip to the content")
    await _tab_to(page, "Settings")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Settings")).to_be_focused()
    await _tab_to(page, "English")
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("radio", name="Deutsch")).to_be_checked()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="English")).to_be_checked()
    await expect(page.locator("[data-saving=saved]")).to_be_visible()
    await _tab_to(page, "Sign out")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_an_address_that_is_no_page_says_so(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link("shop"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Configure")
    await page.goto(installation.address("shop", "/nowhere"))
    await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await look(page, "shop-nowhere-wide")
    await page.get_by_role("link", name="To the start of this site").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Configure")
