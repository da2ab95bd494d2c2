"""A buyer over HTTP: signs in at the shop, orders, pays, and follows the order.

Rules: knows what a browser knows; a wait ends with a failure that says what was there instead.
"""

import asyncio
import re
import secrets
from types import TracebackType
from typing import Any, Self

import httpx

from monocoque.plumbing.clock import SystemClock
from tests.e2e.installation import Installation
from tests.fixtures.phone import Phone, signed_in_phone

WAIT_S_MAX = 60.0
LOOK_S = 0.1
REQUEST_S_MAX = 10.0


class Browser:
    """Somebody who is signed in at a site by a new link."""

    def __init__(self, installation: Installation, site: str) -> None:
        """site: shop or console."""
        self._installation = installation
        self._site = site
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{installation.port}",
            headers={"host": f"{site}.localhost:{installation.port}"},
            timeout=REQUEST_S_MAX,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """Spend the link."""
        link = await asyncio.to_thread(self._installation.sign_in_link, self._site)
        code = link.partition("#")[2]
        answer = await self._client.post("/api/session", json={"link_code": code})
        assert answer.status_code == 204, answer.text
        self._client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        me = await self.get("/api/me")
        self._client.headers["x-csrf-token"] = me["csrf_token"]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self._client.aclose()

    async def get(self, path: str) -> dict[str, Any]:
        """What a route answers."""
        answer = await self._client.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a route makes of it, asked for once."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        answer = await self._client.post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


class Buyer(Browser):
    """The first buyer of an installation."""

    def __init__(self, installation: Installation) -> None:
        super().__init__(installation, "shop")

    async def buy(self, *choices: str) -> str:
        """Order the cheapest car with these choices, and pay it; returns the order's identifier."""
        chosen = "".join(f"&choices={choice}" for choice in choices)
        car = await self.get(f"/api/shop/configuration?market=DE{chosen}")
        wanted = {"market": "DE", "options": car["options"]}
        quote = await self.post("/api/shop/quotes", wanted)
        order = await self.post("/api/shop/orders", {"quote": quote["quote"]})
        assert order["state"] == "placed"
        path = f"/api/shop/orders/{order['order_id']}/payments"
        paid = await self.post(path, {"token": "practice-ok"})
        assert [payment["state"] for payment in paid["payments"]] == ["charged"]
        return str(order["order_id"])

    async def orders(self) -> list[dict[str, Any]]:
        """One's own orders, the newest first."""
        found: list[dict[str, Any]] = (await self.get("/api/shop/orders"))["orders"]
        return found

    async def followed(self, order_id: str, state: str) -> dict[str, Any]:
        """The story of an order, once it is in this state."""
        story: dict[str, Any] = {}
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                while True:
                    story = await self.get(f"/api/shop/orders/{order_id}")
                    if story["order"]["state"] == state:
                        return story
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise AssertionError(f"not {state} within {WAIT_S_MAX} s: {story}") from None


async def until_online(installation: Installation, cars: int) -> None:
    """Wait until the cell counts so many cars."""
    async with asyncio.timeout(WAIT_S_MAX):
        while await asyncio.to_thread(installation.cars_online) != cars:
            await asyncio.sleep(LOOK_S)


async def take_over(installation: Installation, car_id: str) -> None:
    """The owner comes with the paper of this car, and takes it over on the phone."""
    words = ("car", "hand-over", car_id, "--data", str(installation.data))
    printed = await asyncio.to_thread(installation.run, *words)
    link = re.search(r"http://phone\.localhost:\d+/hand-over#\S+", printed)
    assert link, printed
    code = (await asyncio.to_thread(installation.sign_in_link, "phone")).partition("#")[2]
    async with signed_in_phone(installation.port, code) as client:
        phone = Phone(client, SystemClock())
        await phone.take_over(link.group(0))
        assert phone.car_id == car_id
