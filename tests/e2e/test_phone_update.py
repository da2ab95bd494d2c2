"""The update on the phone, in every way that it can go; with a real car it is in test_tour.py."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor, look, speak
from tests.e2e.installation import Installation
from tests.e2e.phone_owner import Owner, sign_in, take_over
from tests.e2e.phone_stand_in import CAR, StandIn, claims_of, moment
from tests.e2e.releases import NOTES

RELEASE = {
    "number": 2,
    "version": "1.2.0",
    "title": {language: text.splitlines()[0][2:] for language, text in NOTES.items()},
    "notes": {language: text.partition("\n\n")[2] for language, text in NOTES.items()},
    "critical": False,
    "minutes": 12,
    "needs_charge_percent": 20,
}
OFFER = {
    "state": "waiting",
    "reason": "not_agreed",
    "progress_percent": 100,
    "consent": "asked",
    "can_agree": True,
    "can_take_back": False,
    "release": RELEASE,
}
AGREED = {"consent": "given", "can_agree": False, "can_take_back": True}
OVER = {"consent": "over", "can_agree": False, "can_take_back": False}


def update(page: Page, state: str) -> Any:
    """The panel, in that state."""
    return page.locator(f"[data-update={state}]")


async def test_an_offer_says_what_it_brings_and_needs_and_is_agreed_to_with_the_owners_key(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await expect(page.get_by_text("Nothing new for this car.")).to_be_visible()
    await stand_in.offer(page, **OFFER)
    await expect(page.get_by_text("Quieter doors")).to_be_visible()
    await expect(page.get_by_text("for about 12 minutes")).to_be_visible()
    await expect(page.get_by_text("charged to 20% or more: so it is")).to_be_visible()
    await look(page, f"phone-update-offer-{owner.look}")
    await page.get_by_role("button", name="Install").click()
    await expect(page.get_by_role("button", name="Install")).to_be_disabled()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    assert stand_in.commands[-1]["scope"] == "update"
    await stand_in.settle(page, "done", signer=stand_in.car)
    await stand_in.change(page, gear="drive", speed_kmh=50.0, charge_percent=12.0)
    await stand_in.offer(page, **AGREED, reason="moving")
    await expect(page.get_by_text("not yet: the car is moving")).to_be_visible()
    await expect(page.get_by_text("parked: not yet")).to_be_attached()
    await look(page, f"phone-update-agreed-{owner.look}")
    await page.get_by_role("button", name="Take back").click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    assert [claims_of(one["command"])["scope"] for one in stand_in.commands] == ["update"] * 2


async def test_an_offer_can_be_put_off_and_stays_so_after_a_reload(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await stand_in.offer(page, **OFFER)
    await page.get_by_role("button", name="Not now").click()
    await expect(page.get_by_role("button", name="Install")).to_have_count(0)
    await page.reload()
    await look(page, f"phone-update-put-off-{owner.look}")
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_role("button", name="Install")).to_be_enabled()
    assert stand_in.commands == []


@pytest.mark.timeout(400)
async def test_every_way_that_it_goes_is_said_plainly(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    stand_in.update |= OFFER
    for changes, words in (
        ({"state": "announced", "reason": "", "heard_at": None}, "hears of it when"),
        ({"state": "downloading", "progress_percent": 42, "heard_at": moment(-3)}, "Loading, 42%"),
        ({"state": "downloading", "reason": "unreachable"}, "Loading stands still: the place"),
        (AGREED | {"state": "waiting", "reason": ""}, "You agreed. It begins soon."),
        ({"state": "installing", "progress_percent": 33}, "Installing, 33%"),
        ({"state": "booting", "progress_percent": 66}, "Starting the new software"),
        (OVER | {"state": "rolled_back", "reason": "boot_failed"}, "a part did not start with it"),
        ({"state": "refused", "reason": "threshold_unmet"}, "not every company that must has"),
        ({"state": "refused", "reason": "brand_new_word"}, "the car says “brand_new_word”"),
        ({"state": "installed", "reason": "", "installed_version": "1.2.0"}, "every part started"),
    ):
        await stand_in.offer(page, **changes)
        await expect(update(page, str(changes.get("state")))).to_contain_text(words)
        name = f"{changes['state']}-{changes.get('reason') or 'plain'}"
        if "brand_new" not in name:
            await look(page, f"phone-update-{name}-{owner.look}")


async def test_thoughts_are_written_within_limits_and_read_by_everybody(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(re.compile(r"429 \(Too Many Requests\)|404 \(Not Found\)"))
    page = await take_over(owner, installation, stand_in)
    await page.goto(installation.address("phone", "/release/1"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    send = page.get_by_role("button", name="Send")
    await expect(send).to_be_disabled()
    await page.get_by_label("What do you think of it?").fill("x" * 1_001)
    await expect(page.get_by_text("1 character too many")).to_be_visible()
    await expect(send).to_be_disabled()
    await look(page, f"phone-release-too-long-{owner.look}")
    said = f"It feels the same, which is <b>good</b>. {owner.look}"
    await page.get_by_label("What do you think of it?").fill(said)
    await send.click()
    await expect(page.locator("[data-own=true]").first).to_contain_text(said)
    await expect(page.get_by_label("What do you think of it?")).to_have_value("")
    await look(page, f"phone-release-{owner.look}")
    await page.goto(installation.address("phone", "/release/77"))
    await expect(page.get_by_role("alert")).to_be_visible()
    await look(page, f"phone-release-none-{owner.look}")


async def test_who_is_not_signed_in_reads_no_release(
    installation: Installation, person: Visitor
) -> None:
    page = await person.open(installation.address("phone", "/release/1"))
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("language", ["de", "zh"])
async def test_the_offer_speaks_the_language_of_its_reader(
    language: str, installation: Installation, owner: Owner, stand_in: StandIn
) -> None:
    await speak(owner, language)
    stand_in.update |= OFFER
    stand_in.others = [CAR]
    page = await sign_in(owner, installation)
    await expect(page.get_by_text(str(RELEASE["title"][language]))).to_be_visible()  # type: ignore[index]
    await look(page, f"phone-update-{language}-{owner.look}")
