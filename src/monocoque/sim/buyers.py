"""People who buy a car: configure, quote, order, pay, follow, until the car is theirs.

Rules:

* a buyer knows what a shop page shows: everything goes over HTTP, with a session on the shop site;
* some wish for what a rule forbids, are told why, and take the least repair;
* who gets no answer to an order or a payment sends the same again, under the same key; who is
  declined pays otherwise, under another key; whose order ended orders once more;
* some call their first order off, before they pay or as soon as they did, and then order another;
* what was acknowledged is kept here, and nowhere else: this list is what orders are judged by.

Left out on purpose: pages and live streams, as with everybody in a world.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from monocoque.sim.calling import NOT_FOUND, Caller, CallingConfig
from monocoque.sim.door import PORT

SHOP_ADDRESS: Final = f"http://shop.localhost:{PORT}"
PAYMENT_DECLINED: Final = 402
CONFLICT: Final = 409
AWAY: Final = frozenset({503, 504})
BUSY_OR_AWAY: Final = AWAY | {429}
GOOD_CARD: Final = "practice-ok"
ANY_CARD: Final = "practice-by-chance"
BAD_CARD: Final = "practice-declined"
UNPAID: Final = "unpaid"
PAID: Final = "paid"
"""When a buyer thinks again: before paying, or right after it."""
KEY_BYTES: Final = 16
DELIVERED: Final = "delivered"
CANCELLED: Final = "cancelled"
ENDED: Final = frozenset({"expired", CANCELLED})


@dataclass(frozen=True)
class BuyersConfig(CallingConfig):
    """How people buy."""

    begin_s_max: float = 60.0
    """Everybody begins within this time."""
    pick_share: float = 0.5
    """In how many groups a buyer wants something of their own choice."""
    clash_share: float = 0.4
    """How many buyers wish for what a rule forbids."""
    decline_share: float = 0.3
    """How many buyers try a card first that is declined."""
    chances_max: int = 2
    """So many payments are left to chance; who is not through then takes a card that is good."""
    call_off_share: float = 0.0
    """How many buyers call their first order off."""
    purchases_max: int = 20
    """Whose order ended, unpaid, orders again, so often at most."""


@dataclass
class Purchase:
    """One order, as its buyer remembers it."""

    key: str
    """The key under which it was sent, the same at each try."""
    options: tuple[str, ...]
    total_minor: int
    begun_s: float
    """When it was sent first, in virtual seconds."""
    order_id: str = ""
    """What the shop acknowledged; empty before."""
    state: str = ""
    """What the shop said last."""
    car_id: str = ""
    unwanted_when: str = ""
    """When the buyer calls it off, ``UNPAID`` or ``PAID``; empty for one who does not."""
    called_off_s: float | None = None
    """When the shop acknowledged that it was called off, in virtual seconds."""

    @property
    def is_acknowledged(self) -> bool:
        """Whether the shop said that it has it."""
        return bool(self.order_id)


@dataclass
class ShoppingMemory:
    """What a buyer remembers, and what was wrong with the answers."""

    purchases: list[Purchase] = field(default_factory=list)
    conflicts: int = 0
    """Wishes that could not be had, and were repaired."""
    declines: int = 0
    """Payments that were declined."""
    wrongs: list[tuple[str, str]] = field(default_factory=list)
    """Name of an invariant, and what did not hold."""


class Buyer:
    """Somebody who wants one car."""

    def __init__(
        self,
        name: str,
        transport: httpx.AsyncBaseTransport,
        sign_in_code: Callable[[], Awaitable[str]],
        on_car: Callable[[str], None],
        random: Random,
        config: BuyersConfig,
    ) -> None:
        """on_car: called once, with the car's identifier, when the shop says which one it is."""
        self.name = name
        self.memory = ShoppingMemory()
        self.is_delivered = asyncio.Event()
        self._on_car = on_car
        self._random = random
        self._config = config
        self._is_resting = False
        self._caller = Caller(SHOP_ADDRESS, transport, sign_in_code, random, config)

    async def live(self) -> None:
        """Buy, and follow the order until the car was taken over."""
        await asyncio.sleep(self._random.uniform(0.0, self._config.begin_s_max))
        while not self._is_resting and len(self.memory.purchases) < self._config.purchases_max:
            purchase = await self._order()
            if purchase is not None and await self._follow(purchase):
                self.is_delivered.set()
                return

    def rest(self) -> None:
        """No new order from now on; what was begun is brought to its end."""
        self._is_resting = True

    async def look_back(self) -> None:
        """See once more what became of everything that was acknowledged."""
        for purchase in self.memory.purchases:
            if purchase.is_acknowledged:
                await self._look_at(purchase)

    # --- ordering -----------------------------------------------------------------------------

    async def _order(self) -> Purchase | None:
        """Choose a car and order it; None when the shop wants a new quote."""
        market, options = await self._configure()
        wanted = {"market": market, "options": options}
        answer = await self._caller.ask("POST", "/api/shop/quotes", wanted)
        if not answer.is_success:
            self._wrong("car_refused", f"{self.name}: {answer.text}")
            await self._caller.pause()
            return None
        quote = answer.json()
        purchase = Purchase(
            key=self._new_key(),
            options=tuple(quote["options"]),
            total_minor=quote["price"]["total_minor"],
            begun_s=asyncio.get_running_loop().time(),
        )
        if not self.memory.purchases and self._random.random() < self._config.call_off_share:
            purchase.unwanted_when = self._random.choice((UNPAID, PAID))
        self.memory.purchases.append(purchase)
        if not await self._place(purchase, quote["quote"]):
            return None
        return purchase

    async def _place(self, purchase: Purchase, quote: str) -> bool:
        """Send the order until there is an answer; whether the shop took it."""
        headers = {"idempotency-key": purchase.key}
        while True:
            answer = await self._caller.ask(
                "POST", "/api/shop/orders", {"quote": quote}, headers, BUSY_OR_AWAY
            )
            if answer.is_success:
                purchase.order_id = answer.json()["order_id"]
                self._check(purchase, answer.json())
                return True
            if answer.status_code != CONFLICT or answer.json().get("code") != "records_contended":
                return False
            await self._caller.pause()

    async def _configure(self) -> tuple[str, Sequence[str]]:
        """Choose by taste; who hits a conflict takes the least repair."""
        catalogue = (await self._caller.ask("GET", "/api/shop/catalogue")).json()
        market = self._random.choice([market["key"] for market in catalogue["markets"]])
        choices = self._choices(catalogue)
        params = httpx.QueryParams([("market", market), *(("choice", one) for one in choices)])
        found = (await self._caller.ask("GET", f"/api/shop/configuration?{params}")).json()
        if found["conflict"] is None:
            return market, found["options"]
        self.memory.conflicts += 1
        params = params.add("wish", choices[-1])
        repair = (await self._caller.ask("GET", f"/api/shop/repair?{params}")).json()
        return market, repair["options"]

    def _choices(self, catalogue: dict[str, Any]) -> list[str]:
        """At most one option of each group; perhaps two at the end that cannot be together."""
        group_of: dict[str, str] = {}
        choices: list[str] = []
        for group in catalogue["groups"]:
            options = [option["key"] for option in group["options"]]
            group_of |= dict.fromkeys(options, group["key"])
            if self._random.random() < self._config.pick_share:
                choices.append(self._random.choice(options))
        if self._random.random() < self._config.clash_share:
            rule = self._random.choice([rule for rule in catalogue["rules"] if rule["excludes"]])
            clash = [rule["when"][0], rule["excludes"][0]]
            taken = {group_of[option] for option in clash}
            choices = [option for option in choices if group_of[option] not in taken] + clash
        return choices

    # --- paying and following -----------------------------------------------------------------

    async def _follow(self, purchase: Purchase) -> bool:
        """Pay and look until the car was taken over; False when the order ended otherwise."""
        tried = 0
        for pause_s in self._caller.pauses():
            story = await self._look_at(purchase)
            if story is None or purchase.state in ENDED:
                return False
            if purchase.state == DELIVERED:
                return True
            if purchase.unwanted_when == UNPAID and await self._call_off(purchase):
                return False
            is_open = any(payment["state"] == "asked" for payment in story["payments"])
            if story["order"]["can_be_paid"] and not is_open:
                await self._pay(purchase, tried)
                tried += 1
                if purchase.unwanted_when == PAID and await self._call_off(purchase):
                    return False
            await asyncio.sleep(pause_s)
        return False

    async def _call_off(self, purchase: Purchase) -> bool:
        """End the order; False when the shop says that it is too late."""
        path = f"/api/shop/orders/{purchase.order_id}/cancellation"
        while True:
            answer = await self._caller.ask("POST", path, again_at=BUSY_OR_AWAY)
            if answer.is_success:
                self._check(purchase, answer.json())
                purchase.called_off_s = asyncio.get_running_loop().time()
                return True
            if answer.json().get("code") != "records_contended":
                purchase.unwanted_when = ""
                return False
            await self._caller.pause()

    async def _pay(self, purchase: Purchase, tried: int) -> None:
        card = GOOD_CARD
        if tried == 0 and self._random.random() < self._config.decline_share:
            card = BAD_CARD
        elif tried < self._config.chances_max:
            card = ANY_CARD
        answer = await self._caller.ask(
            "POST",
            f"/api/shop/orders/{purchase.order_id}/payments",
            {"token": card},
            {"idempotency-key": self._new_key()},
            AWAY,
        )
        self.memory.declines += answer.status_code == PAYMENT_DECLINED

    async def _look_at(self, purchase: Purchase) -> dict[str, Any] | None:
        """What the shop says of the order; None when it does not know it."""
        answer = await self._caller.ask("GET", f"/api/shop/orders/{purchase.order_id}")
        if answer.status_code == NOT_FOUND:
            self._wrong("order_lost", purchase.order_id)
            return None
        story: dict[str, Any] = answer.json()
        self._check(purchase, story["order"])
        return story

    def _check(self, purchase: Purchase, said: dict[str, Any]) -> None:
        if said["order_id"] != purchase.order_id:
            self._wrong("order_doubled", purchase.order_id)
        same = (said["total_minor"], tuple(said["options"]))
        if same != (purchase.total_minor, purchase.options):
            self._wrong("order_altered", purchase.order_id)
        purchase.state = said["state"]
        car_id = said["car_id"]
        if car_id and not purchase.car_id:
            purchase.car_id = car_id
            self._on_car(car_id)
        elif car_id and car_id != purchase.car_id:
            self._wrong("order_doubled", f"{purchase.order_id}: another car")

    def _new_key(self) -> str:
        return self._random.randbytes(KEY_BYTES).hex()

    def _wrong(self, invariant: str, what: str) -> None:
        self.memory.wrongs.append((invariant, what))
