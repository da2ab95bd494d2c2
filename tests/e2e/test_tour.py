"""The whole story, all of it real, as the tour tells it: its commands, its clicks, its pictures.

``make tour`` writes the pictures anew. The drive takes half as long as the page says, and nothing
else is other than for a reader.
"""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor, look
from tests.e2e.installation import Installation
from tests.e2e.tour import NARROW, TALL, WIDE, Tour

SETTINGS = """
[body]
drive_speed_kmh = 100  # a loop that takes 90 s, and ends where it began
drive_s = 87
"""
BUILT_MS_MAX = 90_000
"""The week, which lasts ten seconds and may just have begun, and the birth of a car."""
ANSWER_MS_MAX = 30_000
HOME_MS_MAX = 150_000
INSTALLED_MS_MAX = 90_000
PAYMENT_DECLINED = re.compile(r"402 \(Payment Required\)")


@pytest.fixture
def tour(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Tour]:
    running = Installation(tmp_path, cars=1)
    running.data.mkdir()
    (running.data / "monocoque.toml").write_text(SETTINGS)
    running.start()
    yield Tour(running, anew=request.config.getoption("--pictures"))
    assert running.stop() == 0


async def buy(shop: Page) -> None:
    """Choose what does not go together, accept the least repair, and pay at the second try."""
    await shop.get_by_role("radio", name="Ember red").check()
    await shop.get_by_role("radio", name="All-wheel drive, 340 kW").check()
    await shop.get_by_role("checkbox", name="Tow bar").check()
    await shop.get_by_role("button", name="See what would change: Track pack").click()
    await shop.get_by_role("button", name="Accept the change").click()
    await expect(shop.get_by_role("checkbox", name="Track pack")).to_be_checked()
    await shop.get_by_role("link", name="To the order").click()
    await shop.get_by_role("button", name="Order for").click()
    await expect(shop.locator("[data-state=placed]")).to_be_visible()
    for card in ("Card that is declined", "Card that is charged at once"):
        await shop.get_by_role("radio", name=card, exact=True).check()
        await shop.get_by_role("button", name="Pay €").click()
        if card.endswith("declined"):
            await expect(shop.locator("[data-payment-stands=declined]")).to_be_visible()


async def take_over(phone: Page, paper: str) -> None:
    """Open the link that came with the car, take it over, and unlock it."""
    await expect(phone.get_by_role("heading", name="No car yet")).to_be_visible()
    await phone.goto(paper)
    await phone.get_by_role("button", name="Take over this car").click()
    await phone.get_by_role("link", name="To your car").click(timeout=ANSWER_MS_MAX)
    unlock = phone.get_by_role("button", name="Unlock", exact=True)
    await expect(unlock).to_be_enabled(timeout=ANSWER_MS_MAX)
    await unlock.click()
    verified = phone.locator("[data-state=done] [data-proof=verified]")
    await expect(verified.first).to_be_visible(timeout=ANSWER_MS_MAX)


async def teach(phone: Page, link: str) -> None:
    """Connect the home of this link, and put the scene of the lamp into the car."""
    await phone.goto(link)
    await phone.get_by_role("button", name="Connect", exact=True).click()
    lamp = phone.locator("[data-device=lamp]")
    await expect(lamp).to_have_attribute("data-on", "false", timeout=ANSWER_MS_MAX)
    await phone.get_by_role("button", name="Arriving turns on the lamp").click()
    await phone.get_by_label("Away before for").select_option("1")
    await phone.get_by_role("button", name="Sign and save").click()
    await expect(phone.locator("[data-scene]")).to_have_count(1, timeout=ANSWER_MS_MAX)
    await expect(phone.locator("[data-state=done] [data-proof=verified]")).to_be_visible()


async def agree(phone: Page) -> None:
    """Read what the update brings, and agree to it while the car drives."""
    waiting = phone.locator("[data-update=waiting]")
    await expect(waiting).to_be_visible(timeout=ANSWER_MS_MAX)
    await expect(waiting).to_contain_text("Quieter doors")
    await phone.get_by_role("button", name="Install").click()
    await expect(phone.get_by_role("button", name="Take back")).to_be_visible(timeout=ANSWER_MS_MAX)


def make_an_update(tour: Tour) -> None:
    """Make a release, let both companies sign it, and begin to bring it to the cars."""
    tour.follow("head -c")
    tour.follow("monocoque release new")
    for _ in range(2):
        tour.follow("monocoque release sign")
    tour.follow("monocoque release publish")
    tour.follow("monocoque campaign start")


async def come_home(tour: Tour, phone: Page) -> None:
    """See the lamp go on and why, then the car install by itself."""
    await phone.get_by_role("link", name="Home", exact=True).click()
    lamp = phone.locator("[data-device=lamp]")
    await expect(lamp).to_have_attribute("data-on", "true", timeout=HOME_MS_MAX)
    ran = phone.locator("[data-ran=true][data-reason=arrived]")
    await expect(ran.locator("[data-request=done]")).to_be_visible(timeout=ANSWER_MS_MAX)
    await expect(ran).to_contain_text("m from the place")
    await tour.picture(phone, "home", TALL)
    await phone.get_by_role("button", name="Disconnect this car").click()
    await phone.get_by_role("button", name="Connect this car").click()
    await expect(lamp).to_have_attribute("data-on", "true", timeout=ANSWER_MS_MAX)
    await phone.get_by_role("link", name="Car", exact=True).click()
    panel = phone.locator("[data-installed]")
    await expect(panel).to_have_attribute("data-installed", "1.1.0", timeout=INSTALLED_MS_MAX)
    await look(phone, "tour-installed")
    await phone.get_by_role("link", name="What 1.1.0 brings").click()
    await expect(phone.get_by_role("heading", name="Quieter doors")).to_be_visible()


def link_in(printed: str) -> str:
    """The link among what a command printed."""
    found = re.search(r"http://\S+", printed)
    assert found, printed
    return found.group(0)


@pytest.mark.timeout(420)
async def test_the_tour_is_as_its_page_says(tour: Tour, person: Visitor) -> None:
    person.expected.append(PAYMENT_DECLINED)
    tour.follow("make up")
    tour.follow("export PATH=")
    shop = await person.open(link_in(tour.follow("monocoque sign-in shop")))
    await buy(shop)
    built = shop.locator("[data-state=built]")
    await expect(built).to_be_visible(timeout=BUILT_MS_MAX)
    car_id = await built.locator("[data-car]").get_attribute("data-car")
    assert car_id
    tour.known["CAR_ID"] = car_id
    await tour.picture(shop, "shop", WIDE)

    paper = link_in(tour.follow("monocoque car hand-over"))
    phone = await person.open(link_in(tour.follow("monocoque sign-in phone")))
    await take_over(phone, paper)
    await expect(shop.locator("[data-state=delivered]")).to_be_visible(timeout=ANSWER_MS_MAX)

    [home_id] = set(re.findall(r"home_[0-9a-z]{26}", tour.follow("monocoque home list")))
    tour.known["HOME_ID"] = home_id
    await teach(phone, link_in(tour.follow("monocoque home code")))

    tour.follow("monocoque car drive")
    await phone.get_by_role("link", name="Car", exact=True).click()
    driving = phone.get_by_text(re.compile("Driving, [1-9][0-9]"))  # slower is not yet moving
    await expect(driving).to_be_visible(timeout=ANSWER_MS_MAX)
    await phone.get_by_role("button", name="Unlock", exact=True).click()
    refused = phone.locator("[data-state=refused]").first
    await expect(refused).to_contain_text("the car is moving", timeout=ANSWER_MS_MAX)
    make_an_update(tour)
    await agree(phone)
    await tour.picture(phone, "phone", NARROW)

    await come_home(tour, phone)

    console = await person.open(link_in(tour.follow("monocoque sign-in console")))
    await console.get_by_role("link", name="Software", exact=True).click()
    campaign = console.locator("[data-campaign]")
    await expect(campaign).to_have_attribute("data-installed", "1", timeout=ANSWER_MS_MAX)
    await tour.picture(console, "console", WIDE)
    assert "violations" in tour.follow("monocoque world")
    assert tour.is_over()
