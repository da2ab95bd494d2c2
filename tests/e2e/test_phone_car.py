"""The phone's pages of a car: the first key, every end of a command, the log, and what is not sure.

The cell, the maker and the car are stood in for behind their routes, so that each end of a command
can be seen at will; the keys and the checks in the browser are the real ones.
"""

import asyncio
import contextlib
import json
import re

import pytest
from playwright.async_api import Browser, Error, Route, expect

from monocoque.trust.keys import SystemKeyMaker
from tests.e2e.browser import look, visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_owner import Owner, sign_in, take_over
from tests.e2e.phone_stand_in import StandIn

NO_ANSWER = re.compile("net::ERR_")
TRY_MS_MAX = 5_000


async def test_a_link_makes_the_car_ones_own_and_leaves_no_code_behind(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await sign_in(owner, installation)
    await expect(page.get_by_role("heading", name="No car yet")).to_be_visible()
    await look(page, f"phone-no-car-{owner.look}")
    await page.goto(stand_in.link)
    await expect(page).to_have_url(installation.address("phone", "/hand-over"))
    await look(page, f"phone-hand-over-{owner.look}")
    await page.get_by_role("button", name="Take over this car").click()
    await expect(page.get_by_role("heading", name="The car is yours")).to_be_visible()
    await look(page, f"phone-handed-over-{owner.look}")


async def test_a_root_that_the_link_does_not_name_is_not_believed(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await sign_in(owner, installation)
    stand_in.link_root = SystemKeyMaker().make("ES256").key_id
    await page.goto(stand_in.link)
    await page.get_by_role("button", name="Take over this car").click()
    await expect(page.get_by_text("not signed by the maker")).to_be_visible()
    await look(page, f"phone-root-wrong-{owner.look}")


async def test_a_hand_over_that_waits_goes_on_after_a_time_without_a_cell(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(NO_ANSWER)
    page = await sign_in(owner, installation)
    stand_in.is_undecided = True
    await page.goto(stand_in.link)
    await page.get_by_role("button", name="Take over this car").click()
    await expect(page.locator("[data-step=waiting]")).to_be_visible()
    stand_in.is_down = True
    await expect(page.locator("[data-step=waiting] [data-connection=lost]")).to_be_visible()
    await look(page, f"phone-hand-over-lost-{owner.look}")
    stand_in.is_down = False
    await expect(page.locator("[data-connection=lost]")).to_have_count(0)
    await expect(page.locator("[data-step=waiting]")).to_be_visible()
    await look(page, f"phone-hand-over-waiting-{owner.look}")
    stand_in.is_undecided = False
    await expect(page.get_by_role("heading", name="The car is yours")).to_be_visible()


async def test_a_broken_link_says_so(owner: Owner, installation: Installation) -> None:
    page = await sign_in(owner, installation)
    await page.goto(installation.address("phone", "/hand-over#car_short.code"))
    await expect(page.get_by_role("heading", name="This is no hand-over link")).to_be_visible()
    await look(page, f"phone-broken-link-{owner.look}")


async def test_a_lock_waits_is_sent_and_is_verified_by_the_cars_key(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await expect(page.locator("[data-locked=false]")).to_be_visible()
    await look(page, f"phone-car-{owner.look}")
    await page.get_by_role("button", name="Lock", exact=True).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await look(page, f"phone-waiting-{owner.look}")
    await stand_in.settle(page, "sent")
    await expect(page.locator("[data-state=sent]").first).to_be_visible()
    await stand_in.settle(page, "done", signer=stand_in.car)
    await stand_in.change(page, locked=True, doors_open=[])
    await expect(page.locator("[data-proof=verified]").first).to_be_visible()
    await expect(page.locator("[data-locked=true]")).to_be_visible()
    await look(page, f"phone-done-{owner.look}")
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.locator("[data-verdict=same]")).to_be_visible()
    await look(page, f"phone-log-{owner.look}")


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("refused", "moving", "Refused by the car: the car is moving"),
        ("failed", "jammed", "Tried and failed: a part is jammed"),
        ("expired", "deadline_passed", "Expired: its time was over"),
        ("unknown", "power_lost", "It may have happened: the car lost power"),
        ("refused", "brand_new_word", "the car says “brand_new_word”"),
    ],
)
async def test_an_end_is_said_plainly(
    state: str,
    reason: str,
    words: str,
    owner: Owner,
    installation: Installation,
    stand_in: StandIn,
) -> None:
    page = await take_over(owner, installation, stand_in)
    await page.get_by_role("button", name="Unlock", exact=True).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await stand_in.settle(page, state, reason, signer=stand_in.car)
    await expect(page.get_by_text(words).first).to_be_visible()
    await expect(page.locator("[data-proof=verified]").first).to_be_visible()
    if reason != "brand_new_word":
        await look(page, f"phone-{state}-{owner.look}")


async def test_what_the_car_did_not_sign_is_not_called_done(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await page.get_by_role("button", name="Lock", exact=True).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await stand_in.settle(page, "done")
    await expect(page.locator("[data-proof=missing]").first).to_be_visible()
    await expect(page.get_by_text("Not proven: “Done”").first).to_be_visible()
    await stand_in.settle(page, "done", signer=SystemKeyMaker().make("ES256"))
    await expect(page.locator("[data-proof=false]").first).to_be_visible()
    await expect(page.locator("[data-proof=verified]")).to_have_count(0)
    await look(page, f"phone-forged-{owner.look}")
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.locator("[data-verdict=broken]")).to_be_visible()


async def test_a_cell_that_notes_another_end_than_the_car_is_seen(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await page.get_by_role("button", name="Lock", exact=True).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await stand_in.settle(page, "refused", "moving", signer=stand_in.car)
    stand_in.lines[-1]["outcome"] = "done"
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.locator("[data-verdict=differ]")).to_be_visible()
    await look(page, f"phone-log-differs-{owner.look}")


async def test_the_log_says_how_old_it_is_and_is_read_again(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(NO_ANSWER)
    page = await take_over(owner, installation, stand_in)
    await page.get_by_role("button", name="Lock", exact=True).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.get_by_text("handed in")).to_be_visible()
    await expect(page.get_by_text(re.compile("^Read .+ ago$"))).to_be_visible()
    await stand_in.settle(page, "done", signer=stand_in.car)
    await page.get_by_role("button", name="Read again").click()
    await expect(page.locator("[data-line='1']")).to_be_visible()
    stand_in.is_down = True
    await page.get_by_role("button", name="Read again").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("[data-line='1']")).to_be_visible()
    await look(page, f"phone-log-lost-{owner.look}")
    stand_in.is_down = False
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await look(page, f"phone-log-read-{owner.look}")


async def test_a_waiting_command_is_cancelled_and_climate_and_limit_are_asked_for(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    page = await take_over(owner, installation, stand_in)
    await page.get_by_role("button", name="Warmer").click()
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("button", name="Cancel: Climate").click()
    await expect(page.locator("[data-state=cancelled]").first).to_be_visible()
    slider = page.get_by_role("slider")
    await slider.focus()
    await slider.press("ArrowRight")
    await page.get_by_role("button", name="Set to 85").click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await look(page, f"phone-cancelled-{owner.look}")
    assert [command["scope"] for command in stand_in.commands] == ["climate", "charge_limit"]


async def test_a_lost_connection_and_a_sleeping_car_are_admitted(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    owner.expected.append(NO_ANSWER)
    page = await take_over(owner, installation, stand_in)
    await expect(page.locator("[data-reach=online]")).to_be_visible()
    stand_in.is_down = True
    await page.evaluate("standInBreaks()")
    await expect(page.locator("[data-reach=unknown]")).to_be_visible()
    await expect(page.locator("[data-connection=lost]")).to_be_visible()
    await look(page, f"phone-lost-{owner.look}")
    stand_in.is_down, stand_in.online = False, False
    with contextlib.suppress(Error):  # the page's own next try may be quicker
        await page.get_by_role("button", name="Try now").click(timeout=TRY_MS_MAX)
    await expect(page.locator("[data-reach=asleep]")).to_be_visible()
    await look(page, f"phone-asleep-{owner.look}")


async def test_of_several_cars_the_one_that_was_looked_at_last_is_shown(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    other = "car_0023456789abcdefghjkmnpqrs"
    stand_in.others = [other]
    page = await take_over(owner, installation, stand_in)
    cars = page.get_by_role("radio", name=re.compile("^car_"))
    await expect(cars.nth(1)).to_be_checked()
    await cars.nth(0).check()
    await expect(page.locator(f"[data-car={other}]")).to_be_visible()
    await page.get_by_role("link", name="Log", exact=True).click()
    await expect(page.locator("[data-verdict]")).to_be_visible()
    await expect(cars.nth(0)).to_be_checked()
    await page.reload()
    await expect(cars.nth(0)).to_be_checked()
    await page.evaluate("localStorage.removeItem('car')")
    await page.reload()
    await expect(cars.nth(1)).to_be_checked()
    await look(page, f"phone-two-cars-{owner.look}")


async def test_a_browser_without_the_key_looks_and_cannot_ask(
    owner: Owner, installation: Installation, stand_in: StandIn
) -> None:
    stand_in.grant = "taken over elsewhere"
    page = await sign_in(owner, installation)
    await expect(page.get_by_text("This browser holds no key")).to_be_visible()
    await expect(page.get_by_role("button", name="Lock", exact=True)).to_be_disabled()
    await look(page, f"phone-no-key-{owner.look}")


@pytest.mark.parametrize("locale", ["zh-CN", "de-DE"])
async def test_the_car_speaks_the_language_of_the_browser(
    locale: str, installation: Installation, browser: Browser, stand_in: StandIn
) -> None:
    person = await visitor(browser, "narrow", locale=locale)
    await stand_in.stand_in(person.context)
    page = await sign_in(person, installation)
    language = {"zh-CN": "中文", "de-DE": "Deutsch"}[locale]
    await page.goto(installation.address("phone", "/settings"))
    await page.get_by_role("radio", name=language).check()
    await expect(page.locator("[data-saving=saved]")).to_be_visible()
    await page.goto(stand_in.link)
    await page.get_by_role("button", name=re.compile("接收这辆车|übernehmen")).click()
    await page.get_by_role("link", name=re.compile("查看车辆|Zum Auto")).click()
    await page.get_by_role("button", name=re.compile("^(上锁|Verriegeln)$")).click()
    await expect(page.locator("[data-state=waiting]").first).to_be_visible()
    await stand_in.settle(page, "refused", "moving", signer=stand_in.car)
    await expect(page.locator("[data-proof=verified]").first).to_be_visible()
    await look(page, f"phone-car-{locale}")
    await page.goto(installation.address("phone", "/settings"))
    await page.get_by_role("radio", name="English").check()
    await expect(page.locator("[data-saving=saved]")).to_be_visible()
    await person.context.close()
    assert not person.unexpected


async def test_settings_are_saved_one_after_another_and_the_last_choice_stays(
    owner: Owner, installation: Installation
) -> None:
    page = await sign_in(owner, installation)
    await page.goto(installation.address("phone", "/settings"))
    saved: list[str] = []
    may_answer = asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method != "PUT":
            await route.continue_()
            return
        saved.append(json.loads(route.request.post_data or "")["theme"])
        await may_answer.wait()
        await route.fulfill(status=204)

    await page.route("**/api/me/settings", hold)
    for theme in ("Dark", "Light", "System"):
        await page.get_by_role("radio", name=theme).check()
    may_answer.set()
    await expect(page.locator("[data-saving=saved]")).to_be_visible()
    assert saved == ["dark", "system"]
    await look(page, f"phone-settings-{owner.look}")
