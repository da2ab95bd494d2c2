"""Quotes: signed by the shop, and believed only when the shop stands by them now."""

import json
import re
from pathlib import Path
from random import Random

import pytest

from monocoque.contracts.documents import QUOTE
from monocoque.contracts.errors import (
    ConfigurationImpossible,
    CredentialsRefused,
    DocumentMalformed,
    KeyUnknown,
    QuoteOutdated,
    SignatureInvalid,
)
from monocoque.shop.configurator.logic.engine import Engine
from monocoque.shop.configurator.service import load_engine
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.shop.quotes.logic import claims_of, read_claims
from monocoque.shop.quotes.service import SHOP_KEY, Quotes, make_key
from monocoque.trust.documents import sign, verify
from monocoque.trust.keys import SystemKeyMaker, load_key, thumbprint
from tests.fixtures.http import SecretsInMemory, SettableClock
from tests.shop.configurator.small import small

ENGINE = load_engine()
CAR = ENGINE.complete(["tow-bar"], "DE")
WEEK_US = 1_800_000_010_000_000


class Desk:
    """A shop that makes quotes, and its key."""

    def __init__(self) -> None:
        self.secrets, self.clock = SecretsInMemory(), SettableClock()
        make_key(self.secrets, SystemKeyMaker())
        self.quotes = self.opened()

    def opened(self, engine: Engine = ENGINE) -> Quotes:
        return Quotes(engine, self.secrets, self.clock, Random(1), QuoteConfig())


@pytest.fixture
def desk() -> Desk:
    """A shop with its key."""
    return Desk()


def test_a_quote_comes_back_as_it_was_given(desk: Desk) -> None:
    offer = desk.quotes.offer(CAR, "DE", WEEK_US)
    assert desk.quotes.read(offer.document) == offer.quote
    assert desk.opened().read(offer.document) == offer.quote
    assert offer.quote.options == CAR


def test_what_cannot_be_built_is_not_quoted(desk: Desk) -> None:
    with pytest.raises(ConfigurationImpossible):
        desk.quotes.offer([*CAR, "track-pack"], "DE", WEEK_US)


@pytest.mark.parametrize("place", [30, 150, 400, -5])
def test_an_altered_quote_is_refused(desk: Desk, place: int) -> None:
    document = bytearray(desk.quotes.offer(CAR, "DE", WEEK_US).document)
    document[place] = ord("A") if document[place] != ord("A") else ord("B")
    with pytest.raises((SignatureInvalid, DocumentMalformed, KeyUnknown)):
        desk.quotes.read(bytes(document))


def test_a_quote_of_somebody_elses_key_is_refused(desk: Desk) -> None:
    with pytest.raises(KeyUnknown):
        desk.quotes.read(Desk().quotes.offer(CAR, "DE", WEEK_US).document)


def test_a_quote_whose_time_is_over_is_outdated(desk: Desk) -> None:
    document = desk.quotes.offer(CAR, "DE", WEEK_US).document
    desk.clock.advance(86_399)
    desk.quotes.read(document)
    desk.clock.advance(3_600)
    with pytest.raises(QuoteOutdated, match="time is over"):
        desk.quotes.read(document)


def test_a_quote_of_another_catalogue_is_outdated(desk: Desk) -> None:
    document = desk.quotes.offer(CAR, "DE", WEEK_US).document
    other = desk.opened(Engine(small({"drive": ["rear"]})))
    with pytest.raises(QuoteOutdated, match="another catalogue"):
        other.read(document)


@pytest.mark.parametrize("changed", [{"iss": "factory"}, {"jti": "order_1"}], ids=str)
def test_another_document_by_the_shops_key_is_no_quote(desk: Desk, changed: dict[str, str]) -> None:
    secret = desk.secrets.read(SHOP_KEY)
    assert secret is not None
    claims = claims_of(desk.quotes.offer(CAR, "DE", WEEK_US).quote) | changed
    with pytest.raises(DocumentMalformed):
        desk.quotes.read(sign(QUOTE, claims, load_key(secret)))


def test_the_key_is_made_once_and_anybody_can_see_its_public_half(desk: Desk) -> None:
    before = desk.secrets.read(SHOP_KEY)
    make_key(desk.secrets, SystemKeyMaker())
    assert desk.secrets.read(SHOP_KEY) == before
    assert set(desk.quotes.public_jwk) == {"kty", "crv", "x"}


def test_a_lost_or_damaged_key_is_said_with_what_to_do() -> None:
    desk = Desk()
    desk.secrets.secrets.clear()
    with pytest.raises(CredentialsRefused, match="no key to sign with"):
        _ = desk.opened().public_jwk
    desk.secrets.write(SHOP_KEY, b"rust")
    with pytest.raises(CredentialsRefused, match=SHOP_KEY):
        _ = desk.opened().public_jwk


def test_the_quote_in_the_documents_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "protocol" / "orders.md").read_text()
    document, jwk, claims = re.findall(r"```(?:json)?\n(.*?)\n```", page, re.DOTALL)
    found = verify(
        QUOTE,
        document.replace("\n", "").encode(),
        lambda key_id: json.loads(jwk) if key_id == thumbprint(json.loads(jwk)) else None,
        1_800_000_000_000_000,
    )
    assert dict(found.claims) == json.loads(claims)
    quote = read_claims(found.claims, ENGINE.catalogue)
    assert ENGINE.check(quote.options) == quote.options
