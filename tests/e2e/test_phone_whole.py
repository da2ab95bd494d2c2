"""The whole way with nothing stood in for: a passkey, the first key, a lock, and the car's word."""

import re
import subprocess

import psutil
import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor, look
from tests.e2e.installation import COMMAND_S_MAX, MONOCOQUE, Installation
from tests.e2e.test_phone_passkeys import device

ANSWER_MS_MAX = 30_000
AWAY_MS_MAX = 60_000


def of_the_car(installation: Installation, *arguments: str) -> str:
    """Run `monocoque car ...` on this installation; returns what it prints."""
    done = subprocess.run(
        [MONOCOQUE, "car", *arguments, "--data", installation.data],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_from_the_first_link_to_a_receipt_that_the_browser_verified(
    own_installation: Installation, person: Visitor
) -> None:
    console = await person.open(own_installation.sign_in_link("console"))
    car_id = await console.locator("[data-car]").first.get_attribute("data-car")
    assert car_id
    page = await person.open(own_installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", name="No car yet")).to_be_visible()
    await device(page)
    await page.get_by_role("link", name="Settings", exact=True).click()
    await page.get_by_role("button", name="Add a passkey").click()
    await expect(page.get_by_text("Passkey added.")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()

    printed = of_the_car(own_installation, "hand-over", car_id)
    link = re.search(r"http://phone\.localhost:\d+/hand-over#\S+", printed)
    assert link, printed
    await page.goto(link.group(0))
    await page.get_by_role("button", name="Sign in with a passkey").click()
    await page.get_by_role("button", name="Take over this car").click()
    await page.get_by_role("link", name="To your car").click(timeout=ANSWER_MS_MAX)
    lock = page.get_by_role("button", name="Unlock", exact=True)
    await expect(lock).to_be_enabled(timeout=ANSWER_MS_MAX)
    await lock.click()
    verified = page.locator("[data-state=done] [data-proof=verified]")
    await expect(verified.first).to_be_visible(timeout=ANSWER_MS_MAX)
    await expect(page.locator("[data-locked=false]")).to_be_visible(timeout=ANSWER_MS_MAX)
    await look(page, "phone-whole-wide")

    of_the_car(own_installation, "drive", car_id)
    await expect(page.locator("[data-gear=drive]")).to_be_visible(timeout=ANSWER_MS_MAX)
    await expect(page.get_by_text(re.compile("Driving, [1-9][0-9]"))).to_be_visible(
        timeout=ANSWER_MS_MAX
    )
    await page.get_by_role("button", name="Unlock", exact=True).click()
    refused = page.locator("[data-state=refused]").first
    await expect(refused).to_contain_text("the car is moving", timeout=ANSWER_MS_MAX)
    await expect(refused.locator("[data-proof=verified]")).to_be_visible()
    await look(page, "phone-whole-driving-wide")
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.locator("[data-verdict=same]")).to_be_visible(timeout=ANSWER_MS_MAX)
    cells = page.get_by_role("region", name="What the cell noted")
    await expect(cells.get_by_text("by this browser’s key")).to_have_count(2)  # noqa: RUF001  # as shown
    await look(page, "phone-whole-log-wide")


async def take_over(installation: Installation, person: Visitor) -> Page:
    """An owner's page, with the key of the one car of this installation."""
    console = await person.open(installation.sign_in_link("console"))
    car_id = await console.locator("[data-car]").first.get_attribute("data-car")
    assert car_id
    await console.close()
    page = await person.open(installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", name="No car yet")).to_be_visible()
    printed = of_the_car(installation, "hand-over", car_id)
    link = re.search(r"http://phone\.localhost:\d+/hand-over#\S+", printed)
    assert link, printed
    await page.goto(link.group(0))
    await page.get_by_role("button", name="Take over this car").click()
    await page.get_by_role("link", name="To your car").click(timeout=ANSWER_MS_MAX)
    unlock = page.get_by_role("button", name="Unlock", exact=True)
    await expect(unlock).to_be_enabled(timeout=ANSWER_MS_MAX)
    return page


def cars_of(installation: Installation) -> psutil.Process:
    """The process of the virtual cars, which is a child of the cell."""
    assert installation._up is not None
    children = psutil.Process(installation._up.pid).children()
    (cars,) = [child for child in children if "nats-server" not in child.name()]
    return cars


@pytest.mark.timeout(400)
async def test_a_sleeping_car_answers_when_it_wakes_and_so_does_a_killed_server(
    own_installation: Installation, person: Visitor
) -> None:
    person.expected.append(re.compile(r"net::ERR_|503 \(Service Unavailable\)"))
    page = await take_over(own_installation, person)
    cars = cars_of(own_installation)
    cars.suspend()
    await page.get_by_role("button", name="Lock", exact=True).click()
    pending = page.locator("[data-state=waiting], [data-state=sent]")
    await expect(pending.first).to_be_visible(timeout=ANSWER_MS_MAX)
    await expect(page.locator("[data-reach=asleep]")).to_be_visible(timeout=AWAY_MS_MAX)
    await look(page, "phone-whole-asleep-wide")
    cars.resume()
    verified = page.locator("[data-state=done] [data-proof=verified]")
    await expect(verified.first).to_be_visible(timeout=AWAY_MS_MAX)

    cars.suspend()
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(pending.first).to_be_visible(timeout=ANSWER_MS_MAX)
    own_installation.kill()
    # Awake, it would act on what already reached it while it ends for want of a server, and then
    # may rightly answer "unknown". Dead, it has begun nothing: the answer can only be "done".
    cars.kill()
    await expect(page.locator("[data-connection=lost]")).to_be_visible(timeout=AWAY_MS_MAX)
    own_installation.start()
    await expect(page.locator("[data-climate=true]")).to_be_visible(timeout=AWAY_MS_MAX)
    await expect(pending).to_have_count(0, timeout=AWAY_MS_MAX)
    await expect(verified).to_have_count(4, timeout=AWAY_MS_MAX)
