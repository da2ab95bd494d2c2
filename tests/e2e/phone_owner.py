"""Somebody with a car on the phone site, whose cell and car are stood in for."""

from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_stand_in import CAR, StandIn


class Owner(Visitor):
    """A person with a car; ``look`` names window and colours in pictures."""

    look = ""


async def sign_in(person: Visitor, installation: Installation) -> Page:
    """The phone site, signed in."""
    page = await person.open(installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


async def take_over(person: Visitor, installation: Installation, stand_in: StandIn) -> Page:
    """The page of the car, with its key in this browser."""
    page = await sign_in(person, installation)
    await page.goto(stand_in.link)
    await page.get_by_role("button", name="Take over this car").click()
    await page.get_by_role("link", name="To your car").click()
    await expect(page.locator(f"[data-car={CAR}]")).to_be_visible()
    return page
