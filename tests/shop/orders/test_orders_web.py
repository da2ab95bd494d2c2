"""The shop over HTTP: what a page can ask, and what somebody past the page cannot."""

import json

import httpx
import pytest

from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.shop.payments import service as payments
from monocoque.shop.payments.logic.events import signature_of
from monocoque.shop.quotes.config import QuoteConfig
from tests.fixtures.http import serving
from tests.shop.stand import Store

FOREIGN = "order_0123456789abcdefghjkmnpqrs"


@pytest.fixture
def store(clients, records) -> Store:
    """A shop; the test runs once with each store of records."""
    return Store(clients, records)


async def quote_of(client, *choices: str) -> dict:
    """A quote of the cheapest car with these choices, as a page comes to it."""
    asked = {"market": "DE", "choice": list(choices)}
    found = (await client.get("/api/shop/configuration", params=asked)).json()
    body = {"market": "DE", "options": found["options"]}
    answer = await client.post("/api/shop/quotes", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["price"] == found["price"]
    return dict(answer.json())


async def order(client, quote: str, key: str = "key-of-page") -> dict:
    """Order by a quote."""
    headers = {"Idempotency-Key": key}
    answer = await client.post("/api/shop/orders", json={"quote": quote}, headers=headers)
    return dict(answer.json()) | {"status": answer.status_code}


async def pay(client, order_id: str, token: str = "practice-ok", key: str = "key-of-pay") -> dict:
    """Pay an order."""
    path, headers = f"/api/shop/orders/{order_id}/payments", {"Idempotency-Key": key}
    answer = await client.post(path, json={"token": token}, headers=headers)
    return dict(answer.json()) | {"status": answer.status_code}


async def test_from_the_first_choice_to_a_paid_order(store: Store) -> None:
    buyer = await store.buyer()
    quote = await quote_of(buyer, "tow-bar")
    ordered = await order(buyer, quote["quote"])
    assert ordered["status"] == 201
    assert ordered["week_begins_at"] == quote["week_begins_at"]
    assert ordered["total_minor"] == quote["price"]["total_minor"]
    paid = await pay(buyer, ordered["order_id"])
    assert (paid["status"], paid["order"]["state"]) == (201, "paid")
    assert [it["kind"] for it in paid["changes"]] == ["placed", "payment_asked", "charged"]
    assert paid["is_practice"]
    own = (await buyer.get("/api/shop/orders")).json()["orders"]
    assert [it["order_id"] for it in own] == [ordered["order_id"]]
    await store.assert_sound()


async def test_why_not_is_answered_for_all_that_cannot_be_had_at_once(store: Store) -> None:
    client = await store.anybody()
    asked = {"choice": ["tow-bar"], "market": "DE"}
    possible = (await client.get("/api/shop/configuration", params=asked)).json()["possible"]
    catalogue = (await client.get("/api/shop/catalogue")).json()
    every = {option["key"] for group in catalogue["groups"] for option in group["options"]}
    found = (await client.get("/api/shop/explanations", params=asked)).json()["explanations"]
    assert {it["wish"] for it in found} == every - {*possible}
    for answer in found:
        one = {"choice": "tow-bar", "wish": answer["wish"]}
        assert answer == (await client.get("/api/shop/explanation", params=one)).json()
        assert answer["explanation"]["reasons"]
    conflict = {"choice": ["tow-bar", "track-pack"]}
    none = (await client.get("/api/shop/explanations", params=conflict)).json()
    assert none == {"explanations": []}


async def test_what_goes_with_what_is_answered_with_reasons_and_a_repair(store: Store) -> None:
    client = await store.anybody()
    choices = {"choice": ["tow-bar", "track-pack"], "market": "DE"}
    found = (await client.get("/api/shop/configuration", params=choices)).json()
    assert found["options"] is None
    assert found["price"] is None
    assert [it["key"] for it in found["conflict"]["reasons"]] == ["tow-excludes-track"]
    asked = {"choice": "tow-bar", "wish": "track-pack", "market": "DE"}
    why = (await client.get("/api/shop/explanation", params=asked)).json()
    assert not why["is_possible"]
    assert why["explanation"] == found["conflict"]
    repair = (await client.get("/api/shop/repair", params=asked)).json()
    assert repair["given_up"] == ["tow-bar"]
    asked = {"choice": "tow-bar", "wish": "drive-all"}
    why = (await client.get("/api/shop/explanation", params=asked)).json()
    assert (why["is_possible"], why["explanation"]) == (True, None)
    catalogue = (await client.get("/api/shop/catalogue")).json()
    assert len(catalogue["rules"]) == 12
    assert set((await client.get("/api/shop/key")).json()) == {"kty", "crv", "x"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"market": "DE", "options": ["tow-bar"]}, "configuration_impossible"),
        ({"market": "DE", "options": ["ejector-seat"]}, "option_unknown"),
        ({"market": "XX", "options": []}, "configuration_impossible"),
        ({"market": "DE", "options": ["tow-bar"] * 101}, "request_malformed"),
        ({"market": "DE"}, "request_malformed"),
    ],
    ids=["rules", "no such option", "no such market", "too many", "no options"],
)
async def test_an_impossible_car_posted_past_the_page_gets_no_quote(
    store: Store, body: dict, code: str
) -> None:
    answer = await (await store.buyer()).post("/api/shop/quotes", json=body)
    assert answer.json()["code"] == code
    assert answer.status_code in (400, 422)


async def test_a_car_in_a_market_that_is_not_there_gets_no_quote(store: Store) -> None:
    options = store.shop.quotes.engine.complete([], "DE")
    body = {"market": "XX", "options": options}
    answer = await (await store.buyer()).post("/api/shop/quotes", json=body)
    assert answer.json()["code"] == "option_unknown"


async def test_an_altered_quote_orders_nothing(store: Store) -> None:
    buyer = await store.buyer()
    quote = (await quote_of(buyer))["quote"]
    head, claims, signature = quote.split(".")
    other = (await quote_of(buyer, "tow-bar"))["quote"].split(".")[1]
    for altered in (f"{head}.{other}.{signature}", f"{head}.{claims}", "quote", "ü", ""):
        answer = await order(buyer, altered)
        assert answer["status"] == 400, answer
        assert answer["code"] in {"signature_invalid", "document_malformed"}
    assert (await buyer.get("/api/shop/orders")).json()["orders"] == []


async def test_an_outdated_quote_orders_nothing_but_is_found_if_it_did(clients, records) -> None:
    store = Store(clients, records, QuoteConfig(lifetime_s=3_600))
    buyer = await store.buyer()
    ordered, late = (await quote_of(buyer))["quote"], (await quote_of(buyer))["quote"]
    first = await order(buyer, ordered)
    store.clock.advance(86_400)
    again = await order(buyer, ordered)
    assert (again["status"], again["order_id"]) == (200, first["order_id"])
    refused = await order(buyer, late, "another-key")
    assert (refused["status"], refused["code"]) == (409, "quote_outdated")


async def test_the_same_order_twice_and_another_with_its_key(store: Store) -> None:
    buyer = await store.buyer()
    quote = (await quote_of(buyer))["quote"]
    first, again = await order(buyer, quote), await order(buyer, quote)
    assert (first["status"], again["status"]) == (201, 200)
    assert first["order_id"] == again["order_id"]
    other = await order(buyer, (await quote_of(buyer))["quote"])
    assert (other["status"], other["code"]) == (409, "order_conflict")
    for key in ("short", "with space", "x" * 65):
        assert (await order(buyer, quote, key))["code"] == "request_malformed"


async def test_of_two_buyers_one_gets_the_last_place_and_the_other_is_told_plainly(
    store: Store,
) -> None:
    ann, bob = await store.buyer(), await store.buyer()
    await store.placed("zoe")
    quotes = [(await quote_of(client))["quote"] for client in (ann, bob)]
    first, second = await order(ann, quotes[0]), await order(bob, quotes[1])
    assert first["quoted_week_begins_at"] == second["quoted_week_begins_at"]
    assert (first["is_week_moved"], second["is_week_moved"]) == (False, True)
    assert second["week_begins_at"] > second["quoted_week_begins_at"]
    assert second["can_be_called_off"]


async def test_somebody_elses_order_is_not_found(store: Store) -> None:
    ann, bob = await store.buyer(), await store.buyer()
    order_id = (await order(ann, (await quote_of(ann))["quote"]))["order_id"]
    for asked in (order_id, FOREIGN):
        answers = [
            await bob.get(f"/api/shop/orders/{asked}"),
            await bob.get(f"/api/shop/orders/{asked}/live"),
            await bob.post(f"/api/shop/orders/{asked}/cancellation"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert (await pay(bob, asked))["status"] == 404
    assert (await bob.get("/api/shop/orders/order_1")).json()["code"] == "identifier_malformed"
    used = await order(bob, (await ann.get(f"/api/shop/orders/{order_id}")).json()["quote"])
    assert (used["status"], used["code"]) == (409, "quote_used")


async def test_who_may_do_what(store: Store) -> None:
    anybody, owner = await store.anybody(), await store.signed_in(Site.PHONE, PersonRole.OWNER)
    assert (await anybody.get("/api/shop/orders")).status_code == 401
    assert (await owner.get("/api/shop/orders")).status_code == 421
    buyer = await store.buyer()
    assert (await buyer.get("/api/orders")).status_code == 421
    buyer.headers["x-csrf-token"] = "0" * 43
    refused = await order(buyer, "quote")
    assert refused["status"] == 403
    del buyer.headers["x-csrf-token"]
    assert (await pay(buyer, FOREIGN))["status"] == 403


async def test_a_declined_and_an_unclear_payment_say_what_to_do(store: Store) -> None:
    buyer = await store.buyer()
    order_id = (await order(buyer, (await quote_of(buyer))["quote"]))["order_id"]
    declined = await pay(buyer, order_id, "practice-declined", "key-first")
    assert (declined["status"], declined["may_have_happened"]) == (402, False)
    store.clock.advance(1)
    unclear = await pay(buyer, order_id, "practice-times-out-after-charging", "key-second")
    assert (unclear["status"], unclear["may_have_happened"]) == (504, True)
    open_ = await pay(buyer, order_id, key="key-third-")
    assert (open_["status"], open_["code"]) == (409, "payment_open")
    called_off = await buyer.post(f"/api/shop/orders/{order_id}/cancellation")
    assert called_off.json()["state"] == "cancelled"
    await store.look(2)
    story = (await buyer.get(f"/api/shop/orders/{order_id}")).json()
    assert [it["state"] for it in story["payments"]] == ["declined", "refunded"]
    ways = (await buyer.get("/api/shop/payment-ways")).json()
    assert ways["is_practice"]
    assert "practice-ok" in {it["token"] for it in ways["tokens"]}
    await store.assert_sound()


async def test_the_provider_tells_over_http_by_its_signature(store: Store) -> None:
    order_id = await store.placed()
    await store.pay(order_id)
    payment_id = (await store.shop.book.story(order_id, "ann")).payments[0].payment_id
    members = {
        "event_id": "1",
        "kind": "charge.charged",
        "payment_id": payment_id,
        "amount_minor": 1,
        "currency": "EUR",
        "created_s": 1,
    }
    body = json.dumps(members).encode()
    provider = await store.anybody(Site.DOORS)
    secret = store.secrets.secrets[payments.EVENT_SECRET]
    signed = {
        "X-Payment-Signature": signature_of(secret, body, store.clock.now_us() // 1_000_000),
        "Content-Type": "application/json",
    }

    async def tell(headers: dict[str, str]) -> dict:
        answer = await provider.post("/api/payments/events", content=body, headers=headers)
        return dict(answer.json()) | {"status": answer.status_code}

    assert await tell(signed) == {"status": 202, "treatment": "stale"}
    assert await tell(signed) == {"status": 202, "treatment": "repeated"}
    forged = await tell(signed | {"X-Payment-Signature": f"t=1,v1={'0' * 64}"})
    assert (forged["status"], forged["code"]) == (400, "signature_invalid")


async def test_the_console_sees_numbers_and_no_names(store: Store) -> None:
    for person in ("ann", "bob", "zoe"):
        await store.pay(await store.placed(person), person_id=person)
    await store.shop.book.call_off((await store.shop.book.orders_of("zoe"))[0].order_id, "zoe")
    console = await store.signed_in(Site.CONSOLE, PersonRole.FLEET)
    answer = await console.get("/api/orders")
    book = answer.json()
    assert book["states"] == {"paid": 2, "cancelled": 1}
    assert [(week["taken"], week["slots"]) for week in book["weeks"]] == [(2, 2), (0, 2)]
    assert "ann" not in answer.text


async def events_of(lines, name: str, count: int) -> list[dict]:
    """So many live events of one name."""
    found: list[dict] = []
    current = ""
    async for line in lines:
        if line.startswith("event: "):
            current = line.removeprefix("event: ")
        elif line.startswith("data: ") and current == name:
            found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == count:
                return found
    return found


async def test_live_pages_hear_of_a_change(store: Store, clients) -> None:
    buyer = await store.buyer()
    console = await store.signed_in(Site.CONSOLE, PersonRole.FLEET)
    order_id = (await order(buyer, (await quote_of(buyer))["quote"]))["order_id"]
    async with serving(store.application, HttpConfig()) as port:
        address = f"http://127.0.0.1:{port}"
        paths = {buyer: f"/api/shop/orders/{order_id}/live", console: "/api/orders/live"}
        seen = {}
        for client, path in paths.items():
            live = await clients.enter_async_context(httpx.AsyncClient(base_url=address))
            headers = {**client.headers, "host": client.base_url.host}
            answer = await clients.enter_async_context(live.stream("GET", path, headers=headers))
            seen[path] = answer.aiter_lines()
        page, numbers = seen.values()
        first = await events_of(page, "order", 1)
        assert first[0]["order"]["state"] == "placed"
        assert (await events_of(numbers, "orders", 1))[0]["states"] == {"placed": 1}
        await pay(buyer, order_id)
        assert (await events_of(page, "order", 1))[0]["order"]["state"] == "paid"
        assert (await events_of(numbers, "orders", 1))[0]["states"] == {"paid": 1}
