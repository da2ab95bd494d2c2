"""Prices line by line, by numbers that a person worked out, and the claims of a quote."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.documents import QUOTE
from monocoque.contracts.errors import DocumentMalformed, OptionUnknown, QuoteOutdated
from monocoque.contracts.money import Money
from monocoque.shop.configurator.service import load_catalogue
from monocoque.shop.quotes.logic import Quote, claims_of, price_of, read_claims
from tests.shop.configurator.small import small

PRICES = json.loads((Path(__file__).parents[2] / "vectors" / "prices.json").read_text())
ARDEN = load_catalogue()
OPTIONS = ("drive-all", "paint-ember", "tow-bar")


def quote_of(options: tuple[str, ...] = OPTIONS, market: str = "DE") -> Quote:
    return Quote(
        quote_id="quote_0123456789abcdefghjkmnpqrs",
        catalogue_version=ARDEN.version,
        market=market,
        options=options,
        price=price_of(ARDEN, options, market),
        week_begins_us=1_800_000_000_000_000,
        issued_s=1_799_990_000,
        expires_s=1_799_990_000 + 86_400,
    )


@pytest.mark.parametrize("case", PRICES["cases"], ids=lambda case: case["name"])
def test_a_price_is_what_anybody_can_work_out(case: dict[str, Any]) -> None:
    assert PRICES["catalogue"] == ARDEN.version
    price = price_of(ARDEN, case["options"], case["market"])
    assert [
        [line.kind, line.key, line.net.amount_minor, line.tax.amount_minor] for line in price.lines
    ] == case["lines"]
    totals = (price.net, price.tax, price.total)
    wanted = (case["net_minor"], case["tax_minor"], case["total_minor"])
    assert tuple(money.amount_minor for money in totals) == wanted


def test_tax_is_rounded_line_by_line() -> None:
    # 19 % of 50 is 9.5; two such lines bear 20, where their sum would bear 19.
    catalogue = small({"a": ["a1"], "b": ["b1"]}, prices={"a1": 50, "b1": 50})
    price = price_of(catalogue, ["a1", "b1"], "DE")
    assert [line.tax.amount_minor for line in price.lines] == [190, 10, 10, 19]
    assert price.lines[1].gross == Money(60, "EUR")
    assert price.total == Money(1_200 + 229, "EUR")


@given(st.sets(st.sampled_from(sorted(ARDEN.options))), st.sampled_from(sorted(ARDEN.markets)))
def test_a_total_is_the_sum_of_its_lines_and_no_line_takes_anything_off(
    options: set[str], market: str
) -> None:
    price = price_of(ARDEN, sorted(options), market)
    assert price.total.amount_minor == sum(line.gross.amount_minor for line in price.lines)
    assert all(line.net.amount_minor >= 0 <= line.tax.amount_minor for line in price.lines)
    assert len(price.lines) == len(options) + 2


@pytest.mark.parametrize(("options", "market"), [(["nothing"], "DE"), (["tow-bar"], "FR")])
def test_what_the_catalogue_does_not_have_has_no_price(options: list[str], market: str) -> None:
    with pytest.raises(OptionUnknown):
        price_of(ARDEN, options, market)


@given(st.sets(st.sampled_from(sorted(ARDEN.options))), st.sampled_from(sorted(ARDEN.markets)))
def test_a_quote_is_read_as_it_was_written(options: set[str], market: str) -> None:
    quote = quote_of(tuple(sorted(options)), market)
    claims = claims_of(quote)
    assert set(claims) == QUOTE.claims
    assert read_claims(json.loads(json.dumps(claims)), ARDEN) == quote


@pytest.mark.parametrize(
    "changed",
    [
        {"catalogue": "arden-7.2026-10"},
        {"total_minor": 1},
        {"currency": "GBP"},
        {"lines": []},
        {"options": ["drive-all", "tow-bar"]},
        {"discount_minor": 100},
    ],
    ids=str,
)
def test_a_quote_that_the_catalogue_does_not_say_any_more_is_outdated(
    changed: dict[str, Any],
) -> None:
    with pytest.raises(QuoteOutdated):
        read_claims(claims_of(quote_of()) | changed, ARDEN)


@pytest.mark.parametrize(
    "changed",
    [{"options": "tow-bar"}, {"options": [1]}, {"market": 1}, {"week_begins_us": "soon"}],
    ids=str,
)
def test_a_quote_of_another_form_is_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(DocumentMalformed):
        read_claims(claims_of(quote_of()) | changed, ARDEN)
