"""A buyer in the shop: configure, order, be declined, pay once, follow; and the console.

Everything is real: the cell, the engine, the practice provider, the browser. Only the network is
broken, and the factory's word stood in for, where a test says so.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.browser import Visitor, look, visitor
from tests.e2e.installation import Installation

NO_ANSWER = re.compile("net::ERR_")
PAYMENT_ANSWER = re.compile(r"402 \(Payment Required\)|504 \(Gateway Timeout\)")
TOWING = "/?market=DE&choice=drive-all&choice=paint-ember&choice=tow-bar"
CARS = 1
CAR = "car_0123456789abcdefghjkmnpqrs"
SETTLED_MS_MAX = 30_000
"""The shop asks the provider again after 5 s, then after twice as long."""
WEEK_MS_MAX = 30_000
PAID_FOR = "[data-state=paid], [data-state=scheduled], [data-state=built]"
"""The factory takes what is paid at once, and builds it when its week begins."""
SESSIONS: dict[str, list[Any]] = {}
"""Cookies by the address of a site: printing a link takes seconds, and is seen elsewhere."""
BREAKABLE_STREAMS = """
const streams = [];
const Real = window.EventSource;
window.EventSource = class extends Real {
  constructor(...all) { super(...all); streams.push(this); }
};
window.breakStreams = () => streams.forEach(it => it.dispatchEvent(new Event('error')));
"""
"""A browser that is made offline keeps the streams that it has; these can be broken, too."""


class Buyer(Visitor):
    """A person who buys; ``look`` names window and colours in pictures."""

    look = ""


@pytest.fixture(params=["wide-light", "narrow-dark"])
async def buyer(request: pytest.FixtureRequest, browser: Browser) -> AsyncGenerator[Buyer]:
    size, scheme = str(request.param).split("-")
    somebody = Buyer((await visitor(browser, size, color_scheme=scheme)).context)
    somebody.look = str(request.param)
    yield somebody
    await somebody.context.close()
    assert not somebody.unexpected, somebody.unexpected


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """One for this file: who buys here gets a car, which tests of a fleet do not expect."""
    running = Installation(tmp_path_factory.mktemp("shop"), CARS)
    running.start()
    yield running
    assert running.stop() == 0


async def counted(console: Page, presence: str) -> int:
    """How many cars of this presence the console shows."""
    shown = await console.locator(f"[data-presence={presence}]").inner_text()
    return int(re.sub(r"\D", "", shown))


async def total_minor(page: Page) -> int:
    """The price in the bar, once the shop has answered."""
    await expect(page.locator("[data-working=false]")).to_be_visible()
    found = await page.locator("[data-price]").get_attribute("data-price")
    assert found, "there is no price"
    return int(found)


async def own_orders(page: Page) -> list[dict[str, Any]]:
    """The buyer's orders, as the shop has them."""
    found = await page.evaluate("fetch('/api/shop/orders').then(answer => answer.json())")
    return list(found["orders"])


async def sign_in(person: Visitor, installation: Installation, site: str) -> None:
    """Give this browser a session; the first one of a site comes by a link, the next are its."""
    address = installation.address(site)
    if address not in SESSIONS:
        page = await person.open(installation.sign_in_link(site))
        await expect(page.get_by_role("link", name="Settings", exact=True)).to_be_visible()
        SESSIONS[address] = await person.context.cookies(address)
        await page.close()
    await person.context.add_cookies(SESSIONS[address])


async def order(person: Visitor, installation: Installation) -> Page:
    """Sign in, and come to the quote of a car."""
    await sign_in(person, installation, "shop")
    page = await person.open(installation.address("shop", TOWING))
    await page.get_by_role("link", name="To the order").click()
    await expect(page.get_by_role("button", name="Order for")).to_be_visible()
    return page


async def pay(page: Page, card: str) -> None:
    """Pay with a practice card."""
    await page.get_by_role("radio", name=card, exact=True).check()
    await page.get_by_role("button", name="Pay €").click()


async def test_who_is_not_signed_in_configures_meets_a_conflict_and_accepts_the_repair(
    buyer: Buyer, installation: Installation
) -> None:
    page = await buyer.open(installation.address("shop"))
    await expect(page.get_by_role("heading", name="Configure your Arden 7")).to_be_visible()
    plain_minor = await total_minor(page)
    await look(page, f"shop-start-{buyer.look}")
    await page.get_by_role("radio", name="Ember red").check()
    await expect(page.get_by_role("img", name="Ember red")).to_be_visible()
    await page.get_by_role("radio", name="All-wheel drive, 340 kW").check()
    await page.get_by_role("checkbox", name="Tow bar").check()
    await expect(page).to_have_url(installation.address("shop", TOWING))
    track = page.locator("[data-option=track-pack]")
    await expect(track.get_by_role("checkbox")).to_be_disabled()
    await expect(track).to_contain_text("The track pack lowers the car")
    await expect(track).to_contain_text("You chose: Tow bar.")
    before_minor = await total_minor(page)
    assert before_minor > plain_minor
    await look(page, f"shop-choices-{buyer.look}")

    see = page.get_by_role("button", name="See what would change: Track pack")
    await see.click()
    offer = page.get_by_role("dialog")
    await expect(offer).to_contain_text("You would give up All-wheel drive, 340 kW and Tow bar.")
    await expect(offer).to_contain_text("The brakes of the track pack fit into 21-inch wheels only")
    await look(page, f"shop-repair-{buyer.look}")
    await page.get_by_role("button", name="Keep it as it was").click()
    await expect(offer).to_have_count(0)
    assert await total_minor(page) == before_minor
    await expect(page.get_by_role("checkbox", name="Tow bar")).to_be_checked()

    await see.click()
    await page.get_by_role("button", name="Accept the change").click()
    await expect(page.get_by_role("checkbox", name="Track pack")).to_be_checked()
    await expect(page.get_by_role("checkbox", name="Tow bar")).not_to_be_checked()
    await expect(page.get_by_role("img", name="21-inch forged wheels")).to_be_visible()
    await look(page, f"shop-track-{buyer.look}")
    after_minor = await total_minor(page)
    await page.reload()
    await expect(page.get_by_role("checkbox", name="Track pack")).to_be_checked()
    assert await total_minor(page) == after_minor
    await page.get_by_role("link", name="To the order").click()
    await expect(page.get_by_text("waits in this browser")).to_be_visible()


async def test_an_order_is_declined_then_unclear_then_paid_and_followed(
    buyer: Buyer, installation: Installation
) -> None:
    buyer.expected.append(PAYMENT_ANSWER)
    page = await order(buyer, installation)
    orders_before = len(await own_orders(page))
    await expect(page.get_by_text("In this demonstration a week lasts 10")).to_be_visible()
    await look(page, f"shop-quote-{buyer.look}")
    await page.get_by_role("button", name="Order for").dblclick()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    await expect(page.get_by_text("no real money moves")).to_be_visible()
    await look(page, f"shop-placed-{buyer.look}")
    assert len(await own_orders(page)) == orders_before + 1

    await pay(page, "Card that is declined")
    await expect(page.locator("[data-payment-stands=declined]")).to_contain_text(
        "The payment was declined. Nothing was charged."
    )
    await look(page, f"shop-declined-{buyer.look}")
    await pay(page, "Card that is charged, with its answer lost")
    await expect(page.locator("[data-payment-stands=open]")).to_contain_text("Do not pay again")
    await expect(page.get_by_role("button", name="Pay €")).to_have_count(0)
    await look(page, f"shop-open-{buyer.look}")
    await page.reload()
    await expect(page.locator(PAID_FOR)).to_be_visible(timeout=SETTLED_MS_MAX)
    await expect(page.locator("[data-payment=charged]")).to_have_count(1)
    await expect(page.locator("[data-payment-stands]")).to_have_count(0)
    await look(page, f"shop-paid-{buyer.look}")
    await page.get_by_role("link", name="Orders", exact=True).click()
    await expect(page.locator("[data-order]")).to_have_count(orders_before + 1)
    await look(page, f"shop-orders-{buyer.look}")


async def test_an_order_whose_answer_was_lost_is_asked_for_again_and_not_doubled(
    person: Visitor, installation: Installation
) -> None:
    person.expected.append(NO_ANSWER)
    page = await order(person, installation)
    orders_before = len(await own_orders(page))

    keys = []
    page.on(
        "request",
        lambda it: keys.append(it.headers["idempotency-key"]) if it.method == "POST" else None,
    )

    async def lose_answer(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        headers = await route.request.all_headers()
        headers["host"] = f"shop.localhost:{installation.port}"
        async with httpx.AsyncClient() as wire:
            answer = await wire.post(
                f"http://127.0.0.1:{installation.port}/api/shop/orders",
                content=route.request.post_data_buffer,
                headers={name: it for name, it in headers.items() if not name.startswith(":")},
            )
        assert answer.status_code == 201, answer.text
        await route.abort()

    await page.route("**/api/shop/orders", lose_answer)
    await page.get_by_role("button", name="Order for").click()
    await expect(page.get_by_text("not known here whether your order arrived")).to_be_visible()
    await look(page, "shop-order-unsure-wide")
    await page.unroute("**/api/shop/orders")
    await page.reload()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    assert len(await own_orders(page)) == orders_before + 1
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_a_payment_whose_answer_was_lost_is_asked_for_again_and_charged_once(
    person: Visitor, installation: Installation
) -> None:
    person.expected += [NO_ANSWER, PAYMENT_ANSWER]
    page = await order(person, installation)
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    keys = []

    async def lose_question(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        await route.abort()

    await page.route("**/payments", lose_question)
    await pay(page, "Card that is charged at once")
    await expect(page.get_by_text("not known here whether your payment arrived")).to_be_visible()
    await page.reload()
    await page.get_by_role("button", name="Ask what became of it").click()
    await expect(page.locator("[data-paying=false]")).to_be_visible()
    await page.unroute("**/payments")
    await page.get_by_role("button", name="Ask what became of it").click()
    await expect(page.locator(PAID_FOR)).to_be_visible()
    await expect(page.locator("[data-payment=charged]")).to_have_count(1)
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_a_wrong_amount_is_said_and_goes_back_and_calling_off_ends_the_order(
    person: Visitor, installation: Installation
) -> None:
    page = await order(person, installation)
    await page.get_by_role("button", name="Order for").click()
    await pay(page, "Card that is charged a wrong amount")
    await expect(page.locator("[data-payment-stands=other_amount]")).to_contain_text(
        "It goes back whole"
    )
    await look(page, "shop-other-amount-wide")
    await page.get_by_role("button", name="Call the order off").click()
    await page.get_by_role("button", name="Yes, call it off").click()
    await expect(page.locator("[data-state=cancelled]")).to_be_visible()
    await expect(page.locator("[data-payment=refunded]")).to_be_visible(timeout=SETTLED_MS_MAX)
    await look(page, "shop-cancelled-wide")


async def test_a_link_to_choices_in_conflict_says_why_and_shows_the_way_out(
    person: Visitor, installation: Installation
) -> None:
    car = "/?market=GB&choice=tow-bar&choice=track-pack&choice=sail"
    page = await person.open(installation.address("shop", car))
    await expect(page.locator("[data-conflict]")).to_contain_text("a tow bar cannot be fitted")
    await expect(page.get_by_text("1 option that is no longer sold")).to_be_visible()
    await expect(page.get_by_role("link", name="To the order")).to_have_count(0)
    await look(page, "shop-conflict-wide")
    await page.get_by_role("button", name="Show the least change").click()
    await page.get_by_role("button", name="Accept the change").click()
    await expect(page.locator("[data-price]")).to_contain_text("£")
    await expect(page.locator("[data-conflict]")).to_have_count(0)


async def test_the_configurator_works_by_keyboard_alone(
    person: Visitor, installation: Installation
) -> None:
    page = await person.open(installation.address("shop", TOWING))
    wheels = page.get_by_role("radiogroup", name="Wheels")
    await wheels.get_by_role("radio", name="18-inch aero wheels").focus()
    await page.keyboard.press("ArrowDown")
    await expect(wheels.get_by_role("radio", name="19-inch wheels")).to_be_checked()
    await expect(page.get_by_role("img", name="19-inch wheels")).to_be_visible()
    await page.keyboard.press("Tab")  # What cannot be had is passed over; its button is not.
    await expect(
        page.get_by_role("button", name="See what would change: 21-inch forged wheels")
    ).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(wheels.get_by_role("radio", name="19-inch wheels")).to_be_checked()


async def test_what_follows_from_a_choice_is_said_and_can_be_undone(
    person: Visitor, installation: Installation
) -> None:
    page = await person.open(installation.address("shop", "/?market=DE"))
    plain_minor = await total_minor(page)
    await page.get_by_role("radio", name="All-wheel drive, 480 kW").check()
    said = page.get_by_role("status").filter(has_text="This also changed")
    await expect(said).to_contain_text("Battery, 74 kWh becomes Battery, 101 kWh")
    await expect(said).to_contain_text("which alone gives that much power")
    await look(page, "shop-also-wide")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("radio", name="Rear-wheel drive")).to_be_checked()
    assert await total_minor(page) == plain_minor


async def test_an_order_that_cannot_be_followed_says_how_old_it_is(
    person: Visitor, installation: Installation
) -> None:
    person.expected.append(NO_ANSWER)
    await person.context.add_init_script(BREAKABLE_STREAMS)
    page = await order(person, installation)
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-connection=live]")).to_be_visible()
    await person.context.set_offline(True)
    await page.evaluate("breakStreams()")
    await expect(page.locator("[data-connection=lost]")).to_be_visible(timeout=SETTLED_MS_MAX)
    await expect(page.get_by_text("As of ")).to_be_visible()
    await look(page, "shop-lost-wide")
    await person.context.set_offline(False)
    await expect(page.locator("[data-connection=live]")).to_be_visible(timeout=SETTLED_MS_MAX)


async def test_a_delivered_car_is_named_with_the_way_to_its_keys(
    buyer: Buyer, installation: Installation
) -> None:
    """The factory's word is stood in for: it is the last answer of a real order, changed."""
    page = await order(buyer, installation)
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    order_id = page.url.rpartition("/")[2]
    story = await page.evaluate(
        "id => fetch(`/api/shop/orders/${id}`).then(answer => answer.json())", order_id
    )
    built = {"state": "delivered", "car_id": CAR, "can_be_paid": False, "can_be_called_off": False}
    story["order"] |= built
    story["changes"] += [
        {"number": number, "kind": kind, "state": kind, "at": story["now"], "detail": {}}
        for number, kind in enumerate(("scheduled", "built", "delivered"), start=2)
    ]

    async def tell(route: Route) -> None:
        if route.request.url.endswith("/live"):
            lines = f"retry: 60000\nevent: order\ndata: {json.dumps(story)}\n\n"
            await route.fulfill(content_type="text/event-stream", body=lines)
        else:
            await route.fulfill(json=story)

    await page.route(f"**/api/shop/orders/{order_id}**", tell)
    await page.reload()
    await expect(page.locator("[data-state=delivered]")).to_be_visible()
    await expect(page.get_by_text(f"monocoque car hand-over {CAR} --data DIR")).to_be_visible()
    link = page.get_by_role("link", name="To the phone site")
    await expect(link).to_have_attribute("href", installation.address("phone"))
    await expect(page.locator("[data-change=delivered]")).to_be_visible()
    await expect(page.locator("[data-payment-stands]")).to_have_count(0)
    await look(page, f"shop-delivered-{buyer.look}")


@pytest.mark.parametrize("locale", ["zh-CN", "de-DE"])
async def test_the_shop_speaks_the_language_of_the_browser(
    locale: str, installation: Installation, browser: Browser
) -> None:
    person = await visitor(browser, "narrow", locale=locale)
    page = await person.open(installation.address("shop", "/?choice=drive-all&choice=tow-bar"))
    market = {"zh-CN": "market=CN", "de-DE": "market=DE"}[locale]
    await expect(page.locator("[data-price]")).to_contain_text(re.compile("[¥€]"))
    await expect(page.locator("[data-option=track-pack]")).to_contain_text(
        re.compile("赛道套装降低了车身|legt das Auto tiefer")
    )
    link = page.get_by_role("link", name=re.compile("去下单|Zur Bestellung"))
    await expect(link).to_have_attribute("href", re.compile(market))
    await look(page, f"shop-choices-{locale}")
    await page.locator("[data-option=track-pack]").get_by_role("button").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await look(page, f"shop-repair-{locale}")
    await person.context.close()
    assert not person.unexpected


async def test_the_console_counts_orders_and_cars_by_state_as_they_change(
    buyer: Buyer, installation: Installation
) -> None:
    await sign_in(buyer, installation, "console")
    console = await buyer.open(installation.address("console", "/orders"))
    await expect(console.locator("[data-connection=live]")).to_be_visible()
    async with asyncio.timeout(SETTLED_MS_MAX / 1_000):
        while await counted(console, "online") != await asyncio.to_thread(installation.cars_online):
            await asyncio.sleep(0.1)  # a car that was ordered before may be coming
    orders_before = int(await console.locator("[data-orders]").get_attribute("data-orders") or 0)
    page = await order(buyer, installation)
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-state=placed]")).to_be_visible()
    await expect(console.locator(f"[data-orders='{orders_before + 1}']")).to_be_visible()
    await expect(console.locator("[data-state=placed]")).to_be_visible()
    await look(console, f"console-orders-{buyer.look}")


@pytest.mark.prove
async def test_an_order_for_a_week_that_has_begun_says_that_its_week_moved(
    person: Visitor, installation: Installation
) -> None:
    page = await order(person, installation)
    await expect(page.get_by_text("This week has begun meanwhile")).to_be_visible(
        timeout=WEEK_MS_MAX
    )
    await page.get_by_role("button", name="Order for").click()
    await expect(page.locator("[data-moved]")).to_contain_text("You can call the order off")
    await expect(page.locator("[data-change=placed]")).to_contain_text("Week moved")
    await look(page, "shop-moved-wide")
