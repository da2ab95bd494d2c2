"""Quotes: signed by the shop's key, and checked when they come back with an order.

Rules:

* only what makes a car is quoted, and the week in it is one that has a free place now;
* the shop's key lies among the cell's secrets; its public half is shown to whoever asks;
* a quote is no order: it keeps no place, and nobody is asked who they are.

Left out on purpose: the memory of quotes. A quote is in the buyer's hands; an order that names one
keeps it (shop/orders).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from monocoque.contracts import identifiers
from monocoque.contracts.documents import QUOTE
from monocoque.contracts.errors import (
    CredentialsRefused,
    DocumentExpired,
    DocumentMalformed,
    QuoteOutdated,
)
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import DAMAGED_HINT
from monocoque.shop.configurator.logic.engine import Engine
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.shop.quotes.logic import Quote, claims_of, price_of, read_claims
from monocoque.trust.documents import sign, verify
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.ports import KeyMaker

SHOP_KEY = "shop-key"
"""The name of the shop's key among the cell's secrets."""
ALGORITHM = "EdDSA"
SECOND_US = 1_000_000


@dataclass(frozen=True)
class Offer:
    """A quote and the document that says it."""

    quote: Quote
    document: bytes


def make_key(keystore: KeyStore, key_maker: KeyMaker) -> None:
    """Make the shop's key where there is none."""
    if keystore.read(SHOP_KEY) is None:
        keystore.write(SHOP_KEY, key_maker.make(ALGORITHM).export())


class Quotes:
    """Makes quotes and believes its own."""

    def __init__(
        self, engine: Engine, keystore: KeyStore, clock: Clock, random: Random, config: QuoteConfig
    ) -> None:
        """keystore: holds the shop's key by the first quote."""
        self.engine = engine
        self._keystore = keystore
        self._clock = clock
        self._random = random
        self._config = config
        self._loaded: PrivateKey | None = None

    @property
    def public_jwk(self) -> Mapping[str, str]:
        """The key by which anyone can check a quote; raises CredentialsRefused."""
        return self._key().public_jwk

    def offer(self, options: Sequence[str], market: str, week_begins_us: int) -> Offer:
        """A signed quote; raises OptionUnknown, ConfigurationImpossible, CredentialsRefused."""
        chosen = self.engine.check(options)
        now_s = self._clock.now_us() // SECOND_US
        quote = Quote(
            quote_id=identifiers.make("quote", self._random.getrandbits),
            catalogue_version=self.engine.catalogue.version,
            market=market,
            options=chosen,
            price=price_of(self.engine.catalogue, chosen, market),
            week_begins_us=week_begins_us,
            issued_s=now_s,
            expires_s=now_s + self._config.lifetime_s,
        )
        return Offer(quote, sign(QUOTE, claims_of(quote), self._key()))

    def read(self, document: bytes) -> Quote:
        """What a quote says that came back; believed only if the shop stands by it now.

        Raises DocumentRefused when it was altered or is not the shop's, QuoteOutdated when it is
        over or the catalogue changed.
        """
        key = self._key()
        try:
            found = verify(
                QUOTE,
                document,
                lambda key_id: key.public_jwk if key_id == key.key_id else None,
                self._clock.now_us(),
            )
        except DocumentExpired:
            raise QuoteOutdated("The quote's time is over.") from None
        identifier = found.text("jti")
        if found.claims["iss"] != "shop" or not identifier.startswith("quote_"):
            raise DocumentMalformed("This is not a quote of the shop.")
        return read_claims(found.claims, self.engine.catalogue)

    def _key(self) -> PrivateKey:
        if self._loaded is None:
            secret = self._keystore.read(SHOP_KEY)
            if secret is None:
                raise CredentialsRefused(
                    "The shop has no key to sign with.",
                    hint="Start the cell with `monocoque up`, which makes it, or put it back.",
                )
            try:
                self._loaded = load_key(secret)
            except CredentialsRefused as error:
                raise CredentialsRefused(f"{SHOP_KEY}: {error.what}", hint=DAMAGED_HINT) from error
        return self._loaded
