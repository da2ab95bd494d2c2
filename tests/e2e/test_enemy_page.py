"""The cell as an enemy of the page, in a browser: what it leaves out, and two tabs of one key."""

import asyncio
import re

from playwright.async_api import Page, Route, expect

from tests.e2e.browser import Visitor
from tests.e2e.installation import Installation
from tests.e2e.phone_stand_in import CAR, StandIn, claims_of, moment
from tests.e2e.test_phone_whole import ANSWER_MS_MAX, take_over

ROUNDS = 4
LEAD_MS = 400
"""From saying when to press until it is pressed; enough for both tabs to have heard it."""
UNLOCK_LIFETIME_MS = 120_000
PRESS = """
([name, when_ms]) => new Promise((resolve, reject) => {
  const isIt = (button) => button.textContent.trim() === name && !button.disabled;
  const button = [...document.querySelectorAll('button')].find(isIt);
  if (!button) return reject(new Error('no button ' + name));
  const press = () => { while (Date.now() < when_ms); button.click(); resolve(); };
  setTimeout(press, when_ms - Date.now() - 20);
})
"""


async def test_a_command_that_the_cell_forgets_is_shown_and_never_called_done(
    installation: Installation, person: Visitor
) -> None:
    stand_in = StandIn(installation)
    await stand_in.stand_in(person.context)

    async def forget(route: Route) -> None:
        if route.request.method != "POST":
            await route.fallback()
            return
        sent = claims_of((route.request.post_data_json or {})["command"])
        # It answers by the book, for another command, and shows neither.
        told = {
            "command_id": "command_0123456789abcdefghjkmnpqrs",
            "scope": sent["scope"],
            "state": "done",
            "reason": None,
            "key_id": sent["iss"],
            "accepted_at": moment(0),
            "deadline_at": moment(0),
            "command": "",
            "receipt": None,
        }
        await route.fulfill(status=202, json=told)

    await person.context.route(re.compile("/api/cars/[^/]+/commands$"), forget)
    page = await person.context.new_page()
    await page.clock.install()
    await page.goto(installation.sign_in_link("phone"))
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.goto(stand_in.link)
    await page.get_by_role("button", name="Take over this car").click()
    await page.get_by_role("link", name="To your car").click()
    await expect(page.locator(f"[data-car={CAR}]")).to_be_visible()
    await page.get_by_role("button", name="Unlock", exact=True).click()
    await expect(page.locator("[data-state=sent]").first).to_be_visible()
    await page.clock.fast_forward(UNLOCK_LIFETIME_MS + 1_000)
    await expect(page.locator("[data-state=unknown]").first).to_be_visible()
    await expect(page.get_by_text("It may have happened").first).to_be_visible()
    await expect(page.locator("[data-state=done], [data-proof=verified]")).to_have_count(0)


async def test_two_tabs_of_one_key_command_at_once_and_take_no_number_twice(
    own_installation: Installation, person: Visitor
) -> None:
    first = await take_over(own_installation, person)
    second = await person.open(first.url)
    tabs = (first, second)
    for tab in tabs:
        await expect(tab.get_by_role("button", name="Unlock", exact=True)).to_be_enabled(
            timeout=ANSWER_MS_MAX
        )
    for number in range(1, ROUNDS + 1):
        when_ms = await first.evaluate("Date.now()") + LEAD_MS
        presses = (("Unlock", first), ("Lock", second))
        await asyncio.gather(*(tab.evaluate(PRESS, [name, when_ms]) for name, tab in presses))
        for tab in tabs:
            await until_all_are_verified(tab, 2 * number)
    commands = await first.evaluate(
        "fetch('/api/cars/' + document.querySelector('[data-car]').dataset.car + '/commands')"
        ".then((answer) => answer.json())"
    )
    numbers = sorted(claims_of(each["command"])["counter"] for each in commands["commands"])
    assert numbers == list(range(1, 2 * ROUNDS + 1))
    assert {each["key_id"] for each in commands["commands"]} == {commands["commands"][0]["key_id"]}


async def until_all_are_verified(tab: Page, count: int) -> None:
    """This tab shows so many commands, each of them done and verified."""
    done = tab.locator("ol [data-state=done]")
    await expect(done).to_have_count(count, timeout=ANSWER_MS_MAX)
    await expect(done.locator("[data-proof=verified]")).to_have_count(count)
