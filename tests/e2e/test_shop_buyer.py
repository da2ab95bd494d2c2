"""A buyer in the shop: configure, meet a conflict, order, be declined, pay, follow; and the console.

Everything is real: the cell, the engine, the practice provider, the browser.
"""

import re
from collections.abc import AsyncGenerator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.installation import Installation

NO_ANSWER = re.compile("net::ERR_")
PAYMENT_ANSWER = re.compile(r"402 \(Payment Required\)|504 \(Gateway Timeout\)")


class Buyer(Visitor):
    """A person who buys; ``look`` names window and colours in pictures."""

    look = ""


@pytest.fixture(params=["wide-light", "narrow-dark", "wide-dark", "narrow-light"])
async def buyer(request: pytest.FixtureRequest, browser: Browser) -> AsyncGenerator[Buyer]:
    size, scheme = str(request.param).split("-")
    somebody = Buyer((await visitor(browser, size, color_scheme=scheme)).context)
    somebody.look = str(request.param)
    somebody.expected.append(PAYMENT_ANSWER)
    yield somebody
    await somebody.context.close()
    assert not somebody.unexpected, somebody.unexpected


async def test_look(buyer: Buyer, installation: Installation) -> None:
    page = await buyer.open(installation.sign_in_link("shop"))
    await expect(page.locator("[data-price]")).to_contain_text("€")
    await look(page, f"shop-start-{buyer.look}")
    await page.goto(
        installation.address(
            "shop", "/?market=DE&choice=drive-all&choice=tow-bar&choice=paint-ember"
        )
    )
    await expect(page.locator("[data-option=track-pack]")).to_contain_text("tow bar")
    await look(page, f"shop-choices-{buyer.look}")
    await page.get_by_role("button", name="See what would change: Track pack").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.screenshot(path=f"tests/e2e/pictures/shop-repair-{buyer.look}.png")
    await page.get_by_role("button", name="Accept the change").click()
    await expect(page.get_by_role("checkbox", name="Track pack")).to_be_checked()
    await page.screenshot(path=f"tests/e2e/pictures/shop-window-{buyer.look}.png")
    await look(page, f"shop-track-{buyer.look}")
    await page.get_by_role("link", name="To the order").click()
    await expect(page.get_by_role("button", name="Order for")).to_be_visible()
    await look(page, f"shop-quote-{buyer.look}")
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    await look(page, f"shop-placed-{buyer.look}")
    await page.get_by_role("radio", name="declined").check()
    await page.get_by_role("button", name="Pay €").click()
    await expect(page.get_by_text("Nothing was charged.")).to_be_visible()
    await look(page, f"shop-declined-{buyer.look}")
    await page.get_by_role("radio", name="answer lost").check()
    await page.get_by_role("button", name="Pay €").click()
    await expect(page.get_by_text("not decided yet").first).to_be_visible()
    await look(page, f"shop-open-{buyer.look}")
    await expect(page.locator("[data-state=paid]")).to_be_visible(timeout=20_000)
    await look(page, f"shop-paid-{buyer.look}")
    await page.get_by_role("link", name="Orders").click()
    await expect(page.locator("[data-order]").first).to_be_visible()
    await look(page, f"shop-orders-{buyer.look}")
    page = await buyer.open(installation.sign_in_link("console"))
    await page.get_by_role("link", name="Orders").click()
    await expect(page.locator("[data-state]").first).to_be_visible()
    await look(page, f"console-orders-{buyer.look}")
