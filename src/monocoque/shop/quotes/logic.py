"""Prices: from a catalogue, options and a market to lines, and from lines to the claims of a quote.

Rules:

* the price function has no customer among its arguments: the same options in the same market by the
  same catalogue cost the same for everybody, and anyone can compute it again;
* the lines are the car, its options in order of the alphabet, and the destination, which every car
  bears; nothing is ever taken off them;
* each line is taxed by itself, rounded half up (contracts/money.py); totals are sums of lines;
* a quote is believed when its lines are what its catalogue says of its options; so a catalogue that
  changed under a quote makes the quote outdated, and not wrong.

Left out on purpose: the signature (service.py), and which week is free (shop/orders).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monocoque.contracts.errors import DocumentMalformed, QuoteOutdated
from monocoque.contracts.money import Money, total
from monocoque.shop.configurator.logic.catalogue import Catalogue

BASE = "base"
OPTION = "option"
DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price."""

    kind: str
    """``base``, ``option`` or ``destination``."""
    key: str
    """The model, the option, or the market."""
    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """With its tax."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Price:
    """All lines of a car, and what they add up to."""

    lines: tuple[Line, ...]
    net: Money
    tax: Money

    @property
    def total(self) -> Money:
        """What is paid, with everything that must be paid."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Quote:
    """What a quote says."""

    quote_id: str
    catalogue_version: str
    market: str
    options: tuple[str, ...]
    price: Price
    week_begins_us: int
    issued_s: int
    expires_s: int


def price_of(catalogue: Catalogue, options: Sequence[str], market: str) -> Price:
    """What these options cost in this market; raises OptionUnknown.

    Whether they make a car is not asked here; the engine of the configurator says that.
    """
    place = catalogue.market(market)

    def line(kind: str, key: str, net_minor: int) -> Line:
        net = Money(net_minor, place.currency)
        return Line(kind, key, net, net.share(place.tax_basis_points))

    lines = (
        line(BASE, catalogue.model, place.base_minor),
        *(
            line(OPTION, key, catalogue.options[key].prices_minor[market])
            for key in catalogue.known(tuple(options))
        ),
        line(DESTINATION, market, place.destination_minor),
    )
    return _summed(lines, place.currency)


def claims_of(quote: Quote) -> dict[str, Any]:
    """The claims of the document that says this quote."""
    price = quote.price
    return {
        "iss": "shop",
        "jti": quote.quote_id,
        "iat": quote.issued_s,
        "exp": quote.expires_s,
        "catalogue": quote.catalogue_version,
        "market": quote.market,
        "options": list(quote.options),
        "currency": price.total.currency,
        "lines": [
            {
                "kind": line.kind,
                "key": line.key,
                "net_minor": line.net.amount_minor,
                "tax_minor": line.tax.amount_minor,
            }
            for line in price.lines
        ],
        "total_minor": price.total.amount_minor,
        "week_begins_us": quote.week_begins_us,
    }


def read_claims(claims: Mapping[str, Any], catalogue: Catalogue) -> Quote:
    """The quote that these verified claims say, by the catalogue of today.

    Raises QuoteOutdated when this catalogue says otherwise, DocumentMalformed.
    """
    version, options, market = claims["catalogue"], claims["options"], claims["market"]
    if not _is_texts(options) or not isinstance(market, str):
        raise DocumentMalformed("A quote has a list of options and a market.")
    if type(claims["week_begins_us"]) is not int:
        raise DocumentMalformed("A quote has a week.")
    if version != catalogue.version:
        raise QuoteOutdated("The quote is by another catalogue than the one that sells now.")
    quote = Quote(
        quote_id=claims["jti"],
        catalogue_version=version,
        market=market,
        options=tuple(options),
        price=price_of(catalogue, options, market),
        week_begins_us=claims["week_begins_us"],
        issued_s=claims["iat"],
        expires_s=claims["exp"],
    )
    if claims_of(quote) != dict(claims):
        raise QuoteOutdated("The catalogue says another price than the quote.")
    return quote


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(it, str) for it in value)


def _summed(lines: tuple[Line, ...], currency: str) -> Price:
    return Price(
        lines=lines,
        net=total([line.net for line in lines], currency),
        tax=total([line.tax for line in lines], currency),
    )
