"""The whole way, with nothing stood in for: a passkey, the first key, a lock, and the car's word."""

import re
import subprocess

from playwright.async_api import expect

from tests.e2e.browser import Visitor, look
from tests.e2e.installation import COMMAND_S_MAX, MONOCOQUE, Installation
from tests.e2e.test_phone_passkeys import device

ANSWER_MS_MAX = 30_000


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
    await look(page, "phone-whole-log-wide")
