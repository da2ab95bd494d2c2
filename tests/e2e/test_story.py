"""The first half of the story, all of it real: a person configures, orders, pays, watches the
factory, takes the car over on the phone and drives off.
"""

import re

from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor, look
from tests.e2e.installation import Installation

BUILT_MS_MAX = 90_000
"""The week, which lasts ten seconds and may just have begun, and the birth of a car."""
ANSWER_MS_MAX = 30_000
PAYMENT_DECLINED = re.compile(r"402 \(Payment Required\)")


async def configure(page: Page) -> None:
    """Choose what does not go together, and accept the least repair."""
    await page.get_by_role("radio", name="Ember red").check()
    await page.get_by_role("radio", name="All-wheel drive, 340 kW").check()
    await page.get_by_role("checkbox", name="Tow bar").check()
    await page.get_by_role("button", name="See what would change: Track pack").click()
    await page.get_by_role("button", name="Accept the change").click()
    await expect(page.get_by_role("checkbox", name="Track pack")).to_be_checked()


async def pay(page: Page, card: str) -> None:
    """Pay with a practice card."""
    await page.get_by_role("radio", name=card, exact=True).check()
    await page.get_by_role("button", name="Pay €").click()


async def take_over(person: Visitor, installation: Installation, car_id: str) -> Page:
    """Sign in on the phone, open the link that came with the car, and take it over."""
    phone = await person.open(installation.sign_in_link("phone"))
    await expect(phone.get_by_role("heading", name="No car yet")).to_be_visible()
    printed = installation.run("car", "hand-over", car_id, "--data", str(installation.data))
    link = re.search(r"http://phone\.localhost:\d+/hand-over#\S+", printed)
    assert link, printed
    await phone.goto(link.group(0))
    await phone.get_by_role("button", name="Take over this car").click()
    await phone.get_by_role("link", name="To your car").click(timeout=ANSWER_MS_MAX)
    return phone


async def test_a_person_buys_a_car_watches_it_come_and_drives_off(
    own_installation: Installation, person: Visitor
) -> None:
    person.expected.append(PAYMENT_DECLINED)
    shop = await person.open(own_installation.sign_in_link("shop"))
    await configure(shop)
    await shop.get_by_role("link", name="To the order").click()
    await shop.get_by_role("button", name="Order for").click()
    await expect(shop.locator("[data-state=placed]")).to_be_visible()
    await pay(shop, "Card that is declined")
    await expect(shop.locator("[data-payment-stands=declined]")).to_be_visible()
    await pay(shop, "Card that is charged at once")
    built = shop.locator("[data-state=built]")
    await expect(built).to_be_visible(timeout=BUILT_MS_MAX)
    await look(shop, "story-built-wide")
    car_id = await built.locator("[data-car]").get_attribute("data-car")
    assert car_id

    phone = await take_over(person, own_installation, car_id)
    unlock = phone.get_by_role("button", name="Unlock", exact=True)
    await expect(unlock).to_be_enabled(timeout=ANSWER_MS_MAX)
    await expect(shop.locator("[data-state=delivered]")).to_be_visible(timeout=ANSWER_MS_MAX)
    await look(shop, "story-delivered-wide")
    await unlock.click()
    verified = phone.locator("[data-state=done] [data-proof=verified]")
    await expect(verified.first).to_be_visible(timeout=ANSWER_MS_MAX)
    own_installation.run("car", "drive", car_id, "--data", str(own_installation.data))
    await expect(phone.get_by_text(re.compile("Driving, [1-9]"))).to_be_visible(
        timeout=ANSWER_MS_MAX
    )
    await look(phone, "story-driving-wide")
