"""Tokens that a car gives out, judges and takes back."""

import asyncio
from random import Random

import pytest

from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.errors import (
    DocumentMalformed,
    NotFound,
    SignalClientsFull,
    SignalTokenExpired,
    SignalTokenRefused,
)
from monocoque.contracts.signals import CHARGE_LIMIT, CLIMATE_TARGET, SPEED
from monocoque.sim.loop import run_virtual
from tests.car.signal_stand import SignalStand
from tests.car.stand import CAR_ID
from tests.trust.foreign_issuer import KEYS, compact, pem_of


class TokenStand(SignalStand):
    """A car that gives out tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.key = tokens.key_of(self.keystore)
        self.tokens = Tokens(self.signals, self.key, CAR_ID, TokensConfig().judged_max)
        self.ports[Tokens] = self.tokens
        self.configs[TokensConfig] = TokensConfig()
        self.services["tokens"] = tokens.run

    async def issue(self, scope="read", lifetime_s=60.0, tokens_max=100):
        return await tokens.issue(
            self.records, self.key, CAR_ID, "somebody", scope, lifetime_s,
            self.clock.now_us(), Random(f"{scope} {self.clock.now_us()}"), tokens_max,
        )  # fmt: skip

    def access(self, text: str):
        return self.tokens.access_of(f"Bearer {text}", own_catalogue())


async def _listen_for_ever(heard):
    while True:
        await heard.next()


def living(story):
    async def main():
        stand = TokenStand()
        async with stand.living():
            await asyncio.sleep(1)
            await story(stand)

    run_virtual(main())


def test_a_token_opens_what_its_scope_says_until_its_end():
    async def story(stand):
        text, _ = await stand.issue("read:Vehicle.Speed")
        assert stand.access(text).reads == {SPEED.number}
        assert stand.access(text) is stand.access(text)
        await asyncio.sleep(61)
        with pytest.raises(SignalTokenExpired):
            stand.access(text)

    living(story)


def test_a_token_that_was_taken_back_ends_what_stands_on_it():
    async def story(stand):
        text, token_id = await stand.issue("read")
        client = stand.signals.connect("client", stand.access(text))
        async with client.subscribe([SPEED.number]) as heard:
            await heard.next()
            await tokens.revoke(stand.records, token_id, stand.clock.now_us())
            with pytest.raises(SignalTokenRefused):
                await _listen_for_ever(heard)
        with pytest.raises(SignalTokenRefused, match="revoked"):
            stand.access(text)

    living(story)


def test_what_was_given_out_is_on_record_without_the_token():
    async def story(stand):
        text, token_id = await stand.issue("read:Vehicle.Speed")
        (row,) = await tokens.listed(stand.records)
        assert (row["token_id"], row["scope"]) == (token_id, "read:Vehicle.Speed")
        assert text not in repr(row)
        await asyncio.sleep(61)
        await stand.issue("read")
        assert [row["scope"] for row in await tokens.listed(stand.records)] == ["read"]

    living(story)


def test_a_car_gives_out_so_many_tokens_and_no_more():
    async def story(stand):
        for _ in range(2):
            await stand.issue(tokens_max=2)
            await asyncio.sleep(0.1)
        with pytest.raises(SignalClientsFull):
            await stand.issue(tokens_max=2)
        assert len(await tokens.listed(stand.records)) == 2

    living(story)


def test_nothing_but_a_bearer_token_of_this_car_opens_anything():
    async def story(stand):
        text, _ = await stand.issue()
        for wrong in ("", text, f"Basic {text}", "Bearer ", f"Bearer {text}x"):
            with pytest.raises(SignalTokenRefused):
                stand.tokens.access_of(wrong, own_catalogue())
        with pytest.raises(SignalTokenRefused):
            await stand.issue("fly")
        with pytest.raises(NotFound):
            await tokens.revoke(stand.records, "token_unknown", 0)

    living(story)


MAKER = "https://tokens.maker.example"
MAKERS_KEY = KEYS["P-384"][0]


async def trust(stand, name=MAKER, audience=CAR_ID, scope="read", keys=MAKERS_KEY, issuers_max=4):
    return await tokens.trust(
        stand.records, CAR_ID, name, audience, scope, pem_of(keys),
        stand.clock.now_us(), Random(f"{name} {stand.clock.now_us()}"), issuers_max,
    )  # fmt: skip


def of_maker(stand, keys=MAKERS_KEY, **changes):
    """A token that somebody else made for this car."""
    now_s = stand.clock.now_us() // 1_000_000
    claims = {
        "iss": MAKER, "sub": "a tool", "aud": [CAR_ID], "iat": now_s, "exp": now_s + 600,
        "scope": "read actuate",
    }  # fmt: skip
    return compact(keys, {"alg": "ES384"}, claims | changes)


async def look(stand):
    """Until the car has looked at its records."""
    await asyncio.sleep(TokensConfig().look_interval_s * 2)


def test_a_token_of_somebody_else_opens_nothing_until_a_person_says_so_and_then_no_more():
    async def story(stand):
        text = of_maker(stand)
        with pytest.raises(SignalTokenRefused):
            stand.access(text)
        await trust(stand, scope="read:Vehicle.Speed actuate:Vehicle.Cabin")
        await look(stand)
        access = stand.access(text)
        assert SPEED.number in access.reads
        assert CHARGE_LIMIT.number not in access.reads
        assert CLIMATE_TARGET.number in access.actuates
        assert access.holder == f"a tool of {MAKER}"
        assert stand.access((await stand.issue())[0]).issuer_id == ""
        for wrong in (
            of_maker(stand, aud=["kuksa.val"]),
            of_maker(stand, aud=["car_of_somebody"]),
            of_maker(stand, iss=CAR_ID),
            of_maker(stand, iss="nobody"),
            of_maker(stand, keys=KEYS["P-256"][0]),
        ):
            with pytest.raises(SignalTokenRefused):
                stand.access(wrong)

    living(story)


def test_an_audience_that_many_cars_share_counts_where_a_person_names_it():
    async def story(stand):
        await trust(stand, audience="kuksa.val")
        await look(stand)
        assert stand.access(of_maker(stand, aud=["kuksa.val"])).reads
        with pytest.raises(SignalTokenRefused, match="another car"):
            stand.access(of_maker(stand))

    living(story)


def test_what_stands_on_an_issuer_ends_with_the_trust_in_it_and_nothing_else_does():
    async def story(stand):
        await trust(stand)
        await look(stand)
        own, _ = await stand.issue()
        ours = stand.signals.connect("ours", stand.access(own))
        theirs = stand.signals.connect("theirs", stand.access(of_maker(stand)))
        async with ours.subscribe([SPEED.number]) as heard, theirs.subscribe([1]) as overheard:
            await overheard.next()
            await tokens.distrust(stand.records, MAKER)
            with pytest.raises(SignalTokenRefused):
                await _listen_for_ever(overheard)
            await heard.next()
        assert stand.access(own).reads
        with pytest.raises(SignalTokenRefused):
            stand.access(of_maker(stand))
        with pytest.raises(NotFound):
            await tokens.distrust(stand.records, MAKER)

    living(story)


def test_an_issuer_that_is_named_again_has_other_keys_and_the_old_ones_open_nothing():
    async def story(stand):
        await trust(stand)
        await look(stand)
        client = stand.signals.connect("client", stand.access(of_maker(stand)))
        other = KEYS["Ed25519"][0]
        await trust(stand, keys=other)
        async with client.subscribe([SPEED.number]) as heard:
            with pytest.raises(SignalTokenRefused):
                await _listen_for_ever(heard)
        with pytest.raises(SignalTokenRefused):
            stand.access(of_maker(stand))
        (known,) = await tokens.trusted(stand.records)
        assert [key["kty"] for key in known.keys] == ["OKP"]

    living(story)


def test_a_car_trusts_so_many_issuers_none_of_its_own_name_and_none_without_a_name_or_key():
    async def story(stand):
        for name in ("a", "b"):
            await trust(stand, name=name, issuers_max=2)
        with pytest.raises(SignalClientsFull):
            await trust(stand, name="c", issuers_max=2)
        await trust(stand, name="b", issuers_max=2)
        for wrong in (
            {"name": CAR_ID},
            {"name": ""},
            {"name": "x" * 257},
            {"name": "a\nb"},
            {"audience": ""},
            {"scope": "fly"},
        ):
            with pytest.raises(SignalTokenRefused):
                await trust(stand, **wrong)
        with pytest.raises(DocumentMalformed):
            await tokens.trust(
                stand.records, CAR_ID, MAKER, CAR_ID, "read", b"no key", 0, Random(1), 9
            )
        assert [each.name for each in await tokens.trusted(stand.records)] == ["a", "b"]

    living(story)
