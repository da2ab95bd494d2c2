"""HTTP routes of prices: what the choices leave open and cost, and the signed quote.

Left out on purpose: who asks. Nobody is, so nobody can be asked more than another.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel, Field

from monocoque.contracts.rights import CONFIGURE_CAR
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.http.rules import needs
from monocoque.shop.configurator.web import (
    CHOICES_MAX,
    Choices,
    ExplanationShown,
    Key,
    MarketKey,
    explanation_shown,
)
from monocoque.shop.quotes.logic import Price, price_of
from monocoque.shop.quotes.service import Quotes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Promise = Callable[[], Awaitable[int]]
"""The first production week with a free place, as microseconds."""


class PriceLine(BaseModel):
    """One line of a price."""

    kind: str = Field(description="`base`, `option` or `destination`")
    key: str = Field(description="the model, the option or the market")
    net_minor: int
    tax_minor: int = Field(description="of this line, rounded half up")


class PriceShown(BaseModel):
    """A price, whole: there is nothing beside it that must be paid."""

    currency: str
    lines: list[PriceLine]
    net_minor: int
    tax_minor: int
    total_minor: int


class Configuration(BaseModel):
    """What the choices leave open, and what the cheapest car with them costs."""

    choices: list[str]
    possible: list[str] = Field(
        description="can be had with the other choices kept; in an `exactly_one` group in place of "
        "the one that is chosen there"
    )
    forced: list[str] = Field(description="every car with these choices has them")
    conflict: ExplanationShown | None = Field(description="why no car has all of the choices")
    options: list[str] | None = Field(description="the cheapest car with the choices; or null")
    price: PriceShown | None = Field(description="of that car; null when there is none")
    week_begins_at: datetime = Field(description="the first production week with a free place")
    week_duration_s: float = Field(description="the factory's pace; a real week has 604800 s")


class QuoteWanted(BaseModel):
    """A whole car."""

    market: Key = Field(examples=["DE"])
    options: list[Key] = Field(
        max_length=CHOICES_MAX, description="as `options` of a configuration"
    )


class QuoteShown(BaseModel):
    """A signed quote, and what it says."""

    quote_id: str
    quote: str = Field(description="the document, a compact JWS; an order names it")
    catalogue_version: str
    market: str
    options: list[str]
    price: PriceShown
    week_begins_at: datetime = Field(description="the production week that is promised")
    week_duration_s: float
    expires_at: datetime


class ShopKey(BaseModel):
    """The key by which anyone can check a quote."""

    kty: str
    crv: str
    x: str


def routes(quotes: Quotes, promise: Promise, week_duration_s: float) -> APIRouter:
    """The routes, on these quotes."""
    router = APIRouter(tags=["shop"])
    engine = quotes.engine

    @router.get("/api/shop/configuration")
    @needs(CONFIGURE_CAR)
    async def read_configuration(
        market: MarketKey,
        choices: Choices = [],  # noqa: B006
    ) -> Configuration:
        """What is still possible, why not, and the price of the cheapest car with the choices."""
        engine.catalogue.market(market)
        found = engine.possibilities(choices)
        options = None if found.conflict else engine.complete(choices, market)
        return Configuration(
            choices=sorted(set(choices)),
            possible=list(found.possible),
            forced=list(found.forced),
            conflict=None if found.conflict is None else explanation_shown(found.conflict),
            options=None if options is None else list(options),
            price=None
            if options is None
            else price_shown(price_of(engine.catalogue, options, market)),
            week_begins_at=moment_of(await promise()),
            week_duration_s=week_duration_s,
        )

    @router.post("/api/shop/quotes", status_code=201)
    @needs(CONFIGURE_CAR)
    async def make_quote(body: QuoteWanted) -> QuoteShown:
        """A signed price with its production week; 422 `configuration_impossible` says which rules
        are broken."""
        offer = quotes.offer(body.options, body.market, await promise())
        quote = offer.quote
        return QuoteShown(
            quote_id=quote.quote_id,
            quote=offer.document.decode(),
            catalogue_version=quote.catalogue_version,
            market=quote.market,
            options=list(quote.options),
            price=price_shown(quote.price),
            week_begins_at=moment_of(quote.week_begins_us),
            week_duration_s=week_duration_s,
            expires_at=EPOCH + timedelta(seconds=quote.expires_s),
        )

    @router.get("/api/shop/key")
    @needs(CONFIGURE_CAR)
    async def read_shop_key() -> ShopKey:
        """The shop's public key (JWK, Ed25519)."""
        return ShopKey(**quotes.public_jwk)

    return router


def price_shown(price: Price) -> PriceShown:
    """A price as a page is shown it."""
    return PriceShown(
        currency=price.total.currency,
        lines=[
            PriceLine(
                kind=line.kind,
                key=line.key,
                net_minor=line.net.amount_minor,
                tax_minor=line.tax.amount_minor,
            )
            for line in price.lines
        ],
        net_minor=price.net.amount_minor,
        tax_minor=price.tax.amount_minor,
        total_minor=price.total.amount_minor,
    )
