"""Passkeys in a real browser, with a virtual authenticator: added once, they open the door."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, CDPSession, Page, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.installation import Installation

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


async def device(page: Page) -> tuple[CDPSession, str]:
    """Give this page's browser a device that holds passkeys; its session and its name."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    made: dict[str, Any] = await session.send(
        "WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR}
    )
    return session, made["authenticatorId"]


async def open_settings(page: Page) -> None:
    await page.get_by_role("link", name="Settings", exact=True).click()
    await expect(page.get_by_role("heading", name="Passkeys")).to_be_visible()


@pytest.mark.parametrize("site", ["phone", "console"])
async def test_a_passkey_is_added_and_signs_in_without_a_link(
    site: str, installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link(site))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await device(page)
    await open_settings(page)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("Passkey added.")).to_be_visible()
    await look(page, f"{site}-settings-passkey-wide")
    await page.get_by_role("button", name="Sign out").click()

    await page.get_by_role("button", name="Sign in with a passkey").click()
    await open_settings(page)
    await expect(page.locator("[data-passkey]")).to_contain_text("last used")

    await page.get_by_role("button", name=re.compile("Remove “")).click()
    await expect(page.get_by_text("Passkey removed.")).to_be_visible()
    await expect(page.locator("[data-passkey]")).to_have_count(0)
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("The passkey was not accepted.")).to_be_visible()
    await look(page, f"{site}-passkey-refused-wide")


async def test_a_person_who_is_not_verified_gets_a_plain_word(
    installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, "narrow", color_scheme="dark")
    page = await person.open(installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    session, authenticator = await device(page)
    await session.send(
        "WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False}
    )
    await open_settings(page)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("The browser gave no passkey")).to_be_visible()
    await look(page, "phone-passkey-cancelled-narrow-dark")
    await page.get_by_role("button", name="Sign out").click()
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await expect(page.get_by_text("The browser gave no passkey")).to_be_visible()
    await look(page, "phone-signed-out-narrow-dark")
    await person.context.close()
    assert not person.unexpected


async def test_an_answer_that_was_used_once_signs_nobody_in_again(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await device(page)
    await open_settings(page)
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("Passkey added.")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    async with page.expect_request("**/api/session/passkey") as sent:
        await page.get_by_role("button", name="Sign in with a passkey").click()
    answer = (await sent.value).post_data
    await open_settings(page)

    again = await page.evaluate(
        """body => fetch('/api/session/passkey', {
            method: 'POST', body, headers: {'content-type': 'application/json'},
        }).then(async answer => [answer.status, (await answer.json()).code])""",
        answer,
    )

    assert again == [401, "passkey_refused"]
    await page.get_by_role("button", name=re.compile("Remove “")).click()
    await expect(page.get_by_text("Passkey removed.")).to_be_visible()
